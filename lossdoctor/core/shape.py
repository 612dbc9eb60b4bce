"""How a loss curve went: its levels, its noise, its trends, and where it settled."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    stretch. ``noise`` is the standard deviation of one bin in the later half, ``error`` that of a level. ``whole``,
    ``half`` and ``tail`` are the trends of everything, of the last half and of the last third. ``settled_step`` is where
    97 % of the fall was done.
    """

    curve: Curve
    first: float
    start: float
    best: float
    best_step: float
    end: float
    noise: float
    error: float
    whole: Trend
    half: Trend
    tail: Trend
    settled_step: float

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

    @property
    def progress(self) -> float:
        """How many standard errors the end lies below the start."""
        down = self.start - self.end
        return down / self.error if self.error > 0 else float(np.sign(down)) * np.inf if down else 0.0


def shape(curve: Curve) -> Shape:
    """The shape of a finite curve of at least one point."""
    curve = replace(curve, value=np.clip(curve.value, -HUGE, HUGE))
    binned = bins(curve, BINS)
    value = binned.value
    n = len(value)
    window = 1 if n < 12 else max(3, n // 20)
    smooth = binned.smooth(window).value
    one = noise(value[n // 2 :] if n >= 12 else value[n // 4 :])
    first, start = _start(curve.value, one)
    end = level(value[-window:])
    lowest = int(smooth.argmin())
    best = min(float(smooth[lowest]), end)
    target = start - SETTLED * (start - best)
    reached = np.flatnonzero(smooth <= target) if start > best else np.arange(1)
    return Shape(
        curve=binned,
        first=first,
        start=start,
        best=best,
        best_step=float(binned.step[lowest]),
        end=end,
        noise=one,
        error=one if window == 1 else 1.25 * one / np.sqrt(window),  # a median's standard error is 1.25 times a mean's
        whole=trend(value),
        half=trend(value[n // 2 :]),
        tail=trend(value[-max(3, round(n / 3)) :]),
        settled_step=float(binned.step[reached[0] if len(reached) else -1]),
    )


def _start(value: Floats, noise: float) -> tuple[float, float]:
    """The first value, and the level at the start: the first value where it stands out from the noise, else a median of a few.

    A transient of up to three values that dwarf all others is passed over.
    """
    n = len(value)
    few = 1 if n < 30 else 3 if n < 300 else 5
    skip = 0
    while skip < min(3, n // 5) and abs(value[skip]) > OUTLIER * np.abs(value[skip + 1 :]).max():
        skip += 1
    first, usual = float(value[skip]), level(value[skip : skip + few])
    return first, first if abs(first - usual) > 4 * noise else usual
