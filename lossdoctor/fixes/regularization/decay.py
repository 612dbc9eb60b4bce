"""Add weight decay."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class WeightDecay(Fix):
    """Train with decoupled weight decay (AdamW), or more of it.

    Why it helps: it keeps the model from growing the large weights with which it learns examples by heart.
    In your code: `torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)`
    """

    code = "FREG02"
    cures = frozenset({"STOP001", "REG001"})
    references = ("Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization",)
    adaptive = 0.1
    plain = 0.01
    raised = 5  # times what is there

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        name = str(config.get("training.optimizer.name", "")).lower()
        least = self.raised * (config.get("training.optimizer.weight_decay") or 0.0)
        if finding is None:
            return
        if name == "sgd":
            decay = max(self.plain, least)
            yield Patch({"training.optimizer.weight_decay": decay}, f"weight decay {decay:g}")
        elif name in ("adam", "adamw"):
            decay = max(self.adaptive, least)
            yield Patch({"training.optimizer.name": "adamw", "training.optimizer.weight_decay": decay}, f"AdamW, weight decay {decay:g}")
        elif not name:
            yield Patch(why="add weight decay")
