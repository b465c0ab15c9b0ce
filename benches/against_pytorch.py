#!/usr/bin/env python3
"""Is this library as fast as PyTorch, on this machine?

Times the same work in PyTorch and here, in turn, and prints a table of medians and of the ratios
PyTorch's time / our time: above 1, ours is faster. It makes what it needs: PyTorch in a virtual environment in
`.bench` (5 GB, once), and the Rust side by `cargo bench`. Everything takes about 45 minutes on two cores, most of it
whole trainings, searches and paths; --quick takes a few minutes, and words choose works: `against_pytorch.py f1
adam`. C1 with a batch of 5,000 needs about 12 GB of memory.

How it is kept fair. Each work has two processes, PyTorch's (pytorch_work.py) and ours (work.rs), with as many
threads each; a measurement is asked of one while the other waits for its next line, after a pause in which its
threads fall asleep. After a warm-up they take turns, and each pair of neighboring measurements gives a ratio: what
slows the machine for a while slows both. A measurement repeats short work, both sides equally often. Inputs are
random on both sides, and batches are drawn from the data inside a step, as in training. Still, let the machine do
nothing else: PyTorch's threads wait for each other more often, and lose more where they must share. The report says
how much of the processors other programs used.

PyTorch runs at its best: pytorch_work.py says how. Its C library is told to keep freed memory rather than hand it
back to the system, which makes its steps of C1 about 1.4 times as fast; ours runs as it comes. So does PyTorch where
memory is measured: there each side does two steps in a fresh process, and the most memory that was resident at once
is what the system reports. Of two ways in which PyTorch can do ten trainings, one after another on all threads or
side by side on one thread each, the faster is taken.

How much is left? Beside each pair our side measures what the machine can do in that moment: fused multiply-adds in
registers, and a sweep over memory that no cache holds, on all threads. The share of the limit is the least time in which
it could have done the work by that, over our time: the operations of the products by their definition (so that a method
with fewer multiplications may pass 100 %), or the bytes that go to memory and back where no cache holds anything from one
layer to the next, whichever takes longer. One table for each kind of processor stays in benches/README.md.

φ is by ten iterations of L-BFGS-B, SciPy's over PyTorch and ours. They need 11 evaluations of f and ∇f or more; along
random directions often fewer, where the search ends in a corner of the box, and no two searches need equally many. So
the title says how many each side made, and one row more has the time of one.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import platform
import re
import selectors
import shutil
import signal
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import NamedTuple, Optional, Union

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / ".bench"  # everything that is made and can be made again
BEGIN, END = "<!-- against pytorch: begin -->", "<!-- against pytorch: end -->"

PINS = ("torch==2.15.0", "numpy==2.4.6", "scipy==1.17.1")
PYTHON = (3, 11)  # what these need
PAUSE = 0.1  # seconds; threads of either side that find no work are asleep after a few thousandths
SMALL, LARGE, TRIALS, EPOCHS = 256, 6_000, 5, 2

KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36)}
# What could change the number of threads, or how they wait, behind our back.
DROPPED = ("OMP_", "OPENBLAS_", "GOMP_", "KMP_", "MKL_", "MALLOC_", "RAYON_", "PYTHON")


class Work(NamedTuple):
    name: str
    title: str
    words: str  # what both sides are told to prepare
    is_rare: bool = False  # only with --all, or where it is named in full
    is_long: bool = False  # measured --training-repetitions times; with --quick only where it is named in full


WORKS = (
    Work("f1-step-256", "F1, step, batch 256", "step f1 256"),
    Work("f1-step-6000", "F1, step, batch 6,000", "step f1 6000"),
    Work("f2-step-256", "F2, step, batch 256", "step f2 256"),
    Work("f2-step-8192", "F2, step, batch 8,192", "step f2 8192"),
    Work("c1-step-256", "C1, step, batch 256", "step c1 256"),
    Work("c1-step-5000", "C1, step, batch 5,000", "step c1 5000"),
    Work("c2-step-64", "C2, step, batch 64", "step c2 64"),
    Work("c2-step-256", "C2, step, batch 256", "step c2 256"),
    Work("c2-step-5000", "C2, step, batch 5,000", "step c2 5000", is_rare=True),
    Work("f1-forward", "F1, f over 60,000 points", "forward f1 60000 5000"),
    Work("f1-gradient", "F1, f and ∇f over 60,000 points", "gradient f1 60000 5000"),
    Work("f1-product", "F1, ∇²f(x) v over 60,000 points", "product f1 60000 5000", is_long=True),
    Work("c1-forward", "C1, f over 5,000 points", "forward c1 5000 5000"),
    Work("f1-sharpness", "F1, φ in the full space", "sharpness f1 60000 5000 full", is_long=True),
    Work("f1-sharpness-100", "F1, φ along 100 random directions", "sharpness f1 60000 5000 100", is_long=True),
    Work("f1-path", "F1, 25 points of a line, 60,000 + 10,000 points", "path f1 60000 10000 5000 25", is_long=True),
    Work("adam-1.5M", "ADAM, step, 1,462,794 weights", "adam 1462794"),
    Work("adam-15M", "ADAM, step, 14,991,946 weights", "adam 14991946"),
    Work(
        "f1-trainings",
        f"F1, {TRIALS} trials × 2 regimes × {EPOCHS} epochs",
        f"trainings f1 60000 10000 {EPOCHS}",
        is_long=True,
    ),
    Work("c1-memory-5000", "C1, 2 steps, batch 5,000", "step c1 5000"),
)

EPILOG = f"""\
works:
  {", ".join(work.name for work in WORKS)}
  ({", ".join(work.name for work in WORKS if work.is_rare)}: only with --all, or where it is named in full)
  ({", ".join(work.name for work in WORKS if work.is_long)}: with --quick only where named in full)

exit status:
  0 all measured, 1 something failed, 2 wrong arguments, 130 interrupted
"""


class Stop(Exception):
    """What the reader should know before the run ends with exit status 1."""


def say(text: str) -> None:
    """Progress; stdout is for the table alone."""
    print(text, file=sys.stderr, flush=True)


# ── The two sides ──────────────────────────────────────────────────────────────────────────────────────


class Side(NamedTuple):
    """How to start a worker of one side."""

    name: str
    command: tuple[str, ...]

    def start(self, threads: int, **settings: str) -> Worker:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(DROPPED)}
        # SciPy's linear algebra on one thread, so that its threads are not in the way of PyTorch's.
        counts = {"RAYON_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"}
        environment = {**kept, **counts, **settings}
        return Worker(self.name, (*self.command, "--threads", str(threads)), environment)


class Worker:
    """A process that answers each line by one line; it ends, whatever happens, when the block does."""

    def __init__(self, name: str, command: tuple[str, ...], environment: dict[str, str]) -> None:
        self.name, self.asked = name, "nothing"
        # In a session of its own an interrupt at the terminal reaches only us, and we end it.
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
        try:
            self.process = subprocess.Popen(command, env=environment, **options)
        except OSError as error:
            raise Stop(f"{name} did not start: {error}") from error

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def send(self, line: str) -> None:
        self.asked = line
        with contextlib.suppress(BrokenPipeError):  # receive() says why
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def receive(self) -> str:
        answer = self.process.stdout.readline().strip()
        if not answer:
            status = self.process.wait()
            why = f"signal {-status}, often because memory ran out" if status < 0 else f"status {status}"
            raise Stop(f"{self.name} was asked for '{self.asked}', but ended ({why})")
        return answer

    def ask(self, line: str) -> str:
        self.send(line)
        return self.receive()

    def prepare(self, words: str) -> None:
        answer = self.ask(f"prepare {words}")
        if answer != "ready":
            raise Stop(f"{self.name} was asked to prepare '{words}', but answered '{answer}'")

    def run(self, count: int) -> float:
        """Seconds of one, of so many in turn."""
        time.sleep(PAUSE)
        return float(self.ask(f"run {count}"))

    def peak(self) -> int:
        """Ends the worker, and says how many bytes were resident at most."""
        self.process.stdin.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = status
        if status != 0:
            raise Stop(f"{self.name} ended badly after '{self.asked}' (wait status {status})")
        return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def call(hint: str, *command: Union[str, Path]) -> str:
    """What a command prints; its messages go where ours go."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Stop(hint)
    return done.stdout


def set_up_pytorch() -> str:
    """A Python with PyTorch in .bench/venv, marked as made only when it is."""
    if sys.version_info < PYTHON:
        have, need = platform.python_version(), ".".join(map(str, PYTHON))
        raise Stop(f"{PINS[0]} needs Python {need} or later, but this is {have}: use a later one, or --python")
    folder = HOUSE / "venv"
    made, python, wanted = folder / "made", folder / "bin" / "python", json.dumps([sys.version, str(folder), PINS])
    if not made.exists() or made.read_text() != wanted:
        say("installing PyTorch in .bench/venv: 5 GB on Linux, this once")
        try:
            venv.create(folder, clear=True, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Stop(f"no virtual environment: {error} (Debian, Ubuntu: install python3-venv)") from error
        call(f"pip could not install {' '.join(PINS)}", python, "-m", "pip", "install", "-q", *PINS)
        made.write_text(wanted)
    return str(python)


def build() -> str:
    """Builds work.rs as every benchmark is built, and says where the executable is."""
    if not shutil.which("cargo"):
        raise Stop("Rust is not installed, or not on the PATH: https://rustup.rs says how to get it")
    say("building benches/work.rs")
    command = ("cargo", "bench", "--bench", "work", "--no-run", "--message-format=json")
    for line in call("cargo could not build benches/work.rs", *command).splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "work" and message["executable"]:
            return str(message["executable"])
    raise Stop("cargo built benches/work.rs, but did not say where it is")


# ── Measuring ──────────────────────────────────────────────────────────────────────────────────────────


class Limits(NamedTuple):
    """What the machine can do at most: operations and bytes a second."""

    flops: float
    bytes: float
    bits: int  # of a vector

    @classmethod
    def ask(cls, worker: Worker) -> Limits:
        time.sleep(PAUSE)
        flops, moved, bits = worker.ask("limits").split()
        return cls(float(flops), float(moved), int(bits))


class Need(NamedTuple):
    """What a work asks for at least: operations of its products by their definition, and bytes without any cache."""

    flops: float
    bytes: float

    def seconds(self, limits: Limits) -> float:
        return max(self.flops / limits.flops, self.bytes / limits.bytes)


class Row(NamedTuple):
    """The seconds, or the bytes, of pairs of measurements."""

    title: str
    theirs: list[float]
    ours: list[float]
    unit: str = "ms"
    need: Optional[Need] = None
    limits: tuple[Limits, ...] = ()  # as measured beside each pair

    def cells(self) -> list[str]:
        scale = {"ms": 1e3, "MB": 1e-6}[self.unit]
        ratios = [theirs / ours for theirs, ours in zip(self.theirs, self.ours)]
        spread = f"{min(ratios):.2f}–{max(ratios):.2f}" if len(ratios) > 1 else ""
        medians = [number(scale * statistics.median(values)) for values in (self.theirs, self.ours)]
        return [self.title, *medians, f"{statistics.median(ratios):.2f}", spread, self.share()]

    def share(self) -> str:
        """The least time that the machine would have needed, as a share of ours."""
        if not self.need or not self.need.bytes:
            return ""
        shares = [self.need.seconds(limits) / ours for limits, ours in zip(self.limits, self.ours)]
        return f"{statistics.median(shares):.0%}"

    def __str__(self) -> str:
        _, theirs, ours, ratio, spread, share = self.cells()
        text = f"PyTorch {theirs} {self.unit}, ours {ours} {self.unit}, ratio {ratio}" + (spread and f" ({spread})")
        if share:
            flops, moved = (statistics.median(getattr(limits, of) for limits in self.limits) for of in ("flops", "bytes"))
            ours_flops = self.need.flops / statistics.median(self.ours)
            text += f", {share} of the limit ({flops / 1e9:.0f} GFLOP/s, {moved / 1e9:.1f} GB/s)"
            text += f", {ours_flops / 1e9:.0f} GFLOP/s" if self.need.flops else ""
        return text


def number(value: float) -> str:
    """Three digits, more where they stand before the point."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


class Bench(NamedTuple):
    theirs: Side
    ours: Side
    threads: int
    repetitions: int
    training_repetitions: int
    seconds: float  # of a pair of measurements, where the work is shorter

    def measure(self, work: Work, theirs: Worker, ours: Worker) -> list[Row]:
        if "memory" in work.name:
            return self.memory(work)
        if "trainings" in work.name:
            return [self.trainings(work, ours)]
        if work.is_long:
            return self.long(work, theirs, ours)
        return [self.times(work, theirs, ours)]

    def times(self, work: Work, theirs: Worker, ours: Worker) -> Row:
        both = (theirs, ours)
        for worker in both:
            worker.prepare(work.words)
        once = sum(worker.run(1) for worker in both)  # warms up
        if once < 2 * self.seconds:
            once = sum(worker.run(1) for worker in both)
        count = max(1, round(self.seconds / once))
        need = Need(*map(float, ours.ask("need").split()))
        limits, pairs = [], []
        for _ in range(self.repetitions):
            limits.append(Limits.ask(ours))
            pairs.append([worker.run(count) for worker in both])
        for worker in both:
            worker.ask("drop")
        return Row(work.title, *map(list, zip(*pairs)), need=need, limits=tuple(limits))

    def long(self, work: Work, theirs: Worker, ours: Worker) -> list[Row]:
        """Work that `prepare` has warmed up; a row more, of one evaluation, where they are counted."""
        both = (theirs, ours)
        for worker in both:
            worker.prepare(work.words)
        seconds: tuple[list[float], list[float]] = ([], [])
        evaluations: tuple[list[int], list[int]] = ([], [])
        for repetition in range(1, self.training_repetitions + 1):
            for worker, times, counts in zip(both, seconds, evaluations):
                times.append(worker.run(1))
                counts.append(int(worker.ask("evaluations")))
                counted = f", {counts[-1]} evaluations" if counts[-1] > 1 else ""
                say(f"  repetition {repetition}, {worker.name}: {times[-1]:.1f} s{counted}")
        for worker in both:
            worker.ask("drop")
        said = times_said(self.training_repetitions)
        if max(map(max, evaluations)) == 1:
            return [Row(f"{work.title} ({said})", *seconds)]
        said += "; evaluations of f and ∇f: PyTorch {}, ours {}".format(*map(span, evaluations))
        each = [[time / count for time, count in zip(*side)] for side in zip(seconds, evaluations)]
        return [Row(f"{work.title} ({said})", *seconds), Row(f"{work.title}, per evaluation", *each)]

    def trainings(self, work: Work, ours: Worker) -> Row:
        jobs = [SMALL] * TRIALS + [LARGE] * TRIALS  # long ones first
        with contextlib.ExitStack() as stack:

            def start(threads: int) -> Worker:
                return stack.enter_context(self.theirs.start(threads, **KEEP_MEMORY))

            ways = {"PyTorch in turn on all threads": [start(self.threads)]}
            if self.threads > 1:
                ways["PyTorch side by side, a thread each"] = [start(1) for _ in range(min(self.threads, len(jobs)))]
            for worker in (ours, *(worker for workers in ways.values() for worker in workers)):
                worker.prepare(work.words)
            mine: list[float] = []
            times: dict[str, list[float]] = {way: [] for way in ways}
            for repetition in range(1, self.training_repetitions + 1):
                for way, workers in ways.items():
                    times[way].append(share(workers, jobs))
                    say(f"  repetition {repetition}, {way}: {times[way][-1]:.1f} s")
                mine.append(ours.run(1))
                say(f"  repetition {repetition}, ours: {mine[-1]:.1f} s")
        ours.ask("drop")
        best = min(ways, key=lambda way: statistics.median(times[way]))
        return Row(f"{work.title} ({times_said(len(mine))}; {best})", times[best], mine)

    def memory(self, work: Work) -> list[Row]:
        def peak(side: Side, words: str) -> float:
            with side.start(self.threads) as worker:
                if words:
                    worker.prepare(words)
                    worker.run(2)
                else:
                    worker.ask("version")
                return worker.peak()

        # So that PyTorch need not try both formats in the process whose memory is measured.
        least = min(peak(self.theirs, f"{work.words} {form}") for form in ("contiguous", "channels_last"))
        idle = Row("before any work", [peak(self.theirs, "")], [peak(self.ours, "")], "MB")
        return [Row(work.title, [least], [peak(self.ours, work.words)], "MB"), idle]


def times_said(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def span(counts: list[int]) -> str:
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least}–{most}"


def share(workers: list[Worker], jobs: list[int]) -> float:
    """Seconds from go to the last training done; a worker that is done takes the next one."""
    time.sleep(PAUSE)
    waiting = collections.deque(jobs)
    start = time.perf_counter()
    with selectors.DefaultSelector() as busy:
        for worker in workers:
            worker.send(f"train {waiting.popleft()}")
            busy.register(worker.process.stdout, selectors.EVENT_READ, worker)
        while busy.get_map():
            for key, _ in busy.select():
                key.data.receive()
                if waiting:
                    key.data.send(f"train {waiting.popleft()}")
                else:
                    busy.unregister(key.fileobj)
    return time.perf_counter() - start


# ── The report ─────────────────────────────────────────────────────────────────────────────────────────


def machine() -> str:
    """The processor's kind, as the system tells it: where names are kept short, family and model tell it."""
    with contextlib.suppress(OSError):
        said = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M))
        if "model name" in said:
            numbers = [f"{key.split()[-1]} {said[key]}" for key in ("cpu family", "model") if key in said]
            return " ".join([said["model name"].strip(), *([f"({', '.join(numbers)})"] if numbers else [])])
    if sys.platform == "darwin":
        return call("sysctl failed", "sysctl", "-n", "machdep.cpu.brand_string").strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Others:
    """How much of the processors other programs use, where the system tells it."""

    def __init__(self) -> None:
        self.start, self.total, self.own = time.monotonic(), self.busy(), sum(os.times()[:4])

    @staticmethod
    def busy() -> Optional[float]:
        """Seconds that all processors together were not idle since the machine started."""
        with contextlib.suppress(OSError):
            ticks = list(map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
            return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")  # less idle, and idle for a disk
        return None

    def fraction(self) -> Optional[float]:
        """Since this was made, by programs that we did not start, or whose end we have not seen yet."""
        total = self.busy()
        if total is None or self.total is None:
            return None
        used = total - self.total - (sum(os.times()[:4]) - self.own)
        return max(0.0, used / (os.cpu_count() or 1) / (time.monotonic() - self.start))


def heading(bits: int) -> str:
    """What tells one kind of processor from another."""
    return f"**{machine()}, vectors of {bits} bits**"


def report(rows: list[Row], bench: Bench, version: str, bits: int, others: Optional[float]) -> str:
    rust = " ".join(call("rustc does not say its version", "rustc", "--version").split()[:2])
    programs = f"PyTorch {version} and {rust}, {bench.threads} thread{'s' * (bench.threads > 1)} each"
    lines = [
        f"{heading(bits)}, {cores()} cores, {time.strftime('%Y-%m-%d')}: {programs}. Medians of {bench.repetitions} "
        "measurements in turn, the median of their ratios, and the ratios' range; above 1, ours is faster. "
        + limits_said(rows)
        + ("" if others is None else f" Other programs used {others:.0%} of the processors meanwhile."),
    ]
    for unit, what in (("ms", "work"), ("MB", "most resident memory")):
        chosen = [row.cells() for row in rows if row.unit == unit]
        if chosen:
            head = [what, f"PyTorch, {unit}", f"ours, {unit}", "PyTorch / ours", "range", "share of the limit"]
            head = head[: 6 if unit == "ms" else 4]
            lines += ["", line(head), line(["---", *["---:"] * (len(head) - 1)])]
            lines += [line(cells[: len(head)]) for cells in chosen]
    return "\n".join(lines)


def limits_said(rows: list[Row]) -> str:
    measured = [limits for row in rows for limits in row.limits]
    if not measured:
        return ""
    flops, moved = (sorted(getattr(limits, of) / 1e9 for limits in measured) for of in ("flops", "bytes"))
    return (
        f"The limit is what multiply-adds in registers reach in the same moments ({flops[0]:.0f} to {flops[-1]:.0f} "
        f"GFLOP/s), or a sweep over memory ({moved[0]:.0f} to {moved[-1]:.0f} GB/s)."
    )


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def put_between_markers(text: str, block: str, path: Path) -> str:
    """`text` with `block` between the two markers, in place of the block of the same kind of processor, or before all."""
    before, begin, rest = text.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise Stop(f"{path.name} must have the lines {BEGIN} and {END} once each, in this order, but has not")
    kind = block[: block.find("**", 2)]
    blocks = [found.strip() for found in re.split(r"^(?=\*\*)", between, flags=re.M)]
    others = [found for found in blocks if found and not (kind and found.startswith(kind))]
    joined = "\n\n".join(found for found in (block, *others) if found)
    return f"{before}{BEGIN}\n{joined}\n{END}{after}"


# ── The command ────────────────────────────────────────────────────────────────────────────────────────


def arguments() -> argparse.ArgumentParser:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("against_pytorch.py", description=__doc__, epilog=EPILOG, formatter_class=style)
    option = parser.add_argument
    option("words", nargs="*", metavar="WORD", help="measure the works whose names have this in them; all if none is")
    option("--threads", type=int, default=cores(), metavar="N", help="of each side; as many as cores if not given")
    option("--repetitions", type=int, metavar="N", help="measurements of each side, at least 7; 9 if not given")
    option("--training-repetitions", type=int, default=3, metavar="N", help="the same of works that are long; 3")
    option("--quick", action="store_true", help="3 short measurements, no long works: to see that it works")
    option("--all", action="store_true", help="also C2 with a batch of 5,000: minutes a step, and much memory")
    option("--table", nargs="?", type=Path, const=ROOT / "benches" / "README.md", metavar="FILE", help="put it there, too")
    option("--python", metavar="PATH", help="a Python that has PyTorch, in place of the virtual environment")
    option("--ours", metavar="PATH", help="work.rs as it was built before, in place of building it")
    return parser


def choose(args: argparse.Namespace) -> list[Work]:
    def is_meant(work: Work) -> bool:
        left_out = (work.is_rare and not args.all) or (args.quick and work.is_long)
        return work.name in args.words if left_out else not args.words or any(word in work.name for word in args.words)

    for word in args.words:
        if not any(word in work.name for work in WORKS):
            raise LookupError(f"no work has '{word}' in its name; there are: {', '.join(work.name for work in WORKS)}")
    return [work for work in WORKS if is_meant(work)]


def measure_all(chosen: list[Work], bench: Bench) -> str:
    rows: list[Row] = []
    others = Others()
    for work in chosen:
        # Fresh processes for each: what PyTorch's keeps of freed memory would take it from the next work on both sides.
        with bench.theirs.start(bench.threads, **KEEP_MEMORY) as theirs, bench.ours.start(bench.threads) as ours:
            version = theirs.ask("version")
            bits = Limits.ask(ours).bits
            say(f"{work.name}:")
            found = bench.measure(work, theirs, ours)
        rows += found
        say("\n".join(f"  {row}" for row in found))
    fraction = others.fraction()
    if fraction is not None and fraction > 0.05:
        say(f"other programs used {fraction:.0%} of the processors meanwhile: these times mean little")
    return report(rows, bench, version, bits, fraction)


def main(argv: list[str]) -> int:
    parser = arguments()
    args = parser.parse_args(argv)
    least = 1 if args.quick else 7
    repetitions: Optional[int] = args.repetitions
    if repetitions is None:
        repetitions = 3 if args.quick else 9
    if repetitions < least or args.training_repetitions < 1 or args.threads < 1:
        parser.error(f"--repetitions must be at least {least}, --training-repetitions and --threads at least 1")
    if args.quick and args.table:
        parser.error("--quick is not to be quoted, so it does not go with --table")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, so that workers go
    try:
        chosen = choose(args)
        if os.name == "nt":
            raise Stop("this works on Linux and macOS; on Windows, in the Windows Subsystem for Linux")
        if args.table:
            put_between_markers(args.table.read_text(encoding="utf-8"), "", args.table)  # or it stops here
        pytorch_work = str(Path(__file__).resolve().with_name("pytorch_work.py"))
        theirs = Side("PyTorch", (args.python or set_up_pytorch(), pytorch_work))
        ours = Side("ours", (args.ours or build(),))
        seconds = 0.3 if args.quick else 1.5
        bench = Bench(theirs, ours, args.threads, repetitions, args.training_repetitions, seconds)
        table = measure_all(chosen, bench)
        print(table, flush=True)
        if args.table:
            text = args.table.read_text(encoding="utf-8")
            args.table.write_text(put_between_markers(text, table, args.table), encoding="utf-8")
        return 0
    except LookupError as error:
        parser.error(str(error))
    except (Stop, OSError) as stop:
        say(f"against_pytorch.py: {stop}")
        return 1
    except KeyboardInterrupt:
        say("against_pytorch.py: interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
