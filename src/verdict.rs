//! Does the claim hold? The paper's number, the recorded one and the live one side by side, and a plain answer.
//!
//! A claim about a difference holds when the numbers say so beyond chance, fails when they say the contrary beyond chance,
//! and is undecided where the trials cannot tell. Trials that a budget cut short judge nothing. "Fails" and "undecided" at quick scale are results, and are printed as such.

use crate::display::Block;
use crate::error::Result;
use crate::paper::Table2;
use crate::record::Recorded;
use crate::spread::{Spread, Welch};
use crate::table::{self, DataFrame};
use crate::train::{Epoch, Pair, Regime, Stop};

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

/// One measure from one source.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    measure: &'static str,
    source: &'static str,
    mean: f64,
    deviation: Option<f64>,
}

/// The generalization gap: Table 2 of the paper, the recorded run and the live one side by side, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    cells: Vec<Cell>,
    sources: [String; 3],
    /// The paper's claims and what became of them.
    pub verdicts: Vec<Verdict>,
}

const SOURCES: [&str; 3] = ["paper", "recorded", "live"];
const TRAIN_SMALL: &str = "training %, small batch";
const TRAIN_LARGE: &str = "training %, large batch";
const TEST_SMALL: &str = "test %, small batch";
const TEST_LARGE: &str = "test %, large batch";
const GAP: &str = "gap: small − large, test, points";
const CHANCE: &str = "p of the gap, Welch's test";

/// Sets a live pair beside the paper's row of Table 2 and beside the recorded run.
///
/// Three claims of §2.2 are judged: both regimes fit the training points; the large batch is worse on the test points;
/// and that is not over-fitting that an earlier stop would have avoided.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) where a regime has no trials.
pub fn generalization_gap(paper: &Table2, recorded: Option<&Recorded>, live: &Pair) -> Result<Comparison> {
    let printed = [
        (TRAIN_SMALL, paper.train_small),
        (TRAIN_LARGE, paper.train_large),
        (TEST_SMALL, paper.test_small),
        (TEST_LARGE, paper.test_large),
    ];
    let mut cells: Vec<Cell> = printed
        .map(|(measure, number)| Cell {
            measure,
            source: SOURCES[0],
            mean: number.mean,
            deviation: Some(number.deviation),
        })
        .into();
    let gap = paper.test_small.mean - paper.test_large.mean;
    cells.push(Cell { measure: GAP, source: SOURCES[0], mean: gap, deviation: None });
    let [small, large] = live.regimes();
    let mut measured = vec![(SOURCES[2], [small, large])];
    measured.extend(recorded.map(|recorded| (SOURCES[1], recorded.regimes())));
    for (source, regimes) in measured {
        cells.extend(measure(source, regimes)?);
    }
    let evidence = match recorded {
        Some(recorded) => judge(recorded.regimes())?,
        None => std::array::from_fn(|_| (Outcome::NotTested, "no recorded run".into())),
    };
    let claims = [
        "Both regimes fit the training points: each is right on at least 98 % of them.",
        "The large batch generalizes worse: its test accuracy is lower (Welch's test, 5 %).",
        "That is not over-fitting: even stopped at its best epoch, the large batch stays below the small one.",
    ];
    let verdicts = claims.into_iter().zip(evidence).zip(judge([small, large])?);
    let verdicts = verdicts.map(|((claim, (recorded, recorded_evidence)), (live, live_evidence))| Verdict {
        claim: claim.into(),
        recorded,
        recorded_evidence,
        live,
        live_evidence,
    });
    Ok(Comparison {
        cells,
        sources: [
            format!("paper: {} on {}", paper.net, paper.data),
            recorded.map_or("recorded: none".into(), |r| {
                format!("recorded {}: {} on {}", r.date, r.small.net, r.small.data)
            }),
            format!("live: {} on {}", small.net, small.data),
        ],
        verdicts: verdicts.collect(),
    })
}

impl Comparison {
    /// Columns: measure, source ("paper", "recorded", "live"), mean, deviation.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        table::frame(vec![
            table::text("measure", self.cells.iter().map(|cell| Some(cell.measure))),
            table::text("source", self.cells.iter().map(|cell| Some(cell.source))),
            table::number("mean", self.cells.iter().map(|cell| Some(cell.mean))),
            table::number("deviation", self.cells.iter().map(|cell| cell.deviation)),
        ])
    }

    /// What a cell shows: the three columns side by side, and the verdicts.
    pub fn evcxr_display(&self) {
        let mut measures: Vec<&str> = Vec::new();
        for cell in &self.cells {
            if !measures.contains(&cell.measure) {
                measures.push(cell.measure);
            }
        }
        let of = |measure: &str, source: &str| {
            let cell = self.cells.iter().find(|cell| cell.measure == measure && cell.source == source);
            cell.map_or("–".into(), |cell| match cell.deviation.filter(|value| value.is_finite()) {
                Some(deviation) => format!("{:.2} ± {deviation:.2}", cell.mean),
                None if measure == CHANCE => crate::display::probability(cell.mean),
                None => format!("{:.2}", cell.mean),
            })
        };
        let rows = measures.iter().map(|measure| {
            std::iter::once((*measure).into()).chain(SOURCES.map(|source| of(measure, source))).collect()
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
        Block::joined(&[numbers, verdicts]).evcxr_display();
    }
}

/// Percentages of a regime's trials behind their last epochs.
fn percent(regime: &Regime, value: fn(&Epoch) -> f64) -> Vec<f64> {
    regime.runs.iter().map(|run| 100.0 * value(run.last())).collect()
}

fn measure(source: &'static str, [small, large]: [&Regime; 2]) -> Result<Vec<Cell>> {
    let accuracies = [
        (TRAIN_SMALL, percent(small, |row| row.train_accuracy)),
        (TRAIN_LARGE, percent(large, |row| row.train_accuracy)),
        (TEST_SMALL, percent(small, |row| row.test_accuracy)),
        (TEST_LARGE, percent(large, |row| row.test_accuracy)),
    ];
    let mut cells = Vec::new();
    for (measure, values) in &accuracies {
        let Spread { mean, deviation, .. } = Spread::of(values)?;
        cells.push(Cell { measure, source, mean, deviation: Some(deviation) });
    }
    cells.push(Cell { measure: GAP, source, mean: cells[2].mean - cells[3].mean, deviation: None });
    if let Ok(welch) = Welch::test(&accuracies[2].1, &accuracies[3].1) {
        cells.push(Cell { measure: CHANCE, source, mean: welch.p, deviation: None });
    }
    let distance = |regime: &Regime| regime.runs.iter().map(|run| run.last().distance).collect::<Vec<_>>();
    for (measure, regime) in [("‖x − x₀‖, small batch", small), ("‖x − x₀‖, large batch", large)] {
        let Spread { mean, deviation, .. } = Spread::of(&distance(regime))?;
        cells.push(Cell { measure, source, mean, deviation: Some(deviation) });
    }
    Ok(cells)
}

/// What becomes of the three claims in one pair of regimes.
fn judge(regimes: [&Regime; 2]) -> Result<[(Outcome, String); 3]> {
    let cut = regimes.iter().flat_map(|regime| &regime.runs).filter(|run| run.stop == Stop::Budget).count();
    if cut > 0 {
        let reason = format!("{cut} trials ended because the budget of seconds was used up");
        return Ok(std::array::from_fn(|_| (Outcome::NotTested, reason.clone())));
    }
    let [fit_small, fit_large] = regimes.map(|regime| Spread::of(&percent(regime, |row| row.train_accuracy)));
    let (fit_small, fit_large) = (fit_small?.mean, fit_large?.mean);
    let fitted = if fit_small.min(fit_large) >= 98.0 { Outcome::Holds } else { Outcome::Fails };

    let [small, large] = regimes.map(|regime| percent(regime, |row| row.test_accuracy));
    let worse = judge_gap(&small, &large);
    let runs = regimes[1].runs.iter();
    let best = runs.map(|run| run.trace.iter().map(|row| 100.0 * row.test_accuracy).fold(0.0, f64::max));
    let best: Vec<f64> = best.collect();
    let (outcome, evidence) = judge_gap(&small, &best);
    let stopped = (outcome, format!("{:.2} % at its best epochs; {evidence}", Spread::of(&best)?.mean));
    Ok([(fitted, format!("{fit_small:.2} % and {fit_large:.2} %")), worse, stopped])
}

/// Whether percentages of the small batch are above those of the large one beyond chance.
fn judge_gap(small: &[f64], large: &[f64]) -> (Outcome, String) {
    match Welch::test(small, large) {
        Ok(Welch { difference, lower, upper, p, .. }) => {
            let evidence = format!(
                "small − large {difference:+.2} points, 95 % interval {lower:+.2} to {upper:+.2}, p = {}",
                crate::display::probability(p)
            );
            (Outcome::of_interval(lower, upper), evidence)
        }
        Err(reason) => (Outcome::Undecided, reason.to_string()),
    }
}

crate::display::shown_as_text!(Outcome, Verdict);
