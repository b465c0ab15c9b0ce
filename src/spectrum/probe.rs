//! What one random vector says of a spectrum: stochastic Lanczos quadrature.
//!
//! With z of random signs, `zᵀ g(H) z` has the mean `tr g(H)` for any function g. After m steps of Lanczos from z/√n the Ritz values
//! θ and the squares w of the first components of T's eigenvectors are the nodes and weights of a Gauss quadrature:
//! `zᵀ g(H) z ≈ n Σ w g(θ)`, exact for polynomials up to degree 2m − 1 (Golub and Meurant 1994; Ubaru, Chen and Saad 2017).

use crate::display::significant;

/// Ritz values of one probe, ascending, with their weights in the quadrature and their residuals.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Ritz values θ, ascending: one a step.
    pub values: Vec<f64>,
    /// Weights w: fractions of the n eigenvalues, which sum to 1.
    pub weights: Vec<f64>,
    /// `‖H u − θ u‖` of each Ritz vector u: an eigenvalue lies no farther from θ.
    pub residuals: Vec<f64>,
}

impl Probe {
    /// `Σ w g(θ)`: the mean of g over the eigenvalues, as this probe sees it.
    pub fn mean(&self, g: &dyn Fn(f64) -> f64) -> f64 {
        self.values.iter().zip(&self.weights).map(|(&value, weight)| weight * g(value)).sum()
    }

    /// `Σ w`: 1 but for rounding.
    pub fn mass(&self) -> f64 {
        self.weights.iter().sum()
    }
}

/// "80 values from −0.001 to 0.11, mass 1.000".
impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [least, most] = [self.values.first(), self.values.last()].map(|value| value.copied().unwrap_or(f64::NAN));
        let [least, most, mass] = [least, most, self.mass()].map(significant);
        write!(f, "{} values from {least} to {most}, mass {mass}", self.values.len())
    }
}

impl Probe {
    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&self.to_string());
    }
}

/// An error in two significant digits, without an exponent where it can be read without.
pub(super) fn two_digits(error: f64) -> String {
    if (1e-4..1e6).contains(&error) {
        format!("{error:.*}", (1 - error.log10().floor() as i32).clamp(0, 6) as usize)
    } else {
        format!("{error:.1e}")
    }
}

/// A mean over probes with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Standard deviation over probes by the root of their number; none of a single one.
    pub standard_error: Option<f64>,
}

impl Estimate {
    /// Of one number a probe.
    pub(super) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let value = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|own| (own - value).powi(2)).sum();
        let standard_error = (values.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
        Self { value, standard_error }
    }
}

/// "3.141 ± 0.020".
impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&significant(self.value))?;
        self.standard_error.map_or(Ok(()), |error| write!(f, " ± {}", two_digits(error)))
    }
}

impl Estimate {
    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&self.to_string());
    }
}
