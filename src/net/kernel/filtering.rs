//! Convolutions of stride 1 with fewer multiplications: minimal filtering (Winograd 1980), nested over rows and columns
//! (Lavin and Gray 2016, arXiv 1509.09308).
//!
//! The output is cut into tiles of m×m, each of which n×n numbers of the input decide, n = m + r − 1 for a window of r×r.
//! With `V = Bᵀ d B` of a tile's input and `U = G w Gᵀ` of a window's weights, `y = Aᵀ [Σ_channels U ∘ V] A`: for each of
//! the n² places one product of matrices, over the channels. So a number of `y` takes n² / m² multiplications a channel and
//! not r². The backward pass uses the same matrices transposed: `∂w = Gᵀ [Σ_tiles V ∘ (A g Aᵀ)] G`.
//!
//! A, B and G interpolate polynomials at n − 1 points and at infinity. For n = 6 these are 0, ±3/4 and ±3/2, which f32 holds
//! exactly: with them an output is off by three times as much as a direct sum in f32 (root mean square, 64 channels, against
//! f64), with the customary 0, ±1, ±2 by seven times.

#![allow(clippy::needless_range_loop)] // with iterators over arrays of vectors the compiler leaves them in memory

use std::array::from_fn;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::points::Real;
use super::blocks::{LINE, Line, write};
use super::buffers::Buffers;
use super::product::{Indexed, Outer, Panels, ROWS, SHORT, room};
use crate::error::{Error, Result};
use crate::wide::Lane;

/// What a transformed number costs beside the products, in multiplications.
const TRANSFORM: usize = 14;
/// Numbers of V and of what the products make of it that one task works on: about what a core's second cache holds.
const OWN: usize = 1 << 17;
/// Numbers of V and of the transformed gradient that are made before their products are summed.
const AHEAD: usize = 1 << 21;

/// Rows and columns that a tile takes (n) and makes (m).
#[derive(Clone, Copy, PartialEq, Debug)]
enum Form {
    Four2,
    Six4,
    Six2,
}

impl Form {
    fn sides(self) -> (usize, usize) {
        match self {
            Form::Four2 => (4, 2),
            Form::Six4 => (6, 4),
            Form::Six2 => (6, 2),
        }
    }

    /// Those that serve a window.
    fn of(window: usize) -> &'static [Form] {
        match window {
            3 => &[Form::Four2, Form::Six4],
            5 => &[Form::Six2],
            _ => &[],
        }
    }

    /// G, n × r by rows.
    fn of_window(self, window: usize) -> Vec<Vec<f64>> {
        let points: &[f64] = if self.sides().0 == 4 { &[0.0, 1.0, -1.0] } else { &[0.0, NEAR, -NEAR, FAR, -FAR] };
        let row = |&point: &f64| {
            let others = points.iter().filter(|&&other| other != point);
            let scale: f64 = others.map(|other| point - other).product();
            (0..window).map(|power| point.powi(power as i32) / scale).collect()
        };
        let infinity = (0..window).map(|place| if place + 1 == window { 1.0 } else { 0.0 }).collect();
        points.iter().map(row).chain([infinity]).collect()
    }
}

/// The points beside 0 and infinity where n = 6.
const NEAR: f64 = 0.75;
const FAR: f64 = 1.5;

/// Numbers of several channels side by side, one place of a tile.
type Vector<T, S> = <T as Lane>::Vector<S>;

/// `factor · a + b`.
#[inline(always)]
fn fused<T: Real, S: Simd>(simd: S, factor: f64, a: Vector<T, S>, b: Vector<T, S>) -> Vector<T, S> {
    T::multiply_add(simd, T::splat(simd, T::from_f64(factor)), a, b)
}

#[inline(always)]
fn plus<T: Real, S: Simd>(simd: S, a: Vector<T, S>, b: Vector<T, S>) -> Vector<T, S> {
    <T as Lane>::add(simd, a, b)
}

/// Bᵀ along one axis.
#[inline(always)]
fn of_input<T: Real, S: Simd, const N: usize>(simd: S, d: [Vector<T, S>; N]) -> [Vector<T, S>; N] {
    let mut t = d;
    if N == 4 {
        t[0] = fused::<T, S>(simd, -1.0, d[0], d[2]);
        t[1] = plus::<T, S>(simd, d[1], d[2]);
        t[2] = fused::<T, S>(simd, -1.0, d[1], d[2]);
        t[N - 1] = fused::<T, S>(simd, -1.0, d[1], d[N - 1]);
        return t;
    }
    let (near, far) = (NEAR * NEAR, FAR * FAR);
    let inner = fused::<T, S>(simd, -near - far, d[2], d[N - 2]);
    t[0] = fused::<T, S>(simd, near * far, d[0], inner);
    let (even, odd) = (fused::<T, S>(simd, -far, d[2], d[N - 2]), fused::<T, S>(simd, -far, d[1], d[N - 3]));
    t[1] = fused::<T, S>(simd, NEAR, odd, even);
    t[2] = fused::<T, S>(simd, -NEAR, odd, even);
    let (even, odd) = (fused::<T, S>(simd, -near, d[2], d[N - 2]), fused::<T, S>(simd, -near, d[1], d[N - 3]));
    t[N - 3] = fused::<T, S>(simd, FAR, odd, even);
    t[N - 2] = fused::<T, S>(simd, -FAR, odd, even);
    let inner = fused::<T, S>(simd, -near - far, d[N - 3], d[N - 1]);
    t[N - 1] = fused::<T, S>(simd, near * far, d[1], inner);
    t
}

/// Aᵀ along one axis.
#[inline(always)]
fn to_output<T: Real, S: Simd, const N: usize, const M: usize>(simd: S, t: [Vector<T, S>; N]) -> [Vector<T, S>; M] {
    let mut y = [t[0]; M];
    let (sum, difference) = (plus::<T, S>(simd, t[1], t[2]), fused::<T, S>(simd, -1.0, t[2], t[1]));
    if N == 4 {
        y[0] = plus::<T, S>(simd, t[0], sum);
        y[1] = plus::<T, S>(simd, difference, t[N - 1]);
        return y;
    }
    let (sums, differences) = (plus::<T, S>(simd, t[N - 3], t[N - 2]), fused::<T, S>(simd, -1.0, t[N - 2], t[N - 3]));
    y[0] = plus::<T, S>(simd, t[0], plus::<T, S>(simd, sum, sums));
    if M == 2 {
        let last = fused::<T, S>(simd, FAR, differences, t[N - 1]);
        y[1] = fused::<T, S>(simd, NEAR, difference, last);
        return y;
    }
    let zero = T::splat(simd, T::zero());
    let last = fused::<T, S>(simd, FAR, differences, zero);
    y[1] = fused::<T, S>(simd, NEAR, difference, last);
    let last = fused::<T, S>(simd, FAR * FAR, sums, zero);
    y[M - 2] = fused::<T, S>(simd, NEAR * NEAR, sum, last);
    let last = fused::<T, S>(simd, FAR * FAR * FAR, differences, t[N - 1]);
    y[M - 1] = fused::<T, S>(simd, NEAR * NEAR * NEAR, difference, last);
    y
}

/// A along one axis.
#[inline(always)]
fn of_gradient<T: Real, S: Simd, const N: usize, const M: usize>(simd: S, g: [Vector<T, S>; M]) -> [Vector<T, S>; N] {
    let mut t = [g[0]; N];
    t[N - 1] = g[M - 1];
    for (place, point) in [(1, NEAR), (3, FAR)] {
        if N == 4 {
            t[1] = plus::<T, S>(simd, g[0], g[1]);
            t[2] = fused::<T, S>(simd, -1.0, g[1], g[0]);
            break;
        }
        let (mut even, mut odd) = (g[0], g[1]);
        if M == 4 {
            even = fused::<T, S>(simd, point * point, g[M - 2], even);
            odd = fused::<T, S>(simd, point * point, g[M - 1], odd);
        }
        t[place] = fused::<T, S>(simd, point, odd, even);
        t[place + 1] = fused::<T, S>(simd, -point, odd, even);
    }
    t
}

/// The column of a square.
#[inline(always)]
fn column<V: Copy, const A: usize, const B: usize>(square: &[[V; B]; A], place: usize) -> [V; A] {
    let mut found = [square[0][0]; A];
    for row in 0..A {
        found[row] = square[row][place];
    }
    found
}

/// A transform along both axes: down all columns, then along the rows of what came of it.
macro_rules! twice {
    ($square:expr, $simd:expr, $A:expr, $B:expr, $along:expr) => {{
        let (square, zero) = ($square, T::splat($simd, T::zero()));
        let mut down = [[zero; $B]; $A];
        for place in 0..$A {
            down[place] = $along($simd, column(&square, place));
        }
        let mut found = [[zero; $B]; $B];
        for place in 0..$B {
            found[place] = $along($simd, column(&down, place));
        }
        found
    }};
}

/// Where pixels of a tile lie, [`OUTSIDE`] where there are none.
#[inline(always)]
fn pixels<const N: usize>(
    row: impl Fn(usize) -> Option<usize>,
    column: impl Fn(usize) -> Option<usize>,
) -> [[usize; N]; N] {
    from_fn(|i| from_fn(|j| row(i).zip(column(j)).map_or(OUTSIDE, |(row, column)| row + column)))
}

const OUTSIDE: usize = usize::MAX;

/// Vectors of the pixels of a tile; zeros outside.
#[inline(always)]
fn gathered<T: Real, S: Simd, const N: usize>(
    simd: S,
    numbers: &[T],
    pixels: &[[usize; N]; N],
    width: usize,
    begin: usize,
) -> [[Vector<T, S>; N]; N] {
    let mut square = [[T::splat(simd, T::zero()); N]; N];
    for i in 0..N {
        for j in 0..N {
            if pixels[i][j] != OUTSIDE {
                square[i][j] = load::<T, S>(simd, &numbers[pixels[i][j]..][..width], begin);
            }
        }
    }
    square
}

/// Where the weights of a window lie: its (u, v) for filter f and channel c at `f · filter + c · channel + u · window + v`,
/// from the end of a window to its beginning where it is turned.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) filter: usize,
    pub(super) channel: usize,
    pub(super) turned: bool,
}

/// A convolution of stride 1 that is computed so.
pub(super) struct Filtering {
    form: Form,
    window: usize,
    padding: usize,
    channels: usize,
    filters: usize,
    before: [usize; 2],
    behind: [usize; 2],
}

/// Numbers of one place of so many tiles, and some more: planes a power of two apart would share the same lines of a cache.
fn plane(tiles: usize, width: usize) -> usize {
    tiles * width + LINE
}

/// A run of rows of tiles, of all images one after another.
type Rows = std::ops::Range<usize>;

impl Filtering {
    /// For images of these sides before and after, if it is worth while.
    pub(super) fn new(
        window: usize,
        padding: usize,
        [channels, filters]: [usize; 2],
        before: [usize; 2],
        behind: [usize; 2],
    ) -> Option<Self> {
        let direct = behind[0] * behind[1] * window * window * channels * filters;
        let cost = |&form: &Form| {
            let (n, m) = form.sides();
            let tiles: usize = behind.iter().map(|side| side.div_ceil(m)).product();
            tiles * n * n * (channels * filters + TRANSFORM * (channels + filters))
        };
        let form = *Form::of(window).iter().min_by_key(|&form| cost(form))?;
        // Sums are over a row of tiles at least, and over no more than a product sums at once.
        let fits = behind[1].div_ceil(form.sides().1) <= SHORT;
        (fits && 3 * cost(&form) < 2 * direct).then_some(Self {
            form,
            window,
            padding,
            channels,
            filters,
            before,
            behind,
        })
    }

    /// Tiles down and across an image.
    fn tiles(&self) -> [usize; 2] {
        self.behind.map(|side| side.div_ceil(self.form.sides().1))
    }

    /// Rows of tiles in so many numbers after it.
    fn rows(&self, numbers: usize) -> usize {
        numbers / (self.behind[0] * self.behind[1] * self.filters) * self.tiles()[0]
    }

    /// Rows of tiles that one task takes: some `size` tiles, as few as can be beyond what the product takes at once, and no
    /// task where few threads would wait for the last of them. Bits do not depend on it.
    fn share(&self, count: usize, size: usize) -> usize {
        let across = self.tiles()[1];
        let most = (size / across).max(1);
        let waste = |&rows: &usize| ((rows * across).next_multiple_of(ROWS) * 1_000).div_ceil(rows * across);
        let most = (most.div_ceil(2)..=most).rev().min_by_key(waste).unwrap_or(most);
        let threads = rayon::current_num_threads();
        if count.div_ceil(most) < 4 * threads {
            count.div_ceil(count.div_ceil(most).next_multiple_of(threads)).max(1)
        } else {
            most
        }
    }

    /// Where a row of tiles begins in the output.
    fn begin(&self, row: usize) -> usize {
        let down = self.tiles()[0];
        let line = (row / down) * self.behind[0] + (row % down) * self.form.sides().1;
        line * self.behind[1] * self.filters
    }

    /// `input` is (points, rows, columns, channels), `output` (points, rows after, columns after, filters).
    pub(super) fn forward<T: Real>(
        &self,
        windows: Windows<'_, T>,
        bias: Option<&[T]>,
        input: &[T],
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        match self.form {
            Form::Four2 => self.forth_by::<T, 4, 2>(windows, bias, input, output, buffers),
            Form::Six4 => self.forth_by::<T, 6, 4>(windows, bias, input, output, buffers),
            Form::Six2 => self.forth_by::<T, 6, 2>(windows, bias, input, output, buffers),
        }
    }

    fn forth_by<T: Real, const N: usize, const M: usize>(
        &self,
        windows: Windows<'_, T>,
        bias: Option<&[T]>,
        input: &[T],
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let (channels, filters) = (self.channels, self.filters);
        let mut of_windows = buffers.take(N * N * channels * filters);
        self.transform_windows(windows, &mut of_windows);
        // The k of the right factor: the channels of one place after those of another.
        let of = |k: usize| (k % channels * N * N + k / channels) * filters;
        let (down, across): (Vec<usize>, Vec<usize>) =
            ((0..N * N * channels).map(of).collect(), (0..filters).collect());
        let mut space = buffers.take(room::<T>(down.len(), filters));
        let right = Panels::new(Indexed { numbers: &of_windows, first: &down, second: &across }, &mut space)?;
        // Behind many channels there are as many weights for each tile: more tiles make more of them.
        let size = (OWN / (N * N * channels.max(filters))).max(channels.min(filters) / 4).max(24);
        let count = self.rows(output.len());
        let most = self.share(count, size);
        let mut tasks: Vec<(Rows, &mut [T])> = Vec::new();
        let mut rest = output;
        for begin in (0..count).step_by(most) {
            let end = count.min(begin + most);
            let (own, behind) = std::mem::take(&mut rest).split_at_mut(self.begin(end) - self.begin(begin));
            rest = behind;
            tasks.push((begin..end, own));
        }
        let tiles = most * self.tiles()[1];
        let first: Vec<usize> = (0..tiles).map(|tile| tile * channels).collect();
        let second: Vec<usize> = (0..channels).collect();
        let fresh =
            || (vec![T::zero(); N * N * plane(tiles, channels)], vec![T::zero(); N * N * plane(tiles, filters)]);
        tasks.into_par_iter().try_for_each_init(fresh, |(v, sums), (rows, output)| {
            let tiles = rows.len() * self.tiles()[1];
            let (size, sizes) = (plane(tiles, channels), plane(tiles, filters));
            let (v, sums) = (&mut v[..N * N * size], &mut sums[..N * N * sizes]);
            Arch::new().dispatch(OfInput::<T, N> { own: self, input, rows: rows.clone(), v });
            for place in 0..N * N {
                let numbers = &v[place * size..][..tiles * channels];
                let left = Indexed { numbers, first: &first[..tiles], second: &second };
                right.multiply_part(left, place * channels, &mut sums[place * sizes..][..tiles * filters])?;
            }
            Arch::new().dispatch(ToOutput::<T, N, M> { own: self, sums, rows, bias, output });
            Ok::<(), Error>(())
        })?;
        buffers.give(space);
        buffers.give(of_windows);
        Ok(())
    }

    /// The gradient of the weights, as (filters, channels, window, window).
    pub(super) fn backward<T: Real>(
        &self,
        input: &[T],
        gradient: &[T],
        total: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        match self.form {
            Form::Four2 => self.back_by::<T, 4, 2>(input, gradient, total, buffers),
            Form::Six4 => self.back_by::<T, 6, 4>(input, gradient, total, buffers),
            Form::Six2 => self.back_by::<T, 6, 2>(input, gradient, total, buffers),
        }
    }

    fn back_by<T: Real, const N: usize, const M: usize>(
        &self,
        input: &[T],
        gradient: &[T],
        total: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let (channels, filters, across) = (self.channels, self.filters, self.tiles()[1]);
        // Blocks of tiles are what is summed at once: by shapes alone, since each sum is rounded.
        let count = self.rows(gradient.len());
        let block = (SHORT / across).max(1);
        let tiles = block * across;
        let blocks = count.div_ceil(block);
        let ahead = (AHEAD / (N * N * tiles * (channels + filters))).clamp(1, blocks);
        let (size, sizes) = (N * N * plane(tiles, channels), N * N * plane(tiles, filters));
        let (mut of_input, mut of_gradient) = (buffers.take(ahead * size), buffers.take(ahead * sizes));
        let mut sums = buffers.take(N * N * channels * filters);
        let outer = Outer::new(channels, filters, N * N);
        let first: Vec<usize> = (0..channels).collect();
        let second: Vec<usize> = (0..tiles).map(|tile| tile * channels).collect();
        for begin in (0..blocks).step_by(ahead) {
            let own = begin..blocks.min(begin + ahead);
            let rows = |place: usize| (begin + place) * block..count.min((begin + place + 1) * block);
            let both = of_input.par_chunks_mut(size).zip(of_gradient.par_chunks_mut(sizes)).take(own.len());
            both.enumerate().for_each(|(place, (v, g))| {
                let tiles = rows(place).len() * across;
                let (v, g) = (&mut v[..N * N * plane(tiles, channels)], &mut g[..N * N * plane(tiles, filters)]);
                Arch::new().dispatch(OfInput::<T, N> { own: self, input, rows: rows(place), v });
                Arch::new().dispatch(OfGradient::<T, N, M> { own: self, gradient, rows: rows(place), g });
            });
            let (of_input, of_gradient) = (&of_input[..], &of_gradient[..]);
            outer.sum(begin > 0, &mut sums, own.len(), |place, part| {
                let tiles = rows(part).len() * across;
                let numbers = &of_input[part * size + place * plane(tiles, channels)..][..tiles * channels];
                let right = &of_gradient[part * sizes + place * plane(tiles, filters)..][..tiles * filters];
                (Indexed { numbers, first: &first, second: &second[..tiles] }, right)
            })?;
        }
        self.transform_sums(&sums, total);
        buffers.give(sums);
        buffers.give(of_gradient);
        buffers.give(of_input);
        Ok(())
    }

    /// G in this precision.
    fn matrix<T: Real>(&self) -> Vec<Vec<T>> {
        let rows = self.form.of_window(self.window);
        rows.iter().map(|row| row.iter().map(|&number| T::from_f64(number)).collect()).collect()
    }

    /// U, (channels, places, filters).
    fn transform_windows<T: Real>(&self, windows: Windows<'_, T>, output: &mut [T]) {
        let (n, r, filters) = (self.form.sides().0, self.window, self.filters);
        let matrix = &self.matrix::<T>();
        let at = |tap: usize| if windows.turned { r * r - 1 - tap } else { tap };
        output.par_chunks_mut(n * n * filters).enumerate().for_each(|(channel, output)| {
            let mut square = vec![[T::zero(); LINE]; r * r];
            let mut down = vec![[T::zero(); LINE]; n * r];
            for begin in (0..filters).step_by(LINE) {
                for lane in 0..LINE.min(filters - begin) {
                    let from = (begin + lane) * windows.filter + channel * windows.channel;
                    let own = &windows.numbers[from..][..r * r];
                    square.iter_mut().enumerate().for_each(|(tap, square)| square[lane] = own[at(tap)]);
                }
                for (place, down) in down.iter_mut().enumerate() {
                    *down = combined(r, |row| matrix[place / r][row], |row| &square[row * r + place % r]);
                }
                for (place, output) in output.chunks_exact_mut(filters).enumerate() {
                    let along = |column: usize| &down[place / n * r + column];
                    write(&combined(r, |column| matrix[place % n][column], along), output, begin);
                }
            }
        });
    }

    /// `∂w = Gᵀ s G` of sums (places, channels, filters).
    fn transform_sums<T: Real>(&self, sums: &[T], total: &mut [T]) {
        let (n, r, filters, channels) = (self.form.sides().0, self.window, self.filters, self.channels);
        let matrix = &self.matrix::<T>();
        total.par_chunks_mut(channels * r * r * LINE).enumerate().for_each(|(line, total)| {
            let own = total.len() / (channels * r * r);
            let mut square = vec![[T::zero(); LINE]; n * n];
            let mut down = vec![[T::zero(); LINE]; r * n];
            for channel in 0..channels {
                for (place, square) in square.iter_mut().enumerate() {
                    let at = (place * channels + channel) * filters + line * LINE;
                    square[..own].copy_from_slice(&sums[at..][..own]);
                }
                for (place, down) in down.iter_mut().enumerate() {
                    *down = combined(n, |row| matrix[row][place / n], |row| &square[row * n + place % n]);
                }
                for tap in 0..r * r {
                    let found = combined(n, |column| matrix[column][tap % r], |column| &down[tap / r * n + column]);
                    let to = total[channel * r * r + tap..].iter_mut().step_by(channels * r * r);
                    to.zip(&found[..own]).for_each(|(to, &found)| *to = found);
                }
            }
        });
    }

    /// The tiles of rows of them: where their outputs begin, as point, row and column.
    fn each_tile(&self, rows: Rows) -> impl Iterator<Item = [usize; 3]> {
        let ([down, across], m) = (self.tiles(), self.form.sides().1);
        rows.flat_map(move |row| (0..across).map(move |column| [row / down, row % down * m, column * m]))
    }
}

/// V of rows of tiles, (places, tiles, channels).
struct OfInput<'a, T, const N: usize> {
    own: &'a Filtering,
    input: &'a [T],
    rows: Rows,
    v: &'a mut [T],
}

impl<T: Real, const N: usize> WithSimd for OfInput<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { own, input, rows, v } = self;
        let &Filtering { before: [height, width], padding, channels, .. } = own;
        let plane = v.len() / (N * N);
        for (slot, [point, top, left]) in own.each_tile(rows).enumerate() {
            // Where there is no row, or no column, there are zeros.
            let inside = |at: usize, side: usize| at.checked_sub(padding).filter(|&at| at < side);
            let row = |i| inside(top + i, height).map(|row| (point * height + row) * width * channels);
            let pixels = pixels::<N>(row, |j| inside(left + j, width).map(|column| column * channels));
            for channel in (0..channels).step_by(T::lanes::<S>()) {
                let square = gathered::<T, S, N>(simd, input, &pixels, channels, channel);
                let square = twice!(square, simd, N, N, of_input::<T, S, N>);
                for i in 0..N {
                    for j in 0..N {
                        let place = (i * N + j) * plane + slot * channels;
                        store::<T, S>(square[i][j], &mut v[place..][..channels], channel);
                    }
                }
            }
        }
    }
}

/// A g Aᵀ of rows of tiles, (places, tiles, filters).
struct OfGradient<'a, T, const N: usize, const M: usize> {
    own: &'a Filtering,
    gradient: &'a [T],
    rows: Rows,
    g: &'a mut [T],
}

impl<T: Real, const N: usize, const M: usize> WithSimd for OfGradient<'_, T, N, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { own, gradient, rows, g } = self;
        let &Filtering { behind: [height, width], filters, .. } = own;
        let plane = g.len() / (N * N);
        for (slot, [point, top, left]) in own.each_tile(rows).enumerate() {
            let row = |i| (top + i < height).then(|| (point * height + top + i) * width * filters);
            let pixels = pixels::<M>(row, |j| (left + j < width).then(|| (left + j) * filters));
            for filter in (0..filters).step_by(T::lanes::<S>()) {
                let square = gathered::<T, S, M>(simd, gradient, &pixels, filters, filter);
                let square = twice!(square, simd, M, N, of_gradient::<T, S, N, M>);
                for i in 0..N {
                    for j in 0..N {
                        let place = (i * N + j) * plane + slot * filters;
                        store::<T, S>(square[i][j], &mut g[place..][..filters], filter);
                    }
                }
            }
        }
    }
}

/// The outputs of rows of tiles, which lie one after another, from sums (places, tiles, filters).
struct ToOutput<'a, T, const N: usize, const M: usize> {
    own: &'a Filtering,
    sums: &'a [T],
    rows: Rows,
    bias: Option<&'a [T]>,
    output: &'a mut [T],
}

impl<T: Real, const N: usize, const M: usize> WithSimd for ToOutput<'_, T, N, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { own, sums, rows, bias, output } = self;
        let (&Filtering { behind: [height, width], filters, .. }, zero) = (own, T::splat(simd, T::zero()));
        let (plane, begin) = (sums.len() / (N * N), own.begin(rows.start));
        for (slot, [point, top, left]) in own.each_tile(rows).enumerate() {
            for filter in (0..filters).step_by(T::lanes::<S>()) {
                let mut square = [[zero; N]; N];
                for i in 0..N {
                    for j in 0..N {
                        let place = (i * N + j) * plane + slot * filters;
                        square[i][j] = load::<T, S>(simd, &sums[place..][..filters], filter);
                    }
                }
                let found = twice!(square, simd, N, M, to_output::<T, S, N, M>);
                let shift = match bias {
                    Some(bias) => load::<T, S>(simd, bias, filter),
                    None => zero,
                };
                for i in 0..M.min(height - top) {
                    for j in 0..M.min(width - left) {
                        let pixel = (point * height + top + i) * width + left + j;
                        let values = plus::<T, S>(simd, found[i][j], shift);
                        store::<T, S>(values, &mut output[pixel * filters - begin..][..filters], filter);
                    }
                }
            }
        }
    }
}

/// As many numbers as a vector holds; zeros after the last of them.
#[inline(always)]
fn load<T: Real, S: Simd>(simd: S, numbers: &[T], begin: usize) -> Vector<T, S> {
    let (own, lanes) = (&numbers[begin..], T::lanes::<S>());
    if own.len() >= lanes {
        // SAFETY: a vector is `lanes` numbers one after another, and so many are there.
        return unsafe { own.as_ptr().cast::<Vector<T, S>>().read_unaligned() };
    }
    let mut vector = T::splat(simd, T::zero());
    // SAFETY: a vector is `lanes` numbers one after another, and there are fewer than that to copy.
    unsafe { std::ptr::copy_nonoverlapping(own.as_ptr(), (&raw mut vector).cast::<T>(), own.len()) };
    vector
}

/// Its numbers, as many as there is room for.
#[inline(always)]
fn store<T: Real, S: Simd>(vector: Vector<T, S>, numbers: &mut [T], begin: usize) {
    let (own, lanes) = (&mut numbers[begin..], T::lanes::<S>());
    if own.len() >= lanes {
        // SAFETY: a vector is `lanes` numbers one after another, and there is room for so many.
        return unsafe { own.as_mut_ptr().cast::<Vector<T, S>>().write_unaligned(vector) };
    }
    // SAFETY: the same, with room for fewer.
    unsafe { std::ptr::copy_nonoverlapping((&raw const vector).cast::<T>(), own.as_mut_ptr(), own.len()) };
}

/// Sum of lines, each with its scale.
fn combined<'a, T: Real>(n: usize, scale: impl Fn(usize) -> T, line: impl Fn(usize) -> &'a Line<T>) -> Line<T> {
    let mut sum = [T::zero(); LINE];
    for place in 0..n {
        let (scale, line) = (scale(place), line(place));
        sum.iter_mut().zip(line).for_each(|(sum, &value)| *sum += scale * value);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs, gradient by the weights, and gradient by the input.
    type Found = [Vec<f64>; 3];

    struct Case {
        filtering: Filtering,
        points: usize,
    }

    impl Case {
        fn new(form: Form, window: usize, padding: usize, [channels, filters]: [usize; 2], before: [usize; 2]) -> Self {
            let behind = before.map(|side| side + 2 * padding + 1 - window);
            Self { filtering: Filtering { form, window, padding, channels, filters, before, behind }, points: 3 }
        }

        /// Weights, input, gradient of the output, and bias.
        fn numbers(&self) -> [Vec<f32>; 4] {
            let Filtering { window, channels, filters, before, behind, .. } = self.filtering;
            let area = |[height, width]: [usize; 2]| height * width;
            let made =
                |count: usize, step: f64| (0..count).map(|i| (step * (i * i % 1_009) as f64).sin() as f32).collect();
            let [weights, input, gradient] = [
                filters * channels * window * window,
                self.points * area(before) * channels,
                self.points * area(behind) * filters,
            ];
            [made(weights, 0.71), made(input, 0.37), made(gradient, 0.53), made(filters, 0.91)]
        }

        fn found<T: Real>(&self) -> Result<Found> {
            let own = &self.filtering;
            let [weights, input, gradient, bias] =
                self.numbers().map(|numbers| numbers.iter().map(|&n| T::from_f64(n.into())).collect::<Vec<T>>());
            let (square, buffers) = (own.window * own.window, &mut Buffers::default());
            let windows = Windows { numbers: &weights, filter: own.channels * square, channel: square, turned: false };
            let mut output = vec![T::zero(); gradient.len()];
            own.forward(windows, Some(&bias), &input, &mut output, buffers)?;
            let mut total = vec![T::zero(); weights.len()];
            own.backward(&input, &gradient, &mut total, buffers)?;
            let back = Filtering {
                padding: own.window - 1 - own.padding,
                channels: own.filters,
                filters: own.channels,
                before: own.behind,
                behind: own.before,
                ..*own
            };
            let windows = Windows { filter: square, channel: own.channels * square, turned: true, ..windows };
            let mut before = vec![T::zero(); input.len()];
            back.forward(windows, None, &gradient, &mut before, buffers)?;
            Ok([output, total, before].map(|numbers| numbers.into_iter().map(Into::into).collect()))
        }

        /// By the definition, each product rounded to T and added in turn.
        fn expected<T: Real>(&self) -> Found {
            let Filtering { window, padding, channels, filters, before: [height, width], behind, .. } = self.filtering;
            let [weights, input, gradient, bias] =
                self.numbers().map(|numbers| numbers.iter().map(|&n| T::from_f64(n.into())).collect::<Vec<T>>());
            let mut output: Vec<T> = bias.iter().copied().cycle().take(gradient.len()).collect();
            let (mut total, mut before) = (vec![T::zero(); weights.len()], vec![T::zero(); input.len()]);
            for (at, filter) in (0..gradient.len()).map(|at| (at, at % filters)) {
                let (column, line) = (at / filters % behind[1], at / filters / behind[1]);
                let (row, point) = (line % behind[0], line / behind[0]);
                for (u, v) in (0..window * window).map(|tap| (tap / window, tap % window)) {
                    let row = (row + u).checked_sub(padding).filter(|&row| row < height);
                    let column = (column + v).checked_sub(padding).filter(|&column| column < width);
                    let (Some(row), Some(column)) = (row, column) else { continue };
                    for channel in 0..channels {
                        let from = ((point * height + row) * width + column) * channels + channel;
                        let weight = ((filter * channels + channel) * window + u) * window + v;
                        output[at] += weights[weight] * input[from];
                        total[weight] += gradient[at] * input[from];
                        before[from] += gradient[at] * weights[weight];
                    }
                }
            }
            [output, total, before].map(|numbers| numbers.into_iter().map(Into::into).collect())
        }
    }

    /// Root mean square of differences, relative to that of the numbers.
    fn difference(found: &[f64], expected: &[f64]) -> f64 {
        assert_eq!(found.len(), expected.len());
        let size: f64 = expected.iter().map(|e| e * e).sum();
        (found.iter().zip(expected).map(|(f, e)| (f - e) * (f - e)).sum::<f64>() / size).sqrt()
    }

    const FORMS: [(Form, usize); 3] = [(Form::Four2, 3), (Form::Six4, 3), (Form::Six2, 5)];

    /// Against the definition, over sides that tiles do not divide, channels below and above a line, and all paddings.
    #[test]
    fn it_is_the_convolution() -> Result<()> {
        for (form, window) in FORMS {
            for padding in 0..window {
                for (channels, before) in
                    [([1, 1], [5, 5]), ([3, 17], [6, 9]), ([16, 32], [8, 8]), ([37, 5], [7, 12]), ([1, 130], [5, 6])]
                {
                    let case = Case::new(form, window, padding, channels, before);
                    let (exact, found, single) = (case.expected::<f64>(), case.found::<f64>()?, case.found::<f32>()?);
                    for (place, exact) in exact.iter().enumerate() {
                        let off = [difference(&found[place], exact), difference(&single[place], exact)];
                        let said = format!("{form:?} {padding} {channels:?} {before:?} {place}: {off:?}");
                        assert!(off[0] < 5e-15 && off[1] < 3e-6, "{said}");
                    }
                }
            }
        }
        Ok(())
    }

    /// The loss of accuracy is less than a digit.
    #[test]
    fn it_is_as_accurate_as_said() -> Result<()> {
        for (form, window) in FORMS {
            let case = Case::new(form, window, window / 2, [64, 64], [12, 12]);
            let (exact, direct, found) = (case.expected::<f64>(), case.expected::<f32>(), case.found::<f32>()?);
            for (place, exact) in exact.iter().enumerate() {
                let (direct, found) = (difference(&direct[place], exact), difference(&found[place], exact));
                assert!(found < 1.5e-6 && found < 6.0 * direct, "{form:?} {place}: {found} beside {direct}");
            }
        }
        Ok(())
    }

    #[test]
    fn bits_do_not_depend_on_threads() -> Result<()> {
        for (form, window) in FORMS {
            let case = Case { points: 40, ..Case::new(form, window, 1, [19, 70], [9, 11]) };
            let by = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                pool.install(|| case.found::<f32>())
            };
            let one = by(1)?;
            for threads in [2, 3, 7] {
                assert!(by(threads)? == one, "{form:?} on {threads} threads");
            }
        }
        Ok(())
    }

    #[test]
    fn it_is_taken_where_it_is_worth_while() {
        let form = |window, channels, before: [usize; 2]| {
            Filtering::new(window, window / 2, channels, before, before).map(|filtering| filtering.form)
        };
        assert_eq!(form(5, [64, 64], [16, 16]), Some(Form::Six2));
        assert_eq!(form(3, [64, 64], [32, 32]), Some(Form::Six4));
        assert_eq!(form(3, [512, 512], [2, 2]), Some(Form::Four2));
        for (window, channels, before) in
            [(5, [3, 64], [16, 16]), (1, [64, 64], [16, 16]), (7, [64, 64], [16, 16]), (5, [64, 64], [9, 300])]
        {
            assert_eq!(form(window, channels, before), None);
        }
    }
}
