//! What a replay is wanted to deliver: the frames of a capture, port by port where it tells ports.

use std::fmt;
use std::io::Read;
use std::ops::Range;

use nvgre_capture::{Direction, LinkType, Packet, ReadError, Reader};

use crate::glance::{mac_key, mac_keys};
use crate::oracle::GuestIndex;
use crate::scenario::Scenario;

/// The frames of a wanted capture, held in memory. Each stream is compared by itself, in its order.
///
/// If an interface is named like a port (`NAME`, or `port NAME` as a replay writes it) there is a stream
/// for each port: what came to it, answers of its host included. What its guest sent is passed over: what
/// the file calls outbound, or, where it says nothing, what has the guest's own source MAC. Other
/// interfaces are passed over too. Otherwise all frames are one stream: every copy that is delivered,
/// in order, as [`Replay::write_deliveries_to`](crate::Replay::write_deliveries_to) writes them.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    memory: Vec<u8>,
    pub(crate) by_port: bool,
    /// By guest, or one alone.
    pub(crate) streams: Vec<Vec<WantedFrame>>,
}

/// A frame that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct WantedFrame {
    /// Number of the packet in its file, from 1.
    pub(crate) packet: u64,
    /// Bytes that it had on the wire; the capture may hold fewer.
    pub(crate) original_len: usize,
    bytes: Range<usize>,
}

/// Why a capture cannot say what is wanted.
#[derive(Debug)]
pub enum WantedError {
    /// It cannot be read.
    Read(ReadError),
    /// What is delivered is Ethernet, and this is not.
    LinkType {
        /// The link type.
        link_type: LinkType,
        /// Number of the packet, from 1.
        packet: u64,
    },
}

impl fmt::Display for WantedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::LinkType { link_type, packet } => write!(
                f,
                "packet {packet}: link type {link_type} ({}) cannot be compared with what is delivered: ethernet can",
                link_type.0
            ),
        }
    }
}

impl std::error::Error for WantedError {}

impl Wanted {
    /// Reads all of a capture.
    pub fn read<R: Read>(mut reader: Reader<R>, scenario: &Scenario) -> Result<Self, WantedError> {
        let mut wanted = Self::default();
        // Whether the file tells ports is known at its end.
        let mut all = Vec::new();
        let mut ports: Vec<Option<Option<GuestIndex>>> = Vec::new();
        while let Some(packet) = reader.next().map_err(WantedError::Read)? {
            if packet.link_type != LinkType::ETHERNET {
                return Err(WantedError::LinkType {
                    link_type: packet.link_type,
                    packet: packet.number,
                });
            }
            let interface = packet.interface as usize;
            if ports.len() <= interface {
                ports.resize(interface + 1, None);
            }
            let port = *ports[interface].get_or_insert_with(|| {
                let name = packet.interface_name?;
                let bare = || scenario.guest_of_port(name.strip_prefix("port ")?);
                scenario.guest_of_port(name).or_else(bare)
            });
            let start = wanted.memory.len();
            wanted.memory.extend_from_slice(packet.data);
            let frame = WantedFrame {
                packet: packet.number,
                original_len: packet.data.len().max(packet.original_len as usize),
                bytes: start..wanted.memory.len(),
            };
            let sent = port.is_some_and(|guest| was_sent_by(&packet, guest, scenario));
            all.push((port, sent, frame));
        }
        let tells_ports = |interface: &nvgre_capture::Interface| {
            let name = interface.name.as_deref();
            name.is_some_and(|name| {
                let bare = name.strip_prefix("port ");
                scenario.guest_of_port(name).is_some()
                    || bare.is_some_and(|name| scenario.guest_of_port(name).is_some())
            })
        };
        wanted.by_port = reader.interfaces().iter().any(tells_ports);
        let streams = if wanted.by_port {
            scenario.guests.len()
        } else {
            1
        };
        wanted.streams.resize_with(streams, Vec::new);
        for (port, sent, frame) in all {
            match port {
                _ if !wanted.by_port => wanted.streams[0].push(frame),
                Some(guest) if !sent => wanted.streams[guest].push(frame),
                Some(_) | None => {}
            }
        }
        Ok(wanted)
    }

    /// The bytes that the capture holds of a frame.
    pub(crate) fn bytes(&self, frame: &WantedFrame) -> &[u8] {
        &self.memory[frame.bytes.clone()]
    }

    /// Whether this is the frame that is wanted, as far as the capture shows it.
    pub(crate) fn is(&self, wanted: &WantedFrame, frame: &[u8]) -> bool {
        frame.len() == wanted.original_len && frame.starts_with(self.bytes(wanted))
    }

    /// How many frames are wanted.
    pub fn frames(&self) -> u64 {
        self.streams.iter().map(|stream| stream.len() as u64).sum()
    }
}

fn was_sent_by(packet: &Packet<'_>, guest: GuestIndex, scenario: &Scenario) -> bool {
    match packet.options.direction() {
        Some(direction) => direction == Direction::Outbound,
        None => {
            let own = mac_key(scenario.guests[guest].mac);
            mac_keys(packet.data).is_some_and(|(_, source)| source == own)
        }
    }
}

#[cfg(test)]
impl Wanted {
    /// These frames, in their order.
    pub(crate) fn in_order(frames: &[Vec<u8>]) -> Self {
        let mut wanted = Self {
            streams: vec![Vec::new()],
            ..Self::default()
        };
        for (index, frame) in frames.iter().enumerate() {
            let start = wanted.memory.len();
            wanted.memory.extend_from_slice(frame);
            wanted.streams[0].push(WantedFrame {
                packet: index as u64 + 1,
                original_len: frame.len(),
                bytes: start..wanted.memory.len(),
            });
        }
        wanted
    }
}
