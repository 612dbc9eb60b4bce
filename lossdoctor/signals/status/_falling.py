"""The rules of a loss that came down: too slowly, not far enough, or as it should."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.shape import Shape
from lossdoctor.signals.status._case import FEW, Case, falls_again, fraction_after, over, sick, surety, turns

HANDFUL = 9  # points below which a fall to the last of them has not come to rest
STRAIGHT = 20  # points that tell a straight line from the beginning of a bend
LONG = 200  # points in which even a noisy slope is a slope
CLEAR = 50.0  # standard deviations of a point that a clear fall is long
LITTLE = 0.15  # of the loss: a fall below it is small, though the accuracy rose
SPEEDING = 0.45  # of the fall in the last third of the points
SOLVED = 0.15  # of the first loss: what is left below it is little, however it swings
FEW_CLASSES = (0.8, 2.4)  # the first losses of three to ten classes; that of two, 0.69, is often one of a coin
SLOWED = 5.0  # times a gain that is worth it: one that a softmax applied twice leaves
RESTED = 0.7  # of a run of a handful of points: what settled later has not rested yet
AGAIN = 1.5  # times a gain that is worth it: a fall that came back from a rise
CUT_RISE = 6.0  # standard errors over its best level: what a log without its beginning shows of a loss that does not come down


def slow(case: Case) -> Verdict | None:
    """A steady, nearly straight fall that has come only a small part of the way to zero."""
    shape = case.judged
    clear = shape.fall > CLEAR * shape.noise
    if not (shape.start > 0 and shape.best >= 0) or len(shape.curve) < (FEW if clear else STRAIGHT) or case.warming:
        return None
    if case.learned is not None and case.learned > (0.35 if case.relative_fall < LITTLE else 0.2):
        return None
    if shape.tail_fall > SPEEDING:
        return None  # what gathers speed was only late to start
    straight = shape.tail_fall / 0.2
    little = (0.21 if clear or len(shape.curve) >= LONG else 0.12) / max(case.relative_fall, 1e-4)
    above = min(straight, little, -shape.whole.z / 3, -shape.half.z / 2)
    if above < 1:
        return None
    text = f"{shape.curve.label} falls steadily, but came down by only {shape.relative_fall:.1%} in the whole run."
    return sick(case, Status.SLOW, above, text, shape, onset=float(shape.curve.step[0]), stop=None)


def stalled(case: Case) -> Verdict | None:
    """Flat, although the log says that lower is within reach."""
    shape = case.judged
    gain = _improving(case)
    if gain >= (SLOWED if case.double_softmax else 1.0) or len(shape.curve) < FEW:
        return None
    above, why = max(_reasons_to_go_lower(case))
    if above < 1:
        return None
    how = ("is flat" if gain < 1 else "hardly falls") + (
        f" since step {shape.settled_step:g}" if shape.settled_fraction <= RESTED else " now"
    )
    text = f"{shape.curve.label} {how}, and {why}."
    return sick(case, Status.STALLED, above, text, shape, onset=shape.settled_step, stop=shape.settled_step)


def _reasons_to_go_lower(case: Case) -> list[tuple[float, str]]:
    """What in the log says that a lower loss is within reach, each with how many times it exceeds its threshold."""
    shape, fell = case.judged, case.relative_fall
    low = "it is no lower than at the start" if fell <= 0 else f"it came down by only {fell:.1%}"
    no_lower = min((1 - shape.settled_fraction) / 0.3, max(0.04 / max(fell, 1e-4), _dull(case)))
    if case.cut and shape.rise < CUT_RISE * shape.error:
        no_lower = 0.0  # it may have been higher before
    unexplained = case.excess if case.excess is not None and (case.reached or 0.0) > 0.5 else 0.0
    return [
        (no_lower, low),
        (_ran_out(case), "the learning rate ran out while the loss was falling"),
        (2.0 if case.halt_step is not None else 0.0, "it came to a dead halt in full fall"),
        (3.0 if case.double_softmax else 0.0, "a softmax applied twice keeps it from falling"),
        (unexplained, f"far higher than an accuracy of {case.reached or 0:.3f} explains"),
        (_hardly_told_apart(case), f"an accuracy of {case.reached or 0:.3f} is little more than a guess between a few classes"),
        (_swings_on_validation(case), f"it swings up from levels as low as {case.show(shape.best)} that it does not keep"),
    ]


def _dull(case: Case) -> float:
    """Over 1 where the loss came down a little, to an accuracy that is low and hardly rose."""
    if case.reached is None or case.learned is None:
        return 0.0
    return min(0.25 / max(case.relative_fall, 1e-4), 0.75 / max(case.reached, 1e-9), 0.08 / max(case.learned, 0.01))


def _hardly_told_apart(case: Case) -> float:
    """Over 1 where a few classes, three to ten, are hardly told apart: by the accuracy and by the loss.

    The first loss is ln C and the first accuracy about 1 / C; Cohen's kappa (1960) is the accuracy beyond that of a guess, and
    McFadden's pseudo R2 (1974) the fall of the loss as a share of ln C. Of a text, whose next word nobody knows, C is larger.
    """
    train, shape = case.train, case.judged
    if train is None or case.accuracy is None or case.reached is None or not FEW_CLASSES[0] < train.first < FEW_CLASSES[1]:
        return 0.0
    if shape.tail_fall > 1 / 3 and shape.tail.change < -0.01 * abs(shape.end):
        return 0.0  # it falls no slower than at first
    guess = math.exp(-train.first)
    if float(np.median(case.accuracy.value[: max(1, len(case.accuracy) // 20)])) > 2 * guess:
        return 0.0
    kappa, fall = (case.reached - guess) / (1 - guess), 1 - train.end / train.first
    return min(0.36 / max(kappa, 0.1), 0.4 / max(fall, 0.1))


def _ran_out(case: Case) -> float:
    """Over 1 where the learning rate was gone early, or while the loss was in full fall."""
    shape, above = case.judged, 0.0
    if case.spent_step is None:
        return 0.0
    after = fraction_after(shape, case.spent_step)
    if (case.reached or 0.0) < 0.95 and shape.end > 0.5 * shape.start > 0:
        above = 0.25 / max(1 - after, 0.05)
    if case.fall_before_spent is not None:
        above = max(above, min(case.fall_before_spent / 0.05, after / 0.35))
    return above


def _swings_on_validation(case: Case) -> float:
    """Over 1 where the validation loss, always of the same examples, swings wide at a learning rate that was not brought down."""
    shape, val = case.judged, case.val
    if val is None or val.curve.label != shape.curve.label or shape.best <= 0 or shape.half.z < -1.9 or shape.end < SOLVED * shape.start:
        return 0.0
    if case.lr is not None and not case.steady:
        return 0.0
    return min(over(shape.noise, shape.end) / 0.4, turns(shape) / 0.3, over(shape.end, shape.best) / 1.5)


def healthy(case: Case) -> Verdict:
    """What no rule calls sick: it still improves, has converged, or has too few points to say."""
    shape = case.judged
    gain = _improving(case)
    label, first, last = shape.curve.label, float(shape.curve.step[0]), float(shape.curve.step[-1])
    if len(shape.curve) < FEW and shape.whole.z > -1.6 and shape.gained < 5:
        return Verdict(Status.TOO_SHORT, 0.8, f"{len(shape.curve)} points of {label} without a clear trend are too few to say.")
    unrested = len(shape.curve) < HANDFUL and shape.settled_fraction > RESTED
    if gain >= 1 or (unrested and _falls_throughout(shape)):
        text = f"{label} still {'falls' if case.sign > 0 else 'rises'}: {case.show(shape.end)} now"
        text += f", {case.forecast.value:.4g} expected at step {case.forecast.at_step:g}." if case.forecast else "."
        return Verdict(Status.IMPROVING, surety(gain), text, None, shape.best_step, None, 0.0)
    if unrested:
        return Verdict(Status.TOO_SHORT, 0.8, f"{len(shape.curve)} points of {label} are too few to say whether it still falls.")
    if case.cut and shape.whole.z > -1.6 and shape.fall < 3 * shape.noise:
        text = f"The log begins at step {first:g}: how {label} came to {case.show(shape.end)}, where it stands still, is not in it."
        return Verdict(Status.TOO_SHORT, 0.8, text)
    confidence = surety(1 / max(gain, 0.05))
    how = f"is flat since step {shape.settled_step:g}" if shape.settled_fraction <= RESTED else "changes little now"
    text = f"{label} went from {case.show(shape.start)} to {case.show(shape.end)} and {how}."
    wasted = (last - shape.settled_step) / (last - first) if last > first else 0.0
    return Verdict(Status.CONVERGED, confidence, text, shape.settled_step, shape.best_step, shape.settled_step, wasted)


def _improving(case: Case) -> float:
    """Over 1 where the expected gain of the next quarter is clear of zero and over 2 % of the fall so far, 3 % beside much noise."""
    shape, projection = case.judged, case.projection
    if case.spent:
        return 0.0
    if projection is None or shape.fall <= 0:
        return shape.tail_fall / 0.04 if shape.tail.z < -1 else 0.0
    worth = (0.02 if shape.tail.z < -1.5 else 0.03) * max(shape.fall, 0.15 * shape.start if shape.best >= 0 else 0.0)
    expected = projection.gain if case.steady else min(projection.gain, _pace(shape))
    if _falls_throughout(shape):
        worth = min(worth, max(0.5 * worth, 0.01 * abs(shape.end)))
    gain = expected / worth
    if falls_again(shape):
        return max(gain, AGAIN)
    lower = projection.ahead.mean() < shape.end + shape.error
    falls = shape.half.z < -1.5 and shape.tail.z < -0.5
    return gain if projection.surely and lower and falls else min(gain, 0.9)


def _falls_throughout(shape: Shape) -> bool:
    """Whether the last third falls as clearly as so few points can show."""
    return shape.tail.z < (-2.3 if len(shape.curve) >= 18 else -1.6 if len(shape.curve) >= FEW else -0.9)


def _pace(shape: Shape) -> float:
    """What the next quarter brings if the fall goes on slowing down as it did between the last two eighths of the run.

    A falling curve does not speed up; one whose learning rate is brought down slows faster than any power law. What the noise
    allows is granted, so that only a clear slowing counts.
    """
    value, eighth = shape.curve.value, max(1, len(shape.curve) // 8)
    far, middle, now = (
        float(np.median(part)) for part in (value[-3 * eighth : -2 * eighth], value[-2 * eighth : -eighth], value[-eighth:])
    )
    error = 1.8 * shape.noise / math.sqrt(eighth)  # of a difference of two medians
    before, last = far - middle - error, middle - now + error
    slowing = min(max(last, 0.0) / before, 1.0) if before > 0 else 1.0
    return max(last, 0.0) * (slowing + slowing**2)
