"""Train longer."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import EPOCHS, Fix, Patch, Settings


class TrainLonger(Fix):
    """Train for more epochs.

    Why it helps: the run ended while the loss was still falling.
    In your code: the number of epochs, times four.
    """

    code = "FSTOP02"
    cures = frozenset({"STOP003", "STOP101", "LR002", "LR102"})
    references = ("Godbole et al. 2023, Deep Learning Tuning Playbook",)
    cost = 4.0
    factor = 4

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        epochs = config.get(EPOCHS)
        if finding is None:
            return
        if epochs is None:
            yield Patch(why="train longer")
        else:
            yield Patch({EPOCHS: epochs * self.factor}, f"epochs {epochs} -> {epochs * self.factor}")
