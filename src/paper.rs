//! What does the paper print? Its numbers, typed in from it, each with its table; nothing here is computed.
//!
//! Keskar, Mudigere, Nocedal, Smelyanskiy, Tang: *On Large-Batch Training for Deep Learning: Generalization Gap and Sharp
//! Minima*, arXiv 1609.04836, ICLR 2017.

use crate::error::{Error, Result};

/// A number as the paper prints it: mean ± standard deviation over five trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Printed {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl std::fmt::Display for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.mean, self.deviation)
    }
}

/// A row of Table 2: accuracy in percent, "performance of small-batch (SB) and large-batch (LB) variants of ADAM".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Table2 {
    /// The net.
    pub net: &'static str,
    /// The data set.
    pub data: &'static str,
    /// Training accuracy of the small batch, percent.
    pub train_small: Printed,
    /// Training accuracy of the large batch, percent.
    pub train_large: Printed,
    /// Test accuracy of the small batch, percent.
    pub test_small: Printed,
    /// Test accuracy of the large batch, percent.
    pub test_large: Printed,
}

const fn printed(mean: f64, deviation: f64) -> Printed {
    Printed { mean, deviation }
}

const fn row(net: &'static str, data: &'static str, train: [Printed; 2], test: [Printed; 2]) -> Table2 {
    let ([train_small, train_large], [test_small, test_large]) = (train, test);
    Table2 { net, data, train_small, train_large, test_small, test_large }
}

/// Table 2 whole; read in the submission and in the camera-ready text, which agree.
pub const TABLE_2: [Table2; 6] = [
    row("F1", "MNIST", [printed(99.66, 0.05), printed(99.92, 0.01)], [printed(98.03, 0.07), printed(97.81, 0.07)]),
    row("F2", "TIMIT", [printed(99.99, 0.03), printed(98.35, 2.08)], [printed(64.02, 0.20), printed(59.45, 1.05)]),
    row("C1", "CIFAR-10", [printed(99.89, 0.02), printed(99.66, 0.20)], [printed(80.04, 0.12), printed(77.26, 0.42)]),
    row("C2", "CIFAR-10", [printed(99.99, 0.04), printed(99.99, 0.01)], [printed(89.24, 0.12), printed(87.26, 0.07)]),
    row("C3", "CIFAR-100", [printed(99.56, 0.44), printed(99.88, 0.30)], [printed(49.58, 0.39), printed(46.45, 0.43)]),
    row("C4", "CIFAR-100", [printed(99.10, 1.23), printed(99.57, 1.84)], [printed(63.08, 0.50), printed(57.81, 0.17)]),
];

/// The row of Table 2 for a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that the table has not.
///
/// ```
/// assert_eq!(sharp_minima::paper::table2("F1")?.test_small.to_string(), "98.03 ± 0.07");
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn table2(net: &str) -> Result<Table2> {
    let row = TABLE_2.into_iter().find(|row| row.net == net);
    row.ok_or_else(|| Error::parameter("net", net, "be one of F1, F2, C1, C2, C3, C4"))
}

impl Table2 {
    /// The row, with the gap between the printed means.
    pub fn block(&self) -> crate::display::Block {
        let rows =
            [("small batch", self.train_small, self.test_small), ("large batch", self.train_large, self.test_large)];
        let rows = rows.map(|(regime, train, test)| vec![regime.into(), train.to_string(), test.to_string()]);
        let title = format!("The paper's Table 2: {} on {}, accuracy in %", self.net, self.data);
        crate::display::Block::table(&title, &["", "training", "test"], rows.into())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}
