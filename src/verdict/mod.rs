//! Does the claim hold? The paper's number, the recorded one and the live one side by side, and a plain answer.
//!
//! A claim about a difference holds when the numbers say so beyond chance, fails when they say the contrary beyond chance,
//! and is undecided where the trials cannot tell. Trials that a budget cut short judge nothing, and neither do searches that
//! found no size. "Fails" and "undecided" at quick scale are results, and are printed as such.

mod batch_size;
mod distances;
mod gap;
mod operating_point;
mod paths;
mod remedies;
mod sharpness;
mod spectrum;
mod warm_starts;
mod way_down;

pub use batch_size::batch_size;
pub use distances::distances;
pub use gap::generalization_gap;
pub use operating_point::operating_point;
pub use paths::paths;
pub use remedies::remedies;
pub use sharpness::sharpness;
pub use spectrum::spectrum;
pub use warm_starts::warm_starts;
pub use way_down::way_down;

use crate::display::{Block, plus_minus};
use crate::error::Result;
use crate::record::Recorded;
use crate::table::{self, DataFrame};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The numbers say so.
    Holds,
    /// The numbers say the contrary.
    Fails,
    /// The trials cannot tell.
    Undecided,
    /// Nothing was measured.
    NotTested,
}

impl Outcome {
    /// Of the claim that a number is above 0, known to lie between these ends.
    fn of_interval(lower: f64, upper: f64) -> Self {
        match (lower > 0.0, upper < 0.0) {
            (true, _) => Outcome::Holds,
            (_, true) => Outcome::Fails,
            _ => Outcome::Undecided,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Holds => "holds",
            Outcome::Fails => "fails",
            Outcome::Undecided => "undecided",
            Outcome::NotTested => "not tested",
        })
    }
}

/// A claim with what was found, in the recorded run and just now.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The claim, in a sentence.
    pub claim: String,
    /// What became of it in the recorded run at full scale.
    pub recorded: Outcome,
    /// The numbers behind that.
    pub recorded_evidence: String,
    /// What became of it just now.
    pub live: Outcome,
    /// The numbers behind that.
    pub live_evidence: String,
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

/// The heads of the three columns.
fn column_sources(paper: &str, recorded: Option<&Recorded>, live: &str) -> [String; 3] {
    let recorded = recorded
        .and_then(|record| record.regimes.first().map(|first| (&record.date, first)))
        .map_or("recorded: none".into(), |(date, first)| format!("recorded {date}: {} on {}", first.net, first.data));
    [format!("paper: {paper}"), recorded, format!("live: {live}")]
}

/// What becomes of claims where there is nothing to judge them by.
fn not_tested<const N: usize>(reason: &str) -> [(Outcome, String); N] {
    std::array::from_fn(|_| (Outcome::NotTested, reason.into()))
}

/// Claims with what became of each, recorded and live.
fn verdicts<const N: usize>(
    claims: [&str; N],
    recorded: [(Outcome, String); N],
    live: [(Outcome, String); N],
) -> Vec<Verdict> {
    let outcomes = claims.into_iter().zip(recorded).zip(live);
    let verdict = |((claim, (recorded, recorded_evidence)), (live, live_evidence)): ((&str, _), _)| Verdict {
        claim: claim.into(),
        recorded,
        recorded_evidence,
        live,
        live_evidence,
    };
    outcomes.map(verdict).collect()
}

impl Comparison {
    /// Columns: source ("paper", "recorded", "live"), regime, split, measure ("accuracy", "gap", "p", "distance", "sharpness",
    /// "ratio", "barrier", "rise" …), along, epsilon, mean, deviation; accuracies and their gap are fractions.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
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
        let rows = self.rows.iter().map(|row| {
            let cells = row.cells.iter().map(|number| number.map_or("–".into(), |number| cell(row.form, number)));
            std::iter::once(row.label.clone()).chain(cells).collect()
        });
        let columns = ["", &self.sources[0], &self.sources[1], &self.sources[2]];
        let numbers = Block::table("Side by side", &columns, rows.collect());
        let rows = self.verdicts.iter().map(|verdict| {
            let said = |outcome: Outcome, evidence: &str| format!("{outcome}: {evidence}");
            vec![
                verdict.claim.clone(),
                said(verdict.recorded, &verdict.recorded_evidence),
                said(verdict.live, &verdict.live_evidence),
            ]
        });
        let verdicts = Block::table("Verdict", &["claim", "recorded, full scale", "live"], rows.collect());
        Block::joined(&[numbers, verdicts])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

crate::display::shown_as_text!(Outcome, Verdict);
