"""Narrow the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Narrow(Fix):
    """Give the hidden layers a quarter of their units.

    Why it helps: a model with fewer weights than it takes to learn the examples by heart must learn what they have in common.
    In your code: the width that your model takes as an argument, divided by four.
    """

    code = "FCAP03"
    cures = frozenset({"REG001"})
    references = ("Goodfellow et al. 2016, Deep Learning, 5.2 Capacity, Overfitting and Underfitting",)
    factor = 4

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is None:
            return
        named = config.widths()
        for name, value in named.items():
            less = [max(1, v // self.factor) for v in value] if isinstance(value, list) else max(1, value // self.factor)
            yield Patch({f"model.args.{name}": less}, f"{name} {value} -> {less}")
        if not named:
            yield Patch(self.edit(config, widen=1 / self.factor), f"hidden layers {self.factor} times as narrow")
