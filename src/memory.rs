//! Where do many numbers live, and have they room? In memory whose pages are large, where the system has such pages.
//!
//! A fresh page of 4 KiB costs about as much time as the arithmetic that fills it, and a gigabyte has a quarter of a million
//! of them. Linux hands out pages of 2 MiB to programs that ask (`madvise`); elsewhere nothing happens.
//!
//! Long work says what each of its parts takes, about, and as many are done at once as the machine has room for. Where not one has
//! room, that is said before anything is begun: a system that is out of memory ends programs without a word.

use crate::error::{Error, Result};

/// So many zeros.
pub(crate) fn zeros<T: Copy + Default>(len: usize) -> Vec<T> {
    let numbers = vec![T::default(); len];
    ask_for_large_pages(&numbers);
    numbers
}

#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(numbers: &[T]) {
    /// Below this, whole large pages are few.
    const LEAST: usize = 8 << 20;
    const PAGE: usize = 4 << 10;
    let bytes = size_of_val(numbers);
    if bytes < LEAST {
        return;
    }
    let begin = (numbers.as_ptr() as usize).next_multiple_of(PAGE);
    let len = (numbers.as_ptr() as usize + bytes - begin) / PAGE * PAGE;
    // SAFETY: the range lies inside of memory that is ours, begins and ends with a page, and the advice changes nothing of
    // what is in it. Where the system does not take it, the pages are small as before, so its answer is of no use.
    unsafe { libc::madvise(begin as *mut libc::c_void, len, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages<T>(_: &[T]) {}

/// How many parts, of so many bytes each, are done at once: at most `most`, at least one.
///
/// # Errors
/// [`Error::Parameter`] where the machine has no room for one.
pub(crate) fn at_once(bytes: u64, most: usize) -> Result<usize> {
    have_room(of_machine(), bytes, most)
}

fn have_room(machine: Option<u64>, bytes: u64, most: usize) -> Result<usize> {
    // A system that does not say what it has is trusted.
    let Some(machine) = machine else { return Ok(most) };
    if bytes > machine {
        let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
        let allowed = format!("be at most {}, all that this machine has", gigabytes(machine));
        return Err(Error::parameter("memory for one part", format!("about {}", gigabytes(bytes)), allowed));
    }
    Ok(most.min(usize::try_from(machine / bytes.max(1)).unwrap_or(most)))
}

/// Bytes of memory that this machine has, or that this process may take.
#[cfg(unix)]
fn of_machine() -> Option<u64> {
    // SAFETY: a question without arguments in memory; an answer below 0 says that there is none.
    let [pages, size] = [libc::_SC_PHYS_PAGES, libc::_SC_PAGESIZE].map(|name| unsafe { libc::sysconf(name) });
    let whole = u64::try_from(pages).ok()?.checked_mul(u64::try_from(size).ok()?).filter(|&bytes| bytes > 0)?;
    // A container may have less.
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(whole.min(limit.unwrap_or(u64::MAX)))
}

#[cfg(not(unix))]
fn of_machine() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_parts_are_done_at_once_as_have_room() -> Result<()> {
        let room = |bytes, most| have_room(Some(1_000), bytes, most);
        assert_eq!((room(0, 7)?, room(1, 7)?, room(200, 7)?, room(501, 7)?, room(1_000, 7)?), (7, 7, 5, 1, 1));
        assert_eq!(have_room(None, u64::MAX, 7)?, 7);
        let error = have_room(Some(24_000_000_000), 91_200_000_000, 2).expect_err("too much").to_string();
        assert_eq!(
            error,
            "memory for one part must be at most 24.0 GB, all that this machine has, but is about 91.2 GB"
        );
        // A machine that runs this has some.
        assert!(of_machine().is_none_or(|bytes| bytes > 100_000_000));
        Ok(())
    }

    #[test]
    fn zeros_are_zeros_of_any_number() {
        for len in [0, 1, 1_000, (8 << 20) / 4, 5_000_003] {
            let numbers = super::zeros::<f32>(len);
            assert!(numbers.len() == len && numbers.iter().all(|&number| number == 0.0));
        }
    }
}
