//! How much of a step is a matter of a few leading directions?
//!
//! With unit eigenvectors u₁, u₂, … of the largest eigenvalues λ₁ ≥ λ₂ ≥ … and a step d from x, the first k of them carry of its
//!
//! - squared length: `Σᵢ ⟨uᵢ, d⟩² / ‖d‖²`;
//! - curvature: `Σᵢ λᵢ ⟨uᵢ, d⟩² / dᵀHd`, which can be more than all where H has negative eigenvalues;
//! - growth: `(f(x + Σᵢ ⟨uᵢ, d⟩ uᵢ) − f(x)) / (f(x + d) − f(x))`: what is left of it where only those directions may be used.
//!
//! With d the step that Metric 2.1 found ([`Sharpness::step`](crate::Sharpness::step)), the last says which part of φ the leading
//! directions have.
//!
//! Deviation: eigenvectors are Ritz vectors of the first probe. Those that have not converged are orthonormal directions of large
//! curvature, and no eigenvectors.

use super::Spectrum;
use crate::data::{Dataset, Which};
use crate::display::{Block, grouped, significant};
use crate::error::{Error, Result};
use crate::net::Net;
use crate::weights::Weights;

/// What the leading directions carry of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// Whose points f is over.
    pub split: Which,
    /// How many points.
    pub points: usize,
    /// n, the number of weights.
    pub weights: usize,
    /// f(x), nats.
    pub value: f64,
    /// f(x + d) − f(x), nats.
    pub growth: f64,
    /// ‖d‖.
    pub length: f64,
    /// dᵀHd, nats.
    pub curvature: f64,
    /// For each k what the first k directions carry.
    pub leading: Vec<Leading>,
}

/// What the first k directions carry of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leading {
    /// k.
    pub directions: usize,
    /// λ of the last of them.
    pub eigenvalue: f64,
    /// Fraction of the squared length.
    pub length: f64,
    /// Fraction of dᵀHd.
    pub curvature: f64,
    /// Fraction of the growth of f.
    pub growth: f64,
}

impl Spectrum {
    /// How much of a step from x its leading directions carry, k of them.
    ///
    /// Cost: that of [`eigenvectors`](Self::eigenvectors), a product, and k + 2 evaluations of f.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Shape`] for a step of another length than x, [`Error::Data`] for one that is 0 or not finite,
    /// [`Error::Parameter`] where the matrix is preconditioned, whose eigenvectors are not directions of x.
    ///
    /// ```
    /// use sharp_minima::{Sharpness, Spectrum, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.03)?;
    /// let x = Training::adam().batch(20).trials(1).epochs(5).quiet().run(&net, &data)?.weights[0].clone();
    /// let sharpness = Sharpness::full(1e-3).thorough().quiet();
    /// let step = sharpness.step(&net, &sharpness.at(&net, &data, &x)?)?;
    /// let explained = Spectrum::outermost(3).steps(20).quiet().explained(&net, &data, &x, &step)?;
    /// assert!(explained.leading[0].length < explained.leading[2].length);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn explained(&self, net: &Net, data: &Dataset, x: &Weights, step: &[f64]) -> Result<Explained> {
        if self.preconditioner.is_some() {
            let allowed =
                "be the Hessian or Gauss–Newton alone: eigenvectors of a preconditioned one are not directions of x";
            return Err(Error::parameter("matrix", "preconditioned", allowed));
        }
        net.check_weights(x)?;
        if step.len() != x.len() {
            return Err(Error::Shape(format!("a step has {} numbers for {} weights", step.len(), x.len())));
        }
        if !step.iter().all(|d| d.is_finite()) || step.iter().all(|d| *d == 0.0) {
            return Err(Error::Data("a step must be finite and not 0".into()));
        }
        let split = data.split(self.way.split);
        let own = self.eigenvectors(net, data, x)?;
        let start = x.to_f64();
        let objective = self.way.objective;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let product = objective.times_at(self.way.matrix, net, split, &start, &[step.to_vec()])?;
        let curvature = product.first().map_or(f64::NAN, |product| dot(product, step));
        let square = dot(step, step);
        let mut f = objective.repeated(net, split, None)?;
        let mut moved = |d: &[f64]| -> Result<f64> {
            let there: Vec<f64> = start.iter().zip(d).map(|(x, d)| x + d).collect();
            Ok(f.value(&there)?.loss)
        };
        let value = moved(&vec![0.0; step.len()])?;
        let growth = moved(step)? - value;
        let mut within = vec![0.0; step.len()];
        let (mut length, mut curved) = (0.0, 0.0);
        let mut leading = Vec::with_capacity(own.len());
        for (directions, own) in (1..).zip(&own) {
            let share = dot(&own.vector, step);
            within.iter_mut().zip(&own.vector).for_each(|(d, u)| *d += share * u);
            length += share * share / square;
            curved += own.eigenvalue.value * share * share / curvature;
            leading.push(Leading {
                directions,
                eigenvalue: own.eigenvalue.value,
                length,
                curvature: curved,
                growth: (moved(&within)? - value) / growth,
            });
        }
        Ok(Explained {
            net: net.name().into(),
            data: data.name.clone(),
            split: self.way.split,
            points: split.len(),
            weights: x.len(),
            value,
            growth,
            length: square.sqrt(),
            curvature,
            leading,
        })
    }
}

/// The k of a table, beside the last.
const SHOWN: [usize; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 500];

impl Explained {
    /// A row for some k, the last among them: the last eigenvalue, and which percentages of length, curvature and growth the first k
    /// directions carry. The frame has all.
    pub fn block(&self) -> Block {
        let percent = |share: f64| significant(100.0 * share);
        let last = self.leading.len();
        let is_shown = |own: &&Leading| own.directions == last || SHOWN.contains(&own.directions);
        let rows = self.leading.iter().filter(is_shown).map(|own| {
            let Leading { directions, eigenvalue, length, curvature, growth } = *own;
            let count = directions.to_string();
            vec![count, significant(eigenvalue), percent(length), percent(curvature), percent(growth)]
        });
        let title = format!(
            "A step of length {} over which f of {} on {} grows by {} nats (½ dᵀHd = {}), {} points of {}: what its leading directions carry, of {}",
            significant(self.length),
            self.net,
            self.data,
            significant(self.growth),
            significant(0.5 * self.curvature),
            grouped(self.points),
            self.split,
            grouped(self.weights)
        );
        let head = ["directions", "last eigenvalue", "length², %", "dᵀHd, %", "growth of f, %"];
        Block::table(&title, &head, rows.collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

crate::display::shown_as_text!(Leading);
