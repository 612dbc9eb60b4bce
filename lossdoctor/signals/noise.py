"""How noisy the curves are."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape
from lossdoctor.core.statistics import spread_around_zero

SPIKE = 8.0  # robust standard deviations over the running median
TALL = 0.5  # of the whole fall: a smaller spike costs little
RUNNING = 11  # points of the running median


def train_noise(train_shape: Shape) -> float:
    """Standard deviation of one (binned) point of the training loss in the later half of the run, in its unit."""
    return train_shape.noise


def val_noise(val_shape: Shape) -> float:
    """Standard deviation of one (binned) point of the validation loss in the later half of the run, in its unit."""
    return val_shape.noise


def spikes(train_loss: Curve, train_shape: Shape) -> Curve | None:
    """The points of the training loss that stand far above their neighbours; after the first tenth, possibly none.

    Far is eight robust standard deviations over the running median, and half of what the run has gained.

    Absent: the training loss has too few points to know a spike.
    """
    finite = train_loss.finite
    if len(finite) < 2 * RUNNING:
        return None
    over = finite.value - finite.smooth(RUNNING).value
    late = np.arange(len(finite)) >= len(finite) // 10
    return finite.where(late & (over > max(SPIKE * spread_around_zero(over[late]), TALL * train_shape.fall)))


def oscillation(judged: Shape) -> float:
    """The swing from point to point in the later half of the run, over the level there; 0 for a loss that is not positive."""
    return judged.noise / judged.end if judged.end > 0 and judged.best >= 0 else 0.0
