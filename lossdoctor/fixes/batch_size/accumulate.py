"""Accumulate gradients."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Accumulate(Fix):
    """Average the gradients of several batches before each step.

    Why it helps: a step then follows as many examples as with a larger batch, in the memory of the small one.
    In your code: `(loss / 4).backward()` for every batch; `optimizer.step(); optimizer.zero_grad()` after every fourth.
    """

    code = "FBATCH03"
    cures = frozenset({"BATCH001"})
    references = ("Ott et al. 2018, Scaling Neural Machine Translation",)
    count = 4

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        scarce = str(config.get("probe.device")).startswith("cuda")  # elsewhere a larger batch does the same
        if finding is not None and scarce and config.get("training.accumulate", 1) == 1:
            yield Patch({"training.accumulate": self.count}, f"gradients of {self.count} batches averaged for a step")
