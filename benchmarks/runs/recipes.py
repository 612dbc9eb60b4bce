"""How each run is trained and logged: which task, which settings, which single fault, and what its log shows.

All of it follows from the number of the run, so that any run can be made again alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .tasks import DEVELOPMENT, ONCE_TEST, TEST, Task

RUNS = 1160
FIRST_TEST = 600  # the runs before it are for development
FIRST_RARE = 1000  # from here on what is rare before: the even ones for development, the odd ones for the test


@dataclass(frozen=True)
class Log:
    """What the log shows: rows, whether a row is a mean since the last, every how many rows validation, and which columns."""

    rows: int
    averaged: bool
    val_every: int
    val_size: int
    columns: frozenset[str]


@dataclass(frozen=True)
class Recipe:
    """One training. ``families`` are the families that a right diagnosis may name; empty for a sound run."""

    number: int
    task: str
    fault: str
    families: tuple[str, ...]
    optimizer: str
    lr: float
    schedule: str
    steps: int
    batch: int
    log: Log
    knobs: dict[str, Any] = field(default_factory=dict)
    weight_decay: float = 0.0
    examples: int | None = None
    wrong_labels: float = 0.0
    momentum: float = 0.0  # where it is other than 0.9
    shuffle: bool = True
    input_scale: float = 1.0  # spread of the scales of the features; 1 is none
    target_scale: float = 1.0
    minority: float = 0.0  # share of the classes other than the first; 0 leaves the classes as they are
    init_scale: float = 1.0
    hidden_bias: float = 0.0
    output: str = ""
    frozen: str = ""
    breaks_at: float = 0.0  # share of the run where the loss turns to NaN
    kick_at: float = 0.0  # share of the run where the weights are thrown off
    warm_start: bool = False
    clip: float = 0.0


Fault = Callable[[Recipe, Task, np.random.Generator], Recipe]


def _rate(low: float, high: float) -> Fault:
    return lambda r, task, rng: replace(r, lr=r.lr * _log_uniform(rng, low, high), schedule="constant")


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _knobs(r: Recipe, **knobs: Any) -> Recipe:
    return replace(r, knobs={**r.knobs, **knobs})


def _set(**changes: Any) -> Fault:
    return lambda r, task, rng: replace(r, **changes)


# name: (families that are right, how many in a hundred runs, for which kinds of task, the change)
ALL = frozenset({"tabular", "image", "regression", "sequence", "language", "reinforcement"})
LABELLED = frozenset({"tabular", "image", "sequence"})
PLAIN = ALL - {"reinforcement"}
FLAT = frozenset({"tabular", "image", "regression"})
FAULTS: dict[str, tuple[tuple[str, ...], float, frozenset[str], Fault]] = {
    "sound": ((), 17, ALL, lambda r, task, rng: r),
    "recovers": ((), 3, PLAIN, lambda r, task, rng: replace(r, kick_at=rng.uniform(0.3, 0.6))),
    "staircase": ((), 3, ALL, lambda r, task, rng: replace(r, schedule="steps", lr=r.lr * rng.uniform(1, 3))),
    "restarts": ((), 2.5, ALL, _set(schedule="restarts")),
    "late_start": ((), 3, FLAT | {"sequence"}, lambda r, task, rng: replace(_knobs(r, depth=4), init_scale=rng.uniform(0.3, 0.55))),
    "small_batches": ((), 3, PLAIN, lambda r, task, rng: replace(r, batch=int(rng.choice([4, 6])), lr=0.4 * r.lr)),
    "tiny_validation": ((), 2.5, PLAIN, lambda r, task, rng: replace(r, log=replace(r.log, val_size=20, columns=r.log.columns | {"val"}))),
    "warm_start": ((), 3.5, PLAIN, lambda r, task, rng: replace(r, warm_start=True, lr=0.2 * r.lr)),
    "few_points": ((), 1, ALL, lambda r, task, rng: replace(r, log=replace(r.log, rows=int(rng.integers(2, 5)), val_every=1))),
    "lr_high": (("learning_rate",), 7, ALL, _rate(15, 300)),
    "lr_low": (("learning_rate",), 6, ALL, _rate(3e-4, 6e-3)),
    "lr_decayed_early": (("learning_rate",), 4, ALL, _set(schedule="early_decay")),
    "lr_never_stops_rising": (("learning_rate",), 2, PLAIN, lambda r, task, rng: replace(r, lr=r.lr * rng.uniform(50, 300), schedule="rising")),
    "few_examples": (("early_stopping", "regularization", "augmentation"), 5, PLAIN, lambda r, task, rng: replace(r, examples=int(rng.integers(24, 120)))),
    "wrong_labels": (("early_stopping", "regularization", "labels"), 3, LABELLED, lambda r, task, rng: replace(_knobs(r, width=96), wrong_labels=rng.uniform(0.3, 0.6), examples=500)),
    "random_labels": (("labels",), 1.5, PLAIN, _set(wrong_labels=1.0)),
    "unshuffled": (("preprocessing",), 2.5, FLAT, _set(shuffle=False)),
    "input_scale": (("preprocessing",), 2.5, FLAT, lambda r, task, rng: replace(r, input_scale=_log_uniform(rng, 50, 1000))),
    "target_scale": (("preprocessing",), 2, frozenset({"regression"}), lambda r, task, rng: replace(r, target_scale=_log_uniform(rng, 100, 3000))),
    "imbalance": (("class_imbalance",), 3, frozenset({"tabular", "image"}), lambda r, task, rng: replace(r, minority=rng.uniform(0.02, 0.06), lr=0.3 * r.lr)),
    "tiny_net": (("capacity",), 3, PLAIN, lambda r, task, rng: _knobs(r, width=1, depth=1)),
    "dropout": (("dropout",), 3, PLAIN, lambda r, task, rng: _knobs(r, dropout=rng.uniform(0.88, 0.98))),
    "weight_decay": (("regularization",), 3, ALL, lambda r, task, rng: replace(r, weight_decay=rng.uniform(0.15, 1.0) * (30 if "w" in r.optimizer else 1), log=r.log)),
    "saturated": (("activation", "initialization", "gradient"), 2.5, frozenset({"tabular", "regression"}), lambda r, task, rng: _knobs(r, activation="sigmoid", depth=6, norm=False)),
    "dead_units": (("activation", "initialization"), 2.5, FLAT, lambda r, task, rng: replace(_knobs(r, activation="relu", norm=False), hidden_bias=-rng.uniform(5, 20))),
    "large_weights": (("initialization",), 2.5, PLAIN, lambda r, task, rng: replace(r, init_scale=rng.uniform(8, 30))),
    "zero_weights": (("initialization",), 1.5, FLAT, lambda r, task, rng: replace(_knobs(r, norm=False), init_scale=0.0)),
    "softmax_twice": (("loss_function",), 3, LABELLED | {"language"}, _set(output="softmax")),
    "relu_output": (("loss_function",), 1.5, PLAIN, _set(output="relu")),
    "frozen": (("frozen_parameters",), 2.5, PLAIN, _set(frozen="all")),
    "frozen_body": (("frozen_parameters",), 1.5, LABELLED, _set(frozen="body")),
    "batch_of_one": (("batch_size", "learning_rate"), 2.5, PLAIN, lambda r, task, rng: replace(r, batch=int(rng.choice([1, 2])), lr=2 * r.lr, schedule="constant")),
    "nan": (("numerics",), 2.5, PLAIN, lambda r, task, rng: replace(r, breaks_at=rng.uniform(0.1, 0.9))),
    "exploding": (("gradient", "learning_rate", "numerics", "initialization"), 2.5, frozenset({"regression", "sequence", "language"}), lambda r, task, rng: replace(r, optimizer="sgd", lr=task.sgd * rng.uniform(20, 100), init_scale=rng.uniform(1.5, 3), schedule="constant")),
}  # fmt: skip
RARE: dict[str, tuple[tuple[str, ...], float, frozenset[str], Fault]] = {
    "double_descent": ((), 3, frozenset({"layered"}), lambda r, task, rng: replace(r, optimizer=str(rng.choice(["sgd", "momentum"])), lr=task.sgd * (5 if r.optimizer == "sgd" else 1), schedule="constant", log=replace(r.log, columns=r.log.columns | {"val"}))),
    "heavy_momentum": (("learning_rate", "optimizer"), 3, PLAIN, lambda r, task, rng: replace(r, optimizer="momentum", momentum=float(rng.choice([0.98, 0.99, 0.995])), lr=task.sgd * rng.uniform(0.5, 2), schedule="constant")),
    "edge_of_stability": (("learning_rate",), 3, PLAIN, lambda r, task, rng: replace(r, optimizer=str(rng.choice(["sgd", "momentum"])), lr=task.sgd * rng.uniform(4, 15), schedule="constant", log=replace(r.log, averaged=False))),
    "late_divergence": (("learning_rate",), 3, PLAIN, lambda r, task, rng: replace(r, lr=r.lr * rng.uniform(8, 60), schedule="rising")),
    "unshuffled_fast": (("preprocessing", "learning_rate"), 2, FLAT, lambda r, task, rng: replace(r, shuffle=False, lr=2 * r.lr, schedule="constant")),
    "sound": ((), 2, ALL, lambda r, task, rng: r),
}  # fmt: skip


def recipe(number: int, *, sound: bool = False) -> Recipe:
    """The recipe of one run; ``sound`` gives its twin, the same without the fault."""
    rng = np.random.default_rng([20, number])
    faults = FAULTS if number < FIRST_RARE else RARE
    names = list(faults)
    weights = np.array([faults[name][1] for name in names])
    # every fault in its share of each part: the number walks through the faults at golden-ratio steps
    walked = number if FIRST_TEST <= number < FIRST_RARE else number // 2
    place = np.searchsorted(weights.cumsum() / weights.sum(), (walked * 0.6180339887498949) % 1.0)
    fault = names[int(place)]
    families, _, kinds, change = faults[fault]
    tasks = [task for task in _tasks(number) if task.kind in kinds]
    task = tasks[int(rng.integers(len(tasks)))]
    optimizer = str(rng.choice(["sgd", "momentum", "adam", "adam", "adamw"]))
    rate = {"sgd": 5 * task.sgd, "momentum": task.sgd}.get(optimizer, task.rate)
    schedule = str(rng.choice(["constant", "constant", "cosine", "steps", "exponential", "one_cycle", "warmup_cosine"]))
    steps = int(task.steps * rng.choice([0.5, 1.0, 1.0, 1.6]))
    plain = Recipe(
        number, task.name, fault, families, optimizer, rate * float(rng.uniform(0.5, 1.5)), schedule, steps, task.batch, _log(rng, steps)
    )
    return replace(plain, fault="sound", families=()) if sound else change(plain, task, rng)


def _tasks(number: int) -> tuple[Task, ...]:
    """The tasks that a run may have: the two halves of the development part take turns."""
    if FIRST_TEST <= number < FIRST_RARE or (number >= FIRST_RARE and number % 2):
        return TEST
    if number >= FIRST_RARE:
        return (*DEVELOPMENT, *ONCE_TEST)
    return ONCE_TEST if number % 2 else DEVELOPMENT


def _log(rng: np.random.Generator, steps: int) -> Log:
    rows = min(int(rng.choice([15, 25, 40, 80, 150, 400])), steps)
    columns = {
        name
        for name, share in (("val", 0.75), ("accuracy", 0.6), ("balanced", 0.2), ("lr", 0.5), ("grad_norm", 0.35))
        if rng.random() < share
    }
    val_every = 1 if rows <= 80 else max(1, rows // int(rng.choice([8, 12, 20, 40])))
    return Log(rows, bool(rng.random() < (0.8 if rows <= 80 else 0.3)), val_every, 500, frozenset(columns))
