"""What the learning rate did, and how the loss answered."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape

SPENT = 0.05  # of its peak: a learning rate this low moves little


def lr_spent_step(lr: Curve) -> float | None:
    """The step after which the learning rate stayed under 5 % of its peak.

    Absent: the learning rate was never brought down to nothing for good.
    """
    rate = lr.finite
    if len(rate) < 3 or rate.max <= 0:
        return None
    high = np.flatnonzero(rate.value > SPENT * rate.max)
    return float(rate.step[high[-1] + 1]) if len(high) and high[-1] + 1 < len(rate) else None


def fall_before_spent(judged: Shape, lr_spent_step: float) -> float | None:
    """The part of the whole fall that happened in the stretch just before the learning rate was spent, as long as a twentieth of the run.

    Absent: the loss was not logged around the step where the learning rate was spent.
    """
    curve = judged.curve
    width = 0.05 * float(curve.step[-1] - curve.step[0])
    before = curve.value[curve.step < lr_spent_step]  # the loss at the drop itself answers to the drop
    at = before[-1] if len(before) else np.nan
    earlier = curve.until(lr_spent_step - width).value
    if not len(earlier) or judged.fall <= 0 or len(before) == len(earlier):
        return None
    return float((earlier[-1] - at) / judged.fall)
