"""GRAD103: NaN or infinity in the first forward or backward pass."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients, Operation, Pass
from lossdoctor.core.text import listed


class NonFiniteGradientAtStart(Check):
    """The first forward or backward pass makes NaN or infinity from finite data.

    Why it matters: after one step every weight is NaN.
    How it is detected: the outputs of every operation, the loss and the gradients of one pass.
    What to do: look at the layer named: logarithm or division by zero, square root at zero, overflow; add an epsilon inside, or compute
    from logits.
    """

    code, severity = "GRAD103", Severity.ERROR
    requires = frozenset({"PRE102"})
    references = ("Goldberg 1991, What Every Computer Scientist Should Know About Floating-Point Arithmetic",)

    def examine(self, forward_pass: Pass, gradients: Gradients) -> Finding | None:
        first = next((o for o in forward_pass.operations if not o.finite), None)
        bad = [gradients.layers[i] for i in np.flatnonzero(~np.isfinite(gradients.norm))]
        if first is not None:
            message, layer = (
                f"{forward_pass.broke or first.function} makes NaN or infinity in the first forward pass; layer {first.layer} gets it.",
                first.layer,
            )
        elif not np.isfinite(gradients.loss):
            message, layer = "The outputs are finite, but the loss of the first batch is NaN or infinite.", "the loss"
        elif bad:
            message, layer = (
                f"The gradient of {listed(bad)} is NaN or infinite in the first backward pass, though the loss is finite.",
                bad[-1],
            )
        else:
            return None
        return self.finding(message, confidence=0.95, layer=layer)

    _fine = Gradients(("0", "2"), np.array([0.2, 0.5]), np.full(2, 1e-3), np.ones(2), np.zeros(2))
    sick = [{"forward_pass": Pass((Operation("0", "weighted", "linear", finite=False),)), "gradients": _fine}]
    healthy = [{"forward_pass": Pass((Operation("0", "weighted", "linear"),)), "gradients": _fine}]
