//! What if a call is interrupted in the middle of a trial? Between two epochs all that the rest of the trial depends on is kept in
//! one file: x, the vectors of the optimizer, where the random streams are, and what was seen so far. The next call goes on from
//! there, and its trial is the same to the bit. Once the trial is finished the file goes.

use std::time::{Duration, Instant};

use super::descent::{Descent, Pause};
use super::iterate::Iterate;
use super::recipe::Recipe;
use super::watch::{Watch, Way};
use crate::error::Result;
use crate::kept::{Fingerprint, Found, Shelf};
use crate::net::Net;
use crate::weights::Weights;

/// The part's name.
const NAME: &str = "halfway";

/// At least so long from one file to the next: writing one takes about as long as a step.
const BETWEEN: Duration = Duration::from_secs(20);

/// A trial between two epochs.
pub(super) struct Halfway {
    pause: Pause,
    way: Way,
    /// x; then the vectors of the rule.
    moving: Vec<Weights>,
    /// The last point that was seen, and that of the lowest training loss.
    seen: [Weights; 2],
    iterates: Vec<Iterate>,
}

/// Where a trial on its way is kept.
pub(super) struct Place<'a> {
    shelf: &'a Shelf,
    of: &'a Fingerprint,
    recipe: &'a Recipe,
    trial: usize,
    /// From one file to the next.
    between: Duration,
    last: std::cell::Cell<Instant>,
}

impl<'a> Place<'a> {
    pub(super) fn new(shelf: &'a Shelf, of: &'a Fingerprint, recipe: &'a Recipe, trial: usize) -> Self {
        Self { shelf, of, recipe, trial, between: BETWEEN, last: Instant::now().into() }
    }

    /// The trial as it was left, if it says of itself what the call asks for and has the points after epochs that the call asks
    /// for.
    ///
    /// # Errors
    /// [`crate::Error::File`] where it is there and cannot be read.
    pub(super) fn find(&self, wanted: &[usize], net: &Net) -> Result<Found<Halfway>> {
        type Line = (Recipe, usize, Pause, Way);
        let found = self.shelf.find_with_points::<Line>(NAME, self.of, net.layout())?;
        let ((recipe, trial, pause, way), mut points) = match found {
            Found::Whole(whole) => whole,
            Found::Wrong(reason) => return Ok(Found::Wrong(reason)),
            Found::Nothing => return Ok(Found::Nothing),
        };
        let wrong = |reason: String| Ok(Found::Wrong(format!("a trial that was interrupted {reason}")));
        if (&recipe, trial) != (self.recipe, self.trial) || way.trace.len() < 2 || points.len() < 3 {
            return wrong("is of another recipe or number, or lacks rows or points".into());
        }
        let reached = way.trace.len() - 1;
        // All that were kept, so that none is forgotten when the trial is finished.
        let kept =
            way.iterates.iter().map(|(epoch, digest)| Iterate::kept(self.shelf, self.of, *epoch, digest, net.layout()));
        let iterates: Vec<Iterate> = kept.filter(Iterate::is_whole).collect();
        let is_there = |epoch: usize| iterates.iter().any(|iterate| iterate.epoch == epoch);
        if let Some(epoch) = wanted.iter().find(|&&epoch| epoch <= reached && !is_there(epoch)) {
            return wrong(format!("has no point after epoch {epoch}"));
        }
        let moving = points.split_off(2);
        let [last, lowest] = &points[..] else { return wrong("lacks points".into()) };
        Ok(Found::Whole(Halfway { pause, way, moving, seen: [last.clone(), lowest.clone()], iterates }))
    }

    /// Keeps where the trial is, if the last time is long enough ago, or if it is to be kept now.
    ///
    /// # Errors
    /// [`crate::Error::File`] where it cannot be written; [`crate::Error::Tensor`] where a device does not give x.
    pub(super) fn keep(&self, descent: &Descent, watch: &Watch, now: bool) -> Result<()> {
        if !now && self.last.get().elapsed() < self.between {
            return Ok(());
        }
        self.last.set(Instant::now());
        let (pause, moving) = descent.pause()?;
        let (way, [last, lowest]) = watch.pause();
        let points: Vec<&Weights> = [last, lowest].into_iter().chain(&moving).collect();
        // What is not finite, a square that ran over, would not be read back.
        if !points.iter().all(|point| point.can_be_kept()) {
            return Ok(());
        }
        self.shelf.keep_with_points(NAME, self.of, &(self.recipe, self.trial, pause, way), &points)
    }

    /// The trial is finished.
    ///
    /// # Errors
    /// [`crate::Error::File`] where the file is there and cannot be removed.
    pub(super) fn remove(shelf: &Shelf, of: &Fingerprint) -> Result<()> {
        shelf.remove_with_points(NAME, of)
    }
}

impl Halfway {
    /// Epochs that are done.
    pub(super) fn epoch(&self) -> usize {
        self.way.trace.len() - 1
    }

    /// Goes on from there.
    pub(super) fn resume(self, descent: &mut Descent) -> Result<Watch> {
        descent.resume(&self.pause, &self.moving)?;
        Ok(Watch::resumed(descent.trial(), descent.recipe().patience, &self.way, self.seen, self.iterates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Augment, Dataset};
    use crate::display::Progress;
    use crate::error::Error;
    use crate::net::{Layer, Passes};
    use crate::objective::Objective;
    use crate::optim::Optimizer;
    use crate::train::iterate::Keeping;
    use crate::train::trial::{Task, descend};
    use crate::train::watch::Ended;
    use crate::train::{Epoch, Growth, Inner, Scaling, Strategy, Training};
    use crate::work::Doing;
    use crate::zoo;

    /// One trial that keeps its points in a folder; it is interrupted after an epoch, as by a disk that is full.
    struct Trial<'a> {
        training: &'a Training,
        net: &'a Net,
        data: &'a Dataset,
        shelf: &'a Shelf,
    }

    impl Trial<'_> {
        const EPOCHS: [usize; 3] = [5, 0, 2];

        fn of(&self) -> Fingerprint {
            Fingerprint::new("trial").and(self.training.recipe())
        }

        fn run(&self, before: Option<Halfway>, interrupted: Option<usize>) -> Result<Ended> {
            let of = self.of();
            let place = Place { between: Duration::ZERO, ..Place::new(self.shelf, &of, self.training.recipe(), 1) };
            let keep = |epoch: usize, x: &Weights| match interrupted {
                Some(last) if epoch > last => Err(Error::Data("interrupted".into())),
                _ => Ok(Iterate::keep(Some(self.shelf), &of, epoch, x).0),
            };
            let all: Vec<usize> = (0..10).collect();
            let epochs = if interrupted.is_some() { &all[..] } else { &Self::EPOCHS };
            let task = Task { trial: 1, start: None, keeping: Keeping { epochs, keep: &keep }, place: Some(&place) };
            let progress = Progress::new(0, true);
            let doing = Doing::new(&progress, Some(self.shelf));
            let report = |_: &Epoch| {};
            descend(self.training.recipe(), self.net, self.data, &task, before, &doing, &report)
        }

        fn found(&self) -> Result<Found<Halfway>> {
            Place::new(self.shelf, &self.of(), self.training.recipe(), 1).find(&Self::EPOCHS, self.net)
        }
    }

    impl Trial<'_> {
        /// What was kept, which must be after this epoch.
        fn kept_after(&self, epoch: usize) -> Result<Halfway> {
            match self.found()? {
                Found::Whole(halfway) if halfway.epoch() == epoch => Ok(halfway),
                Found::Whole(halfway) => Err(Error::Data(format!("kept after epoch {}, not {epoch}", halfway.epoch()))),
                Found::Wrong(reason) => Err(Error::Data(reason)),
                Found::Nothing => Err(Error::Data(format!("nothing was kept after epoch {epoch}"))),
            }
        }
    }

    /// All but the seconds, which differ from run to run; those go up all the same.
    fn without_seconds(mut ended: Ended) -> Ended {
        ended.iterates.retain(|iterate| Trial::EPOCHS.contains(&iterate.epoch));
        assert!(ended.run.trace.is_sorted_by(|a, b| a.seconds <= b.seconds));
        ended.run.trace.iter_mut().for_each(|row| row.seconds = 0.0);
        ended
    }

    /// Every optimizer, stream and average that a trial goes on with, interrupted after each of its epochs and then once more.
    #[test]
    fn an_interrupted_trial_goes_on_bit_by_bit() -> Result<()> {
        let data = data::digits().first(60, 20)?;
        let dense = zoo::f1(data.shape(), data.classes(), 0.05)?;
        let layers =
            [Layer::Flatten, Layer::Dense { outputs: 12 }, Layer::norm(), Layer::Relu, Layer::Dropout { rate: 0.3 }];
        let dropout = Net::new("dropout", data.shape(), [&layers[..], &[Layer::Dense { outputs: 10 }]].concat())?;
        let adam = || Training::adam().batch(16).epochs(6).seed(3);
        let noise = Strategy::noise(0.01);
        let composed = Objective::new().passes(Passes::Composed);
        let growth = Growth { every: 2, factor: 2, most: 60, rate: 0.7 };
        let trainings = [
            ("ADAM", adam(), &dense),
            ("dropout, images moved", adam().augment(Augment::images()), &dropout),
            ("noise, SGD, averages", Training::sgd(0.05, 0.9).batch(16).epochs(6).strategy(noise).average(3), &dropout),
            ("LAMB, patience", adam().optimizer(Optimizer::lamb(0.01)).patience(2), &dense),
            ("warm-up, growing, scaled", adam().warm_up(9).growing(growth).scaled(Scaling::SquareRoot, 8), &dense),
            ("ghosts, conservative", adam().ghost(5).strategy(Strategy::conservative(0.1, 3)), &dropout),
            ("SAM", adam().strategy(Strategy::sam(0.05).parts_of(8)), &dropout),
            ("penalty", adam().strategy(Strategy::penalty(0.1, 8)), &dropout),
            ("adversarial", adam().strategy(Strategy::adversarial(0.05)), &dropout),
            ("stability", adam().strategy(Strategy::stability(0.1, 0.1)), &dropout),
            ("conservative, L-BFGS", adam().strategy(Strategy::conservative(0.1, 2).solver(Inner::Lbfgs)), &dense),
            ("SGD, composed", Training::sgd(0.05, 0.9).batch(16).epochs(6).objective(composed), &dense),
            ("LAMB, composed", adam().optimizer(Optimizer::lamb(0.01)).objective(composed), &dense),
            ("composed passes", adam().objective(composed), &dense),
        ];
        for (name, training, net) in &trainings {
            let folder = tempfile::tempdir().map_err(|error| Error::Data(error.to_string()))?;
            let shelf = Shelf::in_folder(folder.path())?;
            let trial = Trial { training, net, data: &data, shelf: &shelf };
            let whole = without_seconds(trial.run(None, None)?);
            for epoch in 1..whole.run.last().epoch {
                Place::remove(&shelf, &trial.of())?;
                assert!(matches!(trial.found()?, Found::Nothing));
                assert!(trial.run(None, Some(epoch)).is_err());
                let mut again = trial.kept_after(epoch)?;
                if epoch + 1 < whole.run.last().epoch {
                    assert!(trial.run(Some(again), Some(epoch + 1)).is_err());
                    again = trial.kept_after(epoch + 1)?;
                }
                assert_eq!(without_seconds(trial.run(Some(again), None)?), whole, "{name}, after epoch {epoch}");
            }
        }
        Ok(())
    }

    /// A disk that is full from the start of the trial on: its points stay in memory, and the trial is what it is without a folder.
    #[test]
    fn what_cannot_be_written_stays_in_memory() -> Result<()> {
        let data = data::digits().first(40, 20)?;
        let net = Net::new("small", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: 10 }])?;
        let training = Training::adam().batch(10).epochs(5);
        let folder = tempfile::tempdir().map_err(|error| Error::Data(error.to_string()))?;
        let shelf = Shelf::in_folder(&folder.path().join("kept"))?;
        shelf.try_to_write()?;
        let whole =
            without_seconds(Trial { training: &training, net: &net, data: &data, shelf: &shelf }.run(None, None)?);
        // A file in the place of the folder.
        let gone = Shelf::in_folder(&folder.path().join("gone"))?;
        std::fs::remove_dir(folder.path().join("gone")).map_err(|error| Error::Data(error.to_string()))?;
        std::fs::write(folder.path().join("gone"), "").map_err(|error| Error::Data(error.to_string()))?;
        assert!(gone.try_to_write().is_err());
        let ended =
            without_seconds(Trial { training: &training, net: &net, data: &data, shelf: &gone }.run(None, None)?);
        assert_eq!((&ended.run, &ended.last, &ended.lowest), (&whole.run, &whole.last, &whole.lowest));
        for (ours, theirs) in ended.iterates.iter().zip(&whole.iterates) {
            assert_eq!((ours.epoch, ours.weights()?), (theirs.epoch, theirs.weights()?));
            assert!(ours.on_shelf().is_none() && theirs.on_shelf().is_some());
        }
        assert_eq!(ended.iterates.len(), Trial::EPOCHS.len());
        Ok(())
    }

    /// Each byte of the file in turn, and a point that is missing beside it: nothing is read as right.
    #[test]
    fn an_altered_file_is_not_taken() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let data = data::digits().first(20, 10)?;
        let net = Net::new("small", data.shape(), vec![Layer::Flatten, Layer::Dense { outputs: 10 }])?;
        let training = Training::adam().batch(10).epochs(6);
        let folder = tempfile::tempdir()?;
        let shelf = Shelf::in_folder(folder.path())?;
        let trial = Trial { training: &training, net: &net, data: &data, shelf: &shelf };
        assert!(trial.run(None, Some(3)).is_err());
        let path = shelf.path(NAME, &trial.of(), "part");
        let whole = std::fs::read(&path)?;
        for place in (0..whole.len()).step_by(997).chain(0..200.min(whole.len())) {
            let mut altered = whole.clone();
            altered[place] ^= 0x40;
            std::fs::write(&path, &altered)?;
            assert!(matches!(trial.found()?, Found::Wrong(why) if why.contains("not as it was kept")), "byte {place}");
            std::fs::write(&path, &whole[..place])?;
            assert!(matches!(trial.found()?, Found::Wrong(_)), "{place} bytes");
        }
        std::fs::write(&path, &whole)?;
        assert!(matches!(trial.found()?, Found::Whole(before) if before.epoch() == 3));
        std::fs::remove_file(shelf.path("epoch2", &trial.of(), "safetensors"))?;
        assert!(matches!(trial.found()?, Found::Wrong(why) if why.contains("no point after epoch 2")));
        Ok(())
    }
}
