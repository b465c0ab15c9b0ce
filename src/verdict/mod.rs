//! Does the claim hold? The paper's number, the recorded one and the live one side by side, and a plain answer.
//!
//! A claim is about [effects](Effect), each a number with its 95 % interval over the trials. It holds where the whole interval lies
//! where the claim says, fails where all of it lies outside, and is undecided where the trials cannot tell. A claim about several
//! boxes or readings holds where it holds in every one, fails where it fails in one and holds in none, and is mixed where it holds
//! in one and fails in another; one that says "in every box" fails where it fails in one. Traces that a budget cut short judge
//! nothing (verdicts of measures alone, [`sharpness()`], [`paths()`] and [`spectrum()`], cannot see that of a live run), and neither
//! do unreliable searches where the sharpness of minima is judged ([`sharpness()`]); elsewhere they are counted beside the claim.
//!
//! Of any net on any data, where the paper has no row: [`gap()`], [`sharper()`], [`rises()`], [`larger_batches()`], [`parting()`],
//! and those that need no row, [`spectrum()`], [`warm_starts()`], [`distances()`] and [`remedies()`].
//!
//! "Fails" and "undecided" at quick scale are results, and are printed as such.

mod batch_size;
mod claims;
mod distances;
mod effect;
mod finding;
mod gap;
mod operating_point;
mod outcome;
mod paths;
mod remedies;
mod sharpness;
mod spectrum;
mod warm_starts;
mod way_down;

pub use batch_size::{batch_size, larger_batches};
pub use claims::{Claim, Claims};
pub use distances::distances;
pub use effect::{Effect, Unit};
pub use finding::Finding;
pub use gap::{gap, generalization_gap};
pub use operating_point::operating_point;
pub use outcome::Outcome;
pub use paths::{paths, rises};
pub use remedies::remedies;
pub use sharpness::{sharper, sharpness};
pub use spectrum::spectrum;
pub use warm_starts::warm_starts;
pub use way_down::{parting, way_down};

use crate::chart::{self, Chart, forest};
use crate::display::{Block, decimals, factor, grouped, plus_minus, probability};
use crate::error::{Error, Result};
use crate::record::Recorded;
use crate::spread::Spread;
use crate::table::{self, DataFrame};

/// A claim with what was found, in the recorded run and just now.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The claim, in a sentence.
    pub claim: String,
    /// What became of it in the recorded run at full scale.
    pub recorded: Finding,
    /// What became of it just now.
    pub live: Finding,
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
    /// As a whole number.
    Count,
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
    sources: Sources,
    /// The paper's claims and what became of them.
    pub verdicts: Vec<Verdict>,
}

const SOURCES: [&str; 3] = ["paper", "recorded", "live"];

/// What the columns are of.
#[derive(Debug, Clone, PartialEq)]
struct Sources {
    /// Its net and its data; nothing where the paper has no such experiment.
    paper: Option<String>,
    /// Net and data of the recorded run, and its day.
    recorded: Option<(String, String)>,
    /// Net and data of the live run.
    live: Option<String>,
}

impl Sources {
    fn new(paper: impl Into<Option<String>>, recorded: Option<&Recorded>, live: Option<[&str; 2]>) -> Self {
        let of = |record: &Recorded| {
            let first = record.regimes.first()?;
            Some((format!("{} on {}", first.net, first.data), record.date.clone()))
        };
        Self {
            paper: paper.into(),
            recorded: recorded.and_then(of),
            live: live.map(|[net, data]| format!("{net} on {data}")),
        }
    }

    /// The columns that are there, each by its place and with its head.
    fn columns(&self) -> Vec<(usize, String)> {
        let paper = self.paper.as_ref().map(|of| format!("paper: {of}"));
        let recorded = self.recorded.as_ref().map(|(of, date)| format!("recorded {date}: {of}"));
        let live = self.live.as_ref().map(|of| format!("live: {of}"));
        let all = [paper, recorded, live].into_iter().enumerate();
        all.filter_map(|(place, head)| Some((place, head?))).collect()
    }

    /// What belongs to the runs that are there, recorded and live.
    fn there<T>(&self, [recorded, live]: [T; 2]) -> impl Iterator<Item = T> + use<T> {
        let recorded = self.recorded.is_some().then_some(recorded);
        let live = self.live.is_some().then_some(live);
        recorded.into_iter().chain(live)
    }
}

/// Most rows of a table that is not folded.
const UNFOLDED: usize = 16;

/// Refuses to compare nothing with the paper.
fn check_source<R, L>(recorded: &Option<R>, live: &Option<L>) -> Result<()> {
    match recorded.is_none() && live.is_none() {
        true => Err(Error::parameter("recorded and live runs", 0, "be at least 1")),
        false => Ok(()),
    }
}

/// An error where a net is not the one that the paper's row is of.
fn check_net<'a>(paper: &str, mut nets: impl Iterator<Item = &'a str>) -> Result<()> {
    match nets.find(|net| *net != paper) {
        Some(other) => Err(Error::parameter("net", other, format!("be {paper}, as in the paper's row"))),
        None => Ok(()),
    }
}

/// What becomes of claims where there is nothing to judge them by.
fn not_tested<const N: usize>(reason: &str) -> [Finding; N] {
    std::array::from_fn(|_| Finding::bare(Outcome::NotTested, reason))
}

/// Why trials that ended before their time judge nothing, if there are any.
fn cut_short(cut: usize) -> Option<String> {
    let many = crate::display::counted(cut, "trial");
    (cut > 0).then(|| format!("{many} ended because the budget of seconds was used up"))
}

/// The same of the regimes of a record.
fn cut_in(recorded: Option<&Recorded>) -> Option<String> {
    cut_short(recorded.map_or(0, |recorded| recorded.regimes.iter().map(|regime| regime.cut()).sum()))
}

/// What becomes of claims by measures of a record, if it has them.
fn by_record<T, const N: usize>(
    recorded: Option<&Recorded>,
    measures: Option<&T>,
    judge: impl Fn(&T) -> [Finding; N],
) -> [Finding; N] {
    match cut_in(recorded) {
        Some(reason) => not_tested(&reason),
        None => by_source(measures, "recorded", judge),
    }
}

/// Mean and deviation of a few numbers, if there are any.
fn mean_of(values: &[f64]) -> Number {
    let Spread { mean, deviation, .. } = Spread::of(values).ok()?;
    Some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
}

/// What becomes of claims by a source, if it is there.
fn by_source<T, const N: usize>(source: Option<&T>, name: &str, judge: impl Fn(&T) -> [Finding; N]) -> [Finding; N] {
    source.map_or_else(|| not_tested(&format!("no {name} run")), judge)
}

/// Claims with what became of each, recorded and live.
fn verdicts<const N: usize>(claims: [&str; N], [recorded, live]: [[Finding; N]; 2]) -> Vec<Verdict> {
    let judged = recorded.into_iter().zip(live);
    claims
        .into_iter()
        .zip(judged)
        .map(|(claim, (recorded, live))| Verdict { claim: claim.into(), recorded, live })
        .collect()
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

    /// The verdicts, and below them the columns side by side. What there is not has no column.
    pub fn block(&self) -> crate::display::Block {
        let cell = |form: Form, (mean, deviation): (f64, Option<f64>)| match (form, deviation) {
            (Form::Probability, _) => probability(mean),
            (Form::Count, _) => grouped(mean.round() as usize),
            (Form::Percent, Some(deviation)) => {
                format!("{} ± {}", decimals(100.0 * mean, 2), decimals(100.0 * deviation, 2))
            }
            (Form::Percent, None) => decimals(100.0 * mean, 2),
            (Form::Plain, Some(deviation)) => format!("{mean:.2} ± {deviation:.2}"),
            (Form::Plain, None) => format!("{mean:.2}"),
            (Form::Significant, None) => factor(mean),
            (Form::Significant, deviation) => plus_minus(mean, deviation),
        };
        let shown = self.sources.columns();
        let rows = self.rows.iter().filter(|row| row.cells.iter().any(Option::is_some)).map(|row| {
            let cells = shown.iter().map(|(column, _)| match (*column, row.form, &row.cells[*column]) {
                (_, _, None) => "–".into(),
                // The paper prints two decimals, and is quoted as it is.
                (0, Form::Significant, Some((mean, Some(deviation)))) => format!("{mean:.2} ± {deviation:.2}"),
                (_, form, Some(number)) => cell(form, *number),
            });
            std::iter::once(row.label.clone()).chain(cells).collect()
        });
        let columns: Vec<&str> = std::iter::once("").chain(shown.iter().map(|(_, head)| head.as_str())).collect();
        let rows: Vec<Vec<String>> = rows.collect();
        let is_long = rows.len() > UNFOLDED;
        let numbers = Block::table("Side by side, arithmetic mean ± std over trials", &columns, rows);
        Block::joined(&[self.verdict_block(), if is_long { numbers.folded() } else { numbers }])
    }

    /// One word per claim, the picture of the effects behind the words, and the effects in numbers.
    pub fn verdict_block(&self) -> Block {
        let numbered = || self.verdicts.iter().enumerate().map(|(place, verdict)| (place + 1, verdict));
        let words = numbered().map(|(number, verdict)| {
            let outcomes =
                self.sources.there([&verdict.recorded, &verdict.live]).map(|finding| finding.outcome.to_string());
            [number.to_string(), verdict.claim.clone()].into_iter().chain(outcomes).collect()
        });
        let columns: Vec<&str> =
            ["", "claim"].into_iter().chain(self.sources.there(["recorded, full scale", "live"])).collect();
        let mut blocks = vec![Block::table("Verdict", &columns, words.collect())];
        if self.verdicts.iter().any(|verdict| !(verdict.recorded.effects.is_empty() && verdict.live.effects.is_empty()))
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
                for effect in self.sources.there([recorded, live]) {
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
            let heads = self.sources.there([
                ["recorded (95 % interval)", "p", "verdict, recorded"],
                ["live (95 % interval)", "p", "verdict, live"],
            ]);
            let columns: Vec<&str> = ["claim", "effect"].into_iter().chain(heads.flatten()).collect();
            blocks.push(Block::table("The numbers behind it", &columns, rows).folded());
        }
        let notes = numbered().flat_map(|(number, verdict)| {
            let sources = self.sources.there([("recorded", &verdict.recorded), ("live", &verdict.live)]);
            let said = sources.filter(|(_, finding)| !finding.notes.is_empty());
            let said = said.map(|(source, finding)| format!("{source}: {}", finding.notes.join("; ")));
            let said = said.collect::<Vec<_>>().join("; ");
            (!said.is_empty()).then(|| format!("{number}  {said}."))
        });
        let notes: Vec<String> = notes.collect();
        if !notes.is_empty() {
            blocks.push(Block::paragraph(&format!("Notes on the claims: {}", notes.join(" "))));
        }
        Block::joined(&blocks)
    }

    /// Each effect with its 95 % interval, claim by claim: recorded as squares, live as circles, the paper's numbers as diamonds,
    /// and shaded where the claim says that the effect lies.
    ///
    /// # Errors
    /// [`Error::Parameter`] where no claim has an effect; [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let groups = self.verdicts.iter().enumerate().map(|(place, verdict)| Group {
            title: format!("{}  {}", place + 1, verdict.claim),
            rows: side_by_side(verdict).into_iter().flat_map(|(label, effects)| named(label, effects)).collect(),
        });
        picture(&groups.collect::<Vec<_>>())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// The effects of a claim, each with its name and with whether it was recorded.
struct Group<'a> {
    title: String,
    rows: Vec<(String, bool, &'a Effect)>,
}

/// Effects of one label, recorded and live, named by where they come from.
fn named(label: String, effects: [Option<&Effect>; 2]) -> impl Iterator<Item = (String, bool, &Effect)> {
    let sources = [("recorded", true), ("live", false)].into_iter().zip(effects);
    sources.filter_map(move |((source, is_recorded), effect)| {
        let name = if label.is_empty() { source.into() } else { format!("{label}, {source}") };
        effect.map(|effect| (name, is_recorded, effect))
    })
}

/// Draws the effects of claims, those of one unit on one axis.
fn picture(groups: &[Group<'_>]) -> Result<Chart> {
    let mut panels = Vec::new();
    for unit in [Unit::Points, Unit::Factor, Unit::Percent, Unit::Count] {
        let mut drawn = Vec::new();
        let mut of: Vec<&str> = Vec::new();
        for group in groups {
            let own = group.rows.iter().filter(|row| row.2.unit == unit && row.2.value.is_finite());
            let own: Vec<&(String, bool, &Effect)> = own.collect();
            let Some((_, _, first)) = own.first() else { continue };
            if !first.of.is_empty() && !of.contains(&first.of) {
                of.push(first.of);
            }
            let rows = own.iter().map(|(label, is_recorded, effect)| chart::Row {
                label: label.clone(),
                is_recorded: *is_recorded,
                value: effect.value,
                lower: effect.lower,
                upper: effect.upper,
                paper: effect.paper,
                is_trusted: effect.is_trusted,
                said: effect.interval(),
            });
            drawn.push(chart::Group { title: group.title.clone(), claimed: first.claimed, rows: rows.collect() });
        }
        if drawn.is_empty() {
            continue;
        }
        let (axis, is_logarithmic, none) = match unit {
            Unit::Points => ("difference in percentage points", false, 0.0),
            Unit::Factor => ("ratio, log scale", true, 1.0),
            Unit::Percent => ("difference in %", false, 0.0),
            Unit::Count => ("difference in number", false, 0.0),
        };
        let axis = match &of[..] {
            [] => axis.into(),
            _ => format!("{axis}: {}", of.join("; ")),
        };
        panels.push(chart::Panel { axis, is_logarithmic, none, groups: drawn });
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

/// The effects of a claim by their labels, recorded and live: of several with one label the first stands beside the first.
fn side_by_side(verdict: &Verdict) -> Vec<(String, [Option<&Effect>; 2])> {
    let mut pairs: Vec<(String, [Option<&Effect>; 2])> = Vec::new();
    for (source, effects) in [&verdict.recorded.effects, &verdict.live.effects].into_iter().enumerate() {
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
