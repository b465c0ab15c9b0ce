//! ADAM's step; the formula is at [`Optimizer::Adam`](super::Optimizer::Adam).

pub(crate) struct State {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    steps: i32,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl State {
    pub(super) fn new(n: usize, learning_rate: f64, beta1: f64, beta2: f64, epsilon: f64) -> Self {
        Self { learning_rate, beta1, beta2, epsilon, steps: 0, mean: vec![0.0; n], square: vec![0.0; n] }
    }

    pub(super) fn step(&mut self, x: &mut [f32], gradient: &[f32]) {
        self.steps = self.steps.saturating_add(1);
        let correction = (1.0 - self.beta2.powi(self.steps)).sqrt() / (1.0 - self.beta1.powi(self.steps));
        let rate = (self.learning_rate * correction) as f32;
        let (beta1, beta2, epsilon) = (self.beta1 as f32, self.beta2 as f32, self.epsilon as f32);
        // 1 − β in f64 first: 1 − 0.999 in f32 is off by 1e-5 of itself.
        let (fresh1, fresh2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((x, &g), (m, v)) in x.iter_mut().zip(gradient).zip(moments) {
            *m = beta1 * *m + fresh1 * g;
            *v = beta2 * *v + fresh2 * g * g;
            *x -= rate * *m / (v.sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State;

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
    fn five_steps_are_those_of_the_formula() {
        let mut x = [1.0_f32, -2.0, 0.5];
        let mut state = State::new(3, 0.01, 0.9, 0.999, 1e-8);
        for t in 1..=5 {
            let gradient = x.map(|x| x.powi(3) - 0.1 * t as f32);
            state.step(&mut x, &gradient);
        }
        let expected = [0.95148917, -1.9500098, 0.51974241];
        x.iter().zip(expected).for_each(|(&x, e)| assert!((f64::from(x) - e).abs() < 1e-6, "{x} is not {e}"));
    }
}
