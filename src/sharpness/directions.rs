//! Along which directions? A, an n × p matrix, never written down where it is random: its rows are drawn again whenever
//! they are needed, in blocks with streams of their own.
//!
//! `A⁺ = (AᵀA)⁻¹ Aᵀ` needs the p × p matrix AᵀA alone, and its factor `AᵀA = RᵀR` (Cholesky) makes the columns of `A R⁻¹`
//! orthonormal.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::seed::{Seed, Stream, normal, words};
use crate::wide::wide;

/// Rows of a block: enough to fill a thread, few enough that what is drawn of them stays in its cache.
const ROWS: usize = 128;

/// A with its factor.
pub(super) struct Directions {
    columns: Columns,
    n: usize,
    p: usize,
    /// R, upper triangular, row-major.
    factor: Vec<f64>,
    orthonormal: bool,
}

enum Columns {
    /// Entries drawn from N(0, 1).
    Random { seed: Seed, draw: u64 },
    /// These, one after another.
    Given(Vec<Vec<f64>>),
}

/// Where a thread draws.
#[derive(Default)]
struct Room {
    words: Vec<u32>,
    numbers: Vec<f32>,
    rows: Vec<f64>,
}

impl Directions {
    /// p random columns of n entries; another `draw` is another A.
    pub(super) fn random(n: usize, p: usize, seed: Seed, draw: u64, orthonormal: bool) -> Result<Self> {
        if p == 0 || p > n {
            return Err(Error::parameter("p", p, format!("lie in 1..={n}, the number of weights")));
        }
        if draw >= 1 << 24 || n.div_ceil(ROWS) >= 1 << 32 {
            return Err(Error::parameter("draw", draw, "lie in 0..16777216"));
        }
        Self { columns: Columns::Random { seed, draw }, n, p, factor: Vec::new(), orthonormal }.factored()
    }

    /// These columns, all of n entries.
    pub(super) fn given(n: usize, columns: Vec<Vec<f64>>, orthonormal: bool) -> Result<Self> {
        let p = columns.len();
        if p == 0 || p > n {
            return Err(Error::parameter("number of directions", p, format!("lie in 1..={n}, the number of weights")));
        }
        if let Some((place, column)) = columns.iter().enumerate().find(|(_, column)| column.len() != n) {
            return Err(Error::Shape(format!("direction {place} has {} numbers for {n} weights", column.len())));
        }
        if let Some(place) = columns.iter().position(|column| !column.iter().all(|value| value.is_finite())) {
            return Err(Error::Data(format!("direction {place} has numbers that are not finite")));
        }
        Self { columns: Columns::Given(columns), n, p, factor: Vec::new(), orthonormal }.factored()
    }

    /// Rows of a block, row-major.
    fn rows<'a>(&self, block: usize, room: &'a mut Room) -> &'a [f64] {
        let range = block * ROWS..self.n.min((block + 1) * ROWS);
        let Room { words: drawn, numbers, rows } = room;
        rows.clear();
        match &self.columns {
            Columns::Random { seed, draw } => {
                let count = range.len() * self.p;
                // Normal numbers come in pairs.
                drawn.resize(count.next_multiple_of(2), 0);
                numbers.resize(drawn.len(), 0.0);
                words(&mut seed.stream(Stream::Subspace, (*draw << 32) | block as u64), drawn);
                wide(
                    #[inline(always)]
                    || {
                        normal(drawn, numbers);
                        rows.extend(numbers.iter().take(count).map(|&number| f64::from(number)));
                    },
                );
            }
            Columns::Given(columns) => {
                rows.extend(range.flat_map(|row| columns.iter().map(move |column| column[row])));
            }
        }
        rows
    }

    fn blocks(&self) -> usize {
        self.n.div_ceil(ROWS)
    }

    /// What `each` makes of the blocks, added in their order.
    fn sum(&self, size: usize, each: impl Fn(usize, &[f64], &mut [f64]) + Sync) -> Vec<f64> {
        // So many blocks share a sum, that the sums are few and their order is fixed.
        const SHARE: usize = 64;
        let shares = (0..self.blocks().div_ceil(SHARE)).into_par_iter().map(|share| {
            let (mut sum, mut room) = (vec![0.0; size], Room::default());
            for block in share * SHARE..self.blocks().min((share + 1) * SHARE) {
                each(block, self.rows(block, &mut room), &mut sum);
            }
            sum
        });
        let mut total = vec![0.0; size];
        for sum in shares.collect::<Vec<_>>() {
            total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
        }
        total
    }

    /// Aᵀ g.
    fn down(&self, g: &[f64]) -> Vec<f64> {
        self.sum(self.p, |block, rows, sum| {
            wide(
                #[inline(always)]
                || {
                    for (row, &g) in rows.chunks_exact(self.p).zip(&g[block * ROWS..]) {
                        sum.iter_mut().zip(row).for_each(|(sum, a)| *sum += a * g);
                    }
                },
            );
        })
    }

    fn factored(mut self) -> Result<Self> {
        let p = self.p;
        // The upper triangle of AᵀA, a row of it after another so that its sums stay where they are added to.
        let gram = self.sum(p * p, |_, rows, sum| {
            wide(
                #[inline(always)]
                || {
                    for (i, sums) in sum.chunks_exact_mut(p).enumerate() {
                        for row in rows.chunks_exact(p) {
                            let a = row[i];
                            sums[i..].iter_mut().zip(&row[i..]).for_each(|(sum, b)| *sum += a * b);
                        }
                    }
                },
            );
        });
        let mut factor = vec![0.0; p * p];
        for j in 0..p {
            for i in j..p {
                let inner: f64 = (0..j).map(|k| factor[k * p + i] * factor[k * p + j]).sum();
                let rest = gram[j * p + i] - inner;
                if i > j {
                    factor[j * p + i] = rest / factor[j * p + j];
                } else if rest > 1e-12 * gram[j * p + j] && rest.is_finite() {
                    factor[j * p + j] = rest.sqrt();
                } else {
                    return Err(Error::Data(format!(
                        "the directions must be independent, but direction {j} lies in the span of those before it"
                    )));
                }
            }
        }
        self.factor = factor;
        Ok(self)
    }

    /// y ← R⁻¹ y.
    fn unfactor(&self, y: &mut [f64]) {
        for i in (0..self.p).rev() {
            let known: f64 = (i + 1..self.p).map(|k| self.factor[i * self.p + k] * y[k]).sum();
            y[i] = (y[i] - known) / self.factor[i * self.p + i];
        }
    }

    /// y ← R⁻ᵀ y.
    fn unfactor_transposed(&self, y: &mut [f64]) {
        for i in 0..self.p {
            let known: f64 = (0..i).map(|k| self.factor[k * self.p + i] * y[k]).sum();
            y[i] = (y[i] - known) / self.factor[i * self.p + i];
        }
    }

    /// `A⁺ x`, p numbers.
    pub(super) fn coordinates(&self, x: &[f64]) -> Vec<f64> {
        let mut y = self.down(x);
        self.unfactor_transposed(&mut y);
        if !self.orthonormal {
            self.unfactor(&mut y);
        }
        y
    }

    /// `Aᵀ g`, p numbers: the gradient in y of what has the gradient g in x.
    pub(super) fn of_gradient(&self, g: &[f64]) -> Vec<f64> {
        let mut y = self.down(g);
        if self.orthonormal {
            self.unfactor_transposed(&mut y);
        }
        y
    }

    /// `x + A y`.
    pub(super) fn moved(&self, x: &[f64], y: &[f64]) -> Vec<f64> {
        let mut y = y.to_vec();
        if self.orthonormal {
            self.unfactor(&mut y);
        }
        let mut moved = x.to_vec();
        moved.par_chunks_mut(ROWS).enumerate().for_each_init(Room::default, |room, (block, moved)| {
            let rows = self.rows(block, room);
            wide(
                #[inline(always)]
                || {
                    for (place, row) in moved.iter_mut().zip(rows.chunks_exact(self.p)) {
                        *place += dot(row, &y);
                    }
                },
            );
        });
        moved
    }
}

/// `⟨a, b⟩` in eight sums that are added in a fixed order: one sum alone waits for each of its additions.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// import numpy as np
    /// A = np.array([[1., 2.], [0., 1.], [3., -1.]]); x = np.array([1., 2., 3.])
    /// print(np.linalg.pinv(A) @ x); q, r = np.linalg.qr(A); s = np.sign(np.diag(r)); print(s * (q.T @ x), A.T @ x)
    /// ```
    #[test]
    fn coordinates_are_those_of_a_dense_pseudo_inverse() -> Result<()> {
        let columns = vec![vec![1.0, 0.0, 3.0], vec![2.0, 1.0, -1.0]];
        let x = [1.0, 2.0, 3.0];
        let near = |found: &[f64], expected: [f64; 2]| {
            found
                .iter()
                .zip(expected)
                .for_each(|(f, e)| assert!((f - e).abs() < 1e-12, "{found:?} is not {expected:?}"));
        };
        let plain = Directions::given(3, columns.clone(), false)?;
        near(&plain.coordinates(&x), PINV);
        near(&plain.of_gradient(&x), [10.0, 1.0]);
        assert_eq!(plain.moved(&x, &[1.0, -1.0]), [0.0, 1.0, 7.0]);
        let orthonormal = Directions::given(3, columns, true)?;
        near(&orthonormal.coordinates(&x), ORTHONORMAL);
        near(&orthonormal.of_gradient(&x), ORTHONORMAL);
        let step = orthonormal.moved(&[0.0; 3], &[0.6, 0.8]);
        assert!((step.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-12, "{step:?}");
        Ok(())
    }

    const PINV: [f64; 2] = [1.0338983050847452, 0.3389830508474573];
    const ORTHONORMAL: [f64; 2] = [3.162277660168379, 0.8233869695926177];

    /// Of many entries mean and variance are those of N(0, 1), and blocks do not repeat.
    #[test]
    fn random_columns_are_normal() -> Result<()> {
        let (n, p) = (40_000, 5);
        let a = Directions::random(n, p, Seed(3), 0, false)?;
        let moved = a.moved(&vec![0.0; n], &[0.0, 1.0, 0.0, 0.0, 0.0]);
        let mean = moved.iter().sum::<f64>() / n as f64;
        let variance = moved.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
        // Four standard errors: 1 / √n of a mean, √(2 / n) of a variance.
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.0283, "{mean}, {variance}");
        assert_ne!(moved[..ROWS], moved[ROWS..2 * ROWS]);
        let other = Directions::random(n, p, Seed(3), 1, false)?;
        assert_ne!(moved, other.moved(&vec![0.0; n], &[0.0, 1.0, 0.0, 0.0, 0.0]));
        // A⁺ A y = y.
        let y = [0.5, -1.0, 2.0, 0.0, 3.0];
        for orthonormal in [false, true] {
            let a = Directions::random(n, p, Seed(3), 2, orthonormal)?;
            let back = a.coordinates(&a.moved(&vec![0.0; n], &y));
            back.iter().zip(y).for_each(|(b, y)| assert!((b - y).abs() < 1e-10, "{back:?}"));
        }
        Ok(())
    }

    #[test]
    fn columns_that_are_no_base_are_refused() {
        let said = |result: Result<Directions>| result.err().map(|error| error.to_string()).unwrap_or_default();
        let dependent = vec![vec![1.0, 2.0, 3.0], vec![0.0, 1.0, 0.0], vec![2.0, 5.0, 6.0]];
        assert_eq!(
            said(Directions::given(3, dependent, false)),
            "the directions must be independent, but direction 2 lies in the span of those before it"
        );
        assert_eq!(said(Directions::given(3, vec![vec![0.0; 2]], false)), "direction 0 has 2 numbers for 3 weights");
        assert_eq!(
            said(Directions::given(1, vec![vec![f64::NAN]], false)),
            "direction 0 has numbers that are not finite"
        );
        assert_eq!(
            said(Directions::random(7, 0, Seed(0), 0, false)),
            "p must lie in 1..=7, the number of weights, but is 0"
        );
        assert_eq!(
            said(Directions::random(7, 8, Seed(0), 0, false)),
            "p must lie in 1..=7, the number of weights, but is 8"
        );
    }
}
