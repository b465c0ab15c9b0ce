//! Where was a trial on its way? Points after some of its epochs, which every measure takes.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::file::read_whole;
use crate::kept::{Fingerprint, Shelf, digest};
use crate::weights::{Layout, Weights};

/// x of a trial after an epoch: in memory, or in the folder where the work is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Iterate {
    /// Epochs done; 0 is the start.
    pub epoch: usize,
    place: Place,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    Memory(Weights),
    File { path: PathBuf, digest: String, layout: Layout },
}

/// After which epochs of a trial x is kept, and how.
pub(super) struct Keeping<'a> {
    pub(super) epochs: &'a [usize],
    pub(super) keep: &'a dyn Fn(usize, &Weights) -> Result<Iterate>,
}

/// The name of its file in a folder.
fn name(epoch: usize) -> String {
    format!("epoch{epoch}")
}

impl Iterate {
    /// The point x, with the running averages.
    ///
    /// # Errors
    /// [`Error::File`] where its file was removed, [`Error::Format`] where it was altered: the same training makes it again.
    pub fn weights(&self) -> Result<Weights> {
        match &self.place {
            Place::Memory(weights) => Ok(weights.clone()),
            Place::File { path, digest: expected, layout } => {
                let bytes = read_whole(path, u64::MAX)?;
                if digest(&bytes) != *expected {
                    let reason = "it is not as it was kept; the same training makes it again";
                    return Err(Error::format(path, "digest", reason));
                }
                Weights::from_bytes(layout, path, &bytes)
            }
        }
    }

    /// Keeps a point on the shelf; in memory where there is none, and where it cannot be written: then with the reason.
    pub(super) fn keep(
        shelf: Option<&Shelf>,
        of: &Fingerprint,
        epoch: usize,
        weights: &Weights,
    ) -> (Self, Option<Error>) {
        let in_memory = || Place::Memory(weights.clone());
        let (place, error) = match shelf.map(|shelf| (shelf, shelf.keep_weights(&name(epoch), of, weights))) {
            None => (in_memory(), None),
            Some((_, Err(error))) => (in_memory(), Some(error)),
            Some((shelf, Ok(digest))) => {
                let path = shelf.path(&name(epoch), of, "safetensors");
                (Place::File { path, digest, layout: weights.layout().clone() }, None)
            }
        };
        (Self { epoch, place }, error)
    }

    /// One that was kept on the shelf before, with its digest; its file is not read yet.
    pub(super) fn kept(shelf: &Shelf, of: &Fingerprint, epoch: usize, digest: &str, layout: &Layout) -> Self {
        let path = shelf.path(&name(epoch), of, "safetensors");
        Self { epoch, place: Place::File { path, digest: digest.into(), layout: layout.clone() } }
    }

    /// Its digest, where it is on a shelf.
    pub(super) fn on_shelf(&self) -> Option<&str> {
        match &self.place {
            Place::Memory(_) => None,
            Place::File { digest, .. } => Some(digest),
        }
    }

    /// Whether it is as it was kept.
    pub(super) fn is_whole(&self) -> bool {
        match &self.place {
            Place::Memory(_) => true,
            Place::File { path, digest: expected, .. } => {
                read_whole(path, u64::MAX).is_ok_and(|bytes| digest(&bytes) == *expected)
            }
        }
    }
}

crate::display::shown_as_text!(Iterate);
