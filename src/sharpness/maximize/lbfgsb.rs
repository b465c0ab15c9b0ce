//! L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995), the paper's maximizer: the only file that knows the solver's crate.
//!
//! A step is taken as SciPy's code (version 3.0 of the authors' own, Morales and Nocedal 2011) takes it. The line search tries
//! `x + s (z − x)`, where z minimizes the model in the box. At s = 1 that is z itself, with its coordinates on their bounds;
//! at any other s a coordinate that rounding carries out of the box is put back onto its bound, *alone*. The crate shortens
//! the whole step by one part in 2⁵² instead: every coordinate on a bound then ends one such part inside, and each of them
//! keeps the next line search from going beyond s = 1. So the vectors that it works with are our own ([`Held`]), and they
//! stay in the box by themselves.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Ended, Seen};
use crate::error::{Error, Result};

/// Pairs of steps and gradients that it remembers, as in the paper.
const PAIRS: usize = 10;

/// A point of the box, or a direction or a gradient, which have no bounds.
#[derive(Clone, PartialEq)]
struct Held {
    numbers: Vec<f64>,
    /// rᵢ, where it is a point.
    radius: Option<Rc<[f64]>>,
}

impl Held {
    fn free(numbers: Vec<f64>) -> Self {
        Self { numbers, radius: None }
    }
}

impl basin::solver::lbfgs::AsFloatSlice for Held {
    fn as_float_slice(&self) -> &[f64] {
        &self.numbers
    }
}

impl basin::solver::lbfgs::AsFloatSliceMut for Held {
    fn as_float_slice_mut(&mut self) -> &mut [f64] {
        &mut self.numbers
    }
}

impl basin::VectorLen for Held {
    fn vec_len(&self) -> usize {
        self.numbers.len()
    }
}

impl basin::Dot for Held {
    fn dot(&self, other: &Self) -> f64 {
        self.numbers.iter().zip(&other.numbers).map(|(a, b)| a * b).sum()
    }
}

impl basin::ScaledAdd for Held {
    /// A step of a point: what leaves the box is put onto its bound, and after a whole step so is what belongs there.
    fn scaled_add(&mut self, scalar: f64, other: &Self) {
        self.numbers.iter_mut().zip(&other.numbers).for_each(|(z, d)| *z += scalar * d);
        let Some(radius) = &self.radius else { return };
        // x + (z − x) is z but for 1.5 units in the last place of a bound, if z lies on it.
        let near = if scalar == 1.0 { 2.0 * f64::EPSILON } else { 0.0 };
        for (z, &r) in self.numbers.iter_mut().zip(radius.iter()) {
            if r - z.abs() <= near * r {
                *z = r.copysign(*z);
            }
        }
    }
}

/// −f in its box, as the solver wants it.
struct Lowered<'a, 'b, 'c, 'd> {
    seen: &'a RefCell<&'b mut Seen<'c, 'd>>,
    lower: Held,
    upper: Held,
}

impl basin::Constraints for Lowered<'_, '_, '_, '_> {
    type Set = basin::ConstraintSet<basin::BoxBounds<Held>>;

    fn constraints(&self) -> <Self::Set as basin::ConstraintDescription>::Borrowed<'_> {
        basin::ConstraintSet::new().with_bounds(basin::BoxBounds::new(Some(&self.lower), Some(&self.upper)))
    }
}

impl basin::CostFunction for Lowered<'_, '_, '_, '_> {
    type Param = Held;
    type Output = f64;
    type Error = Error;

    fn cost(&self, z: &Held) -> Result<f64> {
        Ok(-self.seen.borrow_mut().at(&z.numbers, &mut vec![0.0; z.numbers.len()])?)
    }
}

impl basin::Gradient for Lowered<'_, '_, '_, '_> {
    type Gradient = Held;

    fn gradient(&self, z: &Held) -> Result<Held> {
        Ok(self.cost_and_gradient(z)?.1)
    }

    fn cost_and_gradient(&self, z: &Held) -> Result<(f64, Held)> {
        let mut gradient = Held::free(Vec::new());
        Ok((self.cost_and_gradient_into(z, &mut gradient)?, gradient))
    }

    // Without this one, each evaluation would make a vector of its own.
    fn cost_and_gradient_into(&self, z: &Held, gradient: &mut Held) -> Result<f64> {
        gradient.radius = None;
        gradient.numbers.resize(z.numbers.len(), 0.0);
        let value = self.seen.borrow_mut().at(&z.numbers, &mut gradient.numbers)?;
        gradient.numbers.iter_mut().for_each(|g| *g = -*g);
        Ok(-value)
    }
}

pub(super) fn lbfgsb(seen: &mut Seen<'_, '_>, radius: &[f64], start: Vec<f64>, iterations: usize) -> Result<Ended> {
    let failed = |error: basin::ConstraintSolveError<Error>| match error {
        basin::ConstraintSolveError::Evaluation(error) => error,
        other => Error::Data(format!("L-BFGS-B: {other}")),
    };
    let seen = RefCell::new(seen);
    let lower = Held::free(radius.iter().map(|r| -r).collect());
    let problem = Lowered { seen: &seen, lower, upper: Held::free(radius.to_vec()) };
    let start = Held { numbers: start, radius: Some(radius.into()) };
    // Its defaults would stop where gradients are as small as they are here; at 0 it stops at an exactly stationary point.
    let solver = basin::Lbfgsb::new()
        .with_m_capacity(PAIRS)
        .with_absolute_projected_gradient_tolerance(0.0)
        .with_relative_cost_reduction_tolerance(0.0);
    let executor = basin::Executor::new(problem, solver, basin::FirstOrderState::new(start));
    let mut stepper = executor.max_iter(iterations as u64).into_stepper().map_err(failed)?;
    seen.borrow_mut().done();
    let mut done = 0;
    loop {
        // After an error the solver has no state to ask for; what was seen is kept here.
        let outcome = stepper.step().map_err(failed)?;
        if stepper.iter() > done {
            done = stepper.iter();
            seen.borrow_mut().done();
        }
        if let Some(report) = outcome.report() {
            return Ok(match &report.termination {
                basin::Termination::Limit(_) => Ended::Iterations,
                basin::Termination::Converged(_) => Ended::Stationary,
                _ => Ended::LineSearch,
            });
        }
    }
}
