//! What does a strategy cost? A step of each beside a plain one of the same batch, all in turn, so that what disturbs the machine
//! disturbs all alike: `cargo bench --bench strategies`, or `-- f1 256` for one net and batch.
//!
//! A row says the median time of a step and how many plain steps that is, with the least and the largest of the rounds.

use std::time::Instant;

use sharp_minima::data::Synthetic;
use sharp_minima::{Augment, Block, Dataset, Descent, Net, Result, Strategy, Training, zoo};

/// Rounds; in each every arm takes one turn.
const ROUNDS: usize = 11;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let all = [("f1", 256), ("f1", 6_000), ("c1", 256)];
    let wanted = |(net, batch): &&(&str, usize)| words.is_empty() || words == [net.to_string(), batch.to_string()];
    for &(name, batch) in all.iter().filter(wanted) {
        let (net, data) = net_and_data(name)?;
        println!("{}\n", table(name, batch, &net, &data)?);
    }
    Ok(())
}

fn net_and_data(name: &str) -> Result<(Net, Dataset)> {
    let (shape, classes): (&[usize], usize) = if name == "f1" { (&[1, 28, 28], 10) } else { (&[3, 32, 32], 10) };
    // Points that have hardly anything to do with their labels: no loss comes near 0.
    let data = Synthetic::new(shape, classes).train(12_000).test(1).spread(10.0).make()?;
    let net = if name == "f1" { zoo::f1(shape, classes, 1.0)? } else { zoo::c1(shape, classes, 1.0)? };
    Ok((net, data))
}

fn table(name: &str, batch: usize, net: &Net, data: &Dataset) -> Result<Block> {
    let plain = Training::adam().batch(batch).quiet();
    let part = (batch / 8).max(32);
    let by = |strategy: Strategy| plain.arm(&strategy.to_string()).strategy(strategy);
    let ghosts = format!("ghosts of {part}");
    let arms = [
        plain.arm("plain"),
        by(Strategy::conservative(1e-3, 3)),
        by(Strategy::sam(0.05)),
        by(Strategy::sam(0.05).parts_of(part)),
        by(Strategy::asam(0.5)),
        by(Strategy::in_box(1e-3)),
        by(Strategy::adversarial(0.1)),
        by(Strategy::stability(0.1, 0.04)),
        by(Strategy::noise(0.01)),
        by(Strategy::penalty(0.01, part)),
        plain.arm(&ghosts).ghost(part),
        plain.arm("augmented").augment(Augment::images()),
    ];
    let mut descents: Vec<Descent> = arms.iter().map(|arm| arm.begin(net, data, 0)).collect::<Result<_>>()?;
    let steps = if batch > 1_000 || name == "c1" { 1 } else { 5 };
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); descents.len()];
    for round in 0..=ROUNDS {
        for (descent, times) in descents.iter_mut().zip(&mut times) {
            let begin = Instant::now();
            for _ in 0..steps {
                descent.step(data)?;
            }
            // The first round takes memory.
            if round > 0 {
                times.push(begin.elapsed().as_secs_f64() / steps as f64);
            }
        }
    }
    let plain = times[0].clone();
    let rows = descents.iter().zip(&times).map(|(descent, times)| {
        let mut ratios: Vec<f64> = times.iter().zip(&plain).map(|(own, plain)| own / plain).collect();
        let mut times = times.clone();
        times.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        let said = descent.remedies();
        let name = if said.is_empty() { "plain".into() } else { said };
        vec![
            name,
            format!("{:.2}", 1e3 * times[ROUNDS / 2]),
            format!("{:.2}", ratios[ROUNDS / 2]),
            format!("{:.2}–{:.2}", ratios[0], ratios[ROUNDS - 1]),
        ]
    });
    let title = format!("A step of {name}, batch {batch}");
    Ok(Block::table(&title, &["strategy", "ms", "plain steps", "range"], rows.collect()))
}
