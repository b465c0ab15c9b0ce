//! `y = W x + b` of each point, with its derivatives `∂x = Wᵀ g`, `∂W = Σ g xᵀ`, `∂b = Σ g`.

use super::super::points::Real;
use super::along::{Along, Bending, Moving};
use super::blocks::sum_columns;
use super::buffers::Buffers;
use super::product::{Indexed, Left, Panels, Start, TASK, multiply, room, sum_outer};
use crate::error::Result;

/// A dense layer; its W, (outputs, inputs), begins at `at` in x, and b follows it.
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) at: usize,
    /// Bytes of a row that a task of a sum takes ([`side`](super::product::side)).
    pub(super) side: usize,
}

fn steps(count: usize, step: usize) -> Vec<usize> {
    (0..count).map(|place| place * step).collect()
}

impl Dense {
    fn weights(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.inputs * self.outputs
    }

    fn bias(&self) -> std::ops::Range<usize> {
        self.weights().end..self.weights().end + self.outputs
    }

    /// `input` is (points, inputs), `output` (points, outputs).
    pub(super) fn forward<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        self.times(x, input, Start::From(&x[self.bias()]), output, buffers)
    }

    /// `output ← start + W input`, W in x.
    fn times<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        start: Start<'_, T>,
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let (across, down) = (steps(self.inputs, 1), steps(self.outputs, self.inputs));
        let mut space = buffers.take(room::<T>(self.inputs, self.outputs));
        let right = Panels::new(Indexed { numbers: &x[self.weights()], first: &across, second: &down }, &mut space)?;
        let rows = steps(TASK, self.inputs);
        let left = Left { at: Indexed { numbers: input, first: &rows, second: &across }, group: TASK * self.inputs };
        multiply(&left, &right, start, output)?;
        buffers.give(space);
        Ok(())
    }

    /// ∂W and ∂b, into their places of the whole gradient.
    pub(super) fn backward<T: Real>(&self, input: &[T], gradient: &[T], total: &mut [T]) -> Result<()> {
        self.outer(input, gradient, false, total)?;
        sum_columns(gradient, &mut total[self.bias()]);
        Ok(())
    }

    /// `Σ g xᵀ` into its place of the whole gradient, or to what is there.
    fn outer<T: Real>(&self, input: &[T], gradient: &[T], add: bool, total: &mut [T]) -> Result<()> {
        let (rows, points) = (steps(self.outputs, 1), steps(TASK, self.outputs));
        let left =
            Left { at: Indexed { numbers: gradient, first: &rows, second: &points }, group: TASK * self.outputs };
        sum_outer(&left, (input, self.inputs), 1, add, self.side, &mut total[self.weights()])
    }

    /// ∂x, (points, inputs).
    pub(super) fn back_to_input<T: Real>(
        &self,
        x: &[T],
        gradient: &[T],
        of_input: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        self.times_back(x, gradient, Start::Fresh, of_input, buffers)
    }

    /// `of_input ← start + Wᵀ g`, W in x.
    fn times_back<T: Real>(
        &self,
        x: &[T],
        gradient: &[T],
        start: Start<'_, T>,
        of_input: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let (across, down) = (steps(self.inputs, 1), steps(self.outputs, self.inputs));
        let mut space = buffers.take(room::<T>(self.outputs, self.inputs));
        let right = Panels::new(Indexed { numbers: &x[self.weights()], first: &down, second: &across }, &mut space)?;
        let (rows, depth) = (steps(TASK, self.outputs), steps(self.outputs, 1));
        let left = Left { at: Indexed { numbers: gradient, first: &rows, second: &depth }, group: TASK * self.outputs };
        multiply(&left, &right, start, of_input)?;
        buffers.give(space);
        Ok(())
    }

    /// Tangent of the output along v: `V x + v_b + W ẋ`.
    pub(super) fn forth_along<T: Real>(
        &self,
        along: &Along<'_, T>,
        input: &Moving<'_, T>,
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        self.times(along.v, input.at, Start::From(&along.v[self.bias()]), output, buffers)?;
        match input.tangent {
            Some(tangent) => self.times(along.x, tangent, Start::Add, output, buffers),
            None => Ok(()),
        }
    }

    /// Tangents of ∂W, `Σ (ġ xᵀ + g ẋᵀ)`, and of ∂b, `Σ ġ`, into their places of the whole product.
    pub(super) fn back_along<T: Real>(
        &self,
        input: &Moving<'_, T>,
        gradient: &Bending<'_, T>,
        total: &mut [T],
    ) -> Result<()> {
        self.backward(input.at, gradient.tangent, total)?;
        match (input.tangent, gradient.at) {
            (Some(tangent), Some(at)) => self.outer(tangent, at, true, total),
            _ => Ok(()),
        }
    }

    /// Tangent of ∂x: `Wᵀ ġ + Vᵀ g`.
    pub(super) fn back_to_input_along<T: Real>(
        &self,
        along: &Along<'_, T>,
        gradient: &Bending<'_, T>,
        of_input: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        self.times_back(along.x, gradient.tangent, Start::Fresh, of_input, buffers)?;
        match gradient.at {
            Some(at) => self.times_back(along.v, at, Start::Add, of_input, buffers),
            None => Ok(()),
        }
    }
}
