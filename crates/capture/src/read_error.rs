//! What is wrong with a capture file, and where.

use std::fmt;
use std::io;

use crate::reader::Format;

/// A capture file that cannot be read further. Everything before the place was given.
#[derive(Debug)]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// The number the next packet would have had, from 1.
    pub packet: u64,
    /// Offset of the record or block at fault from the start of the file, in bytes.
    pub offset: u64,
}

/// What can be wrong with a capture file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file cannot be opened.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// The source failed.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is not a single byte.
    #[error("the file is empty")]
    Empty,
    /// The first bytes are those of a compressed file, by this program.
    #[error("{0}-compressed: unpack it first")]
    Compressed(&'static str),
    /// The first four bytes are of no format read here.
    #[error("neither pcap nor pcapng: the first bytes are {:02x} {:02x} {:02x} {:02x}", .0[0], .0[1], .0[2], .0[3])]
    NotACapture([u8; 4]),
    /// A version nobody writes: pcap is 2.x, pcapng 1.x.
    #[error("{format} version {major}.{minor} is not supported")]
    Version {
        /// The format.
        format: Format,
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
    /// The file ends within a header, record or block.
    #[error("cut short: {have} of {need} bytes are there")]
    Truncated {
        /// Bytes present of the record or block.
        have: u64,
        /// Bytes it needs, as far as it can be told.
        need: u64,
    },
    /// A packet claims more captured bytes than any capture tool keeps.
    #[error("record claims {claimed} bytes captured, more than {max}")]
    RecordTooLong {
        /// Captured bytes claimed.
        claimed: u64,
        /// [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES).
        max: u64,
    },
    /// A block that must be held whole is larger than the buffer.
    #[error("block claims {claimed} bytes, more than {max}")]
    BlockTooLong {
        /// Length claimed, in bytes.
        claimed: u64,
        /// [`BUFFER_BYTES`](crate::BUFFER_BYTES).
        max: u64,
    },
    /// The block length is below 12 or not a multiple of 4.
    #[error("block length {0} is not a multiple of 4 of at least {1}")]
    BlockLength(u32, u32),
    /// The length at the end of a block differs from that at its start.
    #[error("block starts with length {start} and ends with length {end}")]
    BlockLengthsDiffer {
        /// The length before the body.
        start: u32,
        /// The length after the body.
        end: u32,
    },
    /// A section header without a byte-order magic.
    #[error("section header with byte-order magic {0:#010x}")]
    ByteOrder(u32),
    /// The captured bytes of a packet do not fit its block.
    #[error("packet claims {claimed} bytes captured, its block has room for {room}")]
    PacketOverrun {
        /// Captured bytes claimed, padding included.
        claimed: u64,
        /// Bytes between the packet's header and the end of the block.
        room: u64,
    },
    /// An option does not fit its block.
    #[error("an option runs past the end of its block")]
    OptionOverrun,
    /// A packet of an interface its section did not describe.
    #[error("packet of interface {interface}, the section has described {described}")]
    UnknownInterface {
        /// Interface id within the section, from 0.
        interface: u32,
        /// Interfaces described so far.
        described: usize,
    },
    /// More interfaces than are kept.
    #[error("more than {0} interfaces")]
    TooManyInterfaces(usize),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // These speak of the file, not of a place in it.
            kind @ (ReadErrorKind::Open(_)
            | ReadErrorKind::Empty
            | ReadErrorKind::Compressed(_)
            | ReadErrorKind::NotACapture(_)) => kind.fmt(f),
            ReadErrorKind::Io(error) if error.kind() == io::ErrorKind::IsADirectory => {
                f.write_str("a folder, not a capture")
            }
            kind => write!(f, "packet {} at byte {}: {kind}", self.packet, self.offset),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ReadErrorKind::Open(error) | ReadErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}
