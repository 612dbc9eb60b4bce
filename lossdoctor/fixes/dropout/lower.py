"""Lower the dropout rate."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class LowerDropout(Fix):
    """Set every dropout rate to 0, or to 0.1.

    Why it helps: with most units switched off in every step, what is left is too small a model to learn the task.
    In your code: `nn.Dropout(0.1)`
    """

    code = "FDROP01"
    cures = frozenset({"DROP001", "DROP101", "CAP001", "CAP101"})
    references = ("Srivastava et al. 2014, Dropout",)
    rates = (0.0, 0.1)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        arguments = config.get("model.args") or {}
        named = [
            k for k, v in arguments.items() if k.lower() in ("dropout", "drop", "dropout_rate", "p_drop") and isinstance(v, float) and v > 0
        ]
        for rate in self.rates if finding else self.rates[:1]:
            if named:
                yield Patch({f"model.args.{key}": rate for key in named}, f"dropout -> {rate:g}")
            else:
                yield Patch(self.edit(config, set_dropout=rate), f"dropout -> {rate:g}")
