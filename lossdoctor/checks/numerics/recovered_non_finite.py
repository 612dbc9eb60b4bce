"""NUM002: NaN came and went."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, falling


class RecoveredNonFinite(Check):
    """The training loss was NaN or infinite at some points and recovered.

    Why it matters: a batch was lost, or the loss scaler of mixed precision skipped a step; often it comes back for good.
    How it is detected: non-finite values of the training loss that are followed by finite ones.
    What to do: look at the batches of these steps; with mixed precision a few at the start are normal.
    """

    code, severity = "NUM002", Severity.INFO
    requires = frozenset({"NUM001"})
    references = ("Micikevicius et al. 2018, Mixed Precision Training",)

    def examine(self, train_loss: Curve) -> Finding | None:
        bad = np.flatnonzero(~np.isfinite(train_loss.value))
        if not len(bad) or len(bad) > len(train_loss) / 2:
            return None
        return self.finding(
            f"The training loss is not a number at {len(bad)} of {len(train_loss)} points and recovers each time.",
            confidence=0.95,
            step=float(train_loss.step[bad[0]]),
            points=len(bad),
        )

    sick = [{"train_loss": curve([1.0, np.nan, 0.9, 0.8])}]
    healthy = [{"train_loss": falling()}]
