//! Any text as a dump, in a folder and beside others: it is read, or every error has a place within
//! it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvgre_netwnv::{Dump, DumpFile, Source, decode_text};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = decode_text(bytes) else {
        return;
    };
    for path in ["Statler/fuzz", "fuzz.txt"] {
        let file = DumpFile::new(path, Source::new(path, text.as_str()));
        if let Err(errors) = Dump::read(&[file]) {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(error.render().contains('^'));
            }
        }
    }
});
