"""FRZ101: parameters that cannot learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients
from lossdoctor.core.text import listed


class ParametersCannotLearn(Check):
    """Parameters are frozen although nothing was learned in them, or get no gradient.

    Why it matters: the model is smaller than it looks, and what it passes through random weights is lost.
    How it is detected: requires_grad and one backward pass. Frozen weights that come out the same for another seed were
    loaded from somewhere and are meant to stay; they are passed over.
    What to do: requires_grad_(True) (`model.edits: [{unfreeze: true}]`); look for .detach(), .data and layers that forward never calls.
    """

    code, severity = "FRZ101", Severity.WARNING
    requires = frozenset({"LOSS103"})
    references = ("Sculley et al. 2015, Hidden Technical Debt",)

    def examine(self, gradients: Gradients) -> Finding | None:
        if gradients.random:
            share = gradients.frozen_share
            return self.finding(
                f"{listed(gradients.random)} are frozen at random values: {share:.0%} of all parameters never learn.",
                confidence=round(float(np.clip(0.72 + 0.25 * share, 0.7, 0.95)), 2),
                severity=Severity.ERROR if share > 0.5 else None,
                parameters=list(gradients.random[:20]),
                share=share,
            )
        if gradients.absent:
            return self.finding(
                f"No gradient reaches {listed(gradients.absent)}: the forward pass does not use them, or detaches what they make.",
                confidence=0.7,
                parameters=list(gradients.absent[:20]),
            )
        return None

    _all: dict[str, Any] = {"layers": ("0.weight",), "norm": np.ones(1), "rms": np.ones(1), "weight": np.ones(1), "zeros": np.zeros(1)}
    sick = [
        {"gradients": Gradients(**_all, frozen=("2.weight",), random=("2.weight",), frozen_share=0.8)},
        {"gradients": Gradients(**_all, absent=("head.weight",))},
    ]
    healthy = [
        {"gradients": Gradients(**_all)},
        {"gradients": Gradients(**_all, frozen=("0.weight",))},
    ]
