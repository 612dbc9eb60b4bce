"""FRZ001: the loss is constant."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat, noisy


class ConstantLoss(Check):
    """The loss is the same to the last digit: the parameters are not updated.

    Why it matters: nothing is learned: frozen parameters, an optimizer with other parameters, a learning rate of zero, or no backward pass.
    How it is detected: the validation loss (or the mean training loss of each epoch) has a single value all along, and it is not zero.
    What to do: check that `optimizer.step()` runs, that the optimizer holds `model.parameters()`, and `requires_grad`.
    """

    code, severity = "FRZ001", Severity.ERROR
    requires = frozenset({"NUM001"})
    references = ("Wardat et al. 2022, DeepDiagnosis", "Karpathy 2019, A Recipe for Training Neural Networks")
    fewest = 5  # points
    same = 1e-9  # of the level: what summing in another order may change

    def examine(self, train_loss: Curve | None, val_loss: Curve | None) -> Finding | None:
        for curve in (val_loss, train_loss):
            value = np.array([]) if curve is None else curve.finite.value
            if curve is not None and len(value) >= self.fewest and abs(value[0]) > 0 and np.ptp(value) <= self.same * abs(value[0]):
                return self.finding(
                    f"{curve.label} is {value[0]:.6g} at all {len(value)} points: the parameters are probably not updated.",
                    confidence=0.9,
                    step=float(curve.step[0]),
                    value=float(value[0]),
                    points=len(value),
                )
        return None

    sick = [{"train_loss": noisy(flat(2.3), 0.1), "val_loss": flat(2.31, "val_loss")}, {"train_loss": flat(2.3), "val_loss": None}]
    healthy = [{"train_loss": falling(), "val_loss": falling(label="val_loss")}, {"train_loss": noisy(flat(2.3), 0.01), "val_loss": None}]
