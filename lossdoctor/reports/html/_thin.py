"""Fewer points for the eye: a curve of any length as one that a chart can hold, with every spike and gap still in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.curve import Curve

KEPT = 3  # of a bucket: its lowest, its highest, and one that is no number


def thin(curve: Curve, points: int) -> Curve:
    """At most ``points`` points (but at least five) of the curve, in their order.

    The curve is cut into buckets of equally many points. Of each stay the lowest and the highest value and the first that is
    not finite, and of the whole the first and the last point: no spike and no gap is lost, whatever its width (the M4
    aggregation of Jugel et al. 2014 without the ends of each bucket). O(n), no Python loop over points.
    """
    if len(curve) <= max(points, KEPT + 2):
        return curve
    keep = np.zeros(len(curve), dtype=bool)
    keep[[0, -1]] = True
    starts = _starts(len(curve), max(1, (points - 2) // KEPT))
    finite = np.isfinite(curve.value)
    for fill, reduce in ((np.inf, np.minimum), (-np.inf, np.maximum)):
        values = np.where(finite, curve.value, fill)
        extreme = np.repeat(reduce.reduceat(values, starts), np.diff(starts, append=len(curve)))
        keep[_first(finite & (values == extreme), starts)] = True
    keep[_first(~finite, starts)] = True
    return curve.where(keep)


def medians(curve: Curve, points: int) -> Curve:
    """The medians of ``points`` buckets of the finite values, each at the middle step of its bucket: the curve without its noise."""
    finite = curve.finite
    if len(finite) <= points:
        return finite
    starts = _starts(len(finite), points)
    middle = (starts + np.append(starts[1:], len(finite)) - 1) // 2
    values = np.array([np.median(part) for part in np.split(finite.value, starts[1:])])
    return Curve(curve.metric, curve.split, finite.step[middle], values)


def _starts(length: int, buckets: int) -> NDArray[np.intp]:
    return np.arange(buckets) * length // buckets


def _first(marked: NDArray[np.bool_], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """The place of the first marked point of each bucket that has one."""
    places = np.flatnonzero(marked)
    found = np.searchsorted(places, starts)
    ends = np.append(starts[1:], len(marked))
    here = found < len(places)
    candidates = places[found[here]]
    return candidates[candidates < ends[here]]
