//! Which data show at quick scale what the paper shows at full scale? A part of Fashion-MNIST, embedded in the crate:
//! pictures of 28×28 pixels of ten kinds of clothing, 6,000 to train on and 2,000 to test on.
//!
//! | file in `data/fashion` | bytes | sha256 |
//! |---|---|---|
//! | `train-images-idx3-ubyte.gz` | 2,606,178 | `1e1674935a6a5824c9c5eba6900ce8a641091d6729843dd8bcbdf783a2254d0a` |
//! | `train-labels-idx1-ubyte.gz` | 3,087 | `cd9bd37a9d1812dbf8017ab8a4db31fc74a00a5bf57754b3c2bf5911a60512bb` |
//! | `t10k-images-idx3-ubyte.gz` | 877,688 | `746b4ac4ed87e816ee5f235025c7bd182002cb007f67205c547f2d1bcf58d851` |
//! | `t10k-labels-idx1-ubyte.gz` | 1,033 | `09e12ea2704e7fc948433dfc4fc0c69cf8e2e18611cf6b3b80e6ad82dec4dcba` |
//!
//! They have MNIST's format ([`read_idx`](super::read_idx) reads them as well), and are the first tenth of Zalando's
//! training points and the first fifth of its test points, unchanged and in their order; `data/fashion/make.py` makes
//! them from the whole. Fashion-MNIST: H. Xiao, K. Rasul, R. Vollgraf 2017 ([arXiv 1708.07747](https://arxiv.org/abs/1708.07747)),
//! © 2017 Zalando SE, MIT licence, `data/fashion/LICENSE`.
//!
//! Deviation: the paper does not use this set. It is as large as a quick run can bear, and harder than the digits.

use std::io::Read;

use super::{Dataset, Split};

/// A file of `data/fashion`, embedded. Its length is a part of its type, and the checksum of what is packed stands at a
/// gzipped file's end: a file that was cut, or replaced by one with another content, does not compile.
macro_rules! embedded {
    ($file:literal, $bytes:literal, $checksum:literal) => {{
        static PACKED: &[u8; $bytes] = include_bytes!(concat!("../../data/fashion/", $file));
        const { assert!(checksum(PACKED) == $checksum, concat!("data/fashion/", $file, " is not the file it was")) }
        PACKED.as_slice()
    }};
}

/// The checksum (CRC-32) that a gzipped file has of its content, before the content's length, at its end.
const fn checksum(packed: &[u8]) -> u32 {
    match packed.last_chunk() {
        Some(&[a, b, c, d, _, _, _, _]) => u32::from_le_bytes([a, b, c, d]),
        None => 0,
    }
}

/// Bytes of an IDX header: a magic number and one number for each axis.
const IMAGES_HEADER: usize = 16;
const LABELS_HEADER: usize = 8;

/// The part of Fashion-MNIST that is embedded in this crate: 6,000 pictures of clothing to train on, 2,000 to test on,
/// shape `[1, 28, 28]`, 10 classes, pixels divided by 255.
///
/// The classes: 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
/// The splits are the first points of the whole set's own splits, and nothing about them is random. A number from them is
/// not one of Fashion-MNIST: with a tenth of the training points a net is right on fewer of the test points.
///
/// It cannot fail: the files are embedded and checked when the crate is compiled. It takes some 30 milliseconds.
///
/// ```
/// use sharp_minima::data;
/// let fashion = data::fashion();
/// assert_eq!((fashion.train.len(), fashion.test.len()), (6_000, 2_000));
/// assert_eq!(fashion.shape(), [1, 28, 28]);
/// assert_eq!(fashion.classes(), 10);
/// ```
pub fn fashion() -> Dataset {
    let train = split(
        embedded!("train-images-idx3-ubyte.gz", 2_606_178, 0x9514_dc54),
        embedded!("train-labels-idx1-ubyte.gz", 3_087, 0xc84d_818d),
    );
    let test = split(
        embedded!("t10k-images-idx3-ubyte.gz", 877_688, 0x3848_dcc8),
        embedded!("t10k-labels-idx1-ubyte.gz", 1_033, 0xe452_8e90),
    );
    Dataset { name: "Fashion-MNIST, 6,000 points".into(), train, test }
}

/// The points of two packed files.
fn split(images: &[u8], labels: &[u8]) -> Split {
    let inputs = unpack(images).iter().skip(IMAGES_HEADER).map(|&pixel| f32::from(pixel) / 255.0).collect();
    let labels = unpack(labels).iter().skip(LABELS_HEADER).map(|&label| u32::from(label)).collect();
    Split { inputs, exact: None, labels, shape: vec![1, 28, 28], classes: 10, names: None }
}

/// What a file holds.
fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Always `Ok`: the bytes are the very ones that the unit tests unpack.
    let _ = flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`fashion`] takes for granted: what it makes of the files is what the reader of such files makes of them, which
    /// checks headers, lengths, checksums and labels.
    #[test]
    fn embedded_files_are_those_that_read_idx_reads() -> crate::Result<()> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fashion");
        let read = |images: &str, labels: &str| super::super::read_idx(folder.join(images), folder.join(labels), 10);
        let fashion = fashion();
        assert!(fashion.train == read("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")?);
        assert!(fashion.test == read("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")?);
        Ok(())
    }

    /// Of the whole set, in Python:
    ///
    /// ```python
    /// import gzip, zlib, numpy as np
    /// images = np.frombuffer(gzip.open("train-images-idx3-ubyte.gz").read()[16:], np.uint8)[:6_000 * 784]
    /// labels = np.frombuffer(gzip.open("train-labels-idx1-ubyte.gz").read()[8:], np.uint8)[:6_000]
    /// print(hex(zlib.crc32((images / np.float32(255)).astype("<f4"))), np.bincount(labels), labels[:10])
    /// ```
    #[test]
    fn the_points_are_the_first_of_the_whole_set() {
        let of = |split: &Split| {
            let mut checksum = flate2::Crc::new();
            split.inputs.iter().for_each(|input| checksum.update(&input.to_le_bytes()));
            (checksum.sum(), split.class_counts(), split.labels[..10].to_vec())
        };
        let fashion = fashion();
        let counts = vec![560, 643, 608, 612, 584, 594, 590, 617, 590, 602];
        assert_eq!(of(&fashion.train), (TRAIN_INPUTS, counts, vec![9, 0, 0, 3, 0, 2, 7, 2, 5, 5]));
        let counts = vec![200, 203, 214, 190, 219, 195, 197, 200, 194, 188];
        assert_eq!(of(&fashion.test), (TEST_INPUTS, counts, vec![9, 2, 1, 1, 6, 1, 4, 6, 5, 7]));
        for split in [&fashion.train, &fashion.test] {
            assert!(split.inputs.iter().all(|input| (0.0..=1.0).contains(input)));
            assert_eq!(split.inputs.len(), split.len() * split.features());
        }
    }
    const TRAIN_INPUTS: u32 = 0x9d73_e77b;
    const TEST_INPUTS: u32 = 0xcaee_89ef;
}
