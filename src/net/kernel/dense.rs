//! `y = x Wᵀ + b` with its derivatives `∂x = g W`, `∂W = gᵀ x`, `∂b = Σ g`, each one matrix product; ∂x is left out where
//! x is data.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::pass::Real;
use super::{BLOCK, in_order, numbers, with_numbers};

/// A dense layer: input (points, inputs), weight (outputs, inputs), bias (outputs).
pub(in crate::net) struct Dense<T> {
    data: bool,
    number: std::marker::PhantomData<T>,
}

impl<T> Dense<T> {
    /// `data` says that the input needs no derivative.
    pub(super) fn new(data: bool) -> Self {
        Self { data, number: std::marker::PhantomData }
    }
}

/// A matrix as its numbers, rows, columns, and the steps between its columns and its rows.
struct Matrix<'a, T> {
    numbers: &'a [T],
    rows: usize,
    columns: usize,
    column_step: usize,
    row_step: usize,
}

impl<'a, T> Matrix<'a, T> {
    fn new(numbers: &'a [T], rows: usize, columns: usize) -> Self {
        Self { numbers, rows, columns, column_step: 1, row_step: columns }
    }

    fn transposed(self) -> Self {
        Self {
            numbers: self.numbers,
            rows: self.columns,
            columns: self.rows,
            column_step: self.row_step,
            row_step: self.column_step,
        }
    }
}

/// `output ← left · right`, or `output + left · right` where `add`; row-major.
fn product<T: Real>(output: &mut [T], left: &Matrix<'_, T>, right: &Matrix<'_, T>, add: bool) -> Result<()> {
    let sizes = output.len() == left.rows * right.columns
        && left.columns == right.rows
        && left.numbers.len() == left.rows * left.columns
        && right.numbers.len() == right.rows * right.columns;
    if !sizes {
        candle_core::bail!(
            "matrices of {}×{} and {}×{} have no product",
            left.rows,
            left.columns,
            right.rows,
            right.columns
        );
    }
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 { gemm::Parallelism::Rayon(threads) } else { gemm::Parallelism::None };
    // SAFETY: the check above makes every element that these sizes and steps reach lie in its slice, `output` is borrowed
    // alone, and slices are never longer than `isize::MAX`.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            output.as_mut_ptr(),
            1,
            right.columns as isize,
            add,
            left.numbers.as_ptr(),
            left.column_step as isize,
            left.row_step as isize,
            right.numbers.as_ptr(),
            right.column_step as isize,
            right.row_step as isize,
            T::one(),
            T::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
    Ok(())
}

impl<T: Real> CustomOp3 for Dense<T> {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (points, inputs) = l1.shape().dims2()?;
        let (outputs, _) = l2.shape().dims2()?;
        let (input, weight, bias) = (numbers::<T>(s1, l1)?, numbers::<T>(s2, l2)?, numbers::<T>(s3, l3)?);
        let mut output = bias.repeat(points);
        let weight = Matrix::new(weight, outputs, inputs).transposed();
        product(&mut output, &Matrix::new(input, points, inputs), &weight, true)?;
        Ok((T::to_cpu_storage_owned(output), (points, outputs).into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (points, inputs) = input.dims2()?;
        let outputs = weight.dim(0)?;
        let gradient = gradient.contiguous()?;
        with_numbers::<T, _>(&gradient, |g| {
            let of_bias = in_order(
                g.par_chunks(BLOCK.div_ceil(outputs) * outputs).map(|block| rows_sum(block, outputs)).collect(),
                outputs,
            );
            let of_bias: Vec<T> = of_bias.into_iter().map(T::from_f64).collect();
            let of_weight = with_numbers::<T, _>(input, |x| {
                let mut of_weight = vec![T::zero(); outputs * inputs];
                let g = Matrix::new(g, points, outputs).transposed();
                product(&mut of_weight, &g, &Matrix::new(x, points, inputs), false)?;
                Ok(of_weight)
            })?;
            let of_input = if self.data {
                None
            } else {
                Some(with_numbers::<T, _>(weight, |w| {
                    let mut of_input = vec![T::zero(); points * inputs];
                    product(&mut of_input, &Matrix::new(g, points, outputs), &Matrix::new(w, outputs, inputs), false)?;
                    Tensor::from_vec(of_input, (points, inputs), input.device())
                })?)
            };
            let of_weight = Tensor::from_vec(of_weight, (outputs, inputs), input.device())?;
            Ok((of_input, Some(of_weight), Some(Tensor::from_vec(of_bias, outputs, input.device())?)))
        })
    }
}

/// Sums over the rows of a block, one a column.
fn rows_sum<T: Real>(block: &[T], columns: usize) -> Vec<f64> {
    let mut sums = vec![T::zero(); columns];
    for row in block.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
    }
    sums.into_iter().map(Into::into).collect()
}
