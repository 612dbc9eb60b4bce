"""Measuring a workload: forward and backward passes and a few steps, on models built for the purpose and then forgotten.

Nothing here draws a conclusion, and nothing changes what a training would have been: every measurement runs inside
``untouched``, on models of its own.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lossdoctor.core.errors import UserCodeError
from lossdoctor.core.observation import (
    Baselines,
    Columns,
    Comparison,
    Copies,
    Gradients,
    Images,
    Labels,
    OneBatch,
    Output,
    Overlap,
    Pass,
    Plan,
    RangeTest,
    Redundancy,
    Relation,
    Shift,
    ShortRun,
    Start,
    Targets,
    Tokens,
)
from lossdoctor.lab.augment import augment
from lossdoctor.lab.data import Batch, Split, TensorSplit
from lossdoctor.lab.fit import Schedule, predictions, stream
from lossdoctor.lab.tape import record, twins
from lossdoctor.lab.workload import INDEX, Workload, as_labels

IGNORED = -100  # the label that torch leaves out of a loss
ROWS = 100_000  # examples that the data checks look at
VALUES = 10_000_000  # input values that they look at
KNOWN = 1_000_000  # training examples that validation examples are compared with
CHUNK = 10_000  # examples read at once for that
EXAMPLES = 128  # examples of a forward pass, fewer where each is large
FEW = 8  # examples of a forward pass however large each is
NUMBERS = 400_000  # input values of a forward pass
OPERATIONS = 2e10  # floating-point operations of a forward pass: under a second on two cores
STEPS = 40  # steps of the short training
SWEEP = 100  # steps of the range test (Smith 2017), fewer where each is slow
FEWEST = 25  # steps without which it is left out
SEEDS = 3
SECONDS = 4.0  # what one measurement may take before it makes do with fewer seeds or steps
MANY = 200  # weights from which on a direction among them says something
BLIND = 120  # steps of the comparison with inputs of zero

P = ParamSpec("P")
R = TypeVar("R")
Array = NDArray[Any]


@contextmanager
def untouched(device: torch.device) -> Iterator[None]:
    """Every random state is afterwards what it was before: torch on CPU and GPU, numpy's and Python's own."""
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


def measurement(function: Callable[P, R]) -> Callable[P, R]:
    """Runs a measurement of a workload without a trace in the random states."""

    @functools.wraps(function)
    def measure(*args: P.args, **kwargs: P.kwargs) -> R:
        workload = args[0]
        assert isinstance(workload, Workload)
        with untouched(workload.device):
            return function(*args, **kwargs)

    return measure


@measurement
def arrays(workload: Workload, split: Split) -> tuple[Array, Array] | None:
    """Inputs and targets of a split as arrays, a sample of a large one; None for batches that are no pair of tensors."""
    count = len(split)
    index = torch.arange(count)
    limit = min(ROWS, max(EXAMPLES, VALUES // max(split.x[0].numel(), 1))) if isinstance(split, TensorSplit) else EXAMPLES
    if count > limit:
        index = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:limit].sort().values
    batch = split.batch(index)
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        return None
    return batch[0].cpu().numpy(), batch[1].cpu().numpy()


def columns(workload: Workload, split: Split) -> Columns | None:
    """The features of a split; None where the inputs are integers for an embedding, or no array."""
    found = arrays(workload, split)
    if found is None or found[0].dtype.kind != "f" or not found[0].size:
        return None
    return Columns.of(found[0], workload.features, len(split))


def targets(workload: Workload) -> Targets | None:
    """The targets as training sees them; None where they are no array."""
    found = arrays(workload, workload.train)
    if found is None:
        return None
    y = found[1].astype(float).reshape(len(found[1]), -1)
    known = np.where(np.isfinite(y), y, np.nan)
    if np.isnan(known).all():
        return None
    mean, std = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    worst = int(np.argmax(np.abs(np.log10(np.hypot(mean, std) + 1e-12))))
    whole = bool((known[np.isfinite(y)] == np.round(known[np.isfinite(y)])).all())
    alone = y.shape[1] == 1 and len(y) > 2 and std[0] > 0
    return Targets(
        float(mean[worst]),
        float(std[worst]),
        float(np.nanmin(known)),
        float(np.nanmax(known)),
        float(np.isnan(known).mean()),
        whole,
        y.shape[1],
        one_hot=y.shape[1] > 1 and bool((y >= 0).all()) and bool(np.allclose(y.sum(axis=1), 1.0, atol=1e-3)),
        integer=found[1].dtype.kind in "iu",
        order=float(np.corrcoef(np.arange(len(y)), y[:, 0].argsort(kind="stable").argsort())[0, 1]) if alone else 0.0,
    )


def labels(workload: Workload) -> Labels | None:
    """Examples by class; None where the targets are no class indices."""
    train, val = _labels(workload), workload.splits[1]
    if train is None or workload.classes is None:
        return None
    seen = as_labels(val.y).cpu().numpy() if isinstance(val, TensorSplit) else np.zeros(0, dtype=np.int64)
    neighbours = float((train[1:] == train[:-1]).mean()) if len(train) > 1 else 0.0
    return Labels(np.bincount(train, minlength=workload.classes), np.bincount(seen, minlength=workload.classes), neighbours)


def overlap(workload: Workload) -> Overlap | None:
    """How many validation examples are in the training data, bit by bit; None where the examples are no arrays."""
    train, val = workload.splits
    if not isinstance(train, TensorSplit) or not isinstance(val, TensorSplit) or len(train) < 2 or train.x.shape[1:] != val.x.shape[1:]:
        return None
    known = Counter(_prints(train, KNOWN))
    asked = list(_prints(val, ROWS))
    shared = sum(mark in known for mark in asked) / len(asked)
    return Overlap(shared, sum(count for count in known.values() if count > 1) / known.total(), len(asked))


@measurement
def relation(workload: Workload) -> Relation | None:
    """Whether the inputs, a table, sequences or pixels, tell anything of the targets; None for other data, and where there is little."""
    from lossdoctor.lab import forest  # scikit-learn takes a second to import

    found = arrays(workload, workload.splits[0])
    if found is None or found[0].ndim not in (2, 3, 4) or found[0].dtype.kind != "f" or found[1].size != len(found[1]):
        return None
    if not np.isfinite(found[1]).all() or (workload.task == "classification" and _labels(workload) is None):
        return None
    val = arrays(workload, workload.splits[1])
    fits = val is not None and val[0].shape[1:] == found[0].shape[1:] and val[1].size == len(val[1]) and np.isfinite(val[1]).all()
    seen = forest.relation(*found, val if fits else None, classes=workload.task == "classification")
    return replace(seen, table=found[0].ndim == 2) if seen else None


def shift(workload: Workload) -> Shift | None:
    """Whether validation inputs can be told from training inputs; None for data that are no numbers in arrays, or few."""
    from lossdoctor.lab import forest

    pairs = _both(workload)
    return forest.shift(pairs[0][0], pairs[1][0], workload.features) if pairs else None


def likeness(workload: Workload) -> Array | None:
    """The correlation of each feature with the targets [f], absolute; None where there is no table with several features."""
    found = arrays(workload, workload.splits[0])
    if found is None or found[0].ndim != 2 or found[0].shape[1] < 2 or len(found[0]) < 20:
        return None
    x, y = found[0].astype(float), found[1].astype(float)
    if y.size != len(y) or not np.isfinite(x).all() or not np.isfinite(y).all():
        return None
    x, y = x - x.mean(axis=0), y.reshape(-1) - y.mean()
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return np.asarray(np.abs(y @ x) / np.where(scale > 0, scale, np.inf))


def copies(workload: Workload) -> Copies | None:
    """How many validation examples are next to the same as a training example; None for data that are no numbers in arrays."""
    from lossdoctor.lab import copies as search  # scikit-learn takes a second to import

    pairs = _both(workload)
    if pairs is None or not all(np.isfinite(x).all() for x, _ in pairs):
        return None
    return search.copies(*pairs)


def redundancy(workload: Workload) -> Redundancy | None:
    """Columns of the training table that are copies of others, or count its rows; None for other data."""
    from lossdoctor.lab import copies as search

    found = arrays(workload, workload.splits[0])
    if found is None or found[0].ndim != 2 or found[0].shape[1] < 2 or len(found[0]) < 50 or not np.isfinite(found[0]).all():
        return None
    known = workload.features
    names = known if len(known) == found[0].shape[1] else tuple(f"x{i}" for i in range(found[0].shape[1]))
    return search.redundancy(found[0], names) if found[0].dtype.kind == "f" else None


def images(workload: Workload) -> Images | None:
    """How the training images are stored; None where the inputs are no images [n, a, b, c]."""
    found = arrays(workload, workload.train)
    if found is None or found[0].ndim != 4 or found[0].dtype.kind != "f" or not np.isfinite(found[0]).all():
        return None
    x = found[0][:500]
    near = np.abs(np.diff(x, axis=3)).mean()
    far = np.abs(x[..., 3:] - x[..., :-3]).mean() if x.shape[3] > 3 else 0.0
    return Images(x.shape[1:], float(near / far) if far > 0 else 0.0, float(x.min()), float(x.max()))


@measurement
def tokens(workload: Workload) -> Tokens | None:
    """Padding and masked targets of sequences of whole numbers; None for other inputs."""
    batch = examples(workload, EXAMPLES)
    if isinstance(batch, Mapping):
        ids, labels = batch.get("input_ids"), batch.get("labels")
    elif isinstance(batch, tuple | list) and len(batch) == 2:
        ids, labels = batch
    else:
        return None
    if not isinstance(ids, Tensor) or ids.is_floating_point() or ids.dim() != 2 or ids.shape[1] < 2:
        return None
    blank = _runs(ids, int(torch.mode(torch.cat([ids[:, 0], ids[:, -1]])).values))
    mask = batch.get("attention_mask") if isinstance(batch, Mapping) else None
    if isinstance(mask, Tensor) and mask.shape == ids.shape:
        blank = mask == 0
    hidden = labels == IGNORED if isinstance(labels, Tensor) and not labels.is_floating_point() else torch.zeros(1, 1)
    hidden = hidden.reshape(len(hidden), -1).float()
    kinds, counts = np.unique(ids[~blank].cpu().numpy(), return_counts=True)
    common = float(counts.max() / counts.sum()) if len(counts) else 0.0
    return Tokens(
        float(blank.float().mean()), float(hidden.mean()), float(hidden.min(dim=1).values.mean()), ids.shape[1], common, len(kinds)
    )


def baselines(workload: Workload) -> Baselines | None:
    """What simple models reach on the validation data; None for data that are no table or images with one target."""
    from lossdoctor.lab import baselines as simple

    pairs = _both(workload)
    if pairs is None or any(y.size != len(y) or not np.isfinite(y).all() for _, y in pairs):
        return None
    if workload.task == "classification" and _labels(workload) is None:
        return None
    if workload.task == "regression" and workload.loss_name != "mse_loss":
        return None
    return simple.baselines(*pairs, classes=workload.task == "classification")


def plan(workload: Workload) -> Plan:
    """What the config says of the training."""
    training, optimizer = workload.config.training, workload.config.training.optimizer
    known = _labels(workload) is not None or workload.classes is None
    return Plan(
        task=workload.task,
        loss=workload.loss_name,
        optimizer=optimizer.name.lower(),
        lr=optimizer.lr,
        arguments=optimizer.arguments,
        batch_size=training.batch_size,
        epochs=training.epochs,
        steps=workload.steps,
        examples=len(workload.train),
        shuffle=training.shuffle,
        balanced=training.sampler is not None or training.class_weights is not None,
        clipped=training.clip_grad_norm is not None,
        warms_up=training.scheduler is not None and training.scheduler.name in ("onecycle", "warmup_cosine"),
        augmented=bool(workload.config.data.augment),
        custom=training.step is not None or ":" in workload.loss_name,
        spent=_spent(workload),
        classes=workload.classes,
        chance=workload.chance() if known else None,
    )


@measurement
def computable(workload: Workload) -> bool:
    """Whether the loss takes the labels; labels out of range and one-hot integers are passed over, other faults the user is to hear."""
    if workload.config.training.step is not None or (seen := output(workload)) is None:
        return True
    found = arrays(workload, workload.splits[0])
    if found is not None and workload.loss_name == "binary_cross_entropy" and found[1].dtype.kind in "iuf":
        return bool(np.nanmin(found[1]) >= 0 and np.nanmax(found[1]) <= 1)
    if found is None or workload.loss_name not in INDEX or found[1].dtype.kind == "f":
        return True
    if found[1].ndim == 2 and found[1].shape[1] > 1 and len(seen.shape) == 2:
        return False
    return bool(found[1].min() >= 0 or found[1].min() == IGNORED) and bool(found[1].max() < seen.shape[1] if len(seen.shape) > 1 else True)


@measurement
def forward_pass(workload: Workload) -> Pass:
    """The operations of a forward pass of the untrained model on training examples, in training mode."""
    model = fresh(workload)
    return record(model, lambda: workload.loss(model, examples(workload)))[1]


@measurement
def gradients(workload: Workload) -> Gradients:
    """The gradient of the loss of the untrained model, by layer."""
    model = fresh(workload)
    if not any(p.requires_grad for p in model.parameters()):
        return Gradients((), *(np.zeros(0),) * 4, frozen=tuple(_weights(model)), random=_random(workload, model), frozen_share=1.0)
    (loss, _), seen = record(model, lambda: workload.loss(model, examples(workload)))
    unknown = _unknown(model, loss)
    if unknown:  # what a pass makes anew, as inputs that are asked for their gradient, is gone in the next
        kept = _unknown(model, workload.loss(model, examples(workload))[0])
        unknown = [t for t in unknown if any(t is other for other in kept)]
    loss.backward()
    order = {operation.layer: place for place, operation in reversed(list(enumerate(seen.operations)))}
    weights = _weights(model)
    learn = sorted(
        (name for name, p in weights.items() if p.requires_grad and p.grad is not None and _layer(name) in order),
        key=lambda name: order[_layer(name)],
    )
    grads = [_grad(weights[name]) for name in learn]
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    return Gradients(
        tuple(learn),
        norm=np.array([float(g.norm()) for g in grads]),
        rms=np.array([float(g.square().mean().sqrt()) for g in grads]),
        weight=np.array([float(weights[name].detach().float().norm()) for name in learn]),
        zeros=np.array([float((g == 0).float().mean()) for g in grads]),
        absent=tuple(name for name, p in model.named_parameters() if p.requires_grad and p.grad is None),
        frozen=tuple(frozen),
        random=_random(workload, model),
        frozen_share=sum(p.numel() for p in frozen.values()) / max(sum(p.numel() for p in model.parameters()), 1),
        loss=float(loss.detach()),
        unknown=tuple(" x ".join(map(str, t.shape)) for t in unknown),
        inward=_inward([(weights[name].detach(), g) for name, g in zip(learn, grads, strict=True)]),
    )


@measurement
def output(workload: Workload) -> Output | None:
    """What the model can put out; None where a custom step hides the output or it is no tensor."""
    model = fresh(workload).eval()
    batch = examples(workload)
    if workload.config.training.step is not None:
        return None

    def run() -> Tensor:
        with torch.no_grad():
            value = model(workload.as_model_input(model, batch[0]))
        return value.detach().float() if isinstance(value, Tensor) else torch.zeros(0)

    first, seen = record(model, run)
    if first.numel() == 0 or first.dim() == 0:
        return None
    met = [first, *(run() for _ in _extremes(model, seen))]
    everything = torch.cat([value.reshape(-1) for value in met])
    everything = everything[torch.isfinite(everything)]
    if not len(everything):
        return None
    low, high = float(everything.min()), float(everything.max())
    return Output(
        *(tuple(first.shape), _kind(met), low, high),
        mean=float(first.mean()),
        std=float(first.std(correction=0)),
        edge=float(((first == low) | (first == high)).float().mean()),
        distinct=_told_apart(batch[0], met),
    )


@measurement
def start(workload: Workload) -> Start:
    """The loss of untrained models of several seeds."""
    batch = examples(workload)
    return Start(np.array([_loss(workload, fresh(workload, seed), batch) for seed in _seeds(workload)]))


@measurement
def short_run(workload: Workload) -> ShortRun:
    """A few steps exactly as configured."""
    seed = workload.config.training.seed
    model = fresh(workload)
    optimizer = workload.optimizer(model)
    batch = examples(workload)
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    losses, norms = [_loss(workload, model, batch)], []
    started = time.monotonic()
    schedule = Schedule(optimizer, workload.config.training.scheduler, workload)
    for place, data in enumerate(stream(workload, seed, STEPS)):
        norms.append(_step(workload, model, optimizer, data, place))
        schedule.batch()
        losses.append(_loss(workload, model, batch))
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
    seeds = _seeds(workload)[: max(1, int(2 * SECONDS / tempo / (steps + 2 * short)))]
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
            losses.append(_loss(workload, model, data) if rate is None and place >= steps * 3 // 4 else float(loss.detach()))
            if time.monotonic() - started > SECONDS or not np.isfinite(losses[-1]):
                return None
        first = losses[0] if change is plain else first
        ends.append(np.array(losses[-max(len(losses) // 4, 1) :]))
    if len(ends[0]) != len(ends[1]):
        return None
    error = float((ends[1] - ends[0]).std() / len(ends[0]) ** 0.5)
    return Comparison(first, float(ends[0].mean()), float(ends[1].mean()), error, steps)


def examples(workload: Workload, most: int = EXAMPLES) -> Batch:
    """The same few random training examples for every measurement, ``most`` of them and fewer where each is large or the model is."""
    train = workload.train
    one = train.batch(torch.arange(1))
    size = one[0].numel() if isinstance(one, tuple | list) and isinstance(one[0], Tensor) else 1024
    affordable = min(NUMBERS // max(size, 1), int(OPERATIONS / max(_operations(workload), 1.0)))
    count = min(len(train), max(FEW, min(most, affordable)))
    return train.batch(torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:count])


def _operations(workload: Workload) -> float:
    """Floating-point operations of a forward pass for one example, as torch counts them; 0 where it cannot, or the loss fails."""
    kept: float | None = workload.__dict__.get("_operations")
    if kept is None:
        pair = torch.arange(min(2, len(workload.train)))
        kept = 0.0
        with contextlib.suppress(UserCodeError), torch.no_grad(), untouched(workload.device), FlopCounterMode(display=False) as counter:
            workload.loss(fresh(workload), workload.train.batch(pair))
            kept = counter.get_total_flops() / len(pair)
        workload.__dict__["_operations"] = kept
    return kept


def _both(workload: Workload) -> tuple[tuple[Array, Array], tuple[Array, Array]] | None:
    """Training and validation as arrays, of decimal numbers and the same shape; None for other data."""
    train, val = (arrays(workload, split) for split in workload.splits)
    if train is None or val is None or train[0].ndim < 2 or train[0].shape[1:] != val[0].shape[1:] or train[0].dtype.kind != "f":
        return None
    return train, val


def _labels(workload: Workload) -> Array | None:
    """The class of each training example [n]; None for a regression and for labels that are no indices of classes."""
    if workload.task != "classification" or workload.targets is None:
        return None
    y = workload.targets
    if float(y.min()) < 0 or (y.is_floating_point() and not bool((y == y.round()).all())) or float(y.max()) > len(y):
        return None
    if y.dim() > 2 or (y.dim() == 2 and y.shape[1] > 1 and not bool((y.sum(dim=1) == 1).all())):
        return None
    return np.asarray(as_labels(y).cpu().numpy())


def fresh(workload: Workload, seed: int | None = None) -> nn.Module:
    """The untrained model in training mode. That of the configured seed is built once and copied: large ones take a second to draw."""
    first = workload.config.training.seed
    if seed is not None and seed != first:
        return workload.build(seed).train()
    built: dict[int, nn.Module] = workload.__dict__.setdefault("_built", {})
    if first not in built:
        built[first] = workload.build(first)
    torch.manual_seed(first)
    try:
        return copy.deepcopy(built[first]).train()
    except (RuntimeError, TypeError):  # a model that holds what cannot be copied
        return workload.build(first).train()


def _seeds(workload: Workload) -> range:
    first = workload.config.training.seed
    return range(first, first + SEEDS)


def _prints(split: TensorSplit, most: int) -> Iterator[int]:
    """A fingerprint of each example, input and target, of the first ``most``."""
    for begin in range(0, min(len(split), most), CHUNK):
        x, y = (part[begin : min(begin + CHUNK, most)].cpu().numpy() for part in (split.x, split.y))
        for one, target in zip(x, y, strict=True):
            yield hash((one.tobytes(), target.tobytes()))


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: p for name, p in model.named_parameters() if p.dim() > 1}


def _runs(ids: Tensor, value: int) -> Tensor:
    """Where a value fills the beginning or the end of the sequences [n, t]."""
    same = (ids == value).long()
    return (same.cumprod(dim=1) + same.flip(1).cumprod(dim=1).flip(1)) > 0


def _layer(name: str) -> str:
    """The module that a parameter belongs to, as the tape names it."""
    return name.rpartition(".")[0] or "the model"


def _grad(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    grad = (parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad).detach()
    return (grad.abs() if grad.is_complex() else grad).float()


def _unknown(model: nn.Module, loss: Tensor) -> list[Tensor]:
    """The tensors at which the backward pass of a loss ends, and that are no parameters of the model."""
    known = {id(p) for p in model.parameters()}
    waiting, met, found = [loss.grad_fn], set[Any](), []
    while waiting:
        node = waiting.pop()
        if node is None or node in met:
            continue
        met.add(node)
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, Tensor) and id(leaf) not in known:
            found.append(leaf)
        waiting += [following for following, _ in node.next_functions]
    return found


def _inward(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The cosine of the gradient with the weights, or with their signs, whichever is larger; 0 for a handful of weights."""
    pairs = [(w.float(), g) for w, g in pairs if not w.is_complex()]
    if sum(w.numel() for w, _ in pairs) < MANY:
        return 0.0
    size = sum(float(g.square().sum()) for _, g in pairs) ** 0.5
    cosines = []
    for toward in (torch.clone, torch.sign):
        sum_of_squares = sum(float(toward(w).square().sum()) for w, _ in pairs)
        along = sum(float((g * toward(w)).sum()) for w, g in pairs)
        cosines.append(along / (size * sum_of_squares**0.5) if size > 0 and sum_of_squares > 0 else 0.0)
    return max(cosines)


def _spent(workload: Workload) -> float:
    """The share of the epochs at less than 5 % of the highest rate, for schedules that move by epoch and wait for no loss."""
    section = workload.config.training.scheduler
    if section is None or section.name not in ("step", "exponential"):
        return 0.0
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=workload.config.training.optimizer.lr)
    schedule, rates = Schedule(optimizer, section, workload), []
    for _ in range(workload.config.training.epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.per_epoch.step()
    return float(np.mean(np.array(rates) < 0.05 * max(rates)))


def _random(workload: Workload, model: nn.Module) -> tuple[str, ...]:
    """Frozen parameters that come out different for another seed: nothing was learned that freezing could keep."""
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad and p.dim() > 1]
    if not frozen:
        return ()
    other = dict(workload.build(workload.config.training.seed + 1).named_parameters())
    here = dict(model.named_parameters())
    return tuple(name for name in frozen if not torch.equal(here[name], other[name]))


def _extremes(model: nn.Module, seen: Pass) -> Iterator[None]:
    """Put large random weights, and their negatives, in the place of those of the last layer that has any."""
    looked_up = (o.layer for o in reversed(seen.operations) if o.kind == "embedding")
    last = next((o.layer for o in reversed(seen.weighted)), next(looked_up, ""))
    module = dict(model.named_modules()).get(last, model)
    parameters = list(module.parameters(recurse=module is not model))
    generator = torch.Generator().manual_seed(0)
    for size in (0.3, 30.0) if parameters else ():
        noise = [size * torch.randn(p.shape, generator=generator) / max(p[0].numel() if p.dim() > 1 else 1, 1) ** 0.5 for p in parameters]
        for sign in (1.0, -1.0):
            for p, value in zip(parameters, noise, strict=True):
                p.data = (sign * value).to(p.device, p.dtype)
            yield


def _told_apart(x: Any, met: list[Tensor]) -> float:
    """The share of different inputs that get an output of their own, at best; 1 where that cannot be counted."""
    if not isinstance(x, Tensor) or len(met) == 1 or any(len(out) != len(x) for out in met):
        return 1.0
    inputs = len(torch.unique(x.reshape(len(x), -1).cpu(), dim=0))
    if inputs < FEW:
        return 1.0
    outputs = 0
    for out in met:
        rows = out.reshape(len(out), -1).cpu()
        rows = rows[torch.isfinite(rows).all(dim=1)]
        scale = float(rows.abs().max()) if len(rows) else 0.0
        outputs = max(outputs, len(torch.unique((rows / max(scale, 1e-30) * 1e5).round(), dim=0)))
    return min(1.0, outputs / inputs)


def _kind(met: list[Tensor]) -> str:
    """The range of a model's outputs, from what was met under very different weights."""
    met = [value.reshape(len(value), -1) if value.dim() == 1 else value for value in met]
    finite = [kept for value in met if len(kept := value[torch.isfinite(value).flatten(1).all(dim=1)])]
    if not finite:
        return "free"
    low, high = min(float(v.min()) for v in finite), max(float(v.max()) for v in finite)
    if len(met) == 1:  # no weights that could be put in its place: nothing is known of what it can reach
        return "free"
    if len(finite) > 1 and all(torch.allclose(v, finite[0].mean(), atol=1e-6) for v in finite):
        return "constant"
    table = [v.flatten(2).transpose(1, 2).reshape(-1, v.shape[1]) if v.dim() > 2 else v for v in finite]
    rows = [v.reshape(-1, v.shape[-1]) for v in finite]
    for way in (table, rows):
        if way[0].shape[-1] > 1 and all(_sums_to_one(v) for v in way) and low >= 0:
            return "softmax"
        if way[0].shape[-1] > 1 and high <= 1e-6 and all(_sums_to_one(v.exp()) for v in way):
            return "log_softmax"
    if low >= 0:
        return "sigmoid" if high <= 1 + 1e-6 else "relu"
    return "tanh" if low >= -1 - 1e-6 and high <= 1 + 1e-6 else "free"


def _sums_to_one(values: Tensor) -> bool:
    return bool(torch.allclose(values.sum(dim=-1), torch.ones(values.shape[:-1], device=values.device), atol=1e-4))


def _loss(workload: Workload, model: nn.Module, batch: Batch) -> float:
    """The loss in training mode, with the same dropout masks every time."""
    with torch.no_grad(), untouched(workload.device):
        torch.manual_seed(0)
        return float(workload.loss(model, batch)[0])


def _step(workload: Workload, model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, place: int) -> float:
    """One optimizer step; the norm of the gradient before clipping."""
    optimizer.zero_grad(set_to_none=True)
    workload.loss(model, augment(batch, workload.config.data.augment, place, workload.mixable))[0].backward()  # type: ignore[no-untyped-call]
    limit = workload.config.training.clip_grad_norm or float("inf")
    norm = nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], limit)
    optimizer.step()
    return float(norm)


def _twins(model: nn.Module) -> dict[str, float]:
    return {_layer(name): twins(p) for name, p in model.named_parameters() if name.endswith("weight") and p.dim() > 1}


def _most_guessed(workload: Workload, out: Tensor) -> float:
    guesses = predictions(workload, out) if workload.classes is not None and workload.config.training.step is None else None
    return float(torch.bincount(guesses).max() / len(guesses)) if guesses is not None and len(guesses) else 0.0


def _constant_loss(workload: Workload, batch: Batch) -> float | None:
    """The loss of the best constant guess on a batch."""
    if not isinstance(batch, tuple | list) or workload.chance() is None or not isinstance(batch[1], Tensor):
        return None
    y = batch[1]
    if workload.classes is not None and _labels(workload) is None:
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
        _loss(workload, model, batch)
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
        losses[place] = _loss(workload, model, batch)
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
        losses.append(_loss(workload, model, batch))
        if not np.isfinite(losses[-1]):
            return float("inf")
    return float(np.median(losses[-steps // 4 :]))
