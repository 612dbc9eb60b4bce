"""LR103: the first update overshoots by far."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Curvature, Plan, RangeTest


class AboveCritical(Check):
    """The first update overshoots: a learning rate many times smaller already raises the loss along it.

    Why it matters: gradient descent is stable below 2 over the sharpness of the loss; far above, it jumps out of every valley.
    How it is detected: the loss along the configured optimizer's first update, in a few forward passes. Asked only where a step is too slow
    for a range test, which tells more.
    What to do: a learning rate under the critical one, or a warm-up.
    """

    code, severity = "LR103", Severity.WARNING
    requires = frozenset({"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "LOSS102", "LOSS103", "INIT102", "INIT103", "FRZ101", "OPT101"})
    references = ("Kalra and Barkeshli 2024, Why Warmup the Learning Rate?", "Cohen et al. 2021, Gradient Descent at the Edge of Stability")
    factor = 20.0  # configured over critical; own: training survives several times the critical rate

    def examine(self, curvature: Curvature, plan: Plan, range_test: RangeTest | None) -> Finding | None:
        if range_test is not None or plan.warms_up or plan.lr < self.factor * curvature.critical:
            return None
        return self.finding(
            f"Along the first update the loss rises from a learning rate of {curvature.critical:.2g}; {plan.lr:g} is configured.",
            confidence=0.65,
            lr=plan.lr,
            critical_lr=curvature.critical,
        )

    sick = [{"curvature": Curvature(critical=0.01, noise_scale=50.0), "plan": Plan(lr=1.0), "range_test": None}]
    healthy = [{"curvature": Curvature(critical=0.01, noise_scale=50.0), "plan": Plan(lr=0.02), "range_test": None}]
