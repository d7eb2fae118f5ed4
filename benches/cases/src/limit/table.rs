//! (VSID, IPv4 address) to an outer header that only wants its length.

use nvgre_dataplane::{Nanos, NoEgress, NoTrace, PortId, Verdict, Worker};
use nvgre_wire::{FrameBuf, HEADROOM, checksum};

use crate::flows::{Flows, PAYLOAD, To, Transport};
use crate::guests::{self, FIRST_HOST, FIRST_REMOTE, Family, SENDER, SUBNET, host_of};
use crate::world::{Rules, World};

/// Bytes of outer Ethernet, IPv4 and GRE.
pub(super) const OUTER: usize = 42;
const _: () = assert!(OUTER <= HEADROOM);

/// An outer header, and the sum of its IPv4 header without the total length.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Template {
    bytes: [u8; OUTER],
    sum: u32,
}

/// Two to a cache line, as a product's would be: what the loops do not need is room for what it does.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
struct Record {
    key: u64,
    template: u32,
    _mac: [u8; 6],
}
const _: () = assert!(size_of::<Record>() == 32);

/// Open addressing, power of two, at most half full; a key of 0 is a free place.
#[derive(Debug)]
pub(crate) struct Table {
    records: Vec<Record>,
    /// By which the product of a hash is brought down to an index.
    shift: u32,
    templates: Vec<Template>,
}

/// The upper half of all keys: the sender's port has this subnet.
const SUBNET_KEY: u64 = (SUBNET as u64) << 32;

impl Table {
    /// Every remote guest of a world of this many records.
    pub(crate) fn new(records: u32) -> Self {
        let places = (2 * records as usize).next_power_of_two();
        let mut table = Self {
            records: vec![Record::default(); places],
            shift: 64 - places.trailing_zeros(),
            templates: templates(records),
        };
        for guest in FIRST_REMOTE..records {
            let key = SUBNET_KEY | u64::from(0x0a00_0002 + guest);
            let mut place = table.place(key);
            while table.records[place].key != 0 {
                place = (place + 1) % places;
            }
            table.records[place] = Record {
                key,
                template: host_of(guest) - 1,
                _mac: guests::mac(guest).octets(),
            };
        }
        table
    }

    #[inline(always)]
    pub(super) fn key(destination: u32) -> u64 {
        SUBNET_KEY | u64::from(destination)
    }

    /// Where the search for a key begins.
    #[inline(always)]
    pub(super) fn place(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// Has the record's cache line brought in.
    #[inline(always)]
    pub(super) fn prefetch(&self, place: usize) {
        if let Some(record) = self.records.get(place) {
            prefetch(record);
        }
    }

    /// Searches from a place on.
    #[inline(always)]
    pub(super) fn find(&self, key: u64, mut place: usize) -> Option<&Template> {
        loop {
            let record = self.records.get(place)?;
            if record.key == key {
                return self.templates.get(record.template as usize);
            }
            if record.key == 0 {
                return None;
            }
            place = (place + 1) & (self.records.len() - 1);
        }
    }
}

impl Template {
    /// Writes the outer header in front of a frame, which has headroom.
    #[inline(always)]
    pub(super) fn write(&self, frame: &mut FrameBuf<'_>, flow_id: u8) {
        let total = 28 + frame.len() as u32;
        let sum = self.sum + total;
        let sum = (sum >> 16) + (sum & 0xffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        let Ok(out) = frame.push_front(OUTER) else {
            return;
        };
        let mut bytes = self.bytes;
        bytes[16..18].copy_from_slice(&(total as u16).to_be_bytes());
        bytes[24..26].copy_from_slice(&(!sum as u16).to_be_bytes());
        bytes[41] = flow_id;
        out.copy_from_slice(&bytes);
    }
}

/// Has a cache line brought in.
#[inline(always)]
pub(super) fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "there is no safe name for the instruction")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint; it reads nothing that the program sees, and faults on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _no_such_hint = what;
}

/// One for each remote host: what the dataplane itself writes, less length, checksum and FlowID.
fn templates(records: u32) -> Vec<Template> {
    let small = World {
        records: records.min(1_000),
        rules: Rules::Encap,
        family: Family::V4,
    };
    let (snapshot, mut worker) = (small.host(FIRST_HOST), Worker::new());
    let kind = (Family::V4, Transport::Udp);
    let flows = Flows::new(SENDER, To::Remote, kind, 60, small.records);
    let hosts = 1..guests::HOSTS;
    let outer = hosts.map(|host| {
        let mut memory = [PAYLOAD; HEADROOM + 60];
        flows.write_to(0, FIRST_REMOTE + host - 1, &mut memory[HEADROOM..]);
        let mut frame = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + 60).expect("headroom");
        let port = PortId(SENDER);
        let (egress, tracer) = (&mut NoEgress, &mut NoTrace);
        let verdict = worker.outbound_frame(Nanos(0), &snapshot, port, &mut frame, egress, tracer);
        assert_eq!(verdict, Verdict::Uplink);
        let mut bytes = [0; OUTER];
        bytes.copy_from_slice(&frame.bytes()[..OUTER]);
        bytes[16..18].fill(0);
        bytes[24..26].fill(0);
        bytes[41] = 0;
        Template {
            bytes,
            sum: checksum::fold(checksum::sum(&bytes[14..34])).into(),
        }
    });
    outer.collect()
}
