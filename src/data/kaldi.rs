//! How are the TIMIT features that Kaldi exports read? By an index into archives, one label per frame from a second archive.
//!
//! The index (`feats.scp`) has one line per utterance: its key, a space, and `path:offset`, where the archive (`.ark`) holds
//! a matrix of frames × features at that byte. The alignment (`pdf.ark`) has keys of its own, and after each the labels
//! of the utterance's frames. Numbers are little-endian.
//!
//! | what | bytes |
//! |---|---|
//! | matrix, 32 or 64 bits | `\0B`, `FM ` or `DM `, `\4` rows, `\4` columns (32 bits each), numbers row by row |
//! | matrix, compressed | `\0B`, `CM `, `CM2 ` or `CM3 `, least value, range (32-bit floats), rows, columns (32 bits each) |
//! | … `CM ` | four 16-bit quantiles a column (0, 25, 75, 100 %), then a byte a number, column by column |
//! | … `CM2 `, `CM3 ` | 16 or 8 bits a number, row by row |
//! | labels, binary | key, space, `\0B`, `\4` number, then `\4` label (32 bits each) |
//! | labels, text | key, then labels, separated by spaces; one line an utterance; brackets around them are allowed |
//!
//! Frame t becomes a point of `(2 · context + 1) × features` numbers: frames t − context to t + context, the first and
//! the last of the utterance repeated where there are no more, as `splice-feats` does. With 40 features and 4 frames of
//! context these are the 360 inputs of the paper's F2 (Appendix B), and the labels are the 1,973 states of its output
//! layer, "pdf-ids" in Kaldi's words.
//!
//! Deviation: the paper names neither the recipe nor the features (Appendix A says only that Kaldi made them); 360 = 40 ×
//! 9 is our reading. What the recipe does before, such as normalizing the mean of each speaker, is left to Kaldi.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Dataset, Split, check_count, find, read_bytes};
use crate::error::{Error, Result};

/// The most bytes that a file may hold or unpack to: 2 GiB less a byte; all of TIMIT, uncompressed, has 0.2 GB.
const MOST: usize = (1 << 31) - 1;

/// The most frames of context on each side: a second of speech.
const MOST_CONTEXT: usize = 100;

/// TIMIT, from the archives that Kaldi left: 1,973 classes, frames spliced with 4 on each side.
///
/// `train/feats.scp`, `train/pdf.ark`, `test/feats.scp` and `test/pdf.ark` are looked for where the
/// [module](crate::data) says. TIMIT is licensed by the Linguistic Data Consortium; from a trained Kaldi recipe the files
/// come by
///
/// ```text
/// copy-feats "scp:data/train/feats.scp" ark,scp:train/feats.ark,train/feats.scp
/// ali-to-pdf exp/tri3_ali/final.mdl "ark:gunzip -c exp/tri3_ali/ali.*.gz |" ark:train/pdf.ark
/// ```
///
/// with whatever the recipe applies to features (`apply-cmvn`, `transform-feats`) in place of or after `copy-feats`, and
/// the same for the test part. With another number of classes or frames of context use [`Kaldi`]. It takes 1.5 kB of
/// memory a frame.
///
/// # Errors
/// [`Error::Missing`] where the files are not found, and those of [`Kaldi::read`].
///
/// ```no_run
/// use sharp_minima::data;
/// let timit = data::timit()?;
/// assert_eq!(timit.classes(), 1_973);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
pub fn timit() -> Result<Dataset> {
    let files = ["train/feats.scp", "train/pdf.ark", "test/feats.scp", "test/pdf.ark"];
    let hint = ", from a Kaldi recipe for TIMIT (LDC93S1, licensed) as the documentation of `timit` shows";
    let [features, labels, test_features, test_labels] = find("TIMIT", &["timit"], files, hint)?;
    let kaldi = Kaldi::new();
    Dataset::new("TIMIT", kaldi.read(features, labels)?, kaldi.read(test_features, test_labels)?)
}

/// How Kaldi's archives of features and alignments become a split.
///
/// | name | default | range | paper |
/// |---|---|---|---|
/// | [`context`](Self::context) | 4 frames | 0 to 100 | 360 inputs (Appendix B): 40 × 9, our reading |
/// | [`classes`](Self::classes) | 1,973 | 1 to 2²⁴ | 1,973 (Table 5) |
/// | [`missing`](Self::missing) | 0 utterances | any | – |
/// | [`renamed`](Self::renamed) | no | | – |
///
/// ```
/// use sharp_minima::data::Kaldi;
/// let folder = "tests/fixtures/kaldi"; // two short utterances of 3 features, in the crate's checkout
/// let split = Kaldi::new().context(1).classes(5).read(format!("{folder}/fm.scp"), format!("{folder}/pdf.ark"))?;
/// assert_eq!(split.shape(), [9]);
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kaldi {
    context: usize,
    classes: usize,
    missing: usize,
    renamed: bool,
}

impl Default for Kaldi {
    fn default() -> Self {
        Self { context: 4, classes: 1_973, missing: 0, renamed: false }
    }
}

impl Kaldi {
    /// As for TIMIT: 4 frames of context on each side, 1,973 classes, labels for every utterance.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of frames on each side that are a part of a point's input.
    pub fn context(self, frames: usize) -> Self {
        Self { context: frames, ..self }
    }

    /// Number of classes: of pdf-ids in the model, as `hmm-info` prints it.
    pub fn classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }

    /// Number of utterances that may have features and no labels, and are then left out.
    ///
    /// Alignment fails for an utterance now and then, and Kaldi's own tools skip it with a warning. Here a reader says
    /// how many may be skipped, so that none gets lost unseen.
    pub fn missing(self, utterances: usize) -> Self {
        Self { missing: utterances, ..self }
    }

    /// The index may give utterances other keys than their archives do, as after `copy_data_dir.sh --utt-prefix`. Without this
    /// an offset must be that of the utterance which the line names: two lines that were swapped are noticed.
    pub fn renamed(self) -> Self {
        Self { renamed: true, ..self }
    }

    /// Reads the features that the index `features` (`.scp`) lists, with the labels of the archive `labels`, binary or
    /// text. Each file may be plain or gzipped (an offset then counts unpacked bytes). Utterances come in the order of
    /// the index; labels of utterances that it does not list are passed over.
    ///
    /// An archive is looked for where the index says, then there relative to the index's folder, then by its file name
    /// in the index's folder, so that a folder may be moved. Row ranges (`path:offset[0:9]`) and commands (`… |`) are
    /// refused. All archives are held in memory while it reads; points take `4 (2 context + 1)` bytes for each number of a frame.
    ///
    /// # Errors
    /// [`Error::Parameter`] where `context` or `classes` is out of range, [`Error::File`] where a file cannot be read,
    /// [`Error::Format`], with utterance and byte, where it is not what it should be: a damaged or unknown matrix, a
    /// number that is not finite, utterances that differ in their features, another utterance at an offset than the index
    /// names there (but see [`renamed`](Self::renamed)), two utterances at one, another number of labels than of frames, a label
    /// outside of the classes, more utterances without labels than [`missing`](Self::missing) allows, no frames, points that
    /// the machine has no memory for.
    pub fn read(&self, features: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Split> {
        self.read_paths(features.as_ref(), labels.as_ref())
    }

    /// [`read`](Self::read), compiled once and not in the reader's cell.
    fn read_paths(&self, index: &Path, alignment: &Path) -> Result<Split> {
        if self.context > MOST_CONTEXT {
            return Err(Error::parameter("context", self.context, format!("lie in 0..={MOST_CONTEXT}")));
        }
        check_count("classes", self.classes, super::CLASSES)?;
        let text = String::from_utf8(read_bytes(index, MOST)?).map_err(|error| {
            let place = format!("byte {}", error.utf8_error().valid_up_to());
            Error::format(index, place, "an index must be UTF-8 text, but this is not")
        })?;
        let entries = text.lines().enumerate().map(|(line, text)| Entry::new(index, line + 1, text));
        let entries = entries.collect::<Result<Vec<_>>>()?;
        let mut keys = HashSet::new();
        if let Some(twice) = entries.iter().find(|entry| !keys.insert(entry.key)) {
            return Err(twice.wrong(index, "it is in the index twice"));
        }
        let mut places = HashSet::new();
        if let Some(twice) = entries.iter().find(|entry| !places.insert((entry.archive, entry.offset))) {
            return Err(twice.wrong(index, "another utterance of the index lies at the same place"));
        }
        let bytes = read_bytes(alignment, MOST)?;
        let alignments = read_alignments(alignment, &bytes)?;
        self.check_missing(index, alignment, &entries, &alignments)?;

        let mut archives = Archives::default();
        let (mut inputs, mut labels, mut features) = (Vec::new(), Vec::new(), None);
        for entry in &entries {
            let Some(states) = alignments.of(entry.key) else { continue };
            let (path, bytes) = archives.open(index, entry)?;
            if !self.renamed && !entry.is_named_in(bytes) {
                let reason = format!(
                    "there is not this utterance before byte {} of {}; where keys were changed on purpose, `renamed()` takes it",
                    entry.offset,
                    path.display()
                );
                return Err(entry.wrong(index, reason));
            }
            let mut cursor = Cursor::new(path, entry.key, bytes, entry.offset)?;
            let matrix = read_matrix(&mut cursor)?;
            cursor.check_behind()?;
            let wrong = |path: &Path, reason| Error::format(path, format!("utterance '{}'", entry.key), reason);
            if matrix.rows != states.len() {
                let (number, rows) = (states.len(), matrix.rows);
                let reason = format!("there are {number} labels for the {rows} frames of {}", path.display());
                return Err(wrong(alignment, reason));
            }
            if matrix.rows == 0 {
                continue; // such a matrix has no columns either
            }
            matrix.check(*features.get_or_insert(matrix.columns)).map_err(|reason| wrong(path, reason))?;
            labels.extend(self.labels(states).map_err(|reason| wrong(alignment, reason))?);
            let numbers = inputs.len() + matrix.values.len().saturating_mul(2 * self.context + 1);
            let room = crate::memory::at_once(4 * numbers as u64, 1);
            room.map_err(|error| wrong(index, format!("its points have no room with this `context`: {error}")))?;
            splice(&matrix, self.context, &mut inputs);
        }
        let Some(features) = features else {
            return Err(Error::format(
                index,
                "all of it",
                format!("no utterance has frames and labels in {}", alignment.display()),
            ));
        };
        Split::new(inputs, labels, vec![(2 * self.context + 1) * features], self.classes)
    }

    /// The labels of an utterance's frames, or what is wrong with one of them.
    fn labels(&self, states: &[i32]) -> std::result::Result<Vec<u32>, String> {
        let label = |(frame, &state)| {
            let label = u32::try_from(state).ok().filter(|&label| (label as usize) < self.classes);
            label.ok_or_else(|| format!("labels must lie in 0..={}, but frame {frame} has {state}", self.classes - 1))
        };
        states.iter().enumerate().map(label).collect()
    }

    /// An error where more utterances have no labels than may.
    fn check_missing(&self, index: &Path, alignment: &Path, entries: &[Entry], alignments: &Alignments) -> Result<()> {
        let mut missing = entries.iter().filter(|entry| alignments.of(entry.key).is_none());
        let Some(first) = missing.next() else { return Ok(()) };
        let number = 1 + missing.count();
        if number <= self.missing {
            return Ok(());
        }
        let reason = format!(
            "there are no labels for {number} of the {} utterances of {}, this being the first; `missing({number})` leaves them out",
            entries.len(),
            index.display()
        );
        Err(Error::format(alignment, format!("utterance '{}'", first.key), reason))
    }
}

/// A line of the index.
struct Entry<'a> {
    line: usize,
    key: &'a str,
    archive: &'a str,
    offset: usize,
}

impl<'a> Entry<'a> {
    /// The line of this number, from 1.
    fn new(index: &Path, line: usize, text: &'a str) -> Result<Self> {
        let (key, written) = text.trim().split_once([' ', '\t']).ok_or_else(|| {
            let reason = "a line must be a key, a space and `path:offset`, but is not";
            Error::format(index, format!("line {line}"), reason)
        })?;
        let entry = Self { line, key, archive: written.trim_start(), offset: 0 };
        if entry.archive.ends_with('|') {
            return Err(entry.wrong(index, "commands are not run: write what it gives to an archive with `copy-feats`"));
        }
        if entry.archive.ends_with(']') {
            return Err(entry.wrong(index, "ranges are not read: write the rows to an archive with `copy-feats`"));
        }
        match entry.archive.rsplit_once(':') {
            Some((archive, offset)) if !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit()) => {
                let offset = offset.parse().map_err(|_| entry.wrong(index, "the offset is larger than any file"))?;
                Ok(Self { archive, offset, ..entry })
            }
            _ => Ok(entry), // a file that holds this one matrix
        }
    }

    /// Whether the utterance's key stands where it should in this archive; a file that holds one matrix has none.
    fn is_named_in(&self, archive: &[u8]) -> bool {
        let before = archive.get(..self.offset).unwrap_or(archive);
        // An offset beyond the end is said where the matrix is read.
        before.is_empty() || self.offset > archive.len() || before.ends_with(&[self.key.as_bytes(), b" "].concat())
    }

    /// This line is not what it should be.
    fn wrong(&self, index: &Path, reason: impl Into<String>) -> Error {
        Error::format(index, format!("line {} (utterance '{}')", self.line, self.key), reason)
    }
}

/// The archives of features that were opened: path and content, by the name that the index gives them.
#[derive(Default)]
struct Archives<'a>(HashMap<&'a str, (PathBuf, Vec<u8>)>);

impl<'a> Archives<'a> {
    /// The archive of this entry, read where it was not yet.
    fn open(&mut self, index: &Path, entry: &Entry<'a>) -> Result<(&Path, &[u8])> {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        let (path, bytes) = match self.0.entry(entry.archive) {
            Occupied(open) => open.into_mut(),
            Vacant(place) => {
                let path = locate(index, entry)?;
                let bytes = read_bytes(&path, MOST)?;
                place.insert((path, bytes))
            }
        };
        Ok((path, bytes))
    }
}

/// Where an archive lies: where the index says, else there from the index's folder, else right in the index's folder.
fn locate(index: &Path, entry: &Entry) -> Result<PathBuf> {
    let (written, folder) = (Path::new(entry.archive), index.parent().unwrap_or(Path::new("")));
    let beside = written.file_name().map(|name| folder.join(name));
    let mut places = [Some(written.to_path_buf()), Some(folder.join(written)), beside].into_iter().flatten();
    places.find(|place| place.is_file()).ok_or_else(|| {
        let reason = format!("the archive {} is neither there nor in the folder of this index", entry.archive);
        entry.wrong(index, reason)
    })
}

/// Frames, one after the other.
struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// What is wrong with the frames, which must have so many features, all finite.
    fn check(&self, features: usize) -> std::result::Result<(), String> {
        if self.columns == 0 {
            return Err("frames must have at least one feature, but have 0".into());
        }
        if self.columns != features {
            let columns = self.columns;
            return Err(format!("frames must have the {features} features of the first utterance, but have {columns}"));
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            Some(number) => {
                let (frame, value) = (number / features, self.values[number]);
                Err(format!("features must be finite, but frame {frame} has {value}"))
            }
            None => Ok(()),
        }
    }
}

/// Puts each frame with its neighbors after `inputs`; the first and the last frame stand for those beyond.
fn splice(matrix: &Matrix, context: usize, inputs: &mut Vec<f32>) {
    inputs.reserve(matrix.values.len() * (2 * context + 1));
    for frame in 0..matrix.rows {
        for neighbor in 0..=2 * context {
            let row = (frame + neighbor).saturating_sub(context).min(matrix.rows - 1);
            inputs.extend_from_slice(&matrix.values[row * matrix.columns..][..matrix.columns]);
        }
    }
}

/// The matrix that begins here.
fn read_matrix(cursor: &mut Cursor) -> Result<Matrix> {
    if !cursor.skip(b"\0B") {
        return Err(
            cursor.wrong("features must be binary and begin with the bytes 0 and 'B'; `copy-feats` writes them so")
        );
    }
    if cursor.skip(b"FM ") {
        let (rows, columns, bytes) = cursor.plain::<4>()?;
        let values = bytes.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        return Ok(Matrix { rows, columns, values });
    }
    if cursor.skip(b"DM ") {
        let (rows, columns, bytes) = cursor.plain::<8>()?;
        let values = bytes.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect();
        return Ok(Matrix { rows, columns, values });
    }
    if cursor.skip(b"CM ") {
        return read_by_columns(cursor);
    }
    if cursor.skip(b"CM2 ") {
        let (least, range, rows, columns) = cursor.compressed()?;
        let step = range * (1.0 / 65_535.0);
        let values = cursor.numbers::<2>(rows, columns)?.iter();
        let values = values.map(|&bytes| least + step * f32::from(u16::from_le_bytes(bytes))).collect();
        return Ok(Matrix { rows, columns, values });
    }
    if cursor.skip(b"CM3 ") {
        let (least, range, rows, columns) = cursor.compressed()?;
        let step = range * (1.0 / 255.0);
        let values = cursor.numbers::<1>(rows, columns)?.iter();
        let values = values.map(|&[byte]| least + step * f32::from(byte)).collect();
        return Ok(Matrix { rows, columns, values });
    }
    let token: String = cursor.rest.iter().take(4).map(|&byte| char::from(byte)).collect();
    Err(cursor.wrong(format!("the kind of matrix must be 'FM ', 'DM ', 'CM ', 'CM2 ' or 'CM3 ', but is {token:?}")))
}

/// The rest of a matrix with a header a column and a byte a number, column by column. Three straight lines between the
/// quantiles take the byte to the number.
fn read_by_columns(cursor: &mut Cursor) -> Result<Matrix> {
    let (least, range, rows, columns) = cursor.compressed()?;
    if rows == 0 || columns == 0 {
        return Ok(Matrix { rows, columns, values: Vec::new() });
    }
    let headers = cursor.numbers::<2>(columns, 4)?;
    let bytes = cursor.numbers::<1>(columns, rows)?.as_flattened();
    let mut values = vec![0.0; bytes.len()];
    for (column, (header, bytes)) in headers.chunks_exact(4).zip(bytes.chunks_exact(rows)).enumerate() {
        let quantile = |place: usize| {
            let place = header.get(place).map_or(0, |&bytes| u16::from_le_bytes(bytes));
            least + range * (1.0 / 65_535.0) * f32::from(place)
        };
        let [none, quarter, most, all] = [0, 1, 2, 3].map(quantile);
        for (value, &byte) in values.iter_mut().skip(column).step_by(columns).zip(bytes) {
            let number = f32::from(byte);
            *value = match byte {
                0..=64 => none + (quarter - none) * number * (1.0 / 64.0),
                65..=192 => quarter + (most - quarter) * (number - 64.0) * (1.0 / 128.0),
                193.. => most + (all - most) * (number - 192.0) * (1.0 / 63.0),
            };
        }
    }
    Ok(Matrix { rows, columns, values })
}

/// Labels by key: one after the other, and by key where those of an utterance lie. Many utterances without any must not take much
/// memory.
struct Alignments<'a> {
    bytes: &'a [u8],
    labels: Vec<i32>,
    places: Vec<Place>,
}

/// Where key and labels of an utterance lie, in bytes of the archive and in labels.
#[derive(Clone, Copy)]
struct Place {
    key: (u32, u32),
    labels: (u32, u32),
}

impl<'a> Alignments<'a> {
    fn key(&self, place: &Place) -> &'a [u8] {
        &self.bytes[place.key.0 as usize..place.key.1 as usize]
    }

    /// The labels of this utterance, if it has some.
    fn of(&self, key: &str) -> Option<&[i32]> {
        let found = self.places.binary_search_by_key(&key.as_bytes(), |place| self.key(place)).ok()?;
        let (begin, end) = self.places[found].labels;
        Some(&self.labels[begin as usize..end as usize])
    }
}

/// All labels of an archive, binary or text.
fn read_alignments<'a>(path: &Path, bytes: &'a [u8]) -> Result<Alignments<'a>> {
    // A line each, if it is text: a list that grows is twice there for a while.
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let mut all = Alignments { bytes, labels: Vec::new(), places: Vec::with_capacity(lines) };
    let mut offset = 0;
    loop {
        let rest = bytes.get(offset..).unwrap_or_default();
        offset += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let rest = bytes.get(offset..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let place = format!("byte {offset}");
        let length = rest.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let key = std::str::from_utf8(&rest[..length]).ok().filter(|key| !key.contains('\0'));
        let Some(key) = key else {
            return Err(Error::format(
                path,
                place,
                "there must be the key of an utterance and a space, but there is not",
            ));
        };
        let at = (offset as u32, (offset + length) as u32);
        offset += length;
        let behind = offset + usize::from(rest.get(length) == Some(&b' '));
        let mut cursor = Cursor::new(path, key, bytes, behind)?;
        let labels = if cursor.skip(b"\0B") { cursor.binary_labels()? } else { cursor.text_labels()? };
        offset = cursor.offset();
        // A label takes two bytes of the file or more, which has fewer than 2³¹.
        let begin = all.labels.len() as u32;
        all.labels.extend(labels);
        all.places.push(Place { key: at, labels: (begin, all.labels.len() as u32) });
    }
    let mut places = std::mem::take(&mut all.places);
    places.sort_unstable_by_key(|place| (all.key(place), place.key.0));
    if let Some(twice) = places.windows(2).map(|pair| (&pair[0], &pair[1])).find(|(a, b)| all.key(a) == all.key(b)) {
        let key = String::from_utf8_lossy(all.key(twice.1)).into_owned();
        let reason = format!("the utterance '{key}' is in the archive twice");
        return Err(Error::format(path, format!("byte {}", twice.1.key.0), reason));
    }
    all.places = places;
    Ok(all)
}

/// What is left of an archive from an utterance on. No read takes memory before the bytes are known to be there.
struct Cursor<'a> {
    path: &'a Path,
    key: &'a str,
    length: usize,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At this byte of the archive.
    fn new(path: &'a Path, key: &'a str, bytes: &'a [u8], offset: usize) -> Result<Self> {
        let rest = bytes.get(offset..).unwrap_or_default();
        let cursor = Self { path, key, length: bytes.len(), rest };
        if offset > bytes.len() {
            return Err(cursor.wrong(format!("the index says byte {offset}, but the archive ends here")));
        }
        Ok(cursor)
    }

    /// The byte at which the rest begins.
    fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    /// Here is something that should not be.
    fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::format(self.path, format!("utterance '{}', byte {}", self.key, self.offset()), reason)
    }

    /// Moves after these bytes, if they are next.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let behind = self.rest.strip_prefix(bytes);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    /// An error unless the archive ends here or its next utterance begins: a key, a space and the mark of what is binary.
    /// An index may leave out utterances of its archive, so more than that is not known.
    fn check_behind(&self) -> Result<()> {
        let key = self.rest.iter().take_while(|byte| byte.is_ascii_graphic() || !byte.is_ascii()).count();
        if self.rest.is_empty() || key > 0 && self.rest[key..].starts_with(b" \0B") {
            return Ok(());
        }
        Err(self.wrong("the archive must end here or go on with another utterance, but other bytes follow"))
    }

    /// The next 4 bytes.
    fn word(&mut self) -> Result<[u8; 4]> {
        let (word, behind) =
            self.rest.split_first_chunk().ok_or_else(|| self.wrong("the archive ends early, in a header"))?;
        self.rest = behind;
        Ok(*word)
    }

    /// The next number, which must not be negative.
    fn size(&mut self) -> Result<usize> {
        let start = Self { ..*self };
        let size = i32::from_le_bytes(self.word()?);
        usize::try_from(size).map_err(|_| start.wrong(format!("a size must not be negative, but is {size}")))
    }

    /// The next number, which must not be negative, after the byte that says that it has 4.
    fn marked_size(&mut self) -> Result<usize> {
        if !self.skip(b"\x04") {
            let found = self.rest.first().map_or("the end".into(), |byte| format!("the byte {byte}"));
            return Err(self.wrong(format!("a size must begin with the byte 4, but there is {found}")));
        }
        self.size()
    }

    /// The next `rows × columns` numbers of `N` bytes, row by row.
    fn numbers<const N: usize>(&mut self, rows: usize, columns: usize) -> Result<&'a [[u8; N]]> {
        // Each below 2^31, so the product cannot overflow 128 bits.
        let needed = rows as u128 * columns as u128 * N as u128;
        if needed > self.rest.len() as u128 {
            return Err(self.wrong(format!(
                "the header says {rows} × {columns} numbers of {N} bytes, {needed} in all, but only {} follow it",
                self.rest.len()
            )));
        }
        let (numbers, behind) = self.rest.split_at(rows * columns * N);
        self.rest = behind;
        Ok(numbers.as_chunks().0)
    }

    /// Sizes and numbers of a matrix that is not compressed.
    fn plain<const N: usize>(&mut self) -> Result<(usize, usize, &'a [[u8; N]])> {
        let (rows, columns) = (self.marked_size()?, self.marked_size()?);
        Ok((rows, columns, self.numbers(rows, columns)?))
    }

    /// Least value, range, rows and columns of a compressed matrix.
    fn compressed(&mut self) -> Result<(f32, f32, usize, usize)> {
        let (least, range) = (f32::from_le_bytes(self.word()?), f32::from_le_bytes(self.word()?));
        Ok((least, range, self.size()?, self.size()?))
    }

    /// The labels of an utterance, in binary, after their mark.
    fn binary_labels(&mut self) -> Result<Vec<i32>> {
        let number = self.marked_size()?;
        let labels = self.numbers::<5>(number, 1)?;
        labels
            .iter()
            .map(|&[size, a, b, c, d]| (size == 4).then_some(i32::from_le_bytes([a, b, c, d])))
            .collect::<Option<_>>()
            .ok_or_else(|| self.wrong("each label before here must begin with the byte 4, but one does not"))
    }

    /// The labels of an utterance, as text up to the end of the line.
    fn text_labels(&mut self) -> Result<Vec<i32>> {
        let length = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
        let (line, behind) = self.rest.split_at(length);
        // Kaldi writes none, but kaldiio puts brackets around them.
        let bare = line.trim_ascii().strip_prefix(b"[").and_then(|line| line.strip_suffix(b"]")).unwrap_or(line);
        let labels = bare.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(|word| {
            let word = String::from_utf8_lossy(word);
            word.parse().map_err(|_| {
                let word: String = word.chars().take(20).collect();
                self.wrong(format!("labels must be whole numbers, but one is {word:?}"))
            })
        });
        let labels = labels.collect::<Result<_>>()?;
        self.rest = behind;
        Ok(labels)
    }
}

crate::display::shown_as_text!(Kaldi);
