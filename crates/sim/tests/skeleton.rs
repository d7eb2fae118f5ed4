//! What a capture shows, and what is guessed from it. Frames are built by etherparse; the GRE header
//! between outer and inner packet is written from the figure of RFC 7637 section 3.2.

use std::net::{IpAddr, Ipv4Addr};

use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, IpNumber, PacketBuilder};
use nvgre_capture::{LinkType, Packet, PacketOptions};
use nvgre_sim::{Model, Scenario, Skeleton, SkeletonError, SkeletonGuest, Survey};

type Mac = [u8; 6];

const RED: u32 = 445_566;
const A: Mac = [0x00, 0x15, 0x5d, 0, 0, 0x0a];
const B: Mac = [0x00, 0x15, 0x5d, 0, 0, 0x0b];
const GATEWAY: Mac = [0x00, 0x15, 0x5d, 0, 0, 0xfe];
/// Provider addresses 192.0.2.N, at MACs that end in N.
const ONE: u8 = 1;
const TWO: u8 = 2;

/// A capture in the making.
#[derive(Default)]
struct Captured(Survey, u64);

impl Captured {
    fn frame(&mut self, data: &[u8]) -> &mut Self {
        self.1 += 1;
        let packet = Packet {
            number: self.1,
            time_ns: 0,
            interface: 0,
            interface_name: None,
            link_type: LinkType::ETHERNET,
            original_len: data.len() as u32,
            data,
            options: PacketOptions::NONE,
        };
        self.0.packet(&packet).expect("Ethernet is looked into");
        self
    }

    /// An NVGRE frame of subnet `vsid` from provider 192.0.2.`from` to 192.0.2.`to`.
    fn nvgre(&mut self, vsid: u32, from: u8, to: u8, inner: &[u8]) -> &mut Self {
        let [_, high, middle, low] = vsid.to_be_bytes();
        let mut gre = vec![0x20, 0x00, 0x65, 0x58, high, middle, low, 0];
        gre.extend(inner);
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2, 0, 0, 0, 0, from], [2, 0, 0, 0, 0, to])
            .ipv4([192, 0, 2, from], [192, 0, 2, to], 64)
            .write(&mut frame, IpNumber::GRE, &gre)
            .expect("a frame");
        self.frame(&frame)
    }

    fn skeleton(&mut self) -> Skeleton {
        std::mem::take(&mut self.0).finish().expect("a skeleton")
    }
}

/// A UDP frame from one address to another.
fn udp(from: (Mac, &str), to: (Mac, &str)) -> Vec<u8> {
    let mut frame = Vec::new();
    let (source, destination): (IpAddr, IpAddr) = (ip(from.1), ip(to.1));
    let link = PacketBuilder::ethernet2(from.0, to.0);
    let network = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            link.ipv4(source.octets(), destination.octets(), 64)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            link.ipv6(source.octets(), destination.octets(), 64)
        }
        _families_differ => panic!("{source} and {destination}"),
    };
    network
        .udp(1, 2)
        .write(&mut frame, b"payload")
        .expect("a frame");
    frame
}

/// An ARP request that claims `from.1`, for `to`.
fn arp(from: (Mac, &str), to: &str) -> Vec<u8> {
    let v4 = |text: &str| text.parse::<Ipv4Addr>().expect("an address").octets();
    let request = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &from.0,
        &v4(from.1),
        &[0; 6],
        &v4(to),
    );
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(from.0, [0xff; 6])
        .arp(request.expect("an ARP packet"))
        .write(&mut frame)
        .expect("a frame");
    frame
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn guest(skeleton: &Skeleton, mac: Mac) -> &SkeletonGuest {
    let found = skeleton
        .guests
        .iter()
        .find(|guest| guest.mac.octets() == mac);
    found.expect("a guest with this MAC")
}

fn addresses(guest: &SkeletonGuest) -> Vec<String> {
    guest.addresses.iter().map(ToString::to_string).collect()
}

fn on_link(skeleton: &Skeleton) -> Vec<String> {
    skeleton.subnets[0]
        .prefixes
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[track_caller]
fn assert_noted(skeleton: &Skeleton, beginning: &str, frame: Option<u64>) {
    let found = skeleton
        .notes
        .iter()
        .find(|note| note.text.starts_with(beginning));
    let found = found.unwrap_or_else(|| panic!("{beginning:?} in {:#?}", skeleton.notes));
    assert_eq!(found.frame, frame, "{found}");
}

/// The files of a skeleton, read back by the crates that will read them.
#[track_caller]
fn model(skeleton: &Skeleton) -> Model {
    let files = skeleton.files("test", "test.pcap");
    let (name, text) = files.last().expect("the scenario");
    let scenario = Scenario::parse(name, text).unwrap_or_else(|e| panic!("{e:?} in {text}"));
    let read = |wanted: &str| {
        let found = files.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, text)| text.clone())
            .ok_or(std::io::ErrorKind::NotFound.into())
    };
    Model::new(scenario, &read).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Records of the first host: customer address and type.
fn records(skeleton: &Skeleton) -> Vec<(String, &'static str)> {
    let model = model(skeleton);
    let records = model.estate().hosts[0].records.iter();
    records
        .map(|entry| {
            (
                entry.record.customer_address.to_string(),
                entry.record.record_type.name(),
            )
        })
        .collect()
}

#[test]
fn a_guest_is_where_its_frames_come_from() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .nvgre(RED, TWO, ONE, &udp((B, "10.0.0.7"), (A, "10.0.0.5")))
        .skeleton();
    for (mac, host, address) in [
        (A, "host-192.0.2.1", "10.0.0.5"),
        (B, "host-192.0.2.2", "10.0.0.7"),
    ] {
        let guest = guest(&skeleton, mac);
        assert_eq!(skeleton.hosts[guest.host].name, host);
        assert_eq!(addresses(guest), [address]);
    }
    assert_eq!(skeleton.notes, []);
}

#[test]
fn a_guest_that_only_receives_is_where_its_frames_go() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .skeleton();
    let silent = guest(&skeleton, B);
    assert_eq!(skeleton.hosts[silent.host].name, "host-192.0.2.2");
    assert_eq!(
        (silent.frames_sent, addresses(silent)),
        (0, vec!["10.0.0.7".to_owned()])
    );
}

#[test]
fn unspecified_and_group_addresses_are_nobodys() {
    let skeleton = Captured::default()
        .nvgre(
            RED,
            ONE,
            TWO,
            &udp((A, "0.0.0.0"), ([0xff; 6], "255.255.255.255")),
        )
        .nvgre(
            RED,
            ONE,
            TWO,
            &udp((A, "::"), ([0x33, 0x33, 0, 0, 0, 1], "ff02::1")),
        )
        .skeleton();
    assert_eq!(addresses(guest(&skeleton, A)), Vec::<String>::new());
    assert_eq!(records(&skeleton), [("0.0.0.0".to_owned(), "L2Only")]);
    assert_noted(
        &skeleton,
        "vsid445566-00155D00000A tells no address of its own",
        Some(1),
    );
}

#[test]
fn a_prefix_is_a_24_until_an_address_lies_outside_and_never_wider_than_a_16() {
    for (other, expected) in [
        ("10.0.0.254", vec!["10.0.0.0/24"]),
        ("10.0.1.7", vec!["10.0.0.0/23"]),
        ("10.0.200.7", vec!["10.0.0.0/16"]),
        ("10.1.0.7", vec!["10.0.0.0/24", "10.1.0.0/24"]),
    ] {
        let skeleton = Captured::default()
            .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, other)))
            .nvgre(RED, TWO, ONE, &udp((B, other), (A, "10.0.0.5")))
            .skeleton();
        assert_eq!(on_link(&skeleton), expected, "{other}");
        model(&skeleton);
    }
}

#[test]
fn an_ipv6_prefix_is_a_64() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "fd00:1::5"), (B, "fd00:1::ffff:7")))
        .nvgre(RED, ONE, TWO, &udp((A, "fe80::5"), (B, "fe80::7")))
        .skeleton();
    assert_eq!(on_link(&skeleton), ["fd00:1::/64", "fe80::/64"]);
}

#[test]
fn an_address_with_two_macs_is_the_one_that_sends_most_and_the_other_is_noted() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .nvgre(RED, TWO, ONE, &udp((B, "10.0.0.5"), (A, "10.0.0.7")))
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .skeleton();
    assert_eq!(addresses(guest(&skeleton, A)), ["10.0.0.5"]);
    assert_noted(
        &skeleton,
        "VSID 445566: 10.0.0.5 is also sent from by 00155D00000B, 1 times",
        Some(2),
    );
    model(&skeleton);
}

#[test]
fn a_guest_behind_two_provider_addresses_is_where_it_sends_most_and_the_other_is_noted() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .nvgre(RED, 3, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .nvgre(RED, 3, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .skeleton();
    assert_eq!(
        skeleton.hosts[guest(&skeleton, A).host].name,
        "host-192.0.2.3"
    );
    let text = "vsid445566-10.0.0.5 also sends from behind 192.0.2.1, 1 times: it moved";
    assert_noted(&skeleton, text, Some(1));
    model(&skeleton);
}

#[test]
fn a_mac_with_many_foreign_addresses_is_a_gateway_and_keeps_what_it_claims() {
    let mut captured = Captured::default();
    captured.nvgre(RED, TWO, ONE, &arp((GATEWAY, "10.0.0.254"), "10.0.0.5"));
    for last in 1..=9 {
        let foreign = format!("203.0.113.{last}");
        captured.nvgre(RED, TWO, ONE, &udp((GATEWAY, &foreign), (A, "10.0.0.5")));
        captured.nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (GATEWAY, &foreign)));
    }
    let skeleton = captured.skeleton();
    let gateway = guest(&skeleton, GATEWAY);
    assert!(gateway.is_gateway && !guest(&skeleton, A).is_gateway);
    assert_eq!(addresses(gateway), ["10.0.0.254"]);
    assert_eq!(on_link(&skeleton), ["10.0.0.0/24"]);
    let record = |address: &str, kind| (address.to_owned(), kind);
    assert_eq!(
        records(&skeleton),
        [
            record("10.0.0.5", "Static"),
            record("10.0.0.254", "Static"),
            record("0.0.0.0", "GatewayWildcard"),
        ]
    );
    assert_noted(
        &skeleton,
        "vsid445566-10.0.0.254 (00155D0000FE) looks like a gateway",
        Some(1),
    );
}

#[test]
fn a_mac_that_frames_for_many_foreign_addresses_go_to_is_a_gateway() {
    let mut captured = Captured::default();
    for last in 1..=9 {
        let foreign = format!("203.0.113.{last}");
        captured.nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (GATEWAY, &foreign)));
    }
    let skeleton = captured.skeleton();
    assert!(guest(&skeleton, GATEWAY).is_gateway);
    assert_eq!(on_link(&skeleton), ["10.0.0.0/24"]);
}

#[test]
fn the_routers_mac_that_every_host_has_is_no_guest() {
    let router = [0x00, 0x15, 0x5d, 0, 0, 0x99];
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .nvgre(RED, ONE, TWO, &udp((router, "10.0.9.1"), (B, "10.0.0.7")))
        .nvgre(RED, 3, TWO, &udp((router, "10.0.9.3"), (B, "10.0.0.7")))
        .skeleton();
    assert!(
        skeleton
            .guests
            .iter()
            .all(|guest| guest.mac.octets() != router)
    );
    assert_noted(
        &skeleton,
        "VSID 445566: 00155D000099 sends from other addresses behind each provider address",
        Some(2),
    );
}

#[test]
fn provider_addresses_of_one_mac_are_one_host() {
    let mut captured = Captured::default();
    captured.nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")));
    let mut gre = vec![0x20, 0x00, 0x65, 0x58, 0x06, 0xcc, 0x7e, 0];
    gre.extend(udp((A, "10.0.0.5"), (B, "10.0.0.7")));
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, ONE], [2, 0, 0, 0, 0, TWO])
        .ipv6(address_v6("2001:db8::1"), address_v6("2001:db8::2"), 64)
        .write(&mut frame, IpNumber::GRE, &gre)
        .expect("a frame");
    let skeleton = captured.frame(&frame).skeleton();
    let hosts: Vec<Vec<_>> = skeleton
        .hosts
        .iter()
        .map(|host| {
            host.provider_addresses
                .iter()
                .map(|pa| pa.address.to_string())
                .collect()
        })
        .collect();
    assert_eq!(
        hosts,
        [["192.0.2.1", "2001:db8::1"], ["192.0.2.2", "2001:db8::2"]]
    );
    model(&skeleton);
}

fn address_v6(text: &str) -> [u8; 16] {
    text.parse::<std::net::Ipv6Addr>()
        .expect("an address")
        .octets()
}

#[test]
fn a_routing_domain_follows_from_its_subnet_and_shows_it_in_decimal() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .nvgre(16_777_214, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .skeleton();
    let domains: Vec<_> = skeleton
        .subnets
        .iter()
        .map(|subnet| subnet.routing_domain.to_string())
        .collect();
    assert_eq!(
        domains,
        [
            "{6e766772-6500-4000-8000-000000445566}",
            "{6e766772-6500-4000-8000-000016777214}",
        ]
    );
}

#[test]
fn the_lowest_address_of_a_prefix_is_noted_because_windows_keeps_it_for_the_router() {
    let skeleton = Captured::default()
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.1"), (B, "10.0.0.7")))
        .skeleton();
    assert_noted(
        &skeleton,
        "VSID 445566: a guest has 10.0.0.1, the lowest address of",
        None,
    );
}

#[test]
fn hostile_captures_fill_no_memory_and_what_was_passed_over_is_noted() {
    let mut captured = Captured::default();
    for number in 0..20_000u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let from = (
            [0x00, 0x15, 0x5d, 1, high, low],
            format!("10.1.{high}.{low}"),
        );
        captured.nvgre(
            RED,
            ONE,
            TWO,
            &udp((from.0, &from.1), ([0xff; 6], "10.1.255.255")),
        );
    }
    let skeleton = captured.skeleton();
    assert_eq!(skeleton.guests.len(), 16_384);
    assert_noted(
        &skeleton,
        "the capture shows more addresses than a skeleton holds; 3616 times one was passed over",
        None,
    );
}

#[test]
fn bare_frames_are_forgotten_once_there_is_nvgre() {
    let skeleton = Captured::default()
        .frame(&udp((GATEWAY, "192.0.2.77"), (A, "192.0.2.78")))
        .nvgre(RED, ONE, TWO, &udp((A, "10.0.0.5"), (B, "10.0.0.7")))
        .frame(&udp((GATEWAY, "192.0.2.77"), (A, "192.0.2.78")))
        .skeleton();
    assert!(!skeleton.is_bare());
    assert_eq!(skeleton.guests.len(), 2);
}

#[test]
fn a_capture_without_a_guest_gives_no_skeleton() {
    assert_eq!(Survey::default().finish(), Err(SkeletonError::Empty));
    let mut captured = Captured::default();
    captured.frame(&[0xff; 14]);
    assert_eq!(captured.0.finish(), Err(SkeletonError::NoGuest));
}
