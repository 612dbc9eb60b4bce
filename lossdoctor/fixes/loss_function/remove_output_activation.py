"""Take the activation off the output."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class RemoveOutputActivation(Fix):
    """Take away the activation after the last layer.

    Why it helps: the loss applies softmax or sigmoid itself; twice flattens the gradient. A bounded output cannot reach all targets.
    In your code: leave out the last `nn.Softmax()`, `nn.Sigmoid()` or `nn.ReLU()`.
    """

    code = "FLOSS01"
    cures = frozenset({"LOSS101", "LOSS102", "LOSS103"})
    references = ("Goodfellow et al. 2016, Deep Learning, 6.2.2",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        yield Patch(self.edit(config, remove_output_activation=True), "no activation after the last layer")
