//! Test accuracy and sharpness against batch size: Figure 4 of the paper.

use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use super::{Area, Chart, Drawn, FAINT, INK, Key, PALETTE, bounds, decade, draw_key, picture};
use crate::display::grouped;
use crate::error::{Error, Result};
use crate::sharpness::{Maxima, Reading};
use crate::threshold::Threshold;
use crate::train::{Regime, Study, check_alike, threshold_of};

const TEST: RGBColor = PALETTE[0];
const FIT: RGBColor = PALETTE[4];
const SHARP: RGBColor = PALETTE[1];

/// Marks over batch sizes, the line through their means at each, and how they look.
struct Marks {
    color: RGBColor,
    filled: bool,
    points: Vec<(f64, f64)>,
    line: Vec<(f64, f64)>,
}

impl Marks {
    /// The line goes through the means of these numbers as `scale` sees them.
    fn new(
        points: Vec<(f64, f64)>,
        color: RGBColor,
        filled: bool,
        scale: fn(f64) -> f64,
        back: fn(f64) -> f64,
    ) -> Self {
        let mut batches: Vec<f64> = points.iter().map(|(batch, _)| *batch).collect();
        batches.sort_by(f64::total_cmp);
        batches.dedup();
        let mean = |batch: &f64| {
            let own = points.iter().filter(|(other, _)| other == batch).map(|(_, value)| scale(*value));
            let own: Vec<f64> = own.filter(|value| value.is_finite()).collect();
            (!own.is_empty()).then(|| (*batch, back(own.iter().sum::<f64>() / own.len() as f64)))
        };
        Self { line: batches.iter().filter_map(mean).collect(), points, color, filled }
    }
}

/// Test accuracy after the last epoch (left) and, where it was measured, sharpness (right) over the batch size, both axes of
/// batch sizes logarithmic: a mark for each trial, lines through the means (of φ the geometric ones), and the fitted
/// [`Threshold`] with its interval, where accuracy falls beyond chance.
///
/// # Errors
/// [`Error::Parameter`] where there are fewer than two batch sizes, or where nets or data differ; [`Error::Output`] from the
/// chart library.
pub fn by_batch(regimes: &[&Regime], maxima: Option<&Maxima>) -> Result<Chart> {
    check_alike(regimes)?;
    let accuracies = regimes.iter().flat_map(|regime| {
        let batch = regime.recipe.batch as f64;
        regime.finite().map(move |run| (batch, 100.0 * run.last().test_accuracy))
    });
    let tests = Marks::new(accuracies.collect(), TEST, true, |value| value, |value| value);
    let (Some(first), Some(&(least, _)), Some(&(most, _))) = (regimes.first(), tests.line.first(), tests.line.last())
    else {
        return Err(Error::parameter("batch sizes", 0, "be at least 2 for a chart"));
    };
    if least == most {
        return Err(Error::parameter("batch sizes", 1, "be at least 2 for a chart"));
    }
    let threshold = threshold_of(regimes).ok().filter(Threshold::is_resolved);
    let sharp = maxima.map(|maxima| {
        [(Reading::Largest, true), (Reading::FromZero, false)].map(|(reading, filled)| {
            let own = maxima.maxima.iter().filter_map(|maximum| {
                Some((maximum.batch? as f64, reading.of(maximum).0)).filter(|(_, phi)| *phi > 0.0)
            });
            Marks::new(own.collect(), SHARP, filled, f64::ln, f64::exp)
        })
    });
    let subject = format!("{} on {}", first.net, first.data);
    let mut keys = vec![Key::circle("test accuracy of a trial, line: mean", TEST, true)];
    if threshold.is_some() {
        keys.push(Key::line("fitted threshold, band: 95 % interval", FIT, false));
    }
    if sharp.is_some() {
        keys.push(Key::circle("φ of a trial, largest of all searches", SHARP, true));
        keys.push(Key::circle("φ from zero", SHARP, false));
    }
    let words = match &threshold {
        Some(threshold) => format!("Chart: test accuracy over batch size, {subject}: {threshold}"),
        None => format!("Chart: test accuracy over batch size, {subject}"),
    };
    // A little room beside the first and the last mark.
    let sizes = 0.8 * least..1.25 * most;
    picture((840, 350 + Key::height(&keys)), words, |area| {
        let (charts, legend) = area.split_vertically(350);
        let places = charts.split_evenly((1, if sharp.is_some() { 2 } else { 1 }));
        let accuracy = Panel {
            title: format!("{subject}: accuracy"),
            axis: "test accuracy, %",
            marks: std::slice::from_ref(&tests),
            threshold: threshold.as_ref(),
        };
        let all = tests.points.iter().map(|(_, value)| *value);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let room = 0.08 * (high - low).max(0.05);
        accuracy.draw_linear(&places[0], sizes.clone(), low - room..high + room)?;
        if let (Some(sharp), Some(place)) = (&sharp, places.get(1)) {
            let panel = Panel {
                title: format!("{subject}: sharpness"),
                axis: "φ, % (log scale)",
                marks: sharp,
                threshold: None,
            };
            let values = sharp.iter().flat_map(|marks| &marks.points).map(|(_, phi)| *phi);
            let (low, high) = bounds(values);
            panel.draw_log(place, sizes.clone(), low..high)?;
        }
        draw_key(&legend, &keys)
    })
}

impl Study {
    /// Test accuracy and sharpness over batch size: Figure 4; see [`by_batch`].
    ///
    /// # Errors
    /// As [`by_batch`].
    pub fn by_batch(&self, maxima: &Maxima) -> Result<Chart> {
        by_batch(&self.regimes(), Some(maxima))
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

struct Panel<'a> {
    title: String,
    axis: &'static str,
    marks: &'a [Marks],
    threshold: Option<&'a Threshold>,
}

impl Panel<'_> {
    fn builder<'a, 'b>(&self, area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
        let mut builder = ChartBuilder::on(area);
        builder.caption(&self.title, ("sans-serif", 17).into_font().color(&INK));
        builder.margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(62);
        builder
    }

    fn draw_linear(&self, area: &Area<'_>, sizes: std::ops::Range<f64>, values: std::ops::Range<f64>) -> Drawn {
        let decimals = if values.end - values.start < 2.0 { 2 } else { 1 };
        let context = self.builder(area).build_cartesian_2d(sizes.log_scale(), values.clone())?;
        self.draw(context, values, &|value| format!("{value:.decimals$}"))
    }

    fn draw_log(&self, area: &Area<'_>, sizes: std::ops::Range<f64>, values: std::ops::Range<f64>) -> Drawn {
        let context = self.builder(area).build_cartesian_2d(sizes.log_scale(), values.clone().log_scale())?;
        self.draw(context, values, &|value| decade(*value))
    }

    fn draw<X, Y>(
        &self,
        mut context: ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, Y>>,
        kept: std::ops::Range<f64>,
        label: &dyn Fn(&f64) -> String,
    ) -> Drawn
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let inside = |value: f64| value.clamp(kept.start, kept.end);
        if let Some(Threshold { lower, upper, .. }) = self.threshold {
            let corners = vec![(*lower, kept.start), (*upper, kept.start), (*upper, kept.end), (*lower, kept.end)];
            context.draw_series(std::iter::once(Polygon::new(corners, FIT.mix(0.16))))?;
        }
        let mut mesh = context.configure_mesh();
        mesh.x_desc("batch size (log scale)").y_desc(self.axis).x_labels(6).y_labels(8).max_light_lines(0);
        mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13));
        mesh.axis_desc_style(("sans-serif", 14)).x_label_formatter(&|size| grouped(size.round() as usize));
        mesh.y_label_formatter(label).draw()?;
        for Marks { color, filled, points, line } in self.marks {
            let style = if *filled { color.stroke_width(2) } else { color.mix(0.6).stroke_width(1) };
            context.draw_series(LineSeries::new(line.iter().map(|&(x, y)| (x, inside(y))), style))?;
            context.draw_series(points.iter().map(|&(x, y)| {
                let style = if *filled { color.filled() } else { color.stroke_width(1) };
                Circle::new((x, inside(y)), if *filled { 3 } else { 4 }, style)
            }))?;
        }
        if let (Some(threshold), Some(Marks { line, .. })) = (self.threshold, self.marks.first()) {
            let sizes = line.iter().map(|(size, _)| *size);
            let mut sizes: Vec<f64> = sizes.chain([threshold.batch]).collect();
            sizes.sort_by(f64::total_cmp);
            let fitted = sizes.into_iter().map(|size| (size, inside(100.0 * threshold.at(size))));
            context.draw_series(LineSeries::new(fitted, FIT.stroke_width(2)))?;
        }
        Ok(())
    }
}
