"""What a loss asks for, what the targets hold and what a layer leaves: a fault each and its sound twin, through the whole examination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_workloads import Arrays, classes, examination, numbers, workload
from torch import Tensor, nn

from lossdoctor.core.check import Severity
from lossdoctor.lab.workload import Workload


def mlp(inputs: int, outputs: int, *middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 32), *middle, nn.ReLU(), nn.Linear(32, outputs))


def flat(arrays: Arrays) -> Arrays:
    return arrays[0], arrays[1][:, 0]


def against_all(model: nn.Module, batch: Any) -> Tensor:
    """[n, 1] against [n]."""
    return (model(batch[0]) - batch[1]).abs().mean()


def against_own(model: nn.Module, batch: Any) -> Tensor:
    return (model(batch[0])[:, 0] - batch[1]).abs().mean()


def masks(large: float = 3.0) -> Arrays:
    """Bright squares on a dark ground, and which pixels they are."""
    rows, columns = np.mgrid[0:10, 0:10]
    middle = np.random.default_rng(0).uniform(2, 7, (2, 200, 1, 1))
    y = (np.maximum(np.abs(rows - middle[0]), np.abs(columns - middle[1])) < large).astype(np.int64)
    return (0.2 + 0.6 * y + 0.1 * np.random.default_rng(1).normal(size=y.shape)).astype(np.float32)[:, None], y


def pixels() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3, padding=1))


def reshaped(model: nn.Module, batch: Any) -> Tensor:
    return F.cross_entropy(model(batch[0]).reshape(-1, 2), batch[1].reshape(-1))


def moved(model: nn.Module, batch: Any) -> Tensor:
    return F.cross_entropy(model(batch[0]).movedim(1, -1).reshape(-1, 2), batch[1].reshape(-1))


def one_sided(output: Tensor, target: Tensor) -> Tensor:
    """A hinge for -1 and 1, given 0 and 1: nothing is asked of class 0."""
    return (1 - output[:, 0] * target).clamp(min=0).mean()


def hinge(output: Tensor, target: Tensor) -> Tensor:
    return (1 - output[:, 0] * (2 * target - 1)).clamp(min=0).mean()


class Letters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.core, self.out = nn.Embedding(12, 16), nn.GRU(16, 16, batch_first=True), nn.Linear(16, 12)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.core(self.embed(x))[0]).transpose(1, 2)


def letters(shifted: bool) -> Arrays:
    ids = (np.random.default_rng(0).integers(0, 12, (200, 1)) + np.arange(11) * np.random.default_rng(1).integers(1, 4, (200, 1))) % 12
    return (ids[:, :-1], ids[:, 1:]) if shifted else (ids[:, :-1], ids[:, :-1])


def beside(turned: bool) -> Arrays:
    """Pictures with a bright half: left or right; or above or below."""
    y = np.random.default_rng(0).integers(0, 2, 300)
    x = 0.2 * np.random.default_rng(1).random((300, 1, 8, 8)).astype(np.float32)
    for one, c in zip(x, y, strict=True):
        half = one[:, :, 4 * c : 4 * c + 4] if turned else one[:, 4 * c : 4 * c + 4]
        half += 0.7
    return x, y


class MadeAnew(nn.Module):
    def __init__(self, anew: bool) -> None:
        super().__init__()
        self.anew, self.first, self.middle, self.out = anew, nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        middle = nn.Linear(16, 16) if self.anew else self.middle
        return self.out(middle(self.first(x).relu()).relu())


class States(nn.Module):
    def __init__(self, alike: bool) -> None:
        super().__init__()
        self.core, self.out = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 2)
        for weight in self.core.parameters():
            if alike:
                nn.init.constant_(weight, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.core(x)[0][:, -1])


def sums() -> Arrays:
    x = np.random.default_rng(0).normal(size=(300, 8, 2)).astype(np.float32)
    return x, (x[:, :, 0].sum(axis=1) > 0).astype(np.int64)


def rare(times: int) -> tuple[Arrays, Arrays]:
    """One in twelve is rare; those repeated ``times`` times before the split."""
    x, y = classes(examples=600)
    y = (x[:, 0] > 1.4).astype(np.int64)
    chosen = np.concatenate([np.arange(600), *[np.flatnonzero(y)] * times])
    chosen = np.random.default_rng(0).permutation(chosen)
    cut = len(chosen) * 3 // 4
    return (x[chosen[:cut]], y[chosen[:cut]]), (x[chosen[cut:]], y[chosen[cut:]])


def coins(share: float) -> tuple[Arrays, Arrays]:
    """Two classes, and of the training labels a ``share`` by the toss of a coin."""
    x, y = classes(count=2, examples=900)
    tossed = np.random.default_rng(2).random(600) < share
    return (x[:600], np.where(tossed, np.random.default_rng(3).integers(0, 2, 600), y[:600])), (x[600:], y[600:])


def windows(later: float = 0.0) -> tuple[Arrays, Arrays]:
    """A noisy wave cut into windows of 20, the last third for validation."""
    random, walk = np.random.default_rng(0), np.zeros(900)
    for i in range(1, 900):
        walk[i] = 0.8 * walk[i - 1] + random.normal()
    seen = np.lib.stride_tricks.sliding_window_view(walk, 21).astype(np.float32)
    x, y = seen[:, :20].copy(), seen[:, 20:].copy() / 2
    return (x[:600], y[:600]), (x[600:] + np.float32(later), y[600:])


def cars(classes_of: int) -> Arrays:
    x, y = numbers(examples=600)
    return x, np.round((y[:, 0] - y.min()) / (y.max() - y.min()) * (classes_of - 1)).astype(np.int64)


def weighted(weights: list[float]) -> Workload:
    x = classes(examples=600)[0]
    return workload(lambda: mlp(6, 2), (x, (x[:, 0] > 1).astype(np.int64)), class_weights=weights, optimizer={"lr": 3e-3})


def normed(momentum: float) -> nn.Module:
    return mlp(6, 3, nn.BatchNorm1d(32, momentum=momentum))


FAST: dict[str, Any] = {"optimizer": {"lr": 3e-3}, "batch_size": 32}
NUMBERS: dict[str, Any] = {**FAST, "loss": "mse_loss"}
MADE: dict[str, tuple[str, Callable[[], Workload], Callable[[], Workload]]] = {
    "a step that broadcasts": (
        "LOSS105",
        lambda: workload(lambda: mlp(6, 1), flat(numbers()), step=against_all, **FAST),
        lambda: workload(lambda: mlp(6, 1), flat(numbers()), step=against_own, **FAST),
    ),
    "classes that stay before the pixels": (
        "LOSS105",
        lambda: workload(pixels, masks(), step=reshaped, **FAST),
        lambda: workload(pixels, masks(), step=moved, **FAST),
    ),
    "a loss that one answer satisfies": (
        "LOSS104",
        lambda: workload(lambda: mlp(6, 1), classes(2), loss=f"{__name__}:one_sided", **FAST),
        lambda: workload(lambda: mlp(6, 1), classes(2), loss=f"{__name__}:hinge", **FAST),
    ),
    "a quantity cut into classes": (
        "LOSS106",
        lambda: workload(lambda: mlp(6, 40), cars(40), **FAST),
        lambda: workload(lambda: mlp(6, 1), numbers(examples=600), **NUMBERS),
    ),
    "targets that are all the same": (
        "LAB107",
        lambda: workload(lambda: mlp(6, 1), (numbers()[0], np.zeros((400, 1), np.float32)), **NUMBERS),
        lambda: workload(lambda: mlp(6, 1), numbers(), **NUMBERS),
    ),
    "coins in training alone": (
        "LAB103",
        lambda: workload(lambda: mlp(6, 2), *coins(0.6), **FAST),
        lambda: workload(lambda: mlp(6, 2), *coins(0.0), **FAST),
    ),
    "letters that are to be copied": (
        "LEAK105",
        lambda: workload(Letters, letters(shifted=False), **FAST),
        lambda: workload(Letters, letters(shifted=True), **FAST),
    ),
    "oversampled before the split": (
        "LEAK101",
        lambda: workload(lambda: mlp(6, 2), *rare(8), **FAST),
        lambda: workload(lambda: mlp(6, 2), *rare(0), class_weights="balanced", **FAST),
    ),
    "normalized away": (
        "NORM103",
        lambda: workload(lambda: nn.Sequential(nn.Linear(6, 1), nn.LayerNorm(1), mlp(1, 3)), classes(), **FAST),
        lambda: workload(lambda: mlp(6, 3, nn.LayerNorm(32)), classes(), **FAST),
    ),
    "running means that arrive too late": (
        "NORM104",
        lambda: workload(lambda: normed(1e-4), classes(), **FAST),
        lambda: workload(lambda: normed(0.1), classes(), **FAST),
    ),
    "mirror images of the other class": (
        "AUG103",
        lambda: workload(lambda: nn.Sequential(nn.Flatten(), mlp(64, 2)), beside(True), data={"augment": [{"flip": 0.5}]}, **FAST),
        lambda: workload(lambda: nn.Sequential(nn.Flatten(), mlp(64, 2)), beside(False), data={"augment": [{"flip": 0.5}]}, **FAST),
    ),
    "weights for the frequent class": ("IMB103", lambda: weighted([8.0, 1.0]), lambda: weighted([1.0, 5.0])),
    "few pixels": (
        "IMB101",
        lambda: workload(pixels, masks(0.6), **FAST),
        lambda: workload(pixels, masks(3.0), **FAST),
    ),
    "a layer made in forward": (
        "FRZ103",
        lambda: workload(lambda: MadeAnew(True), classes(), **FAST),
        lambda: workload(lambda: MadeAnew(False), classes(), **FAST),
    ),
    "states that are all alike": (
        "INIT102",
        lambda: workload(lambda: States(alike=True), sums(), **FAST),
        lambda: workload(lambda: States(alike=False), sums(), **FAST),
    ),
    "signs of small batches": (
        "OPT101",
        lambda: workload(lambda: mlp(6, 3), classes(), batch_size=16, optimizer={"name": "rprop", "lr": 0.01}),
        lambda: workload(lambda: mlp(6, 3), classes(), **FAST),
    ),
    "a later level": (
        "PRE116",
        lambda: workload(lambda: mlp(20, 1), *windows(later=3.0), **NUMBERS),
        lambda: workload(lambda: mlp(20, 1), *windows(), **NUMBERS),
    ),
}


def loud(work: Workload) -> list[str]:
    outcome = examination(work)
    assert not outcome.crashed
    return [finding.code for finding in outcome.findings if finding.severity is not Severity.INFO]


@pytest.mark.parametrize("name", MADE)
def test_the_fault_is_named_first_and_its_twin_is_left_alone(name: str) -> None:
    code, faulty, sound = MADE[name]
    assert loud(faulty())[:1] == [code]
    assert code not in loud(sound())


def test_a_model_called_twice_in_a_step_is_not_asked_where_it_feels_its_targets() -> None:
    def twice(model: nn.Module, batch: Any) -> Tensor:
        return against_all(model, batch) + against_own(model, [torch.randn_like(batch[0]), batch[1]])

    assert "LOSS105" not in loud(workload(lambda: mlp(6, 1), flat(numbers()), step=twice, **FAST))


def test_a_loss_is_not_blamed_for_one_answer_where_the_examples_asked_are_all_of_one_class() -> None:
    x = classes(examples=1500)[0]
    y = np.zeros(1500, dtype=np.int64)
    y[np.setdiff1d(np.arange(1500), torch.randperm(1500, generator=torch.Generator().manual_seed(0))[:128].numpy())[:6]] = 1
    work = workload(lambda: mlp(6, 1), (x, y), (x[:300], y[:300]), loss=f"{__name__}:hinge", **FAST)
    assert "LOSS104" not in loud(work)
