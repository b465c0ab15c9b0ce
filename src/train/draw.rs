//! Which points come next? An epoch draws every point once, in an order of its own, cut into batches.

use std::ops::Range;

use super::recipe::Recipe;
use crate::data::{Augment, Split};
use crate::error::Result;
use crate::seed::{Random, Stream, shuffle, stream_from};

/// The batches of one trial, one after another. It owns the streams that shuffle points and move images.
pub(super) struct Draw {
    random: Random,
    order: Vec<usize>,
    batches: Vec<Range<usize>>,
    next: usize,
    augment: Option<(Augment, Random)>,
}

impl Draw {
    pub(super) fn new(recipe: &Recipe, trial: usize, points: usize) -> Self {
        let stream = |purpose| recipe.seed.stream(purpose, trial as u64);
        Self {
            random: stream(Stream::Shuffle),
            order: (0..points).collect(),
            batches: Vec::new(),
            next: 0,
            augment: recipe.augment.filter(|augment| !augment.is_off()).map(|it| (it, stream(Stream::Augment))),
        }
    }

    /// Goes on after so many epochs, with images moved from that word of their stream on.
    pub(super) fn resume(&mut self, epochs: usize, word: Option<u64>) {
        (0..epochs).for_each(|_| shuffle(&mut self.order, &mut self.random));
        if let (Some((_, random)), Some(word)) = (&mut self.augment, word) {
            *random = stream_from(random, word.into());
        }
    }

    /// At which word of its stream the next images are moved.
    pub(super) fn word(&self) -> Option<u64> {
        self.augment.as_ref().map(|(_, random)| random.get_word_pos() as u64)
    }

    /// How many points there are.
    pub(super) fn points(&self) -> usize {
        self.order.len()
    }

    /// The points of the batch that is next; a new epoch begins with a new order, cut into batches of this size. Where images
    /// are moved, the split has these points, as they were moved.
    pub(super) fn batch(&mut self, split: &Split, size: usize) -> Result<(&[usize], Option<Split>)> {
        if self.next == self.batches.len() {
            self.next = 0;
        }
        if self.next == 0 {
            shuffle(&mut self.order, &mut self.random);
            self.batches = batches(self.order.len(), size);
        }
        let points = &self.order[self.batches[self.next].clone()];
        let moved = self.augment.as_mut().map(|(augment, random)| augment.apply(split, points, random)).transpose()?;
        Ok((points, moved))
    }

    /// That batch is done; whether the epoch is, too.
    pub(super) fn done(&mut self) -> bool {
        self.next += 1;
        self.next == self.batches.len()
    }
}

/// The places of an epoch's order in batches, and those of a batch in parts; a single point that remains is joined to the batch
/// before it.
pub(super) fn batches(points: usize, size: usize) -> Vec<Range<usize>> {
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
    use crate::error::Error;
    use crate::optim::Optimizer;

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
    fn an_epoch_has_every_point_and_an_order_of_its_own() -> Result<()> {
        let split = Split::new(vec![0.0; 10], vec![0; 10], vec![1], 1)?;
        let mut draw = Draw::new(&Recipe::new(Optimizer::adam()), 0, 10);
        let mut epoch = |size: usize| {
            let mut points = Vec::new();
            loop {
                points.extend_from_slice(draw.batch(&split, size)?.0);
                if draw.done() {
                    return Ok::<_, Error>(points);
                }
            }
        };
        let (first, second) = (epoch(4)?, epoch(5)?);
        assert_ne!(first, second);
        for mut points in [first, second] {
            points.sort_unstable();
            assert_eq!(points, (0..10).collect::<Vec<_>>());
        }
        Ok(())
    }
}
