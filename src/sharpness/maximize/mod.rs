//! Where in a box is f largest? Five ways to look for it, each from a start that is given.
//!
//! A box of dimension p is `|zᵢ| ≤ rᵢ`. f is not concave there, and none of these finds the largest f for certain: what they
//! return is the largest that they have seen, at a point where it was seen.
//!
//! L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995) is the paper's. As it begins, its model of f is the identity, so its first step
//! is as long as the gradient, whatever the box; and where f is convex along its steps, it learns nothing from them, and
//! goes on like that. Where the gradient is small beside the box, it then stays near its start. The others take steps that
//! are measured by the box.

mod auto_pgd;
mod corners;
mod flips;
mod lbfgsb;
mod projected_gradient;
mod search;

pub use search::{Ended, Maximizer};
pub(super) use search::{Evaluate, Found};

use crate::error::Result;
use search::{Seen, into_box};

/// Looks from `start` for the largest f with `|zᵢ| ≤ rᵢ`. A start outside of the box is moved to its edge.
pub(super) fn maximize(
    maximizer: Maximizer,
    evaluate: &mut Evaluate<'_>,
    radius: &[f64],
    start: &[f64],
    iterations: usize,
) -> Result<Found> {
    let mut start = start.to_vec();
    into_box(&mut start, radius);
    let mut seen = Seen {
        evaluate,
        z: Vec::new(),
        largest: f64::NEG_INFINITY,
        last: (Vec::new(), 0.0, Vec::new()),
        evaluations: 0,
        trace: Vec::new(),
    };
    let ended = match maximizer {
        Maximizer::Lbfgsb => lbfgsb::lbfgsb(&mut seen, radius, start, iterations)?,
        Maximizer::ProjectedGradient => projected_gradient::projected_gradient(&mut seen, radius, start, iterations)?,
        Maximizer::AutoPgd => auto_pgd::auto_pgd(&mut seen, radius, start, iterations)?,
        Maximizer::Corners => corners::corners(&mut seen, radius, start, iterations)?,
        Maximizer::Flips => flips::flips(&mut seen, radius, start, iterations)?,
    };
    let Seen { z, largest, evaluations, trace, .. } = seen;
    Ok(Found { z, largest, trace, evaluations, ended })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const ALL: [Maximizer; 5] =
        [Maximizer::Lbfgsb, Maximizer::ProjectedGradient, Maximizer::AutoPgd, Maximizer::Corners, Maximizer::Flips];

    /// ½ Σ dᵢ (zᵢ − cᵢ)² with its gradient; the box is checked at each evaluation.
    fn quadratic<'a>(
        d: &'a [f64],
        c: &'a [f64],
        radius: &'a [f64],
    ) -> impl FnMut(&[f64], &mut [f64]) -> Result<f64> + 'a {
        move |z, gradient| {
            let inside = z.iter().zip(radius).all(|(z, r)| z.abs() <= *r);
            assert!(inside, "a point outside of the box: {z:?}");
            gradient.iter_mut().zip(d.iter().zip(c).zip(z)).for_each(|(g, ((d, c), z))| *g = d * (z - c));
            Ok(d.iter().zip(c).zip(z).map(|((d, c), z)| 0.5 * d * (z - c) * (z - c)).sum())
        }
    }

    /// The largest value of that in the box: each coordinate at its better edge, or at its own top.
    fn expected(d: &[f64], c: &[f64], radius: &[f64]) -> f64 {
        let one = |d: f64, c: f64, z: f64| 0.5 * d * (z - c) * (z - c);
        let each = d.iter().zip(c).zip(radius).map(|((&d, &c), &r)| {
            let edges = one(d, c, r).max(one(d, c, -r));
            if d < 0.0 { edges.max(one(d, c, c.clamp(-r, r))) } else { edges }
        });
        each.sum()
    }

    fn problem(n: usize, sign: impl Fn(usize) -> f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let d = (0..n).map(|i| sign(i) * (1.0 + (0.7 * i as f64).sin().abs())).collect();
        let c = (0..n).map(|i| 0.3 * (1.3 * i as f64).cos()).collect();
        let radius = (0..n).map(|i| 0.5 + 0.1 * (i % 7) as f64).collect();
        (d, c, radius)
    }

    /// Convex, concave and indefinite, of dimension 1 to 1,000.
    #[test]
    fn quadratics_reach_their_largest_value() -> Result<()> {
        for n in [1, 2, 17, 1_000] {
            let signs: [fn(usize) -> f64; 3] = [|_| 1.0, |_| -1.0, |i| if i % 3 == 0 { -1.0 } else { 1.0 }];
            for (kind, sign) in signs.into_iter().enumerate() {
                let (d, c, radius) = problem(n, sign);
                let best = expected(&d, &c, &radius);
                for maximizer in [Maximizer::Lbfgsb, Maximizer::ProjectedGradient] {
                    let mut f = quadratic(&d, &c, &radius);
                    let found = maximize(maximizer, &mut f, &radius, &vec![0.0; n], 2_000)?;
                    // Tops inside of the box are approached, corners are reached.
                    let near = if kind == 0 { 1e-13 } else { 1e-6 };
                    assert!(
                        (found.largest - best).abs() <= near * best.abs().max(1.0),
                        "{maximizer}, {n}, {kind}: {found:?}"
                    );
                    assert_eq!(f(&found.z, &mut vec![0.0; n])?, found.largest, "it was seen there");
                    assert!(found.trace.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", found.trace);
                }
                if kind == 0 {
                    for maximizer in [Maximizer::AutoPgd, Maximizer::Corners, Maximizer::Flips] {
                        let mut f = quadratic(&d, &c, &radius);
                        let found = maximize(maximizer, &mut f, &radius, &vec![0.0; n], 100)?;
                        assert!(
                            (found.largest - best).abs() <= 1e-13 * best,
                            "{maximizer}, {n}: {} of {best}",
                            found.largest
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// Convex quadratics whose coordinates pull at each other, with every corner tried: flips end where no neighbor is higher, are
    /// never below corner ascent, and are at the largest corner far more often.
    #[test]
    fn flips_leave_no_higher_neighbor() -> Result<()> {
        const P: usize = 9;
        let radius = [1.0; P];
        let mut exact = [0, 0];
        for problem in 0..60 {
            // ½ ‖B z‖² + c·z with entries of B and c in [−1, 1].
            let entry = |i: usize, j: usize| {
                (12.9898 * (i + 1) as f64 + 78.233 * (j + 1) as f64 + 3.7 * f64::from(problem)).sin()
            };
            let mut f = |z: &[f64], g: &mut [f64]| -> Result<f64> {
                for (i, g) in g.iter_mut().enumerate() {
                    *g = 0.2 * entry(i, P + 1);
                }
                let mut value: f64 = g.iter().zip(z).map(|(c, z)| c * z).sum();
                for row in 0..P {
                    let inner: f64 = z.iter().enumerate().map(|(j, z)| entry(row, j) * z).sum();
                    value += 0.5 * inner * inner;
                    g.iter_mut().enumerate().for_each(|(j, g)| *g += inner * entry(row, j));
                }
                Ok(value)
            };
            let corner =
                |number: usize| -> [f64; P] { std::array::from_fn(|i| if number >> i & 1 == 1 { 1.0 } else { -1.0 }) };
            let mut all = (0..1 << P).map(|number| f(&corner(number), &mut [0.0; P]));
            let best = all.try_fold(f64::NEG_INFINITY, |best, value| Ok::<f64, Error>(best.max(value?)))?;
            let [jumps, flips] = [Maximizer::Corners, Maximizer::Flips]
                .map(|maximizer| maximize(maximizer, &mut f, &radius, &[0.0; P], 2_000));
            let (jumps, flips) = (jumps?, flips?);
            assert_eq!(flips.ended, Ended::Stationary);
            assert!(flips.largest >= jumps.largest && flips.largest <= best, "{problem}: {flips:?}, {jumps:?}");
            for i in 0..P {
                let mut next = flips.z.clone();
                next[i] = -next[i];
                assert!(f(&next, &mut [0.0; P])? <= flips.largest, "{problem}: neighbor {i}");
            }
            for (exact, found) in exact.iter_mut().zip([jumps, flips]) {
                *exact += usize::from(found.largest >= best - 1e-12);
            }
            // A limit is kept, and said.
            let few = maximize(Maximizer::Flips, &mut f, &radius, &[0.0; P], 3)?;
            assert_eq!((few.evaluations, few.trace.len(), few.ended), (4, 4, Ended::Iterations));
        }
        assert!(exact[1] > 2 * exact[0], "{exact:?} of 60 by jumps alone and with flips");
        Ok(())
    }

    /// A start outside is moved to the edge; a box without room is its one point; at a stationary point a search ends.
    #[test]
    fn edges() -> Result<()> {
        let (d, c, radius) = problem(5, |_| 1.0);
        for maximizer in ALL {
            let mut f = quadratic(&d, &c, &radius);
            let found = maximize(maximizer, &mut f, &radius, &[9.0; 5], 3)?;
            assert!(found.largest >= f(&radius, &mut [0.0; 5])?, "{maximizer}");
            let none = [0.0; 5];
            let mut f = quadratic(&d, &c, &none);
            let found = maximize(maximizer, &mut f, &none, &none, 5)?;
            assert_eq!((found.z.as_slice(), found.ended), (&none[..], Ended::Stationary), "{maximizer}");
            let flat = maximize(
                maximizer,
                &mut |_, g| {
                    g.fill(0.0);
                    Ok(1.0)
                },
                &radius,
                &none,
                5,
            )?;
            assert_eq!((flat.largest, flat.evaluations, flat.ended), (1.0, 1, Ended::Stationary), "{maximizer}");
        }
        Ok(())
    }

    #[test]
    fn what_is_not_finite_is_an_error_and_errors_come_back() {
        for maximizer in ALL {
            let mut count = 0;
            let mut f = |_: &[f64], g: &mut [f64]| {
                count += 1;
                g.fill(1.0);
                if count == 3 { Err(Error::Data("the third".into())) } else { Ok(f64::from(count)) }
            };
            let error = maximize(maximizer, &mut f, &[1e6; 2], &[0.0; 2], 50).map(|found| found.ended);
            // Two jumps from corner to corner end at the corner that points to itself.
            match (maximizer, error) {
                (Maximizer::Corners, Ok(ended)) => assert_eq!(ended, Ended::Stationary),
                (_, Err(error)) => assert_eq!(error.to_string(), "the third", "{maximizer}"),
                (_, Ok(ended)) => assert_eq!(ended, Ended::Stationary, "{maximizer}"),
            }
            let mut f = |_: &[f64], g: &mut [f64]| {
                g.fill(f64::NAN);
                Ok(0.0)
            };
            let error = maximize(maximizer, &mut f, &[1.0; 2], &[0.0; 2], 5).expect_err("NaN");
            assert!(
                error.to_string().starts_with("the gradient of f in the box must be finite, but is not"),
                "{error}"
            );
            let mut f = |_: &[f64], g: &mut [f64]| {
                g.fill(1.0);
                Ok(f64::INFINITY)
            };
            let error = maximize(maximizer, &mut f, &[1.0; 2], &[0.0; 2], 5).expect_err("no number");
            assert!(
                error.to_string().starts_with("f in the box must be finite, but is inf in evaluation 1"),
                "{error}"
            );
        }
    }

    /// F at a point, with its gradient.
    type Function = fn(&[f64], &mut [f64]) -> f64;

    /// The functions of `tests/bounded.py`, by their names there.
    fn function(name: &str) -> Option<Function> {
        Some(match name {
            "rosenbrock" => |x, g| {
                g.fill(0.0);
                let mut sum = 0.0;
                for i in 1..x.len() {
                    let (a, b) = (x[i] - x[i - 1] * x[i - 1], 1.0 - x[i - 1]);
                    sum += 100.0 * a * a + b * b;
                    g[i - 1] -= 400.0 * x[i - 1] * a + 2.0 * b;
                    g[i] += 200.0 * a;
                }
                sum
            },
            "hs3" => |x, g| {
                let a = x[1] - x[0];
                g.copy_from_slice(&[-2e-5 * a, 1.0 + 2e-5 * a]);
                x[1] + 1e-5 * a * a
            },
            "hs4" => |x, g| {
                let a = x[0] + 1.0;
                g.copy_from_slice(&[a * a, 1.0]);
                a * a * a / 3.0 + x[1]
            },
            "hs5" => |x, g| {
                let (s, a) = (x[0] + x[1], x[0] - x[1]);
                g.copy_from_slice(&[s.cos() + 2.0 * a - 1.5, s.cos() - 2.0 * a + 2.5]);
                s.sin() + a * a - 1.5 * x[0] + 2.5 * x[1] + 1.0
            },
            "colville" => |x, g| {
                let (a, b) = (x[1] - x[0] * x[0], x[3] - x[2] * x[2]);
                let (p, q, u, v) = (1.0 - x[0], 1.0 - x[2], x[1] - 1.0, x[3] - 1.0);
                g[0] = -400.0 * x[0] * a - 2.0 * p;
                g[1] = 200.0 * a + 20.2 * u + 19.8 * v;
                g[2] = -360.0 * x[2] * b - 2.0 * q;
                g[3] = 180.0 * b + 20.2 * v + 19.8 * u;
                100.0 * a * a + p * p + 90.0 * b * b + q * q + 10.1 * (u * u + v * v) + 19.8 * u * v
            },
            "hs45" => |x, g| {
                for (i, g) in g.iter_mut().enumerate() {
                    *g = -(x[..i].iter().product::<f64>() * x[i + 1..].iter().product::<f64>()) / 120.0;
                }
                2.0 - x.iter().product::<f64>() / 120.0
            },
            "indefinite" => |x, g| {
                let mut sum = 0.0;
                for i in 0..x.len() {
                    let (d, b) = ((7 * i % 11) as f64 - 4.0, ((5 * i % 13) as f64 - 6.0) / 4.0);
                    let before = if i > 0 { x[i - 1] } else { 0.0 };
                    let behind = x.get(i + 1).copied().unwrap_or(0.0);
                    g[i] = d * x[i] + b + before + behind;
                    sum += x[i] * (g[i] + b) / 2.0;
                }
                sum
            },
            _ => return None,
        })
    }

    #[derive(serde::Deserialize)]
    struct Bounded {
        problems: Vec<Problem>,
    }

    #[derive(serde::Deserialize)]
    struct Problem {
        name: String,
        function: String,
        lower: Vec<f64>,
        upper: Vec<f64>,
        start: Vec<f64>,
        ten: Run,
        end: Run,
    }

    /// Where SciPy's search ended; sides are −1 and 1 on a bound, 0 between.
    #[derive(serde::Deserialize)]
    struct Run {
        iterations: usize,
        evaluations: usize,
        value: f64,
        x: Vec<f64>,
        sides: Vec<i8>,
    }

    /// Bounded test problems end as SciPy's L-BFGS-B ends them: `python3 tests/bounded.py > tests/bounded.json`.
    ///
    /// Ten iterations are the same, evaluation by evaluation. Later, rounding parts the two ways (SciPy sums in another
    /// order), and they meet again at the end, some evaluations apart.
    #[test]
    fn bounded_problems_end_as_in_scipy() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let bounded: Bounded = serde_json::from_str(include_str!("../../../tests/bounded.json"))?;
        assert_eq!(bounded.problems.len(), 12);
        for Problem { name, function: of, lower, upper, start, ten, end } in bounded.problems {
            let function = function(&of).ok_or(of)?;
            slopes_are_right(&name, function, &start);
            slopes_are_right(&name, function, &ten.x);
            let centre: Vec<f64> = lower.iter().zip(&upper).map(|(l, u)| (l + u) / 2.0).collect();
            let radius: Vec<f64> = lower.iter().zip(&upper).map(|(l, u)| (u - l) / 2.0).collect();
            let start: Vec<f64> = start.iter().zip(&centre).map(|(x, c)| x - c).collect();
            let moved = |z: &[f64]| -> Vec<f64> { z.iter().zip(&centre).map(|(z, c)| c + z).collect() };
            // HS3 is at 1e-206 after ten iterations, where only the absolute bound has a meaning.
            for (run, iterations, relative, absolute) in [(&ten, 10, 1e-9, 1e-12_f64), (&end, 1_000, 1e-6, 1e-9)] {
                let here = function(&run.x, &mut vec![0.0; start.len()]);
                assert!((here - run.value).abs() <= 1e-12 * here.abs().max(1.0), "{name}: F is {here} at SciPy's x");

                // SciPy keeps its last point, and counts no evaluation where the solver asks for that again.
                let (mut last, mut counted) = (Vec::new(), 0);
                let mut f = |z: &[f64], gradient: &mut [f64]| {
                    assert!(z.iter().zip(&radius).all(|(z, r)| z.abs() <= *r), "{name}: outside of the box: {z:?}");
                    if z != last {
                        counted += 1;
                        last = z.to_vec();
                    }
                    let value = function(&moved(z), gradient);
                    gradient.iter_mut().for_each(|g| *g = -*g);
                    Ok(-value)
                };
                let found = maximize(Maximizer::Lbfgsb, &mut f, &radius, &start, iterations)?;

                let value = -found.largest;
                let near = absolute.max(relative * run.value.abs());
                assert!((value - run.value).abs() <= near, "{name}, {iterations}: {value}, SciPy {}", run.value);
                let far = moved(&found.z).iter().zip(&run.x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(far <= relative, "{name}, {iterations}: {far} from SciPy's x");
                let sides = found.z.iter().zip(&radius).map(|(&z, &r)| i8::from(z == r) - i8::from(z == -r));
                assert_eq!(sides.collect::<Vec<_>>(), run.sides, "{name}, {iterations}");
                if iterations == 10 {
                    assert_eq!((found.trace.len() - 1, counted), (run.iterations, run.evaluations), "{name}");
                } else {
                    assert_ne!(found.ended, Ended::Iterations, "{name}");
                }
            }
        }
        Ok(())
    }

    /// The gradient at x is the central differences there.
    fn slopes_are_right(name: &str, function: Function, x: &[f64]) {
        const STEP: f64 = 1e-5;
        let mut gradient = vec![0.0; x.len()];
        function(x, &mut gradient);
        let near = gradient.iter().fold(1.0, |most: f64, g| most.max(g.abs())) * 1e-6;
        for (i, &slope) in gradient.iter().enumerate() {
            let aside = |step: f64| {
                let mut x = x.to_vec();
                x[i] += step;
                function(&x, &mut vec![0.0; x.len()])
            };
            let difference = (aside(STEP) - aside(-STEP)) / (2.0 * STEP);
            assert!((difference - slope).abs() <= near, "{name}, {i}: {slope}, by differences {difference}");
        }
    }
}
