"""LOG002: no validation."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat


class NoValidation(Check):
    """The log has a training loss and nothing from held-out data.

    Why it matters: whether the model learns or memorises cannot be seen.
    How it is detected: no validation or test series at all.
    What to do: hold out a tenth of the data and log its loss every epoch.
    """

    code, severity = "LOG002", Severity.INFO
    references = ("Goodfellow et al. 2016, Deep Learning, 5.3 Hyperparameters and Validation Sets",)

    def examine(self, train_loss: Curve, val_loss: Curve | None, val_accuracy: Curve | None, reward: Curve | None) -> Finding | None:
        if val_loss is not None or val_accuracy is not None or reward is not None:
            return None
        return self.finding("The log has no validation loss: overfitting would not be seen.", confidence=0.95, points=len(train_loss))

    sick = [{"train_loss": falling(), "val_loss": None, "val_accuracy": None, "reward": None}]
    healthy = [{"train_loss": falling(), "val_loss": falling(label="val_loss"), "val_accuracy": flat(0.5, "val_accuracy"), "reward": None}]
