//! Warm starts as a frame.

use super::{DataFrame, frame, number, text, whole};
use crate::error::Result;
use crate::train::Epoch;
use crate::warm_starts::{WarmPoint, WarmStarts};

impl WarmStarts {
    /// A row for each start and trial. Columns: net, data, small, large (points in a batch), epochs (small-batch epochs before),
    /// trial; test_before, test_after, test_plain, test_steps, test_small (test accuracies, fractions: of the small batch at
    /// the start, of the large batch that went on, of the plain large batch after as many epochs in all and after as many steps in
    /// all, of the small batch after as many epochs in all); epochs_after, train_loss, distance (of the large batch, from its new
    /// start); space, epsilon, sharpness_from_zero, sharpness, sharpness_plain, sharpness_steps, sharpness_small (φ, percent),
    /// trusted (1 or 0).
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let points = || self.points.iter();
        let of = |value: fn(&WarmPoint) -> Option<f64>| points().map(value);
        let count = |value: fn(&WarmPoint) -> usize| points().map(move |point| Some(value(point) as u64));
        fn test(row: Option<&Epoch>) -> Option<f64> {
            row.map(|row| row.test_accuracy)
        }
        frame(vec![
            text("net", points().map(|_| Some(&self.net))),
            text("data", points().map(|_| Some(&self.data))),
            whole("small", points().map(|_| Some(self.small as u64))),
            whole("large", points().map(|_| Some(self.large as u64))),
            whole("epochs", count(|point| point.epochs)),
            whole("trial", count(|point| point.trial)),
            number("test_before", of(|point| test(Some(&point.before)))),
            number("test_after", of(|point| test(Some(&point.after)))),
            number("test_plain", of(|point| test(point.plain.as_ref()))),
            number("test_steps", of(|point| test(point.as_many_steps.as_ref()))),
            number("test_small", of(|point| test(point.going_on.as_ref()))),
            whole("epochs_after", count(|point| point.after.epoch)),
            number("train_loss", of(|point| Some(point.after.train_loss))),
            number("distance", of(|point| Some(point.after.distance))),
            text("space", points().map(|_| self.measured.map(|(space, _)| space.to_string()))),
            number("epsilon", points().map(|_| self.measured.map(|(_, epsilon)| epsilon))),
            number("sharpness_from_zero", of(|point| point.from_zero)),
            number("sharpness", of(|point| point.largest)),
            number("sharpness_plain", of(|point| point.plain_largest)),
            number("sharpness_steps", of(|point| point.as_many_steps_largest)),
            number("sharpness_small", of(|point| point.going_on_largest)),
            number("trusted", of(|point| point.largest.map(|_| f64::from(u8::from(point.is_trusted))))),
        ])
    }
}
