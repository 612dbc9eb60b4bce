"""Searches that look for a fix without a diagnosis, over the same fixes and at the same number of training steps as the probe.

Each tries combinations of up to three patches, trained for an eighth of the config's own length, and keeps the best.
``random``: uniform; ``tpe``: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), where it is installed;
``lr_finder``: the learning rate that torch-lr-finder suggests (Smith 2017), where it is installed, and nothing else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import random
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from lossdoctor.core import discover
from lossdoctor.core.config import ConfigFile, load
from lossdoctor.core.fix import Patch, Settings, merge
from lossdoctor.lab.bench import NOTHING, Bench
from lossdoctor.lab.fit import stream
from lossdoctor.lab.search import LR, Candidate, candidates
from lossdoctor.lab.workload import Workload

SHARE = 1 / 8  # of a full training: what one trial takes
PARTS = 3
SWEEP = 100  # steps of the range test


def searches() -> dict[str, Callable[[Path, float], Patch]]:
    """The searches that can run here: each takes a config and the full trainings it may spend, and gives the best patch."""
    found: dict[str, Callable[[Path, float], Patch]] = {"random": random_search}
    if importlib.util.find_spec("optuna"):
        found["tpe"] = tpe
    if importlib.util.find_spec("torch_lr_finder"):
        found["lr_finder"] = lr_finder
    return found


def random_search(config: Path, cost: float) -> Patch:
    """Uniform over combinations of up to three patches."""
    file, bench, pool = _bench(config)
    draw = random.Random(0)
    met: list[tuple[float, Patch]] = []
    while bench.spent + SHARE <= max(cost, 2 * SHARE):
        patch = _merged(draw.sample(pool, draw.randint(1, PARTS)), file) if met else NOTHING
        met.append((bench.trial(patch, 0, SHARE).value, patch))
    return min(met, key=lambda pair: pair[0])[1]


def tpe(config: Path, cost: float) -> Patch:
    """Optuna's default sampler over which patch of which fix to make, if any."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file, bench, pool = _bench(config)
    by_fix: dict[str, list[Candidate]] = {}
    for candidate in pool:
        by_fix.setdefault(candidate.fix.code, []).append(candidate)
    met: list[tuple[float, Patch]] = [(bench.trial(NOTHING, 0, SHARE).value, NOTHING)]

    def objective(trial: optuna.Trial) -> float:
        slots = [trial.suggest_categorical(f"fix {slot}", ["", *by_fix]) for slot in range(PARTS)]
        parts = [by_fix[code][trial.suggest_int(f"patch of {code}", 0, len(by_fix[code]) - 1)] for code in dict.fromkeys(slots) if code]
        patch = _merged(parts, file)
        value = bench.trial(patch, 0, SHARE).value
        met.append((value, patch))
        return value if math.isfinite(value) else 1e9

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.enqueue_trial({f"fix {slot}": "" for slot in range(PARTS)})
    while bench.spent + SHARE <= max(cost, 2 * SHARE) and len(met) < 1000:
        study.optimize(objective, n_trials=1)
    return min(met, key=lambda pair: pair[0])[1]


def lr_finder(config: Path, cost: float) -> Patch:
    """The rate of steepest descent in one sweep."""
    from torch_lr_finder import LRFinder

    workload = Workload.load(load(config))
    model = workload.build(0)
    optimizer = workload.optimizer(model)
    for group in optimizer.param_groups:
        group["lr"] = 1e-6
    batches = DataLoader([tuple(batch) for batch in stream(workload, 0, SWEEP)], batch_size=None)  # type: ignore[arg-type]

    def loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return workload.criterion(output, y)

    finder = LRFinder(model, optimizer, loss, device="cpu")
    with contextlib.redirect_stdout(None):
        finder.range_test(batches, end_lr=10, num_iter=SWEEP)
    losses = torch.tensor(finder.history["loss"]).nan_to_num(math.inf)
    if len(losses) < 2:
        return NOTHING
    return Patch({LR: finder.history["lr"][int(torch.gradient(losses)[0].nan_to_num(0.0).argmin())]})


def _bench(config: Path) -> tuple[ConfigFile, Bench, list[Candidate]]:
    file = load(config)
    workload = Workload.load(file)
    settings = Settings(file.values | {"task": workload.task})
    return file, Bench.open(file, workload), candidates(discover.fixes(), (), settings, "all")


def _merged(parts: list[Candidate], file: ConfigFile) -> Patch:
    fitting: list[Candidate] = []
    for part in parts:
        if not any(part.clashes(other) for other in fitting):
            fitting.append(part)
    return merge([part.patch for part in fitting], file.values)
