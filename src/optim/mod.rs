//! How does x move? By ADAM, in both regimes of the paper (§2.2), or by SGD with momentum.
//!
//! "ADAGRAD, SGD and adaQN for LB led to similar results" (§2.2). An [`Optimizer`] is its parameters; what it remembers
//! from step to step lives in the run that uses it. A step changes the flat vector in place, in one sweep.

mod adam;
mod sgd;

use crate::error::{Error, Result};

/// The rule by which a gradient moves x.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Optimizer {
    /// ADAM (Kingma and Ba 2014, arXiv 1412.6980), in the form at the end of its section 2, which Keras uses:
    /// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `x ← x − η √(1−β₂ᵗ) / (1−β₁ᵗ) · m / (√v + ε)`.
    ///
    /// PyTorch divides √v by √(1−β₂ᵗ) before it adds ε; with ε = 0 both are the same.
    Adam {
        /// η, above 0.
        learning_rate: f64,
        /// β₁, in 0..1.
        beta1: f64,
        /// β₂, in 0..1.
        beta2: f64,
        /// ε, above 0: a weight whose gradient was always 0 would be divided by it.
        epsilon: f64,
    },
    /// SGD with momentum as PyTorch and Sutskever et al. 2013 have it: `v ← μ v + g`, `x ← x − η v`.
    Sgd {
        /// η, above 0.
        learning_rate: f64,
        /// μ, in 0..1.
        momentum: f64,
    },
}

impl Optimizer {
    /// Keras' defaults, which the authors' code relies on: η = 1e-3, β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    pub fn adam() -> Self {
        Optimizer::Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// SGD; momentum 0 is plain gradient descent on batches.
    pub fn sgd(learning_rate: f64, momentum: f64) -> Self {
        Optimizer::Sgd { learning_rate, momentum }
    }

    /// The same rule with another η.
    pub fn with_learning_rate(self, rate: f64) -> Self {
        match self {
            Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                Optimizer::Adam { learning_rate: rate, beta1, beta2, epsilon }
            }
            Optimizer::Sgd { momentum, .. } => Optimizer::Sgd { learning_rate: rate, momentum },
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let positive = |name, value: f64| {
            // As the f32 that it is used as: 1e300 would be infinite, and 1e-50 nothing.
            if (value as f32).is_finite() && value as f32 > 0.0 {
                Ok(())
            } else {
                Err(Error::parameter(name, value, "be finite and above 0 as a 32-bit number"))
            }
        };
        let decay = |name, value: f64| {
            if (0.0..1.0).contains(&value) { Ok(()) } else { Err(Error::parameter(name, value, "lie in 0..1")) }
        };
        match *self {
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => {
                positive("learning_rate", learning_rate)?;
                decay("beta1", beta1)?;
                decay("beta2", beta2)?;
                positive("epsilon of ADAM", epsilon)
            }
            Optimizer::Sgd { learning_rate, momentum } => {
                positive("learning_rate", learning_rate)?;
                decay("momentum", momentum)
            }
        }
    }

    /// The state before the first step, for n weights.
    pub(crate) fn begin(&self, n: usize) -> State {
        match *self {
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => {
                State::Adam(adam::State::new(n, learning_rate, beta1, beta2, epsilon))
            }
            Optimizer::Sgd { learning_rate, momentum } => State::Sgd(sgd::State::new(n, learning_rate, momentum)),
        }
    }
}

impl std::fmt::Display for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Optimizer::Adam { learning_rate, .. } => write!(f, "ADAM, learning rate {learning_rate}"),
            Optimizer::Sgd { learning_rate, momentum } => {
                write!(f, "SGD, learning rate {learning_rate}, momentum {momentum}")
            }
        }
    }
}

/// What an optimizer remembers.
pub(crate) enum State {
    Adam(adam::State),
    Sgd(sgd::State),
}

impl State {
    /// Moves x by one step along the gradient.
    pub(crate) fn step(&mut self, x: &mut [f32], gradient: &[f32]) {
        match self {
            State::Adam(state) => state.step(x, gradient),
            State::Sgd(state) => state.step(x, gradient),
        }
    }
}

crate::display::shown_as_text!(Optimizer);
