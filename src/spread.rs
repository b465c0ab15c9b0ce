//! How far do trials differ? Mean and standard deviation over them, and Welch's test between two groups.
//!
//! The paper prints "mean ± standard deviation" over five trials (Table 2). It tests nothing; a gap of two tenths of a
//! percent over five trials asks for a test, so we add Welch's, which does not assume equal deviations.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::statistics::Statistics as _;

use crate::display::{decimals as rounded, factor, probability, significant};
use crate::error::{Error, Result};

/// Mean and standard deviation of a few numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, over count − 1; NaN where there is one value.
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

    /// "98.03 ± 0.07", with as many decimals; more than 300 say nothing of an `f64`.
    pub fn text(&self, decimals: usize) -> String {
        let decimals = decimals.min(300);
        if self.deviation.is_finite() {
            format!("{} ± {}", rounded(self.mean, decimals), rounded(self.deviation, decimals))
        } else {
            rounded(self.mean, decimals)
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
        Self::of_spreads(Spread::of(first)?, Spread::of(second)?)
    }

    /// The test of two groups of which only mean, deviation and number are known.
    ///
    /// # Errors
    /// As [`test`](Self::test).
    pub fn of_spreads(first: Spread, second: Spread) -> Result<Self> {
        Self::one_of(first, second, 1)
    }

    /// The same as one of so many comparisons: interval and p are corrected as in [`Paired`].
    fn one_of(first: Spread, second: Spread, comparisons: usize) -> Result<Self> {
        let least = first.count.min(second.count);
        if least < 2 {
            return Err(Error::parameter("trials in a group", least, "be at least 2 for a test of their means"));
        }
        if let Some(mean) = [first.mean, second.mean].into_iter().find(|mean| !mean.is_finite()) {
            return Err(Error::parameter("mean of a group", mean, "be finite for a test"));
        }
        let share = |spread: &Spread| spread.deviation.powi(2) / spread.count as f64;
        let (a, b) = (share(&first), share(&second));
        let error = (a + b).sqrt();
        let difference = first.mean - second.mean;
        if !varies(error, first.mean.abs().max(second.mean.abs())) {
            return Err(Error::parameter("deviation of both groups", error, "be above 0 in one of them for a test"));
        }
        let freedom = (a + b).powi(2) / (a.powi(2) / (first.count - 1) as f64 + b.powi(2) / (second.count - 1) as f64);
        let ([lower, upper], p) = of_student(difference, error, freedom, comparisons)?;
        Ok(Self { difference, lower, upper, t: difference / error, freedom, p })
    }
}

/// Whether numbers of this size vary by more than rounding makes equal ones differ.
fn varies(deviation: f64, size: f64) -> bool {
    deviation > 1e-12 * size
}

/// The 95 % interval of a mean with this standard error, by Student's t, and p of 0, both corrected for so many comparisons.
fn of_student(mean: f64, error: f64, freedom: f64, comparisons: usize) -> Result<([f64; 2], f64)> {
    let student = student(freedom)?;
    let tries = comparisons as f64;
    let reach = student.inverse_cdf(1.0 - 0.025 / tries) * error;
    Ok(([mean - reach, mean + reach], (2.0 * tries * student.cdf(-(mean / error).abs())).min(1.0)))
}

fn student(freedom: f64) -> Result<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom)
        .map_err(|error| Error::parameter("degrees of freedom", freedom, format!("be above 0 ({error})")))
}

/// The mean difference of pairs, by Student's test of differences: trials of two regimes from the same start are a pair, and what
/// the start does to both cancels out. Where several regimes are compared with one, chance has several tries: p is multiplied by
/// their number and the interval widened accordingly (Bonferroni), so that 95 % is of all intervals together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Mean of the first minus the second.
    pub difference: f64,
    /// Lower end of its 95 % confidence interval, corrected.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// Two-sided probability of such a mean difference, or a larger one, if it were 0; corrected.
    pub p: f64,
    /// How many pairs there are.
    pub count: usize,
}

impl Paired {
    /// The test of pairs (first, second), one of so many comparisons.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no pair; [`Error::Parameter`] where there is one, where there is no comparison, or where all
    /// differences are the same but for rounding.
    ///
    /// ```
    /// let test = sharp_minima::Paired::test(&[(5.1, 4.1), (4.9, 4.0), (5.2, 4.1)], 1)?;
    /// assert!(test.lower > 0.75 && test.upper < 1.25 && test.p < 0.01);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn test(pairs: &[(f64, f64)], comparisons: usize) -> Result<Self> {
        if pairs.is_empty() {
            return Err(Error::Data("there are no pairs to compare".into()));
        }
        if pairs.len() < 2 {
            return Err(Error::parameter("pairs", pairs.len(), "be at least 2 for a test of their differences"));
        }
        if comparisons == 0 {
            return Err(Error::parameter("comparisons", 0, "be at least 1"));
        }
        let differences: Vec<f64> = pairs.iter().map(|(first, second)| first - second).collect();
        let Spread { mean, deviation, count } = Spread::of(&differences)?;
        let size = pairs.iter().fold(0.0, |most: f64, (first, second)| most.max(first.abs()).max(second.abs()));
        if !varies(deviation, size) {
            return Err(Error::parameter("deviation of differences", deviation, "be above 0 for a test"));
        }
        let error = deviation / (count as f64).sqrt();
        let ([lower, upper], p) = of_student(mean, error, (count - 1) as f64, comparisons)?;
        Ok(Self { difference: mean, lower, upper, p, count })
    }
}

/// Corrects the p of several comparisons for their number (Holm 1979): of all that are true nulls one falls below 0.05 with a
/// probability of at most 5 %. In the order given; NaN counts as no comparison.
///
/// ```
/// let corrected = sharp_minima::holm(&[0.01, 0.04, 0.03]);
/// assert_eq!(corrected, [0.03, 0.06, 0.06]);
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|place| !p[*place].is_nan()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut corrected = p.to_vec();
    let mut most: f64 = 0.0;
    for (rank, place) in order.iter().enumerate() {
        most = most.max((order.len() - rank) as f64 * p[*place]).min(1.0);
        corrected[*place] = most;
    }
    corrected
}

impl Paired {
    /// "+0.24 (+0.06 to +0.41)", with two decimals.
    pub fn text(&self) -> String {
        let Self { difference, lower, upper, .. } = self;
        format!("{difference:+.2} ({lower:+.2} to {upper:+.2})")
    }

    /// Of logarithms, as factors: "times 1.35 (95 % interval 1.20 to 1.51)".
    pub(crate) fn times(&self) -> String {
        let [mean, lower, upper] = [self.difference, self.lower, self.upper].map(|value| factor(value.exp()));
        format!("times {mean} (95 % interval {lower} to {upper})")
    }
}

/// Spearman's rank correlation: 1 where one number rises whenever the other does, −1 where it falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// The correlation of the ranks; equal numbers share the mean of their ranks.
    pub correlation: f64,
    /// Two-sided probability of such a correlation, or one farther from 0, if every order were equally likely: of at most eight
    /// pairs the share of all their orders, of more by Student's t with n − 2 degrees of freedom.
    pub p: f64,
    /// How many pairs there are.
    pub count: usize,
}

impl Ranks {
    /// Of pairs.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there are fewer than three pairs, where a number is not finite, or where one side does not vary.
    pub fn of(pairs: &[(f64, f64)]) -> Result<Self> {
        if pairs.len() < 3 {
            return Err(Error::parameter("pairs of ranks", pairs.len(), "be at least 3"));
        }
        if let Some(value) = pairs.iter().flat_map(|(x, y)| [x, y]).find(|value| !value.is_finite()) {
            return Err(Error::parameter("numbers of ranks", value, "be finite"));
        }
        let ranks = |values: Vec<f64>| -> Vec<f64> {
            let below = |value: &f64| values.iter().filter(|other| *other < value).count() as f64;
            let equal = |value: &f64| values.iter().filter(|other| *other == value).count() as f64;
            values.iter().map(|value| below(value) + 0.5 * (equal(value) + 1.0)).collect()
        };
        let (x, y) =
            (ranks(pairs.iter().map(|pair| pair.0).collect()), ranks(pairs.iter().map(|pair| pair.1).collect()));
        let (mean_x, mean_y) = (x.as_slice().mean(), y.as_slice().mean());
        let sum = |y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>();
        let square = |of: &[f64], mean: f64| of.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        let correlation = sum(&y) / (square(&x, mean_x) * square(&y, mean_y)).sqrt();
        if !correlation.is_finite() {
            return Err(Error::parameter("numbers of ranks", pairs[0].0, "vary on both sides"));
        }
        let p = match pairs.len() {
            ..=8 => {
                // Ranks are halves of whole numbers, so that sums that are equal differ by rounding alone.
                let (mut far, mut all) = (0, 0);
                each_order(&mut y.clone(), 0, &mut |order| {
                    far += usize::from(sum(order).abs() >= sum(&y).abs() - 1e-9);
                    all += 1;
                });
                far as f64 / f64::from(all)
            }
            count => {
                let freedom = (count - 2) as f64;
                let rest = 1.0 - correlation * correlation;
                if rest <= 0.0 {
                    0.0
                } else {
                    2.0 * student(freedom)?.cdf(-(correlation * (freedom / rest).sqrt()).abs())
                }
            }
        };
        Ok(Self { correlation, p, count: pairs.len() })
    }
}

/// Calls with each order of the values from a place on; equal values count as different.
fn each_order(values: &mut [f64], from: usize, call: &mut impl FnMut(&[f64])) {
    if from + 1 >= values.len() {
        return call(values);
    }
    for next in from..values.len() {
        values.swap(from, next);
        each_order(values, from + 1, call);
        values.swap(from, next);
    }
}

/// How many times one group is the other: the ratio of their means, and with the test of Welch on logarithms the ratio of
/// their geometric means with its confidence interval. Sharpness differs by factors from trial to trial, and a ratio of means
/// has no such simple interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Mean of the first over mean of the second.
    pub of_means: f64,
    /// Geometric mean of the first over that of the second.
    pub geometric: f64,
    /// Lower end of the 95 % confidence interval of the geometric one.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// Two-sided probability of such a geometric ratio, or one farther from 1, if it were 1.
    pub p: f64,
}

impl Ratio {
    /// The ratio of two groups of positive numbers.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a number is not above 0 and finite, and as [`Welch::test`].
    ///
    /// ```
    /// let ratio = sharp_minima::Ratio::of(&[200.0, 210.0, 190.0], &[1.0, 2.0, 1.5])?;
    /// assert!(ratio.of_means > 133.0 && ratio.lower > 50.0 && ratio.upper < 400.0);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn of(first: &[f64], second: &[f64]) -> Result<Self> {
        Self::one_of(first, second, 1)
    }

    /// The same as one of so many comparisons with one group: p is multiplied by their number and the interval widened
    /// accordingly (Bonferroni), so that 95 % is of all intervals together.
    ///
    /// # Errors
    /// As [`of`](Self::of), and where there is no comparison.
    ///
    /// ```
    /// let (first, second) = ([200.0, 210.0, 190.0], [100.0, 120.0, 110.0]);
    /// let alone = sharp_minima::Ratio::of(&first, &second)?;
    /// let of_five = sharp_minima::Ratio::one_of(&first, &second, 5)?;
    /// assert!(of_five.lower < alone.lower && (of_five.p / alone.p - 5.0).abs() < 1e-9);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn one_of(first: &[f64], second: &[f64], comparisons: usize) -> Result<Self> {
        check_positive(first, second)?;
        if comparisons == 0 {
            return Err(Error::parameter("comparisons", 0, "be at least 1"));
        }
        let spread = |values: &[f64]| Spread::of(&logarithms(values));
        let test = Welch::one_of(spread(first)?, spread(second)?, comparisons)?;
        Ok(Self {
            of_means: Spread::of(first)?.mean / Spread::of(second)?.mean,
            geometric: test.difference.exp(),
            lower: test.lower.exp(),
            upper: test.upper.exp(),
            p: test.p,
        })
    }

    /// The ratio of pairs of positive numbers, by the paired test of their logarithms: where both are of one trial, or of one path,
    /// and so not independent.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a number is not above 0 and finite, and as [`Paired::test`].
    ///
    /// ```
    /// let (first, second) = ([2.0, 6.5, 21.0], [1.0, 3.0, 10.0]);
    /// let pairs: Vec<(f64, f64)> = first.into_iter().zip(second).collect();
    /// let paired = sharp_minima::Ratio::of_pairs(&pairs)?;
    /// assert!(paired.lower > 1.8 && paired.upper < 2.4);
    /// assert!(sharp_minima::Ratio::of(&first, &second)?.lower < 0.2);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn of_pairs(pairs: &[(f64, f64)]) -> Result<Self> {
        let (first, second): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        check_positive(&first, &second)?;
        let pairs: Vec<(f64, f64)> = logarithms(&first).into_iter().zip(logarithms(&second)).collect();
        let test = Paired::test(&pairs, 1)?;
        Ok(Self {
            of_means: first.mean() / second.mean(),
            geometric: test.difference.exp(),
            lower: test.lower.exp(),
            upper: test.upper.exp(),
            p: test.p,
        })
    }

    /// "95 % interval 26 to 170, p = 2e-4".
    pub(crate) fn interval(&self) -> String {
        let (lower, upper) = (factor(self.lower), factor(self.upper));
        format!("95 % interval {lower} to {upper}, p = {}", probability(self.p))
    }
}

fn check_positive(first: &[f64], second: &[f64]) -> Result<()> {
    match first.iter().chain(second).find(|value| !(value.is_finite() && **value > 0.0)) {
        Some(value) => Err(Error::parameter("numbers of a ratio", value, "be finite and above 0")),
        None => Ok(()),
    }
}

fn logarithms(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.ln()).collect()
}

/// The line of least squares through points.
pub(crate) struct Line {
    /// How much y grows with x.
    pub(crate) slope: f64,
    /// The sum of squares of x about its mean.
    square: f64,
    /// The sum of squares of what is left of y.
    pub(crate) rest: f64,
}

impl Line {
    /// Nothing where x does not vary.
    pub(crate) fn through(x: &[f64], y: &[f64]) -> Option<Self> {
        let (mean_x, mean_y) = (x.mean(), y.mean());
        let square: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
        if x.is_empty() || square == 0.0 {
            return None;
        }
        let slope = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / square;
        let rest = x.iter().zip(y).map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
        Some(Self { slope, square, rest })
    }
}

/// The geometric mean; a number that is not above 0 leaves none.
pub(crate) fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = values.map(f64::ln).collect();
    Spread::of(&logarithms).ok().map(|spread| spread.mean.exp()).filter(|mean| mean.is_finite() && *mean > 0.0)
}

/// The same in four digits.
pub(crate) fn geometric(values: impl Iterator<Item = f64>) -> String {
    geometric_mean(values).map_or("–".into(), significant)
}

/// "66 (95 % interval 26 to 170, p = 2e-4)": the ratio of the geometric means.
impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", factor(self.geometric), self.interval())
    }
}

/// By what factor positive numbers grow with each doubling of another: least squares of `ln y` over `log₂ x`, with the
/// interval of Student's t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// The factor of one doubling.
    pub factor: f64,
    /// Lower end of its 95 % confidence interval.
    pub lower: f64,
    /// Upper end of it.
    pub upper: f64,
    /// Two-sided probability of such a factor, or one farther from 1, if it were 1.
    pub p: f64,
    /// How many pairs there are.
    pub count: usize,
}

impl Trend {
    /// The trend of pairs (x, y).
    ///
    /// # Errors
    /// [`Error::Parameter`] where there are fewer than three pairs, where x does not vary, or where a number is not above 0
    /// and finite.
    ///
    /// ```
    /// let trend = sharp_minima::Trend::of(&[(1.0, 3.1), (2.0, 5.9), (4.0, 12.2), (8.0, 23.8)])?;
    /// assert!(trend.lower < 2.0 && trend.upper > 2.0 && trend.p < 1e-3);
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn of(pairs: &[(f64, f64)]) -> Result<Self> {
        if pairs.len() < 3 {
            return Err(Error::parameter("pairs of a trend", pairs.len(), "be at least 3"));
        }
        if let Some(value) = pairs.iter().flat_map(|(x, y)| [x, y]).find(|v| !(v.is_finite() && **v > 0.0)) {
            return Err(Error::parameter("numbers of a trend", value, "be finite and above 0"));
        }
        let logarithms: Vec<(f64, f64)> = pairs.iter().map(|(x, y)| (*x, y.ln())).collect();
        let ([slope, lower, upper], p) = with_each_doubling(&logarithms)?;
        Ok(Self { factor: slope.exp(), lower: lower.exp(), upper: upper.exp(), p, count: pairs.len() })
    }

    /// "times 1.30 with each doubling (95 % interval 1.21 to 1.39, p = 2e-4)".
    pub fn text(&self) -> String {
        let Self { lower, upper, p, .. } = self;
        let [times, lower, upper] = [&self.factor, lower, upper].map(|&value| factor(value));
        format!("times {times} with each doubling (95 % interval {lower} to {upper}, p = {})", probability(*p))
    }
}

/// What y of the pairs (x, y) gains with each doubling of x, by least squares, with the ends of its 95 % interval by Student's t,
/// and p of none. At least three pairs, x above 0.
///
/// # Errors
/// [`Error::Parameter`] where x does not vary.
pub(crate) fn with_each_doubling(pairs: &[(f64, f64)]) -> Result<([f64; 3], f64)> {
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(x, y)| (x.log2(), *y)).unzip();
    let Some(Line { slope, square, rest }) = Line::through(&x, &y) else {
        return Err(Error::parameter("x of a trend", pairs[0].0, "be several different numbers"));
    };
    // What rounding leaves of a level line, and of an exact one.
    let size = y.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    let slope = if varies(slope.abs() * square.sqrt(), size) { slope } else { 0.0 };
    let rest = if varies(rest.sqrt(), size) { rest } else { 0.0 };
    let freedom = (pairs.len() - 2) as f64;
    let error = (rest / freedom / square).sqrt();
    let student = student(freedom)?;
    let reach = student.inverse_cdf(0.975) * error;
    let p = match (slope == 0.0, error == 0.0) {
        (true, _) => 1.0,
        (_, true) => 0.0,
        _ => 2.0 * student.cdf(-(slope / error).abs()),
    };
    Ok(([slope, slope - reach, slope + reach], p))
}

crate::display::shown_as_text!(Paired, Ranks, Ratio, Spread, Trend, Welch);

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

    /// ```python
    /// import numpy as np; from scipy import stats   # SciPy 1.17
    /// a, b = [205, 310, 150, 180, 260.], [1.2, 2.5, .4, .9, 1.6]
    /// r = stats.ttest_ind(np.log(a), np.log(b), equal_var=False); c = r.confidence_interval()
    /// print(np.mean(a) / np.mean(b), np.exp(np.mean(np.log(a)) - np.mean(np.log(b))), *np.exp(c), r.pvalue)
    /// a, b = np.log([200., 210, 190, 260]), np.log([100., 120, 160])
    /// r = stats.ttest_ind(a, b, equal_var=False); print(*np.exp(r.confidence_interval(1 - 0.05 / 5)), 5 * r.pvalue)
    /// ```
    #[test]
    fn ratios_are_scipys() -> Result<()> {
        let ratio = Ratio::of(&[205.0, 310.0, 150.0, 180.0, 260.0], &[1.2, 2.5, 0.4, 0.9, 1.6])?;
        let found = [ratio.of_means, ratio.geometric, ratio.lower, ratio.upper, ratio.p];
        for (value, expected) in found.into_iter().zip(RATIO) {
            assert!((value / expected - 1.0).abs() < 1e-9, "{found:?}");
        }
        let (first, second) = ([200.0, 210.0, 190.0, 260.0], [100.0, 120.0, 160.0]);
        let of_five = Ratio::one_of(&first, &second, 5)?;
        let found = [of_five.lower, of_five.upper, of_five.p];
        for (value, expected) in found.into_iter().zip(RATIO_OF_FIVE) {
            assert!((value / expected - 1.0).abs() < 1e-8, "{found:?}");
        }
        assert!(Ratio::one_of(&first, &second, 0).is_err());
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Ratio::of(&[1.0, 2.0], &[wrong, 1.0]).expect_err("no ratio").to_string();
            assert_eq!(error, format!("numbers of a ratio must be finite and above 0, but is {wrong}"));
        }
        Ok(())
    }
    const RATIO_OF_FIVE: [f64; 3] = [0.7047156721112235, 4.184144784009403, 0.19182948689975676];
    const RATIO: [f64; 5] =
        [167.42424242424238, 191.59394762610174, 82.83715602701082, 443.1373857763044, 1.0471186760325112e-05];

    /// ```python
    /// import numpy as np; from scipy import stats   # SciPy 1.17
    /// x, y = [64, 128, 128, 512, 4096.], [1.2, 2.5, .9, 4.4, 11.6]
    /// r = stats.linregress(np.log2(x), np.log(y)); t = stats.t.ppf(.975, 3) * r.stderr
    /// print(*np.exp([r.slope, r.slope - t, r.slope + t]), r.pvalue)
    /// ```
    #[test]
    fn trends_are_scipys() -> Result<()> {
        let pairs = [(64.0, 1.2), (128.0, 2.5), (128.0, 0.9), (512.0, 4.4), (4_096.0, 11.6)];
        let trend = Trend::of(&pairs)?;
        let found = [trend.factor, trend.lower, trend.upper, trend.p];
        for (value, expected) in found.into_iter().zip(TREND) {
            assert!((value / expected - 1.0).abs() < 1e-9, "{found:?}");
        }
        assert!(Trend::of(&pairs[..2]).is_err() && Trend::of(&[(2.0, 1.0), (2.0, 3.0), (2.0, 2.0)]).is_err());
        assert!(Trend::of(&[(2.0, 1.0), (4.0, 0.0), (8.0, 2.0)]).is_err());
        Ok(())
    }
    const TREND: [f64; 4] = [1.4921439902181026, 1.112612176147565, 2.0011408604687992, 0.02258316117889499];

    /// ```python
    /// import numpy as np; from scipy import stats   # SciPy 1.17
    /// a, b = [98.1, 98.0, 97.95, 98.12, 98.03], [97.8, 97.9, 97.75, 97.71, 97.86]
    /// r = stats.ttest_rel(a, b); print(r.pvalue, *r.confidence_interval(), 7 * r.pvalue, *r.confidence_interval(1 - 0.05 / 7))
    /// r = stats.ttest_rel(*np.log([[2, 6.5, 21, 3.1], [1, 3, 10, 1.9]])); print(r.pvalue, *np.exp(r.confidence_interval()))
    /// x, y = [1, 5, 2, 2, 9.], [3, 4, 1, 7, 8.]
    /// of = lambda x: stats.spearmanr(x, y).statistic
    /// r = stats.permutation_test((x,), of, permutation_type="pairings", n_resamples=np.inf); print(r.statistic, r.pvalue)
    /// print(*stats.spearmanr(range(10), [3, 1, 2, 0, 5, 9, 6, 4, 8, 7]))
    /// ```
    #[test]
    fn paired_differences_and_ranks_are_scipys() -> Result<()> {
        let pairs = [(98.1, 97.8), (98.0, 97.9), (97.95, 97.75), (98.12, 97.71), (98.03, 97.86)];
        let (one, seven) = (Paired::test(&pairs, 1)?, Paired::test(&pairs, 7)?);
        let ranks = Ranks::of(&[(1.0, 3.0), (5.0, 4.0), (2.0, 1.0), (2.0, 7.0), (9.0, 8.0)])?;
        let ten: Vec<(f64, f64)> =
            (0..).map(f64::from).zip([3.0, 1.0, 2.0, 0.0, 5.0, 9.0, 6.0, 4.0, 8.0, 7.0]).collect();
        let ten = Ranks::of(&ten)?;
        let paired = [one.p, one.lower, one.upper, seven.p, seven.lower, seven.upper];
        let found = [&paired[..], &[ranks.correlation, ranks.p, ten.correlation, ten.p]].concat();
        for (value, expected) in found.iter().zip(PAIRED) {
            assert!((value / expected - 1.0).abs() < 1e-8, "{found:?}");
        }
        let ratio = Ratio::of_pairs(&[(2.0, 1.0), (6.5, 3.0), (21.0, 10.0), (3.1, 1.9)])?;
        let expected = [0.0018080828549980183, 1.6022704565879136, 2.404855120259426, 1.9629641646158118];
        for (value, expected) in [ratio.p, ratio.lower, ratio.upper, ratio.geometric].iter().zip(expected) {
            assert!((value / expected - 1.0).abs() < 1e-8, "{ratio:?}");
        }
        assert!((ratio.of_means - 32.6 / 15.9).abs() < 1e-12 && Ratio::of_pairs(&[(1.0, 0.0), (1.0, 2.0)]).is_err());
        assert!(Paired::test(&pairs[..1], 1).is_err() && Paired::test(&pairs, 0).is_err());
        // Differences that are the same but for rounding: three of ten thousand points.
        let equal = [(90.03, 90.0), (90.07, 90.04)];
        assert_ne!(equal[0].0 - equal[0].1, equal[1].0 - equal[1].1);
        assert!(Paired::test(&equal, 1).is_err());
        assert!(Welch::test(&[0.1 + 0.2, 0.3], &[0.3, 0.3]).is_err());
        assert_eq!(
            Paired::test(&[], 1).map_err(|error| error.to_string()),
            Err("there are no pairs to compare".into())
        );
        assert!(Paired::test(&[(1.0, 0.0), (2.0, 1.0)], 1).is_err(), "differences that do not vary");
        assert!(Ranks::of(&[(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]).is_err());
        Ok(())
    }
    const PAIRED: [f64; 10] = [
        0.012034805470840246,
        0.08581510609488516,
        0.38618489390511757,
        0.08424363829588172,
        -0.03811437143114643,
        0.5101143714311491,
        0.6668859288553503,
        0.26666666666666666,
        0.709090909090909,
        0.02166592336753244,
    ];

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
