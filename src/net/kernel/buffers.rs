//! Room that the passes of a chain share, and what an operation's backward pass needs from its forward pass.

use std::ops::{Deref, DerefMut};

use crate::memory::zeros;

/// Numbers on loan from [`Buffers`].
pub(super) struct Buffer<T> {
    numbers: Vec<T>,
    len: usize,
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.numbers[..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.numbers[..self.len]
    }
}

/// Room that passes use again and again: fresh memory costs as much time as a layer's arithmetic.
#[derive(Default)]
pub(super) struct Buffers<T> {
    free: Vec<Vec<T>>,
}

impl<T: Copy + Default> Buffers<T> {
    /// Room for `len` numbers; what stands in it is left over.
    pub(super) fn take(&mut self, len: usize) -> Buffer<T> {
        let sizes = self.free.iter().enumerate().map(|(place, room)| (room.len(), place));
        let best = sizes.clone().filter(|&(size, _)| size >= len).min();
        if let Some((_, place)) = best {
            return Buffer { numbers: self.free.swap_remove(place), len };
        }
        // The largest makes room, so that sizes that grow do not pile up.
        if let Some((_, place)) = sizes.max() {
            self.free.swap_remove(place);
        }
        Buffer { numbers: zeros(len), len }
    }

    pub(super) fn give(&mut self, buffer: Buffer<T>) {
        self.free.push(buffer.numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room is found again, and what is too small makes way.
    #[test]
    fn buffers_are_used_again() {
        let mut buffers = Buffers::<f32>::default();
        let (a, b) = (buffers.take(10), buffers.take(1_000));
        buffers.give(a);
        buffers.give(b);
        assert_eq!((buffers.take(9).numbers.len(), buffers.take(500).numbers.len()), (10, 1_000));
        assert!(buffers.free.is_empty());
        let small = buffers.take(3);
        buffers.give(small);
        let large = buffers.take(4);
        buffers.give(large);
        assert_eq!(buffers.free.len(), 1);
    }
}
