//! One trial, from its start to its end.

use super::descent::Descent;
use super::halfway::{Halfway, Place};
use super::iterate::Keeping;
use super::recipe::Recipe;
use super::stop::Stop;
use super::trace::Epoch;
use super::watch::{Ended, Watch};
use crate::data::Dataset;
use crate::error::Result;
use crate::net::Net;
use crate::weights::Weights;
use crate::work::Doing;

/// What a trial is, beside its recipe.
pub(super) struct Task<'a> {
    pub(super) trial: usize,
    /// Where it starts, if not at the point of its number.
    pub(super) start: Option<&'a Weights>,
    pub(super) keeping: Keeping<'a>,
    /// Where the trial is kept on its way, if it is.
    pub(super) place: Option<&'a Place<'a>>,
}

/// Runs one trial, or what remains of one that was interrupted; `report` is told of each epoch that is done.
pub(super) fn descend(
    recipe: &Recipe,
    net: &Net,
    data: &Dataset,
    task: &Task<'_>,
    before: Option<Halfway>,
    doing: &Doing<'_>,
    report: &dyn Fn(&Epoch),
) -> Result<Ended> {
    let mut descent = Descent::new(recipe, net, data, task.trial, task.start)?;
    let mut watch = match before {
        Some(before) => before.resume(&mut descent)?,
        None => {
            let (mut watch, is_finite) = Watch::begin(&mut descent, net, data)?;
            if !is_finite {
                return Ok(watch.ended(Stop::Diverged));
            }
            watch.keep(&task.keeping)?;
            watch
        }
    };
    // A disk that is full is no reason to lose the trial: it is said, and the trial goes on.
    let keep = |descent: &Descent, watch: &Watch, now: bool| {
        if let Some(place) = task.place.filter(|_| descent.epoch() > 0)
            && let Err(error) = place.keep(descent, watch, now)
        {
            doing.progress.warn(&format!("trial {} cannot be kept on its way: {error}", task.trial));
        }
    };
    for epoch in descent.epoch() + 1..=recipe.epochs {
        if doing.is_over() {
            keep(&descent, &watch, true);
            return Ok(watch.ended(Stop::Budget));
        }
        while descent.epoch() < epoch {
            if !descent.advance(data)?.is_finite() {
                return Ok(watch.ended(Stop::Diverged));
            }
        }
        let stop = watch.see(&mut descent, net, data)?;
        if stop != Some(Stop::Diverged) {
            watch.keep(&task.keeping)?;
            report(watch.row());
        }
        if let Some(stop) = stop {
            return Ok(watch.ended(stop));
        }
        if epoch < recipe.epochs {
            keep(&descent, &watch, false);
        }
    }
    Ok(watch.ended(Stop::Epochs))
}
