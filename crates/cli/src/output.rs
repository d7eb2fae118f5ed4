//! Stdout and stderr.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Where a verb prints: stdout, buffered.
pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Output {
    /// Stdout, for people or, with `json`, for tools.
    pub(crate) fn stdout(json: bool) -> Self {
        Self {
            stdout: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            json,
        }
    }

    /// Whether JSON lines are wanted instead of text.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one JSON line.
    pub(crate) fn json_line(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.stdout, line).map_err(io::Error::from)?;
        Ok(self.stdout.write_all(b"\n")?)
    }

    /// Prints a diagnostic on stderr, behind everything printed so far.
    pub(crate) fn complain(&mut self, message: impl Display) -> Result<(), Failure> {
        let flushed = self.stdout.flush();
        // Nobody is left to tell when stderr is closed.
        let _closed = writeln!(io::stderr(), "nvgre: {message}");
        Ok(flushed?)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdout.write(bytes)
    }

    // Formatting writes a few bytes at a time: straight into the buffer.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}
