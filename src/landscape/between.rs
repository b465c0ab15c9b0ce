//! What lies between two minima? f along a path from the small batch's minimum to the large batch's.
//!
//! The straight line of Figure 3, `f(α x_ℓ + (1 − α) x_s)`, and the curve of Figure 7 (Appendix D),
//! `f(sin(απ/2) x_ℓ + cos(απ/2) x_s)`: at α = 0 stands the solution of small batches, at α = 1 that of large ones. A path is
//! evaluated on both splits, loss and accuracy.
//!
//! Deviation: over which α Figure 7 is drawn could not be checked; ours has those of Figure 3. Beyond 0 and 1 the curve turns
//! back: at α = −1 it ends in `−x_ℓ`, at α = 2 in `−x_s`.
//!
//! With the statistics of the chunk (the default) f is a function of x alone. The averages that weights carry are wrong on the
//! way between two minima, where no training went: [`Statistics::Recalibrated`] estimates them again at each point, and
//! [`Statistics::Running`] shows what comes out if one does not.
//!
//! | name | default | range | paper |
//! |---|---|---|---|
//! | [`points`](Between::points) | 25 | 2..=10,000 | 25 (code) |
//! | [`alphas`](Between::alphas) | −1 to 2 | finite, the first below the last | −1 to 2 (Figure 3) |
//! | [`objective`](Between::objective) | batch statistics, chunks of 5,000, f32 | | `mode=2` (code) |
//! | [`work`](Between::work) | all threads, no budget, kept nowhere | | – |

use std::collections::BTreeSet;
use std::time::Instant;

use crate::data::{Dataset, check_count};
use crate::display::{Block, missing, significant, total};
use crate::error::{Error, Result};
use crate::kept::Fingerprint;
use crate::net::Net;
use crate::objective::{Evaluation, Objective, Statistics};
use crate::spread::Ratio;
use crate::train::Pair;
use crate::weights::Weights;
use crate::work::{Parts, Work};

/// The shape of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Shape {
    /// `α x_ℓ + (1 − α) x_s`.
    Line,
    /// `sin(απ/2) x_ℓ + cos(απ/2) x_s`.
    Curve,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Shape::Line => "line",
            Shape::Curve => "curve",
        })
    }
}

/// How to look along a path between two points.
///
/// ```
/// use sharp_minima::{Between, Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let pair = Training::adam().trials(1).epochs(3).quiet().pair(&net, &data, 10, 100)?;
/// let path = Between::line().points(4).quiet().run(&net, &data, &pair.small.weights[0], &pair.large.weights[0])?;
/// let alphas: Vec<f64> = path.points.iter().map(|point| point.alpha).collect();
/// assert_eq!(alphas, [-1.0, 0.0, 1.0, 2.0]);
/// assert_eq!(path.points[1].value.train.loss, pair.small.regime.runs[0].last().train_loss);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    way: Way,
    work: Work,
}

/// All that decides a path's numbers, with the net, the points and its ends. It is hashed whole where paths are kept.
#[derive(Debug, Clone, PartialEq)]
struct Way {
    shape: Shape,
    points: usize,
    first: f64,
    last: f64,
    objective: Objective,
}

/// The two ends of a path.
struct Ends<'a> {
    trial: usize,
    small: &'a Weights,
    large: &'a Weights,
}

/// f at one point of a path.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathPoint {
    /// α: 0 at the small batch's solution, 1 at the large one's.
    pub alpha: f64,
    /// Loss and accuracy on both splits.
    pub value: Evaluation,
}

/// f along one path.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Its shape.
    pub shape: Shape,
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// Number of the trial whose two solutions it joins; 0 for two points.
    pub trial: usize,
    /// What stands at α = 0 and at α = 1, if it is not the small batch's solution and the large one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<[String; 2]>,
    /// How f was evaluated.
    pub objective: Objective,
    /// The points, by α.
    pub points: Vec<PathPoint>,
    /// How long it took.
    pub seconds: f64,
}

/// f along the paths of all trials of a pair.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// The paths; several shapes and statistics may lie side by side.
    pub paths: Vec<Path>,
    /// How many are missing, because the budget of seconds was used up before they were begun.
    pub unmeasured: usize,
    /// How many were left out, because one of the trial's two solutions diverged or is not there.
    pub diverged: usize,
}

impl Between {
    /// The straight line of Figure 3, from α = −1 to 2 in 25 points.
    pub fn line() -> Self {
        Self::of(Shape::Line)
    }

    /// The curve of Figure 7, from α = −1 to 2 in 25 points.
    pub fn curve() -> Self {
        Self::of(Shape::Curve)
    }

    fn of(shape: Shape) -> Self {
        Self { way: Way { shape, points: 25, first: -1.0, last: 2.0, objective: Objective::new() }, work: Work::new() }
    }

    /// Number of points, evenly spaced, both ends among them.
    pub fn points(self, points: usize) -> Self {
        Self { way: Way { points, ..self.way }, ..self }
    }

    /// The first and the last α.
    pub fn alphas(self, first: f64, last: f64) -> Self {
        Self { way: Way { first, last, ..self.way }, ..self }
    }

    /// How f is evaluated.
    pub fn objective(self, objective: Objective) -> Self {
        Self { way: Way { objective, ..self.way }, ..self }
    }

    /// Along the path from a solution of small batches to one of large ones.
    ///
    /// Cost: for each point one evaluation of f on both splits, with re-estimated averages one more on the training split.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range, [`Error::Shape`] where net, data and points do not belong together,
    /// [`Error::Data`] where a point is not finite, [`Error::File`] for a folder of kept paths that cannot be one.
    pub fn run(&self, net: &Net, data: &Dataset, small: &Weights, large: &Weights) -> Result<Path> {
        let mut paths = self.paths(net, data, &[Ends { trial: 0, small, large }])?.paths;
        paths.pop().ok_or_else(|| Error::Data("the budget of seconds left no time for the path".into()))
    }

    /// Along the paths of all trials of a pair, each from its small-batch to its large-batch solution, in parallel. Where one of
    /// a trial's two solutions is missing or diverged, there is no path of that trial, and it is counted.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Data`] where no trial has both solutions.
    pub fn pair(&self, net: &Net, data: &Dataset, pair: &Pair) -> Result<Paths> {
        let mut ends = Vec::new();
        for (run, small) in pair.small.finite() {
            let other = pair.large.finite().find(|(other, _)| other.trial == run.trial);
            ends.extend(other.map(|(_, large)| Ends { trial: run.trial, small, large }));
        }
        if ends.is_empty() {
            return Err(Error::Data(format!(
                "a path needs both solutions of a trial, but none of {} small and {} large has both",
                pair.small.weights.len(),
                pair.large.weights.len()
            )));
        }
        let trials: BTreeSet<usize> = pair.regimes().iter().flat_map(|one| &one.runs).map(|run| run.trial).collect();
        Ok(Paths { diverged: trials.len() - ends.len(), ..self.paths(net, data, &ends)? })
    }

    fn paths(&self, net: &Net, data: &Dataset, ends: &[Ends<'_>]) -> Result<Paths> {
        self.work.check()?;
        for Ends { small, large, .. } in ends {
            self.way.check(net, small, large)?;
        }
        let points_of = Fingerprint::new("path").and(&self.way).and(&(net.name(), net.input(), net.layers()));
        let points_of = points_of.and(&data.name).split(&data.train).split(&data.test);
        let of = |ends: &Ends<'_>| {
            let both = [ends.small, ends.large].into_iter();
            both.fold(points_of.clone().and(&ends.trial), |of, x| of.numbers(x.values()).numbers(x.buffers()))
        };
        let found = self.work.each(&Parts {
            parts: ends,
            most: if self.way.objective.is_fused() { ends.len() } else { 1 },
            bytes: self.way.objective.layers(net, data.train.len()) / 2,
            steps: &|_| self.way.points,
            name: &|ends| format!("trial {}", ends.trial),
            find: &|shelf, ends| shelf.find::<Path>("path", &of(ends)),
            make: &|ends, doing| {
                if doing.is_over() {
                    return Ok(None);
                }
                let report = |point: &PathPoint| {
                    let PathPoint { alpha, value } = point;
                    doing
                        .progress
                        .advance(1, || format!("trial {}, α = {alpha:.3}: loss {:.4}", ends.trial, value.train.loss));
                };
                self.way.path(net, data, ends, &report).map(Some)
            },
            // JSON has no NaN: such a loss would not be read back.
            keep: &|shelf, ends, path| match path.points.iter().all(|point| point.value.is_finite()) {
                true => shelf.keep("path", &of(ends), path),
                false => Ok(()),
            },
        })?;
        let unmeasured = found.iter().filter(|path| path.is_none()).count();
        Ok(Paths { paths: found.into_iter().flatten().collect(), unmeasured, diverged: 0 })
    }
}

impl Way {
    fn check(&self, net: &Net, small: &Weights, large: &Weights) -> Result<()> {
        check_count("points", self.points, 10_000)?;
        if self.points == 1 {
            return Err(Error::parameter("points", self.points, "lie in 2..=10000"));
        }
        if !(self.first.is_finite() && self.last.is_finite() && self.first < self.last) {
            let given = format!("{} to {}", self.first, self.last);
            return Err(Error::parameter("alphas", given, "be finite, the first below the last"));
        }
        for x in [small, large] {
            net.check_weights(x)?;
            if !x.is_finite() {
                return Err(Error::Data("the ends of a path must be finite, but one has weights that are not".into()));
            }
        }
        Ok(())
    }

    /// `report` is told of each point as it is done.
    fn path(&self, net: &Net, data: &Dataset, ends: &Ends<'_>, report: &dyn Fn(&PathPoint)) -> Result<Path> {
        let begin = Instant::now();
        let mut points = Vec::with_capacity(self.points);
        let mut evaluate = self.objective.evaluations(net, data)?;
        for place in 0..self.points {
            let share = place as f64 / (self.points - 1) as f64;
            // In this form both ends are what they were given as, to the bit, and so is an α of 0 or 1 between them.
            let alpha = self.first * (1.0 - share) + self.last * share;
            let alpha = if (alpha - alpha.round()).abs() < 1e-12 { alpha.round() } else { alpha };
            let value = evaluate.at(&self.at(ends.small, ends.large, alpha)?)?;
            points.push(PathPoint { alpha, value });
            report(&PathPoint { alpha, value });
        }
        Ok(Path {
            shape: self.shape,
            net: net.name().into(),
            data: data.name.clone(),
            trial: ends.trial,
            ends: None,
            objective: self.objective,
            points,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    /// The point at α.
    fn at(&self, small: &Weights, large: &Weights, alpha: f64) -> Result<Weights> {
        match self.shape {
            Shape::Line => small.mix(large, alpha),
            Shape::Curve => {
                let angle = alpha * std::f64::consts::FRAC_PI_2;
                // Whole quarter turns are exact.
                let exact = |value: f64| if value.abs() < 1e-15 { 0.0 } else { value };
                small.blended(large, exact(angle.cos()), exact(angle.sin()))
            }
        }
    }
}

impl Path {
    /// Training loss at an α that is one of the points.
    pub fn loss(&self, alpha: f64) -> Option<f64> {
        let here = self.points.iter().find(|point| (point.alpha - alpha).abs() < 1e-9);
        here.map(|point| point.value.train.loss)
    }

    /// The largest training loss within `radius` of each α, among the points of the path: `max_{|δ| ≤ radius} f(α + δ)`, what robust
    /// training (E.3) would minimize if this line were all there is. At the ends only what the path has is seen.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a radius that is not finite or below 0.
    pub fn robust(&self, radius: f64) -> Result<Vec<(f64, f64)>> {
        if !(radius.is_finite() && radius >= 0.0) {
            return Err(Error::parameter("radius", radius, "be finite and at least 0"));
        }
        let largest = |alpha: f64| {
            let near = self.points.iter().filter(|point| (point.alpha - alpha).abs() <= radius + 1e-9);
            highest(near.map(|point| point.value.train.loss)).unwrap_or(f64::NEG_INFINITY)
        };
        Ok(self.points.iter().map(|point| (point.alpha, largest(point.alpha))).collect())
    }

    /// The same with names for what stands at α = 0 and at α = 1, which tables and charts show: of two points that are no pair's.
    ///
    /// ```
    /// use sharp_minima::{Between, Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let trials = Training::adam().batch(20).trials(2).epochs(2).quiet().run(&net, &data)?;
    /// let path = Between::line().points(4).quiet().run(&net, &data, &trials.weights[0], &trials.weights[1])?;
    /// assert!(path.named("one", "another").block().text.contains("from one (α = 0) to another (α = 1)"));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn named(self, start: impl Into<String>, end: impl Into<String>) -> Self {
        Self { ends: Some([start.into(), end.into()]), ..self }
    }

    /// "line", "line, one to another".
    pub(crate) fn label(&self) -> String {
        let ends = self.ends.as_ref().map_or(String::new(), |[start, end]| format!(", {start} to {end}"));
        format!("{}{ends}", self.shape)
    }

    /// What stands at α = 0 and at α = 1.
    pub(crate) fn solutions(&self) -> [&str; 2] {
        self.ends.as_ref().map_or(["the small batch's solution", "the large batch's solution"], |ends| {
            ends.each_ref().map(String::as_str)
        })
    }

    /// "from the small batch's solution (α = 0) to the large one's (α = 1)".
    pub(crate) fn way(&self) -> String {
        match &self.ends {
            Some([start, end]) => format!("from {start} (α = 0) to {end} (α = 1)"),
            None => "from the small batch's solution (α = 0) to the large one's (α = 1)".into(),
        }
    }

    /// How far the training loss between both solutions rises above the higher of them, nats; 0 where it does not. Nothing
    /// where the path has not both ends and a point between them.
    pub fn barrier(&self) -> Option<f64> {
        let ends = self.loss(0.0)?.max(self.loss(1.0)?);
        let between = self.points.iter().filter(|point| point.alpha > 0.0 && point.alpha < 1.0);
        highest(between.map(|point| point.value.train.loss))
            .map(|highest| if highest <= ends { 0.0 } else { highest - ends })
    }

    /// How far the training loss rises beyond the small batch's solution, on the side away from the large one's: the largest
    /// at −¼ ≤ α < 0, less that at 0. Nothing where the path has no such points.
    pub fn rise_small(&self) -> Option<f64> {
        self.rise(0.0, -0.25..0.0)
    }

    /// The same beyond the large batch's solution: at 1 < α ≤ 1¼. Figure 3's picture of a sharp minimum is that this is the
    /// larger one.
    pub fn rise_large(&self) -> Option<f64> {
        self.rise(1.0, 1.0..1.25)
    }

    fn rise(&self, end: f64, side: std::ops::Range<f64>) -> Option<f64> {
        let here = self.loss(end)?;
        let beyond = self.points.iter().filter(|point| {
            (point.alpha - end).abs() > 1e-9 && point.alpha > side.start - 1e-9 && point.alpha < side.end + 1e-9
        });
        highest(beyond.map(|point| point.value.train.loss)).map(|highest| highest - here)
    }

    /// A table of the points.
    pub fn block(&self) -> Block {
        let rows = self.points.iter().map(|PathPoint { alpha, value }| {
            let percent = |accuracy: f64| format!("{:.2}", 100.0 * accuracy);
            vec![
                format!("{alpha:.3}"),
                format!("{:.5}", value.train.loss),
                percent(value.train.accuracy),
                format!("{:.5}", value.test.loss),
                percent(value.test.accuracy),
            ]
        });
        let title = format!(
            "{} on {}: f along the {} {}, {} statistics",
            self.net,
            self.data,
            self.shape,
            self.way(),
            self.objective.whose()
        );
        let head = ["α", "training loss", "training, %", "test loss", "test, %"];
        Block::table(&title, &head, rows.collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// The highest loss, if there is one; NaN is worse than anything.
fn highest(losses: impl Iterator<Item = f64>) -> Option<f64> {
    losses.reduce(|most, loss| if loss.is_nan() || most.is_nan() { f64::NAN } else { most.max(loss) })
}

/// Paths of which none is missing.
impl From<Vec<Path>> for Paths {
    fn from(paths: Vec<Path>) -> Self {
        Self { paths, ..Self::default() }
    }
}

impl Paths {
    /// Several as one, for a table or a record of them all.
    pub fn joined(several: &[Paths]) -> Self {
        Self {
            paths: several.iter().flat_map(|paths| paths.paths.clone()).collect(),
            unmeasured: total(several.iter().map(|paths| paths.unmeasured)),
            diverged: total(several.iter().map(|paths| paths.diverged)),
        }
    }

    /// Those of one shape and one kind of statistics: what one chart shows. What is missing is counted over all shapes.
    pub fn only(&self, shape: Shape, statistics: Statistics) -> Self {
        let is_wanted = |path: &&Path| path.shape == shape && path.objective.whose() == statistics;
        Self { paths: self.paths.iter().filter(is_wanted).cloned().collect(), ..*self }
    }

    /// The rise beyond the large batch's solution over that beyond the small one's, of the geometric means over these paths. Both
    /// rises of a path are a pair: they depend on one direction.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no path, one that does not reach beyond both solutions, one that is [named](Path::named), or two of
    /// one trial; as [`Ratio::of_pairs`], where one does
    /// not rise.
    pub fn rises(&self) -> Result<Ratio> {
        if let Some([start, end]) = self.paths.iter().find_map(|path| path.ends.as_ref()) {
            return Err(Error::Data(format!("a path from {start} to {end} is no pair's")));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(path) = self.paths.iter().find(|path| !seen.insert(path.trial)) {
            return Err(Error::Data(format!("trial {} has two paths", path.trial)));
        }
        let all = |value: fn(&Path) -> Option<f64>| self.paths.iter().map(value).collect::<Option<Vec<f64>>>();
        let (Some(small), Some(large)) = (all(Path::rise_small), all(Path::rise_large)) else {
            return Err(Error::Data("a path does not reach beyond both solutions".into()));
        };
        if small.is_empty() {
            return Err(Error::Data("there is no such path".into()));
        }
        Ratio::of_pairs(&large.into_iter().zip(small).collect::<Vec<_>>())
    }

    /// Whether no path is missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.unmeasured == 0 && self.diverged == 0
    }

    /// One row a path: f at both ends, the barrier between them, and how f rises beyond each.
    pub fn block(&self) -> Block {
        let rows = self.paths.iter().map(|path| {
            let at = |alpha: f64| path.loss(alpha).map_or("–".into(), significant);
            vec![
                path.label(),
                path.objective.whose().to_string(),
                path.trial.to_string(),
                at(0.0),
                at(1.0),
                path.barrier().map_or("–".into(), significant),
                path.rise_small().map_or("–".into(), significant),
                path.rise_large().map_or("–".into(), significant),
            ]
        });
        let title = match self.paths.first() {
            None => "No paths".into(),
            Some(first) => {
                let many = crate::display::counted(self.paths.len(), "path");
                format!("{} on {}: training loss along {many}, nats", first.net, first.data)
            }
        };
        let title = title + &missing(self.unmeasured, self.diverged);
        let [start, end, before, beyond] = match self.paths.iter().any(|path| path.ends.is_some()) {
            true => ["α = 0", "α = 1", "rise beyond α = 0", "rise beyond α = 1"],
            false => ["small, α = 0", "large, α = 1", "rise beyond small", "rise beyond large"],
        };
        let head = ["path", "statistics", "trial", start, end, "barrier between", before, beyond];
        Block::table(&title, &head, rows.collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

crate::work::works!(Between, "no path is begun after that.");

crate::display::shown_as_text!(Shape, PathPoint, Between);
