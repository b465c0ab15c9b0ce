//! When is a trial over?

/// Why a trial ended. Not having converged is a fact about the trial, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Stop {
    /// All epochs that were asked for are done.
    Epochs,
    /// The training loss ceased to improve for as many epochs as patience allows.
    CeasedToImprove,
    /// The budget of seconds was used up.
    Budget,
    /// A loss, a weight or a running average was no longer finite. The trial's last row and weights are those before: it is
    /// shown and counted, and left out of every average, chart and verdict.
    Diverged,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stop::Epochs => "epoch limit",
            Stop::CeasedToImprove => "ceased to improve",
            Stop::Budget => "budget",
            Stop::Diverged => "diverged",
        })
    }
}

/// The smallest loss so far, and how long ago it was.
pub(super) struct Patience {
    epochs: Option<usize>,
    best: f64,
    age: usize,
}

impl Patience {
    pub(super) fn new(epochs: Option<usize>, loss: f64) -> Self {
        Self { epochs, best: loss, age: 0 }
    }

    /// Whether this loss would be the smallest so far.
    pub(super) fn is_lowest(&self, loss: f64) -> bool {
        loss < self.best
    }

    /// Takes the loss after one more epoch; whether it is time to stop.
    pub(super) fn is_over(&mut self, loss: f64) -> bool {
        if loss < self.best {
            self.best = loss;
            self.age = 0;
        } else {
            self.age += 1;
        }
        self.epochs.is_some_and(|epochs| self.age >= epochs)
    }
}

crate::display::shown_as_text!(Stop);

#[cfg(test)]
mod tests {
    use super::Patience;

    #[test]
    fn patience_counts_epochs_since_the_best() {
        let mut patience = Patience::new(Some(2), 1.0);
        let over: Vec<bool> = [0.5, 0.6, 0.4, 0.4, 0.41].map(|loss| patience.is_over(loss)).into();
        assert_eq!(over, [false, false, false, false, true]);
        let mut forever = Patience::new(None, 1.0);
        assert!((0..100).all(|_| !forever.is_over(2.0)));
    }
}
