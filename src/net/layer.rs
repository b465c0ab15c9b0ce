//! What does one layer do? Its shapes, its parameters, and its pass composed of candle's own operations.
//!
//! The composed passes are the reference that faster ones are checked against; gradients are candle's. Where candle's
//! own operation is not what the paper's nets need, the pass is built from others, and says why.

use candle_core::{D, Tensor};
use rand::rngs::ChaCha8Rng;

use super::averages::{Averages, Observed};
use super::points::Real;
use crate::error::{Error, Result};
use crate::seed::uniform;

/// One layer; everything that decides what it computes is stated in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// `y = W x + b`: `[inputs] → [outputs]`; W is (outputs, inputs).
    Dense {
        /// Number of outputs, from 1.
        outputs: usize,
    },
    /// Cross-correlation, as every deep learning library calls a convolution: `[channels, h, w] → [filters, h', w']` with
    /// `h' = ⌊(h + 2 · padding − window) / stride⌋ + 1`; W is (filters, channels, window, window), one bias a filter.
    Conv {
        /// Number of filters, from 1.
        filters: usize,
        /// Side of the square window, from 1.
        window: usize,
        /// Step between windows, from 1.
        stride: usize,
        /// Rows and columns of zeros on each side.
        padding: usize,
    },
    /// Batch normalization (Ioffe and Szegedy 2015): `y = γ (x − μ) / √(σ² + ε) + β`, μ and σ² a feature of a dense layer,
    /// or a channel of an image over points, rows and columns; σ² divides by their number.
    Norm {
        /// ε, positive.
        epsilon: f64,
        /// Weight of the newest batch in the running averages, in 0..=1; they play no part in training.
        momentum: f64,
    },
    /// `max(x, 0)`, with derivative 0 at 0 as in PyTorch.
    Relu,
    /// The largest of each window of a channel; windows may overlap, and padding is never the largest. Where several are
    /// equal, the first in reading order receives the gradient, as in PyTorch. `[c, h, w] → [c, h', w']` as [`Layer::Conv`].
    MaxPool {
        /// Side of the square window, from 1 to 256.
        window: usize,
        /// Step between windows, from 1.
        stride: usize,
        /// Rows and columns on each side that are never the largest; at most half the window.
        padding: usize,
    },
    /// In training, each number is left out with probability `rate` and the rest is divided by `1 − rate` (Srivastava et
    /// al. 2014, scaled as in Keras and PyTorch); in evaluation nothing happens.
    Dropout {
        /// Probability in `0..1` that a number is left out.
        rate: f64,
    },
    /// `[a, b, …] → [a · b · …]`, row-major.
    Flatten,
}

impl Layer {
    /// [`Layer::Norm`] with PyTorch's numbers: ε = 1e-5, momentum 0.1.
    pub fn norm() -> Self {
        Layer::Norm { epsilon: 1e-5, momentum: 0.1 }
    }

    /// Shape after the layer for a point of shape `input` before it.
    pub(super) fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let refuse = |needs: &str| Err(Error::Shape(format!("it takes {needs}, but gets the shape {input:?}")));
        match (self, input) {
            (Layer::Dense { outputs }, [_]) => {
                positive("outputs", *outputs)?;
                Ok(vec![*outputs])
            }
            (Layer::Dense { .. }, _) => refuse("a vector (flatten first)"),
            (Layer::Conv { filters, window, stride, padding }, &[channels, height, width]) => {
                positive("filters", *filters)?;
                let side = |size| windows(size, *window, *stride, *padding);
                let (height_after, width_after) = (side(height)?, side(width)?);
                // The passes put a frame of zeros around the input.
                let framed = [height, width].map(|side| side.saturating_add(padding.saturating_mul(2)));
                if count(&[channels, framed[0], framed[1]]).is_none() {
                    let allowed = format!("leave at most {MOST} numbers of a point with their frame of zeros");
                    return Err(Error::parameter("padding", padding, allowed));
                }
                Ok(vec![*filters, height_after, width_after])
            }
            (Layer::MaxPool { window, stride, padding }, &[channels, height, width]) => {
                if *padding > window / 2 {
                    return Err(Error::parameter("padding of max pooling", padding, "be at most half the window"));
                }
                // Places in a window are kept in 16 bits.
                if *window > 256 {
                    return Err(Error::parameter("window of max pooling", window, "be at most 256"));
                }
                let side = |size| windows(size, *window, *stride, *padding);
                Ok(vec![channels, side(height)?, side(width)?])
            }
            (Layer::Conv { .. } | Layer::MaxPool { .. }, _) => refuse("an image [channels, height, width]"),
            (Layer::Norm { epsilon, momentum }, [_] | [_, _, _]) => {
                // As the f32 that it is used as: 1e-300 would be 0.
                if !((*epsilon as f32).is_finite() && *epsilon as f32 > 0.0) {
                    let allowed = "be finite and above 0 as a 32-bit number";
                    return Err(Error::parameter("epsilon of normalization", epsilon, allowed));
                }
                if !(0.0..=1.0).contains(momentum) {
                    return Err(Error::parameter("momentum of normalization", momentum, "lie in 0..=1"));
                }
                Ok(input.to_vec())
            }
            (Layer::Norm { .. }, _) => refuse("a vector or an image [channels, height, width]"),
            (Layer::Dropout { rate }, _) => {
                if !(0.0..1.0).contains(rate) {
                    return Err(Error::parameter("rate of dropout", rate, "lie in 0..1"));
                }
                Ok(input.to_vec())
            }
            (Layer::Relu, _) => Ok(input.to_vec()),
            (Layer::Flatten, _) => Ok(vec![count(input).unwrap_or(usize::MAX)]),
        }
    }

    /// Names and shapes of its parameters, for a point of shape `input` that [`output`](Self::output) accepts.
    pub(super) fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        match *self {
            Layer::Dense { outputs } => vec![("weight", vec![outputs, input[0]]), ("bias", vec![outputs])],
            Layer::Conv { filters, window, .. } => {
                vec![("weight", vec![filters, input[0], window, window]), ("bias", vec![filters])]
            }
            Layer::Norm { .. } => vec![("weight", vec![input[0]]), ("bias", vec![input[0]])],
            Layer::Relu | Layer::MaxPool { .. } | Layer::Dropout { .. } | Layer::Flatten => vec![],
        }
    }

    /// Names and shapes of its running averages.
    pub(super) fn buffers(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        match self {
            Layer::Norm { .. } => vec![("running_mean", vec![input[0]]), ("running_var", vec![input[0]])],
            _ => vec![],
        }
    }

    /// The pass: `input` is points × shape, `parameters` are those of this layer in order.
    ///
    /// `averages` are of this layer alone; `dropout` is there only in training; `observed` is what normalization saw.
    pub(super) fn forward<T: Real>(
        &self,
        input: &Tensor,
        parameters: &[Tensor],
        averages: Averages<'_, T>,
        dropout: Option<&mut ChaCha8Rng>,
        observed: &mut Vec<Observed>,
    ) -> candle_core::Result<Tensor> {
        match (self, parameters) {
            (Layer::Dense { .. }, [weight, bias]) => input.matmul(&weight.t()?)?.broadcast_add(bias),
            (Layer::Conv { window, stride, padding, .. }, [weight, bias]) => {
                let input = whole_windows(input, *window, *stride, *padding)?;
                let bias = bias.reshape((1, (), 1, 1))?;
                input.conv2d(weight, 0, *stride, 1, 1)?.broadcast_add(&bias)
            }
            (Layer::Norm { epsilon, .. }, [gamma, beta]) => normalize(input, gamma, beta, *epsilon, averages, observed),
            (Layer::Relu, _) => {
                // candle's own relu passes the gradient on at 0. NaN is not ≤ 0 and stays.
                let zeros = input.zeros_like()?;
                input.le(&zeros)?.where_cond(&zeros, input)
            }
            (Layer::MaxPool { window, stride, padding }, _) => {
                // candle's own pooling has no gradient where windows overlap, and no padding.
                // Within a row first, then over rows: so the first of equal ones in reading order is taken.
                let rows = largest::<T>(input, 3, *window, *stride, *padding)?;
                largest::<T>(&rows, 2, *window, *stride, *padding)
            }
            (Layer::Dropout { rate }, _) => match dropout {
                Some(random) if *rate > 0.0 => {
                    let kept = T::from_f64(1.0 / (1.0 - rate));
                    let mask = (0..input.elem_count())
                        .map(|_| if f64::from(uniform(random)) < *rate { T::zero() } else { kept });
                    let mask = Tensor::from_iter(mask, input.device())?;
                    // An image's numbers are drawn with its channels last, as the fused pass has them.
                    match *input.dims() {
                        [points, channels, height, width] => {
                            let mask = mask.reshape((points, height, width, channels))?;
                            input * mask.permute((0, 3, 1, 2))?
                        }
                        _ => input * mask.reshape(input.shape())?,
                    }
                }
                _ => Ok(input.clone()),
            },
            (Layer::Flatten, _) => input.flatten_from(1),
            _ => candle_core::bail!("layer {self} has {} parameters", parameters.len()),
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Layer::Dense { outputs } => write!(f, "dense {outputs}"),
            Layer::Conv { filters, window, stride, padding } => {
                write!(f, "convolution {filters} of {window}×{window}, stride {stride}, padding {padding}")
            }
            Layer::Norm { epsilon, .. } => write!(f, "normalization, ε {epsilon:e}"),
            Layer::Relu => write!(f, "ReLU"),
            Layer::MaxPool { window, stride, padding } => {
                write!(f, "max pooling {window}×{window}, stride {stride}, padding {padding}")
            }
            Layer::Dropout { rate } => write!(f, "dropout {rate}"),
            Layer::Flatten => write!(f, "flatten"),
        }
    }
}

/// Most weights of a net, and most numbers that one point has before or after a layer: 2³¹, 8 GiB. More is a slip of the
/// pen, and memory would end first.
pub(super) const MOST: usize = 1 << 31;

/// Number of numbers of a shape, if there are at most [`MOST`].
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    count.filter(|&count| count <= MOST)
}

fn positive(name: &'static str, given: usize) -> Result<()> {
    if given == 0 { Err(Error::parameter(name, given, "be at least 1")) } else { Ok(()) }
}

/// Number of windows along a side of `size`.
fn windows(size: usize, window: usize, stride: usize, padding: usize) -> Result<usize> {
    positive("window", window)?;
    positive("stride", stride)?;
    let padded = padding.checked_mul(2).and_then(|both| both.checked_add(size));
    match padded.filter(|&padded| padded <= MOST).map(|padded| padded.checked_sub(window)) {
        Some(Some(rest)) => Ok(rest / stride + 1),
        None => Err(Error::parameter("padding", padding, format!("leave a side of at most {MOST}"))),
        Some(None) => Err(Error::Shape(format!(
            "its window of {window} is larger than a side of {size} with a padding of {padding} on each side"
        ))),
    }
}

/// Images with zeros around them, cut to what whole windows cover: candle takes the unused rest of an image that is not
/// square for a part of the gradient's shape.
fn whole_windows(input: &Tensor, window: usize, stride: usize, padding: usize) -> candle_core::Result<Tensor> {
    let mut output = input.clone();
    for side in [2, 3] {
        let padded = input.dim(side)? + 2 * padding;
        let used = (padded - window) / stride * stride + window;
        output = output.pad_with_zeros(side, padding, padding)?.narrow(side, 0, used)?;
    }
    output.contiguous()
}

/// The largest of each window along one side; the first of equal ones.
fn largest<T: Real>(
    input: &Tensor,
    side: usize,
    window: usize,
    stride: usize,
    padding: usize,
) -> candle_core::Result<Tensor> {
    let mut shape = input.dims().to_vec();
    let count = (shape[side] + 2 * padding - window) / stride + 1;
    shape[side] = padding;
    let lowest = Tensor::full(T::from_f64(f64::NEG_INFINITY), shape, input.device())?;
    let padded = if padding == 0 { input.clone() } else { Tensor::cat(&[&lowest, input, &lowest], side)? };
    let at = |offset: usize| {
        let places = (0..count).map(|place| (offset + place * stride) as u32);
        padded.index_select(&Tensor::from_iter(places, input.device())?, side)
    };
    (1..window).try_fold(at(0)?, |most, offset| {
        let next = at(offset)?;
        // NaN is neither below the next value nor replaced by it.
        most.lt(&next)?.where_cond(&next, &most)
    })
}

fn normalize<T: Real>(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    averages: Averages<'_, T>,
    observed: &mut Vec<Observed>,
) -> candle_core::Result<Tensor> {
    let features = input.dim(1)?;
    // A feature of its own in column 1, everything that is averaged over in the others.
    let shape: &[usize] = if input.rank() == 4 { &[1, features, 1, 1] } else { &[1, features] };
    let averaged = |tensor: &Tensor| -> candle_core::Result<Tensor> {
        if tensor.rank() == 4 {
            tensor.flatten_from(2)?.mean_keepdim(D::Minus1)?.mean_keepdim(0)?.reshape(shape)
        } else {
            tensor.mean_keepdim(0)
        }
    };
    let (centered, variance) = match averages {
        Averages::Batch => {
            let mean = averaged(input)?;
            let centered = input.broadcast_sub(&mean)?;
            let variance = averaged(&centered.sqr()?)?;
            let count = input.elem_count() / features;
            observed.push(Observed { mean: mean.flatten_all()?, variance: variance.flatten_all()?, count });
            (centered, variance)
        }
        Averages::Fixed(numbers) => {
            let tensor = |values: &[T]| Tensor::from_slice(values, shape, input.device());
            let (mean, variance) = numbers.split_at(features);
            (input.broadcast_sub(&tensor(mean)?)?, tensor(variance)?)
        }
    };
    let scale = (gamma.reshape(shape)? / (variance + epsilon)?.sqrt()?)?;
    centered.broadcast_mul(&scale)?.broadcast_add(&beta.reshape(shape)?)
}

crate::display::shown_as_text!(Layer);
