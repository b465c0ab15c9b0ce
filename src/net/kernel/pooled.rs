//! A convolution, its normalization and the pooling after it, a few images at a time, where a pass keeps nothing: what the
//! convolution makes never leaves the cache, and only the largest of each window is written. One layer of C1 on 5,000 points
//! would be 1.3 GB.
//!
//! A number y is normalized to `(y − center) · scale + shift`, no smaller than the ReLU's floor. Each of these steps keeps the
//! order of two numbers, rounded too, or with a negative scale turns it round. So the largest of a window after them is what they
//! make of its largest, or of its smallest: the pooling comes first, the statistics are those of all numbers, and the bits are those
//! of one operation after the other.

use super::super::averages::Averages;
use super::super::points::Real;
use super::buffers::{Buffer, Buffers};
use super::convolution::Convolution;
use super::normalize::{Moments, Normalize, Seen};
use super::pooling::Pooling;
use crate::error::Result;

/// Numbers of images that are worked on at once: they stay in the cache that cores share, and are enough for all threads.
const ROOM: usize = 1 << 21;

/// A convolution with what follows it.
pub(super) struct Pooled<'a> {
    pub(super) convolution: &'a Convolution,
    pub(super) normalize: &'a Normalize,
    pub(super) pooling: &'a Pooling,
}

impl Pooled<'_> {
    /// Images that are worked on at once: as many as make whole blocks of the statistics, or nothing where so many have no room.
    pub(super) fn images(&self) -> Option<usize> {
        let (size, block) = (self.pooling.input(), self.normalize.block());
        (1..=ROOM / size).rev().find(|images| images * size % block == 0)
    }

    /// From the input of the convolution to the output of the pooling, and the moments between them; so many `images` at a time.
    pub(super) fn forward<T: Real>(
        &self,
        x: &[T],
        images: usize,
        input: &[T],
        output: &mut [T],
        averages: Averages<'_, T>,
        buffers: &mut Buffers<T>,
    ) -> Result<Moments> {
        let Self { convolution, normalize, pooling } = self;
        let count = output.len() / pooling.output();
        let mut room: Buffer<T> = buffers.take(images.min(count) * pooling.input());
        let mut seen = Seen::default();
        let waves = output.chunks_mut(images * pooling.output()).zip(input.chunks(images * convolution.input()));
        for (output, input) in waves {
            let own = &mut room[..output.len() / pooling.output() * pooling.input()];
            if let Some(framed) = convolution.forward(x, input, own, buffers)? {
                buffers.give(framed);
            }
            if matches!(averages, Averages::Batch) {
                normalize.see(own, &mut seen);
            }
            normalize.turn(x, own);
            pooling.forward(own, output, None);
            normalize.turn(x, output);
        }
        buffers.give(room);
        let moments = match averages {
            Averages::Batch => normalize.seen(seen),
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
    use super::*;
    use crate::data::Synthetic;
    use crate::seed::Seed;

    /// f of more images than are worked on at once, whole blocks of them and a rest, has the bits of a pass that keeps everything,
    /// with averages of the batch and with given ones, and where scales are negative.
    #[test]
    fn bits_are_those_of_one_operation_after_the_other() -> Result<()> {
        let conv = |filters, window| Layer::Conv { filters, window, stride: 1, padding: window / 2 };
        let pool = |window, stride, padding| Layer::MaxPool { window, stride, padding };
        let nets = [
            // A block is half an image; then eight, by minimal filtering.
            (
                vec![conv(64, 3), Layer::norm(), Layer::Relu, pool(3, 2, 1), conv(64, 5), Layer::norm(), pool(4, 4, 0)],
                [3, 32, 32],
                [Some(32), Some(128)],
            ),
            // Blocks and images have no common end below 64 images, or none that there is room for.
            (
                vec![conv(32, 3), Layer::norm(), pool(2, 2, 0), conv(48, 3), Layer::norm(), Layer::Relu, pool(2, 1, 1)],
                [1, 28, 28],
                [Some(64), None],
            ),
        ];
        for (mut layers, input, expected) in nets {
            layers.extend([Layer::Flatten, Layer::Dense { outputs: 3 }]);
            let net = Net::new("pooled", &input, layers)?;
            let chain = super::super::Chain::<f32>::new(&net);
            let operations = &chain.operations;
            let found: Vec<Option<usize>> = (0..operations.len())
                .filter_map(|place| match &operations[place].0 {
                    super::super::Operation::Convolution(own) => {
                        Some(super::super::pooled(own, operations.get(place + 1)).map(|(_, images)| images))
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(found, expected);
            let data = Synthetic::new(net.input(), 3).train(71).test(1).seed(2).make()?.train;
            for sign in [1.0f32, -1.0] {
                // Every third weight has the other sign: a γ begins at 1.
                let start = net.start(Seed(5), 0).to_f64();
                let x: Vec<f32> = start
                    .iter()
                    .enumerate()
                    .map(|(i, &w)| if i % 3 == 0 { sign * w as f32 } else { w as f32 })
                    .collect();
                let given: Vec<f32> =
                    (0..net.layout().buffer_count()).map(|i| 1.0 + 0.5 * (0.9 * i as f32).sin()).collect();
                for averages in [Averages::Batch, Averages::Fixed(&given)] {
                    let mut engine = Engine::<f32>::new(&net, Passes::Fused, Device::Cpu)?;
                    engine.move_to(&x)?;
                    let points = Points::Range(0..71);
                    engine.pass_back(&data, &points, averages, None)?;
                    let (kept, seen) = (engine.logits().to_vec(), engine.averages()?.into_owned());
                    engine.pass(&data, &points, averages)?;
                    assert!(engine.logits() == kept && *engine.averages()? == seen, "{net:?}, {sign}");
                    assert!(kept.iter().all(|z| z.is_finite()));
                }
            }
        }
        Ok(())
    }
}
