//! Captures by name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nvgre_capture::{ReadError, ReadErrorKind, Reader};

/// A capture from a file or a pipe.
pub(crate) type Capture = Reader<Box<dyn Read>>;

/// Opens the capture with this name; `-` is stdin.
pub(crate) fn open_capture(name: &Path) -> Result<Capture, ReadError> {
    if name == Path::new("-") {
        return Reader::new(Box::new(io::stdin().lock()));
    }
    let file = File::open(name).map_err(|error| ReadError {
        kind: ReadErrorKind::Open(error),
        packet: 1,
        offset: 0,
    })?;
    Reader::new(Box::new(file))
}
