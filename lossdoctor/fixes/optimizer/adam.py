"""Train with Adam."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Adam(Fix):
    """Train with Adam at its own learning rate.

    Why it helps: plain SGD needs a learning rate that fits every layer at once; Adam scales each step by the gradient's own size.
    In your code: `torch.optim.Adam(model.parameters(), lr=1e-3)`
    """

    code = "FOPT01"
    cures = frozenset({"OPT101", "LR002", "LR102"})
    references = ("Kingma & Ba 2015, Adam",)
    rates = (0.001, 0.01)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if str(config.get("training.optimizer.name", "adam")).lower() in ("adam", "adamw", "nadam", "radam") and finding is None:
            return
        decay = config.get("training.optimizer.weight_decay")
        for lr in self.rates:
            kept = {"weight_decay": decay} if decay else {}
            yield Patch({"training.optimizer": {"name": "adam", "lr": lr, **kept}}, f"Adam with learning rate {lr:g}")
