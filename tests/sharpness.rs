//! Sharpness: what it must be where the answer is known, what it says of a search that found nothing, what it refuses.

use sharp_minima::sharpness::Status;
use sharp_minima::{
    Dataset, Layer, Maxima, Maximizer, Net, Objective, Precision, Seed, Sharpness, Statistics, Training, Trials,
    Weights, data, zoo,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn trained() -> sharp_minima::Result<(Net, Dataset, Trials)> {
    let data = data::digits().first(300, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let trials = Training::adam().batch(50).trials(1).epochs(12).quiet().run(&net, &data)?;
    Ok((net, data, trials))
}

fn exact() -> Objective {
    Objective::new().precision(Precision::Double)
}

#[test]
fn no_box_no_sharpness_and_a_larger_box_holds_no_less() -> Outcome {
    let (net, data, trials) = trained()?;
    let x = &trials.weights[0];
    let at = |epsilon: f64| Sharpness::full(epsilon).thorough().objective(exact()).at(&net, &data, x);
    let none = at(0.0)?;
    assert_eq!((none.phi(), none.first_order, none.status()), (0.0, 0.0, Status::Found));
    let mut before = 0.0;
    for epsilon in [1e-4, 5e-4, 1e-3, 1e-2] {
        let found = at(epsilon)?;
        assert!(found.phi() > before, "{epsilon}: {} is not above {before}", found.phi());
        assert!(found.searches.iter().all(|search| search.phi >= 0.0 && search.phi <= found.phi()));
        // In a small box f is nearly what its first two derivatives say.
        if epsilon < 1e-3 {
            let second = found.second_order.ok_or("no second order")?;
            assert!((second / found.phi() - 1.0).abs() < 0.05, "{found:?}");
        }
        before = found.phi();
    }
    Ok(())
}

/// The quadratic that f is at x, along the best step: by the product's own verb, and by central differences of ∇f so close that no
/// kink lies between. In a box along directions the step is A y. Statistics that have no products have no such number.
#[test]
fn the_second_order_is_that_of_the_exact_hessian() -> Outcome {
    let (net, data, trials) = trained()?;
    let x = trials.weights[0].to_f64();
    let n = net.parameter_count();
    let wave = |pace: f64| (0..n).map(|i| (pace * i as f64).sin()).collect::<Vec<f64>>();
    let columns = vec![wave(1.0), wave(2.0), wave(4.5)];
    for (sharpness, columns) in
        [(Sharpness::full(1e-3), None), (Sharpness::along(1e-3, columns.clone()), Some(columns))]
    {
        let found = sharpness.thorough().objective(exact()).quiet().at(&net, &data, &trials.weights[0])?;
        let y = found.displacement.clone().ok_or("no y")?;
        let d = match &columns {
            None => y,
            Some(columns) => (0..n).map(|i| columns.iter().zip(&y).map(|(column, y)| column[i] * y).sum()).collect(),
        };
        let gradient = |share: f64| -> Result<Vec<f64>, sharp_minima::Error> {
            let there: Vec<f64> = x.iter().zip(&d).map(|(x, d)| x + share * d).collect();
            Ok(exact().gradient_at(&net, &data.train, &there)?.gradient)
        };
        let dot = |a: &[f64]| a.iter().zip(&d).map(|(a, d)| a * d).sum::<f64>();
        let product = exact().hessian_at(&net, &data.train, &x, std::slice::from_ref(&d))?;
        let phi = |curved: f64, linear: f64| 100.0 * (linear + 0.5 * curved) / (1.0 + found.value);
        let linear = dot(&gradient(0.0)?);
        let second = found.second_order.ok_or("no second order")?;
        assert!((second / phi(dot(&product[0]), linear) - 1.0).abs() < 1e-9, "{second}");
        let share = 1e-6;
        let differences = (dot(&gradient(share)?) - dot(&gradient(-share)?)) / (2.0 * share);
        assert!((second / phi(differences, linear) - 1.0).abs() < 1e-5, "{second} is not {}", phi(differences, linear));
    }
    let running = Objective::new().statistics(sharp_minima::Statistics::Running);
    let found = Sharpness::full(1e-3).objective(running).quiet().at(&net, &data, &trials.weights[0])?;
    assert_eq!(found.second_order, None);
    assert!(!found.block().text.contains("quadratic"), "{}", found.block());
    Ok(())
}

/// p = n directions that are those of the axes are the full space: the same searches, the same numbers.
#[test]
fn all_axes_are_the_full_space() -> Outcome {
    let data = data::synthetic();
    let net = Net::new("small", data.shape(), vec![Layer::Dense { outputs: data.classes() }])?;
    let x = net.start(Seed(2), 0);
    let n = net.parameter_count();
    let axes: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    let full = Sharpness::full(1e-2).starts(2).objective(exact()).at(&net, &data, &x)?;
    for sharpness in [Sharpness::along(1e-2, axes.clone()), Sharpness::along(1e-2, axes.clone()).orthonormal()] {
        let along = sharpness.starts(2).objective(exact()).at(&net, &data, &x)?;
        assert!((along.phi() / full.phi() - 1.0).abs() < 1e-9, "{} and {}", along.phi(), full.phi());
        assert!((along.first_order / full.first_order - 1.0).abs() < 1e-9);
        assert_eq!(along.dimension, n);
    }
    Ok(())
}

/// A subspace holds less than the space, another draw is another A, orthonormal directions make a smaller box, and the seed
/// decides every bit.
#[test]
fn subspaces() -> Outcome {
    let (net, data, trials) = trained()?;
    let x = &trials.weights[0];
    let in_10 = Sharpness::subspace(1e-3, 10).objective(exact());
    let (one, again) = (in_10.at(&net, &data, x)?, in_10.at(&net, &data, x)?);
    assert_eq!((one.largest, &one.displacement), (again.largest, &again.displacement));
    assert_eq!(one.displacement.as_ref().map(Vec::len), Some(10));
    assert_ne!(one.largest, in_10.clone().draw(1).at(&net, &data, x)?.largest);
    assert_ne!(one.largest, in_10.clone().seed(1).at(&net, &data, x)?.largest);
    let small = in_10.orthonormal().thorough().at(&net, &data, x)?;
    assert!(small.phi() < one.phi(), "{} and {}", small.phi(), one.phi());
    Ok(())
}

/// The zero-start trap: where the gradient is next to nothing beside the box, L-BFGS-B stays at its start, and says so; from
/// corner to corner the same box holds many times as much.
#[test]
fn a_search_that_did_not_move_is_a_status() -> Outcome {
    // A net that has all its points right by far: its outputs ten times as large, f and its gradient are close to 0.
    let data = data::digits().first(300, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.1)?;
    let trials = Training::adam().batch(50).trials(1).epochs(60).quiet().run(&net, &data)?;
    assert_eq!(trials.regime.runs[0].last().train_accuracy, 1.0);
    let layout = net.layout();
    let last: Vec<usize> = layout.parameters().iter().rev().take(2).flat_map(|part| part.range()).collect();
    let mut values = trials.weights[0].values().to_vec();
    last.iter().for_each(|&place| values[place] *= 10.0);
    let far = Weights::new(layout, values)?;
    let paper = Sharpness::full(1e-3).objective(exact());
    let (trap, thorough) = (paper.at(&net, &data, &far)?, paper.clone().thorough().at(&net, &data, &far)?);
    assert_ne!(trap.status(), Status::Found, "{} {}", trap.block(), thorough.block());
    assert!(trap.summary().contains("an unreliable lower bound"), "{}", trap.summary());
    assert!(thorough.phi() > 10.0 * trap.phi(), "{} {}", trap.block(), thorough.block());
    assert_eq!(thorough.status(), Status::Found);
    assert_eq!(thorough.best().map(|search| search.maximizer), Some(Maximizer::Corners));
    Ok(())
}

/// All maximizers agree on what a smooth little box holds.
#[test]
fn maximizers_agree() -> Outcome {
    let (net, data, trials) = trained()?;
    let maximizers =
        [Maximizer::Lbfgsb, Maximizer::ProjectedGradient, Maximizer::AutoPgd, Maximizer::Corners, Maximizer::Flips];
    let phis = maximizers.map(|maximizer| {
        let sharpness = Sharpness::full(1e-3).maximizer(maximizer).iterations(60).objective(exact());
        sharpness.at(&net, &data, &trials.weights[0]).map(|found| found.phi())
    });
    let phis = phis.into_iter().collect::<Result<Vec<f64>, _>>()?;
    let most = phis.iter().copied().fold(0.0, f64::max);
    assert!(phis.iter().all(|phi| *phi > 0.8 * most), "{phis:?}");
    Ok(())
}

#[test]
fn both_splits_and_running_averages() -> Outcome {
    let (net, data, trials) = trained()?;
    let x = &trials.weights[0];
    let train = Sharpness::full(1e-3).at(&net, &data, x)?;
    let test = Sharpness::full(1e-3).on_test().at(&net, &data, x)?;
    assert_eq!([train.split, test.split].map(|split| split.to_string()), ["train", "test"]);
    assert_eq!(train.value, Objective::new().value(&net, &data.train, x)?.loss);
    assert_eq!(test.value, Objective::new().value(&net, &data.test, x)?.loss);
    let running = Objective::new().statistics(Statistics::Running);
    let fixed = Sharpness::full(1e-3).objective(running).at(&net, &data, x)?;
    assert_eq!(fixed.value, running.value(&net, &data.train, x)?.loss);
    assert!(train.block().to_string().contains("L-BFGS-B from zero"), "{}", train.block());
    Ok(())
}

#[test]
fn wrong_input_is_refused_with_what_is_allowed() -> Outcome {
    let (net, data, trials) = trained()?;
    let x = &trials.weights[0];
    let said = |sharpness: Sharpness| sharpness.at(&net, &data, x).expect_err("it is refused").to_string();
    let n = net.parameter_count();
    assert_eq!(said(Sharpness::full(-1e-3)), "epsilon must be finite and at least 0, but is -0.001");
    assert_eq!(said(Sharpness::full(f64::NAN)), "epsilon must be finite and at least 0, but is NaN");
    assert_eq!(said(Sharpness::full(f64::INFINITY)), "epsilon must be finite and at least 0, but is inf");
    let p = |given: usize| format!("p must lie in 1..={n}, the number of weights, but is {given}");
    assert_eq!(said(Sharpness::subspace(1e-3, 0)), p(0));
    assert_eq!(said(Sharpness::subspace(1e-3, n + 1)), p(n + 1));
    assert_eq!(said(Sharpness::full(1e-3).iterations(0)), "iterations must lie in 1..=100000, but is 0");
    assert_eq!(said(Sharpness::full(1e-3).starts(1_001)), "starts must lie in 0..=1000, but is 1001");
    assert!(said(Sharpness::along(1e-3, vec![vec![1.0; n], vec![2.0; n]])).contains("direction 1 lies in the span"));
    assert!(said(Sharpness::along(1e-3, vec![])).contains("number of directions must lie in"));
    let recalibrated = Objective::new().statistics(Statistics::Recalibrated);
    assert!(said(Sharpness::full(1e-3).objective(recalibrated)).starts_with("statistics must be batch or running"));

    let other = zoo::f1(data.shape(), data.classes(), 0.06)?.start(Seed(0), 0);
    let error = Sharpness::full(1e-3).at(&net, &data, &other).expect_err("weights of another net");
    assert!(error.to_string().ends_with("it belongs to another net"), "{error}");
    let mut values = x.values().to_vec();
    values[7] = f32::NAN;
    let broken = Weights::new(net.layout(), values)?;
    let error = Sharpness::full(1e-3).at(&net, &data, &broken).expect_err("weights that are not finite");
    assert_eq!(error.to_string(), "weights must be finite, but number 7 is NaN");
    Ok(())
}

/// Searches that end in different places are counted as such.
#[test]
fn searches_agree_or_stand_alone() -> Outcome {
    let data = data::digits().first(100, 50)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let x = net.start(Seed(1), 0);
    let mut found = Sharpness::subspace(1e-3, 10).thorough().starts(3).quiet().at(&net, &data, &x)?;
    assert_eq!(found.searches.len(), 5);
    found.largest = found.value + (1.0 + found.value) * 0.1;
    for (search, phi) in found.searches.iter_mut().zip([10.0, 9.6, 9.4, 1.0, 9.5]) {
        search.phi = phi;
    }
    assert_eq!(found.agreeing(), 3);
    let mut alone = found.clone();
    alone.searches[1].phi = 9.0;
    alone.searches[4].phi = 9.0;
    assert_eq!(alone.agreeing(), 1);
    let text = Maxima { maxima: vec![found, alone], ..Maxima::default() }.agreement().text;
    assert!(text.lines().last().is_some_and(|line| line.contains("2.0") && line.trim_end().ends_with('1')), "{text}");
    Ok(())
}
