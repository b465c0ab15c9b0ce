//! Sharpness: how φ grows with the iterations of its searches, and how far the regimes lie apart.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{
    Area, Chart, Drawn, FAINT, INK, Key, PALETTE, bounds, decade, draw_key, end_mark, marker, of_regime, picture,
    printed,
};
use crate::data::Which;
use crate::error::{Error, Result};
use crate::paper::{is_of, table3, table4};
use crate::sharpness::{Maxima, Maximizer, Maximum, Origin, Reading, Space};
use crate::train::Role;

const ZERO: RGBColor = PALETTE[2];
const RANDOM: RGBColor = PALETTE[5];
const CORNERS: RGBColor = PALETTE[3];
const OTHER: RGBColor = RGBColor(110, 110, 110);

/// A line of φ by iteration.
struct Growth {
    color: RGBColor,
    dashed: bool,
    /// Where along the line its mark stands, and again after that many iterations: lines that lie on each other are told apart.
    every: Option<(usize, usize)>,
    trace: Vec<f64>,
}

impl Maximum {
    /// φ by iteration, a line for each search, and the best of the random corners: whether ten iterations are enough, and
    /// whether the search found more than chance.
    ///
    /// # Errors
    /// [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let last = self.searches.iter().map(|search| search.trace.len()).max().unwrap_or(0);
        let step = (last / 8).max(3);
        let mut lines: Vec<Growth> = self
            .searches
            .iter()
            .map(|search| {
                let (color, place) = match (search.maximizer, search.start) {
                    (Maximizer::Corners, _) => (CORNERS, 2),
                    (_, Origin::Zero) => (ZERO, 0),
                    _ => (RANDOM, 1),
                };
                Growth { color, dashed: false, every: Some((1 + place * step / 3, step)), trace: search.trace.clone() }
            })
            .collect();
        lines.extend(self.corner.map(|corner| {
            let trace = vec![corner; last.max(2)];
            Growth { color: OTHER, dashed: true, every: None, trace }
        }));
        let first = self.from_zero().map(|search| format!("{} from zero", search.maximizer)).unwrap_or_default();
        let mut keys = vec![Key::marked_line(&first, ZERO, false)];
        if self.searches.iter().any(|search| search.start != Origin::Zero) {
            keys.push(Key::marked_line("from random points of the box", RANDOM, false));
        }
        if self.searches.iter().any(|search| search.maximizer == Maximizer::Corners) {
            keys.push(Key::marked_line("from corner to corner", CORNERS, false));
        }
        if self.corner.is_some() {
            keys.push(Key::marked_line("best of the random corners", OTHER, true));
        }
        let title = format!("{} on {}: ε = {:e}, {}", self.net, self.data, self.epsilon, self.space);
        let words = format!("Chart: sharpness by iteration, {} searches, {title}", self.searches.len());
        panels(&[(title, lines)], &keys, words)
    }
}

impl Maxima {
    /// φ by iteration for each point, one picture for each kind of box: dashed from zero, solid the largest of all searches so
    /// far.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no measure, [`Error::Output`] from the chart library.
    pub fn growth(&self) -> Result<Chart> {
        let mut kinds: Vec<(String, Vec<Growth>)> = Vec::new();
        for group in self.groups() {
            let title = self.kind(group[0]);
            let mut lines = Vec::new();
            for maximum in &group {
                let color = self.color_of(maximum);
                let last = maximum.searches.iter().map(|search| search.trace.len()).max().unwrap_or(0);
                let so_far = (0..last).map(|place| {
                    let traces = maximum.searches.iter().map(|search| &search.trace);
                    let reached = traces.filter_map(|trace| trace.get(place).or(trace.last()));
                    reached.copied().fold(0.0, f64::max)
                });
                if maximum.searches.len() > 1 {
                    lines.push(Growth { color, dashed: false, every: None, trace: so_far.collect() });
                }
                let zero = maximum.from_zero().map(|search| search.trace.clone()).unwrap_or_default();
                lines.push(Growth { color, dashed: true, every: None, trace: zero });
            }
            match kinds.iter_mut().find(|(other, _)| *other == title) {
                Some((_, others)) => others.extend(lines),
                None => kinds.push((title, lines)),
            }
        }
        let mut keys = Vec::new();
        for (color, name) in self.names() {
            keys.push(Key::marked_line(&format!("{name}, from zero"), color, true));
            if self.maxima.iter().any(|maximum| maximum.searches.len() > 1) {
                keys.push(Key::marked_line(&format!("{name}, largest of all searches"), color, false));
            }
        }
        panels(&kinds, &keys, format!("Chart: sharpness by iteration for {} points", self.maxima.len()))
    }

    /// φ of each point, a column for each kind of box: outlines from zero, filled the largest of all searches, joined by a line; a
    /// diamond is the mean that the paper prints, where net and data are its own.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no measure, [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let mut kinds: Vec<String> = Vec::new();
        for maximum in &self.maxima {
            let kind = self.kind(maximum);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let regimes = self.names();
        let mut marks: Vec<(f64, f64, RGBColor, bool)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        for maximum in &self.maxima {
            let kind = kinds.iter().position(|kind| *kind == self.kind(maximum)).unwrap_or(0);
            let regime = self.place_of(maximum);
            // Regimes side by side in their column, points of one beside each other.
            let number = seen.entry((kind, regime)).or_insert(0u32);
            let place = self.middle(kind, regime) + 0.03 * self.narrowed() * (f64::from(*number % 9) - 4.0);
            *number += 1;
            let color = self.color_of(maximum);
            marks.push((place, Reading::Largest.of(maximum).0, color, true));
            marks.push((place, Reading::FromZero.of(maximum).0, color, false));
        }
        if marks.is_empty() {
            return Err(Error::parameter("measures", 0, "be at least 1 for a chart"));
        }
        let papers = self.papers(&kinds);
        let (lower, upper) = bounds(marks.iter().map(|(_, phi, ..)| *phi).chain(papers.iter().map(|(_, phi)| *phi)));
        let mut keys = Vec::new();
        for (color, name) in &regimes {
            keys.push(Key::circle(&format!("{name}, from zero"), *color, false));
            keys.push(Key::circle(&format!("{name}, largest of all searches"), *color, true));
        }
        if !papers.is_empty() {
            keys.push(Key::printed("the paper's means"));
        }
        let first = &self.maxima[0];
        let title = format!("{} on {}: sharpness of each trial", first.net, first.data);
        let words = format!("Chart: {title}, {} points in {} kinds of box", self.maxima.len(), kinds.len());
        picture((840, 360 + Key::height(&keys)), words, |area| {
            let (chart, legend) = area.split_vertically(360);
            let mut builder = ChartBuilder::on(&chart);
            builder.caption(&title, ("sans-serif", 17).into_font().color(&INK));
            builder.margin(10).x_label_area_size(30).y_label_area_size(64);
            let axis = (lower..upper).log_scale().with_key_points(super::marks(lower, upper));
            let mut context = builder.build_cartesian_2d(0.0..kinds.len() as f64, axis)?;
            let mut mesh = context.configure_mesh();
            mesh.y_desc("φ, % (log scale)").disable_x_mesh().x_labels(0).y_labels(8).max_light_lines(0);
            mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13));
            mesh.axis_desc_style(("sans-serif", 14)).y_label_formatter(&|value| decade(*value)).draw()?;
            let kept = |phi: f64| phi.clamp(lower, upper);
            // The two readings of a point are joined.
            for pair in marks.chunks(2) {
                let ends = pair.iter().map(|&(place, phi, ..)| (place, kept(phi))).collect::<Vec<_>>();
                context
                    .draw_series(pair.first().map(|(.., color, _)| PathElement::new(ends, color.stroke_width(1))))?;
            }
            context.draw_series(marks.iter().map(|&(place, phi, color, filled)| {
                let style = if filled { color.filled() } else { color.stroke_width(2) };
                marker((place, kept(phi)), if filled { 4 } else { 6 }, color, style)
            }))?;
            context.draw_series(papers.iter().map(|&(place, phi)| printed((place, kept(phi)))))?;
            // The columns' names below the axis, where the library would write numbers.
            let (plot, _) = context.plotting_area().get_pixel_range();
            let style = TextStyle::from(("sans-serif", 13).into_font()).color(&INK);
            let style = style.pos(Pos::new(HPos::Center, VPos::Top));
            let width = (plot.end - plot.start) as f64 / kinds.len() as f64;
            let bottom = context.plotting_area().get_pixel_range().1.end;
            for (place, kind) in kinds.iter().enumerate() {
                let middle = f64::from(plot.start) + width * (place as f64 + 0.5);
                chart.draw(&Text::new(kind.clone(), (middle.round() as i32, bottom + 6), style.clone()))?;
            }
            draw_key(&legend, &keys)
        })
    }

    /// What the paper prints of these boxes, where net and data are its own: beside the marks of the small and of the large batch.
    fn papers(&self, kinds: &[String]) -> Vec<(f64, f64)> {
        let mut papers = Vec::new();
        for (place, kind) in kinds.iter().enumerate() {
            let own = self.maxima.iter().filter(|maximum| self.kind(maximum) == *kind && maximum.split == Which::Train);
            let Some(one) = own.clone().find(|one| one.role.is_some()) else { continue };
            let table = match one.space {
                Space::Full => table3(&one.net),
                Space::Random { p: 100, orthonormal: false } => table4(&one.net),
                _ => continue,
            };
            let Some([small, large]) =
                table.ok().filter(|row| is_of(row.data, &one.data)).and_then(|row| row.at(one.epsilon))
            else {
                continue;
            };
            for (role, number) in [(Role::Small, small), (Role::Large, large)] {
                if let Some(own) = own.clone().find(|maximum| maximum.role == Some(role)) {
                    papers.push((self.middle(place, self.place_of(own)) + 0.15 * self.narrowed(), number.mean));
                }
            }
        }
        papers
    }

    /// How much closer than three the regimes of a column stand: they stay in it, however many they are.
    fn narrowed(&self) -> f64 {
        let between = self.regimes().len().max(1) as f64 - 1.0;
        (1.0 / (0.34 * between + 0.3)).min(1.0)
    }

    /// The middle of a regime's marks in the column of this number.
    fn middle(&self, column: usize, regime: usize) -> f64 {
        column as f64 + 0.5 + 0.34 * self.narrowed() * (regime as f64 - 0.5 * (self.regimes().len() as f64 - 1.0))
    }

    /// What box it is, as short as it may be among these.
    fn kind(&self, maximum: &Maximum) -> String {
        let kind = format!("{}, ε = {:e}", self.name_of(maximum), maximum.epsilon);
        let one_split = self.maxima.iter().all(|other| other.split == maximum.split);
        if one_split { kind } else { format!("{kind}, {}", maximum.split) }
    }

    /// One measure of each regime, in their order here.
    fn regimes(&self) -> Vec<&Maximum> {
        let mut regimes: Vec<&Maximum> = Vec::new();
        for maximum in &self.maxima {
            if regimes.iter().all(|other| other.regime != maximum.regime) {
                regimes.push(maximum);
            }
        }
        regimes
    }

    fn place_of(&self, maximum: &Maximum) -> usize {
        self.regimes().iter().position(|other| other.regime == maximum.regime).unwrap_or(0)
    }

    fn color_of(&self, maximum: &Maximum) -> RGBColor {
        match maximum.regime {
            Some(_) => of_regime(maximum.role, self.place_of(maximum)),
            None => INK,
        }
    }

    /// The regimes' colors, and their names in words.
    fn names(&self) -> Vec<(RGBColor, String)> {
        let name = |maximum: &Maximum| match (maximum.role, &maximum.regime) {
            (Some(role), _) => format!("{role} batch"),
            (None, Some(name)) => name.clone(),
            (None, None) => "one point".into(),
        };
        self.regimes().into_iter().map(|maximum| (self.color_of(maximum), name(maximum))).collect()
    }
}

fn panels(panels: &[(String, Vec<Growth>)], keys: &[Key], words: String) -> Result<Chart> {
    if panels.is_empty() {
        return Err(Error::parameter("measures", 0, "be at least 1 for a chart"));
    }
    let columns = panels.len().min(2);
    let rows = panels.len().div_ceil(2);
    let top = u32::try_from(rows).unwrap_or(1) * if columns == 1 { 360 } else { 300 };
    picture((840, top + Key::height(keys)), words, |area| {
        let (charts, legend) = area.split_vertically(top);
        for ((title, lines), place) in panels.iter().zip(charts.split_evenly((rows, columns))) {
            draw_panel(&place, title, lines)?;
        }
        draw_key(&legend, keys)
    })
}

fn draw_panel(area: &Area<'_>, title: &str, lines: &[Growth]) -> Drawn {
    let (lower, upper) = bounds(lines.iter().flat_map(|line| line.trace.iter().copied()));
    let last = lines.iter().map(|line| line.trace.len()).max().unwrap_or(0).max(2) - 1;
    let mut builder = ChartBuilder::on(area);
    builder.caption(title, ("sans-serif", 16).into_font().color(&INK));
    builder.margin(10).margin_right(18).x_label_area_size(40).y_label_area_size(64);
    let axis = (lower..upper).log_scale().with_key_points(super::marks(lower, upper));
    let mut context = builder.build_cartesian_2d(0.0..last as f64, axis)?;
    let mut mesh = context.configure_mesh();
    mesh.x_desc("iterations").y_desc("φ, % (log scale)").x_labels(last.min(10) + 1).y_labels(8).max_light_lines(0);
    mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13)).axis_desc_style(("sans-serif", 14));
    mesh.x_label_formatter(&|x| format!("{x:.0}")).y_label_formatter(&|value| decade(*value)).draw()?;
    for line in lines {
        let points = line.trace.iter().enumerate().map(|(place, phi)| (place as f64, phi.clamp(lower, upper)));
        let style = line.color.stroke_width(2);
        // Where a search ended, which may be before the others.
        let end = points.clone().next_back();
        let along = line.every.into_iter().flat_map(|(first, step)| points.clone().skip(first).step_by(step));
        let marks = along.chain(end).map(|point| end_mark(point, line.color, line.dashed)).collect::<Vec<_>>();
        if line.dashed {
            context.draw_series(DashedLineSeries::new(points.collect::<Vec<_>>(), 6, 4, style))?;
        } else {
            context.draw_series(LineSeries::new(points, style))?;
        }
        context.draw_series(marks)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::error::{Error, Result};
    use crate::record::Recorded;
    use crate::sharpness::Maxima;

    /// However many regimes there are, their marks stay in the column of their box.
    #[test]
    fn marks_stay_in_their_columns() -> Result<()> {
        let recorded = Recorded::load("data/runs/04_f1_mnist.jsonl")?;
        let sizes = recorded.maxima.ok_or(Error::Data("no sharpness".into()))?;
        let count = sizes.regimes().len();
        assert!(count > 6, "{count}");
        for few in [2, 3, 4, count] {
            let names: Vec<_> = sizes.regimes()[..few].iter().map(|one| one.regime.clone()).collect();
            let own = sizes.maxima.iter().filter(|one| names.contains(&one.regime)).cloned().collect();
            let own = Maxima { maxima: own, ..Maxima::default() };
            let room = (0.03 * 4.0f64).max(0.15) * own.narrowed();
            for regime in 0..few {
                let middle = own.middle(1, regime);
                assert!(middle - room > 1.0 - 1e-9 && middle + room < 2.0 + 1e-9, "{regime} of {few}: {middle}");
            }
        }
        Ok(())
    }
}
