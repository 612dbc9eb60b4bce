"""The rules of early stopping that others use, as baselines: patience, and those of Prechelt 1998, Early Stopping - But When?

Each says whether it would have stopped by the end of a series of losses, lower being better. GL, PQ and UP are looked at where a strip of
``STRIP`` evaluations ends, as in the paper.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STRIP = 5


def patience(loss: Floats, part: float) -> bool:
    """Whether the best value lies more than ``part`` of the series back."""
    return len(loss) > 3 and not np.isnan(loss).all() and bool(np.nanargmin(loss) < (1 - part) * (len(loss) - 1))


def generalization_loss(val: Floats, limit: float) -> bool:
    """GL: whether a strip ended ``limit`` per cent over the best value until then."""
    return any(_generalization_loss(val[: end + 1]) > limit for end in _ends(val))


def productivity_quotient(val: Floats, train: Floats, limit: float) -> bool:
    """PQ: whether GL over what the training loss still does within the strip, in thousandths, came over ``limit``."""
    for end in _ends(val):
        strip = train[end + 1 - STRIP : end + 1]
        progress = 1000 * (strip.mean() / strip.min() - 1) if strip.min() > 0 else np.nan
        loss = _generalization_loss(val[: end + 1])
        if np.isnan(progress) or loss > limit * max(progress, 1e-9):
            return True
    return False


def successive_rises(val: Floats, strips: int) -> bool:
    """UP: whether the values at the ends of ``strips`` successive strips each lay over the one before."""
    ends = val[_ends(val)]
    rises = ~(np.diff(ends) <= 0)
    return any(rises[i : i + strips].all() for i in range(len(rises) - strips + 1))


def _ends(val: Floats) -> range:
    return range(STRIP - 1, len(val), STRIP)


def _generalization_loss(val: Floats) -> float:
    """The last value over the best so far, in per cent; infinite where it is no number."""
    best = np.nanmin(val) if not np.isnan(val).all() else np.nan
    if not np.isfinite(val[-1]) or not np.isfinite(best):
        return np.inf
    return float(100 * (val[-1] / best - 1)) if best > 0 else 0.0
