//! Files that are almost right: each reader is given thousands of small files that were right before some bytes of them were
//! changed, and those that a fuzzer found worth keeping (`fuzz/corpus`). The answer is an error in words, or a value that holds what
//! its type promises; no reader panics, none hangs, and none takes more memory than ten times the file, unpacked, and 4 MiB.
//!
//! `SHARP_MINIMA_MANGLED=1000000 cargo test --release --test mangled` gives each reader a million files. The same number gives
//! the same files.

#[path = "mangled/readers.rs"]
mod readers;

use std::path::Path;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use readers::{Bench, SIGNED, readers};
use sharp_minima::{data, zoo};

type Done = Result<(), Box<dyn std::error::Error>>;

/// What is taken is counted for the whole process, so that one test runs at a time.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Files for each reader where nothing else is said.
const FILES: u64 = 1_000;

/// Bytes that mean something somewhere: signs, ends, lengths that are too large.
const EDGES: [&[u8]; 20] = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\n",
    b"\r\n",
    b",",
    b"\"",
    b"-1",
    b"NaN",
    b"inf",
    b"1e999",
    b"1e-999",
    b"99999999999999999999",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"[[[[[[[[",
    b"{\"",
];

/// The same bytes but for one to four changes.
fn mangled(bytes: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut own = bytes.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let place = random.random_range(0..=own.len());
        let end = (place + random.random_range(1..=24)).min(own.len());
        let edge = EDGES[random.random_range(0..EDGES.len())];
        match random.random_range(0..7) {
            0 => own.truncate(place),
            1 if place < own.len() => own[place] ^= 1 << random.random_range(0..8),
            2 => drop(own.drain(place..end)),
            3 => drop(own.splice(place..place, edge.iter().copied())),
            4 => {
                let piece = own[place..end].to_vec();
                own.splice(place..place, piece);
            }
            5 => {
                let end = (place + edge.len()).min(own.len());
                let edge = &edge[..end - place];
                own[place..end].copy_from_slice(edge);
            }
            _ => own.extend_from_slice(edge),
        }
    }
    own
}

/// Does something at the bench of each reader; panics are caught there, and say nothing of themselves.
fn at_each_bench(work: impl Fn(&mut Bench<'_>) -> Done) -> Done {
    let _alone = ALONE.lock()?;
    let room = tempfile::tempdir()?;
    let data = data::digits().first(30, 10)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    std::panic::set_hook(Box::new(|_| ()));
    for reader in &readers(&net, room.path())? {
        work(&mut Bench::new(reader, &room.path().join("files").join(reader.target))?)?;
    }
    Ok(())
}

#[test]
fn files_that_are_almost_right_are_read_or_refused() -> Done {
    let count = match std::env::var("SHARP_MINIMA_MANGLED") {
        Ok(count) => count.parse()?,
        Err(_) => FILES,
    };
    at_each_bench(|bench| {
        let reader = bench.reader;
        let (mut changed, mut refused, mut most) = (0, 0, 0);
        for number in 0..count {
            let mut random = ChaCha8Rng::seed_from_u64(number);
            let place = random.random_range(0..reader.files.len());
            let right = &reader.files[place].1;
            let bytes = mangled(right, &mut random);
            if bytes == *right {
                continue;
            }
            changed += 1;
            let answer = bench.read_with(place, &bytes).map_err(|wrong| format!("file {number}: {wrong}"))?;
            refused += u64::from(answer.is_refused);
            most = most.max(answer.taken);
        }
        println!("{}: {refused} of {changed} refused, at most {most} bytes at once", reader.name);
        // A record has a digest of all that is in it. (Errors, since a panic would say nothing here.)
        match reader.name {
            SIGNED if refused < changed => Err(format!("{SIGNED}: only {refused} of {changed} refused").into()),
            name if refused == 0 => Err(format!("{name}: nothing was refused").into()),
            _ => Ok(()),
        }
    })
}

/// What a fuzzer kept: the first byte says which of the reader's files it is, the others are the file.
#[test]
fn files_that_a_fuzzer_found_are_read_or_refused() -> Done {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    at_each_bench(|bench| {
        let reader = bench.reader;
        let mut count = 0;
        for entry in std::fs::read_dir(corpus.join(reader.target))? {
            let path = entry?.path();
            let found = std::fs::read(&path)?;
            let Some((&place, bytes)) = found.split_first() else { continue };
            let place = usize::from(place) % reader.files.len();
            bench.read_with(place, bytes).map_err(|wrong| format!("{}: {wrong}", path.display()))?;
            count += 1;
        }
        if count == 0 { Err(format!("{}: no corpus", reader.name).into()) } else { Ok(()) }
    })
}
