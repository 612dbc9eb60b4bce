"""Train with SGD and momentum."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class StochasticGradientDescent(Fix):
    """Train with SGD at its own learning rate, with momentum of 0.9.

    Why it helps: an optimizer that scales each step by its history can go astray; SGD follows the gradient itself.
    In your code: `torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, nesterov=True)`
    """

    code = "FOPT06"
    cures = frozenset({"OPT101"})
    references = ("Wilson et al. 2017, The Marginal Value of Adaptive Gradient Methods",)
    rates = (0.01, 0.1)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        name, decay = str(config.get("training.optimizer.name", "")).lower(), config.get("training.optimizer.weight_decay")
        if finding is not None and name and name != "sgd":
            kept = {"weight_decay": decay} if decay else {}
            for lr in self.rates:
                optimizer = {"name": "sgd", "lr": lr, "momentum": 0.9, "nesterov": True, **kept}
                yield Patch({"training.optimizer": optimizer}, f"SGD with momentum 0.9 and learning rate {lr:g}")
