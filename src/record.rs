//! What was found before, at full scale? Recorded runs, as files that any language and any eye can read.
//!
//! A record is JSON: the version of its format, the version of this crate, the day, how long it took on how many threads,
//! and both regimes with each trial's row of every epoch. Weights are not in it ([`Weights::save`](crate::Weights::save)).
//! A file is written beside its place and then renamed, so that it is whole or not there.

use std::path::Path;

use crate::error::{Error, Result};
use crate::table::DataFrame;
use crate::train::{Pair, Regime};

/// The version of the format that this crate writes and reads.
const FORMAT: u32 = 1;

/// Both regimes of an experiment as they were measured on some day.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recorded {
    /// Version of the format.
    pub format: u32,
    /// Version of this crate that made it.
    pub version: String,
    /// The day, by UTC, as year-month-day.
    pub date: String,
    /// Threads that the machine has.
    pub threads: usize,
    /// Seconds of all trials together, as each counted them; trials that ran side by side count each.
    pub seconds: f64,
    /// The small-batch regime.
    pub small: Regime,
    /// The large-batch regime.
    pub large: Regime,
}

impl Pair {
    /// Writes what was measured, without the weights, to a file of `data/runs`, with today's date by the machine's clock.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn record(&self, path: impl AsRef<Path>) -> Result<()> {
        Recorded::of(self).save(path)
    }
}

impl Recorded {
    /// A record of what was just measured.
    pub fn of(pair: &Pair) -> Self {
        let runs = pair.regimes().into_iter().flat_map(|regime| &regime.runs);
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            date: chrono::Utc::now().date_naive().to_string(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            seconds: runs.map(|run| run.last().seconds).sum(),
            small: pair.small.regime.clone(),
            large: pair.large.regime.clone(),
        }
    }

    /// Both regimes, the small one first.
    pub fn regimes(&self) -> [&Regime; 2] {
        [&self.small, &self.large]
    }

    /// Both regimes in one frame; see [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        crate::table::regimes(&self.regimes())
    }

    /// Mean and standard deviation of both regimes behind the last epoch of each trial.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn summary(&self) -> Result<DataFrame> {
        crate::table::summary(&self.regimes())
    }

    /// Where the numbers come from, in a line.
    pub fn source(&self) -> String {
        format!(
            "recorded {} by version {} on a machine of {} threads: {} on {}, seed {}, {} summed over trials that ran side by side",
            self.date,
            self.version,
            self.threads,
            self.small.net,
            self.small.data,
            self.small.seed,
            crate::display::duration(self.seconds)
        )
    }

    /// Writes the record.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::file(path, error))?;
        bytes.push(b'\n');
        crate::file::write_whole(path, &bytes)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, [`Error::Format`] where it is not a record of this format, or one without
    /// trials.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::file(path, error))?;
        // The library says the place again behind its reason.
        let reason = |error: &serde_json::Error| {
            let text = error.to_string();
            text.split(" at line ").next().unwrap_or_default().to_string()
        };
        let place = |error: &serde_json::Error| format!("line {} column {}", error.line(), error.column());
        let record: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| Error::format(path, place(&error), reason(&error)))?;
        // The format first: another one may well lack what this one has.
        match record.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            found => {
                let found = found.map_or("none".into(), |format| format.to_string());
                return Err(Error::format(
                    path,
                    "'format'",
                    format!("a record of a run has {FORMAT} here, but this has {found}"),
                ));
            }
        }
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|error| Error::format(path, place(&error), reason(&error)))?;
        if let Some(regime) =
            record.regimes().into_iter().find(|r| r.runs.is_empty() || r.runs.iter().any(|run| run.trace.is_empty()))
        {
            return Err(Error::format(
                path,
                format!("regime '{}'", regime.name),
                "it has no trials, or a trial without rows",
            ));
        }
        Ok(record)
    }

    /// Where the numbers come from, and one row a trial.
    pub fn block(&self) -> crate::display::Block {
        let trials = crate::table::trials(&self.regimes());
        crate::display::Block::joined(&[crate::display::Block::paragraph(&self.source()), trials])
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}
