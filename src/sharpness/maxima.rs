//! How sharp are the minima of a regime? The sharpness of many points, side by side.

use std::time::{Duration, Instant};

use super::{Along, Maximizer, Maximum, Search, Sharpness, Status};
use crate::abreast::abreast;
use crate::data::{Dataset, check_count};
use crate::display::{Block, Progress, significant};
use crate::error::{Error, Result};
use crate::kept::Fingerprint;
use crate::net::{Device, Net, Passes};
use crate::objective::Statistics;
use crate::spread::{Ratio, Spread};
use crate::train::{Pair, Regime, Trials};
use crate::weights::Weights;

/// Which of a measure's numbers is read as its φ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// The largest f of all searches.
    Largest,
    /// That of the search from x itself alone: the paper's protocol.
    FromZero,
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reading::Largest => "largest of all searches",
            Reading::FromZero => "from zero",
        })
    }
}

impl Reading {
    /// φ of a measure, percent, and whether it is to be trusted: a search that stayed at its start, or that a random corner or
    /// another search surpasses, found no size.
    pub fn of(self, maximum: &Maximum) -> (f64, bool) {
        let search = match self {
            Reading::Largest => maximum.best(),
            Reading::FromZero => maximum.from_zero(),
        };
        search.map_or((0.0, false), |search| (search.phi, search.status(maximum) == Status::Found))
    }
}

/// The sharpness of many points: of the trials of regimes, in one or several boxes, or of one point along several random A.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Maxima {
    /// The measures.
    pub maxima: Vec<Maximum>,
    /// How many are missing, because the budget of seconds was used up before they were begun.
    pub unmeasured: usize,
}

/// φ of both regimes in one kind of box: a row of the paper's Tables 3 and 4.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// What A is, in words.
    pub along: String,
    /// ε.
    pub epsilon: f64,
    /// "train" or "test".
    pub split: String,
    /// Most iterations of each search.
    pub iterations: usize,
    /// φ of the small regime's trials, percent.
    pub small: Vec<f64>,
    /// φ of the large one's.
    pub large: Vec<f64>,
    /// How many of the small regime's are no measure of a size.
    pub doubtful_small: usize,
    /// How many of the large one's.
    pub doubtful_large: usize,
}

/// One point to be measured.
struct Part<'a> {
    regime: Option<&'a Regime>,
    trial: Option<usize>,
    draw: u64,
    x: &'a Weights,
}

impl Sharpness {
    /// Measures the last points of a regime's trials, side by side.
    ///
    /// Cost and memory: those of [`at`](Self::at) for each; as many at once as there are threads.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Data`] where there are no trials; [`Error::File`] and [`Error::Format`] for a folder of
    /// [kept](Self::kept_in) measures. Measures that ended well are kept in that folder in spite of an error.
    pub fn trials(&self, net: &Net, data: &Dataset, trials: &Trials) -> Result<Maxima> {
        self.many(net, data, &self.parts(trials)?)
    }

    /// Measures the last points of both regimes, side by side.
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
        let mut parts = self.parts(&pair.small)?;
        parts.extend(self.parts(&pair.large)?);
        self.many(net, data, &parts)
    }

    /// Measures one point along several random A, from [`draw`](Self::draw) on: how much φ depends on A.
    ///
    /// # Errors
    /// As [`at`](Self::at); [`Error::Parameter`] where `count` is 0, or above 1 where A is not random.
    pub fn draws(&self, net: &Net, data: &Dataset, x: &Weights, count: usize) -> Result<Maxima> {
        check_count("number of draws", count, 10_000)?;
        if count > 1 && !matches!(self.along, Along::Random(_)) {
            return Err(Error::parameter("number of draws", count, "be 1 where A is not random"));
        }
        let part = |draw| Part { regime: None, trial: None, draw: self.draw.saturating_add(draw), x };
        self.many(net, data, &(0..count as u64).map(part).collect::<Vec<_>>())
    }

    fn parts<'a>(&self, trials: &'a Trials) -> Result<Vec<Part<'a>>> {
        let Trials { regime, weights } = trials;
        if weights.is_empty() || weights.len() != regime.runs.len() {
            return Err(Error::Data(format!(
                "sharpness needs trials with their weights, but the regime '{}' has {} trials and {} weights",
                regime.name,
                regime.runs.len(),
                weights.len()
            )));
        }
        let parts = regime.runs.iter().zip(weights);
        Ok(parts.map(|(run, x)| Part { regime: Some(regime), trial: Some(run.trial), draw: self.draw, x }).collect())
    }

    fn many(&self, net: &Net, data: &Dataset, parts: &[Part<'_>]) -> Result<Maxima> {
        check_count("threads", self.threads.unwrap_or(1), 1_024)?;
        if let Some(seconds) = self.seconds.filter(|seconds| !(seconds.is_finite() && *seconds > 0.0)) {
            return Err(Error::parameter("seconds", seconds, "be finite and above 0"));
        }
        for part in parts {
            self.check_weights(net, part.x)?;
            self.check(net, &part.x.to_f64())?;
        }
        let split = self.split(data);
        let deadline = self.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds.min(1e9)));
        let progress = Progress::new(parts.len() * self.searches(), self.quiet);
        let kept = self.kept.as_ref().map(|kept| (kept, self.fingerprint(net, data)));
        // One A for all trials, made once; each draw has its own.
        let one = parts.iter().all(|part| part.draw == self.draw);
        let shared = if one { self.directions(net.parameter_count())? } else { None };
        let fused = self.objective.passes == Passes::Fused && self.objective.device == Device::Cpu;
        let measured = abreast(parts, self.threads, if fused { parts.len() } else { 1 }, |part| {
            let name = part.regime.map_or_else(|| format!("draw {}", part.draw), |regime| regime.name.clone());
            let name = part.trial.map_or(name.clone(), |trial| format!("{name}, trial {trial}"));
            let own = kept.as_ref().map(|(kept, of)| {
                let running = matches!(self.objective.statistics, Statistics::Running).then(|| part.x.buffers());
                (*kept, of.clone().and(&part.draw).numbers(part.x.values()).numbers(running.unwrap_or_default()))
            });
            if let Some((kept, of)) = &own
                && let Some(maximum) = kept.find::<Maximum>("sharpness", of)?
            {
                progress.advance(self.searches(), || format!("{name}: found as it was kept"));
                return Ok(Some(part.describe(data, maximum)));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
            let report = |search: &Search| {
                // As short as it may be: a line of a notebook is.
                let start = if search.maximizer == Maximizer::Corners { "corners" } else { &search.start };
                progress.advance(1, || format!("{name}, {start}: φ = {} %", significant(search.phi)));
            };
            let drawn = if one { None } else { Self { draw: part.draw, ..self.clone() }.directions(part.x.len())? };
            let directions = shared.as_ref().or(drawn.as_ref());
            let mut maximum = self.around(net, split, &part.x.to_f64(), Some(part.x.buffers()), directions, &report)?;
            (maximum.draw, maximum.displacement) = (part.draw, None);
            if let Some((kept, of)) = &own {
                kept.keep("sharpness", of, &maximum)?;
            }
            Ok(Some(part.describe(data, maximum)))
        })?;
        let unmeasured = measured.iter().filter(|maximum| maximum.is_none()).count();
        Ok(Maxima { maxima: measured.into_iter().flatten().collect(), unmeasured })
    }

    /// All that decides a measure but its point and its draw.
    fn fingerprint(&self, net: &Net, data: &Dataset) -> Fingerprint {
        let Self {
            epsilon, along, orthonormal, iterations, maximizer, starts, climb, corners, objective, seed, ..
        } = self;
        Fingerprint::new("sharpness")
            .and(&(epsilon, along, orthonormal, iterations, maximizer, starts, climb, corners, objective, seed))
            .and(&(self.test, net.name(), net.input(), net.layers()))
            .split(self.split(data))
    }
}

impl Part<'_> {
    /// The measure with what it is of.
    fn describe(&self, data: &Dataset, maximum: Maximum) -> Maximum {
        Maximum {
            regime: self.regime.map(|regime| regime.name.clone()),
            batch: self.regime.map(|regime| regime.batch),
            trial: self.trial,
            trial_seed: self.regime.map(|regime| regime.seed),
            data: data.name.clone(),
            ..maximum
        }
    }
}

impl Maximum {
    /// Whether both are of the same net and points, in the same kind of box, looked at in the same ways: what may be averaged.
    fn is_measured_as(&self, other: &Maximum) -> bool {
        let of = |one: &Maximum| (one.epsilon.to_bits(), one.dimension, one.statistics, one.chunk, one.iterations);
        (&self.net, &self.data, &self.split, &self.along) == (&other.net, &other.data, &other.split, &other.along)
            && of(self) == of(other)
            && self.ways().eq(other.ways())
    }

    /// The maximizers and starts of its searches.
    fn ways(&self) -> impl Iterator<Item = (Maximizer, &str)> {
        self.searches.iter().map(|search| (search.maximizer, search.start.as_str()))
    }
}

impl Maxima {
    /// Several as one, for a table or a chart of them all.
    pub fn joined(several: &[Maxima]) -> Self {
        Self {
            maxima: several.iter().flat_map(|maxima| maxima.maxima.clone()).collect(),
            unmeasured: several.iter().map(|maxima| maxima.unmeasured).sum(),
        }
    }

    /// φ of all, percent.
    pub fn phi(&self, reading: Reading) -> Vec<f64> {
        self.maxima.iter().map(|maximum| reading.of(maximum).0).collect()
    }

    /// Mean and standard deviation of φ, percent.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no measure.
    pub fn spread(&self, reading: Reading) -> Result<Spread> {
        Spread::of(&self.phi(reading))
    }

    /// The regimes "small" and "large" set against each other, once for each kind of box and split, in their order here.
    pub fn contrasts(&self, reading: Reading) -> Vec<Contrast> {
        let mut boxes: Vec<Vec<&Maximum>> = Vec::new();
        for group in self.groups() {
            match boxes.iter_mut().find(|others| others[0].is_measured_as(group[0])) {
                Some(others) => others.extend(group),
                None => boxes.push(group),
            }
        }
        let contrast = |maxima: Vec<&Maximum>| {
            let of = |regime: &str| -> (Vec<f64>, usize) {
                let own = maxima.iter().filter(|maximum| maximum.regime.as_deref() == Some(regime));
                let (phi, trusted): (Vec<f64>, Vec<bool>) = own.map(|maximum| reading.of(maximum)).unzip();
                (phi, trusted.into_iter().filter(|trusted| !trusted).count())
            };
            let ((small, doubtful_small), (large, doubtful_large)) = (of("small"), of("large"));
            Contrast {
                along: maxima[0].along.clone(),
                epsilon: maxima[0].epsilon,
                split: maxima[0].split.clone(),
                iterations: maxima[0].iterations,
                small,
                large,
                doubtful_small,
                doubtful_large,
            }
        };
        let contrasts = boxes.into_iter().map(contrast);
        contrasts.filter(|contrast| !(contrast.small.is_empty() && contrast.large.is_empty())).collect()
    }

    /// The measures of one regime that were made alike, in their order here.
    pub(crate) fn groups(&self) -> Vec<Vec<&Maximum>> {
        let mut groups: Vec<Vec<&Maximum>> = Vec::new();
        for maximum in &self.maxima {
            let is_alike =
                |group: &&mut Vec<&Maximum>| group[0].is_measured_as(maximum) && group[0].regime == maximum.regime;
            match groups.iter_mut().find(is_alike) {
                Some(group) => group.push(maximum),
                None => groups.push(vec![maximum]),
            }
        }
        groups
    }

    /// What A is, with what else tells this measure from others of these.
    pub(crate) fn name_of(&self, maximum: &Maximum) -> String {
        let mut name = maximum.along.clone();
        let differs = |is_same: fn(&Maximum, &Maximum) -> bool| self.maxima.iter().any(|one| !is_same(one, maximum));
        if differs(|a, b| (&a.net, &a.data) == (&b.net, &b.data)) {
            name = format!("{} on {}, {name}", maximum.net, maximum.data);
        }
        if differs(|a, b| (a.statistics, a.chunk) == (b.statistics, b.chunk)) {
            name.push_str(&format!(", {} statistics of {}", maximum.statistics, maximum.chunk));
        }
        if differs(|a, b| a.iterations == b.iterations) {
            name.push_str(&format!(", {} iterations", maximum.iterations));
        }
        if differs(|a, b| a.ways().eq(b.ways())) {
            let count = maximum.searches.len();
            name.push_str(&format!(", {count} {}", if count == 1 { "search" } else { "searches" }));
        }
        name
    }

    /// Mean ± standard deviation of both readings for each kind of box and regime, and the ratios.
    pub fn block(&self) -> Block {
        let mut rows = Vec::new();
        for group in self.groups() {
            let first = group[0];
            let said = |reading: Reading| {
                let read: Vec<(f64, bool)> = group.iter().map(|maximum| reading.of(maximum)).collect();
                let phi: Vec<f64> = read.iter().map(|(phi, _)| *phi).collect();
                let doubtful = read.iter().filter(|(_, trusted)| !trusted).count();
                let doubt =
                    if doubtful == 0 { String::new() } else { format!(" ({doubtful} of {} no measure)", read.len()) };
                Spread::of(&phi).map_or(String::new(), |spread| format!("{}{doubt}", mean_and_deviation(&spread)))
            };
            let corners: Vec<f64> = group.iter().filter_map(|maximum| maximum.corner).collect();
            let of = |value: fn(&Maximum) -> f64| -> String {
                Spread::of(&group.iter().map(|maximum| value(maximum)).collect::<Vec<_>>())
                    .map_or(String::new(), |spread| significant(spread.mean))
            };
            rows.push(vec![
                self.name_of(first),
                format!("{:e}", first.epsilon),
                first.split.clone(),
                first.regime.clone().unwrap_or_else(|| format!("{} draws", group.len())),
                said(Reading::FromZero),
                said(Reading::Largest),
                Spread::of(&corners).map_or("–".into(), |spread| significant(spread.mean)),
                of(|maximum| maximum.first_order),
                of(|maximum| maximum.second_order),
                of(|maximum| maximum.searches.iter().map(|search| search.evaluations as f64).sum()),
            ]);
        }
        let head = [
            "A",
            "ε",
            "split",
            "regime",
            "φ from zero, %",
            "φ, largest, %",
            "random corners",
            "if linear",
            "if quadratic",
            "evaluations",
        ];
        let title = match self.maxima.first() {
            None => "No measures".into(),
            Some(first) => format!(
                "Sharpness of {} on {}, {} statistics: mean ± std of {} measures",
                first.net,
                first.data,
                first.statistics,
                self.maxima.len()
            ),
        };
        let title = match self.unmeasured {
            0 => title,
            missing => format!("{title}; {missing} missing, the budget of seconds was used up"),
        };
        let mut blocks = vec![Block::table(&title, &head, rows)];
        let rows: Vec<Vec<String>> = [Reading::FromZero, Reading::Largest]
            .into_iter()
            .flat_map(|reading| {
                self.contrasts(reading)
                    .into_iter()
                    .filter(|contrast| !contrast.small.is_empty() && !contrast.large.is_empty())
                    .map(move |contrast| {
                        vec![
                            contrast.along.clone(),
                            format!("{:e}", contrast.epsilon),
                            reading.to_string(),
                            contrast.said(),
                        ]
                    })
            })
            .collect();
        if !rows.is_empty() {
            blocks.push(Block::table("Large over small", &["A", "ε", "φ", "ratio of the geometric means"], rows));
        }
        Block::joined(&blocks)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Contrast {
    /// φ of the large regime over that of the small one.
    ///
    /// # Errors
    /// As [`Ratio::of`]: a φ of 0 has no ratio.
    pub fn ratio(&self) -> Result<Ratio> {
        Ratio::of(&self.large, &self.small)
    }

    /// How many of its numbers are no measure of a size.
    pub fn doubtful(&self) -> usize {
        self.doubtful_small + self.doubtful_large
    }

    /// The ratio in words, with its interval, or why there is none.
    pub(crate) fn said(&self) -> String {
        let doubt = match self.doubtful() {
            0 => String::new(),
            doubtful => {
                format!("; {doubtful} of {} searches found no size", self.small.len() + self.large.len())
            }
        };
        match self.ratio() {
            Ok(ratio) => format!("{} ({}){doubt}", significant(ratio.geometric), ratio.interval()),
            Err(reason) => format!("none: {reason}{doubt}"),
        }
    }
}

/// "1.23 ± 0.83", with digits for numbers of any size.
pub(crate) fn mean_and_deviation(spread: &Spread) -> String {
    if !spread.deviation.is_finite() {
        return significant(spread.mean);
    }
    if spread.mean.abs() >= 0.01 {
        let decimals = if spread.mean.abs() < 1.0 { 4 } else { 2 };
        return spread.text(decimals);
    }
    format!("{} ± {}", significant(spread.mean), significant(spread.deviation))
}

crate::display::shown_as_text!(Contrast, Reading);
