//! Spectra against all eigenvalues of small nets, which NumPy found (`tests/fixtures/curvature/make.py`), and what holds of every
//! quadrature.

mod curved;

use curved::{Curved, dot, norm};
use sharp_minima::polars::prelude::ChunkCompareEq;
use sharp_minima::{
    Dataset, Error, Layer, Maximum, Net, Objective, Passes, Precision, Role, Seed, Sharpness, Spectra, Spectrum,
    Statistics, Study, Training, Weights, data, zoo,
};

type Failure = Box<dyn std::error::Error>;
type Outcome = Result<(), Failure>;

/// The nets of which all eigenvalues are known, with them.
fn whole() -> Result<Vec<(Curved, Vec<f64>)>, Failure> {
    let nets = Curved::all()?.into_iter();
    let found: Vec<_> = nets.filter_map(|own| own.expected.eigenvalues.clone().map(|all| (own, all))).collect();
    assert_eq!(found.len(), 4);
    Ok(found)
}

fn away(value: f64, from: &[f64]) -> f64 {
    from.iter().map(|own| (own - value).abs()).fold(f64::INFINITY, f64::min)
}

/// Every Ritz value lies within its residual of an eigenvalue, and the outermost are those of NumPy.
#[test]
fn eigenvalues_are_those_of_numpy() -> Outcome {
    for (Curved { net, split, x, objective, .. }, all) in whole()? {
        let scale = all.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let steps = 80.min(all.len());
        let spectrum = Spectrum::outermost(5).steps(steps).probes(3).objective(objective).tolerance(1e-6);
        let found = spectrum.at_point(&net, &split, &x)?;
        for probe in &found.probes {
            for (&value, &residual) in probe.values.iter().zip(&probe.residuals) {
                assert!(away(value, &all) <= residual + 1e-13 * scale, "{}: {value} ± {residual:e}", net.name());
            }
            assert!((probe.mass() - 1.0).abs() < 1e-12);
        }
        for (own, expected) in found.largest.iter().zip(all.iter().rev()) {
            println!("{}: {own} for {expected:.9}", net.name());
            assert!((own.value - expected).abs() <= own.residual + 1e-12 * scale, "{own} for {expected}");
            assert!(own.is_converged, "{}: {own}", net.name());
        }
        for (own, expected) in found.smallest.iter().zip(&all) {
            println!("{}: {own} for {expected:.9}", net.name());
            assert!(!own.is_converged || (own.value - expected).abs() <= own.residual + 1e-12 * scale);
        }
        // f32, where the products are rounded: the residual says by how much.
        let rough = spectrum.clone().objective(objective.precision(Precision::Single)).at_point(&net, &split, &x)?;
        for (own, expected) in rough.largest.iter().zip(all.iter().rev()) {
            assert!((own.value - expected).abs() < 5e-6 * scale, "{}: {own} for {expected}", net.name());
            assert!(own.residual < 2e-5 * scale, "{own}");
        }
    }
    Ok(())
}

/// As many steps as there are weights find all of them, copies of 0 too.
#[test]
fn as_many_steps_as_weights_find_all() -> Outcome {
    for (Curved { net, split, x, objective, expected, .. }, all) in whole()? {
        let spectrum = Spectrum::outermost(1).steps(all.len()).probes(1).objective(objective);
        let found = spectrum.at_point(&net, &split, &x)?;
        let scale = all.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        for (own, expected) in found.probes[0].values.iter().zip(&all) {
            assert!((own - expected).abs() < 1e-11 * scale, "{}: {own} for {expected}", net.name());
        }
        let sum: f64 = found.probes[0].values.iter().sum();
        assert!((sum - expected.trace.ok_or("no trace")?).abs() < 1e-10 * scale);
        let squares: f64 = found.probes[0].values.iter().map(|value| value * value).sum();
        assert!((squares.sqrt() / expected.frobenius.ok_or("no norm")? - 1.0).abs() < 1e-11);
        assert_eq!(found.trace().standard_error, None);
    }
    Ok(())
}

/// Of 200 seeds with 10 probes each: the mean is the truth, the standard error is of the size of the error, and few are farther off than
/// three of them. With 9 degrees of freedom chance leaves 1.5 % beyond (`2 * scipy.stats.t.sf(3, 9)`), 3 of 200; more than 9 come
/// once in a thousand times (`scipy.stats.binom.ppf(0.999, 200, 0.015)` is 9).
#[test]
fn trace_and_norm_lie_within_their_standard_errors() -> Outcome {
    for (Curved { net, split, x, objective, expected, .. }, _) in whole()?.into_iter().skip(1).take(2) {
        let trace = expected.trace.ok_or("no trace")?;
        let square = expected.frobenius.ok_or("no norm")?.powi(2);
        // The first product alone makes both.
        let spectrum = Spectrum::outermost(1).steps(2).probes(10).objective(objective);
        let found = (0..200).map(|seed| spectrum.clone().seed(seed).at_point(&net, &split, &x));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        for (what, truth, estimates) in [
            ("trace", trace, found.iter().map(|own| own.trace()).collect::<Vec<_>>()),
            ("squared norm", square, found.iter().map(|own| own.square()).collect()),
        ] {
            let errors: Vec<f64> =
                estimates.iter().map(|own| own.standard_error).collect::<Option<_>>().ok_or("none")?;
            let beyond = estimates.iter().zip(&errors).filter(|(own, error)| (own.value - truth).abs() > 3.0 * **error);
            let beyond = beyond.count();
            let mean = estimates.iter().map(|own| own.value).sum::<f64>() / 200.0;
            let deviation = (estimates.iter().map(|own| (own.value - truth).powi(2)).sum::<f64>() / 200.0).sqrt();
            let said = (errors.iter().map(|error| error * error).sum::<f64>() / 200.0).sqrt();
            println!("{}, {what}: {truth} is {mean}, {deviation} where {said} is said, {beyond} beyond", net.name());
            assert!((mean - truth).abs() < 4.0 * deviation / 200f64.sqrt(), "{mean} for {truth}");
            assert!((said / deviation - 1.0).abs() < 0.25, "{deviation} where {said} is said");
            assert!(beyond <= 12, "{beyond} of 200 are farther than three standard errors");
        }
    }
    Ok(())
}

/// A quadrature of m nodes is exact for powers up to 2m − 1: those of three steps are those of forty.
#[test]
fn moments_are_those_of_the_matrix() -> Outcome {
    for (Curved { net, split, x, objective, .. }, all) in whole()?.into_iter().skip(1) {
        let scale = all.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let of = |steps| Spectrum::outermost(1).steps(steps).probes(2).objective(objective).at_point(&net, &split, &x);
        let (few, many) = (of(3)?, of(40)?);
        for (few, many) in few.probes.iter().zip(&many.probes) {
            for power in 0..6 {
                let moment = |value: f64| (value / scale).powi(power);
                let (a, b) = (few.mean(&moment), many.mean(&moment));
                assert!((a - b).abs() < 1e-12, "{}, power {power}: {a} and {b}", net.name());
            }
            let sixth = |value: f64| (value / scale).powi(6);
            assert!((few.mean(&sixth) - many.mean(&sixth)).abs() > 1e-9, "so much of a test it is");
        }
        // zᵀHᵖz, averaged over many z, is tr Hᵖ.
        let probes = 200;
        let many = Spectrum::outermost(1).steps(2).probes(probes).objective(objective).at_point(&net, &split, &x)?;
        for power in 1..4 {
            let own: Vec<f64> = many.probes.iter().map(|own| own.mean(&|value| value.powi(power))).collect();
            let n = all.len() as f64;
            let mean = n * own.iter().sum::<f64>() / probes as f64;
            let deviation = own.iter().map(|own| (n * own - mean).powi(2)).sum::<f64>().sqrt() / probes as f64;
            let truth: f64 = all.iter().map(|value| value.powi(power)).sum();
            assert!((mean - truth).abs() < 4.0 * deviation, "{}, power {power}: {mean} for {truth}", net.name());
        }
    }
    Ok(())
}

/// Counts above thresholds of several sizes, and the density with its mass.
#[test]
fn counts_and_density_are_those_of_all_eigenvalues() -> Outcome {
    for (Curved { net, split, x, objective, .. }, all) in whole()?.into_iter().skip(1) {
        let most = all[all.len() - 1];
        let thresholds = [0.5 * most, 0.2 * most, 0.1 * most, 0.05 * most];
        let spectrum = Spectrum::outermost(1).steps(60).probes(30).above(&thresholds).objective(objective);
        let found = spectrum.at_point(&net, &split, &x)?;
        for threshold in thresholds {
            let truth = all.iter().filter(|value| **value > threshold).count() as f64;
            let count = found.above(threshold);
            let error = count.standard_error.ok_or("no error")?;
            println!("{}: {truth} above {threshold}, {count}; resolution {}", net.name(), found.resolution());
            assert!(
                threshold < found.resolution() || (count.value - truth).abs() < 4.0 * error + 0.5,
                "{count} for {truth}"
            );
        }
        let ((least, most), width) = (found.range(), found.resolution());
        let (least, most) = (least - 8.0 * width, most + 8.0 * width);
        let step = (most - least) / 4_000.0;
        let integral: f64 = (0..4_000).map(|i| step * found.density(least + step * (f64::from(i) + 0.5), width)).sum();
        assert!((integral - 1.0).abs() < 1e-9 && (found.mass() - 1.0).abs() < 1e-12, "{integral}, {}", found.mass());
        // Smeared alike, all eigenvalues make the same density to a few per cent of its height.
        let bell = |t: f64| (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt();
        let width = 4.0 * width;
        let exact = |t: f64| all.iter().map(|own| bell((t - own) / width)).sum::<f64>() / width / all.len() as f64;
        let (mut worst, mut height) = (0.0f64, 0.0f64);
        for i in 0..400 {
            let t = least + (most - least) * f64::from(i) / 399.0;
            worst = worst.max((found.density(t, width) - exact(t)).abs());
            height = height.max(exact(t));
        }
        println!("{}: densities differ by {worst:e} of {height:e}", net.name());
        assert!(worst < 0.05 * height, "{worst} of {height}");
    }
    Ok(())
}

/// `H u = λ u` to the residual; vectors are orthonormal. The Gauss–Newton matrix has no negative eigenvalue.
#[test]
fn eigenvectors_are_what_their_residuals_say() -> Outcome {
    for (Curved { net, split, x, objective, .. }, all) in whole()?.into_iter().skip(1) {
        let spectrum = Spectrum::outermost(4).steps(70).probes(1).objective(objective);
        let found = spectrum.eigenvectors_at(&net, &split, &x)?;
        let vectors: Vec<Vec<f64>> = found.iter().map(|own| own.vector.clone()).collect();
        let products = objective.hessian_at(&net, &split, &x, &vectors)?;
        let told = spectrum.at_point(&net, &split, &x)?;
        assert_eq!(found.iter().map(|own| own.eigenvalue).collect::<Vec<_>>(), told.largest);
        for (place, (own, product)) in found.iter().zip(&products).enumerate() {
            let off: Vec<f64> = product.iter().zip(&own.vector).map(|(p, u)| p - own.eigenvalue.value * u).collect();
            assert!((norm(&off) - own.eigenvalue.residual).abs() < 1e-12 * all[all.len() - 1].abs().max(1.0));
            for (other, vector) in vectors.iter().enumerate() {
                assert!((dot(vector, &own.vector) - f64::from(u8::from(place == other))).abs() < 1e-12);
            }
        }
        let other = spectrum.gauss_newton().at_point(&net, &split, &x)?;
        assert!(other.smallest[0].value > -1e-12 && other.largest[0].value > 0.0);
        assert!((other.largest[0].value - told.largest[0].value).abs() > 1e-6, "it is another matrix");
    }
    Ok(())
}

/// P^(−½) H P^(−½), against that matrix written down from products: eigenvalues within their residuals of those that a dense product
/// says, trace, and the largest by 2,000 steps of the power method. P = c changes nothing but the scale.
#[test]
fn preconditioned_matrices_are_what_they_say() -> Outcome {
    for (Curved { net, split, x, objective, .. }, all) in whole()?.into_iter().take(2) {
        let n = x.len();
        let scale: Vec<f64> = (0..n).map(|i| 0.2 + (1.7 * i as f64).sin().powi(2)).collect();
        let units: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        let mut dense = objective.hessian_at(&net, &split, &x, &units)?;
        for (row, p) in dense.iter_mut().zip(&scale) {
            row.iter_mut().zip(&scale).for_each(|(number, q)| *number /= (p * q).sqrt());
        }
        let times = |v: &[f64]| dense.iter().map(|row| dot(row, v)).collect::<Vec<f64>>();
        let spectrum = Spectrum::outermost(1).steps(60.min(n)).probes(20).objective(objective).tolerance(1e-8);
        let found = spectrum.clone().preconditioned(scale.clone()).at_point(&net, &split, &x)?;
        let top = &spectrum.clone().preconditioned(scale.clone()).eigenvectors_at(&net, &split, &x)?[0];
        let apart: Vec<f64> =
            times(&top.vector).iter().zip(&top.vector).map(|(m, u)| m - top.eigenvalue.value * u).collect();
        let largest = found.largest[0].value;
        assert!(norm(&apart) < 1e-9 * largest, "{}: {:e}", net.name(), norm(&apart));
        // Shifted, so that the largest is the farthest from 0 whatever the smallest is.
        let shift = found.range().0.abs();
        let mut v = vec![1.0; n];
        for _ in 0..2_000 {
            let next: Vec<f64> = times(&v).iter().zip(&v).map(|(m, v)| m + shift * v).collect();
            let size = norm(&next);
            v = next.into_iter().map(|v| v / size).collect();
        }
        assert!((dot(&v, &times(&v)) / largest - 1.0).abs() < 1e-6, "{}: {largest}", net.name());
        let trace: f64 = (0..n).map(|i| dense[i][i]).sum();
        let estimate = found.trace();
        let error = estimate.standard_error.ok_or("no error")?;
        assert!((estimate.value - trace).abs() < 4.0 * error + 1e-9, "{estimate} for {trace}");
        assert!(found.preconditioned && found.block().text.contains("preconditioned Hessian"));
        let quarter = spectrum.preconditioned(vec![4.0; n]).at_point(&net, &split, &x)?;
        assert!((4.0 * quarter.largest[0].value / all[n - 1] - 1.0).abs() < 1e-9);
    }
    Ok(())
}

/// P is what ADAM's step divides by: after k steps with all points as one batch, what the formula makes of the gradients at the
/// points that were passed; the next step is along it.
#[test]
fn the_preconditioner_is_that_of_the_last_step() -> Outcome {
    let data = data::synthetic();
    let net = zoo::f1(data.shape(), data.classes(), 0.03)?;
    let points = data.train.len();
    let mut descent = Training::adam().batch(points).trials(1).epochs(9).quiet().begin(&net, &data, 0)?;
    assert!(descent.preconditioner().is_err());
    let n = net.parameter_count();
    let (mut mean, mut square) = (vec![0.0; n], vec![0.0; n]);
    for step in 1..=4 {
        let x = descent.weights()?;
        let gradient = Objective::new().chunk(points).gradient(&net, &data.train, &x)?.gradient;
        mean.iter_mut().zip(&gradient).for_each(|(m, g)| *m = 0.9 * *m + 0.1 * g);
        square.iter_mut().zip(&gradient).for_each(|(v, g)| *v = 0.999 * *v + 0.001 * g * g);
        descent.step(&data)?;
        let p = descent.preconditioner()?;
        let correction = (1.0 - 0.999f64.powi(step)).sqrt();
        let moved = descent.weights()?;
        for place in 0..n {
            let expected = (square[place].sqrt() + 1e-8) / correction;
            // Gradients that are 0 but for rounding (biases before a normalization) differ.
            if square[place].sqrt() > 1e-6 {
                assert!((p[place] / expected - 1.0).abs() < 1e-3, "{place}: {} is not {expected}", p[place]);
                let by = 1e-3 * mean[place] / (1.0 - 0.9f64.powi(step)) / p[place];
                let own = f64::from(x.values()[place]) - f64::from(moved.values()[place]);
                assert!((own - by).abs() < 2e-6 + 1e-2 * by.abs(), "{place}: {own} is not {by}");
            }
        }
    }
    let sgd = Training::sgd(0.1, 0.0).batch(points).trials(1).epochs(1).quiet();
    let mut sgd = sgd.begin(&net, &data, 0)?;
    sgd.step(&data)?;
    let error = sgd.preconditioner().expect_err("SGD has none").to_string();
    assert!(error.starts_with("optimizer must be ADAM"), "{error}");
    Ok(())
}

/// The leading directions' shares, against f and products at the projections themselves; with as many directions as weights they are
/// all of the step.
#[test]
fn leading_directions_carry_what_they_carry() -> Outcome {
    let data = data::synthetic();
    let net = Net::new("small", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: data.classes() }])?;
    let n = net.parameter_count();
    let trials = Training::adam().batch(20).trials(1).epochs(5).quiet().run(&net, &data)?;
    let x = &trials.weights[0];
    let f = Objective::new().precision(Precision::Double);
    let sharpness = Sharpness::full(1e-2).thorough().objective(f).quiet();
    let step = sharpness.step(&net, &sharpness.at(&net, &data, x)?)?;
    let spectrum = Spectrum::outermost(4).steps(40.min(n)).probes(1).objective(f).quiet();
    let found = spectrum.explained(&net, &data, x, &step)?;
    let own = spectrum.eigenvectors(&net, &data, x)?;
    let at = |d: &[f64]| -> sharp_minima::Result<f64> {
        let there: Vec<f64> = x.to_f64().iter().zip(d).map(|(x, d)| x + d).collect();
        Ok(f.value_at(&net, &data.train, &there)?.loss)
    };
    let start = at(&vec![0.0; n])?;
    let within: Vec<f64> =
        (0..n).map(|i| own[..2].iter().map(|own| own.vector[i] * dot(&own.vector, &step)).sum()).collect();
    let two = found.leading[1];
    assert_eq!(two.directions, 2);
    assert!((two.growth / ((at(&within)? - start) / (at(&step)? - start)) - 1.0).abs() < 1e-9, "{two:?}");
    assert!((two.length / (norm(&within) / norm(&step)).powi(2) - 1.0).abs() < 1e-9, "{two:?}");
    let bent = |d: &[f64]| -> sharp_minima::Result<f64> {
        Ok(dot(&f.hessian_at(&net, &data.train, &x.to_f64(), &[d.to_vec()])?[0], d))
    };
    assert!((two.curvature / (bent(&within)? / bent(&step)?) - 1.0).abs() < 1e-6, "{two:?}");
    assert!((found.curvature / bent(&step)? - 1.0).abs() < 1e-9);
    assert!(found.leading.windows(2).all(|pair| pair[0].length < pair[1].length));
    assert!(found.block().text.contains("growth of f, %"), "{}", found.block());
    assert_eq!(found.frame()?.column("growth")?.f64()?.get(1), Some(two.growth));
    // In a subspace the step is A y.
    let subspace = Sharpness::subspace(1e-2, 5).objective(f).quiet();
    let maximum = subspace.at(&net, &data, x)?;
    let step = subspace.step(&net, &maximum)?;
    assert_eq!((step.len(), at(&step)?), (n, maximum.largest));

    let said = |step: &[f64]| spectrum.explained(&net, &data, x, step).expect_err("is refused").to_string();
    assert_eq!(said(&[1.0]), format!("a step has 1 numbers for {n} weights"));
    for step in [vec![0.0; n], vec![f64::NAN; n]] {
        assert_eq!(said(&step), "a step must be finite and not 0");
    }
    let preconditioned = spectrum.clone().preconditioned(vec![1.0; n]);
    assert!(preconditioned.explained(&net, &data, x, &step).is_err());
    assert!(sharpness.step(&net, &maximum).expect_err("another box").to_string().contains("has no step of 5 numbers"));
    let bare = Maximum { displacement: None, ..maximum };
    assert!(subspace.step(&net, &bare).is_err());
    Ok(())
}

fn study() -> sharp_minima::Result<(Net, Dataset, Study)> {
    let data = data::digits().first(300, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.03)?;
    let plain = Training::adam().trials(2).epochs(4).iterates(&[2, 4]).quiet();
    let arms = [plain.clone().batch(20).role(Role::Small), plain.batch(150).role(Role::Large)];
    let study = Study::run(&arms, &net, &data)?;
    Ok((net, data, study))
}

#[test]
fn trials_are_measured_kept_and_found_again() -> Outcome {
    let (net, data, study) = study()?;
    let kept = tempfile::tempdir()?;
    let spectrum = Spectrum::outermost(5).steps(12).probes(3).above(&[0.05, 1e-9]).quiet();
    let first = spectrum.clone().kept_in(kept.path()).threads(1).study(&net, &data, &study)?;
    assert_eq!((first.spectra.len(), first.unmeasured, first.diverged), (4, 0, 0));
    let files = || std::fs::read_dir(kept.path()).map(Iterator::count);
    assert_eq!(files()?, 12, "a file for each trial and probe");
    // Found as they were kept, seconds too; what only reads them makes no new ones.
    assert_eq!(spectrum.clone().kept_in(kept.path()).study(&net, &data, &study)?, first);
    let read = Spectrum::outermost(2).steps(12).probes(2).quiet().kept_in(kept.path()).study(&net, &data, &study)?;
    assert_eq!(files()?, 12);
    assert_eq!(read.spectra[3].largest[..], first.spectra[3].largest[..2]);
    assert_eq!(read.spectra[3].probes[..], first.spectra[3].probes[..2]);
    // Another seed, matrix, number of steps, split or objective is another measure.
    let others = [
        spectrum.clone().seed(1),
        spectrum.clone().gauss_newton(),
        spectrum.clone().steps(11),
        spectrum.clone().on_test(),
        spectrum.clone().objective(Objective::new().chunk(200)),
    ];
    for (place, other) in others.iter().enumerate() {
        let found = other.clone().kept_in(kept.path()).trials(&net, &data, &study.regimes[0])?;
        assert!(found.spectra[0].probes[0] != first.spectra[0].probes[0]);
        assert_eq!(files()?, 12 + 6 * (place + 1));
    }
    // The same numbers on any number of threads, and of one point alone.
    let again = spectrum.clone().threads(3).study(&net, &data, &study)?;
    let probes = |own: &Spectra| own.spectra.iter().map(|own| own.probes.clone()).collect::<Vec<_>>();
    assert_eq!(probes(&again), probes(&first));
    let alone = spectrum.at(&net, &data, &study.regimes[1].weights[1])?;
    assert_eq!(alone.probes, first.spectra[3].probes);
    assert_eq!((alone.name(), first.spectra[3].name().as_str()), (String::new(), "large, trial 1"));
    // A file that was altered is not read.
    let path = std::fs::read_dir(kept.path())?.next().ok_or("no file")??.path();
    let text = std::fs::read_to_string(&path)?.replacen("\"values\":[", "\"values\":[1", 1);
    std::fs::write(&path, text)?;
    let mended = Spectrum::outermost(5).steps(12).probes(3).above(&[0.05, 1e-9]).quiet().kept_in(kept.path());
    assert_eq!(probes(&mended.study(&net, &data, &study)?), probes(&first));
    Ok(())
}

#[test]
fn a_budget_leaves_whole_spectra_and_says_what_is_missing() -> Outcome {
    let (net, data, study) = study()?;
    let spectrum = Spectrum::outermost(1).steps(10).probes(2).quiet();
    let found = spectrum.clone().seconds(1e-6).study(&net, &data, &study)?;
    assert_eq!((found.spectra.len(), found.unmeasured), (0, 4));
    assert!(found.block().text.contains("4 missing"), "{}", found.block().text);
    assert!(found.chart().is_err() && found.frame()?.height() == 0);
    // A single point is measured whatever the budget.
    assert_eq!(spectrum.seconds(1e-6).at(&net, &data, &study.regimes[0].weights[0])?.probes.len(), 2);
    Ok(())
}

#[test]
fn tables_frames_and_pictures_say_what_was_found() -> Outcome {
    let (net, data, study) = study()?;
    let spectrum = Spectrum::outermost(5).steps(30).probes(4).above(&[0.05, 1e-9]).quiet();
    let found = spectrum.study(&net, &data, &study)?;
    let text = found.block().text;
    for words in [
        "small, trial 0",
        "large, trial 1",
        "above 0.05",
        "finer than the resolution",
        "largest over fifth largest",
        "large over small",
    ] {
        assert!(text.contains(words), "no '{words}' in {text}");
    }
    let ratio = found.ratio(&|own| own.trace().value)?;
    let mean = |place: usize| (found.spectra[place].trace().value + found.spectra[place + 1].trace().value) / 2.0;
    assert!((ratio.of_means / (mean(2) / mean(0)) - 1.0).abs() < 1e-12);
    let frame = found.frame()?;
    // loss; 5 largest, 5 smallest; trace, norm; 2 counts; mass, resolution, seconds.
    assert_eq!(frame.height(), 4 * 18);
    let measure = frame.column("measure")?.str()?.equal("count above");
    let counts = frame.filter(&measure)?;
    assert_eq!(counts.column("value")?.f64()?.get(0), Some(found.spectra[0].above(0.05).value));
    assert_eq!(counts.column("standard_error")?.f64()?.get(0), found.spectra[0].above(0.05).standard_error);
    assert_eq!(counts.column("status")?.str()?.get(1), Some("finer than the resolution"));
    let largest = frame.filter(&frame.column("measure")?.str()?.equal("largest"))?;
    assert_eq!(largest.column("rank")?.u64()?.get(4), Some(5));
    assert_eq!(largest.column("residual")?.f64()?.get(4), Some(found.spectra[0].largest[4].residual));
    assert_eq!(found.spectra[0].frame()?.height(), 18);
    let chart = found.chart()?;
    assert!(chart.words.contains("small and large") && chart.svg.contains("density (log scale)"));
    // Blue is the small batch, vermilion the large one; a line and a line of the key each.
    assert!(chart.svg.matches("#0072B2").count() >= 2 && chart.svg.matches("#D55E00").count() >= 2);
    assert!(found.spectra[0].chart()?.words.contains("density of eigenvalues"));
    assert!(found.spectra[0].block().text.contains("not converged"), "{}", found.spectra[0].block().text);
    // Along the way: each trial after each epoch.
    let way = Spectrum::outermost(1).steps(8).probes(2).quiet().iterates(&net, &data, &study)?;
    let epochs: Vec<_> = way.spectra.iter().map(|own| own.epoch).collect();
    assert_eq!(epochs, [2, 2, 2, 2, 4, 4, 4, 4].map(Some));
    assert!(way.chart()?.words.contains("small, epoch 2"));
    assert!(way.spectra[7].largest[0].value != way.spectra[3].largest[0].value);
    // More than two are drawn against f(x).
    let mut longer = way.clone();
    let last = way.spectra.iter().filter(|own| own.epoch == Some(4));
    longer.spectra.extend(last.map(|own| sharp_minima::Eigenvalues { epoch: Some(9), ..own.clone() }));
    assert!(longer.chart()?.words.contains("along runs against f(x)"));
    Ok(())
}

#[test]
fn wrong_input_says_what_was_given_and_what_is_allowed() -> Outcome {
    let data = data::synthetic();
    let net = zoo::f1(data.shape(), data.classes(), 0.03)?;
    let x = net.start(Seed(1), 0);
    let n = net.parameter_count();
    let said = |spectrum: Spectrum| spectrum.quiet().at(&net, &data, &x).expect_err("is refused").to_string();
    let plain = || Spectrum::outermost(2).steps(5).probes(1);
    assert!(plain().quiet().at(&net, &data, &x).is_ok());
    assert_eq!(said(Spectrum::outermost(0)), "number of outermost eigenvalues must lie in 1..=80, but is 0");
    assert_eq!(said(plain().steps(1)), "number of outermost eigenvalues must lie in 1..=1, but is 2");
    assert_eq!(said(plain().steps(n + 1)), format!("steps of Lanczos must lie in 1..={n}, but is {}", n + 1));
    assert!(said(plain().steps(0)).starts_with("steps of Lanczos must lie in 1..="));
    // A million vectors of a million numbers.
    let images = data::Synthetic::new(&[1, 28, 28], 10).train(20).test(10).make()?;
    let large = zoo::f1(images.shape(), images.classes(), 1.0)?;
    let start = large.start(Seed(0), 0);
    let error = plain().steps(1_000_000).quiet().at(&large, &images, &start).expect_err("more than there is");
    let error = error.to_string();
    assert!(error.starts_with("memory for one part must be at most") && error.contains("about 58"), "{error}");
    assert_eq!(said(plain().probes(0)), "probes must lie in 1..=10000, but is 0");
    for threshold in [f64::NAN, f64::INFINITY] {
        let error = said(plain().above(&[0.1, threshold]));
        assert_eq!(error, format!("threshold of eigenvalues must be finite, but is {threshold}"));
    }
    assert!(said(plain().tolerance(-1.0)).contains("tolerance"));
    for statistics in [Statistics::Running, Statistics::Recalibrated] {
        let error = said(plain().objective(Objective::new().statistics(statistics)));
        assert!(error.contains("statistics must be batch"), "{error}");
    }
    assert!(said(plain().objective(Objective::new().passes(Passes::Composed))).contains("passes must be fused"));
    assert!(said(plain().threads(0)).contains("threads"));
    assert_eq!(said(plain().preconditioned(vec![1.0])), format!("the preconditioner has 1 numbers for {n} weights"));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = said(plain().preconditioned([vec![1.0; n - 1], vec![wrong]].concat()));
        let expected = format!("a preconditioner must be finite and above 0, but its number {} is {wrong}", n - 1);
        assert_eq!(error, expected);
    }
    let pair = Training::adam().trials(1).epochs(1).quiet().pair(&net, &data, 10, 100)?;
    let error = plain().preconditioned(vec![1.0; n]).quiet().pair(&net, &data, &pair).expect_err("two points");
    assert!(error.to_string().starts_with("points must be 1 where the matrix is preconditioned"), "{error}");
    let mut broken = x.values().to_vec();
    broken[3] = f32::NAN;
    let broken = Weights::new(net.layout(), broken)?;
    let error = plain().at(&net, &data, &broken).expect_err("weights that are none");
    assert!(matches!(error, Error::Data(_)) && error.to_string() == "weights must be finite, but number 3 is NaN");
    let other = Net::new("other", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: data.classes() }])?;
    assert!(matches!(plain().at(&other, &data, &x), Err(Error::Shape(_))));
    Ok(())
}
