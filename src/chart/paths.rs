//! f along paths: loss on a logarithmic axis above, accuracy below, as in Figures 3 and 7 of the paper.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Chart, Drawn, FAINT, INK, Key, PALETTE, color, decade, draw_key, linear, marks, picture};
use crate::error::{Error, Result};
use crate::landscape::{Path, Paths};
use crate::objective::Statistics;
use crate::paper::Figure3;

/// Blue and vermilion are the regimes'.
const LINE: RGBColor = PALETTE[2];

/// One pair of axes.
struct Panel {
    title: String,
    losses: [Line; 2],
    accuracies: [Line; 2],
    several: bool,
    /// What stands at α = 0 and at α = 1.
    ends: [String; 2],
}

/// Middle, least and most at each α; training first, then test.
#[derive(Default)]
struct Line {
    points: Vec<(f64, [f64; 3])>,
}

impl Line {
    /// Over several paths: their mean, and from the least to the most. What is not finite has no place.
    fn over(alphas: &[f64], value: impl Fn(usize) -> Vec<f64>) -> Self {
        let points = alphas.iter().enumerate().filter(|(_, alpha)| alpha.is_finite()).filter_map(|(place, &alpha)| {
            let values: Vec<f64> = value(place).into_iter().filter(|value| value.is_finite()).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let [least, most] = [values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?];
            Some((alpha, [mean, least, most]))
        });
        Self { points: points.collect() }
    }
}

/// Loss (above, logarithmic) and accuracy (below) along paths, one panel for each shape and kind of statistics, all on the same
/// axes: lines are means over the paths, bands reach from the least to the most. Dashed is training, solid test.
///
/// # Errors
/// [`Error::Parameter`] where there is no path, where nets or data differ, or paths of one kind have other α; [`Error::Output`] from the
/// chart library.
pub fn paths(paths: &[Path]) -> Result<Chart> {
    let mut kinds: Vec<Vec<&Path>> = Vec::new();
    for path in paths {
        let is_kind = |kind: &&mut Vec<&Path>| {
            (kind[0].shape, kind[0].objective, &kind[0].ends) == (path.shape, path.objective, &path.ends)
        };
        match kinds.iter_mut().find(is_kind) {
            Some(kind) => kind.push(path),
            None => kinds.push(vec![path]),
        }
    }
    let Some(first) = paths.first() else {
        return Err(Error::parameter("paths", 0, "be at least 1 for a chart"));
    };
    if let Some(other) = paths.iter().find(|path| (&path.net, &path.data) != (&first.net, &first.data)) {
        let given = format!("{} on {} beside {} on {}", other.net, other.data, first.net, first.data);
        return Err(Error::parameter("net and data of paths in one chart", given, "be the same"));
    }
    let panels = kinds.iter().map(|kind| panel(kind)).collect::<Result<Vec<Panel>>>()?;
    let many = crate::display::counted(paths.len(), "path");
    let mut ways: Vec<String> = Vec::new();
    for way in kinds.iter().map(|kind| kind[0].way()) {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let words =
        format!("Chart: loss and accuracy along {many} {}, {} on {}", ways.join(" and "), first.net, first.data);
    draw(&format!("{} on {}", first.net, first.data), &panels, words)
}

fn small_and_large() -> [String; 2] {
    ["small".into(), "large".into()]
}

fn panel(kind: &[&Path]) -> Result<Panel> {
    let first = kind[0];
    let alphas: Vec<f64> = first.points.iter().map(|point| point.alpha).collect();
    for path in kind {
        if path.points.iter().map(|point| point.alpha).ne(alphas.iter().copied()) {
            return Err(Error::parameter("alphas of paths in one chart", "different", "be the same"));
        }
    }
    let of = |place: usize, value: fn(&crate::objective::Evaluation) -> f64| -> Vec<f64> {
        kind.iter().map(|path| value(&path.points[place].value)).collect()
    };
    let statistics = match first.objective.whose() {
        Statistics::Batch => String::new(),
        other => format!(", {other} statistics"),
    };
    Ok(Panel {
        title: format!("{}{statistics}", first.label()),
        ends: first.ends.clone().unwrap_or_else(small_and_large),
        losses: [
            Line::over(&alphas, |place| of(place, |value| value.train.loss)),
            Line::over(&alphas, |place| of(place, |value| value.test.loss)),
        ],
        accuracies: [
            Line::over(&alphas, |place| of(place, |value| 100.0 * value.train.accuracy)),
            Line::over(&alphas, |place| of(place, |value| 100.0 * value.test.accuracy)),
        ],
        several: kind.len() > 1,
    })
}

impl Path {
    /// Loss and accuracy by α: Figures 3 and 7.
    ///
    /// # Errors
    /// [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        paths(std::slice::from_ref(self))
    }
}

impl Paths {
    /// Loss and accuracy by α, with a band over the trials: Figures 3 and 7.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no path, [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        paths(&self.paths)
    }
}

impl Figure3 {
    /// The authors' released curves, drawn as [`paths`] draws ours.
    ///
    /// # Errors
    /// [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let alphas: Vec<f64> = self.points.iter().map(|point| point[0]).collect();
        let line = |column: usize| Line::over(&alphas, |place| vec![self.points[place][column]]);
        let panel = Panel {
            title: "line, one pair".into(),
            losses: [line(1), line(2)],
            accuracies: [line(3), line(4)],
            several: false,
            ends: small_and_large(),
        };
        let words = format!("Chart: the authors' released curves of Figure 3, {} on {}, one pair", self.net, self.data);
        draw(&format!("the authors' {} on {}", self.net, self.data), &[panel], words)
    }
}

fn draw(subject: &str, panels: &[Panel], words: String) -> Result<Chart> {
    // Two or three beside each other; more in rows of two.
    let columns = if panels.len() == 3 { 3 } else { panels.len().min(2) };
    let rows = panels.len().div_ceil(columns.max(1));
    let height = if columns == 1 { 430 } else { 370 };
    let several = panels.iter().any(|panel| panel.several);
    let mut keys = vec![Key::line("training", LINE, true), Key::line("test", LINE, false)];
    if several {
        keys.push(Key::band("from the least to the most of the trials", LINE));
    }
    let charts = height * u32::try_from(rows).unwrap_or(1);
    let axes = Axes::of(panels);
    picture((840, TITLE + charts + Key::height(&keys)), words, |area| {
        let (title, below) = area.split_vertically(TITLE);
        let style =
            TextStyle::from(("sans-serif", 17).into_font()).color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
        title.draw(&Text::new(subject.to_string(), (420, 18), style))?;
        let (charts, legend) = below.split_vertically(charts);
        for (panel, place) in panels.iter().zip(charts.split_evenly((rows, columns))) {
            let (upper, lower) = place.split_vertically(height * 3 / 5);
            draw_losses(&upper, panel, &axes)?;
            draw_accuracies(&lower, panel, &axes)?;
        }
        draw_key(&legend, &keys)
    })
}

/// Height of the title in pixels.
const TITLE: u32 = 30;

/// The axes that all panels of a picture share.
struct Axes {
    alphas: (f64, f64),
    losses: (f64, f64),
}

impl Axes {
    fn of(panels: &[Panel]) -> Self {
        let all = panels.iter().flat_map(|panel| &panel.losses).flat_map(|line| &line.points);
        let (mut first, mut last, mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, 0.0f64);
        for (alpha, [_, low, high]) in all {
            (first, last, most) = (first.min(*alpha), last.max(*alpha), most.max(*high));
            least = if *low > 0.0 { least.min(*low) } else { least };
        }
        if first >= last {
            (first, last) = (0.0, 1.0);
        }
        // A loss of 0 has no place on this axis: it lies on its lower edge.
        let lower = if least.is_finite() { 0.7 * least.clamp(1e-9, 1e290) } else { 1e-3 };
        Self { alphas: (first, last), losses: (lower, (1.4 * most.max(10.0 * lower)).min(1e300)) }
    }
}

fn draw_losses(area: &Area<'_>, panel: &Panel, axes: &Axes) -> Drawn {
    let Axes { alphas: (first, last), losses: (lower, upper) } = *axes;
    let mut chart = ChartBuilder::on(area);
    chart.caption(&panel.title, ("sans-serif", 15).into_font().color(&INK));
    chart.margin(8).margin_bottom(0).x_label_area_size(8).y_label_area_size(62);
    let axis = (lower..upper).log_scale().with_key_points(marks(lower, upper));
    let mut context = chart.build_cartesian_2d(linear(first..last), axis)?;
    let mut mesh = context.configure_mesh();
    mesh.y_desc("cross-entropy, nats").x_labels(7).y_labels(8).max_light_lines(0).bold_line_style(FAINT);
    mesh.axis_style(INK).label_style(("sans-serif", 13)).axis_desc_style(("sans-serif", 14));
    mesh.x_label_formatter(&|_| String::new()).y_label_formatter(&|value| decade(*value)).draw()?;
    // The two solutions, each named where curves are rarest: beside its line, away from the other.
    for (alpha, regime, side, aside) in [(0.0, 0, HPos::Left, 4), (1.0, 1, HPos::Right, -4)] {
        if alpha < first || alpha > last {
            continue;
        }
        let ends = [(alpha, lower), (alpha, upper)];
        context.draw_series(DashedLineSeries::new(ends, 2, 3, color(regime).stroke_width(1)))?;
        let ink = color(regime);
        let style = TextStyle::from(("sans-serif", 13).into_font()).color(&ink).pos(Pos::new(side, VPos::Top));
        context.draw_series(std::iter::once(
            EmptyElement::at((alpha, upper)) + Text::new(panel.ends[regime].clone(), (aside, 2), style),
        ))?;
    }
    let kept = |value: f64| value.clamp(lower, upper);
    for (line, dashed) in panel.losses.iter().zip([true, false]) {
        draw_line(&mut context, line, dashed, panel.several, kept)?;
    }
    Ok(())
}

fn draw_accuracies(area: &Area<'_>, panel: &Panel, axes: &Axes) -> Drawn {
    let Axes { alphas: (first, last), .. } = *axes;
    let mut chart = ChartBuilder::on(area);
    chart.margin(8).margin_top(4).x_label_area_size(40).y_label_area_size(62);
    let mut context = chart.build_cartesian_2d(linear(first..last), -3.0..104.0)?;
    let mut mesh = context.configure_mesh();
    mesh.x_desc("α").y_desc("accuracy, %").x_labels(7).y_labels(5).max_light_lines(0).bold_line_style(FAINT);
    mesh.axis_style(INK).label_style(("sans-serif", 13)).axis_desc_style(("sans-serif", 14));
    mesh.x_label_formatter(&|x| format!("{x}")).y_label_formatter(&|value| format!("{value:.0}")).draw()?;
    for (alpha, regime) in [(0.0, 0), (1.0, 1)] {
        if (first..=last).contains(&alpha) {
            let ends = [(alpha, -3.0), (alpha, 104.0)];
            context.draw_series(DashedLineSeries::new(ends, 2, 3, color(regime).stroke_width(1)))?;
        }
    }
    for (line, dashed) in panel.accuracies.iter().zip([true, false]) {
        draw_line(&mut context, line, dashed, panel.several, |value| value)?;
    }
    Ok(())
}

fn draw_line<'a, Y: Ranged<ValueType = f64>>(
    context: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    line: &Line,
    dashed: bool,
    several: bool,
    kept: impl Fn(f64) -> f64,
) -> Drawn {
    if several {
        context.draw_series(std::iter::once(Polygon::new(band(line, &kept), LINE.mix(0.14))))?;
    }
    let points: Vec<(f64, f64)> = line.points.iter().map(|(alpha, [mean, ..])| (*alpha, kept(*mean))).collect();
    if dashed {
        context.draw_series(DashedLineSeries::new(points, 6, 4, LINE.stroke_width(2)))?;
    } else {
        context.draw_series(LineSeries::new(points, LINE.stroke_width(2)))?;
    }
    Ok(())
}

/// The outline of a band.
fn band(line: &Line, kept: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let lower = line.points.iter().map(|(alpha, [_, least, _])| (*alpha, kept(*least)));
    let upper = line.points.iter().rev().map(|(alpha, [_, _, most])| (*alpha, kept(*most)));
    lower.chain(upper).collect()
}
