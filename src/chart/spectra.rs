//! The density of eigenvalues, with the outermost as ticks.

use plotters::prelude::*;

use super::{Chart, FAINT, INK, Key, decade, draw_key, linear, marker, marks, of_regime, picture};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::spectrum::{Eigenvalues, Spectra};

/// Places on the axis at which a density is computed.
const PLACES: usize = 400;

/// Places from one mark of a line to the next.
const EVERY: usize = 40;

/// What is drawn of a regime.
struct Group<'a> {
    name: String,
    color: RGBColor,
    own: Vec<&'a Eigenvalues>,
}

/// How widely an eigenvalue is smeared, in every line alike: by the coarsest resolution of all. Of two widths the wider one would
/// look like more eigenvalues away from 0.
fn width(all: &[Eigenvalues]) -> f64 {
    let width = all.iter().map(Eigenvalues::resolution).fold(0.0, f64::max);
    let most = all.iter().map(|own| own.range().1.abs()).fold(0.0, f64::max);
    // Where all eigenvalues are equal, any width shows it.
    if width > 0.0 { width } else { most.max(1e-12) / 100.0 }
}

impl Group<'_> {
    /// The mean of the densities, as far as they reach.
    fn line(&self, width: f64) -> Vec<(f64, f64)> {
        let ends = self.own.iter().map(|own| own.range());
        let (least, most) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (c, d)| (a.min(c), b.max(d)));
        let (least, most) = (least - 4.0 * width, most + 4.0 * width);
        let point = |place: usize| {
            let t = least + (most - least) * place as f64 / (PLACES - 1) as f64;
            (t, self.own.iter().map(|own| own.density(t, width)).sum::<f64>() / self.own.len() as f64)
        };
        (0..PLACES).map(point).collect()
    }
}

impl Spectra {
    /// The density of eigenvalues on a logarithmic axis: a line is the mean over a regime's trials, each eigenvalue smeared by the
    /// coarsest [resolution](Eigenvalues::resolution) of all: nothing nearer to 0 than three times that can be read from it.
    /// Below it a tick for each outermost eigenvalue that stands alone: one of n eigenvalues is a bump hardly above the axis.
    ///
    /// Spectra of more than two epochs would be too many lines: they are drawn as largest eigenvalue, trace and count, against
    /// f(x).
    ///
    /// # Errors
    /// [`Error::Parameter`] where nothing was measured, or spectra of several matrices, nets or data; [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let Some(first) = self.spectra.first() else {
            return Err(Error::parameter("spectra of a chart", 0, "be at least 1"));
        };
        self.check()?;
        let mut epochs: Vec<usize> = self.spectra.iter().filter_map(|own| own.epoch).collect();
        epochs.sort_unstable();
        epochs.dedup();
        if epochs.len() > 2 {
            return super::spectra_way::chart(self);
        }
        let mut groups: Vec<Group<'_>> = Vec::new();
        for own in &self.spectra {
            let epoch = own.epoch.map_or(String::new(), |epoch| format!(", epoch {epoch}"));
            let name = format!("{}{epoch}", own.regime.as_deref().unwrap_or("eigenvalues"));
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.own.push(own),
                None => {
                    let is_alone = own.epoch.is_none();
                    let color = of_regime(own.role.filter(|_| is_alone), groups.len());
                    groups.push(Group { name, color, own: vec![own] });
                }
            }
        }
        let width = width(&self.spectra);
        let lines: Vec<Vec<(f64, f64)>> = groups.iter().map(|group| group.line(width)).collect();
        let ends = || lines.iter().flatten().map(|(value, _)| *value);
        let (least, most) = ends().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (a.min(t), b.max(t)));
        // The height of a single eigenvalue.
        let one = 1.0 / (first.weights as f64 * width * std::f64::consts::TAU.sqrt());
        let highest = lines.iter().flatten().map(|(_, density)| *density).fold(one, f64::max);
        let (floor, top) = (0.3 * one, 2.0 * highest);
        let keys: Vec<Key> = groups
            .iter()
            .map(|group| {
                let trials = group.own.len();
                let trials = if trials > 1 { format!(", mean of {trials} trials") } else { String::new() };
                Key::circle(&format!("{}{trials}", group.name), group.color, true)
            })
            .collect();
        let names = groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(" and ");
        let ticks = groups.iter().flat_map(|group| &group.own).map(|own| own.outliers().len()).sum::<usize>();
        let words = format!(
            "Chart: density of eigenvalues, {}, {names}, from {least:.2e} to {most:.2e}, {ticks} outermost ones as ticks",
            first.subject()
        );
        picture((840, 400 + Key::height(&keys)), words, |area| {
            let (upper, legend) = area.split_vertically(390);
            let mut builder = ChartBuilder::on(&upper);
            builder.caption(first.subject(), ("sans-serif", 17).into_font().color(&INK));
            builder.margin(12).margin_right(18).x_label_area_size(42).y_label_area_size(70);
            let axis = (floor..top).log_scale().with_key_points(marks(floor, top));
            let mut context = builder.build_cartesian_2d(linear(least..most), axis)?;
            let level = |value: &f64| signed(*value, most - least);
            let mut mesh = context.configure_mesh();
            mesh.x_desc(format!("eigenvalue; lines smeared by σ = {}", significant(width)))
                .y_desc("density (log scale)")
                .x_labels(9)
                .y_labels(8)
                .max_light_lines(0);
            mesh.bold_line_style(FAINT).axis_style(INK).label_style(("sans-serif", 13));
            mesh.axis_desc_style(("sans-serif", 14)).x_label_formatter(&level);
            mesh.y_label_formatter(&|density| decade(*density)).draw()?;
            // Ticks of several regimes stand one above the other.
            let step = (top / floor).powf(0.05);
            for ((place, group), line) in groups.iter().enumerate().zip(&lines) {
                let low = floor * step.powi(i32::try_from(place % 4)?);
                // Whose ticks these are, in grey too.
                let end = (most - 0.008 * (most - least), low * step.sqrt());
                context.draw_series([marker(end, 4, group.color, group.color.filled())])?;
                for value in group.own.iter().flat_map(|own| own.outliers()) {
                    let tick = vec![(value, low), (value, low * step)];
                    context.draw_series([PathElement::new(tick, group.color.stroke_width(2))])?;
                }
                // A line does not go below the axis: it ends there, and begins again.
                for run in line.split(|(_, density)| *density < floor).filter(|run| run.len() > 1) {
                    context.draw_series(LineSeries::new(run.iter().copied(), group.color.stroke_width(2)))?;
                    // Marks along the line, so that it is told from others in grey; those of one beside those of the other.
                    let marks = run.iter().skip(EVERY / 4 + place * EVERY / 2).step_by(EVERY);
                    let style = group.color.filled();
                    context.draw_series(marks.map(|&point| marker(point, 4, group.color, style)))?;
                }
            }
            draw_key(&legend, &keys)
        })
    }
}

/// A mark of the axis; what is nothing beside the span is 0.
fn signed(value: f64, span: f64) -> String {
    match value {
        _ if value.abs() < 1e-9 * span => "0".into(),
        _ if value < 0.0 => format!("−{}", decade(-value)),
        _ => decade(value),
    }
}

impl Eigenvalues {
    /// The density of its eigenvalues; see [`Spectra::chart`].
    ///
    /// # Errors
    /// As [`Spectra::chart`].
    pub fn chart(&self) -> Result<Chart> {
        Spectra { spectra: vec![self.clone()], ..Spectra::default() }.chart()
    }
}
