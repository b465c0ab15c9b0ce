//! The sharpness of many points and the paths of many trials: side by side, kept and found again, as frames, charts, records
//! and verdicts.

use sharp_minima::landscape::Shape;
use sharp_minima::polars::prelude::AnyValue;
use sharp_minima::polars::prelude::ChunkCompareEq;
use sharp_minima::sharpness::Status;
use sharp_minima::{
    Between, Dataset, Maxima, Net, Outcome, Pair, Plane, Reading, Recorded, Sharpness, Spectra, Spectrum, Statistics,
    Training, chart, data, paper, verdict, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn trained() -> sharp_minima::Result<(Net, Dataset, Pair)> {
    let data = data::digits().first(200, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let pair = Training::adam().trials(2).epochs(6).quiet().pair(&net, &data, 20, 100)?;
    Ok((net, data, pair))
}

fn files(folder: &std::path::Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

/// All but the seconds.
fn numbers(maxima: &Maxima) -> Vec<sharp_minima::Maximum> {
    maxima.maxima.iter().map(|maximum| sharp_minima::Maximum { seconds: 0.0, ..maximum.clone() }).collect()
}

/// Side by side, by however many threads, each point has the numbers that it has alone.
#[test]
fn trials_have_the_numbers_that_they_have_alone() -> Done {
    let (net, data, pair) = trained()?;
    for sharpness in [Sharpness::full(1e-3).thorough(), Sharpness::subspace(1e-3, 7).orthonormal()] {
        let sharpness = sharpness.quiet();
        let maxima = sharpness.pair(&net, &data, &pair)?;
        assert_eq!((maxima.maxima.len(), maxima.unmeasured), (4, 0));
        for (maximum, (name, x)) in maxima.maxima.iter().zip([
            ("small", &pair.small.weights[0]),
            ("small", &pair.small.weights[1]),
            ("large", &pair.large.weights[0]),
            ("large", &pair.large.weights[1]),
        ]) {
            let alone = sharpness.at(&net, &data, x)?;
            assert_eq!(maximum.regime.as_deref(), Some(name));
            assert_eq!((maximum.largest, &maximum.searches), (alone.largest, &alone.searches));
            assert_eq!((maximum.first_order, maximum.second_order), (alone.first_order, alone.second_order));
            assert_eq!((&maximum.displacement, alone.displacement.is_some()), (&None, true));
        }
        let one_thread = sharpness.clone().threads(1).pair(&net, &data, &pair)?;
        assert_eq!(numbers(&one_thread), numbers(&maxima));
        let alone = sharpness.clone().threads(1).at(&net, &data, &pair.small.weights[0])?;
        assert_eq!(alone.searches, maxima.maxima[0].searches);
        let small = sharpness.trials(&net, &data, &pair.small)?;
        assert_eq!(numbers(&small), numbers(&maxima)[..2]);
    }
    let mut none = pair.small.clone();
    none.weights.clear();
    let said = Sharpness::full(1e-3).trials(&net, &data, &none).expect_err("no trials").to_string();
    assert_eq!(said, "sharpness needs trials with their weights, but the regime 'small' has 2 trials and 0 weights");
    let said = |sharpness: Sharpness| sharpness.pair(&net, &data, &pair).expect_err("it is refused").to_string();
    assert_eq!(said(Sharpness::full(1e-3).threads(0)), "threads must lie in 1..=1024, but is 0");
    let alone = Sharpness::full(1e-3).threads(0).at(&net, &data, &pair.small.weights[0]);
    assert_eq!(alone.expect_err("no threads").to_string(), "threads must lie in 1..=1024, but is 0");
    assert_eq!(said(Sharpness::full(1e-3).seconds(0.0)), "seconds must be finite and above 0, but is 0");
    assert_eq!(said(Sharpness::full(-1.0)), "epsilon must be finite and at least 0, but is -1");
    Ok(())
}

/// Work that was cut short goes on where it was: what is kept is found, to the bit and with its old seconds, by the same call
/// and by no other; a file that is broken is no file.
#[test]
fn interrupted_work_is_found_again() -> Done {
    let (net, data, pair) = trained()?;
    let folder = tempfile::tempdir()?;
    let sharpness = Sharpness::full(1e-3).quiet().kept_in(folder.path());
    // A budget that is used up at once: nothing is begun, and the result says so.
    let cut = sharpness.clone().seconds(1e-9).pair(&net, &data, &pair)?;
    assert_eq!((cut.maxima.len(), cut.unmeasured), (0, 4));
    assert!(cut.block().to_string().contains("No measures; 4 missing"), "{}", cut.block());
    // One regime is done, and then the work is "interrupted".
    let small = sharpness.trials(&net, &data, &pair.small)?;
    assert_eq!(files(folder.path())?.len(), 2);
    let cut = sharpness.clone().seconds(1e-9).pair(&net, &data, &pair)?;
    assert_eq!((&cut.maxima, cut.unmeasured), (&small.maxima, 2));
    let whole = sharpness.pair(&net, &data, &pair)?;
    assert_eq!(whole.maxima[..2], small.maxima, "seconds too: they were not measured again");
    assert_eq!(sharpness.clone().threads(1).pair(&net, &data, &pair)?, whole);
    assert_eq!(files(folder.path())?.len(), 4);
    // Other parameters, other points, other data: nothing is taken.
    let more = [
        Sharpness::full(5e-4),
        Sharpness::full(1e-3).iterations(9),
        Sharpness::full(1e-3).on_test(),
        Sharpness::full(1e-3).starts(1),
        Sharpness::subspace(1e-3, 5),
    ];
    for (number, other) in more.into_iter().enumerate() {
        other.quiet().kept_in(folder.path()).pair(&net, &data, &pair)?;
        assert_eq!(files(folder.path())?.len(), 4 * (number + 2));
    }
    let fewer = data.first(150, 100)?;
    sharpness.trials(&net, &fewer, &pair.small)?;
    assert_eq!(files(folder.path())?.len(), 26);

    // Broken files count as not there, and are replaced.
    for file in files(folder.path())? {
        std::fs::write(file, "{ \"net\": ")?;
    }
    assert_eq!(numbers(&sharpness.pair(&net, &data, &pair)?), numbers(&whole));
    let again = sharpness.pair(&net, &data, &pair)?;
    assert_eq!(sharpness.pair(&net, &data, &pair)?, again, "kept again");
    Ok(())
}

/// The same of trainings: bits, rows and seconds of a trial that was finished before.
#[test]
fn interrupted_training_is_found_again() -> Done {
    let data = data::digits().first(200, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let folder = tempfile::tempdir()?;
    let training = Training::adam().trials(1).epochs(3).quiet().kept_in(folder.path());
    let one = training.pair(&net, &data, 20, 100)?;
    assert_eq!(files(folder.path())?.len(), 6, "rows and two points of each");
    let two = training.clone().trials(2).pair(&net, &data, 20, 100)?;
    assert_eq!((&two.small.weights[0], &two.small.regime.runs[0]), (&one.small.weights[0], &one.small.regime.runs[0]));
    assert_eq!(training.clone().trials(2).threads(1).pair(&net, &data, 20, 100)?, two);
    assert_eq!(files(folder.path())?.len(), 12);
    let plain = Training::adam().trials(2).epochs(3).quiet().pair(&net, &data, 20, 100)?;
    assert_eq!((&plain.small.weights, &plain.large.weights), (&two.small.weights, &two.large.weights));
    for other in [training.clone().seed(1), training.clone().epochs(2), training.clone().learning_rate(1e-4)] {
        let found = other.pair(&net, &data, 20, 100)?;
        assert_ne!(found.small.weights[0], one.small.weights[0]);
    }
    // A measure that the budget cut short is not kept.
    let before = files(folder.path())?.len();
    training.clone().seed(7).seconds(1e-9).pair(&net, &data, 20, 100)?;
    assert_eq!(files(folder.path())?.len(), before);
    Ok(())
}

/// Several random A: each is what `draw` gives alone; a box that is not random has no draws.
#[test]
fn several_random_directions() -> Done {
    let (net, data, pair) = trained()?;
    let x = &pair.small.weights[0];
    let sharpness = Sharpness::subspace(1e-3, 5).quiet();
    let draws = sharpness.draws(&net, &data, x, 3)?;
    for (number, maximum) in draws.maxima.iter().enumerate() {
        let alone = sharpness.clone().draw(number as u64).at(&net, &data, x)?;
        assert_eq!((maximum.draw, maximum.largest), (number as u64, alone.largest));
    }
    let spread = draws.spread(Reading::Largest)?;
    assert!(spread.count == 3 && spread.deviation > 0.0, "{spread:?}");
    assert!(draws.block().to_string().contains("3 draws"), "{}", draws.block());
    // Of a pair's trials another draw is another box, and no further trial.
    let two = [0, 1].map(|draw| sharpness.clone().draw(draw).pair(&net, &data, &pair));
    let [one, other] = two;
    let both = Maxima::joined(&[one?, other?]);
    let sizes: Vec<(usize, usize)> =
        both.contrasts(Reading::Largest).iter().map(|one| (one.small.len(), one.large.len())).collect();
    assert_eq!(sizes, [(2, 2); 2]);
    assert!(both.block().to_string().contains("seed 0, draw 1"), "{}", both.block());
    let said = Sharpness::full(1e-3).draws(&net, &data, x, 2).expect_err("not random").to_string();
    assert_eq!(said, "number of draws must be 1 where A is not random, but is 2");
    assert!(sharpness.draws(&net, &data, x, 0).is_err());
    Ok(())
}

/// A search that stayed where it began, be that a random point, is a status, in the measure and in what is made of many.
#[test]
fn searches_that_found_no_size_are_counted() -> Done {
    let (net, data, pair) = trained()?;
    let mut maxima = Sharpness::full(1e-3).starts(1).quiet().pair(&net, &data, &pair)?;
    let found = &mut maxima.maxima[0];
    assert_eq!(found.status(), Status::Found);
    found.searches[1].phi = 2.0 * found.phi();
    (found.searches[1].moved, found.searches[1].reach) = (0.0, 0.5);
    found.corner = None;
    assert_eq!(found.status(), Status::Stayed);
    assert_eq!(Reading::Largest.of(found), (found.searches[1].phi, false));
    assert!(Reading::FromZero.of(found).1);
    // Three times as much in the same box: what the first search found is no size either.
    let surpassed = &mut maxima.maxima[1];
    surpassed.largest = surpassed.value + 3.0 * (surpassed.largest - surpassed.value);
    surpassed.searches[1].phi = surpassed.phi();
    assert_eq!(surpassed.searches[0].status(surpassed), Status::Surpassed);
    assert_eq!((Reading::FromZero.of(surpassed).1, Reading::Largest.of(surpassed).1), (false, true));
    let contrast = &maxima.contrasts(Reading::Largest)[0];
    assert_eq!((contrast.doubtful_small, contrast.doubtful_large), (1, 0));
    let alone = maxima.maxima.iter().filter(|one| one.agreeing() < 2).count();
    assert!(contrast.alone == alone && alone >= 1, "{alone}");
    let said = format!("in {alone} of 4 measures the best search stands alone, none within 5 % of it");
    let judged = sharp_minima::verdict::sharper(&maxima)?;
    assert!(judged.verdicts[0].live.evidence().contains(&said), "{:?}", judged.verdicts[0]);
    assert!(!judged.verdicts[1].live.evidence().contains("stands alone"), "one search has no other");
    let text = maxima.block().to_string();
    assert!(text.contains("(1 of 2 unreliable)") && text.contains("1 of 4 searches unreliable"), "{text}");
    Ok(())
}

fn measure_lowest(net: &Net, data: &Dataset, pair: &Pair) -> sharp_minima::Result<Maxima> {
    Sharpness::full(1e-3).quiet().pair(net, data, &pair.at_lowest())
}

/// A measure that was kept as a trial's is a bare point's where a bare point is asked for.
#[test]
fn a_kept_measure_has_no_name_of_another_call() -> Done {
    let (net, data, pair) = trained()?;
    let folder = tempfile::tempdir()?;
    let measure = Sharpness::full(1e-3).quiet().kept_in(folder.path());
    let named = measure.pair(&net, &data, &pair)?;
    let bare = measure.at(&net, &data, &pair.large.weights[0])?;
    let large = named.maxima.iter().find(|one| one.regime.as_deref() == Some("large")).ok_or("no such measure")?;
    assert_eq!((bare.largest, &bare.regime, bare.role, bare.trial), (large.largest, &None, None, None));
    assert_eq!(bare.seconds, large.seconds, "it was found, not made");
    let both = Maxima::from(vec![bare.clone().named("mine"), bare.named("yours")]);
    let text = both.block().to_string();
    assert!(text.contains("mine") && text.contains("yours") && !text.contains("draws"), "{text}");
    assert!(both.chart().is_ok());
    Ok(())
}

/// What was not measured alike is not averaged, and tables and charts tell it apart.
#[test]
fn other_boxes_stay_apart() -> Done {
    let (net, data, pair) = trained()?;
    let measure = |sharpness: Sharpness| sharpness.quiet().pair(&net, &data, &pair);
    let (ten, three) = (measure(Sharpness::full(1e-3))?, measure(Sharpness::full(1e-3).iterations(3))?);
    let climbed = measure(Sharpness::full(1e-3).thorough())?;
    let both = Maxima::joined(&[ten.clone(), three.clone(), climbed]);
    let contrasts = both.contrasts(Reading::Largest);
    assert_eq!(contrasts.iter().map(|one| (one.small.len(), one.large.len())).collect::<Vec<_>>(), [(2, 2); 3]);
    assert_eq!((contrasts[0].iterations, contrasts[1].iterations), (10, 3));
    assert_eq!(contrasts[1], three.contrasts(Reading::Largest)[0]);
    let text = both.block().to_string();
    assert!(text.contains("full space, 3 iterations, 1 search"), "{text}");
    assert!(both.chart()?.svg.contains("full space, 10 iterations, 6 searches"));
    assert!(!ten.block().to_string().contains("iterations"), "{}", ten.block());
    // Each box has its own numbers in the comparison, and a trial that was measured twice in one box is refused.
    let comparison = verdict::sharpness(&paper::table3("F1")?, &paper::table4("F1")?, None, Some(&both))?;
    let means: Vec<f64> = comparison.frame()?.column("mean")?.f64()?.iter().flatten().collect();
    for contrast in both.contrasts(Reading::Largest) {
        let mean = contrast.large.iter().sum::<f64>() / 2.0;
        assert!(means.iter().any(|found| (found / mean - 1.0).abs() < 1e-12), "{mean} is not among {means:?}");
    }
    // Along two random A: two boxes, each with its own φ in both readings.
    let along = |draw| measure(Sharpness::subspace(1e-3, 5).draw(draw));
    let draws = Maxima::joined(&[along(0)?, along(1)?]);
    let comparison = verdict::sharpness(&paper::table3("F1")?, &paper::table4("F1")?, None, Some(&draws))?;
    let frame = comparison.frame()?;
    let zero = frame.filter(&frame.column("measure")?.str()?.equal("sharpness_from_zero"))?;
    let means: Vec<f64> = zero.column("mean")?.f64()?.iter().flatten().collect();
    let expected = draws.contrasts(Reading::FromZero).into_iter().flat_map(|one| [one.small, one.large]);
    let expected: Vec<f64> = expected.map(|phi| phi.iter().sum::<f64>() / phi.len() as f64).collect();
    assert_eq!((means.len(), expected.len()), (4, 4));
    assert!(means.iter().zip(&expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{means:?} {expected:?}");
    assert_eq!(comparison.verdicts[3].live.effects.len(), 2);
    let twice = Maxima::joined(&[ten.clone(), measure_lowest(&net, &data, &pair)?]);
    let error =
        verdict::sharpness(&paper::table3("F1")?, &paper::table4("F1")?, None, Some(&twice)).expect_err("twice");
    assert!(error.to_string().contains("but is trial 0 of 'small' twice"), "{error}");
    Ok(())
}

/// Frames of all kinds have one schema, and say what a number is of.
#[test]
fn frames_join() -> Done {
    let (net, data, pair) = trained()?;
    let maxima = Sharpness::full(1e-3).thorough().quiet().pair(&net, &data, &pair)?;
    let paths = Between::line().points(4).quiet().pair(&net, &data, &pair)?;
    let (sharp, along) = (maxima.frame()?, paths.frame()?);
    assert_eq!(along.height(), 2 * 4 * 2 * 2);
    assert_eq!(sharp.height(), 4 * (2 + 2 * 6 + 5));
    // Over how many points a measure is stands in it; measures over other points are of another kind.
    let points: Vec<Option<usize>> = maxima.maxima.iter().map(|maximum| maximum.points).collect();
    assert!(points.iter().all(|points| *points == Some(data.train.len())), "{points:?}");
    let all = pair.frame()?.vstack(&sharp)?.vstack(&along)?;
    assert_eq!(all.height(), pair.frame()?.height() + sharp.height() + along.height());
    let at = |name: &str, row: usize| sharp.column(name).and_then(|column| column.get(row));
    assert_eq!(at("measure", 1)?, AnyValue::String("sharpness"));
    assert_eq!(at("value", 1)?, AnyValue::Float64(maxima.maxima[0].phi()));
    assert_eq!(at("epsilon", 1)?, AnyValue::Float64(1e-3));
    assert_eq!(at("along", 1)?, AnyValue::String("full space"));
    assert_eq!(at("search", 1)?, AnyValue::Null);
    assert_eq!(at("search", 2)?, AnyValue::String("L-BFGS-B from zero"));
    assert_eq!(maxima.maxima[0].frame()?.height(), sharp.height() / 4);
    assert_eq!(paths.paths[0].frame()?.height(), along.height() / 2);
    Ok(())
}

#[test]
fn charts_name_their_axes_and_draw_odd_results() -> Done {
    let (net, data, pair) = trained()?;
    let maxima = Sharpness::full(1e-3).thorough().quiet().pair(&net, &data, &pair)?;
    let lines = Between::line().points(7).quiet().pair(&net, &data, &pair)?;
    let curves = Between::curve().points(7).quiet().pair(&net, &data, &pair)?;
    let has = |svg: &str, words: &[&str]| {
        words.iter().for_each(|word| assert!(svg.contains(word), "'{word}' is not in the chart"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "every number has a place");
    };
    let regimes = ["small batch, from zero", "large batch, largest of all searches", "φ, % (log scale)"];
    has(&maxima.chart()?.svg, &regimes);
    has(&maxima.growth()?.svg, &[&regimes[..], &["iterations"]].concat());
    let one = maxima.maxima[0].chart()?;
    has(&one.svg, &["L-BFGS-B from zero", "from corner to corner", "best of the random corners", "iterations"]);
    let axes = ["cross-entropy, nats", "accuracy, %", "training", "test", "α", "small", "large"];
    has(&lines.chart()?.svg, &axes);
    has(&sharp_minima::Paths::joined(&[lines.clone(), curves]).chart()?.svg, &["F1 on digits", "line", "curve"]);
    has(&lines.paths[0].chart()?.svg, &axes);
    has(&paper::figure3("C1")?.chart()?.svg, &["the authors&apos; C1 on CIFAR-10"]);

    // Losses of 0 and of no size, searches that found nothing, one trial.
    let mut odd = lines.paths[0].clone();
    (odd.points[0].value.train.loss, odd.points[1].value.test.loss) = (0.0, f64::NAN);
    has(&odd.chart()?.svg, &axes);
    let mut none = Maxima { maxima: maxima.maxima[..1].to_vec(), ..Maxima::default() };
    none.maxima[0].largest = none.maxima[0].value;
    for search in &mut none.maxima[0].searches {
        (search.phi, search.trace) = (0.0, vec![0.0]);
    }
    for chart in [none.chart()?, none.growth()?, none.maxima[0].chart()?] {
        has(&chart.svg, &["φ, % (log scale)"]);
    }
    assert_eq!(
        chart::paths(&[]).expect_err("nothing to draw").to_string(),
        "paths must be at least 1 for a chart, but is 0"
    );
    assert!(Maxima::default().chart().is_err() && Maxima::default().growth().is_err());
    let mut other = lines.paths[1].clone();
    other.points.pop();
    assert!(chart::paths(&[lines.paths[0].clone(), other]).is_err(), "a band needs the same α");
    Ok(())
}

#[test]
fn a_record_gives_back_what_was_measured() -> Done {
    let (net, data, pair) = trained()?;
    let maxima = Sharpness::subspace(1e-3, 5).starts(1).quiet().pair(&net, &data, &pair)?;
    let paths = Between::line().points(4).quiet().pair(&net, &data, &pair)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("record.json");
    pair.recorded().with_maxima(&maxima).with_paths(&paths).save(&file)?;
    let recorded = Recorded::load(&file)?;
    assert_eq!((recorded.maxima.as_ref(), recorded.paths.as_ref()), (Some(&maxima), Some(&paths)));
    assert!(recorded.seconds > pair.recorded().seconds);
    let text = recorded.block().to_string();
    assert!(text.contains("random subspace, p = 5") && text.contains("barrier between"), "{text}");
    pair.record(&file)?;
    assert_eq!((Recorded::load(&file)?.maxima, Recorded::load(&file)?.paths), (None, None));
    // Interpolated running averages may leave NaN: such a path is read back too.
    let mut none = paths.clone();
    none.paths[0].points[0].value.train.loss = f64::NAN;
    pair.recorded().with_paths(&none).save(&file)?;
    let back = Recorded::load(&file)?.paths.ok_or("no paths")?;
    assert!(back.paths[0].points[0].value.train.loss.is_nan());
    assert_eq!(back.paths[0].points[1..], none.paths[0].points[1..]);
    Ok(())
}

/// One point at which f ceases to be finite: the others are measured, and the table, the record and the verdict say which it was.
#[test]
fn one_bad_point_of_many_leaves_the_others() -> Done {
    let (net, data, mut pair) = trained()?;
    let x = &pair.large.weights[1];
    pair.large.weights[1] = x.scaled(3e38 / x.values().iter().fold(0.0, |most: f32, one| most.max(one.abs())));
    let maxima = Sharpness::full(1e-3).quiet().pair(&net, &data, &pair)?;
    assert_eq!((maxima.maxima.len(), maxima.failed.len()), (3, 1), "{maxima:?}");
    assert!(
        maxima.failed[0].starts_with("large, trial 1: ") && maxima.failed[0].contains("finite"),
        "{:?}",
        maxima.failed
    );
    assert!(maxima.block().text.contains("Left out: large, trial 1: "), "{}", maxima.block().text);
    let verdict = verdict::sharpness(&paper::table3("F1")?, &paper::table4("F1")?, None, Some(&maxima))?;
    assert!(verdict.block().text.contains("1 measure failed and is left out"), "{}", verdict.block().text);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("record.jsonl");
    pair.recorded().with_maxima(&maxima).save(&file)?;
    assert_eq!(Recorded::load(&file)?.maxima, Some(maxima));
    // Where none is left, the reason is the answer.
    let alone =
        Sharpness::full(1e-3).quiet().at(&net, &data, &pair.large.weights[1]).expect_err("no number").to_string();
    assert!(alone.contains("finite"), "{alone}");
    Ok(())
}

/// A part that was copied over another's name, with a digest that is right: it is not taken for that other.
#[test]
fn a_copied_part_is_not_another() -> Done {
    let (net, data, pair) = trained()?;
    let folder = tempfile::tempdir()?;
    let sharpness = Sharpness::full(1e-3).quiet().kept_in(folder.path());
    let whole = sharpness.pair(&net, &data, &pair)?;
    let kept = files(folder.path())?;
    std::fs::copy(&kept[0], &kept[1])?;
    assert_eq!(numbers(&sharpness.pair(&net, &data, &pair)?), numbers(&whole));
    assert_ne!(std::fs::read(&kept[0])?, std::fs::read(&kept[1])?, "it was made anew");
    Ok(())
}

/// What a record cannot give back is not written: a number that JSON has not, a surface without values, a spectrum without probes.
#[test]
fn a_record_that_could_not_be_read_is_not_written() -> Done {
    let (net, data, pair) = trained()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("record.jsonl");
    let said = |record: Recorded| record.save(&file).expect_err("it must be refused").to_string();
    let mut paths = Between::line().points(3).quiet().pair(&net, &data, &pair)?;
    paths.paths[0].points[2].alpha = f64::INFINITY;
    assert!(said(pair.recorded().with_paths(&paths)).contains("line "));
    let x = &pair.small.weights[0];
    let mut surface = Plane::filters().points(3).quiet().at(&net, &data, x)?;
    surface.values.clear();
    assert!(said(pair.recorded().with_surfaces(&vec![surface].into())).contains("a surface has as many rows"));
    let mut spectrum = Spectrum::outermost(1).steps(2).probes(1).quiet().at(&net, &data, x)?;
    spectrum.probes.clear();
    let spectra = Spectra { spectra: vec![spectrum], ..Spectra::default() };
    assert!(said(pair.recorded().with_spectra(&spectra)).contains("a spectrum has at least one probe"));
    assert!(!file.exists());
    Ok(())
}

/// Verdicts on made-up numbers whose answers are known.
#[test]
fn claims_about_sharpness_are_judged_as_the_numbers_say() -> Done {
    let (net, data, pair) = trained()?;
    let (table3, table4) = (paper::table3("F1")?, paper::table4("F1")?);
    let measured = Sharpness::full(1e-3).quiet().pair(&net, &data, &pair)?;
    let judged = |small: [f64; 2], large: [f64; 2], moved: f64| -> sharp_minima::Result<Vec<Outcome>> {
        let mut maxima = measured.clone();
        for (maximum, phi) in maxima.maxima.iter_mut().zip([small, large].concat()) {
            maximum.corner = Some(0.0);
            maximum.largest = maximum.value + phi / 100.0 * (1.0 + maximum.value);
            (maximum.searches[0].phi, maximum.searches[0].moved) = (phi, moved);
        }
        let comparison = verdict::sharpness(&table3, &table4, None, Some(&maxima))?;
        assert!(comparison.verdicts.iter().all(|one| one.recorded.outcome == Outcome::NotTested));
        Ok(comparison.verdicts.iter().map(|one| one.live.outcome).collect())
    };
    use Outcome::{Fails, Holds, NotTested, Undecided};
    assert_eq!(judged([1.0, 1.01], [100.0, 101.0], 1.0)?, [Holds, NotTested, Holds, Holds]);
    assert_eq!(judged([1.0, 1.01], [5.0, 5.05], 1.0)?, [Holds, NotTested, Fails, Holds]);
    assert_eq!(judged([5.0, 5.05], [1.0, 1.01], 1.0)?, [Fails, NotTested, Fails, Fails]);
    assert_eq!(judged([1.0, 3.0], [2.0, 5.0], 1.0)?[0], Undecided);
    assert_eq!(judged([1.0, 1.01], [100.0, 101.0], 0.0)?[0], Undecided, "searches that stayed judge nothing");
    assert_eq!(judged([0.0, 0.0], [100.0, 101.0], 1.0)?[0], Undecided, "a φ of 0 has no ratio");

    let comparison = verdict::sharpness(&table3, &table4, None, Some(&measured))?;
    let text = comparison.block().to_string();
    assert!(
        text.contains("205.14 ± 69.52") && text.contains("φ, %: full space, ε = 1e-3, small batch, from zero"),
        "{text}"
    );
    assert_eq!(comparison.frame()?.height(), 3 + 6);
    let other = verdict::sharpness(&paper::table3("C1")?, &table4, None, Some(&measured)).expect_err("another net");
    assert!(other.to_string().starts_with("net must be C1, as in the paper's row"), "{other}");
    assert!(verdict::sharpness(&table3, &table4, None, Some(&Maxima::default())).is_err());
    let missing = Maxima { unmeasured: 1, ..measured };
    assert_eq!(verdict::sharpness(&table3, &table4, None, Some(&missing))?.verdicts[0].live.outcome, NotTested);
    Ok(())
}

#[test]
fn claims_about_paths_are_judged_as_the_numbers_say() -> Done {
    let (net, data, pair) = trained()?;
    let paper = paper::figure3("C1")?;
    let measured = Between::line().points(25).quiet().pair(&net, &data, &pair)?;
    let judged = |small: [f64; 2], large: [f64; 2]| -> sharp_minima::Result<Vec<Outcome>> {
        let mut paths = measured.clone();
        for (path, (small, large)) in paths.paths.iter_mut().zip(small.into_iter().zip(large)) {
            for point in &mut path.points {
                point.value.train.loss = match point.alpha {
                    alpha if alpha < 0.0 => small,
                    alpha if alpha > 1.0 => large,
                    _ => 0.0,
                };
            }
            assert_eq!((path.rise_small(), path.rise_large(), path.barrier()), (Some(small), Some(large), Some(0.0)));
        }
        Ok(verdict::paths(&paper, None, Some(&paths))?.verdicts.iter().map(|one| one.live.outcome).collect())
    };
    use Outcome::{Fails, Holds, NotTested, Undecided};
    assert_eq!(judged([0.1, 0.101], [1.0, 1.02])?, [Holds, NotTested]);
    assert_eq!(judged([1.0, 1.02], [0.1, 0.101])?, [Fails, NotTested]);
    // Pairs that are all alike have no interval.
    assert_eq!(judged([0.1, 0.2], [1.0, 2.0])?, [Undecided, NotTested]);
    assert_eq!(judged([0.1, 0.9], [0.5, 0.4])?, [Undecided, NotTested]);
    let comparison = verdict::paths(&paper, None, Some(&measured))?;
    let text = comparison.block().to_string();
    // What the authors' curves say, read by hand off the table that they were typed from: 0.008 − 0.001, 7.125 − 0.
    assert!(text.contains(" 0.0070 ") && text.contains(" 7.1 ") && text.contains(" 0.87 "), "{text}");
    assert!(comparison.frame()?.height() >= 10);
    let running = measured.only(Shape::Line, Statistics::Running);
    assert!(running.paths.is_empty() && verdict::paths(&paper, None, Some(&running)).is_err());
    Ok(())
}
