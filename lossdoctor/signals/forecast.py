"""Where the loss will be if the run goes on: learning-curve extrapolation with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.diagnosis import Forecast
from lossdoctor.core.shape import Shape
from lossdoctor.core.statistics import bins, trend

HORIZON = 0.25  # of the run so far
ENOUGH = 8  # points
POINTS = 64  # the curve is binned to this many, so that their errors are nearly independent
RESAMPLES = 100
DAMPED = 0.8  # of the fall that the fits expect; this and what widens the interval: benchmarks/diagnose.py, development part
ONE_POINT = 1.6  # standard deviations of a point, either way: 90 % of a normal distribution
PRESENT = 1.0  # of the change over the last quarter of the log, which may go on, stop, or turn back
SEED = 0  # the same log gets the same forecast


@dataclass(frozen=True)
class _Family:
    """Falling curves a + b f(x) on a grid of the shape parameters of f: ``now`` [g, m] and ``ahead`` [g]."""

    now: Floats
    ahead: Floats
    parameters: NDArray[np.int64]


@dataclass(frozen=True)
class Projection:
    """The judged loss now and a quarter of the run later, in each of the resampled fits [s]; lower is better."""

    now: Floats
    ahead: Floats
    at_step: float

    @property
    def gain(self) -> float:
        """The expected fall; negative where a rise is expected."""
        return float((self.now - self.ahead).mean())

    @property
    def surely(self) -> bool:
        """Whether 95 % of the fits fall."""
        return float(np.quantile(self.now - self.ahead, 0.05)) > 0


def projection(judged_loss: Curve, lr: Curve | None) -> Projection | None:
    """The judged loss extrapolated by a quarter of the run, as draws from an ensemble of falling curves.

    Power laws a + b (x + c)^-d, exponentials a + b exp(-r x) and a constant are fitted by variable projection over a grid
    of (c, d) and r, averaged by AICc weight, and refitted to block-bootstrapped residuals. Falling curves only (b >= 0):
    a rising one gets the constant. Viering and Loog 2023, The shape of learning curves; Burnham and Anderson 2002;
    Kuensch 1989. The fit starts after the first tenth, or at the last drop of the learning rate.

    Absent: too few points to extrapolate, or the learning rate has run out.
    """
    curve = _regime(judged_loss, lr)
    if len(curve) < ENOUGH or _spent(lr):
        return None
    binned = bins(curve, POINTS)
    scale = float(np.ptp(binned.value)) or 1.0
    base = float(binned.value.min())
    y = (binned.value - base) / scale
    first, last = float(binned.step[0]), float(curve.step[-1])
    span = last - float(judged_loss.step[0])
    if not (last > first and np.isfinite(y).all()):
        return None
    x = (binned.step - first) / (last - first)
    now, ahead = _draws(y, _family(x, 1 + HORIZON * span / (last - first)), np.random.default_rng(SEED))
    floor = 0.0 if base >= 0 else -np.inf  # a loss that was never below zero will not be
    return Projection(base + scale * now, np.maximum(base + scale * ahead, floor), last + HORIZON * span)


def forecast(judged_loss: Curve, judged: Shape, judged_sign: float, projection: Projection) -> Forecast:
    """The level now less the fall that the projection expects, in the unit and direction of the log, with a 90 % interval.

    Errors of three kinds add up in the interval: of the fits, from their draws; of a single point, from its noise; and of the
    assumption that things go on as they are, from how much they changed over the last quarter.
    """
    level = judged.end
    value = level - DAMPED * projection.gain
    change = trend(judged.curve.value[-max(4, len(judged.curve) // 4) :]).change
    spread = np.quantile(projection.ahead, [0.05, 0.95]) - float(projection.ahead.mean())
    below, above = np.sqrt(spread**2 + (ONE_POINT * judged.noise) ** 2 + (PRESENT * change) ** 2)
    floor = 0.0 if judged_loss.min >= 0 else -np.inf  # a loss that was never below zero will not be
    value, low = max(value, floor), max(value - float(below), floor)
    ends = [judged_sign * low, judged_sign * (value + float(above))]
    return Forecast(judged_loss.label, projection.at_step, judged_sign * value, min(ends), max(ends), level - value)


def _regime(curve: Curve, lr: Curve | None) -> Curve:
    """The last stretch under one learning-rate regime, without the start-up."""
    start = float(curve.step[0]) + 0.1 * float(curve.step[-1] - curve.step[0]) if len(curve) >= 2 * ENOUGH else float(curve.step[0])
    if lr is not None and len(lr.finite) > 2:
        rates = lr.finite
        drops = np.flatnonzero((rates.value[1:] < 0.5 * rates.value[:-1]) & (rates.value[1:] > 0)) + 1
        if len(drops) and len(since := curve.since(float(rates.step[drops[-1]]))) >= ENOUGH:
            return since
    return curve.since(start)


def _spent(lr: Curve | None) -> bool:
    """Whether the learning rate has been brought down to nothing."""
    return lr is not None and len(lr.finite) > 2 and lr.finite.last < 0.01 * lr.max


def _family(x: Floats, ahead: float) -> _Family:
    rates = np.geomspace(0.02, 40, 100)  # the slowest is a straight line
    c, d = (grid.ravel() for grid in np.meshgrid(np.geomspace(0.003, 3, 10), np.geomspace(0.05, 3, 12)))
    now = np.vstack([np.zeros((1, len(x))), np.exp(-rates[:, None] * x), (x + c[:, None]) ** -d[:, None]])
    later = np.concatenate([[0.0], np.exp(-rates * ahead), (ahead + c) ** -d])
    return _Family(now, later, np.concatenate([[2], np.full(len(rates), 4), np.full(len(c), 5)]))


def _fit(y: Floats, family: _Family) -> tuple[Floats, Floats, Floats]:
    """Least squares of ``y`` [s, m] on every member [g]: a and b [g, s], and the AICc weights [g, s]."""
    m = y.shape[1]
    centred = family.now - family.now.mean(axis=1, keepdims=True)
    power = (centred**2).sum(axis=1)
    b = np.maximum(centred @ y.T / np.where(power > 0, power, 1.0)[:, None], 0.0)
    a = y.mean(axis=1) - b * family.now.mean(axis=1)[:, None]
    total = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    error = np.maximum(total - b**2 * power[:, None], 1e-12 * m)
    k = family.parameters[:, None]
    criterion = m * np.log(error / m) + 2 * k + 2 * k * (k + 1) / max(m - 6, 1)
    weight = np.exp(-0.5 * (criterion - criterion.min(axis=0)))
    return a, b, weight / weight.sum(axis=0)


def _draws(y: Floats, family: _Family, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The level now and at the horizon, for each of the resampled curves; the model is drawn by its weight."""
    m = len(y)
    a, b, weight = _fit(y[None], family)
    fitted = (weight * (a + b * family.now)).sum(axis=0)
    residual = y - fitted
    block = max(1, round(m ** (1 / 3)))
    starts = rng.integers(0, m - block + 1, size=(RESAMPLES, -(-m // block)))
    index = (starts[:, :, None] + np.arange(block)).reshape(RESAMPLES, -1)[:, :m]
    a, b, weight = _fit(fitted + residual[index] - residual.mean(), family)
    drawn = (weight.cumsum(axis=0) > rng.random(RESAMPLES)).argmax(axis=0)
    each = np.arange(RESAMPLES)
    level, size = a[drawn, each], b[drawn, each]
    return level + size * family.now[drawn, -1], level + size * family.ahead[drawn]
