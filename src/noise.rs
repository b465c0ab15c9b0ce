//! How noisy is a gradient? The gradient noise scale of McCandlish, Kaplan, Amodei et al. (2018, arXiv 1812.06162).
//!
//! `B = tr Σ / ‖∇f‖²`, Σ the covariance of the gradients of single points: the batch at which noise and gradient are of one size.
//! A batch far below it steps by noise mostly, and one far above it repeats what it knows. With N points in parts of b, gₖ the
//! gradient of part k and g their mean,
//! `tr Σ = b (N − 1) / (N − b) · (mean ‖gₖ‖² − ‖g‖²)`, where the fraction is that of parts drawn without replacement. With b = 1
//! it is exact, and `1 + B` is n times the gradient diversity of Yin et al. (2018, arXiv 1706.05699).
//!
//! Near a minimum ‖∇f‖² goes to 0 and B to infinity, so both are there to be read, not the quotient alone.
//!
//! | name | default | range |
//! |---|---|---|
//! | points of a part | – | 1..=half of the training points |
//! | [`objective`](GradientNoise::objective) | batch statistics, f32 | |
//! | [`seed`](GradientNoise::seed) | 0 | any |
//! | [`work`](GradientNoise::work) | all threads, no budget, kept nowhere | |
//!
//! Deviation: with batch normalization there is no gradient of a single point. Each part is then normalized by its own
//! statistics, as a batch of its size is, and B depends on the size of a part.
//!
//! Deviation: the points that remain after the last whole part are left out.

use std::time::Instant;

use crate::data::{Dataset, check_count};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::kept::{Fingerprint, Found};
use crate::net::Net;
use crate::objective::{Objective, Statistics};
use crate::seed::{Seed, Stream, shuffle};
use crate::train::{Study, Trials};
use crate::weights::Weights;
use crate::work::{Parts, Work};

/// How to measure the noise of gradients.
///
/// ```
/// use sharp_minima::{GradientNoise, Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let trials = Training::adam().batch(20).trials(1).epochs(2).quiet().run(&net, &data)?;
/// let noise = GradientNoise::of_parts(20).at(&net, &data, &trials.weights[0])?;
/// assert!(noise.scale() > 0.0 && noise.parts == data.train.len() / 20);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GradientNoise {
    way: Way,
    work: Work,
}

/// All that decides a measure's numbers, with the net, the points and x.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Way {
    points: usize,
    objective: Objective,
    seed: Seed,
}

/// The noise of gradients at one point.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseScale {
    /// Name of the regime that led to x, where x is a trial's.
    #[serde(deserialize_with = "Option::deserialize")]
    pub regime: Option<String>,
    /// The trial's number.
    #[serde(deserialize_with = "Option::deserialize")]
    pub trial: Option<usize>,
    /// Points of a part.
    pub points: usize,
    /// Number of parts.
    pub parts: usize,
    /// ‖∇f‖², of the mean gradient of the parts.
    pub square: f64,
    /// tr Σ, of the gradients of single points.
    pub trace: f64,
    /// How long it took.
    pub seconds: f64,
}

impl NoiseScale {
    /// `tr Σ / ‖∇f‖²`, points.
    pub fn scale(&self) -> f64 {
        self.trace / self.square
    }
}

/// "noise scale 812.3 points: tr Σ 0.5432, ‖∇f‖² 6.687e-4, of 234 parts of 256".
impl std::fmt::Display for NoiseScale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [scale, trace, square] = [self.scale(), self.trace, self.square].map(significant);
        let Self { parts, points, .. } = self;
        write!(f, "noise scale {scale} points: tr Σ {trace}, ‖∇f‖² {square}, of {parts} parts of {points}")
    }
}

/// One point to be measured.
struct Place<'a> {
    of: Option<(&'a str, usize)>,
    x: &'a Weights,
}

impl GradientNoise {
    /// From the gradients of parts of so many points.
    pub fn of_parts(points: usize) -> Self {
        Self { way: Way { points, objective: Objective::new(), seed: Seed(0) }, work: Work::new() }
    }

    /// How gradients are computed; a part takes the place of the objective's chunk.
    pub fn objective(self, objective: Objective) -> Self {
        Self { way: Way { objective, ..self.way }, ..self }
    }

    /// Where the order comes from in which points are cut into parts.
    pub fn seed(self, seed: u64) -> Self {
        Self { way: Way { seed: Seed(seed), ..self.way }, ..self }
    }

    /// Measures at one point, on the training split.
    ///
    /// Cost: one gradient of every training point. Memory: the training points once more, and two vectors as long as x.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parts of no points or of more than half of them, [`Error::Shape`] where net, data and weights do
    /// not belong together, [`Error::Data`] where a gradient is not finite.
    pub fn at(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<NoiseScale> {
        // A single point is measured whatever the budget.
        self.work.check()?;
        self.way.check(net, data, x)?;
        self.way.measure(net, data, &Place { of: None, x })
    }

    /// Measures at the last points of all trials of a study that stayed finite.
    /// A scale does not say after which epoch a study was read: those of two epochs belong into two comparisons.
    ///
    /// Cost: that of [`at`](Self::at) for each.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::File`] for a folder of kept measures that cannot be one.
    pub fn study(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Vec<NoiseScale>> {
        let places: Vec<Place<'_>> = study.regimes.iter().flat_map(Place::all).collect();
        for place in &places {
            self.way.check(net, data, place.x)?;
        }
        let points_of = Fingerprint::new("noise").and(&self.way);
        let points_of = points_of.and(&(net.name(), net.input(), net.layers())).split(&data.train);
        let fingerprint = |place: &Place<'_>| {
            let running = matches!(self.way.objective.statistics, Statistics::Running).then(|| place.x.buffers());
            points_of.clone().numbers(place.x.values()).numbers(running.unwrap_or_default())
        };
        let name = |place: &Place<'_>| place.of.map_or(String::new(), |(name, trial)| format!("{name}, trial {trial}"));
        let found = self.work.each(&Parts {
            parts: &places,
            most: if self.way.objective.is_fused() { places.len() } else { 1 },
            bytes: self.way.objective.layers(net, data.train.len()),
            steps: &|_| 1,
            name: &name,
            find: &|shelf, place| {
                Ok(match shelf.find::<NoiseScale>("noise", &fingerprint(place))? {
                    Found::Whole(noise) => Found::Whole(place.named(noise)),
                    other => other,
                })
            },
            make: &|place, doing| {
                if doing.is_over() {
                    return Ok(None);
                }
                let noise = self.way.measure(net, data, place)?;
                doing.progress.advance(1, || format!("{}: {noise}", name(place)));
                Ok(Some(noise))
            },
            keep: &|shelf, place, noise| shelf.keep("noise", &fingerprint(place), noise),
        })?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl<'a> Place<'a> {
    /// The last points of a regime's trials.
    fn all(trials: &'a Trials) -> Vec<Self> {
        let name = trials.regime.name.as_str();
        trials.finite().map(|(run, x)| Self { of: Some((name, run.trial)), x }).collect()
    }

    fn named(&self, noise: NoiseScale) -> NoiseScale {
        let (regime, trial) = self.of.map(|(name, trial)| (name.to_string(), trial)).unzip();
        NoiseScale { regime, trial, ..noise }
    }
}

impl Way {
    fn check(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<()> {
        net.check_weights(x)?;
        net.check_data(data.train.shape(), data.train.classes())?;
        if data.train.len() < 2 {
            return Err(Error::parameter("training points", data.train.len(), "be at least 2 for parts of them"));
        }
        check_count("points of a part", self.points, data.train.len() / 2)
    }

    fn measure(&self, net: &Net, data: &Dataset, place: &Place<'_>) -> Result<NoiseScale> {
        let begin = Instant::now();
        let parts = data.train.len() / self.points;
        let mut order: Vec<usize> = (0..data.train.len()).collect();
        shuffle(&mut order, &mut self.seed.stream(Stream::Noise, 1 << 55));
        order.truncate(parts * self.points);
        let split = data.train.select(&order)?;
        let (each, square) = self.objective.chunk(self.points).squares(net, &split, place.x)?;
        let (points, all) = (self.points as f64, order.len() as f64);
        let mean = each.iter().sum::<f64>() / parts as f64;
        let trace = points * (all - 1.0) / (all - points) * (mean - square);
        if !(trace.is_finite() && square.is_finite()) {
            return Err(Error::Data(format!(
                "gradients must be finite, but their mean square is {mean} and that of their mean {square}"
            )));
        }
        let seconds = begin.elapsed().as_secs_f64();
        let noise = NoiseScale { regime: None, trial: None, points: self.points, parts, square, trace, seconds };
        Ok(place.named(noise))
    }
}

crate::work::works!(GradientNoise, "none is begun after that, and those that are missing are absent from the result.");

crate::display::shown_as_text!(GradientNoise);

impl NoiseScale {
    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&self.to_string());
    }
}
