"""Draw the classes equally often."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class BalancedSampler(Fix):
    """Draw training examples so that every class comes equally often.

    Why it helps: every batch holds the small class, so its gradient is there in every step and not once in a while.
    In your code: `DataLoader(train, sampler=WeightedRandomSampler(1 / torch.bincount(y)[y], len(y)))`
    """

    code = "FIMB02"
    cures = frozenset({"IMB001", "IMB002", "IMB101"})
    references = ("Buda et al. 2018, A systematic study of the class imbalance problem",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.sampler") is None and config.get("task", "classification") == "classification":
            yield Patch({"training.sampler": "balanced"}, "every class drawn equally often")
