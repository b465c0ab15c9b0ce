//! Corner ascent with flips; the formula is at [`Maximizer::Flips`](super::Maximizer::Flips).

use super::search::{Ended, Seen, is_stationary};
use crate::error::Result;

pub(super) fn flips(seen: &mut Seen<'_, '_>, radius: &[f64], mut z: Vec<f64>, iterations: usize) -> Result<Ended> {
    let mut gradient = vec![0.0; z.len()];
    seen.at(&z, &mut gradient)?;
    seen.done();
    let is_corner = z.iter().zip(radius).all(|(z, r)| z.abs() == *r);
    if is_stationary(&z, &gradient, radius) && !is_corner {
        return Ok(Ended::Stationary);
    }
    let mut left = iterations;
    let mut other = gradient.clone();
    // f at a corner and its gradient; nothing once all iterations are done.
    let mut at = |z: &[f64], gradient: &mut [f64]| -> Result<Option<f64>> {
        if left == 0 {
            return Ok(None);
        }
        left -= 1;
        let value = seen.at(z, gradient)?;
        seen.done();
        Ok(Some(value))
    };
    // The first corner is taken whatever f is there, as corner ascent takes it: flips are of corners.
    z = corner(&z, &gradient, radius);
    let Some(mut value) = at(&z, &mut gradient)? else { return Ok(Ended::Iterations) };
    'from_here: loop {
        let next = corner(&z, &gradient, radius);
        if next != z {
            let Some(there) = at(&next, &mut other)? else { return Ok(Ended::Iterations) };
            if there > value {
                (z, value) = (next, there);
                std::mem::swap(&mut gradient, &mut other);
                continue;
            }
        }
        // To first order a flip adds −2 zᵢ gᵢ: those that lose least are tried first.
        let mut order: Vec<usize> = (0..z.len()).filter(|&i| radius[i] > 0.0).collect();
        order.sort_by(|&i, &j| (z[i] * gradient[i]).total_cmp(&(z[j] * gradient[j])));
        for i in order {
            z[i] = -z[i];
            let Some(there) = at(&z, &mut other)? else { return Ok(Ended::Iterations) };
            if there > value {
                value = there;
                std::mem::swap(&mut gradient, &mut other);
                continue 'from_here;
            }
            z[i] = -z[i];
        }
        return Ok(Ended::Stationary);
    }
}

/// The corner that the gradient points to; where it is 0, the side that z is on.
fn corner(z: &[f64], gradient: &[f64], radius: &[f64]) -> Vec<f64> {
    let side = |((&z, &g), &r): ((&f64, &f64), &f64)| r.copysign(if g == 0.0 { z } else { g });
    z.iter().zip(gradient).zip(radius).map(side).collect()
}
