//! Every public verb that takes numbers, called with hostile ones: NaN, both infinities, 0, less than 0, the smallest and
//! the largest there are, nothing, and what belongs to another net. The answer is a value, or an error in words: no call panics,
//! and none takes longer than a small one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sharp_minima::{
    Augment, Between, Block, Dataset, Descent, GradientNoise, Growth, Layer, Maxima, Maximizer, Net, Objective,
    Optimizer, Pair, Paired, Part, Paths, Plane, Ranks, Ratio, Reach, Reading, Recorded, Result, Scaling, Seed,
    Sharpness, Space, Spectra, Spectrum, Split, Spread, Strategy, Study, Surfaces, Threshold, Training, Trend, WayDown,
    Weights, Welch, Work, chart, data, paper, table, verdict, zoo,
};

const REALS: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    -1.0,
    f64::MIN_POSITIVE,
    5e-324,
    1e-300,
    1e300,
    f64::MAX,
    f64::MIN,
];

/// Not those that are allowed and take long: a million epochs are.
const COUNTS: [usize; 5] = [0, usize::MAX, usize::MAX / 2, 1 << 33, usize::MAX - 1];

struct Room {
    data: Dataset,
    net: Net,
    other: Net,
    pair: Pair,
    x: Weights,
}

fn room() -> Result<Room> {
    let data = data::digits().first(30, 10)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.02)?;
    let other = zoo::f1(&[7], 3, 0.02)?;
    let pair = Training::adam().trials(2).epochs(2).quiet().pair(&net, &data, 6, 15)?;
    let x = pair.small.weights[0].clone();
    Ok(Room { data, net, other, pair, x })
}

/// What a call answered, in words; the value itself is of no interest.
fn said<T>(result: Result<T>) -> Option<String> {
    result.err().map(|error| error.to_string())
}

type Call<'a, A> = (&'static str, Box<dyn Fn(A) -> Option<String> + 'a>);

fn ask<A: Copy + std::fmt::Debug>(calls: &[Call<'_, A>], arguments: &[A]) {
    for (name, call) in calls {
        let mut refused = 0;
        for &argument in arguments {
            let answer = catch_unwind(AssertUnwindSafe(|| call(argument)));
            let answer = answer.unwrap_or_else(|_| panic!("{name}({argument:?}) panics"));
            if let Some(error) = answer {
                refused += 1;
                assert!(error.len() > 20 && error.contains(' '), "{name}({argument:?}): '{error}' is no sentence");
                assert!(!error.contains("tensor library"), "{name}({argument:?}): {error}");
            }
        }
        assert!(refused > 0, "{name}: at least one of these is refused");
    }
}

#[test]
fn reals_are_answered() -> Result<()> {
    let Room { data, net, pair, x, .. } = &room()?;
    let kept = Training::adam().trials(2).epochs(2).iterates(&[1, 2]).quiet().pair(net, data, 6, 15)?;
    let one = || Training::adam().batch(6).trials(1).epochs(1).quiet();
    let run = move |training: Training| said(training.run(net, data));
    let strategy = move |strategy: Strategy| run(one().strategy(strategy));
    let images = Split::new(vec![0.5; 32], vec![0, 1], vec![1, 4, 4], 2)?;
    let moved = |augment: Augment| said(augment.moved(&images, 0));
    let sharp = |sharpness: Sharpness| said(sharpness.iterations(1).quiet().at(net, data, x));
    let calls: Vec<Call<'_, f64>> = vec![
        ("learning rate", Box::new(move |v| run(one().learning_rate(v)))),
        ("SGD", Box::new(move |v| run(one().optimizer(Optimizer::sgd(v, 0.9))))),
        ("momentum", Box::new(move |v| run(one().optimizer(Optimizer::sgd(0.1, v))))),
        ("LAMB", Box::new(move |v| run(one().optimizer(Optimizer::lamb(v))))),
        ("betas", Box::new(move |v| run(one().optimizer(Optimizer::adam().with_betas(v, v))))),
        ("conservative", Box::new(move |v| strategy(Strategy::conservative(v, 1)))),
        ("SAM", Box::new(move |v| strategy(Strategy::sam(v)))),
        ("ASAM", Box::new(move |v| strategy(Strategy::asam(v)))),
        ("SAM in the box", Box::new(move |v| strategy(Strategy::in_box(v)))),
        ("noise", Box::new(move |v| strategy(Strategy::noise(v)))),
        ("penalty", Box::new(move |v| strategy(Strategy::penalty(v, 3)))),
        ("adversarial", Box::new(move |v| strategy(Strategy::adversarial(v)))),
        ("stability", Box::new(move |v| strategy(Strategy::stability(v, 0.1)))),
        ("stability, deviation", Box::new(move |v| strategy(Strategy::stability(0.1, v)))),
        ("growing, rate", Box::new(move |v| run(one().growing(Growth { every: 1, factor: 2, most: 12, rate: v })))),
        ("rotation", Box::new(|v| moved(Augment::images().rotation(v)))),
        ("translation", Box::new(|v| moved(Augment::images().translation(v)))),
        ("shear", Box::new(|v| moved(Augment::images().shear(v)))),
        ("seconds", Box::new(move |v| run(one().work(&Work::new().seconds(v).quiet())))),
        ("ε", Box::new(|v| sharp(Sharpness::full(v)))),
        ("ε in a subspace", Box::new(|v| sharp(Sharpness::subspace(v, 2)))),
        ("a direction", Box::new(|v| sharp(Sharpness::along(1e-3, vec![vec![v; x.len()]])))),
        ("α", Box::new(|v| said(Between::line().points(3).alphas(v, 2.0).quiet().pair(net, data, pair)))),
        ("α, the last", Box::new(|v| said(Between::curve().points(3).alphas(-1.0, v).quiet().pair(net, data, pair)))),
        ("reach", Box::new(|v| said(Plane::filters().points(3).reach(v).quiet().at(net, data, x)))),
        (
            "a plane's direction",
            Box::new(|v| {
                let plane = Plane::along(vec![v; x.len()], vec![1.0; x.len()]);
                said(plane.points(3).quiet().at(net, data, x))
            }),
        ),
        (
            "threshold",
            Box::new(|v| said(Spectrum::outermost(1).steps(2).probes(1).above(&[v]).quiet().at(net, data, x))),
        ),
        (
            "tolerance",
            Box::new(|v| said(Spectrum::outermost(1).steps(2).probes(1).tolerance(v).quiet().at(net, data, x))),
        ),
        (
            "preconditioner",
            Box::new(|v| {
                let spectrum = Spectrum::outermost(1).steps(2).probes(1).preconditioned(vec![v; x.len()]);
                said(spectrum.quiet().at(net, data, x))
            }),
        ),
        ("α of other coordinates", Box::new(|v| said(net.reparametrized(x, v)))),
        ("width", Box::new(|v| said(zoo::c1(&[3, 8, 8], 10, v)))),
        ("spread", Box::new(|v| said(data::Synthetic::new(&[4], 2).train(4).test(4).spread(v as f32).make()))),
        ("label noise", Box::new(|v| said(data::Synthetic::new(&[4], 2).train(4).test(4).label_noise(v).make()))),
        ("share of test points", Box::new(|v| said(Dataset::divided("d", &data.train, v, Seed(0))))),
        ("an input", Box::new(|v| said(Split::new(vec![v as f32; 2], vec![0, 1], vec![1], 2)))),
        ("an accuracy", Box::new(|v| said(kept.small.as_accurate_as(v)))),
        ("accuracies", Box::new(|v| said(kept.at_accuracies(v, 0.5)))),
        ("numbers of Welch", Box::new(|v| said(Welch::test(&[v, v], &[v, v])))),
        ("numbers of pairs", Box::new(|v| said(Paired::test(&[(v, 0.0), (v, 0.0)], 1)))),
        ("numbers of ranks", Box::new(|v| said(Ranks::of(&[(v, 1.0), (2.0, v), (v, v)])))),
        ("numbers of a ratio", Box::new(|v| said(Ratio::of(&[v, 1.0], &[1.0, 2.0])))),
        ("numbers of a ratio of pairs", Box::new(|v| said(Ratio::of_pairs(&[(v, 1.0), (1.0, 2.0)])))),
        ("numbers of a trend", Box::new(|v| said(Trend::of(&[(v, 1.0), (2.0, 2.0), (4.0, v)])))),
        (
            "accuracies of a threshold",
            Box::new(|v| said(Threshold::of(&[8, 16, 32, 64].map(|batch| (batch, vec![v, 0.5, 0.4]))))),
        ),
        ("targets", Box::new(|v| said(pair.break_even(Reach::TrainLoss, &[v])))),
    ];
    ask(&calls, &REALS);
    // These take any number: a point is nowhere, or not finite, and is said to be so.
    for v in REALS {
        let _ = (x.mix(x, v)?.is_finite(), x.scaled(v as f32).is_finite(), pair.small.weights[0].norm());
        assert!(!Spread::of(&[v, v])?.text(2).is_empty());
    }
    Ok(())
}

/// A net of one convolution.
fn conv(filters: usize, window: usize, stride: usize, padding: usize) -> Result<Net> {
    let conv = Layer::Conv { filters, window, stride, padding };
    Net::new("n", &[1, 4, 4], vec![conv, Layer::Flatten, Layer::Dense { outputs: 2 }])
}

#[test]
fn counts_are_answered() -> Result<()> {
    let Room { data, net, pair, x, .. } = &room()?;
    let one = || Training::adam().batch(6).trials(1).epochs(1).quiet();
    let run = move |training: Training| said(training.run(net, data));
    let strategy = move |strategy: Strategy| run(one().strategy(strategy));
    let sharp = |sharpness: Sharpness| said(sharpness.quiet().at(net, data, x));
    let from = Training::adam().epochs(1).iterates(&[0, 1]).quiet().batch(6).run(net, data)?;
    let warm = Training::adam().epochs(1).quiet().batch(15).warm_starts(net, data, &from)?.warm_starts(None)?;
    let calls: Vec<Call<'_, usize>> = vec![
        ("batch", Box::new(move |n| run(one().batch(n)))),
        ("trials", Box::new(move |n| run(one().trials(n)))),
        ("epochs", Box::new(move |n| run(one().epochs(n)))),
        ("patience", Box::new(move |n| run(one().patience(n)))),
        ("ghost", Box::new(move |n| run(one().ghost(n)))),
        ("average", Box::new(move |n| run(one().average(n)))),
        ("iterates", Box::new(move |n| run(one().iterates(&[n, n])))),
        ("base of scaling", Box::new(move |n| run(one().scaled(Scaling::Linear, n)))),
        ("growing, every", Box::new(move |n| run(one().growing(Growth { every: n, factor: 2, most: 12, rate: 1.0 })))),
        ("growing, most", Box::new(move |n| run(one().growing(Growth { every: 1, factor: 2, most: n, rate: 1.0 })))),
        ("conservative, steps", Box::new(move |n| strategy(Strategy::conservative(1e-3, n)))),
        ("parts", Box::new(move |n| strategy(Strategy::sam(0.05).parts_of(n)))),
        ("ascents", Box::new(move |n| strategy(Strategy::sam(0.05).ascents(n)))),
        ("penalty, part", Box::new(move |n| strategy(Strategy::penalty(0.1, n)))),
        ("threads", Box::new(move |n| run(one().threads(n)))),
        ("chunk", Box::new(move |n| run(one().objective(Objective::new().chunk(n))))),
        (
            "a step's data",
            Box::new(move |n| {
                said(one().begin(net, data, n.min(9)).and_then(|mut at: Descent| at.step(&data.first(n.min(31), 5)?)))
            }),
        ),
        ("a trial", Box::new(move |n| said(one().begin(net, data, n)))),
        ("steps and their batch", Box::new(move |n| run(one().steps(n, n)))),
        ("batches", Box::new(move |n| said(one().batches(net, data, &[n, 6])))),
        ("p, two draws", Box::new(|n| said(Sharpness::subspace(1e-3, n).quiet().draws(net, data, x, 2)))),
        ("a filter's numbers", Box::new(|n| said(conv(n, 3, 1, 1)))),
        ("a window", Box::new(|n| said(conv(1, n, 1, 1)))),
        ("a window and its padding", Box::new(|n| said(conv(1, n, 1, n)))),
        ("a stride and its padding", Box::new(|n| said(conv(1, 1, n, n)))),
        (
            "max pooling",
            Box::new(|n| {
                let pool = Layer::MaxPool { window: n, stride: n, padding: n };
                said(Net::new("n", &[1, 4, 4], vec![pool, Layer::Flatten, Layer::Dense { outputs: 2 }]))
            }),
        ),
        ("context of frames", Box::new(|n| said(data::Kaldi::new().context(n).read("nowhere", "nowhere")))),
        ("classes of a reader", Box::new(|n| said(data::read_idx("nowhere", "nowhere", n)))),
        ("p", Box::new(|n| sharp(Sharpness::subspace(1e-3, n)))),
        ("iterations", Box::new(|n| sharp(Sharpness::full(1e-3).iterations(n)))),
        ("starts", Box::new(|n| sharp(Sharpness::full(1e-3).starts(n.max(1 << 33))))),
        ("corners", Box::new(|n| sharp(Sharpness::full(1e-3).maximizer(Maximizer::Corners).corners(n.max(1 << 33))))),
        ("draws", Box::new(|n| said(Sharpness::subspace(1e-3, 2).quiet().draws(net, data, x, n)))),
        ("points of a path", Box::new(|n| said(Between::line().points(n).quiet().pair(net, data, pair)))),
        ("points of a plane", Box::new(|n| said(Plane::filters().points(n).quiet().at(net, data, x)))),
        ("outermost", Box::new(|n| said(Spectrum::outermost(n).steps(2).probes(1).quiet().at(net, data, x)))),
        ("steps of Lanczos", Box::new(|n| said(Spectrum::outermost(1).steps(n).probes(1).quiet().at(net, data, x)))),
        ("probes", Box::new(|n| said(Spectrum::outermost(1).steps(2).probes(n).quiet().at(net, data, x)))),
        ("parts of noise", Box::new(|n| said(GradientNoise::of_parts(n).quiet().at(net, data, x)))),
        ("first points", Box::new(|n| said(data.first(n, 1)))),
        ("selected points", Box::new(|n| said(data.train.select(&[n.max(30)])))),
        ("classes", Box::new(|n| said(zoo::f1(&[4], n, 0.02)))),
        ("classes of a split", Box::new(|n| said(Split::new(vec![0.0], vec![0], vec![1], n)))),
        ("a shape", Box::new(|n| said(Split::new(vec![0.0], vec![0], vec![n, n], 1)))),
        ("a net's shape", Box::new(|n| said(zoo::c3(&[n, n, n], 10, 0.1)))),
        ("outputs", Box::new(|n| said(Net::new("n", &[4], vec![Layer::Dense { outputs: n }])))),
        (
            "weights of an optimizer",
            Box::new(|n| said(Optimizer::adam().begin(n).and_then(|mut state| state.step(&mut [0.0; 3], &[0.0; 2])))),
        ),
        ("synthetic points", Box::new(|n| said(data::Synthetic::new(&[4], 2).train(n).test(4).make()))),
        (
            "synthetic dimensions",
            Box::new(|n| said(data::Synthetic::new(&[4], 2).train(4).test(4).dimensions(n).make())),
        ),
        ("an epoch", Box::new(|n| said(pair.at_epoch(n.max(3))))),
        ("epochs of kept points", Box::new(|n| said(pair.study().after_epochs(&[n.max(3)])))),
        ("epochs of a regime's kept points", Box::new(|n| said(pair.small.after_epochs(&[n.max(3), n.max(3)])))),
        ("the start of a large batch", Box::new(|n| said(warm.up_to(n)))),
        ("comparisons", Box::new(|n| said(Paired::test(&[(1.0, 0.5), (2.0, 1.0)], n)))),
        ("comparisons of a ratio", Box::new(|n| said(Ratio::one_of(&[1.0, 2.0], &[1.0, 3.0], n)))),
        ("a layer", Box::new(|n| said(net.reparametrized_at(x, n.max(50), 2.0)))),
    ];
    ask(&calls, &COUNTS);
    // A warm-up may be longer than the training.
    COUNTS.iter().for_each(|&n| assert_eq!(run(one().warm_up(n)), None));
    Ok(())
}

/// What belongs to another net or data set, and what is empty.
#[test]
fn strangers_are_answered() -> Result<()> {
    let Room { data, net, other, pair, x } = &room()?;
    let stranger = other.start(Seed(0), 0);
    let images = Dataset::new(
        "images",
        Split::new(vec![0.5; 98], vec![0, 1], vec![7, 7], 2)?,
        Split::new(vec![0.5; 49], vec![0], vec![7, 7], 2)?,
    )?;
    let nowhere = x.scaled(f32::NAN);
    let none = Study { regimes: Vec::new() };
    let calls: Vec<(&str, Option<String>)> = vec![
        ("training", said(Training::adam().batch(6).epochs(1).trials(1).quiet().run(other, data))),
        ("training on other points", said(Training::adam().batch(2).epochs(1).trials(1).quiet().run(net, &images))),
        ("no regimes", said(Study::run(&[], net, data))),
        ("f", said(Objective::new().evaluate(net, data, &stranger))),
        ("∇f", said(Objective::new().gradient(other, &data.train, &stranger))),
        ("f in f64", said(Objective::new().value_at(net, &data.train, &[0.0; 3]))),
        ("a product", said(Objective::new().hessian_at(net, &data.train, &x.to_f64(), &[vec![0.0; 2]]))),
        ("sharpness", said(Sharpness::full(1e-3).quiet().at(net, data, &stranger))),
        ("sharpness nowhere", said(Sharpness::full(1e-3).quiet().at(net, data, &nowhere))),
        ("sharpness of a pair", said(Sharpness::full(1e-3).quiet().pair(other, data, pair))),
        ("sharpness along nothing", said(Sharpness::along(1e-3, Vec::new()).quiet().at(net, data, x))),
        ("sharpness along too little", said(Sharpness::along(1e-3, vec![vec![1.0]]).quiet().at(net, data, x))),
        ("sharpness on no way", said(Sharpness::full(1e-3).quiet().iterates(net, data, &pair.study()))),
        ("a path", said(Between::line().points(3).quiet().run(net, data, x, &stranger))),
        ("a plane", said(Plane::filters().points(3).quiet().at(net, data, &stranger))),
        ("a plane along nothing", said(Plane::along(Vec::new(), Vec::new()).points(3).quiet().at(net, data, x))),
        ("a spectrum", said(Spectrum::outermost(1).steps(2).probes(1).quiet().at(net, data, &stranger))),
        ("a spectrum nowhere", said(Spectrum::outermost(1).steps(2).probes(1).quiet().at(net, data, &nowhere))),
        ("noise", said(GradientNoise::of_parts(5).quiet().at(net, data, &stranger))),
        ("weights", said(Weights::new(net.layout(), vec![0.0; 3]))),
        ("a sum", said(x.plus(&stranger))),
        ("a distance", said(x.distance(&stranger))),
        ("other coordinates", said(net.reparametrized(&stranger, 2.0))),
        ("unit rows", said(net.with_unit_rows(&stranger))),
        ("an empty split", said(Split::new(Vec::new(), Vec::new(), vec![4], 2))),
        ("an empty shape", said(Split::new(vec![0.0], vec![0], Vec::new(), 2))),
        ("a net of nothing", said(Net::new("nothing", &[4], Vec::new()))),
        ("a net for nothing", said(Net::new("nothing", &[], vec![Layer::Dense { outputs: 2 }]))),
        ("two splits", said(Dataset::new("two", data.train.clone(), images.test.clone()))),
        ("no values", said(Spread::of(&[]))),
        ("no groups", said(Welch::test(&[], &[]))),
        ("no pairs", said(Paired::test(&[], 1))),
        ("no batches", said(Threshold::of(&[]))),
        ("no regime", said(none.named("small"))),
        ("no distances", said(none.distances())),
        ("no targets", said(pair.break_even(Reach::TestError, &[]))),
    ];
    for (name, answer) in calls {
        let answer = answer.unwrap_or_else(|| panic!("{name} is refused"));
        assert!(answer.len() > 20 && answer.contains(' ') && !answer.contains("tensor library"), "{name}: {answer}");
    }
    Ok(())
}

/// Whatever a call answers is well.
fn answered<T>(_: T) {}

type Asked<'a, A> = (&'static str, Box<dyn Fn(A) + 'a>);

fn bear<A: Copy + std::fmt::Debug>(calls: &[Asked<'_, A>], arguments: &[A]) {
    for (name, call) in calls {
        for &argument in arguments {
            let answer = catch_unwind(AssertUnwindSafe(|| call(argument)));
            assert!(answer.is_ok(), "{name}({argument:?}) panics");
        }
    }
}

/// What takes any number or name, and what is refused for some other reason than its size: no call panics.
#[test]
fn the_others_bear_it() -> Result<()> {
    let Room { data, net, pair, x, .. } = &room()?;
    let images = Split::new(vec![0.5; 32], vec![0, 1], vec![1, 4, 4], 2)?;
    let path = Between::line().points(3).quiet().pair(net, data, pair)?.paths.remove(0);
    let surface = Plane::filters().points(3).quiet().at(net, data, x)?;
    let spectrum = Spectrum::outermost(1).steps(3).probes(1).quiet().at(net, data, x)?;
    let threshold =
        Threshold::of(&[(8, 0.9), (16, 0.9), (32, 0.8), (64, 0.7)].map(|(batch, one)| (batch, vec![one, one + 0.01])))?;
    let study = pair.study();
    let remedies = study.remedies(None)?;
    let point = net.start(Seed(0), 0).to_f64();
    let reals: Vec<Asked<'_, f64>> = vec![
        (
            "mean of targets",
            Box::new(|v| answered(pair.break_even(Reach::TrainLoss, &[0.5]).map(|even| said(even.mean(v))))),
        ),
        ("an image moved", Box::new(|v| answered(Augment::images().by(&images, 0, v, [v, v], v)))),
        ("loss of a path", Box::new(|v| answered(path.loss(v)))),
        ("robust loss", Box::new(|v| answered(path.robust(v)))),
        ("robust loss, drawn", Box::new(|v| answered(path.robust_chart(v)))),
        (
            "both ends of α",
            Box::new(|v| answered(Between::line().points(3).alphas(-v, v).quiet().pair(net, data, pair))),
        ),
        ("share of a plane", Box::new(|v| answered(surface.within(v)))),
        ("density", Box::new(|v| answered((spectrum.density(v, 0.1), spectrum.density(0.1, v), spectrum.above(v))))),
        ("a probe's mean", Box::new(|v| answered(spectrum.probes[0].mean(&|_| v)))),
        ("a curve over batches", Box::new(|v| answered(threshold.at(v)))),
        ("φ of an arm", Box::new(|v| answered(remedies.arms[0].at(v)))),
        ("several p", Box::new(|v| answered(sharp_minima::holm(&[v, 0.5, v])))),
        ("spreads", Box::new(|v| answered(Welch::of_spreads(spread(v), spread(1.0))))),
        ("exact points", Box::new(|v| answered(Split::exact(vec![v, v], vec![0, 1], vec![1], 2)))),
        ("f far away", Box::new(|v| answered(Objective::new().gradient_at(net, &data.train, &vec![v; x.len()])))),
        ("outputs far away", Box::new(|v| answered(Objective::new().logits_at(net, &data.train, &vec![v; x.len()])))),
        (
            "a product of Gauss and Newton",
            Box::new(|v| answered(Objective::new().gauss_newton_at(net, &data.train, &point, &[vec![v; x.len()]]))),
        ),
        (
            "sharpness far away",
            Box::new(|v| answered(Sharpness::full(1e-3).at_point(net, &data.train, &vec![v; x.len()]))),
        ),
        (
            "a spectrum far away",
            Box::new(|v| answered(Spectrum::outermost(1).steps(2).at_point(net, &data.train, &vec![v; x.len()]))),
        ),
        (
            "eigenvectors far away",
            Box::new(|v| {
                answered(Spectrum::outermost(1).steps(2).eigenvectors_at(net, &data.train, &vec![v; x.len()]))
            }),
        ),
        (
            "a step explained",
            Box::new(|v| answered(Spectrum::outermost(1).steps(2).quiet().explained(net, data, x, &vec![v; x.len()]))),
        ),
        ("a learning rate", Box::new(|v| answered(Optimizer::adam().with_learning_rate(v)))),
    ];
    bear(&reals, &REALS);
    let counts: Vec<Asked<'_, usize>> = vec![
        ("digits of a spread", Box::new(|n| answered(spread(1.0).text(n.min(1 << 33))))),
        ("rows of a frame", Box::new(|n| answered(pair.frame().map(|frame| sharp_minima::show(&frame, n))))),
        ("a point", Box::new(|n| answered(data.train.point(n)))),
        ("an image", Box::new(|n| answered(Augment::images().by(&images, n, 0.1, [0.0, 0.0], 0.0)))),
        ("frames of context", Box::new(|n| answered(data::Kaldi::new().missing(n)))),
        (
            "seeds",
            Box::new(|n| {
                answered((Sharpness::full(1e-3).seed(n as u64).draw(n as u64), Training::adam().seed(n as u64)))
            }),
        ),
        (
            "a seed of planes",
            Box::new(|n| answered(Plane::filters().points(3).seed(n as u64).quiet().at(net, data, x))),
        ),
        (
            "a seed of spectra",
            Box::new(|n| answered(Spectrum::outermost(1).steps(2).seed(n as u64).quiet().at(net, data, x))),
        ),
        ("a seed of noise", Box::new(|n| answered(GradientNoise::of_parts(5).seed(n as u64).quiet().at(net, data, x)))),
        (
            "a seed of points",
            Box::new(|n| answered(data::Synthetic::new(&[4], 2).train(4).test(4).seed(n as u64).make())),
        ),
        (
            "epochs of a descent",
            Box::new(|n| {
                answered(Training::adam().batch(6).quiet().begin(net, data, 0).map(|mut at| at.until(data, n.min(2))))
            }),
        ),
        (
            "classes of a net",
            Box::new(|n| {
                answered((zoo::f2(&[4], n, 0.02), zoo::c2(&[3, 8, 8], n, 0.02), zoo::c4(&[3, 8, 8], n, 0.02)))
            }),
        ),
    ];
    bear(&counts, &COUNTS);
    let long = "x".repeat(5_000);
    let names = ["", "nobody", "\0", "/", "/dev/null", "ü", &long];
    let way = study.recorded();
    let down = Recorded::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/runs/06_f1_mnist.jsonl"))?.way_down()?;
    let (measured, surfaces) =
        (Sharpness::full(1e-3).quiet().at(net, data, x), Plane::filters().points(3).quiet().at(net, data, x));
    let spectra = Spectrum::outermost(1).steps(3).probes(1).quiet().at(net, data, x);
    let joined = Between::line().points(3).quiet().run(net, data, x, x);
    let texts: Vec<Asked<'_, &str>> = vec![
        (
            "nets of the paper",
            Box::new(|name| {
                answered((
                    paper::table2(name),
                    paper::table3(name),
                    paper::table4(name),
                    paper::table6(name),
                    paper::table7(name),
                ))
            }),
        ),
        (
            "figures of the paper",
            Box::new(|name| {
                let beside =
                    |row: paper::Hoffer| row.beside(&[(name, [Some(f64::NAN), None, Some(1e308), None, None])]);
                answered((paper::figure3(name), paper::figure4(name), paper::hoffer(name).map(beside)))
            }),
        ),
        ("an operating point", Box::new(|name| answered(verdict::operating_point(name, Some(&way), &[])))),
        (
            "arms",
            Box::new(|name| {
                answered((
                    remedies.named(name).map(|_| ()),
                    remedies.between(name, name),
                    remedies.controls(&[(name, "large")]),
                    remedies.gain_between([name, "large"], ["large", name]),
                    remedies.gains(&[(["large", name], [name, "large"])]),
                ))
            }),
        ),
        (
            "regimes",
            Box::new(|name| {
                answered(
                    study
                        .distances()
                        .map(|far| (far.ratio(name, name), far.logarithm_over_power(name), far.runs_of(name).count())),
                )
            }),
        ),
        (
            "a regime on its way",
            Box::new(|name| {
                for reading in [Reading::FromZero, Reading::Largest] {
                    answered((down.factors(name, reading).len(), down.change(name, reading)));
                    answered(down.parting(name, "large", reading));
                }
                REALS.iter().for_each(|&v| answered((down.where_accuracy(name, v), down.where_accuracy("large", v))));
            }),
        ),
        (
            "claims",
            Box::new(|name| {
                let claims = verdict::Claims::untested(name, name, name);
                let claims = verdict::Claims::joined(&[&claims, &claims.about(name), &claims.without(name)]);
                answered((
                    claims.count(name, sharp_minima::Outcome::Holds),
                    claims.claims.iter().filter(|one| one.outcome(name) == sharp_minima::Outcome::Holds).count(),
                    claims.block(),
                    claims.chart(),
                ));
            }),
        ),
        ("a part of the weights", Box::new(|name| answered(x.part(name).map(|(shape, own)| (shape.len(), own.len()))))),
        ("pictures", Box::new(|name| answered(images.pictures(name)))),
        (
            "names of points",
            Box::new(|name| {
                answered((
                    measured.clone().map(|one| Maxima::from(vec![one.named(name)]).block()),
                    surfaces.clone().map(|one| Surfaces::from(vec![one.named(name)]).block()),
                    spectra.clone().map(|one| Spectra::from(vec![one.named(name)]).block()),
                    joined.clone().map(|one| Paths::from(vec![one.named(name, name)]).chart().map(|it| it.svg)),
                ));
            }),
        ),
        (
            "blocks",
            Box::new(|name| {
                answered(Block::joined(&[
                    Block::table(name, &[name], vec![vec![name.into(), name.into()], Vec::new()]),
                    Block::paragraph(name),
                ]))
            }),
        ),
        (
            "a name of a regime",
            Box::new(|name| {
                answered(Training::adam().batch(6).trials(1).epochs(1).quiet().regime(name).arm(name).run(net, data))
            }),
        ),
        (
            "files",
            Box::new(|name| {
                answered((
                    Split::from_csv(name, name),
                    data::read_idx(name, name, 2),
                    data::read_cifar10(&[name]),
                    data::read_cifar100(&[name]),
                    data::Kaldi::new().read(name, name),
                    Recorded::load(name),
                    Weights::load(net.layout(), name),
                ))
            }),
        ),
        ("a label of a frame", Box::new(|name| answered(pair.frame().map(|frame| Split::from_frame(&frame, name))))),
    ];
    bear(&texts, &names);
    let nothing: Vec<Asked<'_, ()>> = vec![
        (
            "charts of nothing",
            Box::new(|()| answered((chart::curves(&[]), chart::paths(&[]), chart::by_batch(&[], None)))),
        ),
        (
            "frames of nothing",
            Box::new(|()| answered((table::regimes(&[]), table::summary(&[]), table::maxima(&[]), table::paths(&[])))),
        ),
        (
            "several of nothing",
            Box::new(|()| {
                answered((
                    Maxima::joined(&[]).chart(),
                    Paths::joined(&[]).chart(),
                    Surfaces::joined(&[]).chart(),
                    Spectra::joined(&[]).chart(),
                ))
            }),
        ),
        (
            "growth of nothing",
            Box::new(|()| answered((Maxima::default().growth(), Maxima::default().block(), Paths::default().block()))),
        ),
        (
            "measures in a box that there is not",
            Box::new(|()| answered([f64::NAN, 0.0].map(|size| Maxima::default().only(Space::Full, size)))),
        ),
        ("a way of nothing", Box::new(|()| answered(WayDown::all(&[], &Maxima::default())))),
        (
            "noise of nothing",
            Box::new(|()| answered((remedies.clone().with_noise(&[]), study.recorded().with_noise(&[])))),
        ),
        (
            "no file to write",
            Box::new(|()| {
                answered((
                    pair.record(""),
                    pair.study().recorded().save("/"),
                    pair.frame().map(|frame| table::save_csv(&frame, "/dev/null/no")),
                    x.save(""),
                    images.pictures("no").map(|it| it.save("/dev/null/no")),
                ))
            }),
        ),
        (
            "no folder to keep in",
            Box::new(|()| {
                answered(Training::adam().batch(6).trials(1).epochs(1).quiet().kept_in("/dev/null").run(net, data))
            }),
        ),
    ];
    bear(&nothing, &[()]);
    let most = || Maxima { unmeasured: usize::MAX, ..Maxima::default() };
    assert_eq!(Maxima::joined(&[most(), most()]).unmeasured, usize::MAX);
    let part = Part { name: "w".into(), shape: vec![usize::MAX, 2], offset: 1 };
    assert_eq!((part.len(), part.range().end), (usize::MAX, usize::MAX));
    Ok(())
}

fn spread(mean: f64) -> Spread {
    Spread { mean, deviation: 1.0, count: 3 }
}
