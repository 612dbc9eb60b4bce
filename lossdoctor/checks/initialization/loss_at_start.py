"""INIT101: the loss of the untrained model is far from chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Labels, Output, Plan, Start, Targets


class LossFarFromChanceAtStart(Check):
    """The untrained model is surer of its wrong answers than a guess would be, or puts out numbers far beyond its targets.

    Why it matters: the first part of the training goes into unlearning them; large outputs at the start mean large gradients.
    How it is detected: the loss of untrained models of several seeds against that of a guess that knows the shares of the classes; of
    numbers, the size of the untrained outputs against the largest target.
    What to do: weights by Kaiming or Xavier, a last layer that starts small, output biases at the logarithm of the class shares.
    """

    code, severity = "INIT101", Severity.WARNING
    requires = frozenset({"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "INIT103", "LOSS101", "LOSS102", "LOSS103", "LAB101", "LAB107"})
    references = ("Karpathy 2019, A Recipe for Training Neural Networks", "CS231n, Neural Networks part 3")
    factor = 1.8  # times chance; own
    margin = 0.7  # nats above chance, so that two classes need more than noise; own
    beyond = 30.0  # outputs over targets, in size; own: a squared error of a thousand times that of the mean

    def examine(self, start: Start, plan: Plan, labels: Labels | None, output: Output | None, targets: Targets | None) -> Finding | None:
        if labels is None:
            return self._too_large(output, targets) if output and targets and plan.task == "regression" and not plan.custom else None
        if plan.loss not in ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"):
            return None
        guess, loss = float(np.log(max(len(labels.train), 2))), float(np.median(start.losses))
        if not np.isfinite(loss) or loss < self.factor * guess or loss < guess + self.margin:
            return None
        return self.finding(
            f"The untrained model starts at a loss of {loss:.4g}; a guess is at {guess:.3g}.",
            confidence=0.86 if loss > 30 * guess else 0.75 if loss > 4 * guess else 0.6,
            loss=loss,
            chance=guess,
        )

    def _too_large(self, output: Output, targets: Targets) -> Finding | None:
        outputs, size = math.hypot(output.mean, output.std), max(abs(targets.low), abs(targets.high))
        if not self.beyond * size < outputs < math.inf:
            return None
        return self.finding(
            f"The untrained model puts out numbers of size {outputs:.3g}; the targets run from {targets.low:.3g} to {targets.high:.3g}.",
            confidence=0.78,
            outputs=outputs,
            targets=size,
        )

    _ten = Labels(np.full(10, 100), np.full(10, 10))
    _none: dict[str, Any] = {"output": None, "targets": None}
    _numbers: dict[str, Any] = {"start": Start(np.ones(3)), "plan": Plan(task="regression", loss="mse_loss"), "labels": None}
    _targets = Targets(0.0, 1.0, -3.0, 3.0)
    sick = [
        {"start": Start(np.array([30.0, 28.0, 33.0])), "labels": _ten, "plan": Plan(), **_none},
        {**_numbers, "output": Output((8, 1), "free", -1e9, 1e9, 0.0, 1e5), "targets": _targets},
    ]
    healthy = [
        {"start": Start(np.array([2.31, 2.30, 2.33])), "labels": _ten, "plan": Plan(), **_none},
        {**_numbers, "output": Output((8, 1), "free", -9.0, 9.0, 0.0, 0.3), "targets": _targets},
    ]
