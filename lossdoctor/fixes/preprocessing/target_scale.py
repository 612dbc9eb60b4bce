"""Standardize the target."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class StandardizeTarget(Fix):
    """Train on targets of mean 0 and standard deviation 1; predictions are scaled back.

    Why it helps: a fresh model puts out numbers near 0; targets in the thousands take most of the training just to be reached.
    In your code: `y = (y - mean) / std` for training, `prediction * std + mean` to use the model.
    """

    code = "FPRE02"
    cures = frozenset({"PRE105", "LOSS102"})
    references = ("Bishop 1995, Neural Networks for Pattern Recognition, 8.2",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if not config.get("data.standardize_target") and config.get("task") == "regression":
            yield Patch({"data.standardize_target": True}, "target standardized; metrics stay in the original units")
