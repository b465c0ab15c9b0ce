//! The distance from the start over steps.

use plotters::prelude::*;

use super::panel::{Across, Marks, Panel};
use super::{Chart, Key, bounds, draw_key, marks, of_regime, picture};
use crate::display::grouped;
use crate::distances::Distances;
use crate::error::Result;

impl Distances {
    /// ‖x − x₀‖ over steps, one line per regime through the means of its trials, a mark for each trial and epoch. Left over a
    /// logarithmic axis of steps, where the logarithm's law is straight; right with both axes logarithmic, where a power is.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let names = self.regimes();
        let look = |place: usize, name: &str| of_regime(self.runs_of(name).next().and_then(|run| run.role), place);
        let of = |place: usize, name: &str| -> (RGBColor, Vec<(f64, f64)>) {
            let points = self.runs_of(name).flat_map(|run| &run.points);
            (look(place, name), points.map(|(steps, distance)| (*steps as f64, *distance)).collect())
        };
        let all: Vec<(RGBColor, Vec<(f64, f64)>)> =
            names.iter().enumerate().map(|(place, name)| of(place, name)).collect();
        let plain: Vec<Marks> = all.iter().map(|(color, points)| Marks::linear(points.clone(), *color, true)).collect();
        let power: Vec<Marks> = all.into_iter().map(|(color, points)| Marks::geometric(points, color, true)).collect();
        let keys: Vec<Key> = names
            .iter()
            .enumerate()
            .map(|(place, name)| {
                Key::circle(&format!("{name} batch, one mark per trial; line: mean"), look(place, name), true)
            })
            .collect();
        let (least, most) = bounds(plain.iter().flat_map(|marks| &marks.points).map(|(steps, _)| *steps));
        let across = Across {
            name: "steps (log scale)",
            range: least..most,
            ticks: marks(least, most),
            label: |steps| grouped(steps.round() as usize),
        };
        let subject = format!("{} on {}", self.net, self.data);
        let words = format!("Chart: distance from the start over steps, {subject}, regimes {}", names.join(" and "));
        picture((840, 350 + Key::height(&keys)), words, |area| {
            let (charts, legend) = area.split_vertically(350);
            let places = charts.split_evenly((1, 2));
            let panel = |title: &str, axis, marks| Panel {
                title: format!("{subject}: {title}"),
                across: across.clone(),
                axis,
                marks,
                fit: None,
            };
            panel("log t is straight", "‖x − x₀‖", &plain).draw_linear(&places[0])?;
            panel("a power is straight", "‖x − x₀‖ (log scale)", &power).draw_log(&places[1])?;
            draw_key(&legend, &keys)
        })
    }
}
