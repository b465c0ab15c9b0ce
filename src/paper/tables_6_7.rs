//! Tables 6 and 7 (Appendices E.1 and E.2): what augmentation and conservative training do to the large batch.
//!
//! Few means could be read in a copy of the paper; the others, and all deviations, are from memory, and [`Mended::block`] marks each of
//! these with "from memory". They are not to be quoted as the paper's without a look at it.

use super::{Printed, printed};
use crate::error::{Error, Result};

/// A cell, and what of it was read in a copy of the paper: all of it, its mean, or nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Mean ± standard deviation.
    pub printed: Printed,
    /// Whether the mean was read; if not, it is from memory.
    pub is_read: bool,
    /// Whether the deviation was.
    pub is_deviation_read: bool,
}

/// A row of Table 6 or 7, percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mended {
    /// The table, and what it is of.
    pub table: &'static str,
    /// What is done to the large batch.
    pub strategy: &'static str,
    /// What is done to the small batch that stands beside it: in Table 6 the same (from memory); in Table 7 nothing.
    pub small_strategy: Option<&'static str>,
    /// The net.
    pub net: &'static str,
    /// The data set.
    pub data: &'static str,
    /// Test accuracy of the small batch.
    pub small: Cell,
    /// Test accuracy of the large batch with the strategy.
    pub large: Cell,
    /// Its sharpness, ε = 1e-3.
    pub sharpness: Cell,
    /// Its sharpness, ε = 5e-4.
    pub sharpness_half: Cell,
}

const fn cell((mean, deviation): (f64, f64), is_read: bool) -> Cell {
    Cell { printed: printed(mean, deviation), is_read, is_deviation_read: false }
}

/// Accuracies of both, and both sharpnesses; which of the accuracies, and whether the first sharpness, was read.
const fn row(
    six: bool,
    [net, data]: [&'static str; 2],
    accuracy: [(f64, f64); 2],
    sharpness: [(f64, f64); 2],
    read: [bool; 3],
) -> Mended {
    let (table, strategy, small_strategy) = match six {
        true => ("Table 6, data augmentation", "augmented", Some("small batch, augmented")),
        false => ("Table 7, conservative training", "conservative", None),
    };
    Mended {
        table,
        strategy,
        small_strategy,
        net,
        data,
        small: cell(accuracy[0], read[0]),
        large: cell(accuracy[1], read[1]),
        sharpness: cell(sharpness[0], read[2]),
        sharpness_half: cell(sharpness[1], false),
    }
}

const CIFAR10: &str = "CIFAR-10";
const CIFAR100: &str = "CIFAR-100";

/// Table 6: horizontal reflections, rotations up to 10°, translations up to a fifth of the image.
pub const TABLE_6: [Mended; 4] = [
    // Of C2's sharpness "468" was read.
    row(true, ["C1", CIFAR10], [(83.63, 0.14), (82.50, 0.67)], [(231.77, 30.50), (45.89, 3.83)], [false; 3]),
    row(true, ["C2", CIFAR10], [(89.82, 0.12), (90.26, 1.15)], [(468.65, 47.86), (105.22, 19.57)], [true, true, false]),
    row(true, ["C3", CIFAR100], [(54.55, 0.44), (53.03, 0.33)], [(103.68, 11.93), (37.67, 3.46)], [false; 3]),
    row(true, ["C4", CIFAR100], [(63.05, 0.50), (65.88, 0.13)], [(271.06, 29.69), (45.31, 5.93)], [true, true, false]),
];

/// Table 7: three steps of ADAM a batch, λ = 1e-3.
pub const TABLE_7: [Mended; 6] = [
    row(false, ["F1", "MNIST"], [(98.03, 0.07), (98.12, 0.01)], [(232.25, 63.81), (46.02, 12.58)], [false; 3]),
    row(
        false,
        ["F2", "TIMIT"],
        [(64.02, 0.20), (61.94, 1.10)],
        [(928.40, 51.63), (190.77, 25.33)],
        [true, true, false],
    ),
    row(false, ["C1", CIFAR10], [(80.04, 0.12), (78.41, 0.22)], [(520.34, 34.91), (171.19, 15.13)], [false; 3]),
    row(false, ["C2", CIFAR10], [(89.24, 0.05), (88.495, 0.63)], [(632.01, 208.01), (108.88, 47.36)], [false; 3]),
    row(
        false,
        ["C3", CIFAR100],
        [(49.58, 0.39), (45.98, 0.54)],
        [(337.92, 33.09), (110.69, 3.88)],
        [true, true, false],
    ),
    row(false, ["C4", CIFAR100], [(63.08, 0.10), (62.51, 0.67)], [(354.94, 20.23), (68.76, 16.29)], [false; 3]),
];

/// The row of Table 6 for a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that is not in the table: it is of convolutional ones.
///
/// ```
/// assert_eq!(sharp_minima::paper::table6("C2")?.large.to_string(), "90.26 ± 1.15 (± from memory)");
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn table6(net: &str) -> Result<Mended> {
    let found = TABLE_6.into_iter().find(|row| row.net == net);
    found.ok_or_else(|| Error::parameter("net", net, "be one of C1, C2, C3, C4"))
}

/// The row of Table 7 for a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that is not in the table.
///
/// ```
/// assert_eq!(sharp_minima::paper::table7("F1")?.large.to_string(), "98.12 ± 0.01 (from memory)");
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn table7(net: &str) -> Result<Mended> {
    let found = TABLE_7.into_iter().find(|row| row.net == net);
    found.ok_or_else(|| Error::parameter("net", net, "be one of F1, F2, C1, C2, C3, C4"))
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match (self.is_read, self.is_deviation_read) {
            (true, true) => "",
            (true, false) => " (± from memory)",
            (false, _) => " (from memory)",
        };
        write!(f, "{}{mark}", self.printed)
    }
}

impl Mended {
    /// The row beside the plain batches of Tables 2 and 3.
    pub fn block(&self) -> crate::display::Block {
        let plain = |of: fn(&super::Table2) -> Printed| {
            super::table2(self.net).map_or("–".into(), |row| of(&row).to_string())
        };
        let sharp = super::table3(self.net).ok();
        let sharp =
            |of: fn(&super::PrintedSharpness) -> Printed| sharp.map_or("–".into(), |row| of(&row).to_string());
        let row = |name: &str, cells: [String; 3]| std::iter::once(name.into()).chain(cells).collect();
        let rows = vec![
            row(
                "plain small batch (Tables 2, 3)",
                [plain(|row| row.test_small), sharp(|row| row.small), sharp(|row| row.small_half)],
            ),
            row(
                "plain large batch (Tables 2, 3)",
                [plain(|row| row.test_large), sharp(|row| row.large), sharp(|row| row.large_half)],
            ),
            row(
                self.small_strategy.unwrap_or("small batch of this table"),
                [self.small.to_string(), "–".into(), "–".into()],
            ),
            row(
                &format!("large batch, {}", self.strategy),
                [self.large, self.sharpness, self.sharpness_half].map(|cell| cell.to_string()),
            ),
        ];
        let title = format!("The paper's {}: {} on {}, in %", self.table, self.net, self.data);
        crate::display::Block::table(&title, &["", "test accuracy", "φ, ε = 1e-3", "φ, ε = 5e-4"], rows)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

crate::display::shown_as_text!(Cell);
