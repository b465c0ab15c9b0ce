//! When does the large batch pay? The performance model of the paper's Appendix C, with steps that were measured.
//!
//! On P processors a step of a batch of B points takes a time in proportion to `B / (P f(P))`, where f(P) is the parallel
//! efficiency. To come as far, the small batch takes I_s steps of B_s points, the large one I_ℓ steps of B_ℓ. With `f_ℓ(P) = 1` the
//! large batch is faster where
//!
//! `I_ℓ / I_s < B_s / (f_s(P) B_ℓ)`, that is, where `f_s(P) < f* = I_s B_s / (I_ℓ B_ℓ)`.
//!
//! f* is the break-even efficiency: the large batch pays as long as the small one keeps less than this share of the processors
//! busy. It is the ratio of points seen. At f* = 1 the large batch needs no more points, and it always pays; a large batch that
//! does not come so far has none.
//!
//! Between two epochs steps are interpolated, on a straight line in the logarithm. Before the first epoch that is not to be relied
//! on: ask for targets below what both batches have after it.

use crate::display::{Block, grouped, missing, significant};
use crate::error::{Error, Result};
use crate::spread::{Paired, geometric};
use crate::train::{Epoch, Pair, Regime, check_alike};

/// How far: what of a run must fall to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The training loss, nats per example.
    TrainLoss,
    /// The share of wrong answers on the test split, a fraction.
    TestError,
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reach::TrainLoss => "training loss",
            Reach::TestError => "test error",
        })
    }
}

/// What one trial of both batches needed to come to a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakPoint {
    /// The target.
    pub target: f64,
    /// Number of the trial.
    pub trial: usize,
    /// Steps of the small batch; nothing where it did not come there.
    pub small: Option<f64>,
    /// Steps of the large batch; nothing where it did not come there.
    pub large: Option<f64>,
}

/// Break-even efficiencies of a pair at several targets.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakEven {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// B_s, points.
    pub small: usize,
    /// B_ℓ, points.
    pub large: usize,
    /// What falls to the targets.
    pub reach: Reach,
    /// The points, target by target, then by trial.
    pub points: Vec<BreakPoint>,
    /// How many trials diverged.
    pub diverged: usize,
}

impl Reach {
    /// What still counts as the target: 1 − 0.98 is a little more than 0.02.
    fn rounding(self) -> f64 {
        match self {
            Reach::TrainLoss => 0.0,
            Reach::TestError => 1e-12,
        }
    }

    fn of(self, row: &Epoch) -> f64 {
        match self {
            Reach::TrainLoss => row.train_loss,
            Reach::TestError => 1.0 - row.test_accuracy,
        }
    }

    /// Steps until it has fallen to the target for the first time, between two epochs by a straight line in its logarithm.
    fn steps(self, trace: &[Epoch], target: f64) -> Option<f64> {
        let place = trace.iter().position(|row| self.of(row) <= target + self.rounding())?;
        let here = &trace[place];
        let Some(before) = place.checked_sub(1).map(|before| &trace[before]) else { return Some(here.steps as f64) };
        let (above, below) = (self.of(before), self.of(here));
        // An error of 0 has no logarithm.
        let share = if below > 0.0 { ((above / target).ln() / (above / below).ln()).min(1.0) } else { 1.0 };
        Some(before.steps as f64 + share * (here.steps - before.steps) as f64)
    }
}

impl BreakEven {
    /// How many steps the trials of both regimes needed to come to each target, paired by trials.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no target, or one that is not finite and above 0, or one twice; where nets or data
    /// differ; where the second batch is not the larger one, or a batch does not stay the same.
    pub fn of(small: &Regime, large: &Regime, reach: Reach, targets: &[f64]) -> Result<Self> {
        check_alike(&[small, large])?;
        if targets.is_empty() {
            return Err(Error::parameter("targets", 0, "be at least 1"));
        }
        for (place, target) in targets.iter().enumerate() {
            if !(target.is_finite() && *target > 0.0) {
                return Err(Error::parameter("target", target, "be finite and above 0"));
            }
            if targets[..place].contains(target) {
                return Err(Error::parameter("targets", format!("twice {target}"), "differ"));
            }
        }
        if small.recipe.batch >= large.recipe.batch {
            let allowed = format!("be below the large batch of {}", large.recipe.batch);
            return Err(Error::parameter("small", small.recipe.batch, allowed));
        }
        for regime in [small, large] {
            if let Some(growth) = regime.recipe.growth {
                let allowed = "be of one size throughout, for a model that has one";
                return Err(Error::parameter("batch", format!("{growth}"), allowed));
            }
        }
        let mut points = Vec::new();
        for &target in targets {
            for run in small.finite() {
                let Some(other) = large.finite().find(|other| other.trial == run.trial) else { continue };
                points.push(BreakPoint {
                    target,
                    trial: run.trial,
                    small: reach.steps(&run.trace, target),
                    large: reach.steps(&other.trace, target),
                });
            }
        }
        Ok(Self {
            net: small.net.clone(),
            data: small.data.clone(),
            small: small.recipe.batch,
            large: large.recipe.batch,
            reach,
            points,
            diverged: small.diverged() + large.diverged(),
        })
    }

    /// `f* = I_s B_s / (I_ℓ B_ℓ)` of a trial; nothing where one of the batches did not come there, or was there at its start.
    pub fn efficiency(&self, point: &BreakPoint) -> Option<f64> {
        let share = point.small? * self.small as f64 / (point.large? * self.large as f64);
        Some(share).filter(|share| share.is_finite() && *share > 0.0)
    }

    /// The targets, each once.
    pub fn targets(&self) -> Vec<f64> {
        let mut targets: Vec<f64> = self.points.iter().map(|point| point.target).collect();
        targets.dedup();
        targets
    }

    /// The points of a target.
    pub fn at(&self, target: f64) -> impl Iterator<Item = &BreakPoint> {
        self.points.iter().filter(move |point| point.target == target)
    }

    /// The mean of `ln f*` at a target over the trials in which both batches came there, with its 95 % interval.
    ///
    /// # Errors
    /// As [`Paired::test`]: it takes two such trials.
    pub fn mean(&self, target: f64) -> Result<Paired> {
        let own = self.at(target).filter_map(|point| self.efficiency(point));
        Paired::test(&own.map(|share| (share.ln(), 0.0)).collect::<Vec<_>>(), 1)
    }

    /// A row a target: steps of both batches, I_ℓ / I_s, and the break-even efficiency.
    pub fn block(&self) -> Block {
        let row = |&target: &f64| {
            let own: Vec<&BreakPoint> = self.at(target).collect();
            let there = |of: fn(&BreakPoint) -> Option<f64>| {
                let steps: Vec<f64> = own.iter().filter_map(|point| of(point)).collect();
                match steps.len() {
                    count if count == own.len() => geometric(steps.into_iter()),
                    count => format!("{} ({count} of {} trials)", geometric(steps.into_iter()), own.len()),
                }
            };
            let ratios = own.iter().filter_map(|point| Some(point.large? / point.small?));
            let efficiency = match self.mean(target) {
                Ok(mean) => {
                    let [mean, lower, upper] = [mean.difference, mean.lower, mean.upper].map(f64::exp);
                    format!("{mean:.2} ({lower:.2} to {upper:.2})")
                }
                Err(_) => geometric(own.iter().filter_map(|point| self.efficiency(point))),
            };
            let target = match self.reach {
                Reach::TrainLoss => format!("{target}"),
                Reach::TestError => format!("{} %", significant(100.0 * target)),
            };
            vec![target, there(|point| point.small), there(|point| point.large), geometric(ratios), efficiency]
        };
        let [small, large] = [self.small, self.large].map(grouped);
        let columns = [
            &*format!("{} of", self.reach),
            &*format!("steps of {small} points"),
            &*format!("steps of {large} points"),
            "large over small",
            "break-even efficiency f*",
        ];
        let title = format!(
            "When the large batch pays, {} on {}: where the small batch's parallel efficiency is below f* (Appendix C); \
             geometric means of trials, 95 % intervals{}",
            self.net,
            self.data,
            missing(0, self.diverged)
        );
        Block::table(&title, &columns, self.targets().iter().map(row).collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Pair {
    /// When its large batch pays; see [`BreakEven::of`].
    ///
    /// # Errors
    /// As [`BreakEven::of`].
    ///
    /// ```
    /// use sharp_minima::{Reach, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let pair = Training::adam().trials(2).epochs(8).quiet().pair(&net, &data, 10, 50)?;
    /// let even = pair.break_even(Reach::TrainLoss, &[1.0, 0.5])?;
    /// assert!(even.efficiency(&even.points[0]).is_some_and(|share| share < 1.0), "{even:?}");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn break_even(&self, reach: Reach, targets: &[f64]) -> Result<BreakEven> {
        BreakEven::of(&self.small.regime, &self.large.regime, reach, targets)
    }
}

crate::display::shown_as_text!(BreakPoint, Reach);
