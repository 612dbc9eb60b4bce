"""Lead a path around the layers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class ResidualPath(Fix):
    """Add to the output of every hidden layer its input, where both have the same shape.

    Why it helps: along the path the signal comes forward and the gradient back as they are, through however many layers.
    In your code: `x = x + act(layer(x))`
    """

    code = "FGRAD02"
    cures = frozenset({"ACT104", "ACT105"})
    references = ("He et al. 2016, Deep Residual Learning for Image Recognition",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None:
            yield Patch(self.edit(config, residual=True), "a path around every hidden layer that keeps the shape")
