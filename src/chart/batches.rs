//! Test accuracy and sharpness against batch size: Figure 4 of the paper.

use plotters::prelude::*;

use super::panel::{Across, Fit, Marks, Panel};
use super::{Chart, Key, PALETTE, draw_key, picture};
use crate::data::Which;
use crate::display::grouped;
use crate::error::{Error, Result};
use crate::sharpness::{Maxima, Maximum, Reading, check_each_once, check_one_box};
use crate::threshold::Threshold;
use crate::train::{Regime, Study, check_alike, threshold_of};

const TEST: RGBColor = PALETTE[0];
const FIT: RGBColor = PALETTE[4];
const SHARP: RGBColor = PALETTE[1];

/// Test accuracy after the last epoch (left) and, where it was measured, sharpness (right) over the batch size, both axes of
/// batch sizes logarithmic: a mark for each trial, lines through the means (of φ the geometric ones), and the fitted
/// [`Threshold`] with its interval, where accuracy falls beyond chance.
///
/// # Errors
/// [`Error::Parameter`] where there are fewer than two batch sizes, where nets or data differ, or where measures are of several kinds
/// of box, or two of one trial; [`Error::Output`] from the chart library.
pub fn by_batch(regimes: &[&Regime], maxima: Option<&Maxima>) -> Result<Chart> {
    check_alike(regimes)?;
    let accuracies = regimes.iter().flat_map(|regime| {
        let batch = regime.recipe.batch as f64;
        regime.finite().map(move |run| (batch, 100.0 * run.last().test_accuracy))
    });
    let tests = Marks::linear(accuracies.collect(), TEST, true);
    let (Some(first), Some(&(least, _)), Some(&(most, _))) = (regimes.first(), tests.line.first(), tests.line.last())
    else {
        return Err(Error::parameter("batch sizes", 0, "be at least 2 for a chart"));
    };
    if least == most {
        return Err(Error::parameter("batch sizes", 1, "be at least 2 for a chart"));
    }
    let threshold = threshold_of(regimes).ok().filter(Threshold::is_resolved);
    let is_own = |maximum: &&Maximum| {
        maximum.split == Which::Train && regimes.iter().any(|regime| maximum.regime.as_ref() == Some(&regime.name))
    };
    let own: Vec<&Maximum> = maxima.iter().flat_map(|maxima| &maxima.maxima).filter(is_own).collect();
    check_one_box("boxes of a chart of batch sizes", &own)?;
    check_each_once(&own, false)?;
    let sharp = maxima.map(|_| {
        [(Reading::Largest, true), (Reading::FromZero, false)].map(|(reading, filled)| {
            let own = own.iter().filter_map(|maximum| {
                Some((maximum.batch? as f64, reading.of(maximum).0)).filter(|(_, phi)| *phi > 0.0)
            });
            Marks::geometric(own.collect(), SHARP, filled)
        })
    });
    let subject = format!("{} on {}", first.net, first.data);
    let mut keys = vec![Key::circle("test accuracy, one mark per trial; line: mean", TEST, true)];
    if threshold.is_some() {
        keys.push(Key::line("fitted broken stick, band: 95 % interval of its corner", FIT, false));
    }
    if sharp.is_some() {
        keys.push(Key::circle("φ, largest of all searches", SHARP, true));
        keys.push(Key::circle("φ from zero", SHARP, false));
    }
    let words = match &threshold {
        Some(threshold) => format!("Chart: test accuracy over batch size, {subject}: {threshold}"),
        None => format!("Chart: test accuracy over batch size, {subject}"),
    };
    let across = Across {
        name: "batch size (log scale)",
        // A little room beside the first and the last mark.
        range: 0.8 * least..1.25 * most,
        ticks: at_most(8, tests.line.iter().map(|(size, _)| *size).collect()),
        label: |size| grouped(size.round() as usize),
    };
    let fit = threshold.map(|threshold| {
        let sizes = tests.line.iter().map(|(size, _)| *size);
        let mut sizes: Vec<f64> = sizes.chain([threshold.batch]).collect();
        sizes.sort_by(f64::total_cmp);
        let line = sizes.into_iter().map(|size| (size, 100.0 * threshold.at(size))).collect();
        Fit { color: FIT, band: (threshold.lower, threshold.upper), line }
    });
    let accuracy = Panel {
        title: format!("{subject}: accuracy"),
        across: across.clone(),
        axis: "test accuracy, %",
        marks: std::slice::from_ref(&tests),
        fit,
    };
    picture((840, 350 + Key::height(&keys)), words, |area| {
        let (charts, legend) = area.split_vertically(350);
        let places = charts.split_evenly((1, if sharp.is_some() { 2 } else { 1 }));
        accuracy.draw_linear(&places[0])?;
        if let (Some(marks), Some(place)) = (&sharp, places.get(1)) {
            let title = format!("{subject}: sharpness");
            Panel { title, across, axis: "φ, % (log scale)", marks, fit: None }.draw_log(place)?;
        }
        draw_key(&legend, &keys)
    })
}

/// So many of these numbers, evenly over their places; the first is one of them.
fn at_most(count: usize, numbers: Vec<f64>) -> Vec<f64> {
    let every = numbers.len().div_ceil(count).max(1);
    numbers.into_iter().step_by(every).collect()
}

impl Study {
    /// Test accuracy and, where measures are given, sharpness over batch size: Figure 4; see [`by_batch`].
    ///
    /// # Errors
    /// As [`by_batch`].
    pub fn by_batch<'a>(&self, maxima: impl Into<Option<&'a Maxima>>) -> Result<Chart> {
        by_batch(&self.regimes(), maxima.into())
    }
}

impl crate::record::Recorded {
    /// Test accuracy and, where it was measured, sharpness over batch size: Figure 4; see [`by_batch`].
    ///
    /// # Errors
    /// As [`by_batch`].
    pub fn by_batch(&self) -> Result<Chart> {
        by_batch(&self.regimes(), self.maxima.as_ref())
    }
}
