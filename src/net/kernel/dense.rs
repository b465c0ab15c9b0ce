//! `y = W x + b` of each point, with its derivatives `∂x = Wᵀ g`, `∂W = Σ g xᵀ`, `∂b = Σ g`.

use super::super::points::Real;
use super::blocks::sum_columns;
use super::buffers::Buffers;
use super::product::{Indexed, Left, Panels, TASK, multiply, room, sum_outer};
use crate::error::Result;

/// A dense layer; its W, (outputs, inputs), begins at `at` in x, and b is behind it.
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) at: usize,
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
    pub(super) fn forth<T: Real>(
        &self,
        x: &[T],
        input: &[T],
        output: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let (across, down) = (steps(self.inputs, 1), steps(self.outputs, self.inputs));
        let mut space = buffers.take(room::<T>(self.inputs, self.outputs));
        let right = Panels::new(Indexed { numbers: &x[self.weights()], first: &across, second: &down }, &mut space)?;
        let rows = steps(TASK, self.inputs);
        let left = Left { at: Indexed { numbers: input, first: &rows, second: &across }, group: TASK * self.inputs };
        multiply(&left, &right, Some(&x[self.bias()]), output)?;
        buffers.give(space);
        Ok(())
    }

    /// ∂W and ∂b, into their places of the whole gradient.
    pub(super) fn back<T: Real>(&self, input: &[T], gradient: &[T], total: &mut [T]) -> Result<()> {
        let (rows, points) = (steps(self.outputs, 1), steps(TASK, self.outputs));
        let left =
            Left { at: Indexed { numbers: gradient, first: &rows, second: &points }, group: TASK * self.outputs };
        sum_outer(&left, input, self.inputs, 1, &mut total[self.weights()])?;
        sum_columns(gradient, &mut total[self.bias()]);
        Ok(())
    }

    /// ∂x, (points, inputs).
    pub(super) fn back_to_input<T: Real>(
        &self,
        x: &[T],
        gradient: &[T],
        of_input: &mut [T],
        buffers: &mut Buffers<T>,
    ) -> Result<()> {
        let (across, down) = (steps(self.inputs, 1), steps(self.outputs, self.inputs));
        let mut space = buffers.take(room::<T>(self.outputs, self.inputs));
        let right = Panels::new(Indexed { numbers: &x[self.weights()], first: &down, second: &across }, &mut space)?;
        let (rows, depth) = (steps(TASK, self.outputs), steps(self.outputs, 1));
        let left = Left { at: Indexed { numbers: gradient, first: &rows, second: &depth }, group: TASK * self.outputs };
        multiply(&left, &right, None, of_input)?;
        buffers.give(space);
        Ok(())
    }
}
