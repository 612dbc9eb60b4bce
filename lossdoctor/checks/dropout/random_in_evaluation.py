"""DROP102: outputs that differ from one evaluation to the next."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Independence


class RandomInEvaluation(Check):
    """In evaluation mode the same batch gives other outputs every time.

    Why it matters: dropout that is never turned off makes every prediction a draw and validation worse than the model is.
    How it is detected: the same batch twice through the untrained model in evaluation mode.
    What to do: `F.dropout(x, p, self.training)`, or nn.Dropout; no noise in forward where self.training is off.
    """

    code, severity = "DROP102", Severity.ERROR
    requires = frozenset({"FRZ103"})
    references = ("PyTorch documentation, torch.nn.functional.dropout",)
    moved = 1e-3  # of the spread of the outputs

    def examine(self, independence: Independence) -> Finding | None:
        if independence.random < self.moved:
            return None
        return self.finding(
            f"In evaluation mode the same batch gives outputs that differ by {independence.random:.2g} of their spread.",
            confidence=0.9,
            moved=independence.random,
        )

    sick = [{"independence": Independence(mixed=0.4, random=0.5)}]
    healthy = [{"independence": Independence(mixed=0.0, random=0.0)}]
