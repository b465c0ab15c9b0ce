//! One batch by a strategy.

use super::super::slope::{Batch, Look, Seen, Slope};
use super::choice::Strategy;
use super::{adversarial, conservative, noise, penalty, robust, stability};
use crate::error::Result;
use crate::net::Real;

impl Strategy {
    /// Moves x by one batch, unless the loss is not finite.
    pub(in crate::train) fn step<T: Real>(&self, slope: &mut Slope<T>, batch: &Batch<'_>, rate: f64) -> Result<Seen> {
        // The kinds that look at inputs see one ghost at a time.
        let ghost = slope.ghost();
        let strategy = if self.is_off() { Strategy::Plain } else { *self };
        let seen = match strategy {
            Strategy::Plain => Seen::plain(slope.gradient(batch, Look::First)?),
            Strategy::Conservative { lambda, steps, solver } => {
                return conservative::step(slope, batch, rate, lambda, steps, solver);
            }
            Strategy::Robust { ball, radius, ascents, part } => {
                slope.over_parts(batch, part, &mut |slope, _, part| {
                    robust::gradient(slope, part, ball, radius, ascents)
                })?
            }
            Strategy::Noise { amplitude, relative, part } => {
                slope.over_parts(batch, part, &mut |slope, number, part| {
                    noise::gradient(slope, number, part, amplitude, relative)
                })?
            }
            Strategy::Penalty { strength, part } => {
                slope.over_parts(batch, part, &mut |slope, _, part| penalty::gradient(slope, part, strength))?
            }
            Strategy::Adversarial { epsilon, ascents, share, range } => {
                let attack = adversarial::Attack { epsilon, ascents, share, range };
                slope.over_parts(batch, ghost, &mut |slope, _, part| attack.gradient(slope, part))?
            }
            Strategy::Stability { strength, deviation, through_both } => {
                slope.over_parts(batch, ghost, &mut |slope, number, part| {
                    stability::gradient(slope, number, part, strength, deviation, through_both)
                })?
            }
        };
        slope.advance(seen, rate)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use safetensors::tensor::{SafeTensorError, SafeTensors};

    use super::super::super::draw::Draw;
    use super::super::super::plan::{Scaled, Scaling};
    use super::super::super::recipe::Recipe;
    use super::super::choice::Inner;
    use super::*;
    use crate::data::Split;
    use crate::net::{Layer, Net, Points};
    use crate::optim::Optimizer;
    use crate::weights::Weights;

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    fn fixture(path: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path))
    }

    /// What a fixture has, or the name that it lacks.
    type Found<T> = std::result::Result<T, SafeTensorError>;

    /// A tensor of 64-bit numbers, each as its bytes.
    fn bytes<'a>(file: &SafeTensors<'a>, name: &str) -> Found<&'a [[u8; 8]]> {
        Ok(file.tensor(name)?.data().as_chunks::<8>().0)
    }

    fn numbers(file: &SafeTensors<'_>, name: &str) -> Found<Vec<f64>> {
        Ok(bytes(file, name)?.iter().map(|&number| f64::from_le_bytes(number)).collect())
    }

    /// The two nets of `tests/fixtures/reference`, with the biases before a normalization, whose gradient is 0 but for rounding.
    fn nets() -> Result<[(Net, &'static str, [&'static str; 2]); 2]> {
        let hidden = || [Layer::Dense { outputs: 16 }, Layer::norm(), Layer::Relu];
        let dense = hidden().into_iter().chain(hidden()).chain([Layer::Dense { outputs: 5 }]).collect();
        let conv = vec![
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
        Ok([
            (Net::new("dense", &[12], dense)?, "dense", ["0.bias", "3.bias"]),
            (Net::new("conv", &[3, 8, 8], conv)?, "conv", ["0.bias", "4.bias"]),
        ])
    }

    fn recipe() -> Recipe {
        Recipe { batch: 20, ..Recipe::new(Optimizer::adam().with_learning_rate(0.01)) }
    }

    /// A strategy of ADAM's.
    fn by(strategy: Strategy) -> Recipe {
        Recipe { strategy, ..recipe() }
    }

    /// The arms of `tests/fixtures/strategies/make.py`, by their names there.
    fn arms() -> Vec<(&'static str, Recipe)> {
        let conservative = Strategy::conservative(0.5, 3);
        let adversarial = Strategy::Adversarial { epsilon: 0.1, ascents: 1, share: 0.5, range: None };
        let stability = |through_both| Strategy::Stability { strength: 0.5, deviation: 0.2, through_both };
        let noise = |relative| Strategy::Noise { amplitude: 0.05, relative, part: Some(8) };
        let clipped = Strategy::Adversarial { epsilon: 0.1, ascents: 1, share: 0.3, range: Some((-0.5, 0.5)) };
        let lamb = Optimizer::Lamb { learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, decay: 0.01 };
        vec![
            ("plain", recipe()),
            ("sgd", Recipe { optimizer: Optimizer::sgd(0.05, 0.9), ..recipe() }),
            ("warm_up", Recipe { warm_up: 4, ..recipe() }),
            ("lamb", Recipe { optimizer: lamb, ..recipe() }),
            ("adam_rule", Recipe { scaled: Some(Scaled { rule: Scaling::Adam, base: 5 }), ..recipe() }),
            ("ghost_10", Recipe { ghost: Some(10), ..recipe() }),
            ("ghost_8", Recipe { ghost: Some(8), ..recipe() }),
            ("conservative", by(conservative)),
            ("conservative_reset", by(conservative.solver(Inner::Reset))),
            ("conservative_zero", by(Strategy::conservative(0.0, 3))),
            (
                "conservative_descent",
                Recipe { optimizer: Optimizer::sgd(0.05, 0.0), ..by(conservative.solver(Inner::Descent)) },
            ),
            ("conservative_lbfgs", by(Strategy::conservative(0.5, 4).solver(Inner::Lbfgs))),
            ("sam", by(Strategy::sam(0.05))),
            ("sam_part", by(Strategy::sam(0.05).parts_of(8))),
            ("sam_ghost", Recipe { ghost: Some(10), ..by(Strategy::sam(0.05)) }),
            ("sam_three", by(Strategy::sam(0.05).ascents(3))),
            ("asam", by(Strategy::asam(0.5))),
            ("asam_three", by(Strategy::asam(0.5).ascents(3))),
            ("box", by(Strategy::in_box(1e-2))),
            ("box_three", by(Strategy::in_box(1e-2).ascents(3))),
            ("penalty", by(Strategy::penalty(0.05, 8))),
            ("noise", by(noise(false))),
            ("noise_adaptive", by(noise(true))),
            ("adversarial", by(adversarial)),
            ("adversarial_clipped", by(clipped)),
            ("adversarial_three", by(adversarial.ascents(3))),
            ("stability_fixed", by(stability(false))),
            ("stability_both", by(stability(true))),
        ]
    }

    /// Ten steps of each strategy, schedule and rule in f64 end where those of PyTorch do.
    #[test]
    fn ten_steps_are_pytorchs() -> Outcome {
        let expected = fixture("strategies/expected.safetensors")?;
        let expected = SafeTensors::deserialize(&expected)?;
        let mut checked = 0;
        for (net, name, noise) in nets()? {
            let file = fixture(&format!("reference/{name}.safetensors"))?;
            let file = SafeTensors::deserialize(&file)?;
            let labels = bytes(&file, "y")?.iter().map(|&label| i64::from_le_bytes(label) as u32).collect();
            let split = Split::exact(numbers(&file, "x")?, labels, net.input().to_vec(), net.classes())?;
            let layout = net.layout().parameters();
            let start = layout.iter().map(|part| numbers(&file, &part.name)).collect::<Found<Vec<_>>>()?.concat();
            let points: Vec<usize> = (0..20).map(|place| (5 + place) % split.len()).collect();
            let mut slope = Slope::<f64>::new(&recipe(), &net, 0, None)?;
            slope.move_to(&start)?;
            slope.gradient_with_inputs(&Batch { split: &split, points: Points::Listed(&points) }, Look::First)?;
            let theirs = numbers(&expected, &format!("{name}.inputs.gradient"))?;
            assert_eq!(slope.input_gradient().len(), theirs.len());
            for (own, e) in slope.input_gradient().iter().zip(&theirs) {
                assert!((own - e).abs() < 1e-12, "{name}, inputs: {own} is not {e}");
            }
            for (arm, recipe) in arms() {
                recipe.strategy.check(20)?;
                let mut slope = Slope::<f64>::new(&recipe, &net, 0, None)?;
                slope.move_to(&start)?;
                let rate = recipe.moving()?.learning_rate();
                let mut losses = Vec::new();
                let mut own = Vec::new();
                for step in 1..=10 {
                    let points: Vec<usize> = (0..20).map(|place| (5 * step + place) % split.len()).collect();
                    slope.noise_of(move |part, place| (0.7 * place as f64 + step as f64 + 10.0 * part as f64).sin());
                    let batch = Batch { split: &split, points: Points::Listed(&points) };
                    let seen = recipe.strategy.step(&mut slope, &batch, rate * recipe.pace(step, 1))?;
                    losses.push(seen.loss);
                    own.push(seen.own);
                }
                let (x, theirs) = (slope.point()?, numbers(&expected, &format!("{name}.{arm}.x"))?);
                for part in layout.iter().filter(|part| !noise.contains(&part.name.as_str())) {
                    for (x, e) in x[part.range()].iter().zip(&theirs[part.range()]) {
                        assert!((x - e).abs() < 1e-9, "{name}, {arm}, {}: {x} is not {e}", part.name);
                    }
                }
                for (found, which) in [(losses, "loss"), (own, "own")] {
                    // ‖z − x‖² holds the biases whose gradient is rounding noise, which ADAM makes steps of.
                    let is_pulled = which == "own" && matches!(arm, "conservative" | "conservative_reset");
                    let near = if is_pulled { 1e-3 } else { 1e-9 };
                    for (loss, e) in found.iter().zip(numbers(&expected, &format!("{name}.{arm}.{which}"))?) {
                        assert!((loss - e).abs() < near * e, "{name}, {arm}, {which}: {loss} is not {e}");
                    }
                }
                checked += 1;
            }
        }
        assert_eq!(checked, 2 * 28);
        Ok(())
    }

    /// One inner step is plain for every λ, through the arithmetic too (`Strategy::is_off` skips it): with ADAM, whose memory is
    /// kept, to the bit.
    #[test]
    fn one_inner_step_is_a_plain_step() -> Outcome {
        let data = crate::data::digits().first(60, 20)?;
        let net = crate::net::zoo::c1(data.shape(), data.classes(), 0.1)?;
        let points: Vec<usize> = (0..30).collect();
        let rate = recipe().moving()?.learning_rate();
        let mut plain = Slope::<f32>::new(&recipe(), &net, 0, None)?;
        let mut conservative = Slope::<f32>::new(&recipe(), &net, 0, None)?;
        for slope in [&mut plain, &mut conservative] {
            slope.move_to(net.start(crate::Seed(0), 0).values())?;
        }
        for step in 0..5 {
            let batch = Batch { split: &data.train, points: Points::Listed(&points) };
            let expected = Strategy::Plain.step(&mut plain, &batch, rate)?;
            let found = conservative::step(&mut conservative, &batch, rate, 7.0, 1, Inner::Kept)?;
            assert_eq!((found.loss, found.passes), (expected.loss, expected.passes), "step {step}");
            assert_eq!(conservative.point()?, plain.point()?, "step {step}");
        }
        Ok(())
    }

    /// Fifty steps of C1 in f64 have PyTorch's losses, with the points in their order and the units that dropout leaves out drawn
    /// again by `tests/fixtures/c1/make.py`, which has nothing of the crate: what a training is, but for its precision.
    #[test]
    fn fifty_steps_of_c1_are_pytorchs() -> Outcome {
        let expected: Vec<f64> = serde_json::from_slice(&fixture("c1/losses.json")?)?;
        let data = crate::data::fashion().train;
        let net = crate::net::zoo::c1(data.shape(), data.classes(), 0.125)?;
        let recipe = Recipe { batch: 64, ..Recipe::new(Optimizer::adam()) };
        let start = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/c1/start.safetensors");
        assert_eq!(Weights::load(net.layout(), start)?, net.start(recipe.seed, 0), "they start at one point");
        let pixels = data.inputs().iter().map(|&pixel| f64::from(pixel)).collect();
        let split = Split::exact(pixels, data.labels().to_vec(), net.input().to_vec(), net.classes())?;
        let mut slope = Slope::<f64>::new(&recipe, &net, 0, None)?;
        let mut draw = Draw::new(&recipe, 0, split.len());
        for (step, e) in expected.iter().enumerate() {
            let batch = Batch { split: &split, points: Points::Listed(draw.batch(&split, recipe.batch)?.0) };
            let seen = recipe.strategy.step(&mut slope, &batch, recipe.moving()?.learning_rate())?;
            assert!((seen.loss - e).abs() < 1e-9 * e, "step {step}: a loss of {} is not {e}", seen.loss);
            draw.done();
        }
        assert_eq!(expected.len(), 50);
        Ok(())
    }
}
