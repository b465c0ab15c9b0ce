//! Products with second derivatives: against PyTorch's double backward (`tests/fixtures/curvature/make.py`), against closed forms,
//! and against what holds of every Hessian.

mod curved;

use curved::{Curved, dot, norm, scrambled};
use sharp_minima::{
    Error, Layer, Net, Objective, Passes, Precision, Seed, Split, Statistics, data, data::Synthetic, zoo,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn exact() -> Objective {
    Objective::new().precision(Precision::Double)
}

/// `‖found − expected‖ / ‖expected‖`.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    norm(&found.iter().zip(expected).map(|(f, e)| f - e).collect::<Vec<_>>()) / norm(expected)
}

/// Eight nets: strides, overlapping and padded pools, pools and normalizations that stand on data, sizes that are multiples of no
/// block, channels so many that convolutions take fewer multiplications, several chunks.
#[test]
fn products_are_those_of_pytorch() -> Outcome {
    let nets = Curved::all()?;
    assert_eq!(nets.len(), 8);
    for Curved { net, split, x, v, objective, expected } in nets {
        let loss = objective.value_at(&net, &split, &x)?.loss;
        assert!((loss / expected.loss - 1.0).abs() < 1e-12, "{}: {loss}", net.name());
        let vectors = [v];
        for (precision, tolerance) in [(Precision::Double, 1e-12), (Precision::Single, 1e-5)] {
            let objective = objective.precision(precision);
            let hessian = objective.hessian_at(&net, &split, &x, &vectors)?;
            let other = objective.gauss_newton_at(&net, &split, &x, &vectors)?;
            let thinned = |product: &[f64]| product.iter().copied().step_by(expected.step).collect::<Vec<_>>();
            let found =
                [apart(&thinned(&hessian[0]), &expected.hessian), apart(&thinned(&other[0]), &expected.gauss_newton)];
            println!("{}, {precision:?}: {found:?}", net.name());
            assert!(found.iter().all(|&apart| apart < tolerance), "{}, {precision:?}: {found:?}", net.name());
        }
    }
    Ok(())
}

/// `uᵀHv = vᵀHu`, `H(αu + v) = αHu + Hv`, and `vᵀGv ≥ 0`; several at once are those of one at a time.
#[test]
fn they_are_symmetric_and_linear() -> Outcome {
    for Curved { net, split, x, v, objective, .. } in Curved::all()? {
        let u = scrambled(v.len(), 4);
        let both: Vec<f64> = u.iter().zip(&v).map(|(u, v)| 0.3 * u + v).collect();
        let vectors = [u, v, both];
        for gauss_newton in [false, true] {
            let times = |vectors: &[Vec<f64>]| match gauss_newton {
                false => objective.hessian_at(&net, &split, &x, vectors),
                true => objective.gauss_newton_at(&net, &split, &x, vectors),
            };
            let products = times(&vectors)?;
            let scale = norm(&products[0]) * norm(&vectors[1]);
            let (one, other) = (dot(&vectors[1], &products[0]), dot(&vectors[0], &products[1]));
            assert!((one - other).abs() < 1e-13 * scale, "{}: {one} and {other}", net.name());
            let sum: Vec<f64> = products[0].iter().zip(&products[1]).map(|(u, v)| 0.3 * u + v).collect();
            assert!(apart(&products[2], &sum) < 1e-13, "{}", net.name());
            for (vector, product) in vectors.iter().zip(&products) {
                assert_eq!(&times(std::slice::from_ref(vector))?[0], product, "{}", net.name());
                assert!(!gauss_newton || dot(vector, product) >= 0.0);
            }
        }
    }
    Ok(())
}

/// `H = (1/M) Σ (diag p − p pᵀ) ⊗ x̂ x̂ᵀ` with x̂ = (x, 1) of softmax regression, which is its Gauss–Newton matrix too.
#[test]
fn of_softmax_regression_it_is_the_closed_form() -> Outcome {
    let split = data::digits().first(150, 50)?.train;
    let net = Net::new("regression", split.shape(), vec![Layer::Flatten, Layer::Dense { outputs: 10 }])?;
    let x = net.start(Seed(3), 0).to_f64();
    let v = scrambled(x.len(), 5);
    let (classes, features) = (10, split.features());
    let logits = exact().logits_at(&net, &split, &x)?;
    let mut expected = vec![0.0; x.len()];
    for (point, logits) in logits.chunks(classes).enumerate() {
        let sum: f64 = logits.iter().map(|z| z.exp()).sum();
        let p: Vec<f64> = logits.iter().map(|z| z.exp() / sum).collect();
        let inputs: Vec<f64> =
            split.point(point).ok_or("no point")?.iter().map(|&input| f64::from(input)).chain([1.0]).collect();
        // Weights of a class lie together, biases behind them all.
        let at = |class: usize, feature: usize| match feature == features {
            true => classes * features + class,
            false => class * features + feature,
        };
        let moved: Vec<f64> = (0..classes)
            .map(|class| inputs.iter().enumerate().map(|(f, input)| v[at(class, f)] * input).sum())
            .collect();
        let mean = dot(&p, &moved);
        for class in 0..classes {
            for (feature, input) in inputs.iter().enumerate() {
                expected[at(class, feature)] += p[class] * (moved[class] - mean) * input / split.len() as f64;
            }
        }
    }
    let hessian = exact().hessian_at(&net, &split, &x, std::slice::from_ref(&v))?;
    assert!(apart(&hessian[0], &expected) < 1e-12);
    assert!(apart(&exact().gauss_newton_at(&net, &split, &x, &[v])?[0], &expected) < 1e-12);
    Ok(())
}

/// For weights W in front of a normalization f(αW) = f(W) but for ε, so `H W = −∇_W f` in their block and 0 in all others: up to
/// what ε is beside the variance. A bias in front of a normalization does nothing: `H v = 0`.
#[test]
fn weights_in_front_of_a_normalization_are_a_direction_without_a_scale() -> Outcome {
    let norm_of = |epsilon| Layer::Norm { epsilon, momentum: 0.1 };
    let split = Synthetic::new(&[9], 4).train(40).test(1).seed(5).make()?.train;
    for (epsilon, tolerance) in [(1e-3, 1e-2), (1e-5, 1e-4), (1e-12, 1e-9)] {
        let dense = Layer::Dense { outputs: 12 };
        let layers = vec![dense.clone(), norm_of(epsilon), Layer::Relu, dense, norm_of(epsilon), Layer::Relu];
        let layers = layers.into_iter().chain([Layer::Dense { outputs: 4 }]).collect();
        let net = Net::new("scales", &[9], layers)?;
        let start = net.start(Seed(2), 0).to_f64();
        let x: Vec<f64> = start.iter().zip(scrambled(start.len(), 6)).map(|(x, more)| x + 0.1 * more).collect();
        let gradient = exact().gradient_at(&net, &split, &x)?.gradient;
        for part in ["0.weight", "3.weight"] {
            let part = net.layout().parameters().iter().find(|own| own.name == part).ok_or("no such part")?;
            let mut vectors = vec![vec![0.0; x.len()]; 2];
            vectors[0][part.range()].copy_from_slice(&x[part.range()]);
            // The bias lies behind its weights.
            let bias = part.range().end..part.range().end + 12;
            vectors[1][bias.clone()].copy_from_slice(&scrambled(12, 7));
            let products = exact().hessian_at(&net, &split, &x, &vectors)?;
            let mut expected = vec![0.0; x.len()];
            expected[part.range()].iter_mut().zip(&gradient[part.range()]).for_each(|(e, g)| *e = -g);
            let found = apart(&products[0], &expected);
            println!("ε {epsilon:e}, {}: {found:e}, bias {:e}", part.name, norm(&products[1]));
            assert!(found < tolerance, "ε = {epsilon:e}, {}: {found:e}", part.name);
            assert!(norm(&products[1]) < 1e-13, "{:e}", norm(&products[1]));
        }
    }
    Ok(())
}

/// Against `(∇f(x + hv) − ∇f(x − hv)) / 2h` in f64, with a step so small that no ReLU and no window of these few points turns.
#[test]
fn it_is_the_derivative_of_the_gradient() -> Outcome {
    for Curved { net, split, x, v, objective, .. } in Curved::all()? {
        let h = 1e-7 / norm(&v);
        let at = |h: f64| -> Result<Vec<f64>, Error> {
            let moved: Vec<f64> = x.iter().zip(&v).map(|(x, v)| x + h * v).collect();
            Ok(objective.gradient_at(&net, &split, &moved)?.gradient)
        };
        let difference: Vec<f64> = at(h)?.iter().zip(at(-h)?).map(|(a, b)| (a - b) / (2.0 * h)).collect();
        let product = objective.hessian_at(&net, &split, &x, &[v])?;
        let found = apart(&product[0], &difference);
        println!("{}: {found:e}", net.name());
        assert!(found < 1e-6, "{}: {found:e}", net.name());
    }
    Ok(())
}

#[test]
fn bits_do_not_depend_on_threads() -> Outcome {
    let data = data::fashion().first(700, 10)?;
    let conv = zoo::c1(&[1, 28, 28], 10, 0.2)?;
    for (net, objective) in [
        (zoo::f1(data.shape(), data.classes(), 0.2)?, Objective::new().chunk(300)),
        (conv.clone(), Objective::new().chunk(128)),
        (conv, exact()),
    ] {
        let split = data.train.select(&(0..300).collect::<Vec<_>>())?;
        let x = net.start(Seed(1), 0).to_f64();
        let vectors = [scrambled(x.len(), 8), scrambled(x.len(), 9)];
        let run = |threads: usize| -> Result<_, Box<dyn std::error::Error>> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            let products = pool.install(|| objective.hessian_at(&net, &split, &x, &vectors))?;
            let others = pool.install(|| objective.gauss_newton_at(&net, &split, &x, &vectors))?;
            Ok((products, others))
        };
        let alone = run(1)?;
        assert!(alone.0.iter().flatten().all(|value| value.is_finite()));
        for threads in [2, 3, 7] {
            assert!(run(threads)? == alone, "{} on {threads} threads", net.name());
        }
    }
    Ok(())
}

#[test]
fn wrong_input_says_what_was_given_and_what_is_allowed() -> Outcome {
    let split = Split::new(vec![0.5, 1.0, -1.0, 2.0], vec![0, 1], vec![2], 2)?;
    let net = Net::new("small", &[2], vec![Layer::Dense { outputs: 2 }])?;
    let (x, v) = (vec![0.1; 6], vec![1.0; 6]);
    let said = |objective: Objective, x: &[f64], v: &[f64]| {
        objective.hessian_at(&net, &split, x, &[v.to_vec()]).expect_err("is refused").to_string()
    };
    assert!(objective_is_fine(&net, &split, &x, &v)?);
    for statistics in [Statistics::Running, Statistics::Recalibrated] {
        let error = said(Objective::new().statistics(statistics), &x, &v);
        assert!(error.contains("statistics must be batch") && error.contains(&statistics.to_string()), "{error}");
    }
    let error = said(Objective::new().passes(Passes::Composed), &x, &v);
    assert!(error.contains("passes must be fused"), "{error}");
    assert_eq!(said(Objective::new(), &x, &v[1..]), "small has 6 weights, but a vector to be multiplied has 5");
    assert!(said(Objective::new(), &x[1..], &v[1..]).contains("small has 6 weights, but the point has 5"));
    assert!(said(Objective::new().chunk(0), &x, &v).contains("chunk"));
    for (place, wrong) in [(3, f64::NAN), (5, f64::INFINITY), (0, 1e300)] {
        let mut broken = v.clone();
        broken[place] = wrong;
        let error = said(Objective::new(), &x, &broken);
        assert!(error.starts_with("a vector to be multiplied must be finite"), "{error}");
        assert!(error.contains(&format!("number {place} is {wrong}")), "{error}");
        assert!(said(Objective::new(), &broken, &v).starts_with("the point must be finite"));
    }
    assert_eq!(Objective::new().hessian_at(&net, &split, &x, &[])?.len(), 0);
    Ok(())
}

fn objective_is_fine(net: &Net, split: &Split, x: &[f64], v: &[f64]) -> Result<bool, Error> {
    Ok(Objective::new().hessian_at(net, split, x, &[v.to_vec()])?[0].iter().all(|value| value.is_finite()))
}
