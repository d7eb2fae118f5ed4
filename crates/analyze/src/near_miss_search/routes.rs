//! Customer routes that came close.

use nvgre_dataplane::{CustomerRoute, RecordType, RouteId};
use nvgre_wire::{CustomerAddress, CustomerPrefix, RoutingDomainId, VirtualSubnetId};

use super::Search;
use crate::near_miss::{NearMiss, Row};

impl Search<'_> {
    /// The routing domain that a host's routes, else the inventory, give a subnet.
    pub(super) fn domain_of(&self, subnet: VirtualSubnetId) -> Option<RoutingDomainId> {
        let mut routes = self.routes(self.here()).iter();
        let known = routes.find(|route| route.virtual_subnet == subnet);
        let mut tenants = self.model.scenario().tenants.iter();
        let mut inventory = || tenants.find(|tenant| tenant.virtual_subnets.contains(&subnet));
        known
            .map(|route| route.routing_domain)
            .or_else(|| inventory().map(|tenant| tenant.routing_domain))
    }

    /// The first route of a host that fits.
    pub(super) fn route(
        &self,
        host: usize,
        fits: impl Fn(&CustomerRoute) -> bool,
    ) -> Option<RouteId> {
        let mut routes = self.routes(host).iter();
        Some(routes.find(|route| fits(route))?.id)
    }

    /// The first other host's route that fits, where this one has none.
    pub(super) fn route_elsewhere(&mut self, fits: impl Fn(&CustomerRoute) -> bool + Copy) {
        let here = self.here();
        if self.route(here, fits).is_some() {
            return;
        }
        let others = self.hosts().filter(|&host| host != here);
        let found = others.filter_map(|host| Some(Row::Route(host, self.route(host, fits)?)));
        if let Some(row) = found.take(1).next() {
            self.push(NearMiss::OtherHost { here, row });
        }
    }

    pub(super) fn no_route(&mut self) {
        let (Some(subnet), Some(to)) = (self.question.from_subnet, self.question.address) else {
            return;
        };
        let Some(domain) = self.domain_of(subnet) else {
            return;
        };
        let here = self.here();
        let covers = move |route: &CustomerRoute| {
            route.routing_domain == domain && route.destination.contains(to)
        };
        self.route_elsewhere(covers);
        let of_family = self.routes(here).iter().filter(|route| {
            route.routing_domain == domain && route.destination.network().is_ipv4() == to.is_ipv4()
        });
        let closest = of_family.max_by_key(|route| {
            let same = common_bits(route.destination, to);
            (same, std::cmp::Reverse(route.id))
        });
        if let Some(route) = closest {
            let route = Row::Route(here, route.id);
            self.push(NearMiss::OtherPrefix { route, asked: to });
        }
        let wildcard = self.record(here, |record| {
            record.record_type == RecordType::GatewayWildcard
                && record.virtual_subnet != subnet
                && record.customer_address.is_ipv4() == to.is_ipv4()
                && self.domain_of(record.virtual_subnet) == Some(domain)
        });
        if let Some(row) = wildcard {
            let asked = subnet;
            self.push(NearMiss::OtherSubnet { row, asked });
        }
        self.runs();
    }

    /// No route ties a subnet to a routing domain at this host.
    pub(super) fn no_domain(&mut self, subnet: Option<VirtualSubnetId>) {
        let Some(subnet) = subnet else {
            return;
        };
        let here = self.here();
        let of_subnet = move |route: &CustomerRoute| route.virtual_subnet == subnet;
        self.route_elsewhere(of_subnet);
        let domain = self.domain_of(subnet);
        let inner = self.question.inner;
        let covers = |route: &CustomerRoute| {
            let mut addresses = [inner.source, inner.destination].into_iter().flatten();
            addresses.any(|address| route.destination.contains(address))
        };
        let mistyped = self.route(here, |route| {
            Some(route.routing_domain) == domain && route.virtual_subnet != subnet && covers(route)
        });
        if let Some(route) = mistyped {
            let row = Row::Route(here, route);
            self.push(NearMiss::OtherSubnet { row, asked: subnet });
        }
        // The subnet may be wrong where the packet came from: there is a record of the address in one
        // that is known here.
        if let Some(address) = inner.destination {
            self.other_subnets(subnet, |record| record.customer_address == address);
        }
    }
}

/// Bits from the left that a prefix shares with an address of its family, at most its length.
fn common_bits(prefix: CustomerPrefix, address: CustomerAddress) -> u32 {
    let differs = prefix.network().bits() ^ address.bits();
    let width = if address.is_ipv4() { 32 } else { 128 };
    let same = (differs << (128 - width)).leading_zeros();
    same.min(u32::from(prefix.length()))
}
