//! Decapsulation as a tool does it, packet by packet over the Scapy captures. `packets.tsv` says
//! what each packet is; etherparse says where its inner frame lies.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use etherparse::{NetSlice, SlicedPacket};
use nvgre_capture::{LinkPayload, Reader, network_layer};
use nvgre_dataplane::{AnyProvider, Decapsulated, DropReason, Settings, decapsulate};
use nvgre_wire::{FrameBuf, HEADROOM};

/// A row of `packets.tsv`.
#[derive(Clone, Debug)]
struct Row {
    case: String,
    class: String,
    vsid: Option<u32>,
    flow_id: Option<u8>,
}

type Outcome = Result<(Decapsulated, Vec<u8>), DropReason>;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pcaps/scapy")
}

fn rows() -> BTreeMap<(String, u64), Row> {
    let text = fs::read_to_string(folder().join("packets.tsv")).expect("packets.tsv");
    let rows = text.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let key = (columns[0].to_owned(), columns[1].parse().expect("a number"));
        let row = Row {
            case: columns[2].to_owned(),
            class: columns[3].to_owned(),
            vsid: columns[8].parse().ok(),
            flow_id: columns[9].parse().ok(),
        };
        (key, row)
    });
    rows.collect()
}

/// Every packet of every capture in the table, as an Ethernet frame. Captures without a link header
/// get one of zeros, as a tool would give them.
fn packets(mut each: impl FnMut(&(String, u64), &Row, &[u8])) {
    let rows = rows();
    let mut files: Vec<&String> = rows.keys().map(|(file, _)| file).collect();
    files.dedup();
    let mut seen = 0;
    for file in files {
        let mut reader = Reader::open(folder().join(file)).expect("a capture");
        while let Some(packet) = reader.next().expect("a sound file") {
            let key = (file.clone(), packet.number);
            let row = rows
                .get(&key)
                .unwrap_or_else(|| panic!("{key:?} is in the table"));
            seen += 1;
            match network_layer(packet.link_type, packet.data).expect("a known link type") {
                LinkPayload::Ethernet(frame) => each(&key, row, frame),
                LinkPayload::Network {
                    ethertype, payload, ..
                } => {
                    let mut frame = vec![0; 12];
                    frame.extend(ethertype.to_be_bytes());
                    frame.extend(payload);
                    each(&key, row, &frame);
                }
            }
        }
    }
    assert_eq!(seen, rows.len(), "a packet for each row of the table");
}

fn decap(frame: &[u8], settings: &Settings) -> Outcome {
    let mut memory = vec![0; HEADROOM];
    memory.extend(frame);
    let range = HEADROOM..memory.len();
    let mut buf = FrameBuf::new(&mut memory, range).expect("headroom");
    match decapsulate(&mut buf, settings, &AnyProvider) {
        Ok(decapsulated) => Ok((decapsulated, buf.bytes().to_vec())),
        Err(refused) => Err(refused.reason),
    }
}

/// What RFC 7637, RFC 2784 and RFC 6040 make of a packet of this class; cases that a class leaves
/// open are named. `None`: accepted.
fn expected(row: &Row) -> Option<DropReason> {
    match row.class.as_str() {
        "nvgre" | "nvgre-reserved-bits" | "nvgre-nested" | "nvgre-inner-ip-cut" | "nvgre-ttl0" => {
            None
        }
        "nvgre-odd-outer" => match row.case.as_str() {
            "outer-src-equals-dst" | "outer-ipv6-long-chain" => None,
            "outer-broadcast" | "outer-ipv6-rh0-segleft-1" => Some(DropReason::OuterNotOurs),
            other => panic!("no expectation for {other}"),
        },
        "nvgre-odd-inner" => match row.case.as_str() {
            "inner-src-equals-dst-mac" => None,
            "inner-multicast-source-mac" => Some(DropReason::InnerSourceGroup),
            other => panic!("no expectation for {other}"),
        },
        "nvgre-ecn-drop" => Some(DropReason::EcnCeOnNotEct),
        "reserved-vsid" => Some(DropReason::ReservedVsid),
        "must-drop-inner-tag" | "inner-stag" => Some(DropReason::InnerVlan),
        "truncated-gre" => Some(DropReason::GreShort),
        "truncated-inner" => Some(DropReason::InnerShort),
        "bad-outer-checksum" => Some(DropReason::OuterChecksum),
        "bad-outer-length"
        | "short-frame"
        | "cut-before-key"
        | "cut-inner-ethernet"
        | "cut-after-inner-ethernet" => Some(DropReason::OuterLength),
        "bad-outer-header" => Some(match row.case.as_str() {
            "outer-ihl-4" | "outer-ihl-beyond-len" => DropReason::OuterLength,
            "outer-version-mismatch" => DropReason::NotNvgre,
            other => panic!("no expectation for {other}"),
        }),
        "fragment" | "fragment-incomplete" | "fragment-overlap" => Some(DropReason::OuterFragment),
        "not-nvgre" => Some(not_nvgre(&row.case)),
        other => panic!("no expectation for class {other}"),
    }
}

/// The first rule that each of these breaks: length, version, C, RFC 1701 bits, S, K, protocol.
fn not_nvgre(case: &str) -> DropReason {
    match case {
        "keepalive-empty" => DropReason::GreShort,
        "version-1" | "pptp-v1" => DropReason::GreVersion,
        "c-bit" | "c-bit-bad-checksum" | "c-and-s-bits" | "no-key-c-bit" => {
            DropReason::GreChecksumBit
        }
        "r-bit" | "strict-source-route-bit" => DropReason::GreRoutingBit,
        "s-bit" | "erspan-ii" => DropReason::GreSequenceBit,
        "no-key" | "cisco-keepalive" | "wccp" => DropReason::GreKeyAbsent,
        "proto-0800-keyed" | "proto-86dd-keyed" | "proto-byteswapped" | "proto-off-by-one" => {
            DropReason::GreProtocol
        }
        "gre-in-udp-4754" | "vxlan-same-id" | "outer-ipv6-no-next-header" => DropReason::NotNvgre,
        other => panic!("no expectation for {other}"),
    }
}

/// ECN codepoints (RFC 3168) of the outer packet, and its payload behind the GRE header.
fn outer_ecn_and_inner(frame: &[u8]) -> (u8, Vec<u8>) {
    let sliced = SlicedPacket::from_ethernet(frame).expect("sound outer headers");
    let (ecn, payload) = match sliced.net.expect("IP") {
        NetSlice::Ipv4(ip) => (ip.header().ecn().value(), ip.payload().payload),
        NetSlice::Ipv6(ip) => (ip.header().traffic_class() & 3, ip.payload().payload),
        NetSlice::Arp(_) => panic!("IP"),
    };
    (ecn, payload[8..].to_vec())
}

/// RFC 6040 s4.2, figure 4: inner and outer field, then the inner field after decapsulation.
fn combined_ecn(inner: u8, outer: u8) -> u8 {
    match (inner, outer) {
        (0, 0..=2) => 0,
        (1 | 2, 3) => 3,
        (2, 1) => 1,
        (1..=3, _) => inner,
        other => panic!("dropped, or no ECN field: {other:?}"),
    }
}

#[test]
fn each_packet_is_accepted_or_refused_as_its_row_says() {
    let mut count: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    packets(|key, row, frame| {
        let outcome = decap(frame, &Settings::default());
        let reason = outcome.as_ref().err().copied();
        assert_eq!(reason, expected(row), "{key:?} {row:?}");
        *count.entry(reason.map(DropReason::name)).or_default() += 1;
    });
    assert!(count[&None] > 100 && count.len() > 15, "{count:?}");
}

#[test]
fn the_key_of_an_accepted_packet_is_the_one_in_the_table() {
    packets(|key, row, frame| {
        if let Ok((decapsulated, _)) = decap(frame, &Settings::default()) {
            assert_eq!(
                (
                    Some(decapsulated.virtual_subnet.get()),
                    Some(decapsulated.flow_id.0)
                ),
                (row.vsid, row.flow_id),
                "{key:?} {row:?}"
            );
            assert_eq!(
                decapsulated.reserved_bits,
                row.class == "nvgre-reserved-bits",
                "{key:?} {row:?}"
            );
        }
    });
}

#[test]
fn the_inner_frame_is_what_etherparse_finds_but_for_the_ecn_field() {
    let (mut untouched, mut marked) = (0, 0);
    packets(|key, row, frame| {
        let Ok((_, inner)) = decap(frame, &Settings::default()) else {
            return;
        };
        let (outer_ecn, original) = outer_ecn_and_inner(frame);
        if inner == original {
            untouched += 1;
        }
        assert_eq!(inner.len(), original.len(), "{key:?} {row:?}");
        let ip_at = 14;
        let mut wanted = original.clone();
        match u16::from_be_bytes([original[12], original[13]]) {
            0x0800 if original.len() >= ip_at + 20 => {
                let ecn = combined_ecn(original[ip_at + 1] & 3, outer_ecn);
                wanted[ip_at + 1] = original[ip_at + 1] & !3 | ecn;
                if wanted != original {
                    marked += 1;
                    let sound = SlicedPacket::from_ethernet(&inner).expect("an inner packet");
                    let NetSlice::Ipv4(ip) = sound.net.expect("IP") else {
                        panic!("IPv4");
                    };
                    let header = ip.header().to_header();
                    assert_eq!(header.header_checksum, header.calc_header_checksum());
                    wanted[24..26].copy_from_slice(&header.header_checksum.to_be_bytes());
                }
            }
            0x86dd if original.len() >= ip_at + 40 => {
                let ecn = combined_ecn(original[ip_at + 1] >> 4 & 3, outer_ecn);
                wanted[ip_at + 1] = original[ip_at + 1] & 0xcf | ecn << 4;
                marked += usize::from(wanted != original);
            }
            _no_ecn_field => {}
        }
        assert_eq!(inner, wanted, "{key:?} {row:?}");
    });
    assert!(untouched > 80 && marked > 3, "{untouched} {marked}");
}

#[test]
fn a_strict_endpoint_refuses_reserved_bits_and_nothing_else_more() {
    let strict = Settings {
        strict_gre_reserved_bits: true,
        ..Settings::default()
    };
    let mut refused = 0;
    packets(|key, row, frame| {
        let reason = decap(frame, &strict).err();
        if row.class == "nvgre-reserved-bits" {
            assert_eq!(reason, Some(DropReason::GreReservedBits), "{key:?} {row:?}");
            refused += 1;
        } else {
            assert_eq!(reason, expected(row), "{key:?} {row:?}");
        }
    });
    assert_eq!(refused, 4);
}
