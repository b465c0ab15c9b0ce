//! The nets of Table 1: their sizes with the paper's data, their starts, and what does not fit.

use sharp_minima::{Layer, Net, Objective, Passes, Precision, Seed, data, zoo};

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Maker = fn(&[usize], usize, f64) -> sharp_minima::Result<Net>;

const ZOO: [(Maker, &[usize], usize, usize); 6] = [
    (zoo::f1, &[1, 28, 28], 10, 1_462_794),
    (zoo::f2, &[360], 1973, 2_780_085),
    (zoo::c1, &[3, 32, 32], 10, 1_757_834),
    (zoo::c3, &[3, 32, 32], 100, 1_775_204),
    (zoo::c2, &[3, 32, 32], 10, 14_991_946),
    (zoo::c4, &[3, 32, 32], 100, 15_038_116),
];

#[test]
fn nets_have_the_papers_sizes() -> Outcome {
    for (make, shape, classes, count) in ZOO {
        let net = make(shape, classes, 1.0)?;
        assert_eq!(net.parameter_count(), count, "{}", net.name());
        assert_eq!((net.input(), net.classes()), (shape, classes));
    }
    Ok(())
}

/// The stride 2 sits in C1's pooling, so that 64 · 8 · 8 numbers reach the dense layers (paper.md §2.2: authors' code).
#[test]
fn c1_flattens_4096_numbers_and_c2_512() -> Outcome {
    let c1 = zoo::c1(&[3, 32, 32], 10, 1.0)?;
    let shape = |net: &Net, name: &str| {
        net.layout().parameters().iter().find(|part| part.name == name).map(|p| p.shape.clone())
    };
    assert_eq!(shape(&c1, "9.weight"), Some(vec![384, 4096]));
    let c2 = zoo::c2(&[3, 32, 32], 10, 1.0)?;
    let dense = c2.layout().parameters().iter().find(|part| part.shape.len() == 2).map(|part| part.shape.clone());
    assert_eq!(dense, Some(vec![512, 512]));
    let dropouts = c2.layers().iter().filter(|layer| matches!(layer, Layer::Dropout { .. })).count();
    assert_eq!(dropouts, 1 + 1 + 2 + 2 + 2 + 2);
    Ok(())
}

#[test]
fn nets_fit_small_images_and_small_machines() -> Outcome {
    for (make, _, _, _) in ZOO {
        for shape in [&[1, 8, 8][..], &[3, 7, 9], &[1, 28, 28]] {
            let full = make(shape, 10, 1.0)?;
            let narrow = make(shape, 10, 0.125)?;
            assert!(narrow.parameter_count() * 20 < full.parameter_count(), "{}", full.name());
        }
    }
    Ok(())
}

/// Glorot: uniform in ±√(6 / (fan in + fan out)), mean 0 and variance limit² / 3; biases 0, γ 1, β 0.
#[test]
fn starts_are_glorot_uniform() -> Outcome {
    let net = zoo::c1(&[3, 32, 32], 10, 1.0)?;
    let start = net.start(Seed(1), 0);
    let fans = [("0.weight", 5 * 5 * (3 + 64)), ("4.weight", 5 * 5 * (64 + 64)), ("9.weight", 4096 + 384)];
    for (name, fans) in fans {
        let (_, values) = start.part(name).ok_or("missing")?;
        let limit = (6.0 / fans as f64).sqrt();
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
        let most = values.iter().map(|v| v.abs()).fold(0.0, f32::max);
        assert!(f64::from(most) <= limit * 1.000_001 && f64::from(most) > 0.98 * limit, "{name}");
        // Five standard errors of a mean, and of a variance (kurtosis of a uniform: 9/5).
        assert!(mean.abs() < 5.0 * limit / (3.0 * n).sqrt(), "{name}: mean {mean}");
        assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 5.0 * (0.8 / n).sqrt(), "{name}: {variance}");
    }
    for (name, value) in [("0.bias", 0.0), ("1.weight", 1.0), ("1.bias", 0.0), ("9.bias", 0.0)] {
        assert!(start.part(name).ok_or("missing")?.1.iter().all(|&v| v == value), "{name}");
    }
    assert!(net.start(Seed(1), 1).distance(&start)? > 1.0, "trials start apart");
    assert!(net.start(Seed(2), 0).distance(&start)? > 1.0, "seeds start apart");
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let said = |result: sharp_minima::Result<Net>| result.expect_err("it should be refused").to_string();
    assert_eq!(said(zoo::f1(&[8], 10, 0.0)), "width must be above 0 and at most 16, but is 0");
    assert_eq!(said(zoo::f1(&[8], 10, f64::NAN)), "width must be above 0 and at most 16, but is NaN");
    assert_eq!(said(zoo::f1(&[8], 0, 1.0)), "classes must be at least 1, but is 0");
    assert_eq!(
        said(zoo::c1(&[784], 10, 1.0)),
        "layer 0 of C1 (convolution 64 of 5×5, stride 1, padding 2): it takes an image [channels, height, width], but gets the shape [784]"
    );
    assert_eq!(
        said(Net::new("n", &[1, 4, 4], vec![Layer::Dense { outputs: 3 }])),
        "layer 0 of n (dense 3): it takes a vector (flatten first), but gets the shape [1, 4, 4]"
    );
    assert_eq!(
        said(Net::new("n", &[1, 4, 4], vec![Layer::Conv { filters: 1, window: 7, stride: 1, padding: 1 }])),
        "layer 0 of n (convolution 1 of 7×7, stride 1, padding 1): its window of 7 is larger than a side of 4 with a padding of 1 on each side"
    );
    // The output has 3 × 3 numbers, and the input with its frame of zeros (2³⁰)².
    let conv = Layer::Conv { filters: 1, window: 1, stride: 1 << 29, padding: 1 << 29 };
    let text = said(Net::new("n", &[1, 4, 4], vec![conv, Layer::Flatten, Layer::Dense { outputs: 2 }]));
    assert!(text.contains("padding must leave at most 2147483648 numbers of a point"), "{text}");
    let conv = Layer::Conv { filters: 2, window: 3, stride: 1, padding: 1 };
    assert!(
        said(Net::new("n", &[1, 4, 4], vec![conv])).starts_with("the last layer of n must leave one number per class")
    );
    assert!(said(Net::new("n", &[4], vec![])).starts_with("n has no weights"));
    assert!(said(Net::new("n", &[0], vec![])).starts_with("the shape of a point must be sizes from 1"));
    for (layer, text) in [
        (
            Layer::Norm { epsilon: 0.0, momentum: 0.1 },
            "epsilon of normalization must be finite and above 0 as a 32-bit number, but is 0",
        ),
        (
            Layer::Norm { epsilon: 1e-60, momentum: 0.1 },
            "epsilon of normalization must be finite and above 0 as a 32-bit number, but is 0.000000000000000000000000000000000000000000000000000000000001",
        ),
        (Layer::Norm { epsilon: 1e-5, momentum: 1.5 }, "momentum of normalization must lie in 0..=1, but is 1.5"),
        (Layer::Dropout { rate: 1.0 }, "rate of dropout must lie in 0..1, but is 1"),
        (Layer::Dense { outputs: 0 }, "outputs must be at least 1, but is 0"),
    ] {
        assert_eq!(said(Net::new("n", &[4], vec![layer, Layer::Dense { outputs: 2 }])), text);
    }
    let pool = |window, stride, padding| Net::new("n", &[1, 4, 4], vec![Layer::MaxPool { window, stride, padding }]);
    for sizes in [
        zoo::f1(&[usize::MAX, 2], 10, 1.0),
        zoo::f1(&[8], usize::MAX, 1.0),
        zoo::f1(&[1 << 30], 10, 16.0),
        Net::new("n", &[4], vec![Layer::Dense { outputs: usize::MAX }]),
        Net::new("n", &[1, 1 << 20, 1 << 10], vec![Layer::Conv { filters: 64, window: 1, stride: 1, padding: 0 }]),
    ] {
        let text = said(sizes);
        assert!(text.contains("must have at most 2147483648 numbers, but has the shape"), "{text}");
    }
    assert!(said(pool(2, 1, usize::MAX)).starts_with("padding of max pooling"), "{}", said(pool(2, 1, usize::MAX)));
    let conv = Layer::Conv { filters: 1, window: 1, stride: 1, padding: usize::MAX };
    assert!(said(Net::new("n", &[1, 4, 4], vec![conv])).starts_with("padding must leave a side of at most"));
    assert_eq!(said(pool(2, 0, 0)), "stride must be at least 1, but is 0");
    assert_eq!(said(pool(0, 1, 0)), "window must be at least 1, but is 0");
    assert_eq!(said(pool(2, 1, 2)), "padding of max pooling must be at most half the window, but is 2");
    assert_eq!(said(pool(257, 1, 0)), "window of max pooling must be at most 256, but is 257");
}

#[test]
fn every_net_of_the_zoo_passes_the_digits_as_composed_of_tensor_operations() -> Outcome {
    let digits = data::digits().first(40, 20)?;
    for (make, _, _, _) in ZOO {
        let net = make(digits.shape(), digits.classes(), 0.05)?;
        let x = net.start(Seed(0), 0);
        let by = |passes| {
            let objective = Objective::new().precision(Precision::Double).passes(passes);
            objective.gradient(&net, &digits.train, &x)
        };
        let (fused, composed) = (by(Passes::Fused)?, by(Passes::Composed)?);
        assert!((fused.loss - composed.loss).abs() < 1e-12 * composed.loss, "{}: {}", net.name(), fused.loss);
        let scale = composed.gradient.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        assert!(scale > 1e-3, "{}: the gradient is at most {scale}", net.name());
        for (place, (ours, theirs)) in fused.gradient.iter().zip(&composed.gradient).enumerate() {
            assert!((ours - theirs).abs() < 1e-10 * scale, "{}, weight {place}: {ours}, {theirs}", net.name());
        }
    }
    Ok(())
}
