"""LAB105: one-hot rows where the loss takes class indices."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan, Targets


class OneHot(Check):
    """Labels are rows of zeros and a one, as integers, and the loss takes the indices of classes.

    Why it matters: the loss cannot be computed; nll_loss and multi_margin_loss do not take such rows as decimal numbers either.
    How it is detected: the shape, the type and the values of the targets against the name of the loss.
    What to do: `y.argmax(axis=1)`; cross_entropy also takes the rows as decimal numbers.
    """

    code, severity = "LAB105", Severity.ERROR
    references = ("PyTorch documentation, CrossEntropyLoss",)

    def examine(self, targets: Targets, plan: Plan) -> Finding | None:
        takes_rows = plan.loss == "cross_entropy" and not targets.integer
        if not targets.one_hot or plan.loss not in ("cross_entropy", "nll_loss", "multi_margin_loss") or takes_rows:
            return None
        return self.finding(
            f"Each label is a row of {targets.columns} numbers with one 1; {plan.loss} takes the index of the class.",
            confidence=0.96,
            columns=targets.columns,
        )

    sick = [{"targets": Targets(0.3, 0.4, 0.0, 1.0, whole=True, columns=3, one_hot=True, integer=True), "plan": Plan()}]
    healthy = [{"targets": Targets(0.3, 0.4, 0.0, 1.0, whole=True, columns=3, one_hot=True), "plan": Plan()}]
