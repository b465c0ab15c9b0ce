//! Past which batch size does accuracy fall? A broken stick, fitted to trials at several batch sizes.
//!
//! Figure 4 of the paper shows it by eye: test accuracy over the batch size on a logarithmic axis is level at first and
//! falls past a threshold. We fit that curve, with an interval and a test, so that two nets can be compared.
//!
//! **The curve.** With `t = log₂ batch`, the value of a trial at `t` is
//!
//! ```text
//! y(t) = level − slope · max(0, t − θ) + noise,    slope ≥ 0,    θ = log₂ threshold.
//! ```
//!
//! **The fit** is by least squares over all trials: it minimizes `Σᵢ nᵢ (ȳᵢ − y(tᵢ))²` over the batch sizes i, with nᵢ
//! trials of mean ȳᵢ each. We do not weigh by `1 / sᵢ²`: a variance sᵢ² of three trials is wrong by a factor of ten now
//! and then. Unequal spreads enter into the interval and the test instead, as they do in Welch's. θ lies between the
//! first batch size `t₁` and the last but one `t_{k−1}`. Farther left the level is not seen at all, and a fall from
//! `t₁` on fits as well; farther right only the last batch size has fallen, which every θ between `t_{k−1}` and `t_k`
//! fits as well. So at least two batch sizes lie at or past θ. Between two neighbours `t_j ≤ θ ≤ t_{j+1}` the best
//! corner is where the mean of the first j meets the line through the others; where they do not meet there, it is at
//! one of the two. So the least of at most 2k − 3 candidates is exact, without a grid.
//!
//! **The interval** is every θ whose sum of squares `R(θ)`, at its best level and slope, is not too far above the
//! least:
//!
//! ```text
//! R(θ) − R(θ̂)  ≤  max( F₀.₉₅(1, ν) · s²,  F₀.₉₅(1, N − 3) · R(θ̂) / (k − 3) )
//!         s²  =  Σᵢ wᵢ sᵢ² / Σᵢ wᵢ,      ν  =  (Σᵢ wᵢ sᵢ²)² / Σᵢ (wᵢ sᵢ²)² / (nᵢ − 1).
//! ```
//!
//! The first is the noise of the trials. `wᵢ = nᵢ rᵢ²` says how much batch size i moves θ̂: r is what is left of the
//! curve's derivative by θ, a step at θ̂, after regression on its derivatives by level and slope. At a batch size the
//! step has two sides, and we take the larger bound. ν is by Welch and Satterthwaite. The second is the lack of fit:
//! real curves bend, and then the corner depends on which batch sizes were tried. With one trial at each batch size
//! there is only the second. We look on a grid of 1/64 doubling (1.1 % in batch size), round outward, and fill gaps.
//!
//! Coverage in 2,000 simulated data sets each, batch sizes from 32 to 4,096 by doublings, of the corner of the stick
//! nearest to the true curve (at 200 evenly spaced t, so not at the batch sizes of the data alone). The curves: sticks
//! that lose 0.5 % per doubling past 512 and past 388; the first with a standard deviation that is nine times as large
//! at 4,096 as at 32; a logistic fall by 3 % around 1,024; and a rise by 0.05 % per doubling up to 512 with a fall by
//! `0.2 % · (t − 9)²`.
//!
//! ```text
//! trials  noise     stick, 512  stick, 388  spread × 9  logistic  rise and fall
//!      3  0.05 %       98.7 %      98.2 %      98.3 %    99.8 %         94.9 %
//!      3  0.2 %        98.2 %      97.8 %      97.8 %    95.9 %         94.2 %
//!      3  1 %          97.3 %      96.8 %      97.0 %    97.2 %         97.8 %
//!     10  0.05 %       99.0 %      98.0 %      98.1 %   100.0 %         98.8 %
//!     10  0.2 %        97.2 %      97.2 %      96.2 %    95.1 %         85.3 %
//!     10  1 %          95.3 %      95.7 %      94.5 %    94.0 %         95.2 %
//! ```
//!
//! The interval is a bit too wide where the curve is a stick, and where it bends it may be a bit too narrow. With one
//! trial at each batch size and a spread that grows, 85 to 89 % are covered: nothing shows that spread. The usual
//! alternatives fared worse (400 data sets each; 3 and 10 trials at 6, 8 and 12 batch sizes): a bootstrap of the trials
//! at each batch size covered 0 to 80 % of such corners of the two bent curves at 0.05 % of noise, since it knows no
//! lack of fit; one of the residuals covered 68 to 85 % where the spread grows.
//!
//! **The test** of no fall is by permutation, as the search over θ spoils any table: trials are dealt again to the batch
//! sizes, 9,999 times, and p is the share of deals, the real one included, whose largest statistic is as large as the
//! real one,
//!
//! ```text
//! max over θ of  slope² / variance of slope,    where slope > 0,    variance of slope = Σᵢ (aᵢ² / nᵢ) sᵢ²
//! ```
//!
//! with `slope = −Σᵢ aᵢ ȳᵢ` and sᵢ² of the deal itself. Over θ at each batch size but the last, and at three points
//! between neighbours. It is exact where all trials have one distribution. Dividing by each deal's own variances keeps
//! it near where they do not: with a fivefold spread at the last of eight batch sizes, 5 trials each, a level curve has
//! p < 0.05 in 10 % of the cases, and in 21 % without the division. Where no batch size has two trials, the residuals
//! stand for the variance; if only the last of k single trials has fallen, p is at least about 1 / k, chance alone. The
//! deals are seeded: the same trials have the same p.
//!
//! A curve that first rises by more than it then falls is not a stick: its fall may not be seen, and `misfit` is small.
//! Leave out small batch sizes only for a reason other than their values: a top that is chosen for its height makes p
//! too small.

use std::ops::Range;

use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

use crate::display::{grouped, probability};
use crate::error::{Error, Result};
use crate::seed::{Seed, Stream, shuffle};

/// How often trials are dealt again for the test of no fall.
const DEALS: u32 = 9_999;

/// Steps of the interval in one doubling of the batch size.
const STEPS: f64 = 64.0;

/// Where a curve over batch sizes begins to fall: a broken stick with its 95 % interval, and the test of no fall at
/// all.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The batch size past which the curve falls, in points. Where only the last batch size has fallen, the last but
    /// one: the fall begins somewhere between the two. Where none has fallen, the last.
    pub batch: f64,
    /// Lower end of its 95 % confidence interval, in points; not below the first batch size.
    pub lower: f64,
    /// Upper end of it; not above the last batch size.
    pub upper: f64,
    /// Whether a fall from the first batch size on lies in the interval: the threshold may then be below `lower`, too.
    pub open_below: bool,
    /// Whether a fall of the last batch size alone lies in the interval. `upper` is then the last batch size, and if
    /// there is no fall ([`is_resolved`](Self::is_resolved)), the threshold may be above it, too.
    pub open_above: bool,
    /// Mean value up to the threshold, as a fraction.
    pub level: f64,
    /// Loss per doubling of the batch size past the threshold, as a fraction; not below 0.
    pub slope: f64,
    /// Probability of such a fall, or a clearer one, if batch size made no difference: by permutation, not below 1e-4.
    pub p: f64,
    /// Probability of means as far from the fitted curve, or farther, if the curve were right: an F-test, with equal
    /// spreads. Below 0.05 the curve bends, and `batch` is the corner of the nearest stick. Not a number without
    /// repeated trials.
    pub misfit: f64,
    /// How many batch sizes there are.
    pub sizes: usize,
    /// How many trials there are, at all batch sizes together.
    pub trials: usize,
}

impl Threshold {
    /// The threshold of `measured`: each batch size, in points, with one value of each of its trials. Any order.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there are fewer than four batch sizes, where one is 0 or is given twice, where one
    /// has no trial, and where a value is not finite.
    ///
    /// ```
    /// let measured = [
    ///     (64, vec![0.981, 0.979, 0.980]),
    ///     (256, vec![0.980, 0.981, 0.979]),
    ///     (1024, vec![0.979, 0.980, 0.981]),
    ///     (4096, vec![0.961, 0.959, 0.960]),
    ///     (16384, vec![0.940, 0.941, 0.939]),
    /// ];
    /// let threshold = sharp_minima::Threshold::of(&measured)?;
    /// assert!(threshold.is_resolved() && (threshold.batch - 1024.0).abs() < 1e-6);
    /// assert!((threshold.slope - 0.01).abs() < 1e-9 && (threshold.at(4096.0) - 0.96).abs() < 1e-9);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn of(measured: &[(usize, Vec<f64>)]) -> Result<Self> {
        let curve = Curve::of(measured)?;
        let corner = curve.corner();
        let interval = curve.interval(&corner)?;
        Ok(Self {
            batch: corner.theta.exp2(),
            lower: interval.lower.exp2(),
            upper: interval.upper.exp2(),
            open_below: interval.open_below,
            open_above: interval.open_above,
            level: curve.mean + corner.level,
            slope: corner.slope,
            p: curve.no_fall(DEALS),
            misfit: curve.misfit(&corner)?,
            sizes: curve.places.len(),
            trials: curve.values.len(),
        })
    }

    /// The fitted curve at a batch size: `level − slope · max(0, log₂ batch − θ)`.
    pub fn at(&self, batch: f64) -> f64 {
        self.level - self.slope * (batch / self.batch).log2().max(0.0)
    }

    /// Whether the curve falls beyond chance: p < 0.05. If not, `batch` and the rest are those of the best fit, and
    /// mean little.
    pub fn is_resolved(&self) -> bool {
        self.p < 0.05
    }

    /// Whether the trials say where the fall begins: it is resolved, and its interval ends on one side at least.
    pub fn is_located(&self) -> bool {
        self.is_resolved() && !(self.open_below && self.open_above)
    }

    /// "falls past a batch of 512 (95 % interval 430 to 610, p = 1e-4): 98.00 % up to it, 0.50 percentage points less
    /// per doubling"; that it falls, and where cannot be told; or that the curve does not fall beyond chance.
    pub fn text(&self) -> String {
        let p = probability(self.p);
        if !self.is_resolved() {
            return format!(
                "does not fall beyond chance (p = {p}, {} trials at {} batch sizes)",
                self.trials, self.sizes
            );
        }
        let misfit = match self.misfit {
            misfit if misfit < 0.05 => format!("; the curve bends (p = {} of the broken stick)", probability(misfit)),
            _ => String::new(),
        };
        let slope = 100.0 * self.slope;
        if !self.is_located() {
            return format!(
                "falls (p = {p}, {} trials at {} batch sizes), and where that begins cannot be told; past the best \
                 corner by {slope:.2} percentage points with each doubling{misfit}",
                self.trials, self.sizes
            );
        }
        let points = |batch: f64| grouped(batch.round() as usize);
        let less = if self.open_below { " or less" } else { "" };
        let more = if self.open_above { " or more" } else { "" };
        format!(
            "falls past a batch of {} (95 % interval {}{less} to {}{more}, p = {p}): {:.2} % up to it, {slope:.2} percentage \
             points less per doubling{misfit}",
            points(self.batch),
            points(self.lower),
            points(self.upper),
            100.0 * self.level,
        )
    }

    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&self.text());
    }
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// The trials, by ascending batch size; values less their mean, so that sums of squares lose no digits.
struct Curve {
    /// log₂ of each batch size.
    places: Vec<f64>,
    /// Trials at each.
    counts: Vec<usize>,
    /// The values, batch size by batch size.
    values: Vec<f64>,
    /// What was taken from them.
    mean: f64,
}

/// The best level and slope at one θ.
struct Fit {
    theta: f64,
    level: f64,
    slope: f64,
    /// Sum of the squared distances of the means, by their counts.
    rest: f64,
}

/// An interval in log₂ of the batch size.
struct Interval {
    lower: f64,
    upper: f64,
    open_below: bool,
    open_above: bool,
}

/// Variance within a batch size, and its degrees of freedom.
struct Noise {
    variance: f64,
    freedom: f64,
}

impl Curve {
    fn of(measured: &[(usize, Vec<f64>)]) -> Result<Self> {
        if measured.len() < 4 {
            return Err(Error::parameter("number of batch sizes", measured.len(), "be at least 4 for a threshold"));
        }
        let mut groups: Vec<(usize, Vec<f64>)> = measured.to_vec();
        groups.sort_by_key(|(batch, _)| *batch);
        if let Some((twice, _)) = groups.windows(2).find_map(|pair| match pair {
            [first, second] if first.0 == second.0 => Some(first),
            _ => None,
        }) {
            return Err(Error::parameter(
                "batch sizes",
                format!("{twice} twice"),
                "differ, with all trials of one together",
            ));
        }
        for (batch, values) in &mut groups {
            if *batch == 0 {
                return Err(Error::parameter("batch size", batch, "be at least 1"));
            }
            if values.is_empty() {
                return Err(Error::parameter("trials at a batch size", format!("none at {batch}"), "be at least one"));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(Error::parameter("value of a trial", format!("{value} at {batch}"), "be finite"));
            }
            // The order of the trials means nothing, and must not decide which deals are made.
            values.sort_by(f64::total_cmp);
        }
        let places = groups.iter().map(|(batch, _)| (*batch as f64).log2()).collect();
        let counts = groups.iter().map(|(_, values)| values.len()).collect();
        let mut values: Vec<f64> = groups.into_iter().flat_map(|(_, values)| values).collect();
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for value in &mut values {
            *value -= mean;
            // What is left of equal values is rounding, not a curve.
            if value.abs() < 1e-14 * largest {
                *value = 0.0;
            }
        }
        Ok(Self { places, counts, values, mean })
    }

    /// `values`, batch size by batch size.
    fn groups<'a>(&'a self, values: &'a [f64]) -> impl Iterator<Item = &'a [f64]> {
        let mut rest = values;
        self.counts.iter().map(move |&count| {
            let (group, others) = rest.split_at(count);
            rest = others;
            group
        })
    }

    /// Mean at each batch size.
    fn means(&self) -> Vec<f64> {
        self.groups(&self.values).map(mean).collect()
    }

    /// The mean of `column`, which has one number for each batch size, over the trials.
    fn average(&self, column: &[f64]) -> f64 {
        self.product(column, &vec![1.0; column.len()]) / self.values.len() as f64
    }

    /// `column` less its mean over the trials.
    fn centered(&self, column: Vec<f64>) -> Vec<f64> {
        let average = self.average(&column);
        column.into_iter().map(|value| value - average).collect()
    }

    /// `Σᵢ nᵢ aᵢ bᵢ`.
    fn product(&self, a: &[f64], b: &[f64]) -> f64 {
        self.counts.iter().zip(a.iter().zip(b)).map(|(&count, (a, b))| count as f64 * a * b).sum()
    }

    /// `max(0, t − θ)` at each batch size.
    fn past(&self, theta: f64) -> Vec<f64> {
        self.places.iter().map(|place| (place - theta).max(0.0)).collect()
    }

    /// Level and slope by least squares, slope not below 0.
    fn fit(&self, theta: f64, means: &[f64]) -> Fit {
        let past = self.past(theta);
        let average = self.average(&past);
        let centered: Vec<f64> = past.iter().map(|x| x - average).collect();
        let slope = (-self.product(&centered, means) / self.product(&centered, &centered)).max(0.0);
        let level = self.average(means) + slope * average;
        let left: Vec<f64> = means.iter().zip(&past).map(|(mean, x)| mean - level + slope * x).collect();
        Fit { theta, level, slope, rest: self.product(&left, &left) }
    }

    /// The least of the candidates: each batch size but the last, and each corner that lies between its neighbours.
    fn corner(&self) -> Fit {
        let means = self.means();
        let last = self.places.len() - 1;
        let mut candidates = self.places[..last].to_vec();
        for split in 1..last {
            let (_, level, _) = self.line(0..split, &means);
            let (place, height, slope) = self.line(split..last + 1, &means);
            let theta = place + (level - height) / slope;
            // A line that rises meets the level as well, but that is no fall; one that is level meets it nowhere.
            if slope < 0.0 && (self.places[split - 1]..=self.places[split]).contains(&theta) {
                candidates.push(theta);
            }
        }
        let none = Fit { theta: self.places[last], level: 0.0, slope: 0.0, rest: self.product(&means, &means) };
        candidates
            .into_iter()
            .map(|theta| self.fit(theta, &means))
            .fold(none, |best, fit| if fit.slope > 0.0 && fit.rest < best.rest { fit } else { best })
    }

    /// Middle, mean and slope of the line through some of the means, by least squares.
    fn line(&self, part: Range<usize>, means: &[f64]) -> (f64, f64, f64) {
        let points = || part.clone().map(|i| (self.counts[i] as f64, self.places[i], means[i]));
        let count: f64 = points().map(|(count, ..)| count).sum();
        let place = points().map(|(count, place, _)| count * place).sum::<f64>() / count;
        let height = points().map(|(count, _, mean)| count * mean).sum::<f64>() / count;
        let product: f64 = points().map(|(count, t, mean)| count * (t - place) * mean).sum();
        let square: f64 = points().map(|(count, t, _)| count * (t - place).powi(2)).sum();
        (place, height, product / square)
    }

    /// The variance within each batch size of `values`, dealt to the batch sizes in order. One trial has none, and
    /// takes that of all others; `None` where no batch size has two.
    fn noise(&self, values: &[f64]) -> Option<Vec<Noise>> {
        let square = |group: &[f64]| {
            let mean = mean(group);
            group.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        };
        let freedom = (self.values.len() - self.counts.len()) as f64;
        let squares: Vec<f64> = self.groups(values).map(square).collect();
        let pooled = squares.iter().sum::<f64>() / freedom;
        let one = |(&count, square): (&usize, f64)| match count {
            1 => Noise { variance: pooled, freedom },
            _ => Noise { variance: square / (count - 1) as f64, freedom: (count - 1) as f64 },
        };
        (freedom > 0.0).then(|| self.counts.iter().zip(squares).map(one).collect())
    }

    /// The 95 % interval of θ.
    fn interval(&self, corner: &Fit) -> Result<Interval> {
        let means = self.means();
        let allowed = corner.rest + self.margin(corner)? + 1e-12 * self.product(&means, &means);
        let last = self.places.len() - 1;
        let mut grid: Vec<f64> = Vec::new();
        for pair in self.places[..last].windows(2) {
            let count = ((pair[1] - pair[0]) * STEPS).ceil();
            grid.extend((0..count as usize).map(|step| pair[0] + (pair[1] - pair[0]) * step as f64 / count));
        }
        grid.push(self.places[last - 1]);
        if corner.slope > 0.0 {
            // Among them, so that at least one is in the interval.
            grid.push(corner.theta);
            grid.sort_by(f64::total_cmp);
            grid.dedup();
        }
        let inside = |theta: &f64| self.fit(*theta, &means).rest <= allowed;
        let first = grid.iter().position(inside).unwrap_or(0);
        let end = grid.iter().rposition(inside).unwrap_or(grid.len() - 1);
        Ok(Interval {
            lower: grid[first.saturating_sub(1)],
            upper: grid.get(end + 1).copied().unwrap_or(self.places[last]),
            open_below: first == 0,
            open_above: end + 1 == grid.len(),
        })
    }

    /// By how much the sum of squares of a θ in the interval may be above the least.
    fn margin(&self, corner: &Fit) -> Result<f64> {
        let (sizes, trials) = (self.places.len() as f64, self.values.len() as f64);
        let mut margin = quantile(trials - 3.0)? * corner.rest / (sizes - 3.0);
        let Some(noise) = self.noise(&self.values) else { return Ok(margin) };
        let past = self.centered(self.past(corner.theta));
        let sides = [|place: f64, theta: f64| place > theta, |place: f64, theta: f64| place >= theta];
        for side in sides {
            let step: Vec<f64> = self.places.iter().map(|&place| f64::from(side(place, corner.theta))).collect();
            let step = self.centered(step);
            let squares = self.product(&past, &past);
            let share = if squares > 0.0 { self.product(&step, &past) / squares } else { 0.0 };
            let left: Vec<f64> = step.iter().zip(&past).map(|(step, past)| step - share * past).collect();
            let weight = self.product(&left, &left);
            // At the first and at the last but one, one of the two sides is what level and slope can do, too.
            if weight < 1e-9 {
                continue;
            }
            let weights = self.counts.iter().zip(&left).map(|(&count, left)| count as f64 * left * left);
            let (mut sum, mut spread) = (0.0, 0.0);
            for (weight, noise) in weights.zip(&noise) {
                sum += weight * noise.variance;
                spread += (weight * noise.variance).powi(2) / noise.freedom;
            }
            if sum > 0.0 {
                margin = margin.max(quantile(sum.powi(2) / spread)? * sum / weight);
            }
        }
        Ok(margin)
    }

    /// Probability, by permutation, of a fall as clear as the real one if batch size made no difference.
    fn no_fall(&self, deals: u32) -> f64 {
        let last = self.places.len() - 1;
        let between = self.places[..last]
            .windows(2)
            .flat_map(|pair| [0.0, 0.25, 0.5, 0.75].map(|share| pair[0] + share * (pair[1] - pair[0])));
        // The columns max(0, t − θ), less their means, and their squares by count.
        let hinges: Vec<(Vec<f64>, Vec<f64>)> = between
            .chain([self.places[last - 1]])
            .map(|theta| {
                let column = self.centered(self.past(theta));
                let squares = self.counts.iter().zip(&column).map(|(&count, x)| count as f64 * x * x).collect();
                (column, squares)
            })
            .collect();
        let real = self.clarity(&hinges, &self.values);
        if real == 0.0 {
            return 1.0;
        }
        let mut random = Seed(0).stream(Stream::Deal, 0);
        let mut values = self.values.clone();
        let mut as_clear = 1;
        for _ in 0..deals {
            shuffle(&mut values, &mut random);
            // Some deals are the real one up to rounding, and count.
            if self.clarity(&hinges, &values) >= real * (1.0 - 1e-9) {
                as_clear += 1;
            }
        }
        f64::from(as_clear) / f64::from(deals + 1)
    }

    /// The largest slope² over its variance.
    fn clarity(&self, hinges: &[(Vec<f64>, Vec<f64>)], values: &[f64]) -> f64 {
        let sums: Vec<f64> = self.groups(values).map(|group| group.iter().sum()).collect();
        let noise = self.noise(values);
        let total = values.iter().map(|value| value * value).sum::<f64>();
        let clarity = |(column, squares): &(Vec<f64>, Vec<f64>)| {
            let rise: f64 = column.iter().zip(&sums).map(|(x, sum)| x * sum).sum();
            if rise >= 0.0 {
                return 0.0;
            }
            let variance = match &noise {
                Some(noise) => squares.iter().zip(noise).map(|(square, noise)| square * noise.variance).sum(),
                None => {
                    let square: f64 = squares.iter().sum();
                    // Not below what rounding leaves of a fit without residuals.
                    (square * total - rise * rise).max(1e-15 * square * total)
                }
            };
            rise * rise / variance
        };
        hinges.iter().map(clarity).fold(0.0, f64::max)
    }

    /// Probability of such a lack of fit if the curve were right.
    fn misfit(&self, corner: &Fit) -> Result<f64> {
        let Some(noise) = self.noise(&self.values) else { return Ok(f64::NAN) };
        let (sizes, trials) = (self.places.len() as f64, self.values.len() as f64);
        let within =
            noise.iter().zip(&self.counts).map(|(noise, &count)| noise.variance * (count - 1) as f64).sum::<f64>();
        let total = self.values.iter().map(|value| value * value).sum::<f64>();
        if corner.rest <= 1e-24 * total || total == 0.0 {
            return Ok(1.0);
        }
        let fisher = FisherSnedecor::new(sizes - 3.0, trials - sizes)
            .map_err(|error| Error::parameter("degrees of freedom", trials - sizes, format!("be above 0 ({error})")))?;
        // Without noise any lack of fit is beyond chance.
        let ratio = (corner.rest / (sizes - 3.0)) / (within / (trials - sizes)).max(1e-24 * total);
        Ok(fisher.sf(ratio))
    }
}

/// The mean of one number or more.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// `F₀.₉₅(1, ν)`, the square of `t₀.₉₇₅(ν)`.
fn quantile(freedom: f64) -> Result<f64> {
    let student = StudentsT::new(0.0, 1.0, freedom)
        .map_err(|error| Error::parameter("degrees of freedom", freedom, format!("be above 0 ({error})")))?;
    Ok(student.inverse_cdf(0.975).powi(2))
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    type Measured = Vec<(usize, Vec<f64>)>;

    /// From N(0, 1), by Box and Muller.
    fn normal(random: &mut ChaCha8Rng) -> f64 {
        let mut uniform = || ((random.random::<u64>() >> 11) as f64 + 1.0) / 2f64.powi(53);
        (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
    }

    /// Trials of a curve over log₂ of the batch size, with noise, at 2⁵ to 2¹².
    fn drawn(curve: impl Fn(f64) -> f64, deviation: f64, trials: usize, seed: u64) -> Measured {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut group = |t: u32| (0..trials).map(|_| curve(f64::from(t)) + deviation * normal(&mut random)).collect();
        (5..13).map(|t| (1 << t, group(t))).collect()
    }

    fn stick(theta: f64, slope: f64) -> impl Fn(f64) -> f64 {
        move |t| 0.98 - slope * (t - theta).max(0.0)
    }

    /// Level, slope and corner of a stick without noise come back, wherever it begins to fall, with one trial or three.
    #[test]
    fn sticks_without_noise_are_found() -> Result<()> {
        for trials in [1, 3] {
            for theta in [5.0, 5.3, 8.71, 9.0, 10.999, 11.0] {
                let found = Threshold::of(&drawn(stick(theta, 0.01), 0.0, trials, 0))?;
                assert!((found.batch.log2() - theta).abs() < 1e-6, "{theta}: {found:?}");
                assert!((found.level - 0.98).abs() < 1e-9 && (found.slope - 0.01).abs() < 1e-9, "{theta}: {found:?}");
                assert!((found.at(4096.0) - stick(theta, 0.01)(12.0)).abs() < 1e-9 && found.at(1.0) == found.level);
                let close = found.lower.log2() > theta - 0.04 && (found.upper.log2() < theta + 0.04 || theta == 11.0);
                assert!(close && found.lower <= found.batch && found.batch <= found.upper, "{theta}: {found:?}");
                assert!(
                    found.open_below == (theta == 5.0) && found.open_above == (theta == 11.0),
                    "{theta}: {found:?}"
                );
                // One trial of eight that differs is the last of them in one order of eight.
                assert!(found.is_resolved() == (trials > 1 || theta < 10.9), "{theta}: {found:?}");
                assert!(trials == 1 || found.misfit > 0.5, "{theta}: {found:?}");
            }
        }
        Ok(())
    }

    /// ```python
    /// import numpy as np; from scipy import optimize, stats   # NumPy 2.4, SciPy 1.17
    /// d = {32: [97.91, 98.12, 98.05], 128: [98.02, 97.88, 98.15], 256: [98.09, 97.97],
    ///      512: [97.85, 98.06, 97.99, 97.90], 1024: [97.40, 97.71, 97.52], 4096: [96.31, 96.85, 96.60],
    ///      8192: [95.72, 96.20, 96.41]}
    /// t = np.concatenate([[np.log2(b)] * len(v) for b, v in d.items()]); y = np.concatenate(list(d.values())) / 100
    /// def fit(theta):
    ///     A = np.stack([np.ones_like(t), -np.maximum(0, t - theta)], 1)
    ///     x = np.linalg.lstsq(A, y)[0]
    ///     return np.sum((y - A @ x) ** 2), *x
    /// start = min(np.arange(5, 12, 1 / 64), key=lambda theta: fit(theta)[0])
    /// near = (start - 1 / 64, start + 1 / 64)
    /// theta = optimize.minimize_scalar(lambda x: fit(x)[0], bounds=near, options={"xatol": 1e-12}).x
    /// least, level, slope = fit(theta)
    /// groups = [np.array(v) / 100 for v in d.values()]; n = np.array([len(g) for g in groups]); k, N = len(n), n.sum()
    /// within = np.array([g.var(ddof=1) for g in groups]); pure = np.sum((n - 1) * within)
    /// lack = (least - pure) / (k - 3)
    /// A = np.stack([np.ones_like(t), -np.maximum(0, t - theta)], 1); s = (t > theta) * 1.
    /// r = s - A @ np.linalg.lstsq(A, s)[0]; w = np.array([np.sum(r[t == x] ** 2) for x in np.unique(t)])
    /// s2 = w @ within / w.sum(); nu = (w @ within) ** 2 / np.sum((w * within) ** 2 / (n - 1))
    /// allowed = least + max(stats.f.ppf(.95, 1, nu) * s2, stats.f.ppf(.95, 1, N - 3) * lack)
    /// inside = [x for x in np.arange(5, 12, 1 / 4096) if fit(x)[0] <= allowed]
    /// print(theta, level, slope, stats.f.sf(lack / (pure / (N - k)), k - 3, N - k), inside[0], inside[-1])
    /// ```
    #[test]
    fn fit_and_interval_are_numpys() -> Result<()> {
        let measured = [
            (8192, vec![95.72, 96.20, 96.41]),
            (32, vec![97.91, 98.12, 98.05]),
            (128, vec![98.02, 97.88, 98.15]),
            (512, vec![97.85, 98.06, 97.99, 97.90]),
            (256, vec![98.09, 97.97]),
            (1024, vec![97.40, 97.71, 97.52]),
            (4096, vec![96.31, 96.85, 96.60]),
        ];
        let measured = measured.map(|(batch, values)| (batch, values.into_iter().map(|value| value / 100.0).collect()));
        let found = Threshold::of(&measured)?;
        for (value, expected) in [found.batch.log2(), found.level, found.slope, found.misfit].into_iter().zip(NUMPY) {
            assert!((value / expected - 1.0).abs() < 1e-6, "{found:?}");
        }
        // Ours is rounded outward to a grid of 1/64, and his inward to one of 1/4,096.
        let (below, above) = (NUMPY[4] - found.lower.log2(), found.upper.log2() - NUMPY[5]);
        assert!((0.0..0.017).contains(&below) && (0.0..0.017).contains(&above), "{below}, {above}");
        assert!(found.p == 1e-4 && (found.sizes, found.trials) == (7, 21));
        Ok(())
    }
    const NUMPY: [f64; 6] =
        [8.88462392555758, 0.9802375000118615, 0.004623059355206245, 0.9966874094820886, 8.53076171875, 9.44189453125];

    /// 20,000 deals of another generator:
    ///
    /// ```python
    /// import numpy as np   # NumPy 2.4
    /// d = [(32, [.951, .948, .956]), (64, [.953, .950]), (256, [.946, .955, .949]), (512, [.950, .947]),
    ///      (2048, [.944, .951, .947])]
    /// t = np.log2([b for b, _ in d]); n = np.array([len(v) for _, v in d]); y = np.concatenate([v for _, v in d])
    /// i = np.repeat(np.arange(5), n)
    /// thetas = np.unique(np.concatenate([np.linspace(a, b, 5) for a, b in zip(t[:3], t[1:4])]))
    /// def clear(y):
    ///     best = 0; s2 = np.array([y[i == g].var(ddof=1) for g in range(5)])
    ///     for theta in thetas:
    ///         x = np.maximum(0, t[i] - theta); x = x - x.mean(); slope = x @ y / (x @ x)
    ///         if slope < 0: best = max(best, slope ** 2 * (x @ x) ** 2 / np.sum(x ** 2 * s2[i]))
    ///     return best
    /// r = np.random.default_rng(0); real = clear(y)
    /// print(np.mean([clear(r.permutation(y)) >= real * (1 - 1e-9) for _ in range(20000)]))
    /// ```
    #[test]
    fn p_is_that_of_numpys_permutations() -> Result<()> {
        let measured = [
            (32, vec![0.951, 0.948, 0.956]),
            (64, vec![0.953, 0.950]),
            (256, vec![0.946, 0.955, 0.949]),
            (512, vec![0.950, 0.947]),
            (2048, vec![0.944, 0.951, 0.947]),
        ];
        let p = Threshold::of(&measured)?.p;
        // Four standard errors of a share among 10,000 and one among 20,000.
        assert!((p - P_NUMPY).abs() < 4.0 * (P_NUMPY * (1.0 - P_NUMPY) * 1.5e-4).sqrt(), "{p}");
        Ok(())
    }
    const P_NUMPY: f64 = 0.11975;

    /// All 120 orders of five single trials; the statistic grows as the least sum of squares falls:
    ///
    /// ```python
    /// import numpy as np, itertools   # NumPy 2.4
    /// t = np.array([5, 6, 8, 9, 11.]); y = np.array([.951, .953, .950, .952, .947])
    /// thetas = np.unique(np.concatenate([np.linspace(a, b, 5) for a, b in zip(t[:3], t[1:4])]))
    /// def least(y):
    ///     sums = [np.sum((y - y.mean()) ** 2)]
    ///     for theta in thetas:
    ///         A = np.stack([np.ones(5), np.maximum(0, t - theta)], 1); x = np.linalg.lstsq(A, y)[0]
    ///         if x[1] < 0: sums.append(np.sum((y - A @ x) ** 2))
    ///     return min(sums)
    /// print(np.mean([least(np.array(z)) <= least(y) + 1e-15 for z in itertools.permutations(y)]))
    /// ```
    #[test]
    fn p_of_single_trials_is_that_of_all_orders() -> Result<()> {
        let measured = [32, 64, 256, 512, 2048].into_iter().zip([0.951, 0.953, 0.950, 0.952, 0.947]);
        let found = Threshold::of(&measured.map(|(batch, value)| (batch, vec![value])).collect::<Measured>())?;
        assert!((found.p - P_ALL).abs() < 4.0 * (P_ALL * (1.0 - P_ALL) * 1e-4).sqrt(), "{found:?}");
        assert!(found.misfit.is_nan());
        Ok(())
    }
    const P_ALL: f64 = 0.2;

    /// The true corner lies in the interval in 95 % of 300 data sets, or somewhat more, up to 98 %: from 272 to 299
    /// data sets (scipy.stats.binom.ppf(0.001, 300, 0.95) and .ppf(0.999, 300, 0.98) less one). The spread grows
    /// ninefold.
    #[test]
    fn intervals_cover_the_true_corner() -> Result<()> {
        for (noise, trials) in [(0.002, 3), (0.002, 10), (0.005, 5)] {
            let (mut covered, mut wide) = (0, 0);
            for seed in 0..300 {
                let mut measured = drawn(|_| 0.0, noise, trials, seed);
                for (batch, values) in &mut measured {
                    let t = (*batch as f64).log2();
                    for value in values.iter_mut() {
                        *value = stick(8.6, 0.005)(t) + (0.2 + 1.6 * (t - 5.0) / 7.0) * *value;
                    }
                }
                let curve = Curve::of(&measured)?;
                let interval = curve.interval(&curve.corner())?;
                covered += usize::from(interval.lower <= 8.6 && 8.6 <= interval.upper);
                wide += usize::from(interval.upper - interval.lower > 6.9);
            }
            assert!((272..300).contains(&covered) && wide < 150, "{trials} trials: {covered} covered, {wide} wide");
        }
        Ok(())
    }

    /// Of 100 level curves at most 12 have p < 0.05, and of 100 that fall by 1.5 % in all at least 95 (0.2 % noise).
    #[test]
    fn level_curves_are_rarely_resolved_and_falls_are() -> Result<()> {
        let resolved = |slope: f64| -> Result<usize> {
            let p = |seed| Ok(Curve::of(&drawn(stick(9.0, slope), 0.002, 4, seed))?.no_fall(199));
            Ok((0..100).map(p).collect::<Result<Vec<f64>>>()?.into_iter().filter(|p| *p < 0.05).count())
        };
        let (level, falling) = (resolved(0.0)?, resolved(0.005)?);
        assert!(level <= 12 && falling >= 95, "{level}, {falling}");
        Ok(())
    }

    #[test]
    fn curves_that_do_not_fall_are_not_resolved() -> Result<()> {
        let rising = Threshold::of(&drawn(stick(9.0, -0.005), 0.001, 4, 0))?;
        let level = Threshold::of(&drawn(|_| 0.98, 0.001, 4, 0))?;
        for found in [rising, level] {
            assert!(!found.is_resolved() && found.open_below && found.open_above, "{found:?}");
            assert!((found.lower, found.upper) == (32.0, 4096.0) && found.slope >= 0.0, "{found:?}");
            let text = found.to_string();
            assert!(
                text.starts_with("does not fall beyond chance (p = ") && text.ends_with("32 trials at 8 batch sizes)")
            );
        }
        // Rounding of equal values is no curve.
        for value in [0.0, 0.1, 97.3] {
            let equal: Measured = (5..10).map(|t| (1 << t, vec![value; 3])).collect();
            let found = Threshold::of(&equal)?;
            assert_eq!((found.p, found.slope, found.batch, found.misfit), (1.0, 0.0, 512.0, 1.0));
            assert!((found.level - value).abs() < 1e-12 && (found.lower, found.upper) == (32.0, 512.0));
        }
        Ok(())
    }

    /// A smooth fall has no corner. By eye it begins where a tenth of it is done, at 2^(10 − ln 9) = 223 for this one:
    /// we are within a factor of two, and say that it is not a stick.
    #[test]
    fn smooth_falls_begin_near_their_first_tenth() -> Result<()> {
        let begin = (10.0 - 9f64.ln()).exp2();
        for seed in 0..3 {
            let found = Threshold::of(&drawn(|t| 0.98 - 0.03 / (1.0 + (10.0 - t).exp()), 0.0005, 5, seed))?;
            assert!(found.is_resolved() && found.misfit < 0.05, "{found:?}");
            assert!((begin / 2.0..2.0 * begin).contains(&found.batch) && found.lower < begin && begin < found.upper);
        }
        Ok(())
    }

    #[test]
    fn order_and_units_mean_nothing() -> Result<()> {
        let measured = drawn(stick(8.6, 0.005), 0.002, 3, 5);
        let found = Threshold::of(&measured)?;
        let mut turned = measured.clone();
        turned.reverse();
        for (_, values) in &mut turned {
            values.reverse();
        }
        assert_eq!(Threshold::of(&turned)?, found);
        let percent: Measured =
            measured.iter().map(|(batch, values)| (*batch, values.iter().map(|v| 100.0 * v).collect())).collect();
        let percent = Threshold::of(&percent)?;
        assert!((percent.batch / found.batch - 1.0).abs() < 1e-9 && (percent.slope / found.slope - 100.0).abs() < 1e-6);
        assert_eq!((percent.lower, percent.p), (found.lower, found.p));
        Ok(())
    }

    #[test]
    fn text_says_batch_interval_and_loss() {
        let found = Threshold {
            batch: 1234.4,
            lower: 1000.0,
            upper: 2048.0,
            open_below: false,
            open_above: false,
            level: 0.9803,
            slope: 0.0052,
            p: 0.0001,
            misfit: 0.4,
            sizes: 8,
            trials: 40,
        };
        let end = "to 2,048, p = 1e-4): 98.03 % up to it, 0.52 percentage points less per doubling";
        assert_eq!(found.to_string(), format!("falls past a batch of 1,234 (95 % interval 1,000 {end}"));
        let open = Threshold { open_below: true, lower: 32.0, ..found };
        assert_eq!(open.text(), format!("falls past a batch of 1,234 (95 % interval 32 or less {end}"));
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let good: Measured = (5..9).map(|t| (1 << t, vec![0.9, 0.8])).collect();
        assert!(Threshold::of(&good).is_ok());
        let text = |change: &dyn Fn(&mut Measured)| {
            let mut wrong = good.clone();
            change(&mut wrong);
            Threshold::of(&wrong).expect_err("no threshold").to_string()
        };
        assert_eq!(
            text(&|wrong| wrong.truncate(3)),
            "number of batch sizes must be at least 4 for a threshold, but is 3"
        );
        assert_eq!(text(&|wrong| wrong[2].0 = 0), "batch size must be at least 1, but is 0");
        assert_eq!(
            text(&|wrong| wrong[3].0 = 32),
            "batch sizes must differ, with all trials of one together, but is 32 twice"
        );
        assert_eq!(text(&|wrong| wrong[1].1.clear()), "trials at a batch size must be at least one, but is none at 64");
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(
                text(&|wrong| wrong[0].1[1] = value),
                format!("value of a trial must be finite, but is {value} at 32")
            );
        }
    }
}
