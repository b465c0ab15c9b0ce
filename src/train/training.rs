//! How a regime is trained: its parameters, and the verbs.

use std::sync::Arc;

use super::descent::Descent;
use super::plan::{Growth, Scaled, Scaling};
use super::recipe::{Recipe, WarmStart};
use super::strategy::Strategy;
use super::study::{Begin, Wanted, side_by_side};
use super::trials::{Pair, Role, Study, Trials};
use crate::data::{Augment, Dataset};
use crate::error::{Error, Result};
use crate::net::{Device, Net};
use crate::objective::Objective;
use crate::optim::Optimizer;
use crate::seed::Seed;
use crate::work::Work;

/// How to train: a [`Recipe`], how many trials of it, how the work is done, and the verbs [`run`](Self::run),
/// [`pair`](Self::pair) and [`batches`](Self::batches).
///
/// | name | default | range | paper |
/// |---|---|---|---|
/// | [`optimizer`](Training::optimizer) | ADAM, Keras' defaults | | ADAM |
/// | [`batch`](Training::batch) | 256 | 1..=training points | 256; 10 % of the points |
/// | [`trials`](Training::trials) | 5 | 1..=10,000 | 5 |
/// | [`epochs`](Training::epochs) | 20 | 1..=1,000,000 | 20 (code), 100 (Figures 4, 5) |
/// | [`patience`](Training::patience) | none | from 1 | "until the loss function ceased to improve" |
/// | [`seed`](Training::seed) | 0 | any | not said |
/// | [`objective`](Training::objective) | batch statistics, chunks of 5,000 | | `mode=2` (code) |
/// | [`device`](Training::device) | the CPU | those of the build | – |
/// | [`strategy`](Training::strategy) | [`Strategy::Plain`] | | conservative, adversarial, stability (§4, E.2, E.3) |
/// | [`ghost`](Training::ghost) | none | from 1 | – |
/// | [`augment`](Training::augment) | none | images | E.1 |
/// | [`scaled`](Training::scaled), [`warm_up`](Training::warm_up), [`growing`](Training::growing) | none | | a growing batch (§4) |
/// | [`average`](Training::average) | none | 1..=epochs | – |
/// | [`starting_at`](Training::starting_at) | points drawn from the seed | trials of another regime | warm starts (Figure 5) |
/// | [`iterates`](Training::iterates) | none are kept | 0..=epochs | each epoch (Figures 5, 6) |
/// | [`work`](Training::work) | all threads, no budget, kept nowhere | | – |
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
    role: Option<Role>,
    work: Work,
    /// Where trials start, by their numbers, if not at points that are drawn.
    starts: Option<Arc<Vec<Begin>>>,
    iterates: Option<Vec<usize>>,
    /// Steps on so many points that the epochs are to give, with whatever batch.
    steps: Option<(usize, usize)>,
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
            recipe: Recipe::new(optimizer),
            trials: 5,
            regime: None,
            role: None,
            work: Work::new(),
            starts: None,
            iterates: None,
            steps: None,
        }
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
        let own = self.with(|recipe| recipe.batch = points);
        match own.steps {
            Some((steps, points)) => own.steps(steps, points),
            None => own,
        }
    }

    /// Number of trials, each from a starting point of its own.
    pub fn trials(self, trials: usize) -> Self {
        Self { trials, ..self }
    }

    /// Most epochs of a trial.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { steps: None, ..self.with(|recipe| recipe.epochs = epochs) }
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

    /// How one batch moves x: plainly, or by a strategy that tries to mend the large batch.
    pub fn strategy(self, strategy: Strategy) -> Self {
        self.with(|recipe| recipe.strategy = strategy)
    }

    /// Ghost batches (Hoffer et al. 2017): each part of so many points of a batch is normalized by its own statistics, in
    /// training; f is evaluated as [`objective`](Self::objective) says. From the size of the batch on it is off. Where it does
    /// not divide the batch the last ghost is smaller, and a single point that is left joins the ghost before it; a ghost
    /// weighs as much as it has points. A strategy's parts are cut into ghosts in the same way. A ghost of one point is normalized to
    /// 0, and teaches a net with batch normalization nothing.
    pub fn ghost(self, points: usize) -> Self {
        self.with(|recipe| recipe.ghost = Some(points))
    }

    /// Moves the images of each batch (E.1), each again in each epoch. Traces and measures see them as they are.
    pub fn augment(self, augment: Augment) -> Self {
        self.with(|recipe| recipe.augment = Some(augment))
    }

    /// Scales the optimizer's numbers with the batch: they are meant for a batch of `base`. Of a growing batch the first one counts.
    ///
    /// ```
    /// use sharp_minima::{Scaling, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let training = Training::adam().trials(1).epochs(1).quiet().scaled(Scaling::Adam, 10);
    /// assert!(training.clone().batch(100).run(&net, &data).is_ok());
    /// let error = training.batch(101).run(&net, &data).expect_err("β₁ below 0");
    /// assert!(error.to_string().starts_with("batch must be at most 100 for ADAM's rule"), "{error}");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn scaled(self, rule: Scaling, base: usize) -> Self {
        self.with(|recipe| recipe.scaled = Some(Scaled { rule, base }))
    }

    /// Lets the learning rate rise over the first steps: at step t it is η t / W. Steps and not epochs, since an epoch of a
    /// large batch has few.
    pub fn warm_up(self, steps: usize) -> Self {
        self.with(|recipe| recipe.warm_up = steps)
    }

    /// Lets the batch grow.
    pub fn growing(self, growth: Growth) -> Self {
        self.with(|recipe| recipe.growth = Some(growth))
    }

    /// Averages the last points of the epochs from this one on (SWA): traces, measures and weights are those of the mean. A trial that
    /// patience ends before has no mean.
    ///
    /// The mean carries the running averages of its last point, which are not its own: f is read by batch or by re-estimated
    /// statistics ([`Statistics::Recalibrated`](crate::Statistics::Recalibrated)), and
    /// [`Objective::recalibrate`] makes it a point that can be used elsewhere.
    pub fn average(self, first: usize) -> Self {
        self.with(|recipe| recipe.average = Some(first))
    }

    /// Warm starts: each trial starts where the trial of its number in another regime is read: at its end, or after an epoch
    /// ([`Trials::at_epoch`]). All else is as for any other trial of its number: the optimizer has no memory of the first
    /// training, epochs are counted from 0, the distance is that from the new start, and the order of the points is the one of the
    /// trial's number. It has as many trials as that regime, unless you call [`trials`](Self::trials) afterwards; one that diverged
    /// there has no point to start from, and is left out.
    ///
    /// The recipe says after which epoch that was. Of trials that are read each at an epoch of its own
    /// ([where their loss is lowest](Trials::at_lowest), say) it says "the end"; kept trials are told apart by the points themselves.
    ///
    /// ```
    /// use sharp_minima::{Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let plain = Training::adam().epochs(3).quiet();
    /// let small = plain.clone().batch(10).trials(2).iterates(&[1]).run(&net, &data)?;
    /// let warm = plain.batch(100).starting_at(&small.at_epoch(1)?).run(&net, &data)?;
    /// assert_eq!(warm.regime.runs[0].trace[0].train_loss, small.regime.runs[0].trace[1].train_loss);
    /// assert_eq!(warm.regime.recipe.remedies(), "started at epoch 1 of batch 10");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn starting_at(self, trials: &Trials) -> Self {
        let count = trials.regime.runs.iter().map(|run| run.trial + 1).max().unwrap_or(0);
        let point = |trial| Some(trials.finite().find(|(run, _)| run.trial == trial)?.1.clone());
        let starts = (0..count).map(|trial| (trial, point(trial))).collect();
        let start = WarmStart { recipe: Box::new(trials.regime.recipe.clone()), epoch: trials.at.epoch() };
        let own = self.trials(count).with(|recipe| recipe.start = Some(start));
        Self { starts: Some(Arc::new(starts)), ..own }
    }

    /// Keeps x after these epochs of each trial, 0 being its start; [`Trials::at_epoch`] reads the trials there. Where the work is
    /// [kept](Self::kept_in) they lie in its folder, else in memory: 4 bytes a weight. Nothing of the training changes.
    pub fn iterates(self, epochs: &[usize]) -> Self {
        Self { iterates: Some(epochs.to_vec()), ..self }
    }

    /// As many epochs as give at least this many steps on so many training points, whatever the batch: the budget of equal steps.
    /// A growing batch counts as the batch that it begins with.
    ///
    /// ```
    /// use sharp_minima::Training;
    /// let plain = Training::adam().steps(1_000, 6_000);
    /// assert_eq!(plain.clone().batch(60).recipe().epochs, 10);
    /// assert_eq!(plain.batch(600).recipe().epochs, 100);
    /// ```
    pub fn steps(self, steps: usize, points: usize) -> Self {
        let batch = self.recipe.batch.max(1);
        // As an epoch is cut into batches.
        let left_alone = batch > 1 && points > batch && points % batch == 1;
        let each = (points.div_ceil(batch) - usize::from(left_alone)).max(1);
        Self { steps: Some((steps, points)), ..self.epochs(steps.div_ceil(each)) }
    }

    /// Name of the regime in tables and charts; "batch 256" if not given.
    pub fn regime(self, name: &str) -> Self {
        Self { regime: Some(name.into()), ..self }
    }

    /// The same training under a name of its own, to be changed in one thing: an arm of a study.
    ///
    /// ```
    /// use sharp_minima::{Role, Strategy, Study, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let plain = Training::adam().trials(2).epochs(2).quiet();
    /// let (small, large) = (plain.arm("small").batch(10).role(Role::Small), plain.arm("large").batch(100).role(Role::Large));
    /// let sam = large.arm("SAM").strategy(Strategy::sam(0.05));
    /// let remedies = Study::run(&[small, large, sam], &net, &data)?.remedies(None)?;
    /// assert_eq!(remedies.arms[2].remedies, "SAM, ρ 0.05");
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn arm(&self, name: &str) -> Self {
        Self { regime: Some(name.into()), role: None, ..self.clone() }
    }

    /// Which side of the paper's comparison the regime is, where others are set beside it: the plain small or the plain large
    /// batch. It names the regime, unless it has a name: "small", "large".
    pub fn role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    fn wanted(&self) -> Wanted<'_> {
        let name = self.regime.clone().unwrap_or_else(|| match self.role {
            Some(role) => role.to_string(),
            None => format!("batch {}", self.recipe.batch),
        });
        Wanted {
            name,
            role: self.role,
            recipe: &self.recipe,
            trials: self.trials,
            starts: self.starts.as_ref().map(|starts| starts.as_slice()),
            iterates: self.iterates.as_deref(),
        }
    }

    /// Trains one regime. A trial whose loss is no longer finite has [`Stop::Diverged`](super::Stop::Diverged), and the others go
    /// on:
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
    /// splits. Memory: for each trial under way about ten times its weights (with ADAM), and the layers of a batch, or
    /// half of those of the chunk in which f is evaluated, whichever is more; for each finished trial twice its weights. As many
    /// trials are trained at once as the machine has room for, whatever the threads.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, [`Error::Shape`] where the net does not fit one of the splits,
    /// [`Error::File`] where the path given to [`kept_in`](Self::kept_in) cannot be used as a folder.
    pub fn run(&self, net: &Net, data: &Dataset) -> Result<Trials> {
        let mut trials = side_by_side(&[self.wanted()], &self.work, net, data)?;
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
        let [one, other] = [(Role::Small, small), (Role::Large, large)]
            .map(|(role, batch)| self.clone().regime(&role.to_string()).role(role).batch(batch));
        let both = [one.wanted(), other.wanted()];
        let mut trials = side_by_side(&both, &self.work, net, data)?;
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

    /// Warm starts after every epoch after which these trials kept their points: one regime for each, "from epoch 5", all in
    /// parallel, after the regime that they start from: Figure 5 of the paper. Each is what [`starting_at`](Self::starting_at)
    /// makes of [`Trials::at_epoch`].
    ///
    /// Memory: the points of all these epochs.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Data`] where the trials kept no common epoch.
    ///
    /// ```
    /// use sharp_minima::{Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let plain = Training::adam().trials(1).epochs(2).quiet();
    /// let small = plain.arm("small").batch(10).iterates(&[0, 2]).run(&net, &data)?;
    /// let study = plain.batch(100).warm_starts(&net, &data, &small)?;
    /// assert_eq!(study.regimes.iter().map(|trials| &*trials.regime.name).collect::<Vec<_>>(), ["small", "from epoch 0",
    ///     "from epoch 2"]);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn warm_starts(&self, net: &Net, data: &Dataset, from: &Trials) -> Result<Study> {
        let epochs = from.epochs();
        if epochs.is_empty() {
            let reason = "warm starts need an epoch after which every trial kept its point: `.iterates(…)`";
            return Err(Error::Data(reason.into()));
        }
        let arm = |epoch| Ok(self.arm(&format!("from epoch {epoch}")).starting_at(&from.at_epoch(epoch)?));
        let arms = epochs.into_iter().map(arm).collect::<Result<Vec<Training>>>()?;
        let Study { mut regimes } = Study::run(&arms, net, data)?;
        regimes.insert(0, from.clone());
        Ok(Study { regimes })
    }

    /// Begins one trial, to take its steps by hand. It works on all of the machine's threads, or on those of the pool that
    /// it is called in.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Parameter`] for a device other than the CPU, since its tensors may not outlive a call, for a
    /// trial that has no point to start from, and for an [average](Self::average), which is of epochs and not of steps. Patience and
    /// iterates have no effect.
    pub fn begin(&self, net: &Net, data: &Dataset, trial: usize) -> Result<Descent> {
        let one = Wanted { trials: trial.saturating_add(1), iterates: None, ..self.wanted() };
        one.check(net, data)?;
        if let Some(first) = self.recipe.average {
            let given = format!("from epoch {first}");
            return Err(Error::parameter("average", given, "be off where steps are taken by hand"));
        }
        if !one.is_begun(trial) {
            return Err(Error::parameter("trial to start from", trial, "be one that has a point: this one diverged"));
        }
        let objective = self.recipe.objective;
        if !objective.is_fused() {
            let given = format!("{} with {:?} passes", objective.device, objective.passes);
            return Err(Error::parameter("device", given, "be cpu with Fused passes, where steps are taken by hand"));
        }
        Descent::new(&self.recipe, net, data, trial, one.start(trial))
    }
}

impl Study {
    /// Trains any number of regimes on one net and one data set, the trials of all in parallel. Regimes may differ in
    /// anything; regimes of one seed start from the same points. How the work is done (threads, budget, folder) must be the
    /// same for all.
    ///
    /// Cost and errors: as [`Training::run`]; [`Error::Parameter`] where there is no regime, where two have one name, or
    /// where the work is not to be done in one way.
    ///
    /// ```
    /// use sharp_minima::{Study, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let adam = Training::adam().batch(20).trials(2).epochs(2).quiet().regime("ADAM");
    /// let sgd = Training::sgd(0.1, 0.9).batch(20).trials(2).epochs(2).quiet().regime("SGD");
    /// let study = Study::run(&[adam, sgd], &net, &data)?;
    /// assert_eq!(study.named("SGD")?.weights.len(), 2);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn run(trainings: &[Training], net: &Net, data: &Dataset) -> Result<Study> {
        let work = trainings.first().map_or_else(Work::new, |first| first.work.clone());
        if let Some(other) = trainings.iter().find(|training| training.work != work) {
            let given = format!("{work:?} and {:?}", other.work);
            return Err(Error::parameter("work of regimes side by side", given, "be the same"));
        }
        let wanted: Vec<Wanted<'_>> = trainings.iter().map(Training::wanted).collect();
        Ok(Study { regimes: side_by_side(&wanted, &work, net, data)? })
    }
}

crate::work::works!(
    Training,
    "each trial ends after the epoch that it is in, those not begun return their start, and those kept on their way go on in the next call."
);

crate::display::shown_as_text!(Training, Role);
