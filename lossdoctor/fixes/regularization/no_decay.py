"""Take the weight decay away."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class NoWeightDecay(Fix):
    """Train without weight decay.

    Why it helps: a decay that outweighs the gradient of the data pulls the weights to zero, and the model to a constant.
    In your code: `weight_decay=0` in the optimizer.
    """

    code = "FREG01"
    cures = frozenset({"REG101", "REG002", "CAP001", "CAP101"})
    references = ("Krogh & Hertz 1991, A Simple Weight Decay Can Improve Generalization",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.optimizer.weight_decay"):
            yield Patch({"training.optimizer.weight_decay": 0.0}, "no weight decay")
