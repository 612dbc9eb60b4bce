"""Use larger batches."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class LargerBatch(Fix):
    """Train with larger batches.

    Why it helps: a gradient of a few examples is mostly noise, and the loss cannot settle below it.
    In your code: `DataLoader(train, batch_size=64, shuffle=True)`
    """

    code = "FBATCH02"
    cures = frozenset({"BATCH001", "NORM101"})
    references = ("McCandlish et al. 2018, An Empirical Model of Large-Batch Training",)
    factor = 4

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        now = config.get("training.batch_size")
        if finding is not None:
            larger = None if now is None else now * self.factor
            yield Patch(why="larger batches") if larger is None else Patch({"training.batch_size": larger}, f"batch size {now} -> {larger}")
