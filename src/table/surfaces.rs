//! Surfaces as frames.

use super::{DataFrame, frame, number, text, whole};
use crate::error::Result;
use crate::landscape::{Surface, Surfaces};
use crate::objective::Value;

impl Surfaces {
    /// One row for each point of each grid. Columns: net, data, regime, role, batch, trial, epoch, split, statistics, chunk, directions,
    /// a, b, loss, accuracy.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let mut all: Vec<(&Surface, f64, f64, Value)> = Vec::new();
        for own in &self.surfaces {
            for (row, &b) in own.values.iter().zip(&own.places) {
                all.extend(row.iter().zip(&own.places).map(|(&value, &a)| (own, a, b, value)));
            }
        }
        let of = || all.iter().map(|(own, ..)| own);
        let count = |number: usize| Some(number as u64);
        frame(vec![
            text("net", of().map(|own| Some(&own.net))),
            text("data", of().map(|own| Some(&own.data))),
            text("regime", of().map(|own| own.regime.as_ref())),
            text("role", of().map(|own| own.role.map(|role| role.to_string()))),
            whole("batch", of().map(|own| own.batch.and_then(count))),
            whole("trial", of().map(|own| own.trial.and_then(count))),
            whole("epoch", of().map(|own| own.epoch.and_then(count))),
            text("split", of().map(|own| Some(own.split.to_string()))),
            text("statistics", of().map(|own| Some(own.objective.whose().to_string()))),
            whole("chunk", of().map(|own| count(own.objective.most()))),
            text("directions", of().map(|own| Some(own.directions.to_string()))),
            number("a", all.iter().map(|(_, a, ..)| Some(*a))),
            number("b", all.iter().map(|(_, _, b, _)| Some(*b))),
            number("loss", all.iter().map(|(.., value)| Some(value.loss))),
            number("accuracy", all.iter().map(|(.., value)| Some(value.accuracy))),
        ])
    }
}

impl Surface {
    /// One row for each point of the grid; see [`Surfaces::frame`].
    ///
    /// # Errors
    /// As [`Surfaces::frame`].
    pub fn frame(&self) -> Result<DataFrame> {
        Surfaces::from(vec![self.clone()]).frame()
    }
}
