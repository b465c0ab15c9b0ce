//! A penalty on the gradient's norm: [`Strategy::Penalty`](super::Strategy::Penalty).

use super::super::slope::{Batch, Look, Seen, Slope, combine, dot};
use crate::error::Result;
use crate::net::Real;

/// ‖δ ∇f‖: how far the difference that stands for ∇²f ∇f reaches.
const REACH: f64 = 0.01;

pub(super) fn gradient<T: Real>(slope: &mut Slope<T>, part: &Batch<'_>, strength: f64) -> Result<Seen> {
    let x = slope.point()?;
    let loss = slope.gradient(part, Look::First)?;
    let seen = Seen { loss, own: loss, passes: 1.0 };
    let gradient = slope.last_gradient()?;
    let norm = dot(&gradient, &gradient).sqrt();
    if !loss.is_finite() || norm == 0.0 {
        return Ok(seen);
    }
    let step = REACH / norm;
    let mut moved = x.clone();
    combine(&mut moved, step, &gradient);
    slope.move_to(&moved)?;
    slope.gradient(part, Look::Again)?;
    slope.move_to(&x)?;
    // g + a (g′ − g) / δ
    let mut total = slope.last_gradient()?;
    total.iter_mut().zip(&gradient).for_each(|(other, &own)| *other -= own);
    let mut sum = gradient;
    combine(&mut sum, strength / step, &total);
    slope.set_gradient(sum)?;
    Ok(Seen { own: loss + 0.5 * strength * norm * norm, passes: 2.0, ..seen })
}
