//! Effects with their intervals, one below the other: what each claim is judged by, on one axis.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Chart, Drawn, FAINT, INK, decade, marks, picture, printed};
use crate::error::Result;

/// One effect of one source.
pub(crate) struct Row {
    pub(crate) label: String,
    /// Recorded at full scale, or measured just now.
    pub(crate) is_recorded: bool,
    pub(crate) value: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) paper: Option<f64>,
    pub(crate) is_trusted: bool,
    /// The number and its interval.
    pub(crate) said: String,
}

/// The effects of one claim, and where the claim says that they lie.
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) claimed: (f64, f64),
    pub(crate) rows: Vec<Row>,
}

/// Claims whose effects share an axis.
pub(crate) struct Panel {
    pub(crate) axis: String,
    pub(crate) is_logarithmic: bool,
    /// Where there is no effect.
    pub(crate) none: f64,
    pub(crate) groups: Vec<Group>,
}

/// Pixels of a row, of the title of a group, and of an axis.
const ROW: i32 = 19;
const TITLE: i32 = 25;
const AXIS: i32 = 48;
const KEY: i32 = 30;
/// Pixels of a further line of an axis's name, and how many letters a line has at most.
const LINE: i32 = 16;
const MOST: usize = 120;
const WIDTH: i32 = 900;

impl Panel {
    fn height(&self) -> i32 {
        let count = |number: usize| i32::try_from(number).unwrap_or(500);
        let rows = self.groups.iter().map(|group| group.rows.len()).sum();
        ROW * count(rows) + TITLE * count(self.groups.len()) + self.foot()
    }

    /// Pixels of the axis with its name.
    fn foot(&self) -> i32 {
        AXIS + LINE * (i32::try_from(self.name().len()).unwrap_or(9) - 1)
    }

    /// The name of the axis, in lines that are as long as the picture is wide.
    fn name(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in self.axis.split(' ') {
            match lines.last_mut() {
                Some(line) if line.is_empty() => line.push_str(word),
                Some(line) if line.chars().count() + word.chars().count() < MOST => line.extend([" ", word]),
                _ => lines.push(word.into()),
            }
        }
        lines
    }

    /// From the first to the last number of the axis. Intervals of few trials are wide: they are cut where they would leave
    /// little room for the rest.
    fn ends(&self) -> (f64, f64) {
        let scale = |value: f64| if self.is_logarithmic { value.ln() } else { value };
        let rows = || self.groups.iter().flat_map(|group| &group.rows);
        let bounds = self.groups.iter().flat_map(|group| [group.claimed.0, group.claimed.1]);
        let all =
            rows().map(|row| row.value).chain(rows().filter_map(|row| row.paper)).chain(bounds).chain([self.none]);
        let fold = |(least, most): (f64, f64), value: f64| (least.min(value), most.max(value));
        let (least, most) =
            all.map(scale).filter(|value| value.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), fold);
        let room = (most - least).max(if self.is_logarithmic { 0.5 } else { 0.05 });
        let reach = rows().flat_map(|row| [row.lower, row.upper]).map(scale).filter(|value| value.is_finite());
        let (low, high) = reach.fold((least, most), fold);
        (low.max(least - 0.6 * room) - 0.06 * room, high.min(most + 0.6 * room) + 0.06 * room)
    }
}

/// An axis across, in pixels.
pub(super) struct Axis {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) from: i32,
    pub(super) width: i32,
}

impl Axis {
    /// The pixel of a number; those outside lie at an end.
    pub(super) fn place(&self, value: f64) -> i32 {
        let share = ((value - self.least) / (self.most - self.least)).clamp(0.0, 1.0);
        self.from + (share * f64::from(self.width)).round() as i32
    }

    /// An interval as a line, with a bar at each end that lies inside, and an arrow where it is cut.
    pub(super) fn interval(&self, area: &Area<'_>, y: i32, (lower, upper): (f64, f64), style: ShapeStyle) -> Drawn {
        area.draw(&PathElement::new(vec![(self.place(lower), y), (self.place(upper), y)], style))?;
        for (end, sign) in [(lower, 1), (upper, -1)] {
            let x = self.place(end);
            let mark = match (self.least..=self.most).contains(&end) {
                true => vec![(x, y - 4), (x, y + 4)],
                false => vec![(x + 5 * sign, y - 4), (x, y), (x + 5 * sign, y + 4)],
            };
            area.draw(&PathElement::new(mark, style))?;
        }
        Ok(())
    }
}

/// Draws the panels one below the other.
pub(crate) fn forest(panels: &[Panel], words: String) -> Result<Chart> {
    let height = panels.iter().map(Panel::height).sum::<i32>() + KEY;
    picture((WIDTH.unsigned_abs(), height.unsigned_abs()), words, |area| {
        draw_key(area, panels)?;
        let mut top = KEY;
        for panel in panels {
            draw(area, panel, top)?;
            top += panel.height();
        }
        Ok(())
    })
}

fn text(size: i32, side: HPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font()).color(&INK).pos(Pos::new(side, VPos::Center))
}

/// Where a claim says that its effects lie.
const CLAIMED: RGBColor = RGBColor(228, 239, 247);

fn draw_key(area: &Area<'_>, panels: &[Panel]) -> Drawn {
    let rows = || panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.rows);
    let mut x = 12;
    let mut entry = |name: &str, mark: &dyn Fn(i32) -> Drawn, width: i32| -> Drawn {
        mark(x)?;
        area.draw(&Text::new(name.to_string(), (x + 30, 14), text(13, HPos::Left)))?;
        x += width;
        Ok(())
    };
    if rows().any(|row| row.is_recorded) {
        entry("recorded, full scale", &|x| draw_mark(area, (x + 12, 14), true), 172)?;
    }
    if rows().any(|row| !row.is_recorded) {
        entry("live", &|x| draw_mark(area, (x + 12, 14), false), 80)?;
    }
    if rows().any(|row| row.paper.is_some()) {
        entry("the paper's numbers", &|x| Ok(area.draw(&printed((x + 12, 14)))?), 176)?;
    }
    let shade = |x: i32| Ok(area.draw(&Rectangle::new([(x, 6), (x + 24, 22)], CLAIMED.filled()))?);
    entry("where the claim holds; lines: 95 % intervals", &shade, 300)
}

fn draw_mark(area: &Area<'_>, (x, y): (i32, i32), is_recorded: bool) -> Drawn {
    match is_recorded {
        true => area.draw(&Rectangle::new([(x - 4, y - 4), (x + 4, y + 4)], INK.filled()))?,
        false => {
            area.draw(&Circle::new((x, y), 4, WHITE.filled()))?;
            area.draw(&Circle::new((x, y), 4, INK.stroke_width(2)))?;
        }
    }
    Ok(())
}

fn draw(area: &Area<'_>, panel: &Panel, top: i32) -> Drawn {
    let scale = |value: f64| if panel.is_logarithmic { value.ln() } else { value };
    let (least, most) = panel.ends();
    let axis = Axis { least, most, from: 300, width: WIDTH - 300 - 190 };
    let bottom = top + panel.height() - panel.foot();
    let numbers = match panel.is_logarithmic {
        true => marks(least.exp(), most.exp()),
        false => ticks(least, most),
    };
    // Few enough for their labels.
    let every = numbers.len().div_ceil(8).max(1);
    let mut y = top;
    for group in &panel.groups {
        let rows = ROW * i32::try_from(group.rows.len())?;
        // An end without a place on the axis is drawn at the axis's end.
        let (from, to) = group.claimed;
        let from = if scale(from).is_finite() { axis.place(scale(from)) } else { axis.from };
        let to = if scale(to).is_finite() { axis.place(scale(to)) } else { axis.from + axis.width };
        area.draw(&Rectangle::new([(from, y + TITLE - 3), (to, y + TITLE + rows - 1)], CLAIMED.filled()))?;
        y += TITLE + rows;
    }
    for number in numbers.iter().step_by(every) {
        let x = axis.place(scale(*number));
        area.draw(&PathElement::new(vec![(x, top + TITLE - 3), (x, bottom)], FAINT.stroke_width(1)))?;
        let label = if panel.is_logarithmic { decade(*number) } else { signed(*number) };
        area.draw(&Text::new(label, (x, bottom + 12), text(12, HPos::Center)))?;
    }
    let none = axis.place(scale(panel.none));
    area.draw(&PathElement::new(vec![(none, top + TITLE - 3), (none, bottom + 4)], INK.stroke_width(1)))?;
    for (line, name) in (0..).zip(panel.name()) {
        area.draw(&Text::new(name, (WIDTH / 2, bottom + 31 + LINE * line), text(13, HPos::Center)))?;
    }
    y = top;
    for group in &panel.groups {
        // The title stands on white, over lines of the axis.
        area.draw(&Rectangle::new([(8, y + 1), (WIDTH - 8, y + TITLE - 4)], WHITE.filled()))?;
        area.draw(&Text::new(group.title.clone(), (12, y + TITLE / 2), text(14, HPos::Left)))?;
        y += TITLE;
        for row in &group.rows {
            let center = y + ROW / 2;
            area.draw(&Text::new(row.label.clone(), (26, center), text(13, HPos::Left)))?;
            let thick = if row.is_recorded { 3 } else { 1 };
            let ink = if row.is_trusted { INK.mix(1.0) } else { INK.mix(0.4) };
            axis.interval(area, center, (scale(row.lower), scale(row.upper)), ink.stroke_width(thick))?;
            draw_mark(area, (axis.place(scale(row.value)), center), row.is_recorded)?;
            if let Some(paper) = row.paper {
                area.draw(&printed((axis.place(scale(paper)), center)))?;
            }
            let doubt = if row.is_trusted { "" } else { ", unreliable" };
            let said = format!("{}{doubt}", row.said);
            area.draw(&Text::new(said, (WIDTH - 178, center), text(12, HPos::Left)))?;
            y += ROW;
        }
    }
    Ok(())
}

/// At most nine round numbers.
pub(super) fn ticks(least: f64, most: f64) -> Vec<f64> {
    let rough = (most - least) / 6.0;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * decade).find(|step| *step >= rough).unwrap_or(rough);
    let first = (least / step).ceil() as i64;
    (first..first + 9).map(|place| place as f64 * step).filter(|tick| *tick <= most).collect()
}

/// A difference with its sign and no more digits than it needs.
pub(super) fn signed(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded == 0.0 { "0".into() } else { format!("{rounded:+}") }
}
