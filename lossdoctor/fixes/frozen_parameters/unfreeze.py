"""Unfreeze the parameters."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Unfreeze(Fix):
    """Let every parameter learn.

    Why it helps: layers with `requires_grad` off stay as they were drawn.
    In your code: `for p in model.parameters(): p.requires_grad_(True)`, before the optimizer is made.
    """

    code = "FFRZ01"
    cures = frozenset({"FRZ101", "FRZ001"})
    references = ("PyTorch documentation, Autograd mechanics",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        yield Patch(self.edit(config, unfreeze=True), "all parameters learn")
