//! What Hoffer, Hubara and Soudry (2017, *Train longer, generalize better*, arXiv 1705.08741) print for the paper's own nets.

use crate::display::Block;
use crate::error::{Error, Result};

/// A row of their table: validation accuracy in percent, read in the authors' poster at NIPS 2017; no deviations are printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hoffer {
    /// The net, as the paper names it.
    pub net: &'static str,
    /// The data set.
    pub data: &'static str,
    /// The small batch.
    pub small: f64,
    /// The large batch.
    pub large: f64,
    /// The large batch with a learning rate scaled by the root of the batch.
    pub rate: f64,
    /// That with ghost batches too.
    pub ghosts: f64,
    /// With the rate and as many steps as the small batch ("regime adaptation"), by the published scripts without ghosts.
    pub adapted: f64,
}

/// The three of the paper's nets that they trained.
pub const HOFFER: [Hoffer; 3] = [
    Hoffer { net: "F1", data: "MNIST", small: 98.27, large: 97.05, rate: 97.55, ghosts: 97.60, adapted: 98.53 },
    Hoffer { net: "C1", data: "CIFAR-10", small: 87.80, large: 83.95, rate: 86.15, ghosts: 86.4, adapted: 88.20 },
    Hoffer { net: "C3", data: "CIFAR-100", small: 61.25, large: 51.50, rate: 57.38, ghosts: 57.5, adapted: 63.20 },
];

/// The row for a net.
///
/// # Errors
/// [`Error::Parameter`] for a net that they did not train.
///
/// ```
/// assert_eq!(sharp_minima::paper::hoffer("F1")?.adapted, 98.53);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn hoffer(net: &str) -> Result<Hoffer> {
    let found = HOFFER.into_iter().find(|row| row.net == net);
    found.ok_or_else(|| Error::parameter("net of Hoffer et al.", net, "be F1, C1 or C3"))
}

impl Hoffer {
    /// Their five arms, and their validation accuracies.
    fn arms(&self) -> [(&'static str, f64); 5] {
        [
            ("small batch", self.small),
            ("large batch", self.large),
            ("learning rate × √κ", self.rate),
            ("learning rate × √κ, ghosts", self.ghosts),
            ("learning rate × √κ, equal steps", self.adapted),
        ]
    }

    /// The row, each arm with its difference to the large batch.
    pub fn block(&self) -> Block {
        self.beside(&[])
    }

    /// The row beside accuracies of our own, each a name and the test accuracies in percent of the same five arms (small, large,
    /// rate × √κ, that with ghosts, that with as many steps as the small batch); nothing where an arm was not run. Their differences, too,
    /// are to the large batch. What is not finite is shown as what was not run.
    ///
    /// ```
    /// use sharp_minima::paper;
    /// let ours = [Some(98.0), Some(97.0), None, None, Some(98.5)];
    /// let table = paper::hoffer("F1")?.beside(&[("ours", ours)]);
    /// assert!(table.text.contains("98.50 (+1.50)"));
    /// # Ok::<(), sharp_minima::Error>(())
    /// ```
    pub fn beside(&self, ours: &[(&str, [Option<f64>; 5])]) -> Block {
        let said =
            |tests: &[Option<f64>; 5], place: usize| match (tests[place], tests[1].filter(|test| test.is_finite())) {
                (Some(test), Some(large)) if test.is_finite() && place != 1 => {
                    format!("{test:.2} ({:+.2})", test - large)
                }
                (Some(test), _) if test.is_finite() => format!("{test:.2}"),
                _ => "–".into(),
            };
        let theirs = self.arms().map(|(_, test)| Some(test));
        let rows = self.arms().into_iter().enumerate().map(|(place, (arm, _))| {
            let own = ours.iter().map(|(_, tests)| said(tests, place));
            [arm.into(), said(&theirs, place)].into_iter().chain(own).collect()
        });
        let columns: Vec<&str> = ["", "validation %"].into_iter().chain(ours.iter().map(|(name, _)| *name)).collect();
        let title = format!(
            "Hoffer, Hubara and Soudry 2017: {} on {}, by SGD, augmented (in brackets: against the large batch, points)",
            self.net, self.data
        );
        Block::table(&title, &columns, rows.collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}
