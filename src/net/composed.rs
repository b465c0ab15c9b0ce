//! A net composed of candle's own operations, with candle's derivatives: on devices other than the CPU, and on the CPU as the
//! oracle of the fused passes.
//!
//! x is one flat tensor that stays on the device, as do its gradient and what an optimizer remembers. Outputs come back,
//! since their cross-entropy is summed in f64, and the averages that normalization saw.

use candle_core::{DType, Tensor, Var};
use rand::rngs::ChaCha8Rng;

use super::averages::{Averages, Observed};
use super::loss::{Passed, cross_entropy};
use super::points::{Points, Real, labels};
use super::standing::Standing;
use super::wanted::Wanted;
use super::{Device, Net};
use crate::data::Split;
use crate::error::{Error, Result};

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Error::Tensor(error.to_string())
    }
}

/// A net on a device, at a point x.
pub(super) struct Composed<T> {
    net: Net,
    device: candle_core::Device,
    x: Tensor,
    gradient: Option<Tensor>,
    observed: Vec<Observed>,
    logits: Vec<T>,
    inputs: Vec<T>,
}

impl<T: Real> Composed<T> {
    pub(super) fn new(net: &Net, device: Device) -> Result<Self> {
        if matches!(device, Device::Metal(_)) && T::DTYPE == DType::F64 {
            return Err(Error::parameter("precision", "Double", "be Single on metal, which has no f64"));
        }
        let device = device.open()?;
        Ok(Self {
            x: Tensor::zeros(net.parameter_count(), T::DTYPE, &device)?,
            net: net.clone(),
            device,
            gradient: None,
            observed: Vec::new(),
            logits: Vec::new(),
            inputs: Vec::new(),
        })
    }

    /// Shape of a point, and number of classes.
    pub(super) fn ends(&self) -> (&[usize], usize) {
        (self.net.input(), self.net.classes())
    }

    pub(super) fn move_to(&mut self, x: &[T]) -> Result<()> {
        self.x = Tensor::from_slice(x, x.len(), &self.device)?;
        Ok(())
    }

    pub(super) fn logits(&self) -> &[T] {
        &self.logits
    }

    pub(super) fn inputs(&self) -> &[T] {
        &self.inputs
    }

    pub(super) fn set_gradient(&mut self, gradient: &[T]) -> Result<()> {
        self.gradient = Some(Tensor::from_slice(gradient, gradient.len(), &self.device)?);
        Ok(())
    }

    pub(super) fn x(&self) -> Result<Vec<T>> {
        Ok(self.x.to_vec1()?)
    }

    pub(super) fn gradient(&self) -> Result<Vec<T>> {
        Ok(self.there()?.to_vec1()?)
    }

    fn there(&self) -> Result<&Tensor> {
        self.gradient.as_ref().ok_or_else(|| Error::Tensor("no gradient before a backward pass".into()))
    }

    /// One transfer for all layers.
    pub(super) fn averages(&self) -> Result<Vec<f64>> {
        let mut averages = Vec::with_capacity(2 * self.observed.len());
        for Observed { mean, variance, count } in &self.observed {
            averages.push(mean.clone());
            averages.push((variance * (*count as f64 / (count.max(&2) - 1) as f64))?);
        }
        if averages.is_empty() {
            return Ok(Vec::new());
        }
        let numbers: Vec<T> = Tensor::cat(&averages, 0)?.to_vec1()?;
        Ok(numbers.into_iter().map(Into::into).collect())
    }

    /// Outputs for points, and what else is wanted of them.
    pub(super) fn pass(
        &mut self,
        split: &Split,
        points: &Points<'_>,
        averages: Averages<'_, T>,
        mut dropout: Option<&mut ChaCha8Rng>,
        wanted: &Wanted<'_, T>,
    ) -> Result<Passed> {
        let back = wanted.gradient;
        let mut shape = vec![points.len()];
        shape.extend(self.net.input());
        let mut signal = match T::borrowed(split, points) {
            Some(inputs) => Tensor::from_slice(inputs, shape, &self.device)?,
            None => {
                let mut inputs = vec![T::zero(); points.len() * split.features()];
                let places = inputs.chunks_exact_mut(split.features()).enumerate();
                places.for_each(|(place, input)| T::read(split, points.at(place), input));
                Tensor::from_vec(inputs, shape, &self.device)?
            }
        };
        let data = match wanted.inputs {
            true => Some(Var::from_tensor(&signal)?),
            false => None,
        };
        if let Some(data) = &data {
            signal = data.as_tensor().clone();
        }
        let parts = self.net.layout().parameters().iter();
        let parts =
            parts.map(|part| self.x.narrow(0, part.range().start, part.range().len())?.reshape(&part.shape[..]));
        let parts = parts.collect::<candle_core::Result<Vec<_>>>()?;
        let variables: Vec<Var> = match back {
            true => parts.iter().map(Var::from_tensor).collect::<candle_core::Result<_>>()?,
            false => Vec::new(),
        };
        let parts: Vec<Tensor> = match back {
            true => variables.iter().map(|variable| variable.as_tensor().clone()).collect(),
            false => parts,
        };
        self.observed.clear();
        let (mut parameter, mut buffer) = (0, 0);
        for (layer, before) in self.net.layers.iter().zip(&self.net.shapes) {
            let own = layer.parameters(before).len();
            let kept: usize = layer.buffers(before).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            let averages = match averages {
                Averages::Batch => Averages::Batch,
                Averages::Fixed(numbers) => Averages::Fixed(&numbers[buffer..buffer + kept]),
            };
            let own = &parts[parameter..parameter + own];
            signal = layer.forward(&signal, own, averages, dropout.as_deref_mut(), &mut self.observed)?;
            parameter += own.len();
            buffer += kept;
        }
        // What was seen is a number, and nothing to be differentiated.
        for observed in &mut self.observed {
            observed.mean = observed.mean.detach();
            observed.variance = observed.variance.detach();
        }
        self.logits = signal.flatten_all()?.to_vec1()?;
        let labels = labels(split, points);
        if back {
            let gradients = match wanted.derivative {
                None => {
                    let labels = Tensor::from_slice(&labels, labels.len(), &self.device)?;
                    candle_nn::loss::cross_entropy(&signal, &labels)?.backward()?
                }
                // Of Σ outputs · d with a fixed d the derivative is d.
                Some(change) => {
                    let mut derivative = vec![T::zero(); self.logits.len()];
                    cross_entropy(&self.logits, &labels, Some(&mut derivative));
                    change(&self.logits, &mut derivative);
                    let derivative = Tensor::from_vec(derivative, signal.shape(), &self.device)?;
                    (&signal * derivative)?.sum_all()?.backward()?
                }
            };
            if let Some(data) = &data {
                let gradient = gradients.get(data).ok_or_else(|| Error::Tensor("no gradient of the inputs".into()))?;
                self.inputs = gradient.flatten_all()?.to_vec1()?;
            }
            let parts = variables.iter().map(|variable| match gradients.get(variable) {
                Some(gradient) => Ok(gradient.flatten_all()?),
                None => Err(Error::Tensor("no gradient of a parameter".into())),
            });
            self.gradient = Some(Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?);
        }
        Ok(cross_entropy(&self.logits, &labels, None))
    }

    /// x and the gradient of the last backward pass.
    pub(super) fn standing(&mut self) -> Result<Standing<'_, T>> {
        match &self.gradient {
            Some(gradient) => Ok(Standing::Device { x: &mut self.x, gradient }),
            None => Err(Error::Tensor("no gradient before a backward pass".into())),
        }
    }
}
