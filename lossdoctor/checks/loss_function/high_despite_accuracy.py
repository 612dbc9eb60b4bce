"""LOSS002: a softmax before a loss that applies its own."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape, shape


class LossHighDespiteAccuracy(Check):
    """Loss and accuracy follow the law of a softmax that is applied twice.

    Why it matters: a softmax before a loss that applies its own squeezes the logits into 0..1: the loss has a floor of ln(e + C - 1) - 1
    and its gradients are small.
    How it is detected: loss + accuracy = ln(e + C - 1) at the end, for the C of which the first loss is ln C, and the loss is higher than
    answers as good would cost if their confidence were right. A handful of points follows many laws, and a language model (it logs a
    perplexity) comes by that one without a softmax too many.
    What to do: remove the softmax from the end of the model.
    """

    code, severity = "LOSS002", Severity.WARNING
    requires = frozenset({"NUM001"})
    references = ("PyTorch documentation, torch.nn.CrossEntropyLoss", "Fano 1961, Transmission of Information")
    fewest = 10  # points; own

    def examine(self, run: Run, double_softmax: int | None, train_shape: Shape, accuracy: Curve) -> Finding | None:
        words = any("perplexity" in label for label in run.curves)
        if double_softmax is None or words or len(accuracy) < self.fewest:
            return None
        floor = math.log(math.e + double_softmax - 1) - 1
        reached = float(np.median(accuracy.value[-3:]))
        return self.finding(
            f"A loss of {train_shape.end:.4g} at an accuracy of {reached:.3f} is what a softmax applied twice gives on {double_softmax} "
            f"classes; its loss cannot fall under {floor:.4g}.",
            confidence=0.95,
            step=train_shape.settled_step,
            classes=double_softmax,
            floor=floor,
            accuracy=reached,
            last=train_shape.end,
        )

    sick = [{"run": Run({}), "double_softmax": 10, "train_shape": shape(falling(2.302, 1.50)), "accuracy": flat(0.96, "train_accuracy")}]
    healthy = [
        {"run": Run({}), "double_softmax": None, "train_shape": shape(falling()), "accuracy": flat(0.96, "train_accuracy")},
        {
            "run": Run({"val_perplexity": falling(25, 18, "val_perplexity")}),
            "double_softmax": 25,
            "train_shape": shape(falling(3.2, 2.85)),
            "accuracy": flat(0.45, "train_accuracy"),
        },
        {
            "run": Run({}),
            "double_softmax": 25,
            "train_shape": shape(falling(3.2, 2.85, points=4)),
            "accuracy": flat(0.45, "train_accuracy", points=4),
        },
    ]
