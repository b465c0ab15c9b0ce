//! The one product that dense layers and convolutions are made of: `output[r][j] = Σₖ left(r, k) · right(k, j)`.
//!
//! The left factor is never copied: its number (r, k) lies at `rows[r] + depth[k]`, so that the windows of an image, the
//! rows of a matrix and the columns of one are the same thing. The right factor is laid out in panels, as wide as the
//! registers that one tile of the output fills: 6 rows of 4 vectors on a machine with 32 registers, of 2 on one with 16.
//!
//! Each number of the output is a chain of fused multiplications and additions over [`DEPTH`] k (or [`SHORT`], where it
//! is summed over points) at a time, and the chains' sums are added in their order: its bits depend neither on the
//! threads, nor on how the output is cut into tiles.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::points::Real;
use super::blocks::broken;
use crate::error::Result;
use crate::wide::{CACHE_LINE, Lane, near, second_cache, soon, wide};

/// Rows of a tile.
pub(super) const ROWS: usize = 6;
/// k that are summed in registers before memory is touched.
const DEPTH: usize = 512;
/// The same where k are points or pixels, and the right factor is laid out on the way: a panel of so many rows stays in a
/// core's nearest cache.
pub(super) const SHORT: usize = 128;
/// Rows that one task takes where it can choose: a multiple of a tile's.
pub(super) const TASK: usize = 96;
/// Bytes of a row, and rows in proportion, of the square of the output that a task sums over points: the square and the parts
/// of both factors that are added to it stay in a core's second cache, so that a factor is read from memory a few times only.
const SIDE: usize = 1024;
/// Bytes of a second cache from which on the square is twice as wide: the left factor is packed half as often.
const LARGE: usize = 2 << 20;
/// Columns from which on it pays to pack the left factor.
const PACKED: usize = 128;
/// Rows of a panel that are fetched ahead of the one that is multiplied, where a panel has four vectors and is larger than the
/// nearest cache.
const AHEAD: usize = 8;

/// Columns that share a panel: where they begin, how many there are, and how many numbers a row of the panel has.
#[derive(Clone, Copy)]
struct Panel {
    begin: usize,
    columns: usize,
    vectors: usize,
    width: usize,
}

/// Bytes of a row of the output that a task sums over points on this machine: asked once for many sums, since the answer may take as
/// long as a small product.
pub(super) fn side() -> usize {
    if second_cache() >= LARGE { 2 * SIDE } else { SIDE }
}

/// How the registers of this machine cut columns into panels.
fn panels<T: Lane>(columns: usize) -> Vec<Panel> {
    struct Widest<T>(std::marker::PhantomData<T>);
    impl<T: Lane> WithSimd for Widest<T> {
        type Output = (usize, usize);
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> (usize, usize) {
            (T::lanes::<S>(), if S::REGISTER_COUNT >= 32 { 4 } else { 2 })
        }
    }
    let (lanes, most) = Arch::new().dispatch(Widest::<T>(std::marker::PhantomData));
    let panel = |begin: usize| {
        let columns = (lanes * most).min(columns - begin);
        // Tiles are compiled for 1, 2 and 4 vectors.
        let vectors = columns.div_ceil(lanes).next_power_of_two();
        Panel { begin, columns, vectors, width: vectors * lanes }
    };
    (0..columns).step_by(lanes * most).map(panel).collect()
}

/// Numbers at sums of two offsets: (a, b) lies at `first[a] + second[b]`.
#[derive(Clone, Copy)]
pub(super) struct Indexed<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) first: &'a [usize],
    pub(super) second: &'a [usize],
}

impl<'a, T> Indexed<'a, T> {
    /// The same, known to be there: an error where a number would lie outside.
    fn inside(self) -> Result<Inside<'a, T>> {
        let last = most(self.first).checked_add(most(self.second));
        if last.is_some_and(|last| last < self.numbers.len()) {
            Ok(Inside(self))
        } else {
            Err(broken("a factor of a product reaches outside of its numbers"))
        }
    }
}

fn most(offsets: &[usize]) -> usize {
    offsets.iter().copied().max().unwrap_or(0)
}

/// Numbers of which all are there: looked at once, since a look costs as much as some products.
#[derive(Clone, Copy)]
struct Inside<'a, T>(Indexed<'a, T>);

impl<'a, T> Inside<'a, T> {
    /// The parts of its second offsets.
    fn parts(self, size: usize) -> impl Iterator<Item = Inside<'a, T>> {
        self.0.second.chunks(size).map(move |second| Inside(Indexed { second, ..self.0 }))
    }
}

/// A right factor in panels; zeros stand after the last column of each.
pub(super) struct Panels<'a, T> {
    numbers: &'a [T],
    panels: Vec<Panel>,
    depth: usize,
}

/// Numbers that the panels of a right factor need, and those before the first cache line.
pub(super) fn room<T: Lane>(depth: usize, columns: usize) -> usize {
    filled(&panels::<T>(columns), depth) + slack::<T>()
}

/// Numbers in panels of so many rows.
fn filled(panels: &[Panel], depth: usize) -> usize {
    panels.iter().map(|panel| panel.width * depth).sum()
}

/// Numbers that may stand before the first cache line.
const fn slack<T>() -> usize {
    CACHE_LINE / size_of::<T>()
}

/// So many numbers from where a cache line begins: a vector that lies in two lines is read twice.
fn aligned<T>(room: &mut [T], count: usize) -> Option<&mut [T]> {
    let begin = room.as_ptr().align_offset(CACHE_LINE);
    room.get_mut(begin..)?.get_mut(..count)
}

impl<'a, T: Real> Panels<'a, T> {
    /// Lays out a right factor, given as (k, j), in [`room`] for it.
    pub(super) fn new(right: Indexed<'_, T>, room: &'a mut [T]) -> Result<Self> {
        let depth = right.first.len();
        let panels = panels::<T>(right.second.len());
        let room = aligned(room, filled(&panels, depth));
        let room = room.ok_or_else(|| broken("the room for panels is less than they need"))?;
        let mut tasks = Vec::new();
        let mut rest = &mut *room;
        for &panel in &panels {
            let (own, behind) = std::mem::take(&mut rest).split_at_mut(panel.width * depth);
            rest = behind;
            tasks.extend(own.chunks_mut(panel.width * DEPTH).enumerate().map(|(part, own)| (panel, part * DEPTH, own)));
        }
        tasks.into_par_iter().for_each(|(panel, k, own)| {
            let columns = &right.second[panel.begin..][..panel.columns];
            lay_out(right.numbers, &right.first[k..], columns, panel.width, own);
        });
        Ok(Self { numbers: room, panels, depth })
    }
}

impl<T: Real> Panels<'_, T> {
    /// `output ← left · right`, with the k from `begin` on of the right factor; on this thread alone.
    pub(super) fn multiply_part(&self, left: Indexed<'_, T>, begin: usize, output: &mut [T]) -> Result<()> {
        let columns = self.panels.last().map_or(0, |panel| panel.begin + panel.columns);
        let depth = left.second.len();
        if output.len() != left.first.len() * columns || begin + depth > self.depth {
            return Err(broken("the factors of a part of a product do not fit together"));
        }
        let left = left.inside()?;
        let target = Target::new(output, columns.max(1));
        let mut rest = self.numbers;
        for &panel in &self.panels {
            let (own, behind) = rest.split_at(panel.width * self.depth);
            rest = behind;
            let own = &own[begin * panel.width..][..depth * panel.width];
            for (part, (left, right)) in left.parts(DEPTH).zip(own.chunks(panel.width * DEPTH)).enumerate() {
                let start = if part == 0 { Start::Fresh } else { Start::Add };
                Tiles { left, packed: None, panel, right, start, target, row: 0, ahead: None }.run()?;
            }
        }
        Ok(())
    }
}

/// Fills rows of a panel.
fn lay_out<T: Real>(numbers: &[T], rows: &[usize], columns: &[usize], width: usize, own: &mut [T]) {
    let begin = columns.first().copied().unwrap_or(0);
    if columns.iter().enumerate().all(|(place, &column)| column == begin + place) {
        wide(
            #[inline(always)]
            || copy_rows(numbers, rows, begin, columns.len(), width, own),
        );
        return;
    }
    for (line, columns) in columns.chunks(LINE).enumerate() {
        for (row, &offset) in own.chunks_exact_mut(width).zip(rows) {
            let row = &mut row[line * LINE..][..columns.len()];
            row.iter_mut().zip(columns).for_each(|(place, &column)| *place = numbers[offset + column]);
        }
    }
    own.chunks_exact_mut(width).for_each(|row| row[columns.len()..].fill(T::zero()));
}

/// Numbers that are laid out at once: those of a cache line.
const LINE: usize = 16;

#[inline(always)]
fn copy_rows<T: Real>(numbers: &[T], rows: &[usize], begin: usize, columns: usize, width: usize, own: &mut [T]) {
    for (row, &offset) in own.chunks_exact_mut(width).zip(rows) {
        copy_row(&numbers[offset + begin..][..columns], row);
    }
}

/// The rows of a right factor in one panel.
#[inline(always)]
fn copy_panel<T: Real>(rows: &[T], columns: usize, panel: Panel, own: &mut [T]) {
    for (to, row) in own.chunks_exact_mut(panel.width).zip(rows.chunks_exact(columns)) {
        copy_row(&row[panel.begin..][..panel.columns], to);
    }
}

/// Rows that are laid out together.
const TOGETHER: usize = 8;

/// By lines of a fixed length, which are vectors; a call for so few numbers would cost more than they do.
#[inline(always)]
fn copy_row<T: Real>(from: &[T], row: &mut [T]) {
    let (filled, empty) = row.split_at_mut(from.len());
    let ((lines, rest), (from, from_rest)) = (filled.as_chunks_mut::<LINE>(), from.as_chunks::<LINE>());
    lines.iter_mut().zip(from).for_each(|(line, from)| *line = *from);
    rest.iter_mut().zip(from_rest).for_each(|(place, &value)| *place = value);
    empty.fill(T::zero());
}

/// A left factor that repeats itself: groups of `first.len()` rows, `group` numbers apart.
pub(super) struct Left<'a, T> {
    pub(super) at: Indexed<'a, T>,
    pub(super) group: usize,
}

/// `output ← start + left · right`, row-major, with as many rows as the output has.
pub(super) fn multiply<T: Real>(
    left: &Left<'_, T>,
    right: &Panels<'_, T>,
    start: Start<'_, T>,
    output: &mut [T],
) -> Result<()> {
    let columns = right.panels.last().map_or(0, |panel| panel.begin + panel.columns);
    let bias = match start {
        Start::From(bias) => Some(bias),
        _ => None,
    };
    if columns == 0 || bias.is_some_and(|bias| bias.len() != columns) || left.at.second.len() != right.depth {
        return Err(broken("the factors of a product do not fit together"));
    }
    let rows = output.len() / columns;
    let groups = rows.div_ceil(left.at.first.len().max(1));
    let own = |group: usize| {
        let first = &left.at.first[..left.at.first.len().min(rows - group * left.at.first.len())];
        Indexed { numbers: left.at.numbers.get(group * left.group..).unwrap_or_default(), first, ..left.at }
    };
    let left_rows = left.at.first.len();
    let lefts: Vec<Inside<'_, T>> = (0..groups).map(|group| own(group).inside()).collect::<Result<_>>()?;
    let target = Target::new(output, columns);
    let tasks = groups * right.panels.len();
    (0..tasks).into_par_iter().try_for_each(|task| {
        let (group, panel) = (task / right.panels.len(), task % right.panels.len());
        let before: usize = right.panels[..panel].iter().map(|panel| panel.width * right.depth).sum();
        let panel = right.panels[panel];
        let numbers = &right.numbers[before..][..panel.width * right.depth];
        for (part, (left, right)) in lefts[group].parts(DEPTH).zip(numbers.chunks(panel.width * DEPTH)).enumerate() {
            let start = match (part, start) {
                (0, Start::From(bias)) => Start::From(&bias[panel.begin..][..panel.columns]),
                (0, start) => start,
                _ => Start::Add,
            };
            Tiles { left, packed: None, panel, right, start, target, row: group * left_rows, ahead: None }.run()?;
        }
        Ok(())
    })
}

/// `outputᵦ ← Σₖ left(r, k) · right(k, j)` over the k of block b, for each of `blocks` blocks of whole groups of k: the
/// outputs lie one after another, and where `add` the sums are added to what is there. Here `left.at.second` holds a group's k,
/// and `right` is (k, columns), row-major; what a task takes is as wide as [`side`] says.
pub(super) fn sum_outer<T: Real>(
    left: &Left<'_, T>,
    (right, columns): (&[T], usize),
    blocks: usize,
    add: bool,
    side: usize,
    output: &mut [T],
) -> Result<()> {
    let start = if add { Start::Add } else { Start::Fresh };
    let (rows, size) = (left.at.first.len(), left.at.second.len());
    if columns == 0 || size == 0 || rows == 0 || output.len() != blocks * rows * columns {
        return Err(broken("the factors of a sum of products do not fit together"));
    }
    let count = right.len() / columns;
    let groups = count.div_ceil(size);
    let panels = panels::<T>(columns);
    let (height, across) = cut::<T>(rows, &panels, blocks, side);
    let (parts, sides) = (rows.div_ceil(height), panels.len().div_ceil(across));
    let target = Target::new(output, columns);
    (0..blocks * parts * sides).into_par_iter().try_for_each(|task| {
        let (block, part, side) = (task / sides / parts, task / sides % parts, task % sides);
        let own = &left.at.first[part * height..rows.min((part + 1) * height)];
        let panels = &panels[side * across..panels.len().min((side + 1) * across)];
        let mut sum = Sum::new(own.len(), panels, columns, start, target, block * rows + part * height);
        let parts = (block * groups / blocks..(block + 1) * groups / blocks).flat_map(|group| {
            let from = left.at.numbers.get(group * left.group..).unwrap_or_default();
            let ks = &left.at.second[..size.min(count - group * size)];
            ks.chunks(SHORT).enumerate().map(move |(chunk, ks)| {
                let begin = group * size + chunk * SHORT;
                (Indexed { numbers: from, first: own, second: ks }, &right[begin * columns..][..ks.len() * columns])
            })
        });
        let mut parts = parts.peekable();
        while let Some((left, right)) = parts.next() {
            sum.add(left, right, parts.peek())?;
        }
        Ok(())
    })
}

/// Sums of products of many small matrices side by side: `outputᵢ ← Σ left(r, k) · right(k, j)` for each i below `count`.
pub(super) struct Outer {
    rows: usize,
    columns: usize,
    count: usize,
    side: usize,
}

impl Outer {
    pub(super) fn new(rows: usize, columns: usize, count: usize) -> Self {
        Self { rows, columns, count, side: side() }
    }

    /// Sums over as many parts, in their order, to what is there where `add`. `factors` of (i, part) have at most [`SHORT`] k;
    /// the right one is (k, columns), row-major.
    pub(super) fn sum<'a, T: Real>(
        &self,
        add: bool,
        output: &mut [T],
        parts: usize,
        factors: impl Fn(usize, usize) -> (Indexed<'a, T>, &'a [T]) + Sync,
    ) -> Result<()> {
        let &Self { rows, columns, count, .. } = self;
        if output.len() != count * rows * columns || output.is_empty() {
            return Err(broken("the room for sums of products is not what they need"));
        }
        let panels = panels::<T>(columns);
        let (height, across) = cut::<T>(rows, &panels, count, self.side);
        let (heights, sides) = (rows.div_ceil(height), panels.len().div_ceil(across));
        let target = Target::new(output, columns);
        (0..count * heights * sides).into_par_iter().try_for_each(|task| {
            let (place, row, side) = (task / sides / heights, task / sides % heights * height, task % sides);
            let panels = &panels[side * across..panels.len().min((side + 1) * across)];
            let own = row..rows.min(row + height);
            let start = if add { Start::Add } else { Start::Fresh };
            let mut sum = Sum::new(own.len(), panels, columns, start, target, place * rows + row);
            let mut parts = (0..parts)
                .map(|part| {
                    let (left, right) = factors(place, part);
                    (Indexed { first: left.first.get(own.clone()).unwrap_or_default(), ..left }, right)
                })
                .peekable();
            while let Some((left, right)) = parts.next() {
                sum.add(left, right, parts.peek())?;
            }
            Ok(())
        })
    }
}

/// A part of a sum of products: so many rows, in some panels of the output.
struct Sum<'a, T> {
    panels: &'a [Panel],
    /// Of the whole output.
    columns: usize,
    start: Start<'a, T>,
    target: Target<T>,
    row: usize,
    rows: usize,
    laid_out: Vec<T>,
    /// Where the left factor is packed, if it pays.
    packed: Option<Vec<T>>,
}

impl<'a, T: Real> Sum<'a, T> {
    fn new(
        rows: usize,
        panels: &'a [Panel],
        columns: usize,
        start: Start<'a, T>,
        target: Target<T>,
        row: usize,
    ) -> Self {
        let width: usize = panels.iter().map(|panel| panel.width).sum();
        let widest = panels.iter().map(|panel| panel.width).max().unwrap_or(0);
        let room = |count: usize| vec![T::zero(); count + slack::<T>()];
        let packed = (width >= PACKED).then(|| room(rows.next_multiple_of(ROWS) * SHORT));
        Self { panels, columns, start, target, row, rows, laid_out: room(widest * SHORT), packed }
    }

    /// Adds what at most [`SHORT`] k make; `right` has a whole row for each. A panel is laid out just before it is multiplied, in
    /// the same room as the one before, so that it is in the nearest cache. What comes `next` is fetched meanwhile: pieces of
    /// rows, with gaps between them, are not what a processor prefetches by itself.
    fn add(&mut self, left: Indexed<'_, T>, right: &[T], next: Option<&(Indexed<'_, T>, &[T])>) -> Result<()> {
        let &mut Self { panels, columns, target, row, .. } = self;
        let (rows, depth) = (self.rows.next_multiple_of(ROWS), left.second.len());
        let broken = || broken("the factors of a sum of products do not fit together");
        if left.first.len() != self.rows || depth > SHORT || right.len() != depth * columns {
            return Err(broken());
        }
        let left = left.inside()?;
        let packed = match &mut self.packed {
            Some(room) => Some(pack(left, aligned(room, rows * depth).ok_or_else(broken)?)),
            None => None,
        };
        let tiles = panels.len() * self.rows.div_ceil(ROWS);
        let mut ahead = next.map(|&(left, right)| Ahead::new(left, (right, columns), panels, tiles));
        for &panel in panels {
            let numbers = aligned(&mut self.laid_out, panel.width * depth).ok_or_else(broken)?;
            wide(
                #[inline(always)]
                || copy_panel(right, columns, panel, numbers),
            );
            Tiles { left, packed, panel, right: numbers, start: self.start, target, row, ahead: ahead.as_mut() }
                .run()?;
        }
        self.start = Start::Add;
        Ok(())
    }
}

/// What both factors have of the k that come next, to be fetched some lines a tile: a core waits for few lines at once, and a
/// product that asks for more stands still.
struct Ahead<'a, T> {
    left: Indexed<'a, T>,
    /// Numbers of the left factor for each k, and of the right one.
    sizes: (usize, usize),
    right: &'a [T],
    columns: usize,
    /// Lines a tile.
    share: usize,
    /// The k that is next, and how many of its numbers have been fetched.
    k: usize,
    done: usize,
}

impl<'a, T> Ahead<'a, T> {
    const LINE: usize = CACHE_LINE / size_of::<T>();

    fn new(left: Indexed<'a, T>, (right, columns): (&'a [T], usize), panels: &[Panel], tiles: usize) -> Self {
        let (first, last) = (left.first.first().copied().unwrap_or(0), left.first.last().copied().unwrap_or(0));
        // Rows in another order are many lines, of which little is wanted.
        let is_dense = last.wrapping_sub(first) == left.first.len().wrapping_sub(1);
        let begin = panels.first().map_or(0, |panel| panel.begin);
        let side = panels.last().map_or(0, |panel| panel.begin + panel.columns) - begin;
        let sizes = (if is_dense { left.first.len().next_multiple_of(Self::LINE) } else { 0 }, side);
        let lines = left.second.len() * (sizes.0 + sizes.1).div_ceil(Self::LINE);
        let right = right.get(begin..).unwrap_or_default();
        Self { left, sizes, right, columns, share: lines.div_ceil(tiles.max(1)), k: 0, done: 0 }
    }

    #[inline(always)]
    fn some(&mut self) {
        for _ in 0..self.share {
            let Some(&k) = self.left.second.get(self.k) else { return };
            soon(if self.done < self.sizes.0 {
                self.left.numbers.as_ptr().wrapping_add(k + self.left.first[0] + self.done)
            } else {
                self.right.as_ptr().wrapping_add(self.k * self.columns + self.done - self.sizes.0)
            });
            self.done += Self::LINE;
            if self.done >= self.sizes.0 + self.sizes.1 {
                (self.k, self.done) = (self.k + 1, 0);
            }
        }
    }
}

/// Rows and panels of a task that sums over points. The bits do not depend on it: where few threads would wait for the last
/// task, tasks are smaller.
fn cut<T>(rows: usize, panels: &[Panel], blocks: usize, side: usize) -> (usize, usize) {
    let most = SIDE / size_of::<T>();
    let height = rows.div_ceil(rows.div_ceil(most).max(1)).next_multiple_of(ROWS);
    let columns: usize = panels.iter().map(|panel| panel.width).sum();
    let threads = rayon::current_num_threads();
    let is_even = |sides: &usize| {
        let tasks = blocks * rows.div_ceil(height) * sides;
        14 * tasks.next_multiple_of(threads) <= 15 * tasks
    };
    let least = columns.div_ceil(side / size_of::<T>()).clamp(1, panels.len());
    let sides = (least..panels.len()).find(is_even).unwrap_or(panels.len());
    (height, panels.len().div_ceil(sides))
}

/// The rows of a left factor tile by tile: for each k those of a tile side by side. Rows that a tile misses are its last one.
///
/// Numbers of one k lie together in memory, and those of one row may lie whole pages apart, too many of them for the few
/// places that a cache has for such addresses.
fn pack<'a, T: Real>(Inside(left): Inside<'_, T>, room: &'a mut [T]) -> &'a [T] {
    let (count, rows) = (left.second.len(), left.first);
    let own = room.as_chunks_mut::<ROWS>().0;
    let whole = if rows.windows(2).all(|pair| pair[1] == pair[0] + 1) { rows.len() / ROWS } else { 0 };
    for (group, ks) in left.second.chunks(TOGETHER).enumerate() {
        for tile in 0..whole {
            let own = &mut own[tile * count + group * TOGETHER..][..ks.len()];
            for (own, &k) in own.iter_mut().zip(ks) {
                own.copy_from_slice(&left.numbers[k + rows[0] + tile * ROWS..][..ROWS]);
            }
        }
    }
    for (tile, rows) in rows.chunks(ROWS).enumerate().skip(whole) {
        for (own, &k) in own[tile * count..].iter_mut().zip(left.second) {
            for (place, own) in own.iter_mut().enumerate() {
                *own = left.numbers[k + rows[place.min(rows.len() - 1)]];
            }
        }
    }
    room
}

/// Where a product goes: rows of an output that tasks share, none of them the same number.
#[derive(Clone, Copy)]
struct Target<T> {
    numbers: *mut T,
    rows: usize,
    columns: usize,
}

// SAFETY: tasks write numbers of their own, and nobody reads before all are done.
unsafe impl<T: Send> Send for Target<T> {}
unsafe impl<T: Send> Sync for Target<T> {}

impl<T> Target<T> {
    fn new(output: &mut [T], columns: usize) -> Self {
        Self { numbers: output.as_mut_ptr(), rows: output.len() / columns, columns }
    }
}

/// What the sums are added to.
#[derive(Clone, Copy)]
pub(super) enum Start<'a, T> {
    /// Nothing.
    Fresh,
    /// A number a column.
    From(&'a [T]),
    /// What is there.
    Add,
}

/// Rows of the output in one panel.
struct Tiles<'a, 't, T> {
    left: Inside<'a, T>,
    /// The same, packed.
    packed: Option<&'t [T]>,
    panel: Panel,
    right: &'t [T],
    start: Start<'t, T>,
    target: Target<T>,
    /// The first of them.
    row: usize,
    /// What is fetched meanwhile.
    ahead: Option<&'t mut Ahead<'a, T>>,
}

impl<T: Real> Tiles<'_, '_, T> {
    /// Computes them; an error if any number would lie outside.
    fn run(self) -> Result<()> {
        let Self { left: Inside(left), packed, panel, right, target, .. } = &self;
        let size = left.first.len().next_multiple_of(ROWS) * left.second.len();
        let fits = packed.is_none_or(|packed| packed.len() == size)
            && right.len() == panel.width * left.second.len()
            && self.row + left.first.len() <= target.rows
            && panel.begin + panel.columns <= target.columns
            && panel.columns <= panel.width
            && !matches!(self.start, Start::From(bias) if bias.len() != panel.columns);
        if !fits {
            return Err(broken("a product reaches outside of its numbers"));
        }
        Arch::new().dispatch(self);
        Ok(())
    }

    // Plain indices, since with iterators the compiler leaves the sums in memory.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn all<S: Simd, const VECTORS: usize, const PACKED: bool>(mut self, simd: S) {
        let (lanes, Inside(left)) = (T::lanes::<S>(), self.left);
        let width = VECTORS * lanes;
        for (tile, own) in left.first.chunks(ROWS).enumerate() {
            // A tile has all its rows: those that are missing are computed like the last one, and not kept.
            let mut rows = [left.numbers.as_ptr(); ROWS];
            for row in 0..ROWS {
                // SAFETY: an offset of a row and one of k together lie inside, as `Inside` says.
                rows[row] = unsafe { rows[row].add(own[row.min(own.len() - 1)]) };
            }
            // SAFETY: there are as many packed tiles as tiles, as `run` saw.
            let mut packed =
                self.packed.map_or(rows[0], |packed| unsafe { packed.as_ptr().add(tile * ROWS * left.second.len()) });
            if let Some(ahead) = &mut self.ahead {
                ahead.some();
            }
            let mut sums = [[T::splat(simd, T::zero()); VECTORS]; ROWS];
            let at = |row: usize| (self.row + tile * ROWS + row) * self.target.columns + self.panel.begin;
            let is_whole = own.len() == ROWS && self.panel.columns == width;
            let mut right = self.right.as_ptr();
            for &k in left.second {
                // SAFETY: the panel has a row of `width` numbers for each k, and each number of the left factor lies inside.
                unsafe {
                    let mut across = [T::splat(simd, T::zero()); VECTORS];
                    for vector in 0..VECTORS {
                        across[vector] = right.add(vector * lanes).cast::<T::Vector<S>>().read_unaligned();
                    }
                    for row in 0..ROWS {
                        let down = T::splat(simd, if PACKED { *packed.add(row) } else { *rows[row].add(k) });
                        for vector in 0..VECTORS {
                            sums[row][vector] = T::multiply_add(simd, down, across[vector], sums[row][vector]);
                        }
                    }
                    if !PACKED && VECTORS == 4 {
                        (0..VECTORS).for_each(|vector| near(right.wrapping_add(AHEAD * width + vector * lanes)));
                    }
                    right = right.add(width);
                    if PACKED {
                        packed = packed.add(ROWS);
                    }
                }
            }
            if is_whole {
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        // SAFETY: the row and the panel's columns lie in the target, as `run` saw, and belong to this task alone;
                        // and there is a number of the start for each column.
                        unsafe {
                            let place = self.target.numbers.add(at(row) + vector * lanes).cast::<T::Vector<S>>();
                            let sum = sums[row][vector];
                            place.write_unaligned(match self.start {
                                Start::Fresh => sum,
                                Start::Add => <T as Lane>::add(simd, place.read_unaligned(), sum),
                                Start::From(bias) => {
                                    let bias = bias.as_ptr().add(vector * lanes).cast::<T::Vector<S>>();
                                    <T as Lane>::add(simd, bias.read_unaligned(), sum)
                                }
                            });
                        }
                    }
                }
                continue;
            }
            // A copy is what the rest reads: an array that is read at places not known in advance would stay in memory above.
            let mut done = [[T::splat(simd, T::zero()); VECTORS]; ROWS];
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    done[row][vector] = sums[row][vector];
                }
            }
            for (place, sums) in done.iter().take(own.len()).enumerate() {
                // SAFETY: the row and the panel's columns lie in the target, as `run` saw, and belong to this task alone.
                let output =
                    unsafe { std::slice::from_raw_parts_mut(self.target.numbers.add(at(place)), self.panel.columns) };
                // SAFETY: vectors of T, one after another, are numbers one after another.
                let sums = unsafe { std::slice::from_raw_parts(sums.as_ptr().cast::<T>(), width) };
                match self.start {
                    Start::Fresh => output.copy_from_slice(&sums[..output.len()]),
                    Start::From(bias) => {
                        output.iter_mut().zip(sums).zip(bias).for_each(|((output, &sum), &bias)| *output = bias + sum);
                    }
                    Start::Add => output.iter_mut().zip(sums).for_each(|(output, &sum)| *output += sum),
                }
            }
        }
    }
}

impl<T: Real> WithSimd for Tiles<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.panel.vectors, self.packed.is_some()) {
            (1, false) => self.all::<S, 1, false>(simd),
            (2, false) => self.all::<S, 2, false>(simd),
            (_, false) => self.all::<S, 4, false>(simd),
            (1, true) => self.all::<S, 1, true>(simd),
            (2, true) => self.all::<S, 2, true>(simd),
            (_, true) => self.all::<S, 4, true>(simd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, over sizes below and above a tile, a panel, and a depth.
    #[test]
    fn products_are_sums_of_products() -> Result<()> {
        for (rows, depth, columns) in
            [(1, 1, 1), (5, 3, 17), (7, 513, 65), (97, 130, 70), (130, 45, 300), (200, 1_100, 31)]
        {
            let a: Vec<f64> = (0..rows * depth).map(|i| (0.7 * i as f64).sin()).collect();
            let b: Vec<f64> = (0..depth * columns).map(|i| (1.1 * i as f64).cos()).collect();
            let bias: Vec<f64> = (0..columns).map(|i| i as f64).collect();
            let steps = |count: usize, step: usize| (0..count).map(|i| i * step).collect::<Vec<_>>();
            let (down, across) = (steps(TASK, depth), steps(depth, 1));
            let left = Left { at: Indexed { numbers: &a, first: &down, second: &across }, group: TASK * depth };
            let (ks, js) = (steps(depth, columns), steps(columns, 1));
            let mut space = vec![0.0; room::<f64>(depth, columns)];
            let right = Panels::new(Indexed { numbers: &b, first: &ks, second: &js }, &mut space)?;
            let mut found = vec![f64::NAN; rows * columns];
            multiply(&left, &right, Start::From(&bias), &mut found)?;
            let near =
                |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            for (place, &found) in found.iter().enumerate() {
                let (r, j) = (place / columns, place % columns);
                near(found, bias[j] + (0..depth).map(|k| a[r * depth + k] * b[k * columns + j]).sum::<f64>());
            }
            // And once more to what is there.
            multiply(&left, &right, Start::Add, &mut found)?;
            for (place, &found) in found.iter().enumerate() {
                let (r, j) = (place / columns, place % columns);
                near(found, bias[j] + 2.0 * (0..depth).map(|k| a[r * depth + k] * b[k * columns + j]).sum::<f64>());
            }
            // The same numbers as a sum over the rows of both: aᵀ · c.
            let c: Vec<f64> = (0..rows * columns).map(|i| (0.3 * i as f64).sin()).collect();
            let (rs, ps) = (steps(depth, 1), steps(50, depth));
            // Rows side by side in memory, and in another order.
            let turned: Vec<usize> = rs.iter().rev().copied().collect();
            for (rs, blocks) in [(&rs, 1), (&rs, 2), (&turned, 1)] {
                let left = Left { at: Indexed { numbers: &a, first: rs, second: &ps }, group: 50 * depth };
                let mut found = vec![f64::NAN; blocks * depth * columns];
                if rows.div_ceil(50) >= blocks {
                    sum_outer(&left, (&c, columns), blocks, false, SIDE, &mut found)?;
                    // What a task takes decides no bit.
                    let mut wider = vec![f64::NAN; found.len()];
                    sum_outer(&left, (&c, columns), blocks, false, 2 * SIDE, &mut wider)?;
                    assert!(found.iter().zip(&wider).all(|(one, other)| one.to_bits() == other.to_bits()));
                    for place in 0..depth * columns {
                        let (r, j) = (rs[place / columns], place % columns);
                        let total: f64 = (0..blocks).map(|block| found[block * depth * columns + place]).sum();
                        near(total, (0..rows).map(|p| a[p * depth + r] * c[p * columns + j]).sum());
                    }
                    let once = found.clone();
                    sum_outer(&left, (&c, columns), blocks, true, side(), &mut found)?;
                    found.iter().zip(once).for_each(|(&twice, once)| near(twice, 2.0 * once));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn what_reaches_outside_is_refused() {
        let numbers = [1.0_f32; 6];
        let left = Left { at: Indexed { numbers: &numbers, first: &[0, 3], second: &[0, 4] }, group: 6 };
        let mut space = vec![0.0; room::<f32>(2, 3)];
        let right = Indexed { numbers: &numbers, first: &[0, 3], second: &[0, 1, 2] };
        let right = Panels::new(right, &mut space).expect("the right factor fits");
        assert!(multiply(&left, &right, Start::Fresh, &mut [0.0; 6]).is_err());
    }
}
