//! Many trials in parallel, of any number of regimes. The bits of a trial depend on its recipe and its number alone, so the
//! order in which trials are taken up, and by how many threads, changes only the time.

use super::halfway::Place;
use super::iterate::{Iterate, Keeping};
use super::recipe::Recipe;
use super::stop::Stop;
use super::trace::{Epoch, Run};
use super::trial::{Task, descend};
use super::trials::{ReadAt, Regime, Role, Trials};
use super::watch::Ended;
use crate::data::{Dataset, check_count};
use crate::error::{Error, Result};
use crate::kept::{Fingerprint, Found, Shelf};
use crate::net::Net;
use crate::seed::Seed;
use crate::weights::Weights;
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
    /// Epochs after which its point was kept too, with digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    iterates: Vec<(usize, String)>,
}

/// A trial's number and where it starts: nowhere where the trial that it starts from diverged.
pub(super) type Begin = (usize, Option<Weights>);

/// A regime that is to be trained.
pub(super) struct Wanted<'a> {
    pub(super) name: String,
    pub(super) role: Option<Role>,
    pub(super) recipe: &'a Recipe,
    pub(super) trials: usize,
    /// Where trials start, if not at the points of their numbers.
    pub(super) starts: Option<&'a [Begin]>,
    /// After which epochs x is kept.
    pub(super) iterates: Option<&'a [usize]>,
}

impl Wanted<'_> {
    /// Where this trial starts, if that is given.
    pub(super) fn start(&self, trial: usize) -> Option<&Weights> {
        self.starts?.iter().find(|(other, _)| *other == trial)?.1.as_ref()
    }

    /// Whether there is such a trial: a warm start needs a point.
    pub(super) fn is_begun(&self, trial: usize) -> bool {
        trial < self.trials && (self.starts.is_none() || self.start(trial).is_some())
    }

    pub(super) fn check(&self, net: &Net, data: &Dataset) -> Result<()> {
        self.recipe.check(net, data)?;
        check_count("trials", self.trials, 10_000)?;
        if let Some(starts) = self.starts {
            let is_there = |trial: &usize| starts.iter().any(|(other, _)| other == trial);
            let is_begun = (0..self.trials).any(|trial| self.is_begun(trial));
            let first = (0..self.trials).find(|trial| !is_there(trial)).or((!is_begun).then_some(0));
            if let Some(trial) = first {
                let there = starts.iter().filter(|(_, x)| x.is_some()).map(|(trial, _)| trial.to_string());
                let there: Vec<String> = there.collect();
                let allowed = format!("be one of those that have a point ({})", there.join(", "));
                return Err(Error::parameter("trial to start from", trial, allowed));
            }
            starts.iter().filter_map(|(_, x)| x.as_ref()).try_for_each(|x| net.check_weights(x))?;
        }
        let Some(iterates) = self.iterates else { return Ok(()) };
        if iterates.is_empty() {
            return Err(Error::parameter("iterates", "none", "be at least one epoch"));
        }
        for (place, &epoch) in iterates.iter().enumerate() {
            if epoch > self.recipe.epochs {
                let allowed = format!("lie in 0..={}, the epochs of the training", self.recipe.epochs);
                return Err(Error::parameter("epoch of an iterate", epoch, allowed));
            }
            if iterates[..place].contains(&epoch) {
                return Err(Error::parameter("epochs of iterates", format!("twice {epoch}"), "differ"));
            }
        }
        Ok(())
    }
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
        regime.check(net, data)?;
        if let Some(growth) = regime.recipe.growth {
            growth.check_grows(regime.recipe.epochs)?;
        }
    }
    // Trial by trial, so that a budget leaves every regime as many trials as the others.
    let most = wanted.iter().map(|regime| regime.trials).max().unwrap_or(0);
    let of_trial = |trial| {
        let regimes = 0..wanted.len();
        regimes.filter(move |&regime| wanted[regime].is_begun(trial)).map(move |regime| Part { regime, trial })
    };
    let parts: Vec<Part> = (0..most).flat_map(of_trial).collect();
    let points = Fingerprint::new("trial").and(&(net.input(), net.layers())).split(&data.train).split(&data.test);
    let recipe = |part: &Part| wanted[part.regime].recipe;
    let of = |part: &Part| {
        let own = points.clone().and(recipe(part)).and(&part.trial);
        // A recipe says where its trials start, and points can be changed.
        match wanted[part.regime].start(part.trial) {
            Some(x) => own.numbers(x.values()).numbers(x.buffers()),
            None => own,
        }
    };
    let iterates = |part: &Part| wanted[part.regime].iterates.unwrap_or_default();
    let name = |part: &Part| format!("{}, trial {}", wanted[part.regime].name, part.trial);
    let fused = wanted.iter().all(|regime| regime.recipe.objective.is_fused());
    let ended = work.each(&Parts {
        parts: &parts,
        most: if fused { parts.len() } else { 1 },
        bytes: wanted.iter().map(|regime| regime.recipe.bytes(net, data)).max().unwrap_or(0),
        steps: &|part| recipe(part).epochs,
        name: &name,
        find: &|shelf, part| find(shelf, &of(part), recipe(part), part.trial, iterates(part), net),
        make: &|part, doing| {
            let progress = doing.progress;
            let report = |row: &Epoch| {
                progress.advance(1, || format!("{}, epoch {}: loss {:.4}", name(part), row.epoch, row.train_loss));
            };
            let own = of(part);
            let place = doing.shelf.map(|shelf| Place::new(shelf, &own, recipe(part), part.trial));
            let before = match place.as_ref().map(|place| place.find(iterates(part), net)).transpose()? {
                Some(Found::Whole(before)) => {
                    let done = before.epoch();
                    progress.advance(done, || format!("{}: goes on after epoch {done}", name(part)));
                    Some(before)
                }
                Some(Found::Wrong(reason)) => {
                    progress.say(|| format!("{}: {reason}; done again", name(part)));
                    None
                }
                Some(Found::Nothing) | None => None,
            };
            let task = Task {
                trial: part.trial,
                start: wanted[part.regime].start(part.trial),
                keeping: Keeping {
                    epochs: iterates(part),
                    keep: &|epoch, x| {
                        let (iterate, error) = Iterate::keep(doing.shelf, &own, epoch, x);
                        if let Some(error) = error {
                            let name = name(part);
                            progress
                                .say(|| format!("{name}: epoch {epoch} stays in memory, it cannot be kept: {error}"));
                        }
                        Ok(iterate)
                    },
                },
                place: place.as_ref(),
            };
            let ended = descend(recipe(part), net, data, &task, before, doing, &report)?;
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
            iterates: Vec::new(),
            at: ReadAt::End,
        })
        .collect();
    for (part, ended) in parts.iter().zip(ended) {
        let Some(Ended { run, last, lowest, mut iterates }) = ended else { continue };
        // A trial that was interrupted has those of the earlier call too.
        let asked = wanted[part.regime].iterates.unwrap_or_default();
        iterates.retain(|iterate| asked.contains(&iterate.epoch));
        iterates.sort_by_key(|iterate| iterate.epoch);
        let own = &mut trials[part.regime];
        own.regime.runs.push(run);
        own.weights.push(last);
        own.lowest.push(lowest);
        own.iterates.push(iterates);
    }
    Ok(trials)
}

/// A trial as it was kept, if it is whole, says of itself what the call asks for, and has the points that it asks for.
fn find(
    shelf: &Shelf,
    of: &Fingerprint,
    recipe: &Recipe,
    trial: usize,
    wanted: &[usize],
    net: &Net,
) -> Result<Found<Ended>> {
    let kept = match shelf.find::<KeptTrial>("trial", of)? {
        Found::Whole(kept) => kept,
        Found::Wrong(reason) => return Ok(Found::Wrong(reason)),
        Found::Nothing => return Ok(Found::Nothing),
    };
    if (&kept.recipe, kept.run.trial) != (recipe, trial) || kept.run.trace.is_empty() {
        return Ok(Found::Wrong("a kept trial is of another recipe or number, or has no rows".into()));
    }
    let mut iterates = Vec::new();
    // A trial that ended early has no points after its end.
    for &epoch in wanted.iter().filter(|epoch| **epoch <= kept.run.last().epoch) {
        let own = kept.iterates.iter().find(|(other, _)| *other == epoch);
        let own = own.map(|(_, digest)| Iterate::kept(shelf, of, epoch, digest, net.layout()));
        match own.filter(Iterate::is_whole) {
            Some(own) => iterates.push(own),
            None => return Ok(Found::Wrong(format!("its point after epoch {epoch} was not kept, or altered"))),
        }
    }
    iterates.sort_by_key(|iterate| iterate.epoch);
    let [last, lowest] = [("last", &kept.last), ("lowest", &kept.lowest)]
        .map(|(name, digest)| shelf.weights(name, of, net.layout(), digest));
    Ok(match (last?, lowest?) {
        (Ok(last), Ok(lowest)) => {
            // A call that was killed just then may have left where the trial was on its way.
            let _ = Place::remove(shelf, of);
            Found::Whole(Ended { run: kept.run, last, lowest, iterates })
        }
        (Err(reason), _) | (_, Err(reason)) => Found::Wrong(reason),
    })
}

/// Keeps a trial, unless it could not be read back: one that a budget cut short is not the trial that its recipe describes,
/// and weights that are not finite are refused when they are read.
fn keep(shelf: &Shelf, of: &Fingerprint, recipe: &Recipe, ended: &Ended) -> Result<()> {
    let Ended { run, last, lowest, iterates } = ended;
    if run.stop == Stop::Budget || !(run.last().is_finite() && last.can_be_kept() && lowest.can_be_kept()) {
        return Ok(());
    }
    let mut iterates: Vec<(usize, String)> =
        iterates.iter().filter_map(|iterate| Some((iterate.epoch, iterate.on_shelf()?.to_string()))).collect();
    // The weights first: where the rows are, they are too.
    let last = shelf.keep_weights("last", of, last)?;
    let lowest = shelf.keep_weights("lowest", of, lowest)?;
    // Points that an earlier call kept of the very same trial are not forgotten.
    if let Found::Whole(before) = shelf.find::<KeptTrial>("trial", of)?
        && before.last == last
    {
        iterates.extend(
            before
                .iterates
                .into_iter()
                .filter(|(epoch, _)| iterates.iter().all(|(own, _)| own != epoch))
                .collect::<Vec<_>>(),
        );
    }
    shelf.keep("trial", of, &KeptTrial { recipe: recipe.clone(), run: run.clone(), last, lowest, iterates })?;
    // What is left of the way is no harm, and goes when the trial is found.
    let _ = Place::remove(shelf, of);
    Ok(())
}

/// The seed's number, for a column.
pub(crate) fn seed_of(recipe: &Recipe) -> u64 {
    let Seed(seed) = recipe.seed;
    seed
}
