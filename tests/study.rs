//! Any number of regimes in one call: what they share, what a diverged trial takes with it (nothing), and what is refused.

use sharp_minima::polars::prelude::ChunkCompareEq;
use sharp_minima::table::AnyValue;
use sharp_minima::{
    Between, Dataset, Error, Layer, Net, Outcome, Pair, Reading, Recorded, Role, Sharpness, Stop, Study, Training,
    Work, chart, data, paper, show, verdict, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn small() -> sharp_minima::Result<(Net, Dataset)> {
    let data = data::digits().first(200, 100)?;
    Ok((zoo::f1(data.shape(), data.classes(), 0.05)?, data))
}

#[test]
fn regimes_may_differ_in_anything_and_each_has_the_bits_that_it_has_alone() -> Done {
    let (net, data) = small()?;
    let trainings = [
        Training::adam().batch(20).trials(2).epochs(2),
        Training::adam().batch(50).trials(3).epochs(3).regime("more"),
        Training::sgd(0.05, 0.9).batch(20).trials(1).epochs(2).seed(9).regime("SGD"),
    ]
    .map(Training::quiet);
    let study = Study::run(&trainings, &net, &data)?;
    let names: Vec<&str> = study.regimes().iter().map(|regime| regime.name.as_str()).collect();
    assert_eq!(names, ["batch 20", "more", "SGD"]);
    for (training, trials) in trainings.iter().zip(&study.regimes) {
        let alone = training.run(&net, &data)?;
        assert_eq!((&trials.weights, &trials.lowest), (&alone.weights, &alone.lowest));
        assert_eq!(trials.regime.recipe, *training.recipe());
    }
    assert_eq!(study.named("more")?.regime.runs.len(), 3);
    let said = study.named("less").expect_err("no such regime").to_string();
    assert_eq!(said, "name of a regime must be one of 'batch 20', 'more', 'SGD', but is 'less'");
    // 2 trials of 3 rows, 3 of 4, 1 of 3; 7 measures each.
    assert_eq!(study.frame()?.height(), (2 * 3 + 3 * 4 + 3) * 7);
    assert_eq!(study.summary()?.height(), 3 * 7);
    let svg = study.chart()?.svg;
    assert!(names.iter().all(|name| svg.contains(&format!("{name}, test"))), "{names:?}");
    let text = study.block().to_string();
    assert!(
        text.starts_with("F1 on digits: ADAM, learning rate 0.001; SGD, learning rate 0.05, momentum 0.9"),
        "{text}"
    );

    let maxima = Sharpness::full(1e-3).quiet().study(&net, &data, &study)?;
    let read: Vec<(Option<&str>, Option<usize>)> =
        maxima.maxima.iter().map(|maximum| (maximum.regime.as_deref(), maximum.trial)).collect();
    let expected = [("batch 20", 0), ("batch 20", 1), ("more", 0), ("more", 1), ("more", 2), ("SGD", 0)];
    assert_eq!(read, expected.map(|(name, trial)| (Some(name), Some(trial))));
    assert!(maxima.contrasts(Reading::Largest).is_empty(), "no regime is a side of a pair");
    assert!(maxima.chart()?.svg.contains("more, from zero"));
    Ok(())
}

/// A pair is the study of two, whatever the colors are called.
#[test]
fn a_pair_is_the_study_of_two() -> Done {
    let (net, data) = small()?;
    let training = Training::adam().trials(2).epochs(2).quiet();
    let pair = training.pair(&net, &data, 20, 100)?;
    let study = training.batches(&net, &data, &[20, 100])?;
    let weights = |study: &Study| study.regimes.iter().map(|trials| trials.weights.clone()).collect::<Vec<_>>();
    assert_eq!(weights(&pair.study()), weights(&study));
    assert_eq!(pair.regimes().map(|regime| regime.role), [Some(Role::Small), Some(Role::Large)]);
    assert_eq!(study.regimes().iter().map(|regime| regime.role).collect::<Vec<_>>(), [None, None]);
    // The small batch is blue and the large one vermilion, in whatever order they are drawn.
    let [small, large] = pair.regimes();
    let (blue, vermilion) = ("#0072B2", "#D55E00");
    for order in [[small, large], [large, small]] {
        let svg = chart::curves(&order)?.svg;
        let color_before = |text: &str| {
            let before = &svg[..svg.find(text)?];
            let stroke = before.rfind("stroke=\"#")?;
            before.get(stroke + 8..stroke + 15).map(str::to_string)
        };
        assert_eq!(color_before("small batch (20), test").as_deref(), Some(blue));
        assert_eq!(color_before("large batch (100), test").as_deref(), Some(vermilion));
    }
    Ok(())
}

/// Where the training loss is lowest: weights and rows of the same epoch.
#[test]
fn the_weights_of_the_lowest_loss_are_kept() -> Done {
    let (net, data) = small()?;
    let trials = Training::sgd(20.0, 0.0).batch(20).trials(2).epochs(60).patience(3).quiet().run(&net, &data)?;
    let lowest = trials.at_lowest();
    for (place, run) in trials.regime.runs.iter().enumerate() {
        assert_eq!(run.stop, Stop::CeasedToImprove);
        assert_eq!(run.lowest().epoch + 3, run.last().epoch);
        assert_eq!(lowest.regime.runs[place].last(), run.lowest());
        let value = trials.regime.recipe.objective.evaluate(&net, &data, &lowest.weights[place])?;
        assert_eq!((value.train.loss, value.test.accuracy), (run.lowest().train_loss, run.lowest().test_accuracy));
        assert_ne!(lowest.weights[place], trials.weights[place]);
    }
    Ok(())
}

/// Five trials of which two diverge, by a learning rate that does it.
fn two_of_five_diverge() -> Result<(Net, Dataset, Pair), Box<dyn std::error::Error>> {
    let data = data::synthetic();
    let layers = vec![Layer::Dense { outputs: 6 }, Layer::Relu, Layer::Dense { outputs: data.classes() }];
    let net = Net::new("F1", data.shape(), layers)?;
    for step in 0..400 {
        let rate = 1.02_f64.powi(step);
        let training = Training::sgd(rate, 0.9).trials(5).epochs(40).quiet();
        let large = training.clone().batch(50).run(&net, &data)?;
        if large.regime.diverged() == 2 {
            let small = Training::sgd(0.01, 0.9).trials(5).epochs(40).quiet();
            let mut pair = small.pair(&net, &data, 20, 50)?;
            (pair.large.regime.runs, pair.large.weights) = (large.regime.runs, large.weights);
            (pair.large.lowest, pair.large.regime.recipe) = (large.lowest, large.regime.recipe);
            return Ok((net, data, pair));
        }
    }
    Err("no rate lets two of five trials diverge".into())
}

#[test]
fn two_of_five_trials_diverge_and_the_others_are_there() -> Done {
    let (net, data, pair) = two_of_five_diverge()?;
    let large = &pair.large.regime;
    assert_eq!((large.runs.len(), large.diverged(), large.finite().count()), (5, 2, 3));
    for (run, x) in large.runs.iter().zip(&pair.large.weights) {
        assert!(x.is_finite(), "the last finite point");
        assert!(run.trace.iter().all(sharp_minima::Epoch::is_finite));
        let said = run.ended();
        let expected = format!("diverged in epoch {}", run.last().epoch + 1);
        assert_eq!(said, if run.is_finite() { "epoch limit".into() } else { expected });
    }
    let text = pair.block().to_string();
    assert!(text.contains("diverged in epoch") && text.contains("mean ± std of 3, 2 diverged"), "{text}");

    // The frame has all rows, the diverged with their status; the summary counts both.
    let frame = pair.frame()?;
    let rows: usize = pair.regimes().iter().flat_map(|regime| &regime.runs).map(|run| run.trace.len()).sum();
    assert_eq!(frame.height(), 7 * rows);
    let status = frame.column("status")?.str()?.equal("diverged");
    assert_eq!(frame.filter(&status)?.height(), 2 * 7);
    let summary = pair.large.summary()?;
    assert_eq!(summary.column("trials")?.get(0)?, AnyValue::UInt64(3));
    assert_eq!(summary.column("diverged")?.get(0)?, AnyValue::UInt64(2));
    let mean = large.finite().map(|run| run.last().train_loss).sum::<f64>() / 3.0;
    let AnyValue::Float64(found) = summary.column("mean")?.get(0)? else { return Err("no mean".into()) };
    assert!((found / mean - 1.0).abs() < 1e-12, "{}", show(&summary, 7));

    let svg = pair.chart()?.svg;
    assert!(svg.contains("large batch (50), test") && !svg.contains("NaN") && !svg.contains("inf"));
    let comparison = verdict::generalization_gap(&paper::table2("F1")?, None, Some(&pair))?;
    for verdict in &comparison.verdicts {
        assert!(verdict.live.evidence().ends_with("2 trials diverged and are left out"), "{}", verdict.live.evidence());
    }

    // Measures leave the two out and say so; paths join solutions of one start.
    let maxima = Sharpness::full(1e-3).quiet().pair(&net, &data, &pair)?;
    assert_eq!((maxima.maxima.len(), maxima.diverged), (8, 2));
    assert!(
        maxima.block().to_string().contains("8 measures in all; 2 left out, of trials that diverged"),
        "{}",
        maxima.block()
    );
    // Two boxes leave out two measures of each of the same trials.
    assert_eq!(sharp_minima::Maxima::joined(&[maxima.clone(), maxima]).diverged, 4);
    let paths = Between::line().points(13).quiet().pair(&net, &data, &pair)?;
    let joined: Vec<usize> = paths.paths.iter().map(|path| path.trial).collect();
    let finite: Vec<usize> = large.finite().map(|run| run.trial).collect();
    assert_eq!(joined, finite);
    assert_eq!((paths.diverged, paths.unmeasured), (2, 0));
    assert!(paths.block().to_string().contains("along 3 paths, nats; 2 left out, of trials that diverged"));
    let comparison = verdict::paths(&paper::figure3("C1")?, None, Some(&paths))?;
    let evidence = &comparison.verdicts[0].live.evidence();
    assert!(evidence.ends_with("2 paths are left out, of trials that diverged"), "{evidence}");
    // Where a budget left paths out, nothing is judged by the rest.
    let cut = sharp_minima::Paths { unmeasured: 2, ..paths.clone() };
    assert!(cut.block().to_string().contains("; 2 missing, the budget of seconds was used up; 2 left out"));
    for verdict in verdict::paths(&paper::figure3("C1")?, None, Some(&cut))?.verdicts {
        assert_eq!(verdict.live.outcome, Outcome::NotTested, "{}", verdict.live.evidence());
    }
    // A record keeps the count; one with all its paths has no line of it.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("paths.jsonl");
    let recorded = pair.recorded().with_paths(&paths);
    recorded.save(&file)?;
    assert_eq!(Recorded::load(&file)?, recorded);
    assert!(std::fs::read_to_string(&file)?.contains(r#"{"diverged":2,"kind":"paths","unmeasured":0}"#));
    recorded.with_paths(&sharp_minima::Paths { diverged: 0, ..paths.clone() }).save(&file)?;
    assert!(!std::fs::read_to_string(&file)?.contains(r#""kind":"paths""#));
    for path in &paths.paths {
        let ends = [path.loss(0.0), path.loss(1.0)];
        let of = |trials: &sharp_minima::Trials| Some(trials.regime.runs[path.trial].last().train_loss);
        assert_eq!(ends, [of(&pair.small), of(&pair.large)]);
    }
    Ok(())
}

/// A start that is no point at all: no step was taken, and the text does not blame a learning rate.
#[test]
fn a_trial_that_is_nowhere_from_the_start_says_so() -> Done {
    let (net, data) = small()?;
    let training = Training::adam().batch(20).trials(1).epochs(1).quiet();
    let mut from = training.run(&net, &data)?;
    from.weights[0] = from.weights[0].scaled(f32::MAX).scaled(f32::MAX);
    match training.clone().starting_at(&from).run(&net, &data) {
        Ok(trials) => assert_eq!(trials.regime.runs[0].ended(), "diverged at its start"),
        Err(error) => {
            assert!(!error.to_string().contains("learning rate") && error.to_string().contains("finite"), "{error}")
        }
    }
    Ok(())
}

#[test]
fn where_all_diverge_nothing_is_judged() -> Done {
    let (net, data) = small()?;
    let pair = Training::sgd(1e30, 0.0).trials(2).epochs(3).quiet().pair(&net, &data, 20, 100)?;
    assert!(pair.regimes().iter().all(|regime| regime.diverged() == 2));
    assert_eq!(pair.small.regime.runs[0].ended(), "diverged in epoch 1");
    assert_eq!(pair.summary()?.column("mean")?.get(0)?, AnyValue::Null);
    assert!(pair.block().to_string().contains("diverged in epoch 1"));
    let comparison = verdict::generalization_gap(&paper::table2("F1")?, None, Some(&pair))?;
    assert!(comparison.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested));
    let said = pair.chart().expect_err("nothing to draw").to_string();
    assert_eq!(said, "trials that did not diverge must be at least 1 in a regime that is drawn, but is 0");
    let maxima = Sharpness::full(1e-3).quiet().pair(&net, &data, &pair)?;
    assert_eq!((maxima.maxima.len(), maxima.diverged), (0, 4));
    assert!(Between::line().quiet().pair(&net, &data, &pair).is_err());
    Ok(())
}

#[test]
fn what_is_no_study_is_refused() -> Done {
    let (net, data) = small()?;
    let adam = || Training::adam().trials(1).epochs(1).batch(20).quiet();
    let said = |trainings: &[Training]| Study::run(trainings, &net, &data).expect_err("it is refused").to_string();
    assert_eq!(said(&[]), "regimes must be at least 1, but is 0");
    assert_eq!(
        said(&[adam(), adam().seed(1)]),
        "names of regimes must differ: `.regime(…)` gives one, but is twice 'batch 20'"
    );
    assert_eq!(said(&[adam(), adam().batch(0)]), "batch must lie in 1..=200, but is 0");
    assert_eq!(said(&[adam(), adam().batch(201)]), "batch must lie in 1..=200, but is 201");
    assert_eq!(said(&[adam(), adam().batch(30).trials(0)]), "trials must lie in 1..=10000, but is 0");
    let work = said(&[adam(), adam().batch(30).threads(1)]);
    assert!(work.starts_with("work of regimes side by side must be the same, but is Work {"), "{work}");
    let batches = |sizes: &[usize]| adam().batches(&net, &data, sizes).expect_err("it is refused").to_string();
    assert_eq!(batches(&[]), "regimes must be at least 1, but is 0");
    assert_eq!(batches(&[10, 10]), "names of regimes must differ: `.regime(…)` gives one, but is twice 'batch 10'");

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "text")?;
    let work = Work::new().quiet().kept_in(&file);
    let errors = [
        adam().work(&work).run(&net, &data).expect_err("a file is no folder"),
        Sharpness::full(1e-3).work(&work).at(&net, &data, &net.start(sharp_minima::Seed(0), 0)).expect_err("the same"),
        adam().work(&work).kept_in(file.join("below")).run(&net, &data).expect_err("nor is there one below it"),
    ];
    for error in errors {
        assert!(matches!(&error, Error::File { path, .. } if path.starts_with(&file)), "{error}");
    }

    // Of another net or other data: neither in one chart nor in one average.
    let own = adam().run(&net, &data)?.regime;
    let fewer = Dataset { name: "fewer digits".into(), ..data.clone() };
    let other = adam().run(&net, &fewer)?.regime;
    let text = chart::curves(&[&own, &other]).expect_err("two data sets").to_string();
    let pair = "F1 on fewer digits beside F1 on digits";
    assert_eq!(text, format!("net and data of regimes side by side must be the same, but is {pair}"));
    let narrow = adam().run(&zoo::f1(data.shape(), data.classes(), 0.1)?, &data)?.regime;
    let text = chart::curves(&[&own, &narrow]).expect_err("two widths").to_string();
    assert!(text.contains("F1 on digits (14,953 weights, 200 points) beside F1 on digits (5,"), "{text}");
    let text = chart::curves(&[&own, &own]).expect_err("one name").to_string();
    assert_eq!(text, "names of regimes side by side must differ, but is twice 'batch 20'");
    assert!(sharp_minima::table::summary(&[&own, &other]).is_ok(), "rows of a frame say what they are of");
    Ok(())
}

/// What was not measured alike is not averaged: another precision, other passes, another seed of the starts.
#[test]
fn measures_that_differ_are_not_averaged() -> Done {
    use sharp_minima::{Maxima, Objective, Passes, Precision};
    let (net, data) = small()?;
    let training = Training::adam().trials(2).epochs(2).quiet();
    let pair = training.pair(&net, &data, 20, 100)?;
    let other_seed = training.clone().seed(1).pair(&net, &data, 20, 100)?;
    let sharpness = Sharpness::full(1e-3).corners(1).quiet();
    let of = |objective: Objective| sharpness.clone().objective(objective).pair(&net, &data, &pair);
    let f = Objective::new();
    let all = Maxima::joined(&[
        of(f)?,
        of(f.precision(Precision::Double))?,
        of(f.passes(Passes::Composed))?,
        sharpness.pair(&net, &data, &other_seed)?,
    ]);
    let contrasts = all.contrasts(Reading::Largest);
    assert_eq!(contrasts.iter().map(|one| (one.small.len(), one.large.len())).collect::<Vec<_>>(), [(2, 2); 4]);
    let text = all.block().to_string();
    for kind in ["f64, fused", "f32, composed", "starts of seed 1"] {
        assert!(text.contains(kind), "{kind} is not in\n{text}");
    }
    Ok(())
}

/// Figure 4 on made-up numbers whose answers are known: a threshold at 40, φ that grows by half with each doubling.
#[test]
fn claims_about_batch_sizes_are_judged_as_the_numbers_say() -> Done {
    let (net, data) = small()?;
    let sizes = [10, 20, 40, 80, 160];
    let study = Training::adam().trials(3).epochs(1).quiet().batches(&net, &data, &sizes)?;
    let maxima = Sharpness::full(1e-3).corners(0).iterations(1).quiet().study(&net, &data, &study)?;
    let (paper, noise) = (paper::figure4("C1")?, [-0.001, 0.0, 0.001]);
    let made = |accuracy: &dyn Fn(f64) -> f64, phi: &dyn Fn(f64) -> f64| {
        let (mut study, mut maxima) = (study.clone(), maxima.clone());
        for trials in &mut study.regimes {
            let batch = trials.regime.recipe.batch as f64;
            for (run, noise) in trials.regime.runs.iter_mut().zip(noise) {
                if let Some(last) = run.trace.last_mut() {
                    last.test_accuracy = accuracy(batch) + noise;
                }
            }
        }
        for maximum in &mut maxima.maxima {
            let batch = maximum.batch.unwrap_or(1) as f64;
            let phi = phi(batch) * (1.0 + 0.01 * maximum.trial.unwrap_or(0) as f64);
            maximum.largest = maximum.value + phi / 100.0 * (1.0 + maximum.value);
            (maximum.searches[0].phi, maximum.searches[0].moved) = (phi, 1.0);
        }
        (study, maxima)
    };
    let judged = |study: &Study, maxima: &sharp_minima::Maxima| {
        let comparison = verdict::batch_size(&paper, None, Some((study, maxima)))?;
        assert!(comparison.verdicts.iter().all(|one| one.recorded.outcome == Outcome::NotTested));
        Ok::<_, Error>(comparison.verdicts.iter().map(|one| one.live.outcome).collect::<Vec<_>>())
    };
    use Outcome::{Fails, Holds, NotTested, Undecided};
    let falls = |batch: f64| 0.9 - 0.02 * (batch / 40.0).log2().max(0.0);
    let (fallen, grown) = made(&falls, &|batch| batch.powf(1.5f64.log2()));
    assert_eq!(judged(&fallen, &grown)?, [Holds, Holds, Holds, Holds]);
    let threshold = fallen.threshold()?;
    assert!((threshold.batch / 40.0 - 1.0).abs() < 0.05 && threshold.lower < 40.0 && threshold.upper > 40.0);
    assert!((threshold.slope - 0.02).abs() < 1e-3, "{threshold:?}");
    let text = verdict::batch_size(&paper, None, Some((&fallen, &grown)))?.block().to_string();
    assert!(text.contains("  500  ") && text.contains("falls past a batch of 4"), "{text}");
    assert!(text.contains("φ with each doubling") && text.contains("1.50 (1.49 to 1.51)"), "{text}");
    let (level, shrunk) = made(&|_| 0.9, &|batch| 1.0 / batch);
    assert_eq!(judged(&level, &shrunk)?, [Undecided, NotTested, Fails, Fails]);
    assert_eq!(judged(&fallen, &sharp_minima::Maxima::default())?, [Holds, Holds, NotTested, NotTested]);
    let (wild, _) = made(&|batch| if batch > 100.0 { 0.5 } else { 0.9 }, &|batch| batch);
    let missing = sharp_minima::Maxima { unmeasured: 1, ..grown.clone() };
    assert_eq!(judged(&wild, &missing)?, [NotTested; 4]);

    let chart = fallen.by_batch(&grown)?;
    for text in [
        "test accuracy, %",
        "batch size (log scale)",
        "φ, % (log scale)",
        "fitted broken stick, band: 95 % interval of its corner",
    ] {
        assert!(chart.svg.contains(text), "'{text}' is not in the chart");
    }
    assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf") && chart.words.contains("falls past a batch of"));
    assert!(!level.by_batch(&shrunk)?.svg.contains("fitted broken stick"), "no fall, no threshold");
    // Without measures accuracies alone; in two kinds of box, or twice, measures are refused.
    assert!(!fallen.by_batch(None)?.svg.contains("φ, %"));
    let mut smaller = grown.clone();
    smaller.maxima.iter_mut().for_each(|one| one.epsilon = 5e-4);
    let two = sharp_minima::Maxima::joined(&[grown.clone(), smaller]);
    assert!(fallen.by_batch(&two).expect_err("two boxes").to_string().contains("be of one kind"));
    let twice = sharp_minima::Maxima::joined(&[grown.clone(), grown.clone()]);
    assert!(fallen.by_batch(&twice).expect_err("twice").to_string().contains("be one of each trial"));

    // Too few batch sizes, measures in two kinds of box, a net that the figure has not.
    let few = Study { regimes: fallen.regimes[..3].to_vec() };
    assert!(few.threshold().is_err() && verdict::batch_size(&paper, None, Some((&few, &grown))).is_err());
    let two = sharp_minima::Maxima::joined(&[grown.clone(), Sharpness::full(5e-4).quiet().study(&net, &data, &few)?]);
    let said = verdict::batch_size(&paper, None, Some((&fallen, &two))).expect_err("two kinds of box").to_string();
    assert!(said.starts_with("boxes of a study of batch sizes must be of one kind"), "{said}");
    assert_eq!(paper::figure4("F1").expect_err("no F1").to_string(), "net of Figure 4 must be F2 or C1, but is F1");
    Ok(())
}
