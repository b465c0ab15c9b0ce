//! Paths as frames.

use super::{DataFrame, Row, tidy};
use crate::error::Result;
use crate::landscape::{Path, PathPoint, Paths};

/// One row for each path, point, split and measure, in the schema above.
///
/// # Errors
/// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
pub fn paths(paths: &[Path]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for path in paths {
        for PathPoint { alpha, value } in &path.points {
            for (split, found) in [("train", value.train), ("test", value.test)] {
                rows.extend([("loss", found.loss), ("accuracy", found.accuracy)].map(|(measure, number)| Row {
                    net: &path.net,
                    data: &path.data,
                    trial: Some(path.trial as u64),
                    split: Some(split.to_string()),
                    statistics: path.objective.whose().to_string(),
                    chunk: path.objective.most() as u64,
                    measure,
                    value: number,
                    path: Some(path.label()),
                    alpha: Some(*alpha),
                    ..Row::default()
                }));
            }
        }
    }
    tidy(&rows)
}

impl Path {
    /// One row for each point, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        paths(std::slice::from_ref(self))
    }
}

impl Paths {
    /// One row for each path, point, split and measure, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        paths(&self.paths)
    }
}
