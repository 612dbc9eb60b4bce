"""REG102: a penalty in the loss that outweighs the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients


class PenaltyDominates(Check):
    """The gradient points from the weights to zero: a penalty in the loss outweighs the data.

    Why it matters: the weights shrink towards zero whatever the data say.
    How it is detected: the cosine between the gradient of the untrained model and its weights, or their signs. The data's own gradient is
    next to orthogonal to random weights; a penalty on their squares or sizes is not.
    What to do: a factor of 1e-5 to 1e-3 for an L1 or L2 penalty, a mean in place of a sum over the weights.
    """

    code, severity = "REG102", Severity.WARNING
    requires = frozenset({"FRZ104", "REG101", "INIT102", "INIT103", "LOSS102", "LOSS103", "PRE102"})
    references = ("Krogh and Hertz 1991, A Simple Weight Decay Can Improve Generalization",)
    cosine = 0.7  # own: the penalty is as strong as the data

    def examine(self, gradients: Gradients) -> Finding | None:
        if not gradients.inward > self.cosine:
            return None
        return self.finding(
            f"The first gradient points from the weights to zero, at a cosine of {gradients.inward:.2f}: the loss holds a penalty on the "
            "weights that outweighs the data.",
            confidence=0.85,
            cosine=gradients.inward,
        )

    _all: dict[str, Any] = {"layers": ("0.weight",), "norm": np.ones(1), "rms": np.ones(1), "weight": np.ones(1), "zeros": np.zeros(1)}
    sick = [{"gradients": Gradients(**_all, inward=0.95)}]
    healthy = [{"gradients": Gradients(**_all, inward=0.05)}]
