//! Does the claim hold? The paper's number, the recorded one and the live one side by side, and a plain answer.
//!
//! A claim is about [effects](Effect), each a number with its 95 % interval over the trials. It holds where the whole interval lies
//! where the claim says, fails where all of it lies outside, and is undecided where the trials cannot tell. A claim about several
//! boxes or readings holds where it holds in every one, fails where it fails in one and holds in none, and is mixed where it holds
//! in one and fails in another. Trials that a budget cut short judge nothing, and neither do searches that found no size where the
//! sharpness of minima is judged ([`sharpness()`]); elsewhere they are counted beside the claim. "Fails" and "undecided" at quick
//! scale are results, and are printed as such.

mod batch_size;
mod distances;
mod effect;
mod gap;
mod operating_point;
mod outcome;
mod paths;
mod remedies;
mod sharpness;
mod spectrum;
mod warm_starts;
mod way_down;

pub use batch_size::batch_size;
pub use distances::distances;
pub use effect::{Effect, Unit};
pub use gap::{gap, generalization_gap};
pub use operating_point::operating_point;
pub use outcome::Outcome;
pub use paths::paths;
pub use remedies::remedies;
pub use sharpness::sharpness;
pub use spectrum::spectrum;
pub use warm_starts::warm_starts;
pub use way_down::way_down;

use self::effect::Judged;
use crate::chart::{self, Chart, forest};
use crate::display::{Block, plus_minus, probability};
use crate::error::{Error, Result};
use crate::record::Recorded;
use crate::table::{self, DataFrame};

/// A claim with what was found, in the recorded run and just now.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The claim, in a sentence.
    pub claim: String,
    /// What became of it in the recorded run at full scale.
    pub recorded: Outcome,
    /// The numbers behind that, in words.
    pub recorded_evidence: String,
    /// The same as numbers; none where there is no test.
    pub recorded_effects: Vec<Effect>,
    /// What became of it just now.
    pub live: Outcome,
    /// The numbers behind that, in words.
    pub live_evidence: String,
    /// The same as numbers.
    pub live_effects: Vec<Effect>,
    /// What is to be said beside the effects, recorded and live.
    notes: [String; 2],
}

impl Verdict {
    fn new(claim: impl Into<String>, [recorded, live]: [Judged; 2]) -> Self {
        Self {
            claim: claim.into(),
            recorded: recorded.outcome,
            recorded_evidence: recorded.evidence(),
            notes: [recorded.notes(), live.notes()],
            recorded_effects: recorded.effects,
            live: live.outcome,
            live_evidence: live.evidence(),
            live_effects: live.effects,
        }
    }
}

/// A row of a comparison: what is measured, of which regime, on which split, in which box; how it is written; and what the
/// paper, the record and the live run have for it.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    label: String,
    measure: &'static str,
    regime: Option<String>,
    split: Option<&'static str>,
    along: Option<String>,
    epsilon: Option<f64>,
    form: Form,
    cells: Column<3>,
}

/// Mean and, where there is one, standard deviation; nothing where a source has none.
type Number = Option<(f64, Option<f64>)>;
type Column<const N: usize> = [Number; N];

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A fraction, as percent.
    Percent,
    /// A probability.
    Probability,
    /// With two decimals.
    Plain,
    /// With four significant digits, or as far as the deviation lets them be told.
    Significant,
}

impl Row {
    fn new(label: &str, measure: &'static str, form: Form) -> Self {
        let (regime, split, along, epsilon) = (None, None, None, None);
        Self { label: label.into(), measure, regime, split, along, epsilon, form, cells: [None; 3] }
    }

    /// Rows with the numbers of the three columns, which have one for each row.
    fn filled(mut rows: Vec<Row>, columns: &[Vec<Number>; 3]) -> Vec<Row> {
        for (place, row) in rows.iter_mut().enumerate() {
            row.cells = columns.each_ref().map(|column| column.get(place).copied().flatten());
        }
        rows
    }
}

/// An experiment of the paper, the recorded run and the live one side by side, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    rows: Vec<Row>,
    sources: [String; 3],
    /// The paper's claims and what became of them.
    pub verdicts: Vec<Verdict>,
}

const SOURCES: [&str; 3] = ["paper", "recorded", "live"];

/// The head of a column without numbers.
const NO_RECORD: &str = "recorded: none";

/// The heads of the three columns.
fn column_sources(paper: &str, recorded: Option<&Recorded>, live: &str) -> [String; 3] {
    let recorded = recorded
        .and_then(|record| record.regimes.first().map(|first| (&record.date, first)))
        .map_or(NO_RECORD.into(), |(date, first)| format!("recorded {date}: {} on {}", first.net, first.data));
    [format!("paper: {paper}"), recorded, format!("live: {live}")]
}

/// What becomes of claims where there is nothing to judge them by.
fn not_tested<const N: usize>(reason: &str) -> [Judged; N] {
    std::array::from_fn(|_| Judged::bare(Outcome::NotTested, reason))
}

/// Claims with what became of each, recorded and live.
fn verdicts<const N: usize>(claims: [&str; N], recorded: [Judged; N], live: [Judged; N]) -> Vec<Verdict> {
    let judged = recorded.into_iter().zip(live);
    claims.into_iter().zip(judged).map(|(claim, (recorded, live))| Verdict::new(claim, [recorded, live])).collect()
}

impl Comparison {
    /// Columns: source ("paper", "recorded", "live"), regime, split, measure ("accuracy", "gap", "p", "distance", "sharpness",
    /// "ratio", "barrier", "rise" …), along, epsilon, mean, deviation; accuracies and their gap are fractions.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let rows = SOURCES.iter().enumerate().flat_map(|(column, source)| {
            let cells = self.rows.iter().map(move |row| (row, row.cells[column]));
            cells.filter_map(move |(row, cell)| cell.map(|(mean, deviation)| (*source, row, mean, deviation)))
        });
        let rows: Vec<(&str, &Row, f64, Option<f64>)> = rows.collect();
        table::frame(vec![
            table::text("source", rows.iter().map(|row| Some(row.0))),
            table::text("regime", rows.iter().map(|row| row.1.regime.as_ref())),
            table::text("split", rows.iter().map(|row| row.1.split)),
            table::text("measure", rows.iter().map(|row| Some(row.1.measure))),
            table::text("along", rows.iter().map(|row| row.1.along.as_ref())),
            table::number("epsilon", rows.iter().map(|row| row.1.epsilon)),
            table::number("mean", rows.iter().map(|row| Some(row.2))),
            table::number("deviation", rows.iter().map(|row| row.3)),
        ])
    }

    /// The three columns side by side, and the verdicts.
    pub fn block(&self) -> crate::display::Block {
        let cell = |form: Form, (mean, deviation): (f64, Option<f64>)| match (form, deviation) {
            (Form::Probability, _) => crate::display::probability(mean),
            (Form::Percent, Some(deviation)) => format!("{:.2} ± {:.2}", 100.0 * mean, 100.0 * deviation),
            (Form::Percent, None) => format!("{:.2}", 100.0 * mean),
            (Form::Plain, Some(deviation)) => format!("{mean:.2} ± {deviation:.2}"),
            (Form::Plain, None) => format!("{mean:.2}"),
            (Form::Significant, deviation) => plus_minus(mean, deviation),
        };
        let rows = self.rows.iter().filter(|row| row.cells.iter().any(Option::is_some)).map(|row| {
            let cells = row.cells.iter().enumerate().map(|(column, number)| match (column, row.form, number) {
                (_, _, None) => "–".into(),
                // The paper prints two decimals, and is quoted as it is.
                (0, Form::Significant, Some((mean, Some(deviation)))) => format!("{mean:.2} ± {deviation:.2}"),
                (_, form, Some(number)) => cell(form, *number),
            });
            std::iter::once(row.label.clone()).chain(cells).collect()
        });
        let columns = ["", &self.sources[0], &self.sources[1], &self.sources[2]];
        let numbers = Block::table("Side by side", &columns, rows.collect());
        Block::joined(&[numbers, self.verdict_block()])
    }

    /// A word a claim, the picture of the effects behind the words, and the effects in numbers.
    pub fn verdict_block(&self) -> Block {
        let numbered = || self.verdicts.iter().enumerate().map(|(place, verdict)| (place + 1, verdict));
        let words = numbered().map(|(number, verdict)| {
            let claim = verdict.claim.clone();
            vec![number.to_string(), claim, verdict.recorded.to_string(), verdict.live.to_string()]
        });
        let columns = ["", "claim", "recorded, full scale", "live"];
        let mut blocks = vec![Block::table("Verdict", &columns, words.collect())];
        if self.verdicts.iter().any(|verdict| !(verdict.recorded_effects.is_empty() && verdict.live_effects.is_empty()))
        {
            blocks.push(match self.chart() {
                Ok(chart) => chart.block(),
                Err(reason) => Block::paragraph(&reason.to_string()),
            });
        }
        let mut rows = Vec::new();
        for (number, verdict) in numbered() {
            for (label, [recorded, live]) in side_by_side(verdict) {
                let mut row = vec![number.to_string(), label];
                for effect in [recorded, live] {
                    row.extend(match effect {
                        None => ["–".into(), "–".into(), "–".into()],
                        Some(effect) => {
                            [effect.interval(), effect.p.map_or("–".into(), probability), effect.outcome().to_string()]
                        }
                    });
                }
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            let columns = ["claim", "", "recorded (95 % interval)", "p", "", "live (95 % interval)", "p", ""];
            blocks.push(Block::table("The numbers behind it", &columns, rows).folded());
        }
        let notes = numbered().flat_map(|(number, verdict)| {
            // Where nothing was recorded, the table says so.
            let first = usize::from(self.sources[1] == NO_RECORD);
            let sources = ["recorded", "live"].into_iter().zip(&verdict.notes).skip(first);
            let said = sources.filter(|(_, note)| !note.is_empty()).map(|(source, note)| format!("{source}: {note}"));
            let said = said.collect::<Vec<_>>().join("; ");
            (!said.is_empty()).then(|| format!("{number}  {said}."))
        });
        let notes: Vec<String> = notes.collect();
        if !notes.is_empty() {
            blocks.push(Block::paragraph(&format!("To the claims: {}", notes.join(" "))));
        }
        Block::joined(&blocks)
    }

    /// Each effect with its 95 % interval, claim by claim: recorded as squares, live as circles, the paper's numbers as diamonds,
    /// and shaded where the claim says that the effect lies.
    ///
    /// # Errors
    /// [`Error::Parameter`] where no claim has an effect; [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let mut panels = Vec::new();
        for unit in [Unit::Points, Unit::Factor, Unit::Percent] {
            let mut groups = Vec::new();
            for (place, verdict) in self.verdicts.iter().enumerate() {
                let mut rows = Vec::new();
                let mut claimed = None;
                for (label, effects) in side_by_side(verdict) {
                    for (is_recorded, effect) in [true, false].into_iter().zip(effects) {
                        let Some(effect) = effect.filter(|effect| effect.unit == unit && effect.value.is_finite())
                        else {
                            continue;
                        };
                        claimed = Some(effect.claimed);
                        let source = if is_recorded { "recorded" } else { "live" };
                        rows.push(chart::Row {
                            label: if label.is_empty() { source.into() } else { format!("{label}, {source}") },
                            is_recorded,
                            value: effect.value,
                            lower: effect.lower,
                            upper: effect.upper,
                            paper: effect.paper,
                            is_trusted: effect.is_trusted,
                            said: effect.interval(),
                        });
                    }
                }
                if let Some(claimed) = claimed {
                    groups.push(chart::Group { title: format!("{}  {}", place + 1, verdict.claim), claimed, rows });
                }
            }
            if !groups.is_empty() {
                let (axis, is_logarithmic, none) = match unit {
                    Unit::Points => ("difference, percentage points", false, 0.0),
                    Unit::Factor => ("ratio, large over small batch or as the claim says (log scale)", true, 1.0),
                    Unit::Percent => ("difference, %", false, 0.0),
                };
                panels.push(chart::Panel { axis: axis.into(), is_logarithmic, none, groups });
            }
        }
        if panels.is_empty() {
            return Err(Error::parameter("effects behind the claims", 0, "be at least 1"));
        }
        let said = panels.iter().flat_map(|panel| &panel.groups).map(|group| {
            let rows = group.rows.iter().map(|row| format!("{} {}", row.label, row.said));
            format!("{} {}", group.title, rows.collect::<Vec<_>>().join(", "))
        });
        let words = format!("Chart: effects behind the claims. {}", said.collect::<Vec<_>>().join(" "));
        forest(&panels, words)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// The effects of a claim by their labels, recorded and live: of several with one label the first stands beside the first.
fn side_by_side(verdict: &Verdict) -> Vec<(String, [Option<&Effect>; 2])> {
    let mut pairs: Vec<(String, [Option<&Effect>; 2])> = Vec::new();
    for (source, effects) in [&verdict.recorded_effects, &verdict.live_effects].into_iter().enumerate() {
        for effect in effects {
            let place = pairs.iter().position(|(label, both)| *label == effect.label && both[source].is_none());
            match place {
                Some(place) => pairs[place].1[source] = Some(effect),
                None => {
                    let mut both = [None; 2];
                    both[source] = Some(effect);
                    pairs.push((effect.label.clone(), both));
                }
            }
        }
    }
    pairs
}

crate::display::shown_as_text!(Verdict);
