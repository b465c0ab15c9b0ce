//! x as a vector, and as a file.

use sharp_minima::{Layer, Net, Objective, Passes, Seed, Statistics, Weights, data, zoo};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn tiny() -> sharp_minima::Result<Net> {
    Net::new("tiny", &[3], vec![Layer::Dense { outputs: 4 }, Layer::norm(), Layer::Relu, Layer::Dense { outputs: 2 }])
}

#[test]
fn arithmetic_is_that_of_vectors() -> Outcome {
    let net = tiny()?;
    let n = net.parameter_count();
    let of = |f: &dyn Fn(usize) -> f32| Weights::new(net.layout(), (0..n).map(f).collect());
    let (a, b) = (of(&|i| i as f32)?, of(&|i| 1.0 - i as f32)?);
    assert!(a.plus(&b)?.values().iter().all(|&v| v == 1.0));
    assert_eq!(a.minus(&a)?.norm(), 0.0);
    assert_eq!(a.scaled(2.0).values()[3], 6.0);
    let sum: f64 = (0..n).map(|i| (i as f64) * (1.0 - i as f64)).sum();
    assert_eq!(a.dot(&b)?, sum);
    assert_eq!(a.norm(), (0..n).map(|i| (i * i) as f64).sum::<f64>().sqrt());
    assert_eq!(a.distance(&b)?, a.minus(&b)?.norm());
    assert_eq!(a.mix(&b, 0.0)?, a);
    assert_eq!(a.mix(&b, 1.0)?, b);
    assert!(a.mix(&b, 0.5)?.values().iter().all(|&v| v == 0.5));
    assert_eq!(a.mix(&b, 2.0)?.values()[3], 2.0 * -2.0 - 3.0);
    let names: Vec<&str> = net.layout().parameters().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]);
    assert_eq!(a.part("0.bias"), Some((&[4][..], &[12.0, 13.0, 14.0, 15.0][..])));
    assert_eq!(a.part("1.running_var"), Some((&[4][..], &[1.0; 4][..])));
    assert_eq!(a.part("7.weight"), None);
    Ok(())
}

#[test]
fn points_of_different_nets_do_not_mix() -> Outcome {
    let net = tiny()?;
    let other = zoo::f1(&[3], 2, 0.05)?;
    let (a, b) = (net.start(Seed(0), 0), other.start(Seed(0), 0));
    let said = a.plus(&b).expect_err("other nets").to_string();
    assert!(said.starts_with("two points must belong to one net, but one has 34 weights in 6 parts"), "{said}");
    assert!(a.mix(&b, 0.5).is_err() && a.dot(&b).is_err() && a.distance(&b).is_err());
    let said = Weights::new(net.layout(), vec![0.0; 3]).expect_err("too few").to_string();
    assert_eq!(said, "the net has 34 weights, but 3 are given");
    let data = data::synthetic();
    let fits = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let said = Objective::new().value(&fits, &data.train, &a).expect_err("weights of another net").to_string();
    assert!(said.ends_with("it belongs to another net"), "{said}");
    let said = Objective::new().value(&net, &data.train, &a).expect_err("data of another shape").to_string();
    assert_eq!(said, "tiny takes points of shape [3] in 2 classes, but the data has shape [12] in 4");
    let said = Objective::new().value_at(&fits, &data.train, &[0.0; 3]).expect_err("too short").to_string();
    assert!(said.ends_with("weights, but the point has 3"), "{said}");
    Ok(())
}

#[test]
fn a_file_gives_back_every_bit() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("made/as/needed/x.safetensors");
    let data = data::synthetic();
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let trained = sharp_minima::Training::adam().batch(20).trials(1).epochs(1).quiet().run(&net, &data)?;
    trained.weights[0].save(&path)?;
    assert_eq!(Weights::load(net.layout(), &path)?, trained.weights[0]);
    let left: Vec<_> = std::fs::read_dir(path.parent().ok_or("no folder")?)?.collect();
    assert_eq!(left.len(), 1, "nothing half-written stays: {left:?}");
    Ok(())
}

#[test]
fn files_that_are_not_this_nets_weights_are_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.safetensors");
    let net = tiny()?;
    let said = |net: &Net| Weights::load(net.layout(), &path).expect_err("it should be refused").to_string();
    assert!(said(&net).contains("x.safetensors: No such file"), "{}", said(&net));

    net.start(Seed(0), 0).save(&path)?;
    let wider = Net::new(
        "wider",
        &[3],
        vec![Layer::Dense { outputs: 5 }, Layer::norm(), Layer::Relu, Layer::Dense { outputs: 2 }],
    )?;
    assert!(said(&wider).ends_with("tensor '0.weight': its shape must be [5, 3], but is [4, 3]"), "{}", said(&wider));
    let deeper = Net::new("deeper", &[3], [tiny()?.layers(), &[Layer::Dense { outputs: 2 }]].concat())?;
    assert!(said(&deeper).ends_with("tensor '4.weight': it is missing"), "{}", said(&deeper));
    let shorter = Net::new("shorter", &[3], vec![Layer::Dense { outputs: 4 }])?;
    assert!(
        said(&shorter).contains("the net has no part of this name; the file has 8 tensors, the net 2 parts"),
        "{}",
        said(&shorter)
    );

    let mut infinite = net.start(Seed(0), 0).scaled(f32::MAX);
    infinite = infinite.scaled(f32::MAX);
    infinite.save(&path)?;
    assert!(said(&net).contains("its numbers must be finite, but number 0 is"), "{}", said(&net));

    // A variance below 0, as a mixture outside of its ends can have.
    let data = data::synthetic();
    let fits =
        Net::new("fits", data.shape(), vec![Layer::Dense { outputs: 4 }, Layer::norm(), Layer::Dense { outputs: 4 }])?;
    let start = fits.start(Seed(0), 0);
    let far = Objective::new().recalibrate(&fits, &data.train, &start.scaled(100.0))?;
    start.mix(&far, -1.0)?.save(&path)?;
    assert!(said(&fits).contains("variances must be at least 0, but number 0 is -"), "{}", said(&fits));

    net.start(Seed(0), 0).save(&path)?;
    let bytes = std::fs::read(&path)?;
    for length in [0, 4, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length])?;
        assert!(said(&net).contains("header: "), "{length} bytes: {}", said(&net));
    }
    Ok(())
}

#[test]
fn a_place_that_cannot_be_written_leaves_nothing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let net = tiny()?;
    // A folder stands where the file should be.
    let path = folder.path().join("taken");
    std::fs::create_dir(&path)?;
    std::fs::write(path.join("inside"), "kept")?;
    let error = net.start(Seed(0), 0).save(&path).expect_err("a folder is in the way").to_string();
    assert!(error.contains("taken: "), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path())?.collect();
    assert_eq!(left.len(), 1, "{left:?}");
    Ok(())
}

/// A number that is none makes a loss that is none, in both passes and with all statistics: never a plausible one.
#[test]
fn what_is_not_a_number_stays_so() -> Outcome {
    let data = data::synthetic();
    let hidden = || [Layer::Dense { outputs: 5 }, Layer::norm(), Layer::Relu];
    let layers = hidden().into_iter().chain([Layer::Dense { outputs: 5 }, Layer::Relu, Layer::Dense { outputs: 4 }]);
    let net = Net::new("n", data.shape(), layers.collect())?;
    let mut x = net.start(Seed(0), 0).to_f64();
    x[0] = f64::NAN;
    let weights = Weights::new(net.layout(), x.iter().map(|&v| v as f32).collect())?;
    for passes in [Passes::Fused, Passes::Composed] {
        for statistics in [Statistics::Batch, Statistics::Running, Statistics::Recalibrated] {
            let value = Objective::new().passes(passes).statistics(statistics).value(&net, &data.train, &weights)?;
            assert!(value.loss.is_nan(), "{passes:?}, {statistics}: {}", value.loss);
        }
    }
    Ok(())
}

#[test]
fn an_objective_refuses_what_it_cannot_evaluate() -> Outcome {
    let data = data::synthetic();
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let x = net.start(Seed(0), 0);
    let said = Objective::new().chunk(0).value(&net, &data.train, &x).expect_err("no chunk").to_string();
    assert!(said.starts_with("chunk must"), "{said}");
    let running = Objective::new().statistics(Statistics::Running);
    let said = running.value_at(&net, &data.train, &x.to_f64()).expect_err("no averages").to_string();
    assert_eq!(said, "statistics must be batch or recalibrated: a bare point has no running averages, but is running");
    Ok(())
}
