//! Many trials, side by side. The bits of a trial depend on its number alone, so the order in which trials are taken up,
//! and by how many threads, changes nothing but the time.

use std::time::{Duration, Instant};

use super::descent::{Outcome, descend};
use super::{Run, Stop, Training};
use crate::abreast::abreast;
use crate::data::Dataset;
use crate::display::Progress;
use crate::error::{Error, Result};
use crate::kept::Fingerprint;
use crate::net::{Device, Net, Passes};
use crate::objective::Statistics;
use crate::optim::Optimizer;
use crate::seed::Seed;
use crate::weights::Weights;

/// What was measured of a regime's trials, and how: all but the weights. This is what recorded runs hold.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Regime {
    /// Its name in tables and charts: "small", "large".
    pub name: String,
    /// Name of the net.
    pub net: String,
    /// n, the number of weights.
    pub weight_count: usize,
    /// Name of the data set.
    pub data: String,
    /// Number of training points.
    pub points: usize,
    /// Points in a batch.
    pub batch: usize,
    /// The rule that moved x.
    pub optimizer: Optimizer,
    /// The seed of all trials.
    pub seed: u64,
    /// Most epochs of a trial.
    pub epochs: usize,
    /// Epochs without a smaller training loss after which a trial ended, if there was such a rule.
    pub patience: Option<usize>,
    /// Budget of the call in seconds, if there was one.
    pub budget: Option<f64>,
    /// Whose statistics normalization used when f was evaluated.
    pub statistics: Statistics,
    /// Most points that normalization averaged over when f was evaluated.
    pub chunk: usize,
    /// The trials, by their numbers.
    pub runs: Vec<Run>,
}

/// The trials of a regime with the points that they ended in.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    /// What was measured.
    pub regime: Regime,
    /// The last point of each run, in the order of `regime.runs`.
    pub weights: Vec<Weights>,
}

/// The small-batch and the large-batch regime from the same starting points.
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
}

/// Trains all trials of all regimes, as many at once as there are threads.
pub(super) fn side_by_side<const N: usize>(
    training: &Training,
    net: &Net,
    data: &Dataset,
    regimes: [(String, usize); N],
) -> Result<[Trials; N]> {
    let jobs: Vec<(usize, usize)> = (0..training.trials).flat_map(|trial| (0..N).map(move |r| (r, trial))).collect();
    // What is composed of the tensor library's operations runs on threads of its own, or on a GPU: trials would only
    // fight over them.
    let fused = training.objective.passes == Passes::Fused && training.objective.device == Device::Cpu;
    let progress = Progress::new(jobs.len() * training.epochs, training.quiet);
    let deadline = training.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds.min(1e9)));
    let kept = training.kept.as_ref().map(|kept| (kept, fingerprint(training, net, data)));

    let outcomes = abreast(&jobs, training.threads, if fused { jobs.len() } else { 1 }, |&(regime, trial)| {
        let (name, batch) = &regimes[regime];
        let own = kept.as_ref().map(|(kept, of)| (*kept, of.clone().and(&(batch, trial))));
        if let Some((kept, of)) = &own
            && let Some(run) = kept.find::<Run>("trial", of)?
        {
            let weights = Weights::load(net.layout(), kept.path("trial", of, "safetensors"))?;
            progress.advance(training.epochs, || format!("{name}, trial {trial}: found as it was kept"));
            return Ok(Outcome::Finished(run, weights));
        }
        let report = |row: &super::Epoch| {
            progress.advance(1, || format!("{name}, trial {trial}, epoch {}: loss {:.4}", row.epoch, row.train_loss));
        };
        // Fused passes work in the pool that they are called from.
        let outcome = descend(training, net, data, *batch, trial, deadline, &report)?;
        if let Outcome::Finished(run, weights) = &outcome {
            progress.advance(training.epochs + 1 - run.trace.len(), || format!("{name}, trial {trial}: {}", run.stop));
            // What a budget cut short is not what the parameters say.
            if let Some((kept, of)) = own.filter(|_| run.stop != Stop::Budget) {
                // The weights first: where the numbers are, they are too.
                weights.save(kept.path("trial", &of, "safetensors"))?;
                kept.keep("trial", &of, run)?;
            }
        }
        Ok(outcome)
    })?;
    let mut outcomes: Vec<_> = jobs.into_iter().zip(outcomes).collect();
    outcomes.sort_by_key(|((regime, trial), _)| (*trial, *regime));
    let mut trials = regimes
        .clone()
        .map(|(name, batch)| Trials { regime: describe(training, net, data, name, batch), weights: Vec::new() });
    let mut failed = None;
    for ((regime, trial), outcome) in outcomes {
        match outcome {
            Outcome::Finished(run, weights) => {
                trials[regime].regime.runs.push(run);
                trials[regime].weights.push(weights);
            }
            Outcome::Diverged { epoch, loss } => failed = failed.or(Some((regime, trial, epoch, loss))),
        }
    }
    match failed {
        None => Ok(trials),
        Some((regime, trial, epoch, loss)) => {
            let (regime, batch) = regimes[regime].clone();
            Err(Error::Diverged { trial, regime, batch, epoch, loss, finished: trials.into() })
        }
    }
}

/// All that decides the bits of a trial but its batch and its number.
fn fingerprint(training: &Training, net: &Net, data: &Dataset) -> Fingerprint {
    let Training { optimizer, epochs, patience, seed, objective, .. } = training;
    let of = Fingerprint::new("trial").and(&(optimizer, epochs, patience, seed, objective, net.input(), net.layers()));
    of.split(&data.train).split(&data.test)
}

fn describe(training: &Training, net: &Net, data: &Dataset, name: String, batch: usize) -> Regime {
    let Seed(seed) = training.seed;
    Regime {
        name,
        net: net.name().into(),
        weight_count: net.parameter_count(),
        data: data.name.clone(),
        points: data.train.len(),
        batch,
        optimizer: training.optimizer,
        seed,
        epochs: training.epochs,
        patience: training.patience,
        budget: training.seconds,
        statistics: training.objective.statistics,
        chunk: training.objective.chunk,
        runs: Vec::new(),
    }
}
