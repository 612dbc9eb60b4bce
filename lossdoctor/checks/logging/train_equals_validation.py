"""LOG004: training and validation are the same numbers."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling


class TrainEqualsValidation(Check):
    """Training and validation loss are the same numbers.

    Why it matters: one of them is logged twice, or the model is validated on its training data: there is no held-out evidence.
    How it is detected: equal values, to the last digit, at nearly all steps that both have.
    What to do: check which data the validation loader reads and which variable is logged.
    """

    code, severity = "LOG004", Severity.WARNING
    references = ("Kaufman et al. 2012, Leakage in data mining",)
    fewest = 5  # steps that both have
    share = 0.95  # of them with equal values; own

    def examine(self, train_loss: Curve, val_loss: Curve) -> Finding | None:
        _, ours, theirs = np.intersect1d(train_loss.step, val_loss.step, return_indices=True)
        train, val = train_loss.value[ours], val_loss.value[theirs]
        if len(ours) < self.fewest or np.ptp(val) == 0 or np.mean(train == val) < self.share:
            return None
        return self.finding(
            f"Training and validation loss are equal at {np.mean(train == val):.0%} of {len(ours)} steps.",
            confidence=0.95,
            equal_share=float(np.mean(train == val)),
            points=len(ours),
        )

    sick = [{"train_loss": falling(), "val_loss": falling(label="val_loss")}]
    healthy = [{"train_loss": falling(), "val_loss": falling(2.3, 0.3, "val_loss")}]
