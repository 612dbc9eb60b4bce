"""LOG005: values are logged again and again."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, falling


class RepeatedValues(Check):
    """Long stretches of the training loss repeat one value: it is logged more often than it is measured.

    Why it matters: the log looks longer and calmer than it is; noise and plateaus are read wrongly.
    How it is detected: most values equal the one before, to the last of many digits, while the curve as a whole moves.
    What to do: log when a new value is there, once.
    """

    code, severity = "LOG005", Severity.INFO
    requires = frozenset({"FRZ001"})
    references = ("Godbole et al. 2023, Deep Learning Tuning Playbook",)
    share = 0.5  # of the points; own
    distinct = 5  # values that the curve has at least
    coarse = 200  # times its smallest step that a rounded log spans at most; own

    def examine(self, train_loss: Curve) -> Finding | None:
        value = train_loss.finite.value
        steps = np.abs(np.diff(value))
        moves = steps[steps > 0]
        if len(value) < 20 or len(np.unique(value)) < self.distinct or np.mean(steps == 0) < self.share:
            return None
        if np.ptp(value) < self.coarse * moves.min():
            return None  # a log that rounds repeats itself honestly
        return self.finding(
            f"{np.mean(steps == 0):.0%} of the training losses repeat the one before to the last digit.",
            confidence=0.8,
            repeated_share=float(np.mean(steps == 0)),
        )

    sick = [{"train_loss": curve(np.repeat(falling(points=40).value, 5))}]
    healthy = [{"train_loss": falling()}, {"train_loss": curve(np.round(falling(points=200).value, 1))}]
