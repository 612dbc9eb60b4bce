"""Add dropout."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class AddDropout(Fix):
    """Drop a third of the inputs of every linear layer but the first, or half.

    Why it helps: a unit that cannot count on its neighbours learns what holds in itself, not what only fits together for single examples.
    In your code: `nn.Dropout(0.3)` before every `nn.Linear` but the first.
    """

    code = "FDROP02"
    cures = frozenset({"STOP001", "REG001"})
    references = ("Srivastava et al. 2014, Dropout",)
    rates = (0.3, 0.5)
    names = ("dropout", "drop", "dropout_rate", "p_drop")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is None:
            return
        arguments = config.get("model.args") or {}
        named = [name for name, value in arguments.items() if name.lower() in self.names and isinstance(value, int | float)]
        for rate in self.rates:
            lower = [name for name in named if arguments[name] < rate]
            if lower:
                yield Patch({f"model.args.{name}": rate for name in lower}, f"dropout -> {rate:g}")
            elif not named:
                yield Patch(self.edit(config, add_dropout=rate), f"dropout of {rate:g}")
