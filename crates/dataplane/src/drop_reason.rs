//! Why a frame went nowhere: one closed list, from which names, counters and `nvgre codes` follow.

use core::fmt;

macro_rules! drop_reasons {
    ($($variant:ident $name:literal $sentence:literal $cause:literal $fix:literal $source:literal;)+) => {
        /// Why a frame was not delivered. Closed and fieldless: detail goes to the trace. Two causes
        /// that need different repairs are two reasons. A new one is a breaking change on purpose:
        /// the compiler shows every place that has to care.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum DropReason {
            $(#[doc = $sentence] $variant,)+
        }

        impl DropReason {
            /// Every reason, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that commands and reports print.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What happened, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// What is usually behind it.
            pub const fn usual_cause(self) -> &'static str {
                match self { $(Self::$variant => $cause,)+ }
            }

            /// What usually mends it.
            pub const fn usual_fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)+ }
            }

            /// Where the rule comes from: an RFC section, a cmdlet, or a decision of ours.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$variant => $source,)+ }
            }
        }
    };
}

drop_reasons! {
    PortDisconnected "port_disconnected"
        "The port does not exist or its adapter is not connected to the switch."
        "The adapter was disconnected, or the guest moved to a host that has no switch of that name."
        "Connect-VMNetworkAdapter on the host where the guest runs now."
        "Hyper-V port state";
    SpoofedMac "spoofed_mac"
        "The source MAC is not the adapter's, and the port may not spoof."
        "A guest bridges or uses NIC teaming, or forges its address."
        "Set-VMNetworkAdapter -MacAddressSpoofing On, if the guest is meant to do this."
        "Set-VMNetworkAdapter -MacAddressSpoofing";
    InnerSourceGroup "inner_source_group"
        "The source MAC of the guest's frame is a group address."
        "A broken or hostile network stack; no station has a group address."
        "Mend the guest."
        "IEEE 802.3 s3.2.3";
    ProviderAddressSpoofed "provider_address_spoofed"
        "A pass-through port sent from a provider address of this network, or GRE to one."
        "A guest without virtual subnet has a provider address configured, or forges tunnel packets."
        "Give the guest another address; give its port a virtual subnet."
        "decided here: pass-through ports share the wire with the tunnels";
    InnerShort "inner_short"
        "The guest's frame is shorter than an Ethernet header, or ends within a VLAN tag."
        "A damaged frame, or a capture that kept too few bytes."
        "Capture with a larger snap length."
        "RFC 7637 s3.2";
    VlanNotAllowed "vlan_not_allowed"
        "The guest sent a VLAN tag that its port does not take."
        "The guest tags frames on an access or untagged port."
        "Remove the VLAN from the guest's adapter, or Set-VMNetworkAdapterVlan on the port."
        "Set-VMNetworkAdapterVlan";
    AclDenied "acl_denied"
        "A port ACL denies the frame."
        "Add-VMNetworkAdapterAcl -Action Deny matches the other side."
        "Get-VMNetworkAdapterAcl, then Remove-VMNetworkAdapterAcl or a longer prefix with Allow."
        "Add-VMNetworkAdapterAcl";
    DhcpGuard "dhcp_guard"
        "The guest acts as a DHCP server and its port forbids it."
        "A DHCP server runs in the guest."
        "Set-VMNetworkAdapter -DhcpGuard Off, if the guest is the DHCP server."
        "Set-VMNetworkAdapter -DhcpGuard";
    RouterGuard "router_guard"
        "The guest sends router advertisements or redirects and its port forbids it."
        "A router runs in the guest."
        "Set-VMNetworkAdapter -RouterGuard Off, if the guest is the router."
        "Set-VMNetworkAdapter -RouterGuard";
    RateExceeded "rate_exceeded"
        "The guest sends more than its port's maximum bandwidth."
        "MaximumBandwidth is below what the guest offers."
        "Set-VMNetworkAdapter -MaximumBandwidth."
        "Set-VMNetworkAdapter -MaximumBandwidth";
    StormLimit "storm_limit"
        "The guest sent more broadcast, multicast or unknown unicast in a second than its port allows."
        "A loop or a scan in the guest."
        "Find the storm; Set-VMNetworkAdapter -StormLimit if the limit is too low."
        "Set-VMNetworkAdapter -StormLimit";
    WnvUnbound "wnv_unbound"
        "The frame would have to leave the host, and network virtualization is not bound to the NIC."
        "ms_netwnv is disabled on this host: virtual subnets work within one switch only."
        "Enable-NetAdapterBinding -ComponentID ms_netwnv, then provider addresses, routes and records."
        "Enable-NetAdapterBinding";
    NoSourceRecord "no_source_record"
        "No lookup record names the sender (VSID, customer address, MAC) with a provider address of this host."
        "The sender's record is missing, has another MAC, or still points to the host it ran on before; or the guest took an address that is not its own."
        "New- or Set-NetVirtualizationLookupRecord for the sender on this host."
        "decided here: the customer address is checked when a frame leaves the host";
    NoLookupRecord "no_lookup_record"
        "The subnet has no lookup record for the destination."
        "The record was never made on this host, or was removed."
        "New-NetVirtualizationLookupRecord for the destination on this host."
        "New-NetVirtualizationLookupRecord; unknown unicast is never flooded, which would hide the fault";
    NoCustomerRoute "no_customer_route"
        "No customer route of the routing domain covers the destination, and the subnet has no gateway."
        "The route to that prefix is missing on this host."
        "New-NetVirtualizationCustomerRoute with the same RoutingDomainID."
        "New-NetVirtualizationCustomerRoute";
    NotRoutable "not_routable"
        "The packet for the built-in router is from or to an address that means nothing beyond its link."
        "The guest has no address yet, or only a link-local one (169.254.0.0/16, fe80::/10)."
        "Give the guest an address of its subnet."
        "RFC 1812 s5.3.7, RFC 4291 s2.5.6";
    NoRoutingDomain "no_routing_domain"
        "The subnet has no customer route, so it belongs to no routing domain and may not leave the host."
        "Customer routes were not made on this host, or were lost when the binding was switched."
        "New-NetVirtualizationCustomerRoute for the subnet's own prefix, next hop 0.0.0.0."
        "New-NetVirtualizationCustomerRoute: only routes tie a subnet to a routing domain";
    TtlExceeded "ttl_exceeded"
        "The packet arrived at the built-in router with a TTL or hop limit of 1 or less."
        "A routing loop through a gateway, or a traceroute."
        "None, for a traceroute; else look for routes that point at each other."
        "RFC 1812 s5.3.1, RFC 8200 s3";
    TooBig "too_big"
        "The frame does not fit the underlay's MTU; the sender was told where that is allowed."
        "The guest's MTU is the underlay's: encapsulation needs 42 bytes (62 over IPv6)."
        "Lower the guest's MTU to 1458 (1438), or raise the underlay's."
        "RFC 7637 s4.4, RFC 1191, RFC 8201";
    TooBigDfClear "too_big_df_clear"
        "The IPv4 packet does not fit the underlay's MTU; it allows fragments, which are never made here."
        "As for too_big, with a sender that does not discover the path MTU."
        "Lower the guest's MTU, or raise the underlay's."
        "RFC 7637 s4.4: an endpoint never fragments";
    TranslationNone "translation_none"
        "The destination is on another host and its record's rule is TranslationMethodNone."
        "The record was made for local delivery and the guest moved."
        "Set-NetVirtualizationLookupRecord -Rule TranslationMethodEncap."
        "decided here: Windows leaves TranslationMethodNone open";
    NatNoSource "nat_no_source"
        "The destination is reached by rewriting, and the sender has no NAT record of its own."
        "Rules are mixed within a routing domain: one record Nat, the other Encap."
        "Give both records the same rule."
        "IP rewrite needs a provider address per customer address on both sides";
    NatFamilyMismatch "nat_family_mismatch"
        "Customer and provider addresses of a rewrite are of different families."
        "An IPv6 customer address has an IPv4 provider address with rule Nat, or the reverse."
        "Use TranslationMethodEncap, which mixes families freely."
        "IP rewrite does not translate protocols";
    NatNotIp "nat_not_ip"
        "The frame is not IP, so there is nothing to rewrite."
        "A non-IP protocol to a guest behind a NAT record."
        "Use TranslationMethodEncap, which carries any frame."
        "IP rewrite is for IP only";
    NatUnsupported "nat_unsupported"
        "The packet carries addresses that a rewrite cannot reach."
        "AH, source routes, a routing header, neighbor discovery, or an error that quotes a stranger's packet."
        "Use TranslationMethodEncap."
        "RFC 3022 s4, RFC 4302, RFC 8200 s8.1";
    FragTooSmall "frag_too_small"
        "The first fragment ends before the transport checksum that a rewrite must update."
        "Tiny fragments, usually made to pass filters."
        "Mend the sender, or use TranslationMethodEncap."
        "RFC 3022 s4.6; RFC 1858";
    NextHopUnresolved "next_hop_unresolved"
        "No provider route leads to the destination's provider address, or its next hop has no known MAC."
        "The provider address is in another subnet and the provider route is missing."
        "New-NetVirtualizationProviderRoute on this host."
        "New-NetVirtualizationProviderRoute";
    UnderlayNoOwner "underlay_no_owner"
        "No host owns the destination provider address."
        "The record's provider address is wrong, or that host is gone."
        "Set-NetVirtualizationLookupRecord -ProviderAddress to the host where the guest runs, on every host."
        "New-NetVirtualizationProviderAddress";
    UnderlayMtu "underlay_mtu"
        "A link of the underlay carries less than the packet."
        "Links have different MTUs, and the hosts were told the largest."
        "Use the smallest MTU of the path on the hosts, or raise the link's."
        "RFC 7637 s4.4";
    UnderlayLoss "underlay_loss"
        "The packet was lost on its way between two hosts."
        "The scenario says that the underlay loses packets (loss_per_million)."
        "Set loss_per_million to 0; on a real network, look for congestion and bad links."
        "decided here: loss that the scenario asks for";
    UnderlaySource "underlay_source"
        "The source is a provider address that the sending host does not own, and the underlay filters those."
        "Two hosts have one provider address; or a pass-through guest forges one."
        "Give each host provider addresses of its own."
        "BCP 38 (RFC 2827); isolation is claimed for underlays that do this";
    NotNvgre "not_nvgre"
        "The frame carries no GRE in its outermost IP packet."
        "Other traffic of the provider network."
        "None: only the tools that decapsulate everything report this."
        "RFC 7637 s3.2";
    OuterLength "outer_length"
        "The lengths of the outer headers do not fit the frame."
        "A capture that kept too few bytes (snap length), or a damaged packet."
        "Capture with a larger snap length."
        "RFC 791 s3.1, RFC 8200 s3";
    OuterChecksum "outer_checksum"
        "The checksum of the outer IPv4 header is wrong."
        "A damaged packet, or a capture taken before the NIC filled the checksum in."
        "Switch checksum offload off where you capture."
        "RFC 1122 s3.2.1.2";
    OuterFragment "outer_fragment"
        "The outer packet is a fragment."
        "The sender's underlay MTU is larger than the path's and its tunnel fragments."
        "Make the MTUs agree. An NVGRE endpoint never fragments and this one never reassembles."
        "RFC 7637 s4.4";
    OuterVlan "outer_vlan"
        "The outer VLAN tag is not the provider address's VlanID."
        "The physical port's VLAN and New-NetVirtualizationProviderAddress -VlanID disagree."
        "Set-NetVirtualizationProviderAddress -VlanID."
        "New-NetVirtualizationProviderAddress -VlanID";
    OuterNotOurs "outer_not_ours"
        "The outer packet is not for this host, or not yet for its last destination."
        "A neighbor entry or a multicast group that leads to the wrong host; or an outer routing header."
        "Look at the underlay's tables."
        "RFC 1122 s3.2.1.3, RFC 5095";
    GreShort "gre_short"
        "Fewer than 8 bytes of GRE header."
        "A keepalive or a damaged packet."
        "None, if it is another tunnel's."
        "RFC 7637 s3.2";
    GreVersion "gre_version"
        "The GRE version is not 0."
        "PPTP (RFC 2637) between provider addresses."
        "None, if it is another tunnel's."
        "RFC 2784 s2.3.1";
    GreChecksumBit "gre_checksum_bit"
        "The GRE checksum bit is set."
        "The peer is a GRE tunnel with checksums, not an NVGRE endpoint."
        "Switch checksums off at the peer (Linux: nocsum)."
        "RFC 7637 s3.2";
    GreRoutingBit "gre_routing_bit"
        "A GRE bit of RFC 1701 is set: routing, strict source route or recursion control."
        "The peer speaks the GRE of 1994."
        "Mend the peer."
        "RFC 2784 s2.3 with RFC 2890";
    GreSequenceBit "gre_sequence_bit"
        "The GRE sequence bit is set."
        "The peer is a GRE tunnel with sequence numbers, or ERSPAN."
        "Switch sequence numbers off at the peer (Linux: noseq)."
        "RFC 7637 s3.2";
    GreReservedBits "gre_reserved_bits"
        "A reserved GRE bit (6 to 12) is set and this endpoint is strict."
        "A peer from the future, or a damaged packet."
        "Switch strict_gre_reserved_bits off: RFC 2784 wants them ignored."
        "RFC 2784 s2.3";
    GreKeyAbsent "gre_key_absent"
        "The GRE header has no key."
        "The peer is a plain GRE tunnel."
        "Give the peer's tunnel a key: the virtual subnet id times 256."
        "RFC 7637 s3.2";
    GreProtocol "gre_protocol"
        "The GRE protocol type is not 0x6558."
        "The peer tunnels IP, not Ethernet."
        "Make the peer bridge Ethernet (Linux: gretap instead of gre)."
        "RFC 7637 s3.2";
    ReservedVsid "reserved_vsid"
        "The key holds a reserved virtual subnet id: 0 to 4095 or 16777215."
        "The peer puts its id into the wrong bits of the key, or uses a reserved one."
        "The key is the virtual subnet id times 256, plus the FlowID."
        "RFC 7637 s3.4";
    UnknownVsid "unknown_vsid"
        "No customer route of this host knows the key's virtual subnet."
        "The sender has policy for a subnet that this host was never told about."
        "New-NetVirtualizationCustomerRoute here, or correct the sender's records."
        "RFC 7637 s3.4";
    UnknownPeer "unknown_peer"
        "The source provider address belongs to no record of the subnet's routing domain."
        "The sender's records are missing on this host, or it sends from another address than they say."
        "New-NetVirtualizationLookupRecord for the sender's guests on this host."
        "RFC 7676 s4.2: check source, destination and subnet before delivery";
    PeerNotSource "peer_not_source"
        "The sender's customer address has a record, and its provider address is not the packet's source."
        "The guest moved and this host was not told; or a host forges another one's guest."
        "Set-NetVirtualizationLookupRecord -ProviderAddress for the sender on this host."
        "RFC 7676 s4.2";
    InnerVlan "inner_vlan"
        "The frame inside has a VLAN tag."
        "The peer does not remove tags before encapsulating (Linux gretap does not)."
        "Remove the tag before the tunnel."
        "RFC 7637 s3.3";
    EcnCeOnNotEct "ecn_ce_on_not_ect"
        "The underlay marked congestion on a packet whose sender does not understand the mark."
        "A router marks instead of dropping; the encapsulator set an ECN-capable outer header by itself."
        "Let the encapsulator copy the inner ECN field."
        "RFC 6040 s4.2";
    NatUnknownPa "nat_unknown_pa"
        "The source of a rewritten packet is the provider address of no NAT record."
        "The sender's NAT record is missing on this host, or a stranger sends to the guest's provider address."
        "New-NetVirtualizationLookupRecord for the sender on this host."
        "IP rewrite: the provider address alone tells the tenant";
    NoPort "no_port"
        "No connected port of this host has that subnet and MAC."
        "The record points to a host where the guest does not run, its MAC is wrong, or the port has another subnet."
        "Set-NetVirtualizationLookupRecord -ProviderAddress, or make the record's MAC and the port's VirtualSubnetId agree."
        "Set-VMNetworkAdapter -VirtualSubnetId";
}

impl DropReason {
    /// How many there are: the length of a counter array.
    pub const COUNT: usize = Self::ALL.len();

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.name() == name)
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
