"""BATCH001: the loss is noisy."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, falling, noisy
from lossdoctor.core.statistics import noise


class NoisyLoss(Check):
    """The training loss jumps from step to step by a large part of its level.

    Why it matters: each step follows its few examples rather than the data; progress drowns in the noise, and so does every comparison.
    How it is detected: the noise of single points in the later half against their level, where the log has many points.
    What to do: a larger batch (or accumulation), or a lower learning rate at the end; for reading alone, log a running mean.
    """

    code, severity = "BATCH001", Severity.INFO
    requires = frozenset({"NUM001", "LR001"})
    references = ("McCandlish et al. 2018, An Empirical Model of Large-Batch Training",)
    size = 0.5  # of the level; own
    fewest = 100  # points: fewer are means over an epoch
    solved = 0.1  # of the first level: below it, relative noise says nothing

    def examine(self, train_loss: Curve) -> Finding | None:
        value = train_loss.finite.value
        if len(value) < self.fewest or value.min() < 0:
            return None
        late = value[len(value) // 2 :]
        level, size = float(late.mean()), noise(late)
        if level <= self.solved * float(np.median(value[: len(value) // 20])) or size < self.size * level:
            return None
        return self.finding(
            f"The training loss jumps by {size / level:.0%} of its level from point to point.",
            confidence=0.65,
            noise=size,
            noise_over_level=size / level,
        )

    sick = [{"train_loss": curve(np.abs(noisy(falling(2.3, 0.8), 0.8).value))}]
    healthy = [{"train_loss": noisy(falling(2.3, 0.8), 0.05)}]
