//! Why a replay cannot go on.

use std::fmt;

use nvgre_capture::{LinkType, ReadError, WriteError};

/// Why a replay cannot go on.
#[derive(Debug)]
pub enum ReplayError {
    /// The capture cannot be read further.
    Read(ReadError),
    /// The capture's link type cannot be replayed.
    LinkType(LinkType),
    /// The same of a packet in the midst of a capture.
    PacketLinkType {
        /// The link type.
        link_type: LinkType,
        /// Number of the packet in its file, from 1.
        packet: u64,
        /// Offset of its record or block from the start of the file, in bytes.
        offset: u64,
    },
    /// The output cannot be written.
    Write(WriteError),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::LinkType(link) => write!(
                f,
                "link type {link} ({}) cannot be replayed: ethernet, linux-sll, linux-sll2 and raw-ip can",
                link.0
            ),
            Self::PacketLinkType {
                link_type,
                packet,
                offset,
            } => write!(
                f,
                "packet {packet} at byte {offset}: {}",
                Self::LinkType(*link_type)
            ),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplayError {}
