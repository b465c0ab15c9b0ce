//! One trial, from its start to its end.

use super::descent::Descent;
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
}

/// Runs one trial; `report` is told of each epoch that is done.
pub(super) fn descend(
    recipe: &Recipe,
    net: &Net,
    data: &Dataset,
    task: &Task<'_>,
    doing: &Doing<'_>,
    report: &dyn Fn(&Epoch),
) -> Result<Ended> {
    let mut descent = Descent::new(recipe, net, data, task.trial, task.start)?;
    let (mut watch, is_finite) = Watch::begin(&mut descent, net, data)?;
    if !is_finite {
        return Ok(watch.ended(Stop::Diverged));
    }
    watch.keep(&task.keeping)?;
    for epoch in 1..=recipe.epochs {
        if doing.is_over() {
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
    }
    Ok(watch.ended(Stop::Epochs))
}
