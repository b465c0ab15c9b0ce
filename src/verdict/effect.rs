//! How large is what a claim is about? A number with its interval, and where the claim puts it.

use super::outcome::Outcome;
use crate::display::{factor, probability};
use crate::spread::{Paired, Ratio, Trend, Welch};

/// What an effect is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A difference of percentages, in points.
    Points,
    /// A ratio.
    Factor,
    /// A difference, in percent of something.
    Percent,
    /// A difference of numbers of things.
    Count,
}

/// A number that a claim is judged by, from the trials of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What it is a ratio or a difference of: "φ, large over small batch".
    pub of: &'static str,
    /// Which of several it is: "full space, ε = 1e-3"; empty where there is one.
    pub label: String,
    /// What it is counted in.
    pub unit: Unit,
    /// The estimate.
    pub value: f64,
    /// Lower end of its 95 % confidence interval.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// Two-sided probability of such an effect, or a larger one, if there were none.
    pub p: Option<f64>,
    /// Where the claim says that it lies: between these ends.
    pub claimed: (f64, f64),
    /// What the paper's numbers give, where it prints them.
    pub paper: Option<f64>,
    /// Whether what was measured can be trusted to judge the claim.
    pub is_trusted: bool,
}

impl Effect {
    fn new(unit: Unit, [value, lower, upper]: [f64; 3], p: Option<f64>, claimed: (f64, f64)) -> Self {
        Self { of: "", label: String::new(), unit, value, lower, upper, p, claimed, paper: None, is_trusted: true }
    }

    /// A difference in points that is claimed to be above 0.
    pub(super) fn more([value, lower, upper]: [f64; 3], p: f64) -> Self {
        Self::new(Unit::Points, [value, lower, upper], Some(p), (0.0, f64::INFINITY))
    }

    /// A difference in points without a p of its own.
    pub(super) fn difference(interval: [f64; 3]) -> Self {
        Self::new(Unit::Points, interval, None, (0.0, f64::INFINITY))
    }

    /// A factor that is claimed to be above 1.
    pub(super) fn times([value, lower, upper]: [f64; 3], p: Option<f64>) -> Self {
        Self::new(Unit::Factor, [value, lower, upper], p, (1.0, f64::INFINITY))
    }

    /// Claimed to lie between these ends instead.
    pub(super) fn between(self, least: f64, most: f64) -> Self {
        Self { claimed: (least, most), ..self }
    }

    /// A factor that is claimed to be below 1.
    pub(super) fn less(self) -> Self {
        self.between(0.0, 1.0)
    }

    /// Counted in something else.
    pub(super) fn in_unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    pub(super) fn of(self, of: &'static str) -> Self {
        Self { of, ..self }
    }

    pub(super) fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    pub(super) fn beside(self, paper: Option<f64>) -> Self {
        Self { paper, ..self }
    }

    pub(super) fn trusted(self, is_trusted: bool) -> Self {
        Self { is_trusted, ..self }
    }

    /// What becomes of the claim by this number: it holds where the whole interval lies where the claim says, fails where all of it
    /// lies outside, and is undecided elsewhere.
    pub fn outcome(&self) -> Outcome {
        let (least, most) = self.claimed;
        match (self.lower, self.upper) {
            _ if !self.is_trusted => Outcome::Undecided,
            (lower, upper) if lower > least && upper < most => Outcome::Holds,
            (lower, upper) if upper < least || lower > most => Outcome::Fails,
            _ => Outcome::Undecided,
        }
    }

    /// "66 (26 to 167)", "+0.21 (+0.04 to +0.38)": the estimate and its interval.
    pub fn interval(&self) -> String {
        let [value, lower, upper] = [self.value, self.lower, self.upper].map(|number| self.unit.written(number));
        format!("{value} ({lower} to {upper})")
    }

    /// The same in words: "full space, ε = 1e-3: times 66 (95 % interval 26 to 170, p = 2e-4)".
    pub(super) fn said(&self) -> String {
        let [value, lower, upper] = [self.value, self.lower, self.upper].map(|number| self.unit.written(number));
        let p = self.p.map_or(String::new(), |p| format!(", p = {}", probability(p)));
        let label = if self.label.is_empty() { String::new() } else { format!("{}: ", self.label) };
        let number = match self.unit {
            Unit::Points => format!("{value} points"),
            Unit::Factor => format!("times {value}"),
            Unit::Percent => format!("{value} %"),
            Unit::Count => value,
        };
        format!("{label}{number} (95 % interval {lower} to {upper}{p})")
    }
}

impl Unit {
    /// A number with the digits that a reader needs: two of a factor, hundredths of a point.
    pub(super) fn written(self, number: f64) -> String {
        match self {
            _ if !number.is_finite() => number.to_string(),
            Unit::Points | Unit::Percent => format!("{number:+.2}"),
            Unit::Count => format!("{number:+.1}"),
            Unit::Factor => factor(number),
        }
    }
}

impl From<&Welch> for Effect {
    fn from(Welch { difference, lower, upper, p, .. }: &Welch) -> Self {
        Self::more([*difference, *lower, *upper], *p)
    }
}

impl From<&Paired> for Effect {
    fn from(Paired { difference, lower, upper, p, .. }: &Paired) -> Self {
        Self::more([*difference, *lower, *upper], *p)
    }
}

impl From<&Ratio> for Effect {
    fn from(Ratio { geometric, lower, upper, p, .. }: &Ratio) -> Self {
        Self::times([*geometric, *lower, *upper], Some(*p))
    }
}

impl From<&Trend> for Effect {
    fn from(Trend { factor, lower, upper, p, .. }: &Trend) -> Self {
        Self::times([*factor, *lower, *upper], Some(*p))
    }
}

/// Paired differences of logarithms, as a factor.
pub(super) fn factor_of(paired: &Paired) -> Effect {
    Effect::times([paired.difference, paired.lower, paired.upper].map(f64::exp), Some(paired.p))
}

crate::display::shown_as_text!(Effect, Unit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_decides() {
        let factor = |lower, upper| Effect::times([1.0, lower, upper], None);
        assert_eq!(factor(1.1, 2.0).outcome(), Outcome::Holds);
        assert_eq!(factor(0.5, 0.9).outcome(), Outcome::Fails);
        assert_eq!(factor(0.5, 2.0).outcome(), Outcome::Undecided);
        assert_eq!(factor(f64::NAN, f64::NAN).outcome(), Outcome::Undecided);
        assert_eq!(factor(1.1, 2.0).less().outcome(), Outcome::Fails);
        assert_eq!(factor(0.5, 0.9).less().outcome(), Outcome::Holds);
        assert_eq!(factor(1.1, 2.0).trusted(false).outcome(), Outcome::Undecided);
        let ranges = [((4.0, 9.0), Outcome::Holds), ((11.0, 12.0), Outcome::Fails), ((2.0, 5.0), Outcome::Undecided)];
        for ((lower, upper), outcome) in ranges {
            assert_eq!(factor(lower, upper).between(3.0, 10.0).outcome(), outcome);
        }
    }

    #[test]
    fn numbers_have_the_digits_that_a_reader_needs() {
        let factors =
            [(66.37, "66"), (167.4, "170"), (1.04, "1.04"), (0.3997, "0.40"), (5.711, "5.7"), (1.5e-4, "1.5e-4")];
        for (number, text) in factors {
            assert_eq!(Unit::Factor.written(number), text);
        }
        assert_eq!(Unit::Points.written(0.214), "+0.21");
        let effect = Effect::times([66.37, 26.3, 167.4], Some(2e-4)).labelled("full space");
        assert_eq!(effect.said(), "full space: times 66 (95 % interval 26 to 170, p = 2e-4)");
    }
}
