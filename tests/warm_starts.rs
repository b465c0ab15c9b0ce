//! Warm starts: each run is that of its own start by hand, its controls are the rows of as many epochs, and what is tested is
//! trials.

use sharp_minima::{
    Beside, Dataset, Epoch, Error, Net, Outcome, Paired, Reading, Recorded, Role, Sharpness, Study, Training, Trials,
    WarmPoint, WarmStarts, data, verdict, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn plain() -> Training {
    Training::adam().trials(3).quiet()
}

/// Four starts, and the plain large batch beside them, for as many epochs in all and for as many steps.
fn study() -> sharp_minima::Result<(Net, Dataset, Trials, Study)> {
    let data = data::digits().first(300, 200)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let small = plain().regime("small").role(Role::Small).batch(20).epochs(7).iterates(&[0, 1, 2, 4]);
    let small = small.run(&net, &data)?;
    let cold = plain().regime("large").role(Role::Large).batch(100).epochs(7).run(&net, &data)?;
    // 15 steps an epoch of the small batch, 3 of the large one: four of those and three of these are 69 steps.
    let long = plain().regime("large, longer").role(Role::Large).batch(100).epochs(23).run(&net, &data)?;
    let study = plain().batch(100).epochs(3).warm_starts(&net, &data, &small)?.with(&cold).with(&long);
    Ok((net, data, small, study))
}

fn measure() -> Sharpness {
    Sharpness::full(1e-3).thorough().starts(0).quiet()
}

/// A row but for its seconds.
fn same(row: Epoch) -> Epoch {
    Epoch { seconds: 0.0, ..row }
}

#[test]
fn each_point_is_a_run_from_its_own_start() -> Done {
    let (net, data, small, study) = study()?;
    let warm = study.warm_starts(None)?;
    assert_eq!((warm.starts(), warm.points.len(), warm.small, warm.large), (vec![0, 1, 2, 4], 12, 20, 100));
    // By hand: from the point after epoch 2, step by step, with an optimizer that remembers nothing.
    let from = small.at_epoch(2)?;
    let mut descent = plain().batch(100).epochs(3).starting_at(&from).begin(&net, &data, 1)?;
    while descent.epoch() < 3 {
        descent.step(&data)?;
    }
    assert_eq!(descent.weights()?, study.named("from epoch 2")?.weights[1]);
    let point = warm.at(2).nth(1).ok_or("no such point")?;
    assert_eq!((point.trial, point.epochs_in_all()), (1, 5));
    assert_eq!(point.before, small.regime.runs[1].trace[2]);
    assert_eq!(&point.after, study.named("from epoch 2")?.regime.runs[1].last());
    assert_eq!(point.going_on, Some(small.regime.runs[1].trace[5]));
    assert_eq!(point.plain, Some(study.named("large")?.regime.runs[1].trace[5]));
    // 39 steps in all, at the end of epoch 13; a start at x₀ has taken no other steps than its own.
    assert_eq!(point.as_many_steps, Some(study.named("large, longer")?.regime.runs[1].trace[13]));
    assert_eq!((point.steps_in_all(), warm.points[0].as_many_steps), (39, warm.points[0].plain));
    // A start at x₀ is the plain large batch.
    for cold in warm.at(0) {
        let row = study.named("large")?.regime.runs[cold.trial].trace[3];
        assert_eq!((same(cold.after), cold.before.steps), (same(row), 0));
    }
    Ok(())
}

#[test]
fn what_is_tested_is_trials() -> Done {
    let (net, data, _, study) = study()?;
    let maxima = measure().study(&net, &data, &study)?;
    let warm = study.warm_starts(Some(&maxima))?;
    // The measures of the small batch and of the plain large one are no warm ends.
    assert_eq!((maxima.maxima.len(), warm.points.iter().filter(|point| point.largest.is_some()).count()), (21, 12));
    // The plain large batch was measured after its seven epochs, four and three, and after as many steps; the small one too.
    let measured = |of: fn(&WarmPoint) -> Option<f64>| {
        let points = warm.points.iter().filter(|point| of(point).is_some());
        points.map(|point| point.epochs).collect::<Vec<usize>>()
    };
    assert_eq!(measured(|point| point.plain_largest), [4, 4, 4]);
    assert_eq!(measured(|point| point.as_many_steps_largest), [4, 4, 4]);
    assert_eq!(measured(|point| point.going_on_largest), [4, 4, 4]);
    let own = |name: &str, trial: usize| {
        maxima.maxima.iter().find(|it| it.regime.as_deref() == Some(name) && it.trial == Some(trial))
    };
    for point in &warm.points {
        let maximum = own(&format!("from epoch {}", point.epochs), point.trial).ok_or("no measure")?;
        assert_eq!((point.largest, point.from_zero), (Some(maximum.phi()), Some(maximum.searches[0].phi)));
    }
    // Slopes at epochs 1, 2 and 4, which are 0, 1 and 2 doublings: half of the last minus the first.
    let at = |epochs, trial: usize| warm.at(epochs).nth(trial).ok_or("no such point");
    let (mut slopes, mut factors, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for trial in 0..3 {
        let test = |epochs| at(epochs, trial).map(|point| 100.0 * point.after.test_accuracy);
        slopes.push(((test(4)? - test(1)?) / 2.0, 0.0));
        let phi = |epochs| at(epochs, trial)?.largest.ok_or("no φ").map(f64::ln);
        factors.push(((phi(4)? - phi(1)?) / 2.0, 0.0));
        pairs.push((test(4)?, test(0)?));
    }
    let near =
        |one: Paired, other: Paired| (one.difference - other.difference).abs() < 1e-12 && one.count == other.count;
    assert!(near(warm.gain()?, Paired::test(&slopes, 1)?));
    assert!(near(warm.change(Reading::Largest)?, Paired::test(&factors, 1)?));
    assert!(near(warm.against(Beside::Start)?, Paired::test(&pairs, 1)?));
    for (other, name) in [
        (Beside::Plain, "large"),
        (Beside::Steps, "large, longer"),
        (Beside::Small, "small"),
        (Beside::Start, "from epoch 0"),
    ] {
        let ends = (0..3).map(|trial| Some((at(4, trial).ok()?.largest?.ln(), own(name, trial)?.phi().ln())));
        let ends: Vec<(f64, f64)> = ends.collect::<Option<_>>().ok_or("no measure")?;
        assert!(near(warm.sharpness_against(other)?, Paired::test(&ends, 1)?), "{name}");
    }
    let long = study.named("large, longer")?;
    let steps =
        (0..3).map(|trial| Ok((at(4, trial)?.after.test_accuracy, long.regime.runs[trial].last().test_accuracy)));
    let steps: Vec<(f64, f64)> = steps.collect::<Result<_, &str>>()?;
    let steps: Vec<(f64, f64)> = steps.iter().map(|(one, other)| (100.0 * one, 100.0 * other)).collect();
    assert!(near(warm.against(Beside::Steps)?, Paired::test(&steps, 1)?));
    // Each start can be judged as the latest one is.
    let before = (0..3).map(|trial| {
        let point = at(2, trial)?;
        Ok((100.0 * point.after.test_accuracy, 100.0 * point.before.test_accuracy))
    });
    let before: Vec<(f64, f64)> = before.collect::<Result<_, &str>>()?;
    let second = warm.up_to(2)?;
    assert_eq!((second.starts(), second.points.len()), (vec![0, 1, 2], 9));
    assert!(near(second.against(Beside::Before)?, Paired::test(&before, 1)?));
    assert_eq!(warm.up_to(4)?, warm);
    let error = warm.up_to(3).expect_err("nothing started there").to_string();
    assert!(error.contains('3') && error.contains("[0, 1, 2, 4]"), "{error}");
    let table = warm.differences().text;
    let row = table.lines().find(|line| line.trim_start().starts_with("2 ")).ok_or("no row")?;
    assert!(row.contains(&second.against(Beside::Before)?.text()), "{table}");
    assert!(row.contains(&second.against(Beside::Steps)?.text()), "{table}");
    assert!(!table.contains("–"), "every start has each control: {table}");
    let frame = warm.frame()?;
    assert_eq!((frame.height(), frame.column("sharpness")?.f64()?.get(0)), (12, warm.points[0].largest));
    let (chart, text) = (warm.chart()?, warm.block().text);
    assert!(chart.svg.contains("where the large batch ends") && chart.words.contains("warm start"));
    assert!(text.contains("from epoch 4, minus the small batch, as many epochs in all"), "{text}");
    Ok(())
}

#[test]
fn a_record_gives_the_same_points_and_verdict() -> Done {
    let (net, data, _, study) = study()?;
    let maxima = measure().study(&net, &data, &study)?;
    let warm = study.warm_starts(Some(&maxima))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.jsonl");
    study.recorded().with_maxima(&maxima).save(&path)?;
    let recorded = Recorded::load(&path)?;
    assert_eq!(recorded.warm_starts()?, warm);
    let comparison = verdict::warm_starts(Some(&recorded), Some(&warm))?;
    assert_eq!(comparison.verdicts.len(), 8);
    for verdict in &comparison.verdicts {
        assert_eq!(
            (verdict.recorded.outcome, &verdict.recorded.evidence()),
            (verdict.live.outcome, &verdict.live.evidence())
        );
    }
    let alone = verdict::warm_starts(None, Some(&warm))?;
    assert!(alone.verdicts.iter().all(|verdict| verdict.recorded.outcome == Outcome::NotTested));
    // What was not measured is not judged, and the rest is.
    let bare = study.warm_starts(None)?;
    let bare = verdict::warm_starts(None, Some(&bare))?;
    assert_eq!(bare.verdicts[1].live.outcome, Outcome::NotTested);
    assert_eq!(bare.verdicts[2], alone.verdicts[2]);
    let cut = verdict::warm_starts(None, Some(&WarmStarts { unmeasured: 1, ..warm }))?;
    assert_eq!(cut.verdicts[1].live.outcome, Outcome::NotTested);
    Ok(())
}

/// Trials that a budget cut short, and φ beside theirs that no search can be trusted with.
#[test]
fn what_was_cut_short_or_is_doubtful_is_said() -> Done {
    let (net, data, _, mut study) = study()?;
    let maxima = measure().study(&net, &data, &study)?;
    let mut warm = study.warm_starts(Some(&maxima))?;
    warm.points.iter_mut().for_each(|point| point.are_others_trusted = false);
    warm.failed = 1;
    let evidence = verdict::warm_starts(None, Some(&warm))?.verdicts[4].live.evidence();
    assert!(evidence.contains("12 of 12 unreliable; 1 measure failed"), "{evidence}");
    study.regimes[0].regime.runs[0].stop = sharp_minima::Stop::Budget;
    assert!(study.warm_starts(None)?.block().text.contains("; 1 cut short, the budget of seconds was used up"));
    let cut = verdict::warm_starts(None, Some(&study.warm_starts(None)?))?;
    assert!(cut.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "{:?}", cut.verdicts);
    Ok(())
}

#[test]
fn what_has_no_warm_start_is_refused() -> Done {
    let (net, data, small, study) = study()?;
    let none = plain().batch(20).epochs(1).run(&net, &data)?;
    let error = plain().batch(100).warm_starts(&net, &data, &none).expect_err("no points").to_string();
    assert!(error.contains("after which every trial kept its point"), "{error}");
    // More trials than there are points to start from: none.
    let more = plain().starting_at(&small.at_epoch(1)?).trials(4).batch(100).run(&net, &data);
    assert!(matches!(more, Err(Error::Parameter { .. })), "{more:?}");
    let cold = Study { regimes: vec![small.clone()] };
    assert!(matches!(cold.warm_starts(None), Err(Error::Data(_))), "no regime that started warm");
    // The regime that they started from must be among them.
    let orphans = Study { regimes: study.regimes[1..].to_vec() };
    assert!(matches!(orphans.warm_starts(None), Err(Error::Data(_))), "no regime that they started from");
    let other = plain().regime("other").starting_at(&small.at_epoch(1)?).batch(50).epochs(3).run(&net, &data)?;
    let error = study.with(&other).warm_starts(None).expect_err("two trainings").to_string();
    assert!(error.contains("be the same for all of them"), "{error}");
    let mixed = [measure().study(&net, &data, &study)?, Sharpness::full(5e-4).quiet().study(&net, &data, &study)?];
    let error = study.warm_starts(Some(&sharp_minima::Maxima::joined(&mixed))).expect_err("two boxes").to_string();
    assert!(error.contains("be of one kind"), "{error}");
    // One start has no slope, and it says so.
    let one = Study { regimes: vec![small, study.named("from epoch 1")?.clone()] };
    let one = one.warm_starts(None)?;
    assert!(one.gain().is_err() && one.against(Beside::Plain).is_err() && one.block().text.contains("none:"));
    Ok(())
}
