//! Results as data frames: the only room that knows polars.
//!
//! ```
//! use sharp_minima::polars::prelude::*; // the crate that this one uses
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
//! [`save_csv`] writes a frame to a file. polars is built here without its own readers and writers, joins and pivots. Add them in
//! the notebook's first cell where you need them; they work on the same frames:
//!
//! ```text
//! :dep sharp-minima = { path = ".." }
//! :dep polars = { version = "0.55", default-features = false, features = ["csv", "parquet", "pivot"] }
//! ```
//!
//! What is measured comes in one tidy, long schema, so that results of any kind can be put one under another:
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `net`, `data` | text | the net's and the data set's name |
//! | `regime`, `batch` | text, u64 | the regime's name, points in a batch |
//! | `seed`, `trial` | u64 | where the start came from |
//! | `epoch` | u64 | epochs done; 0 is the start; null where a measure is of a trial's last point |
//! | `split` | text | "train" or "test"; null where a measure has none |
//! | `statistics`, `chunk` | text, u64 | which statistics normalization used, and over at most how many points |
//! | `measure` | text | what was measured: see below |
//! | `epsilon` | f64 | null but for sharpness |
//! | `value` | f64 | the number |
//! | `standard_error` | f64 | null where the number is exact |
//! | `status` | text | in a trial's last row why it stopped ("diverged" among them), "running" before; of a sharpness whether it is reliable |
//! | `along`, `draw` | text, u64 | of a sharpness: what A is, and which random one |
//! | `search` | text | of a sharpness: "L-BFGS-B from zero"; null for the largest of all searches |
//! | `path`, `alpha` | text, f64 | "line" or "curve", and where on it |
//!
//! | measure | of | meaning |
//! |---|---|---|
//! | "loss", "accuracy" | all | nats per example; a fraction |
//! | "distance", "steps", "seconds" | trainings | ‖x − x₀‖₂; steps of the optimizer; since the trial began |
//! | "strategy loss", "passes" | trainings by a strategy | what it descends, mean over the epoch's batches; gradient passes over the points so far |
//! | "sharpness" | sharpness | φ, percent: of each search, and of the largest f of all |
//! | "evaluations" | sharpness | of f with ∇f, a search |
//! | "random corner", "first order", "second order", "points", "seconds" | sharpness | φ there, or as they estimate it; points that f is over; of the whole measure |

mod distances;
mod maxima;
mod paths;
mod points;
mod remedies;
mod save;
mod spectra;
mod surfaces;
mod trials;
mod warm_starts;
mod way_down;

pub use maxima::maxima;
pub use paths::paths;
pub use polars;
pub use polars::prelude::{AnyValue, DataFrame};
use polars::prelude::{Column, NamedFrom, PolarsError, Series};
pub use save::save_csv;
pub(crate) use trials::trials;
pub use trials::{regimes, summary};

use crate::display::{Block, significant};
use crate::error::{Error, Result};

impl From<PolarsError> for Error {
    fn from(error: PolarsError) -> Self {
        Error::Output { library: "polars", reason: error.to_string() }
    }
}

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
    split: Option<String>,
    statistics: String,
    chunk: u64,
    measure: &'static str,
    epsilon: Option<f64>,
    value: f64,
    status: Option<String>,
    along: Option<String>,
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
        text("split", rows.iter().map(|row| row.split.as_ref())),
        text("statistics", rows.iter().map(|row| Some(&row.statistics))),
        whole("chunk", rows.iter().map(|row| Some(row.chunk))),
        text("measure", rows.iter().map(|row| Some(row.measure))),
        number("epsilon", rows.iter().map(|row| row.epsilon)),
        number("value", rows.iter().map(|row| Some(row.value))),
        number("standard_error", rows.iter().map(|_| None)),
        text("status", rows.iter().map(|row| row.status.as_ref())),
        text("along", rows.iter().map(|row| row.along.as_ref())),
        whole("draw", rows.iter().map(|row| row.draw)),
        text("search", rows.iter().map(|row| row.search.as_ref())),
        text("path", rows.iter().map(|row| row.path.as_ref())),
        number("alpha", rows.iter().map(|row| row.alpha)),
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
