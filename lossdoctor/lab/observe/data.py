"""What is known without the model: the inputs, the targets, how they go together, and what the config says of the training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lossdoctor.core.observation import (
    Baselines,
    Columns,
    Copies,
    Images,
    Labels,
    Mirrored,
    Overlap,
    Plan,
    Redundancy,
    Relation,
    Shift,
    Targets,
    Tokens,
)
from lossdoctor.lab.data import Split, TensorSplit
from lossdoctor.lab.fit import Schedule
from lossdoctor.lab.observe.common import EXAMPLES, examples, measurement
from lossdoctor.lab.workload import INDEX, Workload, as_labels

LEVELS = 255  # the highest class of a pixel
IGNORED = -100  # the label that torch leaves out of a loss
ROWS = 100_000  # examples that the data checks look at
VALUES = 10_000_000  # input values that they look at
KNOWN = 1_000_000  # training examples that validation examples are compared with
CHUNK = 10_000  # examples read at once for that
TARGETS, ASKED = 64, 3  # of an example, at most, and how many of them are asked about
RELATED = 0.1  # of a forest's score over chance, with which a target is told
FEWEST = 20  # different examples that show how fine the inputs are

Array = NDArray[Any]


class Arrays(NamedTuple):
    """Inputs ``x`` [n, ...] and targets ``y`` [n, ...]."""

    x: Array
    y: Array


@measurement
def arrays(workload: Workload, split: Split) -> Arrays | None:
    """Inputs and targets of a split as arrays, a sample of a large one; None for batches that are no pair of tensors."""
    count = len(split)
    index = torch.arange(count)
    limit = min(ROWS, max(EXAMPLES, VALUES // max(split.x[0].numel(), 1))) if isinstance(split, TensorSplit) else EXAMPLES
    if count > limit:
        index = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:limit].sort().values
    batch = split.batch(index)
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        return None
    return Arrays(batch[0].cpu().numpy(), batch[1].cpu().numpy())


def columns(workload: Workload, split: Split) -> Columns | None:
    """The features of a split; None where the inputs are integers for an embedding, or no array."""
    found = arrays(workload, split)
    if found is None or found.x.dtype.kind != "f" or not found.x.size:
        return None
    return Columns.of(found.x, workload.features, len(split))


def targets(workload: Workload) -> Targets | None:
    """The targets as training sees them; None where they are no array."""
    found = arrays(workload, workload.train)
    if found is None:
        return None
    y = found.y.astype(float).reshape(len(found.y), -1)
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
        integer=found.y.dtype.kind in "iu",
        order=float(np.corrcoef(np.arange(len(y)), y[:, 0].argsort(kind="stable").argsort())[0, 1]) if alone else 0.0,
    )


def labels(workload: Workload) -> Labels | None:
    """Examples by class, or pixels where each has one; None where the targets are no class indices."""
    train, val = indices(workload), workload.splits[1]
    if train is None or workload.classes is None:
        return _pixels(workload)
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
    return Overlap(shared, sum(count for count in known.values() if count > 1) / known.total(), len(asked), _fine(train))


@measurement
def relation(workload: Workload) -> Relation | None:
    """Whether the inputs, a table, sequences or pixels, tell anything of the targets; None for other data, and where there is little.

    Of several targets an example, the few that vary most are asked one by one, until one is told.
    """
    from lossdoctor.lab.observe import forest  # scikit-learn takes a second to import

    train, val = (arrays(workload, split) for split in workload.splits)
    classes = workload.task == "classification"
    if train is None or train.x.ndim not in (2, 3, 4) or train.x.dtype.kind != "f" or train.y.size > TARGETS * len(train.y):
        return None
    if not np.isfinite(train.y).all() or (classes and train.y.size == len(train.y) and indices(workload) is None):
        return None
    if val is not None and not (all(a.shape[1:] == b.shape[1:] for a, b in zip(val, train, strict=True)) and np.isfinite(val.y).all()):
        val = None
    best: Relation | None = None
    for y, y_val in _varied(train.y, val.y if val else train.y[:0]):
        told = forest.relation(train.x, y, (val.x, y_val) if val else None, classes=classes)
        best = max(filter(None, (best, told)), key=lambda one: one.score, default=None)
        if best is not None and best.score > best.chance + RELATED:
            break
    return replace(best, table=train.x.ndim == 2) if best else None


def _varied(y: Array, y_val: Array) -> Iterator[tuple[Array, Array]]:
    """The one target of each example [n], or the few that vary most, each with its validation values; one-hot rows are one target."""
    y, y_val = y.reshape(len(y), -1), y_val.reshape(len(y_val), y[0].size)
    if y.shape[1] > 1 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        y, y_val = y.argmax(axis=1)[:, None], y_val.argmax(axis=1)[:, None]
    for place in np.argsort(-y.var(axis=0), kind="stable")[:ASKED]:
        yield y[:, place], y_val[:, place]


def shift(workload: Workload) -> Shift | None:
    """Whether validation inputs can be told from training inputs; None for data that are no numbers in arrays, or few."""
    from lossdoctor.lab.observe import forest

    both = _both(workload)
    return forest.shift(both[0].x, both[1].x, workload.features) if both else None


def mirrored(workload: Workload) -> Mirrored | None:
    """What a forest takes the mirror image of each class for; None for what is no picture with a class, or is never mirrored."""
    from lossdoctor.lab.observe import forest

    if not any(step.get("flip", 0) for step in workload.config.data.augment):
        return None
    found, classes = arrays(workload, workload.splits[0]), indices(workload)
    if found is None or classes is None or found.x.ndim not in (3, 4) or found.x.dtype.kind != "f" or len(found.x) != len(classes):
        return None
    return forest.mirrored(found.x, classes)


def likeness(workload: Workload) -> Array | None:
    """The correlation of each feature with the targets [f], absolute; None where there is no table with several features."""
    found = arrays(workload, workload.splits[0])
    if found is None or found.x.ndim != 2 or found.x.shape[1] < 2 or len(found.x) < 20:
        return None
    x, y = (part.astype(float) for part in found)
    if y.size != len(y) or not np.isfinite(x).all() or not np.isfinite(y).all():
        return None
    x, y = x - x.mean(axis=0), y.reshape(-1) - y.mean()
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return np.asarray(np.abs(y @ x) / np.where(scale > 0, scale, np.inf))


def copies(workload: Workload) -> Copies | None:
    """How many validation examples are next to the same as a training example; None for data that are no numbers in arrays."""
    from lossdoctor.lab.observe import duplicates  # scikit-learn takes a second to import

    both = _both(workload)
    if both is None or not all(np.isfinite(x).all() for x, _ in both):
        return None
    return duplicates.copies(*both)


def redundancy(workload: Workload) -> Redundancy | None:
    """Columns of the training table that are copies of others, or count its rows; None for other data."""
    from lossdoctor.lab.observe import duplicates

    found = arrays(workload, workload.splits[0])
    if found is None or found.x.dtype.kind != "f" or found.x.ndim != 2 or not np.isfinite(found.x).all():
        return None
    rows, count = found.x.shape
    if count < 2 or rows < 50:
        return None
    names = workload.features if len(workload.features) == count else tuple(f"x{i}" for i in range(count))
    return duplicates.redundancy(found.x, names)


def images(workload: Workload) -> Images | None:
    """How the training images are stored; None where the inputs are no images [n, a, b, c]."""
    found = arrays(workload, workload.train)
    if found is None or found.x.ndim != 4 or found.x.dtype.kind != "f" or not np.isfinite(found.x).all():
        return None
    x = found.x[:500]
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
    copied = 0.0
    if not isinstance(batch, Mapping) and isinstance(labels, Tensor) and labels.shape == ids.shape:  # in a mapping, models shift
        copied = float(torch.eq(labels, ids)[~blank].float().mean().nan_to_num())
    silent = float(hidden.min(dim=1).values.mean())
    return Tokens(float(blank.float().mean()), float(hidden.mean()), silent, ids.shape[1], common, len(kinds), copied)


def baselines(workload: Workload) -> Baselines | None:
    """What simple models reach on the validation data; None for data that are no table or images with one target."""
    from lossdoctor.lab.observe import simple_models

    both = _both(workload)
    if both is None or any(y.size != len(y) or not np.isfinite(y).all() for _, y in both):
        return None
    if workload.task == "classification" and indices(workload) is None:
        return None
    if workload.task == "regression" and workload.loss_name != "mse_loss":
        return None
    return simple_models.baselines(*both, classes=workload.task == "classification")


def plan(workload: Workload) -> Plan:
    """What the config says of the training."""
    training, optimizer = workload.config.training, workload.config.training.optimizer
    known = indices(workload) is not None or workload.classes is None
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
        weights=tuple(training.class_weights) if isinstance(training.class_weights, list) else (),
        smoothing=training.label_smoothing,
    )


def _both(workload: Workload) -> tuple[Arrays, Arrays] | None:
    """Training and validation as arrays, of decimal numbers and the same shape; None for other data."""
    train, val = (arrays(workload, split) for split in workload.splits)
    if train is None or val is None or train.x.ndim < 2 or train.x.shape[1:] != val.x.shape[1:] or train.x.dtype.kind != "f":
        return None
    return train, val


def indices(workload: Workload) -> Array | None:
    """The class of each training example [n]; None for a regression and for labels that are no indices of classes."""
    if workload.task != "classification" or workload.targets is None:
        return None
    y = workload.targets
    if float(y.min()) < 0 or (y.is_floating_point() and not bool((y == y.round()).all())) or float(y.max()) > len(y):
        return None
    if y.dim() > 2 or (y.dim() == 2 and y.shape[1] > 1 and not bool((y.sum(dim=1) == 1).all())):
        return None
    return np.asarray(as_labels(y).cpu().numpy())


def _prints(split: TensorSplit, most: int) -> Iterator[int]:
    """A fingerprint of each example, input and target, of the first ``most``."""
    for begin in range(0, min(len(split), most), CHUNK):
        x, y = (part[begin : min(begin + CHUNK, most)].cpu().numpy() for part in (split.x, split.y))
        for one, target in zip(x, y, strict=True):
            yield hash((one.tobytes(), target.tobytes()))


def _pixels(workload: Workload) -> Labels | None:
    """Pixels by class; None where the targets are no pictures of classes [n, rows, columns]."""
    y = workload.targets
    if y is None or y.dim() != 3 or y.is_floating_point() or not 1 <= int(y.max()) <= LEVELS or workload.loss_name not in INDEX:
        return None
    val, classes = workload.splits[1], int(y.max()) + 1
    parts = [part[:EXAMPLES].reshape(-1) for part in (y, val.y if isinstance(val, TensorSplit) else y[:0])]
    train, seen = (np.bincount(part[(part >= 0) & (part < classes)].cpu().numpy(), minlength=classes) for part in parts)
    return Labels(train, seen, pixels=True)


def _fine(split: TensorSplit) -> bool:
    """Whether some input takes a value of its own in nearly every different example, as measurements do and counts do not."""
    if not split.x.is_floating_point():
        return False
    x = split.x[:EXAMPLES].flatten(1)
    different = len(torch.unique(x, dim=0))
    return different >= FEWEST and any(len(torch.unique(column)) > 0.9 * different for column in x[:, :CHUNK].T)


def _runs(ids: Tensor, value: int) -> Tensor:
    """Where a value fills the beginning or the end of the sequences [n, t]."""
    same = (ids == value).long()
    return (same.cumprod(dim=1) + same.flip(1).cumprod(dim=1).flip(1)) > 0


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
