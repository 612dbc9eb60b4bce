"""Config -> proof: examine data, model and a baseline training, try the fixes that follow, prescribe what is proved."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lossdoctor import examine
from lossdoctor._version import __version__
from lossdoctor.core import discover
from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.config import ConfigFile, load, seconds
from lossdoctor.core.diagnosis import Examination, Status, Verdict
from lossdoctor.core.errors import UsageError, UserCodeError
from lossdoctor.core.fix import EPOCHS, Fix, Settings
from lossdoctor.core.run import Run
from lossdoctor.core.signals import Signals
from lossdoctor.core.trial import Cost, Proof

FLOOR = 1000  # training steps that a search is given at least: where a training is shorter, its cost hardly matters
FLOOR_ILL = 2000  # and where it is ill for sure, so that there is something to find
TIMELY = 0.5  # share of the time that the trials are planned for: evaluating and examining take time too
GLANCE = 10.0  # seconds of training, evaluations included, that an examination alone may take
POINTS = 8  # evaluations in the first look at a training

OVERFITTED = 0.1  # of the loss of a constant guess: a batch learned by heart
SURE = 0.75  # of a finding that voids trials

if TYPE_CHECKING:
    from lossdoctor.lab.bench import Bench
    from lossdoctor.lab.executor import Executor, Pace
    from lossdoctor.lab.search import Candidate, Search
    from lossdoctor.lab.workload import Workload

Progress = Callable[..., None]


def probe(
    config: str | Path,
    *,
    examine_only: bool = False,
    fixed: str | Path | None = None,
    budget: float | str | None = None,
    steps: int | None = None,
    device: str | None = None,
    seeds: int | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    thresholds: Mapping[str, float] | None = None,
    overfit: bool = False,
    log: str | Path | None = None,
    trials: str | Path | None = None,
    resume: bool = True,
    progress: Progress = lambda *_: None,
) -> Proof:
    """Examine the config's model and data and, unless ``examine_only``, prove a fix by paired trials.

    With ``overfit``, the proof says where the model cannot learn one batch by heart. ``budget`` is wall clock, in seconds or as
    ``2m``; ``steps`` the training steps of all trials, by default those of one full training. A prescription is written to
    ``fixed``, by default the config's name with ``.fixed.yaml``. An interrupt ends the search; what is known by then is returned
    with ``interrupted`` set, and with ``resume`` the next probe of the same config, data and code goes on from there.

    ``log`` is the log of a training of this config: what it shows ranks the candidates, and the baseline is trained no
    further than the trials compare. ``trials`` is a folder for the log of every trial, which ``diagnose`` reads.
    """
    begin = time.monotonic()
    file = load(config)
    own = _logged(log) if log else None
    folder = _folder(Path(trials)) if trials else None
    from lossdoctor.lab import isolate
    from lossdoctor.lab.bench import Bench
    from lossdoctor.lab.fit import count_steps
    from lossdoctor.lab.journal import Journal, write_logs
    from lossdoctor.lab.workload import Workload

    deadline = begin + (seconds(budget) if budget else file.config.probe.budget)
    checks = examine.tuned(examine.select(discover.checks(), select, ignore), thresholds or {})
    progress("loading the data")
    executor: Executor = (worker := isolate.start(file, device))
    with count_steps() as examined, contextlib.ExitStack() as end:
        end.callback(lambda: executor.close())
        workload = Workload.load(file, device)
        proof = Proof(file.path, str(workload.device), Status.TOO_SHORT, Examination())
        try:
            asked = steps or file.config.probe.steps
            steps = asked or max(workload.steps, FLOOR)
            executor, pace = isolate.settled(worker, file, workload, steps)
            left = deadline - time.monotonic()
            affordable = _affordable(workload, pace, min(left, GLANCE) if examine_only else left, steps)
            at_most = _affordable(workload, pace, left, asked or max(steps, FLOOR_ILL))
            journal = Journal(file.path, workload, __version__, resume=resume)
            bench = Bench.open(file, workload, executor, _looks(affordable), journal)
        except UserCodeError as error:
            failed = ("overfit: cannot be told: the loss cannot be computed",) if overfit else ()
            return _unrunnable(replace(proof, failed=failed), workload, checks, error)
        bench.deadline = deadline
        proof = replace(proof, resumed=len(journal.known))
        patient = Patient(bench, checks, Signals(discover.signals(), workload=workload), progress, own)
        search = patient.search(affordable, at_most, seeds)
        interrupted = False
        try:
            if overfit:
                proof = replace(proof, failed=_not_overfitted(patient.signals))
            search.look() if examine_only else search.run()
        except KeyboardInterrupt:
            interrupted = True
        if not interrupted and not search.exhausted:
            journal.close()
    if folder:
        write_logs(bench.logs.values(), folder)
    proof = patient.told(proof, search, interrupted=interrupted)
    if proof.prescription:
        proof = _written(proof, file, Path(fixed) if fixed else file.path.with_suffix(".fixed.yaml"))
    cost = Cost(time.monotonic() - begin, bench.steps + pace.steps, bench.spent + pace.steps / workload.steps, examined.steps)
    return replace(proof, cost=cost)


def _unrunnable(proof: Proof, workload: Workload, checks: Sequence[Check], error: UserCodeError) -> Proof:
    """The proof where no loss can be computed, if the examination names the reason; else raises what the training ran into."""
    outcome = examine.examine(checks, Signals(discover.signals(), workload=workload))
    if not any(finding.severity is Severity.ERROR for finding in outcome.findings):
        raise error
    return replace(proof, examination=outcome, advice=_advice(outcome, workload))


def _affordable(workload: Workload, pace: Pace, left: float, steps: int) -> float:
    """The full trainings that all trials may take: as many steps as asked for, as far as time allows.

    The time is rounded, so that a machine that is a little slower today finds the same.
    """
    timely = max(left, 0.0) * TIMELY / max(pace.seconds * workload.steps, 1e-9)
    return max(1 / workload.steps, min(steps / workload.steps, float(f"{timely:.1g}")))


def _looks(budget: float) -> int:
    """Evaluations in a full training, so that the first look at it has its points."""
    from lossdoctor.lab.search import RUNGS

    return math.ceil(POINTS * RUNGS / min(budget, 1.0))


@dataclass
class Patient:
    """A config under examination: what its data and model show, and what the log of its training shows so far.

    ``own`` is the user's log of the whole training, which tells more than the first part of another.
    """

    bench: Bench
    checks: Sequence[Check]
    signals: Signals
    progress: Progress
    own: Run | None = None
    examination: Examination = field(default_factory=Examination)
    verdict: Verdict | None = None
    log: Run | None = None

    def examined(self, run: Run | None, share: float) -> tuple[list[Candidate], bool] | None:
        """The candidates that the findings call for now that ``share`` of the baseline is trained; whether it is ill for sure.

        Without a log of it, because there was no time, data and model are all that is examined. None where a finding voids all trials.
        """
        from lossdoctor.lab.search import candidates

        self.progress("examining data, model and gradients")
        self.log = self.own or run
        if self.log is not None and self.signals.given.get("run") is not self.log:
            self.signals = self.signals.but(run=self.log)
        self.verdict = self.signals.get("verdict") if self.log is not None else None
        self.examination = examine.examine(self.checks, self.signals)
        if self.void:
            return None
        file = self.bench.file
        pool = candidates(discover.fixes(), self.examination.findings, _settings(self.bench.workload), file.config.probe.families)
        if share < 1 and not self.own:  # whether a training is too short is known at its end
            pool = [candidate for candidate in pool if EPOCHS not in candidate.patch.changes]
        passed = set(self.examination.passed)  # a fix for what is known to be in order is the last to try
        ill = self.verdict is not None and self.verdict.status.healthy is False and self.verdict.status is not Status.OVERFITTING
        return sorted(pool, key=lambda c: not c.led and c.fix.cures <= passed), ill

    @property
    def void(self) -> str | None:
        """The code of a finding with which trials would prove nothing."""
        wrong = {check.code for check in self.checks if check.voids}
        return next((f.code for f in self.examination.findings if f.code in wrong and f.confidence >= SURE), None)

    def search(self, budget: float, at_most: float, seeds: int | None) -> Search:
        """The search that asks this patient for candidates, for ``at_most`` full trainings where it is ill."""
        from lossdoctor.lab.search import Search

        config = self.bench.workload.config
        first = config.training.seed
        return Search(self.bench, range(first, first + (seeds or config.probe.seeds)), budget, self.examined, self.progress, at_most)

    def told(self, proof: Proof, search: Search, *, interrupted: bool) -> Proof:
        """The proof with all that is known when the search has ended."""
        return replace(
            proof,
            status=self.verdict.status if self.verdict else proof.status,
            examination=self.examination,
            verdict=self.verdict,
            run=self.log,
            baseline=search.baseline(),
            trials=tuple(search.treatments.values()),
            prescription=search.prescription,
            attribution=search.attribution,
            advice=(*(_advice(self.examination, self.bench.workload) if search.treatments or search.void else ()), *_in_pieces(self.bench)),
            interrupted=interrupted,
            void=self.void if search.void else None,
            unproved=search.unproved(),
        )


def _logged(log: str | Path) -> Run:
    """The run in the user's log."""
    from lossdoctor.read import read

    runs = read(log)
    if len(runs) != 1:
        raise UsageError(f"--log {log}: it holds {len(runs)} runs; give the log of one training of this config")
    return runs[0]


def _folder(folder: Path) -> Path:
    """The folder for the logs of the trials, made where it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--trials {folder}: cannot be made: {error.strerror}") from None
    return folder


def _not_overfitted(signals: Signals) -> tuple[str, ...]:
    """A sentence where the model cannot learn one batch by heart, or where that cannot be told; nothing where it can."""
    one = signals.get("one_batch")
    if one is None:
        return (f"overfit: cannot be told: {signals.reason('one_batch')}",)
    if one.best < OVERFITTED * one.chance:
        return ()
    return (
        f"overfit: after {one.steps} steps on {one.examples} examples the loss is {one.best:.3g}; a constant guess has {one.chance:.3g}",
    )


def _settings(workload: Workload) -> Settings:
    """The config as fixes see it, with the task and the shape of an input as the data tell them."""
    return Settings(workload.config.model_dump() | {"task": workload.task, "inputs": workload.input_shape})


def _advice(examination: Examination, workload: Workload) -> tuple[str, ...]:
    """What no patch can mend: labels, leakage and the like are for a person."""
    fixes, settings = discover.fixes(), _settings(workload)

    def mends(fix: Fix, finding: Finding) -> bool:
        return finding.code in fix.cures and any(patch.changes for patch in fix.propose(settings, finding))

    return tuple(finding.message for finding in examination.findings if not any(mends(fix, finding) for fix in fixes))


def _in_pieces(bench: Bench) -> tuple[str, ...]:
    """A sentence where memory did not do for whole batches."""
    pieces = [outcome.at_once for outcome in bench.done.values() if outcome.at_once]
    if not pieces:
        return ()
    return (
        f"{len(pieces)} of {len(bench.done)} trainings ran out of memory and went on with batches in pieces of at most "
        f"{min(pieces)} examples, whose gradients add up to the batch's; "
        "in code of your own, a smaller training.batch_size with training.accumulate does the same.",
    )


def _written(proof: Proof, file: ConfigFile, target: Path) -> Proof:
    """The proof with its prescription written as a config."""
    assert proof.prescription is not None
    file.write(proof.prescription.patch, target)
    return replace(proof, prescription=replace(proof.prescription, config=target))
