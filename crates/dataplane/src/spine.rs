//! A list that versions share: changing an element copies the leaf it is in and the way to that leaf,
//! whatever the list holds.
//!
//! ```text
//! the first node, or the root, as long as it must be -> nodes of NODE leaves -> leaves of LEAF elements
//! ```
//!
//! Most lists end within the first node, and are read with one step less.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements of a leaf: what an edit copies.
const LEAF: usize = 64;
/// Leaves of a node. An edit counts up the readers of each, which most often lie in far memory, and of
/// each node of the root, which are near: 245 with a million elements.
const NODE: usize = 64;

type Leaf<T> = Arc<[T; LEAF]>;
type Node<T> = Arc<[Leaf<T>; NODE]>;

/// See the module. Elements are numbered from 0 and never removed.
#[derive(Clone, Debug)]
pub(crate) struct Spine<T> {
    first: Node<T>,
    /// The nodes behind the first. Those behind the last element are empty, so that growing is rare.
    root: Arc<[Node<T>]>,
    /// What nobody has set yet: a leaf of defaults.
    empty: Leaf<T>,
    len: u32,
}

impl<T: Clone + Default> Spine<T> {
    pub(crate) fn new() -> Self {
        let empty: Leaf<T> = Arc::new(core::array::from_fn(|_| T::default()));
        Self {
            first: Arc::new(core::array::from_fn(|_| empty.clone())),
            root: Arc::new([]),
            empty,
            len: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let index = index as usize;
        if let Some(leaf) = self.first.get(index / LEAF) {
            return Some(&leaf[index % LEAF]);
        }
        self.get_behind(index)
    }

    #[inline(never)]
    fn get_behind(&self, index: usize) -> Option<&T> {
        let node = self.root.get(index / (NODE * LEAF) - 1)?;
        Some(&node[index / LEAF % NODE][index % LEAF])
    }

    /// The node of this number, to write.
    fn node_mut(&mut self, at: usize) -> Option<&mut [Leaf<T>; NODE]> {
        let node = match at.checked_sub(1) {
            None => &mut self.first,
            Some(at) => Arc::make_mut(&mut self.root).get_mut(at)?,
        };
        Some(Arc::make_mut(node))
    }

    /// The element, to write, in a copy of its own where another version has it too.
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let index = index as usize;
        let node = self.node_mut(index / (NODE * LEAF))?;
        let leaf = &mut node[index / LEAF % NODE];
        Some(&mut Arc::make_mut(leaf)[index % LEAF])
    }

    /// Adds an element; its number.
    pub(crate) fn push(&mut self, element: T) -> u32 {
        let index = self.len;
        self.set(index, element);
        index
    }

    /// Puts an element in its place, wherever that is. Places between that nobody set are defaults.
    pub(crate) fn set(&mut self, index: u32, element: T) {
        self.len = self.len.max(index + 1);
        let index = index as usize;
        let at = index / (NODE * LEAF);
        if at > self.root.len() {
            self.lengthen(at);
        }
        if let Some(node) = self.node_mut(at) {
            Arc::make_mut(&mut node[index / LEAF % NODE])[index % LEAF] = element;
        }
    }

    /// A longer root, which has the node of this number.
    #[cold]
    fn lengthen(&mut self, at: usize) {
        let empty: Node<T> = Arc::new(core::array::from_fn(|_| self.empty.clone()));
        let nodes = (0..at * 2).map(|at| self.root.get(at).unwrap_or(&empty).clone());
        self.root = nodes.collect::<Vec<_>>().into();
    }

    /// Bytes of memory, but for what elements own elsewhere.
    pub(crate) fn bytes(&self) -> usize {
        let nodes = || self.root.iter().chain([&self.first]);
        let leaves = nodes().flat_map(|node| node.iter());
        let set = leaves.filter(|leaf| !Arc::ptr_eq(leaf, &self.empty));
        set.map(|leaf| size_of_val(&**leaf)).sum::<usize>()
            + nodes().map(|node| size_of_val(&**node)).sum::<usize>()
            + size_of_val(&*self.root)
    }
}

#[cfg(test)]
mod tests;
