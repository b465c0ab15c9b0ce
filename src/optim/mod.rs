//! How does x move? By ADAM, in both regimes of the paper (§2.2), by SGD with momentum, or by LAMB.
//!
//! ADAGRAD, SGD and adaQN for the large batch led to similar results (§2.2). An [`Optimizer`] is its parameters; what it remembers
//! from step to step lives in the run that uses it. A step changes the flat vector in place, in one sweep.
//!
//! A file a rule, with its formula in both forms: over slices, and over tensors on a device.

mod adam;
mod lamb;
mod sgd;

use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::data::check_count;
use crate::error::{Error, Result};
use crate::memory::zeros;
use crate::net::{Real, Standing};
use crate::weights::Layout;
use crate::wide::{BLOCK, wide};

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
    /// LAMB (You et al. 2019, arXiv 1904.00962), made for large batches: ADAM's step, each tensor's scaled to the tensor's
    /// norm. With `m` and `v` as in ADAM, `r = (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε) + λw` for each tensor w, and
    /// `w ← w − η ‖w‖/‖r‖ r`. Where a norm is 0 the ratio is 1.
    ///
    /// As in its authors' runs, biases and the γ and β of normalization have neither decay nor ratio: their step is ADAM's.
    Lamb {
        /// η, above 0: the length of a step as a share of the tensor's norm.
        learning_rate: f64,
        /// β₁, in 0..1.
        beta1: f64,
        /// β₂, in 0..1.
        beta2: f64,
        /// ε, above 0.
        epsilon: f64,
        /// λ, the weight decay, from 0.
        decay: f64,
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

    /// LAMB with β₁ = 0.9, β₂ = 0.999, ε = 1e-6 as in its paper, and no decay, since the nets here have none.
    pub fn lamb(learning_rate: f64) -> Self {
        Optimizer::Lamb { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, decay: 0.0 }
    }

    /// The same rule with another η.
    pub fn with_learning_rate(mut self, rate: f64) -> Self {
        match &mut self {
            Optimizer::Adam { learning_rate, .. }
            | Optimizer::Sgd { learning_rate, .. }
            | Optimizer::Lamb { learning_rate, .. } => *learning_rate = rate,
        }
        self
    }

    /// The same rule with other β₁ and β₂; SGD has none and stays as it is.
    pub fn with_betas(mut self, first: f64, second: f64) -> Self {
        if let Optimizer::Adam { beta1, beta2, .. } | Optimizer::Lamb { beta1, beta2, .. } = &mut self {
            (*beta1, *beta2) = (first, second);
        }
        self
    }

    /// η.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Optimizer::Adam { learning_rate, .. }
            | Optimizer::Sgd { learning_rate, .. }
            | Optimizer::Lamb { learning_rate, .. } => learning_rate,
        }
    }

    /// The edge of stability: with full gradients of a quadratic, for ADAM with P held fixed, the steps diverge where the largest
    /// eigenvalue of the Hessian lies above it. `2 (1 + μ) / η` for SGD; `2 (1 + β₁) / ((1 − β₁) η)` for ADAM, of the Hessian that is preconditioned by
    /// [`Descent::preconditioner`](crate::Descent::preconditioner): 38/η with its defaults (Cohen et al. 2022, arXiv 2207.14484).
    /// Nothing for LAMB, whose steps are scaled to the weights.
    ///
    /// ```
    /// use sharp_minima::Optimizer;
    /// assert!((Optimizer::adam().edge().unwrap_or(0.0) - 38_000.0).abs() < 1e-6);
    /// assert_eq!(Optimizer::sgd(0.1, 0.0).edge(), Some(20.0));
    /// ```
    pub fn edge(&self) -> Option<f64> {
        match *self {
            Optimizer::Adam { learning_rate, beta1, .. } => Some(2.0 * (1.0 + beta1) / ((1.0 - beta1) * learning_rate)),
            Optimizer::Sgd { learning_rate, momentum } => Some(2.0 * (1.0 + momentum) / learning_rate),
            Optimizer::Lamb { .. } => None,
        }
    }

    /// The learning rate of step t, counted from 1, with what ADAM corrects it by.
    fn corrected(&self, rate: f64, step: i32) -> f64 {
        match *self {
            Optimizer::Adam { beta1, beta2, .. } => rate * (1.0 - beta2.powi(step)).sqrt() / (1.0 - beta1.powi(step)),
            Optimizer::Sgd { .. } | Optimizer::Lamb { .. } => rate,
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
            Optimizer::Lamb { learning_rate, beta1, beta2, epsilon, decay: weight_decay } => {
                positive("learning_rate", learning_rate)?;
                decay("beta1", beta1)?;
                decay("beta2", beta2)?;
                positive("epsilon of LAMB", epsilon)?;
                let fits = weight_decay == 0.0 || ((weight_decay as f32).is_finite() && weight_decay as f32 > 0.0);
                let allowed = "be 0, or finite and above 0 as a 32-bit number";
                if fits { Ok(()) } else { Err(Error::parameter("decay of LAMB", weight_decay, allowed)) }
            }
        }
    }

    /// What the rule remembers before the first step, for n weights: to move a point by hand. LAMB takes them as one tensor.
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
    /// [`Error::Parameter`] for a number of the rule that is out of range, and for n outside of 1..=2³¹.
    pub fn begin(&self, n: usize) -> Result<OptimizerState> {
        check_count("weights of an optimizer", n, 1 << 31)?;
        Ok(OptimizerState(State::begin(self, &[(0..n, true)])?))
    }
}

impl std::fmt::Display for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => {
                write!(f, "ADAM, learning rate {learning_rate}")?;
                unusual(f, [*beta1, *beta2], *epsilon, 1e-8)
            }
            Optimizer::Lamb { learning_rate, beta1, beta2, epsilon, decay } => {
                write!(f, "LAMB, learning rate {learning_rate}")?;
                unusual(f, [*beta1, *beta2], *epsilon, 1e-6)?;
                if *decay == 0.0 { Ok(()) } else { write!(f, ", weight decay {decay}") }
            }
            Optimizer::Sgd { learning_rate, momentum } => {
                write!(f, "SGD, learning rate {learning_rate}, momentum {momentum}")
            }
        }
    }
}

/// β and ε, unless they are the defaults, which go without saying.
fn unusual(f: &mut std::fmt::Formatter<'_>, betas: [f64; 2], epsilon: f64, default: f64) -> std::fmt::Result {
    if betas != [0.9, 0.999] {
        write!(f, ", β {} and {}", betas[0], betas[1])?;
    }
    if epsilon == default { Ok(()) } else { write!(f, ", ε {epsilon:e}") }
}

/// What an optimizer remembers from step to step.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState(State<f32>);

/// The same in either precision.
#[derive(Debug, Clone, PartialEq)]
struct State<T> {
    optimizer: Optimizer,
    n: usize,
    steps: i32,
    /// ADAM's and LAMB's m and v, or SGD's v.
    memory: Vec<Vec<T>>,
    /// The tensors that LAMB tells apart.
    places: Vec<lamb::Place>,
}

impl OptimizerState {
    /// What a cell shows: how far it is, without the numbers that it remembers.
    pub fn evcxr_display(&self) {
        let State { optimizer, n, steps, .. } = &self.0;
        crate::display::text(&format!("{optimizer:?} after {steps} steps, {n} weights"));
    }

    /// Moves x by one step along a gradient, in place.
    ///
    /// Cost: one sweep over x, the gradient and the memory, on all threads; two for LAMB.
    ///
    /// # Errors
    /// [`Error::Shape`] where x or the gradient have not the length that the state was begun for.
    pub fn step(&mut self, x: &mut [f32], gradient: &[f32]) -> Result<()> {
        self.0.step_at(self.0.optimizer.learning_rate(), x, gradient)
    }
}

impl<T: Real> State<T> {
    /// Before the first step of weights in these places, each with whether LAMB scales it.
    fn begin(optimizer: &Optimizer, places: &[(Range<usize>, bool)]) -> Result<Self> {
        optimizer.check()?;
        let n = places.iter().map(|(range, _)| range.len()).sum();
        let memory = match optimizer {
            Optimizer::Adam { .. } | Optimizer::Lamb { .. } => vec![zeros(n), zeros(n)],
            Optimizer::Sgd { .. } => vec![zeros(n)],
        };
        let place =
            |(range, is_scaled): &(Range<usize>, bool)| lamb::Place { range: range.clone(), is_scaled: *is_scaled };
        Ok(Self { optimizer: *optimizer, n, steps: 0, memory, places: places.iter().map(place).collect() })
    }

    /// LAMB's numbers at a learning rate, after the step was counted.
    fn lamb(&self, rate: f64) -> Option<lamb::Rule> {
        let Optimizer::Lamb { beta1, beta2, epsilon, decay, .. } = self.optimizer else { return None };
        let corrections = [beta1, beta2].map(|beta| 1.0 - beta.powi(self.steps));
        Some(lamb::Rule { rate, beta1, beta2, epsilon, decay, corrections })
    }

    /// Moves x at a learning rate of this step's own.
    fn step_at(&mut self, rate: f64, x: &mut [T], gradient: &[T]) -> Result<()> {
        if x.len() != self.n || gradient.len() != self.n {
            return Err(Error::Shape(format!(
                "the optimizer was begun for {} weights, but x has {} and the gradient {}",
                self.n,
                x.len(),
                gradient.len()
            )));
        }
        self.steps = self.steps.saturating_add(1);
        if let Some(rule) = self.lamb(rate) {
            if let [mean, square] = &mut self.memory[..] {
                for lamb::Place { range, is_scaled } in &self.places {
                    let (x, gradient) = (&mut x[range.clone()], &gradient[range.clone()]);
                    rule.step(*is_scaled, x, gradient, &mut mean[range.clone()], &mut square[range.clone()]);
                }
            }
            return Ok(());
        }
        let rate = self.optimizer.corrected(rate, self.steps);
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
                let (rate, momentum) = (T::from_f64(rate), T::from_f64(momentum));
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

/// A rule with what it remembers, wherever x lies: in memory as a [`State`], on a device as tensors, which live no longer than
/// the call that trains.
pub(crate) struct Rule<T> {
    state: State<T>,
    tensors: Vec<Tensor>,
}

impl<T: Real> Rule<T> {
    pub(crate) fn begin(optimizer: &Optimizer, layout: &Layout) -> Result<Self> {
        let places = layout.parameters().iter().map(|part| (part.range(), part.shape.len() > 1));
        Ok(Self { state: State::begin(optimizer, &places.collect::<Vec<_>>())?, tensors: Vec::new() })
    }

    /// Forgets every step.
    pub(crate) fn reset(&mut self) {
        self.state.steps = 0;
        self.state.memory.iter_mut().for_each(|numbers| numbers.fill(T::zero()));
        self.tensors.clear();
    }

    /// Steps that were taken, and what is remembered of them, in vectors as long as x.
    pub(crate) fn memory(&self) -> Result<(i32, Vec<Vec<T>>)> {
        let memory = match &self.tensors[..] {
            [] => self.state.memory.clone(),
            tensors => tensors.iter().map(Tensor::to_vec1).collect::<candle_core::Result<_>>()?,
        };
        Ok((self.state.steps, memory))
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// [`Error::Shape`] where these are not the vectors of its optimizer.
    pub(crate) fn resume(&mut self, steps: i32, memory: Vec<Vec<T>>) -> Result<()> {
        let lengths = |memory: &[Vec<T>]| memory.iter().map(Vec::len).collect::<Vec<_>>();
        if lengths(&memory) != lengths(&self.state.memory) {
            return Err(Error::Shape("the vectors are not those that the optimizer remembers".into()));
        }
        self.state.steps = steps;
        self.state.memory = memory;
        self.tensors.clear();
        Ok(())
    }

    /// P of ADAM's last step, which was `x ← x − η P⁻¹ m / (1 − β₁ᵗ)`.
    pub(crate) fn preconditioner(&self) -> Result<Vec<f64>> {
        let State { optimizer, steps, memory, .. } = &self.state;
        let Optimizer::Adam { beta2, epsilon, .. } = *optimizer else {
            return Err(Error::parameter("optimizer", optimizer, "be ADAM: a preconditioner is its own"));
        };
        if *steps == 0 {
            return Err(Error::parameter(
                "steps of ADAM",
                0,
                "be at least 1: its preconditioner is that of its last step",
            ));
        }
        let square: Vec<f64> = match (&self.tensors[..], &memory[..]) {
            ([_, square], _) => square.to_dtype(candle_core::DType::F64)?.to_vec1()?,
            (_, [_, square]) => square.iter().map(|&v| v.into()).collect(),
            _ => return Err(Error::Shape("the state is not that of its optimizer".into())),
        };
        let correction = (1.0 - beta2.powi(*steps)).sqrt();
        Ok(square.into_iter().map(|v| (v.sqrt() + epsilon) / correction).collect())
    }

    /// Moves x by one step, at this learning rate.
    pub(crate) fn step(&mut self, standing: Standing<'_, T>, rate: f64) -> Result<()> {
        match standing {
            Standing::Here { x, gradient } => self.state.step_at(rate, x, gradient),
            Standing::Device { x, gradient } => {
                if self.tensors.is_empty() && self.state.steps > 0 {
                    let memory = self.state.memory.iter();
                    let tensors = memory.map(|numbers| Tensor::from_slice(numbers, numbers.len(), x.device()));
                    self.tensors = tensors.collect::<candle_core::Result<_>>()?;
                }
                self.state.steps = self.state.steps.saturating_add(1);
                let optimizer = self.state.optimizer;
                let corrected = optimizer.corrected(rate, self.state.steps);
                (*x, self.tensors) = match (optimizer, self.state.lamb(rate)) {
                    (Optimizer::Adam { beta1, beta2, epsilon, .. }, _) => {
                        adam::on_device(x, gradient, &self.tensors, corrected, [beta1, beta2, epsilon])
                    }
                    (Optimizer::Sgd { momentum, .. }, _) => {
                        sgd::on_device(x, gradient, &self.tensors, corrected, momentum)
                    }
                    (Optimizer::Lamb { .. }, Some(rule)) => {
                        rule.on_device(&self.state.places, x, gradient, &self.tensors)
                    }
                    (Optimizer::Lamb { .. }, None) => {
                        return Err(Error::Shape("the state is not that of its optimizer".into()));
                    }
                }?;
                Ok(())
            }
        }
    }
}

crate::display::shown_as_text!(Optimizer);
