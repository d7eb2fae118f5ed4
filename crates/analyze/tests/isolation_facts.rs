//! Facts that are added and taken one by one come to what the same facts come to at once.

use std::sync::Arc;

use nvgre_analyze::{Breach, Fact, Ground, Holdings, IsolationFacts, PolicyPart};
use nvgre_dataplane::{CustomerRoute, RouteId};
use nvgre_wire::{
    CustomerAddress, CustomerPrefix, ProviderAddress, RoutingDomainId, VirtualSubnetId,
};
use proptest::prelude::*;

fn vsid(index: u32) -> VirtualSubnetId {
    VirtualSubnetId::try_new(5_000 + index).expect("in range")
}

fn facts() -> impl Strategy<Value = Fact> {
    let ground = prop_oneof![
        4 => (0..4u32).prop_map(|index| Ground::Subnet(vsid(index))),
        1 => (0..2usize).prop_map(Ground::Switch),
        1 => Just(Ground::Wire(None)),
    ];
    let port = (ground, 0..3usize).prop_map(|(ground, tenant)| Fact::Port { ground, tenant });
    let route = (0..4u32, 0..3u128).prop_map(|(index, domain)| Fact::Route {
        virtual_subnet: vsid(index),
        routing_domain: RoutingDomainId::new(domain),
    });
    let record =
        (0..3u8, 0..4u32, any::<bool>()).prop_map(|(last, index, rewrites)| Fact::Record {
            provider_address: ProviderAddress::v4([192, 0, 2, last]),
            virtual_subnet: vsid(index),
            rewrites,
        });
    prop_oneof![port, route, record]
}

fn held(facts: &[Fact]) -> IsolationFacts {
    let mut held = IsolationFacts::default();
    facts.iter().for_each(|&fact| held.add(fact, 1));
    held
}

fn breaches(facts: &IsolationFacts) -> Vec<Breach> {
    facts.breaches().collect()
}

proptest! {
    #[test]
    fn what_is_taken_again_was_never_there(
        stays in prop::collection::vec(facts(), 0..12),
        goes in prop::collection::vec(facts(), 0..12),
        order in prop::collection::vec(any::<bool>(), 24),
    ) {
        let mut edited = IsolationFacts::default();
        let (mut kept, mut gone) = (stays.iter(), goes.iter());
        for first in order {
            let next = if first { kept.next() } else { gone.next() };
            if let Some(&fact) = next {
                edited.add(fact, 1);
            }
        }
        kept.chain(gone).for_each(|&fact| edited.add(fact, 1));
        for &fact in &goes {
            edited.take(fact, 1);
        }
        prop_assert_eq!(breaches(&edited), breaches(&held(&stays)));
        prop_assert_eq!(edited.mixed_subnets(), held(&stays).mixed_subnets());
    }

    #[test]
    fn hosts_that_share_rows_by_reference_hold_what_each_of_them_would(
        domains in prop::collection::vec((0..4u32, 0..3u128), 1..6),
        hosts in 1..4usize,
    ) {
        let routes: Vec<_> = domains.iter().enumerate().map(|(id, &(index, domain))| CustomerRoute {
            id: RouteId(id as u32),
            routing_domain: RoutingDomainId::new(domain),
            virtual_subnet: vsid(index),
            destination: CustomerPrefix::new(CustomerAddress::v4([10, 0, index as u8, 0]), 24)
                .expect("a prefix"),
            next_hop: CustomerAddress::v4([0; 4]),
            metric: 255,
        }).collect();
        let part = Arc::new(PolicyPart { records: Vec::new(), routes: routes.clone() });
        let holdings = vec![Holdings { ports: Vec::new(), parts: vec![part] }; hosts];
        let mut shared = IsolationFacts::of(&holdings);
        let alone: Vec<_> = routes.iter().map(Fact::of_route).collect();
        prop_assert_eq!(breaches(&shared), breaches(&held(&alone)));
        // One host after the other gives its rows up: the last one's are the last to go.
        for _ in 1..hosts {
            alone.iter().for_each(|&fact| shared.take(fact, 1));
        }
        prop_assert_eq!(breaches(&shared), breaches(&held(&alone)));
        alone.iter().for_each(|&fact| shared.take(fact, 1));
        prop_assert_eq!(breaches(&shared), []);
    }
}

/// A rewritten address between two subnets that are in no common domain joins their frames.
#[test]
fn subnets_mix_over_several_steps() {
    let (red, between, blue) = (vsid(0), vsid(1), vsid(2));
    let domain = RoutingDomainId::new(1);
    let address = ProviderAddress::v4([192, 0, 2, 1]);
    let facts = held(&[
        Fact::Port {
            ground: Ground::Subnet(red),
            tenant: 0,
        },
        Fact::Port {
            ground: Ground::Subnet(blue),
            tenant: 1,
        },
        Fact::Route {
            virtual_subnet: red,
            routing_domain: domain,
        },
        Fact::Route {
            virtual_subnet: between,
            routing_domain: domain,
        },
        Fact::Record {
            provider_address: address,
            virtual_subnet: between,
            rewrites: true,
        },
        Fact::Record {
            provider_address: address,
            virtual_subnet: blue,
            rewrites: false,
        },
    ]);
    assert_eq!(breaches(&facts), [Breach::SharedProviderAddress(address)]);
    assert_eq!(facts.mixed_subnets(), [[red, between, blue]]);
}
