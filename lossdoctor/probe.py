"""Config -> proof: examine data, model and a baseline training, try the fixes that follow, prescribe what is proved."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lossdoctor import examine
from lossdoctor.core import discover
from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.config import ConfigFile, load, seconds
from lossdoctor.core.diagnosis import Examination, Status
from lossdoctor.core.errors import UserCodeError
from lossdoctor.core.fix import Settings
from lossdoctor.core.signals import Signals
from lossdoctor.core.trial import Cost, Proof

EXPLORE = 0.75  # share of the budget after which no new candidate is tried, so that the best can be verified
TRIALS = 8  # full trainings that a search cannot do without, about: a longer training is cut so that they fit the budget

OVERFITTED = 0.1  # of the loss of a constant guess: a batch learned by heart

if TYPE_CHECKING:
    from lossdoctor.lab.bench import Bench
    from lossdoctor.lab.workload import Workload

Progress = Callable[..., None]


def probe(
    config: str | Path,
    *,
    examine_only: bool = False,
    fixed: str | Path | None = None,
    budget: float | str | None = None,
    device: str | None = None,
    seeds: int | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    thresholds: Mapping[str, float] | None = None,
    overfit: bool = False,
    progress: Progress = lambda *_: None,
) -> Proof:
    """Examine the config's model and data and, unless ``examine_only``, prove a fix by paired trials.

    With ``overfit``, the proof says where the model cannot learn one batch by heart. ``budget`` is wall clock, in seconds or as
    ``2m``. A prescription is written to ``fixed``, by default the config's name with ``.fixed.yaml``. An interrupt ends the
    search; what is known by then is returned with ``interrupted`` set.
    """
    begin = time.monotonic()
    file = load(config)
    from lossdoctor.lab.bench import Bench
    from lossdoctor.lab.workload import Workload

    progress("loading the data")
    workload = Workload.load(file, device)
    allowed = seconds(budget) if budget else file.config.probe.budget
    checks = examine.tuned(examine.select(discover.checks(), select, ignore), thresholds or {})
    proof = Proof(file.path, str(workload.device), Status.TOO_SHORT, Examination())
    try:
        bench = Bench.open(file, workload)
    except UserCodeError as error:
        failed = ("overfit: cannot be told: the loss cannot be computed",) if overfit else ()
        return _unrunnable(replace(proof, failed=failed), workload, checks, error)
    try:
        share = _affordable(bench, allowed, progress)
        proof = _examined(proof, bench, checks, share, overfit, progress)
        if not examine_only:
            proof = _searched(proof, bench, share, begin + allowed, seeds, progress)
    except KeyboardInterrupt:
        proof = replace(proof, interrupted=True)
    if proof.prescription:
        proof = _written(proof, file, Path(fixed) if fixed else file.path.with_suffix(".fixed.yaml"))
    cost = Cost(time.monotonic() - begin, bench.steps, bench.steps / workload.steps)
    return replace(proof, cost=cost)


def _unrunnable(proof: Proof, workload: Workload, checks: Sequence[Check], error: UserCodeError) -> Proof:
    """The proof where no loss can be computed, if the examination names the reason; else raises what the training ran into."""
    outcome = examine.examine(checks, Signals(discover.signals(), workload=workload))
    if not any(finding.severity is Severity.ERROR for finding in outcome.findings):
        raise error
    return replace(proof, examination=outcome, advice=tuple(finding.message for finding in outcome.findings if _needs_hands(finding)))


def _affordable(bench: Bench, budget: float, progress: Progress) -> float:
    """The share of a full training that the budget allows a trial to take, from the time of a few steps."""
    progress("timing a few steps")
    whole = bench.tempo() * bench.workload.steps
    return min(1.0, budget * EXPLORE / (TRIALS * whole))


def _examined(proof: Proof, bench: Bench, checks: Sequence[Check], share: float, overfit: bool, progress: Progress) -> Proof:
    """The proof with the baseline's status and all findings, from the log of one training and the examination."""
    from lossdoctor.lab.bench import NOTHING

    progress("training the config as it is")
    run = bench.trial(NOTHING, bench.workload.config.training.seed, share).run
    progress("examining data, model and gradients")
    signals = Signals(discover.signals(), workload=bench.workload, run=run)
    verdict = signals.get("verdict")
    failed = _not_overfitted(signals) if overfit else ()
    return replace(proof, status=verdict.status, examination=examine.examine(checks, signals), verdict=verdict, failed=failed)


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


def _searched(proof: Proof, bench: Bench, share: float, deadline: float, seeds: int | None, progress: Progress) -> Proof:
    """The proof with the trials and, where one holds, the prescription."""
    from lossdoctor.lab.search import Search, candidates

    training, wanted = bench.workload.config.training, seeds or bench.workload.config.probe.seeds
    settings = Settings(bench.file.values | {"task": bench.workload.task})
    pool = candidates(discover.fixes(), proof.examination.findings, settings, bench.workload.config.probe.families)
    search = Search(bench, range(training.seed, training.seed + wanted), share, progress)
    now = time.monotonic()
    bench.deadline = now + (deadline - now) * EXPLORE
    interrupted = False
    try:
        search.run(pool, deadline)
    except KeyboardInterrupt:
        interrupted = True
    return replace(
        proof,
        baseline=search.baseline(),
        trials=tuple(search.treatments.values()),
        prescription=search.prescription,
        attribution=search.attribution,
        advice=tuple(finding.message for finding in proof.examination.findings if _needs_hands(finding)),
        interrupted=interrupted,
    )


def _needs_hands(finding: Finding) -> bool:
    """Whether no fix exists: labels, leakage and the like are for a person to mend."""
    return not any(finding.code in fix.cures for fix in discover.fixes())


def _written(proof: Proof, file: ConfigFile, target: Path) -> Proof:
    """The proof with its prescription written as a config."""
    assert proof.prescription is not None
    file.write(proof.prescription.patch, target)
    return replace(proof, prescription=replace(proof.prescription, config=target))
