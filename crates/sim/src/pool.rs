//! Buffers for copies that are still to be carried, used again and again.

use std::collections::VecDeque;

use nvgre_wire::HEADROOM;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) waiting: VecDeque<Copy>,
    free: Vec<Vec<u8>>,
}

/// A copy that `host` put on the underlay, behind its headroom.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) host: usize,
    pub(crate) memory: Vec<u8>,
}

impl Pool {
    /// A copy that is to be carried when the frame in hand has ended.
    pub(crate) fn wait(&mut self, host: usize, frame: &[u8]) {
        let memory = self.memory(frame);
        self.waiting.push_back(Copy { host, memory });
    }

    /// A copy of a frame behind its headroom.
    pub(crate) fn memory(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut memory = self.free.pop().unwrap_or_default();
        memory.clear();
        memory.resize(HEADROOM, 0);
        memory.extend_from_slice(frame);
        memory
    }

    /// Takes a buffer back.
    pub(crate) fn free(&mut self, memory: Vec<u8>) {
        self.free.push(memory);
    }
}
