"""The status of a run: one word, from what the log shows.

The rules stand in the order in which they are asked; the first that holds decides. Each compares a measure with its
threshold, and says how sure it is from how far the measure stands beyond it. A sick verdict that is not sure enough
gives way to the healthy one: a false alarm is worse than silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Forecast, Status, Verdict
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape
from lossdoctor.signals.forecast import Projection
from lossdoctor.signals.generalization import ROUND_CLASSES

# The thresholds, here and in the rules, are our own, set on the development part of benchmarks/diagnose.py.
COMMON_CLASSES = (2, 3, 10, 100, 1000)  # a level alone is taken for ln C of these only
FEWEST = 5  # points below which nothing but NaN is said
HANDFUL = 9  # points below which a fall to the last of them has not come to rest
FEW = 12  # points below which a sick verdict needs 1.4 times the evidence
STRAIGHT = 20  # points that tell a straight line from the beginning of a bend
KNOWN = 0.85  # times the validation loss: a training loss below it knows something
STEADY = 0.1  # of its level: a swing of the validation loss that is none
SOLVED = 0.15  # of the first loss: what is left below it is little, however it swings
LONG = 200  # points in which even a noisy slope is a slope
FEW_CLASSES = (0.8, 2.4)  # the first losses of three to ten classes; that of two, 0.69, is often one of a coin
CLEAR = 50.0  # standard deviations of a point that a clear fall is long
LITTLE = 0.15  # of the loss: a fall below it is small, though the accuracy rose
STILL = 0.005  # of its level: what moves less stands still
SPEEDING = 0.45  # of the fall in the last third of the points
CLIMBS = 3.0  # standard errors of the trend of the later half
SLOWED = 5.0  # times a gain that is worth it: one that a softmax applied twice leaves
APART = 2.0  # times the training loss: a validation loss that has parted from it
RESTED = 0.7  # of a run of a handful of points: what settled later has not rested yet
RISES = 2.3  # standard errors of a trend that is one, however much single points swing
CAME_BACK = 0.25  # of a rise of the validation loss: that much undone, it falls again
AGAIN = 1.5  # times a gain that is worth it: a fall that came back from a rise
CUT_RISE = 6.0  # standard errors over its best level: what a log without its beginning shows of a loss that does not come down
SHOWN = 3  # points of a loss of 0 without a finite gradient that are no accident
PARTED = 4.0  # times the training loss: a validation loss so far above it needs no more evidence from few points than from many
HARDER = 0.8  # of what the validation loss was: where it fell so far, a training loss that rose got harder examples
SURE = 0.55  # a sick verdict below this surety is not given
RIGHT = {
    Status.IMPROVING: (0.3, 0.72),
    Status.CONVERGED: (0.49, 0.84),
    Status.STALLED: (0.45, 0.74),
    Status.NEVER_LEARNED: (0.8, 0.84),
    Status.SLOW: (0.55, 0.62),
    Status.OSCILLATING: (0.6, 0.7),
    Status.DIVERGING: (0.9, 0.95),
    Status.OVERFITTING: (0.6, 0.97),
}
"""The share of verdicts that are right at a surety of 0.55 and of 0.95: straight lines fitted to benchmarks/diagnose.py,
development part, with three more points near 0.8 so that a handful of runs proves little. Rounded, and where the fit rested on few runs
set nearer to 0.8 by hand (improving, stalled and overfitting at 0.55; all that oscillates)."""


@dataclass(frozen=True)
class _Case:
    """All that the rules look at.

    ``sign`` is -1 where the judged series is shown upside down, ``cut`` says whether the log's beginning is missing.
    """

    judged: Shape
    sign: float
    train: Shape | None
    val: Shape | None
    accuracy: Curve | None
    learned: float | None
    constant_guess: bool | None
    lr: Curve | None
    projection: Projection | None
    forecast: Forecast | None
    spent_step: float | None
    fall_before_spent: float | None
    halt_step: float | None
    excess: float | None
    double_softmax: int | None
    period: float | None
    level_kept: float | None
    cut: bool

    @property
    def losses(self) -> list[Shape]:
        """The judged series and the training loss; a reward alone, where there is one."""
        return [self.judged] if self.train is None or self.sign < 0 else [self.judged, self.train]

    @property
    def spent(self) -> bool:
        """Whether the learning rate has been brought down to nothing."""
        return self.lr is not None and len(self.lr.finite) > 2 and self.lr.finite.last < 0.03 * self.lr.max

    @property
    def few(self) -> bool:
        return max(len(shape.curve) for shape in self.losses) < FEW

    @property
    def most(self) -> float:
        """The surety that so many points can give at most: the rule of three."""
        return round(1 - 3 / max(len(shape.curve) for shape in self.losses), 3)

    @property
    def reached(self) -> float | None:
        """The accuracy at the end."""
        return None if self.accuracy is None else float(np.median(self.accuracy.value[-max(3, len(self.accuracy) // 10) :]))

    @property
    def relative_fall(self) -> float:
        """The larger of the relative falls of the losses."""
        return max(shape.relative_fall for shape in self.losses)

    def show(self, value: float) -> str:
        return f"{self.sign * value:.4g}"


def verdict(
    run: Run,
    judged_loss: Curve | None,
    judged: Shape | None,
    judged_sign: float | None,
    train_shape: Shape | None,
    val_shape: Shape | None,
    accuracy: Curve | None,
    learned_share: float | None,
    constant_guess: bool | None,
    lr: Curve | None,
    projection: Projection | None,
    forecast: Forecast | None,
    lr_spent_step: float | None,
    fall_before_spent: float | None,
    halt_step: float | None,
    excess: float | None,
    double_softmax: int | None,
    period: float | None,
    level_kept: float | None,
    non_finite_step: float | None,
) -> Verdict:
    """The status of the run, with the steps that matter."""
    if non_finite_step is not None:
        return _non_finite(run, judged, non_finite_step)
    if judged is None or judged_loss is None:
        game = any("loss" in label for label in run.curves)
        text = "The log has only losses of a game, which need not fall when all is well: none tells how the run goes."
        return Verdict(Status.TOO_SHORT, 1.0, text if game else "The log has no loss to judge.")
    if len(judged_loss) < FEWEST:
        are = "1 point of {} is" if len(judged_loss) == 1 else f"{len(judged_loss)} points of {{}} are"
        return Verdict(Status.TOO_SHORT, 1.0, are.format(judged_loss.label) + " too few to say.")
    case = _Case(
        judged,
        judged_sign or 1.0,
        train_shape,
        val_shape,
        accuracy,
        learned_share,
        constant_guess,
        lr,
        projection,
        forecast,
        lr_spent_step,
        fall_before_spent,
        halt_step,
        excess,
        double_softmax,
        period,
        level_kept,
        _is_cut(judged_loss),
    )
    for rule in (_recurring, _diverging, _guessing, _overfitting, _oscillating, _never_learned, _slow, _stalled):
        found = rule(case)
        if found and found.confidence >= SURE:
            return _calibrated(found, case)
    return _calibrated(_healthy(case), case)


def _is_cut(curve: Curve) -> bool:
    """Whether a log that moves begins late: with more steps, or epochs, before its first point than it tells of."""
    axes = [curve.step] if curve.epoch is None else [curve.step, curve.epoch - 1]
    late = any(axis[0] - (axis[-1] - axis[0]) / len(axis) > axis[-1] - axis[0] > 0 for axis in axes)
    return late and (float(np.ptp(curve.value)) > 0 or curve.value[0] == 0)


def _calibrated(verdict: Verdict, case: _Case) -> Verdict:
    """The verdict with the share of such verdicts that are right for its confidence; a few points are never sure of anything."""
    if verdict.status not in RIGHT:
        return verdict
    confidence = float(np.interp(verdict.confidence, (0.55, 0.95), RIGHT[verdict.status]))
    return replace(verdict, confidence=round(min(confidence, case.most), 3))


def non_finite_step(run: Run, train_loss: Curve | None, val_loss: Curve | None, grad_norm: Curve | None) -> float | None:
    """The step from which a loss is NaN or infinite to its end.

    A loss that recovers, or NaN in other columns, does not count; one that is shown as 0 beside a gradient without a finite norm does.

    Absent: every loss is finite at its end.
    """
    losses = [curve for curve in (train_loss, val_loss) if curve is not None]
    losses = losses or [curve for label, curve in run.curves.items() if "loss" in label]
    steps = [step for curve in losses if (step := _lost(curve)) is not None]
    hidden = None if train_loss is None or grad_norm is None else _shown_as_zero(train_loss, grad_norm)
    return min([*steps, *([] if hidden is None else [hidden])], default=None)


def _shown_as_zero(loss: Curve, grad_norm: Curve) -> float | None:
    """Where a loss of exactly 0 to the end begins under which no gradient has a finite norm: Transformers logs NaN as 0."""
    lost = (loss.value[::-1] == 0).argmin() if (loss.value != 0).any() else len(loss)
    if lost < SHOWN:
        return None
    step = float(loss.step[-lost])
    norm = grad_norm.since(step)
    return step if len(norm) >= SHOWN and not len(norm.finite) else None


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
    hidden = judged is not None and judged.curve.step[-1] >= step and judged.end == 0
    best = judged.best_step if judged is not None and judged.best_step <= step else None
    wasted = (run.steps - step) / run.steps if run.steps > 0 else None
    shown = ": it is shown as 0, but the gradient has no finite norm" if hidden else ""
    return Verdict(Status.NON_FINITE, 0.99, f"The loss is not a number from step {step:g} on{shown}.", step, best, step, wasted)


def _diverging(case: _Case) -> Verdict | None:
    """The training loss (or the only one) ends significantly above its own earlier level and is not on its way back."""
    shape = case.losses[-1]
    low = min(shape.best, shape.first)
    rise = shape.end - low
    if rise <= 0 or shape.tail.z < -1.9 or shape.curve.value[-1] <= low or _got_harder(case, shape):
        return None
    significance = _over(rise, shape.error) / 6
    lasting = _share_above(shape, low + 0.5 * rise) / 0.15
    if shape.half.z > CLIMBS:
        lasting = max(lasting, _share_above(shape, low + 0.1 * rise) / 0.3)
    back = _over(rise, shape.fall) / 0.3
    ratio = (shape.end / low - 1) / 0.5 if low > 0 and shape.end > 0.03 * shape.start else 0.0
    held = 1 - _share_above(shape, low + 0.5 * rise, anywhere=True)
    above = min(significance, lasting, max(back, ratio), _over(rise, 0.05 * abs(low)), held / 0.05)
    if above < 1:
        return None
    step = shape.best_step if shape.best <= shape.first else float(shape.curve.step[0])
    text = f"{shape.curve.label} rose from {case.show(low)} at step {step:g} to {case.show(shape.end)} and does not come back."
    if case.sign < 0:
        text = text.replace(" rose ", " fell ")
    return _sick(case, Status.DIVERGING, above, text, shape, onset=step, stop=step)


def _got_harder(case: _Case, train: Shape) -> bool:
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


def _guessing(case: _Case) -> Verdict | None:
    """Stuck at what a constant guess gets."""
    if case.reached is not None and case.learned is not None and (case.learned > 0.15 or _good(case.accuracy)) and not case.constant_guess:
        return None
    chance = min(_at_chance(shape, case.reached) for shape in case.losses)
    above = max(chance, _idle(case), _unmoved(case), 4.0 if case.constant_guess else 0.0)
    return _nothing_learned(case, above, "at the level of a constant guess")


def _idle(case: _Case) -> float:
    """Over 1 where the accuracy is low and has not moved, under a loss that has long been flat."""
    if case.reached is None or case.learned is None or case.judged.settled_fraction > 0.3 or case.judged.tail_fall > 0.05:
        return 0.0
    if case.relative_fall > 0.5 or case.cut:
        return 0.0  # the training loss did fall, or may have
    return min(0.6 / max(case.reached, 0.3), 0.03 / max(case.learned, 0.01), 2.0)


def _unmoved(case: _Case) -> float:
    """Over 1 where a low accuracy has not risen under a loss far higher than it explains: whatever fell, nothing was learned.

    A constant guess that is right with probability a has a cross-entropy of -ln a; a model of text may have more at a high a.
    """
    if case.reached is None or case.learned is None or not 0 < case.reached < 0.5 or case.sign < 0 or case.cut:
        return 0.0
    explained = -0.9 * math.log(case.reached) if case.reached < 0.2 else 0.5 - 1.5 * math.log(case.reached)
    return min(min(shape.end for shape in case.losses) / explained, 0.06 / max(case.learned, 0.01), 0.5 / case.reached)


def _never_learned(case: _Case) -> Verdict | None:
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


def _learned_before(case: _Case) -> bool:
    """Whether the training loss has been far below the validation loss from the start: fine-tuning, no constant guess."""
    train, val = case.train, case.val
    return train is not None and val is not None and case.sign > 0 and 0 < max(train.start, train.end) < KNOWN * min(val.start, val.end)


def _no_better_on_validation(case: _Case) -> float:
    """Over 1 where the validation loss has been flat since it was first measured, and the training loss only came down to it."""
    train, val = case.train, case.val
    if train is None or val is None or case.sign < 0 or len(val.curve) < FEW or train.end < val.end - 2 * train.error:
        return 0.0
    return _flatness(val, case.sign) if train.settled_fraction < 0.5 and train.end > KNOWN * val.end else 0.0


def _above_first(case: _Case) -> float:
    """Over 1 where every loss ends clearly above the very first training loss and never was far below it."""
    first = case.losses[-1].first
    if case.sign < 0 or first <= 0:
        return 0.0
    return min(min(shape.end, 1.25 * shape.best) / (1.25 * first + 4 * shape.error) for shape in case.losses)


def _nothing_learned(case: _Case, above: float, where: str) -> Verdict | None:
    if above < 1:
        return None
    shape = case.judged
    text = f"{shape.curve.label} is {case.show(shape.end)} after {len(shape.curve)} points: still {where}."
    return _sick(case, Status.NEVER_LEARNED, above, text, shape, onset=float(shape.curve.step[0]), stop=shape.settled_step)


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


def _overfitting(case: _Case) -> Verdict | None:
    """The validation loss has risen from its best by more than its noise while the training loss kept falling."""
    val, train = case.val, case.train
    if val is None or len(val.curve) < FEWEST or val.rise <= 0 or case.sign < 0:
        return None
    if _falls_again(val):
        return None
    significance = max(_over(val.rise, val.error) / 3.5, val.half.z / RISES)
    of_best = _over(val.rise, abs(val.best))
    size = min(max(_over(val.rise, val.fall) / 0.03, of_best / 0.07), of_best / 0.04)
    kept = 1.0
    if train is not None:
        before = train.curve.until(val.best_step).smooth(3).value
        then = float(before[-1]) if len(before) else train.start
        kept = _over(then - train.end, 2 * train.error)
        if train.end >= val.end:
            return None
        if then - train.end > -3 * train.error:  # noise may hide the fall of a training loss that is far below
            kept = max(kept, _over(val.end, train.end) / APART)
    above = min(significance, size, kept, _fraction_after(val, val.best_step) / 0.15)
    if above < 1:
        return None
    if case.few and train is not None and val.end > PARTED * train.end > 0:
        above *= 1.4
    text = f"{val.curve.label} was best at step {val.best_step:g} ({val.best:.4g}) and has risen to {val.end:.4g} since."
    return _sick(case, Status.OVERFITTING, above, text, val, onset=val.best_step, stop=val.best_step)


def _falls_again(val: Shape) -> bool:
    """Whether a loss that rose, and still stands over its best, falls for good: epoch-wise double descent (Nakkiran et al. 2020)."""
    peak = float(val.curve.since(val.best_step).smooth(3).value.max())
    back = val.tail.z < -RISES and val.half.z < 0 and peak - val.end > CAME_BACK * (peak - val.best)
    return back and val.rise > 3.5 * val.error


def _oscillating(case: _Case) -> Verdict | None:
    """Swings that are large against the level and against all that was gained."""
    shape = case.judged
    if min(shape.start, shape.end) <= 0 or shape.best < 0 or len(shape.curve) < FEW or shape.half.z < -1.9:
        return None
    level = float(np.median(shape.curve.value[len(shape.curve) // 2 :]))
    swing = _over(shape.noise, level)
    gained = max(shape.start - level, 0.0)
    on_train = case.val is None or case.val.curve.label != shape.curve.label
    if on_train and case.val is not None and case.val.noise < STEADY * case.val.end:
        return None  # the swings are those of the batches: validation, always of the same examples, does not share them
    batches = on_train and len(shape.curve) > 60  # single steps: their batches differ, whatever the weights do
    large = swing / (0.35 if batches else 0.2 if len(shape.curve) >= 20 else 0.3)
    above = min(large, level / shape.start / 0.6, 3 * _over(shape.noise, gained), _turns(shape) / 0.3, 4 / max(shape.gained, 0.1))
    if above < 1:
        return None
    text = f"{shape.curve.label} swings by {swing:.0%} of its level and makes no net progress."
    return _sick(case, Status.OSCILLATING, above, text, shape, onset=shape.best_step, stop=shape.best_step)


def _recurring(case: _Case) -> Verdict | None:
    """A loss that repeats itself from a level that it does not leave; medians pass over its peaks."""
    if case.period is None or case.level_kept is None or case.train is None or case.val is not None or case.sign < 0:
        return None
    shape = case.train
    value = shape.curve.value[len(shape.curve) // 2 :]
    above = min(_over(float(value.std()), float(value.mean())) / 0.4, case.level_kept / 0.6)
    if above < 1:
        return None
    text = f"{shape.curve.label} repeats itself every {case.period:g} points and makes no net progress."
    return _sick(case, Status.OSCILLATING, above + 0.5, text, shape, onset=float(shape.curve.step[0]), stop=float(shape.curve.step[0]))


def _turns(shape: Shape) -> float:
    """The share of the points of the later half that are local peaks or troughs; 2/3 in white noise, 0 on a slope."""
    steps = np.diff(shape.curve.value[len(shape.curve) // 2 :])
    return float(np.mean(steps[1:] * steps[:-1] < 0)) if len(steps) > 1 else 0.0


def _slow(case: _Case) -> Verdict | None:
    """A steady, nearly straight fall that has come only a small part of the way to zero."""
    shape = case.judged
    clear = shape.fall > CLEAR * shape.noise
    if not (shape.start > 0 and shape.best >= 0) or len(shape.curve) < (FEW if clear else STRAIGHT) or _warming(case.lr):
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
    return _sick(case, Status.SLOW, above, text, shape, onset=float(shape.curve.step[0]), stop=None)


def _stalled(case: _Case) -> Verdict | None:
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
    return _sick(case, Status.STALLED, above, text, shape, onset=shape.settled_step, stop=shape.settled_step)


def _reasons_to_go_lower(case: _Case) -> list[tuple[float, str]]:
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


def _dull(case: _Case) -> float:
    """Over 1 where the loss came down a little, to an accuracy that is low and hardly rose."""
    if case.reached is None or case.learned is None:
        return 0.0
    return min(0.25 / max(case.relative_fall, 1e-4), 0.75 / max(case.reached, 1e-9), 0.08 / max(case.learned, 0.01))


def _hardly_told_apart(case: _Case) -> float:
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


def _ran_out(case: _Case) -> float:
    """Over 1 where the learning rate was gone early, or while the loss was in full fall."""
    shape, above = case.judged, 0.0
    if case.spent_step is None:
        return 0.0
    after = _fraction_after(shape, case.spent_step)
    if (case.reached or 0.0) < 0.95 and shape.end > 0.5 * shape.start > 0:
        above = 0.25 / max(1 - after, 0.05)
    if case.fall_before_spent is not None:
        above = max(above, min(case.fall_before_spent / 0.05, after / 0.35))
    return above


def _swings_on_validation(case: _Case) -> float:
    """Over 1 where the validation loss, always of the same examples, swings wide at a learning rate that was not brought down."""
    shape, val = case.judged, case.val
    if val is None or val.curve.label != shape.curve.label or shape.best <= 0 or shape.half.z < -1.9 or shape.end < SOLVED * shape.start:
        return 0.0
    if case.lr is not None and not _steady(case.lr):
        return 0.0
    return min(_over(shape.noise, shape.end) / 0.4, _turns(shape) / 0.3, _over(shape.end, shape.best) / 1.5)


def _improving(case: _Case) -> float:
    """Over 1 where the expected gain of the next quarter is clear of zero and over 2 % of the fall so far, 3 % beside much noise."""
    shape, projection = case.judged, case.projection
    if case.spent:
        return 0.0
    if projection is None or shape.fall <= 0:
        return shape.tail_fall / 0.04 if shape.tail.z < -1 else 0.0
    worth = (0.02 if shape.tail.z < -1.5 else 0.03) * max(shape.fall, 0.15 * shape.start if shape.best >= 0 else 0.0)
    expected = projection.gain if _steady(case.lr) else min(projection.gain, _pace(shape))
    if _falls_throughout(shape):
        worth = min(worth, max(0.5 * worth, 0.01 * abs(shape.end)))
    gain = expected / worth
    if _falls_again(shape):
        return max(gain, AGAIN)
    lower = projection.ahead.mean() < shape.end + shape.error
    falls = shape.half.z < -1.5 and shape.tail.z < -0.5
    return gain if projection.surely and lower and falls else min(gain, 0.9)


def _falls_throughout(shape: Shape) -> bool:
    """Whether the last third falls as clearly as so few points can show."""
    return shape.tail.z < (-2.3 if len(shape.curve) >= 18 else -1.6 if len(shape.curve) >= FEW else -0.9)


def _steady(lr: Curve | None) -> bool:
    """Whether the log says that the learning rate is still what it was at its peak."""
    return lr is not None and len(lr.finite) > 2 and lr.finite.last > 0.9 * lr.max


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


def _healthy(case: _Case) -> Verdict:
    shape = case.judged
    gain = _improving(case)
    label, first, last = shape.curve.label, float(shape.curve.step[0]), float(shape.curve.step[-1])
    if len(shape.curve) < FEW and shape.whole.z > -1.6 and shape.gained < 5:
        return Verdict(Status.TOO_SHORT, 0.8, f"{len(shape.curve)} points of {label} without a clear trend are too few to say.")
    unrested = len(shape.curve) < HANDFUL and shape.settled_fraction > RESTED
    if gain >= 1 or (unrested and _falls_throughout(shape)):
        text = f"{label} still {'falls' if case.sign > 0 else 'rises'}: {case.show(shape.end)} now"
        text += f", {case.forecast.value:.4g} expected at step {case.forecast.at_step:g}." if case.forecast else "."
        return Verdict(Status.IMPROVING, _surety(gain), text, None, shape.best_step, None, 0.0)
    if unrested:
        return Verdict(Status.TOO_SHORT, 0.8, f"{len(shape.curve)} points of {label} are too few to say whether it still falls.")
    if case.cut and shape.whole.z > -1.6 and shape.fall < 3 * shape.noise:
        text = f"The log begins at step {first:g}: how {label} came to {case.show(shape.end)}, where it stands still, is not in it."
        return Verdict(Status.TOO_SHORT, 0.8, text)
    confidence = _surety(1 / max(gain, 0.05))
    how = f"is flat since step {shape.settled_step:g}" if shape.settled_fraction <= RESTED else "changes little now"
    text = f"{label} went from {case.show(shape.start)} to {case.show(shape.end)} and {how}."
    wasted = (last - shape.settled_step) / (last - first) if last > first else 0.0
    return Verdict(Status.CONVERGED, confidence, text, shape.settled_step, shape.best_step, shape.settled_step, wasted)


def _sick(case: _Case, status: Status, above: float, text: str, shape: Shape, onset: float | None, stop: float | None) -> Verdict:
    confidence = min(_surety(above / 1.4 if case.few else above), case.most)
    wasted = _fraction_after(shape, stop) if stop is not None else 0.0
    return Verdict(status, confidence, text, onset, shape.best_step, stop, wasted)


def _surety(above: float) -> float:
    """Confidence from how many times the threshold was exceeded."""
    return round(min(max(1 - 0.45 / max(above, 1e-9), 0.0), 0.95), 3)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


def _fraction_after(shape: Shape, step: float) -> float:
    first, last = float(shape.curve.step[0]), float(shape.curve.step[-1])
    return (last - step) / (last - first) if last > first else 0.0


def _warming(lr: Curve | None) -> bool:
    """Whether the learning rate is still at its peak or on the way to it."""
    return lr is not None and len(lr.finite) > 2 and lr.finite.last >= lr.max > lr.finite.first
