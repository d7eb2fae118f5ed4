//! Capture files written by hand, field by field, from the format specifications.

#![allow(dead_code)] // each test file uses its part

use nvgre_capture::{Packet, ReadError, Reader};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

pub(crate) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(crate) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(crate) const MODIFIED: u32 = 0xa1b2_cd34;

pub(crate) fn pcap_header(
    order: Order,
    magic: u32,
    version: (u16, u16),
    link_type: u32,
) -> Vec<u8> {
    let mut file = order.u32(magic).to_vec();
    file.extend(order.u16(version.0));
    file.extend(order.u16(version.1));
    file.extend([0; 8]);
    file.extend(order.u32(65_535));
    file.extend(order.u32(link_type));
    file
}

pub(crate) fn pcap_record(
    order: Order,
    seconds: u32,
    fraction: u32,
    original: u32,
    data: &[u8],
) -> Vec<u8> {
    let mut record = order.u32(seconds).to_vec();
    record.extend(order.u32(fraction));
    record.extend(order.u32(data.len() as u32));
    record.extend(order.u32(original));
    record.extend(data);
    record
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut padded = body.to_vec();
    pad(&mut padded);
    let len = order.u32(padded.len() as u32 + 12);
    let mut block = order.u32(kind).to_vec();
    block.extend(len);
    block.extend(padded);
    block.extend(len);
    block
}

pub(crate) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = order.u16(code).to_vec();
    option.extend(order.u16(value.len() as u16));
    option.extend(value);
    pad(&mut option);
    option
}

pub(crate) fn section_version(order: Order, major: u16, minor: u16) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(major));
    body.extend(order.u16(minor));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

pub(crate) fn section(order: Order) -> Vec<u8> {
    section_version(order, 1, 0)
}

pub(crate) fn interface(
    order: Order,
    link_type: u16,
    snap_len: u32,
    options: &[Vec<u8>],
) -> Vec<u8> {
    let mut body = order.u16(link_type).to_vec();
    body.extend([0; 2]);
    body.extend(order.u32(snap_len));
    body.extend(options.concat());
    block(order, 1, &body)
}

pub(crate) fn enhanced(
    order: Order,
    interface: u32,
    units: u64,
    original: u32,
    data: &[u8],
    options: &[Vec<u8>],
) -> Vec<u8> {
    let mut body = order.u32(interface).to_vec();
    body.extend(order.u32((units >> 32) as u32));
    body.extend(order.u32(units as u32));
    body.extend(order.u32(data.len() as u32));
    body.extend(order.u32(original));
    body.extend(data);
    pad(&mut body);
    body.extend(options.concat());
    block(order, 6, &body)
}

pub(crate) fn simple(order: Order, original: u32, data: &[u8]) -> Vec<u8> {
    let mut body = order.u32(original).to_vec();
    body.extend(data);
    block(order, 3, &body)
}

/// What a packet says, without its loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) time_ns: i64,
    pub(crate) interface: u32,
    pub(crate) link_type: u16,
    pub(crate) original_len: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) comment: Option<String>,
}

impl From<Packet<'_>> for Seen {
    fn from(packet: Packet<'_>) -> Self {
        Self {
            time_ns: packet.time_ns,
            interface: packet.interface,
            link_type: packet.link_type.0,
            original_len: packet.original_len,
            data: packet.data.to_vec(),
            comment: packet.options.comment().map(str::to_owned),
        }
    }
}

/// Everything a file gives, and the error that ended it. Lent one by one or together, it is the same.
pub(crate) fn read(file: &[u8]) -> (Vec<Seen>, Option<ReadError>) {
    let (seen, error) = read_one_by_one(file);
    let told = |error: &Option<ReadError>| error.as_ref().map(ToString::to_string);
    for max in [1, 2, 64] {
        let (together, its_error) = read_together(file, max);
        assert_eq!(together, seen, "{max} together");
        assert_eq!(told(&its_error), told(&error), "{max} together");
    }
    (seen, error)
}

fn read_one_by_one(file: &[u8]) -> (Vec<Seen>, Option<ReadError>) {
    let mut seen = Vec::new();
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (seen, Some(error)),
    };
    loop {
        match reader.next() {
            Ok(Some(packet)) => {
                assert_eq!(packet.number, seen.len() as u64 + 1);
                seen.push(packet.into());
            }
            Ok(None) => return (seen, None),
            Err(error) => {
                assert!(
                    matches!(reader.next(), Ok(None)),
                    "a reader stays ended after an error"
                );
                return (seen, Some(error));
            }
        }
    }
}

fn read_together(file: &[u8], max: usize) -> (Vec<Seen>, Option<ReadError>) {
    let mut seen = Vec::new();
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (seen, Some(error)),
    };
    loop {
        let mut offset = 0;
        match reader.packets(max) {
            Ok(packets) if packets.is_empty() => return (seen, None),
            Ok(packets) => {
                assert!(packets.len() <= max);
                for index in 0..packets.len() {
                    let packet = packets.get(index);
                    assert_eq!(packet.number, seen.len() as u64 + 1);
                    assert!(
                        packets.offset_bytes(index) > offset,
                        "records follow each other"
                    );
                    offset = packets.offset_bytes(index);
                    seen.push(packet.into());
                }
            }
            Err(error) => {
                let ended = reader.packets(max).is_ok_and(|packets| packets.is_empty());
                assert!(ended, "a reader stays ended after an error");
                return (seen, Some(error));
            }
        }
    }
}

/// As [`read`], of a file that is whole.
pub(crate) fn read_whole(file: &[u8]) -> Vec<Seen> {
    let (seen, error) = read(file);
    assert!(error.is_none(), "{error:?}");
    seen
}
