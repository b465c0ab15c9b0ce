//! Distances along runs follow the laws that they are given, and the performance model is that of Appendix C.

use sharp_minima::{
    BreakEven, Dataset, Distances, Error, Net, Outcome, Pair, Paired, Reach, Recorded, Regime, Training, data, verdict,
    zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn pair() -> sharp_minima::Result<(Net, Dataset, Pair)> {
    let data = data::digits().first(300, 200)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let pair = Training::adam().trials(3).epochs(8).quiet().pair(&net, &data, 20, 100)?;
    Ok((net, data, pair))
}

/// The same regime as if its distances were those of a function of trial and steps.
fn with(regime: &Regime, distance: impl Fn(usize, f64) -> f64) -> Regime {
    let mut regime = regime.clone();
    for run in &mut regime.runs {
        for row in run.trace.iter_mut().filter(|row| row.steps > 0) {
            row.distance = distance(run.trial, row.steps as f64);
        }
    }
    regime
}

#[test]
fn a_law_is_found_where_there_is_one() -> Done {
    let (_, _, pair) = pair()?;
    let logarithm = with(&pair.small.regime, |trial, steps| 2.0 + (3.0 + trial as f64) * steps.log2());
    let power = with(&pair.large.regime, |trial, steps| 1.5 * steps.powf(0.25 + 0.05 * trial as f64));
    let distances = Distances::of(&[&logarithm, &power])?;
    for (trial, run) in distances.runs_of("small").enumerate() {
        let law = run.law.ok_or("no law")?;
        assert!((law.per_doubling - 3.0 - trial as f64).abs() < 1e-9 && law.rest_of_logarithm < 1e-9, "{law:?}");
        assert!(law.rest_of_power > 0.01, "{law:?}");
    }
    for (trial, run) in distances.runs_of("large").enumerate() {
        let law = run.law.ok_or("no law")?;
        assert!((law.power - 0.25 - 0.05 * trial as f64).abs() < 1e-6 && law.rest_of_power < 1e-6, "{law:?}");
        assert!(law.rest_of_logarithm > 0.01, "{law:?}");
    }
    // Ends by hand: 15 steps an epoch and 3, eight epochs.
    let ends = (0..3).map(|trial| {
        let far = 2.0 + (3.0 + f64::from(trial)) * 120f64.log2();
        (far.ln(), (1.5 * 24f64.powf(0.25 + 0.05 * f64::from(trial))).ln())
    });
    let expected = Paired::test(&ends.collect::<Vec<_>>(), 1)?;
    assert!((distances.ratio("small", "large")?.difference - expected.difference).abs() < 1e-12);
    assert!(distances.logarithm_over_power("small")?.lower > 0.0);
    assert!(distances.logarithm_over_power("large")?.upper < 0.0);
    let judged = verdict::distances(None, Some(&distances))?;
    assert_eq!(judged.verdicts[2].live.outcome, Outcome::Fails, "{:?}", judged.verdicts[2]);
    Ok(())
}

#[test]
fn what_shrinks_or_was_cut_short_is_not_judged() -> Done {
    let (_, _, pair) = pair()?;
    let shrinking = with(&pair.small.regime, |trial, steps| 10.0 - steps.log2() - 0.1 * trial as f64);
    let judge = |small: &Regime| -> sharp_minima::Result<Vec<String>> {
        let distances = Distances::of(&[small, &pair.large.regime])?;
        Ok(verdict::distances(None, Some(&distances))?.verdicts.iter().map(|one| one.live.evidence()).collect())
    };
    assert_eq!(judge(&shrinking)?[1], "there is a trial whose distance does not grow with its steps");
    let mut cut = pair.small.regime.clone();
    cut.runs[1].stop = sharp_minima::Stop::Budget;
    assert_eq!(judge(&cut)?, ["one trial ended because the budget of seconds was used up"; 3]);
    assert!(judge(&pair.small.regime)?.iter().all(|said| said.contains("95 % interval")));
    Ok(())
}

#[test]
fn a_range_holds_fails_or_is_undecided() -> Done {
    let (_, _, pair) = pair()?;
    let near = with(&pair.large.regime, |_, _| 2.0);
    for (ratio, spread, outcome) in [
        (5.0, 0.01, Outcome::Holds),
        (2.0, 0.01, Outcome::Fails),
        (12.0, 0.01, Outcome::Fails),
        (3.0, 0.2, Outcome::Undecided),
    ] {
        let far = with(&pair.small.regime, |trial, _| 2.0 * ratio * (1.0 + spread * trial as f64));
        let comparison = verdict::distances(None, Some(&Distances::of(&[&far, &near])?))?;
        assert_eq!(comparison.verdicts[0].live.outcome, outcome, "{ratio}");
    }
    Ok(())
}

#[test]
fn distances_are_those_of_the_traces() -> Done {
    let (_, _, pair) = pair()?;
    let distances = pair.study().distances()?;
    assert_eq!((distances.runs.len(), distances.regimes()), (6, vec!["small", "large"]));
    let run = distances.runs_of("large").nth(1).ok_or("no such run")?;
    let trace = &pair.large.regime.runs[1].trace[1..];
    assert_eq!(run.points, trace.iter().map(|row| (row.steps, row.distance)).collect::<Vec<_>>());
    assert_eq!(distances.frame()?.height(), 6 * 8);
    assert!(distances.chart()?.svg.contains("log t is straight"));
    assert!(distances.block().text.contains("distance at the end, small over large"));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.jsonl");
    pair.study().recorded().save(&path)?;
    let recorded = Recorded::load(&path)?;
    assert_eq!(recorded.distances()?, distances);
    let targets = [0.5, 0.1];
    assert_eq!(recorded.break_even(Reach::TrainLoss, &targets)?, pair.break_even(Reach::TrainLoss, &targets)?);
    for verdict in verdict::distances(Some(&recorded), Some(&distances))?.verdicts {
        assert_eq!(
            (verdict.recorded.outcome, verdict.recorded.evidence()),
            (verdict.live.outcome, verdict.live.evidence())
        );
    }
    Ok(())
}

/// An error of exactly 2 % is 2 %, though 1 − 0.98 is a little more.
#[test]
fn a_target_is_reached_where_it_is_met() -> Done {
    let (_, _, pair) = pair()?;
    let at = |regime: &Regime| {
        let mut regime = regime.clone();
        for row in regime.runs.iter_mut().flat_map(|run| &mut run.trace) {
            row.test_accuracy = if row.epoch < 5 { 0.9 } else { 0.98 };
        }
        regime
    };
    let even = BreakEven::of(&at(&pair.small.regime), &at(&pair.large.regime), Reach::TestError, &[0.02])?;
    assert!(even.points.iter().all(|point| point.small.is_some() && point.large.is_some()), "{:?}", even.points);
    Ok(())
}

/// Appendix C's example: a small batch of a tenth of the size at an efficiency of 0.2 is beaten where the large one needs at most
/// half as many iterations.
#[test]
fn the_model_is_that_of_appendix_c() -> Done {
    let (_, _, pair) = pair()?;
    // Both lose a factor of e with each epoch; the large batch has as many steps an epoch as the recipes say.
    let falling = |regime: &Regime, batch: usize, steps: usize| {
        let mut regime = regime.clone();
        regime.recipe.batch = batch;
        for run in &mut regime.runs {
            for row in &mut run.trace {
                row.steps = steps * row.epoch;
                row.train_loss = (1.0 - row.epoch as f64).exp();
                row.test_accuracy = 1.0 - 0.5 * (-(row.epoch as f64)).exp();
            }
        }
        regime
    };
    let (small, large) = (falling(&pair.small.regime, 10, 40), falling(&pair.large.regime, 100, 20));
    let targets = [0.5, (-1.5f64).exp(), 1e-9];
    let even = BreakEven::of(&small, &large, Reach::TrainLoss, &targets)?;
    let [first, second, third] = targets.map(|target| even.at(target).next().copied());
    // 1 − t / 40 = ln 0.5.
    assert!((first.and_then(|it| it.small).ok_or("none")? - 40.0 * (1.0 + 2f64.ln())).abs() < 1e-9);
    assert!((second.and_then(|it| it.large).ok_or("none")? - 20.0 * 2.5).abs() < 1e-9);
    for point in even.at(targets[0]) {
        assert!((even.efficiency(point).ok_or("none")? - 0.2).abs() < 1e-12, "half the steps, ten times the points");
    }
    assert_eq!(third.map(|it| (it.small, it.large)), Some((None, None)), "nobody came there");
    let wrong = BreakEven::of(&small, &large, Reach::TestError, &[0.1])?;
    assert!((wrong.points[0].small.ok_or("none")? - 40.0 * 5f64.ln()).abs() < 1e-9);
    assert_eq!(even.frame()?.height(), 9);
    assert!(even.block().text.contains("(0 of 3 trials)"), "{}", even.block().text);
    assert!(even.chart()?.words.contains("training loss"));
    let none = BreakEven::of(&small, &large, Reach::TrainLoss, &[1e-9])?;
    assert!(none.chart().is_err() && none.mean(1e-9).is_err());
    Ok(())
}

#[test]
fn wrong_input_is_refused() -> Done {
    let (net, data, pair) = pair()?;
    let even = |targets: &[f64]| pair.break_even(Reach::TrainLoss, targets);
    for (targets, said) in [
        (&[][..], "be at least 1"),
        (&[0.0], "be finite and above 0"),
        (&[f64::NAN], "be finite and above 0"),
        (&[0.5, 0.5], "twice 0.5"),
    ] {
        let error = even(targets).expect_err("wrong targets").to_string();
        assert!(error.contains(said), "{error}");
    }
    let swapped = BreakEven::of(&pair.large.regime, &pair.small.regime, Reach::TrainLoss, &[0.5]);
    assert!(matches!(swapped, Err(Error::Parameter { name: "small", .. })), "{swapped:?}");
    let growth = sharp_minima::Growth { every: 2, factor: 2, most: 100, rate: 1.0 };
    let growing = Training::adam().trials(1).epochs(3).batch(10).growing(growth).quiet().run(&net, &data)?;
    assert!(BreakEven::of(&growing.regime, &pair.large.regime, Reach::TrainLoss, &[0.5]).is_err());
    assert!(matches!(Distances::of(&[]), Err(Error::Data(_))));
    Ok(())
}
