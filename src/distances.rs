//! How far does x go? The distance ‖x − x₀‖₂ along runs, and the law that it follows.
//!
//! The paper's small batch explores, and its large one stays near the start: it reports ‖x_s − x₀‖₂ / ‖x_ℓ − x₀‖₂ between 3 and 10 (§3). Hoffer,
//! Hubara and Soudry (2017, arXiv 1705.08741) say what the distance is a matter of: it grows with the logarithm of the number of
//! steps, as in a random walk over a random potential, so that a large batch is nearer because it has taken fewer steps. Two laws
//! of two numbers each are fitted to every trial, by least squares of the distance: `a + b log₂ t` and `a tᶜ`.

use crate::display::{Block, doubtful, missing, probability, significant};
use crate::error::{Error, Result};
use crate::spread::{Line, Paired, Spread};
use crate::train::{Regime, Role, Run, Study, check_alike};

/// The way of one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceRun {
    /// Name of the regime.
    pub regime: String,
    /// Which side of a pair it is, if of one.
    pub role: Option<Role>,
    /// Points in a batch.
    pub batch: usize,
    /// Number of the trial.
    pub trial: usize,
    /// Steps done and ‖x − x₀‖₂ there, after each epoch.
    pub points: Vec<(usize, f64)>,
    /// The law that the distance follows; nothing where there are fewer than three epochs.
    pub law: Option<Law>,
}

/// Two laws of the distance after t steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// b of `a + b log₂ t`: how much the distance grows with each doubling of the steps.
    pub per_doubling: f64,
    /// c of `a tᶜ`, which is looked for in 0..=2.
    pub power: f64,
    /// Root mean square of what the logarithm leaves, in units of the distance.
    pub rest_of_logarithm: f64,
    /// The same of the power.
    pub rest_of_power: f64,
}

/// Distances along the runs of regimes.
#[derive(Debug, Clone, PartialEq)]
pub struct Distances {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// The runs, regime by regime.
    pub runs: Vec<DistanceRun>,
    /// How many trials diverged.
    pub diverged: usize,
    /// How many trials a budget of seconds cut short: they end before their time.
    pub cut: usize,
}

impl Law {
    /// Fits both laws to pairs (steps, distance).
    fn of(points: &[(usize, f64)]) -> Option<Self> {
        if points.len() < 3 {
            return None;
        }
        let (steps, distances): (Vec<f64>, Vec<f64>) =
            points.iter().map(|(steps, distance)| (*steps as f64, *distance)).unzip();
        let doublings: Vec<f64> = steps.iter().map(|steps| steps.log2()).collect();
        let line = Line::through(&doublings, &distances)?;
        // For a given power the factor is a quotient; the power itself is looked for by golden sections.
        let rest = |power: f64| {
            let powers: Vec<f64> = steps.iter().map(|steps| steps.powf(power)).collect();
            let factor = powers.iter().zip(&distances).map(|(t, d)| t * d).sum::<f64>()
                / powers.iter().map(|t| t * t).sum::<f64>();
            powers.iter().zip(&distances).map(|(t, d)| (d - factor * t).powi(2)).sum::<f64>()
        };
        let power = least(rest, 0.0, 2.0);
        let each = |rest: f64| (rest / points.len() as f64).sqrt();
        Some(Self {
            per_doubling: line.slope,
            power,
            rest_of_logarithm: each(line.rest),
            rest_of_power: each(rest(power)),
        })
    }
}

/// Where a function of one bottom has it, by golden sections.
fn least(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let share = (5f64.sqrt() - 1.0) / 2.0;
    while high - low > 1e-9 {
        let (left, right) = (high - share * (high - low), low + share * (high - low));
        if f(left) < f(right) {
            high = right;
        } else {
            low = left;
        }
    }
    0.5 * (low + high)
}

impl Distances {
    /// Reads the traces of regimes.
    ///
    /// # Errors
    /// [`Error::Parameter`] where nets or data differ; [`Error::Data`] where no trial has done an epoch.
    pub fn of(regimes: &[&Regime]) -> Result<Self> {
        check_alike(regimes)?;
        let points = |run: &Run| -> Vec<(usize, f64)> {
            run.trace.iter().filter(|row| row.steps > 0).map(|row| (row.steps, row.distance)).collect()
        };
        let of = |regime: &&Regime| -> Vec<DistanceRun> {
            let run = |run: &Run| DistanceRun {
                regime: regime.name.clone(),
                role: regime.role,
                batch: regime.recipe.batch,
                trial: run.trial,
                law: Law::of(&points(run)),
                points: points(run),
            };
            regime.finite().map(run).filter(|run| !run.points.is_empty()).collect()
        };
        let runs: Vec<DistanceRun> = regimes.iter().flat_map(of).collect();
        let Some(first) = regimes.first().filter(|_| !runs.is_empty()) else {
            return Err(Error::Data("distances need trials that have done an epoch, but there is none".into()));
        };
        let diverged = regimes.iter().map(|regime| regime.diverged()).sum();
        let cut = regimes.iter().map(|regime| regime.cut()).sum();
        Ok(Self { net: first.net.clone(), data: first.data.clone(), runs, diverged, cut })
    }

    /// Names of the regimes, in their order.
    pub fn regimes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.runs.iter().map(|run| run.regime.as_str()).collect();
        names.dedup();
        names
    }

    /// The runs of a regime.
    pub fn runs_of(&self, regime: &str) -> impl Iterator<Item = &DistanceRun> {
        self.runs.iter().filter(move |run| run.regime == regime)
    }

    /// The mean of `ln` of the ratio of distances at the ends, one regime over the other, paired by trials.
    ///
    /// # Errors
    /// As [`Paired::test`]: it takes two trials of both.
    pub fn ratio(&self, far: &str, near: &str) -> Result<Paired> {
        let end = |run: &DistanceRun| run.points.last().map(|(_, distance)| distance.ln());
        let pair = |run: &DistanceRun| {
            let other = self.runs_of(near).find(|other| other.trial == run.trial)?;
            Some((end(run)?, end(other)?))
        };
        Paired::test(&self.runs_of(far).filter_map(pair).collect::<Vec<_>>(), 1)
    }

    /// What the power's law leaves minus what the logarithm's leaves, percent of the distance at the end, mean over the trials of a
    /// regime: above 0 where the logarithm fits better.
    ///
    /// # Errors
    /// As [`Paired::test`]: it takes two trials of three epochs.
    pub fn logarithm_over_power(&self, regime: &str) -> Result<Paired> {
        let rests = self.runs_of(regime).filter_map(|run| {
            let (law, (_, end)) = (run.law?, run.points.last()?);
            Some((100.0 * law.rest_of_power / end, 100.0 * law.rest_of_logarithm / end))
        });
        Paired::test(&rests.collect::<Vec<_>>(), 1)
    }

    /// A row a regime, and below it the ratios of ends and which law fits.
    pub fn block(&self) -> Block {
        let names = self.regimes();
        let row = |name: &&str| {
            let mean = |of: &dyn Fn(&DistanceRun) -> Option<f64>| {
                let values: Vec<f64> = self.runs_of(name).filter_map(of).collect();
                Spread::of(&values).map_or("–".into(), |spread| spread.text(2))
            };
            let steps = self.runs_of(name).filter_map(|run| Some(run.points.last()?.0 as f64)).collect::<Vec<_>>();
            let law = |of: fn(&Law) -> f64| mean(&|run| run.law.as_ref().map(of));
            vec![
                (*name).into(),
                Spread::of(&steps).map_or("–".into(), |spread| format!("{:.0}", spread.mean)),
                mean(&|run| run.points.last().map(|(_, distance)| *distance)),
                law(|law| law.per_doubling),
                law(|law| law.rest_of_logarithm),
                law(|law| law.power),
                law(|law| law.rest_of_power),
            ]
        };
        let columns = [
            "regime",
            "steps",
            "‖x − x₀‖ at the end",
            "more with each doubling of the steps",
            "misfit of the logarithm (rms)",
            "power of the steps",
            "misfit of the power (rms)",
        ];
        let title = format!(
            "How far x goes, {} on {}: mean ± std of trials{}{}",
            self.net,
            self.data,
            missing(0, self.diverged),
            doubtful(self.cut, 0)
        );
        let table = Block::table(&title, &columns, names.iter().map(row).collect());
        let said = |what: String, test: Result<Paired>, text: fn(&Paired) -> String| match test {
            Ok(test) => vec![what, text(&test), probability(test.p)],
            Err(reason) => vec![what, format!("none: {reason}"), String::new()],
        };
        let (Some(near), others) = (names.last(), &names[..names.len().saturating_sub(1)]) else { return table };
        let ratios = others
            .iter()
            .map(|far| said(format!("distance at the end, {far} over {near}"), self.ratio(far, near), Paired::times));
        let laws = names.iter().map(|name| {
            let what = format!("{name}: misfit of the power minus misfit of the logarithm, % of the end's distance");
            said(what, self.logarithm_over_power(name), Paired::text)
        });
        let heads = ["", "mean of trials, 95 % interval", "p"];
        Block::joined(&[
            table,
            Block::table("Ratio of the ends, and which law fits better", &heads, ratios.chain(laws).collect()),
        ])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// "+4.10 with each doubling, or t to the 0.24".
impl std::fmt::Display for Law {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [each, power] = [self.per_doubling, self.power].map(significant);
        write!(f, "+{each} with each doubling, or t to the {power}")
    }
}

impl Study {
    /// How far its trials go; see [`Distances::of`].
    ///
    /// # Errors
    /// As [`Distances::of`].
    ///
    /// ```
    /// use sharp_minima::{Training, data, zoo};
    /// let data = data::synthetic();
    /// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    /// let study = Training::adam().trials(3).epochs(6).quiet().pair(&net, &data, 10, 100)?.study();
    /// let distances = study.distances()?;
    /// assert!(distances.ratio("small", "large")?.difference > 0.0);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn distances(&self) -> Result<Distances> {
        Distances::of(&self.regimes())
    }
}

crate::display::shown_as_text!(DistanceRun, Law);
