"""How noisy the curves are."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape
from lossdoctor.core.statistics import MAD_TO_SD, local_median

SPIKE = 8.0  # robust standard deviations over the running median
LASTING = 0.25  # of a spike that the next point still has: a lone point is an odd batch, not an odd step
TALL = 0.5  # of the whole fall: a smaller spike costs little
RUNNING = 11  # points of the running median; what lies closer together is one spike
WIDE = 101  # points of the running spread


def train_noise(train_shape: Shape) -> float:
    """Standard deviation of one (binned) point of the training loss in the later half of the run, in its unit."""
    return train_shape.noise


def val_noise(val_shape: Shape) -> float:
    """Standard deviation of one (binned) point of the validation loss in the later half of the run, in its unit."""
    return val_shape.noise


def spikes(train_loss: Curve, train_shape: Shape) -> Curve | None:
    """The first points of the spikes: where the training loss stands far above its neighbours; after the first tenth, possibly none.

    Far is eight robust standard deviations over the running median, and half of what the run has gained, and not gone at the next point.

    Absent: the training loss has too few points to know a spike.
    """
    finite = train_loss.finite
    if len(finite) < 2 * RUNNING:
        return None
    over = finite.value - local_median(finite.value, RUNNING)
    usual = MAD_TO_SD * local_median(np.abs(over), WIDE)
    high = over > np.maximum(SPIKE * usual, TALL * train_shape.fall)
    high[: len(finite) // 10] = False
    high[:-1] &= over[1:] > LASTING * over[:-1]
    peaks = np.flatnonzero(high)
    return finite.where(np.isin(np.arange(len(finite)), peaks[np.diff(peaks, prepend=-RUNNING) >= RUNNING]))


def oscillation(judged: Shape) -> float:
    """The swing from point to point in the later half of the run, over the level there; 0 for a loss that is not positive."""
    return judged.noise / judged.end if judged.end > 0 and judged.best >= 0 else 0.0
