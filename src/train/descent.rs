//! One trial: from the start of its number to a stop.

use std::time::Instant;

use super::stop::Patience;
use super::{Epoch, Run, Stop, Training};
use crate::data::Dataset;
use crate::error::Result;
use crate::net::{Averages, Batch, Net, Passes};
use crate::seed::{Stream, shuffle};
use crate::weights::Weights;

/// How a trial ended.
pub(super) enum Outcome {
    /// With a run and its last point.
    Finished(Run, Weights),
    /// With a loss that is not finite.
    Diverged { epoch: usize, loss: f64 },
}

/// Runs one trial; `report` is told of each epoch done, with its training loss.
pub(super) fn descend(
    training: &Training,
    net: &Net,
    data: &Dataset,
    batch: usize,
    trial: usize,
    deadline: Option<Instant>,
    report: &dyn Fn(&Epoch),
) -> Result<Outcome> {
    let begin = Instant::now();
    let start = net.start(training.seed, trial as u64);
    let mut random = training.seed.stream(Stream::Shuffle, trial as u64);
    let mut dropout = net.dropout_stream(training.seed, trial as u64);
    let mut optimizer = training.optimizer.begin(net.parameter_count());
    let momenta = net.momenta();
    let mut x = start.clone();
    let mut steps = 0;

    let measure = |x: &Weights, epoch: usize, steps: usize| -> Result<Epoch> {
        let value = training.objective.evaluate(net, data, x)?;
        Ok(Epoch {
            epoch,
            steps,
            train_loss: value.train.loss,
            train_accuracy: value.train.accuracy,
            test_loss: value.test.loss,
            test_accuracy: value.test.accuracy,
            distance: x.distance(&start)?,
            seconds: begin.elapsed().as_secs_f64(),
        })
    };

    let is_finite = |row: &Epoch| [row.train_loss, row.test_loss, row.distance].into_iter().all(f64::is_finite);
    let mut trace = vec![measure(&x, 0, 0)?];
    if !is_finite(&trace[0]) {
        return Ok(Outcome::Diverged { epoch: 0, loss: trace[0].train_loss });
    }
    let mut patience = Patience::new(training.patience, trace[0].train_loss);
    let mut order: Vec<usize> = (0..data.train.len()).collect();
    let mut stop = Stop::Epochs;
    for epoch in 1..=training.epochs {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            stop = Stop::Budget;
            break;
        }
        shuffle(&mut order, &mut random);
        for points in batches(&order, batch) {
            let points = Batch::of(&data.train, points);
            let passed = net.pass_back(Passes::Fused, x.values(), &points, Averages::Batch, dropout.as_mut())?;
            let loss = passed.loss / points.len() as f64;
            if !loss.is_finite() {
                return Ok(Outcome::Diverged { epoch, loss });
            }
            optimizer.step(x.values_mut(), &passed.gradient);
            let fresh = passed.averages.iter().zip(&momenta);
            x.buffers_mut().iter_mut().zip(fresh).for_each(|(kept, (&seen, momentum))| {
                *kept += momentum * (seen as f32 - *kept);
            });
            steps += 1;
        }
        let row = measure(&x, epoch, steps)?;
        if !is_finite(&row) {
            let loss = if row.train_loss.is_finite() { row.test_loss } else { row.train_loss };
            return Ok(Outcome::Diverged { epoch, loss });
        }
        report(&row);
        trace.push(row);
        if patience.is_over(row.train_loss) {
            stop = Stop::CeasedToImprove;
            break;
        }
    }
    Ok(Outcome::Finished(Run { trial, trace, stop }, x))
}

/// An epoch's order in batches; a single point that remains is joined to the batch before it.
fn batches(order: &[usize], size: usize) -> impl Iterator<Item = &[usize]> {
    let lone = order.len() > size && size > 1 && order.len() % size == 1;
    let (even, last) = order.split_at(if lone { order.len() - size - 1 } else { order.len() });
    even.chunks(size).chain((!last.is_empty()).then_some(last))
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn batches_draw_every_point_once() {
        let sizes = |points: usize, size: usize| -> Vec<usize> {
            let order: Vec<usize> = (0..points).collect();
            assert_eq!(batches(&order, size).flatten().copied().collect::<Vec<_>>(), order);
            batches(&order, size).map(<[usize]>::len).collect()
        };
        assert_eq!(sizes(10, 4), [4, 4, 2]);
        assert_eq!(sizes(9, 4), [4, 5]);
        assert_eq!(sizes(8, 4), [4, 4]);
        assert_eq!(sizes(4, 4), [4]);
        assert_eq!(sizes(5, 4), [5]);
        assert_eq!(sizes(3, 1), [1, 1, 1]);
        assert_eq!(sizes(1, 1), [1]);
    }
}
