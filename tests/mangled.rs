//! Files that are almost right: each reader is given thousands of small files that were right before some bytes of them were
//! changed. The answer is an error in words, or a value that holds what its type promises; no reader panics, none hangs, and none
//! takes more memory than [`TIMES`] the file, unpacked, and [`ROOM`].
//!
//! `SHARP_MINIMA_MANGLED=1000000 cargo test --release --test mangled` gives each reader a million files. The same number gives
//! the same files.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use sharp_minima::data::{Kaldi, read_cifar10, read_cifar100, read_idx};
use sharp_minima::{Net, Recorded, Result, Seed, Sharpness, Split, Training, Weights, data, zoo};
use xxhash_rust::xxh3::xxh3_128;

type Done = std::result::Result<(), Box<dyn std::error::Error>>;

/// Bytes that a reader may take for each of its files' bytes, after unpacking.
const TIMES: usize = 10;
/// And so many besides: buffers of readers, threads of the data frames' library.
const ROOM: usize = 4 << 20;
/// What deflate packs at most into a byte.
const PACKED: usize = 1_032;
/// Files for each reader where nothing else is said.
const FILES: u64 = 1_000;

/// The reader that takes nothing but what was written.
const SIGNED: &str = "Recorded::load, altered";

/// Counts what is taken and given back.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Reads the files of a folder; whether what came of them holds what it promises.
type Read<'a> = Box<dyn Fn(&Path) -> Result<bool> + 'a>;

/// One reader: the files that it is given, all right.
struct Reader<'a> {
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    read: Read<'a>,
}

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

/// Whether a split is one.
fn is_whole(split: &Split) -> bool {
    let points = split.labels().len();
    points > 0
        && split.inputs().len() == points * split.features()
        && split.features() == split.shape().iter().product::<usize>()
        && split.inputs().iter().all(|value| value.is_finite())
        && split.labels().iter().all(|&label| (label as usize) < split.classes())
}

fn fixture(name: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kaldi").join(name))
}

fn record(folder: &Path) -> Result<Vec<u8>> {
    let data = data::digits().first(30, 10)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    let pair = Training::adam().trials(2).epochs(1).quiet().pair(&net, &data, 6, 15)?;
    let maxima = Sharpness::full(1e-3).starts(0).quiet().pair(&net, &data, &pair)?;
    let path = folder.join("record");
    pair.recorded().with_maxima(&maxima).save(&path)?;
    Ok(std::fs::read(path).unwrap_or_default())
}

/// Gives a record the digest of what it holds now, so that its lines are read.
fn sign(path: &Path) {
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let Some((first, body)) = text.split_once('\n') else { return };
    let Some((own, _)) = first.split_once(",\"digest\":\"") else { return };
    let digest = xxh3_128(format!("{own}}}\n{body}").as_bytes());
    std::fs::write(path, format!("{own},\"digest\":\"{digest:032x}\"}}\n{body}")).expect("the folder can be written");
}

fn readers<'a>(net: &'a Net, folder: &Path) -> std::result::Result<Vec<Reader<'a>>, Box<dyn std::error::Error>> {
    let images = b"\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\xff\x33\x66".to_vec();
    let labels = b"\x00\x00\x08\x01\x00\x00\x00\x02\x07\x01".to_vec();
    let picture = |labels: &[u8]| -> Vec<u8> { labels.iter().copied().chain((0..3_072).map(|i| i as u8)).collect() };
    let csv = b"width,height,kind\n0.5,1.5,0\n-2,3e2,1\n4,5,2\n".to_vec();
    let path = folder.join("weights");
    net.start(Seed(0), 0).save(&path)?;
    let weights = std::fs::read(&path)?;
    let kaldi = || Kaldi::new().context(0).classes(10);
    Ok(vec![
        Reader {
            name: "read_idx",
            files: vec![("images", images), ("labels", labels)],
            read: Box::new(|folder| Ok(is_whole(&read_idx(folder.join("images"), folder.join("labels"), 10)?))),
        },
        Reader {
            name: "read_cifar10",
            files: vec![("batch", picture(&[6]))],
            read: Box::new(|folder| Ok(is_whole(&read_cifar10(&[folder.join("batch")])?))),
        },
        Reader {
            name: "read_cifar100",
            files: vec![("batch", picture(&[11, 98]))],
            read: Box::new(|folder| Ok(is_whole(&read_cifar100(&[folder.join("batch")])?))),
        },
        Reader {
            name: "Kaldi, a matrix of floats",
            files: vec![("fm.scp", fixture("fm.scp")?), ("fm.ark", fixture("fm.ark")?), ("pdf", fixture("pdf.ark")?)],
            read: Box::new(move |folder| Ok(is_whole(&kaldi().read(folder.join("fm.scp"), folder.join("pdf"))?))),
        },
        Reader {
            name: "Kaldi, a compressed matrix, labels as text",
            files: vec![("cm.scp", fixture("cm.scp")?), ("cm.ark", fixture("cm.ark")?), ("pdf", fixture("pdf.txt")?)],
            read: Box::new(move |folder| Ok(is_whole(&kaldi().read(folder.join("cm.scp"), folder.join("pdf"))?))),
        },
        Reader {
            name: "Kaldi, packed",
            files: vec![
                ("packed.scp", fixture("packed.scp")?),
                ("packed.ark.gz", fixture("packed.ark.gz")?),
                ("pdf", fixture("pdf.ark.gz")?),
            ],
            read: Box::new(move |folder| Ok(is_whole(&kaldi().read(folder.join("packed.scp"), folder.join("pdf"))?))),
        },
        Reader {
            name: "Split::from_csv",
            files: vec![("points.csv", csv)],
            read: Box::new(|folder| Ok(is_whole(&Split::from_csv(folder.join("points.csv"), "kind")?))),
        },
        Reader {
            name: "Weights::load",
            files: vec![("weights", weights)],
            read: Box::new(|folder| {
                let x = Weights::load(net.layout(), folder.join("weights"))?;
                Ok(x.to_f64().iter().all(|value| value.is_finite()) && x.to_f64().len() == net.parameter_count())
            }),
        },
        Reader {
            name: SIGNED,
            files: vec![("record.jsonl", record(folder)?)],
            read: Box::new(|folder| Ok(!Recorded::load(folder.join("record.jsonl"))?.source().is_empty())),
        },
        Reader {
            name: "Recorded::load, altered and signed anew",
            files: vec![("record.jsonl", record(folder)?)],
            read: Box::new(|folder| {
                let path = folder.join("record.jsonl");
                sign(&path);
                let recorded = Recorded::load(&path)?;
                // What is made of it is made without a panic, too.
                let remedies = recorded.remedies().and_then(|remedies| remedies.frame());
                Ok(!recorded.source().is_empty()
                    && remedies.map_or_else(|error| error.to_string().len() > 10, |_| true))
            }),
        },
    ])
}

#[test]
fn files_that_are_almost_right_are_read_or_refused() -> Done {
    let count = match std::env::var("SHARP_MINIMA_MANGLED") {
        Ok(count) => count.parse()?,
        Err(_) => FILES,
    };
    let room = tempfile::tempdir()?;
    let data = data::digits().first(30, 10)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    let readers = readers(&net, room.path())?;
    std::panic::set_hook(Box::new(|_| ()));
    for reader in &readers {
        let folder = room.path().join("files");
        std::fs::create_dir_all(&folder)?;
        let write = |files: &[(&'static str, Vec<u8>)]| -> std::io::Result<Vec<PathBuf>> {
            files
                .iter()
                .map(|(name, bytes)| std::fs::write(folder.join(name), bytes).map(|()| folder.join(name)))
                .collect()
        };
        write(&reader.files)?;
        assert!((reader.read)(&folder)?, "{}: its files are right", reader.name);
        let (mut changed, mut refused, mut most) = (0, 0, 0);
        for number in 0..count {
            let mut random = ChaCha8Rng::seed_from_u64(number);
            let mut files = reader.files.clone();
            let place = random.random_range(0..files.len());
            files[place].1 = mangled(&files[place].1, &mut random);
            if files == reader.files {
                continue;
            }
            changed += 1;
            let paths = write(&files)?;
            let (before, start) = (NOW.load(Relaxed), Instant::now());
            MOST.store(before, Relaxed);
            let answer = catch_unwind(AssertUnwindSafe(|| (reader.read)(&folder)));
            let (taken, time) = (MOST.load(Relaxed).saturating_sub(before), start.elapsed());
            let what = format!("{}, file {number} ({:?})", reader.name, paths[place].file_name().unwrap_or_default());
            match answer {
                Err(_) => return Err(format!("{what}: a panic").into()),
                Ok(Ok(is_whole)) => assert!(is_whole, "{what}: what was read is not what it should be"),
                Ok(Err(error)) => {
                    refused += 1;
                    assert!(error.to_string().len() > 10, "{what}: {error}");
                }
            }
            assert!(time < Duration::from_secs(60), "{what}: {time:?}");
            let packed = files.iter().any(|(_, bytes)| bytes.starts_with(b"\x1f\x8b"));
            let bytes: usize =
                files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() * if packed { PACKED } else { 1 };
            assert!(taken <= TIMES * bytes + ROOM, "{what}: {taken} bytes for {bytes}");
            most = most.max(taken);
        }
        println!("{}: {refused} of {changed} refused, at most {most} bytes at once", reader.name);
        assert!(refused > 0, "{}: nothing was refused", reader.name);
        // A record has a digest of all that is in it.
        assert!(refused == changed || reader.name != SIGNED, "{SIGNED}: {refused} of {changed} refused");
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}
