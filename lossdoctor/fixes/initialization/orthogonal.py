"""Start from orthogonal weights."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Orthogonal(Fix):
    """Draw every hidden layer's weights as an orthogonal matrix, biases zero.

    Why it helps: an orthogonal matrix turns a signal and changes no length: it passes through many layers, forward and back, as it is.
    In your code: `nn.init.orthogonal_(layer.weight, gain=1.0)` for every hidden layer.
    """

    code = "FINIT02"
    cures = frozenset({"INIT103", "ACT104", "ACT105", "GRAD101", "GRAD102"})
    references = ("Saxe et al. 2014, Exact solutions to the nonlinear dynamics of learning",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None:
            yield Patch(self.edit(config, initialize="orthogonal"), "weights drawn anew: orthogonal")
