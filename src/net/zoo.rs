//! The six nets of Table 1, as Appendix B and the authors' code describe them, for any shape of points and any number of
//! classes.
//!
//! | net | layers | paper's data | weights there |
//! |---|---|---|---|
//! | [`f1`] | 5 dense layers of 512 | MNIST | 1,462,794 |
//! | [`f2`] | 7 dense layers of 512 | TIMIT | 2,780,085 |
//! | [`c1`] | 2 convolutions of 64, dense 384 and 192 | CIFAR-10 | 1,757,834 |
//! | [`c2`] | 13 convolutions of 64 to 512, dense 512 | CIFAR-10 | 14,991,946 |
//! | [`c3`] | as C1 | CIFAR-100 | 1,775,204 |
//! | [`c4`] | as C2 | CIFAR-100 | 15,038,116 |
//!
//! `width` multiplies the number of units and filters of every hidden layer (rounded, at least 1): 1 is the paper's,
//! less is for small machines.
//!
//! Deviation: normalization's ε is 1e-5, PyTorch's; the paper does not print it, and Keras changed it within 1.x.
//! Deviation: dense layers and convolutions in front of a normalization keep their bias, as in the authors' code, though
//! it has no influence on f.

use super::{Layer, Net};
use crate::error::{Error, Result};

/// F1 (Appendix B.1): 5 hidden layers of 512 units, each normalized, ReLU; for MNIST.
///
/// # Errors
/// For all nets: [`Error::Parameter`] where the width is not above 0, [`Error::Shape`] where the points are too small.
pub fn f1(shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    dense("F1", shape, classes, width, 5)
}

/// F2 (Appendix B.2): 7 hidden layers of 512 units, each normalized, ReLU; for TIMIT.
///
/// # Errors
/// As [`f1`].
pub fn f2(shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    dense("F2", shape, classes, width, 7)
}

/// C1 (Appendix B.3), "modified AlexNet": 2 × [64, 5, 5, 2], dense 384 and 192; for CIFAR-10.
///
/// Deviation: convolutions have stride 1 and the stride 2 sits in the 3×3 max pooling, as in the authors'
/// `network_zoo.py`; Appendix B reads as if the convolutions had it.
///
/// # Errors
/// As [`f1`].
pub fn c1(shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    shallow("C1", shape, classes, width)
}

/// C2 (Appendix B.4), "modified VGG": 13 convolutions of 3×3 in 5 stacks, dense 512; for CIFAR-10.
///
/// Deviation: dropout of 0.3 and 0.4 between the convolutions of a stack and of 0.5 before the dense layer, as in the
/// authors' `network_zoo.py`; Appendix B names only the one of 0.5.
///
/// # Errors
/// As [`f1`].
pub fn c2(shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    deep("C2", shape, classes, width)
}

/// C3 (Appendix B.5): [`c1`] for CIFAR-100.
///
/// # Errors
/// As [`f1`].
pub fn c3(shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    shallow("C3", shape, classes, width)
}

/// C4 (Appendix B.6): [`c2`] for CIFAR-100.
///
/// # Errors
/// As [`f1`].
pub fn c4(shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    deep("C4", shape, classes, width)
}

/// Number of units for a width factor.
fn units(full: usize, width: f64) -> usize {
    (full as f64 * width).round().max(1.0) as usize
}

fn check(classes: usize, width: f64) -> Result<()> {
    if classes == 0 {
        return Err(Error::parameter("classes", classes, "be at least 1"));
    }
    // Above 16 the nets have thousands of millions of weights: a slip of the pen, and memory would end first.
    if !(width.is_finite() && width > 0.0 && width <= 16.0) {
        return Err(Error::parameter("width", width, "be above 0 and at most 16"));
    }
    Ok(())
}

fn dense(name: &str, shape: &[usize], classes: usize, width: f64, hidden: usize) -> Result<Net> {
    check(classes, width)?;
    let mut layers = if shape.len() > 1 { vec![Layer::Flatten] } else { vec![] };
    for _ in 0..hidden {
        layers.extend([Layer::Dense { outputs: units(512, width) }, Layer::norm(), Layer::Relu]);
    }
    layers.push(Layer::Dense { outputs: classes });
    Net::new(name, shape, layers)
}

fn shallow(name: &str, shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    check(classes, width)?;
    let mut layers = Vec::new();
    for _ in 0..2 {
        layers.extend([
            Layer::Conv { filters: units(64, width), window: 5, stride: 1, padding: 2 },
            Layer::norm(),
            Layer::Relu,
            Layer::MaxPool { window: 3, stride: 2, padding: 1 },
        ]);
    }
    layers.push(Layer::Flatten);
    for full in [384, 192] {
        layers.extend([
            Layer::Dense { outputs: units(full, width) },
            Layer::norm(),
            Layer::Relu,
            Layer::Dropout { rate: 0.5 },
        ]);
    }
    layers.push(Layer::Dense { outputs: classes });
    Net::new(name, shape, layers)
}

fn deep(name: &str, shape: &[usize], classes: usize, width: f64) -> Result<Net> {
    check(classes, width)?;
    let mut side = shape.iter().skip(1).copied().min().unwrap_or(0);
    let mut layers = Vec::new();
    for (full, convolutions, rate) in [(64, 2, 0.3), (128, 2, 0.4), (256, 3, 0.4), (512, 3, 0.4), (512, 3, 0.4)] {
        for convolution in 1..=convolutions {
            layers.extend([
                Layer::Conv { filters: units(full, width), window: 3, stride: 1, padding: 1 },
                Layer::norm(),
                Layer::Relu,
            ]);
            if convolution < convolutions {
                layers.push(Layer::Dropout { rate });
            }
        }
        // Deviation: where the smaller side is odd, one row and column of padding on each side keep its last pixels, and a
        // side of 1 is left as it is, so that images smaller than the paper's 32×32 pass; there no pooling is padded.
        if side > 1 {
            layers.push(Layer::MaxPool { window: 2, stride: 2, padding: side % 2 });
            side = side.div_ceil(2);
        }
    }
    layers.extend([
        Layer::Flatten,
        Layer::Dropout { rate: 0.5 },
        Layer::Dense { outputs: units(512, width) },
        Layer::norm(),
        Layer::Relu,
        Layer::Dropout { rate: 0.5 },
        Layer::Dense { outputs: classes },
    ]);
    Net::new(name, shape, layers)
}
