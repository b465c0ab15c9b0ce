//! Independent parts of long work, in parallel: as many at once as there are threads, each with its share of them. The last parts,
//! where they are too few for that, have larger shares: of five trials on two threads the fifth has both.
//!
//! Results come back in the order of the parts; the number of threads changes only the time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Does `work` on each of `parts`, at most `most` of them at once, in pools of their own that share `threads` (those of the
/// machine if not given). After the first error no part is begun.
///
/// # Errors
/// The error of the first part that has one; [`Error::Parameter`] where the machine refuses the threads.
pub(crate) fn in_parallel<P: Sync, R: Send>(
    parts: &[P],
    threads: Option<usize>,
    most: usize,
    work: impl Fn(&P) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let threads = match threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let workers = threads.min(parts.len()).min(most.max(1));
    let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..parts.len()).collect());
    let done = Mutex::new(Vec::with_capacity(parts.len()));
    // How many at the end are fewer than are done at once, and where they begin.
    let last = if workers == 0 { 0 } else { parts.len() % workers };
    let first_of_last = parts.len() - last;
    // Pools are made before any thread starts, so that a machine that refuses one leaves nothing running.
    let shared_by = |count: usize| {
        let pool = move |place: usize| {
            let share = threads / count + usize::from(place < threads % count);
            rayon::ThreadPoolBuilder::new().num_threads(share).build()
        };
        (0..count).map(pool).collect::<std::result::Result<Vec<_>, _>>().map_err(|error| refused(threads, &error))
    };
    let (pools, last_pools) = (shared_by(workers)?, shared_by(last)?);
    let one_after_another = |pool: &rayon::ThreadPool| {
        loop {
            let Some(part) = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else { return };
            let pool = part.checked_sub(first_of_last).and_then(|place| last_pools.get(place)).unwrap_or(pool);
            let result = pool.install(|| work(&parts[part]));
            if result.is_err() {
                waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((part, result));
        }
    };
    std::thread::scope(|scope| {
        for pool in &pools {
            let thread = std::thread::Builder::new().spawn_scoped(scope, || one_after_another(pool));
            if let Err(error) = thread {
                // The workers that there are would do all the work for nothing.
                waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
                return Err(refused(threads, &error));
            }
        }
        Ok::<(), Error>(())
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(part, _)| *part);
    done.into_iter().map(|(_, result)| result).collect()
}

fn refused(threads: usize, error: &dyn std::fmt::Display) -> Error {
    Error::parameter("threads", threads, format!("be a number that the machine grants ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_the_work() -> Result<()> {
        let parts: Vec<usize> = (0..50).collect();
        for (threads, most) in [(1, 1), (4, 50), (3, 2)] {
            let squares = in_parallel(&parts, Some(threads), most, |part| Ok(part * part))?;
            assert_eq!(squares, parts.iter().map(|part| part * part).collect::<Vec<_>>());
        }
        assert!(in_parallel(&[], None, 1, |(): &()| Ok(()))?.is_empty());
        let begun = Mutex::new(0);
        let error = in_parallel(&parts, Some(1), 1, |part| {
            *begun.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            if *part == 3 { Err(Error::Data("the fourth".into())) } else { Ok(()) }
        });
        assert_eq!(error.expect_err("one of them").to_string(), "the fourth");
        assert_eq!(begun.into_inner().unwrap_or_default(), 4);
        Ok(())
    }

    #[test]
    fn all_threads_are_shared_by_those_that_are_left() -> Result<()> {
        let shares = |parts: usize, threads: usize, most: usize| {
            in_parallel(&vec![(); parts], Some(threads), most, |()| Ok(rayon::current_num_threads()))
        };
        assert_eq!(shares(5, 2, 5)?, [1, 1, 1, 1, 2]);
        assert_eq!(shares(4, 2, 5)?, [1, 1, 1, 1]);
        assert_eq!(shares(1, 3, 5)?, [3]);
        assert_eq!(shares(2, 5, 1)?, [5, 5]);
        let mut found = shares(6, 4, 6)?;
        assert_eq!(found.split_off(4), [2, 2]);
        // Which of the first has the rest of the threads depends on who comes first.
        let found = shares(5, 5, 3)?;
        assert!(found[..3].iter().all(|share| [1, 2].contains(share)) && found[3..] == [3, 2], "{found:?}");
        Ok(())
    }
}
