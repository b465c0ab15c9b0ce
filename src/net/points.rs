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

    /// The inputs of points, one after another.
    fn gathered(split: &Split, points: &Points<'_>) -> Vec<Self> {
        let features = split.features();
        let mut inputs = vec![Self::zero(); points.len() * features];
        let places = inputs.chunks_exact_mut(features).enumerate();
        places.for_each(|(place, input)| Self::read(split, points.at(place), input));
        inputs
    }

    /// A split of these points with other inputs, `points × shape`.
    fn replaced(split: &Split, points: &Points<'_>, inputs: Vec<Self>) -> Split;

    /// `√self`.
    fn root(self) -> Self;
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

    fn replaced(split: &Split, points: &Points<'_>, inputs: Vec<f32>) -> Split {
        split.replaced(inputs, None, labels(split, points).into_owned())
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
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

    fn replaced(split: &Split, points: &Points<'_>, inputs: Vec<f64>) -> Split {
        let rounded = inputs.iter().map(|&value| value as f32).collect();
        split.replaced(rounded, Some(inputs), labels(split, points).into_owned())
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
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

impl<'a> Points<'a> {
    /// Those at these places.
    pub(crate) fn part(&self, places: Range<usize>) -> Points<'a> {
        match self {
            Points::Listed(listed) => Points::Listed(&listed[places]),
            Points::Range(range) => Points::Range(range.start + places.start..range.start + places.end),
        }
    }

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
