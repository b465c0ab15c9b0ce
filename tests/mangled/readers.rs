//! Readers, files that are right, and what must hold of any others: shared by `tests/mangled.rs` and the targets of `fuzz/`.

mod counting;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sharp_minima::data::{Kaldi, read_cifar10, read_cifar100, read_idx};
use sharp_minima::{Net, Recorded, Result, Seed, Sharpness, Split, Training, Weights, data, zoo};
use xxhash_rust::xxh3::xxh3_128;

/// Bytes that a reader may take for each of its files' bytes, after unpacking.
const TIMES: usize = 10;
/// And so many besides: buffers of readers, threads of the data frames' library.
const ROOM: usize = 4 << 20;
/// What deflate packs at most into a byte.
const PACKED: usize = 1_032;
/// The reader that takes nothing but what was written.
pub const SIGNED: &str = "Recorded::load, altered";

/// Reads the files of a folder; whether what came of them holds what it promises.
pub type Read<'a> = Box<dyn Fn(&Path) -> Result<bool> + 'a>;

/// One reader: the files that it is given, all right.
pub struct Reader<'a> {
    /// A word, as the fuzzer's target and the folder of its corpus are called.
    pub target: &'static str,
    /// What is called.
    pub name: &'static str,
    /// Their names, and what they hold.
    pub files: Vec<(&'static str, Vec<u8>)>,
    pub read: Read<'a>,
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

/// A file of the fixtures.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/kaldi/", $name)).to_vec()
    };
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

/// All readers, with files that are right.
pub fn readers<'a>(net: &'a Net, folder: &Path) -> Result<Vec<Reader<'a>>> {
    let images = b"\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\xff\x33\x66".to_vec();
    let labels = b"\x00\x00\x08\x01\x00\x00\x00\x02\x07\x01".to_vec();
    let picture = |labels: &[u8]| -> Vec<u8> { labels.iter().copied().chain((0..3_072).map(|i| i as u8)).collect() };
    let csv = b"width,height,kind\n0.5,1.5,0\n-2,3e2,1\n4,5,2\n".to_vec();
    let path = folder.join("weights");
    net.start(Seed(0), 0).save(&path)?;
    let weights = std::fs::read(&path).unwrap_or_default();
    let kaldi = || Kaldi::new().context(0).classes(10);
    Ok(vec![
        Reader {
            target: "idx",
            name: "read_idx",
            files: vec![("images", images), ("labels", labels)],
            read: Box::new(|folder| Ok(is_whole(&read_idx(folder.join("images"), folder.join("labels"), 10)?))),
        },
        Reader {
            target: "cifar10",
            name: "read_cifar10",
            files: vec![("batch", picture(&[6]))],
            read: Box::new(|folder| Ok(is_whole(&read_cifar10(&[folder.join("batch")])?))),
        },
        Reader {
            target: "cifar100",
            name: "read_cifar100",
            files: vec![("batch", picture(&[11, 98]))],
            read: Box::new(|folder| Ok(is_whole(&read_cifar100(&[folder.join("batch")])?))),
        },
        Reader {
            target: "kaldi_floats",
            name: "Kaldi, a matrix of floats",
            files: vec![("fm.scp", fixture!("fm.scp")), ("fm.ark", fixture!("fm.ark")), ("pdf", fixture!("pdf.ark"))],
            read: Box::new(move |folder| Ok(is_whole(&kaldi().read(folder.join("fm.scp"), folder.join("pdf"))?))),
        },
        Reader {
            target: "kaldi_compressed",
            name: "Kaldi, a compressed matrix, labels as text",
            files: vec![("cm.scp", fixture!("cm.scp")), ("cm.ark", fixture!("cm.ark")), ("pdf", fixture!("pdf.txt"))],
            read: Box::new(move |folder| Ok(is_whole(&kaldi().read(folder.join("cm.scp"), folder.join("pdf"))?))),
        },
        Reader {
            target: "kaldi_packed",
            name: "Kaldi, packed",
            files: vec![
                ("packed.scp", fixture!("packed.scp")),
                ("packed.ark.gz", fixture!("packed.ark.gz")),
                ("pdf", fixture!("pdf.ark.gz")),
            ],
            read: Box::new(move |folder| Ok(is_whole(&kaldi().read(folder.join("packed.scp"), folder.join("pdf"))?))),
        },
        Reader {
            target: "csv",
            name: "Split::from_csv",
            files: vec![("points.csv", csv)],
            read: Box::new(|folder| Ok(is_whole(&Split::from_csv(folder.join("points.csv"), "kind")?))),
        },
        Reader {
            target: "weights",
            name: "Weights::load",
            files: vec![("weights", weights)],
            read: Box::new(|folder| {
                let x = Weights::load(net.layout(), folder.join("weights"))?;
                Ok(x.to_f64().iter().all(|value| value.is_finite()) && x.to_f64().len() == net.parameter_count())
            }),
        },
        Reader {
            target: "record",
            name: SIGNED,
            files: vec![("record.jsonl", record(folder)?)],
            read: Box::new(|folder| Ok(!Recorded::load(folder.join("record.jsonl"))?.source().is_empty())),
        },
        Reader {
            target: "record_signed",
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

/// A folder with the files of one reader, of which one at a time is another.
pub struct Bench<'a> {
    pub reader: &'a Reader<'a>,
    folder: PathBuf,
    /// Which file is not the right one now.
    other: Option<usize>,
}

/// What became of a file.
pub struct Answer {
    /// Whether it was an error.
    pub is_refused: bool,
    /// Bytes that were taken at once.
    pub taken: usize,
}

impl<'a> Bench<'a> {
    /// Writes the right files, which must be read.
    pub fn new(reader: &'a Reader<'a>, folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in &reader.files {
            std::fs::write(folder.join(name), bytes)?;
        }
        if !matches!((reader.read)(folder), Ok(true)) {
            return Err(std::io::Error::other(format!("{}: its right files are not read", reader.name)));
        }
        Ok(Self { reader, folder: folder.to_path_buf(), other: None })
    }

    /// Reads with these bytes in the place of one of the files; what is wrong with the answer, if anything is.
    pub fn read_with(&mut self, place: usize, bytes: &[u8]) -> std::result::Result<Answer, String> {
        let Reader { name, files, read, .. } = self.reader;
        let write = |place: usize, bytes: &[u8]| {
            std::fs::write(self.folder.join(files[place].0), bytes).expect("the folder can be written");
        };
        if let Some(other) = self.other.filter(|&other| other != place) {
            write(other, &files[other].1);
        }
        write(place, bytes);
        self.other = Some(place);
        let start = Instant::now();
        let (answer, taken) = counting::taken(|| catch_unwind(AssertUnwindSafe(|| read(&self.folder))));
        let time = start.elapsed();
        let wrong = |what: String| Err(format!("{name}, {}: {what}", files[place].0));
        let is_refused = match answer {
            Err(_) => return wrong("a panic".into()),
            Ok(Ok(true)) => false,
            Ok(Ok(false)) => return wrong("what was read is not what it should be".into()),
            Ok(Err(error)) if error.to_string().len() > 10 => true,
            Ok(Err(error)) => return wrong(format!("'{error}' says nothing")),
        };
        if time > Duration::from_secs(60) {
            return wrong(format!("{time:?}"));
        }
        let others = || files.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, (_, bytes))| &bytes[..]);
        let is_packed = others().chain([bytes]).any(|bytes| bytes.starts_with(b"\x1f\x8b"));
        let unpacked = others().chain([bytes]).map(<[u8]>::len).sum::<usize>() * if is_packed { PACKED } else { 1 };
        if taken > TIMES * unpacked + ROOM {
            return wrong(format!("{taken} bytes are taken for {unpacked}"));
        }
        Ok(Answer { is_refused, taken })
    }
}
