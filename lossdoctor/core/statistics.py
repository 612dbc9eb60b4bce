"""Robust statistics of noisy series. Everything is scale-free and in numpy alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lossdoctor.core.curve import Curve, Floats

MAD_TO_SD = 1.4826  # of a normal distribution
HUGE = 1e100  # values beyond it are cut to it: their differences would overflow


@dataclass(frozen=True)
class Trend:
    """The monotone trend of a series: ``change`` from its first to its last point (its unit), ``z`` the Mann-Kendall score."""

    change: float
    z: float


def bins(curve: Curve, most: int = 256) -> Curve:
    """The curve as at most ``most`` medians of equally many neighbouring points; a shorter one as it is."""
    n = len(curve)
    if n <= most:
        return curve
    size = -(-n // most)
    return replace(curve, step=_medians(curve.step, size), value=_medians(curve.value, size), epoch=None)


def _medians(values: Floats, size: int) -> Floats:
    """Medians of consecutive groups of ``size``; what is left over makes the last group."""
    whole = len(values) // size * size
    medians = np.median(values[:whole].reshape(-1, size), axis=1)
    return np.append(medians, np.median(values[whole:])) if whole < len(values) else medians


def spread(values: Floats) -> float:
    """Robust standard deviation: the scaled median absolute deviation; 0 for fewer than two points."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values)))) if len(values) > 1 else 0.0


def noise(values: Floats) -> float:
    """Standard deviation of one point around its local mean, blind to trends and to lone spikes.

    From second differences, which a straight line leaves at zero. A log that prints a running mean has differences far
    smaller than its swings, so wider lags are looked at as well: the noise is the largest over lags up to n / 16.
    Gasser, Sroka and Jennen-Steinmetz 1986, Residual variance and residual pattern in nonlinear regression.
    """
    n = len(values)
    if n < 3:
        return 0.0
    levels = []
    lag = 1
    while lag <= max(1, n // 16):
        second = values[2 * lag :] - 2 * values[lag:-lag] + values[: -2 * lag]
        levels.append(spread_around_zero(second) / np.sqrt(6.0))
        lag *= 2
    return float(max(levels))


def spread_around_zero(values: Floats) -> float:
    """Robust standard deviation of values whose mean is known to be zero.

    The median tells nothing where over half of the values are exactly zero (a rounded log): then the mean size counts.
    """
    size = np.abs(values)
    median = float(np.median(size)) if len(size) else 0.0
    return MAD_TO_SD * median if median > 0 else float(size.mean()) if len(size) else 0.0


def trend(values: Floats, blocks: int = 16) -> Trend:
    """Theil-Sen change over the series and the Mann-Kendall score of its block medians.

    Blocks make neighbouring points independent. Mann 1945; Kendall 1948; Sen 1968.
    """
    n = len(values)
    if n < 3:
        return Trend(0.0, 0.0)
    level = np.array([np.median(part) for part in np.array_split(values, min(blocks, n))])
    k = len(level)
    i, j = np.triu_indices(k, 1)
    rise = level[j] - level[i]
    slope = float(np.median(rise / (j - i)))
    score = float(np.sign(rise).sum())
    z = (score - np.sign(score)) / np.sqrt(k * (k - 1) * (2 * k + 5) / 18)
    return Trend(slope * (k - 1), float(z))


def local_median(values: Floats, window: int) -> Floats:
    """The median around each point: medians of groups of ``window``, joined by straight lines. [n] -> [n]."""
    medians = _medians(values, window)
    centres = np.minimum(np.arange(len(medians)) * window + (window - 1) / 2, len(values) - 1)
    return np.interp(np.arange(len(values)), centres, medians)


def level(values: Floats) -> float:
    """The median, as a float; NaN where there is nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def student(tail: float, freedom: float) -> float:
    """The value that Student's t with ``freedom`` degrees of freedom exceeds with probability ``tail``.

    With t = sqrt(freedom) tan(angle), the density of the angle is a power of its cosine. Student 1908.
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, 20_001)
    mass = np.cumsum(np.cos(angle) ** (freedom - 1))
    return float(np.sqrt(freedom) * np.tan(np.interp(1 - tail, mass / mass[-1], angle)))
