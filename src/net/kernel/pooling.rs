//! The largest of each window of a channel, windows overlapping or not, and the backward pass to it. Images have their channels
//! last, so that one comparison serves as many channels as a register holds.

use rayon::prelude::*;

use super::super::points::Real;
use super::blocks::{LINE, read, write};
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
    /// For shapes [channels, height, width] before and after.
    pub(super) fn new(before: &[usize], behind: &[usize], window: usize, stride: usize, padding: usize) -> Self {
        let sides = |shape: &[usize]| [shape[1], shape[2]];
        Self { channels: before[0], before: sides(before), behind: sides(behind), window, stride, padding }
    }

    /// Numbers of a point before.
    pub(super) fn input(&self) -> usize {
        self.channels * self.before[0] * self.before[1]
    }

    /// Numbers of a point after it.
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
    pub(super) fn forward<T: Real>(&self, input: &[T], output: &mut [T], choices: Option<&mut [u16]>) {
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
    pub(super) fn image<T: Real>(&self, input: &[T], output: &mut [T], mut choices: Option<&mut [u16]>) {
        let ([height, width], channels) = (self.before, self.channels);
        // Where the pixels of a window begin, and their places in it.
        let mut covered: Vec<(usize, u32)> = Vec::with_capacity(self.window * self.window);
        for (pixel, output) in output.chunks_exact_mut(channels).enumerate() {
            covered.clear();
            for (row, u) in self.inside(pixel / self.behind[1], height) {
                for (column, v) in self.inside(pixel % self.behind[1], width) {
                    covered.push(((row * width + column) * channels, (u * self.window + v) as u32));
                }
            }
            let Some((&(first, place), others)) = covered.split_first() else { continue };
            for channel in (0..channels).step_by(LINE) {
                let (mut most, mut chosen) = (read(&input[first..][..channels], channel), [place; LINE]);
                for &(at, place) in others {
                    let values = read(&input[at..][..channels], channel);
                    for lane in 0..LINE {
                        let takes = takes(values[lane], most[lane]);
                        most[lane] = if takes { values[lane] } else { most[lane] };
                        chosen[lane] = if takes { place } else { chosen[lane] };
                    }
                }
                write(&most, output, channel);
                if let Some(choices) = &mut choices {
                    write(&chosen.map(|place| place as u16), &mut choices[pixel * channels..][..channels], channel);
                }
            }
        }
    }

    /// The numbers at the places that were chosen, which are the tangents of the largest.
    pub(super) fn pick<T: Real>(&self, tangent: &[T], choices: &[u16], output: &mut [T]) {
        let images = output.par_chunks_mut(self.output()).zip(tangent.par_chunks(self.input()));
        images.zip(choices.par_chunks(self.output())).for_each(|((output, tangent), choices)| {
            wide(
                #[inline(always)]
                || self.pick_image(tangent, choices, output),
            )
        });
    }

    #[inline(always)]
    pub(super) fn pick_image<T: Real>(&self, tangent: &[T], choices: &[u16], output: &mut [T]) {
        let ([height, width], channels) = (self.before, self.channels);
        // Where the pixels of a window begin, and their places in it.
        let mut covered: Vec<(usize, u32)> = Vec::with_capacity(self.window * self.window);
        for (pixel, output) in output.chunks_exact_mut(channels).enumerate() {
            covered.clear();
            for (row, u) in self.inside(pixel / self.behind[1], height) {
                for (column, v) in self.inside(pixel % self.behind[1], width) {
                    covered.push(((row * width + column) * channels, (u * self.window + v) as u32));
                }
            }
            for channel in (0..channels).step_by(LINE) {
                let chosen = read(&choices[pixel * channels..][..channels], channel);
                let mut picked = [T::zero(); LINE];
                for &(at, place) in &covered {
                    let values = read(&tangent[at..][..channels], channel);
                    for lane in 0..LINE {
                        picked[lane] = if u32::from(chosen[lane]) == place { values[lane] } else { picked[lane] };
                    }
                }
                write(&picked, output, channel);
            }
        }
    }

    /// The gradient goes to the largest of each window.
    pub(super) fn backward<T: Real>(&self, gradient: &[T], choices: &[u16], of_input: &mut [T]) {
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
        // Where the windows that cover a pixel begin, and its place in them.
        let mut covering: Vec<(usize, u32)> = Vec::with_capacity(self.window * self.window);
        for (pixel, of_input) in of_input.chunks_exact_mut(channels).enumerate() {
            covering.clear();
            for (row, u) in self.covering(pixel / width, self.behind[0]) {
                for (column, v) in self.covering(pixel % width, self.behind[1]) {
                    covering.push(((row * self.behind[1] + column) * channels, (u * self.window + v) as u32));
                }
            }
            for channel in (0..channels).step_by(LINE) {
                let mut sums = [T::zero(); LINE];
                for &(at, place) in &covering {
                    let values = read(&gradient[at..][..channels], channel);
                    let chosen = read(&choices[at..][..channels], channel);
                    for lane in 0..LINE {
                        sums[lane] += if u32::from(chosen[lane]) == place { values[lane] } else { T::zero() };
                    }
                }
                write(&sums, of_input, channel);
            }
        }
    }
}

/// Whether a later value of a window replaces the largest before it; NaN does.
#[inline(always)]
#[allow(clippy::eq_op)] // NaN is not equal to itself
fn takes<T: Real>(value: T, most: T) -> bool {
    (value > most) | (value != value)
}
