//! Port ACLs (Add-VMNetworkAdapterAcl).

use nvgre_wire::{CustomerAddress, CustomerPrefix, MacAddress};

/// Allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclAction {
    /// Let it pass.
    Allow,
    /// Drop it `acl_denied`.
    Deny,
}

/// Seen from the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclDirection {
    /// To the guest: local is the destination, remote the source.
    Inbound,
    /// From the guest: local is the source, remote the destination.
    Outbound,
}

/// What the remote side of a frame is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclRemote {
    /// A MAC address.
    Mac(MacAddress),
    /// A prefix of customer addresses; 0.0.0.0/0 and ::/0 cover a family.
    Prefix(CustomerPrefix),
}

/// One entry. `-Direction Both` is two entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Allow or deny.
    pub action: AclAction,
    /// Which frames it is asked about.
    pub direction: AclDirection,
    /// The other side.
    pub remote: AclRemote,
}

/// Whether the entries of one direction let a frame pass.
///
/// The longest prefix decides, whatever the order; Deny wins between equal lengths, a MAC that is
/// denied is denied before any prefix is asked, and what no entry matches passes (Windows documents
/// the first and the last; the other two are ours).
pub(crate) fn allows(
    acls: &[Acl],
    direction: AclDirection,
    mac: MacAddress,
    address: Option<CustomerAddress>,
) -> bool {
    let mut best: Option<(u8, AclAction)> = None;
    for acl in acls.iter().filter(|acl| acl.direction == direction) {
        match acl.remote {
            AclRemote::Mac(remote) if remote == mac && acl.action == AclAction::Deny => {
                return false;
            }
            AclRemote::Mac(_) => {}
            AclRemote::Prefix(prefix) if address.is_some_and(|a| prefix.contains(a)) => {
                let longer = best.is_none_or(|(length, _)| prefix.length() > length);
                let denies_tie = best.is_some_and(|(length, _)| prefix.length() == length)
                    && acl.action == AclAction::Deny;
                if longer || denies_tie {
                    best = Some((prefix.length(), acl.action));
                }
            }
            AclRemote::Prefix(_) => {}
        }
    }
    best.is_none_or(|(_, action)| action == AclAction::Allow)
}
