"""The rules of a loss that never left the level of a guess, or that of its start."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.shape import Shape
from lossdoctor.signals.generalization import ROUND_CLASSES
from lossdoctor.signals.status._case import FEW, Case, sick

COMMON_CLASSES = (2, 3, 10, 100, 1000)  # a level alone is taken for ln C of these only
KNOWN = 0.85  # times the validation loss: a training loss below it knows something
STILL = 0.005  # of its level: what moves less stands still


def guessing(case: Case) -> Verdict | None:
    """Stuck at what a constant guess gets."""
    if case.reached is not None and case.learned is not None and (case.learned > 0.15 or _good(case.accuracy)) and not case.constant_guess:
        return None
    chance = min(_at_chance(shape, case.reached) for shape in case.losses)
    above = max(chance, _idle(case), _unmoved(case), 4.0 if case.constant_guess else 0.0)
    return _nothing_learned(case, above, "at the level of a constant guess")


def _idle(case: Case) -> float:
    """Over 1 where the accuracy is low and has not moved, under a loss that has long been flat."""
    if case.reached is None or case.learned is None or case.judged.settled_fraction > 0.3 or case.judged.tail_fall > 0.05:
        return 0.0
    if case.relative_fall > 0.5 or case.cut:
        return 0.0  # the training loss did fall, or may have
    return min(0.6 / max(case.reached, 0.3), 0.03 / max(case.learned, 0.01), 2.0)


def _unmoved(case: Case) -> float:
    """Over 1 where a low accuracy has not risen under a loss far higher than it explains: whatever fell, nothing was learned.

    A constant guess that is right with probability a has a cross-entropy of -ln a; a model of text may have more at a high a.
    """
    if case.reached is None or case.learned is None or not 0 < case.reached < 0.5 or case.sign < 0 or case.cut:
        return 0.0
    explained = -0.9 * math.log(case.reached) if case.reached < 0.2 else 0.5 - 1.5 * math.log(case.reached)
    return min(min(shape.end for shape in case.losses) / explained, 0.06 / max(case.learned, 0.01), 0.5 / case.reached)


def never_learned(case: Case) -> Verdict | None:
    """No significant fall since the start."""
    if case.reached is not None and case.learned is not None and (case.learned > 0.15 or _good(case.accuracy)):
        return None
    if case.few and case.accuracy is None and not _still(case.val):
        return None  # a handful of points without a trend is too short, not ill
    if case.cut or _learned_before(case):
        return None
    flat = min(_flatness(shape, case.sign) for shape in case.losses)
    above = max(flat, _above_first(case), _no_better_on_validation(case))
    return _nothing_learned(case, above, "where it began")


def _still(val: Shape | None) -> bool:
    """Whether the validation loss stood still all the time."""
    return val is not None and abs(val.relative_fall) < STILL and val.noise < STILL * abs(val.end)


def _learned_before(case: Case) -> bool:
    """Whether the training loss has been far below the validation loss from the start: fine-tuning, no constant guess."""
    train, val = case.train, case.val
    return train is not None and val is not None and case.sign > 0 and 0 < max(train.start, train.end) < KNOWN * min(val.start, val.end)


def _no_better_on_validation(case: Case) -> float:
    """Over 1 where the validation loss has been flat since it was first measured, and the training loss only came down to it."""
    train, val = case.train, case.val
    if train is None or val is None or case.sign < 0 or len(val.curve) < FEW or train.end < val.end - 2 * train.error:
        return 0.0
    return _flatness(val, case.sign) if train.settled_fraction < 0.5 and train.end > KNOWN * val.end else 0.0


def _above_first(case: Case) -> float:
    """Over 1 where every loss ends clearly above the very first training loss and never was far below it."""
    first = case.losses[-1].first
    if case.sign < 0 or first <= 0:
        return 0.0
    return min(min(shape.end, 1.25 * shape.best) / (1.25 * first + 4 * shape.error) for shape in case.losses)


def _nothing_learned(case: Case, above: float, where: str) -> Verdict | None:
    if above < 1:
        return None
    shape = case.judged
    text = f"{shape.curve.label} is {case.show(shape.end)} after {len(shape.curve)} points: still {where}."
    return sick(case, Status.NEVER_LEARNED, above, text, shape, onset=float(shape.curve.step[0]), stop=shape.settled_step)


def _flatness(shape: Shape, sign: float) -> float:
    """Over 1 where there was no fall to speak of: none at all, within the noise, or under 1 % of a positive loss (0.4 % if clear)."""
    if shape.first > 10 * abs(shape.start):
        return 0.0  # all of the fall was in the first points
    if not np.ptp(shape.curve.value):
        return 3.0
    blown_up = shape.curve.value.max() > shape.first + 6 * shape.noise and shape.best > shape.first - 2 * shape.noise
    if blown_up and shape.half.z < -1.9:
        return 0.0  # on its way back
    none = 3.0 if blown_up and shape.end >= shape.first - shape.noise else 0.0
    limit = 0.3 if len(shape.curve) >= 20 else 0.05  # a spike passes for noise, the more so among few points
    readable = shape.relative_fall < limit or shape.best < 0 or sign < 0
    within_noise = 3 / max(shape.gained, 0.3) if shape.whole.z > -2.0 and readable else 0.0
    if sign > 0 and shape.start > 0:  # noise that could hide a fall of a fifth proves nothing
        hidden = 3 * 1.25 * shape.noise / math.sqrt(max(1, len(shape.curve) // 20)) / shape.start
        within_noise *= min(1.0, 0.2 / max(hidden, 1e-9))
    little = 0.01 if shape.gained < 6 else 0.004
    tiny = little / max(shape.relative_fall, 1e-4) if shape.start > 0 and shape.best >= 0 and sign > 0 else 0.0
    return min(max(none, within_noise, tiny), 20.0)


def _at_chance(shape: Shape, reached: float | None) -> float:
    """Over 1 where the loss ends at ln C or at 1/4, the loss of a constant guess, and the accuracy does not gainsay it.

    An accuracy near 1 / C is evidence of its own; without one the loss must have rested there for most of the run.
    """
    if shape.end <= 0 or shape.best < 0.95 * shape.end:
        return 0.0
    counts = COMMON_CLASSES if reached is None else ROUND_CLASSES
    distance = min((shape.end / guess - 1 for guess in (*map(math.log, counts), 0.25)), key=abs)
    if distance < -0.02:
        return 0.0  # below the guess: something was learned
    distance = abs(distance)
    if reached is None:
        rests = shape.tail_fall < 0.05 and shape.settled_fraction < 0.25 and shape.best > 0.99 * shape.end
        return min(0.005 / max(distance, 0.002), 2.5) if rests else 0.0
    low = (1.2 * math.exp(-shape.end) + 0.05) / max(reached, 1e-9)
    near = 0.05 if shape.tail_fall < 0.1 else 0.015
    return min(near / max(distance, 0.01), 1.5 * low, 4.0) if low >= 1 else 0.0


def _good(accuracy: Curve | None) -> bool:
    """An accuracy that no constant guess on a usual data set reaches, and that moves."""
    if accuracy is None:
        return False
    value = accuracy.value[-max(3, len(accuracy) // 10) :]
    return float(np.median(value)) > 0.8 and float(np.ptp(accuracy.value)) > 0
