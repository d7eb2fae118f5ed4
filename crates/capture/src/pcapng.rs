//! The next generation format: sections of blocks (draft-ietf-opsawg-pcapng).
//!
//! `pcap-parser` reads section headers, interface descriptions and options. The frame around every
//! block and the fixed numbers of the three packet blocks are read here: lengths must be judged
//! before a block is in memory, the obsolete packet block is unknown there, and a list of options
//! would be allocated for every packet that has some.

use std::io::Read;
use std::ops::Range;

use pcap_parser::nom::IResult;
use pcap_parser::{
    OptionCode, PcapError, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_option_be, parse_option_le, parse_sectionheaderblock,
};

use crate::link_type::LinkType;
use crate::pcap::check_captured;
use crate::read_error::ReadErrorKind;
use crate::reader::{Format, Interface, Located};
use crate::timestamp::Clock;
use crate::window::{BUFFER_BYTES, Window};

/// Block type and both lengths.
const BLOCK_OVERHEAD_BYTES: u32 = 12;
/// Type, length and what follows: of a section header its byte-order magic.
const BLOCK_HEAD_BYTES: usize = 12;
const BYTE_ORDER_MAGIC: u32 = pcap_parser::BOM_MAGIC;
/// Interfaces kept of one file. With [`INTERFACE_TEXT_MAX_BYTES`] it bounds their memory.
const INTERFACES_MAX: usize = 65_536;
/// Bytes kept of an interface's name or description.
const INTERFACE_TEXT_MAX_BYTES: usize = 256;

const OBSOLETE_PACKET_BLOCK: u32 = 2;

/// The state of the current section.
#[derive(Default)]
pub(crate) struct Pcapng {
    big_endian: bool,
    /// Clocks of the section's interfaces, by the id packets name them with.
    clocks: Vec<Clock>,
    /// [`Interface::index`] of the section's first interface.
    first_interface: usize,
    skipped_blocks: u64,
}

/// Type and total length of a block.
struct BlockHead {
    kind: u32,
    len: u32,
}

impl Pcapng {
    /// The section header's type: the same in both byte orders.
    pub(crate) const MAGIC: [u8; 4] = pcap_parser::SHB_MAGIC.to_le_bytes();

    /// Reads the first section header.
    pub(crate) fn open<R: Read>(window: &mut Window<R>) -> Result<Self, ReadErrorKind> {
        let mut pcapng = Self::default();
        if let Some(head) = pcapng.block_head(window)? {
            pcapng.section_header(window, head.len, 0)?;
        }
        Ok(pcapng)
    }

    pub(crate) fn skipped_blocks(&self) -> u64 {
        self.skipped_blocks
    }

    /// Consumes blocks up to and with the next packet; `None` when the file ends before one.
    /// `offset` is left at the block in work, for the error that ends it.
    pub(crate) fn locate<R: Read>(
        &mut self,
        window: &mut Window<R>,
        interfaces: &mut Vec<Interface>,
        offset: &mut u64,
    ) -> Result<Option<Located>, ReadErrorKind> {
        loop {
            *offset = window.position();
            let Some(BlockHead { kind, len }) = self.block_head(window)? else {
                return Ok(None);
            };
            match kind {
                pcap_parser::EPB_MAGIC | OBSOLETE_PACKET_BLOCK => {
                    return self.packet(window, kind, len).map(Some);
                }
                pcap_parser::SPB_MAGIC => {
                    return self.simple_packet(window, len, interfaces).map(Some);
                }
                pcap_parser::IDB_MAGIC => self.interface(window, len, interfaces)?,
                pcap_parser::SHB_MAGIC => self.section_header(window, len, interfaces.len())?,
                _ => self.skip(window, len)?,
            }
        }
    }

    /// Reads a block's type and length without consuming them; `None` at the end of the file.
    fn block_head<R: Read>(
        &mut self,
        window: &mut Window<R>,
    ) -> Result<Option<BlockHead>, ReadErrorKind> {
        let have = window.ensure(BLOCK_HEAD_BYTES)?;
        if have == 0 {
            return Ok(None);
        }
        let Some(head) = window.available().first_chunk::<BLOCK_HEAD_BYTES>() else {
            return Err(ReadErrorKind::Truncated {
                have: have as u64,
                need: BLOCK_HEAD_BYTES as u64,
            });
        };
        if head.first_chunk() == Some(&Self::MAGIC) {
            self.big_endian = match self.u32_at(head, 8) {
                BYTE_ORDER_MAGIC => self.big_endian,
                magic if magic.swap_bytes() == BYTE_ORDER_MAGIC => !self.big_endian,
                magic => return Err(ReadErrorKind::ByteOrder(magic)),
            };
        }
        let (kind, len) = (self.u32_at(head, 0), self.u32_at(head, 4));
        if len < BLOCK_OVERHEAD_BYTES || !len.is_multiple_of(4) {
            return Err(ReadErrorKind::BlockLength(len, BLOCK_OVERHEAD_BYTES));
        }
        Ok(Some(BlockHead { kind, len }))
    }

    /// Makes a block available as a whole, with a body of at least `body_min` bytes.
    fn hold<'w, R: Read>(
        &self,
        window: &'w mut Window<R>,
        len: u32,
        body_min: u32,
    ) -> Result<&'w [u8], ReadErrorKind> {
        let len_min = BLOCK_OVERHEAD_BYTES + body_min;
        if len < len_min {
            return Err(ReadErrorKind::BlockLength(len, len_min));
        }
        if len as usize > BUFFER_BYTES {
            return Err(ReadErrorKind::BlockTooLong {
                claimed: len.into(),
                max: BUFFER_BYTES as u64,
            });
        }
        let have = window.ensure(len as usize)?;
        if have < len as usize {
            return Err(ReadErrorKind::Truncated {
                have: have as u64,
                need: len.into(),
            });
        }
        let block = &window.available()[..len as usize];
        self.check_end(len, &block[len as usize - 4..])?;
        Ok(block)
    }

    fn check_end(&self, start: u32, end: &[u8]) -> Result<(), ReadErrorKind> {
        match self.u32_at(end, 0) {
            end if end == start => Ok(()),
            end => Err(ReadErrorKind::BlockLengthsDiffer { start, end }),
        }
    }

    /// Passes over a block of any length without holding it.
    fn skip<R: Read>(&mut self, window: &mut Window<R>, len: u32) -> Result<(), ReadErrorKind> {
        let (need, before_end) = (u64::from(len), u64::from(len) - 4);
        let passed = window.skip(before_end)?;
        let have = window.ensure(4)?;
        if passed < before_end || have < 4 {
            return Err(ReadErrorKind::Truncated {
                have: passed + have as u64,
                need,
            });
        }
        self.check_end(len, window.available())?;
        window.consume(4);
        self.skipped_blocks += 1;
        Ok(())
    }

    /// Begins a section: its byte order is set by then, its interfaces are to come.
    fn section_header<R: Read>(
        &mut self,
        window: &mut Window<R>,
        len: u32,
        first_interface: usize,
    ) -> Result<(), ReadErrorKind> {
        let block = self.hold(window, len, 16)?;
        let Ok((_, header)) = parse_sectionheaderblock(block) else {
            return Err(ReadErrorKind::BlockLength(len, 28));
        };
        // 1.2 is what some writers put for 1.0; tshark takes both.
        if header.major_version != 1 {
            return Err(ReadErrorKind::Version {
                format: Format::Pcapng,
                major: header.major_version,
                minor: header.minor_version,
            });
        }
        self.options(&block[24..len as usize - 4])
            .try_for_each(|option| option.map(drop))?;
        self.clocks.clear();
        self.first_interface = first_interface;
        window.consume(len as usize);
        Ok(())
    }

    fn interface<R: Read>(
        &mut self,
        window: &mut Window<R>,
        len: u32,
        interfaces: &mut Vec<Interface>,
    ) -> Result<(), ReadErrorKind> {
        if interfaces.len() == INTERFACES_MAX {
            return Err(ReadErrorKind::TooManyInterfaces(INTERFACES_MAX));
        }
        let block = self.hold(window, len, 8)?;
        let parse = if self.big_endian {
            parse_interfacedescriptionblock_be
        } else {
            parse_interfacedescriptionblock_le
        };
        let Ok((_, description)) = parse(block) else {
            return Err(ReadErrorKind::BlockLength(len, 20));
        };
        let mut interface = Interface {
            index: interfaces.len() as u32,
            name: None,
            description: None,
            link_type: LinkType(description.linktype.0 as u16),
            snap_len: description.snaplen,
        };
        let (mut tsresol, mut offset_s) = (6, 0);
        for option in self.options(&block[16..len as usize - 4]) {
            match option? {
                (OptionCode::IfName, text) => interface.name = Some(interface_text(text)),
                (OptionCode::IfDescription, text) => {
                    interface.description = Some(interface_text(text))
                }
                (OptionCode::IfTsresol, &[value]) => tsresol = value,
                // Read here: pcap-parser reads it little-endian in every section.
                (OptionCode::IfTsoffset, value) if value.len() == 8 => {
                    let (first, second) = (self.u32_at(value, 0), self.u32_at(value, 4));
                    let (high, low) = if self.big_endian {
                        (first, second)
                    } else {
                        (second, first)
                    };
                    offset_s = ((u64::from(high) << 32) | u64::from(low)) as i64;
                }
                _ => {}
            }
        }
        self.clocks.push(Clock::new(tsresol, offset_s));
        interfaces.push(interface);
        window.consume(len as usize);
        Ok(())
    }

    /// Enhanced and obsolete packet blocks: they differ in the first word only.
    fn packet<R: Read>(
        &self,
        window: &mut Window<R>,
        kind: u32,
        len: u32,
    ) -> Result<Located, ReadErrorKind> {
        const DATA_AT: usize = 28;
        let block = self.hold(window, len, 20)?;
        let interface = if kind == OBSOLETE_PACKET_BLOCK {
            // An interface id and a count of drops, 16 bits each.
            let [first, second, ..] = block[8..12] else {
                unreachable!("a slice of four bytes")
            };
            u32::from(if self.big_endian {
                u16::from_be_bytes([first, second])
            } else {
                u16::from_le_bytes([first, second])
            })
        } else {
            self.u32_at(block, 8)
        };
        let units = (u64::from(self.u32_at(block, 12)) << 32) | u64::from(self.u32_at(block, 16));
        let captured = self.u32_at(block, 20);
        let original_len = self.u32_at(block, 24);
        check_captured(captured.into())?;
        let Some(clock) = self.clocks.get(interface as usize) else {
            return Err(ReadErrorKind::UnknownInterface {
                interface,
                described: self.clocks.len(),
            });
        };
        let body = &block[DATA_AT..len as usize - 4];
        let padded = captured.next_multiple_of(4) as usize;
        let Some(options) = body.get(padded..) else {
            return Err(ReadErrorKind::PacketOverrun {
                claimed: padded as u64,
                room: body.len() as u64,
            });
        };
        let mut comment = None;
        for option in self.options(options) {
            if let (OptionCode::Comment, text) = option?
                && comment.is_none()
            {
                comment = Some(text);
            }
        }
        // As places in the block, so that it can be consumed.
        let comment = comment.map(|text| {
            let at = text.as_ptr().addr() - block.as_ptr().addr();
            at..at + text.len()
        });
        let time_ns = clock.time_ns(units);
        let first = window.consume(len as usize);
        Ok(Located {
            data: shift(DATA_AT..DATA_AT + captured as usize, first),
            comment: comment.map(|range| shift(range, first)),
            time_ns,
            interface: self.first_interface as u32 + interface,
            original_len,
        })
    }

    /// A simple packet: of the section's first interface, cut at its snap length, without a time.
    fn simple_packet<R: Read>(
        &self,
        window: &mut Window<R>,
        len: u32,
        interfaces: &[Interface],
    ) -> Result<Located, ReadErrorKind> {
        const DATA_AT: usize = 12;
        let block = self.hold(window, len, 4)?;
        let original_len = self.u32_at(block, 8);
        let Some(interface) = interfaces.get(self.first_interface) else {
            return Err(ReadErrorKind::UnknownInterface {
                interface: 0,
                described: 0,
            });
        };
        let captured = match interface.snap_len {
            0 => original_len,
            snap_len => original_len.min(snap_len),
        };
        check_captured(captured.into())?;
        let room = block.len() - DATA_AT - 4;
        let padded = captured.next_multiple_of(4) as usize;
        if padded > room {
            return Err(ReadErrorKind::PacketOverrun {
                claimed: padded as u64,
                room: room as u64,
            });
        }
        let first = window.consume(len as usize);
        Ok(Located {
            data: shift(DATA_AT..DATA_AT + captured as usize, first),
            comment: None,
            time_ns: 0,
            interface: self.first_interface as u32,
            original_len,
        })
    }

    /// The options in `bytes`: code and value, up to `opt_endofopt` or the end.
    fn options<'a>(
        &self,
        mut bytes: &'a [u8],
    ) -> impl Iterator<Item = Result<(OptionCode, &'a [u8]), ReadErrorKind>> + use<'a> {
        const HEADER_BYTES: usize = 4;
        let big_endian = self.big_endian;
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let whole = bytes;
            bytes = &[];
            let parsed: IResult<_, _, PcapError<_>> = if big_endian {
                parse_option_be(whole)
            } else {
                parse_option_le(whole)
            };
            match parsed {
                Ok((_, option)) if option.code == OptionCode::EndOfOpt => None,
                Ok((rest, option)) => {
                    bytes = rest;
                    Some(Ok((
                        option.code,
                        &whole[HEADER_BYTES..HEADER_BYTES + usize::from(option.len)],
                    )))
                }
                Err(_) => Some(Err(ReadErrorKind::OptionOverrun)),
            }
        })
    }

    /// The word at `at`, which the caller knows to be there, in the section's byte order.
    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        let word = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.big_endian {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        }
    }
}

fn shift(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn interface_text(bytes: &[u8]) -> String {
    let kept = &bytes[..bytes.len().min(INTERFACE_TEXT_MAX_BYTES)];
    String::from_utf8_lossy(kept)
        .trim_end_matches('\0')
        .to_owned()
}
