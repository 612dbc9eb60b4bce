"""Widen the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        """All arguments that are widths together, since one that stays narrow holds back the rest; then each alone."""
        widths = config.widths(finding.evidence.get("units") if finding else None)
        factors = self.factors if finding else self.factors[:1]
        for names in [list(widths), *([name] for name in widths if len(widths) > 1)] if widths else []:
            for factor in factors:
                wider = {name: _times(widths[name], factor) for name in names}
                why = ", ".join(f"{name} {widths[name]} -> {value}" for name, value in wider.items())
                yield Patch({f"model.args.{name}": value for name, value in wider.items()}, why)
        for factor in () if widths else factors:
            yield Patch(self.edit(config, widen=factor), f"hidden layers {factor} times as wide")


def _times(value: Any, factor: int) -> Any:
    return [each * factor for each in value] if isinstance(value, list) else value * factor
