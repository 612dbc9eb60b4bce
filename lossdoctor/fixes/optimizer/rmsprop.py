"""Train with RMSprop."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class RMSProp(Fix):
    """Train with RMSprop at its own learning rate.

    Why it helps: it scales each weight's step by the recent size of its gradient, as Adam does, and keeps no momentum that could overshoot.
    In your code: `torch.optim.RMSprop(model.parameters(), lr=1e-3)`
    """

    code = "FOPT05"
    cures = frozenset({"OPT101"})
    references = ("Tieleman & Hinton 2012, Lecture 6.5",)
    rates = (0.001, 0.01)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and str(config.get("training.optimizer.name", "")).lower() != "rmsprop":
            for lr in self.rates:
                yield Patch({"training.optimizer": {"name": "rmsprop", "lr": lr}}, f"RMSprop with learning rate {lr:g}")
