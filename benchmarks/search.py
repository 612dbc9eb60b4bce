"""Trials of the same shape, run stacked, in a pool of two warm workers, and one after another: what is fastest.

    python benchmarks/search.py [--rounds 9] [--steps 40]

Stacked, K members share one forward and one backward pass: ``torch.func.functional_call`` under ``vmap`` over stacked parameters,
one torch optimizer on the stacked tensors (SGD, Adam and AdamW work element by element), gradients clipped for each member, dropout
drawn for each, buffers of BatchNorm for each. Each way does the same work, metrics and evaluations included, and round by round one
comes after the other, so that a busy machine slows all three; the ratios are medians over the rounds, above 1 where the way is
faster than one after another. ``stacked`` alone is what stacking gains inside of each worker, ``stacked/pool`` what it gains instead
of the pool. ``apart`` is how far the validation losses of stacked members end from those of the same trainings alone, as a share:
rounding, but for dropout, whose masks are others.

Measured choice: on a CPU the search runs its trials in the pool and stacks none. It has two or three of one shape at a time (the seeds
of a verification, the doses of a learning rate). Two members stacked take as long as one after another or longer, for every shape
here; four gain less than a second worker does, eight about as much, and a search within the cost of one training has no eight.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parent))
import torch
from cases.sets import link_code
from cases.table import dump
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from lossdoctor.core.config import ConfigFile, load
from lossdoctor.lab.executor import InProcess, Job
from lossdoctor.lab.fit import EVALUATION_BATCH, Row
from lossdoctor.lab.isolate import Isolated
from lossdoctor.lab.journal import fingerprint
from lossdoctor.lab.workload import Workload, as_labels, batches

LOOKS = 8  # evaluations in a trial, as in a first look
DIGITS = {"inputs": 64, "outputs": 10}
SHAPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "MLP, 2 layers of 64": ("digits", "mlp", DIGITS),
    "MLP, 6 layers of 128 with BatchNorm": ("digits", "mlp", DIGITS | {"hidden": 128, "depth": 6, "norm": True, "dropout": 0.1}),
    "CNN, 2 convolutions": ("images", "cnn", {"norm": True}),
    "transformer, 1 block": ("tokens", "Attention", {}),
}
MEMBERS = (2, 4, 8)


class Stacked:
    """Trainings of one config with different seeds, step by step together."""

    def __init__(self, workload: Workload, seeds: Sequence[int]) -> None:
        models = [workload.build(seed) for seed in seeds]
        parameters, self.buffers = stack_module_state(models)
        self.parameters = {name: nn.Parameter(value.detach()) for name, value in parameters.items()}
        self.holder = nn.ParameterList(self.parameters.values())
        self.workload, self.seeds, self.model = workload, seeds, copy.deepcopy(models[0]).train()
        self.optimizer = workload.optimizer(self.holder)
        self.last: list[Tensor] = []

    def run(self, steps: int, every: int) -> list[list[Row]]:
        rows = []
        order: list[Tensor] = []
        for taken in range(1, steps + 1):
            order = order or self._epoch(taken)
            self._step(order.pop(0))
            if taken % every == 0 or taken == steps:
                rows.append(self._evaluate(taken))
        return [list(member) for member in zip(*rows, strict=True)]

    def _epoch(self, taken: int) -> list[Tensor]:
        """The batches of an epoch, each as indices [K, n]."""
        size, count = self.workload.config.training.batch_size, len(self.workload.train)
        epoch = (taken - 1) // self.workload.steps_per_epoch
        orders = [batches(count, size, shuffle=True, seed=seed * 1_000_003 + epoch) for seed in self.seeds]
        return [torch.stack(indices) for indices in zip(*orders, strict=True)]

    def _step(self, index: Tensor) -> None:
        x, y = self.workload.train.batch(index)
        self.optimizer.zero_grad(set_to_none=True)
        losses, output = vmap(self._loss, randomness="different")(self.parameters, self.buffers, x, y)
        losses.sum().backward()
        squares = [p.grad.reshape(len(self.seeds), -1).square().sum(dim=1) for p in self.parameters.values() if p.grad is not None]
        norms = torch.stack(squares).sum(dim=0).sqrt()
        longest = self.workload.config.training.clip_grad_norm
        if longest:
            scale = (longest / (norms + 1e-6)).clamp(max=1.0)
            for p in self.parameters.values():
                p.grad.mul_(scale.view(-1, *[1] * (p.dim() - 1)))
        self.optimizer.step()
        self._measure(output.detach(), y)

    def _loss(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        output = functional_call(self.model, (parameters, buffers), (x,))
        return self.workload.objective(output, y), output

    def _measure(self, output: Tensor, y: Tensor) -> None:
        """Loss, accuracy and balanced loss of each member [K], as :class:`Meter` has them."""
        members, classes = len(self.seeds), self.workload.classes or 2
        each = vmap(lambda o, t: self.workload.criterion(o, t, reduction="none"))(output, y)
        labels = torch.arange(members, device=y.device)[:, None] * classes + y
        seen = torch.bincount(labels.reshape(-1), minlength=members * classes)
        right = torch.bincount(labels[output.argmax(dim=2) == y], minlength=members * classes)
        cost = torch.zeros(members * classes, dtype=torch.float64, device=y.device)
        cost.index_add_(0, labels.reshape(-1), each.reshape(-1).double())
        balanced = (cost / seen.clamp(min=1)).view(members, classes).mean(dim=1)
        accuracy = right.view(members, classes).sum(dim=1) / seen.view(members, classes).sum(dim=1)
        self.last = [each.mean(dim=1), accuracy, balanced]

    def _evaluate(self, taken: int) -> list[Row]:
        self.model.eval()
        split, totals = self.workload.val, torch.zeros(len(self.seeds))
        with torch.no_grad():
            for index in batches(len(split), EVALUATION_BATCH, shuffle=False, seed=0):
                x, y = split.batch(index)
                losses, output = vmap(self._loss, in_dims=(0, 0, None, None))(self.parameters, self.buffers, x, y)
                self._measure(output, as_labels(y).expand(len(self.seeds), -1))
                totals += losses.cpu() * len(y)
        self.model.train()
        return [{"step": taken, "val_loss": float(total) / len(split)} for total in totals]


class Round(NamedTuple):
    """Seconds that each way took for the same trainings, and how far the stacked ones ended from the others."""

    alone: float
    pool: float
    stack: float
    apart: float


def timed(way: Callable[[list[Job]], list[float]], jobs: list[Job], device: torch.device) -> tuple[float, list[float]]:
    """Wall-clock time, the device's included, and what came of it."""
    begin = time.perf_counter()
    losses = way(jobs)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begin, losses


class Bench:
    """The three ways over one shape on one device."""

    def __init__(self, file: ConfigFile, device: str) -> None:
        self.workload = Workload.load(file, device)
        self.alone = InProcess(file.values, self.workload)
        self.pool = Isolated(file.values, file.path, device)
        mark = fingerprint(self.workload)
        self.pool.ready(mark)
        self.pool.widen(mark)
        self.seed = 0

    def jobs(self, members: int, steps: int) -> list[Job]:
        self.seed += members
        return [Job({}, seed, steps, max(steps // LOOKS, 1), steps) for seed in range(self.seed, self.seed + members)]

    def one_after_another(self, jobs: list[Job]) -> list[float]:
        losses = [self.alone.run(job).rows[-1]["val_loss"] for job in jobs]
        self.alone.close()
        return losses

    def pooled(self, jobs: list[Job]) -> list[float]:
        with ThreadPoolExecutor(self.pool.width) as threads:
            return [outcome.rows[-1]["val_loss"] for outcome in threads.map(self.pool.run, jobs)]

    def stacked(self, jobs: list[Job]) -> list[float]:
        rows = Stacked(self.workload, [job.seed for job in jobs]).run(jobs[0].until, jobs[0].every)
        return [member[-1]["val_loss"] for member in rows]

    def round(self, members: int, steps: int) -> Round:
        jobs, device = self.jobs(members, steps), self.workload.device
        (alone, losses), (pool, _), (stack, others) = (
            timed(way, jobs, device) for way in (self.one_after_another, self.pooled, self.stacked)
        )
        return Round(alone, pool, stack, max(abs(a - b) / a for a, b in zip(losses, others, strict=True)))


def opened(name: str, folder: Path, device: str) -> Bench:
    data, net, args = SHAPES[name]
    link_code(folder)
    how = {"args": {"name": "digits", "images": True} if data == "images" else {"name": data}}
    values = {
        "model": {"factory": f"nets.py:{net}", "args": args},
        "data": {"train": "data.py:train", "val": "data.py:val", **how},
        "training": {"batch_size": 32, "epochs": 100, "optimizer": {"name": "adam", "lr": 0.001}, "clip_grad_norm": 1.0},
    }
    dump(values, folder / "config.yaml")
    return Bench(load(folder / "config.yaml"), device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=40, help="of each trial")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "There is a performance drop")  # attention has no rule for a batch of members: part of the result
    print(f"{'device':8}{'shape':38}{'K':>3}{'ms a step':>11}{'pool':>8}{'stacked':>9}{'stacked/pool':>14}{'apart':>9}")
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        for name in SHAPES:
            with tempfile.TemporaryDirectory() as folder:
                bench = opened(name, Path(folder), device)
                bench.round(2, 10)
                for members in MEMBERS:
                    report(device, name, members, options.steps, [bench.round(members, options.steps) for _ in range(options.rounds)])
                bench.pool.close()


def report(device: str, name: str, members: int, steps: int, rounds: list[Round]) -> None:
    step = 1000 * statistics.median(r.alone for r in rounds) / (steps * members)
    pool, stack, both = (
        statistics.median(ratios) for ratios in zip(*((r.alone / r.pool, r.alone / r.stack, r.pool / r.stack) for r in rounds), strict=True)
    )
    apart = max(r.apart for r in rounds)
    print(f"{device:8}{name:38}{members:3}{step:11.2f}{pool:8.2f}{stack:9.2f}{both:14.2f}{apart:9.0e}", flush=True)


if __name__ == "__main__":
    main()
