//! Kept parts: nothing is taken that was made otherwise, nothing that was altered, and nothing that was finished is lost.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sharp_minima::{
    Augment, Dataset, Growth, Layer, Net, Recipe, Run, Scaling, Split, Strategy, Training, Trials, data, zoo,
};

type Done = Result<(), Box<dyn std::error::Error>>;

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

/// All of a run but its seconds.
fn numbers(run: &Run) -> Run {
    let mut run = run.clone();
    run.trace.iter_mut().for_each(|row| row.seconds = 0.0);
    run
}

fn all_numbers(trials: &Trials) -> (Vec<Run>, Vec<sharp_minima::Weights>, Vec<sharp_minima::Weights>) {
    (trials.regime.runs.iter().map(numbers).collect(), trials.weights.clone(), trials.lowest.clone())
}

/// Every leaf of a JSON value, each changed in turn: the values that differ from it in one place.
fn changed(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(object) => {
            let fields = object.iter().flat_map(|(name, field)| {
                changed(field).into_iter().map(move |field| {
                    let mut object = object.clone();
                    object.insert(name.clone(), field);
                    Value::Object(object)
                })
            });
            fields.collect()
        }
        Value::Number(number) if number.is_f64() => vec![Value::from(0.5 * number.as_f64().unwrap_or(1.0) + 0.01)],
        Value::Number(number) => vec![Value::from(number.as_u64().unwrap_or(0) + 1)],
        Value::Null => vec![Value::from(1)],
        Value::Bool(yes) => vec![Value::from(!yes)],
        // A variant: the type's own error says which others there are.
        Value::String(text) => vec![Value::from(format!("not {text}"))],
        Value::Array(_) => Vec::new(),
    }
}

/// The other variants that an error of serde lists: "unknown variant `not Batch`, expected one of `Batch`, `Running`".
fn variants(error: &str) -> Vec<String> {
    let listed = error.split("expected").nth(1).unwrap_or_default();
    listed.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

/// Every recipe that differs from this one in one field, by the type's own list of fields and of variants.
fn neighbors(recipe: &Recipe) -> Result<Vec<Recipe>, Box<dyn std::error::Error>> {
    let mut found = Vec::new();
    for value in changed(&serde_json::to_value(recipe)?) {
        match serde_json::from_value::<Recipe>(value.clone()) {
            Ok(other) => found.push(other),
            Err(error) => {
                let variants = variants(&error.to_string());
                assert!(!variants.is_empty(), "{error}: {value}");
                for variant in variants {
                    let text = value.to_string();
                    let begin = text.find("\"not ").ok_or("no changed variant")?;
                    let end = begin + 1 + text[begin + 1..].find('"').ok_or("no end")?;
                    let text = format!("{}\"{variant}\"{}", &text[..begin], &text[end + 1..]);
                    // A variant with a value of its own (the number of a GPU) is written as an object.
                    let object = text.replacen(&format!("\"{variant}\""), &format!("{{\"{variant}\":0}}"), 1);
                    // One with named values (a ball with its η) has them by name.
                    let named =
                        text.replacen(&format!("\"{variant}\""), &format!("{{\"{variant}\":{{\"eta\":0.5}}}}"), 1);
                    let other = serde_json::from_str(&text).or_else(|_| serde_json::from_str::<Recipe>(&object));
                    let other = other.or_else(|_| serde_json::from_str::<Recipe>(&named))?;
                    if other != *recipe {
                        found.push(other);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// One trial of a recipe, of whatever fields it has.
fn training(recipe: &Recipe) -> Training {
    let Recipe { optimizer, batch, epochs, patience, seed, objective, .. } = recipe.clone();
    let Recipe { strategy, ghost, augment, warm_up, scaled, growth, average, .. } = recipe.clone();
    let mut training =
        Training::adam().optimizer(optimizer).batch(batch).epochs(epochs).seed(seed.0).objective(objective);
    training = training.strategy(strategy).warm_up(warm_up);
    training = patience.map_or(training.clone(), |patience| training.patience(patience));
    training = ghost.map_or(training.clone(), |points| training.ghost(points));
    training = augment.map_or(training.clone(), |augment| training.augment(augment));
    training = scaled.map_or(training.clone(), |scaled| training.scaled(scaled.rule, scaled.base));
    training = growth.map_or(training.clone(), |growth| training.growing(growth));
    training = average.map_or(training.clone(), |first| training.average(first));
    training.trials(1).quiet()
}

/// A recipe that differs in any one field finds nothing of what this one left: it is trained anew.
#[test]
fn every_field_of_a_recipe_decides_what_is_found() -> Done {
    let data = data::digits().first(60, 20)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    // With everything on, since what is off is not written.
    let growth = Growth { every: 1, factor: 2, most: 40, rate: 0.7 };
    let own = Training::adam().batch(20).epochs(3).strategy(Strategy::sam(0.05).parts_of(10)).ghost(5);
    let own = own.augment(Augment::images()).warm_up(3).scaled(Scaling::Linear, 10).growing(growth).average(1);
    let own = own.recipe().clone();
    let others = neighbors(&own)?;
    // At least one of each field, and each variant of each enum.
    let fields = serde_json::to_value(&own)?.as_object().map_or(0, serde_json::Map::len);
    assert!(others.len() >= fields + 6, "{others:#?}");
    let folder = tempfile::tempdir()?;
    let run = |recipe: &Recipe| training(recipe).kept_in(folder.path()).run(&net, &data);
    run(&own)?;
    let mut seen: HashSet<PathBuf> = files(folder.path())?.into_iter().collect();
    assert_eq!(seen.len(), 3);
    for other in &others {
        assert_eq!(training(other).recipe(), other, "the test hands over every field");
        match run(other) {
            Ok(_) => {
                let now: HashSet<PathBuf> = files(folder.path())?.into_iter().collect();
                assert_eq!(now.difference(&seen).count(), 3, "{other:?} found what another recipe left");
                seen = now;
            }
            // A device that is not there, and averages that an averaged x has not: nothing was found either, or it would not
            // have been asked for.
            Err(error) => {
                let said = ["device must be one that is there", "statistics must be batch or recalibrated"];
                assert!(said.iter().any(|begin| error.to_string().starts_with(begin)), "{error}");
            }
        }
    }
    Ok(())
}

/// Four points, two weights a class.
fn tiny() -> sharp_minima::Result<(Net, Dataset)> {
    let points = Split::new(vec![0.0, 1.0, 0.5, 0.25], vec![0, 1, 0, 1], vec![1], 2)?;
    let data = Dataset::new("tiny", points.clone(), points)?;
    Ok((Net::new("tiny", &[1], vec![Layer::Dense { outputs: 2 }])?, data))
}

/// Bytes of each file of a small kept trial are altered in turn, all of the weights and every third of the rows (a unit test
/// of the format flips every bit of a part): what comes back is never what was altered, and the files are written anew.
#[test]
fn an_altered_byte_is_noticed() -> Done {
    let (net, data) = tiny()?;
    let folder = tempfile::tempdir()?;
    let training = Training::adam().batch(2).trials(1).epochs(1).quiet().kept_in(folder.path());
    let first = training.run(&net, &data)?;
    assert_eq!(training.run(&net, &data)?, first, "with its seconds: it was found");
    let kept = files(folder.path())?;
    assert_eq!(kept.len(), 3);
    for file in &kept {
        let step = if file.extension().is_some_and(|ending| ending == "json") { 3 } else { 1 };
        for place in (0..std::fs::read(file)?.len()).step_by(step) {
            let mut bytes = std::fs::read(file)?;
            let Some(byte) = bytes.get_mut(place) else { continue };
            *byte ^= 1 << (place % 8);
            std::fs::write(file, &bytes)?;
            let found = training.run(&net, &data)?;
            assert_eq!(all_numbers(&found), all_numbers(&first), "{}, byte {place}", file.display());
            assert_ne!(std::fs::read(file)?, bytes, "{}, byte {place} was not noticed", file.display());
        }
    }
    let found = training.run(&net, &data)?;
    assert_eq!(training.run(&net, &data)?, found, "kept again");
    // A file that is missing beside the others, and one that is empty.
    for file in &kept {
        std::fs::remove_file(file)?;
        assert_eq!(all_numbers(&training.run(&net, &data)?), all_numbers(&first));
        std::fs::write(file, "")?;
        assert_eq!(all_numbers(&training.run(&net, &data)?), all_numbers(&first));
    }
    Ok(())
}

/// Running averages that are no longer finite while f is: such a trial diverged, and what is kept of it can be read again.
#[test]
fn what_cannot_be_read_back_is_not_written() -> Done {
    let data = data::digits().first(100, 50)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let folder = tempfile::tempdir()?;
    for rate in [1e8, 1e15, 1e25] {
        let training =
            Training::adam().learning_rate(rate).batch(20).trials(2).epochs(3).quiet().kept_in(folder.path());
        let first = training.run(&net, &data)?;
        assert!(first.weights.iter().chain(&first.lowest).all(sharp_minima::Weights::is_finite), "{rate}");
        assert_eq!(training.run(&net, &data)?.weights, first.weights, "{rate}");
    }
    let points = Split::new(vec![1e30; 400], vec![0, 1, 0, 1], vec![100], 2)?;
    let large = Dataset::new("large", points.clone(), points)?;
    let net = zoo::f1(large.shape(), large.classes(), 0.05)?;
    let training = Training::adam().batch(4).trials(1).epochs(2).quiet().kept_in(folder.path());
    assert_eq!(training.run(&net, &large)?.regime.runs, training.run(&net, &large)?.regime.runs.clone());
    Ok(())
}

/// A budget that is used up again and again: each call goes on where the last one was, and the end is that of an undisturbed one,
/// with the points that an earlier call kept.
#[test]
fn a_budget_that_is_used_up_goes_on_in_the_next_call() -> Done {
    let data = data::digits().first(300, 50)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.2)?;
    let training = || Training::adam().trials(2).batch(10).epochs(12).quiet();
    let whole = training().iterates(&[9, 2]).run(&net, &data)?;
    let folder = tempfile::tempdir()?;
    let mut reached = Vec::new();
    for _ in 0..200 {
        let work = sharp_minima::Work::new().seconds(0.02).kept_in(folder.path()).quiet();
        let asked: &[usize] = if reached.is_empty() { &[2, 9] } else { &[9, 2] };
        let trials = training().iterates(asked).work(&work).run(&net, &data)?;
        reached.push(trials.regime.runs.iter().map(|run| run.last().epoch).sum::<usize>());
        if reached.last() == Some(&24) {
            break;
        }
    }
    assert!(reached.len() > 1 && reached.last() == Some(&24), "{reached:?}");
    let again = training().iterates(&[9, 2]).kept_in(folder.path()).run(&net, &data)?;
    assert_eq!(all_numbers(&whole), all_numbers(&again));
    assert_eq!(again.epochs(), [2, 9]);
    for epoch in [2, 9] {
        assert_eq!(whole.at_epoch(epoch)?.weights, again.at_epoch(epoch)?.weights);
    }
    let left = files(folder.path())?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "part"));
    assert_eq!(left.count(), 0, "no trial is on its way any more");
    // A point that was altered is not taken: the trial is made again, with it.
    let point =
        files(folder.path())?.into_iter().find(|path| path.to_string_lossy().contains("epoch9-")).ok_or("none")?;
    let mut bytes = std::fs::read(&point)?;
    *bytes.last_mut().ok_or("empty")? ^= 1;
    std::fs::write(&point, &bytes)?;
    let mended = training().iterates(&[9, 2]).kept_in(folder.path()).run(&net, &data)?;
    assert_eq!(mended.at_epoch(9)?.weights, whole.at_epoch(9)?.weights);
    Ok(())
}
