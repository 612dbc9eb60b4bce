"""Smooth the labels."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class LabelSmoothing(Fix):
    """Give a tenth of each label to all classes alike.

    Why it helps: labels of 0 and 1 ask for ever larger scores; smoothed ones are met by finite scores, and a wrong one costs less.
    In your code: `F.cross_entropy(output, y, label_smoothing=0.1)`
    """

    code = "FREG03"
    cures = frozenset({"STOP001", "REG001"})
    references = (
        "Szegedy et al. 2016, Rethinking the Inception Architecture",
        "Müller et al. 2019, When Does Label Smoothing Help?",
    )
    share = 0.1
    losses = ("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        classes = config.get("task", "classification") == "classification" and config.get("training.loss", "cross_entropy") in self.losses
        if finding is not None and classes and not config.get("training.label_smoothing"):
            yield Patch({"training.label_smoothing": self.share}, f"labels smoothed by {self.share:g}")
