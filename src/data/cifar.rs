//! How are CIFAR-10 and CIFAR-100 read? In their binary version: records of one size, with no header.
//!
//! | set | record | bytes |
//! |---|---|---|
//! | CIFAR-10 | label, then 1,024 red, 1,024 green, 1,024 blue pixels | 3,073 |
//! | CIFAR-100 | superclass (0–19), class (0–99), then the pixels | 3,074 |
//!
//! The pixels of a plane come row by row from the top left. Gzipped files are read as they are. The label of CIFAR-100
//! is the class.

use std::path::{Path, PathBuf};

use super::{Dataset, Split, find, read_bytes};
use crate::error::{Error, Result};

/// The most bytes that a file may hold or unpack to: 1 GiB; the largest published one has 147 MiB.
const MOST: usize = 1 << 30;

/// Bytes of one image: three planes of 32×32.
const PIXELS: usize = 3 * 32 * 32;

/// CIFAR-10: 50,000 photographs to train on, 10,000 to test on, shape `[3, 32, 32]`, 10 classes, pixels divided by 255.
///
/// The six files of the binary version, each plain or gzipped, are looked for where the [module](crate::data) says, in
/// the folder itself or in `cifar-10-batches-bin` within it, as the published archive unpacks.
///
/// # Errors
/// [`Error::Missing`] where they are not found, and those of [`read_cifar10`].
///
/// ```no_run
/// use sharp_minima::data;
/// let cifar10 = data::cifar10()?;
/// assert_eq!(cifar10.train.len(), 50_000);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn cifar10() -> Result<Dataset> {
    let folders = ["cifar10", "cifar10/cifar-10-batches-bin"];
    let files = [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ];
    let hint = ", as `python3 notebooks/run.py --download cifar10` does";
    let [train @ .., test] = find("CIFAR-10", &folders, files, hint)?;
    Dataset::new("CIFAR-10", read_cifar10(&train)?, read_cifar10(&[test])?)
}

/// CIFAR-100: 50,000 photographs to train on, 10,000 to test on, shape `[3, 32, 32]`, 100 classes, pixels divided by 255.
///
/// `train.bin` and `test.bin` of the binary version, each plain or gzipped, are looked for where the
/// [module](crate::data) says, in the folder itself or in `cifar-100-binary` within it, as the published archive
/// unpacks.
///
/// # Errors
/// [`Error::Missing`] where they are not found, and those of [`read_cifar100`].
///
/// ```no_run
/// use sharp_minima::data;
/// let cifar100 = data::cifar100()?;
/// assert_eq!(cifar100.classes(), 100);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn cifar100() -> Result<Dataset> {
    let folders = ["cifar100", "cifar100/cifar-100-binary"];
    let hint = ", as `python3 notebooks/run.py --download cifar100` does";
    let [train, test] = find("CIFAR-100", &folders, ["train.bin", "test.bin"], hint)?;
    Dataset::new("CIFAR-100", read_cifar100(&[train])?, read_cifar100(&[test])?)
}

/// CIFAR-10's records from binary files, each plain or gzipped, one file after another: shape `[3, 32, 32]`, pixels
/// divided by 255.
///
/// # Errors
/// [`Error::Parameter`] where no file is given, [`Error::File`] where one cannot be read, [`Error::Format`] where one is empty
/// or not whole records long, or has a label outside of 0–9.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("sharp-minima-cifar-{}.bin", std::process::id()));
/// // One white image with the label 6.
/// let record: Vec<u8> = [6].into_iter().chain([255; 3072]).collect();
/// std::fs::write(&path, record)?;
/// let split = sharp_minima::data::read_cifar10(&[&path])?;
/// assert_eq!(split.shape(), [3, 32, 32]);
/// assert_eq!(split.labels(), [6]);
/// assert_eq!(split.mean(), 1.0);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_cifar10(files: &[impl AsRef<Path>]) -> Result<Split> {
    read(files.iter().map(|file| file.as_ref().to_path_buf()).collect(), &["label"], &[10])
}

/// CIFAR-100's records from binary files, each plain or gzipped, one file after another: shape `[3, 32, 32]`, pixels
/// divided by 255; labels are the 100 classes, not the 20 superclasses.
///
/// # Errors
/// As [`read_cifar10`]; labels must lie in 0–99, those of the superclass in 0–19.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("sharp-minima-cifar100-{}.bin", std::process::id()));
/// // One black image of the superclass 11 and the class 98.
/// let record: Vec<u8> = [11, 98].into_iter().chain([0; 3072]).collect();
/// std::fs::write(&path, record)?;
/// let split = sharp_minima::data::read_cifar100(&[&path])?;
/// assert_eq!(split.labels(), [98]);
/// assert_eq!(split.classes(), 100);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_cifar100(files: &[impl AsRef<Path>]) -> Result<Split> {
    let names = ["label of the superclass", "label"];
    read(files.iter().map(|file| file.as_ref().to_path_buf()).collect(), &names, &[20, 100])
}

/// Records that begin with one label byte a name, each below its number of classes; the last is the label.
fn read(files: Vec<PathBuf>, names: &[&str], classes: &[usize]) -> Result<Split> {
    if files.is_empty() {
        return Err(Error::parameter("number of files", 0, "be at least 1"));
    }
    let size = names.len() + PIXELS;
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for path in &files {
        let bytes = read_bytes(path, MOST)?;
        let records = bytes.chunks_exact(size);
        if bytes.is_empty() || !records.remainder().is_empty() {
            let (whole, behind) = (bytes.len() / size, bytes.len() % size);
            let reason = format!(
                "the file must be whole records of {size} bytes, at least one, but has {whole} and {behind} bytes more"
            );
            return Err(Error::format(path, format!("byte {}", whole * size), reason));
        }
        inputs.reserve(bytes.len());
        for (record, bytes) in records.enumerate() {
            let (marks, pixels) = bytes.split_at(names.len());
            for (mark, ((name, &classes), &found)) in names.iter().zip(classes).zip(marks).enumerate() {
                if usize::from(found) >= classes {
                    let place = format!("record {record} (byte {})", record * size + mark);
                    let reason = format!("the {name} must lie in 0..={}, but is {found}", classes - 1);
                    return Err(Error::format(path, place, reason));
                }
            }
            labels.extend(marks.last().map(|&label| u32::from(label)));
            inputs.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
        }
    }
    Split::new(inputs, labels, vec![3, 32, 32], classes.last().copied().unwrap_or(0))
}
