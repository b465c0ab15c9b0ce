//! Where x and ∇f lie, for whoever moves x.

use candle_core::Tensor;

/// x and ∇f where they lie: what an optimizer moves, and what it moves it by.
pub(crate) enum Standing<'a, T> {
    /// In memory.
    Here { x: &'a mut [T], gradient: &'a [T] },
    /// On a device.
    Device { x: &'a mut Tensor, gradient: &'a Tensor },
}
