//! How sharp are the minima of a regime? The sharpness of many points, side by side.

use super::maximize::Maximizer;
use super::maximum::{Maximum, Origin, Search, Space, Status};
use crate::data::Which;
use crate::display::{Block, missing, plus_minus, significant, total};
use crate::error::{Error, Result};
use crate::objective::Statistics;
use crate::spread::{Ratio, Spread};
use crate::train::Role;

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
    /// another search surpasses, is unreliable.
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
    /// How many were left out, because their trials diverged.
    pub diverged: usize,
    /// Which were left out, because f or its gradient ceased to be finite in the box, and how that shows: "large, trial 1: …".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
}

/// φ of both regimes in one kind of box: a row of the paper's Tables 3 and 4.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// What A is.
    pub space: Space,
    /// ε.
    pub epsilon: f64,
    /// Whose points f is over.
    pub split: Which,
    /// Most iterations of each search.
    pub iterations: usize,
    /// Searches of each measure.
    pub searches: usize,
    /// Which random A, where A is random.
    pub draw: u64,
    /// Whose statistics normalization used.
    pub statistics: Statistics,
    /// φ of the small regime's trials, percent.
    pub small: Vec<f64>,
    /// φ of the large one's.
    pub large: Vec<f64>,
    /// How many of the small regime's are unreliable.
    pub doubtful_small: usize,
    /// How many of the large one's.
    pub doubtful_large: usize,
    /// Of how many measures of both the best of several searches stands alone, none within 5 % of it: lower bounds of unknown slack.
    pub alone: usize,
}

/// An error unless all measures are in one kind of box, and by the same searches: the largest of two is larger than that of one. And
/// unless there is one of each trial after each epoch.
pub(crate) fn check_one_box(what: &'static str, maxima: &[&Maximum]) -> Result<()> {
    let Some(first) = maxima.first() else { return Ok(()) };
    let of = |one: &Maximum| (one.space, one.epsilon, one.iterations, one.objective, one.drawn());
    if let Some(other) = maxima.iter().find(|other| of(other) != of(first) || !other.ways().eq(first.ways())) {
        let said = |one: &Maximum| {
            let searches: Vec<String> = one.ways().map(|(by, from)| format!("{by} from {from}")).collect();
            let (searches, objective) = (searches.join(", "), one.objective.facts());
            let Maximum { space, epsilon, iterations, seed, draw, .. } = one;
            format!(
                "{space}, ε = {epsilon:e} ({searches}; {iterations} iterations; seed {seed}, draw {draw}; {objective})"
            )
        };
        return Err(Error::parameter(what, format!("{} beside {}", said(other), said(first)), "be of one kind"));
    }
    check_each_once(maxima, true)
}

/// An error where a trial was measured twice, or twice after one epoch: each counts as one trial.
pub(crate) fn check_each_once(maxima: &[&Maximum], by_epoch: bool) -> Result<()> {
    let of = |one: &Maximum| Some((one.regime.clone(), one.trial?, one.epoch.filter(|_| by_epoch)));
    let mut seen = std::collections::HashSet::new();
    for own in maxima.iter().filter_map(|one| of(one)) {
        if !seen.insert(own.clone()) {
            let (regime, trial, epoch) = own;
            let regime = regime.unwrap_or_default();
            let when = epoch.map_or(String::new(), |epoch| format!(" after epoch {epoch}"));
            let given = format!("trial {trial} of '{regime}'{when} twice");
            return Err(Error::parameter("measures in one box", given, "be one of each trial"));
        }
    }
    Ok(())
}

impl Maximum {
    /// Whether both are of the same net and points, in the same kind of box, looked at in the same ways: what may be averaged.
    pub(crate) fn is_measured_as(&self, other: &Maximum) -> bool {
        let of = |one: &Maximum| {
            (
                one.epsilon.to_bits(),
                one.space,
                one.dimension,
                one.split,
                one.objective,
                one.iterations,
                one.trial_seed,
                one.epoch,
                one.drawn(),
            )
        };
        // An older record does not say over how many points.
        let points = self.points.zip(other.points).is_none_or(|(own, others)| own == others);
        let names = (&self.net, &self.data) == (&other.net, &other.data);
        names && points && of(self) == of(other) && self.ways().eq(other.ways())
    }

    /// Where its A and its random starts were drawn from, if there are such and it is a trial's: measures of one point along several
    /// A are alike.
    fn drawn(&self) -> Option<(u64, u64)> {
        let is_random = |search: &Search| matches!(search.start, Origin::Random(_));
        let is_drawn = matches!(self.space, Space::Random { .. }) || self.searches.iter().any(is_random);
        self.trial.filter(|_| is_drawn).map(|_| (self.seed, self.draw))
    }

    /// The maximizers and starts of its searches.
    fn ways(&self) -> impl Iterator<Item = (Maximizer, Origin)> {
        self.searches.iter().map(|search| (search.maximizer, search.start))
    }
}

/// Measures of which none is missing. Those of points that are no trial's need [names](Maximum::named) to be told apart: without one they
/// are draws of one point.
impl From<Vec<Maximum>> for Maxima {
    fn from(maxima: Vec<Maximum>) -> Self {
        Self { maxima, ..Self::default() }
    }
}

impl Maxima {
    /// Several as one, for a table or a chart of them all.
    pub fn joined(several: &[Maxima]) -> Self {
        Self {
            maxima: several.iter().flat_map(|maxima| maxima.maxima.clone()).collect(),
            unmeasured: total(several.iter().map(|maxima| maxima.unmeasured)),
            diverged: total(several.iter().map(|maxima| maxima.diverged)),
            failed: several.iter().flat_map(|maxima| maxima.failed.clone()).collect(),
        }
    }

    /// Those in one kind of box.
    ///
    /// ```
    /// let recorded = sharp_minima::Recorded::load("data/runs/03_f1_mnist.jsonl")?;
    /// let maxima = recorded.maxima.ok_or(sharp_minima::Error::Data("no sharpness".into()))?;
    /// assert_eq!(maxima.only(sharp_minima::Space::Full, 1e-3).maxima.len(), 10);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn only(&self, space: Space, epsilon: f64) -> Self {
        let own = self.maxima.iter().filter(|maximum| (maximum.space, maximum.epsilon) == (space, epsilon));
        Self { maxima: own.cloned().collect(), ..self.clone() }
    }

    /// φ of all, percent.
    pub fn phi(&self, reading: Reading) -> Vec<f64> {
        self.maxima.iter().map(|maximum| reading.of(maximum).0).collect()
    }

    /// Mean and standard deviation of φ, percent.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) where there is no measure.
    pub fn spread(&self, reading: Reading) -> Result<Spread> {
        Spread::of(&self.phi(reading))
    }

    /// The small-batch and the large-batch regime set against each other, once for each kind of box and split, in their order here.
    pub fn contrasts(&self, reading: Reading) -> Vec<Contrast> {
        let mut boxes: Vec<Vec<&Maximum>> = Vec::new();
        for group in self.groups() {
            match boxes.iter_mut().find(|others| others[0].is_measured_as(group[0])) {
                Some(others) => others.extend(group),
                None => boxes.push(group),
            }
        }
        let contrast = |maxima: Vec<&Maximum>| {
            let first = maxima[0];
            let of = |role: Role| -> (Vec<f64>, usize) {
                let own = maxima.iter().filter(|maximum| maximum.role == Some(role));
                let (phi, trusted): (Vec<f64>, Vec<bool>) = own.map(|maximum| reading.of(maximum)).unzip();
                (phi, trusted.into_iter().filter(|trusted| !trusted).count())
            };
            let ((small, doubtful_small), (large, doubtful_large)) = (of(Role::Small), of(Role::Large));
            let of_pair = maxima.iter().filter(|maximum| maximum.role.is_some());
            let alone = of_pair.filter(|maximum| maximum.searches.len() > 1 && maximum.agreeing() < 2).count();
            Contrast {
                space: first.space,
                epsilon: first.epsilon,
                split: first.split,
                iterations: first.iterations,
                searches: first.searches.len(),
                draw: first.draw,
                statistics: first.objective.whose(),
                small,
                large,
                doubtful_small,
                doubtful_large,
                alone,
            }
        };
        let contrasts = boxes.into_iter().map(contrast);
        contrasts.filter(|contrast| !(contrast.small.is_empty() && contrast.large.is_empty())).collect()
    }

    /// The measures of one regime that were made alike, in their order here.
    pub(crate) fn groups(&self) -> Vec<Vec<&Maximum>> {
        let mut groups: Vec<Vec<&Maximum>> = Vec::new();
        for maximum in &self.maxima {
            let of = |one: &Maximum| (one.regime.clone(), one.role, one.batch);
            let is_alike = |group: &&mut Vec<&Maximum>| group[0].is_measured_as(maximum) && of(group[0]) == of(maximum);
            match groups.iter_mut().find(is_alike) {
                Some(group) => group.push(maximum),
                None => groups.push(vec![maximum]),
            }
        }
        groups
    }

    /// What A is, with what else tells this measure from others of these.
    pub(crate) fn name_of(&self, maximum: &Maximum) -> String {
        let mut name = maximum.space.to_string();
        let differs = |is_same: fn(&Maximum, &Maximum) -> bool| self.maxima.iter().any(|one| !is_same(one, maximum));
        if differs(|a, b| (&a.net, &a.data) == (&b.net, &b.data)) {
            name = format!("{} on {}, {name}", maximum.net, maximum.data);
        }
        if differs(|a, b| a.objective == b.objective) {
            name.push_str(&format!(", {}", maximum.objective.facts()));
        }
        if differs(|a, b| a.trial_seed == b.trial_seed) {
            name.push_str(&maximum.trial_seed.map_or(", no trial".into(), |seed| format!(", starts of seed {seed}")));
        }
        let is_drawn_alike = |a: &Maximum, b: &Maximum| a.drawn().zip(b.drawn()).is_none_or(|(a, b)| a == b);
        if differs(is_drawn_alike) {
            name.push_str(&maximum.drawn().map_or(String::new(), |(seed, draw)| format!(", seed {seed}, draw {draw}")));
        }
        if differs(|a, b| a.epoch == b.epoch) {
            name.push_str(&maximum.epoch.map_or(", at the end".into(), |epoch| format!(", after epoch {epoch}")));
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

    /// Is the largest f that was found the largest that there is? How far the searches of each measure agree: where several that
    /// began in different places come to within 5 % of the largest φ, it is likely; where only one does, more searches would
    /// probably find more, and φ is a lower bound of unknown slack. A row for each kind of box and regime.
    pub fn agreement(&self) -> Block {
        let row = |group: Vec<&Maximum>| {
            let near = |maximum: &&Maximum| maximum.agreeing() as f64;
            let mean = group.iter().map(near).sum::<f64>() / group.len() as f64;
            let least = group.iter().map(|maximum| maximum.agreeing()).min().unwrap_or(0);
            let alone = group.iter().filter(|maximum| maximum.agreeing() < 2).count();
            let first = group[0];
            vec![
                self.name_of(first),
                format!("{:e}", first.epsilon),
                first.regime.clone().unwrap_or_else(|| format!("{} draws", group.len())),
                group.len().to_string(),
                first.searches.len().to_string(),
                format!("{mean:.1}"),
                least.to_string(),
                alone.to_string(),
            ]
        };
        let heads = [
            "A",
            "ε",
            "regime",
            "measures",
            "searches each",
            "within 5 % of the largest, mean",
            "least",
            "measures whose best stands alone",
        ];
        let rows = self.groups().into_iter().map(row).collect();
        Block::table("How far the searches agree", &heads, rows)
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
                    if doubtful == 0 { String::new() } else { format!(" ({doubtful} of {} unreliable)", read.len()) };
                Spread::of(&phi).map_or(String::new(), |spread| {
                    format!("{}{doubt}", plus_minus(spread.mean, Some(spread.deviation)))
                })
            };
            // Of those that have it.
            let of = |value: fn(&Maximum) -> Option<f64>| -> String {
                Spread::of(&group.iter().filter_map(|maximum| value(maximum)).collect::<Vec<_>>())
                    .map_or("–".into(), |spread| significant(spread.mean))
            };
            rows.push(vec![
                self.name_of(first),
                format!("{:e}", first.epsilon),
                first.split.to_string(),
                first.regime.clone().unwrap_or_else(|| format!("{} draws", group.len())),
                said(Reading::FromZero),
                said(Reading::Largest),
                of(|maximum| maximum.corner),
                of(|maximum| Some(maximum.first_order)),
                of(|maximum| maximum.second_order),
                of(|maximum| Some(maximum.searches.iter().map(|search| search.evaluations as f64).sum())),
            ]);
        }
        let head = [
            "A",
            "ε",
            "split",
            "regime",
            "φ from zero, %",
            "φ, largest, %",
            "at random corners",
            "if f were linear",
            "if f were quadratic",
            "evaluations",
        ];
        let title = match self.maxima.first() {
            None => "No measures".into(),
            Some(first) => format!(
                "Sharpness of {} on {}, {} statistics: mean ± std over trials; {} measures in all",
                first.net,
                first.data,
                first.objective.statistics,
                self.maxima.len()
            ),
        };
        let title = title + &missing(self.unmeasured, self.diverged);
        let mut blocks = vec![Block::table(&title, &head, rows)];
        if !self.failed.is_empty() {
            blocks.push(Block::paragraph(&format!("Left out: {}.", self.failed.join("; "))));
        }
        let rows: Vec<Vec<String>> = [Reading::FromZero, Reading::Largest]
            .into_iter()
            .flat_map(|reading| {
                self.contrasts(reading)
                    .into_iter()
                    .filter(|contrast| !contrast.small.is_empty() && !contrast.large.is_empty())
                    .map(move |contrast| {
                        vec![
                            contrast.space.to_string(),
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

    /// How many of its numbers are unreliable.
    pub fn doubtful(&self) -> usize {
        self.doubtful_small + self.doubtful_large
    }

    /// The ratio in words, with its interval, or why there is none.
    pub(crate) fn said(&self) -> String {
        let doubt = match self.doubtful() {
            0 => String::new(),
            doubtful => {
                format!("; {doubtful} of {} searches unreliable", self.small.len() + self.large.len())
            }
        };
        match self.ratio() {
            Ok(ratio) => format!("{ratio}{doubt}"),
            Err(reason) => format!("none: {reason}{doubt}"),
        }
    }
}

crate::display::shown_as_text!(Contrast, Reading);
