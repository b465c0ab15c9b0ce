//! How does x move? By ADAM, in both regimes of the paper (§2.2), or by SGD with momentum.
//!
//! "ADAGRAD, SGD and adaQN for LB led to similar results" (§2.2). An [`Optimizer`] is its parameters; what it remembers
//! from step to step lives in the run that uses it. A step changes the flat vector in place, in one sweep.
//!
//! A file a rule, with its formula in both forms: over slices, and over tensors on a device.

mod adam;
mod sgd;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::memory::zeros;
use crate::net::Standing;
use crate::wide::wide;

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

    /// η.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Optimizer::Adam { learning_rate, .. } | Optimizer::Sgd { learning_rate, .. } => learning_rate,
        }
    }

    /// The learning rate of step t, counted from 1, with what ADAM corrects it by.
    fn corrected(&self, rate: f64, step: i32) -> f64 {
        match *self {
            Optimizer::Adam { beta1, beta2, .. } => rate * (1.0 - beta2.powi(step)).sqrt() / (1.0 - beta1.powi(step)),
            Optimizer::Sgd { .. } => rate,
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

    /// What the rule remembers before the first step, for n weights: to move a point by hand.
    ///
    /// ```
    /// use sharp_minima::Optimizer;
    /// let mut x = [1.0];
    /// let mut state = Optimizer::sgd(0.1, 0.0).begin(1)?;
    /// state.step(&mut x, &[2.0])?;
    /// assert_eq!(x, [0.8]);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number of the rule that is out of range.
    pub fn begin(&self, n: usize) -> Result<OptimizerState> {
        self.check()?;
        let memory = match self {
            Optimizer::Adam { .. } => vec![zeros(n), zeros(n)],
            Optimizer::Sgd { .. } => vec![zeros(n)],
        };
        Ok(OptimizerState { optimizer: *self, n, steps: 0, memory })
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

/// What an optimizer remembers from step to step.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState {
    optimizer: Optimizer,
    n: usize,
    steps: i32,
    /// ADAM's m and v, or SGD's v.
    memory: Vec<Vec<f32>>,
}

/// Numbers that a thread takes up at once: those of all vectors together fit its cache.
const BLOCK: usize = 16_384;

impl OptimizerState {
    /// What a cell shows: how far it is, without the numbers that it remembers.
    pub fn evcxr_display(&self) {
        crate::display::text(&format!("{:?} after {} steps, {} weights", self.optimizer, self.steps, self.n));
    }

    /// Moves x by one step along a gradient, in place.
    ///
    /// Cost: one sweep over x, the gradient and the memory, on all threads.
    ///
    /// # Errors
    /// [`Error::Shape`] where x or the gradient have not the length that the state was begun for.
    pub fn step(&mut self, x: &mut [f32], gradient: &[f32]) -> Result<()> {
        self.step_at(self.optimizer.learning_rate(), x, gradient)
    }

    /// The same at a learning rate of this step's own.
    fn step_at(&mut self, rate: f64, x: &mut [f32], gradient: &[f32]) -> Result<()> {
        if x.len() != self.n || gradient.len() != self.n {
            return Err(Error::Shape(format!(
                "the optimizer was begun for {} weights, but x has {} and the gradient {}",
                self.n,
                x.len(),
                gradient.len()
            )));
        }
        self.steps = self.steps.saturating_add(1);
        let rate = self.optimizer.corrected(rate, self.steps) as f32;
        let blocks = x.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK));
        match (self.optimizer, &mut self.memory[..]) {
            (Optimizer::Adam { beta1, beta2, epsilon, .. }, [mean, square]) => {
                let blocks = blocks.zip(mean.par_chunks_mut(BLOCK).zip(square.par_chunks_mut(BLOCK)));
                let rule = adam::Rule::new(rate, beta1, beta2, epsilon);
                blocks.for_each(|((x, gradient), (mean, square))| {
                    wide(
                        #[inline(always)]
                        || rule.step(x, gradient, mean, square),
                    )
                });
            }
            (Optimizer::Sgd { momentum, .. }, [velocity]) => {
                let momentum = momentum as f32;
                let blocks = blocks.zip(velocity.par_chunks_mut(BLOCK));
                blocks.for_each(|((x, gradient), velocity)| {
                    wide(
                        #[inline(always)]
                        || sgd::step(rate, momentum, x, gradient, velocity),
                    )
                });
            }
            _ => return Err(Error::Shape("the state is not that of its optimizer".into())),
        }
        Ok(())
    }
}

/// A rule with what it remembers, wherever x lies: in memory as an [`OptimizerState`], on a device as tensors, which live no
/// longer than the call that trains.
pub(crate) struct Rule {
    state: OptimizerState,
    tensors: Vec<Tensor>,
}

impl Rule {
    pub(crate) fn begin(optimizer: &Optimizer, n: usize) -> Result<Self> {
        Ok(Self { state: optimizer.begin(n)?, tensors: Vec::new() })
    }

    /// Moves x by one step, at this learning rate.
    pub(crate) fn step(&mut self, standing: Standing<'_>, rate: f64) -> Result<()> {
        match standing {
            Standing::Here { x, gradient } => self.state.step_at(rate, x, gradient),
            Standing::Device { x, gradient } => {
                self.state.steps = self.state.steps.saturating_add(1);
                let optimizer = self.state.optimizer;
                let rate = optimizer.corrected(rate, self.state.steps);
                (*x, self.tensors) = match optimizer {
                    Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                        adam::on_device(x, gradient, &self.tensors, rate, [beta1, beta2, epsilon])
                    }
                    Optimizer::Sgd { momentum, .. } => sgd::on_device(x, gradient, &self.tensors, rate, momentum),
                }?;
                Ok(())
            }
        }
    }
}

crate::display::shown_as_text!(Optimizer);
