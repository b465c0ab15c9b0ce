//! Conservative training: [`Strategy::Conservative`](super::Strategy::Conservative).
//!
//! All weights take part in ‖z − x‖², biases, γ and β too. One mask of dropout serves all steps of a batch: the subproblem is
//! one fixed function. The loss of a step is `f_B(x)`, where the proximal term is 0; the strategy's own is that of the last
//! inner pass, with the term.
//!
//! Deviation: the paper does not say what becomes of ADAM's memory between batches, nor of the mask.

use std::collections::VecDeque;

use super::super::slope::{Batch, Look, Seen, Slope, combine, dot};
use super::choice::Inner;
use crate::error::Result;
use crate::net::Real;

pub(super) fn step<T: Real>(
    slope: &mut Slope<T>,
    batch: &Batch<'_>,
    rate: f64,
    lambda: f64,
    steps: usize,
    solver: Inner,
) -> Result<Seen> {
    let anchor = slope.point()?;
    let loss = slope.gradient(batch, Look::First)?;
    let mut seen = Seen { loss, own: loss, passes: 1.0 };
    if !loss.is_finite() {
        return Ok(seen);
    }
    if solver == Inner::Lbfgs {
        return lbfgs(slope, batch, rate, lambda, steps, anchor, seen);
    }
    if solver == Inner::Reset {
        slope.reset_rule();
    }
    for inner in 0..steps {
        if inner > 0 {
            seen.own = proximal(slope, batch, lambda, &anchor)?;
            seen.passes += 1.0;
            if !seen.own.is_finite() {
                // It has left what can be computed.
                slope.move_to(&anchor)?;
                return Ok(Seen { loss: seen.own, ..seen });
            }
        }
        match solver {
            Inner::Descent => {
                slope.climb(-rate)?;
            }
            _ => slope.move_along(rate)?,
        }
    }
    slope.give(anchor);
    Ok(seen)
}

/// `f_B(z) + (λ/2) ‖z − x‖²` where the slope stands, and its gradient, left there.
fn proximal<T: Real>(slope: &mut Slope<T>, batch: &Batch<'_>, lambda: f64, anchor: &[T]) -> Result<f64> {
    let loss = slope.gradient(batch, Look::Again)?;
    if lambda == 0.0 {
        return Ok(loss);
    }
    let distance = slope.pull_back(lambda, anchor)?;
    Ok(loss + 0.5 * lambda * distance)
}

/// Halvings of a step before a search is over: a thousandth of the first.
const HALVINGS: usize = 10;

/// So many steps of L-BFGS with a memory of as many pairs.
fn lbfgs<T: Real>(
    slope: &mut Slope<T>,
    batch: &Batch<'_>,
    rate: f64,
    lambda: f64,
    steps: usize,
    anchor: Vec<T>,
    mut seen: Seen,
) -> Result<Seen> {
    let (mut x, mut value) = (anchor.clone(), seen.loss);
    let mut gradient = slope.last_gradient()?;
    let mut pairs: VecDeque<(Vec<T>, Vec<T>, f64)> = VecDeque::new();
    for _ in 0..steps {
        let direction = direction(&pairs, &gradient, rate);
        let fall = dot(&direction, &gradient);
        let mut length = 1.0;
        let mut found = None;
        for _ in 0..=HALVINGS {
            let mut next = x.clone();
            combine(&mut next, length, &direction);
            slope.move_to(&next)?;
            let at = proximal(slope, batch, lambda, &anchor)?;
            seen.passes += 1.0;
            if at <= value + 1e-4 * length * fall {
                found = Some((next, at));
                break;
            }
            length *= 0.5;
        }
        let Some((next, at)) = found else { break };
        let new = slope.last_gradient()?;
        let (mut s, mut y) = (next.clone(), new.clone());
        combine(&mut s, -1.0, &x);
        combine(&mut y, -1.0, &gradient);
        let curvature = dot(&s, &y);
        if curvature > 0.0 {
            pairs.push_back((s, y, curvature));
        }
        (x, value, gradient) = (next, at, new);
    }
    slope.move_to(&x)?;
    Ok(Seen { own: value, ..seen })
}

/// `−H g` by the two loops over the pairs; H begins as γ = sᵀy / yᵀy, and as the learning rate where there is no pair.
fn direction<T: Real>(pairs: &VecDeque<(Vec<T>, Vec<T>, f64)>, gradient: &[T], rate: f64) -> Vec<T> {
    let mut q = gradient.to_vec();
    let mut shares = Vec::with_capacity(pairs.len());
    for (s, y, curvature) in pairs.iter().rev() {
        let share = dot(s, &q) / curvature;
        combine(&mut q, -share, y);
        shares.push(share);
    }
    let first = pairs.back().map_or(rate, |(_, y, curvature)| curvature / dot(y, y));
    q.iter_mut().for_each(|value| *value *= T::from_f64(-first));
    for ((s, y, curvature), share) in pairs.iter().zip(shares.iter().rev()) {
        // q is −H g already, so the signs are turned.
        let other = -dot(y, &q) / curvature;
        combine(&mut q, other - share, s);
    }
    q
}
