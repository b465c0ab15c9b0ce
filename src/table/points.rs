//! A reader's own points, from a data frame.

use polars::prelude::{AnyValue, DataFrame, DataType};

use crate::data::{Rows, Split};
use crate::error::{Error, Result};

impl Split {
    /// Points from a data frame, one point per row. The column `label` is the point's class, whole numbers or text; all others are its
    /// numbers, in their order, as the shape `[columns − 1]`. Classes are the different labels in their order: by size where all are
    /// whole numbers, else by the alphabet.
    ///
    /// # Errors
    /// [`Error::Data`], with row (from 0) and column, where there is no such column, where a number is missing, not finite or no
    /// number at all, where a label is missing, no whole number and no text, or of another kind than the first (a word among whole
    /// numbers, or the other way round), and where all labels are the same.
    ///
    /// ```
    /// use sharp_minima::polars::prelude::*;
    /// use sharp_minima::Split;
    /// let frame = df!("width" => [0.1, 0.3, 0.2], "height" => [2, 1, 2], "kind" => ["rose", "lily", "rose"])?;
    /// let points = Split::from_frame(&frame, "kind")?;
    /// assert_eq!((points.labels(), points.shape()), (&[1, 0, 1][..], &[2][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_frame(frame: &DataFrame, label: &str) -> Result<Self> {
        let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
        if !names.contains(&label) {
            return Err(Error::Data(format!("the frame has no column '{label}', but {}", names.join(", "))));
        }
        let mut rows = Rows::default();
        let target = frame.column(label)?;
        for row in 0..frame.height() {
            let own = match target.get(row)? {
                AnyValue::String(text) if !text.is_empty() => text.into(),
                AnyValue::StringOwned(text) if !text.is_empty() => text.to_string(),
                AnyValue::Boolean(value) => value.to_string(),
                value if value.is_integer() => value.to_string(),
                value => {
                    let reason = format!("row {row}, column '{label}': must be a whole number or text, but is {value}");
                    return Err(Error::Data(reason));
                }
            };
            let refused = |reason| Error::Data(format!("row {row}, column '{label}': {reason}"));
            rows.take_label(&own, &|| "row 0".into()).map_err(refused)?;
        }
        let others: Vec<&str> = names.into_iter().filter(|name| *name != label).collect();
        if others.is_empty() || rows.labels.is_empty() {
            let size = format!("{} rows and {} columns beside the label", rows.labels.len(), others.len());
            return Err(Error::Data(format!("a frame of points must have at least one of each, but has {size}")));
        }
        let mut columns = Vec::with_capacity(others.len());
        for name in &others {
            let column = frame.column(name)?;
            if !(column.dtype().is_primitive_numeric() || *column.dtype() == DataType::Boolean) {
                let reason = format!("column '{name}': must be numbers, but is {}", column.dtype());
                return Err(Error::Data(reason));
            }
            columns.push(column.cast(&DataType::Float32)?);
        }
        for row in 0..frame.height() {
            for (name, column) in others.iter().zip(&columns) {
                match column.f32()?.get(row).filter(|number| number.is_finite()) {
                    Some(number) => rows.inputs.push(number),
                    None => {
                        let given = frame.column(name)?.get(row)?;
                        let reason = format!("row {row}, column '{name}': must be a finite number, but is {given}");
                        return Err(Error::Data(reason));
                    }
                }
            }
        }
        rows.into_split(&others)
    }
}
