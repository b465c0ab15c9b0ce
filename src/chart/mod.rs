//! Results as pictures: the only room that knows plotters.
//!
//! A [`Chart`] is an owned SVG with words for those who cannot see it. Colors are those of Okabe and Ito, which color-blind
//! readers tell apart, and each color has a mark of its own shape, so that they are told apart in grey too: the small batch is
//! always blue with circles, the large one vermilion with squares. Training is dashed, test solid. What the paper prints is a
//! diamond.

mod batches;
mod break_even;
mod curves;
mod distances;
mod forest;
mod panel;
mod paths;
mod points;
mod remedies;
mod robust;
mod searches;
mod spectra;
mod spectra_way;
mod surfaces;
mod warm_starts;
mod way_down;

use std::path::Path;

use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;

pub use batches::by_batch;
pub use curves::curves;
pub(crate) use forest::{Group, Panel, Row, forest};
pub use paths::paths;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendCoord, DrawingErrorKind};

use crate::display::Block;
use crate::error::{Error, Result};
use crate::train::Role;

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Chart {
    /// The picture as SVG.
    pub svg: String,
    /// What it shows, in words.
    pub words: String,
}

impl Chart {
    /// The picture as a part of a larger block: a cell shows only one picture of its own.
    pub fn block(&self) -> Block {
        // As an image: sanitizers of notebook viewers strip an inline `<svg>`.
        let words = crate::display::escape(&self.words);
        let picture = format!("<img alt=\"{words}\" src=\"data:image/svg+xml;charset=utf-8,{}\">", quoted(&self.svg));
        Block { html: picture, text: self.words.clone() }
    }

    /// Writes the picture to an SVG file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write_whole(path.as_ref(), self.svg.as_bytes())
    }

    /// Shows the picture in a cell.
    pub fn evcxr_display(&self) {
        crate::display::picture(&self.svg, &self.block());
    }
}

/// The words, not the picture.
impl std::fmt::Debug for Chart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chart {{ {} }}", self.words)
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

const INK: RGBColor = RGBColor(51, 51, 51);
const FAINT: RGBColor = RGBColor(225, 225, 225);
/// What the paper prints.
const PAPER: RGBColor = RGBColor(255, 214, 120);
const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// The color of the `index`-th regime.
fn color(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// The color of a regime: blue is the small batch and vermilion the large one, wherever they stand; others go by their place.
fn of_regime(role: Option<Role>, place: usize) -> RGBColor {
    match role {
        Some(Role::Small) => color(0),
        Some(Role::Large) => color(1),
        None => color(place),
    }
}

/// A mark at a point of an axis, or at a pixel: a circle, or corners around its middle.
struct Marker<P> {
    point: P,
    size: i32,
    corners: Vec<(i32, i32)>,
    styles: Vec<ShapeStyle>,
}

impl<'a, P: 'a> PointCollection<'a, P> for &'a Marker<P> {
    type Point = &'a P;
    type IntoIter = std::iter::Once<&'a P>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.point)
    }
}

impl<P, DB: DrawingBackend> Drawable<DB> for Marker<P> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        points: I,
        backend: &mut DB,
        _: (u32, u32),
    ) -> std::result::Result<(), DrawingErrorKind<DB::ErrorType>> {
        for (x, y) in points {
            let corners = || self.corners.iter().map(|(a, b)| (x + a, y + b));
            for style in &self.styles {
                match (self.corners.is_empty(), style.filled) {
                    (true, filled) => backend.draw_circle((x, y), self.size.unsigned_abs(), style, filled)?,
                    (_, true) => backend.fill_polygon(corners(), style)?,
                    (_, false) => backend.draw_path(corners(), style)?,
                }
            }
        }
        Ok(())
    }
}

/// The mark of a color, filled or as an outline as the style is: blue has a circle.
fn marker<P>(point: P, size: i32, color: RGBColor, style: ShapeStyle) -> Marker<P> {
    let half = size * 9 / 10;
    let corners: &[(i32, i32)] = match PALETTE.iter().position(|other| *other == color) {
        Some(1) => &[(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)],
        Some(2) => &[(0, -size), (size, half), (-size, half), (0, -size)],
        Some(3) => &[(0, size), (size, -half), (-size, -half), (0, size)],
        Some(4) => &[(-half, -size), (half, -size), (-half, size), (half, size), (-half, -size)],
        // Upright: a level bar would lie in the interval or the line that it marks.
        Some(5) => &[(-2, -size), (2, -size), (2, size), (-2, size), (-2, -size)],
        _ => &[],
    };
    Marker { point, size, corners: corners.to_vec(), styles: vec![style] }
}

/// The mark at the end of a line: an outline where it is dashed.
fn end_mark<P>(point: P, color: RGBColor, dashed: bool) -> Marker<P> {
    let mut mark = marker(point, 4, color, if dashed { color.stroke_width(2) } else { color.filled() });
    if dashed {
        // The line does not show through.
        mark.styles.insert(0, WHITE.filled());
    }
    mark
}

/// The mark of what the paper prints.
fn printed<P>(point: P) -> Marker<P> {
    let corners = vec![(0, -7), (7, 0), (0, 7), (-7, 0), (0, -7)];
    Marker { point, size: 7, corners, styles: vec![PAPER.filled(), INK.stroke_width(1)] }
}

/// Draws a picture of this size in pixels.
fn picture(size: (u32, u32), words: String, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<Chart> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(refused)?;
        draw(&area).map_err(refused)?;
        area.present().map_err(refused)?;
    }
    // What says the default is left out: a notebook holds many pictures, and hosts show large files as text.
    let svg = svg.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "").replace('\n', "");
    // Fixed sizes overflow a narrow page: the picture shrinks with it.
    let (width, height) = size;
    let svg = svg.replacen(
        &format!("<svg width=\"{width}\" height=\"{height}\""),
        &format!("<svg width=\"{width}\" height=\"{height}\" style=\"max-width:100%;height:auto\" role=\"img\""),
        1,
    );
    Ok(Chart { svg, words })
}

/// A line of the key below a chart, where it hides nothing.
struct Key {
    name: String,
    color: RGBColor,
    mark: Mark,
}

enum Mark {
    Line { dashed: bool, marked: bool },
    Band,
    Circle { filled: bool },
    Printed,
}

impl Key {
    fn line(name: &str, color: RGBColor, dashed: bool) -> Self {
        Self { name: name.into(), color, mark: Mark::Line { dashed, marked: false } }
    }

    /// A line that has its color's mark at its end, as an outline where it is dashed.
    fn marked_line(name: &str, color: RGBColor, dashed: bool) -> Self {
        Self { name: name.into(), color, mark: Mark::Line { dashed, marked: true } }
    }

    fn band(name: &str, color: RGBColor) -> Self {
        Self { name: name.into(), color, mark: Mark::Band }
    }

    fn circle(name: &str, color: RGBColor, filled: bool) -> Self {
        Self { name: name.into(), color, mark: Mark::Circle { filled } }
    }

    /// What the paper prints.
    fn printed(name: &str) -> Self {
        Self { name: name.into(), color: INK, mark: Mark::Printed }
    }

    /// Pixels that a key needs: two to a row.
    fn height(keys: &[Key]) -> u32 {
        u32::try_from(keys.len().div_ceil(2)).unwrap_or(u32::MAX / 64) * KEY_ROW.unsigned_abs() + 6
    }
}

/// Height of a row of a key in pixels.
const KEY_ROW: i32 = 22;

fn draw_key(area: &Area<'_>, keys: &[Key]) -> Drawn {
    let style = TextStyle::from(("sans-serif", 14).into_font()).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    for (index, Key { name, color, mark }) in (0i32..).zip(keys) {
        let (x, y) = (60 + 390 * (index % 2), 10 + KEY_ROW * (index / 2));
        match mark {
            Mark::Line { dashed, marked } => {
                let pieces: &[(i32, i32)] = if *dashed { &[(0, 10), (16, 26)] } else { &[(0, 26)] };
                for (from, to) in pieces {
                    area.draw(&PathElement::new(vec![(x + from, y), (x + to, y)], color.stroke_width(2)))?;
                }
                if *marked {
                    area.draw(&end_mark((x + 26, y), *color, *dashed))?;
                }
            }
            Mark::Printed => area.draw(&printed((x + 13, y)))?,
            Mark::Band => area.draw(&Rectangle::new([(x, y - 7), (x + 26, y + 7)], color.mix(0.16).filled()))?,
            Mark::Circle { filled } => {
                let look = if *filled { color.filled() } else { color.stroke_width(2) };
                area.draw(&marker((x + 13, y), 5, *color, look))?;
            }
        }
        area.draw(&Text::new(name.clone(), (x + 34, y), style.clone()))?;
    }
    Ok(())
}

/// Ends of a logarithmic axis for these numbers: at most eight decades below the largest.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values
        .filter(|value| *value > 0.0 && value.is_finite())
        .map(|value| value.min(1e290))
        .fold((f64::INFINITY, 0.0f64), |(least, most), value| (least.min(value), most.max(value)));
    if most == 0.0 {
        return (1e-3, 1.0);
    }
    let least = least.max(1e-8 * most);
    (0.6 * least, (1.6 * most).max(6.0 * least))
}

/// Ends of a linear axis that the library can divide: for a span that is not finite, or that is nothing beside its ends, it would
/// look for round numbers for ever.
fn linear(range: std::ops::Range<f64>) -> std::ops::Range<f64> {
    let kept = |end: f64| if end.is_nan() { 0.0 } else { end.clamp(-1e290, 1e290) };
    let (low, high) = (kept(range.start), kept(range.end));
    let least = 1e-9 * low.abs().max(high.abs()).max(1e-290);
    if high - low > least { low..high } else { low - least..high + least }
}

/// Round numbers on a logarithmic axis. A range of two decades or less has too few powers of ten.
fn marks(least: f64, most: f64) -> Vec<f64> {
    let power = |value: f64| value.log10().clamp(-320.0, 308.0);
    let (first, last) = (power(least).floor() as i32, power(most).ceil() as i32);
    let steps: &[f64] = if most / least > 100.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all = (first..=last).flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
    all.filter(|mark| (least..=most).contains(mark)).collect()
}

/// 0.001 as "0.001", 1e-5 as "1e-5".
fn decade(value: f64) -> String {
    // Ticks are a little off: 9.999999999e-5 is 1e-4.
    match value {
        _ if (0.99e-3..1e4).contains(&value) => format!("{}", (value * 1e6).round() / 1e6),
        _ => format!("{value:.0e}"),
    }
}

/// An SVG as a part of a data URI in an attribute of HTML: what would end either, and what is not ASCII, is written by its bytes
/// (RFC 3986, section 2.1).
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() * 5 / 4);
    for character in text.chars() {
        match character {
            // An attribute ends at the first of these; as delimiters inside, the others do as well.
            '"' => quoted.push('\''),
            '%' | '#' | '<' | '>' | '&' => quoted.push_str(&format!("%{:02X}", u32::from(character))),
            ' '..='~' => quoted.push(character),
            other => {
                let bytes = other.to_string().into_bytes();
                bytes.iter().for_each(|byte| quoted.push_str(&format!("%{byte:02X}")));
            }
        }
    }
    quoted
}

/// What drawing gives.
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Output { library: "plotters", reason: error.to_string() }
}
