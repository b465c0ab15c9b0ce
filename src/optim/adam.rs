//! ADAM's step; the formula is at [`Optimizer::Adam`](super::Optimizer::Adam).

use candle_core::{Result, Tensor};

use crate::net::Real;

/// Its numbers for one step.
pub(super) struct Rule<T> {
    rate: T,
    beta1: T,
    beta2: T,
    /// 1 − β in f64 first: 1 − 0.999 in f32 is off by 1e-5 of itself.
    fresh1: T,
    fresh2: T,
    epsilon: T,
}

impl<T: Real> Rule<T> {
    /// With the corrected rate of the step.
    pub(super) fn new(rate: f64, beta1: f64, beta2: f64, epsilon: f64) -> Self {
        Self {
            rate: T::from_f64(rate),
            beta1: T::from_f64(beta1),
            beta2: T::from_f64(beta2),
            fresh1: T::from_f64(1.0 - beta1),
            fresh2: T::from_f64(1.0 - beta2),
            epsilon: T::from_f64(epsilon),
        }
    }

    /// Moves a block of x along its gradient.
    #[inline(always)]
    pub(super) fn step(&self, x: &mut [T], gradient: &[T], mean: &mut [T], square: &mut [T]) {
        let Rule { rate, beta1, beta2, fresh1, fresh2, epsilon } = *self;
        for ((x, &g), (m, v)) in x.iter_mut().zip(gradient).zip(mean.iter_mut().zip(square)) {
            *m = beta1 * *m + fresh1 * g;
            *v = beta2 * *v + fresh2 * g * g;
            *x -= rate * *m / (v.root() + epsilon);
        }
    }
}

/// x after a step on a device, and what is remembered; nothing is remembered before the first step.
pub(super) fn on_device(
    x: &Tensor,
    gradient: &Tensor,
    memory: &[Tensor],
    rate: f64,
    [beta1, beta2, epsilon]: [f64; 3],
) -> Result<(Tensor, Vec<Tensor>)> {
    let [mean, square] = match memory {
        [mean, square] => [mean.clone(), square.clone()],
        _ => [gradient.zeros_like()?, gradient.zeros_like()?],
    };
    let mean = ((mean * beta1)? + (gradient * (1.0 - beta1))?)?;
    let square = ((square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
    let x = (x - ((&mean * rate)? / (square.sqrt()? + epsilon)?)?)?;
    Ok((x, vec![mean, square]))
}

#[cfg(test)]
mod tests {
    use crate::{Error, Optimizer};

    /// ```python
    /// import numpy as np
    /// x = np.array([1.0, -2.0, 0.5]); m = v = np.zeros(3)
    /// for t in range(1, 6):
    ///     g = x**3 - 0.1 * t
    ///     m = 0.9*m + 0.1*g; v = 0.999*v + 0.001*g*g
    ///     x = x - 0.01*np.sqrt(1-0.999**t)/(1-0.9**t) * m/(np.sqrt(v)+1e-8)
    /// print(x)
    /// ```
    #[test]
    fn five_steps_are_those_of_the_formula() -> Result<(), Error> {
        let mut x = [1.0_f32, -2.0, 0.5];
        let mut state = Optimizer::adam().with_learning_rate(0.01).begin(3)?;
        for t in 1..=5 {
            let gradient = x.map(|x| x.powi(3) - 0.1 * t as f32);
            state.step(&mut x, &gradient)?;
        }
        let expected = [0.95148917, -1.9500098, 0.51974241];
        x.iter().zip(expected).for_each(|(&x, e)| assert!((f64::from(x) - e).abs() < 1e-6, "{x} is not {e}"));
        Ok(())
    }

    #[test]
    fn other_lengths_are_refused() -> Result<(), Error> {
        let error = Optimizer::adam().begin(3)?.step(&mut [0.0; 3], &[0.0; 2]).expect_err("a gradient too short");
        assert_eq!(error.to_string(), "the optimizer was begun for 3 weights, but x has 3 and the gradient 2");
        assert!(Optimizer::sgd(f64::NAN, 0.0).begin(1).is_err());
        Ok(())
    }
}
