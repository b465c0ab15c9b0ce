//! Where does the time of a step go? Layers alone, and steps of training.
//!
//! `cargo bench --bench steps` runs all of them, `cargo bench --bench steps -- dense` those with the word in their names.
//! They run on as many threads as the machine has, or `RAYON_NUM_THREADS` says. `against_pytorch.py` compares with PyTorch.
//!
//! A layer is timed in a net that has little else: a normalization before it where it has a derivative by its input, which
//! then is computed too, and after it what makes one small vector of each point. `Forward` is f, `ForwardAndBackward` is
//! f and ∇f, both with batch statistics; in f64 ∇f costs a little more than in a step of training.

use divan::Bencher;
use divan::counter::ItemsCount;
use sharp_minima::data::Synthetic;
use sharp_minima::{Dataset, Layer, Net, Objective, Result, Seed, Training, zoo};

fn main() {
    divan::main();
}

#[derive(Debug)]
enum Pass {
    Forward,
    ForwardAndBackward,
}

const PASSES: [Pass; 2] = [Pass::Forward, Pass::ForwardAndBackward];

#[divan::bench_group(sample_count = 30, sample_size = 1, max_time = 5)]
mod layer {
    use super::*;

    /// Of 512 numbers 512.
    #[divan::bench(args = PASSES, consts = [256, 6_000])]
    fn dense<const POINTS: usize>(bencher: Bencher, pass: &Pass) {
        time(bencher, pass, POINTS, &[512], vec![Layer::norm(), Layer::Dense { outputs: 512 }]);
    }

    /// 64 filters of 5×5 over 64 channels of 16×16, as the second of C1.
    #[divan::bench(args = PASSES, consts = [64])]
    fn convolution_5<const POINTS: usize>(bencher: Bencher, pass: &Pass) {
        let convolution = Layer::Conv { filters: 64, window: 5, stride: 1, padding: 2 };
        time(bencher, pass, POINTS, &[64, 16, 16], vec![Layer::norm(), convolution, whole(16), Layer::Flatten]);
    }

    /// 512 filters of 3×3 over 512 channels of 4×4, as the last but three of C2.
    #[divan::bench(args = PASSES, consts = [64])]
    fn convolution_3<const POINTS: usize>(bencher: Bencher, pass: &Pass) {
        let convolution = Layer::Conv { filters: 512, window: 3, stride: 1, padding: 1 };
        time(bencher, pass, POINTS, &[512, 4, 4], vec![Layer::norm(), convolution, whole(4), Layer::Flatten]);
    }

    /// Normalization and ReLU of 512 numbers.
    #[divan::bench(args = PASSES, consts = [256, 6_000])]
    fn normalization_of_vectors<const POINTS: usize>(bencher: Bencher, pass: &Pass) {
        time(bencher, pass, POINTS, &[512], vec![Layer::norm(), Layer::Relu]);
    }

    /// Normalization and ReLU of 64 channels of 32×32.
    #[divan::bench(args = PASSES, consts = [64])]
    fn normalization_of_images<const POINTS: usize>(bencher: Bencher, pass: &Pass) {
        time(bencher, pass, POINTS, &[64, 32, 32], vec![Layer::norm(), Layer::Relu, whole(32), Layer::Flatten]);
    }

    /// Windows of 3×3 with stride 2 over 64 channels of 32×32, as the first of C1.
    #[divan::bench(args = PASSES, consts = [64])]
    fn max_pooling<const POINTS: usize>(bencher: Bencher, pass: &Pass) {
        let pooling = Layer::MaxPool { window: 3, stride: 2, padding: 1 };
        time(bencher, pass, POINTS, &[64, 32, 32], vec![Layer::norm(), pooling, whole(16), Layer::Flatten]);
    }
}

#[divan::bench_group(sample_count = 30, sample_size = 1, max_time = 10)]
mod step {
    use super::*;

    #[divan::bench(args = [256, 6_000])]
    fn f1(bencher: Bencher, batch: usize) {
        time_steps(bencher, batch, zoo::f1, &[1, 28, 28]);
    }

    #[divan::bench(args = [256])]
    fn c1(bencher: Bencher, batch: usize) {
        time_steps(bencher, batch, zoo::c1, &[3, 32, 32]);
    }

    #[divan::bench(args = [64])]
    fn c2(bencher: Bencher, batch: usize) {
        time_steps(bencher, batch, zoo::c2, &[3, 32, 32]);
    }
}

/// The largest of a whole channel: it makes one number of it, and costs little.
fn whole(side: usize) -> Layer {
    Layer::MaxPool { window: side, stride: side, padding: 0 }
}

fn points(shape: &[usize], classes: usize, count: usize) -> Result<Dataset> {
    Synthetic::new(shape, classes).train(count).test(1).spread(10.0).make()
}

fn time(bencher: Bencher, pass: &Pass, count: usize, shape: &[usize], layers: Vec<Layer>) {
    let net = Net::new("layer", shape, layers).expect("the layers fit together");
    let split = points(shape, net.classes(), count).expect("the data can be made").train;
    let (x, objective) = (net.start(Seed(0), 0), Objective::new().chunk(count));
    let bencher = bencher.counter(ItemsCount::new(count));
    match pass {
        Pass::Forward => bencher.bench_local(|| objective.value(&net, &split, &x).expect("f")),
        Pass::ForwardAndBackward => bencher.bench_local(|| objective.gradient(&net, &split, &x).expect("f and ∇f")),
    }
}

fn time_steps(bencher: Bencher, batch: usize, build: fn(&[usize], usize, f64) -> Result<Net>, shape: &[usize]) {
    let net = build(shape, 10, 1.0).expect("the net fits its shape");
    let data = points(shape, 10, 6_000).expect("the data can be made");
    let mut descent = Training::adam().batch(batch).begin(&net, &data, 0).expect("the net fits the data");
    bencher.counter(ItemsCount::new(batch)).bench_local(|| descent.step(&data).expect("a step"));
}
