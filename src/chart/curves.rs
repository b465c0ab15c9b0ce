//! Loss and accuracy by epoch, with a band over the trials: Figure 2 of the paper.

use std::ops::Range;

use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Chart, Drawn, FAINT, INK, decade, end_mark, linear, marker, marks, of_regime, picture, printed};
use crate::error::{Error, Result};
use crate::paper::{is_of, points_of, table2};
use crate::record::Recorded;
use crate::spread::Spread;
use crate::train::{Epoch, Pair, Regime, Role, Run, Study, Trials, check_alike};

/// A curve: mean and deviation at each epoch.
struct Curve {
    color: RGBColor,
    dashed: bool,
    points: Vec<(f64, Spread)>,
}

/// What one panel shows.
struct Panel {
    title: String,
    axis: &'static str,
    log: bool,
    curves: Vec<Curve>,
}

/// Accuracy (left, from the first epoch on) and loss (middle, logarithmic, from the start on) by epoch for each regime: lines
/// are means over the trials, bands mean ± standard deviation. A trial that has ended counts with its last row, one that
/// diverged not at all, and a regime where all did has no line. Right, on a scale of its own, the test accuracy at the end of each
/// trial and its mean; diamonds with bars are the paper's mean ± standard deviation, where the net has its name and the data are its own.
///
/// # Errors
/// [`Error::Parameter`] where no trial is left to be drawn, or where nets or data differ; [`Error::Output`] from the chart library.
pub fn curves(regimes: &[&Regime]) -> Result<Chart> {
    check_alike(regimes)?;
    let drawn: Vec<(usize, &Regime)> =
        regimes.iter().copied().enumerate().filter(|(_, regime)| regime.finite().next().is_some()).collect();
    let Some(&(_, first)) = drawn.first() else {
        return Err(Error::parameter("trials that did not diverge", 0, "be at least 1 in a regime that is drawn"));
    };
    let subject = format!("{} on {}", first.net, first.data);
    let panels = [
        Panel {
            title: "accuracy".into(),
            axis: "accuracy, %",
            log: false,
            // Accuracy at the start is chance; shown, it would squeeze all the rest.
            curves: lines(&drawn, 1, |row| 100.0 * row.train_accuracy, |row| 100.0 * row.test_accuracy)?,
        },
        Panel {
            title: "loss".into(),
            axis: "cross-entropy, nats (log scale)",
            log: true,
            curves: lines(&drawn, 0, |row| row.train_loss, |row| row.test_loss)?,
        },
    ];
    let names: Vec<&str> = regimes.iter().map(|regime| regime.name.as_str()).collect();
    let trials = drawn.iter().map(|(_, regime)| regime.finite().count()).max().unwrap_or(0);
    let words =
        format!("Chart: accuracy and loss by epoch, {subject}, regimes {}, {trials} trials", names.join(" and "));
    // As wide as the page of a notebook beside its file browser: a wider one would be cut.
    picture((840, TITLE + 360 + LEGEND_LINE * drawn.len() as u32), words, |area| {
        let (title, below) = area.split_vertically(TITLE);
        title.draw(&Text::new(subject.clone(), (420, 16), centered(17)))?;
        let (charts, legend) = below.split_vertically(350);
        let (curves, ends) = charts.split_horizontally(670);
        for (panel, half) in panels.iter().zip(&curves.split_evenly((1, 2))) {
            draw_panel(half, panel)?;
        }
        draw_ends(&ends, &drawn)?;
        draw_legend(&legend, &drawn)
    })
}

macro_rules! draws_regimes {
    ($($name:ty: |$own:ident| $regimes:expr),* $(,)?) => {$(
        impl $name {
            /// Loss and accuracy by epoch, with a band over the trials: Figure 2; see [`curves`].
            ///
            /// # Errors
            /// [`Error::Parameter`] where no trial is left to be drawn, [`Error::Output`] from the chart library.
            pub fn chart(&self) -> Result<Chart> {
                let $own = self;
                curves($regimes)
            }
        }
    )*};
}

draws_regimes! {
    Regime: |own| &[own],
    Trials: |own| &[&own.regime],
    Pair: |own| &own.regimes(),
    Study: |own| &own.regimes(),
    Recorded: |own| &own.regimes(),
}

fn lines(
    regimes: &[(usize, &Regime)],
    first: usize,
    train: fn(&Epoch) -> f64,
    test: fn(&Epoch) -> f64,
) -> Result<Vec<Curve>> {
    let mut curves = Vec::new();
    for (index, regime) in regimes {
        let runs: Vec<&Run> = regime.finite().collect();
        // A row is an epoch; what a row says of its epoch may be anything, in a record that somebody wrote by hand.
        let last = runs.iter().map(|run| run.trace.len()).max().unwrap_or(1) - 1;
        for (dashed, value) in [(true, train), (false, test)] {
            let mut points = Vec::new();
            for epoch in first.min(last)..=last {
                let rows = runs.iter().map(|run| run.trace.get(epoch).unwrap_or(run.last()));
                points.push((epoch as f64, Spread::of(&rows.map(value).collect::<Vec<_>>())?));
            }
            curves.push(Curve { color: of_regime(regime.role, *index), dashed, points });
        }
    }
    Ok(curves)
}

impl Curve {
    /// Lower and upper edge of the band at each epoch; nothing for a single trial.
    fn band(&self) -> Vec<(f64, f64, f64)> {
        let several = self.points.iter().filter(|(_, spread)| spread.deviation.is_finite());
        several.map(|(x, spread)| (*x, spread.mean - spread.deviation, spread.mean + spread.deviation)).collect()
    }
}

fn draw_panel(area: &Area<'_>, panel: &Panel) -> Drawn {
    let last = panel.curves.iter().filter_map(|curve| curve.points.last()).map(|(x, _)| *x).fold(1.0, f64::max);
    // A number that has no place must not decide where the axis ends.
    let all = panel.curves.iter().flat_map(|curve| &curve.points).map(|(_, spread)| spread.mean);
    let means = || all.clone().filter(|value| value.is_finite());
    let edges = || panel.curves.iter().flat_map(Curve::band).flat_map(|(_, lower, upper)| [lower, upper]);
    let mut chart = ChartBuilder::on(area);
    let title = ("sans-serif", 15).into_font().color(&INK);
    chart.caption(&panel.title, title).margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(58);
    if panel.log {
        // An edge at or below 0 has no place on this axis: the band ends a little below the smallest mean.
        let least = means().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let lower = 0.7 * if least.is_finite() { least.min(1e290) } else { 1e-12 };
        let upper = (1.3 * means().chain(edges()).fold(10.0 * lower, f64::max)).min(1e300);
        let axis = (lower..upper).log_scale().with_key_points(marks(lower, upper));
        let context = chart.build_cartesian_2d(0.0..last, axis)?;
        draw_curves(context, panel, lower..upper, &|value| decade(*value))
    } else {
        let least = means().chain(edges()).fold(100.0, f64::min);
        let lower = (least - 0.06 * (100.0 - least)).max(0.0);
        let upper = 100.0 + 0.02 * (100.0 - lower).max(0.5);
        let decimals = usize::from(100.0 - lower < 10.0);
        let context = chart.build_cartesian_2d(0.0..last, linear(lower..upper))?;
        draw_curves(context, panel, lower..100.0, &|value| format!("{value:.decimals$}"))
    }
}

/// Axes, bands and lines, nothing outside of `kept`.
fn draw_curves<Y: Ranged<ValueType = f64> + ValueFormatter<f64>>(
    mut context: ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, Y>>,
    panel: &Panel,
    kept: Range<f64>,
    label: &dyn Fn(&f64) -> String,
) -> Drawn {
    let mut mesh = context.configure_mesh();
    mesh.x_desc("epoch").y_desc(panel.axis).x_labels(8).y_labels(8).max_light_lines(0).bold_line_style(FAINT);
    mesh.axis_style(INK).label_style(("sans-serif", 13)).axis_desc_style(("sans-serif", 14));
    mesh.x_label_formatter(&|x| format!("{x:.0}")).y_label_formatter(label).draw()?;
    let kept = |value: f64| value.clamp(kept.start, kept.end);
    for curve in &panel.curves {
        let (lower, upper) = (curve.band(), curve.band());
        let lower = lower.iter().map(|(x, lower, _)| (*x, kept(*lower)));
        let upper = upper.iter().rev().map(|(x, _, upper)| (*x, kept(*upper)));
        let band = Polygon::new(lower.chain(upper).collect::<Vec<_>>(), curve.color.mix(0.16));
        context.draw_series(std::iter::once(band))?;
        let points = curve.points.iter().map(|(x, spread)| (*x, kept(spread.mean)));
        let style = curve.color.stroke_width(2);
        // Where the last of the trials ended.
        let end = points.clone().next_back();
        if curve.dashed {
            context.draw_series(DashedLineSeries::new(points, 6, 4, style))?;
        } else {
            context.draw_series(LineSeries::new(points, style))?;
        }
        context.draw_series(end.map(|end| end_mark(end, curve.color, curve.dashed)))?;
    }
    Ok(())
}

/// Height of the title in pixels.
const TITLE: u32 = 28;

fn centered(size: i32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(&INK).pos(Pos::new(HPos::Center, VPos::Center))
}

/// Test accuracies at the ends of trials, one column per regime, on a scale of their own.
fn draw_ends(area: &Area<'_>, regimes: &[(usize, &Regime)]) -> Drawn {
    let columns: Vec<Vec<f64>> = regimes
        .iter()
        .map(|(_, regime)| regime.finite().map(|run| 100.0 * run.last().test_accuracy).collect())
        .collect();
    let paper = |regime: &Regime| {
        let row = table2(&regime.net).ok().filter(|row| is_of(row.data, &regime.data))?;
        // Not beside a part of the points.
        points_of(row.data).filter(|points| *points == regime.points)?;
        match regime.role? {
            Role::Small => Some(row.test_small),
            Role::Large => Some(row.test_large),
        }
    };
    let papers: Vec<Option<_>> = regimes.iter().map(|(_, regime)| paper(regime)).collect();
    let bars =
        papers.iter().flatten().flat_map(|number| [number.mean - number.deviation, number.mean + number.deviation]);
    let all = columns.iter().flatten().copied().chain(bars).filter(|value| value.abs() < 1e6);
    let (least, most) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), v| (least.min(v), most.max(v)));
    let (least, most) = if least <= most { (least, most) } else { (0.0, 100.0) };
    let room = 0.08 * (most - least).max(0.1);
    let mut builder = ChartBuilder::on(area);
    builder.caption("test %, at the end", ("sans-serif", 15).into_font().color(&INK));
    builder.margin(12).margin_left(0).x_label_area_size(42).y_label_area_size(50);
    let mut context = builder.build_cartesian_2d(0.0..columns.len() as f64, linear(least - room..most + room))?;
    let decimals = usize::from(most - least < 10.0) + usize::from(most - least < 1.0);
    let mut mesh = context.configure_mesh();
    mesh.disable_x_mesh().x_labels(0).y_labels(8).max_light_lines(0).bold_line_style(FAINT).axis_style(INK);
    mesh.label_style(("sans-serif", 13)).y_label_formatter(&|value| format!("{value:.decimals$}")).draw()?;
    for (place, ((index, regime), values)) in regimes.iter().zip(&columns).enumerate() {
        let (color, middle) = (of_regime(regime.role, *index), place as f64 + 0.5);
        // A third of the column for the trials, the paper's number beside them.
        let beside = |number: usize| middle - 0.12 + 0.05 * ((number % 7) as f64 - 3.0);
        let inside = |value: f64| value.clamp(least - room, most + room);
        let trials = values.iter().enumerate().map(|(number, &value)| (beside(number), inside(value)));
        context.draw_series(trials.map(|point| marker(point, 3, color, color.mix(0.7).filled())))?;
        let mean = Spread::of(values)?.mean;
        let line = vec![(middle - 0.36, inside(mean)), (middle + 0.12, inside(mean))];
        context.draw_series(std::iter::once(PathElement::new(line, color.stroke_width(2))))?;
        if let Some(number) = papers[place] {
            let x = middle + 0.3;
            let bar = vec![(x, number.mean - number.deviation), (x, number.mean + number.deviation)];
            context.draw_series(std::iter::once(PathElement::new(bar, INK.stroke_width(2))))?;
            context.draw_series(std::iter::once(printed((x, number.mean))))?;
        }
    }
    // The foot says what the columns are, where the library would write numbers.
    let (across, down) = context.plotting_area().get_pixel_range();
    let (left, top) = area.get_base_pixel();
    let (across, bottom) = (across.start - left..across.end - left, down.end - top);
    let width = f64::from(across.end - across.start) / columns.len() as f64;
    for (place, (index, regime)) in regimes.iter().enumerate().filter(|_| columns.len() <= 3) {
        let x = f64::from(across.start) + width * (place as f64 + 0.5);
        let color = of_regime(regime.role, *index);
        area.draw(&marker((x.round() as i32, bottom + 10), 4, color, color.filled()))?;
    }
    let foot = if papers.iter().any(Option::is_some) { "◇ the paper's" } else { "one mark per trial" };
    area.draw(&Text::new(foot, ((across.start + across.end) / 2, bottom + 28), centered(12)))?;
    Ok(())
}

/// Height of a line of the legend in pixels.
const LEGEND_LINE: u32 = 24;

/// Lines below the charts, one a regime, where they hide nothing.
fn draw_legend(area: &Area<'_>, regimes: &[(usize, &Regime)]) -> Drawn {
    let style = TextStyle::from(("sans-serif", 14).into_font()).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    for (line, (index, regime)) in (0i32..).zip(regimes) {
        let (name, color) = (regime.label(), of_regime(regime.role, *index));
        let y = 12 + i32::try_from(LEGEND_LINE)? * line;
        for (x, split, dashed) in [(50, "training", true), (320, "test", false)] {
            let pieces: &[(i32, i32)] = if dashed { &[(0, 10), (16, 26)] } else { &[(0, 26)] };
            for (from, to) in pieces {
                let ends = vec![(x + from, y), (x + to, y)];
                area.draw(&PathElement::new(ends, color.stroke_width(2)))?;
            }
            area.draw(&end_mark((x + 26, y), color, dashed))?;
            area.draw(&Text::new(format!("{name}, {split}"), (x + 34, y), style.clone()))?;
        }
        let trials = regime.finite().count();
        if trials > 1 {
            area.draw(&Rectangle::new([(570, y - 7), (596, y + 7)], color.mix(0.16).filled()))?;
            area.draw(&Text::new(format!("{name}, ± std of {trials} trials"), (604, y), style.clone()))?;
        }
    }
    Ok(())
}
