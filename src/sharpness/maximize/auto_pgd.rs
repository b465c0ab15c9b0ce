//! Auto-PGD; what it does is at [`Maximizer::AutoPgd`](super::Maximizer::AutoPgd).

use super::search::{Ended, Seen, is_stationary};
use crate::error::Result;

pub(super) fn auto_pgd(seen: &mut Seen<'_, '_>, radius: &[f64], z: Vec<f64>, iterations: usize) -> Result<Ended> {
    const MOMENTUM: f64 = 0.75;
    const SHARE: f64 = 0.75;
    let mut gradient = vec![0.0; z.len()];
    let mut value = seen.at(&z, &mut gradient)?;
    seen.done();
    let (mut z, mut before) = (z.clone(), z);
    let mut step = 2.0;
    // Checkpoints of the paper: shares 0, 0.22, 0.41, … of all iterations, each distance 0.03 smaller, at least 0.06.
    let (mut checkpoint, mut distance, mut share) = (0.22, 0.22_f64, 0.22_f64);
    let (mut grown, mut since) = (0, 0);
    let (mut halved, mut largest_before) = (false, seen.largest);
    for iteration in 1..=iterations {
        if is_stationary(&z, &gradient, radius) {
            return Ok(Ended::Stationary);
        }
        let momentum = if iteration == 1 { 1.0 } else { MOMENTUM };
        let mut next = Vec::with_capacity(z.len());
        for (((&z, &g), &r), &before) in z.iter().zip(&gradient).zip(radius).zip(&before) {
            let sign = if g == 0.0 { 0.0 } else { 1.0_f64.copysign(g) };
            let straight = (z + step * r * sign).clamp(-r, r);
            next.push((z + momentum * (straight - z) + (1.0 - momentum) * (z - before)).clamp(-r, r));
        }
        before = std::mem::replace(&mut z, next);
        let there = seen.at(&z, &mut gradient)?;
        seen.done();
        grown += usize::from(there > value);
        since += 1;
        value = there;
        if iteration as f64 >= (checkpoint * iterations as f64).ceil() {
            let seldom = (grown as f64) < SHARE * f64::from(since);
            let stuck = !halved && seen.largest <= largest_before;
            halved = seldom || stuck;
            if halved {
                step /= 2.0;
                z = seen.z.clone();
                before = z.clone();
                // The gradient at the best point is not kept: one evaluation more finds it again.
                value = seen.at(&z, &mut gradient)?;
            }
            largest_before = seen.largest;
            (grown, since) = (0, 0);
            distance = (distance - 0.03).max(0.06);
            share += distance;
            checkpoint = share;
        }
    }
    Ok(Ended::Iterations)
}
