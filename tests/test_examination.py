"""Faults are named by the family they lie in, and sound configs are left alone: small trainings with one thing wrong each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from small_workloads import Arrays, classes, examination, numbers, workload
from torch import Tensor, nn
from torch.utils.data import Dataset

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.diagnosis import Examination
from lossdoctor.lab import observe
from lossdoctor.lab.workload import Workload

Build = Callable[[], nn.Module]


def mlp(
    inputs: int, outputs: int, hidden: tuple[int, ...] = (32,), act: Any = nn.ReLU, last: nn.Module | None = None, drop: float = 0.0
) -> nn.Module:
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(inputs, units), *([act()] if act else []), *([nn.Dropout(drop)] if drop else [])]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, outputs), *([last] if last else []))


def drawn(model: nn.Module, draw: Callable[[Tensor], Any], which: slice = slice(None)) -> nn.Module:
    """The model with the weights of its linear layers drawn anew."""
    for layer in [module for module in model.modules() if isinstance(module, nn.Linear)][which]:
        draw(layer.weight.data)
    return model


def frozen(model: nn.Module) -> nn.Module:
    next(iter(model.children())).requires_grad_(False)
    return model


def biased(model: nn.Module) -> nn.Module:
    nn.init.constant_(model.get_parameter("0.bias"), -20.0)
    return model


class Cnn(nn.Module):
    def __init__(self, act: Callable[[Tensor], Tensor] = torch.relu, scale: float = 1.0) -> None:
        super().__init__()
        self.act, self.scale = act, scale
        self.first, self.second, self.out = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.second(nn.functional.max_pool2d(self.act(self.first(x / self.scale)), 2)))
        return self.out(x.flatten(1))


class Recurrent(nn.Module):
    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.gru, self.out = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 2)
        self.gru.weight_hh_l0.data *= scale

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.gru(x)[0][:, -1])


class Encoder(nn.Module):
    def __init__(self, words: int = 12) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.embed, self.encode, self.out = nn.Embedding(words, 16), nn.TransformerEncoder(layer, 1), nn.Linear(16, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.encode(self.embed(tokens)).mean(dim=1))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Linear(6, 32), nn.Linear(32, 3)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32)) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.out(x)


class Wrong(nn.Module):
    """A perceptron that does one thing to its input, or to its hidden values, that it should not."""

    def __init__(self, before: Callable[[Tensor], Tensor] = lambda x: x, inside: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.before, self.inside, self.first, self.out = before, inside, nn.Linear(6, 32), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.inside(torch.relu(self.first(self.before(x)))))


class LogOfZero(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.log(torch.relu(self.first(x))))


def standard(load: Callable[..., Arrays], target: bool = False) -> Arrays:
    x, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = ((x - x.mean(axis=0)) / x.std(axis=0))[order].astype(np.float32), y[order]
    return x, ((y - y.mean()) / y.std()).astype(np.float32)[:, None] if target else y


def raw(load: Callable[..., Arrays]) -> Arrays:
    x, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return x[order].astype(np.float32), y[order]


def digits(top: float = 1.0, images: bool = True) -> Arrays:
    x, y = load_digits(return_X_y=True)
    x = np.round(x / 16 * top, 0 if top > 1 else 6).astype(np.float32)[:800]
    return (x.reshape(-1, 1, 8, 8) if images else x), y[:800]


def waves() -> Arrays:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 300)
    phase = np.arange(12) * np.where(y, 1.0, 0.5)[:, None] + random.uniform(0, 6, (300, 1))
    return np.stack([np.sin(phase), np.cos(phase)], axis=2).astype(np.float32), y


def sentences(words: int = 12, length: int = 6) -> Arrays:
    x = np.random.default_rng(0).integers(0, words, (400, length))
    return x, (x == 3).any(axis=1).astype(int)


def of(change: Callable[[Any, Any], Arrays], data: Arrays | None = None) -> Arrays:
    """The data with one thing changed."""
    return change(*(data or classes()))


def colours(last: bool = False, mangled: bool = False) -> Arrays:
    """Small pictures with three smooth colours, by class of another slant."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 300)
    rows, columns = np.mgrid[0:12, 0:12] / 3
    phase = random.uniform(0, 6, (300, 1, 1))
    slant = np.sin(rows + (y[:, None, None] - 1) * columns + phase)
    x = np.stack([slant + shift for shift in (0.5, 0.0, -0.5)], axis=3 if last or mangled else 1).astype(np.float32)
    return (x.reshape(-1, 3, 12, 12) if mangled else x), y


def slopes(channels: int = 3, size: int = 12) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 3))


def flipped(y: Any, share: float) -> Any:
    random = np.random.default_rng(3)
    return np.where(random.random(len(y)) < share, random.integers(0, y.max() + 1, len(y)), y)


def padded(count: int = 300) -> Arrays:
    x = np.zeros((count, 40), dtype=np.int64)
    x[:, :5] = np.random.default_rng(0).integers(1, 12, (count, 5))
    return x, (x == 3).any(axis=1).astype(int)


def with_value(x: Any, value: float) -> Any:
    x = x.copy()
    x[7, 2] = value
    return x


SOUND: dict[str, Callable[[], Workload]] = {
    "words looked up by hand": lambda: workload(lambda: Words(False), sentences(), optimizer={"name": "adam", "lr": 0.03}),
    "a bag of words": lambda: workload(lambda: Words(True), sentences(), optimizer={"name": "adam", "lr": 0.02}),
    "an energy": lambda: workload(lambda: mlp(6, 3), classes(), loss=f"{__name__}:backwards"),
    "digits": lambda: workload(lambda: mlp(64, 10, (64,)), digits(images=False)),
    "digits, convolutions": lambda: workload(Cnn, digits()),
    "digits, scaled by the model": lambda: workload(lambda: Cnn(scale=255.0), digits(top=255.0)),
    "digits, deep": lambda: workload(lambda: mlp(64, 10, (64,) * 4, nn.GELU, drop=0.2), digits(images=False)),
    "breast cancer, sigmoid": lambda: workload(
        lambda: mlp(30, 1, last=nn.Sigmoid()), standard(load_breast_cancer), loss="binary_cross_entropy"
    ),
    "wine, normalized by the model": lambda: workload(
        lambda: nn.Sequential(nn.BatchNorm1d(13), mlp(13, 3)), raw(load_wine), batch_size=16, optimizer={"lr": 3e-3}
    ),
    "iris": lambda: workload(lambda: mlp(4, 3), standard(load_iris), batch_size=16, epochs=100, optimizer={"lr": 3e-3}),
    "diabetes": lambda: workload(lambda: mlp(10, 1), standard(load_diabetes, target=True), batch_size=32),
    "waves, recurrent": lambda: workload(Recurrent, waves(), batch_size=32, optimizer={"lr": 3e-3}),
    "sentences, attention": lambda: workload(Encoder, sentences(), batch_size=32),
    "regression, sgd": lambda: workload(lambda: mlp(6, 1), numbers(), optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9}),
    "residual": lambda: workload(Residual, classes()),
    "pictures": lambda: workload(slopes, colours(), optimizer={"lr": 0.01}),
    "four to one": lambda: workload(lambda: mlp(6, 2), of(lambda x, y: (x, (x[:, 0] > 0.84).astype(int)))),
    "batch norm": lambda: workload(lambda: nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)), classes()),
    "one-hot as decimals": lambda: workload(
        lambda: mlp(6, 3), of(lambda x, y: (x, np.eye(3, dtype=np.float32)[y])), loss="cross_entropy", epochs=100
    ),
    "language model": lambda: chat(answered=True),
    "a little noise": lambda: workload(lambda: mlp(6, 3), classes(), data={"augment": [{"noise": 0.2}]}),
    "tags": lambda: workload(
        lambda: mlp(6, 3), of(lambda x, y: (x, (x[:, :3] + x[:, 3:] > 0).astype(np.float32))), loss="binary_cross_entropy_with_logits"
    ),
    "many features that add up": lambda: workload(lambda: mlp(40, 6), classes(6, 40, 1200), optimizer={"lr": 3e-3}),
    "two to one": lambda: workload(lambda: mlp(6, 2), of(lambda x, y: (x, (y > 0).astype(int)))),
}

SGD = {"name": "sgd", "lr": 0.05}


class Slow(Dataset[tuple[Any, Any]]):
    """Examples that are fetched from far."""

    def __len__(self) -> int:
        return 200

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        time.sleep(0.0005)
        x = np.random.default_rng(i).normal(size=6).astype(np.float32)
        return x + np.float32(1e-6 * np.random.random()), int(x[0] > 0)


class Chat(Dataset[dict[str, Tensor]]):
    """Prompts and answers; where ``answered`` is off, half of the answers were cut away."""

    def __init__(self, answered: bool) -> None:
        self.answered = answered

    def __len__(self) -> int:
        return 120

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        ids = torch.randint(1, 12, (8,), generator=torch.Generator().manual_seed(i))
        kept = self.answered or i % 2 == 0
        return {"input_ids": ids, "labels": ids.where(torch.arange(8) >= 4, -100) if kept else torch.full((8,), -100)}


class Talker(nn.Module):
    """Gives logits and a loss, as models of Hugging Face do."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(12, 16), nn.Linear(16, 12)

    def forward(self, input_ids: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.out(self.embed(input_ids))
        return {"loss": nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()), "logits": logits}


def talk(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return model(**batch)["loss"]


def chat(answered: bool) -> Workload:
    return workload(Talker, Chat(answered), Chat(answered), step=talk, batch_size=40, epochs=40, optimizer={"lr": 0.01})


def numbered(x: Any, y: Any) -> Arrays:
    """A column of numbers that were given out at random."""
    marks = np.random.default_rng(0).permutation(90_000)[: len(x)] + 10_000
    return np.hstack([x, marks[:, None].astype(np.float32)]), y


FAULTY: dict[str, tuple[str, Callable[[], Workload]]] = {
    "layers in a list": ("FRZ103", lambda: workload(InAList, classes())),
    "a line for a product": ("CAP104", lambda: workload(lambda: nn.Linear(2, 2), signs())),
    "a flipped sign": ("LOSS104", lambda: workload(lambda: mlp(6, 3), classes(), loss=f"{__name__}:likelihood")),
    "targets broadcast": (
        "LOSS104",
        lambda: workload(lambda: mlp(6, 1), of(lambda x, y: (x, y[:, 0]), numbers()), loss=f"{__name__}:every_with_every"),
    ),
    "a heavy penalty": ("REG102", lambda: workload(lambda: mlp(6, 3), classes(), step=shrinking)),
    "a way back for a penalty alone": ("FRZ104", lambda: workload(lambda: mlp(6, 3), classes(), step=detached)),
    "labels smoothed away": ("REG103", lambda: workload(lambda: mlp(6, 3), classes(), label_smoothing=0.9)),
    "tags out of step": (
        "LAB102",
        lambda: workload(
            lambda: mlp(6, 3),
            of(lambda x, y: (x, np.roll(x[:, :3] > 0, 7, axis=0).astype(np.float32))),
            loss="binary_cross_entropy_with_logits",
        ),
    ),
    "a rate that dies": ("LR104", lambda: workload(lambda: mlp(6, 3), classes(), scheduler={"name": "exponential", "gamma": 0.01})),
    "dropout before batch norm": (
        "DROP103",
        lambda: workload(
            lambda: nn.Sequential(nn.Linear(6, 32), nn.Dropout(0.5), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)), classes()
        ),
    ),
    "features of all sizes": ("PRE101", lambda: workload(lambda: mlp(13, 3), raw(load_wine))),
    "nan": ("PRE102", lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (with_value(x, np.nan), y)))),
    "infinity": ("PRE102", lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (with_value(x, np.inf), y)))),
    "one wild value": ("PRE104", lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (with_value(x, 1e6), y)))),
    "targets in thousands": ("PRE105", lambda: workload(lambda: mlp(6, 1), of(lambda x, y: (x, 800 * y + 15_000), numbers()))),
    "raw pixels": ("PRE106", lambda: workload(Cnn, digits(top=255.0))),
    "sorted": (
        "PRE107",
        lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (x[y.argsort()], np.sort(y))), classes(seed=1), shuffle=False),
    ),
    "validation not scaled": ("PRE108", lambda: workload(lambda: mlp(30, 2), standard(load_breast_cancer), raw(load_breast_cancer))),
    "thirty to one": (
        "IMB101",
        lambda: workload(lambda: mlp(6, 2), of(lambda x, y: (x, (x[:, 0] > 1.85).astype(int)), classes(examples=900))),
    ),
    "class never shown": ("IMB102", lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (x[y != 1], y[y != 1])), classes(seed=1))),
    "more labels than outputs": ("LAB101", lambda: workload(lambda: mlp(6, 2), classes())),
    "labels out of step": ("LAB102", lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (x, np.roll(y, 7)), classes(examples=900)))),
    "validation in training": ("LEAK101", lambda: workload(lambda: mlp(6, 3), classes(), of(lambda x, y: (x[:90], y[:90])))),
    "validation is training but for noise": (
        "LEAK103",
        lambda: workload(lambda: mlp(6, 3), classes(), of(lambda x, y: (x[:90] + np.float32(1e-3) * classes(seed=5)[0][:90], y[:90]))),
    ),
    "row numbers": (
        "LEAK104",
        lambda: workload(lambda: mlp(7, 3), of(lambda x, y: (np.hstack([x, np.linspace(-2, 2, len(x), dtype=np.float32)[:, None]]), y))),
    ),
    "a third of the labels wrong": (
        "LAB103",
        lambda: workload(lambda: mlp(64, 10), of(lambda x, y: (x, flipped(y, 0.3)), digits(images=False))),
    ),
    "colours last": ("PRE110", lambda: workload(lambda: slopes(12), colours(last=True))),
    "colours reshaped": ("PRE110", lambda: workload(slopes, colours(mangled=True))),
    "scaled by data and model": ("PRE111", lambda: workload(lambda: Cnn(scale=255.0), digits())),
    "softmax over the batch": ("PRE112", lambda: workload(lambda: Wrong(inside=lambda x: x.softmax(dim=0)), classes())),
    "reshaped, not transposed": (
        "PRE112",
        lambda: workload(lambda: Wrong(before=lambda x: x.t().reshape(x.shape)), classes()),
    ),
    "mostly padding": ("PRE113", lambda: workload(Encoder, padded(), batch_size=32)),
    "dropout in evaluation": ("DROP102", lambda: workload(lambda: Wrong(inside=lambda x: nn.functional.dropout(x, 0.4)), classes())),
    "running means that never move": (
        "NORM102",
        lambda: workload(
            lambda: nn.Sequential(nn.Linear(30, 32), nn.BatchNorm1d(32, momentum=0.01), nn.ReLU(), nn.Linear(32, 2)),
            of(lambda x, y: (4 * x + 8, y), standard(load_breast_cancer)),
            optimizer={"lr": 0.02},
        ),
    ),
    "target among the features": (
        "LEAK102",
        lambda: workload(lambda: mlp(6, 1), of(lambda x, y: (np.hstack([x[:, 1:], 3 * y + 1]), y), numbers())),
    ),
    "dead": ("ACT101", lambda: workload(lambda: biased(mlp(6, 3)), classes())),
    "one-hot as integers": (
        "LAB105",
        lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (x, np.eye(3, dtype=int)[y])), loss="cross_entropy"),
    ),
    "mostly one token": (
        "PRE114",
        lambda: workload(
            lambda: Encoder(60),
            of(lambda x, y: (np.where(np.random.default_rng(1).random(x.shape) < 0.8, 1, x), y), sentences(60, 12)),
            batch_size=32,
        ),
    ),
    "softmax inside": ("ACT102", lambda: workload(lambda: Cnn(act=lambda x: torch.softmax(x, dim=1)), digits(), optimizer=SGD)),
    "no activation": ("ACT103", lambda: workload(lambda: mlp(6, 3, (32, 32), act=None), classes())),
    "deep sigmoid": ("ACT104", lambda: workload(lambda: mlp(6, 3, (32,) * 5, nn.Sigmoid), classes())),
    "all weights equal": ("INIT102", lambda: workload(lambda: drawn(mlp(6, 3), lambda w: nn.init.constant_(w, 0.1)), classes())),
    "weights too large": ("INIT103", lambda: workload(lambda: drawn(mlp(6, 3, (64, 64)), lambda w: nn.init.normal_(w, 0, 2)), classes())),
    "recurrent weights too large": ("INIT103", lambda: workload(lambda: Recurrent(6.0), waves(), batch_size=32)),
    "logarithm of zero": ("GRAD103", lambda: workload(LogOfZero, classes())),
    "frozen": ("FRZ101", lambda: workload(lambda: frozen(mlp(6, 3)), classes())),
    "softmax before cross entropy": ("LOSS101", lambda: workload(lambda: mlp(6, 3, last=nn.Softmax(dim=1)), classes())),
    "relu on the scores": ("LOSS101", lambda: workload(lambda: mlp(6, 3, last=nn.ReLU()), classes())),
    "sigmoid cannot reach": ("LOSS102", lambda: workload(lambda: mlp(6, 1, last=nn.Sigmoid()), numbers())),
    "class numbers as quantities": ("LOSS103", lambda: workload(lambda: mlp(6, 1), classes(), loss="mse_loss")),
    "cross entropy over one output": ("LOSS103", lambda: workload(lambda: mlp(30, 1), standard(load_breast_cancer))),
    "nll without log": ("LOSS103", lambda: workload(lambda: mlp(6, 3, last=nn.Softmax(dim=1)), classes(), loss="nll_loss")),
    "dropout of 0.9": ("DROP101", lambda: workload(lambda: mlp(6, 3, (32, 32), drop=0.9), classes())),
    "dropout on the scores": ("DROP101", lambda: workload(lambda: mlp(6, 3, last=nn.Dropout(0.5)), classes())),
    "decay of 1": ("REG101", lambda: workload(lambda: mlp(6, 3), classes(), optimizer={"name": "sgd", "lr": 0.05, "weight_decay": 1.0})),
    "rate of 3": ("LR101", lambda: workload(lambda: mlp(6, 3, (32, 32)), classes(), optimizer={"lr": 3.0})),
    "rate of a millionth": ("LR102", lambda: workload(lambda: mlp(6, 3), classes(), optimizer={"lr": 1e-6})),
    "one hidden unit": ("CAP102", lambda: workload(lambda: mlp(64, 10, (1,)), digits(images=False))),
    "labels above one": (
        "LAB101",
        lambda: workload(lambda: mlp(6, 1, last=nn.Sigmoid()), classes(), loss="binary_cross_entropy"),
    ),
    "answers cut away": ("LAB104", lambda: chat(answered=False)),
    "validation out of step": (
        "LAB106",
        lambda: workload(
            lambda: mlp(6, 3),
            of(lambda x, y: (x[:600], y[:600]), classes(examples=900)),
            of(lambda x, y: (x[600:], np.roll(y[600:], 7)), classes(examples=900)),
        ),
    ),
    "normalized away": ("NORM103", lambda: workload(lambda: nn.Sequential(nn.Linear(6, 1), nn.LayerNorm(1), mlp(1, 3)), classes())),
    "another source": (
        "PRE116",
        lambda: workload(
            lambda: mlp(6, 3),
            of(lambda x, y: (x[:600], y[:600]), classes(examples=900)),
            of(lambda x, y: (x[600:] + np.float32(2) * (np.arange(6) > 3), y[600:]), classes(examples=900)),
        ),
    ),
    "sorted numbers": (
        "PRE107",
        lambda: workload(
            lambda: mlp(6, 1), of(lambda x, y: (x[y[:, 0].argsort()], np.sort(y, axis=0)), numbers()), numbers(seed=1), shuffle=False
        ),
    ),
    "noise over all": ("AUG101", lambda: workload(lambda: mlp(6, 3), classes(), data={"augment": [{"noise": 10.0}]})),
    "examples from far": ("HW101", lambda: workload(lambda: mlp(6, 2), Slow(), Slow(), batch_size=50, epochs=250)),
    "numbers for classes": (
        "LOSS103",
        lambda: workload(lambda: mlp(6, 3), of(lambda x, y: (x, np.eye(3, dtype=np.float32)[y])), loss="l1_loss"),
    ),
    "momentum of 1": ("OPT101", lambda: workload(lambda: mlp(6, 3), classes(), optimizer={"name": "sgd", "lr": 0.01, "momentum": 1.0})),
    "nine updates": ("BATCH101", lambda: workload(lambda: mlp(6, 3), classes(), batch_size=400, epochs=9)),
    "batch norm over two": (
        "NORM101",
        lambda: workload(lambda: nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)), classes(), batch_size=2),
    ),
}


class InAList(nn.Module):
    """Hidden layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = [nn.Linear(6, 16), nn.Linear(16, 16)], nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x).relu()
        return self.head(x)


class Words(nn.Module):
    """Letters looked up by hand, without an embedding."""

    def __init__(self, bag: bool) -> None:
        super().__init__()
        self.bag, self.head = nn.EmbeddingBag(12, 16) if bag else None, nn.Linear(16 if bag else 12, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.bag(x) if self.bag else nn.functional.one_hot(x, 12).float().mean(dim=1))


def signs(count: int = 400) -> Arrays:
    """The sign of a product of two numbers."""
    x = np.random.default_rng(0).uniform(-1, 1, (count, 2)).astype(np.float32)
    return x, (x.prod(axis=1) > 0).astype(np.int64)


def likelihood(output: Tensor, target: Tensor) -> Tensor:
    return -nn.functional.cross_entropy(output, target)


def every_with_every(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean()


def shrinking(model: nn.Module, batch: Any) -> Tensor:
    """With a penalty on the weights that outweighs the data."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1]) + sum(p.abs().sum() for p in model.parameters())


def detached(model: nn.Module, batch: Any) -> Tensor:
    """The data's loss as a number; a small penalty alone has a way back."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1]).item() + 1e-4 * sum(p.square().sum() for p in model.parameters())


def backwards(output: Tensor, target: Tensor) -> Tensor:
    """An energy: low scores for the right class, as the model is meant to give them."""
    return nn.functional.cross_entropy(-output, target)


def loud(outcome: Examination) -> list[Finding]:
    return [finding for finding in outcome.findings if finding.severity is not Severity.INFO]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_config_is_left_alone(name: str) -> None:
    outcome = examination(SOUND[name]())
    assert not outcome.crashed
    assert [(finding.code, finding.message) for finding in loud(outcome)] == []


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_named_first_or_second(name: str) -> None:
    code, make = FAULTY[name]
    outcome = examination(make())
    assert not outcome.crashed
    assert code in [finding.code for finding in loud(outcome)[:2]]


def test_examples_whose_targets_are_all_masked_are_counted() -> None:
    class Masked(torch.utils.data.Dataset[dict[str, Tensor]]):
        def __len__(self) -> int:
            return 60

        def __getitem__(self, i: int) -> dict[str, Tensor]:
            ids = torch.arange(i, i + 8) % 12
            return {"input_ids": ids, "labels": torch.full((8,), -100) if i % 3 else ids.roll(-1)}

    def step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return nn.functional.cross_entropy(model(batch["input_ids"]).flatten(0, 1), batch["labels"].flatten())

    work = workload(lambda: nn.Sequential(nn.Embedding(12, 16), nn.Linear(16, 12)), Masked(), Masked(), step=step, batch_size=16)
    finding = next(f for f in examination(work).findings if f.code == "LAB104")
    assert finding.evidence["examples"] == pytest.approx(2 / 3, abs=0.01)


def test_a_rate_finding_suggests_a_rate_that_the_fix_can_use() -> None:
    finding = next(f for f in examination(FAULTY["rate of 3"][1]()).findings if f.code == "LR101")
    assert 1e-4 < finding.evidence["suggested_lr"] < 0.3


def test_a_column_of_numbers_given_out_at_random_is_called_an_identifier() -> None:
    found = examination(workload(lambda: mlp(7, 3), of(numbered), data={"standardize": True})).findings
    assert [f.evidence["column"] for f in found if f.code == "LEAK104"] == ["x6"]


def test_a_rate_far_above_the_critical_one_is_named_where_a_range_test_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe.budget, "WORK", 0.0)
    outcome = examination(workload(lambda: mlp(6, 3, (32, 32)), classes(), optimizer={"name": "sgd", "lr": 300.0}))
    assert "LR101" in outcome.skipped
    assert "LR103" in [finding.code for finding in outcome.findings]


def test_consequences_are_masked_by_their_cause() -> None:
    outcome = examination(FAULTY["all weights equal"][1]())
    assert outcome.skipped["CAP101"] == "a consequence of INIT102"


def test_findings_name_the_column_and_the_layer() -> None:
    assert examination(FAULTY["features of all sizes"][1]()).findings[0].evidence["column"] == "x12"
    assert examination(FAULTY["logarithm of zero"][1]()).findings[0].evidence["layer"] == "out"
    assert examination(FAULTY["weights too large"][1]()).findings[0].evidence["layer"] in ("0", "2", "4")
