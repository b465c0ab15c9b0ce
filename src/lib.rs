#![doc = include_str!("../README.md")]
//! # Modules, in reading order
//!
//! | the paper asks | module |
//! |---|---|
//! | on which points? (Table 5) | [`data`]: [`Dataset`], [`Split`] |
//! | which network? (Table 1, Appendix B) | [`net`]: [`Net`], [`Layer`], [`zoo`], on a [`Device`] |
//! | where is it? x ∈ ℝⁿ | [`Weights`], [`Layout`]; where it starts: [`Seed`] |
//! | how good is it there? f(x) (eq. 1) | [`Objective`]: [`Value`], [`Gradient`], [`Statistics`] |
//! | where does it go? (§2.2) | [`Training`]: a [`Recipe`] with an [`Optimizer`], step by step in a [`Descent`] → [`Trials`], [`Pair`], [`Study`]: [`Regime`], [`Run`], [`Epoch`], [`Stop`]; points on its way: [`Iterate`], from which others start: [`WarmStart`] |
//! | can the large batch be mended? (§4, Appendix E) | [`Strategy`], [`Augment`], [`Training::ghost`], [`Scaling`], [`Growth`], [`Training::average`] |
//! | which of them does mend it? | [`Remedies`]: [`Arm`] |
//! | in how much time, on how many threads, kept where? | [`Work`] |
//! | what is around it? Metric 2.1 (Tables 3, 4), Figures 3, 7 | [`sharpness`]: [`Sharpness`] → [`Maximum`], [`Maxima`]; [`landscape`]: [`Between`] → [`Path`], [`Paths`]; [`Plane`] → [`Surface`], [`Surfaces`] |
//! | is that a matter of the function, or of its coordinates? | [`Net::reparametrized`] |
//! | what does the paper print? | [`paper`] |
//! | does the large batch only need a better start? (Figure 5) | [`warm_starts`]: [`WarmStarts`] |
//! | what becomes of it along a run? (Figure 6) | [`way_down`]: [`WayDown`] |
//! | how far does it go? (§3) | [`distances`]: [`Distances`], [`Law`] |
//! | when does the large batch pay? (Appendix C) | [`break_even`]: [`BreakEven`], [`Reach`] |
//! | are there many large positive eigenvalues? (§2) | [`spectrum`]: [`Spectrum`] → [`Eigenvalues`], [`Spectra`], [`Explained`]; products: [`Objective::hessian_at`] |
//! | how noisy are gradients there? | [`noise`]: [`GradientNoise`] → [`NoiseScale`] |
//! | past which batch size does accuracy fall? (Figure 4) | [`threshold`]: [`Threshold`]; [`Trend`] |
//! | does the claim hold here? | [`verdict`]: [`Comparison`], [`Verdict`], [`Effect`], [`Outcome`]; [`Spread`], [`Welch`], [`Ratio`] |
//! | what was found before? | [`Recorded`] |
//! | how is it shown? | [`table`] ([`DataFrame`]), [`mod@chart`] ([`Chart`]), [`Block`] |
//! | what do all of them use? | `error`, `display`, `file`, `kept`, `parallel`, `memory`, `wide`, [`Seed`], [`Scale`] |
//!
//! A result's block, the table that a cell shows, stands with its result; frames stand in [`table`], pictures in
//! [`chart`](mod@chart).
//!
//! Everything that a call returns is a plain owned value, so that cells of a notebook can share it: a cell is a library of
//! its own, with its own copy of all that is global, and tensors kept from one cell to the next would go wrong unseen.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::panic))]

pub mod break_even;
pub mod chart;
pub mod data;
mod display;
pub mod distances;
mod error;
mod file;
mod kept;
pub mod landscape;
mod memory;
pub mod net;
pub mod noise;
mod objective;
mod optim;
pub mod paper;
mod parallel;
mod record;
mod remedies;
mod scale;
mod seed;
pub mod sharpness;
pub mod spectrum;
mod spread;
pub mod table;
pub mod threshold;
mod train;
pub mod verdict;
pub mod warm_starts;
pub mod way_down;
mod weights;
mod wide;
mod work;

pub use break_even::{BreakEven, BreakPoint, Reach};
pub use chart::Chart;
pub use data::{Augment, Dataset, Split};
pub use display::Block;
pub use distances::{DistanceRun, Distances, Law};
pub use error::{Error, Result};
pub use landscape::{Between, Path, PathPoint, Paths, Plane, Surface, Surfaces};
pub use net::{Curvature, Device, Layer, Net, Passes, zoo};
pub use noise::{GradientNoise, NoiseScale};
pub use objective::{Evaluation, Gradient, Objective, Precision, Statistics, Value};
pub use optim::{Optimizer, OptimizerState};
pub use record::Recorded;
pub use remedies::{Arm, ArmNoise, ArmSharpness, Remedies};
pub use scale::Scale;
pub use seed::Seed;
pub use sharpness::{Maxima, Maximizer, Maximum, Reading, Sharpness, Space};
pub use spectrum::{Eigenvalue, Eigenvalues, Eigenvector, Estimate, Explained, Leading, Probe, Spectra, Spectrum};
pub use spread::{Paired, Ranks, Ratio, Spread, Trend, Welch, holm};
pub use table::{DataFrame, polars, save_csv, show};
pub use threshold::Threshold;
pub use train::{
    Ball, Descent, Epoch, Growth, Inner, Iterate, Pair, ReadAt, Recipe, Regime, Role, Run, Scaled, Scaling, Stop,
    Strategy, Study, Training, Trials, WarmStart,
};
pub use verdict::{Comparison, Effect, Outcome, Verdict};
pub use warm_starts::{Beside, WarmPoint, WarmStarts};
pub use way_down::{WayDown, WayPoint};
pub use weights::{Layout, Part, Weights};
pub use work::Work;
