//! Where the gap begins: Figure 4 of the paper.

use super::effect::Effect;
use super::finding::{Finding, failed, left_out, unreliable};
use super::{Comparison, Form, Number, Outcome, Row, Sources, check_source, cut_short, mean_of, not_tested, verdicts};
use crate::data::Which;
use crate::display::grouped;
use crate::error::Result;
use crate::paper::Figure4;
use crate::record::Recorded;
use crate::sharpness::{Maxima, Maximum, Reading, check_each_once, check_one_box};
use crate::spread::{Trend, with_each_doubling};
use crate::train::{Regime, Study, threshold_of};

/// Sets a recorded and a live study of batch sizes with its measures, of which one may be missing, beside what the paper says of
/// Figure 4, of whatever net.
///
/// Four claims are judged: past some batch size the test accuracy falls (a permutation test of no fall, p < 0.05; see
/// [`Threshold`](crate::Threshold); beside it the slope of a straight line through all trials); the fall begins beyond the smallest
/// batch (the 95 % interval of the threshold does not reach it; that the accuracy is level before is the broken stick's assumption,
/// and not tested); the minima grow sharper with the batch size, on average over the sizes (the 95 % interval of the factor by which
/// φ grows with each doubling lies above 1; the largest f of all searches, on the training split; beside it the factors of the
/// smaller and of the larger half of the sizes); and the search from x itself, the paper's protocol as far as it is specified,
/// shows that.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) where a study has fewer than four batch sizes, where its measures are of several
/// kinds of box, or where there is neither record nor live study.
pub fn batch_size(paper: &Figure4, recorded: Option<&Recorded>, live: Option<(&Study, &Maxima)>) -> Result<Comparison> {
    compared(Some(paper), recorded, live)
}

/// The same claims about a live study of any net on any data and its measures (`Maxima::default()` where sharpness was not
/// measured), without the paper's numbers.
///
/// # Errors
/// As [`batch_size`].
pub fn larger_batches(live: &Study, maxima: &Maxima) -> Result<Comparison> {
    compared(None, None, Some((live, maxima)))
}

fn compared(
    paper: Option<&Figure4>,
    recorded: Option<&Recorded>,
    live: Option<(&Study, &Maxima)>,
) -> Result<Comparison> {
    check_source(&recorded, &live)?;
    let kept = recorded.map(|recorded| (recorded.regimes(), recorded.maxima.clone().unwrap_or_default()));
    let live = live.map(|(study, maxima)| (study.regimes(), maxima.clone()));
    let sources = [kept.as_ref(), live.as_ref()];
    let [recorded_column, live_column] = sources.map(|source| match source {
        Some((regimes, maxima)) => column(regimes, maxima),
        None => Ok([None; 11]),
    });
    let columns = [paper.map_or([None; 11], column_of_paper), recorded_column?, live_column?];
    let claims = [
        "Past some batch size the test accuracy falls.",
        "The fall begins beyond the smallest batch.",
        "On average over the sizes, the larger the batch, the sharper the minima.",
        match paper {
            Some(_) => "Ten iterations of the search from x itself find that, too.",
            None => "The search from x itself finds that, too.",
        },
    ];
    let [recorded_findings, live_findings] = sources.map(|source| match source {
        Some((regimes, maxima)) => judge(regimes, maxima),
        None => Ok(not_tested("no such run")),
    });
    let first = live.as_ref().and_then(|(regimes, _)| regimes.first());
    Ok(Comparison {
        rows: Row::filled(rows().into(), &columns.map(Vec::from)),
        sources: Sources::new(
            paper.map(|paper| format!("{} on {}", paper.net, paper.data)),
            recorded,
            first.map(|first| [&*first.net, &*first.data]),
        ),
        verdicts: verdicts(claims, [recorded_findings?, live_findings?]),
    })
}

fn rows() -> [Row; 11] {
    let test = |label, measure, form| Row { split: Some("test"), ..Row::new(label, measure, form) };
    let train = |label, measure| Row { split: Some("train"), ..Row::new(label, measure, Form::Significant) };
    [
        test("batch size past which test accuracy falls", "threshold", Form::Count),
        test("its 95 % interval, lower end (– where open)", "threshold_lower", Form::Count),
        test("its 95 % interval, upper end (– where open)", "threshold_upper", Form::Count),
        test("p of no fall, permutation", "p", Form::Probability),
        test("p of a level followed by a straight fall", "misfit", Form::Probability),
        test("test % up to it", "accuracy", Form::Percent),
        test("less per doubling past it, points", "slope", Form::Percent),
        train("φ at the smallest batch, %, largest", "sharpness_smallest_batch"),
        train("φ at the largest batch, %, largest", "sharpness_largest_batch"),
        train("φ with each doubling, largest: times", "sharpness_factor"),
        train("φ with each doubling, from zero: times", "sharpness_factor_from_zero"),
    ]
}

fn column_of_paper(paper: &Figure4) -> [Number; 11] {
    let mut column = [None; 11];
    column[0] = Some((paper.batch, None));
    column
}

fn column(regimes: &[&Regime], maxima: &Maxima) -> Result<[Number; 11]> {
    let threshold = threshold_of(regimes)?;
    let number = |value: f64| Some((value, None));
    let fall = |value: f64| number(value).filter(|_| threshold.is_resolved());
    let pairs = pairs(maxima, Reading::Largest)?;
    let at = |batch: Option<f64>| -> Number {
        let own: Vec<f64> = pairs.iter().filter(|(other, _)| Some(*other) == batch).map(|(_, phi)| *phi).collect();
        mean_of(&own)
    };
    let batches = || pairs.iter().map(|(batch, _)| *batch);
    Ok([
        fall(threshold.batch).filter(|_| threshold.is_located()),
        fall(threshold.lower).filter(|_| !threshold.open_below),
        fall(threshold.upper).filter(|_| !threshold.open_above),
        number(threshold.p),
        number(threshold.misfit).filter(|_| threshold.misfit.is_finite()),
        number(threshold.level),
        fall(threshold.slope),
        at(batches().reduce(f64::min)),
        at(batches().reduce(f64::max)),
        Trend::of(&pairs).ok().and_then(|trend| number(trend.factor)),
        Trend::of(&self::pairs(maxima, Reading::FromZero)?).ok().and_then(|trend| number(trend.factor)),
    ])
}

fn on_train(maxima: &Maxima) -> impl Iterator<Item = &Maximum> {
    maxima.maxima.iter().filter(|maximum| maximum.split == Which::Train)
}

/// Batch size and φ of each measure on the training split; all must be of one kind of box.
fn pairs(maxima: &Maxima, reading: Reading) -> Result<Vec<(f64, f64)>> {
    let own: Vec<_> = on_train(maxima).collect();
    check_one_box("boxes of a study of batch sizes", &own)?;
    check_each_once(&own, false)?;
    Ok(own.iter().filter_map(|maximum| Some((maximum.batch? as f64, reading.of(maximum).0))).collect())
}

fn judge(regimes: &[&Regime], maxima: &Maxima) -> Result<[Finding; 4]> {
    let unmeasured = || (maxima.unmeasured > 0).then(|| format!("the budget left out {} measures", maxima.unmeasured));
    if let Some(reason) = cut_short(regimes.iter().map(|regime| regime.cut()).sum()).or_else(unmeasured) {
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
        let doubtful = on_train(maxima).filter(|maximum| !reading.of(maximum).1).count();
        let judged = match Trend::of(&pairs) {
            Ok(trend) => {
                Finding::by(vec![Effect::from(&trend).of("φ with each doubling of the batch")]).and(halves(&pairs))
            }
            Err(reason) => Finding::bare(Outcome::Undecided, reason.to_string()),
        };
        Ok(judged.and(unreliable(doubtful, pairs.len())).and(failed(maxima.failed.len())).and(left_out.clone()))
    });
    let falls = Finding { outcome: falls, effects: vec![straight(regimes)?], notes: vec![format!("it {threshold}")] };
    let falls = falls.and(left_out.clone());
    let level = match threshold.is_resolved() {
        false => Finding::bare(Outcome::NotTested, "there is no fall beyond chance"),
        true if threshold.open_below => {
            Finding::bare(Outcome::Undecided, "the interval of where the fall begins reaches the smallest batch")
        }
        true => Finding::bare(
            Outcome::Holds,
            format!(
                "past {} at least; that accuracy is level before is assumed, not tested",
                grouped(threshold.lower.round() as usize)
            ),
        ),
    };
    Ok([falls, level.and(left_out.clone()), largest?, from_zero?])
}

/// What test accuracy gains with each doubling of the batch, by a straight line through all trials: the size of a fall that has no
/// corner to be told. The claim itself is judged by permutation.
fn straight(regimes: &[&Regime]) -> Result<Effect> {
    let trials = regimes.iter().flat_map(|regime| {
        let batch = regime.recipe.batch as f64;
        regime.finite().map(move |run| (batch, 100.0 * run.last().test_accuracy))
    });
    let (interval, _) = with_each_doubling(&trials.collect::<Vec<_>>())?;
    let of = "test accuracy with each doubling of the batch, straight line through all trials";
    Ok(Effect::difference(interval).between(f64::NEG_INFINITY, 0.0).of(of))
}

/// The trend of the smaller half of the batch sizes and of the larger one; the middle size is in both.
fn halves(pairs: &[(f64, f64)]) -> String {
    let mut sizes: Vec<f64> = pairs.iter().map(|(batch, _)| *batch).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let Some(&middle) = sizes.get(sizes.len() / 2) else { return String::new() };
    let of = |is_in: &dyn Fn(f64) -> bool| {
        Trend::of(&pairs.iter().copied().filter(|(batch, _)| is_in(*batch)).collect::<Vec<_>>())
    };
    match (of(&|batch| batch <= middle), of(&|batch| batch >= middle)) {
        (Ok(small), Ok(large)) => {
            let [small, large] = [&small, &large].map(|trend| Effect::from(trend).interval());
            format!("up to {} times {small} with each doubling, from there on times {large}", grouped(middle as usize))
        }
        _ => String::new(),
    }
}
