"""The test bench: trials of patched configs, each training done once and no further than asked, within a budget."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import ValidationError

from lossdoctor.core.config import Config, ConfigFile
from lossdoctor.core.curve import Curve
from lossdoctor.core.errors import LossDoctorError, UserCodeError
from lossdoctor.core.fix import Patch
from lossdoctor.core.run import Run
from lossdoctor.core.trial import Trial
from lossdoctor.lab.executor import Executor, InProcess, Job, Outcome
from lossdoctor.lab.fit import SAMPLE, Row, evaluate
from lossdoctor.lab.journal import Journal
from lossdoctor.lab.judge import Judge
from lossdoctor.lab.workload import Workload

NOTHING = Patch()
STOPPING = "training.early_stopping"
LOOKS = 128  # evaluations in a full training, fewer where they would take longer than the training


class OutOfBudget(Exception):
    """The steps or the time for trials are used up."""


@dataclass(frozen=True)
class Plan:
    """A training to be done: a job, how much of it is known, and what the rest costs in full trainings of the untouched config."""

    job: Job
    config: Config
    known: int
    cost: float


@dataclass
class Bench:
    """Trials of one config and what they cost, in full trainings of the untouched config.

    A trial asked for at a larger share goes on where the smaller one ended. ``every`` is after how many steps of the
    untouched config a training is evaluated. Early stopping is not trained but read off the same training without it.
    """

    file: ConfigFile
    workload: Workload
    judge: Judge
    executor: Executor
    every: int
    journal: Journal | None = None
    limit: float = math.inf
    deadline: float = math.inf
    spent: float = 0.0
    steps: int = 0
    done: dict[str, Outcome] = field(default_factory=dict)
    logs: dict[str, tuple[Patch, int, list[Row], str | None]] = field(default_factory=dict)

    @classmethod
    def open(
        cls, file: ConfigFile, workload: Workload, executor: Executor | None = None, looks: int = LOOKS, journal: Journal | None = None
    ) -> Bench:
        """A bench with the judge that fits the workload; a full training is looked at about ``looks`` times."""
        executor = executor or InProcess(file.values, workload)
        first = evaluate(workload, workload.build(workload.config.training.seed), SAMPLE)
        looked_at = min(len(workload.val), SAMPLE)
        busy = math.ceil(looked_at / (4 * workload.config.training.batch_size))  # evaluating must not cost more than training
        every = min(workload.steps_per_epoch, max(workload.steps // looks, busy, 1))
        return cls(file, workload, Judge.for_workload(workload, first), executor, every, journal)

    def trial(self, patch: Patch, seed: int, share: float = 1.0) -> Trial:
        """Train ``share`` of the patched config's own length; what goes wrong is recorded in the trial, not raised.

        Raises OutOfBudget where the rest of the training costs more than is left, or the deadline passes.
        """
        try:
            plan = self._plan(patch, seed, share)
        except (LossDoctorError, ValidationError) as fault:
            return Trial(seed, math.inf, 0, as_run([], self.file), _sentence(fault))
        self._run([plan])
        return self._read(patch, plan)

    def prepare(self, wanted: Iterable[tuple[Patch, int]], share: float) -> None:
        """Do several trainings at once, as many as the executor is wide; what is left of the budget is enough for all or none is done."""
        plans = []
        for patch, seed in wanted:
            try:
                plans.append(self._plan(patch, seed, share))
            except (LossDoctorError, ValidationError):
                continue
        self._run(plans)

    def cost(self, patch: Patch, seed: int, share: float) -> float:
        """What a trial would cost, over what is done already."""
        try:
            return self._plan(patch, seed, share).cost
        except (LossDoctorError, ValidationError):
            return 0.0

    def _plan(self, patch: Patch, seed: int, share: float) -> Plan:
        config = self.file.patched(patch)
        workload = self.workload.patched(config)
        every = max(1, round(self.every * workload.steps / self.workload.steps))
        looks = max(1, math.ceil(share * workload.steps / every - 1e-9))
        changes = {key: value for key, value in patch.changes.items() if key != STOPPING}
        job = Job(
            changes | ({STOPPING: None} if self.file.config.training.early_stopping else {}),
            seed,
            min(looks * every, workload.steps),
            every,
            workload.steps,
        )
        known = self.done.get(job.key)
        rows = known.rows if known else []
        until = int(rows[-1]["step"]) if rows else 0
        ended = known is not None and (known.error is not None or _stop(rows, config, workload, every) is not None)
        missing = 0 if ended else max(job.until - until, 0)
        relative = config.training.epochs / self.workload.config.training.epochs
        return Plan(job, config, until, missing / workload.steps * relative)

    def _run(self, plans: Sequence[Plan]) -> None:
        """Do what is missing of the plans."""
        missing = {plan.job.key: plan for plan in plans if plan.cost > 0}
        if not missing:
            return
        if self.spent + sum(plan.cost for plan in missing.values()) > self.limit + 1e-9 or time.monotonic() > self.deadline:
            raise OutOfBudget
        if len(missing) == 1 or self.executor.width == 1:
            for plan in missing.values():
                self._take(plan, self._outcome(plan))
            return
        pool = ThreadPoolExecutor(self.executor.width)
        try:
            for plan, outcome in zip(missing.values(), pool.map(self._outcome, missing.values()), strict=True):
                self._take(plan, outcome)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _outcome(self, plan: Plan) -> Outcome:
        key, job = plan.job.key, plan.job
        if self.journal and (written := self.journal.known.get(key)) and written[0] >= job.until:
            rows = [row for row in written[1].rows if row["step"] <= job.until]
            ended = written[1].rows[-1:] == rows[-1:]
            return Outcome(rows, job.until - plan.known, written[1].error if ended else None, at_once=written[1].at_once)
        seconds = max(self.deadline - time.monotonic(), 0.0)
        return self.executor.run(Job(job.changes, job.seed, job.until, job.every, job.steps, seconds))

    def _take(self, plan: Plan, outcome: Outcome) -> None:
        """Keep what came of a plan, and what it cost."""
        self.steps += outcome.taken
        reached = outcome.rows[-1]["step"] if outcome.rows else 0
        self.spent += plan.cost * max(reached - plan.known, 0) / (plan.job.until - plan.known)
        self.done[plan.job.key] = outcome
        if outcome.late:
            raise OutOfBudget
        if self.journal:
            self.journal.add(plan.job, outcome)

    def _read(self, patch: Patch, plan: Plan) -> Trial:
        """The trial of what is known of a training, up to the step that was asked for."""
        outcome = self.done[plan.job.key]
        rows = [row for row in outcome.rows if row["step"] <= plan.job.until]
        error = outcome.error if len(rows) == len(outcome.rows) else None
        if error and patch is NOTHING and not rows:
            raise UserCodeError(f"{self.file.path}: the training of the config as it is fails: {error}")
        stop = _stop(rows, plan.config, self.workload.patched(plan.config), plan.job.every)
        if plan.config.training.early_stopping and rows:
            rows = _restored(rows[: stop or len(rows)])
        key = f"{plan.job.key}{plan.config.training.early_stopping}"
        if key not in self.logs or len(self.logs[key][2]) <= len(rows):
            self.logs[key] = patch, plan.job.seed, rows, error
        value = math.inf if error or not rows else self.judge.value(rows[-1])
        return Trial(plan.job.seed, value, int(rows[-1]["step"]) if rows else 0, as_run(rows, self.file), error)


def _stop(rows: Sequence[Row], config: Config, workload: Workload, every: int) -> int | None:
    """How many of the rows early stopping would have let come about; None where it would not have stopped yet."""
    if config.training.early_stopping is None:
        return None
    looks, best, waited = config.training.early_stopping.patience * workload.steps_per_epoch / every, math.inf, 0
    for place, row in enumerate(rows):
        best, waited = (row["val_loss"], 0) if row["val_loss"] < best else (best, waited + 1)
        if waited >= looks:
            return place + 1
    return None


def _restored(rows: list[Row]) -> list[Row]:
    """The rows with the best weights put back at the end, as early stopping does."""
    best = min(rows, key=lambda row: row["val_loss"] if math.isfinite(row["val_loss"]) else math.inf)
    return [*rows[:-1], rows[-1] | {name: value for name, value in best.items() if name.startswith("val_")}]


def _sentence(fault: Exception) -> str:
    return f"the patched config is not valid: {fault.errors()[0]['msg']}" if isinstance(fault, ValidationError) else str(fault)


def as_run(rows: list[Row], file: ConfigFile) -> Run:
    """A trial's rows as a run that the checks of logs can read."""
    step = np.array([row["step"] for row in rows], dtype=np.float64)
    epoch = np.array([row["epoch"] for row in rows], dtype=np.float64)
    curves = {}
    for name in rows[0] if rows else ():
        if name in ("step", "epoch"):
            continue
        values = np.array([row.get(name, np.nan) for row in rows], dtype=np.float64)
        curves[name] = Curve.of(name, step, values, epoch)
    return Run(curves, str(file.path), "lossdoctor", settings=flatten(file.values))


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
