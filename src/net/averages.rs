//! The averages that normalization uses, and those that it saw.

use candle_core::Tensor;

/// The averages that normalization uses.
#[derive(Clone, Copy)]
pub(crate) enum Averages<'a, T> {
    /// Those of the batch itself.
    Batch,
    /// These, in the layout of a net's buffers: for each layer the means, then the variances.
    Fixed(&'a [T]),
}

/// What a normalization saw in its batch.
pub(super) struct Observed {
    /// Means, one a feature.
    pub(super) mean: Tensor,
    /// Variances over `count`, one a feature.
    pub(super) variance: Tensor,
    /// Number of numbers that each is an average of.
    pub(super) count: usize,
}
