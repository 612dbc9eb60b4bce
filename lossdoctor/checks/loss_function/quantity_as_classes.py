"""LOSS106: a quantity cut into classes."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan, Relation


class QuantityAsClasses(Check):
    """The many classes are steps of one quantity.

    Why it matters: cross entropy takes the class next to the right one for as wrong as the farthest; each step has few examples of its own.
    How it is detected: a random forest seldom names the right one of many classes, and the mean of its votes follows their numbers.
    What to do: one output and mse_loss or smooth_l1_loss on the number itself; or fewer, wider classes.
    """

    code, severity = "LOSS106", Severity.WARNING
    requires = frozenset({"PRE102", "LAB101", "LOSS103"})
    references = ("Goodfellow et al. 2016, Deep Learning, 6.2.2", "Frank and Hall 2001, A Simple Approach to Ordinal Classification")
    classes = 15  # own: grades and ages by decade are fewer
    wrong = 0.5  # of the examples, that the forest puts elsewhere; own
    follows, beyond = 0.6, 0.25  # correlation, also over the share that is right; own

    def examine(self, relation: Relation, plan: Plan) -> Finding | None:
        right = 1 - relation.wrong
        many = plan.loss in ("cross_entropy", "nll_loss") and (plan.classes or 0) >= self.classes
        if not many or relation.wrong < self.wrong or relation.ordered < max(self.follows, right + self.beyond):
            return None
        return self.finding(
            f"A forest names the right one of {plan.classes} classes for {right:.0%} of the examples, but the mean of its votes correlates "
            f"with their numbers by {relation.ordered:.2f}: they are steps of a quantity.",
            confidence=0.8,
            classes=plan.classes,
            right=right,
            correlation=relation.ordered,
        )

    sick = [{"relation": Relation(0.8, 0.5, 0.02, 900, wrong=0.8, ordered=0.9), "plan": Plan(classes=40)}]
    healthy = [
        {"relation": Relation(0.9, 0.5, 0.02, 900, wrong=0.5, ordered=0.5), "plan": Plan(classes=40)},
        {"relation": Relation(0.8, 0.5, 0.02, 900, wrong=0.6, ordered=0.9), "plan": Plan(classes=5)},
    ]
