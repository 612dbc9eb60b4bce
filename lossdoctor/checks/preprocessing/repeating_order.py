"""PRE001: the loss repeats itself as the examples come round."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, falling, noisy


class RepeatingOrder(Check):
    """The training loss goes through the same pattern again and again, with swings as large as itself.

    Why it matters: examples that come in a fixed order, sorted by class most of all, are learned in turn and forgotten again.
    How it is detected: the autocorrelation of the training loss has a clear peak at some period, the swing is a large share of the mean
    level, and that mean has not come down by much.
    What to do: shuffle the training data every epoch: `DataLoader(..., shuffle=True)`.
    """

    code, severity = "PRE001", Severity.ERROR
    requires = frozenset({"NUM001"})
    references = (
        "Bengio 2012, Practical Recommendations for Gradient-Based Training, 3.1",
        "Box, Jenkins and Reinsel 1994, Time Series Analysis",
    )
    swing = 0.4  # of the mean: standard deviation in the later half; own
    kept = 0.6  # of the first mean; own

    def examine(self, train_loss: Curve, period: float, level_kept: float) -> Finding | None:
        value = train_loss.finite.value
        late = value[len(value) // 2 :]
        swing = float(late.std() / late.mean()) if late.mean() > 0 else 0.0
        if swing < self.swing or level_kept < self.kept:
            return None
        return self.finding(
            f"The training loss repeats itself every {period:g} points, swinging by {swing:.0%}: examples seem to come in a fixed order.",
            confidence=0.85,
            step=float(train_loss.finite.step[0]),
            period=period,
            swing=swing,
            level_kept=level_kept,
        )

    _sawtooth = curve(np.tile([3.0, 0.01, 0.2], 60))
    sick = [{"train_loss": _sawtooth, "period": 3.0, "level_kept": 1.0}]
    healthy = [{"train_loss": noisy(falling(), 0.05), "period": 3.0, "level_kept": 0.1}]
