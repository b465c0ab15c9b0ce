//! Training: that it learns, that its bits depend on the seed alone, that it ends when it should, and what it refuses.

use sharp_minima::{
    Device, Error, Layer, Net, Objective, Optimizer, Pair, Passes, Precision, Split, Statistics, Stop, Training,
    Trials, data, zoo,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn small() -> sharp_minima::Result<(Net, sharp_minima::Dataset)> {
    let data = data::digits().first(300, 100)?;
    Ok((zoo::f1(data.shape(), data.classes(), 0.05)?, data))
}

/// All bits of all weights and running averages, in one number.
fn fingerprint(trials: &Trials) -> u64 {
    let numbers = trials.weights.iter().flat_map(|w| w.values().iter().chain(w.buffers()));
    numbers
        .fold(0xcbf2_9ce4_8422_2325, |hash, value| (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn a_net_learns_the_digits() -> Outcome {
    let digits = data::digits();
    let net = zoo::f1(digits.shape(), digits.classes(), 0.25)?;
    let trials = Training::adam().batch(32).trials(2).epochs(8).quiet().run(&net, &digits)?;
    for run in &trials.regime.runs {
        assert_eq!(run.trace.len(), 9);
        assert!(run.trace[0].train_accuracy < 0.3 && run.trace[0].distance == 0.0);
        assert!(run.last().train_accuracy > 0.98, "{:?}", run.last());
        assert!(run.last().test_accuracy > 0.9, "{:?}", run.last());
        assert_eq!(run.last().steps, 8 * 45); // 1,437 = 44 · 32 + 29
        assert_eq!(run.stop, Stop::Epochs);
    }
    Ok(())
}

/// What the trace says of the last epoch is what the objective says of the weights that are returned.
#[test]
fn the_trace_is_that_of_the_weights() -> Outcome {
    let (net, data) = small()?;
    for statistics in [Statistics::Batch, Statistics::Running, Statistics::Recalibrated] {
        let objective = Objective::new().statistics(statistics).chunk(128);
        let trials = Training::adam().batch(50).trials(1).epochs(3).objective(objective).quiet().run(&net, &data)?;
        let (last, weights) = (trials.regime.runs[0].last(), &trials.weights[0]);
        let value = objective.evaluate(&net, &data, weights)?;
        assert_eq!((last.train_loss, last.train_accuracy), (value.train.loss, value.train.accuracy));
        assert_eq!((last.test_loss, last.test_accuracy), (value.test.loss, value.test.accuracy));
        assert_eq!(last.distance, weights.distance(&net.start(sharp_minima::Seed(0), 0))?);
    }
    Ok(())
}

/// 1, 2 and 4 threads, trials alone and side by side, a net with every kind of layer: the same bits.
#[test]
fn threads_change_no_bit() -> Outcome {
    let data = data::digits().first(120, 30)?;
    let every = zoo::c1(data.shape(), data.classes(), 0.1)?;
    let (dense, digits) = small()?;
    for (net, data) in [(&every, &data), (&dense, &digits)] {
        let training = Training::adam().batch(32).trials(3).epochs(2).quiet();
        let one = training.clone().threads(1).run(net, data)?;
        for threads in [2, 4] {
            let many = training.clone().threads(threads).run(net, data)?;
            assert_eq!(many.weights, one.weights, "{threads} threads");
        }
        let alone = training.clone().trials(1).threads(4).run(net, data)?;
        assert_eq!(alone.weights[0], one.weights[0]);
        let Pair { small, .. } = training.clone().threads(4).pair(net, data, 32, 60)?;
        assert_eq!(small.weights, one.weights, "in a pair");
        // A shape beyond one block of every kernel: 1,437 points by 512 units.
    }
    let digits = data::digits();
    let wide = zoo::f1(digits.shape(), digits.classes(), 1.0)?;
    let training = Training::adam().batch(1_437).trials(1).epochs(2).quiet();
    let one = training.clone().threads(1).run(&wide, &digits)?;
    for threads in [2, 4] {
        assert_eq!(training.clone().threads(threads).run(&wide, &digits)?.weights, one.weights, "{threads} threads");
    }
    Ok(())
}

/// Another process gives the same bits, with another number of threads in the tensor library's environment too.
#[test]
fn processes_agree_to_the_bit() -> Outcome {
    let (net, data) = small()?;
    let trials = Training::adam().batch(64).trials(2).epochs(2).seed(11).quiet().run(&net, &data)?;
    // A net with every kind of layer too: its composed passes ask the environment for their threads.
    let every = zoo::c1(data.shape(), data.classes(), 0.1)?;
    let images = Training::adam().batch(64).trials(1).epochs(1).quiet().run(&every, &data)?;
    let own = format!("fingerprint {:016x} {:016x}", fingerprint(&trials), fingerprint(&images));
    if std::env::var_os("SHARP_MINIMA_CHILD").is_some() {
        println!("{own}");
        return Ok(());
    }
    for threads in ["1", "2", "4"] {
        let child = std::process::Command::new(std::env::current_exe()?)
            .args(["processes_agree_to_the_bit", "--exact", "--nocapture"])
            .env("SHARP_MINIMA_CHILD", "1")
            .env("RAYON_NUM_THREADS", threads)
            .output()?;
        let said = String::from_utf8(child.stdout)?;
        assert!(said.contains(&own), "{threads} threads: {own} is not in\n{said}");
    }
    Ok(())
}

#[test]
fn regimes_of_a_pair_start_from_the_same_points() -> Outcome {
    let (net, data) = small()?;
    let pair = Training::adam().trials(2).epochs(1).seed(3).quiet().pair(&net, &data, 16, 150)?;
    for (small, large) in pair.small.regime.runs.iter().zip(&pair.large.regime.runs) {
        assert_eq!(small.trace[0].train_loss, large.trace[0].train_loss);
        assert_ne!(small.last().train_loss, large.last().train_loss);
    }
    assert_ne!(pair.small.weights[0], pair.small.weights[1]);
    assert_eq!((pair.small.regime.name.as_str(), pair.large.regime.recipe.batch), ("small", 150));
    Ok(())
}

#[test]
fn sgd_learns_too_and_another_seed_is_another_run() -> Outcome {
    let (net, data) = small()?;
    let sgd = Training::sgd(0.05, 0.9).batch(30).trials(1).epochs(5).quiet();
    let run = sgd.run(&net, &data)?;
    assert!(run.regime.runs[0].last().train_loss < 0.5 * run.regime.runs[0].trace[0].train_loss);
    assert_ne!(fingerprint(&run), fingerprint(&sgd.clone().seed(1).run(&net, &data)?));
    assert_eq!(fingerprint(&run), fingerprint(&sgd.run(&net, &data)?));
    Ok(())
}

/// The composed passes, by another optimizer step too, lead to the same point: on a dense net, and on one with every kind of
/// layer, whose dropout draws the same numbers.
#[test]
fn composed_training_is_fused_training() -> Outcome {
    let data = data::digits().first(120, 30)?;
    let every = zoo::c1(data.shape(), data.classes(), 0.1)?;
    let (dense, digits) = small()?;
    for (net, data) in [(&every, &data), (&dense, &digits)] {
        for training in [Training::adam().learning_rate(1e-4), Training::sgd(0.01, 0.9)] {
            let training = training.batch(32).trials(1).epochs(2).quiet();
            let fused = training.run(net, data)?;
            let composed = training.objective(Objective::new().passes(Passes::Composed)).run(net, data)?;
            let (moved, apart) =
                (fused.regime.runs[0].last().distance, fused.weights[0].distance(&composed.weights[0])?);
            assert!(moved > 0.01 && apart < 0.05 * moved, "{}: moved by {moved}, {apart} apart", net.name());
            let (f, c) = (fused.regime.runs[0].last(), composed.regime.runs[0].last());
            assert!((f.train_loss - c.train_loss).abs() < 5e-3, "{} and {}", f.train_loss, c.train_loss);
            let averages = fused.weights[0].buffers().iter().zip(composed.weights[0].buffers());
            averages.for_each(|(f, c)| assert!((f - c).abs() < 0.02 * (1.0 + c.abs()), "{f} and {c}"));
        }
    }
    Ok(())
}

#[test]
fn a_device_that_is_not_there_is_refused() -> Outcome {
    let (net, data) = small()?;
    let x = net.start(sharp_minima::Seed(0), 0);
    let (cuda, metal) = (Device::Cuda(9), Device::Metal(9));
    for (device, name) in [(cuda, "cuda:9"), (metal, "metal:9")] {
        let training = Training::adam().batch(50).trials(1).epochs(1).quiet().device(device);
        let errors = [
            training.run(&net, &data).expect_err("no such device").to_string(),
            Objective::new().device(device).value(&net, &data.train, &x).expect_err("no such device").to_string(),
        ];
        for said in errors {
            assert!(said.starts_with("device must be one that is there (") && said.ends_with(name), "{said}");
        }
    }
    let double = Objective::new().device(metal).precision(Precision::Double);
    let said = double.value(&net, &data.train, &x).expect_err("metal has no f64").to_string();
    assert_eq!(said, "precision must be Single on metal, which has no f64, but is Double");
    Ok(())
}

/// By hand, step by step: the points of an epoch in the batches of the trial, and nothing but its own data.
#[test]
fn steps_by_hand_are_those_of_a_run() -> Outcome {
    let (net, data) = small()?;
    let training = Training::adam().batch(64).trials(1).epochs(2).quiet();
    let mut descent = training.begin(&net, &data, 0)?;
    let mut losses = Vec::new();
    while descent.epoch() < 2 {
        losses.push(descent.step(&data)?);
    }
    assert_eq!((descent.steps(), losses.len()), (10, 10)); // 300 = 4 · 64 + 44
    assert!(losses[9] < losses[0]);
    assert_eq!(descent.weights()?, training.run(&net, &data)?.weights[0]);

    let said = descent.step(&data.first(299, 100)?).expect_err("other data").to_string();
    assert!(said.starts_with("the descent was begun on 300 points, but the data has 299 of 64 numbers"), "{said}");
    let composed = training.clone().objective(Objective::new().passes(Passes::Composed));
    let said = composed.begin(&net, &data, 0).expect_err("tensors may not stay").to_string();
    assert_eq!(
        said,
        "device must be cpu with Fused passes, where steps are taken by hand, but is cpu with Composed passes"
    );
    let mut steep = Training::sgd(1e30, 0.0).batch(100).begin(&net, &data, 3)?;
    steep.step(&data)?;
    let before = steep.weights()?;
    assert!(!steep.step(&data)?.is_finite());
    assert_eq!((steep.weights()?, steep.steps()), (before, 1), "x stays where it was");
    // So it does where an inner step leaves what can be computed.
    let inner = Training::sgd(1e30, 0.0).batch(20).strategy(sharp_minima::Strategy::conservative(0.1, 3)).quiet();
    let mut inner = inner.begin(&net, &data, 0)?;
    let before = inner.weights()?;
    assert!(!inner.step(&data)?.is_finite());
    assert_eq!((inner.weights()?.values(), inner.steps()), (before.values(), 0), "the averages are of its first pass");
    Ok(())
}

/// Epoch by epoch by hand is the run, what is done already is not done again, and one that diverges ends with an error.
#[test]
fn a_descent_goes_on_until_an_epoch() -> Outcome {
    let (net, data) = small()?;
    let training = Training::adam().batch(50).trials(1).epochs(3).quiet();
    let mut descent = training.begin(&net, &data, 0)?;
    for (epochs, done) in [(0, 0), (1, 1), (3, 3), (2, 3)] {
        descent.until(&data, epochs)?;
        assert_eq!((descent.epoch(), descent.steps()), (done, 6 * done));
    }
    assert_eq!(descent.weights()?, training.run(&net, &data)?.weights[0]);
    let mut wild = Training::sgd(1e30, 0.0).batch(50).trials(1).epochs(3).quiet().begin(&net, &data, 0)?;
    let error = wild.until(&data, 3).expect_err("it diverges");
    assert!(matches!(error, Error::Data(_)) && error.to_string().starts_with("trial 0 diverged"), "{error}");
    Ok(())
}

/// Dropout leaves out in training only, by numbers of its own stream: with rate 0 the net trains to the same bits.
#[test]
fn dropout_acts_in_training_and_rate_0_is_bit_equal_to_none() -> Outcome {
    let data = data::digits().first(200, 50)?;
    let with = |rate: Option<f64>| {
        let mut layers = vec![Layer::Flatten, Layer::Dense { outputs: 20 }, Layer::norm(), Layer::Relu];
        layers.extend(rate.map(|rate| Layer::Dropout { rate }));
        layers.push(Layer::Dense { outputs: 10 });
        let net = Net::new("n", data.shape(), layers)?;
        let trials = Training::adam().batch(40).trials(1).epochs(3).quiet().run(&net, &data)?;
        Ok::<_, Error>(trials.weights[0].values().to_vec())
    };
    assert_eq!(with(None)?, with(Some(0.0))?);
    assert_ne!(with(None)?, with(Some(0.5))?);
    assert_eq!(with(Some(0.5))?, with(Some(0.5))?);
    Ok(())
}

#[test]
fn training_stops_when_the_loss_ceases_to_improve() -> Outcome {
    let (net, data) = small()?;
    let trials = Training::sgd(20.0, 0.0).batch(20).trials(1).epochs(200).patience(2).quiet().run(&net, &data)?;
    let run = &trials.regime.runs[0];
    assert_eq!(run.stop, Stop::CeasedToImprove);
    let losses: Vec<f64> = run.trace.iter().map(|row| row.train_loss).collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses.iter().position(|&loss| loss == best), Some(losses.len() - 3), "{losses:?}");
    Ok(())
}

#[test]
fn a_budget_ends_a_call_with_what_there_is() -> Outcome {
    let (net, data) = small()?;
    let trials = Training::adam().batch(1).trials(3).epochs(10_000).seconds(0.3).threads(1).quiet().run(&net, &data)?;
    let runs = &trials.regime.runs;
    assert_eq!((runs.len(), trials.weights.len()), (3, 3));
    assert!(runs.iter().all(|run| run.stop == Stop::Budget && run.last().epoch < 10_000));
    assert!(runs[0].last().epoch > 0, "the first trial has begun");
    assert_eq!(runs[2].last().epoch, 0, "the last has not, and says so");
    assert_eq!(trials.weights[2].values(), net.start(sharp_minima::Seed(0), 2).values());
    Ok(())
}

#[test]
fn parameters_out_of_range_are_refused_with_what_is_allowed() -> Outcome {
    let (net, data) = small()?;
    let said = |training: Training| training.quiet().run(&net, &data).expect_err("it should be refused").to_string();
    let adam = Training::adam;
    assert_eq!(said(adam().batch(0)), "batch must lie in 1..=300, but is 0");
    assert_eq!(said(adam().batch(301)), "batch must lie in 1..=300, but is 301");
    assert_eq!(said(adam().trials(0)), "trials must lie in 1..=10000, but is 0");
    assert_eq!(said(adam().epochs(0)), "epochs must lie in 1..=1000000, but is 0");
    assert_eq!(said(adam().patience(0)), "patience must be at least 1, but is 0");
    assert_eq!(said(adam().threads(0)), "threads must lie in 1..=1024, but is 0");
    assert_eq!(said(adam().seconds(0.0)), "seconds must be finite and above 0, but is 0");
    assert_eq!(said(adam().seconds(f64::INFINITY)), "seconds must be finite and above 0, but is inf");
    assert_eq!(said(adam().objective(Objective::new().chunk(0))), "chunk must be at least 1, but is 0");
    assert_eq!(
        said(adam().learning_rate(-1.0)),
        "learning_rate must be finite and above 0 as a 32-bit number, but is -1"
    );
    assert_eq!(said(Training::sgd(0.1, 1.0)), "momentum must lie in 0..1, but is 1");
    let optimizer = Optimizer::Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 1.0, epsilon: 1e-8 };
    assert_eq!(said(adam().optimizer(optimizer)), "beta2 must lie in 0..1, but is 1");
    assert_eq!(
        adam().quiet().pair(&net, &data, 10, 1_000).expect_err("too large").to_string(),
        "batch must lie in 1..=300, but is 1000"
    );
    assert_eq!(said(adam().epochs(usize::MAX)), "epochs must lie in 1..=1000000, but is 18446744073709551615");
    assert_eq!(said(adam().trials(usize::MAX)), "trials must lie in 1..=10000, but is 18446744073709551615");
    assert_eq!(said(adam().threads(1_025)), "threads must lie in 1..=1024, but is 1025");
    for rate in [1e300, 1e-50, f64::NAN] {
        assert!(said(adam().learning_rate(rate)).starts_with("learning_rate must be finite and above 0"), "{rate}");
        let optimizer = Optimizer::Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: rate };
        assert!(said(adam().optimizer(optimizer)).starts_with("epsilon of ADAM must be finite and above 0"), "{rate}");
    }
    for (small, large) in [(20, 20), (30, 20)] {
        let text = adam().quiet().pair(&net, &data, small, large).expect_err("not a pair").to_string();
        assert_eq!(text, format!("small must be below the large batch of 20, but is {small}"));
    }
    // A data set that was put together by hand, with test points of another shape or other classes.
    let strange = |shape: [usize; 1], classes: usize| {
        let points = Split::new(vec![0.5; 4 * shape[0]], vec![0; 4], shape.to_vec(), classes)?;
        Ok::<_, Error>(sharp_minima::Dataset { test: points, ..data.clone() })
    };
    for (shape, classes) in [([65], 10), ([64], 11), ([64], 9)] {
        let strange = strange(shape, classes)?;
        let error = adam().batch(20).quiet().run(&net, &strange).expect_err("other test points").to_string();
        assert!(
            error.starts_with("F1 takes points of shape [1, 8, 8] in 10 classes, but the data has shape"),
            "{error}"
        );
        let error = adam().batch(20).quiet().begin(&net, &strange, 0).expect_err("other test points").to_string();
        assert!(error.starts_with("F1 takes points of shape"), "{error}");
    }
    let other = zoo::f1(&[12], 4, 0.05)?;
    assert_eq!(
        adam().batch(20).quiet().run(&other, &data).expect_err("another shape").to_string(),
        "F1 takes points of shape [12] in 4 classes, but the data has shape [1, 8, 8] in 10"
    );
    Ok(())
}

/// The paper's own experiment for one epoch: F1 in full on MNIST in full. PyTorch's F1 reaches 96 to 97 % there; a net that
/// does not learn has 10 %.
#[test]
fn one_epoch_of_mnist_is_right_on_most_test_points() -> Outcome {
    let mnist = match data::mnist() {
        Ok(mnist) => mnist,
        Err(Error::Missing { .. }) => {
            // Past the harness, which would keep what is printed: nobody should take this for a test that ran.
            std::io::Write::write_all(&mut std::io::stderr(), b"skipped: MNIST is not here; see data/README.md\n")?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let net = zoo::f1(mnist.shape(), mnist.classes(), 1.0)?;
    let trials = Training::adam().batch(256).trials(1).epochs(1).quiet().run(&net, &mnist)?;
    let last = trials.regime.runs[0].last();
    assert_eq!(last.steps, 235); // 60,000 = 234 · 256 + 96
    assert!(last.test_accuracy > 0.955 && last.train_accuracy > 0.97, "{last:?}");
    Ok(())
}

/// Running averages follow as PyTorch's do, in fused and in composed passes: `tests/fixtures/running/make.py`.
#[test]
fn running_averages_are_pytorchs() -> Outcome {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/running");
    let norm_relu = || [Layer::norm(), Layer::Relu];
    let mut layers = vec![Layer::Conv { filters: 2, window: 3, stride: 1, padding: 1 }];
    layers.extend(norm_relu());
    layers.extend([Layer::Flatten, Layer::Dense { outputs: 5 }]);
    layers.extend(norm_relu());
    layers.push(Layer::Dense { outputs: 3 });
    let net = Net::new("running", &[1, 4, 4], layers)?;
    let start = sharp_minima::Weights::load(net.layout(), folder.join("start.safetensors"))?;
    assert_eq!(net.start(sharp_minima::Seed(4), 0), start, "PyTorch started there");
    let inputs = (0..7 * 16).map(|i| (1.0 + 0.7 * f64::from(i)).sin() as f32).collect();
    let points = Split::new(inputs, (0..7).map(|i| i % 3).collect(), vec![1, 4, 4], 3)?;
    let data = sharp_minima::Dataset::new("formula", points.clone(), points)?;
    let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json"))?)?;
    let expected = expected["steps"].as_array().ok_or("no steps")?;
    let training = Training::sgd(0.05, 0.5).batch(7).trials(1).seed(4).quiet();
    let mut descent = training.begin(&net, &data, 0)?;
    for (number, step) in expected.iter().enumerate() {
        let loss = descent.step(&data)?;
        let known = step["loss"].as_f64().ok_or("no loss")?;
        assert!((loss - known).abs() < 1e-6, "step {number}: {loss}, PyTorch {known}");
        let buffers: Vec<f64> = step["buffers"].as_array().ok_or("none")?.iter().filter_map(|v| v.as_f64()).collect();
        let composed = training.clone().objective(Objective::new().passes(Passes::Composed)).epochs(number + 1);
        for found in [descent.weights()?, composed.run(&net, &data)?.weights[0].clone()] {
            assert_eq!(found.buffers().len(), buffers.len());
            for (place, (found, known)) in found.buffers().iter().zip(&buffers).enumerate() {
                let near = 1e-5 * known.abs().max(0.1);
                assert!(
                    (f64::from(*found) - known).abs() < near,
                    "step {number}, average {place}: {found}, PyTorch {known}"
                );
            }
        }
    }
    // The mean of the last two points, read by averages that are re-estimated: swa_utils' AveragedModel with update_bn.
    let known: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json"))?)?;
    let loss = known["mean"]["loss"].as_f64().ok_or("no loss")?;
    for passes in [Passes::Fused, Passes::Composed] {
        let objective = Objective::new().statistics(Statistics::Recalibrated).passes(passes);
        let averaged = training.clone().epochs(3).average(2).objective(objective).run(&net, &data)?;
        let found = averaged.regime.runs[0].last().train_loss;
        assert!((found - loss).abs() < 1e-6, "{passes:?}: {found}, PyTorch {loss}");
        let buffers = known["mean"]["buffers"].as_array().ok_or("none")?.iter().filter_map(|value| value.as_f64());
        let mean = objective.recalibrate(&net, &data.train, &averaged.weights[0])?;
        for (found, known) in mean.buffers().iter().zip(buffers) {
            assert!((f64::from(*found) - known).abs() < 1e-5 * known.abs().max(0.1), "{found}, PyTorch {known}");
        }
    }
    Ok(())
}
