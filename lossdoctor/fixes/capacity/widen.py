"""Widen the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Widen(Fix):
    """Give the hidden layers more units.

    Why it helps: a model without enough units cannot fit even the training data, however long it trains.
    In your code: the width that your model takes as an argument, times four.
    """

    code = "FCAP01"
    cures = frozenset({"CAP001", "CAP101", "CAP102"})
    references = ("Goodfellow et al. 2016, Deep Learning, 11.4",)
    cost = 2.0
    factors = (4, 16)
    widths = ("hidden", "width", "units", "dim", "channels", "filters", "d_model", "n_hidden", "hidden_size", "hidden_dim", "features")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        arguments = config.get("model.args") or {}
        named = [key for key, value in arguments.items() if key.lower() in self.widths and isinstance(value, int | list)]
        for factor in self.factors if finding else self.factors[:1]:
            for key in named:
                value = arguments[key]
                wider = [v * factor for v in value] if isinstance(value, list) else value * factor
                yield Patch({f"model.args.{key}": wider}, f"{key} {value} -> {wider}")
            if not named:
                yield Patch(self.edit(config, widen=factor), f"hidden layers {factor} times as wide")
