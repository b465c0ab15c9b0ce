//! The sharpness of minima: Tables 3 and 4 of the paper.

use super::effect::Effect;
use super::finding::{Finding, failed, left_out};
use super::{
    Comparison, Form, Number, Outcome, Row, Sources, Verdict, check_net, check_source, cut_in, mean_of, not_tested,
    verdicts,
};
use crate::data::Which;
use crate::error::{Error, Result};
use crate::paper::{Printed, PrintedSharpness};
use crate::record::Recorded;
use crate::sharpness::{Contrast, Maxima, Maximum, Reading, Space, check_each_once};

/// Sets the sharpness of a recorded and of a live pair's minima, of which one may be missing, beside the paper's rows of Tables 3
/// and 4.
///
/// Four claims are judged, each over all boxes that were measured: the large batch's minima are sharper in the full space;
/// and in a random subspace; by a factor of ten at least (the paper's means of F1 differ by 70 to 183); and the search from x
/// itself, the paper's protocol as far as it is specified, shows that. The first three read the largest f of all searches.
///
/// A claim holds where the 95 % confidence interval of the ratio, large over small, lies above 1 (or 10) in every box; the third
/// fails where one box lies below ten. Searches that are unreliable judge nothing but the fourth claim, which is about them. How
/// often the best of several searches stands alone is said: there may be higher maxima then.
///
/// # Errors
/// [`Error::Parameter`] where there is no measure of both regimes, or where rows, record and measures are not of one net.
pub fn sharpness(
    full: &PrintedSharpness,
    subspace: &PrintedSharpness,
    recorded: Option<&Recorded>,
    live: Option<&Maxima>,
) -> Result<Comparison> {
    compared(Some([full, subspace]), recorded, live)
}

/// Three of the claims about live measures of any net on any data, where the paper has no row and nothing was recorded: that the
/// large batch's minima are sharper in the full space and along directions, and that the search from x itself finds that; each
/// over the boxes that were measured.
///
/// # Errors
/// [`Error::Parameter`] where there is no measure of both regimes.
pub fn sharper(live: &Maxima) -> Result<Comparison> {
    let mut judged = compared(None, None, Some(live))?;
    let is_there = |full: bool| live.maxima.iter().any(|one| (one.space == Space::Full) == full);
    let claims = [
        is_there(true).then_some("In the full space the large batch's minima are sharper."),
        is_there(false).then_some("Along the directions that were measured the large batch's minima are sharper."),
        // A factor of ten is what the paper's numbers suggest.
        None,
        Some("The search from x itself finds the large batch's minima sharper."),
    ];
    let claimed = judged.verdicts.into_iter().zip(claims);
    judged.verdicts = claimed.filter_map(|(one, claim)| Some(Verdict { claim: claim?.into(), ..one })).collect();
    Ok(judged)
}

/// The rows of Tables 3 and 4, where the paper has them.
type Tables<'a> = Option<[&'a PrintedSharpness; 2]>;

fn compared(tables: Tables<'_>, recorded: Option<&Recorded>, live: Option<&Maxima>) -> Result<Comparison> {
    check_source(&recorded, &live)?;
    let measured = recorded.and_then(|recorded| recorded.maxima.as_ref());
    let nets = measured.into_iter().chain(live).flat_map(|maxima| &maxima.maxima).map(|maximum| maximum.net.as_str());
    if let Some([full, subspace]) = tables {
        check_net(full.net, nets.chain([subspace.net]))?;
    }
    let boxes = live.or(measured).map_or(Ok(Vec::new()), contrasts)?;
    if boxes.is_empty() {
        return Err(Error::parameter("measures", 0, "be at least 1 of each regime"));
    }
    let claims = [
        "In the full space the large batch's minima are sharper.",
        "In a random subspace the large batch's minima are sharper.",
        "In every box the large batch's minima are sharper by a factor of ten at least.",
        "Ten iterations of the search from x itself find the large batch's minima sharper.",
    ];
    let judged = |maxima: Option<&Maxima>, none| match maxima {
        Some(maxima) => judge(maxima, tables),
        None => Ok(not_tested(none)),
    };
    let recorded_findings = match cut_in(recorded) {
        Some(reason) => not_tested(&reason),
        None => judged(measured, "no recorded measure")?,
    };
    let judged = [recorded_findings, judged(live, "no live measure")?];
    let rows = boxes.iter().flat_map(|one| rows_of(one, tables, measured, live)).collect();
    Ok(Comparison {
        rows,
        sources: Sources::new(
            tables.map(|[full, _]| format!("{} on {}", full.net, full.data)),
            recorded,
            live.and_then(|live| live.maxima.first()).map(|first| [&*first.net, &*first.data]),
        ),
        verdicts: verdicts(claims, judged),
    })
}

/// The rows of one box: φ of both regimes and their ratio, in both readings.
fn rows_of(one: &Contrast, tables: Tables<'_>, measured: Option<&Maxima>, live: Option<&Maxima>) -> Vec<Row> {
    let printed = tables.and_then(|tables| printed_in(tables, one.space, one.epsilon));
    let row = |label: &str, measure, regime: Option<&str>, cells| Row {
        regime: regime.map(String::from),
        split: Some("train"),
        along: Some(one.space.to_string()),
        epsilon: Some(one.epsilon),
        cells,
        ..Row::new(label, measure, Form::Significant)
    };
    let mut rows = Vec::new();
    for (reading, name, measure) in
        [(Reading::FromZero, "from zero", "sharpness_from_zero"), (Reading::Largest, "largest", "sharpness")]
    {
        let found = [measured, live].map(|maxima| {
            let largest = contrasts(maxima?).ok()?;
            let place = place_of(&largest, one)?;
            Some(if reading == Reading::Largest { largest[place].clone() } else { from_zero(maxima?)[place].clone() })
        });
        // The paper's numbers stand beside the search that is nearest to its protocol.
        let printed = printed.filter(|_| reading == Reading::FromZero);
        let columns = |paper: Number, of: &dyn Fn(&Contrast) -> Number| {
            let [recorded, live] = found.each_ref().map(|contrast| contrast.as_ref().and_then(of));
            [paper, recorded, live]
        };
        let label = |regime| format!("φ, %: {}, ε = {:e}, {regime} batch, {name}", one.space, one.epsilon);
        let paper = printed.map(|both| both.map(|number| Some((number.mean, Some(number.deviation)))));
        let [small, large] = paper.unwrap_or_default();
        rows.push(row(&label("small"), measure, Some("small"), columns(small, &|one| mean_of(&one.small))));
        rows.push(row(&label("large"), measure, Some("large"), columns(large, &|one| mean_of(&one.large))));
        let ratio = printed.map(|[small, large]| (large.mean / small.mean, None));
        let cells = columns(ratio, &|one| one.ratio().ok().map(|ratio| (ratio.of_means, None)));
        rows.push(row("large over small, of the means", "ratio", None, cells));
    }
    rows
}

/// What the paper prints for a box, small and large batch.
pub(super) fn printed_in([full, subspace]: [&PrintedSharpness; 2], space: Space, epsilon: f64) -> Option<[Printed; 2]> {
    match space {
        Space::Full => full.at(epsilon),
        Space::Random { p: 100, orthonormal: false } => subspace.at(epsilon),
        _ => None,
    }
}

/// The boxes on the training split, by the largest of all searches.
fn contrasts(maxima: &Maxima) -> Result<Vec<Contrast>> {
    let measured: Vec<&Maximum> = maxima.maxima.iter().filter(|maximum| maximum.split == Which::Train).collect();
    for one in &measured {
        let alike: Vec<&Maximum> = measured.iter().copied().filter(|other| other.is_measured_as(one)).collect();
        check_each_once(&alike, true)?;
    }
    let mut contrasts = maxima.contrasts(Reading::Largest);
    contrasts.retain(|one| one.split == Which::Train);
    if contrasts.is_empty() || contrasts.iter().any(|one| one.small.is_empty() || one.large.is_empty()) {
        return Err(Error::parameter("measures of a regime", 0, "be at least 1 of each regime in every box"));
    }
    Ok(contrasts)
}

/// The same boxes in the same order, by the search from x itself.
fn from_zero(maxima: &Maxima) -> Vec<Contrast> {
    maxima.contrasts(Reading::FromZero).into_iter().filter(|one| one.split == Which::Train).collect()
}

/// The place of the same box among others: the one that was looked at by as many searches and along the same A, where there is it.
fn place_of(all: &[Contrast], one: &Contrast) -> Option<usize> {
    let box_of = |it: &Contrast| (it.space, it.epsilon.to_bits(), it.split, it.iterations, it.statistics);
    let nearness = |it: &Contrast| (it == one, it.searches == one.searches, it.draw == one.draw);
    let own = all.iter().enumerate().filter(|(_, it)| box_of(it) == box_of(one));
    own.max_by_key(|(place, it)| (nearness(it), std::cmp::Reverse(*place))).map(|(place, _)| place)
}

/// What becomes of the four claims.
fn judge(maxima: &Maxima, tables: Tables<'_>) -> Result<[Finding; 4]> {
    if maxima.unmeasured > 0 {
        let reason = format!("{} measures are missing: the budget of seconds was used up", maxima.unmeasured);
        return Ok(not_tested(&reason));
    }
    let largest = contrasts(maxima)?;
    let from_zero = from_zero(maxima);
    let is_full = |one: &&Contrast| one.space == Space::Full;
    let full: Vec<&Contrast> = largest.iter().filter(is_full).collect();
    let others: Vec<&Contrast> = largest.iter().filter(|one| !is_full(one)).collect();
    let judged = [
        larger(&full, tables, 1.0, false),
        larger(&others, tables, 1.0, false),
        larger(&largest.iter().collect::<Vec<_>>(), tables, 10.0, false).everywhere(),
        larger(&from_zero.iter().collect::<Vec<_>>(), tables, 1.0, true),
    ];
    Ok(judged.map(|judged| judged.and(failed(maxima.failed.len())).and(left_out(maxima.diverged))))
}

/// Whether the ratio is above a factor in every one of these boxes, be it of searches that are unreliable or not.
fn larger(boxes: &[&Contrast], tables: Tables<'_>, factor: f64, doubtful_too: bool) -> Finding {
    if boxes.is_empty() {
        return Finding::bare(Outcome::NotTested, "no such box was measured");
    }
    let effect = |one: &&Contrast| {
        let name = format!("{}, ε = {:e}", one.space, one.epsilon);
        let printed = tables.and_then(|tables| printed_in(tables, one.space, one.epsilon));
        let printed = printed.map(|[small, large]| large.mean / small.mean);
        let ratio = one.ratio().map_err(|reason| format!("{name}: {reason}"))?;
        let is_trusted = doubtful_too || one.doubtful() == 0;
        let effect = Effect::from(&ratio).between(factor, f64::INFINITY);
        Ok(effect.of("φ, large over small batch").labelled(name).beside(printed).trusted(is_trusted))
    };
    let doubts = boxes.iter().filter(|one| one.doubtful() > 0).map(|one| {
        let searches = one.small.len() + one.large.len();
        format!("{}, ε = {:e}: {} of {searches} searches unreliable", one.space, one.epsilon, one.doubtful())
    });
    let found = Finding::by_boxes(boxes.iter().map(effect).collect()).and(doubts.collect::<Vec<_>>().join("; "));
    let of = |count: fn(&Contrast) -> usize| boxes.iter().map(|one| count(one)).sum::<usize>();
    match of(|one| one.alone) {
        0 => found,
        _ if doubtful_too => found,
        alone => {
            let all = of(|one| one.small.len() + one.large.len());
            found.and(format!("in {alone} of {all} measures the best search stands alone, none within 5 % of it"))
        }
    }
}
