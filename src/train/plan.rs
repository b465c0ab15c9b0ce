//! How large is a batch, and how long a step, as training goes on?
//!
//! Warm-up: the learning rate of step t, from 1, is `η min(1, t / W)`. A growing batch: after every so many epochs the batch is
//! multiplied, until it has a largest size, and the learning rate too, with each growth.

use crate::data::check_count;
use crate::error::{Error, Result};
use crate::optim::Optimizer;

/// How the optimizer's numbers follow the batch.
///
/// | rule | with κ = batch / base | source |
/// |---|---|---|
/// | [`Scaling::Linear`] | `η ← κη` | Goyal et al. 2017, arXiv 1706.02677 |
/// | [`Scaling::SquareRoot`] | `η ← √κ η` | Krizhevsky 2014, arXiv 1404.5997; Hoffer et al. 2017, arXiv 1705.08741 |
/// | [`Scaling::Adam`] | `η ← √κ η`, `1 − β₁ ← κ (1 − β₁)`, `1 − β₂ ← κ (1 − β₂)`, `ε ← ε / √κ` | Malladi et al. 2022, arXiv 2205.10287 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Scaling {
    /// The learning rate grows as the batch does.
    Linear,
    /// The learning rate grows as the root of the batch: the variance of an SGD step stays.
    SquareRoot,
    /// ADAM's rule. It has an end: from β₁ = 0.9 the batch can grow tenfold, where β₁ is 0.
    Adam,
}

/// How the optimizer's numbers follow the batch, and from which batch they are meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaled {
    /// The rule.
    pub rule: Scaling,
    /// The batch that the optimizer's own numbers are meant for.
    pub base: usize,
}

/// A batch that grows by a plan (Smith et al. 2018, arXiv 1711.00489; §4 of the paper suggests it).
///
/// | field | range | usual |
/// |---|---|---|
/// | `every` | 1 to 1,000,000 epochs | the paper names none; Smith et al. grow it where a rate would be cut |
/// | `factor` | 1 (off) to 1,000,000 | 2 |
/// | `most` | the first batch to all points | a tenth of the points, the paper's large batch |
/// | `rate` | above 0 | 1 for SGD, 1/√`factor` for ADAM |
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Epochs between two growths.
    pub every: usize,
    /// By what the batch is multiplied; 1 is off.
    pub factor: usize,
    /// The batch that it grows to; the last growth is cut to it.
    pub most: usize,
    /// By what the learning rate is multiplied at each growth, above 0; wholly at a last growth that is cut, too.
    /// For ADAM a batch that is doubled instead of a learning rate that is halved has 1/√2 here (arXiv 2510.14717).
    pub rate: f64,
}

impl Scaled {
    /// The optimizer for a batch of this size.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a base above the batch, and where ADAM's rule would need a β below 0, or another optimizer.
    pub(super) fn moving(self, optimizer: Optimizer, batch: usize) -> Result<Optimizer> {
        let Self { rule, base } = self;
        check_count("base of the scaling", base, batch)?;
        let kappa = batch as f64 / base as f64;
        let scaled = |factor: f64| optimizer.with_learning_rate(factor * optimizer.learning_rate());
        match (rule, optimizer) {
            (_, optimizer) if kappa == 1.0 => Ok(optimizer),
            (Scaling::Linear, _) => Ok(scaled(kappa)),
            (Scaling::SquareRoot, _) => Ok(scaled(kappa.sqrt())),
            (Scaling::Adam, Optimizer::Adam { learning_rate, beta1, beta2, epsilon }) => {
                // 1 − 0.9 is a little less than a tenth.
                let most = ((1.0 + 1e-12) / (1.0 - beta1.min(beta2))).min(1e9);
                if kappa > most {
                    let allowed = format!(
                        "be at most {} for ADAM's rule from a batch of {base}: at {most:.0} times that, β is 0",
                        (most * base as f64).floor()
                    );
                    return Err(Error::parameter("batch", batch, allowed));
                }
                let less = |beta: f64| (1.0 - kappa * (1.0 - beta)).max(0.0);
                Ok(Optimizer::Adam {
                    learning_rate: kappa.sqrt() * learning_rate,
                    beta1: less(beta1),
                    beta2: less(beta2),
                    epsilon: epsilon / kappa.sqrt(),
                })
            }
            (Scaling::Adam, other) => Err(Error::parameter("optimizer", other, "be ADAM for ADAM's rule")),
        }
    }
}

impl Growth {
    /// The batch in this epoch, counted from 1, and how often it has grown by then.
    pub(super) fn at(self, begin: usize, epoch: usize) -> (usize, usize) {
        let Self { every, factor, most, .. } = self;
        let (mut batch, mut count) = (begin, 0);
        while factor > 1 && batch < most && count < epoch.saturating_sub(1) / every.max(1) {
            batch = batch.saturating_mul(factor).min(most);
            count += 1;
        }
        (batch, count)
    }

    /// An error unless a batch can grow so, of so many points.
    pub(super) fn check(self, begin: usize, points: usize) -> Result<()> {
        let Self { every, factor, most, rate } = self;
        check_count("epochs between growths", every, 1_000_000)?;
        check_count("factor of a growing batch", factor, 1_000_000)?;
        if !(begin..=points).contains(&most) {
            let allowed = format!("lie in {begin}..={points}: it grows from its batch to this");
            return Err(Error::parameter("most of a growing batch", most, allowed));
        }
        if !((rate as f32).is_finite() && rate as f32 > 0.0) {
            return Err(Error::parameter("rate of a growing batch", rate, "be finite and above 0"));
        }
        Ok(())
    }

    /// An error where it would never grow in so many epochs, though it is meant to.
    pub(super) fn check_grows(self, epochs: usize) -> Result<()> {
        if self.factor == 1 || self.every < epochs {
            return Ok(());
        }
        let allowed = format!("be below {epochs}, the epochs of the training: else it never grows");
        Err(Error::parameter("epochs between growths", self.every, allowed))
    }
}

impl std::fmt::Display for Scaled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rule = match self.rule {
            Scaling::Linear => "learning rate scaled with the batch",
            Scaling::SquareRoot => "learning rate scaled with the root of the batch",
            Scaling::Adam => "ADAM scaled with the batch",
        };
        write!(f, "{rule} from {}", self.base)
    }
}

impl std::fmt::Display for Growth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { every, factor, most, rate } = self;
        write!(f, "batch × {factor} every {every} epochs to {most}")?;
        // At a constant rate there is nothing to say of it.
        if *rate == 1.0 { Ok(()) } else { write!(f, ", learning rate × {rate}") }
    }
}

crate::display::shown_as_text!(Scaling, Scaled, Growth);

#[cfg(test)]
mod tests {
    use super::*;

    /// η, β₁, β₂ and ε at κ = 1, 4 and 10, by the closed forms of the table above; beyond that ADAM's rule is refused.
    #[test]
    fn optimizers_follow_the_batch() -> Result<()> {
        let adam = Optimizer::adam();
        let numbers = |rule, batch| -> Result<[f64; 4]> {
            match (Scaled { rule, base: 10 }).moving(adam, batch)? {
                Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => Ok([learning_rate, beta1, beta2, epsilon]),
                other => Err(Error::parameter("optimizer", other, "stay ADAM")),
            }
        };
        let root = 10f64.sqrt();
        let expected = [
            (Scaling::Linear, 10, [1e-3, 0.9, 0.999, 1e-8]),
            (Scaling::Linear, 40, [4e-3, 0.9, 0.999, 1e-8]),
            (Scaling::Linear, 1_000, [0.1, 0.9, 0.999, 1e-8]),
            (Scaling::SquareRoot, 40, [2e-3, 0.9, 0.999, 1e-8]),
            (Scaling::Adam, 10, [1e-3, 0.9, 0.999, 1e-8]),
            (Scaling::Adam, 40, [2e-3, 0.6, 0.996, 5e-9]),
            (Scaling::Adam, 100, [root * 1e-3, 0.0, 0.99, 1e-8 / root]),
        ];
        for (rule, batch, expected) in expected {
            for (found, e) in numbers(rule, batch)?.into_iter().zip(expected) {
                assert!((found - e).abs() < 1e-12, "{rule:?}, {batch}: {found} is not {e}");
            }
        }
        assert_eq!(numbers(Scaling::Adam, 10)?, [1e-3, 0.9, 0.999, 1e-8], "κ = 1 is off, to the bit");
        assert!(numbers(Scaling::Adam, 101).is_err() && numbers(Scaling::Linear, 9).is_err());
        Ok(())
    }

    #[test]
    fn a_batch_grows_to_its_end() {
        let growth = Growth { every: 3, factor: 2, most: 100, rate: 0.7 };
        let found: Vec<(usize, usize)> = [1, 3, 4, 7, 9, 10, 1_000].map(|epoch| growth.at(16, epoch)).into();
        assert_eq!(found, [(16, 0), (16, 0), (32, 1), (64, 2), (64, 2), (100, 3), (100, 3)]);
        assert_eq!(Growth { factor: 1, ..growth }.at(16, 50), (16, 0));
    }
}
