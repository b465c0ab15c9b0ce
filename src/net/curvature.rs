//! Which matrix of second derivatives?

/// A symmetric matrix, n × n for n weights, that vectors are multiplied by; it is never written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Curvature {
    /// The Hessian `H = ∇²f(x)`. Where a ReLU or a maximum has a kink, that of the piece that x lies in.
    #[default]
    Hessian,
    /// The Gauss–Newton matrix `G = Jᵀ H_z J`, J the derivative of the outputs z and H_z the second derivative of the loss by
    /// them: H without the curvature of the net itself. It has no negative eigenvalue (Schraudolph 2002).
    GaussNewton,
}

impl std::fmt::Display for Curvature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Curvature::Hessian => "Hessian",
            Curvature::GaussNewton => "Gauss–Newton",
        })
    }
}

crate::display::shown_as_text!(Curvature);
