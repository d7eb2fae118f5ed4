//! A list that versions share: changing an element copies the leaf it is in and the way to that leaf,
//! whatever the list holds.
//!
//! ```text
//! root, as long as it must be -> nodes of NODE leaves -> leaves of LEAF elements
//! ```

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements of a leaf: what an edit copies.
const LEAF: usize = 64;
/// Leaves of a node. An edit counts up the readers of each, which most often lie in far memory, and of
/// each node of the root, which are near: 245 with a million elements.
const NODE: usize = 64;

type Leaf<T> = Arc<[T; LEAF]>;
type Node<T> = Arc<[Option<Leaf<T>>; NODE]>;

/// See the module. Elements are numbered from 0 and never removed.
#[derive(Clone, Debug)]
pub(crate) struct Spine<T> {
    /// Nodes behind the last element are empty, so that growing is rare.
    root: Arc<[Node<T>]>,
    len: u32,
}

impl<T: Clone + Default> Spine<T> {
    pub(crate) fn new() -> Self {
        Self {
            root: Arc::new([]),
            len: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let index = index as usize;
        let leaf = self.root.get(index / (NODE * LEAF))?[index / LEAF % NODE].as_ref()?;
        Some(&leaf[index % LEAF])
    }

    /// The element, to write, in a copy of its own where another version has it too.
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let index = index as usize;
        let node = Arc::make_mut(&mut self.root).get_mut(index / (NODE * LEAF))?;
        let leaf = Arc::make_mut(node)[index / LEAF % NODE].as_mut()?;
        Some(&mut Arc::make_mut(leaf)[index % LEAF])
    }

    /// Adds an element; its number.
    pub(crate) fn push(&mut self, element: T) -> u32 {
        let index = self.len;
        self.set(index, element);
        index
    }

    /// Puts an element in its place, wherever that is. Elements in leaves that nobody set are not
    /// there; others between are defaults.
    pub(crate) fn set(&mut self, index: u32, element: T) {
        self.len = self.len.max(index + 1);
        let index = index as usize;
        let at = index / (NODE * LEAF);
        if at >= self.root.len() {
            self.lengthen(at);
        }
        let node = Arc::make_mut(&mut Arc::make_mut(&mut self.root)[at]);
        let leaf = node[index / LEAF % NODE]
            .get_or_insert_with(|| Arc::new(core::array::from_fn(|_| T::default())));
        Arc::make_mut(leaf)[index % LEAF] = element;
    }

    /// A longer root, which has this node.
    #[cold]
    fn lengthen(&mut self, at: usize) {
        let empty: Node<T> = Arc::new(core::array::from_fn(|_| None));
        let nodes = (0..at * 2 + 1).map(|at| self.root.get(at).unwrap_or(&empty).clone());
        self.root = nodes.collect::<Vec<_>>().into();
    }

    /// Bytes of memory, but for what elements own elsewhere.
    pub(crate) fn bytes(&self) -> usize {
        let leaves = self.root.iter().flat_map(|node| node.iter().flatten());
        leaves.map(|leaf| size_of_val(&**leaf)).sum::<usize>()
            + self
                .root
                .iter()
                .map(|node| size_of_val(&**node))
                .sum::<usize>()
            + size_of_val(&*self.root)
    }
}

#[cfg(test)]
mod tests;
