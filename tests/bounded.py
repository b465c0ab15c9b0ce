"""What SciPy's L-BFGS-B finds on bounded test problems: python3 tests/bounded.py > tests/bounded.json

Made with scipy 1.17.1 and numpy 2.4.6. The problems: Rosenbrock's function, some of Hock and Schittkowski (1981), and
an indefinite quadratic; a bound that the original lacks is given here, far away. As in src/sharpness/maximize/lbfgsb.rs,
10 pairs are kept, tolerances are off, and what is searched is z = x - c with |z| <= r, where c is the middle of the box
and r half its width; a start outside of the box is moved to its edge. bounded.json holds the versions and, for each
problem, its function, its box and start in x, and where at most 10 and at most 1,000 iterations end: iterations,
evaluations, F, x, and each coordinate's side of the box: -1 and 1 are its bounds, 0 is between them.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize, rosen, rosen_der

Vector: TypeAlias = NDArray[np.float64]
# F and its gradient at a point.
Function: TypeAlias = Callable[[Vector], tuple[float, Vector]]


def rosenbrock(x: Vector) -> tuple[float, Vector]:
    return rosen(x), rosen_der(x)


def hs3(x: Vector) -> tuple[float, Vector]:
    a = x[1] - x[0]
    return x[1] + 1e-5 * a * a, np.array([-2e-5 * a, 1 + 2e-5 * a])


def hs4(x: Vector) -> tuple[float, Vector]:
    a = x[0] + 1
    return a**3 / 3 + x[1], np.array([a * a, 1])


def hs5(x: Vector) -> tuple[float, Vector]:
    s, a = x[0] + x[1], x[0] - x[1]
    f = math.sin(s) + a * a - 1.5 * x[0] + 2.5 * x[1] + 1
    return f, math.cos(s) + np.array([2 * a - 1.5, 2.5 - 2 * a])


def colville(x: Vector) -> tuple[float, Vector]:
    """HS38: two valleys like Rosenbrock's, coupled."""
    a, b, p, q, u, v = x[1] - x[0] ** 2, x[3] - x[2] ** 2, 1 - x[0], 1 - x[2], x[1] - 1, x[3] - 1
    f = 100 * a * a + p * p + 90 * b * b + q * q + 10.1 * (u * u + v * v) + 19.8 * u * v
    left = [-400 * x[0] * a - 2 * p, 200 * a + 20.2 * u + 19.8 * v]
    right = [-360 * x[2] * b - 2 * q, 180 * b + 20.2 * v + 19.8 * u]
    return f, np.array(left + right)


def hs45(x: Vector) -> tuple[float, Vector]:
    others = [np.prod(np.delete(x, i)) for i in range(len(x))]
    return 2 - float(np.prod(x)) / 120, -np.array(others) / 120


def indefinite(x: Vector) -> tuple[float, Vector]:
    """The sum of d x² / 2 + b x, and of each x times the next; d is -4 to 6, in no order."""
    i = np.arange(len(x))
    d, b = 7 * i % 11 - 4, (5 * i % 13 - 6) / 4
    gradient = d * x + b
    gradient[:-1] += x[1:]
    gradient[1:] += x[:-1]
    return float(x @ (gradient + b)) / 2, gradient


@dataclass
class Problem:
    name: str
    function: Function
    lower: Sequence[float] | Vector
    upper: Sequence[float] | Vector
    start: Sequence[float] | Vector


def mixed(n: int) -> Problem:
    """Rosenbrock's function where coordinates in turn are at most 0.5, free, at least 1.25, and free."""
    lower, upper = np.resize([-2, -2, 1.25, -2], n), np.resize([0.5, 2, 2, 2], n)
    return Problem(f"Rosenbrock {n}, mixed bounds", rosenbrock, lower, upper, np.resize([-1.2, 1], n))


PROBLEMS = [
    Problem("Rosenbrock 2, active bound", rosenbrock, [-2, -2], [0.8, 2], [-1.2, 1]),
    Problem("Rosenbrock 2, inactive bounds", rosenbrock, [-2, -2], [2, 2], [-1.2, 1]),
    mixed(25),
    mixed(100),
    Problem("HS1", rosenbrock, [-10, -1.5], [10, 10], [-2, 1]),
    Problem("HS2", rosenbrock, [-10, 1.5], [10, 10], [-2, 1]),
    Problem("HS3", hs3, [-20, 0], [20, 20], [10, 1]),
    Problem("HS4", hs4, [1, 0], [10, 10], [1.125, 0.125]),
    Problem("HS5", hs5, [-1.5, -3], [4, 3], [0, 0]),
    Problem("HS38", colville, [-10] * 4, [10] * 4, [-3, -1, -3, -1]),
    Problem("HS45", hs45, [0] * 5, [1, 2, 3, 4, 5], [2] * 5),
    Problem("indefinite quadratic", indefinite, [-1] * 50, [1.5] * 50, [0.25] * 50),
]


def solved(problem: Problem) -> dict[str, Any]:
    lower, upper, start = (np.array(v, dtype=float) for v in (problem.lower, problem.upper, problem.start))
    centre, radius = (lower + upper) / 2, (upper - lower) / 2

    def run(iterations: int) -> dict[str, Any]:
        found = minimize(
            lambda z: problem.function(centre + z),
            np.clip(start - centre, -radius, radius),
            method="L-BFGS-B",
            jac=True,
            bounds=Bounds(-radius, radius),
            options={"maxcor": 10, "maxiter": iterations, "maxfun": 10**6, "maxls": 20, "ftol": 0, "gtol": 0},
        )
        sides = (found.x == radius).astype(int) - (found.x == -radius)
        return {
            "iterations": found.nit,
            "evaluations": found.nfev,
            "value": float(found.fun),
            "x": (centre + found.x).tolist(),
            "sides": sides.tolist(),
        }

    return {
        "name": problem.name,
        "function": problem.function.__name__,
        "n": len(start),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
        "start": start.tolist(),
        "ten": run(10),
        "end": run(1000),
    }


if __name__ == "__main__":
    rows = ",\n".join(json.dumps(solved(problem)) for problem in PROBLEMS)
    print(f'{{"scipy": "{scipy.__version__}", "numpy": "{np.__version__}", "problems": [\n{rows}\n]}}')
