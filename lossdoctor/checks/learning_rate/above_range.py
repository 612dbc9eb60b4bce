"""LR101: the learning rate lies above the range in which the loss falls."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan, RangeTest, sweep


class LearningRateAboveRange(Check):
    """The configured learning rate lies above the range in which the loss falls.

    Why it matters: each step overshoots; the loss swings, settles high or blows up.
    How it is detected: a sweep of the learning rate with the configured optimizer; then, where the configured rate lies above, a few
    steps at it against as many at the suggested one, and the same again with other seeds.
    What to do: the suggested rate, which the evidence holds; warm-up or clipping where only the first steps are too large.
    """

    code, severity = "LR101", Severity.ERROR
    requires = frozenset(
        {"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "PRE107", "LOSS102", "LOSS103", "LOSS104"}
        | {"INIT102", "INIT103", "FRZ101", "OPT101", "DROP101"}
    )
    references = ("Smith 2017, Cyclical Learning Rates",)
    factor = 3.0  # configured over suggested; own
    progress = 0.5  # of the fall at the suggested rate; own

    def examine(self, range_test: RangeTest, plan: Plan) -> Finding | None:
        if plan.warms_up or not range_test.compared or plan.lr < self.factor * range_test.rate:
            return None
        fell = np.nan_to_num(range_test.first - range_test.configured, neginf=-np.inf)
        could = range_test.first - range_test.proposed
        worse = fell < self.progress * could
        if could.mean() < 0.05 * abs(range_test.first.mean()) or worse.mean() < 0.99:
            return None
        lost = bool((fell <= 0.1 * could).all())
        return self.finding(
            f"After {range_test.steps} steps at {plan.lr:g} the loss is {np.median(range_test.configured):.4g}, "
            f"after as many at {range_test.rate:.2g} it is {np.median(range_test.proposed):.4g}.",
            confidence=round(float(np.clip((0.9 if lost else 0.7) + 0.04 * range_test.agreement, 0.5, 0.95)), 2),
            severity=None if lost else Severity.WARNING,
            lr=plan.lr,
            suggested_lr=range_test.rate,
            seeds=len(range_test.suggested),
            agreement=range_test.agreement,
        )

    sick = [{"range_test": sweep(configured=2.3, proposed=0.4), "plan": Plan(lr=1.0)}]
    healthy = [{"range_test": sweep(configured=0.5, proposed=0.4), "plan": Plan(lr=0.01)}]
