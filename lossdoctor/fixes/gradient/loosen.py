"""Clip the gradient at a higher norm."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class LoosenClipping(Fix):
    """Raise the limit that the gradient is clipped at, so that it cuts outliers alone.

    Why it helps: where every gradient is cut, a step is as long as the limit allows, however steep the loss.
    In your code: `torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)` with a limit a few times the norm that is usual.
    """

    code = "FGRAD03"
    cures = frozenset({"GRAD003"})
    references = ("Pascanu et al. 2013, On the difficulty of training recurrent neural networks",)
    usual = 1.0
    room = 3.0  # times the norm that is usual
    far = 10.0  # times below it, a limit is more than a bound for outliers

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        now = config.get("training.clip_grad_norm")
        if finding is None or now is None:
            return
        norm = float(finding.evidence.get("median_norm", 0.0))
        if norm > self.far * now:
            raised = max(self.usual, float(f"{self.room * norm:.1g}"))
            yield Patch({"training.clip_grad_norm": raised}, f"gradient norm clipped at {raised:g} instead of {now:g}")
