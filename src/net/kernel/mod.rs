//! The passes that most time goes into, fused for the CPU as candle custom operations, each with its own derivative.
//!
//! What is summed over points is summed in blocks of fixed size, which threads take up as they come, and the blocks'
//! sums are added in their order: the bits do not depend on the number of threads. The composed passes in
//! [`layer`](super::layer) are the oracle; the tests here compare values and gradients over shapes that divide by nothing.

mod dense;
mod normalize;

use candle_core::{CpuStorage, Layout, Result, Tensor};

pub(super) use dense::dense;
pub(super) use normalize::normalize;

use super::pass::Real;

/// About as many numbers as fit a core's cache beside their companions: the size of a block.
const BLOCK: usize = 32_768;

/// The numbers of an argument, which must lie one after another.
fn numbers<'a, T: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((begin, end)) => Ok(&T::cpu_storage_as_slice(storage)?[begin..end]),
        None => candle_core::bail!("a fused pass needs numbers that lie one after another, but gets {layout:?}"),
    }
}

/// The numbers of a tensor on the CPU, handed to `read`.
fn with_numbers<T: Real, R>(tensor: &Tensor, read: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
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
