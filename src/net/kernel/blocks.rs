//! Blocks of numbers: their size, and sums over them in a fixed order.

use rayon::prelude::*;

use crate::error::Error;
use crate::net::points::Real;
use crate::wide::wide;

/// About as many numbers as fit a core's cache beside their companions: the size of a block.
pub(super) const BLOCK: usize = 32_768;

/// Numbers of neighboring features that are worked on at once, in registers.
pub(super) const LINE: usize = 16;
pub(super) type Line<T> = [T; LINE];

/// The line from `begin` on; zeros after the last number.
#[inline(always)]
pub(super) fn read<T: Copy + Default>(numbers: &[T], begin: usize) -> Line<T> {
    let own = &numbers[begin..];
    match own.first_chunk::<LINE>() {
        Some(line) => *line,
        None => {
            let mut line = [T::default(); LINE];
            line.iter_mut().zip(own).for_each(|(place, &value)| *place = value);
            line
        }
    }
}

/// The line to its place, as much of it as there is room for.
#[inline(always)]
pub(super) fn write<T: Copy>(line: &Line<T>, numbers: &mut [T], begin: usize) {
    let own = &mut numbers[begin..];
    match own.first_chunk_mut::<LINE>() {
        Some(place) => *place = *line,
        None => own.iter_mut().zip(line).for_each(|(place, &value)| *place = value),
    }
}

/// The error for what only a mistake in this room can cause.
pub(super) fn broken(what: &str) -> Error {
    Error::Tensor(what.into())
}

/// `sums ← sums + more`.
pub(super) fn add_to<T: Real>(sums: &mut [T], more: &[T]) {
    sums.par_chunks_mut(BLOCK).zip(more.par_chunks(BLOCK)).for_each(|(sums, more)| {
        wide(
            #[inline(always)]
            || sums.iter_mut().zip(more).for_each(|(sum, &more)| *sum += more),
        )
    });
}

/// Sums over the rows of a matrix, one a column of it and a place of `sums`.
pub(super) fn sum_columns<T: Real>(matrix: &[T], sums: &mut [T]) {
    let columns = sums.len();
    let block = (BLOCK / columns).max(1) * columns;
    let blocks = matrix.par_chunks(block).map(|rows| {
        wide(
            #[inline(always)]
            || add_rows(rows, columns),
        )
    });
    let mut total = vec![0.0; columns];
    for block in blocks.collect::<Vec<_>>() {
        total.iter_mut().zip(block).for_each(|(total, sum)| *total += Into::<f64>::into(sum));
    }
    sums.iter_mut().zip(total).for_each(|(sum, total)| *sum = T::from_f64(total));
}

#[inline(always)]
fn add_rows<T: Real>(rows: &[T], columns: usize) -> Vec<T> {
    let mut sums = vec![T::zero(); columns];
    for row in rows.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
    }
    sums
}
