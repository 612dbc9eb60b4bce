"""What every measurement shares: models of its own, the same few examples, and random states that are left as they were."""

from __future__ import annotations

import contextlib
import copy
import functools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lossdoctor.core.errors import UserCodeError
from lossdoctor.lab.augment import augment
from lossdoctor.lab.data import Batch
from lossdoctor.lab.workload import Workload

EXAMPLES = 128  # examples of a forward pass, fewer where each is large
FEW = 8  # examples of a forward pass however large each is
NUMBERS = 400_000  # input values of a forward pass
OPERATIONS = 2e10  # floating-point operations of a forward pass: under a second on two cores
SEEDS = 3

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def untouched(device: torch.device) -> Iterator[None]:
    """Every random state is afterwards what it was before: torch on CPU and GPU, numpy's and Python's own."""
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


def measurement(function: Callable[P, R]) -> Callable[P, R]:
    """Runs a measurement of a workload without a trace in the random states."""

    @functools.wraps(function)
    def measure(*args: P.args, **kwargs: P.kwargs) -> R:
        workload = args[0]
        assert isinstance(workload, Workload)
        with untouched(workload.device):
            return function(*args, **kwargs)

    return measure


def examples(workload: Workload, most: int = EXAMPLES) -> Batch:
    """The same few random training examples for every measurement, ``most`` of them and fewer where each is large or the model is."""
    train = workload.train
    one = train.batch(torch.arange(1))
    size = one[0].numel() if isinstance(one, tuple | list) and isinstance(one[0], Tensor) else 1024
    affordable = min(NUMBERS // max(size, 1), int(OPERATIONS / max(operations(workload), 1.0)))
    count = min(len(train), max(FEW, min(most, affordable)))
    return train.batch(torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:count])


def operations(workload: Workload) -> float:
    """Floating-point operations of a forward pass for one example, as torch counts them; 0 where it cannot, or the loss fails."""
    kept: float | None = workload.__dict__.get("_operations")
    if kept is None:
        pair = torch.arange(min(2, len(workload.train)))
        kept = 0.0
        with contextlib.suppress(UserCodeError), torch.no_grad(), untouched(workload.device), FlopCounterMode(display=False) as counter:
            workload.loss(fresh(workload), workload.train.batch(pair))
            kept = counter.get_total_flops() / len(pair)
        workload.__dict__["_operations"] = kept
    return kept


def fresh(workload: Workload, seed: int | None = None) -> nn.Module:
    """The untrained model in training mode. That of the configured seed is built once and copied: large ones take a second to draw."""
    first = workload.config.training.seed
    if seed is not None and seed != first:
        return workload.build(seed).train()
    built: dict[int, nn.Module] = workload.__dict__.setdefault("_built", {})
    if first not in built:
        built[first] = workload.build(first)
    torch.manual_seed(first)
    try:
        return copy.deepcopy(built[first]).train()
    except (RuntimeError, TypeError):  # a model that holds what cannot be copied
        return workload.build(first).train()


def seeds_of(workload: Workload) -> range:
    first = workload.config.training.seed
    return range(first, first + SEEDS)


def layer_of(name: str) -> str:
    """The module that a parameter belongs to, as the tape names it."""
    return name.rpartition(".")[0] or "the model"


def loss_of(workload: Workload, model: nn.Module, batch: Batch) -> float:
    """The loss in training mode, with the same dropout masks every time."""
    with torch.no_grad(), untouched(workload.device):
        torch.manual_seed(0)
        return float(workload.loss(model, batch)[0])


def step(workload: Workload, model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, place: int) -> float:
    """One optimizer step; the norm of the gradient before clipping."""
    optimizer.zero_grad(set_to_none=True)
    workload.loss(model, augment(batch, workload.config.data.augment, place, workload.mixable))[0].backward()  # type: ignore[no-untyped-call]
    limit = workload.config.training.clip_grad_norm or float("inf")
    norm = nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], limit)
    optimizer.step()
    return float(norm)
