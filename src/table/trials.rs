//! Trainings as frames and tables.

use super::{DataFrame, Row, frame, number, text, tidy, whole};
use crate::display::{Block, significant};
use crate::error::Result;
use crate::spread::Spread;
use crate::train::{Epoch, Pair, Regime, Run, Stop, Study, Trials, seed_of};

/// The measures of a row: split, name, number.
type Measure = (Option<&'static str>, &'static str, fn(&Epoch) -> f64);

const MEASURES: [Measure; 7] = [
    (Some("train"), "loss", |row| row.train_loss),
    (Some("train"), "accuracy", |row| row.train_accuracy),
    (Some("test"), "loss", |row| row.test_loss),
    (Some("test"), "accuracy", |row| row.test_accuracy),
    (None, "distance", |row| row.distance),
    (None, "steps", |row| row.steps as f64),
    (None, "seconds", |row| row.seconds),
];

/// The same of a number that only a row of a strategy has.
type OfStrategy = (&'static str, fn(&Epoch) -> Option<f64>);

const OF_STRATEGIES: [OfStrategy; 2] = [("strategy loss", |row| row.strategy_loss), ("passes", |row| row.passes)];

/// One row for each regime, trial, epoch and measure, in the schema above.
///
/// # Errors
/// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
pub fn regimes(regimes: &[&Regime]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for regime in regimes {
        for run in &regime.runs {
            for row in &run.trace {
                let status = if row.epoch == run.last().epoch { run.stop.to_string() } else { "running".into() };
                let plain = MEASURES.iter().map(|(split, measure, value)| (*split, *measure, value(row)));
                let others = OF_STRATEGIES.iter().filter_map(|(measure, value)| Some((None, *measure, value(row)?)));
                rows.extend(plain.chain(others).map(|(split, measure, value)| Row {
                    net: &regime.net,
                    data: &regime.data,
                    regime: Some(&regime.name),
                    batch: Some(regime.recipe.batch as u64),
                    seed: Some(seed_of(&regime.recipe)),
                    trial: Some(run.trial as u64),
                    epoch: Some(row.epoch as u64),
                    split: split.map(str::to_string),
                    statistics: regime.recipe.objective.whose().to_string(),
                    chunk: regime.recipe.objective.most() as u64,
                    measure,
                    value,
                    status: Some(status.clone()),
                    ..Row::default()
                }));
            }
        }
    }
    tidy(&rows)
}

/// Mean and standard deviation over the trials after the last epoch of each: one row for each regime and measure. Trials that
/// diverged are counted beside, and not averaged; where all did, there is no mean.
/// Columns: net, data, regime, batch, seed, trials, diverged, split, statistics, measure, mean, deviation.
///
/// # Errors
/// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
pub fn summary(regimes: &[&Regime]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for regime in regimes.iter().filter(|regime| !regime.runs.is_empty()) {
        for (split, measure, value) in MEASURES {
            let values: Vec<f64> = regime.finite().map(|run| value(run.last())).collect();
            rows.push((*regime, split, measure, Spread::of(&values).ok()));
        }
    }
    frame(vec![
        text("net", rows.iter().map(|row| Some(row.0.net.as_str()))),
        text("data", rows.iter().map(|row| Some(row.0.data.as_str()))),
        text("regime", rows.iter().map(|row| Some(row.0.name.as_str()))),
        whole("batch", rows.iter().map(|row| Some(row.0.recipe.batch as u64))),
        whole("seed", rows.iter().map(|row| Some(seed_of(&row.0.recipe)))),
        whole("trials", rows.iter().map(|row| row.3.map_or(Some(0), |spread| Some(spread.count as u64)))),
        whole("diverged", rows.iter().map(|row| Some(row.0.diverged() as u64))),
        text("split", rows.iter().map(|row| row.1)),
        text("statistics", rows.iter().map(|row| Some(row.0.recipe.objective.whose().to_string()))),
        text("measure", rows.iter().map(|row| Some(row.2))),
        number("mean", rows.iter().map(|row| row.3.map(|spread| spread.mean))),
        number(
            "deviation",
            rows.iter().map(|row| row.3.map(|spread| spread.deviation).filter(|value| value.is_finite())),
        ),
    ])
}

/// What every kind of result that holds regimes can show.
macro_rules! shows_regimes {
    ($($name:ty: |$own:ident| $regimes:expr),* $(,)?) => {$(
        impl $name {
            /// One row for each regime, trial, epoch, split and measure, in the schema of [`crate::table`].
            ///
            /// # Errors
            /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
            pub fn frame(&self) -> Result<DataFrame> {
                let $own = self;
                regimes($regimes)
            }

            /// Mean and standard deviation over the trials after the last epoch of each; see [`summary`].
            ///
            /// # Errors
            /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
            pub fn summary(&self) -> Result<DataFrame> {
                let $own = self;
                summary($regimes)
            }

            /// One row a trial, and mean ± standard deviation of each regime.
            pub fn block(&self) -> Block {
                let $own = self;
                trials($regimes)
            }

            /// What a cell shows: the [block](Self::block).
            pub fn evcxr_display(&self) {
                self.block().evcxr_display();
            }
        }
    )*};
}

shows_regimes! {
    Regime: |own| &[own],
    Trials: |own| &[&own.regime],
    Pair: |own| &own.regimes(),
    Study: |own| &own.regimes(),
}

/// One row a trial, and mean ± standard deviation of each regime: what a cell shows of trials.
pub(crate) fn trials(regimes: &[&Regime]) -> Block {
    let mut rows = Vec::new();
    let all: usize = regimes.iter().map(|regime| regime.runs.len()).sum();
    for regime in regimes {
        let percent = |value: f64| format!("{:.2}", 100.0 * value);
        // Of very many trials their means say more.
        let listed: &[Run] = if all > LISTED && regime.runs.len() > 1 { &[] } else { &regime.runs };
        for run in listed {
            let last = run.last();
            rows.push(vec![
                regime.name.clone(),
                regime.recipe.batch.to_string(),
                run.trial.to_string(),
                last.epoch.to_string(),
                significant(last.train_loss),
                percent(last.train_accuracy),
                percent(last.test_accuracy),
                format!("{:.2}", last.distance),
                run.ended(),
            ]);
        }
        let mean = |value: fn(&Epoch) -> f64, decimals| {
            let values: Vec<f64> = regime.finite().map(|run| value(run.last())).collect();
            Spread::of(&values).map_or(String::new(), |spread| spread.text(decimals))
        };
        if regime.finite().count() > 1 {
            rows.push(vec![
                regime.name.clone(),
                regime.recipe.batch.to_string(),
                match (regime.diverged(), listed.is_empty()) {
                    (0, false) => "mean ± std".into(),
                    (0, true) => format!("mean ± std of {}", regime.runs.len()),
                    (diverged, _) => format!("mean ± std of {}, {diverged} diverged", regime.finite().count()),
                },
                if listed.is_empty() { mean(|row| row.epoch as f64, 1) } else { String::new() },
                mean(|row| row.train_loss, 5),
                mean(|row| 100.0 * row.train_accuracy, 2),
                mean(|row| 100.0 * row.test_accuracy, 2),
                mean(|row| row.distance, 2),
                if listed.is_empty() { ends(regime) } else { String::new() },
            ]);
        }
    }
    let title = match regimes {
        [first, ..] => format!("{} on {}: {}", first.net, first.data, optimizers(regimes)),
        [] => "no trials".into(),
    };
    let columns =
        ["regime", "batch", "trial", "epochs", "training loss", "training %", "test %", "‖x − x₀‖", "ended by"];
    Block::table(&title, &columns, rows)
}

/// Most trials, of all regimes together, that are listed one by one.
const LISTED: usize = 24;

/// Why trials ended, each reason with its count: "38 × ceased to improve, 2 × epoch limit".
fn ends(regime: &Regime) -> String {
    let mut counts: Vec<(Stop, usize)> = Vec::new();
    for run in &regime.runs {
        match counts.iter_mut().find(|(stop, _)| *stop == run.stop) {
            Some((_, count)) => *count += 1,
            None => counts.push((run.stop, 1)),
        }
    }
    counts.iter().map(|(stop, count)| format!("{count} × {stop}")).collect::<Vec<_>>().join(", ")
}

/// The rules by which regimes moved, each once.
fn optimizers(regimes: &[&Regime]) -> String {
    let mut said: Vec<String> = Vec::new();
    for regime in regimes {
        let rule = regime.recipe.optimizer.to_string();
        if !said.contains(&rule) {
            said.push(rule);
        }
    }
    said.join("; ")
}
