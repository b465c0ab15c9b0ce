//! Arms set beside the plain batches: differences are of pairs, ratios of the largest φ, and nothing is judged that was not
//! measured.

use sharp_minima::{
    Augment, Error, Growth, Optimizer, Outcome, Paired, Ratio, Recorded, Role, Scaling, Sharpness, Strategy, Study,
    Training, data, paper, verdict, zoo,
};

type Outcomes = Result<(), Box<dyn std::error::Error>>;

/// Four arms of three trials on the digits.
fn study() -> sharp_minima::Result<(sharp_minima::Net, sharp_minima::Dataset, Study)> {
    let data = data::digits().first(300, 200)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let plain = Training::adam().trials(3).epochs(4).quiet();
    let large = plain.clone().batch(150);
    let arms = [
        plain.batch(20).role(Role::Small),
        large.clone().role(Role::Large),
        large.clone().strategy(Strategy::conservative(1e-3, 3)).regime("conservative"),
        large.strategy(Strategy::sam(0.05).parts_of(20)).ghost(30).regime("SAM"),
    ];
    let study = Study::run(&arms, &net, &data)?;
    Ok((net, data, study))
}

#[test]
fn an_arm_says_how_it_differs_from_the_plain_large_batch() -> Outcomes {
    let data = data::synthetic();
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    let large = Training::adam().trials(2).epochs(1).batch(100).quiet();
    let arms = [
        large.arm("small").batch(20).role(Role::Small),
        large.arm("large").role(Role::Large),
        large.arm("LAMB").optimizer(Optimizer::lamb(0.01)).epochs(2),
        large.arm("ghosts").ghost(50),
        large.arm("patient").patience(3).seed(1),
    ];
    let remedies = Study::run(&arms, &net, &data)?.remedies(None)?;
    let said: Vec<&str> = remedies.arms.iter().map(|arm| arm.remedies.as_str()).collect();
    assert_eq!(
        said,
        ["batch 20", "", "LAMB, learning rate 0.01; trained for 2 epochs", "ghosts of 50", "patience 3; seed 1"]
    );
    // What the plain one has and the arm has not is said, and what both have is not.
    let plain = large.clone().ghost(50).warm_up(3).strategy(Strategy::asam(0.5));
    let arm = plain.clone().ghost(100).strategy(Strategy::Plain);
    assert_eq!(arm.recipe().beside(plain.recipe()), "without ASAM, ρ 0.5; ghosts of 100");
    assert_eq!(plain.recipe().beside(plain.recipe()), "");
    Ok(())
}

#[test]
fn differences_are_of_pairs_and_ratios_of_the_largest() -> Outcomes {
    let (net, data, study) = study()?;
    let maxima = Sharpness::full(1e-3).thorough().starts(0).quiet().study(&net, &data, &study)?;
    let remedies = study.remedies(Some(&maxima))?;
    assert_eq!(
        remedies.arms.iter().map(|arm| arm.name.as_str()).collect::<Vec<_>>(),
        ["small", "large", "conservative", "SAM"]
    );
    let tests = |place: usize| study.regimes[place].regime.runs.iter().map(|run| 100.0 * run.last().test_accuracy);
    let pairs: Vec<(f64, f64)> = tests(2).zip(tests(1)).collect();
    // Two arms stand beside the plain batches.
    assert_eq!(remedies.arms[2].to_large, Some(Paired::test(&pairs, 2)?));
    assert!(remedies.arms[1].to_large.is_none() && remedies.arms[0].to_small.is_none());
    let own = remedies.named("SAM")?;
    let losses = study.regimes[3].regime.runs.iter().map(|run| run.last().train_loss);
    let loss = own.loss.ok_or("no loss")?;
    assert!((loss / losses.product::<f64>().cbrt() - 1.0).abs() < 1e-12, "the geometric mean of three");
    assert_eq!(own.remedies, "SAM, ρ 0.05, parts of 20; ghosts of 30");
    assert_eq!((own.steps, own.passes), (8.0, 8.0), "two passes an epoch, two steps");
    assert_eq!(remedies.arms[2].passes, 12.0);
    assert_eq!(remedies.arms[0].passes, 4.0);
    let phi = &own.at(1e-3).ok_or("no φ")?.phi;
    let expected: Vec<f64> = maxima
        .maxima
        .iter()
        .filter(|one| one.regime.as_deref() == Some("SAM"))
        .map(sharp_minima::Maximum::phi)
        .collect();
    assert_eq!((phi, phi.len()), (&expected, 3));
    // φ is corrected as accuracies are: for the two arms, and not for the question whether there is a gap.
    let of_large = &remedies.arms[1].sharpness[0].phi;
    assert_eq!(own.sharpness[0].to_large, Some(Ratio::one_of(phi, of_large, 2)?));
    let small = &remedies.arms[0].sharpness[0];
    assert_eq!(small.to_large, Some(Ratio::of(&small.phi, of_large)?));
    assert!(remedies.order()?.count == 4);
    let controls: Vec<(f64, f64)> = tests(3).zip(tests(2)).collect();
    assert_eq!(remedies.between("SAM", "conservative")?, Paired::test(&controls, 1)?);
    let table = remedies.controls(&[("SAM", "conservative"), ("SAM", "large")])?.text;
    assert!(table.contains(&remedies.between("SAM", "large")?.text()), "{table}");
    assert!(remedies.controls(&[("SAM", "nobody")]).is_err());
    // What one arm gains over its plain batch, beside what another gains over its own.
    let gains = |arm: usize, plain: usize| tests(arm).zip(tests(plain)).map(|(own, plain)| own - plain);
    let pairs: Vec<(f64, f64)> = gains(3, 1).zip(gains(2, 0)).collect();
    let (arm, other) = (["SAM", "large"], ["conservative", "small"]);
    assert_eq!(remedies.gain_between(arm, other)?, Paired::test(&pairs, 1)?);
    let beside = remedies.gains(&[(arm, other), (arm, arm)])?.text;
    let said = format!("SAM − large: {}", remedies.between("SAM", "large")?.text());
    assert!(beside.contains(&said) && beside.contains(&remedies.gain_between(arm, other)?.text()), "{beside}");
    assert!(beside.contains("none: deviation of differences must be above 0"), "{beside}");
    assert!(remedies.gains(&[(arm, ["SAM", "nobody"])]).is_err());
    // Two comparisons: the smaller p is doubled, the other is as it was, or as large as that.
    let p = [remedies.between("SAM", "conservative")?.p, remedies.between("SAM", "large")?.p];
    assert_eq!(sharp_minima::holm(&p).into_iter().fold(1.0, f64::min), (2.0 * p[0].min(p[1])).min(1.0));
    assert!(table.contains("corrected for 2 comparisons (Holm)"), "{table}");
    let frame = remedies.frame()?;
    assert_eq!(frame.height(), 4);
    let share = frame.column("test")?.f64()?.get(2).ok_or("no number")?;
    assert!((share - tests(2).sum::<f64>() / 300.0).abs() < 1e-12);
    // In the long frame a row of a strategy has its own loss beside f; a plain one has none.
    let long = study.frame()?;
    let count = |name: &str| -> Result<usize, Box<dyn std::error::Error>> {
        Ok(long.column("measure")?.str()?.iter().filter(|measure| *measure == Some(name)).count())
    };
    assert_eq!((count("strategy loss")?, count("passes")?), (2 * 3 * 4, 2 * 3 * 5));
    // Without sharpness there is nothing said of it.
    let bare = study.remedies(None)?;
    assert!(bare.arms.iter().all(|arm| arm.sharpness.is_empty()) && bare.order().is_err());
    assert_eq!(bare.frame()?.height(), 4);
    Ok(())
}

#[test]
fn a_comparison_says_what_was_found_and_what_was_not_tested() -> Outcomes {
    let (net, data, study) = study()?;
    let maxima = Sharpness::full(1e-3).quiet().study(&net, &data, &study)?;
    let live = study.remedies(Some(&maxima))?;
    let row = paper::table7("F1")?;
    let comparison = verdict::remedies(Some(&row), None, Some(&live))?;
    assert_eq!(comparison.verdicts.len(), 1 + 2 * 2);
    assert!(comparison.verdicts.iter().all(|verdict| verdict.recorded.outcome == Outcome::NotTested));
    let claims: Vec<&str> = comparison.verdicts.iter().map(|verdict| verdict.claim.as_str()).collect();
    assert!(claims[1].starts_with("conservative: its test accuracy is higher"), "{claims:?}");
    // The record's own arms are found by their names, and the paper's number that nobody read says so.
    let recorded = study.recorded().with_maxima(&maxima);
    let comparison = verdict::remedies(Some(&row), Some(&recorded), Some(&live))?;
    for verdict in &comparison.verdicts {
        assert_eq!(
            (verdict.recorded.outcome, &verdict.recorded.evidence()),
            (verdict.live.outcome, &verdict.live.evidence())
        );
    }
    let text = comparison.block().text;
    assert!(text.contains("test %, conservative (the paper's number from memory)"), "{text}");
    assert!(text.contains("98.12 ± 0.01"), "{text}");
    // No sharpness on either side: nothing is said of it. On one side, or with one trial: not tested, and why.
    let bare = study.remedies(None)?;
    assert_eq!(verdict::remedies(None, None, Some(&bare))?.verdicts.len(), 1 + 2);
    let one_side = verdict::remedies(None, Some(&recorded), Some(&bare))?;
    let found = &one_side.verdicts[2];
    assert_eq!((found.live.outcome, found.live.evidence().as_str()), (Outcome::NotTested, "no sharpness was measured"));
    assert_eq!(found.recorded.outcome, comparison.verdicts[2].live.outcome);
    // Where a budget cut the plain large batch short, nothing stands beside it.
    let mut cut = study.clone();
    cut.regimes[1].regime.runs[2].stop = sharp_minima::Stop::Budget;
    let cut = cut.remedies(Some(&maxima))?;
    let judged = verdict::remedies(None, None, Some(&cut))?;
    assert!(judged.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "{judged:?}");
    assert!(cut.block().text.contains("(1 cut short)"));
    // φ of two ε are not set side by side.
    let smaller = Sharpness::full(5e-4).quiet().study(&net, &data, &study)?;
    let mut some = sharp_minima::Maxima::joined(&[maxima.clone(), smaller]);
    some.maxima.retain(|one| one.epsilon < 1e-3 || one.regime.as_deref() != Some("SAM"));
    let some = study.remedies(Some(&some))?;
    assert_eq!(some.order()?.count, 3);
    assert!(some.controls(&[("SAM", "conservative")])?.text.trim_end().ends_with('–'));
    let mut one = study.clone();
    for trials in &mut one.regimes {
        trials.regime.runs.truncate(1);
    }
    let one = verdict::remedies(None, None, Some(&one.remedies(None)?))?;
    assert!(one.verdicts.iter().all(|verdict| verdict.live.outcome == Outcome::NotTested), "{:?}", one.verdicts);
    Ok(())
}

/// A record of strategies gives back what was measured; one that is older has none of the new fields, and is read as what it is.
#[test]
fn a_record_keeps_how_an_arm_was_trained() -> Outcomes {
    let (net, data, _) = study()?;
    let growth = Growth { every: 1, factor: 2, most: 300, rate: 0.7 };
    let plain = Training::adam().trials(1).epochs(2).batch(150).quiet();
    let arms = [
        plain.clone().batch(20).role(Role::Small),
        plain.clone().role(Role::Large),
        plain.clone().strategy(Strategy::asam(0.5).ascents(2)).augment(Augment::images()).average(1).regime("a"),
        plain.clone().strategy(Strategy::adversarial(0.1)).scaled(Scaling::Linear, 20).warm_up(3).regime("b"),
        plain.ghost(20).growing(growth).regime("c"),
    ];
    let recorded = Study::run(&arms, &net, &data)?.recorded();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.jsonl");
    recorded.save(&path)?;
    assert_eq!(Recorded::load(&path)?, recorded);
    let text = std::fs::read_to_string(&path)?;
    let line = text.lines().nth(1).ok_or("no regime")?;
    assert!(line.contains("\"batch\":20") && !line.contains("strategy"), "what is off is not written: {line}");
    Ok(())
}

#[test]
fn what_cannot_be_compared_is_refused() -> Outcomes {
    let (net, data, study) = study()?;
    let said = |result: Result<sharp_minima::Remedies, Error>| result.expect_err("it should be refused").to_string();
    let mut none = study.clone();
    none.regimes[0].regime.role = None;
    assert_eq!(
        said(none.remedies(None)),
        "regimes that are compared with must be 1: `.role(Role::Small)` says which is the plain small batch, but is 0"
    );
    let mut two = study.clone();
    two.regimes[2].regime.role = Some(Role::Large);
    assert!(said(two.remedies(None)).ends_with("but is 2"));
    let short = Sharpness::full(1e-3).iterations(2).quiet().study(&net, &data, &study)?;
    let long = Sharpness::full(1e-3).iterations(3).quiet().study(&net, &data, &study)?;
    let both = sharp_minima::Maxima::joined(&[short, long]);
    assert!(said(study.remedies(Some(&both))).starts_with("measures of one ε must be of one kind"));
    let mut bare = study.clone();
    bare.regimes.truncate(2);
    let error = verdict::remedies(None, None, Some(&bare.remedies(None)?)).expect_err("no arm").to_string();
    assert_eq!(error, "arms beside the plain batches must be at least 1, but is 0");
    // An arm whose trials diverged is shown, counted, and not judged.
    let wild = Training::sgd(1e30, 0.0).trials(3).epochs(4).quiet().batch(150).regime("wild").run(&net, &data)?;
    let mut with = study.clone();
    with.regimes.push(wild);
    let remedies = with.remedies(None)?;
    assert_eq!((remedies.named("wild")?.trials, remedies.named("wild")?.diverged), (0, 3));
    assert!(remedies.block().text.contains("– (3 diverged)"));
    assert!(remedies.chart()?.words.contains("conservative"));
    let verdicts = verdict::remedies(None, None, Some(&remedies))?.verdicts;
    assert_eq!((verdicts.len(), verdicts[3].live.outcome), (4, Outcome::NotTested));
    Ok(())
}

/// The picture names every arm and draws each trial.
#[test]
fn the_chart_has_every_arm() -> Outcomes {
    let (net, data, study) = study()?;
    let maxima = Sharpness::full(1e-3).quiet().study(&net, &data, &study)?;
    let chart = study.remedies(Some(&maxima))?.chart()?;
    for name in ["1  small", "2  large", "3  conservative", "4  SAM", "difference, points", "φ, %"] {
        assert!(chart.svg.contains(name), "{name}");
    }
    // Left: three trials of three arms, and the small batch's mean; right: twelve trials, and four means of two discs each. The
    // marks of the other means have corners.
    assert_eq!(chart.svg.matches("<circle").count(), 3 * 3 + 1 + 12 + 2 * 4);
    assert_eq!(chart.svg.matches("<polygon").count(), 3);
    Ok(())
}
