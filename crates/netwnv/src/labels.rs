//! What records carry for people, and the pool that keeps what many of them share once.

use std::fmt;
use std::sync::Arc;

use ahash::RandomState;
use hashbrown::{Equivalent, HashSet};

/// What a lookup record carries for people. It decides nothing about frames.
///
/// CustomerID and Context are those of a tenant as a rule, so both together are one shared text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Labels {
    tenant: Option<Arc<TenantLabels>>,
    vm_name: Option<Arc<str>>,
}

#[derive(PartialEq, Eq, Hash)]
struct TenantLabels {
    customer_id: Option<Box<str>>,
    context: Option<Box<str>>,
}

/// [`TenantLabels`] to look up; hashes as they do.
#[derive(PartialEq, Eq, Hash)]
struct TenantKey<'a> {
    customer_id: Option<&'a str>,
    context: Option<&'a str>,
}

/// The labels of one run, so that equal ones share memory.
pub(crate) struct LabelPool {
    tenants: HashSet<Arc<TenantLabels>, RandomState>,
    vm_names: HashSet<Arc<str>, RandomState>,
}

impl Labels {
    /// Labels that share nothing with others.
    pub fn new(customer_id: Option<&str>, context: Option<&str>, vm_name: Option<&str>) -> Self {
        LabelPool::default().labels(customer_id, context, vm_name)
    }

    /// `-CustomerID`.
    pub fn customer_id(&self) -> Option<&str> {
        self.tenant.as_ref()?.customer_id.as_deref()
    }

    /// `-Context`.
    pub fn context(&self) -> Option<&str> {
        self.tenant.as_ref()?.context.as_deref()
    }

    /// `-VMName`; need not be the name of a VM.
    pub fn vm_name(&self) -> Option<&str> {
        self.vm_name.as_deref()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labels")
            .field("customer_id", &self.customer_id())
            .field("context", &self.context())
            .field("vm_name", &self.vm_name())
            .finish()
    }
}

impl Default for LabelPool {
    fn default() -> Self {
        // Nothing is ever listed in a set's order, so any seeds do.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        Self {
            tenants: HashSet::with_hasher(hasher.clone()),
            vm_names: HashSet::with_hasher(hasher),
        }
    }
}

impl LabelPool {
    pub(crate) fn labels(
        &mut self,
        customer_id: Option<&str>,
        context: Option<&str>,
        vm_name: Option<&str>,
    ) -> Labels {
        let tenant = (customer_id.is_some() || context.is_some()).then(|| {
            let key = TenantKey {
                customer_id,
                context,
            };
            let shared = self.tenants.get_or_insert_with(&key, TenantKey::owned);
            Arc::clone(shared)
        });
        let vm_name = vm_name.map(|name| {
            let shared = self.vm_names.get_or_insert_with(name, |name| name.into());
            Arc::clone(shared)
        });
        Labels { tenant, vm_name }
    }
}

impl TenantKey<'_> {
    fn owned(&self) -> Arc<TenantLabels> {
        Arc::new(TenantLabels {
            customer_id: self.customer_id.map(Box::from),
            context: self.context.map(Box::from),
        })
    }
}

impl Equivalent<Arc<TenantLabels>> for TenantKey<'_> {
    fn equivalent(&self, other: &Arc<TenantLabels>) -> bool {
        self.customer_id == other.customer_id.as_deref() && self.context == other.context.as_deref()
    }
}
