//! Every capture of the ground truth tables, read and compared with what tshark reads.
//!
//! `pcaps/` of the repository always; the larger folder named by `NVGRE_CAPTURES`, which is not part
//! of the repository, where it is set. Columns of `truth.tsv` are explained in `truth.sh` beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nvgre_capture::{LinkPayload, Reader, network_layer};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError};

/// What a file holds, told by us or by tshark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Contents {
    packets: u64,
    wire_bytes: u64,
    cap_bytes: u64,
    /// Of the first packet, in nanoseconds; `None` where tshark tells none: simple packets.
    first_ns: Option<i128>,
    last_ns: Option<i128>,
    /// Packets by link type, those without a name here under "other".
    links: BTreeMap<String, u64>,
    /// Read to the end without a complaint.
    whole: bool,
}

/// A file that is read to its end, but otherwise than by tshark.
struct Exception {
    file: &'static str,
    packets: u64,
    wire_bytes: u64,
    why: &'static str,
}

const NO_LINK: &str = "tshark counts the bytes of custom blocks, which are no packets";
const SUN_ATM: &str = "tshark takes the 4-byte SunATM pseudo header out of the lengths";
const ANY_LINK: &str = "tshark refuses files of link types it does not know; all are read here";

/// Every file read otherwise. Where only the sums or times differ, `packets` is tshark's too.
const EXCEPTIONS: &[Exception] = &[
    exception("container/hadrielk-be-basic-test017.pcapng", 0, 0, NO_LINK),
    exception(
        "container/hadrielk-le-advanced-test102.pcapng",
        5,
        1_480,
        NO_LINK,
    ),
    exception(
        "container/hadrielk-le-basic-test018.pcapng",
        4,
        1_312,
        NO_LINK,
    ),
    exception(
        "container/hadrielk-le-difficult-test202.pcapng",
        8,
        2_304,
        NO_LINK,
    ),
    exception(
        "container/ppp-pcapng-example.pcapng",
        159,
        57_465,
        "its last time stamp is in the year 586,524 and saturates in 2262",
    ),
    exception(
        "malformed/tcpdump-atm-heapoverflow.pcap",
        1,
        262_144,
        SUN_ATM,
    ),
    exception(
        "malformed/tcpdump-atm-oam-heapoverflow.pcap",
        1,
        262_144,
        SUN_ATM,
    ),
    exception(
        "malformed/tcpdump-atm-oam-loopback-print-overrun.pcap",
        1,
        65_622,
        SUN_ATM,
    ),
    exception(
        "malformed/ndpi-fuzz-2021-06-07-c6c72a0a56.pcap",
        1,
        4_093_509_168,
        "tshark clamps the original length to 2^31-1 and lets the microseconds overflow 32 bits",
    ),
    exception(
        "malformed/tcpdump-juniper_es_oobr.pcap",
        1,
        262_144,
        ANY_LINK,
    ),
    exception(
        "malformed/tcpdump-juniper_monitor_invalid_cookie_length.pcap",
        1,
        82,
        ANY_LINK,
    ),
    exception("malformed/tcpdump-vtp_asan-2.pcap", 1, 262_144, ANY_LINK),
    exception("malformed/tcpdump-vtp_asan.pcap", 5, 524_288, ANY_LINK),
];

const fn exception(
    file: &'static str,
    packets: u64,
    wire_bytes: u64,
    why: &'static str,
) -> Exception {
    Exception {
        file,
        packets,
        wire_bytes,
        why,
    }
}

fn read(path: &Path) -> (Contents, Option<String>) {
    let mut contents = Contents::default();
    let mut reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => return (contents, Some(error.to_string())),
    };
    let error = loop {
        match reader.next() {
            Ok(Some(packet)) => {
                contents.packets += 1;
                assert_eq!(packet.number, contents.packets);
                contents.wire_bytes += u64::from(packet.original_len);
                contents.cap_bytes += packet.data.len() as u64;
                contents.last_ns = Some(packet.time_ns.into());
                contents.first_ns = contents.first_ns.or(contents.last_ns);
                *contents
                    .links
                    .entry(link_class(&packet.link_type.name()))
                    .or_default() += 1;
            }
            Ok(None) => break None,
            Err(error) => {
                assert!(
                    matches!(reader.next(), Ok(None)),
                    "a reader stays ended after an error"
                );
                break Some(error.to_string());
            }
        }
    };
    contents.whole = error.is_none();
    (contents, error)
}

fn link_class(name: &str) -> String {
    if name.starts_with("encap-") || name.starts_with("linktype-") {
        "other".to_owned()
    } else {
        name.to_owned()
    }
}

/// "seconds.fraction", nine digits, to nanoseconds.
fn epoch_ns(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.')?;
    Some(seconds.parse::<i128>().ok()? * 1_000_000_000 + fraction.parse::<i128>().ok()?)
}

fn rows(table: &Path) -> Vec<(String, Contents)> {
    let text =
        fs::read_to_string(table).unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header line").split('\t').collect();
    let column = |name| {
        header
            .iter()
            .position(|&found| found == name)
            .expect("a known column")
    };
    let (file, packets, wire, cap, first, last, link, status) = (
        column("file"),
        column("packets"),
        column("wire_bytes"),
        column("cap_bytes"),
        column("first_epoch"),
        column("last_epoch"),
        column("link"),
        column("status"),
    );
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let number = |column: usize| cells[column].parse::<u64>().expect("a number");
            let mut links = BTreeMap::new();
            for (name, count) in cells[link]
                .split(',')
                .filter_map(|pair| pair.split_once(':'))
            {
                *links.entry(link_class(name)).or_default() +=
                    count.parse::<u64>().expect("a count");
            }
            // Custom and journal blocks, which tshark numbers among the packets: their length is not told.
            let no_link: u64 = links.remove("no-link").unwrap_or(0);
            let contents = Contents {
                packets: number(packets) - no_link,
                wire_bytes: number(wire),
                cap_bytes: number(cap),
                first_ns: epoch_ns(cells[first]),
                last_ns: epoch_ns(cells[last]),
                links,
                whole: cells[status] == "ok",
            };
            (cells[file].to_owned(), contents)
        })
        .collect()
}

/// Compares every file of a table; gives how many there were.
fn compare(folder: &Path) -> usize {
    let rows = rows(&folder.join("truth.tsv"));
    let mut differences = Vec::new();
    for (file, theirs) in &rows {
        let (mut ours, error) = read(&folder.join(file));
        if let Some(exception) = EXCEPTIONS.iter().find(|exception| exception.file == file) {
            let decided = (exception.packets, exception.wire_bytes, true);
            if (ours.packets, ours.wire_bytes, ours.whole) != decided {
                differences.push(format!(
                    "{file}: ({}) {error:?}\n   ours   {ours:?}",
                    exception.why
                ));
            }
            continue;
        }
        ours.first_ns = theirs.first_ns.and(ours.first_ns);
        ours.last_ns = theirs.last_ns.and(ours.last_ns);
        if ours != *theirs {
            differences.push(format!(
                "{file}: {error:?}\n   ours   {ours:?}\n   theirs {theirs:?}"
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        rows.len(),
        differences.join("\n")
    );
    rows.len()
}

fn pcaps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps")
}

#[test]
fn every_committed_capture_reads_as_tshark_reads_it() {
    assert!(
        compare(&pcaps()) >= 34,
        "25 captures of the kernel and 9 of Scapy"
    );
}

#[test]
fn every_capture_of_the_named_folder_reads_as_tshark_reads_it() {
    let Some(folder) = std::env::var_os("NVGRE_CAPTURES").map(PathBuf::from) else {
        println!("skipped: NVGRE_CAPTURES names no folder of captures");
        return;
    };
    assert!(
        compare(&folder) > 300,
        "the table of that folder has more rows"
    );
    for exception in EXCEPTIONS {
        assert!(
            folder.join(exception.file).exists(),
            "{} is gone: its exception too?",
            exception.file
        );
    }
}

/// EtherType, packet and sender of every frame of a cooked or raw capture.
fn network_packets(file: &str) -> Vec<(u16, Vec<u8>, Option<Vec<u8>>)> {
    let mut reader = Reader::open(pcaps().join(file)).expect("a capture");
    let mut packets = Vec::new();
    while let Some(packet) = reader.next().expect("a whole capture") {
        match network_layer(packet.link_type, packet.data).expect("a supported frame") {
            LinkPayload::Network {
                ethertype,
                payload,
                source,
            } => {
                packets.push((ethertype, payload.to_vec(), source.map(<[u8]>::to_vec)));
            }
            LinkPayload::Ethernet(_) => panic!("{file} is not an Ethernet capture"),
        }
    }
    packets
}

#[test]
fn both_cooked_captures_of_one_run_give_the_same_network_packets() {
    let v1 = network_packets("kernel/kernel-gretap-any-sll.pcap");
    let v2 = network_packets("kernel/kernel-gretap-any-sll2.pcap");
    assert_eq!(v1.len(), 1_628);
    assert!(v1 == v2, "the two cooked headers disagree");
    assert!(v1.iter().any(|(ethertype, ..)| *ethertype == 0x0800));
    assert!(v1.iter().any(|(ethertype, ..)| *ethertype == 0x86dd));
}

#[test]
fn raw_ip_capture_begins_at_the_ip_header() {
    let packets = network_packets("scapy/scapy-shared-rawip.pcap");
    assert_eq!(packets.len(), 6);
    for (ethertype, packet, source) in packets {
        assert_eq!(ethertype, if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd });
        assert_eq!(source, None);
    }
}

/// Captured bytes and original length of every packet, as pcap-parser's own reader finds them.
fn packets_by_pcap_parser(path: &Path) -> Vec<(Vec<u8>, u32)> {
    let file = fs::File::open(path).expect("a file");
    let mut reader = pcap_parser::create_reader(1 << 20, file).expect("a capture");
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok((len, block)) => {
                match block {
                    PcapBlockOwned::Legacy(record) => {
                        packets.push((record.data.to_vec(), record.origlen))
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        packets.push((packet.packet_data().to_vec(), packet.origlen));
                    }
                    _ => {}
                }
                reader.consume(len);
            }
            Err(PcapError::Eof) => return packets,
            Err(PcapError::Incomplete(_)) => reader.refill().expect("more"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn every_committed_capture_gives_the_bytes_pcap_parser_gives() {
    for (file, _) in rows(&pcaps().join("truth.tsv")) {
        let path = pcaps().join(file);
        let mut reader = Reader::open(&path).expect("a capture");
        for (data, original_len) in packets_by_pcap_parser(&path) {
            let packet = reader
                .next()
                .expect("a whole capture")
                .expect("as many packets");
            assert_eq!(packet.original_len, original_len);
            assert!(
                packet.data == data,
                "packet {} of {}",
                packet.number,
                path.display()
            );
        }
        assert!(
            reader.next().expect("a whole capture").is_none(),
            "{}",
            path.display()
        );
    }
}
