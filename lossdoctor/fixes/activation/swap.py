"""Use a ReLU, or a relative of it, in the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class SwapActivation(Fix):
    """Put ReLU, or for dead ReLUs leaky ReLU, ELU, GELU or PReLU, in the place of the hidden activations.

    Why it helps: sigmoid and tanh pass on a quarter of the gradient at best and almost none where they saturate; a dead ReLU passes none.
    In your code: `nn.ReLU()` where `nn.Sigmoid()` or `nn.Tanh()` stands, `nn.LeakyReLU()` where `nn.ReLU()` is dead.
    """

    code = "FACT01"
    cures = frozenset({"ACT101", "ACT102", "ACT104", "GRAD101", "GRAD002", "ACT001"})
    references = (
        "Glorot et al. 2011, Deep Sparse Rectifier Neural Networks",
        "Maas et al. 2013, Rectifier Nonlinearities",
        "Hendrycks & Gimpel 2016, Gaussian Error Linear Units",
    )

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        dead = finding is not None and finding.code in ("ACT101", "ACT001")
        names = ("leaky_relu", "elu", "gelu", "prelu") if dead else ("relu", "leaky_relu", "gelu")
        for name in names if finding else names[:1]:
            yield Patch(self.edit(config, swap_activation=name), f"hidden activations -> {name}")
