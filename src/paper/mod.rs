//! What does the paper print? Its numbers, typed in from it, each with its table; nothing here is computed.
//!
//! Keskar, Mudigere, Nocedal, Smelyanskiy, Tang: *On Large-Batch Training for Deep Learning: Generalization Gap and Sharp
//! Minima*, arXiv 1609.04836, ICLR 2017.

mod figure_3;
mod figure_4;
mod hoffer;
mod tables_6_7;

pub use figure_3::{FIGURE_3, Figure3, figure3};
pub use figure_4::{FIGURE_4, Figure4, figure4};
pub use hoffer::{HOFFER, Hoffer, hoffer};
pub use tables_6_7::{Cell, Mended, TABLE_6, TABLE_7, table6, table7};

use crate::error::{Error, Result};
use crate::spread::Spread;

/// A number as the paper prints it: mean ± standard deviation over five trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Printed {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Printed {
    /// Mean and deviation as those of five trials.
    pub fn spread(&self) -> Spread {
        Spread { mean: self.mean, deviation: self.deviation, count: 5 }
    }

    /// Mean and standard deviation of the logarithm, as if it were log-normal: `s² = ln(1 + (deviation / mean)²)`,
    /// `m = ln mean − s² / 2`, of five trials.
    pub fn logarithm(&self) -> Spread {
        let square = (1.0 + (self.deviation / self.mean).powi(2)).ln();
        Spread { mean: self.mean.ln() - 0.5 * square, deviation: square.sqrt(), ..self.spread() }
    }
}

impl std::fmt::Display for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.mean, self.deviation)
    }
}

/// Whether a data set is that of a row: by its name, be it a copy that went through JPEG, which its name says.
pub(crate) fn is_of(printed: &str, data: &str) -> bool {
    data.strip_suffix(", JPEG copy").unwrap_or(data) == printed
}

/// Training points of a row's data (Table 5; of TIMIT from memory).
pub(crate) fn points_of(data: &str) -> Option<usize> {
    match data {
        "MNIST" => Some(60_000),
        "TIMIT" => Some(721_329),
        "CIFAR-10" | "CIFAR-100" => Some(50_000),
        _ => None,
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

/// Between which numbers ‖x_s − x₀‖₂ / ‖x_ℓ − x₀‖₂ lies, small over large batch, over the paper's nets (§3; read in the submission, a
/// sentence without a table).
pub const DISTANCE_RATIO: [f64; 2] = [3.0, 10.0];

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
/// [`Error::Parameter`] for a net that is not in the table.
///
/// ```
/// assert_eq!(sharp_minima::paper::table2("F1")?.test_small.to_string(), "98.03 ± 0.07");
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn table2(net: &str) -> Result<Table2> {
    let row = TABLE_2.into_iter().find(|row| row.net == net);
    row.ok_or_else(|| Error::parameter("net", net, "be one of F1, F2, C1, C2, C3, C4"))
}

/// A row of Table 3 or 4: sharpness φ in percent, of both regimes, for both ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintedSharpness {
    /// The table, and what A is in it.
    pub table: &'static str,
    /// The net.
    pub net: &'static str,
    /// The data set.
    pub data: &'static str,
    /// ε = 1e-3, small batch.
    pub small: Printed,
    /// ε = 1e-3, large batch.
    pub large: Printed,
    /// ε = 5e-4, small batch.
    pub small_half: Printed,
    /// ε = 5e-4, large batch.
    pub large_half: Printed,
}

impl PrintedSharpness {
    /// Small and large batch for one of the two ε; nothing for another.
    pub fn at(&self, epsilon: f64) -> Option<[Printed; 2]> {
        match epsilon {
            1e-3 => Some([self.small, self.large]),
            5e-4 => Some([self.small_half, self.large_half]),
            _ => None,
        }
    }
}

const fn sharp(
    table: &'static str,
    [net, data]: [&'static str; 2],
    whole: [Printed; 2],
    half: [Printed; 2],
) -> PrintedSharpness {
    let ([small, large], [small_half, large_half]) = (whole, half);
    PrintedSharpness { table, net, data, small, large, small_half, large_half }
}

const FULL: &str = "Table 3, full space";
const SUBSPACE: &str = "Table 4, random subspace of dimension 100";

/// Table 3 whole: sharpness in the full space; read in the submission.
pub const TABLE_3: [PrintedSharpness; 6] = [
    sharp(
        FULL,
        ["F1", "MNIST"],
        [printed(1.23, 0.83), printed(205.14, 69.52)],
        [printed(0.61, 0.27), printed(42.90, 17.14)],
    ),
    sharp(
        FULL,
        ["F2", "TIMIT"],
        [printed(1.39, 0.02), printed(310.64, 38.46)],
        [printed(0.90, 0.05), printed(93.15, 6.81)],
    ),
    sharp(
        FULL,
        ["C1", "CIFAR-10"],
        [printed(28.58, 3.13), printed(707.23, 43.04)],
        [printed(7.08, 0.88), printed(227.31, 23.23)],
    ),
    sharp(
        FULL,
        ["C2", "CIFAR-10"],
        [printed(8.68, 1.32), printed(925.32, 38.29)],
        [printed(2.07, 0.86), printed(175.31, 18.28)],
    ),
    sharp(
        FULL,
        ["C3", "CIFAR-100"],
        [printed(29.85, 5.98), printed(258.75, 8.96)],
        [printed(8.56, 0.99), printed(105.11, 13.22)],
    ),
    sharp(
        FULL,
        ["C4", "CIFAR-100"],
        [printed(12.83, 3.84), printed(421.84, 36.97)],
        [printed(4.07, 0.87), printed(109.35, 16.57)],
    ),
];

/// Table 4 whole: sharpness in a random subspace of dimension 100; read in the submission. The large batch's two numbers of F1
/// hardly depend on ε, which may be a misprint; they are as printed.
#[allow(clippy::approx_constant)] // a 6.28 that is not 2π
pub const TABLE_4: [PrintedSharpness; 6] = [
    sharp(
        SUBSPACE,
        ["F1", "MNIST"],
        [printed(0.11, 0.00), printed(9.22, 0.56)],
        [printed(0.05, 0.00), printed(9.17, 0.14)],
    ),
    sharp(
        SUBSPACE,
        ["F2", "TIMIT"],
        [printed(0.29, 0.02), printed(23.63, 0.54)],
        [printed(0.05, 0.00), printed(6.28, 0.19)],
    ),
    sharp(
        SUBSPACE,
        ["C1", "CIFAR-10"],
        [printed(2.18, 0.23), printed(137.25, 21.60)],
        [printed(0.71, 0.15), printed(29.50, 7.48)],
    ),
    sharp(
        SUBSPACE,
        ["C2", "CIFAR-10"],
        [printed(0.95, 0.34), printed(25.09, 2.61)],
        [printed(0.31, 0.08), printed(5.82, 0.52)],
    ),
    sharp(
        SUBSPACE,
        ["C3", "CIFAR-100"],
        [printed(17.02, 2.20), printed(236.03, 31.26)],
        [printed(4.03, 1.45), printed(86.96, 27.39)],
    ),
    sharp(
        SUBSPACE,
        ["C4", "CIFAR-100"],
        [printed(6.05, 1.13), printed(72.99, 10.96)],
        [printed(1.89, 0.33), printed(19.85, 4.12)],
    ),
];

/// The row of Table 3 for a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that is not in the table.
///
/// ```
/// assert_eq!(sharp_minima::paper::table3("F1")?.large.to_string(), "205.14 ± 69.52");
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn table3(net: &str) -> Result<PrintedSharpness> {
    row_of(&TABLE_3, net)
}

/// The row of Table 4 for a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that is not in the table.
///
/// ```
/// assert_eq!(sharp_minima::paper::table4("C4")?.small_half.to_string(), "1.89 ± 0.33");
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn table4(net: &str) -> Result<PrintedSharpness> {
    row_of(&TABLE_4, net)
}

fn row_of(table: &[PrintedSharpness], net: &str) -> Result<PrintedSharpness> {
    let row = table.iter().find(|row| row.net == net);
    row.copied().ok_or_else(|| Error::parameter("net", net, "be one of F1, F2, C1, C2, C3, C4"))
}

impl PrintedSharpness {
    /// The row, with the ratios of the printed means.
    pub fn block(&self) -> crate::display::Block {
        let rows = [("1e-3", self.small, self.large), ("5e-4", self.small_half, self.large_half)];
        let rows = rows.map(|(epsilon, small, large)| {
            vec![epsilon.into(), small.to_string(), large.to_string(), format!("{:.1}", large.mean / small.mean)]
        });
        let title = format!("The paper's {}: sharpness φ of {} on {}, in %", self.table, self.net, self.data);
        crate::display::Block::table(&title, &["ε", "small batch", "large batch", "ratio of the means"], rows.into())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
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

crate::display::shown_as_text!(Printed);
