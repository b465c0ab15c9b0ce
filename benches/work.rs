//! The work that `against_pytorch.py` times, done by this library; `pytorch_work.py` is its twin.
//!
//! Started with `--threads N`, it answers lines on stdin by lines on stdout:
//!
//! | line | answer | |
//! |---|---|---|
//! | `version` | `0.1.0` | |
//! | `prepare WORK WORD…` | `ready` | makes what the work needs |
//! | `run COUNT` | seconds of one | does the work so often in turn |
//! | `evaluations` | a count | of f and ∇f, by the last run; 1 where they are not counted |
//! | `need` | two numbers | operations and bytes that one run needs at least; 0 and 0 where they are not counted |
//! | `limits` | three numbers | what this machine can do at most: operations and bytes a second, and bits of a vector |
//! | `drop` | `dropped` | forgets what was prepared |
//!
//! | work | |
//! |---|---|
//! | `step NET BATCH` | one step of training: draw a batch, forward, backward, ADAM |
//! | `forward NET POINTS CHUNK` | loss and accuracy, batch statistics |
//! | `gradient NET POINTS CHUNK` | the same with the gradient |
//! | `product NET POINTS CHUNK` | ∇²f(x) v for one vector v |
//! | `adam WEIGHTS` | one step of ADAM over a flat vector |
//! | `sharpness NET POINTS CHUNK SPACE` | φ at a random start, ten iterations, ε = 1e-3; SPACE: `full`, or the number of directions |
//! | `path NET POINTS TESTED CHUNK COUNT` | loss and accuracy on both splits, so often on the line through two random starts |
//! | `trainings NET POINTS TESTED EPOCHS` | five trials of both regimes, evaluated before the first and after every epoch |
//! | `training NET POINTS TESTED EPOCHS BATCH TRIALS` | one regime, so evaluated: for `notebooks/run.py --speed`, without a twin |
//!
//! `sharpness` is timed by all that [`Sharpness::at`] does, which beside the search's own evaluations of f and ∇f has two for
//! the φ of a quadratic f. Random directions are never kept: they are drawn where they are needed, in each evaluation again,
//! and each run has others. How many evaluations a search takes depends on x, the data and the directions.
//!
//! The points have hardly anything to do with their labels (a spread of 10), so that no loss comes near 0, where numbers
//! too small for a normal f32 would slow one side more than the other.

#[path = "work/limits.rs"]
mod limits;

use std::process::ExitCode;
use std::time::Instant;

use limits::{Limits, Need, of_adam, of_pass};

use sharp_minima::data::Synthetic;
use sharp_minima::{Between, Dataset, Net, Objective, Optimizer, Result, Seed, Sharpness, Training, zoo};

type Outcome<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
/// Says how many evaluations of f and ∇f it took, 1 where they are not counted.
type Run = Box<dyn FnMut() -> Outcome<usize> + Send>;

struct Work {
    run: Run,
    need: Need,
}
type Build = fn(&[usize], usize, f64) -> Result<Net>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [option, threads] = arguments.as_slice() else { return explain() };
    if option != "--threads" {
        return explain();
    }
    match threads.parse().map_err(Into::into).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("work: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What there is to say where `cargo bench` starts this file like any other.
fn explain() -> ExitCode {
    println!("work: the part of `python3 benches/against_pytorch.py` that this library does; nothing to do alone");
    ExitCode::SUCCESS
}

fn serve(threads: usize) -> Outcome<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut prepared: Option<Work> = None;
    let mut evaluations = 1;
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.as_slice() {
            ["version"] => env!("CARGO_PKG_VERSION").into(),
            ["prepare", words @ ..] => {
                drop(prepared.take());
                prepared = Some(pool.install(|| prepare(words, threads))?);
                "ready".into()
            }
            ["run", count] => {
                let work = prepared.as_mut().ok_or("nothing is prepared to run")?;
                let count = count.parse()?;
                let seconds;
                (seconds, evaluations) = pool.install(|| timed(work, count))?;
                seconds.to_string()
            }
            ["evaluations"] => evaluations.to_string(),
            ["need"] => {
                let Need { flops, bytes } = prepared.as_ref().ok_or("nothing is prepared")?.need;
                format!("{flops} {bytes}")
            }
            ["limits"] => {
                let Limits { flops, bytes, bits } = pool.install(Limits::measure);
                format!("{flops} {bytes} {bits}")
            }
            ["drop"] => {
                prepared = None;
                "dropped".into()
            }
            _ => return Err(format!("there is no command '{line}'").into()),
        };
        println!("{answer}");
    }
    Ok(())
}

/// Seconds of one, of so many in turn, and evaluations of the last.
fn timed(work: &mut Work, count: u32) -> Outcome<(f64, usize)> {
    let start = Instant::now();
    let mut evaluations = 1;
    for _ in 0..count {
        evaluations = (work.run)()?;
    }
    Ok((start.elapsed().as_secs_f64() / f64::from(count), evaluations))
}

fn prepare(words: &[&str], threads: usize) -> Outcome<Work> {
    let mut need = Need::default();
    let run: Run = match *words {
        ["step", name, batch] => {
            let (net, data) = net_and_data(name, drawn_from(name), 1)?;
            need = of_pass(&net, batch.parse()?, true) + of_adam(net.parameter_count());
            let mut descent = Training::adam().batch(batch.parse()?).begin(&net, &data, 0)?;
            Box::new(move || {
                descent.step(&data)?;
                Ok(1)
            })
        }
        ["forward", name, points, chunk] => {
            let (net, data) = net_and_data(name, points.parse()?, 1)?;
            let (x, objective) = (net.start(Seed(0), 0), Objective::new().chunk(chunk.parse()?));
            need = of_pass(&net, data.train.len(), false);
            Box::new(move || {
                objective.value(&net, &data.train, &x)?;
                Ok(1)
            })
        }
        ["gradient", name, points, chunk] => {
            let (net, data) = net_and_data(name, points.parse()?, 1)?;
            let (x, objective) = (net.start(Seed(0), 0), Objective::new().chunk(chunk.parse()?));
            need = of_pass(&net, data.train.len(), true);
            Box::new(move || {
                objective.gradient(&net, &data.train, &x)?;
                Ok(1)
            })
        }
        ["product", name, points, chunk] => {
            let (net, data) = net_and_data(name, points.parse()?, 1)?;
            let (x, objective) = (net.start(Seed(0), 0).to_f64(), Objective::new().chunk(chunk.parse()?));
            let vectors = [vec![1.0; x.len()]];
            // There, back for the signal, twice there and four times back along v.
            need = of_pass(&net, data.train.len(), false) * 8.0;
            Box::new(move || {
                objective.hessian_at(&net, &data.train, &x, &vectors)?;
                Ok(1)
            })
        }
        ["adam", weights] => {
            // No two neighbours alike, and none near 0.
            let gradient: Vec<f32> = (0..weights.parse()?).map(|i: u32| 0.5 + (i % 1_021) as f32 / 1_021.0).collect();
            let mut x = gradient.clone();
            need = of_adam(x.len());
            let mut state = Optimizer::adam().begin(x.len())?;
            Box::new(move || {
                state.step(&mut x, &gradient)?;
                Ok(1)
            })
        }
        ["sharpness", name, points, chunk, space] => {
            let (net, data) = net_and_data(name, points.parse()?, 1)?;
            let (x, objective) = (net.start(Seed(0), 0), Objective::new().chunk(chunk.parse()?));
            let sharpness = match space {
                "full" => Sharpness::full(1e-3),
                directions => Sharpness::subspace(1e-3, directions.parse()?),
            };
            let sharpness = sharpness.corners(0).objective(objective).quiet();
            objective.gradient(&net, &data.train, &x)?; // warms up
            let mut draw = 0;
            Box::new(move || {
                let found = sharpness.clone().draw(draw).at(&net, &data, &x)?;
                draw += 1;
                let evaluations: usize = found.searches.iter().map(|search| search.evaluations).sum();
                Ok(evaluations + 2)
            })
        }
        ["path", name, points, tested, chunk, count] => {
            let (net, data) = net_and_data(name, points.parse()?, tested.parse()?)?;
            let (small, large) = (net.start(Seed(0), 0), net.start(Seed(0), 1));
            let objective = Objective::new().chunk(chunk.parse()?);
            need = of_pass(&net, data.train.len() + data.test.len(), false) * count.parse()?;
            let between = Between::line().points(count.parse()?).objective(objective).quiet();
            objective.evaluate(&net, &data, &small)?; // warms up
            Box::new(move || {
                between.run(&net, &data, &small, &large)?;
                Ok(1)
            })
        }
        ["trainings", name, points, tested, epochs] => {
            let (net, data) = net_and_data(name, points.parse()?, tested.parse()?)?;
            let training = Training::adam().trials(5).epochs(epochs.parse()?).threads(threads).quiet();
            Box::new(move || {
                training.pair(&net, &data, 256, 6_000)?;
                Ok(1)
            })
        }
        ["training", name, points, tested, epochs, batch, trials] => {
            let (net, data) = net_and_data(name, points.parse()?, tested.parse()?)?;
            let training = Training::adam().batch(batch.parse()?).trials(trials.parse()?).epochs(epochs.parse()?);
            let training = training.threads(threads).quiet();
            Box::new(move || {
                training.run(&net, &data)?;
                Ok(1)
            })
        }
        _ => return Err(format!("there is no work '{}'", words.join(" ")).into()),
    };
    Ok(Work { run, need })
}

/// Points that a step draws from.
fn drawn_from(name: &str) -> usize {
    match name {
        "f1" => 60_000,
        "f2" => 16_384,
        _ => 10_000,
    }
}

fn net_and_data(name: &str, train: usize, test: usize) -> Outcome<(Net, Dataset)> {
    let (build, shape, classes): (Build, &[usize], usize) = match name {
        "f1" => (zoo::f1, &[1, 28, 28], 10),
        "f2" => (zoo::f2, &[360], 1_973),
        "c1" => (zoo::c1, &[3, 32, 32], 10),
        "c2" => (zoo::c2, &[3, 32, 32], 10),
        _ => return Err(format!("there is no net '{name}'").into()),
    };
    let data = Synthetic::new(shape, classes).train(train).test(test).spread(10.0).make()?;
    Ok((build(shape, classes, 1.0)?, data))
}
