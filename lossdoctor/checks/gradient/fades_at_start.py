"""GRAD101: the gradient fades on its way to the first layers."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients


class GradientFadesAtStart(Check):
    """The gradient of the first layer is a tiny fraction of that of the last, before any training.

    Why it matters: the first layers stay as they were drawn; the last ones learn from what those happen to let through.
    How it is detected: one backward pass; the norm for the first weighted layer against the largest of the later ones. Models with a layer
    that starts at zero, through which nothing passes before the first step, are left out.
    What to do: ReLU or GELU in place of sigmoid and softmax, Kaiming or Xavier weights, normalization, residual paths, fewer layers.
    """

    code, severity = "GRAD101", Severity.WARNING
    requires = frozenset({"PRE101", "PRE102", "PRE115", "PRE111", "ACT101", "INIT102", "INIT103", "LOSS101", "LOSS102", "LOSS103"})
    references = ("Hochreiter 1991", "Glorot and Bengio 2010", "Zhang et al. 2021, AutoTrainer")
    ratio = 1e-3  # first over largest; AutoTrainer
    tiny = 1e-7  # root mean square of every gradient; SageMaker Debugger

    def examine(self, gradients: Gradients) -> Finding | None:
        norm = gradients.norm
        if len(norm) < 3 or not np.isfinite(norm).all() or norm.max() == 0 or not gradients.weight.all():
            return None
        first, largest = float(norm[0]), float(norm.max())
        if first < self.ratio * largest:
            return self.finding(
                f"The gradient fades from {largest:.2g} to {first:.2g} at the first layer, {gradients.layers[0]}.",
                confidence=0.86 if first < 0.1 * self.ratio * largest else 0.8,
                layer=gradients.layers[0],
                first=first,
                largest=largest,
            )
        if float(np.median(gradients.rms)) < self.tiny:
            return self.finding(
                f"Gradients are tiny everywhere: {np.median(gradients.rms):.2g} for a weight.",
                confidence=0.6,
                layer=gradients.layers[0],
                first=first,
                largest=largest,
            )
        return None

    sick = [{"gradients": Gradients(("0", "2", "4"), np.array([1e-5, 1e-3, 0.5]), np.full(3, 1e-3), np.ones(3), np.zeros(3))}]
    healthy = [{"gradients": Gradients(("0", "2", "4"), np.array([0.2, 0.2, 0.5]), np.full(3, 1e-3), np.ones(3), np.zeros(3))}]
