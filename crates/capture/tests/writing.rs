//! What is written: read back by the reader, by pcap-parser and by tshark, and the file it stands in.

mod common;

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use common::{Seen, read_whole};
use nvgre_capture::{
    Annotations, Direction, LinkType, MAX_RECORD_BYTES, Reader, WriteError, Writer,
};
use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, PcapBlockOwned, PcapError, PcapNGReader};
use proptest::prelude::*;

const TIME_NS: i64 = 1_700_000_000_123_456_789;

/// Two tap points, three frames: with a comment, cut, empty.
fn sample() -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file).unwrap();
    let uplink = writer
        .add_interface("Statler/uplink", LinkType::ETHERNET, 262_144)
        .unwrap();
    let port = writer
        .add_interface("red11/nic", LinkType::ETHERNET, 0)
        .unwrap();
    writer
        .write(port, TIME_NS, &[0xaa; 61], 61, Some("VSID 445566: größer"))
        .unwrap();
    writer
        .write(uplink, TIME_NS + 1, &[0xbb; 64], 1_500, None)
        .unwrap();
    writer.write(port, 0, &[], 60, None).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn reader_gives_back_what_was_written() {
    let file = sample();
    let seen = |time_ns, interface, original_len, data: &[u8], comment: Option<&str>| Seen {
        time_ns,
        interface,
        link_type: 1,
        original_len,
        data: data.to_vec(),
        comment: comment.map(str::to_owned),
    };
    assert_eq!(
        read_whole(&file),
        [
            seen(TIME_NS, 1, 61, &[0xaa; 61], Some("VSID 445566: größer")),
            seen(TIME_NS + 1, 0, 1_500, &[0xbb; 64], None),
            seen(0, 1, 60, &[], None),
        ]
    );
    let mut reader = Reader::new(file.as_slice()).unwrap();
    while reader.next().unwrap().is_some() {}
    let interfaces: Vec<_> = reader
        .interfaces()
        .iter()
        .map(|interface| {
            (
                interface.name.as_deref().unwrap(),
                interface.link_type,
                interface.snap_len,
            )
        })
        .collect();
    assert_eq!(
        interfaces,
        [
            ("Statler/uplink", LinkType::ETHERNET, 262_144),
            ("red11/nic", LinkType::ETHERNET, 0)
        ]
    );
}

#[test]
fn pcap_parser_reads_what_was_written() {
    let file = sample();
    let mut reader = PcapNGReader::new(1 << 16, file.as_slice()).unwrap();
    let mut names = Vec::new();
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok((len, PcapBlockOwned::NG(block))) => {
                match block {
                    Block::InterfaceDescription(interface) => {
                        assert_eq!(interface.if_tsresol, 9);
                        names.push(interface.if_name().unwrap().unwrap().to_owned());
                    }
                    Block::EnhancedPacket(packet) => {
                        let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                        packets.push((
                            packet.if_id,
                            units,
                            packet.packet_data().to_vec(),
                            packet.orig_len(),
                        ));
                    }
                    Block::SectionHeader(header) => assert_eq!(header.section_len, -1),
                    other => panic!("{other:?} was not written"),
                }
                reader.consume(len);
            }
            Ok(_) => panic!("not a block"),
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(names, ["Statler/uplink", "red11/nic"]);
    assert_eq!(
        packets,
        [
            (1, TIME_NS as u64, vec![0xaa; 61], 61),
            (0, TIME_NS as u64 + 1, vec![0xbb; 64], 1_500),
            (1, 0, Vec::new(), 60),
        ]
    );
}

#[test]
fn tshark_reads_comment_interface_and_nanoseconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("written.pcapng");
    fs::write(&path, sample()).unwrap();
    let fields = [
        "frame.time_epoch",
        "frame.interface_name",
        "frame.len",
        "frame.cap_len",
        "frame.comment",
    ];
    let Some(lines) = tshark(folder.path(), &path, &fields) else {
        return;
    };
    assert_eq!(
        lines,
        [
            "1700000000.123456789\tred11/nic\t61\t61\tVSID 445566: größer",
            "1700000000.123456790\tStatler/uplink\t1500\t64\t",
            "0.000000000\tred11/nic\t60\t0\t",
        ]
    );
}

/// What tshark says of these fields, a line for each packet; `None` where there is no tshark.
fn tshark(home: &Path, file: &Path, fields: &[&str]) -> Option<Vec<String>> {
    let mut tshark = Command::new("tshark");
    tshark
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", home)
        .arg("-n")
        .arg("-r")
        .arg(file);
    tshark
        .args(["-T", "fields"])
        .args(fields.iter().flat_map(|field| ["-e", field]));
    let output = match tshark.output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("skipped: no tshark here");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    assert!(
        !complaints.contains("damaged") && !complaints.contains("cut short"),
        "{complaints}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn ids_and_directions_are_read_back_by_the_reader_and_by_tshark() {
    let annotations = [
        Annotations::default(),
        Annotations {
            comment: Some("both ways"),
            id: Some(u64::MAX),
            direction: Some(Direction::Outbound),
        },
        Annotations {
            id: Some(7),
            ..Annotations::default()
        },
        Annotations {
            direction: Some(Direction::Inbound),
            ..Annotations::default()
        },
    ];
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file).unwrap();
    let port = writer.add_interface("p", LinkType::ETHERNET, 0).unwrap();
    for annotations in annotations {
        writer
            .write_annotated(port, 0, &[0xee; 21], 21, annotations)
            .unwrap();
    }
    writer.finish().unwrap();

    let mut reader = Reader::new(file.as_slice()).unwrap();
    for expected in annotations {
        let packet = reader.next().unwrap().expect("as many as were written");
        let read = Annotations {
            comment: packet.options.comment(),
            id: packet.options.id(),
            direction: packet.options.direction(),
        };
        assert_eq!(read, expected);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotated.pcapng");
    fs::write(&path, file).unwrap();
    let fields = [
        "frame.comment",
        "frame.packet_id",
        "frame.packet_flags_direction",
    ];
    if let Some(lines) = tshark(folder.path(), &path, &fields) {
        let both = "both ways\t18446744073709551615\t0x00000002";
        assert_eq!(lines, ["\t\t", both, "\t7\t", "\t\t0x00000001"]);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn file_appears_under_its_name_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    fs::write(&path, "stood here before").unwrap();
    let mut writer = Writer::create(&path).unwrap();
    let port = writer.add_interface("port", LinkType::RAW, 0).unwrap();
    writer.write(port, TIME_NS, b"frame", 5, None).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"stood here before");
    assert_eq!(
        names_in(folder.path()).len(),
        2,
        "the temporary file is in the same folder"
    );
    writer.finish().unwrap();
    assert_eq!(names_in(folder.path()), ["out.pcapng"]);
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().data, b"frame");
}

#[test]
fn writer_dropped_before_its_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path().join("out.pcapng")).unwrap();
    writer.add_interface("port", LinkType::ETHERNET, 0).unwrap();
    drop(writer);
    assert!(names_in(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (
        folder.path().join("out.pcapng"),
        folder.path().join("plain"),
    );
    Writer::create(&ours).unwrap().finish().unwrap();
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[cfg(unix)]
#[test]
fn link_is_followed_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (
        folder.path().join("link"),
        folder.path().join("target.pcapng"),
    );
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    Writer::create(&link).unwrap().finish().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(Reader::open(&target).unwrap().next().unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_never_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(matches!(
        Writer::create(&socket),
        Err(WriteError::Create { .. })
    ));
    assert!(matches!(
        Writer::create(folder.path()),
        Err(WriteError::Create { .. })
    ));
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(names_in(folder.path()), ["socket"]);
}

#[test]
fn file_that_cannot_be_created_is_named() {
    let error = Writer::create("no/such/folder/out.pcapng")
        .map(drop)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create no/such/folder/out.pcapng: folder no/such/folder does not exist"
    );
}

#[test]
fn values_that_cannot_be_written_are_refused_and_the_file_goes_on() {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file).unwrap();
    let port = writer.add_interface("port", LinkType::ETHERNET, 0).unwrap();
    let long = "x".repeat(65_536);
    let mut refused = |interface, time_ns, data: &[u8], comment| {
        writer
            .write(interface, time_ns, data, 0, comment)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(port + 1, 0, b"", None), "interface 1 was not added");
    assert_eq!(
        refused(port, -1, b"", None),
        "time stamp -1 ns is before 1970"
    );
    assert_eq!(
        refused(port, 0, &vec![0; MAX_RECORD_BYTES + 1], None),
        "frame of 262145 bytes, more than 262144"
    );
    assert_eq!(
        refused(port, 0, b"", Some(&long)),
        "text of 65536 bytes, more than 65535"
    );
    assert!(matches!(
        writer.add_interface(&long, LinkType::ETHERNET, 0),
        Err(WriteError::TextTooLong(65_536))
    ));
    writer
        .write(
            port,
            i64::MAX,
            &vec![7; MAX_RECORD_BYTES],
            0,
            Some(&long[1..]),
        )
        .unwrap();
    writer.finish().unwrap();
    let [packet] = &read_whole(&file)[..] else {
        panic!("not one packet")
    };
    assert_eq!(
        (packet.time_ns, packet.original_len as usize),
        (i64::MAX, MAX_RECORD_BYTES)
    );
    assert_eq!(packet.comment.as_deref(), Some(&long[1..]));
}

#[test]
fn output_that_fails_is_never_called_whole() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("no space left"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let writer = Writer::new(Full).unwrap();
    assert_eq!(
        writer.finish().unwrap_err().to_string(),
        "cannot be written: no space left"
    );
    let mut writer = Writer::new(Full).unwrap();
    let port = writer.add_interface("port", LinkType::ETHERNET, 0).unwrap();
    let failed = (0..10).find_map(|_| writer.write(port, 0, &[0; 100_000], 0, None).err());
    assert_eq!(
        failed.unwrap().to_string(),
        "cannot be written: no space left"
    );
    assert!(matches!(writer.finish(), Err(WriteError::NotWhole)));
}

#[test]
fn nothing_follows_a_write_that_failed() {
    /// Takes a few bytes, fails once, and has room again.
    struct Hiccup<'a>(&'a mut Vec<u8>, u32);
    impl io::Write for Hiccup<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 == 2 {
                return Err(io::Error::other("no space left"));
            }
            let taken = &bytes[..bytes.len().min(1_001)];
            self.0.extend_from_slice(taken);
            Ok(taken.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut out = Vec::new();
    let mut writer = Writer::new(Hiccup(&mut out, 0)).unwrap();
    let port = writer.add_interface("port", LinkType::ETHERNET, 0).unwrap();
    let mut write = || writer.write(port, 0, &[0; 100_000], 0, None);
    let failed = (0..10).find_map(|_| write().err());
    assert!(matches!(failed, Some(WriteError::Io(_))));
    for _ in 0..10 {
        assert!(matches!(write(), Err(WriteError::NotWhole)));
    }
    let more = writer.add_interface("more", LinkType::ETHERNET, 0);
    assert!(matches!(more, Err(WriteError::NotWhole)));
    assert!(matches!(writer.finish(), Err(WriteError::NotWhole)));
    assert_eq!(out.len(), 1_001);
}

proptest! {
    #[test]
    fn reading_undoes_writing(
        frames in proptest::collection::vec(
            (0u32..3, 0i64.., proptest::collection::vec(any::<u8>(), 0..200), any::<u32>(), any::<Option<String>>()),
            0..40,
        ),
    ) {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file).unwrap();
        for (name, link_type) in [("a", 1), ("b", 113), ("c", 276)] {
            writer.add_interface(name, LinkType(link_type), 0).unwrap();
        }
        let mut expected = Vec::new();
        for (interface, time_ns, data, original_len, comment) in frames {
            writer.write(interface, time_ns, &data, original_len, comment.as_deref()).unwrap();
            let link_type = [1, 113, 276][interface as usize];
            let original_len = original_len.max(data.len() as u32);
            expected.push(Seen { time_ns, interface, link_type, original_len, data, comment });
        }
        writer.finish().unwrap();
        prop_assert_eq!(read_whole(&file), expected);
    }
}
