"""LOSS102: targets that the outputs cannot reach."""

from __future__ import annotations

from typing import Any

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Output, Plan, Targets


class OutputRange(Check):
    """The model's outputs are bounded and the targets lie outside, or the output is the same whatever the weights.

    Why it matters: the loss has a floor that no training can break; outputs pressed against a bound lose their gradient.
    How it is detected: the range of the outputs, also with large random weights in the last layer and their negatives, against that of the
    targets.
    What to do: a linear last layer for regression (`model.edits: [{remove_output_activation: true}]`), or targets scaled into the range.
    """

    code, severity = "LOSS102", Severity.ERROR
    references = ("Goodfellow et al. 2016, Deep Learning, 6.2.2",)
    slack = 0.02  # of the range of the targets; own
    stuck = 0.2  # share of outputs that start exactly at a bound; own

    def examine(self, output: Output, targets: Targets, plan: Plan) -> Finding | None:
        numbers: dict[str, Any] = {
            "kind": output.kind,
            "low": output.low,
            "high": output.high,
            "target_low": targets.low,
            "target_high": targets.high,
        }
        if output.kind == "constant":
            return self.finding(f"The output is {output.high:.3g} for every example, whatever the weights.", confidence=0.97, **numbers)
        if plan.loss == "binary_cross_entropy" and output.edge > self.stuck:
            return self.finding(
                f"{output.edge:.0%} of the outputs start clipped at {output.low:.3g} or {output.high:.3g}, without gradient.",
                confidence=0.9,
                **numbers,
            )
        slack = self.slack * (targets.high - targets.low)
        low, high = (0.0, {"relu": float("inf")}.get(output.kind, 1.0)) if output.kind != "tanh" else (-1.0, 1.0)
        if (
            plan.task != "regression"
            or output.kind in ("free", "log_softmax")
            or (targets.low >= low - slack and targets.high <= high + slack)
        ):
            return None
        reach = f"from {low:g} to {high:g}" if high < float("inf") else f"above {low:g}"
        return self.finding(
            f"Targets run from {targets.low:.4g} to {targets.high:.4g}; the model ends in {output.kind}, which reaches only {reach}.",
            confidence=0.96,
            **numbers,
        )

    _plan = Plan(task="regression", loss="mse_loss")
    sick = [{"output": Output((8, 1), "sigmoid", 0.0, 1.0), "targets": Targets(36.0, 30.0, 3.0, 103.0), "plan": _plan}]
    healthy = [
        {"output": Output((8, 1), "free", -80.0, 80.0), "targets": Targets(36.0, 30.0, 3.0, 103.0), "plan": _plan},
        {"output": Output((8, 1), "sigmoid", 0.0, 1.0), "targets": Targets(0.4, 0.2, 0.0, 1.0), "plan": _plan},
    ]
