//! Test accuracy and sharpness of the large batch over small-batch epochs before it: Figure 5 of the paper.

use plotters::prelude::*;

use super::panel::{Across, Marks, Panel};
use super::{Chart, Key, PALETTE, draw_key, picture};
use crate::error::Result;
use crate::sharpness::Reading;
use crate::train::Epoch;
use crate::warm_starts::{WarmPoint, WarmStarts};

const SMALL: RGBColor = PALETTE[0];
const LARGE: RGBColor = PALETTE[1];
const PLAIN: RGBColor = PALETTE[3];
const STEPS: RGBColor = PALETTE[2];

impl WarmStarts {
    /// Left: test accuracy over the small-batch epochs before the start, of the small batch there, of the large batch that went
    /// on from there, and of the plain large batch after as many epochs and as many steps in all and of the small one that goes on
    /// after as many epochs in all, where there are such. Right, where it was measured: φ where the large batch ended. The small
    /// batch's first epochs, where they lie far below, are left out. A mark is a trial, lines go through the means (of φ the
    /// geometric ones). The axis across is logarithmic in epochs + 1, so that x₀ has a place.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let across = |point: &WarmPoint| 1.0 + point.epochs as f64;
        let tests = |of: &dyn Fn(&WarmPoint) -> Option<Epoch>, color, filled| {
            let points = self.points.iter().filter_map(|point| Some((across(point), 100.0 * of(point)?.test_accuracy)));
            Marks::linear(points.collect(), color, filled)
        };
        let mut accuracies = [
            tests(&|point| Some(point.before), SMALL, true),
            tests(&|point| Some(point.after), LARGE, true),
            tests(&|point| point.plain, PLAIN, false),
            tests(&|point| point.as_many_steps, STEPS, false),
            tests(&|point| point.going_on, SMALL, false),
        ];
        // The small batch's first epochs, and above all x₀, would squeeze all the rest.
        let asked = Marks::room(&accuracies[1..]);
        let least = asked.start - (asked.end - asked.start);
        let [small, ..] = &mut accuracies;
        small.line.retain(|(_, test)| *test >= least);
        let first = small.line.first().map_or(f64::INFINITY, |(epochs, _)| *epochs);
        small.points.retain(|(epochs, _)| *epochs >= first);
        let sharp = [(Reading::Largest, true), (Reading::FromZero, false)].map(|(reading, filled)| {
            let phi = |point: &WarmPoint| point.phi(reading).filter(|phi| *phi > 0.0);
            let points = self.points.iter().filter_map(|point| Some((across(point), phi(point)?)));
            Marks::geometric(points.collect(), LARGE, filled)
        });
        let mut keys = vec![
            Key::circle("small batch, where the large one starts", SMALL, true),
            Key::circle("large batch that started there", LARGE, true),
        ];
        let controls = [
            ("plain large batch, as many epochs in all", PLAIN),
            ("plain large batch, as many steps in all", STEPS),
            ("small batch that goes on, as many epochs in all", SMALL),
        ];
        for ((name, color), marks) in controls.into_iter().zip(&accuracies[2..]) {
            if !marks.points.is_empty() {
                keys.push(Key::circle(name, color, false));
            }
        }
        if self.measured.is_some() {
            keys.push(Key::circle("φ, largest of all searches (right)", LARGE, true));
            keys.push(Key::circle("φ from zero (right)", LARGE, false));
        }
        let starts = self.starts();
        let last = 1.0 + starts.last().copied().unwrap_or(1) as f64;
        let subject = format!("{} on {}", self.net, self.data);
        let words = format!(
            "Chart: test accuracy and sharpness of the large batch over the epoch of its warm start, {subject}"
        );
        let axis = Across {
            name: "small-batch epochs before (log scale of 1 + epochs)",
            range: 0.92..1.08 * last,
            ticks: starts.iter().map(|start| 1.0 + *start as f64).collect(),
            label: |place| format!("{:.0}", place - 1.0),
        };
        picture((840, 350 + Key::height(&keys)), words, |area| {
            let (charts, legend) = area.split_vertically(350);
            let places = charts.split_evenly((1, if self.measured.is_some() { 2 } else { 1 }));
            let accuracy = Panel {
                title: format!("{subject}: accuracy"),
                across: axis.clone(),
                axis: "test accuracy, %",
                marks: &accuracies,
                fit: None,
            };
            accuracy.draw_linear(&places[0])?;
            if let Some(place) = places.get(1) {
                let title = format!("{subject}: where the large batch ends");
                Panel { title, across: axis, axis: "φ, % (log scale)", marks: &sharp, fit: None }.draw_log(place)?;
            }
            draw_key(&legend, &keys)
        })
    }
}
