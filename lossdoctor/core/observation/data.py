"""What is measured of the inputs, the targets, how they go together, and what the config says of the training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.curve import Floats


@dataclass(frozen=True, eq=False)
class Columns:
    """Each input feature over the ``rows`` examples that were looked at, a sample of ``total`` where there are many.

    All arrays have one entry a feature: a column of a table, a channel of images, the last axis of sequences. ``reach`` is
    the largest distance from the median in units of the middle 90 % of the values, 0 where those are all equal; ``used``
    the share of values that differ from the most usual one of zero; ``whole`` whether all values are integers.
    """

    names: tuple[str, ...]
    rows: int
    axes: int
    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    missing: Floats
    reach: Floats
    used: Floats
    whole: bool
    total: int = 0

    @classmethod
    def of(cls, x: NDArray[Any], names: tuple[str, ...] = (), total: int = 0) -> Columns:
        """Measure inputs ``x`` [n, f], [n, t, f] or images [n, c, h, w]."""
        table = by_feature(x)
        finite = np.isfinite(table)
        known = np.where(finite, table, np.nan)
        empty = ~finite.any(axis=0)
        known[:, empty] = 0.0
        q05, q50, q95 = np.nanquantile(known, [0.05, 0.5, 0.95], axis=0)
        low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
        middle = q95 - q05
        reach = np.where(middle > 0, np.maximum(high - q50, q50 - low) / np.where(middle > 0, middle, 1.0), 0.0)
        std = np.where(high > low, np.nanstd(known, axis=0), 0.0)
        return cls(
            names=names if len(names) == table.shape[1] else tuple(f"x{i}" for i in range(table.shape[1])),
            rows=len(x),
            axes=x.ndim,
            mean=np.nanmean(known, axis=0),
            std=std,
            low=low,
            high=high,
            missing=1.0 - finite.mean(axis=0),
            reach=reach,
            used=np.nan_to_num(np.where(finite, table != 0, False).mean(axis=0)),
            whole=bool((known[finite] == np.round(known[finite])).all()),
            total=max(total, len(x)),
        )

    @property
    def sample(self) -> str:
        """Words on how many examples this speaks of, where they are not all."""
        return f" (in a sample of {self.rows:,} of {self.total:,} examples)" if self.total > self.rows else ""

    @property
    def rms(self) -> Floats:
        """Root mean square of each feature: how large it is when it meets the weights."""
        return np.hypot(self.mean, self.std)

    @property
    def dense(self) -> NDArray[np.bool_]:
        """Features that vary and are not mostly zero, as one-hot and sparse counts are."""
        return (self.std > 0) & (self.used > 0.2)


@dataclass(frozen=True)
class Targets:
    """The training targets as training sees them; ``low`` to ``high`` holds them all.

    ``mean`` and ``std`` are of the column that is farthest from mean 0 and standard deviation 1; ``one_hot`` says that there are
    several columns and each row is a distribution: nowhere negative, with a sum of one;
    ``integer`` that they are stored as integers. ``order`` is the rank correlation of a single target with its place in the data.
    """

    mean: float
    std: float
    low: float
    high: float
    missing: float = 0.0
    whole: bool = False
    columns: int = 1
    one_hot: bool = False
    integer: bool = False
    order: float = 0.0


@dataclass(frozen=True, eq=False)
class Labels:
    """Examples of each class in training and validation.

    ``neighbours`` is the share of examples in stored order whose label equals that of the one before. Where each pixel of a picture has a
    class, ``pixels`` are counted in place of examples.
    """

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    neighbours: float = 0.0
    pixels: bool = False

    @property
    def shares(self) -> Floats:
        return self.train / max(int(self.train.sum()), 1)

    @property
    def chance(self) -> float:
        """Cross-entropy of a guess that knows the shares of the classes alone, in nats."""
        known = self.shares[self.shares > 0]
        return float(-(known * np.log(known)).sum())


@dataclass(frozen=True)
class Overlap:
    """``shared`` is the share of validation examples that occur, input and target, in training; ``inner`` the share of training
    examples that occur there more than once. ``fine`` says that the inputs take so many values that none are the same by chance."""

    shared: float
    inner: float
    examples: int
    fine: bool = False


@dataclass(frozen=True)
class Relation:
    """How well a forest ranks examples that it has not seen: the mean area under the curve of the classes, or the correlation.

    ``chance`` is what it would be if the inputs told nothing, ``error`` the standard error of that. For classes, ``wrong`` is the
    share of examples that it puts into another class than their label says, ``sure`` that share among the half it is surest of.
    ``table`` is False for images, of which it sees the pixels alone. ``val`` is the score on validation examples, NaN where there are
    too few, and ``val_error`` its standard error by chance. ``ordered`` is the correlation of the mean of its votes with the
    number of the class.
    """

    score: float
    chance: float
    error: float
    examples: int
    wrong: float = 0.0
    sure: float = 0.0
    table: bool = True
    val: float = float("nan")
    val_error: float = 0.0
    ordered: float = 0.0


@dataclass(frozen=True)
class Shift:
    """How well a forest tells validation inputs from training inputs: the area under the curve, 0.5 where it cannot.

    ``error`` is the standard error of that, ``feature`` the column that it goes by most.
    """

    score: float
    error: float
    feature: str
    examples: int


@dataclass(frozen=True)
class Copies:
    """Examples whose nearest neighbour in training is next to the same: closer than 5 % of the usual distance of neighbours.

    ``val`` is their share in validation, ``train`` that in training itself; ``agree`` says how many of these pairs in validation
    have equal targets, ``features`` how many numbers an example has and ``examples`` how many were asked.
    """

    val: float
    train: float
    agree: float
    features: int
    examples: int


@dataclass(frozen=True)
class Redundancy:
    """Columns of a table that say nothing new: ``pairs`` are the same up to scale and sign, ``counters`` number the examples, and
    ``identifiers`` are whole numbers that all differ, spread evenly over a wide range."""

    pairs: tuple[tuple[str, str], ...]
    counters: tuple[str, ...]
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Images:
    """How images are stored: the ``shape`` of one, and the difference of values next to each other along the last axis in units
    of that of values three apart: under 1 in a picture, over 1 where the colours lie there."""

    shape: tuple[int, ...]
    stride: float
    low: float
    high: float


@dataclass(frozen=True)
class Tokens:
    """Sequences of whole numbers: the share of ``padding`` (the value that ends or begins most of them), and of targets that are
    ``masked`` by -100; ``silent`` is the share of examples all of whose targets are. ``common`` is the share of the most frequent
    value among the places that are no padding, ``kinds`` the number of different values, ``copied`` the share of targets that equal
    the input at their place, of pairs of equal shape."""

    padding: float
    masked: float
    silent: float
    length: int
    common: float = 0.0
    kinds: int = 0
    copied: float = 0.0


@dataclass(frozen=True)
class Mirrored:
    """Of the pictures of class ``of``, a forest that has not seen them knows the share ``known``; their mirror images it takes for class
    ``seen_as`` in the share ``turned``. The class for which that is largest."""

    of: int
    seen_as: int
    known: float
    turned: float


@dataclass(frozen=True)
class Baselines:
    """What models that are fitted in a second reach on the validation data: the accuracy, or for numbers the mean squared error."""

    scores: Mapping[str, float]
    metric: str
    examples: int

    @property
    def best(self) -> str:
        """The name of the best."""
        choose = max if self.metric == "accuracy" else min
        return choose(self.scores, key=lambda name: self.scores[name])

    def beat(self, net: float, errors: float, share: float) -> bool:
        """Whether the best is better than a net by so many standard errors, and errs at most the share of what the net does."""
        best = self.scores[self.best]
        if self.metric == "accuracy":
            error = math.sqrt((best * (1 - best) + net * (1 - net)) / self.examples)
            return best - net > errors * error and 1 - best < share * (1 - net)
        return best < share * net * (1 - errors / math.sqrt(self.examples))


@dataclass(frozen=True)
class Plan:
    """What the config says of the training; ``spent`` is the share of its steps at less than 5 % of the highest learning rate,
    ``weights`` are those that it gives to the classes itself, and ``smoothing`` is the share of a label that goes to all alike."""

    task: str = "classification"
    loss: str = "cross_entropy"
    optimizer: str = "adam"
    lr: float = 1e-3
    arguments: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 64
    epochs: int = 30
    steps: int = 600
    examples: int = 1000
    shuffle: bool = True
    balanced: bool = False
    clipped: bool = False
    warms_up: bool = False
    augmented: bool = False
    custom: bool = False
    spent: float = 0.0
    classes: int | None = None
    chance: float | None = None
    weights: tuple[float, ...] = ()
    smoothing: float = 0.0


def by_feature(x: NDArray[Any]) -> Floats:
    """Inputs as a table with one column a feature [m, f]: images by channel, sequences by their last axis."""
    values = np.asarray(x, dtype=np.float64)
    if values.ndim == 4:
        return np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])
    return values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(-1, 1)
