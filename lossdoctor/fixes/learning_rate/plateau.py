"""Divide the learning rate by ten when the validation loss has not improved for some epochs."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Plateau(Fix):
    """Divide the learning rate by ten when the validation loss has not improved for some epochs.

    Why it helps: nobody has to know beforehand when the loss will have settled: the drop comes when it has.
    In your code: `torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)`, stepped with the validation loss of every epoch.
    """

    code = "FLR08"
    cures = frozenset({"LR004"})
    references = ("PyTorch documentation, ReduceLROnPlateau",)
    patience = 3  # epochs

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        missed = config.get("training.scheduler") is not None  # a schedule by count that came too late
        if finding is not None and missed and config.get("training.scheduler.name") != "plateau":
            yield Patch(
                {"training.scheduler": {"name": "plateau", "patience": self.patience}},
                "learning rate / 10 at every plateau of the validation loss",
            )
