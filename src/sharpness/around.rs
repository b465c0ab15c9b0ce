//! f in the box around a point, as a function of the box's own coordinates.

use super::directions::Directions;
use crate::error::Result;
use crate::objective::Repeated;

/// f around x, as a function of y.
pub(super) struct Around<'a> {
    pub(super) f: Repeated<'a>,
    pub(super) x: &'a [f64],
    pub(super) directions: Option<&'a Directions>,
    /// f and its gradient at y = 0, from where more than one search begins.
    pub(super) start: Option<(f64, Vec<f64>)>,
}

impl Around<'_> {
    /// Half the sides of the box `C_ε`: `ε (|(A⁺x)ᵢ| + 1)`.
    pub(super) fn radius(epsilon: f64, x: &[f64], directions: Option<&Directions>) -> Vec<f64> {
        let side = |z: f64| epsilon * (z.abs() + 1.0);
        match directions {
            None => x.iter().map(|x| side(*x)).collect(),
            Some(a) => a.coordinates(x).into_iter().map(side).collect(),
        }
    }

    fn moved(&self, y: &[f64]) -> Vec<f64> {
        match self.directions {
            None => self.x.iter().zip(y).map(|(x, y)| x + y).collect(),
            Some(a) => a.moved(self.x, y),
        }
    }

    pub(super) fn value(&mut self, y: &[f64]) -> Result<f64> {
        let x = self.moved(y);
        Ok(self.f.value(&x)?.loss)
    }

    /// f with its gradient in y.
    pub(super) fn at(&mut self, y: &[f64], gradient: &mut [f64]) -> Result<f64> {
        if let Some((value, there)) = self.start.as_ref().filter(|_| y.iter().all(|y| *y == 0.0)) {
            gradient.copy_from_slice(there);
            return Ok(*value);
        }
        let x = self.moved(y);
        let found = self.f.gradient(&x)?;
        match self.directions {
            None => gradient.copy_from_slice(&found.gradient),
            Some(a) => gradient.copy_from_slice(&a.of_gradient(&found.gradient)),
        }
        Ok(found.loss)
    }
}

/// `A y`: how far x moves.
pub(super) fn step(directions: Option<&Directions>, n: usize, y: &[f64]) -> Vec<f64> {
    directions.map_or_else(|| y.to_vec(), |a| a.moved(&vec![0.0; n], y))
}

/// How much f grows, as a percentage of 1 + f(x).
pub(super) fn percent(growth: f64, value: f64) -> f64 {
    100.0 * growth / (1.0 + value)
}

/// The mean of `|zᵢ − fromᵢ| / rᵢ`; a box without room has been reached.
pub(super) fn reach(z: &[f64], from: &[f64], radius: &[f64]) -> f64 {
    let shares = z.iter().zip(from).zip(radius);
    let shares = shares.map(|((z, from), r)| if *r > 0.0 { (z - from).abs() / r } else { 1.0 });
    shares.sum::<f64>() / z.len() as f64
}

/// The fraction of the coordinates that lie on their bound.
pub(super) fn active(z: &[f64], radius: &[f64]) -> f64 {
    z.iter().zip(radius).filter(|(z, r)| z.abs() >= **r).count() as f64 / z.len() as f64
}
