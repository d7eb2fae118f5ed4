//! Outer headers, prepared for each way over the underlay and written in front of the guest's frame
//! where it lies.

use core::net::IpAddr;

use nvgre_wire::{
    EtherType, FlowId, FrameBuf, Ipv4Repr, Ipv6Repr, MacAddress, Nvgre, NvgreKey, ProviderAddress,
    VirtualSubnetId, VlanId, checksum, ip_protocol,
};

use crate::provider::HostAddress;

/// TTL and hop limit of outer packets.
pub(crate) const OUTER_TTL: u8 = 64;

/// Bytes of IP and GRE in front of the inner frame: 28 over IPv4, 48 over IPv6. These count against
/// the underlay's MTU.
pub(crate) const fn ip_overhead(ipv4: bool) -> usize {
    Nvgre::LEN + if ipv4 { 20 } else { 40 }
}

/// Everything that frames from one host address to one provider address have in common outside:
/// the headers with zeros where each frame has its own bytes.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Path {
    /// One's complement sum of the IPv4 header as its words lie in memory, without the first two bytes,
    /// total length and checksum.
    sum: u16,
    /// Bytes in front of the inner frame: 42 over IPv4, 62 over IPv6, 4 more with a tag.
    len: u8,
    /// The next hop's MAC is known.
    resolved: bool,
    /// It is, and the headers are those of untagged IPv4.
    short: bool,
    bytes: [u8; Self::LONGEST],
}

impl Path {
    const LONGEST: usize = 14 + 4 + 40 + Nvgre::LEN;
    /// Bytes of untagged headers over IPv4.
    pub(crate) const V4: usize = 14 + 20 + Nvgre::LEN;

    /// The headers from `host` to `to` by way of `next_hop`.
    pub(crate) fn new(
        host: &HostAddress,
        to: ProviderAddress,
        next_hop: Option<MacAddress>,
    ) -> Self {
        let mut path = Self {
            sum: 0,
            len: 0,
            resolved: false,
            short: false,
            bytes: [0; Self::LONGEST],
        };
        let (ether_type, ip_len) = if to.is_ipv4() {
            (EtherType::IPV4, 20)
        } else {
            (EtherType::IPV6, 40)
        };
        // RFC 7637 s3.2: the source MAC is that of the provider address, never the guest's; the
        // destination MAC is the next hop's.
        let destination_mac = next_hop.unwrap_or(MacAddress::new([0; 6]));
        let ip = write_link(
            &mut path.bytes,
            destination_mac,
            host.mac,
            host.vlan,
            ether_type,
        );
        let same_family = match (host.address.ip(), to.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Ipv4Repr {
                    tos: 0,
                    payload_len: 0,
                    // RFC 7637 s4.4: nothing may fragment the packet after encapsulation.
                    dont_fragment: true,
                    ttl: OUTER_TTL,
                    protocol: ip_protocol::GRE,
                    source: source.octets(),
                    destination: destination.octets(),
                }
                .emit(ip);
                ip[2..4].fill(0);
                ip[10..12].fill(0);
                path.sum = checksum::fold(checksum::sum(&ip[2..20])).to_be();
                true
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                Ipv6Repr {
                    traffic_class: 0,
                    flow_label: 0,
                    payload_len: 0,
                    next_header: ip_protocol::GRE,
                    hop_limit: OUTER_TTL,
                    source: source.octets(),
                    destination: destination.octets(),
                }
                .emit(ip);
                true
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        };
        Nvgre::emit(&mut ip[ip_len..], VirtualSubnetId::MIN, FlowId(0));
        let tag = if host.vlan.is_some() { 4 } else { 0 };
        path.len = (14 + tag + ip_len + Nvgre::LEN) as u8;
        path.resolved = same_family && next_hop.is_some();
        path.short = path.resolved && path.len() == Self::V4;
        path
    }

    /// Whether frames can be sent this way.
    #[inline(always)]
    pub(crate) const fn is_resolved(&self) -> bool {
        self.resolved
    }

    /// Whether [`Path::write_v4`] writes its headers, and frames can be sent this way.
    #[inline(always)]
    pub(crate) const fn is_short(&self) -> bool {
        self.short
    }

    /// Whether it was made for two addresses, and is not a place that nobody set.
    pub(crate) const fn is_set(&self) -> bool {
        self.len > 0
    }

    /// Bytes in front of the inner frame.
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// The MAC of the next hop.
    pub(crate) fn next_hop(&self) -> MacAddress {
        let [a, b, c, d, e, f, ..] = self.bytes;
        MacAddress::new([a, b, c, d, e, f])
    }

    /// Encapsulates: moves the start of the frame and writes the headers. `tos` is DSCP and ECN of
    /// the inner packet, 0 if it has none: copied out (RFC 2983 and RFC 6040 s4.1). The caller has
    /// checked the MTU, and [`nvgre_wire::HEADROOM`] is more than any of these headers; a frame
    /// whose headroom was used up otherwise is left as it is and `false` is returned.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        frame: &mut FrameBuf<'_>,
        virtual_subnet: VirtualSubnetId,
        flow_id: FlowId,
        tos: u8,
    ) -> bool {
        let key = NvgreKey::new(virtual_subnet, flow_id).0.to_be_bytes();
        let payload_len = Nvgre::LEN + frame.len();
        if self.len as usize != Self::V4 {
            return self.write_other(frame, key, flow_id, tos, payload_len as u16);
        }
        let inner_len = frame.len();
        let Some(front) = frame.front::<{ Self::V4 }, 0>() else {
            return false;
        };
        self.write_v4(front.free, key, [0x45, tos], inner_len);
        front.claim();
        true
    }

    /// Writes untagged headers over IPv4 in front of a frame, with these two first bytes of the IPv4
    /// header. The length fits: the caller has checked the MTU.
    #[inline(always)]
    pub(crate) fn write_v4(
        &self,
        front: &mut [u8; Self::V4],
        key: [u8; 4],
        version_and_tos: [u8; 2],
        inner_len: usize,
    ) {
        if let Some(bytes) = self.bytes.first_chunk() {
            *front = *bytes;
        }
        let payload_len = Nvgre::LEN + inner_len;
        let (total, check) = self.length_and_checksum(version_and_tos, payload_len as u16);
        front[14..16].copy_from_slice(&version_and_tos);
        front[16..18].copy_from_slice(&total);
        front[24..26].copy_from_slice(&check);
        front[38..].copy_from_slice(&key);
    }

    #[inline(never)]
    fn write_other(
        &self,
        frame: &mut FrameBuf<'_>,
        key: [u8; 4],
        flow_id: FlowId,
        tos: u8,
        payload_len: u16,
    ) -> bool {
        let len = self.len();
        let Ok(out) = frame.push_front(len) else {
            return false;
        };
        out.copy_from_slice(&self.bytes[..len]);
        out[len - 4..].copy_from_slice(&key);
        let is_v4 = len - Self::V4 <= 4;
        if is_v4 {
            let ip = &mut out[len - Nvgre::LEN - 20..];
            let (total, check) = self.length_and_checksum([0x45, tos], payload_len);
            ip[1] = tos;
            ip[2..4].copy_from_slice(&total);
            ip[10..12].copy_from_slice(&check);
        } else {
            let ip = &mut out[len - Nvgre::LEN - 40..];
            ip[0] |= tos >> 4;
            ip[1] = tos << 4;
            // RFC 6438: the label gives routers the entropy that the FlowID holds.
            ip[3] = flow_id.0;
            ip[4..6].copy_from_slice(&payload_len.to_be_bytes());
        }
        true
    }

    /// Total length and header checksum of an IPv4 packet with this payload.
    #[inline(always)]
    fn length_and_checksum(
        &self,
        version_and_tos: [u8; 2],
        payload_len: u16,
    ) -> ([u8; 2], [u8; 2]) {
        let total = payload_len.wrapping_add(20).to_be_bytes();
        // In the order of bytes that the processor has: a sum of ones is one in either (RFC 1071).
        let word = |bytes| u32::from(u16::from_ne_bytes(bytes));
        let sum = u32::from(self.sum) + word(version_and_tos) + word(total);
        (total, (!checksum::fold32(sum)).to_ne_bytes())
    }
}

impl Default for Path {
    /// A way that leads nowhere.
    fn default() -> Self {
        Self {
            sum: 0,
            len: 0,
            resolved: false,
            short: false,
            bytes: [0; Self::LONGEST],
        }
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
