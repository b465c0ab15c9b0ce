//! What all searches share: how they are named, how they end, what they have seen.

use std::fmt;

use crate::error::{Error, Result};

/// How the largest f in the box is looked for; one iteration is one evaluation of f and ∇f, for L-BFGS-B one or a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Maximizer {
    /// L-BFGS-B with 10 pairs, tolerances off, as in the paper.
    #[default]
    Lbfgsb,
    /// Projected gradient ascent: a step of the whole box along the gradient, scaled by the box, halved whenever f has not
    /// grown: `z ← Π(z + η r² ∇f / ‖r ∇f‖∞)`, r² a coordinate.
    ProjectedGradient,
    /// Auto-PGD (Croce and Hein 2020, arXiv 2003.01690): steps along the sign of the gradient with momentum 0.75, from twice
    /// the box, halved at checkpoints where f has not grown often enough; then again from the best point.
    AutoPgd,
    /// Corner ascent: to the corner that the gradient points to, `zᵢ = rᵢ sign(∂f/∂zᵢ)`, until it points to itself.
    Corners,
    /// Corner ascent that goes only where f grows, and where that ends flips of single coordinates, `zᵢ ← −zᵢ`: those that lose
    /// least to first order first, the first at which f grows taken, and ascent again. It ends at a corner that none of its p
    /// neighbors surpasses, if [`iterations`](crate::Sharpness::iterations) are enough: p of them and more. For subspaces, where
    /// corner ascent has as many ends as starts; it looks at corners alone.
    Flips,
}

impl fmt::Display for Maximizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Maximizer::Lbfgsb => "L-BFGS-B",
            Maximizer::ProjectedGradient => "projected gradient",
            Maximizer::AutoPgd => "Auto-PGD",
            Maximizer::Corners => "corner ascent",
            Maximizer::Flips => "corner ascent with flips",
        })
    }
}

crate::display::shown_as_text!(Maximizer);

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Ended {
    /// All its iterations are done: more of them may find more.
    Iterations,
    /// No way leads up from where it is: a maximum, or another stationary point.
    Stationary,
    /// Its line search found no larger f along its direction.
    LineSearch,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ended::Iterations => "iteration limit",
            Ended::Stationary => "stationary",
            Ended::LineSearch => "line search",
        })
    }
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The point of the largest f seen.
    pub(crate) z: Vec<f64>,
    /// f there.
    pub(crate) largest: f64,
    /// The largest f seen at the start and after each iteration.
    pub(crate) trace: Vec<f64>,
    /// Evaluations of f with ∇f.
    pub(crate) evaluations: usize,
    pub(crate) ended: Ended,
}

/// f with ∇f at a point of the box; the gradient goes where the second argument says.
pub(crate) type Evaluate<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64> + 'a;

pub(super) fn into_box(z: &mut [f64], radius: &[f64]) {
    z.iter_mut().zip(radius).for_each(|(z, &r)| *z = z.clamp(-r, r));
}

/// f, and the best that it has shown.
pub(super) struct Seen<'a, 'b> {
    pub(super) evaluate: &'a mut Evaluate<'b>,
    pub(super) z: Vec<f64>,
    pub(super) largest: f64,
    /// The last point with f and ∇f there.
    pub(super) last: (Vec<f64>, f64, Vec<f64>),
    pub(super) evaluations: usize,
    pub(super) trace: Vec<f64>,
}

impl Seen<'_, '_> {
    /// f and ∇f; both must be finite. L-BFGS-B sometimes asks twice in a row for one point: that is answered once.
    pub(super) fn at(&mut self, z: &[f64], gradient: &mut [f64]) -> Result<f64> {
        if self.last.0 == z {
            gradient.copy_from_slice(&self.last.2);
            return Ok(self.last.1);
        }
        let value = (self.evaluate)(z, gradient)?;
        self.evaluations += 1;
        if !(value.is_finite() && gradient.iter().all(|g| g.is_finite())) {
            let what = match value.is_finite() {
                true => String::from("the gradient of f in the box must be finite, but is not"),
                false => format!("f in the box must be finite, but is {value}"),
            };
            return Err(Error::Data(format!("{what} in evaluation {}: a smaller ε may help", self.evaluations)));
        }
        if value > self.largest {
            self.largest = value;
            self.z.clear();
            self.z.extend_from_slice(z);
        }
        self.last.0.clear();
        self.last.0.extend_from_slice(z);
        self.last.1 = value;
        self.last.2.clear();
        self.last.2.extend_from_slice(gradient);
        Ok(value)
    }

    /// An iteration is done.
    pub(super) fn done(&mut self) {
        self.trace.push(self.largest);
    }
}

/// No coordinate can move along its derivative.
pub(super) fn is_stationary(z: &[f64], gradient: &[f64], radius: &[f64]) -> bool {
    z.iter().zip(gradient).zip(radius).all(|((&z, &g), &r)| g == 0.0 || z == r.copysign(g))
}
