//! Corner ascent; the formula is at [`Maximizer::Corners`](super::Maximizer::Corners).

use super::search::{Ended, Seen, is_stationary};
use crate::error::Result;

pub(super) fn corners(seen: &mut Seen<'_, '_>, radius: &[f64], mut z: Vec<f64>, iterations: usize) -> Result<Ended> {
    let mut gradient = vec![0.0; z.len()];
    seen.at(&z, &mut gradient)?;
    seen.done();
    for _ in 0..iterations {
        if is_stationary(&z, &gradient, radius) {
            return Ok(Ended::Stationary);
        }
        for ((z, &g), &r) in z.iter_mut().zip(&gradient).zip(radius) {
            if g != 0.0 {
                *z = r.copysign(g);
            }
        }
        seen.at(&z, &mut gradient)?;
        seen.done();
    }
    Ok(Ended::Iterations)
}
