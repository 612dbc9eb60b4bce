"""CAP001: the training loss settles high."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, sloping, verdict
from lossdoctor.core.shape import Shape, shape


class Underfit(Check):
    """Training loss settles high, and validation does as well: the model cannot fit even the training data.

    Why it matters: what is not learned on the training data cannot be learned for new data.
    How it is detected: the training loss is flat after a small fall, without a gap to validation, with an accuracy far from 1 where there
    is one.
    What to do: a wider or deeper model, less regularization, better features; a learning rate test first, which is cheaper.
    """

    code, severity = "CAP001", Severity.INFO
    requires = frozenset({"NUM001", "LR001", "LR002", "LR003", "STOP001", "REG001", "FRZ001", "GRAD002"})
    references = ("Karpathy 2019, A Recipe for Training Neural Networks", "Goodfellow et al. 2016, Deep Learning, 11.4")
    small = 0.35  # of its start that the training loss came down by; own
    poor = 0.8  # accuracy under which there is something left to learn; own

    def examine(self, verdict: Verdict, train_shape: Shape, gap: float | None, accuracy: Curve | None) -> Finding | None:
        if verdict.status not in (Status.STALLED, Status.CONVERGED) or train_shape.start <= 0 or len(train_shape.curve) < 12:
            return None
        reached = None if accuracy is None else float(np.median(accuracy.value[-max(3, len(accuracy) // 10) :]))
        poor = verdict.status is Status.STALLED if reached is None else reached < self.poor
        open_gap = gap is not None and gap > 0.25 * train_shape.end
        if train_shape.relative_fall > self.small or not poor or open_gap or train_shape.settled_fraction > 0.8:
            return None
        at = "" if reached is None else f" at an accuracy of {reached:.3f}"
        return self.finding(
            f"Training loss settles at {train_shape.end:.4g} after {train_shape.start:.4g}{at}: the model cannot fit the training data.",
            confidence=0.25,  # many causes look alike
            step=train_shape.settled_step,
            relative_fall=train_shape.relative_fall,
            accuracy=reached,
            gap=gap,
        )

    sick = [
        {"verdict": verdict("stalled"), "train_shape": shape(falling(1.0, 0.85)), "gap": 0.01, "accuracy": flat(0.55, "train_accuracy")}
    ]
    healthy = [
        {"verdict": verdict("converged"), "train_shape": shape(falling()), "gap": 0.01, "accuracy": flat(0.95, "train_accuracy")},
        {"verdict": verdict("improving"), "train_shape": shape(sloping(1.0, 0.9)), "gap": 0.01, "accuracy": flat(0.55, "train_accuracy")},
    ]
