//! Noise on the weights: [`Strategy::Noise`](super::Strategy::Noise).
//!
//! There is no pass at x itself: the loss of a step is that at the moved points, and running averages are those seen there.

use super::super::slope::{Batch, Look, Seen, Slope};
use super::robust::sign;
use crate::error::Result;
use crate::net::Real;

pub(super) fn gradient<T: Real>(
    slope: &mut Slope<T>,
    number: usize,
    part: &Batch<'_>,
    amplitude: f64,
    relative: bool,
) -> Result<Seen> {
    let x = slope.point()?;
    let mut moved = slope.uniform(number, x.len());
    let amplitude = T::from_f64(amplitude);
    for (u, &x) in moved.iter_mut().zip(&x) {
        let size = if relative { sign(x) * x } else { T::one() };
        *u = x + amplitude * size * *u;
    }
    slope.move_to(&moved)?;
    let loss = slope.gradient(part, Look::First)?;
    slope.move_to(&x)?;
    slope.give(x);
    Ok(Seen::plain(loss))
}
