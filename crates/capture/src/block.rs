//! The frame around every pcapng block, its options, and the byte order of both.
//!
//! Lengths are judged here before a block is in memory; options are parsed by `pcap-parser`.

use std::io::Read;
use std::ops::Range;

use pcap_parser::nom::IResult;
use pcap_parser::{OptionCode, PcapError, parse_option_be, parse_option_le};

use crate::read_error::ReadErrorKind;
use crate::window::{BUFFER_BYTES, Window};

/// Type, leading length and trailing length of a block.
pub(crate) const BLOCK_OVERHEAD_BYTES: u32 = 12;
/// Where the body of a block begins.
pub(crate) const BODY_AT: usize = 8;
/// The type of a section header: the same in both byte orders.
pub(crate) const SECTION_HEADER_MAGIC: [u8; 4] = pcap_parser::SHB_MAGIC.to_le_bytes();

/// The type of packet blocks that came before enhanced ones. They differ from those in the first
/// word of the body only.
pub(crate) const OBSOLETE_PACKET_BLOCK: u32 = 2;
/// Bytes of the body of a packet before its data.
pub(crate) const PACKET_FIXED_BYTES: u32 = 20;
/// Where the data of such a packet begins.
pub(crate) const PACKET_DATA_AT: usize = BODY_AT + PACKET_FIXED_BYTES as usize;
const _: () = assert!(OBSOLETE_PACKET_BLOCK < 1 << 8 && pcap_parser::EPB_MAGIC < 1 << 8);

/// Type, length and the first word of the body: of a section header its byte-order magic. No block
/// is shorter.
const HEAD_BYTES: usize = 12;

/// The byte order of the current section.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByteOrder {
    big_endian: bool,
}

impl ByteOrder {
    pub(crate) const fn new(big_endian: bool) -> Self {
        Self { big_endian }
    }

    pub(crate) fn is_big_endian(self) -> bool {
        self.big_endian
    }

    /// The order in which a word of a section header reads as the byte-order magic.
    fn of_magic(word: [u8; 4]) -> Result<Self, ReadErrorKind> {
        match u32::from_le_bytes(word) {
            pcap_parser::BOM_MAGIC => Ok(Self { big_endian: false }),
            magic if magic.swap_bytes() == pcap_parser::BOM_MAGIC => Ok(Self { big_endian: true }),
            magic => Err(ReadErrorKind::ByteOrder(magic)),
        }
    }

    pub(crate) fn u32(self, word: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        }
    }
}

/// Type and length of the next block, which is not yet in memory as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockHead {
    /// Type, as `pcap-parser` numbers them.
    pub(crate) kind: u32,
    /// From the type to the end of the trailing length, in bytes: a multiple of 4, at least 12.
    pub(crate) len: u32,
    order: ByteOrder,
}

impl BlockHead {
    /// Reads the next block's head without consuming it; `None` at the end of the file. A section
    /// header sets `order`.
    pub(crate) fn peek<R: Read>(
        window: &mut Window<R>,
        order: &mut ByteOrder,
    ) -> Result<Option<Self>, ReadErrorKind> {
        let have = window.ensure(HEAD_BYTES)?;
        if have == 0 {
            return Ok(None);
        }
        let Some(&[a, b, c, d, e, f, g, h, magic @ ..]) =
            window.available().first_chunk::<HEAD_BYTES>()
        else {
            return Err(ReadErrorKind::Truncated {
                have: have as u64,
                need: HEAD_BYTES as u64,
            });
        };
        if [a, b, c, d] == SECTION_HEADER_MAGIC {
            *order = ByteOrder::of_magic(magic)?;
        }
        let (kind, len) = (order.u32([a, b, c, d]), order.u32([e, f, g, h]));
        if len < BLOCK_OVERHEAD_BYTES || !len.is_multiple_of(4) {
            return Err(ReadErrorKind::BlockLength(len, BLOCK_OVERHEAD_BYTES));
        }
        Ok(Some(Self {
            kind,
            len,
            order: *order,
        }))
    }

    /// Whether the next block is available as a whole, whatever comes of it.
    pub(crate) fn is_whole<R: Read>(window: &Window<R>, order: ByteOrder) -> bool {
        let Some(&[a, b, c, d, e, f, g, h, ..]) = window.available().first_chunk::<HEAD_BYTES>()
        else {
            return false;
        };
        // The length of a section header may be in the other order: it ends what lies together.
        [a, b, c, d] != SECTION_HEADER_MAGIC
            && order.u32([e, f, g, h]) as usize <= window.available().len()
    }

    /// Makes the block available as a whole, with a body of at least `body_min` bytes. It is not
    /// consumed.
    pub(crate) fn hold<R: Read>(
        self,
        window: &mut Window<R>,
        body_min: u32,
    ) -> Result<Block<'_>, ReadErrorKind> {
        let (len, len_min) = (self.len as usize, BLOCK_OVERHEAD_BYTES + body_min);
        if self.len < len_min {
            return Err(ReadErrorKind::BlockLength(self.len, len_min));
        }
        if len > BUFFER_BYTES {
            return Err(ReadErrorKind::BlockTooLong {
                claimed: len as u64,
                max: BUFFER_BYTES as u64,
            });
        }
        let have = window.ensure(len)?;
        if have < len {
            return Err(ReadErrorKind::Truncated {
                have: have as u64,
                need: len as u64,
            });
        }
        let block = Block {
            bytes: &window.available()[..len],
            order: self.order,
        };
        self.check_end(block.u32_at(len - 4))?;
        Ok(block)
    }

    /// Consumes the block, of any length, without holding it.
    pub(crate) fn skip<R: Read>(self, window: &mut Window<R>) -> Result<(), ReadErrorKind> {
        let before_end = u64::from(self.len) - 4;
        let passed = window.skip(before_end)?;
        let have = window.ensure(4)?;
        let end = match window.available().first_chunk() {
            Some(&end) if passed == before_end => self.order.u32(end),
            _ => {
                return Err(ReadErrorKind::Truncated {
                    have: passed + have as u64,
                    need: self.len.into(),
                });
            }
        };
        self.check_end(end)?;
        window.consume(4);
        Ok(())
    }

    fn check_end(self, end: u32) -> Result<(), ReadErrorKind> {
        if end != self.len {
            return Err(ReadErrorKind::BlockLengthsDiffer {
                start: self.len,
                end,
            });
        }
        Ok(())
    }
}

/// A whole block. Places in it are counted from its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) bytes: &'a [u8],
    order: ByteOrder,
}

impl<'a> Block<'a> {
    /// A whole enhanced or obsolete packet block: the types of both are numbers of one byte, which
    /// stands first or last.
    pub(crate) fn of_packet(bytes: &'a [u8]) -> Self {
        Self {
            order: ByteOrder::new(bytes[0] == 0),
            bytes,
        }
    }

    /// Where the body ends and the trailing length begins.
    pub(crate) fn body_end(self) -> usize {
        self.bytes.len() - 4
    }

    /// The half word at `at`, which the caller knows to be in the block.
    pub(crate) fn u16_at(self, at: usize) -> u16 {
        let word = [self.bytes[at], self.bytes[at + 1]];
        if self.order.big_endian {
            u16::from_be_bytes(word)
        } else {
            u16::from_le_bytes(word)
        }
    }

    /// The word at `at`, which the caller knows to be in the block.
    pub(crate) fn u32_at(self, at: usize) -> u32 {
        self.order.u32([
            self.bytes[at],
            self.bytes[at + 1],
            self.bytes[at + 2],
            self.bytes[at + 3],
        ])
    }

    /// The double word at `at`, which the caller knows to be in the block.
    pub(crate) fn u64_at(self, at: usize) -> u64 {
        let (first, second) = (u64::from(self.u32_at(at)), u64::from(self.u32_at(at + 4)));
        if self.order.big_endian {
            first << 32 | second
        } else {
            second << 32 | first
        }
    }

    /// Whether it is an [`OBSOLETE_PACKET_BLOCK`].
    pub(crate) fn is_obsolete_packet(self) -> bool {
        self.u32_at(0) == OBSOLETE_PACKET_BLOCK
    }

    /// The options of an enhanced or obsolete packet, whose data is known to be in the block.
    pub(crate) fn packet_options(
        self,
    ) -> impl Iterator<Item = Result<(OptionCode, Range<usize>), ReadErrorKind>> + use<'a> {
        let captured = self.u32_at(BODY_AT + 12).next_multiple_of(4);
        self.options(PACKET_DATA_AT + captured as usize)
    }

    /// The options from `at` on, to `opt_endofopt` or the end of the body: code and place of the
    /// value.
    pub(crate) fn options(
        self,
        mut at: usize,
    ) -> impl Iterator<Item = Result<(OptionCode, Range<usize>), ReadErrorKind>> + use<'a> {
        const HEADER_BYTES: usize = 4;
        let end = self.body_end();
        std::iter::from_fn(move || {
            let rest = &self.bytes[at..end];
            if rest.is_empty() {
                return None;
            }
            let value_at = at + HEADER_BYTES;
            at = end;
            let parsed: IResult<_, _, PcapError<_>> = if self.order.big_endian {
                parse_option_be(rest)
            } else {
                parse_option_le(rest)
            };
            match parsed {
                Ok((_, option)) if option.code == OptionCode::EndOfOpt => None,
                Ok((rest, option)) => {
                    at = end - rest.len();
                    Some(Ok((
                        option.code,
                        value_at..value_at + usize::from(option.len),
                    )))
                }
                Err(_) => Some(Err(ReadErrorKind::OptionOverrun)),
            }
        })
    }
}
