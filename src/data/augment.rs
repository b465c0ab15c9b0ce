//! Images that were moved a little (appendix E.1 of the paper): horizontal reflections, rotations up to 10° and translations up
//! to 0.2 times the size of the image, each at random; and shearing.
//!
//! One affine map an image takes each place of the new image to a place of the old one, in (row, column):
//! `in = c + R (S (out − c) + t)` with `R = [[cos θ, −sin θ], [sin θ, cos θ]]`, `S = [[1, −sin s], [0, cos s]]`, and the same map
//! for all channels. Then, with probability ½, columns are reversed. θ, both parts of t and s are drawn evenly from their
//! ranges, in that order and then the reflection, five words of a stream for each image whatever is switched on. Places outside
//! of the image are those of its border, repeated. Places are computed in f64.
//!
//! The paper's generator was most likely Keras' (its released script imports it): in Keras 1.0.8, the release before the
//! paper, the value is that of the nearest pixel, and the center is `(h/2 + ½, w/2 + ½)`, one pixel off the middle of the
//! image, `((h − 1)/2, (w − 1)/2)`. Both are the defaults; bilinear values and the true center can be had.
//!
//! | name | default of [`Augment::images`] | range | paper |
//! |---|---|---|---|
//! | rotation | 10° | 0..=180 | 10° |
//! | translation | 0.2 of height and width | 0..=1 | 0.2 |
//! | shear | 0° | 0..=80 | not said |
//! | reflection | on | | on |

use rayon::prelude::*;

use super::Split;
use crate::error::{Error, Result};
use crate::seed::{Random, Seed, Stream, uniform};

/// How images are moved.
///
/// ```
/// use sharp_minima::{Augment, data};
/// let digits = data::digits().first(10, 10)?;
/// let moved = Augment::images().reflection(false).moved(&digits.train, 0)?;
/// assert_eq!(moved.labels(), digits.train.labels());
/// assert_ne!(moved.inputs(), digits.train.inputs());
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Largest angle of rotation, degrees.
    rotation: f64,
    /// Largest translation down and across, as a share of height and width.
    translation: f64,
    /// Largest angle of shearing, degrees.
    shear: f64,
    /// Whether half of the images are reflected from left to right.
    reflection: bool,
    interpolation: Interpolation,
    center: Center,
}

/// The value at a place between pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Interpolation {
    /// That of the nearest pixel, as in Keras 1.0.8.
    #[default]
    Nearest,
    /// Bilinear of the four around it, as in Keras from February 2018 on.
    Linear,
}

/// The place that rotation and shearing leave where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Center {
    /// `(h/2 + ½, w/2 + ½)`, as in Keras until 2020.
    #[default]
    Keras,
    /// `((h − 1)/2, (w − 1)/2)`, the middle of the image.
    True,
}

/// What is drawn for one image: radians and pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Draw {
    angle: f64,
    rows: f64,
    columns: f64,
    shear: f64,
    is_reflected: bool,
}

impl Augment {
    /// The paper's: reflections, rotations up to 10°, translations up to a fifth of the image.
    pub fn images() -> Self {
        Self {
            rotation: 10.0,
            translation: 0.2,
            shear: 0.0,
            reflection: true,
            interpolation: Interpolation::Nearest,
            center: Center::Keras,
        }
    }

    /// Rotations up to so many degrees.
    pub fn rotation(self, degrees: f64) -> Self {
        Self { rotation: degrees, ..self }
    }

    /// Translations up to this share of height and width.
    pub fn translation(self, share: f64) -> Self {
        Self { translation: share, ..self }
    }

    /// Shearing up to so many degrees.
    pub fn shear(self, degrees: f64) -> Self {
        Self { shear: degrees, ..self }
    }

    /// Whether half of the images are reflected from left to right. A reflected 3 is not a digit: switch it off for digits.
    pub fn reflection(self, reflection: bool) -> Self {
        Self { reflection, ..self }
    }

    /// The value at a place between pixels.
    pub fn interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// The place that rotation and shearing leave where it is.
    pub fn center(self, center: Center) -> Self {
        Self { center, ..self }
    }

    /// Whether it changes nothing.
    pub fn is_off(&self) -> bool {
        !self.reflection && [self.rotation, self.translation, self.shear].iter().all(|&range| range == 0.0)
    }

    /// The points of a split, each moved as the first epoch of trial 0 with this seed would move it if they were its batch: to
    /// look at.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a range outside of what is allowed, [`Error::Shape`] where points are not images.
    pub fn moved(&self, split: &Split, seed: u64) -> Result<Split> {
        self.check(split.shape())?;
        let all: Vec<usize> = (0..split.len()).collect();
        self.apply(split, &all, &mut Seed(seed).stream(Stream::Augment, 0))
    }

    /// One image moved by what is given instead of drawn: θ and s in radians, t in pixels, down and across; not reflected.
    ///
    /// # Errors
    /// As [`moved`](Self::moved); [`Error::Parameter`] where there is no such point.
    pub fn by(
        &self,
        split: &Split,
        point: usize,
        angle: f64,
        [rows, columns]: [f64; 2],
        shear: f64,
    ) -> Result<Vec<f32>> {
        self.check(split.shape())?;
        let (Some(image), &[_, height, width]) = (split.point(point), split.shape()) else {
            return Err(Error::parameter("point", point, format!("be below {}", split.len())));
        };
        let places = self.places(&Draw { angle, rows, columns, shear, is_reflected: false }, height, width);
        let mut output = vec![0.0; image.len()];
        self.warp(&places, image, [height, width], &mut output);
        Ok(output)
    }

    /// All channels of an image, by the old places of its pixels.
    fn warp(&self, places: &[(f64, f64)], image: &[f32], [height, width]: [usize; 2], output: &mut [f32]) {
        let channels = output.chunks_mut(height * width).zip(image.chunks(height * width));
        channels.for_each(|(output, image)| warp(places, self.interpolation, image, width, output));
    }

    /// An error unless it can be done to points of this shape.
    pub(crate) fn check(&self, shape: &[usize]) -> Result<()> {
        let ranges =
            [("rotation", self.rotation, 180.0), ("translation", self.translation, 1.0), ("shear", self.shear, 80.0)];
        for (name, value, most) in ranges {
            if !(0.0..=most).contains(&value) {
                return Err(Error::parameter(name, value, format!("lie in 0..={most}")));
            }
        }
        match shape {
            [_, _, _] => Ok(()),
            other => Err(Error::Shape(format!(
                "augmentation moves images of shape [channels, height, width], but the points have the shape {other:?}"
            ))),
        }
    }

    /// These points, moved. What is drawn is drawn in their order, so that the bits do not depend on the number of threads.
    pub(crate) fn apply(&self, split: &Split, points: &[usize], random: &mut Random) -> Result<Split> {
        let &[_, height, width] = split.shape() else { return split.select(points) };
        let draws: Vec<Draw> = points.iter().map(|_| self.draw(random, height, width)).collect();
        let features = split.features();
        let mut inputs = vec![0.0; points.len() * features];
        inputs.par_chunks_mut(features).zip(points.par_iter().zip(&draws)).for_each(|(output, (&point, draw))| {
            let image = &split.inputs()[point * features..(point + 1) * features];
            self.warp(&self.places(draw, height, width), image, [height, width], output);
        });
        let labels = points.iter().map(|&point| split.labels()[point]).collect();
        Ok(split.replaced(inputs, None, labels))
    }

    fn draw(&self, random: &mut Random, height: usize, width: usize) -> Draw {
        let mut within = |range: f64| range * (2.0 * f64::from(uniform(random)) - 1.0);
        let angle = within(self.rotation.to_radians());
        let rows = within(self.translation * height as f64);
        let columns = within(self.translation * width as f64);
        let shear = within(self.shear.to_radians());
        Draw { angle, rows, columns, shear, is_reflected: (uniform(random) < 0.5) & self.reflection }
    }

    /// For each place of the new image that of the old one, within it.
    fn places(&self, draw: &Draw, height: usize, width: usize) -> Vec<(f64, f64)> {
        let Draw { angle, rows, columns, shear, is_reflected } = *draw;
        let (h, w) = (height as f64, width as f64);
        let (r0, c0) = match self.center {
            Center::Keras => (h / 2.0 + 0.5, w / 2.0 + 0.5),
            Center::True => ((h - 1.0) / 2.0, (w - 1.0) / 2.0),
        };
        let ((sin, cos), (lean, upright)) = (angle.sin_cos(), shear.sin_cos());
        // R S, and what is left of c + R (S (out − c) + t) at out = 0.
        let m = [[cos, -cos * lean - sin * upright], [sin, -sin * lean + cos * upright]];
        let shift = [
            r0 + cos * rows - sin * columns - (m[0][0] * r0 + m[0][1] * c0),
            c0 + sin * rows + cos * columns - (m[1][0] * r0 + m[1][1] * c0),
        ];
        let mut places = Vec::with_capacity(height * width);
        for row in 0..height {
            let begin = [0, 1].map(|axis| shift[axis] + m[axis][0] * row as f64);
            places.extend((0..width).map(|column| {
                let column = if is_reflected { width - 1 - column } else { column } as f64;
                let old = [0, 1].map(|axis| begin[axis] + m[axis][1] * column);
                (old[0].clamp(0.0, h - 1.0), old[1].clamp(0.0, w - 1.0))
            }));
        }
        places
    }
}

/// One channel, the values of its old places.
fn warp(places: &[(f64, f64)], interpolation: Interpolation, image: &[f32], width: usize, output: &mut [f32]) {
    let height = image.len() / width;
    for (value, &(row, column)) in output.iter_mut().zip(places) {
        *value = match interpolation {
            Interpolation::Nearest => image[(row + 0.5) as usize * width + (column + 0.5) as usize],
            Interpolation::Linear => {
                let (top, left) = (row as usize, column as usize);
                let (below, right) = ((top + 1).min(height - 1), (left + 1).min(width - 1));
                let (down, across) = (row - top as f64, column - left as f64);
                let at = |row: usize, column: usize| f64::from(image[row * width + column]);
                let upper = (1.0 - across) * at(top, left) + across * at(top, right);
                let lower = (1.0 - across) * at(below, left) + across * at(below, right);
                ((1.0 - down) * upper + down * lower) as f32
            }
        };
    }
}

/// "rotations to 10°, translations to 0.2, reflections".
impl std::fmt::Display for Augment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rotation, translation, shear, reflection, interpolation, center } = self;
        let mut said = Vec::new();
        let ranges = [("rotations", *rotation, "°"), ("translations", *translation, ""), ("shearing", *shear, "°")];
        said.extend(
            ranges.iter().filter(|range| range.1 > 0.0).map(|(name, value, unit)| format!("{name} to {value}{unit}")),
        );
        said.extend(reflection.then(|| "reflections".to_string()));
        if said.is_empty() {
            return f.write_str("nothing");
        }
        // The paper's go without saying.
        said.extend((*interpolation == Interpolation::Linear).then(|| "bilinear".to_string()));
        said.extend((*center == Center::True).then(|| "about the true center".to_string()));
        f.write_str(&said.join(", "))
    }
}

crate::display::shown_as_text!(Augment, Interpolation, Center);
