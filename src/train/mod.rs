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
//! | [`seed`](Training::seed) | 0 | any | not said |
//! | [`objective`](Training::objective) | batch statistics, chunks of 5,000 | | `mode=2` (code) |
//! | [`device`](Training::device) | the CPU | those of the build | – |
//! | [`work`](Training::work) | all threads, no budget, kept nowhere | | – |
//!
//! A [`Recipe`] is all that decides a trial's bits; [`Work`](crate::Work) is all that decides its time. A regime is one recipe
//! with several trials; a [`Study`] is any number of regimes, trained in parallel in one call, and a [`Pair`] is the study of
//! two that the paper compares.
//!
//! A loss that is no longer finite ends its trial, and is a value ([`Stop::Diverged`]): the other trials go on. Such a trial is
//! shown and counted, and left out of every average.
//!
//! An epoch draws every point once, in an order of its own, in batches of the size given; the points that remain at its
//! end are a smaller batch, as in Keras.
//!
//! Deviation: the paper does not say when a loss has ceased to improve; [`patience`](Training::patience) is our reading.
//!
//! Deviation: a single point that remains is joined to the batch before it, since normalization by the statistics of one
//! point leaves nothing of it.

mod descent;
mod draw;
mod recipe;
mod slope;
mod stop;
mod study;
mod trace;
mod trials;
mod watch;

use std::path::Path;

pub use descent::Descent;
pub use recipe::Recipe;
pub use stop::Stop;
pub(crate) use study::seed_of;
pub use trace::{Epoch, Run};
pub use trials::{Pair, Regime, Role, Study, Trials};
pub(crate) use trials::{check_alike, threshold_of};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::net::{Device, Net};
use crate::objective::Objective;
use crate::optim::Optimizer;
use crate::seed::Seed;
use crate::work::Work;

/// How to train: a [`Recipe`], how many trials of it, how the work is done, and the verbs [`run`](Self::run),
/// [`pair`](Self::pair) and [`batches`](Self::batches).
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
    recipe: Recipe,
    trials: usize,
    regime: Option<String>,
    work: Work,
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
        Self { recipe: Recipe::new(optimizer), trials: 5, regime: None, work: Work::new() }
    }

    fn with(self, change: impl FnOnce(&mut Recipe)) -> Self {
        let mut recipe = self.recipe;
        change(&mut recipe);
        Self { recipe, ..self }
    }

    /// All that decides the bits of its trials.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The rule that moves x.
    pub fn optimizer(self, optimizer: Optimizer) -> Self {
        self.with(|recipe| recipe.optimizer = optimizer)
    }

    /// η of the optimizer.
    pub fn learning_rate(self, rate: f64) -> Self {
        self.with(|recipe| recipe.optimizer = recipe.optimizer.with_learning_rate(rate))
    }

    /// Points in a batch. With batch normalization a batch of 1 cannot learn: one point minus its own mean is zero.
    pub fn batch(self, points: usize) -> Self {
        self.with(|recipe| recipe.batch = points)
    }

    /// Number of trials, each from a starting point of its own.
    pub fn trials(self, trials: usize) -> Self {
        Self { trials, ..self }
    }

    /// Most epochs of a trial.
    pub fn epochs(self, epochs: usize) -> Self {
        self.with(|recipe| recipe.epochs = epochs)
    }

    /// Ends a trial when its smallest training loss is this many epochs old: the loss has ceased to improve.
    pub fn patience(self, epochs: usize) -> Self {
        self.with(|recipe| recipe.patience = Some(epochs))
    }

    /// Where everything random comes from.
    pub fn seed(self, seed: u64) -> Self {
        self.with(|recipe| recipe.seed = Seed(seed))
    }

    /// How loss and accuracy are evaluated after each epoch; training itself always uses the statistics of its batch. The
    /// device is that of [`device`](Self::device), where it was given, in whatever order.
    pub fn objective(self, objective: Objective) -> Self {
        let device = self.recipe.objective.device;
        let given = if device == Device::Cpu { objective } else { objective.device(device) };
        self.with(|recipe| recipe.objective = given)
    }

    /// Where the nets are computed, in training and in evaluation. On a device other than the CPU x stays there through a run,
    /// and trials run one after another.
    pub fn device(self, device: Device) -> Self {
        self.with(|recipe| recipe.objective = recipe.objective.device(device))
    }

    /// Name of the regime in tables and charts; "batch 256" if not given.
    pub fn regime(self, name: &str) -> Self {
        Self { regime: Some(name.into()), ..self }
    }

    /// How the work is done: threads, budget, folder, progress lines. It replaces what was set of them before.
    pub fn work(self, work: &Work) -> Self {
        Self { work: work.clone(), ..self }
    }

    /// [`Work::threads`] of this training.
    pub fn threads(self, threads: usize) -> Self {
        Self { work: self.work.threads(threads), ..self }
    }

    /// [`Work::seconds`] of this training: each trial ends after the epoch that it is in, and those not begun return their
    /// start.
    pub fn seconds(self, seconds: f64) -> Self {
        Self { work: self.work.seconds(seconds), ..self }
    }

    /// [`Work::kept_in`] of this training. A trial is three files, its rows (JSON) and its weights after the last epoch and
    /// after that of the lowest training loss (safetensors).
    pub fn kept_in(self, folder: impl AsRef<Path>) -> Self {
        Self { work: self.work.kept_in(folder), ..self }
    }

    /// [`Work::quiet`] of this training.
    pub fn quiet(self) -> Self {
        Self { work: self.work.quiet(), ..self }
    }

    fn name(&self) -> String {
        self.regime.clone().unwrap_or_else(|| format!("batch {}", self.recipe.batch))
    }

    /// Trains one regime. A trial whose loss is no longer finite has [`Stop::Diverged`], and the others go on:
    ///
    /// ```
    /// use sharp_minima::{Stop, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let trials = Training::sgd(1e30, 0.0).batch(20).trials(2).quiet().run(&net, &data)?;
    /// assert_eq!(trials.regime.diverged(), 2);
    /// assert_eq!(trials.regime.runs[0].ended(), "diverged in epoch 1");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    ///
    /// Cost: for each trial and epoch, a forward and a backward pass over the training points and one evaluation of f on both
    /// splits. Memory: for each thread one batch's layers; for each trial three times its weights.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, [`Error::Shape`] where the net does not fit one of the splits,
    /// [`Error::File`] for a folder of kept trials that cannot be one.
    pub fn run(&self, net: &Net, data: &Dataset) -> Result<Trials> {
        let mut trials = study::side_by_side(&[(self, None)], net, data)?;
        trials.pop().ok_or_else(|| Error::parameter("regimes", 0, "be at least 1"))
    }

    /// Trains the small-batch and the large-batch regime from the same starting points, their trials in parallel.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn pair(&self, net: &Net, data: &Dataset, small: usize, large: usize) -> Result<Pair> {
        if small >= large {
            return Err(Error::parameter("small", small, format!("be below the large batch of {large}")));
        }
        let [one, other] =
            [("small", small), ("large", large)].map(|(name, batch)| self.clone().regime(name).batch(batch));
        let both = [(&one, Some(Role::Small)), (&other, Some(Role::Large))];
        let mut trials = study::side_by_side(&both, net, data)?;
        match (trials.pop(), trials.pop()) {
            (Some(large), Some(small)) => Ok(Pair { small, large }),
            _ => Err(Error::parameter("regimes", trials.len(), "be 2")),
        }
    }

    /// Trains one regime a batch size, all from the same starting points and in parallel: Figure 4 of the paper.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Parameter`] where there is no batch size, or one twice.
    ///
    /// ```
    /// use sharp_minima::{Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let study = Training::adam().trials(1).epochs(2).quiet().batches(&net, &data, &[10, 40, 160])?;
    /// assert_eq!(study.regimes[2].regime.name, "batch 160");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn batches(&self, net: &Net, data: &Dataset, batches: &[usize]) -> Result<Study> {
        let prefix = self.regime.as_ref().map_or(String::new(), |name| format!("{name}, "));
        let named = |&batch: &usize| self.clone().regime(&format!("{prefix}batch {batch}")).batch(batch);
        Study::run(&batches.iter().map(named).collect::<Vec<Training>>(), net, data)
    }

    /// Begins one trial, to take its steps by hand. It works on all of the machine's threads, or on those of the pool that
    /// it is called in.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Parameter`] for a device other than the CPU: its tensors may not outlive a call.
    pub fn begin(&self, net: &Net, data: &Dataset, trial: usize) -> Result<Descent> {
        self.recipe.check(net, data)?;
        let objective = self.recipe.objective;
        if !objective.is_fused() {
            let given = format!("{} with {:?} passes", objective.device, objective.passes);
            return Err(Error::parameter("device", given, "be cpu with Fused passes, where steps are taken by hand"));
        }
        Descent::new(&self.recipe, net, data, trial)
    }
}

crate::display::shown_as_text!(Training, Role);
