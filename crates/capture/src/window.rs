//! The fixed buffer between a source and the parsers.

use std::io::{self, ErrorKind, Read};

/// Size of the only buffer of a [`Reader`](crate::Reader), in bytes. It never grows: it holds the
/// largest record ([`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES)) with several options of the
/// largest size (65,535 bytes each).
pub const BUFFER_BYTES: usize = 1 << 20;

/// Most bytes read at once. What is read is looked at soon after, and should still be in the cache of
/// the core then: the front of the buffer is used again and again, and the rest for long records.
const READ_BYTES: usize = 1 << 18;

/// A window over a source: the bytes read and not yet consumed. What was consumed stays readable
/// in [`Window::bytes`] until the next [`Window::ensure`] or [`Window::skip`].
pub(crate) struct Window<R> {
    source: R,
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    source_ended: bool,
    /// Offset of `start` in the source, in bytes.
    position: u64,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            bytes: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            source_ended: false,
            position: 0,
        }
    }

    /// Offset of the first unconsumed byte in the source.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The bytes read and not yet consumed.
    pub(crate) fn available(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Reads until `need` bytes are available or the source ends; gives how many are available.
    pub(crate) fn ensure(&mut self, need: usize) -> io::Result<usize> {
        debug_assert!(need <= self.bytes.len());
        if self.end - self.start < need && !self.source_ended {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.read(need)?;
        }
        Ok(self.end - self.start)
    }

    fn read(&mut self, need: usize) -> io::Result<()> {
        while self.end < need && !self.source_ended {
            let room = self.bytes.len().min(need.max(self.end + READ_BYTES));
            match self.source.read(&mut self.bytes[self.end..room]) {
                Ok(0) => self.source_ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Consumes `count` available bytes; gives the index of the first in [`Window::bytes`].
    pub(crate) fn consume(&mut self, count: usize) -> usize {
        debug_assert!(count <= self.end - self.start);
        let first = self.start;
        self.start += count;
        self.position += count as u64;
        first
    }

    /// Consumes up to `count` bytes without keeping them; gives how many there were.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let step = left.min(self.bytes.len() as u64) as usize;
            let got = self.ensure(step)?.min(step);
            self.consume(got);
            left -= got as u64;
            if got < step {
                break;
            }
        }
        Ok(count - left)
    }

    /// The whole buffer, for the places that [`Window::consume`] gave.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
