//! The gradient of every layer against central differences in f64: `(f(x + h) − f(x − h)) / 2h`.

use sharp_minima::{Layer, Net, Objective, Passes, Precision, Seed, Split, data::Synthetic};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Compares every `step`-th number of the gradient.
fn check(layers: Vec<Layer>, input: &[usize], step: usize) -> Outcome {
    let net = Net::new("checked", input, layers)?;
    let data = Synthetic::new(input, net.classes()).train(11).test(1).seed(5).make()?;
    let split = Split::exact(
        data.train.inputs().iter().map(|&value| f64::from(value)).collect(),
        data.train.labels().to_vec(),
        input.to_vec(),
        net.classes(),
    )?;
    // Away from γ = 1 and β = 0, and from equal numbers.
    let start = net.start(Seed(2), 0).to_f64();
    let x: Vec<f64> = start.iter().enumerate().map(|(i, value)| value + 0.1 * (1.7 * i as f64).sin()).collect();
    for (chunk, passes) in [(5_000, Passes::Fused), (4, Passes::Fused), (5_000, Passes::Composed)] {
        let objective = Objective::new().precision(Precision::Double).chunk(chunk).passes(passes);
        let gradient = objective.gradient_at(&net, &split, &x)?.gradient;
        let scale = gradient.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
        for index in (0..x.len()).step_by(step) {
            let at = |h: f64| {
                let mut moved = x.clone();
                moved[index] += h;
                objective.value_at(&net, &split, &moved).map(|value| value.loss)
            };
            let h = 1e-6;
            let difference = (at(h)? - at(-h)?) / (2.0 * h);
            assert!(
                (gradient[index] - difference).abs() < 2e-7 * scale.max(1.0),
                "{net:?}, number {index} of {}: {} by the chain rule, {difference} by differences",
                x.len(),
                gradient[index]
            );
        }
    }
    Ok(())
}

const OUT: Layer = Layer::Dense { outputs: 3 };

#[test]
fn dense() -> Outcome {
    check(vec![OUT], &[7], 1)
}

#[test]
fn normalization_of_features_and_of_channels() -> Outcome {
    check(vec![Layer::Dense { outputs: 5 }, Layer::Norm { epsilon: 1e-3, momentum: 0.1 }, OUT], &[7], 1)?;
    let conv = Layer::Conv { filters: 2, window: 3, stride: 1, padding: 1 };
    check(vec![conv, Layer::norm(), Layer::Flatten, OUT], &[2, 4, 5], 3)
}

#[test]
fn relu() -> Outcome {
    check(vec![Layer::Dense { outputs: 6 }, Layer::norm(), Layer::Relu, OUT], &[7], 1)?;
    check(vec![Layer::Dense { outputs: 6 }, Layer::Relu, OUT], &[7], 1)
}

/// Windows, strides and paddings that fit the image and that leave a rest, on images that are not square.
#[test]
fn convolutions() -> Outcome {
    for (window, stride, padding) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (5, 2, 2), (2, 3, 0), (3, 2, 0), (4, 3, 2)] {
        let conv = Layer::Conv { filters: 3, window, stride, padding };
        check(vec![conv, Layer::Flatten, OUT], &[2, 6, 7], 5)?;
    }
    Ok(())
}

#[test]
fn max_pooling_with_and_without_overlap() -> Outcome {
    for (window, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (3, 3, 0)] {
        let pool = Layer::MaxPool { window, stride, padding };
        let conv = Layer::Conv { filters: 2, window: 3, stride: 1, padding: 1 };
        check(vec![conv, Layer::norm(), pool, Layer::Flatten, OUT], &[1, 6, 7], 2)?;
    }
    Ok(())
}

/// Nothing is left out where f is evaluated.
#[test]
fn dropout_plays_no_part_in_f() -> Outcome {
    check(vec![Layer::Dense { outputs: 6 }, Layer::Dropout { rate: 0.5 }, OUT], &[7], 1)
}

/// Of equal numbers in a window the first in reading order receives the gradient, as in PyTorch:
///
/// ```python
/// import torch
/// x = torch.tensor([[[[0., 1.], [1., 0.]]]], requires_grad=True)
/// torch.nn.functional.max_pool2d(x, 2).sum().backward(); print(x.grad)   # [[0, 1], [0, 0]]
/// ```
///
/// Here x is what a convolution of one weight makes of the image, so the gradient of that weight and of its bias is that of
/// one pixel, and the image tells which: the ties have different inputs.
#[test]
fn the_first_of_equal_ones_is_the_largest() -> Outcome {
    // A 1×1 window with weights (1, 0) on two channels: the first channel has the ties, the second names the pixels.
    let layers = vec![
        Layer::Conv { filters: 1, window: 1, stride: 1, padding: 0 },
        Layer::MaxPool { window: 2, stride: 2, padding: 0 },
        Layer::Flatten,
        Layer::Dense { outputs: 2 },
    ];
    let net = Net::new("ties", &[2, 2, 2], layers)?;
    let image = vec![0.0, 1.0, 1.0, 0.0, 10.0, 20.0, 30.0, 40.0];
    let split = Split::new(image, vec![0], vec![2, 2, 2], 2)?;
    // Convolution (1, 0), bias 0; dense (1, −1), biases 0: the outputs are 1 and −1.
    let x = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0];
    let gradient = Objective::new().precision(Precision::Double).gradient_at(&net, &split, &x)?.gradient;
    // The second weight's gradient is the pixel's name times that of the bias.
    assert!((gradient[1] / gradient[2] - 20.0).abs() < 1e-9, "{gradient:?}");
    Ok(())
}
