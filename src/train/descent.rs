//! One trial: from the start of its number to a stop, step by step.

use std::ops::Range;
use std::time::Instant;

use super::stop::Patience;
use super::{Epoch, Run, Stop, Training};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::net::{Averages, Engine, Net, Points};
use crate::objective::Precision;
use crate::optim::OptimizerState;
use crate::seed::{Random, Stream, shuffle};
use crate::weights::Weights;

/// One trial of a training, a step at a time: for a reader who wants to look between two steps, or to time one.
///
/// ```
/// use sharp_minima::{Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let training = Training::adam().batch(20).trials(1).epochs(1).quiet();
/// let mut descent = training.begin(&net, &data, 0)?;
/// while descent.epoch() < 1 {
///     let loss = descent.step(&data)?;
///     assert!(loss.is_finite());
/// }
/// assert_eq!(descent.weights()?, training.run(&net, &data)?.weights[0]);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub struct Descent {
    training: Training,
    trial: usize,
    batch: usize,
    start: Weights,
    engine: Engine<f32>,
    state: OptimizerState,
    /// Running averages, and the weight that the newest batch has in each.
    running: Vec<f32>,
    momenta: Vec<f32>,
    random: Random,
    dropout: Option<Random>,
    /// The order of the points in this epoch, its batches, and which of them is next.
    order: Vec<usize>,
    batches: Vec<Range<usize>>,
    next: usize,
    steps: usize,
    epoch: usize,
}

impl Descent {
    pub(super) fn new(training: &Training, net: &Net, data: &Dataset, batch: usize, trial: usize) -> Result<Self> {
        let start = net.start(training.seed, trial as u64);
        let mut engine = Engine::new(net, training.objective.passes, training.objective.device)?;
        engine.move_to(start.values())?;
        Ok(Self {
            training: training.clone(),
            trial,
            batch,
            engine,
            state: training.optimizer.begin(start.len())?,
            running: start.buffers().to_vec(),
            start,
            momenta: net.momenta(),
            random: training.seed.stream(Stream::Shuffle, trial as u64),
            dropout: net.dropout_stream(training.seed, trial as u64),
            order: (0..data.train.len()).collect(),
            batches: batches(data.train.len(), batch),
            next: 0,
            steps: 0,
            epoch: 0,
        })
    }

    /// Takes the next batch of the epoch, or the first of a new one: a pass back and forth, and a step of the optimizer.
    /// Returns f on the batch before the step, nats per example.
    ///
    /// # Errors
    /// [`Error::Shape`] where the data is not like that of the beginning, [`Error::Diverged`] where f is not finite; x then
    /// stays where it was.
    pub fn step(&mut self, data: &Dataset) -> Result<f64> {
        let (points, features) = (data.train.len(), data.train.features());
        if points != self.order.len() || !self.engine.takes(data.shape(), data.classes()) {
            return Err(Error::Shape(format!(
                "the descent was begun on {} points, but the data has {points} of {features} numbers in {} classes",
                self.order.len(),
                data.classes()
            )));
        }
        let loss = self.advance(data)?;
        if loss.is_finite() {
            return Ok(loss);
        }
        let regime = self.training.regime.clone().unwrap_or_else(|| format!("batch {}", self.batch));
        let (trial, batch, epoch) = (self.trial, self.batch, self.epoch + 1);
        Err(Error::Diverged { trial, regime, batch, epoch, loss, finished: Vec::new() })
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
        let mut weights = self.start.clone();
        weights.values_mut().copy_from_slice(&self.engine.x()?);
        weights.buffers_mut().copy_from_slice(&self.running);
        Ok(weights)
    }

    /// One step, if the loss is finite; returns it in any case.
    fn advance(&mut self, data: &Dataset) -> Result<f64> {
        if self.next == 0 {
            shuffle(&mut self.order, &mut self.random);
        }
        let points = Points::Listed(&self.order[self.batches[self.next].clone()]);
        let passed = self.engine.pass_back(&data.train, &points, Averages::Batch, self.dropout.as_mut())?;
        let loss = passed.loss / points.len() as f64;
        if !loss.is_finite() {
            return Ok(loss);
        }
        self.engine.step(&self.training.optimizer, &mut self.state)?;
        let seen = self.engine.averages()?;
        let fresh = seen.iter().zip(&self.momenta);
        self.running.iter_mut().zip(fresh).for_each(|(kept, (&seen, momentum))| {
            *kept += momentum * (seen as f32 - *kept);
        });
        self.steps += 1;
        self.next += 1;
        if self.next == self.batches.len() {
            self.next = 0;
            self.epoch += 1;
        }
        Ok(loss)
    }

    /// A row of the trace: f and accuracy on both splits, where x is now.
    fn measure(&mut self, net: &Net, data: &Dataset, begin: Instant) -> Result<Epoch> {
        let x = self.weights()?;
        let objective = self.training.objective;
        let value = match objective.precision {
            Precision::Single => objective.evaluate_in(&mut self.engine, data, &self.running)?,
            Precision::Double => objective.evaluate(net, data, &x)?,
        };
        Ok(Epoch {
            epoch: self.epoch,
            steps: self.steps,
            train_loss: value.train.loss,
            train_accuracy: value.train.accuracy,
            test_loss: value.test.loss,
            test_accuracy: value.test.accuracy,
            distance: x.distance(&self.start)?,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }
}

impl std::fmt::Display for Descent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "trial {} with batches of {}: {} epochs, {} steps of {}",
            self.trial, self.batch, self.epoch, self.steps, self.training.optimizer
        )
    }
}

impl std::fmt::Debug for Descent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

crate::display::shown_as_text!(Descent);

/// How a trial ended.
pub(super) enum Outcome {
    /// With a run and its last point.
    Finished(Run, Weights),
    /// With a loss that is not finite.
    Diverged { epoch: usize, loss: f64 },
}

/// Runs one trial; `report` is told of each epoch done, with its training loss.
pub(super) fn descend(
    training: &Training,
    net: &Net,
    data: &Dataset,
    batch: usize,
    trial: usize,
    deadline: Option<Instant>,
    report: &dyn Fn(&Epoch),
) -> Result<Outcome> {
    let begin = Instant::now();
    let mut descent = Descent::new(training, net, data, batch, trial)?;
    let is_finite = |row: &Epoch| [row.train_loss, row.test_loss, row.distance].into_iter().all(f64::is_finite);
    let mut trace = vec![descent.measure(net, data, begin)?];
    if !is_finite(&trace[0]) {
        return Ok(Outcome::Diverged { epoch: 0, loss: trace[0].train_loss });
    }
    let mut patience = Patience::new(training.patience, trace[0].train_loss);
    let mut stop = Stop::Epochs;
    for epoch in 1..=training.epochs {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            stop = Stop::Budget;
            break;
        }
        while descent.epoch < epoch {
            let loss = descent.advance(data)?;
            if !loss.is_finite() {
                return Ok(Outcome::Diverged { epoch, loss });
            }
        }
        let row = descent.measure(net, data, begin)?;
        if !is_finite(&row) {
            let loss = if row.train_loss.is_finite() { row.test_loss } else { row.train_loss };
            return Ok(Outcome::Diverged { epoch, loss });
        }
        report(&row);
        trace.push(row);
        if patience.is_over(row.train_loss) {
            stop = Stop::CeasedToImprove;
            break;
        }
    }
    Ok(Outcome::Finished(Run { trial, trace, stop }, descent.weights()?))
}

/// The places of an epoch's order in batches; a single point that remains is joined to the batch before it.
fn batches(points: usize, size: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<_> = (0..points).step_by(size).map(|begin| begin..points.min(begin + size)).collect();
    if size > 1 && batches.len() > 1 && points % size == 1 {
        batches.pop();
        batches.iter_mut().rev().take(1).for_each(|last| last.end = points);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn batches_draw_every_point_once() {
        let sizes = |points: usize, size: usize| -> Vec<usize> {
            let batches = batches(points, size);
            assert_eq!(batches.iter().cloned().flatten().collect::<Vec<_>>(), (0..points).collect::<Vec<_>>());
            batches.iter().map(ExactSizeIterator::len).collect()
        };
        assert_eq!(sizes(10, 4), [4, 4, 2]);
        assert_eq!(sizes(9, 4), [4, 5]);
        assert_eq!(sizes(8, 4), [4, 4]);
        assert_eq!(sizes(4, 4), [4]);
        assert_eq!(sizes(5, 4), [5]);
        assert_eq!(sizes(3, 1), [1, 1, 1]);
        assert_eq!(sizes(1, 1), [1]);
    }
}
