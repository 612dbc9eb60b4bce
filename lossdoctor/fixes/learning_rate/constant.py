"""Keep the learning rate where it is."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import EPOCHS, Fix, Patch, Settings


class ConstantLearningRate(Fix):
    """Take the schedule away: keep the learning rate constant.

    Why it helps: a rate that has decayed to nothing freezes the model, however far from done it is.
    In your code: leave out the scheduler, or let it decay later and not to zero.
    """

    code = "FLR04"
    cures = frozenset({"LR003", "LR104"})
    references = ("Smith 2017, Cyclical Learning Rates",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if config.get("training.scheduler") is not None:
            yield Patch({"training.scheduler": None}, "no schedule: a constant learning rate")
        elif finding is not None and config.get(EPOCHS) is None:
            yield Patch(why="decay the learning rate later, and not to zero")
