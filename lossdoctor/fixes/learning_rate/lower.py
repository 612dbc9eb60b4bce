"""Lower the learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import LR, Fix, Patch, Settings


class LowerLearningRate(Fix):
    """Train with a smaller learning rate.

    Why it helps: steps larger than the curvature allows bounce off the walls of the valley, or leave it for good.
    In your code: `torch.optim.Adam(model.parameters(), lr=1e-3)`: a tenth of the lr that is there.
    """

    code = "FLR01"
    cures = frozenset({"LR001", "LR101", "NUM001", "GRAD001", "GRAD102", "GRAD103"})
    references = ("Smith 2017, Cyclical Learning Rates", "Cohen et al. 2021, Gradient Descent at the Edge of Stability")
    factors = (1 / 10, 1 / 100, 1 / 3)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        lr = config.get(LR)
        if lr is None:
            yield Patch(why="divide the learning rate by 10")
            return
        suggested = finding.evidence.get("suggested_lr") if finding else None
        if suggested and suggested < lr:
            rounded = float(f"{suggested:.2g}")
            yield Patch({LR: rounded}, f"learning rate {lr:g} -> {rounded:g}, from the range test")
        if suggested and suggested < lr * min(self.factors):  # so far below, a sweep tells little more than the order
            lower = float(f"{0.1 * suggested:.2g}")
            yield Patch({LR: lower}, f"learning rate {lr:g} -> {lower:g}, a tenth of the range test's")
        for factor in self.factors:
            yield Patch({LR: float(f"{lr * factor:.3g}")}, f"learning rate {lr:g} -> {lr * factor:.3g}")
