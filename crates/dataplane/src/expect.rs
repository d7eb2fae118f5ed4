//! Looking ahead: which rows the frames of a batch are going to ask for.
//!
//! Where tables are larger than the caches, a search waits for memory longer than everything else
//! takes. So a batch first brings the rows of its frames closer, all at once, and then forwards them
//! one by one. What is expected here decides nothing: a wrong guess costs time and no more.

use nvgre_wire::{EtherType, Nvgre, VirtualSubnetId, ip_protocol};

use crate::entry::Row;
use crate::port::PortId;
use crate::snapshot::{Segment, Snapshot};

const IPV4: [u8; 2] = EtherType::IPV4.0.to_be_bytes();
const IPV6: [u8; 2] = EtherType::IPV6.0.to_be_bytes();

/// The row of an IPv4 record that a frame is expected to ask for.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    key: u64,
    /// Where the search begins.
    line: usize,
    row: Option<Row>,
}

impl Expected {
    /// No record has this key.
    pub(crate) const NOTHING: Self = Self {
        key: 0,
        line: 0,
        row: None,
    };

    /// Reads the row, when it is near by now. Searches that are not wait side by side.
    #[inline(always)]
    pub(crate) fn ask(&mut self, snapshot: &Snapshot) {
        if self.key != 0 {
            self.row = snapshot
                .records
                .row_from(self.line, self.key, snapshot.version);
        }
    }
}

/// Where the rows that frames ask for come from.
pub(crate) trait Rows {
    /// The row of an IPv4 record's key, for the frame with this index in the batch.
    fn row(&self, index: usize, snapshot: &Snapshot, key: u64) -> Option<Row>;
}

/// From the table.
pub(crate) struct Asked;

impl Rows for Asked {
    #[inline(always)]
    fn row(&self, _index: usize, snapshot: &Snapshot, key: u64) -> Option<Row> {
        snapshot.records.row(key, snapshot.version)
    }
}

/// From what was asked ahead, if it was for the same.
impl<const N: usize> Rows for [Expected; N] {
    #[inline(always)]
    fn row(&self, index: usize, snapshot: &Snapshot, key: u64) -> Option<Row> {
        let expected = &self[index % N];
        if key == expected.key {
            expected.row
        } else {
            Asked.row(index, snapshot, key)
        }
    }
}

impl Snapshot {
    /// Whether looking ahead is worth the look.
    pub(crate) fn is_far(&self) -> bool {
        self.records.is_far()
    }

    /// The record of the destination of an untagged frame from a guest.
    #[inline(always)]
    pub(crate) fn expect_outbound(&self, port: PortId, frame: &[u8]) -> Expected {
        if let Some(at) = self.port(port)
            && let Segment::Tenant(vsid) = at.segment
        {
            match *frame {
                [_, _, _, _, _, _, _, _, _, _, _, _, a, b, ref ip @ ..] if [a, b] == IPV4 => {
                    return self.expect_v4(vsid, ip.get(16..));
                }
                [_, _, _, _, _, _, _, _, _, _, _, _, a, b, ref ip @ ..] if [a, b] == IPV6 => {
                    self.expect_v6(vsid, ip.get(24..));
                }
                [..] => {}
            }
        }
        Expected::NOTHING
    }

    /// The record of the inner source of an NVGRE packet over untagged IPv4 or IPv6.
    #[inline(always)]
    pub(crate) fn expect_inbound(&self, frame: &[u8]) -> Expected {
        let ether_type = frame.get(12..14);
        let gre = if ether_type == Some(&IPV4) && frame.get(23) == Some(&ip_protocol::GRE) {
            frame.get(34..)
        } else if ether_type == Some(&IPV6) && frame.get(20) == Some(&ip_protocol::GRE) {
            frame.get(54..)
        } else {
            None
        };
        let Some(&[_, _, _, _, a, b, c, _]) = gre.and_then(|gre| gre.first_chunk()) else {
            return Expected::NOTHING;
        };
        let Ok(vsid) = VirtualSubnetId::try_new(u32::from_be_bytes([0, a, b, c])) else {
            return Expected::NOTHING;
        };
        let inner = gre.and_then(|gre| gre.get(Nvgre::LEN..));
        let inner_type = inner.and_then(|inner| inner.get(12..14));
        let ip = inner.and_then(|inner| inner.get(14..));
        if inner_type == Some(&IPV4) {
            return self.expect_v4(vsid, ip.and_then(|ip| ip.get(12..)));
        }
        if inner_type == Some(&IPV6) {
            self.expect_v6(vsid, ip.and_then(|ip| ip.get(8..)));
        }
        Expected::NOTHING
    }

    #[inline(always)]
    fn expect_v4(&self, vsid: VirtualSubnetId, address: Option<&[u8]>) -> Expected {
        let Some(address) = address.and_then(|bytes| bytes.first_chunk()) else {
            return Expected::NOTHING;
        };
        let key = u64::from(vsid.get()) << 32 | u64::from(u32::from_be_bytes(*address));
        Expected {
            key,
            line: self.records.prefetch_row(key),
            row: None,
        }
    }

    #[inline(always)]
    fn expect_v6(&self, vsid: VirtualSubnetId, address: Option<&[u8]>) {
        if let Some(address) = address.and_then(|bytes| bytes.first_chunk()) {
            self.records.prefetch_v6(vsid, *address);
        }
    }
}
