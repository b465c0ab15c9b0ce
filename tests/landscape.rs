//! Paths between two points: where they begin and end, what lies on them, and what is refused.

use sharp_minima::landscape::Shape;
use sharp_minima::{Between, Dataset, Net, Objective, Pair, Seed, Statistics, Training, Weights, data, zoo};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn trained() -> sharp_minima::Result<(Net, Dataset, Pair)> {
    let data = data::digits().first(300, 100)?;
    let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
    let pair = Training::adam().trials(2).epochs(10).quiet().pair(&net, &data, 20, 100)?;
    Ok((net, data, pair))
}

#[test]
fn a_line_goes_through_both_ends() -> Outcome {
    let (net, data, pair) = trained()?;
    let (small, large) = (&pair.small.weights[0], &pair.large.weights[0]);
    let path = Between::line().quiet().run(&net, &data, small, large)?;
    let alphas: Vec<f64> = path.points.iter().map(|point| point.alpha).collect();
    assert_eq!((path.shape, alphas.len(), alphas[0], alphas[24]), (Shape::Line, 25, -1.0, 2.0));
    assert!(alphas.windows(2).all(|pair| (pair[1] - pair[0] - 0.125).abs() < 1e-12), "{alphas:?}");
    let objective = Objective::new();
    assert_eq!(path.points[8].alpha, 0.0);
    assert_eq!(path.points[8].value, objective.evaluate(&net, &data, small)?);
    assert_eq!(path.points[16].alpha, 1.0);
    assert_eq!(path.points[16].value, objective.evaluate(&net, &data, large)?);
    let middle = objective.evaluate(&net, &data, &small.mix(large, 0.5)?)?;
    assert_eq!(path.points[12].value, middle);
    assert!(path.block().to_string().contains("along the line"), "{}", path.block());
    Ok(())
}

/// `sin(απ/2) x_ℓ + cos(απ/2) x_s`: both ends to the bit, and at α = ½ both with √½.
#[test]
fn a_curve_goes_through_both_ends() -> Outcome {
    let (net, data, pair) = trained()?;
    let (small, large) = (&pair.small.weights[1], &pair.large.weights[1]);
    let path = Between::curve().alphas(0.0, 1.0).points(3).quiet().run(&net, &data, small, large)?;
    let objective = Objective::new();
    assert_eq!(path.points[0].value, objective.evaluate(&net, &data, small)?);
    assert_eq!(path.points[2].value, objective.evaluate(&net, &data, large)?);
    let half = std::f32::consts::FRAC_1_SQRT_2;
    let middle = objective.evaluate(&net, &data, &small.scaled(half).plus(&large.scaled(half))?)?;
    assert!((path.points[1].value.train.loss - middle.train.loss).abs() < 1e-5);
    Ok(())
}

/// The well-known artefact: averages that are mixed like weights make a barrier that re-estimated ones, and those of the
/// batch, do not have.
#[test]
fn mixed_averages_make_a_barrier() -> Outcome {
    let (net, data, pair) = trained()?;
    let (small, large) = (&pair.small.weights[0], &pair.large.weights[0]);
    let middle = |statistics| {
        let objective = Objective::new().statistics(statistics);
        let path = Between::line().alphas(0.0, 1.0).points(3).objective(objective).quiet();
        path.run(&net, &data, small, large).map(|path| path.points[1].value.train.loss)
    };
    let (batch, again) = (middle(Statistics::Batch)?, middle(Statistics::Recalibrated)?);
    let running = middle(Statistics::Running)?;
    assert!((batch - again).abs() < 0.05 * (1.0 + batch), "{batch} and {again}");
    assert!(running > 1.05 * batch.max(again), "{running} and {batch}");
    Ok(())
}

#[test]
fn all_trials_of_a_pair() -> Outcome {
    let (net, data, pair) = trained()?;
    let between = Between::line().points(4).quiet();
    let paths = between.pair(&net, &data, &pair)?;
    assert_eq!(paths.paths.iter().map(|path| path.trial).collect::<Vec<_>>(), [0, 1]);
    let one = between.run(&net, &data, &pair.small.weights[1], &pair.large.weights[1])?;
    assert_eq!(paths.paths[1].points, one.points);
    let mut none = pair.clone();
    none.small.weights.clear();
    let said = between.pair(&net, &data, &none).expect_err("no trials").to_string();
    assert_eq!(said, "a path needs both solutions of a trial, but none of 0 small and 2 large has both");
    Ok(())
}

#[test]
fn wrong_input_is_refused_with_what_is_allowed() -> Outcome {
    let (net, data, pair) = trained()?;
    let (small, large) = (&pair.small.weights[0], &pair.large.weights[0]);
    let said = |between: Between| between.quiet().run(&net, &data, small, large).expect_err("refused").to_string();
    let alphas = "alphas must be finite, the first below the last, but is ";
    assert_eq!(said(Between::line().alphas(2.0, -1.0)), format!("{alphas}2 to -1"));
    assert_eq!(said(Between::line().alphas(0.5, 0.5)), format!("{alphas}0.5 to 0.5"));
    assert_eq!(said(Between::line().alphas(f64::NAN, 1.0)), format!("{alphas}NaN to 1"));
    assert_eq!(said(Between::line().points(1)), "points must lie in 2..=10000, but is 1");
    let other = zoo::f1(data.shape(), data.classes(), 0.06)?.start(Seed(0), 0);
    let error = Between::line().run(&net, &data, small, &other).expect_err("another net");
    assert!(error.to_string().ends_with("it belongs to another net"), "{error}");
    let broken = Weights::new(net.layout(), vec![f32::INFINITY; net.parameter_count()])?;
    let error = Between::line().run(&net, &data, &broken, large).expect_err("not finite");
    assert!(error.to_string().starts_with("the ends of a path must be finite"), "{error}");
    Ok(())
}

/// On a path whose losses are put in by hand: the largest of each neighborhood, and nothing but f itself within 0.
#[test]
fn the_robust_loss_is_the_largest_nearby() -> Result<(), Box<dyn std::error::Error>> {
    let data = sharp_minima::data::synthetic();
    let net = sharp_minima::zoo::f1(data.shape(), data.classes(), 0.05)?;
    let [a, b] = [0, 1].map(|trial| net.start(sharp_minima::Seed(0), trial));
    let mut path = sharp_minima::Between::line().points(7).alphas(0.0, 1.5).quiet().run(&net, &data, &a, &b)?;
    for (point, loss) in path.points.iter_mut().zip([3.0, 1.0, 2.0, 0.5, 4.0, 0.1, 0.2]) {
        point.value.train.loss = loss;
    }
    let losses = |radius: f64| path.robust(radius).map(|line| line.iter().map(|point| point.1).collect::<Vec<f64>>());
    assert_eq!(losses(0.0)?, [3.0, 1.0, 2.0, 0.5, 4.0, 0.1, 0.2]);
    assert_eq!(losses(0.25)?, [3.0, 3.0, 2.0, 4.0, 4.0, 4.0, 0.2]);
    assert_eq!(losses(9.0)?, [4.0; 7]);
    assert!(losses(-0.1).is_err() && losses(f64::NAN).is_err());
    let words = path.robust_chart(0.25)?.words;
    assert!(words.contains("lowest at α = 1.25") && words.ends_with("lowest at α = 0.50"), "{words}");
    path.points[4].value.train.loss = f64::NAN;
    assert!(path.robust(0.25)?[3].1.is_nan());
    Ok(())
}

/// The ratio of rises is that of the paths' own, and there is none where a path ends before its ends.
#[test]
fn rises_are_those_of_all_paths() -> Outcome {
    let (net, data, pair) = trained()?;
    let mut paths = Between::line().points(25).quiet().pair(&net, &data, &pair)?;
    for (path, (small, large)) in paths.paths.iter_mut().zip([(0.1, 2.0), (0.3, 3.0)]) {
        for point in &mut path.points {
            point.value.train.loss = match point.alpha {
                alpha if alpha < -1e-9 => 1.0 + small,
                alpha if alpha > 1.0 + 1e-9 => 1.0 + large,
                _ => 1.0,
            };
        }
    }
    let ratio = paths.rises()?;
    assert!((ratio.geometric - (20f64 * 10.0).sqrt()).abs() < 1e-9, "{ratio:?}");
    // Both rises of a path are a pair.
    assert_eq!(
        ratio,
        sharp_minima::Ratio::of_pairs(&[(2.0, 0.1), (3.0, 0.3)].map(|(l, s)| ((1.0 + l) - 1.0, (1.0 + s) - 1.0)))?
    );
    // NaN is the worst, and is not passed over.
    let mut broken = paths.paths[0].clone();
    for point in &mut broken.points {
        if (point.alpha - 0.5).abs() < 1e-9 || (point.alpha - 1.125).abs() < 1e-9 {
            point.value.train.loss = f64::NAN;
        }
    }
    assert!(broken.barrier().is_some_and(f64::is_nan) && broken.rise_large().is_some_and(f64::is_nan));
    assert!(broken.rise_small().is_some_and(|rise| (rise - 0.1).abs() < 1e-12));
    // A trial twice, a path of one's own, and paths on other data.
    assert!(sharp_minima::Paths::joined(&[paths.clone(), paths.clone()]).rises().is_err());
    let mut own = paths.clone();
    own.paths[0] = own.paths[0].clone().named("mine", "yours");
    assert!(own.rises().expect_err("no pair's").to_string().contains("from mine to yours"));
    let svg = own.chart()?.svg;
    assert!(svg.contains(">mine") && svg.contains(">small") && svg.contains("line, mine to yours"), "{svg}");
    own.paths[0].data = "other digits".into();
    assert!(own.chart().expect_err("two data sets").to_string().contains("be the same"));
    let short = Between::line().alphas(0.0, 1.0).quiet().pair(&net, &data, &pair)?;
    assert!(short.rises().is_err() && sharp_minima::Paths::default().rises().is_err());
    Ok(())
}
