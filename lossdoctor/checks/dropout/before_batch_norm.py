"""DROP103: dropout in front of batch norm."""

from __future__ import annotations

import itertools

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass


class DropoutBeforeBatchNorm(Check):
    """Dropout feeds batch norm, whose running variance then holds for training alone.

    Why it matters: dropout raises the variance of what it lets through; in evaluation, without it, batch norm divides by too much, and each
    layer behind sees other values than it learned from.
    How it is detected: the order of the operations in a forward pass in training mode.
    What to do: dropout after the last batch norm, or none: batch norm regularizes too.
    """

    code, severity = "DROP103", Severity.WARNING
    requires = frozenset({"DROP101"})
    references = ("Li et al. 2019, Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift",)
    rate = 0.25  # own: at lower rates the variance shifts by less than a third

    def examine(self, forward_pass: Pass) -> Finding | None:
        steps = [o for o in forward_pass.operations if o.kind != "activation"]
        pairs = [(a, b) for a, b in itertools.pairwise(steps) if a.kind == "dropout" and b.function == "batch_norm" and a.rate >= self.rate]
        if not pairs:
            return None
        dropout, norm = pairs[0]
        return self.finding(
            f"Dropout of {dropout.rate:g} in {dropout.layer} feeds batch norm {norm.layer}: its variance is {1 / (1 - dropout.rate):.2g} "
            "times smaller in evaluation.",
            confidence=0.7,
            layer=norm.layer,
            rate=dropout.rate,
            places=len(pairs),
        )

    _first, _norm = Operation("0", "weighted", "linear"), Operation("2", "norm", "batch_norm")
    _dropout, _last = Operation("1", "dropout", "dropout", rate=0.5), Operation("3", "weighted", "linear")
    sick = [{"forward_pass": Pass((_first, _dropout, _norm, _last))}]
    healthy = [{"forward_pass": Pass((_first, _norm, _dropout, _last))}]
