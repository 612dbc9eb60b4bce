"""REG101: weight decay stronger than the data."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients, Plan


class DecayDominates(Check):
    """Weight decay pulls harder at the weights than the data do.

    Why it matters: the weights shrink towards zero whatever the data say; the training loss settles high.
    How it is detected: decay times the norm of the weights against the norm of the gradient, before training; for decoupled decay (AdamW),
    whose steps have unit size, the decay itself.
    What to do: weight decay of 1e-5 to 1e-2: `training.optimizer.weight_decay`.
    """

    code, severity = "REG101", Severity.WARNING
    requires = frozenset({"PRE102", "LOSS101", "LOSS102", "LOSS103", "INIT103", "ACT101", "ACT104", "GRAD101"})
    references = ("Krogh and Hertz 1991", "Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization")
    ratio = 0.7  # of the gradient; own
    decoupled = 0.5  # AdamW: torch's default is 0.01, and 0.1 is usual for large models

    def examine(self, gradients: Gradients, plan: Plan) -> Finding | None:
        decay = float(plan.arguments.get("weight_decay", 0.0) or 0.0)
        if decay <= 0 or not np.isfinite(gradients.total) or gradients.total == 0:
            return None
        own = plan.optimizer in ("adamw", "nadamw", "muon") or bool(plan.arguments.get("decoupled_weight_decay"))
        weights = float(np.sqrt((gradients.weight**2).sum()))
        ratio = decay / self.decoupled * self.ratio if own else decay * weights / gradients.total
        if ratio < self.ratio:
            return None
        return self.finding(
            f"Weight decay {decay:g} pulls {ratio:.2g} times as hard as the data before training begins."
            if not own
            else f"Weight decay {decay:g} shrinks every weight by {decay * plan.lr:.2g} a step, as much as Adam's steps move them.",
            confidence=round(float(np.clip(0.75 + 0.1 * np.log10(ratio / self.ratio), 0.7, 0.93)), 2),
            weight_decay=decay,
            ratio=ratio,
        )

    _gradients = Gradients(("0.weight",), np.array([0.3]), np.array([0.01]), np.array([5.0]), np.zeros(1))
    sick = [{"gradients": _gradients, "plan": Plan(optimizer="sgd", arguments={"weight_decay": 0.5})}]
    healthy = [
        {"gradients": _gradients, "plan": Plan(optimizer="sgd", arguments={"weight_decay": 5e-4})},
        {"gradients": _gradients, "plan": Plan(optimizer="adamw", arguments={"weight_decay": 0.1})},
    ]
