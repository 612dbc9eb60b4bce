"""Smooth the labels less."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class LessSmoothing(Fix):
    """Leave each label to its class, or all but a tenth of it.

    Why it helps: of labels that go to all classes alike there is nothing to learn.
    In your code: `F.cross_entropy(output, y)`, or `label_smoothing=0.1`
    """

    code = "FREG06"
    cures = frozenset({"REG103"})
    references = ("Szegedy et al. 2016, Rethinking the Inception Architecture",)
    shares = (0.0, 0.1)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        there = config.get("training.label_smoothing") or 0.0
        for share in self.shares:
            if finding is not None and share < there:
                yield Patch({"training.label_smoothing": share}, f"labels smoothed by {share:g} in place of {there:g}")
