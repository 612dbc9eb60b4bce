"""LAB101: labels that the outputs have no place for."""

from __future__ import annotations

from typing import Any

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Output, Plan, Targets


class LabelsOutOfRange(Check):
    """Some labels are outside of what the loss and the outputs of the model allow.

    Why it matters: the loss cannot be computed, or rewards something that no one meant: binary cross entropy on a label of 2 has no
    minimum.
    How it is detected: lowest and highest label against the number of outputs, or against 0 and 1 for binary losses.
    What to do: number the classes from 0 and give the model one output for each; labels of -1 and 1 become 0 and 1.
    """

    code, severity = "LAB101", Severity.ERROR
    references = ("PyTorch documentation, CrossEntropyLoss",)
    ignored = -100  # the label that torch leaves out

    def examine(self, targets: Targets, output: Output, plan: Plan) -> Finding | None:
        numbers: dict[str, Any] = {
            "lowest": targets.low,
            "highest": targets.high,
            "outputs": output.shape[1] if len(output.shape) > 1 else 1,
        }
        if (
            plan.loss in ("cross_entropy", "nll_loss", "multi_margin_loss")
            and targets.whole
            and targets.columns == 1
            and len(output.shape) > 1
        ):
            if output.shape[1] > 1 and (targets.high >= output.shape[1] or (targets.low < 0 and targets.low != self.ignored)):
                return self.finding(
                    f"Labels run from {targets.low:.0f} to {targets.high:.0f}, but the model has outputs for 0 to {output.shape[1] - 1}.",
                    confidence=0.97,
                    **numbers,
                )
        elif plan.loss.startswith("binary_cross_entropy") and (targets.low < 0 or targets.high > 1) and output.shape[1:] in ((), (1,)):
            return self.finding(
                f"Labels run from {targets.low:g} to {targets.high:g}; {plan.loss} is made for 0 to 1.", confidence=0.95, **numbers
            )
        return None

    _labels = Targets(4.5, 2.9, 0.0, 9.0, whole=True)
    sick = [
        {"targets": _labels, "output": Output((8, 5), "free", -9.0, 9.0), "plan": Plan()},
        {
            "targets": Targets(0.0, 1.0, -1.0, 1.0, whole=True),
            "output": Output((8, 1), "free", -9.0, 9.0),
            "plan": Plan(loss="binary_cross_entropy_with_logits"),
        },
    ]
    healthy = [{"targets": _labels, "output": Output((8, 10), "free", -9.0, 9.0), "plan": Plan()}]
