"""How noisy the curves are."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape
from lossdoctor.core.statistics import HUGE, MAD_TO_SD, local_median

FEWEST = 5  # points
SPIKE = 8.0  # robust standard deviations over the running median
LASTING = 0.25  # of a spike that the next point still has: a lone point is an odd batch, not an odd step
TALL = 0.5  # of the whole fall: a smaller spike costs little
REPEATS = 4  # times that a pattern must be seen
STRONG = 0.5  # autocorrelation of the ranks at the period, over the lowest at a shorter lag
RUNNING = 11  # points of the running median; what lies closer together is one spike
WIDE = 101  # points of the running spread


def val_scatter(val_loss: Curve) -> float | None:
    """Standard deviation of the validation loss over its later half, as a share of its level there.

    Validation sees the same examples each time: whatever moves it is a change of the weights that matters.

    Absent: the validation loss has too few points, or ends at zero.
    """
    value = np.clip(val_loss.finite.value, -HUGE, HUGE)
    late = value[len(value) // 2 :]
    if len(value) < FEWEST or np.median(late) == 0:
        return None
    return float(late.std() / abs(np.median(late)))


def spikes(train_loss: Curve, train_shape: Shape) -> Curve | None:
    """The first points of the spikes: where the training loss stands far above its neighbours; after the first tenth, possibly none.

    Far is eight robust standard deviations over the running median, and half of what the run has gained, and not gone at the next point.

    Absent: the training loss has too few points to know a spike.
    """
    finite = train_loss.finite
    if len(finite) < 2 * RUNNING:
        return None
    over = finite.value - local_median(finite.value, RUNNING)
    usual = MAD_TO_SD * local_median(np.abs(over), WIDE)
    high = over > np.maximum(SPIKE * usual, TALL * train_shape.fall)
    high[: len(finite) // 10] = False
    high[:-1] &= over[1:] > LASTING * over[:-1]
    peaks = np.flatnonzero(high)
    return finite.where(np.isin(np.arange(len(finite)), peaks[np.diff(peaks, prepend=-RUNNING) >= RUNNING]))


def oscillation(judged: Shape) -> float:
    """The swing from point to point in the later half of the run, over the level there; 0 for a loss that is not positive."""
    return judged.noise / judged.end if judged.end > 0 and judged.best >= 0 else 0.0


def period(train_loss: Curve) -> float | None:
    """The number of points after which the training loss repeats itself, as it does where the examples come in the same order.

    The first peak of the autocorrelation of the ranks, less a straight line; the later three quarters of the run are looked at.
    Box, Jenkins and Reinsel 1994, Time Series Analysis.

    Absent: the training loss has too few points, or does not repeat itself.
    """
    value = train_loss.finite.value
    value = value[len(value) // 4 :]
    n = len(value)
    if n < 5 * REPEATS or np.ptp(value) <= 0:
        return None
    place = np.arange(n)
    ranks = value.argsort().argsort() - 0.5 * n
    ranks = ranks - np.polyval(np.polyfit(place, ranks, 1), place)
    power = np.abs(np.fft.rfft(ranks, 2 * n)) ** 2
    longest = n // REPEATS
    lags = np.arange(longest + 1)
    alike = np.fft.irfft(power)[: longest + 1] / (n - lags)
    alike = alike / max(alike[0], 1e-12)
    strength = np.where(lags >= 2, alike - np.minimum.accumulate(alike), 0.0)
    first = int((strength > 0.8 * strength.max()).argmax())  # of 3, 6, 9 the period is 3
    return float(first) if strength[first] > STRONG and alike[first] > 0.5 * STRONG else None


def level_kept(train_loss: Curve) -> float:
    """The mean of the training loss over its later half as a share of the mean over its first tenth; 0 for a loss that is not positive.

    A mean is moved by the peaks that a median does not see.
    """
    value = np.minimum(train_loss.finite.value, HUGE)
    early = value[: max(1, len(value) // 10)]
    return float(value[len(value) // 2 :].mean() / early.mean()) if len(value) and value.min() >= 0 and early.mean() > 1 / HUGE else 0.0
