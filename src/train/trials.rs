//! Many trials, side by side. The bits of a trial depend on its number alone, so the order in which trials are taken up,
//! and by how many threads, changes nothing but the time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::descent::{Outcome, descend};
use super::{Run, Training};
use crate::data::Dataset;
use crate::display::Progress;
use crate::error::{Error, Result};
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
    let threads = match training.threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let jobs: VecDeque<(usize, usize)> =
        (0..training.trials).flat_map(|trial| (0..N).map(move |r| (r, trial))).collect();
    // What is composed of the tensor library's operations runs on threads of its own, or on a GPU: trials would only
    // fight over them.
    let fused = training.objective.passes == Passes::Fused && training.objective.device == Device::Cpu;
    let workers = if fused { threads.min(jobs.len()) } else { 1 };
    let progress = Progress::new(jobs.len() * training.epochs, training.quiet);
    let deadline = training.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds.min(1e9)));
    let jobs = Mutex::new(jobs);
    let outcomes = Mutex::new(Vec::new());

    let work = |pool: &rayon::ThreadPool| {
        loop {
            let Some((regime, trial)) = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else { return };
            let (name, batch) = &regimes[regime];
            let report = |row: &super::Epoch| {
                progress
                    .advance(1, || format!("{name}, trial {trial}, epoch {}: loss {:.4}", row.epoch, row.train_loss));
            };
            // Fused passes work in the pool that they are called from.
            let outcome = pool.install(|| descend(training, net, data, *batch, trial, deadline, &report));
            if let Ok(Outcome::Finished(run, _)) = &outcome {
                progress
                    .advance(training.epochs + 1 - run.trace.len(), || format!("{name}, trial {trial}: {}", run.stop));
            }
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((regime, trial, outcome));
        }
    };
    // Pools are made before any thread starts, so that a machine that refuses one leaves nothing running.
    let pools = (0..workers)
        .map(|worker| {
            let share = threads / workers + usize::from(worker < threads % workers);
            rayon::ThreadPoolBuilder::new().num_threads(share).build()
        })
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| {
            Error::parameter("threads", threads, format!("be a number that the machine grants ({error})"))
        })?;
    let refused = |error: std::io::Error| {
        Error::parameter("threads", threads, format!("be a number that the machine grants ({error})"))
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            std::thread::Builder::new().spawn_scoped(scope, || work(pool)).map_err(refused)?;
        }
        Ok::<(), Error>(())
    })?;

    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(regime, trial, _)| (*trial, *regime));
    let mut trials = regimes
        .clone()
        .map(|(name, batch)| Trials { regime: describe(training, net, data, name, batch), weights: Vec::new() });
    let mut failed = None;
    for (regime, trial, outcome) in outcomes {
        match outcome? {
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
