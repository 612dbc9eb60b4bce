"""NUM002: NaN came and went."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, falling


class RecoveredNonFinite(Check):
    """A loss was NaN or infinite at some points and recovered.

    Why it matters: a batch was lost, or the loss scaler of mixed precision skipped a step; often it comes back for good. Where it is the
    validation loss alone, what only evaluation uses overflows: running means of batch normalization, a logarithm of zero.
    How it is detected: non-finite values of the training or validation loss that are followed by finite ones; those before an agent's
    first update are none.
    What to do: look at the batches of these steps; with mixed precision a few at the start are normal. For the validation loss, compare
    evaluation with and without `model.eval()`.
    """

    code, severity = "NUM002", Severity.INFO
    requires = frozenset({"NUM001"})
    references = ("Micikevicius et al. 2018, Mixed Precision Training",)

    def examine(self, train_loss: Curve | None, val_loss: Curve | None, reward: Curve | None) -> Finding | None:
        for loss in (train_loss, val_loss):
            bad = np.flatnonzero(~np.isfinite(loss.value)) if loss is not None else np.empty(0, int)
            if reward is not None:  # nothing is trained until the replay memory has enough
                bad = bad[bad != np.arange(len(bad))]
            if loss is None or not len(bad) or len(bad) > len(loss) / 2:
                continue
            return self.finding(
                f"The {'training' if loss is train_loss else 'validation'} loss is not a number at {len(bad)} of {len(loss)} points "
                "and recovers each time.",
                confidence=0.95,
                step=float(loss.step[bad[0]]),
                points=len(bad),
            )
        return None

    sick = [
        {"train_loss": curve([1.0, np.nan, 0.9, 0.8]), "val_loss": None, "reward": None},
        {"train_loss": falling(), "val_loss": curve([np.nan, np.nan, 5.6, 0.8, 0.9], "val_loss"), "reward": None},
    ]
    healthy = [
        {"train_loss": falling(), "val_loss": None, "reward": None},
        {"train_loss": curve([np.nan, np.nan, 0.9, 0.8, 0.7]), "val_loss": None, "reward": curve([1.0, 2.0, 1.0, 3.0, 2.0], "reward")},
    ]
