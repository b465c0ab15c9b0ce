"""The work that `against_pytorch.py` times, done by PyTorch; `work.rs` is its twin.

It answers lines on stdin by lines on stdout:

    version              "2.15.0"
    prepare WORK WORD…   makes what the work needs, and answers "ready"
    run COUNT            does the work so often in turn, and answers the seconds of one
    evaluations          how many of f and ∇f the last run made; 1 where they are not counted
    train BATCH          one of the trainings that were prepared; answers its seconds
    drop                 forgets what was prepared, and answers "dropped"

    step NET BATCH [FORMAT]                one step of training: draw a batch, forward, backward, ADAM
    forward NET POINTS CHUNK               loss and accuracy, batch statistics, no derivatives
    gradient NET POINTS CHUNK              the same with the gradient
    product NET POINTS CHUNK               ∇²f(x) v for one vector v, by deriving the gradient's product with v once more
    adam WEIGHTS                           one step of ADAM over a flat vector
    sharpness NET POINTS CHUNK SPACE       φ at a random start; SPACE is "full", or the number of random directions
    path NET POINTS TESTED CHUNK COUNT     loss and accuracy on both splits, so often on the line through two starts
    trainings NET POINTS TESTED EPOCHS     whole trainings, evaluated before the first and after every epoch

PyTorch is used as its documentation advises for speed on a CPU: fused Adam, gradients set to none, inference mode where
nothing is derived, inputs that lie in memory as the layers want them. Of the two memory formats of images the faster is
taken, for each net, batch and machine: `prepare` tries both. There is no `torch.compile`, which needs a C++ compiler.

Sharpness is measured as PyTorch's users do it: SciPy's L-BFGS-B in f64 asks PyTorch for f and ∇f in f32. Random
directions are a dense matrix in f32, for F1 and 100 of them 585 MB, and each run draws another one, as ours does. The
start is drawn by ours' rule, since the size of weights decides how far a search goes.
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
import time
from typing import Callable, Iterator, NamedTuple

import numpy as np
import torch
from scipy import optimize
from torch import Tensor, nn
from torch.nn import functional

Work = Callable[[], object]

SHAPES = {"f1": (1, 28, 28), "f2": (360,), "c1": (3, 32, 32), "c2": (3, 32, 32)}
CLASSES = {"f1": 10, "f2": 1_973, "c1": 10, "c2": 10}
POINTS = {"f1": 60_000, "f2": 16_384, "c1": 10_000, "c2": 10_000}  # that a step draws from
CONTIGUOUS, CHANNELS_LAST = "contiguous", "channels_last"

# ── The nets of src/net/zoo.rs ─────────────────────────────────────────────────────────────────────────


def dense(inputs: int, widths: list[int], rate: float = 0.0) -> Iterator[nn.Module]:
    for width in widths:
        yield from (nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True))
        if rate > 0.0:
            yield nn.Dropout(rate)
        inputs = width


def convolution(channels: int, filters: int, window: int) -> Iterator[nn.Module]:
    yield nn.Conv2d(channels, filters, window, padding=window // 2)
    yield from (nn.BatchNorm2d(filters), nn.ReLU(inplace=True))


def build(name: str) -> nn.Sequential:
    classes, layers = CLASSES[name], []
    if name in ("f1", "f2"):
        widths = [512] * (5 if name == "f1" else 7)
        layers += [*dense(math.prod(SHAPES[name]), widths), nn.Linear(512, classes)]
    elif name == "c1":
        for channels in (3, 64):
            layers += [*convolution(channels, 64, 5), nn.MaxPool2d(3, 2, 1)]
        layers += [nn.Flatten(), *dense(64 * 8 * 8, [384, 192], 0.5), nn.Linear(192, classes)]
    else:
        channels = 3
        for filters, count, rate in ((64, 2, 0.3), (128, 2, 0.4), (256, 3, 0.4), (512, 3, 0.4), (512, 3, 0.4)):
            for number in range(count):
                layers += [*convolution(channels, filters, 3)]
                layers += [nn.Dropout(rate)] if number + 1 < count else []
                channels = filters
            layers += [nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Dropout(0.5), *dense(512, [512], 0.5), nn.Linear(512, classes)]
    return nn.Sequential(*layers)


class Net:
    """A net in one memory format, with what training and evaluation do to it."""

    def __init__(self, name: str, memory_format: str) -> None:
        self.image = name in ("c1", "c2")
        self.last = self.image and memory_format == CHANNELS_LAST
        self.layers = build(name)
        if self.last:
            self.layers = self.layers.to(memory_format=torch.channels_last)
        self.norms = [layer for layer in self.layers if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]
        self.parameters = list(self.layers.parameters())

    def start(self) -> Tensor:
        """A random start by ours' rule, Glorot's, as one vector."""
        for layer in self.layers:
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        return nn.utils.parameters_to_vector(self.parameters).detach()

    def go_to(self, x: Tensor) -> None:
        """Makes the parameters views of `x`."""
        nn.utils.vector_to_parameters(x, self.parameters)

    def shaped(self, rows: Tensor) -> Tensor:
        """Points as the first layer takes them; a view in both formats, since a row's order has no meaning here."""
        if not self.image:
            return rows
        return rows.view(-1, 32, 32, 3).permute(0, 3, 1, 2) if self.last else rows.view(-1, 3, 32, 32)

    def loss(self, rows: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(self.layers(self.shaped(rows)), labels)

    def training(self, is_on: bool) -> None:
        """On: dropout, and averages that follow. Off: no dropout, and still the statistics of the chunk at hand."""
        self.layers.train(is_on)
        for norm in self.norms:
            norm.train()
            norm.track_running_stats = is_on


# ── Data and the works ─────────────────────────────────────────────────────────────────────────────────


class Split(NamedTuple):
    inputs: Tensor
    labels: Tensor

    @classmethod
    def random(cls, name: str, points: int) -> Split:
        return cls(torch.randn(points, math.prod(SHAPES[name])), torch.randint(CLASSES[name], (points,)))

    def chunks(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.inputs.split(size), self.labels.split(size))


def adam(parameters: list[Tensor]) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, fused=True)


def epoch(net: Net, optimizer: torch.optim.Adam, split: Split, batch: int) -> Iterator[float]:
    """The steps of one epoch, each of which leaves its loss."""
    for points in torch.randperm(len(split.labels)).split(batch):
        loss = net.loss(split.inputs.index_select(0, points), split.labels.index_select(0, points))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield loss.item()


def value(net: Net, split: Split, chunk: int) -> tuple[float, float]:
    """Loss and accuracy."""
    loss = right = 0.0
    with torch.inference_mode():
        for rows, labels in split.chunks(chunk):
            logits = net.layers(net.shaped(rows))
            loss += functional.cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(1) == labels).sum().item()
    return loss / len(split.labels), right / len(split.labels)


def gradient(net: Net, split: Split, chunk: int) -> tuple[float, float]:
    """Loss and accuracy, and leaves the gradient where PyTorch keeps it, in `grad` of each parameter."""
    for parameter in net.parameters:
        parameter.grad = None
    loss = right = 0.0
    for rows, labels in split.chunks(chunk):
        logits = net.layers(net.shaped(rows))
        part = functional.cross_entropy(logits, labels, reduction="sum") / len(split.labels)
        part.backward()
        loss += part.item()
        right += (logits.detach().argmax(1) == labels).sum().item()
    return loss, right / len(split.labels)


def product(net: Net, split: Split, chunk: int) -> list[Tensor]:
    """∇²f(x) v, chunk by chunk; v has ones everywhere, which is as good as any for the time."""
    ones = [torch.ones_like(parameter) for parameter in net.parameters]
    sums = [torch.zeros_like(parameter) for parameter in net.parameters]
    for rows, labels in split.chunks(chunk):
        part = functional.cross_entropy(net.layers(net.shaped(rows)), labels, reduction="sum") / len(split.labels)
        slopes = torch.autograd.grad(part, net.parameters, create_graph=True)
        along = sum((slope * one).sum() for slope, one in zip(slopes, ones))
        for total, own in zip(sums, torch.autograd.grad(along, net.parameters)):
            total += own
    return sums


def step_work(name: str, batch: int, memory_format: str) -> Work:
    net, split = Net(name, memory_format), Split.random(name, POINTS[name])
    optimizer = adam(net.parameters)
    net.training(True)

    def steps() -> Iterator[float]:
        while True:
            yield from epoch(net, optimizer, split, batch)

    endless = steps()
    return lambda: next(endless)


def evaluation_work(evaluate: Callable[..., object], name: str, points: int, chunk: int, memory_format: str) -> Work:
    net, split = Net(name, memory_format), Split.random(name, points)
    net.training(False)
    return lambda: evaluate(net, split, chunk)


def coordinates(a: Tensor, x: Tensor) -> Tensor:
    """A⁺ x, which takes no more than a system of p equations."""
    return torch.linalg.solve(a.t() @ a, a.t() @ x)


class Search:
    """φ at a random start, as often as it is called."""

    def __init__(self, name: str, points: int, chunk: int, space: str) -> None:
        self.net, self.split, self.chunk = Net(name, CONTIGUOUS), Split.random(name, points), chunk
        self.net.training(False)
        self.x, self.directions = self.net.start(), None if space == "full" else int(space)
        self.evaluations = 0  # of f and ∇f, in the last search
        gradient(self.net, self.split, chunk)  # warms up

    def __call__(self) -> float:
        x = self.x
        seen: list[float] = []
        a = None if self.directions is None else torch.randn(len(x), self.directions)
        radius = 1e-3 * ((x if a is None else coordinates(a, x)).double().abs() + 1.0).numpy()

        def lowered(y: np.ndarray) -> tuple[float, np.ndarray]:
            """−f and its gradient in y."""
            step = torch.from_numpy(y)
            self.net.go_to((x + step).float() if a is None else torch.addmv(x, a, step.float()))
            seen.append(gradient(self.net, self.split, self.chunk)[0])
            flat = torch.cat([parameter.grad.view(-1) for parameter in self.net.parameters])
            return -seen[-1], (flat if a is None else a.t() @ flat).double().neg_().numpy()

        zero, bounds = np.zeros(len(radius)), optimize.Bounds(-radius, radius)
        options = {"maxiter": 10, "maxcor": 10, "ftol": 0.0, "gtol": 0.0}
        optimize.minimize(lowered, zero, method="L-BFGS-B", jac=True, bounds=bounds, options=options)
        self.evaluations = len(seen)
        return 100.0 * (max(seen) - seen[0]) / (1.0 + seen[0])


def path_work(name: str, points: int, tested: int, chunk: int, count: int) -> Work:
    net, train, test = Net(name, CONTIGUOUS), Split.random(name, points), Split.random(name, tested)
    net.training(False)
    small, large = net.start(), net.start()

    def along() -> None:
        for alpha in torch.linspace(-1.0, 2.0, count).tolist():
            net.go_to(torch.lerp(small, large, alpha))
            for split in (train, test):
                value(net, split, chunk)

    value(net, test, chunk)  # warms up
    return along


def adam_work(count: int) -> Work:
    parameter = nn.Parameter(torch.randn(count))
    parameter.grad = torch.randn(count)
    return adam([parameter]).step


def faster(make: Callable[[str], Work], name: str, given: list[str]) -> Work:
    """The work in the format given, or in the faster one. One work at a time is in memory."""

    def seconds(memory_format: str) -> float:
        work = make(memory_format)
        work()  # warms up
        times: list[float] = []
        while sum(times) < 1.0:
            times.append(timed(work))
        return min(times)

    if not given and name in ("c1", "c2"):
        given = [min((CONTIGUOUS, CHANNELS_LAST), key=seconds)]
        print(f"PyTorch: {name} is faster as {given[0]}", file=sys.stderr, flush=True)
    return make(given[0] if given else CONTIGUOUS)


def prepare(work: str, words: list[str]) -> Work:
    if work == "step":
        name, batch, *given = words
        return faster(lambda form: step_work(name, int(batch), form), name, given)
    if work in ("forward", "gradient", "product"):
        name, points, chunk, *given = words
        evaluate = {"forward": value, "gradient": gradient, "product": product}[work]
        return faster(lambda form: evaluation_work(evaluate, name, int(points), int(chunk), form), name, given)
    if work == "sharpness":
        name, points, chunk, space = words
        return Search(name, int(points), int(chunk), space)
    if work == "path":
        name, *counts = words
        return path_work(name, *map(int, counts))
    if work == "adam":
        return adam_work(int(words[0]))
    raise ValueError(f"there is no work {work!r}")


class Trainings:
    """Whole trainings on the same points."""

    def __init__(self, name: str, points: int, tested: int, epochs: int) -> None:
        self.name, self.epochs = name, epochs
        self.train, self.test = Split.random(name, points), Split.random(name, tested)
        self.descend(min(points, 5_000), 1, self.test)  # so that what PyTorch makes at first use is made

    def descend(self, batch: int, epochs: int, split: Split) -> None:
        net = Net(self.name, CHANNELS_LAST)
        optimizer = adam(net.parameters)
        for number in range(epochs + 1):
            if number > 0:
                net.training(True)
                losses = list(epoch(net, optimizer, split, batch))
                assert all(map(math.isfinite, losses))
            net.training(False)
            value(net, split, 5_000)
            value(net, self.test, 5_000)

    def run(self, batch: int) -> None:
        self.descend(batch, self.epochs, self.train)


# ── The protocol ───────────────────────────────────────────────────────────────────────────────────────


def timed(work: Work, count: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, required=True)
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(0)
    prepared = None
    for line in iter(sys.stdin.readline, ""):
        command, *words = line.split()
        if command == "version":
            answer = torch.__version__.partition("+")[0]
        elif command == "prepare":
            is_trainings = words[0] == "trainings"
            prepared = Trainings(words[1], *map(int, words[2:])) if is_trainings else prepare(words[0], words[1:])
            answer = "ready"
        elif command == "run":
            answer = repr(timed(prepared, int(words[0])))
        elif command == "evaluations":
            answer = repr(getattr(prepared, "evaluations", 1))
        elif command == "train":
            answer = repr(timed(lambda: prepared.run(int(words[0]))))
        elif command == "drop":
            prepared = None
            gc.collect()
            answer = "dropped"
        else:
            raise ValueError(f"there is no command {command!r}")
        print(answer, flush=True)


if __name__ == "__main__":
    main()
