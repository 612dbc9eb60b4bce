"""What the rules look at, and the measures that several of them share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Forecast, Status, Verdict
from lossdoctor.core.shape import Shape
from lossdoctor.signals.forecast import Projection

FEWEST = 5  # points below which nothing but NaN is said
FEW = 12  # points below which a sick verdict needs 1.4 times the evidence
RISES = 2.3  # standard errors of a trend that is one, however much single points swing
CAME_BACK = 0.25  # of a rise of the validation loss: that much undone, it falls again


@dataclass(frozen=True, kw_only=True)
class Case:
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
    def steady(self) -> bool:
        """Whether the log says that the learning rate is still what it was at its peak."""
        return self.lr is not None and len(self.lr.finite) > 2 and self.lr.finite.last > 0.9 * self.lr.max

    @property
    def warming(self) -> bool:
        """Whether the learning rate is still at its peak or on the way to it."""
        return self.lr is not None and len(self.lr.finite) > 2 and self.lr.finite.last >= self.lr.max > self.lr.finite.first

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


def sick(case: Case, status: Status, above: float, text: str, shape: Shape, onset: float | None, stop: float | None) -> Verdict:
    """The verdict of a rule whose measure stands ``above`` times over its threshold; less sure with few points."""
    confidence = min(surety(above / 1.4 if case.few else above), case.most)
    wasted = fraction_after(shape, stop) if stop is not None else 0.0
    return Verdict(status, confidence, text, onset, shape.best_step, stop, wasted)


def surety(above: float) -> float:
    """Confidence from how many times the threshold was exceeded."""
    return round(min(max(1 - 0.45 / max(above, 1e-9), 0.0), 0.95), 3)


def over(part: float, whole: float) -> float:
    """The ratio of two numbers that are not negative; infinite over nothing."""
    return part / whole if whole > 0 else math.inf if part > 0 else 0.0


def fraction_after(shape: Shape, step: float) -> float:
    """The share of the run that lies after ``step``."""
    first, last = float(shape.curve.step[0]), float(shape.curve.step[-1])
    return (last - step) / (last - first) if last > first else 0.0


def falls_again(val: Shape) -> bool:
    """Whether a loss that rose, and still stands over its best, falls for good: epoch-wise double descent (Nakkiran et al. 2020)."""
    peak = float(val.curve.since(val.best_step).smooth(3).value.max())
    back = val.tail.z < -RISES and val.half.z < 0 and peak - val.end > CAME_BACK * (peak - val.best)
    return back and val.rise > 3.5 * val.error


def turns(shape: Shape) -> float:
    """The share of the points of the later half that are local peaks or troughs; 2/3 in white noise, 0 on a slope."""
    steps = np.diff(shape.curve.value[len(shape.curve) // 2 :])
    return float(np.mean(steps[1:] * steps[:-1] < 0)) if len(steps) > 1 else 0.0
