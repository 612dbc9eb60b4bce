"""NORM001: validation is thrown about beside a smooth training."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, falling, noisy
from lossdoctor.core.shape import Shape, shape


class EvaluationThrownAbout(Check):
    """Validation loss and accuracy leap between good and useless from one measurement to the next, while training is smooth.

    Why it matters: evaluation sees another model than training does, so that neither the best step nor early stopping means anything.
    How it is detected: the validation loss swings by half of its level or more, far above the training loss, which hardly swings, and the
    validation accuracy leaps by a fifth and more. The examples of validation are the same each time: so much comes of no sampling.
    What to do: look at the running means of batch normalization (a larger momentum of the update, larger batches, or another
    normalization); prepare both splits alike; a lower learning rate settles what is left.
    """

    code, severity = "NORM001", Severity.WARNING
    requires = frozenset({"NUM001", "LR001", "STOP001", "NORM103"})
    references = ("Ioffe and Szegedy 2015, Batch Normalization", "Wu and Johnson 2021, Rethinking 'Batch' in BatchNorm")
    swing = 0.5  # of the validation loss's level; own
    smooth = 0.15  # of the training loss's level; own
    above = 3.0  # times the training loss; own
    leap = 0.2  # of 1, in accuracy, at the median; own
    fewest = 6  # points of validation

    def examine(self, train_shape: Shape, val_shape: Shape, val_accuracy: Curve) -> Finding | None:
        late = val_shape.curve.value[len(val_shape.curve) // 2 :]
        accuracy = val_accuracy.finite.value
        if min(len(val_shape.curve), len(accuracy)) < self.fewest or train_shape.best <= 0 or val_shape.best <= 0:
            return None
        level, leaps = float(np.median(late)), np.abs(np.diff(accuracy[len(accuracy) // 2 :]))
        smooth = train_shape.noise < self.smooth * train_shape.end
        thrown = val_shape.noise > self.swing * level and level > self.above * train_shape.end and np.median(leaps) > self.leap
        if not (smooth and thrown):
            return None
        return self.finding(
            f"Validation loss swings by {val_shape.noise / level:.0%} of its level and accuracy leaps by {np.median(leaps):.2f} from one "
            "measurement to the next, while training is smooth: evaluation sees another model.",
            confidence=0.5,
            swing=val_shape.noise / level,
            train_swing=train_shape.noise / train_shape.end,
            leap=float(np.median(leaps)),
        )

    _wild = [2.6, 18.4, 4.6, 0.8, 5.6, 4.1, 0.7, 6.3, 1.1, 4.4]
    _right = [0.5, 0.04, 0.3, 0.8, 0.3, 0.4, 0.82, 0.3, 0.79, 0.35]
    sick = [
        {
            "train_shape": shape(noisy(falling(0.5, 0.08, points=10), 0.01)),
            "val_shape": shape(curve(_wild, "val_loss")),
            "val_accuracy": curve(_right, "val_accuracy"),
        }
    ]
    healthy = [
        {
            "train_shape": shape(noisy(falling(0.5, 0.08, points=10), 0.01)),
            "val_shape": shape(noisy(falling(0.6, 0.3, "val_loss", points=10), 0.1)),
            "val_accuracy": curve([0.6, 0.7, 0.8, 0.81, 0.8, 0.83, 0.82, 0.82, 0.83, 0.81], "val_accuracy"),
        }
    ]
