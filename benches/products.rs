//! What does a product with the Hessian cost? One product, and four at once, beside a gradient of the same points, in turn, so that
//! what disturbs the machine disturbs all alike: `cargo bench --bench products`, or `-- f1` for one net.
//!
//! A row says the median time for each vector, how many gradients that is in the same round (the median, and the least and the
//! largest of the rounds), and how large the process has been by then, where the system says so.
//!
//! What is to be read off: at most 3 gradients for one product, at most 2.3 for each of four.

use std::time::Instant;

use sharp_minima::data::Synthetic;
use sharp_minima::{Block, Net, Objective, Result, Seed, Split, zoo};

/// Rounds; in each every way takes one turn. The first one warms up and does not count.
const ROUNDS: usize = 9;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    // F1 has 784-512×5-10 units, and as many points as one chunk of f.
    for (name, points) in [("f1", 5_000), ("c1", 256)] {
        if words.is_empty() || words.contains(&name.to_string()) {
            let (net, split) = net_and_points(name, points)?;
            println!("{}\n", table(&net, &split)?);
        }
    }
    Ok(())
}

fn net_and_points(name: &str, points: usize) -> Result<(Net, Split)> {
    let shape: &[usize] = if name == "f1" { &[1, 28, 28] } else { &[3, 32, 32] };
    let data = Synthetic::new(shape, 10).train(points).test(1).spread(10.0).make()?;
    let net = if name == "f1" { zoo::f1(shape, 10, 1.0)? } else { zoo::c1(shape, 10, 1.0)? };
    Ok((net, data.train))
}

fn table(net: &Net, split: &Split) -> Result<Block> {
    let f = Objective::new();
    let x = net.start(Seed(0), 0).to_f64();
    let vectors: Vec<Vec<f64>> =
        (0..4).map(|own| (0..x.len()).map(|i| ((own + 2) as f64 * 0.7 * i as f64).sin()).collect()).collect();
    type Way<'a> = (&'a str, usize, Box<dyn Fn() -> Result<()> + 'a>);
    let (own, x) = (&vectors, &x[..]);
    let ways: Vec<Way<'_>> = vec![
        ("gradient", 1, Box::new(|| f.gradient_at(net, split, x).map(drop))),
        ("product", 1, Box::new(|| f.hessian_at(net, split, x, &own[..1]).map(drop))),
        ("four products, each", 4, Box::new(|| f.hessian_at(net, split, x, own).map(drop))),
        ("Gauss–Newton product", 1, Box::new(|| f.gauss_newton_at(net, split, x, &own[..1]).map(drop))),
    ];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    let mut memory = vec![None; ways.len()];
    for round in 0..=ROUNDS {
        for (place, (_, count, way)) in ways.iter().enumerate() {
            let begin = Instant::now();
            way()?;
            if round > 0 {
                times[place].push(begin.elapsed().as_secs_f64() / *count as f64);
            } else {
                memory[place] = peak();
            }
        }
    }
    let rows = ways.iter().zip(&times).zip(memory).map(|(((name, ..), own), memory)| {
        let shares: Vec<f64> = own.iter().zip(&times[0]).map(|(own, gradient)| own / gradient).collect();
        let (least, most) = shares.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &own| (a.min(own), b.max(own)));
        vec![
            (*name).to_string(),
            format!("{:.1}", 1e3 * median(own)),
            format!("{:.2} ({least:.2} to {most:.2})", median(&shares)),
            memory.map_or("–".into(), |bytes: u64| format!("{}", bytes >> 20)),
        ]
    });
    let title = format!("{}, {} points in f32, {} threads", net.name(), split.len(), rayon::current_num_threads());
    Ok(Block::table(&title, &["", "ms", "gradients", "largest so far, MiB"], rows.collect()))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The most memory that this process has had, in bytes, on Linux.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}
