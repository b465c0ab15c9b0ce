//! Robust training: [`Strategy::Robust`](super::Strategy::Robust).
//!
//! A displacement is `e = T u` with T fixed at x, and u climbs in a ball: along `T ∇f / ‖T ∇f‖₂` in the Euclidean one, along
//! `sign ∇f` in the box, and is put back into the ball after each step. With one ascent SAM has `e = ρ g / ‖g‖`, ASAM
//! `e = ρ T² g / ‖T g‖`, the box `eᵢ = ε (|xᵢ| + 1) sign gᵢ`.

use super::super::slope::{Batch, Look, Seen, Slope, combine, dot};
use super::choice::Ball;
use crate::error::Result;
use crate::net::Real;

pub(super) fn gradient<T: Real>(
    slope: &mut Slope<T>,
    part: &Batch<'_>,
    ball: Ball,
    radius: f64,
    ascents: usize,
) -> Result<Seen> {
    let x = slope.point()?;
    let loss = slope.gradient(part, Look::First)?;
    let mut seen = Seen { loss, own: loss, passes: 1.0 };
    if loss.is_finite() {
        if ball == Ball::Euclidean && ascents == 1 {
            // One ascent in one sweep: e needs no vector of its own.
            let norm = slope.gradient_norm()?;
            if norm > 0.0 {
                slope.climb(radius / norm)?;
                seen.own = slope.gradient(part, Look::Again)?;
                seen.passes = 2.0;
            }
        } else if ball == Ball::Box && ascents == 1 {
            let length = T::from_f64(radius);
            slope.move_each(|x, g| x + T::from_f64(Into::<f64>::into(x).abs() + 1.0) * (length * sign(g)))?;
            seen.own = slope.gradient(part, Look::Again)?;
            seen.passes = 2.0;
        } else {
            ascend(slope, part, ball, radius, ascents, &x, &mut seen)?;
        }
        slope.move_to(&x)?;
    }
    slope.give(x);
    Ok(seen)
}

fn ascend<T: Real>(
    slope: &mut Slope<T>,
    part: &Batch<'_>,
    ball: Ball,
    radius: f64,
    ascents: usize,
    x: &[T],
    seen: &mut Seen,
) -> Result<()> {
    let scale = scales(slope, ball, x);
    let length = radius * (2.0 / ascents as f64).min(1.0);
    let mut u = vec![T::zero(); x.len()];
    for _ in 0..ascents {
        let mut climb = slope.last_gradient()?;
        if ball == Ball::Box {
            let (length, low, high) = (T::from_f64(length), T::from_f64(-radius), T::from_f64(radius));
            for (u, g) in u.iter_mut().zip(&climb) {
                let next = *u + length * sign(*g);
                *u = if next > high {
                    high
                } else if next < low {
                    low
                } else {
                    next
                };
            }
        } else {
            if let Some(scale) = &scale {
                climb.iter_mut().zip(scale).for_each(|(g, t)| *g *= *t);
            }
            let norm = dot(&climb, &climb).sqrt();
            if norm == 0.0 {
                // Nowhere to climb to: the gradient where it stands is that of the step.
                return Ok(());
            }
            combine(&mut u, length / norm, &climb);
            let norm = dot(&u, &u).sqrt();
            if ascents > 1 && norm > radius {
                let back = T::from_f64(radius / norm);
                u.iter_mut().for_each(|u| *u *= back);
            }
        }
        // The gradient's room takes the point.
        match &scale {
            Some(scale) => {
                let places = climb.iter_mut().zip(x).zip(u.iter().zip(scale));
                places.for_each(|((place, &x), (&u, &t))| *place = x + t * u);
            }
            None => climb.iter_mut().zip(x).zip(&u).for_each(|((place, &x), &u)| *place = x + u),
        }
        slope.move_to(&climb)?;
        slope.give(climb);
        seen.own = slope.gradient(part, Look::Again)?;
        seen.passes += 1.0;
        if !seen.own.is_finite() {
            return Ok(());
        }
    }
    Ok(())
}

/// T; nothing where it is 1.
fn scales<T: Real>(slope: &Slope<T>, ball: Ball, x: &[T]) -> Option<Vec<T>> {
    let plus = |x: &T, shift: f64| T::from_f64(Into::<f64>::into(*x).abs() + shift);
    match ball {
        Ball::Euclidean => None,
        Ball::Box => Some(x.iter().map(|x| plus(x, 1.0)).collect()),
        Ball::Adaptive { eta } => {
            let mut scale = vec![T::one(); x.len()];
            for part in slope.layout().parameters().iter().filter(|part| part.name.ends_with("weight")) {
                let range = part.range();
                scale[range.clone()].iter_mut().zip(&x[range]).for_each(|(t, x)| *t = plus(x, eta));
            }
            Some(scale)
        }
    }
}

/// −1, 0 or 1.
pub(super) fn sign<T: Real>(value: T) -> T {
    if value > T::zero() {
        T::one()
    } else if value < T::zero() {
        T::from_f64(-1.0)
    } else {
        T::zero()
    }
}
