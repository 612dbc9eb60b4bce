"""Normalize without the batch."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class NormWithoutBatch(Fix):
    """Put group norm, for vectors layer norm, in the place of batch norm.

    Why it helps: it normalizes each example by itself: the batch does not matter, and evaluation sees the model that was trained.
    In your code: `nn.GroupNorm(32, channels)` where `nn.BatchNorm2d(channels)` stands, `nn.LayerNorm(width)` for `nn.BatchNorm1d(width)`.
    """

    code = "FNORM02"
    cures = frozenset({"NORM101", "NORM102"})
    references = ("Wu & He 2018, Group Normalization",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None:
            yield Patch(self.edit(config, swap_norm="group"), "group norm in the place of batch norm")
