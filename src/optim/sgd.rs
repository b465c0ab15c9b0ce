//! SGD's step; the formula is at [`Optimizer::Sgd`](super::Optimizer::Sgd).

pub(crate) struct State {
    learning_rate: f32,
    momentum: f32,
    velocity: Vec<f32>,
}

impl State {
    pub(super) fn new(n: usize, learning_rate: f64, momentum: f64) -> Self {
        Self { learning_rate: learning_rate as f32, momentum: momentum as f32, velocity: vec![0.0; n] }
    }

    pub(super) fn step(&mut self, x: &mut [f32], gradient: &[f32]) {
        for ((x, &g), v) in x.iter_mut().zip(gradient).zip(&mut self.velocity) {
            *v = self.momentum * *v + g;
            *x -= self.learning_rate * *v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    /// On f(x) = ½ x² from x = 1, one step of rate 0.1 and momentum 0.5 gives 0.9, the next
    /// v = 0.5 · 1 + 0.9 = 1.4 and x = 0.76, the third v = 0.7 + 0.76 = 1.46 and x = 0.614.
    #[test]
    fn three_steps_by_hand() {
        let mut x = [1.0_f32];
        let mut state = State::new(1, 0.1, 0.5);
        for expected in [0.9, 0.76, 0.614] {
            let gradient = x;
            state.step(&mut x, &gradient);
            assert!((x[0] - expected).abs() < 1e-6, "{} is not {expected}", x[0]);
        }
    }
}
