//! How does the gradient change along a vector? Products `∇²f(x) v`, exact but for rounding, and never the matrix itself.
//!
//! They are the derivative of the gradient's own passes along v (Pearlmutter 1994), not a difference of gradients: ∇f jumps at
//! every kink of a ReLU or of max pooling, and in f32 each step wide enough to be measured crosses thousands of them.
//!
//! f is a mean over chunks, and so are its second derivatives: products are summed chunk by chunk with the same shares.

use super::{Objective, Statistics, add, chunks};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::net::{Curvature, Engine, Net, Points, Real};

/// Products at one point again and again, in the room of one engine.
pub(crate) struct Products<'a, T> {
    objective: Objective,
    matrix: Curvature,
    split: &'a Split,
    engine: Engine<T>,
}

impl Objective {
    /// `∇²f(x) v` for each of so many vectors v, n numbers each, in the layout of x. Bits do not depend on the number of threads.
    ///
    /// Where x lies on a kink it is the second derivative of the piece that the passes take.
    ///
    /// Cost: about 2.5 gradients for one vector, 2 for each of many. Memory: all layers of one chunk three times, and a product.
    ///
    /// # Errors
    /// As [`gradient_at`](Self::gradient_at); [`Error::Shape`] for a vector of another length, [`Error::Data`] where x or a vector is
    /// not finite, [`Error::Parameter`] for other than batch statistics, since averages that are held fixed are another f at
    /// each x, and for other than the fused passes on the CPU.
    ///
    /// ```
    /// use sharp_minima::{Objective, Precision, Seed, data, zoo};
    /// let digits = data::digits().first(100, 50)?;
    /// let net = zoo::f1(&[1, 8, 8], 10, 0.02)?;
    /// let x = net.start(Seed(1), 0).to_f64();
    /// let f = Objective::new().precision(Precision::Double);
    /// let v: Vec<f64> = (0..x.len()).map(|i| (i as f64).sin()).collect();
    /// let w: Vec<f64> = (0..x.len()).map(|i| (i as f64).cos()).collect();
    /// let products = f.hessian_at(&net, &digits.train, &x, &[v.clone(), w.clone()])?;
    /// let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    /// let (one, other) = (dot(&w, &products[0]), dot(&v, &products[1]));
    /// assert!((one - other).abs() < 1e-9 * one.abs()); // wᵀHv = vᵀHw
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn hessian_at(&self, net: &Net, split: &Split, x: &[f64], vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        self.times_at(Curvature::Hessian, net, split, x, vectors)
    }

    /// The same with the Gauss–Newton matrix ([`Curvature::GaussNewton`]) in the place of ∇²f(x).
    ///
    /// Cost: about 1.7 gradients for one vector.
    ///
    /// # Errors
    /// As [`hessian_at`](Self::hessian_at).
    pub fn gauss_newton_at(&self, net: &Net, split: &Split, x: &[f64], vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        self.times_at(Curvature::GaussNewton, net, split, x, vectors)
    }

    /// Products with either matrix; see [`hessian_at`](Self::hessian_at).
    pub(crate) fn times_at(
        &self,
        matrix: Curvature,
        net: &Net,
        split: &Split,
        x: &[f64],
        vectors: &[Vec<f64>],
    ) -> Result<Vec<Vec<f64>>> {
        for vector in vectors {
            if vector.len() != x.len() {
                return Err(Error::Shape(format!(
                    "{} has {} weights, but a vector to be multiplied has {}",
                    net.name(),
                    x.len(),
                    vector.len()
                )));
            }
            check_finite("a vector to be multiplied", vector)?;
        }
        match self.precision {
            super::Precision::Single => {
                let vectors: Vec<Vec<f32>> = vectors.iter().map(|vector| rounded(vector)).collect();
                self.products(matrix, net, split, x)?.times(&borrowed(&vectors))
            }
            super::Precision::Double => self.products(matrix, net, split, x)?.times(&borrowed(vectors)),
        }
    }

    /// Made ready for many products at x.
    pub(crate) fn products<'a, T: Real>(
        &self,
        matrix: Curvature,
        net: &Net,
        split: &'a Split,
        x: &[f64],
    ) -> Result<Products<'a, T>> {
        self.check_curved(net, split)?;
        net.check_point(x)?;
        check_finite("the point", x)?;
        Ok(Products { objective: *self, matrix, split, engine: self.engine(net, x)? })
    }

    /// Whether f is evaluated in a way that has products.
    pub(crate) fn is_curved(&self) -> bool {
        self.statistics == Statistics::Batch && self.is_fused()
    }

    /// An error unless f has second derivatives here.
    pub(crate) fn check_curved(&self, net: &Net, split: &Split) -> Result<()> {
        self.check(net, split)?;
        if self.statistics != Statistics::Batch {
            let allowed = "be batch for second derivatives: averages that are held fixed are another f at each x";
            return Err(Error::parameter("statistics", self.statistics, allowed));
        }
        if !self.is_fused() {
            let allowed = "be fused, on the CPU, for second derivatives: the tensor library differentiates once";
            let given = format!("{:?} on {}", self.passes, self.device);
            return Err(Error::parameter("passes", given, allowed));
        }
        Ok(())
    }
}

impl<T: Real> Products<'_, T> {
    /// The products with these vectors, n numbers each.
    pub(crate) fn times(&mut self, vectors: &[&[T]]) -> Result<Vec<Vec<f64>>> {
        let mut sums: Vec<Vec<f64>> = vectors.iter().map(|_| Vec::new()).collect();
        for range in chunks(self.split.len(), self.objective.chunk) {
            let share = range.len() as f64 / self.split.len() as f64;
            let mut done = |place: usize, product: &[T]| add(&mut sums[place], share, product);
            self.engine.products(self.split, &Points::Range(range), self.matrix, vectors, &mut done)?;
        }
        Ok(sums)
    }
}

fn borrowed<T>(vectors: &[Vec<T>]) -> Vec<&[T]> {
    vectors.iter().map(Vec::as_slice).collect()
}

fn rounded<T: Real>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&number| T::from_f64(number)).collect()
}

/// An error unless all are finite, in f32 too.
fn check_finite(what: &str, numbers: &[f64]) -> Result<()> {
    match numbers.iter().position(|&number| !(number as f32).is_finite()) {
        Some(place) => Err(Error::Data(format!("{what} must be finite, but its number {place} is {}", numbers[place]))),
        None => Ok(()),
    }
}
