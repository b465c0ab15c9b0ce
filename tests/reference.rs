//! Values computed by PyTorch in float64 (`tests/fixtures/reference/make_reference.py`) and by PyTorch in float32 with
//! running averages (`tests/fixtures/torch/make.py`): what this crate computes is the same.

use std::path::PathBuf;

use safetensors::tensor::{Dtype, SafeTensors};
use sharp_minima::{Layer, Net, Objective, Precision, Sharpness, Split, Statistics, Weights};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A file of tensors.
struct Tensors(Vec<u8>);

impl Tensors {
    fn open(path: &str) -> std::io::Result<Self> {
        std::fs::read(fixture(path)).map(Self)
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.0).expect("a fixture is safetensors");
        let view = file.tensor(name).unwrap_or_else(|_| panic!("the fixture has no '{name}'"));
        let data = view.data();
        match view.dtype() {
            Dtype::F64 => data.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
            Dtype::I64 => data.as_chunks::<8>().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
            other => panic!("'{name}' is {other:?}"),
        }
    }

    fn labels(&self, name: &str) -> Vec<u32> {
        self.numbers(name).iter().map(|&label| label as u32).collect()
    }

    /// All parameters of a net, under a prefix, as one flat vector.
    fn point(&self, net: &Net, prefix: &str) -> Vec<f64> {
        net.layout().parameters().iter().flat_map(|part| self.numbers(&format!("{prefix}{}", part.name))).collect()
    }
}

fn dense() -> (Net, &'static str, usize) {
    let hidden = || [Layer::Dense { outputs: 16 }, Layer::norm(), Layer::Relu];
    let layers = hidden().into_iter().chain(hidden()).chain([Layer::Dense { outputs: 5 }]).collect();
    (Net::new("dense", &[12], layers).unwrap(), "dense", 629)
}

fn conv() -> (Net, &'static str, usize) {
    let layers = vec![
        Layer::Conv { filters: 6, window: 5, stride: 1, padding: 2 },
        Layer::norm(),
        Layer::Relu,
        Layer::MaxPool { window: 3, stride: 2, padding: 1 },
        Layer::Conv { filters: 4, window: 3, stride: 2, padding: 1 },
        Layer::norm(),
        Layer::Relu,
        Layer::Flatten,
        Layer::Dense { outputs: 4 },
    ];
    (Net::new("conv", &[3, 8, 8], layers).unwrap(), "conv", 764)
}

/// Largest difference, relative to the largest number expected.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    found.iter().zip(expected).fold(0.0_f64, |most, (f, e)| most.max((f - e).abs())) / scale
}

fn split(net: &Net, tensors: &Tensors) -> Split {
    Split::exact(tensors.numbers("x"), tensors.labels("y"), net.input().to_vec(), net.classes()).unwrap()
}

#[test]
fn logits_loss_and_gradient_are_pytorchs() -> Outcome {
    for (net, name, count) in [dense(), conv()] {
        assert_eq!(net.parameter_count(), count);
        let tensors = Tensors::open(&format!("reference/{name}.safetensors"))?;
        let facts: serde_json::Value =
            serde_json::from_slice(&std::fs::read(fixture(&format!("reference/{name}.json")))?)?;
        let loss = facts["loss"].as_f64().ok_or("no loss")?;
        let (split, x) = (split(&net, &tensors), tensors.point(&net, ""));
        for (precision, tolerance) in [(Precision::Double, 1e-9), (Precision::Single, 1e-4)] {
            let objective = Objective::new().precision(precision);
            let logits = objective.logits_at(&net, &split, &x)?;
            let gradient = objective.gradient_at(&net, &split, &x)?;
            let found = [
                difference(&logits, &tensors.numbers("logits")),
                difference(&[gradient.loss], &[loss]),
                difference(&gradient.gradient, &tensors.point(&net, "grad.")),
                difference(&[objective.value_at(&net, &split, &x)?.loss], &[loss]),
            ];
            println!("{name}, {precision:?}: logits, loss, gradient, value differ by {found:?}");
            assert!(found.iter().all(|&value| value < tolerance), "{name} {precision:?}: {found:?}");
        }
    }
    Ok(())
}

#[test]
fn the_loss_along_the_line_is_pytorchs() -> Outcome {
    for (net, name, _) in [dense(), conv()] {
        let tensors = Tensors::open(&format!("reference/{name}.safetensors"))?;
        let split = split(&net, &tensors);
        let (first, other) = (tensors.point(&net, ""), tensors.point(&net, "other."));
        for (precision, tolerance) in [(Precision::Double, 1e-9), (Precision::Single, 1e-4)] {
            let objective = Objective::new().precision(precision);
            let losses = tensors.numbers("line_alpha").into_iter().map(|alpha| {
                let point: Vec<f64> = first.iter().zip(&other).map(|(a, b)| alpha * b + (1.0 - alpha) * a).collect();
                Ok(objective.value_at(&net, &split, &point)?.loss)
            });
            let losses = losses.collect::<sharp_minima::Result<Vec<f64>>>()?;
            let found = difference(&losses, &tensors.numbers("line_loss"));
            assert!(found < tolerance, "{name} {precision:?}: {found:e}");
        }
    }
    Ok(())
}

/// A state_dict of PyTorch opens here, and gives the same outputs with batch statistics and with running averages.
#[test]
fn weights_of_pytorch_are_read_with_their_running_averages() -> Outcome {
    let layers = vec![
        Layer::Conv { filters: 4, window: 3, stride: 1, padding: 1 },
        Layer::norm(),
        Layer::Relu,
        Layer::MaxPool { window: 3, stride: 2, padding: 1 },
        Layer::Flatten,
        Layer::Dense { outputs: 8 },
        Layer::norm(),
        Layer::Relu,
        Layer::Dense { outputs: 3 },
    ];
    let net = Net::new("torch", &[2, 5, 5], layers)?;
    let expected = Tensors::open("torch/expected.safetensors")?;
    let split = split(&net, &expected);
    let weights = Weights::load(net.layout(), fixture("torch/weights.safetensors"))?;
    for (statistics, name) in [(Statistics::Batch, "batch"), (Statistics::Running, "running")] {
        let value = Objective::new().statistics(statistics).value(&net, &split, &weights)?;
        let logits = expected.numbers(name);
        let rows = logits.chunks_exact(3).zip(split.labels());
        let losses = rows.map(|(row, &label)| row.iter().map(|v| v.exp()).sum::<f64>().ln() - row[label as usize]);
        let loss = losses.sum::<f64>() / split.len() as f64;
        assert!((value.loss / loss - 1.0).abs() < 1e-4, "{name}: {} is not {loss}", value.loss);
    }
    Ok(())
}

/// Re-estimated on a split that is one chunk, the averages are its means and unbiased variances, so that evaluation with
/// them differs from batch statistics only by the factor (n − 1)/n of the variance; on a different split they differ.
#[test]
fn recalibrated_averages_are_those_of_the_training_split() -> Outcome {
    let (net, name, _) = dense();
    let tensors = Tensors::open(&format!("reference/{name}.safetensors"))?;
    let split = split(&net, &tensors);
    let weights = Weights::new(net.layout(), tensors.point(&net, "").iter().map(|&v| v as f32).collect())?;
    let objective = Objective::new().precision(Precision::Double);
    let batch = objective.value(&net, &split, &weights)?.loss;
    let recalibrated = objective.statistics(Statistics::Recalibrated).value(&net, &split, &weights)?.loss;
    let running = objective.statistics(Statistics::Running).value(&net, &split, &weights)?.loss;
    assert!((recalibrated / batch - 1.0).abs() < 0.05, "{recalibrated} and {batch}");
    assert!((running / batch - 1.0).abs() > 0.05, "averages that were never taken gave {running} for {batch}");
    let carried = objective.recalibrate(&net, &split, &weights)?;
    let again = objective.statistics(Statistics::Running).value(&net, &split, &carried)?.loss;
    assert!((again - recalibrated).abs() < 1e-6, "{again} and {recalibrated}");
    Ok(())
}

/// Sharpness as SciPy's L-BFGS-B finds it over PyTorch: from zero displacement in ten iterations, to 2 %; and with 20 random starts of 200 iterations each the largest, to 1 %.
#[test]
fn sharpness_is_that_of_scipy() -> Outcome {
    for (net, name, _) in [dense(), conv()] {
        let tensors = Tensors::open(&format!("reference/{name}.safetensors"))?;
        let facts: serde_json::Value =
            serde_json::from_slice(&std::fs::read(fixture(&format!("reference/{name}.json")))?)?;
        let (split, x) = (split(&net, &tensors), tensors.point(&net, ""));
        for (epsilon, key) in [(1e-3, "sharpness_0.001"), (5e-4, "sharpness_0.0005")] {
            let expected = |what: &str| facts[key][what].as_f64().ok_or("the fixture has a number");
            let objective = Objective::new().precision(Precision::Double);
            let paper = Sharpness::full(epsilon).objective(objective);
            let found = paper.at_point(&net, &split, &x)?;
            let percent = expected("percent")?;
            assert!((found.phi() / percent - 1.0).abs() < 0.02, "{name}, {epsilon}: {} for {percent}", found.phi());
            // A line search may end one trial sooner or later where sums are rounded in another order.
            let evaluations = expected("evaluations")? - found.searches[0].evaluations as f64;
            assert!(evaluations.abs() <= 2.0, "{name}, {epsilon}: {evaluations} evaluations fewer");
            // The value is one that f has: at the displacement that is returned, to the bit.
            let moved: Vec<f64> =
                x.iter().zip(found.displacement.as_ref().ok_or("no y")?).map(|(x, y)| x + y).collect();
            assert_eq!(objective.value_at(&net, &split, &moved)?.loss, found.largest);
            let long = paper.clone().starts(20).iterations(200).at_point(&net, &split, &x)?;
            let most = expected("sharpness_long")?;
            assert!(long.phi() > 0.99 * most, "{name}, {epsilon}: {} for {most}", long.phi());
            assert!(long.phi() < 1.05 * most, "{name}, {epsilon}: {} for {most}", long.phi());
            // What is thorough finds no less than what is not.
            assert!(paper.clone().thorough().at_point(&net, &split, &x)?.phi() >= found.phi());
        }
    }
    Ok(())
}
