//! How long has a trial taken? Its seconds go on from where an interrupted call left it.

use std::time::Instant;

/// Seconds of a trial.
pub(super) struct Clock {
    begin: Instant,
    /// Those of the calls before.
    before: f64,
}

impl Clock {
    /// Runs from now on, after so many seconds.
    pub(super) fn after(before: f64) -> Self {
        Self { begin: Instant::now(), before }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.before + self.begin.elapsed().as_secs_f64()
    }
}
