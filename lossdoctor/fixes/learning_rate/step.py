"""Divide the learning rate by ten after each third of the training."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class StepSchedule(Fix):
    """Divide the learning rate by ten after each third of the training.

    Why it helps: it stays high while that pays, and each drop lets the loss settle below the noise of the rate before.
    In your code: `torch.optim.lr_scheduler.StepLR(optimizer, step_size=epochs // 3)`, stepped after every epoch.
    """

    code = "FLR07"
    cures = frozenset({"LR004"})
    references = ("He et al. 2016, Deep Residual Learning for Image Recognition",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        sgd = str(config.get("training.optimizer.name", "")).lower() == "sgd"  # of which such schedules are known
        if finding is not None and sgd and config.get("training.scheduler.name") != "step":
            yield Patch({"training.scheduler": {"name": "step"}}, "learning rate / 10 after each third")
