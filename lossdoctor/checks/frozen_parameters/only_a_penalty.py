"""FRZ104: of a loss, only a penalty on the weights has a way back to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients


class OnlyAPenalty(Check):
    """The gradient is that of a penalty on the weights alone: nothing of the data has a way back.

    Why it matters: there are gradients, and the loss may even fall, but the weights only shrink.
    How it is detected: the cosine between the gradient of the untrained model and its weights, or their signs, is exactly one.
    What to do: look for .detach(), .item(), .data, torch.no_grad or numpy between the outputs and the loss of the data.
    """

    code, severity = "FRZ104", Severity.ERROR
    requires = frozenset({"FRZ101", "INIT102", "LOSS102", "LOSS103", "PRE102"})
    references = ("Baydin et al. 2018, Automatic Differentiation in Machine Learning: a Survey",)
    cosine = 1 - 1e-6  # own: rounding

    def examine(self, gradients: Gradients) -> Finding | None:
        if not gradients.inward > self.cosine:
            return None
        return self.finding(
            "The first gradient is that of a penalty on the weights alone: nothing of the data's loss has a way back to them.",
            confidence=0.9,
            cosine=gradients.inward,
        )

    _all: dict[str, Any] = {"layers": ("0.weight",), "norm": np.ones(1), "rms": np.ones(1), "weight": np.ones(1), "zeros": np.zeros(1)}
    sick = [{"gradients": Gradients(**_all, inward=1.0)}]
    healthy = [{"gradients": Gradients(**_all, inward=0.99)}]
