//! The sharpness of minima: Tables 3 and 4 of the paper.

use super::{Comparison, Form, Outcome, Row, column_sources, not_tested, verdicts};
use crate::error::{Error, Result};
use crate::paper::PrintedSharpness;
use crate::record::Recorded;
use crate::sharpness::{Contrast, Maxima, Reading};
use crate::spread::{Ratio, Spread};

/// Sets the sharpness of a live pair's minima beside the paper's rows of Tables 3 and 4 and beside the recorded run's.
///
/// Four claims are judged, each over all boxes that were measured: the large batch's minima are sharper in the full space;
/// and in a random subspace; by a factor of ten at least (the paper's means of F1 differ by 70 to 183); and the search from x
/// itself, the paper's protocol as far as it says one, shows that. The first three read the largest f of all searches.
///
/// A claim holds where the 95 % confidence interval of the ratio, large over small, lies above 1 (or 10) in every box, and
/// fails where it lies below in one. Searches that found no size judge nothing but the fourth claim, which is about them.
///
/// # Errors
/// [`Error::Parameter`] where there is no measure of both regimes, or where rows, record and measures are not of one net.
pub fn sharpness(
    full: &PrintedSharpness,
    subspace: &PrintedSharpness,
    recorded: Option<&Recorded>,
    live: &Maxima,
) -> Result<Comparison> {
    let measured = recorded.and_then(|recorded| recorded.maxima.as_ref());
    let nets = measured.into_iter().chain([live]).flat_map(|maxima| &maxima.maxima).map(|maximum| maximum.net.as_str());
    if let Some(other) = nets.chain([subspace.net]).find(|net| *net != full.net) {
        return Err(Error::parameter("net", other, format!("be {}, as in the paper's row", full.net)));
    }
    let Some(first) = live.maxima.first() else {
        return Err(Error::parameter("measures", 0, "be at least 1 of each regime"));
    };
    let mut rows = Vec::new();
    for one in contrasts(live)? {
        let printed = match one.along.as_str() {
            "full space" => full.at(one.epsilon),
            "random subspace, p = 100" => subspace.at(one.epsilon),
            _ => None,
        };
        let recorded_one = |reading| measured.and_then(|maxima| alike(maxima, &one, reading));
        for (reading, name) in [(Reading::FromZero, "from zero"), (Reading::Largest, "largest")] {
            let live = alike(live, &one, reading);
            let recorded = recorded_one(reading);
            // The paper's number stands beside the search that is nearest to its protocol.
            let printed = printed.filter(|_| reading == Reading::FromZero);
            for (place, regime) in ["small", "large"].into_iter().enumerate() {
                let of = |contrast: &Option<Contrast>| {
                    let values = contrast.as_ref().map(|one| if place == 0 { &one.small } else { &one.large })?;
                    let Spread { mean, deviation, .. } = Spread::of(values).ok()?;
                    Some((mean, Some(deviation).filter(|deviation| deviation.is_finite())))
                };
                rows.push(Row {
                    regime: Some(regime),
                    split: Some("train"),
                    along: Some(one.along.clone()),
                    epsilon: Some(one.epsilon),
                    cells: [
                        printed.map(|both| (both[place].mean, Some(both[place].deviation))),
                        of(&recorded),
                        of(&live),
                    ],
                    ..Row::new(
                        &format!("φ, %: {}, ε = {:e}, {regime} batch, {name}", one.along, one.epsilon),
                        measure(reading),
                        Form::Significant,
                    )
                });
            }
            let ratio = |contrast: &Option<Contrast>| {
                contrast.as_ref().and_then(|one| one.ratio().ok()).map(|ratio| (ratio.of_means, None))
            };
            rows.push(Row {
                split: Some("train"),
                along: Some(one.along.clone()),
                epsilon: Some(one.epsilon),
                cells: [printed.map(|[small, large]| (large.mean / small.mean, None)), ratio(&recorded), ratio(&live)],
                ..Row::new("large over small, of the means", "ratio", Form::Significant)
            });
        }
    }
    let claims = [
        "In the full space the large batch's minima are sharper.",
        "In a random subspace the large batch's minima are sharper.",
        "They are sharper by a factor of ten at least, in every box.",
        "The search from x itself, ten iterations of it, shows that.",
    ];
    let evidence = match measured {
        Some(maxima) => judge(maxima)?,
        None => not_tested("no recorded measure"),
    };
    Ok(Comparison {
        rows,
        sources: column_sources(
            &format!("{} on {}", full.net, full.data),
            recorded,
            &format!("{} on {}", first.net, first.data),
        ),
        verdicts: verdicts(claims, evidence, judge(live)?),
    })
}

fn measure(reading: Reading) -> &'static str {
    match reading {
        Reading::Largest => "sharpness",
        Reading::FromZero => "sharpness_from_zero",
    }
}

/// The boxes on the training split, by the largest of all searches.
fn contrasts(maxima: &Maxima) -> Result<Vec<Contrast>> {
    let mut contrasts = maxima.contrasts(Reading::Largest);
    contrasts.retain(|one| one.split == "train");
    if contrasts.is_empty() || contrasts.iter().any(|one| one.small.is_empty() || one.large.is_empty()) {
        return Err(Error::parameter("measures of a regime", 0, "be at least 1 of each regime in every box"));
    }
    Ok(contrasts)
}

/// The same box, in these measures and this reading.
fn alike(maxima: &Maxima, of: &Contrast, reading: Reading) -> Option<Contrast> {
    let mut all = maxima.contrasts(reading).into_iter();
    all.find(|one| (&one.along, one.epsilon, &one.split) == (&of.along, of.epsilon, &of.split))
}

/// What becomes of the four claims.
fn judge(maxima: &Maxima) -> Result<[(Outcome, String); 4]> {
    if maxima.unmeasured > 0 {
        let reason = format!("{} measures are missing: the budget of seconds was used up", maxima.unmeasured);
        return Ok(not_tested(&reason));
    }
    let largest = contrasts(maxima)?;
    let from_zero: Vec<Contrast> = largest.iter().filter_map(|one| alike(maxima, one, Reading::FromZero)).collect();
    let is_full = |one: &&Contrast| one.along == "full space";
    let full: Vec<&Contrast> = largest.iter().filter(is_full).collect();
    let others: Vec<&Contrast> = largest.iter().filter(|one| !is_full(one)).collect();
    Ok([
        larger(&full, 1.0, false),
        larger(&others, 1.0, false),
        larger(&largest.iter().collect::<Vec<_>>(), 10.0, false),
        larger(&from_zero.iter().collect::<Vec<_>>(), 1.0, true),
    ])
}

/// Whether the ratio is above a factor in every one of these boxes, be it of searches that found no size or not.
fn larger(boxes: &[&Contrast], factor: f64, doubtful_too: bool) -> (Outcome, String) {
    if boxes.is_empty() {
        return (Outcome::NotTested, "no such box was measured".into());
    }
    let outcome = |one: &&Contrast| match one.ratio() {
        Ok(Ratio { lower, upper, .. }) if doubtful_too || one.doubtful() == 0 => {
            Outcome::of_interval(lower - factor, upper - factor)
        }
        _ => Outcome::Undecided,
    };
    let outcomes: Vec<Outcome> = boxes.iter().map(outcome).collect();
    let together = match () {
        () if outcomes.contains(&Outcome::Fails) => Outcome::Fails,
        () if outcomes.iter().all(|outcome| *outcome == Outcome::Holds) => Outcome::Holds,
        () => Outcome::Undecided,
    };
    let evidence = boxes.iter().map(|one| format!("{}, ε = {:e}: ratio {}", one.along, one.epsilon, one.said()));
    (together, evidence.collect::<Vec<_>>().join("; "))
}
