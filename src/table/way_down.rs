//! Sharpness along runs as a frame.

use super::{DataFrame, frame, number, text, whole};
use crate::error::Result;
use crate::way_down::{WayDown, WayPoint};

impl WayDown {
    /// One row for each trial and epoch. Columns: net, data, regime, role, batch, trial, epoch, steps, train_loss, train_accuracy,
    /// test_loss, test_accuracy, distance; space, epsilon, gradient_norm, sharpness_from_zero, reach, sharpness (φ, percent), trusted (1 or 0).
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let points = || self.points.iter();
        let of = |value: fn(&WayPoint) -> f64| points().map(move |point| Some(value(point)));
        frame(vec![
            text("net", points().map(|_| Some(&self.net))),
            text("data", points().map(|_| Some(&self.data))),
            text("regime", points().map(|point| Some(&point.regime))),
            text("role", points().map(|point| point.role.map(|role| role.to_string()))),
            whole("batch", points().map(|point| Some(point.batch as u64))),
            whole("trial", points().map(|point| Some(point.trial as u64))),
            whole("epoch", points().map(|point| Some(point.row.epoch as u64))),
            whole("steps", points().map(|point| Some(point.row.steps as u64))),
            number("train_loss", of(|point| point.row.train_loss)),
            number("train_accuracy", of(|point| point.row.train_accuracy)),
            number("test_loss", of(|point| point.row.test_loss)),
            number("test_accuracy", of(|point| point.row.test_accuracy)),
            number("distance", of(|point| point.row.distance)),
            text("space", points().map(|_| Some(self.space.to_string()))),
            number("epsilon", points().map(|_| Some(self.epsilon))),
            number("gradient_norm", points().map(|point| point.gradient_norm)),
            number("sharpness_from_zero", of(|point| point.from_zero)),
            number("reach", of(|point| point.reach)),
            number("sharpness", of(|point| point.largest)),
            number("trusted", of(|point| f64::from(u8::from(point.is_trusted)))),
        ])
    }
}
