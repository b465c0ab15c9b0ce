//! What does f look like around a point? f over a plane through it.
//!
//! `f(x + a d₁ + b d₂)` on a square grid of a and b, with (0, 0) in its middle. Which plane?
//!
//! - [`Plane::filters`]: two random directions, *filter-normalized* (Li, Xu, Taylor, Studer and Goldstein 2018, arXiv 1712.09913,
//!   §4): entries from N(0, 1), each row of weights that feeds one unit or filter scaled to the length of the row of x in its
//!   place, 0 at biases and at γ and β of normalizations. So a step of 1 is as long as the rows of weights, whatever their scale, and
//!   pictures of two points can be compared. All points are looked at along the same draws.
//! - [`Plane::along`]: two directions that are given, as they are: the eigenvectors of the two largest eigenvalues
//!   ([`Spectrum::eigenvectors`](crate::Spectrum::eigenvectors)), or what leads from one point to another.
//!
//! | name | default | range |
//! |---|---|---|
//! | [`points`](Plane::points) on a side | 25 | odd, 3..=1,001 |
//! | [`reach`](Plane::reach): a and b run from −reach to reach | 1 | finite, above 0 |
//! | [`objective`](Plane::objective) | batch statistics, chunks of 5,000, f32 | |
//! | [`seed`](Plane::seed) of random directions | 0 | any |
//! | [`work`](Plane::work) | all threads, no budget, kept nowhere | |
//!
//! As in Li et al., the two random directions are not made orthogonal; of so many numbers they nearly are.
//!
//! Trap: a picture of a plane shows two of n directions. Random ones see a mean of the curvature, which is small where few
//! eigenvalues are large; leading eigenvectors see the largest. Neither is the whole.

use std::time::Instant;

use super::surface::{Directions, Surface, Surfaces};
use crate::data::{Dataset, Which};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::kept::Fingerprint;
use crate::net::Net;
use crate::objective::{Objective, Statistics, Value};
use crate::seed::{Seed, Stream, normal, words};
use crate::train::{Pair, Spot, Study, Trials};
use crate::weights::Weights;
use crate::work::{Parts, Work};

/// How to look over a plane through a point.
///
/// ```
/// use sharp_minima::{Objective, Plane, Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let trials = Training::adam().batch(20).trials(1).epochs(5).quiet().run(&net, &data)?;
/// let x = &trials.weights[0];
/// let surface = Plane::filters().points(5).quiet().at(&net, &data, x)?;
/// assert_eq!(surface.origin(), Objective::new().value(&net, &data.train, x)?);
/// assert_eq!(surface.places, [-1.0, -0.5, 0.0, 0.5, 1.0]);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    way: Way,
    work: Work,
}

/// All that decides a surface's numbers, with the net, the points and x. It is hashed whole where rows are kept.
#[derive(Debug, Clone, PartialEq)]
struct Way {
    along: Along,
    points: usize,
    reach: f64,
    objective: Objective,
    seed: Seed,
    split: Which,
}

#[derive(Debug, Clone, PartialEq)]
enum Along {
    Filters,
    Given([Vec<f64>; 2]),
}

/// Most points on a side.
const MOST: usize = 1_001;

impl Plane {
    /// Over two random directions, filter-normalized.
    pub fn filters() -> Self {
        Self::of(Along::Filters)
    }

    /// Over two directions that are given, n numbers each in the layout of x: coordinates a and b are multiples of them.
    pub fn along(first: Vec<f64>, second: Vec<f64>) -> Self {
        Self::of(Along::Given([first, second]))
    }

    fn of(along: Along) -> Self {
        let way =
            Way { along, points: 25, reach: 1.0, objective: Objective::new(), seed: Seed(0), split: Which::Train };
        Self { way, work: Work::new() }
    }

    fn with(self, change: impl FnOnce(&mut Way)) -> Self {
        let mut way = self.way;
        change(&mut way);
        Self { way, ..self }
    }

    /// Points on each side of the square, evenly spaced; an odd number, so that x is one of them.
    pub fn points(self, points: usize) -> Self {
        self.with(|way| way.points = points)
    }

    /// How far the square reaches from x on each side, as a multiple of the directions.
    pub fn reach(self, reach: f64) -> Self {
        self.with(|way| way.reach = reach)
    }

    /// How f is evaluated.
    pub fn objective(self, objective: Objective) -> Self {
        self.with(|way| way.objective = objective)
    }

    /// Where random directions come from.
    pub fn seed(self, seed: u64) -> Self {
        self.with(|way| way.seed = Seed(seed))
    }

    /// Of f on the test split.
    pub fn on_test(self) -> Self {
        self.with(|way| way.split = Which::Test)
    }

    /// The two directions at a point, n numbers each, in the layout of x.
    ///
    /// # Errors
    /// [`Error::Shape`] where net, weights and directions do not belong together, [`Error::Data`] where weights or directions are
    /// not finite, or one direction is a multiple of the other.
    pub fn directions(&self, net: &Net, x: &Weights) -> Result<[Vec<f64>; 2]> {
        self.way.check_point(net, x)?;
        self.way.directions(net, x)
    }

    /// Looks around one point.
    ///
    /// Cost: an evaluation of f for each point of the grid, 625 by default, and one more on the training split for each with
    /// re-estimated averages. Rows of the grid are done in parallel, and kept as they are finished.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range; [`Error::Shape`] and [`Error::Data`] as
    /// [`directions`](Self::directions), and where net and data do not belong together; [`Error::File`] for a folder of kept rows
    /// that cannot be one.
    pub fn at(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<Surface> {
        let mut found = self.spots(net, data, &[Spot::bare(x)], true)?.surfaces;
        found.pop().ok_or_else(|| Error::parameter("points", 0, "be at least 1"))
    }

    /// Looks around the last points of a regime's trials. A trial that diverged is left out, and counted.
    ///
    /// Cost: that of [`at`](Self::at) for each.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Data`] where there are no trials.
    pub fn trials(&self, net: &Net, data: &Dataset, trials: &Trials) -> Result<Surfaces> {
        self.regimes(net, data, &[trials])
    }

    /// Looks around the last points of both regimes.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    pub fn pair(&self, net: &Net, data: &Dataset, pair: &Pair) -> Result<Surfaces> {
        self.regimes(net, data, &[&pair.small, &pair.large])
    }

    /// Looks around the last points of all regimes of a study.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    pub fn study(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Surfaces> {
        self.regimes(net, data, &study.regimes.iter().collect::<Vec<_>>())
    }

    fn regimes(&self, net: &Net, data: &Dataset, regimes: &[&Trials]) -> Result<Surfaces> {
        let (spots, diverged) = Spot::ends(regimes, "a surface")?;
        Ok(Surfaces { diverged, ..self.spots(net, data, &spots, false)? })
    }

    /// Looks around points; `whole` finishes the only one whatever the budget.
    fn spots(&self, net: &Net, data: &Dataset, spots: &[Spot<'_>], whole: bool) -> Result<Surfaces> {
        self.work.check()?;
        self.way.check()?;
        for spot in spots {
            self.way.check_point(net, &*spot.x()?)?;
        }
        let split = data.split(self.way.split);
        // Such planes that were kept before had averages of the test split.
        let kind = if self.way.is_averaged_elsewhere() { "plane, averages of training" } else { "plane" };
        let points_of = Fingerprint::new(kind).and(&self.way);
        let points_of = points_of.and(&(net.name(), net.input(), net.layers())).split(split).split(&data.train);
        let side = self.way.points;
        // Point by point, so that a budget ends with as many whole surfaces as can be.
        let parts: Vec<(usize, usize)> =
            (0..spots.len()).flat_map(|spot| (0..side).map(move |row| (spot, row))).collect();
        let of = |(spot, row): &(usize, usize)| -> Result<Fingerprint> {
            let x = spots[*spot].x()?;
            Ok(points_of.clone().and(row).numbers(x.values()).numbers(x.buffers()))
        };
        let name = |(spot, row): &(usize, usize)| {
            let row = format!("row {} of {side}", row + 1);
            spots[*spot].name().map_or_else(|| row.clone(), |name| format!("{name}, {row}"))
        };
        let found = self.work.each(&Parts {
            parts: &parts,
            most: if self.way.objective.is_fused() { parts.len() } else { 1 },
            bytes: self.way.objective.layers(net, split.len()) / 2,
            steps: &|_| 1,
            name: &name,
            find: &|shelf, part| shelf.find::<Row>("plane", &of(part)?),
            make: &|part, doing| {
                if !whole && doing.is_over() {
                    return Ok(None);
                }
                let row = self.way.row(net, data, &*spots[part.0].x()?, part.1)?;
                doing.progress.advance(1, || {
                    let most = row.values.iter().map(|value| value.loss).fold(f64::NEG_INFINITY, f64::max);
                    format!("{}: loss up to {}", name(part), significant(most))
                });
                Ok(Some(row))
            },
            // JSON has no NaN: such a loss would not be read back.
            keep: &|shelf, part, row| match row.values.iter().all(|value| value.loss.is_finite()) {
                true => shelf.keep("plane", &of(part)?, row),
                false => Ok(()),
            },
        })?;
        let mut found = found.into_iter();
        let mut surfaces = Surfaces::default();
        for spot in spots {
            let rows: Vec<Row> = found.by_ref().take(side).flatten().collect();
            if rows.len() < side {
                surfaces.unmeasured += 1;
                continue;
            }
            let lengths = self.way.directions(net, &*spot.x()?)?.map(|direction| length(&direction));
            let own = Surface {
                net: net.name().into(),
                data: data.name.clone(),
                regime: None,
                role: None,
                batch: None,
                trial: None,
                epoch: None,
                split: self.way.split,
                objective: self.way.objective,
                directions: match self.way.along {
                    Along::Filters => Directions::Filters { seed: self.way.seed.0 },
                    Along::Given(_) => Directions::Given,
                },
                lengths,
                places: self.way.places(),
                seconds: rows.iter().map(|row| row.seconds).sum(),
                values: rows.into_iter().map(|row| row.values).collect(),
            };
            surfaces.surfaces.push(match spot.of {
                Some((regime, trial, epoch)) => own.of_trial(regime, trial, epoch),
                None => own,
            });
        }
        Ok(surfaces)
    }
}

/// f at one b and all a.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    values: Vec<Value>,
    seconds: f64,
}

impl Way {
    fn check(&self) -> Result<()> {
        if self.points < 3 || self.points > MOST || self.points.is_multiple_of(2) {
            let allowed = format!("be odd, so that x is one of them, and lie in 3..={MOST}");
            return Err(Error::parameter("points on a side", self.points, allowed));
        }
        if !(self.reach.is_finite() && self.reach > 0.0) {
            return Err(Error::parameter("reach", self.reach, "be finite and above 0"));
        }
        Ok(())
    }

    /// An error unless there is a plane through x.
    fn check_point(&self, net: &Net, x: &Weights) -> Result<()> {
        net.check_weights(x)?;
        if !x.is_finite() {
            return Err(Error::Data("the point of a plane must be finite, but it has weights that are not".into()));
        }
        let Along::Given(directions) = &self.along else { return Ok(()) };
        for (place, direction) in directions.iter().enumerate() {
            if direction.len() != x.len() {
                let (given, n) = (direction.len(), x.len());
                return Err(Error::Shape(format!("direction {place} has {given} numbers for {n} weights")));
            }
            if !direction.iter().all(|value| value.is_finite()) {
                return Err(Error::Data(format!("direction {place} has numbers that are not finite")));
            }
        }
        let [first, second] = directions;
        let dot: f64 = first.iter().zip(second).map(|(a, b)| a * b).sum();
        let along = dot / length(first).powi(2);
        // What one has beside the other, rather than an angle: a cosine of millions of numbers is rounded to 1e-13 of itself.
        let beside: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - along * a).collect();
        // A first direction of 0 leaves NaN.
        if length(&beside).is_nan() || length(&beside) <= 1e-7 * length(second) {
            let reason = "the directions must span a plane, but one is 0 or a multiple of the other";
            return Err(Error::Data(reason.into()));
        }
        Ok(())
    }

    /// a and b of the grid, ascending; the middle one is 0.
    fn places(&self) -> Vec<f64> {
        let half = (self.points / 2) as f64;
        (0..self.points).map(|place| self.reach * (place as f64 - half) / half).collect()
    }

    fn directions(&self, net: &Net, x: &Weights) -> Result<[Vec<f64>; 2]> {
        match &self.along {
            Along::Given(directions) => Ok(directions.clone()),
            Along::Filters => {
                let directions = [0, 1].map(|axis| filters(net, x, self.seed, axis));
                match directions.iter().all(|direction| length(direction) > 0.0) {
                    true => Ok(directions),
                    false => {
                        let reason = "filter-normalized directions are as long as the weights, but all of these are 0";
                        Err(Error::Data(reason.into()))
                    }
                }
            }
        }
    }

    /// Whether averages are re-estimated on another split than that of f: always on the training split.
    fn is_averaged_elsewhere(&self) -> bool {
        self.objective.statistics == Statistics::Recalibrated && self.split == Which::Test
    }

    /// The row of this number, evaluated on one engine.
    fn row(&self, net: &Net, data: &Dataset, x: &Weights, row: usize) -> Result<Row> {
        let begin = Instant::now();
        let [first, second] = self.directions(net, x)?;
        let places = self.places();
        let b = places[row];
        let start = x.to_f64();
        let split = data.split(self.split);
        let running = (self.objective.statistics == Statistics::Running).then(|| x.buffers());
        let mut both = None;
        let mut f = None;
        match self.is_averaged_elsewhere() {
            true => both = Some(self.objective.evaluations(net, data)?),
            false => f = Some(self.objective.repeated(net, split, running)?),
        }
        let mut values = Vec::with_capacity(places.len());
        let mut point = start.clone();
        for a in places {
            for (place, value) in point.iter_mut().enumerate() {
                *value = start[place] + a * first[place] + b * second[place];
            }
            if let Some(f) = &mut f {
                values.push(f.value(&point)?);
            }
            if let Some(both) = &mut both {
                let x = Weights::new(net.layout(), point.iter().map(|&value| value as f32).collect())?;
                values.push(both.at(&x)?.test);
            }
        }
        Ok(Row { values, seconds: begin.elapsed().as_secs_f64() })
    }
}

/// A random direction, each row that feeds a unit or filter as long as that of x, 0 elsewhere.
fn filters(net: &Net, x: &Weights, seed: Seed, axis: u64) -> Vec<f64> {
    // Normal numbers come in pairs.
    let mut drawn = vec![0; x.len().next_multiple_of(2)];
    let mut numbers = vec![0.0f32; drawn.len()];
    words(&mut seed.stream(Stream::Plane, axis), &mut drawn);
    normal(&drawn, &mut numbers);
    let mut direction = vec![0.0; x.len()];
    for part in net.layout().parameters().iter().filter(|part| part.shape.len() > 1) {
        let wide = part.range().len() / part.shape[0];
        let rows = direction[part.range()].chunks_exact_mut(wide);
        let own = numbers[part.range()].chunks_exact(wide).zip(x.values()[part.range()].chunks_exact(wide));
        for (row, (numbers, weights)) in rows.zip(own) {
            let numbers: Vec<f64> = numbers.iter().map(|&number| f64::from(number)).collect();
            let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
            let size = length(&numbers);
            // A row that was drawn as 0 has no direction.
            let scale = if size > 0.0 { length(&weights) / size } else { 0.0 };
            row.iter_mut().zip(numbers).for_each(|(value, number)| *value = scale * number);
        }
    }
    direction
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

crate::work::works!(
    Plane,
    "no row is begun after that. Surfaces that miss a row are absent from the result, which says how many\n([`Surfaces::unmeasured`]); rows that were done are kept. The only surface of [`at`](Self::at) is always finished."
);

crate::display::shown_as_text!(Plane);
