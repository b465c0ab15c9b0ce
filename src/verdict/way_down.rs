//! When the regimes part: Figure 6 of the paper, and the sharpness of Table 3 where the training accuracy is the paper's.

use super::effect::{Effect, factor_of};
use super::finding::{Finding, failed, left_out, unreliable};
use super::gap::is_there;
use super::{
    Comparison, Form, Number, Outcome, Row, Sources, by_source, check_net, cut_short, mean_of, not_tested, verdicts,
};
use crate::error::{Error, Result};
use crate::paper::{PrintedSharpness, Table2};
use crate::record::Recorded;
use crate::sharpness::Reading;
use crate::spread::{Paired, Ratio};
use crate::train::Role;
use crate::way_down::{WayDown, WayPoint};

/// Sets a recorded and a live way down, of which one may be missing, beside the paper's accuracies and sharpness of a net.
///
/// Numbers are read where each trial's training accuracy is nearest to the paper's of its regime. Four claims are judged: with
/// each halving of its training loss the large batch's φ grows (the 95 % interval of the factor, over trials, lies above 1; the
/// largest f of all searches), and the small batch's does not (it lies below 1); the large batch's grows faster (the interval of
/// the difference, paired by trials); and where the training accuracies are the paper's, to within a point, the search from x
/// itself, the paper's protocol, finds the large batch sharper (the interval of the ratio lies above 1).
///
/// # Errors
/// As [`WayDown::of`], for the recorded run; [`Error::Parameter`] where there is neither record nor live run, or where one is of
/// another net than the paper's rows.
pub fn way_down(
    accuracies: &Table2,
    sharpness: &PrintedSharpness,
    recorded: Option<&Recorded>,
    live: Option<&WayDown>,
) -> Result<Comparison> {
    let kept = recorded.map(Recorded::way_down).transpose()?;
    let kept = kept.as_ref();
    check_net(
        accuracies.net,
        [sharpness.net].into_iter().chain([kept, live].into_iter().flatten().map(|way| &*way.net)),
    )?;
    let Some(epsilon) = live.or(kept).map(|way| way.epsilon) else {
        return Err(Error::parameter("recorded and live runs", 0, "be at least 1"));
    };
    let [recorded_column, live_column] = [kept, live].map(|way| way.map_or(Vec::new(), |way| column(accuracies, way)));
    let columns = [column_of_paper(accuracies, sharpness, epsilon), recorded_column, live_column];
    let [large, small, parting] = PARTING;
    let claims = [
        large,
        small,
        parting,
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

/// The first three claims about a live way down of any net on any data, without the paper's numbers.
pub fn parting(live: &WayDown) -> Comparison {
    let columns = [Role::Small, Role::Large].map(|role| {
        let change = live.named(role).and_then(|name| live.change(name, Reading::Largest).ok());
        change.map(|change| (change.difference.exp(), None))
    });
    let rows = rows(live.epsilon).into_iter().filter(|row| row.measure == FACTOR).collect();
    Comparison {
        rows: Row::filled(rows, &[Vec::new(), Vec::new(), columns.to_vec()]),
        sources: Sources::new(None, None, Some([&*live.net, &*live.data])),
        verdicts: verdicts(PARTING, [not_tested("no recorded run"), judge_parting(live)]),
    }
}

/// What is claimed of the way alone, wherever it is read.
const PARTING: [&str; 3] = [
    "With each halving of its training loss the large batch grows sharper.",
    "With each halving of its training loss the small batch grows flatter.",
    "The large batch's sharpness grows faster than the small one's.",
];

/// The measure of rows that have the change of φ.
const FACTOR: &str = "sharpness_factor";

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
            row("φ with each halving of the loss, largest: times", FACTOR, "train", Form::Significant),
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

/// The trials of a role where their training accuracy is the paper's; none where one does not come to within a point of it.
pub(super) fn there<'a>(accuracies: &Table2, way: &'a WayDown, role: Role) -> Vec<&'a WayPoint> {
    let asked = match role {
        Role::Small => accuracies.train_small,
        Role::Large => accuracies.train_large,
    };
    let points = way.named(role).map_or(Vec::new(), |name| way.where_accuracy(name, asked.mean / 100.0));
    let is_near = |point: &&WayPoint| is_there(point.row.train_accuracy, asked.mean);
    if points.iter().all(is_near) { points } else { Vec::new() }
}

/// φ of the large batch over that of the small one where their training accuracies are the paper's, by the search from x itself.
pub(super) fn sharper_there(accuracies: &Table2, way: &WayDown, printed: Option<f64>) -> Finding {
    let [small, large] = [Role::Small, Role::Large].map(|role| there(accuracies, way, role));
    if small.is_empty() || large.is_empty() {
        return nothing_there(way);
    }
    let phi = |points: &[&WayPoint]| points.iter().map(|point| point.from_zero).collect::<Vec<f64>>();
    let judged = Finding::by_test(Ratio::of(&phi(&large), &phi(&small)), |ratio| {
        Effect::from(ratio).of("φ, large over small batch").beside(printed)
    });
    judged.and(doubts(&[&small[..], &large].concat()))
}

/// What becomes of a claim where nothing can be read there, and why.
pub(super) fn nothing_there(way: &WayDown) -> Finding {
    let reason = match [Role::Small, Role::Large].iter().all(|role| way.named(*role).is_some()) {
        true => "not every trial comes to within a point of the paper's training accuracy",
        false => ONE_OF_EACH,
    };
    Finding::bare(Outcome::NotTested, reason)
}

const ONE_OF_EACH: &str = "there is not one regime of each role";

/// How many searches from x itself are unreliable.
pub(super) fn doubts(points: &[&WayPoint]) -> String {
    let doubtful = points.iter().filter(|point| !point.is_from_zero_trusted).count();
    unreliable(doubtful, points.len())
}

fn column(accuracies: &Table2, way: &WayDown) -> Vec<Number> {
    let of = |role: Role| -> [Number; 5] {
        let Some(name) = way.named(role) else { return [None; 5] };
        let points = there(accuracies, way, role);
        let mean = |of: fn(&WayPoint) -> f64| mean_of(&points.iter().map(|point| of(point)).collect::<Vec<_>>());
        [
            mean(|point| point.row.train_accuracy),
            mean(|point| point.row.test_accuracy),
            mean(|point| point.from_zero),
            mean(|point| point.largest),
            way.change(name, Reading::Largest).ok().map(|change| (change.difference.exp(), None)),
        ]
    };
    [of(Role::Small), of(Role::Large)].concat()
}

/// What is missing of a way, so that nothing is judged by it.
pub(super) fn incomplete(way: &WayDown) -> Option<String> {
    let unmeasured = || (way.unmeasured > 0).then(|| format!("the budget left out {} measures", way.unmeasured));
    cut_short(way.cut).or_else(unmeasured)
}

/// What the factors of single batches are of.
const HALVING: &str = "φ with each halving of the loss";

fn judge(accuracies: &Table2, sharpness: &PrintedSharpness, way: &WayDown) -> [Finding; 4] {
    let [large, small, parting] = judge_parting(way);
    let there = match incomplete(way) {
        Some(reason) => Finding::bare(Outcome::NotTested, reason),
        None => {
            let printed = sharpness.at(way.epsilon).map(|[small, large]| large.mean / small.mean);
            sharper_there(accuracies, way, printed).and(failed(way.failed)).and(left_out(way.diverged))
        }
    };
    [large, small, parting, there]
}

fn judge_parting(way: &WayDown) -> [Finding; 3] {
    if let Some(reason) = incomplete(way) {
        return not_tested(&reason);
    }
    let (Some(small), Some(large)) = (way.named(Role::Small), way.named(Role::Large)) else {
        return not_tested(ONE_OF_EACH);
    };
    let doubtful = way.points.iter().filter(|point| !point.is_trusted).count();
    let said = |change: Result<Paired>, effect: &dyn Fn(&Paired) -> Effect| {
        Finding::by_test(change, |change| effect(change)).and(unreliable(doubtful, way.points.len()))
    };
    let judged = [
        said(way.change(large, Reading::Largest), &|change| factor_of(change).of(HALVING)),
        said(way.change(small, Reading::Largest), &|change| factor_of(change).less().of(HALVING)),
        said(way.parting(large, small, Reading::Largest), &|change| {
            factor_of(change).of("its growth with each halving, large over small batch")
        }),
    ];
    judged.map(|judged| judged.and(failed(way.failed)).and(left_out(way.diverged)))
}
