//! What all targets do: the first byte says which of the reader's files is another, and the others are that file.

#[allow(dead_code, reason = "the test uses more of it")]
#[path = "../../../tests/mangled/readers.rs"]
mod readers;

use std::cell::{OnceCell, RefCell};

use readers::{Bench, readers};
use sharp_minima::{data, zoo};

thread_local! {
    // A fuzzer has one thread.
    static BENCH: OnceCell<RefCell<Bench<'static>>> = const { OnceCell::new() };
}

/// Right files of this reader, in a folder for temporary files.
fn bench(target: &str) -> Bench<'static> {
    let room = Box::leak(Box::new(tempfile::tempdir().expect("a folder for temporary files")));
    let data = data::digits().first(30, 10).expect("there are so many digits");
    let net = Box::leak(Box::new(zoo::f1(data.shape(), data.classes(), 0.02).expect("a net")));
    let all = Box::leak(Box::new(readers(net, room.path()).expect("files that are right")));
    let reader = all.iter().find(|reader| reader.target == target).expect("a reader of this name");
    Bench::new(reader, &room.path().join("files")).expect("the folder can be written")
}

/// Reads what the fuzzer made up; a wrong answer is a crash.
pub fn read(target: &str, found: &[u8]) {
    let Some((&place, bytes)) = found.split_first() else { return };
    BENCH.with(|cell| {
        let mut bench = cell.get_or_init(|| RefCell::new(bench(target))).borrow_mut();
        let place = usize::from(place) % bench.reader.files.len();
        if let Err(wrong) = bench.read_with(place, bytes) {
            panic!("{wrong}");
        }
    });
}
