//! Results as data frames: the only room that knows polars.
//!
//! ```
//! use sharp_minima::polars::prelude::*; // the crate that this one uses, so one `:dep` is enough
//! use sharp_minima::{Training, data, show, zoo};
//! let data = data::synthetic();
//! let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
//! let frame = Training::adam().batch(20).trials(2).epochs(2).quiet().run(&net, &data)?.frame()?;
//! let wanted = frame.column("split")?.str()?.equal("test") & frame.column("measure")?.str()?.equal("accuracy");
//! let accuracies = frame.filter(&wanted)?;
//! assert_eq!(accuracies.height(), 2 * 3); // two trials, the start and two epochs
//! println!("{}", show(&accuracies, 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is measured comes in one tidy, long schema, so that results of any kind join and pivot:
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `net`, `data` | text | the net's and the data set's name |
//! | `regime`, `batch` | text, u64 | the regime's name, points in a batch |
//! | `seed`, `trial` | u64 | where the start came from |
//! | `epoch` | u64 | epochs done; 0 is the start; null where a measure is of a trial's last point |
//! | `split` | text | "train" or "test"; null where a measure has none |
//! | `statistics`, `chunk` | text, u64 | whose statistics normalization used, over at most how many points |
//! | `measure` | text | what was measured: see below |
//! | `epsilon` | f64 | null but for sharpness |
//! | `value` | f64 | the number |
//! | `standard_error` | f64 | null where the number is exact |
//! | `status` | text | in a trial's last row why it stopped, "running" before; of a sharpness whether it is a measure |
//! | `along`, `draw` | text, u64 | of a sharpness: what A is, and which random one |
//! | `search` | text | of a sharpness: "L-BFGS-B from zero"; null for the largest of all searches |
//! | `path`, `alpha` | text, f64 | "line" or "curve", and where on it |
//!
//! | measure | of | meaning |
//! |---|---|---|
//! | "loss", "accuracy" | all | nats per example; a fraction |
//! | "distance", "steps", "seconds" | trainings | ‖x − x₀‖₂; steps of the optimizer; since the trial began |
//! | "sharpness" | sharpness | φ, percent: of each search, and of the largest f of all |
//! | "evaluations" | sharpness | of f with ∇f, a search |
//! | "random corner", "first order", "second order", "seconds" | sharpness | φ there, or as they estimate it; of the whole measure |

pub use polars;
pub use polars::prelude::{AnyValue, DataFrame};
use polars::prelude::{Column, NamedFrom, PolarsError, Series};

use crate::display::{Block, significant};
use crate::error::{Error, Result};
use crate::landscape::{Path, PathPoint, Paths};
use crate::sharpness::{Maxima, Maximum};
use crate::spread::Spread;
use crate::train::{Epoch, Pair, Regime, Trials};

impl From<PolarsError> for Error {
    fn from(error: PolarsError) -> Self {
        Error::Output { library: "polars", reason: error.to_string() }
    }
}

/// The measures of a row: split, name, number.
type Measure = (Option<&'static str>, &'static str, fn(&Epoch) -> f64);

const MEASURES: [Measure; 7] = [
    (Some("train"), "loss", |row| row.train_loss),
    (Some("train"), "accuracy", |row| row.train_accuracy),
    (Some("test"), "loss", |row| row.test_loss),
    (Some("test"), "accuracy", |row| row.test_accuracy),
    (None, "distance", |row| row.distance),
    (None, "steps", |row| row.steps as f64),
    (None, "seconds", |row| row.seconds),
];

/// A row of the schema above.
#[derive(Default)]
struct Row<'a> {
    net: &'a str,
    data: &'a str,
    regime: Option<&'a str>,
    batch: Option<u64>,
    seed: Option<u64>,
    trial: Option<u64>,
    epoch: Option<u64>,
    split: Option<&'a str>,
    statistics: String,
    chunk: u64,
    measure: &'static str,
    epsilon: Option<f64>,
    value: f64,
    status: Option<String>,
    along: Option<&'a str>,
    draw: Option<u64>,
    search: Option<String>,
    path: Option<String>,
    alpha: Option<f64>,
}

fn tidy(rows: &[Row<'_>]) -> Result<DataFrame> {
    frame(vec![
        text("net", rows.iter().map(|row| Some(row.net))),
        text("data", rows.iter().map(|row| Some(row.data))),
        text("regime", rows.iter().map(|row| row.regime)),
        whole("batch", rows.iter().map(|row| row.batch)),
        whole("seed", rows.iter().map(|row| row.seed)),
        whole("trial", rows.iter().map(|row| row.trial)),
        whole("epoch", rows.iter().map(|row| row.epoch)),
        text("split", rows.iter().map(|row| row.split)),
        text("statistics", rows.iter().map(|row| Some(&row.statistics))),
        whole("chunk", rows.iter().map(|row| Some(row.chunk))),
        text("measure", rows.iter().map(|row| Some(row.measure))),
        number("epsilon", rows.iter().map(|row| row.epsilon)),
        number("value", rows.iter().map(|row| Some(row.value))),
        number("standard_error", rows.iter().map(|_| None)),
        text("status", rows.iter().map(|row| row.status.as_ref())),
        text("along", rows.iter().map(|row| row.along)),
        whole("draw", rows.iter().map(|row| row.draw)),
        text("search", rows.iter().map(|row| row.search.as_ref())),
        text("path", rows.iter().map(|row| row.path.as_ref())),
        number("alpha", rows.iter().map(|row| row.alpha)),
    ])
}

/// One row for each regime, trial, epoch and measure, in the schema above.
///
/// # Errors
/// [`Error::Output`] from the data frame library; none is known.
pub fn regimes(regimes: &[&Regime]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for regime in regimes {
        for run in &regime.runs {
            for row in &run.trace {
                let status = if row.epoch == run.last().epoch { run.stop.to_string() } else { "running".into() };
                rows.extend(MEASURES.iter().map(|(split, measure, value)| Row {
                    net: &regime.net,
                    data: &regime.data,
                    regime: Some(&regime.name),
                    batch: Some(regime.batch as u64),
                    seed: Some(regime.seed),
                    trial: Some(run.trial as u64),
                    epoch: Some(row.epoch as u64),
                    split: *split,
                    statistics: regime.statistics.to_string(),
                    chunk: regime.chunk as u64,
                    measure,
                    value: value(row),
                    status: Some(status.clone()),
                    ..Row::default()
                }));
            }
        }
    }
    tidy(&rows)
}

/// One row for each measured point and measure, and for each search its φ and its evaluations, in the schema above.
///
/// # Errors
/// [`Error::Output`] from the data frame library; none is known.
pub fn maxima(maxima: &[Maximum]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for maximum in maxima {
        let row = |measure, value: f64, search: Option<String>, status: Option<String>| Row {
            net: &maximum.net,
            data: &maximum.data,
            regime: maximum.regime.as_deref(),
            batch: maximum.batch.map(|batch| batch as u64),
            seed: maximum.trial_seed,
            trial: maximum.trial.map(|trial| trial as u64),
            split: Some(&maximum.split),
            statistics: maximum.statistics.to_string(),
            chunk: maximum.chunk as u64,
            measure,
            epsilon: Some(maximum.epsilon),
            value,
            status,
            along: Some(&maximum.along),
            draw: Some(maximum.draw),
            search,
            ..Row::default()
        };
        rows.push(row("loss", maximum.value, None, None));
        rows.push(row("sharpness", maximum.phi(), None, Some(maximum.status().to_string())));
        for search in &maximum.searches {
            let name = || Some(format!("{} from {}", search.maximizer, search.start));
            rows.push(row("sharpness", search.phi, name(), Some(search.status(maximum).to_string())));
            rows.push(row("evaluations", search.evaluations as f64, name(), None));
        }
        rows.extend(maximum.corner.map(|corner| row("random corner", corner, None, None)));
        rows.push(row("first order", maximum.first_order, None, None));
        rows.push(row("second order", maximum.second_order, None, None));
        rows.push(row("seconds", maximum.seconds, None, None));
    }
    tidy(&rows)
}

/// One row for each path, point, split and measure, in the schema above.
///
/// # Errors
/// [`Error::Output`] from the data frame library; none is known.
pub fn paths(paths: &[Path]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for path in paths {
        for PathPoint { alpha, value } in &path.points {
            for (split, found) in [("train", value.train), ("test", value.test)] {
                rows.extend([("loss", found.loss), ("accuracy", found.accuracy)].map(|(measure, number)| Row {
                    net: &path.net,
                    data: &path.data,
                    trial: Some(path.trial as u64),
                    split: Some(split),
                    statistics: path.statistics.to_string(),
                    chunk: path.chunk as u64,
                    measure,
                    value: number,
                    path: Some(path.shape.to_string()),
                    alpha: Some(*alpha),
                    ..Row::default()
                }));
            }
        }
    }
    tidy(&rows)
}

/// Mean and standard deviation over the trials behind the last epoch of each: one row for each regime and measure.
/// Columns: net, data, regime, batch, seed, trials, split, statistics, measure, mean, deviation.
///
/// # Errors
/// [`Error::Output`] from the data frame library; none is known.
pub fn summary(regimes: &[&Regime]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for regime in regimes.iter().filter(|regime| !regime.runs.is_empty()) {
        for (split, measure, value) in MEASURES {
            let values: Vec<f64> = regime.runs.iter().map(|run| value(run.last())).collect();
            rows.push((*regime, split, measure, Spread::of(&values)?));
        }
    }
    frame(vec![
        text("net", rows.iter().map(|row| Some(row.0.net.as_str()))),
        text("data", rows.iter().map(|row| Some(row.0.data.as_str()))),
        text("regime", rows.iter().map(|row| Some(row.0.name.as_str()))),
        whole("batch", rows.iter().map(|row| Some(row.0.batch as u64))),
        whole("seed", rows.iter().map(|row| Some(row.0.seed))),
        whole("trials", rows.iter().map(|row| Some(row.3.count as u64))),
        text("split", rows.iter().map(|row| row.1)),
        text("statistics", rows.iter().map(|row| Some(row.0.statistics.to_string()))),
        text("measure", rows.iter().map(|row| Some(row.2))),
        number("mean", rows.iter().map(|row| Some(row.3.mean))),
        number("deviation", rows.iter().map(|row| Some(row.3.deviation).filter(|value| value.is_finite()))),
    ])
}

/// A frame as a table for a cell, at most `rows` rows of it; numbers with four significant digits.
pub fn show(frame: &DataFrame, rows: usize) -> Block {
    let columns: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
    let shown = frame.height().min(rows);
    let cell = |column: &Column, row: usize| match column.get(row) {
        Ok(AnyValue::Null) | Err(_) => String::new(),
        Ok(AnyValue::String(text)) => text.into(),
        Ok(AnyValue::Float64(value)) => significant(value),
        Ok(value) => value.to_string(),
    };
    let lines = (0..shown).map(|row| frame.columns().iter().map(|column| cell(column, row)).collect()).collect();
    let title = match shown == frame.height() {
        true => format!("{shown} rows"),
        false => format!("{shown} of {} rows", crate::display::grouped(frame.height())),
    };
    Block::table(&title, &columns, lines)
}

impl Regime {
    /// One row for each regime, trial, epoch, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        regimes(&[self])
    }

    /// Mean and standard deviation over the trials behind the last epoch of each.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn summary(&self) -> Result<DataFrame> {
        summary(&[self])
    }

    /// One row a trial, and mean ± standard deviation of each regime.
    pub fn block(&self) -> crate::display::Block {
        trials(&[self])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Trials {
    /// One row for each regime, trial, epoch, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        regimes(&[&self.regime])
    }

    /// Mean and standard deviation over the trials behind the last epoch of each.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn summary(&self) -> Result<DataFrame> {
        summary(&[&self.regime])
    }

    /// One row a trial, and mean ± standard deviation of each regime.
    pub fn block(&self) -> crate::display::Block {
        trials(&[&self.regime])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Pair {
    /// One row for each regime, trial, epoch, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        regimes(&self.regimes())
    }

    /// Mean and standard deviation over the trials behind the last epoch of each.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn summary(&self) -> Result<DataFrame> {
        summary(&self.regimes())
    }

    /// One row a trial, and mean ± standard deviation of each regime.
    pub fn block(&self) -> crate::display::Block {
        trials(&self.regimes())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Maximum {
    /// One row for each measure and search, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        maxima(std::slice::from_ref(self))
    }
}

impl Maxima {
    /// One row for each measured point, measure and search, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        maxima(&self.maxima)
    }
}

impl Path {
    /// One row for each point, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        paths(std::slice::from_ref(self))
    }
}

impl Paths {
    /// One row for each path, point, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        paths(&self.paths)
    }
}

/// One row a trial, and mean ± standard deviation of each regime: what a cell shows of trials.
pub(crate) fn trials(regimes: &[&Regime]) -> Block {
    let mut rows = Vec::new();
    for regime in regimes {
        let percent = |value: f64| format!("{:.2}", 100.0 * value);
        for run in &regime.runs {
            let last = run.last();
            rows.push(vec![
                regime.name.clone(),
                regime.batch.to_string(),
                run.trial.to_string(),
                last.epoch.to_string(),
                significant(last.train_loss),
                percent(last.train_accuracy),
                percent(last.test_accuracy),
                format!("{:.2}", last.distance),
                run.stop.to_string(),
            ]);
        }
        let mean = |value: fn(&Epoch) -> f64, decimals| {
            let values: Vec<f64> = regime.runs.iter().map(|run| value(run.last())).collect();
            Spread::of(&values).map_or(String::new(), |spread| spread.text(decimals))
        };
        if regime.runs.len() > 1 {
            rows.push(vec![
                regime.name.clone(),
                regime.batch.to_string(),
                "mean ± std".into(),
                String::new(),
                mean(|row| row.train_loss, 5),
                mean(|row| 100.0 * row.train_accuracy, 2),
                mean(|row| 100.0 * row.test_accuracy, 2),
                mean(|row| row.distance, 2),
                String::new(),
            ]);
        }
    }
    let title = match regimes {
        [first, ..] => format!("{} on {}: {}", first.net, first.data, first.optimizer),
        [] => "no trials".into(),
    };
    let columns =
        ["regime", "batch", "trial", "epochs", "training loss", "training %", "test %", "‖x − x₀‖", "stopped by"];
    Block::table(&title, &columns, rows)
}

pub(crate) fn frame(columns: Vec<Series>) -> Result<DataFrame> {
    let height = columns.first().map_or(0, |column| column.len());
    Ok(DataFrame::new(height, columns.into_iter().map(Column::from).collect())?)
}

pub(crate) fn text<S: AsRef<str>>(name: &str, values: impl Iterator<Item = Option<S>>) -> Series {
    let values: Vec<Option<S>> = values.collect();
    Series::new(name.into(), values.iter().map(|value| value.as_ref().map(S::as_ref)).collect::<Vec<Option<&str>>>())
}

fn whole(name: &str, values: impl Iterator<Item = Option<u64>>) -> Series {
    Series::new(name.into(), values.collect::<Vec<Option<u64>>>())
}

pub(crate) fn number(name: &str, values: impl Iterator<Item = Option<f64>>) -> Series {
    Series::new(name.into(), values.collect::<Vec<Option<f64>>>())
}
