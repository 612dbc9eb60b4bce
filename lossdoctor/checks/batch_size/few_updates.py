"""BATCH101: hardly any updates."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan


class FewUpdates(Check):
    """The whole training makes hardly any updates of the weights.

    Why it matters: a step can move the weights only so far; the best plan with fifty steps ends where it began.
    How it is detected: the number of planned steps, and the batch size against the number of examples.
    What to do: smaller batches where one holds a large part of the data (`training.batch_size: 32`), more epochs otherwise.
    """

    code, severity = "BATCH101", Severity.WARNING
    requires = frozenset({"LR102"})
    references = ("Masters and Luschi 2018, Revisiting Small Batch Training", "Hoffer et al. 2017, Train Longer, Generalize Better")
    fewest = 60  # steps of the whole training; own
    fewest_large = 150  # steps where a batch holds half of the data or more; own
    small = 0.1  # of the data in a batch: where that is all, updates are few because epochs are; own

    def examine(self, plan: Plan) -> Finding | None:
        share = min(1.0, plan.batch_size / plan.examples)
        large = share >= 0.5 and plan.examples >= 64
        if share <= self.small or plan.steps >= (self.fewest_large if large else self.fewest):
            return None
        return self.finding(
            f"The whole training makes {plan.steps} updates, each on {share:.0%} of the {plan.examples} examples.",
            confidence=0.8 if large or plan.steps < 30 else 0.65,
            steps=plan.steps,
            batch_share=share,
        )

    sick = [
        {"plan": Plan(batch_size=1000, examples=1000, epochs=30, steps=30)},
        {"plan": Plan(batch_size=32, examples=150, epochs=5, steps=25)},
    ]
    healthy = [{"plan": Plan()}, {"plan": Plan(batch_size=32, examples=700, epochs=2, steps=44)}]
