"""Workloads made of functions in a test, without files."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from ruamel.yaml.comments import CommentedMap

from lossdoctor.core import discover
from lossdoctor.core.config import Config, ConfigFile
from lossdoctor.core.diagnosis import Examination
from lossdoctor.core.signals import Signals
from lossdoctor.examine import examine
from lossdoctor.lab.workload import Workload

Arrays = tuple[Any, Any]
_numbers = itertools.count()


def workload(build: Callable[[], Any], train: Any, val: Any = None, step: Any = None, data: Any = None, **training: Any) -> Workload:
    """The workload of a model's factory and (X, y) arrays or a Dataset; ``training`` as in a config."""
    module = ModuleType(f"_small_workload_{next(_numbers)}")
    module.build, module.train, module.val, module.step = build, lambda: train, lambda: val, step  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    values = {
        "model": {"factory": f"{module.__name__}:build"},
        "data": {"train": f"{module.__name__}:train", **({"val": f"{module.__name__}:val"} if val is not None else {}), **(data or {})},
        "training": {**training, **({"step": f"{module.__name__}:step"} if step else {})},
        "probe": {"device": "cpu"},
    }
    return Workload.load(ConfigFile(Path("config.yaml"), CommentedMap(), Config.model_validate(values)))


def examination(work: Workload) -> Examination:
    """What the checks that need a workload alone say of it."""
    return examine(discover.checks(), Signals(discover.signals(), workload=work))


def classes(count: int = 3, features: int = 6, examples: int = 400, seed: int = 0) -> Arrays:
    """Standardized features, and classes that a linear map of them and their products tells."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(examples, features)).astype(np.float32)
    scores = x @ random.normal(size=(features, count)) + 0.5 * (x[:, :1] * x[:, 1:2]) * random.normal(size=count)
    return x, scores.argmax(axis=1)


def numbers(features: int = 6, examples: int = 400, seed: int = 0) -> Arrays:
    """Standardized features and a standardized target [n, 1]."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(examples, features)).astype(np.float32)
    y = x @ random.normal(size=(features, 1)) + 0.3 * x[:, :1] * x[:, 1:2]
    return x, ((y - y.mean()) / y.std()).astype(np.float32)
