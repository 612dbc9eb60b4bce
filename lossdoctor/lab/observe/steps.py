"""What short trainings show: the first steps as configured, one batch learned by heart, the range test, and comparisons of two."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lossdoctor.core.observation import Comparison, OneBatch, RangeTest, ShortRun
from lossdoctor.lab.augment import augment
from lossdoctor.lab.data import Batch
from lossdoctor.lab.fit import Schedule, predictions, stream
from lossdoctor.lab.observe.common import EXAMPLES, FEW, examples, fresh, layer_of, loss_of, measurement, seeds_of
from lossdoctor.lab.observe.data import indices
from lossdoctor.lab.tape import record, twins
from lossdoctor.lab.workload import Workload, as_labels

STEPS = 40  # steps of the short training
SWEEP = 100  # steps of the range test (Smith 2017), fewer where each is slow
FEWEST = 25  # steps without which it is left out
SECONDS = 4.0  # what one measurement may take before it makes do with fewer seeds or steps
BLIND = 120  # steps of the comparison with inputs of zero

Array = NDArray[Any]


@measurement
def short_run(workload: Workload) -> ShortRun:
    """A few steps exactly as configured."""
    seed = workload.config.training.seed
    model = fresh(workload)
    optimizer = workload.optimizer(model)
    batch = examples(workload)
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    losses, norms = [loss_of(workload, model, batch)], []
    started = time.monotonic()
    schedule = Schedule(optimizer, workload.config.training.scheduler, workload)
    for place, data in enumerate(stream(workload, seed, STEPS)):
        norms.append(_step(workload, model, optimizer, data, place))
        schedule.batch()
        losses.append(loss_of(workload, model, batch))
        if not np.isfinite(losses[-1]) or time.monotonic() - started > SECONDS:
            break
    after = dict(model.named_parameters())
    moved = {name: float((after[name].detach() - old).norm()) for name, old in before.items()}
    ratios = [
        moved[name] / len(norms) ** 0.5 / float(old.norm()) for name, old in before.items() if old.dim() > 1 and float(old.norm()) > 0
    ]
    with torch.no_grad():
        (_, out), seen = record(model, lambda: workload.loss(model, batch))
        trained = float(workload.loss(_undropped(model), batch)[0])
        evaluated = float(workload.loss(model.eval(), batch)[0])
    return ShortRun(
        np.array(losses),
        np.array(norms),
        ratio=float(np.median(ratios)) if ratios else float("nan"),
        unchanged=tuple(name for name, size in moved.items() if size == 0.0),
        after=seen,
        guesses=_most_guessed(workload, out),
        twins=_twins(model),
        trained=trained,
        evaluated=evaluated,
    )


@measurement
def one_batch(workload: Workload, steps: int = 300, count: int = 16) -> OneBatch | None:
    """Train on a few examples alone without dropout and weight decay, by Adam at two rates; None where the loss has no known floor."""
    index = torch.randperm(len(workload.train), generator=torch.Generator().manual_seed(0))[:count]
    batch = workload.train.batch(index)
    chance = _constant_loss(workload, batch)
    if chance is None or chance <= 0:
        return None
    first, best, taken, started = float("nan"), float("inf"), 0, time.monotonic()
    for rate in (3e-3, 3e-2):
        model = fresh(workload)
        _undropped(model)
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
        for step in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = workload.loss(model, batch)[0]
            first = float(loss.detach()) if step == 0 and rate == 3e-3 else first
            best = min(best, float(loss.detach()))
            taken += 1
            if best < 0.05 * chance or not torch.isfinite(loss):
                break
            passed = time.monotonic() - started
            if passed > SECONDS or (step == 2 and passed > SECONDS / 4):
                return None
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if best < 0.05 * chance:
            break
    return OneBatch(first, best, chance, taken, len(index))


@measurement
def range_test(workload: Workload) -> RangeTest | None:
    """Sweep the rate of the configured optimizer, then compare the suggested with the configured one; None where a step is too slow."""
    lr = workload.config.training.optimizer.lr
    batch = examples(workload, EXAMPLES // 2)
    tempo = _tempo(workload, batch)
    steps = min(SWEEP, int(SECONDS / tempo)) if tempo else 0
    if steps < FEWEST:
        return None
    rates = np.geomspace(min(1e-6, lr / 10), max(10.0, lr * 10), steps)
    short = min(STEPS, steps // 2)
    seeds = seeds_of(workload)[: max(1, int(2 * SECONDS / tempo / (steps + 2 * short)))]
    losses = [_sweep(workload, seed, rates, batch) for seed in seeds]
    read = [(seed, row, *pair) for seed, row in zip(seeds, losses, strict=True) if (pair := _read_sweep(rates, row))]
    if not read or len(read) < min(2, len(losses)):
        return None
    known, rows, suggested, limit = zip(*read, strict=True)
    swept, rises = np.array(rows), np.array(suggested)

    def ends(rate: float) -> Array:
        return np.array([_after(workload, seed, rate, batch, short) for seed in known])

    proposed = ends(float(np.median(rises)))
    if np.median(proposed) > 0.95 * np.median(swept[:, 0]):  # momentum lags behind a sweep: it falls steepest where it soon blows up
        rises, proposed = rises / 10, ends(float(np.median(rises)) / 10)
    return RangeTest(rates, swept, rises, np.array(limit), swept[:, 0], ends(lr), proposed, short)


@measurement
def blind(workload: Workload) -> Comparison | None:
    """The same training with inputs and with inputs that are all alike; None where a step is slow or a step of the user's hides them.

    Karpathy's input-independent baseline: by Adam at 0.003, without dropout, a first few steps alone.
    """
    batch = examples(workload)
    if workload.config.training.step is not None or not isinstance(batch, tuple | list) or not isinstance(batch[0], Tensor):
        return None

    def alike(data: Batch) -> Batch:
        x, *rest = data
        return [torch.zeros_like(x) if x.is_floating_point() else x[:1].expand_as(x), *rest]

    return _compared(workload, lambda data, _: data, lambda data, _: alike(data), BLIND, rate=3e-3)


@measurement
def augmentation(workload: Workload) -> Comparison | None:
    """The same first steps with and without the configured changes of training batches; None where there are none, or a step is slow."""
    made = workload.config.data.augment
    if not made:
        return None
    return _compared(workload, lambda data, _: data, lambda data, place: augment(data, made, place, workload.mixable), BLIND)


def _compared(
    workload: Workload, plain: Callable[[Batch, int], Batch], changed: Callable[[Batch, int], Batch], steps: int, rate: float | None = None
) -> Comparison | None:
    """Two trainings on the same batches, each passed through a function; judged on the mean loss of the last quarter of batches."""
    if _step_seconds(workload) > SECONDS / 4:
        return None
    ends, first = [], float("nan")
    for change in (plain, changed):
        model = _undropped(fresh(workload))
        learn = [p for p in model.parameters() if p.requires_grad]
        optimizer = workload.optimizer(model) if rate is None else torch.optim.Adam(learn, lr=rate)
        losses, started = [], time.monotonic()
        for place, data in enumerate(stream(workload, workload.config.training.seed, steps)):
            seen = change(data, place)
            optimizer.zero_grad(set_to_none=True)
            loss = workload.loss(model, seen)[0]
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss_of(workload, model, data) if rate is None and place >= steps * 3 // 4 else float(loss.detach()))
            if time.monotonic() - started > SECONDS or not np.isfinite(losses[-1]):
                return None
        first = losses[0] if change is plain else first
        ends.append(np.array(losses[-max(len(losses) // 4, 1) :]))
    if len(ends[0]) != len(ends[1]):
        return None
    error = float((ends[1] - ends[0]).std() / len(ends[0]) ** 0.5)
    return Comparison(first, float(ends[0].mean()), float(ends[1].mean()), error, steps)


def _step(workload: Workload, model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, place: int) -> float:
    """One optimizer step; the norm of the gradient before clipping."""
    optimizer.zero_grad(set_to_none=True)
    workload.loss(model, augment(batch, workload.config.data.augment, place, workload.mixable))[0].backward()  # type: ignore[no-untyped-call]
    limit = workload.config.training.clip_grad_norm or float("inf")
    norm = nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], limit)
    optimizer.step()
    return float(norm)


def _twins(model: nn.Module) -> dict[str, float]:
    return {layer_of(name): twins(p) for name, p in model.named_parameters() if name.endswith("weight") and p.dim() > 1}


def _most_guessed(workload: Workload, out: Tensor) -> float:
    guesses = predictions(workload, out) if workload.classes is not None and workload.config.training.step is None else None
    return float(torch.bincount(guesses).max() / len(guesses)) if guesses is not None and len(guesses) else 0.0


def _constant_loss(workload: Workload, batch: Batch) -> float | None:
    """The loss of the best constant guess on a batch."""
    if not isinstance(batch, tuple | list) or workload.chance() is None or not isinstance(batch[1], Tensor):
        return None
    y = batch[1]
    if workload.classes is not None and indices(workload) is None:
        return None
    if workload.classes is not None:
        share = torch.bincount(as_labels(y)).float() / len(y)
        return float(-(share[share > 0] * share[share > 0].log()).sum())
    guess = y.median(dim=0).values if workload.loss_name == "l1_loss" else y.mean(dim=0)
    return float(workload.criterion(guess.expand_as(y), y))


def _undropped(model: nn.Module) -> nn.Module:
    """The same model, its dropout turned off."""
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d | nn.AlphaDropout):
            module.p = 0.0
        elif isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            module.dropout = 0.0
    return model


def _tempo(workload: Workload, batch: Batch) -> float:
    """Seconds that a step and a look at the loss take; 0 where a step is so large that three of them would take too long."""
    if _step_seconds(workload) > SECONDS:
        return 0.0
    model = fresh(workload)
    optimizer = workload.optimizer(model)
    for place, data in enumerate(stream(workload, workload.config.training.seed, 3)):
        if place == 1:  # the first pays for memory and imports
            started = time.monotonic()
        _step(workload, model, optimizer, data, place)
        loss_of(workload, model, batch)
    return (time.monotonic() - started) / 2


def _step_seconds(workload: Workload) -> float:
    """At most so many seconds a step takes: those of a step on a few examples, times how many more a batch holds."""
    kept: float | None = workload.__dict__.get("_step_seconds")
    if kept is None:
        model, few = fresh(workload), examples(workload, FEW)
        optimizer = workload.optimizer(model)
        for place in range(2):  # the first pays for memory and imports
            begin = time.monotonic()
            _step(workload, model, optimizer, few, place)
        kept = workload.__dict__["_step_seconds"] = (time.monotonic() - begin) * max(1.0, workload.config.training.batch_size / FEW)
    return kept


def _sweep(workload: Workload, seed: int, rates: Array, batch: Batch) -> Array:
    """The losses on ``batch`` before each step of a training whose rate rises; NaN after it has blown up."""
    model = fresh(workload, seed)
    optimizer = workload.optimizer(model)
    losses = np.full(len(rates), np.nan)
    for place, (rate, data) in enumerate(zip(rates, stream(workload, seed, len(rates)), strict=True)):
        losses[place] = loss_of(workload, model, batch)
        if not np.isfinite(losses[place]):
            losses[place] = np.nan
            break
        if losses[place] > 4 * max(np.nanmin(losses[: place + 1]), 0.25 * losses[0]) + 1e-12:
            break
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        _step(workload, model, optimizer, data, place)
    return losses


def _read_sweep(rates: Array, losses: Array) -> tuple[float, float] | None:
    """The rate of steepest descent and the one at which the loss is lowest; None where it never fell."""
    known = np.isfinite(losses)
    x, y = np.log10(rates[known]), losses[known]
    if len(y) < 10:
        return None
    smooth = np.convolve(np.pad(y, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    bottom = int(np.argmin(smooth))
    if bottom < 3 or smooth[0] - smooth[bottom] < 0.02 * abs(smooth[0]):
        return None
    steepest = int(np.argmin(np.gradient(smooth[: bottom + 1], x[: bottom + 1])))
    return float(10 ** x[steepest]), float(10 ** x[bottom])


def _after(workload: Workload, seed: int, rate: float, batch: Batch, steps: int) -> float:
    """The median loss over the last quarter of a short training at a rate."""
    model = fresh(workload, seed)
    optimizer = workload.optimizer(model)
    for group in optimizer.param_groups:
        group["lr"] = rate
    losses = []
    for place, data in enumerate(stream(workload, seed, steps)):
        _step(workload, model, optimizer, data, place)
        losses.append(loss_of(workload, model, batch))
        if not np.isfinite(losses[-1]):
            return float("inf")
    return float(np.median(losses[-steps // 4 :]))
