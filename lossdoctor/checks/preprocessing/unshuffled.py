"""PRE107: examples come sorted by class."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Labels, Plan, Targets


class UnshuffledData(Check):
    """The examples come in the order in which they are stored, and that order goes by class or by target.

    Why it matters: each batch holds one class alone; the model learns to answer it, then forgets it for the next.
    How it is detected: the share of examples with the label of the one before, against what the sizes of the classes make by chance; of
    numbers, the correlation of their rank with their place.
    What to do: shuffle the training data every epoch: `training.shuffle: true`.
    """

    code, severity = "PRE107", Severity.ERROR
    references = ("Bengio 2012, Practical Recommendations for Gradient-Based Training, 3.1",)
    sorted_share = 0.5  # of the way from chance to perfectly sorted; own
    sorted_targets = 0.9  # rank correlation of numbers with their place; own

    def examine(self, labels: Labels | None, targets: Targets | None, plan: Plan) -> Finding | None:
        if plan.shuffle or plan.balanced or plan.batch_size >= plan.examples or plan.examples < 20:
            return None
        if labels is None:
            return self._by_size(targets) if targets and plan.task == "regression" else None
        chance = float((labels.shares**2).sum())
        if chance > 0.95 or (labels.neighbours - chance) / (1 - chance) < self.sorted_share:
            return None
        return self.finding(
            f"Not shuffled, and {labels.neighbours:.0%} of the examples follow one of their own class ({chance:.0%} by chance).",
            confidence=0.94,
            neighbours=labels.neighbours,
            chance=chance,
        )

    def _by_size(self, targets: Targets) -> Finding | None:
        if abs(targets.order) < self.sorted_targets:
            return None
        return self.finding(
            f"Not shuffled, and the targets are sorted: their size and their place in the data correlate by {targets.order:.2f}.",
            confidence=0.9,
            order=targets.order,
        )

    _ten = np.full(10, 100)
    sick = [{"labels": Labels(_ten, _ten, neighbours=0.99), "targets": None, "plan": Plan(shuffle=False)}]
    healthy = [
        {"labels": Labels(_ten, _ten, neighbours=0.99), "targets": None, "plan": Plan(shuffle=True)},
        {"labels": Labels(_ten, _ten, neighbours=0.1), "targets": None, "plan": Plan(shuffle=False)},
    ]
