//! Whether there are many large positive eigenvalues: the paper's central sentence.

use super::effect::{Effect, Unit};
use super::finding::{Finding, left_out};
use super::{Comparison, Form, Number, Outcome, Row, Sources, by_record, by_source, mean_of, not_tested, verdicts};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::record::Recorded;
use crate::spectrum::{Eigenvalue, Eigenvalues, Spectra};
use crate::spread::{Ratio, Welch};
use crate::train::Role;

/// Sets the spectra of a recorded and of a live pair, of which one may be missing, side by side. The paper computes no
/// eigenvalue, so its column is empty.
///
/// Three claims are judged by the 95 % interval of the ratio, large batch over small one, over trials: the large batch's Hessian
/// has more large positive eigenvalues (at every threshold that is not finer than the resolution); the largest of them is larger;
/// and their sum, the trace, is.
///
/// # Errors
/// [`Error::Parameter`] where there is no spectrum, or where those of one source are of several matrices, nets or data.
pub fn spectrum(recorded: Option<&Recorded>, live: Option<&Spectra>) -> Result<Comparison> {
    let kept = recorded.and_then(|recorded| recorded.spectra.as_ref());
    if live.or(kept).is_none_or(|spectra| spectra.spectra.is_empty()) {
        return Err(Error::parameter("spectra", 0, "be at least 1"));
    }
    kept.into_iter().chain(live).try_for_each(Spectra::check)?;
    let mut thresholds: Vec<f64> = kept.into_iter().chain(live).flat_map(Spectra::thresholds).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let all = || kept.into_iter().chain(live).flat_map(|spectra| &spectra.spectra);
    let is_finer = |own: &Eigenvalues, threshold| !own.remark(threshold).is_empty();
    let finest = |threshold: f64| all().any(|own| own.thresholds.contains(&threshold) && is_finer(own, threshold));
    let thresholds: Vec<Threshold> = thresholds.into_iter().map(|threshold| (threshold, finest(threshold))).collect();
    let columns = [None, kept, live].map(|spectra| spectra.map_or(Vec::new(), |spectra| column(spectra, &thresholds)));
    let claims = [
        "The large batch's Hessian has more large positive eigenvalues.",
        "The largest eigenvalue of the large batch's Hessian is larger.",
        "The trace of the large batch's Hessian is larger.",
    ];
    Ok(Comparison {
        rows: Row::filled(rows(&thresholds), &columns),
        sources: Sources::new(
            String::from("no eigenvalue"),
            recorded,
            live.and_then(|live| live.spectra.first()).map(|first| [&*first.net, &*first.data]),
        ),
        verdicts: verdicts(claims, [by_record(recorded, kept, judge), by_source(live, "live", judge)]),
    })
}

/// What is set side by side, of each regime; NaN where a spectrum lacks it.
type Measure = Box<dyn Fn(&Eigenvalues) -> f64>;

/// The outermost of these; NaN where it is a bound alone.
fn converged(eigenvalues: &[Eigenvalue]) -> f64 {
    eigenvalues.first().filter(|first| first.is_converged).map_or(f64::NAN, |first| first.value)
}

/// Each threshold, and whether it is finer than the resolution of a spectrum.
type Threshold = (f64, bool);

fn measures(thresholds: &[Threshold]) -> Vec<(String, &'static str, Measure)> {
    let mut measures: Vec<(String, &'static str, Measure)> = vec![
        ("f(x), nats".into(), "loss", Box::new(|own| own.value)),
        ("largest eigenvalue".into(), "largest", Box::new(|own| converged(&own.largest))),
        ("smallest eigenvalue".into(), "smallest", Box::new(|own| converged(&own.smallest))),
        ("trace".into(), "trace", Box::new(|own| own.trace().value)),
        ("‖H‖_F".into(), "norm", Box::new(|own| own.square().value.sqrt())),
    ];
    for &(threshold, is_finer) in thresholds {
        let count = move |own: &Eigenvalues| {
            if own.thresholds.contains(&threshold) { own.above(threshold).value } else { f64::NAN }
        };
        let remark = if is_finer { ", finer than the resolution" } else { "" };
        measures.push((format!("eigenvalues above {threshold}{remark}"), "count", Box::new(count)));
    }
    measures
}

fn rows(thresholds: &[Threshold]) -> Vec<Row> {
    let row = |label: &str, measure, role: Role| Row {
        regime: Some(role.to_string()),
        split: Some("train"),
        ..Row::new(&format!("{label}, {role} batch"), measure, Form::Significant)
    };
    let both = |(label, measure, _): (String, &'static str, Measure)| {
        [Role::Small, Role::Large].map(|role| row(&label, measure, role))
    };
    measures(thresholds).into_iter().flat_map(both).collect()
}

fn column(spectra: &Spectra, thresholds: &[Threshold]) -> Vec<Number> {
    let number = |role: Role, of: &Measure| -> Number {
        // Where one of the trials lacks it, the mean would be of others.
        let values = spectra.of_role(role, of);
        if values.iter().any(|value| !value.is_finite()) { None } else { mean_of(&values) }
    };
    let all = measures(thresholds);
    all.iter().flat_map(|(_, _, of)| [Role::Small, Role::Large].map(|role| number(role, of))).collect()
}

fn judge(spectra: &Spectra) -> [Finding; 3] {
    if spectra.unmeasured > 0 {
        return not_tested(&format!("the budget left out {} spectra", spectra.unmeasured));
    }
    let both = |of: &Measure| [Role::Large, Role::Small].map(|role| spectra.of_role(role, of));
    let ratio = |of: Measure| {
        let [large, small] = both(&of);
        Ratio::of(&large, &small)
    };
    let one = |of: Measure| Finding::by_test(ratio(of), |ratio| Effect::from(ratio).of("large over small batch"));
    let ends: Vec<&Eigenvalues> = [Role::Small, Role::Large].into_iter().flat_map(|role| spectra.ends(role)).collect();
    let finest = ends.iter().map(|own| own.resolution()).fold(0.0, f64::max);
    let wanted = spectra.thresholds().into_iter().filter(|threshold| *threshold >= finest);
    let counts = wanted.filter_map(|threshold| {
        let count: Measure = Box::new(move |own| own.above(threshold).value);
        let [large, small] = both(&count);
        // Where neither batch has one, nothing is compared.
        if large.iter().chain(&small).all(|count| *count == 0.0) {
            return None;
        }
        let label = format!("above {threshold}");
        let effect = match large.iter().chain(&small).all(|count| *count > 0.0) {
            true => Ratio::of(&large, &small)
                .map(|ratio| Effect::from(&ratio).of("large over small batch").labelled(label.clone())),
            // A count of 0 has no ratio.
            false => Welch::test(&large, &small).map(|test| {
                let effect = Effect::from(&test).in_unit(Unit::Count).of("eigenvalues, large − small batch");
                effect.labelled(format!("{label}, difference"))
            }),
        };
        Some(effect.map_err(|reason| format!("no test {label}: {reason}")))
    });
    let counts: Vec<_> = counts.collect();
    let counts = match counts.is_empty() {
        true => {
            let reason =
                format!("no threshold above the resolution of {} has an eigenvalue above it", significant(finest));
            Finding::bare(Outcome::NotTested, reason)
        }
        false => Finding::by_boxes(counts),
    };
    let missed = ends.iter().filter(|own| !own.largest.first().is_some_and(|first| first.is_converged)).count();
    let largest = ratio(Box::new(|own| own.largest.first().map_or(f64::NAN, |first| first.value)));
    let largest = Finding::by_test(largest, |ratio| {
        // One that has not converged is a lower bound.
        Effect::from(ratio).of("large over small batch").trusted(missed == 0)
    });
    let largest = match missed {
        0 => largest,
        missed => {
            largest.and(format!("the largest eigenvalue of {missed} of {} spectra has not converged", ends.len()))
        }
    };
    let trace = one(Box::new(|own| own.trace().value));
    [counts, largest, trace].map(|judged| judged.and(left_out(spectra.diverged)))
}
