//! Tangents of a normalization by the batch's own statistics, along a direction v in the weights.
//!
//! With s = 1 / √(σ² + ε), c = x − μ, x̂ = s c, a dot for a tangent, e = ẋ − ⟨ẋ⟩ and ⟨·⟩ the mean over rows:
//! `k = ⟨x̂ ẋ⟩`, `x̂˙ = s (e − x̂ k)` and `ẏ = v_γ x̂ + γ x̂˙ + v_β`. On the backward pass, with h = γ g and ḣ = v_γ g + γ ġ,
//! `∂x˙ = −s k ∂x + s (ḣ − ⟨ḣ⟩ − x̂ (⟨ḣ x̂⟩ + ⟨h x̂˙⟩) − x̂˙ ⟨h x̂⟩)`, `∂γ˙ = Σ (ġ x̂ + g x̂˙)` and `∂β˙ = Σ ġ`: for each
//! feature a linear function of g, ġ, c and e. The ReLU after it sets ẏ, g and ġ to 0 where it is off.

use rayon::prelude::*;

use super::{Moments, Normalize, There};
use crate::net::kernel::along::Along;
use crate::net::kernel::pooling::Pooling;
use crate::net::points::Real;
use crate::wide::wide;

/// How means and variances move along v, a feature each.
pub(in crate::net::kernel) struct Slant {
    /// ⟨ẋ⟩.
    mean: Vec<f64>,
    /// k = ⟨x̂ ẋ⟩.
    share: Vec<f64>,
}

/// A feature's numbers on the forward pass: `ẏ = own · c + moved · (ẋ − mean) + shift`.
struct Forward<'a, T> {
    own: Vec<T>,
    moved: Vec<T>,
    mean: Vec<T>,
    shift: &'a [T],
}

/// A feature's numbers on the backward pass: `∂x˙ = of_g · g + of_tangent · ġ + of_input · c + of_moved · (ẋ − mean) + level`.
#[derive(Default)]
struct Backward<T> {
    of_g: Vec<T>,
    of_tangent: Vec<T>,
    of_input: Vec<T>,
    of_moved: Vec<T>,
    level: Vec<T>,
}

/// Rows of numbers that belong together: an input with its tangent, a gradient with its own.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    input: &'a [T],
    moved: &'a [T],
    g: &'a [T],
    tangent: &'a [T],
}

impl<T: Real> There<'_, T> {
    // Indices, since so many slices of one length would hide the formula in their zips.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn rows_along(&self, forward: &Forward<'_, T>, input: &[T], moved: &[T], output: &mut [T]) {
        let features = self.features();
        let (center, scale, shift) = (&self.center[..features], &self.scale[..features], &self.shift[..features]);
        let (own, of_moved) = (&forward.own[..features], &forward.moved[..features]);
        let (mean, level) = (&forward.mean[..features], &forward.shift[..features]);
        let rows = input.chunks_exact(features).zip(moved.chunks_exact(features));
        for (output, (input, moved)) in output.chunks_exact_mut(features).zip(rows) {
            for place in 0..features {
                let off = input[place] - center[place];
                let along = own[place] * off + of_moved[place] * (moved[place] - mean[place]) + level[place];
                output[place] = Self::passed(along, off * scale[place] + shift[place], self.relu);
            }
        }
    }

    /// Σ g, Σ g c, Σ g e, Σ ġ and Σ ġ c over rows, a feature each.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn sums_along(&self, mean: &[T], rows: &Rows<'_, T>) -> [Vec<T>; 5] {
        let features = self.features();
        let (center, scale, shift) = (&self.center[..features], &self.scale[..features], &self.shift[..features]);
        let mean = &mean[..features];
        let mut sums: [Vec<T>; 5] = std::array::from_fn(|_| vec![T::zero(); features]);
        let [of_g, of_own, of_moved, of_tangent, of_bent] = sums.each_mut().map(|sums| &mut sums[..features]);
        let inputs = rows.input.chunks_exact(features).zip(rows.moved.chunks_exact(features));
        let gradients = rows.g.chunks_exact(features).zip(rows.tangent.chunks_exact(features));
        for ((input, moved), (g, tangent)) in inputs.zip(gradients) {
            for place in 0..features {
                let off = input[place] - center[place];
                let y = off * scale[place] + shift[place];
                let (g, tangent) = (Self::passed(g[place], y, self.relu), Self::passed(tangent[place], y, self.relu));
                of_g[place] += g;
                of_own[place] += g * off;
                of_moved[place] += g * (moved[place] - mean[place]);
                of_tangent[place] += tangent;
                of_bent[place] += tangent * off;
            }
        }
        sums
    }

    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn rows_back_along(&self, back: &Backward<T>, mean: &[T], [input, moved, g]: [&[T]; 3], tangent: &mut [T]) {
        let features = self.features();
        let (center, scale, shift) = (&self.center[..features], &self.scale[..features], &self.shift[..features]);
        let (mean, level) = (&mean[..features], &back.level[..features]);
        let (of_g, of_tangent) = (&back.of_g[..features], &back.of_tangent[..features]);
        let (of_input, of_moved) = (&back.of_input[..features], &back.of_moved[..features]);
        let rows = input.chunks_exact(features).zip(moved.chunks_exact(features)).zip(g.chunks_exact(features));
        for (tangent, ((input, moved), g)) in tangent.chunks_exact_mut(features).zip(rows) {
            for place in 0..features {
                let off = input[place] - center[place];
                let y = off * scale[place] + shift[place];
                let (g, bent) = (Self::passed(g[place], y, self.relu), Self::passed(tangent[place], y, self.relu));
                let gradients = of_g[place] * g + of_tangent[place] * bent;
                let inputs = of_input[place] * off + of_moved[place] * (moved[place] - mean[place]);
                tangent[place] = gradients + inputs + level[place];
            }
        }
    }
}

impl Normalize {
    /// Tangent of the output along v, and of the largest of its windows where they were chosen; `moved` is the tangent of the
    /// input.
    pub(in crate::net::kernel) fn forth_along<T: Real>(
        &self,
        along: &Along<'_, T>,
        moments: &Moments,
        [input, moved]: [&[T]; 2],
        pooled: Option<(&Pooling, &[u16])>,
        output: &mut [T],
    ) -> Slant {
        let features = self.features;
        let there = self.there(along.x, moments);
        let slant = self.slant(&there, moments, input, moved);
        let (gamma, _) = along.x[self.at..self.at + 2 * features].split_at(features);
        let (of_gamma, shift) = along.v[self.at..self.at + 2 * features].split_at(features);
        let mut forward = Forward {
            own: Vec::with_capacity(features),
            moved: Vec::with_capacity(features),
            mean: super::rounded(slant.mean.iter().copied()),
            shift,
        };
        let numbers = self.inverse(moments).zip(&slant.share).zip(gamma.iter().zip(of_gamma));
        for ((s, k), (&gamma, &of_gamma)) in numbers {
            let (gamma, of_gamma): (f64, f64) = (gamma.into(), of_gamma.into());
            forward.own.push(T::from_f64(s * (of_gamma - gamma * s * k)));
            forward.moved.push(T::from_f64(s * gamma));
        }
        let (there, forward) = (&there, &forward);
        match pooled {
            None => {
                let inputs = input.par_chunks(self.block()).zip(moved.par_chunks(self.block()));
                output.par_chunks_mut(self.block()).zip(inputs).for_each(|(output, (input, moved))| {
                    wide(
                        #[inline(always)]
                        || there.rows_along(forward, input, moved, output),
                    )
                });
            }
            Some((pooling, choices)) => {
                let (before, behind) = (pooling.input(), pooling.output());
                let images = output.par_chunks_mut(behind).zip(choices.par_chunks(behind));
                let images = images.zip(input.par_chunks(before).zip(moved.par_chunks(before)));
                let room = || vec![T::zero(); before];
                images.for_each_init(room, |room, ((output, choices), (input, moved))| {
                    wide(
                        #[inline(always)]
                        || {
                            there.rows_along(forward, input, moved, room);
                            pooling.pick_image(room, choices, output);
                        },
                    )
                });
            }
        }
        slant
    }

    /// Means of the input's tangent and of its product with x̂.
    fn slant<T: Real>(&self, there: &There<'_, T>, moments: &Moments, input: &[T], moved: &[T]) -> Slant {
        // Without a ReLU every number of the tangent counts.
        let plain = There { center: there.center.clone(), scale: there.scale.clone(), relu: false, ..*there };
        let sums =
            self.summed(moved.par_chunks(self.block()).zip(input.par_chunks(self.block())).map(|(moved, input)| {
                wide(
                    #[inline(always)]
                    || <[Vec<T>; 2]>::from(plain.sums(moved, input)),
                )
            }));
        let share = self.features as f64 / input.len() as f64;
        let [sums, products] = sums;
        let mean: Vec<f64> = sums.into_iter().map(|sum| sum * share).collect();
        // A center that is rounded is a little off the mean.
        let off = moments.mean.iter().zip(&there.center).map(|(mean, &center)| mean - Into::<f64>::into(center));
        let along = products.into_iter().zip(&mean).zip(off).map(|((product, mean), off)| product * share - mean * off);
        let share = along.zip(self.inverse(moments)).map(|(along, s)| s * along).collect();
        Slant { mean, share }
    }

    /// From the tangent of the output's gradient to that of the input's, in place; tangents of ∂γ and ∂β into their places of
    /// the whole product. The gradient itself is that of the output after the pooling, if there is one.
    pub(in crate::net::kernel) fn back_along<T: Real>(
        &self,
        along: &Along<'_, T>,
        (moments, slant): (&Moments, &Slant),
        [input, moved, g]: [&[T]; 3],
        tangent: &mut [T],
        total: &mut [T],
    ) {
        let features = self.features;
        let there = self.there(along.x, moments);
        let mean: Vec<T> = super::rounded(slant.mean.iter().copied());
        let size = self.block();
        let rows =
            |block: usize, own: &[T]| -> std::ops::Range<usize> { block * size..own.len().min((block + 1) * size) };
        let read_only = &*tangent;
        let blocks = (0..input.len().div_ceil(size)).into_par_iter().map(|block| {
            let rows = rows(block, input);
            let rows = Rows {
                input: &input[rows.clone()],
                moved: &moved[rows.clone()],
                g: &g[rows.clone()],
                tangent: &read_only[rows],
            };
            wide(
                #[inline(always)]
                || there.sums_along(&mean, &rows),
            )
        });
        let [of_g, of_own, of_moved, of_tangent, of_bent] = self.summed(blocks);
        let share = features as f64 / input.len() as f64;
        let gamma = &along.x[self.at..self.at + features];
        let along_gamma = &along.v[self.at..self.at + features];
        let (of_gamma, of_beta) = total[self.at..self.at + 2 * features].split_at_mut(features);
        let mut back = Backward::default();
        for (place, s) in self.inverse(moments).enumerate() {
            let (gamma, v): (f64, f64) = (gamma[place].into(), along_gamma[place].into());
            let k = slant.share[place];
            // Σ g x̂˙, and the means of the formulas above.
            let products = s * (of_moved[place] - s * k * of_own[place]);
            let (mean_h, mean_hx) = (gamma * of_g[place] * share, gamma * s * of_own[place] * share);
            let mean_bent = (v * of_g[place] + gamma * of_tangent[place]) * share;
            let slope = (s * (v * of_own[place] + gamma * of_bent[place]) + gamma * products) * share;
            of_gamma[place] = T::from_f64(s * of_bent[place] + products);
            of_beta[place] = T::from_f64(of_tangent[place]);
            back.of_g.push(T::from_f64(s * (v - s * k * gamma)));
            back.of_tangent.push(T::from_f64(s * gamma));
            back.of_input.push(T::from_f64(s * s * (2.0 * s * k * mean_hx - slope)));
            back.of_moved.push(T::from_f64(-s * s * mean_hx));
            back.level.push(T::from_f64(s * (s * k * mean_h - mean_bent)));
        }
        let (there, back, mean) = (&there, &back, &mean[..]);
        let inputs = input.par_chunks(size).zip(moved.par_chunks(size)).zip(g.par_chunks(size));
        tangent.par_chunks_mut(size).zip(inputs).for_each(|(tangent, ((input, moved), g))| {
            wide(
                #[inline(always)]
                || there.rows_back_along(back, mean, [input, moved, g], tangent),
            )
        });
    }

    /// The sums of blocks, added in their order.
    fn summed<T: Real, const N: usize>(
        &self,
        blocks: impl IndexedParallelIterator<Item = [Vec<T>; N]>,
    ) -> [Vec<f64>; N] {
        let mut sums: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; self.features]);
        for block in blocks.collect::<Vec<_>>() {
            for (sums, more) in sums.iter_mut().zip(block) {
                sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += Into::<f64>::into(more));
            }
        }
        sums
    }
}
