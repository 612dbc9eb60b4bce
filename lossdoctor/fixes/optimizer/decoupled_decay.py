"""Train with AdamW."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class DecoupledDecay(Fix):
    """Let weight decay act on the weights themselves, not through Adam's scaling (AdamW).

    Why it helps: Adam divides the decay by the size of the gradient: weights with small gradients are pulled to zero hardest.
    In your code: `torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)`
    """

    code = "FOPT04"
    cures = frozenset({"REG101"})
    references = ("Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if (
            finding is not None
            and str(config.get("training.optimizer.name", "")).lower() == "adam"
            and config.get("training.optimizer.weight_decay")
        ):
            yield Patch({"training.optimizer.name": "adamw"}, "weight decay apart from Adam's scaling")
