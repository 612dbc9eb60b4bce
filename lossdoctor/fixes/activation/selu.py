"""Use SELU."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import EDITS, Fix, Patch, Settings


class SelfNormalizing(Fix):
    """Put SELU in the place of the hidden activations, with the weights that go with it.

    Why it helps: through any number of such layers the activations go to mean 0 and variance 1 by themselves, without a normalization.
    In your code: `nn.SELU()`, and `nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")` for every layer.
    """

    code = "FACT03"
    cures = frozenset({"ACT104", "GRAD101"})
    references = ("Klambauer et al. 2017, Self-Normalizing Neural Networks",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None:
            edits = [*(config.get(EDITS) or []), {"swap_activation": "selu"}, {"initialize": "lecun"}]
            yield Patch({EDITS: edits}, "hidden activations -> selu, weights drawn to fit")
