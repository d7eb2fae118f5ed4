//! Files that are cut, changed or no captures at all.

mod common;

use common::{
    MODIFIED, NANOSECONDS, Order, Seen, block, enhanced, interface, option, pcap_header,
    pcap_record,
};
use common::{read, read_whole, section, simple};
use nvgre_capture::ReadErrorKind;
use proptest::prelude::*;

/// A file, and the ends of its records or blocks: there it may end without an error.
fn joined(parts: Vec<Vec<u8>>) -> (Vec<u8>, Vec<usize>) {
    let mut ends = Vec::new();
    let mut file = Vec::new();
    for part in parts {
        file.extend(part);
        ends.push(file.len());
    }
    (file, ends)
}

fn small_pcap(magic: u32) -> (Vec<u8>, Vec<usize>) {
    let order = Order::Little;
    let record = |data: &[u8]| {
        let mut record = pcap_record(order, 1, 2, 60, data);
        if magic == MODIFIED {
            record.splice(16..16, [0; 8]);
        }
        record
    };
    joined(vec![
        pcap_header(order, magic, (2, 4), 1),
        record(b"abcdefghi"),
        record(b""),
        record(b"jkl"),
    ])
}

fn small_pcapng(order: Order) -> (Vec<u8>, Vec<usize>) {
    let comment = [option(order, 1, b"why"), option(order, 0, &[])];
    joined(vec![
        section(order),
        interface(
            order,
            1,
            0,
            &[option(order, 2, b"uplink"), option(order, 9, &[9])],
        ),
        enhanced(order, 0, 5, 60, b"abcde", &comment),
        block(order, 5, &[0; 12]),
        simple(order, 3, b"fgh"),
        section(order),
        interface(order, 113, 0, &[]),
        enhanced(order, 0, 5, 60, b"ijkl", &[]),
    ])
}

fn small_files() -> Vec<(Vec<u8>, Vec<usize>)> {
    vec![
        small_pcap(NANOSECONDS),
        small_pcap(MODIFIED),
        small_pcapng(Order::Little),
        small_pcapng(Order::Big),
    ]
}

/// How many packets of `whole` end within the first `cut` bytes: told by reading up to the last end.
fn packets_before(file: &[u8], ends: &[usize], cut: usize) -> Vec<Seen> {
    match ends.iter().rev().find(|&&end| end <= cut) {
        Some(&end) => read_whole(&file[..end]),
        None => Vec::new(),
    }
}

#[test]
fn cut_at_every_byte_gives_what_was_whole_then_one_error_with_its_place() {
    for (file, ends) in small_files() {
        assert!(read_whole(&file).len() == 3);
        for cut in 0..file.len() {
            let (packets, error) = read(&file[..cut]);
            assert_eq!(packets, packets_before(&file, &ends, cut), "cut at {cut}");
            if ends.contains(&cut) {
                assert!(error.is_none(), "cut at {cut}: {error:?}");
                continue;
            }
            let error = error.unwrap_or_else(|| panic!("cut at {cut}"));
            let start = ends.iter().copied().rfind(|&end| end < cut).unwrap_or(0);
            assert_eq!(
                (error.packet, error.offset),
                (packets.len() as u64 + 1, start as u64)
            );
            match error.kind {
                ReadErrorKind::Empty => assert_eq!(cut, 0),
                ReadErrorKind::Truncated { have, need } => {
                    assert_eq!(have, (cut - start) as u64);
                    assert!(need > have, "cut at {cut}: {have} of {need}");
                    let end = ends.iter().find(|&&end| end > cut).expect("an end");
                    assert!(
                        need <= (end - start) as u64,
                        "cut at {cut}: {need} are too many"
                    );
                }
                kind => panic!("cut at {cut}: {kind}"),
            }
        }
    }
}

#[test]
fn what_is_no_capture_is_told_for_what_it_is() {
    let told = |bytes: &[u8]| match nvgre_capture::Reader::new(bytes) {
        Ok(_) => panic!("this is no capture"),
        Err(error) => error.to_string(),
    };
    assert_eq!(told(b""), "the file is empty");
    let gzip = [0x1f, 0x8b, 0x08, 0x08, 0, 0, 0, 0, 0, 3];
    assert_eq!(told(&gzip), "gzip-compressed: unpack it first");
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 4, 0];
    assert_eq!(told(&zstd), "zstd-compressed: unpack it first");
    assert!(told(b"name = \"two-hosts\"").starts_with("neither pcap nor pcapng"));
    let folder = nvgre_capture::Reader::open(env!("CARGO_MANIFEST_DIR")).err();
    let folder = folder.map(|error| error.to_string());
    assert_eq!(folder.as_deref(), Some("a folder, not a capture"));
}

#[test]
fn source_that_fails_is_an_error_with_its_place() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match std::io::Read::read(&mut self.0, buffer)? {
                0 => Err(std::io::Error::other("the disk is on fire")),
                count => Ok(count),
            }
        }
    }
    for (file, _) in small_files() {
        let mut reader = nvgre_capture::Reader::new(Failing(&file)).expect("a header");
        for _ in 0..3 {
            assert!(reader.next().expect("no failure yet").is_some());
        }
        let error = reader.next().map(drop).unwrap_err();
        let place = format!(
            "packet 4 at byte {}: cannot be read: the disk is on fire",
            file.len()
        );
        assert_eq!(error.to_string(), place);
        assert!(reader.next().expect("ended").is_none());
    }
}

/// Reads whatever it is; a file cannot give more packets than it has room for.
fn swallow(file: &[u8]) {
    let (packets, error) = read(file);
    assert!(packets.len() <= file.len() / 16);
    if let Some(error) = error {
        assert!(error.offset <= file.len() as u64);
        assert!(!error.to_string().contains('\n'), "one line: {error}");
    }
}

proptest! {
    #[test]
    fn byte_soup_never_panics(file in proptest::collection::vec(any::<u8>(), 0..600)) {
        swallow(&file);
    }

    #[test]
    fn byte_soup_behind_a_header_never_panics(
        which in 0usize..4,
        soup in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let (file, ends) = small_files().swap_remove(which);
        // Behind the file header or the first interface, so that packets can come.
        let header = if which < 2 { ends[0] } else { ends[1] };
        swallow(&[&file[..header], &soup].concat());
    }

    #[test]
    fn changed_bytes_never_panic(
        which in 0usize..4,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (mut file, _) = small_files().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        swallow(&file);
    }
}
