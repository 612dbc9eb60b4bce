"""Raise the learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import LR, Fix, Patch, Settings


class RaiseLearningRate(Fix):
    """Train with a larger learning rate.

    Why it helps: with steps far below what the curvature allows, the budget is spent before the loss has come down.
    In your code: `torch.optim.Adam(model.parameters(), lr=1e-3)`: ten times the lr that is there.
    """

    code = "FLR02"
    cures = frozenset({"LR002", "LR102"})
    references = ("Smith 2017, Cyclical Learning Rates",)
    factors = (10, 100, 3)
    shares = (0.3, 0.1)  # of the rate at which the loss fell fastest in the range test, which few trainings stand for long

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        lr = config.get(LR)
        if lr is None:
            yield Patch(why="multiply the learning rate by 10")
            return
        suggested = finding.evidence.get("suggested_lr") if finding else None
        if suggested and suggested > lr:
            for share in self.shares:
                rounded = float(f"{share * suggested:.2g}")
                if rounded > lr:
                    yield Patch({LR: rounded}, f"learning rate {lr:g} -> {rounded:g}, from the range test", self.shares[0] * suggested)
            return
        for factor in self.factors:
            yield Patch({LR: float(f"{lr * factor:.3g}")}, f"learning rate {lr:g} -> {lr * factor:.3g}")
