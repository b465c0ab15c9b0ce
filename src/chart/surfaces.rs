//! f over planes, as lines of equal height: the room that knows the contour library.

use contour::ContourBuilder;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Chart, Drawn, FAINT, INK, decade, linear, picture, refused};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::landscape::{Surface, Surfaces};

/// Fewer heights than this make no picture.
const LEAST: usize = 6;

/// From the lowest height to the highest; blue and vermilion are the regimes' own.
const RAMP: [(u8, u8, u8); 5] = [(68, 1, 84), (64, 67, 135), (41, 120, 142), (34, 167, 132), (112, 195, 72)];

/// Width and height of a panel, pixels.
const PANEL: (u32, u32) = (420, 410);

/// A line of equal f: the pieces of it that lie on the grid.
struct Height {
    value: f64,
    color: RGBColor,
    pieces: Vec<Vec<(f64, f64)>>,
}

impl Surfaces {
    /// f over each plane as lines of equal height, the same heights in all panels; a cross at x. Heights are round
    /// numbers on a logarithmic scale, since f grows by orders of magnitude.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no surface, or f is nowhere above 0; [`Error::Output`] from the chart libraries.
    pub fn chart(&self) -> Result<Chart> {
        let Some(first) = self.surfaces.first() else {
            return Err(Error::parameter("surfaces of a chart", 0, "be at least 1"));
        };
        let losses = self.surfaces.iter().flat_map(|own| own.values.iter().flatten()).map(|value| value.loss);
        let seen = losses.filter(|loss| loss.is_finite() && *loss > 0.0);
        let (least, most) = seen.fold((f64::INFINITY, 0.0f64), |(a, b), loss| (a.min(loss), b.max(loss)));
        if most == 0.0 {
            return Err(Error::parameter("f of a surface", "nowhere above 0", "be above 0 for a logarithmic scale"));
        }
        let heights = heights(least, most);
        let panels = self.surfaces.iter().map(|own| lines(own, &heights)).collect::<Result<Vec<_>>>()?;
        let words = format!(
            "Chart: lines of equal height, {}, for {} points, f from {} to {}",
            first.subject(),
            self.surfaces.len(),
            significant(least),
            significant(most)
        );
        let (columns, rows) = (self.surfaces.len().min(2), self.surfaces.len().div_ceil(2));
        let size = (PANEL.0 * columns as u32, 34 + PANEL.1 * rows as u32);
        picture(size, words, |area| {
            let (title, below) = area.split_vertically(34);
            let style = ("sans-serif", 17).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
            title.draw(&Text::new(first.subject(), (size.0.cast_signed() / 2, 18), style))?;
            for ((panel, own), lines) in below.split_evenly((rows, columns)).iter().zip(&self.surfaces).zip(&panels) {
                draw(panel, own, lines)?;
            }
            Ok(())
        })
    }
}

impl Surface {
    /// f over the plane; see [`Surfaces::chart`].
    ///
    /// # Errors
    /// As [`Surfaces::chart`].
    pub fn chart(&self) -> Result<Chart> {
        Surfaces::from(vec![self.clone()]).chart()
    }
}

/// Heights between two: round ones, as many as can be told apart; evenly spaced in their logarithm where those would be few.
fn heights(least: f64, most: f64) -> Vec<f64> {
    let steps: &[f64] = if most / least > 1e4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = least.log10().floor() as i32..=most.log10().ceil() as i32;
    let round = powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
    let round: Vec<f64> = round.filter(|height| (least..most).contains(height)).collect();
    if round.len() >= LEAST {
        return round;
    }
    let height = |step: usize| {
        let exact = least * (most / least).powf(step as f64 / (LEAST + 1) as f64);
        // Digits enough that neighbors differ.
        let unit = 10f64.powf(exact.log10().floor() - (most / least).ln().recip().log10().ceil().max(0.0) - 1.0);
        (exact / unit).round() * unit
    };
    let mut all: Vec<f64> = (1..=LEAST).map(height).filter(|height| (least..most).contains(height)).collect();
    all.dedup();
    all
}

/// The lines of these heights. Between grid points ln f is taken as linear, since f grows by orders of magnitude.
fn lines(of: &Surface, heights: &[f64]) -> Result<Vec<Height>> {
    let side = of.places.len();
    let last = (side - 1) as f64;
    // What is not finite is a wall; what is 0 is lower than any height.
    let level = |loss: f64| if loss.is_finite() { loss.max(f64::MIN_POSITIVE).ln() } else { f64::MAX.ln() };
    let values: Vec<f64> = of.values.iter().flatten().map(|value| level(value.loss)).collect();
    let thresholds: Vec<f64> = heights.iter().map(|height| height.ln()).collect();
    let found = ContourBuilder::new(side, side, true).lines(&values, &thresholds).map_err(refused)?;
    // The library's grid points lie in the middles of cells, and its lines go on around the edge, where there is no f.
    let first = of.places[0];
    let step = (of.places[side - 1] - first) / last;
    let height = |(place, line): (usize, &contour::Line)| {
        let mut pieces = Vec::new();
        for ring in &line.geometry().0 {
            let points = ring.0.iter().map(|point| (point.x - 0.5, point.y - 0.5)).collect::<Vec<_>>();
            let inside = |&(x, y): &(f64, f64)| (0.0..=last).contains(&x) && (0.0..=last).contains(&y);
            let own = points.split(|point| !inside(point)).filter(|piece| piece.len() > 1);
            pieces.extend(own.map(|piece| piece.iter().map(|(x, y)| (first + step * x, first + step * y)).collect()));
        }
        Height { value: heights[place], color: ramp(place, heights.len()), pieces }
    };
    Ok(found.iter().enumerate().map(height).collect())
}

/// The color of the `place`-th of so many heights.
fn ramp(place: usize, count: usize) -> RGBColor {
    let at = (RAMP.len() - 1) as f64 * place as f64 / (count.max(2) - 1) as f64;
    let below = (at.floor() as usize).min(RAMP.len() - 2);
    let (low, high) = (RAMP[below], RAMP[below + 1]);
    let mixed = |low: u8, high: u8| (f64::from(low) + (at - below as f64) * (f64::from(high) - f64::from(low))) as u8;
    RGBColor(mixed(low.0, high.0), mixed(low.1, high.1), mixed(low.2, high.2))
}

fn draw(area: &Area<'_>, own: &Surface, lines: &[Height]) -> Drawn {
    let reach = own.places[own.places.len() - 1];
    let name = own.name();
    let name = if name.is_empty() { name } else { format!("{name}: ") };
    let mut builder = ChartBuilder::on(area);
    let caption = format!("{name}f(x) = {}", significant(own.origin().loss));
    builder.caption(caption, ("sans-serif", 15).into_font().color(&INK));
    builder.margin(8).margin_right(16).x_label_area_size(36).y_label_area_size(52);
    let mut context = builder.build_cartesian_2d(linear(-reach..reach), linear(-reach..reach))?;
    let mark = |value: &f64| {
        let value = if value.abs() < 1e-9 * reach { 0.0 } else { *value };
        format!("{}", (value * 1e6).round() / 1e6).replace('-', "−")
    };
    let mut mesh = context.configure_mesh();
    mesh.x_desc("a, along d₁").y_desc("b, along d₂").x_labels(5).y_labels(5).max_light_lines(0);
    mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13));
    mesh.axis_desc_style(("sans-serif", 14)).x_label_formatter(&mark).y_label_formatter(&mark).draw()?;
    for Height { color, pieces, .. } in lines {
        for piece in pieces {
            context.draw_series([PathElement::new(piece.clone(), color.stroke_width(2))])?;
        }
    }
    // Each height is written on its line, in turn at one of four corners, from the highest on, and where it covers no other.
    let mut taken = vec![((0.0, 0.0), (0.04 * reach, 0.04 * reach))];
    for (place, Height { value, color, pieces }) in lines.iter().enumerate().rev() {
        let corner = [(1.0, 1.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0)][place % 4];
        let inner = |&(a, b): &(f64, f64)| a.abs() < 0.88 * reach && b.abs() < 0.93 * reach;
        let along = |(a, b): (f64, f64)| a * corner.0 + b * corner.1;
        let there = pieces.iter().flatten().copied().filter(inner).max_by(|p, q| along(*p).total_cmp(&along(*q)));
        let Some((a, b)) = there else { continue };
        let text = decade(*value);
        let half = (0.02 * reach * text.len() as f64, 0.036 * reach);
        let covers = |((x, y), (wide, high)): &((f64, f64), (f64, f64))| {
            (a - x).abs() < half.0 + wide && (b - y).abs() < half.1 + high
        };
        if taken.iter().any(covers) {
            continue;
        }
        taken.push(((a, b), half));
        let corners = [(a - half.0, b - half.1), (a + half.0, b + half.1)];
        context.draw_series([Rectangle::new(corners, WHITE.mix(0.85).filled())])?;
        let style = ("sans-serif", 12).into_font().color(color).pos(Pos::new(HPos::Center, VPos::Center));
        context.draw_series([Text::new(text, (a, b), style)])?;
    }
    context.draw_series([Cross::new((0.0, 0.0), 5, INK.stroke_width(2))])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Which;
    use crate::landscape::Directions;
    use crate::objective::{Objective, Value};

    /// f = e^(a² + 2 b²): a line of equal height is an ellipse, and lies where it must but for the grid's step.
    #[test]
    fn lines_lie_where_f_has_their_height() -> Result<()> {
        let places: Vec<f64> = (0..41).map(|place| -1.0 + place as f64 / 20.0).collect();
        let value = |a: f64, b: f64| Value { loss: (a * a + 2.0 * b * b).exp(), accuracy: 0.0 };
        let surface = Surface {
            net: "net".into(),
            data: "data".into(),
            regime: None,
            role: None,
            batch: None,
            trial: None,
            epoch: None,
            split: Which::Train,
            objective: Objective::new(),
            directions: Directions::Given,
            lengths: [1.0, 1.0],
            values: places.iter().map(|&b| places.iter().map(|&a| value(a, b)).collect()).collect(),
            places,
            seconds: 0.0,
        };
        for (height, is_closed) in [(1.3, true), (1.6, true), (3.0, false), (12.0, false)] {
            let found = lines(&surface, &[height])?;
            let points: Vec<(f64, f64)> = found[0].pieces.iter().flatten().copied().collect();
            assert!(points.len() > 20, "{height}: {} points", points.len());
            for (a, b) in points {
                assert!((value(a, b).loss.ln() - height.ln()).abs() < 3e-3, "{height}: {a}, {b}");
            }
            assert_eq!(found[0].pieces.len() == 1, is_closed, "{height}: {} pieces", found[0].pieces.len());
        }
        let chart = surface.chart()?;
        assert!(chart.words.contains("f from 1.000 to 20.09"), "{}", chart.words);
        Ok(())
    }

    #[test]
    fn heights_differ_and_lie_inside() {
        for (least, most) in [(1e-4, 30.0), (0.1, 0.11), (2.0, 2.0), (1e-3, 2e-3)] {
            let all = heights(least, most);
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
            assert!(all.iter().all(|height| (least..most).contains(height)), "{all:?}");
        }
        assert_eq!(heights(1e-4, 30.0), [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]);
        assert_eq!(heights(0.1, 0.11).len(), LEAST);
        assert_eq!(heights(0.013, 6.0).len(), 8);
    }
}
