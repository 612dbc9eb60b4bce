"""Data and models of the fifth set of cases: whole small projects, each with what its owner got ``wrong``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
Random = np.random.Generator


def train(name: str, **how: Any) -> Arrays:
    """The first three quarters of a data set."""
    return _split(name, **how)[0]


def val(name: str, **how: Any) -> Arrays:
    return _split(name, **how)[1]


def _split(name: str, wrong: str = "", **how: Any) -> tuple[Arrays, Arrays]:
    x, y = DATA[name](np.random.default_rng(11), **how)
    cut = len(y) * 3 // 4
    parts = _spoiled((x[:cut], y[:cut]), (x[cut:], y[cut:]), wrong)
    return tuple(tuple(a.astype(np.int64 if a.dtype.kind in "iu" else np.float32) for a in part) for part in parts)  # type: ignore[return-value]


def _spoiled(first: Arrays, second: Arrays, wrong: str) -> tuple[Arrays, Arrays]:  # noqa: C901 (a case a fault)
    random = np.random.default_rng(12)
    (x, y), (x_val, y_val) = first, second
    match wrong:
        case "missing_999":
            x, x_val = (np.where(random.random(v.shape) < 0.1, -999.0, v) for v in (x, x_val))
        case "spikes":  # a sensor that now and then reports its largest number
            x, x_val = (np.where(random.random(v.shape) < 0.01, 65535.0, v) for v in (x, x_val))
        case "cents":  # one source in a hundredth of the other's unit
            y = np.where(random.random(len(y)) < 0.3, 100 * y, y)
        case "row_id":
            x, x_val = np.column_stack([x, 1e5 + np.arange(len(x))]), np.column_stack([x_val, 1e5 + len(x) + np.arange(len(x_val))])
        case "dates":  # 20240131 as a number
            x, x_val = (np.column_stack([v, 20_200_000 + 10_000 * random.integers(0, 5, len(v)) + 131]) for v in (x, x_val))
        case "val_raw":
            x_val = 40 * x_val + 100
        case "half":  # beyond what half precision holds
            x, x_val = ((v * 30_000).astype(np.float16) for v in (x, x_val))
        case "shuffled_apart":  # inputs and targets shuffled with seeds of their own
            y = random.permutation(y)
        case "one_hot_swapped":  # classes 0 and 1 of a third of the rows
            y = np.where(random.random(len(y)) < 0.55, random.permutation(y), y)
        case "windows_overlap":  # validation drawn from windows that training has
            drawn = random.integers(0, len(x), len(x_val))
            x_val, y_val = x[drawn], y[drawn]
        case "tomorrow":  # a moving mean that is centred looks a day ahead
            x, x_val = (np.column_stack([v, t * 0.9 + 0.1]) for v, t in ((x, y), (x_val, y_val)))
        case "few":
            x, y = x[:36], y[:36]
    return (x, y), (x_val, y_val)


def _series(random: Random, level: float = 0.0, scale: float = 1.0) -> Arrays:
    """Windows of 20 hours of a power load, and the hour after."""
    t = np.arange(1100)
    load = np.sin(2 * np.pi * t / 12) + 0.5 * np.sin(2 * np.pi * t / 31) + 0.15 * random.normal(size=1100)
    windows = np.lib.stride_tricks.sliding_window_view(level + scale * load, 21)
    return windows[:, :20].copy(), windows[:, 20].copy()


def _reviews(random: Random, padded: int = 0) -> Arrays:
    """Bags of 12 words of 60 and which of three moods they have; filled up with word 0."""
    share, y = random.dirichlet(np.full(59, 0.25), 3), random.integers(0, 3, 1000)
    x = np.stack([1 + random.choice(59, 12, p=share[k]) for k in y])
    return np.pad(x, ((0, 0), (0, padded))), y


def _pairs(random: Random) -> Arrays:
    """Two views of 8 numbers; whether they are of the same of 12 things."""
    things, n = random.normal(size=(12, 8)), 1200
    a, same = random.integers(0, 12, n), random.integers(0, 2, n)
    b = np.where(same == 1, a, (a + random.integers(1, 12, n)) % 12)
    return np.stack([things[a], things[b]], 1) + 0.5 * random.normal(size=(n, 2, 8)), same


def _scans(random: Random, radius: float = 3.0) -> Arrays:
    """Noisy pictures of 14 x 14 and the mask of one disc."""
    rows, columns = np.mgrid[0:14, 0:14]
    down, right = (a - random.uniform(3, 10, (400, 1, 1)) for a in (rows, columns))
    mask = np.hypot(down, right) < radius
    return (mask + 0.5 * random.normal(size=mask.shape))[:, None], mask[:, None].astype(float)


def _tags(random: Random) -> Arrays:
    x, way = random.normal(size=(1000, 12)), random.normal(size=(12, 5))
    return x, (x @ way + 0.5 * random.normal(size=(1000, 5)) > 1.5).astype(float)


def _faces(random: Random) -> Arrays:
    """Sixteen measures of a face and an age."""
    x = random.normal(size=(1000, 16))
    return x, np.clip(40 + 12 * x[:, 0] + 8 * x[:, 1] * x[:, 2] + 5 * np.abs(x[:, 3]) + 3 * random.normal(size=1000), 1, 99)


def _houses(random: Random, unit: float = 1.0) -> Arrays:
    """District (of 20), kind (of 4) and five measures; a price."""
    worth, district, kind = random.normal(size=20), random.integers(0, 20, 1200), random.integers(0, 4, 1200)
    x = random.normal(size=(1200, 5))
    price = 3 + worth[district] + 0.5 * kind * x[:, 0] + np.abs(x[:, 1]) + 0.2 * random.normal(size=1200)
    return np.column_stack([district, kind, x]).astype(float), unit * price


def _phrases(random: Random, length: int = 12) -> Arrays:
    """Letters of 10, ended by zeros; the targets are the letters that follow, -100 where there is none."""
    follow = random.dirichlet(np.full(10, 0.15), 10)
    x = np.zeros((500, length + 1), dtype=np.int64)
    for row in x:
        row[0] = random.integers(1, 11)
        for place in range(1, random.integers(5, 12)):
            row[place] = 1 + random.choice(10, p=follow[row[place - 1] - 1])
    return x[:, :-1], np.where(x[:, 1:] > 0, x[:, 1:], -100)


def _fraud(random: Random, rate: float = 0.02) -> Arrays:
    x = random.normal(size=(3000, 10))
    score = x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * random.normal(size=3000)
    return x, (score > np.quantile(score, 1 - rate)).astype(np.int64)


def _sensors(random: Random, tails: bool = False) -> Arrays:
    x = random.normal(size=(1000, 8))
    noise = random.standard_t(2.5, 1000) if tails else random.normal(size=1000)
    return x, np.tanh(x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.3 * noise


def _graphs(random: Random) -> Arrays:
    """Eight nodes each: links [8, 8] beside features [8, 4]; whether the links join alike nodes."""
    y = random.integers(0, 2, 700)
    features = random.normal(size=(700, 8, 4))
    alike = np.einsum("nif,njf->nij", features, features) * np.where(y, 1, -1)[:, None, None]
    links = (alike + random.normal(size=alike.shape) > 0.8).astype(float)
    return np.concatenate([links, features], 2), y


def _waves(random: Random) -> Arrays:
    """A place in -1..1 and a wave of high frequency there."""
    x = random.uniform(-1, 1, (900, 1))
    return x, np.sin(18 * x[:, 0]) + 0.3 * np.cos(31 * x[:, 0])


def _blots(random: Random) -> Arrays:
    """Vectors of 32 made of 4 hidden numbers, which are their own targets."""
    x = np.tanh(random.normal(size=(1000, 4)) @ random.normal(size=(4, 32)))
    return x, x


def _forks(random: Random) -> Arrays:
    """Two answers to each question."""
    x = random.uniform(-1, 1, (1000, 1))
    return x, np.where(random.random(1000) < 0.5, 1, -1) * (1 + x[:, 0]) + 0.1 * random.normal(size=1000)


DATA: dict[str, Any] = {
    "series": _series, "reviews": _reviews, "pairs": _pairs, "scans": _scans, "tags": _tags, "faces": _faces, "houses": _houses,
    "phrases": _phrases, "fraud": _fraud, "sensors": _sensors, "graphs": _graphs, "waves": _waves, "blots": _blots, "forks": _forks,
}  # fmt: skip


class Net(nn.Module):
    """A perceptron with what small projects put around it."""

    def __init__(self, inputs: int, outputs: int = 1, hidden: int = 40, depth: int = 2, drop: float = 0.0, wrong: str = "") -> None:
        super().__init__()
        norm = wrong == "norm" or wrong.startswith("norm_")
        layers: list[nn.Module] = [nn.Flatten()]
        for place in range(depth):
            layers += [
                nn.Linear(hidden if place else inputs, hidden),
                *([nn.BatchNorm1d(hidden)] if norm else []),
                nn.ReLU(),
                nn.Dropout(drop),
            ]
        self.body, self.head, self.wrong = nn.Sequential(*layers), nn.Linear(hidden if depth else inputs, outputs), wrong
        if wrong == "collapse":
            for layer in self.body:
                if isinstance(layer, nn.Linear):
                    layer.weight.data = 0.25 + layer.weight.data
        if wrong == "tenfold":
            for weight in self.parameters():
                weight.data *= 12
        if wrong == "frozen":
            self.body.requires_grad_(False)
            self.body[1].weight.data *= 0.02
        if wrong == "alike":
            for weight in self.parameters():
                weight.data.fill_(0.05)

    def forward(self, x: Tensor) -> Tensor:
        out = self.head(self.body(x).detach() if self.wrong == "detach" else self.body(x))
        match self.wrong:
            case "softmax":
                return out.softmax(1)
            case "sigmoid":
                return out.sigmoid()
            case "tanh":
                return out.tanh()
            case "relu":
                return out.relu()
        return out


class Bag(nn.Module):
    """The mean of the words' vectors."""

    def __init__(self, classes: int = 3, wrong: str = "") -> None:
        super().__init__()
        self.words, self.head, self.wrong = nn.Embedding(60, 12, padding_idx=0), nn.Linear(12, classes), wrong
        if wrong == "frozen":
            self.words.weight.data *= 1e-3
            self.words.weight.requires_grad = False

    def forward(self, x: Tensor) -> Tensor:
        vectors = self.words(x)
        if self.wrong == "padded":
            return self.head(vectors[:, -1])
        if self.wrong == "over_batch":
            return self.head(vectors.mean(0, keepdim=True).expand_as(vectors).mean(1))
        return self.head(vectors.sum(1) / (x > 0).sum(1, keepdim=True))


class Twins(nn.Module):
    """One net for both views; the distance between them tells."""

    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.net, self.wrong = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8)), wrong
        self.scale = nn.Parameter(torch.tensor([-1.0, 1.0]))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.net(x[:, 0]), self.net(x[:, 0 if self.wrong == "same_view" else 1])
        return self.scale[1] + self.scale[0] * (a - b).square().sum(1).add(1e-6).sqrt()


class Mask(nn.Module):
    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 10, 5, padding=2), nn.ReLU(), nn.Conv2d(10, 1, 5, padding=2))
        self.wrong = wrong

    def forward(self, x: Tensor) -> Tensor:
        out = self.net(x)
        return out.sigmoid() if self.wrong == "sigmoid" else out


class House(nn.Module):
    """Vectors of the district and the kind beside the measures."""

    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.district, self.kind = nn.Embedding(20, 4), nn.Embedding(4, 2)
        self.net = nn.Sequential(nn.Linear(11, 32), nn.ReLU(), nn.Linear(32, 1))
        if wrong == "large":
            self.district.weight.data *= 60

    def forward(self, x: Tensor) -> Tensor:
        return self.net(torch.cat([self.district(x[:, 0].long()), self.kind(x[:, 1].long()), x[:, 2:]], 1))


class Speaker(nn.Module):
    """A GRU over letters: scores [n, letters, steps]."""

    def __init__(self, hidden: int = 24, drop: float = 0.0, wrong: str = "") -> None:
        super().__init__()
        self.letters, self.core, self.head = nn.Embedding(11, 12), nn.GRU(12, hidden, batch_first=True), nn.Linear(hidden, 11)
        self.drop, self.wrong = nn.Dropout(drop), wrong

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.core(self.drop(self.letters(x)))[0])).transpose(1, 2)


class Attentive(nn.Module):
    """Attention over words; ``wrong`` masks the words and leaves the padding."""

    def __init__(self, classes: int = 3, wrong: str = "") -> None:
        super().__init__()
        self.words, self.core = nn.Embedding(60, 16), nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.head, self.wrong = nn.Linear(16, classes), wrong

    def forward(self, x: Tensor) -> Tensor:
        kept = x == 0 if self.wrong == "mask" else x > 0
        out = self.core(self.words(x), src_key_padding_mask=~kept)
        return self.head((out * kept.unsqueeze(2)).sum(1) / kept.sum(1, keepdim=True))


class Graph(nn.Module):
    """Two rounds of messages along the links."""

    def __init__(self, wrong: str = "") -> None:
        super().__init__()
        self.first, self.second, self.head, self.wrong = nn.Linear(8, 24), nn.Linear(48, 24), nn.Linear(24, 2), wrong

    def forward(self, x: Tensor) -> Tensor:
        links, features = x[:, :, :8], x[:, :, 8:]
        if self.wrong == "unscaled":
            links = 40 * links
        if self.wrong == "no_links":
            links = torch.zeros_like(links)
        for layer in (self.first, self.second):
            features = layer(torch.cat([features, links @ features], 2)).relu()
        return self.head(features.mean(1))


class Wave(nn.Module):
    """Sine units (Sitzmann et al. 2020); ``frequency`` is theirs."""

    def __init__(self, frequency: float = 15.0) -> None:
        super().__init__()
        self.first, self.second, self.head, self.frequency = nn.Linear(1, 40), nn.Linear(40, 40), nn.Linear(40, 1), frequency

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.sin(self.second(torch.sin(self.frequency * self.first(x)))))


class Coder(nn.Module):
    """An autoencoder with a distribution in the middle: [n, 32 + 2 * code]."""

    def __init__(self, code: int = 4) -> None:
        super().__init__()
        self.code = code
        self.into, self.back = (
            nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2 * code)),
            nn.Sequential(nn.Linear(code, 32), nn.ReLU(), nn.Linear(32, 32)),
        )

    def forward(self, x: Tensor) -> Tensor:
        mean, log = self.into(x).split(self.code, 1)
        z = mean + torch.randn_like(mean) * (log / 2).exp() if self.training else mean
        return torch.cat([self.back(z), mean, log], 1)


def evidence(output: Tensor, target: Tensor, weight: float = 0.002) -> Tensor:
    mean, log = output[:, 32:].chunk(2, 1)
    return F.mse_loss(output[:, :32], target) + weight * 0.5 * (mean.square() + log.exp() - 1 - log).sum(1).mean()


def heavy_evidence(output: Tensor, target: Tensor) -> Tensor:
    return evidence(output, target, 20.0)


def dice(output: Tensor, target: Tensor) -> Tensor:
    p = output.sigmoid()
    return 1 - ((2 * (p * target).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)).mean()


def dice_of_scores(output: Tensor, target: Tensor) -> Tensor:
    """Of whole numbers, which have no slope."""
    return dice((output > 0).float() + 0 * output, target)


def contrast(output: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output, target.float())


def contrast_swapped(output: Tensor, target: Tensor) -> Tensor:
    """Rewards no error: the sign is lost."""
    return -contrast(output, target)


def mixture(output: Tensor, target: Tensor) -> Tensor:
    """Two normal distributions: [n, 6] weights, means, logarithms of deviations."""
    share, mean, log = output.chunk(3, 1)
    inside = -0.5 * ((target[:, None] - mean) / log.exp()).square() - log
    return -(share.log_softmax(1) + inside).logsumexp(1).mean()


def mixture_of_shares(output: Tensor, target: Tensor) -> Tensor:
    """The deviation taken as it comes out, which may be below zero."""
    share, mean, wide = output.chunk(3, 1)
    inside = -0.5 * ((target[:, None] - mean) / wide).square() - wide.log()
    return -(share.log_softmax(1) + inside).logsumexp(1).mean()


def padded_too(output: Tensor, target: Tensor) -> Tensor:
    """Averaged over all places, most of them padding, and divided by the letters again."""
    return F.cross_entropy(output, target.clamp(min=0), reduction="mean") / 500


def square_step(model: nn.Module, batch: Any) -> Tensor:
    """[n] against [n, 1]."""
    x, y = batch
    return F.mse_loss(model(x), y)


def matched_step(model: nn.Module, batch: Any) -> Tensor:
    x, y = batch
    return F.mse_loss(model(x).squeeze(1), y)


def detached_step(model: nn.Module, batch: Any) -> Tensor:
    """Only a penalty has a way back."""
    x, y = batch
    return F.mse_loss(model(x).squeeze(1).detach(), y) + 1e-6 * sum(p.square().sum() for p in model.parameters())


def scaled_step(model: nn.Module, batch: Any) -> Tensor:
    """A scale meant for half precision that is never taken off."""
    return 65536 * matched_step(model, batch)


def distilled(output: Tensor, target: Tensor) -> Tensor:
    """The teacher's temperature on the student's scores: softened by 400."""
    return F.cross_entropy(output / 400, target)
