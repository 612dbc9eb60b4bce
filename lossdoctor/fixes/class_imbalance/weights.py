"""Weight the classes."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class ClassWeights(Fix):
    """Weight every class in the loss by the inverse of its share.

    Why it helps: with one class in a hundred, calling everything the large class is already nearly right; weights make the small one count.
    In your code: `F.cross_entropy(output, y, weight=len(y) / (classes * torch.bincount(y)))`
    """

    code = "FIMB01"
    cures = frozenset({"IMB001", "IMB002", "IMB101", "IMB103"})
    references = ("King & Zeng 2001, Logistic Regression in Rare Events Data",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        weights = config.get("training.class_weights")
        wrong = finding is not None and finding.code == "IMB103" and weights != "balanced"
        if (weights is None or wrong) and config.get("task", "classification") == "classification":
            yield Patch({"training.class_weights": "balanced"}, "classes weighted by the inverse of their share")
