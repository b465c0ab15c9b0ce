//! Points through a net: loss, right answers and gradient as plain numbers, by fused passes or composed on a device.
//!
//! An [`Engine`] holds a net at a point x, and all that its passes need, for the length of one call: nothing of the tensor
//! library outlives it.

use std::borrow::Cow;

use rand::rngs::ChaCha8Rng;

use super::averages::Averages;
use super::composed::Composed;
use super::curvature::Curvature;
use super::kernel::Chain;
use super::loss::Passed;
use super::points::{Points, Real};
use super::standing::Standing;
use super::wanted::Wanted;
use super::{Device, Net};
use crate::data::Split;
use crate::error::{Error, Result};

/// By which passes a net is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Passes {
    /// Fused for the CPU; on other devices as [`Composed`](Passes::Composed).
    ///
    /// Convolutions of stride 1 with windows of 3×3 or 5×5 over many channels take fewer multiplications (minimal filtering,
    /// Lavin and Gray 2016): in f32 their rounding errors are about three times those of a direct sum, on the backward pass five
    /// times, in f64 below 1e-14.
    #[default]
    Fused,
    /// Composed of candle's own operations, with its own derivatives: slower on a CPU, and the reference that the fused
    /// passes are checked against.
    Composed,
}

/// A net at a point x, ready to be computed again and again.
pub(crate) struct Engine<T>(Place<T>);

enum Place<T> {
    Fused(Box<Chain<T>>),
    Composed(Box<Composed<T>>),
}

impl<T: Real> Engine<T> {
    /// A net on a device, at x = 0. An error where this build has no such device.
    pub(crate) fn new(net: &Net, passes: Passes, device: Device) -> Result<Self> {
        Ok(Self(match (passes, device) {
            (Passes::Fused, Device::Cpu) => Place::Fused(Box::new(Chain::new(net))),
            _ => Place::Composed(Box::new(Composed::new(net, device)?)),
        }))
    }

    /// Whether it takes points of this shape in so many classes.
    pub(crate) fn takes(&self, shape: &[usize], classes: usize) -> bool {
        let (input, own) = match &self.0 {
            Place::Fused(chain) => chain.ends(),
            Place::Composed(composed) => composed.ends(),
        };
        input == shape && own == classes
    }

    /// Moves x to where these numbers say; one for each weight.
    pub(crate) fn move_to(&mut self, x: &[T]) -> Result<()> {
        match &mut self.0 {
            Place::Fused(chain) => {
                chain.x.copy_from_slice(x);
                Ok(())
            }
            Place::Composed(composed) => composed.move_to(x),
        }
    }

    /// Outputs for points; nothing is kept for a backward pass.
    pub(crate) fn pass(&mut self, split: &Split, points: &Points<'_>, averages: Averages<'_, T>) -> Result<Passed> {
        self.pass_for(split, points, averages, None, &Wanted::NOTHING)
    }

    /// Outputs and gradient for points, with dropout where `dropout` is given.
    pub(crate) fn pass_back(
        &mut self,
        split: &Split,
        points: &Points<'_>,
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Passed> {
        self.pass_for(split, points, averages, dropout, &Wanted::GRADIENT)
    }

    /// Outputs for points, and what else is wanted of them.
    pub(crate) fn pass_for(
        &mut self,
        split: &Split,
        points: &Points<'_>,
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
        wanted: &Wanted<'_, T>,
    ) -> Result<Passed> {
        match &mut self.0 {
            Place::Fused(chain) => chain.pass(split, points, averages, dropout, wanted),
            Place::Composed(composed) => composed.pass(split, points, averages, dropout, wanted),
        }
    }

    /// The products of a matrix of second derivatives at x, of the mean cross-entropy over the points, with so many vectors, each
    /// handed to `done` with its place; statistics are those of the points. An error where passes are not the fused ones.
    pub(crate) fn products(
        &mut self,
        split: &Split,
        points: &Points<'_>,
        matrix: Curvature,
        vectors: &[&[T]],
        done: &mut dyn FnMut(usize, &[T]),
    ) -> Result<()> {
        match &mut self.0 {
            Place::Fused(chain) => chain.products(split, points, matrix, vectors, done),
            Place::Composed(_) => Err(Error::parameter(
                "passes",
                "composed",
                "be fused, on the CPU, for products with second derivatives: the tensor library differentiates once",
            )),
        }
    }

    /// One row of outputs a point, of the last pass.
    pub(crate) fn logits(&self) -> &[T] {
        match &self.0 {
            Place::Fused(chain) => &chain.logits,
            Place::Composed(composed) => composed.logits(),
        }
    }

    /// The averages that the last pass saw, in the layout of the buffers, variances over count − 1 as PyTorch's running
    /// averages take them; empty where averages were given.
    pub(crate) fn averages(&self) -> Result<Cow<'_, [f64]>> {
        match &self.0 {
            Place::Fused(chain) => Ok(Cow::Borrowed(&chain.averages)),
            Place::Composed(composed) => composed.averages().map(Cow::Owned),
        }
    }

    /// Gradient of the mean cross-entropy over the points of the last pass back.
    pub(crate) fn gradient(&self) -> Result<Cow<'_, [T]>> {
        match &self.0 {
            Place::Fused(chain) => Ok(Cow::Borrowed(&chain.gradient)),
            Place::Composed(composed) => composed.gradient().map(Cow::Owned),
        }
    }

    /// Derivative of the mean cross-entropy with respect to the inputs of the last pass that wanted it, `points × shape`.
    pub(crate) fn inputs(&self) -> &[T] {
        match &self.0 {
            Place::Fused(chain) => &chain.inputs,
            Place::Composed(composed) => composed.inputs(),
        }
    }

    /// Puts these numbers in the place of the gradient, for whoever moves x along it; what was there is in theirs, or nothing
    /// of meaning is.
    pub(crate) fn exchange_gradient(&mut self, gradient: &mut Vec<T>) -> Result<()> {
        match &mut self.0 {
            Place::Fused(chain) => {
                std::mem::swap(&mut chain.gradient, gradient);
                Ok(())
            }
            Place::Composed(composed) => composed.set_gradient(gradient),
        }
    }

    /// The gradient itself, which must be [put back](Self::exchange_gradient) before x is moved along it.
    pub(crate) fn take_gradient(&mut self) -> Result<Vec<T>> {
        match &mut self.0 {
            Place::Fused(chain) => Ok(std::mem::take(&mut chain.gradient)),
            Place::Composed(composed) => composed.gradient(),
        }
    }

    /// x.
    pub(crate) fn x(&self) -> Result<Cow<'_, [T]>> {
        match &self.0 {
            Place::Fused(chain) => Ok(Cow::Borrowed(&chain.x)),
            Place::Composed(composed) => composed.x().map(Cow::Owned),
        }
    }
}

impl<T: Real> Engine<T> {
    /// x, and the gradient of the last backward pass.
    pub(crate) fn standing(&mut self) -> Result<Standing<'_, T>> {
        match &mut self.0 {
            Place::Fused(chain) => Ok(Standing::Here { x: &mut chain.x, gradient: &chain.gradient }),
            Place::Composed(composed) => composed.standing(),
        }
    }
}

crate::display::shown_as_text!(Passes);
