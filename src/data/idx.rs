//! How are MNIST's files read? Each holds one array of bytes after a header of big-endian numbers.
//!
//! | file | bytes 0–3 | then | then |
//! |---|---|---|---|
//! | images | `00 00 08 03`: bytes, 3 axes | number, height, width: 32 bits each | pixels, row by row, 0–255 |
//! | labels | `00 00 08 01`: bytes, 1 axis | number: 32 bits | one byte a label |
//!
//! Fashion-MNIST, EMNIST and others come in the same format. Gzipped files are read as they are. A file must be exactly
//! as long as its header says; memory is taken for what is there, not for what a header claims.

use std::path::Path;

use super::{Dataset, Split, check_count, find, read_bytes};
use crate::error::{Error, Result};

/// The most bytes that a file may hold or unpack to: 1 GiB; MNIST's largest has 45 MiB. Reading takes five times that: the bytes, and
/// four for each as a number.
const MOST: usize = 1 << 30;

/// How images begin.
const IMAGES: u32 = 0x0000_0803;

/// How labels begin.
const LABELS: u32 = 0x0000_0801;

/// MNIST: 60,000 digits to train on, 10,000 to test on, shape `[1, 28, 28]`, 10 classes, pixels divided by 255.
///
/// The four files, each plain or gzipped, are looked for where the [module](crate::data) says, under their published
/// names (`train-images-idx3-ubyte`) or with a dot in them (`train-images.idx3-ubyte`), as some tools unpack them.
///
/// # Errors
/// [`Error::Missing`] where they are not found, and those of [`read_idx`].
///
/// ```no_run
/// use sharp_minima::data;
/// let mnist = data::mnist()?;
/// assert_eq!(mnist.train.len(), 60_000);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn mnist() -> Result<Dataset> {
    const FILES: [&str; 4] =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    const DOTTED: [&str; 4] =
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"];
    let hint = ", as `python3 notebooks/run.py --download mnist` does";
    let files = find("MNIST", &["mnist"], FILES, hint);
    let [images, labels, test_images, test_labels] =
        files.or_else(|missing| find("MNIST", &["mnist"], DOTTED, hint).map_err(|_| missing))?;
    Dataset::new("MNIST", read_idx(images, labels, 10)?, read_idx(test_images, test_labels, 10)?)
}

/// Images and their labels from two IDX files, each plain or gzipped: shape `[1, height, width]`, pixels divided by 255.
///
/// # Errors
/// [`Error::Parameter`] where `classes` is not in 1..=256, [`Error::File`] where a file cannot be read,
/// [`Error::Format`] where it is not what it should be: a wrong magic number (labels given as images, say), more or
/// fewer bytes than its header says, no images, another number of labels than of images, a label outside of the classes.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("sharp-minima-idx-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let (images, labels) = (folder.join("images"), folder.join("labels"));
/// // Two images of 1×2 pixels.
/// std::fs::write(&images, b"\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\xff\x33\x66")?;
/// std::fs::write(&labels, b"\x00\x00\x08\x01\x00\x00\x00\x02\x07\x01")?;
/// let split = sharp_minima::data::read_idx(&images, &labels, 10)?;
/// assert_eq!(split.shape(), [1, 1, 2]);
/// assert_eq!(split.inputs(), [0.0, 1.0, 0.2, 0.4]);
/// assert_eq!(split.labels(), [7, 1]);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_idx(images: impl AsRef<Path>, labels: impl AsRef<Path>, classes: usize) -> Result<Split> {
    read(images.as_ref(), labels.as_ref(), classes)
}

/// [`read_idx`], compiled once and not in the reader's cell.
fn read(images: &Path, labels: &Path, classes: usize) -> Result<Split> {
    check_count("classes", classes, 256)?; // a label is a byte
    let bytes = read_bytes(images, MOST)?;
    let ([number, height, width], pixels) = array(images, &bytes, IMAGES)?;
    if number == 0 || height == 0 || width == 0 {
        let reason = format!(
            "there must be at least one image and one pixel, but the header says {number} × {height} × {width}"
        );
        return Err(Error::format(images, "byte 4", reason));
    }
    let label_bytes = read_bytes(labels, MOST)?;
    let ([label_number], label_bytes) = array(labels, &label_bytes, LABELS)?;
    if label_number != number {
        let reason = format!("there are {label_number} labels for the {number} images of {}", images.display());
        return Err(Error::format(labels, "byte 4", reason));
    }
    if let Some(record) = label_bytes.iter().position(|&label| usize::from(label) >= classes) {
        let reason = format!("labels must lie in 0..={}, but this is {}", classes - 1, label_bytes[record]);
        return Err(Error::format(labels, format!("record {record} (byte {})", 8 + record), reason));
    }
    let inputs = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let labels = label_bytes.iter().map(|&label| u32::from(label)).collect();
    Split::new(inputs, labels, vec![1, height as usize, width as usize], classes)
}

/// The sizes of an IDX array of bytes with `N` axes, and its content: as many bytes as the sizes say, neither more nor
/// fewer.
fn array<'a, const N: usize>(path: &Path, bytes: &'a [u8], magic: u32) -> Result<([u32; N], &'a [u8])> {
    let mut rest = bytes;
    let found = number(path, bytes, &mut rest)?;
    if found != magic {
        let name = |magic| match magic {
            IMAGES => " (images)",
            LABELS => " (labels)",
            _ => "",
        };
        return Err(Error::format(
            path,
            "byte 0",
            format!("the magic number must be {magic:#010x}{}, but is {found:#010x}{}", name(magic), name(found)),
        ));
    }
    let mut sizes = [0; N];
    for size in &mut sizes {
        *size = number(path, bytes, &mut rest)?;
    }
    // At most 2^96: no overflow, and no memory is taken before the check.
    let needed = sizes.iter().map(|&size| u128::from(size)).product::<u128>();
    if needed != rest.len() as u128 {
        let sizes = sizes.map(|size| size.to_string()).join(" × ");
        let reason = format!("the header says {sizes} bytes, {needed} in all, but {} follow it", rest.len());
        return Err(Error::format(path, format!("byte {}", bytes.len() - rest.len()), reason));
    }
    Ok((sizes, rest))
}

/// The big-endian number at the beginning of `rest`, which is moved after it.
fn number(path: &Path, bytes: &[u8], rest: &mut &[u8]) -> Result<u32> {
    let (number, behind) = rest.split_first_chunk::<4>().ok_or_else(|| {
        let place = format!("byte {}", bytes.len() - rest.len());
        Error::format(path, place, format!("the header ends early: the file has only {} bytes", bytes.len()))
    })?;
    *rest = behind;
    Ok(u32::from_be_bytes(*number))
}
