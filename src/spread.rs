//! How far do trials differ? Mean and standard deviation over them, and Welch's test between two groups.
//!
//! The paper prints "mean ± standard deviation" over five trials (Table 2). It tests nothing; a gap of two tenths of a
//! percent over five trials asks for a test, so we add Welch's, which does not assume equal deviations.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::statistics::Statistics as _;

use crate::error::{Error, Result};

/// Mean and standard deviation of a few numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, over count − 1; not a number where there is one.
    pub deviation: f64,
    /// How many there are.
    pub count: usize,
}

impl Spread {
    /// Mean and deviation of `values`.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is none.
    ///
    /// ```
    /// let spread = sharp_minima::Spread::of(&[97.0, 98.0, 99.0])?;
    /// assert_eq!((spread.mean, spread.deviation), (98.0, 1.0));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn of(values: &[f64]) -> Result<Self> {
        if values.is_empty() {
            return Err(Error::parameter("values", "none", "be at least one"));
        }
        Ok(Self { mean: values.mean(), deviation: values.std_dev(), count: values.len() })
    }

    /// "98.03 ± 0.07", with as many decimals.
    pub fn text(&self, decimals: usize) -> String {
        if self.deviation.is_finite() {
            format!("{:.decimals$} ± {:.decimals$}", self.mean, self.deviation)
        } else {
            format!("{:.decimals$}", self.mean)
        }
    }
}

/// Welch's t-test of two means: `t = (m₁ − m₂) / √(s₁²/n₁ + s₂²/n₂)` with the degrees of freedom of Welch and
/// Satterthwaite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// The first mean minus the second.
    pub difference: f64,
    /// Lower end of the difference's 95 % confidence interval.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// The statistic t.
    pub t: f64,
    /// Degrees of freedom.
    pub freedom: f64,
    /// Two-sided probability of such a difference, or a larger one, if the means were the same.
    pub p: f64,
}

impl Welch {
    /// The test of two groups.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a group has fewer than two values, or where neither varies: there is no test then.
    ///
    /// ```
    /// let test = sharp_minima::Welch::test(&[5.1, 4.9, 5.2, 5.0], &[4.1, 4.4, 4.0, 4.2])?;
    /// assert!(test.p < 0.01 && test.lower > 0.0);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn test(first: &[f64], second: &[f64]) -> Result<Self> {
        let least = first.len().min(second.len());
        if least < 2 {
            return Err(Error::parameter("trials in a group", least, "be at least 2 for a test of their means"));
        }
        let (first, second) = (Spread::of(first)?, Spread::of(second)?);
        let share = |spread: &Spread| spread.deviation.powi(2) / spread.count as f64;
        let (a, b) = (share(&first), share(&second));
        let error = (a + b).sqrt();
        let difference = first.mean - second.mean;
        if error == 0.0 || error.is_nan() {
            return Err(Error::parameter("deviation of both groups", error, "be above 0 in one of them for a test"));
        }
        let freedom = (a + b).powi(2) / (a.powi(2) / (first.count - 1) as f64 + b.powi(2) / (second.count - 1) as f64);
        let student = StudentsT::new(0.0, 1.0, freedom)
            .map_err(|error| Error::parameter("degrees of freedom", freedom, format!("be above 0 ({error})")))?;
        let t = difference / error;
        let reach = student.inverse_cdf(0.975) * error;
        Ok(Self {
            difference,
            lower: difference - reach,
            upper: difference + reach,
            t,
            freedom,
            p: 2.0 * student.cdf(-t.abs()),
        })
    }
}

crate::display::shown_as_text!(Spread, Welch);

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// from scipy import stats   # SciPy 1.17
    /// r = stats.ttest_ind([98.1, 98.0, 97.95, 98.12, 98.03], [97.8, 97.9, 97.75, 97.71, 97.86], equal_var=False)
    /// print(r.statistic, r.pvalue, r.df, r.confidence_interval())
    /// ```
    #[test]
    fn welch_is_scipys() -> Result<()> {
        let test = Welch::test(&[98.1, 98.0, 97.95, 98.12, 98.03], &[97.8, 97.9, 97.75, 97.71, 97.86])?;
        let found = [test.t, test.p, test.freedom, test.lower, test.upper];
        for (value, expected) in found.into_iter().zip(SCIPY) {
            assert!((value / expected - 1.0).abs() < 1e-9, "{found:?}");
        }
        Ok(())
    }
    const SCIPY: [f64; 5] =
        [5.036117277360565, 0.0010362100540014943, 7.923343092893175, 0.12775493970415086, 0.34424506029585755];

    #[test]
    fn groups_that_cannot_be_tested_are_refused() {
        let text = |first: &[f64], second: &[f64]| Welch::test(first, second).unwrap_err().to_string();
        assert_eq!(
            text(&[1.0], &[1.0, 2.0]),
            "trials in a group must be at least 2 for a test of their means, but is 1"
        );
        assert!(text(&[1.0, 1.0], &[2.0, 2.0]).starts_with("deviation of both groups must be above 0"));
        assert!(Spread::of(&[]).is_err());
    }
}
