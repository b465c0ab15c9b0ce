//! Spectra as frames.

use super::{DataFrame, frame, number, text, whole};
use crate::error::Result;
use crate::spectrum::{Eigenvalue, Eigenvalues, Explained, Leading, Spectra};

/// A number of a spectrum.
struct Line<'a> {
    of: &'a Eigenvalues,
    measure: &'static str,
    rank: Option<u64>,
    threshold: Option<f64>,
    value: f64,
    standard_error: Option<f64>,
    residual: Option<f64>,
    status: Option<&'static str>,
}

fn lines(of: &Eigenvalues) -> Vec<Line<'_>> {
    let line = |measure, value| Line {
        of,
        measure,
        rank: None,
        threshold: None,
        value,
        standard_error: None,
        residual: None,
        status: None,
    };
    let mut lines = vec![line("loss", of.value)];
    for (measure, own) in [("largest", &of.largest), ("smallest", &of.smallest)] {
        lines.extend(own.iter().zip(1..).map(|(&Eigenvalue { value, residual, is_converged }, rank)| Line {
            rank: Some(rank),
            residual: Some(residual),
            status: Some(if is_converged { "converged" } else { "not converged" }),
            ..line(measure, value)
        }));
    }
    for (measure, estimate) in [("trace", of.trace()), ("squared norm", of.square())] {
        lines.push(Line { standard_error: estimate.standard_error, ..line(measure, estimate.value) });
    }
    for &threshold in &of.thresholds {
        let estimate = of.above(threshold);
        let remark = of.remark(threshold);
        lines.push(Line {
            threshold: Some(threshold),
            standard_error: estimate.standard_error,
            status: (!remark.is_empty()).then_some(remark),
            ..line("count above", estimate.value)
        });
    }
    lines.push(line("mass", of.mass()));
    lines.push(line("resolution", of.resolution()));
    lines.push(line("seconds", of.seconds));
    lines
}

impl Spectra {
    /// One row for each number of each spectrum. Columns: net, data, regime, role, batch, trial, epoch, split, points, weights, statistics,
    /// chunk, matrix, seed, steps, probes; measure ("loss", "largest", "smallest", "trace", "squared norm", "count above", "mass",
    /// "resolution", "seconds"), rank (1 is the outermost), threshold, value, standard_error (over probes), residual (of an
    /// eigenvalue), status.
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let all: Vec<Line<'_>> = self.spectra.iter().flat_map(lines).collect();
        let of = || all.iter().map(|line| line.of);
        let count = |number: usize| Some(number as u64);
        frame(vec![
            text("net", of().map(|own| Some(&own.net))),
            text("data", of().map(|own| Some(&own.data))),
            text("regime", of().map(|own| own.regime.as_ref())),
            text("role", of().map(|own| own.role.map(|role| role.to_string()))),
            whole("batch", of().map(|own| own.batch.and_then(count))),
            whole("trial", of().map(|own| own.trial.and_then(count))),
            whole("epoch", of().map(|own| own.epoch.and_then(count))),
            text("split", of().map(|own| Some(own.split.to_string()))),
            whole("points", of().map(|own| count(own.points))),
            whole("weights", of().map(|own| count(own.weights))),
            text("statistics", of().map(|own| Some(own.objective.whose().to_string()))),
            whole("chunk", of().map(|own| count(own.objective.most()))),
            text("matrix", of().map(|own| Some(own.matrix_name()))),
            whole("seed", of().map(|own| Some(own.seed))),
            whole("steps", of().map(|own| count(own.steps))),
            whole("probes", of().map(|own| count(own.probes.len()))),
            text("measure", all.iter().map(|line| Some(line.measure))),
            whole("rank", all.iter().map(|line| line.rank)),
            number("threshold", all.iter().map(|line| line.threshold)),
            number("value", all.iter().map(|line| Some(line.value))),
            number("standard_error", all.iter().map(|line| line.standard_error)),
            number("residual", all.iter().map(|line| line.residual)),
            text("status", all.iter().map(|line| line.status)),
        ])
    }
}

impl Eigenvalues {
    /// One row for each number; see [`Spectra::frame`].
    ///
    /// # Errors
    /// As [`Spectra::frame`].
    pub fn frame(&self) -> Result<DataFrame> {
        Spectra { spectra: vec![self.clone()], ..Spectra::default() }.frame()
    }
}

impl Explained {
    /// One row for each k. Columns: net, data, split, points, weights; directions (k), eigenvalue (that of the last of them), and the
    /// fractions that the first k directions carry: length (of ‖d‖²), curvature (of dᵀHd), growth (of f(x + d) − f(x)).
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let all = || self.leading.iter();
        let of = |value: fn(&Leading) -> f64| all().map(move |own| Some(value(own)));
        frame(vec![
            text("net", all().map(|_| Some(&self.net))),
            text("data", all().map(|_| Some(&self.data))),
            text("split", all().map(|_| Some(self.split.to_string()))),
            whole("points", all().map(|_| Some(self.points as u64))),
            whole("weights", all().map(|_| Some(self.weights as u64))),
            whole("directions", all().map(|own| Some(own.directions as u64))),
            number("eigenvalue", of(|own| own.eigenvalue)),
            number("length", of(|own| own.length)),
            number("curvature", of(|own| own.curvature)),
            number("growth", of(|own| own.growth)),
        ])
    }
}
