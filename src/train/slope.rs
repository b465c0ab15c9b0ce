//! What do f and ∇f say at x, and where does x go? The only file of training that knows the engine.

use super::recipe::Recipe;
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::net::{Averages, Engine, Net, Points};
use crate::objective::{Evaluation, Precision};
use crate::optim::Rule;
use crate::seed::Random;
use crate::weights::Weights;

/// A net at x, with what a trial needs to move it: the rule, the running averages, the stream of dropout.
pub(super) struct Slope {
    engine: Engine<f32>,
    rule: Rule,
    /// x₀, whose layout and distance are asked for.
    start: Weights,
    /// Running averages, and the weight that the newest batch has in each.
    running: Vec<f32>,
    momenta: Vec<f32>,
    dropout: Option<Random>,
}

impl Slope {
    pub(super) fn new(recipe: &Recipe, net: &Net, trial: usize) -> Result<Self> {
        let start = net.start(recipe.seed, trial as u64);
        let mut engine = Engine::new(net, recipe.objective.passes, recipe.objective.device)?;
        engine.move_to(start.values())?;
        Ok(Self {
            engine,
            rule: Rule::begin(&recipe.optimizer, start.len())?,
            running: start.buffers().to_vec(),
            start,
            momenta: net.momenta(),
            dropout: net.dropout_stream(recipe.seed, trial as u64),
        })
    }

    /// Whether it takes points of this shape in so many classes.
    pub(super) fn takes(&self, data: &Dataset) -> bool {
        self.engine.takes(data.shape(), data.classes())
    }

    /// f on a batch at x, nats per example, with ∇f for the next [step](Self::step).
    pub(super) fn at(&mut self, split: &Split, batch: &[usize]) -> Result<f64> {
        let points = Points::Listed(batch);
        let passed = self.engine.pass_back(split, &points, Averages::Batch, self.dropout.as_mut())?;
        Ok(passed.loss / points.len() as f64)
    }

    /// Moves x along the last ∇f, and the running averages towards what normalization saw.
    pub(super) fn step(&mut self, rate: f64) -> Result<()> {
        self.rule.step(self.engine.standing()?, rate)?;
        let seen = self.engine.averages()?;
        let fresh = seen.iter().zip(&self.momenta);
        self.running.iter_mut().zip(fresh).for_each(|(kept, (&seen, momentum))| {
            *kept += momentum * (seen as f32 - *kept);
        });
        Ok(())
    }

    /// x, with the running averages.
    pub(super) fn weights(&self) -> Result<Weights> {
        let mut weights = self.start.clone();
        weights.values_mut().copy_from_slice(&self.engine.x()?);
        weights.buffers_mut().copy_from_slice(&self.running);
        Ok(weights)
    }

    /// x₀.
    pub(super) fn start(&self) -> &Weights {
        &self.start
    }

    /// f and accuracy on both splits at x, which these weights are.
    pub(super) fn evaluate(&mut self, recipe: &Recipe, net: &Net, data: &Dataset, x: &Weights) -> Result<Evaluation> {
        match recipe.objective.precision {
            Precision::Single => recipe.objective.evaluate_in(&mut self.engine, data, &self.running),
            Precision::Double => recipe.objective.evaluate(net, data, x),
        }
    }
}
