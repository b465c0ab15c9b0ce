//! The choice of a strategy: its kinds, their parameters, and what of them can be asked for.

use crate::data::{Split, check_count};
use crate::error::{Error, Result};

/// How one batch moves x.
///
/// | strategy | numbers | off | usual |
/// |---|---|---|---|
/// | [`conservative`](Strategy::conservative) | λ ≥ 0; L in 1..=1000 | L = 1 ([`Inner::Kept`]) | the paper: λ = 1e-3, L = 3 |
/// | [`sam`](Strategy::sam), [`asam`](Strategy::asam) | ρ ≥ 0; ascents in 1..=1000; points of a part | ρ = 0 | 0.05 and 0.5 (CIFAR-10), one ascent |
/// | [`in_box`](Strategy::in_box) | ε ≥ 0; ascents; points of a part | ε = 0 | the paper's metric has 1e-3 and 5e-4 |
/// | [`noise`](Strategy::noise) | a ≥ 0; points of a part | a = 0 | a draw for each ghost, as its authors have it |
/// | [`penalty`](Strategy::penalty) | a ≥ 0; points of a part | a = 0 | parts of 128 (Geiping et al.) |
/// | [`adversarial`](Strategy::adversarial) | ε ≥ 0; ascents; share in 0..=1 | ε = 0, share = 1 | ε = 0.25 for MNIST, share ½ (from memory) |
/// | [`stability`](Strategy::stability) | α ≥ 0; σ ≥ 0 | α = 0, σ = 0 | α = 0.01, σ = 0.04 (from memory) |
///
/// These numbers are finite, as 32-bit numbers too; ε and σ of inputs are in their units. For the last two the paper prints none.
/// What is off is plain training to the bit.
///
/// ```
/// use sharp_minima::{Strategy, Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let large = Training::adam().batch(200).trials(1).epochs(3).quiet();
/// let sam = large.clone().strategy(Strategy::sam(0.05)).run(&net, &data)?;
/// let plain = large.clone().strategy(Strategy::sam(0.0)).run(&net, &data)?;
/// assert_ne!(sam.weights, plain.weights);
/// assert_eq!(plain.weights, large.run(&net, &data)?.weights);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Strategy {
    /// `h = ∇f_B(x)`.
    #[default]
    Plain,
    /// Conservative training (E.2; Li, Zhang, Chen and Smola 2014): each batch moves x to about
    /// `argmin_z f_B(z) + (λ/2) ‖z − x‖²`, by a few steps of an inner solver on that same batch.
    Conservative {
        /// λ, from 0.
        lambda: f64,
        /// L, steps of the inner solver for each batch, in 1..=1000. With one step λ has no effect: `z − x` is 0 there.
        steps: usize,
        /// What takes these steps.
        solver: Inner,
    },
    /// Robust training (E.3): `h = ∇f_B(x + e)`, where e is about the worst displacement of a ball: f_B is largest there. The
    /// paper names `min_x max_{‖e‖ ≤ ε} f(x + e)` and finds it too costly; these are its affordable forms.
    Robust {
        /// The ball, and with it the norm.
        ball: Ball,
        /// Its radius: ρ of SAM and ASAM, ε of the paper's box. From 0, which is off.
        radius: f64,
        /// Steps of ascent to e, in 1..=1000, each a gradient pass. Each is `min(1, 2/k)` of the radius long.
        ascents: usize,
        /// m of m-sharpness: each part of so many points has a worst displacement of its own. Nothing: one for the whole batch.
        #[serde(deserialize_with = "Option::deserialize")]
        part: Option<usize>,
    },
    /// Noise on the weights (SmoothOut; Wen et al. 2018, arXiv 1805.07898): `h` is the mean of `∇f_c(x + a u_c)` over parts c,
    /// with `u_c` drawn for each part, uniform in (−1, 1).
    Noise {
        /// a, from 0, which is off.
        amplitude: f64,
        /// Whether the noise on a weight is `a |xᵢ| uᵢ`.
        relative: bool,
        /// Points of a part. Nothing: one draw for the whole batch, whatever its ghosts are.
        #[serde(deserialize_with = "Option::deserialize")]
        part: Option<usize>,
    },
    /// A penalty on the gradient (Geiping et al. 2022, arXiv 2109.14119; Novack et al. 2022, arXiv 2211.15853): the mean over
    /// parts c of the gradient of `f_c + (a/2) ‖∇f_c‖²`, with `∇²f ∇f ≈ (∇f(x + δ∇f) − ∇f) / δ` and `δ = 0.01 / ‖∇f‖`.
    Penalty {
        /// a, from 0, which is off.
        strength: f64,
        /// Points of a part: it is the gradients of *small* parts that are to be short. Nothing: the whole batch.
        #[serde(deserialize_with = "Option::deserialize")]
        part: Option<usize>,
    },
    /// Adversarial training (§4; Goodfellow, Shlens and Szegedy 2014, arXiv 1412.6572; Madry et al. 2017, arXiv 1706.06083):
    /// `h` is the gradient of `s f(x; X, y) + (1 − s) f(x; X′, y)`, where X′ are inputs within ε of X in each number, chosen so
    /// that f is large. The paper tried it without gain, and prints none of its parameters.
    ///
    /// Deviation: ascent begins at X itself; Madry et al. begin several steps at a random place of the box.
    Adversarial {
        /// ε, from 0, which is off.
        epsilon: f64,
        /// Steps of ascent to X′, in 1..=1000: one is the fast gradient sign method. Each is `min(1, 2/k) ε` long.
        ascents: usize,
        /// s, the share of the points as they are, in 0..=1; 1 is off.
        share: f64,
        /// The range that inputs lie in, to which X′ is clipped; nothing where they have none. It must hold every training input.
        #[serde(deserialize_with = "Option::deserialize")]
        range: Option<(f32, f32)>,
    },
    /// Stability training (§4; Zheng et al. 2016): `h` is the gradient of `f + α D`, where D is the mean of
    /// `−Σⱼ pⱼ(X) log pⱼ(X′)` with the net's own answers p, and X′ = X + N(0, σ²). The paper tried it without gain.
    Stability {
        /// α, from 0, which is off.
        strength: f64,
        /// σ, from 0, which is off.
        deviation: f64,
        /// Whether ∇ goes through p(X) too. If not, the answers to the points as they are are fixed targets.
        through_both: bool,
    },
}

/// What solves the subproblem of conservative training.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Inner {
    /// The regime's optimizer, whose memory goes on from step to step and from batch to batch: what calling one optimizer of
    /// Keras three times a batch does. The paper's, with ADAM, as far as it is specified.
    Kept,
    /// The regime's optimizer, which forgets everything before each batch.
    Reset,
    /// Gradient descent at the learning rate; nothing else of the regime's optimizer counts, neither momentum nor β.
    Descent,
    /// L-BFGS (Nocedal 1980) from the learning rate times the gradient, with steps halved until f falls enough (Armijo).
    Lbfgs,
}

/// In which norm a displacement is bounded.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Ball {
    /// `‖e‖₂ ≤ ρ` (SAM; Foret et al. 2020, arXiv 2010.01412).
    Euclidean,
    /// `‖T⁻¹ e‖₂ ≤ ρ` with `Tᵢ = |xᵢ| + η` for weights and γ, 1 for biases and β (ASAM; Kwon et al. 2021, arXiv 2102.11600).
    Adaptive {
        /// η, from 0.
        eta: f64,
    },
    /// `|eᵢ| ≤ ε (|xᵢ| + 1)`: the box of the paper's Metric 2.1, so that the metric itself is what is trained.
    Box,
}

impl Strategy {
    /// The paper's conservative training: λ, and L steps of the regime's optimizer a batch, whose memory goes on. The paper has
    /// λ = 1e-3 and L = 3.
    pub fn conservative(lambda: f64, steps: usize) -> Self {
        Strategy::Conservative { lambda, steps, solver: Inner::Kept }
    }

    /// Sharpness-aware minimization: one step of ascent, of length ρ. Its authors have ρ = 0.05 for CIFAR-10.
    pub fn sam(rho: f64) -> Self {
        Self::robust(Ball::Euclidean, rho)
    }

    /// Adaptive SAM, with η = 0.01. Its authors have ρ = 0.5 for CIFAR-10.
    pub fn asam(rho: f64) -> Self {
        Self::robust(Ball::Adaptive { eta: 0.01 }, rho)
    }

    /// SAM in the paper's own box: its metric, of one step of ascent, as what is trained.
    pub fn in_box(epsilon: f64) -> Self {
        Self::robust(Ball::Box, epsilon)
    }

    fn robust(ball: Ball, radius: f64) -> Self {
        Strategy::Robust { ball, radius, ascents: 1, part: None }
    }

    /// SmoothOut.
    pub fn noise(amplitude: f64) -> Self {
        Strategy::Noise { amplitude, relative: false, part: None }
    }

    /// A penalty on the gradients of parts of so many points.
    pub fn penalty(strength: f64, part: usize) -> Self {
        Strategy::Penalty { strength, part: Some(part) }
    }

    /// The fast gradient sign method, half of the loss that of the points as they are, inputs in 0..=1.
    pub fn adversarial(epsilon: f64) -> Self {
        Strategy::Adversarial { epsilon, ascents: 1, share: 0.5, range: Some((0.0, 1.0)) }
    }

    /// Stability training with fixed targets.
    pub fn stability(strength: f64, deviation: f64) -> Self {
        Strategy::Stability { strength, deviation, through_both: false }
    }

    /// The same with parts of so many points, each with a displacement, noise or penalty of its own: m of m-sharpness. A strategy
    /// without parts stays as it is.
    pub fn parts_of(mut self, points: usize) -> Self {
        if let Strategy::Robust { part, .. } | Strategy::Noise { part, .. } | Strategy::Penalty { part, .. } = &mut self
        {
            *part = Some(points);
        }
        self
    }

    /// The same with so many steps of ascent. A strategy that does not ascend stays as it is.
    pub fn ascents(mut self, steps: usize) -> Self {
        if let Strategy::Robust { ascents, .. } | Strategy::Adversarial { ascents, .. } = &mut self {
            *ascents = steps;
        }
        self
    }

    /// Conservative training by another inner solver. Another strategy stays as it is.
    pub fn solver(mut self, by: Inner) -> Self {
        if let Strategy::Conservative { solver, .. } = &mut self {
            *solver = by;
        }
        self
    }

    /// Whether it changes nothing: the run is plain training to the bit.
    pub fn is_off(&self) -> bool {
        match *self {
            Strategy::Plain => true,
            Strategy::Conservative { steps, solver, .. } => steps == 1 && solver == Inner::Kept,
            Strategy::Robust { radius, .. } => radius == 0.0,
            Strategy::Noise { amplitude, .. } => amplitude == 0.0,
            Strategy::Penalty { strength, .. } => strength == 0.0,
            Strategy::Adversarial { epsilon, share, .. } => epsilon == 0.0 || share == 1.0,
            Strategy::Stability { strength, deviation, .. } => strength == 0.0 || deviation == 0.0,
        }
    }

    /// The same without clipping X′ to a range, as standardized inputs need it. Strategies other than adversarial training stay as they
    /// are.
    pub fn unclipped(mut self) -> Self {
        if let Strategy::Adversarial { range, .. } = &mut self {
            *range = None;
        }
        self
    }

    /// An error where inputs lie outside the range that adversarial ones are clipped to: clipping would move them farther than ε.
    pub(in crate::train) fn check_inputs(&self, split: &Split) -> Result<()> {
        let Strategy::Adversarial { range: Some((low, high)), .. } = *self else { return Ok(()) };
        if self.is_off() {
            return Ok(());
        }
        let (least, most) = split
            .inputs()
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), &input| (least.min(input), most.max(input)));
        if least >= low && most <= high {
            return Ok(());
        }
        let allowed = format!(
            "hold all inputs, which lie in {least}..={most}, or be none (`.unclipped()`), as for standardized ones"
        );
        Err(Error::parameter("range of adversarial inputs", format!("{low}..={high}"), allowed))
    }

    /// An error unless its numbers are in range; parts are of a batch of so many points.
    pub(in crate::train) fn check(&self, batch: usize) -> Result<()> {
        let from_zero = |name, value: f64| {
            let fits = value == 0.0 || ((value as f32).is_finite() && value as f32 > 0.0);
            if fits {
                Ok(())
            } else {
                Err(Error::parameter(name, value, "be 0, or finite and above 0 as a 32-bit number"))
            }
        };
        let count = |name, value| check_count(name, value, 1_000);
        let parts = |part: Option<usize>| part.map_or(Ok(()), |points| check_count("points of a part", points, batch));
        match *self {
            Strategy::Plain => Ok(()),
            Strategy::Conservative { lambda, steps, .. } => {
                from_zero("lambda of conservative training", lambda)?;
                count("steps of conservative training", steps)
            }
            Strategy::Robust { ball, radius, ascents, part } => {
                from_zero("radius of robust training", radius)?;
                if let Ball::Adaptive { eta } = ball {
                    from_zero("eta of ASAM", eta)?;
                }
                count("ascents", ascents)?;
                parts(part)
            }
            Strategy::Noise { amplitude, part, .. } => {
                from_zero("amplitude of noise", amplitude)?;
                parts(part)
            }
            Strategy::Penalty { strength, part } => {
                from_zero("strength of the penalty", strength)?;
                parts(part)
            }
            Strategy::Adversarial { epsilon, ascents, share, range } => {
                from_zero("epsilon of adversarial training", epsilon)?;
                count("ascents", ascents)?;
                if !(0.0..=1.0).contains(&share) {
                    return Err(Error::parameter("share of adversarial training", share, "lie in 0..=1"));
                }
                match range {
                    Some((low, high)) if !(low.is_finite() && high.is_finite() && low < high) => {
                        let given = format!("({low}, {high})");
                        Err(Error::parameter("range of adversarial training", given, "be finite and ascend"))
                    }
                    _ => Ok(()),
                }
            }
            Strategy::Stability { strength, deviation, .. } => {
                from_zero("strength of stability training", strength)?;
                from_zero("deviation of stability training", deviation)
            }
        }
    }
}

/// "conservative, λ 0.001, 3 steps", "SAM, ρ 0.05, parts of 256".
impl std::fmt::Display for Strategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = |f: &mut std::fmt::Formatter<'_>, part: Option<usize>| match part {
            Some(points) => write!(f, ", parts of {points}"),
            None => Ok(()),
        };
        let steps = |f: &mut std::fmt::Formatter<'_>, ascents: usize| match ascents {
            1 => Ok(()),
            ascents => write!(f, ", {ascents} ascents"),
        };
        match *self {
            Strategy::Plain => write!(f, "plain"),
            Strategy::Conservative { lambda, steps, solver } => {
                write!(f, "conservative, λ {lambda}, {steps} steps")?;
                match solver {
                    Inner::Kept => Ok(()),
                    Inner::Reset => write!(f, ", memory reset"),
                    Inner::Descent => write!(f, " of gradient descent"),
                    Inner::Lbfgs => write!(f, " of L-BFGS"),
                }
            }
            Strategy::Robust { ball, radius, ascents, part } => {
                match ball {
                    Ball::Euclidean => write!(f, "SAM, ρ {radius}"),
                    // The defaults go without saying, here and below.
                    Ball::Adaptive { eta: 0.01 } => write!(f, "ASAM, ρ {radius}"),
                    Ball::Adaptive { eta } => write!(f, "ASAM, ρ {radius}, η {eta}"),
                    Ball::Box => write!(f, "SAM in the box, ε {radius}"),
                }?;
                steps(f, ascents)?;
                parts(f, part)
            }
            Strategy::Noise { amplitude, relative, part } => {
                write!(f, "{} {amplitude} on weights", if relative { "relative noise" } else { "noise" })?;
                parts(f, part)
            }
            Strategy::Penalty { strength, part } => {
                write!(f, "gradient penalty {strength}")?;
                parts(f, part)
            }
            Strategy::Adversarial { epsilon, ascents, share, range } => {
                write!(f, "adversarial, ε {epsilon}, share {share}")?;
                match range {
                    Some((0.0, 1.0)) => Ok(()),
                    Some((low, high)) => write!(f, ", inputs in {low}..={high}"),
                    None => write!(f, ", not clipped"),
                }?;
                steps(f, ascents)
            }
            Strategy::Stability { strength, deviation, through_both } => {
                write!(f, "stability, α {strength}, σ {deviation}")?;
                if through_both { write!(f, ", through both") } else { Ok(()) }
            }
        }
    }
}

crate::display::shown_as_text!(Strategy, Inner, Ball);
