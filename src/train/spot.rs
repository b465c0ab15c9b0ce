//! Where is a measure made? A point, and whose it is if it is a trial's.

use std::borrow::Cow;

use super::iterate::Iterate;
use super::trials::{Regime, Study, Trials};
use crate::error::{Error, Result};
use crate::weights::Weights;

/// One point to be measured.
#[derive(Clone)]
pub(crate) struct Spot<'a> {
    /// Whose it is, if it is a trial's: the regime, the trial's number, and the epoch after which it is read.
    pub(crate) of: Option<(&'a Regime, usize, Option<usize>)>,
    x: Place<'a>,
}

/// Where the point is.
#[derive(Clone)]
enum Place<'a> {
    Here(&'a Weights),
    /// To be read when it is needed: those of many epochs have no room in memory.
    Kept(&'a Iterate),
}

impl<'a> Spot<'a> {
    /// A point that belongs to no trial.
    pub(crate) fn bare(x: &'a Weights) -> Self {
        Self { of: None, x: Place::Here(x) }
    }

    /// The last points of all regimes' trials, and how many of these diverged and have none; `what` is for an error: "sharpness".
    ///
    /// # Errors
    /// [`Error::Data`] where a regime has no trials, or not their weights.
    pub(crate) fn ends(regimes: &[&'a Trials], what: &str) -> Result<(Vec<Self>, usize)> {
        let mut spots = Vec::new();
        let mut diverged = 0;
        for trials in regimes {
            let Trials { regime, weights, .. } = trials;
            if weights.is_empty() || weights.len() != regime.runs.len() {
                return Err(Error::Data(format!(
                    "{what} needs trials with their weights, but the regime '{}' has {} trials and {} weights",
                    regime.name,
                    regime.runs.len(),
                    weights.len()
                )));
            }
            diverged += regime.diverged();
            let own = trials.finite();
            spots.extend(
                own.map(|(run, x)| Self { of: Some((regime, run.trial, trials.at.epoch())), x: Place::Here(x) }),
            );
        }
        Ok((spots, diverged))
    }

    /// As [`ends`](Self::ends), each with the epoch after which it is read, be it one of its trial's own.
    ///
    /// # Errors
    /// As [`ends`](Self::ends).
    pub(crate) fn by_epoch(study: &'a Study, what: &str) -> Result<(Vec<Self>, usize)> {
        let (mut spots, diverged) = Self::ends(&study.regimes.iter().collect::<Vec<_>>(), what)?;
        for (regime, trial, epoch) in spots.iter_mut().filter_map(|spot| spot.of.as_mut()) {
            *epoch = regime.runs.iter().find(|run| run.trial == *trial).map(|run| run.last().epoch);
        }
        Ok((spots, diverged))
    }

    /// The points of all regimes after each epoch after which all trials kept one, epoch by epoch; else as [`ends`](Self::ends).
    ///
    /// # Errors
    /// [`Error::Data`] where they have kept no common epoch.
    pub(crate) fn along(study: &'a Study, what: &str) -> Result<(Vec<Self>, usize)> {
        let mut epochs = study.regimes.first().map_or(Vec::new(), Trials::epochs);
        for trials in &study.regimes {
            let there = trials.epochs();
            epochs.retain(|epoch| there.contains(epoch));
        }
        if epochs.is_empty() {
            let reason = format!("{what} along runs needs an epoch after which every trial kept its point");
            return Err(Error::Data(reason));
        }
        let mut spots = Vec::new();
        for epoch in epochs {
            for trials in &study.regimes {
                spots.extend(trials.iterates_of(epoch).map(|(run, iterate)| Self {
                    of: Some((&trials.regime, run.trial, Some(epoch))),
                    x: Place::Kept(iterate),
                }));
            }
        }
        Ok((spots, study.regimes.iter().map(|trials| trials.regime.diverged()).sum()))
    }

    /// The point; one that was kept in a folder is read.
    ///
    /// # Errors
    /// As [`Iterate::weights`].
    pub(crate) fn x(&self) -> Result<Cow<'a, Weights>> {
        match self.x {
            Place::Here(x) => Ok(Cow::Borrowed(x)),
            Place::Kept(iterate) => iterate.weights().map(Cow::Owned),
        }
    }

    /// Whose it is: "small, trial 1, epoch 3"; nothing where it belongs to no trial.
    pub(crate) fn name(&self) -> Option<String> {
        self.of.map(|(regime, trial, epoch)| {
            let epoch = epoch.map_or(String::new(), |epoch| format!(", epoch {epoch}"));
            format!("{}, trial {trial}{epoch}", regime.name)
        })
    }
}
