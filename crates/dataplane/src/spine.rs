//! A list that versions share: changing an element copies the chunk it is in, and the list of chunks.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Elements of a chunk.
const CHUNK: usize = 64;

/// See the module. Elements are numbered from 0 and never removed.
#[derive(Clone, Debug)]
pub(crate) struct Spine<T> {
    /// Chunks behind the last element are empty, so that growing is rare.
    chunks: Arc<[Arc<[T]>]>,
    len: u32,
}

impl<T: Clone + Default> Spine<T> {
    pub(crate) fn new() -> Self {
        Self {
            chunks: Arc::new([]),
            len: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.chunks
            .get(index as usize / CHUNK)?
            .get(index as usize % CHUNK)
    }

    /// The element, to write, in a copy of its own where another version has it too.
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let chunk = Arc::make_mut(&mut self.chunks).get_mut(index as usize / CHUNK)?;
        Arc::make_mut(chunk).get_mut(index as usize % CHUNK)
    }

    /// Adds an element; its number.
    pub(crate) fn push(&mut self, element: T) -> u32 {
        let index = self.len;
        self.set(index, element);
        index
    }

    /// Puts an element in its place, wherever that is. Elements in chunks that nobody set are not
    /// there; others between are defaults.
    pub(crate) fn set(&mut self, index: u32, element: T) {
        let at = index as usize / CHUNK;
        if at >= self.chunks.len() {
            let empty: Arc<[T]> = Arc::new([]);
            let longer = ((at + 1) * 2).max(4);
            let chunks: Vec<_> = (0..longer)
                .map(|at| self.chunks.get(at).unwrap_or(&empty).clone())
                .collect();
            self.chunks = chunks.into();
        }
        let chunk = &mut Arc::make_mut(&mut self.chunks)[at];
        if chunk.is_empty() {
            *chunk = (0..CHUNK).map(|_| T::default()).collect();
        }
        Arc::make_mut(chunk)[index as usize % CHUNK] = element;
        self.len = self.len.max(index + 1);
    }

    /// Bytes of memory, but for what elements own elsewhere.
    pub(crate) fn bytes(&self) -> usize {
        let elements: usize = self.chunks.iter().map(|chunk| size_of_val(&**chunk)).sum();
        elements + size_of_val(&*self.chunks)
    }
}

#[cfg(test)]
mod tests;
