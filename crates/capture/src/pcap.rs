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
use crate::reader::{Format, Interface, Located, MAX_RECORD_BYTES, Reach};
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

    /// Consumes the next record; `None` when the file ends before it, or it is out of reach.
    #[inline]
    pub(crate) fn locate<R: Read>(
        &self,
        window: &mut Window<R>,
        reach: Reach,
    ) -> Result<Option<Located>, ReadErrorKind> {
        let header_bytes = self.record_header_bytes;
        if !hold(window, header_bytes, reach)? {
            return Ok(None);
        }
        let Some(numbers) = window.available().first_chunk() else {
            return Ok(None);
        };
        let [seconds, fraction, mut captured, mut original_len] = self.numbers(numbers);
        if self.lengths_swapped {
            (captured, original_len) = (original_len, captured);
        }
        check_captured(captured.into())?;
        let len = header_bytes + captured as usize;
        if !hold(window, len, reach)? {
            return Ok(None);
        }
        let offset = window.position();
        let first = window.consume(len);
        Ok(Some(Located {
            data: first + header_bytes..first + len,
            comment: None,
            // The fraction may be a second and more in odd files: it adds up as it stands.
            time_ns: i64::from(seconds) * 1_000_000_000
                + i64::from(fraction) * self.ns_per_fraction,
            interface: 0,
            original_len,
            offset,
        }))
    }

    fn numbers(&self, header: &[u8; RECORD_NUMBERS_BYTES]) -> [u32; 4] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *header;
        [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]].map(|word| self.order.u32(word))
    }
}

/// Makes `need` bytes of a record available; `false` where there is no record, or none within reach.
#[inline]
fn hold<R: Read>(window: &mut Window<R>, need: usize, reach: Reach) -> Result<bool, ReadErrorKind> {
    let have = window.available().len();
    if have >= need {
        return Ok(true);
    }
    if reach == Reach::Window {
        return Ok(false);
    }
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
