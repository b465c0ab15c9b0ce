//! Results as pictures: the only room that knows plotters.
//!
//! A [`Chart`] is an owned SVG with words for those who cannot see it. Colors are those of Okabe and Ito, which color-blind
//! readers tell apart; the small batch is always blue, the large one vermilion, training dashed, test solid.

mod curves;
mod points;

use std::path::Path;

use plotters::prelude::*;

pub use curves::curves;

use crate::display::Block;
use crate::error::{Error, Result};

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
        crate::display::picture(&self.svg, &self.words);
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

/// Draws a picture of this size in pixels.
fn picture(size: (u32, u32), words: String, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<Chart> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(refused)?;
        draw(&area).map_err(refused)?;
        area.present().map_err(refused)?;
    }
    // Fixed sizes overflow a narrow page: the picture shrinks with it.
    let (width, height) = size;
    let svg = svg.replacen(
        &format!("<svg width=\"{width}\" height=\"{height}\""),
        &format!("<svg width=\"{width}\" height=\"{height}\" style=\"max-width:100%;height:auto\" role=\"img\""),
        1,
    );
    Ok(Chart { svg, words })
}

/// Text as a part of a URI: what means something there is written by its bytes (RFC 3986, section 2.1).
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() * 5 / 4);
    for character in text.chars() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '.' | '_' | '~' | '/' | ':' | '=' | ',' | ';' | '(' | ')' => {
                quoted.push(character);
            }
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
