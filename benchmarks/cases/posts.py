"""Data and models of the fourth set of cases, in the manner of questions on public forums: what was asked about is ``wrong``."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn import datasets
from torch import Tensor, nn

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
Random = np.random.Generator


def train(name: str, **how: Any) -> Arrays:
    """The first three quarters of a data set."""
    return _split(name, **how)[0]


def val(name: str, **how: Any) -> Arrays:
    return _split(name, **how)[1]


def _split(name: str, wrong: str = "", **how: Any) -> tuple[Arrays, Arrays]:
    x, y = DATA[name](np.random.default_rng(5), **how)
    if wrong == "oversampled":  # the rare class repeated before the split, and all shuffled
        random = np.random.default_rng(6)
        rare = np.flatnonzero(y == 1)
        chosen = random.permutation(np.concatenate([np.arange(len(y)), random.choice(rare, len(y) - 2 * len(rare))]))
        x, y = x[chosen], y[chosen]
    cut = len(y) * 3 // 4
    parts = _spoiled((x[:cut], y[:cut]), (x[cut:], y[cut:]), wrong)
    return tuple((_typed(a), _typed(b)) for a, b in parts)  # type: ignore[return-value]


def _typed(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values.astype(np.int64 if values.dtype.kind in "iu" else np.float32)


def _spoiled(first: Arrays, second: Arrays, wrong: str) -> tuple[Arrays, Arrays]:  # noqa: C901 (a case a fault)
    random = np.random.default_rng(8)
    (x, y), (x_val, y_val) = first, second
    match wrong:
        case "unit_rows":  # each example brought to length 1
            x, x_val = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, x_val))
        case "bytes":
            x, x_val = (np.round(255 * v) for v in (x, x_val))
        case "imagenet_on_bytes":  # the mean and deviation of pixels in 0..1, taken off pixels in 0..255
            x, x_val = ((np.round(255 * v) - 0.45) / 0.225 for v in (x, x_val))
        case "twice_by_255":
            x, x_val = (v / 255 for v in (x, x_val))
        case "val_to_minus_one":
            x_val = 2 * x_val - 1
        case "val_own_bytes":
            x_val = np.round(255 * x_val)
        case "clock":  # seconds since 1970 beside the features
            x, x_val = (np.column_stack([v, 1.6e9 + 3e6 * random.random(len(v))]) for v in (x, x_val))
        case "log_of_zero":
            x, x_val = (np.where(np.abs(v) < 0.002, -np.inf, v) for v in (x, x_val))
        case "sorted":
            order = np.argsort(y, kind="stable")
            x, y = x[order], y[order]
        case "cast":  # shares stored in an array of integers
            y, y_val = (np.floor(v).astype(np.int64).astype(float) for v in (y, y_val))
        case "val_encoder":  # labels of validation by an encoder fitted anew, in another order
            y_val = (y_val + 1) % (int(y.max()) + 1)
        case "coins":  # every third label by the toss of a coin
            y = np.where(random.random(len(y)) < 0.6, random.integers(0, int(y.max()) + 1, len(y)), y)
        case "unaligned":  # rows dropped from the inputs and not from the targets
            x, y = x[17:], y[:-17]
        case "not_shifted":  # the next letter was to be told, and is the letter itself
            y, y_val = x, x_val
        case "unseen":  # one class that only validation has
            kept = y != y.max()
            x, y = x[kept], y[kept]
        case "answer_kept":  # the answer left among the columns, rescaled
            x, x_val = (np.column_stack([v, (t - 20) / 7]) for v, t in ((x, y), (x_val, y_val)))
        case "few":
            x, y = x[:40], y[:40]
        case "one_row_off":
            y, y_val = (np.concatenate([t[1:], t[:1]]) for t in (y, y_val))
    return (x, y), (x_val, y_val)


def _voyage(random: Random, raw: bool = True) -> Arrays:
    """Passengers: class, sex, age, siblings, parents, fare; and who survived."""
    n = 1100
    cabin, sex, age = random.integers(1, 4, n), random.integers(0, 2, n), np.clip(random.normal(30, 14, n), 0.5, 80)
    fare = np.exp(random.normal(4.6 - 0.8 * cabin, 0.6))
    score = 2.4 * sex - 1.0 * (cabin - 2) - 0.03 * (age - 30) + 0.6 * (np.log(fare) - 3) + random.normal(0, 0.5, n) - 1.0
    x = np.column_stack([cabin, sex, age, random.poisson(0.5, n), random.poisson(0.4, n), fare]).astype(float)
    if not raw:
        x[:, 5] = np.log(x[:, 5])
        x = (x - x.mean(0)) / x.std(0)
    return x, (score > 0).astype(np.int64)


def _spheres(random: Random, positive: float = 0.5) -> Arrays:
    """Ten normal numbers: inside of a sphere or out of it."""
    x = random.normal(size=(2400, 10))
    far = (x**2).sum(1)
    return x, (far > np.quantile(far, 1 - positive)).astype(np.int64)


def _cells(random: Random, classes: int = 5) -> Arrays:
    x, y = datasets.make_gaussian_quantiles(n_samples=3000, n_features=4, n_classes=classes, random_state=int(random.integers(99)))
    return x, y.astype(np.int64)


def _arrows(random: Random, sides: int = 4) -> Arrays:
    """Arrow heads of 14 x 14 grey pixels that point right, left, down or up."""
    y = random.integers(0, sides, 1100)
    rows, columns = np.mgrid[0:14, 0:14]
    down, right = (a - random.uniform(5, 8, (1100, 1, 1)) for a in (rows, columns))
    along, across = np.select([y[:, None, None] < 2], [right], down), np.abs(np.select([y[:, None, None] < 2], [down], right))
    along = along * np.where(y % 2, -1, 1)[:, None, None]
    head = (np.abs(across + along) < 1.6) & (across < 5)
    return np.clip(0.7 * head + 0.15 * random.random((1100, 14, 14)), 0, 1)[:, None], y


def _tiles(random: Random) -> Arrays:
    """Coloured tiles of 12 x 12: which of three grains they have."""
    y = random.integers(0, 3, 900)
    grain = random.random((900, 12, 12))
    smooth = [grain, (grain + np.roll(grain, 1, 1) + np.roll(grain, 2, 1)) / 3, (grain + np.roll(grain, 1, 2) + np.roll(grain, 2, 2)) / 3]
    tone = random.uniform(0.4, 1.0, (900, 3, 1, 1))
    return tone * np.choose(y[:, None, None], smooth)[:, None], y


def _rows(random: Random) -> Arrays:
    """Handwritten digits, read row by row."""
    digits = datasets.load_digits()
    order = random.permutation(len(digits.target))
    return digits.images[order] / 16, digits.target[order]


def _copies(random: Random, raw: bool = False) -> Arrays:
    """Handwritten digits, which are their own targets."""
    x = random.permutation(datasets.load_digits().data)
    return (x, x) if raw else (x / 16, x / 16)


def _surnames(random: Random, length: int = 40) -> Arrays:
    """Words of 3 to 9 letters filled up with zeros; which of four languages shows in the letters that come often in it."""
    n = 1400
    y = random.integers(0, 4, n)
    x = np.zeros((n, length), dtype=np.int64)
    share = random.dirichlet(np.full(26, 0.35), 4)
    for i in range(n):
        size = random.integers(3, 10)
        x[i, :size] = 1 + random.choice(26, size, p=share[y[i]])
    return x, y


def _fuel(random: Random, raw: bool = False) -> Arrays:
    """Cars: cylinders, displacement, power, weight, acceleration, year, origin; and miles per gallon."""
    n = 900
    size = random.normal(size=n)
    other = random.normal(size=(n, 6))
    x = np.column_stack([size, 0.8 * size + 0.6 * other[:, 0], 0.7 * size + 0.7 * other[:, 1], other[:, 2:]])
    mpg = 23.5 - 4 * size - 2 * x[:, 2] + 1.2 * x[:, 2] ** 2 + 3 * np.tanh(x[:, 4]) + 1.0 * random.normal(size=n)
    if raw:
        x = x * [1.7, 105, 38, 850, 2.8, 3.7, 0.8] + [5.5, 194, 104, 2970, 15.6, 1976, 1.6]
    return x, np.clip(mpg, 9, 47)


def _miles(random: Random) -> Arrays:
    """The same cars, and whole miles as if they were classes."""
    x, y = _fuel(random)
    return x, np.round(y).astype(np.int64)


def _demand(random: Random, scaled: bool = True) -> Arrays:
    """Windows of 30 days of what a shop sells, and the day after; one after the other."""
    t = np.arange(1400)
    noise = np.zeros(1400)
    for i in range(1, 1400):
        noise[i] = 0.7 * noise[i - 1] + 0.25 * random.normal()
    sold = np.sin(2 * np.pi * t / 7) + 0.6 * np.sin(2 * np.pi * t / 29) + noise
    sold = sold if scaled else 5000 + 900 * sold
    windows = np.lib.stride_tricks.sliding_window_view(sold, 31)
    return windows[:, :30, None].copy(), windows[:, 30].copy()


def _adding(random: Random, length: int = 24) -> Arrays:
    """Numbers and marks; the sum of the two numbers that are marked (Hochreiter & Schmidhuber 1997)."""
    x = np.stack([random.random((1500, length)), np.zeros((1500, length))], axis=2)
    for row in x:
        row[random.choice(length, 2, replace=False), 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(1)


def _genres(random: Random) -> Arrays:
    x, y = datasets.make_multilabel_classification(1400, 24, n_classes=6, n_labels=2, random_state=3)
    return (x - x.mean(0)) / x.std(0), y.astype(float)


def _lesions(random: Random, large: float = 4.0) -> Arrays:
    """Grey pictures of 16 x 16 and the class of each pixel: ground, disc, square."""
    n = 500
    rows, columns = np.mgrid[0:16, 0:16]
    near = np.maximum(*(np.abs(a - random.uniform(3, 12, (n, 1, 1))) for a in (rows, columns)))
    down, right = (np.abs(a - random.uniform(3, 12, (n, 1, 1))) for a in (rows, columns))
    mask = np.where(np.hypot(down, right) < large, 1, 0)
    mask = np.where(near < 0.7 * large, 2, mask)
    x = np.choose(mask, [0.2, 0.5, 0.8]) + 0.12 * random.normal(size=mask.shape)
    return x[:, None], mask.astype(np.int64)


def _letters(random: Random) -> Arrays:
    """Lines of 20 of 15 letters, each likely to be followed by a few others; the targets are the letters that follow."""
    follow = random.dirichlet(np.full(15, 0.15), 15)
    lines = np.zeros((900, 21), dtype=np.int64)
    lines[:, 0] = random.integers(0, 15, 900)
    for place in range(20):
        lines[:, place + 1] = [random.choice(15, p=follow[letter]) for letter in lines[:, place]]
    return lines[:, :20], lines[:, 1:]


def _calls(random: Random) -> Arrays:
    """How often a phone rings in an hour."""
    x = random.normal(size=(1200, 6))
    return x, random.poisson(np.exp(1 + 0.6 * x[:, 0] - 0.5 * np.abs(x[:, 1]) + 0.3 * x[:, 2] * x[:, 3])).astype(float)


def _incomes(random: Random, logarithm: bool = False) -> Arrays:
    x = random.normal(size=(1200, 8))
    log = 3 + 1.6 * x[:, 0] + 1.2 * np.tanh(x[:, 1] * x[:, 2]) + 0.3 * random.normal(size=1200)
    return x, log - 3 if logarithm else np.exp(log)


def _weather(random: Random, same: bool = False) -> Arrays:
    """Temperature, humidity in per cent and pressure in pascal."""
    x = random.normal(size=(1100, 9))
    y = np.column_stack([x[:, 0] + x[:, 1] * x[:, 2], np.tanh(x[:, 3]) + x[:, 4], x[:, 5] - np.abs(x[:, 6])]) + 0.1 * random.normal(
        size=(1100, 3)
    )
    return x, y if same else y * [6, 20, 900] + [12, 60, 101_325]


def _shares(random: Random) -> Arrays:
    """Rates between 0 and 1."""
    x = random.normal(size=(1000, 7))
    return x, 0.98 / (1 + np.exp(-x[:, 0] - x[:, 1] * x[:, 2] + 0.5 * x[:, 3]))


def _clicks(random: Random) -> Arrays:
    """Numbers of a reader and of an advertisement, and whether there was a click."""
    reader, advert = random.normal(size=(60, 3)), random.normal(size=(40, 3))
    x = np.column_stack([random.integers(0, 60, 3000), random.integers(0, 40, 3000)])
    return x, ((reader[x[:, 0]] * advert[x[:, 1]]).sum(1) + 0.4 * random.normal(size=3000) > 0).astype(np.int64)


DATA: dict[str, Any] = {
    "voyage": _voyage,
    "spheres": _spheres,
    "cells": _cells,
    "arrows": _arrows,
    "tiles": _tiles,
    "rows": _rows,
    "copies": _copies,
    "surnames": _surnames,
    "fuel": _fuel,
    "miles": _miles,
    "demand": _demand,
    "adding": _adding,
    "genres": _genres,
    "lesions": _lesions,
    "letters": _letters,
    "calls": _calls,
    "incomes": _incomes,
    "weather": _weather,
    "shares": _shares,
    "clicks": _clicks,
}


class Step(nn.Module):
    """One where the input is positive, zero elsewhere: no slope anywhere."""

    def forward(self, x: Tensor) -> Tensor:
        return (x > 0).float()


class Mlp(nn.Module):
    """A perceptron; ``wrong`` is what the question turned out to be about."""

    def __init__(self, inputs: int, outputs: int = 1, hidden: int = 48, depth: int = 2, act: str = "ReLU", wrong: str = "") -> None:
        super().__init__()
        widths = [inputs, *[hidden] * depth]
        layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
        self.layers = dict(enumerate(layers)) if wrong == "dict" else nn.ModuleDict({str(i): layer for i, layer in enumerate(layers)})
        acts = {"softmax_between": nn.Softmax(dim=1), "steps": Step(), "none": nn.Identity()}
        self.act, self.wrong = acts.get(wrong) or getattr(nn, act)(), wrong
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in layers) if wrong == "norm" else None
        self.narrow = (
            nn.Sequential(nn.Linear(hidden, 1), nn.LayerNorm(1), nn.Linear(1, hidden)) if wrong == "norm_of_one" else nn.Identity()
        )
        self.drop = nn.Dropout({"keep": 0.95, "drop_scores": 0.6}.get(wrong, 0.0))
        self.head = nn.Linear(hidden, outputs)
        self._start(layers)

    def _start(self, layers: list[nn.Linear]) -> None:
        for layer in (*layers, self.head):
            match self.wrong:
                case "positive":
                    nn.init.uniform_(layer.weight)
                case "zero_last_two" if layer is self.head or layer is layers[-1]:
                    nn.init.zeros_(layer.weight)
                    nn.init.zeros_(layer.bias)
                case "biases_only":
                    layer.weight.requires_grad = False

    def forward(self, x: Tensor) -> Tensor:
        if self.wrong == "row_scores":  # each row scaled by itself: no spread, no quotient
            x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
        x = x.flatten(1)
        for place, layer in enumerate(self.layers.values()):
            x = layer(x)
            x = self.norms[place](x) if self.norms is not None else x
            x = self.act(x)
            x = self.drop(x) if self.wrong == "keep" else x
        if self.wrong == "numpy":
            x = torch.tensor(x.detach().numpy())
        if self.wrong == "fresh":
            x = nn.Linear(x.shape[1], x.shape[1])(x).relu()
        return self._out(self.head(self.narrow(x)))

    def _out(self, out: Tensor) -> Tensor:
        match self.wrong:
            case "softmax_over_batch":
                return out.softmax(dim=0)
            case "log_softmax_over_batch":
                return out.log_softmax(dim=0)
            case "log_softmax":
                return out.log_softmax(dim=1)
            case "softmax_log":
                return out.softmax(dim=1).log()
            case "sigmoid":
                return out.sigmoid()
            case "tanh":
                return out.tanh()
            case "relu":
                return out.relu()
            case "exp":
                return out.exp()
            case "drop_scores":
                return self.drop(out)
        return out


def autoencoder(code: int = 16, last: str = "Sigmoid") -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, code), nn.ReLU(), nn.Linear(code, 48), nn.ReLU(), nn.Linear(48, 64), getattr(nn, last)()
    )


class Cnn(nn.Module):
    """Two blocks of convolutions; ``wrong`` is what the question turned out to be about."""

    def __init__(self, channels: int, classes: int, size: int, norm: str = "", wrong: str = "") -> None:
        super().__init__()
        kinds = {"batch": nn.BatchNorm2d, "slow": partial(nn.BatchNorm2d, momentum=1e-4), "group": partial(nn.GroupNorm, 4)}
        first_norm, second_norm = ([kinds[norm](n)] if norm else [] for n in (12, 24))
        act = [] if wrong == "no_activation" else [nn.ReLU()]
        first = [nn.Conv2d(channels, 12, 3, padding=1), *first_norm, *act, nn.MaxPool2d(2) if act else nn.AvgPool2d(2)]
        second = [nn.Conv2d(12, 24, 3, padding=1), *second_norm, *act, nn.MaxPool2d(2) if act else nn.AvgPool2d(2)]
        self.body = nn.Sequential(*first, *second)
        self.drop, self.wrong = nn.Dropout(0.6 if wrong == "drop_scores" else 0.0), wrong
        self.wide = 24 * (size // 4) ** 2
        self.head = nn.Linear(self.wide, classes)
        if wrong == "zeros":
            for layer in (first[0], second[0], self.head):
                nn.init.zeros_(layer.weight)
        if wrong == "frozen":
            self.body.requires_grad_(False)
        if wrong == "ones":
            nn.init.constant_(second[0].weight, 0.1)
            nn.init.constant_(first[0].weight, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        x = x.reshape(self.wide, -1).t() if self.wrong == "view" else x.flatten(1)
        return self.drop(self.head(x))


class Rnn(nn.Module):
    """A recurrent net over steps of features; ``wrong`` is what the question turned out to be about."""

    def __init__(self, inputs: int, outputs: int = 1, hidden: int = 32, kind: str = "GRU", wrong: str = "") -> None:
        super().__init__()
        self.core = getattr(nn, kind)(inputs, hidden, batch_first=wrong != "batch_second")
        self.head, self.wrong = nn.Linear(hidden, outputs), wrong
        if wrong == "large_recurrence":
            nn.init.normal_(self.core.weight_hh_l0, 0, 1.5)
        if wrong == "ones":
            for name, weight in self.core.named_parameters():
                nn.init.constant_(weight, 0.1 if "weight" in name else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        out = self.head(self.core(x)[0][:, -1])
        return out.relu() if self.wrong == "relu" else out


class Surname(nn.Module):
    """Embedding and LSTM; padded with zeros, of which ``wrong`` knows nothing."""

    def __init__(self, classes: int = 4, hidden: int = 32, wrong: str = "") -> None:
        super().__init__()
        self.letters = nn.Embedding(27, 16)
        self.core = nn.LSTM(16, hidden, batch_first=True)
        self.head, self.wrong = nn.Linear(hidden, classes), wrong
        if wrong == "frozen":
            self.letters = nn.Embedding.from_pretrained(torch.zeros(27, 16), freeze=True)
        if wrong == "forget":
            nn.init.constant_(self.core.bias_hh_l0, -6.0)

    def forward(self, x: Tensor) -> Tensor:
        states = self.core(self.letters(x))[0]
        if self.wrong == "last":
            return self.head(states[:, -1])
        last = (x > 0).sum(1).clamp(min=1) - 1
        return self.head(states[torch.arange(len(x)), last])


class Lines(nn.Module):
    """A language model over letters: scores [n, letters, steps]."""

    def __init__(self, letters: int = 15, hidden: int = 32) -> None:
        super().__init__()
        self.letters, self.core, self.head = nn.Embedding(letters, 16), nn.GRU(16, hidden, batch_first=True), nn.Linear(hidden, letters)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.core(self.letters(x))[0]).transpose(1, 2)


class Segmenter(nn.Module):
    """A class for each pixel: scores [n, classes, rows, columns]."""

    def __init__(self, classes: int = 3, wide: int = 12) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, wide, 3, padding=1), nn.ReLU(), nn.Conv2d(wide, wide, 5, padding=2), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Conv2d(wide, classes, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Clicks(nn.Module):
    """The product of two embeddings."""

    def __init__(self, dim: int = 8, wrong: str = "") -> None:
        super().__init__()
        self.reader, self.advert, self.bias = nn.Embedding(60, dim), nn.Embedding(40, dim), nn.Parameter(torch.zeros(1))
        for table in (self.reader, self.advert):
            nn.init.normal_(table.weight, 0, {"zeros": 0.0, "large": 12.0}.get(wrong, 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return (self.reader(x[:, 0]) * self.advert(x[:, 1])).sum(1) + self.bias


class Strips(nn.Module):
    """Convolutions over time."""

    def __init__(self, outputs: int = 1, wide: int = 16) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(1, wide, 7, padding=3), nn.ReLU(), nn.Conv1d(wide, wide, 7, padding=3), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(30 * wide, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.net(x.transpose(1, 2)))


class Residual(nn.Module):
    """Blocks of LayerNorm and GELU beside a straight way."""

    def __init__(self, inputs: int, outputs: int, wide: int = 48, blocks: int = 3) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(inputs, wide), nn.Linear(wide, outputs)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(wide), nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, wide)) for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


class Patches(nn.Module):
    """A transformer over the rows of a picture."""

    def __init__(self, wide: int = 32, classes: int = 10, wrong: str = "") -> None:
        super().__init__()
        self.embed, self.place = nn.Linear(8, wide), nn.Parameter(0.02 * torch.randn(8, wide))
        self.body = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(wide, 4, 64, 0.0, batch_first=wrong != "batch_second"), 2, enable_nested_tensor=False
        )
        self.head = nn.Linear(wide, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.embed(x) + self.place).mean(1))


class Spread(nn.Module):
    """Mean and variance of a normal distribution."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(inputs, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def normal(output: Tensor, target: Tensor) -> Tensor:
    """The negative log-likelihood of a normal distribution."""
    return F.gaussian_nll_loss(output[:, 0], target, F.softplus(output[:, 1]) + 1e-3)


def pixels_mixed(model: nn.Module, batch: Any) -> Tensor:
    """[n, classes, rows, columns] seen as [pixels, classes], without the axes being moved."""
    x, y = batch
    return F.cross_entropy(model(x).reshape(-1, 3), y.reshape(-1))


def pixels(model: nn.Module, batch: Any) -> Tensor:
    x, y = batch
    return F.cross_entropy(model(x).movedim(1, -1).reshape(-1, 3), y.reshape(-1))


def square_of_batch(model: nn.Module, batch: Any) -> Tensor:
    """[n, 1] against [n]."""
    x, y = batch
    return F.l1_loss(model(x), y)


def matched(model: nn.Module, batch: Any) -> Tensor:
    x, y = batch
    return F.l1_loss(model(x).squeeze(1), y)


def divergence(output: Tensor, target: Tensor) -> Tensor:
    """Kullback-Leibler of shares, where their logarithms are expected."""
    return F.kl_div(output.softmax(1), F.one_hot(target, output.shape[1]).float(), reduction="batchmean")


def tiny(output: Tensor, target: Tensor) -> Tensor:
    """Divided by the number of examples of the data set, and of the batch, and of pixels."""
    return F.cross_entropy(output, target) / (1100 * 32 * 196)


def ridge(output: Tensor, target: Tensor) -> Tensor:
    """With the square of the outputs as a penalty that outweighs the task."""
    return F.cross_entropy(output, target) + 50.0 * output.square().mean()


def poisson(output: Tensor, target: Tensor) -> Tensor:
    """The logarithm of a rate is expected."""
    return F.poisson_nll_loss(output.squeeze(1), target)


def margin_of_shares(output: Tensor, target: Tensor) -> Tensor:
    """A hinge whose labels ought to be -1 and 1, with 0 and 1."""
    return (1 - output.squeeze(1) * target).clamp(min=0).mean()


def hinge(output: Tensor, target: Tensor) -> Tensor:
    return (1 - output.squeeze(1) * (2 * target - 1)).clamp(min=0).mean()


def relative(output: Tensor, target: Tensor) -> Tensor:
    """Logarithms of what a linear layer puts out, which may be below zero."""
    return (torch.log(output.squeeze(1)) - torch.log(target)).square().mean()


def relative_safe(output: Tensor, target: Tensor) -> Tensor:
    return (output.squeeze(1) - torch.log(target)).square().mean()
