//! Who sent a frame, and whether it may arrive: from the inventory alone.

mod common;

use common::{host_mac, mac, nvgre, udp};
use nvgre_sim::{InventoryGuest, Judgement, Oracle, Sender};
use nvgre_wire::{MacAddress, ProviderAddress, VirtualSubnetId};

fn vsid(value: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(value).expect("in range")
}

fn guest(tenant: usize, host: usize, last: u8, subnet: u32) -> InventoryGuest {
    InventoryGuest {
        tenant,
        host,
        mac: mac(last),
        virtual_subnets: vec![vsid(subnet)],
    }
}

/// Red 5 and Blue 5 on host 0 have one MAC; Red 7 is alone with its MAC on host 1.
fn oracle() -> Oracle {
    Oracle::new(vec![
        guest(0, 0, 5, 6001),
        guest(1, 0, 5, 5001),
        guest(0, 1, 7, 6001),
    ])
}

fn owner(address: ProviderAddress) -> Option<usize> {
    match address.to_string().as_str() {
        "192.0.2.1" => Some(0),
        "192.0.2.2" => Some(1),
        _ => None,
    }
}

#[test]
fn a_frame_at_an_uplink_is_of_the_guest_with_its_inner_source_mac_on_the_host_that_owns_its_outer_source()
 {
    let frame = nvgre(2, 1, 6001, &udp(7, 5));
    assert_eq!(oracle().sender_at_uplink(&frame, owner), Sender::Guest(2));
    let other_key = nvgre(2, 1, 5001, &udp(7, 5));
    assert_eq!(
        oracle().sender_at_uplink(&other_key, owner),
        Sender::Guest(2),
        "one guest fits, whatever the key says"
    );
}

#[test]
fn of_several_it_is_the_one_whose_inventory_subnet_is_the_key() {
    let sender = |key| oracle().sender_at_uplink(&nvgre(1, 2, key, &udp(5, 7)), owner);
    assert_eq!(sender(6001), Sender::Guest(0));
    assert_eq!(sender(5001), Sender::Guest(1));
    assert_eq!(sender(7001), Sender::Unknown);
}

#[test]
fn a_sender_that_nobody_in_the_inventory_fits_is_unknown() {
    let foreign_mac = nvgre(1, 2, 6001, &udp(7, 5));
    let nobodys_address = nvgre(9, 2, 6001, &udp(5, 7));
    let no_ip = {
        let mut frame = vec![0xff; 60];
        frame[12..14].copy_from_slice(&[0x88, 0xcc]);
        frame
    };
    let cut = &nvgre(1, 2, 6001, &udp(5, 7))[..45];
    for frame in [&foreign_mac[..], &nobodys_address, &no_ip, cut, &[]] {
        assert_eq!(oracle().sender_at_uplink(frame, owner), Sender::Unknown);
    }
}

/// With UseVmMACAddress a rewritten packet shows its guest, otherwise it shows its host.
#[test]
fn a_rewritten_packet_is_judged_by_the_mac_in_front() {
    let packet = |source: MacAddress| {
        let mut frame = udp(5, 7);
        frame[6..12].copy_from_slice(&source.octets());
        frame[26..30].copy_from_slice(&[192, 0, 2, 2]);
        frame
    };
    assert_eq!(
        oracle().sender_at_uplink(&packet(mac(7)), owner),
        Sender::Guest(2)
    );
    assert_eq!(
        oracle().sender_at_uplink(&packet(host_mac(2)), owner),
        Sender::Unknown
    );
}

#[test]
fn deliveries_are_judged_by_tenant_and_counted() {
    let mut oracle = oracle();
    assert_eq!(oracle.delivered(Sender::Guest(0), 2), Judgement::SameTenant);
    assert_eq!(
        oracle.delivered(Sender::Guest(1), 2),
        Judgement::CrossTenant
    );
    assert_eq!(
        oracle.delivered(Sender::Unknown, 2),
        Judgement::SenderUnknown
    );
    let counts = oracle.counts();
    assert_eq!(
        (
            counts.same_tenant,
            counts.cross_tenant,
            counts.sender_unknown
        ),
        (1, 1, 1)
    );
}

#[test]
fn a_guest_that_moved_is_looked_for_on_its_new_host() {
    let mut oracle = oracle();
    oracle.moved(2, 0);
    let from_old = nvgre(2, 1, 6001, &udp(7, 5));
    let from_new = nvgre(1, 2, 6001, &udp(7, 5));
    assert_eq!(oracle.sender_at_uplink(&from_old, owner), Sender::Unknown);
    assert_eq!(oracle.sender_at_uplink(&from_new, owner), Sender::Guest(2));
}
