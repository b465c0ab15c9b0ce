//! Whole trainings and measures, to the bit: a change that is meant to change no number shows here that it changed none.
//!
//! Where a change is meant to change numbers, a failing test prints the new ones; they belong into the same commit as the
//! change, and records that were made before belong to another version.
//!
//! Bits hold on Linux for processors with fused multiply-add, whatever the width of their vectors and the number of threads;
//! elsewhere logarithms are another library's, and nothing is compared.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use sharp_minima::{
    Between, Dataset, Net, Objective, Run, Sharpness, Statistics, Training, Trials, Weights, data, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn compared(what: &str, found: &[u64], pinned: &[u64]) {
    if std::arch::is_x86_feature_detected!("fma") {
        let said: Vec<String> = found.iter().map(|bits| format!("{bits:#018x}")).collect();
        assert_eq!(found, pinned, "{what} is now [{}]", said.join(", "));
    } else {
        println!("{what}: not compared, since this processor has no fused multiply-add");
    }
}

/// A digest of numbers by their bytes.
fn digest(bytes: impl Iterator<Item = u8>) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&bytes.collect::<Vec<u8>>())
}

fn of_weights(weights: &Weights) -> u64 {
    digest(weights.values().iter().chain(weights.buffers()).flat_map(|number| number.to_le_bytes()))
}

/// All of a trace but its seconds.
fn of_trace(run: &Run) -> u64 {
    let rows = run.trace.iter().flat_map(|row| {
        let counts = [row.epoch as f64, row.steps as f64];
        let measures = [row.train_loss, row.train_accuracy, row.test_loss, row.test_accuracy, row.distance];
        counts.into_iter().chain(measures)
    });
    digest(rows.flat_map(f64::to_le_bytes))
}

fn of_trials(trials: &Trials) -> Vec<u64> {
    trials.weights.iter().map(of_weights).chain(trials.regime.runs.iter().map(of_trace)).collect()
}

fn f1() -> sharp_minima::Result<(Net, Dataset)> {
    let data = data::digits();
    Ok((zoo::f1(data.shape(), data.classes(), 0.125)?, data))
}

#[test]
fn two_epochs_of_f1() -> Done {
    let (net, data) = f1()?;
    let adam = Training::adam().batch(32).trials(2).epochs(2).quiet();
    compared("F1 by ADAM", &of_trials(&adam.run(&net, &data)?), &F1_ADAM);
    let sgd = Training::sgd(0.1, 0.9).batch(100).trials(1).epochs(2).seed(3).quiet();
    compared("F1 by SGD", &of_trials(&sgd.run(&net, &data)?), &F1_SGD);
    Ok(())
}

/// C1 has convolutions, pooling, dropout and running averages.
#[test]
fn two_epochs_of_c1() -> Done {
    let data = data::digits().first(300, 100)?;
    let net = zoo::c1(data.shape(), data.classes(), 0.1)?;
    let training = Training::adam().batch(50).trials(1).epochs(2).quiet();
    compared("C1", &of_trials(&training.run(&net, &data)?), &C1);
    let running = training.objective(Objective::new().statistics(Statistics::Running));
    compared("C1 read by its running averages", &of_trials(&running.run(&net, &data)?), &C1_RUNNING);
    Ok(())
}

/// So wide that its second convolution takes fewer multiplications.
#[test]
fn a_step_of_wide_convolutions() -> Done {
    let data = data::digits().first(64, 100)?;
    let net = zoo::c1(data.shape(), data.classes(), 1.0)?;
    let training = Training::adam().batch(60).trials(1).epochs(1).quiet();
    compared("wide C1", &of_trials(&training.run(&net, &data)?), &C1_WIDE);
    Ok(())
}

#[test]
fn sharpness_in_each_kind_of_box_and_paths() -> Done {
    let (net, data) = f1()?;
    let data = data.first(300, 100)?;
    let pair = Training::adam().trials(1).epochs(4).quiet().pair(&net, &data, 20, 150)?;
    let (small, large) = (&pair.small.weights[0], &pair.large.weights[0]);
    let directions = vec![large.values().iter().map(|&v| f64::from(v)).collect()];
    let boxes = [Sharpness::full(1e-3), Sharpness::subspace(5e-4, 7), Sharpness::along(1e-2, directions)];
    let mut found = Vec::new();
    for sharpness in boxes {
        let maximum = sharpness.thorough().starts(1).quiet().at(&net, &data, large)?;
        found.extend(maximum.searches.iter().map(|search| search.phi.to_bits()));
        found.extend(
            [maximum.first_order, maximum.second_order.unwrap_or(0.0), maximum.corner.unwrap_or(0.0)].map(f64::to_bits),
        );
    }
    compared("sharpness", &found, &SHARPNESS);
    let mut found = Vec::new();
    for between in [Between::line(), Between::curve()] {
        for statistics in [Statistics::Batch, Statistics::Running, Statistics::Recalibrated] {
            let path = between.clone().points(7).objective(Objective::new().statistics(statistics)).quiet();
            let points = path.run(&net, &data, small, large)?.points;
            let numbers = points.iter().flat_map(|p| [p.alpha, p.value.train.loss, p.value.test.accuracy]);
            found.push(digest(numbers.flat_map(|number| if number.is_nan() { [0; 8] } else { number.to_le_bytes() })));
        }
    }
    compared("paths", &found, &PATHS);
    Ok(())
}

const F1_ADAM: [u64; 4] = [0x5991eef9ef6595fe, 0x2635e200d2126ec0, 0x5e1eff46e428855c, 0x2b27b8582ac63a45];
const F1_SGD: [u64; 2] = [0x3c04a0d88072a08b, 0x640b1ae6ccb416e9];
const C1: [u64; 2] = [0xac5ebae2dd538aeb, 0x5352cffae6519f8a];
const C1_RUNNING: [u64; 2] = [0xac5ebae2dd538aeb, 0xa321028fa8cb6b8d];
const C1_WIDE: [u64; 2] = [0xcdb48f1f55e9758a, 0x9a206c515a7305ed];
const SHARPNESS: [u64; 18] = [
    0x40201335591c9266,
    0x402011fe29ffc5ed,
    0x4020083b6e07753c,
    0x401eb81853e9154f,
    0x401ff17bdc9ed3f4,
    0x3fab9c5c576caea5,
    0x3fcfceeba3adf230,
    0x3fd00922d8466d22,
    0x3fcfceeba3adf230,
    0x3fca7baead07f1c1,
    0x3fcd719a9359decf,
    0x3fc1d9568fa74e14,
    0x3fee7dad6f761cf1,
    0x3fee7dad6f761cf1,
    0x3fee7dad6f761cf1,
    0x3feded778f8b692a,
    0x3fee7f3db7ade012,
    0x3fee7dad6f761cf1,
];
const PATHS: [u64; 6] = [
    0x5d1a298f9e85a7d5,
    0xd23ce4b0c4d42690,
    0x12cfc566894a316f,
    0xbaa646a60f134b76,
    0x88db24b198a8b437,
    0xecec1f5ebf8b4855,
];
