//! On which data? Owned inputs and labels, split into the points that are trained on and those that are not.
//!
//! Table 5 of the paper lists MNIST, TIMIT, CIFAR-10 and CIFAR-100. [`mnist`], [`cifar10`], [`cifar100`] and [`timit`]
//! read them where they are found; [`digits()`] and a part of [Fashion-MNIST](fashion()) are embedded, so that everything runs
//! on a fresh machine; [`Synthetic`]
//! makes seeded stand-ins of any shape. A reader's own points come from a file ([`Split::from_csv`]) or a data frame
//! ([`Split::from_frame`]), and are divided into the two splits by [`Dataset::divided`].
//!
//! Inputs are row-major `f32`, one point after another; images have the shape `[channels, height, width]` with pixels
//! divided by their largest value, as the authors' code does (§2.2; "no preprocessing"), frames of speech `[features]`.
//!
//! | set | train | test | shape | classes | found where |
//! |---|---|---|---|---|---|
//! | digits | 1,437 | 360 | 1×8×8 | 10 | embedded |
//! | Fashion-MNIST, a part | 6,000 | 2,000 | 1×28×28 | 10 | embedded |
//! | MNIST | 60,000 | 10,000 | 1×28×28 | 10 | `data/mnist` |
//! | CIFAR-10 | 50,000 | 10,000 | 3×32×32 | 10 | `data/cifar10` |
//! | CIFAR-100 | 50,000 | 10,000 | 3×32×32 | 100 | `data/cifar100` |
//! | TIMIT | 721,329 (paper, from memory) | 310,621 (the same) | 360 | 1,973 | `data/timit` |
//!
//! Big sets are looked for in the folder that the environment variable `SHARP_MINIMA_DATA` names, then in `data` of the
//! current directory, then in `data` of this crate's checkout; each in a folder of its own name.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

mod augment;
mod cifar;
mod csv;
mod digits;
mod fashion;
mod idx;
mod kaldi;
mod own;
mod synthetic;

pub use augment::{Augment, Center, Interpolation};
pub use cifar::{cifar10, cifar100, read_cifar10, read_cifar100};
pub use digits::digits;
pub use fashion::fashion;
pub use idx::{mnist, read_idx};
pub use kaldi::{Kaldi, timit};
pub(crate) use own::Rows;
pub use synthetic::{Synthetic, synthetic};

/// Most classes of a split: a table of them must fit into memory.
const CLASSES: usize = 1 << 24;

/// Points with their labels: `points × shape` numbers and `points` labels.
#[derive(Clone, PartialEq)]
pub struct Split {
    inputs: Vec<f32>,
    /// The same inputs before they were rounded, where they were given so; for checking in f64.
    exact: Option<Vec<f64>>,
    labels: Vec<u32>,
    shape: Vec<usize>,
    classes: usize,
    /// What a table called its columns and classes.
    names: Option<Names>,
}

/// What a table calls its columns, without that of the label, and its classes, in their order.
#[derive(Debug, Clone, PartialEq)]
struct Names {
    columns: Vec<String>,
    classes: Vec<String>,
}

impl Split {
    /// A split from its parts: `inputs` row-major, `labels.len() × shape` numbers; labels in `0..classes`.
    ///
    /// # Errors
    /// [`Error::Data`] for an empty split, a shape with a zero in it or without entries, a number of inputs that is not
    /// points × shape, a label outside of the classes, or an input that is not finite; [`Error::Parameter`] for a number of
    /// classes outside of 1..=2²⁴.
    ///
    /// ```
    /// use sharp_minima::Split;
    /// let split = Split::new(vec![0.0, 0.5, 1.0, 0.5], vec![0, 1], vec![2], 2)?;
    /// assert_eq!(split.len(), 2);
    /// assert!(Split::new(vec![0.0, 0.5], vec![2], vec![2], 2).is_err());
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn new(inputs: Vec<f32>, labels: Vec<u32>, shape: Vec<usize>, classes: usize) -> Result<Self> {
        if labels.is_empty() {
            return Err(Error::Data("a split must have at least one point, but has 0".into()));
        }
        check_count("classes", classes, CLASSES)?;
        if shape.is_empty() || shape.contains(&0) {
            return Err(Error::Data(format!("the shape of a point must be sizes from 1, but is {shape:?}")));
        }
        let numbers =
            shape.iter().try_fold(labels.len(), |product, &size| product.checked_mul(size)).ok_or_else(|| {
                Error::Data(format!(
                    "{} points of shape {shape:?} are more numbers than a machine can count",
                    labels.len()
                ))
            })?;
        if inputs.len() != numbers {
            return Err(Error::Data(format!(
                "{} points of shape {shape:?} need {numbers} input numbers, but there are {}",
                labels.len(),
                inputs.len()
            )));
        }
        if let Some(point) = labels.iter().position(|&label| label as usize >= classes) {
            return Err(Error::Data(format!(
                "labels must lie in 0..={}, but point {point} has {}",
                classes - 1,
                labels[point]
            )));
        }
        if let Some(index) = inputs.iter().position(|value| !value.is_finite()) {
            let point = index / (numbers / labels.len());
            return Err(Error::Data(format!("inputs must be finite, but point {point} has {}", inputs[index])));
        }
        Ok(Self { inputs, exact: None, labels, shape, classes, names: None })
    }

    /// A split from inputs in f64, which are kept beside their rounded values: a loss in f64 is then computed from the
    /// numbers given. For checking against other programs; it takes three times the memory.
    ///
    /// # Errors
    /// As [`Split::new`].
    pub fn exact(inputs: Vec<f64>, labels: Vec<u32>, shape: Vec<usize>, classes: usize) -> Result<Self> {
        let rounded = inputs.iter().map(|&value| value as f32).collect();
        Ok(Self { exact: Some(inputs), ..Self::new(rounded, labels, shape, classes)? })
    }

    /// Number of points; never 0.
    #[allow(clippy::len_without_is_empty)] // a split is never empty
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// All inputs, `len × shape` numbers, row-major.
    pub fn inputs(&self) -> &[f32] {
        &self.inputs
    }

    /// All inputs in f64: as they were given, where [`Split::exact`] made the split, else nothing.
    pub(crate) fn exact_inputs(&self) -> Option<&[f64]> {
        self.exact.as_deref()
    }

    /// All labels, each below [`classes`](Self::classes).
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Shape of one point.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of numbers in one point.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What the classes are called, in their order, where the points come from a table; else an empty list.
    pub fn class_names(&self) -> &[String] {
        self.names.as_ref().map_or(&[], |names| &names.classes)
    }

    /// The numbers of one point, or nothing where there is no such point.
    pub fn point(&self, index: usize) -> Option<&[f32]> {
        let features = self.features();
        self.inputs.get(index.checked_mul(features)?..).and_then(|rest| rest.get(..features))
    }

    /// The points of these numbers, in this order; a number may occur more than once.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no number or one that is not below [`len`](Self::len).
    pub fn select(&self, points: &[usize]) -> Result<Self> {
        if points.is_empty() {
            return Err(Error::Data("a split must have at least one point, but 0 were selected".into()));
        }
        if let Some(&point) = points.iter().find(|&&point| point >= self.len()) {
            return Err(Error::Data(format!("points must lie in 0..={}, but {point} was selected", self.len() - 1)));
        }
        let features = self.features();
        let rows = || points.iter().map(|point| point * features..(point + 1) * features);
        Ok(Self {
            inputs: rows().flat_map(|row| &self.inputs[row]).copied().collect(),
            exact: self.exact.as_ref().map(|exact| rows().flat_map(|row| &exact[row]).copied().collect()),
            labels: points.iter().map(|&point| self.labels[point]).collect(),
            ..self.without_points()
        })
    }

    /// A split of this shape and these classes with inputs and labels that were made of its own.
    pub(crate) fn replaced(&self, inputs: Vec<f32>, exact: Option<Vec<f64>>, labels: Vec<u32>) -> Self {
        Self { inputs, exact, labels, ..self.without_points() }
    }

    /// What is said of all points alike.
    fn without_points(&self) -> Self {
        let (shape, names) = (self.shape.clone(), self.names.clone());
        Self { inputs: Vec::new(), exact: None, labels: Vec::new(), shape, classes: self.classes, names }
    }

    /// The first `points` points.
    ///
    /// # Errors
    /// [`Error::Parameter`] where `points` is 0 or above [`len`](Self::len).
    pub fn first(&self, points: usize) -> Result<Self> {
        check_count("points", points, self.len())?;
        let numbers = points * self.features();
        Ok(Self {
            inputs: self.inputs[..numbers].to_vec(),
            exact: self.exact.as_ref().map(|exact| exact[..numbers].to_vec()),
            labels: self.labels[..points].to_vec(),
            ..self.without_points()
        })
    }

    /// Number of points of each class, `classes` numbers.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// Mean of all inputs, summed in f64.
    pub fn mean(&self) -> f64 {
        self.inputs.iter().map(|&value| f64::from(value)).sum::<f64>() / self.inputs.len() as f64
    }

    /// Standard deviation of all inputs around [`mean`](Self::mean), over their number, summed in f64.
    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares = self.inputs.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>();
        (squares / self.inputs.len() as f64).sqrt()
    }
}

/// The facts, not the numbers: a split of MNIST has 47 million of them.
impl std::fmt::Debug for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Split {{ points: {}, shape: {:?}, classes: {} }}", self.len(), self.shape, self.classes)
    }
}

/// A data set: a name, the points that are trained on, and those that are not.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name, as results carry it: "digits", "MNIST".
    pub name: String,
    /// The training split.
    pub train: Split,
    /// The test split; same shape and classes.
    pub test: Split,
}

/// One of a data set's two splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Which {
    /// The points that are trained on.
    Train,
    /// The others.
    Test,
}

/// "train" or "test".
impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Which::Train => "train",
            Which::Test => "test",
        })
    }
}

crate::display::shown_as_text!(Which);

impl Dataset {
    /// A data set from its splits. Where both come from tables, labels mean what the tables call them: the classes are those of the
    /// training split, of which the test split may lack some.
    ///
    /// # Errors
    /// [`Error::Data`] where the splits differ in shape or in their number of classes; for tables, where their columns differ or
    /// stand in another order, and where a label of the test split is no class of the training split.
    pub fn new(name: &str, train: Split, test: Split) -> Result<Self> {
        let test = test.with_names_of(&train, name)?;
        if train.shape != test.shape || train.classes != test.classes {
            return Err(Error::Data(format!(
                "the splits of a data set must have one shape and one number of classes, but {name} has {:?} and {} for training, {:?} and {} for testing",
                train.shape, train.classes, test.shape, test.classes
            )));
        }
        Ok(Self { name: name.into(), train, test })
    }

    /// One of its splits.
    pub fn split(&self, which: Which) -> &Split {
        match which {
            Which::Train => &self.train,
            Which::Test => &self.test,
        }
    }

    /// Shape of one point.
    pub fn shape(&self) -> &[usize] {
        self.train.shape()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.train.classes()
    }

    /// The paper's large batch: 10 % of the training points (§2.2), at least 1.
    pub fn tenth(&self) -> usize {
        (self.train.len() as f64 / 10.0).round().max(1.0) as usize
    }

    /// The same set with only its first points, for a quick look.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a number is 0 or above what there is.
    pub fn first(&self, train: usize, test: usize) -> Result<Self> {
        Ok(Self { name: self.name.clone(), train: self.train.first(train)?, test: self.test.first(test)? })
    }
}

/// An error unless `given` lies in `1..=most`.
pub(crate) fn check_count(name: &'static str, given: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&given) {
        return Ok(());
    }
    Err(Error::parameter(name, given, format!("lie in 1..={most}")))
}

/// The folders in which a big set may lie, in the order in which they are looked into.
fn places(folders: &[&str]) -> Vec<PathBuf> {
    let named = std::env::var_os("SHARP_MINIMA_DATA").map(PathBuf::from);
    // A notebook's current directory is its own folder, a test's is the crate's; the checkout serves both.
    let roots = named.into_iter().chain([PathBuf::from("data"), Path::new(env!("CARGO_MANIFEST_DIR")).join("data")]);
    roots.flat_map(|root| folders.iter().map(move |folder| root.join(folder))).collect()
}

/// The paths of `files`, each plain or with `.gz` after its name, in the first folder that holds them all; else an error
/// that says what to put where. `hint` goes on from the list of folders, with a space or a comma, or is empty.
fn find<const N: usize>(name: &'static str, folders: &[&str], files: [&str; N], hint: &str) -> Result<[PathBuf; N]> {
    let places = places(folders);
    let whole = |place: &PathBuf| {
        let there: Vec<PathBuf> = files.iter().filter_map(|file| plain_or_gzipped(place, file)).collect();
        <[PathBuf; N]>::try_from(there).ok()
    };
    places.iter().find_map(whole).ok_or_else(|| {
        // A place that holds some of the files is the one that was meant.
        let lacks = |place: &PathBuf| -> Vec<&str> {
            files.into_iter().filter(|file| plain_or_gzipped(place, file).is_none()).collect()
        };
        let meant = places.iter().find(|place| lacks(place).len() < N);
        let listed = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
        Error::Missing {
            name,
            files: meant.map_or(files.to_vec(), lacks).join(", "),
            places: meant.map_or(format!("one of {listed}"), |place| format!("{}, where the rest is", place.display())),
            hint: format!(
                "{hint}; or set the environment variable SHARP_MINIMA_DATA to the folder in which a folder {} lies",
                folders.first().copied().unwrap_or_default()
            ),
        }
    })
}

/// The path of `file` in `folder`, or of `file.gz`, if one of the two is there.
fn plain_or_gzipped(folder: &Path, file: &str) -> Option<PathBuf> {
    [folder.join(file), folder.join(format!("{file}.gz"))].into_iter().find(|path| path.is_file())
}

/// The bytes of a file, unpacked where they begin as gzip does, and never more than `most`: a file that claims or
/// unpacks to more is refused before memory is taken for it.
///
/// # Errors
/// [`Error::File`] where it cannot be read, [`Error::Format`] where the gzip stream is damaged or ends early, or where
/// there are more than `most` bytes.
fn read_bytes(path: &Path, most: usize) -> Result<Vec<u8>> {
    use std::io::{BufRead, BufReader, Read};
    let file = std::fs::File::open(path).map_err(|error| Error::file(path, error))?;
    let mut reader = BufReader::new(file);
    let gzipped = reader.fill_buf().map_err(|error| Error::file(path, error))?.starts_with(&[0x1f, 0x8b]);
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    let outcome = if gzipped {
        flate2::bufread::MultiGzDecoder::new(reader).take(limit).read_to_end(&mut bytes)
    } else {
        reader.take(limit).read_to_end(&mut bytes)
    };
    match outcome {
        Err(error) if gzipped => Err(Error::format(
            path,
            format!("byte {} of what is unpacked", bytes.len()),
            format!("the gzip stream is damaged or ends early ({error})"),
        )),
        Err(error) => Err(Error::file(path, error)),
        Ok(_) if bytes.len() > most => {
            Err(Error::format(path, format!("byte {most}"), format!("there are more than the {most} bytes allowed")))
        }
        Ok(_) => Ok(bytes),
    }
}

crate::display::shown_as_text!(Split);
