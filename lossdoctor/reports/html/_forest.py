"""A forest plot: the gain of each trial with its interval, all on one scale, with a line at no gain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossdoctor.core.trial import Treatment

WIDTH = 100.0  # of the plot, in units of its view box
PAD = 4.0


class Forest:
    """The trials of a forest plot and its scale: from the least to the largest gain, and zero in any case; what harms more than the
    best gains lies at its edge.

    A trial of one seed has a gain but no interval; one that is not finite is off the scale.
    """

    def __init__(self, trials: Sequence[Treatment]) -> None:
        self.trials = trials
        gains = [trial.effect.gain for trial in trials if trial.effect]
        ends = [end for trial in trials if trial.effect and trial.effect.seeds > 1 for end in (trial.effect.low, trial.effect.high)]
        known = [0.0, *(value for value in (*gains, *ends) if math.isfinite(value))]
        self.high = max(known)
        self.low = max(min(known), -self.high) if self.high else min(known)  # harm beyond that is not worth the room

    def at(self, value: float) -> float:
        """The place of a gain, 0 to 100."""
        span = self.high - self.low or 1.0
        place = (min(max(value, self.low), self.high) - self.low) / span
        return round(PAD + place * (WIDTH - 2 * PAD), 2)

    @property
    def zero(self) -> float:
        return self.at(0.0)
