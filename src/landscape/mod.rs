//! What does f look like away from a minimum? Along a path to another one, and over a plane through it.
//!
//! | what | how | result |
//! |---|---|---|
//! | a path between two minima (Figures 3 and 7) | [`Between`] | [`Path`], [`Paths`] |
//! | a plane through a minimum | [`Plane`] | [`Surface`], [`Surfaces`] |

mod between;
mod plane;
mod surface;

pub use between::{Between, Path, PathPoint, Paths, Shape};
pub use plane::Plane;
pub use surface::{Directions, Surface, Surfaces};
