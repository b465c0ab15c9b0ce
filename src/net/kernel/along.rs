//! What an operation is handed where its passes are differentiated along a direction.

/// A point and a direction: weights are `x + t v`, and a tangent is a derivative with respect to t at t = 0.
#[derive(Clone, Copy)]
pub(super) struct Along<'a, T> {
    pub(super) x: &'a [T],
    pub(super) v: &'a [T],
}

/// The input of an operation with its tangent; none where the input is the data, which does not move.
#[derive(Clone, Copy)]
pub(super) struct Moving<'a, T> {
    pub(super) at: &'a [T],
    pub(super) tangent: Option<&'a [T]>,
}

/// The gradient by an operation's output with its tangent. With a gradient of 0, which is not written down, what comes back is
/// the product with the Gauss–Newton matrix.
#[derive(Clone, Copy)]
pub(super) struct Bending<'a, T> {
    pub(super) at: Option<&'a [T]>,
    pub(super) tangent: &'a [T],
}
