//! Points on a run's way, and runs that start there.

use sharp_minima::{
    Between, Dataset, Error, Net, Objective, ReadAt, Sharpness, Statistics, Stop, Study, Training, Trials, Weights,
    data, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn small() -> sharp_minima::Result<(Net, Dataset)> {
    let data = data::digits().first(200, 100)?;
    Ok((zoo::f1(data.shape(), data.classes(), 0.05)?, data))
}

fn adam() -> Training {
    Training::adam().batch(20).trials(2).epochs(4).quiet()
}

/// All of the traces but the seconds.
fn rows(trials: &Trials) -> Vec<sharp_minima::Epoch> {
    let rows = trials.regime.runs.iter().flat_map(|run| &run.trace);
    rows.map(|row| sharp_minima::Epoch { seconds: 0.0, ..*row }).collect()
}

#[test]
fn iterates_are_the_points_of_their_epochs_and_change_nothing() -> Done {
    let (net, data) = small()?;
    let folder = tempfile::tempdir()?;
    let plain = adam().run(&net, &data)?;
    let asked = adam().iterates(&[3, 0, 4]);
    for training in [asked.clone(), asked.clone().kept_in(folder.path()), asked.kept_in(folder.path())] {
        let trials = training.run(&net, &data)?;
        assert_eq!((&trials.weights, &trials.lowest, rows(&trials)), (&plain.weights, &plain.lowest, rows(&plain)));
        assert_eq!(trials.epochs(), [0, 3, 4]);
        assert_eq!(trials.at_epoch(0)?.weights[1], net.start(sharp_minima::Seed(0), 1));
        assert_eq!(trials.at_epoch(4)?.weights, plain.weights);
        let then = trials.at_epoch(3)?;
        for (trial, x) in then.weights.iter().enumerate() {
            let mut descent = adam().begin(&net, &data, trial)?;
            while descent.epoch() < 3 {
                descent.step(&data)?;
            }
            assert_eq!(x, &descent.weights()?);
        }
        assert_eq!((then.regime.runs[1].last().epoch, then.epochs(), then.at), (3, vec![0, 3], ReadAt::Epoch(3)));
        assert_eq!(then.at_lowest(), then, "trials that are read at an epoch are not read elsewhere");
    }
    Ok(())
}

#[test]
fn a_warm_start_is_a_start_like_any_other() -> Done {
    let (net, data) = small()?;
    let first = adam().iterates(&[2]).run(&net, &data)?.at_epoch(2)?;
    let warm = adam().batch(50).starting_at(&first).run(&net, &data)?;
    assert_eq!(warm.regime.recipe.remedies(), "started at epoch 2 of batch 20");
    for (run, before) in warm.regime.runs.iter().zip(&first.regime.runs) {
        let (start, end) = (run.trace[0], before.last());
        assert_eq!(
            (start.train_loss, start.test_accuracy, start.distance, start.steps),
            (end.train_loss, end.test_accuracy, 0.0, 0)
        );
        assert_eq!(run.last().distance, warm.weights[run.trial].distance(&first.weights[run.trial])?);
    }
    // The same point by another way: through a file, and step by step.
    let folder = tempfile::tempdir()?;
    let mut by_hand = first.clone();
    for (number, x) in by_hand.weights.iter_mut().enumerate() {
        let path = folder.path().join(format!("{number}.safetensors"));
        x.save(&path)?;
        *x = Weights::load(net.layout(), &path)?;
    }
    let mut descent = adam().batch(50).starting_at(&by_hand).begin(&net, &data, 1)?;
    while descent.epoch() < 4 {
        descent.step(&data)?;
    }
    assert_eq!(descent.weights()?, warm.weights[1]);
    // Running averages come along.
    let still = Training::sgd(0.1, 0.0).batch(50).epochs(1).quiet().starting_at(&first);
    let still = still.objective(Objective::new().statistics(Statistics::Running));
    let value = Objective::new().statistics(Statistics::Running).value(&net, &data.train, &first.weights[0])?;
    assert!((still.run(&net, &data)?.regime.runs[0].trace[0].train_loss - value.loss).abs() < 1e-12);
    Ok(())
}

/// Descent without memory, all points in a batch: a step is `x − η ∇f(x)`, whatever the order of the points.
#[test]
fn the_first_step_of_a_warm_start_is_the_gradient_there() -> Done {
    let (net, data) = small()?;
    let first = adam().iterates(&[1]).run(&net, &data)?.at_epoch(1)?;
    let warm = Training::sgd(0.1, 0.0).batch(200).epochs(1).quiet().starting_at(&first).run(&net, &data)?;
    for (x, end) in first.weights.iter().zip(&warm.weights) {
        let gradient = Objective::new().gradient(&net, &data.train, x)?.gradient;
        for ((x, g), end) in x.to_f64().iter().zip(&gradient).zip(end.to_f64()) {
            assert!((x - 0.1 * g - end).abs() < 1e-6, "{x} {g} {end}");
        }
    }
    Ok(())
}

/// ADAM that remembers nothing moves each weight by `η |g| / (|g| + ε / √(1 − β₂))` in its first step, nearly η whatever the size of
/// the derivative; one that went on with the averages of the steps before would not.
#[test]
fn a_warm_start_has_no_memory() -> Done {
    let (net, data) = small()?;
    let first = adam().iterates(&[2]).run(&net, &data)?.at_epoch(2)?;
    let warm = Training::adam().batch(200).epochs(1).trials(2).quiet().starting_at(&first).run(&net, &data)?;
    let mut looked_at = 0;
    for (x, end) in first.weights.iter().zip(&warm.weights) {
        let gradient = Objective::new().gradient(&net, &data.train, x)?.gradient;
        for ((x, g), end) in x.to_f64().iter().zip(&gradient).zip(end.to_f64()) {
            if g.abs() > 1e-5 {
                let step = 1e-3 * g / (g.abs() + 1e-8 / 0.001f64.sqrt());
                assert!((x - step - end).abs() < 1e-6, "{x} {g} {end}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 1_000, "{looked_at}");
    Ok(())
}

/// The recipe itself from its own point after an epoch, by hand: a new optimizer, and the gradient of f over all points for a step an
/// epoch, whatever their order.
#[test]
fn going_on_by_hand_is_a_warm_start() -> Done {
    let (net, data) = small()?;
    let whole = || adam().batch(200);
    let first = whole().iterates(&[2]).run(&net, &data)?.at_epoch(2)?;
    let warm = whole().starting_at(&first).run(&net, &data)?;
    let on = whole().run(&net, &data)?;
    for (trial, end) in warm.weights.iter().enumerate() {
        let mut optimizer = sharp_minima::Optimizer::adam().begin(net.parameter_count())?;
        let mut x = first.weights[trial].clone();
        for _ in 0..4 {
            let gradient = Objective::new().gradient(&net, &data.train, &x)?.gradient;
            let mut values = x.values().to_vec();
            optimizer.step(&mut values, &gradient.iter().map(|&g| g as f32).collect::<Vec<f32>>())?;
            x = Weights::new(net.layout(), values)?;
        }
        // Where a derivative is nearly 0 its sign is a matter of rounding, and so is where ADAM goes.
        let far = |other: &Weights| {
            let pairs = x.values().iter().zip(other.values());
            pairs.filter(|(a, b)| (*a - *b).abs() > 1e-4).count() * 100 / net.parameter_count()
        };
        assert!(far(end) < 2 && far(&on.weights[trial]) > 50, "{} {}", far(end), far(&on.weights[trial]));
    }
    Ok(())
}

#[test]
fn every_measure_takes_a_study_at_an_epoch() -> Done {
    let (net, data) = small()?;
    let pair = adam().iterates(&[1, 4]).pair(&net, &data, 20, 100)?;
    let then = pair.at_epoch(1)?;
    let (early, late) = (
        Sharpness::full(1e-3).quiet().pair(&net, &data, &then)?,
        Sharpness::full(1e-3).quiet().pair(&net, &data, &pair)?,
    );
    assert_eq!(early.maxima[0].epoch, Some(1));
    assert_eq!(late.maxima[0].epoch, None);
    for (maximum, run) in early.maxima.iter().zip(&then.small.regime.runs) {
        assert_eq!(maximum.value, run.last().train_loss);
    }
    assert!(early.frame()?.column("epoch")?.u64()?.get(0) == Some(1));
    // Measures behind different epochs are never averaged.
    let both = sharp_minima::Maxima::joined(&[early.clone(), late]);
    let text = both.block().text;
    assert!(text.contains("full space, after epoch 1") && text.matches("small").count() >= 2, "{text}");
    assert_eq!(both.contrasts(sharp_minima::Reading::Largest).len(), 2);
    let path = Between::line().points(3).quiet().pair(&net, &data, &then)?;
    assert_eq!(path.paths.len(), 2);
    assert_eq!(pair.study().at_epoch(4)?.regimes[1].weights, pair.large.weights);
    // A record of them is read back, and older ones have no epoch.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("record.jsonl");
    then.study().recorded().with_maxima(&early).save(&file)?;
    assert_eq!(sharp_minima::Recorded::load(&file)?.maxima.ok_or("no sharpness")?.maxima, early.maxima);
    Ok(())
}

#[test]
fn kept_iterates_are_found_missed_and_never_forgotten() -> Done {
    let (net, data) = small()?;
    let folder = tempfile::tempdir()?;
    let kept = adam().kept_in(folder.path());
    let count = || -> std::io::Result<usize> {
        let files = std::fs::read_dir(folder.path())?.filter_map(Result::ok);
        Ok(files.filter(|file| file.file_name().to_string_lossy().starts_with("epoch")).count())
    };
    let first = kept.clone().iterates(&[1]).run(&net, &data)?;
    assert_eq!(count()?, 2);
    // Another epoch is made anew, and the first is still there.
    let other = kept.clone().iterates(&[2]).run(&net, &data)?;
    assert_eq!((count()?, &other.weights), (4, &first.weights));
    let seconds = |trials: &Trials| trials.regime.runs[0].last().seconds;
    let both = kept.clone().iterates(&[1, 2]).run(&net, &data)?;
    assert_eq!(seconds(&both), seconds(&other), "found, not made");
    assert_eq!(both.at_epoch(1)?.weights, first.at_epoch(1)?.weights);
    // One that was altered is refused when it is read; one that was removed is made again.
    let file = std::fs::read_dir(folder.path())?
        .filter_map(Result::ok)
        .map(|file| file.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("epoch2-")))
        .ok_or("no file")?;
    let mut bytes = std::fs::read(&file)?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes)?;
    let error = both.at_epoch(2).expect_err("an altered file").to_string();
    assert!(error.contains("not as it was kept"), "{error}");
    std::fs::remove_file(&file)?;
    let study = Study { regimes: vec![both.clone()] };
    for missing in [
        both.at_epoch(2).map(|_| ()),
        adam().batch(50).warm_starts(&net, &data, &both).map(|_| ()),
        Sharpness::full(1e-3).quiet().iterates(&net, &data, &study).map(|_| ()),
    ] {
        let error = missing.expect_err("a file that is not there");
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).ok_or("no name")?;
        assert!(matches!(error, Error::File { .. }) && error.to_string().contains(&name), "{error}");
    }
    let again = kept.iterates(&[2]).run(&net, &data)?;
    assert_eq!(again.at_epoch(2)?.weights, other_weights(&net, &data)?);
    Ok(())
}

fn other_weights(net: &Net, data: &Dataset) -> sharp_minima::Result<Vec<Weights>> {
    Ok(adam().iterates(&[2]).run(net, data)?.at_epoch(2)?.weights)
}

#[test]
fn trials_that_ended_early_have_no_later_point() -> Done {
    let (net, data) = small()?;
    let patient =
        Training::adam().learning_rate(0.05).batch(20).trials(2).epochs(60).patience(1).iterates(&[0, 1, 60]).quiet();
    let trials = patient.run(&net, &data)?;
    assert!(trials.regime.runs.iter().all(|run| run.stop == Stop::CeasedToImprove));
    assert_eq!(trials.epochs(), [0, 1]);
    let error = trials.at_epoch(60).expect_err("nobody was there").to_string();
    assert!(error.contains("epoch must be one after which x was kept, of trial 0 0, 1, but is 60"), "{error}");
    // A trial that diverged stays one, and does not hinder the others.
    let wild = Training::sgd(1e30, 0.0).batch(20).trials(2).epochs(2).iterates(&[0]).quiet().run(&net, &data)?;
    assert_eq!((wild.regime.diverged(), wild.at_epoch(0)?.regime.diverged()), (2, 2));
    let error = adam().starting_at(&wild).run(&net, &data).expect_err("no point to start from").to_string();
    assert!(error.contains("trial to start from must be one of those that have a point (), but is 0"), "{error}");
    Ok(())
}

/// Where one trial of those that are started from diverged the others have their warm starts.
#[test]
fn a_trial_that_diverged_has_no_warm_start() -> Done {
    let (net, data) = small()?;
    let mut from = adam().trials(3).iterates(&[2]).run(&net, &data)?;
    from.regime.runs[1].stop = Stop::Diverged;
    let warm = adam().batch(50).warm_starts(&net, &data, &from)?;
    let started = warm.named("from epoch 2")?;
    assert_eq!(started.regime.runs.iter().map(|run| run.trial).collect::<Vec<_>>(), [0, 2]);
    let alone = adam().batch(50).starting_at(&from.at_epoch(2)?);
    let mut descent = alone.begin(&net, &data, 2)?;
    descent.until(&data, 4)?;
    assert_eq!(descent.weights()?, started.weights[1]);
    // And so from there on.
    let again = adam().starting_at(started).run(&net, &data)?;
    assert_eq!(again.regime.runs.iter().map(|run| run.trial).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(again.regime.runs[1].trace[0].train_loss, started.regime.runs[1].last().train_loss);
    let error = alone.begin(&net, &data, 1).err().ok_or("it has no point")?.to_string();
    assert!(error.contains("be one that has a point: this one diverged, but is 1"), "{error}");
    Ok(())
}

/// A reading after another one never has the trace of one epoch and the point of another.
#[test]
fn readings_follow_each_other() -> Done {
    let (net, data) = small()?;
    // At this rate the lowest loss is not the last.
    let wild = Training::adam().learning_rate(0.03).batch(20).trials(2).epochs(12).iterates(&[1, 2, 12]).quiet();
    let pair = wild.pair(&net, &data, 20, 100)?;
    let lowest = pair.small.at_lowest();
    let early = lowest.regime.runs.iter().position(|run| run.last().epoch < 12).ok_or("all end at their lowest")?;
    assert_eq!(lowest.at, ReadAt::Lowest);
    assert!(lowest.iterates[early].iter().all(|iterate| iterate.epoch < 12));
    assert!(lowest.at_epoch(12).is_err());
    let first = lowest.at_epoch(1)?;
    assert_eq!((&first.weights, first.at), (&pair.small.at_epoch(1)?.weights, ReadAt::Epoch(1)));
    let near = pair.small.as_low_as(&pair.large)?;
    assert_eq!((near.at, &near.at_lowest()), (ReadAt::Each, &near));
    assert_eq!(pair.at_epoch(12)?.small.as_far_as(&pair.large)?.at, ReadAt::Each);
    Ok(())
}

#[test]
fn wrong_input_says_what_was_given_and_what_is_allowed() -> Done {
    let (net, data) = small()?;
    let said = |training: Training| training.run(&net, &data).expect_err("it should be refused").to_string();
    assert_eq!(said(adam().iterates(&[])), "iterates must be at least one epoch, but is none");
    assert_eq!(said(adam().iterates(&[1, 2, 1])), "epochs of iterates must differ, but is twice 1");
    let error = said(adam().iterates(&[5]));
    assert_eq!(error, "epoch of an iterate must lie in 0..=4, the epochs of the training, but is 5");
    let trials = adam().run(&net, &data)?;
    let error = trials.at_epoch(1).expect_err("none was kept").to_string();
    assert!(error.contains("trial 0 has none"), "{error}");
    // More trials than there are points, and points of another net.
    let error = said(adam().starting_at(&trials).trials(3));
    assert_eq!(error, "trial to start from must be one of those that have a point (0, 1), but is 2");
    let other = zoo::f1(data.shape(), data.classes(), 0.1)?;
    assert!(matches!(adam().starting_at(&trials).run(&other, &data), Err(Error::Shape(_))));
    let kept = adam().iterates(&[1]).run(&net, &data)?;
    assert!(matches!(adam().warm_starts(&other, &data, &kept), Err(Error::Shape(_))));
    let study = Study { regimes: vec![kept] };
    assert!(matches!(Sharpness::full(1e-3).quiet().iterates(&other, &data, &study), Err(Error::Shape(_))));
    assert!(adam().starting_at(&trials).begin(&net, &data, 2).is_err());
    let error = |epochs: &[usize]| study.after_epochs(epochs).expect_err("no such points").to_string();
    assert_eq!(error(&[]), "epochs must be at least one, but is none");
    assert_eq!(error(&[1, 1]), "epochs must differ, but is twice 1");
    assert_eq!(error(&[2]), "epoch must be one after which every trial of 'batch 20' kept x: 1, but is 2");
    for accuracy in [-0.1, 1.1, f64::NAN, 99.92] {
        let error = trials.as_accurate_as(accuracy).expect_err("no fraction").to_string();
        assert!(error.contains("accuracy must be a fraction from 0 to 1, but is"), "{error}");
    }
    let error = trials.as_accurate_as(0.9).expect_err("nothing kept").to_string();
    assert_eq!(error, "trial 0 of 'batch 20' needs a point kept after an epoch");
    // Side by side with a cold start.
    let arms = [adam().regime("cold"), adam().starting_at(&trials).regime("warm")];
    let study = Study::run(&arms, &net, &data)?;
    assert_eq!(study.named("cold")?.weights, trials.weights);
    assert_ne!(study.named("warm")?.weights, trials.weights);
    Ok(())
}

/// Each trial of the small batch where it was as far from its start as the large batch's trial is at its end.
#[test]
fn pairs_can_be_read_at_equal_distance() -> Done {
    let (net, data) = small()?;
    let training = adam().epochs(6).iterates(&[0, 1, 2, 3, 4, 5, 6]);
    let pair = training.pair(&net, &data, 10, 100)?;
    let equal = pair.at_equal_distance()?;
    assert_eq!(equal.large, pair.large);
    for (place, run) in equal.small.regime.runs.iter().enumerate() {
        let target = pair.large.regime.runs[place].last().distance;
        let trace = &pair.small.regime.runs[place].trace;
        let nearest = trace[1..].iter().map(|row| (row.distance - target).abs()).fold(f64::INFINITY, f64::min);
        assert_eq!((run.last().distance - target).abs(), nearest);
        assert_eq!(equal.small.weights[place], pair.small.at_epoch(run.last().epoch)?.weights[place]);
        let distance = equal.small.weights[place].distance(&net.start(sharp_minima::Seed(0), place as u64))?;
        assert!((distance / run.last().distance - 1.0).abs() < 1e-6);
    }
    let paths = Between::line().quiet().pair(&net, &data, &equal)?;
    assert_eq!(paths.paths[1].loss(0.0), Some(equal.small.regime.runs[1].last().train_loss));
    let level = pair.at_equal_loss()?;
    assert_eq!(level.small, pair.small);
    for (place, run) in level.large.regime.runs.iter().enumerate() {
        let away =
            |row: &sharp_minima::Epoch| (row.train_loss / pair.small.regime.runs[place].last().train_loss).ln().abs();
        let nearest = pair.large.regime.runs[place].trace[1..].iter().map(away).fold(f64::INFINITY, f64::min);
        assert_eq!(away(run.last()), nearest);
        assert_eq!(level.large.weights[place], pair.large.at_epoch(run.last().epoch)?.weights[place]);
    }
    // Where the training accuracy is nearest to what is asked for, each trial by itself; measures say after which epoch that was.
    let there = pair.at_accuracies(0.7, 0.5)?;
    for (asked, (own, all)) in [0.7, 0.5].iter().zip([(&there.small, &pair.small), (&there.large, &pair.large)]) {
        assert_eq!(own.at, ReadAt::Each);
        for (place, (run, whole)) in own.regime.runs.iter().zip(&all.regime.runs).enumerate() {
            let away = |row: &sharp_minima::Epoch| (row.train_accuracy - asked).abs();
            let nearest = whole.trace[1..].iter().map(away).fold(f64::INFINITY, f64::min);
            let first = whole.trace[1..].iter().find(|row| away(row) == nearest).ok_or("none")?;
            assert_eq!(run.last(), first);
            assert_eq!(own.weights[place], all.at_epoch(first.epoch)?.weights[place]);
        }
    }
    let measured = Sharpness::full(1e-3).quiet().by_epoch(&net, &data, &there.study())?;
    let way = pair.study().way_down(&measured)?;
    let epochs = there.regimes().into_iter().flat_map(|regime| regime.runs.iter().map(|run| run.last().epoch));
    assert_eq!(way.points.iter().map(|point| point.row.epoch).collect::<Vec<_>>(), epochs.collect::<Vec<_>>());
    assert!(way.points.iter().any(|point| point.row.epoch < 6), "none before the end: {way:?}");
    // Without them they are trials of one regime like any others.
    let beside = Sharpness::full(1e-3).quiet().pair(&net, &data, &there)?;
    assert!(beside.maxima.iter().all(|maximum| maximum.epoch.is_none()));
    assert_eq!(beside.contrasts(sharp_minima::Reading::Largest).len(), 1);
    let error = there.small.as_accurate_as(0.5).expect_err("read already").to_string();
    assert!(error.ends_with("but these trials are read each after an epoch of its own"), "{error}");
    // Some of the points that were kept.
    let some = pair.study().after_epochs(&[5, 2])?;
    assert_eq!((some.regimes[0].epochs(), &some.regimes[1].regime), (vec![2, 5], &pair.large.regime));
    let measured = Sharpness::full(1e-3).quiet().iterates(&net, &data, &some)?;
    let epochs: Vec<_> = measured.maxima.iter().map(|maximum| maximum.epoch).collect();
    assert_eq!(epochs, [2, 2, 2, 2, 5, 5, 5, 5].map(Some));
    let error = adam().pair(&net, &data, 10, 100)?.at_equal_distance().expect_err("nothing kept").to_string();
    assert!(error.contains("needs a point kept after an epoch"), "{error}");
    Ok(())
}
