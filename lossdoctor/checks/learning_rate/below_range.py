"""LR102: the learning rate is too low for the planned number of steps."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan, RangeTest, sweep


class LearningRateBelowRange(Check):
    """The configured learning rate is too low for the planned number of steps.

    Why it matters: the training ends long before it has got anywhere.
    How it is detected: a sweep of the learning rate with the configured optimizer; then, where the configured rate lies below, a few
    steps at it against as many at the suggested one, and the same again with other seeds. The steps that the configured rate needs to
    fall as far, at its pace, exceed those planned.
    What to do: the suggested rate, which the evidence holds, or that many times more epochs.
    """

    code, severity = "LR102", Severity.WARNING
    requires = frozenset(
        {
            "PRE101",
            "PRE102",
            "PRE104",
            "PRE105",
            "PRE106",
            "LOSS102",
            "LOSS103",
            "INIT102",
            "INIT103",
            "FRZ101",
            "OPT101",
            "DROP101",
            "ACT101",
            "ACT104",
            "GRAD101",
            "GRAD104",
            "LOSS104",
            "FRZ103",
            "REG102",
            "REG101",
        }
    )
    references = ("Smith 2017, Cyclical Learning Rates",)
    factor = 50.0  # suggested over configured; own: a rate ten times under the suggested one is a usual choice
    short = 1.5  # steps needed over steps planned; own

    def examine(self, range_test: RangeTest, plan: Plan) -> Finding | None:
        if plan.warms_up or not range_test.compared or plan.lr * self.factor > range_test.rate:
            return None
        could = range_test.first - range_test.proposed
        fell = np.maximum(range_test.first - range_test.configured, 1e-3 * np.abs(could))
        if could.mean() < 0.1 * abs(range_test.first.mean()) or (could <= 0).any():
            return None
        needed = float(np.median(range_test.slow * could / fell))
        if needed < self.short * plan.steps or (could < 3 * fell).any():
            return None
        return self.finding(
            f"At {plan.lr:g} the loss falls to {np.median(range_test.configured):.4g} in {range_test.slow} steps, at "
            f"{range_test.rate:.2g} to {np.median(range_test.proposed):.4g} in {range_test.steps}; to get as far, {plan.lr:g} "
            f"needs {needed:.0f} steps at its pace, and {plan.steps} are planned.",
            confidence=round(float(np.clip(0.6 + 0.15 * np.log10(needed / plan.steps) + 0.1 * range_test.agreement, 0.5, 0.92)), 2),
            lr=plan.lr,
            suggested_lr=range_test.rate,
            steps_needed=needed,
            seeds=len(range_test.suggested),
            agreement=range_test.agreement,
        )

    sick = [{"range_test": sweep(configured=2.29, proposed=0.4), "plan": Plan(lr=1e-5)}]
    healthy = [{"range_test": sweep(configured=1.6, proposed=0.4), "plan": Plan(lr=1e-3)}]
