"""Add hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Deepen(Fix):
    """Put one more hidden layer before the last, or two.

    Why it helps: a layer more bends what the others give it once more: some functions take far fewer units with depth than width.
    In your code: `nn.Linear(width, width), nn.ReLU()` before the last layer.
    """

    code = "FCAP02"
    cures = frozenset({"CAP001", "CAP101"})
    references = ("Telgarsky 2016, Benefits of depth in neural networks",)
    cost = 1.5
    layers = (1, 2)
    depths = ("depth", "layers", "num_layers", "n_layers", "hidden_layers", "blocks", "num_blocks")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is None:
            return
        arguments = config.get("model.args") or {}
        named = [name for name, value in arguments.items() if name.lower() in self.depths and type(value) is int]
        for more in self.layers:
            if named:
                yield Patch({f"model.args.{name}": arguments[name] + more for name in named}, f"{' and '.join(named)} + {more}")
            else:
                yield Patch(self.edit(config, deepen=more), f"{more} more hidden layer{'s' * (more > 1)}")
