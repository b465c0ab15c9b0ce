//! Where the gap begins: Figure 4 of the paper.

use super::effect::{Effect, Judged, left_out, unreliable};
use super::{Comparison, Form, Number, Outcome, Row, column_sources, not_tested, verdicts};
use crate::data::Which;
use crate::error::{Error, Result};
use crate::paper::Figure4;
use crate::record::Recorded;
use crate::sharpness::{Maxima, Reading, check_one_box};
use crate::spread::{Spread, Trend};
use crate::train::{Regime, Stop, Study, threshold_of};

/// Sets a live study of batch sizes beside what the paper says of Figure 4, of whatever net, and beside the recorded run.
///
/// Three claims are judged: past some batch size the test accuracy falls (a permutation test of no fall, p < 0.05; see
/// [`Threshold`](crate::Threshold)); the minima grow sharper with the batch size (the 95 % interval of the factor by which φ
/// grows with each doubling lies above 1; the largest f of all searches, on the training split); and the search from x itself,
/// the paper's protocol as far as it is specified, shows that.
///
/// # Errors
/// [`Error::Parameter`] where the study has fewer than four batch sizes, or where its measures are of several kinds of box.
pub fn batch_size(paper: &Figure4, recorded: Option<&Recorded>, live: &Study, maxima: &Maxima) -> Result<Comparison> {
    let regimes = live.regimes();
    threshold_of(&regimes)?;
    let Some(first) = regimes.first() else { return Err(Error::parameter("regimes", 0, "be at least 4")) };
    let kept = recorded.map(|recorded| (recorded.regimes(), recorded.maxima.clone().unwrap_or_default()));
    let columns = [
        column_of_paper(paper),
        kept.as_ref().map_or(Ok([None; 10]), |(regimes, maxima)| column(regimes, maxima))?,
        column(&regimes, maxima)?,
    ];
    let claims = [
        "Past some batch size the test accuracy falls.",
        "The larger the batch, the sharper the minima.",
        "The search from x itself, ten iterations of it, shows that.",
    ];
    let evidence = match &kept {
        Some((regimes, maxima)) => judge(regimes, maxima)?,
        None => not_tested("no recorded run"),
    };
    Ok(Comparison {
        rows: Row::filled(rows().into(), &columns.map(Vec::from)),
        sources: column_sources(
            &format!("{} on {}", paper.net, paper.data),
            recorded,
            &format!("{} on {}", first.net, first.data),
        ),
        verdicts: verdicts(claims, evidence, judge(&regimes, maxima)?),
    })
}

fn rows() -> [Row; 10] {
    let test = |label, measure, form| Row { split: Some("test"), ..Row::new(label, measure, form) };
    let train = |label, measure| Row { split: Some("train"), ..Row::new(label, measure, Form::Significant) };
    [
        test("batch size past which test accuracy falls", "threshold", Form::Significant),
        test("its 95 % interval, lower end", "threshold_lower", Form::Significant),
        test("its 95 % interval, upper end", "threshold_upper", Form::Significant),
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

fn judge(regimes: &[&Regime], maxima: &Maxima) -> Result<[Judged; 3]> {
    let cut = regimes.iter().flat_map(|regime| &regime.runs).filter(|run| run.stop == Stop::Budget).count();
    if cut > 0 || maxima.unmeasured > 0 {
        let reason = format!("the budget cut short {cut} trials and left out {} measures", maxima.unmeasured);
        return Ok(not_tested(&reason));
    }
    let threshold = threshold_of(regimes)?;
    let falls = if threshold.is_resolved() { Outcome::Holds } else { Outcome::Undecided };
    let left_out = left_out(regimes.iter().map(|regime| regime.diverged()).sum());
    let [largest, from_zero] = [Reading::Largest, Reading::FromZero].map(|reading| -> Result<Judged> {
        let pairs = pairs(maxima, reading)?;
        if pairs.is_empty() {
            return Ok(Judged::bare(Outcome::NotTested, "no sharpness was measured"));
        }
        let doubtful = maxima.maxima.iter().filter(|maximum| !reading.of(maximum).1).count();
        let judged = match Trend::of(&pairs) {
            Ok(trend) => Judged::by(vec![Effect::from(&trend).labelled("φ with each doubling")]),
            Err(reason) => Judged::bare(Outcome::Undecided, reason.to_string()),
        };
        Ok(judged.and(unreliable(doubtful, pairs.len())).and(left_out.clone()))
    });
    let falls = Judged::bare(falls, format!("it {threshold}")).and(left_out.clone());
    Ok([falls, largest?, from_zero?])
}
