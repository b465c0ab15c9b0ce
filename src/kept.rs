//! What was finished before? Parts of long work, in a folder, as they were finished.
//!
//! A part's file is named by a fingerprint of all that decides the part's numbers: recipe, net, points, weights, this format
//! and this crate's version. Its first line holds the format, the version and a digest (XXH3, 128 bits) of the rest; its
//! second says what was found. Weights lie beside it as safetensors, whose digests the part holds, or follow in the file itself,
//! where that is written over again and again. A flipped byte, an unknown
//! or missing key, a file that is missing beside it: the part then counts as not there, with a reason. A file is whole or not
//! there.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::data::Split;
use crate::error::{Error, Result};
use crate::file::{read_whole, write_whole};
use crate::weights::{Layout, Weights};

/// The version of the format that parts are written in, one more too where passes make other bits than before.
const FORMAT: u32 = 4;

/// What decides a part's numbers, in 128 bits (XXH3).
#[derive(Clone)]
pub(crate) struct Fingerprint(Xxh3);

impl Fingerprint {
    /// Of this version's work of a kind.
    pub(crate) fn new(kind: &str) -> Self {
        Self(Xxh3::new()).and(&(kind, FORMAT, env!("CARGO_PKG_VERSION")))
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

/// A digest of bytes, in 32 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

/// What a look into the folder found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found<T> {
    /// The part as it was kept.
    Whole(T),
    /// A part that is not to be trusted, and why.
    Wrong(String),
    /// No part.
    Nothing,
}

/// A folder of finished parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shelf(PathBuf);

impl Shelf {
    /// The folder is made where it is missing.
    ///
    /// # Errors
    /// [`Error::File`] where there can be no such folder.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
        Ok(Self(folder.into()))
    }

    /// An error where nothing can be written here.
    ///
    /// # Errors
    /// [`Error::File`] with what the system said.
    pub(crate) fn try_to_write(&self) -> Result<()> {
        // Of one name for all, so that what a killed process left of it goes with the next one.
        let path = self.0.join("tried");
        write_whole(&path, b"it can be written\n")?;
        std::fs::remove_file(&path).or_else(|error| match error.kind() {
            // Another thread or process tried at the same time.
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(Error::file(&path, error)),
        })
    }

    /// Where the part of this name and fingerprint lies.
    pub(crate) fn path(&self, name: &str, of: &Fingerprint, ending: &str) -> PathBuf {
        self.0.join(format!("{name}-{}.{ending}", of.text()))
    }

    /// The part, if it was finished before.
    ///
    /// # Errors
    /// [`Error::File`] where it is there and cannot be read.
    pub(crate) fn find<T: serde::de::DeserializeOwned>(&self, name: &str, of: &Fingerprint) -> Result<Found<T>> {
        let path = self.path(name, of, "json");
        Ok(match found(&path, name, of)? {
            Found::Whole(body) => match serde_json::from_slice(&body) {
                Ok(part) => Found::Whole(part),
                Err(error) => wrong(&path, &error),
            },
            Found::Wrong(reason) => Found::Wrong(reason),
            Found::Nothing => Found::Nothing,
        })
    }

    /// A part that is a line of JSON with points after it, all in one file, which is replaced whole: for a part that is written
    /// over again and again.
    ///
    /// # Errors
    /// [`Error::File`] where it is there and cannot be read.
    pub(crate) fn find_with_points<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        of: &Fingerprint,
        layout: &Layout,
    ) -> Result<Found<(T, Vec<Weights>)>> {
        let path = self.path(name, of, "part");
        let body = match found(&path, name, of)? {
            Found::Whole(body) => body,
            Found::Wrong(reason) => return Ok(Found::Wrong(reason)),
            Found::Nothing => return Ok(Found::Nothing),
        };
        let mut lines = body.splitn(2, |&byte| byte == b'\n');
        let (line, mut rest) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let (part, lengths): (T, Vec<usize>) = match serde_json::from_slice(line) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(wrong(&path, &error)),
        };
        let mut points = Vec::new();
        for length in lengths {
            let Some((own, behind)) = rest.split_at_checked(length) else {
                return Ok(wrong(&path, &"it ends too early"));
            };
            match Weights::from_bytes(layout, &path, own) {
                Ok(point) => points.push(point),
                Err(error) => return Ok(wrong(&path, &error)),
            }
            rest = behind;
        }
        Ok(Found::Whole((part, points)))
    }

    /// Keeps such a part.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub(crate) fn keep_with_points<T: serde::Serialize>(
        &self,
        name: &str,
        of: &Fingerprint,
        part: &T,
        points: &[&Weights],
    ) -> Result<()> {
        let path = self.path(name, of, "part");
        let points = points.iter().map(|point| point.to_bytes(&path)).collect::<Result<Vec<_>>>()?;
        let lengths: Vec<usize> = points.iter().map(Vec::len).collect();
        let mut body = serde_json::to_vec(&(part, lengths)).map_err(|error| Error::file(&path, error))?;
        body.push(b'\n');
        points.iter().for_each(|point| body.extend_from_slice(point));
        keep(&path, name, of, body)
    }

    /// Removes such a part, if it is there.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be removed.
    pub(crate) fn remove_with_points(&self, name: &str, of: &Fingerprint) -> Result<()> {
        let path = self.path(name, of, "part");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(&path, error)),
            _ => Ok(()),
        }
    }

    /// Keeps a part.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub(crate) fn keep<T: serde::Serialize>(&self, name: &str, of: &Fingerprint, part: &T) -> Result<()> {
        let path = self.path(name, of, "json");
        let mut body = serde_json::to_vec(part).map_err(|error| Error::file(&path, error))?;
        body.push(b'\n');
        keep(&path, name, of, body)
    }

    /// Weights that lie beside a part, if they are those of this digest; else why not.
    ///
    /// # Errors
    /// [`Error::File`] where they are there and cannot be read.
    pub(crate) fn weights(
        &self,
        name: &str,
        of: &Fingerprint,
        layout: &Layout,
        expected: &str,
    ) -> Result<std::result::Result<Weights, String>> {
        let path = self.path(name, of, "safetensors");
        let Some(bytes) = read(&path)? else { return Ok(Err(format!("{} is missing", path.display()))) };
        if digest(&bytes) != expected {
            return Ok(Err(format!("{} is not as it was kept (its digest is another one)", path.display())));
        }
        Ok(Weights::from_bytes(layout, &path, &bytes).map_err(|error| error.to_string()))
    }

    /// Keeps weights beside a part that is to be kept afterwards; their digest.
    ///
    /// # Errors
    /// [`Error::File`] where they cannot be written.
    pub(crate) fn keep_weights(&self, name: &str, of: &Fingerprint, weights: &Weights) -> Result<String> {
        let path = self.path(name, of, "safetensors");
        let bytes = weights.to_bytes(&path)?;
        write_whole(&path, &bytes)?;
        Ok(digest(&bytes))
    }
}

/// A file's bytes; nothing where there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match path.try_exists().map_err(|error| Error::file(path, error))? {
        true => read_whole(path, u64::MAX).map(Some),
        false => Ok(None),
    }
}

/// What follows a part's first line, if that agrees with it and with what the part is to be of.
fn found(path: &Path, name: &str, of: &Fingerprint) -> Result<Found<Vec<u8>>> {
    let Some(mut bytes) = read(path)? else { return Ok(Found::Nothing) };
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
        return Ok(wrong(path, &"it has no first line"));
    };
    if bytes[..end] != *head(name, of, &bytes[end + 1..]).as_bytes() {
        return Ok(wrong(path, &"its digest, format or version is another one, or it is another part"));
    }
    Ok(Found::Whole(bytes.split_off(end + 1)))
}

/// Writes a part's file: its first line, and what follows it.
fn keep(path: &Path, name: &str, of: &Fingerprint, mut body: Vec<u8>) -> Result<()> {
    let mut bytes = head(name, of, &body).into_bytes();
    bytes.push(b'\n');
    bytes.append(&mut body);
    write_whole(path, &bytes)
}

fn wrong<T>(path: &Path, reason: &dyn std::fmt::Display) -> Found<T> {
    Found::Wrong(format!("{} is not as it was kept ({reason})", path.display()))
}

/// The first line of a part with this rest. What it is of stands in it, too: a file may be copied over another's name.
fn head(name: &str, of: &Fingerprint, body: &[u8]) -> String {
    let (version, of, digest) = (env!("CARGO_PKG_VERSION"), of.text(), digest(body));
    format!(r#"{{"part":"{name}","of":"{of}","format":{FORMAT},"version":"{version}","digest":"{digest}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Done = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_part_is_found_by_what_it_is_of_and_by_nothing_else() -> Done {
        let folder = tempfile::tempdir()?;
        let shelf = Shelf::in_folder(&folder.path().join("new"))?;
        let of = |kind: &str, seed: u64, numbers: &[f32]| Fingerprint::new(kind).and(&seed).numbers(numbers);
        let own = of("part", 1, &[1.0, 2.0]);
        assert_eq!(shelf.find::<Vec<f64>>("part", &own)?, Found::Nothing);
        shelf.keep("part", &own, &vec![0.1, 1e-300])?;
        assert_eq!(shelf.find("part", &own)?, Found::Whole(vec![0.1, 1e-300]));
        for other in [of("other", 1, &[1.0, 2.0]), of("part", 2, &[1.0, 2.0]), of("part", 1, &[1.0, 2.5])] {
            assert_eq!(shelf.find::<Vec<f64>>("part", &other)?, Found::Nothing);
        }
        Ok(())
    }

    /// Each byte of a part in turn, each of its bits, and each length: nothing is read as right.
    #[test]
    fn a_flipped_bit_is_noticed() -> Done {
        let folder = tempfile::tempdir()?;
        let shelf = Shelf::in_folder(folder.path())?;
        let of = Fingerprint::new("part");
        shelf.keep("part", &of, &vec![Some(0.125), None])?;
        let path = shelf.path("part", &of, "json");
        let whole = std::fs::read(&path)?;
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[place] ^= 1 << bit;
                std::fs::write(&path, &flipped)?;
                let found = shelf.find::<Vec<Option<f64>>>("part", &of)?;
                assert!(
                    matches!(&found, Found::Wrong(why) if why.contains("not as it was kept")),
                    "{place}: {found:?}"
                );
            }
            std::fs::write(&path, &whole[..place])?;
            assert!(matches!(shelf.find::<Vec<Option<f64>>>("part", &of)?, Found::Wrong(_)));
        }
        Ok(())
    }
}
