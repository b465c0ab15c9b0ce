//! How sharp is a minimum? Metric 2.1 of the paper: how much f can grow in a small box around x, in percent.
//!
//! `C_ε = { z ∈ ℝᵖ : |zᵢ| ≤ ε (|(A⁺x)ᵢ| + 1) }`, `φ(ε, A) = 100 · (max_{y ∈ C_ε} f(x + A y) − f(x)) / (1 + f(x))` (§2.2.2,
//! eq. 3 and 4). A = I is the full space, p = n (Table 3); a random n × 100 matrix is a subspace (Table 4). f is the mean
//! cross-entropy over the whole training split, and its largest value in the box is looked for by 10 iterations of L-BFGS-B.
//!
//! **The number is a lower bound, and may be a poor one.** A search that begins at x begins where f is nearly stationary:
//! with a gradient that is small beside the box, ten iterations of L-BFGS-B go nowhere, and φ comes out as almost nothing
//! although the box holds far larger f. So each result says how far its search went ([`Search::reach`]), what the best of a
//! few random corners of the box has, and has a [`Status`] where the number is not to be trusted. [`Sharpness::thorough`]
//! looks from zero, from random points of the box, and from corner to corner, and takes the largest.
//!
//! | name | default | range | paper |
//! |---|---|---|---|
//! | ε | – | from 0 | 1e-3, 5e-4 |
//! | directions | full space | 1..=n of them | n; 100 random |
//! | [`iterations`](Sharpness::iterations) | 10 | 1..=100,000 | 10 |
//! | [`maximizer`](Sharpness::maximizer) | [`Maximizer::Lbfgsb`] | | L-BFGS-B |
//! | [`starts`](Sharpness::starts) | 0 random ones beside zero | 0..=1,000 | not said |
//! | [`corners`](Sharpness::corners) | 4 random ones to compare with | 0..=1,000 | – |
//! | [`objective`](Sharpness::objective) | batch statistics, chunks of 5,000, f32 | | `mode=2` (code) |
//! | [`seed`](Sharpness::seed), [`draw`](Sharpness::draw) | 0, 0 | | not said |
//! | [`threads`](Sharpness::threads) | the machine's | 1..=1,024 | – |
//! | [`seconds`](Sharpness::seconds) | no budget | above 0 | none |
//! | [`kept_in`](Sharpness::kept_in) | no folder | | – |
//!
//! Deviation: the paper says neither where the search begins nor how A is drawn. Ours begins at y = 0, as a minimizer that is
//! handed x does. Entries of A are drawn from N(0, 1) and not normalized, which fits the sizes in Table 4;
//! [`orthonormal`](Sharpness::orthonormal) columns can be asked for.
//!
//! Deviation: the largest f is that of all points visited, x among them, so φ is never below 0.

mod directions;
mod maxima;
mod maximize;

use std::path::Path;
use std::time::Instant;

pub use maxima::{Contrast, Maxima, Reading};
pub use maximize::{Ended, Maximizer};

use crate::data::{Dataset, Split};
use crate::display::{Block, Progress};
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::net::Net;
use crate::objective::{Objective, Repeated, Statistics};
use crate::seed::{Seed, Stream, uniform};
use crate::weights::Weights;
use directions::Directions;
use maximize::{Found, maximize};

/// How to measure sharpness.
///
/// ```
/// use sharp_minima::{Sharpness, Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let trials = Training::adam().batch(20).trials(1).epochs(5).quiet().run(&net, &data)?;
/// let found = Sharpness::full(1e-3).at(&net, &data, &trials.weights[0])?;
/// assert!(found.phi() >= 0.0 && found.searches[0].evaluations >= 1);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sharpness {
    epsilon: f64,
    along: Along,
    orthonormal: bool,
    iterations: usize,
    maximizer: Maximizer,
    starts: usize,
    climb: bool,
    corners: usize,
    objective: Objective,
    seed: Seed,
    draw: u64,
    test: bool,
    threads: Option<usize>,
    seconds: Option<f64>,
    kept: Option<Kept>,
    quiet: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Along {
    All,
    Random(usize),
    Given(Vec<Vec<f64>>),
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
pub struct Search {
    /// Where it began: "zero", or "random 0" and so on.
    pub start: String,
    /// How it looked.
    pub maximizer: Maximizer,
    /// φ of the largest f that it saw, percent.
    pub phi: f64,
    /// φ of the largest f seen at the start and behind each iteration, percent: whether more iterations would find more.
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
pub struct Maximum {
    /// Name of the regime that led to x, where x is a trial's.
    pub regime: Option<String>,
    /// Its batch, points.
    pub batch: Option<usize>,
    /// The trial's number.
    pub trial: Option<usize>,
    /// The seed that the trial's start came from.
    pub trial_seed: Option<u64>,
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// "train" or "test".
    pub split: String,
    /// ε.
    pub epsilon: f64,
    /// What A is, in words.
    pub along: String,
    /// p, the number of dimensions of the box.
    pub dimension: usize,
    /// Whose statistics normalization used.
    pub statistics: Statistics,
    /// Most points that it averaged over.
    pub chunk: usize,
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
    /// y of the largest f: p numbers. Nothing in [`Maxima`], which would hold millions of numbers a trial: [`Sharpness::at`]
    /// gives it.
    #[serde(skip)]
    pub displacement: Option<Vec<f64>>,
    /// φ of the best of the random corners, percent; nothing where none was asked for.
    pub corner: Option<f64>,
    /// `100 · Σ rᵢ |∂f/∂yᵢ| / (1 + f(x))`: φ if f were linear in the box.
    pub first_order: f64,
    /// `100 · (gᵀy + ½ yᵀHy) / (1 + f(x))` at the best point, H by a central difference of ∇f along y: φ there if f were
    /// quadratic.
    pub second_order: f64,
    /// The searches.
    pub searches: Vec<Search>,
    /// How long it took.
    pub seconds: f64,
}

impl Sharpness {
    /// In the full space, A = I: the paper's Table 3.
    pub fn full(epsilon: f64) -> Self {
        Self {
            epsilon,
            along: Along::All,
            orthonormal: false,
            iterations: 10,
            maximizer: Maximizer::Lbfgsb,
            starts: 0,
            climb: false,
            corners: 4,
            objective: Objective::new(),
            seed: Seed(0),
            draw: 0,
            test: false,
            threads: None,
            seconds: None,
            kept: None,
            quiet: false,
        }
    }

    /// Along p random directions: the paper's Table 4 with p = 100.
    pub fn subspace(epsilon: f64, p: usize) -> Self {
        Self { along: Along::Random(p), ..Self::full(epsilon) }
    }

    /// Along directions that are given, each of n numbers; they must be independent.
    pub fn along(epsilon: f64, directions: Vec<Vec<f64>>) -> Self {
        Self { along: Along::Given(directions), ..Self::full(epsilon) }
    }

    /// With the directions made orthonormal, without which they are taken as they come.
    pub fn orthonormal(self) -> Self {
        Self { orthonormal: true, ..self }
    }

    /// Iterations of each search.
    pub fn iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// How the largest f is looked for.
    pub fn maximizer(self, maximizer: Maximizer) -> Self {
        Self { maximizer, ..self }
    }

    /// Searches from so many random points of the box, beside the one from zero.
    pub fn starts(self, random: usize) -> Self {
        Self { starts: random, ..self }
    }

    /// The measure that can be trusted: from zero, from four random points of the box, and from corner to corner; the
    /// largest f of all.
    pub fn thorough(self) -> Self {
        Self { starts: 4, climb: true, ..self }
    }

    /// Random corners of the box that the searches are compared with.
    pub fn corners(self, corners: usize) -> Self {
        Self { corners, ..self }
    }

    /// How f is evaluated.
    pub fn objective(self, objective: Objective) -> Self {
        Self { objective, ..self }
    }

    /// Where everything random comes from.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Seed(seed), ..self }
    }

    /// Another random A of the same seed.
    pub fn draw(self, draw: u64) -> Self {
        Self { draw, ..self }
    }

    /// Of f on the test split, where the paper has the training split.
    pub fn on_test(self) -> Self {
        Self { test: true, ..self }
    }

    /// Threads of the whole call: measures of several points run side by side, and share what remains. The result does not
    /// depend on it, and memory does: see [`at`](Self::at).
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// In calls that measure several points: begins none after about this many seconds. [`Maxima::unmeasured`] says how many
    /// are missing.
    pub fn seconds(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// In calls that measure several points: keeps each measure in a folder as it is finished, and takes from it what was
    /// finished before, so that a call that was interrupted goes on where it was when the same call is made again. Nothing is
    /// taken that was made of other weights, points or parameters, or by another version; the folder can be removed at any
    /// time.
    pub fn kept_in(self, folder: impl AsRef<Path>) -> Self {
        Self { kept: Some(Kept::in_folder(folder.as_ref())), ..self }
    }

    /// Without progress lines.
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// Measures at one point, on the [`threads`](Self::threads) asked for, else on all of the machine or those of the pool
    /// that it is called in.
    ///
    /// Cost: for each search about as many evaluations of f and ∇f as it has iterations, one evaluation of f a corner, and
    /// three of ∇f. Memory: L-BFGS-B keeps about 31 vectors of p numbers in f64, the rest about 10.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, [`Error::Shape`] where net, data, weights and directions do not belong
    /// together, [`Error::Data`] where weights are not finite, where f in the box is not, or where directions are not
    /// independent.
    pub fn at(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<Maximum> {
        self.check_weights(net, x)?;
        let progress = Progress::new(self.searches(), self.quiet);
        let report = |search: &Search| progress.advance(1, || search.to_string());
        let measure = || {
            let directions = self.directions(x.len())?;
            self.around(net, self.split(data), &x.to_f64(), Some(x.buffers()), directions.as_ref(), &report)
        };
        let maximum = match self.threads {
            None => measure()?,
            Some(threads) => crate::abreast::in_pool(threads, measure)?,
        };
        Ok(Maximum { data: data.name.clone(), ..maximum })
    }

    /// An error unless these weights can be measured.
    fn check_weights(&self, net: &Net, x: &Weights) -> Result<()> {
        net.check_weights(x)?;
        if self.objective.statistics == Statistics::Recalibrated {
            let allowed = "be batch or running: re-estimated averages move with x, and the gradient does not say how";
            return Err(Error::parameter("statistics", self.objective.statistics, allowed));
        }
        Ok(())
    }

    fn split<'a>(&self, data: &'a Dataset) -> &'a Split {
        if self.test { &data.test } else { &data.train }
    }

    /// How many searches a measure has.
    fn searches(&self) -> usize {
        1 + self.starts + usize::from(self.climb)
    }

    /// A of n rows; nothing for the full space.
    fn directions(&self, n: usize) -> Result<Option<Directions>> {
        Ok(match &self.along {
            Along::All => None,
            Along::Random(p) => Some(Directions::random(n, *p, self.seed, self.draw, self.orthonormal)?),
            Along::Given(columns) => Some(Directions::given(n, columns.clone(), self.orthonormal)?),
        })
    }

    /// Measures at a point in f64 of one split, to check against another program; the result's data set has no name.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn at_point(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Maximum> {
        if self.objective.statistics != Statistics::Batch {
            let allowed = "be batch: a bare point has no averages";
            return Err(Error::parameter("statistics", self.objective.statistics, allowed));
        }
        let directions = self.directions(x.len())?;
        self.around(net, split, x, None, directions.as_ref(), &|_| ())
    }

    fn check(&self, net: &Net, x: &[f64]) -> Result<()> {
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            return Err(Error::parameter("epsilon", self.epsilon, "be finite and at least 0"));
        }
        crate::data::check_count("iterations", self.iterations, 100_000)?;
        for (name, given) in [("starts", self.starts), ("corners", self.corners)] {
            if given > 1_000 {
                return Err(Error::parameter(name, given, "lie in 0..=1000"));
            }
        }
        net.check_point(x)?;
        match x.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(Error::Data(format!("weights must be finite, but number {place} is {}", x[place]))),
            None => Ok(()),
        }
    }

    /// `report` is told of each search as it ends.
    fn around(
        &self,
        net: &Net,
        split: &Split,
        x: &[f64],
        running: Option<&[f32]>,
        directions: Option<&Directions>,
        report: &dyn Fn(&Search),
    ) -> Result<Maximum> {
        let begin = Instant::now();
        self.check(net, x)?;
        let radius: Vec<f64> = match directions {
            None => x.iter().map(|x| self.epsilon * (x.abs() + 1.0)).collect(),
            Some(a) => a.coordinates(x).iter().map(|z| self.epsilon * (z.abs() + 1.0)).collect(),
        };
        let mut around = Around { f: self.objective.repeated(net, split, running)?, x, directions, start: None };
        let zero = vec![0.0; radius.len()];
        let mut gradient = zero.clone();
        let value = around.at(&zero, &mut gradient)?;
        around.start = Some((value, gradient.clone()));
        if !value.is_finite() {
            return Err(Error::Data(format!("f at the point must be finite, but is {value}")));
        }
        let phi = |largest: f64| percent(largest - value, value).max(0.0);

        let mut random = self.seed.stream(Stream::Subspace, (1 << 55) | self.draw);
        let mut within =
            |scale: fn(f32) -> f64| -> Vec<f64> { radius.iter().map(|r| r * scale(uniform(&mut random))).collect() };
        let mut runs = vec![("zero".to_string(), self.maximizer, zero.clone())];
        for start in 0..self.starts {
            runs.push((format!("random {start}"), self.maximizer, within(|share| 2.0 * f64::from(share) - 1.0)));
        }
        if self.climb {
            runs.push(("zero".into(), Maximizer::Corners, zero.clone()));
        }
        let mut best =
            Found { z: zero.clone(), largest: value, trace: vec![], evaluations: 0, ended: Ended::Stationary };
        let mut searches = Vec::new();
        for (start, maximizer, from) in runs {
            let mut f = |z: &[f64], g: &mut [f64]| around.at(z, g);
            let found = maximize(maximizer, &mut f, &radius, &from, self.iterations)?;
            let search = Search {
                start,
                maximizer,
                phi: phi(found.largest),
                trace: found.trace.iter().map(|&largest| phi(largest)).collect(),
                evaluations: found.evaluations,
                ended: found.ended,
                reach: reach(&found.z, &zero, &radius),
                moved: reach(&found.z, &from, &radius),
                active: active(&found.z, &radius),
            };
            report(&search);
            searches.push(search);
            if found.largest > best.largest {
                best = found;
            }
        }
        let mut corner: Option<f64> = None;
        for _ in 0..self.corners {
            let z = within(|share| if share < 0.5 { -1.0 } else { 1.0 });
            let there = phi(around.value(&z)?);
            corner = Some(corner.map_or(there, |corner| corner.max(there)));
        }
        let first_order = gradient.iter().zip(&radius).map(|(g, r)| g.abs() * r).sum::<f64>();
        let second_order = around.quadratic(&best.z, &gradient)?;
        Ok(Maximum {
            regime: None,
            batch: None,
            trial: None,
            trial_seed: None,
            net: net.name().into(),
            data: String::new(),
            split: if self.test { "test" } else { "train" }.into(),
            epsilon: self.epsilon,
            along: self.along_in_words(),
            dimension: radius.len(),
            statistics: self.objective.statistics,
            chunk: self.objective.chunk,
            seed: self.seed.0,
            draw: self.draw,
            iterations: self.iterations,
            value,
            largest: best.largest,
            displacement: Some(best.z),
            corner,
            first_order: percent(first_order, value),
            second_order: percent(second_order, value),
            searches,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    fn along_in_words(&self) -> String {
        let orthonormal = if self.orthonormal { ", orthonormal" } else { "" };
        match &self.along {
            Along::All => "full space".into(),
            Along::Random(p) => format!("random subspace, p = {p}{orthonormal}"),
            Along::Given(directions) => format!("given directions, p = {}{orthonormal}", directions.len()),
        }
    }
}

/// How much f grows, as a percentage of 1 + f(x).
fn percent(growth: f64, value: f64) -> f64 {
    100.0 * growth / (1.0 + value)
}

/// The mean of `|zᵢ − fromᵢ| / rᵢ`; a box without room has been reached.
fn reach(z: &[f64], from: &[f64], radius: &[f64]) -> f64 {
    let shares = z.iter().zip(from).zip(radius);
    let shares = shares.map(|((z, from), r)| if *r > 0.0 { (z - from).abs() / r } else { 1.0 });
    shares.sum::<f64>() / z.len() as f64
}

fn active(z: &[f64], radius: &[f64]) -> f64 {
    z.iter().zip(radius).filter(|(z, r)| z.abs() >= **r).count() as f64 / z.len() as f64
}

/// f around x, as a function of y.
struct Around<'a> {
    f: Repeated<'a>,
    x: &'a [f64],
    directions: Option<&'a Directions>,
    /// f and its gradient at y = 0, from where more than one search begins.
    start: Option<(f64, Vec<f64>)>,
}

impl Around<'_> {
    fn moved(&self, y: &[f64]) -> Vec<f64> {
        match self.directions {
            None => self.x.iter().zip(y).map(|(x, y)| x + y).collect(),
            Some(a) => a.moved(self.x, y),
        }
    }

    fn value(&mut self, y: &[f64]) -> Result<f64> {
        let x = self.moved(y);
        self.f.value(&x)
    }

    /// f with its gradient in y.
    fn at(&mut self, y: &[f64], gradient: &mut [f64]) -> Result<f64> {
        if let Some((value, there)) = self.start.as_ref().filter(|_| y.iter().all(|y| *y == 0.0)) {
            gradient.copy_from_slice(there);
            return Ok(*value);
        }
        let x = self.moved(y);
        let found = self.f.gradient(&x)?;
        match self.directions {
            None => gradient.copy_from_slice(&found.gradient),
            Some(a) => gradient.copy_from_slice(&a.of_gradient(&found.gradient)),
        }
        Ok(found.loss)
    }

    /// `gᵀy + ½ yᵀHy`, with `Hy` by a central difference of a hundredth of y.
    fn quadratic(&mut self, y: &[f64], gradient: &[f64]) -> Result<f64> {
        const SHARE: f64 = 0.01;
        let scaled = |share: f64| -> Vec<f64> { y.iter().map(|y| share * y).collect() };
        let (mut above, mut below) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        self.at(&scaled(SHARE), &mut above)?;
        self.at(&scaled(-SHARE), &mut below)?;
        let linear: f64 = gradient.iter().zip(y).map(|(g, y)| g * y).sum();
        let curved: f64 = above.iter().zip(&below).zip(y).map(|((a, b), y)| (a - b) / (2.0 * SHARE) * y).sum();
        Ok(linear + 0.5 * curved)
    }
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
    /// φ, percent: of the largest f of all searches; at least 0, and at most what the box holds.
    pub fn phi(&self) -> f64 {
        percent(self.largest - self.value, self.value).max(0.0)
    }

    /// The search that found it; the first of equal ones.
    pub fn best(&self) -> Option<&Search> {
        self.searches.iter().reduce(|best, next| if next.phi > best.phi { next } else { best })
    }

    /// The search from x itself by the maximizer asked for: with the defaults, the paper's protocol as far as it says one.
    pub fn from_zero(&self) -> Option<&Search> {
        self.searches.first()
    }

    /// Whether φ can be trusted: the status of the [best](Self::best) search.
    pub fn status(&self) -> Status {
        self.best().map_or(Status::Stayed, |best| best.status(self))
    }

    /// φ with its status, where that says that it is not to be trusted.
    pub fn summary(&self) -> String {
        match self.status() {
            Status::Found => format!("{:.4} %", self.phi()),
            status => format!("{:.4} % ({status}: a lower bound, no measure)", self.phi()),
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
        rows.push(other("if f were quadratic, at the best point", self.second_order));
        let title = format!(
            "Sharpness φ = {} for ε = {:e}, {}, {} split; f(x) = {:.6}",
            self.summary(),
            self.epsilon,
            self.along,
            self.split,
            self.value
        );
        let head = [
            "search",
            "φ, %",
            "iterations",
            "evaluations",
            "over corners",
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

crate::display::shown_as_text!(Ended, Search, Status);
