//! Can the large batch be mended? Appendix E of the paper, and what came after it.

use super::effect::Effect;
use super::finding::{Finding, failed, left_out, unreliable};
use super::{Comparison, Form, Number, Outcome, Row, Sources, Verdict, cut_short, mean_of};
use crate::error::{Error, Result};
use crate::paper::{Cell, Mended, table2, table3};
use crate::record::Recorded;
use crate::remedies::{Arm, ArmSharpness, Remedies};
use crate::train::Role;

/// What becomes of a claim about an arm.
type Judge = fn(&Remedies, &Arm) -> Finding;

/// Sets the arms of a live study beside the paper's row, where it has one, and beside the recorded arms of the same names;
/// without a live study the recorded arms alone.
///
/// First whether there is a gap to be mended: the small batch is ahead of the plain large one. Then two claims for each arm: its
/// test accuracy is higher than the plain large batch's (paired differences), and it ends less sharp than the plain large batch
/// (the 95 % interval of the ratio of φ lies below 1; the largest f of all searches, at the largest ε). Both intervals are
/// corrected for the number of arms.
/// Both hold, fail where the contrary is shown, or are undecided; the evidence also says how far the arm is from the small batch.
///
/// # Errors
/// As [`Remedies::of`] for the record; [`Error::Parameter`] where there is no arm beside the two.
pub fn remedies(paper: Option<&Mended>, recorded: Option<&Recorded>, live: Option<&Remedies>) -> Result<Comparison> {
    let kept = recorded.map(Recorded::remedies).transpose()?;
    let sources = [kept.as_ref(), live];
    let shown = live.or(kept.as_ref()).map_or(&[][..], |remedies| &remedies.arms);
    if shown.iter().all(|arm| arm.role.is_some()) {
        return Err(Error::parameter("arms beside the plain batches", 0, "be at least 1"));
    }
    // The arm of a role, or else of a name, recorded and live.
    let find = |name: &str, role: Option<Role>| {
        let is_it = |arm: &&Arm| if role.is_some() { arm.role == role } else { arm.role.is_none() && arm.name == name };
        sources.map(|source| source.and_then(|source| Some((source, source.arms.iter().find(is_it)?))))
    };
    let mut rows = Vec::new();
    for arm in shown {
        let both = find(&arm.name, arm.role);
        let mut push = |label: String, measure, form, epsilon, printed: Option<Cell>, own: &dyn Fn(&Arm) -> Number| {
            let [recorded, live] = both.map(|arm| own(arm?.1));
            let scale = if form == Form::Percent { 0.01 } else { 1.0 };
            let scaled =
                |number: Number| number.map(|(mean, deviation)| (scale * mean, deviation.map(|it| scale * it)));
            let mark = match printed.map(|cell| (cell.is_read, cell.is_deviation_read)) {
                Some((false, _)) => " (the paper's number from memory)",
                Some((true, false)) => " (the paper's deviation from memory)",
                _ => "",
            };
            let printed = printed.map(|cell| (cell.printed.mean, Some(cell.printed.deviation)));
            rows.push(Row {
                regime: Some(arm.name.clone()),
                split: Some(if measure == "sharpness" { "train" } else { "test" }),
                epsilon,
                cells: [printed, recorded, live].map(scaled),
                ..Row::new(&format!("{label}, {}{mark}", arm.name), measure, form)
            });
        };
        let strategy = paper.filter(|row| arm.role.is_none() && arm.name == row.strategy);
        let control = paper.filter(|row| arm.role.is_none() && row.small_strategy == Some(&arm.name));
        let plain = |number: crate::paper::Printed| Cell { printed: number, is_read: true, is_deviation_read: true };
        let table2 = paper.and_then(|row| table2(row.net).ok());
        let printed = match arm.role {
            Some(Role::Small) => table2.map(|row| plain(row.test_small)),
            Some(Role::Large) => table2.map(|row| plain(row.test_large)),
            None => strategy.map(|row| row.large).or(control.map(|row| row.small)),
        };
        push("test %".into(), "accuracy", Form::Percent, None, printed, &test_of);
        for &ArmSharpness { epsilon, .. } in &arm.sharpness {
            let table3 = || paper.and_then(|row| table3(row.net).ok()?.at(epsilon));
            let printed = match (arm.role, epsilon) {
                (Some(Role::Small), _) => table3().map(|[small, _]| plain(small)),
                (Some(Role::Large), _) => table3().map(|[_, large]| plain(large)),
                (None, 1e-3) => strategy.map(|row| row.sharpness),
                (None, 5e-4) => strategy.map(|row| row.sharpness_half),
                _ => None,
            };
            let phi = move |arm: &Arm| mean_of(&arm.at(epsilon)?.phi);
            push(format!("φ, ε = {epsilon:e}, %"), "sharpness", Form::Significant, Some(epsilon), printed, &phi);
        }
    }
    let finding = |found: Option<(&Remedies, &Arm)>, judge: Judge| {
        found.map_or_else(Finding::none, |(source, arm)| judge(source, arm))
    };
    let claim = "There is a gap to be mended: the small batch's test accuracy is higher than the plain large batch's.";
    let [recorded_gap, live_gap] = find("", Some(Role::Small)).map(|small| finding(small, gap));
    let mut verdicts = vec![Verdict { claim: claim.into(), recorded: recorded_gap, live: live_gap }];
    for arm in shown.iter().filter(|arm| arm.role.is_none()) {
        let both = find(&arm.name, None);
        let claims: [(&str, Judge); 2] = [
            ("its test accuracy is higher than the plain large batch's", accuracy),
            ("it ends less sharp than the plain large batch", flatness),
        ];
        // Where nobody measured a sharpness, nothing is said of it.
        let is_measured = |(_, arm): (&Remedies, &Arm)| !arm.sharpness.is_empty();
        let count = if both.into_iter().flatten().any(is_measured) { 2 } else { 1 };
        for (claim, judge) in claims.into_iter().take(count) {
            let [recorded, live] = both.map(|arm| finding(arm, judge));
            verdicts.push(Verdict { claim: format!("{}: {claim}.", arm.name), recorded, live });
        }
    }
    let paper = paper.map(|row| format!("{}, {} on {}", row.table, row.net, row.data));
    Ok(Comparison {
        rows,
        sources: Sources::new(paper, recorded, live.map(|live| [&*live.net, &*live.data])),
        verdicts,
    })
}

fn test_of(arm: &Arm) -> Number {
    mean_of(&arm.tests.iter().map(|(_, test)| *test).collect::<Vec<_>>())
}

/// The plain batch of a side.
fn plain(source: &Remedies, role: Role) -> Option<&Arm> {
    source.arms.iter().find(|arm| arm.role == Some(role))
}

/// What is missing of an arm, or of the plain batch beside it, if something is.
fn missing(source: &Remedies, arm: &Arm, beside: Role) -> Option<String> {
    let cut = arm.cut + plain(source, beside).map_or(0, |plain| plain.cut);
    cut_short(cut)
        .or_else(|| (arm.trials < 2).then(|| format!("{} trials stayed finite, and a test takes 2", arm.trials)))
}

/// By a comparison with the plain large batch, if there are trials for it.
fn by(source: &Remedies, arm: &Arm, of: &'static str) -> Finding {
    let diverged = arm.diverged + plain(source, Role::Large).map_or(0, |plain| plain.diverged);
    match (missing(source, arm, Role::Large), &arm.to_large) {
        (Some(reason), _) => Finding::bare(Outcome::NotTested, reason),
        (None, Some(paired)) => Finding::by(vec![Effect::from(paired).of(of)]).and(left_out(diverged)),
        (None, None) => Finding::bare(Outcome::Undecided, "no trials to compare").and(left_out(diverged)),
    }
}

fn gap(source: &Remedies, small: &Arm) -> Finding {
    by(source, small, "test accuracy, small − large batch")
}

fn accuracy(source: &Remedies, arm: &Arm) -> Finding {
    let judged = by(source, arm, "test accuracy, arm − plain large batch");
    match (&arm.to_small, missing(source, arm, Role::Small)) {
        (Some(to_small), None) => judged.and(format!("arm − small batch {}", Effect::from(to_small).said())),
        _ => judged,
    }
}

fn flatness(source: &Remedies, arm: &Arm) -> Finding {
    if let Some(reason) = missing(source, arm, Role::Large) {
        return Finding::bare(Outcome::NotTested, reason);
    }
    let Some(own) = arm.sharpness.first() else {
        return Finding::bare(Outcome::NotTested, "no sharpness was measured");
    };
    let judged = match &own.to_large {
        Some(ratio) => Finding::by(vec![Effect::from(ratio).less().of("φ, arm over plain large batch")]),
        None => Finding::bare(Outcome::NotTested, "no ratio of φ"),
    };
    let few = match own.phi.len() < arm.trials {
        true => format!("φ of {} of {} trials", own.phi.len(), arm.trials),
        false => String::new(),
    };
    let beside = plain(source, Role::Large).and_then(|large| large.at(own.epsilon));
    let (doubtful, phi) = beside.map_or((0, 0), |large| (large.doubtful, large.phi.len()));
    judged.and(few).and(unreliable(own.doubtful + doubtful, own.phi.len() + phi)).and(failed(source.failed))
}
