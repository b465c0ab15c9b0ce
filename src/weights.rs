//! Where is the network? At x, one flat vector, with the names and shapes of its parts.
//!
//! The paper writes f(x) for one vector x ∈ ℝⁿ and does arithmetic on it: `α x_l + (1 − α) x_s` (Figure 3),
//! `‖x − x₀‖` (§3), `x + A y` (Metric 2.1). [`Weights`] is that vector. Normalization's running averages are not part of x:
//! they ride along as [`buffers`](Weights::buffers), are used only where [`Statistics::Running`](crate::Statistics)
//! asks for them, and follow [`Weights::mix`] alone.
//!
//! Weights are stored as f32; lengths and products are summed in f64.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{Error, Result};
use crate::file::read_whole;

/// One named part of the vector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// Name, as PyTorch's `Sequential` would call it: "0.weight", "1.running_mean".
    pub name: String,
    /// Shape; dense weights are (outputs, inputs), convolutions (filters, channels, height, width).
    pub shape: Vec<usize>,
    /// Where it begins in the vector.
    pub offset: usize,
}

impl Part {
    /// Number of numbers.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |product, &size| product.saturating_mul(size))
    }

    /// Whether there is no number in it; never so in a net's layout.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it lies in the vector.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.len())
    }
}

/// Which number of x means what: the parameters in order, and the buffers beside them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Layout {
    parameters: Vec<Part>,
    buffers: Vec<Part>,
}

impl Layout {
    /// Appends a parameter.
    pub(crate) fn push_parameter(&mut self, name: String, shape: Vec<usize>) {
        let offset = self.parameter_count();
        self.parameters.push(Part { name, shape, offset });
    }

    /// Appends a buffer.
    pub(crate) fn push_buffer(&mut self, name: String, shape: Vec<usize>) {
        let offset = self.buffer_count();
        self.buffers.push(Part { name, shape, offset });
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> &[Part] {
        &self.parameters
    }

    /// Normalization's running averages, in order.
    pub fn buffers(&self) -> &[Part] {
        &self.buffers
    }

    /// n, the length of x.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |part| part.range().end)
    }

    /// Number of buffered numbers.
    pub fn buffer_count(&self) -> usize {
        self.buffers.last().map_or(0, |part| part.range().end)
    }
}

/// A point x ∈ ℝⁿ with its layout.
#[derive(Clone, PartialEq)]
pub struct Weights {
    layout: Layout,
    values: Vec<f32>,
    buffers: Vec<f32>,
}

impl Weights {
    /// The point with these values, and without running averages yet (mean 0, variance 1).
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of values is not the layout's.
    pub fn new(layout: &Layout, values: Vec<f32>) -> Result<Self> {
        if values.len() != layout.parameter_count() {
            return Err(Error::Shape(format!(
                "the net has {} weights, but {} are given",
                layout.parameter_count(),
                values.len()
            )));
        }
        let buffers = layout.buffers().iter().flat_map(|part| {
            let value = if part.name.ends_with("running_var") { 1.0 } else { 0.0 };
            std::iter::repeat_n(value, part.len())
        });
        Ok(Self { buffers: buffers.collect(), layout: layout.clone(), values })
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The vector x, n numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The vector x in f64.
    pub fn to_f64(&self) -> Vec<f64> {
        self.values.iter().map(|&value| f64::from(value)).collect()
    }

    /// Normalization's running averages in the layout's order; mean 0 and variance 1 where nothing was averaged yet.
    pub fn buffers(&self) -> &[f32] {
        &self.buffers
    }

    /// n.
    #[allow(clippy::len_without_is_empty)] // a net without weights has nothing to train
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// One part by its name, with its shape; buffers too.
    pub fn part(&self, name: &str) -> Option<(&[usize], &[f32])> {
        let of = |parts: &'_ [Part]| parts.iter().position(|part| part.name == name);
        if let Some(index) = of(&self.layout.parameters) {
            let part = &self.layout.parameters[index];
            return Some((&part.shape, &self.values[part.range()]));
        }
        let part = &self.layout.buffers[of(&self.layout.buffers)?];
        Some((&part.shape, &self.buffers[part.range()]))
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    pub(crate) fn buffers_mut(&mut self) -> &mut [f32] {
        &mut self.buffers
    }

    /// `x + y`; the running averages are this point's.
    ///
    /// # Errors
    /// [`Error::Shape`] where the layouts differ; so for all arithmetic between two points.
    pub fn plus(&self, other: &Weights) -> Result<Self> {
        self.combined(other, |a, b| a + b)
    }

    /// `x − y`; the running averages are this point's.
    ///
    /// # Errors
    /// [`Error::Shape`] where the layouts differ.
    pub fn minus(&self, other: &Weights) -> Result<Self> {
        self.combined(other, |a, b| a - b)
    }

    /// `factor · x`; the running averages are this point's.
    pub fn scaled(&self, factor: f32) -> Self {
        Self { values: self.values.iter().map(|value| factor * value).collect(), ..self.clone() }
    }

    /// `α · other + (1 − α) · x`, the point of Figure 3's line at α, computed in f64 and rounded once; at α = 0 and 1 it
    /// is bit-equal to the ends. Running averages are mixed alike, which is what makes loss barriers appear that are not
    /// there, and outside of 0..=1 a mixed variance may become negative, and the loss NaN: re-estimate
    /// them at the point ([`Statistics::Recalibrated`](crate::Statistics)) or use batch statistics.
    ///
    /// # Errors
    /// [`Error::Shape`] where the layouts differ.
    pub fn mix(&self, other: &Weights, alpha: f64) -> Result<Self> {
        let mixed = self.blended(other, 1.0 - alpha, alpha)?;
        // 0 times what is not finite is NaN, and −0 and 0 add up to 0.
        Ok(match alpha {
            0.0 => self.clone(),
            1.0 => other.clone(),
            _ => mixed,
        })
    }

    /// `own · x + others · other`, running averages alike, computed in f64 and rounded once.
    pub(crate) fn blended(&self, other: &Weights, own: f64, others: f64) -> Result<Self> {
        let blended = |a: f32, b: f32| (own * f64::from(a) + others * f64::from(b)) as f32;
        let buffers = self.buffers.iter().zip(&other.buffers).map(|(&a, &b)| blended(a, b)).collect();
        Ok(Self { buffers, ..self.combined(other, blended)? })
    }

    /// `⟨x, y⟩`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the layouts differ.
    pub fn dot(&self, other: &Weights) -> Result<f64> {
        self.check(other)?;
        Ok(self.values.iter().zip(&other.values).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum())
    }

    /// `‖x‖₂`.
    pub fn norm(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    }

    /// `‖x − y‖₂`, the distance that §3 compares between small and large batches.
    ///
    /// # Errors
    /// [`Error::Shape`] where the layouts differ.
    pub fn distance(&self, other: &Weights) -> Result<f64> {
        self.check(other)?;
        let squares = self.values.iter().zip(&other.values).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
        Ok(squares.sum::<f64>().sqrt())
    }

    /// Whether every number of x is finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// Whether [`load`](Self::load) would read it back: x and the running averages are finite.
    pub(crate) fn can_be_kept(&self) -> bool {
        self.is_finite() && self.buffers.iter().all(|value| value.is_finite())
    }

    fn check(&self, other: &Weights) -> Result<()> {
        if self.layout == other.layout {
            return Ok(());
        }
        Err(Error::Shape(format!(
            "two points must belong to one net, but one has {} weights in {} parts, the other {} in {}",
            self.len(),
            self.layout.parameters.len(),
            other.len(),
            other.layout.parameters.len()
        )))
    }

    fn combined(&self, other: &Weights, combine: impl Fn(f32, f32) -> f32) -> Result<Self> {
        self.check(other)?;
        let values = self.values.iter().zip(&other.values).map(|(&a, &b)| combine(a, b)).collect();
        Ok(Self { values, ..self.clone() })
    }

    /// Writes parameters and running averages as safetensors, f32, under the layout's names; PyTorch opens the file by
    /// `torch.nn.Sequential(…).load_state_dict(safetensors.torch.load_file(path))`. The file is whole or not there.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        crate::file::write_whole(path, &self.to_bytes(path)?)
    }

    /// What [`save`](Self::save) writes; `path` is for the error's text.
    pub(crate) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes_of = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let parts = |parts: &[Part], values: &[f32]| {
            let named =
                parts.iter().map(|part| (part.name.clone(), part.shape.clone(), bytes_of(&values[part.range()])));
            named.collect::<Vec<_>>()
        };
        let mut tensors = parts(&self.layout.parameters, &self.values);
        tensors.extend(parts(&self.layout.buffers, &self.buffers));
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| Error::file(path, e))?;
                Ok((name.as_str(), view))
            })
            .collect::<Result<Vec<_>>>()?;
        safetensors::serialize(views, None).map_err(|error| Error::file(path, error))
    }

    /// Reads weights of this layout from safetensors in f32 or f64 (rounded), as PyTorch writes them for a `Sequential` of the same
    /// layers: `safetensors.torch.save_file(model.state_dict(), "mine.safetensors")`. Order does not matter, names do: `net.layout()`
    /// lists them ([`Layout::parameters`], [`Layout::buffers`]), "0.weight" among them; "0" is the layer's place in the list. Running
    /// averages may be missing (mean 0, variance 1 then), and `num_batches_tracked` is passed over; any other name is an error, such
    /// as the prefix "module." of a model that was wrapped.
    ///
    /// # Errors
    /// [`Error::File`] where the file cannot be read or is none, [`Error::Format`] where it is too large for this net, not
    /// safetensors, or a tensor is missing, of another shape or type, not finite, or not of this net.
    pub fn load(layout: &Layout, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // Numbers in f64, and room for names and shapes.
        let numbers = (layout.parameter_count() + layout.buffer_count()) as u64;
        let bytes = read_whole(path, 8 * numbers + (1 << 24))?;
        Self::from_bytes(layout, path, &bytes)
    }

    /// What [`load`](Self::load) reads from these bytes; `path` is for the error's text.
    pub(crate) fn from_bytes(layout: &Layout, path: &Path, bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| Error::format(path, "header", format!("not a safetensors file ({error})")))?;
        // PyTorch counts the batches that went into its running averages; nothing here depends on it.
        let known = |name: &str| {
            let mut parts = layout.parameters.iter().chain(&layout.buffers);
            parts.any(|part| part.name == name) || name.ends_with(".num_batches_tracked")
        };
        let mut names = file.names();
        names.sort_unstable();
        if let Some(name) = names.iter().find(|name| !known(name)) {
            let (tensors, parts) = (names.len(), layout.parameters.len() + layout.buffers.len());
            let reason =
                format!("the net has no part of this name; the file has {tensors} tensors, the net {parts} parts");
            return Err(Error::format(path, format!("tensor '{name}'"), reason));
        }
        let mut weights = Self::new(layout, vec![0.0; layout.parameter_count()])?;
        for part in &layout.parameters {
            let view = file.tensor(&part.name);
            let view = view.map_err(|_| Error::format(path, format!("tensor '{}'", part.name), "it is missing"))?;
            weights.values[part.range()].copy_from_slice(&numbers(path, part, &view)?);
        }
        for part in &layout.buffers {
            if let Ok(view) = file.tensor(&part.name) {
                let numbers = numbers(path, part, &view)?;
                if let Some(index) =
                    numbers.iter().position(|&v| v < 0.0).filter(|_| part.name.ends_with("running_var"))
                {
                    let reason = format!("variances must be at least 0, but number {index} is {}", numbers[index]);
                    return Err(Error::format(path, format!("tensor '{}'", part.name), reason));
                }
                weights.buffers[part.range()].copy_from_slice(&numbers);
            }
        }
        Ok(weights)
    }

    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&format!("{self:?}"));
    }
}

/// The facts, not the numbers: there are millions.
impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Weights {{ n: {}, parts: {}, norm: {:.4} }}", self.len(), self.layout.parameters.len(), self.norm())
    }
}

/// The numbers of one tensor of a file, checked against the part that it should be.
fn numbers(path: &Path, part: &Part, view: &TensorView<'_>) -> Result<Vec<f32>> {
    let refuse = |reason: String| Error::format(path, format!("tensor '{}'", part.name), reason);
    if view.shape() != part.shape {
        return Err(refuse(format!("its shape must be {:?}, but is {:?}", part.shape, view.shape())));
    }
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::F64 => view.data().as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        other => return Err(refuse(format!("its type must be F32 or F64, but is {other:?}"))),
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(refuse(format!("its numbers must be finite, but number {index} is {}", values[index]))),
        None => Ok(values),
    }
}

crate::display::shown_as_text!(Layout, Part);
