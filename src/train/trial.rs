//! One trial, from its start to its end.

use std::time::Instant;

use super::descent::Descent;
use super::recipe::Recipe;
use super::stop::Stop;
use super::trace::Epoch;
use super::watch::{Ended, Watch};
use crate::data::Dataset;
use crate::error::Result;
use crate::net::Net;

/// Runs one trial; `report` is told of each epoch that is done.
pub(super) fn descend(
    recipe: &Recipe,
    net: &Net,
    data: &Dataset,
    trial: usize,
    deadline: Option<Instant>,
    report: &dyn Fn(&Epoch),
) -> Result<Ended> {
    let mut descent = Descent::new(recipe, net, data, trial)?;
    let (mut watch, is_finite) = Watch::begin(&mut descent, net, data)?;
    if !is_finite {
        return Ok(watch.ended(Stop::Diverged));
    }
    for epoch in 1..=recipe.epochs {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(watch.ended(Stop::Budget));
        }
        while descent.epoch() < epoch {
            if !descent.advance(data)?.is_finite() {
                return Ok(watch.ended(Stop::Diverged));
            }
        }
        let stop = watch.see(&mut descent, net, data)?;
        if stop != Some(Stop::Diverged) {
            report(watch.row());
        }
        if let Some(stop) = stop {
            return Ok(watch.ended(stop));
        }
    }
    Ok(watch.ended(Stop::Epochs))
}
