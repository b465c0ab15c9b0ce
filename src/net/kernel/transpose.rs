//! From (channels, pixels) to (pixels, channels) of each point, and back again.

use rayon::prelude::*;

/// The transposition of images of this size.
pub(super) struct Transpose {
    channels: usize,
    pixels: usize,
    last: bool,
}

impl Transpose {
    /// For the shape [channels, height, width]: channels to the end where `last`, else to the front; none where both are
    /// the same order.
    pub(super) fn new(shape: &[usize], last: bool) -> Option<Self> {
        let (channels, pixels) = (shape[0], shape[1] * shape[2]);
        (channels > 1 && pixels > 1).then_some(Self { channels, pixels, last })
    }

    pub(super) fn forward<T: Copy + Send + Sync>(&self, input: &[T], output: &mut [T]) {
        self.transpose(input, output, if self.last { self.channels } else { self.pixels });
    }

    pub(super) fn backward<T: Copy + Send + Sync>(&self, input: &[T], output: &mut [T]) {
        self.transpose(input, output, if self.last { self.pixels } else { self.channels });
    }

    /// Transposes the matrix of each point, which has so many rows.
    fn transpose<T: Copy + Send + Sync>(&self, input: &[T], output: &mut [T], rows: usize) {
        let size = self.channels * self.pixels;
        let columns = size / rows;
        output.par_chunks_mut(size).zip(input.par_chunks(size)).for_each(|(output, input)| {
            for (column, output) in output.chunks_exact_mut(rows).enumerate() {
                output
                    .iter_mut()
                    .zip(input[column..].iter().step_by(columns))
                    .for_each(|(place, &value)| *place = value);
            }
        });
    }
}
