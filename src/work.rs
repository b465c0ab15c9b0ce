//! How is long work done? On how many threads, for how long, with or without progress lines, and kept in which folder: all
//! that decides the time of a call, and nothing of its numbers.
//!
//! An interrupt of a notebook ends its process, and every variable with it. So parts of long work can be kept in a folder as
//! they are finished, and are found there when the cell is run again.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::data::check_count;
use crate::display::Progress;
use crate::error::{Error, Result};
use crate::kept::{Found, Shelf};
use crate::memory::at_once;
use crate::parallel::in_parallel;

/// How long work is done; shared by every verb that takes long.
///
/// ```
/// use sharp_minima::{Training, Work, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let work = Work::new().threads(1).quiet();
/// let trials = Training::adam().batch(20).trials(2).epochs(2).work(&work).run(&net, &data)?;
/// assert_eq!(trials.regime.runs.len(), 2);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    threads: Option<usize>,
    seconds: Option<f64>,
    folder: Option<PathBuf>,
    quiet: bool,
}

/// What a part is done with.
pub(crate) struct Doing<'a> {
    /// When the budget is used up.
    deadline: Option<Instant>,
    /// Where steps are counted.
    pub(crate) progress: &'a Progress,
    /// Where parts are kept, if they are.
    pub(crate) shelf: Option<&'a Shelf>,
}

#[cfg(test)]
impl<'a> Doing<'a> {
    /// Without a budget.
    pub(crate) fn new(progress: &'a Progress, shelf: Option<&'a Shelf>) -> Self {
        Self { deadline: None, progress, shelf }
    }
}

impl Doing<'_> {
    /// Whether the budget is used up.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// How a part is done: nothing where the budget was used up before it could begin. It counts its own steps of progress.
type Make<'a, P, R> = dyn Fn(&P, &Doing<'_>) -> Result<Option<R>> + Sync + 'a;

/// What the parts of a call are, and how each is found or done.
pub(crate) struct Parts<'a, P, R> {
    /// The parts, in the order in which they are begun.
    pub(crate) parts: &'a [P],
    /// At most so many at once.
    pub(crate) most: usize,
    /// What one takes while it is done, bytes, about.
    pub(crate) bytes: u64,
    /// Steps of progress of one part.
    pub(crate) steps: &'a (dyn Fn(&P) -> usize + Sync),
    /// A part's name in progress lines.
    pub(crate) name: &'a (dyn Fn(&P) -> String + Sync),
    /// Looks for a part that was finished before.
    pub(crate) find: &'a (dyn Fn(&Shelf, &P) -> Result<Found<R>> + Sync),
    /// Does a part.
    pub(crate) make: &'a Make<'a, P, R>,
    /// Keeps a finished part.
    pub(crate) keep: &'a (dyn Fn(&Shelf, &P, &R) -> Result<()> + Sync),
}

impl Work {
    /// On all threads of the machine, without a budget, with progress lines, kept nowhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Threads of a whole call, 1 to 1,024: its parts run in parallel and share what remains. Results do not depend on it.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Ends a call after about this many seconds with what there is by then. How much that is depends on the machine.
    pub fn seconds(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Keeps each finished part in a folder, and takes from it what was finished before: a call that was interrupted resumes
    /// when the same call is made again. A trial in the middle resumes after the last epoch that was kept, which is at most 20
    /// seconds and one epoch before the interrupt, and its bits do not change.
    ///
    /// Finished trials and measures serve every later call that asks for the same: with the same recipe, net and data, also if it has
    /// more trials or more arms. To change a parameter, the number of epochs among them, is to start those trials afresh. What was
    /// made on other data or by another version is not used, nor what was altered since: that is said in a line, and done again.
    /// Points on a run's way ([`Training::iterates`](crate::Training::iterates)) lie in the folder too, so that it must stay while a
    /// result of this session is read at an epoch.
    pub fn kept_in(self, folder: impl AsRef<Path>) -> Self {
        Self { folder: Some(folder.as_ref().into()), ..self }
    }

    /// Without progress lines.
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    pub(crate) fn seconds_given(&self) -> Option<f64> {
        self.seconds
    }

    /// Progress lines for so many steps, or none.
    pub(crate) fn progress(&self, steps: usize) -> Progress {
        Progress::new(steps, self.quiet)
    }

    /// When the budget is used up, from now on.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds.min(1e9)))
    }

    /// An error unless it can be done so.
    pub(crate) fn check(&self) -> Result<()> {
        check_count("threads", self.threads.unwrap_or(1), 1_024)?;
        if let Some(seconds) = self.seconds.filter(|seconds| !(seconds.is_finite() && *seconds > 0.0)) {
            return Err(Error::parameter("seconds", seconds, "be finite and above 0"));
        }
        match &self.folder {
            Some(folder) if folder.exists() && !folder.is_dir() => {
                Err(Error::file(folder, "finished parts are kept in a folder, and this is none"))
            }
            _ => Ok(()),
        }
    }

    /// Finds or does each part, in parallel; results come in the order of the parts, nothing for those that the budget left
    /// no time for. Whether the folder can be written is tried before the first part is done. A part that cannot be kept after it
    /// was done, on a disk that is full by then, is returned all the same, and that is said on the error stream.
    ///
    /// # Errors
    /// That of the first part that has one, with its name where there are several; what other parts had finished is kept all the same.
    /// [`Error::File`] where the folder
    /// cannot be written and a part has to be done.
    pub(crate) fn each<P: Sync, R: Send>(&self, of: &Parts<'_, P, R>) -> Result<Vec<Option<R>>> {
        self.check()?;
        let most = at_once(of.bytes, of.most)?;
        let shelf = self.folder.as_deref().map(Shelf::in_folder).transpose()?;
        let progress = self.progress(of.parts.iter().map(of.steps).sum());
        let deadline = self.deadline();
        let tried = OnceLock::new();
        in_parallel(of.parts, self.threads, most, |part| {
            if let Some(shelf) = &shelf {
                match (of.find)(shelf, part)? {
                    Found::Whole(result) => {
                        let steps = (of.steps)(part);
                        progress.advance(steps, || format!("{}: found as it was kept", (of.name)(part)));
                        return Ok(Some(result));
                    }
                    Found::Wrong(reason) => progress.say(|| format!("{}: {reason}; done again", (of.name)(part))),
                    Found::Nothing => {}
                }
            }
            if let Some(shelf) = &shelf {
                tried.get_or_init(|| shelf.try_to_write()).clone()?;
            }
            let doing = Doing { deadline, progress: &progress, shelf: shelf.as_ref() };
            let result = (of.make)(part, &doing).map_err(|error| match error {
                // Numbers that are not finite are this part's own; of many it must be said which.
                Error::Data(reason) if of.parts.len() > 1 => Error::Data(format!("{}: {reason}", (of.name)(part))),
                other => other,
            })?;
            if let (Some(shelf), Some(result)) = (&shelf, &result)
                && let Err(error) = (of.keep)(shelf, part, result)
            {
                progress.warn(&format!("{}: finished, and cannot be kept: {error}", (of.name)(part)));
            }
            Ok(result)
        })
    }
}

/// The setters of everything that is done by a [`Work`] in its field `work`; `seconds` says what a budget does to it.
macro_rules! works {
    ($name:ty, $seconds:literal) => {
        impl $name {
            /// How the work is done: threads, budget, folder, progress lines. It replaces what was set of them before.
            pub fn work(self, work: &$crate::Work) -> Self {
                Self { work: work.clone(), ..self }
            }

            /// [`Work::threads`](crate::Work::threads) of this call.
            pub fn threads(self, threads: usize) -> Self {
                Self { work: self.work.threads(threads), ..self }
            }

            /// [`Work::seconds`](crate::Work::seconds) of this call:
            #[doc = $seconds]
            pub fn seconds(self, seconds: f64) -> Self {
                Self { work: self.work.seconds(seconds), ..self }
            }

            /// [`Work::kept_in`](crate::Work::kept_in) of this call.
            pub fn kept_in(self, folder: impl AsRef<std::path::Path>) -> Self {
                Self { work: self.work.kept_in(folder), ..self }
            }

            /// [`Work::quiet`](crate::Work::quiet) of this call.
            pub fn quiet(self) -> Self {
                Self { work: self.work.quiet(), ..self }
            }
        }
    };
}
pub(crate) use works;

crate::display::shown_as_text!(Work);

#[cfg(test)]
mod tests {
    use super::*;

    /// What is done is returned where it cannot be kept; a folder that cannot be written is refused before anything is done.
    #[test]
    fn what_is_done_is_returned() -> Result<()> {
        let folder = tempfile::tempdir().map_err(|error| Error::Data(error.to_string()))?;
        let done = std::sync::Mutex::new(Vec::new());
        let squares = |work: &Work, parts: &[u32], is_full: bool| {
            work.each(&Parts {
                bytes: 0,
                parts,
                most: 1,
                steps: &|_| 1,
                name: &|part| format!("square of {part}"),
                find: &|_, _| Ok(Found::Nothing),
                make: &|part, _| {
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(*part);
                    part.checked_mul(*part).map(Some).ok_or_else(|| Error::Data("it overflows".into()))
                },
                keep: &|_, part, _| if is_full { Err(Error::Data(format!("no room for {part}"))) } else { Ok(()) },
            })
        };
        let work = Work::new().quiet().kept_in(folder.path());
        assert_eq!(squares(&work, &[2, 3], true)?, [Some(4), Some(9)]);
        assert_eq!(
            std::fs::read_dir(folder.path()).map_or(9, Iterator::count),
            0,
            "the trial of writing leaves nothing"
        );
        // Of many it is said which one failed; one alone needs no name.
        let failed = |parts: &[u32]| squares(&Work::new().quiet(), parts, false).expect_err("too large").to_string();
        assert_eq!(failed(&[2, u32::MAX]), "square of 4294967295: it overflows");
        assert_eq!(failed(&[u32::MAX]), "it overflows");
        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        // A folder that is there and takes no file.
        if cfg!(target_os = "linux") {
            let error = squares(&Work::new().quiet().kept_in("/proc/self"), &[2, 3], false).expect_err("no file there");
            assert!(error.to_string().starts_with("/proc/self/tried"), "{error}");
            assert!(done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_empty(), "nothing was done");
        }
        Ok(())
    }
}
