//! A path's loss beside the largest loss nearby: the idea of Figure 8 on a slice of a real loss.

use plotters::prelude::*;

use super::{Area, Chart, Drawn, FAINT, INK, Key, PALETTE, bounds, color, decade, draw_key, end_mark, linear, picture};
use crate::error::{Error, Result};
use crate::landscape::Path;

impl Path {
    /// Training loss along the path (solid), and the largest one within `radius` of each α (dashed), with the minimizer of each
    /// where they are least: a robust minimizer (Figure 8 of the paper) lies where the dashed line is lowest.
    ///
    /// # Errors
    /// As [`robust`](Self::robust); [`Error::Parameter`] where no loss is finite; [`Error::Output`] from the chart library.
    pub fn robust_chart(&self, radius: f64) -> Result<Chart> {
        // Where the radius reaches beyond the path, the largest loss within it is not known.
        let reaches = |&(alpha, _): &(f64, f64)| {
            let inside = |at: f64| self.points.iter().any(|point| (point.alpha - at) * (alpha - at).signum() <= 1e-9);
            radius == 0.0 || inside(alpha - radius) && inside(alpha + radius)
        };
        let robust: Vec<(f64, f64)> = self.robust(radius)?.into_iter().filter(reaches).collect();
        let plain: Vec<(f64, f64)> = self.points.iter().map(|point| (point.alpha, point.value.train.loss)).collect();
        let least = |line: &[(f64, f64)]| {
            let finite = line.iter().copied().filter(|(_, loss)| loss.is_finite());
            finite.min_by(|a, b| a.1.total_cmp(&b.1))
        };
        let (Some(lowest), Some(flattest)) = (least(&plain), least(&robust)) else {
            return Err(Error::parameter("losses of a path", "none that is finite", "be finite somewhere"));
        };
        let words = format!(
            "Chart: training loss along a {}, lowest at α = {:.2}; the largest within {radius} of each α, lowest at α = {:.2}",
            self.shape, lowest.0, flattest.0
        );
        let (small, large) = (color(0), color(1));
        let mut keys = vec![
            Key::marked_line("f", PALETTE[2], false),
            Key::marked_line(&format!("largest f within {radius} of α"), PALETTE[3], true),
        ];
        let [start, end] = self.solutions();
        for (alpha, name, color) in [(0.0, start, small), (1.0, end, large)] {
            if self.points.iter().any(|point| point.alpha <= alpha)
                && self.points.iter().any(|point| point.alpha >= alpha)
            {
                keys.push(Key::line(&format!("{name}, α = {alpha}"), color, false));
            }
        }
        let key_height = Key::height(&keys);
        picture((820, 360 + key_height), words, |area| {
            let (above, below) = area.split_vertically(360);
            draw(&above, &plain, &robust, [lowest, flattest])?;
            draw_key(&below, &keys)
        })
    }
}

fn draw(area: &Area<'_>, plain: &[(f64, f64)], robust: &[(f64, f64)], marks: [(f64, f64); 2]) -> Drawn {
    let (least, most) = bounds(plain.iter().chain(robust).map(|(_, loss)| *loss));
    let across = linear(plain[0].0..plain[plain.len() - 1].0);
    let (first, last) = (across.start, across.end);
    let mut builder = ChartBuilder::on(area);
    builder.caption("A slice of f, and its largest value nearby", ("sans-serif", 17).into_font().color(&INK));
    builder.margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(66);
    let mut context = builder.build_cartesian_2d(across, (least..most).log_scale())?;
    let mut mesh = context.configure_mesh();
    mesh.x_desc("α").y_desc("training loss, nats (log scale)").x_labels(7).y_labels(6).max_light_lines(0);
    mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13)).axis_desc_style(("sans-serif", 14));
    mesh.y_label_formatter(&|value| decade(*value)).draw()?;
    for (alpha, color) in
        [(0.0, color(0)), (1.0, color(1))].into_iter().filter(|(alpha, _)| (first..=last).contains(alpha))
    {
        context.draw_series(LineSeries::new([(alpha, least), (alpha, most)], color.mix(0.6).stroke_width(1)))?;
    }
    let inside = |line: &[(f64, f64)]| -> Vec<(f64, f64)> {
        line.iter()
            .filter(|(_, loss)| loss.is_finite())
            .map(|&(alpha, loss)| (alpha.clamp(first, last), loss.clamp(least, most)))
            .collect()
    };
    context.draw_series(LineSeries::new(inside(plain), PALETTE[2].stroke_width(2)))?;
    context.draw_series(DashedLineSeries::new(inside(robust), 8, 5, PALETTE[3].stroke_width(2)))?;
    for ((alpha, loss), (color, dashed)) in marks.into_iter().zip([(PALETTE[2], false), (PALETTE[3], true)]) {
        context.draw_series([end_mark((alpha.clamp(first, last), loss.clamp(least, most)), color, dashed)])?;
    }
    Ok(())
}
