//! Every number in the text of a notebook is shown by its cells (or by those of a notebook that the paragraph links to), is printed
//! in the paper, follows from numbers that are shown, or is computed here or in `notebooks.rs` from a record. A run that changes
//! an output, or a record that is made anew, fails here where the text still has the old number.
//!
//! A number counts as shown where one that is shown rounds to it: "2.8 points" for 2.78. That a small number is shown somewhere by
//! chance cannot be excluded; counts up to twelve and years are not looked at.

use std::collections::HashMap;
use std::path::Path;

use regex::Regex;
use serde_json::Value;
use sharp_minima::{Ranks, Reading, Recorded, paper};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// What is known from elsewhere, with where.
const KNOWN: [(f64, &str); 11] = [
    (60_000.0, "points of MNIST"),
    (50_000.0, "points of CIFAR-10"),
    (1_797.0, "digits"),
    (1_437.0, "digits of the training split"),
    (360.0, "digits of the test split"),
    (300.0, "points of the tour's own data"),
    (512.0, "width of F1"),
    (256.0, "the paper's small batch"),
    (9_999.0, "permutations, `sharp_minima::threshold`"),
    (168_160.0, "models of Shallue et al. 2019"),
    (35.0, "their workloads"),
];

/// What `notebooks.rs` computes from a record and finds in the text of one notebook.
const TESTED: [(&str, f64); 2] = [("04", 0.27), ("04", 0.75)];

/// A number that follows from others: the notebook, the number, those that it is computed from as they are shown, and how.
type Follows = (&'static str, &'static str, &'static [&'static str], fn(&[f64]) -> f64);

/// Test accuracy, then φ, of the large-batch arms of 09 on the pictures of clothing that ran to the end.
const ENDED: [&str; 16] = [
    "83.98 ±", "84.64 ±", "85.59 ±", "85.55 ±", "85.26 ±", "84.53 ±", "83.62 ±", "84.27 ±", "42.23", "19.84", "9.433",
    "7.330", "5.295", "25.70", "57.97", "43.54",
];

/// Test accuracy, then tr Σ, of all arms there.
const ALL: [&str; 22] = [
    "84.68 ±", "83.98 ±", "84.64 ±", "85.59 ±", "85.55 ±", "85.26 ±", "84.53 ±", "83.62 ±", "84.27 ±", "84.15 ±",
    "85.37 ±", "195.4", "702.2", "346.3", "139.7", "144.2", "103.0", "413.6", "999.9", "426.7", "398.3", "76.49",
];

/// Rank correlation of the first half with the second.
fn order(of: &[f64]) -> f64 {
    let (one, other) = of.split_at(of.len() / 2);
    let pairs: Vec<(f64, f64)> = one.iter().copied().zip(other.iter().copied()).collect();
    Ranks::of(&pairs).map_or(f64::NAN, |ranks| ranks.correlation)
}

/// φ and f of one arm, then of another: how far the loss rises at the one over that at the other.
fn rise(of: &[f64]) -> f64 {
    of[0] * (1.0 + of[1]) / (of[2] * (1.0 + of[3]))
}

/// Numbers that follow from what is shown.
const FOLLOWING: &[Follows] = &[
    ("00", "0.28", &["360"], |of| 100.0 / of[0]),
    // Epochs beside epochs; and in batches of 144 and 32 of 1,437 points, 10 and 45 steps an epoch.
    ("01", "3.5", &["147.6", "42.4"], |of| of[0] / of[1]),
    ("01", "1480", &["147.6"], |of| 10.0 * of[0]),
    ("01", "1910", &["42.4"], |of| 45.0 * of[0]),
    ("01", "70", &["+1.92", "+0.58"], |of| 100.0 * (1.0 - of[1] / of[0])),
    ("01", "55", &["+1.84", "+0.82"], |of| 100.0 * (1.0 - of[1] / of[0])),
    // Binomial standard errors, in points.
    ("01", "0.14", &[], |_| 100.0 * (0.98 * 0.02 / 10_000.0_f64).sqrt()),
    ("01", "1.25", &[], |_| 100.0 * (0.94 * 0.06 / 360.0_f64).sqrt()),
    ("03", "16", &["0.59 ± 0.17"], |of| paper::TABLE_4[0].large.mean / of[0]),
    ("03", "190", &["0.048 ± 0.019"], |of| paper::TABLE_4[0].large_half.mean / of[0]),
    ("03", "2.7", &["31.5767", "11.4877"], |of| of[0] / of[1]),
    ("03", "4.2", &["60.8769", "14.3599"], |of| of[0] / of[1]),
    ("03", "145", &["2078.4662", "14.3599"], |of| of[0] / of[1]),
    // φ of conservative training over that of the small batch, geometric means.
    ("08", "7.7", &["295.4", "38.19"], |of| of[0] / of[1]),
    // Twenty epochs of 6,000 points in batches of 64, twenty of a tenth of them: ten steps an epoch.
    ("05", "2080", &[], |_| 20.0 * (6_000.0_f64 / 64.0).ceil() + 200.0),
    ("05", "208", &[], |_| (20.0 * (6_000.0_f64 / 64.0).ceil() + 200.0) / 10.0),
    // Ten epochs of 60,000 points in batches of 256, against ten steps an epoch.
    ("10", "235", &[], |_| 10.0 * (60_000.0_f64 / 256.0).ceil() / 10.0),
    // Three inner steps for each of 900 batches.
    ("10", "2700", &["900"], |of| 3.0 * of[0]),
    ("10", "77", &["+1.51", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "65", &["+1.26", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "56", &["+1.09", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "48", &["+0.94", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "40", &["+0.78", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "39", &["+0.76", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "38", &["+0.75", "+1.95"], |of| 100.0 * of[0] / of[1]),
    ("10", "21", &["+0.40", "+1.95"], |of| 100.0 * of[0] / of[1]),
    // The rise of the loss itself: φ without the metric's division by 1 + f, augmented over plain.
    ("07", "0.71", &["17.56", "0.8255", "41.34", "0.08831"], rise),
    ("07", "1.8", &["461.7", "0.3628", "353.4", "0.001964"], rise),
    // Rank correlations with test accuracy, of the eight large-batch arms that ran to the end, and of all eleven.
    ("09", "0.88", &ENDED, |of| -order(of)),
    ("09", "0.90", &ALL, |of| -order(of)),
    // Pairs of eleven arms.
    ("09", "55", &["11 arms"], |of| of[0] * (of[0] - 1.0) / 2.0),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn record(name: &str) -> Outcome<Recorded> {
    Ok(Recorded::load(root().join("data/runs").join(name))?)
}

/// Each number in a text, as it is written without its thousands' commas, and the bytes before it.
fn numbers(text: &str) -> Outcome<Vec<(String, usize)>> {
    let number = Regex::new(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")?;
    let found = number.find_iter(text);
    Ok(found.map(|found| (found.as_str().trim_end_matches(',').replace(',', ""), found.start())).collect())
}

/// Half a unit of its last place; the zeros at the end of a whole number may be rounded ones.
fn slack(number: &str) -> Outcome<f64> {
    let (digits, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let places = match digits.split_once('.') {
        Some((_, behind)) => -i32::try_from(behind.len())?,
        None => i32::try_from(digits.len() - digits.trim_end_matches('0').len())?,
    };
    Ok(0.500_000_1 * 10f64.powi(places + exponent.parse::<i32>()?))
}

/// Whether a value is the number, as far as it is written.
fn is(number: &str, value: f64) -> Outcome<bool> {
    Ok((value - number.parse::<f64>()?).abs() <= slack(number)?)
}

/// A minus sign is no dash, and a string or a list of lines is one text.
fn joined(text: &Value) -> String {
    let text = match text {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_string(),
    };
    text.replace('−', "-")
}

/// Code and what it shows, and the paragraphs.
struct Notebook {
    shown: String,
    values: Vec<f64>,
    texts: Vec<String>,
}

fn notebooks() -> Outcome<HashMap<String, Notebook>> {
    let mut found = HashMap::new();
    for entry in std::fs::read_dir(root().join("notebooks"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "ipynb") {
            continue;
        }
        let notebook: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let (mut shown, mut texts) = (String::new(), Vec::new());
        for cell in notebook["cells"].as_array().ok_or("no cells")? {
            if cell["cell_type"] != "code" {
                texts.push(joined(&cell["source"]));
                continue;
            }
            shown += &joined(&cell["source"]);
            for output in cell["outputs"].as_array().ok_or("no outputs")? {
                shown += &[joined(&output["text"]), joined(&output["data"]["text/plain"])].join("\n");
            }
        }
        let values = numbers(&shown)?.iter().map(|(number, _)| number.parse()).collect::<Result<_, _>>()?;
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("no name")?;
        found.insert(name.to_string(), Notebook { shown, values, texts });
    }
    Ok(found)
}

/// What the paper, and Hoffer et al., print, and what is computed from it: gaps, ratios.
fn printed() -> Outcome<Vec<f64>> {
    let mut all = Vec::new();
    for row in paper::TABLE_2 {
        all.push(row.test_small.mean - row.test_large.mean);
        for one in [row.train_small, row.train_large, row.test_small, row.test_large] {
            all.extend([one.mean, one.deviation]);
        }
    }
    for row in paper::TABLE_3.iter().chain(&paper::TABLE_4) {
        for [small, large] in [[row.small, row.large], [row.small_half, row.large_half]] {
            all.extend([small.mean, small.deviation, large.mean, large.deviation, large.mean / small.mean]);
        }
    }
    for row in paper::TABLE_6.iter().chain(&paper::TABLE_7) {
        let plain = paper::table3(row.net)?;
        let sharper = row.sharpness.printed.mean;
        all.extend([sharper, sharper / plain.small.mean, sharper / plain.large.mean]);
        for cell in [row.small, row.large, row.sharpness_half] {
            all.extend([cell.printed.mean, cell.printed.deviation]);
        }
    }
    all.extend(paper::FIGURE_4.map(|figure| figure.batch));
    for row in paper::HOFFER {
        all.extend([row.small - row.large, row.rate - row.large, row.ghosts - row.large, row.adapted - row.large]);
    }
    Ok(all)
}

/// What a notebook says of a record without showing it.
fn recorded() -> Outcome<HashMap<&'static str, Vec<f64>>> {
    let ends = |values: Vec<f64>| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        [least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)]
    };
    let mut all: HashMap<&str, Vec<f64>> = HashMap::new();

    let gap = record("01_f1_mnist.jsonl")?;
    let steps = gap.pair()?.map(|regime| ends(regime.runs.iter().map(|run| run.last().steps as f64).collect()));
    all.entry("01").or_default().extend(steps.concat());

    // How far each trial's best epoch is above its last.
    for regime in gap.pair()? {
        let above = regime.runs.iter().map(|run| {
            let best = run.trace.iter().map(|row| row.test_accuracy).fold(0.0, f64::max);
            100.0 * (best - run.last().test_accuracy)
        });
        all.entry("01").or_default().extend(ends(above.collect()));
    }

    // At equal distance: the rise within half of the way and the whole of it, large over small batch.
    let equal = record("02_f1_mnist_equal.jsonl")?.paths.ok_or("no paths")?;
    for way in [0.5, 1.0] {
        let ratio = |path: &sharp_minima::Path| -> Option<f64> {
            let large = path.loss(1.0 + way)? - path.loss(1.0)?;
            Some(large / (path.loss(-way)? - path.loss(0.0)?))
        };
        let ratios = equal.paths.iter().map(ratio).collect::<Option<Vec<f64>>>().ok_or("no such point")?;
        all.entry("02").or_default().extend(ends(ratios));
    }

    let boxes = record("03_f1_mnist.jsonl")?;
    let losses = boxes
        .pair()?
        .map(|regime| regime.runs.iter().map(|run| run.last().train_loss).sum::<f64>() / regime.runs.len() as f64);
    let own = all.entry("03").or_default();
    own.extend(losses);
    // The first three trials of both, which have a control of rows scaled to length 1.
    let first = |regime: &str| -> Outcome<Vec<f64>> {
        let maxima = boxes.maxima.clone().ok_or("no sharpness")?.only(sharp_minima::Space::Full, 1e-3).maxima;
        let own = maxima.into_iter().filter(|one| one.regime.as_deref() == Some(regime) && one.trial < Some(3));
        Ok(own.map(|one| one.phi()).collect())
    };
    let three = sharp_minima::Ratio::of(&first("large")?, &first("small")?)?;
    own.extend([three.geometric, three.lower, three.upper]);
    // The large batch in the full space: ten iterations from corner to corner, thirty from zero.
    let of_large = |name: &str| -> Outcome<Vec<sharp_minima::Maximum>> {
        let maxima = record(name)?.maxima.ok_or("no sharpness")?.only(sharp_minima::Space::Full, 1e-3);
        Ok(maxima.maxima.into_iter().filter(|one| one.regime.as_deref() == Some("large")).collect())
    };
    let corners = of_large("03_f1_mnist.jsonl")?.into_iter().flat_map(|one| one.searches);
    let corners = corners.filter(|search| search.maximizer == sharp_minima::Maximizer::Corners);
    own.extend(ends(corners.map(|search| search.phi).collect()));
    let longer: Vec<f64> = of_large("03_f1_mnist_long.jsonl")?.iter().map(|one| one.searches[0].phi).collect();
    assert_eq!(longer.iter().filter(|phi| **phi > 100.0).count(), 3, "three of five get away");
    own.extend(longer);

    let sizes = record("04_f1_mnist.jsonl")?;
    for batches in [&[64, 128][..], &[2_048], &[60_000]] {
        let regimes = sizes.regimes.iter().filter(|regime| batches.contains(&regime.recipe.batch));
        let steps = regimes.flat_map(|regime| regime.runs.iter().map(|run| run.last().steps as f64));
        all.entry("04").or_default().extend(ends(steps.collect()));
    }

    let starts = record("05_f1_mnist.jsonl")?;
    let warm = starts.warm_starts()?;
    let own = all.entry("05").or_default();
    let percent = |row: Option<sharp_minima::Epoch>| row.map(|row| 100.0 * row.test_accuracy);
    // The latest start beside the one after four epochs; both batches at the end.
    let latest: Vec<_> = warm.at(100).collect();
    let fourth =
        latest.iter().zip(warm.at(4)).map(|(one, other)| (percent(Some(one.after)), percent(Some(other.after))));
    let ended = latest.iter().map(|point| (percent(point.going_on), percent(point.plain)));
    for pairs in [fourth.collect::<Vec<_>>(), ended.collect()] {
        let pairs: Option<Vec<_>> = pairs.into_iter().map(|(one, other)| one.zip(other)).collect();
        let test = sharp_minima::Paired::test(&pairs.ok_or("a trial has no pair")?, 1)?;
        own.extend([test.difference, test.lower.abs(), test.upper]);
    }
    // The small batch's mean over its trials, in each of the last ten epochs.
    let small = starts.regimes.iter().find(|regime| regime.name == "small").ok_or("no small batch")?;
    let mean = |of: &mut dyn Iterator<Item = f64>| {
        let values: Vec<f64> = of.collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let last: Vec<f64> = (101..=110)
        .map(|epoch| mean(&mut small.runs.iter().map(|run| 100.0 * run.trace[epoch].test_accuracy)))
        .collect();
    let level = mean(&mut last.iter().copied());
    own.extend(ends(last));
    own.extend([level, mean(&mut latest.iter().map(|point| 100.0 * point.after.test_accuracy)) - level]);
    // φ after four epochs, and the steps of the first four starts, of the plain large batch, and of the latest start in tens.
    let of_fourth = sharp_minima::Spread::of(&warm.at(4).filter_map(|point| point.largest).collect::<Vec<_>>())?;
    own.extend([of_fourth.mean, of_fourth.deviation]);
    own.extend(ends((1..=4).flat_map(|start| warm.at(start)).map(|point| point.steps_in_all() as f64).collect()));
    own.extend(latest.iter().flat_map(|point| point.plain).map(|row| row.steps as f64));
    own.extend(latest.iter().map(|point| point.steps_in_all() as f64 / 10.0));

    let along = record("06_f1_mnist.jsonl")?;
    let way = along.way_down()?;
    let own = record("06_f1_mnist_there.jsonl")?.ways_down()?;
    let late = way.points.iter().filter(|point| point.regime == "large" && point.row.epoch == 20);
    all.entry("06").or_default().extend(ends(late.map(|point| point.phi(Reading::Largest)).collect()));
    for (regime, epoch) in [("small", 8), ("small", 20), ("large", 20)] {
        let here = way.points.iter().filter(|point| (point.regime.as_str(), point.row.epoch) == (regime, epoch));
        all.entry("06").or_default().extend(ends(here.map(|point| point.from_zero).collect()));
    }
    // Training accuracies of the small batch from its eighth epoch on.
    let [small, _] = along.pair()?;
    let rows = small.runs.iter().flat_map(|run| run.trace.iter().filter(|row| row.epoch >= 8));
    all.entry("06").or_default().extend(ends(rows.map(|row| 100.0 * row.train_accuracy).collect()));
    for own in own.iter().filter(|way| way.space == sharp_minima::Space::Full) {
        for (regime, accuracy) in [("small", 0.9966), ("large", 0.9992)] {
            let there = own.where_accuracy(regime, accuracy).into_iter().map(|point| point.from_zero);
            all.entry("06").or_default().extend(ends(there.collect()));
        }
    }

    // Test accuracies after another epoch than the last (0: of the lowest training loss), as differences of pairs.
    let robust = record("09_f1_mnist.jsonl")?;
    let tests = |recorded: &Recorded, regime: &str, epoch: usize| -> Outcome<Vec<f64>> {
        let own = recorded.regimes().into_iter().find(|own| own.name == regime).ok_or("no regime")?;
        let rows = own.runs.iter().map(|run| {
            let lowest = run.trace[1..].iter().min_by(|a, b| a.train_loss.total_cmp(&b.train_loss));
            if epoch == 0 { lowest } else { run.trace.get(epoch) }
        });
        Ok(rows.flatten().map(|row| 100.0 * row.test_accuracy).collect())
    };
    let mean = |tests: &[f64]| tests.iter().sum::<f64>() / tests.len() as f64;
    let paired = |a: &[f64], b: &[f64]| {
        let pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
        sharp_minima::Paired::test(&pairs, 1).map(|test| [test.difference, test.lower, test.upper])
    };
    for epoch in [0, 9] {
        let [small, with_sam, large, large_sam] =
            ["small", "small batch, SAM", "large", "SAM"].map(|regime| tests(&robust, regime, epoch));
        let (small, with_sam, large, large_sam) = (small?, with_sam?, large?, large_sam?);
        let gain = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
        let own = all.entry("09").or_default();
        own.extend(paired(&with_sam, &small)?);
        own.extend(paired(&gain(&large_sam, &large), &gain(&with_sam, &small))?);
        own.push(mean(&small));
        all.entry("10").or_default().extend(paired(&small, &large)?);
    }
    let longer = tests(&gap, "small", 20)?;
    let ran: Vec<bool> = gap.pair()?[0].runs.iter().map(|run| run.trace.len() > 20).collect();
    let mut kept = ran.iter();
    let mut with_sam = tests(&robust, "small batch, SAM", 10)?;
    with_sam.retain(|_| kept.next() == Some(&true));
    assert_eq!((with_sam.len(), longer.len()), (4, 4));
    let own = all.entry("09").or_default();
    own.extend(paired(&with_sam, &longer)?);
    own.push(mean(&tests(&gap, "small", 11)?));
    let gentle = record("08_f1_mnist.jsonl")?;
    for epoch in 5..=10 {
        let found = paired(&tests(&gentle, "conservative", epoch)?, &tests(&gentle, "large", epoch)?)?;
        assert!(found[1] > 0.0, "above 0: {found:?}");
        all.entry("08").or_default().push(found[0]);
    }

    let maxima = record("08_f1_mnist.jsonl")?.maxima.ok_or("no sharpness")?;
    let plain = maxima.maxima.iter().filter(|one| matches!(one.regime.as_deref(), Some("large" | "conservative")));
    all.entry("08").or_default().extend(plain.map(|one| Reading::FromZero.of(one).0));

    let c1 = record("01_c1_cifar10.jsonl")?;
    let tests =
        c1.pair()?.map(|regime| regime.runs.iter().map(|run| 100.0 * run.last().test_accuracy).collect::<Vec<_>>());
    let welch = sharp_minima::Welch::test(&tests[0], &tests[1])?;
    let own = all.entry("12").or_default();
    own.push(welch.p);
    for recorded in [&gap, &c1] {
        let far = recorded.distances()?;
        let powers: Vec<f64> = far.runs_of("small").filter_map(|run| run.law.map(|law| law.power)).collect();
        own.push(powers.iter().sum::<f64>() / powers.len() as f64);
    }
    Ok(all)
}

/// Numbers in a paragraph that are to be found elsewhere: without code, formulas, addresses, sections and years.
fn said(text: &str) -> Outcome<Vec<(String, String)>> {
    let mut text = text.to_string();
    for (pattern, instead) in [
        (r"(?s)```.*?```", ""),
        (r"\]\([^)]*\)", "]"),
        (r"`[^`]*`", ""),
        (r"\$[^$]*\$", ""),
        (r"(arXiv |\[)\d{4}\.\d{5}", ""),
        (r"\b\d\d_[a-z0-9_]+", ""),
        (r"§[\d.]+", ""),
        (r"\b(19|20)\d\d\b", ""),
    ] {
        text = Regex::new(pattern)?.replace_all(&text, instead).replace('\n', " ");
    }
    let mut found = Vec::new();
    for (number, start) in numbers(&text)? {
        let small = number.parse::<u32>().is_ok_and(|count| count <= 12);
        if !small {
            let before: String = text[..start].chars().rev().take(60).collect();
            let behind: String = text[start..].chars().take(30).collect();
            found.push((number, before.chars().rev().chain(behind.chars()).collect()));
        }
    }
    Ok(found)
}

#[test]
fn every_number_in_the_text_of_notebooks_is_found_elsewhere() -> Outcome {
    let (notebooks, printed, recorded) = (notebooks()?, printed()?, recorded()?);
    let link = Regex::new(r"\b(\d\d_[a-z0-9_]+)\.ipynb")?;
    let mut lost = Vec::new();
    let mut used = vec![false; FOLLOWING.len()];
    let mut count = 0;
    for (name, notebook) in &notebooks {
        let short = &name[..2];
        for text in &notebook.texts {
            let linked =
                link.captures_iter(text).filter_map(|found| notebooks.get(&found[1])).flat_map(|other| &other.values);
            let mut values: Vec<f64> = notebook.values.iter().chain(linked).chain(&printed).copied().collect();
            values.extend(KNOWN.map(|(value, _)| value));
            values.extend(TESTED.iter().filter(|(of, _)| *of == short).map(|(_, value)| value));
            values.extend(recorded.get(short).into_iter().flatten());
            for (number, context) in said(text)? {
                count += 1;
                let mut found = false;
                for (place, (of, follows, from, value)) in FOLLOWING.iter().enumerate() {
                    if *of == short && *follows == number {
                        let shown = from.iter().filter(|one| notebook.shown.contains(*one));
                        let from: Vec<f64> =
                            shown.filter_map(|one| numbers(one).ok()?.first()?.0.parse().ok()).collect();
                        used[place] = from.len() == FOLLOWING[place].2.len() && is(&number, value(&from))?;
                        found |= used[place];
                    }
                }
                for value in &values {
                    found = found || is(&number, *value)?;
                }
                if !found {
                    lost.push(format!("{name}: {number} in “{context}”"));
                }
            }
        }
    }
    lost.sort();
    assert!(lost.is_empty(), "{} numbers are not shown and follow from nothing:\n{}", lost.len(), lost.join("\n"));
    assert!(count > 1_000, "only {count} numbers were looked at");
    let idle: Vec<_> = FOLLOWING.iter().zip(&used).filter(|(_, used)| !**used).map(|(one, _)| (one.0, one.1)).collect();
    assert!(idle.is_empty(), "these do not follow any more: {idle:?}");
    Ok(())
}

#[test]
fn a_number_is_found_by_rounding_and_lost_otherwise() -> Outcome {
    assert!(is("2.8", 2.78)? && is("0.28", 100.0 / 360.0)? && is("2800", 2_814.0)? && is("1e-4", 1.0e-4)?);
    assert!(!is("2.8", 2.88)? && !is("2814", 2_800.0)? && !is("97.86", 97.85)?);
    let said = said("In 2017 [1705.08741](https://x/123) §2.2: `99` of $77$, 1,234 points, −0.5 to 3e-4, 12 of them")?;
    assert_eq!(said.iter().map(|(number, _)| number.as_str()).collect::<Vec<_>>(), ["1234", "0.5", "3e-4"]);
    Ok(())
}
