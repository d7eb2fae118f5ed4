//! Two states of an estate: what is different in their tables, and which guests it matters to.
//!
//! Rows are matched by what tells them apart on a host, never by id or place: a record that was
//! removed and made again alike is no difference. The same change on several hosts is one.

mod behaviour;
mod blame;
mod difference;
mod rows;

use std::collections::BTreeMap;

use nvgre_netwnv::{Adapter, Estate, Host, Place};
use nvgre_sim::Model;

pub use behaviour::{BehaviourDiff, Flip, PairVerdict, diff_behaviour};
pub use difference::{Change, ChangedProperty, Difference, Item, Property};

use crate::cross::says_same;
use crate::diff::rows::Properties;

/// [`diff_estates`] of two models, and guests that were given to another tenant: no table shows that.
pub fn diff_models(old: &Model, new: &Model) -> Vec<Difference> {
    let mut found = diff_estates(old.estate(), new.estate());
    let (before, after) = (old.scenario(), new.scenario());
    for (at, guest) in after.guests.iter().enumerate() {
        let name = guest.port_name();
        let known = before.guests.iter();
        let Some(known) = known
            .into_iter()
            .find(|known| known.port_name().eq_ignore_ascii_case(&name))
        else {
            continue;
        };
        let tenants = (
            &before.tenants[known.tenant].name,
            &after.tenants[guest.tenant].name,
        );
        if tenants.0.eq_ignore_ascii_case(tenants.1) {
            continue;
        }
        found.push(Difference {
            hosts: vec![new.estate().hosts[new.host_of(at)].name.clone()],
            item: Item::Guest(name),
            change: Change::Changed(vec![ChangedProperty {
                name: "tenant",
                old: tenants.0.clone(),
                new: tenants.1.clone(),
            }]),
            old: Vec::new(),
            new: Vec::new(),
        });
    }
    found
}

/// Everything that is different, grouped by hosts.
pub fn diff_estates(old: &Estate, new: &Estate) -> Vec<Difference> {
    let mut diff = Diff::default();
    let in_new = new.hosts.iter();
    let only_old = old
        .hosts
        .iter()
        .filter(|host| new.host(&host.name).is_none());
    let nothing = Host::new("");
    for (at, host) in in_new.chain(only_old).enumerate() {
        let before = old.host(&host.name);
        let after = new.host(&host.name);
        diff.host = (at, host.name.clone());
        match (before, after) {
            (None, Some(_)) => _ = diff.tell(Item::Host, Change::Added(Vec::new()), None, None),
            (Some(_), None) => _ = diff.tell(Item::Host, Change::Removed(Vec::new()), None, None),
            (Some(_), Some(_)) | (None, None) => {}
        }
        diff.tables(before.unwrap_or(&nothing), after.unwrap_or(&nothing));
        if let (Some(before), Some(after)) = (before, after)
            && before.use_external_router != after.use_external_router
        {
            let (before, after) = (
                rows::global_properties(before),
                rows::global_properties(after),
            );
            diff.changed(Item::Global, before, after, (None, None));
        }
    }
    diff.adapters(old, new);
    diff.finish()
}

#[derive(Default)]
struct Diff {
    /// The host that is compared: its place among the listed ones, its name.
    host: (usize, String),
    found: BTreeMap<(Item, Change), Found>,
}

/// Hosts and where each one's states are written.
#[derive(Default)]
struct Found {
    hosts: Vec<(usize, String)>,
    old: Vec<Place>,
    new: Vec<Place>,
}

impl Diff {
    fn tables(&mut self, old: &Host, new: &Host) {
        self.rows(
            (&old.nics, &new.nics),
            rows::nic_item,
            |a, b| a == b,
            rows::nic_properties,
            |_| None,
        );
        self.rows(
            (&old.provider_addresses, &new.provider_addresses),
            rows::address_item,
            |a, b| a.address == b.address,
            rows::address_properties,
            |entry| Some(&entry.place),
        );
        self.rows(
            (&old.provider_routes, &new.provider_routes),
            rows::provider_route_item,
            |a, b| a.route == b.route,
            rows::provider_route_properties,
            |entry| Some(&entry.place),
        );
        self.rows(
            (&old.customer_routes, &new.customer_routes),
            rows::route_item,
            |a, b| a.route.metric == b.route.metric,
            rows::route_properties,
            |entry| Some(&entry.place),
        );
        self.rows(
            (&old.records, &new.records),
            rows::record_item,
            |a, b| says_same(&a.record, &b.record) && a.labels == b.labels,
            rows::record_properties,
            |entry| Some(&entry.place),
        );
    }

    /// Rows of one table. Both sides are put into the order of their items and gone through at once.
    fn rows<T>(
        &mut self,
        (old, new): (&[T], &[T]),
        item: impl Fn(&T) -> Item,
        is_same: impl Fn(&T, &T) -> bool,
        properties: impl Fn(&T) -> Properties,
        place: impl Fn(&T) -> Option<&Place>,
    ) {
        // As written, tables of two states are mostly in the same order: those rows need no sorting.
        let alike = old.iter().zip(new);
        let alike = alike
            .take_while(|(a, b)| is_same(a, b) && item(a) == item(b))
            .count();
        let sorted = |rows: &[T]| {
            let mut items: Vec<_> = rows
                .iter()
                .enumerate()
                .map(|(at, row)| (item(row), at))
                .collect();
            items.sort_unstable();
            items
        };
        let (rest_old, rest_new) = (&old[alike..], &new[alike..]);
        let mut olds = sorted(rest_old).into_iter().peekable();
        let mut news = sorted(rest_new).into_iter().peekable();
        loop {
            let order = match (olds.peek(), news.peek()) {
                (Some((a, _)), Some((b, _))) => a.cmp(b),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => break,
            };
            let before = if order.is_le() { olds.next() } else { None };
            let after = if order.is_ge() { news.next() } else { None };
            let before = before.map(|(item, at)| (item, &rest_old[at]));
            let after = after.map(|(item, at)| (item, &rest_new[at]));
            match (before, after) {
                (Some((item, a)), Some((_, b))) => {
                    if !is_same(a, b) {
                        self.changed(item, properties(a), properties(b), (place(a), place(b)));
                    }
                }
                (Some((item, a)), None) => {
                    let change = Change::Removed(properties(a).shown());
                    self.tell(item, change, place(a), None);
                }
                (None, Some((item, b))) => {
                    let change = Change::Added(properties(b).shown());
                    self.tell(item, change, None, place(b));
                }
                (None, None) => {}
            }
        }
    }

    /// Adapters are looked for on their own host first, then on any: they move.
    fn adapters(&mut self, old: &Estate, new: &Estate) {
        let hosts = new.hosts.iter().chain(&old.hosts);
        let mut order: BTreeMap<String, usize> = BTreeMap::new();
        let mut names = Vec::new();
        for host in hosts {
            order.entry(host.name.to_lowercase()).or_insert_with(|| {
                names.push(host.name.as_str());
                names.len() - 1
            });
        }
        let mut pairs: BTreeMap<AdapterName, (Vec<Here<'_>>, Vec<Here<'_>>)> = BTreeMap::new();
        for (name, here) in named(old, &order) {
            pairs.entry(name).or_default().0.push(here);
        }
        for (name, here) in named(new, &order) {
            pairs.entry(name).or_default().1.push(here);
        }
        for (mut olds, mut news) in pairs.into_values() {
            let mut matched = Vec::new();
            news.retain(|after| {
                let before = olds.iter().position(|before| before.0 == after.0);
                before.is_none_or(|at| {
                    matched.push((Some(olds.remove(at)), Some(*after)));
                    false
                })
            });
            for at in 0..olds.len().max(news.len()) {
                matched.push((olds.get(at).copied(), news.get(at).copied()));
            }
            for (before, after) in matched {
                self.adapter(&names, before, after);
            }
        }
    }

    fn adapter(&mut self, names: &[&str], before: Option<Here<'_>>, after: Option<Here<'_>>) {
        let properties = |(host, adapter): Here<'_>| rows::adapter_properties(adapter, names[host]);
        fn place(here: Option<Here<'_>>) -> Option<&Place> {
            here.and_then(|(_, adapter)| adapter.place.as_ref())
        }
        let Some((host, adapter)) = after.or(before) else {
            return;
        };
        let item = rows::adapter_item(adapter);
        let moved_from = before.filter(|&(from, _)| from != host);
        self.host = (host, names[host].to_owned());
        let told = match (before, after) {
            (Some(before), Some(after)) => {
                let places = (place(Some(before)), place(Some(after)));
                self.changed(item, properties(before), properties(after), places)
            }
            (Some(before), None) => {
                let change = Change::Removed(properties(before).shown());
                self.tell(item, change, place(Some(before)), None)
            }
            (None, Some(after)) => {
                let change = Change::Added(properties(after).shown());
                self.tell(item, change, None, place(Some(after)))
            }
            (None, None) => None,
        };
        if let (Some(found), Some((from, _))) = (told, moved_from) {
            found.hosts.insert(0, (from, names[from].to_owned()));
        }
    }

    fn changed(
        &mut self,
        item: Item,
        old: Properties,
        new: Properties,
        (before, after): (Option<&Place>, Option<&Place>),
    ) -> Option<&mut Found> {
        let pairs = old.all().into_iter().zip(new.all());
        let changed: Vec<_> = pairs
            .filter(|(old, new)| old.value != new.value)
            .map(|(old, new)| ChangedProperty {
                name: old.name,
                old: old.value,
                new: new.value,
            })
            .collect();
        if changed.is_empty() {
            return None;
        }
        self.tell(item, Change::Changed(changed), before, after)
    }

    fn tell(
        &mut self,
        item: Item,
        change: Change,
        old: Option<&Place>,
        new: Option<&Place>,
    ) -> Option<&mut Found> {
        let found = self.found.entry((item, change)).or_default();
        found.hosts.push(self.host.clone());
        found.old.extend(old.cloned());
        found.new.extend(new.cloned());
        Some(found)
    }

    fn finish(self) -> Vec<Difference> {
        let mut found: Vec<_> = self.found.into_iter().collect();
        // Items stay in their order within one group of hosts.
        let hosts =
            |found: &Found| -> Vec<usize> { found.hosts.iter().map(|&(at, _)| at).collect() };
        found.sort_by_cached_key(|(_, found)| hosts(found));
        let told = found.into_iter().map(|((item, change), found)| Difference {
            hosts: found.hosts.into_iter().map(|(_, name)| name).collect(),
            item,
            change,
            old: found.old,
            new: found.new,
        });
        told.collect()
    }
}

/// VM and adapter as they compare: without case.
type AdapterName = (String, String);

/// A host, counted into the list of both estates' hosts, and an adapter on it.
type Here<'e> = (usize, &'e Adapter);

fn named<'e>(
    estate: &'e Estate,
    order: &BTreeMap<String, usize>,
) -> impl Iterator<Item = (AdapterName, Here<'e>)> {
    estate.hosts.iter().flat_map(|host| {
        let at = order
            .get(&host.name.to_lowercase())
            .copied()
            .unwrap_or_default();
        host.adapters.iter().map(move |adapter| {
            let name = (adapter.vm_name.to_lowercase(), adapter.name.to_lowercase());
            (name, (at, adapter))
        })
    })
}
