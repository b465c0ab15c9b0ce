//! Batch normalization by the batch's own statistics, with the ReLU behind it if there is one: one pass for the mean, one
//! for the variance, one for the output; two for the derivative.
//!
//! With x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β and m numbers a feature, for a gradient g (set to 0 where the ReLU is off):
//! `∂β = Σ g`, `∂γ = Σ g x̂`, `∂x = γ / √(σ² + ε) · (g − ∂β / m − x̂ · ∂γ / m)`.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::super::pass::{Observed, Real};
use super::{BLOCK, in_order, numbers, with_numbers};

/// Normalization of an input (points, features) or (points, channels, height, width) by its own statistics.
pub(in crate::net) struct Normalize<T> {
    epsilon: f64,
    relu: bool,
    /// Found on the way there, used on the way back.
    moments: OnceLock<Moments>,
    number: std::marker::PhantomData<T>,
}

impl<T> Normalize<T> {
    /// With this ε, and with a ReLU behind it if asked for.
    pub(super) fn new(epsilon: f64, relu: bool) -> Self {
        Self { epsilon, relu, moments: OnceLock::new(), number: std::marker::PhantomData }
    }

    /// What was seen on the way there, where each feature had `count` numbers.
    pub(super) fn observed(&self, count: usize) -> Option<Observed> {
        let moments = self.moments.get()?;
        Some(Observed { mean: moments.mean.clone(), variance: moments.variance.clone(), count })
    }
}

struct Moments {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// How the numbers of a feature lie: `inner` in a row, in each of the points' runs of `features × inner`.
#[derive(Clone, Copy)]
struct Geometry {
    features: usize,
    inner: usize,
    count: f64,
}

impl Geometry {
    fn of(shape: &Shape) -> Result<Self> {
        let dims = shape.dims();
        let inner = dims.iter().skip(2).product();
        match dims.get(1) {
            Some(&features) if shape.elem_count() > 0 => {
                Ok(Self { features, inner, count: (shape.elem_count() / features) as f64 })
            }
            _ => candle_core::bail!("normalization needs points with features, but gets {shape:?}"),
        }
    }

    fn point(&self) -> usize {
        self.features * self.inner
    }

    /// Numbers in a block: whole points.
    fn block(&self) -> usize {
        (BLOCK / self.point()).max(1) * self.point()
    }

    /// Two sums a feature over all numbers of three arguments alike: of what `each` makes of a number of each and of the
    /// feature's own `center`.
    fn sums<T: Real>(
        &self,
        arguments: [&[T]; 3],
        center: &[T],
        each: impl Fn([T; 3], T) -> [T; 2] + Send + Sync,
    ) -> [Vec<f64>; 2] {
        let [a, b, c] = arguments.map(|argument| argument.par_chunks(self.block()));
        let blocks: Vec<[Vec<f64>; 2]> =
            a.zip(b).zip(c).map(|((a, b), c)| self.block_sums([a, b, c], center, &each)).collect();
        let (first, second) = blocks.into_iter().map(|[first, second]| (first, second)).unzip();
        [in_order(first, self.features), in_order(second, self.features)]
    }

    fn block_sums<T: Real>(
        &self,
        [a, b, c]: [&[T]; 3],
        center: &[T],
        each: &impl Fn([T; 3], T) -> [T; 2],
    ) -> [Vec<f64>; 2] {
        let points = a.chunks_exact(self.point()).zip(b.chunks_exact(self.point())).zip(c.chunks_exact(self.point()));
        if self.inner == 1 {
            let mut sums = [vec![T::zero(); self.features], vec![T::zero(); self.features]];
            let [first, second] = &mut sums;
            for ((a, b), c) in points {
                let sums = first.iter_mut().zip(second.iter_mut());
                for ((((&a, &b), &c), &center), (first, second)) in a.iter().zip(b).zip(c).zip(center).zip(sums) {
                    let [one, two] = each([a, b, c], center);
                    *first += one;
                    *second += two;
                }
            }
            return sums.map(|sums| sums.into_iter().map(Into::into).collect());
        }
        let mut sums = [vec![0.0; self.features], vec![0.0; self.features]];
        let [first, second] = &mut sums;
        for ((a, b), c) in points {
            let planes = a.chunks_exact(self.inner).zip(b.chunks_exact(self.inner)).zip(c.chunks_exact(self.inner));
            let sums = first.iter_mut().zip(second.iter_mut());
            for ((((a, b), c), &center), (first, second)) in planes.zip(center).zip(sums) {
                let [one, two] = plane_sums([a, b, c], center, each);
                *first += one;
                *second += two;
            }
        }
        sums
    }

    /// Fills `output` with what `each` makes of a number of each argument and of its feature's four constants.
    fn fill<T: Real>(
        &self,
        output: &mut [T],
        arguments: [&[T]; 3],
        constants: [&[T]; 4],
        each: impl Fn([T; 3], [T; 4]) -> T + Send + Sync,
    ) {
        let [a, b, c] = arguments.map(|argument| argument.par_chunks(self.block()));
        let [k0, k1, k2, k3] = constants;
        output.par_chunks_mut(self.block()).zip(a).zip(b).zip(c).for_each(|(((output, a), b), c)| {
            let points = output.chunks_exact_mut(self.point()).zip(a.chunks_exact(self.point()));
            let points = points.zip(b.chunks_exact(self.point())).zip(c.chunks_exact(self.point()));
            for (((output, a), b), c) in points {
                let constants = k0.iter().zip(k1).zip(k2).zip(k3);
                if self.inner == 1 {
                    let numbers = output.iter_mut().zip(a).zip(b).zip(c).zip(constants);
                    for ((((output, &a), &b), &c), (((&k0, &k1), &k2), &k3)) in numbers {
                        *output = each([a, b, c], [k0, k1, k2, k3]);
                    }
                } else {
                    let planes = output.chunks_exact_mut(self.inner).zip(a.chunks_exact(self.inner));
                    let planes = planes.zip(b.chunks_exact(self.inner)).zip(c.chunks_exact(self.inner)).zip(constants);
                    for ((((output, a), b), c), (((&k0, &k1), &k2), &k3)) in planes {
                        for (((output, &a), &b), &c) in output.iter_mut().zip(a).zip(b).zip(c) {
                            *output = each([a, b, c], [k0, k1, k2, k3]);
                        }
                    }
                }
            }
        });
    }
}

/// Sums over one plane, in eight lanes that the compiler can keep in one register.
fn plane_sums<T: Real>([a, b, c]: [&[T]; 3], center: T, each: &impl Fn([T; 3], T) -> [T; 2]) -> [f64; 2] {
    let mut lanes = [[T::zero(); 8]; 2];
    let [first, second] = &mut lanes;
    let ((a, a_rest), (b, b_rest), (c, c_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>(), c.as_chunks::<8>());
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..8 {
            let [one, two] = each([a[lane], b[lane], c[lane]], center);
            first[lane] += one;
            second[lane] += two;
        }
    }
    let mut sums = lanes.map(|lanes| lanes.into_iter().map(Into::<f64>::into).sum::<f64>());
    for ((&a, &b), &c) in a_rest.iter().zip(b_rest).zip(c_rest) {
        let [one, two] = each([a, b, c], center);
        sums[0] += Into::<f64>::into(one);
        sums[1] += Into::<f64>::into(two);
    }
    sums
}

fn rounded<T: Real>(values: impl Iterator<Item = f64>) -> Vec<T> {
    values.map(T::from_f64).collect()
}

impl<T: Real> CustomOp3 for Normalize<T> {
    fn name(&self) -> &'static str {
        "normalize"
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
        let geometry = Geometry::of(l1.shape())?;
        let (x, gamma, beta) = (numbers::<T>(s1, l1)?, numbers::<T>(s2, l2)?, numbers::<T>(s3, l3)?);
        let none = vec![T::zero(); geometry.features];
        let [sums, _] = geometry.sums([x, x, x], &none, |[x, ..], _| [x, T::zero()]);
        let mean: Vec<f64> = sums.into_iter().map(|sum| sum / geometry.count).collect();
        let center: Vec<T> = rounded(mean.iter().copied());
        let [squares, _] =
            geometry.sums([x, x, x], &center, |[x, ..], center| [(x - center) * (x - center), T::zero()]);
        let variance: Vec<f64> = squares.into_iter().map(|sum| sum / geometry.count).collect();
        let scale = variance.iter().zip(gamma).map(|(v, &gamma)| Into::<f64>::into(gamma) / (v + self.epsilon).sqrt());
        let scale: Vec<T> = rounded(scale);
        let mut output = vec![T::zero(); x.len()];
        // A ReLU that is off is a floor at −∞, so that one loop serves both; NaN must stay NaN, hence `<`.
        let floor = vec![if self.relu { T::zero() } else { T::from_f64(f64::NEG_INFINITY) }; geometry.features];
        geometry.fill(
            &mut output,
            [x, x, x],
            [&center, &scale, beta, &floor],
            |[x, ..], [center, scale, shift, floor]| {
                let y = (x - center) * scale + shift;
                if y < floor { floor } else { y }
            },
        );
        let _ = self.moments.set(Moments { mean, variance });
        Ok((T::to_cpu_storage_owned(output), l1.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        _beta: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(Moments { mean, variance }) = self.moments.get() else {
            candle_core::bail!("normalization is asked for a derivative before it was passed")
        };
        let geometry = Geometry::of(input.shape())?;
        let gradient = gradient.contiguous()?;
        let relu = self.relu;
        let passed = move |g: T, y: T| if relu && y <= T::zero() { T::zero() } else { g };
        let center: Vec<T> = rounded(mean.iter().copied());
        let inverse: Vec<f64> = variance.iter().map(|variance| 1.0 / (variance + self.epsilon).sqrt()).collect();
        with_numbers::<T, _>(input, |x| {
            with_numbers::<T, _>(output, |y| {
                with_numbers::<T, _>(&gradient, |g| {
                    with_numbers::<T, _>(gamma, |gamma| {
                        let [sums, products] = geometry.sums([x, y, g], &center, |[x, y, g], center| {
                            let g = passed(g, y);
                            [g, g * (x - center)]
                        });
                        let scale =
                            inverse.iter().zip(gamma).map(|(inverse, &gamma)| inverse * Into::<f64>::into(gamma));
                        let scale: Vec<T> = rounded(scale);
                        let level: Vec<T> = rounded(sums.iter().map(|sum| sum / geometry.count));
                        let slopes =
                            products.iter().zip(&inverse).map(|(p, inverse)| p * inverse * inverse / geometry.count);
                        let slope: Vec<T> = rounded(slopes);
                        let mut of_input = vec![T::zero(); x.len()];
                        let constants = [&center[..], &scale, &level, &slope];
                        geometry.fill(
                            &mut of_input,
                            [x, y, g],
                            constants,
                            |[x, y, g], [center, scale, level, slope]| {
                                scale * (passed(g, y) - level - (x - center) * slope)
                            },
                        );
                        let of_gamma: Vec<T> = rounded(products.iter().zip(&inverse).map(|(p, inverse)| p * inverse));
                        let of_beta: Vec<T> = rounded(sums.iter().copied());
                        let device = input.device();
                        Ok((
                            Some(Tensor::from_vec(of_input, input.shape(), device)?),
                            Some(Tensor::from_vec(of_gamma, geometry.features, device)?),
                            Some(Tensor::from_vec(of_beta, geometry.features, device)?),
                        ))
                    })
                })
            })
        })
    }
}
