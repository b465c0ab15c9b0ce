//! What decides the bits of a trial? A [`Recipe`], with the net, the data and the trial's number: nothing else.

use super::plan::{Growth, Scaled};
use super::strategy::{Inner, Strategy};
use crate::data::{Augment, Dataset, check_count};
use crate::error::{Error, Result};
use crate::net::Net;
use crate::objective::{Objective, Statistics};
use crate::optim::Optimizer;
use crate::seed::Seed;

/// All parameters of a regime that decide its numbers. It is hashed whole where trials are kept, and carried whole in every
/// result: a parameter that is added here cannot be forgotten there.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The rule that moves x.
    pub optimizer: Optimizer,
    /// Points in a batch; of a growing one those of the first epoch.
    pub batch: usize,
    /// Most epochs of a trial.
    pub epochs: usize,
    /// Epochs without a smaller training loss after which a trial ends, if there is such a rule.
    #[serde(deserialize_with = "Option::deserialize")]
    pub patience: Option<usize>,
    /// Where everything random comes from.
    pub seed: Seed,
    /// How f is evaluated after each epoch.
    pub objective: Objective,
    // What follows is absent from a file where it is off, so that records that are older than it are read as what they are.
    /// How one batch moves x.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strategy: Strategy,
    /// Points of a ghost: each part of so many points is normalized by its own statistics (Hoffer et al. 2017).
    #[serde(default, skip_serializing_if = "is_default")]
    pub ghost: Option<usize>,
    /// How images are moved, each again in each epoch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub augment: Option<Augment>,
    /// Steps over which the learning rate rises.
    #[serde(default, skip_serializing_if = "is_default")]
    pub warm_up: usize,
    /// How the optimizer's numbers follow the batch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scaled: Option<Scaled>,
    /// How the batch grows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub growth: Option<Growth>,
    /// The first epoch whose last point is averaged with those that follow (SWA; Izmailov et al. 2018, arXiv 1803.05407).
    #[serde(default, skip_serializing_if = "is_default")]
    pub average: Option<usize>,
    /// Where trials start, if not at points that are drawn from the seed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: Option<WarmStart>,
}

/// Trials start where trials of another regime were: each at the point of its own number.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmStart {
    /// How those were trained.
    pub recipe: Box<Recipe>,
    /// After which epoch; nothing for the last of each trial.
    #[serde(deserialize_with = "Option::deserialize")]
    pub epoch: Option<usize>,
}

/// "epoch 5 of batch 256".
impl std::fmt::Display for WarmStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.epoch {
            Some(epoch) => write!(f, "epoch {epoch} of batch {}", self.recipe.batch),
            None => write!(f, "the end of batch {}", self.recipe.batch),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Recipe {
    /// What a trial takes while it is trained, bytes, about: vectors as long as x, and layers.
    pub(crate) fn bytes(&self, net: &Net, data: &Dataset) -> u64 {
        let layers = self.objective.layers(net, data.train.len());
        let number = self.objective.bytes_of_number() as u64;
        // Of a growing batch the largest, and of ghosts one.
        let largest = self.batch_of(self.epochs).min(data.train.len());
        let batch = number * self.ghost.map_or(largest, |ghost| ghost.min(largest)) as u64 * net.outputs() as u64;
        let pairs = match self.strategy {
            Strategy::Conservative { solver: Inner::Lbfgs, steps, .. } => 2 * steps as u64,
            _ => 0,
        };
        (40 + number * pairs) * net.parameter_count() as u64 + batch.max(layers / 2)
    }

    /// ADAM's or SGD's, with the defaults of the paper.
    pub(super) fn new(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            batch: 256,
            epochs: 20,
            patience: None,
            seed: Seed(0),
            objective: Objective::new(),
            strategy: Strategy::Plain,
            ghost: None,
            augment: None,
            warm_up: 0,
            scaled: None,
            growth: None,
            average: None,
            start: None,
        }
    }

    /// An error unless it can be followed on this net and data.
    pub(super) fn check(&self, net: &Net, data: &Dataset) -> Result<()> {
        self.optimizer.check()?;
        check_count("epochs", self.epochs, 1_000_000)?;
        for (name, given) in [("patience", self.patience.unwrap_or(1)), ("chunk", self.objective.chunk)] {
            if given == 0 {
                return Err(Error::parameter(name, given, "be at least 1"));
            }
        }
        net.check_data(data.train.shape(), data.train.classes())?;
        // A data set can be put together by hand, and then its test points need not be like the others.
        net.check_data(data.test.shape(), data.test.classes())?;
        check_count("batch", self.batch, data.train.len())?;
        self.strategy.check(self.batch)?;
        self.strategy.check_inputs(&data.train)?;
        if self.ghost == Some(0) {
            return Err(Error::parameter("ghost", 0, "be at least 1; from the size of the batch on it is off"));
        }
        if let Some(augment) = &self.augment {
            augment.check(data.train.shape())?;
        }
        if let Some(growth) = self.growth {
            growth.check(self.batch, data.train.len())?;
        }
        self.moving()?.check()?;
        if let Some(first) = self.average {
            check_count("first epoch of the average", first, self.epochs)?;
            if self.objective.statistics == Statistics::Running {
                let allowed = "be batch or recalibrated with an average: an averaged x has no running averages";
                return Err(Error::parameter("statistics", self.objective.statistics, allowed));
            }
        }
        Ok(())
    }

    /// The rule that moves x, with its numbers as the batch asks for them.
    pub(super) fn moving(&self) -> Result<Optimizer> {
        self.scaled.map_or(Ok(self.optimizer), |scaled| scaled.moving(self.optimizer, self.batch))
    }

    /// The batch in this epoch, counted from 1, and how often it has grown by then.
    fn grown(&self, epoch: usize) -> (usize, usize) {
        self.growth.map_or((self.batch, 0), |growth| growth.at(self.batch, epoch))
    }

    /// Points in a batch of this epoch, counted from 1.
    pub(super) fn batch_of(&self, epoch: usize) -> usize {
        self.grown(epoch).0
    }

    /// By what the learning rate is multiplied at this step of this epoch, both counted from 1.
    pub(super) fn pace(&self, step: usize, epoch: usize) -> f64 {
        let warm = if step < self.warm_up { step as f64 / self.warm_up as f64 } else { 1.0 };
        let growths = i32::try_from(self.grown(epoch).1).unwrap_or(i32::MAX);
        warm * self.growth.map_or(1.0, |growth| growth.rate.powi(growths))
    }

    /// Whether each step is one plain gradient pass over the points as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.strategy.is_off()
    }

    /// What is done otherwise than by a plain recipe, in words: "batch 32; trained for 40 epochs; SAM, ρ 0.05".
    pub fn beside(&self, plain: &Recipe) -> String {
        let mut said = Vec::new();
        if self.batch != plain.batch {
            said.push(format!("batch {}", self.batch));
        }
        if self.optimizer != plain.optimizer {
            said.push(self.optimizer.to_string());
        }
        if self.epochs != plain.epochs {
            said.push(format!("trained for {} epochs", self.epochs));
        }
        if self.patience != plain.patience {
            said.push(self.patience.map_or("without patience".into(), |patience| format!("patience {patience}")));
        }
        let (Seed(seed), Seed(other)) = (self.seed, plain.seed);
        if seed != other {
            said.push(format!("seed {seed}"));
        }
        if self.objective != plain.objective {
            said.push(format!("f by {}", self.objective.facts()));
        }
        for (own, others) in self.choices().into_iter().zip(plain.choices()) {
            match (own, others) {
                (own, others) if own == others => {}
                (Some(own), _) => said.push(own),
                (None, Some(others)) => said.push(format!("without {others}")),
                (None, None) => {}
            }
        }
        said.join("; ")
    }

    /// What is done to mend the large batch, in words: "SAM, ρ 0.05; ghosts of 256". Nothing where nothing is.
    pub fn remedies(&self) -> String {
        self.choices().into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Each of the choices that mend, in words; none where it is off.
    fn choices(&self) -> [Option<String>; 8] {
        [
            (self.strategy != Strategy::Plain).then(|| self.strategy.to_string()),
            self.ghost.map(|ghost| format!("ghosts of {ghost}")),
            self.augment.map(|augment| format!("augmented: {augment}")),
            self.scaled.map(|scaled| scaled.to_string()),
            (self.warm_up > 0).then(|| format!("warm-up of {} steps", self.warm_up)),
            self.growth.map(|growth| growth.to_string()),
            self.average.map(|first| format!("averaged from epoch {first}")),
            self.start.as_ref().map(|start| format!("started at {start}")),
        ]
    }
}

/// "ADAM, learning rate 0.001, batch 256, at most 20 epochs, seed 0".
impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { optimizer, batch, epochs, patience, seed: Seed(seed), .. } = self;
        write!(f, "{optimizer}, batch {batch}, at most {epochs} epochs")?;
        if let Some(patience) = patience {
            write!(f, ", patience {patience}")?;
        }
        let remedies = self.remedies();
        if !remedies.is_empty() {
            write!(f, ", {remedies}")?;
        }
        write!(f, ", seed {seed}")
    }
}

crate::display::shown_as_text!(Recipe, WarmStart);
