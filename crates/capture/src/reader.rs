//! The reader: one packet after the other, lent out of one buffer.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use crate::block::{PACKET_DATA_AT, SECTION_HEADER_MAGIC};
use crate::link_type::LinkType;
use crate::packet_options::PacketOptions;
use crate::pcap::Pcap;
use crate::pcapng::Pcapng;
use crate::read_error::{ReadError, ReadErrorKind};
use crate::window::Window;

/// Most captured bytes of one packet. tcpdump and Wireshark keep and accept no longer ones for
/// network links (`MAXIMUM_SNAPLEN` of libpcap), so a larger claim is a lie or damage.
pub const MAX_RECORD_BYTES: usize = 262_144;

/// The format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The classic format, microseconds or nanoseconds.
    Pcap,
    /// The block format: sections, interfaces, comments.
    Pcapng,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap => "pcap",
            Self::Pcapng => "pcapng",
        })
    }
}

/// A place packets were captured at. A pcap file has one, without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Number within the file from 0, counted on over its sections.
    pub index: u32,
    /// `if_name`, at most 256 bytes of it.
    pub name: Option<String>,
    /// `if_description`, at most 256 bytes of it.
    pub description: Option<String>,
    /// What its frames begin with.
    pub link_type: LinkType,
    /// Most bytes kept of a frame; 0 is no limit. Records may break it and are read all the same.
    pub snap_len: u32,
}

/// A captured frame, lent until the next one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Number within the file, from 1.
    pub number: u64,
    /// Nanoseconds since 1970-01-01 00:00 UTC, finer units rounded down. Saturates outside 1677 to
    /// 2262; 0 for a pcapng simple packet, which has no time.
    pub time_ns: i64,
    /// [`Interface::index`].
    pub interface: u32,
    /// Name of the interface, where the file gives one.
    pub interface_name: Option<&'a str>,
    /// Link type of the interface.
    pub link_type: LinkType,
    /// Bytes the frame had on the wire, as the file claims; odd files claim fewer than `data` has.
    pub original_len: u32,
    /// The bytes kept, link-layer header first.
    pub data: &'a [u8],
    /// What the file says of it beside: comment, id and direction.
    pub options: PacketOptions<'a>,
}

/// A packet found: places in the window, so that nothing is borrowed while looking for it.
pub(crate) struct Located {
    pub(crate) data: Range<usize>,
    /// Length of the packet's block, which begins [`PACKET_DATA_AT`] before the data, if it has
    /// options; else 0.
    pub(crate) block_len: u32,
    pub(crate) time_ns: i64,
    pub(crate) interface: u32,
    pub(crate) original_len: u32,
    /// Offset of the record or block from the start of the file, in bytes.
    pub(crate) offset: u64,
}

/// How far a search for the next packet may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Through the file.
    File,
    /// Through what was read already: packets found before stay where they are.
    Window,
}

impl Located {
    /// The same packet where places count from `by` bytes before.
    pub(crate) fn shifted(self, by: usize) -> Self {
        Self {
            data: self.data.start + by..self.data.end + by,
            ..self
        }
    }
}

enum Records {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// A streaming reader of pcap and pcapng. Memory is [`BUFFER_BYTES`](crate::BUFFER_BYTES) and the
/// interfaces, whatever the file claims; nothing is allocated per packet.
///
/// Sources are read in large pieces: a `BufReader` around one gains nothing.
pub struct Reader<R> {
    window: Window<R>,
    records: Records,
    interfaces: Vec<Interface>,
    packets: u64,
    ended: bool,
    /// Places of the packets lent last by [`Reader::packets`].
    places: Vec<Located>,
    /// What was found behind them, to be told next.
    error: Option<ReadError>,
}

/// Packets that lie in the reader's buffer together, lent until more are asked for.
#[derive(Clone, Copy)]
pub struct Packets<'a> {
    window: &'a [u8],
    interfaces: &'a [Interface],
    places: &'a [Located],
    /// Packets before these.
    before: u64,
}

impl<'a> Packets<'a> {
    /// How many they are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One of them, from 0. Panics beyond the last, as indexing does.
    #[inline]
    pub fn get(&self, index: usize) -> Packet<'a> {
        let number = self.before + index as u64 + 1;
        packet(&self.places[index], self.window, self.interfaces, number)
    }

    /// Offset of a packet's record or block from the start of the file, in bytes.
    pub fn offset_bytes(&self, index: usize) -> u64 {
        self.places[index].offset
    }
}

impl Reader<File> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// As [`Reader::new`], and [`ReadErrorKind::Open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|error| ReadError {
            kind: ReadErrorKind::Open(error),
            packet: 1,
            offset: 0,
        })?;
        Self::new(file)
    }
}

impl<R: Read> Reader<R> {
    /// Reads the file header or the first section header.
    ///
    /// # Errors
    /// The source fails, is empty, compressed, neither pcap nor pcapng, ends within the header, or has another version.
    pub fn new(source: R) -> Result<Self, ReadError> {
        let mut window = Window::new(source);
        let mut interfaces = Vec::new();
        let records = open_records(&mut window, &mut interfaces).map_err(|kind| ReadError {
            kind,
            packet: 1,
            offset: 0,
        })?;
        Ok(Self {
            window,
            records,
            interfaces,
            packets: 0,
            ended: false,
            places: Vec::new(),
            error: None,
        })
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        match self.records {
            Records::Pcap(_) => Format::Pcap,
            Records::Pcapng(_) => Format::Pcapng,
        }
    }

    /// The interfaces met so far, by [`Interface::index`]. A pcapng file describes them anywhere
    /// before their first packet.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Bytes consumed so far: where the next record begins. For progress.
    pub fn position_bytes(&self) -> u64 {
        self.window.position()
    }

    /// Blocks passed over so far: neither section header, nor interface, nor packet, such as
    /// statistics, name resolution, secrets, journal entries, custom and unknown blocks.
    pub fn skipped_blocks(&self) -> u64 {
        match &self.records {
            Records::Pcap(_) => 0,
            Records::Pcapng(pcapng) => pcapng.skipped_blocks(),
        }
    }

    /// The next packet; `None` at the end of the file, and forever after an error.
    ///
    /// # Errors
    /// The source fails, or the file is cut short or damaged; with the place.
    // Not an iterator: the packet is lent, which `Iterator` cannot say.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Packet<'_>>, ReadError> {
        let Some(located) = self.locate(Reach::File)? else {
            return Ok(None);
        };
        self.packets += 1;
        let (window, interfaces) = (self.window.bytes(), &self.interfaces);
        Ok(Some(packet(&located, window, interfaces, self.packets)))
    }

    /// The next packets, at most `max` of them and at least one, as long as they lie in the buffer
    /// together; none at the end of the file, and forever after an error.
    ///
    /// # Errors
    /// As [`Reader::next`]. The packets before the fault are given first.
    pub fn packets(&mut self, max: usize) -> Result<Packets<'_>, ReadError> {
        let before = self.packets;
        self.places.clear();
        if max > 0
            && let Some(first) = self.locate(Reach::File)?
        {
            self.places.push(first);
            self.packets += 1;
            while self.places.len() < max
                && let Some(located) = self.locate_next_to_it()
            {
                self.places.push(located);
                self.packets += 1;
            }
        }
        Ok(Packets {
            window: self.window.bytes(),
            interfaces: &self.interfaces,
            places: &self.places,
            before,
        })
    }

    /// The next packet, if it lies in the window with the one before.
    #[inline]
    fn locate_next_to_it(&mut self) -> Option<Located> {
        // Most of what reading small packets costs: straight to what a record is.
        if let Records::Pcap(pcap) = &self.records {
            return pcap.locate_in(&mut self.window);
        }
        self.locate(Reach::Window).unwrap_or_else(|error| {
            self.error = Some(error);
            None
        })
    }

    fn locate(&mut self, reach: Reach) -> Result<Option<Located>, ReadError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(None);
        }
        let mut offset = self.window.position();
        let located = match &mut self.records {
            Records::Pcap(pcap) => pcap.locate(&mut self.window),
            Records::Pcapng(pcapng) => {
                pcapng.locate(&mut self.window, &mut self.interfaces, &mut offset, reach)
            }
        };
        match located {
            Ok(located) => {
                self.ended = located.is_none() && reach == Reach::File;
                Ok(located)
            }
            Err(kind) => {
                self.ended = true;
                Err(ReadError {
                    kind,
                    packet: self.packets + 1,
                    offset,
                })
            }
        }
    }
}

#[inline]
fn packet<'a>(
    located: &Located,
    window: &'a [u8],
    interfaces: &'a [Interface],
    number: u64,
) -> Packet<'a> {
    let interface = &interfaces[located.interface as usize];
    Packet {
        number,
        time_ns: located.time_ns,
        interface: located.interface,
        interface_name: interface.name.as_deref(),
        link_type: interface.link_type,
        original_len: located.original_len,
        data: &window[located.data.clone()],
        options: match located.block_len {
            0 => PacketOptions::NONE,
            len => {
                let block = &window[located.data.start - PACKET_DATA_AT..];
                PacketOptions::of_block(&block[..len as usize])
            }
        },
    }
}

fn open_records<R: Read>(
    window: &mut Window<R>,
    interfaces: &mut Vec<Interface>,
) -> Result<Records, ReadErrorKind> {
    let have = window.ensure(4)?;
    if have == 0 {
        return Err(ReadErrorKind::Empty);
    }
    let Some(&magic) = window.available().first_chunk::<4>() else {
        return Err(ReadErrorKind::Truncated {
            have: have as u64,
            need: 4,
        });
    };
    if magic == SECTION_HEADER_MAGIC {
        return Ok(Records::Pcapng(Pcapng::open(window)?));
    }
    match magic {
        [0x1f, 0x8b, ..] => return Err(ReadErrorKind::Compressed("gzip")),
        [0x28, 0xb5, 0x2f, 0xfd] => return Err(ReadErrorKind::Compressed("zstd")),
        _another => {}
    }
    let (pcap, interface) = Pcap::open(window, magic)?;
    interfaces.push(interface);
    Ok(Records::Pcap(pcap))
}
