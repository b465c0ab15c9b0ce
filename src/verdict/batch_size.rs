//! Where the gap begins: Figure 4 of the paper.

use super::effect::Effect;
use super::finding::{Finding, left_out, unreliable};
use super::{Comparison, Form, Number, Outcome, Row, Sources, check_source, not_tested, verdicts};
use crate::data::Which;
use crate::display::grouped;
use crate::error::Result;
use crate::paper::Figure4;
use crate::record::Recorded;
use crate::sharpness::{Maxima, Reading, check_one_box};
use crate::spread::{Spread, Trend};
use crate::train::{Regime, Stop, Study, threshold_of};

/// Sets a recorded and a live study of batch sizes with its measures, of which one may be missing, beside what the paper says of
/// Figure 4, of whatever net.
///
/// Four claims are judged: past some batch size the test accuracy falls (a permutation test of no fall, p < 0.05; see
/// [`Threshold`](crate::Threshold)); up to it the accuracy is level (the 95 % interval of the threshold does not reach the smallest
/// batch: if it does, there may be no level stretch); the minima grow sharper with the batch size (the 95 % interval of the
/// factor by which φ grows with each doubling lies above 1; the largest f of all searches, on the training split); and the search
/// from x itself, the paper's protocol as far as it is specified, shows that.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) where a study has fewer than four batch sizes, where its measures are of several
/// kinds of box, or where there is neither record nor live study.
pub fn batch_size(paper: &Figure4, recorded: Option<&Recorded>, live: Option<(&Study, &Maxima)>) -> Result<Comparison> {
    check_source(&recorded, &live)?;
    let kept = recorded.map(|recorded| (recorded.regimes(), recorded.maxima.clone().unwrap_or_default()));
    let live = live.map(|(study, maxima)| (study.regimes(), maxima.clone()));
    let sources = [kept.as_ref(), live.as_ref()];
    let [recorded_column, live_column] = sources.map(|source| match source {
        Some((regimes, maxima)) => column(regimes, maxima),
        None => Ok([None; 10]),
    });
    let columns = [column_of_paper(paper), recorded_column?, live_column?];
    let claims = [
        "Past some batch size the test accuracy falls.",
        "Up to that size test accuracy is level: the fall begins beyond the smallest batch.",
        "The larger the batch, the sharper the minima.",
        "Ten iterations of the search from x itself find them the sharper, the larger the batch.",
    ];
    let [recorded_findings, live_findings] = sources.map(|source| match source {
        Some((regimes, maxima)) => judge(regimes, maxima),
        None => Ok(not_tested("no such run")),
    });
    let first = live.as_ref().and_then(|(regimes, _)| regimes.first());
    Ok(Comparison {
        rows: Row::filled(rows().into(), &columns.map(Vec::from)),
        sources: Sources::new(
            format!("{} on {}", paper.net, paper.data),
            recorded,
            first.map(|first| [&*first.net, &*first.data]),
        ),
        verdicts: verdicts(claims, [recorded_findings?, live_findings?]),
    })
}

fn rows() -> [Row; 10] {
    let test = |label, measure, form| Row { split: Some("test"), ..Row::new(label, measure, form) };
    let train = |label, measure| Row { split: Some("train"), ..Row::new(label, measure, Form::Significant) };
    [
        test("batch size past which test accuracy falls", "threshold", Form::Count),
        test("its 95 % interval, lower end", "threshold_lower", Form::Count),
        test("its 95 % interval, upper end", "threshold_upper", Form::Count),
        test("p of no fall, permutation", "p", Form::Probability),
        test("test % up to it", "accuracy", Form::Percent),
        test("less per doubling past it, points", "slope", Form::Percent),
        train("φ at the smallest batch, %, largest", "sharpness_smallest_batch"),
        train("φ at the largest batch, %, largest", "sharpness_largest_batch"),
        train("φ with each doubling, largest: times", "sharpness_factor"),
        train("φ with each doubling, from zero: times", "sharpness_factor_from_zero"),
    ]
}

fn column_of_paper(paper: &Figure4) -> [Number; 10] {
    let mut column = [None; 10];
    column[0] = Some((paper.batch, None));
    column
}

fn column(regimes: &[&Regime], maxima: &Maxima) -> Result<[Number; 10]> {
    let threshold = threshold_of(regimes)?;
    let number = |value: f64| Some((value, None));
    let fall = |value: f64| number(value).filter(|_| threshold.is_resolved());
    let pairs = pairs(maxima, Reading::Largest)?;
    let at = |batch: Option<f64>| -> Number {
        let own: Vec<f64> = pairs.iter().filter(|(other, _)| Some(*other) == batch).map(|(_, phi)| *phi).collect();
        let Spread { mean, deviation, .. } = Spread::of(&own).ok()?;
        Some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
    };
    let batches = || pairs.iter().map(|(batch, _)| *batch);
    Ok([
        fall(threshold.batch),
        fall(threshold.lower),
        fall(threshold.upper),
        number(threshold.p),
        number(threshold.level),
        fall(threshold.slope),
        at(batches().reduce(f64::min)),
        at(batches().reduce(f64::max)),
        Trend::of(&pairs).ok().and_then(|trend| number(trend.factor)),
        Trend::of(&self::pairs(maxima, Reading::FromZero)?).ok().and_then(|trend| number(trend.factor)),
    ])
}

/// Batch size and φ of each measure on the training split; all must be of one kind of box.
fn pairs(maxima: &Maxima, reading: Reading) -> Result<Vec<(f64, f64)>> {
    let own: Vec<_> = maxima.maxima.iter().filter(|maximum| maximum.split == Which::Train).collect();
    check_one_box("boxes of a study of batch sizes", &own)?;
    Ok(own.iter().filter_map(|maximum| Some((maximum.batch? as f64, reading.of(maximum).0))).collect())
}

fn judge(regimes: &[&Regime], maxima: &Maxima) -> Result<[Finding; 4]> {
    let cut = regimes.iter().flat_map(|regime| &regime.runs).filter(|run| run.stop == Stop::Budget).count();
    if cut > 0 || maxima.unmeasured > 0 {
        let reason = format!("the budget cut short {cut} trials and left out {} measures", maxima.unmeasured);
        return Ok(not_tested(&reason));
    }
    let threshold = threshold_of(regimes)?;
    let falls = if threshold.is_resolved() { Outcome::Holds } else { Outcome::Undecided };
    let left_out = left_out(regimes.iter().map(|regime| regime.diverged()).sum());
    let [largest, from_zero] = [Reading::Largest, Reading::FromZero].map(|reading| -> Result<Finding> {
        let pairs = pairs(maxima, reading)?;
        if pairs.is_empty() {
            return Ok(Finding::bare(Outcome::NotTested, "no sharpness was measured"));
        }
        let doubtful = maxima.maxima.iter().filter(|maximum| !reading.of(maximum).1).count();
        let judged = match Trend::of(&pairs) {
            Ok(trend) => Finding::by(vec![Effect::from(&trend).of("φ with each doubling of the batch")]),
            Err(reason) => Finding::bare(Outcome::Undecided, reason.to_string()),
        };
        Ok(judged.and(unreliable(doubtful, pairs.len())).and(left_out.clone()))
    });
    let falls = Finding::bare(falls, format!("it {threshold}")).and(left_out.clone());
    let level = match threshold.is_resolved() {
        false => Finding::bare(Outcome::NotTested, "there is no fall beyond chance"),
        true if threshold.open_below => {
            Finding::bare(Outcome::Undecided, "the interval of where the fall begins reaches the smallest batch")
        }
        true => Finding::bare(
            Outcome::Holds,
            format!("the fall begins past {} at least", grouped(threshold.lower.round() as usize)),
        ),
    };
    Ok([falls, level.and(left_out.clone()), largest?, from_zero?])
}
