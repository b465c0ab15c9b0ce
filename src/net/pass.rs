//! One batch through a net: loss, right answers and gradient as plain numbers. The only room, with the layers, that
//! knows candle: tensors are made here, used once and dropped, so that nothing of candle outlives a call.

use candle_core::{Device, Tensor, Var, WithDType};
use rand::rngs::ChaCha8Rng;

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

/// Which passes a layer takes where there are two.
#[derive(Clone, Copy)]
enum Path {
    /// Composed of candle's own operations: the oracle. Only tests ask for it by name; layers without a fused pass take it.
    #[cfg_attr(not(test), allow(dead_code))]
    Composed,
    /// Fused for the CPU.
    Fused,
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
    /// One row of outputs a point.
    pub(crate) logits: Vec<T>,
    /// Gradient of the mean cross-entropy over the batch, if it was asked for; else empty.
    pub(crate) gradient: Vec<T>,
    /// Averages seen, in the layout of the buffers, variances over count − 1 as PyTorch's running averages take them;
    /// empty where averages were given.
    pub(crate) averages: Vec<f64>,
}

impl Net {
    /// Outputs for a batch; no graph is kept.
    pub(crate) fn pass<T: Real>(&self, x: &[T], batch: &Batch<T>, averages: Averages<'_, T>) -> Result<Passed<T>> {
        self.pass_by(Path::Fused, x, batch, averages)
    }

    fn pass_by<T: Real>(&self, path: Path, x: &[T], batch: &Batch<T>, averages: Averages<'_, T>) -> Result<Passed<T>> {
        let parameters = self.split(x).map(|(values, shape)| Tensor::from_slice(values, shape, &Device::Cpu));
        let parameters = parameters.collect::<candle_core::Result<Vec<_>>>()?;
        let (logits, averages) = self.forward(&parameters, batch, averages, None, path)?;
        Ok(Passed { logits: logits.flatten_all()?.to_vec1()?, gradient: vec![], averages })
    }

    /// Outputs and gradient for a batch, with dropout where `dropout` is given.
    pub(crate) fn pass_back<T: Real>(
        &self,
        x: &[T],
        batch: &Batch<T>,
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Passed<T>> {
        self.pass_back_by(Path::Fused, x, batch, averages, dropout)
    }

    fn pass_back_by<T: Real>(
        &self,
        path: Path,
        x: &[T],
        batch: &Batch<T>,
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Passed<T>> {
        let variables = self.split(x).map(|(values, shape)| Var::from_slice(values, shape, &Device::Cpu));
        let variables = variables.collect::<candle_core::Result<Vec<_>>>()?;
        let parameters: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
        let (logits, averages) = self.forward(&parameters, batch, averages, dropout, path)?;
        let labels = Tensor::from_slice(&batch.labels, batch.len(), &Device::Cpu)?;
        let gradients = candle_nn::loss::cross_entropy(&logits, &labels)?.backward()?;
        let mut gradient = Vec::with_capacity(x.len());
        for (variable, part) in variables.iter().zip(self.layout().parameters()) {
            let of_part =
                gradients.get(variable).ok_or_else(|| Error::Tensor(format!("'{}' has no gradient", part.name)))?;
            gradient.extend(of_part.flatten_all()?.to_vec1::<T>()?);
        }
        Ok(Passed { logits: logits.flatten_all()?.to_vec1()?, gradient, averages })
    }

    /// The parts of a flat vector with their shapes.
    fn split<'a, T>(&'a self, x: &'a [T]) -> impl Iterator<Item = (&'a [T], &'a [usize])> {
        self.layout().parameters().iter().map(|part| (&x[part.range()], part.shape.as_slice()))
    }

    fn forward<T: Real>(
        &self,
        parameters: &[Tensor],
        batch: &Batch<T>,
        averages: Averages<'_, T>,
        mut dropout: Option<&mut ChaCha8Rng>,
        path: Path,
    ) -> Result<(Tensor, Vec<f64>)> {
        let mut shape = vec![batch.len()];
        shape.extend(self.input());
        let mut signal = Tensor::from_slice(&batch.inputs, shape, &Device::Cpu)?;
        let mut observed = Vec::new();
        let (mut parameter, mut buffer) = (0, 0);
        let mut layers = self.layers.iter().zip(&self.shapes).peekable();
        while let Some((layer, before)) = layers.next() {
            let own = layer.parameters(before).len();
            let kept: usize = layer.buffers(before).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            let averages = match averages {
                Averages::Batch => Averages::Batch,
                Averages::Fixed(numbers) => Averages::Fixed(&numbers[buffer..buffer + kept]),
            };
            signal = match (path, layer, &parameters[parameter..parameter + own], averages) {
                // Behind no parameter yet, the signal is data and needs no derivative.
                (Path::Fused, Layer::Dense { .. }, [weight, bias], _) => {
                    kernel::dense::<T>(&signal, weight, bias, parameter == 0)?
                }
                (Path::Fused, Layer::Norm { epsilon, .. }, [gamma, beta], Averages::Batch) => {
                    let relu = layers.next_if(|(next, _)| matches!(next, Layer::Relu)).is_some();
                    let (normalized, seen) = kernel::normalize::<T>(&signal, gamma, beta, *epsilon, relu)?;
                    observed.push(seen);
                    normalized
                }
                (_, _, own, averages) => {
                    layer.forward(&signal, own, averages, dropout.as_deref_mut(), &mut observed)?
                }
            };
            parameter += own;
            buffer += kept;
        }
        let mut averages = Vec::with_capacity(self.layout().buffer_count());
        for Observed { mean, variance, count } in observed {
            let unbiased = count as f64 / (count.max(2) - 1) as f64;
            averages.extend(mean);
            averages.extend(variance.iter().map(|variance| variance * unbiased));
        }
        Ok((signal, averages))
    }
}

impl<T: Real> Passed<T> {
    /// Sum of the cross-entropy over the points in nats, and number of right answers, both from the outputs in f64: a
    /// mean of 60,000 small losses in f32 would lose what sharpness measures. Of equal outputs the first is the answer.
    pub(crate) fn score(&self, batch: &Batch<T>) -> (f64, usize) {
        let classes = self.logits.len() / batch.len();
        let rows = self.logits.chunks_exact(classes).zip(&batch.labels);
        rows.fold((0.0, 0), |(loss, right), (row, &label)| {
            let mut row = row.iter().map(|&value| value.into());
            let (answer, most) = row.clone().enumerate().fold((0, f64::NEG_INFINITY), |best, (class, value)| {
                if value > best.1 { (class, value) } else { best }
            });
            let normalizer = row.clone().map(|value| (value - most).exp()).sum::<f64>().ln() + most;
            let own = row.nth(label as usize).unwrap_or(f64::NAN);
            (loss + normalizer - own, right + usize::from(answer == label as usize))
        })
    }
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
        let run = |path| net.pass_back_by(path, &x, &batch, Averages::Batch, None);
        let (fused, composed) = (run(Path::Fused)?, run(Path::Composed)?);
        let values = net.pass_by(Path::Fused, &x, &batch, Averages::Batch)?;
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
