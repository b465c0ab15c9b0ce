//! Sharpness along runs: each number is that of its epoch, factors are of trials, and nothing is judged that was not measured.

use sharp_minima::{
    Error, Outcome, Paired, Reading, Recorded, Sharpness, Study, Training, Trend, WayDown, data, paper, verdict, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn study() -> sharp_minima::Result<(sharp_minima::Net, sharp_minima::Dataset, Study)> {
    let data = data::digits().first(300, 200)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let training = Training::adam().trials(3).epochs(8).iterates(&[0, 1, 2, 4, 8]).quiet();
    let study = training.pair(&net, &data, 20, 100)?.study();
    Ok((net, data, study))
}

fn measure() -> Sharpness {
    Sharpness::full(1e-3).thorough().starts(0).quiet()
}

#[test]
fn each_point_is_that_of_its_epoch() -> Done {
    let (net, data, study) = study()?;
    let maxima = measure().iterates(&net, &data, &study)?;
    assert_eq!(maxima.maxima.len(), 2 * 3 * 5);
    let way = study.way_down(&maxima)?;
    assert_eq!((way.points.len(), way.regimes()), (30, vec!["small", "large"]));
    // By hand, at one of them.
    let then = study.at_epoch(4)?;
    let here = &way.points.iter().find(|it| (it.regime.as_str(), it.trial, it.row.epoch) == ("large", 2, 4));
    let here = here.ok_or("no such point")?;
    let found = measure().at(&net, &data, &then.named("large")?.weights[2])?;
    assert_eq!((here.largest, Some(here.from_zero)), (found.phi(), found.from_zero().map(|search| search.phi)));
    let gradient =
        sharp_minima::Objective::new().gradient(&net, &data.train, &then.named("large")?.weights[2])?.gradient;
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((here.gradient_norm.ok_or("no norm")? / norm - 1.0).abs() < 1e-9);
    assert_eq!(here.row, *then.named("large")?.regime.runs[2].last());
    // The factor of a trial is the trend of its points, the start left out; trials are what is averaged.
    let own: Vec<(f64, f64)> = way
        .points
        .iter()
        .filter(|point| point.regime == "small" && point.trial == 1 && point.row.epoch > 0)
        .map(|point| (1.0 / point.row.train_loss, point.largest))
        .collect();
    let factors = way.factors("small", Reading::Largest);
    assert_eq!(factors[1], (1, Trend::of(&own)?.factor));
    let logarithms: Vec<(f64, f64)> = factors.iter().map(|(_, factor)| (factor.ln(), 0.0)).collect();
    assert_eq!(way.change("small", Reading::Largest)?, Paired::test(&logarithms, 1)?);
    let nearest = way.where_accuracy("large", 0.9);
    assert_eq!(nearest.len(), 3);
    for point in nearest {
        let others = way.points.iter().filter(|other| other.regime == "large" && other.trial == point.trial);
        let away = |point: &sharp_minima::WayPoint| (point.row.train_accuracy - 0.9).abs();
        assert!(others.filter(|other| other.row.epoch > 0).all(|other| away(other) >= away(point)));
    }
    let frame = way.frame()?;
    assert_eq!(frame.height(), 30);
    assert_eq!(frame.column("sharpness")?.f64()?.get(0), Some(way.points[0].largest));
    let chart = way.chart()?;
    assert!(chart.svg.contains("largest of all searches") && chart.words.contains("small and large"));
    assert!(way.block().text.contains("with each halving of the training loss"));
    // Through two points goes every line.
    let ends = [study.at_epoch(1)?, study.at_epoch(8)?];
    let ends =
        ends.iter().map(|there| measure().study(&net, &data, there)).collect::<sharp_minima::Result<Vec<_>>>()?;
    let few = study.way_down(&sharp_minima::Maxima::joined(&ends))?;
    assert_eq!((few.points.len(), few.factors("small", Reading::Largest)), (12, Vec::new()));
    assert!(!few.block().text.contains("with each halving"), "{}", few.block());
    Ok(())
}

#[test]
fn a_record_gives_the_same_way_and_verdict() -> Done {
    let (net, data, study) = study()?;
    let maxima = measure().iterates(&net, &data, &study)?;
    let way = study.way_down(&maxima)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.jsonl");
    study.recorded().with_maxima(&maxima).save(&path)?;
    let recorded = Recorded::load(&path)?;
    assert_eq!(recorded.way_down()?, way);
    let (accuracies, sharpness) = (paper::table2("F1")?, paper::table3("F1")?);
    let comparison = verdict::way_down(&accuracies, &sharpness, Some(&recorded), Some(&way))?;
    assert_eq!(comparison.verdicts.len(), 4);
    for verdict in &comparison.verdicts {
        assert_eq!(
            (verdict.recorded.outcome, &verdict.recorded.evidence()),
            (verdict.live.outcome, &verdict.live.evidence())
        );
    }
    let text = comparison.block().text;
    assert!(text.contains("205.14 ± 69.52") && text.contains("φ there, %, from zero, large batch"), "{text}");
    let alone = verdict::way_down(&accuracies, &sharpness, None, Some(&way))?;
    assert!(alone.verdicts.iter().all(|verdict| verdict.recorded.outcome == Outcome::NotTested));
    // A budget leaves measures out, and they are counted: nothing is judged then.
    let few = measure().seconds(1e-9).iterates(&net, &data, &study)?;
    assert_eq!((few.maxima.len(), few.unmeasured), (0, 30));
    let cut = WayDown { unmeasured: 2, ..way };
    let cut = verdict::way_down(&accuracies, &sharpness, None, Some(&cut))?;
    assert!(cut.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "{:?}", cut.verdicts);
    Ok(())
}

#[test]
fn what_has_no_way_is_refused() -> Done {
    let (net, data, study) = study()?;
    let none = Training::adam().trials(1).epochs(1).quiet().pair(&net, &data, 20, 100)?.study();
    let error = measure().iterates(&net, &data, &none).expect_err("no points").to_string();
    assert!(error.contains("needs an epoch after which every trial kept its point"), "{error}");
    let ends = measure().study(&net, &data, &study)?;
    assert!(matches!(study.way_down(&ends), Err(Error::Data(_))), "ends are no way");
    let one = study.at_epoch(2)?;
    let mixed = [measure().study(&net, &data, &one)?, Sharpness::full(5e-4).quiet().study(&net, &data, &one)?];
    let error = study.way_down(&sharp_minima::Maxima::joined(&mixed)).expect_err("two boxes").to_string();
    assert!(error.contains("be of one kind"), "{error}");
    // The largest of two searches beside the one of one.
    let searches = [mixed[0].clone(), Sharpness::full(1e-3).quiet().study(&net, &data, &one)?];
    let error = study.way_down(&sharp_minima::Maxima::joined(&searches)).expect_err("other searches").to_string();
    assert!(error.contains("(L-BFGS-B from zero; 10 iterations") && error.contains("be of one kind"), "{error}");
    // With one epoch there is no trend, and none is shown.
    let way = study.way_down(&mixed[0])?;
    assert!(way.change("small", Reading::Largest).is_err());
    assert!(!way.block().text.contains("with each halving"));
    Ok(())
}

/// Numbers where the training accuracy is the paper's, against the paper's: the interval is Welch's, of logarithms.
#[test]
fn the_papers_numbers_are_set_against_the_trials() -> Done {
    let (net, data, mut study) = study()?;
    // As if the last epochs had the paper's training accuracies.
    for (trials, asked) in study.regimes.iter_mut().zip([0.9966, 0.9992]) {
        for row in trials.regime.runs.iter_mut().filter_map(|run| run.trace.last_mut()) {
            row.train_accuracy = asked;
        }
    }
    let boxes = [
        measure().iterates(&net, &data, &study)?,
        Sharpness::full(5e-4).quiet().iterates(&net, &data, &study)?,
        Sharpness::subspace(1e-3, 100).quiet().iterates(&net, &data, &study)?,
    ];
    let maxima = sharp_minima::Maxima::joined(&boxes);
    assert!(study.way_down(&maxima).is_err(), "three kinds of box are not one way");
    // Whatever the order in which they were measured, the full space is judged first, and the larger box.
    let turned = boxes.iter().rev().cloned().collect::<Vec<_>>();
    let turned = study.ways_down(&sharp_minima::Maxima::joined(&turned))?;
    let claims = |ways: &[WayDown]| {
        let judged = verdict::operating_point("F1", None, ways);
        judged.map(|judged| judged.verdicts.into_iter().map(|one| one.claim).collect::<Vec<String>>())
    };
    assert_eq!(claims(&turned)?, claims(&study.ways_down(&maxima)?)?);
    assert!(
        claims(&turned)?[3].starts_with("Large batch, full space, ε = 1e-3")
            && turned[0].space != boxes[0].maxima[0].space
    );
    let ways = study.ways_down(&maxima)?;
    assert_eq!((ways.len(), ways[0].clone()), (3, study.way_down(&boxes[0])?));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.jsonl");
    study.recorded().with_maxima(&maxima).save(&path)?;
    let recorded = Recorded::load(&path)?;
    assert_eq!(recorded.ways_down()?, ways);
    let comparison = verdict::operating_point("F1", Some(&recorded), &ways)?;
    assert_eq!(comparison.verdicts.len(), 12, "the gap, two accuracies; and in three boxes the ratio and two sizes");
    for verdict in &comparison.verdicts {
        assert_eq!(
            (verdict.recorded.outcome, &verdict.recorded.evidence()),
            (verdict.live.outcome, &verdict.live.evidence())
        );
    }
    let text = comparison.block().text;
    assert!(text.contains("Large batch, random subspace, p = 100, ε = 1e-3: φ is the paper's 9.22 "), "{text}");
    // As if the trials had the paper's numbers, and as if they were ten times as large.
    let as_if = |factor: f64| {
        let mut way = WayDown { data: "MNIST".into(), ..ways[0].clone() };
        for point in &mut way.points {
            let printed = if point.regime == "small" { 1.0 } else { 187.0 };
            point.from_zero = factor * printed * (0.05 * (point.trial as f64 - 1.0)).exp();
        }
        verdict::operating_point("F1", None, &[way]).map(|comparison| comparison.verdicts)
    };
    let (same, tenfold) = (as_if(1.0)?, as_if(10.0)?);
    assert_eq!(same[5].live.outcome, Outcome::Holds, "{:?}", same[5]);
    assert_eq!((tenfold[4].live.outcome, tenfold[5].live.outcome), (Outcome::Fails, Outcome::Fails), "{tenfold:?}");
    // The paper's accuracies are those of its own data.
    for verdict in [&comparison.verdicts[1..3], &comparison.verdicts[4..6]].concat() {
        assert_eq!(verdict.live.outcome, Outcome::NotTested);
        assert!(verdict.live.evidence().contains("not on MNIST"), "{verdict:?}");
    }
    let accurate = |test: [f64; 2]| {
        let mut way = WayDown { data: "MNIST".into(), ..ways[0].clone() };
        for point in &mut way.points {
            point.row.test_accuracy =
                if point.regime == "small" { test[0] } else { test[1] } + 1e-4 * (point.trial as f64 - 1.0);
        }
        verdict::operating_point("F1", None, &[way])
            .map(|judged| [1, 2].map(|place| judged.verdicts[place].live.clone()))
    };
    // SciPy 1.17, ttest_ind_from_stats(98.03, 0.01, 3, 98.03, 0.07, 5, equal_var=False): 0 ± 0.086 lies within ±0.11, and 0.30 ± 0.086
    // outside.
    let [small, large] = accurate([0.9803, 0.9811])?;
    assert_eq!((small.outcome, large.outcome), (Outcome::Holds, Outcome::Fails), "{small:?} {large:?}");
    // 187 times in three trials that scatter alike.
    for one in [&same[3].live, &tenfold[3].live] {
        assert!(one.outcome == Outcome::Holds && one.evidence().contains("times 190 ("), "{one:?}");
    }
    // Of the gap the same test as of any: Welch's, of the points' rows.
    let tests = ["small", "large"].map(|name| {
        let asked = if name == "small" { 0.9966 } else { 0.9992 };
        let there = ways[0].where_accuracy(name, asked);
        there.iter().map(|point| 100.0 * point.row.test_accuracy).collect::<Vec<f64>>()
    });
    let welch = sharp_minima::Welch::test(&tests[0], &tests[1])?;
    let said = format!("{:+.2} points (95 % interval {:+.2} to {:+.2}", welch.difference, welch.lower, welch.upper);
    assert!(same[0].live.evidence().contains(&said), "{said}: {:?}", same[0]);
    let none = verdict::operating_point("F1", None, &[]);
    assert!(matches!(none, Err(Error::Parameter { name: "ways down", .. })));
    assert!(verdict::operating_point("F1", None, &[ways[0].clone(), ways[0].clone()]).is_err());
    assert!(verdict::operating_point("F7", None, &ways).is_err());
    // Another net than the row's; trials that never come to the paper's accuracy; and measures that are missing.
    let other = WayDown { net: "C1".into(), ..ways[0].clone() };
    let (accuracies, sharpness) = (paper::table2("F1")?, paper::table3("F1")?);
    assert!(verdict::operating_point("F1", None, std::slice::from_ref(&other)).is_err());
    assert!(verdict::way_down(&accuracies, &sharpness, None, Some(&other)).is_err());
    let mut early = ways[0].clone();
    early.points.retain(|point| point.row.train_accuracy < 0.98);
    let judged = verdict::operating_point("F1", None, &[early.clone()])?;
    assert!(judged.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "{judged:?}");
    assert_eq!(
        verdict::way_down(&accuracies, &sharpness, None, Some(&early))?.verdicts[3].live.outcome,
        Outcome::NotTested
    );
    for cut in [WayDown { cut: 1, ..ways[0].clone() }, WayDown { unmeasured: 1, ..ways[0].clone() }] {
        let judged = verdict::operating_point("F1", None, &[cut])?;
        assert!(judged.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "{judged:?}");
    }
    let mut doubtful = WayDown { failed: 2, ..ways[0].clone() };
    doubtful.points.iter_mut().for_each(|point| point.is_from_zero_trusted = false);
    let evidence = verdict::operating_point("F1", None, &[doubtful])?.verdicts[3].live.evidence();
    assert!(evidence.contains("6 of 6 unreliable") && evidence.contains("2 measures failed"), "{evidence}");
    Ok(())
}
