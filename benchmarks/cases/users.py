"""Data and models of the third set of cases, as users write them: the whole of a small project in one file."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def train(name: str, **how: Any) -> Any:
    """The first seven tenths of a data set."""
    return _split(name, how)[0]


def val(name: str, **how: Any) -> Any:
    return _split(name, how)[1]


def _split(name: str, how: dict[str, Any]) -> tuple[Any, Any]:
    made = DATA[name](np.random.default_rng(7), **{key: value for key, value in how.items() if key != "wrong"})
    if isinstance(made, list):
        cut = len(made) * 7 // 10
        return Rows(made[:cut]), Rows(made[cut:])
    x, y = made
    cut = len(y) * 7 // 10
    return _wronged((x[:cut], y[:cut]), (x[cut:], y[cut:]), how.get("wrong", ""))


class Rows(list[Any], torch.utils.data.Dataset[Any]):
    """Examples, one by one."""


def _wronged(first: Arrays, second: Arrays, wrong: str) -> tuple[Arrays, Arrays]:  # noqa: C901 (a case a fault)
    random = np.random.default_rng(11)
    (x, y), (x_val, y_val) = first, second
    match wrong:
        case "val_minmax":  # one split standardized, the other squeezed into 0..1
            x_val = (x_val - x_val.min(0)) / (x_val.max(0) - x_val.min(0))
        case "blanks":  # missing values written as -999
            x, x_val = (np.where(random.random(v.shape) < 0.08, -999.0, v) for v in (x, x_val))
        case "unit":  # one column in grams among kilograms
            x, x_val = (v * np.where(np.arange(v.shape[1]) == 2, 5e3, 1.0) for v in (x, x_val))
        case "lognormal":  # amounts of money as they are
            x, x_val = (np.exp(3 * v) for v in (x, x_val))
        case "shifted":
            y = np.roll(y, 1, axis=0)
        case "permuted":
            y = random.permutation(y)
        case "random40":
            y = np.where(random.random(len(y)) < 0.4, random.integers(0, y.max() + 1, len(y)), y)
        case "after":  # a column known only after the fact
            x, x_val = (np.column_stack([v, t + 0.01 * random.normal(size=len(t))]) for v, t in ((x, y), (x_val, y_val)))
        case "overlap":
            x_val, y_val = x[: len(x_val)], y[: len(x_val)]
        case "account":  # numbers given in the order of the classes
            both = np.concatenate([y, y_val])
            number = np.empty(len(both))
            number[np.argsort(both + 0.3 * random.random(len(both)), kind="stable")] = 1e6 + np.arange(len(both))
            x, x_val = (np.column_stack([v, n]) for v, n in ((x, number[: len(x)]), (x_val, number[len(x) :])))
    kind = np.int64 if y.dtype.kind in "iu" else np.float32
    return tuple((a if a.dtype.kind in "iu" else a.astype(np.float32), b.astype(kind)) for a, b in ((x, y), (x_val, y_val)))  # type: ignore[return-value]


def _houses(random: np.random.Generator, dollars: bool = False) -> Arrays:
    """Eight properties of houses and what they cost."""
    x = random.normal(size=(1100, 8))
    y = x[:, 0] + 0.6 * np.tanh(2 * x[:, 1]) * x[:, 2] + 0.5 * np.abs(x[:, 3]) + 0.2 * random.normal(size=1100)
    y = (y - y.mean()) / y.std()
    return x, y * 90_000 + 310_000 if dollars else y


def _regions(random: np.random.Generator, one_hot: bool = False) -> Arrays:
    """The number of a region among sixty and three measurements; each region has a level of its own."""
    region = random.integers(0, 60, 1600)
    x = random.normal(size=(1600, 3))
    y = random.normal(size=60)[region] + 0.4 * x[:, 0] + 0.1 * random.normal(size=1600)
    return np.column_stack([np.eye(60)[region] if one_hot else region.astype(float), x]), y


def _churn(random: np.random.Generator, share: float = 0.02) -> Arrays:
    x = random.normal(size=(3000, 12))
    score = x[:, 0] + x[:, 1] * x[:, 2] + 0.7 * x[:, 3] + 0.6 * random.normal(size=3000)
    return x, (score > np.quantile(score, 1 - share)).astype(np.int64)


def _species(random: np.random.Generator, tail: float = 0.45, classes: int = 8, apart: float = 1.0) -> Arrays:
    """Classes each ``tail`` times as frequent as the one before."""
    weight = tail ** np.arange(classes)
    y = random.choice(classes, 2000, p=weight / weight.sum())
    return apart * random.normal(size=(classes, 10))[y] + 0.7 * random.normal(size=(2000, 10)), y


def _xor(random: np.random.Generator) -> Arrays:
    x = random.uniform(-1, 1, (900, 2))
    return 1.7 * x, (x.prod(1) > 0).astype(np.int64)


def _shapes(random: np.random.Generator, scale: float = 1.0, flat: bool = False) -> Arrays:
    """Discs, squares, crosses and rings of 16 x 16 grey pixels."""
    y = random.integers(0, 4, 1000)
    rows, columns = np.mgrid[0:16, 0:16]
    dy, dx = (np.abs(axis - random.uniform(5.5, 9.5, (1000, 1, 1))) for axis in (rows, columns))
    far, r = np.hypot(dy, dx), random.uniform(3, 5, (1000, 1, 1))
    kinds = [far < r, np.maximum(dy, dx) < 0.9 * r, (np.minimum(dy, dx) < 1.2) & (np.maximum(dy, dx) < r), (far < r) & (far > r - 1.8)]
    x = np.choose(y[:, None, None], kinds) * random.uniform(0.5, 0.9, (1000, 1, 1)) + 0.1 * random.random((1000, 16, 16))
    x = np.clip(x, 0, 1) * scale
    return x.reshape(1000, -1) if flat else x[:, None], y


def _reviews(random: np.random.Generator) -> Arrays:
    """Sentences of 16 of 60 words; more of the good words or of the bad."""
    x = random.integers(1, 61, (1300, 16))
    mood = (x <= 8).sum(1) - ((x > 8) & (x <= 16)).sum(1)
    kept = mood != 0
    return x[kept], (mood[kept] > 0).astype(np.int64)


def _memory(random: np.random.Generator, length: int = 200) -> Arrays:
    """Noise; the sign of its first value, held for three steps, is the answer."""
    x = random.normal(size=(600, length, 1))
    y = random.integers(0, 2, 600)
    x[:, :3] = (2 * y - 1)[:, None, None] * 1.5
    return x, y


def _tides(random: np.random.Generator) -> Arrays:
    """Windows of a noisy sum of waves, and what comes next."""
    t = np.arange(1300)
    wave = np.sin(t / 5) + 0.6 * np.sin(t / 13 + 1) + 0.1 * random.normal(size=1300)
    windows = np.lib.stride_tricks.sliding_window_view(wave, 25)
    order = random.permutation(len(windows))
    return windows[order, :24, None].copy(), windows[order, 24].copy()


def _cases(random: np.random.Generator, count: int = 700) -> list[Any]:
    """A picture and a table of each patient, in one dictionary."""
    x, y = _shapes(random)
    table = random.normal(size=(1000, 5))
    label = ((y % 2) ^ (table[:, 0] > 0)).astype(np.int64)
    return [
        {"picture": torch.tensor(x[i], dtype=torch.float32), "table": torch.tensor(table[i], dtype=torch.float32), "label": int(label[i])}
        for i in range(count)
    ]


DATA: dict[str, Any] = {
    "houses": _houses,
    "regions": _regions,
    "churn": _churn,
    "species": _species,
    "xor": _xor,
    "shapes": _shapes,
    "reviews": _reviews,
    "memory": _memory,
    "tides": _tides,
    "cases": _cases,
}


class Table(nn.Module):
    """A perceptron over a table; ``wrong`` is what its author overlooked."""

    def __init__(self, inputs: int, outputs: int = 1, widths: tuple[int, ...] = (64, 64), act: str = "ReLU", wrong: str = "") -> None:
        super().__init__()
        sizes = [inputs, *widths]
        layers = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
        self.layers = layers if wrong == "list" else nn.ModuleList(layers)
        self.act, self.wrong = getattr(nn, act)(), wrong
        self.head = nn.Linear(sizes[-1], outputs)
        self.drop = nn.Dropout({"drop_inputs": 0.85, "drop_hidden": 0.9}.get(wrong, 0.0))
        for layer in (*layers, self.head):
            if wrong == "zeros":
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
            elif wrong == "normal":
                nn.init.normal_(layer.weight)
            elif wrong == "scaled_up" and layer is not self.head:
                nn.init.normal_(layer.weight, 0, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(x) if self.wrong == "drop_inputs" else x
        for layer in self.layers:
            x = self.act(layer(x))
            x = self.drop(x) if self.wrong == "drop_hidden" else x
        out = self.head(x)
        match self.wrong:
            case "softmax":
                return out.softmax(dim=1)
            case "sigmoid":
                return out.sigmoid()
            case "log_softmax":
                return out.log_softmax(dim=1)
        return out


def conv_block(inputs: int, outputs: int, norm: str) -> nn.Sequential:
    middle: dict[str, Any] = {"batch": [nn.BatchNorm2d(outputs)], "after_dropout": [nn.Dropout(0.5), nn.BatchNorm2d(outputs)]}
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), *middle.get(norm, []), nn.ReLU(), nn.MaxPool2d(2))


class Net(nn.Module):
    """A small convolutional net; ``wrong`` is what its author overlooked."""

    def __init__(self, classes: int = 4, norm: str = "", wrong: str = "") -> None:
        super().__init__()
        self.features = nn.Sequential(conv_block(1, 8, norm), conv_block(8, 16, norm))
        self.narrow = nn.Sequential(nn.Linear(256, 1), nn.ReLU(), nn.Linear(1, 256)) if wrong == "narrow" else nn.Identity()
        self.classifier = nn.Linear(256, classes)
        self.wrong = wrong
        if wrong == "frozen":
            for parameter in self.features.parameters():
                parameter.requires_grad = False
        if wrong == "dead":
            for block in self.features:
                nn.init.constant_(block[0].bias, -5.0)
        if wrong == "huge_head":
            nn.init.normal_(self.classifier.weight, 0, 5)

    def train(self, mode: bool = True) -> Net:
        super().train(mode)
        if self.wrong == "norm_eval":
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        if self.wrong == "no_grad":
            with torch.no_grad():
                x = self.features(x)
        else:
            x = self.features(x)
        return self.classifier(self.narrow(x.flatten(1)))


def plain_deep(classes: int = 4, depth: int = 24, norm: bool = False) -> nn.Module:
    """Convolutions one after the other, with nothing that keeps their scale."""
    layers: list[nn.Module] = [nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    for _ in range(depth):
        layers += [nn.Conv2d(12, 12, 3, padding=1), *([nn.BatchNorm2d(12)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, classes))


class Memory(nn.Module):
    """A recurrent net that answers after the last step."""

    def __init__(self, inputs: int = 1, outputs: int = 2, hidden: int = 24, kind: str = "RNN", gain: float = 1.0) -> None:
        super().__init__()
        self.core = getattr(nn, kind)(inputs, hidden, batch_first=True, **({"nonlinearity": "relu"} if gain != 1 else {}))
        self.out = nn.Linear(hidden, outputs)
        if gain != 1:
            nn.init.eye_(self.core.weight_hh_l0).data.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.core(x)[0][:, -1])


class Reader(nn.Module):
    """A transformer encoder over words."""

    def __init__(self, words: int = 61, dim: int = 32, blocks: int = 2, wrong: str = "") -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, dim), nn.Parameter(0.02 * torch.randn(16, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.9 if wrong == "dropout" else 0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, blocks, enable_nested_tensor=False)
        self.head, self.wrong = nn.Linear(dim, 2), wrong

    def forward(self, x: Tensor) -> Tensor:
        out = self.head(self.body(self.words(x) + self.places).mean(1))
        return out.softmax(1) if self.wrong == "softmax" else out


class BagOfWords(nn.Module):
    """A mean of embeddings and many sigmoid layers."""

    def __init__(self, depth: int = 8, act: str = "Sigmoid") -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(61, 32)
        self.net = nn.Sequential(*(m for _ in range(depth) for m in (nn.Linear(32, 32), getattr(nn, act)())), nn.Linear(32, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self.words(x))


class TwoInputs(nn.Module):
    """A picture and a table, joined; ``wrong`` is what its author overlooked."""

    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.look = nn.Sequential(conv_block(1, 8, ""), conv_block(8, 16, ""), nn.Flatten(), nn.Linear(256, 16))
        self.read = nn.Sequential(nn.Linear(5, 16), nn.ReLU())
        self.join = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
        self.wrong = wrong

    def forward(self, picture: Tensor, table: Tensor) -> Tensor:
        seen = self.look(picture)
        seen = seen.detach() if self.wrong == "detach" else seen
        return self.join(torch.cat([seen, self.read(table)], dim=1))


def step(model: nn.Module, batch: Any) -> Tensor:
    return F.cross_entropy(model(batch["picture"], batch["table"]), batch["label"])


def step_l1(model: nn.Module, batch: Any) -> Tensor:
    """With a penalty on all weights that outweighs the task."""
    return step(model, batch) + 0.5 * sum(p.abs().sum() for p in model.parameters())


def step_minus(model: nn.Module, batch: Any) -> Tensor:
    """Log-likelihood to be minimized, which was to be maximized."""
    return -step(model, batch)


def likelihood(output: Tensor, target: Tensor) -> Tensor:
    """Mean log-likelihood: the sign is forgotten."""
    return output.log_softmax(1).gather(1, target[:, None]).mean()


def squares(output: Tensor, target: Tensor) -> Tensor:
    """A sum where a mean was meant."""
    return (output.squeeze(1) - target).pow(2).sum()


def broadcast(output: Tensor, target: Tensor) -> Tensor:
    """[n, 1] less [n] is [n, n]."""
    return ((output - target) ** 2).mean()


def naive_log(output: Tensor, target: Tensor) -> Tensor:
    """Cross entropy by hand: the logarithm of probabilities that reach zero."""
    share = output.exp() / output.exp().sum(1, keepdim=True)
    return -torch.log(share[torch.arange(len(target)), target]).mean()


def distance(output: Tensor, target: Tensor) -> Tensor:
    """The root of a squared error, example by example, whose slope at zero is infinite."""
    error = (output.squeeze(1) - target).abs() - 0.5
    return torch.sqrt(error * (error > 0)).mean()
