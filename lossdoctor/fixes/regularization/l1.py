"""Penalize the weights' absolute values."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class L1(Fix):
    """Add the sum of the weights' absolute values, times a small factor, to the loss.

    Why it helps: it holds at zero the weights of inputs that tell nothing, which weight decay only makes smaller.
    In your code: `loss = loss + 1e-3 * sum(p.abs().sum() for p in model.parameters() if p.dim() > 1)`
    """

    code = "FREG04"
    cures = frozenset({"STOP001", "REG001"})
    references = ("Tibshirani 1996, Regression Shrinkage and Selection via the Lasso",)
    factors = (1e-3, 1e-4)  # where weight decay, which is gentler, is there already

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and config.get("training.optimizer.weight_decay") and not config.get("training.l1"):
            for factor in self.factors:
                yield Patch({"training.l1": factor}, f"L1 penalty {factor:g}")
