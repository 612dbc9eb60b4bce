"""The status of a run: one word, from what the log shows.

The rules stand in the order in which they are asked; the first that holds decides. Each compares a measure with its
threshold, and says how sure it is from how far the measure stands beyond it. A sick verdict that is not sure enough
gives way to the healthy one: a false alarm is worse than silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Forecast, Status, Verdict
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape
from lossdoctor.signals.generalization import ROUND_CLASSES

FEWEST = 5  # points below which nothing but NaN is said
FEW = 12  # points below which a sick verdict needs twice the evidence
SURE = 0.55  # a sick verdict below this confidence is not given


@dataclass(frozen=True)
class _Case:
    """All that the rules look at."""

    judged: Shape
    train: Shape | None
    val: Shape | None
    accuracy: Curve | None
    learned: float | None
    lr: Curve | None
    forecast: Forecast | None
    spent_step: float | None
    fall_before_spent: float | None

    @property
    def few(self) -> bool:
        return len(self.judged.curve) < FEW

    @property
    def fraction_after(self) -> float:
        return _fraction_after(self.judged, self.judged.settled_step)


def verdict(
    run: Run,
    judged_loss: Curve | None,
    judged: Shape | None,
    train_shape: Shape | None,
    val_shape: Shape | None,
    accuracy: Curve | None,
    learned_share: float | None,
    lr: Curve | None,
    forecast: Forecast | None,
    lr_spent_step: float | None,
    fall_before_spent: float | None,
    non_finite_step: float | None,
) -> Verdict:
    """The status of the run, with the steps that matter."""
    if non_finite_step is not None:
        return _non_finite(run, judged, non_finite_step)
    if judged is None or judged_loss is None:
        return Verdict(Status.TOO_SHORT, 1.0, "The log has no loss to judge.")
    if len(judged_loss) < FEWEST:
        return Verdict(Status.TOO_SHORT, 1.0, f"{len(judged_loss)} points of {judged_loss.label} are too few to say.")
    case = _Case(judged, train_shape, val_shape, accuracy, learned_share, lr, forecast, lr_spent_step, fall_before_spent)
    for rule in (_diverging, _overfitting, _oscillating, _never_learned, _slow, _stalled):
        found = rule(case)
        if found and found.confidence >= SURE:
            return found
    return _healthy(case)


def non_finite_step(run: Run, train_loss: Curve | None, val_loss: Curve | None) -> float | None:
    """The step from which a loss is NaN or infinite to its end.

    A loss that recovers, or NaN in other columns, does not count.

    Absent: every loss is finite at its end.
    """
    losses = [curve for curve in (train_loss, val_loss) if curve is not None]
    losses = losses or [curve for label, curve in run.curves.items() if "loss" in label]
    steps = [step for curve in losses if (step := _lost(curve)) is not None]
    return min(steps, default=None)


def _lost(curve: Curve) -> float | None:
    """Where the run of non-finite values at the end of a curve begins, if it is longer than any the curve recovered from."""
    bad = ~np.isfinite(curve.value)
    if not len(bad) or not bad[-1]:
        return None
    good = np.flatnonzero(~bad)
    onset = int(good[-1]) + 1 if len(good) else 0
    gaps = np.diff(good) - 1
    recovered = int(gaps.max()) if len(gaps) else 0
    return float(curve.step[onset]) if len(bad) - onset > recovered else None


def _non_finite(run: Run, judged: Shape | None, step: float) -> Verdict:
    best = judged.best_step if judged is not None and judged.best_step <= step else None
    wasted = (run.steps - step) / run.steps if run.steps > 0 else None
    return Verdict(Status.NON_FINITE, 0.99, f"The loss is not a number from step {step:g} on.", step, best, step, wasted)


def _diverging(case: _Case) -> Verdict | None:
    """The training loss (or the only one) ends significantly above its own earlier level and is not on its way back."""
    shape = case.train or case.judged
    if case.train is not None and case.val is None and case.judged.curve.label != case.train.curve.label:
        return None  # a reward is judged: the loss of a policy may rise
    if shape.rise <= 0 or shape.tail.z < -1.9 or shape.best_step >= shape.curve.step[-1]:
        return None
    significance = _over(shape.rise, shape.error) / 6
    back = shape.rise / shape.fall if shape.fall > 0 else math.inf
    ratio = shape.end / shape.best if shape.best > 0 else 0.0
    clear = max(back / 0.3, (ratio - 1) / 0.5 if shape.end > 0.03 * shape.start and shape.end > 0 else 0.0)
    above = min(significance, clear, _over(abs(shape.rise), 0.02 * abs(shape.best)))
    if above < 1:
        return None
    step = shape.best_step
    text = f"{shape.curve.label} rose from {shape.best:.4g} at step {step:g} to {shape.end:.4g} and does not come back."
    return _sick(case, Status.DIVERGING, above, text, shape, onset=step, stop=step)


def _overfitting(case: _Case) -> Verdict | None:
    """The validation loss has risen from its best by more than its noise while the training loss kept falling."""
    val, train = case.val, case.train
    if val is None or len(val.curve) < FEWEST or val.rise <= 0 or val.curve.label != case.judged.curve.label:
        return None
    significance = _over(val.rise, val.error) / 4
    size = max(val.rise / val.fall if val.fall > 0 else math.inf, val.rise / abs(val.best) if val.best else math.inf) / 0.05
    kept = 1.0
    if train is not None:
        before = train.curve.until(val.best_step).smooth(3).value
        then = float(before[-1]) if len(before) else train.start
        kept = _over(then - train.end, 2 * train.error)
        if train.end >= val.end:
            return None
    above = min(significance, size, kept, _fraction_after(val, val.best_step) / 0.15)
    if above < 1:
        return None
    text = f"{val.curve.label} was best at step {val.best_step:g} ({val.best:.4g}) and has risen to {val.end:.4g} since."
    return _sick(case, Status.OVERFITTING, above, text, val, onset=val.best_step, stop=val.best_step)


def _oscillating(case: _Case) -> Verdict | None:
    """Swings that are large against the level, and no net progress in them."""
    shape = case.judged
    if shape.end <= 0 or shape.best < 0 or len(shape.curve) < FEW or shape.half.z < -1.9:
        return None
    half = shape.curve.value[len(shape.curve) // 2 :]
    level = float(np.median(half))
    swing = shape.noise / level if level > 0 else 0.0
    high = level / shape.start if shape.start > 0 else 0.0
    above = min(swing / 0.2, high / 0.25)
    if above < 1:
        return None
    text = f"{shape.curve.label} swings by {swing:.0%} of its level and makes no net progress."
    return _sick(case, Status.OSCILLATING, above, text, shape, onset=shape.best_step, stop=shape.best_step)


def _never_learned(case: _Case) -> Verdict | None:
    """No significant fall since the start, or stuck at the level of a constant guess."""
    if case.learned is not None and case.accuracy is not None and (case.learned > 0.15 or _good(case.accuracy)):
        return None
    shapes = [shape for shape in (case.judged, case.train) if shape is not None]
    flat = min(_flatness(shape) for shape in shapes)
    chance = min(_at_chance(shape, case.accuracy) for shape in shapes)
    above = max(flat, chance)
    if above < 1:
        return None
    shape = case.judged
    what = "the level of a constant guess" if chance > flat else "where it began"
    text = f"{shape.curve.label} is {shape.end:.4g} after {len(shape.curve)} points: still {what}."
    return _sick(case, Status.NEVER_LEARNED, above, text, shape, onset=float(shape.curve.step[0]), stop=shape.settled_step)


def _flatness(shape: Shape) -> float:
    """Over 1 where there was no fall to speak of: within the noise, or under 1 % of a positive loss."""
    down = shape.start - shape.end
    within_noise = 3 / max(_over(down, shape.noise), 0.1) if shape.whole.z > -2.5 else 0.0
    tiny = 0.01 / max(shape.relative_fall, 1e-4) if shape.start > 0 and shape.best >= 0 else 0.0
    return min(max(within_noise, tiny), 20.0)


def _at_chance(shape: Shape, accuracy: Curve | None) -> float:
    """Over 1 where a flat loss lies at ln C or at 1/4, the loss of a constant guess, and the accuracy does not gainsay it."""
    if shape.tail_fall > 0.1 or shape.settled_fraction > 0.5 or shape.end <= 0:
        return 0.0
    near = 0.015
    if accuracy is not None:
        near = 0.05
    distance = min(abs(shape.end / guess - 1) for guess in (*map(math.log, ROUND_CLASSES), 0.25))
    low = 1.0
    if accuracy is not None:
        c = math.exp(min(shape.end, 20))
        low = (1.2 / c + 0.05) / max(float(np.median(accuracy.value[-3:])), 1e-9)
        low = min(low, 1.5) if low > 1 else 0.0
    return min(near / max(distance, near / 4), 3.0) * low if low and distance <= near else 0.0


def _good(accuracy: Curve) -> bool:
    """An accuracy that no constant guess on a usual data set reaches, and that moves."""
    value = accuracy.value[-max(3, len(accuracy) // 10) :]
    return float(np.median(value)) > 0.8 and float(np.ptp(accuracy.value)) > 0


def _slow(case: _Case) -> Verdict | None:
    """A steady, nearly straight fall that has come only a small part of the way to zero."""
    shape = case.judged
    if not (shape.start > 0 and shape.best >= 0) or len(shape.curve) < FEW or _warming(case.lr):
        return None
    if case.learned is not None and case.learned > 0.2:
        return None
    straight = shape.tail_fall / 0.18
    little = 0.22 / max(shape.relative_fall, 1e-4)
    above = min(straight, little, -shape.whole.z / 3, -shape.half.z / 2)
    if above < 1:
        return None
    text = f"{shape.curve.label} falls steadily, but came down by only {shape.relative_fall:.1%} in the whole run."
    return _sick(case, Status.SLOW, above, text, shape, onset=float(shape.curve.step[0]), stop=None)


def _stalled(case: _Case) -> Verdict | None:
    """Flat, although the log says that lower is within reach."""
    shape = case.judged
    if _improving(case) >= 1 or len(shape.curve) < FEW:
        return None
    early = (1 - shape.settled_fraction) / 0.3
    little = 0.06 / max(shape.relative_fall, 1e-4)
    dull = 0.0
    if case.accuracy is not None:
        now = float(np.median(case.accuracy.value[-max(3, len(case.accuracy) // 10) :]))
        dull = min(0.25 / max(shape.relative_fall, 1e-4), 0.75 / max(now, 1e-9))
    ran_out = 0.0
    if case.spent_step is not None and case.fall_before_spent is not None:
        ran_out = min(case.fall_before_spent / 0.05, _fraction_after(shape, case.spent_step) / 0.35)
    above = max(min(early, little), min(early, dull), ran_out)
    if above < 1:
        return None
    why = "the learning rate ran out while the loss was falling" if ran_out >= above else f"it came down by only {shape.relative_fall:.1%}"
    text = f"{shape.curve.label} is flat since step {shape.settled_step:g}, and {why}."
    return _sick(case, Status.STALLED, above, text, shape, onset=shape.settled_step, stop=shape.settled_step)


def _improving(case: _Case) -> float:
    """Over 1 where the expected gain of the next quarter is clear of zero and over 2 % of the fall so far."""
    shape, forecast = case.judged, case.forecast
    if forecast is not None and shape.fall > 0:
        clear = forecast.gain > 0 and forecast.high < forecast.value + forecast.gain
        return forecast.gain / shape.fall / 0.02 if clear else min(forecast.gain / shape.fall / 0.02, 0.9)
    return shape.tail_fall / 0.04 if shape.tail.z < -1 else 0.0


def _healthy(case: _Case) -> Verdict:
    shape = case.judged
    gain = _improving(case)
    first, last = float(shape.curve.step[0]), float(shape.curve.step[-1])
    if len(shape.curve) < FEW and shape.whole.z > -1.6 and shape.progress < 5:
        return Verdict(Status.TOO_SHORT, 0.8, f"{len(shape.curve)} points of {shape.curve.label} without a clear trend are too few to say.")
    if gain >= 1:
        text = f"{shape.curve.label} still falls: {shape.end:.4g} now"
        text += f", {case.forecast.value:.4g} expected at step {case.forecast.at_step:g}." if case.forecast else "."
        return Verdict(Status.IMPROVING, _surety(gain), text, None, shape.best_step, None, 0.0)
    confidence = _surety(1 / max(gain, 0.05))
    text = f"{shape.curve.label} fell from {shape.start:.4g} to {shape.end:.4g} and is flat since step {shape.settled_step:g}."
    wasted = (last - shape.settled_step) / (last - first) if last > first else 0.0
    return Verdict(Status.CONVERGED, confidence, text, shape.settled_step, shape.best_step, shape.settled_step, wasted)


def _sick(case: _Case, status: Status, above: float, text: str, shape: Shape, onset: float | None, stop: float | None) -> Verdict:
    confidence = _surety(above / 2 if case.few else above)
    wasted = _fraction_after(shape, stop) if stop is not None else 0.0
    return Verdict(status, confidence, text, onset, shape.best_step, stop, wasted)


def _surety(above: float) -> float:
    """Confidence from how many times the threshold was exceeded."""
    return round(min(max(1 - 0.45 / max(above, 1e-9), 0.0), 0.97), 3)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


def _fraction_after(shape: Shape, step: float) -> float:
    first, last = float(shape.curve.step[0]), float(shape.curve.step[-1])
    return (last - step) / (last - first) if last > first else 0.0


def _warming(lr: Curve | None) -> bool:
    """Whether the learning rate is still at its peak or on the way to it."""
    return lr is not None and len(lr.finite) > 2 and lr.finite.last >= lr.max > lr.finite.first
