//! Eigenvalues and eigenvectors of a symmetric tridiagonal matrix, by the implicit QL method: `tql2` of EISPACK (Bowdler, Martin,
//! Reinsch and Wilkinson 1968).
//!
//! Its matrices have as many rows as Lanczos took steps, some hundred at most: a crate for dense matrices would cost every
//! reader more time to compile than all of them take here.

use crate::error::{Error, Result};

/// An eigenvalue with its eigenvector of length 1.
pub(super) struct Pair {
    pub(super) value: f64,
    pub(super) vector: Vec<f64>,
}

/// All pairs, values ascending, of the matrix with this diagonal and these numbers beside it, one fewer.
pub(super) fn pairs(diagonal: &[f64], beside: &[f64]) -> Result<Vec<Pair>> {
    /// Two or three are usual.
    const MOST: usize = 60;
    let count = diagonal.len();
    let (mut d, mut e) = (diagonal.to_vec(), beside.to_vec());
    e.resize(count, 0.0);
    let mut vectors: Vec<Vec<f64>> =
        (0..count).map(|own| (0..count).map(|place| f64::from(u8::from(place == own))).collect()).collect();
    for low in 0..count {
        for turn in 0.. {
            // The first place from here on where the matrix falls apart.
            let splits = |place: &usize| {
                *place + 1 == count || e[*place].abs() <= f64::EPSILON * (d[*place].abs() + d[*place + 1].abs())
            };
            let high = (low..count).find(splits).unwrap_or(count - 1);
            if high == low {
                break;
            }
            if turn == MOST || !(d[low].is_finite() && e[low].is_finite()) {
                return Err(Error::Data("the eigenvalues of a tridiagonal matrix were not found".into()));
            }
            // Wilkinson's shift: the eigenvalue of the first two rows that is nearer to the first.
            let half = (d[low + 1] - d[low]) / (2.0 * e[low]);
            let mut g = d[high] - d[low] + e[low] / (half + half.hypot(1.0).copysign(half));
            let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
            let (mut place, mut fell_apart) = (high, false);
            while place > low {
                place -= 1;
                let (f, b) = (sine * e[place], cosine * e[place]);
                let radius = f.hypot(g);
                e[place + 1] = radius;
                if radius == 0.0 {
                    d[place + 1] -= shift;
                    fell_apart = true;
                    break;
                }
                (sine, cosine) = (f / radius, g / radius);
                let own = d[place + 1] - shift;
                let turned = (d[place] - own) * sine + 2.0 * cosine * b;
                shift = sine * turned;
                d[place + 1] = own + shift;
                g = cosine * turned - b;
                let (first, second) = vectors.split_at_mut(place + 1);
                for (first, second) in first[place].iter_mut().zip(&mut second[0]) {
                    (*first, *second) = (cosine * *first - sine * *second, sine * *first + cosine * *second);
                }
            }
            if !fell_apart {
                d[low] -= shift;
                e[low] = g;
            }
            e[high] = 0.0;
        }
    }
    let mut pairs: Vec<Pair> = d.into_iter().zip(vectors).map(|(value, vector)| Pair { value, vector }).collect();
    pairs.sort_by(|a, b| a.value.total_cmp(&b.value));
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `T s = θ s` and `sᵀ s' = 0`, all to rounding.
    fn check(diagonal: &[f64], beside: &[f64]) -> Result<Vec<f64>> {
        let found = pairs(diagonal, beside)?;
        let count = diagonal.len();
        assert_eq!(found.len(), count);
        let scale = diagonal.iter().chain(beside).fold(0.0f64, |most, value| most.max(value.abs()));
        for (place, Pair { value, vector }) in found.iter().enumerate() {
            for row in 0..count {
                let mut sum = diagonal[row] * vector[row];
                sum += if row > 0 { beside[row - 1] * vector[row - 1] } else { 0.0 };
                sum += if row + 1 < count { beside[row] * vector[row + 1] } else { 0.0 };
                assert!((sum - value * vector[row]).abs() <= 2e-14 * scale, "{value}: row {row}");
            }
            for (other, pair) in found.iter().enumerate() {
                let dot: f64 = vector.iter().zip(&pair.vector).map(|(a, b)| a * b).sum();
                assert!((dot - f64::from(u8::from(place == other))).abs() < 1e-13);
            }
        }
        let values: Vec<f64> = found.iter().map(|pair| pair.value).collect();
        assert!(values.is_sorted());
        Ok(values)
    }

    #[test]
    fn eigenvalues_are_those_of_closed_forms() -> Result<()> {
        // The second difference: 2 − 2 cos(k π / (n + 1)).
        for count in [1, 2, 3, 50, 200] {
            let values = check(&vec![2.0; count], &vec![-1.0; count - 1])?;
            for (k, value) in values.iter().enumerate() {
                let angle = (k + 1) as f64 * std::f64::consts::PI / (count + 1) as f64;
                assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-14, "{k} of {count}");
            }
        }
        assert_eq!(check(&[3.0, -1.0, 3.0, 0.0], &[0.0; 3])?, [-1.0, 0.0, 3.0, 3.0]);
        assert_eq!(check(&[0.0; 3], &[0.0; 2])?, [0.0; 3]);
        let values = check(&[0.0; 2], &[5.0])?;
        assert!((values[0] + 5.0).abs() < 1e-14 && (values[1] - 5.0).abs() < 1e-14);
        Ok(())
    }

    /// Wilkinson's W₂₁⁺, whose largest two agree in 14 digits, parts that hardly touch, and sizes from 1e-12 to 1e3.
    #[test]
    fn hard_ones_are_solved() -> Result<()> {
        let diagonal: Vec<f64> = (0..21).map(|i: i32| f64::from((10 - i).abs())).collect();
        let values = check(&diagonal, &[1.0; 20])?;
        // numpy.linalg.eigvalsh(numpy.diag(abs(numpy.arange(-10, 11.))) + numpy.eye(21, k=1) + numpy.eye(21, k=-1))[[0, -1]]
        assert!((values[0] + 1.125441522119984).abs() < 1e-13 && (values[20] - 10.74619418290339).abs() < 1e-13);
        assert!(values[20] - values[19] < 1e-13);
        check(&[1.0, 1.0, 1.0, 1.0], &[1e-9, 1e-17, 1e-3])?;
        let graded: Vec<f64> = (0..40).map(|i| 10f64.powf(3.0 - 15.0 * f64::from(i) / 39.0)).collect();
        let beside: Vec<f64> = graded[1..].iter().map(|value| 0.5 * value).collect();
        check(&graded, &beside)?;
        assert!(pairs(&[f64::NAN, 1.0], &[1.0]).is_err());
        Ok(())
    }
}
