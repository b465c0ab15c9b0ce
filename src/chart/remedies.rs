//! Arms side by side: what each does to test accuracy, and whether sharpness orders them.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::forest::{Axis, signed, ticks};
use super::{
    Area, Chart, Drawn, FAINT, INK, PALETTE, bounds, color, decade, linear, marker, marks, of_regime, picture,
};
use crate::error::{Error, Result};
use crate::remedies::{Arm, Remedies};
use crate::train::Role;

impl Remedies {
    /// Left: one arm per row, with its number: test accuracy minus that of the plain large batch, one dot per trial, the mean with its
    /// corrected 95 % interval, and the plain small batch as a dashed line. Right, where sharpness was measured: test accuracy
    /// over φ at the largest ε, one dot per trial and the arm's number at its mean.
    ///
    /// # Errors
    /// [`Error::Parameter`] where no trial of the plain large batch stayed finite; [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let mean = |arm: &Arm| arm.test().map(|spread| spread.mean);
        let of = |role: Role| self.arms.iter().find(|arm| arm.role == Some(role)).and_then(mean);
        let Some(large) = of(Role::Large) else {
            return Err(Error::parameter("trials of the plain large batch", 0, "be at least 1 that stayed finite"));
        };
        let rows: Vec<Line> = self.arms.iter().enumerate().map(|(place, arm)| Line::new(place, arm, self)).collect();
        let clouds: Vec<Cloud> =
            self.arms.iter().enumerate().filter_map(|(place, arm)| Cloud::new(place, arm)).collect();
        let height = u32::try_from(rows.len()).unwrap_or(40) * ROW.unsigned_abs() + 96;
        let words = format!(
            "Chart: test accuracy of {} arms beside the plain large batch, {} on {}: {}",
            self.arms.len(),
            self.net,
            self.data,
            self.arms
                .iter()
                .filter_map(|arm| Some(format!("{} {:+.2}", arm.name, mean(arm)? - large)))
                .collect::<Vec<_>>()
                .join(", ")
        );
        let has_sharpness = clouds.len() > 1;
        let size = (if has_sharpness { 940 } else { 620 }, height.max(if has_sharpness { 340 } else { 0 }));
        picture(size, words, |area| {
            let (left, right) = area.split_horizontally(if has_sharpness { 560 } else { 620 });
            forest(&left, &rows, of(Role::Small).map(|small| small - large))?;
            if has_sharpness { scatter(&right, &clouds) } else { Ok(()) }
        })
    }
}

/// Blue and vermilion are those of the plain regimes; the other arms take turns with the rest, and have their numbers.
fn color_of(arm: &Arm, place: usize) -> RGBColor {
    of_regime(arm.role, 2 + place % (PALETTE.len() - 2))
}

/// Pixels of a row.
const ROW: i32 = 24;

/// An arm in the left panel.
struct Line {
    name: String,
    color: RGBColor,
    /// Differences of trials to the plain large batch's of the same number, points.
    dots: Vec<f64>,
    mean: Option<f64>,
    interval: Option<(f64, f64)>,
}

impl Line {
    fn new(place: usize, arm: &Arm, all: &Remedies) -> Self {
        let large = all.arms.iter().find(|arm| arm.role == Some(Role::Large));
        let theirs = |trial: usize| large?.tests.iter().find(|(other, _)| *other == trial).map(|(_, test)| *test);
        let dots: Vec<f64> = arm.tests.iter().filter_map(|(trial, test)| Some(test - theirs(*trial)?)).collect();
        let mean = (!dots.is_empty()).then(|| dots.iter().sum::<f64>() / dots.len() as f64);
        Self {
            name: format!("{}  {}", place + 1, arm.name),
            color: color_of(arm, place),
            dots: if arm.role == Some(Role::Large) { Vec::new() } else { dots },
            mean,
            interval: arm.to_large.map(|paired| (paired.lower, paired.upper)),
        }
    }
}

/// An arm in the right panel.
struct Cloud {
    number: String,
    color: RGBColor,
    points: Vec<(f64, f64)>,
    mean: (f64, f64),
}

impl Cloud {
    fn new(place: usize, arm: &Arm) -> Option<Self> {
        let own = arm.sharpness.first()?;
        let test = |trial: usize| arm.tests.iter().find(|(other, _)| *other == trial).map(|(_, test)| *test);
        let pairs = own.trials.iter().zip(&own.phi).filter_map(|(&trial, &phi)| Some((phi, test(trial)?)));
        let points = pairs.filter(|(phi, _)| *phi > 0.0).collect();
        let mean = (own.geometric()?, arm.test()?.mean);
        Some(Self { number: (place + 1).to_string(), color: color_of(arm, place), points, mean })
    }
}

fn forest(area: &Area<'_>, rows: &[Line], small: Option<f64>) -> Drawn {
    let ends = rows.iter().flat_map(|row| row.dots.iter().copied().chain(row.mean).chain(small));
    let (mut least, mut most) = ends.fold((0.0f64, 0.0f64), |(least, most), value| (least.min(value), most.max(value)));
    // Intervals of few trials are wide: they are cut at twice the range of the dots, so that these can be told apart.
    let room = 0.35 * (most - least).max(0.05);
    let reach = rows.iter().filter_map(|row| row.interval);
    let (low, high) = reach.fold((least, most), |(low, high), (a, b)| (low.min(a), high.max(b)));
    (least, most) = ((least - room).max(low.min(least) - 0.2 * room), (most + room).min(high.max(most) + 0.2 * room));
    let names = 218;
    let top = 46;
    let height = ROW * i32::try_from(rows.len())?;
    let width = i32::try_from(area.dim_in_pixel().0)? - names - 24;
    let axis = Axis { least, most, from: names, width };
    let place = |value: f64| axis.place(value);
    let text = |size: i32| TextStyle::from(("sans-serif", size).into_font()).color(&INK);
    let title = text(17).pos(Pos::new(HPos::Center, VPos::Center));
    area.draw(&Text::new("Test accuracy against the plain large batch", (names + width / 2 - 60, 18), title))?;
    let centered = text(13).pos(Pos::new(HPos::Center, VPos::Center));
    for tick in ticks(least, most) {
        area.draw(&PathElement::new(vec![(place(tick), top), (place(tick), top + height)], FAINT.stroke_width(1)))?;
        area.draw(&Text::new(signed(tick), (place(tick), top + height + 12), centered.clone()))?;
    }
    area.draw(&Text::new("difference, points", (names + width / 2, top + height + 32), centered))?;
    area.draw(&PathElement::new(vec![(place(0.0), top), (place(0.0), top + height)], INK.stroke_width(1)))?;
    if let Some(small) = small {
        let mut y = top;
        while y < top + height {
            let piece = vec![(place(small), y), (place(small), (y + 6).min(top + height))];
            area.draw(&PathElement::new(piece, color(0).stroke_width(2)))?;
            y += 11;
        }
    }
    let plain = text(14).pos(Pos::new(HPos::Left, VPos::Center));
    for (index, row) in (0i32..).zip(rows) {
        let y = top + ROW * index + ROW / 2;
        area.draw(&Text::new(row.name.clone(), (8, y), plain.clone()))?;
        if let Some(interval) = row.interval {
            axis.interval(area, y, interval, row.color.stroke_width(2))?;
        }
        for dot in row.dots.iter().take(40) {
            area.draw(&Circle::new((place(*dot), y), 2, row.color.mix(0.55).filled()))?;
        }
        if let Some(mean) = row.mean {
            area.draw(&marker((place(mean), y), 5, row.color, row.color.filled()))?;
        }
    }
    Ok(())
}

fn scatter(area: &Area<'_>, clouds: &[Cloud]) -> Drawn {
    let all = || clouds.iter().flat_map(|cloud| cloud.points.iter().copied().chain([cloud.mean]));
    let (least, most) = bounds(all().map(|(phi, _)| phi));
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, y)| (low.min(y), high.max(y)));
    let room = 0.08 * (high - low).max(0.05);
    let mut builder = ChartBuilder::on(area);
    builder.caption("Does sharpness order the arms?", ("sans-serif", 17).into_font().color(&INK));
    builder.margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(58);
    let axis = (least..most).log_scale().with_key_points(marks(least, most));
    let mut context = builder.build_cartesian_2d(axis, linear(low - room..high + room))?;
    let mut mesh = context.configure_mesh();
    mesh.x_desc("φ, % (log scale)").y_desc("test accuracy, %").x_labels(5).y_labels(6).max_light_lines(0);
    mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13)).axis_desc_style(("sans-serif", 14));
    mesh.x_label_formatter(&|value| decade(*value)).y_label_formatter(&|value| format!("{value:.1}")).draw()?;
    for Cloud { color, points, .. } in clouds {
        context.draw_series(points.iter().map(|&point| Circle::new(point, 2, color.mix(0.55).filled())))?;
    }
    let style = TextStyle::from(("sans-serif", 12).into_font()).color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
    for Cloud { number, color, mean, .. } in clouds {
        context.draw_series(std::iter::once(
            EmptyElement::at(*mean)
                + Circle::new((0, 0), 9, WHITE.filled())
                + Circle::new((0, 0), 9, color.stroke_width(2))
                + Text::new(number.clone(), (0, 0), style.clone()),
        ))?;
    }
    Ok(())
}
