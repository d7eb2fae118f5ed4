//! A small network in text, as users write it, and frames from etherparse.

#![allow(dead_code)] // every test file uses a part of it

use std::io;

use etherparse::PacketBuilder;
use nvgre_sim::{Model, Scenario, World};
use nvgre_wire::MacAddress;

/// Two tenants with the same addresses and MACs on two hosts, a pass-through guest on each, and a
/// multicast group for Red's subnet. `more` goes behind it.
pub(crate) fn scenario_text(more: &str) -> String {
    let mut text = r#"name = "small"
[underlay]
mtu_bytes = 1600
"#
    .to_owned();
    for (tenant, vsid) in [("Red", 6001), ("Blue", 5001)] {
        text += &format!(
            "[[tenant]]\nname = \"{tenant}\"\n\
             routing_domain = \"{{5d2f6a10-0000-4000-8000-00000000{vsid}}}\"\n\
             virtual_subnets = [{vsid}]\n"
        );
        if tenant == "Red" {
            text += "bum_group = { 6001 = \"239.1.1.1\" }\n";
        }
    }
    text += "[[tenant]]\nname = \"Nobody\"\nvirtual_subnets = []\n\
             routing_domain = \"{5d2f6a10-0000-4000-8000-000000000000}\"\n";
    for host in 1..=2 {
        text += &format!(
            "[[host]]\nname = \"host{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\n\
             policy = [\"host{host}.ps1\", \"tenants.ps1\"]\n"
        );
    }
    for (name, host, last, vsid) in GUESTS {
        text += &format!(
            "[[guest]]\nname = \"{name}\"\ntenant = \"{}\"\nhost = \"host{host}\"\n\
             mac = \"00155D0000{last:02X}\"\naddresses = [\"10.0.0.{last}/24\"]\nvirtual_subnet = {vsid}\n",
            match vsid {
                6001 => "Red",
                5001 => "Blue",
                _ => "Nobody",
            }
        );
    }
    text + more
}

/// Name, host, last byte of address and MAC, VSID.
pub(crate) const GUESTS: [(&str, usize, u8, u32); 8] = [
    ("Red1", 1, 5, 6001),
    ("Red2", 2, 7, 6001),
    ("Blue1", 1, 5, 5001),
    ("Blue2", 2, 7, 5001),
    ("Blue3", 1, 9, 5001),
    ("Plain1", 1, 21, 0),
    ("Plain2", 2, 22, 0),
    ("Local1", 1, 31, 16_777_215),
];
pub(crate) const RED1: usize = 0;
pub(crate) const RED2: usize = 1;
pub(crate) const BLUE1: usize = 2;
pub(crate) const BLUE2: usize = 3;
pub(crate) const BLUE3: usize = 4;
pub(crate) const PLAIN1: usize = 5;
pub(crate) const PLAIN2: usize = 6;

/// The scripts of [`scenario_text`].
pub(crate) fn script(file: &str) -> io::Result<String> {
    Ok(match file {
        "host1.ps1" => host_script(1),
        "host2.ps1" => host_script(2),
        "tenants.ps1" => {
            let mut text = String::new();
            for (tenant, vsid) in [("Red", 6001), ("Blue", 5001)] {
                text += &format!(
                    "New-NetVirtualizationCustomerRoute -RoutingDomainID \"{{5d2f6a10-0000-4000-8000-00000000{vsid}}}\" \
                     -VirtualSubnetID {vsid} -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255 # {tenant}\n"
                );
            }
            for (name, host, last, vsid) in GUESTS {
                if vsid == 6001 || vsid == 5001 {
                    text += &record(name, vsid, last, host);
                }
            }
            text
        }
        other => return Err(io::Error::new(io::ErrorKind::NotFound, other.to_owned())),
    })
}

pub(crate) fn host_script(host: usize) -> String {
    format!(
        "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
         New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} -InterfaceIndex 2 -PrefixLength 24\n"
    )
}

pub(crate) fn record(name: &str, vsid: u32, last: u8, host: usize) -> String {
    format!(
        "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.{last} -VirtualSubnetID {vsid} \
         -MACAddress 00155D0000{last:02X} -ProviderAddress 192.0.2.{host} \
         -Rule TranslationMethodEncap -VMName {name}\n"
    )
}

pub(crate) fn model_of(text: &str, read: &dyn Fn(&str) -> io::Result<String>) -> Model {
    let scenario =
        Scenario::parse("small.toml", text).unwrap_or_else(|errors| panic!("{errors:?}"));
    Model::new(scenario, read).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn model() -> Model {
    model_of(&scenario_text(""), &script)
}

pub(crate) fn world_of(text: &str, read: &dyn Fn(&str) -> io::Result<String>) -> World {
    World::new(model_of(text, read))
}

pub(crate) fn mac(last: u8) -> MacAddress {
    MacAddress::new([0x00, 0x15, 0x5d, 0, 0, last])
}

pub(crate) fn host_mac(host: u8) -> MacAddress {
    MacAddress::new([0x02, 0, 0xc0, 0, 2, host])
}

/// A UDP packet between two last bytes, in an Ethernet frame.
pub(crate) fn udp(from: u8, to: u8) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(mac(from).octets(), mac(to).octets())
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .udp(4_000, 5_000);
    let mut frame = Vec::new();
    builder.write(&mut frame, b"payload").expect("a vector");
    frame
}

/// An ARP request.
pub(crate) fn question(from: u8, to: u8) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(mac(from).octets());
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac(from).octets());
    frame.extend([10, 0, 0, from, 0, 0, 0, 0, 0, 0, 10, 0, 0, to]);
    frame
}

pub(crate) fn broadcast(from: u8) -> Vec<u8> {
    let mut frame = udp(from, 255);
    frame[..6].fill(0xff);
    frame
}

/// What an NVGRE endpoint on the host of `from` would have sent to that of `to`.
pub(crate) fn nvgre(from: u8, to: u8, vsid: u32, inner: &[u8]) -> Vec<u8> {
    let mut gre = vec![0x20, 0, 0x65, 0x58];
    gre.extend((vsid << 8).to_be_bytes());
    gre.extend(inner);
    let builder = PacketBuilder::ethernet2(host_mac(from).octets(), host_mac(to).octets()).ipv4(
        [192, 0, 2, from],
        [192, 0, 2, to],
        64,
    );
    let mut frame = Vec::new();
    builder
        .write(&mut frame, etherparse::IpNumber::GRE, &gre)
        .expect("a vector");
    frame
}
