//! Was the paper's net trained to the end? Its numbers of sharpness against ours where the training accuracy is the paper's.

use super::effect::Effect;
use super::finding::{Finding, failed, left_out};
use super::sharpness::printed_in;
use super::way_down::{doubts, incomplete, nothing_there, sharper_there, there};
use super::{Comparison, Form, Number, Outcome, Row, Sources, Verdict, check_net, mean_of};
use crate::error::{Error, Result};
use crate::paper::{Printed, Table2, is_of, table2, table3, table4};
use crate::record::Recorded;
use crate::sharpness::Space;
use crate::spread::{Spread, Welch};
use crate::train::Role;
use crate::way_down::{WayDown, WayPoint};

/// Within what factor of the paper's number ours is said to have its size.
const FACTOR: f64 = 2.0;

/// Sets each number that the paper prints of a net's sharpness (Tables 3 and 4) against the trials of ways down, each read where
/// its training accuracy is nearest to the paper's (Table 2), if every trial comes to within a point of it: φ by the search from x
/// itself, the paper's protocol as far as it is specified.
///
/// The first claim is about the gap of test accuracies there, and one for each regime is that its test accuracy is the paper's to
/// within half of the paper's gap. In each box one is that the large batch is sharper there, and one for each regime that its φ is
/// the paper's to within a factor of 2. Such a claim holds where the whole 95 % interval (of the difference; of the ratio of
/// geometric means) lies there, and fails where all of it lies outside. The paper's five trials enter by their mean and deviation,
/// as if φ were log-normal. On other data than the paper's its numbers are not tested.
///
/// # Errors
/// [`Error::Parameter`] for a net that is not in the tables, where there is no way, one of another net, or two in one box.
pub fn operating_point(net: &str, recorded: Option<&Recorded>, live: &[WayDown]) -> Result<Comparison> {
    let accuracies = table2(net)?;
    let tables = [table3(net)?, table4(net)?];
    let kept = recorded.map_or(Ok(Vec::new()), Recorded::ways_down)?;
    if live.is_empty() && kept.is_empty() {
        return Err(Error::parameter("ways down", 0, "be at least 1"));
    }
    check_net(accuracies.net, kept.iter().chain(live).map(|way| &*way.net))?;
    let mut boxes: Vec<(Space, f64)> = Vec::new();
    for own in [&kept[..], live] {
        for (place, way) in own.iter().enumerate() {
            let one = (way.space, way.epsilon);
            if own[..place].iter().any(|other| (other.space, other.epsilon) == one) {
                let given = format!("twice {}, ε = {:e}", way.space, way.epsilon);
                return Err(Error::parameter("boxes of ways down", given, "differ"));
            }
            if !boxes.contains(&one) {
                boxes.push(one);
            }
        }
    }
    // As the paper's tables: the full space, then directions; the larger box first.
    boxes.sort_by(|(space, epsilon), (other, less)| {
        (*space != Space::Full).cmp(&(*other != Space::Full)).then(less.total_cmp(epsilon))
    });
    let first = [kept.first(), live.first()];
    let mut rows = accuracy_rows(&accuracies, first);
    let [recorded_gap, live_gap] = first.map(|way| by_way(way, |way| judge_gap(&accuracies, way)));
    let claim = "The large batch generalizes worse: its test accuracy is lower there.".to_string();
    let mut verdicts = vec![Verdict { claim, recorded: recorded_gap, live: live_gap }];
    for role in [Role::Small, Role::Large] {
        let printed = of_role(role, [accuracies.test_small, accuracies.test_large]);
        let margin = half_of_gap(&accuracies);
        let claim = format!(
            "{} batch: its test accuracy there is the paper's {:.2} % to within {margin:.2} points, half of the paper's gap.",
            capital(role),
            printed.mean
        );
        let [recorded, live] = first.map(|way| by_way(way, |way| judge_test(&accuracies, way, role, printed)));
        verdicts.push(Verdict { claim, recorded, live });
    }
    for (space, epsilon) in boxes {
        let of = |ways: &'_ [WayDown]| ways.iter().position(|way| (way.space, way.epsilon) == (space, epsilon));
        let ours = [of(&kept).map(|place| &kept[place]), of(live).map(|place| &live[place])];
        let printed = printed_in(tables.each_ref(), space, epsilon);
        if let Some([small, large]) = printed {
            let claim = format!("Large batch, {space}, ε = {epsilon:e}: it is sharper there than the small one.");
            let ratio = Some(large.mean / small.mean);
            let [recorded, live] = ours.map(|way| by_way(way, |way| sharper_there(&accuracies, way, ratio)));
            verdicts.push(Verdict { claim, recorded, live });
        }
        for role in [Role::Small, Role::Large] {
            let printed = printed.map(|both| of_role(role, both));
            let number = |way: Option<&WayDown>| mean_there(&accuracies, way?, role, &|point| point.from_zero);
            let label = format!("φ there, %, {role} batch, {space}, ε = {epsilon:e}");
            rows.push(Row {
                regime: Some(role.to_string()),
                split: Some("train"),
                along: Some(space.to_string()),
                epsilon: Some(epsilon),
                cells: [
                    printed.map(|printed| (printed.mean, Some(printed.deviation))),
                    number(ours[0]),
                    number(ours[1]),
                ],
                ..Row::new(&label, "sharpness_from_zero", Form::Significant)
            });
            let Some(printed) = printed else { continue };
            let claim = format!(
                "{} batch, {space}, ε = {epsilon:e}: φ is the paper's {:.2} to within a factor of {FACTOR}.",
                capital(role),
                printed.mean
            );
            let [recorded, live] = ours.map(|way| by_way(way, |way| judge(&accuracies, way, role, printed)));
            verdicts.push(Verdict { claim, recorded, live });
        }
    }
    let live = live.first().map(|first| [&*first.net, &*first.data]);
    let paper = format!("{} on {}", accuracies.net, accuracies.data);
    Ok(Comparison { rows, sources: Sources::new(paper, recorded, live), verdicts })
}

/// The small batch's, or the large one's.
fn of_role<T>(role: Role, [small, large]: [T; 2]) -> T {
    match role {
        Role::Small => small,
        Role::Large => large,
    }
}

fn capital(role: Role) -> &'static str {
    of_role(role, ["Small", "Large"])
}

/// Half of the paper's gap, in points: a test accuracy that is as near is said to be the paper's.
fn half_of_gap(accuracies: &Table2) -> f64 {
    (accuracies.test_small.mean - accuracies.test_large.mean).abs() / 2.0
}

fn mean_there(accuracies: &Table2, way: &WayDown, role: Role, of: &dyn Fn(&WayPoint) -> f64) -> Number {
    mean_of(&there(accuracies, way, role).into_iter().map(of).collect::<Vec<_>>())
}

/// Training and test accuracy there, and the epoch.
fn accuracy_rows(accuracies: &Table2, sources: [Option<&WayDown>; 2]) -> Vec<Row> {
    let share = |number: Printed| Some((number.mean / 100.0, Some(number.deviation / 100.0)));
    let mut rows = Vec::new();
    for role in [Role::Small, Role::Large] {
        let train = of_role(role, [accuracies.train_small, accuracies.train_large]);
        let test = of_role(role, [accuracies.test_small, accuracies.test_large]);
        let mut push = |label: &str, measure, form, paper: Number, of: &dyn Fn(&WayPoint) -> f64| {
            let [recorded, live] = sources.map(|way| mean_there(accuracies, way?, role, of));
            rows.push(Row {
                regime: Some(role.to_string()),
                cells: [paper, recorded, live],
                ..Row::new(&format!("{label}, {role} batch"), measure, form)
            });
        };
        push("training % where it is read", "accuracy", Form::Percent, share(train), &|point| point.row.train_accuracy);
        push("test % there", "accuracy", Form::Percent, share(test), &|point| point.row.test_accuracy);
        push("epochs until there", "epochs", Form::Plain, None, &|point| point.row.epoch as f64);
    }
    rows
}

fn judge_gap(accuracies: &Table2, way: &WayDown) -> Finding {
    let tests = [Role::Small, Role::Large].map(|role| {
        there(accuracies, way, role).iter().map(|point| 100.0 * point.row.test_accuracy).collect::<Vec<f64>>()
    });
    let [small, large] = &tests;
    if small.is_empty() || large.is_empty() {
        return nothing_there(way);
    }
    let printed = accuracies.test_small.mean - accuracies.test_large.mean;
    Finding::by_test(Welch::test(small, large), |test| {
        Effect::from(test).of("test accuracy, small − large batch").beside(Some(printed))
    })
}

fn judge_test(accuracies: &Table2, way: &WayDown, role: Role, printed: Printed) -> Finding {
    if let Some(other) = other_data(accuracies, way) {
        return other;
    }
    let tests: Vec<f64> = there(accuracies, way, role).iter().map(|point| 100.0 * point.row.test_accuracy).collect();
    if tests.is_empty() {
        return nothing_there(way);
    }
    let margin = half_of_gap(accuracies);
    Finding::by_test(Spread::of(&tests).and_then(|ours| Welch::of_spreads(ours, printed.spread())), |test| {
        Effect::from(test).between(-margin, margin).of("test accuracy, ours − the paper's")
    })
}

/// The finding where the paper's numbers are of other data.
fn other_data(accuracies: &Table2, way: &WayDown) -> Option<Finding> {
    let is_same = is_of(accuracies.data, &way.data);
    (!is_same).then(|| Finding::bare(Outcome::NotTested, format!("on {}, not on {}", way.data, accuracies.data)))
}

/// What becomes of a claim by a way of which nothing is missing.
fn by_way(way: Option<&WayDown>, judge: impl FnOnce(&WayDown) -> Finding) -> Finding {
    let Some(way) = way else { return Finding::bare(Outcome::NotTested, "not measured") };
    match incomplete(way) {
        Some(reason) => Finding::bare(Outcome::NotTested, reason),
        None => judge(way).and(failed(way.failed)).and(left_out(way.diverged)),
    }
}

fn judge(accuracies: &Table2, way: &WayDown, role: Role, printed: Printed) -> Finding {
    if let Some(other) = other_data(accuracies, way) {
        return other;
    }
    let points = there(accuracies, way, role);
    if points.is_empty() {
        return nothing_there(way);
    }
    let logarithms: Vec<f64> = points.iter().map(|point| point.from_zero.ln()).collect();
    let test = Spread::of(&logarithms).and_then(|ours| Welch::of_spreads(ours, printed.logarithm()));
    let judged = match test {
        Ok(test) if test.difference.is_finite() => {
            let ratio = [test.difference, test.lower, test.upper].map(f64::exp);
            let effect = Effect::times(ratio, None).between(1.0 / FACTOR, FACTOR);
            Finding::by(vec![effect.of("φ, ours over the paper's")])
        }
        Ok(_) => Finding::bare(Outcome::Undecided, "a φ of 0 has no ratio"),
        Err(reason) => Finding::bare(Outcome::NotTested, reason.to_string()),
    };
    judged.and(doubts(&points))
}
