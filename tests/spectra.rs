//! Spectra of the trials of two regimes: what is recorded of them, and what is judged.

use sharp_minima::{Error, Net, Outcome, Pair, Recorded, Spectra, Spectrum, Training, data, verdict, zoo};

type Done = Result<(), Box<dyn std::error::Error>>;

fn measured() -> sharp_minima::Result<(Net, Pair, Spectra)> {
    let data = data::digits().first(100, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    let pair = Training::adam().trials(3).epochs(5).quiet().pair(&net, &data, 10, 50)?;
    let spectra = Spectrum::outermost(2).steps(12).probes(3).above(&[1.0, 0.1]).quiet().pair(&net, &data, &pair)?;
    Ok((net, pair, spectra))
}

/// The same spectra, with every eigenvalue of the large batch's so many times as large.
fn stretched(spectra: &Spectra, factor: f64) -> Spectra {
    let mut spectra = spectra.clone();
    let twins: Vec<_> = spectra.spectra.iter().filter(|own| own.regime.as_deref() == Some("small")).cloned().collect();
    for (place, own) in spectra.spectra.iter_mut().filter(|own| own.regime.as_deref() == Some("large")).enumerate() {
        // A little apart from trial to trial, so that there is a spread.
        let factor = factor * (1.0 + 0.01 * place as f64);
        own.probes = twins[place].probes.clone();
        (own.largest, own.smallest) = (twins[place].largest.clone(), twins[place].smallest.clone());
        own.probes.iter_mut().flat_map(|probe| &mut probe.values).for_each(|value| *value *= factor);
        own.largest.iter_mut().chain(&mut own.smallest).for_each(|own| own.value *= factor);
    }
    // As if the few steps had been enough.
    spectra.spectra.iter_mut().flat_map(|own| &mut own.largest).for_each(|own| own.is_converged = true);
    spectra
}

#[test]
fn a_record_has_them_whole() -> Done {
    let (_, pair, spectra) = measured()?;
    assert_eq!((spectra.spectra.len(), spectra.thresholds()), (6, vec![1.0, 0.1]));
    let halves = [spectra.only(sharp_minima::Role::Small), spectra.only(sharp_minima::Role::Large)];
    assert_eq!((halves[0].spectra.len(), Spectra::joined(&halves)), (3, spectra.clone()));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.jsonl");
    pair.recorded().with_spectra(&spectra).save(&path)?;
    let recorded = Recorded::load(&path)?;
    assert_eq!(recorded.spectra.as_ref(), Some(&spectra));
    assert!(recorded.block().text.contains("Spectra: Hessian"));
    let comparison = verdict::spectrum(Some(&recorded), Some(&spectra))?;
    for verdict in &comparison.verdicts {
        assert_eq!(
            (verdict.recorded.outcome, &verdict.recorded.evidence()),
            (verdict.live.outcome, &verdict.live.evidence())
        );
    }
    // A line that lacks a number is refused, and so is one that has one too many.
    let text = std::fs::read_to_string(&path)?;
    for (from, to) in [("\"steps\":12,", ""), ("\"steps\":12,", "\"steps\":12,\"more\":1,"), ("\"epoch\":null,", "")] {
        assert!(text.contains(from), "{from}");
        let broken = folder.path().join("broken.jsonl");
        std::fs::write(&broken, text.replacen(from, to, 1))?;
        assert!(matches!(Recorded::load(&broken), Err(Error::Format { .. })), "{from}");
    }
    Ok(())
}

#[test]
fn claims_follow_the_numbers() -> Done {
    let (_, _, spectra) = measured()?;
    let outcomes = |spectra: &Spectra| -> sharp_minima::Result<Vec<Outcome>> {
        Ok(verdict::spectrum(None, Some(spectra))?.verdicts.iter().map(|verdict| verdict.live.outcome).collect())
    };
    let (larger, smaller) = (outcomes(&stretched(&spectra, 50.0))?, outcomes(&stretched(&spectra, 0.02))?);
    assert_eq!(larger[1..], [Outcome::Holds; 2], "the largest, and the trace");
    assert_eq!(smaller[1..], [Outcome::Fails; 2]);
    let cut = Spectra { unmeasured: 1, ..spectra.clone() };
    assert_eq!(outcomes(&cut)?, [Outcome::NotTested; 3]);
    // Thresholds that are finer than what the quadrature sees judge nothing.
    let mut fine = spectra.clone();
    fine.spectra.iter_mut().for_each(|own| own.thresholds = vec![1e-9]);
    assert_eq!(outcomes(&fine)?[0], Outcome::NotTested);
    assert!(verdict::spectrum(None, Some(&Spectra::default())).is_err());
    // Where the small batch has none above a threshold, there is no ratio, and the difference is judged.
    let mut none = stretched(&spectra, 50.0);
    for own in none.spectra.iter_mut().filter(|own| own.regime.as_deref() == Some("small")) {
        own.probes.iter_mut().flat_map(|probe| &mut probe.values).for_each(|value| *value = value.min(0.01));
    }
    none.spectra.iter_mut().for_each(|own| own.thresholds = vec![1e6, 100.0]);
    let judged = &verdict::spectrum(None, Some(&none))?.verdicts[0].live;
    assert!(judged.effects.len() == 1 && judged.effects[0].unit == sharp_minima::verdict::Unit::Count, "{judged:?}");
    assert!(judged.effects[0].value > 0.0 && judged.evidence().contains("above 100, difference: +"), "{judged:?}");
    // One that has not converged is a lower bound, and decides nothing.
    let mut early = stretched(&spectra, 50.0);
    early.spectra[0].largest[0].is_converged = false;
    let judged = verdict::spectrum(None, Some(&early))?.verdicts.remove(1).live;
    assert_eq!((judged.outcome, judged.effects[0].outcome()), (Outcome::Undecided, Outcome::Undecided));
    assert_eq!(judged.notes, ["the largest eigenvalue of 1 of 6 spectra has not converged"]);
    // What is not an end does not matter.
    let mut way = early.clone();
    way.spectra.iter_mut().for_each(|own| own.epoch = Some(1));
    let both = Spectra::joined(&[way, stretched(&spectra, 50.0)]);
    assert_eq!(verdict::spectrum(None, Some(&both))?.verdicts[1].live.outcome, Outcome::Holds);
    // Along runs and at the end: each trial once. Of another matrix: refused.
    let mut again = spectra.clone();
    again.spectra.iter_mut().for_each(|own| own.epoch = Some(5));
    let both = Spectra::joined(&[again, spectra.clone()]);
    assert_eq!(both.ratio(&|own| own.trace().value)?, spectra.ratio(&|own| own.trace().value)?);
    let mut other = spectra.clone();
    other.spectra[0].matrix = sharp_minima::Curvature::GaussNewton;
    let error = other.ratio(&|own| own.value).expect_err("two matrices").to_string();
    assert!(error.contains("Gauss–Newton") && error.contains("be of one kind"), "{error}");
    assert!(verdict::spectrum(None, Some(&other)).is_err() && other.chart().is_err());
    let twice = Spectra::joined(&[spectra.clone(), spectra.clone()]);
    let error = twice.ratio(&|own| own.value).expect_err("twice").to_string();
    assert!(error.contains("twice small, trial 0"), "{error}");
    let text = verdict::spectrum(None, Some(&spectra))?.block().text;
    assert!(
        text.contains("eigenvalues above 0.1, finer than the resolution, large batch")
            && text.contains("paper: no eigenvalue"),
        "{text}"
    );
    Ok(())
}
