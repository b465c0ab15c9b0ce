//! Batch normalization by the batch's own statistics or by given ones, with the ReLU after it if there is one. The numbers
//! are rows of features, an image's channels being its features.
//!
//! With x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β and m rows, for a gradient g (set to 0 where the ReLU is off):
//! `∂β = Σ g`, `∂γ = Σ g x̂`, `∂x = γ / √(σ² + ε) · (g − ∂β / m − x̂ · ∂γ / m)`, and without the last two terms where
//! averages were given.
//!
//! Means and squares are those of blocks, found while a block is in the cache, and put together by Chan, Golub and LeVeque
//! (1979): the numbers are read once.

mod along;

use rayon::prelude::*;

use super::super::points::Real;
use super::blocks::BLOCK;
use super::pooling::Pooling;
use crate::wide::wide;

pub(super) use along::Slant;

/// A normalization; its γ begins at `at` in x, β follows it; its means begin at `averages` in the layout of the buffers,
/// variances follow them.
pub(super) struct Normalize {
    pub(super) features: usize,
    pub(super) epsilon: f64,
    pub(super) relu: bool,
    /// What is pooled of it, image by image, before it leaves the cache.
    pub(super) pooling: Option<Pooling>,
    pub(super) at: usize,
    pub(super) averages: usize,
}

/// Means and variances, the latter over the number of rows.
pub(super) struct Moments {
    pub(super) mean: Vec<f64>,
    pub(super) variance: Vec<f64>,
}

/// Blocks of rows that were seen, in their order: how many rows, their means, and the sums of squared differences from them.
#[derive(Default)]
pub(super) struct Blocks<T>(Vec<(usize, Vec<T>, Vec<T>)>);

/// The features' numbers on the forward pass: `y = (x − center) · scale + shift`.
struct There<'a, T> {
    center: Vec<T>,
    scale: Vec<T>,
    shift: &'a [T],
    relu: bool,
}

impl<T: Real> There<'_, T> {
    fn features(&self) -> usize {
        self.center.len()
    }

    /// A ReLU that is off is a floor at −∞, so that one loop serves both.
    fn floor(&self) -> T {
        if self.relu { T::zero() } else { T::from_f64(f64::NEG_INFINITY) }
    }

    #[inline(always)]
    fn rows(&self, input: &[T], output: &mut [T]) {
        let (features, floor) = (self.features(), self.floor());
        for (output, input) in output.chunks_exact_mut(features).zip(input.chunks_exact(features)) {
            let constants = self.center.iter().zip(&self.scale).zip(self.shift);
            for ((output, &value), ((&center, &scale), &shift)) in output.iter_mut().zip(input).zip(constants) {
                *output = floored((value - center) * scale + shift, floor);
            }
        }
    }

    #[inline(always)]
    fn rows_in_place(&self, rows: &mut [T]) {
        let floor = self.floor();
        for row in rows.chunks_exact_mut(self.features()) {
            let constants = self.center.iter().zip(&self.scale).zip(self.shift);
            for (value, ((&center, &scale), &shift)) in row.iter_mut().zip(constants) {
                *value = floored((*value - center) * scale + shift, floor);
            }
        }
    }

    /// A number of the gradient, or 0 where there is a ReLU and it is off.
    #[inline(always)]
    fn passed(g: T, y: T, relu: bool) -> T {
        if relu && y <= T::zero() { T::zero() } else { g }
    }

    /// Σ g and Σ g (x − center) over rows, a feature each.
    #[inline(always)]
    fn sums(&self, gradient: &[T], input: &[T]) -> (Vec<T>, Vec<T>) {
        let features = self.features();
        let (mut sums, mut products) = (vec![T::zero(); features], vec![T::zero(); features]);
        for (gradient, input) in gradient.chunks_exact(features).zip(input.chunks_exact(features)) {
            let constants = self.center.iter().zip(&self.scale).zip(self.shift);
            let sums = sums.iter_mut().zip(&mut products);
            for (((&g, &value), ((&center, &scale), &shift)), (sum, product)) in
                gradient.iter().zip(input).zip(constants).zip(sums)
            {
                let off = value - center;
                let g = Self::passed(g, off * scale + shift, self.relu);
                *sum += g;
                *product += g * off;
            }
        }
        (sums, products)
    }

    /// `g ← scale · (g − level − (x − center) · slope)` over rows.
    #[inline(always)]
    fn rows_back(&self, gradient: &mut [T], input: &[T], level: &[T], slope: &[T]) {
        let features = self.features();
        for (gradient, input) in gradient.chunks_exact_mut(features).zip(input.chunks_exact(features)) {
            let constants = self.center.iter().zip(&self.scale).zip(self.shift).zip(level.iter().zip(slope));
            for ((g, &value), (((&center, &scale), &shift), (&level, &slope))) in
                gradient.iter_mut().zip(input).zip(constants)
            {
                let off = value - center;
                let passed = Self::passed(*g, off * scale + shift, self.relu);
                *g = scale * (passed - level - off * slope);
            }
        }
    }
}

/// NaN is not below the floor, and stays.
#[inline(always)]
fn floored<T: Real>(y: T, floor: T) -> T {
    if y < floor { floor } else { y }
}

/// Mean of rows, and the sum of squared differences from it, a feature each.
#[inline(always)]
fn block_moments<T: Real>(rows: &[T], features: usize) -> (Vec<T>, Vec<T>) {
    let count = T::from_f64((rows.len() / features) as f64);
    let mut mean = vec![T::zero(); features];
    for row in rows.chunks_exact(features) {
        mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
    }
    mean.iter_mut().for_each(|mean| *mean /= count);
    let mut squares = vec![T::zero(); features];
    for row in rows.chunks_exact(features) {
        for ((square, &mean), &value) in squares.iter_mut().zip(&mean).zip(row) {
            *square += (value - mean) * (value - mean);
        }
    }
    (mean, squares)
}

fn rounded<T: Real>(values: impl Iterator<Item = f64>) -> Vec<T> {
    values.map(T::from_f64).collect()
}

impl Normalize {
    /// Numbers in a block: whole rows.
    pub(super) fn block(&self) -> usize {
        (BLOCK / self.features).max(1) * self.features
    }

    fn inverse<'a>(&'a self, moments: &'a Moments) -> impl Iterator<Item = f64> + 'a {
        moments.variance.iter().map(|variance| 1.0 / (variance + self.epsilon).sqrt())
    }

    fn there<'a, T: Real>(&self, x: &'a [T], moments: &Moments) -> There<'a, T> {
        let (gamma, shift) = x[self.at..self.at + 2 * self.features].split_at(self.features);
        let scale = self.inverse(moments).zip(gamma).map(|(inverse, &gamma)| inverse * Into::<f64>::into(gamma));
        There { center: rounded(moments.mean.iter().copied()), scale: rounded(scale), shift, relu: self.relu }
    }

    /// The moments of rows of features.
    pub(super) fn moments<T: Real>(&self, input: &[T]) -> Moments {
        let mut blocks = Blocks::default();
        self.add_blocks(input, &mut blocks);
        self.moments_of(blocks)
    }

    /// Adds rows of features to those that were seen; all but the last must be whole blocks.
    pub(super) fn add_blocks<T: Real>(&self, input: &[T], blocks: &mut Blocks<T>) {
        let features = self.features;
        blocks.0.par_extend(input.par_chunks(self.block()).map(|rows| {
            let (mean, squares) = wide(
                #[inline(always)]
                || block_moments(rows, features),
            );
            (rows.len() / features, mean, squares)
        }));
    }

    /// The moments of all rows of these blocks.
    pub(super) fn moments_of<T: Real>(&self, blocks: Blocks<T>) -> Moments {
        let features = self.features;
        let mut moments = Moments { mean: vec![0.0; features], variance: vec![0.0; features] };
        let mut before = 0.0;
        for (rows, mean, squares) in blocks.0 {
            let count = rows as f64;
            let share = count / (before + count);
            let totals = moments.mean.iter_mut().zip(&mut moments.variance);
            for ((total, sum), (mean, square)) in totals.zip(mean.into_iter().zip(squares)) {
                let off = Into::<f64>::into(mean) - *total;
                *total += off * share;
                *sum += Into::<f64>::into(square) + off * off * before * share;
            }
            before += count;
        }
        moments.variance.iter_mut().for_each(|sum| *sum /= before.max(1.0));
        moments
    }

    /// Changes the sign of the features whose scale is negative, so that their smallest number is their largest.
    pub(super) fn negate<T: Real>(&self, x: &[T], rows: &mut [T]) {
        let gamma = &x[self.at..self.at + self.features];
        if gamma.iter().any(|&gamma| gamma < T::zero()) {
            rows.par_chunks_mut(self.block()).flat_map_iter(|rows| rows.chunks_exact_mut(gamma.len())).for_each(
                |row| {
                    let negative = row.iter_mut().zip(gamma).filter(|(_, gamma)| **gamma < T::zero());
                    negative.for_each(|(value, _)| *value = T::zero() - *value);
                },
            );
        }
    }

    /// The moments in averages of the layout of the buffers.
    pub(super) fn given<T: Real>(&self, averages: &[T]) -> Moments {
        let own = averages[self.averages..self.averages + 2 * self.features].iter().map(|&value| value.into());
        let mut mean: Vec<f64> = own.collect();
        let variance = mean.split_off(self.features);
        Moments { mean, variance }
    }

    /// Rows of features to `output`; in place where no input is given.
    pub(super) fn forward<T: Real>(&self, x: &[T], moments: &Moments, input: Option<&[T]>, output: &mut [T]) {
        let there = self.there(x, moments);
        let blocks = output.par_chunks_mut(self.block());
        match input {
            Some(input) => blocks.zip(input.par_chunks(self.block())).for_each(|(output, input)| {
                wide(
                    #[inline(always)]
                    || there.rows(input, output),
                )
            }),
            None => blocks.for_each(|rows| {
                wide(
                    #[inline(always)]
                    || there.rows_in_place(rows),
                )
            }),
        }
    }

    /// The same, and the largest of each window of it, image by image.
    pub(super) fn forth_pooled<T: Real>(
        &self,
        pooling: &Pooling,
        x: &[T],
        moments: &Moments,
        input: &[T],
        output: &mut [T],
        choices: Option<&mut [u16]>,
    ) {
        let there = self.there(x, moments);
        let (before, behind) = (pooling.input(), pooling.output());
        let image = |room: &mut Vec<T>, input: &[T], output: &mut [T], choices: Option<&mut [u16]>| {
            wide(
                #[inline(always)]
                || {
                    there.rows(input, room);
                    pooling.image(room, output, choices);
                },
            )
        };
        let images = output.par_chunks_mut(behind).zip(input.par_chunks(before));
        let room = || vec![T::zero(); before];
        match choices {
            Some(choices) => images
                .zip(choices.par_chunks_mut(behind))
                .for_each_init(room, |room, ((output, input), choices)| image(room, input, output, Some(choices))),
            None => images.for_each_init(room, |room, (output, input)| image(room, input, output, None)),
        }
    }

    /// From the gradient of the output to that of the input, in place; ∂γ and ∂β into their places of the whole gradient.
    /// Whether a ReLU was on is seen from y, made again from `input`.
    pub(super) fn backward<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        moments: &Moments,
        gradient: &mut [T],
        total: &mut [T],
        fixed: bool,
    ) {
        let there = self.there(x, moments);
        let features = self.features;
        let blocks = gradient.par_chunks(self.block()).zip(input.par_chunks(self.block()));
        let blocks = blocks.map(|(gradient, input)| {
            wide(
                #[inline(always)]
                || there.sums(gradient, input),
            )
        });
        let mut sums = vec![(0.0, 0.0); features];
        for (block, products) in blocks.collect::<Vec<_>>() {
            for ((sum, product), (more, products)) in sums.iter_mut().zip(block.into_iter().zip(products)) {
                *sum += Into::<f64>::into(more);
                *product += Into::<f64>::into(products);
            }
        }
        let (of_gamma, of_beta) = total[self.at..self.at + 2 * features].split_at_mut(features);
        let share = if fixed { 0.0 } else { features as f64 / gradient.len() as f64 };
        let (mut level, mut slope) = (Vec::with_capacity(features), Vec::with_capacity(features));
        for (((sum, product), inverse), (of_gamma, of_beta)) in
            sums.into_iter().zip(self.inverse(moments)).zip(of_gamma.iter_mut().zip(of_beta))
        {
            *of_gamma = T::from_f64(product * inverse);
            *of_beta = T::from_f64(sum);
            level.push(T::from_f64(sum * share));
            slope.push(T::from_f64(product * inverse * inverse * share));
        }
        let (level, slope) = (&level[..], &slope[..]);
        let blocks = gradient.par_chunks_mut(self.block()).zip(input.par_chunks(self.block()));
        blocks.for_each(|(gradient, input)| {
            wide(
                #[inline(always)]
                || there.rows_back(gradient, input, level, slope),
            )
        });
    }
}
