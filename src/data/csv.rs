//! Points from a file of comma-separated values.

use std::io::{BufReader, Read};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Rows, Split};
use crate::error::{Error, Result};

impl Split {
    /// Points from a CSV file: its first line names the columns, each other line is a point. The column `label` is the point's
    /// class, whole numbers or text; all others are its numbers, in their order, as the shape `[columns − 1]`. Classes are the
    /// different labels in their order: by size where all are whole numbers, else by the alphabet.
    ///
    /// Memory: 4 bytes a number, and the labels' text.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read; [`Error::Format`], with line and column, for a line with more or fewer fields than
    /// the first, a field that is not a finite number, a label that is missing or of another kind than the first (a word among whole
    /// numbers, or the other way round), columns without a name or without that of the label, or no point; [`Error::Data`] where all
    /// labels are the same.
    ///
    /// ```
    /// use sharp_minima::Split;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("flowers.csv");
    /// std::fs::write(&path, "width,height,kind\n0.1,2.5,rose\n0.3,1.9,lily\n0.2,2.2,rose\n")?;
    /// let points = Split::from_csv(&path, "kind")?;
    /// assert_eq!((points.len(), points.shape(), points.classes()), (3, &[2][..], 2));
    /// assert_eq!(points.labels(), [1, 0, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_csv(path: impl AsRef<Path>, label: &str) -> Result<Self> {
        let path = path.as_ref();
        // A pipe cannot be read again to count its lines.
        if !std::fs::metadata(path).map_err(|error| Error::file(path, error))?.is_file() {
            return Err(Error::file(path, "it is no regular file"));
        }
        let format = |place: String, reason: String| Error::format(path, place, reason);
        let failed = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(error) => Error::file(path, error),
            csv::ErrorKind::Utf8 { pos, err } => {
                let line = line_at(path, pos.map_or(0, |pos| pos.byte()));
                format(format!("line {line}"), format!("must be UTF-8 text ({err})"))
            }
            other => Error::file(path, format!("{other:?}")),
        };
        // Lines of another length are ours to refuse: with their number and what is expected.
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_path(path).map_err(failed)?;
        let names = reader.headers().map_err(failed)?.clone();
        let columns = || names.iter().collect::<Vec<_>>().join(", ");
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            let reason = format!("must name the columns, but is '{}'", columns());
            return Err(format("line 1".into(), reason));
        }
        if let Some(place) = names.iter().position(str::is_empty) {
            // That is how a data frame's index is written, which is no feature.
            let reason = format!("must name every column, but column {} has no name", place + 1);
            return Err(format("line 1".into(), reason));
        }
        let found: Vec<usize> = (0..names.len()).filter(|&place| &names[place] == label).collect();
        let [target] = found[..] else {
            let reason = match found.len() {
                0 => format!("has no column '{label}', but {}", columns()),
                count => format!("names {count} columns '{label}'"),
            };
            return Err(format("line 1".into(), reason));
        };
        if names.len() < 2 {
            return Err(format("line 1".into(), "must have at least one column beside the label".into()));
        }
        let mut rows = Rows::default();
        let mut first = None;
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(failed)? {
            let byte = record.position().map_or(0, csv::Position::byte);
            let begin = *first.get_or_insert(byte);
            let line = || line_at(path, byte);
            if record.len() != names.len() {
                let reason = format!("must have {} fields, as line 1 has, but has {}", names.len(), record.len());
                return Err(format(format!("line {}", line()), reason));
            }
            for (place, (name, field)) in names.iter().zip(&record).enumerate() {
                let here = || format!("line {}, column '{name}'", line());
                if place == target {
                    if field.is_empty() {
                        return Err(format(here(), "must have a label, but is empty".into()));
                    }
                    let there = || format!("line {}", line_at(path, begin));
                    rows.take_label(field, &there).map_err(|reason| Error::format(path, here(), reason))?;
                    continue;
                }
                match field.parse::<f32>().ok().filter(|number| number.is_finite()) {
                    Some(number) => rows.inputs.push(number),
                    None if field.is_empty() => return Err(format(here(), "must be a number, but is empty".into())),
                    None => return Err(format(here(), format!("must be a finite number, but is '{field}'"))),
                }
            }
        }
        if rows.labels.is_empty() {
            return Err(format("line 2".into(), "must be a point, but the file ends before it".into()));
        }
        let columns: Vec<&str> = names.iter().filter(|name| *name != label).collect();
        rows.into_split(&columns)
    }
}

/// The line, from 1, of the record that is read from this byte on: blank lines before it, and the end of the line before, count.
fn line_at(path: &Path, byte: u64) -> usize {
    let Ok(file) = std::fs::File::open(path) else { return 1 };
    let (mut line, mut last) = (1, 0);
    for (at, next) in (0..).zip(BufReader::new(file).bytes()) {
        let Ok(next) = next else { break };
        if at >= byte && next != b'\r' && next != b'\n' {
            break;
        }
        // One by a carriage return alone, as old files have it, and one by both together.
        line += usize::from(next == b'\r' || (next == b'\n' && last != b'\r'));
        last = next;
    }
    line
}
