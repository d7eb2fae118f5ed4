//! What a pcapng file says of a packet beside its bytes. Most of it is never asked for, so it is read
//! when it is.

use std::ops::Range;

use pcap_parser::OptionCode;

use crate::block::Block;

/// `epb_flags`, and `pack_flags` of the obsolete block.
const PACKET_FLAGS: OptionCode = OptionCode(2);
/// `epb_packetid`; the obsolete block has none.
const PACKET_ID: OptionCode = OptionCode(5);

/// The options of a packet, lent with it. Packets of pcap files and simple packets have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketOptions<'a> {
    /// The packet's whole block, found to be sound; empty where there are no options.
    block: &'a [u8],
}

impl<'a> PacketOptions<'a> {
    /// No options.
    pub const NONE: Self = Self { block: &[] };

    /// Of a packet's block, which can be read to its end, or of nothing.
    #[inline]
    pub(crate) const fn of_block(block: &'a [u8]) -> Self {
        Self { block }
    }

    /// The first `opt_comment`, up to the first byte that is not UTF-8.
    #[inline]
    pub fn comment(self) -> Option<&'a str> {
        self.read(comment)
    }

    /// `epb_packetid`: the same on every copy of a packet that was captured at several interfaces.
    #[inline]
    pub fn id(self) -> Option<u64> {
        self.read(id)
    }

    /// Which way the packet passed its interface, where the file says so.
    #[inline]
    pub fn direction(self) -> Option<Direction> {
        self.read(direction)
    }

    #[inline]
    fn read<T>(self, option: fn(Block<'a>) -> Option<T>) -> Option<T> {
        match self.block.is_empty() {
            true => None,
            false => option(Block::of_packet(self.block)),
        }
    }
}

#[inline(never)]
fn comment(block: Block<'_>) -> Option<&str> {
    let place = places(block, OptionCode::Comment).next()?;
    Some(valid_utf8(&block.bytes[place]))
}

#[inline(never)]
fn id(block: Block<'_>) -> Option<u64> {
    if block.is_obsolete_packet() {
        return None;
    }
    let ids = places(block, PACKET_ID).filter(|place| place.len() == 8);
    ids.last().map(|place| block.u64_at(place.start))
}

#[inline(never)]
fn direction(block: Block<'_>) -> Option<Direction> {
    let flags = places(block, PACKET_FLAGS).filter(|place| place.len() == 4);
    Direction::of_flags(block.u32_at(flags.last()?.start))
}

/// Where the values of the options with this code lie.
fn places(block: Block<'_>, wanted: OptionCode) -> impl Iterator<Item = Range<usize>> {
    let options = block.packet_options().map_while(Result::ok);
    options
        .filter(move |(code, _)| *code == wanted)
        .map(|(_, place)| place)
}

/// The longest valid beginning of a text that claims to be UTF-8.
fn valid_utf8(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Which way a packet passed its interface: the lowest two bits of `epb_flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The interface received it.
    Inbound,
    /// The interface sent it.
    Outbound,
}

impl Direction {
    /// As a packet's flags have it; `None` where they do not say.
    pub(crate) const fn of_flags(flags: u32) -> Option<Self> {
        match flags & 0b11 {
            1 => Some(Self::Inbound),
            2 => Some(Self::Outbound),
            _unsaid => None,
        }
    }

    /// The flags of a packet of which nothing else is known.
    pub(crate) const fn flags(self) -> u32 {
        match self {
            Self::Inbound => 1,
            Self::Outbound => 2,
        }
    }
}
