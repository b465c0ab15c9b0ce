//! What was found in a box: the searches, the largest f of all, and whether it can be trusted.

use super::Maximizer;
use super::around::percent;
use super::maximize::Ended;
use crate::data::Which;
use crate::display::Block;
use crate::objective::Objective;
use crate::train::{Regime, Role, seed_of};

/// What the box lies in: what A is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Space {
    /// A = I.
    Full,
    /// p random directions.
    Random {
        /// Their number.
        p: usize,
        /// Whether they were made orthonormal.
        orthonormal: bool,
    },
    /// p directions that were given.
    Given {
        /// Their number.
        p: usize,
        /// Whether they were made orthonormal.
        orthonormal: bool,
    },
}

/// "full space", "random subspace, p = 100".
impl std::fmt::Display for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, p, orthonormal) = match self {
            Space::Full => return f.write_str("full space"),
            Space::Random { p, orthonormal } => ("random subspace", p, orthonormal),
            Space::Given { p, orthonormal } => ("given directions", p, orthonormal),
        };
        write!(f, "{what}, p = {p}{}", if *orthonormal { ", orthonormal" } else { "" })
    }
}

/// Where in the box a search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Origin {
    /// At x itself.
    Zero,
    /// At the random point of this number.
    Random(usize),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Zero => f.write_str("zero"),
            Origin::Random(number) => write!(f, "random {number}"),
        }
    }
}

/// Whether a sharpness can be trusted as the size of what it looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Status {
    /// The search moved through the box, and no random corner has a larger f.
    Found,
    /// The best point lies within a hundredth of the box of where its search began: it stayed there.
    Stayed,
    /// A random corner of the box has a larger f than the search found: it is too small by at least that.
    BelowCorners,
    /// Another search in the same box found more than twice as much.
    Surpassed,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Status::Found => "found",
            Status::Stayed => "stayed at its start",
            Status::BelowCorners => "below a random corner",
            Status::Surpassed => "surpassed by another search",
        })
    }
}

/// One search of several.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Where it began.
    pub start: Origin,
    /// How it looked.
    pub maximizer: Maximizer,
    /// φ of the largest f that it saw, percent.
    pub phi: f64,
    /// φ of the largest f seen at the start and after each iteration, percent: whether more iterations would find more.
    pub trace: Vec<f64>,
    /// Evaluations of f with ∇f, that at x itself among them.
    pub evaluations: usize,
    /// Why it ended.
    pub ended: Ended,
    /// Where its best point lies: the mean of `|zᵢ| / rᵢ`, 0 at x and 1 in a corner of the box.
    pub reach: f64,
    /// How far that is from where the search began: the mean of `|zᵢ − startᵢ| / rᵢ`, at most 2.
    pub moved: f64,
    /// Fraction of the coordinates of its best point that lie on their bound.
    pub active: f64,
}

/// The largest f found in the box around x, and the sharpness that follows.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maximum {
    /// Name of the regime that led to x, where x is a trial's.
    #[serde(deserialize_with = "Option::deserialize")]
    pub regime: Option<String>,
    /// Which side of a pair that is, if of one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub role: Option<Role>,
    /// Its batch, points.
    #[serde(deserialize_with = "Option::deserialize")]
    pub batch: Option<usize>,
    /// The trial's number.
    #[serde(deserialize_with = "Option::deserialize")]
    pub trial: Option<usize>,
    /// The epoch after which the trial was read; nothing where it was its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
    /// The seed that the trial's start came from.
    #[serde(deserialize_with = "Option::deserialize")]
    pub trial_seed: Option<u64>,
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// Whose points f is over.
    pub split: Which,
    /// How many points they are. Nothing in records that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    /// ε.
    pub epsilon: f64,
    /// What A is.
    pub space: Space,
    /// p, the number of dimensions of the box.
    pub dimension: usize,
    /// How f was evaluated.
    pub objective: Objective,
    /// The seed of all that is random in the measure.
    pub seed: u64,
    /// Which random A.
    pub draw: u64,
    /// Most iterations of each search.
    pub iterations: usize,
    /// f(x), nats per example.
    pub value: f64,
    /// The largest f visited by any search, nats per example.
    pub largest: f64,
    /// y of the largest f: p numbers. Nothing in [`Maxima`](super::Maxima), which would hold millions of numbers a trial:
    /// [`Sharpness::at`](super::Sharpness::at) gives it.
    #[serde(skip)]
    pub displacement: Option<Vec<f64>>,
    /// φ of the best of the random corners, percent; nothing where none was asked for.
    #[serde(deserialize_with = "Option::deserialize")]
    pub corner: Option<f64>,
    /// `100 · Σ rᵢ |∂f/∂yᵢ| / (1 + f(x))`: φ if f were linear in the box.
    pub first_order: f64,
    /// `100 · (gᵀy + ½ dᵀ∇²f(x) d) / (1 + f(x))` at the best point, d = A y, by an exact product
    /// ([`Objective::hessian_at`]): φ at that point by the second-order expansion of f at x, on the smooth piece that x lies in.
    /// Nothing for other than batch statistics and the fused passes, and in records that are older than products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_order: Option<f64>,
    /// `‖∂f/∂y‖₂` at y = 0, nats per unit of y: in the full space ‖∇f(x)‖. Nothing in records that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// The searches.
    pub searches: Vec<Search>,
    /// How long it took.
    pub seconds: f64,
}

impl Search {
    /// Whether its best point lies within a hundredth of the box of where it began: it found nothing of its own.
    pub fn stayed(&self) -> bool {
        self.moved < 0.01
    }

    /// Whether its φ alone, of the measure that it is a part of, can be trusted as the size of what it looked for.
    pub fn status(&self, of: &Maximum) -> Status {
        match of.corner {
            // A box without room (ε = 0) holds nothing to be found.
            _ if of.epsilon == 0.0 => Status::Found,
            Some(corner) if corner > self.phi => Status::BelowCorners,
            _ if self.stayed() => Status::Stayed,
            _ if of.phi() > 2.0 * self.phi => Status::Surpassed,
            _ => Status::Found,
        }
    }
}

/// "L-BFGS-B from zero: φ = 1.2345 %", and whether it stayed there.
impl std::fmt::Display for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stayed = if self.stayed() { " (stayed at its start)" } else { "" };
        write!(f, "{} from {}: φ = {:.4} %{stayed}", self.maximizer, self.start, self.phi)
    }
}

impl Maximum {
    /// The same measure, as that of a trial of a regime.
    pub(super) fn of_trial(self, regime: &Regime, trial: usize, epoch: Option<usize>) -> Self {
        Self {
            regime: Some(regime.name.clone()),
            role: regime.role,
            batch: Some(regime.recipe.batch),
            trial: Some(trial),
            epoch,
            trial_seed: Some(seed_of(&regime.recipe)),
            ..self
        }
    }

    /// Of a point that nobody trained here.
    pub(super) fn of_no_trial(self) -> Self {
        Self { regime: None, role: None, batch: None, trial: None, epoch: None, trial_seed: None, ..self }
    }

    /// The same under a name, which tables and charts show where they show a regime's: of a point that was loaded, say.
    ///
    /// ```
    /// use sharp_minima::{Maxima, Sharpness, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let x = &Training::adam().batch(20).trials(1).epochs(2).quiet().run(&net, &data)?.weights[0];
    /// let measure = Sharpness::full(1e-3).quiet();
    /// let both = Maxima::from(vec![
    ///     measure.at(&net, &data, x)?.named("as trained"),
    ///     measure.at(&net, &data, &net.with_unit_rows(x)?)?.named("rows of length 1"),
    /// ]);
    /// assert!(both.block().text.contains("rows of length 1"));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { regime: Some(name.into()), ..self }
    }

    /// φ, percent: of the largest f of all searches; at least 0, and at most what the box holds.
    pub fn phi(&self) -> f64 {
        percent(self.largest - self.value, self.value).max(0.0)
    }

    /// The search that found it; the first of equal ones.
    pub fn best(&self) -> Option<&Search> {
        self.searches.iter().reduce(|best, next| if next.phi > best.phi { next } else { best })
    }

    /// The search from x itself by the maximizer asked for: with the defaults, the paper's protocol as far as it is specified.
    pub fn from_zero(&self) -> Option<&Search> {
        self.searches.first()
    }

    /// Whether φ can be trusted: the status of the [best](Self::best) search.
    pub fn status(&self) -> Status {
        self.best().map_or(Status::Stayed, |best| best.status(self))
    }

    /// How many searches came to within 5 % of the largest φ, the best among them.
    pub fn agreeing(&self) -> usize {
        self.searches.iter().filter(|search| search.phi >= 0.95 * self.phi()).count()
    }

    /// φ with its status, where that says that it is not to be trusted.
    pub fn summary(&self) -> String {
        match self.status() {
            Status::Found => format!("{:.4} %", self.phi()),
            status => format!("{:.4} % ({status}: an unreliable lower bound)", self.phi()),
        }
    }

    /// A table of the searches.
    pub fn block(&self) -> Block {
        let share = |value: f64| format!("{:.1}", 100.0 * value);
        let mut rows: Vec<Vec<String>> = self
            .searches
            .iter()
            .map(|search| {
                vec![
                    format!("{} from {}", search.maximizer, search.start),
                    format!("{:.4}", search.phi),
                    (search.trace.len().saturating_sub(1)).to_string(),
                    search.evaluations.to_string(),
                    self.corner.map_or("–".into(), |corner| format!("{:+.4}", search.phi - corner)),
                    share(search.moved),
                    share(search.active),
                    search.ended.to_string(),
                ]
            })
            .collect();
        let other = |name: &str, phi: f64| {
            let mut row = vec![name.to_string(), format!("{phi:.4}")];
            row.resize(8, String::new());
            row
        };
        rows.extend(self.corner.map(|corner| other("best of random corners", corner)));
        rows.push(other("if f were linear", self.first_order));
        rows.extend(self.second_order.map(|phi| other("if f were quadratic, at the best point", phi)));
        let title = format!(
            "Sharpness φ = {} for ε = {:e}, {}, {} split; f(x) = {:.6}",
            self.summary(),
            self.epsilon,
            self.space,
            self.split,
            self.value
        );
        let head = [
            "search",
            "φ, %",
            "iterations",
            "evaluations",
            "above the best random corner, %",
            "moved, % of box",
            "on bounds, %",
            "ended by",
        ];
        Block::table(&title, &head, rows)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

crate::display::shown_as_text!(Ended, Origin, Search, Space, Status);
