//! What do f and ∇f say, at x and beside it, and where does x go? The only file of training that knows the engine.
//!
//! A gradient is of the whole batch, or the mean over its ghosts: parts whose normalization uses statistics of their own. It is
//! left in the engine, where the rule finds it.

use std::ops::Range;

use rayon::prelude::*;

use super::draw::batches;
use super::recipe::Recipe;
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::net::{Averages, Engine, Net, Points, Real, Standing, Wanted};
use crate::objective::{Evaluation, Precision};
use crate::optim::Rule;
use crate::seed::{Random, Stream, copy, normal, stream_from, uniform, words};
use crate::weights::{Layout, Weights};
use crate::wide::{BLOCK, wide};

/// Points that one gradient is of.
pub(super) struct Batch<'a> {
    pub(super) split: &'a Split,
    pub(super) points: Points<'a>,
}

impl<'a> Batch<'a> {
    fn part(&self, places: Range<usize>) -> Batch<'a> {
        Batch { split: self.split, points: self.points.part(places) }
    }
}

/// How often these points were looked at before, in this step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Never: a new mask of dropout is drawn, and the running averages move.
    First,
    /// Before: with the same mask, and the averages stand.
    Again,
}

/// What came of one batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// f on the batch at x, nats per example; where a strategy makes no pass there, its own loss.
    pub(super) loss: f64,
    /// The loss that the strategy descends.
    pub(super) own: f64,
    /// Gradient passes over the batch.
    pub(super) passes: f64,
}

impl Seen {
    /// One pass, and nothing else.
    pub(super) fn plain(loss: f64) -> Self {
        Self { loss, own: loss, passes: 1.0 }
    }
}

/// A net at x, with what a trial needs to move it: the rule, the running averages, the streams of dropout and noise.
pub(super) struct Slope<T> {
    engine: Engine<T>,
    rule: Rule<T>,
    /// x₀, whose layout and distance are asked for.
    start: Weights,
    /// Running averages, and the weight that the newest batch has in each.
    running: Vec<f32>,
    momenta: Vec<f32>,
    dropout: Option<Random>,
    /// The stream of dropout before the last first look.
    mask: Option<Random>,
    noise: Noise,
    ghost: Option<usize>,
    /// Vectors as long as x that are not in use: a fresh one costs more than what is done with it.
    spare: Vec<Vec<T>>,
}

/// Where noise comes from.
enum Noise {
    Stream(Box<Random>),
    /// Of the number of the part and the place: for checking against another program.
    #[cfg(test)]
    Given(Box<dyn Fn(usize, usize) -> f64>),
}

impl<T: Real> Slope<T> {
    /// At a start that is given, or at that of the trial's number.
    pub(super) fn new(recipe: &Recipe, net: &Net, trial: usize, start: Option<&Weights>) -> Result<Self> {
        let start = start.map_or_else(|| net.start(recipe.seed, trial as u64), Weights::clone);
        let mut engine = Engine::new(net, recipe.objective.passes, recipe.objective.device)?;
        engine.move_to(&start.values().iter().map(|&value| T::from_f64(value.into())).collect::<Vec<T>>())?;
        Ok(Self {
            engine,
            rule: Rule::begin(&recipe.moving()?, net.layout())?,
            running: start.buffers().to_vec(),
            start,
            momenta: net.momenta(),
            dropout: net.dropout_stream(recipe.seed, trial as u64),
            mask: None,
            noise: Noise::Stream(Box::new(recipe.seed.stream(Stream::Noise, trial as u64))),
            ghost: recipe.ghost,
            spare: Vec::new(),
        })
    }

    /// Whether it takes points of this shape in so many classes.
    pub(super) fn takes(&self, data: &Dataset) -> bool {
        self.engine.takes(data.shape(), data.classes())
    }

    /// Points of a ghost, if there are ghosts.
    pub(super) fn ghost(&self) -> Option<usize> {
        self.ghost
    }

    /// f on a batch where the engine stands, nats per example, with ∇f.
    pub(super) fn gradient(&mut self, batch: &Batch<'_>, look: Look) -> Result<f64> {
        let mut random = self.mask_for(look);
        let seen = self.over_parts(batch, self.ghost, &mut |slope, _, ghost| {
            Ok(Seen::plain(slope.pass(ghost, look, &mut random, &Wanted::GRADIENT)?))
        })?;
        self.masked(look, random);
        Ok(seen.loss)
    }

    /// The same for a single ghost, with the derivative with respect to its inputs.
    pub(super) fn gradient_with_inputs(&mut self, ghost: &Batch<'_>, look: Look) -> Result<f64> {
        self.single(ghost, look, &Wanted::INPUTS)
    }

    /// The same for a single ghost, of a loss whose derivative is not that of the cross-entropy.
    pub(super) fn gradient_changed(
        &mut self,
        ghost: &Batch<'_>,
        look: Look,
        derivative: &dyn Fn(&[T], &mut [T]),
    ) -> Result<f64> {
        self.single(ghost, look, &Wanted { derivative: Some(derivative), ..Wanted::GRADIENT })
    }

    /// The outputs for a single ghost, with the mask that the next first look will use; nothing moves.
    pub(super) fn outputs_before(&mut self, ghost: &Batch<'_>) -> Result<&[T]> {
        let mut random = self.dropout.as_ref().map(copy);
        self.engine.pass_for(ghost.split, &ghost.points, Averages::Batch, random.as_mut(), &Wanted::NOTHING)?;
        Ok(self.engine.logits())
    }

    fn single(&mut self, ghost: &Batch<'_>, look: Look, wanted: &Wanted<'_, T>) -> Result<f64> {
        let mut random = self.mask_for(look);
        let loss = self.pass(ghost, look, &mut random, wanted)?;
        self.masked(look, random);
        Ok(loss)
    }

    /// The stream to draw masks from.
    fn mask_for(&mut self, look: Look) -> Option<Random> {
        match look {
            Look::First => {
                self.mask = self.dropout.as_ref().map(copy);
                self.dropout.take()
            }
            Look::Again => self.mask.as_ref().map(copy),
        }
    }

    /// Where that stream is now.
    fn masked(&mut self, look: Look, random: Option<Random>) {
        if look == Look::First {
            self.dropout = random;
        }
    }

    fn pass(
        &mut self,
        ghost: &Batch<'_>,
        look: Look,
        random: &mut Option<Random>,
        wanted: &Wanted<'_, T>,
    ) -> Result<f64> {
        let passed = self.engine.pass_for(ghost.split, &ghost.points, Averages::Batch, random.as_mut(), wanted)?;
        let loss = passed.loss / ghost.points.len() as f64;
        if look == Look::First && loss.is_finite() {
            let seen = self.engine.averages()?;
            let fresh = seen.iter().zip(&self.momenta);
            self.running.iter_mut().zip(fresh).for_each(|(kept, (&seen, momentum))| {
                *kept += momentum * (seen as f32 - *kept);
            });
        }
        Ok(loss)
    }

    /// Mean over the parts of a batch, each by its points, of what `each` says and of the gradient that it leaves; a batch of one
    /// part is that part, to the bit.
    pub(super) fn over_parts(
        &mut self,
        batch: &Batch<'_>,
        size: Option<usize>,
        each: &mut dyn FnMut(&mut Self, usize, &Batch<'_>) -> Result<Seen>,
    ) -> Result<Seen> {
        let points = batch.points.len();
        let parts = batches(points, size.unwrap_or(points).max(1));
        if parts.len() == 1 {
            return each(self, 0, batch);
        }
        let mut total = self.spare.pop().unwrap_or_default();
        total.clear();
        total.resize(self.start.len(), T::zero());
        let mut seen = Seen { loss: 0.0, own: 0.0, passes: 0.0 };
        for (number, part) in parts.into_iter().enumerate() {
            let part_points = part.len() as f64;
            let share = part_points / points as f64;
            let own = each(self, number, &batch.part(part))?;
            seen.loss += share * own.loss;
            seen.own += share * own.own;
            seen.passes += own.passes * part_points;
            combine(&mut total, share, &self.engine.gradient()?);
            if !(own.loss.is_finite() && own.own.is_finite()) {
                break;
            }
        }
        self.set_gradient(total)?;
        // Divided once, so that two passes are 2.
        Ok(Seen { passes: seen.passes / points as f64, ..seen })
    }

    /// Moves x along the gradient that was left, if the losses are finite.
    pub(super) fn advance(&mut self, seen: Seen, rate: f64) -> Result<Seen> {
        if !seen.own.is_finite() {
            return Ok(Seen { loss: seen.own, ..seen });
        }
        if seen.loss.is_finite() {
            self.move_along(rate)?;
        }
        Ok(seen)
    }

    /// One step of the rule along the gradient that was left.
    pub(super) fn move_along(&mut self, rate: f64) -> Result<()> {
        self.rule.step(self.engine.standing()?, rate)
    }

    /// What ADAM's last step divided by.
    pub(super) fn preconditioner(&self) -> Result<Vec<f64>> {
        self.rule.preconditioner()
    }

    /// The rule forgets every step.
    pub(super) fn reset_rule(&mut self) {
        self.rule.reset();
    }

    /// Where the engine stands.
    pub(super) fn point(&mut self) -> Result<Vec<T>> {
        let mut x = self.spare.pop().unwrap_or_default();
        copy_into(&mut x, &self.engine.x()?);
        Ok(x)
    }

    /// A vector that is no longer needed, for the next that is.
    pub(super) fn give(&mut self, vector: Vec<T>) {
        self.spare.push(vector);
    }

    /// ‖g‖₂ of the gradient that was left.
    pub(super) fn gradient_norm(&self) -> Result<f64> {
        let gradient = self.engine.gradient()?;
        Ok(dot(&gradient, &gradient).sqrt())
    }

    /// Moves to `x + length · g` with the gradient that was left.
    pub(super) fn climb(&mut self, length: f64) -> Result<()> {
        if let Standing::Here { x, gradient } = self.engine.standing()? {
            combine(x, length, gradient);
            return Ok(());
        }
        let mut x = self.point()?;
        combine(&mut x, length, &self.engine.gradient()?);
        self.engine.move_to(&x)?;
        self.give(x);
        Ok(())
    }

    /// Moves each coordinate to what `to` says of it and of the gradient that was left.
    pub(super) fn move_each(&mut self, to: impl Fn(T, T) -> T + Sync) -> Result<()> {
        let sweep = |x: &mut [T], gradient: &[T]| {
            x.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).for_each(|(x, gradient)| {
                wide(
                    #[inline(always)]
                    || x.iter_mut().zip(gradient).for_each(|(x, &g)| *x = to(*x, g)),
                )
            });
        };
        if let Standing::Here { x, gradient } = self.engine.standing()? {
            sweep(x, gradient);
            return Ok(());
        }
        let mut x = self.point()?;
        sweep(&mut x, &self.engine.gradient()?);
        self.engine.move_to(&x)?;
        self.give(x);
        Ok(())
    }

    /// Adds `λ (x − anchor)` to the gradient that was left; `‖x − anchor‖²`.
    pub(super) fn pull_back(&mut self, lambda: f64, anchor: &[T]) -> Result<f64> {
        let mut gradient = self.engine.take_gradient()?;
        let share = T::from_f64(lambda);
        let x = self.engine.x()?;
        let blocks = gradient.par_chunks_mut(BLOCK).zip(x.par_chunks(BLOCK).zip(anchor.par_chunks(BLOCK)));
        let squares = blocks.map(|(gradient, (x, anchor))| {
            wide(
                #[inline(always)]
                || {
                    let mut sums = [0.0; 8];
                    for (gradient, (x, anchor)) in gradient.chunks_mut(8).zip(x.chunks(8).zip(anchor.chunks(8))) {
                        for (sum, (g, (&x, &anchor))) in
                            sums.iter_mut().zip(gradient.iter_mut().zip(x.iter().zip(anchor)))
                        {
                            let away = x - anchor;
                            *g += share * away;
                            let away: f64 = away.into();
                            *sum += away * away;
                        }
                    }
                    sums.iter().sum::<f64>()
                },
            )
        });
        let square = squares.collect::<Vec<f64>>().into_iter().sum();
        drop(x);
        self.set_gradient(gradient)?;
        Ok(square)
    }

    pub(super) fn move_to(&mut self, x: &[T]) -> Result<()> {
        self.engine.move_to(x)
    }

    /// The gradient that was left.
    pub(super) fn last_gradient(&mut self) -> Result<Vec<T>> {
        let mut gradient = self.spare.pop().unwrap_or_default();
        copy_into(&mut gradient, &self.engine.gradient()?);
        Ok(gradient)
    }

    pub(super) fn set_gradient(&mut self, mut gradient: Vec<T>) -> Result<()> {
        self.engine.exchange_gradient(&mut gradient)?;
        if !gradient.is_empty() {
            self.give(gradient);
        }
        Ok(())
    }

    /// Derivative of the mean loss with respect to the inputs, of the last pass that asked for it.
    pub(super) fn input_gradient(&self) -> &[T] {
        self.engine.inputs()
    }

    /// One row of outputs a point, of the last pass.
    pub(super) fn outputs(&self) -> &[T] {
        self.engine.logits()
    }

    /// Numbers drawn evenly from (−1, 1), for the part of this number.
    pub(super) fn uniform(&mut self, part: usize, count: usize) -> Vec<T> {
        self.noise(part, count, |random, numbers| {
            numbers.iter_mut().for_each(|number| *number = 2.0 * uniform(random) - 1.0);
        })
    }

    /// Numbers drawn from N(0, 1), for the part of this number.
    pub(super) fn normal(&mut self, part: usize, count: usize) -> Vec<T> {
        self.noise(part, count, |random, numbers| {
            // Pairs; of the last one the second may not be asked for.
            let even = numbers.len().next_multiple_of(2);
            let (mut drawn, mut all) = (vec![0; even], vec![0.0; even]);
            words(random, &mut drawn);
            normal(&drawn, &mut all);
            numbers.copy_from_slice(&all[..numbers.len()]);
        })
    }

    fn noise(&mut self, part: usize, count: usize, draw: impl Fn(&mut Random, &mut [f32])) -> Vec<T> {
        #[cfg(not(test))]
        let _ = part;
        match &mut self.noise {
            Noise::Stream(random) => {
                let mut numbers = vec![0.0; count];
                draw(random, &mut numbers);
                numbers.into_iter().map(|number| T::from_f64(number.into())).collect()
            }
            #[cfg(test)]
            Noise::Given(given) => (0..count).map(|place| T::from_f64(given(part, place))).collect(),
        }
    }

    /// x, with the running averages.
    pub(super) fn weights(&self) -> Result<Weights> {
        let mut weights = self.start.clone();
        let x = self.engine.x()?;
        weights.values_mut().iter_mut().zip(x.iter()).for_each(|(place, &value)| {
            let value: f64 = value.into();
            *place = value as f32;
        });
        weights.buffers_mut().copy_from_slice(&self.running);
        Ok(weights)
    }

    /// x₀.
    pub(super) fn start(&self) -> &Weights {
        &self.start
    }

    pub(super) fn layout(&self) -> &Layout {
        self.start.layout()
    }
}

#[cfg(test)]
impl<T: Real> Slope<T> {
    /// Takes noise from a function of the part and the place.
    pub(super) fn noise_of(&mut self, given: impl Fn(usize, usize) -> f64 + 'static) {
        self.noise = Noise::Given(Box::new(given));
    }
}

/// Where the rule and the streams of a slope are, beside x and the rule's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stand {
    /// Steps that the rule counts.
    steps: i32,
    /// At which words their streams are.
    dropout: Option<u64>,
    noise: Option<u64>,
}

impl Slope<f32> {
    /// Where it stands between two steps; x and what the rule remembers, each as a point.
    pub(super) fn halt(&self) -> Result<(Stand, Vec<Weights>)> {
        let (steps, memory) = self.rule.memory()?;
        let noise = match &self.noise {
            Noise::Stream(random) => Some(random.get_word_pos() as u64),
            #[cfg(test)]
            Noise::Given(_) => None,
        };
        let dropout = self.dropout.as_ref().map(|random| random.get_word_pos() as u64);
        let mut points = vec![self.weights()?];
        for numbers in memory {
            points.push(Weights::new(self.layout(), numbers)?);
        }
        Ok((Stand { steps, dropout, noise }, points))
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where the points are not those of such a net and rule.
    pub(super) fn resume(&mut self, stand: Stand, points: &[Weights]) -> Result<()> {
        let Some((x, memory)) = points.split_first().filter(|(x, _)| x.layout() == self.layout()) else {
            return Err(crate::Error::Shape("a trial on its way has a point of its net".into()));
        };
        self.engine.move_to(x.values())?;
        self.running.copy_from_slice(x.buffers());
        self.rule.resume(stand.steps, memory.iter().map(|point| point.values().to_vec()).collect())?;
        if let (Some(random), Some(word)) = (&mut self.dropout, stand.dropout) {
            *random = stream_from(random, word.into());
        }
        if let (Noise::Stream(random), Some(word)) = (&mut self.noise, stand.noise) {
            **random = stream_from(random, word.into());
        }
        Ok(())
    }

    /// f and accuracy on both splits at these weights, which may be others than x.
    pub(super) fn evaluate(&mut self, recipe: &Recipe, net: &Net, data: &Dataset, at: &Weights) -> Result<Evaluation> {
        if recipe.objective.precision == Precision::Double {
            return recipe.objective.evaluate(net, data, at);
        }
        let is_elsewhere = recipe.average.is_some();
        let x = if is_elsewhere { Some(self.point()?) } else { None };
        if is_elsewhere {
            self.engine.move_to(at.values())?;
        }
        let evaluation = recipe.objective.evaluate_in(&mut self.engine, data, at.buffers());
        if let Some(x) = x {
            self.engine.move_to(&x)?;
        }
        evaluation
    }
}

fn copy_into<T: Real>(numbers: &mut Vec<T>, others: &[T]) {
    numbers.resize(others.len(), T::zero());
    let blocks = numbers.par_chunks_mut(BLOCK).zip(others.par_chunks(BLOCK));
    blocks.for_each(|(numbers, others)| numbers.copy_from_slice(others));
}

/// `numbers += share · others`.
pub(super) fn combine<T: Real>(numbers: &mut [T], share: f64, others: &[T]) {
    let share = T::from_f64(share);
    numbers.par_chunks_mut(BLOCK).zip(others.par_chunks(BLOCK)).for_each(|(numbers, others)| {
        wide(
            #[inline(always)]
            || numbers.iter_mut().zip(others).for_each(|(number, &other)| *number += share * other),
        )
    });
}

/// `Σ aᵢ bᵢ` in f64, in blocks of fixed size that are added in their order.
pub(super) fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    let blocks = a.par_chunks(BLOCK).zip(b.par_chunks(BLOCK)).map(|(a, b)| {
        wide(
            #[inline(always)]
            || {
                let mut sums = [0.0; 8];
                for (a, b) in a.chunks(8).zip(b.chunks(8)) {
                    for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                        *sum += Into::<f64>::into(a) * Into::<f64>::into(b);
                    }
                }
                sums.iter().sum::<f64>()
            },
        )
    });
    blocks.collect::<Vec<f64>>().into_iter().sum()
}
