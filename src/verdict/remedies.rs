//! Can the large batch be mended? Appendix E of the paper, and what came after it.

use super::{Comparison, Form, Number, Outcome, Row, Verdict, column_sources};
use crate::display::{probability, significant};
use crate::error::{Error, Result};
use crate::paper::{Cell, Mended};
use crate::record::Recorded;
use crate::remedies::{Arm, ArmSharpness, Remedies};
use crate::spread::{Paired, Ratio, Spread};
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
    let (kept_small, none) = (find("", Some(Role::Small)), || (Outcome::NotTested, "no recorded run".to_string()));
    let claim = "There is a gap to be mended: the small batch's test accuracy is higher than the plain large batch's.";
    let mut verdicts = vec![verdict(claim.into(), kept_small.map_or_else(none, gap), small.map_or_else(none, gap))];
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
            verdicts.push(verdict(format!("{}: {claim}.", arm.name), other.map_or_else(none, judge), judge(arm)));
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
type Judge = fn(&Arm) -> (Outcome, String);

fn verdict(claim: String, recorded: (Outcome, String), live: (Outcome, String)) -> Verdict {
    let ((recorded, recorded_evidence), (live, live_evidence)) = (recorded, live);
    Verdict { claim, recorded, recorded_evidence, live, live_evidence }
}

fn mean_of(values: &[f64]) -> Number {
    let Spread { mean, deviation, .. } = Spread::of(values).ok()?;
    Some((mean, Some(deviation).filter(|value| value.is_finite())))
}

fn test_of(arm: &Arm) -> Number {
    mean_of(&arm.tests.iter().map(|(_, test)| *test).collect::<Vec<_>>())
}

/// "+0.24 points (+0.06 to +0.41, p = 0.01)".
fn said(paired: &Paired) -> String {
    let Paired { difference, lower, upper, p, .. } = paired;
    format!("{difference:+.2} points ({lower:+.2} to {upper:+.2}, p = {})", probability(*p))
}

/// What is missing of an arm, if something is.
fn missing(arm: &Arm) -> Option<String> {
    if arm.cut > 0 {
        return Some(format!("{} trials ended because the budget of seconds was used up", arm.cut));
    }
    (arm.trials < 2).then(|| format!("{} trials stayed finite, and a test takes 2", arm.trials))
}

fn left_out(arm: &Arm) -> String {
    if arm.diverged > 0 { format!("; {} trials diverged and are left out", arm.diverged) } else { String::new() }
}

fn gap(small: &Arm) -> (Outcome, String) {
    if let Some(reason) = missing(small) {
        return (Outcome::NotTested, reason);
    }
    match &small.to_large {
        Some(paired) => (Outcome::of_interval(paired.lower, paired.upper), said(paired) + &left_out(small)),
        None => (Outcome::Undecided, format!("no trials to compare{}", left_out(small))),
    }
}

fn accuracy(arm: &Arm) -> (Outcome, String) {
    if let Some(reason) = missing(arm) {
        return (Outcome::NotTested, reason);
    }
    let Some(to_large) = &arm.to_large else {
        return (Outcome::Undecided, format!("no trials to compare{}", left_out(arm)));
    };
    let to_small =
        arm.to_small.as_ref().map_or(String::new(), |paired| format!("; to the small batch {}", said(paired)));
    let outcome = Outcome::of_interval(to_large.lower, to_large.upper);
    (outcome, format!("{}{to_small}{}", said(to_large), left_out(arm)))
}

fn flatness(arm: &Arm) -> (Outcome, String) {
    if let Some(reason) = missing(arm) {
        return (Outcome::NotTested, reason);
    }
    let Some(own) = arm.sharpness.first() else { return (Outcome::NotTested, "no sharpness was measured".into()) };
    let doubt = match own.doubtful {
        0 => String::new(),
        doubtful => format!("; {doubtful} of {} unreliable", own.phi.len()),
    };
    match &own.to_large {
        Some(Ratio { geometric, lower, upper, p, .. }) => {
            let [mean, low, high] = [geometric, lower, upper].map(|&value| significant(value));
            // Less sharp is what is claimed: a ratio below 1.
            let outcome = Outcome::of_interval(1.0 - upper, 1.0 - lower);
            (outcome, format!("φ times {mean} (95 % interval {low} to {high}, p = {}){doubt}", probability(*p)))
        }
        None => (Outcome::NotTested, format!("no ratio of φ{doubt}")),
    }
}
