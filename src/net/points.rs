//! Which points, in which precision, and where their inputs lie.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::WithDType;

use crate::data::Split;
use crate::wide::Lane;

/// f32 for work, f64 for checking.
pub(crate) trait Real: WithDType + Lane + Default + Into<f64> {
    /// The inputs of points as they lie in a split, where they lie one after another in this precision.
    fn borrowed<'a>(split: &'a Split, points: &Points<'_>) -> Option<&'a [Self]>;

    /// The inputs of one point.
    fn read(split: &Split, point: usize, output: &mut [Self]);
}

/// Where the inputs of a run of points lie.
fn lie(split: &Split, points: &Points<'_>) -> Option<Range<usize>> {
    let features = split.features();
    match points {
        Points::Range(range) => Some(range.start * features..range.end * features),
        Points::Listed(_) => None,
    }
}

impl Real for f32 {
    fn borrowed<'a>(split: &'a Split, points: &Points<'_>) -> Option<&'a [f32]> {
        lie(split, points).map(|range| &split.inputs()[range])
    }

    fn read(split: &Split, point: usize, output: &mut [f32]) {
        output.copy_from_slice(&split.inputs()[point * split.features()..][..output.len()]);
    }
}

impl Real for f64 {
    fn borrowed<'a>(split: &'a Split, points: &Points<'_>) -> Option<&'a [f64]> {
        lie(split, points).and_then(|range| split.exact_inputs().map(|exact| &exact[range]))
    }

    fn read(split: &Split, point: usize, output: &mut [f64]) {
        let begin = point * split.features();
        match split.exact_inputs() {
            Some(exact) => output.copy_from_slice(&exact[begin..][..output.len()]),
            None => output.iter_mut().zip(&split.inputs()[begin..]).for_each(|(place, &value)| *place = value.into()),
        }
    }
}

/// Which points of a split; each must be below its length.
#[derive(Debug, Clone)]
pub(crate) enum Points<'a> {
    /// These, in this order.
    Listed(&'a [usize]),
    /// A run.
    Range(Range<usize>),
}

impl Points<'_> {
    /// Their number.
    pub(crate) fn len(&self) -> usize {
        match self {
            Points::Listed(listed) => listed.len(),
            Points::Range(range) => range.len(),
        }
    }

    /// The number of the `place`-th in the split.
    pub(super) fn at(&self, place: usize) -> usize {
        match self {
            Points::Listed(listed) => listed[place],
            Points::Range(range) => range.start + place,
        }
    }
}

/// The labels of points.
pub(super) fn labels<'a>(split: &'a Split, points: &Points<'_>) -> Cow<'a, [u32]> {
    match points {
        Points::Range(range) => Cow::Borrowed(&split.labels()[range.clone()]),
        Points::Listed(listed) => Cow::Owned(listed.iter().map(|&point| split.labels()[point]).collect()),
    }
}
