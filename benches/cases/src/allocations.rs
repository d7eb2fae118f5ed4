//! An allocator that counts, for programs that say how often forwarding allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNTS: Counts = const { Counts::new() };
}

struct Counts {
    calls: Cell<u64>,
    /// Bytes that this thread has asked for and not given back. What it frees for others counts too.
    held: Cell<isize>,
    most: Cell<isize>,
}

/// The system's allocator, and some additions to numbers of the thread for each call: nothing that
/// the rest of a program would notice.
#[derive(Clone, Copy, Debug)]
pub struct CountingAllocator;

/// Allocations of this thread so far, if the program's allocator is [`CountingAllocator`].
pub fn allocations() -> u64 {
    COUNTS.with(|counts| counts.calls.get())
}

/// Does something, and says how many bytes it held at once at most, beyond what was held before.
pub(crate) fn most_held<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = COUNTS.with(|counts| {
        counts.most.set(counts.held.get());
        counts.held.get()
    });
    let done = work();
    let most = COUNTS.with(|counts| counts.most.get());
    (done, usize::try_from(most - before).unwrap_or_default())
}

impl Counts {
    const fn new() -> Self {
        Self {
            calls: Cell::new(0),
            held: Cell::new(0),
            most: Cell::new(0),
        }
    }

    fn took(&self, bytes: usize) {
        self.calls.set(self.calls.get().wrapping_add(1));
        let held = self.held.get().wrapping_add_unsigned(bytes);
        self.held.set(held);
        self.most.set(self.most.get().max(held));
    }

    fn gave(&self, bytes: usize) {
        self.held.set(self.held.get().wrapping_sub_unsigned(bytes));
    }
}

// SAFETY: every call is handed on to the system's allocator as it came.
#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNTS.with(|counts| counts.took(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNTS.with(|counts| counts.took(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        COUNTS.with(|counts| {
            counts.gave(layout.size());
            counts.took(new_size);
        });
        // SAFETY: as the caller promised.
        unsafe { System.realloc(memory, layout, new_size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        COUNTS.with(|counts| counts.gave(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }
}
