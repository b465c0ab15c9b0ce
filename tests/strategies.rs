//! Strategies, schedules, ghosts, augmentation, averages: what is off changes no bit, what is on depends on the seed alone,
//! combines with everything else, and refuses what it cannot do. Their steps are checked against PyTorch beside their code.

use std::path::PathBuf;

use safetensors::tensor::SafeTensors;
use sharp_minima::data::{Center, Interpolation};
use sharp_minima::{
    Augment, Ball, Dataset, Growth, Inner, Layer, Net, Objective, Optimizer, Passes, Precision, Run, Scaling, Seed,
    Split, Spread, Statistics, Stop, Strategy, Training, Trials, data, zoo,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A net with every kind of layer on images, in little.
fn every() -> sharp_minima::Result<(Net, Dataset)> {
    let data = data::digits().first(90, 30)?;
    Ok((zoo::c1(data.shape(), data.classes(), 0.1)?, data))
}

fn dense() -> sharp_minima::Result<(Net, Dataset)> {
    let data = data::digits().first(200, 100)?;
    Ok((zoo::f1(data.shape(), data.classes(), 0.05)?, data))
}

/// All of a regime's numbers but its seconds.
fn untimed(trials: &Trials) -> (Vec<Run>, Vec<sharp_minima::Weights>) {
    let mut runs = trials.regime.runs.clone();
    runs.iter_mut().flat_map(|run| &mut run.trace).for_each(|row| row.seconds = 0.0);
    (runs, trials.weights.clone())
}

/// The same without what only a strategy has: its own loss and its passes.
fn numbers(trials: &Trials) -> (Vec<Run>, Vec<sharp_minima::Weights>) {
    let (mut runs, weights) = untimed(trials);
    for row in runs.iter_mut().flat_map(|run| &mut run.trace) {
        (row.strategy_loss, row.passes) = (None, None);
    }
    (runs, weights)
}

fn strategies() -> Vec<Strategy> {
    let conservative = Strategy::conservative(1e-3, 3);
    vec![
        conservative,
        conservative.solver(Inner::Reset),
        conservative.solver(Inner::Descent),
        conservative.solver(Inner::Lbfgs),
        Strategy::sam(0.05),
        Strategy::sam(0.05).parts_of(8).ascents(2),
        Strategy::asam(0.5),
        Strategy::in_box(1e-3),
        Strategy::noise(0.01).parts_of(16),
        Strategy::Noise { amplitude: 0.01, relative: true, part: None },
        Strategy::penalty(0.05, 8),
        Strategy::adversarial(0.1),
        Strategy::adversarial(0.1).ascents(3),
        Strategy::stability(0.1, 0.04),
        Strategy::Stability { strength: 0.1, deviation: 0.04, through_both: true },
    ]
}

/// Ghosts, augmentation, plans and averages, each on, and all of them.
fn sides(training: Training) -> Vec<Training> {
    let growth = Growth { every: 1, factor: 2, most: 60, rate: 0.7 };
    let own = || training.clone();
    vec![
        own(),
        own().ghost(12),
        own().augment(Augment::images()),
        own().warm_up(3).scaled(Scaling::SquareRoot, 10).growing(growth),
        own().average(1),
        own()
            .ghost(12)
            .augment(Augment::images())
            .warm_up(3)
            .scaled(Scaling::SquareRoot, 10)
            .growing(growth)
            .average(1),
    ]
}

#[test]
fn what_is_off_is_plain_training_to_the_bit() -> Outcome {
    let off = [
        Strategy::Plain,
        Strategy::conservative(0.5, 1),
        Strategy::sam(0.0),
        Strategy::asam(0.0).parts_of(4),
        Strategy::in_box(0.0),
        Strategy::noise(0.0),
        Strategy::penalty(0.0, 5),
        Strategy::adversarial(0.0),
        Strategy::Adversarial { epsilon: 0.1, ascents: 1, share: 1.0, range: None },
        Strategy::stability(0.0, 0.1),
        Strategy::stability(0.1, 0.0),
    ];
    let still = Augment::images().rotation(0.0).translation(0.0).reflection(false);
    let growth = Growth { every: 1, factor: 1, most: 30, rate: 0.5 };
    for (net, data) in [every()?, dense()?] {
        let plain = Training::adam().batch(30).trials(1).epochs(2).quiet();
        let expected = plain.run(&net, &data)?;
        assert!(expected.regime.runs[0].trace.iter().all(|row| row.passes.is_none() && row.strategy_loss.is_none()));
        for strategy in off {
            let found = plain.clone().strategy(strategy).run(&net, &data)?;
            assert_eq!(numbers(&found), numbers(&expected), "{strategy}, {}", net.name());
        }
        let others = [
            plain.clone().ghost(30),
            plain.clone().ghost(1_000),
            plain.clone().augment(still),
            plain.clone().warm_up(0).scaled(Scaling::Adam, 30),
            plain.clone().growing(growth),
        ];
        for other in others {
            assert_eq!(numbers(&other.run(&net, &data)?), numbers(&expected), "{:?}", other.recipe());
        }
        // The average of one point is that point; rows before it are of x itself.
        let averaged = plain.clone().average(2).run(&net, &data)?;
        assert_eq!(numbers(&averaged), numbers(&expected));
    }
    Ok(())
}

/// Where the arithmetic allows, through it too: what is too small to change a number is drawn, passed and put back, and leaves
/// every bit of plain training: weights, running averages, losses, masks and shuffles. So a strategy moves no other stream, a mask
/// serves all passes of a batch, and running averages move by the first of them alone. (One inner step by the regime's optimizer is
/// tested beside the code.)
#[test]
fn what_is_too_small_to_matter_is_off_to_the_bit() -> Outcome {
    let (net, data) = every()?;
    // No input is 0, so that an attack of 1e-30 moves none.
    let lifted = |split: &Split| {
        let inputs = split.inputs().iter().map(|input| 0.1 + 0.9 * input).collect();
        Split::new(inputs, split.labels().to_vec(), split.shape().to_vec(), split.classes())
    };
    let data = Dataset::new("lifted", lifted(&data.train)?, lifted(&data.test)?)?;
    let attack = |ascents| Strategy::Adversarial { epsilon: 1e-30, ascents, share: 0.5, range: None };
    let tiny = [
        Strategy::sam(1e-30),
        Strategy::sam(1e-30).ascents(3),
        Strategy::asam(1e-30),
        Strategy::asam(1e-30).ascents(3),
        Strategy::in_box(1e-30),
        Strategy::in_box(1e-30).ascents(3),
        Strategy::noise(1e-30),
        Strategy::Noise { amplitude: 1e-30, relative: true, part: None },
        Strategy::Penalty { strength: 1e-30, part: None },
        attack(1),
        attack(3),
        Strategy::stability(1e-38, 0.1),
        Strategy::Stability { strength: 1e-38, deviation: 0.1, through_both: true },
    ];
    let plain = Training::sgd(0.1, 0.9).batch(30).trials(1).epochs(2).quiet();
    let still = Augment::images().rotation(1e-13).translation(0.0).reflection(false);
    for (part, without) in [(None, plain.clone()), (Some(10), plain.clone().ghost(10))] {
        let expected = numbers(&without.run(&net, &data)?);
        for strategy in tiny {
            // Attacks and stability see one ghost at a time; the others have parts.
            let strategy = part.map_or(strategy, |points| strategy.parts_of(points));
            for augment in [None, Some(still)] {
                let arm = augment.map_or(without.clone(), |augment| without.clone().augment(augment));
                let found = arm.strategy(strategy).run(&net, &data)?;
                assert_eq!(numbers(&found), expected, "{strategy}, {part:?}, {augment:?}");
                assert!(found.regime.runs[0].last().strategy_loss.is_some(), "{strategy} was on");
            }
        }
    }
    Ok(())
}

/// Running averages move once for each ghost, one after the other: without steps a batch of three ghosts leaves those of three
/// batches of a third.
#[test]
fn running_averages_move_once_for_each_ghost() -> Outcome {
    let (net, data) = dense()?;
    let still = |batch| Training::sgd(1e-30, 0.0).batch(batch).trials(1).epochs(2).quiet();
    let small = still(20).run(&net, &data)?;
    let buffers = |trials: &Trials| trials.weights[0].buffers().to_vec();
    assert_ne!(buffers(&small), net.start(Seed(0), 0).buffers());
    assert_ne!(buffers(&small), buffers(&still(60).run(&net, &data)?));
    assert_eq!(buffers(&small), buffers(&still(60).ghost(20).run(&net, &data)?));
    for strategy in strategies() {
        // Noise has no pass at x; L-BFGS takes whole steps of its own.
        let strategy = strategy.parts_of(20);
        let own = matches!(strategy, Strategy::Noise { .. } | Strategy::Conservative { solver: Inner::Lbfgs, .. });
        let found = buffers(&still(60).ghost(20).strategy(strategy).run(&net, &data)?);
        assert!(own || found == buffers(&small), "{strategy}");
    }
    Ok(())
}

/// An identity by the affine map, of either interpolation and center, and what else is off by arithmetic.
#[test]
fn what_is_off_by_arithmetic_is_off_to_the_bit() -> Outcome {
    let (net, data) = every()?;
    // A range of 1e-13° is on, and takes the path of the map.
    for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
        for center in [Center::Keras, Center::True] {
            let still = Augment::images().rotation(1e-13).translation(0.0).reflection(false);
            let still = still.interpolation(interpolation).center(center);
            assert!(!still.is_off());
            let moved = still.moved(&data.train, 0)?;
            let mut pairs = moved.inputs().iter().zip(data.train.inputs());
            assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-6), "{interpolation:?}, {center:?}");
            assert_eq!(Some(&still.by(&data.train, 7, 0.0, [0.0; 2], 0.0)?[..]), data.train.point(7));
        }
    }
    // ½ g + ½ g is g: an attack that may not leave the range of one value changes nothing.
    let plain = Training::sgd(0.1, 0.0).batch(30).trials(1).epochs(2).quiet();
    let same =
        Split::new(vec![0.5; data.train.inputs().len()], data.train.labels().to_vec(), data.shape().to_vec(), 10)?;
    let flat = Dataset::new("flat", same.clone(), same)?;
    let f1 = zoo::f1(data.shape(), 10, 0.05)?;
    let attack = Strategy::Adversarial { epsilon: 1e-30, ascents: 1, share: 0.5, range: None };
    let found = plain.clone().strategy(attack).run(&f1, &flat)?;
    assert_eq!(numbers(&found), numbers(&plain.run(&f1, &flat)?));
    // A descent of one step along ∇f is SGD's.
    let descent = Strategy::conservative(7.0, 1).solver(Inner::Descent);
    let found = plain.clone().strategy(descent).run(&net, &data)?;
    assert_eq!(numbers(&found), numbers(&plain.run(&net, &data)?));
    // One part is the whole batch.
    let whole = plain.clone().strategy(Strategy::sam(0.05)).run(&net, &data)?;
    let part = plain.clone().strategy(Strategy::sam(0.05).parts_of(30)).run(&net, &data)?;
    assert_eq!(numbers(&whole), numbers(&part));
    Ok(())
}

/// Every strategy with each of {nothing, ghosts, augmentation, a plan, an average}: it runs, is finite, moves x elsewhere than
/// plain training, and has the same bits on 1 and on 3 threads.
#[test]
fn every_pair_runs_and_depends_on_the_seed_alone() -> Outcome {
    let (net, data) = every()?;
    let plain = Training::adam().batch(30).trials(1).epochs(2).quiet();
    for strategy in strategies() {
        let both = sides(plain.clone().strategy(strategy)).into_iter().zip(sides(plain.clone()));
        for (training, without) in both {
            let one = training.clone().threads(1).run(&net, &data)?;
            let run = &one.regime.runs[0];
            assert_eq!(run.stop, Stop::Epochs, "{}", training.recipe());
            assert_eq!(untimed(&one), untimed(&training.clone().threads(3).run(&net, &data)?), "{}", training.recipe());
            assert_ne!(one.weights, without.run(&net, &data)?.weights, "{}", training.recipe());
            assert_ne!(one.weights, training.clone().seed(1).run(&net, &data)?.weights);
            let last = run.last();
            assert!(last.strategy_loss.is_some_and(f64::is_finite), "{}", training.recipe());
            let fewest = if matches!(strategy, Strategy::Noise { .. }) { 2.0 } else { 4.0 };
            assert!(last.gradient_passes() >= fewest, "{}: {last:?}", training.recipe());
        }
    }
    Ok(())
}

/// Whatever is trained with: a trace's losses and accuracies are those of plain f at the points, as any other measure sees them.
#[test]
fn the_trace_is_of_plain_f() -> Outcome {
    let (net, data) = every()?;
    for strategy in strategies() {
        for training in sides(Training::adam().batch(30).trials(1).epochs(2).quiet().strategy(strategy)) {
            let found = training.run(&net, &data)?;
            let (last, name) = (found.regime.runs[0].last(), training.recipe().to_string());
            let plain = Objective::new().evaluate(&net, &data, &found.weights[0])?;
            assert_eq!((last.train_loss, last.train_accuracy), (plain.train.loss, plain.train.accuracy), "{name}");
            assert_eq!((last.test_loss, last.test_accuracy), (plain.test.loss, plain.test.accuracy), "{name}");
        }
    }
    Ok(())
}

/// The loss that a strategy trains is f at the point that its formula says, or f with its penalty: of one step, whose batch is
/// all points, and by gradients in f64 that are checked against PyTorch elsewhere.
#[test]
fn the_loss_of_a_strategy_is_that_of_its_formula() -> Outcome {
    let (net, data) = dense()?;
    let x = net.start(Seed(0), 0);
    let at = x.to_f64();
    let objective = Objective::new().precision(Precision::Double);
    let gradient = objective.gradient_at(&net, &data.train, &at)?;
    let g = gradient.gradient.clone();
    let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let moved = |e: &dyn Fn(usize) -> f64| -> sharp_minima::Result<f64> {
        let there: Vec<f64> = at.iter().enumerate().map(|(place, x)| x + e(place)).collect();
        Ok(objective.gradient_at(&net, &data.train, &there)?.loss)
    };
    let expected = [
        (Strategy::sam(0.05), moved(&|i| 0.05 * g[i] / norm)?),
        (Strategy::sam(0.5), moved(&|i| 0.5 * g[i] / norm)?),
        (Strategy::in_box(1e-2), moved(&|i| 1e-2 * (at[i].abs() + 1.0) * g[i].signum() * f64::from(g[i] != 0.0))?),
        (Strategy::Penalty { strength: 0.5, part: None }, gradient.loss + 0.25 * norm * norm),
        (Strategy::conservative(0.5, 3), gradient.loss),
    ];
    for (strategy, expected) in expected {
        let training = Training::sgd(1e-30, 0.0).batch(200).trials(1).epochs(1).strategy(strategy).quiet();
        let found = training.run(&net, &data)?.regime.runs[0].last().strategy_loss.ok_or("no loss")?;
        assert!((found / expected - 1.0).abs() < 1e-5, "{strategy}: {found} is not {expected}");
        let away = (expected / gradient.loss - 1.0).abs();
        assert!(away > 1e-3 || strategy == Strategy::conservative(0.5, 3), "{strategy}: it can be told from f");
    }
    Ok(())
}

/// With many inner steps a conservative step ends where the proximal problem is solved: `∇f(z) + λ (z − x) = 0`. On softmax
/// regression, which is convex, with all points in the one batch.
#[test]
fn many_inner_steps_solve_the_proximal_problem() -> Outcome {
    let data = data::digits().first(200, 100)?;
    let net = Net::new("softmax", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: data.classes() }])?;
    let x = net.start(Seed(0), 0).to_f64();
    let lambda = 0.5;
    let rest = |solver: Inner, steps: usize| -> Result<f64, Box<dyn std::error::Error>> {
        let strategy = Strategy::conservative(lambda, steps).solver(solver);
        let training = Training::sgd(0.1, 0.0).batch(200).trials(1).epochs(1).strategy(strategy).quiet();
        let z = training.run(&net, &data)?.weights[0].to_f64();
        let g = Objective::new().precision(Precision::Double).gradient_at(&net, &data.train, &z)?.gradient;
        let left = g.iter().zip(&z).zip(&x).map(|((g, z), x)| (g + lambda * (z - x)).powi(2));
        Ok(left.sum::<f64>().sqrt())
    };
    for solver in [Inner::Kept, Inner::Reset, Inner::Descent, Inner::Lbfgs] {
        let (few, many) = (rest(solver, 2)?, rest(solver, 300)?);
        assert!(many < 1e-4 && few > 1e-2, "{solver:?}: {few} is left of two steps, {many} of 300");
    }
    Ok(())
}

/// The steps that look at f around x, against the exact Hessian of softmax regression, which has no kinks: a penalty's is
/// `∇f + a ∇²f ∇f`, SAM's is `∇f + ρ ∇²f ∇f / ‖∇f‖` for small ρ, and noise raises f by `a² tr ∇²f / 6` on average.
#[test]
fn steps_around_x_are_those_of_the_exact_hessian() -> Outcome {
    let data = data::digits().first(200, 100)?;
    let net = Net::new("softmax", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: data.classes() }])?;
    let objective = Objective::new().precision(Precision::Double);
    let whole = Training::sgd(0.1, 0.0).batch(200).trials(1).objective(objective).quiet();
    let x = net.start(Seed(0), 0).to_f64();
    let g = objective.gradient_at(&net, &data.train, &x)?.gradient;
    let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let curved = objective.hessian_at(&net, &data.train, &x, std::slice::from_ref(&g))?.remove(0);
    for (strategy, factor) in [
        (Strategy::Penalty { strength: 0.5, part: None }, 0.5),
        (Strategy::Penalty { strength: 0.01, part: None }, 0.01),
        (Strategy::sam(1e-2), 1e-2 / norm),
    ] {
        let z = whole.clone().epochs(1).strategy(strategy).run(&net, &data)?.weights[0].to_f64();
        let beyond: Vec<f64> = x.iter().zip(&z).zip(&g).map(|((x, z), g)| (x - z) / 0.1 - g).collect();
        let apart = beyond.iter().zip(&curved).map(|(own, curved)| (own - factor * curved).powi(2)).sum::<f64>();
        let size = curved.iter().map(|curved| (factor * curved).powi(2)).sum::<f64>();
        assert!((apart / size).sqrt() < 0.01, "{strategy}: off by {} of its size", (apart / size).sqrt());
    }

    let near = Training::sgd(0.5, 0.9).batch(200).trials(1).epochs(300).quiet().run(&net, &data)?;
    let point = near.weights[0].to_f64();
    let n = net.parameter_count();
    let axes: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
    let products = objective.hessian_at(&net, &data.train, &point, &axes)?;
    let trace: f64 = products.iter().enumerate().map(|(i, row)| row[i]).sum();
    let amplitude = 0.03;
    let noisy = Training::sgd(1e-30, 0.0).batch(200).trials(1).epochs(1_000).starting_at(&near);
    let noisy = noisy.strategy(Strategy::noise(amplitude)).quiet().run(&net, &data)?;
    let rows = &noisy.regime.runs[0].trace[1..];
    let rises: Vec<f64> =
        rows.iter().map(|row| row.strategy_loss.map_or(f64::NAN, |own| own - row.train_loss)).collect();
    let Spread { mean, deviation, .. } = Spread::of(&rises)?;
    let (expected, error) = (amplitude * amplitude * trace / 6.0, deviation / (rises.len() as f64).sqrt());
    assert!((mean - expected).abs() < 3.0 * error, "{mean} ± {error} is not {expected}");
    assert!(error < expected / 20.0, "a thousand draws tell it from nothing: {mean} ± {error}");
    Ok(())
}

/// A strategy moves neither the start nor the order of the points: the first batch's loss is that of plain training, and a
/// dropout mask is drawn as often as there are batches.
#[test]
fn a_strategy_moves_no_other_stream() -> Outcome {
    let (net, data) = every()?;
    let plain = Training::adam().batch(30).trials(1).epochs(1).quiet();
    let first = |training: &Training| training.begin(&net, &data, 0)?.step(&data);
    let expected = first(&plain)?;
    for strategy in strategies().into_iter().filter(|strategy| !matches!(strategy, Strategy::Noise { .. })) {
        let training = plain.clone().strategy(strategy);
        let found = first(&training)?;
        // Parts have statistics of their own.
        let parts = training.recipe().to_string().contains("parts of");
        assert!(parts || found == expected, "{strategy}: {found} is not {expected}");
        // A tiny step of SGD leaves x where it was, and the second batch's loss is then plain training's too.
        let still = Training::sgd(1e-30, 0.0).batch(30).trials(1).epochs(1).quiet();
        let second = |training: &Training| {
            let mut descent = training.begin(&net, &data, 0)?;
            descent.step(&data)?;
            descent.step(&data)
        };
        let lbfgs = matches!(strategy, Strategy::Conservative { solver: Inner::Lbfgs, .. });
        assert!(parts || lbfgs || second(&still.clone().strategy(strategy))? == second(&still)?, "{strategy}");
    }
    Ok(())
}

/// Of a linear net with two classes the largest loss in the box around a point is known: `ln(1 + exp(ε ‖d‖₁ − m))` with the
/// difference d of the rows of W and the margin m. One step of the sign method finds it, and more steps find no more.
#[test]
fn an_attack_on_a_linear_net_is_the_worst_one() -> Outcome {
    let data = data::Synthetic::new(&[6], 2).train(40).test(2).seed(3).make()?;
    let net = Net::new("linear", &[6], vec![Layer::Dense { outputs: 2 }])?;
    let x = net.start(Seed(0), 0);
    let (weights, epsilon) = (x.values(), 0.3);
    let difference: Vec<f64> = (0..6).map(|i| f64::from(weights[i]) - f64::from(weights[6 + i])).collect();
    let reach = epsilon * difference.iter().map(|d| d.abs()).sum::<f64>();
    let losses = (0..40).map(|point| {
        let inputs = data.train.point(point).unwrap_or_default();
        let margin: f64 = inputs.iter().zip(&difference).map(|(&x, d)| f64::from(x) * d).sum();
        let margin = if data.train.labels()[point] == 0 { margin } else { -margin };
        (reach - margin).exp().ln_1p()
    });
    let expected = losses.sum::<f64>() / 40.0;
    for ascents in [1, 2, 7] {
        let attack = Strategy::Adversarial { epsilon, ascents, share: 0.0, range: None };
        let training = Training::sgd(1e-30, 0.0).batch(40).trials(1).epochs(1).strategy(attack).quiet();
        let found = training.run(&net, &data)?.regime.runs[0].last().strategy_loss.ok_or("no loss")?;
        assert!((found / expected - 1.0).abs() < 1e-5, "{ascents} ascents: {found} is not {expected}");
    }
    Ok(())
}

/// Whatever a strategy does to the weights, they are put back: with a learning rate of nothing x is where it was, to the bit.
#[test]
fn weights_are_put_back_to_the_bit() -> Outcome {
    let (net, data) = every()?;
    for strategy in strategies() {
        let lbfgs = matches!(strategy, Strategy::Conservative { solver: Inner::Lbfgs, .. });
        let training = Training::sgd(1e-38, 0.0).batch(30).trials(1).epochs(1).strategy(strategy).quiet();
        let found = training.run(&net, &data)?;
        let start = net.start(Seed(0), 0);
        let same = found.weights[0].values().iter().zip(start.values()).filter(|(a, b)| a.to_bits() == b.to_bits());
        // Biases begin at 0, and move by as much as nothing is.
        let zeros = start.values().iter().filter(|value| **value == 0.0).count();
        assert!(lbfgs || same.count() >= start.len() - zeros, "{strategy}");
    }
    Ok(())
}

/// The composed passes, with the gradient of inputs and losses that are changed, lead to the same point.
#[test]
fn composed_strategies_are_fused_strategies() -> Outcome {
    let (net, data) = every()?;
    for strategy in strategies() {
        let training = Training::sgd(0.01, 0.9).batch(30).trials(1).epochs(2).strategy(strategy).quiet();
        let fused = training.run(&net, &data)?;
        let composed = training.objective(Objective::new().passes(Passes::Composed)).run(&net, &data)?;
        let (moved, apart) = (fused.regime.runs[0].last().distance, fused.weights[0].distance(&composed.weights[0])?);
        assert!(moved > 0.01 && apart < 0.05 * moved, "{strategy}: moved by {moved}, {apart} apart");
    }
    for optimizer in [Optimizer::lamb(0.01), Optimizer::lamb(0.01).with_betas(0.5, 0.9)] {
        let training = Training::adam().optimizer(optimizer).batch(30).trials(1).epochs(2).quiet();
        let fused = training.run(&net, &data)?;
        let composed = training.objective(Objective::new().passes(Passes::Composed)).run(&net, &data)?;
        let (moved, apart) = (fused.regime.runs[0].last().distance, fused.weights[0].distance(&composed.weights[0])?);
        assert!(moved > 0.01 && apart < 0.1 * moved, "{optimizer}: moved by {moved}, {apart} apart");
    }
    Ok(())
}

/// The mean of the last points of the epochs from the second on, as the steps by hand find them; the trace is of the mean; and the
/// mean of one point is that point.
#[test]
fn an_average_is_the_mean_of_its_points() -> Outcome {
    let (net, data) = dense()?;
    let training = Training::adam().batch(40).trials(1).epochs(4).quiet();
    let averaged = training.clone().average(2).run(&net, &data)?;
    let mut descent = training.begin(&net, &data, 0)?;
    let mut points = Vec::new();
    for epoch in 1..=4 {
        while descent.epoch() < epoch {
            descent.step(&data)?;
        }
        points.push(descent.weights()?);
    }
    for (place, &value) in averaged.weights[0].values().iter().enumerate() {
        let mean = points[1..].iter().map(|point| f64::from(point.values()[place])).sum::<f64>() / 3.0;
        assert!((f64::from(value) - mean).abs() < 1e-6, "{value} is not {mean}");
    }
    let at = Objective::new().evaluate(&net, &data, &averaged.weights[0])?;
    assert_eq!(averaged.regime.runs[0].last().train_loss, at.train.loss);
    // Of one point it is that point, to the bit.
    let last = training.clone().average(4).run(&net, &data)?;
    assert_eq!(last.weights[0].values(), training.run(&net, &data)?.weights[0].values());
    Ok(())
}

/// A batch that grows is counted in steps; its learning rate, and that of a warm-up, shows in how far SGD goes.
#[test]
fn plans_are_followed() -> Outcome {
    let (net, data) = dense()?;
    let growth = Growth { every: 2, factor: 3, most: 100, rate: 1.0 };
    let trials = Training::adam().batch(20).trials(1).epochs(6).growing(growth).quiet().run(&net, &data)?;
    let steps: Vec<usize> = trials.regime.runs[0].trace.windows(2).map(|rows| rows[1].steps - rows[0].steps).collect();
    assert_eq!(steps, [10, 10, 4, 4, 2, 2], "batches of 20, 60, and 100 instead of 180");
    // One step of SGD is as long as its rate: exactly a tenth after a tenth of a warm-up.
    let way = |training: Training| -> sharp_minima::Result<f64> {
        let mut descent = training.batch(200).trials(1).quiet().begin(&net, &data, 0)?;
        descent.step(&data)?;
        descent.weights()?.distance(&net.start(Seed(0), 0))
    };
    let whole = way(Training::sgd(0.1, 0.0))?;
    assert!((way(Training::sgd(0.1, 0.0).warm_up(10))? / whole - 0.1).abs() < 1e-4);
    assert!((way(Training::sgd(0.1, 0.0).scaled(Scaling::Linear, 50))? / whole - 4.0).abs() < 1e-4);
    assert!((way(Training::sgd(0.1, 0.0).scaled(Scaling::SquareRoot, 50))? / whole - 2.0).abs() < 1e-4);
    // 200 points in batches of 30: six and a rest of 20; as many epochs as give 100 steps.
    assert_eq!(Training::adam().batch(30).steps(100, 200).recipe().epochs, 15);
    // A single point that is left is no batch: 199 = 3 · 66 + 1.
    assert_eq!(Training::adam().batch(66).steps(6, 199).recipe().epochs, 2);
    Ok(())
}

/// SciPy's `affine_transform`, as Keras 1.0.8 called it (`tests/fixtures/strategies/augment.py`).
#[test]
fn images_are_moved_as_scipy_moves_them() -> Outcome {
    let bytes =
        std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/strategies/augment.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let single = |name: &str| -> Result<Vec<f32>, safetensors::SafeTensorError> {
        Ok(file.tensor(name)?.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
    };
    let double = |name: &str| -> Result<Vec<f64>, safetensors::SafeTensorError> {
        Ok(file.tensor(name)?.data().as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect())
    };
    let images = Split::new(single("images")?, vec![0; 40], vec![3, 9, 12], 1)?;
    let (angle, rows, columns, shear) = (double("angle")?, double("rows")?, double("columns")?, double("shear")?);
    let cases = [
        ("nearest_keras", Interpolation::Nearest, Center::Keras, 0.0),
        ("nearest_true", Interpolation::Nearest, Center::True, 0.0),
        ("linear_keras", Interpolation::Linear, Center::Keras, 1e-6),
        ("linear_true", Interpolation::Linear, Center::True, 1e-6),
    ];
    for (name, interpolation, center, near) in cases {
        let expected = single(name)?;
        let size = images.features();
        for point in 0..images.len() {
            let augment = Augment::images().interpolation(interpolation).center(center);
            let moved = augment.by(&images, point, angle[point], [rows[point], columns[point]], shear[point])?;
            for (found, e) in moved.iter().zip(&expected[point * size..][..size]) {
                assert!((found - e).abs() <= near, "{name}, image {point}: {found} is not {e}");
            }
        }
    }
    let (angle, rows, columns) = (double("papers_angle")?, double("papers_rows")?, double("papers_columns")?);
    let places: Vec<f32> = (0..64u8).map(f32::from).collect();
    let image = Split::new(places, vec![0], vec![1, 8, 8], 1)?;
    let expected = file.tensor("papers")?.data().chunks(64);
    assert_eq!((expected.len(), angle.len()), (1_000, 1_000));
    for (draw, expected) in expected.enumerate() {
        let moved = Augment::images().by(&image, 0, angle[draw], [rows[draw], columns[draw]], 0.0)?;
        assert!(moved.iter().zip(expected).all(|(&found, &e)| found == f32::from(e)), "draw {draw}");
    }
    Ok(())
}

/// Over many images: each pixel of a ramp tells where it came from, so that ranges, evenness and reflections can be read off.
#[test]
fn what_is_drawn_is_even_and_within_its_range() -> Outcome {
    let (height, width, count) = (9, 9, 4_000);
    // Columns 0 to 8 in the first channel, rows in the second.
    let ramp = (0..2 * height * width).map(|place| {
        let (row, column) = (place % (height * width) / width, place % width);
        (if place < height * width { column } else { row }) as f32
    });
    let image: Vec<f32> = ramp.collect();
    let split = Split::new(image.repeat(count), vec![0; count], vec![2, height, width], 1)?;
    let center = 4 * width + 4;
    let linear = Augment::images().interpolation(Interpolation::Linear).center(Center::True).rotation(0.0);
    // Translations: the middle pixel came from its own place plus t.
    let moved = linear.translation(0.2).reflection(false).moved(&split, 1)?;
    let shifts: Vec<f64> = moved
        .inputs()
        .chunks(2 * height * width)
        .flat_map(|image| [image[center], image[height * width + center]])
        .map(|value| f64::from(value) - 4.0)
        .collect();
    let most = 0.2 * height as f64;
    assert_even(&shifts, most);
    // The middle stays. Its neighbor to the right, (0, 1), came from (−sin θ, cos θ) by a turn, from (−sin s, cos s) by shearing.
    for (augment, most) in [(linear.rotation(10.0), 10.0), (linear.shear(20.0), 20.0)] {
        let moved = augment.translation(0.0).reflection(false).moved(&split, 5)?;
        let angle = |image: &[f32]| {
            let [row, column] = [image[height * width + center + 1], image[center + 1]].map(|at| f64::from(at) - 4.0);
            (-row).atan2(column).to_degrees()
        };
        assert_even(&moved.inputs().chunks(2 * height * width).map(angle).collect::<Vec<_>>(), most);
    }
    // Reflections: half of the images run from 8 to 0. Five standard errors of a share of ½ are 0.04.
    let moved = linear.translation(0.0).moved(&split, 2)?;
    let reflected =
        moved.inputs().chunks(2 * height * width).filter(|image| image[center] == 4.0 && image[4 * width] == 8.0);
    let share = reflected.count() as f64 / count as f64;
    assert!((share - 0.5).abs() < 0.04, "{share}");
    // By the seed, and each image anew.
    let augment = Augment::images();
    let moved = augment.moved(&split, 3)?;
    assert_eq!(moved, augment.moved(&split, 3)?);
    assert_ne!(moved, augment.moved(&split, 4)?);
    assert_ne!(moved.point(0), moved.point(1));
    Ok(())
}

/// Numbers within ± most, evenly: χ² of ten equal bins, 9 degrees of freedom, is below 27.9 with probability 0.999.
fn assert_even(numbers: &[f64], most: f64) {
    assert!(numbers.iter().all(|number| number.abs() <= most * (1.0 + 1e-4)), "within {most}");
    let mut bins = [0.0; 10];
    numbers.iter().for_each(|number| bins[(((number / most + 1.0) * 5.0) as usize).min(9)] += 1.0);
    let expected = numbers.len() as f64 / 10.0;
    let chi: f64 = bins.iter().map(|count| (count - expected).powi(2) / expected).sum();
    assert!(chi < 27.9, "χ² = {chi}: {bins:?}");
}

/// An image is moved anew in each epoch and in each trial: where x stays, the loss of the one batch tells.
#[test]
fn each_epoch_and_each_trial_moves_images_anew() -> Outcome {
    let (net, data) = dense()?;
    let still = Training::sgd(1e-30, 0.0).batch(200).trials(1).epochs(3).quiet();
    let losses = |training: Training, trial| -> sharp_minima::Result<Vec<f64>> {
        let mut descent = training.begin(&net, &data, trial)?;
        (0..3).map(|_| descent.step(&data)).collect()
    };
    // One batch of all points, whose order changes sums by rounding alone.
    let same = |losses: &[f64]| losses.iter().all(|loss| (loss - losses[0]).abs() < 1e-6);
    assert!(same(&losses(still.clone(), 0)?));
    let moved = losses(still.clone().augment(Augment::images()), 0)?;
    assert!((moved[0] - moved[1]).abs() > 1e-4 && (moved[1] - moved[2]).abs() > 1e-4, "{moved:?}");
    // The second trial from the first one's start.
    let first = still.clone().run(&net, &data)?.weights.remove(0);
    let point = Trials { weights: vec![first.clone(), first], ..still.clone().trials(2).run(&net, &data)? };
    let again = still.starting_at(&point);
    let (plain, other) = (losses(again.clone(), 1)?, losses(again.augment(Augment::images()), 1)?);
    assert!(same(&plain) && moved.iter().zip(&other).all(|(a, b)| (a - b).abs() > 1e-4), "{moved:?}, {other:?}");
    Ok(())
}

#[test]
fn what_cannot_be_done_is_refused_with_what_is_allowed() -> Outcome {
    let (net, data) = dense()?;
    let said = |training: Training| training.quiet().run(&net, &data).expect_err("it should be refused").to_string();
    let adam = || Training::adam().batch(100).trials(1).epochs(3);
    let with = |strategy| said(adam().strategy(strategy));
    for value in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
        let refusal =
            |name: &str| format!("{name} must be 0, or finite and above 0 as a 32-bit number, but is {value}");
        assert_eq!(with(Strategy::conservative(value, 3)), refusal("lambda of conservative training"));
        assert_eq!(with(Strategy::sam(value)), refusal("radius of robust training"));
        assert_eq!(with(Strategy::in_box(value)), refusal("radius of robust training"));
        assert_eq!(with(Strategy::noise(value)), refusal("amplitude of noise"));
        assert_eq!(with(Strategy::penalty(value, 10)), refusal("strength of the penalty"));
        assert_eq!(with(Strategy::adversarial(value)), refusal("epsilon of adversarial training"));
        assert_eq!(with(Strategy::stability(value, 0.1)), refusal("strength of stability training"));
        assert_eq!(with(Strategy::stability(0.1, value)), refusal("deviation of stability training"));
    }
    assert_eq!(with(Strategy::conservative(1e-3, 0)), "steps of conservative training must lie in 1..=1000, but is 0");
    assert_eq!(with(Strategy::sam(0.1).ascents(0)), "ascents must lie in 1..=1000, but is 0");
    assert_eq!(with(Strategy::sam(0.1).parts_of(0)), "points of a part must lie in 1..=100, but is 0");
    assert_eq!(with(Strategy::sam(0.1).parts_of(101)), "points of a part must lie in 1..=100, but is 101");
    let eta = Strategy::Robust { ball: Ball::Adaptive { eta: -0.1 }, radius: 0.5, ascents: 1, part: None };
    assert_eq!(with(eta), "eta of ASAM must be 0, or finite and above 0 as a 32-bit number, but is -0.1");
    let lamb = Optimizer::Lamb { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, decay: -0.01 };
    let error = said(adam().optimizer(lamb));
    assert_eq!(error, "decay of LAMB must be 0, or finite and above 0 as a 32-bit number, but is -0.01");
    let share = |share| Strategy::Adversarial { epsilon: 0.1, ascents: 1, share, range: None };
    assert_eq!(with(share(1.5)), "share of adversarial training must lie in 0..=1, but is 1.5");
    let range = Strategy::Adversarial { epsilon: 0.1, ascents: 1, share: 0.5, range: Some((1.0, 0.0)) };
    assert_eq!(with(range), "range of adversarial training must be finite and ascend, but is (1, 0)");
    let range = Strategy::Adversarial { epsilon: 0.1, ascents: 1, share: 0.5, range: Some((0.0, 0.5)) };
    let error = with(range);
    assert!(error.starts_with("range of adversarial inputs must hold all inputs, which lie in "), "{error}");
    assert!(error.ends_with("as for standardized ones, but is 0..=0.5"), "{error}");
    assert!(adam().strategy(range.unclipped()).quiet().run(&net, &data).is_ok());
    assert_eq!(said(adam().ghost(0)), "ghost must be at least 1; from the size of the batch on it is off, but is 0");
    let augment = |augment| said(adam().augment(augment));
    assert_eq!(augment(Augment::images().rotation(-1.0)), "rotation must lie in 0..=180, but is -1");
    assert_eq!(augment(Augment::images().translation(1.5)), "translation must lie in 0..=1, but is 1.5");
    assert_eq!(augment(Augment::images().shear(f64::NAN)), "shear must lie in 0..=80, but is NaN");
    let vectors = data::Synthetic::new(&[12], 4).train(100).test(10).make()?;
    let small = Net::new("small", &[12], vec![Layer::Dense { outputs: 4 }])?;
    let error = adam().augment(Augment::images()).quiet().run(&small, &vectors).expect_err("no images").to_string();
    assert_eq!(
        error,
        "augmentation moves images of shape [channels, height, width], but the points have the shape [12]"
    );
    let plan = |growth| said(adam().growing(growth));
    let growth = Growth { every: 1, factor: 2, most: 200, rate: 0.7 };
    assert_eq!(plan(Growth { every: 0, ..growth }), "epochs between growths must lie in 1..=1000000, but is 0");
    assert_eq!(plan(Growth { factor: 0, ..growth }), "factor of a growing batch must lie in 1..=1000000, but is 0");
    let most = "most of a growing batch must lie in 100..=200: it grows from its batch to this, but is 50";
    assert_eq!(plan(Growth { most: 50, ..growth }), most);
    assert_eq!(plan(Growth { rate: 0.0, ..growth }), "rate of a growing batch must be finite and above 0, but is 0");
    assert_eq!(said(adam().average(4)), "first epoch of the average must lie in 1..=3, but is 4");
    let error = adam().average(2).begin(&net, &data, 0).err().ok_or("an average is of epochs")?.to_string();
    assert_eq!(error, "average must be off where steps are taken by hand, but is from epoch 2");
    let error = said(adam().growing(Growth { every: 3, ..growth }));
    assert_eq!(
        error,
        "epochs between growths must be below 3, the epochs of the training: else it never grows, but is 3"
    );
    assert_eq!(said(adam().average(0)), "first epoch of the average must lie in 1..=3, but is 0");
    assert!(
        said(adam().average(2).objective(Objective::new().statistics(Statistics::Running))).starts_with("statistics")
    );
    assert_eq!(said(adam().scaled(Scaling::Linear, 0)), "base of the scaling must lie in 1..=100, but is 0");
    assert_eq!(
        said(adam().scaled(Scaling::Adam, 9)),
        "batch must be at most 90 for ADAM's rule from a batch of 9: at 10 times that, β is 0, but is 100"
    );
    assert_eq!(
        said(Training::sgd(0.1, 0.9).batch(100).scaled(Scaling::Adam, 50)),
        "optimizer must be ADAM for ADAM's rule, but is SGD, learning rate 0.1, momentum 0.9"
    );
    // A strategy whose loss is no longer finite ends its trial, and says so. L-BFGS stays where f does not fall.
    let lbfgs = |strategy: &Strategy| matches!(strategy, Strategy::Conservative { solver: Inner::Lbfgs, .. });
    for strategy in strategies().into_iter().filter(|strategy| !lbfgs(strategy)) {
        let trials = Training::sgd(1e30, 0.0).batch(50).trials(1).strategy(strategy).quiet().run(&net, &data)?;
        assert_eq!(trials.regime.runs[0].stop, Stop::Diverged, "{strategy}");
        assert!(trials.weights[0].values().iter().all(|value| value.is_finite()), "{strategy}");
    }
    Ok(())
}
