"""FRZ001: the loss is constant."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat, noisy


class ConstantLoss(Check):
    """The loss is the same to the last digit: the parameters are not updated.

    Why it matters: nothing is learned: frozen parameters, an optimizer with other parameters, a learning rate of zero, or no backward pass.
    How it is detected: the validation loss (or the mean training loss of each epoch) has a single value all along. One of exactly zero
    from the first point on tells of a loss in which no example counts; a log that begins late may have come to it, and an agent may
    not have begun to learn.
    What to do: check that `optimizer.step()` runs, that the optimizer holds `model.parameters()`, and `requires_grad`; of a loss that is
    zero, that not all targets are masked, and that what is logged is the loss.
    """

    code, severity = "FRZ001", Severity.ERROR
    requires = frozenset({"NUM001"})
    references = ("Wardat et al. 2022, DeepDiagnosis", "Karpathy 2019, A Recipe for Training Neural Networks")
    fewest = 5  # points
    same = 1e-9  # of the level: what summing in another order may change

    def examine(self, train_loss: Curve | None, val_loss: Curve | None, reward: Curve | None = None) -> Finding | None:
        for curve in (val_loss, train_loss):
            value = np.array([]) if curve is None else curve.finite.value
            if curve is None or len(value) < self.fewest or np.ptp(value) > self.same * abs(value[0]):
                continue
            zero = not value[0]
            if not zero or (reward is None and 2 * curve.step[0] <= curve.step[-1]):
                why = "no example counts in it: all targets may be masked" if zero else "the parameters are probably not updated"
                return self.finding(
                    f"{curve.label} is {value[0]:.6g} at all {len(value)} points: {why}.",
                    confidence=0.7 if zero else 0.9,
                    step=float(curve.step[0]),
                    value=float(value[0]),
                    points=len(value),
                )
        return None

    sick = [
        {"train_loss": noisy(flat(2.3), 0.1), "val_loss": flat(2.31, "val_loss")},
        {"train_loss": flat(2.3), "val_loss": None},
        {"train_loss": flat(0.0), "val_loss": None},
    ]
    healthy = [
        {"train_loss": flat(0.0), "val_loss": None, "reward": flat(0.0, "reward")},
        {"train_loss": falling(), "val_loss": falling(label="val_loss")},
        {"train_loss": noisy(flat(2.3), 0.01), "val_loss": None},
    ]
