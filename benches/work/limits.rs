//! What this machine can do at most, measured in the moment, and what a work asks of it.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use sharp_minima::{Layer, Net};

/// Fused multiply-adds that count as two operations each, bytes to and from memory, and bits of a vector.
pub struct Limits {
    pub flops: f64,
    pub bytes: f64,
    pub bits: usize,
}

/// What one run of a work needs at least: operations of its matrix products by their definition (a multiplication and an
/// addition are two), and bytes to and from memory if no cache held anything from one layer to the next.
#[derive(Default, Clone, Copy)]
pub struct Need {
    pub flops: f64,
    pub bytes: f64,
}

impl Limits {
    /// On all threads of the pool that it is called in; a tenth of a second each.
    pub fn measure() -> Self {
        Self { flops: flops(), bytes: bytes(), bits: 8 * std::mem::size_of::<f32>() * Arch::new().dispatch(Lanes) }
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Multiply-adds in registers: enough chains side by side that none waits for its last.
struct Chains {
    rounds: usize,
}

const CHAINS: usize = 12;

impl WithSimd for Chains {
    type Output = usize;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let (factor, term) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(1.0)));
        let mut sums = [term; CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        black_box(sums);
        self.rounds * CHAINS * S::F32_LANES * 2
    }
}

fn flops() -> f64 {
    let start = Instant::now();
    let done: usize = rayon::broadcast(|_| Arch::new().dispatch(Chains { rounds: 30_000_000 })).into_iter().sum();
    done as f64 / start.elapsed().as_secs_f64()
}

/// `a ← a + s b` over vectors that no cache holds: two reads and a write of each number.
fn bytes() -> f64 {
    const NUMBERS: usize = 1 << 25;
    const BLOCK: usize = 1 << 14;
    let (mut a, b) = (vec![1.0_f32; NUMBERS], vec![0.5_f32; NUMBERS]);
    let mut sweep = || {
        a.par_chunks_mut(BLOCK).zip(b.par_chunks(BLOCK)).for_each(|(a, b)| {
            Arch::new().dispatch(
                #[inline(always)]
                || a.iter_mut().zip(b).for_each(|(a, &b)| *a += 0.25 * b),
            );
        });
    };
    sweep();
    let start = Instant::now();
    const SWEEPS: usize = 4;
    (0..SWEEPS).for_each(|_| sweep());
    (SWEEPS * NUMBERS * 3 * size_of::<f32>()) as f64 / start.elapsed().as_secs_f64()
}

/// Of one pass over so many points, or of one there and back.
pub fn of_pass(net: &Net, points: usize, back: bool) -> Need {
    let mut shape = net.input().to_vec();
    let size = |shape: &[usize]| shape.iter().product::<usize>() as f64;
    // Products of the layer that stands on data have no way back to it.
    let (mut products, mut first, mut numbers) = (0.0, 0.0, 0.0);
    for layer in net.layers() {
        let before = shape.clone();
        let mut slid = |channels: usize, window: usize, stride: usize, padding: usize| {
            let side = |side: usize| (side + 2 * padding - window) / stride + 1;
            shape = vec![channels, side(before[1]), side(before[2])];
        };
        let mut own = 0.0;
        match *layer {
            Layer::Dense { outputs } => {
                own = 2.0 * size(&before) * outputs as f64;
                shape = vec![outputs];
            }
            Layer::Conv { filters, window, stride, padding } => {
                slid(filters, window, stride, padding);
                own = 2.0 * size(&shape) * (before[0] * window * window) as f64;
            }
            Layer::MaxPool { window, stride, padding } => slid(before[0], window, stride, padding),
            Layer::Flatten => shape = vec![before.iter().product()],
            _ => {}
        }
        if first == 0.0 {
            first = own;
        }
        products += own;
        if !matches!(layer, Layer::Flatten) {
            numbers += size(&shape);
        }
    }
    let (points, weights) = (points as f64, net.parameter_count() as f64);
    let (flops, transfers) = if back { (3.0 * products - first, 5.0) } else { (products, 2.0) };
    Need { flops: points * flops, bytes: 4.0 * (points * numbers * transfers + weights * if back { 2.0 } else { 1.0 }) }
}

/// Of a step of ADAM over so many weights: it reads x, ∇f, m and v, and writes three of them.
pub fn of_adam(weights: usize) -> Need {
    Need { flops: 0.0, bytes: 28.0 * weights as f64 }
}

impl std::ops::Add for Need {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { flops: self.flops + other.flops, bytes: self.bytes + other.bytes }
    }
}

impl std::ops::Mul<f64> for Need {
    type Output = Self;
    fn mul(self, times: f64) -> Self {
        Self { flops: self.flops * times, bytes: self.bytes * times }
    }
}
