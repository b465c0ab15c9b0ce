//! Projected gradient ascent; the formula is at [`Maximizer::ProjectedGradient`](super::Maximizer::ProjectedGradient).

use super::search::{Ended, Seen, into_box, is_stationary};
use crate::error::Result;

pub(super) fn projected_gradient(
    seen: &mut Seen<'_, '_>,
    radius: &[f64],
    mut z: Vec<f64>,
    iterations: usize,
) -> Result<Ended> {
    let mut gradient = vec![0.0; z.len()];
    let mut fresh = vec![0.0; z.len()];
    let mut value = seen.at(&z, &mut gradient)?;
    seen.done();
    let mut step = 2.0;
    for _ in 0..iterations {
        if is_stationary(&z, &gradient, radius) {
            return Ok(Ended::Stationary);
        }
        let most = gradient.iter().zip(radius).map(|(g, r)| (g * r).abs()).fold(0.0, f64::max);
        let moves = z.iter().zip(&gradient).zip(radius);
        let mut next: Vec<f64> =
            moves.map(|((z, g), r)| if most > 0.0 { z + step * r * (g * r / most) } else { *z }).collect();
        into_box(&mut next, radius);
        let there = seen.at(&next, &mut fresh)?;
        seen.done();
        if there > value {
            value = there;
            z = next;
            std::mem::swap(&mut gradient, &mut fresh);
        } else {
            step /= 2.0;
        }
    }
    Ok(Ended::Iterations)
}
