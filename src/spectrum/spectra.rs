//! Spectra of many points, side by side.

use super::eigenvalues::{Eigenvalue, Eigenvalues};
use super::probe::Estimate;
use crate::display::{Block, missing, plus_minus, significant, total};
use crate::error::{Error, Result};
use crate::spread::{Ratio, Spread};
use crate::train::Role;

/// One number of a spectrum.
type Measure = dyn Fn(&Eigenvalues) -> f64;

/// The spectra of many points: of the trials of regimes, or along runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spectra {
    /// The spectra.
    pub spectra: Vec<Eigenvalues>,
    /// How many are missing, because the budget of seconds was used up before all their probes were done.
    pub unmeasured: usize,
    /// How many were left out, because their trials diverged.
    pub diverged: usize,
}

/// Spectra of which none is missing.
impl From<Vec<Eigenvalues>> for Spectra {
    fn from(spectra: Vec<Eigenvalues>) -> Self {
        Self { spectra, ..Self::default() }
    }
}

impl Spectra {
    /// A number of the spectrum of each trial of one role: of its end, or of the last epoch that there is.
    pub(crate) fn of_role(&self, role: Role, of: &dyn Fn(&Eigenvalues) -> f64) -> Vec<f64> {
        self.ends(role).into_iter().map(of).collect()
    }

    /// Those spectra.
    pub(crate) fn ends(&self, role: Role) -> Vec<&Eigenvalues> {
        let last = self.spectra.iter().map(|own| own.epoch).max().flatten();
        let is_last = |own: &&Eigenvalues| own.role == Some(role) && (own.epoch == last || own.epoch.is_none());
        let mut ends: Vec<&Eigenvalues> = Vec::new();
        for own in self.spectra.iter().filter(is_last) {
            let whose = |one: &Eigenvalues| (one.regime.clone(), one.trial);
            match ends.iter_mut().find(|end| end.trial.is_some() && whose(end) == whose(own)) {
                Some(end) if end.epoch.is_some() && own.epoch.is_none() => *end = own,
                Some(_) => {}
                None => ends.push(own),
            }
        }
        ends
    }

    /// An error unless all are spectra of one matrix of one net over the same points, evaluated alike, and one of each trial after each
    /// epoch.
    pub(crate) fn check(&self) -> Result<()> {
        let of =
            |own: &Eigenvalues| (own.matrix, own.preconditioned, own.split, own.points, own.weights, own.objective);
        let Some(first) = self.spectra.first() else { return Ok(()) };
        let mut seen = std::collections::HashSet::new();
        for own in self.spectra.iter().filter(|own| own.trial.is_some()) {
            if !seen.insert((&own.regime, own.trial, own.epoch)) {
                let given = format!("twice {}", own.name());
                return Err(Error::parameter("spectra side by side", given, "be one of each trial and epoch"));
            }
        }
        let is_other = |own: &&Eigenvalues| of(own) != of(first) || (&own.net, &own.data) != (&first.net, &first.data);
        self.spectra.iter().find(is_other).map_or(Ok(()), |other| {
            let said = |own: &Eigenvalues| format!("{} ({})", own.subject(), own.objective.facts());
            Err(Error::parameter(
                "spectra side by side",
                format!("{} beside {}", said(other), said(first)),
                "be of one kind",
            ))
        })
    }

    /// The large batch by the small one of a number of each spectrum, with its interval:
    /// `spectra.ratio(&|own| own.trace().value)`.
    ///
    /// # Errors
    /// As [`Ratio::of`]: it takes two trials of each; [`Error::Parameter`] where spectra are of several matrices, nets or data.
    pub fn ratio(&self, of: &dyn Fn(&Eigenvalues) -> f64) -> Result<Ratio> {
        self.check()?;
        Ratio::of(&self.of_role(Role::Large, of), &self.of_role(Role::Small, of))
    }

    /// Several as one, for a table or a chart of them all.
    pub fn joined(several: &[Spectra]) -> Self {
        Self {
            spectra: several.iter().flat_map(|spectra| spectra.spectra.clone()).collect(),
            unmeasured: total(several.iter().map(|spectra| spectra.unmeasured)),
            diverged: total(several.iter().map(|spectra| spectra.diverged)),
        }
    }

    /// Those of one side of a pair. What is missing is counted over both.
    pub fn only(&self, role: Role) -> Self {
        let own = self.spectra.iter().filter(|own| own.role == Some(role));
        Self { spectra: own.cloned().collect(), ..*self }
    }

    /// The thresholds above which eigenvalues were counted.
    pub fn thresholds(&self) -> Vec<f64> {
        self.spectra.first().map_or(Vec::new(), |own| own.thresholds.clone())
    }

    /// The measures that a table shows, with their names: λ₁, λ₁/λ₅ where there are five, the smallest, trace, ‖H‖_F² and counts.
    fn measures(&self) -> Vec<(String, Box<Measure>)> {
        let mut measures: Vec<(String, Box<Measure>)> = Vec::new();
        let mut add = |name: &str, of: Box<Measure>| measures.push((name.into(), of));
        add("f(x), nats", Box::new(|own| own.value));
        // One that has not converged is a bound, and has no mean.
        let outermost =
            |own: &[Eigenvalue]| own.first().filter(|own| own.is_converged).map_or(f64::NAN, |own| own.value);
        add("largest", Box::new(move |own| outermost(&own.largest)));
        if self.spectra.iter().all(|own| own.largest.len() >= 5) {
            add("largest over fifth largest", Box::new(|own| own.largest[0].value / own.largest[4].value));
        }
        add("smallest", Box::new(move |own| outermost(&own.smallest)));
        add("trace", Box::new(|own| own.trace().value));
        add("‖·‖_F²", Box::new(|own| own.square().value));
        for threshold in self.thresholds() {
            // As in the rows of the spectra: such a count judges nothing.
            let star = if self.spectra.iter().all(|own| own.remark(threshold).is_empty()) { "" } else { " *" };
            add(&format!("above {threshold}{star}"), Box::new(move |own| own.above(threshold).value));
        }
        measures
    }

    /// A row for each spectrum; and where there are two regimes of a pair, a row for each measure: means and deviations over
    /// trials, and the large batch by the small one with the interval of that ratio.
    pub fn block(&self) -> Block {
        let thresholds = self.thresholds();
        let mut columns: Vec<String> =
            ["", "f(x), nats", "largest", "smallest", "trace", "‖·‖_F²"].map(String::from).to_vec();
        columns.extend(thresholds.iter().map(|threshold| format!("above {threshold}")));
        let rows = self.spectra.iter().map(|own| {
            let outer = |own: &[super::Eigenvalue]| own.first().map_or("–".into(), |own| own.to_string());
            let mut row = vec![own.name(), significant(own.value), outer(&own.largest), outer(&own.smallest)];
            row.extend([own.trace(), own.square()].map(|estimate| estimate.to_string()));
            row.extend(thresholds.iter().map(|&threshold| {
                let count: Estimate = own.above(threshold);
                if own.remark(threshold).is_empty() { count.to_string() } else { format!("{count} *") }
            }));
            row
        });
        let subject = self.spectra.first().map_or("nothing was measured".into(), Eigenvalues::subject);
        let is_finer = |own: &Eigenvalues| own.thresholds.iter().any(|&threshold| !own.remark(threshold).is_empty());
        let remark = if self.spectra.iter().any(is_finer) {
            "; * a threshold finer than the resolution of a spectrum, which judges nothing"
        } else {
            ""
        };
        let title = format!("Spectra: {subject}{}{remark}", missing(self.unmeasured, self.diverged));
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let table = Block::table(&title, &names, rows.collect());
        let mut rows = Vec::new();
        for (name, of) in self.measures() {
            let [small, large] = [Role::Small, Role::Large].map(|role| self.of_role(role, &of));
            if small.is_empty() || large.is_empty() {
                continue;
            }
            let mean = |values: &[f64]| match Spread::of(values) {
                Ok(own) if own.mean.is_finite() => plus_minus(own.mean, Some(own.deviation)),
                _ => "–".into(),
            };
            let ratio = Ratio::of(&large, &small).map_or_else(|_| "–".into(), |own| own.to_string());
            rows.push(vec![name, mean(&small), mean(&large), ratio]);
        }
        if rows.is_empty() || self.check().is_err() {
            return table;
        }
        let heads = ["", "small batch", "large batch", "large over small, geometric means, not paired"];
        Block::joined(&[table, Block::table("Means ± deviations over trials", &heads, rows)])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}
