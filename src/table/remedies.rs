//! Arms of a comparison as a frame.

use super::{DataFrame, frame, number, text, whole};
use crate::error::Result;
use crate::remedies::{Arm, Remedies};
use crate::spread::Paired;

impl Remedies {
    /// One row for each arm and ε (one where no sharpness was measured). Columns: net, data, arm, role, remedies, batch, trials,
    /// diverged, cut (by a budget of seconds), test, test_deviation, train (accuracies, fractions), train_loss (geometric mean, nats); to_large, to_large_lower,
    /// to_large_upper, to_large_p and the same of to_small (differences of fractions, intervals corrected for the number of arms);
    /// epsilon, sharpness (geometric mean of φ, percent), sharpness_to_large, its _lower and _upper (corrected alike), unreliable; steps, passes,
    /// distance, seconds; noise_trace, noise_square, noise_scale (points).
    ///
    /// # Errors
    /// [`Error::Output`](crate::Error::Output) from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let rows: Vec<(&Arm, Option<usize>)> = self
            .arms
            .iter()
            .flat_map(|arm| {
                let places: Vec<Option<usize>> = match arm.sharpness.len() {
                    0 => vec![None],
                    count => (0..count).map(Some).collect(),
                };
                places.into_iter().map(move |place| (arm, place))
            })
            .collect();
        let arms = || rows.iter().map(|(arm, _)| *arm);
        let sharp = |of: fn(&crate::remedies::ArmSharpness) -> Option<f64>| {
            rows.iter().map(move |(arm, place)| place.and_then(|place| of(&arm.sharpness[place])))
        };
        let paired = |which: fn(&Arm) -> Option<Paired>, of: fn(&Paired) -> f64| {
            arms().map(move |arm| which(arm).map(|it| of(&it)))
        };
        let share = |value: f64| value / 100.0;
        let mut columns = vec![
            text("net", arms().map(|_| Some(&self.net))),
            text("data", arms().map(|_| Some(&self.data))),
            text("arm", arms().map(|arm| Some(&arm.name))),
            text("role", arms().map(|arm| arm.role.map(|role| role.to_string()))),
            text("remedies", arms().map(|arm| Some(&arm.remedies))),
            whole("batch", arms().map(|arm| Some(arm.batch as u64))),
            whole("trials", arms().map(|arm| Some(arm.trials as u64))),
            whole("diverged", arms().map(|arm| Some(arm.diverged as u64))),
            whole("cut", arms().map(|arm| Some(arm.cut as u64))),
            number("test", arms().map(|arm| arm.test().map(|spread| share(spread.mean)))),
            number(
                "test_deviation",
                arms().map(|arm| arm.test().map(|spread| share(spread.deviation)).filter(|value| value.is_finite())),
            ),
            number("train", arms().map(|arm| arm.train.map(|spread| share(spread.mean)))),
            number("train_loss", arms().map(|arm| arm.loss)),
        ];
        type Which = (&'static str, fn(&Arm) -> Option<Paired>);
        let sides: [Which; 2] = [("to_large", |arm| arm.to_large), ("to_small", |arm| arm.to_small)];
        for (name, which) in sides {
            columns.push(number(name, paired(which, |it| it.difference / 100.0)));
            columns.push(number(&format!("{name}_lower"), paired(which, |it| it.lower / 100.0)));
            columns.push(number(&format!("{name}_upper"), paired(which, |it| it.upper / 100.0)));
            columns.push(number(&format!("{name}_p"), paired(which, |it| it.p)));
        }
        columns.extend([
            number("epsilon", sharp(|own| Some(own.epsilon))),
            number("sharpness", sharp(|own| own.geometric())),
            number("sharpness_to_large", sharp(|own| own.to_large.map(|ratio| ratio.geometric))),
            number("sharpness_to_large_lower", sharp(|own| own.to_large.map(|ratio| ratio.lower))),
            number("sharpness_to_large_upper", sharp(|own| own.to_large.map(|ratio| ratio.upper))),
            number("unreliable", sharp(|own| Some(own.doubtful as f64))),
            number("steps", arms().map(|arm| Some(arm.steps))),
            number("passes", arms().map(|arm| Some(arm.passes))),
            number("distance", arms().map(|arm| Some(arm.distance))),
            number("seconds", arms().map(|arm| Some(arm.seconds))),
            number("noise_trace", arms().map(|arm| arm.noise.map(|noise| noise.trace))),
            number("noise_square", arms().map(|arm| arm.noise.map(|noise| noise.square))),
            number("noise_scale", arms().map(|arm| arm.noise.map(|noise| noise.scale()))),
        ]);
        frame(columns)
    }
}
