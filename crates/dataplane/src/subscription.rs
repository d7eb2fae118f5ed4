//! A worker's view of what is published.

use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};

use crate::snapshot::Snapshot;

/// Sees what a [`crate::Publisher`] publishes, without ever waiting for it. One for each worker.
///
/// ```text
/// loop { let snapshot = subscription.snapshot(); worker.outbound(now, snapshot, ..) }
/// ```
#[derive(Clone, Debug)]
pub struct Subscription {
    cache: Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>,
}

impl Subscription {
    pub(crate) fn new(current: Arc<ArcSwap<Snapshot>>) -> Self {
        Self {
            cache: Cache::new(current),
        }
    }

    /// The newest snapshot. Ask once for each batch: all its frames then see one policy, and what
    /// was current before can be freed by the publisher.
    pub fn snapshot(&mut self) -> &Snapshot {
        self.cache.load()
    }
}
