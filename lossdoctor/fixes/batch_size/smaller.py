"""Use smaller batches."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class SmallerBatch(Fix):
    """Train with smaller batches, so that an epoch makes more steps.

    Why it helps: a few huge steps an epoch are too few; the noise of small batches costs little until the end.
    In your code: `DataLoader(train, batch_size=32, shuffle=True)`
    """

    code = "FBATCH01"
    cures = frozenset({"BATCH101"})
    references = ("McCandlish et al. 2018, An Empirical Model of Large-Batch Training",)
    size = 32

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        now = config.get("training.batch_size")
        if now is not None and now > self.size and finding is not None:
            yield Patch({"training.batch_size": self.size}, f"batch size {now} -> {self.size}")
