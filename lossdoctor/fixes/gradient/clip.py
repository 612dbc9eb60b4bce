"""Clip the gradient."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class ClipGradient(Fix):
    """Clip the norm of the gradient.

    Why it helps: one batch with a huge gradient can throw the weights further than a thousand others have brought them.
    In your code: `torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)` between `backward()` and `step()`.
    """

    code = "FGRAD01"
    cures = frozenset({"GRAD001", "GRAD102", "GRAD103", "NUM001", "LR001"})
    references = ("Pascanu et al. 2013, On the difficulty of training recurrent neural networks",)
    norm = 1.0

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        now = config.get("training.clip_grad_norm")
        if now is None or now > self.norm:
            yield Patch({"training.clip_grad_norm": self.norm}, f"gradient norm clipped at {self.norm:g}")
