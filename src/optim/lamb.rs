//! LAMB's step; the formula is at [`Optimizer::Lamb`](super::Optimizer::Lamb).

use std::ops::Range;

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use crate::net::Real;
use crate::wide::{BLOCK, wide};

/// A tensor of x: where it lies, and whether its step is measured by its norm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) range: Range<usize>,
    pub(super) is_scaled: bool,
}

/// Its numbers.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) rate: f64,
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) decay: f64,
    /// 1 − βᵗ.
    pub(super) corrections: [f64; 2],
}

impl Rule {
    /// Moves one tensor along its gradient: a sweep for the moments and the two norms, another for x.
    pub(super) fn step<T: Real>(self, is_scaled: bool, x: &mut [T], gradient: &[T], mean: &mut [T], square: &mut [T]) {
        let number = T::from_f64;
        let Self { rate, beta1, beta2, epsilon, decay, corrections: [first, second] } = self;
        let decay = number(if is_scaled { decay } else { 0.0 });
        let (first, second, epsilon) = (number(1.0 / first), number(1.0 / second), number(epsilon));
        let (keep1, fresh1, keep2, fresh2) = (number(beta1), number(1.0 - beta1), number(beta2), number(1.0 - beta2));
        let direction = Direction { first, second, epsilon, decay };
        let blocks = x.par_chunks(BLOCK).zip(gradient.par_chunks(BLOCK));
        let blocks = blocks.zip(mean.par_chunks_mut(BLOCK).zip(square.par_chunks_mut(BLOCK)));
        // Blocks of fixed size, added in their order: the bits do not depend on the number of threads.
        let norms: Vec<[f64; 2]> = blocks
            .map(|((x, gradient), (mean, square))| {
                wide(
                    #[inline(always)]
                    || {
                        let mut sums = [0.0; 2];
                        for ((&x, &g), (m, v)) in x.iter().zip(gradient).zip(mean.iter_mut().zip(square.iter_mut())) {
                            *m = keep1 * *m + fresh1 * g;
                            *v = keep2 * *v + fresh2 * g * g;
                            let (x, r): (f64, f64) = (x.into(), direction.of(x, *m, *v).into());
                            sums[0] += x * x;
                            sums[1] += r * r;
                        }
                        sums
                    },
                )
            })
            .collect();
        let [of_x, of_step] = norms.into_iter().fold([0.0; 2], |sums, block| [sums[0] + block[0], sums[1] + block[1]]);
        let rate = number(rate * ratio(is_scaled, of_x.sqrt(), of_step.sqrt()));
        let blocks = x.par_chunks_mut(BLOCK).zip(mean.par_chunks(BLOCK).zip(square.par_chunks(BLOCK)));
        blocks.for_each(|(x, (mean, square))| {
            wide(
                #[inline(always)]
                || {
                    for (x, (&m, &v)) in x.iter_mut().zip(mean.iter().zip(square)) {
                        *x -= rate * direction.of(*x, m, v);
                    }
                },
            )
        });
    }

    /// x after a step on a device, and what is remembered; nothing is remembered before the first step.
    pub(super) fn on_device(
        self,
        places: &[Place],
        x: &Tensor,
        gradient: &Tensor,
        memory: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let Self { rate, beta1, beta2, epsilon, decay, corrections: [first, second] } = self;
        let [mean, square] = match memory {
            [mean, square] => [mean.clone(), square.clone()],
            _ => [gradient.zeros_like()?, gradient.zeros_like()?],
        };
        let mean = ((mean * beta1)? + (gradient * (1.0 - beta1))?)?;
        let square = ((square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
        let step = ((&mean * (1.0 / first))? / ((&square * (1.0 / second))?.sqrt()? + epsilon)?)?;
        let norm = |tensor: &Tensor| -> Result<f64> {
            tensor.sqr()?.sum_all()?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>().map(f64::sqrt)
        };
        let moved = places.iter().map(|Place { range, is_scaled }| {
            let (x, step) = (x.narrow(0, range.start, range.len())?, step.narrow(0, range.start, range.len())?);
            let step = if *is_scaled { (step + (&x * decay)?)? } else { step };
            let ratio = if *is_scaled { ratio(true, norm(&x)?, norm(&step)?) } else { 1.0 };
            &x - (step * (rate * ratio))?
        });
        Ok((Tensor::cat(&moved.collect::<Result<Vec<_>>>()?, 0)?, vec![mean, square]))
    }
}

/// `r = (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε) + λx` of one weight, with `1 / (1−βᵗ)`.
#[derive(Clone, Copy)]
struct Direction<T> {
    first: T,
    second: T,
    epsilon: T,
    decay: T,
}

impl<T: Real> Direction<T> {
    #[inline(always)]
    fn of(self, x: T, m: T, v: T) -> T {
        (m * self.first) / ((v * self.second).root() + self.epsilon) + self.decay * x
    }
}

/// ‖x‖ / ‖r‖, or 1 where one of them is 0: biases begin there.
fn ratio(is_scaled: bool, of_x: f64, of_step: f64) -> f64 {
    if is_scaled && of_x > 0.0 && of_step > 0.0 { of_x / of_step } else { 1.0 }
}
