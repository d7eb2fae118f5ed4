//! What is refused, with which words and where.

mod common;

use common::{estate, ran, record, refused, try_on};
use nvgre_netwnv::{Source, run};

/// The refusals of a script on one line each: `line:column [what is underlined] message (help)`.
#[track_caller]
fn refusals(text: &str) -> Vec<String> {
    let errors = try_on(&mut estate(), text).expect_err("this ran");
    let one = |error: &nvgre_netwnv::ScriptError| {
        let help = error
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        format!(
            "{}:{} [{}] {}{help}",
            error.place.line,
            error.place.column,
            &text[error.span.clone()],
            error.message
        )
    };
    errors.iter().map(one).collect()
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(refusals(text), [*expected], "{text}");
    }
}

/// A record with one of its parameters written otherwise.
fn with(from: &str, to: &str) -> String {
    record("").replace(from, to)
}

#[test]
fn a_message_shows_its_place_its_line_a_caret_and_help() {
    assert_eq!(
        refused("# one\n\tGet-VM Red11; Get-VMSwitch VM\n"),
        "policy.ps1:2:29: Statler has no switch \"VM\"\n  |\n2 | \tGet-VM Red11; Get-VMSwitch VM\n  | \t                           ^^\n  = help: did you mean VMs?\n"
    );
    assert_eq!(
        refused("New-NetVirtualizationLookupRecord -CustomerAddress -MACAddress"),
        "policy.ps1:1:35: -CustomerAddress has no value\n  |\n1 | New-NetVirtualizationLookupRecord -CustomerAddress -MACAddress\n  |                                   ^^^^^^^^^^^^^^^^\n"
    );
    let ten_lines = "\n".repeat(9) + "Get-VM 'é' | (\"x";
    assert_eq!(
        refused(&ten_lines),
        "policy.ps1:10:15: the text that starts here has no closing quote\n   |\n10 | Get-VM 'é' | (\"x\n   |               ^\n"
    );
    assert_eq!(
        refused("Get-VM |"),
        "policy.ps1:1:9: a command was expected here, not the end of the script\n  |\n1 | Get-VM |\n  |         ^\n"
    );
}

#[test]
fn all_mistakes_that_can_be_seen_are_told_and_none_twice() {
    assert_eq!(
        refusals(
            "$a = Get-Foo; Write-Host $a\nInvoke-Command Waldorf { Get-Bar; Get-Baz } -ArgumentList 1\nGet-VM X"
        ),
        [
            "1:6 [Get-Foo] the command Get-Foo is not understood",
            "2:1 [Invoke-Command] the block's Param() takes 0, and 1 are given",
            "3:8 [X] Statler has no VM \"X\"",
        ]
    );
}

#[test]
fn the_host_to_run_on_must_exist() {
    let errors = run(&Source::new("a.ps1", "Get-VM"), "Gonzo", &mut estate()).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "a.ps1:1:1: there is no host \"Gonzo\" to run this on"
    );
}

#[test]
fn numbers_addresses_and_names_that_are_none() {
    for (from, to, expected) in [
        (
            "5001",
            "5000000000",
            "1:78 [5000000000] -VirtualSubnetID: 5000000000 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)",
        ),
        (
            "5001",
            "4095",
            "1:78 [4095] -VirtualSubnetID: 4095 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)",
        ),
        (
            "5001",
            "16777215",
            "1:78 [16777215] -VirtualSubnetID: 16777215 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)",
        ),
        (
            "5001",
            "-1",
            "1:78 [-1] -VirtualSubnetID: -1 is no virtual subnet id: 4096 to 16777214 are (RFC 7637 s3.4)",
        ),
        (
            "5001",
            "\"x\"",
            "1:78 [\"x\"] -VirtualSubnetID: this wants a number (UInt32), not \"x\"",
        ),
        (
            "5001",
            "5001, 5002",
            "1:78 [5001, 5002] -VirtualSubnetID: this wants one value, not an array",
        ),
        (
            "10.0.0.5",
            "10.0.0.500",
            "1:52 [10.0.0.500] -CustomerAddress: \"10.0.0.500\" is refused: not an IPv4 or IPv6 address",
        ),
        (
            "192.168.4.11",
            "x",
            "1:125 [x] -ProviderAddress: \"x\" is refused: not an IPv4 or IPv6 address",
        ),
        (
            "00155D002009",
            "00155D00200",
            "1:95 [00155D00200] -MACAddress: \"00155D00200\" is refused: not a MAC address: twelve hex digits, with '-' or ':' between pairs or nothing",
        ),
        (
            "TranslationMethodEncap",
            "Encap",
            "1:144 [Encap] -Rule: \"Encap\" is none of TranslationMethodNat, TranslationMethodEncap, TranslationMethodNone",
        ),
        (
            "TranslationMethodEncap",
            "3",
            "1:144 [3] -Rule: \"3\" is none of TranslationMethodNat, TranslationMethodEncap, TranslationMethodNone",
        ),
        (
            "TranslationMethodEncap",
            "1 -UseVmMACAddress yes",
            "1:163 [yes] -UseVmMACAddress: this wants $true or $false, not \"yes\"",
        ),
        (
            "10.0.0.5",
            "$null",
            "1:52 [$null] -CustomerAddress: this is $null",
        ),
    ] {
        assert_eq!(refusals(&with(from, to)), [expected]);
    }
    let address = "New-NetVirtualizationProviderAddress -ProviderAddress 10.0.0.1 -InterfaceIndex 12 -PrefixLength";
    for (rest, expected) in [
        (
            "33",
            "1:97 [33] -PrefixLength: 33 is too long for 10.0.0.1: 0 to 32 are",
        ),
        (
            "256",
            "1:97 [256] -PrefixLength: 256 is out of range: 0 to 255 are (Byte)",
        ),
        (
            "24 -VlanID \"x\"",
            "1:108 [\"x\"] -VlanID: this wants a number (UInt16), not \"x\"",
        ),
        (
            "24 -VlanID 4095",
            "1:108 [4095] -VlanID: 4095 is no VLAN id: 1 to 4094 are, and 0 is none",
        ),
    ] {
        assert_eq!(refusals(&format!("{address} {rest}")), [expected]);
    }
    check(&[
        (
            "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{x}\"",
            "1:53 [\"{x}\"] -RoutingDomainID: \"{x}\" is no GUID, as in {7f3c0c44-5d5e-4c0a-9a5e-000000445566}",
        ),
        (
            "New-NetVirtualizationCustomerRoute -DestinationPrefix 10.0.0.0/33",
            "1:55 [10.0.0.0/33] -DestinationPrefix: \"10.0.0.0/33\" is refused: prefix length too long for its address",
        ),
        (
            "New-NetVirtualizationCustomerRoute -DestinationPrefix 10.0.0.0",
            "1:55 [10.0.0.0] -DestinationPrefix: \"10.0.0.0\" is refused: not a prefix: address/length, as in 10.0.0.0/24",
        ),
        (
            "Set-VMNetworkAdapter Red11 -VirtualSubnetId 4095",
            "1:45 [4095] -VirtualSubnetId: 4095 is no virtual subnet id: 4096 to 16777215 are, and 0 takes it away",
        ),
        (
            "Set-VMNetworkAdapter Red11 -DhcpGuard Maybe",
            "1:39 [Maybe] -DhcpGuard: \"Maybe\" is none of On, Off",
        ),
    ]);
}

#[test]
fn parameters_that_are_missing_unknown_ambiguous_or_too_many() {
    let r = record("");
    let r = r.trim_end();
    check(&[
        (
            "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 5001",
            "1:1 [New-NetVirtualizationLookupRecord] New-NetVirtualizationLookupRecord: -MACAddress, -ProviderAddress and -Rule are missing",
        ),
        (
            "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -NextHop ::",
            "1:1 [New-NetVirtualizationProviderRoute] New-NetVirtualizationProviderRoute: -DestinationPrefix is missing",
        ),
        (
            "Get-NetVirtualizationLookupRecord -Ruel x",
            "1:35 [-Ruel] Get-NetVirtualizationLookupRecord has no parameter -Ruel (did you mean -Rule?)",
        ),
        (
            "Get-NetVirtualizationLookupRecord -Quux x",
            "1:35 [-Quux] Get-NetVirtualizationLookupRecord has no parameter -Quux",
        ),
        (
            "Get-NetVirtualizationLookupRecord -Customer x",
            "1:35 [-Customer] -Customer is ambiguous (it may be -CustomerAddress or -CustomerID)",
        ),
        (
            "Get-NetVirtualizationLookupRecord Red11",
            "1:35 [Red11] Get-NetVirtualizationLookupRecord has no place for this value (put the parameter's name before it)",
        ),
        (
            "Get-NetVirtualizationLookupRecord -VMName a -vmname b",
            "1:53 [b] -VMName is given twice",
        ),
        (
            "Set-VMNetworkAdapter -VirtualSubnetId 5001",
            "1:1 [Set-VMNetworkAdapter] Set-VMNetworkAdapter: -VMName is missing (-VMName * means all VMs of the host)",
        ),
        (
            "Set-VMNetworkAdapter Red11 -PortMirroring Source",
            "1:28 [-PortMirroring] -PortMirroring: this setting is not modelled",
        ),
        (
            "Set-NetVirtualizationGlobal $true -WhatIf",
            "1:35 [-WhatIf] -WhatIf: it would change nothing; leave the command out instead",
        ),
        (
            "Get-NetVirtualizationLookupRecord -VMName Red[12]",
            "1:43 [Red[12]] -VMName: the wildcard [ is not understood, * and ? are",
        ),
        (
            "Enable-NetAdapterBinding Ethernet",
            "1:1 [Enable-NetAdapterBinding] Enable-NetAdapterBinding: -ComponentID is missing (-ComponentID ms_netwnv is the network virtualization filter)",
        ),
        (
            "Enable-NetAdapterBinding -ComponentID ms_netwnv",
            "1:1 [Enable-NetAdapterBinding] Enable-NetAdapterBinding: -Name or -InterfaceDescription is missing",
        ),
        (
            "Disable-NetAdapterBinding Ethernet -ComponentID ms_tcpip",
            "1:49 [ms_tcpip] -ComponentID: the component ms_tcpip is not modelled, ms_netwnv is",
        ),
    ]);
    assert_eq!(
        refusals(&format!("{r} -VMName")),
        ["1:167 [-VMName] -VMName has no value"]
    );
}

#[test]
fn names_that_nothing_has() {
    check(&[
        (
            "New-NetVirtualizationLookupRecrd",
            "1:1 [New-NetVirtualizationLookupRecrd] the command New-NetVirtualizationLookupRecrd is not understood (did you mean New-NetVirtualizationLookupRecord?)",
        ),
        (
            "Frobnicate-Everything",
            "1:1 [Frobnicate-Everything] the command Frobnicate-Everything is not understood",
        ),
        (
            "Invoke-Command -ComputerName Gonzo { Get-VM }",
            "1:30 [Gonzo] there is no host \"Gonzo\" (the hosts are Statler and Waldorf)",
        ),
        (
            "Set-VMNetworkAdapter Red12 -VirtualSubnetId 5001",
            "1:22 [Red12] Statler has no VM \"Red12\" (did you mean Red11?)",
        ),
        (
            "New-NetVirtualizationProviderRoute -InterfaceIndex 13 -DestinationPrefix ::/0 -NextHop ::",
            "1:52 [13] -InterfaceIndex: Statler has no NIC 13 (it has 12 (Ethernet))",
        ),
        (
            "Get-NetAdapter -InterfaceIndex 14",
            "1:32 [14] Statler has no NIC \"14\"",
        ),
        (
            "$x = (Get-VM Red11).Nam",
            "1:21 [Nam] a VM has no property Nam (did you mean Name?)",
        ),
        (
            "$x = (Get-VM Green*).Name",
            "1:22 [Name] there is nothing here that could have a property Name (what is before the dot found nothing)",
        ),
        ("Get-VM @params", "1:8 [@params] @params has no value"),
    ]);
}

#[test]
fn what_exists_already_and_what_contradicts_itself() {
    let twice = |text: &str| refusals(&format!("{text}\n{text}"));
    assert_eq!(
        twice(record("").trim_end()),
        [
            "2:1 [New-NetVirtualizationLookupRecord] the instance already exists: a lookup record for 10.0.0.5 in virtual subnet 5001 (the first is at policy.ps1:1:1)"
        ]
    );
    assert_eq!(
        twice(
            "New-NetVirtualizationCustomerRoute -RoutingDomainID 7f3c0c44-5d5e-4c0a-9a5e-000000445566 -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0"
        ),
        [
            "2:1 [New-NetVirtualizationCustomerRoute] the instance already exists: a customer route to 10.0.0.0/24 by 0.0.0.0 in virtual subnet 5001 (the first is at policy.ps1:1:1)"
        ]
    );
    assert_eq!(
        twice(
            "New-NetVirtualizationProviderAddress -ProviderAddress 10.0.0.1 -InterfaceIndex 12 -PrefixLength 24"
        ),
        [
            "2:1 [New-NetVirtualizationProviderAddress] the instance already exists: the provider address 10.0.0.1 (the first is at policy.ps1:1:1)"
        ]
    );
    assert_eq!(
        twice(
            "New-NetVirtualizationProviderRoute -InterfaceIndex 12 -DestinationPrefix 0.0.0.0/0 -NextHop 0.0.0.0"
        ),
        [
            "2:1 [New-NetVirtualizationProviderRoute] the instance already exists: a provider route to 0.0.0.0/0 by 0.0.0.0 (the first is at policy.ps1:1:1)"
        ]
    );
    assert_eq!(
        refusals(&record("-UseVmMACAddress $true")),
        [
            "1:184 [$true] -UseVmMACAddress $true goes with TranslationMethodNat only, and this record has TranslationMethodEncap (V-15)"
        ]
    );
    assert_eq!(
        refusals(&record("-Type L2Only")),
        [
            "1:52 [10.0.0.5] this record (L2Only) cannot have the customer address 10.0.0.5 (V-07) (write 0.0.0.0 or ::, or another -Type)"
        ]
    );
    assert_eq!(
        refusals(&record("-Type Static").replace("10.0.0.5", "::")),
        [
            "1:52 [::] a record of this type (Static) cannot have the customer address :: (V-07) (write a customer address, or -Type GatewayWildcard or L2Only)"
        ]
    );
    assert_eq!(
        refusals(
            "$r = Get-NetVirtualizationLookupRecord\nGet-VM | Remove-NetVirtualizationLookupRecord"
        ),
        [
            "2:10 [Remove-NetVirtualizationLookupRecord] Remove-NetVirtualizationLookupRecord works on lookup records, not on a VM"
        ]
    );
    let removed_twice = format!(
        "$r = {}\n$r | Remove-NetVirtualizationLookupRecord\n$r | Remove-NetVirtualizationLookupRecord",
        record("").trim_end()
    );
    assert_eq!(
        refusals(&removed_twice),
        ["3:6 [Remove-NetVirtualizationLookupRecord] one of these lookup records is there no more"]
    );
    check(&[(
        "Get-VM | New-NetVirtualizationCustomerRoute",
        "1:10 [New-NetVirtualizationCustomerRoute] New-NetVirtualizationCustomerRoute takes nothing from the pipeline",
    )]);
}

#[test]
fn filters_and_objects_do_not_go_together() {
    let advice = "does not go together with objects from a Get- (filter in the Get- already)";
    for (text, place) in [
        (
            "Get-NetVirtualizationLookupRecord | Remove-NetVirtualizationLookupRecord -VMName Red*",
            "1:82 [Red*] -VMName",
        ),
        (
            "Get-VMNetworkAdapter * | Set-VMNetworkAdapter -VMName Red11 -VirtualSubnetId 5001",
            "1:55 [Red11] -VMName",
        ),
        (
            "Get-NetAdapter | Enable-NetAdapterBinding -Name Ethernet -ComponentID ms_netwnv",
            "1:49 [Ethernet] -Name",
        ),
    ] {
        assert_eq!(refusals(text), [format!("{place} {advice}")]);
    }
}

#[test]
fn a_guid_must_be_written_out() {
    let advice = "write the GUID as a text, \"{7f3c0c44-5d5e-4c0a-9a5e-000000445566}\"";
    let refusal = |column: u32, what: &str| {
        format!(
            "1:{column} [{what}] [guid] is not understood: a new GUID would differ from run to run ({advice})"
        )
    };
    for (text, column, what) in [
        ("$id = [guid]::NewGuid()", 7, "[guid]"),
        (
            "$id = \"{\" + [System.Guid]::NewGuid() + \"}\"",
            13,
            "[System.Guid]",
        ),
        ("$id = \"{$([Guid]::NewGuid())}\"", 11, "[Guid]"),
        ("Write-Host [guid]::NewGuid()", 12, "[guid]"),
    ] {
        assert_eq!(refusals(text), [refusal(column, what)], "{text}");
    }
    assert!(refusals("$id = New-Guid")[0].contains("would differ from run to run"));
}

#[test]
fn variables_without_a_value() {
    check(&[
        ("$y = $Rdid", "1:6 [$Rdid] $Rdid has no value"),
        (
            "$redVsid = 1; Write-Host $redVsd",
            "1:26 [$redVsd] $redVsd has no value (did you mean $redvsid?)",
        ),
        (
            "$v = 1; Invoke-Command Waldorf { Write-Host $v }",
            "1:45 [$v] $v has no value (a block for another host sees it as $using:v, or through -ArgumentList and Param())",
        ),
        (
            "Write-Host $using:x",
            "1:12 [$using:x] $using: has a meaning only in a block for another host",
        ),
        (
            "Invoke-Command Waldorf { Write-Host $using:x }",
            "1:37 [$using:x] $x has no value outside the block",
        ),
        (
            "Invoke-Command Waldorf { Param($a, $b) } -ArgumentList 1",
            "1:1 [Invoke-Command] no argument for the block's parameter $b (give one value for each parameter with -ArgumentList)",
        ),
        (
            "Write-Host $_",
            "1:12 [$_] $_ has a value only in the block of Where-Object",
        ),
        ("$x = (1,2)[5]", "1:12 [5] there is no such item: 2 are"),
        (
            "$x = (1,2)[9223372036854775807]",
            "1:12 [9223372036854775807] there is no such item: 2 are",
        ),
        (
            "$x = \"$(Get-VM Red11)\"",
            "1:7 [$(Get-VM Red11)] a VM cannot stand in a text (name one of its properties, as in \"$($vm.Name)\")",
        ),
        (
            "$x = 1 + 'a'",
            "1:10 ['a'] this cannot be added to a number (to join texts, begin with a text)",
        ),
    ]);
}

#[test]
fn constructs_outside_the_subset_are_named() {
    let loops = "(write the commands one after the other, without loops, conditions and functions)";
    for word in [
        "if", "foreach", "while", "function", "try", "switch", "return", "exit",
    ] {
        let refusal = format!("1:1 [{word}] '{word}' is not understood {loops}");
        assert_eq!(refusals(&format!("{word} ($x) {{ }}")), [refusal]);
    }
    let operators = "(-eq, -ne, -like and -notlike are, one in an expression)";
    check(&[
        (
            "$x = 'a' -match 'b'",
            &format!("1:10 [-match] the operator -match is not understood {operators}"),
        ),
        (
            "$x = '{0}' -f 1",
            &format!("1:12 [-f] the operator -f is not understood {operators}"),
        ),
        (
            "Get-VM | ? { $_.A -eq 1 -and $_.B -eq 2 }",
            "1:25 [-and] the operator -and is not understood here (an expression holds one comparison)",
        ),
        (
            "Get-VM | ? { Get-VM }",
            "1:12 [{ Get-VM }] this condition is not understood (one comparison is, as in { $_.VMName -like \"Red*\" })",
        ),
        (
            "Get-VM | ForEach-Object { $_ }",
            "1:10 [ForEach-Object] the command ForEach-Object is not understood (pipe the objects straight into Set- or Remove-)",
        ),
        (
            "Get-VM | $x",
            "1:10 [$x] a command was expected behind '|', not a value",
        ),
        (
            "$x += 1",
            "1:4 [+=] += is not understood (write $name = ...)",
        ),
        (
            "$x.Name = 1",
            "1:1 [$x.Name] only a plain variable can be assigned to",
        ),
        (
            "$true = 1",
            "1:1 [$true] this variable cannot be assigned to",
        ),
        ("$x = 1 * 2", "1:8 [*] the operator * is not understood"),
        ("$x = 5 - 2", "1:8 [-] the operator - is not understood"),
        (
            "$x = 1.5",
            "1:6 [1.5] 1.5 is no whole number (texts stand in quotes)",
        ),
        (
            "$x = 99999999999999999999",
            "1:6 [99999999999999999999] 99999999999999999999 is no whole number (texts stand in quotes)",
        ),
        (
            "[datetime]$x = 5",
            "1:1 [[datetime]] the type [datetime] is not understood",
        ),
        (
            "$x = [math]::Max(1,2)",
            "1:6 [[math]] static members, as of [math], are not understood",
        ),
        (
            "$x = $vm.ToString()",
            "1:10 [ToString] the method ToString() is not understood",
        ),
        (
            "$x = $script:y",
            "1:6 [$script:y] $script:y is not understood ($using:name and $env:COMPUTERNAME are; before a colon in a text write ${name})",
        ),
        (
            "$x = \"$vm: up\"",
            "1:7 [$vm] a variable right before a colon is not understood (write ${vm}:)",
        ),
        (
            "Get-VM $a$b",
            "1:10 [$] '$' directly behind a value is not understood (write the whole value in double quotes, as in \"$net/24\" or \"$($vm.Name)-1\")",
        ),
        (
            "Get-VM > file.txt",
            "1:8 [> file.txt] only a redirection to $null is understood",
        ),
        (
            "& .\\other.ps1",
            "1:1 [&] the call operator & is not understood (write the commands of the other script or block here)",
        ),
        ("Get-VM && Get-VM", "1:8 [&&] && is not understood"),
        (
            "Enter-PSSession Waldorf",
            "1:1 [Enter-PSSession] the command Enter-PSSession is not understood (use Invoke-Command -ComputerName HOST { ... })",
        ),
    ]);
}

#[test]
fn what_is_opened_and_not_closed() {
    check(&[
        (
            "$x = 'abc",
            "1:6 ['] the text that starts here has no closing quote",
        ),
        (
            "Write-Host “abc",
            "1:12 [“] the text that starts here has no closing quote",
        ),
        ("Write-Host \"abc $(Get-VM", "1:18 [(] no ')' closes this"),
        ("Get-VM (Get-VM", "1:8 [(] no ')' closes this"),
        (
            "Invoke-Command Waldorf {\nGet-VM",
            "1:24 [{] no '}' closes this",
        ),
        ("Get-VM )", "1:8 [)] ')' is not understood here"),
        ("Get-VM }", "1:8 [}] '}' is not understood here"),
        ("<# abc", "1:1 [<#] the comment that starts here has no end"),
        (
            "$x = @\"\nabc",
            "1:6 [@\"] the here-string that starts here has no end",
        ),
        (
            "$x = @\"abc\"@",
            "1:6 [@\"] the text of a here-string starts on the next line",
        ),
        (
            "$x = @{ a = 1; A = 2 }",
            "1:16 [A] A is in this hashtable twice",
        ),
        (
            "$x = @{ a 1 }",
            "1:11 [1] '=' was expected behind a, not '1'",
        ),
        (
            "Get-VM ` \n Red11",
            "1:8 [`] blanks behind the backtick (a backtick continues a line only as its last character)",
        ),
    ]);
}

#[test]
fn nesting_texts_and_arrays_have_limits() {
    let deep = format!("$x = {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(refusals(&deep)[0].ends_with("nested more than 64 deep"));
    for piece in [
        "\"$(",
        "@{ a = ",
        "@(",
        "{ ",
        "[int]",
        "$x[",
        "Get-VM (",
        "Get-VM { ",
    ] {
        let refusals = refusals(&format!("$x = {}", piece.repeat(5000)));
        assert!(refusals[0].ends_with("nested more than 64 deep"), "{piece}");
    }
    assert_eq!(refusals(&"x".repeat(100_000)).len(), 1);
    let doubled = "$a = 'xxxxxxxxxxxxxxxx'\n".to_owned() + &"$a = $a + $a\n".repeat(60);
    assert_eq!(
        refusals(&doubled),
        ["14:11 [$a] a text of more than 65536 bytes"],
    );
    let doubled = "$a = 1, 2\n".to_owned() + &"$a = $a, $a\n".repeat(60);
    assert_eq!(
        refusals(&doubled),
        ["16:6 [$a, $a] more than 65536 values in one"]
    );
}

#[test]
fn a_record_that_was_removed_can_be_made_again_once() {
    let new = record("");
    let new = new.trim_end();
    let remove = "Get-NetVirtualizationLookupRecord | Remove-NetVirtualizationLookupRecord";
    let (estate, _) = ran(&format!("{new}\n{remove}\n{new}"));
    assert_eq!(estate.hosts[0].records.len(), 1);
    let again = refused(&format!("{new}\n{remove}\n{new}\n{new}"));
    assert!(
        again.contains("the instance already exists") && again.contains("policy.ps1:3:1"),
        "{again}"
    );
}
