"""Add noise to the inputs."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class AddNoise(Fix):
    """Add Gaussian noise, a fraction of each feature's spread, to every training batch.

    Why it helps: no example is seen twice as it is, so that learning one by heart does not pay, and steep outputs cost.
    In your code: `x = x + 0.3 * x.std(dim=0) * torch.randn_like(x)` before the model, in training only.
    """

    code = "FAUG02"
    cures = frozenset({"STOP001", "REG001"})
    references = ("Bishop 1995, Training with Noise is Equivalent to Tikhonov Regularization",)
    amounts = (0.3, 0.5)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and not config.get("data.augment"):
            for amount in self.amounts:
                yield Patch({"data.augment": [{"noise": amount}]}, f"noise of {amount:g} standard deviations on training inputs")
