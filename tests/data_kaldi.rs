//! Promise: TIMIT's files are read as Kaldi writes them, and a damaged one is refused, with a text that names the
//! utterance. The fixtures and the numbers expected come from another program: `fixtures/kaldi/make.py`, by kaldiio.

use std::io::Write;
use std::path::{Path, PathBuf};

use sharp_minima::data::{self, Kaldi};
use sharp_minima::{Result, Split};

/// A fixture's path.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kaldi").join(name)
}

/// A list of numbers in `expected.json`.
fn expected(part: &str, name: &str) -> Vec<f32> {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let list = if name.is_empty() { &json[part] } else { &json[part][name] };
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn refused(result: Result<Split>) -> String {
    result.expect_err("it must be refused").to_string()
}

/// A folder with an archive of features under two utterances' keys, its index, and labels.
struct Made(tempfile::TempDir);

impl Made {
    /// `first` is the matrix of utterance `a`, from its bytes 0 and 'B' on; `b` has 2 frames of 3 features.
    fn new(first: &[u8], labels: &[u8]) -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        let second = plain(2, 3, &[1.0; 6]);
        let archive = [b"a ", first, b"b ", &second].concat();
        made.write("feats.ark", &archive);
        made.write("feats.scp", format!("a feats.ark:2\nb feats.ark:{}\n", first.len() + 4).as_bytes());
        made.write("pdf.ark", labels);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self) -> Result<Split> {
        Kaldi::new().context(0).classes(10).read(self.path("feats.scp"), self.path("pdf.ark"))
    }

    /// What it is refused with, which must begin with the path of this file.
    fn says(&self, name: &str) -> String {
        let text = refused(self.read());
        let path = format!("{}: ", self.path(name).display());
        text.strip_prefix(&path).unwrap_or_else(|| panic!("{text} must begin with {path}")).to_string()
    }
}

/// A matrix of 32-bit floats.
fn plain(rows: i32, columns: i32, values: &[f32]) -> Vec<u8> {
    let mut bytes = b"\0BFM ".to_vec();
    for size in [rows, columns] {
        bytes.push(4);
        bytes.extend(size.to_le_bytes());
    }
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// The header of a compressed matrix.
fn compressed(token: &[u8], rows: i32, columns: i32) -> Vec<u8> {
    let sizes = [rows, columns].map(|size| size.to_le_bytes()).concat();
    [b"\0B", token, b" ", &0f32.to_le_bytes()[..], &1f32.to_le_bytes(), &sizes].concat()
}

/// Labels, as `ali-to-pdf` writes them.
fn binary_labels(key: &str, labels: &[i32]) -> Vec<u8> {
    let number = labels.len() as i32;
    let marked = |number: &i32| [&[4], &number.to_le_bytes()[..]].concat();
    let numbers: Vec<u8> = labels.iter().flat_map(marked).collect();
    [format!("{key} \0B").as_bytes(), &marked(&number), &numbers].concat()
}

/// Every kind of matrix gives what kaldiio reads; without loss where there is none, else within rounding of the range.
#[test]
fn all_kinds_of_matrices_are_read() {
    for kind in ["fm", "dm", "cm", "cm2", "cm3", "cm3unit"] {
        let read = Kaldi::new().context(0).classes(5).read(fixture(&format!("{kind}.scp")), fixture("pdf.ark"));
        let split = read.unwrap();
        assert_eq!((split.len(), split.shape(), split.classes()), (17, &[3][..], 5));
        let frames = expected("frames", kind);
        assert_eq!(split.inputs().len(), frames.len());
        let tolerance = if kind.ends_with('m') && kind != "cm" { 0.0 } else { 1e-5 };
        let worst = split.inputs().iter().zip(&frames).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{kind}: off by {worst}");
    }
}

#[test]
fn all_kinds_of_labels_are_read() {
    let labels: Vec<u32> = expected("labels", "").iter().map(|&label| label as u32).collect();
    for name in ["pdf.ark", "pdf.ark.gz", "pdf.txt", "pdf.txt.gz", "brackets.txt"] {
        let split = Kaldi::new().classes(5).read(fixture("fm.scp"), fixture(name)).unwrap();
        assert_eq!(split.labels(), labels, "{name}");
    }
}

#[test]
fn frames_are_spliced_as_by_numpy() {
    for context in [1, 4] {
        let split = Kaldi::new().context(context).classes(5).read(fixture("fm.scp"), fixture("pdf.ark")).unwrap();
        assert_eq!(split.shape(), [3 * (2 * context + 1)]);
        assert_eq!(split.inputs(), expected("spliced", &context.to_string()));
    }
}

#[test]
fn gzipped_archive_is_read() {
    let plain = Kaldi::new().classes(5).read(fixture("fm.scp"), fixture("pdf.ark")).unwrap();
    assert_eq!(Kaldi::new().classes(5).read(fixture("packed.scp"), fixture("pdf.ark")).unwrap(), plain);
}

/// The context that the paper's 360 inputs suggest, by default: 40 features, 9 frames.
#[test]
fn timit_has_360_inputs() {
    let values: Vec<f32> = (0..120).map(|value| value as f32).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.ark"), plain(3, 40, &values)).unwrap();
    std::fs::write(folder.path().join("feats.scp"), "a x.ark\n").unwrap(); // one matrix, no offset
    std::fs::write(folder.path().join("pdf.txt"), "a 0 1972 7\n").unwrap();
    let split = Kaldi::new().read(folder.path().join("feats.scp"), folder.path().join("pdf.txt")).unwrap();
    assert_eq!((split.shape(), split.classes(), split.labels()), (&[360][..], 1_973, &[0, 1972, 7][..]));
    // The middle frame: the first four times more, itself, the last four times.
    let firsts: Vec<f32> = split.point(1).unwrap().chunks_exact(40).map(|frame| frame[0]).collect();
    assert_eq!(firsts, [0.0, 0.0, 0.0, 0.0, 40.0, 80.0, 80.0, 80.0, 80.0]);
}

#[test]
fn timit_is_found_where_the_variable_says() {
    if std::env::var_os("SHARP_MINIMA_TEST_CHILD").is_some() {
        let timit = data::timit().unwrap();
        assert_eq!((timit.name.as_str(), timit.train.len(), timit.test.len()), ("TIMIT", 4, 4));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for part in ["train", "test"] {
        let made = Made::new(&plain(2, 3, &[0.0; 6]), b"a 1 2\nb 3 4\n");
        let place = folder.path().join("timit").join(part);
        std::fs::create_dir_all(&place).unwrap();
        for name in ["feats.scp", "feats.ark", "pdf.ark"] {
            std::fs::copy(made.path(name), place.join(name)).unwrap();
        }
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "timit_is_found_where_the_variable_says"])
        .env("SHARP_MINIMA_DATA", folder.path())
        .env("SHARP_MINIMA_TEST_CHILD", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The archive may lie elsewhere than the index says, if it lies beside the index.
#[test]
fn moved_archive_is_found_beside_its_index() {
    let made = Made::new(&plain(2, 3, &[0.0; 6]), b"a 1 2\nb 3 4\n");
    let there = made.read().unwrap();
    made.write("feats.scp", b"a /nowhere/at/all/feats.ark:2\nb feats.ark:43\n");
    assert_eq!(made.read().unwrap(), there);
    made.write("feats.scp", b"a /nowhere/at/all/other.ark:2\n");
    let says = "line 1 (utterance 'a'): the archive /nowhere/at/all/other.ark is neither there nor in the folder of this index";
    assert_eq!(made.says("feats.scp"), says);
}

#[test]
fn index_that_is_wrong_is_refused() {
    let made = Made::new(&plain(2, 3, &[0.0; 6]), b"a 1 2\nb 3 4\n");
    for (index, says) in [
        ("a", "line 1: a line must be a key, a space and `path:offset`, but is not"),
        ("a feats.ark:2\n\n", "line 2: a line must be a key, a space and `path:offset`, but is not"),
        ("a feats.ark:2\na feats.ark:2\n", "line 2 (utterance 'a'): it is in the index twice"),
        (
            "a gunzip -c x.gz |",
            "line 1 (utterance 'a'): commands are not run: write what it gives to an archive with `copy-feats`",
        ),
        (
            "a feats.ark:2[0:1]",
            "line 1 (utterance 'a'): ranges are not read: write the rows to an archive with `copy-feats`",
        ),
        ("a feats.ark:99999999999999999999999", "line 1 (utterance 'a'): the offset is larger than any file"),
        ("", "all of it: no utterance has frames and labels in "),
    ] {
        made.write("feats.scp", index.as_bytes());
        let text = made.says("feats.scp");
        assert!(text.starts_with(says), "{text}");
    }
    made.write("feats.scp", b"a \xff");
    assert_eq!(made.says("feats.scp"), "byte 2: an index must be UTF-8 text, but this is not");
    made.write("feats.scp", b"a feats.ark:999\n");
    assert_eq!(made.says("feats.ark"), "utterance 'a', byte 82: the index says byte 999, but the archive ends here");
    made.write("feats.scp", b"a feats.ark:0\n");
    let says = "utterance 'a', byte 0: features must be binary and begin with the bytes 0 and 'B'; `copy-feats` writes them so";
    assert_eq!(made.says("feats.ark"), says);
}

/// Swapped lines of two utterances of one length, and a hundred lines for one matrix, were taken for right.
#[test]
fn an_offset_is_that_of_the_utterance_it_is_said_to_be() {
    let made = Made::new(&plain(2, 3, &[0.0; 6]), b"a 1 2\nb 3 4\n");
    let right = made.read().unwrap();
    made.write("feats.scp", b"a feats.ark:43\nb feats.ark:2\n");
    let text = made.says("feats.scp");
    assert!(text.starts_with("line 1 (utterance 'a'): there is not this utterance before byte 43 of"), "{text}");
    // Who renamed them says so.
    made.write("feats.scp", b"first feats.ark:2\nsecond feats.ark:43\n");
    made.write("pdf.ark", b"first 1 2\nsecond 3 4\n");
    let renamed = Kaldi::new().context(0).classes(10).renamed();
    let read = renamed.read(made.path("feats.scp"), made.path("pdf.ark")).unwrap();
    assert_eq!((read.inputs(), read.labels()), (right.inputs(), right.labels()));
    made.write("feats.scp", b"first feats.ark:2\nsecond feats.ark:2\n");
    let text = refused(renamed.read(made.path("feats.scp"), made.path("pdf.ark")));
    assert!(
        text.contains("line 2 (utterance 'second'): another utterance of the index lies at the same place"),
        "{text}"
    );
}

#[test]
fn matrix_that_is_wrong_is_refused() {
    let labels = b"a 1 2\nb 3 4\n";
    let cases: [(Vec<u8>, &str); 8] = [
        (plain(3, 3, &[0.0; 9]), "pdf.ark: utterance 'a': there are 2 labels for the 3 frames of "),
        (
            plain(2, 4, &[0.0; 8]),
            "feats.ark: utterance 'b': frames must have the 4 features of the first utterance, but have 3",
        ),
        (
            plain(2, 3, &[0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0]),
            "feats.ark: utterance 'a': features must be finite, but frame 1 has NaN",
        ),
        (plain(2, 0, &[]), "feats.ark: utterance 'a': frames must have at least one feature, but have 0"),
        (plain(-1, 3, &[]), "feats.ark: utterance 'a', byte 8: a size must not be negative, but is -1"),
        (
            b"\0BFM \x08".to_vec(),
            "feats.ark: utterance 'a', byte 7: a size must begin with the byte 4, but there is the byte 8",
        ),
        (
            b"\0BXM \x04".to_vec(),
            "feats.ark: utterance 'a', byte 4: the kind of matrix must be 'FM ', 'DM ', 'CM ', 'CM2 ' or 'CM3 ', but is \"XM \\u{4}\"",
        ),
        (compressed(b"CM", -5, 3), "feats.ark: utterance 'a', byte 15: a size must not be negative, but is -5"),
    ];
    for (matrix, says) in cases {
        let made = Made::new(&matrix, labels);
        let text = refused(made.read());
        assert!(text.starts_with(&format!("{}/{says}", made.0.path().display())), "{text}");
    }
}

/// Were memory taken for what a header claims, this test would end by a signal.
#[test]
fn matrix_that_claims_too_much_is_refused() {
    let most = 1 << 30;
    let end = |made: &Made| made.write("feats.scp", b"a feats.ark:2\n");
    let ends: [(Vec<u8>, i32, i32, u128); 6] = [
        (plain(most, most, &[]), most, most, 4),
        ([b"\0BD", &plain(most, most, &[])[3..]].concat(), most, most, 8),
        (compressed(b"CM", most, most), most, 4, 2),
        (compressed(b"CM", most, 1), most, 1, 1),
        (compressed(b"CM2", most, most), most, most, 2),
        (compressed(b"CM3", i32::MAX, i32::MAX), i32::MAX, i32::MAX, 1),
    ];
    for (matrix, rows, columns, bytes) in ends {
        let made = Made::new(&matrix, b"a 1\n");
        end(&made);
        let text = made.says("feats.ark");
        let (rows, columns) = if text.contains("1 × 1073741824") { (columns, rows) } else { (rows, columns) };
        let all = rows as u128 * columns as u128 * bytes;
        let says = format!("the header says {rows} × {columns} numbers of {bytes} bytes, {all} in all, but only ");
        assert!(text.contains(&says), "{text}\n{says}");
    }
    let made = Made::new(&plain(2, 3, &[0.0; 6]), b"a \0B\x04\xff\xff\xff\x7f\x04\x00");
    let says = "utterance 'a', byte 9: the header says 2147483647 × 1 numbers of 5 bytes, 10737418235 in all, but only 2 follow it";
    assert_eq!(made.says("pdf.ark"), says);
}

/// An archive cut anywhere is refused, and never a panic.
#[test]
fn cut_files_are_refused() {
    for kind in ["fm", "dm", "cm", "cm2", "cm3"] {
        let bytes = std::fs::read(fixture(&format!("{kind}.ark"))).unwrap();
        let index = std::fs::read(fixture(&format!("{kind}.scp"))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (scp, ark) = (folder.path().join("feats.scp"), folder.path().join(format!("{kind}.ark")));
        std::fs::write(&scp, index).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&ark, &bytes[..length]).unwrap();
            let text = refused(Kaldi::new().classes(5).read(&scp, fixture("pdf.ark")));
            assert!(text.contains("utterance 'spk"), "{kind} cut at {length}: {text}");
        }
        let whole = std::fs::write(&ark, &bytes);
        assert!(whole.is_ok() && Kaldi::new().classes(5).read(&scp, fixture("pdf.ark")).is_ok());
    }
    let bytes = std::fs::read(fixture("pdf.ark")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pdf.ark");
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        refused(Kaldi::new().classes(5).read(fixture("fm.scp"), &path));
    }
    let packed = std::fs::read(fixture("pdf.ark.gz")).unwrap();
    std::fs::write(&path, &packed[..packed.len() - 10]).unwrap();
    let text = refused(Kaldi::new().classes(5).read(fixture("fm.scp"), &path));
    assert!(text.contains("the gzip stream is damaged or ends early"), "{text}");
}

/// Behind a matrix there may be another utterance, which the index need not list, or nothing.
#[test]
fn archives_that_are_too_long_are_refused() {
    let labels = [binary_labels("a", &[1, 2]), binary_labels("b", &[3, 4])].concat();
    let made = Made::new(&plain(2, 3, &[0.0; 6]), &labels);
    let archive = std::fs::read(made.path("feats.ark")).unwrap();
    made.write("feats.ark", &[&archive[..], b"c ", &plain(1, 3, &[2.0; 3])].concat());
    assert_eq!(made.read().unwrap().len(), 4, "an utterance that is not listed");
    for tail in [&b"\0"[..], b"\0\0\0\0", b"c", b" \0B", b"c BFM"] {
        made.write("feats.ark", &[&archive[..], tail].concat());
        let text = made.says("feats.ark");
        assert!(
            text.ends_with("the archive must end here or go on with another utterance, but other bytes follow"),
            "{text}"
        );
    }
    let short = Made::new(&[plain(2, 3, &[0.0; 6]), vec![0; 3]].concat(), &labels);
    assert!(
        short.says("feats.ark").starts_with("utterance 'a', byte "),
        "the index jumps over bytes that are none of its own"
    );
}

#[test]
fn labels_that_are_wrong_are_refused() {
    let made = |labels: &[u8]| Made::new(&plain(2, 3, &[0.0; 6]), labels);
    let binary = |a: &[i32], b: &[i32]| [binary_labels("a", a), binary_labels("b", b)].concat();
    assert_eq!(made(&binary(&[1, 2], &[3, 9])).read().unwrap().labels(), [1, 2, 3, 9]);
    let cases: [(Vec<u8>, &str); 11] = [
        (binary(&[1, 2], &[3, 10]), "utterance 'b': labels must lie in 0..=9, but frame 1 has 10"),
        (binary(&[-1, 2], &[3, 4]), "utterance 'a': labels must lie in 0..=9, but frame 0 has -1"),
        (binary(&[1, 2], &[3, 4, 5]), "utterance 'b': there are 3 labels for the 2 frames of "),
        (binary(&[1, 2], &[3]), "utterance 'b': there are 1 labels for the 2 frames of "),
        (b"a 1 2\nb 3 x\n".to_vec(), "utterance 'b', byte 8: labels must be whole numbers, but one is \"x\""),
        (b"a 1 2\nb 3 99999999999\n".to_vec(), "utterance 'b', byte 8: labels must be whole numbers"),
        (b"a 1 2\na 1 2\n".to_vec(), "byte 6: the utterance 'a' is in the archive twice"),
        (b"a 1 2\nb\n".to_vec(), "utterance 'b': there are 0 labels for the 2 frames of "),
        (b"\xff\xfe 1".to_vec(), "byte 0: there must be the key of an utterance and a space, but there is not"),
        (
            b"a \0BFM \x04".to_vec(),
            "utterance 'a', byte 4: a size must begin with the byte 4, but there is the byte 70",
        ),
        (
            b"a \0B\x04\x01\0\0\0\x05\0\0\0\0".to_vec(),
            "utterance 'a', byte 14: each label before here must begin with the byte 4, but one does not",
        ),
    ];
    for (labels, says) in cases {
        let text = made(&labels).says("pdf.ark");
        assert!(text.starts_with(says), "{text}");
    }
}

#[test]
fn utterances_without_labels_are_left_out_only_where_allowed() {
    let made = Made::new(&plain(2, 3, &[7.0; 6]), b"a 1 2\nunlisted 5 5 5\n");
    let text = made.says("pdf.ark");
    assert!(text.starts_with("utterance 'b': there are no labels for 1 of the 2 utterances of "), "{text}");
    assert!(text.ends_with(", this being the first; `missing(1)` leaves them out"), "{text}");
    let kaldi = Kaldi::new().context(0).classes(10).missing(1);
    let split = kaldi.read(made.path("feats.scp"), made.path("pdf.ark")).unwrap();
    assert_eq!((split.labels(), split.inputs()), (&[1, 2][..], &[7.0; 6][..]));
    made.write("pdf.ark", b"unlisted 5 5 5\n");
    let text = refused(kaldi.missing(2).read(made.path("feats.scp"), made.path("pdf.ark")));
    assert!(text.contains("no utterance has frames and labels in "), "{text}");
}

/// Kaldi writes a matrix without frames as one without columns.
#[test]
fn utterance_without_frames_adds_no_points() {
    for matrix in [plain(0, 0, &[]), compressed(b"CM", 0, 0), compressed(b"CM2", 0, 0)] {
        let made = Made::new(&matrix, b"a\nb 3 4\n");
        assert_eq!(made.read().unwrap().labels(), [3, 4]);
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let read = |kaldi: Kaldi| refused(kaldi.read(fixture("fm.scp"), fixture("pdf.ark")));
    assert_eq!(read(Kaldi::new().context(101)), "context must lie in 0..=100, but is 101");
    assert_eq!(read(Kaldi::new().classes(0)), "classes must lie in 1..=16777216, but is 0");
    assert!(
        read(Kaldi::new().classes(4)).ends_with("utterance 'spk1_utt1': labels must lie in 0..=3, but frame 3 has 4")
    );
}

/// The order is the index's, not the archive's.
#[test]
fn utterances_come_in_the_order_of_the_index() {
    let made = Made::new(&plain(2, 3, &[7.0; 6]), b"a 1 2\nb 3 4\n");
    let mut index = std::fs::OpenOptions::new().write(true).truncate(true).open(made.path("feats.scp")).unwrap();
    index.write_all(b"b feats.ark:43\na feats.ark:2\n").unwrap();
    assert_eq!(made.read().unwrap().labels(), [3, 4, 1, 2]);
}
