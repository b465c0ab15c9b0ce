//! Which minimum does a batch size lead to? Training in a regime: several trials from starting points of their own.
//!
//! §2.2 of the paper: the small-batch regime has 256 points, the large-batch regime 10 % of the training points, ADAM
//! moves x in both, each is run five times "from different (uniformly distributed random) starting points", and "trained,
//! without any budget or limits, until the loss function ceased to improve". As in the authors' code, both regimes of a
//! pair start from the same points: a start depends on seed and trial alone. So does the order of the points in an epoch.
//!
//! A [`Recipe`] is all that decides a trial's bits; [`Work`](crate::Work) is all that decides its time. A regime is one recipe
//! with several trials; a [`Study`] is any number of regimes, trained in parallel in one call, and a [`Pair`] is the study of
//! two that the paper compares.
//!
//! A loss that is no longer finite ends its trial, and is a value ([`Stop::Diverged`]): the other trials go on. Such a trial is
//! shown and counted, and left out of every average.
//!
//! An epoch draws every point once, in an order of its own, in batches of the size given; the points that remain at its
//! end are a smaller batch, as in Keras.
//!
//! Deviation: the paper does not say when a loss has ceased to improve; [`patience`](Training::patience) is our reading.
//!
//! Deviation: a single point that remains is joined to the batch before it, since with batch normalization a batch of
//! 1 cannot learn: one point minus its own mean is zero.

mod clock;
mod descent;
mod draw;
mod halfway;
mod iterate;
mod plan;
mod recipe;
mod slope;
mod spot;
mod stop;
mod strategy;
mod study;
mod trace;
mod training;
mod trial;
mod trials;
mod watch;

pub use descent::Descent;
pub use iterate::Iterate;
pub use plan::{Growth, Scaled, Scaling};
pub use recipe::{Recipe, WarmStart};
pub(crate) use spot::Spot;
pub use stop::Stop;
pub use strategy::{Ball, Inner, Strategy};
pub(crate) use study::seed_of;
pub use trace::{Epoch, Run};
pub use training::Training;
pub use trials::{Pair, ReadAt, Regime, Role, Study, Trials};
pub(crate) use trials::{check_alike, threshold_of};
