//! Whether there are many large positive eigenvalues: the paper's central sentence.

use super::effect::Effect;
use super::finding::{Finding, left_out};
use super::{Comparison, Form, Number, Outcome, Row, Sources, by_source, not_tested, verdicts};
use crate::display::significant;
use crate::error::{Error, Result};
use crate::record::Recorded;
use crate::spectrum::{Eigenvalues, Spectra};
use crate::spread::{Ratio, Spread};
use crate::train::Role;

/// Sets the spectra of a recorded and of a live pair, of which one may be missing, side by side. The paper computes no
/// eigenvalue, so its column is empty.
///
/// Three claims are judged by the 95 % interval of the ratio, large batch over small one, over trials: the large batch's Hessian
/// has more large positive eigenvalues (at every threshold that is not finer than the resolution); the largest of them is larger;
/// and their sum, the trace, is.
///
/// # Errors
/// [`Error::Parameter`] where there is no spectrum.
pub fn spectrum(recorded: Option<&Recorded>, live: Option<&Spectra>) -> Result<Comparison> {
    let kept = recorded.and_then(|recorded| recorded.spectra.as_ref());
    if live.or(kept).is_none_or(|spectra| spectra.spectra.is_empty()) {
        return Err(Error::parameter("spectra", 0, "be at least 1"));
    }
    let mut thresholds: Vec<f64> = kept.into_iter().chain(live).flat_map(Spectra::thresholds).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
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
        verdicts: verdicts(claims, [by_source(kept, "recorded", judge), by_source(live, "live", judge)]),
    })
}

/// What is set side by side, of each regime; NaN where a spectrum lacks it.
type Measure = Box<dyn Fn(&Eigenvalues) -> f64>;

fn measures(thresholds: &[f64]) -> Vec<(String, &'static str, Measure)> {
    let mut measures: Vec<(String, &'static str, Measure)> = vec![
        ("f(x), nats".into(), "loss", Box::new(|own| own.value)),
        (
            "largest eigenvalue".into(),
            "largest",
            Box::new(|own| own.largest.first().map_or(f64::NAN, |first| first.value)),
        ),
        (
            "smallest eigenvalue".into(),
            "smallest",
            Box::new(|own| own.smallest.first().map_or(f64::NAN, |first| first.value)),
        ),
        ("trace".into(), "trace", Box::new(|own| own.trace().value)),
        ("‖H‖_F".into(), "norm", Box::new(|own| own.square().value.sqrt())),
    ];
    for &threshold in thresholds {
        let count = move |own: &Eigenvalues| {
            if own.thresholds.contains(&threshold) { own.above(threshold).value } else { f64::NAN }
        };
        measures.push((format!("eigenvalues above {threshold}"), "count", Box::new(count)));
    }
    measures
}

fn rows(thresholds: &[f64]) -> Vec<Row> {
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

fn column(spectra: &Spectra, thresholds: &[f64]) -> Vec<Number> {
    let number = |role: Role, of: &Measure| -> Number {
        let mut values = spectra.of_role(role, of);
        values.retain(|value| value.is_finite());
        let Spread { mean, deviation, .. } = Spread::of(&values).ok()?;
        Some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
    };
    let all = measures(thresholds);
    all.iter().flat_map(|(_, _, of)| [Role::Small, Role::Large].map(|role| number(role, of))).collect()
}

fn judge(spectra: &Spectra) -> [Finding; 3] {
    if spectra.unmeasured > 0 {
        return not_tested(&format!("the budget left out {} spectra", spectra.unmeasured));
    }
    let ratio = |of: Measure| Ratio::of(&spectra.of_role(Role::Large, &of), &spectra.of_role(Role::Small, &of));
    let one = |of: Measure| Finding::by_test(ratio(of), |ratio| Effect::from(ratio).of("large over small batch"));
    let finest = spectra.spectra.iter().map(Eigenvalues::resolution).fold(0.0, f64::max);
    let wanted = spectra.thresholds().into_iter().filter(|threshold| *threshold >= finest);
    let counts = wanted.map(|threshold| {
        let ratio = ratio(Box::new(move |own| own.above(threshold).value));
        let effect =
            ratio.map(|ratio| Effect::from(&ratio).of("large over small batch").labelled(format!("above {threshold}")));
        effect.map_err(|reason| format!("above {threshold} none: {reason}"))
    });
    let counts: Vec<_> = counts.collect();
    let counts = match counts.is_empty() {
        true => {
            let reason = format!("no threshold is above the resolution of {}", significant(finest));
            Finding::bare(Outcome::NotTested, reason)
        }
        false => Finding::by_boxes(counts),
    };
    let largest = one(Box::new(|own| own.largest.first().map_or(f64::NAN, |first| first.value)));
    let trace = one(Box::new(|own| own.trace().value));
    [counts, largest, trace].map(|judged| judged.and(left_out(spectra.diverged)))
}
