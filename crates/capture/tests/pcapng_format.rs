//! The next generation format, feature by feature.

mod common;

use common::{
    Order, Seen, block, enhanced, interface, option, read, read_whole, section, section_version,
    simple,
};
use nvgre_capture::{Direction, Format, LinkType, Reader};

const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const COMMENT: u16 = 1;

fn seen(time_ns: i64, interface: u32, link_type: u16, original_len: u32, data: &[u8]) -> Seen {
    Seen {
        time_ns,
        interface,
        link_type,
        original_len,
        data: data.to_vec(),
        comment: None,
    }
}

#[test]
fn enhanced_packets_are_read_in_both_byte_orders() {
    for order in Order::BOTH {
        let file = [
            section(order),
            interface(order, 1, 65_535, &[]),
            enhanced(order, 0, 1_700_000_000_123_456, 1_500, b"abcde", &[]),
            enhanced(order, 0, 1_700_000_000_123_457, 4, b"fghi", &[]),
        ]
        .concat();
        assert_eq!(
            read_whole(&file),
            [
                seen(1_700_000_000_123_456_000, 0, 1, 1_500, b"abcde"),
                seen(1_700_000_000_123_457_000, 0, 1, 4, b"fghi"),
            ]
        );
    }
}

#[test]
fn resolution_and_offset_belong_to_the_interface() {
    for order in Order::BOTH {
        let resolution = |value: u8| option(order, IF_TSRESOL, &[value]);
        let offset = |value: i64| option(order, IF_TSOFFSET, &order.u64(value as u64));
        let file = [
            section(order),
            interface(order, 1, 0, &[resolution(9)]),
            interface(order, 1, 0, &[resolution(0x80 | 10), offset(100)]),
            interface(order, 1, 0, &[offset(-100)]),
            interface(order, 1, 0, &[resolution(0), offset(i64::MAX)]),
            enhanced(order, 0, 1_234_567_890_123_456_789, 0, b"", &[]),
            enhanced(order, 1, 1_536, 0, b"", &[]),
            enhanced(order, 2, 200_000_001, 0, b"", &[]),
            enhanced(order, 3, u64::MAX, 0, b"", &[]),
        ]
        .concat();
        let times: Vec<i64> = read_whole(&file)
            .iter()
            .map(|packet| packet.time_ns)
            .collect();
        assert_eq!(
            times,
            [
                1_234_567_890_123_456_789,
                101_500_000_000,
                100_000_001_000,
                i64::MAX
            ],
            "{order:?}"
        );
    }
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let (little, big) = (Order::Little, Order::Big);
    let file = [
        section(little),
        interface(
            little,
            1,
            0,
            &[
                option(little, IF_NAME, b"first"),
                option(little, IF_TSRESOL, &[9]),
            ],
        ),
        enhanced(little, 0, 7, 1, b"a", &[]),
        section(big),
        interface(
            big,
            113,
            0,
            &[
                option(big, IF_NAME, b"second"),
                option(big, IF_DESCRIPTION, b"cooked"),
            ],
        ),
        interface(big, 101, 0, &[]),
        enhanced(big, 0, 7, 1, b"b", &[]),
        enhanced(big, 1, 7, 1, b"c", &[]),
        simple(big, 1, b"d"),
        section(little),
        interface(little, 276, 0, &[]),
        enhanced(little, 0, 7, 1, b"e", &[]),
    ]
    .concat();
    assert_eq!(
        read_whole(&file),
        [
            seen(7, 0, 1, 1, b"a"),
            seen(7_000, 1, 113, 1, b"b"),
            seen(7_000, 2, 101, 1, b"c"),
            seen(0, 1, 113, 1, b"d"),
            seen(7_000, 3, 276, 1, b"e"),
        ]
    );
    let mut reader = Reader::new(file.as_slice()).unwrap();
    assert_eq!(reader.format(), Format::Pcapng);
    assert_eq!(reader.format().to_string(), "pcapng");
    assert!(
        reader.interfaces().is_empty(),
        "interfaces are met on the way"
    );
    while reader.next().unwrap().is_some() {}
    assert_eq!(reader.position_bytes(), file.len() as u64);
    let [first, second, third, fourth] = reader.interfaces() else {
        panic!("not four interfaces")
    };
    assert_eq!(
        (first.index, first.name.as_deref(), first.link_type),
        (0, Some("first"), LinkType::ETHERNET)
    );
    assert_eq!((second.index, second.name.as_deref()), (1, Some("second")));
    assert_eq!(second.description.as_deref(), Some("cooked"));
    assert_eq!(
        (third.index, third.name.as_deref(), third.link_type),
        (2, None, LinkType::RAW)
    );
    assert_eq!((fourth.index, fourth.link_type), (3, LinkType::LINUX_SLL2));
}

#[test]
fn simple_packets_are_cut_at_the_snap_length_of_the_first_interface() {
    for order in Order::BOTH {
        let file = [
            section(order),
            interface(order, 1, 6, &[]),
            interface(order, 113, 0, &[]),
            simple(order, 3, b"abc"),
            simple(order, 1_500, b"abcdef"),
        ]
        .concat();
        assert_eq!(
            read_whole(&file),
            [seen(0, 0, 1, 3, b"abc"), seen(0, 0, 1, 1_500, b"abcdef")]
        );
    }
}

#[test]
fn obsolete_packets_have_a_short_interface_id_and_a_drop_count() {
    for order in Order::BOTH {
        let mut obsolete = enhanced(order, 0, 5, 9, b"abc", &[]);
        obsolete[0..4].copy_from_slice(&order.u32(2));
        obsolete[8..10].copy_from_slice(&order.u16(1));
        obsolete[10..12].copy_from_slice(&order.u16(0xbeef));
        let file = [
            section(order),
            interface(order, 1, 0, &[]),
            interface(order, 113, 0, &[]),
            obsolete,
        ]
        .concat();
        assert_eq!(read_whole(&file), [seen(5_000, 1, 113, 9, b"abc")]);
    }
}

#[test]
fn blocks_without_a_packet_are_passed_over_and_counted() {
    let order = Order::Little;
    let name_resolution = block(order, 4, &[0; 4]);
    let statistics = block(order, 5, &[0; 12]);
    let journal = block(order, 9, b"__CURSOR=x\n");
    let secrets = block(order, 10, &[0; 8]);
    let custom = block(order, 0xbad, &[0; 40]);
    let custom_not_copied = block(order, 0x4000_0bad, &[0; 40]);
    let unknown = block(order, 0x0123_4567, &vec![0xaa; 3 << 20]);
    let empty = block(order, 0x7654_3210, &[]);
    let file = [
        section(order),
        custom,
        interface(order, 1, 0, &[]),
        name_resolution,
        unknown,
        enhanced(order, 0, 1, 1, b"a", &[]),
        statistics,
        journal,
        secrets,
        custom_not_copied,
        empty,
        enhanced(order, 0, 2, 1, b"b", &[]),
    ]
    .concat();
    assert_eq!(
        read_whole(&file),
        [seen(1_000, 0, 1, 1, b"a"), seen(2_000, 0, 1, 1, b"b")]
    );
    let mut reader = Reader::new(file.as_slice()).unwrap();
    reader.next().unwrap();
    assert_eq!(reader.skipped_blocks(), 3);
    reader.next().unwrap();
    assert_eq!(reader.skipped_blocks(), 8);
}

#[test]
fn first_comment_of_a_packet_comes_with_it() {
    let flags = |order| option(order, 2, &[0; 4]);
    for order in Order::BOTH {
        let comments = |texts: &[&[u8]]| {
            let mut options = vec![flags(order)];
            options.extend(texts.iter().map(|text| option(order, COMMENT, text)));
            options.push(option(order, 0, &[]));
            enhanced(order, 0, 0, 1, b"x", &options)
        };
        let file = [
            section(order),
            interface(order, 1, 0, &[]),
            comments(&[]),
            comments(&["dropped: größer".as_bytes(), b"second"]),
            comments(&[b"good \xff bad"]),
            comments(&[b""]),
        ]
        .concat();
        let comments: Vec<_> = read_whole(&file)
            .into_iter()
            .map(|packet| packet.comment)
            .collect();
        let expected = [None, Some("dropped: größer"), Some("good "), Some("")];
        assert_eq!(comments, expected.map(|text| text.map(str::to_owned)));
    }
}

#[test]
fn id_and_direction_of_a_packet_come_with_it_where_the_file_gives_them() {
    const FLAGS: u16 = 2;
    const PACKET_ID: u16 = 5;
    for order in Order::BOTH {
        let flags = |value: u32| option(order, FLAGS, &order.u32(value));
        let id = |value: u64| option(order, PACKET_ID, &order.u64(value));
        let packet = |options: &[Vec<u8>]| enhanced(order, 0, 0, 1, b"x", options);
        let file = [
            section(order),
            interface(order, 1, 0, &[]),
            packet(&[]),
            packet(&[flags(0b01), id(0x0102_0304_0506_0708)]),
            // The length of a checksum stands in the same word.
            packet(&[flags(0x80 | 0b10)]),
            packet(&[flags(0b00), id(0)]),
            // Of a wrong length.
            packet(&[
                option(order, FLAGS, b"abc"),
                option(order, PACKET_ID, b"abcd"),
            ]),
        ]
        .concat();
        let mut reader = Reader::new(file.as_slice()).expect("a capture");
        let mut read = Vec::new();
        while let Some(packet) = reader.next().expect("it is whole") {
            read.push((packet.options.id(), packet.options.direction()));
        }
        assert_eq!(
            read,
            [
                (None, None),
                (Some(0x0102_0304_0506_0708), Some(Direction::Inbound)),
                (None, Some(Direction::Outbound)),
                (Some(0), None),
                (None, None),
            ]
        );
    }
}

#[test]
fn interface_text_is_cut_at_256_bytes_and_need_not_be_utf8() {
    let order = Order::Little;
    let options = [
        option(order, IF_NAME, &[b'n'; 1_000]),
        option(order, IF_DESCRIPTION, b"a\xffb\0"),
    ];
    let file = [section(order), interface(order, 1, 0, &options)].concat();
    let mut reader = Reader::new(file.as_slice()).unwrap();
    assert!(reader.next().unwrap().is_none());
    assert_eq!(
        reader.interfaces()[0].name.as_deref(),
        Some("n".repeat(256).as_str())
    );
    assert_eq!(
        reader.interfaces()[0].description.as_deref(),
        Some("a\u{fffd}b")
    );
}

#[test]
fn damage_is_told_with_its_place() {
    let order = Order::Little;
    let good = [
        section(order),
        interface(order, 1, 0, &[]),
        enhanced(order, 0, 0, 1, b"x", &[]),
    ]
    .concat();
    let change = |mut block: Vec<u8>, at: usize, value: u32| {
        block[at..at + 4].copy_from_slice(&order.u32(value));
        block
    };
    let packet = || enhanced(order, 0, 0, 1, b"x", &[]);
    for (bad, message) in [
        (
            change(packet(), 4, 7),
            "block length 7 is not a multiple of 4 of at least 12",
        ),
        (
            change(packet(), 4, 33),
            "block length 33 is not a multiple of 4 of at least 12",
        ),
        (
            block(order, 6, &[0; 12]),
            "block length 24 is not a multiple of 4 of at least 32",
        ),
        (
            change(packet(), 32, 40),
            "block starts with length 36 and ends with length 40",
        ),
        (
            change(block(order, 99, &[0; 8]), 16, 24),
            "block starts with length 20 and ends with length 24",
        ),
        (
            change(packet(), 8, 3),
            "packet of interface 3, the section has described 1",
        ),
        (
            change(packet(), 20, 5),
            "packet claims 8 bytes captured, its block has room for 4",
        ),
        (
            change(packet(), 20, u32::MAX),
            "record claims 4294967295 bytes captured, more than 262144",
        ),
        (
            change(packet(), 4, 0xffff_fffc),
            "block claims 4294967292 bytes, more than 1048576",
        ),
        (
            change(simple(order, 9, b"123456789"), 8, 13),
            "packet claims 16 bytes captured, its block has room for 12",
        ),
        (
            change(section(order), 8, 0x1234_5678),
            "section header with byte-order magic 0x12345678",
        ),
        (
            section_version(order, 2, 0),
            "pcapng version 2.0 is not supported",
        ),
        (
            enhanced(
                order,
                0,
                0,
                0,
                b"",
                &[order.u16(1).to_vec(), order.u16(5).to_vec(), vec![0; 4]],
            ),
            "an option runs past the end of its block",
        ),
        (
            interface(
                order,
                1,
                0,
                &[order.u16(2).to_vec(), order.u16(9).to_vec(), vec![0; 4]],
            ),
            "an option runs past the end of its block",
        ),
    ] {
        let file = [good.clone(), bad, packet()].concat();
        let (packets, error) = read(&file);
        let place = format!("packet 2 at byte {}: ", good.len());
        assert_eq!(packets, [seen(0, 0, 1, 1, b"x")]);
        assert_eq!(error.map(|error| error.to_string()), Some(place + message));
    }
}

#[test]
fn packets_before_their_interface_are_refused() {
    let order = Order::Little;
    for packet in [simple(order, 1, b"x"), enhanced(order, 0, 0, 1, b"x", &[])] {
        let later = [
            section(order),
            interface(order, 1, 0, &[]),
            section(order),
            packet,
        ]
        .concat();
        let (packets, error) = read(&later);
        assert!(packets.is_empty());
        let message = "packet 1 at byte 76: packet of interface 0, the section has described 0";
        assert_eq!(error.unwrap().to_string(), message);
    }
}
