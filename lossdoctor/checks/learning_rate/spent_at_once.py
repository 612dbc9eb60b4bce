"""LR104: a schedule that takes the learning rate away before there was any."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan


class SpentAtOnce(Check):
    """The schedule lets the learning rate die away in the first part of the training.

    Why it matters: the steps after that are paid for and move nothing.
    How it is detected: the configured schedule, played through without a model: the share of the epochs at under 5 % of the highest rate.
    What to do: a decay over the whole training: `training.scheduler: {name: cosine}`, or a decay factor nearer to 1.
    """

    code, severity = "LR104", Severity.WARNING
    references = ("Loshchilov and Hutter 2017, SGDR", "Godbole et al. 2023, Deep Learning Tuning Playbook")
    share = 0.75  # of the steps; own: a cosine spends 14 % of them there, ten-fold steps at one and two thirds 33 %

    def examine(self, plan: Plan) -> Finding | None:
        if plan.spent < self.share:
            return None
        return self.finding(
            f"The schedule leaves less than 5 % of the highest learning rate for {plan.spent:.0%} of the {plan.steps} steps.",
            confidence=0.85,
            spent=plan.spent,
            steps=plan.steps,
        )

    sick = [{"plan": Plan(spent=0.9)}]
    healthy = [{"plan": Plan(spent=0.34)}]
