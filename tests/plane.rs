//! Planes through a point: what spans them, what lies on them, and what is refused.

use sharp_minima::landscape::Directions;
use sharp_minima::{
    Dataset, Net, Objective, Pair, Plane, Precision, Ratio, Recorded, Seed, Spectrum, Surfaces, Training, data, zoo,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn trained() -> sharp_minima::Result<(Net, Dataset, Pair)> {
    let data = data::digits().first(200, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.03)?;
    let pair = Training::adam().trials(2).epochs(10).quiet().pair(&net, &data, 20, 100)?;
    Ok((net, data, pair))
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// f on the grid is f at those points, and in its middle it is f(x), to the bit; for both kinds of planes and all statistics that
/// a point has.
#[test]
fn the_grid_holds_f() -> Outcome {
    let (net, data, pair) = trained()?;
    let x = &pair.large.weights[0];
    let n = net.parameter_count();
    let wave = |shift: f64| (0..n).map(|i| 0.01 * (shift + i as f64).sin()).collect::<Vec<f64>>();
    for plane in [Plane::filters().points(5), Plane::along(wave(0.0), wave(1.0)).points(5).reach(3.0)] {
        let surface = plane.clone().quiet().at(&net, &data, x)?;
        assert_eq!(surface.origin(), Objective::new().value(&net, &data.train, x)?);
        let [first, second] = plane.directions(&net, x)?;
        for (row, &b) in surface.values.iter().zip(&surface.places) {
            for (&found, &a) in row.iter().zip(&surface.places) {
                let steps = x.values().iter().zip(first.iter().zip(&second));
                let point: Vec<f64> = steps.map(|(&x, (d, e))| f64::from(x) + a * d + b * e).collect();
                assert_eq!(found, Objective::new().value_at(&net, &data.train, &point)?, "at {a}, {b}");
            }
        }
        let expected = [length(&first), length(&second)];
        assert!(surface.lengths.iter().zip(expected).all(|(found, own)| (found / own - 1.0).abs() < 1e-12));
        assert_eq!(surface.within(f64::INFINITY), 1.0);
        assert!(surface.within(0.0) >= 1.0 / 25.0 && surface.lowest().2 <= surface.origin().loss);
    }
    let test = Plane::filters().points(3).on_test().quiet().at(&net, &data, x)?;
    assert_eq!(test.origin(), Objective::new().value(&net, &data.test, x)?);
    for statistics in [sharp_minima::Statistics::Running, sharp_minima::Statistics::Recalibrated] {
        let f = Objective::new().statistics(statistics);
        let own = Plane::filters().points(3).objective(f).quiet().at(&net, &data, x)?;
        assert_eq!(own.origin(), f.value(&net, &data.train, x)?, "{statistics}");
        // Of the test split, too, averages are those of the training split.
        let test = Plane::filters().points(3).objective(f).on_test().quiet().at(&net, &data, x)?;
        assert_eq!(test.origin(), f.evaluate(&net, &data, x)?.test, "{statistics}");
    }
    Ok(())
}

/// Each row that feeds a unit is as long as that of x in its place; biases and normalizations do not move; the two are no
/// multiples of each other, and another seed draws others.
#[test]
fn random_directions_are_as_long_as_the_filters() -> Outcome {
    for net in [zoo::f1(&[1, 8, 8], 10, 0.05)?, zoo::c1(&[3, 32, 32], 10, 0.05)?] {
        let x = net.start(Seed(3), 0);
        let directions = Plane::filters().directions(&net, &x)?;
        for direction in &directions {
            for part in net.layout().parameters() {
                let own = &direction[part.range()];
                if part.shape.len() == 1 {
                    assert!(own.iter().all(|value| *value == 0.0), "{}", part.name);
                    continue;
                }
                let wide = own.len() / part.shape[0];
                for (row, weights) in own.chunks(wide).zip(x.values()[part.range()].chunks(wide)) {
                    let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
                    assert!((length(row) / length(&weights) - 1.0).abs() < 1e-12, "{}", part.name);
                }
            }
        }
        let dot: f64 = directions[0].iter().zip(&directions[1]).map(|(a, b)| a * b).sum();
        let cosine = dot / length(&directions[0]) / length(&directions[1]);
        // Five standard deviations of the cosine of two random vectors, were all weights alike.
        assert!(cosine.abs() < 5.0 / (x.len() as f64).sqrt(), "{cosine}");
        assert_ne!(Plane::filters().seed(1).directions(&net, &x)?[0], directions[0]);
    }
    Ok(())
}

/// Li et al.'s reason for filter normalization: a net whose weights are larger before rectified units and smaller behind them is
/// the same function, and its picture is the same, to the bit where the factor is a power of two. Along other directions it is not.
#[test]
fn reparametrized_nets_have_the_same_picture() -> Outcome {
    let (net, data, pair) = trained()?;
    let x = &pair.small.weights[0];
    let other = net.reparametrized(x, 8.0)?;
    let values = |plane: Plane, x| plane.points(5).quiet().at(&net, &data, x).map(|surface| surface.values);
    assert_eq!(values(Plane::filters(), &other)?, values(Plane::filters(), x)?);
    let [first, second] = Plane::filters().directions(&net, x)?;
    let fixed = Plane::along(first, second);
    assert_ne!(values(fixed.clone(), &other)?, values(fixed, x)?);
    Ok(())
}

/// Over the plane of the two leading eigenvectors the second derivatives along its axes are the two largest eigenvalues.
/// So close that no kink lies between the points.
#[test]
fn leading_eigenvectors_bend_by_their_eigenvalues() -> Outcome {
    let (net, data, pair) = trained()?;
    let x = &pair.large.weights[1];
    let f = Objective::new().precision(Precision::Double);
    let leading = Spectrum::outermost(2).steps(60).probes(1).objective(f).quiet().eigenvectors(&net, &data, x)?;
    let plane = Plane::along(leading[0].vector.clone(), leading[1].vector.clone());
    let surface = plane.points(3).reach(3e-6).objective(f).quiet().at(&net, &data, x)?;
    for (found, own) in surface.curvatures().iter().zip(&leading) {
        let expected = own.eigenvalue.value;
        assert!((found / expected - 1.0).abs() < 1e-3, "{found} is not {expected}");
    }
    Ok(())
}

#[test]
fn surfaces_of_trials_are_kept_framed_recorded_and_drawn() -> Outcome {
    let (net, data, pair) = trained()?;
    let folder = tempfile::tempdir()?;
    let plane = Plane::filters().points(5).kept_in(folder.path()).quiet();
    let found = plane.pair(&net, &data, &pair)?;
    assert_eq!((found.surfaces.len(), found.unmeasured, found.diverged), (4, 0, 0));
    assert_eq!(found.surfaces[3].name(), "large, trial 1");
    assert_eq!(found.surfaces[3].directions, Directions::Filters { seed: 0 });
    // Each is what it is alone, and what is kept is found, whatever the threads.
    let alone = plane.clone().work(&sharp_minima::Work::new().threads(1).quiet());
    let alone = alone.at(&net, &data, &pair.large.weights[1])?;
    assert_eq!(alone.values, found.surfaces[3].values);
    let again = plane.clone().seconds(1e-9).pair(&net, &data, &pair)?;
    assert_eq!(again, found);
    let none = plane.clone().seed(1).seconds(1e-9).pair(&net, &data, &pair)?;
    assert_eq!((none.surfaces.len(), none.unmeasured), (0, 4));
    assert_eq!(plane.clone().seed(1).seconds(1e-9).at(&net, &data, &pair.small.weights[0])?.values.len(), 5);

    // How far f rises at the edge, by hand, and the ratio of both sides.
    let values = &found.surfaces[3].values;
    let edge = [&values[2][0], &values[2][4], &values[0][2], &values[4][2]].map(|value| value.loss);
    assert!((found.surfaces[3].rise() - (edge.iter().sum::<f64>() / 4.0 - values[2][2].loss)).abs() < 1e-12);
    let rises: Vec<f64> = found.surfaces.iter().map(sharp_minima::Surface::rise).collect();
    assert_eq!(found.rises()?, Ratio::of(&rises[2..], &rises[..2])?);
    let wider = plane.clone().reach(2.0).pair(&net, &data, &pair)?;
    let error = Surfaces::joined(&[found.clone(), wider]).rises().expect_err("two reaches").to_string();
    assert!(error.contains("must be alike, but small, trial 0 is not as large, trial 1"), "{error}");
    assert!(plane.trials(&net, &data, &pair.small)?.rises().is_err() && Surfaces::default().rises().is_err());

    let frame = found.frame()?;
    assert_eq!(frame.height(), 4 * 25);
    assert_eq!(frame.column("loss")?.f64()?.get(12), Some(found.surfaces[0].origin().loss));
    assert_eq!(frame.column("a")?.f64()?.get(1), Some(-0.5));
    let path = folder.path().join("record.jsonl");
    pair.recorded().with_surfaces(&found).save(&path)?;
    assert_eq!(Recorded::load(&path)?.surfaces, Some(found.clone()));
    let chart = found.chart()?;
    assert!(chart.words.contains("lines of equal height") && chart.svg.contains("large, trial 1"), "{chart:?}");
    assert!(found.block().text.contains("filter-normalized random directions"), "{}", found.block());
    assert!(Surfaces::default().chart().is_err());
    let halves = [plane.trials(&net, &data, &pair.small)?, plane.trials(&net, &data, &pair.large)?];
    assert_eq!(Surfaces::joined(&halves), found);
    assert_eq!(plane.study(&net, &data, &pair.study())?, found);
    Ok(())
}

#[test]
fn wrong_input_is_refused() -> Outcome {
    let (net, data, pair) = trained()?;
    let x = &pair.small.weights[0];
    let said =
        |plane: Plane| plane.quiet().at(&net, &data, x).map_or_else(|error| error.to_string(), |_| "none".into());
    for (given, points) in [("24", 24), ("1", 1), ("1003", 1_003)] {
        assert_eq!(
            said(Plane::filters().points(points)),
            format!("points on a side must be odd, so that x is one of them, and lie in 3..=1001, but is {given}")
        );
    }
    for reach in [0.0, f64::NAN, f64::INFINITY] {
        assert_eq!(said(Plane::filters().reach(reach)), format!("reach must be finite and above 0, but is {reach}"));
    }
    let n = net.parameter_count();
    assert_eq!(said(Plane::along(vec![1.0; n], vec![1.0; 2])), format!("direction 1 has 2 numbers for {n} weights"));
    assert_eq!(said(Plane::along(vec![f64::NAN; n], vec![1.0; n])), "direction 0 has numbers that are not finite");
    for other in [0.0, 1.0, -2.0] {
        assert_eq!(
            said(Plane::along(vec![1.0; n], vec![other; n])),
            "the directions must span a plane, but one is 0 or a multiple of the other"
        );
    }
    // Rounding does not hide it.
    let wave: Vec<f64> = (0..n).map(|i| (0.7 * i as f64).sin()).collect();
    let third = wave.iter().map(|value| value / -3.0).collect();
    for (first, second) in [(wave.clone(), third), (vec![0.0; n], wave.clone())] {
        assert!(said(Plane::along(first, second)).starts_with("the directions must span a plane"));
    }
    let other = zoo::f1(data.shape(), data.classes(), 0.05)?.start(Seed(0), 0);
    assert!(Plane::filters().quiet().at(&net, &data, &other).is_err());
    Ok(())
}
