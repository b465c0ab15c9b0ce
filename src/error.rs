//! Every way in which a call can be refused.
//!
//! Variants are grouped by what the reader should change: a parameter, the shape of a net, a file, a set of data that
//! is not there. The text says what was given and what is allowed; a file's error says the path and the byte or record.
//! Not converging is not in this list, nor is a loss that is no longer finite: both are values ([`Stop`](crate::Stop)), so that
//! one trial never takes the others along.

use std::path::PathBuf;

/// The result of every call that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call was refused. Its `Debug` is its text: `?` in `main` prints that.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter outside of what is allowed.
    #[error("{name} must {allowed}, but is {given}")]
    Parameter {
        /// The parameter, as it is written in code.
        name: &'static str,
        /// What was given.
        given: String,
        /// What is allowed, as the end of the sentence "… must …".
        allowed: String,
    },
    /// Inputs, labels or points that cannot be a split of a data set.
    #[error("{0}")]
    Data(String),
    /// A net that cannot be built, or that does not fit the data or the weights it is used with.
    #[error("{0}")]
    Shape(String),
    /// A file that could not be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file that is not what it should be.
    #[error("{}: {place}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in it: "byte 16", "record 3", "entry 'utt1'".
        place: String,
        /// What is wrong there: what was found and what was expected.
        reason: String,
    },
    /// A data set that is not on this machine; says what to put where.
    #[error("{name} is not here: put {files} into {places}{hint}")]
    Missing {
        /// The data set.
        name: &'static str,
        /// The files that are missing.
        files: String,
        /// Where they belong.
        places: String,
        /// How it can be had, or nothing.
        hint: String,
    },
    /// A failure inside the tensor library; it is a defect of this crate unless memory ran out.
    #[error("tensor library: {0}")]
    Tensor(String),
    /// A failure inside the data frame or chart library; it is a defect of this crate.
    #[error("{library}: {reason}")]
    Output {
        /// The library.
        library: &'static str,
        /// What it said.
        reason: String,
    },
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Error {
    /// A parameter outside of what is allowed: "`name` must `allowed`, but is `given`".
    pub(crate) fn parameter(name: &'static str, given: impl ToString, allowed: impl Into<String>) -> Self {
        Error::Parameter { name, given: given.to_string(), allowed: allowed.into() }
    }

    /// A file that could not be read or written.
    pub(crate) fn file(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Error::File { path: path.into(), reason: reason.to_string() }
    }

    /// A file that is not what it should be, and where.
    pub(crate) fn format(path: impl Into<PathBuf>, place: impl Into<String>, reason: impl Into<String>) -> Self {
        Error::Format { path: path.into(), place: place.into(), reason: reason.into() }
    }

    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&format!("error: {self}"));
    }
}
