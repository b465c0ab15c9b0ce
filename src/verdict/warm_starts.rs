//! Whether the large batch only needs a better start: Figure 5 of the paper.

use super::effect::{Effect, factor_of};
use super::finding::{Finding, failed, left_out, unreliable};
use super::{
    Comparison, Form, Number, Outcome, Row, Sources, by_source, check_source, cut_short, mean_of, not_tested, verdicts,
};
use crate::error::Result;
use crate::record::Recorded;
use crate::sharpness::Reading;
use crate::spread::Paired;
use crate::warm_starts::{Beside, WarmPoint, WarmStarts};

/// Sets live warm starts beside the recorded ones. The paper draws curves and prints no number of Figure 5.
///
/// Eight claims are judged, all by intervals over trials: the more small-batch epochs come before, the better the large batch's
/// test accuracy (the 95 % interval of the slope with each doubling lies above 0), and the flatter it ends (that of the factor of
/// φ lies below 1; the largest f of all searches); the latest start is better than one at x₀ for as many large-batch epochs (the
/// interval of the difference, paired by trials); it is better, and flatter, than the plain large batch after as many epochs in
/// all, and after as many steps in all, so that it is not the time that does it; and it is better than the small batch that goes on
/// for as many epochs in all.
///
/// # Errors
/// As [`WarmStarts::of`], for the recorded run; [`Error::Parameter`](crate::Error::Parameter) where there is neither record nor
/// live run.
pub fn warm_starts(recorded: Option<&Recorded>, live: Option<&WarmStarts>) -> Result<Comparison> {
    check_source(&recorded, &live)?;
    let kept = recorded.map(Recorded::warm_starts).transpose()?;
    let kept = kept.as_ref();
    let columns = [None, kept, live].map(|warm| warm.map_or(Vec::new(), column));
    let claims = [
        "The more small-batch epochs before, the better the large batch's test accuracy.",
        "The more small-batch epochs before, the flatter it ends.",
        "The latest start is better than a start at x₀.",
        "The latest start is better than the plain large batch after as many epochs in all.",
        "The latest start ends flatter than the plain large batch after as many epochs in all.",
        "The latest start is better than the plain large batch after as many steps in all.",
        "The latest start ends flatter than the plain large batch after as many steps in all.",
        "The latest start is better than the small batch that goes on.",
    ];
    Ok(Comparison {
        rows: Row::filled(rows(), &columns),
        sources: Sources::new(
            String::from("F2 and C1, curves without numbers"),
            recorded,
            live.map(|live| [&*live.net, &*live.data]),
        ),
        verdicts: verdicts(claims, [by_source(kept, "recorded", judge), by_source(live, "live", judge)]),
    })
}

fn rows() -> Vec<Row> {
    let test = |label| Row { split: Some("test"), ..Row::new(label, "accuracy", Form::Percent) };
    let phi = |label, measure| Row { split: Some("train"), ..Row::new(label, measure, Form::Significant) };
    vec![
        test("test %, large batch from x₀"),
        test("test %, large batch from the latest start"),
        test("test %, small batch at the latest start"),
        test("test %, plain large batch, as many epochs in all"),
        test("test %, plain large batch, as many steps in all"),
        test("test %, small batch, as many epochs in all"),
        Row { split: Some("test"), ..Row::new("points with each doubling of the epochs before", "slope", Form::Plain) },
        phi("φ from x₀, %, largest", "sharpness"),
        phi("φ from the latest start, %, largest", "sharpness"),
        phi("φ of the plain large batch, as many epochs in all, %, largest", "sharpness"),
        phi("φ of the plain large batch, as many steps in all, %, largest", "sharpness"),
        phi("φ of the small batch, as many epochs in all, %, largest", "sharpness"),
        phi("φ with each doubling, largest: times", "sharpness_factor"),
    ]
}

fn column(warm: &WarmStarts) -> Vec<Number> {
    let last = warm.starts().pop().unwrap_or(0);
    let mean = |epochs: usize, of: &dyn Fn(&WarmPoint) -> Option<f64>| -> Number {
        let values: Vec<f64> = warm.at(epochs).filter_map(of).collect();
        mean_of(&values)
    };
    vec![
        mean(0, &|point| Some(point.after.test_accuracy)),
        mean(last, &|point| Some(point.after.test_accuracy)),
        mean(last, &|point| Some(point.before.test_accuracy)),
        mean(last, &|point| point.plain.map(|row| row.test_accuracy)),
        mean(last, &|point| point.as_many_steps.map(|row| row.test_accuracy)),
        mean(last, &|point| point.going_on.map(|row| row.test_accuracy)),
        warm.gain().ok().map(|gain| (gain.difference, None)),
        mean(0, &|point| point.largest),
        mean(last, &|point| point.largest),
        mean(last, &|point| point.plain_largest),
        mean(last, &|point| point.as_many_steps_largest),
        mean(last, &|point| point.going_on_largest),
        warm.change(Reading::Largest).ok().map(|change| (change.difference.exp(), None)),
    ]
}

fn judge(warm: &WarmStarts) -> [Finding; 8] {
    if let Some(reason) = cut_short(warm.cut) {
        return not_tested(&reason);
    }
    let points = |test: Result<Paired>, of: &'static str| Finding::by_test(test, |test| Effect::from(test).of(of));
    // A factor below 1 is what both claims of sharpness say.
    let below = |test: Result<Paired>, of: &'static str| match warm.unmeasured {
        0 => {
            let doubtful = warm.points.iter().filter(|point| !(point.is_trusted && point.are_others_trusted)).count();
            let judged = Finding::by_test(test, |test| factor_of(test).less().of(of));
            judged.and(unreliable(doubtful, warm.points.len())).and(failed(warm.failed))
        }
        missing => Finding::bare(Outcome::NotTested, format!("the budget left out {missing} measures")),
    };
    let gain = points(warm.gain(), "test accuracy with each doubling of the epochs before");
    let flatter = below(warm.change(Reading::Largest), "φ with each doubling of the epochs before");
    let better = |other| points(warm.against(other), "test accuracy, latest start − the other");
    let flatter_than = |other| below(warm.sharpness_against(other), "φ, latest start over the other");
    let [plain, steps] = [Beside::Plain, Beside::Steps].map(|other| [better(other), flatter_than(other)]);
    let ([plain, than_plain], [steps, than_steps]) = (plain, steps);
    [gain, flatter, better(Beside::Start), plain, than_plain, steps, than_steps, better(Beside::Small)]
        .map(|judged| judged.and(left_out(warm.diverged)))
}
