"""What an examination of data, model and gradients measures: plain numbers and arrays, no tensors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
class Independence:
    """What an output depends on besides its own input, in evaluation mode, in units of the spread of the outputs.

    ``mixed`` is how far the output of an example moves when the others of its batch are exchanged, ``random`` when the same
    batch is given once more.
    """

    mixed: float
    random: float


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


@dataclass(frozen=True)
class Curvature:
    """The loss along the first update: ``critical`` is the learning rate beyond which that step raises the loss (Kalra 2026), and
    ``noise_scale`` the batch size at which noise and gradient are of equal size (McCandlish 2018), in examples."""

    critical: float
    noise_scale: float


@dataclass(frozen=True)
class Pace:
    """Seconds that a step waits for its batch and then takes; ``idle`` names an accelerator that is there and not used."""

    fetch: float
    step: float
    idle: str = ""
    double: bool = False


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


@dataclass(frozen=True)
class Operation:
    """One operation of a forward pass, by the values that came out of it.

    ``kind`` is ``weighted``, ``activation``, ``norm``, ``dropout``, ``recurrent``, ``attention`` or ``embedding``. ``std`` is the
    spread over the examples, root mean square over the units; ``rms`` the size of the values. ``dead`` is the share of units that
    are zero for every example, ``saturated`` the share of values within 1 % of a bound of the function. ``bare`` names the
    weighted layer that feeds this one through nothing but linear operations. ``gain`` is the spread of the weights in units
    of 1/sqrt(fan-in): 0.58 for torch's default, 1 for Xavier, 1.4 for Kaiming. ``rank`` is the number of directions in which
    the examples differ (participation ratio of the variances).
    """

    layer: str
    kind: str
    function: str
    std: float = 1.0
    rms: float = 1.0
    units: int = 1
    inputs: int = 1
    dead: float = 0.0
    saturated: float = 0.0
    bare: str = ""
    gain: float = 1.0
    rate: float = 0.0
    values: int = 1
    finite: bool = True
    twins: float = 0.0
    rank: float = 2.0


@dataclass(frozen=True)
class Pass:
    """A forward pass in training mode: its operations in order, and how the input arrives at the first layer with weights.

    ``rescaled`` says that the model itself changed the scale of its inputs first, from the root mean square ``given`` to ``arrives``;
    ``last`` is the kind of the operation that made the output of ``examples`` examples, ``broke`` the first operation that made
    NaN or infinity from finite numbers. ``channels`` is how many the first layer takes an image to have.
    """

    operations: tuple[Operation, ...]
    rescaled: bool = False
    last: str = ""
    broke: str = ""
    examples: int = 1
    given: float = 1.0
    arrives: float = 1.0
    channels: int = 0

    @property
    def weighted(self) -> list[Operation]:
        return [o for o in self.operations if o.kind in ("weighted", "recurrent", "attention")]

    @property
    def hidden(self) -> list[Operation]:
        """The activations that another layer with weights follows."""
        pairs = itertools.pairwise([o for o in self.operations if o.kind in ("weighted", "recurrent", "attention", "activation")])
        return [a for a, b in pairs if a.kind == "activation" and b.kind != "activation"]


@dataclass(frozen=True, eq=False)
class Gradients:
    """One backward pass: the gradient's norm of each layer with weights, in the order of the forward pass.

    ``rms`` is the norm over the square root of the number of weights; ``weight`` the norm of the weights themselves. ``absent``
    names the layers that no gradient reached, ``frozen`` those told not to learn, of which ``random`` depend on the seed
    and so hold nothing that was learned before; ``frozen_share`` counts their weights among all. ``unknown`` are the shapes of
    tensors that get a gradient and are no parameters of the model, so that no optimizer is told of them. ``inward`` is the cosine
    of the gradient with the weights, or their signs: near 1 where a penalty on the weights outweighs the data.
    """

    layers: tuple[str, ...]
    norm: Floats
    rms: Floats
    weight: Floats
    zeros: Floats
    absent: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    random: tuple[str, ...] = ()
    frozen_share: float = 0.0
    loss: float = 1.0
    unknown: tuple[str, ...] = ()
    inward: float = 0.0

    @property
    def total(self) -> float:
        return float(np.sqrt((self.norm**2).sum()))


@dataclass(frozen=True, eq=False)
class Output:
    """What the model can put out, from the start and from its last layer replaced by large random weights and their negatives.

    ``shape`` is that of the output of ``shape[0]`` examples; ``kind`` is ``softmax``, ``log_softmax``, ``sigmoid`` (within 0 and 1),
    ``tanh`` (within -1 and 1), ``relu`` (never negative), ``constant`` or ``free``. ``mean`` and ``std`` are those at the start,
    ``edge`` the share of values that are exactly the lowest or the highest even then. ``distinct`` is the share of different inputs
    that get outputs of their own, for the weights that tell most apart.
    """

    shape: tuple[int, ...]
    kind: str
    low: float
    high: float
    mean: float = 0.0
    std: float = 1.0
    edge: float = 0.0
    distinct: float = 1.0


@dataclass(frozen=True)
class Reward:
    """What a loss of the user's own gives to outputs that are made up: the lowest it reaches for outputs that follow the targets, for
    ``constant`` ones and for outputs that go ``against`` the targets, and what it gives to outputs ``far`` against them."""

    following: float
    constant: float
    against: float
    far: float


@dataclass(frozen=True)
class Felt:
    """Where a loss feels a target: of the change in its gradient by the outputs when one target changes, the share at the one place
    where it is largest; ``places`` is how many there are in a batch."""

    focus: float
    places: int


@dataclass(frozen=True)
class Reach:
    """Of the ``steps`` of a sequence, the ``share`` at its end that an output of the untrained model depends on."""

    steps: int
    share: float


@dataclass(frozen=True)
class Mirrored:
    """Of the pictures of class ``of``, a forest that has not seen them knows the share ``known``; their mirror images it takes for class
    ``seen_as`` in the share ``turned``. The class for which that is largest."""

    of: int
    seen_as: int
    known: float
    turned: float


@dataclass(frozen=True, eq=False)
class Start:
    """The loss of untrained models on the same examples, one value a seed."""

    losses: Floats


@dataclass(frozen=True, eq=False)
class ShortRun:
    """A few steps as configured: losses on fixed examples before each step [n + 1], and the gradient's norm at each [n].

    ``ratio`` is the median over layers of the update's norm over the weights' norm. ``unchanged`` names parameters that can
    learn but did not move. ``after`` is a forward pass at the end, ``guesses`` the share of the most frequent predicted class.
    ``evaluated`` is the loss on the same examples at the end, in evaluation mode, and ``trained`` that in training mode.
    """

    losses: Floats
    norms: Floats
    ratio: float
    unchanged: tuple[str, ...]
    after: Pass
    guesses: float = 0.0
    twins: Mapping[str, float] = field(default_factory=dict)
    trained: float = float("nan")
    evaluated: float = float("nan")


@dataclass(frozen=True)
class OneBatch:
    """Training on the same few examples, regularization off: the loss at the start, at the best, and of the best constant guess."""

    first: float
    best: float
    chance: float
    steps: int
    examples: int


@dataclass(frozen=True)
class Comparison:
    """The loss after as many ``steps`` of two trainings that differ in one thing: ``first`` before, ``plain`` and ``changed`` after.

    ``error`` is the standard error of the difference of the two.
    """

    first: float
    plain: float
    changed: float
    error: float
    steps: int


@dataclass(frozen=True, eq=False)
class RangeTest:
    """A sweep of the learning rate (Smith 2017), one row a seed: ``losses`` [seeds, steps] at ``rates`` [steps], NaN after a stop.

    ``suggested`` and ``limit`` have one value a seed: the rate of steepest descent, and the one from which the loss rises.
    Where the configured rate was compared with the suggested, ``configured`` are the losses [compared] after ``slow`` steps at the
    one, ``proposed`` those after ``steps`` at the other and ``first`` those before; where it lies close enough to need no
    comparison, they are empty.
    """

    rates: Floats
    losses: Floats
    suggested: Floats
    limit: Floats
    first: Floats
    configured: Floats
    proposed: Floats
    slow: int
    steps: int

    @property
    def rate(self) -> float:
        """The suggested learning rate: the median over the seeds."""
        return float(np.median(self.suggested))

    @property
    def compared(self) -> bool:
        """Whether the configured rate lies so far from the suggested one that it had to be compared with it."""
        return len(self.configured) > 0

    @property
    def agreement(self) -> float:
        """1 where all seeds suggest the same rate, falling to 0 where they differ by a factor of ten."""
        return float(np.clip(1.0 - np.ptp(np.log10(self.suggested)), 0.0, 1.0))


def sweep(configured: float, proposed: float, first: float = 2.3, suggested: float = 0.02) -> RangeTest:
    """A range test of three agreeing seeds, for the examples of checks."""
    rates = np.geomspace(1e-6, 10.0, 100)
    rows = np.tile(np.where(rates < suggested, first, proposed), (3, 1))
    rate, limit, start, paced, fast = (np.full(3, value) for value in (suggested, 5 * suggested, first, configured, proposed))
    return RangeTest(rates, rows, rate, limit, start, paced, fast, slow=40, steps=40)


def by_feature(x: NDArray[Any]) -> Floats:
    """Inputs as a table with one column a feature [m, f]: images by channel, sequences by their last axis."""
    values = np.asarray(x, dtype=np.float64)
    if values.ndim == 4:
        return np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])
    return values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(-1, 1)
