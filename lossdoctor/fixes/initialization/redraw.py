"""Initialize the weights anew."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Initialize(Fix):
    """Draw the weights from the distribution that keeps the signal's size through the layers, biases zero.

    Why it helps: weights that are equal, zero, tiny or huge make every unit learn the same, or nothing.
    In your code: `nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")` and `nn.init.zeros_(layer.bias)` for every layer.
    """

    code = "FINIT01"
    cures = frozenset({"INIT101", "INIT102", "INIT103", "ACT104", "ACT101", "ACT102", "GRAD101", "GRAD102"})
    references = ("He et al. 2015, Delving Deep into Rectifiers", "Glorot & Bengio 2010, Understanding the difficulty")
    kinds = ("kaiming", "xavier")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        for kind in self.kinds if finding else self.kinds[:1]:
            yield Patch(self.edit(config, initialize=kind), f"weights drawn anew: {kind}")
