"""What the same strategies cost in PyTorch: a step of each beside a plain one, in turn (pip install torch; the twin of strategies.rs).

    python3 benches/strategies.py f1 256 [THREADS]

A row has the median time of a step in milliseconds and how many plain steps that is, with the least and the largest of the rounds.
"""
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

ROUNDS = 11


def f1():
    layers = []
    for inputs in (784, 512, 512, 512, 512):
        layers += [nn.Linear(inputs, 512), nn.BatchNorm1d(512), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(512, 10))


class Arm:
    """A net of its own with ADAM, and how it takes a step."""

    def __init__(self, step):
        torch.manual_seed(0)
        self.net = f1()
        self.parameters = list(self.net.parameters())
        self.rule = torch.optim.Adam(self.parameters, lr=1e-3, fused=True)
        self.take = step

    def gradient(self, x, y):
        self.rule.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.net(x), y)
        loss.backward()
        return loss


def plain(arm, x, y):
    arm.gradient(x, y)
    arm.rule.step()


def sam(arm, x, y):
    arm.gradient(x, y)
    gradients = [p.grad for p in arm.parameters]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    before = [p.detach().clone() for p in arm.parameters]
    with torch.no_grad():
        torch._foreach_add_(arm.parameters, torch._foreach_mul(gradients, (0.05 / norm).item()))
    arm.gradient(x, y)
    with torch.no_grad():
        torch._foreach_copy_(arm.parameters, before)
    arm.rule.step()


def conservative(arm, x, y):
    before = [p.detach().clone() for p in arm.parameters]
    for _ in range(3):
        arm.gradient(x, y)
        with torch.no_grad():
            away = torch._foreach_sub(arm.parameters, before)
            torch._foreach_add_([p.grad for p in arm.parameters], away, alpha=1e-3)
        arm.rule.step()


def adversarial(arm, x, y):
    inputs = x.clone().requires_grad_(True)
    arm.rule.zero_grad(set_to_none=True)
    F.cross_entropy(arm.net(inputs), y).backward()
    clean = [p.grad for p in arm.parameters]
    attacked = (x + 0.1 * inputs.grad.sign()).clamp(0, 1)
    arm.gradient(attacked, y)
    torch._foreach_lerp_([p.grad for p in arm.parameters], clean, 0.5)
    arm.rule.step()


def main():
    name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2
    assert name == "f1", "there is F1 alone"
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    x, y = torch.rand(12_000, 784), torch.randint(0, 10, (12_000,))
    arms = {f.__name__: Arm(f) for f in (plain, sam, conservative, adversarial)}
    times = {arm: [] for arm in arms}
    for turn in range(ROUNDS + 1):
        for key, arm in arms.items():
            begin = time.perf_counter()
            for _ in range(5 if batch < 1_000 else 1):
                chosen = torch.randperm(len(x))[:batch]
                arm.take(arm, x[chosen], y[chosen])
            if turn:  # the first round takes memory
                times[key].append((time.perf_counter() - begin) / (5 if batch < 1_000 else 1))
    for key, own in times.items():
        ratios = sorted(a / b for a, b in zip(own, times["plain"]))
        print(f"{key:14} {1e3 * statistics.median(own):9.2f} ms {statistics.median(ratios):6.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})")


main()
