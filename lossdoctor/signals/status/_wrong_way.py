"""The rules of a loss that goes up, or up and down."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.shape import Shape
from lossdoctor.signals.status._case import FEW, FEWEST, RISES, Case, falls_again, fraction_after, over, sick, turns

CLIMBS = 3.0  # standard errors of the trend of the later half
HARDER = 0.8  # of what the validation loss was: where it fell so far, a training loss that rose got harder examples
APART = 2.0  # times the training loss: a validation loss that has parted from it
PARTED = 4.0  # times the training loss: a validation loss so far above it needs no more evidence from few points than from many
STEADY = 0.1  # of its level: a swing of the validation loss that is none


def diverging(case: Case) -> Verdict | None:
    """The training loss (or the only one) ends significantly above its own earlier level and is not on its way back."""
    shape = case.losses[-1]
    low = min(shape.best, shape.first)
    rise = shape.end - low
    if rise <= 0 or shape.tail.z < -1.9 or shape.curve.value[-1] <= low or _got_harder(case, shape):
        return None
    significance = over(rise, shape.error) / 6
    lasting = _share_above(shape, low + 0.5 * rise) / 0.15
    if shape.half.z > CLIMBS:
        lasting = max(lasting, _share_above(shape, low + 0.1 * rise) / 0.3)
    back = over(rise, shape.fall) / 0.3
    ratio = (shape.end / low - 1) / 0.5 if low > 0 and shape.end > 0.03 * shape.start else 0.0
    held = 1 - _share_above(shape, low + 0.5 * rise, anywhere=True)
    above = min(significance, lasting, max(back, ratio), over(rise, 0.05 * abs(low)), held / 0.05)
    if above < 1:
        return None
    step = shape.best_step if shape.best <= shape.first else float(shape.curve.step[0])
    text = f"{shape.curve.label} rose from {case.show(low)} at step {step:g} to {case.show(shape.end)} and does not come back."
    if case.sign < 0:
        text = text.replace(" rose ", " fell ")
    return sick(case, Status.DIVERGING, above, text, shape, onset=step, stop=step)


def _got_harder(case: Case, train: Shape) -> bool:
    """Whether validation fell clearly since the training loss was lowest: what rose was the difficulty of the examples."""
    val = case.val
    if val is None or val is train or case.sign < 0 or val.end <= 0:
        return False
    before = val.curve.until(train.best_step).smooth(3).value
    return len(before) > 0 and val.end + val.error < HARDER * float(before[-1])


def _share_above(shape: Shape, level: float, anywhere: bool = False) -> float:
    """The share of the points over ``level``: of those at the end without a break (but for lone ones), or anywhere."""
    above = shape.curve.smooth(3).value > level
    if anywhere or above.all():
        return float(above.mean())
    return float(above[::-1].argmin() / len(above))


def overfitting(case: Case) -> Verdict | None:
    """The validation loss has risen from its best by more than its noise while the training loss kept falling."""
    val, train = case.val, case.train
    if val is None or len(val.curve) < FEWEST or val.rise <= 0 or case.sign < 0:
        return None
    if falls_again(val):
        return None
    significance = max(over(val.rise, val.error) / 3.5, val.half.z / RISES)
    of_best = over(val.rise, abs(val.best))
    size = min(max(over(val.rise, val.fall) / 0.03, of_best / 0.07), of_best / 0.04)
    kept = 1.0
    if train is not None:
        before = train.curve.until(val.best_step).smooth(3).value
        then = float(before[-1]) if len(before) else train.start
        kept = over(then - train.end, 2 * train.error)
        if train.end >= val.end:
            return None
        if then - train.end > -3 * train.error:  # noise may hide the fall of a training loss that is far below
            kept = max(kept, over(val.end, train.end) / APART)
    above = min(significance, size, kept, fraction_after(val, val.best_step) / 0.15)
    if above < 1:
        return None
    if case.few and train is not None and val.end > PARTED * train.end > 0:
        above *= 1.4
    text = f"{val.curve.label} was best at step {val.best_step:g} ({val.best:.4g}) and has risen to {val.end:.4g} since."
    return sick(case, Status.OVERFITTING, above, text, val, onset=val.best_step, stop=val.best_step)


def oscillating(case: Case) -> Verdict | None:
    """Swings that are large against the level and against all that was gained."""
    shape = case.judged
    if min(shape.start, shape.end) <= 0 or shape.best < 0 or len(shape.curve) < FEW or shape.half.z < -1.9:
        return None
    level = float(np.median(shape.curve.value[len(shape.curve) // 2 :]))
    swing = over(shape.noise, level)
    gained = max(shape.start - level, 0.0)
    on_train = case.val is None or case.val.curve.label != shape.curve.label
    if on_train and case.val is not None and case.val.noise < STEADY * case.val.end:
        return None  # the swings are those of the batches: validation, always of the same examples, does not share them
    batches = on_train and len(shape.curve) > 60  # single steps: their batches differ, whatever the weights do
    large = swing / (0.35 if batches else 0.2 if len(shape.curve) >= 20 else 0.3)
    above = min(large, level / shape.start / 0.6, 3 * over(shape.noise, gained), turns(shape) / 0.3, 4 / max(shape.gained, 0.1))
    if above < 1:
        return None
    text = f"{shape.curve.label} swings by {swing:.0%} of its level and makes no net progress."
    return sick(case, Status.OSCILLATING, above, text, shape, onset=shape.best_step, stop=shape.best_step)


def recurring(case: Case) -> Verdict | None:
    """A loss that repeats itself from a level that it does not leave; medians pass over its peaks."""
    if case.period is None or case.level_kept is None or case.train is None or case.val is not None or case.sign < 0:
        return None
    shape = case.train
    value = shape.curve.value[len(shape.curve) // 2 :]
    above = min(over(float(value.std()), float(value.mean())) / 0.4, case.level_kept / 0.6)
    if above < 1:
        return None
    text = f"{shape.curve.label} repeats itself every {case.period:g} points and makes no net progress."
    return sick(case, Status.OSCILLATING, above + 0.5, text, shape, onset=float(shape.curve.step[0]), stop=float(shape.curve.step[0]))
