"""Normalize the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class InsertNorm(Fix):
    """Insert a normalization after every hidden layer: batch norm, or layer norm where batches are tiny.

    Why it helps: it keeps the size of the activations through the depth, so that no layer starves or floods the next.
    In your code: `nn.BatchNorm1d(width)` (`nn.BatchNorm2d` after a convolution) between the layer and its activation.
    """

    code = "FNORM01"
    cures = frozenset({"ACT104", "GRAD101", "ACT102"})
    references = ("Ioffe & Szegedy 2015, Batch Normalization", "Ba et al. 2016, Layer Normalization")
    small_batch = 8  # below it batch statistics are too noisy (Wu & He 2018)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        kind = "layer" if (config.get("training.batch_size") or 64) <= self.small_batch else "batch"
        yield Patch(self.edit(config, insert_norm=kind), f"{kind} norm after every hidden layer")
