"""The vocabulary of proof: a trial, the effect of a patch, and the prescription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lossdoctor.core.diagnosis import Examination, Status, Verdict
from lossdoctor.core.fix import Fix, Patch
from lossdoctor.core.run import Run


@dataclass(frozen=True)
class Trial:
    """One training of a patched config with one seed.

    ``value`` is the judged metric at the end (lower is better; infinite where the training blew up), ``steps`` the
    optimizer steps it took, ``error`` why it did not finish.
    """

    seed: int
    value: float
    steps: int
    run: Run
    error: str | None = None


@dataclass(frozen=True)
class Effect:
    """What a patch gains over the untouched config, from ``seeds`` paired trials of equal length.

    ``gain`` is the mean reduction of the judged metric, ``low`` and ``high`` its 90 % interval.
    """

    gain: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Level:
    """A metric over several seeds: its mean and 90 % interval."""

    metric: str
    value: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class Treatment:
    """Fixes tried together as one patch, and what came of it."""

    fixes: tuple[Fix, ...]
    patch: Patch
    value: float
    effect: Effect | None
    steps: int
    verified: bool = False
    error: str | None = None

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fix.family for fix in self.fixes))


@dataclass(frozen=True)
class Chosen:
    """A fix of the prescription, with the changes it makes and the part of the gain that is lost without it."""

    fix: Fix
    patch: Patch
    gain: float


@dataclass(frozen=True)
class Prescription:
    """The proved combination of fixes, the one that helps most first; ``config`` is the file it was written to, ``run`` the log
    of one of the trainings that proved it."""

    chosen: tuple[Chosen, ...]
    patch: Patch
    before: float
    after: float
    effect: Effect
    config: Path | None = None
    run: Run | None = None


@dataclass(frozen=True)
class Cost:
    """What the probe took; ``full_trainings`` are those of the untouched config.

    ``train_steps`` and ``full_trainings`` are the trials', ``examine_steps`` those of the examination's own small trainings.
    """

    seconds: float
    train_steps: int
    full_trainings: float
    examine_steps: int = 0


@dataclass(frozen=True)
class Proof:
    """Everything a probe found out about a config; ``failed`` holds a sentence for each assertion that does not hold, ``run`` the
    log of the config trained as it is, ``void`` the code of a finding with which trials would prove nothing, ``unproved`` what gained most
    when the budget was spent before more seeds could prove it."""

    config: Path
    device: str
    status: Status
    examination: Examination
    verdict: Verdict | None = None
    baseline: Level | None = None
    trials: tuple[Treatment, ...] = ()
    prescription: Prescription | None = None
    advice: tuple[str, ...] = ()
    attribution: Mapping[str, float] = field(default_factory=dict)
    cost: Cost = Cost(0.0, 0, 0.0)
    interrupted: bool = False
    failed: tuple[str, ...] = ()
    resumed: int = 0
    run: Run | None = None
    void: str | None = None
    unproved: Treatment | None = None
