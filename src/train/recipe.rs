//! What decides the bits of a trial? A [`Recipe`], with the net, the data and the trial's number: nothing else.

use crate::data::{Dataset, check_count};
use crate::error::{Error, Result};
use crate::net::Net;
use crate::objective::Objective;
use crate::optim::Optimizer;
use crate::seed::Seed;

/// All parameters of a regime that decide its numbers. It is hashed whole where trials are kept, and carried whole in every
/// result: a parameter that is added here cannot be forgotten there.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The rule that moves x.
    pub optimizer: Optimizer,
    /// Points in a batch.
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
}

impl Recipe {
    /// ADAM's or SGD's, with the defaults of the paper.
    pub(super) fn new(optimizer: Optimizer) -> Self {
        Self { optimizer, batch: 256, epochs: 20, patience: None, seed: Seed(0), objective: Objective::new() }
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
        check_count("batch", self.batch, data.train.len())
    }
}

/// "ADAM, learning rate 0.001, batch 256, 20 epochs, seed 0".
impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { optimizer, batch, epochs, patience, seed: Seed(seed), objective: _ } = self;
        write!(f, "{optimizer}, batch {batch}, at most {epochs} epochs")?;
        if let Some(patience) = patience {
            write!(f, ", patience {patience}")?;
        }
        write!(f, ", seed {seed}")
    }
}

crate::display::shown_as_text!(Recipe);
