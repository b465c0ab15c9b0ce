//! Which points come next? An epoch draws every point once, in an order of its own, cut into batches.

use std::ops::Range;

use crate::seed::{Random, Seed, Stream, shuffle};

/// The batches of one trial, one after another. It owns the stream that shuffles.
pub(super) struct Draw {
    random: Random,
    order: Vec<usize>,
    batches: Vec<Range<usize>>,
    next: usize,
}

impl Draw {
    pub(super) fn new(seed: Seed, trial: usize, points: usize, batch: usize) -> Self {
        let random = seed.stream(Stream::Shuffle, trial as u64);
        Self { random, order: (0..points).collect(), batches: batches(points, batch), next: 0 }
    }

    /// How many points there are.
    pub(super) fn points(&self) -> usize {
        self.order.len()
    }

    /// The points of the batch that is next; a new epoch begins with a new order.
    pub(super) fn batch(&mut self) -> &[usize] {
        if self.next == self.batches.len() {
            self.next = 0;
        }
        if self.next == 0 {
            shuffle(&mut self.order, &mut self.random);
        }
        &self.order[self.batches[self.next].clone()]
    }

    /// That batch is done; whether the epoch is, too.
    pub(super) fn done(&mut self) -> bool {
        self.next += 1;
        self.next == self.batches.len()
    }
}

/// The places of an epoch's order in batches; a single point that remains is joined to the batch before it.
fn batches(points: usize, size: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<_> = (0..points).step_by(size).map(|begin| begin..points.min(begin + size)).collect();
    if size > 1 && batches.len() > 1 && points % size == 1 {
        batches.pop();
        batches.iter_mut().rev().take(1).for_each(|last| last.end = points);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_draw_every_point_once() {
        let sizes = |points: usize, size: usize| -> Vec<usize> {
            let batches = batches(points, size);
            assert_eq!(batches.iter().cloned().flatten().collect::<Vec<_>>(), (0..points).collect::<Vec<_>>());
            batches.iter().map(ExactSizeIterator::len).collect()
        };
        assert_eq!(sizes(10, 4), [4, 4, 2]);
        assert_eq!(sizes(9, 4), [4, 5]);
        assert_eq!(sizes(8, 4), [4, 4]);
        assert_eq!(sizes(4, 4), [4]);
        assert_eq!(sizes(5, 4), [5]);
        assert_eq!(sizes(3, 1), [1, 1, 1]);
        assert_eq!(sizes(1, 1), [1]);
    }

    #[test]
    fn an_epoch_has_every_point_and_an_order_of_its_own() {
        let mut draw = Draw::new(Seed(0), 0, 10, 4);
        let mut epoch = || {
            let mut points = Vec::new();
            loop {
                points.extend_from_slice(draw.batch());
                if draw.done() {
                    return points;
                }
            }
        };
        let (first, second) = (epoch(), epoch());
        assert_ne!(first, second);
        for mut points in [first, second] {
            points.sort_unstable();
            assert_eq!(points, (0..10).collect::<Vec<_>>());
        }
    }
}
