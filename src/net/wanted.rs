//! What a pass is asked for, beside the outputs.

/// What a pass is to leave behind.
pub(crate) struct Wanted<'a, T> {
    /// ∇f with respect to x.
    pub(crate) gradient: bool,
    /// ∇f with respect to the inputs, too.
    pub(crate) inputs: bool,
    /// Changes the derivative of the loss with respect to the outputs, which are handed to it first: for a loss that is not
    /// the cross-entropy alone.
    pub(crate) derivative: Option<&'a Derivative<'a, T>>,
}

/// Outputs, and the derivative of the mean cross-entropy with respect to them; both `points × classes`.
pub(crate) type Derivative<'a, T> = dyn Fn(&[T], &mut [T]) + 'a;

impl<T> Wanted<'_, T> {
    pub(crate) const NOTHING: Self = Self { gradient: false, inputs: false, derivative: None };
    pub(crate) const GRADIENT: Self = Self { gradient: true, inputs: false, derivative: None };
    pub(crate) const INPUTS: Self = Self { gradient: true, inputs: true, derivative: None };
}
