//! A panel over a logarithmic axis: a mark for each trial, and lines through their means.

use std::ops::Range;

use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use super::{Area, Drawn, FAINT, INK, bounds, decade, linear, marker, marks};

/// Marks of trials, the line through their means at each place, and how they look.
pub(super) struct Marks {
    pub(super) color: RGBColor,
    pub(super) filled: bool,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) line: Vec<(f64, f64)>,
}

impl Marks {
    /// The line goes through the arithmetic means.
    pub(super) fn linear(points: Vec<(f64, f64)>, color: RGBColor, filled: bool) -> Self {
        Self::new(points, color, filled, |value| value, |value| value)
    }

    /// The line goes through the geometric means.
    pub(super) fn geometric(points: Vec<(f64, f64)>, color: RGBColor, filled: bool) -> Self {
        Self::new(points, color, filled, f64::ln, f64::exp)
    }

    /// The line goes through the means of these numbers as `scale` sees them.
    fn new(
        points: Vec<(f64, f64)>,
        color: RGBColor,
        filled: bool,
        scale: fn(f64) -> f64,
        back: fn(f64) -> f64,
    ) -> Self {
        let mut places: Vec<f64> = points.iter().map(|(place, _)| *place).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let mean = |place: &f64| {
            let own = points.iter().filter(|(other, _)| other == place).map(|(_, value)| scale(*value));
            let own: Vec<f64> = own.filter(|value| value.is_finite()).collect();
            (!own.is_empty()).then(|| (*place, back(own.iter().sum::<f64>() / own.len() as f64)))
        };
        Self { line: places.iter().filter_map(mean).collect(), points, color, filled }
    }

    /// Lowest and highest value of these marks, with a little room.
    pub(super) fn room(marks: &[Marks]) -> Range<f64> {
        let all = marks.iter().flat_map(|marks| &marks.points).map(|(_, value)| *value);
        let all = all.filter(|value| value.is_finite());
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            return 0.0..1.0;
        }
        let room = 0.08 * (high - low).max(0.05);
        low - room..high + room
    }
}

/// The axis across.
#[derive(Clone)]
pub(super) struct Across {
    pub(super) name: &'static str,
    pub(super) range: Range<f64>,
    /// Where its labels stand.
    pub(super) ticks: Vec<f64>,
    pub(super) label: fn(f64) -> String,
}

/// What is drawn in a panel.
pub(super) struct Panel<'a> {
    pub(super) title: String,
    pub(super) across: Across,
    pub(super) axis: &'static str,
    pub(super) marks: &'a [Marks],
    /// A band over all heights, and a line in its color.
    pub(super) fit: Option<Fit>,
}

/// A fitted line with the interval of its bend.
pub(super) struct Fit {
    pub(super) color: RGBColor,
    pub(super) band: (f64, f64),
    pub(super) line: Vec<(f64, f64)>,
}

impl Panel<'_> {
    fn builder<'a, 'b>(&self, area: &'a Area<'b>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
        let mut builder = ChartBuilder::on(area);
        builder.caption(&self.title, ("sans-serif", 17).into_font().color(&INK));
        builder.margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(62);
        builder
    }

    /// With a linear axis of values that has room for all marks.
    pub(super) fn draw_linear(&self, area: &Area<'_>) -> Drawn {
        let values = linear(Marks::room(self.marks));
        let decimals = if values.end - values.start < 2.0 { 2 } else { 1 };
        let across = self.across.range.clone().log_scale().with_key_points(self.across.ticks.clone());
        let context = self.builder(area).build_cartesian_2d(across, values.clone())?;
        self.draw(context, values, &|value| format!("{value:.decimals$}"))
    }

    /// With a logarithmic axis of values that has room for all marks.
    pub(super) fn draw_log(&self, area: &Area<'_>) -> Drawn {
        let (low, high) = bounds(self.marks.iter().flat_map(|marks| &marks.points).map(|(_, value)| *value));
        let across = self.across.range.clone().log_scale().with_key_points(self.across.ticks.clone());
        let values = (low..high).log_scale().with_key_points(marks(low, high));
        let context = self.builder(area).build_cartesian_2d(across, values)?;
        self.draw(context, low..high, &|value| decade(*value))
    }

    fn draw<X, Y>(
        &self,
        mut context: ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, Y>>,
        kept: Range<f64>,
        label: &dyn Fn(&f64) -> String,
    ) -> Drawn
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let inside = |value: f64| value.clamp(kept.start, kept.end);
        if let Some(Fit { color, band: (lower, upper), .. }) = &self.fit {
            let corners = vec![(*lower, kept.start), (*upper, kept.start), (*upper, kept.end), (*lower, kept.end)];
            context.draw_series(std::iter::once(Polygon::new(corners, color.mix(0.16))))?;
        }
        let across = |place: &f64| (self.across.label)(*place);
        let mut mesh = context.configure_mesh();
        mesh.x_desc(self.across.name).y_desc(self.axis).x_labels(6).y_labels(8).max_light_lines(0);
        mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13));
        mesh.axis_desc_style(("sans-serif", 14)).x_label_formatter(&across);
        mesh.y_label_formatter(label).draw()?;
        for Marks { color, filled, points, line } in self.marks {
            let style = if *filled { color.stroke_width(2) } else { color.mix(0.6).stroke_width(1) };
            context.draw_series(LineSeries::new(line.iter().map(|&(x, y)| (x, inside(y))), style))?;
            context.draw_series(points.iter().map(|&(x, y)| {
                let style = if *filled { color.filled() } else { color.stroke_width(1) };
                marker((x, inside(y)), if *filled { 3 } else { 4 }, *color, style)
            }))?;
        }
        if let Some(Fit { color, line, .. }) = &self.fit {
            let line = line.iter().map(|&(x, y)| (x, inside(y)));
            context.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
        }
        Ok(())
    }
}
