//! As many lookup records as one likes, in the two languages.

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

/// Virtual subnets that the records are spread over.
const SUBNETS: u32 = 64;

/// Hosts that they are spread over.
const HOSTS: u32 = 1_000;

/// What comes first in the script: without a binding no record is in force.
const BINDING: &str =
    "Get-NetAdapter \"Ethernet\" | Enable-NetAdapterBinding -ComponentID ms_netwnv\n";

pub(crate) fn write(folder: &Path, count: u32) -> io::Result<()> {
    let (mut script, mut rules) = (BINDING.to_owned(), String::new());
    for guest in 0..count {
        let vsid = 5_001 + guest % SUBNETS;
        let customer = Ipv4Addr::from(0x0a00_0002 + guest);
        let provider = Ipv4Addr::from(0xac10_0001 + guest % HOSTS);
        let [_, a, b, c] = guest.to_be_bytes();
        let _ = writeln!(
            script,
            "New-NetVirtualizationLookupRecord -VirtualSubnetID {vsid} -CustomerAddress \"{customer}\" \
             -MACAddress \"00-15-5D-{a:02X}-{b:02X}-{c:02X}\" -ProviderAddress \"{provider}\" \
             -Rule \"TranslationMethodEncap\""
        );
        let _ = writeln!(
            rules,
            "ip,tun_id={:#x},nw_dst={customer},actions=set_field:{provider}->tun_dst,output:1",
            vsid << 8
        );
    }
    fs::write(folder.join("records.ps1"), script)?;
    fs::write(folder.join("records.rules"), rules)
}
