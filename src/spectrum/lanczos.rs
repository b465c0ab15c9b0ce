//! The method of Lanczos (1950): an orthonormal basis Q of what products with a symmetric matrix H make of a start, in which H is
//! a small tridiagonal matrix T, whose eigenvalues (Ritz values) approach the outermost of H first.
//!
//! Every new vector is made orthogonal to all before it, twice (classical Gram–Schmidt): without that, copies of eigenvalues that
//! were found come up again. `4 m² n` operations for m steps and n numbers are little beside m products.
//!
//! What the coefficients of that are tells how exact products are: were they exact, `⟨qⱼ, H q⟩` would be 0 but for the neighbors.
//! With C the matrix of all of them, `H Q = Q C + β q eᵀ`, so the residual `‖H u − θ u‖` of a Ritz vector u = Q s is
//! `√(‖(C − T) s‖² + (β sₘ)²)`, and some eigenvalue of the matrix that was multiplied by lies no farther than that from θ.

use rayon::prelude::*;

use super::tridiagonal::{Pair, pairs};
use crate::error::{Error, Result};
use crate::net::Real;
use crate::seed::{Random, uniform};
use crate::wide::{BLOCK, wide};

/// What so many steps made.
pub(super) struct Krylov<T> {
    /// Orthonormal, each of n numbers.
    basis: Vec<Vec<T>>,
    /// Coefficients of each product in the basis: of column j, the first j + 1.
    columns: Vec<Vec<f64>>,
    /// What lies beside the diagonal of T: norms of what products have beyond the basis. 0 where a new start was made.
    beside: Vec<f64>,
    /// What was dropped at a new start, and what the last product has beyond the basis: one a step.
    beyond: Vec<f64>,
    /// The largest coefficient so far.
    scale: f64,
    /// For where what was reached is closed under H.
    random: Random,
}

/// A Ritz value with the residual of its vector.
pub(super) struct Ritz {
    pub(super) value: f64,
    pub(super) residual: f64,
    /// The vector's coefficients in the basis.
    pub(super) vector: Vec<f64>,
}

impl<T: Real> Krylov<T> {
    /// Before the first step, from a start that is not 0.
    ///
    /// Memory: a vector of n numbers a step.
    pub(super) fn new(start: &[f64], random: Random) -> Self {
        let first = scaled(start, norm(start));
        let (columns, beside, beyond) = (Vec::new(), Vec::new(), Vec::new());
        Self { basis: vec![first], columns, beside, beyond, scale: 0.0, random }
    }

    /// The vector that the next step wants the product with.
    pub(super) fn last(&self) -> &[T] {
        self.basis.last().map_or(&[], Vec::as_slice)
    }

    /// A step, with the product of [`last`](Self::last); after the last one of at most n steps there is no next vector.
    ///
    /// # Errors
    /// [`Error::Data`] where the product is not finite.
    pub(super) fn step(&mut self, mut product: Vec<f64>, is_last: bool) -> Result<()> {
        if !norm(&product).is_finite() {
            return Err(Error::Data(
                "products with second derivatives must be finite, but one is not: f overflows there".into(),
            ));
        }
        let mut column = self.without(&mut product);
        column.iter_mut().zip(self.without(&mut product)).for_each(|(sum, more)| *sum += more);
        let size = norm(&product);
        self.scale = column.iter().fold(self.scale.max(size), |most, value| most.max(value.abs()));
        self.columns.push(column);
        if is_last {
            self.beyond.push(size);
        } else if size <= 64.0 * f64::EPSILON * self.scale {
            // Rounding alone leaves so much of a vector that lies in the basis.
            self.beyond.push(size);
            self.beside.push(0.0);
            let elsewhere = self.elsewhere(product.len());
            self.basis.push(scaled(&elsewhere, norm(&elsewhere)));
        } else {
            self.beyond.push(0.0);
            self.beside.push(size);
            self.basis.push(scaled(&product, size));
        }
        Ok(())
    }

    /// Takes what lies in the basis out of a vector: the coefficients.
    fn without(&self, vector: &mut [f64]) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = vector
            .par_chunks(BLOCK)
            .enumerate()
            .map(|(block, own)| {
                let of = |other: &Vec<T>| {
                    let other = &other[block * BLOCK..][..own.len()];
                    wide(
                        #[inline(always)]
                        || dot(other, own),
                    )
                };
                self.basis.iter().map(of).collect()
            })
            .collect();
        let mut sums = vec![0.0; self.basis.len()];
        parts.iter().for_each(|part| sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part));
        vector.par_chunks_mut(BLOCK).enumerate().for_each(|(block, own)| {
            for (other, &sum) in self.basis.iter().zip(&sums) {
                let other = &other[block * BLOCK..][..own.len()];
                wide(
                    #[inline(always)]
                    || add(own, -sum, other),
                );
            }
        });
        sums
    }

    /// A random vector that is orthogonal to the basis.
    fn elsewhere(&mut self, count: usize) -> Vec<f64> {
        let mut vector: Vec<f64> = (0..count).map(|_| 2.0 * f64::from(uniform(&mut self.random)) - 1.0).collect();
        for _ in 0..3 {
            self.without(&mut vector);
            // Near the end little is left of it, which must not be rounding alone.
            let size = norm(&vector).max(f64::MIN_POSITIVE);
            vector.iter_mut().for_each(|value| *value /= size);
        }
        vector
    }

    /// Ritz values, ascending.
    ///
    /// # Errors
    /// [`Error::Data`] where the small eigenproblem was not solved; none is known.
    pub(super) fn ritz(&self) -> Result<Vec<Ritz>> {
        let diagonal: Vec<f64> = self.columns.iter().filter_map(|column| column.last().copied()).collect();
        let found = pairs(&diagonal, &self.beside)?;
        Ok(found.into_iter().map(|pair| self.with_residual(pair)).collect())
    }

    fn with_residual(&self, Pair { value, vector }: Pair) -> Ritz {
        // (C − T) s, row by row.
        let mut off = vec![0.0; vector.len()];
        for (column, (own, s)) in self.columns.iter().zip(&vector).enumerate() {
            for (row, coefficient) in own.iter().enumerate().take(column) {
                let expected = if row + 1 == column { self.beside[row] } else { 0.0 };
                off[row] += (coefficient - expected) * s;
            }
        }
        let inside: f64 = off.iter().map(|value| value * value).sum();
        let beyond: f64 = self.beyond.iter().zip(&vector).map(|(beyond, s)| (beyond * s).powi(2)).sum();
        Ritz { value, residual: (inside + beyond).sqrt(), vector }
    }

    /// The vector with these coefficients: n numbers.
    pub(super) fn combined(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.basis.first().map_or(0, Vec::len)];
        sum.par_chunks_mut(BLOCK).enumerate().for_each(|(block, own)| {
            for (other, &coefficient) in self.basis.iter().zip(coefficients) {
                let other = &other[block * BLOCK..][..own.len()];
                wide(
                    #[inline(always)]
                    || add(own, coefficient, other),
                );
            }
        });
        sum
    }
}

/// `vector / size`, in the basis's precision.
fn scaled<T: Real>(vector: &[f64], size: f64) -> Vec<T> {
    vector.iter().map(|&value| T::from_f64(value / size)).collect()
}

/// `‖vector‖`, blocks added in their order.
pub(super) fn norm(vector: &[f64]) -> f64 {
    let squares = vector.par_chunks(BLOCK).map(|block| {
        wide(
            #[inline(always)]
            || dot(block, block),
        )
    });
    squares.collect::<Vec<f64>>().into_iter().sum::<f64>().sqrt()
}

/// In eight sums, whatever the machine has.
#[inline(always)]
fn dot<T: Real>(a: &[T], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += Into::<f64>::into(a[lane]) * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| Into::<f64>::into(a) * b).sum();
    sums.into_iter().sum::<f64>() + rest
}

#[inline(always)]
fn add<T: Real>(sum: &mut [f64], factor: f64, vector: &[T]) {
    sum.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += factor * Into::<f64>::into(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, Stream};

    fn random() -> Random {
        Seed(1).stream(Stream::Probe, 0)
    }

    fn run(eigenvalues: &[f64], start: Vec<f64>, steps: usize) -> Result<Krylov<f64>> {
        run_with(start, steps, |v| v.iter().zip(eigenvalues).map(|(v, own)| v * own).collect())
    }

    fn run_with(start: Vec<f64>, steps: usize, mut product: impl FnMut(&[f64]) -> Vec<f64>) -> Result<Krylov<f64>> {
        let mut krylov = Krylov::new(&start, random());
        for step in 0..steps {
            let product = product(krylov.last());
            krylov.step(product, step + 1 == steps)?;
        }
        Ok(krylov)
    }

    /// Each Ritz value lies within its residual, and rounding, of an eigenvalue; the basis is orthonormal.
    fn check(eigenvalues: &[f64], krylov: &Krylov<f64>) -> Result<Vec<Ritz>> {
        let found = krylov.ritz()?;
        let scale = eigenvalues.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        for Ritz { value, residual, vector } in &found {
            let away = eigenvalues.iter().map(|own| (own - value).abs()).fold(f64::INFINITY, f64::min);
            assert!(away <= residual + 1e-14 * scale, "{value} is {away:e} away, with a residual of {residual:e}");
            let vector = krylov.combined(vector);
            let true_residual: Vec<f64> = vector.iter().zip(eigenvalues).map(|(v, own)| own * v - value * v).collect();
            assert!((norm(&true_residual) - residual).abs() <= 1e-13 * scale, "{residual:e} is said of {value}");
        }
        for (place, own) in krylov.basis.iter().enumerate() {
            for (other, vector) in krylov.basis.iter().enumerate() {
                let product = dot(own, vector) - f64::from(u8::from(place == other));
                assert!(product.abs() < 1e-14, "{place}, {other}: {product:e}");
            }
        }
        Ok(found)
    }

    #[test]
    fn outermost_eigenvalues_are_found_with_their_residuals() -> Result<()> {
        // A bulk around 0, outliers on both sides, and a cluster of three that 1e-9 keeps apart.
        let mut own: Vec<f64> = (0..400).map(|i| 0.01 * (0.37 * f64::from(i)).sin()).collect();
        own.extend([1.0, 1.0 - 1e-9, 1.0 - 2e-9, 0.5, 0.4, -0.2, -0.1]);
        let start: Vec<f64> = (0..own.len()).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect();
        let found = check(&own, &run(&own, start, 60)?)?;
        let largest: Vec<f64> = found.iter().rev().take(3).map(|ritz| ritz.value).collect();
        assert!((largest[0] - 1.0).abs() < 3e-9 && (found[0].value + 0.2).abs() < 1e-12, "{largest:?}");
        assert!(found.iter().rev().take(2).all(|ritz| ritz.residual < 3e-9));
        Ok(())
    }

    /// All of them, where there are as many steps as numbers.
    #[test]
    fn as_many_steps_as_numbers_find_all() -> Result<()> {
        let own: Vec<f64> = (0..60).map(|i| f64::from(i * i) - 500.0).collect();
        let found = check(&own, &run(&own, vec![1.0; 60], 60)?)?;
        for (ritz, own) in found.iter().zip(&own) {
            assert!((ritz.value - own).abs() < 1e-10 && ritz.residual < 1e-9, "{} for {own}", ritz.value);
        }
        Ok(())
    }

    /// A start that spans three dimensions which H does not leave: it goes on elsewhere, and finds the rest, copies too.
    #[test]
    fn a_start_in_an_invariant_subspace_is_left() -> Result<()> {
        let own = [4.0, -3.0, 2.0, 2.0, 2.0, 1.0, 0.5, 0.0, 0.0, 7.0];
        let mut start = vec![0.0; 10];
        (start[0], start[1], start[2]) = (1.0, 2.0, 3.0);
        let krylov = run(&own, start, 10)?;
        assert!(krylov.beside[2] == 0.0 && krylov.beside[..2].iter().all(|beside| *beside > 0.1));
        let mut sorted = own;
        sorted.sort_by(f64::total_cmp);
        for (ritz, own) in check(&own, &krylov)?.iter().zip(sorted) {
            assert!((ritz.value - own).abs() < 1e-13, "{} for {own}", ritz.value);
        }
        // What the quadrature of the start sees is its subspace alone.
        let seen: f64 = krylov.ritz()?.iter().map(|ritz| ritz.vector[0].powi(2) * ritz.value).sum();
        assert!((seen - (4.0 - 3.0 * 4.0 + 2.0 * 9.0) / 14.0).abs() < 1e-14);
        // H = 0, and H = 3.
        for level in [0.0, 3.0] {
            let found = check(&[level; 8], &run(&[level; 8], vec![1.0; 8], 5)?)?;
            assert!(found.len() == 5 && found.iter().all(|ritz| (ritz.value - level).abs() < 1e-14));
        }
        Ok(())
    }

    /// Products that are off by 1e-6 have residuals that say so.
    #[test]
    fn noise_of_products_shows_in_the_residuals() -> Result<()> {
        let own: Vec<f64> = (0..300).map(|i| 0.9f64.powi(i)).collect();
        let mut state = 1u32;
        let product = |v: &[f64]| {
            let mut noisy = |v: f64| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                v + 1e-6 * (f64::from(state) / f64::from(u32::MAX) - 0.5)
            };
            v.iter().zip(&own).map(|(v, own)| noisy(v * own)).collect()
        };
        let found = run_with(vec![1.0; 300], 60, product)?.ritz()?;
        let Some(largest) = found.last() else { return Err(Error::Data("no value".into())) };
        assert!((largest.value - 1.0).abs() < 1e-5);
        // The noise of a product of 300 numbers has a norm of 5e-6.
        assert!(largest.residual > 5e-7 && largest.residual < 2e-5, "{:e}", largest.residual);
        Ok(())
    }

    #[test]
    fn what_is_not_finite_is_an_error() {
        let error = run(&[1.0, f64::NAN], vec![1.0; 2], 2).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("must be finite")));
    }
}
