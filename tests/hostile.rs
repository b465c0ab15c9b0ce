//! Every public verb that takes numbers, called with hostile ones: not a number, both infinities, 0, less than 0, the smallest and
//! the largest there are, nothing, and what belongs to another net. The answer is a value, or an error in words: no call panics,
//! and none takes longer than a small one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sharp_minima::{
    Augment, Between, Dataset, Descent, GradientNoise, Growth, Layer, Maximizer, Net, Objective, Optimizer, Pair,
    Paired, Plane, Ranks, Ratio, Reach, Result, Scaling, Seed, Sharpness, Spectrum, Split, Spread, Strategy, Study,
    Threshold, Training, Trend, Weights, Welch, Work, data, zoo,
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
        ("numbers of Welch", Box::new(|v| said(Welch::test(&[v, v], &[v, v])))),
        ("numbers of pairs", Box::new(|v| said(Paired::test(&[(v, 0.0), (v, 0.0)], 1)))),
        ("numbers of ranks", Box::new(|v| said(Ranks::of(&[(v, 1.0), (2.0, v), (v, v)])))),
        ("numbers of a ratio", Box::new(|v| said(Ratio::of(&[v, 1.0], &[1.0, 2.0])))),
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

#[test]
fn counts_are_answered() -> Result<()> {
    let Room { data, net, pair, x, .. } = &room()?;
    let one = || Training::adam().batch(6).trials(1).epochs(1).quiet();
    let run = move |training: Training| said(training.run(net, data));
    let strategy = move |strategy: Strategy| run(one().strategy(strategy));
    let sharp = |sharpness: Sharpness| said(sharpness.quiet().at(net, data, x));
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
            Box::new(|n| {
                said(Optimizer::adam().begin(n.min(1 << 40)).and_then(|mut state| state.step(&mut [0.0; 3], &[0.0; 2])))
            }),
        ),
        ("synthetic points", Box::new(|n| said(data::Synthetic::new(&[4], 2).train(n).test(4).make()))),
        (
            "synthetic dimensions",
            Box::new(|n| said(data::Synthetic::new(&[4], 2).train(4).test(4).dimensions(n).make())),
        ),
        ("an epoch", Box::new(|n| said(pair.at_epoch(n.max(3))))),
        ("comparisons", Box::new(|n| said(Paired::test(&[(1.0, 0.5), (2.0, 1.0)], n)))),
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
