//! Where x and ∇f lie, for whoever moves x.

use candle_core::Tensor;

/// x and ∇f where they lie: what an optimizer moves, and what it moves it by.
pub(crate) enum Standing<'a> {
    /// In memory.
    Here { x: &'a mut [f32], gradient: &'a [f32] },
    /// On a device.
    Device { x: &'a mut Tensor, gradient: &'a Tensor },
}
