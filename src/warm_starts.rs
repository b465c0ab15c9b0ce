//! Does the large batch only need a better start? Figure 5 of the paper: warm starts, which it calls piggybacked training.
//!
//! A small batch is trained, and from its point after each of several epochs a large batch goes on. The paper's reading: too few
//! small-batch epochs change nothing; after enough of them the large batch ends at better test accuracies and in flatter places.
//! Other things grow with the number of small-batch epochs, and each has its control here: the epochs in all and the steps in all
//! (the plain large batch after as many) and the start's own quality (the small batch that just goes on). Trials are what is
//! averaged and tested.

use crate::data::Which;
use crate::display::{Block, probability};
use crate::error::{Error, Result};
use crate::sharpness::{Maxima, Maximum, Reading, Space, check_one_box};
use crate::spread::{Line, Paired, Spread, Trend, geometric};
use crate::train::{Epoch, Recipe, Regime, Study, check_alike};

/// A trial of the large batch that started where the small one was after an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct WarmPoint {
    /// Number of the trial.
    pub trial: usize,
    /// Small-batch epochs before it; 0 is a start at x₀ itself.
    pub epochs: usize,
    /// The small batch's row there.
    pub before: Epoch,
    /// The last row of the large batch that went on from there; its epochs are counted from the new start.
    pub after: Epoch,
    /// The small batch's own row after as many epochs in all, where it was trained so long.
    pub going_on: Option<Epoch>,
    /// The plain large batch's row after as many epochs in all, where the study has that control.
    pub plain: Option<Epoch>,
    /// Its row after as many steps of the optimizer in all, of both batches, where it was trained so long: at the end of the epoch
    /// in which it takes the last of them. A small batch takes many steps an epoch.
    pub as_many_steps: Option<Epoch>,
    /// φ where the large batch ended, percent: the largest f of all searches. Nothing where it was not measured.
    pub largest: Option<f64>,
    /// The same by the search from x itself alone: the paper's protocol.
    pub from_zero: Option<f64>,
    /// Whether the largest φ is a measure of a size.
    pub is_trusted: bool,
    /// Whether every φ of the plain large batch and of the small one beside it is.
    pub are_others_trusted: bool,
    /// The largest φ of the plain large batch, percent, where it was measured after as many epochs in all.
    pub plain_largest: Option<f64>,
    /// The same where it was measured after as many steps in all.
    pub as_many_steps_largest: Option<f64>,
    /// The largest φ of the small batch, percent, where it was measured after as many epochs in all.
    pub going_on_largest: Option<f64>,
}

/// Large-batch runs from the points of a small-batch run.
#[derive(Debug, Clone, PartialEq)]
pub struct WarmStarts {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// Points in the small batch.
    pub small: usize,
    /// Points in the large batch.
    pub large: usize,
    /// What A is, and ε, where sharpness was measured.
    pub measured: Option<(Space, f64)>,
    /// The points, by the epoch of the start, then by trial.
    pub points: Vec<WarmPoint>,
    /// How many measures are missing, because the budget of seconds was used up.
    pub unmeasured: usize,
    /// How many trials diverged, of all that are set side by side.
    pub diverged: usize,
    /// How many trials a budget of seconds cut short.
    pub cut: usize,
    /// How many measures failed, because f ceased to be finite in the box.
    pub failed: usize,
}

/// What the large batch that started last is set against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Beside {
    /// The large batch that started at x₀ and was trained for as many epochs of its own.
    Start,
    /// The plain large batch after as many epochs in all.
    Plain,
    /// The plain large batch after as many steps in all.
    Steps,
    /// The small batch after as many epochs in all.
    Small,
    /// The small batch where the large one started: what the large one's own epochs change. Its sharpness is not known there, since
    /// only ends are measured.
    Before,
}

impl WarmPoint {
    /// φ by a reading, percent; nothing where it was not measured.
    pub fn phi(&self, reading: Reading) -> Option<f64> {
        match reading {
            Reading::Largest => self.largest,
            Reading::FromZero => self.from_zero,
        }
    }

    /// Epochs of both batches.
    pub fn epochs_in_all(&self) -> usize {
        self.epochs + self.after.epoch
    }

    /// Steps of both batches.
    pub fn steps_in_all(&self) -> usize {
        self.before.steps + self.after.steps
    }

    /// The other training's row, and its largest φ; of a start at x₀ neither, which is a point of its own.
    fn beside(&self, other: Beside) -> (Option<Epoch>, Option<f64>) {
        match other {
            Beside::Start => (None, None),
            Beside::Plain => (self.plain, self.plain_largest),
            Beside::Steps => (self.as_many_steps, self.as_many_steps_largest),
            Beside::Small => (self.going_on, self.going_on_largest),
            Beside::Before => (Some(self.before), None),
        }
    }
}

impl WarmStarts {
    /// Finds the regimes that started after epochs of another one among these
    /// ([`Training::warm_starts`](crate::Training::warm_starts)), joins their trials to those of that one, and to those of the
    /// regimes that were trained as they were, but from the start, for whatever number of epochs: the controls.
    ///
    /// # Errors
    /// [`Error::Parameter`] where nets or data differ, where runs started from several regimes, or were not trained in one way, or
    /// where measures are of several kinds of box; [`Error::Data`] where no regime started after an epoch of another one here.
    pub fn of(regimes: &[&Regime], maxima: Option<&Maxima>) -> Result<Self> {
        check_alike(regimes)?;
        let warm: Vec<(usize, &Regime, &Recipe)> = regimes
            .iter()
            .filter_map(|regime| {
                let start = regime.recipe.start.as_ref()?;
                Some((start.epoch?, *regime, &*start.recipe))
            })
            .collect();
        let nothing = || Error::Data("warm starts need regimes that started after an epoch of another one here".into());
        let &(_, first, from) = warm.first().ok_or_else(nothing)?;
        let small = regimes.iter().find(|regime| regime.recipe == *from).ok_or_else(nothing)?;
        let cold = |recipe: &Recipe| Recipe { start: None, ..recipe.clone() };
        for (epochs, other, start) in &warm {
            let (what, given) = match (*start == from, cold(&other.recipe) == cold(&first.recipe)) {
                (true, true) => continue,
                (true, false) => ("trainings of warm starts", format!("{} beside {}", other.recipe, first.recipe)),
                (false, _) => ("regimes of warm starts", format!("{start} beside {from}, at epoch {epochs}")),
            };
            return Err(Error::parameter(what, given, "be the same for all of them"));
        }
        // The controls: the same training from the start, for whatever number of epochs.
        let is_plain = |regime: &&&Regime| {
            regime.recipe == Recipe { epochs: regime.recipe.epochs, ..cold(&first.recipe) } && regime.name != small.name
        };
        let plain: Vec<&Regime> = regimes.iter().filter(is_plain).copied().collect();
        let measured = warm.iter().map(|(_, regime, _)| *regime).chain(plain.iter().copied()).chain([*small]);
        let measured: Vec<&Regime> = measured.collect();
        let names: Vec<&str> = measured.iter().map(|regime| regime.name.as_str()).collect();
        let is_own = |maximum: &&Maximum| {
            maximum.split == Which::Train
                && maximum.epoch.is_none()
                && maximum.regime.as_deref().is_some_and(|name| names.contains(&name))
        };
        let own: Vec<&Maximum> = maxima.iter().flat_map(|maxima| &maxima.maxima).filter(is_own).collect();
        check_one_box("boxes of warm starts", &own)?;
        let mut points = Vec::new();
        for &(epochs, regime, _) in &warm {
            for run in regime.finite() {
                let measure_of = |regime: &Regime| {
                    own.iter().find(|maximum| {
                        (maximum.regime.as_deref(), maximum.trial) == (Some(regime.name.as_str()), Some(run.trial))
                    })
                };
                // The first row of this trial that is far enough, and φ where the trial ends there: measures are of ends.
                let first = |regimes: &[&Regime], is_there: &dyn Fn(&Epoch) -> bool| {
                    let of = |regime: &&Regime| {
                        let run = regime.finite().find(|other| other.trial == run.trial)?;
                        let row = run.trace.iter().find(|row| is_there(row))?;
                        let ends = row.epoch == run.last().epoch;
                        Some((*row, measure_of(regime).filter(|_| ends).map(|maximum| Reading::Largest.of(maximum))))
                    };
                    // Where two are as far, the one that ends there.
                    let found = regimes.iter().filter_map(of).min_by_key(|(row, phi)| (row.steps, phi.is_none()));
                    found.map_or((None, None), |(row, phi)| (Some(row), phi))
                };
                let (Some(before), _) = first(&[*small], &|row| row.epoch == epochs) else { continue };
                let measure = measure_of(regime);
                let (in_all, steps) = (epochs + run.last().epoch, before.steps + run.last().steps);
                let (going_on, going_on_largest) = first(&[*small], &|row| row.epoch == in_all);
                let (as_long, plain_largest) = first(&plain, &|row| row.epoch == in_all);
                let (as_many_steps, as_many_steps_largest) = first(&plain, &|row| row.steps >= steps);
                let others = [plain_largest, as_many_steps_largest, going_on_largest];
                let [plain_largest, as_many_steps_largest, going_on_largest] = others.map(|it| it.map(|(phi, _)| phi));
                points.push(WarmPoint {
                    trial: run.trial,
                    epochs,
                    before,
                    after: *run.last(),
                    going_on,
                    plain: as_long,
                    as_many_steps,
                    largest: measure.map(|maximum| maximum.phi()),
                    from_zero: measure.map(|maximum| Reading::FromZero.of(maximum).0),
                    is_trusted: measure.is_none_or(|maximum| Reading::Largest.of(maximum).1),
                    are_others_trusted: others.iter().flatten().all(|(_, is_trusted)| *is_trusted),
                    plain_largest,
                    as_many_steps_largest,
                    going_on_largest,
                });
            }
        }
        points.sort_by_key(|point| (point.epochs, point.trial));
        Ok(Self {
            net: small.net.clone(),
            data: small.data.clone(),
            small: small.recipe.batch,
            large: first.recipe.batch,
            measured: own.first().map(|maximum| (maximum.space, maximum.epsilon)),
            points,
            unmeasured: maxima.map_or(0, |maxima| maxima.unmeasured),
            diverged: measured.iter().map(|regime| regime.diverged()).sum(),
            cut: measured.iter().map(|regime| regime.cut()).sum(),
            failed: maxima.map_or(0, |maxima| maxima.failed.len()),
        })
    }

    /// Small-batch epochs before the starts, each once.
    pub fn starts(&self) -> Vec<usize> {
        let mut starts: Vec<usize> = self.points.iter().map(|point| point.epochs).collect();
        starts.dedup();
        starts
    }

    /// The same without the starts after later epochs than this one, so that it is the latest: what is judged of the latest start
    /// can be judged of each.
    ///
    /// # Errors
    /// [`Error::Parameter`] where nothing started after this epoch.
    ///
    /// ```
    /// use sharp_minima::{Beside, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let plain = Training::adam().trials(2).quiet();
    /// let small = plain.arm("small").batch(10).epochs(4).iterates(&[1, 4]).run(&net, &data)?;
    /// let warm = plain.batch(100).epochs(2).warm_starts(&net, &data, &small)?.warm_starts(None)?;
    /// let first = warm.up_to(1)?.against(Beside::Before)?; // In points, with its 95 % interval.
    /// assert!(first.lower <= first.difference && first.difference <= first.upper);
    /// assert!(warm.up_to(3).is_err(), "nothing started after the third epoch");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn up_to(&self, epochs: usize) -> Result<Self> {
        let starts = self.starts();
        if !starts.contains(&epochs) {
            return Err(Error::parameter(
                "epochs",
                epochs,
                format!("be one of {starts:?}, after which something started"),
            ));
        }
        let points = self.points.iter().filter(|point| point.epochs <= epochs).cloned().collect();
        Ok(Self { points, ..self.clone() })
    }

    /// The points that started after this epoch.
    pub fn at(&self, epochs: usize) -> impl Iterator<Item = &WarmPoint> {
        self.points.iter().filter(move |point| point.epochs == epochs)
    }

    /// Numbers of the trials.
    fn trials(&self) -> Vec<usize> {
        let mut trials: Vec<usize> = self.points.iter().map(|point| point.trial).collect();
        trials.sort_unstable();
        trials.dedup();
        trials
    }

    /// Pairs (small-batch epochs, a number) of a trial; a start at x₀ has no place on a logarithmic axis.
    fn along(&self, trial: usize, of: impl Fn(&WarmPoint) -> Option<f64>) -> Vec<(f64, f64)> {
        let own = self.points.iter().filter(|point| point.trial == trial && point.epochs > 0);
        own.filter_map(|point| Some((point.epochs as f64, of(point)?))).collect()
    }

    /// By how many points the large batch's test accuracy grows with each doubling of the small-batch epochs before it: of each
    /// trial by least squares, the mean over trials with its 95 % interval.
    ///
    /// # Errors
    /// As [`Paired::test`]: it takes two trials, each with two starts.
    pub fn gain(&self) -> Result<Paired> {
        let tests = |trial| self.along(trial, |point| Some(100.0 * point.after.test_accuracy));
        let slope = |trial| {
            let (epochs, tests): (Vec<f64>, Vec<f64>) = tests(trial).into_iter().unzip();
            let doublings: Vec<f64> = epochs.iter().map(|epochs| epochs.log2()).collect();
            Line::through(&doublings, &tests).map(|line| (line.slope, 0.0))
        };
        Paired::test(&self.trials().into_iter().filter_map(slope).collect::<Vec<_>>(), 1)
    }

    /// The mean of `ln` of the factor by which φ changes with each doubling of the small-batch epochs: of each trial by least
    /// squares of `ln φ`, the mean over trials with its 95 % interval.
    ///
    /// # Errors
    /// As [`Paired::test`]: it takes two trials, each with three measures above 0.
    pub fn change(&self, reading: Reading) -> Result<Paired> {
        let phi = |trial| self.along(trial, |point| point.phi(reading).filter(|phi| *phi > 0.0));
        let factors = self.trials().into_iter().filter_map(|trial| Trend::of(&phi(trial)).ok());
        Paired::test(&factors.map(|trend| (trend.factor.ln(), 0.0)).collect::<Vec<_>>(), 1)
    }

    /// Test accuracy of the large batch that started last minus that of another training, points, paired by trials.
    ///
    /// # Errors
    /// As [`Paired::test`]; it takes two trials of both.
    pub fn against(&self, other: Beside) -> Result<Paired> {
        let Some(last) = self.starts().pop() else { return Paired::test(&[], 1) };
        let theirs = |point: &WarmPoint| match other {
            Beside::Start => self.at(0).find(|cold| cold.trial == point.trial).map(|cold| cold.after),
            _ => point.beside(other).0,
        };
        let pair = |point: &WarmPoint| Some((100.0 * point.after.test_accuracy, 100.0 * theirs(point)?.test_accuracy));
        Paired::test(&self.at(last).filter(|point| point.epochs > 0).filter_map(pair).collect::<Vec<_>>(), 1)
    }

    /// The mean of `ln φ` (the largest) of the large batch that started last minus that of another training, paired by trials.
    ///
    /// # Errors
    /// As [`Paired::test`]; it takes two trials of both that were measured.
    pub fn sharpness_against(&self, other: Beside) -> Result<Paired> {
        let last = self.starts().pop().unwrap_or(0);
        let theirs = |point: &WarmPoint| match other {
            Beside::Start => self.at(0).find(|cold| cold.trial == point.trial).and_then(|cold| cold.largest),
            _ => point.beside(other).1,
        };
        let pair = |point: &WarmPoint| Some((point.largest?.ln(), theirs(point)?.ln()));
        let warm = self.at(last).filter(|point| point.epochs > 0);
        let pairs = warm.filter_map(pair).filter(|(one, other)| one.is_finite() && other.is_finite());
        Paired::test(&pairs.collect::<Vec<_>>(), 1)
    }

    /// A row for each start: test accuracies; training losses and φ (geometric means); and below them what is tested.
    pub fn block(&self) -> Block {
        type Of = fn(&WarmPoint) -> Option<Epoch>;
        let others: [(&str, Of); 3] = [
            ("plain large, as many epochs", |point| point.plain),
            ("plain large, as many steps", |point| point.as_many_steps),
            ("small, as many epochs", |point| point.going_on),
        ];
        let tests: [(&str, Of); 2] =
            [("there", |point| Some(point.before)), ("large, from there", |point| Some(point.after))];
        let tests = [&tests[..], &others].concat();
        let losses = [&[("large, from there", (|point| Some(point.after)) as Of)][..], &others].concat();
        let accuracies = |&epochs: &usize| {
            let test = |(_, of): &(&str, Of)| {
                let tests: Vec<f64> = self.at(epochs).filter_map(of).map(|row| 100.0 * row.test_accuracy).collect();
                Spread::of(&tests).map_or("–".into(), |spread| spread.text(2))
            };
            [epochs.to_string()].into_iter().chain(tests.iter().map(test)).collect::<Vec<_>>()
        };
        let ends = |&epochs: &usize| {
            let own: Vec<&WarmPoint> = self.at(epochs).collect();
            let loss =
                |(_, of): &(&str, Of)| geometric(own.iter().filter_map(|point| of(point)).map(|row| row.train_loss));
            let phi = |of: fn(&WarmPoint) -> Option<f64>| geometric(own.iter().filter_map(|point| of(point)));
            let doubtful = own.iter().filter(|point| !point.is_trusted).count();
            let doubt = if doubtful == 0 { String::new() } else { format!(" ({doubtful} unreliable)") };
            let sharp = [phi(|point| point.from_zero), phi(|point| point.largest) + &doubt];
            [epochs.to_string()].into_iter().chain(losses.iter().map(loss)).chain(sharp).collect::<Vec<_>>()
        };
        let table = |title: &str, what: &str, of: &[(&str, Of)], more: &[&str], row: &dyn Fn(&usize) -> Vec<String>| {
            let named: Vec<String> = of.iter().map(|(name, _)| format!("{what}: {name}")).collect();
            let named = named.iter().map(String::as_str);
            let heads: Vec<&str> =
                ["small-batch epochs"].into_iter().chain(named).chain(more.iter().copied()).collect();
            Block::table(title, &heads, self.starts().iter().map(row).collect())
        };
        let boxes = self.measured.map_or(String::new(), |(space, epsilon)| format!("; {space}, ε = {epsilon:e}"));
        let title = format!(
            "Warm starts, {} on {}: batch {}, then {}; mean ± std of {} trials{}{}",
            self.net,
            self.data,
            crate::display::grouped(self.small),
            crate::display::grouped(self.large),
            self.trials().len(),
            crate::display::missing(self.unmeasured, self.diverged),
            crate::display::doubtful(self.cut, self.failed)
        );
        let above = table(&title, "test %", &tests, &[], &accuracies);
        let title =
            format!("Where they end: training loss, and φ of the large batch from there; geometric means{boxes}");
        let below = table(&title, "training loss", &losses, &["φ from zero, %", "φ, largest, %"], &ends);
        let last = self.starts().pop().unwrap_or(0);
        let mut tested = vec![vec!["test %, with each doubling of the small-batch epochs".into()]];
        tested[0].extend(said(self.gain(), Paired::text));
        for reading in [Reading::FromZero, Reading::Largest] {
            let mut row = vec![format!("φ, {reading}, with each doubling")];
            row.extend(said(self.change(reading), Paired::times));
            tested.push(row);
        }
        let others = [
            (Beside::Start, "the same training from x₀"),
            (Beside::Plain, "the plain large batch, as many epochs in all"),
            (Beside::Steps, "the plain large batch, as many steps in all"),
            (Beside::Small, "the small batch, as many epochs in all"),
        ];
        for (other, name) in others {
            let mut row = vec![format!("test %, from epoch {last}, minus {name}")];
            row.extend(said(self.against(other), Paired::text));
            tested.push(row);
        }
        for (other, name) in others {
            let mut row = vec![format!("φ, largest, from epoch {last}, over {name}")];
            row.extend(said(self.sharpness_against(other), Paired::times));
            tested.push(row);
        }
        let heads = ["", "mean of trials, 95 % interval", "p"];
        Block::joined(&[above, below, Block::table("What later starts change", &heads, tested)])
    }

    /// A row for each start: the large batch's test accuracy minus that of each other training, with its 95 % interval, paired by
    /// trials; intervals are not corrected for their number.
    pub fn differences(&self) -> Block {
        let others = [
            (Beside::Before, "where it started"),
            (Beside::Start, "the same from x₀"),
            (Beside::Plain, "plain large, as many epochs"),
            (Beside::Steps, "plain large, as many steps"),
            (Beside::Small, "small, as many epochs"),
        ];
        let row = |epochs: usize| {
            let latest = self.up_to(epochs);
            let cell = |(other, _)| {
                let test = latest.as_ref().ok().and_then(|latest| latest.against(other).ok());
                test.map_or("–".into(), |test| test.text())
            };
            [epochs.to_string()].into_iter().chain(others.map(cell)).collect()
        };
        let heads: Vec<&str> = ["small-batch epochs"].into_iter().chain(others.map(|(_, name)| name)).collect();
        let rows = self.starts().into_iter().filter(|&epochs| epochs > 0).map(row).collect();
        let title = format!(
            "Test accuracy of the large batch minus that of …, {} on {}, points; 95 % intervals over {} trials, not corrected",
            self.net,
            self.data,
            self.trials().len()
        );
        Block::table(&title, &heads, rows)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// A test in words, with its p, or why there is none.
fn said(test: Result<Paired>, text: impl Fn(&Paired) -> String) -> [String; 2] {
    match test {
        Ok(test) => [text(&test), probability(test.p)],
        Err(reason) => [format!("none: {reason}"), String::new()],
    }
}

impl Study {
    /// Its regimes that started after epochs of another one of them: Figure 5; see [`WarmStarts::of`].
    ///
    /// # Errors
    /// As [`WarmStarts::of`].
    ///
    /// ```
    /// use sharp_minima::{Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let plain = Training::adam().trials(2).quiet();
    /// let small = plain.arm("small").batch(10).epochs(4).iterates(&[0, 1, 2, 4]).run(&net, &data)?;
    /// let study = plain.batch(100).epochs(2).warm_starts(&net, &data, &small)?;
    /// let warm = study.warm_starts(None)?;
    /// assert_eq!(warm.starts(), [0, 1, 2, 4]);
    /// assert_eq!(warm.points[2].before.test_accuracy, small.regime.runs[0].trace[1].test_accuracy);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn warm_starts(&self, maxima: Option<&Maxima>) -> Result<WarmStarts> {
        WarmStarts::of(&self.regimes(), maxima)
    }
}

crate::display::shown_as_text!(WarmPoint, Beside);
