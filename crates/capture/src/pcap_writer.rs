//! The writer of the classic format: one interface, nanoseconds, nothing but frames.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use pcap_file::pcap::{PcapHeader, PcapTsResolution, PcapWriteError, RawPcapPacket};
use pcap_file::{DataLink, Endianness};

use crate::link_type::LinkType;
use crate::pending::Pending;
use crate::reader::MAX_RECORD_BYTES;
use crate::writer::{WRITE_BUFFER_BYTES, WriteError};

const NS_PER_S: u64 = 1_000_000_000;

/// Writes a pcap file, little-endian, times in nanoseconds (magic 0xa1b23c4d).
///
/// To a path, by [`PcapWriter::create`]: as for [`Writer::create`](crate::Writer::create) the file
/// stands there when it is whole, and not before.
pub struct PcapWriter<W: Write = File> {
    records: pcap_file::pcap::PcapWriter<BufWriter<W>>,
    broken: bool,
    pending: Option<Pending>,
}

impl PcapWriter<File> {
    /// Starts a file that will stand at `path`. A link there is followed; what is no regular file,
    /// such as a device or a named pipe, is written to as it is.
    ///
    /// # Errors
    /// [`WriteError::Create`], or the header cannot be written.
    pub fn create(path: impl AsRef<Path>, link_type: LinkType) -> Result<Self, WriteError> {
        let (file, pending) = Pending::create(path.as_ref())?;
        let mut writer = Self::new(file, link_type)?;
        writer.pending = pending;
        Ok(writer)
    }
}

impl<W: Write> PcapWriter<W> {
    /// Starts a capture on a pipe, on standard output or in memory. Bytes are gathered: only
    /// [`PcapWriter::finish`] says that all have arrived.
    ///
    /// # Errors
    /// The header cannot be written.
    pub fn new(out: W, link_type: LinkType) -> Result<Self, WriteError> {
        let header = PcapHeader {
            snaplen: MAX_RECORD_BYTES as u32,
            datalink: DataLink::from(u32::from(link_type.0)),
            ts_resolution: PcapTsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, out);
        let records = pcap_file::pcap::PcapWriter::with_header(out, header).map_err(io_error)?;
        Ok(Self {
            records,
            broken: false,
            pending: None,
        })
    }

    /// Writes one frame: `data`, link-layer header first, of the `original_len` bytes it had on the
    /// wire. The length is raised to that of `data` if it is below, as damaged captures claim.
    /// `time_ns`: nanoseconds since 1970-01-01 00:00 UTC.
    ///
    /// # Errors
    /// The time is negative or does not fit 32 bits of seconds, or the frame is longer than
    /// [`MAX_RECORD_BYTES`]: nothing is written then, and the next frame may follow. Or writing
    /// fails.
    pub fn write(
        &mut self,
        time_ns: i64,
        data: &[u8],
        original_len: u32,
    ) -> Result<(), WriteError> {
        let since_epoch_ns =
            u64::try_from(time_ns).map_err(|_| WriteError::BeforeEpoch(time_ns))?;
        let seconds = u32::try_from(since_epoch_ns / NS_PER_S);
        let ts_sec = seconds.map_err(|_| WriteError::AfterPcap(time_ns))?;
        if data.len() > MAX_RECORD_BYTES {
            return Err(WriteError::FrameTooLong(data.len()));
        }
        let incl_len = data.len() as u32;
        let written = self.records.write_raw_packet(&RawPcapPacket {
            ts_sec,
            ts_frac: (since_epoch_ns % NS_PER_S) as u32,
            incl_len,
            orig_len: original_len.max(incl_len),
            data: Cow::Borrowed(data),
        });
        written.map(drop).map_err(|error| {
            // The file ends somewhere: nothing may follow.
            self.broken = true;
            io_error(error)
        })
    }

    /// Writes what is still gathered, and gives the file its name.
    ///
    /// # Errors
    /// Writing fails now or failed before, or the file cannot be renamed. Nothing stands under the
    /// name then but what stood there before.
    pub fn finish(self) -> Result<(), WriteError> {
        if self.broken {
            return Err(WriteError::NotWhole);
        }
        self.records
            .into_inner()
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .flush()?;
        self.pending.map_or(Ok(()), Pending::persist)
    }
}

/// What the values were checked for before cannot come back: what is left is the output failing.
fn io_error(error: PcapWriteError) -> WriteError {
    WriteError::Io(match error {
        PcapWriteError::Io(error) | PcapWriteError::FieldWriteFailed(_, error) => error,
        other => io::Error::other(other),
    })
}
