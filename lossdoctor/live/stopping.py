"""When a run in progress is beyond hope: a verdict counts once it has held while the run grew, for a while, over enough points."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.ruling import Objection
from lossdoctor.core.run import Run
from lossdoctor.gate import Policy

HOPELESS = tuple(map(str, (Status.NON_FINITE, Status.DIVERGING, Status.NEVER_LEARNED, Status.STALLED, Status.OVERFITTING)))
SURE = {Status.STALLED.value: 0.6}  # as sure as that verdict gets; of all others
SURE_ENOUGH = 0.75
LOOKS = 3  # in a row
GROWTH = 2.0  # times its length that a run must have grown to under the verdict,
SOONER = 1.5  # or so many times where the loss has fallen before, so that nothing is to begin yet
FALLEN = {Status.STALLED.value, Status.DIVERGING.value, Status.OVERFITTING.value}
POINTS = 20  # of the longest series,
ROUNDS = 10  # and of validations, or of epochs where the log counts them;
MANY_BATCHES = 1000  # points that will do without these: each may be one batch of a training that has hardly begun
BATCHES = {Status.DIVERGING.value: 100}
LOST = 3  # losses in a row that are no number
PARTS = 20  # of the run, the last of which must not be the best,
BETTER = 0.02  # by this share of all that the loss has ranged over
"""How long to wait: on the runs of benchmarks/runs, development part, none of the sound ones is stopped; benchmarks/watch.py."""


@dataclass
class Held:
    """Since when an objection has stood: the length of the run in steps, the time, and the looks that saw it."""

    length: float
    since: float
    looks: int = 0


class Patience:
    """Looks at a run again and again, and tells when an objection to it has lasted.

    ``words`` are statuses, codes or severities as in ``--fail-on``; ``hold`` the seconds that an objection must stand at least.
    """

    def __init__(self, words: Iterable[str] = HOPELESS, *, hold: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.policy = Policy.of(words)
        self.hold, self.clock = hold, clock
        self.held: dict[str, Held] = {}
        self.steps = 0.0

    def lasting(self, diagnosis: Diagnosis) -> Objection | None:
        """What is wrong with the run beyond doubt, to be asked whenever it has grown; None while there is hope."""
        run = diagnosis.run
        if run.steps < self.steps:
            self.held.clear()  # the training began anew
        self.steps = run.steps
        standing = list(self.policy.broken_by(diagnosis.status, diagnosis.findings, diagnosis.verdict.summary))
        standing = [each for each in standing if _confidence(each, diagnosis) >= SURE.get(each.rule, SURE_ENOUGH)]
        self.held = {each.rule: self.held.get(each.rule) or Held(_length(run), self.clock()) for each in standing}
        for held in self.held.values():
            held.looks += 1
        return next((each for each in standing if self._lasts(each.rule, run)), None)

    def _lasts(self, rule: str, run: Run) -> bool:
        if rule == Status.NON_FINITE:
            return _is_lost(run)
        held = self.held[rule]
        grown = _length(run) >= (SOONER if rule in FALLEN else GROWTH) * held.length
        lasted = grown and held.looks >= LOOKS and self.clock() - held.since >= self.hold
        return lasted and _is_long(run, rule) and not _is_at_its_best(run, rule)


def _confidence(objection: Objection, diagnosis: Diagnosis) -> float:
    found = [finding.confidence for finding in diagnosis.findings if finding.code == objection.rule]
    return found[0] if found else diagnosis.verdict.confidence


def _length(run: Run) -> float:
    """How many steps the log spans."""
    return run.steps - min((float(curve.step[0]) for curve in run.curves.values() if len(curve)), default=0.0)


def _is_long(run: Run, rule: str) -> bool:
    """Whether the points are enough to give a run up by."""
    val, longest = run.curve("loss", "val"), max(run.series.values(), default=0)
    rounds = max(len(val) if val else 0, int(run.epochs or 0))
    return (longest >= POINTS and rounds >= ROUNDS) or longest >= BATCHES.get(rule, MANY_BATCHES)


def _is_at_its_best(run: Run, rule: str) -> bool:
    """Whether a loss is clearly lower now than ever: a plateau may just have come to its end. Of overfitting the validation loss tells."""
    splits = ("val",) if rule == Status.OVERFITTING else ("train", "val")
    losses = [curve.finite.value for split in splits if (curve := run.curve("loss", split))]
    levels = [[np.median(part) for part in np.array_split(loss, min(PARTS, len(loss) // 3))] for loss in losses if len(loss) >= 2 * 3]
    return any(min(level[:-1]) - level[-1] > BETTER * (max(level) - min(level)) for level in levels)


def _is_lost(run: Run) -> bool:
    """Whether the training loss, or the only one, is no number for good: a single batch may have none and the next one again."""
    loss = run.curve("loss", "train") or run.curve("loss", "val")
    return loss is not None and len(loss) >= LOST and not np.isfinite(loss.value[-LOST:]).any()
