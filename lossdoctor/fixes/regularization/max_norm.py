"""Bound the weights of each unit."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class MaxNorm(Fix):
    """Scale back the weights of a unit whenever they are longer than 1 together.

    Why it helps: no unit can grow the large weights with which single examples are learned by heart, however high the learning rate.
    In your code: `with torch.no_grad(): layer.weight.renorm_(2, 0, maxnorm=1.0)` after every step, for every layer.
    """

    code = "FREG05"
    cures = frozenset({"STOP001", "REG001"})
    references = (
        "Srebro & Shraibman 2005, Rank, Trace-Norm and Max-Norm",
        "Srivastava et al. 2014, Dropout, 5.1",
    )
    longest = (1.0, 3.0)  # where weight decay is there already; Srivastava et al. use 3 to 4 for wide layers

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and config.get("training.optimizer.weight_decay") and config.get("training.max_norm") is None:
            for longest in self.longest:
                yield Patch({"training.max_norm": longest}, f"weights of a unit no longer than {longest:g}")
