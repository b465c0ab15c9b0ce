//! Many trials in parallel, of any number of regimes. The bits of a trial depend on its recipe and its number alone, so the
//! order in which trials are taken up, and by how many threads, changes only the time.

use super::recipe::Recipe;
use super::stop::Stop;
use super::trace::{Epoch, Run};
use super::trial::descend;
use super::trials::{Regime, Role, Trials};
use super::watch::Ended;
use crate::data::{Dataset, check_count};
use crate::error::{Error, Result};
use crate::kept::{Fingerprint, Found, Shelf};
use crate::net::Net;
use crate::seed::Seed;
use crate::work::{Parts, Work};

/// One trial of one regime.
struct Part {
    regime: usize,
    trial: usize,
}

/// A kept trial; its weights lie beside it.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptTrial {
    recipe: Recipe,
    run: Run,
    /// Digests of the weights after the last epoch, and after that of the lowest training loss.
    last: String,
    lowest: String,
}

/// A regime that is to be trained.
pub(super) struct Wanted<'a> {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    pub(super) recipe: &'a Recipe,
    pub(super) trials: usize,
}

/// Trains all trials of all regimes, as many at once as there are threads.
pub(super) fn side_by_side(wanted: &[Wanted<'_>], work: &Work, net: &Net, data: &Dataset) -> Result<Vec<Trials>> {
    if wanted.is_empty() {
        return Err(Error::parameter("regimes", 0, "be at least 1"));
    }
    for (place, regime) in wanted.iter().enumerate() {
        if wanted[..place].iter().any(|other| other.name == regime.name) {
            let given = format!("twice '{}'", regime.name);
            return Err(Error::parameter("names of regimes", given, "differ: `.regime(…)` gives one"));
        }
        regime.recipe.check(net, data)?;
        check_count("trials", regime.trials, 10_000)?;
    }
    // Trial by trial, so that a budget leaves every regime as many trials as the others.
    let most = wanted.iter().map(|regime| regime.trials).max().unwrap_or(0);
    let of_trial = |trial| {
        let regimes = 0..wanted.len();
        regimes.filter(move |&regime| trial < wanted[regime].trials).map(move |regime| Part { regime, trial })
    };
    let parts: Vec<Part> = (0..most).flat_map(of_trial).collect();
    let points = Fingerprint::new("trial").and(&(net.input(), net.layers())).split(&data.train).split(&data.test);
    let recipe = |part: &Part| wanted[part.regime].recipe;
    let of = |part: &Part| points.clone().and(recipe(part)).and(&part.trial);
    let name = |part: &Part| format!("{}, trial {}", wanted[part.regime].name, part.trial);
    let fused = wanted.iter().all(|regime| regime.recipe.objective.is_fused());
    let ended = work.each(&Parts {
        parts: &parts,
        most: if fused { parts.len() } else { 1 },
        steps: &|part| recipe(part).epochs,
        name: &name,
        find: &|shelf, part| find(shelf, &of(part), recipe(part), part.trial, net),
        make: &|part, deadline, progress| {
            let report = |row: &Epoch| {
                progress.advance(1, || format!("{}, epoch {}: loss {:.4}", name(part), row.epoch, row.train_loss));
            };
            let ended = descend(recipe(part), net, data, part.trial, deadline, &report)?;
            let missing = (recipe(part).epochs + 1).saturating_sub(ended.run.trace.len());
            progress.advance(missing, || format!("{}: {}", name(part), ended.run.ended()));
            Ok(Some(ended))
        },
        keep: &|shelf, part, ended| keep(shelf, &of(part), recipe(part), ended),
    })?;
    let mut trials: Vec<Trials> = wanted
        .iter()
        .map(|Wanted { name, role, recipe, .. }| Trials {
            regime: Regime {
                name: name.clone(),
                role: *role,
                recipe: (*recipe).clone(),
                net: net.name().into(),
                weight_count: net.parameter_count(),
                data: data.name.clone(),
                points: data.train.len(),
                budget: work.seconds_given(),
                runs: Vec::new(),
            },
            weights: Vec::new(),
            lowest: Vec::new(),
        })
        .collect();
    for (part, ended) in parts.iter().zip(ended) {
        let Some(Ended { run, last, lowest }) = ended else { continue };
        let own = &mut trials[part.regime];
        own.regime.runs.push(run);
        own.weights.push(last);
        own.lowest.push(lowest);
    }
    Ok(trials)
}

/// A trial as it was kept, if it is whole and says of itself what the call asks for.
fn find(shelf: &Shelf, of: &Fingerprint, recipe: &Recipe, trial: usize, net: &Net) -> Result<Found<Ended>> {
    let kept = match shelf.find::<KeptTrial>("trial", of)? {
        Found::Whole(kept) => kept,
        Found::Wrong(reason) => return Ok(Found::Wrong(reason)),
        Found::Nothing => return Ok(Found::Nothing),
    };
    if (&kept.recipe, kept.run.trial) != (recipe, trial) || kept.run.trace.is_empty() {
        return Ok(Found::Wrong("a kept trial is of another recipe or number, or has no rows".into()));
    }
    let [last, lowest] = [("last", &kept.last), ("lowest", &kept.lowest)]
        .map(|(name, digest)| shelf.weights(name, of, net.layout(), digest));
    Ok(match (last?, lowest?) {
        (Ok(last), Ok(lowest)) => Found::Whole(Ended { run: kept.run, last, lowest }),
        (Err(reason), _) | (_, Err(reason)) => Found::Wrong(reason),
    })
}

/// Keeps a trial, unless it could not be read back: one that a budget cut short is not the trial that its recipe describes,
/// and weights that are not finite are refused when they are read.
fn keep(shelf: &Shelf, of: &Fingerprint, recipe: &Recipe, ended: &Ended) -> Result<()> {
    let Ended { run, last, lowest } = ended;
    if run.stop == Stop::Budget || !(run.last().is_finite() && last.can_be_kept() && lowest.can_be_kept()) {
        return Ok(());
    }
    // The weights first: where the rows are, they are too.
    let last = shelf.keep_weights("last", of, last)?;
    let lowest = shelf.keep_weights("lowest", of, lowest)?;
    shelf.keep("trial", of, &KeptTrial { recipe: recipe.clone(), run: run.clone(), last, lowest })
}

/// The seed's number, for a column.
pub(crate) fn seed_of(recipe: &Recipe) -> u64 {
    let Seed(seed) = recipe.seed;
    seed
}
