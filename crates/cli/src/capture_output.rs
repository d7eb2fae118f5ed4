//! Names of captures that are written: which format each asks for.

use std::fs;
use std::path::Path;

use crate::exit::Failure;

/// Whether this name asks for the classic format.
pub(crate) fn is_classic(file: &Path) -> bool {
    has_extension(file, "pcap")
}

/// Refuses a name that does not say which format is wanted: what it would hold might surprise whoever
/// opens it. Devices and pipes have names of their own, and hold pcapng.
pub(crate) fn refuse_unclear(file: &Path, wanted: &str) -> Result<(), Failure> {
    let is_clear = is_classic(file) || has_extension(file, "pcapng");
    if is_clear || fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return Ok(());
    }
    let file = file.display();
    Err(Failure::usage(format_args!(
        "-w {file}: the output goes to a file whose name says its format: {wanted}"
    )))
}

fn has_extension(file: &Path, wanted: &str) -> bool {
    let extension = file.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}
