"""NORM103: a normalization that leaves nothing."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass


class NormalizedAway(Check):
    """A normalization makes the same of every example.

    Why it matters: a value less the mean of itself alone is zero; nothing of the inputs gets past such a layer.
    How it is detected: the spread over the examples of what a normalization puts out, where what went into the model did differ.
    What to do: give LayerNorm the size of the features (`LayerNorm(hidden)`, not 1), InstanceNorm more than one position, BatchNorm more
    than one example.
    """

    code, severity = "NORM103", Severity.ERROR
    requires = frozenset({"ACT101", "INIT102", "PRE102", "GRAD103"})
    references = ("Ba et al. 2016, Layer Normalization", "Ulyanov et al. 2016, Instance Normalization")
    same = 1e-5  # spread that is none

    def examine(self, forward_pass: Pass) -> Finding | None:
        before = 0.0
        for operation in forward_pass.operations:
            if operation.kind == "norm" and operation.finite and operation.std < self.same < before:
                return self.finding(
                    f"Behind {operation.function} {operation.layer} all {forward_pass.examples} examples are the same.",
                    confidence=0.95,
                    layer=operation.layer,
                    spread=operation.std,
                )
            before = operation.std
        return None

    _linear = Operation("0", "weighted", "linear", std=0.4)
    sick = [{"forward_pass": Pass((_linear, Operation("1", "norm", "layer_norm", std=0.0)), examples=128)}]
    healthy = [{"forward_pass": Pass((_linear, Operation("1", "norm", "layer_norm", std=0.9)), examples=128)}]
