//! Where do many numbers live? In memory whose pages are large, where the system has such pages.
//!
//! A fresh page of 4 KiB costs about as much time as the arithmetic that fills it, and a gigabyte has a quarter of a million
//! of them. Linux hands out pages of 2 MiB to programs that ask (`madvise`); elsewhere nothing happens.

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

#[cfg(test)]
mod tests {
    #[test]
    fn zeros_are_zeros_of_any_number() {
        for len in [0, 1, 1_000, (8 << 20) / 4, 5_000_003] {
            let numbers = super::zeros::<f32>(len);
            assert!(numbers.len() == len && numbers.iter().all(|&number| number == 0.0));
        }
    }
}
