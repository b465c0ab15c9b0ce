//! The passes that most time goes into, fused for the CPU as candle custom operations, each with its own derivative.
//!
//! What is summed over points is summed in blocks of fixed size, which threads take up as they come, and the blocks'
//! sums are added in their order: the bits do not depend on the number of threads. The composed passes in
//! [`layer`](super::layer) are the oracle; the tests here compare values and gradients over shapes that divide by nothing.

mod dense;
mod normalize;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Tensor};

use super::pass::{Observed, Real};

/// About as many numbers as fit a core's cache beside their companions: the size of a block.
const BLOCK: usize = 32_768;

/// A fused pass of an input and two parameters.
pub(super) enum Fused<T> {
    /// `x Wᵀ + b`.
    Dense(dense::Dense<T>),
    /// Normalization, with the ReLU behind it if there is one.
    Normalize(normalize::Normalize<T>),
}

impl<T: Real> Fused<T> {
    /// A dense layer; `data` says that its input needs no derivative.
    pub(super) fn dense(data: bool) -> Self {
        Fused::Dense(dense::Dense::new(data))
    }

    /// Normalization by the batch's own statistics, then a ReLU if asked for.
    pub(super) fn normalize(epsilon: f64, relu: bool) -> Self {
        Fused::Normalize(normalize::Normalize::new(epsilon, relu))
    }

    /// The output, and what a normalization saw; once for each operation.
    pub(super) fn forth(&self, input: &Tensor, first: &Tensor, second: &Tensor) -> Result<(Tensor, Option<Observed>)> {
        match self {
            Fused::Dense(operation) => Ok((input.apply_op3_no_bwd(first, second, operation)?, None)),
            Fused::Normalize(operation) => {
                let output = input.apply_op3_no_bwd(first, second, operation)?;
                let count = input.elem_count() / input.dim(1)?.max(1);
                Ok((output, operation.observed(count)))
            }
        }
    }

    /// What a gradient of the output becomes: those of the input and of both parameters.
    pub(super) fn back(
        &self,
        input: &Tensor,
        first: &Tensor,
        second: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; 3]> {
        match self {
            Fused::Dense(operation) => operation.bwd(input, first, second, output, gradient).map(<[_; 3]>::from),
            Fused::Normalize(operation) => operation.bwd(input, first, second, output, gradient).map(<[_; 3]>::from),
        }
    }
}

/// The numbers of an argument, which must lie one after another.
fn numbers<'a, T: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((begin, end)) => Ok(&T::cpu_storage_as_slice(storage)?[begin..end]),
        None => candle_core::bail!("a fused pass needs numbers that lie one after another, but gets {layout:?}"),
    }
}

/// The numbers of a tensor on the CPU, handed to `read`.
pub(super) fn with_numbers<T: Real, R>(tensor: &Tensor, read: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => read(numbers(storage, layout)?),
        _ => candle_core::bail!("a fused pass runs on the CPU alone"),
    }
}

/// Sums of blocks, added in their order.
fn in_order(blocks: Vec<Vec<f64>>, count: usize) -> Vec<f64> {
    let mut total = vec![0.0; count];
    for block in blocks {
        total.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
    }
    total
}
