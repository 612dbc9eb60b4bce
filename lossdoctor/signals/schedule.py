"""What the learning rate did, and how the loss answered."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape
from lossdoctor.core.statistics import HUGE

FEWEST = 10  # points
STILL = 1e-3  # of the fall: less is standing still
PACE = 0.03  # of the fall from one point to the next: more is moving fast
HALTED = 0.5  # of the points that must stand still
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


def halt_step(val_loss: Curve) -> float | None:
    """The step from which the validation loss stands still to a thousandth of its fall, having moved fast until then.

    A run that converges slows down first; one that halts had its learning rate or its weights taken away.

    Absent: the validation loss never came to a dead halt.
    """
    curve = val_loss.finite
    value = np.clip(curve.value, -HUGE, HUGE)
    fall = float(np.ptp(value)) if len(value) >= FEWEST else 0.0
    if fall <= 0 or value[-1] <= 0:
        return None
    moving = np.flatnonzero(np.abs(value - value[-1]) > STILL * fall)
    last = int(moving[-1]) if len(moving) else 0
    halted = len(value) - last - 1 >= max(FEWEST, HALTED * len(value))
    fast = abs(float(value[last] - value[-1])) > PACE * fall and value[0] > value[-1]
    return float(curve.step[last + 1]) if halted and fast else None
