//! What happened on the way? One row an epoch.

use super::stop::Stop;

/// A trial after one epoch; epoch 0 is the starting point.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Epochs done.
    pub epoch: usize,
    /// Steps of the optimizer done.
    pub steps: usize,
    /// f on the training split, nats per example.
    #[serde(deserialize_with = "crate::objective::number")]
    pub train_loss: f64,
    /// Fraction of right answers on the training split.
    pub train_accuracy: f64,
    /// f on the test split, nats per example.
    #[serde(deserialize_with = "crate::objective::number")]
    pub test_loss: f64,
    /// Fraction of right answers on the test split.
    pub test_accuracy: f64,
    /// `‖x − x₀‖₂`, the distance from the starting point (§3 compares it between the regimes).
    #[serde(deserialize_with = "crate::objective::number")]
    pub distance: f64,
    /// Seconds since the trial began, evaluations included; the only number here that differs from run to run.
    pub seconds: f64,
    /// Mean of the loss that the [`Strategy`](crate::Strategy) descends over this epoch's batches, each before its step: f at
    /// x + e, say. Nothing where training is plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy_loss: Option<f64>,
    /// Gradient passes over the training points since the trial began, where training is not plain: there an epoch is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes: Option<f64>,
}

impl Epoch {
    /// Gradient passes over the training points since the trial began.
    pub fn gradient_passes(&self) -> f64 {
        self.passes.unwrap_or(self.epoch as f64)
    }

    /// Whether its losses and its distance are numbers.
    pub fn is_finite(&self) -> bool {
        [self.train_loss, self.test_loss, self.distance].into_iter().all(f64::is_finite)
    }
}

/// One trial: its path in numbers, and why it ended. Its last point is in [`Trials::weights`](super::Trials::weights).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Number of the trial, from 0; with the seed it decides the start.
    pub trial: usize,
    /// One row for the start and one for each epoch.
    pub trace: Vec<Epoch>,
    /// Why it ended.
    pub stop: Stop,
}

impl Run {
    /// Whether it stayed finite to its end: a trial that diverged is shown and counted, and left out of every average.
    pub fn is_finite(&self) -> bool {
        self.stop != Stop::Diverged
    }

    /// Why it ended, in words: "epoch limit", "diverged in epoch 3".
    pub fn ended(&self) -> String {
        match (self.stop, self.last()) {
            (Stop::Diverged, last) if !last.is_finite() => "diverged at its start".into(),
            (Stop::Diverged, last) => format!("diverged in epoch {}", last.epoch + 1),
            (stop, _) => stop.to_string(),
        }
    }

    /// The row of the last epoch.
    ///
    /// # Panics
    /// Where somebody emptied the trace, which no call of this crate does.
    pub fn last(&self) -> &Epoch {
        self.trace.last().expect("a trace begins with the row of the start")
    }

    /// The row of the epoch with the lowest training loss; the first of equal ones. A trial that ended because its loss
    /// ceased to improve ends as many epochs after it as patience allows.
    ///
    /// # Panics
    /// As [`last`](Self::last).
    pub fn lowest(&self) -> &Epoch {
        let lower = |a: &&Epoch, b: &&Epoch| a.train_loss.total_cmp(&b.train_loss);
        self.trace.iter().min_by(lower).expect("a trace begins with the row of the start")
    }
}

crate::display::shown_as_text!(Epoch, Run);
