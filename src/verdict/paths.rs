//! What lies between and beyond the minima: Figures 3 and 7 of the paper.

use super::effect::{Effect, Judged};
use super::{Comparison, Form, Outcome, Row, column_sources, not_tested, verdicts};
use crate::error::{Error, Result};
use crate::landscape::{Path, PathPoint, Paths, Shape};
use crate::objective::{Evaluation, Objective, Statistics, Value};
use crate::paper::Figure3;
use crate::record::Recorded;
use crate::spread::Spread;

/// Sets the paths of a live pair beside curves that the authors released, of whatever net, and beside the recorded run's.
///
/// Two claims are judged by the training loss with batch statistics: along the straight line (Figure 3) it rises faster beyond
/// the large batch's solution (1 < α ≤ 1¼) than beyond the small one's (−¼ ≤ α < 0); and so it does along the curve
/// (Figure 7). A claim holds where the 95 % confidence interval of the ratio of the two rises over the trials lies above 1.
///
/// # Errors
/// [`Error::Parameter`] where there is no path with batch statistics.
pub fn paths(paper: &Figure3, recorded: Option<&Recorded>, live: &Paths) -> Result<Comparison> {
    let Some(first) = live.paths.iter().find(|path| path.objective.whose() == Statistics::Batch) else {
        return Err(Error::parameter("paths with batch statistics", 0, "be at least 1"));
    };
    let kept = recorded.and_then(|recorded| recorded.paths.as_ref());
    let authors = Paths::from(vec![released(paper)]);
    let sources: [Option<&Paths>; 3] = [Some(&authors), kept, Some(live)];
    let mut rows = Vec::new();
    for shape in [Shape::Line, Shape::Curve] {
        let of = |paths: Option<&Paths>, statistics, value: fn(&Path) -> Option<f64>| {
            let paths = paths?.only(shape, statistics);
            let values: Option<Vec<f64>> = paths.paths.iter().map(value).collect();
            let Spread { mean, deviation, .. } = Spread::of(&values?).ok()?;
            mean.is_finite().then_some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
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
        "So it does along the curve: that is no matter of a straight line.",
    ];
    let evidence = kept.map_or_else(|| not_tested("no recorded paths"), judge);
    Ok(Comparison {
        rows,
        sources: column_sources(
            &format!("the authors' released {} on {}, one pair", paper.net, paper.data),
            recorded,
            &format!("{} on {}", first.net, first.data),
        ),
        verdicts: verdicts(claims, evidence, judge(live)),
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
        objective: Objective::new(),
        points: points.into(),
        seconds: 0.0,
    }
}

fn judge(all: &Paths) -> [Judged; 2] {
    [Shape::Line, Shape::Curve].map(|shape| {
        if all.unmeasured > 0 {
            let reason = format!("{} paths are missing: the budget of seconds was used up", all.unmeasured);
            return Judged::bare(Outcome::NotTested, reason);
        }
        let left_out = match all.diverged {
            0 => String::new(),
            diverged => format!("{diverged} paths are left out, of trials that diverged"),
        };
        let judged = match all.only(shape, Statistics::Batch).rises() {
            Ok(ratio) => Judged::by(vec![Effect::from(&ratio)]),
            Err(Error::Data(reason)) => Judged::bare(Outcome::NotTested, format!("the {shape}: {reason}")),
            Err(reason) => Judged::bare(Outcome::Undecided, reason.to_string()),
        };
        judged.and(left_out)
    })
}
