//! On the reader's own data? A table with one point per row becomes a split, and a split a data set.

use std::collections::{HashMap, HashSet};

use super::{Dataset, Names, Split};
use crate::error::{Error, Result};
use crate::seed::{Seed, Stream, shuffle};

/// Rows of a table: numbers, and each row's label as text.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) inputs: Vec<f32>,
    pub(crate) labels: Vec<String>,
    /// Whether the first label is a whole number.
    is_whole: Option<bool>,
}

impl Rows {
    /// Takes a label, or says why not: a word among whole numbers, or the other way round, would be a class of its own that nobody
    /// meant ("NA", say). `first` says where the first one stands.
    pub(crate) fn take_label(&mut self, label: &str, first: &dyn Fn() -> String) -> std::result::Result<(), String> {
        let is_whole = label.parse::<i128>().is_ok();
        let was_whole = *self.is_whole.get_or_insert(is_whole);
        if is_whole != was_whole {
            let kind = if was_whole { "a whole number" } else { "text" };
            return Err(format!("must be {kind}, as '{}' in {}, but is '{label}'", self.labels[0], first()));
        }
        self.labels.push(label.into());
        Ok(())
    }

    /// Points with a number for each column. Classes are the different labels in their order: by size where all are whole numbers, else by
    /// the alphabet.
    pub(crate) fn into_split(self, columns: &[&str]) -> Result<Split> {
        // By their numbers where all are whole ones: "1", "01" and "+1" are one class.
        let numbers: Option<Vec<i128>> = self.labels.iter().map(|label| label.parse().ok()).collect();
        let (labels, classes) = match numbers {
            Some(numbers) => places(&numbers),
            None => places(&self.labels),
        };
        if classes.len() == 1 {
            return Err(Error::Data(format!("labels must differ, but every point has '{}'", self.labels[0])));
        }
        let split = Split::new(self.inputs, labels, vec![columns.len()], classes.len())?;
        let columns = columns.iter().map(|&column| column.into()).collect();
        Ok(Split { names: Some(Names { columns, classes }), ..split })
    }
}

/// The place of each label among the different ones in their order, and what these are.
fn places<T: Ord + ToString>(labels: &[T]) -> (Vec<u32>, Vec<String>) {
    let mut different: Vec<&T> = labels.iter().collect();
    different.sort();
    different.dedup();
    let place = |label: &T| different.partition_point(|other| *other < label) as u32;
    (labels.iter().map(place).collect(), different.iter().map(|label| label.to_string()).collect())
}

impl Split {
    /// The same points with the classes of another split, by their names, where both have names: the test split's file may lack a
    /// class, and then counts the others differently.
    pub(super) fn with_names_of(self, train: &Split, name: &str) -> Result<Self> {
        let (Some(own), Some(names)) = (&self.names, &train.names) else { return Ok(self) };
        if own.columns != names.columns {
            return Err(Error::Data(format!(
                "the splits of a data set must have the same columns in the same order, but {name} has {} for training, {} for testing",
                names.columns.join(", "),
                own.columns.join(", ")
            )));
        }
        let known: HashMap<&String, u32> = names.classes.iter().zip(0..).collect();
        let used: HashSet<u32> = self.labels.iter().copied().collect();
        let mut places = Vec::with_capacity(own.classes.len());
        for (own, class) in (0..).zip(&own.classes) {
            match known.get(class) {
                Some(&place) => places.push(place),
                // A split of few points need not have every class that its table has.
                None if !used.contains(&own) => places.push(0),
                None => {
                    return Err(Error::Data(format!(
                        "labels of the test split must be classes of the training split, which for {name} are {}, but one is '{class}'",
                        names.classes.join(", ")
                    )));
                }
            }
        }
        let labels = self.labels.iter().map(|&label| places[label as usize]).collect();
        Ok(Self { labels, classes: train.classes, names: train.names.clone(), ..self })
    }
}

impl Dataset {
    /// A data set from points that are not divided yet: this share of them, in 0..1, chosen by the seed, is the test split. The
    /// classes are not balanced: a rare one may have no point in one of the splits.
    ///
    /// # Errors
    /// [`Error::Parameter`] where the share leaves one of the splits without a point.
    ///
    /// ```
    /// use sharp_minima::{Dataset, Seed, data};
    /// let digits = data::digits().train;
    /// let data = Dataset::divided("my digits", &digits, 0.2, Seed(0))?;
    /// assert_eq!((data.train.len(), data.test.len()), (1_150, 287));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn divided(name: &str, points: &Split, test: f64, seed: Seed) -> Result<Self> {
        let count = (test * points.len() as f64).round();
        if !(count >= 1.0 && count < points.len() as f64) {
            let allowed = format!("lie in 0..1 and leave a point of {} for each split", points.len());
            return Err(Error::parameter("share of test points", test, allowed));
        }
        let mut order: Vec<usize> = (0..points.len()).collect();
        shuffle(&mut order, &mut seed.stream(Stream::Division, 0));
        let (tested, trained) = order.split_at(count as usize);
        Self::new(name, points.select(trained)?, points.select(tested)?)
    }

    /// The same set with each number of a point shifted and scaled so that over the training split its mean is 0 and its standard
    /// deviation 1; the test split is moved by the training split's numbers. One that never varies becomes 0. Inputs that were
    /// given in f64 are rounded.
    ///
    /// ```
    /// let data = sharp_minima::data::digits().standardized();
    /// assert!(data.train.mean().abs() < 1e-6);
    /// ```
    pub fn standardized(&self) -> Self {
        let (points, features) = (self.train.len() as f64, self.train.features());
        let sums = |of: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; features];
            for point in self.train.inputs().chunks(features) {
                for (place, (sum, &value)) in sums.iter_mut().zip(point).enumerate() {
                    *sum += of(place, value.into());
                }
            }
            sums.into_iter().map(|sum| sum / points).collect::<Vec<f64>>()
        };
        let means = sums(&|_, value| value);
        let scales: Vec<f64> =
            sums(&|place, value| (value - means[place]).powi(2)).into_iter().map(f64::sqrt).collect();
        let moved = |split: &Split| {
            let mut inputs = split.inputs().to_vec();
            for point in inputs.chunks_mut(features) {
                for (value, (mean, scale)) in point.iter_mut().zip(means.iter().zip(&scales)) {
                    let away = f64::from(*value) - mean;
                    // A feature of the test split may vary where that of the training split does not: nothing was learned of it.
                    *value = if *scale > 0.0 { ((away / scale) as f32).clamp(f32::MIN, f32::MAX) } else { 0.0 };
                }
            }
            Split { inputs, exact: None, ..split.clone() }
        };
        Self { name: self.name.clone(), train: moved(&self.train), test: moved(&self.test) }
    }
}
