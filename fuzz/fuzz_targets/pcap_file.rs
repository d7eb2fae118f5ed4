//! Any bytes as a capture file: packets, then an end or an error, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvgre_capture::Reader;

fuzz_target!(|file: &[u8]| {
    let Ok(mut reader) = Reader::new(file) else {
        return;
    };
    while let Ok(Some(packet)) = reader.next() {
        assert!(packet.data.len() <= file.len());
    }
});
