"""Stop at the best validation loss."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import EPOCHS, Fix, Patch, Settings


class StopAtBest(Fix):
    """Stop when the validation loss has not improved for a while, and keep the best weights.

    Why it helps: after its best step the model only learns the training examples by heart.
    In your code: keep `copy.deepcopy(model.state_dict())` at every new best validation loss, and load it at the end.
    """

    code = "FSTOP01"
    cures = frozenset({"STOP001", "STOP002", "REG001"})
    references = ("Prechelt 1998, Early Stopping - But When?",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.early_stopping") is not None:
            return
        epochs = config.get(EPOCHS)
        patience = max(5, round(epochs / 10)) if epochs else 5
        best = finding.evidence.get("best_step") if finding else None
        where = f"; here the best was at step {best:g}" if isinstance(best, int | float) else ""
        yield Patch({"training.early_stopping": {"patience": patience}}, f"stop after {patience} epochs without a new best{where}")
