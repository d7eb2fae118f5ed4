//! The classic format: a 24-byte file header, then records (draft-ietf-opsawg-pcap).
//!
//! Headers and records are parsed by `pcap-parser`, which does not know the records of versions
//! before 2.3; here are those, the limits, the refill loop and time.

use std::io::Read;

use pcap_parser::nom::bytes::streaming::take;
use pcap_parser::nom::{self, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use crate::link_type::LinkType;
use crate::read_error::ReadErrorKind;
use crate::reader::{Format, Interface, Located, MAX_RECORD_BYTES, Reach};
use crate::window::Window;

type ParseRecord =
    for<'a> fn(&'a [u8]) -> IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>;

const FILE_HEADER_BYTES: usize = 24;

/// What the file header says about its records.
pub(crate) struct Pcap {
    parse_record: ParseRecord,
    /// 16, or 24 in the modified format (Kuznetzov's, magic 0xa1b2cd34).
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
            parse_record: match (header.is_modified_format(), header.is_bigendian()) {
                (true, _) => parse_pcap_frame_modified,
                (false, true) if header.version_minor < 3 => parse_frame_lengths_swapped_be,
                (false, false) if header.version_minor < 3 => parse_frame_lengths_swapped_le,
                (false, true) => parse_pcap_frame_be,
                (false, false) => parse_pcap_frame,
            },
            record_header_bytes: if header.is_modified_format() { 24 } else { 16 },
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
    pub(crate) fn locate<R: Read>(
        &self,
        window: &mut Window<R>,
        reach: Reach,
    ) -> Result<Option<Located>, ReadErrorKind> {
        loop {
            let bytes = window.available();
            let have = bytes.len();
            let missing = match (self.parse_record)(bytes) {
                Ok((_, record)) => {
                    let captured = record.caplen;
                    check_captured(captured.into())?;
                    // The fraction may be a second and more in odd files: it adds up as it stands.
                    let time_ns = i64::from(record.ts_sec) * 1_000_000_000
                        + i64::from(record.ts_usec) * self.ns_per_fraction;
                    let original_len = record.origlen;
                    let offset = window.position();
                    let first = window.consume(self.record_header_bytes + captured as usize)
                        + self.record_header_bytes;
                    return Ok(Some(Located {
                        data: first..first + captured as usize,
                        comment: None,
                        time_ns,
                        interface: 0,
                        original_len,
                        offset,
                    }));
                }
                Err(_) if reach == Reach::Window => return Ok(None),
                Err(nom::Err::Incomplete(Needed::Size(missing))) => missing.get(),
                // The record parsers have no other answer than "more"; should that change, ask for
                // a byte more and let the limit below end it.
                Err(_) => 1,
            };
            let need = have as u64 + missing as u64;
            if have >= self.record_header_bytes {
                check_captured(need - self.record_header_bytes as u64)?;
            }
            match window.ensure(need as usize)? {
                0 => return Ok(None),
                have if (have as u64) < need => {
                    return Err(ReadErrorKind::Truncated {
                        have: have as u64,
                        need,
                    });
                }
                _ => {}
            }
        }
    }
}

/// Records of versions before 2.3 have the original length first (libpcap `sf-pcap.c`).
fn parse_frame_lengths_swapped(
    bytes: &[u8],
    word: fn([u8; 4]) -> u32,
) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>> {
    let (rest, header) = take(16usize)(bytes)?;
    let at = |at: usize| word([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (ts_sec, ts_usec, origlen, caplen) = (at(0), at(4), at(8), at(12));
    let (rest, data) = take(caplen)(rest)?;
    Ok((
        rest,
        LegacyPcapBlock {
            ts_sec,
            ts_usec,
            caplen,
            origlen,
            data,
        },
    ))
}

fn parse_frame_lengths_swapped_le(
    bytes: &[u8],
) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>> {
    parse_frame_lengths_swapped(bytes, u32::from_le_bytes)
}

fn parse_frame_lengths_swapped_be(
    bytes: &[u8],
) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>> {
    parse_frame_lengths_swapped(bytes, u32::from_be_bytes)
}

/// Refuses a captured length no capture tool writes.
pub(crate) fn check_captured(claimed: u64) -> Result<(), ReadErrorKind> {
    let max = MAX_RECORD_BYTES as u64;
    if claimed > max {
        return Err(ReadErrorKind::RecordTooLong { claimed, max });
    }
    Ok(())
}
