//! Results: frames, charts, records and verdicts.

use sharp_minima::table::AnyValue;
use sharp_minima::{Error, Outcome, Pair, Recorded, Stop, Training, chart, data, paper, verdict, zoo};

type Done = Result<(), Box<dyn std::error::Error>>;

fn pair() -> sharp_minima::Result<Pair> {
    let data = data::synthetic();
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    Training::adam().trials(3).epochs(2).seed(5).quiet().pair(&net, &data, 20, 100)
}

/// 2 regimes · 3 trials · 3 rows · 7 measures, and the numbers are those of the trace.
#[test]
fn the_long_frame_has_a_row_for_each_measure() -> Done {
    let pair = pair()?;
    let frame = pair.frame()?;
    assert_eq!(frame.height(), 2 * 3 * 3 * 7);
    let names: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
    let expected = [
        "net",
        "data",
        "regime",
        "batch",
        "seed",
        "trial",
        "epoch",
        "split",
        "statistics",
        "chunk",
        "measure",
        "epsilon",
        "value",
        "standard_error",
        "status",
        "along",
        "draw",
        "search",
        "path",
        "alpha",
    ];
    assert_eq!(names, expected);
    let at = |name: &str, row: usize| frame.column(name).and_then(|column| column.get(row));
    // Of the last rows, of regime "large", trial 2, epoch 2, the distance stands before steps and seconds.
    let row = frame.height() - 3;
    assert_eq!(at("regime", row)?, AnyValue::String("large"));
    assert_eq!(at("trial", row)?, AnyValue::UInt64(2));
    assert_eq!(at("epoch", row)?, AnyValue::UInt64(2));
    assert_eq!(at("measure", row)?, AnyValue::String("distance"));
    assert_eq!(at("split", row)?, AnyValue::Null);
    assert_eq!(at("status", row)?, AnyValue::String("epoch limit"));
    assert_eq!(at("status", row - 7)?, AnyValue::String("running"));
    assert_eq!(at("value", row)?, AnyValue::Float64(pair.large.regime.runs[2].last().distance));
    assert_eq!(at("value", row - 1)?, AnyValue::Float64(pair.large.regime.runs[2].last().test_accuracy));

    let summary = pair.summary()?;
    assert_eq!(summary.height(), 2 * 7);
    let losses: Vec<f64> = pair.small.regime.runs.iter().map(|run| run.last().train_loss).collect();
    let mean = losses.iter().sum::<f64>() / 3.0;
    let AnyValue::Float64(found) = summary.column("mean")?.get(0)? else { return Err("no number".into()) };
    assert!((found - mean).abs() < 1e-12);
    Ok(())
}

#[test]
fn a_chart_names_its_axes_and_its_lines() -> Done {
    let pair = pair()?;
    let chart = pair.chart()?;
    for text in [
        "F1 on synthetic",
        "test %, at the end",
        "epoch",
        "accuracy, %",
        "cross-entropy, nats (log scale)",
        "small batch (20), training",
        "large batch (100), test",
        "± std of 3 trials",
    ] {
        assert!(chart.svg.contains(text), "'{text}' is not in the chart");
    }
    assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf"), "every number has a place");
    assert!(chart.svg.len() < 200_000, "{} bytes", chart.svg.len());
    assert!(pair.small.chart()?.svg.contains("small batch (20), test"));
    let folder = tempfile::tempdir()?;
    chart.save(folder.path().join("chart.svg"))?;
    assert_eq!(std::fs::read_to_string(folder.path().join("chart.svg"))?, chart.svg);
    assert!(pair.block().to_string().starts_with("F1 on synthetic: ADAM"), "a program prints the block");
    let refused = chart::curves(&[]).expect_err("nothing to draw").to_string();
    assert_eq!(refused, "trials that did not diverge must be at least 1 in a regime that is drawn, but is 0");
    Ok(())
}

/// A loss of exactly 0, one trial, one epoch: pictures that have to be drawn all the same.
#[test]
fn odd_results_are_drawn() -> Done {
    let mut pair = pair()?;
    for regime in [&mut pair.small.regime, &mut pair.large.regime] {
        regime.runs.truncate(1);
        regime.runs[0].trace.truncate(2);
        regime.runs[0].trace[1].train_loss = 0.0;
        regime.runs[0].trace[1].train_accuracy = 1.0;
        regime.runs[0].trace[1].test_accuracy = 1.0;
    }
    let svg = pair.chart()?.svg;
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    for regime in [&mut pair.small.regime, &mut pair.large.regime] {
        regime.runs[0].trace.truncate(1);
    }
    assert!(!pair.chart()?.svg.contains("NaN"));
    Ok(())
}

#[test]
fn a_record_gives_back_what_was_measured() -> Done {
    let pair = pair()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("runs/record.jsonl");
    pair.record(&path)?;
    let recorded = Recorded::load(&path)?;
    assert_eq!(recorded.pair()?, pair.regimes());
    assert_eq!(recorded.version, env!("CARGO_PKG_VERSION"));
    assert!(recorded.date.len() == 10 && recorded.seconds > 0.0);
    assert_eq!(recorded.regimes[0].runs[0].stop, Stop::Epochs);

    let study = pair.study();
    study.record(&path)?;
    assert_eq!(Recorded::load(&path)?.regimes(), study.regimes());

    let text = std::fs::read_to_string(&path)?;
    let refused = |text: &str| {
        std::fs::write(&path, text)?;
        Ok::<String, std::io::Error>(Recorded::load(&path).expect_err("it should be refused").to_string())
    };
    assert!(
        refused(&text.replace("\"format\":2", "\"format\":3"))?
            .ends_with("line 1: a record of a run has the format 2 here, but this has 3")
    );
    assert!(refused("{\n\"format\": 1\n}")?.ends_with("a record of a run has the format 2 here, but this has 1"));
    assert!(refused("{}")?.ends_with("a record of a run has the format 2 here, but this has none"));
    let altered = "line 1: the digest is not that of the file: it was altered, or a part is missing";
    assert!(refused(&text[..text.len() / 2])?.ends_with(altered));
    assert!(refused(&text.replacen("\"epoch\":1", "\"epoch\":2", 1))?.ends_with(altered));
    assert!(refused(&text.replacen(env!("CARGO_PKG_VERSION"), "9.9.9", 1))?.ends_with(altered));
    assert!(
        Recorded::load(folder.path().join("none.jsonl")).expect_err("not there").to_string().contains("none.jsonl: ")
    );
    // Each byte in turn: nothing is read as right. What is no more UTF-8 is a file that cannot be read.
    let whole = text.as_bytes();
    for place in 0..whole.len().min(3_000) {
        let mut flipped = whole.to_vec();
        flipped[place] ^= 1 << (place % 8);
        std::fs::write(&path, &flipped)?;
        assert!(Recorded::load(&path).is_err(), "byte {place}");
    }

    // What could not be read back is not written.
    let unwritten = |record: Recorded| record.save(&path).expect_err("it should be refused").to_string();
    let mut empty = pair.recorded();
    empty.regimes[0].runs.clear();
    assert_eq!(unwritten(empty), "regime 'small': it has no trials, or a trial without rows");
    let mut twice = pair.recorded();
    twice.regimes[1].name = "small".into();
    assert_eq!(unwritten(twice), "two regimes have the name 'small'");
    let mut other = pair.recorded();
    other.regimes[1].data = "digits".into();
    let said = "net and data of regimes side by side must be the same, but is F1 on digits beside F1 on synthetic";
    assert_eq!(unwritten(other), said);
    Ok(())
}

/// Verdicts on made-up accuracies, whose answers are known.
#[test]
fn claims_hold_fail_or_stay_undecided_as_the_numbers_say() -> Done {
    let mut pair = pair()?;
    let paper = paper::table2("F1")?;
    let mut judged = |small: [f64; 3], large: [f64; 3], best: f64| {
        for (regime, values) in [(&mut pair.small.regime, small), (&mut pair.large.regime, large)] {
            for (run, value) in regime.runs.iter_mut().zip(values) {
                for row in &mut run.trace {
                    (row.train_accuracy, row.test_accuracy) = (1.0, 0.5);
                }
                if let Some(last) = run.trace.last_mut() {
                    last.test_accuracy = value;
                }
            }
        }
        for run in &mut pair.large.regime.runs {
            run.trace[1].test_accuracy = best;
        }
        let verdicts = verdict::generalization_gap(&paper, None, Some(&pair))?.verdicts;
        Ok::<_, Error>([verdicts[0].live.outcome, verdicts[1].live.outcome, verdicts[2].live.outcome])
    };
    use Outcome::{Fails, Holds, Undecided};
    let (high, low, wide) = ([0.980, 0.981, 0.979], [0.970, 0.971, 0.969], [0.90, 0.99, 0.98]);
    assert_eq!(judged(high, low, 0.9)?, [Holds, Holds, Holds]);
    assert_eq!(judged(low, high, 0.9)?, [Holds, Fails, Fails]);
    assert_eq!(judged(high, wide, 0.9)?, [Holds, Undecided, Undecided]);
    assert_eq!(judged(high, low, 0.99)?, [Holds, Holds, Fails]);
    // Read at the lowest training loss, which is now that of the middle epoch, all are alike: the readings do not agree.
    for regime in [&mut pair.small.regime, &mut pair.large.regime] {
        for (trial, run) in regime.runs.iter_mut().enumerate() {
            run.trace[1].train_loss = 1e-9;
            run.trace[1].test_accuracy = 0.90 + 0.01 * trial as f64;
        }
    }
    let verdicts = verdict::generalization_gap(&paper, None, Some(&pair))?.verdicts;
    assert_eq!(verdicts[1].live.outcome, Undecided);
    let [last, lowest] = &verdicts[1].live.effects[..] else { panic!("{verdicts:?}") };
    assert_eq!((last.label.as_str(), last.outcome()), ("after the last epochs", Holds));
    assert_eq!((lowest.label.as_str(), lowest.outcome()), ("at the lowest training losses", Undecided));
    // What the paper's two means give: 98.03 − 97.81.
    assert!((last.paper.ok_or("none")? - 0.22).abs() < 1e-9 && lowest.paper.is_none());
    // The picture has a row for each effect, and says what it shows; the numbers are folded, and whole as text.
    let comparison = verdict::generalization_gap(&paper, None, Some(&pair))?;
    let chart = comparison.chart()?;
    for said in [
        "after the last epochs, live",
        "s numbers",
        "difference in percentage points: test accuracy, small − large batch",
        "+1.00 (+0.77 to",
    ] {
        assert!(chart.svg.contains(said), "{said}");
    }
    assert!(!chart.svg.contains("recorded, full scale") && chart.words.contains("+1.00 (+0.77 to +1.23)"), "{chart:?}");
    let block = comparison.block();
    assert!(block.html.contains("<details><summary>The numbers behind it</summary>") && block.html.contains("<img "));
    assert!(
        block.text.contains("The numbers behind it") && block.text.contains("1  live: 100.00 ± 0.00 % and"),
        "{}",
        block.text
    );
    let other =
        verdict::generalization_gap(&paper::table2("C1")?, None, Some(&pair)).expect_err("another net").to_string();
    assert_eq!(other, "net must be C1, as in the paper's row, but is F1");
    for run in &mut pair.large.regime.runs {
        run.trace[2].train_accuracy = 0.95;
    }
    assert_eq!(verdict::generalization_gap(&paper, None, Some(&pair))?.verdicts[0].live.outcome, Fails);
    assert_eq!(
        verdict::generalization_gap(&paper, None, Some(&pair))?.verdicts[0].recorded.outcome,
        Outcome::NotTested
    );
    assert!(paper::table2("F3").is_err());

    // The frame: 5 numbers of the paper, none recorded, 18 live; fractions. The paper's F1 is right on 99.92 % of the training points of
    // the large batch: nearer to that than to the others is the first epoch of each of its trials.
    for (place, run) in pair.large.regime.runs.iter_mut().enumerate() {
        run.trace[0].train_accuracy = 0.9992;
        run.trace[1].train_accuracy = 0.9990;
        run.trace[1].test_accuracy = 0.60 + 0.01 * place as f64;
    }
    let frame = verdict::generalization_gap(&paper, None, Some(&pair))?.frame()?;
    assert_eq!(frame.height(), 5 + 18);
    assert_eq!(frame.column("measure")?.get(5 + 11)?, AnyValue::String("accuracy_there"));
    let there = frame.column("mean")?.f64()?.get(5 + 11).ok_or("none")?;
    assert!((there - 0.61).abs() < 1e-12, "{there}");
    // A trial that has not come to within a point of it leaves its regime without that reading.
    let mut short = pair.clone();
    for row in &mut short.large.regime.runs[0].trace {
        row.train_accuracy = row.train_accuracy.min(0.98);
    }
    let short = verdict::generalization_gap(&paper, None, Some(&short))?.frame()?;
    let there = |frame: &polars::prelude::DataFrame| -> Result<usize, Box<dyn std::error::Error>> {
        let measures = frame.column("measure")?.str()?;
        Ok(measures.iter().flatten().filter(|name| name.contains("_there")).count())
    };
    assert_eq!((there(&frame)?, there(&short)?), (4, 1), "the large batch's, the gap and its p");
    assert_eq!(frame.column("mean")?.get(2)?, AnyValue::Float64(98.03 / 100.0));
    assert_eq!(frame.column("measure")?.get(4)?, AnyValue::String("gap"));
    for run in &mut pair.small.regime.runs {
        run.stop = Stop::Budget;
    }
    let verdicts = verdict::generalization_gap(&paper, None, Some(&pair))?.verdicts;
    assert!(verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "a budget cut trials short");
    Ok(())
}

/// What the paper prints stands beside our trials where net and data are its own, and nowhere else.
#[test]
fn the_papers_numbers_are_drawn_beside_its_own_experiment() -> Done {
    let recorded = sharp_minima::Recorded::load("data/runs/03_f1_mnist.jsonl")?;
    let maxima = recorded.maxima.as_ref().ok_or("no measures")?;
    assert!(recorded.chart()?.svg.contains("◇ the paper"));
    assert!(maxima.chart()?.svg.contains("s means"));
    let mut other = recorded.clone();
    other.regimes.iter_mut().for_each(|regime| regime.data = "digits".into());
    let mut elsewhere = maxima.clone();
    elsewhere.maxima.iter_mut().for_each(|maximum| maximum.data = "digits".into());
    assert!(!other.chart()?.svg.contains("◇ the paper") && !elsewhere.chart()?.svg.contains("s means"));
    Ok(())
}

/// Rows that somebody wrote by hand: an epoch that no trial can reach, losses at the end of what numbers can say, and a path to
/// infinity are drawn in no time, and have no NaN in them.
#[test]
fn charts_end_whatever_the_rows_say() -> Done {
    let mut pair = pair()?;
    let begin = std::time::Instant::now();
    for regime in [&mut pair.small.regime, &mut pair.large.regime] {
        for run in &mut regime.runs {
            let last = run.trace.len() - 1;
            run.trace[last].epoch = 1 << 31;
            (run.trace[last].train_loss, run.trace[last].test_loss) = (1.7e308, 5e-324);
        }
    }
    assert!(!pair.chart()?.svg.contains("NaN"));
    for regime in [&mut pair.small.regime, &mut pair.large.regime] {
        for row in regime.runs.iter_mut().flat_map(|run| &mut run.trace) {
            (row.train_loss, row.test_loss, row.test_accuracy) = (1.7e308, 1.7e308, 1e307);
        }
    }
    assert!(!pair.chart()?.svg.contains("NaN"));
    assert_eq!(
        sharp_minima::Spread::of(&[1.0, 2.0])?.text(1 << 20).len(),
        sharp_minima::Spread::of(&[1.0, 2.0])?.text(300).len()
    );
    let data = sharp_minima::data::digits().first(30, 10)?;
    let net = sharp_minima::zoo::f1(data.shape(), data.classes(), 0.02)?;
    let trained = Training::adam().trials(1).epochs(1).quiet().pair(&net, &data, 6, 15)?;
    let mut path = sharp_minima::Between::line().points(5).quiet().pair(&net, &data, &trained)?.paths.remove(0);
    (path.points[0].alpha, path.points[4].alpha) = (f64::NEG_INFINITY, f64::INFINITY);
    path.points[2].value.train.loss = 1.7e308;
    assert!(!path.chart()?.svg.contains("NaN"));
    // What a plain call can ask for: a line, a plane and distances that reach as far as numbers do.
    let x = &trained.small.weights[0];
    let far = sharp_minima::Between::line().points(3).alphas(f64::MIN, f64::MAX).quiet();
    assert!(!far.pair(&net, &data, &trained)?.paths[0].robust_chart(0.0)?.svg.contains("NaN"));
    let plane = sharp_minima::Plane::filters().points(3).reach(1e308).quiet().at(&net, &data, x)?;
    assert!(!plane.chart()?.svg.contains("NaN"));
    for run in pair.small.regime.runs.iter_mut().chain(&mut pair.large.regime.runs) {
        run.trace.iter_mut().for_each(|row| row.distance = 1.7e308);
    }
    assert!(!pair.study().distances()?.chart()?.svg.contains("NaN"));
    let mut spectrum = sharp_minima::Spectrum::outermost(1).steps(4).probes(1).quiet().at(&net, &data, x)?;
    (spectrum.probes[0].values[0], spectrum.probes[0].values[3]) = (-1.7e308, 1.7e308);
    assert!(!spectrum.chart()?.svg.contains("NaN"));
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    Ok(())
}

/// Every judge takes a record alone, has no column of a live run then, and refuses to judge nothing; claims of several networks are
/// gathered row by row.
#[test]
fn a_record_alone_is_judged() -> sharp_minima::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/runs");
    let load = |name: &str| Recorded::load(folder.join(name));
    let [f1, c1, paths, sharp, sizes, way, spectra, mended] = [
        "01_f1_mnist.jsonl",
        "01_c1_cifar10.jsonl",
        "02_f1_mnist.jsonl",
        "03_f1_mnist.jsonl",
        "04_f1_mnist.jsonl",
        "06_f1_mnist.jsonl",
        "11_f1_mnist.jsonl",
        "08_f1_mnist.jsonl",
    ]
    .map(load);
    let (f1, c1) = (f1?, c1?);
    let ([table2, of_c1], [table3, table4]) =
        ([paper::table2("F1")?, paper::table2("C1")?], [paper::table3("F1")?, paper::table4("F1")?]);
    let (figure3, figure4) = (paper::figure3("C1")?, paper::figure4("C1")?);
    let (sharp, way) = (sharp?, way?);
    let gap = verdict::generalization_gap(&table2, Some(&f1), None)?;
    let alone = [
        verdict::generalization_gap(&of_c1, Some(&c1), None)?,
        verdict::paths(&figure3, Some(&paths?), None)?,
        verdict::sharpness(&table3, &table4, Some(&sharp), None)?,
        verdict::batch_size(&figure4, Some(&sizes?), None)?,
        verdict::way_down(&table2, &table3, Some(&way), None)?,
        verdict::operating_point("F1", Some(&way), &[])?,
        verdict::distances(Some(&sharp), None)?,
        verdict::spectrum(Some(&spectra?), None)?,
        verdict::remedies(None, Some(&mended?), None)?,
    ];
    for one in alone.iter().chain([&gap]) {
        let text = one.block().text;
        assert!(!text.contains("live") && text.contains("recorded"), "{text}");
        assert!(one.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested));
        assert!(one.verdicts.iter().any(|verdict| verdict.recorded.outcome != Outcome::NotTested), "{text}");
    }
    let nothing = [
        verdict::generalization_gap(&table2, None, None),
        verdict::paths(&figure3, None, None),
        verdict::sharpness(&table3, &table4, None, None),
        verdict::batch_size(&figure4, None, None),
        verdict::warm_starts(None, None),
        verdict::way_down(&table2, &table3, None, None),
        verdict::operating_point("F1", None, &[]),
        verdict::distances(None, None),
        verdict::spectrum(None, None),
        verdict::remedies(None, None, None),
    ];
    for one in nothing {
        assert!(one.is_err_and(|error| error.to_string().contains("be at least 1")));
    }

    let claims = verdict::Claims::of("§2.2", "01_generalization_gap", &[&gap, &alone[0]])?;
    assert_eq!(claims.claims.len(), 3);
    assert!(claims.claims.iter().all(|claim| claim.found.len() == 2), "{claims:?}");
    let of = |claim: usize| ["F1 on MNIST", "C1 on CIFAR-10, JPEG copy"].map(|net| claims.claims[claim].outcome(net));
    assert_eq!(of(0), [Outcome::Holds, Outcome::Fails]);
    assert_eq!(of(1), [Outcome::Undecided, Outcome::Holds]);
    assert_eq!(claims.about("over-fitting").claims.len(), 1);
    assert!(verdict::Claims::of("§2.2", "01", &[]).is_err());
    let twice = verdict::Claims::of("§2.2", "01", &[&gap, &gap]).expect_err("one net twice").to_string();
    assert!(twice.contains("twice F1 on MNIST"), "{twice}");
    Ok(())
}
