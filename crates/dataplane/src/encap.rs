//! Outer headers, written in front of the guest's frame where it lies.

use core::net::IpAddr;

use nvgre_wire::{
    EtherType, FlowId, FrameBuf, Ipv4Repr, Ipv6Repr, MacAddress, Nvgre, ProviderAddress,
    VirtualSubnetId, VlanId, ip_protocol,
};

/// TTL and hop limit of outer packets.
pub(crate) const OUTER_TTL: u8 = 64;

/// Everything the outer headers of one frame say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OuterHeader {
    /// The provider address's MAC (RFC 7637 s3.2: that of the endpoint, never the guest's).
    pub(crate) source_mac: MacAddress,
    /// The next hop's.
    pub(crate) destination_mac: MacAddress,
    pub(crate) vlan: Option<VlanId>,
    pub(crate) source: ProviderAddress,
    pub(crate) destination: ProviderAddress,
    /// DSCP and ECN of the inner packet, 0 if it has none: copied out (RFC 2983 and RFC 6040 s4.1).
    pub(crate) tos: u8,
    pub(crate) virtual_subnet: VirtualSubnetId,
    pub(crate) flow_id: FlowId,
}

impl OuterHeader {
    /// Bytes of IP and GRE in front of the inner frame: 28 over IPv4, 48 over IPv6. These count
    /// against the underlay's MTU.
    pub(crate) const fn ip_overhead(ipv4: bool) -> usize {
        Nvgre::LEN + if ipv4 { 20 } else { 40 }
    }

    /// Bytes written in front of the inner frame.
    pub(crate) fn len(&self) -> usize {
        14 + if self.vlan.is_some() { 4 } else { 0 } + Self::ip_overhead(self.source.is_ipv4())
    }

    /// Encapsulates: moves the start of the frame and writes the headers. The caller has checked
    /// the MTU, and [`nvgre_wire::HEADROOM`] is more than any of these headers; a frame whose
    /// headroom was used up otherwise is left as it is and `false` is returned.
    pub(crate) fn write(&self, frame: &mut FrameBuf<'_>) -> bool {
        let payload_len = (Nvgre::LEN + frame.len()) as u16;
        let Ok(out) = frame.push_front(self.len()) else {
            return false;
        };
        let (ether_type, protocol) = match self.source.ip() {
            IpAddr::V4(_) => (EtherType::IPV4, 20),
            IpAddr::V6(_) => (EtherType::IPV6, 40),
        };
        let ip = write_link(
            out,
            self.destination_mac,
            self.source_mac,
            self.vlan,
            ether_type,
        );
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Ipv4Repr {
                tos: self.tos,
                payload_len,
                // RFC 7637 s4.4: nothing may fragment the packet after encapsulation.
                dont_fragment: true,
                ttl: OUTER_TTL,
                protocol: ip_protocol::GRE,
                source: source.octets(),
                destination: destination.octets(),
            }
            .emit(ip),
            (source, destination) => Ipv6Repr {
                traffic_class: self.tos,
                // RFC 6438: the label gives routers the entropy that the FlowID holds.
                flow_label: u32::from(self.flow_id.0),
                payload_len,
                next_header: ip_protocol::GRE,
                hop_limit: OUTER_TTL,
                source: v6(source),
                destination: v6(destination),
            }
            .emit(ip),
        }
        Nvgre::emit(&mut ip[protocol..], self.virtual_subnet, self.flow_id);
        true
    }
}

/// Writes an Ethernet header with at most one tag and gives what is behind it.
pub(crate) fn write_link(
    out: &mut [u8],
    destination: MacAddress,
    source: MacAddress,
    vlan: Option<VlanId>,
    ether_type: EtherType,
) -> &mut [u8] {
    out[..6].copy_from_slice(&destination.octets());
    out[6..12].copy_from_slice(&source.octets());
    let at = match vlan {
        Some(vlan) => {
            out[12..14].copy_from_slice(&EtherType::VLAN.0.to_be_bytes());
            out[14..16].copy_from_slice(&vlan.get().to_be_bytes());
            16
        }
        None => 12,
    };
    out[at..at + 2].copy_from_slice(&ether_type.0.to_be_bytes());
    &mut out[at + 2..]
}

/// Source and destination are of one family: the source was chosen for the destination's.
fn v6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(v6) => v6.octets(),
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
    }
}
