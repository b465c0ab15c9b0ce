//! The loss: cross-entropy of a net's outputs, in f64, with its derivative.

use rayon::prelude::*;

use super::points::Real;
use crate::wide::wide;

/// What came out of a pass.
pub(crate) struct Passed {
    /// Sum of the cross-entropy over the points, nats, in f64: a mean of 60,000 small losses in f32 would lose what
    /// sharpness measures.
    pub(crate) loss: f64,
    /// Number of right answers; of equal outputs the first is the answer.
    pub(crate) right: usize,
}

/// Cross-entropy of outputs with their labels: its sum in nats, the number of right answers, and, where there is room for
/// it, the derivative of its mean, `(softmax − 1ₗ) / points`. Points are taken in blocks of fixed size, whose sums are added
/// in their order.
pub(super) fn cross_entropy<T: Real>(logits: &[T], labels: &[u32], derivative: Option<&mut [T]>) -> Passed {
    const POINTS: usize = 64;
    let classes = logits.len() / labels.len();
    let share = 1.0 / labels.len() as f64;
    let block = |logits: &[T], labels: &[u32], derivative: Option<&mut [T]>| {
        let mut passed = Passed { loss: 0.0, right: 0 };
        let mut powers = vec![0.0; classes];
        let mut derivative = derivative.map(|derivative| derivative.chunks_exact_mut(classes));
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            let label = label as usize;
            let (most, sum) = wide(
                #[inline(always)]
                || softmax(row, &mut powers[..]),
            );
            let answer = row.iter().position(|&value| Into::<f64>::into(value) == most).unwrap_or(0);
            passed.loss += sum.ln() + most - Into::<f64>::into(row[label]);
            passed.right += usize::from(answer == label);
            if let Some(derivative) = derivative.as_mut().and_then(Iterator::next) {
                let scale = share / sum;
                derivative.iter_mut().zip(&powers).for_each(|(place, power)| *place = T::from_f64(power * scale));
                derivative[label] = T::from_f64(powers[label] * scale - share);
            }
        }
        passed
    };
    let blocks = logits.par_chunks(POINTS * classes).zip(labels.par_chunks(POINTS));
    let passed: Vec<Passed> = match derivative {
        Some(derivative) => {
            let blocks = blocks.zip(derivative.par_chunks_mut(POINTS * classes));
            blocks.map(|((logits, labels), derivative)| block(logits, labels, Some(derivative))).collect()
        }
        None => blocks.map(|(logits, labels)| block(logits, labels, None)).collect(),
    };
    passed.into_iter().fold(Passed { loss: 0.0, right: 0 }, |total, block| Passed {
        loss: total.loss + block.loss,
        right: total.right + block.right,
    })
}

/// Tangents of the derivative, `p (ż − ⟨p, ż⟩) / points` with p the softmax of a point's outputs, from tangents ż of the outputs.
pub(super) fn bend<T: Real>(logits: &[T], tangents: &[T], classes: usize, output: &mut [T]) {
    const POINTS: usize = 64;
    let share = classes as f64 / logits.len() as f64;
    let blocks = logits.par_chunks(POINTS * classes).zip(tangents.par_chunks(POINTS * classes));
    output.par_chunks_mut(POINTS * classes).zip(blocks).for_each(|(output, (logits, tangents))| {
        let mut powers = vec![0.0; classes];
        let rows = logits.chunks_exact(classes).zip(tangents.chunks_exact(classes));
        for (output, (logits, tangents)) in output.chunks_exact_mut(classes).zip(rows) {
            let (_, sum) = wide(
                #[inline(always)]
                || softmax(logits, &mut powers[..]),
            );
            let mean: f64 =
                powers.iter().zip(tangents).map(|(power, &tangent)| power * tangent.into()).sum::<f64>() / sum;
            let scale = share / sum;
            for (place, (power, &tangent)) in output.iter_mut().zip(powers.iter().zip(tangents)) {
                *place = T::from_f64(power * scale * (tangent.into() - mean));
            }
        }
    });
}

/// The largest output, and with `powers ← exp(output − largest)` their sum: in eight lanes, whatever the machine has.
#[inline(always)]
fn softmax<T: Real>(row: &[T], powers: &mut [f64]) -> (f64, f64) {
    let mut largest = [f64::NEG_INFINITY; 8];
    for numbers in row.chunks(8) {
        for (most, &value) in largest.iter_mut().zip(numbers) {
            let value: f64 = value.into();
            *most = if value > *most { value } else { *most };
        }
    }
    let most = largest.into_iter().fold(f64::NEG_INFINITY, |most, next| if next > most { next } else { most });
    powers.iter_mut().zip(row).for_each(|(power, &value)| *power = exp(Into::<f64>::into(value) - most));
    let mut sums = [0.0; 8];
    for numbers in powers.chunks(8) {
        sums.iter_mut().zip(numbers).for_each(|(sum, power)| *sum += power);
    }
    (most, sums.into_iter().sum())
}

/// `eˣ` for x ≤ 0, to two units in the last place, in steps that a compiler turns into vectors: `x = n ln 2 + r` with
/// |r| ≤ ½ ln 2, Taylor's series for r, n into the exponent. Below −708 it is that of −708, about 3e-308.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // Added to a number below 2⁵¹, it leaves the nearest whole number in the last bits.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first with zeros at its end so that n times it is exact (Cody and Waite 1980).
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    let x = if x < -708.0 { -708.0 } else { x };
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    const INVERSE_FACTORIALS: [f64; 14] = {
        let mut inverse = [1.0; 14];
        let mut factorial = 1.0;
        let mut place = 1;
        while place < 14 {
            factorial *= place as f64;
            inverse[place] = 1.0 / factorial;
            place += 1;
        }
        inverse
    };
    let series = INVERSE_FACTORIALS.iter().rev().fold(0.0, |sum, inverse| sum * r + inverse);
    series * f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the standard library's, over all that a softmax asks for.
    #[test]
    fn powers_are_exact_to_two_units() {
        for step in 0..200_000 {
            let x = -709.0 * (f64::from(step) / 200_000.0).powi(3);
            let (found, expected) = (exp(x), x.max(-708.0).exp());
            assert!((found - expected).abs() <= 4.5e-16 * expected, "e^{x}: {found:e} is not {expected:e}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f64::NAN).is_nan());
        assert!(exp(f64::NEG_INFINITY) < 1e-300);
    }

    /// ```python
    /// import torch
    /// z = torch.tensor([[1., -2., 3.], [0., 0., 0.]], dtype=torch.float64, requires_grad=True)
    /// f = torch.nn.functional.cross_entropy(z, torch.tensor([0, 2]), reduction="sum"); (f / 2).backward()
    /// print(f.item(), z.grad)
    /// ```
    #[test]
    fn cross_entropy_is_that_of_pytorch() {
        let mut derivative = [0.0_f64; 6];
        let passed = cross_entropy(&[1.0, -2.0, 3.0, 0.0, 0.0, 0.0], &[0, 2], Some(&mut derivative));
        assert!((passed.loss - PYTORCH_LOSS).abs() < 1e-14, "{}", passed.loss);
        derivative.iter().zip(PYTORCH_GRADIENT).for_each(|(d, e)| assert!((d - e).abs() < 1e-15, "{d} is not {e}"));
        // Of three equal outputs the first is the answer, which is wrong.
        assert_eq!(passed.right, 0);
        // Large outputs do no harm; NaN and infinities show.
        assert!((cross_entropy(&[1e30, -1e30], &[0], None).loss).abs() < 1e-300);
        assert!(cross_entropy(&[f64::NAN, 1.0], &[1], None).loss.is_nan());
        assert!(cross_entropy(&[f64::INFINITY, 1.0], &[1], None).loss.is_nan());
    }

    const PYTORCH_LOSS: f64 = 3.2314575223956856;
    const PYTORCH_GRADIENT: [f64; 6] = [
        -0.4407501727324952,
        0.00294987520095139,
        0.4378002975315438,
        0.16666666666666666,
        0.16666666666666666,
        -0.33333333333333337,
    ];
}
