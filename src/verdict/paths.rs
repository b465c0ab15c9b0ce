//! What lies between and beyond the minima: Figures 3 and 7 of the paper.

use super::effect::{Effect, Unit};
use super::finding::Finding;
use super::{Comparison, Form, Outcome, Row, Sources, by_record, by_source, mean_of, verdicts};
use crate::error::{Error, Result};
use crate::landscape::{Path, PathPoint, Paths, Shape};
use crate::objective::{Evaluation, Objective, Statistics, Value};
use crate::paper::Figure3;
use crate::record::Recorded;

/// Sets the paths of a recorded and of a live pair, of which one may be missing, beside curves that the authors released, of
/// whatever net.
///
/// Two claims are judged by the training loss with batch statistics: along the straight line (Figure 3) it rises faster beyond
/// the large batch's solution (1 < α ≤ 1¼) than beyond the small one's (−¼ ≤ α < 0); and so it does along the curve
/// (Figure 7). A claim holds where the 95 % confidence interval of the ratio of the two rises, paired by trials, lies above 1.
///
/// # Errors
/// [`Error::Parameter`] where there is no path with batch statistics.
pub fn paths(paper: &Figure3, recorded: Option<&Recorded>, live: Option<&Paths>) -> Result<Comparison> {
    compared(Some(paper), recorded, live)
}

/// The same claims about live paths of any net on any data, without the paper's curves; of the shapes that there are.
///
/// # Errors
/// As [`paths`].
pub fn rises(live: &Paths) -> Result<Comparison> {
    let mut judged = compared(None, None, Some(live))?;
    let mut is_there =
        [Shape::Line, Shape::Curve].map(|shape| !live.only(shape, Statistics::Batch).paths.is_empty()).into_iter();
    judged.verdicts.retain(|_| is_there.next() == Some(true));
    Ok(judged)
}

fn compared(paper: Option<&Figure3>, recorded: Option<&Recorded>, live: Option<&Paths>) -> Result<Comparison> {
    let kept = recorded.and_then(|recorded| recorded.paths.as_ref());
    let of_batches = |paths: &Paths| paths.paths.iter().any(|path| path.objective.whose() == Statistics::Batch);
    if !live.or(kept).is_some_and(of_batches) {
        return Err(Error::parameter("paths with batch statistics", 0, "be at least 1"));
    }
    let authors = paper.map(|paper| Paths::from(vec![released(paper)]));
    let sources: [Option<&Paths>; 3] = [authors.as_ref(), kept, live];
    let mut rows = Vec::new();
    for shape in [Shape::Line, Shape::Curve] {
        let of = |paths: Option<&Paths>, statistics, value: fn(&Path) -> Option<f64>| {
            let paths = paths?.only(shape, statistics);
            let values: Option<Vec<f64>> = paths.paths.iter().map(value).collect();
            mean_of(&values?).filter(|(mean, _)| mean.is_finite())
        };
        let measures: [Measure; 6] = [
            ("training loss at the small batch's solution", "loss_small", Statistics::Batch, |path| path.loss(0.0)),
            ("training loss at the large batch's solution", "loss_large", Statistics::Batch, |path| path.loss(1.0)),
            ("barrier between them", "barrier", Statistics::Batch, Path::barrier),
            ("barrier, averages re-estimated", "barrier_recalibrated", Statistics::Recalibrated, Path::barrier),
            ("rise beyond the small batch's", "rise_small", Statistics::Batch, Path::rise_small),
            ("rise beyond the large batch's", "rise_large", Statistics::Batch, Path::rise_large),
        ];
        for (label, measure, statistics, value) in measures {
            let cells = sources.map(|paths| of(paths, statistics, value));
            if cells.iter().any(Option::is_some) {
                let row = Row::new(&format!("{shape}: {label}, nats"), measure, Form::Significant);
                rows.push(Row { split: Some("train"), along: Some(shape.to_string()), cells, ..row });
            }
        }
    }
    let claims = [
        "Along the line the loss rises faster beyond the large batch's solution than beyond the small one's.",
        "Along the curve, too, the loss rises faster beyond the large batch's solution.",
    ];
    Ok(Comparison {
        rows,
        sources: Sources::new(
            paper.map(|paper| format!("the authors' released {} on {}, one pair", paper.net, paper.data)),
            recorded,
            live.and_then(|live| live.paths.first()).map(|first| [&*first.net, &*first.data]),
        ),
        verdicts: verdicts(claims, [by_record(recorded, kept, judge), by_source(live, "live", judge)]),
    })
}

/// A row: its label, its name, whose statistics, and a path's number.
type Measure = (&'static str, &'static str, Statistics, fn(&Path) -> Option<f64>);

/// The authors' curves as a path.
fn released(paper: &Figure3) -> Path {
    let points = paper.points.map(|[alpha, train_loss, test_loss, train, test]| PathPoint {
        alpha,
        value: Evaluation {
            train: Value { loss: train_loss, accuracy: train / 100.0 },
            test: Value { loss: test_loss, accuracy: test / 100.0 },
        },
    });
    Path {
        shape: Shape::Line,
        net: paper.net.into(),
        data: paper.data.into(),
        trial: 0,
        ends: None,
        objective: Objective::new(),
        points: points.into(),
        seconds: 0.0,
    }
}

fn judge(all: &Paths) -> [Finding; 2] {
    [Shape::Line, Shape::Curve].map(|shape| {
        if all.unmeasured > 0 {
            let reason = format!("{} paths are missing: the budget of seconds was used up", all.unmeasured);
            return Finding::bare(Outcome::NotTested, reason);
        }
        let left_out = match all.diverged {
            0 => String::new(),
            diverged => format!("{diverged} paths are left out, of trials that diverged"),
        };
        let own = all.only(shape, Statistics::Batch);
        let judged = match own.rises() {
            _ if own.paths.len() == 1 => Finding::bare(Outcome::Undecided, of_one(&own.paths[0])),
            Ok(ratio) => Finding::by(vec![Effect::from(&ratio).of("rise of the loss, large over small batch")]),
            Err(Error::Data(reason)) => Finding::bare(Outcome::NotTested, format!("the {shape}: {reason}")),
            Err(reason) => Finding::bare(Outcome::Undecided, reason.to_string()),
        };
        judged.and(left_out)
    })
}

/// What one path says, of which there is no test.
fn of_one(path: &Path) -> String {
    match path.rise_large().zip(path.rise_small()) {
        Some((large, small)) if small > 0.0 => {
            format!("one pair, and so no test: times {}", Unit::Factor.written(large / small))
        }
        _ => "one pair, and so no test".into(),
    }
}
