//! What was finished before an interrupt? An interrupt of a notebook ends its process, and every variable with it: so the
//! parts of long work can be kept in a folder as they are finished, and are found there when the cell is run again.
//!
//! A part's file is named by a fingerprint of all that decides the part's numbers (parameters, net, points, weights,
//! version of this crate), so that nothing is ever taken for what it is not. A file is whole or not there.

use std::fmt::{Debug, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::file::write_whole;

/// What decides a part's numbers, in 128 bits (XXH3).
#[derive(Clone)]
pub(crate) struct Fingerprint(Xxh3);

impl Fingerprint {
    /// Of this version's work of a kind.
    pub(crate) fn new(kind: &str) -> Self {
        Self(Xxh3::new()).and(&(kind, env!("CARGO_PKG_VERSION")))
    }

    /// With parameters; their `Debug` says all that they are.
    pub(crate) fn and(mut self, parameters: &impl Debug) -> Self {
        let text = format!("{parameters:?};");
        self.0.update(text.as_bytes());
        self
    }

    /// With numbers.
    pub(crate) fn numbers(mut self, numbers: &[f32]) -> Self {
        // In pieces, so that millions of numbers need no copy of their size.
        let mut bytes = Vec::with_capacity(4 * numbers.len().min(4_096));
        for piece in numbers.chunks(4_096) {
            bytes.clear();
            bytes.extend(piece.iter().flat_map(|number| number.to_le_bytes()));
            self.0.update(&bytes);
        }
        self.and(&numbers.len())
    }

    /// With the points of a split.
    pub(crate) fn split(self, split: &Split) -> Self {
        let mut own = self.and(&(split.shape(), split.classes(), split.labels())).numbers(split.inputs());
        for number in split.exact_inputs().unwrap_or_default() {
            own.0.update(&number.to_le_bytes());
        }
        own
    }

    fn text(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}

/// A folder of finished parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept(PathBuf);

impl Kept {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self(folder.into())
    }

    /// Where the part of this name and fingerprint lies.
    pub(crate) fn path(&self, name: &str, of: &Fingerprint, ending: &str) -> PathBuf {
        let mut file = String::from(name);
        let _ = write!(file, "-{}.{ending}", of.text());
        self.0.join(file)
    }

    /// The part, if it was finished before.
    ///
    /// # Errors
    /// [`Error::File`] where it is there and cannot be read, [`Error::Format`] where it is not what it should be.
    pub(crate) fn find<T: serde::de::DeserializeOwned>(&self, name: &str, of: &Fingerprint) -> Result<Option<T>> {
        let path = self.path(name, of, "json");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(path, error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            Error::format(path, place, format!("this is no kept part ({error}); remove it to have it done again"))
        })
    }

    /// Keeps a part.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub(crate) fn keep<T: serde::Serialize>(&self, name: &str, of: &Fingerprint, part: &T) -> Result<()> {
        let path = self.path(name, of, "json");
        let bytes = serde_json::to_vec_pretty(part).map_err(|error| Error::file(&path, error))?;
        write_whole(&path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_what_it_is_of_and_by_nothing_else() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let kept = Kept::in_folder(&folder.path().join("new"));
        let of = |kind: &str, seed: u64, numbers: &[f32]| Fingerprint::new(kind).and(&seed).numbers(numbers);
        let own = of("part", 1, &[1.0, 2.0]);
        assert_eq!(kept.find::<Vec<f64>>("part", &own)?, None);
        kept.keep("part", &own, &vec![0.1, 1e-300])?;
        assert_eq!(kept.find::<Vec<f64>>("part", &own)?, Some(vec![0.1, 1e-300]));
        for other in [of("other", 1, &[1.0, 2.0]), of("part", 2, &[1.0, 2.0]), of("part", 1, &[1.0, 2.5])] {
            assert_eq!(kept.find::<Vec<f64>>("part", &other)?, None);
        }
        std::fs::write(kept.path("part", &own, "json"), "[0.1, ")?;
        let error = kept.find::<Vec<f64>>("part", &own).expect_err("half of a part").to_string();
        assert!(error.contains("remove it to have it done again"), "{error}");
        Ok(())
    }
}
