//! The loop that a person would write by hand for one case and nothing else: what the crate is
//! measured against. It checks nothing that the case does not need.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use nvgre_wire::{FrameBuf, HEADROOM, checksum};

use crate::scene::{self, Arena, FIRST_REMOTE};

/// A record as the loop wants it: the outer header to copy, with the IP checksum's sum of everything
/// but the total length.
#[derive(Clone, Copy)]
struct Template {
    bytes: [u8; 42],
    sum: u32,
    mac: [u8; 6],
}

/// One multiplication: the cheapest hash that spreads sequential addresses.
#[derive(Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys are u32");
    }

    fn write_u32(&mut self, value: u32) {
        let product = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 29;
    }
}

/// Encapsulates IPv4 frames of one subnet.
pub struct Limit {
    table: HashMap<u32, Template, BuildHasherDefault<Multiply>>,
}

impl Limit {
    /// Templates for this many guests.
    pub fn new(records: u32) -> Self {
        let template = |guest: u32| {
            let mut bytes = [0; 42];
            bytes[..6].copy_from_slice(&scene::mac(0xff_0001).octets());
            bytes[6..12].copy_from_slice(&scene::mac(0xff_0000).octets());
            bytes[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 47]);
            bytes[26..30].copy_from_slice(&[192, 168, 0, 1]);
            let to = 0xc0a8_0002 + guest % 63;
            bytes[30..34].copy_from_slice(&to.to_be_bytes());
            bytes[34..42].copy_from_slice(&[0x20, 0, 0x65, 0x58, 0, 0x13, 0x89, 0]);
            let sum = u32::from(checksum::fold(checksum::sum(&bytes[14..34])));
            Template {
                bytes,
                sum,
                mac: scene::mac(guest).octets(),
            }
        };
        let key = |guest: u32| u32::from(scene::customer(guest));
        let guests = FIRST_REMOTE..records;
        Self {
            table: guests.map(|guest| (key(guest), template(guest))).collect(),
        }
    }

    /// Encapsulates every frame of the arena; gives how many had a record.
    pub fn encapsulate(&self, arena: &mut Arena) -> usize {
        arena
            .frames()
            .map(|mut frame| usize::from(self.one(&mut frame)))
            .sum()
    }

    #[inline(always)]
    fn one(&self, frame: &mut FrameBuf<'_>) -> bool {
        let bytes = frame.bytes();
        let len = bytes.len();
        if len < 38 || bytes[12..14] != [8, 0] || bytes[14] != 0x45 {
            return false;
        }
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let (source, destination, ports) = (word(26), word(30), word(34));
        let pair = u64::from(source) << 32 | u64::from(destination);
        let tail = u64::from(bytes[23]) << 32 | u64::from(ports);
        let mut hash = (pair ^ tail).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
        let Some(template) = self.table.get(&destination) else {
            return false;
        };
        if bytes[..6] != template.mac {
            return false;
        }
        let total = (28 + len) as u32;
        let mut sum = template.sum + total;
        sum = (sum >> 16) + (sum & 0xffff);
        sum = (sum >> 16) + (sum & 0xffff);
        let Ok(out) = frame.push_front(42) else {
            return false;
        };
        out.copy_from_slice(&template.bytes);
        out[16..18].copy_from_slice(&(total as u16).to_be_bytes());
        out[24..26].copy_from_slice(&(!sum as u16).to_be_bytes());
        out[41] = (hash >> 56) as u8;
        true
    }
}

const _: () = assert!(HEADROOM >= 42);
