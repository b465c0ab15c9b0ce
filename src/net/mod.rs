//! Which network? A [`Net`] is data: the shape of a point and a list of layers.
//!
//! A net holds no weights: they are a [`Weights`] of its own [`Layout`], the x of the paper's f(x). [`zoo`] has the six nets
//! of Table 1; [`Net::new`] takes any list of [`Layer`]s. Parameters are named by the layer's place in the list, as
//! PyTorch's `Sequential` names them, so that weights can be carried both ways.

mod averages;
mod composed;
mod curvature;
mod device;
mod engine;
mod kernel;
mod layer;
mod loss;
mod points;
mod standing;
mod symmetry;
mod wanted;
pub mod zoo;

use rand::rngs::ChaCha8Rng;

pub(crate) use averages::Averages;
pub use curvature::Curvature;
pub use device::Device;
pub(crate) use engine::Engine;
pub use engine::Passes;
pub use layer::Layer;
pub(crate) use points::{Points, Real};
pub(crate) use standing::Standing;
pub(crate) use wanted::Wanted;

use crate::error::{Error, Result};
use crate::seed::{Seed, Stream, uniform};
use crate::weights::{Layout, Weights};

/// A network: the shape of one point, layers in order, and what follows from both.
///
/// ```
/// use sharp_minima::{Layer, Net};
/// let layers = vec![Layer::Dense { outputs: 16 }, Layer::norm(), Layer::Relu, Layer::Dense { outputs: 5 }];
/// let net = Net::new("small", &[12], layers)?;
/// assert_eq!(net.parameter_count(), 12 * 16 + 16 + 2 * 16 + 16 * 5 + 5);
/// assert_eq!(net.classes(), 5);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Net {
    name: String,
    layers: Vec<Layer>,
    /// Shape of a point before each layer, and after the last.
    shapes: Vec<Vec<usize>>,
    layout: Layout,
}

impl Net {
    /// A net for points of shape `input`; its last layer must leave one number per class.
    ///
    /// # Errors
    /// [`Error::Shape`] where a layer cannot take what the one before it leaves, and says which;
    /// [`Error::Parameter`] where a layer's own numbers are out of range.
    pub fn new(name: &str, input: &[usize], layers: Vec<Layer>) -> Result<Self> {
        if input.is_empty() || input.contains(&0) {
            return Err(Error::Shape(format!("the shape of a point must be sizes from 1, but is {input:?}")));
        }
        let too_large = |what: &str, shape: &[usize]| {
            Error::Shape(format!(
                "{what} of {name} must have at most {} numbers, but has the shape {shape:?}",
                layer::MOST
            ))
        };
        layer::count(input).ok_or_else(|| too_large("a point", input))?;
        let mut shapes = vec![input.to_vec()];
        let mut layout = Layout::default();
        for (index, layer) in layers.iter().enumerate() {
            let before = &shapes[index];
            let after = layer.output(before).map_err(|error| match error {
                Error::Shape(reason) => Error::Shape(format!("layer {index} of {name} ({layer}): {reason}")),
                other => other,
            })?;
            layer::count(&after).ok_or_else(|| too_large(&format!("what layer {index} leaves"), &after))?;
            for (part, shape) in layer.parameters(before) {
                let whole = layer::count(&shape).is_some_and(|count| layout.parameter_count() + count <= layer::MOST);
                if !whole {
                    return Err(too_large(&format!("'{index}.{part}' with all before it"), &shape));
                }
                layout.push_parameter(format!("{index}.{part}"), shape);
            }
            for (part, shape) in layer.buffers(before) {
                layout.push_buffer(format!("{index}.{part}"), shape);
            }
            shapes.push(after);
        }
        match shapes.last().map(Vec::as_slice) {
            Some([_]) if layout.parameter_count() > 0 => Ok(Self { name: name.into(), layers, shapes, layout }),
            Some([_]) => {
                Err(Error::Shape(format!("{name} has no weights: a net needs a dense layer or a convolution")))
            }
            left => Err(Error::Shape(format!(
                "the last layer of {name} must leave one number per class, but leaves the shape {:?}: flatten, then a dense layer",
                left.unwrap_or_default()
            ))),
        }
    }

    /// Its name, as results carry it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Shape of one point.
    pub fn input(&self) -> &[usize] {
        &self.shapes[0]
    }

    /// Number of classes, which is the number of outputs.
    pub fn classes(&self) -> usize {
        self.shapes[self.layers.len()][0]
    }

    /// Which number of x means what.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// n, the number of weights: those of layers, biases, γ and β.
    pub fn parameter_count(&self) -> usize {
        self.layout.parameter_count()
    }

    /// The starting point x₀ of a trial: weights uniform in ±√(6 / (fan in + fan out)) (Glorot and Bengio 2010, the
    /// Keras default that the authors' code relies on; the paper says "uniformly distributed random"), biases 0, γ = 1,
    /// β = 0. The fans of a convolution count its window, as in Keras and PyTorch.
    pub fn start(&self, seed: Seed, trial: u64) -> Weights {
        let mut random = seed.stream(Stream::Start, trial);
        let mut values = Vec::with_capacity(self.parameter_count());
        for (layer, before) in self.layers.iter().zip(&self.shapes) {
            for (name, shape) in layer.parameters(before) {
                let count: usize = shape.iter().product();
                match (name, shape.as_slice()) {
                    ("weight", [outputs, inputs, window @ ..]) => {
                        let window: usize = window.iter().product();
                        let limit = (6.0 / ((inputs + outputs) * window) as f32).sqrt();
                        values.extend((0..count).map(|_| limit * (2.0 * uniform(&mut random) - 1.0)));
                    }
                    ("weight", _) => values.extend(std::iter::repeat_n(1.0, count)),
                    _ => values.extend(std::iter::repeat_n(0.0, count)),
                }
            }
        }
        Weights::new(&self.layout, values).expect("a value was made for each number of the layout")
    }

    /// An error unless the net takes points of this shape and has an output a class.
    pub(crate) fn check_data(&self, shape: &[usize], classes: usize) -> Result<()> {
        if self.input() == shape && self.classes() == classes {
            return Ok(());
        }
        Err(Error::Shape(format!(
            "{} takes points of shape {:?} in {} classes, but the data has shape {shape:?} in {classes}",
            self.name,
            self.input(),
            self.classes()
        )))
    }

    /// An error unless the weights are of this net.
    pub(crate) fn check_weights(&self, weights: &Weights) -> Result<()> {
        if *weights.layout() == self.layout {
            return Ok(());
        }
        Err(Error::Shape(format!(
            "{} has {} weights in {} parts, but the point has {} in {}: it belongs to another net",
            self.name,
            self.parameter_count(),
            self.layout.parameters().len(),
            weights.len(),
            weights.layout().parameters().len()
        )))
    }

    /// An error unless a bare point has a number for each weight.
    pub(crate) fn check_point(&self, x: &[f64]) -> Result<()> {
        if x.len() == self.parameter_count() {
            return Ok(());
        }
        Err(Error::Shape(format!(
            "{} has {} weights, but the point has {}",
            self.name,
            self.parameter_count(),
            x.len()
        )))
    }

    /// Whether a pass with dropout draws anything.
    pub(crate) fn has_dropout(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Dropout { rate } if *rate > 0.0))
    }

    /// The weight that the newest batch has in each running average, in the layout of the buffers.
    pub(crate) fn momenta(&self) -> Vec<f32> {
        let layers = self.layers.iter().zip(&self.shapes);
        let momenta = layers.filter_map(|(layer, before)| match layer {
            Layer::Norm { momentum, .. } => Some(std::iter::repeat_n(*momentum as f32, 2 * before[0])),
            _ => None,
        });
        momenta.flatten().collect()
    }

    /// How many numbers the outputs of all layers have, for one point.
    pub(crate) fn outputs(&self) -> usize {
        self.shapes[1..].iter().map(|shape| shape.iter().product::<usize>()).sum()
    }

    /// A table of the layers.
    pub fn block(&self) -> crate::display::Block {
        let rows = self.layers.iter().enumerate().map(|(index, layer)| {
            let weights: usize =
                layer.parameters(&self.shapes[index]).iter().map(|(_, s)| s.iter().product::<usize>()).sum();
            let shape: Vec<String> = self.shapes[index + 1].iter().map(usize::to_string).collect();
            let weights = if weights == 0 { String::new() } else { crate::display::grouped(weights) };
            vec![index.to_string(), layer.to_string(), shape.join("×"), weights]
        });
        let title = format!("{}: {} weights", self.name, crate::display::grouped(self.parameter_count()));
        crate::display::Block::table(&title, &["layer", "", "output shape", "weights"], rows.collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }

    /// The random numbers that decide which units one trial's dropout leaves out.
    pub(crate) fn dropout_stream(&self, seed: Seed, trial: u64) -> Option<ChaCha8Rng> {
        self.has_dropout().then(|| seed.stream(Stream::Dropout, trial))
    }
}
