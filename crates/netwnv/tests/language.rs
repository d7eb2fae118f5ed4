//! What of PowerShell is understood: each test is one feature.

mod common;

use common::{estate, on, ran, record, records, refused};

/// Runs a script that leaves one record, and gives the VMName it wrote.
#[track_caller]
fn label_of(set_up: &str, expression: &str) -> String {
    let (estate, _) = ran(&format!(
        "{set_up}\n{}",
        record(&format!("-VMName {expression}"))
    ));
    estate.hosts[0].records[0]
        .labels
        .vm_name()
        .unwrap()
        .to_owned()
}

#[test]
fn comments_blocks_of_comments_and_blank_lines_say_nothing() {
    let text = format!(
        "\u{feff}# one\n<# two\n# still two #>\n\n;; {} # end",
        record("").trim_end()
    );
    let (estate, _) = ran(&format!("{text}\n{}", "#"));
    assert_eq!(estate.hosts[0].records.len(), 1);
    assert_eq!(ran("").0, common::estate());
}

#[test]
fn a_number_sign_inside_a_word_starts_no_comment() {
    assert_eq!(label_of("", "a#b # comment"), "a#b");
}

#[test]
fn commands_and_parameters_ignore_case_and_parameters_may_be_shortened() {
    let (estate, _) = ran(
        "new-netvirtualizationLOOKUPrecord -customera 10.0.0.5 -virt 5001 -MAC 00155D002009 -prov 192.168.4.11 -rule translationmethodENCAP -vm Red11",
    );
    assert_eq!(
        records(&estate, "statler"),
        ["0 5001 10.0.0.5 192.168.4.11 Red11"]
    );
}

#[test]
fn a_backtick_at_the_end_of_a_line_continues_it() {
    assert_eq!(label_of("", "`\r\n  Red11 `\n -Context `\n x"), "Red11");
}

#[test]
fn a_pipeline_may_break_behind_its_bar() {
    let (estate, _) = ran(
        "Get-VMNetworkAdapter Red* | # these\n\n  Where-Object { $_.VMName -eq 'red11' } |\n Set-VMNetworkAdapter -VirtualSubnetId 5001",
    );
    assert!(estate.hosts[0].adapters[0].place.is_some());
    assert!(estate.hosts[0].adapters[1].place.is_none());
}

#[test]
fn semicolons_separate_commands() {
    let (estate, _) = ran("$a = 1; Set-VMNetworkAdapter Red11 -VirtualSubnetId 5001; $b = 2");
    assert!(estate.hosts[0].adapters[0].place.is_some());
}

#[test]
fn variables_ignore_case() {
    assert_eq!(label_of("$RedVm = 'Red11'", "$REDVM"), "Red11");
    assert_eq!(label_of("${red} = 'Red11'", "${RED}"), "Red11");
}

#[test]
fn single_quotes_keep_everything_and_double_themselves() {
    assert_eq!(label_of("", "'it''s `n $x'"), "it's `n $x");
}

#[test]
fn double_quotes_take_variables_properties_and_escapes() {
    let set_up = "$n = 11; $vm = Get-VM Red11";
    assert_eq!(label_of(set_up, "\"Red$n\""), "Red11");
    assert_eq!(label_of(set_up, "\"$($vm.Name)-${n}x\""), "Red11-11x");
    assert_eq!(label_of(set_up, "\"a`tb`\"c\"\"d`$n\""), "a\tb\"c\"d$n");
    assert_eq!(label_of(set_up, "\"5 $ and $n.Name\""), "5 $ and 11.Name");
    assert_eq!(label_of("$x = 1,2", "\"$x\""), "1 2");
}

#[test]
fn typographic_quotes_and_dashes_are_the_plain_ones() {
    assert_eq!(label_of("", "“Red11”"), "Red11");
    assert_eq!(label_of("", "\"“"), "");
    assert_eq!(label_of("", "‘Red11’"), "Red11");
    let (estate, _) = ran("Set–VMNetworkAdapter —VMName Red11 ―VirtualSubnetId 5001");
    assert!(estate.hosts[0].adapters[0].place.is_some());
}

#[test]
fn here_strings_keep_their_lines() {
    assert_eq!(
        label_of("$n = 'x'\n$t = @\"\na \"$n\"\nb\n\"@", "$t"),
        "a \"x\"\nb"
    );
    assert_eq!(label_of("$t = @'\na $n\r\n'@", "$t"), "a $n");
    assert_eq!(label_of("$t = @'\n'@", "$t"), "");
}

#[test]
fn texts_and_numbers_add_up() {
    assert_eq!(label_of("$a = 'Red' + \"1\" + 1", "$a"), "Red11");
    assert_eq!(label_of("$a = 5 + 6", "$a"), "11");
    assert_eq!(label_of("", "('Red' + '11')"), "Red11");
}

#[test]
fn a_bare_number_keeps_its_zeros_where_a_text_is_wanted() {
    let (estate, _) = ran(&record("").replace("00155D002009", "001550002009"));
    assert_eq!(
        estate.hosts[0].records[0].record.mac.to_string(),
        "001550002009"
    );
}

#[test]
fn numbers_may_be_hexadecimal_and_have_units() {
    assert_eq!(label_of("$n = 0x1389", "\"$n\""), "5001");
    let (estate, _) =
        ran("Set-VMNetworkAdapter Red11 -VirtualSubnetId 0x1389 -MaximumBandwidth 10MB");
    let adapter = &estate.hosts[0].adapters[0];
    assert_eq!(format!("{:?}", adapter.subnet), "Tenant(vsid 5001)");
    assert_eq!(adapter.maximum_bandwidth_bits_per_second, 10 << 20);
}

#[test]
fn a_guid_in_braces_needs_no_quotes() {
    let (estate, _) = ran(
        "New-NetVirtualizationCustomerRoute -RoutingDomainID {7f3c0c44-5d5e-4c0a-9a5e-000000445566} -VirtualSubnetID 5001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0",
    );
    let route = &estate.hosts[0].customer_routes[0].route;
    assert_eq!(
        route.routing_domain.to_string(),
        "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}"
    );
    assert!(route.is_on_link());
    assert_eq!(route.metric, 0);
}

#[test]
fn a_value_may_follow_a_colon() {
    assert_eq!(label_of("", "x -Confirm:$false -Context:y"), "x");
}

#[test]
fn hashtables_are_splatted() {
    let (estate, _) = ran(
        "$key = @{ CustomerAddress = '10.0.0.5'; VirtualSubnetID = 5001\n 'MACAddress' = '00155D002009' }\nNew-NetVirtualizationLookupRecord @key -ProviderAddress 192.168.4.11 -Rule 1",
    );
    assert_eq!(records(&estate, "Statler").len(), 1);
}

#[test]
fn arrays_are_several_values_of_a_filter() {
    let (mut estate, _) = ran(&record(""));
    on(&mut estate, &record("").replace("5001", "5002"));
    on(&mut estate, &record("").replace("5001", "5003"));
    on(
        &mut estate,
        "Remove-NetVirtualizationLookupRecord -VirtualSubnetID 5001, 5003",
    );
    assert_eq!(
        records(&estate, "Statler"),
        ["1 5002 10.0.0.5 192.168.4.11 -"]
    );
    on(
        &mut estate,
        "$v = @(5002)\nRemove-NetVirtualizationLookupRecord -VirtualSubnetID $v",
    );
    assert!(records(&estate, "Statler").is_empty());
}

#[test]
fn properties_of_commands_and_their_elements() {
    assert_eq!(label_of("", "(Get-VM Blue11).Name"), "Blue11");
    assert_eq!(label_of("$all = Get-VM", "$all[1].Name"), "Red22");
    assert_eq!(label_of("$all = Get-VM", "$all.Name[-1]"), "Blue22");
    assert_eq!(label_of("$all = Get-VM", "$all.Count"), "4");
    assert_eq!(
        label_of(
            "$d = (Get-VMSwitch VMs).NetAdapterInterfaceDescription",
            "$d"
        ),
        "Intel(R) 82579LM Gigabit"
    );
    assert_eq!(
        label_of("", "(Get-NetAdapter -ifIndex 12).MacAddress"),
        "00-15-5D-00-0A-0B"
    );
}

#[test]
fn objects_remember_what_they_were_when_they_were_got() {
    let script = format!(
        "{}$old = Get-NetVirtualizationLookupRecord\n$old | Remove-NetVirtualizationLookupRecord\n{}",
        record("-VMName Red11"),
        record("-VMName $old.VMName").replace("10.0.0.5", "$old.CustomerAddress")
    );
    let (estate, _) = ran(&script);
    assert_eq!(
        records(&estate, "Statler"),
        ["1 5001 10.0.0.5 192.168.4.11 Red11"]
    );
}

#[test]
fn where_object_compares_one_property() {
    for condition in [
        "{ $_.VMName -like \"Red*\" }",
        "{ $_.VMName -notlike \"blue*\" }",
        "VMName -like Red*",
        "{ $_.Name -eq 'network adapter' } | ? { $_.VMName -ne 'Blue11' } | where VMName -NE blue22",
        "{ $_.VirtualSubnetId -eq 0 } | Select-Object -First 2",
        "{ $true -eq $true } | Select-Object VMName | select -First 2",
    ] {
        let (estate, _) = ran(&format!(
            "Get-VMNetworkAdapter * | Where-Object {condition} | Set-VMNetworkAdapter -VirtualSubnetId 5001"
        ));
        let set: Vec<_> = estate.hosts[0]
            .adapters
            .iter()
            .filter(|adapter| adapter.place.is_some())
            .map(|adapter| adapter.vm_name.as_str())
            .collect();
        assert_eq!(set, ["Red11", "Red22"], "{condition}");
    }
}

#[test]
fn select_object_can_expand_a_property() {
    assert_eq!(
        label_of(
            "$n = Get-VM Red22 | Select-Object -ExpandProperty Name",
            "$n"
        ),
        "Red22"
    );
}

#[test]
fn output_may_go_to_null() {
    ran("Get-VM > $null; Get-VM | Out-Null; $null = Get-VM; Get-VM 2>$null");
}

#[test]
fn casts_of_texts_and_numbers() {
    assert_eq!(label_of("[string]$a = 5\n[int]$b = '6'", "\"$a$b\""), "56");
    assert_eq!(label_of("$a = [int]\"7\" + 1", "$a"), "8");
}

#[test]
fn blocks_for_other_hosts_reach_only_those() {
    for target in [
        "-ComputerName Waldorf",
        "Waldorf",
        "-cn waldorf -ScriptBlock",
    ] {
        let (estate, _) = ran(&format!("Invoke-Command {target} {{\n{} }}", record("")));
        assert!(records(&estate, "Statler").is_empty(), "{target}");
        assert_eq!(records(&estate, "WALDORF").len(), 1, "{target}");
    }
    let (estate, _) = ran(&format!(
        "$s = New-PSSession -ComputerName Waldorf\nInvoke-Command -Session $s -ScriptBlock {{ {} }}\nInvoke-Command $s {{ Get-VM }}\nRemove-PSSession $s",
        record("")
    ));
    assert!(records(&estate, "Statler").is_empty());
    assert_eq!(records(&estate, "Waldorf").len(), 1);
}

#[test]
fn a_block_without_a_host_runs_here_and_sees_the_variables() {
    let (estate, _) = ran(&format!(
        "$n = 'Red11'; Invoke-Command -ScriptBlock {{ {} }}",
        record("-VMName $n")
    ));
    assert_eq!(
        records(&estate, "Statler"),
        ["0 5001 10.0.0.5 192.168.4.11 Red11"]
    );
}

#[test]
fn blocks_take_arguments_by_param() {
    let (estate, _) = ran(&format!(
        "$vm = 'Red'\nInvoke-Command Waldorf {{\n Param([string]$a, $b, $c = 'x')\n {} }} -ArgumentList $vm, 11",
        record("-VMName \"$a$b$c\"")
    ));
    assert_eq!(
        records(&estate, "Waldorf"),
        ["0 5001 10.0.0.5 192.168.4.11 Red11x"]
    );
}

#[test]
fn blocks_see_the_callers_variables_by_using() {
    let (estate, _) = ran(&format!(
        "$vm = 'Red11'\nInvoke-Command Waldorf, Statler {{ {} }}",
        record("-VMName $using:vm -Context $env:COMPUTERNAME")
    ));
    for host in &estate.hosts {
        assert_eq!(host.records[0].labels.vm_name(), Some("Red11"));
        assert_eq!(host.records[0].labels.context(), Some(host.name.as_str()));
    }
}

#[test]
fn a_session_keeps_its_variables() {
    let (estate, _) = ran(&format!(
        "$s = New-PSSession Waldorf; icm -Session $s {{ $vm = 'Red11' }}; icm -Session $s {{ {} }}",
        record("-VMName $vm")
    ));
    assert_eq!(
        records(&estate, "Waldorf"),
        ["0 5001 10.0.0.5 192.168.4.11 Red11"]
    );
}

#[test]
fn what_a_remote_block_hands_back_has_properties_and_no_link() {
    let set_up = "$sw = Invoke-Command Waldorf { Get-VMSwitch VMs }";
    assert_eq!(
        label_of(set_up, "$sw.NetAdapterInterfaceDescription"),
        "Broadcom NetXtreme 57xx"
    );
    let script = "Invoke-Command Waldorf { Get-NetAdapter } | Enable-NetAdapterBinding -ComponentID ms_netwnv";
    assert!(refused(script).contains("does not work on a hashtable or copied object"));
}

#[test]
fn commands_reach_another_host_by_cim_session_and_computer_name() {
    let (estate, _) = ran(&format!(
        "$c = New-CimSession Waldorf\n{}Enable-NetAdapterBinding Ethernet -ComponentID ms_netwnv -CimSession Waldorf\nGet-NetVirtualizationLookupRecord -CimSession $c | Set-NetVirtualizationLookupRecord -VMName Red22",
        record("-CimSession $c")
    ));
    assert!(records(&estate, "Statler").is_empty());
    assert_eq!(
        records(&estate, "Waldorf"),
        ["0 5001 10.0.0.5 192.168.4.11 Red22"]
    );
    assert!(estate.hosts[1].nics[0].wnv_bound && !estate.hosts[0].nics[0].wnv_bound);
    let mut estate = self::estate();
    let moved = estate.hosts[0].adapters.remove(0);
    estate.hosts[1].adapters.push(moved);
    on(
        &mut estate,
        "Set-VMNetworkAdapter -ComputerName Waldorf Red11 -VirtualSubnetId 5001",
    );
    assert!(estate.hosts[1].adapters[0].place.is_some());
}

#[test]
fn display_only_commands_are_listed_once_each_and_their_arguments_are_read() {
    let (estate, report) = ran(
        "Write-Host \"a $(Set-VMNetworkAdapter Red11 -VirtualSubnetId 5001)\" -ForegroundColor Green\nGet-VM | ft Name, @{ Label = 'x'; Expression = { $_.Name } } -AutoSize\nwrite-host b\nping -n 4 10.0.0.1; ipconfig /all\nsleep 5; $x = Read-Host 'Go on?'; vmconnect.exe localhost \"Red11\"; Get-VM | Format-List * | Out-String",
    );
    let listed: Vec<_> = report
        .display_only
        .iter()
        .map(|(place, name)| format!("{place} {name}"))
        .collect();
    assert_eq!(
        listed,
        [
            "policy.ps1:1:1 Write-Host",
            "policy.ps1:2:10 ft",
            "policy.ps1:4:1 ping",
            "policy.ps1:4:21 ipconfig",
            "policy.ps1:5:1 sleep",
            "policy.ps1:5:15 Read-Host",
            "policy.ps1:5:35 vmconnect.exe",
            "policy.ps1:5:77 Format-List",
            "policy.ps1:5:93 Out-String",
        ]
    );
    assert!(
        estate.hosts[0].adapters[0].place.is_some(),
        "the command in the text ran"
    );
}
