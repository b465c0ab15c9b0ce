//! Can the large batch be mended? Arms of a study, each a way to train, set beside the plain large and the plain small batch.

use crate::data::Which;
use crate::display::{Block, counted, probability, significant};
use crate::error::{Error, Result};
use crate::noise::NoiseScale;
use crate::sharpness::{Maxima, Maximum, Reading, Space, check_each_once, check_one_box};
use crate::spread::{Paired, Ranks, Ratio, Spread, geometric_mean, holm};
use crate::train::{Epoch, Regime, Role, Study, check_alike};

/// φ of an arm's trials in one kind of box.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmSharpness {
    /// ε.
    pub epsilon: f64,
    /// Numbers of the measured trials.
    pub trials: Vec<usize>,
    /// φ of each, percent: the largest f of all searches, on the training split in the full space.
    pub phi: Vec<f64>,
    /// How many of them are unreliable.
    pub doubtful: usize,
    /// φ over that of the plain large batch, geometric means; corrected for the number of arms, but for the plain batches. Nothing
    /// where there is no such ratio.
    pub to_large: Option<Ratio>,
}

/// One way to train, over its trials.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// The regime's name.
    pub name: String,
    /// Which side of the paper's comparison it is, if one.
    pub role: Option<Role>,
    /// What was done otherwise than for the plain large batch, in words: "trained for 40 epochs; SAM, ρ 0.05".
    pub remedies: String,
    /// Points in a batch.
    pub batch: usize,
    /// Trials that stayed finite.
    pub trials: usize,
    /// Trials that diverged.
    pub diverged: usize,
    /// Trials that a budget of seconds cut short.
    pub cut: usize,
    /// Number and test accuracy of each trial after its last epoch, percent.
    pub tests: Vec<(usize, f64)>,
    /// Training accuracy, percent.
    pub train: Option<Spread>,
    /// f on the training split, nats, geometric mean over trials: the plain loss, whatever the arm descends.
    pub loss: Option<f64>,
    /// Test accuracy minus that of the plain large batch, points; corrected for the number of arms, but for the plain batches.
    pub to_large: Option<Paired>,
    /// Test accuracy minus that of the plain small batch, points.
    pub to_small: Option<Paired>,
    /// φ, an entry for each ε.
    pub sharpness: Vec<ArmSharpness>,
    /// Batches taken, mean over trials: steps of the optimizer, but for a strategy that takes several on a batch.
    pub steps: f64,
    /// Gradient passes over the training points, mean over trials.
    pub passes: f64,
    /// Seconds of a trial, mean.
    pub seconds: f64,
    /// ‖x − x₀‖, mean.
    pub distance: f64,
    /// The noise of gradients where the trials end; nothing where none was measured.
    pub noise: Option<ArmNoise>,
}

/// The noise of gradients at the last points of an arm's trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmNoise {
    /// tr Σ, mean over trials.
    pub trace: f64,
    /// ‖∇f‖², mean over trials.
    pub square: f64,
}

impl ArmNoise {
    /// `tr Σ / ‖∇f‖²`, points: the quotient of means, since the mean of quotients is far off.
    pub fn scale(&self) -> f64 {
        self.trace / self.square
    }
}

/// The arms of a study side by side.
///
/// The paper's strategies are judged by two questions that come apart: does the test accuracy rise, and does the sharpness fall
/// (Tables 6 and 7). Trials of one number start from the same point in every arm, so that differences are of pairs; with
/// several arms chance has several tries, and intervals and p of accuracies and of φ are corrected for them ([`Paired`],
/// [`Ratio::one_of`]). Trials that diverged are counted, and left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedies {
    /// Name of the net.
    pub net: String,
    /// Name of the data set.
    pub data: String,
    /// The arms, in the order of the study.
    pub arms: Vec<Arm>,
    /// How many measures failed, because f ceased to be finite in the box.
    pub failed: usize,
}

impl Remedies {
    /// Sets regimes beside the plain large one, which has [`Role::Large`], and the plain small one, which has [`Role::Small`]
    /// (see [`Training::role`](crate::Training::role)). Of the sharpness those measures count that are of the full space and
    /// the training split.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is not one regime of each role, where nets or data differ, or where measures of an ε
    /// were not made alike.
    pub fn of(regimes: &[&Regime], maxima: Option<&Maxima>) -> Result<Self> {
        check_alike(regimes)?;
        let one = |role: Role| match regimes.iter().filter(|regime| regime.role == Some(role)).collect::<Vec<_>>()[..] {
            [one] => Ok(*one),
            ref others => {
                let allowed = format!("be 1: `.role(Role::{role:?})` says which is the plain {role} batch");
                Err(Error::parameter("regimes that are compared with", others.len(), allowed))
            }
        };
        let (small, large) = (one(Role::Small)?, one(Role::Large)?);
        let arms = regimes.iter().filter(|regime| regime.role.is_none()).count().max(1);
        let failed = maxima.map_or(0, |maxima| maxima.failed.len());
        let is_asked = |maximum: &&Maximum| maximum.space == Space::Full && maximum.split == Which::Train;
        let maxima: Vec<&Maximum> = maxima.iter().flat_map(|maxima| &maxima.maxima).filter(is_asked).collect();
        let mut epsilons: Vec<f64> = maxima.iter().map(|maximum| maximum.epsilon).collect();
        epsilons.sort_by(|a, b| b.total_cmp(a));
        epsilons.dedup();
        for epsilon in &epsilons {
            let own: Vec<&Maximum> = maxima.iter().copied().filter(|maximum| maximum.epsilon == *epsilon).collect();
            check_one_box("measures of one ε", &own)?;
            check_each_once(&own, false)?;
        }
        let phi = |regime: &Regime, epsilon: f64| -> (Vec<usize>, Vec<f64>, usize) {
            let own = maxima
                .iter()
                .filter(|maximum| maximum.epsilon == epsilon && maximum.regime.as_ref() == Some(&regime.name));
            let read = own.filter_map(|maximum| Some((maximum.trial?, Reading::Largest.of(maximum))));
            let (trials, read): (Vec<usize>, Vec<(f64, bool)>) = read.unzip();
            let doubtful = read.iter().filter(|(_, is_trusted)| !is_trusted).count();
            (trials, read.into_iter().map(|(phi, _)| phi).collect(), doubtful)
        };
        let arm = |regime: &&Regime| {
            let mean = |value: fn(&Epoch) -> f64| -> f64 {
                let values: Vec<f64> = regime.finite().map(|run| value(run.last())).collect();
                Spread::of(&values).map_or(f64::NAN, |spread| spread.mean)
            };
            let train: Vec<f64> = regime.finite().map(|run| 100.0 * run.last().train_accuracy).collect();
            // Whether there is a gap is one question, however many arms are to mend it.
            let comparisons = if regime.role.is_none() { arms } else { 1 };
            let to = |other: &Regime| {
                if regime.name == other.name { None } else { Paired::test(&pairs(regime, other), comparisons).ok() }
            };
            let sharpness = epsilons.iter().map(|&epsilon| {
                let ((trials, phi, doubtful), (_, others, _)) = (phi(regime, epsilon), phi(large, epsilon));
                let to_large =
                    if regime.name == large.name { None } else { Ratio::one_of(&phi, &others, comparisons).ok() };
                ArmSharpness { epsilon, trials, phi, doubtful, to_large }
            });
            Arm {
                name: regime.name.clone(),
                role: regime.role,
                remedies: regime.recipe.beside(&large.recipe),
                batch: regime.recipe.batch,
                trials: regime.finite().count(),
                diverged: regime.diverged(),
                cut: regime.cut(),
                tests: regime.finite().map(|run| (run.trial, 100.0 * run.last().test_accuracy)).collect(),
                train: Spread::of(&train).ok(),
                loss: geometric_mean(regime.finite().map(|run| run.last().train_loss)),
                to_large: to(large),
                to_small: to(small),
                sharpness: sharpness.filter(|sharpness| !sharpness.phi.is_empty()).collect(),
                steps: mean(|row| row.steps as f64),
                passes: mean(Epoch::gradient_passes),
                seconds: mean(|row| row.seconds),
                distance: mean(|row| row.distance),
                noise: None,
            }
        };
        let arms = regimes.iter().map(arm).collect();
        Ok(Self { net: large.net.clone(), data: large.data.clone(), arms, failed })
    }

    /// With the noise of gradients of the arms' trials, all of parts of one size.
    ///
    /// # Errors
    /// [`Error::Parameter`] where parts differ in size.
    pub fn with_noise(mut self, scales: &[NoiseScale]) -> Result<Self> {
        if let Some(other) = scales.iter().find(|noise| noise.points != scales[0].points) {
            let given = format!("{} and {}", scales[0].points, other.points);
            return Err(Error::parameter("points of a part, of noise scales side by side", given, "be the same"));
        }
        for arm in &mut self.arms {
            let own: Vec<&NoiseScale> =
                scales.iter().filter(|noise| noise.regime.as_ref() == Some(&arm.name)).collect();
            let mean = |of: fn(&NoiseScale) -> f64| own.iter().map(|noise| of(noise)).sum::<f64>() / own.len() as f64;
            arm.noise = (!own.is_empty())
                .then(|| ArmNoise { trace: mean(|noise| noise.trace), square: mean(|noise| noise.square) });
        }
        Ok(self)
    }

    /// φ of an arm at the largest ε that was measured of any; nothing where its own is missing.
    fn sharpness_of<'a>(&self, arm: &'a Arm) -> Option<&'a ArmSharpness> {
        let all = self.arms.iter().flat_map(|arm| &arm.sharpness).map(|own| own.epsilon);
        arm.at(all.reduce(f64::max)?)
    }

    /// The arm of this name.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is none; it says which there are.
    pub fn named(&self, name: &str) -> Result<&Arm> {
        self.arms.iter().find(|arm| arm.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
            Error::parameter("name of an arm", format!("'{name}'"), format!("be one of '{}'", names.join("', '")))
        })
    }

    /// Test accuracy of one arm minus that of another, its control: points, of pairs of trials, one comparison.
    ///
    /// # Errors
    /// As [`named`](Self::named) and [`Paired::test`].
    pub fn between(&self, arm: &str, control: &str) -> Result<Paired> {
        let (arm, control) = (self.named(arm)?, self.named(control)?);
        let pair = |(trial, test): &(usize, f64)| {
            control.tests.iter().find(|(other, _)| other == trial).map(|(_, theirs)| (*test, *theirs))
        };
        Paired::test(&arm.tests.iter().filter_map(pair).collect::<Vec<_>>(), 1)
    }

    /// The same for several pairs of arm and control, as a table; p also corrected for all of them by [`holm`].
    ///
    /// # Errors
    /// As [`named`](Self::named).
    pub fn controls(&self, pairs: &[(&str, &str)]) -> Result<Block> {
        let tests: Vec<Result<Paired>> = pairs.iter().map(|(arm, control)| self.between(arm, control)).collect();
        let corrected =
            holm(&tests.iter().map(|test| test.as_ref().map_or(f64::NAN, |test| test.p)).collect::<Vec<_>>());
        let row = |((arm, control), (test, corrected)): (&(&str, &str), (&Result<Paired>, &f64))| {
            let phi = |name: &str| Ok::<_, Error>(self.sharpness_of(self.named(name)?).map(|own| own.phi.clone()));
            let (own, theirs) = (phi(arm)?, phi(control)?);
            let ratio = own.zip(theirs).and_then(|(own, theirs)| Ratio::of(&own, &theirs).ok());
            let (difference, p, corrected) = match test {
                Ok(paired) => (paired.text(), probability(paired.p), probability(*corrected)),
                Err(reason) => (format!("none: {reason}"), String::new(), String::new()),
            };
            let ratio = ratio.map_or("–".into(), |ratio| ratio_text(&ratio));
            Ok(vec![(*arm).into(), (*control).into(), difference, p, corrected, ratio])
        };
        let rows = pairs.iter().zip(tests.iter().zip(&corrected)).map(row).collect::<Result<Vec<_>>>()?;
        let columns = ["arm", "its control", "test accuracy, points", "p", "p, corrected", "φ, times the control's"];
        Ok(Block::table(
            &format!(
                "Arms against their controls: differences of pairs with the 95 % interval of each; p alone, and corrected for \
                 {} (Holm)",
                counted(corrected.iter().filter(|p| !p.is_nan()).count(), "comparison")
            ),
            &columns,
            rows,
        ))
    }

    /// How much more one arm gains over its plain batch than another arm over its own:
    /// (arm − its plain batch) − (other − its plain batch), test accuracies, points, of the trials that all four have; one
    /// comparison. It asks whether something helps the large batch more than it helps the small one.
    ///
    /// # Errors
    /// As [`between`](Self::between).
    pub fn gain_between(&self, arm: [&str; 2], other: [&str; 2]) -> Result<Paired> {
        let test = |name: &str, trial: usize| -> Result<Option<f64>> {
            Ok(self.named(name)?.tests.iter().find(|(own, _)| *own == trial).map(|(_, test)| *test))
        };
        let gain = |[arm, plain]: [&str; 2], trial| Ok::<_, Error>(test(arm, trial)?.zip(test(plain, trial)?));
        let mut pairs = Vec::new();
        for &(trial, _) in &self.named(arm[0])?.tests {
            if let Some((own, theirs)) = gain(arm, trial)?.zip(gain(other, trial)?) {
                pairs.push((own.0 - own.1, theirs.0 - theirs.1));
            }
        }
        Paired::test(&pairs, 1)
    }

    /// The same for several pairs of arms, each with its plain batch, as a table.
    ///
    /// # Errors
    /// As [`named`](Self::named).
    pub fn gains(&self, pairs: &[([&str; 2], [&str; 2])]) -> Result<Block> {
        let row = |&(arm, other): &([&str; 2], [&str; 2])| {
            arm.into_iter().chain(other).try_for_each(|name| self.named(name).map(|_| ()))?;
            let said = |[arm, plain]: [&str; 2]| {
                self.between(arm, plain).map_or("–".into(), |gain| format!("{arm} − {plain}: {}", gain.text()))
            };
            let (difference, p) = match self.gain_between(arm, other) {
                Ok(paired) => (paired.text(), probability(paired.p)),
                Err(reason) => (format!("none: {reason}"), String::new()),
            };
            Ok(vec![said(arm), said(other), difference, p])
        };
        let rows = pairs.iter().map(row).collect::<Result<Vec<_>>>()?;
        let title =
            "Gains beside gains: differences of test accuracies, points, of pairs with the 95 % interval of each alone";
        Ok(Block::table(title, &["gain", "beside the gain", "more by", "p"], rows))
    }

    /// Does φ order the arms? Spearman's correlation of mean test accuracy and φ (geometric mean) over the arms, at the largest ε
    /// that was measured: −1 where the flatter arm is always the better one.
    ///
    /// # Errors
    /// As [`Ranks::of`]: it takes three arms with a φ.
    pub fn order(&self) -> Result<Ranks> {
        let pairs = self.arms.iter().filter_map(|arm| Some((self.sharpness_of(arm)?.geometric()?, arm.test()?.mean)));
        Ranks::of(&pairs.collect::<Vec<_>>())
    }
}

impl Arm {
    /// Test accuracy, percent; nothing where no trial stayed finite.
    pub fn test(&self) -> Option<Spread> {
        Spread::of(&self.tests.iter().map(|(_, test)| *test).collect::<Vec<_>>()).ok()
    }

    /// φ at this ε, if it was measured.
    pub fn at(&self, epsilon: f64) -> Option<&ArmSharpness> {
        self.sharpness.iter().find(|sharpness| sharpness.epsilon == epsilon)
    }
}

impl ArmSharpness {
    /// Geometric mean of φ, percent; nothing where one is not above 0.
    pub fn geometric(&self) -> Option<f64> {
        geometric_mean(self.phi.iter().copied())
    }
}

/// Test accuracies of the trials that both have, percent.
fn pairs(regime: &Regime, other: &Regime) -> Vec<(f64, f64)> {
    let pair = |run: &crate::train::Run| {
        let theirs = other.finite().find(|their| their.trial == run.trial)?;
        Some((100.0 * run.last().test_accuracy, 100.0 * theirs.last().test_accuracy))
    };
    // Trials of two seeds start from different points.
    if regime.recipe.seed == other.recipe.seed { regime.finite().filter_map(pair).collect() } else { Vec::new() }
}

impl Study {
    /// The arms of the study beside its plain large and its plain small batch; see [`Remedies::of`].
    ///
    /// # Errors
    /// As [`Remedies::of`].
    pub fn remedies(&self, maxima: Option<&Maxima>) -> Result<Remedies> {
        Remedies::of(&self.regimes(), maxima)
    }
}

impl Remedies {
    /// A row an arm: test accuracy, its difference to both plain regimes, sharpness; and in a second table what it costs.
    pub fn block(&self) -> Block {
        let epsilons: Vec<f64> = {
            let mut all: Vec<f64> = self.arms.iter().flat_map(|arm| &arm.sharpness).map(|own| own.epsilon).collect();
            all.sort_by(|a, b| b.total_cmp(a));
            all.dedup();
            all
        };
        let mut columns: Vec<String> =
            ["", "arm", "test %", "against large, points", "against small, points"].map(String::from).into();
        for epsilon in &epsilons {
            columns.extend([format!("φ, ε = {epsilon:e}, %"), "φ over large's".into()]);
        }
        columns.extend(["training %", "training loss"].map(String::from));
        let rows = self.arms.iter().enumerate().map(|(place, arm)| {
            let difference = |paired: Option<Paired>| paired.map_or(String::new(), |paired| paired.text());
            let said = |count: usize, what: &str| if count > 0 { format!(" ({count} {what})") } else { String::new() };
            let left_out = said(arm.diverged, "diverged") + &said(arm.cut, "cut short");
            let test = arm.test().map_or("–".into(), |spread| spread.text(2));
            let mut row = vec![(place + 1).to_string(), arm.name.clone(), format!("{test}{left_out}")];
            row.extend([difference(arm.to_large), difference(arm.to_small)]);
            for &epsilon in &epsilons {
                let (phi, ratio) = arm.at(epsilon).map_or((String::new(), String::new()), |own| {
                    let doubt =
                        if own.doubtful > 0 { format!(" ({} unreliable)", own.doubtful) } else { String::new() };
                    let mean = own.geometric().map_or("–".into(), significant);
                    let few = match own.phi.len() {
                        count if count < arm.trials => format!(" ({count} trials)"),
                        _ => String::new(),
                    };
                    (format!("{mean}{few}{doubt}"), own.to_large.map_or(String::new(), |ratio| ratio_text(&ratio)))
                });
                row.extend([phi, ratio]);
            }
            row.push(arm.train.map_or("–".into(), |spread| spread.text(2)));
            row.push(arm.loss.map_or("–".into(), significant));
            row
        });
        let has_noise = self.arms.iter().any(|arm| arm.noise.is_some());
        let costs = self.arms.iter().enumerate().map(|(place, arm)| {
            let mut row = vec![
                (place + 1).to_string(),
                arm.name.clone(),
                arm.remedies.clone(),
                format!("{:.0}", arm.steps),
                format!("{:.1}", arm.passes),
                format!("{:.1}", arm.distance),
                significant(arm.seconds),
            ];
            if has_noise {
                let said =
                    |of: fn(&ArmNoise) -> f64| arm.noise.as_ref().map_or("–".into(), |own| significant(of(own)));
                row.extend([said(|own| own.trace), said(|own| own.square), said(ArmNoise::scale)]);
            }
            row
        });
        let mut heads =
            vec!["", "arm", "what is done", "batches", "passes over the points", "‖x − x₀‖", "seconds, wall clock"];
        if has_noise {
            heads.extend(["tr Σ", "‖∇f‖²", "noise scale, points"]);
        }
        let costs = Block::table(
            "What an arm is (as the plain large batch, but for what is done), and a trial of it",
            &heads,
            costs.collect(),
        );
        let count = self.arms.iter().filter(|arm| arm.role.is_none()).count();
        let trials = self.arms.iter().map(|arm| arm.trials).max().unwrap_or(0);
        let title = format!(
            "{} on {}: mean ± std over {trials} trials; 95 % intervals, corrected for the number of arms ({count}); differences of accuracies are paired, ratios of φ are not; φ and loss as geometric means",
            self.net, self.data
        );
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let table = Block::table(&title, &columns, rows.collect());
        let order = self.order().map(|ranks| {
            let Ranks { correlation, p, count } = ranks;
            let text = format!(
                "Does φ order the arms? Rank correlation of φ and test accuracy over {count} arms: {correlation:.2} (p = {} if the arms were independent); −1 where the flatter arm is always the better one.",
                probability(p)
            );
            Block::paragraph(&text)
        });
        Block::joined(&[vec![table], order.into_iter().collect(), vec![costs]].concat())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// "0.42 (0.30 to 0.59)".
pub(crate) fn ratio_text(ratio: &Ratio) -> String {
    let [mean, lower, upper] = [ratio.geometric, ratio.lower, ratio.upper].map(two_digits);
    format!("{mean} ({lower} to {upper})")
}

/// 0.7846 as "0.78", 14.29 as "14", 1.45e3 as "1450".
fn two_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 10.0 => 0,
        size if size >= 1.0 => 1,
        size if size >= 0.1 => 2,
        size if size >= 0.01 => 3,
        size if size >= 1e-4 => 4,
        _ => return format!("{value:.0e}"),
    };
    format!("{value:.decimals$}")
}

crate::display::shown_as_text!(Arm, ArmNoise, ArmSharpness);
