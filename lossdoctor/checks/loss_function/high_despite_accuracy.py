"""LOSS002: the loss is high although the answers are right."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat
from lossdoctor.core.shape import Shape, shape


class LossHighDespiteAccuracy(Check):
    """The loss settles near that of a double softmax although nearly all answers are right.

    Why it matters: a softmax before a loss that applies its own squeezes the logits into 0..1: the loss has a floor of ln(e + C - 1) - 1
    and its gradients are small.
    How it is detected: the training loss is flat within 15 % over that floor while the accuracy is over 0.8.
    What to do: remove the softmax from the end of the model.
    """

    code, severity = "LOSS002", Severity.WARNING
    requires = frozenset({"NUM001"})
    references = ("PyTorch documentation, torch.nn.CrossEntropyLoss", "Wardat et al. 2021, DeepLocalize")
    over = 1.15  # times the floor; own
    right = 0.8  # accuracy; own

    def examine(self, train_shape: Shape, classes: int, accuracy: Curve) -> Finding | None:
        floor = math.log(math.e + classes - 1) - 1
        reached = float(np.median(accuracy.value[-3:]))
        usual = 2 * (1 - reached) * (1 + math.log(classes))  # each wrong answer costs about 1 + ln C
        rests = train_shape.tail_fall <= 0.2 and floor * 0.99 < train_shape.best <= train_shape.end < self.over * floor
        if not rests or reached < self.right or train_shape.end < usual:
            return None
        return self.finding(
            f"Accuracy is {reached:.3f}, but the loss rests at {train_shape.end:.4g}, just over the floor of a double softmax.",
            confidence=0.85,
            step=train_shape.settled_step,
            floor=floor,
            accuracy=reached,
            last=train_shape.end,
        )

    sick = [{"train_shape": shape(falling(2.302, 1.50)), "classes": 10, "accuracy": flat(0.96, "train_accuracy")}]
    healthy = [{"train_shape": shape(falling()), "classes": 10, "accuracy": flat(0.96, "train_accuracy")}]
