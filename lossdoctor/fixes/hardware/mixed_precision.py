"""Use the GPU in bfloat16."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class MixedPrecision(Fix):
    """Train on the GPU, with bfloat16 where it is safe.

    Why it helps: tensor cores take half the bytes and several times the operations a second; sums and weights stay in float32.
    In your code: `with torch.autocast("cuda", torch.bfloat16): loss = criterion(model(x), y)`; in a config `training.amp: true`.
    """

    code = "FHW01"
    cures = frozenset({"HW101"})
    references = ("Micikevicius et al. 2018, Mixed Precision Training",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and finding.evidence.get("idle"):
            yield Patch(why="train on the GPU, with training.amp: true; it saves time and changes no loss")
