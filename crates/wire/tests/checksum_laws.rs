//! RFC 1071 sums and RFC 1624 updates: the examples of the RFCs, and laws held against pnet's
//! checksums, which recompute.

use std::net::{Ipv4Addr, Ipv6Addr};

use nvgre_wire::Ipv4;
use nvgre_wire::checksum::{Change, fold, pseudo_header, sum};
use pnet_packet::util;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn fixed_seed() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(1624),
        cases: 1024,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn change(old: &[u8], new: &[u8]) -> Change {
    let mut change = Change::default();
    change.replace(old, new);
    change
}

/// One's complement has two zeros: 0x0000 and 0xFFFF are one value.
fn one_zero(value: u16) -> u16 {
    if value == 0xffff { 0 } else { value }
}

/// `a - b` in one's complement.
fn difference(a: u16, b: u16) -> u16 {
    one_zero(fold(u64::from(a) + u64::from(!b)))
}

/// The example of RFC 1624: the other words sum to 0xCD7A, and 0x5555 becomes 0x3285. Equation 3
/// gives 0x0000, as a recomputation does; equation 2 would give 0xFFFF.
#[test]
fn the_example_of_rfc_1624_gives_zero() {
    assert_eq!(!fold(0xcd7a + 0x5555), 0xdd2f);
    assert_eq!(!fold(0xcd7a + 0x3285), 0x0000);
    assert_eq!(change(&[0x55, 0x55], &[0x32, 0x85]).apply(0xdd2f), 0x0000);
}

#[test]
fn no_edit_changes_no_checksum() {
    for checksum in [0x0000, 0x0001, 0xdd2f, 0xffff] {
        assert_eq!(Change::default().apply(checksum), checksum);
    }
}

/// Erratum 4782 of RFC 1624 expects 0xFFFF; folding until no carry is left gives 0x0000.
#[test]
fn a_zero_checksum_stays_zero_when_a_word_is_written_over_with_itself() {
    assert_eq!(change(&[0xaa, 0xaa], &[0xaa, 0xaa]).apply(0x0000), 0x0000);
}

/// A TCP SYN 10.0.0.5 -> 10.0.0.7 rewritten to 192.168.4.11 -> 192.168.4.22.
#[test]
fn an_address_rewrite_of_a_tcp_syn_updates_both_checksums() {
    let (old_pair, new_pair) = (
        [10, 0, 0, 5, 10, 0, 0, 7],
        [192, 168, 4, 11, 192, 168, 4, 22],
    );
    assert_eq!(change(&old_pair, &new_pair).apply(0xe6c3), 0x715d);
    assert_eq!(change(&old_pair, &new_pair).apply(0xdb85), 0x661f);

    let mut header = [
        0x45, 0x00, 0x00, 0x28, 0x00, 0x01, 0x40, 0x00, 0x80, 0x06, 0xe6, 0xc3, 10, 0, 0, 5, 10, 0,
        0, 7, 0xc0, 0x00, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0xdb, 0x85,
        0, 0,
    ];
    let mut packet = Ipv4::parse(&mut header[..]).expect("IPv4");
    assert!(packet.checksum_ok());
    packet.set_source([192, 168, 4, 11]);
    packet.set_destination([192, 168, 4, 22]);
    assert_eq!(packet.header_checksum(), 0x715d);
    assert!(packet.checksum_ok());
}

/// Payload 6A B0 and ports 1000 -> 2000 give 0x7566 before and 0 after the rewrite; RFC 768 has 0
/// sent as 0xFFFF.
#[test]
fn a_udp_checksum_that_becomes_zero_is_sent_as_ffff() {
    let change = change(
        &[10, 0, 0, 5, 10, 0, 0, 7],
        &[192, 168, 4, 11, 192, 168, 4, 22],
    );
    assert_eq!(change.apply(0x7566), 0x0000);
    assert_eq!(change.apply_udp(0x7566), 0xffff);
    let datagram = [0x03, 0xe8, 0x07, 0xd0, 0x00, 0x0a, 0x00, 0x00, 0x6a, 0xb0];
    let checked = |source, destination| {
        let total = pseudo_header(source, destination, 17, datagram.len()) + sum(&datagram);
        !fold(total)
    };
    assert_eq!(checked(&[10, 0, 0, 5], &[10, 0, 0, 7]), 0x7566);
    assert_eq!(checked(&[192, 168, 4, 11], &[192, 168, 4, 22]), 0x0000);
}

/// RFC 1071 s3.
#[test]
fn the_example_of_rfc_1071_sums_to_ddf2() {
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!(fold(sum(&bytes)), 0xddf2);
}

#[test]
fn the_largest_sums_fold_without_losing_a_carry() {
    assert_eq!(fold(0), 0);
    assert_eq!(fold(0xffff), 0xffff);
    assert_eq!(fold(0x1_0000), 1);
    assert_eq!(fold(u64::MAX), 0xffff);
    assert_eq!(fold(sum(&[0xff; 65_535])), 0xff00);
}

/// An IPv4 header with options, its checksum as pnet computes it, behind it nothing.
fn right_header() -> impl Strategy<Value = Vec<u8>> {
    (5usize..=15, vec(any::<u8>(), 60)).prop_map(|(words, mut bytes)| {
        bytes.truncate(words * 4);
        bytes[0] = 0x40 | words as u8;
        bytes[2..4].copy_from_slice(&(words as u16 * 4).to_be_bytes());
        let checksum = util::checksum(&bytes, 5);
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes
    })
}

#[derive(Clone, Copy, Debug)]
enum Edit {
    Source([u8; 4]),
    Destination([u8; 4]),
    Tos(u8),
    Ttl,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec(
        prop_oneof![
            any::<[u8; 4]>().prop_map(Edit::Source),
            any::<[u8; 4]>().prop_map(Edit::Destination),
            any::<u8>().prop_map(Edit::Tos),
            Just(Edit::Ttl),
        ],
        1..6,
    )
}

fn edit(header: &mut [u8], edits: &[Edit]) {
    let mut packet = Ipv4::parse(header).expect("IPv4");
    for edit in edits {
        match *edit {
            Edit::Source(address) => packet.set_source(address),
            Edit::Destination(address) => packet.set_destination(address),
            Edit::Tos(tos) => packet.set_tos(tos),
            Edit::Ttl => packet.decrement_ttl(),
        }
    }
}

fn stored(header: &[u8]) -> u16 {
    u16::from_be_bytes([header[10], header[11]])
}

proptest! {
    #![proptest_config(fixed_seed())]

    #[test]
    fn a_sum_is_pnets_for_even_and_odd_lengths(bytes in vec(any::<u8>(), 1..200)) {
        prop_assert_eq!(!fold(sum(&bytes)), util::checksum(&bytes, usize::MAX));
    }

    #[test]
    fn sums_of_even_parts_add_up(bytes in vec(any::<u8>(), 0..200), at in 0usize..100) {
        let at = (at * 2).min(bytes.len() & !1);
        let (head, tail) = bytes.split_at(at);
        prop_assert_eq!(fold(sum(head) + sum(tail)), fold(sum(&bytes)));
    }

    #[test]
    fn transport_checksums_over_ipv4_are_pnets(
        source in any::<[u8; 4]>(), destination in any::<[u8; 4]>(),
        protocol in any::<u8>(), bytes in vec(any::<u8>(), 8..200),
    ) {
        let ours = !fold(pseudo_header(&source, &destination, protocol, bytes.len()) + sum(&bytes));
        let theirs = util::ipv4_checksum(
            &bytes, usize::MAX, &[], &Ipv4Addr::from(source), &Ipv4Addr::from(destination),
            pnet_packet::ip::IpNextHeaderProtocol::new(protocol),
        );
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn transport_checksums_over_ipv6_are_pnets(
        source in any::<[u8; 16]>(), destination in any::<[u8; 16]>(),
        protocol in any::<u8>(), bytes in vec(any::<u8>(), 8..200),
    ) {
        let ours = !fold(pseudo_header(&source, &destination, protocol, bytes.len()) + sum(&bytes));
        let theirs = util::ipv6_checksum(
            &bytes, usize::MAX, &[], &Ipv6Addr::from(source), &Ipv6Addr::from(destination),
            pnet_packet::ip::IpNextHeaderProtocol::new(protocol),
        );
        prop_assert_eq!(ours, theirs);
    }

    /// Any even part of a message replaced: the update is what a recomputation gives.
    #[test]
    fn an_updated_checksum_equals_a_recomputed_one(
        (bytes, at, new) in vec(any::<u8>(), 2..80).prop_flat_map(|bytes| {
            let words = bytes.len() / 2;
            (Just(bytes), 0..words).prop_flat_map(move |(bytes, word)| {
                (Just(bytes), Just(word * 2), vec(any::<[u8; 2]>(), 1..=words - word))
            })
        }),
    ) {
        let new = new.concat();
        let mut edited = bytes.clone();
        edited[at..at + new.len()].copy_from_slice(&new);
        let updated = change(&bytes[at..at + new.len()], &new)
            .apply(util::checksum(&bytes, usize::MAX));
        prop_assert_eq!(one_zero(updated), one_zero(util::checksum(&edited, usize::MAX)));
    }

    #[test]
    fn changes_of_two_places_add_up(old in any::<[u8; 8]>(), new in any::<[u8; 8]>(), checksum: u16) {
        let halves = change(&old[..4], &new[..4]).and(change(&old[4..], &new[4..]));
        prop_assert_eq!(halves.apply(checksum), change(&old, &new).apply(checksum));
    }

    #[test]
    fn a_change_and_its_inverse_give_the_checksum_back(
        old in any::<[u8; 8]>(), new in any::<[u8; 8]>(), checksum: u16,
    ) {
        let there = change(&old, &new).apply(checksum);
        let back = change(&new, &old).apply(there);
        prop_assert_eq!(one_zero(back), one_zero(checksum));
        let udp = change(&new, &old).apply_udp(change(&old, &new).apply_udp(checksum));
        prop_assert_eq!(one_zero(udp), one_zero(checksum));
        prop_assert_ne!(udp, 0, "0 would say that there is no checksum");
    }

    /// Addresses, TOS and TTL of an IPv4 header, in any order.
    #[test]
    fn a_right_header_is_right_after_every_edit(mut header in right_header(), edits in edits()) {
        edit(&mut header, &edits);
        prop_assert_eq!(one_zero(stored(&header)), one_zero(util::checksum(&header, 5)));
        prop_assert!(Ipv4::parse(&header[..]).expect("IPv4").checksum_ok());
    }

    #[test]
    fn a_wrong_header_stays_wrong_by_the_same_difference(
        mut header in right_header(), edits in edits(), damage in 1u16..0xffff,
    ) {
        let wrong = fold(u64::from(stored(&header)) + u64::from(damage));
        header[10..12].copy_from_slice(&wrong.to_be_bytes());
        let before = difference(wrong, util::checksum(&header, 5));
        edit(&mut header, &edits);
        let after = difference(stored(&header), util::checksum(&header, 5));
        prop_assert_eq!(after, before);
        prop_assert!(!Ipv4::parse(&header[..]).expect("IPv4").checksum_ok());
    }

    #[test]
    fn edits_write_their_field_and_the_checksum_alone(
        mut header in right_header(), source in any::<[u8; 4]>(), tos: u8,
    ) {
        let before = header.clone();
        edit(&mut header, &[Edit::Source(source), Edit::Tos(tos), Edit::Ttl]);
        let mut expected = before.clone();
        expected[1] = tos;
        expected[8] = before[8].saturating_sub(1);
        expected[10..12].copy_from_slice(&header[10..12]);
        expected[12..16].copy_from_slice(&source);
        prop_assert_eq!(header, expected);
    }
}
