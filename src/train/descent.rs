//! One trial: from the start of its number to a stop, step by step.

use super::clock::Clock;
use super::draw::Draw;
use super::recipe::Recipe;
use super::slope::{Batch, Seen, Slope, Stand};
use super::trace::Epoch;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::net::{Net, Points};
use crate::weights::Weights;

/// One trial of a training, a step at a time: for a reader who wants to look between two steps, or to time one.
///
/// ```
/// use sharp_minima::{Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let training = Training::adam().batch(20).trials(1).epochs(1).quiet();
/// let mut descent = training.begin(&net, &data, 0)?;
/// let loss = descent.step(&data)?;
/// assert!(loss.is_finite());
/// descent.until(&data, 1)?;
/// assert_eq!(descent.weights()?, training.run(&net, &data)?.weights[0]);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub struct Descent {
    recipe: Recipe,
    trial: usize,
    draw: Draw,
    slope: Slope<f32>,
    /// The learning rate, before warm-up and growth.
    rate: f64,
    steps: usize,
    epoch: usize,
    /// The strategy's own losses in this epoch, and the passes of the whole trial, both times points.
    own: (f64, usize),
    passes: f64,
}

/// Where a descent is between two epochs, beside x and the vectors of its rule.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    epoch: usize,
    steps: usize,
    passes: f64,
    /// At which word of their stream images are moved.
    augment: Option<u64>,
    stand: Stand,
}

impl Descent {
    pub(super) fn new(
        recipe: &Recipe,
        net: &Net,
        data: &Dataset,
        trial: usize,
        start: Option<&Weights>,
    ) -> Result<Self> {
        Ok(Self {
            recipe: recipe.clone(),
            trial,
            draw: Draw::new(recipe, trial, data.train.len()),
            slope: Slope::new(recipe, net, trial, start)?,
            rate: recipe.moving()?.learning_rate(),
            steps: 0,
            epoch: 0,
            own: (0.0, 0),
            passes: 0.0,
        })
    }

    /// Where it is after an epoch that was measured; x and the vectors of its rule.
    pub(super) fn pause(&self) -> Result<(Pause, Vec<Weights>)> {
        let (stand, points) = self.slope.halt()?;
        let Self { epoch, steps, passes, .. } = *self;
        Ok((Pause { epoch, steps, passes, augment: self.draw.word(), stand }, points))
    }

    /// Goes on from there: the steps that follow are the same to the bit.
    pub(super) fn resume(&mut self, pause: &Pause, points: &[Weights]) -> Result<()> {
        self.slope.resume(pause.stand, points)?;
        self.draw.resume(pause.epoch, pause.augment);
        (self.epoch, self.steps, self.passes) = (pause.epoch, pause.steps, pause.passes);
        Ok(())
    }

    /// Takes the next batch of the epoch, or the first of a new one: the passes of the strategy, one forward and backward in plain
    /// training, and a step of the optimizer. Returns f on the batch before the step, nats per example (with noise on weights, f at
    /// the moved point). Where that, or f at another point that the strategy looks at, is not finite, it is what is returned, and x
    /// stays where it was (L-BFGS takes shorter steps instead).
    ///
    /// # Errors
    /// [`Error::Shape`] where the data is not like that of the beginning.
    pub fn step(&mut self, data: &Dataset) -> Result<f64> {
        let (points, features) = (data.train.len(), data.train.features());
        if points != self.draw.points() || !self.slope.takes(data) {
            return Err(Error::Shape(format!(
                "the descent was begun on {} points, but the data has {points} of {features} numbers in {} classes",
                self.draw.points(),
                data.classes()
            )));
        }
        self.advance(data)
    }

    /// Takes steps until so many epochs are done; where they are done already, none.
    ///
    /// # Errors
    /// As [`step`](Self::step); [`Error::Data`] where the loss of a batch is not finite, from where training cannot go on.
    pub fn until(&mut self, data: &Dataset, epochs: usize) -> Result<()> {
        while self.epoch < epochs {
            let loss = self.step(data)?;
            if !loss.is_finite() {
                let (steps, trial) = (self.steps, self.trial);
                return Err(Error::Data(format!("trial {trial} diverged: the loss after step {steps} is {loss}")));
            }
        }
        Ok(())
    }

    /// What is done to mend a large batch, as [`Recipe::remedies`] says it.
    pub fn remedies(&self) -> String {
        self.recipe.remedies()
    }

    /// Epochs that are done.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Steps that are done.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The point x, with the running averages.
    ///
    /// # Errors
    /// [`Error::Tensor`] where a device does not give it.
    pub fn weights(&self) -> Result<Weights> {
        self.slope.weights()
    }

    /// The diagonal of P, by which ADAM's last step divided: `x ← x − η P⁻¹ m / (1 − β₁ᵗ)` with `P = (√v + ε) / √(1 − β₂ᵗ)`, n
    /// numbers in the layout of x. With it [`Spectrum::preconditioned`](crate::Spectrum::preconditioned) measures the curvature that
    /// ADAM sees, whose edge of stability is [`Optimizer::edge`](crate::Optimizer::edge).
    ///
    /// # Errors
    /// [`Error::Parameter`] for other rules than ADAM and before the first step; [`Error::Tensor`] where a device does not give
    /// it.
    pub fn preconditioner(&self) -> Result<Vec<f64>> {
        self.slope.preconditioner()
    }

    pub(super) fn trial(&self) -> usize {
        self.trial
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// One step, if the loss is finite; returns it in any case.
    pub(super) fn advance(&mut self, data: &Dataset) -> Result<f64> {
        let rate = self.rate * self.recipe.pace(self.steps + 1, self.epoch + 1);
        let (listed, moved) = self.draw.batch(&data.train, self.recipe.batch_of(self.epoch + 1))?;
        let points = listed.len();
        let batch = match &moved {
            Some(split) => Batch { split, points: Points::Range(0..points) },
            None => Batch { split: &data.train, points: Points::Listed(listed) },
        };
        let Seen { loss, own, passes } = self.recipe.strategy.step(&mut self.slope, &batch, rate)?;
        if !loss.is_finite() {
            return Ok(loss);
        }
        self.own = (self.own.0 + own * points as f64, self.own.1 + points);
        self.passes += passes * points as f64;
        self.steps += 1;
        self.epoch += usize::from(self.draw.done());
        Ok(loss)
    }

    /// A row of the trace: f and accuracy on both splits at these weights, which are x or an average of such points.
    pub(super) fn measure(&mut self, net: &Net, data: &Dataset, x: &Weights, clock: &Clock) -> Result<Epoch> {
        let value = self.slope.evaluate(&self.recipe, net, data, x)?;
        let (own, points) = std::mem::take(&mut self.own);
        let is_plain = self.recipe.is_plain();
        Ok(Epoch {
            epoch: self.epoch,
            steps: self.steps,
            train_loss: value.train.loss,
            train_accuracy: value.train.accuracy,
            test_loss: value.test.loss,
            test_accuracy: value.test.accuracy,
            distance: x.distance(self.slope.start())?,
            seconds: clock.seconds(),
            strategy_loss: (!is_plain && points > 0).then(|| own / points as f64),
            passes: (!is_plain).then(|| self.passes / data.train.len() as f64),
        })
    }
}

impl std::fmt::Display for Descent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (batch, optimizer) = (self.recipe.batch, self.recipe.optimizer);
        let (trial, epoch, steps) = (self.trial, self.epoch, self.steps);
        write!(f, "trial {trial} with batches of {batch}: {epoch} epochs, {steps} steps of {optimizer}")
    }
}

impl std::fmt::Debug for Descent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

crate::display::shown_as_text!(Descent);
