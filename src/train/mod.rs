//! Which minimum does a batch size lead to? Training in a regime: several trials from starting points of their own.
//!
//! §2.2 of the paper: the small-batch regime has 256 points, the large-batch regime 10 % of the training points, ADAM
//! moves x in both, each is run five times "from different (uniformly distributed random) starting points", and "trained,
//! without any budget or limits, until the loss function ceased to improve". As in the authors' code, both regimes of a
//! pair start from the same points: a start depends on seed and trial alone. So does the order of the points in an epoch.
//!
//! | name | default | range | paper |
//! |---|---|---|---|
//! | [`optimizer`](Training::optimizer) | ADAM, Keras' defaults | | ADAM |
//! | [`batch`](Training::batch) | 256 | 1..=training points | 256; 10 % of the points |
//! | [`trials`](Training::trials) | 5 | 1..=10,000 | 5 |
//! | [`epochs`](Training::epochs) | 20 | 1..=1,000,000 | 20 (code), 100 (Figures 4, 5) |
//! | [`patience`](Training::patience) | none | from 1 | "until the loss function ceased to improve" |
//! | [`seconds`](Training::seconds) | none | above 0 | none |
//! | [`seed`](Training::seed) | 0 | any | not said |
//! | [`objective`](Training::objective) | batch statistics, chunks of 5,000 | | `mode=2` (code) |
//! | [`device`](Training::device) | the CPU | those of the build | – |
//! | [`kept_in`](Training::kept_in) | no folder | | – |
//! | [`threads`](Training::threads) | the machine's | 1..=1,024 | – |
//!
//! An epoch draws every point once, in an order of its own, in batches of the size given; the points that remain at its
//! end are a smaller batch, as in Keras.
//!
//! Deviation: the paper does not say when a loss has ceased to improve; [`patience`](Training::patience) is our reading.
//!
//! Deviation: a single point that remains is joined to the batch before it, since normalization by the statistics of one
//! point leaves nothing of it.

mod descent;
mod stop;
mod trace;
mod trials;

use std::path::Path;

pub use descent::Descent;
pub use stop::Stop;
pub use trace::{Epoch, Run};
pub use trials::{Pair, Regime, Trials};

use crate::data::{Dataset, check_count};
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::net::{Device, Net, Passes};
use crate::objective::Objective;
use crate::optim::Optimizer;
use crate::seed::Seed;

/// How to train: the parameters of a regime, and the verbs [`run`](Self::run) and [`pair`](Self::pair).
///
/// ```
/// use sharp_minima::{Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let trials = Training::adam().batch(20).trials(2).epochs(3).quiet().run(&net, &data)?;
/// assert_eq!(trials.regime.runs.len(), 2);
/// assert!(trials.regime.runs[0].last().train_loss < trials.regime.runs[0].trace[0].train_loss);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    optimizer: Optimizer,
    batch: usize,
    trials: usize,
    epochs: usize,
    patience: Option<usize>,
    seconds: Option<f64>,
    seed: Seed,
    objective: Objective,
    threads: Option<usize>,
    regime: Option<String>,
    kept: Option<Kept>,
    quiet: bool,
}

impl Training {
    /// Training by ADAM with Keras' defaults, as in the paper.
    pub fn adam() -> Self {
        Self::by(Optimizer::adam())
    }

    /// Training by SGD.
    pub fn sgd(learning_rate: f64, momentum: f64) -> Self {
        Self::by(Optimizer::sgd(learning_rate, momentum))
    }

    fn by(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            batch: 256,
            trials: 5,
            epochs: 20,
            patience: None,
            seconds: None,
            seed: Seed(0),
            objective: Objective::new(),
            threads: None,
            regime: None,
            kept: None,
            quiet: false,
        }
    }

    /// The rule that moves x.
    pub fn optimizer(self, optimizer: Optimizer) -> Self {
        Self { optimizer, ..self }
    }

    /// η of the optimizer.
    pub fn learning_rate(self, rate: f64) -> Self {
        Self { optimizer: self.optimizer.with_learning_rate(rate), ..self }
    }

    /// Points in a batch. A batch of 1 teaches a net with normalization nothing: of one point its statistics leave nothing.
    pub fn batch(self, points: usize) -> Self {
        Self { batch: points, ..self }
    }

    /// Number of trials, each from a starting point of its own.
    pub fn trials(self, trials: usize) -> Self {
        Self { trials, ..self }
    }

    /// Most epochs of a trial.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Ends a trial when its smallest training loss is this many epochs old: the loss has ceased to improve.
    pub fn patience(self, epochs: usize) -> Self {
        Self { patience: Some(epochs), ..self }
    }

    /// Ends the call after about this many seconds, with what there is by then: each trial ends behind the epoch that it
    /// is in, and those not begun return their start. The result then depends on the machine's speed.
    pub fn seconds(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Where everything random comes from.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Seed(seed), ..self }
    }

    /// How loss and accuracy are evaluated behind each epoch; training itself always uses the statistics of its batch.
    pub fn objective(self, objective: Objective) -> Self {
        Self { objective, ..self }
    }

    /// Where the nets are computed, in training and in evaluation: that of the [`objective`](Self::objective), which this
    /// sets. On a device other than the CPU x stays there through a run, and trials run one after another.
    pub fn device(self, device: Device) -> Self {
        Self { objective: self.objective.device(device), ..self }
    }

    /// Threads of the whole call: trials run side by side, and share what remains. The result does not depend on it.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Name of the regime in tables and charts; "batch 256" if not given.
    pub fn regime(self, name: &str) -> Self {
        Self { regime: Some(name.into()), ..self }
    }

    /// Keeps each finished trial in a folder, and takes from it what was finished before: a call that was interrupted goes on
    /// where it was when the same call is made again. A trial is two files, its rows (JSON) and its weights (safetensors).
    /// Nothing is taken that another call, other data or another version made; the folder can be removed at any time.
    pub fn kept_in(self, folder: impl AsRef<Path>) -> Self {
        Self { kept: Some(Kept::in_folder(folder.as_ref())), ..self }
    }

    /// Without progress lines.
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// Trains one regime.
    ///
    /// Cost: for each trial and epoch, one pass back and forth over the training points and one evaluation of f on both
    /// splits. Memory: for each thread one batch's layers.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, [`Error::Shape`] where the net does not fit the data,
    /// [`Error::Diverged`] where a loss is no longer finite; that error keeps the trials that ended well:
    ///
    /// ```
    /// use sharp_minima::{Error, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// match Training::sgd(1e30, 0.0).batch(20).trials(2).quiet().run(&net, &data) {
    ///     Err(Error::Diverged { epoch, finished, .. }) => assert_eq!((epoch, finished.len()), (1, 1)),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    pub fn run(&self, net: &Net, data: &Dataset) -> Result<Trials> {
        let name = self.regime.clone().unwrap_or_else(|| format!("batch {}", self.batch));
        let [trials] = self.regimes(net, data, [(name, self.batch)])?;
        Ok(trials)
    }

    /// Trains the small-batch and the large-batch regime from the same starting points, their trials side by side.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn pair(&self, net: &Net, data: &Dataset, small: usize, large: usize) -> Result<Pair> {
        if small >= large {
            return Err(Error::parameter("small", small, format!("be below the large batch of {large}")));
        }
        let [small, large] = self.regimes(net, data, [("small".into(), small), ("large".into(), large)])?;
        Ok(Pair { small, large })
    }

    /// Begins one trial, to take its steps by hand. It works on all of the machine's threads, or on those of the pool that
    /// it is called in.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Parameter`] for a device other than the CPU: its tensors may not outlive a call.
    pub fn begin(&self, net: &Net, data: &Dataset, trial: usize) -> Result<Descent> {
        self.check(net, data)?;
        check_count("batch", self.batch, data.train.len())?;
        if self.objective.device != Device::Cpu || self.objective.passes != Passes::Fused {
            let given = format!("{} with {:?} passes", self.objective.device, self.objective.passes);
            return Err(Error::parameter("device", given, "be cpu with Fused passes, where steps are taken by hand"));
        }
        Descent::new(self, net, data, self.batch, trial)
    }

    fn regimes<const N: usize>(&self, net: &Net, data: &Dataset, regimes: [(String, usize); N]) -> Result<[Trials; N]> {
        self.check(net, data)?;
        for (_, batch) in &regimes {
            check_count("batch", *batch, data.train.len())?;
        }
        trials::side_by_side(self, net, data, regimes)
    }

    fn check(&self, net: &Net, data: &Dataset) -> Result<()> {
        self.optimizer.check()?;
        check_count("trials", self.trials, 10_000)?;
        check_count("epochs", self.epochs, 1_000_000)?;
        check_count("threads", self.threads.unwrap_or(1), 1_024)?;
        for (name, given) in [("patience", self.patience.unwrap_or(1)), ("chunk", self.objective.chunk)] {
            if given == 0 {
                return Err(Error::parameter(name, given, "be at least 1"));
            }
        }
        if let Some(seconds) = self.seconds.filter(|seconds| !(seconds.is_finite() && *seconds > 0.0)) {
            return Err(Error::parameter("seconds", seconds, "be finite and above 0"));
        }
        net.check_data(data.shape(), data.classes())
    }
}

crate::display::shown_as_text!(Training);
