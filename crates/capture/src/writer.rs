//! The writer: pcapng with nanoseconds, an interface per tap point and comments.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use pcap_file::pcapng::blocks::block_common::ENHANCED_PACKET_BLOCK;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

use crate::block::BODY_AT;
use crate::link_type::LinkType;
use crate::packet_options::Direction;
use crate::pending::Pending;
use crate::reader::MAX_RECORD_BYTES;

const OPT_COMMENT: u16 = 1;
const EPB_FLAGS: u16 = 2;
const EPB_PACKET_ID: u16 = 5;
/// `opt_endofopt`: code and length 0.
const OPT_END: [u8; 4] = [0; 4];

/// Bytes gathered before they are written.
pub(crate) const WRITE_BUFFER_BYTES: usize = 1 << 18;

/// Why a capture could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file cannot be created or opened.
    #[error("cannot create {}: {error}", .path.display())]
    Create {
        /// Where it should stand.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The bytes cannot be written.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The whole file cannot be given its name.
    #[error("cannot be renamed to {}: {error}", .path.display())]
    Rename {
        /// The final name.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// pcapng counts from 1970 on.
    #[error("time stamp {0} ns is before 1970")]
    BeforeEpoch(i64),
    /// pcap counts seconds in 32 bits, up to February 2106.
    #[error("time stamp {0} ns is later than pcap can say; pcapng can")]
    AfterPcap(i64),
    /// An interface that [`Writer::add_interface`] did not give.
    #[error("interface {0} was not added")]
    UnknownInterface(u32),
    /// A frame longer than readers accept.
    #[error("frame of {0} bytes, more than {MAX_RECORD_BYTES}")]
    FrameTooLong(usize),
    /// A name or comment that does not fit an option.
    #[error("text of {0} bytes, more than 65535")]
    TextTooLong(usize),
    /// An earlier write failed, so that the file is not whole.
    #[error("an earlier write failed")]
    NotWhole,
}

/// What is said about a packet beside its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Annotations<'a> {
    /// `opt_comment`, one line for people and filters.
    pub comment: Option<&'a str>,
    /// `epb_packetid`: the same for every copy of a packet, at whatever interface.
    pub id: Option<u64>,
    /// Which way it passed the interface.
    pub direction: Option<Direction>,
}

/// Writes a pcapng file of one section, little-endian, times in nanoseconds.
///
/// To a path, by [`Writer::create`]: the bytes go to a temporary file in the same directory, which
/// [`Writer::finish`] renames when it is whole. Dropped before that, it is removed and a file that
/// stood there before stays as it was. To anything else, by [`Writer::new`].
pub struct Writer<W: Write = File> {
    /// Blocks that are not written yet. Those of packets are put there without the library, which makes
    /// a block twice, first to learn its length, and looks every time stamp's clock up; for small
    /// packets that is most of the work.
    gathered: PcapNgWriter<Vec<u8>>,
    out: W,
    interfaces: u32,
    broken: bool,
    pending: Option<Pending>,
}

impl Writer<File> {
    /// Starts a file that will stand at `path`. A link there is followed; what is no regular file,
    /// such as a device or a named pipe, is written to as it is.
    ///
    /// # Errors
    /// [`WriteError::Create`], or the first block cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, WriteError> {
        let (file, pending) = Pending::create(path.as_ref())?;
        let mut writer = Self::new(file)?;
        writer.pending = pending;
        Ok(writer)
    }
}

impl<W: Write> Writer<W> {
    /// Starts a capture on a pipe, on standard output or in memory. Bytes are gathered: only
    /// [`Writer::finish`] says that all have arrived.
    ///
    /// # Errors
    /// The first block cannot be written.
    pub fn new(out: W) -> Result<Self, WriteError> {
        // The block that makes it enough to be written fits too, as a rule.
        let gathered = Vec::with_capacity(WRITE_BUFFER_BYTES * 2);
        let gathered =
            PcapNgWriter::with_endianness(gathered, Endianness::Little).map_err(io_error)?;
        Ok(Self {
            gathered,
            out,
            interfaces: 0,
            broken: false,
            pending: None,
        })
    }

    /// Adds a tap point; gives the number frames name it with. `snap_len`: most bytes kept of a
    /// frame, 0 for no limit.
    ///
    /// # Errors
    /// The name is longer than 65,535 bytes, or writing fails or failed before.
    pub fn add_interface(
        &mut self,
        name: &str,
        link_type: LinkType,
        snap_len: u32,
    ) -> Result<u32, WriteError> {
        if self.broken {
            return Err(WriteError::NotWhole);
        }
        let block = InterfaceDescriptionBlock {
            linktype: DataLink::from(u32::from(link_type.0)),
            snaplen: snap_len,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(fitting(name)?)),
                InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
            ],
        };
        let gathered = self.gathered.write_pcapng_block(block);
        gathered.map_err(io_error)?;
        self.interfaces += 1;
        self.write_if_over(WRITE_BUFFER_BYTES)?;
        Ok(self.interfaces - 1)
    }

    /// Writes one frame: `data`, link-layer header first, of the `original_len` bytes it had on the
    /// wire. The length is raised to that of `data` if it is below, as damaged captures claim.
    /// `time_ns`: nanoseconds since 1970-01-01 00:00 UTC.
    ///
    /// # Errors
    /// The interface is unknown, the time is negative, the frame is longer than
    /// [`MAX_RECORD_BYTES`] or the comment than 65,535 bytes: nothing is written then, and the next
    /// frame may follow. Or writing fails or failed before.
    pub fn write(
        &mut self,
        interface: u32,
        time_ns: i64,
        data: &[u8],
        original_len: u32,
        comment: Option<&str>,
    ) -> Result<(), WriteError> {
        let annotations = Annotations {
            comment,
            ..Annotations::default()
        };
        self.write_annotated(interface, time_ns, data, original_len, annotations)
    }

    /// [`Writer::write`] with more to say than a comment.
    ///
    /// # Errors
    /// As there.
    pub fn write_annotated(
        &mut self,
        interface: u32,
        time_ns: i64,
        data: &[u8],
        original_len: u32,
        annotations: Annotations<'_>,
    ) -> Result<(), WriteError> {
        if self.broken {
            return Err(WriteError::NotWhole);
        }
        if interface >= self.interfaces {
            return Err(WriteError::UnknownInterface(interface));
        }
        let since_epoch_ns =
            u64::try_from(time_ns).map_err(|_| WriteError::BeforeEpoch(time_ns))?;
        if data.len() > MAX_RECORD_BYTES {
            return Err(WriteError::FrameTooLong(data.len()));
        }
        let comment = annotations.comment.map(fitting).transpose()?;
        let captured_len = data.len() as u32;
        let original_len = original_len.max(captured_len);
        let (high, low) = ((since_epoch_ns >> 32) as u32, since_epoch_ns as u32);
        let gathered = self.gathered.get_mut();
        let start = gathered.len();
        // The length stands here in the end.
        let head = [
            ENHANCED_PACKET_BLOCK,
            0,
            interface,
            high,
            low,
            captured_len,
            original_len,
        ];
        gathered.extend_from_slice(head.map(u32::to_le_bytes).as_flattened());
        put_padded(gathered, data);
        let options = gathered.len();
        if let Some(text) = comment {
            let head = [OPT_COMMENT, text.len() as u16].map(u16::to_le_bytes);
            gathered.extend_from_slice(head.as_flattened());
            put_padded(gathered, text.as_bytes());
        }
        if let Some(direction) = annotations.direction {
            // Of 4 bytes, and the id below of 8.
            let [a, b] = EPB_FLAGS.to_le_bytes();
            let [c, d, e, f] = direction.flags().to_le_bytes();
            gathered.extend_from_slice(&[a, b, 4, 0, c, d, e, f]);
        }
        if let Some(id) = annotations.id {
            let [a, b] = EPB_PACKET_ID.to_le_bytes();
            gathered.extend_from_slice(&[a, b, 8, 0]);
            gathered.extend_from_slice(&id.to_le_bytes());
        }
        if gathered.len() > options {
            gathered.extend_from_slice(&OPT_END);
        }
        let len = (gathered.len() - start + size_of::<u32>()) as u32;
        gathered.extend_from_slice(&len.to_le_bytes());
        gathered[start + 4..start + BODY_AT].copy_from_slice(&len.to_le_bytes());
        self.write_if_over(WRITE_BUFFER_BYTES)
    }

    /// Writes what is still gathered, and gives the file its name.
    ///
    /// # Errors
    /// Writing fails now or failed before, or the file cannot be renamed. Nothing stands under the
    /// name then but what stood there before.
    pub fn finish(mut self) -> Result<(), WriteError> {
        if self.broken {
            return Err(WriteError::NotWhole);
        }
        self.write_if_over(0)?;
        self.out.flush()?;
        self.pending.map_or(Ok(()), Pending::persist)
    }

    /// Writes what is gathered, if it is more than this many bytes. After a failed write the file ends
    /// somewhere: nothing may follow.
    fn write_if_over(&mut self, len: usize) -> Result<(), WriteError> {
        let gathered = self.gathered.get_mut();
        if gathered.len() <= len {
            return Ok(());
        }
        let written = self.out.write_all(gathered);
        gathered.clear();
        self.broken |= written.is_err();
        Ok(written?)
    }
}

/// Adds bytes, and zeros up to the next multiple of 4.
fn put_padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(bytes);
    body.extend_from_slice(&[0; 3][..body.len().next_multiple_of(4) - body.len()]);
}

fn fitting(text: &str) -> Result<&str, WriteError> {
    if text.len() > usize::from(u16::MAX) {
        return Err(WriteError::TextTooLong(text.len()));
    }
    Ok(text)
}

/// What the values were checked for before cannot come back: what is left is the output failing.
fn io_error(error: PcapNgWriteError) -> WriteError {
    WriteError::Io(match error {
        PcapNgWriteError::Io(error) => error,
        other => io::Error::other(other),
    })
}
