//! Can the large batch be mended? Appendix E of the paper, and what came after it.

use super::effect::{Effect, Judged, left_out, unreliable};
use super::{Comparison, Form, Number, Outcome, Row, Verdict, column_sources};
use crate::error::{Error, Result};
use crate::paper::{Cell, Mended};
use crate::record::Recorded;
use crate::remedies::{Arm, ArmSharpness, Remedies};
use crate::spread::{Paired, Spread};
use crate::train::Role;

/// Sets the arms of a live study beside the paper's row, where it has one, and beside the recorded arms of the same names.
///
/// First whether there is a gap to be mended: the small batch is ahead of the plain large one. Then two claims for each arm: its
/// test accuracy is higher than the plain large batch's (paired differences; intervals are corrected for the number of arms), and its
/// minima are less sharp (the 95 % interval of the ratio of φ lies below 1, the largest f of all searches, at the largest ε).
/// Both hold, fail where the contrary is shown, or are undecided; the evidence also says how far the arm is from the small batch.
///
/// # Errors
/// As [`Remedies::of`] for the record; [`Error::Parameter`] where the live study has no arm beside the two.
pub fn remedies(paper: Option<&Mended>, recorded: Option<&Recorded>, live: &Remedies) -> Result<Comparison> {
    let kept = recorded.map(Recorded::remedies).transpose()?;
    let arms: Vec<&Arm> = live.arms.iter().filter(|arm| arm.role.is_none()).collect();
    if arms.is_empty() {
        return Err(Error::parameter("arms beside the plain batches", 0, "be at least 1"));
    }
    let find = |name: &str, role: Option<Role>| {
        let is_it = |arm: &&Arm| if role.is_some() { arm.role == role } else { arm.role.is_none() && arm.name == name };
        kept.as_ref().and_then(|kept| kept.arms.iter().find(is_it))
    };
    let mut rows = Vec::new();
    for arm in &live.arms {
        let other = find(&arm.name, arm.role);
        let mut push = |label: String, measure, form, epsilon, printed: Option<Cell>, own: &dyn Fn(&Arm) -> Number| {
            let scale = if form == Form::Percent { 0.01 } else { 1.0 };
            let scaled =
                |number: Number| number.map(|(mean, deviation)| (scale * mean, deviation.map(|it| scale * it)));
            let mark = if printed.is_some_and(|cell| !cell.is_read) { " (the paper's number from memory)" } else { "" };
            let printed = printed.map(|cell| (cell.printed.mean, Some(cell.printed.deviation)));
            rows.push(Row {
                regime: Some(arm.name.clone()),
                split: Some(if measure == "sharpness" { "train" } else { "test" }),
                epsilon,
                cells: [printed, other.and_then(own), own(arm)].map(scaled),
                ..Row::new(&format!("{label}, {}{mark}", arm.name), measure, form)
            });
        };
        let strategy = paper.filter(|row| arm.role.is_none() && arm.name == row.strategy);
        let small = paper.filter(|_| arm.role == Some(Role::Small));
        let printed = strategy.map(|row| row.large).or(small.map(|row| row.small));
        push("test %".into(), "accuracy", Form::Percent, None, printed, &test_of);
        for &ArmSharpness { epsilon, .. } in &arm.sharpness {
            let printed = match epsilon {
                1e-3 => strategy.map(|row| row.sharpness),
                5e-4 => strategy.map(|row| row.sharpness_half),
                _ => None,
            };
            let phi = move |arm: &Arm| mean_of(&arm.at(epsilon)?.phi);
            push(format!("φ, ε = {epsilon:e}, %"), "sharpness", Form::Significant, Some(epsilon), printed, &phi);
        }
    }
    let small = live.arms.iter().find(|arm| arm.role == Some(Role::Small));
    let (kept_small, none) = (find("", Some(Role::Small)), || Judged::bare(Outcome::NotTested, "no recorded run"));
    let claim = "There is a gap to be mended: the small batch's test accuracy is higher than the plain large batch's.";
    let judged = [kept_small.map_or_else(none, gap), small.map_or_else(none, gap)];
    let mut verdicts = vec![Verdict::new(claim, judged)];
    for arm in arms {
        let other = find(&arm.name, None);
        let claims: [(&str, Judge); 2] = [
            ("its test accuracy is higher than the plain large batch's", accuracy),
            ("its minima are less sharp", flatness),
        ];
        // Where nobody measured a sharpness, nothing is said of it.
        let is_measured = |arm: &Arm| !arm.sharpness.is_empty();
        let count = if is_measured(arm) || other.is_some_and(is_measured) { 2 } else { 1 };
        for (claim, judge) in claims.into_iter().take(count) {
            let judged = [other.map_or_else(none, judge), judge(arm)];
            verdicts.push(Verdict::new(format!("{}: {claim}.", arm.name), judged));
        }
    }
    let paper = paper.map_or("no such experiment".into(), |row| format!("{}, {} on {}", row.table, row.net, row.data));
    Ok(Comparison {
        rows,
        sources: column_sources(&paper, recorded, &format!("{} on {}", live.net, live.data)),
        verdicts,
    })
}

/// What becomes of a claim about an arm.
type Judge = fn(&Arm) -> Judged;

fn mean_of(values: &[f64]) -> Number {
    let Spread { mean, deviation, .. } = Spread::of(values).ok()?;
    Some((mean, Some(deviation).filter(|value| value.is_finite())))
}

fn test_of(arm: &Arm) -> Number {
    mean_of(&arm.tests.iter().map(|(_, test)| *test).collect::<Vec<_>>())
}

/// What is missing of an arm, if something is.
fn missing(arm: &Arm) -> Option<String> {
    if arm.cut > 0 {
        return Some(format!("{} trials ended because the budget of seconds was used up", arm.cut));
    }
    (arm.trials < 2).then(|| format!("{} trials stayed finite, and a test takes 2", arm.trials))
}

/// By a comparison, if there are trials for it.
fn by(arm: &Arm, paired: Option<&Paired>) -> Judged {
    match (missing(arm), paired) {
        (Some(reason), _) => Judged::bare(Outcome::NotTested, reason),
        (None, Some(paired)) => Judged::by(vec![Effect::from(paired)]).and(left_out(arm.diverged)),
        (None, None) => Judged::bare(Outcome::Undecided, "no trials to compare").and(left_out(arm.diverged)),
    }
}

fn gap(small: &Arm) -> Judged {
    by(small, small.to_large.as_ref())
}

fn accuracy(arm: &Arm) -> Judged {
    let judged = by(arm, arm.to_large.as_ref());
    match (&arm.to_small, missing(arm)) {
        (Some(to_small), None) => judged.and(format!("to the small batch {}", Effect::from(to_small).said())),
        _ => judged,
    }
}

fn flatness(arm: &Arm) -> Judged {
    if let Some(reason) = missing(arm) {
        return Judged::bare(Outcome::NotTested, reason);
    }
    let Some(own) = arm.sharpness.first() else { return Judged::bare(Outcome::NotTested, "no sharpness was measured") };
    let judged = match &own.to_large {
        Some(ratio) => Judged::by(vec![Effect::from(ratio).less()]),
        None => Judged::bare(Outcome::NotTested, "no ratio of φ"),
    };
    judged.and(unreliable(own.doubtful, own.phi.len()))
}
