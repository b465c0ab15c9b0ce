//! The largest of each window of a channel, windows overlapping or not, and the way back to it. Images have their channels
//! last, so that one comparison serves as many channels as a register holds.

use rayon::prelude::*;

use super::super::points::Real;
use crate::wide::wide;

/// Max pooling of images of this size.
pub(super) struct Pooling {
    channels: usize,
    before: [usize; 2],
    behind: [usize; 2],
    window: usize,
    stride: usize,
    padding: usize,
}

impl Pooling {
    /// For shapes [channels, height, width] before and behind.
    pub(super) fn new(before: &[usize], behind: &[usize], window: usize, stride: usize, padding: usize) -> Self {
        let sides = |shape: &[usize]| [shape[1], shape[2]];
        Self { channels: before[0], before: sides(before), behind: sides(behind), window, stride, padding }
    }

    /// Numbers of a point before.
    pub(super) fn input(&self) -> usize {
        self.channels * self.before[0] * self.before[1]
    }

    /// Numbers of a point behind.
    pub(super) fn output(&self) -> usize {
        self.channels * self.behind[0] * self.behind[1]
    }

    /// Of a window, the rows (or columns) that lie in the image: their places in the image and in the window.
    fn inside(&self, window: usize, side: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        let padding = self.padding;
        let begin = window * self.stride;
        (0..self.window)
            .filter(move |place| (padding..side + padding).contains(&(begin + place)))
            .map(move |place| (begin + place - padding, place))
    }

    /// The windows that cover a row (or column) of the image, and its place in each.
    fn covering(&self, place: usize, windows: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        let (at, size, stride) = (place + self.padding, self.window, self.stride);
        let first = (at + 1).saturating_sub(size).div_ceil(stride);
        (first..windows.min(at / stride + 1)).map(move |window| (window, at - window * stride))
    }

    /// Choices are the places of the largest in their windows, in reading order; the first of equal ones.
    pub(super) fn forth<T: Real>(&self, input: &[T], output: &mut [T], choices: Option<&mut [u16]>) {
        let images = output.par_chunks_mut(self.output()).zip(input.par_chunks(self.input()));
        match choices {
            Some(choices) => {
                images.zip(choices.par_chunks_mut(self.output())).for_each(|((output, input), choices)| {
                    wide(
                        #[inline(always)]
                        || self.image(input, output, Some(choices)),
                    )
                })
            }
            None => images.for_each(|(output, input)| {
                wide(
                    #[inline(always)]
                    || self.image(input, output, None),
                )
            }),
        }
    }

    #[inline(always)]
    fn image<T: Real>(&self, input: &[T], output: &mut [T], mut choices: Option<&mut [u16]>) {
        let ([height, width], channels) = (self.before, self.channels);
        for (pixel, output) in output.chunks_exact_mut(channels).enumerate() {
            let columns = self.inside(pixel % self.behind[1], width);
            let rows = self.inside(pixel / self.behind[1], height);
            let covered =
                rows.flat_map(|(row, u)| columns.clone().map(move |(column, v)| (row * width + column, u, v)));
            let mut chosen = choices.as_deref_mut().map(|choices| &mut choices[pixel * channels..][..channels]);
            let mut fresh = true;
            for (at, u, v) in covered {
                let values = &input[at * channels..][..channels];
                let place = (u * self.window + v) as u16;
                match &mut chosen {
                    _ if fresh => {
                        output.copy_from_slice(values);
                        chosen.iter_mut().for_each(|chosen| chosen.fill(place));
                        fresh = false;
                    }
                    Some(chosen) => {
                        for ((most, chosen), &value) in output.iter_mut().zip(chosen.iter_mut()).zip(values) {
                            let takes = takes(value, *most);
                            *most = if takes { value } else { *most };
                            *chosen = if takes { place } else { *chosen };
                        }
                    }
                    None => {
                        for (most, &value) in output.iter_mut().zip(values) {
                            *most = if takes(value, *most) { value } else { *most };
                        }
                    }
                }
            }
        }
    }

    /// The gradient goes to the largest of each window.
    pub(super) fn back<T: Real>(&self, gradient: &[T], choices: &[u16], of_input: &mut [T]) {
        let images = of_input.par_chunks_mut(self.input()).zip(gradient.par_chunks(self.output()));
        let images = images.zip(choices.par_chunks(self.output()));
        images.for_each(|((of_input, gradient), choices)| {
            wide(
                #[inline(always)]
                || self.image_back(gradient, choices, of_input),
            )
        });
    }

    #[inline(always)]
    fn image_back<T: Real>(&self, gradient: &[T], choices: &[u16], of_input: &mut [T]) {
        let ([_, width], channels) = (self.before, self.channels);
        for (pixel, of_input) in of_input.chunks_exact_mut(channels).enumerate() {
            of_input.fill(T::zero());
            let columns = self.covering(pixel % width, self.behind[1]);
            for (row, u) in self.covering(pixel / width, self.behind[0]) {
                for (column, v) in columns.clone() {
                    let at = (row * self.behind[1] + column) * channels;
                    let place = (u * self.window + v) as u16;
                    let numbers = of_input.iter_mut().zip(&gradient[at..][..channels]);
                    for ((sum, &g), &choice) in numbers.zip(&choices[at..][..channels]) {
                        *sum += if choice == place { g } else { T::zero() };
                    }
                }
            }
        }
    }
}

/// Whether a later number of a window is taken instead of the largest before it; what is not a number is.
#[inline(always)]
fn takes<T: Real>(value: T, most: T) -> bool {
    value > most || value.partial_cmp(&value).is_none()
}
