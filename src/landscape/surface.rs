//! What was found over planes.

use crate::data::Which;
use crate::display::{Block, missing, significant, total};
use crate::error::{Error, Result};
use crate::objective::{Objective, Value};
use crate::spread::Ratio;
use crate::train::{Regime, Role};

/// What spans a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Directions {
    /// Two random directions, filter-normalized.
    Filters {
        /// Where they were drawn from.
        seed: u64,
    },
    /// Two that were given.
    Given,
}

/// "filter-normalized random directions", "given directions".
impl std::fmt::Display for Directions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Directions::Filters { .. } => "filter-normalized random directions",
            Directions::Given => "given directions",
        })
    }
}

/// f over a plane through one point.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// Name of the regime that led to x, where x is a trial's.
    #[serde(deserialize_with = "Option::deserialize")]
    pub regime: Option<String>,
    /// Which side of a pair that is, if of one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub role: Option<Role>,
    /// Points in its batch.
    #[serde(deserialize_with = "Option::deserialize")]
    pub batch: Option<usize>,
    /// The trial's number.
    #[serde(deserialize_with = "Option::deserialize")]
    pub trial: Option<usize>,
    /// The epoch after which x is read; none for the last one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub epoch: Option<usize>,
    /// Whose points f is over.
    pub split: Which,
    /// How f was evaluated.
    pub objective: Objective,
    /// What spans the plane.
    pub directions: Directions,
    /// `‖d₁‖` and `‖d₂‖`: how far a step of 1 moves x.
    pub lengths: [f64; 2],
    /// a and b of the grid, ascending; the middle one is 0.
    pub places: Vec<f64>,
    /// f and accuracy at `x + a d₁ + b d₂`: a row for each b, in it a value for each a.
    pub values: Vec<Vec<Value>>,
    /// How long it took, all rows together.
    pub seconds: f64,
}

/// f over planes through many points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surfaces {
    /// The surfaces.
    pub surfaces: Vec<Surface>,
    /// How many are missing, because the budget of seconds was used up before all their rows were done.
    pub unmeasured: usize,
    /// How many were left out, because their trials diverged.
    pub diverged: usize,
}

impl Surface {
    /// Whether there is a row for each place, a value for each place in it, and a middle with two neighbors: a record may say
    /// otherwise.
    pub(crate) fn is_whole(&self) -> bool {
        let count = self.places.len();
        count > 2 && count % 2 == 1 && self.values.len() == count && self.values.iter().all(|row| row.len() == count)
    }

    /// f and accuracy at x, in the middle of the grid.
    pub fn origin(&self) -> Value {
        let middle = self.places.len() / 2;
        self.values[middle][middle]
    }

    /// The grid point with the lowest f: a, b, and f there.
    pub fn lowest(&self) -> (f64, f64, f64) {
        let rows = self.values.iter().zip(&self.places);
        let all = rows.flat_map(|(row, &b)| row.iter().zip(&self.places).map(move |(value, &a)| (a, b, value.loss)));
        let none = (0.0, 0.0, self.origin().loss);
        all.fold(none, |lowest, point| if point.2 < lowest.2 { point } else { lowest })
    }

    /// The fraction of the grid points whose f is at most so much above that of x, nats: how wide the valley is, as far as this
    /// plane shows it.
    pub fn within(&self, rise: f64) -> f64 {
        let level = self.origin().loss + rise;
        let below = self.values.iter().flatten().filter(|value| value.loss <= level).count();
        below as f64 / (self.places.len() * self.places.len()) as f64
    }

    /// How much higher f is at the edge of the grid than at x, nats: the mean after the longest steps along ±d₁ and ±d₂.
    pub fn rise(&self) -> f64 {
        let (middle, last) = (self.places.len() / 2, self.places.len() - 1);
        let ends = [(middle, 0), (middle, last), (0, middle), (last, middle)];
        ends.iter().map(|&(b, a)| self.values[b][a].loss).sum::<f64>() / 4.0 - self.origin().loss
    }

    /// Second derivatives of f along both directions, divided by their squared lengths, from the three middle points of each: the
    /// curvature at the distance of a grid step, which is that at x where the step is small and no kink lies between.
    pub fn curvatures(&self) -> [f64; 2] {
        let middle = self.places.len() / 2;
        let step = self.places[middle + 1];
        let at = |i: usize, j: usize| self.values[j][i].loss;
        let second =
            |below: f64, above: f64, length: f64| (above - 2.0 * at(middle, middle) + below) / (step * length).powi(2);
        [
            second(at(middle - 1, middle), at(middle + 1, middle), self.lengths[0]),
            second(at(middle, middle - 1), at(middle, middle + 1), self.lengths[1]),
        ]
    }

    /// The same under a name, which tables and charts show where they show a regime's: of a point that was loaded, say.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { regime: Some(name.into()), ..self }
    }

    /// Whose it is: "small, trial 1, epoch 3"; nothing where it belongs to no trial.
    pub fn name(&self) -> String {
        let regime = self.regime.iter().cloned();
        let trial = self.trial.iter().map(|trial| format!("trial {trial}"));
        regime.chain(trial).chain(self.epoch.map(|epoch| format!("epoch {epoch}"))).collect::<Vec<_>>().join(", ")
    }

    /// What it is of: "f of F1 on digits, train split, over filter-normalized random directions".
    pub(crate) fn subject(&self) -> String {
        format!("f of {} on {}, {} split, over {}", self.net, self.data, self.split, self.directions)
    }

    pub(super) fn of_trial(self, regime: &Regime, trial: usize, epoch: Option<usize>) -> Self {
        Self {
            regime: Some(regime.name.clone()),
            role: regime.role,
            batch: Some(regime.recipe.batch),
            trial: Some(trial),
            epoch,
            ..self
        }
    }

    /// What it looks like, in a row; see [`Surfaces::block`].
    pub fn block(&self) -> Block {
        Surfaces::from(vec![self.clone()]).block()
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// Surfaces of which none is missing.
impl From<Vec<Surface>> for Surfaces {
    fn from(surfaces: Vec<Surface>) -> Self {
        Self { surfaces, ..Self::default() }
    }
}

impl Surfaces {
    /// Several as one, for a table or a chart of them all.
    pub fn joined(several: &[Surfaces]) -> Self {
        Self {
            surfaces: several.iter().flat_map(|surfaces| surfaces.surfaces.clone()).collect(),
            unmeasured: total(several.iter().map(|surfaces| surfaces.unmeasured)),
            diverged: total(several.iter().map(|surfaces| surfaces.diverged)),
        }
    }

    /// The [rise](Surface::rise) around the large batch's points over that around the small batch's, of the geometric means over the
    /// trials of both.
    ///
    /// # Errors
    /// [`Error::Data`] where surfaces differ in net, data, split, passes, directions or places, or where a trial has two; as [`Ratio::of`], where a side has no
    /// surface, and where f does not rise.
    pub fn rises(&self) -> Result<Ratio> {
        let same = |own: &Surface, other: &Surface| {
            own.subject() == other.subject() && own.places == other.places && own.objective == other.objective
        };
        if let Some(pair) = self.surfaces.windows(2).find(|pair| !same(&pair[0], &pair[1])) {
            let reason = format!(
                "surfaces that are compared must be alike, but {} is not as {}",
                pair[1].name(),
                pair[0].name()
            );
            return Err(Error::Data(reason));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(own) = self.surfaces.iter().find(|own| own.trial.is_some() && !seen.insert((own.role, own.trial))) {
            return Err(Error::Data(format!("there are two surfaces of {}", own.name())));
        }
        let all =
            |role| self.surfaces.iter().filter(|own| own.role == Some(role)).map(Surface::rise).collect::<Vec<_>>();
        Ratio::of(&all(Role::Large), &all(Role::Small))
    }

    /// A row for each: f at x, the lowest f of the grid and where, which share of the plane lies at most 0.1 and 1 nat above f(x),
    /// and how far a step of 1 moves x.
    pub fn block(&self) -> Block {
        let rows = self.surfaces.iter().map(|own| {
            let (a, b, lowest) = own.lowest();
            let share = |rise: f64| format!("{:.1}", 100.0 * own.within(rise));
            let most = own.values.iter().flatten().map(|value| value.loss).fold(f64::NEG_INFINITY, f64::max);
            vec![
                own.name(),
                significant(own.origin().loss),
                significant(lowest),
                format!("{a:.3}, {b:.3}"),
                significant(most),
                share(0.1),
                share(1.0),
                significant(own.lengths[0]),
                significant(own.lengths[1]),
            ]
        });
        let subject = self.surfaces.first().map_or("No surfaces".into(), |first| {
            let reach = first.places.last().copied().unwrap_or(f64::NAN);
            format!("{}, {} points per side, from −{reach} to {reach}", first.subject(), first.places.len())
        });
        let head =
            ["", "f(x), nats", "lowest", "at a, b", "highest", "within 0.1 nat, %", "within 1 nat, %", "‖d₁‖", "‖d₂‖"];
        Block::table(&format!("{subject}{}", missing(self.unmeasured, self.diverged)), &head, rows.collect())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

crate::display::shown_as_text!(Directions);
