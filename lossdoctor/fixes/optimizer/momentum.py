"""Add momentum."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Momentum(Fix):
    """Train SGD with Nesterov momentum of 0.9.

    Why it helps: steps in the same direction add up and those to and fro cancel: a long narrow valley is passed in a fraction of the steps.
    In your code: `torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)`
    """

    code = "FOPT03"
    cures = frozenset({"LR002", "LR102"})
    references = ("Sutskever et al. 2013, On the Importance of Initialization and Momentum",)
    momentum = 0.9

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        name, momentum = str(config.get("training.optimizer.name", "")).lower(), config.get("training.optimizer.momentum", 0.0)
        if finding is not None and name == "sgd" and not momentum:
            changes = {"training.optimizer.momentum": self.momentum, "training.optimizer.nesterov": True}
            yield Patch(changes, f"Nesterov momentum of {self.momentum:g}")
