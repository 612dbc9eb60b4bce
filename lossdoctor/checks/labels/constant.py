"""LAB107: targets that are all the same."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan, Targets


class ConstantTarget(Check):
    """All training targets are the same.

    Why it matters: there is nothing to learn; the loss falls to zero by a constant answer.
    How it is detected: lowest and highest target.
    What to do: look at how the targets are made: shares cast to integers become 0, a filter or a mapping may keep one class alone.
    """

    code, severity = "LAB107", Severity.ERROR
    requires = frozenset({"PRE102"})
    references = ("Breck et al. 2019, Data Validation for Machine Learning",)
    fewest = 10  # examples

    def examine(self, targets: Targets, plan: Plan) -> Finding | None:
        if targets.high > targets.low or plan.examples < self.fewest:
            return None
        return self.finding(f"All {plan.examples} targets are {targets.low:g}.", confidence=0.97, value=targets.low)

    sick = [{"targets": Targets(0.0, 0.0, 0.0, 0.0), "plan": Plan()}]
    healthy = [{"targets": Targets(0.4, 0.2, 0.0, 1.0), "plan": Plan()}]
