//! What is seen of a trial on its way: one row per epoch, the last finite x, and the x of the lowest training loss.

use super::clock::Clock;
use super::descent::Descent;
use super::iterate::{Iterate, Keeping};
use super::stop::{Patience, Stop};
use super::trace::{Epoch, Run};
use crate::data::Dataset;
use crate::error::Result;
use crate::net::Net;
use crate::weights::Weights;

/// A trial that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) run: Run,
    /// The last point that was finite.
    pub(super) last: Weights,
    /// The point of the row with the lowest training loss.
    pub(super) lowest: Weights,
    /// Those points on its way that were to be kept.
    pub(super) iterates: Vec<Iterate>,
}

/// What was seen of a trial so far, beside its points.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Way {
    /// The start, and at least one epoch.
    pub(super) trace: Vec<Epoch>,
    averaged: usize,
    /// Epochs after which its point was kept, with digests.
    pub(super) iterates: Vec<(usize, String)>,
}

pub(super) struct Watch {
    clock: Clock,
    trial: usize,
    trace: Vec<Epoch>,
    patience: Patience,
    last: Weights,
    lowest: Weights,
    /// How many points are averaged in the last one.
    averaged: usize,
    iterates: Vec<Iterate>,
}

impl Watch {
    /// Begins with the row of the start, and says whether that is finite.
    pub(super) fn begin(descent: &mut Descent, net: &Net, data: &Dataset) -> Result<(Self, bool)> {
        let clock = Clock::after(0.0);
        let x = descent.weights()?;
        let row = descent.measure(net, data, &x, &clock)?;
        let watch = Self {
            clock,
            trial: descent.trial(),
            trace: vec![row],
            patience: Patience::new(descent.recipe().patience, row.train_loss),
            last: x.clone(),
            lowest: x,
            averaged: 0,
            iterates: Vec::new(),
        };
        Ok((watch, row.is_finite()))
    }

    /// What was seen so far; the last point, and that of the lowest loss.
    pub(super) fn pause(&self) -> (Way, [&Weights; 2]) {
        let kept = self.iterates.iter().filter_map(|iterate| Some((iterate.epoch, iterate.on_shelf()?.to_string())));
        let way = Way { trace: self.trace.clone(), averaged: self.averaged, iterates: kept.collect() };
        (way, [&self.last, &self.lowest])
    }

    /// Goes on from there, with the points that were kept.
    pub(super) fn resumed(
        trial: usize,
        patience: Option<usize>,
        way: &Way,
        [last, lowest]: [Weights; 2],
        iterates: Vec<Iterate>,
    ) -> Self {
        let (start, then) =
            way.trace.split_first().map_or((f64::INFINITY, &[][..]), |(row, then)| (row.train_loss, then));
        let mut patience = Patience::new(patience, start);
        then.iter().for_each(|row| {
            patience.is_over(row.train_loss);
        });
        let clock = Clock::after(then.last().map_or(0.0, |row| row.seconds));
        Self { clock, trial, trace: way.trace.clone(), patience, last, lowest, averaged: way.averaged, iterates }
    }

    /// Looks at x after an epoch: why the trial is over, if it is. A point that is not finite, or one with running averages
    /// that are not, leaves no row. Once points are averaged, it is their mean that is looked at:
    /// `mean ← mean + (x − mean) / (n + 1)`.
    pub(super) fn see(&mut self, descent: &mut Descent, net: &Net, data: &Dataset) -> Result<Option<Stop>> {
        let mut x = descent.weights()?;
        if descent.recipe().average.is_some_and(|first| descent.epoch() >= first) {
            self.averaged += 1;
            if self.averaged > 1 {
                let share = 1.0 / self.averaged as f32;
                let means = x.values_mut().iter_mut().zip(self.last.values());
                means.for_each(|(x, &mean)| *x = mean + share * (*x - mean));
            }
        }
        let row = descent.measure(net, data, &x, &self.clock)?;
        if !(row.is_finite() && x.can_be_kept()) {
            return Ok(Some(Stop::Diverged));
        }
        self.trace.push(row);
        if self.patience.is_lowest(row.train_loss) {
            self.lowest.clone_from(&x);
        }
        self.last = x;
        Ok(self.patience.is_over(row.train_loss).then_some(Stop::CeasedToImprove))
    }

    /// Keeps the last point, if it is one that is to be kept.
    pub(super) fn keep(&mut self, keeping: &Keeping<'_>) -> Result<()> {
        let epoch = self.row().epoch;
        if keeping.epochs.contains(&epoch) {
            self.iterates.push((keeping.keep)(epoch, &self.last)?);
        }
        Ok(())
    }

    /// The last row.
    pub(super) fn row(&self) -> &Epoch {
        &self.trace[self.trace.len() - 1]
    }

    pub(super) fn ended(self, stop: Stop) -> Ended {
        let run = Run { trial: self.trial, trace: self.trace, stop };
        Ended { run, last: self.last, lowest: self.lowest, iterates: self.iterates }
    }
}
