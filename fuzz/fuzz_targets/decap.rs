//! Any bytes as a packet from the underlay: a verdict, never a panic; what is accepted is inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvgre_dataplane::{AnyProvider, Settings, decapsulate};
use nvgre_wire::{FrameBuf, HEADROOM};

fuzz_target!(|packet: &[u8]| {
    let mut memory = vec![0; HEADROOM];
    memory.extend_from_slice(packet);
    let len = memory.len();
    let mut frame = FrameBuf::new(&mut memory, HEADROOM..len).expect("headroom is there");
    if decapsulate(&mut frame, &Settings::default(), &AnyProvider).is_ok() {
        assert!(frame.len() >= 14 && frame.range().end <= len);
    }
});
