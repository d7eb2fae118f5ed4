//! Plain pcap: read back by the reader, by pcap-parser and by hand, and the file it stands in.

mod common;

use std::fs;

use common::{NANOSECONDS, Order, Seen, pcap_header, pcap_record, read_whole};
use nvgre_capture::{LinkType, MAX_RECORD_BYTES, PcapWriter, WriteError};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};

const TIME_NS: i64 = 1_700_000_000_123_456_789;

/// Two frames: whole, and cut.
fn sample() -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = PcapWriter::new(&mut file, LinkType::ETHERNET).unwrap();
    writer.write(TIME_NS, &[0xaa; 61], 61).unwrap();
    writer.write(TIME_NS + 1, &[0xbb; 64], 1_500).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn what_is_written_is_what_the_format_says() {
    let order = Order::Little;
    let mut expected = pcap_header(order, NANOSECONDS, (2, 4), 1);
    expected[16..20].copy_from_slice(&order.u32(MAX_RECORD_BYTES as u32));
    expected.extend(pcap_record(
        order,
        1_700_000_000,
        123_456_789,
        61,
        &[0xaa; 61],
    ));
    expected.extend(pcap_record(
        order,
        1_700_000_000,
        123_456_790,
        1_500,
        &[0xbb; 64],
    ));
    assert_eq!(sample(), expected);
}

#[test]
fn reader_gives_back_what_was_written() {
    let seen = |time_ns, original_len, data: &[u8]| Seen {
        time_ns,
        interface: 0,
        link_type: 1,
        original_len,
        data: data.to_vec(),
        comment: None,
    };
    assert_eq!(
        read_whole(&sample()),
        [
            seen(TIME_NS, 61, &[0xaa; 61]),
            seen(TIME_NS + 1, 1_500, &[0xbb; 64])
        ]
    );
}

#[test]
fn pcap_parser_reads_what_was_written() {
    let file = sample();
    let mut reader = LegacyPcapReader::new(65_536, file.as_slice()).unwrap();
    let mut read = Vec::new();
    loop {
        match reader.next() {
            Ok((offset, block)) => {
                if let PcapBlockOwned::Legacy(record) = &block {
                    read.push((record.ts_sec, record.ts_usec, record.caplen, record.origlen));
                }
                reader.consume(offset);
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(
        read,
        [
            (1_700_000_000, 123_456_789, 61, 61),
            (1_700_000_000, 123_456_790, 64, 1_500)
        ]
    );
}

#[test]
fn values_that_cannot_be_written_are_refused_and_the_file_goes_on() {
    let mut file = Vec::new();
    let mut writer = PcapWriter::new(&mut file, LinkType::ETHERNET).unwrap();
    let last_ns = i64::from(u32::MAX) * 1_000_000_000 + 999_999_999;
    assert!(matches!(
        writer.write(-1, &[1], 1),
        Err(WriteError::BeforeEpoch(-1))
    ));
    assert!(matches!(
        writer.write(last_ns + 1, &[1], 1),
        Err(WriteError::AfterPcap(time_ns)) if time_ns == last_ns + 1
    ));
    let long = vec![0; MAX_RECORD_BYTES + 1];
    assert!(matches!(
        writer.write(0, &long, 1),
        Err(WriteError::FrameTooLong(len)) if len == long.len()
    ));
    writer.write(last_ns, &[1, 2], 1).unwrap();
    writer.finish().unwrap();
    let read = read_whole(&file);
    assert_eq!((read.len(), read[0].time_ns), (1, last_ns));
    assert_eq!(read[0].original_len, 2, "raised to what is there");
}

#[test]
fn file_appears_under_its_name_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcap");
    fs::write(&path, "of before").unwrap();
    let mut writer = PcapWriter::create(&path, LinkType::ETHERNET).unwrap();
    writer.write(TIME_NS, &[0xaa; 61], 61).unwrap();
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), b"of before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let mut writer = PcapWriter::create(&path, LinkType::ETHERNET).unwrap();
    writer.write(TIME_NS, &[0xaa; 61], 61).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"of before");
    writer.finish().unwrap();
    assert_eq!(read_whole(&fs::read(&path).unwrap()).len(), 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn output_that_fails_is_never_called_whole() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // Whether it fails at a frame or at a field of its header, the cause is told.
    for len in [MAX_RECORD_BYTES, 60] {
        let mut writer = PcapWriter::new(Full, LinkType::ETHERNET).unwrap();
        let frame = vec![0; len];
        let failed = (0..10_000).find_map(|_| writer.write(0, &frame, 0).err());
        let Some(WriteError::Io(error)) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        assert!(matches!(writer.finish(), Err(WriteError::NotWhole)));
    }
}
