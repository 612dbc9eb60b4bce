"""The test bench: runs trials of patched configs, each once, within a budget of wall-clock time."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from lossdoctor.core.config import ConfigFile
from lossdoctor.core.curve import Curve
from lossdoctor.core.errors import LossDoctorError
from lossdoctor.core.fix import Patch
from lossdoctor.core.run import Run
from lossdoctor.core.trial import Trial
from lossdoctor.lab.fit import Fit, Row, evaluate, fit
from lossdoctor.lab.judge import Judge
from lossdoctor.lab.workload import Workload

NOTHING = Patch()
TIMED_STEPS = 20  # steps that tell how long a training will take
LOOKS = 8  # evaluations in a trial shorter than that many epochs


class OutOfBudget(Exception):
    """The time for trials is used up."""


@dataclass
class Bench:
    """Trials of one config: their results by patch, seed and share of the full training, and what they cost."""

    file: ConfigFile
    workload: Workload
    judge: Judge
    deadline: float = math.inf
    steps: int = 0
    seconds: float = 0.0
    done: dict[tuple[str, int, float], Trial] = field(default_factory=dict)

    @classmethod
    def open(cls, file: ConfigFile, workload: Workload) -> Bench:
        """A bench with the judge that fits the workload."""
        first = evaluate(workload, workload.build(workload.config.training.seed))
        return cls(file, workload, Judge.for_workload(workload, first))

    def tempo(self) -> float:
        """Seconds per training step, with the number of threads that turned out faster: one beats many on small models."""
        seed, most = self.workload.config.training.seed, torch.get_num_threads()
        steps = min(TIMED_STEPS, self.workload.steps)
        fit(self.workload, seed, 1, 1)  # the first step of a process loads and compiles
        took = {}
        for threads in sorted({1, most}):
            torch.set_num_threads(threads)
            begin = time.monotonic()
            self.steps += fit(self.workload, seed, steps, steps).steps
            took[threads] = (time.monotonic() - begin) / steps
        fastest = min(took, key=lambda threads: took[threads] * (1.0 if threads == 1 else 1.1))
        torch.set_num_threads(fastest)
        return took[fastest]

    def trial(self, patch: Patch, seed: int, share: float = 1.0) -> Trial:
        """Train ``share`` of the patched config's own length; what goes wrong is recorded in the trial, not raised.

        Raises OutOfBudget where the deadline has passed before or passes on the way.
        """
        key = (json.dumps(patch.changes, sort_keys=True, default=str), seed, share)
        if key not in self.done:
            if time.monotonic() > self.deadline:
                raise OutOfBudget
            self.done[key] = self._run(patch, seed, share)
        return self.done[key]

    def _run(self, patch: Patch, seed: int, share: float) -> Trial:
        begin = time.monotonic()
        rows: list[Row] = []
        error: str | None = None
        try:
            workload = self.workload.patched(self.file.patched(patch))
            steps, every = lengths(workload, share)
            result = fit(workload, seed, steps, every, on_row=lambda row: self._late(rows, row))
            error = "the weights became non-finite" if result.blew_up else None
            self._check_time(result, steps)
        except LossDoctorError as fault:
            if patch is NOTHING:
                raise
            error = str(fault)
        except ValidationError as fault:
            error = f"the patched config is not valid: {fault.errors()[0]['msg']}"
        except torch.OutOfMemoryError:
            error = "out of memory"
        finally:
            self.steps += int(rows[-1]["step"]) if rows else 0
            self.seconds += time.monotonic() - begin
        value = self.judge.value(rows[-1]) if rows else math.inf
        return Trial(seed, math.inf if error else value, int(rows[-1]["step"]) if rows else 0, as_run(rows, self.file), error)

    def _late(self, rows: list[Row], row: Row) -> bool:
        rows.append(row)
        return time.monotonic() > self.deadline

    def _check_time(self, result: Fit, steps: int) -> None:
        """A trial that was cut short by the deadline says nothing."""
        stopped_early = result.steps < steps and not result.blew_up
        if stopped_early and time.monotonic() > self.deadline:
            raise OutOfBudget


def lengths(workload: Workload, share: float) -> tuple[int, int]:
    """How many steps a share of the full training is, and after how many to evaluate."""
    steps = max(1, math.ceil(share * workload.steps))
    return steps, min(workload.steps_per_epoch, max(1, steps // LOOKS))


def as_run(rows: list[Row], file: ConfigFile) -> Run:
    """A trial's rows as a run that the checks of logs can read."""
    step = np.array([row["step"] for row in rows], dtype=np.float64)
    epoch = np.array([row["epoch"] for row in rows], dtype=np.float64)
    curves = {}
    for name in rows[0] if rows else ():
        if name in ("step", "epoch"):
            continue
        split, _, metric = name.partition("_") if name.startswith(("train_", "val_")) else ("", "", name)
        values = np.array([row.get(name, np.nan) for row in rows], dtype=np.float64)
        curves[name] = Curve(metric, split, step, values, epoch)
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
