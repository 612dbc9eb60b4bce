"""LOSS103: a loss that does not fit the task."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Output, Plan, Targets

DISTANCES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
WITH_LOGITS = "binary_cross_entropy_with_logits"


class UnfitLoss(Check):
    """The loss is made for another kind of output or target.

    Why it matters: its minimum, or its gradient, is somewhere else: distances between class numbers mean nothing, and cross entropy over a
    single output is always zero.
    How it is detected: the name of the loss, the shape and range of the outputs, and the values of the targets.
    What to do: cross_entropy on scores for one class of many, binary_cross_entropy_with_logits for yes or no, mse_loss for numbers.
    """

    code, severity = "LOSS103", Severity.ERROR
    references = ("Goodfellow et al. 2016, Deep Learning, 6.2.2", "PyTorch documentation, loss functions")

    def examine(self, output: Output, targets: Targets, plan: Plan) -> Finding | None:
        columns = output.shape[1] if len(output.shape) > 1 else 1
        if plan.loss in ("cross_entropy", "nll_loss") and columns == 1 and len(output.shape) < 3:
            return self._report(f"{plan.loss} over a single output is always 0.", 0.97, WITH_LOGITS if (plan.classes or 2) == 2 else None)
        if plan.loss == "nll_loss" and output.kind != "log_softmax":
            return self._report(f"nll_loss expects log-probabilities, and the outputs are none ({output.kind}).", 0.95, "cross_entropy")
        several = targets.columns == columns > 1 and len(output.shape) == 2 and targets.whole and (targets.low, targets.high) == (0, 1)
        if plan.loss == "cross_entropy" and several and not targets.one_hot:
            return self._report("Several targets can be 1 at once, and cross_entropy knows one class an example.", 0.85, WITH_LOGITS)
        if plan.loss in DISTANCES:
            return self._distance(output, targets, plan, columns)
        return None

    def _distance(self, output: Output, targets: Targets, plan: Plan, columns: int) -> Finding | None:
        classes = plan.classes or 0
        if targets.one_hot and targets.columns == columns:
            what = f"Each target is one of {columns} classes" if targets.whole else f"Each target is {columns} shares of one whole"
            if targets.whole or output.kind != "softmax":
                return self._report(
                    f"{what}; {plan.loss} takes them for separate quantities.",
                    0.75 if targets.whole else 0.6,
                    "cross_entropy",
                    Severity.WARNING,
                )
        if plan.task == "classification" and columns == 1 and classes > 2:
            return self._report(
                f"{plan.loss} takes the numbers of {classes} classes for quantities; give each class an output of its own.", 0.9, None
            )
        if plan.task == "classification" and columns == classes > 1:
            return self._report(
                f"{plan.loss} on {classes} classes: its gradient is small where the model is wrong and sure.",
                0.75 if output.kind == "softmax" else 0.6,
                "cross_entropy",
                Severity.WARNING,
            )
        if columns != targets.columns and targets.columns == 1 and len(output.shape) == 2 and columns > 1:
            return self._report(f"{columns} outputs against one target: {plan.loss} compares each output with the same number.", 0.85, None)
        if targets.columns == 1 and targets.whole and (targets.low, targets.high) == (0, 1):
            return self._report(
                f"The targets are 0 and 1, a yes or no; {plan.loss} takes them for quantities.", 0.7, WITH_LOGITS, Severity.WARNING
            )
        return None

    def _report(self, message: str, confidence: float, suggested: str | None, severity: Severity | None = None) -> Finding:
        return self.finding(message, confidence=confidence, severity=severity, suggested_loss=suggested)

    _labels = Targets(4.5, 2.9, 0.0, 9.0, whole=True)
    sick = [
        {"output": Output((8, 1), "free", -9.0, 9.0), "targets": _labels, "plan": Plan(loss="mse_loss", classes=10)},
        {"output": Output((8, 1), "free", -9.0, 9.0), "targets": Targets(0.5, 0.5, 0.0, 1.0, whole=True), "plan": Plan(classes=2)},
        {"output": Output((8, 10), "softmax", 0.0, 1.0), "targets": _labels, "plan": Plan(loss="nll_loss", classes=10)},
    ]
    healthy = [
        {"output": Output((8, 10), "free", -9.0, 9.0), "targets": _labels, "plan": Plan(classes=10)},
        {
            "output": Output((8, 1), "free", -9.0, 9.0),
            "targets": Targets(0.0, 1.0, -2.0, 2.0),
            "plan": Plan(task="regression", loss="mse_loss"),
        },
    ]
