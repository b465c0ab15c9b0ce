//! A convolution, its normalization and the pooling after it, a few images at a time, where a pass keeps nothing: what the
//! convolution makes never leaves the cache, and only the largest of each window is written. One layer of C1 on 5,000 points
//! would be 1.3 GB.
//!
//! A number y is normalized to `(y − center) · scale + shift`, no smaller than the ReLU's floor. Where nothing overflows each of these
//! steps keeps the order of two numbers, rounded too, or with a negative scale turns it round. So the largest of a window after them
//! is what they make of its largest, or of its smallest: the pooling comes first, the statistics are those of all numbers, and the
//! bits are those of one operation after the other.

use super::super::averages::Averages;
use super::super::points::Real;
use super::buffers::Buffers;
use super::convolution::Convolution;
use super::normalize::{Blocks, Moments, Normalize};
use super::pooling::Pooling;
use crate::error::Result;

/// Numbers of images that are worked on at once: they stay in the cache that cores share.
const ROOM: usize = 1 << 21;
/// Images for each thread at least, since each is pooled by one.
const EACH: usize = 2;

/// A convolution with what follows it.
pub(super) struct Pooled<'a> {
    convolution: &'a Convolution,
    normalize: &'a Normalize,
    pooling: &'a Pooling,
    /// How many are worked on at once: as many as make whole blocks of the statistics.
    images: usize,
}

impl<'a> Pooled<'a> {
    /// For this many threads; nothing where no pooling follows, or where no number of images that makes whole blocks has room.
    pub(super) fn new(convolution: &'a Convolution, normalize: &'a Normalize, threads: usize) -> Option<Self> {
        let pooling = normalize.pooling.as_ref()?;
        let (size, block) = (pooling.input(), normalize.block());
        let most = (ROOM / size).max(EACH * threads);
        let images = (1..=most).rev().find(|images| images * size % block == 0)?;
        Some(Self { convolution, normalize, pooling, images })
    }

    /// Numbers of a point after the pooling.
    pub(super) fn output(&self) -> usize {
        self.pooling.output()
    }

    /// Features of the normalization.
    pub(super) fn features(&self) -> usize {
        self.normalize.features
    }

    /// From the input of the convolution, (points, rows, columns, channels), to the output of the pooling, and the moments between them.
    pub(super) fn forward<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        output: &mut [T],
        averages: Averages<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Result<Moments> {
        let &Self { convolution, normalize, pooling, images } = self;
        let count = output.len() / pooling.output();
        let mut room = buffers.take(images.min(count) * pooling.input());
        let mut blocks = Blocks::default();
        let some = output.chunks_mut(images * pooling.output()).zip(input.chunks(images * convolution.input()));
        for (output, input) in some {
            let own = &mut room[..output.len() / pooling.output() * pooling.input()];
            if let Some(framed) = convolution.forward(x, input, own, buffers)? {
                buffers.give(framed);
            }
            if matches!(averages, Averages::Batch) {
                normalize.add_blocks(own, &mut blocks);
            }
            normalize.negate(x, own);
            pooling.forward(own, output, None);
            normalize.negate(x, output);
        }
        buffers.give(room);
        let moments = match averages {
            Averages::Batch => normalize.moments_of(blocks),
            Averages::Fixed(averages) => normalize.given(averages),
        };
        normalize.forward(x, &moments, None, output);
        Ok(moments)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::engine::{Engine, Passes};
    use super::super::super::points::Points;
    use super::super::super::{Device, Layer, Net};
    use super::super::{Chain, Operation};
    use super::*;
    use crate::data::Synthetic;
    use crate::seed::Seed;

    fn conv(filters: usize, window: usize) -> Layer {
        Layer::Conv { filters, window, stride: 1, padding: window / 2 }
    }

    fn pool(window: usize, stride: usize, padding: usize) -> Layer {
        Layer::MaxPool { window, stride, padding }
    }

    /// f of more images than are worked on at once has the bits of a pass that keeps everything, with averages of the batch and with
    /// given ones, where scales are negative, and where a weight is NaN.
    fn compare<T: Real>(net: &Net, points: usize) -> Result<()> {
        let data = Synthetic::new(net.input(), 3).train(points).test(1).seed(2).make()?.train;
        let start = net.start(Seed(5), 0).to_f64();
        let given: Vec<T> =
            (0..net.layout().buffer_count()).map(|i| T::from_f64(1.0 + 0.5 * (0.9 * i as f64).sin())).collect();
        // One NaN is as good as another.
        let bit = |z: f64| if z.is_nan() { u64::MAX } else { z.to_bits() };
        let bits = |numbers: &[T]| numbers.iter().map(|&z| bit(z.into())).collect::<Vec<u64>>();
        for (sign, first) in [(1.0, 0.1), (-1.0, 0.1), (1.0, f64::NAN)] {
            // Every third weight has the other sign: a γ begins at 1.
            let signed = |(i, &w): (usize, &f64)| T::from_f64(if i % 3 == 0 { sign * w } else { w });
            let mut x: Vec<T> = start.iter().enumerate().map(signed).collect();
            x[0] = T::from_f64(first);
            for averages in [Averages::Batch, Averages::Fixed(&given)] {
                let mut engine = Engine::<T>::new(net, Passes::Fused, Device::Cpu)?;
                engine.move_to(&x)?;
                let all = Points::Range(0..points);
                engine.pass_back(&data, &all, averages, None)?;
                let kept = (bits(engine.logits()), engine.averages()?.iter().map(|&a| bit(a)).collect::<Vec<_>>());
                engine.pass(&data, &all, averages)?;
                let found = (bits(engine.logits()), engine.averages()?.iter().map(|&a| bit(a)).collect::<Vec<_>>());
                assert!(found == kept, "{net:?}, {sign}");
            }
        }
        Ok(())
    }

    #[test]
    fn bits_are_those_of_one_operation_after_the_other() -> Result<()> {
        let nets = [
            // An image is two blocks of the first, and half a block of the second, by minimal filtering.
            (
                vec![conv(64, 3), Layer::norm(), Layer::Relu, pool(3, 2, 1), conv(64, 5), Layer::norm(), pool(4, 4, 0)],
                [3, 32, 32],
                [Some(32), Some(128)],
                131,
            ),
            // Blocks and images have no common end below 64 images, or none that there is room for.
            (
                vec![conv(32, 3), Layer::norm(), pool(2, 2, 0), conv(48, 3), Layer::norm(), Layer::Relu, pool(2, 1, 1)],
                [1, 28, 28],
                [Some(64), None],
                71,
            ),
        ];
        for (mut layers, input, expected, points) in nets {
            layers.extend([Layer::Flatten, Layer::Dense { outputs: 3 }]);
            let net = Net::new("pooled", &input, layers)?;
            let chain = Chain::<f32>::new(&net);
            let operations = chain.operations.iter().zip(chain.operations.iter().skip(1));
            let found = operations.filter_map(|((operation, _), (next, _))| match (operation, next) {
                (Operation::Convolution(own), Operation::Normalize(normalize)) => {
                    Some(Pooled::new(own, normalize, 2).map(|pooled| pooled.images))
                }
                _ => None,
            });
            assert_eq!(found.collect::<Vec<_>>(), expected);
            compare::<f32>(&net, points)?;
            compare::<f64>(&net, points)?;
        }
        Ok(())
    }
}
