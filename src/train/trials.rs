//! What came out: the trials of a regime, of two, of any number.

use super::iterate::Iterate;
use super::recipe::Recipe;
use super::stop::Stop;
use super::trace::{Epoch, Run};
use crate::display::grouped;
use crate::error::{Error, Result};
use crate::net::Net;
use crate::threshold::Threshold;
use crate::weights::Weights;

/// Which side of the paper's comparison a regime is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Role {
    /// The small batch.
    Small,
    /// The large batch.
    Large,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Small => "small",
            Role::Large => "large",
        })
    }
}

/// What was measured of a regime's trials, and how they were made: all but the weights. This is what recorded runs hold.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// Its name in tables and charts: "small", "large", "batch 256".
    pub name: String,
    /// Which side of a pair it is, if of one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub role: Option<Role>,
    /// All parameters that decide its numbers.
    pub recipe: Recipe,
    /// Name of the net.
    pub net: String,
    /// n, the number of weights.
    pub weight_count: usize,
    /// Name of the data set.
    pub data: String,
    /// Number of training points.
    pub points: usize,
    /// Budget of the call in seconds, if there was one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub budget: Option<f64>,
    /// The trials, by their numbers.
    pub runs: Vec<Run>,
}

impl Regime {
    /// The trials that stayed finite: those that averages, charts and verdicts are of.
    pub fn finite(&self) -> impl Iterator<Item = &Run> + Clone {
        self.runs.iter().filter(|run| run.is_finite())
    }

    /// How many trials diverged.
    pub fn diverged(&self) -> usize {
        self.runs.len() - self.finite().count()
    }

    /// How many trials a budget of seconds cut short, or did not begin.
    pub fn cut(&self) -> usize {
        self.runs.iter().filter(|run| run.stop == Stop::Budget).count()
    }

    /// "small batch (256)", or the name where that says more.
    pub(crate) fn label(&self) -> String {
        match self.role {
            Some(role) => format!("{role} batch ({})", self.recipe.batch),
            None => self.name.clone(),
        }
    }
}

/// The trials of a regime with the points that they ended in.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    /// What was measured.
    pub regime: Regime,
    /// The last point of each run, in the order of `regime.runs`; of one that diverged the last that was finite.
    pub weights: Vec<Weights>,
    /// The point of each run after the epoch with the lowest training loss: that of [`Run::lowest`]. Patience leaves a trial
    /// some epochs past it.
    pub lowest: Vec<Weights>,
    /// Points on each run's way that were [asked for](crate::Training::iterates), by epoch.
    pub iterates: Vec<Vec<Iterate>>,
    /// Where they are read.
    pub at: ReadAt,
}

/// Where trials are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadAt {
    /// At the end of each.
    End,
    /// After an epoch, the same for all: [`Trials::at_epoch`].
    Epoch(usize),
    /// Where the training loss of each is lowest: [`Trials::at_lowest`].
    Lowest,
    /// Each after an epoch of its own: [`Trials::as_far_as`], [`Trials::as_low_as`], [`Trials::as_accurate_as`].
    Each,
}

impl ReadAt {
    /// The epoch, if it is one for all.
    pub fn epoch(self) -> Option<usize> {
        match self {
            ReadAt::Epoch(epoch) => Some(epoch),
            ReadAt::End | ReadAt::Lowest | ReadAt::Each => None,
        }
    }
}

/// "at the end", "after epoch 5".
impl std::fmt::Display for ReadAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadAt::End => f.write_str("at the end"),
            ReadAt::Epoch(epoch) => write!(f, "after epoch {epoch}"),
            ReadAt::Lowest => f.write_str("at the lowest training loss"),
            ReadAt::Each => f.write_str("each after an epoch of its own"),
        }
    }
}

/// Why there is no point on the way.
const OWN_EPOCHS: &str = "these trials are read each after an epoch of its own";

impl Trials {
    /// The same trials as they were after an epoch: its points in the place of the last ones, traces cut there. Every measure
    /// reads them so, and [`Training::starting_at`](crate::Training::starting_at) starts there. A trial that diverged stays one.
    ///
    /// Memory: the points of that epoch are read.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an epoch after which not every trial has a point that was kept; [`Error::File`] or
    /// [`Error::Format`] where a file of one is missing or was altered.
    ///
    /// ```
    /// use sharp_minima::{Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let trials = Training::adam().batch(20).trials(2).epochs(3).iterates(&[0, 2]).quiet().run(&net, &data)?;
    /// let then = trials.at_epoch(2)?;
    /// assert_eq!(then.regime.runs[1].last(), &trials.regime.runs[1].trace[2]);
    /// assert!(trials.at_epoch(3).is_err());
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn at_epoch(&self, epoch: usize) -> Result<Self> {
        let mut regime = self.regime.clone();
        let mut weights = Vec::with_capacity(self.weights.len());
        for ((run, last), iterates) in regime.runs.iter_mut().zip(&self.weights).zip(&self.iterates) {
            if !run.is_finite() {
                weights.push(last.clone());
                continue;
            }
            let Some(iterate) = iterates.iter().find(|iterate| iterate.epoch == epoch) else {
                let kept: Vec<String> = iterates.iter().map(|iterate| iterate.epoch.to_string()).collect();
                let allowed = match kept.is_empty() {
                    true if self.at == ReadAt::Each => format!("be none: {OWN_EPOCHS}"),
                    true => format!("be one after which x was kept, but trial {} has none: `.iterates(…)`", run.trial),
                    false => format!("be one after which x was kept, of trial {} {}", run.trial, kept.join(", ")),
                };
                return Err(Error::parameter("epoch", epoch, allowed));
            };
            run.trace.retain(|row| row.epoch <= epoch);
            weights.push(iterate.weights()?);
        }
        let iterates = self.iterates.iter().map(|own| own.iter().filter(|it| it.epoch <= epoch).cloned().collect());
        let iterates = iterates.collect();
        Ok(Self { regime, lowest: weights.clone(), weights, iterates, at: ReadAt::Epoch(epoch) })
    }

    /// The same trials with those of their kept points alone that lie after these epochs, for what takes all of them: measures
    /// [along runs](crate::Sharpness::iterates), [warm starts](crate::Training::warm_starts).
    ///
    /// Memory: another copy of the points that stay, where they are not kept in a folder.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no epoch, one twice, or one after which not every trial has a point that was kept.
    pub fn after_epochs(&self, epochs: &[usize]) -> Result<Self> {
        if epochs.is_empty() {
            return Err(Error::parameter("epochs", "none", "be at least one"));
        }
        let kept = self.epochs();
        for (place, epoch) in epochs.iter().enumerate() {
            if epochs[..place].contains(epoch) {
                return Err(Error::parameter("epochs", format!("twice {epoch}"), "differ"));
            }
            if !kept.contains(epoch) {
                let kept: Vec<String> = kept.iter().map(usize::to_string).collect();
                let kept = if kept.is_empty() { "none".into() } else { kept.join(", ") };
                let allowed = format!("be one after which every trial of '{}' kept x: {kept}", self.regime.name);
                return Err(Error::parameter("epoch", epoch, allowed));
            }
        }
        let of = |iterates: &Vec<Iterate>| iterates.iter().filter(|it| epochs.contains(&it.epoch)).cloned().collect();
        Ok(Self {
            regime: self.regime.clone(),
            weights: self.weights.clone(),
            lowest: self.lowest.clone(),
            iterates: self.iterates.iter().map(of).collect(),
            at: self.at,
        })
    }

    /// Runs that stayed finite, with their points after an epoch, where they kept one.
    pub(crate) fn iterates_of(&self, epoch: usize) -> impl Iterator<Item = (&Run, &Iterate)> {
        let own = self.regime.runs.iter().zip(&self.iterates).filter(|(run, _)| run.is_finite());
        own.filter_map(move |(run, iterates)| Some((run, iterates.iter().find(|iterate| iterate.epoch == epoch)?)))
    }

    /// The epochs after which every trial that did not diverge has a point that was kept.
    pub fn epochs(&self) -> Vec<usize> {
        let mut own = self.regime.runs.iter().zip(&self.iterates).filter(|(run, _)| run.is_finite());
        let of = |iterates: &[Iterate]| iterates.iter().map(|iterate| iterate.epoch).collect::<Vec<usize>>();
        let first = own.next().map_or(Vec::new(), |(_, iterates)| of(iterates));
        own.fold(first, |mut common, (_, iterates)| {
            let there = of(iterates);
            common.retain(|epoch| there.contains(epoch));
            common
        })
    }

    /// The same trials, with the point of the lowest training loss in the place of the last one, and their traces cut there:
    /// every measure reads them so, and points after it are left out. Trials that are read after an epoch stay as they are.
    pub fn at_lowest(&self) -> Self {
        if matches!(self.at, ReadAt::Epoch(_) | ReadAt::Each) {
            return self.clone();
        }
        let mut lowest = Self { weights: self.lowest.clone(), at: ReadAt::Lowest, ..self.clone() };
        for (run, iterates) in lowest.regime.runs.iter_mut().zip(&mut lowest.iterates) {
            let epoch = run.lowest().epoch;
            run.trace.retain(|row| row.epoch <= epoch);
            iterates.retain(|iterate| iterate.epoch <= epoch);
        }
        lowest
    }

    /// The same trials with the rows of their points scaled: see [`Net::with_unit_rows`]. Traces stay as they were; points on
    /// the way are left out.
    ///
    /// # Errors
    /// As [`Net::with_unit_rows`].
    pub fn with_unit_rows(&self, net: &Net) -> Result<Self> {
        let scaled = |all: &[Weights]| all.iter().map(|x| net.with_unit_rows(x)).collect::<Result<Vec<Weights>>>();
        let iterates = vec![Vec::new(); self.iterates.len()];
        Ok(Self { weights: scaled(&self.weights)?, lowest: scaled(&self.lowest)?, iterates, ..self.clone() })
    }

    /// The same trials, each read after that of its kept epochs, the start left out, at which it was as far from its start as the
    /// trial of the same number in another regime is at its end, or most nearly so; traces are cut there, and points on the way
    /// left out. A trial that diverged stays one.
    ///
    /// # Errors
    /// [`Error::Data`] where a trial kept no point after an epoch, or has no counterpart; as [`at_epoch`](Self::at_epoch) for
    /// points that cannot be read.
    pub fn as_far_as(&self, other: &Trials) -> Result<Self> {
        self.nearest_to(other, |row| row.distance)
    }

    /// The same, each trial read where its training loss was as low as that of the trial of the same number in another regime is
    /// at its end, or most nearly so (in the logarithm).
    ///
    /// # Errors
    /// As [`as_far_as`](Self::as_far_as).
    pub fn as_low_as(&self, other: &Trials) -> Result<Self> {
        // A loss of 0 has no logarithm.
        self.nearest_to(other, |row| row.train_loss.max(f64::MIN_POSITIVE).ln())
    }

    /// The same, each trial read where its training accuracy is nearest to this one, a fraction; of equally near epochs the first.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an accuracy that is not from 0 to 1; [`Error::Data`] where a trial kept no point after an epoch.
    pub fn as_accurate_as(&self, accuracy: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&accuracy) {
            return Err(Error::parameter("accuracy", accuracy, "be a fraction from 0 to 1"));
        }
        self.nearest(|row, _| Some((row.train_accuracy - accuracy).abs()), "")
    }

    fn nearest_to(&self, other: &Trials, of: fn(&Epoch) -> f64) -> Result<Self> {
        let away = |row: &Epoch, trial: usize| -> Option<f64> {
            let theirs = other.regime.finite().find(|their| their.trial == trial)?;
            Some((of(row) - of(theirs.last())).abs())
        };
        self.nearest(away, &format!(", and a trial of its number in '{}'", other.regime.name))
    }

    /// Each trial after that of its kept epochs, the start left out, which is the least `away`; what else that needs is for an error.
    fn nearest(&self, away: impl Fn(&Epoch, usize) -> Option<f64>, needs: &str) -> Result<Self> {
        let mut near = Self {
            regime: self.regime.clone(),
            weights: self.weights.clone(),
            lowest: self.lowest.clone(),
            iterates: vec![Vec::new(); self.iterates.len()],
            at: ReadAt::Each,
        };
        for (place, run) in near.regime.runs.iter_mut().enumerate().filter(|(_, run)| run.is_finite()) {
            let away = |iterate: &Iterate| away(run.trace.iter().find(|row| row.epoch == iterate.epoch)?, run.trial);
            let kept = self.iterates[place].iter().filter(|iterate| iterate.epoch > 0);
            let nearest =
                kept.filter_map(|iterate| Some((away(iterate)?, iterate))).min_by(|(a, _), (b, _)| a.total_cmp(b));
            let Some((_, iterate)) = nearest else {
                let own = if self.at == ReadAt::Each { format!(", but {OWN_EPOCHS}") } else { String::new() };
                let name = &self.regime.name;
                let reason = format!("trial {} of '{name}' needs a point kept after an epoch{needs}{own}", run.trial);
                return Err(Error::Data(reason));
            };
            let epoch = iterate.epoch;
            run.trace.retain(|row| row.epoch <= epoch);
            near.weights[place] = iterate.weights()?;
            near.lowest[place] = near.weights[place].clone();
        }
        Ok(near)
    }

    /// Runs that stayed finite, with their last points.
    pub(crate) fn finite(&self) -> impl Iterator<Item = (&Run, &Weights)> {
        self.regime.runs.iter().zip(&self.weights).filter(|(run, _)| run.is_finite())
    }
}

/// Any number of regimes on one net and one data set, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// The trials of each.
    pub regimes: Vec<Trials>,
}

impl Study {
    /// The same study with one more regime, which was trained on the same net and data: a control that was run on its own.
    pub fn with(&self, trials: &Trials) -> Self {
        Self { regimes: self.regimes.iter().chain([trials]).cloned().collect() }
    }

    /// What was measured of each regime.
    pub fn regimes(&self) -> Vec<&Regime> {
        self.regimes.iter().map(|trials| &trials.regime).collect()
    }

    /// The regime of this name.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is none; it says which there are.
    pub fn named(&self, name: &str) -> Result<&Trials> {
        self.regimes.iter().find(|trials| trials.regime.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.regimes.iter().map(|trials| trials.regime.name.as_str()).collect();
            Error::parameter("name of a regime", format!("'{name}'"), format!("be one of '{}'", names.join("', '")))
        })
    }

    /// Past which batch size the test accuracy falls, after the last epoch of each trial (of [`at_lowest`](Self::at_lowest)
    /// where its training loss is lowest).
    ///
    /// # Errors
    /// As [`Threshold::of`]: it takes at least four batch sizes.
    pub fn threshold(&self) -> Result<Threshold> {
        threshold_of(&self.regimes())
    }

    /// The same study, each trial as it was after an epoch: see [`Trials::at_epoch`].
    ///
    /// # Errors
    /// As [`Trials::at_epoch`].
    pub fn at_epoch(&self, epoch: usize) -> Result<Self> {
        let regimes = self.regimes.iter().map(|trials| trials.at_epoch(epoch)).collect::<Result<Vec<_>>>()?;
        Ok(Self { regimes })
    }

    /// The same study with those of its kept points alone that lie after these epochs: see [`Trials::after_epochs`].
    ///
    /// # Errors
    /// As [`Trials::after_epochs`].
    pub fn after_epochs(&self, epochs: &[usize]) -> Result<Self> {
        let regimes = self.regimes.iter().map(|trials| trials.after_epochs(epochs)).collect::<Result<Vec<_>>>()?;
        Ok(Self { regimes })
    }

    /// The same study, each trial read where its training loss is lowest: see [`Trials::at_lowest`].
    pub fn at_lowest(&self) -> Self {
        Self { regimes: self.regimes.iter().map(Trials::at_lowest).collect() }
    }
}

/// The small-batch and the large-batch regime from the same starting points: the study of two.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The small-batch regime.
    pub small: Trials,
    /// The large-batch regime.
    pub large: Trials,
}

impl Pair {
    /// Both regimes, the small one first.
    pub fn regimes(&self) -> [&Regime; 2] {
        [&self.small.regime, &self.large.regime]
    }

    /// As a study of two.
    pub fn study(&self) -> Study {
        Study { regimes: vec![self.small.clone(), self.large.clone()] }
    }

    /// The same pair, each trial as it was after an epoch: see [`Trials::at_epoch`].
    ///
    /// # Errors
    /// As [`Trials::at_epoch`].
    pub fn at_epoch(&self, epoch: usize) -> Result<Self> {
        Ok(Self { small: self.small.at_epoch(epoch)?, large: self.large.at_epoch(epoch)? })
    }

    /// The same pair with the rows of its points scaled: see [`Trials::with_unit_rows`].
    ///
    /// # Errors
    /// As [`Trials::with_unit_rows`].
    pub fn with_unit_rows(&self, net: &Net) -> Result<Self> {
        Ok(Self { small: self.small.with_unit_rows(net)?, large: self.large.with_unit_rows(net)? })
    }

    /// The same pair, with the small batch read where it was as far from the start as the large one is at its end: see
    /// [`Trials::as_far_as`].
    ///
    /// # Errors
    /// As [`Trials::as_far_as`].
    pub fn at_equal_distance(&self) -> Result<Self> {
        Ok(Self { small: self.small.as_far_as(&self.large)?, large: self.large.clone() })
    }

    /// The same pair, with the large batch read where its training loss was that of the small one's end: see [`Trials::as_low_as`].
    ///
    /// # Errors
    /// As [`Trials::as_low_as`].
    pub fn at_equal_loss(&self) -> Result<Self> {
        Ok(Self { small: self.small.clone(), large: self.large.as_low_as(&self.small)? })
    }

    /// The same pair, each trial read where its training accuracy is nearest to that of its regime here, small and large, fractions:
    /// see [`Trials::as_accurate_as`].
    ///
    /// # Errors
    /// As [`Trials::as_accurate_as`].
    pub fn at_accuracies(&self, small: f64, large: f64) -> Result<Self> {
        Ok(Self { small: self.small.as_accurate_as(small)?, large: self.large.as_accurate_as(large)? })
    }

    /// The same pair, each trial read where its training loss is lowest: see [`Trials::at_lowest`].
    pub fn at_lowest(&self) -> Self {
        Self { small: self.small.at_lowest(), large: self.large.at_lowest() }
    }
}

/// An error unless regimes are of one net and one data set, which alone may lie in one chart, table or average, and have names of
/// their own.
pub(crate) fn check_alike(regimes: &[&Regime]) -> Result<()> {
    let name = |regime: &Regime| format!("{} on {}", regime.net, regime.data);
    let size = |regime: &Regime| (regime.weight_count, regime.points);
    for (place, regime) in regimes.iter().enumerate() {
        let first = regimes[0];
        if name(regime) != name(first) || size(regime) != size(first) {
            let is_named_alike = name(regime) == name(first);
            let said = |regime: &Regime| {
                let (weights, points) = size(regime);
                let sizes = format!(" ({} weights, {} points)", grouped(weights), grouped(points));
                name(regime) + if is_named_alike { &sizes } else { "" }
            };
            let given = format!("{} beside {}", said(regime), said(first));
            return Err(Error::parameter("net and data of regimes side by side", given, "be the same"));
        }
        if regimes[..place].iter().any(|other| other.name == regime.name) {
            let given = format!("twice '{}'", regime.name);
            return Err(Error::parameter("names of regimes side by side", given, "differ"));
        }
    }
    Ok(())
}

/// Past which batch size the test accuracy falls, after the last epochs; trials that diverged are left out.
pub(crate) fn threshold_of(regimes: &[&Regime]) -> Result<Threshold> {
    let measured = regimes
        .iter()
        .map(|regime| (regime.recipe.batch, regime.finite().map(|run| run.last().test_accuracy).collect::<Vec<f64>>()));
    Threshold::of(&measured.filter(|(_, values)| !values.is_empty()).collect::<Vec<_>>())
}

crate::display::shown_as_text!(ReadAt);
