#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod chart;
pub mod data;
mod display;
mod error;
pub mod net;
mod objective;
mod optim;
pub mod paper;
mod record;
mod scale;
mod seed;
mod spread;
pub mod table;
mod train;
pub mod verdict;
mod weights;

pub use chart::Chart;
pub use data::{Dataset, Split};
pub use display::Block;
pub use error::{Error, Result};
pub use net::{Layer, Net, Passes, zoo};
pub use objective::{Evaluation, Gradient, Objective, Precision, Statistics, Value};
pub use optim::Optimizer;
pub use record::Recorded;
pub use scale::Scale;
pub use seed::Seed;
pub use spread::{Spread, Welch};
pub use table::{DataFrame, show};
pub use train::{Epoch, Pair, Regime, Run, Stop, Training, Trials};
pub use verdict::{Comparison, Outcome, Verdict};
pub use weights::{Layout, Part, Weights};
