"""Use the loss that fits the task."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class FittingLoss(Fix):
    """Train with the loss that fits: cross entropy for classes, mean squared error for numbers.

    Why it helps: a loss made for another task has its minimum, or its gradient, somewhere else.
    In your code: `F.cross_entropy(scores, class_index)`, `F.mse_loss(prediction, target)`
    """

    code = "FLOSS02"
    cures = frozenset({"LOSS103", "LOSS101"})
    references = ("Goodfellow et al. 2016, Deep Learning, 6.2.2",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        now, task = config.get("training.loss"), config.get("task")
        suggested = finding.evidence.get("suggested_loss") if finding else None
        if suggested and suggested != now:
            yield Patch({"training.loss": suggested}, f"loss {now} -> {suggested}")
        elif finding is not None and task == "classification" and now in ("mse_loss", "l1_loss", "smooth_l1_loss"):
            yield Patch({"training.loss": "cross_entropy"}, f"loss {now} -> cross_entropy")
