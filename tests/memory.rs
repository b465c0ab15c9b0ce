//! What the docs say of memory is what is taken, counted by an allocator: of the weights' bytes for nets whose layers are small beside
//! them, of the layers' for nets whose weights are.

#[path = "mangled/counting.rs"]
mod counting;

use counting::taken;
use sharp_minima::{
    Dataset, Layer, Net, Objective, Recorded, Result, Seed, Sharpness, Spectra, Spectrum, Training, data,
};

/// The allocator counts for the whole process, so that one test runs at a time.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A million weights, and few points.
fn wide() -> Result<(Net, Dataset)> {
    let data = data::Synthetic::new(&[200], 10).train(60).test(20).make()?;
    let layers = [Layer::Dense { outputs: 900 }, Layer::Relu, Layer::Dense { outputs: 900 }, Layer::Relu];
    let last = [Layer::Dense { outputs: 10 }];
    Ok((Net::new("wide", data.shape(), [&layers[..], &last].concat())?, data))
}

/// Few weights, and a chunk of many points.
fn long() -> Result<(Net, Dataset)> {
    let data = data::Synthetic::new(&[1, 24, 24], 10).train(400).test(20).make()?;
    let convolution = Layer::Conv { filters: 12, window: 3, stride: 1, padding: 1 };
    let layers = [convolution.clone(), Layer::norm(), Layer::Relu, convolution, Layer::norm(), Layer::Relu];
    let last = [Layer::MaxPool { window: 4, stride: 4, padding: 0 }, Layer::Flatten, Layer::Dense { outputs: 10 }];
    Ok((Net::new("long", data.shape(), [&layers[..], &last].concat())?, data))
}

#[test]
fn as_much_memory_is_taken_as_the_docs_say() -> Result<()> {
    let _alone = ALONE.lock();
    let (net, data) = wide()?;
    let weights = 4.0 * net.parameter_count() as f64;
    let x = net.start(Seed(0), 0);
    let times = |bytes: usize| bytes as f64 / weights;
    let training = |trials| Training::adam().batch(20).trials(trials).epochs(1).threads(1).quiet();
    let one = times(taken(|| training(1).run(&net, &data)).1);
    let four = times(taken(|| training(4).run(&net, &data)).1);
    assert!((8.0..12.0).contains(&one), "a trial under way: about ten times its weights, and not {one}");
    assert!((5.0..7.0).contains(&(four - one)), "three finished ones: twice each, and not {}", four - one);
    // L-BFGS-B keeps 46 vectors in f64, and about 13 of single precision are around it.
    let full = times(taken(|| Sharpness::full(1e-3).threads(1).quiet().at(&net, &data, &x)).1);
    // Fewer where a search ends early.
    assert!((50.0..112.0).contains(&full), "in the full space: at most about 105, and not {full}");
    let subspace = times(taken(|| Sharpness::subspace(1e-3, 10).threads(1).quiet().at(&net, &data, &x)).1);
    assert!((9.0..20.0).contains(&subspace), "in a subspace: about 13, and not {subspace}");
    let [short, long] = [10, 30].map(|steps| {
        times(taken(|| Spectrum::outermost(1).steps(steps).probes(1).threads(1).quiet().at(&net, &data, &x)).1)
    });
    assert!((19.0..22.0).contains(&(long - short)), "a vector a step: twenty, and not {}", long - short);
    Ok(())
}

#[test]
fn layers_take_what_the_docs_say() -> Result<()> {
    let _alone = ALONE.lock();
    let (net, data) = long()?;
    let x = net.start(Seed(0), 0);
    // Outputs: six layers of 12×24×24, 12×6×6 twice, 10 numbers.
    let outputs = 4.0 * 400.0 * (6.0 * 12.0 * 24.0 * 24.0 + 2.0 * 12.0 * 36.0 + 10.0);
    let times = |bytes: usize| bytes as f64 / outputs;
    let objective = Objective::new().chunk(400);
    let along = vec![vec![1.0; net.parameter_count()]];
    // Threads have sums of their own, which are small beside the layers where there are few.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let value = times(pool.install(|| taken(|| objective.value(&net, &data.train, &x)).1));
    let gradient = times(pool.install(|| taken(|| objective.gradient(&net, &data.train, &x)).1));
    let product = times(pool.install(|| taken(|| objective.hessian_at(&net, &data.train, &x.to_f64(), &along)).1));
    let measure = times(taken(|| Sharpness::full(1e-3).objective(objective).threads(1).quiet().at(&net, &data, &x)).1);
    assert!((0.2..0.8).contains(&value), "f: about half of them, and not {value}");
    assert!((0.6..1.4).contains(&gradient), "a gradient: about as much, and not {gradient}");
    assert!((1.4..2.6).contains(&product), "a product: about twice as much, and not {product}");
    assert!((product - 0.2..product + 0.4).contains(&measure), "a measure: as a product, and not {measure}");
    Ok(())
}

/// Small files that are many times as large once they are read.
#[test]
fn readers_take_no_more_than_ten_times_a_file() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let _alone = ALONE.lock();
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    // 300,000 utterances without labels.
    let labels: String = (0..300_000).map(|number| format!("{number:06}\n")).collect();
    std::fs::write(place("pdf.ark"), &labels)?;
    std::fs::write(place("feats.scp"), "a feats.ark:2\n")?;
    let (read, bytes) = taken(|| data::Kaldi::new().read(place("feats.scp"), place("pdf.ark")));
    assert!(read.is_err() && bytes < 10 * labels.len(), "{bytes} for {}", labels.len());
    // A record with a long list of short numbers.
    let (net, data) = wide()?;
    let pair = Training::adam().trials(1).epochs(1).quiet().pair(&net, &data, 10, 30)?;
    let mut spectrum = Spectrum::outermost(1).steps(2).probes(1).quiet().at(&net, &data, &pair.small.weights[0])?;
    spectrum.thresholds = vec![1.5; 300_000];
    let spectra = Spectra { spectra: vec![spectrum], ..Spectra::default() };
    let file = place("record.jsonl");
    pair.recorded().with_spectra(&spectra).save(&file)?;
    let size = usize::try_from(std::fs::metadata(&file)?.len())?;
    let (read, bytes) = taken(|| Recorded::load(&file));
    assert!(read?.spectra == Some(spectra) && bytes < 10 * size, "{bytes} for {size}");
    Ok(())
}
