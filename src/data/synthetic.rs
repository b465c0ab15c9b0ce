//! What if the real data is not at hand? Seeded clusters of any shape and number of classes, the same on every machine.
//!
//! Class c has a center mᶜ of d independent standard normal numbers. A point of the class is that center and noise, and
//! together they have variance 1:
//!
//! z = (mᶜ + σ n) / √(1 + σ²), n standard normal, σ = spread · √(d/2).
//!
//! Two centers are typically √(2d) apart, so `spread` is the noise along the line between them, in halves of that
//! distance: the best classifier confuses a typical pair with probability Φ(−1/spread), whatever d is: 2 % at 0.5, 16 %
//! at 1. Where points have more features than d, a fixed random matrix, its entries normal with variance 1/d, takes z to
//! the features: like those of real data, the points lie near a surface of few dimensions.
//!
//! Normal numbers are sums of twelve 16-bit numbers (mean 0, variance 1, never beyond ±6, excess kurtosis −0.1): whole
//! numbers and one division, so no platform's logarithm or sine can change a bit.
//!
//! Deviation: the paper uses no synthetic data. TIMIT is licensed, so [`Synthetic::timit`] has its shape; no number from
//! it stands beside one of the paper's as if it were the same.

use rand::Rng;
use rand::rngs::ChaCha8Rng;

use super::{Dataset, Split, check_count};
use crate::error::{Error, Result};
use crate::seed::{Seed, Stream};

/// The most numbers in one split: 2²⁸, which take 1 GiB.
const MOST: usize = 1 << 28;

/// Dimensions of the surface near which the points lie, where nothing else is said: what a frame of TIMIT has.
const DIMENSIONS: usize = 40;

/// The parameters of a synthetic data set: one cluster of normal points for each class, near a flat surface of few dimensions,
/// scaled to mean 0 and variance 1. The same seed makes the same bits on every machine.
///
/// | name | default | range | paper |
/// |---|---|---|---|
/// | [`train`](Self::train) | 1,000 | 1 to 2²⁸ / features | TIMIT: 721,329 (Table 5) |
/// | [`test`](Self::test) | 500 | 1 to 2²⁸ / features | TIMIT: 310,621 (Table 5) |
/// | [`dimensions`](Self::dimensions) | features, at most 40 | 1 to features | – |
/// | [`spread`](Self::spread) | 0.5 | 0 to 1,000,000 | – |
/// | [`label_noise`](Self::label_noise) | 0 | 0 to 1 | – |
/// | [`seed`](Self::seed) | 0 | any | – |
///
/// ```
/// use sharp_minima::data::Synthetic;
/// let images = Synthetic::new(&[3, 8, 8], 10).train(100).test(50).spread(0.3).seed(7).make()?;
/// assert_eq!((images.train.len(), images.test.len()), (100, 50));
/// assert_eq!(images.train.class_counts(), [10; 10]);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    name: String,
    shape: Vec<usize>,
    classes: usize,
    train: usize,
    test: usize,
    dimensions: Option<usize>,
    spread: f32,
    label_noise: f64,
    seed: u64,
}

impl Synthetic {
    /// Points of this shape, in so many classes.
    pub fn new(shape: &[usize], classes: usize) -> Self {
        Self {
            name: "synthetic".into(),
            shape: shape.to_vec(),
            classes,
            train: 1_000,
            test: 500,
            dimensions: None,
            spread: 0.5,
            label_noise: 0.0,
            seed: 0,
        }
    }

    /// A stand-in of TIMIT's shape: 360 features, 1,973 classes, near a surface of 40 dimensions.
    ///
    /// It has 20,000 training and 5,000 test points unless you say otherwise, where TIMIT has 721,329 and 310,621. With
    /// its spread of 0.34 the nearest of the true centers is the right one for 64 % of the points, the accuracy that the
    /// paper reports for F2 with the small batch (Table 2); what a net reaches depends on the number of points. The classes are
    /// equally frequent, as TIMIT's are not.
    ///
    /// ```
    /// use sharp_minima::data::Synthetic;
    /// let speech = Synthetic::timit().train(2_000).test(1_000).make()?;
    /// assert_eq!((speech.shape(), speech.classes()), (&[360][..], 1_973));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn timit() -> Self {
        Self { name: "TIMIT stand-in".into(), spread: 0.34, ..Self::new(&[360], 1_973) }.train(20_000).test(5_000)
    }

    /// Number of training points.
    pub fn train(self, points: usize) -> Self {
        Self { train: points, ..self }
    }

    /// Number of test points.
    pub fn test(self, points: usize) -> Self {
        Self { test: points, ..self }
    }

    /// Number of dimensions of the surface near which the points lie, from 1 to the number of features.
    pub fn dimensions(self, dimensions: usize) -> Self {
        Self { dimensions: Some(dimensions), ..self }
    }

    /// The noise along the line between two centers, in halves of their typical distance: the best classifier confuses
    /// two classes with probability Φ(−1/spread), 2 % at 0.5 and 16 % at 1. 0 puts every point on the center of its
    /// class.
    pub fn spread(self, spread: f32) -> Self {
        Self { spread, ..self }
    }

    /// The probability with which a training point has the label of another class, any of them alike. Test labels stay
    /// true, and so do all inputs: 0 gives the same bits as no label noise.
    pub fn label_noise(self, fraction: f64) -> Self {
        Self { label_noise: fraction, ..self }
    }

    /// The seed. Training points, test points and centers have streams of their own: the first points stay the same when
    /// more are asked for.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The data set. Point i has the class i modulo classes, so each class is as frequent as the next, from the first
    /// points on.
    ///
    /// A point costs twelve random 16-bit numbers a dimension and `dimensions × features` multiplications: 25,000
    /// TIMIT-shaped points take a tenth of a second.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a parameter is out of its range, or where a split would have more than 2²⁸ numbers;
    /// [`Error::Data`] where the shape is empty or has a zero in it.
    pub fn make(&self) -> Result<Dataset> {
        self.check()?;
        Ok(self.build())
    }

    /// The data set, where the parameters have been checked.
    fn build(&self) -> Dataset {
        let features = self.shape.iter().product();
        let dimensions = self.dimensions.unwrap_or(DIMENSIONS.min(features));
        let stream = |index| Seed(self.seed).stream(Stream::Data, index);
        let mut random = stream(0);
        let cloud = Cloud {
            centers: normals(self.classes * dimensions, &mut random),
            // No way where the points fill the space.
            mixing: if dimensions < features { normals(features * dimensions, &mut random) } else { Vec::new() },
            dimensions,
            features,
            sigma: self.spread * (dimensions as f32 / 2.0).sqrt(),
        };
        let split = |points: usize, index| {
            let mut random = stream(index);
            let labels: Vec<u32> = (0..self.classes as u32).cycle().take(points).collect();
            let mut inputs = Vec::with_capacity(points * features);
            labels.iter().for_each(|&label| cloud.draw(label, &mut random, &mut inputs));
            Split { inputs, exact: None, labels, shape: self.shape.clone(), classes: self.classes, names: None }
        };
        let (mut train, test) = (split(self.train, 1), split(self.test, 2));
        self.mislabel(&mut train.labels, &mut stream(3));
        Dataset { name: self.name.clone(), train, test }
    }

    /// An error unless all parameters are in their ranges.
    fn check(&self) -> Result<()> {
        if self.shape.is_empty() || self.shape.contains(&0) {
            return Err(Error::Data(format!("the shape of a point must be sizes from 1, but is {:?}", self.shape)));
        }
        let features = self.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let features = features.filter(|&features| features <= MOST).ok_or_else(|| {
            Error::parameter("shape", format!("{:?}", self.shape), format!("have at most {MOST} features"))
        })?;
        let dimensions = self.dimensions.unwrap_or(DIMENSIONS.min(features));
        check_count("dimensions", dimensions, features.min(MOST / features))?;
        check_count("classes", self.classes, super::CLASSES.min(MOST / dimensions))?;
        check_count("train", self.train, MOST / features)?;
        check_count("test", self.test, MOST / features)?;
        // Beyond 1e6 the centers would drown in the rounding of f32.
        if !(0.0..=1e6).contains(&self.spread) {
            return Err(Error::parameter("spread", self.spread, "lie in 0..=1000000"));
        }
        if !(0.0..=1.0).contains(&self.label_noise) {
            return Err(Error::parameter("label_noise", self.label_noise, "lie in 0..=1"));
        }
        Ok(())
    }

    /// Gives each label that of another class with the probability `label_noise`. Two numbers are drawn a label, whatever
    /// becomes of it.
    fn mislabel(&self, labels: &mut [u32], random: &mut ChaCha8Rng) {
        let classes = self.classes as u64;
        for label in labels {
            let chance = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            // 1 to classes − 1, by the upper half of a product; the bias is below classes / 2⁶⁴.
            let step = 1 + ((u128::from(random.next_u64()) * u128::from(classes.saturating_sub(1))) >> 64) as u64;
            if chance < self.label_noise {
                *label = ((u64::from(*label) + step) % classes) as u32;
            }
        }
    }
}

/// Where points come from.
struct Cloud {
    /// A center a class, `dimensions` numbers each.
    centers: Vec<f32>,
    /// From the surface to the features, one row per dimension; empty where they are the same.
    mixing: Vec<f32>,
    dimensions: usize,
    features: usize,
    /// The noise's standard deviation, where the centers' is 1.
    sigma: f32,
}

impl Cloud {
    /// Draws one point of a class and puts its features after `inputs`.
    fn draw(&self, class: u32, random: &mut ChaCha8Rng, inputs: &mut Vec<f32>) {
        let length = (1.0 + self.sigma * self.sigma).sqrt();
        let center = self.centers.iter().skip(class as usize * self.dimensions).take(self.dimensions);
        let place = center.map(|center| (center + self.sigma * normal(random)) / length);
        if self.mixing.is_empty() {
            return inputs.extend(place);
        }
        let start = inputs.len();
        inputs.resize(start + self.features, 0.0);
        let scale = (self.dimensions as f32).sqrt();
        for (value, row) in place.zip(self.mixing.chunks_exact(self.features)) {
            let value = value / scale;
            inputs[start..].iter_mut().zip(row).for_each(|(input, weight)| *input += value * weight);
        }
    }
}

/// So many normal numbers.
fn normals(number: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    (0..number).map(|_| normal(random)).collect()
}

/// A normal number: twelve 16-bit numbers, their sum less its mean, over its standard deviation (65,536 but for a
/// relative 1e-10). Everything is exact until the result.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let fields = |word: u64| (0..4).map(|field| (word >> (16 * field)) as u16).map(i32::from).sum::<i32>();
    let sum: i32 = (0..3).map(|_| fields(random.next_u64())).sum();
    (sum - 6 * 65_535) as f32 / 65_536.0
}

/// A tiny synthetic set for examples and tests: 200 points to train on, 100 to test on, 12 features, 4 classes that
/// overlap a little (spread 0.6).
///
/// It cannot fail, and takes well under a millisecond.
///
/// ```
/// use sharp_minima::data;
/// let set = data::synthetic();
/// assert_eq!((set.train.len(), set.test.len()), (200, 100));
/// assert_eq!((set.shape(), set.classes()), (&[12][..], 4));
/// ```
pub fn synthetic() -> Dataset {
    Synthetic::new(&[12], 4).train(200).test(100).spread(0.6).build()
}

crate::display::shown_as_text!(Synthetic);

#[cfg(test)]
mod tests {
    use super::*;

    /// The first four moments of 100,000 numbers, each within five standard errors; the fourth moment of a sum of twelve
    /// uniform numbers is 3 − 1.2/12 = 2.9.
    #[test]
    fn normal_numbers_are_nearly_normal() {
        let numbers = normals(100_000, &mut Seed(5).stream(Stream::Data, 0));
        let moment = |power| numbers.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / 1e5;
        let error = |variance: f64| 5.0 * (variance / 1e5).sqrt();
        assert!(moment(1).abs() < error(1.0), "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < error(2.0), "variance {}", moment(2));
        assert!(moment(3).abs() < error(15.0), "third moment {}", moment(3));
        assert!((moment(4) - 2.9).abs() < error(96.0), "fourth moment {}", moment(4));
        let within = numbers.iter().filter(|x| x.abs() < 1.0).count() as f64 / 1e5;
        assert!((within - 0.6827).abs() < 0.01, "within one deviation: {within}");
    }
}
