//! The passes of all layers, fused for the CPU. They work on slices, in buffers that are kept from step to step; weights
//! and gradients stay where they are in the flat vectors.
//!
//! Images lie with their channels last, (points, rows, columns, channels), between the layers that know rows and columns:
//! then a channel of an image is what a feature of a vector is, and one normalization serves both. Data comes in, and a
//! flattened image goes out, in the order of its shape; [`transpose`] is between.
//!
//! What is summed over points is summed in blocks whose size follows from shapes alone, which threads take up as they come,
//! and the blocks' sums are added in their order: the bits do not depend on the number of threads. The composed passes in
//! [`layer`](super::layer) are the oracle; tests compare values and gradients over shapes that divide by nothing.
//!
//! They are not custom operations of the tensor library: such an operation makes a new tensor for each output and wants
//! weights as tensors of their own, so that memory and copies cost more than the arithmetic of a small batch; and what is
//! kept from one step to the next would be tensors, which may not outlive a call.

mod along;
mod blocks;
mod buffers;
mod convolution;
mod curvature;
mod dense;
mod dropout;
mod filtering;
mod normalize;
mod pooled;
mod pooling;
mod product;
mod relu;
mod transpose;

use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use super::averages::Averages;
use super::loss::{Passed, cross_entropy};
use super::points::{Points, Real, labels};
use super::wanted::Wanted;
use super::{Layer, Net};
use crate::data::Split;
use crate::error::Result;
use crate::memory::zeros;
use blocks::broken;
use buffers::{Buffer, Buffers};
use relu::relu;

/// One pass of a layer, or of two that are better passed at once.
enum Operation {
    Transpose(transpose::Transpose),
    Dense(dense::Dense),
    Convolution(convolution::Convolution),
    Normalize(normalize::Normalize),
    Relu,
    Pooling(pooling::Pooling),
    Dropout { rate: f64 },
}

/// What an operation's backward pass needs from its forward pass.
#[derive(Default)]
struct Kept<T> {
    /// Its input, or what it made of it; nothing where the input is the data.
    input: Option<Buffer<T>>,
    /// One choice per number, as argmax of a window or mask of ReLU: which of a window was the largest, or whether the number stayed.
    choices: Option<Buffer<u16>>,
    /// Means and variances.
    moments: Option<normalize::Moments>,
}

/// What a forward pass leaves: what each operation kept, and the signal after the last, or nothing where that is the data.
type Forward<T> = (Vec<Kept<T>>, Option<Buffer<T>>);

/// A net's operations with the room that they work in.
pub(super) struct Chain<T> {
    /// With the number of numbers that one point has after each.
    operations: Vec<(Operation, usize)>,
    shape: Vec<usize>,
    classes: usize,
    /// Place of the first operation that has parameters: before it, nothing needs a derivative.
    first: usize,
    numbers: Buffers<T>,
    choices: Buffers<u16>,
    pub(super) x: Vec<T>,
    pub(super) gradient: Vec<T>,
    pub(super) logits: Vec<T>,
    pub(super) averages: Vec<f64>,
    /// Derivative with respect to the inputs, of the last pass that wanted it.
    pub(super) inputs: Vec<T>,
}

impl<T: Real> Chain<T> {
    pub(super) fn new(net: &Net) -> Self {
        let size = |shape: &[usize]| shape.iter().product::<usize>();
        let mut operations: Vec<(Operation, usize)> = Vec::new();
        let (mut parameter, mut buffer, side) = (0, 0, product::side());
        // Whether the signal has its channels last.
        let mut last = false;
        for (place, layer) in net.layers.iter().enumerate() {
            let (before, behind) = (&net.shapes[place], &net.shapes[place + 1]);
            let image = before.len() == 3;
            let wants_last = match layer {
                Layer::Flatten => false,
                Layer::Relu | Layer::Dense { .. } => last,
                _ => image,
            };
            if image && wants_last != last {
                if let Some(transpose) = transpose::Transpose::new(before, wants_last) {
                    operations.push((Operation::Transpose(transpose), size(before)));
                }
                last = wants_last;
            }
            let operation = match layer {
                Layer::Dense { outputs } => {
                    Some(Operation::Dense(dense::Dense { inputs: before[0], outputs: *outputs, at: parameter, side }))
                }
                Layer::Conv { filters, window, stride, padding } => Some(Operation::Convolution(
                    convolution::Convolution::new(before, behind, *filters, *window, *stride, *padding, parameter),
                )),
                Layer::Norm { epsilon, .. } => Some(Operation::Normalize(normalize::Normalize {
                    features: before[0],
                    epsilon: *epsilon,
                    relu: false,
                    pooling: None,
                    at: parameter,
                    averages: buffer,
                })),
                Layer::Relu => match operations.last_mut() {
                    Some((Operation::Normalize(normalize), _)) if !normalize.relu && normalize.pooling.is_none() => {
                        normalize.relu = true;
                        None
                    }
                    _ => Some(Operation::Relu),
                },
                Layer::MaxPool { window, stride, padding } => {
                    let pooling = pooling::Pooling::new(before, behind, *window, *stride, *padding);
                    match operations.last_mut() {
                        Some((Operation::Normalize(normalize), numbers)) if normalize.pooling.is_none() => {
                            normalize.pooling = Some(pooling);
                            *numbers = size(behind);
                            None
                        }
                        _ => Some(Operation::Pooling(pooling)),
                    }
                }
                Layer::Dropout { rate } => (*rate > 0.0).then_some(Operation::Dropout { rate: *rate }),
                Layer::Flatten => None,
            };
            operations.extend(operation.map(|operation| (operation, size(behind))));
            parameter += layer.parameters(before).iter().map(|(_, shape)| size(shape)).sum::<usize>();
            buffer += layer.buffers(before).iter().map(|(_, shape)| size(shape)).sum::<usize>();
        }
        let has_parameters = |(operation, _): &(Operation, usize)| {
            matches!(operation, Operation::Dense(_) | Operation::Convolution(_) | Operation::Normalize(_))
        };
        Self {
            first: operations.iter().position(has_parameters).unwrap_or(operations.len()),
            operations,
            shape: net.input().to_vec(),
            classes: net.classes(),
            numbers: Buffers::default(),
            choices: Buffers::default(),
            x: zeros(net.parameter_count()),
            gradient: zeros(net.parameter_count()),
            logits: Vec::new(),
            averages: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Shape of a point, and number of classes.
    pub(super) fn ends(&self) -> (&[usize], usize) {
        (&self.shape, self.classes)
    }

    /// Outputs for points, and what else is wanted of them.
    ///
    /// `dropout` is there only in training. Nothing is kept where there is no backward pass.
    pub(super) fn pass(
        &mut self,
        split: &Split,
        points: &Points<'_>,
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
        wanted: &Wanted<'_, T>,
    ) -> Result<Passed> {
        let back = wanted.gradient;
        // Before the first operation with parameters nothing needs a derivative, unless the inputs' own is wanted.
        let first = if wanted.inputs { 0 } else { self.first };
        let gathered = self.gathered(split, points);
        let data = gathered.as_deref().or(T::borrowed(split, points)).unwrap_or_default();
        let from = if back { first } else { usize::MAX };
        let (kept, signal) = self.forward(data, points.len(), averages, dropout, from)?;
        let outputs: &[T] = signal.as_deref().unwrap_or(data);
        self.logits.clear();
        self.logits.extend_from_slice(outputs);
        let labels = labels(split, points);
        let mut gradient = back.then(|| self.numbers.take(points.len() * self.classes));
        let passed = cross_entropy(&self.logits, &labels, gradient.as_deref_mut());
        if let Some(mut gradient) = gradient {
            if let Some(change) = wanted.derivative {
                change(&self.logits, &mut gradient);
            }
            self.backward(data, signal, gradient, kept, matches!(averages, Averages::Fixed(_)), wanted.inputs)?;
        } else {
            signal.into_iter().for_each(|signal| self.numbers.give(signal));
            kept.into_iter().filter_map(|kept| kept.choices).for_each(|choices| self.choices.give(choices));
        }
        gathered.into_iter().for_each(|gathered| self.numbers.give(gathered));
        Ok(passed)
    }

    /// The inputs of points, where they do not lie one after another in this precision.
    fn gathered(&mut self, split: &Split, points: &Points<'_>) -> Option<Buffer<T>> {
        if T::borrowed(split, points).is_some() {
            return None;
        }
        let mut gathered = self.numbers.take(points.len() * split.features());
        gather(split, points, &mut gathered);
        Some(gathered)
    }

    /// The forward pass, of data of `count` points: operations from the `from`-th on keep what a backward pass needs.
    fn forward(
        &mut self,
        data: &[T],
        count: usize,
        averages: Averages<'_, T>,
        mut dropout: Option<&mut ChaCha8Rng>,
        from: usize,
    ) -> Result<Forward<T>> {
        self.averages.clear();
        let mut kept: Vec<Kept<T>> = Vec::with_capacity(self.operations.len());
        // Nothing yet: the signal is the data.
        let mut signal: Option<Buffer<T>> = None;
        let Self { operations, numbers, choices: rooms, x, .. } = self;
        // Whether an operation was done together with the one before it.
        let mut done = false;
        for (place, (operation, size)) in operations.iter().enumerate() {
            if std::mem::take(&mut done) {
                kept.push(Kept::default());
                continue;
            }
            let keep = place >= from;
            let mut own = Kept::default();
            let behind = count * size;
            // An operation that works in place, on data that it must not touch, works on a copy.
            let in_place = match operation {
                Operation::Relu => true,
                Operation::Dropout { .. } => dropout.is_some(),
                Operation::Normalize(normalize) => !keep && normalize.pooling.is_none(),
                _ => false,
            };
            if in_place && signal.is_none() {
                let mut copy = numbers.take(data.len());
                copy.copy_from_slice(data);
                signal = Some(copy);
            }
            let input: &[T] = signal.as_deref().unwrap_or(data);
            let next = match operation {
                Operation::Transpose(transpose) => {
                    let mut output = numbers.take(behind);
                    transpose.forward(input, &mut output);
                    Some((output, signal.take()))
                }
                Operation::Dense(dense) => {
                    let mut output = numbers.take(behind);
                    dense.forward(x, input, &mut output, numbers)?;
                    Some((output, signal.take()))
                }
                Operation::Convolution(convolution) => {
                    let pooled = match operations.get(place + 1) {
                        Some((Operation::Normalize(normalize), _)) if !keep => {
                            pooled::Pooled::new(convolution, normalize, rayon::current_num_threads())
                        }
                        _ => None,
                    };
                    if let Some(pooled) = pooled {
                        let mut output = numbers.take(count * pooled.output());
                        let moments = pooled.forward(x, input, &mut output, averages, numbers)?;
                        if matches!(averages, Averages::Batch) {
                            observe(&mut self.averages, &moments, behind / pooled.features());
                        }
                        done = true;
                        Some((output, signal.take()))
                    } else {
                        let mut output = numbers.take(behind);
                        let framed = convolution.forward(x, input, &mut output, numbers)?;
                        let input = signal.take();
                        match framed {
                            // With its frame the input is not needed without.
                            Some(framed) => {
                                if let Some(input) = input {
                                    numbers.give(input);
                                }
                                Some((output, Some(framed)))
                            }
                            None => Some((output, input)),
                        }
                    }
                }
                Operation::Normalize(normalize) => {
                    let moments = match averages {
                        Averages::Batch => {
                            let moments = normalize.moments(input);
                            observe(&mut self.averages, &moments, input.len() / normalize.features);
                            moments
                        }
                        Averages::Fixed(averages) => normalize.given(averages),
                    };
                    if let Some(pooling) = &normalize.pooling {
                        let mut output = numbers.take(behind);
                        let mut choices = keep.then(|| rooms.take(behind));
                        normalize.forth_pooled(pooling, x, &moments, input, &mut output, choices.as_deref_mut());
                        (own.choices, own.moments) = (choices, Some(moments));
                        Some((output, signal.take()))
                    } else if keep {
                        let mut output = numbers.take(behind);
                        normalize.forward(x, &moments, Some(input), &mut output);
                        own.moments = Some(moments);
                        Some((output, signal.take()))
                    } else {
                        if let Some(signal) = &mut signal {
                            normalize.forward(x, &moments, None, signal);
                        }
                        None
                    }
                }
                Operation::Relu => {
                    if let Some(signal) = &mut signal {
                        let mut choices = keep.then(|| rooms.take(behind));
                        relu(signal, choices.as_deref_mut());
                        own.choices = choices;
                    }
                    None
                }
                Operation::Pooling(pooling) => {
                    let mut output = numbers.take(behind);
                    let mut choices = keep.then(|| rooms.take(behind));
                    pooling.forward(input, &mut output, choices.as_deref_mut());
                    own.choices = choices;
                    if let Some(input) = signal.take() {
                        numbers.give(input);
                    }
                    Some((output, None))
                }
                Operation::Dropout { rate } => {
                    if let (Some(random), Some(signal)) = (dropout.as_deref_mut(), &mut signal) {
                        let mut choices = rooms.take(behind);
                        dropout::forward(*rate, random, signal, &mut choices);
                        own.choices = Some(choices);
                    }
                    None
                }
            };
            if let Some((output, input)) = next {
                let needed =
                    matches!(operation, Operation::Dense(_) | Operation::Convolution(_) | Operation::Normalize(_));
                match input {
                    Some(input) if keep && needed => own.input = Some(input),
                    Some(input) => numbers.give(input),
                    None => {}
                }
                signal = Some(output);
            }
            kept.push(own);
        }
        Ok((kept, signal))
    }
}

impl<T: Real> Chain<T> {
    /// The backward pass: from the gradient of the outputs to that of x. Buffers return as soon as they are not needed.
    fn backward(
        &mut self,
        data: &[T],
        outputs: Option<Buffer<T>>,
        mut gradient: Buffer<T>,
        kept: Vec<Kept<T>>,
        fixed: bool,
        of_inputs: bool,
    ) -> Result<()> {
        let Self { operations, first, numbers, choices: rooms, x, gradient: total, inputs, .. } = self;
        let first = if of_inputs { 0 } else { *first };
        outputs.into_iter().for_each(|outputs| numbers.give(outputs));
        for (place, ((operation, _), kept)) in operations.iter().zip(kept).enumerate().rev() {
            let Kept { input, choices, moments } = kept;
            if place >= first {
                // The first operation with parameters stands on data, which mostly needs no derivative.
                let needs = of_inputs || place > first;
                let behind: &[T] = input.as_deref().unwrap_or(data);
                match operation {
                    Operation::Transpose(transpose) => {
                        let mut before = numbers.take(gradient.len());
                        transpose.backward(&gradient, &mut before);
                        numbers.give(std::mem::replace(&mut gradient, before));
                    }
                    Operation::Dense(dense) => {
                        dense.backward(behind, &gradient, total)?;
                        if needs {
                            let mut before = numbers.take(gradient.len() / dense.outputs * dense.inputs);
                            dense.back_to_input(x, &gradient, &mut before, numbers)?;
                            numbers.give(std::mem::replace(&mut gradient, before));
                        }
                    }
                    Operation::Convolution(convolution) => {
                        convolution.backward(behind, &gradient, total, numbers)?;
                        if needs {
                            let before = convolution.back_to_input(x, &gradient, numbers)?;
                            numbers.give(std::mem::replace(&mut gradient, before));
                        }
                    }
                    Operation::Normalize(normalize) => {
                        let moments = moments.ok_or_else(|| broken("a normalization has kept no moments"))?;
                        if let Some(pooling) = &normalize.pooling {
                            let choices = choices.as_deref().ok_or_else(|| broken("a pooling has kept no choices"))?;
                            let mut before = numbers.take(behind.len());
                            pooling.backward(&gradient, choices, &mut before);
                            numbers.give(std::mem::replace(&mut gradient, before));
                        }
                        normalize.backward(x, behind, &moments, &mut gradient, total, fixed);
                    }
                    Operation::Relu | Operation::Dropout { .. } => {
                        let scale = match operation {
                            Operation::Dropout { rate } => T::from_f64(1.0 / (1.0 - rate)),
                            _ => T::one(),
                        };
                        if let Some(choices) = &choices {
                            dropout::backward(scale, &mut gradient, choices);
                        }
                    }
                    Operation::Pooling(pooling) => {
                        let choices = choices.as_deref().ok_or_else(|| broken("a pooling has kept no choices"))?;
                        let mut before = numbers.take(gradient.len() / pooling.output() * pooling.input());
                        pooling.backward(&gradient, choices, &mut before);
                        numbers.give(std::mem::replace(&mut gradient, before));
                    }
                }
            }
            input.into_iter().for_each(|input| numbers.give(input));
            choices.into_iter().for_each(|choices| rooms.give(choices));
        }
        if of_inputs {
            inputs.clear();
            inputs.extend_from_slice(&gradient);
        }
        numbers.give(gradient);
        Ok(())
    }
}

/// Appends what a normalization saw, variances over count − 1 as PyTorch's running averages take them.
fn observe(averages: &mut Vec<f64>, moments: &normalize::Moments, count: usize) {
    let unbiased = count as f64 / (count.max(2) - 1) as f64;
    averages.extend(&moments.mean);
    averages.extend(moments.variance.iter().map(|variance| variance * unbiased));
}

/// The inputs of points, one after another.
fn gather<T: Real>(split: &Split, points: &Points<'_>, output: &mut [T]) {
    let features = split.features();
    output.par_chunks_mut(features).enumerate().for_each(|(place, output)| T::read(split, points.at(place), output));
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Engine, Passes};
    use super::super::{Device, zoo};
    use super::*;
    use crate::data::Synthetic;
    use crate::error::Error;
    use crate::seed::{Seed, Stream};

    /// The largest difference of two lists, relative to the largest number.
    fn difference<T: Real>(found: &[T], expected: &[T]) -> f64 {
        assert_eq!(found.len(), expected.len());
        let of = |value: &T| -> f64 { (*value).into() };
        let scale = expected.iter().map(|value| of(value).abs()).fold(1e-12, f64::max);
        found.iter().zip(expected).map(|(f, e)| (of(f) - of(e)).abs()).fold(0.0, f64::max) / scale
    }

    /// Values, gradient, averages and dropped numbers of both passes; then values and gradient with averages given.
    fn compare<T: Real>(net: &Net, points: usize, tolerance: f64) -> Result<()> {
        let data = Synthetic::new(net.input(), net.classes()).train(points).test(1).seed(9).make()?;
        let all: Vec<usize> = (0..points).rev().collect();
        let start = net.start(Seed(4), 0).to_f64();
        let x: Vec<T> = start.iter().enumerate().map(|(i, v)| T::from_f64(v + 0.1 * (1.3 * i as f64).sin())).collect();
        let buffers = net.layout().buffer_count();
        let given: Vec<T> = (0..buffers).map(|i| T::from_f64(1.0 + 0.5 * (0.9 * i as f64).sin())).collect();
        for averages in [Averages::Batch, Averages::Fixed(&given)] {
            let run = |passes| {
                let mut engine = Engine::<T>::new(net, passes, Device::Cpu)?;
                engine.move_to(&x)?;
                // Twice, since buffers are used again, and another number of points between.
                let mut random = Seed(3).stream(Stream::Dropout, 0);
                engine.pass_back(&data.train, &Points::Listed(&all), averages, Some(&mut random))?;
                engine.pass(&data.train, &Points::Listed(&all[..1]), averages)?;
                let points = Points::Listed(&all);
                let passed = engine.pass_back(&data.train, &points, averages, Some(&mut random))?;
                let gradient = engine.gradient()?.into_owned();
                let (logits, seen) = (engine.logits().to_vec(), engine.averages()?.into_owned());
                // Of a loss of another kind, and with respect to the inputs too.
                let other = |outputs: &[T], derivative: &mut [T]| {
                    derivative.iter_mut().zip(outputs).for_each(|(d, z)| *d += T::from_f64(0.1) * *z * *z);
                };
                let wanted = Wanted { derivative: Some(&other), ..Wanted::INPUTS };
                engine.pass_for(&data.train, &points, averages, Some(&mut random), &wanted)?;
                let others = (engine.gradient()?.into_owned(), engine.inputs().to_vec());
                Ok::<_, Error>((passed, logits, gradient, seen, others))
            };
            let (fused, composed) = (run(Passes::Fused)?, run(Passes::Composed)?);
            let found = [
                (fused.0.loss - composed.0.loss).abs() / composed.0.loss,
                difference(&fused.1, &composed.1),
                difference(&fused.2, &composed.2),
                difference::<f64>(&fused.3, &composed.3),
                difference(&fused.4.0, &composed.4.0),
                difference(&fused.4.1, &composed.4.1),
            ];
            assert!(found.iter().all(|&d| d < tolerance), "{net:?} on {points} points: {found:?}");
            let mut engine = Engine::<T>::new(net, Passes::Fused, Device::Cpu)?;
            engine.move_to(&x)?;
            engine.pass(&data.train, &Points::Range(0..points), averages)?;
            let forward = engine.logits().to_vec();
            engine.pass_back(&data.train, &Points::Range(0..points), averages, None)?;
            assert_eq!(difference(&forward, engine.logits()), 0.0, "with and without a backward pass: {net:?}");
        }
        Ok(())
    }

    fn both(name: &str, input: &[usize], layers: Vec<Layer>, points: usize) -> Result<()> {
        let net = Net::new(name, input, layers)?;
        compare::<f64>(&net, points, 1e-10)?;
        compare::<f32>(&net, points, 3e-3)
    }

    /// ∂f/∂X of every kind of layer in f64 by both passes, against central differences of f in the inputs themselves.
    #[test]
    fn derivatives_of_inputs_are_central_differences() -> Result<()> {
        let conv = |filters, stride| Layer::Conv { filters, window: 3, stride, padding: 1 };
        let pool = Layer::MaxPool { window: 3, stride: 2, padding: 1 };
        let drop = |rate| Layer::Dropout { rate };
        // The same units are left out each time.
        let mask = || Seed(3).stream(Stream::Dropout, 0);
        let nets = [
            Net::new("dense", &[7], vec![dense(9), Layer::norm(), Layer::Relu, dense(3)])?,
            Net::new("bare", &[2, 3, 3], vec![Layer::Relu, Layer::Flatten, Layer::norm(), dense(3)])?,
            Net::new(
                "conv",
                &[2, 6, 5],
                vec![conv(5, 1), Layer::norm(), Layer::Relu, pool.clone(), conv(3, 2), Layer::Flatten, dense(3)],
            )?,
            Net::new("pooled", &[2, 6, 6], vec![pool, conv(4, 1), Layer::Relu, Layer::Flatten, dense(3)])?,
            Net::new(
                "dropped",
                &[2, 4, 4],
                vec![conv(3, 1), Layer::Relu, drop(0.4), Layer::Flatten, dense(9), drop(0.5), dense(3)],
            )?,
        ];
        for net in nets {
            let data = Synthetic::new(net.input(), 3).train(6).test(1).seed(5).make()?.train;
            let inputs: Vec<f64> =
                data.inputs().iter().enumerate().map(|(i, &v)| f64::from(v) + 0.01 * (i as f64).sin()).collect();
            let at = |inputs: Vec<f64>| Split::exact(inputs, data.labels().to_vec(), net.input().to_vec(), 3);
            let x: Vec<f64> = net
                .start(Seed(2), 0)
                .to_f64()
                .iter()
                .enumerate()
                .map(|(i, v)| v + 0.1 * (1.7 * i as f64).cos())
                .collect();
            for passes in [Passes::Fused, Passes::Composed] {
                let mut engine = Engine::<f64>::new(&net, passes, Device::Cpu)?;
                engine.move_to(&x)?;
                let all = Points::Range(0..6);
                let pass = |engine: &mut Engine<f64>, inputs: Vec<f64>| {
                    let split = at(inputs)?;
                    let passed = engine.pass_for(&split, &all, Averages::Batch, Some(&mut mask()), &Wanted::INPUTS)?;
                    Ok::<_, Error>(passed.loss / 6.0)
                };
                pass(&mut engine, inputs.clone())?;
                let found = engine.inputs().to_vec();
                let scale = found.iter().fold(0.0f64, |most, value| most.max(value.abs()));
                for place in (0..inputs.len()).step_by(3) {
                    let mut f = |step: f64| {
                        let mut moved = inputs.clone();
                        moved[place] += step;
                        pass(&mut engine, moved)
                    };
                    let expected = (f(1e-5)? - f(-1e-5)?) / 2e-5;
                    let near = (found[place] - expected).abs() < 1e-6 * scale;
                    assert!(near, "{net:?}, {passes:?}, {place}: {} is not {expected}", found[place]);
                }
            }
        }
        Ok(())
    }

    fn dense(outputs: usize) -> Layer {
        Layer::Dense { outputs }
    }

    /// Over sizes that divide by nothing: below and above a block, a lane, a register, a panel.
    #[test]
    fn dense_layers() -> Result<()> {
        for (inputs, hidden, points) in [(1, 1, 2), (3, 7, 5), (17, 33, 63), (64, 65, 130), (31, 513, 71), (520, 9, 97)]
        {
            let layers = vec![dense(hidden), Layer::norm(), Layer::Relu, dense(hidden), Layer::norm(), dense(3)];
            both("dense", &[inputs], layers, points)?;
            both("alone", &[inputs], vec![dense(hidden), Layer::Relu, dense(2)], points)?;
        }
        Ok(())
    }

    /// The first on data and the second after it; windows that leave a rest, padding beyond the window's own.
    #[test]
    fn convolutions() -> Result<()> {
        let shapes = [(1, 1, 0), (3, 1, 1), (5, 1, 2), (3, 2, 1), (2, 3, 0), (4, 3, 2), (1, 2, 2), (2, 1, 3)];
        for (place, (window, stride, padding)) in shapes.into_iter().enumerate() {
            for (channels, filters, [height, width], points) in
                [(1, 1, [4, 4], 2), (2, 5, [5, 7], 3), (3, 17, [6, 4], 9), (18, 66, [9, 8], 5)]
            {
                let conv = Layer::Conv { filters, window, stride, padding };
                let again = Layer::Conv { filters: 3, window: 2, stride: 1, padding: 1 };
                let layers = vec![conv, Layer::norm(), Layer::Relu, again, Layer::Flatten, dense(4)];
                both(&format!("convolution {place}"), &[channels, height, width], layers, points)?;
            }
        }
        Ok(())
    }

    #[test]
    fn poolings() -> Result<()> {
        for (window, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (3, 3, 0), (1, 1, 0), (4, 1, 2)] {
            let pool = || Layer::MaxPool { window, stride, padding };
            let conv = Layer::Conv { filters: 19, window: 3, stride: 1, padding: 1 };
            // On data, after a normalization, and of images that a ReLU made equal in places.
            let layers =
                vec![pool(), conv, Layer::norm(), Layer::Relu, Layer::MaxPool { window: 2, stride: 1, padding: 1 }];
            let layers = layers.into_iter().chain([Layer::Flatten, dense(3)]).collect();
            both("pooling", &[2, 7, 6], layers, 6)?;
        }
        Ok(())
    }

    #[test]
    fn dropped_numbers() -> Result<()> {
        let drop = |rate| Layer::Dropout { rate };
        let conv = Layer::Conv { filters: 6, window: 3, stride: 1, padding: 1 };
        let layers = vec![
            drop(0.2),
            conv.clone(),
            drop(0.4),
            Layer::norm(),
            conv,
            Layer::Relu,
            drop(0.5),
            Layer::Flatten,
            drop(0.3),
            dense(70),
            Layer::Relu,
            drop(0.5),
            dense(3),
        ];
        both("dropout", &[3, 8, 9], layers, 31)
    }

    /// All six nets, at sizes that tests can bear.
    #[test]
    fn nets_of_the_paper() -> Result<()> {
        for net in [
            zoo::f1(&[1, 5, 5], 10, 0.1)?,
            zoo::f2(&[36], 40, 0.1)?,
            zoo::c1(&[3, 11, 11], 10, 0.3)?,
            zoo::c2(&[3, 9, 9], 10, 0.05)?,
            zoo::c4(&[3, 32, 32], 100, 0.05)?,
        ] {
            compare::<f64>(&net, 13, 1e-9)?;
        }
        // So wide that convolutions take fewer multiplications.
        compare::<f64>(&zoo::c1(&[3, 9, 11], 10, 1.0)?, 5, 1e-9)?;
        compare::<f64>(&zoo::c2(&[3, 12, 10], 10, 0.5)?, 5, 1e-9)?;
        Ok(())
    }
}
