//! How does one loop use the widest SIMD instructions that this machine has? By being compiled for each of them, and chosen
//! when it runs: AVX-512, AVX2 with FMA, NEON, or plain numbers.
//!
//! What is summed is summed in an order of its own, never in that of the lanes, so that a wider machine computes the same
//! bits where it has fused multiplication and addition.

use pulp::{Arch, Simd};

/// Runs `work` compiled for the widest instructions of this machine. It must be a closure marked `#[inline(always)]`, as must
/// be what it calls, for it to be compiled into each of them; else it stays outside, and is slow. Its loops should be over
/// slices of equal length.
#[inline]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// Numbers that a thread takes up at once: those of a few vectors together fit its cache. Sums over a vector are taken in blocks
/// of this size, which are added in their order: their bits do not depend on the number of threads.
pub(crate) const BLOCK: usize = 16_384;

/// Bytes that a cache takes up at once.
pub(crate) const CACHE_LINE: usize = 64;

/// Bytes of a core's second cache; 0 where they are not known. A virtual machine answers in some microseconds.
pub(crate) fn second_cache() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::__cpuid;
        const CACHES: u32 = 0x8000_0006;
        // Intel and AMD alike: KiB in the upper half of ECX.
        if __cpuid(0x8000_0000).eax < CACHES { 0 } else { (__cpuid(CACHES).ecx >> 16) as usize * 1024 }
    }
    #[cfg(not(target_arch = "x86_64"))]
    0
}

/// Asks for the line at an address to be brought to this core's second cache, where the machine can be asked; nothing waits for it,
/// and nothing happens where the address is nobody's.
#[inline(always)]
pub(crate) fn soon<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: nothing is read, and every such machine has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// The same, to its first cache.
#[inline(always)]
pub(crate) fn near<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// A number that vectors are made of.
pub(crate) trait Lane: Copy + Send + Sync + 'static {
    /// As many of them as a register holds.
    type Vector<S: Simd>: Copy;
    /// How many that are.
    fn lanes<S: Simd>() -> usize;
    /// The same number in each lane.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a + b`.
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a · b + c`, rounded once where the machine can.
    fn multiply_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
}

impl Lane for f32 {
    type Vector<S: Simd> = S::f32s;

    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        S::F32_LANES
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: f32) -> S::f32s {
        simd.splat_f32s(value)
    }

    #[inline(always)]
    fn add<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.add_f32s(a, b)
    }

    #[inline(always)]
    fn multiply_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(a, b, c)
    }
}

impl Lane for f64 {
    type Vector<S: Simd> = S::f64s;

    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        S::F64_LANES
    }

    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: f64) -> S::f64s {
        simd.splat_f64s(value)
    }

    #[inline(always)]
    fn add<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.add_f64s(a, b)
    }

    #[inline(always)]
    fn multiply_add<S: Simd>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(a, b, c)
    }
}
