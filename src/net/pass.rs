//! One batch through a net: loss, right answers and gradient as plain numbers. The only room, with the layers, that
//! knows candle: tensors are made here, used once and dropped, so that nothing of candle outlives a call.

use candle_core::{Device, Tensor, Var, WithDType};
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use super::{Layer, Net, kernel};
use crate::error::{Error, Result};

/// f32 for work, f64 for checking.
pub(crate) trait Real: WithDType + Into<f64> {
    /// The inputs of a split in this precision.
    fn inputs(split: &crate::data::Split, points: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<Self>;
}

impl Real for f32 {
    fn inputs(split: &crate::data::Split, points: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<Self> {
        points.flat_map(|range| &split.inputs()[range]).copied().collect()
    }
}

impl Real for f64 {
    fn inputs(split: &crate::data::Split, points: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<Self> {
        match split.exact_inputs() {
            Some(exact) => points.flat_map(|range| &exact[range]).copied().collect(),
            None => points.flat_map(|range| &split.inputs()[range]).map(|&value| f64::from(value)).collect(),
        }
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Error::Tensor(error.to_string())
    }
}

/// Points drawn from a split: their inputs one after another, and their labels.
pub(crate) struct Batch<T> {
    inputs: Vec<T>,
    labels: Vec<u32>,
}

impl<T: Real> Batch<T> {
    /// The points of these numbers, in this order; each must be below the split's length.
    pub(crate) fn of(split: &crate::data::Split, points: &[usize]) -> Self {
        let features = split.features();
        Self {
            inputs: T::inputs(split, points.iter().map(|point| point * features..(point + 1) * features)),
            labels: points.iter().map(|&point| split.labels()[point]).collect(),
        }
    }

    /// A run of points.
    pub(crate) fn range(split: &crate::data::Split, points: std::ops::Range<usize>) -> Self {
        let features = split.features();
        Self {
            labels: split.labels()[points.clone()].to_vec(),
            inputs: T::inputs(split, std::iter::once(points.start * features..points.end * features)),
        }
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }
}

/// The averages that normalization uses.
#[derive(Clone, Copy)]
pub(crate) enum Averages<'a, T> {
    /// Those of the batch itself.
    Batch,
    /// These, in the layout of a net's buffers: for each layer the means, then the variances.
    Fixed(&'a [T]),
}

/// By which passes a net is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Passes {
    /// Fused for the CPU where a layer has such a pass, composed where it has not.
    #[default]
    Fused,
    /// Composed of candle's own operations, with its own derivatives: slower, and the reference that the fused passes are
    /// checked against.
    Composed,
}

/// What a normalization saw in its batch.
pub(super) struct Observed {
    /// Means, one a feature.
    pub(super) mean: Vec<f64>,
    /// Variances over `count`, one a feature.
    pub(super) variance: Vec<f64>,
    /// Number of numbers that each is an average of.
    pub(super) count: usize,
}

/// What came out of a pass.
pub(crate) struct Passed<T> {
    /// Sum of the cross-entropy over the points, nats, in f64: a mean of 60,000 small losses in f32 would lose what
    /// sharpness measures.
    pub(crate) loss: f64,
    /// Number of right answers; of equal outputs the first is the answer.
    pub(crate) right: usize,
    /// One row of outputs a point.
    pub(crate) logits: Vec<T>,
    /// Gradient of the mean cross-entropy over the batch, if it was asked for; else empty.
    pub(crate) gradient: Vec<T>,
    /// Averages seen, in the layout of the buffers, variances over count − 1 as PyTorch's running averages take them;
    /// empty where averages were given.
    pub(crate) averages: Vec<f64>,
}

/// What the way back needs of a layer on the way there.
enum Step<T> {
    /// A fused pass: its input, its two parameters, its output.
    Fused(kernel::Fused<T>, [Tensor; 4]),
    /// A graph of candle's: its input where that needs a derivative, its parameters, its output.
    Graph(Option<Var>, Vec<Var>, Tensor),
}

/// What a way there leaves.
struct Forward<T> {
    logits: Tensor,
    averages: Vec<f64>,
    steps: Vec<Step<T>>,
}

impl Net {
    /// Outputs for a batch; nothing is kept for a way back.
    pub(crate) fn pass<T: Real>(
        &self,
        passes: Passes,
        x: &[T],
        batch: &Batch<T>,
        averages: Averages<'_, T>,
    ) -> Result<Passed<T>> {
        let Forward { logits, averages, .. } = self.forward(passes, x, batch, averages, None, false)?;
        let logits: Vec<T> = logits.flatten_all()?.to_vec1()?;
        let (loss, right, _) = cross_entropy(&logits, &batch.labels, false);
        Ok(Passed { loss, right, logits, gradient: vec![], averages })
    }

    /// Outputs and gradient for a batch, with dropout where `dropout` is given.
    ///
    /// The way back goes layer by layer, since a net is a chain: a fused pass has a derivative of its own, the others are
    /// a graph of candle's each. One graph for all would add every gradient to zeros, by threads of candle's own that
    /// trials side by side would fight over.
    pub(crate) fn pass_back<T: Real>(
        &self,
        passes: Passes,
        x: &[T],
        batch: &Batch<T>,
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Passed<T>> {
        let Forward { logits: outputs, averages, steps } = self.forward(passes, x, batch, averages, dropout, true)?;
        let logits: Vec<T> = outputs.flatten_all()?.to_vec1()?;
        let (loss, right, gradient) = cross_entropy(&logits, &batch.labels, passes == Passes::Fused);
        let mut signal = match passes {
            Passes::Fused => Tensor::from_vec(gradient, outputs.shape(), &Device::Cpu)?,
            Passes::Composed => {
                let outputs = Var::from_tensor(&outputs)?;
                let labels = Tensor::from_slice(&batch.labels, batch.len(), &Device::Cpu)?;
                let gradients = candle_nn::loss::cross_entropy(&outputs, &labels)?.backward()?;
                found(gradients.get(&outputs), "the outputs")?.clone()
            }
        };
        // Parameters from the last to the first.
        let mut gradients = Vec::with_capacity(self.layout().parameters().len());
        for step in steps.into_iter().rev() {
            match step {
                Step::Fused(operation, [input, first, second, output]) => {
                    let [of_input, of_first, of_second] = operation.back(&input, &first, &second, &output, &signal)?;
                    gradients.extend([of_second, of_first].into_iter().flatten());
                    match of_input {
                        Some(of_input) => signal = of_input,
                        None => break,
                    }
                }
                Step::Graph(input, variables, output) => {
                    // The derivative of ⟨output, signal⟩ is what the signal becomes on its way through the layer.
                    let graph = (output * &signal)?.sum_all()?.backward()?;
                    for variable in variables.iter().rev() {
                        gradients.push(found(graph.get(variable), "a parameter")?.clone());
                    }
                    match input {
                        Some(input) => signal = found(graph.get(&input), "a layer's input")?.clone(),
                        None => break,
                    }
                }
            }
        }
        let mut gradient = Vec::with_capacity(x.len());
        for part in gradients.iter().rev() {
            kernel::with_numbers(&part.contiguous()?, |numbers: &[T]| {
                gradient.extend_from_slice(numbers);
                Ok(())
            })?;
        }
        if gradient.len() != x.len() {
            return Err(Error::Tensor(format!("a gradient of {} numbers for {} weights", gradient.len(), x.len())));
        }
        Ok(Passed { loss, right, logits, gradient, averages })
    }

    fn forward<T: Real>(
        &self,
        passes: Passes,
        x: &[T],
        batch: &Batch<T>,
        averages: Averages<'_, T>,
        mut dropout: Option<&mut ChaCha8Rng>,
        keep: bool,
    ) -> Result<Forward<T>> {
        let mut shape = vec![batch.len()];
        shape.extend(self.input());
        let mut signal = Tensor::from_slice(&batch.inputs, shape, &Device::Cpu)?;
        let mut observed = Vec::new();
        let mut steps = Vec::new();
        let mut parts = self.layout().parameters().iter();
        let (mut data, mut buffer) = (true, 0);
        let mut layers = self.layers.iter().zip(&self.shapes).peekable();
        while let Some((layer, before)) = layers.next() {
            let own = parts.by_ref().take(layer.parameters(before).len());
            let own = own.map(|part| Tensor::from_slice(&x[part.range()], part.shape.as_slice(), &Device::Cpu));
            let own = own.collect::<candle_core::Result<Vec<_>>>()?;
            let kept: usize = layer.buffers(before).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            let averages = match averages {
                Averages::Batch => Averages::Batch,
                Averages::Fixed(numbers) => Averages::Fixed(&numbers[buffer..buffer + kept]),
            };
            buffer += kept;
            let fused = match (passes, layer, averages) {
                (Passes::Fused, Layer::Dense { .. }, _) => Some(kernel::Fused::dense(data)),
                (Passes::Fused, Layer::Norm { epsilon, .. }, Averages::Batch) => {
                    let relu = layers.next_if(|(next, _)| matches!(next, Layer::Relu)).is_some();
                    Some(kernel::Fused::normalize(*epsilon, relu))
                }
                _ => None,
            };
            // Behind no parameter yet, the signal is data and needs no derivative.
            let needs = keep && !(data && own.is_empty());
            match (fused, own.as_slice()) {
                (Some(operation), [first, second]) => {
                    let input = signal.contiguous()?;
                    let (output, seen) = operation.forth(&input, first, second)?;
                    observed.extend(seen);
                    if keep {
                        steps.push(Step::Fused(operation, [input, first.clone(), second.clone(), output.clone()]));
                    }
                    signal = output;
                }
                _ if needs => {
                    let input = if data { None } else { Some(Var::from_tensor(&signal)?) };
                    let from = input.as_ref().map_or(&signal, |input| input.as_tensor());
                    let variables = own.iter().map(Var::from_tensor).collect::<candle_core::Result<Vec<_>>>()?;
                    let own: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
                    let output = layer.forward(from, &own, averages, dropout.as_deref_mut(), &mut observed)?;
                    signal = output.detach();
                    steps.push(Step::Graph(input, variables, output));
                }
                _ => signal = layer.forward(&signal, &own, averages, dropout.as_deref_mut(), &mut observed)?,
            }
            data &= own.is_empty();
        }
        let mut averages = Vec::with_capacity(self.layout().buffer_count());
        for Observed { mean, variance, count } in observed {
            let unbiased = count as f64 / (count.max(2) - 1) as f64;
            averages.extend(mean);
            averages.extend(variance.iter().map(|variance| variance * unbiased));
        }
        Ok(Forward { logits: signal, averages, steps })
    }

    /// Whether every layer that takes time has a fused pass; the others use threads of candle's own.
    pub(crate) fn is_fused(&self) -> bool {
        let composed =
            |layer: &Layer| matches!(layer, Layer::Conv { .. } | Layer::MaxPool { .. } | Layer::Dropout { .. });
        !self.layers.iter().any(composed)
    }
}

fn found<'a>(gradient: Option<&'a Tensor>, whose: &str) -> Result<&'a Tensor> {
    gradient.ok_or_else(|| Error::Tensor(format!("no gradient of {whose}")))
}

/// Cross-entropy of outputs with their labels: its sum in nats, the number of right answers, and, where asked for, the
/// derivative of its mean, `(softmax − 1ₗ) / points`. Points are taken in blocks of fixed size, whose sums are added in
/// their order.
fn cross_entropy<T: Real>(logits: &[T], labels: &[u32], derivative: bool) -> (f64, usize, Vec<T>) {
    const POINTS: usize = 256;
    let classes = logits.len() / labels.len();
    let points = labels.len() as f64;
    let blocks = logits.par_chunks(POINTS * classes).zip(labels.par_chunks(POINTS)).map(|(logits, labels)| {
        let (mut loss, mut right) = (0.0, 0);
        let mut gradient = Vec::with_capacity(if derivative { logits.len() } else { 0 });
        let mut powers = vec![0.0; classes];
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            let numbers = row.iter().map(|&value| -> f64 { value.into() });
            let first = (0, f64::NEG_INFINITY);
            let (answer, most) =
                numbers.clone().enumerate().fold(first, |best, next| if next.1 > best.1 { next } else { best });
            powers.iter_mut().zip(numbers).for_each(|(power, value)| *power = (value - most).exp());
            let sum: f64 = powers.iter().sum();
            let own: f64 = row[label as usize].into();
            loss += sum.ln() + most - own;
            right += usize::from(answer == label as usize);
            if derivative {
                let row = powers.iter().enumerate().map(|(class, power)| {
                    let one = if class == label as usize { 1.0 } else { 0.0 };
                    T::from_f64((power / sum - one) / points)
                });
                gradient.extend(row);
            }
        }
        (loss, right, gradient)
    });
    let blocks: Vec<(f64, usize, Vec<T>)> = blocks.collect();
    let mut total = (0.0, 0, Vec::with_capacity(if derivative { logits.len() } else { 0 }));
    for (loss, right, gradient) in blocks {
        total.0 += loss;
        total.1 += right;
        total.2.extend(gradient);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Synthetic;
    use crate::seed::Seed;

    /// The largest difference of two lists, relative to the largest number.
    fn difference<T: Real>(found: &[T], expected: &[T]) -> f64 {
        assert_eq!(found.len(), expected.len());
        let of = |value: &T| -> f64 { (*value).into() };
        let scale = expected.iter().map(|value| of(value).abs()).fold(1e-12, f64::max);
        found.iter().zip(expected).map(|(f, e)| (of(f) - of(e)).abs()).fold(0.0, f64::max) / scale
    }

    fn compare<T: Real>(net: &Net, points: usize, tolerance: f64) -> Result<()> {
        let data = Synthetic::new(net.input(), net.classes()).train(points).test(1).seed(9).make()?;
        let batch = Batch::<T>::range(&data.train, 0..points);
        let start = net.start(Seed(4), 0).to_f64();
        let x: Vec<T> = start.iter().enumerate().map(|(i, v)| T::from_f64(v + 0.1 * (1.3 * i as f64).sin())).collect();
        let run = |passes| net.pass_back(passes, &x, &batch, Averages::Batch, None);
        let (fused, composed) = (run(Passes::Fused)?, run(Passes::Composed)?);
        let values = net.pass(Passes::Fused, &x, &batch, Averages::Batch)?;
        assert_eq!(difference(&values.logits, &fused.logits), 0.0, "with and without a graph");
        let found = [
            difference(&fused.logits, &composed.logits),
            difference(&fused.gradient, &composed.gradient),
            difference::<f64>(&fused.averages, &composed.averages),
        ];
        assert!(found.iter().all(|&d| d < tolerance), "{net:?} on {points} points: {found:?}");
        Ok(())
    }

    /// Over sizes that divide by nothing: below and above a block, a lane, a register.
    #[test]
    fn fused_passes_are_the_composed_ones() -> Result<()> {
        for (inputs, hidden, points) in [(1, 1, 2), (3, 7, 5), (17, 33, 63), (64, 65, 130), (31, 513, 71)] {
            let dense = |outputs| Layer::Dense { outputs };
            let layers = vec![dense(hidden), Layer::norm(), Layer::Relu, dense(hidden), Layer::norm(), dense(3)];
            let net = Net::new("dense", &[inputs], layers)?;
            compare::<f64>(&net, points, 1e-10)?;
            compare::<f32>(&net, points, 2e-3)?;
        }
        for (side, filters, points) in [(1, 1, 3), (3, 2, 4), (5, 3, 7), (9, 5, 13)] {
            let conv = Layer::Conv { filters, window: 3, stride: 1, padding: 1 };
            let layers = vec![
                conv.clone(),
                Layer::norm(),
                Layer::Relu,
                conv,
                Layer::norm(),
                Layer::Flatten,
                Layer::Dense { outputs: 4 },
            ];
            let net = Net::new("conv", &[2, side, side], layers)?;
            compare::<f64>(&net, points, 1e-10)?;
            compare::<f32>(&net, points, 2e-3)?;
        }
        Ok(())
    }
}
