//! What is f? The mean cross-entropy of a net on a split, as a function of x alone.
//!
//! In f32 a gradient through max pooling can be 2e-3 (relative) from that in f64 where two numbers of a window are nearly equal, as
//! PyTorch's can: the other one may be the larger there.
//!
//! Deviation: the paper does not say over which points normalization averages when f is evaluated; 5,000, the size of the
//! authors' own evaluation batches, is the default.
//!
//! It is evaluated on all threads of the machine, or on those of the pool that the call is made in; `RAYON_NUM_THREADS` says another
//! number, which is rayon's to read: one that the machine does not grant ends the program. Memory is bounded by the chunk:
//! without a gradient nothing is kept of a layer once the next one is done.

mod products;

use rayon::prelude::*;

use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use crate::net::{Averages, Device, Engine, Net, Passes, Points, Real};
use crate::weights::Weights;
use crate::wide::{BLOCK, wide};

/// Whose mean and variance normalization uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Statistics {
    /// Those of the chunk, as in the authors' code: f is a function of x.
    #[default]
    Batch,
    /// The running averages that the weights carry, as most libraries do; they lag behind x, and are wrong at a point
    /// that no training went through.
    Running,
    /// Averages re-estimated at x by one pass first ([`Objective::recalibrate`]): over the training split in
    /// [`Objective::evaluate`], over the split given elsewhere.
    Recalibrated,
}

impl std::fmt::Display for Statistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Statistics::Batch => "batch",
            Statistics::Running => "running",
            Statistics::Recalibrated => "recalibrated",
        })
    }
}

/// The numbers that a net is computed in. Sums over points are in f64 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Precision {
    /// f32: for work.
    #[default]
    Single,
    /// f64: for checking; about half as fast.
    Double,
}

/// Loss and accuracy of a net on a split.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Value {
    /// f(x), nats per example; NaN where interpolated running averages have a negative variance.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Fraction of points whose largest output is that of their label.
    pub accuracy: f64,
}

impl Value {
    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&format!("loss {:.6}, accuracy {:.4}", self.loss, self.accuracy));
    }
}

/// A number from a file; JSON writes what is not finite as null.
pub(crate) fn number<'de, D: serde::Deserializer<'de>>(source: D) -> std::result::Result<f64, D::Error> {
    Ok(<Option<f64> as serde::Deserialize>::deserialize(source)?.unwrap_or(f64::NAN))
}

/// Loss, accuracy and gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// f(x), nats per example.
    pub loss: f64,
    /// Fraction of right answers.
    pub accuracy: f64,
    /// ∇f(x), n numbers in the layout of x; computed in the objective's precision.
    pub gradient: Vec<f64>,
}

impl Gradient {
    /// `‖∇f(x)‖₂`.
    pub fn norm(&self) -> f64 {
        self.gradient.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&format!(
            "loss {:.6}, accuracy {:.4}, gradient of {} numbers with norm {:.4}",
            self.loss,
            self.accuracy,
            crate::display::grouped(self.gradient.len()),
            self.norm()
        ));
    }
}

/// Loss and accuracy on both splits of a data set.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evaluation {
    /// On the points that were trained on.
    pub train: Value,
    /// On the others.
    pub test: Value,
}

impl Evaluation {
    /// Whether both losses are numbers.
    pub(crate) fn is_finite(&self) -> bool {
        self.train.loss.is_finite() && self.test.loss.is_finite()
    }

    /// Both as a table.
    pub fn block(&self) -> crate::display::Block {
        let row = |name: &str, value: Value| {
            vec![name.into(), format!("{:.4}", value.loss), format!("{:.2}", 100.0 * value.accuracy)]
        };
        let rows = vec![row("train", self.train), row("test", self.test)];
        crate::display::Block::table("f and accuracy", &["split", "loss, nats", "accuracy, %"], rows)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// How f is evaluated.
///
/// `f(x) = (1/M) Σᵢ fᵢ(x)` (paper §1, eq. 1), in nats per example. For it to be a function of x, everything else is
/// fixed: the points are taken in their order, in chunks of nearly equal size, dropout is off, and normalization uses the
/// statistics of the chunk, as the authors' Keras layers (`mode=2`) do in training and testing alike. So the chunk is a
/// part of the definition. With M points and a chunk of c there are K = ⌈M / c⌉ chunks, and chunk k has the points from ⌊kM/K⌋ to
/// before ⌊(k+1)M/K⌋: their sizes differ by at most one.
///
/// | name | default | range | paper |
/// |---|---|---|---|
/// | `chunk` | 5,000 points | from 1 | 5,000 (code) |
/// | `statistics` | [`Statistics::Batch`] | | `mode=2` (code) |
/// | `precision` | [`Precision::Single`] | | not said |
/// | `passes` | [`Passes::Fused`] | | – |
/// | `device` | [`Device::Cpu`] | that of the build | – |
///
/// ```
/// use sharp_minima::{Objective, Seed, data, zoo};
/// let digits = data::digits().first(100, 50)?;
/// let net = zoo::f1(&[1, 8, 8], 10, 0.05)?;
/// let value = Objective::new().value(&net, &digits.train, &net.start(Seed(1), 0))?;
/// assert!(value.loss > 1.0 && value.loss < 5.0); // no better than guessing: about ln 10
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    pub(crate) chunk: usize,
    pub(crate) statistics: Statistics,
    pub(crate) precision: Precision,
    pub(crate) passes: Passes,
    pub(crate) device: Device,
}

impl Default for Objective {
    fn default() -> Self {
        Self {
            chunk: 5_000,
            statistics: Statistics::Batch,
            precision: Precision::Single,
            passes: Passes::Fused,
            device: Device::Cpu,
        }
    }
}

/// Sums over the points of a split.
#[derive(Default)]
struct Sums {
    loss: f64,
    right: usize,
    gradient: Vec<f64>,
}

impl Objective {
    /// Chunks of 5,000 points, batch statistics, f32.
    pub fn new() -> Self {
        Self::default()
    }

    /// Most points that normalization averages over.
    pub fn chunk(self, points: usize) -> Self {
        Self { chunk: points, ..self }
    }

    /// Whose statistics normalization uses.
    pub fn statistics(self, statistics: Statistics) -> Self {
        Self { statistics, ..self }
    }

    /// The numbers that the net is computed in.
    pub fn precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Whose statistics normalization uses, as [`statistics`](Self::statistics) set it.
    pub fn whose(&self) -> Statistics {
        self.statistics
    }

    /// Most points that normalization averages over, as [`chunk`](Self::chunk) set it.
    pub fn most(&self) -> usize {
        self.chunk
    }

    /// Bytes of the outputs of all layers for as many of these points as are passed at once. A gradient takes about as much, f
    /// about half of it, and a product with the Hessian twice as much.
    pub(crate) fn layers(&self, net: &Net, points: usize) -> u64 {
        (self.bytes_of_number() * self.chunk.min(points)) as u64 * net.outputs() as u64
    }

    /// Bytes of a number in a pass.
    pub(crate) fn bytes_of_number(&self) -> usize {
        if self.precision == Precision::Single { 4 } else { 8 }
    }

    /// All that it is, in words: "batch statistics of 5000, f32, fused, cpu".
    pub(crate) fn facts(&self) -> String {
        let Self { chunk, statistics, precision, passes, device } = self;
        let precision = if *precision == Precision::Single { "f32" } else { "f64" };
        let passes = if *passes == Passes::Fused { "fused" } else { "composed" };
        format!("{statistics} statistics of {chunk}, {precision}, {passes}, {device}")
    }

    /// Whether its passes are the fused ones of the CPU, which work in the pool that they are called from. What is composed of
    /// the tensor library's operations runs on threads of its own or on a device: parts in parallel would only fight over them.
    pub(crate) fn is_fused(&self) -> bool {
        self.passes == Passes::Fused && self.device == Device::Cpu
    }

    /// By which passes the net is computed; [`Passes::Composed`] is there to check [`Passes::Fused`] by.
    pub fn passes(self, passes: Passes) -> Self {
        Self { passes, ..self }
    }

    /// Where the net is computed. A device of which this build has none is an error of the verbs.
    pub fn device(self, device: Device) -> Self {
        Self { device, ..self }
    }

    /// f(x) and accuracy. With [`Statistics::Recalibrated`] the averages are re-estimated on this same split; use
    /// [`evaluate`](Self::evaluate) to take them from the training split.
    ///
    /// Cost: one evaluation of f (two when re-estimating). Memory: one chunk's largest layer, twice; the
    /// output of a convolution with a pooling after its normalization is mostly not kept.
    ///
    /// # Errors
    /// [`Error::Shape`] where net, split and weights do not belong together, [`Error::Parameter`] for a chunk of 0 or a
    /// device that is not there.
    pub fn value(&self, net: &Net, split: &Split, x: &Weights) -> Result<Value> {
        Ok(self.at(net, split, x, false)?.value(split))
    }

    /// f(x), accuracy and ∇f(x), averages held fixed unless they are the chunk's own.
    ///
    /// Cost: about three evaluations of f. Memory: all layers of one chunk.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn gradient(&self, net: &Net, split: &Split, x: &Weights) -> Result<Gradient> {
        Ok(self.at(net, split, x, true)?.gradient(split))
    }

    /// f and ∇f at a point in f64, which is what a search in x, or a check against another program, needs; the numbers
    /// are rounded where the net computes in f32. [`Statistics::Running`] has no averages here and is refused.
    ///
    /// # Errors
    /// As [`value`](Self::value); [`Error::Shape`] where x does not have the net's length.
    pub fn gradient_at(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Gradient> {
        self.check_point(net, split, x)?;
        Ok(self.sums(net, split, x, None, true)?.gradient(split))
    }

    /// f at a point in f64; see [`gradient_at`](Self::gradient_at).
    ///
    /// # Errors
    /// As [`gradient_at`](Self::gradient_at).
    pub fn value_at(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Value> {
        self.check_point(net, split, x)?;
        Ok(self.sums(net, split, x, None, false)?.value(split))
    }

    /// The outputs before the softmax at a point in f64, `points × classes`, row-major.
    ///
    /// # Errors
    /// As [`gradient_at`](Self::gradient_at).
    pub fn logits_at(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Vec<f64>> {
        self.check_point(net, split, x)?;
        match self.precision {
            Precision::Single => self.logits_in(&mut self.engine::<f32>(net, x)?, split),
            Precision::Double => self.logits_in(&mut self.engine::<f64>(net, x)?, split),
        }
    }

    /// The square of the gradient of each chunk alone, and that of the mean of all, chunks of equal size.
    pub(crate) fn squares(&self, net: &Net, split: &Split, x: &Weights) -> Result<(Vec<f64>, f64)> {
        self.check(net, split)?;
        net.check_weights(x)?;
        match self.precision {
            Precision::Single => self.squares_in(&mut self.engine::<f32>(net, &x.to_f64())?, split, x.buffers()),
            Precision::Double => self.squares_in(&mut self.engine::<f64>(net, &x.to_f64())?, split, x.buffers()),
        }
    }

    /// f(x) and accuracy on both splits. With [`Statistics::Recalibrated`] the averages are those of the training split.
    ///
    /// Cost: one evaluation of f on each split, and one more on the training split when re-estimating.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn evaluate(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<Evaluation> {
        self.evaluations(net, data)?.at(x)
    }

    /// The same point with running averages re-estimated on a split: means and variances of each chunk, averaged by
    /// their points (PyTorch's `update_bn` averages batches alike, whatever their size).
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn recalibrate(&self, net: &Net, split: &Split, x: &Weights) -> Result<Weights> {
        self.check(net, split)?;
        net.check_weights(x)?;
        let averages = match self.precision {
            Precision::Single => self.observed_in(&mut self.engine::<f32>(net, &x.to_f64())?, split),
            Precision::Double => self.observed_in(&mut self.engine::<f64>(net, &x.to_f64())?, split),
        }?;
        let mut x = x.clone();
        x.buffers_mut().iter_mut().zip(averages).for_each(|(buffer, average)| *buffer = average as f32);
        Ok(x)
    }

    fn check(&self, net: &Net, split: &Split) -> Result<()> {
        if self.chunk == 0 {
            return Err(Error::parameter("chunk", self.chunk, "be at least 1"));
        }
        net.check_data(split.shape(), split.classes())
    }

    fn check_point(&self, net: &Net, split: &Split, x: &[f64]) -> Result<()> {
        self.check(net, split)?;
        net.check_point(x)?;
        match self.statistics {
            Statistics::Batch | Statistics::Recalibrated => Ok(()),
            Statistics::Running => Err(Error::parameter(
                "statistics",
                self.statistics,
                "be batch or recalibrated: a bare point has no running averages",
            )),
        }
    }

    /// The net at x.
    fn engine<T: Real>(&self, net: &Net, x: &[f64]) -> Result<Engine<T>> {
        let mut engine = Engine::new(net, self.passes, self.device)?;
        engine.move_to(&x.iter().map(|&value| T::from_f64(value)).collect::<Vec<_>>())?;
        Ok(engine)
    }

    fn at(&self, net: &Net, split: &Split, x: &Weights, gradient: bool) -> Result<Sums> {
        self.check(net, split)?;
        net.check_weights(x)?;
        self.sums(net, split, &x.to_f64(), Some(x.buffers()), gradient)
    }

    fn sums(&self, net: &Net, split: &Split, x: &[f64], running: Option<&[f32]>, gradient: bool) -> Result<Sums> {
        match self.precision {
            Precision::Single => self.sums_of(&mut self.engine::<f32>(net, x)?, split, running, gradient),
            Precision::Double => self.sums_of(&mut self.engine::<f64>(net, x)?, split, running, gradient),
        }
    }

    fn sums_of<T: Real>(
        &self,
        engine: &mut Engine<T>,
        split: &Split,
        running: Option<&[f32]>,
        gradient: bool,
    ) -> Result<Sums> {
        let averages = self.averages_in(engine, split, running.unwrap_or_default())?;
        self.sums_in(engine, split, choose(&averages), gradient)
    }

    /// f(x) and accuracy on both splits, where an engine stands; `running` are the averages that the weights carry.
    pub(crate) fn evaluate_in<T: Real>(
        &self,
        engine: &mut Engine<T>,
        data: &Dataset,
        running: &[f32],
    ) -> Result<Evaluation> {
        let averages = self.averages_in(engine, &data.train, running)?;
        let mut value =
            |split: &Split| self.sums_in(engine, split, choose(&averages), false).map(|sums| sums.value(split));
        Ok(Evaluation { train: value(&data.train)?, test: value(&data.test)? })
    }

    /// The averages to use where an engine stands; nothing for those of the chunk.
    fn averages_in<T: Real>(&self, engine: &mut Engine<T>, split: &Split, running: &[f32]) -> Result<Option<Vec<T>>> {
        Ok(match self.statistics {
            Statistics::Batch => None,
            Statistics::Running => Some(running.iter().map(|&value| T::from_f64(f64::from(value))).collect()),
            Statistics::Recalibrated => Some(self.observed_in(engine, split)?.into_iter().map(T::from_f64).collect()),
        })
    }

    fn observed_in<T: Real>(&self, engine: &mut Engine<T>, split: &Split) -> Result<Vec<f64>> {
        let mut averages = Vec::new();
        for range in chunks(split.len(), self.chunk) {
            let share = range.len() as f64 / split.len() as f64;
            engine.pass(split, &Points::Range(range), Averages::Batch)?;
            let seen = engine.averages()?;
            averages.resize(seen.len(), 0.0);
            averages.iter_mut().zip(seen.iter()).for_each(|(sum, average)| *sum += share * average);
        }
        Ok(averages)
    }

    fn logits_in<T: Real>(&self, engine: &mut Engine<T>, split: &Split) -> Result<Vec<f64>> {
        let averages = self.averages_in(engine, split, &[])?;
        let mut logits = Vec::with_capacity(split.len() * split.classes());
        for range in chunks(split.len(), self.chunk) {
            engine.pass(split, &Points::Range(range), choose(&averages))?;
            logits.extend(engine.logits().iter().map(|&value| -> f64 { value.into() }));
        }
        Ok(logits)
    }

    fn sums_in<T: Real>(
        &self,
        engine: &mut Engine<T>,
        split: &Split,
        averages: Averages<'_, T>,
        gradient: bool,
    ) -> Result<Sums> {
        let mut sums = Sums::default();
        for range in chunks(split.len(), self.chunk) {
            let share = range.len() as f64 / split.len() as f64;
            let points = Points::Range(range);
            let passed = if gradient {
                engine.pass_back(split, &points, averages, None)?
            } else {
                engine.pass(split, &points, averages)?
            };
            sums.loss += passed.loss;
            sums.right += passed.right;
            if gradient {
                add(&mut sums.gradient, share, &engine.gradient()?);
            }
        }
        Ok(sums)
    }

    fn squares_in<T: Real>(&self, engine: &mut Engine<T>, split: &Split, running: &[f32]) -> Result<(Vec<f64>, f64)> {
        let averages = self.averages_in(engine, split, running)?;
        let (mut each, mut mean) = (Vec::new(), Vec::new());
        for range in chunks(split.len(), self.chunk) {
            let share = range.len() as f64 / split.len() as f64;
            engine.pass_back(split, &Points::Range(range), choose(&averages), None)?;
            let gradient = engine.gradient()?;
            each.push(square(&gradient));
            add(&mut mean, share, &gradient);
        }
        Ok((each, square(&mean)))
    }
}

/// `sums += share · parts`; sums that have not begun are 0.
fn add<T: Real>(sums: &mut Vec<f64>, share: f64, parts: &[T]) {
    sums.resize(parts.len(), 0.0);
    sums.par_chunks_mut(BLOCK).zip(parts.par_chunks(BLOCK)).for_each(|(sums, parts)| {
        wide(
            #[inline(always)]
            || add_share(sums, share, parts),
        )
    });
}

/// `‖numbers‖²`, blocks of fixed size added in their order.
fn square<T: Real>(numbers: &[T]) -> f64 {
    let own = |number: &T| {
        let number: f64 = (*number).into();
        number * number
    };
    numbers.par_chunks(BLOCK).map(|block| block.iter().map(own).sum::<f64>()).collect::<Vec<f64>>().into_iter().sum()
}

#[inline(always)]
fn add_share<T: Real>(sums: &mut [f64], share: f64, parts: &[T]) {
    sums.iter_mut().zip(parts).for_each(|(sum, &part)| *sum += share * Into::<f64>::into(part));
}

/// f and ∇f again and again, at points in f64, in the room of one engine.
pub(crate) struct Repeated<'a> {
    objective: Objective,
    split: &'a Split,
    running: Option<&'a [f32]>,
    engine: Precise,
}

enum Precise {
    Single(Engine<f32>),
    Double(Engine<f64>),
}

impl Objective {
    /// Made ready for many points. `running` are the averages that [`Statistics::Running`] holds fixed.
    pub(crate) fn repeated<'a>(&self, net: &Net, split: &'a Split, running: Option<&'a [f32]>) -> Result<Repeated<'a>> {
        self.check(net, split)?;
        Ok(Repeated { objective: *self, split, running, engine: self.precise(net)? })
    }
}

/// f and accuracy on both splits again and again, in the room of one engine.
pub(crate) struct Evaluations<'a> {
    objective: Objective,
    data: &'a Dataset,
    net: &'a Net,
    engine: Precise,
}

impl Objective {
    /// Made ready to evaluate many weights.
    pub(crate) fn evaluations<'a>(&self, net: &'a Net, data: &'a Dataset) -> Result<Evaluations<'a>> {
        self.check(net, &data.train)?;
        self.check(net, &data.test)?;
        Ok(Evaluations { objective: *self, data, net, engine: self.precise(net)? })
    }

    fn precise(&self, net: &Net) -> Result<Precise> {
        Ok(match self.precision {
            Precision::Single => Precise::Single(Engine::new(net, self.passes, self.device)?),
            Precision::Double => Precise::Double(Engine::new(net, self.passes, self.device)?),
        })
    }
}

impl Evaluations<'_> {
    /// At these weights.
    pub(crate) fn at(&mut self, x: &Weights) -> Result<Evaluation> {
        self.net.check_weights(x)?;
        match &mut self.engine {
            Precise::Single(engine) => {
                engine.move_to(x.values())?;
                self.objective.evaluate_in(engine, self.data, x.buffers())
            }
            Precise::Double(engine) => {
                engine.move_to(&x.to_f64())?;
                self.objective.evaluate_in(engine, self.data, x.buffers())
            }
        }
    }
}

impl Repeated<'_> {
    /// f and accuracy at x.
    pub(crate) fn value(&mut self, x: &[f64]) -> Result<Value> {
        Ok(self.sums(x, false)?.value(self.split))
    }

    /// f and ∇f at x.
    pub(crate) fn gradient(&mut self, x: &[f64]) -> Result<Gradient> {
        Ok(self.sums(x, true)?.gradient(self.split))
    }

    fn sums(&mut self, x: &[f64], gradient: bool) -> Result<Sums> {
        match &mut self.engine {
            Precise::Single(engine) => {
                engine.move_to(&x.iter().map(|&value| value as f32).collect::<Vec<_>>())?;
                self.objective.sums_of(engine, self.split, self.running, gradient)
            }
            Precise::Double(engine) => {
                engine.move_to(x)?;
                self.objective.sums_of(engine, self.split, self.running, gradient)
            }
        }
    }
}

impl Sums {
    fn value(&self, split: &Split) -> Value {
        let points = split.len() as f64;
        Value { loss: self.loss / points, accuracy: self.right as f64 / points }
    }

    fn gradient(self, split: &Split) -> Gradient {
        let Value { loss, accuracy } = self.value(split);
        Gradient { loss, accuracy, gradient: self.gradient }
    }
}

/// The fixed, ordered partition: ⌈points / most⌉ ranges whose lengths differ by at most one, so that from 3 points a
/// chunk on none is left with a single point, whose own mean normalization would subtract.
pub(crate) fn chunks(points: usize, most: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let count = points.div_ceil(most);
    (0..count).map(move |chunk| chunk * points / count..(chunk + 1) * points / count)
}

fn choose<T>(fixed: &Option<Vec<T>>) -> Averages<'_, T> {
    fixed.as_deref().map_or(Averages::Batch, Averages::Fixed)
}

crate::display::shown_as_text!(Objective, Precision, Statistics);

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_cover_every_point_once_in_order() {
        for (points, most, count) in [(60_000, 5_000, 12), (5_001, 5_000, 2), (1, 5_000, 1), (10, 3, 4), (7, 1, 7)] {
            let ranges: Vec<_> = chunks(points, most).collect();
            assert_eq!(ranges.len(), count);
            assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), (0..points).collect::<Vec<_>>());
            let sizes = ranges.iter().map(|range| range.len());
            assert!(sizes.clone().max() <= Some(most) && sizes.clone().max() <= sizes.min().map(|least| least + 1));
        }
    }
}
