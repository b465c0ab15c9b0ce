//! Quick or full? One switch for every notebook.
//!
//! At quick scale a notebook runs in minutes on the embedded digits; at full scale it runs the paper's experiment on the
//! paper's data, which takes hours. The environment variable `SHARP_MINIMA_SCALE` ("quick" or "full") decides over what a
//! notebook says, so that the same notebook serves both.

use crate::error::{Error, Result};

/// The scale of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Minutes, on the embedded data.
    Quick,
    /// Hours, on the paper's data.
    Full,
}

impl Scale {
    /// The scale that the environment variable `SHARP_MINIMA_SCALE` names, else this one.
    ///
    /// # Errors
    /// [`Error::Parameter`] where the variable is neither "quick" nor "full".
    pub fn or_from_environment(self) -> Result<Self> {
        match std::env::var("SHARP_MINIMA_SCALE").as_deref() {
            Err(_) | Ok("") => Ok(self),
            Ok("quick") => Ok(Scale::Quick),
            Ok("full") => Ok(Scale::Full),
            Ok(other) => Err(Error::parameter("SHARP_MINIMA_SCALE", format!("'{other}'"), "be quick or full")),
        }
    }

    /// Whether this is full scale.
    pub fn is_full(self) -> bool {
        self == Scale::Full
    }

    /// `quick` at quick scale, `full` at full scale.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        if self.is_full() { full } else { quick }
    }

    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(self.pick("quick scale", "full scale"));
    }
}
