"""LOSS101: an output activation before a loss that expects raw scores."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Output, Plan

NAMES = {"softmax": "sum to one", "sigmoid": "lie between 0 and 1", "tanh": "lie between -1 and 1", "relu": "are never negative"}


class OutputActivation(Check):
    """The model ends in softmax, sigmoid, tanh or ReLU, and the loss expects raw scores.

    Why it matters: cross entropy applies softmax itself; of values between 0 and 1 it makes nearly equal shares, so the loss cannot fall
    far and its gradient is small. Behind a ReLU, classes whose score is 0 get no gradient at all.
    How it is detected: the range of the outputs, also with large random weights in the last layer and their negatives.
    What to do: return the last layer's raw scores and apply softmax for display alone: `model.edits: [{remove_output_activation: true}]`.
    """

    code, severity = "LOSS101", Severity.ERROR
    references = ("PyTorch documentation, CrossEntropyLoss", "Bridle 1990, softmax")

    def examine(self, output: Output, plan: Plan) -> Finding | None:
        expects = plan.loss in ("cross_entropy", "binary_cross_entropy_with_logits", "multi_margin_loss")
        if not expects or output.kind not in NAMES or (output.kind == "softmax" and output.shape[-1] == 1):
            return None
        return self.finding(
            f"All outputs {NAMES[output.kind]}, whatever the weights: the model ends in {output.kind}, and {plan.loss} expects raw scores.",
            confidence=0.85 if plan.loss == "multi_margin_loss" else 0.95,
            kind=output.kind,
            low=output.low,
            high=output.high,
        )

    sick = [
        {"output": Output((8, 10), "softmax", 0.0, 1.0), "plan": Plan()},
        {"output": Output((8, 10), "relu", 0.0, 80.0), "plan": Plan()},
    ]
    healthy = [
        {"output": Output((8, 10), "free", -80.0, 80.0), "plan": Plan()},
        {"output": Output((8, 1), "sigmoid", 0.0, 1.0), "plan": Plan(loss="binary_cross_entropy")},
        {"output": Output((8, 10), "log_softmax", -80.0, 0.0), "plan": Plan(loss="nll_loss")},
    ]
