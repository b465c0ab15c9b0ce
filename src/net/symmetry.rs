//! Which other x is the same function? What a rectified unit passes on can be made larger before it and smaller after it.
//!
//! `max(αz, 0) = α max(z, 0)` for α > 0. So if all that feeds a layer of rectified units is multiplied by α, and the weights
//! of the layer that they feed by 1/α, the net computes what it did: f is the same at both points, on every split. The box of
//! Metric 2.1 is not: its sides are nearly ε whatever the size of a weight, so φ can be made large or small at will (Dinh,
//! Pascanu, Bengio and Bengio 2017, arXiv 1703.04933). So a reparametrization leaves the network unchanged but
//! changes its measured sharpness.

use super::{Layer, Net};
use crate::error::{Error, Result};
use crate::weights::{Part, Weights};

impl Net {
    /// The point `T_α(x)`: the same function, every layer of rectified units fed α times as much and weighed by 1/α after it.
    ///
    /// What is multiplied by α is weights and bias of the dense layer or convolution before the units, or γ and β of a
    /// normalization there; by 1/α, the weights of the next dense layer or convolution. Where α is a power of two, and no
    /// number leaves the range of f32, nothing is rounded, and f is the same to the last bit; else it is up to rounding.
    ///
    /// # Errors
    /// [`Error::Parameter`] where α is not above 0 and finite, [`Error::Shape`] where weights are of another net, or the net
    /// has no layer of rectified units of this kind, [`Error::Data`] where a number would leave the range of f32.
    ///
    /// ```
    /// use sharp_minima::{Objective, Seed, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let x = net.start(Seed(1), 0);
    /// let other = net.reparametrized(&x, 8.0)?;
    /// assert!(other.distance(&x)? > 1.0);
    /// let f = Objective::new();
    /// assert_eq!(f.value(&net, &data.train, &other)?, f.value(&net, &data.train, &x)?);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn reparametrized(&self, x: &Weights, alpha: f64) -> Result<Weights> {
        let units: Vec<usize> = (0..self.layers().len()).filter(|&layer| self.around_units(layer).is_some()).collect();
        if units.is_empty() {
            return Err(Error::Shape(format!(
                "{} has no rectified units between two layers with weights",
                self.name()
            )));
        }
        units.into_iter().try_fold(x.clone(), |x, layer| self.reparametrized_at(&x, layer, alpha))
    }

    /// The same at one layer of rectified units, given by its place in the net.
    ///
    /// # Errors
    /// As [`reparametrized`](Self::reparametrized); [`Error::Parameter`] where the layer is no such one.
    pub fn reparametrized_at(&self, x: &Weights, layer: usize, alpha: f64) -> Result<Weights> {
        self.check_weights(x)?;
        // Its inverse must be a number of f32 as well.
        if !(alpha.is_finite() && alpha > 0.0 && (1.0 / alpha).is_finite()) {
            return Err(Error::parameter("alpha", alpha, "be finite and above 0"));
        }
        let Some((before, behind)) = self.around_units(layer) else {
            let known: Vec<String> = (0..self.layers().len())
                .filter(|&layer| self.around_units(layer).is_some())
                .map(|layer| layer.to_string())
                .collect();
            let allowed = format!("be one of rectified units between two layers with weights ({})", known.join(", "));
            return Err(Error::parameter("layer", layer, allowed));
        };
        let mut values = x.values().to_vec();
        for part in self.layout().parameters() {
            let factor = match part.name.split_once('.') {
                Some((place, _)) if place == before.to_string() => alpha,
                Some((place, "weight")) if place == behind.to_string() => 1.0 / alpha,
                _ => continue,
            };
            for value in &mut values[part.range()] {
                let scaled = (f64::from(*value) * factor) as f32;
                if !scaled.is_finite() || (scaled == 0.0 && *value != 0.0) {
                    return Err(Error::Data(format!(
                        "alpha must leave every weight in the range of f32, but {alpha} makes {value} of '{}' into {scaled}",
                        part.name
                    )));
                }
                *value = scaled;
            }
        }
        let mut moved = x.clone();
        moved.values_mut().copy_from_slice(&values);
        Ok(moved)
    }

    /// The point with every row of weights in front of a normalization scaled to length 1, and its bias and running averages
    /// with it: a row is what feeds one unit or filter. A normalization divides by the spread of what it gets, so f is the same
    /// but for its ε, which stands beside the spread.
    ///
    /// Steps with noise lengthen such rows, and the box of Metric 2.1 hardly follows: two trainings can differ in φ by that
    /// alone. Here they are compared at one length.
    ///
    /// # Errors
    /// [`Error::Shape`] where weights are of another net, or no normalization follows weights.
    ///
    /// ```
    /// use sharp_minima::{Objective, Seed, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let x = net.start(Seed(1), 0);
    /// let unit = net.with_unit_rows(&x)?;
    /// let f = |x| Objective::new().value(&net, &data.train, x);
    /// assert!((f(&unit)?.loss / f(&x)?.loss - 1.0).abs() < 1e-3);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn with_unit_rows(&self, x: &Weights) -> Result<Weights> {
        self.check_weights(x)?;
        let layers = self.layers();
        let is_weighted = |layer: &Layer| matches!(layer, Layer::Dense { .. } | Layer::Conv { .. });
        let is_norm = |place: usize| matches!(layers.get(place), Some(Layer::Norm { .. }));
        let places: Vec<usize> =
            (0..layers.len()).filter(|&place| is_weighted(&layers[place]) && is_norm(place + 1)).collect();
        if places.is_empty() {
            return Err(Error::Shape(format!("{} has no normalization after weights", self.name())));
        }
        let part = |parts: &'_ [Part], place: usize, name: &str| {
            let name = format!("{place}.{name}");
            parts.iter().find(|part| part.name == name).map(Part::range)
        };
        let mut unit = x.clone();
        for place in places {
            let (parameters, buffers) = (self.layout().parameters(), self.layout().buffers());
            let (Some(weights), Some(biases)) = (part(parameters, place, "weight"), part(parameters, place, "bias"))
            else {
                continue;
            };
            let averages = part(buffers, place + 1, "running_mean").zip(part(buffers, place + 1, "running_var"));
            let rows = biases.len();
            let wide = weights.len() / rows;
            for row in 0..rows {
                let own = weights.start + row * wide..weights.start + (row + 1) * wide;
                let square: f64 = x.values()[own.clone()].iter().map(|w| f64::from(*w).powi(2)).sum();
                // A row of zeros has no direction.
                if square == 0.0 {
                    continue;
                }
                let factor = 1.0 / square.sqrt();
                let scale = |value: &mut f32, factor: f64| *value = (f64::from(*value) * factor) as f32;
                unit.values_mut()[own].iter_mut().for_each(|value| scale(value, factor));
                scale(&mut unit.values_mut()[biases.start + row], factor);
                if let Some((means, variances)) = &averages {
                    scale(&mut unit.buffers_mut()[means.start + row], factor);
                    scale(&mut unit.buffers_mut()[variances.start + row], factor * factor);
                }
            }
        }
        Ok(unit)
    }

    /// Places of the layers whose weights feed the rectified units at `layer`, and of those that they feed.
    fn around_units(&self, layer: usize) -> Option<(usize, usize)> {
        let (before, behind) = (self.layers().get(..layer)?, self.layers().get(layer + 1..)?);
        if self.layers().get(layer) != Some(&Layer::Relu) {
            return None;
        }
        // Pooling, dropout and flattening pass a factor above 0 on as it is.
        let passes = |layer: &Layer| {
            matches!(layer, Layer::MaxPool { .. } | Layer::Dropout { .. } | Layer::Flatten | Layer::Relu)
        };
        let is_weighted = |layer: &Layer| matches!(layer, Layer::Dense { .. } | Layer::Conv { .. });
        let feeding = before.iter().rposition(|layer| !passes(layer))?;
        let fed = behind.iter().position(|layer| !passes(layer))?;
        is_weighted(&behind[fed]).then_some((feeding, layer + 1 + fed))
    }
}
