//! Which real data is there on a fresh machine? 1,797 handwritten digits of 8×8 pixels, embedded in the crate.
//!
//! The file, `data/digits/digits.csv.gz` (57,523 bytes), is gzipped text, one digit a line: 64 whole numbers from 0 to
//! 16, row by row from the top left, then the label, separated by commas; no header. `data/README.md` says where it
//! comes from.
//!
//! Deviation: the paper does not use this set. It is here so that every example runs, on real data, with nothing to
//! download.

use std::io::Read;

use super::{Dataset, Split};

/// The file. Its length is a part of its type, so a file that was cut or replaced does not compile.
static PACKED: &[u8; 57_523] = include_bytes!("../../data/digits/digits.csv.gz");

/// Nor does a file with another content: what the unit test below reads is what every reader reads.
const _: () = assert!(fnv(PACKED) == 0x8ddf_f3e8_f21b_bc62, "data/digits/digits.csv.gz is not the file it was");

/// The FNV-1a hash, 64 bits.
const fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut index = 0; // a constant function has no iterators
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

/// Points in the training split: 80 %.
const TRAIN: usize = 1_437;

/// Pixels of one digit.
const PIXELS: usize = 64;

/// The 1,797 handwritten digits that are embedded in this crate: 1,437 to train on, 360 to test on, shape `[1, 8, 8]`,
/// 10 classes, pixels divided by their largest value, 16.
///
/// The splits are the first and the last lines of the file, and nothing about them is random. The file is the test part
/// of its source, by 13 people, and it is not shuffled: the digits come in the order of a form, which begins again about
/// every 130 lines. Who wrote which line is not recorded, but most test digits should come from hands that are not in the
/// training split, so the test accuracy is not raised by knowing the hand, as that of shuffled splits would be.
///
/// It cannot fail: the file is embedded and checked when the crate is compiled. It takes a few milliseconds.
///
/// ```
/// use sharp_minima::data;
/// let digits = data::digits();
/// assert_eq!((digits.train.len(), digits.test.len()), (1437, 360));
/// assert_eq!(digits.shape(), [1, 8, 8]);
/// assert_eq!(digits.classes(), 10);
/// ```
pub fn digits() -> Dataset {
    let (inputs, labels) = unpack();
    let split = |points: std::ops::Range<usize>| Split {
        inputs: inputs.iter().skip(points.start * PIXELS).take(points.len() * PIXELS).copied().collect(),
        exact: None,
        labels: labels.iter().skip(points.start).take(points.len()).copied().collect(),
        shape: vec![1, 8, 8],
        classes: 10,
        names: None,
    };
    Dataset { name: "digits".into(), train: split(0..TRAIN), test: split(TRAIN..labels.len()) }
}

/// All inputs and all labels, in the file's order.
fn unpack() -> (Vec<f32>, Vec<u32>) {
    let mut text = String::new();
    // Always `Ok`: the bytes are the very ones that the unit test unpacks.
    let _ = flate2::read::GzDecoder::new(&PACKED[..]).read_to_string(&mut text);
    let numbers: Vec<u8> = text.split([',', '\n']).filter_map(|number| number.parse().ok()).collect();
    let lines = numbers.chunks_exact(PIXELS + 1).filter_map(|line| line.split_last());
    lines.fold((Vec::new(), Vec::new()), |(mut inputs, mut labels), (&label, pixels)| {
        inputs.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 16.0));
        labels.push(u32::from(label));
        (inputs, labels)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`digits`] takes for granted: whole lines of small numbers, and splits that `Split::new` accepts.
    #[test]
    fn embedded_file_is_whole() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&PACKED[..]).read_to_string(&mut text)?;
        assert_eq!(text.lines().count(), 1_797);
        for line in text.lines() {
            let numbers: Vec<u8> = line.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?;
            let (label, pixels) = numbers.split_last().ok_or("a line without numbers")?;
            assert_eq!(pixels.len(), PIXELS);
            assert!(*label < 10 && pixels.iter().all(|&pixel| pixel <= 16));
        }
        let digits = digits();
        for split in [&digits.train, &digits.test] {
            let parts = (split.inputs.clone(), split.labels.clone());
            assert_eq!(*split, Split::new(parts.0, parts.1, vec![1, 8, 8], 10)?);
        }
        Ok(())
    }
}
