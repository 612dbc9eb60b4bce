"""How a loss curve went: its levels, its noise, its trends, and where it settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.statistics import HUGE, Trend, bins, level, noise, trend

BINS = 256  # points that a curve is reduced to
OUTLIER = 10.0  # a first value this many times the ones after it is a start-up transient
SETTLED = 0.97  # share of the fall after which a curve has settled


@dataclass(frozen=True)
class Shape:
    """The levels of a finite curve in its own unit, lower is better; ``curve`` is the curve in at most 256 bins.

    ``first`` is the first value; ``start``, ``best`` and ``end`` are medians of a few points, ``best`` of the lowest
    stretch. ``noise`` is the standard deviation of one bin in the later half, ``error`` that of a level; ``gained`` is how
    many standard errors the later half lies below the first twentieth. ``settled_step`` is where 97 % of the fall was done.
    """

    curve: Curve
    first: float
    start: float
    best: float
    best_step: float
    end: float
    noise: float
    error: float
    gained: float
    settled_step: float

    @cached_property
    def whole(self) -> Trend:
        """The trend of everything."""
        return trend(self.curve.value)

    @cached_property
    def half(self) -> Trend:
        """The trend of the last half."""
        return trend(self.curve.value[len(self.curve) // 2 :])

    @cached_property
    def tail(self) -> Trend:
        """The trend of the last third."""
        return trend(self.curve.value[-max(3, round(len(self.curve) / 3)) :])

    @property
    def fall(self) -> float:
        """How far the curve came down at best, never below zero."""
        return max(self.start - self.best, 0.0)

    @property
    def relative_fall(self) -> float:
        """The fall that is left at the end, as a share of the start; only positive losses have one, others give 1."""
        return (self.start - self.end) / self.start if self.start > 0 and self.best >= 0 else 1.0

    @property
    def tail_fall(self) -> float:
        """How far the curve came down in its last third, as a share of the whole fall; negative where it rose."""
        return -self.tail.change / self.fall if self.fall > 0 else 0.0

    @property
    def rise(self) -> float:
        """How far the end stands above the best level."""
        return max(self.end - self.best, 0.0)

    @property
    def settled_fraction(self) -> float:
        """The share of the run that had passed when the curve settled."""
        first, last = float(self.curve.step[0]), float(self.curve.step[-1])
        return (self.settled_step - first) / (last - first) if last > first else 1.0


def shape(curve: Curve) -> Shape:
    """The shape of a finite curve of at least one point."""
    curve = replace(curve, value=np.clip(curve.value, -HUGE, HUGE))
    binned = bins(curve, BINS)
    value = binned.value
    n = len(value)
    window = 1 if n < 12 else max(3, n // 20)
    smooth = binned.smooth(window).value
    one = noise(value[n // 2 :] if n >= 12 else value[n // 4 :])
    end = level(value[-window:])
    start = _start(curve.value, one, end)
    lowest = int(smooth.argmin())
    best = min(float(smooth[lowest]), end)
    target = start - SETTLED * (start - best)
    reached = np.flatnonzero(smooth <= target) if start > best else np.arange(1)
    return Shape(
        curve=binned,
        first=float(curve.value[0]),
        start=start,
        best=best,
        best_step=float(binned.step[_lowest_near(value, lowest, window)]),
        end=end,
        noise=one,
        error=_error(value[n // 2 :], one, window),
        gained=_gained(value, one),
        settled_step=float(binned.step[reached[0] if len(reached) else -1]),
    )


def _lowest_near(value: Floats, place: int, window: int) -> int:
    """The lowest point of the stretch about ``place``: the one that somebody would keep."""
    first = max(0, place - window // 2)
    return first + int(value[first : place + window // 2 + 1].argmin())


def _error(value: Floats, noise_of_one: float, window: int) -> float:
    """Standard error of a median of ``window`` points, from the scatter of such medians where they are enough to tell.

    Neighbours that swing together make it larger than the noise of one point over the root of their number.
    """
    if window == 1:
        return noise_of_one
    whole = len(value) // window * window
    medians = np.median(value[:whole].reshape(-1, window), axis=1)
    independent = 1.25 * noise_of_one / float(np.sqrt(window))  # a median's standard error is 1.25 times a mean's
    return max(independent, noise(medians)) if len(medians) >= 6 else independent


def _gained(value: Floats, late_noise: float) -> float:
    """How many standard errors the median of the later half lies below that of the first twentieth."""
    n = len(value)
    few = max(1, n // 20)
    down = level(value[:few]) - level(value[n // 2 :])
    error = 1.25 * max(late_noise, noise(value[: max(8, n // 4)])) / float(np.sqrt(few))
    return down / error if error > 0 else float(np.sign(down)) * np.inf if down else 0.0


def _start(value: Floats, noise_of_one: float, end: float) -> float:
    """The level at the start: the first value where it stands out from the noise, else a median of a few.

    A transient of up to three values that dwarf all others is passed over. Where a few points do not tell the start from
    the end, a twentieth of all is taken.
    """
    n = len(value)
    few = 1 if n < 30 else 3 if n < 300 else 5
    skip = 0
    while skip < min(3, n // 5) and abs(value[skip]) > OUTLIER * np.abs(value[skip + 1 :]).max():
        skip += 1
    early = noise(value[skip : skip + max(8, n // 10)])
    first, usual = float(value[skip]), level(value[skip : skip + few])
    if abs(first - usual) > 4 * max(noise_of_one, early):
        return first
    return usual if abs(usual - end) > 4 * early else level(value[skip : skip + max(few, n // 20)])
