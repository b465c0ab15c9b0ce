//! How far the batches go: §3 of the paper, and Hoffer et al. 2017.

use super::effect::{Effect, Unit, factor_of};
use super::finding::{Finding, left_out};
use super::{
    Comparison, Form, Number, Outcome, Row, Sources, by_source, check_source, cut_short, mean_of, not_tested, verdicts,
};
use crate::distances::{DistanceRun, Distances};
use crate::error::Result;
use crate::paper::DISTANCE_RATIO;
use crate::record::Recorded;
use crate::spread::Paired;
use crate::train::Role;

/// Sets recorded and live distances, of which one may be missing, beside what the paper says of them, of all of its nets.
///
/// Three claims are judged by intervals over trials: the small batch ends 3 to 10 times as far from the start as the large one
/// (holds where the whole 95 % interval of the ratio lies there, fails where all of it lies outside); and, of either batch, the
/// distance grows with the logarithm of the steps rather than with a power of them (the interval of what the power's law leaves
/// minus what the logarithm's leaves lies above 0).
///
/// # Errors
/// As [`Distances::of`], for the recorded run; [`Error::Parameter`](crate::Error::Parameter) where there is neither record nor
/// live run.
pub fn distances(recorded: Option<&Recorded>, live: Option<&Distances>) -> Result<Comparison> {
    check_source(&recorded, &live)?;
    let kept = recorded.map(Recorded::distances).transpose()?;
    let kept = kept.as_ref();
    let columns = [None, kept, live].map(|distances| distances.map_or(Vec::new(), column));
    let claims = [
        "The small batch ends 3 to 10 times as far from the start as the large one.",
        "The small batch's distance grows with the logarithm of its steps, not with a power.",
        "The large batch's distance grows with the logarithm of its steps, not with a power.",
    ];
    Ok(Comparison {
        rows: Row::filled(rows(), &columns),
        sources: Sources::new(
            String::from("all six nets, a ratio of 3 to 10"),
            recorded,
            live.map(|live| [&*live.net, &*live.data]),
        ),
        verdicts: verdicts(claims, [by_source(kept, "recorded", judge), by_source(live, "live", judge)]),
    })
}

fn rows() -> Vec<Row> {
    let row = |label: &str, measure, role: Option<Role>| Row {
        regime: role.map(|role| role.to_string()),
        ..Row::new(label, measure, Form::Plain)
    };
    let (small, large) = (Some(Role::Small), Some(Role::Large));
    vec![
        row("‖x − x₀‖ at the end, small batch", "distance", small),
        row("‖x − x₀‖ at the end, large batch", "distance", large),
        row("small over large: times", "ratio", None),
        row("more with each doubling of the steps, small batch", "slope", small),
        row("more with each doubling of the steps, large batch", "slope", large),
        row("power of the steps, small batch", "power", small),
        row("power of the steps, large batch", "power", large),
    ]
}

/// The name of the regime that has this role.
fn named(distances: &Distances, role: Role) -> Option<&str> {
    distances.runs.iter().find(|run| run.role == Some(role)).map(|run| run.regime.as_str())
}

fn ratio(distances: &Distances) -> Option<Result<Paired>> {
    Some(distances.ratio(named(distances, Role::Small)?, named(distances, Role::Large)?))
}

fn column(distances: &Distances) -> Vec<Number> {
    let mean = |role: Role, of: &dyn Fn(&DistanceRun) -> Option<f64>| -> Number {
        let values: Vec<f64> = distances.runs_of(named(distances, role)?).filter_map(of).collect();
        mean_of(&values)
    };
    let each = |of: &dyn Fn(&DistanceRun) -> Option<f64>| [mean(Role::Small, of), mean(Role::Large, of)];
    let [small, large] = each(&|run| run.points.last().map(|(_, distance)| *distance));
    let ratio = ratio(distances).and_then(|ratio| ratio.ok()).map(|ratio| (ratio.difference.exp(), None));
    let mut column = vec![small, large, ratio];
    column.extend(each(&|run| run.law.map(|law| law.per_doubling)));
    column.extend(each(&|run| run.law.map(|law| law.power)));
    column
}

fn judge(distances: &Distances) -> [Finding; 3] {
    if let Some(reason) = cut_short(distances.cut) {
        return not_tested(&reason);
    }
    let range = match ratio(distances) {
        None => Finding::bare(Outcome::NotTested, "there is not one regime of each role"),
        Some(ratio) => Finding::by_test(ratio, |ratio| {
            let [least, most] = DISTANCE_RATIO;
            factor_of(ratio).between(least, most).of("distance from the start, small over large batch")
        }),
    };
    let shrinks = |name: &&str| {
        distances.runs_of(name).any(|run| run.law.is_some_and(|law| law.per_doubling <= 0.0 || law.power <= 1e-6))
    };
    let law = |role: Role| match named(distances, role).map(|name| (name, distances.logarithm_over_power(name))) {
        None => Finding::bare(Outcome::NotTested, format!("there is no {role} batch")),
        Some((name, _)) if shrinks(&name) => {
            Finding::bare(Outcome::NotTested, "there is a trial whose distance does not grow with its steps")
        }
        Some((_, test)) => Finding::by_test(test, |test| {
            // In percent of the distance at the end.
            Effect::from(test)
                .in_unit(Unit::Percent)
                .of("misfit of a power law − misfit of a logarithm, % of the end's distance: above 0 the logarithm fits better")
        }),
    };
    [range, law(Role::Small), law(Role::Large)].map(|judged| judged.and(left_out(distances.diverged)))
}
