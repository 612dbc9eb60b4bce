"""Small curves for the ``sick`` and ``healthy`` examples of checks, and for tests."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.diagnosis import Status, Verdict

POINTS = 200


def curve(values: Floats | list[float], label: str = "train_loss") -> Curve:
    """A curve with one point a step; ``label`` as in a run, ``val_loss`` or ``lr``."""
    value = np.asarray(values, dtype=float)
    return Curve.of(label, np.arange(len(value), dtype=float), value)


def falling(start: float = 2.3, end: float = 0.2, label: str = "train_loss", points: int = POINTS) -> Curve:
    """An exponential fall that is over after a third."""
    return curve(end + (start - end) * np.exp(-np.arange(points) / (points / 15)), label)


def sloping(start: float, end: float, label: str = "train_loss", points: int = POINTS) -> Curve:
    """A straight line."""
    return curve(np.linspace(start, end, points), label)


def flat(level: float, label: str = "train_loss", points: int = POINTS) -> Curve:
    """The same value all along."""
    return curve(np.full(points, level), label)


def u_turn(start: float = 2.3, low: float = 1.2, end: float = 2.0, label: str = "val_loss", points: int = POINTS) -> Curve:
    """Down to ``low`` in the first quarter, then up to ``end``."""
    turn = points // 4
    return curve(np.concatenate([np.linspace(start, low, turn), np.linspace(low, end, points - turn)]), label)


def stepping(before: float, after: float, at: float = 0.5, label: str = "lr", points: int = POINTS) -> Curve:
    """``before``, then ``after`` from the fraction ``at`` of the points on."""
    return curve(np.where(np.arange(points) < at * points, before, after), label)


def halted(clean: Curve, at: float = 0.1) -> Curve:
    """``clean`` until the fraction ``at`` of its points, and that level ever after."""
    value = clean.value.copy()
    value[round(at * len(value)) :] = value[round(at * len(value))]
    return curve(value, clean.label)


def noisy(clean: Curve, size: float, seed: int = 0) -> Curve:
    """``clean`` with Gaussian noise whose standard deviation is ``size`` times each value."""
    swing = np.random.default_rng(seed).standard_normal(len(clean))
    return curve(clean.value * (1 + size * swing), clean.label)


def spiky(clean: Curve, times: float, every: int = 20) -> Curve:
    """``clean`` with every so manieth value multiplied."""
    value = clean.value.copy()
    value[every // 2 :: every] *= times
    return curve(value, clean.label)


def verdict(status: str, confidence: float = 0.9, wasted: float = 0.5) -> Verdict:
    """A verdict of that status."""
    return Verdict(Status(status), confidence, "", onset_step=0.0, best_step=50.0, stop_step=100.0, wasted_fraction=wasted)
