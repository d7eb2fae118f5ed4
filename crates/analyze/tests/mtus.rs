//! The largest packets between guests on hosts whose links differ.

use std::io;

use nvgre_analyze::{ReachPair, SafeMtu, ask_mtus, ask_reach};
use nvgre_dataplane::DropReason;
use nvgre_sim::{Model, Scenario};

const DOMAIN: &str = "{5d2f6a10-0000-4000-8000-000000005001}";

/// Guest, its host, last byte of its MAC and address.
const GUESTS: [(&str, usize, u8); 5] = [
    ("a", 1, 1),
    ("b", 1, 2),
    ("c", 2, 3),
    ("d", 3, 4),
    ("e", 4, 5),
];

/// MTUs of the hosts' links. NVGRE takes 42 bytes more than the guest's packet: Ethernet 14, IP 20, GRE 8.
const LINKS: [usize; 4] = [9_000, 1_542, 1_600, 1_600];

fn model() -> Model {
    let mut text = format!(
        "name = \"links\"\n[underlay]\nmtu_bytes = 9000\n[[tenant]]\nname = \"Blue\"\n\
         routing_domain = \"{DOMAIN}\"\nvirtual_subnets = [5001]\n"
    );
    for (host, mtu) in (1..).zip(LINKS) {
        text += &format!(
            "[[host]]\nname = \"host{host}\"\nswitch = \"VMs\"\ninterface_index = 2\n\
             interface_description = \"NIC\"\nmac = \"0200C000020{host}\"\nlink_mtu_bytes = {mtu}\n\
             policy = [\"{host}\"]\n"
        );
    }
    let mut records = String::new();
    for (name, host, last) in GUESTS {
        text += &format!(
            "[[guest]]\nname = \"{name}\"\ntenant = \"Blue\"\nhost = \"host{host}\"\n\
             mac = \"00155D00000{last}\"\naddresses = [\"10.0.0.{last}/24\"]\nvirtual_subnet = 5001\n"
        );
        records += &format!(
            "New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.{last} -VirtualSubnetID 5001 \
             -MACAddress 00155D00000{last} -ProviderAddress 192.0.2.{host} -Rule TranslationMethodEncap\n"
        );
    }
    let scenario = Scenario::parse("links.toml", &text).expect("no mistakes");
    let read = |host: &str| {
        Ok::<_, io::Error>(format!(
            "Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv\n\
             New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.{host} -InterfaceIndex 2 \
             -PrefixLength 24\n\
             New-NetVirtualizationCustomerRoute -RoutingDomainID \"{DOMAIN}\" -VirtualSubnetID 5001 \
             -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255\n{records}"
        ))
    };
    Model::new(scenario, &read).expect("sound policy")
}

fn all() -> (Model, Vec<ReachPair>) {
    let mut model = model();
    let pairs = ask_reach(&mut model);
    assert_eq!(pairs.len(), GUESTS.len() * (GUESTS.len() - 1));
    assert!(pairs.iter().all(|pair| pair.answered), "{pairs:#?}");
    (model, pairs)
}

#[test]
fn what_arrives_fits_the_narrower_link_of_the_two_less_what_nvgre_takes() {
    let (mut model, pairs) = all();
    for SafeMtu {
        from,
        to,
        largest_bytes,
        dropped_by,
        told,
        ..
    } in ask_mtus(&mut model, &pairs)
    {
        let [here, there] = [from, to].map(|guest| GUESTS[guest].1 - 1);
        let who = (GUESTS[from].0, GUESTS[to].0);
        if here == there {
            assert_eq!((largest_bytes, dropped_by), (None, None), "{who:?}");
            continue;
        }
        let narrower = LINKS[here].min(LINKS[there]);
        assert_eq!(largest_bytes, Some(narrower as u16 - 42), "{who:?}");
        // Hosts know the MTU of the underlay and not that of a link.
        let reason = dropped_by.map(|(_, reason)| reason);
        assert_eq!(
            (reason, told),
            (Some(DropReason::UnderlayMtu), false),
            "{who:?}"
        );
    }
}

#[test]
fn a_pairs_limit_is_its_own_whatever_was_found_for_others() {
    let (mut model, mut pairs) = all();
    let alone: Vec<_> = pairs
        .iter()
        .flat_map(|pair| ask_mtus(&mut model, std::slice::from_ref(pair)))
        .collect();
    assert_eq!(ask_mtus(&mut model, &pairs), alone);
    pairs.reverse();
    let mut reversed = ask_mtus(&mut model, &pairs);
    reversed.reverse();
    assert_eq!(reversed, alone);
}
