"""LOG002: no validation."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat
from lossdoctor.core.run import Run


class NoValidation(Check):
    """The log has a training loss and nothing from held-out data.

    Why it matters: whether the model learns or memorises cannot be seen.
    How it is detected: no validation or test series at all.
    What to do: hold out a tenth of the data and log its loss every epoch.
    """

    code, severity = "LOG002", Severity.INFO
    references = ("Goodfellow et al. 2016, Deep Learning, 5.3 Hyperparameters and Validation Sets",)

    def examine(self, run: Run, train_loss: Curve, reward: Curve | None) -> Finding | None:
        if reward is not None or any(curve.split in ("val", "test") for curve in run.curves.values()):
            return None
        return self.finding("The log has no validation loss: overfitting would not be seen.", confidence=0.95, points=len(train_loss))

    sick = [{"run": Run({"train_loss": falling()}), "train_loss": falling(), "reward": None}]
    healthy = [
        {"run": Run({"train_loss": falling(), "val_bpb": flat(1.1, "val_bpb")}), "train_loss": falling(), "reward": None},
    ]
