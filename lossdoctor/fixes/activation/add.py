"""Add the missing activations."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class AddActivation(Fix):
    """Put a ReLU between layers that follow each other without one.

    Why it helps: linear layers in a row are one linear layer: they cannot bend.
    In your code: `nn.ReLU()` between the two `nn.Linear`.
    """

    code = "FACT02"
    cures = frozenset({"ACT103"})
    references = ("Goodfellow et al. 2016, Deep Learning, 6.3",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        yield Patch(self.edit(config, add_activation="relu"), "ReLU between layers that had none")
