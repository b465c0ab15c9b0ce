//! What was found before, at full scale? Recorded runs, as files that any language and any eye can read.
//!
//! A record is JSON: the version of its format, the version of this crate, the day, how long it took on how many threads,
//! both regimes with each trial's row of every epoch, and what was measured around their minima. Weights are not in it ([`Weights::save`](crate::Weights::save)).
//! A file is written beside its place and then renamed, so that it is whole or not there.

use std::path::Path;

use crate::error::{Error, Result};
use crate::landscape::Paths;
use crate::sharpness::Maxima;
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
    /// Seconds of all trials and measures together, as each counted them; what ran side by side counts each.
    pub seconds: f64,
    /// The small-batch regime.
    pub small: Regime,
    /// The large-batch regime.
    pub large: Regime,
    /// How sharp their minima are, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maxima: Option<Maxima>,
    /// f along the paths between them, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Paths>,
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
            maxima: None,
            paths: None,
        }
    }

    /// With how sharp the minima are.
    pub fn with_maxima(self, maxima: &Maxima) -> Self {
        let seconds = self.seconds + maxima.maxima.iter().map(|maximum| maximum.seconds).sum::<f64>();
        Self { maxima: Some(maxima.clone()), seconds, ..self }
    }

    /// With what lies between the minima.
    pub fn with_paths(self, paths: &Paths) -> Self {
        let seconds = self.seconds + paths.paths.iter().map(|path| path.seconds).sum::<f64>();
        Self { paths: Some(paths.clone()), seconds, ..self }
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

    /// Where the numbers come from, one row a trial, and what was measured around the minima.
    pub fn block(&self) -> crate::display::Block {
        let mut blocks = vec![crate::display::Block::paragraph(&self.source()), crate::table::trials(&self.regimes())];
        blocks.extend(self.maxima.as_ref().map(Maxima::block));
        blocks.extend(self.paths.as_ref().map(Paths::block));
        crate::display::Block::joined(&blocks)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}
