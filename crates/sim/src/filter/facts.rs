//! What is so of a walk that has ended: the values of a filter's fields.

use std::cell::OnceCell;
use std::net::IpAddr;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use nvgre_dataplane::Outer;
use nvgre_wire::LinkHeader;
use smallvec::SmallVec;

use crate::comment::verdict_of;
use crate::filter::field::{Field, Found, Protocol};
use crate::inventory::{Inventory, Who};
use crate::oracle::GuestIndex;
use crate::walk_log::{Beginning, Ended, WalkLog};

/// A walk, and what is known of it beside its log.
pub(crate) struct Facts<'a> {
    log: &'a WalkLog,
    inventory: &'a Inventory,
    /// Of the sender's port, or of the key.
    virtual_subnet: Option<u32>,
    /// The sender, and the one guest that it is for.
    ends: [Option<GuestIndex>; 2],
    /// Read when they are asked for.
    inner: OnceCell<Inner>,
}

/// The headers of a guest's frame, as far as it has them.
#[derive(Clone, Copy, Debug, Default)]
struct Inner {
    addresses: Option<(IpAddr, IpAddr)>,
    protocol: Option<Protocol>,
    ports: Option<(u16, u16)>,
}

impl<'a> Facts<'a> {
    /// Of a walk that has ended.
    pub(crate) fn new(log: &'a WalkLog, inventory: &'a Inventory) -> Self {
        let virtual_subnet = inventory.virtual_subnet(log);
        let guest = |who| match who {
            Who::Port(guest) => Some(guest),
            Who::All | Who::Ip(_) | Who::Mac(_) | Who::Nobody => None,
        };
        Self {
            log,
            inventory,
            virtual_subnet,
            ends: inventory.ends_of(log, virtual_subnet).map(guest),
            inner: OnceCell::new(),
        }
    }

    /// Whether this holds for one of the walk's values of a field.
    pub(crate) fn any(&self, field: Field, mut holds: impl FnMut(Found) -> bool) -> bool {
        let log = self.log;
        let inner = || self.inner.get_or_init(|| Inner::of(log.inner()));
        let address = |address: Option<IpAddr>| address.map(Found::Address);
        let number = |number: Option<u16>| number.map(|number| Found::Number(number.into()));
        let one = match field {
            Field::Frame => Some(Found::Number(log.number)),
            Field::InnerSrc => address(inner().addresses.map(|(source, _)| source)),
            Field::InnerDst => address(inner().addresses.map(|(_, destination)| destination)),
            Field::InnerMacSrc => self.link().map(|link| Found::Mac(link.source)),
            Field::InnerMacDst => self.link().map(|link| Found::Mac(link.destination)),
            Field::InnerProto => inner().protocol.map(Found::Protocol),
            Field::InnerSrcPort => number(inner().ports.map(|(source, _)| source)),
            Field::InnerDstPort => number(inner().ports.map(|(_, destination)| destination)),
            Field::Verdict => Some(Found::Word(verdict_of(log))),
            Field::OuterSrc => {
                return self.outer(|outer| holds(Found::Address(outer.source.ip())));
            }
            Field::OuterDst => {
                return self.outer(|outer| holds(Found::Address(outer.destination.ip())));
            }
            Field::Vsid => {
                let of_keys = log.keys.iter().map(|&(vsid, _)| vsid);
                let mut all = self.virtual_subnet.into_iter().chain(of_keys);
                return all.any(|vsid| holds(Found::Number(vsid.into())));
            }
            Field::FlowId => {
                let mut all = log.keys.iter();
                return all.any(|&(_, flow_id)| holds(Found::Number(flow_id.into())));
            }
            Field::Tenant => {
                let mut guests = self.guests().into_iter();
                return guests.any(|guest| holds(Found::Index(self.inventory.tenant(guest))));
            }
            Field::Guest => {
                let mut guests = self.guests().into_iter();
                return guests.any(|guest| holds(Found::Index(guest)));
            }
            Field::Host => return log.ends.iter().any(|end| holds(Found::Index(end.host))),
            Field::Reason => {
                let of_ends = log.ends.iter().filter_map(|end| match end.what {
                    Ended::Dropped(reason) => Some(reason.name()),
                    Ended::Delivered(_) | Ended::Consumed => None,
                });
                let skipped = match log.beginning {
                    Beginning::Skipped(reason) => Some(reason.name()),
                    Beginning::Entered { .. } => None,
                };
                return of_ends.chain(skipped).any(|name| holds(Found::Word(name)));
            }
        };
        one.is_some_and(holds)
    }

    fn link(&self) -> Option<LinkHeader> {
        LinkHeader::parse(self.log.inner()).ok()
    }

    /// The sender, whom the frame is for, and those who got a copy.
    fn guests(&self) -> SmallVec<[GuestIndex; 4]> {
        let ends = self.ends.into_iter().flatten();
        let got = self.log.ends.iter().filter_map(|end| match end.what {
            Ended::Delivered(guest) => Some(guest),
            Ended::Dropped(_) | Ended::Consumed => None,
        });
        ends.chain(got).collect()
    }

    /// Whether this holds for one of the packets on the underlay.
    fn outer(&self, mut holds: impl FnMut(&Outer) -> bool) -> bool {
        let mut hops = self.log.hops.iter().filter(|hop| !hop.seen.is_at_port());
        hops.any(|hop| Outer::parse(self.log.bytes(hop)).is_ok_and(|outer| holds(&outer)))
    }
}

impl Inner {
    /// As much as a frame shows that may be cut or damaged.
    fn of(frame: &[u8]) -> Self {
        let Ok(packet) = LaxSlicedPacket::from_ethernet(frame) else {
            return Self::default();
        };
        let ports = match &packet.transport {
            Some(TransportSlice::Tcp(tcp)) => Some((tcp.source_port(), tcp.destination_port())),
            Some(TransportSlice::Udp(udp)) => Some((udp.source_port(), udp.destination_port())),
            Some(_without_ports) => None,
            None => None,
        };
        let (addresses, protocol) = match &packet.net {
            Some(LaxNetSlice::Ipv4(ip)) => {
                let (from, to) = (ip.header().source_addr(), ip.header().destination_addr());
                let protocol = ip.payload().ip_number.0;
                (Some((from.into(), to.into())), Some(Protocol::Ip(protocol)))
            }
            Some(LaxNetSlice::Ipv6(ip)) => {
                let (from, to) = (ip.header().source_addr(), ip.header().destination_addr());
                let protocol = ip.payload().ip_number.0;
                (Some((from.into(), to.into())), Some(Protocol::Ip(protocol)))
            }
            Some(LaxNetSlice::Arp(arp)) => {
                let address = |bytes: &[u8]| {
                    let octets: Option<[u8; 4]> = bytes.try_into().ok();
                    octets.map(IpAddr::from)
                };
                let from = address(arp.sender_protocol_addr());
                (
                    from.zip(address(arp.target_protocol_addr())),
                    Some(Protocol::Arp),
                )
            }
            None => (None, None),
        };
        Self {
            addresses,
            protocol,
            ports,
        }
    }
}
