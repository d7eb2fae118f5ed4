//! The next generation format: sections of blocks (draft-ietf-opsawg-pcapng).
//!
//! `pcap-parser` reads section headers, interface descriptions and options. The fixed numbers of the
//! three packet blocks are read here: the obsolete one is unknown there, and a list of options would
//! be allocated for every packet that has some.

use std::io::Read;
use std::ops::Range;

use pcap_parser::{
    OptionCode, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};

use crate::block::{
    BLOCK_OVERHEAD_BYTES, BODY_AT, Block, BlockHead, ByteOrder, OBSOLETE_PACKET_BLOCK,
    PACKET_FIXED_BYTES,
};
use crate::link_type::LinkType;
use crate::pcap::check_captured;
use crate::read_error::ReadErrorKind;
use crate::reader::{Format, Interface, Located, Reach};
use crate::timestamp::Clock;
use crate::window::Window;

/// Interfaces kept of one file. With [`INTERFACE_TEXT_MAX_BYTES`] it bounds their memory.
const INTERFACES_MAX: usize = 65_536;
/// Bytes kept of an interface's name or description.
const INTERFACE_TEXT_MAX_BYTES: usize = 256;

// Bytes of a body before its data or options.
const SECTION_HEADER_FIXED_BYTES: u32 = 16;
const INTERFACE_FIXED_BYTES: u32 = 8;
const SIMPLE_PACKET_FIXED_BYTES: u32 = 4;

/// The state of the current section.
#[derive(Default)]
pub(crate) struct Pcapng {
    order: ByteOrder,
    /// Clocks of the section's interfaces, by the id packets name them with.
    clocks: Vec<Clock>,
    /// [`Interface::index`] of the section's first interface.
    first_interface: usize,
    skipped_blocks: u64,
}

impl Pcapng {
    /// Reads the first section header, whose magic the caller has seen.
    pub(crate) fn open<R: Read>(window: &mut Window<R>) -> Result<Self, ReadErrorKind> {
        let mut pcapng = Self::default();
        if let Some(head) = BlockHead::peek(window, &mut pcapng.order)? {
            pcapng.section_header(window, head, 0)?;
        }
        Ok(pcapng)
    }

    pub(crate) fn skipped_blocks(&self) -> u64 {
        self.skipped_blocks
    }

    /// Consumes blocks up to and with the next packet; `None` when the file ends before one, or the
    /// next block is out of reach.
    /// `offset` is left at the block in work, for the error that ends it.
    pub(crate) fn locate<R: Read>(
        &mut self,
        window: &mut Window<R>,
        interfaces: &mut Vec<Interface>,
        offset: &mut u64,
        reach: Reach,
    ) -> Result<Option<Located>, ReadErrorKind> {
        loop {
            *offset = window.position();
            if reach == Reach::Window && !BlockHead::is_whole(window, self.order) {
                return Ok(None);
            }
            let Some(head) = BlockHead::peek(window, &mut self.order)? else {
                return Ok(None);
            };
            let located = match head.kind {
                pcap_parser::EPB_MAGIC | OBSOLETE_PACKET_BLOCK => {
                    self.packet(head.kind, head.hold(window, PACKET_FIXED_BYTES)?)?
                }
                pcap_parser::SPB_MAGIC => {
                    self.simple_packet(head.hold(window, SIMPLE_PACKET_FIXED_BYTES)?, interfaces)?
                }
                pcap_parser::IDB_MAGIC => {
                    self.interface(window, head, interfaces)?;
                    continue;
                }
                pcap_parser::SHB_MAGIC => {
                    self.section_header(window, head, interfaces.len())?;
                    continue;
                }
                _ => {
                    head.skip(window)?;
                    self.skipped_blocks += 1;
                    continue;
                }
            };
            let first = window.consume(head.len as usize);
            return Ok(Some(Located {
                offset: *offset,
                ..located.shifted(first)
            }));
        }
    }

    /// Begins a section: its byte order is set by then, its interfaces are to come.
    fn section_header<R: Read>(
        &mut self,
        window: &mut Window<R>,
        head: BlockHead,
        first_interface: usize,
    ) -> Result<(), ReadErrorKind> {
        let block = head.hold(window, SECTION_HEADER_FIXED_BYTES)?;
        let Ok((_, header)) = parse_sectionheaderblock(block.bytes) else {
            return Err(too_short(head.len, SECTION_HEADER_FIXED_BYTES));
        };
        // 1.2 is what some writers put for 1.0; tshark takes both.
        if header.major_version != 1 {
            return Err(ReadErrorKind::Version {
                format: Format::Pcapng,
                major: header.major_version,
                minor: header.minor_version,
            });
        }
        for option in block.options(BODY_AT + SECTION_HEADER_FIXED_BYTES as usize) {
            option?;
        }
        self.clocks.clear();
        self.first_interface = first_interface;
        window.consume(head.len as usize);
        Ok(())
    }

    fn interface<R: Read>(
        &mut self,
        window: &mut Window<R>,
        head: BlockHead,
        interfaces: &mut Vec<Interface>,
    ) -> Result<(), ReadErrorKind> {
        if interfaces.len() == INTERFACES_MAX {
            return Err(ReadErrorKind::TooManyInterfaces(INTERFACES_MAX));
        }
        let block = head.hold(window, INTERFACE_FIXED_BYTES)?;
        let parse = if self.order.is_big_endian() {
            parse_interfacedescriptionblock_be
        } else {
            parse_interfacedescriptionblock_le
        };
        let Ok((_, description)) = parse(block.bytes) else {
            return Err(too_short(head.len, INTERFACE_FIXED_BYTES));
        };
        let mut interface = Interface {
            index: interfaces.len() as u32,
            name: None,
            description: None,
            link_type: LinkType(description.linktype.0 as u16),
            snap_len: description.snaplen,
        };
        let (mut tsresol, mut offset_s) = (6, 0);
        for option in block.options(BODY_AT + INTERFACE_FIXED_BYTES as usize) {
            let (code, place) = option?;
            let value = &block.bytes[place.clone()];
            match code {
                OptionCode::IfName => interface.name = Some(interface_text(value)),
                OptionCode::IfDescription => interface.description = Some(interface_text(value)),
                OptionCode::IfTsresol if value.len() == 1 => tsresol = value[0],
                // Read here: pcap-parser reads it little-endian in every section.
                OptionCode::IfTsoffset if value.len() == 8 => {
                    offset_s = block.u64_at(place.start) as i64;
                }
                _ => {}
            }
        }
        self.clocks.push(Clock::new(tsresol, offset_s));
        interfaces.push(interface);
        window.consume(head.len as usize);
        Ok(())
    }

    /// Enhanced and obsolete packet blocks: they differ in the first word only.
    fn packet(&self, kind: u32, block: Block<'_>) -> Result<Located, ReadErrorKind> {
        let interface = match kind {
            // The other half of the word counts drops.
            OBSOLETE_PACKET_BLOCK => block.u16_at(BODY_AT).into(),
            _ => block.u32_at(BODY_AT),
        };
        // The high word of the time stamp is first in both byte orders.
        let units =
            u64::from(block.u32_at(BODY_AT + 4)) << 32 | u64::from(block.u32_at(BODY_AT + 8));
        let captured = block.u32_at(BODY_AT + 12);
        let original_len = block.u32_at(BODY_AT + 16);
        check_captured(captured.into())?;
        let Some(clock) = self.clocks.get(interface as usize) else {
            return Err(ReadErrorKind::UnknownInterface {
                interface,
                described: self.clocks.len(),
            });
        };
        let data = data_place(block, PACKET_FIXED_BYTES, captured)?;
        let mut has_options = false;
        for option in block.packet_options() {
            option?;
            has_options = true;
        }
        Ok(Located {
            data,
            block_len: match has_options {
                true => block.bytes.len() as u32,
                false => 0,
            },
            time_ns: clock.time_ns(units),
            interface: self.first_interface as u32 + interface,
            original_len,
            offset: 0,
        })
    }

    /// A simple packet: of the section's first interface, cut at its snap length, without a time.
    fn simple_packet(
        &self,
        block: Block<'_>,
        interfaces: &[Interface],
    ) -> Result<Located, ReadErrorKind> {
        let original_len = block.u32_at(BODY_AT);
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
        Ok(Located {
            data: data_place(block, SIMPLE_PACKET_FIXED_BYTES, captured)?,
            block_len: 0,
            time_ns: 0,
            interface: self.first_interface as u32,
            original_len,
            offset: 0,
        })
    }
}

/// The place of a packet's bytes behind its fixed numbers, if they and their padding fit the block.
fn data_place(
    block: Block<'_>,
    fixed_bytes: u32,
    captured: u32,
) -> Result<Range<usize>, ReadErrorKind> {
    let start = BODY_AT + fixed_bytes as usize;
    let room = block.body_end() - start;
    let padded = captured.next_multiple_of(4);
    if padded as usize > room {
        return Err(ReadErrorKind::PacketOverrun {
            claimed: padded.into(),
            room: room as u64,
        });
    }
    Ok(start..start + captured as usize)
}

fn too_short(len: u32, body_min: u32) -> ReadErrorKind {
    ReadErrorKind::BlockLength(len, BLOCK_OVERHEAD_BYTES + body_min)
}

fn interface_text(bytes: &[u8]) -> String {
    let kept = &bytes[..bytes.len().min(INTERFACE_TEXT_MAX_BYTES)];
    String::from_utf8_lossy(kept)
        .trim_end_matches('\0')
        .to_owned()
}
