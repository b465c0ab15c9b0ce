//! Convolution of images that have their channels last, for any window, stride and padding:
//! `y[i, j, f] = b[f] + Σ W[f, c, u, v] · x[s i + u − p, s j + v − p, c]`.
//!
//! With a frame of p zeros around each image, a window is a row of a left factor that is never written down: its number
//! (u, v, c) lies at a fixed distance from its first. So `y` is one product; `∂W` is the product of the same factor, the
//! other way round, with g; and `∂x` is a convolution of stride 1 of g, spread s apart in zeros, with the window turned
//! by half a circle.
//!
//! Where the stride is 1, windows are of 3×3 or 5×5 and channels are many, [`filtering`](super::filtering) does the same with
//! fewer multiplications.

use rayon::prelude::*;

use super::super::points::Real;
use super::along::{Along, Bending, Moving};
use super::blocks::{add_to, sum_columns};
use super::buffers::{Buffer, Buffers};
use super::filtering::{Filtering, Windows};
use super::product::{Indexed, Left, Panels, Start, TASK, multiply, room, side, sum_outer};
use crate::error::Result;

/// Most numbers in the partial sums of ∂W, and most of these sums.
const PARTIAL: usize = 1 << 22;
const PARTS: usize = 16;

/// A convolution; its W, (filters, channels, window, window), begins at `at` in x, and b follows it.
pub(super) struct Convolution {
    channels: usize,
    /// Rows and columns before and after.
    before: [usize; 2],
    behind: [usize; 2],
    filters: usize,
    window: usize,
    stride: usize,
    padding: usize,
    at: usize,
    /// By which it is computed forward, and back to its input, where it is not as a plain product.
    filtering: [Option<Filtering>; 2],
}

impl Convolution {
    /// For shapes [channels, height, width] before and after.
    pub(super) fn new(
        before: &[usize],
        behind: &[usize],
        filters: usize,
        window: usize,
        stride: usize,
        padding: usize,
        at: usize,
    ) -> Self {
        Self {
            channels: before[0],
            before: [before[1], before[2]],
            behind: [behind[1], behind[2]],
            filters,
            window,
            stride,
            padding,
            at,
            filtering: Self::filtering(before, behind, filters, window, stride, padding),
        }
    }

    /// With fewer multiplications, where that is possible and worth while: forward, and back to the input.
    fn filtering(
        before: &[usize],
        behind: &[usize],
        filters: usize,
        window: usize,
        stride: usize,
        padding: usize,
    ) -> [Option<Filtering>; 2] {
        if stride != 1 {
            return [None, None];
        }
        let (channels, before, behind) = (before[0], [before[1], before[2]], [behind[1], behind[2]]);
        let back = (window - 1).checked_sub(padding);
        [
            Filtering::new(window, padding, [channels, filters], before, behind),
            back.and_then(|padding| Filtering::new(window, padding, [filters, channels], behind, before)),
        ]
    }

    /// Numbers of a point before.
    pub(super) fn input(&self) -> usize {
        self.channels * self.before[0] * self.before[1]
    }

    /// Numbers of W that belong to one filter.
    fn taps(&self) -> usize {
        self.channels * self.window * self.window
    }

    fn weights(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.filters * self.taps()
    }

    fn bias(&self) -> std::ops::Range<usize> {
        self.weights().end..self.weights().end + self.filters
    }

    /// Rows and columns with the frame.
    fn framed(&self) -> [usize; 2] {
        self.before.map(|side| side + 2 * self.padding)
    }

    /// First numbers of all windows in as many framed images as make a task, and the numbers of so many images.
    fn windows(&self) -> (Vec<usize>, usize) {
        let [height, width] = self.framed();
        places(self.behind, [height, width], self.stride, self.channels)
    }

    /// Where the numbers (u, v, c) of a window lie after its first.
    fn within(&self) -> Vec<usize> {
        within(self.window, self.framed()[1], self.channels)
    }

    /// Where the numbers (u, v, c) of a filter lie in W.
    fn in_weights(&self) -> Vec<usize> {
        let square = self.window * self.window;
        (0..square).flat_map(|place| (0..self.channels).map(move |channel| channel * square + place)).collect()
    }

    /// `input` is (points, rows, columns, channels), `output` (points, rows after, columns after, filters). Returns the
    /// input in its frame, if it needs one.
    pub(super) fn forward<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<Option<Buffer<T>>> {
        let framed = self.frame(input, buffers);
        let numbers = framed.as_deref().unwrap_or(input);
        self.times(x, numbers, Start::From(&x[self.bias()]), output, buffers)?;
        Ok(framed)
    }

    /// The input in its frame, if it needs one.
    pub(super) fn frame<T: Real>(&self, input: &[T], buffers: &mut Buffers<T>) -> Option<Buffer<T>> {
        let points = input.len() / self.input();
        (self.padding > 0 && self.filtering[0].is_none()).then(|| {
            let [height, width] = self.framed();
            let mut framed = buffers.take(points * height * width * self.channels);
            let offset = [self.padding as isize; 2];
            spread(input, self.before, &mut framed, [height, width], self.channels, 1, offset);
            framed
        })
    }

    /// `output ← start + Σ W input`, W in x; `input` has its frame, if it needs one.
    fn times<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        start: Start<'_, T>,
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        if let [Some(filtering), _] = &self.filtering {
            let square = self.window * self.window;
            let numbers = &x[self.weights()];
            let windows = Windows { numbers, filter: self.taps(), channel: square, turned: false };
            return filtered(filtering, windows, start, input, output, buffers);
        }
        let (rows, group) = self.windows();
        let (within, taps) = (self.within(), self.in_weights());
        let filters: Vec<usize> = (0..self.filters).map(|filter| filter * self.taps()).collect();
        let mut space = buffers.take(room::<T>(self.taps(), self.filters));
        let right = Panels::new(Indexed { numbers: &x[self.weights()], first: &taps, second: &filters }, &mut space)?;
        let left = Left { at: Indexed { numbers: input, first: &rows, second: &within }, group };
        multiply(&left, &right, start, output)?;
        buffers.give(space);
        Ok(())
    }

    /// ∂W and ∂b, into their places of the whole gradient; `input` is as [`forward`](Self::forward) left it, with a frame or
    /// without.
    pub(super) fn backward<T: Real>(
        &self,
        input: &[T],
        gradient: &[T],
        total: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        self.outer(&[(input, gradient)], total, buffers)?;
        sum_columns(gradient, &mut total[self.bias()]);
        Ok(())
    }

    /// ∂W of so many inputs with their gradients, added, into its place of the whole gradient.
    fn outer<T: Real>(&self, factors: &[(&[T], &[T])], total: &mut [T], buffers: &mut Buffers<T>) -> Result<()> {
        if let [Some(filtering), _] = &self.filtering {
            for (place, (input, gradient)) in factors.iter().enumerate() {
                let output = &mut total[self.weights()];
                if place == 0 {
                    filtering.backward(input, gradient, output, buffers)?;
                    continue;
                }
                let mut more = buffers.take(output.len());
                filtering.backward(input, gradient, &mut more, buffers)?;
                add_to(output, &more);
                buffers.give(more);
            }
            return Ok(());
        }
        let (windows, group) = self.windows();
        let within = self.within();
        let size = self.taps() * self.filters;
        // Fixed by shapes alone, since each partial sum is rounded.
        let gradients = factors.first().map_or(0, |(_, gradient)| gradient.len());
        let groups = (gradients / self.filters).div_ceil(windows.len());
        let parts = (PARTIAL / size).clamp(1, PARTS).min(groups);
        let (mut partial, side) = (buffers.take(parts * size), side());
        for (place, (input, gradient)) in factors.iter().enumerate() {
            let left = Left { at: Indexed { numbers: input, first: &within, second: &windows }, group };
            sum_outer(&left, (gradient, self.filters), parts, place > 0, side, &mut partial)?;
        }
        let taps = self.in_weights();
        /// Filters that are gathered at once: those of a cache line.
        const LINE: usize = 16;
        let (partial_sums, filters) = (&partial[..], self.filters);
        total[self.weights()].par_chunks_mut(self.taps() * LINE).enumerate().for_each(|(line, output)| {
            for (row, &tap) in taps.iter().enumerate() {
                for (place, output) in output.chunks_exact_mut(taps.len()).enumerate() {
                    let at = row * filters + line * LINE + place;
                    let sum: f64 = (0..parts).map(|part| Into::<f64>::into(partial_sums[part * size + at])).sum();
                    output[tap] = T::from_f64(sum);
                }
            }
        });
        buffers.give(partial);
        Ok(())
    }

    /// ∂x, (points, rows, columns, channels).
    pub(super) fn back_to_input<T: Real>(
        &self,
        x: &[T],
        gradient: &[T],
        buffers: &mut Buffers<T>,
    ) -> Result<Buffer<T>> {
        let points = gradient.len() / (self.behind[0] * self.behind[1] * self.filters);
        let mut of_input = buffers.take(points * self.input());
        self.times_back(x, gradient, Start::Fresh, &mut of_input, buffers)?;
        Ok(of_input)
    }

    /// `of_input ← start + Σ Wᵀ g`, W in x.
    fn times_back<T: Real>(
        &self,
        x: &[T],
        gradient: &[T],
        start: Start<'_, T>,
        of_input: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let points = gradient.len() / (self.behind[0] * self.behind[1] * self.filters);
        if let [_, Some(filtering)] = &self.filtering {
            let square = self.window * self.window;
            let numbers = &x[self.weights()];
            let windows = Windows { numbers, filter: square, channel: self.taps(), turned: true };
            return filtered(filtering, windows, start, gradient, of_input, buffers);
        }
        let sides = self.before.map(|side| side + self.window - 1);
        let mut apart = buffers.take(points * sides[0] * sides[1] * self.filters);
        let offset = [self.window as isize - 1 - self.padding as isize; 2];
        spread(gradient, self.behind, &mut apart, sides, self.filters, self.stride, offset);
        let (rows, group) = places(self.before, sides, 1, self.filters);
        let within = within(self.window, sides[1], self.filters);
        let square = self.window * self.window;
        let turned: Vec<usize> = (0..square)
            .flat_map(|place| (0..self.filters).map(move |filter| filter * self.taps() + square - 1 - place))
            .collect();
        let channels: Vec<usize> = (0..self.channels).map(|channel| channel * square).collect();
        let mut space = buffers.take(room::<T>(turned.len(), self.channels));
        let right = Indexed { numbers: &x[self.weights()], first: &turned, second: &channels };
        let right = Panels::new(right, &mut space)?;
        let left = Left { at: Indexed { numbers: &apart, first: &rows, second: &within }, group };
        multiply(&left, &right, start, of_input)?;
        buffers.give(space);
        buffers.give(apart);
        Ok(())
    }

    /// Tangent of the output along v: `Σ (V x + W ẋ) + v_b`; inputs are in their frames, if they need one.
    pub(super) fn forth_along<T: Real>(
        &self,
        along: &Along<'_, T>,
        input: &Moving<'_, T>,
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        self.times(along.v, input.at, Start::From(&along.v[self.bias()]), output, buffers)?;
        match input.tangent {
            Some(tangent) => self.times(along.x, tangent, Start::Add, output, buffers),
            None => Ok(()),
        }
    }

    /// Tangents of ∂W and of ∂b, into their places of the whole product.
    pub(super) fn back_along<T: Real>(
        &self,
        input: &Moving<'_, T>,
        gradient: &Bending<'_, T>,
        total: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let own = [(input.at, gradient.tangent)];
        match (input.tangent, gradient.at) {
            (Some(tangent), Some(at)) => self.outer(&[own[0], (tangent, at)], total, buffers)?,
            _ => self.outer(&own, total, buffers)?,
        }
        sum_columns(gradient.tangent, &mut total[self.bias()]);
        Ok(())
    }

    /// Tangent of ∂x: `Σ (Wᵀ ġ + Vᵀ g)`.
    pub(super) fn back_to_input_along<T: Real>(
        &self,
        along: &Along<'_, T>,
        gradient: &Bending<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Result<Buffer<T>> {
        let mut of_input = self.back_to_input(along.x, gradient.tangent, buffers)?;
        if let Some(at) = gradient.at {
            self.times_back(along.v, at, Start::Add, &mut of_input, buffers)?;
        }
        Ok(of_input)
    }
}

/// A product with fewer multiplications, which is added to what is there by way of room of its own.
fn filtered<T: Real>(
    filtering: &Filtering,
    windows: Windows<'_, T>,
    start: Start<'_, T>,
    input: &[T],
    output: &mut [T],
    buffers: &mut Buffers<T>,
) -> Result<()> {
    match start {
        Start::Fresh => filtering.forward(windows, None, input, output, buffers),
        Start::From(bias) => filtering.forward(windows, Some(bias), input, output, buffers),
        Start::Add => {
            let mut more = buffers.take(output.len());
            filtering.forward(windows, None, input, &mut more, buffers)?;
            add_to(output, &more);
            buffers.give(more);
            Ok(())
        }
    }
}

/// First numbers of the windows that make the pixels of as many images as a task takes, and the numbers of so many images.
fn places(
    [rows, columns]: [usize; 2],
    [height, width]: [usize; 2],
    stride: usize,
    channels: usize,
) -> (Vec<usize>, usize) {
    let images = TASK.div_ceil(rows * columns);
    let size = height * width * channels;
    let pixel =
        move |image: usize, row: usize, column: usize| image * size + (row * width + column) * stride * channels;
    let all = (0..images)
        .flat_map(|image| (0..rows).flat_map(move |row| (0..columns).map(move |column| pixel(image, row, column))));
    (all.collect(), images * size)
}

/// Where the numbers (u, v, c) of a window lie after its first, in images of so many columns.
fn within(window: usize, width: usize, channels: usize) -> Vec<usize> {
    (0..window).flat_map(|row| (0..window * channels).map(move |place| row * width * channels + place)).collect()
}

/// Images in larger ones of zeros: pixel (i, j) at `(stride · i, stride · j) + offset`, left out where that is outside.
fn spread<T: Real>(
    images: &[T],
    [rows, columns]: [usize; 2],
    output: &mut [T],
    [height, width]: [usize; 2],
    channels: usize,
    stride: usize,
    offset: [isize; 2],
) {
    let images = images.par_chunks(rows * columns * channels);
    output.par_chunks_mut(height * width * channels).zip(images).for_each(|(output, image)| {
        output.fill(T::zero());
        let within = |place: usize, offset: isize, side: usize| {
            let at = (place * stride) as isize + offset;
            (0..side as isize).contains(&at).then_some(at as usize)
        };
        for (row, pixels) in image.chunks_exact(columns * channels).enumerate() {
            let Some(line) = within(row, offset[0], height) else { continue };
            let line = &mut output[line * width * channels..][..width * channels];
            match (stride, within(0, offset[1], width)) {
                (1, Some(first)) if first + columns <= width => {
                    line[first * channels..][..columns * channels].copy_from_slice(pixels);
                }
                _ => {
                    for (column, pixel) in pixels.chunks_exact(channels).enumerate() {
                        if let Some(at) = within(column, offset[1], width) {
                            line[at * channels..][..channels].copy_from_slice(pixel);
                        }
                    }
                }
            }
        }
    });
}
