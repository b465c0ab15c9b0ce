//! How does one batch move x? Plainly, or by one of the ways that try to mend the large batch (§4 and Appendix E of the paper).
//!
//! A strategy decides along which vector h the [`Optimizer`](crate::Optimizer) moves x; plain training has `h = ∇f_B(x)`. A file
//! has one kind of strategy, with its formula. What holds for all of them:
//!
//! - Switched off (ρ = 0, ε = 0, …) a strategy is plain training, to the bit: the further passes are not made at all.
//! - It draws from a random stream of its own: switching it on moves no start, no order of the points and no mask of dropout.
//! - The passes of a step over the same points use the same mask of dropout. Running averages move once, by the first pass.
//! - x is put back from a copy: `(x + e) − e` is not x in f32.
//! - A trace shows f itself, at x, of the points as they are; the strategy's own loss is a column beside it
//!   ([`Epoch::strategy_loss`](crate::Epoch::strategy_loss)), and so is the number of passes that it took.
//! - *Parts* of a batch are runs of its points, in the order in which they were drawn; the rest is a smaller part, and a single
//!   point that is left joins the part before it. A part of m points has the weight m/|B|.

mod adversarial;
mod choice;
mod conservative;
mod noise;
mod penalty;
mod robust;
mod stability;
mod step;

pub use choice::{Ball, Inner, Strategy};
