//! Other points that are the same function, and what becomes of their sharpness.

use sharp_minima::{Layer, Net, Objective, Passes, Seed, Sharpness, Statistics, Training, Weights, data, zoo};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Dense layers with normalization and without, convolutions with pooling and dropout before the next weights.
fn nets() -> sharp_minima::Result<[Net; 3]> {
    let dense = |outputs| Layer::Dense { outputs };
    let conv = Layer::Conv { filters: 6, window: 3, stride: 1, padding: 1 };
    let pool = Layer::MaxPool { window: 2, stride: 2, padding: 0 };
    Ok([
        zoo::f1(&[1, 8, 8], 10, 0.05)?,
        Net::new("plain", &[1, 8, 8], vec![Layer::Flatten, dense(20), Layer::Relu, dense(15), Layer::Relu, dense(10)])?,
        Net::new(
            "image",
            &[1, 8, 8],
            vec![
                conv,
                Layer::norm(),
                Layer::Relu,
                pool,
                Layer::Dropout { rate: 0.5 },
                Layer::Conv { filters: 4, window: 3, stride: 1, padding: 0 },
                Layer::Relu,
                Layer::Flatten,
                dense(10),
            ],
        )?,
    ])
}

/// With a power of two f, accuracy and every output are the same to the last bit, in both passes and with all statistics;
/// with another α up to rounding; and back again is where it was.
#[test]
fn the_function_is_the_same() -> Outcome {
    let digits = data::digits().first(100, 50)?;
    for net in nets()? {
        let x = net.start(Seed(3), 0);
        for alpha in [0.25, 8.0] {
            let other = net.reparametrized(&x, alpha)?;
            assert!(other.distance(&x)? > 0.5, "{}", net.name());
            for passes in [Passes::Fused, Passes::Composed] {
                for statistics in [Statistics::Batch, Statistics::Running, Statistics::Recalibrated] {
                    let f = Objective::new().statistics(statistics).passes(passes);
                    assert_eq!(
                        f.evaluate(&net, &digits, &other)?,
                        f.evaluate(&net, &digits, &x)?,
                        "{}, {alpha}, {passes:?}, {statistics}",
                        net.name()
                    );
                }
            }
            assert_eq!(net.reparametrized(&other, 1.0 / alpha)?.values(), x.values());
        }
        let f = Objective::new();
        let (here, there) =
            (f.value(&net, &digits.train, &x)?.loss, f.value(&net, &digits.train, &net.reparametrized(&x, 3.7)?)?.loss);
        assert!((here - there).abs() < 1e-5 * here, "{here} and {there}");
    }
    Ok(())
}

/// One layer: what is multiplied, and by what. Layer 2 of F1 is the first of rectified units.
#[test]
fn one_layer_is_scaled_before_and_behind() -> Outcome {
    let net = zoo::f1(&[1, 8, 8], 10, 0.05)?;
    let x = net.start(Seed(0), 0);
    let relu = net.layers().iter().position(|layer| *layer == Layer::Relu).ok_or("no units")?;
    let other = net.reparametrized_at(&x, relu, 4.0)?;
    for part in net.layout().parameters() {
        let factor = match part.name.as_str() {
            name if name == format!("{}.weight", relu - 1) || name == format!("{}.bias", relu - 1) => 4.0,
            name if name == format!("{}.weight", relu + 1) => 0.25,
            _ => 1.0,
        };
        let expected: Vec<f32> = x.values()[part.range()].iter().map(|value| factor * value).collect();
        assert_eq!(&other.values()[part.range()], expected, "{}", part.name);
    }
    Ok(())
}

/// Dinh et al.: the same function, another sharpness.
#[test]
fn the_sharpness_is_another() -> Outcome {
    let data = data::digits().first(300, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let trials = Training::adam().batch(50).trials(1).epochs(12).quiet().run(&net, &data)?;
    let phi = |x: &Weights| Sharpness::full(1e-3).thorough().quiet().at(&net, &data, x).map(|found| found.phi());
    let (here, there) = (phi(&trials.weights[0])?, phi(&net.reparametrized(&trials.weights[0], 64.0)?)?);
    assert!(there > 5.0 * here, "{here} and {there}");
    Ok(())
}

#[test]
fn wrong_input_is_refused_with_what_is_allowed() -> Outcome {
    let net = zoo::f1(&[1, 8, 8], 10, 0.05)?;
    let x = net.start(Seed(0), 0);
    let said = |alpha| net.reparametrized(&x, alpha).expect_err("it is refused").to_string();
    for alpha in [0.0, -2.0, f64::NAN, f64::INFINITY, 1e-320] {
        assert_eq!(said(alpha), format!("alpha must be finite and above 0, but is {alpha}"));
    }
    assert!(said(1e300).contains("in the range of f32"), "{}", said(1e300));
    assert!(said(1e-60).contains("in the range of f32"), "{}", said(1e-60));
    let error = net.reparametrized_at(&x, 0, 2.0).expect_err("no units").to_string();
    assert!(error.starts_with("layer must be one of rectified units between two layers with weights ("), "{error}");
    assert!(net.reparametrized_at(&x, 1_000, 2.0).is_err());
    let other = zoo::f1(&[1, 8, 8], 10, 0.06)?;
    let error = other.reparametrized(&x, 2.0).expect_err("another net").to_string();
    assert!(error.ends_with("it belongs to another net"), "{error}");
    let linear = Net::new("linear", &[4], vec![Layer::Dense { outputs: 2 }])?;
    let error = linear.reparametrized(&linear.start(Seed(0), 0), 2.0).expect_err("no units").to_string();
    assert_eq!(error, "linear has no rectified units between two layers with weights");
    Ok(())
}

/// Rows in front of a normalization get length 1, and nothing else changes but what goes with them; f stays, but for the
/// normalization's ε.
#[test]
fn rows_before_a_normalization_can_have_any_length() -> Outcome {
    let digits = data::digits().first(100, 50)?;
    let [dense, plain, image] = nets()?;
    assert!(plain.with_unit_rows(&plain.start(Seed(3), 0)).is_err(), "no normalization");
    for net in [dense, image] {
        let training = Training::adam().batch(20).trials(1).epochs(2).quiet().run(&net, &digits)?;
        let x = &training.weights[0];
        let unit = net.with_unit_rows(x)?;
        let mut rows = 0;
        for (place, pair) in net.layers().windows(2).enumerate() {
            if !matches!(pair, [Layer::Dense { .. } | Layer::Conv { .. }, Layer::Norm { .. }]) {
                continue;
            }
            let name = format!("{place}.weight");
            let (shape, values) = unit.part(&name).ok_or("no such part")?;
            for row in values.chunks(values.len() / shape[0]) {
                let square: f64 = row.iter().map(|w| f64::from(*w).powi(2)).sum();
                assert!((square - 1.0).abs() < 1e-6, "{square}");
                rows += 1;
            }
        }
        assert!(rows > 5);
        let last = format!("{}.weight", net.layers().len() - 1);
        assert_eq!(unit.part(&last), x.part(&last), "no normalization follows the last layer");
        for statistics in [Statistics::Batch, Statistics::Running] {
            let f = Objective::new().statistics(statistics);
            let (here, there) = (f.value(&net, &digits.train, x)?.loss, f.value(&net, &digits.train, &unit)?.loss);
            assert!((here / there - 1.0).abs() < 2e-3, "{statistics}: {here} and {there}");
        }
        // Scaled once, it is where it stays; and it does not matter how long the rows were.
        assert!(net.with_unit_rows(&unit)?.distance(&unit)? < 1e-5);
        let all = training.with_unit_rows(&net)?;
        assert_eq!((&all.weights[0], all.regime), (&unit, training.regime.clone()));
    }
    Ok(())
}
