//! Are there many large positive eigenvalues? The spectrum of ∇²f(x) at a point.
//!
//! The paper's central sentence: sharp minima "are characterized by a significant number of large positive eigenvalues in ∇²f(x)"
//! (§1, §2). It computed none of them, since n is large, and measured Metric 2.1 instead. Products ∇²f(x) v cost a few gradients
//! ([`Objective::hessian_at`]) and tell:
//!
//! - the outermost eigenvalues, each with a bound of its error: m steps of Lanczos (1950) from a random start;
//! - tr H and ‖H‖_F², and how many eigenvalues lie above a threshold, each with a standard error; and their density: by stochastic
//!   Lanczos quadrature over several random starts, the probes (Ubaru, Chen and Saad 2017; Ghorbani, Krishnan and Xiao 2019).
//!
//! The same steps serve both: the first probe's Ritz values are the outermost eigenvalues.
//!
//! | name | default | range |
//! |---|---|---|
//! | k, of [`Spectrum::outermost`] | – | 1..=steps |
//! | [`steps`](Spectrum::steps) of Lanczos, products a probe | 80 | 1..=n |
//! | [`probes`](Spectrum::probes) | 10 | 1..=10,000 |
//! | [`above`](Spectrum::above), thresholds | none | finite |
//! | [`tolerance`](Spectrum::tolerance) of an eigenvalue | 1e-3 | 0..=1 |
//! | [`gauss_newton`](Spectrum::gauss_newton) | the Hessian | |
//! | [`preconditioned`](Spectrum::preconditioned) by P | not | n numbers above 0 |
//! | [`objective`](Spectrum::objective) | batch statistics, f32 | batch statistics, fused passes |
//! | [`seed`](Spectrum::seed) | 0 | any |
//! | [`work`](Spectrum::work) | all threads, no budget, kept nowhere | |
//!
//! Deviation: a ReLU has no second derivative at 0. H is that of the piece that x lies in; the kinks around it, which a step of any
//! length crosses by thousands, are not in it.
//!
//! Deviation: a lower loss makes every second derivative of cross-entropy smaller (Granziol 2020, arXiv 2006.09091), so two regimes
//! are best compared at equal loss too.

mod eigenvalues;
mod explained;
mod lanczos;
mod probe;
mod spectra;
mod tridiagonal;

use std::sync::Arc;
use std::time::Instant;

pub use eigenvalues::{Eigenvalue, Eigenvalues, Eigenvector};
pub use explained::{Explained, Leading};
pub use probe::{Estimate, Probe};
pub use spectra::Spectra;

use crate::data::{Dataset, Split, Which, check_count};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::kept::{Fingerprint, Found};
use crate::net::{Curvature, Net, Real};
use crate::objective::{Objective, Precision};
use crate::seed::{Seed, Stream, words};
use crate::train::{Pair, Spot, Study, Trials};
use crate::weights::Weights;
use crate::work::{Parts, Work};
use lanczos::{Krylov, Ritz};

/// How to measure a spectrum.
///
/// ```
/// use sharp_minima::{Spectrum, Training, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.03)?;
/// let trials = Training::adam().batch(20).trials(1).epochs(5).quiet().run(&net, &data)?;
/// let found = Spectrum::outermost(2).steps(20).probes(4).above(&[0.1]).quiet().at(&net, &data, &trials.weights[0])?;
/// assert!(found.largest[0].is_converged && found.largest[0].value > found.largest[1].value);
/// assert!(found.trace().value > 0.0 && (found.mass() - 1.0).abs() < 1e-9);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    way: Way,
    /// How many of the largest, and of the smallest, are to be told.
    k: usize,
    thresholds: Vec<f64>,
    tolerance: f64,
    probes: usize,
    /// P, and P^(−½).
    preconditioner: Option<Preconditioner>,
    work: Work,
}

/// A diagonal matrix with numbers above 0.
#[derive(Debug, Clone, PartialEq)]
struct Preconditioner {
    diagonal: Arc<Vec<f64>>,
    roots: Arc<Vec<f64>>,
}

/// Where a probe measures.
struct Place<'a> {
    net: &'a Net,
    split: &'a Split,
    x: &'a [f64],
    /// P^(−½), where the matrix is preconditioned.
    roots: Option<&'a [f64]>,
}

/// All that decides a probe's numbers, with the net, the points, x and the probe's place. It is hashed whole where probes are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Way {
    steps: usize,
    matrix: Curvature,
    objective: Objective,
    seed: Seed,
    split: Which,
}

/// Most probes that share passes: a product costs 2.5 gradients alone, 2 with three others, and little less with more.
const TOGETHER: usize = 4;

/// What a probe at a point found.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Probed {
    value: f64,
    probe: Probe,
    seconds: f64,
}

impl Spectrum {
    /// The k largest and the k smallest eigenvalues, and what the probes say of all.
    pub fn outermost(k: usize) -> Self {
        let way = Way {
            steps: 80,
            matrix: Curvature::Hessian,
            objective: Objective::new(),
            seed: Seed(0),
            split: Which::Train,
        };
        let work = Work::new();
        Self { way, k, thresholds: Vec::new(), tolerance: 1e-3, probes: 10, preconditioner: None, work }
    }

    /// Steps of Lanczos, each a product. More of them find more eigenvalues, and see the density more finely.
    pub fn steps(self, steps: usize) -> Self {
        Self { way: Way { steps, ..self.way }, ..self }
    }

    /// Random starts. Standard errors fall with the root of their number; a single probe gives none.
    pub fn probes(self, probes: usize) -> Self {
        Self { probes, ..self }
    }

    /// Thresholds above which eigenvalues are counted: absolute ones, so that regimes are compared by the same.
    pub fn above(self, thresholds: &[f64]) -> Self {
        Self { thresholds: thresholds.to_vec(), ..self }
    }

    /// An eigenvalue counts as converged where its residual is at most this times its size.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Of the Gauss–Newton matrix ([`Curvature::GaussNewton`]) in the place of the Hessian.
    pub fn gauss_newton(self) -> Self {
        Self { way: Way { matrix: Curvature::GaussNewton, ..self.way }, ..self }
    }

    /// Of `P^(−½) H P^(−½)`, P a diagonal matrix of these n numbers: with [`Descent::preconditioner`](crate::Descent::preconditioner)
    /// the curvature that ADAM sees at one point. [Eigenvectors](Self::eigenvectors) are those of this matrix. Only at the point that P belongs to.
    pub fn preconditioned(self, diagonal: Vec<f64>) -> Self {
        let roots = Arc::new(diagonal.iter().map(|p| 1.0 / p.sqrt()).collect());
        Self { preconditioner: Some(Preconditioner { diagonal: Arc::new(diagonal), roots }), ..self }
    }

    /// How f is evaluated.
    pub fn objective(self, objective: Objective) -> Self {
        Self { way: Way { objective, ..self.way }, ..self }
    }

    /// Where the probes come from.
    pub fn seed(self, seed: u64) -> Self {
        Self { way: Way { seed: Seed(seed), ..self.way }, ..self }
    }

    /// Of f on the test split.
    pub fn on_test(self) -> Self {
        Self { way: Way { split: Which::Test, ..self.way }, ..self }
    }

    /// Measures at one point.
    ///
    /// Cost: steps × probes products, about two gradients each, since four probes share passes. Memory: a vector of n numbers a
    /// step, in the objective's precision, for each probe that is done at once: as many as have room in 2 GiB, and at least one; and
    /// twice the outputs of the net's layers for a chunk of points.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number out of range and for other than batch statistics or the fused passes, [`Error::Shape`] where
    /// net, data and weights do not belong together, [`Error::Data`] where weights or products are not finite; [`Error::File`] for a
    /// folder of kept probes that cannot be one.
    pub fn at(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<Eigenvalues> {
        let mut found = self.points(net, data, &[Spot::bare(x)], true)?.spectra;
        found.pop().ok_or_else(|| Error::parameter("points", 0, "be at least 1"))
    }

    /// Measures the last points of a regime's trials; those of [`Trials::at_lowest`] where the loss is lowest. A trial that diverged is
    /// left out, and counted.
    ///
    /// Cost: that of [`at`](Self::at) for each. Groups of four probes are done in parallel, and kept as they are finished.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Data`] where there are no trials.
    pub fn trials(&self, net: &Net, data: &Dataset, trials: &Trials) -> Result<Spectra> {
        self.regimes(net, data, &[trials])
    }

    /// Measures the last points of both regimes.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    pub fn pair(&self, net: &Net, data: &Dataset, pair: &Pair) -> Result<Spectra> {
        self.regimes(net, data, &[&pair.small, &pair.large])
    }

    /// Measures the last points of all regimes of a study.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    pub fn study(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Spectra> {
        self.regimes(net, data, &study.regimes.iter().collect::<Vec<_>>())
    }

    /// Measures the points of all regimes of a study after each epoch after which all trials kept one
    /// ([`Training::iterates`](crate::Training::iterates)): among them are points of equal training loss.
    ///
    /// # Errors
    /// As [`trials`](Self::trials); [`Error::Data`] where the study's trials have kept no common epoch.
    pub fn iterates(&self, net: &Net, data: &Dataset, study: &Study) -> Result<Spectra> {
        let (points, diverged) = Spot::along(study, "a spectrum")?;
        Ok(Spectra { diverged, ..self.points(net, data, &points, false)? })
    }

    /// The k largest eigenvalues with their vectors, from the largest on, as the first probe finds them.
    ///
    /// Cost: as many products as there are steps, 2.5 gradients each, whatever the budget. Memory: that of [`at`](Self::at), and k vectors of n numbers in
    /// f64.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn eigenvectors(&self, net: &Net, data: &Dataset, x: &Weights) -> Result<Vec<Eigenvector>> {
        net.check_weights(x)?;
        self.eigenvectors_at(net, data.split(self.way.split), &x.to_f64())
    }

    /// The same at a point in f64 of one split.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn eigenvectors_at(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Vec<Eigenvector>> {
        self.check(net, split)?;
        match self.way.objective.precision {
            Precision::Single => self.vectors::<f32>(net, split, x),
            Precision::Double => self.vectors::<f64>(net, split, x),
        }
    }

    fn vectors<T: Real>(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Vec<Eigenvector>> {
        let all = self.way.krylov::<T>(&self.place(net, split, x), &[0], &|_| true)?.unwrap_or_default();
        let Some(krylov) = all.first() else { return Ok(Vec::new()) };
        let of = |ritz: &Ritz| {
            let mut vector = krylov.combined(&ritz.vector);
            let size = lanczos::norm(&vector);
            vector.iter_mut().for_each(|value| *value /= size);
            Eigenvector { eigenvalue: self.eigenvalue(ritz.value, ritz.residual), vector }
        };
        Ok(krylov.ritz()?.iter().rev().take(self.k).map(of).collect())
    }

    /// Measures at a point in f64 of one split, to check against another program; the result's data set has no name, nothing is kept.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn at_point(&self, net: &Net, split: &Split, x: &[f64]) -> Result<Eigenvalues> {
        self.check(net, split)?;
        let mut probed = Vec::new();
        for probes in self.groups(net) {
            probed.extend(self.way.probed(&self.place(net, split, x), &probes, &|_| true)?.into_iter().flatten());
        }
        Ok(self.told(net, split, probed))
    }

    fn place<'a>(&'a self, net: &'a Net, split: &'a Split, x: &'a [f64]) -> Place<'a> {
        Place { net, split, x, roots: self.preconditioner.as_ref().map(|own| own.roots.as_slice()) }
    }

    fn regimes(&self, net: &Net, data: &Dataset, regimes: &[&Trials]) -> Result<Spectra> {
        let (points, diverged) = Spot::ends(regimes, "a spectrum")?;
        Ok(Spectra { diverged, ..self.points(net, data, &points, false)? })
    }

    /// Measures points; `whole` begins and ends all of them whatever the budget.
    fn points(&self, net: &Net, data: &Dataset, points: &[Spot<'_>], whole: bool) -> Result<Spectra> {
        self.work.check()?;
        let split = data.split(self.way.split);
        self.check(net, split)?;
        if self.preconditioner.is_some() && points.len() > 1 {
            let allowed = "be 1 where the matrix is preconditioned, since each point has a P of its own";
            return Err(Error::parameter("points", points.len(), allowed));
        }
        for point in points {
            let x = point.x()?;
            net.check_weights(&x)?;
            if let Some(place) = x.values().iter().position(|value| !value.is_finite()) {
                return Err(Error::Data(format!(
                    "weights must be finite, but number {place} is {}",
                    x.values()[place]
                )));
            }
        }
        let points_of = Fingerprint::new("spectrum").and(&self.way);
        let points_of = points_of.and(&(net.name(), net.input(), net.layers())).split(split);
        let points_of = match &self.preconditioner {
            Some(own) => points_of.and(&own.diagonal),
            None => points_of,
        };
        let of = |point: usize, probe: usize| -> Result<Fingerprint> {
            Ok(points_of.clone().and(&probe).numbers(points[point].x()?.values()))
        };
        let name = |(point, probes): &(usize, Vec<usize>)| {
            let probes = match probes[..] {
                [probe] => format!("probe {probe}"),
                _ => format!("probes {} to {}", probes[0], probes[probes.len() - 1]),
            };
            points[*point].name().map_or_else(|| probes.clone(), |name| format!("{name}, {probes}"))
        };
        // Point by point, so that a budget ends with as many whole spectra as can be.
        let groups = self.groups(net);
        let parts: Vec<(usize, Vec<usize>)> =
            (0..points.len()).flat_map(|point| groups.iter().map(move |probes| (point, probes.clone()))).collect();
        let found = self.work.each(&Parts {
            parts: &parts,
            most: (self.at_once(net) / TOGETHER).max(1).min(parts.len()),
            bytes: self.bytes(net, split),
            steps: &|_| self.way.steps,
            name: &name,
            find: &|shelf, (point, probes)| {
                let mut all = Vec::with_capacity(probes.len());
                for &probe in probes {
                    match shelf.find::<Probed>("spectrum", &of(*point, probe)?)? {
                        Found::Whole(probed) => all.push(probed),
                        Found::Wrong(reason) => return Ok(Found::Wrong(reason)),
                        Found::Nothing => return Ok(Found::Nothing),
                    }
                }
                Ok(Found::Whole(all))
            },
            make: &|part, doing| {
                let (point, probes) = part;
                let goes_on = |step: usize| {
                    let goes_on = whole || !doing.is_over();
                    if goes_on && step > 0 {
                        doing.progress.advance(1, || format!("{}, step {step}", name(part)));
                    }
                    goes_on
                };
                let x = points[*point].x()?.to_f64();
                let probed = self.way.probed(&self.place(net, split, &x), probes, &goes_on)?;
                if let Some(Probed { probe, .. }) = probed.iter().flatten().next() {
                    let most = probe.values.last().copied().unwrap_or(f64::NAN);
                    doing.progress.advance(1, || format!("{}: largest {}", name(part), significant(most)));
                }
                Ok(probed)
            },
            keep: &|shelf, (point, probes), probed: &Vec<Probed>| {
                let mut own = probes.iter().zip(probed);
                own.try_for_each(|(&probe, probed)| shelf.keep("spectrum", &of(*point, probe)?, probed))
            },
        })?;
        let mut found = found.into_iter();
        let mut spectra = Spectra::default();
        for point in points {
            let probed: Vec<Probed> = found.by_ref().take(groups.len()).flatten().flatten().collect();
            if probed.len() < self.probes {
                spectra.unmeasured += 1;
                continue;
            }
            let own = Eigenvalues { data: data.name.clone(), ..self.told(net, split, probed) };
            spectra.spectra.push(match point.of {
                Some((regime, trial, epoch)) => own.of_trial(regime, trial, epoch),
                None => own,
            });
        }
        Ok(spectra)
    }

    /// The numbers of the probes, in the groups that share passes.
    fn groups(&self, net: &Net) -> Vec<Vec<usize>> {
        let size = self.at_once(net).min(TOGETHER);
        (0..self.probes).step_by(size).map(|first| (first..self.probes.min(first + size)).collect()).collect()
    }

    /// How many probes have room for their bases in 2 GiB.
    fn at_once(&self, net: &Net) -> usize {
        const ROOM: usize = 2 << 30;
        let size = self.way.objective.bytes_of_number();
        (ROOM / size.saturating_mul(self.way.steps).saturating_mul(net.parameter_count())).max(1)
    }

    /// What the probes of a group take, about: their bases, and the layers of a product.
    fn bytes(&self, net: &Net, split: &Split) -> u64 {
        let together = self.at_once(net).min(TOGETHER).min(self.probes) as u64;
        let vectors = (self.way.steps as u64).saturating_add(5).saturating_mul(together * net.parameter_count() as u64);
        let bases = vectors.saturating_mul(self.way.objective.bytes_of_number() as u64);
        bases.saturating_add(2 * self.way.objective.layers(net, split.len()))
    }

    fn check(&self, net: &Net, split: &Split) -> Result<()> {
        self.way.objective.check_curved(net, split)?;
        check_count("steps of Lanczos", self.way.steps, net.parameter_count())?;
        check_count("number of outermost eigenvalues", self.k, self.way.steps)?;
        check_count("probes", self.probes, 10_000)?;
        if let Some(threshold) = self.thresholds.iter().find(|threshold| !threshold.is_finite()) {
            return Err(Error::parameter("threshold of eigenvalues", threshold, "be finite"));
        }
        if !(0.0..=1.0).contains(&self.tolerance) {
            return Err(Error::parameter("tolerance", self.tolerance, "lie in 0..=1"));
        }
        if let Some(Preconditioner { diagonal, roots }) = &self.preconditioner {
            let (given, n) = (diagonal.len(), net.parameter_count());
            if given != n {
                return Err(Error::Shape(format!("the preconditioner has {given} numbers for {n} weights")));
            }
            // As the f32 that vectors are scaled by.
            let is_fine = |root: &f64| (*root as f32).is_finite() && *root as f32 > 0.0;
            if let Some(place) = roots.iter().position(|root| !is_fine(root)) {
                let own = diagonal[place];
                let reason = format!("a preconditioner must be finite and above 0, but its number {place} is {own}");
                return Err(Error::Data(reason));
            }
        }
        Ok(())
    }

    fn eigenvalue(&self, value: f64, residual: f64) -> Eigenvalue {
        Eigenvalue { value, residual, is_converged: residual <= self.tolerance * value.abs() }
    }

    /// What probes tell, of no trial and of data without a name.
    fn told(&self, net: &Net, split: &Split, probed: Vec<Probed>) -> Eigenvalues {
        let first = probed.first();
        let outermost = |from_above: bool| -> Vec<Eigenvalue> {
            let Some(Probed { probe, .. }) = first else { return Vec::new() };
            let own =
                probe.values.iter().zip(&probe.residuals).map(|(&value, &residual)| self.eigenvalue(value, residual));
            match from_above {
                true => own.rev().take(self.k).collect(),
                false => own.take(self.k).collect(),
            }
        };
        Eigenvalues {
            net: net.name().into(),
            data: String::new(),
            regime: None,
            role: None,
            batch: None,
            trial: None,
            epoch: None,
            split: self.way.split,
            points: split.len(),
            weights: net.parameter_count(),
            objective: self.way.objective,
            matrix: self.way.matrix,
            preconditioned: self.preconditioner.is_some(),
            seed: self.way.seed.0,
            steps: self.way.steps,
            value: first.map_or(f64::NAN, |own| own.value),
            largest: outermost(true),
            smallest: outermost(false),
            thresholds: self.thresholds.clone(),
            seconds: probed.iter().map(|own| own.seconds).sum(),
            probes: probed.into_iter().map(|own| own.probe).collect(),
        }
    }
}

impl Way {
    /// What the probes of these numbers find; nothing where `goes_on`, which is asked before each step, says no.
    fn probed(
        &self,
        place: &Place<'_>,
        probes: &[usize],
        goes_on: &dyn Fn(usize) -> bool,
    ) -> Result<Option<Vec<Probed>>> {
        let begin = Instant::now();
        let ritz = match self.objective.precision {
            Precision::Single => self.ritz::<f32>(place, probes, goes_on)?,
            Precision::Double => self.ritz::<f64>(place, probes, goes_on)?,
        };
        let Some(ritz) = ritz else { return Ok(None) };
        let value = self.objective.value_at(place.net, place.split, place.x)?.loss;
        let seconds = begin.elapsed().as_secs_f64() / probes.len() as f64;
        let probed = |ritz: Vec<Ritz>| Probed {
            value,
            probe: Probe {
                values: ritz.iter().map(|own| own.value).collect(),
                weights: ritz.iter().map(|own| own.vector[0].powi(2)).collect(),
                residuals: ritz.iter().map(|own| own.residual).collect(),
            },
            seconds,
        };
        Ok(Some(ritz.into_iter().map(probed).collect()))
    }

    fn ritz<T: Real>(
        &self,
        place: &Place<'_>,
        probes: &[usize],
        goes_on: &dyn Fn(usize) -> bool,
    ) -> Result<Option<Vec<Vec<Ritz>>>> {
        match self.krylov::<T>(place, probes, goes_on)? {
            Some(all) => Ok(Some(all.iter().map(Krylov::ritz).collect::<Result<_>>()?)),
            None => Ok(None),
        }
    }

    /// The steps of Lanczos from the probes of these numbers, each n random signs, at once, so that they share passes. Their bits are
    /// those of each alone.
    fn krylov<T: Real>(
        &self,
        place: &Place<'_>,
        probes: &[usize],
        goes_on: &dyn Fn(usize) -> bool,
    ) -> Result<Option<Vec<Krylov<T>>>> {
        let Place { net, split, x, roots } = *place;
        let mut products = self.objective.products::<T>(self.matrix, net, split, x)?;
        let begin = |&probe: &usize| {
            let mut random = self.seed.stream(Stream::Probe, probe as u64);
            let mut drawn = vec![0; x.len().div_ceil(32)];
            words(&mut random, &mut drawn);
            let sign = |place: usize| if drawn[place / 32] >> (place % 32) & 1 == 0 { 1.0 } else { -1.0 };
            Krylov::new(&(0..x.len()).map(sign).collect::<Vec<f64>>(), random)
        };
        let mut all: Vec<Krylov<T>> = probes.iter().map(begin).collect();
        for step in 0..self.steps {
            if !goes_on(step) {
                return Ok(None);
            }
            let vectors: Vec<&[T]> = all.iter().map(Krylov::last).collect();
            let found = match roots {
                None => products.times(&vectors)?,
                Some(roots) => {
                    let scaled = |vector: &&[T]| {
                        let numbers = vector.iter().zip(roots);
                        numbers.map(|(&v, root)| T::from_f64(root * v.into())).collect::<Vec<T>>()
                    };
                    let scaled: Vec<Vec<T>> = vectors.iter().map(scaled).collect();
                    let mut found = products.times(&scaled.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
                    for product in &mut found {
                        product.iter_mut().zip(roots).for_each(|(number, root)| *number *= root);
                    }
                    found
                }
            };
            for (own, product) in all.iter_mut().zip(found) {
                own.step(product, step + 1 == self.steps)?;
            }
        }
        Ok(Some(all))
    }
}

crate::work::works!(
    Spectrum,
    "no step is begun after that. Spectra that miss a probe are absent from the result, which says how many\n([`Spectra::unmeasured`]); probes that were done are kept. The only point of [`at`](Self::at) is always finished."
);

crate::display::shown_as_text!(Spectrum);
