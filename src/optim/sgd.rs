//! SGD's step; the formula is at [`Optimizer::Sgd`](super::Optimizer::Sgd).

use candle_core::{Result, Tensor};

use crate::net::Real;

/// A block of x, the gradient and v.
#[inline(always)]
pub(super) fn step<T: Real>(rate: T, momentum: T, x: &mut [T], gradient: &[T], velocity: &mut [T]) {
    for ((x, &g), v) in x.iter_mut().zip(gradient).zip(velocity) {
        *v = momentum * *v + g;
        *x -= rate * *v;
    }
}

/// x after a step on a device, and v; nothing is remembered before the first step.
pub(super) fn on_device(
    x: &Tensor,
    gradient: &Tensor,
    memory: &[Tensor],
    rate: f64,
    momentum: f64,
) -> Result<(Tensor, Vec<Tensor>)> {
    let velocity = match memory {
        [velocity] => velocity.clone(),
        _ => gradient.zeros_like()?,
    };
    let velocity = ((velocity * momentum)? + gradient)?;
    let x = (x - (&velocity * rate)?)?;
    Ok((x, vec![velocity]))
}

#[cfg(test)]
mod tests {
    use crate::{Error, Optimizer};

    /// On f(x) = ½ x² from x = 1, one step of rate 0.1 and momentum 0.5 gives 0.9, the next
    /// v = 0.5 · 1 + 0.9 = 1.4 and x = 0.76, the third v = 0.7 + 0.76 = 1.46 and x = 0.614.
    #[test]
    fn three_steps_by_hand() -> Result<(), Error> {
        let mut x = [1.0_f32];
        let mut state = Optimizer::sgd(0.1, 0.5).begin(1)?;
        for expected in [0.9, 0.76, 0.614] {
            let gradient = x;
            state.step(&mut x, &gradient)?;
            assert!((x[0] - expected).abs() < 1e-6, "{} is not {expected}", x[0]);
        }
        Ok(())
    }
}
