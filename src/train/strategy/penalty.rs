//! A penalty on the gradient's norm: [`Strategy::Penalty`](super::Strategy::Penalty).

use super::super::slope::{Batch, Look, Seen, Slope, combine};
use crate::error::Result;
use crate::net::Real;

/// ‖δ ∇f‖: how far the difference that stands for ∇²f ∇f reaches.
const REACH: f64 = 0.01;

pub(super) fn gradient<T: Real>(slope: &mut Slope<T>, part: &Batch<'_>, strength: f64) -> Result<Seen> {
    let loss = slope.gradient(part, Look::First)?;
    let seen = Seen { loss, own: loss, passes: 1.0 };
    let norm = slope.gradient_norm()?;
    if !loss.is_finite() || norm == 0.0 {
        return Ok(seen);
    }
    let (x, mut sum) = (slope.point()?, slope.last_gradient()?);
    let step = REACH / norm;
    slope.climb(step)?;
    let there = slope.gradient(part, Look::Again)?;
    slope.move_to(&x)?;
    slope.give(x);
    if !there.is_finite() {
        return Ok(Seen { loss: there, own: there, passes: 2.0 });
    }
    // g + a (g′ − g) / δ
    let mut other = slope.last_gradient()?;
    other.iter_mut().zip(&sum).for_each(|(other, &own)| *other -= own);
    combine(&mut sum, strength / step, &other);
    slope.give(other);
    slope.set_gradient(sum)?;
    Ok(Seen { own: loss + 0.5 * strength * norm * norm, passes: 2.0, ..seen })
}
