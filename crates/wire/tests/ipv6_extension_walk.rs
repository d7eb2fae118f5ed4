//! The walk over IPv6 extension headers, case by case (RFC 8200 s4).

use nvgre_wire::{Fragment, Ipv6, Layer, ParseError, UpperLayer, ip_protocol};

const HOP_BY_HOP: u8 = ip_protocol::HOP_BY_HOP;
const ROUTING: u8 = ip_protocol::ROUTING;
const FRAGMENT: u8 = ip_protocol::FRAGMENT;
const OPTIONS: u8 = ip_protocol::DESTINATION_OPTIONS;
const UDP: u8 = ip_protocol::UDP;

/// A packet whose fixed header says `first` and whose payload is `payload`.
fn packet(first: u8, payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let mut out = vec![0; 40];
    out[0] = 0x60;
    out[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    out[6] = first;
    out.extend(payload);
    out
}

fn walk(first: u8, payload: &[&[u8]]) -> Result<UpperLayer, ParseError> {
    Ipv6::parse(&packet(first, payload)[..])
        .expect("a fixed header")
        .upper_layer()
}

/// A walk that met nothing but options.
fn plain(protocol: u8, offset: usize) -> UpperLayer {
    UpperLayer {
        protocol,
        offset,
        fragment: Fragment::WHOLE,
        has_fragment_header: false,
        segments_left: false,
        addresses_elsewhere: false,
    }
}

/// A fragment header: Next Header, then offset in bytes and the M bit, then an identification.
fn fragment(next: u8, offset_bytes: u16, more: bool) -> [u8; 8] {
    assert!(offset_bytes.is_multiple_of(8));
    let [high, low] = (offset_bytes | u16::from(more)).to_be_bytes();
    [next, 0, high, low, 0, 0, 0, 7]
}

#[test]
fn without_extension_headers_the_upper_layer_is_at_40() {
    assert_eq!(walk(UDP, &[&[0; 8]]), Ok(plain(UDP, 40)));
}

#[test]
fn options_headers_of_any_length_are_stepped_over() {
    let long = [&[OPTIONS, 2, 1, 20][..], &[0; 20]].concat();
    let short = [UDP, 0, 1, 4, 0, 0, 0, 0];
    assert_eq!(
        walk(HOP_BY_HOP, &[&long, &short, &[0; 8]]),
        Ok(plain(UDP, 40 + 24 + 8))
    );
}

#[test]
fn mobility_hip_and_shim6_headers_are_stepped_over() {
    // Mobility and HIP headers hold a checksum over the addresses (RFC 6275 s6.1.1, RFC 7401 s5.1).
    for (kind, addresses_elsewhere) in [
        (ip_protocol::MOBILITY, true),
        (ip_protocol::HIP, true),
        (ip_protocol::SHIM6, false),
    ] {
        let header = [ip_protocol::NO_NEXT_HEADER, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            walk(kind, &[&header, &[0; 8]]),
            Ok(UpperLayer {
                addresses_elsewhere,
                ..plain(ip_protocol::NO_NEXT_HEADER, 56)
            })
        );
    }
}

#[test]
fn an_atomic_fragment_is_the_whole_datagram() {
    assert_eq!(
        walk(FRAGMENT, &[&fragment(UDP, 0, false), &[0; 8]]),
        Ok(UpperLayer {
            has_fragment_header: true,
            ..plain(UDP, 48)
        })
    );
}

#[test]
fn a_first_fragment_leads_to_its_upper_layer() {
    let upper = walk(FRAGMENT, &[&fragment(UDP, 0, true), &[0; 8]]).expect("a walk");
    assert_eq!((upper.protocol, upper.offset), (UDP, 48));
    assert_eq!(
        upper.fragment,
        Fragment {
            offset_bytes: 0,
            more: true
        }
    );
    assert!(upper.fragment.is_part());
}

#[test]
fn the_walk_ends_behind_the_header_of_a_later_fragment() {
    // The bytes that follow look like an options header, and are the middle of something else.
    let upper = walk(FRAGMENT, &[&fragment(OPTIONS, 1_232, false), &[0xff; 8]]).expect("a walk");
    assert_eq!((upper.protocol, upper.offset), (OPTIONS, 48));
    assert_eq!(
        upper.fragment,
        Fragment {
            offset_bytes: 1_232,
            more: false
        }
    );
}

#[test]
fn an_atomic_fragment_header_behind_a_first_fragment_does_not_make_it_whole() {
    let upper = walk(
        FRAGMENT,
        &[
            &fragment(FRAGMENT, 0, true),
            &fragment(UDP, 0, false),
            &[0; 8],
        ],
    )
    .expect("a walk");
    assert_eq!((upper.protocol, upper.offset), (UDP, 56));
    assert!(upper.fragment.is_part());
}

#[test]
fn a_routing_header_tells_whether_segments_are_left() {
    for left in [0, 1, 255] {
        let routing = [UDP, 0, 0, left, 0, 0, 0, 0];
        assert_eq!(
            walk(ROUTING, &[&routing, &[0; 8]]),
            Ok(UpperLayer {
                segments_left: left > 0,
                addresses_elsewhere: true,
                ..plain(UDP, 48)
            })
        );
    }
}

#[test]
fn segments_left_of_any_routing_header_count() {
    let visited = [UDP, 0, 0, 0, 0, 0, 0, 0];
    let ahead = [ROUTING, 0, 0, 1, 0, 0, 0, 0];
    let upper = walk(ROUTING, &[&ahead, &visited, &[0; 8]]).expect("a walk");
    assert!(upper.segments_left);
}

/// RFC 6275 s6.3: option 201 holds the source address that the checksum is computed with.
#[test]
fn a_home_address_option_says_that_the_source_is_elsewhere() {
    let mut header = [0; 24];
    header[..8].copy_from_slice(&[UDP, 2, 0, 1, 1, 0, 201, 16]);
    let upper = walk(OPTIONS, &[&header, &[0; 8]]).expect("a walk");
    assert!(upper.addresses_elsewhere);
}

#[test]
fn the_number_201_within_another_option_is_no_home_address() {
    let header = [UDP, 0, 1, 4, 201, 201, 201, 201];
    assert_eq!(walk(OPTIONS, &[&header, &[0; 8]]), Ok(plain(UDP, 48)));
}

#[test]
fn an_option_that_reaches_beyond_its_header_ends_the_search() {
    for header in [[UDP, 0, 5, 255, 0, 0, 0, 0], [UDP, 0, 0, 0, 0, 0, 0, 5]] {
        assert_eq!(walk(OPTIONS, &[&header, &[201; 8]]), Ok(plain(UDP, 48)));
    }
}

#[test]
fn a_packet_that_ends_within_an_extension_header_is_refused() {
    for kind in [HOP_BY_HOP, ROUTING, FRAGMENT, OPTIONS] {
        for have in 0..8 {
            assert_eq!(
                walk(kind, &[&[0; 8][..have]]),
                Err(ParseError::Short {
                    layer: Layer::Ipv6Extension,
                    need: 8,
                    have
                })
            );
        }
    }
    assert_eq!(
        walk(OPTIONS, &[&[UDP, 3, 0, 0, 0, 0, 0, 0]]),
        Err(ParseError::Short {
            layer: Layer::Ipv6Extension,
            need: 32,
            have: 8
        })
    );
}

#[test]
fn the_walk_stays_within_payload_length() {
    let mut bytes = packet(OPTIONS, &[&[UDP, 0, 1, 4, 0, 0, 0, 0]]);
    bytes[5] = 4;
    assert!(
        Ipv6::parse(&bytes[..])
            .expect("IPv6")
            .upper_layer()
            .is_err()
    );
}

#[test]
fn a_packet_without_payload_has_its_upper_layer_at_the_end() {
    assert_eq!(walk(UDP, &[]), Ok(plain(UDP, 40)));
}
