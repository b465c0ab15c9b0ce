//! How far the batches go: §4 of the paper, and Hoffer et al. 2017.

use super::effect::{Effect, Judged, Unit, factor_of, left_out};
use super::{Comparison, Form, Number, Outcome, Row, column_sources, not_tested, verdicts};
use crate::distances::{DistanceRun, Distances};
use crate::error::Result;
use crate::paper::DISTANCE_RATIO;
use crate::record::Recorded;
use crate::spread::{Paired, Spread};
use crate::train::Role;

/// Sets live distances beside what the paper says of them, of all of its nets, and beside the recorded run.
///
/// Three claims are judged by intervals over trials: the small batch ends 3 to 10 times as far from the start as the large one (holds
/// where the whole 95 % interval of the ratio lies there, fails where all of it lies outside); and, of either batch, the distance
/// grows with the logarithm of the steps rather than with a power of them (the interval of what the power's law leaves minus what
/// the logarithm's leaves lies above 0).
///
/// # Errors
/// As [`Distances::of`], for the recorded run.
pub fn distances(recorded: Option<&Recorded>, live: &Distances) -> Result<Comparison> {
    let kept = recorded.map(Recorded::distances).transpose()?;
    let columns = [vec![None; ROWS], kept.as_ref().map_or(vec![None; ROWS], column), column(live)];
    let claims = [
        "The small batch ends 3 to 10 times as far from the start as the large one.",
        "The small batch's distance grows with the logarithm of its steps, not with a power.",
        "So does the large batch's.",
    ];
    let evidence = kept.as_ref().map_or_else(|| not_tested("no recorded run"), judge);
    Ok(Comparison {
        rows: Row::filled(rows(), &columns),
        sources: column_sources(
            "all six nets, a ratio of 3 to 10",
            recorded,
            &format!("{} on {}", live.net, live.data),
        ),
        verdicts: verdicts(claims, evidence, judge(live)),
    })
}

const ROWS: usize = 7;

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
        let Spread { mean, deviation, .. } = Spread::of(&values).ok()?;
        Some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
    };
    let each = |of: &dyn Fn(&DistanceRun) -> Option<f64>| [mean(Role::Small, of), mean(Role::Large, of)];
    let [small, large] = each(&|run| run.points.last().map(|(_, distance)| *distance));
    let ratio = ratio(distances).and_then(|ratio| ratio.ok()).map(|ratio| (ratio.difference.exp(), None));
    let mut column = vec![small, large, ratio];
    column.extend(each(&|run| run.law.map(|law| law.per_doubling)));
    column.extend(each(&|run| run.law.map(|law| law.power)));
    column
}

fn judge(distances: &Distances) -> [Judged; 3] {
    let range = match ratio(distances) {
        None => Judged::bare(Outcome::NotTested, "there is not one regime of each role"),
        Some(ratio) => Judged::by_test(ratio, |ratio| {
            let [least, most] = DISTANCE_RATIO;
            factor_of(ratio).between(least, most).labelled("small over large")
        }),
    };
    let law = |role: Role| match named(distances, role).map(|name| distances.logarithm_over_power(name)) {
        None => Judged::bare(Outcome::NotTested, format!("there is no {role} batch")),
        Some(test) => Judged::by_test(test, |test| {
            // In percent of the distance at the end.
            Effect::from(test).in_unit(Unit::Percent).labelled("left by the power − by the logarithm")
        }),
    };
    [range, law(Role::Small), law(Role::Large)].map(|judged| judged.and(left_out(distances.diverged)))
}
