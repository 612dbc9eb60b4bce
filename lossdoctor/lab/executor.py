"""Where trials run: what a job asks for, what comes of it, and the executor that runs jobs in this process."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap

from lossdoctor.core.config import Config, ConfigFile
from lossdoctor.core.errors import LossDoctorError
from lossdoctor.core.fix import Patch
from lossdoctor.lab.fit import SAMPLE, Row, Training
from lossdoctor.lab.memory import out_of_memory
from lossdoctor.lab.workload import Workload

KEPT = 2**30  # bytes of weights, gradients and optimizer states of trainings that are kept to be taken up again
COPIES = 4  # of the weights in a training: themselves, their gradient, two moments of Adam
TIMED_STEPS = 5  # steps that tell how long a training will take

Listener = Callable[[Row], None]


@dataclass(frozen=True)
class Job:
    """Train a patched config with a seed until step ``until``, evaluated after each ``every``; give up after ``seconds``.

    ``steps`` is the length of the whole training, of which this is the beginning. Where data are few, each seed but the config's
    own holds out other examples; see :meth:`Workload.fold`.
    """

    changes: Mapping[str, Any]
    seed: int
    until: int
    every: int
    steps: int
    seconds: float = math.inf

    @property
    def key(self) -> str:
        """What tells trainings apart, whatever their length."""
        return json.dumps([self.changes, self.seed, self.every], sort_keys=True, default=str)


@dataclass
class Outcome:
    """All rows of a training so far, the steps taken for this job, and why it did not get to the end; ``late`` if for lack of time.

    ``at_once`` are the most examples that memory let go through the model together, where those were fewer than a batch.
    """

    rows: list[Row] = field(default_factory=list)
    taken: int = 0
    error: str | None = None
    late: bool = False
    at_once: int | None = None


class Executor(Protocol):
    """Runs jobs; what goes wrong in one is in its outcome, never raised."""

    @property
    def width(self) -> int:
        """How many jobs run at once."""

    def tempo(self) -> Pace:
        """Seconds for a step of the untouched config."""

    def run(self, job: Job) -> Outcome:
        """May be called from ``width`` threads at once."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Pace:
    """Seconds for a training step with the number of threads that turned out faster; ``steps`` were taken to tell."""

    seconds: float
    threads: int
    steps: int
    error: str | None = None


class InProcess:
    """Runs jobs one after another in this process, and keeps trainings so that a longer job goes on where a shorter ended."""

    width = 1

    def __init__(self, values: Mapping[str, Any], workload: Workload) -> None:
        self.values, self.workload = values, workload
        self.kept: dict[str, Training] = {}

    def tempo(self) -> Pace:
        """One thread beats many on small models."""
        steps = min(TIMED_STEPS, self.workload.steps)
        took: dict[int, float] = {}
        seed, total = self.workload.config.training.seed, 0
        for threads in sorted({1, torch.get_num_threads()}):
            torch.set_num_threads(threads)
            training = Training(self.workload, seed, steps + 1, steps + 1, sample=SAMPLE)
            training.advance(1)  # the first step of a process loads and compiles
            begin = time.perf_counter()
            training.advance(steps)
            took[threads] = (time.perf_counter() - begin) / max(steps - 1, 1)
            total += training.taken
        fastest = min(took, key=lambda threads: took[threads] * (1.0 if threads == 1 else 1.1))
        torch.set_num_threads(fastest)
        return Pace(took[fastest], fastest, total)

    def run(self, job: Job, listen: Listener | None = None) -> Outcome:
        outcome = Outcome()
        begin = time.monotonic()

        def on_row(row: Row) -> bool:
            if listen:
                listen(row)
            return time.monotonic() - begin > job.seconds

        try:
            training = self.kept.pop(job.key, None) or self._fresh(job)
            before = training.taken
            try:
                training.run(job.until, on_row)
            finally:
                outcome.taken, outcome.rows = training.taken - before, training.result.rows
            outcome.at_once = training.at_once if training.at_once < training.workload.config.training.batch_size else None
            outcome.late = training.taken < job.until and not training.done
            outcome.error = "the weights became non-finite" if training.result.blew_up else None
            self._keep(job.key, training)
        except LossDoctorError as fault:
            outcome.error = "out of memory" if out_of_memory(fault) else str(fault)
        except ValidationError as fault:
            outcome.error = f"the patched config is not valid: {fault.errors()[0]['msg']}"
        except (Exception, SystemExit) as fault:
            said = f"{type(fault).__name__}: {(str(fault).strip() or 'no message').splitlines()[0]}"
            outcome.error = "out of memory" if out_of_memory(fault) else said
        return outcome

    def close(self) -> None:
        self.kept.clear()

    def _fresh(self, job: Job) -> Training:
        config = Config.model_validate(Patch(job.changes).apply(self.values))
        fold = self.workload.fold(job.seed - self.workload.config.training.seed)
        return Training(fold.patched(config), job.seed, job.steps, job.every, sample=SAMPLE)

    def _keep(self, key: str, training: Training) -> None:
        """Keep a training, and let go of those that have waited longest where there are too many."""
        self.kept[key] = training
        while len(self.kept) > 1 and sum(map(_size, self.kept.values())) > KEPT:
            del self.kept[next(iter(self.kept))]


def _size(training: Training) -> int:
    return COPIES * sum(p.numel() * p.element_size() for p in training.result.model.parameters())


def workload_of(values: Mapping[str, Any], path: str, device: str) -> Workload:
    """The workload of a config that is given as values: as in the process that read it from ``path``."""
    return Workload.load(ConfigFile(Path(path), CommentedMap(), Config.model_validate(values)), device)


def as_json(job: Job) -> str:
    return json.dumps(asdict(job), default=str)
