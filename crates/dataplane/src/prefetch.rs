//! The one instruction that safe Rust has no word for.
#![allow(unsafe_code)]

/// Asks the processor to bring the cache line of `place` closer. It changes nothing else, and does
/// nothing where we know no such instruction.
#[inline(always)]
pub(crate) fn prefetch<T: ?Sized>(place: &T) {
    prefetch_address(core::ptr::from_ref(place).cast());
}

/// The same for the first bytes of a frame, and for the place in front of it where outer headers go.
#[inline(always)]
pub(crate) fn prefetch_frame(frame: &[u8], headers_len: usize) {
    prefetch_address(frame.as_ptr());
    prefetch_address(frame.as_ptr().wrapping_sub(headers_len));
}

#[inline(always)]
fn prefetch_address(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch is a hint. It reads nothing that the program sees and cannot fault,
    // whatever the address. SSE is part of x86_64.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = address;
}
