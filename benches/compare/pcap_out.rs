//! A classic capture, written in large pieces: what the programs beside us write too.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Bytes handed to the system at once, to whole pages: those need not be cleared first.
const PIECE: usize = 256 << 10;

/// Microseconds, version 2.4, snap length 262,144, Ethernet (draft-ietf-opsawg-pcap).
const HEADER: [u32; 6] = [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 262_144, 1];

/// The file, and what was not written yet.
pub(crate) struct PcapOut {
    file: File,
    pending: Vec<u8>,
}

impl PcapOut {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut pending = Vec::with_capacity(PIECE + 4_096);
        pending.extend(HEADER.iter().flat_map(|word| word.to_le_bytes()));
        Ok(Self {
            file: File::create(path)?,
            pending,
        })
    }

    /// One whole frame.
    pub(crate) fn write(&mut self, time_ns: i64, frame: &[u8]) -> io::Result<()> {
        let micros = (time_ns / 1_000) as u64;
        let len = frame.len() as u32;
        let words = [
            (micros / 1_000_000) as u32,
            (micros % 1_000_000) as u32,
            len,
            len,
        ];
        let mut header = [0; 16];
        for (place, word) in header.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        self.pending.extend_from_slice(&header);
        self.pending.extend_from_slice(frame);
        if self.pending.len() >= PIECE {
            self.file.write_all(&self.pending[..PIECE])?;
            self.pending.copy_within(PIECE.., 0);
            self.pending.truncate(self.pending.len() - PIECE);
        }
        Ok(())
    }

    /// The rest.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&self.pending)
    }
}
