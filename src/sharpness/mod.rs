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
//! | [`work`](Sharpness::work) | all threads, no budget, kept nowhere | | – |
//!
//! Deviation: the paper says neither where the search begins nor how A is drawn. Ours begins at y = 0, as a minimizer that is
//! handed x does. Entries of A are drawn from N(0, 1) and not normalized, which for F1 gives the size of Table 4's small batch, but
//! not that of its large one; [`orthonormal`](Sharpness::orthonormal) columns can be asked for.
//!
//! Deviation: the largest f is that of all points visited, x among them, so φ is never below 0.

mod around;
mod directions;
mod maxima;
mod maximize;
mod maximum;

use std::time::Instant;

pub use maxima::{Contrast, Maxima, Reading};
pub(crate) use maxima::{check_each_once, check_one_box};
pub use maximize::{Ended, Maximizer};
pub use maximum::{Maximum, Origin, Search, Space, Status};

use crate::data::{Dataset, Split, Which, check_count};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::kept::{Fingerprint, Found};
use crate::net::Net;
use crate::objective::{Objective, Statistics};
use crate::seed::{Seed, Stream, uniform};
use crate::train::{Pair, Spot, Study, Trials};
use crate::weights::Weights;
use crate::work::{Parts, Work};
use around::{Around, active, percent, reach, step};
use directions::Directions;
use maximize::maximize;

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
    way: Way,
    work: Work,
}

/// All that decides a measure's numbers, with the net, the points and x. It is hashed whole where measures are kept.
#[derive(Debug, Clone, PartialEq)]
struct Way {
    epsilon: f64,
    along: Along,
    orthonormal: bool,
    iterations: usize,
    maximizer: Maximizer,
    /// Random starts, where their number was given.
    starts: Option<usize>,
    thorough: bool,
    corners: usize,
    objective: Objective,
    seed: Seed,
    draw: u64,
    split: Which,
}

#[derive(Debug, Clone, PartialEq)]
enum Along {
    All,
    Random(usize),
    Given(Vec<Vec<f64>>),
}

/// One point to be measured.
struct Point<'a> {
    spot: Spot<'a>,
    draw: u64,
}

impl Sharpness {
    /// In the full space, A = I: the paper's Table 3.
    pub fn full(epsilon: f64) -> Self {
        Self::of(epsilon, Along::All)
    }

    /// Along p random directions: the paper's Table 4 with p = 100.
    pub fn subspace(epsilon: f64, p: usize) -> Self {
        Self::of(epsilon, Along::Random(p))
    }

    /// Along directions that are given, each of n numbers; they must be independent.
    pub fn along(epsilon: f64, directions: Vec<Vec<f64>>) -> Self {
        Self::of(epsilon, Along::Given(directions))
    }

    fn of(epsilon: f64, along: Along) -> Self {
        let way = Way {
            epsilon,
            along,
            orthonormal: false,
            iterations: 10,
            maximizer: Maximizer::Lbfgsb,
            starts: None,
            thorough: false,
            corners: 4,
            objective: Objective::new(),
            seed: Seed(0),
            draw: 0,
            split: Which::Train,
        };
        Self { way, work: Work::new() }
    }

    fn with(self, change: impl FnOnce(&mut Way)) -> Self {
        let mut way = self.way;
        change(&mut way);
        Self { way, ..self }
    }

    /// Orthonormalizes the directions; without it they are used as they were drawn or given.
    pub fn orthonormal(self) -> Self {
        self.with(|way| way.orthonormal = true)
    }

    /// Iterations of each search.
    pub fn iterations(self, iterations: usize) -> Self {
        self.with(|way| way.iterations = iterations)
    }

    /// How the largest f is looked for.
    pub fn maximizer(self, maximizer: Maximizer) -> Self {
        self.with(|way| way.maximizer = maximizer)
    }

    /// Searches from so many random points of the box, beside the one from zero.
    pub fn starts(self, random: usize) -> Self {
        self.with(|way| way.starts = Some(random))
    }

    /// From zero, from four random points of the box (or as many as [`starts`](Self::starts) says), and from corner to corner;
    /// the largest f of all. It is still a lower bound, and even for convex f of few dimensions not always the largest there
    /// is: see how far the searches agree. In a subspace [`Maximizer::Flips`] may find more.
    pub fn thorough(self) -> Self {
        self.with(|way| way.thorough = true)
    }

    /// Random corners of the box that the searches are compared with.
    pub fn corners(self, corners: usize) -> Self {
        self.with(|way| way.corners = corners)
    }

    /// How f is evaluated.
    pub fn objective(self, objective: Objective) -> Self {
        self.with(|way| way.objective = objective)
    }

    /// Where everything random comes from.
    pub fn seed(self, seed: u64) -> Self {
        self.with(|way| way.seed = Seed(seed))
    }

    /// Another random A of the same seed.
    pub fn draw(self, draw: u64) -> Self {
        self.with(|way| way.draw = draw)
    }

    /// Of f on the test split, where the paper has the training split.
    pub fn on_test(self) -> Self {
        self.with(|way| way.split = Which::Test)
    }

    /// Measures at one point.
    ///
    /// Cost: for each search about as many evaluations of f and ∇f as it has iterations, one evaluation of f a corner, and a
    /// product with ∇²f(x), about three of ∇f. Memory: L-BFGS-B keeps about 46 vectors of p numbers in f64, the rest about 13 of n
    /// in f32, and the layers of the product are twice the outputs of the net's layers for a chunk of points; of several points as
    /// many are measured at once as the machine has room for. A measure that is found as it was kept has no
    /// [displacement](Maximum::displacement).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, [`Error::Shape`] where net, data, weights and directions do not belong
    /// together, [`Error::Data`] where weights are not finite, where f in the box is not, or where directions are not
    /// independent; [`Error::File`] for a folder of kept measures that cannot be one.
    pub fn at(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<Maximum> {
        let point = Point { spot: Spot::bare(x), draw: self.way.draw };
        let mut found = self.points(net, data, &[point], true)?.maxima;
        found.pop().ok_or_else(|| Error::parameter("points", 0, "be at least 1"))
    }

    /// Measures the last points of a regime's trials, in parallel; those of [`Trials::at_lowest`] where the loss is lowest. A
    /// trial that diverged is left out, and counted. One around which f or its gradient ceases to be finite is left out, and named
    /// ([`Maxima::failed`]); where that is so of all, it is an error.
    ///
    /// Cost and memory: those of [`at`](Self::at) for each; as many at once as there are threads.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Data`] where there are no trials. Measures that ended well are kept in spite of an error.
    pub fn trials(&self, net: &Net, data: &Dataset, trials: &Trials) -> Result<Maxima> {
        self.regimes(net, data, &[trials])
    }

    /// Measures the last points of both regimes, in parallel.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    ///
    /// ```
    /// use sharp_minima::{Sharpness, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let pair = Training::adam().trials(2).epochs(3).quiet().pair(&net, &data, 10, 100)?;
    /// let maxima = Sharpness::full(1e-3).thorough().quiet().pair(&net, &data, &pair)?;
    /// assert_eq!(maxima.maxima.len(), 4);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn pair(&self, net: &Net, data: &Dataset, pair: &Pair) -> Result<Maxima> {
        self.regimes(net, data, &[&pair.small, &pair.large])
    }

    /// Measures the last points of all regimes of a study, in parallel.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    pub fn study(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Maxima> {
        self.regimes(net, data, &study.regimes.iter().collect::<Vec<_>>())
    }

    /// Measures the points of all regimes of a study after each epoch that all trials kept one of
    /// ([`Training::iterates`](crate::Training::iterates)): the way down.
    ///
    /// Cost and memory: those of [`at`](Self::at) for each; points that were kept in a folder are read when they are measured.
    ///
    /// # Errors
    /// As [`trials`](Self::trials); [`Error::Data`] where the study's trials have kept no common epoch.
    ///
    /// ```
    /// use sharp_minima::{Sharpness, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let training = Training::adam().trials(2).epochs(3).iterates(&[1, 3]).quiet();
    /// let study = training.pair(&net, &data, 10, 100)?.study();
    /// let maxima = Sharpness::full(1e-3).quiet().iterates(&net, &data, &study)?;
    /// assert_eq!(maxima.maxima.iter().map(|maximum| maximum.epoch).collect::<Vec<_>>(), [1, 1, 1, 1, 3, 3, 3, 3].map(Some));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn iterates(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Maxima> {
        self.spots(net, data, Spot::along(study, "sharpness")?)
    }

    /// Measures the points of all regimes where they are read, each with the epoch after which that is: measures that make a
    /// [way down](Study::ways_down) where each trial is read after an epoch of its own
    /// ([`Pair::at_accuracies`](crate::Pair::at_accuracies)). They are not averaged over trials then, as those of
    /// [`study`](Self::study) are.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    ///
    /// ```
    /// use sharp_minima::{Sharpness, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let pair = Training::adam().trials(2).epochs(3).iterates(&[1, 2, 3]).quiet().pair(&net, &data, 10, 100)?;
    /// let there = pair.at_accuracies(0.9, 0.6)?.study();
    /// let maxima = Sharpness::full(1e-3).quiet().by_epoch(&net, &data, &there)?;
    /// assert_eq!(pair.study().way_down(&maxima)?.points.len(), 4);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn by_epoch(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Maxima> {
        self.spots(net, data, Spot::by_epoch(study, "sharpness")?)
    }

    /// Measures one point along several random A, from the [draw](Self::draw) of this on.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Parameter`] for more than one where A is not random.
    pub fn draws(&self, net: &Net, data: &Dataset, x: &Weights, count: usize) -> Result<Maxima> {
        check_count("number of draws", count, 10_000)?;
        if count > 1 && !matches!(self.way.along, Along::Random(_)) {
            return Err(Error::parameter("number of draws", count, "be 1 where A is not random"));
        }
        let point = |draw| Point { spot: Spot::bare(x), draw: self.way.draw.saturating_add(draw) };
        self.points(net, data, &(0..count as u64).map(point).collect::<Vec<_>>(), false)
    }

    /// A y, the step from x to the largest f that a measure by [`at`](Self::at) found: n numbers in the layout of x.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a measure without its [displacement](Maximum::displacement); [`Error::Shape`] for one in a box of
    /// another dimension than this.
    pub fn step(&self, net: &Net, found: &Maximum) -> Result<Vec<f64>> {
        let Some(y) = &found.displacement else {
            let allowed = "be there: only `.at(…)` leaves it, where the measure was not found as it was kept";
            return Err(Error::parameter("displacement", "none", allowed));
        };
        let n = net.parameter_count();
        let directions = Way { draw: found.draw, ..self.way.clone() }.directions(n)?;
        let p = match &self.way.along {
            Along::All => n,
            Along::Random(p) => *p,
            Along::Given(columns) => columns.len(),
        };
        if y.len() != p {
            return Err(Error::Shape(format!("a box of {p} dimensions has no step of {} numbers", y.len())));
        }
        Ok(step(directions.as_ref(), n, y))
    }

    fn regimes(&self, net: &Net, data: &Dataset, regimes: &[&Trials]) -> Result<Maxima> {
        self.spots(net, data, Spot::ends(regimes, "sharpness")?)
    }

    fn spots(&self, net: &Net, data: &Dataset, (spots, diverged): (Vec<Spot<'_>>, usize)) -> Result<Maxima> {
        let points: Vec<Point<'_>> = spots.into_iter().map(|spot| Point { spot, draw: self.way.draw }).collect();
        Ok(Maxima { diverged, ..self.points(net, data, &points, false)? })
    }

    /// Measures points; `whole` keeps their displacements, and begins all of them whatever the budget.
    fn points(&self, net: &Net, data: &Dataset, points: &[Point<'_>], whole: bool) -> Result<Maxima> {
        self.work.check()?;
        for point in points {
            let x = point.spot.x()?;
            self.way.check_weights(net, &x)?;
            self.way.check(net, &x.to_f64())?;
        }
        let split = data.split(self.way.split);
        // The draw is a point's own. Measures that were kept before second derivatives were exact are others.
        let points_of = Fingerprint::new("sharpness with products").and(&Way { draw: 0, ..self.way.clone() });
        let points_of = points_of.and(&(net.name(), net.input(), net.layers())).split(split);
        let of = |point: &Point<'_>| -> Result<Fingerprint> {
            let x = point.spot.x()?;
            let running = matches!(self.way.objective.statistics, Statistics::Running).then(|| x.buffers());
            Ok(points_of.clone().and(&point.draw).numbers(x.values()).numbers(running.unwrap_or_default()))
        };
        let name = |point: &Point<'_>| point.spot.name().unwrap_or_else(|| format!("draw {}", point.draw));
        // One A for all trials, made once; each draw has its own.
        let one = points.iter().all(|point| point.draw == self.way.draw);
        let shared = if one { self.way.directions(net.parameter_count())? } else { None };
        let described = |point: &Point<'_>, maximum: Maximum| {
            let maximum = Maximum { data: data.name.clone(), draw: point.draw, ..maximum };
            match point.spot.of {
                Some((regime, trial, epoch)) => maximum.of_trial(regime, trial, epoch),
                // One that was kept may have been a trial's.
                None => maximum.of_no_trial(),
            }
        };
        let found = self.work.each(&Parts {
            parts: points,
            most: if self.way.objective.is_fused() { points.len() } else { 1 },
            bytes: self.way.bytes(net, split),
            steps: &|_| self.way.searches(),
            name: &name,
            find: &|shelf, point| {
                Ok(match shelf.find::<Maximum>("sharpness", &of(point)?)? {
                    Found::Whole(maximum) => Found::Whole(Ok(described(point, maximum))),
                    Found::Wrong(reason) => Found::Wrong(reason),
                    Found::Nothing => Found::Nothing,
                })
            },
            make: &|point, doing| {
                if !whole && doing.is_over() {
                    return Ok(None);
                }
                let report = |search: &Search| {
                    // As short as it may be: a line of a notebook is.
                    let from = match search.maximizer {
                        Maximizer::Corners => "corners".into(),
                        _ => search.start.to_string(),
                    };
                    doing.progress.advance(1, || format!("{}, {from}: φ = {} %", name(point), significant(search.phi)));
                };
                let weights = point.spot.x()?;
                let drawn = match one {
                    true => None,
                    false => Way { draw: point.draw, ..self.way.clone() }.directions(weights.len())?,
                };
                let directions = shared.as_ref().or(drawn.as_ref());
                let x = weights.to_f64();
                match self.way.around(net, split, &x, Some(weights.buffers()), directions, &report) {
                    Ok(maximum) => Ok(Some(Ok(described(point, maximum)))),
                    // Numbers that cease to be finite are this point's own: the others go on.
                    Err(Error::Data(reason)) => Ok(Some(Err(format!("{}: {reason}", name(point))))),
                    Err(other) => Err(other),
                }
            },
            // The file has all but the displacement, which is as large as the weights.
            keep: &|shelf, point, maximum| match maximum {
                Ok(maximum) => shelf.keep("sharpness", &of(point)?, maximum),
                Err(_) => Ok(()),
            },
        })?;
        let unmeasured = found.iter().filter(|maximum| maximum.is_none()).count();
        let (mut maxima, mut failed) = (Vec::new(), Vec::new());
        for one in found.into_iter().flatten() {
            match one {
                Ok(maximum) => maxima.push(maximum),
                Err(reason) => failed.push(reason),
            }
        }
        if let (true, Some(reason)) = (maxima.is_empty(), failed.first()) {
            return Err(Error::Data(reason.clone()));
        }
        if !whole {
            maxima.iter_mut().for_each(|maximum: &mut Maximum| maximum.displacement = None);
        }
        Ok(Maxima { maxima, unmeasured, diverged: 0, failed })
    }

    /// Measures at a point in f64 of one split, to check against another program; the result's data set has no name.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn at_point(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Maximum> {
        if self.way.objective.statistics != Statistics::Batch {
            let allowed = "be batch: a bare point has no averages";
            return Err(Error::parameter("statistics", self.way.objective.statistics, allowed));
        }
        net.check_point(x)?;
        let directions = self.way.directions(x.len())?;
        self.way.around(net, split, x, None, directions.as_ref(), &|_| ())
    }
}

impl Way {
    /// An error unless these weights can be measured.
    fn check_weights(&self, net: &Net, x: &Weights) -> Result<()> {
        net.check_weights(x)?;
        if self.objective.statistics == Statistics::Recalibrated {
            let allowed = "be batch or running: re-estimated averages move with x, and the gradient does not say how";
            return Err(Error::parameter("statistics", self.objective.statistics, allowed));
        }
        Ok(())
    }

    /// Random points of the box from which searches begin.
    fn random_starts(&self) -> usize {
        self.starts.unwrap_or(if self.thorough { 4 } else { 0 })
    }

    /// How many searches a measure has.
    fn searches(&self) -> usize {
        1 + self.random_starts() + usize::from(self.thorough)
    }

    /// A of n rows; nothing for the full space.
    fn directions(&self, n: usize) -> Result<Option<Directions>> {
        Ok(match &self.along {
            Along::All => None,
            Along::Random(p) => Some(Directions::random(n, *p, self.seed, self.draw, self.orthonormal)?),
            Along::Given(columns) => Some(Directions::given(n, columns.clone(), self.orthonormal)?),
        })
    }

    fn check(&self, net: &Net, x: &[f64]) -> Result<()> {
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            return Err(Error::parameter("epsilon", self.epsilon, "be finite and at least 0"));
        }
        check_count("iterations", self.iterations, 100_000)?;
        for (name, given) in [("starts", self.random_starts()), ("corners", self.corners)] {
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

    /// What a measure takes, about: layers of a product, vectors of the search, and those around them.
    fn bytes(&self, net: &Net, split: &Split) -> u64 {
        let n = net.parameter_count() as u64;
        let p = match &self.along {
            Along::All => n,
            Along::Random(p) => *p as u64,
            Along::Given(columns) => (columns.len() as u64).saturating_mul(1 + n),
        };
        (2 * self.objective.layers(net, split.len()) + 52 * n).saturating_add((8 * 46_u64).saturating_mul(p))
    }

    /// `gᵀy + ½ dᵀ∇²f(x) d` with d = A y; nothing where f is evaluated in a way that has no products.
    fn quadratic(
        &self,
        net: &Net,
        split: &Split,
        x: &[f64],
        d: &[f64],
        y: &[f64],
        gradient: &[f64],
    ) -> Result<Option<f64>> {
        if !self.objective.is_curved() {
            return Ok(None);
        }
        let linear: f64 = gradient.iter().zip(y).map(|(g, y)| g * y).sum();
        // Where no search found more than f(x) there is no way to multiply by.
        if d.iter().all(|d| *d == 0.0) {
            return Ok(Some(linear));
        }
        let products = self.objective.hessian_at(net, split, x, &[d.to_vec()])?;
        let curved: f64 = products.iter().flatten().zip(d).map(|(h, d)| h * d).sum();
        Ok(Some(linear + 0.5 * curved))
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
        let radius = Around::radius(self.epsilon, x, directions);
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
        let mut runs = vec![(Origin::Zero, self.maximizer, zero.clone())];
        for start in 0..self.random_starts() {
            runs.push((Origin::Random(start), self.maximizer, within(|share| 2.0 * f64::from(share) - 1.0)));
        }
        if self.thorough {
            runs.push((Origin::Zero, Maximizer::Corners, zero.clone()));
        }
        let (mut best, mut largest) = (zero.clone(), value);
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
            if found.largest > largest {
                (best, largest) = (found.z, found.largest);
            }
        }
        let mut corner: Option<f64> = None;
        for number in 0..self.corners {
            let z = within(|share| if share < 0.5 { -1.0 } else { 1.0 });
            let there = around.value(&z)?;
            if !there.is_finite() {
                // It would count as no growth at all, where it is the largest that there can be.
                return Err(Error::Data(format!(
                    "f in the box must be finite, but is {there} in random corner {number}: a smaller ε may help"
                )));
            }
            corner = Some(corner.map_or(phi(there), |corner| corner.max(phi(there))));
        }
        // The product has layers of its own.
        drop(around);
        let first_order = gradient.iter().zip(&radius).map(|(g, r)| g.abs() * r).sum::<f64>();
        let second_order = self.quadratic(net, split, x, &step(directions, x.len(), &best), &best, &gradient)?;
        let orthonormal = self.orthonormal;
        Ok(Maximum {
            regime: None,
            role: None,
            batch: None,
            trial: None,
            epoch: None,
            trial_seed: None,
            net: net.name().into(),
            data: String::new(),
            split: self.split,
            points: Some(split.len()),
            epsilon: self.epsilon,
            space: match &self.along {
                Along::All => Space::Full,
                Along::Random(p) => Space::Random { p: *p, orthonormal },
                Along::Given(directions) => Space::Given { p: directions.len(), orthonormal },
            },
            dimension: radius.len(),
            objective: self.objective,
            seed: self.seed.0,
            draw: self.draw,
            iterations: self.iterations,
            value,
            largest,
            displacement: Some(best),
            corner,
            first_order: percent(first_order, value),
            second_order: second_order.map(|growth| percent(growth, value)),
            gradient_norm: Some(gradient.iter().map(|g| g * g).sum::<f64>().sqrt()),
            searches,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }
}

crate::work::works!(
    Sharpness,
    "none is begun after that, one that was begun is always finished, and so is the only one of\n[`at`](Self::at). [`Maxima::unmeasured`] says how many are missing."
);

crate::display::shown_as_text!(Sharpness);
