//! The classic format, feature by feature.

mod common;

use common::{
    MICROSECONDS, MODIFIED, NANOSECONDS, Order, Seen, pcap_header, pcap_record, read, read_whole,
};
use nvgre_capture::{Format, LinkType, Reader};

fn seen(time_ns: i64, link_type: u16, original_len: u32, data: &[u8]) -> Seen {
    Seen {
        time_ns,
        interface: 0,
        link_type,
        original_len,
        data: data.to_vec(),
        comment: None,
    }
}

#[test]
fn both_byte_orders_and_both_time_units_are_read() {
    for order in Order::BOTH {
        for (magic, fraction, time_ns) in [
            (MICROSECONDS, 123_456, 1_700_000_000_123_456_000),
            (NANOSECONDS, 123_456_789, 1_700_000_000_123_456_789),
        ] {
            let mut file = pcap_header(order, magic, (2, 4), 113);
            file.extend(pcap_record(order, 1_700_000_000, fraction, 60, b"abc"));
            file.extend(pcap_record(order, 1_700_000_000, fraction, 4, b"defg"));
            assert_eq!(
                read_whole(&file),
                [
                    seen(time_ns, 113, 60, b"abc"),
                    seen(time_ns, 113, 4, b"defg")
                ]
            );
        }
    }
}

#[test]
fn header_tells_format_and_its_only_interface() {
    let file = pcap_header(Order::Big, NANOSECONDS, (2, 4), 276);
    let mut reader = Reader::new(file.as_slice()).unwrap();
    assert_eq!(reader.format(), Format::Pcap);
    assert_eq!(reader.format().to_string(), "pcap");
    let [interface] = reader.interfaces() else {
        panic!("not one interface")
    };
    assert_eq!(
        (interface.index, interface.link_type, interface.snap_len),
        (0, LinkType::LINUX_SLL2, 65_535)
    );
    assert_eq!(interface.name, None);
    assert!(reader.next().unwrap().is_none());
    assert_eq!(reader.position_bytes(), 24);
}

#[test]
fn modified_format_has_eight_more_bytes_before_the_data() {
    let order = Order::Little;
    let mut file = pcap_header(order, MODIFIED, (2, 4), 1);
    let mut record = pcap_record(order, 1, 2, 3, b"xyz");
    record.splice(16..16, [0xee; 8]);
    file.extend(&record);
    file.extend(&record);
    assert_eq!(
        read_whole(&file),
        vec![seen(1_000_002_000, 1, 3, b"xyz"); 2]
    );
}

#[test]
fn versions_before_2_3_have_the_original_length_first() {
    for order in Order::BOTH {
        let mut file = pcap_header(order, MICROSECONDS, (2, 2), 1);
        let mut record = pcap_record(order, 1, 0, 60, b"xyz");
        let (captured, original) = (order.u32(3), order.u32(60));
        record[8..12].copy_from_slice(&original);
        record[12..16].copy_from_slice(&captured);
        file.extend(&record);
        file.extend(&record);
        assert_eq!(
            read_whole(&file),
            vec![seen(1_000_000_000, 1, 60, b"xyz"); 2]
        );
    }
}

#[test]
fn frame_check_length_in_the_header_is_no_part_of_the_link_type() {
    let file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 0x3400_0001);
    assert_eq!(
        Reader::new(file.as_slice()).unwrap().interfaces()[0].link_type,
        LinkType::ETHERNET
    );
}

#[test]
fn odd_records_are_read_as_they_stand() {
    let order = Order::Little;
    let mut file = pcap_header(order, MICROSECONDS, (2, 4), 1);
    file[16..20].copy_from_slice(&order.u32(2)); // a snap length of 2
    file.extend(pcap_record(order, 1, 0, 3, b"abc")); // longer than the snap length
    file.extend(pcap_record(order, 1, 0, 1, b"abc")); // longer than the original
    file.extend(pcap_record(order, 1, 0, 0, b"")); // empty
    file.extend(pcap_record(order, 1, 2_000_000, 0, b"")); // two seconds of microseconds
    file.extend(pcap_record(order, u32::MAX, 0, 0, b"")); // the year 2106
    assert_eq!(
        read_whole(&file),
        [
            seen(1_000_000_000, 1, 3, b"abc"),
            seen(1_000_000_000, 1, 1, b"abc"),
            seen(1_000_000_000, 1, 0, b""),
            seen(3_000_000_000, 1, 0, b""),
            seen(4_294_967_295_000_000_000, 1, 0, b""),
        ]
    );
}

#[test]
fn records_across_the_end_of_the_buffer_are_whole() {
    let order = Order::Little;
    let mut file = pcap_header(order, NANOSECONDS, (2, 4), 1);
    let frame = |index: u32| vec![index as u8; 60_000 + index as usize % 7];
    for index in 0..100 {
        file.extend(pcap_record(order, index, index, 70_000, &frame(index)));
    }
    let packets = read_whole(&file);
    assert_eq!(packets.len(), 100);
    for (index, packet) in (0..).zip(&packets) {
        assert!(packet.data == frame(index), "packet {index}");
    }
}

/// A source that gives one byte at a time, as a slow pipe may.
struct OneByte<'a>(&'a [u8]);

impl std::io::Read for OneByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(1);
        std::io::Read::read(&mut self.0, &mut buffer[..count])
    }
}

#[test]
fn sources_may_give_one_byte_at_a_time() {
    let order = Order::Little;
    let mut file = pcap_header(order, NANOSECONDS, (2, 4), 1);
    file.extend(pcap_record(order, 0, 1, 3, b"abc"));
    file.extend(pcap_record(order, 0, 2, 3, b"def"));
    let mut reader = Reader::new(OneByte(&file)).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().data, b"abc");
    assert_eq!(reader.position_bytes(), 24 + 19);
    assert_eq!(reader.next().unwrap().unwrap().data, b"def");
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn other_versions_and_other_files_are_refused() {
    for (file, message) in [
        (
            pcap_header(Order::Little, MICROSECONDS, (1, 4), 1),
            "packet 1 at byte 0: pcap version 1.4 is not supported",
        ),
        (
            b"version https://".to_vec(),
            "neither pcap nor pcapng: the first bytes are 76 65 72 73",
        ),
        (
            b"GIF8".to_vec(),
            "neither pcap nor pcapng: the first bytes are 47 49 46 38",
        ),
        (
            b"\xd4\xc3".to_vec(),
            "packet 1 at byte 0: cut short: 2 of 4 bytes are there",
        ),
        (Vec::new(), "the file is empty"),
    ] {
        let (packets, error) = read(&file);
        assert_eq!(
            (packets.len(), error.unwrap().to_string().as_str()),
            (0, message)
        );
    }
}

#[test]
fn missing_file_is_named_as_such() {
    let error = Reader::open("no/such/file.pcap").map(drop).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot be opened: "),
        "{error}"
    );
}
