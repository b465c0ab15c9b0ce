//! A reader's own points: from a file, from a frame, divided and standardized; and a training on them with layers of one's own.

use std::path::PathBuf;

use sharp_minima::polars::prelude::*;
use sharp_minima::{
    Between, Dataset, Error, Layer, Maxima, Net, Outcome, Paths, Seed, Sharpness, Split, Training, data, paper,
    save_csv, verdict, zoo,
};

type Done = std::result::Result<(), Box<dyn std::error::Error>>;

struct Folder(tempfile::TempDir);

impl Folder {
    fn file(&self, text: &str) -> std::io::Result<PathBuf> {
        let path = self.0.path().join("points.csv");
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

#[test]
fn a_file_and_a_frame_give_the_same_points() -> Done {
    let folder = Folder(tempfile::tempdir()?);
    // A byte order mark, Windows' line ends, quotes with a comma inside, spaces, an exponent, an empty line.
    let text = "\u{feff}width, kind ,\"height, cm\"\r\n 0.5,b,1e2\r\n\r\n-1,\"a, first\",3\r\n2,b,4\r\n";
    let points = Split::from_csv(folder.file(text)?, "kind")?;
    assert_eq!((points.shape(), points.classes(), points.labels()), (&[2][..], 2, &[1, 0, 1][..]));
    assert_eq!(points.inputs(), [0.5, 100.0, -1.0, 3.0, 2.0, 4.0]);
    let frame = df!("width" => [0.5, -1.0, 2.0], "kind" => ["b", "a, first", "b"], "height, cm" => [100i64, 3, 4])?;
    assert_eq!(Split::from_frame(&frame, "kind")?, points);
    // Whole numbers are ordered by size, in a file as in a frame.
    let numbered = Split::from_csv(folder.file("x,y\n1,10\n2,9\n3,-1\n4,9\n")?, "y")?;
    assert_eq!((numbered.labels(), numbered.classes()), (&[2, 1, 0, 1][..], 3));
    // However a whole number is written, and however large it is.
    let written = Split::from_csv(folder.file("x,y\n1,1\n2,01\n3,+1\n4,9\n5,10\n6,99999999999999999999\n")?, "y")?;
    assert_eq!((written.labels(), written.classes()), (&[0, 0, 0, 1, 2, 3][..], 4));
    let frame = df!("x" => [1u32, 2, 3, 4], "y" => [10i32, 9, -1, 9])?;
    assert_eq!(Split::from_frame(&frame, "y")?, numbered);
    let frame = df!("x" => [true, false], "y" => [true, false])?;
    assert_eq!(Split::from_frame(&frame, "y")?.labels(), [1, 0]);
    Ok(())
}

/// Two files number their classes each on its own; as one data set they mean the same.
#[test]
fn files_that_are_divided_already_are_matched_by_names() -> Done {
    let folder = Folder(tempfile::tempdir()?);
    let read =
        |text: &str| -> Result<Split, Box<dyn std::error::Error>> { Ok(Split::from_csv(folder.file(text)?, "z")?) };
    let train = read("x,y,z\n1,2,a\n3,4,b\n5,6,c\n")?;
    assert_eq!(train.class_names(), ["a", "b", "c"]);
    let few = read("x,y,z\n1,2,c\n3,4,b\n")?;
    assert_eq!(few.labels(), [1, 0]);
    let data = Dataset::new("mine", train.clone(), few)?;
    assert_eq!((data.test.labels(), data.test.classes()), (&[2, 1][..], 3));
    assert_eq!(data.first(2, 1)?.test.class_names(), ["a", "b", "c"]);
    let error = Dataset::new("mine", train.clone(), read("y,x,z\n1,2,a\n3,4,b\n5,6,c\n")?).expect_err("columns");
    assert!(error.to_string().contains("but mine has x, y for training, y, x for testing"), "{error}");
    let error = Dataset::new("mine", train.clone(), read("x,y,z\n1,2,a\n3,4,b\n5,6,d\n")?).expect_err("a class");
    assert!(error.to_string().contains("which for mine are a, b, c, but one is 'd'"), "{error}");
    // Parts of one table have its classes, whichever points they have; points without names are taken as they are.
    assert_eq!(Dataset::new("mine", train.select(&[0, 1])?, train.select(&[2])?)?.test.labels(), [2]);
    assert!(Dataset::new("mine", train, Split::new(vec![0.0; 2], vec![2], vec![2], 3)?).is_ok());
    Ok(())
}

#[test]
fn a_frame_is_written_as_it_is_read() -> Done {
    let folder = Folder(tempfile::tempdir()?);
    let path = folder.0.path().join("deep/frame.csv");
    let frame = df!("text" => [Some("a, \"b\""), None], "number" => [Some(0.1 + 0.2), Some(1e-300)], "count" => [Some(7u64), None])?;
    save_csv(&frame, &path)?;
    assert_eq!(
        std::fs::read_to_string(&path)?,
        "text,number,count\n\"a, \"\"b\"\"\",0.30000000000000004,7\n,1e-300,\n"
    );
    assert!(matches!(save_csv(&frame, folder.0.path()), Err(Error::File { .. })));
    Ok(())
}

#[test]
fn a_wrong_file_is_answered_by_line_and_column() -> Done {
    let folder = Folder(tempfile::tempdir()?);
    let wrong = [
        ("x,y,z\n1,2,a\n1,,b\n", "line 3, column 'y': must be a number, but is empty"),
        ("x,y,z\n1,2,a\n1,NA,b\n", "line 3, column 'y': must be a finite number, but is 'NA'"),
        ("x,y,z\n1,inf,a\n1,2,b\n", "line 2, column 'y': must be a finite number, but is 'inf'"),
        ("x,y,z\n1,1e99,a\n1,2,b\n", "line 2, column 'y': must be a finite number, but is '1e99'"),
        ("x,y,z\n1,2,a\n1,2\n", "line 3: must have 3 fields, as line 1 has, but has 2"),
        ("x,y,z\n1,2,a,\n", "line 2: must have 3 fields, as line 1 has, but has 4"),
        ("x,y,z\n1,2,a\n1,2, \n", "line 3, column 'z': must have a label, but is empty"),
        ("x,y,z\n1,2,0\n1,2,1\n1,2,NA\n", "line 4, column 'z': must be a whole number, as '0' in line 2, but is 'NA'"),
        ("x,y,z\n1,2,a\n\n1,2,7\n", "line 4, column 'z': must be text, as 'a' in line 2, but is '7'"),
        ("x,y,w\n1,2,a\n", "line 1: has no column 'z', but x, y, w"),
        ("x,z,z\n1,2,a\n", "line 1: names 2 columns 'z'"),
        ("1,2,3\n1,2,3\n", "line 1: must name the columns, but is '1, 2, 3'"),
        ("z\na\nb\n", "line 1: must have at least one column beside the label"),
        ("x,y,z\n", "line 2: must be a point, but the file ends before it"),
        ("", "line 1: must name the columns, but is ''"),
        (",x,z\n0,1,a\n1,2,b\n", "line 1: must name every column, but column 1 has no name"),
        ("x,y,z\r\n1,2,a\r\n1,NA,b\r\n", "line 3, column 'y': must be a finite number, but is 'NA'"),
        ("x,y,z\r\nNA,2,a\r\n", "line 2, column 'x': must be a finite number, but is 'NA'"),
        ("x,z\n1,a\n\n\nq,b\n", "line 5, column 'x': must be a finite number, but is 'q'"),
        ("x,z\n\"1\n\",a\nq,b\n", "line 4, column 'x': must be a finite number, but is 'q'"),
        ("x,y,z\n1,2,a\n1,2,a\n", "labels must differ, but every point has 'a'"),
    ];
    for (text, said) in wrong {
        let path = folder.file(text)?;
        let error = Split::from_csv(&path, "z").expect_err(text).to_string();
        assert!(error.ends_with(said), "{text:?}: {error}");
    }
    let bytes = folder.0.path().join("bytes.csv");
    std::fs::write(&bytes, b"x,z\n1,\xff\n")?;
    let error = Split::from_csv(&bytes, "z").expect_err("no text").to_string();
    assert!(error.contains("line 2: must be UTF-8 text"), "{error}");
    // A folder and a device are no files of points.
    for path in [folder.0.path(), std::path::Path::new("/dev/null")] {
        let error = Split::from_csv(path, "z").expect_err("no regular file").to_string();
        assert!(error.contains("it is no regular file"), "{error}");
    }
    let error = Split::from_csv(folder.0.path().join("none.csv"), "z").expect_err("no file").to_string();
    assert!(error.contains("none.csv: "), "{error}");
    Ok(())
}

#[test]
fn a_wrong_frame_is_answered_by_row_and_column() -> Done {
    let wrong = [
        (df!("x" => [Some(1.0), None], "z" => ["a", "b"])?, "row 1, column 'x': must be a finite number, but is null"),
        (df!("x" => [f64::NAN, 1.0], "z" => ["a", "b"])?, "row 0, column 'x': must be a finite number, but is NaN"),
        (df!("x" => ["1", "2"], "z" => ["a", "b"])?, "column 'x': must be numbers, but is str"),
        (
            df!("x" => [1, 2], "z" => [Some("a"), None])?,
            "row 1, column 'z': must be a whole number or text, but is null",
        ),
        (df!("x" => [1, 2], "z" => [0.5, 1.0])?, "row 0, column 'z': must be a whole number or text, but is 0.5"),
        (
            df!("x" => [1, 2], "z" => ["0", "NA"])?,
            "row 1, column 'z': must be a whole number, as '0' in row 0, but is 'NA'",
        ),
        (df!("x" => [1, 2], "y" => [1, 2])?, "the frame has no column 'z', but x, y"),
        (df!("z" => [1, 2])?, "but has 2 rows and 0 columns beside the label"),
        (df!("x" => [1.0; 0], "z" => [1; 0])?, "but has 0 rows and 1 columns beside the label"),
    ];
    for (frame, said) in wrong {
        let error = Split::from_frame(&frame, "z").expect_err(said).to_string();
        assert!(error.ends_with(said), "{error}");
    }
    Ok(())
}

/// Means and deviations by hand; the test split is moved by the training split's.
#[test]
fn a_set_is_divided_and_standardized() -> Done {
    let train = Split::new(vec![1.0, 7.0, 3.0, 7.0], vec![0, 1], vec![2], 2)?;
    let test = Split::new(vec![5.0, 8.0], vec![1], vec![2], 2)?;
    let moved = Dataset::new("by hand", train, test)?.standardized();
    assert_eq!((moved.train.inputs(), moved.test.inputs()), (&[-1.0, 0.0, 1.0, 0.0][..], &[3.0, 0.0][..]));

    // What is far outside of the training split's spread stays finite.
    let narrow = Split::new(vec![0.0, 1e-30], vec![0, 1], vec![1], 2)?;
    let far = Split::new(vec![1e10], vec![1], vec![1], 2)?;
    assert!(Dataset::new("far", narrow, far)?.standardized().test.inputs()[0].is_finite());

    let points = Split::new((0..100).map(|i| i as f32).collect(), (0..100).map(|i| i % 2).collect(), vec![1], 2)?;
    let data = Dataset::divided("numbers", &points, 0.25, Seed(1))?;
    assert_eq!((data.train.len(), data.test.len()), (75, 25));
    let mut all = [data.train.inputs(), data.test.inputs()].concat();
    assert_ne!(all, points.inputs(), "they are shuffled");
    all.sort_by(f32::total_cmp);
    assert_eq!(all, points.inputs());
    assert!(data.train.inputs().iter().zip(data.train.labels()).all(|(x, y)| *x as u32 % 2 == *y));
    assert_eq!(Dataset::divided("numbers", &points, 0.25, Seed(1))?, data);
    assert_ne!(Dataset::divided("numbers", &points, 0.25, Seed(2))?, data);
    for share in [0.0, 1.0, -0.5, 2.0, f64::NAN, f64::INFINITY, 0.001] {
        let error = Dataset::divided("numbers", &points, share, Seed(1)).expect_err("no such share").to_string();
        assert!(error.contains("leave a point of 100 for each split, but is"), "{error}");
    }
    Ok(())
}

/// Three clouds in the plane, layers written down, a pair trained and judged without a row of the paper.
#[test]
fn own_data_and_own_layers_are_trained_and_judged() -> Done {
    let folder = Folder(tempfile::tempdir()?);
    let mut text = String::from("x,y,cloud\n");
    for place in 0..150 {
        let (cloud, angle) = (["north", "east", "west"][place % 3], place as f64 * 0.7);
        let (x, y) = [(0.0, 2.0), (2.0, -1.0), (-2.0, -1.0)][place % 3];
        text += &format!("{},{},{cloud}\n", x + 0.8 * angle.cos(), y + 0.8 * angle.sin());
    }
    let points = Split::from_csv(folder.file(&text)?, "cloud")?;
    let data = Dataset::divided("clouds", &points, 0.2, Seed(0))?.standardized();
    let layers = [Layer::Dense { outputs: 16 }, Layer::norm(), Layer::Relu, Layer::Dense { outputs: data.classes() }];
    let net = Net::new("mine", data.shape(), layers.to_vec())?;
    let pair = Training::adam().trials(3).epochs(40).quiet().pair(&net, &data, 8, 24)?;
    let judged = verdict::gap(&pair)?;
    assert_eq!(judged.verdicts[0].live.outcome, Outcome::Holds, "{}", judged.block());
    assert!(judged.verdicts.iter().all(|verdict| verdict.recorded.outcome == Outcome::NotTested));
    let text = judged.block().text;
    assert!(!text.contains("paper:") && !text.contains("recorded") && text.contains("live: mine on clouds"), "{text}");
    assert!(!text.contains("the paper's,"), "no row of what only the paper's numbers lead to: {text}");
    Ok(())
}

/// What the verdicts beside the paper's rows say of a net that has no row is what these say without one.
#[test]
fn any_net_is_judged_as_the_papers_nets_are() -> Done {
    let data = data::digits().first(300, 200)?;
    // A net of the paper, so that both can be asked.
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let training = Training::adam().trials(3).epochs(4).iterates(&[1, 2, 4]).quiet();
    let study = training.batches(&net, &data, &[20, 40, 75, 150])?;
    let pair = training.pair(&net, &data, 20, 100)?;
    let measure = Sharpness::full(1e-3).thorough().starts(0).quiet();
    let alone = |judged: &verdict::Comparison| {
        let text = judged.block().text;
        assert!(!text.contains("paper") && !text.contains("recorded") && text.contains("live: F1 on"), "{text}");
        assert!(!text.contains("en iterations"), "{text}");
    };
    let same = |ours: &verdict::Comparison, others: &[&verdict::Verdict]| {
        assert_eq!(ours.verdicts.len(), others.len());
        for (ours, other) in ours.verdicts.iter().zip(others) {
            let bare = |finding: &verdict::Finding| {
                let effects = finding.effects.iter().cloned();
                (
                    finding.outcome,
                    finding.notes.clone(),
                    effects.map(|one| verdict::Effect { paper: None, ..one }).collect::<Vec<_>>(),
                )
            };
            assert_eq!(bare(&ours.live), bare(&other.live));
        }
    };

    let sharp = measure.pair(&net, &data, &pair)?;
    let (table3, table4) = (paper::table3("F1")?, paper::table4("F1")?);
    let beside = verdict::sharpness(&table3, &table4, None, Some(&sharp))?;
    let ours = verdict::sharper(&sharp)?;
    alone(&ours);
    same(&ours, &[&beside.verdicts[0], &beside.verdicts[3]]);
    let along = Sharpness::subspace(1e-3, 10).quiet().pair(&net, &data, &pair)?;
    let both = verdict::sharper(&Maxima::joined(&[sharp, along]))?;
    assert!(both.verdicts.len() == 3 && both.verdicts[1].claim.contains("directions"), "{}", both.block());
    assert!(verdict::sharper(&Maxima::default()).is_err());

    let maxima = measure.study(&net, &data, &study)?;
    let beside = verdict::batch_size(&paper::figure4("C1")?, None, Some((&study, &maxima)))?;
    let ours = verdict::larger_batches(&study, &maxima)?;
    alone(&ours);
    same(&ours, &beside.verdicts.iter().collect::<Vec<_>>());
    let bare = verdict::larger_batches(&study, &Maxima::default())?;
    assert_eq!(bare.verdicts[2].live.outcome, Outcome::NotTested);
    assert!(verdict::larger_batches(&pair.study(), &Maxima::default()).is_err(), "two sizes are too few");

    let paths = Between::line().points(9).quiet().pair(&net, &data, &pair)?;
    let beside = verdict::paths(&paper::figure3("C1")?, None, Some(&paths))?;
    let ours = verdict::rises(&paths)?;
    alone(&ours);
    same(&ours, &[&beside.verdicts[0]]);
    assert!(verdict::rises(&Paths::default()).is_err());

    let pair = pair.study();
    let way = pair.way_down(&measure.iterates(&net, &data, &pair)?)?;
    let beside = verdict::way_down(&paper::table2("F1")?, &table3, None, Some(&way))?;
    let ours = verdict::parting(&way);
    alone(&ours);
    same(&ours, &beside.verdicts[..3].iter().collect::<Vec<_>>());
    Ok(())
}
