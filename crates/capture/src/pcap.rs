//! The classic format: a 24-byte file header, then records (draft-ietf-opsawg-pcap).
//!
//! `pcap-parser` reads the file header. The four numbers in front of each record are read here: it
//! does not know the records of versions before 2.3, and they are most of what reading small packets
//! costs.

use std::io::Read;

use pcap_parser::{nom, parse_pcap_header};

use crate::block::ByteOrder;
use crate::link_type::LinkType;
use crate::read_error::ReadErrorKind;
use crate::reader::{Format, Interface, Located, MAX_RECORD_BYTES};
use crate::window::Window;

const FILE_HEADER_BYTES: usize = 24;
/// Seconds, fraction, captured length, original length.
const RECORD_NUMBERS_BYTES: usize = 16;
/// The modified format (Kuznetzov's, magic 0xa1b2cd34) has interface, protocol and packet type too.
const MODIFIED_HEADER_BYTES: usize = 24;

/// What the file header says about its records.
pub(crate) struct Pcap {
    order: ByteOrder,
    /// Versions before 2.3 have the original length first (libpcap `sf-pcap.c`).
    lengths_swapped: bool,
    record_header_bytes: usize,
    ns_per_fraction: i64,
}

impl Pcap {
    /// Reads the file header; the only interface of the file comes with it.
    pub(crate) fn open<R: Read>(
        window: &mut Window<R>,
        magic: [u8; 4],
    ) -> Result<(Self, Interface), ReadErrorKind> {
        let have = window.ensure(FILE_HEADER_BYTES)?;
        let header = match parse_pcap_header(window.available()) {
            Ok((_, header)) => header,
            Err(nom::Err::Incomplete(_)) => {
                return Err(ReadErrorKind::Truncated {
                    have: have as u64,
                    need: FILE_HEADER_BYTES as u64,
                });
            }
            Err(_) => return Err(ReadErrorKind::NotACapture(magic)),
        };
        if header.version_major != 2 {
            return Err(ReadErrorKind::Version {
                format: Format::Pcap,
                major: header.version_major,
                minor: header.version_minor,
            });
        }
        window.consume(FILE_HEADER_BYTES);
        let pcap = Self {
            order: ByteOrder::new(header.is_bigendian()),
            lengths_swapped: header.version_minor < 3 && !header.is_modified_format(),
            record_header_bytes: if header.is_modified_format() {
                MODIFIED_HEADER_BYTES
            } else {
                RECORD_NUMBERS_BYTES
            },
            ns_per_fraction: if header.is_nanosecond_precision() {
                1
            } else {
                1_000
            },
        };
        let interface = Interface {
            index: 0,
            name: None,
            description: None,
            // The upper half holds the length of a frame check sequence, not a link type.
            link_type: LinkType(header.network.0 as u16),
            snap_len: header.snaplen,
        };
        Ok((pcap, interface))
    }

    /// Consumes the next record; `None` when the file ends before it.
    pub(crate) fn locate<R: Read>(
        &self,
        window: &mut Window<R>,
    ) -> Result<Option<Located>, ReadErrorKind> {
        if !hold(window, self.record_header_bytes)? {
            return Ok(None);
        }
        if let Some(record) = Record::read(self, window.available()) {
            check_captured(record.captured.into())?;
            hold(window, self.record_header_bytes + record.captured as usize)?;
        }
        Ok(self.locate_in(window))
    }

    /// Consumes the next record if it is in the window as a whole.
    #[inline]
    pub(crate) fn locate_in<R: Read>(&self, window: &mut Window<R>) -> Option<Located> {
        let record = Record::read(self, window.available())?;
        let len = self.record_header_bytes + record.captured as usize;
        if window.available().len() < len || record.captured as usize > MAX_RECORD_BYTES {
            return None;
        }
        let offset = window.position();
        let first = window.consume(len);
        Some(Located {
            data: first + self.record_header_bytes..first + len,
            block_len: 0,
            time_ns: record.time_ns,
            interface: 0,
            original_len: record.original_len,
            offset,
        })
    }
}

/// What stands in front of a packet.
struct Record {
    time_ns: i64,
    captured: u32,
    original_len: u32,
}

impl Record {
    #[inline]
    fn read(pcap: &Pcap, bytes: &[u8]) -> Option<Self> {
        let (words, _) = bytes.first_chunk::<RECORD_NUMBERS_BYTES>()?.as_chunks();
        let word = |at: usize| pcap.order.u32(words[at]);
        let (mut captured, mut original_len) = (word(2), word(3));
        if pcap.lengths_swapped {
            (captured, original_len) = (original_len, captured);
        }
        Some(Self {
            // The fraction may be a second and more in odd files: it adds up as it stands.
            time_ns: i64::from(word(0)) * 1_000_000_000 + i64::from(word(1)) * pcap.ns_per_fraction,
            captured,
            original_len,
        })
    }
}

/// Makes `need` bytes of a record available; `false` where the file ends before it.
fn hold<R: Read>(window: &mut Window<R>, need: usize) -> Result<bool, ReadErrorKind> {
    match window.ensure(need)? {
        0 => Ok(false),
        have if have < need => Err(ReadErrorKind::Truncated {
            have: have as u64,
            need: need as u64,
        }),
        _ => Ok(true),
    }
}

/// Refuses a captured length no capture tool writes.
pub(crate) fn check_captured(claimed: u64) -> Result<(), ReadErrorKind> {
    let max = MAX_RECORD_BYTES as u64;
    if claimed > max {
        return Err(ReadErrorKind::RecordTooLong { claimed, max });
    }
    Ok(())
}
