//! The break-even efficiency over how far the runs come: Appendix C of the paper.

use super::panel::{Across, Marks, Panel};
use super::{Chart, Key, PALETTE, bounds, decade, draw_key, picture};
use crate::break_even::{BreakEven, Reach};
use crate::display::grouped;
use crate::error::{Error, Result};

impl BreakEven {
    /// f* over the target, both axes logarithmic: one mark per trial, a line through the geometric means. Below the line the large
    /// batch pays: where the small batch's parallel efficiency is less. Training goes from right to left.
    ///
    /// # Errors
    /// [`Error::Parameter`] where no trial of both batches came to any target; [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let points: Vec<(f64, f64)> =
            self.points.iter().filter_map(|point| Some((point.target, self.efficiency(point)?))).collect();
        if points.is_empty() {
            return Err(Error::parameter("trials that came to a target", 0, "be at least 1 for a chart"));
        }
        let marks = [Marks::geometric(points, PALETTE[2], true)];
        let (least, most) = bounds(marks[0].points.iter().map(|(target, _)| *target));
        let subject = format!("{} on {}", self.net, self.data);
        let words = format!("Chart: break-even parallel efficiency over {}, {subject}", self.reach);
        let keys =
            [Key::circle("one mark per trial; line: geometric mean, below it the large batch pays", PALETTE[2], true)];
        let panel = Panel {
            title: format!("{subject}: batch {} or {}?", grouped(self.small), grouped(self.large)),
            across: Across {
                name: match self.reach {
                    Reach::TrainLoss => "training loss, nats (log scale)",
                    Reach::TestError => "test error, a fraction (log scale)",
                },
                range: least..most,
                ticks: super::marks(least, most),
                label: |target| decade(target),
            },
            axis: "break-even efficiency f*",
            marks: &marks,
            fit: None,
        };
        picture((560, 350 + Key::height(&keys)), words, |area| {
            let (chart, legend) = area.split_vertically(350);
            panel.draw_log(&chart)?;
            draw_key(&legend, &keys)
        })
    }
}
