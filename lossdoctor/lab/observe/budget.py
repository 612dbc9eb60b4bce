"""How many steps a measurement takes: a share of the training that is examined, so that the same config gets the same everywhere.

Clocks are asked only to give up what takes far too long: a step count that followed from them would change with the machine's load.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from lossdoctor.lab.observe.common import fresh, operations
from lossdoctor.lab.workload import Workload

WORK = 8e10  # floating-point operations of all steps of a measurement: some four seconds on two cores
MOVED = 50  # operations that the update of a parameter is worth: it waits for memory
SECONDS = 10.0  # of processor time after which a measurement is given up
PATIENCE = 4.0  # times that, by the clock on the wall


@dataclass(frozen=True)
class Range:
    """Steps as a share of the training's own, but at least ``fewest``, without which a measurement says nothing, and at most ``most``."""

    share: float
    fewest: int
    most: int

    def of(self, workload: Workload) -> int:
        return int(np.clip(self.share * workload.steps, self.fewest, self.most))


def affordable(workload: Workload, examples: int | None = None) -> int:
    """The steps that a measurement has work for, on batches of so many examples; by default as many as are configured."""
    count = min(examples or workload.config.training.batch_size, len(workload.train))
    return int(WORK / max(3 * count * operations(workload) + MOVED * parameters(workload), 1.0))


def parameters(workload: Workload) -> int:
    """How many numbers of the model can be trained."""
    kept: int | None = workload.__dict__.get("_parameters")
    if kept is None:
        kept = workload.__dict__["_parameters"] = sum(p.numel() for p in fresh(workload).parameters() if p.requires_grad)
    return kept


@dataclass
class Clock:
    """The last safety of a measurement. Processor time, which other programs hardly change; beyond it what a step waits for."""

    cpu: float = field(default_factory=time.process_time)
    wall: float = field(default_factory=time.monotonic)

    @property
    def late(self) -> bool:
        return time.process_time() - self.cpu > SECONDS or time.monotonic() - self.wall > PATIENCE * SECONDS
