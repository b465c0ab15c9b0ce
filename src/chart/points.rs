//! The first images of a data set, with their labels.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Chart, INK, picture};
use crate::data::{Dataset, Split};
use crate::display::Block;
use crate::error::{Error, Result};

impl Dataset {
    /// A table of facts and the first points as pictures, where they are images.
    pub fn block(&self) -> crate::display::Block {
        let row = |name: &str, split: &Split| {
            let counts = split.class_counts();
            let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
            let shape: Vec<String> = split.shape().iter().map(usize::to_string).collect();
            vec![
                name.into(),
                crate::display::grouped(split.len()),
                shape.join("×"),
                split.classes().to_string(),
                if least == most { least.to_string() } else { format!("{least} to {most}") },
                format!("{:.4} ± {:.4}", split.mean(), split.deviation()),
            ]
        };
        let columns = ["split", "points", "shape", "classes", "points per class", "inputs, mean ± std"];
        let mut blocks =
            vec![Block::table(&self.name, &columns, vec![row("train", &self.train), row("test", &self.test)])];
        // A picture that cannot be drawn is not worth refusing the facts for.
        blocks.extend(
            points(&self.train, &format!("training points of {}", self.name)).ok().flatten().map(|chart| chart.block()),
        );
        Block::joined(&blocks)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

impl Split {
    /// The first points as pictures with their labels, under a name.
    ///
    /// # Errors
    /// [`Error::Parameter`] where the points are not images of one or three channels and at most 96 pixels per side;
    /// [`Error::Output`] from the chart library.
    pub fn pictures(&self, name: &str) -> Result<Chart> {
        points(self, &format!("points of {name}"))?.ok_or_else(|| {
            let shape: Vec<String> = self.shape().iter().map(usize::to_string).collect();
            Error::parameter("shape of points", shape.join("×"), "be 1 or 3 channels of at most 96×96 pixels")
        })
    }
}

/// The first points as pictures in a row, where they are images of one or three channels; else nothing.
fn points(split: &Split, what: &str) -> Result<Option<Chart>> {
    let &[channels @ (1 | 3), height, width] = split.shape() else { return Ok(None) };
    // Every pixel is a mark in the file: large images are shown in smaller numbers.
    let count = (20_000 / (height * width)).clamp(1, 12).min(split.len());
    let (columns, rows) = (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
    if columns.max(rows) > 96 {
        return Ok(None);
    }
    let zoom = (64 / columns.max(rows)).max(1);
    let cell = (columns * zoom + 12, rows * zoom + 28);
    let size = ((cell.0 * count as i32 + 12).unsigned_abs(), (cell.1 + 8).unsigned_abs());
    let words = format!("Chart: the first {count} {what}, with their labels");
    let chart = picture(size, words, |area| {
        let style =
            TextStyle::from(("sans-serif", 13).into_font()).color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
        for point in 0..count {
            let left = 12 + cell.0 * point as i32;
            for (row, column, run, color) in runs(split, point, channels, height, width) {
                let (x, y) = (left + column as i32 * zoom, 8 + row as i32 * zoom);
                let right = x + run as i32 * zoom;
                area.draw(&Rectangle::new([(x, y), (right, y + zoom)], color.filled()))?;
            }
            let frame = [(left - 1, 7), (left + columns * zoom, 8 + rows * zoom)];
            area.draw(&Rectangle::new(frame, RGBColor(200, 200, 200)))?;
            let label = split.labels()[point].to_string();
            area.draw(&Text::new(label, (left + columns * zoom / 2, rows * zoom + 20), style.clone()))?;
        }
        Ok(())
    })?;
    Ok(Some(chart))
}

/// An image as runs of one color: row, column, length. Dark on light where there is one channel, as on paper; colors in
/// 16 steps, so that runs are long.
fn runs(
    split: &Split,
    point: usize,
    channels: usize,
    height: usize,
    width: usize,
) -> Vec<(usize, usize, usize, RGBColor)> {
    let pixels = split.point(point).unwrap_or_default();
    let level = |channel: usize, row: usize, column: usize| {
        let value = pixels.get((channel * height + row) * width + column).copied().unwrap_or(0.0).clamp(0.0, 1.0);
        ((value * 15.0).round() * 17.0) as u8
    };
    let color = |row, column| match channels {
        1 => {
            let gray = 255 - level(0, row, column);
            RGBColor(gray, gray, gray)
        }
        _ => RGBColor(level(0, row, column), level(1, row, column), level(2, row, column)),
    };
    let mut runs: Vec<(usize, usize, usize, RGBColor)> = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let own = color(row, column);
            match runs.last_mut() {
                Some((last, begin, length, shade)) if *last == row && *begin + *length == column && *shade == own => {
                    *length += 1
                }
                _ => runs.push((row, column, 1, own)),
            }
        }
    }
    runs.retain(|(_, _, _, shade)| *shade != WHITE);
    runs
}
