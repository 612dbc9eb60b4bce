"""The judge: which metric decides, what it is worth, and when a gain is proved."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lossdoctor.core.trial import Effect, Level
from lossdoctor.lab.fit import Row
from lossdoctor.lab.workload import Workload

# 95 % quantiles of Student's t by degrees of freedom (both tails of a 90 % interval)
STUDENT = (math.inf, 6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
IMBALANCED = 3.0  # times the smallest class: beyond it the loss is averaged over classes, so that the small ones count
EXPLODED = 10.0  # times a constant guess: a validation loss beyond it is a training that blew up
WORST = 2.0  # times a constant guess: how much worse a level is beyond it proves nothing more


@dataclass(frozen=True)
class Judge:
    """Lower is better for ``metric``; ``scale`` is what a constant guess scores, the yardstick of every gain.

    A gain is material from ``led_*`` on where a finding led to the fix, and from ``blind_*`` on where none did: as a
    share of the baseline's own value, and as a share of the scale. A healthy training can nearly always be tuned a
    little further, which is no illness. The four are our own choice; ``benchmarks/probe.py`` shows what they let through.
    """

    metric: str
    scale: float
    led_relative: float = 0.10
    led_absolute: float = 0.03
    blind_relative: float = 0.25
    blind_absolute: float = 0.08

    @classmethod
    def for_workload(cls, workload: Workload, first: Row) -> Judge:
        """The judge of a training whose first evaluation was ``first``.

        The config's own step may scale its loss: where that starts far from what a constant guess costs, it is its own yardstick.
        """
        if workload.labels is not None and "val_balanced_loss" in first:
            counts = torch.bincount(workload.labels, minlength=workload.classes or 2)
            counts = counts[counts > 0]
            if len(counts) > 1 and counts.max() > IMBALANCED * counts.min():
                return cls("val_balanced_loss", math.log(len(counts)))
        chance = workload.chance() or 0.0
        start = abs(first["val_loss"]) if math.isfinite(first["val_loss"]) else 1.0
        rescaled = workload.config.training.step is not None and not chance < EXPLODED * start < EXPLODED**2 * chance
        return cls("val_loss", start if rescaled else chance or start)

    def value(self, row: Row) -> float:
        """The judged metric of a row; infinite where the training blew up."""
        value = row.get(self.metric, math.nan)
        return value if math.isfinite(value) and value < EXPLODED * self.scale else math.inf

    def worth(self, value: float) -> float:
        """A value to compare with: a training that blew up is worth two constant guesses."""
        return value if math.isfinite(value) else WORST * self.scale

    def level(self, values: Sequence[float]) -> Level:
        """Mean and interval over seeds; infinite where any blew up."""
        mean = statistics.fmean(values)
        half = _half_width(values) if math.isfinite(mean) else 0.0
        return Level(self.metric, mean, mean - half, mean + half, len(values))

    def noise(self, values: Sequence[float]) -> float:
        """The seed-to-seed standard deviation, NaN for a single seed."""
        known = [self.worth(value) for value in values]
        return statistics.stdev(known) if len(known) > 1 else math.nan

    def effect(self, before: Sequence[float], after: Sequence[float]) -> Effect:
        """The paired gain over seeds with its 90 % interval (Student 1908); one seed has no interval."""
        gains = [self.worth(b) - a for b, a in zip(before, after, strict=True)]
        mean = statistics.fmean(gains)
        half = _half_width(gains) if math.isfinite(mean) else math.inf
        return Effect(mean, mean - half, mean + half, len(gains))

    def material(self, gain: float, before: float, *, led: bool) -> bool:
        """Whether a gain over the level ``before`` is large enough to matter."""
        return gain > self.least(before, led=led)

    def least(self, before: float, *, led: bool) -> float:
        """The gain over the level ``before`` beyond which it is material."""
        relative, absolute = (self.led_relative, self.led_absolute) if led else (self.blind_relative, self.blind_absolute)
        return max(relative * abs(self.worth(before)), absolute * self.scale)

    def promising(self, before: Sequence[float], after: Sequence[float]) -> bool:
        """Whether a gain is not proved although it would be material and no seed speaks against it: more seeds may tell."""
        gains = [min(self.worth(b), WORST * self.scale) - a for b, a in zip(before, after, strict=True)]
        level = statistics.fmean(map(self.worth, before))
        hopeful = self.material(statistics.fmean(gains), level, led=True) and min(gains) > -self.led_absolute * self.scale
        return hopeful and self.proof(before, after, led=True) is None

    def proof(self, before: Sequence[float], after: Sequence[float], *, led: bool) -> Effect | None:
        """The effect where it is proved: material, and beyond the noise between seeds of both sides; otherwise None.

        A training that goes wrong goes wrong by another factor with every seed; levels beyond ``WORST`` count as that.
        """
        raw = self.effect(before, after)
        bounded = [min(self.worth(value), WORST * self.scale) for value in before]
        effect = self.effect(bounded, after)
        sure = effect.seeds > 1 and effect.low > 0 and effect.gain > self.noise(bounded)
        if not sure or not self.material(effect.gain, statistics.fmean(bounded), led=led):
            return None
        return raw if raw.low > 0 else effect


def _half_width(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.inf
    t = STUDENT[min(len(values) - 1, len(STUDENT) - 1)]
    return t * statistics.stdev(values) / math.sqrt(len(values))
