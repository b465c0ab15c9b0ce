//! Stability training: [`Strategy::Stability`](super::Strategy::Stability).
//!
//! With outputs z for the points as they are and z′ for those with noise, and softmax p and p′ of each point,
//! `∂D/∂z′ = p′ − p` and, where it goes through both, `∂D/∂zⱼ = −pⱼ (log p′ⱼ − Σₖ pₖ log p′ₖ)`, each over the number of points.
//! Both batches have statistics of their own and the same mask of dropout; inputs with noise are not clipped.
//!
//! Deviation: whether Zheng et al. differentiate through p(X) was not to be found out; both are here, and fixed targets, which
//! take one pass less, are the default.

use super::super::slope::{Batch, Look, Seen, Slope, combine};
use crate::error::Result;
use crate::net::{Points, Real};

pub(super) fn gradient<T: Real>(
    slope: &mut Slope<T>,
    number: usize,
    part: &Batch<'_>,
    strength: f64,
    deviation: f64,
    through_both: bool,
) -> Result<Seen> {
    let mut inputs = T::gathered(part.split, &part.points);
    let noise = slope.normal(number, inputs.len());
    combine(&mut inputs, deviation, &noise);
    let split = T::replaced(part.split, &part.points, inputs);
    let noisy = Batch { split: &split, points: Points::Range(0..split.len()) };
    let classes = split.classes();
    let share = strength / split.len() as f64;

    let mut passes = 2.0;
    let loss = if through_both {
        passes += 1.0 / 3.0; // a forward pass alone
        let answers = Answers::of(slope.outputs_before(&noisy)?, classes);
        slope.gradient_changed(part, Look::First, &|outputs: &[T], derivative: &mut [T]| {
            let own = Answers::of(outputs, classes);
            for ((row, p), log) in derivative.chunks_mut(classes).zip(own.rows()).zip(answers.logs()) {
                let mean: f64 = p.iter().zip(log).map(|(p, log)| p * log).sum();
                for ((place, p), log) in row.iter_mut().zip(p).zip(log) {
                    *place -= T::from_f64(share * p * (log - mean));
                }
            }
        })?
    } else {
        slope.gradient(part, Look::First)?
    };
    let seen = Seen { loss, own: loss, passes };
    if !loss.is_finite() {
        return Ok(seen);
    }
    let targets = Answers::of(slope.outputs(), classes);
    let mut own = slope.last_gradient()?;
    slope.gradient_changed(&noisy, Look::Again, &|outputs: &[T], derivative: &mut [T]| {
        let answers = Answers::of(outputs, classes);
        for ((row, p), target) in derivative.chunks_mut(classes).zip(answers.rows()).zip(targets.rows()) {
            row.iter_mut().zip(p.iter().zip(target)).for_each(|(place, (p, t))| *place = T::from_f64(share * (p - t)));
        }
    })?;
    let other = slope.last_gradient()?;
    combine(&mut own, 1.0, &other);
    slope.give(other);
    slope.set_gradient(own)?;
    let answers = Answers::of(slope.outputs(), classes);
    let rows = targets.rows().zip(answers.logs());
    let distance: f64 = rows.map(|(p, log)| -p.iter().zip(log).map(|(p, log)| p * log).sum::<f64>()).sum();
    Ok(Seen { own: loss + share * distance, ..seen })
}

/// Softmax and its logarithm, one row per point.
struct Answers {
    classes: usize,
    shares: Vec<f64>,
    logs: Vec<f64>,
}

impl Answers {
    fn of<T: Real>(outputs: &[T], classes: usize) -> Self {
        let mut logs: Vec<f64> = outputs.iter().map(|&value| value.into()).collect();
        for row in logs.chunks_mut(classes) {
            let most = row.iter().fold(f64::NEG_INFINITY, |most, &value| most.max(value));
            let sum = most + row.iter().map(|value| (value - most).exp()).sum::<f64>().ln();
            row.iter_mut().for_each(|value| *value -= sum);
        }
        Self { classes, shares: logs.iter().map(|log| log.exp()).collect(), logs }
    }

    fn rows(&self) -> std::slice::Chunks<'_, f64> {
        self.shares.chunks(self.classes)
    }

    fn logs(&self) -> std::slice::Chunks<'_, f64> {
        self.logs.chunks(self.classes)
    }
}
