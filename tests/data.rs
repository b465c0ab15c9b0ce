//! Promise: each set is what its source says it is, and a file that is not what it should be is refused, with a text
//! that says where and why. Kaldi's files are in `data_kaldi.rs`.

use std::io::Write;
use std::path::{Path, PathBuf};

use sharp_minima::data::{self, Synthetic, read_cifar10, read_cifar100, read_idx};
use sharp_minima::{Dataset, Error, Result, Split};

/// The text of the error that there must be.
fn refused<T>(result: Result<T>) -> String {
    result.err().expect("it must be refused").to_string()
}

/// A line that is seen even when the test passes: the harness holds back only what `println!` and `eprintln!` write.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The folder of this real set beside the checkout, or nothing, said aloud.
fn shared(set: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(set);
    if !folder.is_dir() {
        say(&format!("skipped: ../shared/data/{set} is not here"));
        return None;
    }
    Some(folder)
}

/// A folder of its own for one test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A file with these bytes.
fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// These bytes, gzipped.
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// An IDX file: magic number, sizes, content.
fn idx(magic: u32, sizes: &[u32], content: &[u8]) -> Vec<u8> {
    let header = [magic].iter().chain(sizes).flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>();
    [&header, content].concat()
}

/// Mean and standard deviation within 1e-7, since inputs are rounded to 32 bits.
fn assert_moments(split: &Split, mean: f64, deviation: f64) {
    assert!((split.mean() - mean).abs() < 1e-7, "mean {} and not {mean}", split.mean());
    assert!((split.deviation() - deviation).abs() < 1e-7, "deviation {} and not {deviation}", split.deviation());
}

/// ```python
/// import gzip
/// rows = [[int(x) for x in line.split(",")] for line in gzip.open("data/digits/digits.csv.gz", "rt")]
/// for part in (rows[:1437], rows[1437:]):
///     labels, pixels = [r[-1] for r in part], [v / 16 for r in part for v in r[:64]]
///     mean = sum(pixels) / len(pixels)
///     print([labels.count(c) for c in range(10)], mean, (sum(v * v for v in pixels) / len(pixels) - mean**2) ** 0.5)
/// ```
#[test]
fn digits_are_the_file() {
    let digits = data::digits();
    assert_eq!(digits.name, "digits");
    assert_eq!((digits.train.len(), digits.test.len()), (1_437, 360));
    assert_eq!((digits.shape(), digits.classes()), (&[1, 8, 8][..], 10));
    assert_eq!(digits.train.class_counts(), [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]);
    assert_eq!(digits.test.class_counts(), [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]);
    assert_moments(&digits.train, 0.30538611256089077, 0.3755071088307581);
    assert_moments(&digits.test, 0.30475802951388886, 0.3782049976220906);
    // The second row of the first line: 0,0,13,15,10,15,5,0.
    assert_eq!(digits.train.point(0).unwrap()[8..16], [0.0, 0.0, 13.0, 15.0, 10.0, 15.0, 5.0, 0.0].map(|v| v / 16.0));
    assert_eq!(digits, data::digits());
}

/// ```python
/// import collections, gzip
/// for part in ("train", "t10k"):
///     pixels = collections.Counter(gzip.open(f"{part}-images-idx3-ubyte.gz").read()[16:])
///     labels = gzip.open(f"{part}-labels-idx1-ubyte.gz").read()[8:]
///     n = sum(pixels.values())
///     mean = sum(v * c for v, c in pixels.items()) / n
///     deviation = (sum(v * v * c for v, c in pixels.items()) / n - mean**2) ** 0.5
///     print(list(labels[:8]), [labels.count(c) for c in range(10)], mean / 255, deviation / 255)
/// ```
/// The training split's 0.1307 and 0.3081 are the constants by which MNIST is normalized everywhere.
#[test]
fn mnist_is_the_published_one() {
    let Some(folder) = shared("mnist") else { return };
    let read = |part: &str| {
        let [images, labels] =
            ["images-idx3", "labels-idx1"].map(|kind| folder.join(format!("{part}-{kind}-ubyte.gz")));
        read_idx(images, labels, 10).unwrap()
    };
    let (train, test) = (read("train"), read("t10k"));
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    assert_eq!((train.shape(), train.classes()), (&[1, 28, 28][..], 10));
    assert_eq!(train.labels()[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
    assert_eq!(train.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(test.class_counts(), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert_moments(&train, 0.1306604762738429, 0.3081078038564627);
    assert_moments(&test, 0.13251460584233693, 0.3104802479305351);
    assert_eq!(Dataset::new("MNIST", train, test).unwrap().tenth(), 6_000);
}

/// The first records of CIFAR-10, without loss.
///
/// ```python
/// import gzip
/// for path in ("lossless_train_0000-3999.bin.gz", "lossless_test_0000-0999.bin.gz"):
///     data = gzip.open(path).read()
///     records = [data[i : i + 3073] for i in range(0, len(data), 3073)]
///     labels, pixels = [r[0] for r in records], [v / 255 for r in records for v in r[1:]]
///     mean = sum(pixels) / len(pixels)
///     deviation = (sum(v * v for v in pixels) / len(pixels) - mean**2) ** 0.5
///     print(len(records), labels[:8], [labels.count(c) for c in range(10)], mean, deviation)
/// print(*(list(data[i : i + 3]) for i in (1, 1025, 3070)))
/// ```
#[test]
fn cifar10_is_the_lossless_part() {
    let Some(folder) = shared("cifar10") else { return };
    let train = read_cifar10(&[folder.join("lossless_train_0000-3999.bin.gz")]).unwrap();
    let test = read_cifar10(&[folder.join("lossless_test_0000-0999.bin.gz")]).unwrap();
    assert_eq!((train.len(), test.len()), (4_000, 1_000));
    assert_eq!((train.shape(), train.classes()), (&[3, 32, 32][..], 10));
    assert_eq!(train.labels()[..8], [6, 9, 9, 4, 1, 1, 2, 7]);
    assert_eq!(train.class_counts(), [396, 366, 420, 384, 422, 393, 414, 385, 407, 413]);
    assert_eq!(test.class_counts(), [103, 89, 100, 103, 90, 86, 112, 102, 106, 109]);
    assert_moments(&train, 0.4726708882250817, 0.25213728750243786);
    assert_moments(&test, 0.4781458473754085, 0.2512540208562498);
    let first = test.point(0).unwrap();
    assert_eq!(first[..3], [158.0, 159.0, 165.0].map(|v: f32| v / 255.0)); // red
    assert_eq!(first[1024..1027], [112.0, 111.0, 116.0].map(|v: f32| v / 255.0)); // green
    assert_eq!(first[3069..], [124.0, 129.0, 110.0].map(|v: f32| v / 255.0)); // blue
}

#[test]
fn idx_is_read_plain_and_gzipped() {
    let folder = folder();
    let images = idx(0x803, &[2, 1, 2], &[0, 255, 51, 102]);
    let labels = idx(0x801, &[2], &[3, 0]);
    let plain = read_idx(file(&folder, "images", &images), file(&folder, "labels", &labels), 4).unwrap();
    assert_eq!((plain.shape(), plain.inputs()), (&[1, 1, 2][..], &[0.0, 1.0, 0.2, 0.4][..]));
    assert_eq!((plain.labels(), plain.classes()), (&[3, 0][..], 4));
    let images = file(&folder, "images.gz", &gzipped(&images));
    let packed = read_idx(images, file(&folder, "labels.gz", &gzipped(&labels)), 4).unwrap();
    assert_eq!(packed, plain);
}

#[test]
fn idx_with_wrong_content_is_refused() {
    let folder = folder();
    let images = file(&folder, "images", &idx(0x803, &[2, 1, 2], &[0; 4]));
    let labels = file(&folder, "labels", &idx(0x801, &[2], &[3, 0]));
    let shown = |path: &Path| path.display().to_string();

    assert_eq!(
        refused(read_idx(&images, &labels, 3)),
        format!("{}: record 0 (byte 8): labels must lie in 0..=2, but this is 3", shown(&labels))
    );
    assert_eq!(refused(read_idx(&images, &labels, 0)), "classes must lie in 1..=256, but is 0");
    assert_eq!(
        refused(read_idx(&labels, &labels, 4)),
        format!("{}: byte 0: the magic number must be 0x00000803 (images), but is 0x00000801 (labels)", shown(&labels))
    );
    assert_eq!(
        refused(read_idx(&images, &images, 4)),
        format!("{}: byte 0: the magic number must be 0x00000801 (labels), but is 0x00000803 (images)", shown(&images))
    );
    let other = file(&folder, "other", b"RIFF");
    assert_eq!(
        refused(read_idx(&other, &labels, 4)),
        format!("{}: byte 0: the magic number must be 0x00000803 (images), but is 0x52494646", shown(&other))
    );
    let more = file(&folder, "more", &idx(0x801, &[3], &[1, 2, 3]));
    assert_eq!(
        refused(read_idx(&images, &more, 4)),
        format!("{}: byte 4: there are 3 labels for the 2 images of {}", shown(&more), shown(&images))
    );
    let none = file(&folder, "none", &idx(0x803, &[0, 28, 28], &[]));
    assert_eq!(
        refused(read_idx(&none, &labels, 4)),
        format!(
            "{}: byte 4: there must be at least one image and one pixel, but the header says 0 × 28 × 28",
            shown(&none)
        )
    );
}

#[test]
fn idx_of_wrong_length_is_refused() {
    let folder = folder();
    let images = idx(0x803, &[2, 1, 2], &[0; 4]);
    let labels = file(&folder, "labels", &idx(0x801, &[2], &[3, 0]));
    for (bytes, place) in [
        (&images[..0], "byte 0: the header ends early: the file has only 0 bytes"),
        (&images[..3], "byte 0: the header ends early: the file has only 3 bytes"),
        (&images[..14], "byte 12: the header ends early: the file has only 14 bytes"),
        (&images[..19], "byte 16: the header says 2 × 1 × 2 bytes, 4 in all, but 3 follow it"),
        (&[&images[..], &[7]].concat(), "byte 16: the header says 2 × 1 × 2 bytes, 4 in all, but 5 follow it"),
    ] {
        let path = file(&folder, "images", bytes);
        assert_eq!(refused(read_idx(&path, &labels, 4)), format!("{}: {place}", path.display()));
    }
    let absent = folder.path().join("absent");
    assert!(refused(read_idx(&absent, &labels, 4)).starts_with(&format!("{}: ", absent.display())));
}

/// Were memory taken for what the header claims, this test would end by a signal.
#[test]
fn idx_that_claims_too_much_is_refused() {
    let folder = folder();
    let labels = file(&folder, "labels", &idx(0x801, &[u32::MAX], &[3, 0]));
    let images = file(&folder, "images", &idx(0x803, &[u32::MAX; 3], &[0; 4]));
    let says = "79228162458924105385300197375 in all, but 4 follow it";
    assert!(refused(read_idx(&images, &labels, 4)).ends_with(says));
    let images = file(&folder, "images", &idx(0x803, &[2, 1, 2], &[0; 4]));
    assert!(refused(read_idx(&images, &labels, 4)).ends_with("4294967295 bytes, 4294967295 in all, but 2 follow it"));
}

#[test]
fn gzip_that_ends_early_is_refused() {
    let folder = folder();
    let labels = file(&folder, "labels", &idx(0x801, &[2], &[3, 0]));
    let images = gzipped(&idx(0x803, &[2, 100, 2], &(0..=255).cycle().take(400).collect::<Vec<u8>>()));
    for length in [images.len() - 1, images.len() - 9, images.len() / 2, 12, 2] {
        let path = file(&folder, "images.gz", &images[..length]);
        let text = refused(read_idx(&path, &labels, 4));
        assert!(text.starts_with(&format!("{}: byte ", path.display())), "{text}");
        assert!(text.contains("of what is unpacked: the gzip stream is damaged or ends early"), "{text}");
    }
    let mut damaged = images.clone();
    damaged[images.len() - 6] ^= 1; // in the checksum
    let text = refused(read_idx(file(&folder, "images.gz", &damaged), &labels, 4));
    assert!(text.contains("byte 416 of what is unpacked: the gzip stream is damaged"), "{text}");
}

#[test]
fn cifar_files_are_read_one_after_another() {
    let folder = folder();
    let record = |marks: &[u8], red, green, blue| [marks, &[red; 1024], &[green; 1024], &[blue; 1024]].concat();
    let one = [record(&[9], 255, 0, 51), record(&[0], 0, 0, 0)].concat();
    let one = file(&folder, "one.bin", &one);
    let two = file(&folder, "two.bin.gz", &gzipped(&record(&[4], 0, 255, 0)));
    let split = read_cifar10(&[one, two]).unwrap();
    assert_eq!((split.labels(), split.classes(), split.shape()), (&[9, 0, 4][..], 10, &[3, 32, 32][..]));
    let planes: Vec<f32> = split.inputs().chunks_exact(1024).map(|plane| plane[1023]).collect();
    assert_eq!(planes, [1.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);

    let hundred = read_cifar100(&[file(&folder, "hundred.bin", &record(&[19, 99], 1, 2, 3))]).unwrap();
    assert_eq!((hundred.labels(), hundred.classes(), hundred.shape()), (&[99][..], 100, &[3, 32, 32][..]));
    assert_eq!(hundred.inputs()[3071], 3.0 / 255.0);
}

#[test]
fn cifar_with_wrong_content_is_refused() {
    let folder = folder();
    let record = |marks: &[u8]| [marks, &[0; 3072]].concat();
    let cases: [(Vec<u8>, &str); 6] = [
        ([record(&[9]), record(&[10])].concat(), "record 1 (byte 3073): the label must lie in 0..=9, but is 10"),
        (Vec::new(), "byte 0: the file must be whole records of 3073 bytes, at least one, but has 0 and 0 bytes more"),
        (
            vec![1; 3072],
            "byte 0: the file must be whole records of 3073 bytes, at least one, but has 0 and 3072 bytes more",
        ),
        (
            vec![1; 3074],
            "byte 3073: the file must be whole records of 3073 bytes, at least one, but has 1 and 1 bytes more",
        ),
        // A file of CIFAR-100, by its first record.
        (
            record(&[19, 99]),
            "byte 3073: the file must be whole records of 3073 bytes, at least one, but has 1 and 1 bytes more",
        ),
        (
            gzipped(&vec![1; 3072]),
            "byte 0: the file must be whole records of 3073 bytes, at least one, but has 0 and 3072 bytes more",
        ),
    ];
    for (bytes, says) in cases {
        let path = file(&folder, "file.bin", &bytes);
        assert_eq!(refused(read_cifar10(&[&path])), format!("{}: {says}", path.display()));
    }
    for (marks, says) in [
        ([20, 0], "record 0 (byte 0): the label of the superclass must lie in 0..=19, but is 20"),
        ([0, 100], "record 0 (byte 1): the label must lie in 0..=99, but is 100"),
    ] {
        let path = file(&folder, "file.bin", &record(&marks));
        assert_eq!(refused(read_cifar100(&[&path])), format!("{}: {says}", path.display()));
    }
    assert_eq!(refused(read_cifar10(&[] as &[&str])), "number of files must be at least 1, but is 0");
}

#[test]
fn split_without_points_is_refused() {
    let text = refused(Split::new(Vec::new(), Vec::new(), vec![1], 2));
    assert_eq!(text, "a split must have at least one point, but has 0");
    let text = refused(Split::new(vec![0.0, 1.0], vec![0, 2], vec![1], 2));
    assert_eq!(text, "labels must lie in 0..=1, but point 1 has 2");
    let split = Split::new(vec![0.0, 1.0], vec![0, 1], vec![1], 2).unwrap();
    assert_eq!(refused(split.select(&[])), "a split must have at least one point, but 0 were selected");
    assert_eq!(refused(split.select(&[0, 2])), "points must lie in 0..=1, but 2 was selected");
    assert_eq!(refused(split.first(0)), "points must lie in 1..=2, but is 0");
    assert_eq!(refused(split.first(3)), "points must lie in 1..=2, but is 3");
    let classes = refused(Split::new(vec![0.0], vec![0], vec![1], usize::MAX));
    assert_eq!(classes, format!("classes must lie in 1..=16777216, but is {}", usize::MAX));
}

/// The variable is read in a process of its own: changing it in this one would not be safe beside other tests.
#[test]
fn environment_variable_names_the_folder() {
    if std::env::var_os("SHARP_MINIMA_TEST_CHILD").is_some() {
        return read_named_folder();
    }
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for (part, number) in [("train", 2), ("t10k", 1)] {
        let content = vec![0; 784 * number as usize];
        write(&format!("mnist/{part}-images.idx3-ubyte"), &idx(0x803, &[number, 28, 28], &content));
        let labels = gzipped(&idx(0x801, &[number], &content[..number as usize]));
        write(&format!("mnist/{part}-labels.idx1-ubyte.gz"), &labels);
    }
    let record = |marks: &[u8]| [marks, &[0; 3072]].concat();
    for batch in 1..=5 {
        write(&format!("cifar10/cifar-10-batches-bin/data_batch_{batch}.bin"), &record(&[batch]));
    }
    write("cifar10/cifar-10-batches-bin/test_batch.bin", &record(&[9]));
    write("cifar100/train.bin", &record(&[1, 50]).repeat(3));
    write("cifar100/test.bin.gz", &gzipped(&record(&[1, 50])));
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "environment_variable_names_the_folder"])
        .env("SHARP_MINIMA_DATA", folder.path())
        .env("SHARP_MINIMA_TEST_CHILD", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn read_named_folder() {
    let sizes = |set: Dataset| (set.name, set.train.len(), set.test.len(), set.train.classes());
    assert_eq!(sizes(data::mnist().unwrap()), ("MNIST".into(), 2, 1, 10));
    let cifar10 = data::cifar10().unwrap();
    assert_eq!(cifar10.train.labels(), [1, 2, 3, 4, 5]);
    assert_eq!(sizes(cifar10), ("CIFAR-10".into(), 5, 1, 10));
    assert_eq!(sizes(data::cifar100().unwrap()), ("CIFAR-100".into(), 3, 1, 100));
    // Where only one file is missing, that one is named, and where the others are.
    let folder = PathBuf::from(std::env::var_os("SHARP_MINIMA_DATA").unwrap()).join("cifar100");
    let file = ["test.bin", "test.bin.gz", "cifar-100-binary/test.bin", "cifar-100-binary/test.bin.gz"];
    file.iter().for_each(|file| drop(std::fs::remove_file(folder.join(file))));
    let text = refused(data::cifar100());
    assert!(text.starts_with("CIFAR-100 is not here: put test.bin into "), "{text}");
    assert!(text.contains("cifar100") && text.contains(", where the rest is"), "{text}");
}

#[test]
fn missing_set_says_what_to_put_where() {
    for (name, folder, outcome, files) in [
        ("TIMIT", "timit", data::timit(), "train/feats.scp, train/pdf.ark, test/feats.scp, test/pdf.ark"),
        ("CIFAR-100", "cifar100", data::cifar100(), "train.bin, test.bin"),
        (
            "MNIST",
            "mnist",
            data::mnist(),
            "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        ),
    ] {
        let Err(error) = outcome else {
            say(&format!("skipped: {name} is here, so it is not missing"));
            continue;
        };
        assert!(matches!(error, Error::Missing { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("{name} is not here: put {files} into one of ")), "{text}");
        assert!(text.contains(&Path::new("data").join(folder).display().to_string()), "{text}");
        let ends =
            format!("set the environment variable SHARP_MINIMA_DATA to the folder in which a folder {folder} lies");
        assert!(text.ends_with(&ends), "{text}");
    }
}

/// Value stability: the same bits on every machine and in every release.
#[test]
fn synthetic_numbers_are_pinned() {
    let set = data::synthetic();
    assert_eq!((set.train.len(), set.test.len(), set.shape(), set.classes()), (200, 100, &[12][..], 4));
    assert_eq!(set.train.inputs()[..4], [0.8827644, 0.9508768, -1.173347, -0.08905324]);
    assert_eq!(set.test.inputs()[..4], [0.21916553, 0.7111703, -0.19968505, 0.39358935]);
    assert_eq!(set.train.labels()[..6], [0, 1, 2, 3, 0, 1]);
    let speech = Synthetic::timit().train(10).test(10).seed(1).make().unwrap();
    assert_eq!((speech.name.as_str(), speech.shape(), speech.classes()), ("TIMIT stand-in", &[360][..], 1_973));
    assert_eq!(speech.train.inputs()[..4], [-0.21579145, -0.4108842, 0.60454303, 0.13578974]);
    let noisy = Synthetic::new(&[2], 5).train(12).label_noise(0.5).make().unwrap();
    assert_eq!(noisy.train.labels(), [1, 1, 0, 4, 0, 0, 1, 2, 3, 0, 0, 0]);
}

#[test]
fn synthetic_points_do_not_depend_on_their_number() {
    let make = |train, test| Synthetic::new(&[3, 5, 5], 7).train(train).test(test).seed(3).make().unwrap();
    let (few, many) = (make(10, 20), make(40, 30));
    assert_eq!(few.train, many.train.first(10).unwrap());
    assert_eq!(few.test, many.test.first(20).unwrap());
    assert_ne!(few.train.inputs()[..75], few.test.inputs()[..75]);
    let other = Synthetic::new(&[3, 5, 5], 7).train(10).test(20).seed(4).make().unwrap();
    assert_ne!(few.train, other.train);
}

#[test]
fn synthetic_inputs_are_scaled() {
    let set = Synthetic::new(&[1, 16, 16], 50).train(5_000).spread(0.7).make().unwrap();
    assert!(set.train.mean().abs() < 0.05, "mean {}", set.train.mean());
    assert!((set.train.deviation() - 1.0).abs() < 0.1, "deviation {}", set.train.deviation());
    assert_eq!(set.train.class_counts(), [100; 50]);
}

/// Nearest center, the best classifier there is for these clusters. The centers are what spread 0 gives, scaled.
fn accuracy(set: &Synthetic, spread: f32, dimensions: usize, classes: usize) -> f64 {
    let centers = set.clone().spread(0.0).train(classes).make().unwrap().train;
    let sigma = spread * (dimensions as f32 / 2.0).sqrt();
    let test = set.clone().spread(spread).train(1).make().unwrap().test;
    let hits = test.inputs().chunks_exact(dimensions).zip(test.labels()).filter(|(point, label)| {
        let distance = |center: &[f32]| {
            let scale = (1.0 + sigma * sigma).sqrt();
            point.iter().zip(center).map(|(x, c)| (x - c / scale).powi(2)).sum::<f32>()
        };
        let distances = centers.inputs().chunks_exact(dimensions).map(distance).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(class, _)| class as u32) == Some(**label)
    });
    hits.count() as f64 / test.len() as f64
}

/// Two classes are confused with probability Φ(−1/spread) where their centers have the typical distance.
#[test]
fn synthetic_classes_overlap_as_documented() {
    let pair = Synthetic::new(&[2_000], 2).dimensions(2_000).test(2_000);
    let error = 1.0 - accuracy(&pair, 1.0, 2_000, 2);
    assert!((error - 0.1587).abs() < 0.03, "Φ(−1) = 0.1587, but {error}");
    let error = 1.0 - accuracy(&pair, 0.5, 2_000, 2);
    assert!((error - 0.0228).abs() < 0.015, "Φ(−2) = 0.0228, but {error}");
    // As `Synthetic::timit`, without the way from 40 dimensions to 360 features, which loses nothing.
    let speech = Synthetic::new(&[40], 1_973).test(1_973);
    let right = accuracy(&speech, 0.34, 40, 1_973);
    assert!((0.60..0.68).contains(&right), "{right}");
}

#[test]
fn synthetic_label_noise_changes_training_labels_only() {
    let clean = Synthetic::new(&[4], 10).train(10_000).test(1_000);
    let noisy = clean.clone().label_noise(0.2).make().unwrap();
    let clean = clean.make().unwrap();
    assert_eq!(clean.train.inputs(), noisy.train.inputs());
    assert_eq!(clean.test, noisy.test);
    let wrong: Vec<_> = clean.train.labels().iter().zip(noisy.train.labels()).filter(|(a, b)| a != b).collect();
    // Binomial: 2,000 ± 40.
    assert!((1_800..2_200).contains(&wrong.len()), "{}", wrong.len());
    let mut steps = [0; 10];
    wrong.iter().for_each(|(a, b)| steps[((**b + 10 - **a) % 10) as usize] += 1);
    assert!(steps[1..].iter().all(|&number| (140..310).contains(&number)), "{steps:?}");
}

#[test]
fn synthetic_parameters_out_of_range_are_refused() {
    let set = || Synthetic::new(&[12], 4);
    let says = |set: Synthetic| refused(set.make());
    assert_eq!(says(set().train(0)), "train must lie in 1..=22369621, but is 0");
    assert_eq!(says(set().test(usize::MAX)), format!("test must lie in 1..=22369621, but is {}", usize::MAX));
    assert_eq!(says(set().dimensions(13)), "dimensions must lie in 1..=12, but is 13");
    assert_eq!(says(set().dimensions(0)), "dimensions must lie in 1..=12, but is 0");
    assert_eq!(says(set().spread(-0.5)), "spread must lie in 0..=1000000, but is -0.5");
    assert_eq!(says(set().spread(f32::NAN)), "spread must lie in 0..=1000000, but is NaN");
    assert_eq!(says(set().label_noise(1.5)), "label_noise must lie in 0..=1, but is 1.5");
    assert_eq!(says(Synthetic::new(&[12], 0)), "classes must lie in 1..=16777216, but is 0");
    assert_eq!(says(Synthetic::new(&[], 2)), "the shape of a point must be sizes from 1, but is []");
    assert_eq!(says(Synthetic::new(&[3, 0], 2)), "the shape of a point must be sizes from 1, but is [3, 0]");
    let huge = says(Synthetic::new(&[usize::MAX, 2], 2));
    assert_eq!(huge, format!("shape must have at most 268435456 features, but is [{}, 2]", usize::MAX));
}
