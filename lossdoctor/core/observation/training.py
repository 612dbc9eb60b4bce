"""What is measured of the model's first steps: as configured, at other learning rates, with inputs or targets changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lossdoctor.core.curve import Floats
from lossdoctor.core.observation.model import Pass


@dataclass(frozen=True)
class StepTime:
    """Seconds that a step waits for its batch and then takes; ``idle`` names an accelerator that is there and not used."""

    fetch: float
    step: float
    idle: str = ""
    double: bool = False


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
class Ablation:
    """Two trainings that differ in one thing: the loss ``first``, before, and ``plain`` and ``changed``, after as many ``steps`` of each.

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
