//! What becomes of sharpness on the way down? Figure 6 of the paper: sharpness against cross-entropy along a run.
//!
//! Near the start, where the loss is large, both regimes are about as sharp, says the paper; then the large batch's sharpness
//! rises while its loss falls, and the small batch's stays and at last drops. So each trial's line is looked at: by what factor φ
//! changes with each halving of the training loss, by least squares of `ln φ` over `log₂ f` of the trial's points. Trials, not
//! points, are what is averaged and tested: points of one run are not independent.

use crate::data::Which;
use crate::display::{Block, significant};
use crate::error::{Error, Result};
use crate::sharpness::{Maxima, Reading, Space, check_one_box};
use crate::spread::{Paired, Trend, geometric};
use crate::train::{Epoch, Regime, Role, Study, check_alike};

/// A trial after an epoch, with its sharpness there.
#[derive(Debug, Clone, PartialEq)]
pub struct WayPoint {
    /// Name of the regime.
    pub regime: String,
    /// Which side of a pair it is, if of one.
    pub role: Option<Role>,
    /// Points in a batch.
    pub batch: usize,
    /// Number of the trial.
    pub trial: usize,
    /// Its row of the trace: epochs and steps done, losses, accuracies, distance.
    pub row: Epoch,
    /// φ of the largest f of all searches, percent.
    pub largest: f64,
    /// φ of the search from x itself, percent: the paper's protocol.
    pub from_zero: f64,
    /// Which part of the box the search from x itself crossed: the mean of `|zᵢ| / rᵢ`.
    pub reach: f64,
    /// ‖∇f(x)‖₂ over the whole split, nats per unit of x, or of y in a subspace; nothing in records that are older than it.
    pub gradient_norm: Option<f64>,
    /// Whether the largest φ is a measure of a size.
    pub is_trusted: bool,
    /// Whether that from x itself is.
    pub is_from_zero_trusted: bool,
}

/// Sharpness along the runs of a study, in one kind of box.
#[derive(Debug, Clone, PartialEq)]
pub struct WayDown {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// What A is.
    pub space: Space,
    /// ε.
    pub epsilon: f64,
    /// Most iterations of each search.
    pub iterations: usize,
    /// The points, regime by regime, trial by trial, by epoch.
    pub points: Vec<WayPoint>,
    /// How many measures are missing, because the budget of seconds was used up.
    pub unmeasured: usize,
    /// How many trials diverged.
    pub diverged: usize,
    /// How many trials a budget of seconds cut short.
    pub cut: usize,
    /// How many measures failed, because f ceased to be finite in the box.
    pub failed: usize,
}

impl WayPoint {
    /// φ by a reading, percent.
    pub fn phi(&self, reading: Reading) -> f64 {
        match reading {
            Reading::Largest => self.largest,
            Reading::FromZero => self.from_zero,
        }
    }
}

impl WayDown {
    /// Joins measures after epochs ([`Sharpness::iterates`](crate::Sharpness::iterates)) to the rows of their trials.
    ///
    /// # Errors
    /// [`Error::Parameter`] where nets or data differ, or measures are of several kinds of box; [`Error::Data`] where no measure on
    /// the training split has an epoch of these regimes.
    pub fn of(regimes: &[&Regime], maxima: &Maxima) -> Result<Self> {
        check_alike(regimes)?;
        let own: Vec<_> = maxima.maxima.iter().filter(|it| it.epoch.is_some() && it.split == Which::Train).collect();
        check_one_box("boxes along runs", &own)?;
        let mut points = Vec::new();
        for regime in regimes {
            for run in regime.finite() {
                for row in &run.trace {
                    let here = own.iter().find(|it| {
                        (it.epoch, it.trial) == (Some(row.epoch), Some(run.trial))
                            && it.regime.as_ref() == Some(&regime.name)
                    });
                    let Some(maximum) = here else { continue };
                    let (from_zero, is_from_zero_trusted) = Reading::FromZero.of(maximum);
                    points.push(WayPoint {
                        regime: regime.name.clone(),
                        role: regime.role,
                        batch: regime.recipe.batch,
                        trial: run.trial,
                        row: *row,
                        largest: maximum.phi(),
                        from_zero,
                        reach: maximum.from_zero().map_or(0.0, |search| search.reach),
                        gradient_norm: maximum.gradient_norm,
                        is_trusted: Reading::Largest.of(maximum).1,
                        is_from_zero_trusted,
                    });
                }
            }
        }
        let (Some(first), Some(box_of)) = (regimes.first(), own.first().filter(|_| !points.is_empty())) else {
            return Err(Error::Data("a way down needs measures after epochs of these regimes, but has none".into()));
        };
        Ok(Self {
            net: first.net.clone(),
            data: first.data.clone(),
            space: box_of.space,
            epsilon: box_of.epsilon,
            iterations: box_of.iterations,
            points,
            unmeasured: maxima.unmeasured,
            diverged: maxima.diverged,
            cut: regimes.iter().map(|regime| regime.cut()).sum(),
            failed: maxima.failed.len(),
        })
    }

    /// As [`of`](Self::of), of measures in several kinds of box: a way for each, in the order in which they were measured.
    ///
    /// # Errors
    /// As [`of`](Self::of), but for the kinds of box.
    pub fn all(regimes: &[&Regime], maxima: &Maxima) -> Result<Vec<Self>> {
        let mut boxes: Vec<(Space, f64)> = Vec::new();
        let along = maxima.maxima.iter().filter(|it| it.epoch.is_some() && it.split == Which::Train);
        for maximum in along {
            let one = (maximum.space, maximum.epsilon);
            if !boxes.contains(&one) {
                boxes.push(one);
            }
        }
        let way = |&one: &(Space, f64)| {
            let own = maxima.maxima.iter().filter(|it| (it.space, it.epsilon) == one).cloned().collect();
            Self::of(regimes, &Maxima { maxima: own, ..maxima.clone() })
        };
        if boxes.is_empty() { Ok(vec![Self::of(regimes, maxima)?]) } else { boxes.iter().map(way).collect() }
    }

    /// The name of the regime that has this role.
    pub(crate) fn named(&self, role: Role) -> Option<&str> {
        self.points.iter().find(|point| point.role == Some(role)).map(|point| point.regime.as_str())
    }

    /// Names of the regimes, in their order.
    pub fn regimes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.points.iter().map(|point| point.regime.as_str()).collect();
        names.dedup();
        names
    }

    /// The points of a regime's trials, by the trial's number.
    pub(crate) fn runs(&self, regime: &str) -> Vec<(usize, Vec<&WayPoint>)> {
        let mut runs: Vec<(usize, Vec<&WayPoint>)> = Vec::new();
        for point in self.points.iter().filter(|point| point.regime == regime) {
            match runs.last_mut() {
                Some((trial, points)) if *trial == point.trial => points.push(point),
                _ => runs.push((point.trial, vec![point])),
            }
        }
        runs
    }

    /// By what factor φ changes with each halving of the training loss, of each trial of a regime that has one; the start, where
    /// nothing was learned yet, is left out, and so is a φ of 0.
    pub fn factors(&self, regime: &str, reading: Reading) -> Vec<(usize, f64)> {
        let factor = |points: &[&WayPoint]| {
            let learned = points.iter().filter(|point| point.row.epoch > 0);
            let pairs = learned.map(|point| (1.0 / point.row.train_loss, point.phi(reading)));
            Trend::of(&pairs.filter(|(_, phi)| *phi > 0.0).collect::<Vec<_>>()).ok().map(|trend| trend.factor)
        };
        self.runs(regime).iter().filter_map(|(trial, points)| Some((*trial, factor(points)?))).collect()
    }

    /// The mean of `ln` of these factors over trials, with its 95 % interval, as a test of no change.
    ///
    /// # Errors
    /// As [`Paired::test`]: it takes two trials.
    pub fn change(&self, regime: &str, reading: Reading) -> Result<Paired> {
        let pairs = self.factors(regime, reading).into_iter().map(|(_, factor)| (factor.ln(), 0.0));
        Paired::test(&pairs.collect::<Vec<_>>(), 1)
    }

    /// The same of one regime minus the other, of trials that both have.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub fn parting(&self, regime: &str, other: &str, reading: Reading) -> Result<Paired> {
        let theirs = self.factors(other, reading);
        let pair = |(trial, factor): (usize, f64)| {
            let (_, their) = theirs.iter().find(|(other, _)| *other == trial)?;
            Some((factor.ln(), their.ln()))
        };
        Paired::test(&self.factors(regime, reading).into_iter().filter_map(pair).collect::<Vec<_>>(), 1)
    }

    /// Of each trial of a regime the point whose training accuracy (a fraction) is nearest to this one; of equally near ones the
    /// first. The start is left out.
    pub fn where_accuracy(&self, regime: &str, accuracy: f64) -> Vec<&WayPoint> {
        let away = |point: &&WayPoint| (point.row.train_accuracy - accuracy).abs();
        let mut nearest = Vec::new();
        for (_, points) in self.runs(regime) {
            let learned = points.into_iter().filter(|point| point.row.epoch > 0);
            nearest.extend(learned.min_by(|a, b| away(a).total_cmp(&away(b))));
        }
        nearest
    }

    /// A row for each regime and epoch: means over trials, of φ the geometric ones; and one row per regime: by what factor φ changes
    /// with each halving of the loss, where a trial was measured after three epochs or more.
    pub fn block(&self) -> Block {
        let mut rows = Vec::new();
        let mut changes = Vec::new();
        for regime in self.regimes() {
            let own: Vec<&WayPoint> = self.points.iter().filter(|point| point.regime == regime).collect();
            let mut epochs: Vec<usize> = own.iter().map(|point| point.row.epoch).collect();
            epochs.sort_unstable();
            epochs.dedup();
            for epoch in epochs {
                let here: Vec<&&WayPoint> = own.iter().filter(|point| point.row.epoch == epoch).collect();
                let mean =
                    |of: &dyn Fn(&WayPoint) -> f64| here.iter().map(|point| of(point)).sum::<f64>() / here.len() as f64;
                let doubtful = here.iter().filter(|point| !point.is_trusted).count();
                let doubt = if doubtful == 0 { String::new() } else { format!(" ({doubtful} unreliable)") };
                rows.push(vec![
                    regime.into(),
                    epoch.to_string(),
                    format!("{:.0}", mean(&|point| point.row.steps as f64)),
                    significant(mean(&|point| point.row.train_loss)),
                    format!("{:.2}", 100.0 * mean(&|point| point.row.train_accuracy)),
                    format!("{:.2}", 100.0 * mean(&|point| point.row.test_accuracy)),
                    geometric(here.iter().filter_map(|point| point.gradient_norm)),
                    geometric(here.iter().map(|point| point.from_zero)),
                    format!("{:.1}", 100.0 * mean(&|point| point.reach)),
                    geometric(here.iter().map(|point| point.largest)) + &doubt,
                ]);
            }
            for reading in [Reading::FromZero, Reading::Largest] {
                let said =
                    self.change(regime, reading).map_or_else(|reason| format!("none: {reason}"), |it| it.times());
                changes.push(vec![regime.into(), reading.to_string(), said]);
            }
        }
        let columns = [
            "regime",
            "epoch",
            "steps",
            "training loss",
            "training %",
            "test %",
            "‖∇f‖",
            "φ from zero, %",
            "crossed, % of box",
            "φ, largest, %",
        ];
        let title = format!(
            "Sharpness on the way down, {} on {}: {}, ε = {:e}; means over trials, of φ and ‖∇f‖ the geometric ones{}{}",
            self.net,
            self.data,
            self.space,
            self.epsilon,
            crate::display::missing(self.unmeasured, self.diverged),
            crate::display::doubtful(self.cut, self.failed)
        );
        let heads = ["regime", "φ", "with each halving of the training loss"];
        let points = Block::table(&title, &columns, rows);
        let readings = [Reading::FromZero, Reading::Largest];
        let has_factors = |regime: &&str| readings.iter().any(|reading| !self.factors(regime, *reading).is_empty());
        if !self.regimes().iter().any(has_factors) {
            return points;
        }
        let changes =
            Block::table("How φ changes as the loss falls, mean of trials with its 95 % interval", &heads, changes);
        Block::joined(&[points, changes])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Study {
    /// Sharpness along its runs: Figure 6; see [`WayDown::of`].
    ///
    /// # Errors
    /// As [`WayDown::of`].
    ///
    /// ```
    /// use sharp_minima::{Sharpness, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let training = Training::adam().trials(2).epochs(4).iterates(&[1, 2, 3, 4]).quiet();
    /// let study = training.pair(&net, &data, 10, 100)?.study();
    /// let maxima = Sharpness::full(1e-3).thorough().starts(0).quiet().iterates(&net, &data, &study)?;
    /// let way = study.way_down(&maxima)?;
    /// assert_eq!(way.points.len(), 2 * 2 * 4);
    /// assert!(way.where_accuracy("small", 1.0)[0].row.train_accuracy > 0.5);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn way_down(&self, maxima: &Maxima) -> Result<WayDown> {
        WayDown::of(&self.regimes(), maxima)
    }

    /// The same in several kinds of box; see [`WayDown::all`].
    ///
    /// # Errors
    /// As [`WayDown::all`].
    pub fn ways_down(&self, maxima: &Maxima) -> Result<Vec<WayDown>> {
        WayDown::all(&self.regimes(), maxima)
    }
}

crate::display::shown_as_text!(WayPoint);
