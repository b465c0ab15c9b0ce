//! The noise of gradients against its closed forms on softmax regression, whose gradient of one point is `(p − e_y) xᵀ`.

use sharp_minima::{
    Dataset, Error, GradientNoise, Layer, Net, Objective, Precision, Recorded, Role, Seed, Study, Training, Weights,
    data, zoo,
};

type Outcomes = Result<(), Box<dyn std::error::Error>>;

fn regression() -> sharp_minima::Result<(Net, Dataset, Weights)> {
    let data = data::digits().first(200, 50)?;
    let net = Net::new("regression", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: data.classes() }])?;
    let x = net.start(Seed(3), 0);
    Ok((net, data, x))
}

fn exact(points: usize) -> GradientNoise {
    GradientNoise::of_parts(points).objective(Objective::new().precision(Precision::Double))
}

/// `‖∇f‖²` and `tr Σ` over all points, by the closed form of each point's gradient.
fn by_hand(net: &Net, data: &Dataset, x: &Weights) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let split = &data.train;
    let logits = Objective::new().precision(Precision::Double).logits_at(net, split, &x.to_f64())?;
    let (classes, features) = (split.classes(), split.features());
    let mut mean = vec![0.0; classes * (features + 1)];
    let mut squares = 0.0;
    for (point, logits) in logits.chunks(classes).enumerate() {
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|z| (z - most).exp()).sum();
        let inputs = split.point(point).ok_or("no point")?;
        for (class, z) in logits.iter().enumerate() {
            let away = (z - most).exp() / sum - f64::from(u8::from(split.labels()[point] as usize == class));
            // Weights, and the bias as the weight of a constant 1.
            let inputs = inputs.iter().map(|&input| f64::from(input)).chain([1.0]);
            for (feature, input) in inputs.enumerate() {
                squares += (away * input).powi(2) / split.len() as f64;
                mean[class * (features + 1) + feature] += away * input / split.len() as f64;
            }
        }
    }
    let square = mean.iter().map(|g| g * g).sum::<f64>();
    Ok((square, squares - square))
}

#[test]
fn of_single_points_it_is_the_closed_form() -> Outcomes {
    let (net, data, x) = regression()?;
    let noise = exact(1).at(&net, &data, &x)?;
    let (square, trace) = by_hand(&net, &data, &x)?;
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
    assert!(near(noise.square, square) && near(noise.trace, trace), "{noise} and {square}, {trace}");
    // n times the gradient diversity, Σ ‖gᵢ‖² / ‖Σ gᵢ‖², is 1 + B.
    let n = data.train.len() as f64;
    let diversity = n * (trace + square) / (n * n * square);
    assert!(near(1.0 + noise.scale(), n * diversity));
    assert_eq!((noise.parts, noise.points), (200, 1));
    Ok(())
}

/// Over 200 orders, the mean of what parts of 10 say lies within 3 standard errors of the truth.
#[test]
fn parts_estimate_it_without_bias() -> Outcomes {
    let (net, data, x) = regression()?;
    let (square, trace) = by_hand(&net, &data, &x)?;
    let found = (0..200).map(|seed| exact(10).seed(seed).at(&net, &data, &x)).collect::<Result<Vec<_>, _>>()?;
    assert!(found.iter().all(|noise| (noise.square - square).abs() < 1e-9 * square), "the mean of all is ∇f");
    let traces = sharp_minima::Spread::of(&found.iter().map(|noise| noise.trace).collect::<Vec<_>>())?;
    let error = traces.deviation / 200f64.sqrt();
    assert!((traces.mean - trace).abs() < 3.0 * error, "{traces:?} and {trace}");
    assert!(error < 0.02 * trace, "an error that large would let anything pass");
    Ok(())
}

#[test]
fn it_is_a_column_of_the_comparison_and_a_line_of_the_record() -> Outcomes {
    let data = data::digits().first(300, 200)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let plain = Training::adam().trials(2).epochs(3).quiet();
    let arms = [plain.clone().batch(20).role(Role::Small), plain.batch(150).role(Role::Large)];
    let study = Study::run(&arms, &net, &data)?;
    let kept = tempfile::tempdir()?;
    let measure = GradientNoise::of_parts(30).quiet().kept_in(kept.path());
    let noise = measure.clone().threads(1).study(&net, &data, &study)?;
    assert_eq!(noise.len(), 4);
    assert_eq!(measure.study(&net, &data, &study)?, noise, "found as it was kept, seconds too");
    let again = GradientNoise::of_parts(30).quiet().threads(3).study(&net, &data, &study)?;
    assert!(again.iter().zip(&noise).all(|(a, b)| (a.square, a.trace) == (b.square, b.trace)), "bits of threads");
    let path = kept.path().join("record.jsonl");
    study.recorded().with_noise(&noise).save(&path)?;
    let record = Recorded::load(&path)?;
    assert_eq!(record.noise, noise);
    let remedies = study.remedies(None)?.with_noise(&noise)?;
    assert_eq!(record.remedies()?, remedies);
    let large = remedies.named("large")?.noise.ok_or("no noise")?;
    let own: Vec<_> = noise.iter().filter(|noise| noise.regime.as_deref() == Some("large")).collect();
    assert_eq!(own.len(), 2);
    // Means first, then the quotient.
    let scale = (own[0].trace + own[1].trace) / (own[0].square + own[1].square);
    assert!((large.scale() / scale - 1.0).abs() < 1e-12);
    assert!(remedies.block().text.contains("noise scale, points"));
    assert!(remedies.frame()?.column("noise_scale")?.f64()?.get(1).is_some_and(|it| it == large.scale()));
    let mixed = [noise, GradientNoise::of_parts(20).quiet().study(&net, &data, &study)?].concat();
    let error = study.remedies(None)?.with_noise(&mixed).expect_err("parts of two sizes").to_string();
    assert!(error.contains("30 and 20") && error.contains("be the same"), "{error}");
    Ok(())
}

#[test]
fn wrong_input_says_what_was_given_and_what_is_allowed() -> Outcomes {
    let (net, data, x) = regression()?;
    for points in [0, 101] {
        let error = GradientNoise::of_parts(points).at(&net, &data, &x).expect_err("no such parts");
        assert_eq!(error.to_string(), format!("points of a part must lie in 1..=100, but is {points}"));
    }
    let mut broken = x.to_f64();
    broken[5] = f64::NAN;
    let broken = Weights::new(net.layout(), broken.iter().map(|&value| value as f32).collect())?;
    let error = GradientNoise::of_parts(10).at(&net, &data, &broken).expect_err("a gradient that is none");
    assert!(matches!(error, Error::Data(_)) && error.to_string().contains("must be finite"), "{error}");
    let other = zoo::f1(data.shape(), data.classes(), 0.05)?;
    assert!(matches!(GradientNoise::of_parts(10).at(&other, &data, &x), Err(Error::Shape(_))));
    Ok(())
}
