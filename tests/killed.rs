//! Killed at any moment, work that is kept goes on in the next call: to the same numbers, without what was finished being done
//! twice, and without anything half-written left behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use sharp_minima::{Between, Sharpness, Spectrum, Training, Work, data, zoo};

type Done = Result<(), Box<dyn std::error::Error>>;

const CHILD: &str = "SHARP_MINIMA_KILLED_CHILD";
/// How many kills there are to be; 20 if it is not set.
const KILLS: &str = "SHARP_MINIMA_KILLS";

/// Trains a pair, measures it, draws a path between its ends, takes their spectra, and writes all of it as a record.
fn work(folder: &Path) -> Done {
    let data = data::digits().first(300, 50)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.1)?;
    let work = Work::new().kept_in(folder.join("kept")).threads(2).quiet();
    let pair = Training::adam().trials(2).epochs(8).iterates(&[4]).work(&work).pair(&net, &data, 5, 100)?;
    let maxima = Sharpness::full(1e-3).thorough().starts(0).work(&work).pair(&net, &data, &pair)?;
    let paths = Between::line().points(9).work(&work).pair(&net, &data, &pair)?;
    let spectra = Spectrum::outermost(3).steps(12).work(&work).pair(&net, &data, &pair)?;
    let record = pair.recorded().with_maxima(&maxima).with_paths(&paths).with_spectra(&spectra);
    Ok(record.save(folder.join("record.jsonl"))?)
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.insert(path.clone(), std::fs::read(&path)?);
        }
    }
    Ok(found)
}

/// What was kept of finished parts; but not of spectra, whose steps are kept in one file as they come.
fn finished(folder: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let named =
        |path: &Path, begin: &str| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    let is_json = |path: &Path| path.extension().is_some_and(|ending| ending == "json");
    let is_whole = |path: &Path| is_json(path) && !named(path, "spectrum-");
    Ok(files(folder)?.into_iter().filter(|(path, _)| is_whole(path)).collect())
}

/// A record's lines without what differs from run to run: seconds, when it was made, and the digest over them.
fn numbers(record: &Path) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    fn bare(value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let fields =
                    object.into_iter().filter(|(name, _)| !["seconds", "date", "digest"].contains(&name.as_str()));
                Value::Object(fields.map(|(name, field)| (name, bare(field))).collect())
            }
            Value::Array(values) => Value::Array(values.into_iter().map(bare).collect()),
            other => other,
        }
    }
    std::fs::read_to_string(record)?.lines().map(|line| Ok(bare(serde_json::from_str(line)?))).collect()
}

#[test]
fn killed_work_goes_on() -> Done {
    if let Some(folder) = std::env::var_os(CHILD) {
        return work(Path::new(&folder));
    }
    let wanted = std::env::var(KILLS).map_or(Ok(20), |text| text.parse::<u32>())?;
    let undisturbed = tempfile::tempdir()?;
    let begin = std::time::Instant::now();
    work(undisturbed.path())?;
    let took = begin.elapsed();
    let whole = numbers(&undisturbed.path().join("record.jsonl"))?;
    let names = |folder: &Path| -> std::io::Result<Vec<PathBuf>> {
        Ok(files(folder)?.into_keys().filter_map(|path| Some(path.strip_prefix(folder).ok()?.to_path_buf())).collect())
    };
    let whole_names = names(undisturbed.path())?;
    // Moments of which many are soon after the beginning, and some late.
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let (mut kills, mut runs) = (0, 0);
    while kills < wanted {
        let killed = tempfile::tempdir()?;
        let folder = killed.path();
        let mut before: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let mut is_done = false;
        while !is_done && kills < wanted {
            let mut child = std::process::Command::new(std::env::current_exe()?)
                .args(["killed_work_goes_on", "--exact"])
                .env(CHILD, folder)
                .stdout(std::process::Stdio::null())
                .spawn()?;
            std::thread::sleep(took.mul_f64(0.02 + 0.4 * random.random_range(0.0..1.0_f64).powi(2)));
            is_done = child.try_wait()?.is_some();
            kills += u32::from(!is_done);
            child.kill()?;
            let status = child.wait()?;
            assert!(!is_done || status.success(), "{status}");
            for (path, bytes) in &before {
                assert_eq!(std::fs::read(path)?, *bytes, "{} was done twice", path.display());
            }
            before = finished(folder)?;
            // As if some time went by, in which nobody writes what the killed one left.
            for path in files(folder)?.keys().filter(|path| path.extension().is_some_and(|ending| ending == "part")) {
                let file = std::fs::File::options().write(true).open(path)?;
                file.set_modified(SystemTime::now() - Duration::from_secs(60))?;
            }
        }
        work(folder)?;
        runs += 1;
        assert_eq!(numbers(&folder.join("record.jsonl"))?, whole);
        assert_eq!(names(folder)?, whole_names, "what is there after the next run");
        for (path, bytes) in &before {
            assert_eq!(std::fs::read(path)?, *bytes, "{} was done twice", path.display());
        }
    }
    println!("{kills} kills over {runs} runs of {:.1} s", took.as_secs_f64());
    Ok(())
}
