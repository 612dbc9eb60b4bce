"""Let the learning rate fall along a cosine."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class CosineSchedule(Fix):
    """Let the learning rate fall along a half cosine to zero over the training.

    Why it helps: a rate that is right at the start is too high at the end, where the steps only stir the noise.
    In your code: `torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps)`, stepped after every batch.
    """

    code = "FLR03"
    cures = frozenset({"LR004"})
    references = ("Loshchilov & Hutter 2017, SGDR",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.scheduler.name") != "cosine":
            yield Patch({"training.scheduler": {"name": "cosine"}}, "cosine schedule down to zero")
