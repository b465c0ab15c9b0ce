//! What becomes of a spectrum along runs.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::panel::{Across, Marks, Panel};
use super::{Chart, INK, Key, bounds, decade, draw_key, marks, of_regime, picture};
use crate::error::Result;
use crate::spectrum::{Eigenvalues, Spectra};

/// One number of a spectrum, with its name.
type Measure<'a> = (String, Box<dyn Fn(&Eigenvalues) -> f64 + 'a>);

/// Largest eigenvalue, trace and the count above the least threshold that is not finer than the resolution, against f(x), all axes
/// logarithmic. A mark is a spectrum; a line joins those of a regime by f(x). What is 0 or below has no place.
pub(super) fn chart(spectra: &Spectra) -> Result<Chart> {
    let all = &spectra.spectra;
    let mut names: Vec<&str> = Vec::new();
    for name in all.iter().filter_map(|own| own.regime.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let look = |place: usize| {
        let role = all.iter().find(|own| own.regime.as_deref() == Some(names[place])).and_then(|own| own.role);
        of_regime(role, place)
    };
    let finest = all.iter().map(Eigenvalues::resolution).fold(0.0, f64::max);
    let threshold = spectra.thresholds().into_iter().filter(|threshold| *threshold >= finest).reduce(f64::min);
    let mut measures: Vec<Measure<'_>> = vec![
        ("largest eigenvalue".into(), Box::new(|own| own.largest.first().map_or(f64::NAN, |first| first.value))),
        ("trace".into(), Box::new(|own| own.trace().value)),
    ];
    if let Some(threshold) = threshold {
        measures.push((format!("eigenvalues above {threshold}"), Box::new(move |own| own.above(threshold).value)));
    }
    let panels: Vec<(String, Vec<Marks>)> = measures
        .into_iter()
        .map(|(title, of)| {
            let own = |place: usize| {
                let points = all.iter().filter(|own| own.regime.as_deref() == Some(names[place]));
                let points = points.map(|own| (own.value, of(own))).filter(|(loss, value)| *loss > 0.0 && *value > 0.0);
                Marks::geometric(points.collect(), look(place), true)
            };
            (title, (0..names.len()).map(own).collect())
        })
        .collect();
    let losses = panels.iter().flat_map(|(_, marks)| marks).flat_map(|marks| &marks.points).map(|(loss, _)| *loss);
    let (least, most) = bounds(losses);
    // Three narrow panels have no room for all round numbers.
    let ticks = marks(least, most).into_iter().filter(|tick| tick.log10().fract().abs() < 1e-9).collect();
    let across = Across { name: "f(x), nats (log scale)", range: least..most, ticks, label: decade };
    let keys: Vec<Key> = names
        .iter()
        .enumerate()
        .map(|(place, name)| Key::circle(&format!("{name} batch, after its epochs"), look(place), true))
        .collect();
    let subject = all.first().map_or(String::new(), Eigenvalues::subject);
    let words = format!("Chart: spectra along runs against f(x), {subject}, regimes {}", names.join(" and "));
    picture((960, 370 + Key::height(&keys)), words, |area| {
        let (title, below) = area.split_vertically(30);
        let style = ("sans-serif", 17).into_font().color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
        title.draw(&Text::new(subject, (480, 18), style))?;
        let (charts, legend) = below.split_vertically(340);
        for ((title, marks), place) in panels.iter().zip(charts.split_evenly((1, panels.len()))) {
            let panel = Panel { title: title.clone(), across: across.clone(), axis: "(log scale)", marks, fit: None };
            panel.draw_log(&place)?;
        }
        draw_key(&legend, &keys)
    })
}
