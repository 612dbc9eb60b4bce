"""Warm the learning rate up."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class WarmUp(Fix):
    """Raise the learning rate from near zero over the first steps, then let it fall along a cosine.

    Why it helps: the first gradients of a fresh model are large and point anywhere; small steps survive them.
    In your code: `torch.optim.lr_scheduler.LinearLR` for the first 5 % of the steps, then `CosineAnnealingLR`.
    """

    code = "FLR05"
    cures = frozenset({"LR001", "LR005"})
    references = ("Goyal et al. 2017, Accurate, Large Minibatch SGD",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.scheduler.name") != "warmup_cosine":
            yield Patch({"training.scheduler": {"name": "warmup_cosine"}}, "warm-up, then cosine schedule")
