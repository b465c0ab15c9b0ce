//! When the regimes part: Figure 6 of the paper, and the sharpness of Table 3 where the training accuracy is the paper's.

use super::effect::{Effect, factor_of};
use super::finding::{Finding, left_out, unreliable};
use super::{Comparison, Form, Number, Row, Sources, by_source, not_tested, verdicts};
use crate::error::{Error, Result};
use crate::paper::{PrintedSharpness, Table2};
use crate::record::Recorded;
use crate::sharpness::Reading;
use crate::spread::{Paired, Ratio, Spread};
use crate::train::Role;
use crate::way_down::{WayDown, WayPoint};

/// Sets a recorded and a live way down, of which one may be missing, beside the paper's accuracies and sharpness of a net.
///
/// Numbers are read where each trial's training accuracy is nearest to the paper's of its regime. Four claims are judged: with
/// each halving of its training loss the large batch's φ grows (the 95 % interval of the factor, over trials, lies above 1; the
/// largest f of all searches), and the small batch's does not (it lies below 1); the large batch's grows faster (the interval of
/// the difference, paired by trials); and where the training accuracies are the paper's, the search from x itself, the paper's
/// protocol, finds the large batch sharper (the interval of the ratio lies above 1).
///
/// # Errors
/// As [`WayDown::of`], for the recorded run; [`Error::Parameter`] where there is neither record nor live run.
pub fn way_down(
    accuracies: &Table2,
    sharpness: &PrintedSharpness,
    recorded: Option<&Recorded>,
    live: Option<&WayDown>,
) -> Result<Comparison> {
    let kept = recorded.map(Recorded::way_down).transpose()?;
    let kept = kept.as_ref();
    let Some(epsilon) = live.or(kept).map(|way| way.epsilon) else {
        return Err(Error::parameter("recorded and live runs", 0, "be at least 1"));
    };
    let [recorded_column, live_column] = [kept, live].map(|way| way.map_or(Vec::new(), |way| column(accuracies, way)));
    let columns = [column_of_paper(accuracies, sharpness, epsilon), recorded_column, live_column];
    let claims = [
        "With each halving of its training loss the large batch grows sharper.",
        "With each halving of its training loss the small batch grows flatter.",
        "The large batch's sharpness grows faster than the small one's.",
        "Where the training accuracies are the paper's, ten iterations from x itself find the large batch sharper.",
    ];
    let judge = |way: &WayDown| judge(accuracies, sharpness, way);
    Ok(Comparison {
        rows: Row::filled(rows(epsilon), &columns),
        sources: Sources::new(
            format!("{} on {}", accuracies.net, accuracies.data),
            recorded,
            live.map(|live| [&*live.net, &*live.data]),
        ),
        verdicts: verdicts(claims, [by_source(kept, "recorded", judge), by_source(live, "live", judge)]),
    })
}

fn rows(epsilon: f64) -> Vec<Row> {
    let of = |role: Role| {
        let row = |label: &str, measure, split, form| Row {
            regime: Some(role.to_string()),
            split: Some(split),
            epsilon: Some(epsilon),
            ..Row::new(&format!("{label}, {role} batch"), measure, form)
        };
        [
            row("training % where it is read", "accuracy", "train", Form::Percent),
            row("test % there", "accuracy", "test", Form::Percent),
            row("φ there, %, from zero", "sharpness_from_zero", "train", Form::Significant),
            row("φ there, %, largest", "sharpness", "train", Form::Significant),
            row("φ with each halving of the loss, largest: times", "sharpness_factor", "train", Form::Significant),
        ]
    };
    [of(Role::Small), of(Role::Large)].concat()
}

fn column_of_paper(accuracies: &Table2, sharpness: &PrintedSharpness, epsilon: f64) -> Vec<Number> {
    let printed = |number: crate::paper::Printed| Some((number.mean, Some(number.deviation)));
    let share = |number: crate::paper::Printed| Some((number.mean / 100.0, Some(number.deviation / 100.0)));
    let [small, large] = sharpness.at(epsilon).map_or([None, None], |both| both.map(printed));
    let Table2 { train_small, train_large, test_small, test_large, .. } = *accuracies;
    let of = |train, test, phi| [share(train), share(test), phi, None, None];
    [of(train_small, test_small, small), of(train_large, test_large, large)].concat()
}

/// The regime of a role, and its trials where their training accuracy is the paper's.
fn there<'a>(accuracies: &Table2, way: &'a WayDown, role: Role) -> Option<(&'a str, Vec<&'a WayPoint>)> {
    let name = way.named(role)?;
    let asked = match role {
        Role::Small => accuracies.train_small,
        Role::Large => accuracies.train_large,
    };
    Some((name, way.where_accuracy(name, asked.mean / 100.0)))
}

fn column(accuracies: &Table2, way: &WayDown) -> Vec<Number> {
    let of = |role: Role| -> [Number; 5] {
        let Some((name, points)) = there(accuracies, way, role) else { return [None; 5] };
        let mean = |of: &dyn Fn(&WayPoint) -> f64| -> Number {
            let Spread { mean, deviation, .. } =
                Spread::of(&points.iter().map(|point| of(point)).collect::<Vec<_>>()).ok()?;
            Some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
        };
        [
            mean(&|point| point.row.train_accuracy),
            mean(&|point| point.row.test_accuracy),
            mean(&|point| point.from_zero),
            mean(&|point| point.largest),
            way.change(name, Reading::Largest).ok().map(|change| (change.difference.exp(), None)),
        ]
    };
    [of(Role::Small), of(Role::Large)].concat()
}

/// What the factors of single batches are of.
const HALVING: &str = "φ with each halving of the loss";

fn judge(accuracies: &Table2, sharpness: &PrintedSharpness, way: &WayDown) -> [Finding; 4] {
    if way.unmeasured > 0 {
        return not_tested(&format!("the budget left out {} measures", way.unmeasured));
    }
    let (Some((small, at_small)), Some((large, at_large))) =
        (there(accuracies, way, Role::Small), there(accuracies, way, Role::Large))
    else {
        return not_tested("there is not one regime of each role");
    };
    let doubtful = way.points.iter().filter(|point| !point.is_trusted).count();
    let said = |change: Result<Paired>, effect: &dyn Fn(&Paired) -> Effect| {
        Finding::by_test(change, |change| effect(change)).and(unreliable(doubtful, way.points.len()))
    };
    let phi = |points: &[&WayPoint]| points.iter().map(|point| point.from_zero).collect::<Vec<f64>>();
    let printed = sharpness.at(way.epsilon).map(|[small, large]| large.mean / small.mean);
    let sharper = Finding::by_test(Ratio::of(&phi(&at_large), &phi(&at_small)), |ratio| {
        Effect::from(ratio).of("φ, large over small batch").beside(printed)
    });
    let judged = [
        said(way.change(large, Reading::Largest), &|change| factor_of(change).of(HALVING)),
        said(way.change(small, Reading::Largest), &|change| factor_of(change).less().of(HALVING)),
        said(way.parting(large, small, Reading::Largest), &|change| {
            factor_of(change).of("its growth with each halving, large over small batch")
        }),
        sharper,
    ];
    judged.map(|judged| judged.and(left_out(way.diverged)))
}
