//! The nets of `tests/fixtures/curvature/make.py`: their points, weights and vectors are made here as they are made there.
#![allow(dead_code)] // each test file takes what it needs

use sharp_minima::{Layer, Net, Objective, Precision, Split};

/// What PyTorch and NumPy say of a net.
#[derive(serde::Deserialize)]
pub struct Expected {
    name: String,
    input: Vec<usize>,
    layers: Vec<serde_json::Value>,
    points: usize,
    chunk: usize,
    weights: usize,
    pub loss: f64,
    /// Of products every so many-th number is there.
    pub step: usize,
    pub hessian: Vec<f64>,
    pub gauss_newton: Vec<f64>,
    /// All eigenvalues, ascending, where the net is small.
    pub eigenvalues: Option<Vec<f64>>,
    pub trace: Option<f64>,
    pub frobenius: Option<f64>,
}

/// A net at a point, with its data and a vector.
pub struct Curved {
    pub net: Net,
    pub split: Split,
    pub x: Vec<f64>,
    pub v: Vec<f64>,
    pub objective: Objective,
    pub expected: Expected,
}

impl Curved {
    pub fn all() -> Result<Vec<Self>, Box<dyn std::error::Error>> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/curvature/expected.json");
        let nets: Vec<Expected> = serde_json::from_slice(&std::fs::read(path)?)?;
        nets.into_iter().map(Self::new).collect()
    }

    fn new(expected: Expected) -> Result<Self, Box<dyn std::error::Error>> {
        let layers =
            expected.layers.iter().map(layer).collect::<Option<Vec<_>>>().ok_or("a layer that is not known")?;
        let net = Net::new(&expected.name, &expected.input, layers)?;
        assert_eq!(net.parameter_count(), expected.weights);
        let mut x = Vec::with_capacity(expected.weights);
        let numbers = scrambled(expected.weights, 2);
        for part in net.layout().parameters() {
            let is_gamma = part.shape.len() == 1 && part.name.ends_with("weight");
            let fan = part.len() / part.shape[0];
            x.extend(numbers[part.range()].iter().map(|number| match (part.shape.len(), is_gamma) {
                (1, true) => 1.0 + 0.25 * number,
                (1, false) => 0.25 * number,
                _ => number * (3.0 / fan as f64).sqrt(),
            }));
        }
        let labels = (0..expected.points).map(|i| ((i * i + 3 * i + 1) % 7 % net.classes()) as u32).collect();
        let inputs = scrambled(expected.points * net.input().iter().product::<usize>(), 1);
        Ok(Self {
            split: Split::exact(inputs, labels, net.input().to_vec(), net.classes())?,
            v: scrambled(x.len(), 3),
            objective: Objective::new().precision(Precision::Double).chunk(expected.chunk),
            net,
            x,
            expected,
        })
    }
}

fn layer(value: &serde_json::Value) -> Option<Layer> {
    let of = |layer: &str, name: &str| value[layer][name].as_u64().map(|number| number as usize);
    match value.as_str() {
        Some("Relu") => return Some(Layer::Relu),
        Some("Flatten") => return Some(Layer::Flatten),
        _ => {}
    }
    let window = |layer: &str| Some((of(layer, "window")?, of(layer, "stride")?, of(layer, "padding")?));
    if let Some(outputs) = of("Dense", "outputs") {
        return Some(Layer::Dense { outputs });
    }
    if let (Some(filters), Some((window, stride, padding))) = (of("Conv", "filters"), window("Conv")) {
        return Some(Layer::Conv { filters, window, stride, padding });
    }
    if let Some((window, stride, padding)) = window("MaxPool") {
        return Some(Layer::MaxPool { window, stride, padding });
    }
    Some(Layer::Norm { epsilon: value["Norm"]["epsilon"].as_f64()?, momentum: 0.1 })
}

/// Numbers in −1..1 in steps of 2⁻¹⁶.
pub fn scrambled(count: usize, salt: u32) -> Vec<f64> {
    let number = |i: u32| {
        let h = i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(374_761_393));
        let h = (h ^ (h >> 15)).wrapping_mul(2_246_822_519);
        let h = (h ^ (h >> 13)).wrapping_mul(3_266_489_917);
        f64::from((h ^ (h >> 16)) >> 15) / 65_536.0 - 1.0
    };
    (0..count as u32).map(number).collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
