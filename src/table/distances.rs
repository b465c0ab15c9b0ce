//! Distances and break-even efficiencies as frames.

use super::{DataFrame, frame, number, text, whole};
use crate::break_even::BreakEven;
use crate::distances::{DistanceRun, Distances};
use crate::error::Result;

impl Distances {
    /// A row for each trial and epoch. Columns: net, data, regime, role, batch, trial, steps, distance.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let rows: Vec<(&DistanceRun, usize, f64)> = self
            .runs
            .iter()
            .flat_map(|run| run.points.iter().map(move |(steps, distance)| (run, *steps, *distance)))
            .collect();
        frame(vec![
            text("net", rows.iter().map(|_| Some(&self.net))),
            text("data", rows.iter().map(|_| Some(&self.data))),
            text("regime", rows.iter().map(|(run, ..)| Some(&run.regime))),
            text("role", rows.iter().map(|(run, ..)| run.role.map(|role| role.to_string()))),
            whole("batch", rows.iter().map(|(run, ..)| Some(run.batch as u64))),
            whole("trial", rows.iter().map(|(run, ..)| Some(run.trial as u64))),
            whole("steps", rows.iter().map(|(_, steps, _)| Some(*steps as u64))),
            number("distance", rows.iter().map(|(_, _, distance)| Some(*distance))),
        ])
    }
}

impl BreakEven {
    /// A row for each target and trial. Columns: net, data, small, large (points in a batch), reach, target, trial,
    /// steps_small, steps_large (null where a batch did not come there), efficiency (f*).
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let points = || self.points.iter();
        frame(vec![
            text("net", points().map(|_| Some(&self.net))),
            text("data", points().map(|_| Some(&self.data))),
            whole("small", points().map(|_| Some(self.small as u64))),
            whole("large", points().map(|_| Some(self.large as u64))),
            text("reach", points().map(|_| Some(self.reach.to_string()))),
            number("target", points().map(|point| Some(point.target))),
            whole("trial", points().map(|point| Some(point.trial as u64))),
            number("steps_small", points().map(|point| point.small)),
            number("steps_large", points().map(|point| point.large)),
            number("efficiency", points().map(|point| self.efficiency(point))),
        ])
    }
}
