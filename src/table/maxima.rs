//! Sharpness as frames.

use super::{DataFrame, Row, tidy};
use crate::error::Result;
use crate::sharpness::{Maxima, Maximum};

/// One row for each measured point and measure, and for each search its φ and its evaluations, in the schema above.
///
/// # Errors
/// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
pub fn maxima(maxima: &[Maximum]) -> Result<DataFrame> {
    let mut rows = Vec::new();
    for maximum in maxima {
        let row = |measure, value: f64, search: Option<String>, status: Option<String>| Row {
            net: &maximum.net,
            data: &maximum.data,
            regime: maximum.regime.as_deref(),
            batch: maximum.batch.map(|batch| batch as u64),
            seed: maximum.trial_seed,
            trial: maximum.trial.map(|trial| trial as u64),
            epoch: maximum.epoch.map(|epoch| epoch as u64),
            split: Some(maximum.split.to_string()),
            statistics: maximum.objective.whose().to_string(),
            chunk: maximum.objective.most() as u64,
            measure,
            epsilon: Some(maximum.epsilon),
            value,
            status,
            along: Some(maximum.space.to_string()),
            draw: Some(maximum.draw),
            search,
            ..Row::default()
        };
        rows.push(row("loss", maximum.value, None, None));
        rows.push(row("sharpness", maximum.phi(), None, Some(maximum.status().to_string())));
        for search in &maximum.searches {
            let name = || Some(format!("{} from {}", search.maximizer, search.start));
            rows.push(row("sharpness", search.phi, name(), Some(search.status(maximum).to_string())));
            rows.push(row("evaluations", search.evaluations as f64, name(), None));
        }
        rows.extend(maximum.corner.map(|corner| row("random corner", corner, None, None)));
        rows.push(row("first order", maximum.first_order, None, None));
        rows.extend(maximum.second_order.map(|phi| row("second order", phi, None, None)));
        rows.extend(maximum.points.map(|points| row("points", points as f64, None, None)));
        rows.push(row("seconds", maximum.seconds, None, None));
    }
    tidy(&rows)
}

impl Maximum {
    /// One row for each measure and search, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        maxima(std::slice::from_ref(self))
    }
}

impl Maxima {
    /// One row for each measured point, measure and search, in the schema of [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        maxima(&self.maxima)
    }
}
