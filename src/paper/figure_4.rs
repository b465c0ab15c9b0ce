//! Figure 4: test accuracy and sharpness against batch size. The paper prints pictures of two nets, and two numbers in its text.

use crate::error::{Error, Result};

/// What the paper says of Figure 4 in words: past which batch size the test accuracy falls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure4 {
    /// The net.
    pub net: &'static str,
    /// The data set.
    pub data: &'static str,
    /// Points in a batch past which it falls, "approximately".
    pub batch: f64,
    /// Epochs of each training.
    pub epochs: usize,
}

/// Figure 4: its caption and the text of §3. There is none for other nets; ε and the batch sizes are not printed.
pub const FIGURE_4: [Figure4; 2] = [
    Figure4 { net: "F2", data: "TIMIT", batch: 15_000.0, epochs: 100 },
    Figure4 { net: "C1", data: "CIFAR-10", batch: 500.0, epochs: 100 },
];

/// What the paper says of a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that is not in Figure 4.
pub fn figure4(net: &str) -> Result<Figure4> {
    let found = FIGURE_4.into_iter().find(|figure| figure.net == net);
    found.ok_or_else(|| Error::parameter("net of Figure 4", net, "be F2 or C1"))
}

impl Figure4 {
    /// In words.
    pub fn text(&self) -> String {
        let (net, data, batch) = (self.net, self.data, crate::display::grouped(self.batch as usize));
        format!("Figure 4, {net} on {data}: test accuracy falls past a batch of about {batch} ({} epochs)", self.epochs)
    }

    /// What a cell shows.
    pub fn evcxr_display(&self) {
        crate::display::text(&self.text());
    }
}
