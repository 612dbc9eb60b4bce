"""Raise the learning rate over the first third of the training, then let it fall to nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class OneCycle(Fix):
    """Raise the learning rate over the first third of the training, then let it fall to nothing.

    Why it helps: the high rate in the middle covers ground and keeps out of sharp valleys; start and end take small steps.
    In your code: `torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=total_steps, cycle_momentum=False)`, step by step.
    """

    code = "FLR06"
    cures = frozenset({"LR005"})
    references = ("Smith & Topin 2018, Super-Convergence",)

    schedule = {"name": "onecycle", "cycle_momentum": False}  # torch would give plain SGD a momentum

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and config.get("training.scheduler.name") != "onecycle":
            yield Patch({"training.scheduler": dict(self.schedule)}, "one cycle of the learning rate: up, then down")
