//! Sharpness against cross-entropy along runs: Figure 6 of the paper.

use plotters::prelude::*;

use super::{Area, Chart, Drawn, FAINT, INK, Key, bounds, decade, draw_key, marker, marks, of_regime, picture};
use crate::display::{counted, grouped};
use crate::error::Result;
use crate::sharpness::Reading;
use crate::spread::{Paired, Spread};
use crate::way_down::{WayDown, WayPoint};

/// A trial's line, or the means of a regime with the corners of the band around them.
struct Line {
    color: RGBColor,
    band: Option<Vec<(f64, f64)>>,
    points: Vec<(f64, f64)>,
}

impl WayDown {
    /// φ over the training loss, both axes logarithmic: the search from zero on the left, the largest of all searches on the
    /// right. A thin line is a trial, from its first epoch on; a thick one with marks joins the geometric means at each epoch, and
    /// the band around it is their 95 % interval (Student's t of ln φ), cut at the frame, which is that of the trials. Training goes
    /// from right to left. A φ of 0 has no place on the axis.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let names = self.regimes();
        let color = |name: &str| {
            let place = names.iter().position(|other| *other == name).unwrap_or(0);
            of_regime(self.points.iter().find(|point| point.regime == name).and_then(|point| point.role), place)
        };
        let trials = names.iter().map(|name| self.runs(name).len()).max().unwrap_or(0);
        let mut keys: Vec<Key> = names
            .iter()
            .map(|name| {
                let many = counted(self.runs(name).len(), "trial");
                Key::circle(&format!("{name} batch, mean of {many}"), color(name), true)
            })
            .collect();
        if trials > 1 {
            keys.push(Key::line("a trial", INK, false));
            keys.push(Key::band("95 % interval of the mean", INK));
        }
        let subject = format!("{} on {}", self.net, self.data);
        let words = format!(
            "Chart: sharpness against training loss along runs, {subject}, {}, ε = {:e}, regimes {}, {trials} trials",
            self.space,
            self.epsilon,
            names.join(" and ")
        );
        let lines = |reading: Reading| -> Vec<Line> {
            let own = names.iter().flat_map(|name| {
                let runs = self.runs(name);
                let means = means(&runs, reading);
                let trial = |(_, points): &(usize, Vec<&WayPoint>)| {
                    let points = learned(points).map(|point| (point.row.train_loss, point.phi(reading)));
                    Line { color: color(name), band: None, points: points.filter(|(_, phi)| *phi > 0.0).collect() }
                };
                let end = |of: fn(&Mean) -> f64| means.iter().map(move |mean| (mean.loss, of(mean)));
                let band = end(|mean| mean.lower).chain(end(|mean| mean.upper).rev()).collect();
                let mean = Line { color: color(name), band: Some(band), points: end(|mean| mean.phi).collect() };
                [mean].into_iter().chain(runs.iter().map(trial)).collect::<Vec<_>>()
            });
            own.collect()
        };
        let iterations = if self.iterations == 10 { "ten".into() } else { grouped(self.iterations) };
        let from_zero = format!("from zero, {iterations} iterations");
        let panels = [(from_zero.as_str(), Reading::FromZero), ("largest of all searches", Reading::Largest)]
            .map(|(title, reading)| (format!("{subject}: {title}"), lines(reading)));
        let all = || panels.iter().flat_map(|(_, lines)| lines).flat_map(|line| &line.points);
        let (losses, values) = (bounds(all().map(|(loss, _)| *loss)), bounds(all().map(|(_, phi)| *phi)));
        picture((840, 360 + Key::height(&keys)), words, |area| {
            let (charts, legend) = area.split_vertically(350);
            for ((title, lines), place) in panels.iter().zip(&charts.split_evenly((1, 2))) {
                panel(place, title, lines, losses, values)?;
            }
            draw_key(&legend, &keys)
        })
    }
}

/// The start, where nothing was learned yet, would squeeze all the rest.
fn learned<'a>(points: &'a [&'a WayPoint]) -> impl Iterator<Item = &'a WayPoint> {
    points.iter().copied().filter(|point| point.row.epoch > 0)
}

/// Geometric means of loss and φ after an epoch, and the 95 % interval of the latter; of one trial its own φ.
struct Mean {
    loss: f64,
    phi: f64,
    lower: f64,
    upper: f64,
}

fn means(runs: &[(usize, Vec<&WayPoint>)], reading: Reading) -> Vec<Mean> {
    let all: Vec<&WayPoint> = runs.iter().flat_map(|(_, points)| learned(points)).collect();
    let mut epochs: Vec<usize> = all.iter().map(|point| point.row.epoch).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let mean = |epoch: &usize| {
        let own = all.iter().filter(|point| point.row.epoch == *epoch && point.phi(reading) > 0.0);
        let (losses, values): (Vec<f64>, Vec<f64>) =
            own.map(|point| (point.row.train_loss.ln(), point.phi(reading).ln())).unzip();
        let [loss, phi] = [Spread::of(&losses).ok()?, Spread::of(&values).ok()?].map(|spread| spread.mean);
        let pairs: Vec<(f64, f64)> = values.iter().map(|&value| (value, 0.0)).collect();
        let (lower, upper) = Paired::test(&pairs, 1).map_or((phi, phi), |test| (test.lower, test.upper));
        let [loss, phi, lower, upper] = [loss, phi, lower, upper].map(f64::exp);
        Some(Mean { loss, phi, lower, upper })
    };
    epochs.iter().filter_map(mean).collect()
}

fn panel(area: &Area<'_>, title: &str, lines: &[Line], losses: (f64, f64), values: (f64, f64)) -> Drawn {
    let mut builder = ChartBuilder::on(area);
    builder.caption(title, ("sans-serif", 17).into_font().color(&INK));
    builder.margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(62);
    let axes =
        ((losses.0..losses.1).log_scale(), (values.0..values.1).log_scale().with_key_points(marks(values.0, values.1)));
    let mut context = builder.build_cartesian_2d(axes.0, axes.1)?;
    let mut mesh = context.configure_mesh();
    mesh.x_desc("training loss, nats (log scale)").y_desc("φ, % (log scale)").x_labels(6).y_labels(8);
    mesh.max_light_lines(0).bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13));
    mesh.axis_desc_style(("sans-serif", 14)).x_label_formatter(&|loss| decade(*loss));
    mesh.y_label_formatter(&|phi| decade(*phi)).draw()?;
    let inside = |&(loss, phi): &(f64, f64)| (loss.clamp(losses.0, losses.1), phi.clamp(values.0, values.1));
    for Line { color, band, .. } in lines {
        let Some(corners) = band else { continue };
        let corners: Vec<(f64, f64)> = corners.iter().map(inside).collect();
        context.draw_series(std::iter::once(Polygon::new(corners, color.mix(0.16))))?;
    }
    for Line { color, band, points } in lines {
        let points: Vec<(f64, f64)> = points.iter().map(inside).collect();
        let style = if band.is_some() { color.stroke_width(3) } else { color.mix(0.35).stroke_width(1) };
        context.draw_series(LineSeries::new(points.iter().copied(), style))?;
        if band.is_some() {
            context.draw_series(points.iter().map(|&point| marker(point, 4, *color, color.filled())))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Epoch;

    /// Logarithms 0, 1 and 2 have the mean 1 and the deviation 1; Student's t of two degrees of freedom is 4.302653 at 97.5 %
    /// (SciPy 1.17, `scipy.stats.t.ppf(0.975, 2)`). One trial has no interval.
    #[test]
    fn the_band_is_the_interval_of_the_mean() {
        let row = Epoch {
            epoch: 3,
            steps: 30,
            train_loss: 0.5,
            train_accuracy: 0.9,
            test_loss: 0.6,
            test_accuracy: 0.8,
            distance: 1.0,
            seconds: 0.0,
            strategy_loss: None,
            passes: None,
        };
        let point = |trial: usize| WayPoint {
            regime: "large".into(),
            role: None,
            batch: 10,
            trial,
            row,
            largest: (trial as f64).exp(),
            from_zero: 0.0,
            reach: 1.0,
            gradient_norm: None,
            is_trusted: true,
            is_from_zero_trusted: true,
        };
        let points: Vec<WayPoint> = (0..3).map(point).collect();
        let runs: Vec<(usize, Vec<&WayPoint>)> = points.iter().map(|point| (point.trial, vec![point])).collect();
        let found = means(&runs, Reading::Largest);
        let half = 4.302653 / 3f64.sqrt();
        for (found, expected) in [(found[0].phi, 1.0), (found[0].lower, 1.0 - half), (found[0].upper, 1.0 + half)] {
            assert!((found.ln() - expected).abs() < 1e-6, "{found}");
        }
        assert!((found[0].loss - 0.5).abs() < 1e-12 && found.len() == 1);
        let one = means(&runs[2..], Reading::Largest);
        assert!(one[0].lower == one[0].phi && one[0].upper == one[0].phi);
        assert!(means(&runs, Reading::FromZero).is_empty(), "a φ of 0 has no place");
    }
}
