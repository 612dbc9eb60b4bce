"""Shuffle the training data."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Shuffle(Fix):
    """Shuffle the training examples anew in every epoch.

    Why it helps: sorted data make every batch pull the model towards one class, and the next batch away from it.
    In your code: `DataLoader(train, batch_size=64, shuffle=True)`
    """

    code = "FPRE03"
    cures = frozenset({"PRE107", "PRE001", "LR001"})
    references = ("Bengio 2012, Practical Recommendations for Gradient-Based Training",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.shuffle", True) is False:
            yield Patch({"training.shuffle": True}, "examples shuffled in every epoch")
