//! Frames as files of comma-separated values.

use std::path::Path;

use super::{AnyValue, DataFrame};
use crate::error::{Error, Result};

/// Writes a frame to a CSV file, whole or not at all: the names of its columns in the first line, then a line for each row. Numbers
/// have as many digits as it takes to read back the same ones; null is an empty field.
///
/// # Errors
/// [`Error::File`] where the file cannot be written.
///
/// ```
/// use sharp_minima::{Training, data, save_csv, zoo};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("trials.csv");
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let trials = Training::adam().batch(20).trials(2).epochs(2).quiet().run(&net, &data)?;
/// save_csv(&trials.frame()?, &path)?;
/// assert!(std::fs::read_to_string(&path)?.starts_with("net,data,regime,batch,"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_csv(frame: &DataFrame, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let failed = |error: csv::Error| Error::file(path, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(frame.columns().iter().map(|column| column.name().as_str())).map_err(failed)?;
    for row in 0..frame.height() {
        let fields = frame.columns().iter().map(|column| Ok(field(column.get(row)?)));
        writer.write_record(fields.collect::<Result<Vec<String>>>()?).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::file(path, error))?;
    crate::file::write_whole(path, &bytes)
}

fn field(value: AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => String::new(),
        AnyValue::String(text) => text.into(),
        // The shortest digits that read back: 1e-300 is not written with three hundred zeros.
        AnyValue::Float64(value) => format!("{value:?}"),
        AnyValue::Float32(value) => format!("{value:?}"),
        value => value.to_string(),
    }
}
