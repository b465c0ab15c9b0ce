//! What was found at one point: the outermost eigenvalues, and what probes say of all of them.

use super::probe::{Estimate, Probe, two_digits};
use crate::data::Which;
use crate::display::{Block, grouped, significant};
use crate::net::Curvature;
use crate::objective::Objective;
use crate::train::{Regime, Role};

/// A Ritz value as an eigenvalue.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eigenvalue {
    /// θ.
    pub value: f64,
    /// `‖H u − θ u‖` for the unit vector u that belongs to it, H the matrix as products multiply by it: some eigenvalue of that lies no
    /// farther from θ. Rounding of products that shows in no asymmetry is not in it: in f32 some 1e-7 of the largest eigenvalue,
    /// in deep nets 1e-6.
    pub residual: f64,
    /// Whether the residual is at most the [tolerance](crate::Spectrum::tolerance) times |θ|.
    pub is_converged: bool,
}

/// An eigenvalue with its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigenvector {
    /// The eigenvalue.
    pub eigenvalue: Eigenvalue,
    /// u, n numbers of length 1 in the layout of x; its sign means nothing.
    pub vector: Vec<f64>,
}

/// "0.1123 ± 3.1e-7", with a word where it did not converge.
impl std::fmt::Display for Eigenvalue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let doubt = if self.is_converged { "" } else { " (not converged)" };
        write!(f, "{} ± {:.1e}{doubt}", significant(self.value), self.residual)
    }
}

impl Eigenvalue {
    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&self.to_string());
    }
}

impl Eigenvector {
    /// What a cell shows: the eigenvalue, not the n numbers.
    pub fn evcxr_display(&self) {
        let count = grouped(self.vector.len());
        crate::display::text(&format!("eigenvalue {} with its vector of {count} numbers", self.eigenvalue));
    }
}

/// The spectrum at one point.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eigenvalues {
    /// Name of the net.
    pub net: String,
    /// Name of the data set; none of a bare split.
    pub data: String,
    /// Name of the regime that led to x, where x is a trial's.
    #[serde(deserialize_with = "Option::deserialize")]
    pub regime: Option<String>,
    /// Which side of a pair that is, if of one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub role: Option<Role>,
    /// Points in its batch.
    #[serde(deserialize_with = "Option::deserialize")]
    pub batch: Option<usize>,
    /// The trial's number.
    #[serde(deserialize_with = "Option::deserialize")]
    pub trial: Option<usize>,
    /// The epoch after which x is read; none for the last one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub epoch: Option<usize>,
    /// Whose points f is over.
    pub split: Which,
    /// How many points.
    pub points: usize,
    /// n, the number of weights and of eigenvalues.
    pub weights: usize,
    /// How f is evaluated.
    pub objective: Objective,
    /// Of which matrix.
    pub matrix: Curvature,
    /// Whether that was preconditioned: P^(−½) on both sides of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preconditioned: bool,
    /// Where the probes came from.
    pub seed: u64,
    /// Steps of Lanczos: products a probe.
    pub steps: usize,
    /// f(x), nats.
    pub value: f64,
    /// The k largest, from the largest on, as the first probe found them. Where several eigenvalues are equal to the last bit, one
    /// probe sees one of them.
    pub largest: Vec<Eigenvalue>,
    /// The k smallest, from the smallest on.
    pub smallest: Vec<Eigenvalue>,
    /// Above which numbers eigenvalues are to be counted.
    pub thresholds: Vec<f64>,
    /// All probes.
    pub probes: Vec<Probe>,
    /// How long it took, all probes together.
    pub seconds: f64,
}

impl Eigenvalues {
    /// Whether there is a probe, and each has a weight and a residual for each of its values: a record may say otherwise.
    pub(crate) fn is_whole(&self) -> bool {
        let is_whole = |probe: &Probe| {
            let count = probe.values.len();
            count > 0 && probe.weights.len() == count && probe.residuals.len() == count
        };
        !self.probes.is_empty() && self.probes.iter().all(is_whole)
    }

    fn estimate(&self, g: &dyn Fn(f64) -> f64) -> Estimate {
        let n = self.weights as f64;
        Estimate::of(&self.probes.iter().map(|probe| n * probe.mean(g)).collect::<Vec<_>>())
    }

    /// tr H, the sum of all eigenvalues: the mean of `zᵀHz` over the probes z (Hutchinson 1990).
    pub fn trace(&self) -> Estimate {
        self.estimate(&|value| value)
    }

    /// `‖H‖_F²`, the sum of their squares: the mean of `‖Hz‖²`.
    pub fn square(&self) -> Estimate {
        self.estimate(&|value| value * value)
    }

    /// How many eigenvalues lie above a threshold, by quadrature. The standard error is that of the probes alone: eigenvalues that
    /// lie nearer to the threshold than the [resolution](Self::resolution) are seen on the wrong side as well, so a threshold
    /// should be farther from 0, around which most lie.
    pub fn above(&self, threshold: f64) -> Estimate {
        self.estimate(&|value| f64::from(u8::from(value > threshold)))
    }

    /// How finely the quadrature sees: what all Ritz values span, by the number of steps.
    pub fn resolution(&self) -> f64 {
        let (least, most) = self.range();
        (most - least) / self.steps as f64
    }

    /// The least and the largest Ritz value of all probes.
    pub fn range(&self) -> (f64, f64) {
        let values = || self.probes.iter().flat_map(|probe| &probe.values);
        let least = values().fold(f64::INFINITY, |least, &value| least.min(value));
        (least, values().fold(f64::NEG_INFINITY, |most, &value| most.max(value)))
    }

    /// The density of eigenvalues at t, of which the integral over all t is 1: the mean over probes of `Σ w φ((t − θ) / width) /
    /// width` with φ that of N(0, 1).
    pub fn density(&self, t: f64, width: f64) -> f64 {
        let bell = |value: f64| (-0.5 * ((t - value) / width).powi(2)).exp() / (width * std::f64::consts::TAU.sqrt());
        self.probes.iter().map(|probe| probe.mean(&bell)).sum::<f64>() / self.probes.len() as f64
    }

    /// The weight that all Ritz values have together, of the probe that is farthest from 1: but for rounding it is 1, and no
    /// density is scaled to make it so.
    pub fn mass(&self) -> f64 {
        let masses = self.probes.iter().map(Probe::mass);
        masses.fold(1.0, |worst, mass| if (mass - 1.0_f64).abs() > (worst - 1.0_f64).abs() { mass } else { worst })
    }

    /// The converged ones of the largest and of the smallest that stand alone: at least the resolution away from the next one.
    pub fn outliers(&self) -> Vec<f64> {
        let gap = self.resolution();
        let alone = |own: &[Eigenvalue]| -> Vec<f64> {
            let apart =
                own.windows(2).take_while(|pair| pair[0].is_converged && (pair[0].value - pair[1].value).abs() > gap);
            apart.map(|pair| pair[0].value).collect()
        };
        let mut outliers = alone(&self.smallest);
        outliers.extend(alone(&self.largest).into_iter().rev());
        outliers
    }

    /// The same under a name, which tables and charts show where they show a regime's: of a point that was loaded, say.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { regime: Some(name.into()), ..self }
    }

    /// Whose it is: "small, trial 1, epoch 3"; nothing where it belongs to no trial.
    pub fn name(&self) -> String {
        let regime = self.regime.iter().cloned();
        let trial = self.trial.iter().map(|trial| format!("trial {trial}"));
        regime.chain(trial).chain(self.epoch.map(|epoch| format!("epoch {epoch}"))).collect::<Vec<_>>().join(", ")
    }

    /// What it is of: "Hessian of f1 on digits, 1,437 points of train, 1,000 weights".
    pub(crate) fn subject(&self) -> String {
        let data = if self.data.is_empty() { String::new() } else { format!(" on {}", self.data) };
        let (points, weights) = (grouped(self.points), grouped(self.weights));
        let (matrix, net, split) = (self.matrix_name(), &self.net, self.split);
        format!("{matrix} of {net}{data}, {points} points of {split}, {weights} weights")
    }

    /// "Hessian", "preconditioned Hessian", "Gauss–Newton".
    pub(crate) fn matrix_name(&self) -> String {
        let preconditioned = if self.preconditioned { "preconditioned " } else { "" };
        format!("{preconditioned}{}", self.matrix)
    }

    pub(super) fn of_trial(self, regime: &Regime, trial: usize, epoch: Option<usize>) -> Self {
        Self {
            regime: Some(regime.name.clone()),
            role: regime.role,
            batch: Some(regime.recipe.batch),
            trial: Some(trial),
            epoch,
            ..self
        }
    }

    /// A row for each number: the largest and smallest eigenvalues with their residuals, trace, ‖H‖_F² and counts with standard
    /// errors, the mass of the density.
    pub fn block(&self) -> Block {
        let mut rows = vec![vec!["f(x), nats".to_string(), significant(self.value), String::new(), String::new()]];
        for (what, own) in [("largest", &self.largest), ("smallest", &self.smallest)] {
            rows.extend(own.iter().enumerate().map(|(place, eigenvalue)| {
                let status = if eigenvalue.is_converged { "" } else { "not converged" };
                let (value, residual) = (significant(eigenvalue.value), format!("{:.1e}", eigenvalue.residual));
                vec![format!("{what}, {}", place + 1), value, residual, status.into()]
            }));
        }
        let mut estimated = |what: String, estimate: Estimate, remark: &str| {
            let error = estimate.standard_error.map_or("–".into(), two_digits);
            rows.push(vec![what, significant(estimate.value), error, remark.into()]);
        };
        estimated("trace".into(), self.trace(), "");
        estimated("‖·‖_F²".into(), self.square(), "");
        for &threshold in &self.thresholds {
            estimated(format!("above {threshold}"), self.above(threshold), self.remark(threshold));
        }
        rows.push(vec!["mass".into(), significant(self.mass()), String::new(), String::new()]);
        let name = self.name();
        let name = if name.is_empty() { name } else { format!("{name}: ") };
        let title = format!(
            "{name}{}; {} probes of {} steps, resolution {}",
            self.subject(),
            self.probes.len(),
            self.steps,
            significant(self.resolution())
        );
        Block::table(&title, &["", "value", "residual or standard error", "status"], rows)
    }

    /// What is to be said of a count above a threshold.
    pub(crate) fn remark(&self, threshold: f64) -> &'static str {
        if threshold.abs() < self.resolution() { "finer than the resolution" } else { "" }
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}
