//! What was found before, at full scale? Recorded runs, as files that any language and any eye can read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::break_even::{BreakEven, Reach};
use crate::display::Block;
use crate::distances::Distances;
use crate::error::{Error, Result};
use crate::file::read_whole;
use crate::kept::digest;
use crate::landscape::{PathPoint, Paths, Surface, Surfaces};
use crate::noise::NoiseScale;
use crate::remedies::Remedies;
use crate::sharpness::Maxima;
use crate::spectrum::{Eigenvalues, Spectra};
use crate::table::DataFrame;
use crate::threshold::Threshold;
use crate::train::{Pair, Regime, Role, Run, Stop, Study, check_alike, seed_of, threshold_of};
use crate::warm_starts::WarmStarts;
use crate::way_down::WayDown;

/// The version of the format that this crate writes and reads.
const FORMAT: u64 = 2;

/// Most bytes of a record: what is larger is none.
const MOST: u64 = 1 << 28;

/// The regimes of an experiment as they were measured on some day.
///
/// A record is a file of JSON lines, one object a line, so that it opens as one table (`pandas.read_json(path, lines=True)`,
/// `SELECT * FROM 'path'` in DuckDB) and a change of one number is a change of one line. Each line has a `kind`:
///
/// | kind | what |
/// |---|---|
/// | `record` | the first line: format, version of this crate, day, threads of the machine, seconds, digest |
/// | `regime` | a regime with its recipe, net and data |
/// | `run`, `epoch` | a trial and why it ended; its rows, the start's first |
/// | `maxima`, `sharpness` | how many measures are missing; each measure with its searches |
/// | `paths`, `path`, `point` | how many paths are missing, where any is; a path; its points |
/// | `spectra`, `spectrum` | how many spectra are missing; each spectrum with its probes |
/// | `surfaces`, `surface` | how many surfaces are missing; each surface with its values |
/// | `noise` | the noise of gradients at a trial's last point |
///
/// The digest (XXH3, 128 bits) is of everything else in the file: a record that was altered is refused. Weights are not in it
/// ([`Weights::save`](crate::Weights::save)). A file is whole or not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Version of this crate that made it.
    pub version: String,
    /// The day, by UTC, as year-month-day.
    pub date: String,
    /// Threads that the machine has.
    pub threads: usize,
    /// Seconds of all trials and measures together, as each counted them; what ran in parallel counts each.
    pub seconds: f64,
    /// The regimes; at least one, each with at least one trial, all of one net and one data set.
    pub regimes: Vec<Regime>,
    /// How sharp their minima are, where that was measured.
    pub maxima: Option<Maxima>,
    /// f along the paths between them, where that was measured.
    pub paths: Option<Paths>,
    /// The spectra of the Hessian there, where they were measured.
    pub spectra: Option<Spectra>,
    /// f over planes through them, where that was measured.
    pub surfaces: Option<Surfaces>,
    /// How noisy gradients are there, where that was measured.
    pub noise: Vec<NoiseScale>,
}

impl Pair {
    /// A record of what was just measured, with today's date by the machine's clock.
    pub fn recorded(&self) -> Recorded {
        Recorded::of(&self.regimes())
    }

    /// Writes recipes and traces, without the weights, to this file, which [`Recorded::load`] reads. Measures are added by
    /// `recorded().with_maxima(…)`, `with_paths`, `with_spectra`, and then [`save`](Recorded::save).
    ///
    /// # Errors
    /// As [`Recorded::save`].
    pub fn record(&self, path: impl AsRef<Path>) -> Result<()> {
        self.recorded().save(path)
    }
}

impl Study {
    /// A record of what was just measured, with today's date by the machine's clock.
    pub fn recorded(&self) -> Recorded {
        Recorded::of(&self.regimes())
    }

    /// Writes recipes and traces, without the weights, to this file, which [`Recorded::load`] reads. Measures are added by
    /// `recorded().with_maxima(…)`, `with_paths`, `with_spectra`, and then [`save`](Recorded::save).
    ///
    /// # Errors
    /// As [`Recorded::save`].
    pub fn record(&self, path: impl AsRef<Path>) -> Result<()> {
        self.recorded().save(path)
    }
}

impl Recorded {
    /// A record of these regimes.
    fn of(regimes: &[&Regime]) -> Self {
        let runs = regimes.iter().flat_map(|regime| &regime.runs);
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            date: chrono::Utc::now().date_naive().to_string(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            seconds: runs.map(|run| run.last().seconds).sum(),
            regimes: regimes.iter().map(|&regime| regime.clone()).collect(),
            maxima: None,
            paths: None,
            spectra: None,
            surfaces: None,
            noise: Vec::new(),
        }
    }

    /// With how noisy gradients are at the minima.
    pub fn with_noise(self, noise: &[NoiseScale]) -> Self {
        let seconds = self.seconds + noise.iter().map(|noise| noise.seconds).sum::<f64>();
        Self { noise: noise.to_vec(), seconds, ..self }
    }

    /// With how sharp the minima are.
    pub fn with_maxima(self, maxima: &Maxima) -> Self {
        let seconds = self.seconds + maxima.maxima.iter().map(|maximum| maximum.seconds).sum::<f64>();
        Self { maxima: Some(maxima.clone()), seconds, ..self }
    }

    /// With the spectra of the Hessian at the minima.
    pub fn with_spectra(self, spectra: &Spectra) -> Self {
        let seconds = self.seconds + spectra.spectra.iter().map(|spectrum| spectrum.seconds).sum::<f64>();
        Self { spectra: Some(spectra.clone()), seconds, ..self }
    }

    /// With f over planes through the minima.
    pub fn with_surfaces(self, surfaces: &Surfaces) -> Self {
        let seconds = self.seconds + surfaces.surfaces.iter().map(|surface| surface.seconds).sum::<f64>();
        Self { surfaces: Some(surfaces.clone()), seconds, ..self }
    }

    /// With what lies between the minima.
    pub fn with_paths(self, paths: &Paths) -> Self {
        let seconds = self.seconds + paths.paths.iter().map(|path| path.seconds).sum::<f64>();
        Self { paths: Some(paths.clone()), seconds, ..self }
    }

    /// The regimes.
    pub fn regimes(&self) -> Vec<&Regime> {
        self.regimes.iter().collect()
    }

    /// The small-batch and the large-batch regime.
    ///
    /// # Errors
    /// [`Error::Data`] where it is not a record of a pair.
    pub fn pair(&self) -> Result<[&Regime; 2]> {
        let of = |role: Role| self.regimes.iter().find(|regime| regime.role == Some(role));
        match (of(Role::Small), of(Role::Large)) {
            (Some(small), Some(large)) => Ok([small, large]),
            _ => Err(Error::Data("the record has no small-batch and large-batch regime".into())),
        }
    }

    /// Past which batch size the test accuracy falls, after the last epoch of each trial.
    ///
    /// # Errors
    /// As [`Threshold::of`]: it takes at least four batch sizes.
    pub fn threshold(&self) -> Result<Threshold> {
        threshold_of(&self.regimes())
    }

    /// The arms of the record beside its plain large and its plain small batch; see [`Remedies::of`].
    ///
    /// # Errors
    /// As [`Remedies::of`].
    pub fn remedies(&self) -> Result<Remedies> {
        Remedies::of(&self.regimes(), self.maxima.as_ref())?.with_noise(&self.noise)
    }

    /// Its regimes that started after epochs of another one of them; see [`WarmStarts::of`].
    ///
    /// # Errors
    /// As [`WarmStarts::of`].
    pub fn warm_starts(&self) -> Result<WarmStarts> {
        WarmStarts::of(&self.regimes(), self.maxima.as_ref())
    }

    /// How far its trials go; see [`Distances::of`].
    ///
    /// # Errors
    /// As [`Distances::of`].
    pub fn distances(&self) -> Result<Distances> {
        Distances::of(&self.regimes())
    }

    /// When its large batch pays; see [`BreakEven::of`].
    ///
    /// # Errors
    /// As [`BreakEven::of`] and [`pair`](Self::pair).
    pub fn break_even(&self, reach: Reach, targets: &[f64]) -> Result<BreakEven> {
        let [small, large] = self.pair()?;
        BreakEven::of(small, large, reach, targets)
    }

    /// Sharpness along its runs; see [`WayDown::of`].
    ///
    /// # Errors
    /// As [`WayDown::of`].
    pub fn way_down(&self) -> Result<WayDown> {
        WayDown::of(&self.regimes(), &self.maxima.clone().unwrap_or_default())
    }

    /// The same in several kinds of box; see [`WayDown::all`].
    ///
    /// # Errors
    /// As [`WayDown::all`].
    pub fn ways_down(&self) -> Result<Vec<WayDown>> {
        WayDown::all(&self.regimes(), &self.maxima.clone().unwrap_or_default())
    }

    /// All regimes in one frame; see [`crate::table`].
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        crate::table::regimes(&self.regimes())
    }

    /// Mean and standard deviation of all regimes after the last epoch of each trial.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn summary(&self) -> Result<DataFrame> {
        crate::table::summary(&self.regimes())
    }

    /// Where the numbers come from, in a line.
    pub fn source(&self) -> String {
        let first = self.regimes.first();
        format!(
            "recorded {} by version {} on a machine of {} threads: {} on {}, seed {}, {} summed over trials that ran in parallel",
            self.date,
            self.version,
            self.threads,
            first.map_or("no net", |regime| &regime.net),
            first.map_or("no data", |regime| &regime.data),
            first.map_or(0, |regime| seed_of(&regime.recipe)),
            crate::display::duration(self.seconds)
        )
    }

    /// Writes the record.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written; [`Error::Data`] or [`Error::Format`] where it could not be read back: regimes of
    /// two nets or data sets or of one name, one without trials, or a number that is not finite and has no place in JSON.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.check().map_err(Error::Data)?;
        let mut body = String::new();
        let mut push = |line: Value| {
            body.push_str(&line.to_string());
            body.push('\n');
        };
        for regime in &self.regimes {
            let mut line = object(path, regime)?;
            line.remove("runs");
            push(line_of("regime", [], line));
            for run in &regime.runs {
                let own = || [("regime", Value::from(regime.name.as_str())), ("trial", run.trial.into())];
                let mut stop = Map::new();
                stop.insert("stop".into(), serde_json::to_value(run.stop).map_err(|error| Error::file(path, error))?);
                push(line_of("run", own(), stop));
                for row in &run.trace {
                    push(line_of("epoch", own(), object(path, row)?));
                }
            }
        }
        if let Some(Maxima { maxima, unmeasured, diverged, failed }) = &self.maxima {
            let counts = [("unmeasured", Value::from(*unmeasured)), ("diverged", (*diverged).into())];
            let mut others = Map::new();
            if !failed.is_empty() {
                others.insert("failed".into(), failed.clone().into());
            }
            push(line_of("maxima", counts, others));
            for maximum in maxima {
                push(line_of("sharpness", [], object(path, maximum)?));
            }
        }
        if let Some(Paths { unmeasured, diverged, .. }) = self.paths.as_ref().filter(|paths| !paths.is_whole()) {
            let counts = [("unmeasured", Value::from(*unmeasured)), ("diverged", (*diverged).into())];
            push(line_of("paths", counts, Map::new()));
        }
        for (number, one) in self.paths.iter().flat_map(|paths| &paths.paths).enumerate() {
            let mut line = object(path, one)?;
            line.remove("points");
            push(line_of("path", [("path", Value::from(number))], line));
            for point in &one.points {
                push(line_of("point", [("path", Value::from(number))], object(path, point)?));
            }
        }
        if let Some(Spectra { spectra, unmeasured, diverged }) = &self.spectra {
            let counts = [("unmeasured", Value::from(*unmeasured)), ("diverged", (*diverged).into())];
            push(line_of("spectra", counts, Map::new()));
            for spectrum in spectra {
                push(line_of("spectrum", [], object(path, spectrum)?));
            }
        }
        if let Some(Surfaces { surfaces, unmeasured, diverged }) = &self.surfaces {
            let counts = [("unmeasured", Value::from(*unmeasured)), ("diverged", (*diverged).into())];
            push(line_of("surfaces", counts, Map::new()));
            for surface in surfaces {
                push(line_of("surface", [], object(path, surface)?));
            }
        }
        for noise in &self.noise {
            push(line_of("noise", [], object(path, noise)?));
        }
        let head = Head {
            kind: "record".into(),
            format: FORMAT,
            version: self.version.clone(),
            date: self.date.clone(),
            threads: self.threads,
            seconds: self.seconds,
        };
        let whole = head.with_digest(&body).map_err(|error| Error::file(path, error))? + "\n" + &body;
        if whole.len() as u64 > MOST {
            let reason = format!("a record has at most {MOST} bytes, but this one would have {}", whole.len());
            return Err(Error::Data(reason));
        }
        // JSON has neither NaN nor infinities: where a record cannot hold them, that is said now, and not when it is read.
        Self::read(path, &whole)?;
        crate::file::write_whole(path, whole.as_bytes())
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, [`Error::Format`] where it is not a record of this format, or was altered, and
    /// in which line that shows.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = String::from_utf8(read_whole(path, MOST)?).map_err(|error| Error::file(path, error))?;
        Self::read(path, &text)
    }

    /// What this text says, which is or will be that of a file.
    fn read(path: &Path, text: &str) -> Result<Self> {
        let (first, body) = text.split_once('\n').unwrap_or((text, ""));
        let wrong = |line: usize, reason: String| Error::format(path, format!("line {line}"), reason);
        // The format first: another one may well lack what this one has.
        let format = serde_json::from_str::<Value>(first).ok().and_then(|head| head.get("format")?.as_u64());
        if format != Some(FORMAT) {
            // A record of format 1 was one object over many lines, its format the second of them.
            let found = format.or_else(|| serde_json::from_str::<Value>(text).ok()?.get("format")?.as_u64());
            let found = found.map_or("none".into(), |format| format.to_string());
            return Err(wrong(1, format!("a record of a run has the format {FORMAT} here, but this has {found}")));
        }
        let mut head = parsed(first).map_err(|reason| wrong(1, reason))?;
        head.remove("digest");
        let head: Head = from_object(head).map_err(|reason| wrong(1, reason))?;
        if head.with_digest(body).map_err(|error| wrong(1, error.to_string()))? != first {
            return Err(wrong(1, "the digest is not that of the file: it was altered, or a part is missing".into()));
        }
        let mut record = Self {
            version: head.version,
            date: head.date,
            threads: head.threads,
            seconds: head.seconds,
            regimes: Vec::new(),
            maxima: None,
            paths: None,
            spectra: None,
            surfaces: None,
            noise: Vec::new(),
        };
        for (number, line) in body.lines().enumerate() {
            record.take(line).map_err(|reason| wrong(number + 2, reason))?;
        }
        record.check().map_err(|reason| Error::format(path, "regimes", reason))?;
        Ok(record)
    }

    /// Takes one line after the first; an error says what is wrong with it.
    fn take(&mut self, line: &str) -> std::result::Result<(), String> {
        let mut line = parsed(line)?;
        let kind: String = take(&mut line, "kind")?;
        let nothing_before = || format!("a line of kind '{kind}' has nothing before it that it belongs to");
        match kind.as_str() {
            "regime" => {
                line.insert("runs".into(), nothing()?);
                self.regimes.push(from_object(line)?);
            }
            "run" | "epoch" => {
                let (name, trial): (String, usize) = (take(&mut line, "regime")?, take(&mut line, "trial")?);
                let regime = self.regimes.last_mut().filter(|regime| regime.name == name).ok_or_else(nothing_before)?;
                if kind == "run" {
                    let stop: Stop = take(&mut line, "stop")?;
                    nothing_left(&line)?;
                    regime.runs.push(Run { trial, trace: Vec::new(), stop });
                } else {
                    let run = regime.runs.last_mut().filter(|run| run.trial == trial).ok_or_else(nothing_before)?;
                    run.trace.push(from_object(line)?);
                }
            }
            "maxima" => {
                let (unmeasured, diverged) = (take(&mut line, "unmeasured")?, take(&mut line, "diverged")?);
                let failed = if line.contains_key("failed") { take(&mut line, "failed")? } else { Vec::new() };
                nothing_left(&line)?;
                self.maxima = Some(Maxima { maxima: Vec::new(), unmeasured, diverged, failed });
            }
            "sharpness" => {
                let maxima = self.maxima.as_mut().ok_or_else(nothing_before)?;
                maxima.maxima.push(from_object(line)?);
            }
            "spectra" => {
                let (unmeasured, diverged) = (take(&mut line, "unmeasured")?, take(&mut line, "diverged")?);
                nothing_left(&line)?;
                self.spectra = Some(Spectra { spectra: Vec::new(), unmeasured, diverged });
            }
            "spectrum" => {
                let spectra = self.spectra.as_mut().ok_or_else(nothing_before)?;
                spectra.spectra.push(from_object::<Eigenvalues>(line)?);
            }
            "surfaces" => {
                let (unmeasured, diverged) = (take(&mut line, "unmeasured")?, take(&mut line, "diverged")?);
                nothing_left(&line)?;
                self.surfaces = Some(Surfaces { surfaces: Vec::new(), unmeasured, diverged });
            }
            "surface" => {
                let surfaces = self.surfaces.as_mut().ok_or_else(nothing_before)?;
                surfaces.surfaces.push(from_object::<Surface>(line)?);
            }
            "noise" => self.noise.push(from_object(line)?),
            "paths" => {
                let (unmeasured, diverged) = (take(&mut line, "unmeasured")?, take(&mut line, "diverged")?);
                nothing_left(&line)?;
                self.paths = Some(Paths { paths: Vec::new(), unmeasured, diverged });
            }
            "path" => {
                let paths = &mut self.paths.get_or_insert_default().paths;
                if take::<usize>(&mut line, "path")? != paths.len() {
                    return Err("paths must be numbered in their order".into());
                }
                line.insert("points".into(), nothing()?);
                paths.push(from_object(line)?);
            }
            "point" => {
                let number: usize = take(&mut line, "path")?;
                let paths = self
                    .paths
                    .as_mut()
                    .map(|paths| &mut paths.paths)
                    .filter(|paths| number.checked_add(1) == Some(paths.len()));
                let last = paths.and_then(|paths| paths.last_mut()).ok_or_else(nothing_before)?;
                last.points.push(from_object::<PathPoint>(line)?);
            }
            other => return Err(format!("there is no kind '{other}' of line")),
        }
        Ok(())
    }

    /// What keeps it from being a record, if something does.
    fn check(&self) -> std::result::Result<(), String> {
        if self.regimes.is_empty() {
            return Err("a record has at least one regime, but there is none".into());
        }
        for (place, regime) in self.regimes.iter().enumerate() {
            let name = &regime.name;
            if regime.runs.is_empty() || regime.runs.iter().any(|run| run.trace.is_empty()) {
                return Err(format!("regime '{name}': it has no trials, or a trial without rows"));
            }
            if self.regimes[..place].iter().any(|other| other.name == *name) {
                return Err(format!("two regimes have the name '{name}'"));
            }
        }
        let surfaces = self.surfaces.iter().flat_map(|surfaces| &surfaces.surfaces);
        if surfaces.into_iter().any(|surface| !surface.is_whole()) {
            return Err("a surface has as many rows and columns of values as places, an odd number from 3".into());
        }
        let mut spectra = self.spectra.iter().flat_map(|spectra| &spectra.spectra);
        if spectra.any(|spectrum| !spectrum.is_whole()) {
            return Err("a spectrum has at least one probe, with a weight for each of its nodes".into());
        }
        check_alike(&self.regimes()).map_err(|error| error.to_string())
    }

    /// Where the numbers come from, one row per trial, and what was measured around the minima.
    pub fn block(&self) -> Block {
        let mut blocks = vec![Block::paragraph(&self.source()), crate::table::trials(&self.regimes())];
        blocks.extend(self.maxima.as_ref().map(Maxima::block));
        blocks.extend(self.paths.as_ref().map(Paths::block));
        blocks.extend(self.spectra.as_ref().map(Spectra::block));
        blocks.extend(self.surfaces.as_ref().map(Surfaces::block));
        Block::joined(&blocks)
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// The first line, without its digest.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    kind: String,
    format: u64,
    version: String,
    date: String,
    threads: usize,
    seconds: f64,
}

impl Head {
    /// The line with the digest of itself and of the rest.
    fn with_digest(&self, body: &str) -> serde_json::Result<String> {
        let own = serde_json::to_string(self)?;
        let digest = digest(format!("{own}\n{body}").as_bytes());
        Ok(format!("{},\"digest\":\"{digest}\"}}", own.trim_end_matches('}')))
    }
}

/// An object of this kind: first the kind, then what it belongs to, then all that it is.
fn line_of<const N: usize>(kind: &str, first: [(&str, Value); N], rest: Map<String, Value>) -> Value {
    let mut line = Map::new();
    line.insert("kind".into(), kind.into());
    line.extend(first.into_iter().map(|(name, value)| (name.to_string(), value)));
    line.extend(rest);
    Value::Object(line)
}

/// A line's fields, each as it is written: long arrays become what they are of at once, and not first a tree of values, which takes
/// many times the memory.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

fn parsed(line: &str) -> std::result::Result<Fields<'_>, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

/// The field of an array that is on lines of its own.
fn nothing() -> std::result::Result<&'static RawValue, String> {
    serde_json::from_str("[]").map_err(|error| error.to_string())
}

fn from_object<T: DeserializeOwned>(fields: Fields<'_>) -> std::result::Result<T, String> {
    let fields = MapDeserializer::<_, serde_json::Error>::new(fields.into_iter());
    T::deserialize(fields).map_err(|error| error.to_string())
}

fn take<T: DeserializeOwned>(line: &mut Fields<'_>, name: &str) -> std::result::Result<T, String> {
    let value = line.remove(name).ok_or_else(|| format!("missing field `{name}`"))?;
    serde_json::from_str(value.get()).map_err(|error| format!("{name}: {error}"))
}

fn nothing_left(line: &Fields<'_>) -> std::result::Result<(), String> {
    line.keys().next().map_or(Ok(()), |name| Err(format!("unknown field `{name}`")))
}

/// What is written as an object.
fn object<T: Serialize>(path: &Path, value: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(value).map_err(|error| Error::file(path, error))? {
        Value::Object(object) => Ok(object),
        other => Err(Error::file(path, format!("{other} is not an object"))),
    }
}
