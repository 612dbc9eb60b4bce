"""The data of the probe cases: scikit-learn's bundled sets and generated ones, by name."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def train(name: str, **how: Any) -> Arrays:
    """The training split of a data set."""
    return _split(name, how)[0]


def val(name: str, **how: Any) -> Arrays:
    """The validation split of a data set."""
    return _split(name, how)[1]


def slow(name: str, split: str, wait: float) -> Items:
    """A data set that takes ``wait`` seconds for each example."""
    return Items(*_split(name, {})[split == "val"], wait)


class Items(Dataset[tuple[Any, Any]]):
    """Examples read one by one."""

    def __init__(self, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], wait: float) -> None:
        self.x, self.y, self.wait = x, y, wait

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        time.sleep(self.wait)
        return self.x[place] * np.float32(1 + 1e-6 * np.random.random()), self.y[place]


def dialogues(split: str, answered: float = 1.0) -> Rows:
    """Prompts with answers as a language model is tuned on them: ``answered`` is the share whose answer is left to learn from."""
    random = np.random.default_rng(split == "val")
    items = []
    for _ in range(500 if split == "train" else 200):
        ids = random.integers(1, 30, 16)
        ids[8:] = ids[7::-1]  # the answer is the prompt backwards
        labels = np.where(np.arange(16) < 8, -100, ids)
        items.append({"input_ids": ids, "labels": labels if random.random() < answered else np.full(16, -100)})
    return Rows(items)


class Rows(list[dict[str, Any]], Dataset[dict[str, Any]]):
    """Dictionaries, one an example."""


def dialogues_train(name: str, **how: Any) -> Rows:
    return dialogues("train", **how)


def dialogues_val(name: str, **how: Any) -> Rows:
    return dialogues("val", **how)


def slow_train(name: str, wait: float) -> Items:
    return slow(name, "train", wait)


def slow_val(name: str, wait: float) -> Items:
    return slow(name, "val", wait)


def _split(name: str, how: dict[str, Any]) -> tuple[Arrays, Arrays]:
    x, y = SETS[name]()
    classes = y.dtype.kind in "iu" and y.ndim == 1
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y if classes else None)
    train, val = _changed(x_train, y_train, how), _changed(x_val, y_val, how | {"sort": False, "noise": 0.0, "few": 0})
    return _mixed_up(train, val, how)


def _mixed_up(train: Arrays, val: Arrays, how: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """The faults that lie between the splits, or between inputs and targets."""
    random = np.random.default_rng(2)
    (x, y), (x_val, y_val) = _apart(train, val, how)
    if share := how.get("copied"):  # validation examples taken from training, exactly or but for noise
        count = round(share * len(x_val))
        chosen = random.permutation(len(x))[:count]
        noise = how.get("copied_noise", 0.0) * x.std(axis=0) * random.normal(size=(count, *x.shape[1:]))
        x_val, y_val = x_val.copy(), y_val.copy()
        x_val[:count], y_val[:count] = x[chosen] + noise, y[chosen]
    if "val_scale" in how:
        x_val = (x_val * how["val_scale"] + how.get("val_offset", 0.0)).astype(np.float32)
    if places := how.get("rolled"):
        y = np.roll(y, places)
    if value := how.get("blank"):  # single values of the training inputs
        x = x.copy()
        x.reshape(len(x), -1)[random.integers(0, len(x), 5), 0] = float(value)
    if how.get("identifiers"):  # of no order, and of no meaning
        known = random.permutation(900_000)[: len(x) + len(x_val)] + 100_000.0
        x, x_val = (np.column_stack([v, k]).astype(np.float32) for v, k in ((x, known[: len(x)]), (x_val, known[len(x) :])))
    if how.get("rows"):
        order = np.argsort(y, kind="stable")
        number = np.empty(len(y))
        number[order] = np.arange(len(y))
        x, x_val = (np.column_stack([v, s]).astype(np.float32) for v, s in ((x, number / len(y)), (x_val, random.random(len(y_val)))))
    if how.get("given_away"):
        x, x_val = (np.column_stack([v, 2.0 * t + 1.0]).astype(np.float32) for v, t in ((x, y), (x_val, y_val)))
    return _laid_out((x, y), (x_val, y_val), how)


def _apart(train: Arrays, val: Arrays, how: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """The faults that lie on one side alone."""
    (x, y), (x_val, y_val) = train, val
    if how.get("val_columns"):  # the columns of validation in another order
        x_val = np.ascontiguousarray(np.roll(x_val, 1, axis=1))
    if places := how.get("val_rolled"):
        y_val = np.roll(y_val, places)
    if how.get("decreasing"):  # ever fewer training examples of the later classes
        kept = np.random.default_rng(3).random(len(y)) < 0.55 ** y.astype(float)
        x, y = x[kept], y[kept]
    return (x, y), (x_val, y_val)


def _laid_out(train: Arrays, val: Arrays, how: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """The faults of form: labels from 1, axes in another order, padding."""
    (x, y), (x_val, y_val) = train, val
    if how.get("from_one"):
        y, y_val = y + 1, y_val + 1
    if layout := how.get("layout"):
        x, x_val = (np.moveaxis(v, 1, -1) for v in (x, x_val))
        if layout == "mangled":
            x, x_val = (np.ascontiguousarray(v).reshape(len(v), v.shape[3], *v.shape[1:3]) for v in (x, x_val))
    if width := how.get("padded"):
        x, x_val = (np.pad(v, ((0, 0), (0, width - v.shape[1]))) for v in (x, x_val))
    return (x, y), (x_val, y_val)


def _changed(
    x: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    how: dict[str, Any],
) -> Arrays:
    """The faults that lie in the data: scale, offset, target scale, imbalance, order, wrong labels, too few examples."""
    random = np.random.default_rng(1)
    if rare := how.get("rare"):
        y = (y == how.get("positive", 1)).astype(np.int64)
        keep = np.flatnonzero(y == 0)
        few = np.flatnonzero(y == 1)[: max(4, len(keep) // rare)]
        chosen = random.permutation(np.concatenate([keep, few]))
        x, y = x[chosen], y[chosen]
    if few_examples := how.get("few"):
        x, y = x[:few_examples], y[:few_examples]
    if noise := how.get("noise"):
        flipped = random.random(len(y)) < noise
        y = np.where(flipped, random.integers(0, y.max() + 1, len(y)), y)
    if how.get("sort"):
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    if how.get("outliers"):
        x = x.copy()
        x[random.integers(0, len(x), max(1, len(x) // 100)), random.integers(0, x.shape[1])] *= 1e4
    if "scale" in how or "offset" in how:
        x = x * how.get("scale", 1.0) + how.get("offset", 0.0)
    if "spread" in how:
        x = x * np.logspace(0, how["spread"], x.shape[1])
    if y.dtype.kind == "f":
        y = y * how.get("target_scale", 1.0) + how.get("target_offset", 0.0)
    if how.get("images"):
        x = x.reshape(len(x), 1, 8, 8)
    return x if x.dtype.kind == "i" else x.astype(np.float32), y if y.dtype.kind in "iu" else y.astype(np.float32)


def _standard(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (x - x.mean(0)) / x.std(0)


def _digits() -> Arrays:
    x, y = datasets.load_digits(return_X_y=True)
    return x / 16.0, y


def _bundled(loader: Any, raw: bool) -> Arrays:
    x, y = loader(return_X_y=True)
    return (x if raw else _standard(x)), y


def _spiral(arms: int = 3) -> Arrays:
    random = np.random.default_rng(0)
    label = np.repeat(np.arange(arms), 250)
    radius = random.uniform(0.1, 1, len(label))
    angle = 2 * np.pi * (label / arms + 0.9 * radius) + random.normal(0, 0.1, len(label))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) * 2, label


def _curve(function: Any, low: float, high: float, count: int = 900) -> Arrays:
    x = np.random.default_rng(0).uniform(low, high, (count, 1))
    return x, function(x[:, 0])


def _diabetes(raw: bool) -> Arrays:
    x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    return (x, y) if raw else (_standard(x), (y - y.mean()) / y.std())


def _friedman() -> Arrays:
    x, y = datasets.make_friedman1(900, 10, noise=1.0, random_state=0)
    return _standard(x), (y - y.mean()) / y.std()


def _blobs() -> Arrays:
    return datasets.make_classification(1500, 20, n_informative=8, n_classes=4, class_sep=1.5, random_state=0)


def _moons() -> Arrays:
    return datasets.make_moons(800, noise=0.15, random_state=0)


def _sequences() -> Arrays:
    x = np.random.default_rng(0).normal(size=(1200, 12, 3))
    return x, (x[:, :, 0].sum(1) > 0).astype(np.int64)


def _tokens() -> Arrays:
    x = np.random.default_rng(0).integers(1, 20, (1200, 10))
    return x, (np.isin(x, (3, 7)).sum(1) > 0).astype(np.int64)


def _pictures(size: int, slanted: bool) -> Arrays:
    """Smooth pictures [n, 3, s, s] in three colours: classes by the slant, or by the width, of their stripes."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 900)
    rows, columns = np.mgrid[0:size, 0:size] / 3
    turn, width = (y - 1, np.ones(900)) if slanted else (random.uniform(-1, 1, 900), 0.6 + 0.5 * y)
    wave = np.sin(width[:, None, None] * (rows + turn[:, None, None] * columns) + random.uniform(0, 6, (900, 1, 1)))
    x = np.stack([wave * tone + shade for tone, shade in ((0.2, 0.6), (0.25, 0.5), (0.3, 0.4))], axis=1)
    return np.clip(x + random.normal(0, 0.02, x.shape), 0, 1), y


def _walks() -> Arrays:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 900)
    steps = random.normal(size=(900, 20, 2)) + 0.3 * (2 * y - 1)[:, None, None]
    return steps.cumsum(axis=1) / 4, y


def _hetero() -> Arrays:
    """Numbers whose noise grows with the first feature."""
    random = np.random.default_rng(0)
    x = random.normal(size=(1000, 5))
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * np.abs(x[:, 0]) * random.normal(size=1000)
    return x, (y - y.mean()) / y.std()


def _phrases() -> Arrays:
    x = np.random.default_rng(1).integers(1, 30, (1200, 8))
    return x, (x.max(axis=1) > 27).astype(np.int64)


def _rings() -> Arrays:
    return datasets.make_circles(900, noise=0.08, factor=0.5, random_state=0)


def _wide(targets: float) -> Arrays:
    """Eighteen features and targets of both signs."""
    x, y = datasets.make_regression(600, 18, n_informative=8, noise=5.0, random_state=0)
    return x, y / y.std() * targets


def _clusters() -> Arrays:
    """Two clusters of small positive numbers, far from overlapping."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 300)
    return random.uniform(0.2, 0.4, (300, 2)) + 0.3 * y[:, None], y


def _flights() -> Arrays:
    """Two pairs of blobs on a diagonal each: what no linear model tells apart."""
    x, y = datasets.make_blobs(900, centers=[(-2, -2), (2, 2), (-2, 2), (2, -2)], cluster_std=0.7, random_state=0)
    return _standard(x), (y >= 2).astype(np.int64)


def _crowd() -> Arrays:
    """Many classes."""
    return datasets.make_classification(
        3000, 33, n_informative=20, n_redundant=0, n_classes=40, n_clusters_per_class=1, class_sep=3, random_state=0
    )


def _photos(raw: bool) -> Arrays:
    """Clouds [n, 3, 16, 16] in the colours of a sky, raw from 0 to 255: with or without a disc in front of them."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 1500)
    far = np.hypot(*np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16)))
    clouds = np.fft.ifft2(np.fft.fft2(random.normal(size=(1500, 16, 16))) / np.maximum(far, 1 / 16) ** 1.5).real
    clouds /= clouds.std()
    rows, columns = np.mgrid[0:16, 0:16]
    centre, radius = random.uniform(4, 12, (2, 1500, 1, 1)), random.uniform(2, 4, (1500, 1, 1))
    disc = (np.hypot(rows - centre[0], columns - centre[1]) < radius) & (y == 1)[:, None, None]
    grey = np.where(disc, random.normal(0, 1, (1500, 1, 1)), clouds)
    x = np.stack([110 + 45 * grey, 130 + 40 * grey, 165 + 30 * grey], axis=1) + random.normal(0, 3, (1500, 3, 16, 16))
    x = np.clip(np.round(x), 0, 255)
    return (x if raw else (x - 135.0) / 45.0), y


def _swiss() -> Arrays:
    x, y = datasets.make_swiss_roll(1200, noise=0.3, random_state=0)
    return _standard(x), (y - y.mean()) / y.std()


def _circuit(raw: bool) -> Arrays:
    """Impedances: features from 1 to 1760, targets in the thousands."""
    x, y = datasets.make_friedman2(1000, noise=20.0, random_state=0)
    return (x, y) if raw else (_standard(x), (y - y.mean()) / y.std())


def _polls(raw: bool) -> Arrays:
    """Counts of sixteen polls from tenths to hundreds of thousands; which of two comes out ahead."""
    random = np.random.default_rng(0)
    z = random.normal(size=(700, 16))
    x = 10 ** np.linspace(-1, 5, 16) * np.exp(0.4 * z)
    return (x if raw else _standard(np.log(x))), (z[:, :6].sum(1) + z[:, 8] * z[:, 9] > 0).astype(np.int64)


def _bits() -> Arrays:
    """Numbers as twenty bits, and as many bits of what is left of them after division by seven."""
    number = np.random.default_rng(0).integers(0, 2**20, 2500)
    places = np.arange(20)
    return (number[:, None] >> places & 1).astype(float), ((number % 7)[:, None] >> places & 1).astype(float)


def _mixtures() -> Arrays:
    """Six shares that add up to one."""
    random = np.random.default_rng(0)
    x = random.normal(size=(1000, 28))
    score = np.exp(x[:, :6] + 0.5 * x[:, 6:12] * x[:, 12:18])
    return x, score / score.sum(1, keepdims=True)


def _triple(scale: float) -> Arrays:
    x, y = datasets.make_regression(1000, 15, n_informative=10, n_targets=3, noise=3.0, random_state=0)
    return x, y / y.std(0) * scale


def _sensors() -> Arrays:
    """Windows [n, 7, 40] of seven sensors, by class of another frequency."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 1000)
    wave = np.sin(np.arange(40) * (0.3 + 0.25 * y)[:, None] + random.uniform(0, 6, (1000, 1)))
    return wave[:, None] * random.uniform(0.5, 1.5, (1000, 7, 1)) + random.normal(0, 0.4, (1000, 7, 40)), y


def _forces(scale: float) -> Arrays:
    """Signals [n, 1, 50] and a quantity of both signs."""
    x = np.random.default_rng(0).normal(size=(900, 1, 50))
    return x, (x[:, 0, :10].sum(1) - x[:, 0, 10:20].sum(1)) / 20**0.5 * scale


def _parity() -> Arrays:
    """Eight bits, and after each whether the ones so far are odd."""
    x = np.random.default_rng(0).integers(0, 2, (900, 8, 1)).astype(float)
    return x, x[..., 0].cumsum(1) % 2


def _pairs() -> Arrays:
    """Exclusive or of two signs, a sequence of length one each, with one-hot targets."""
    random = np.random.default_rng(0)
    x = random.choice([-1.0, 1.0], (600, 1, 2)) + random.normal(0, 0.2, (600, 1, 2))
    return x, np.eye(2)[(x[:, 0].prod(1) > 0).astype(int)]


def _tags() -> Arrays:
    x, y = datasets.make_multilabel_classification(1500, 20, n_classes=6, random_state=0)
    return _standard(x), y.astype(float)


def _ratings() -> Arrays:
    """Pairs of a user and a film, and the rating."""
    random = np.random.default_rng(0)
    users, films = random.normal(size=(60, 3)), random.normal(size=(40, 3))
    x = np.array([(u, 60 + f) for u in range(60) for f in range(40)])
    y = (users[x[:, 0]] * films[x[:, 1] - 60]).sum(1) + 0.3 * random.normal(size=len(x))
    return x, (y - y.mean()) / y.std()


def _documents(length: int = 24) -> Arrays:
    """Sentences of 5 to ``length`` tokens, padded by 0; whether one of three words occurs."""
    random = np.random.default_rng(0)
    x = random.integers(1, 40, (1400, length))
    x[np.arange(length) >= random.integers(5, length + 1, (1400, 1))] = 0
    return x, (np.isin(x, (3, 7, 11)).sum(1) > 0).astype(np.int64)


def _prices(raw: bool) -> Arrays:
    random = np.random.default_rng(0)
    x = random.normal(size=(1200, 9))
    z = 12 + 0.6 * x[:, 0] + 0.4 * x[:, 1] * x[:, 2] + 0.3 * np.abs(x[:, 3]) + 0.2 * random.normal(size=1200)
    return x, np.exp(z) if raw else (z - z.mean()) / z.std()


def _many() -> Arrays:
    """A hundred and fifty classes of thirty examples."""
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(150), 30)
    return _standard(random.normal(size=(150, 24))[y] + 0.3 * random.normal(size=(len(y), 24))), y


def _hastie() -> Arrays:
    x, y = datasets.make_hastie_10_2(1500, random_state=0)
    return x, (y > 0).astype(np.int64)


def _shells() -> Arrays:
    return datasets.make_gaussian_quantiles(n_samples=1200, n_features=4, n_classes=4, random_state=0)


def _points() -> Arrays:
    """Points on a parabola, x from 0 to 3."""
    return _curve(lambda x: x**2 - 2 * x + 1, 0, 3, 400)


SETS: dict[str, Any] = {
    "photos": lambda: _photos(False),
    "photos_raw": lambda: _photos(True),
    "swiss": _swiss,
    "circuit": lambda: _circuit(False),
    "circuit_raw": lambda: _circuit(True),
    "polls": lambda: _polls(False),
    "polls_raw": lambda: _polls(True),
    "bits": _bits,
    "mixtures": _mixtures,
    "triple": lambda: _triple(1.0),
    "triple_raw": lambda: _triple(80.0),
    "sensors": _sensors,
    "forces": lambda: _forces(1.0),
    "forces_raw": lambda: _forces(200.0),
    "parity": _parity,
    "pairs": _pairs,
    "tags": _tags,
    "ratings": _ratings,
    "documents": _documents,
    "prices": lambda: _prices(False),
    "prices_raw": lambda: _prices(True),
    "many": _many,
    "hastie": _hastie,
    "shells": _shells,
    "points": _points,
    "copies_of_digits": lambda: (_digits()[0], _digits()[0]),
    "pictures": lambda: _pictures(12, True),
    "stripes": lambda: _pictures(16, False),
    "walks": _walks,
    "hetero": _hetero,
    "phrases": _phrases,
    "rings": _rings,
    "wide": lambda: _wide(1.0),
    "wide_raw": lambda: _wide(250.0),
    "clusters": _clusters,
    "flights": _flights,
    "crowd": _crowd,
    "parabola": lambda: _curve(lambda x: x**2, 0, 10),
    "digits": _digits,
    "iris": lambda: _bundled(datasets.load_iris, False),
    "iris_raw": lambda: _bundled(datasets.load_iris, True),
    "wine": lambda: _bundled(datasets.load_wine, False),
    "wine_raw": lambda: _bundled(datasets.load_wine, True),
    "cancer": lambda: _bundled(datasets.load_breast_cancer, False),
    "cancer_raw": lambda: _bundled(datasets.load_breast_cancer, True),
    "diabetes": lambda: _diabetes(False),
    "diabetes_raw": lambda: _diabetes(True),
    "friedman": _friedman,
    "blobs": _blobs,
    "moons": _moons,
    "spiral": _spiral,
    "sine": lambda: _curve(lambda x: np.sin(3 * x), -2, 2),
    "sine_wide": lambda: _curve(lambda x: np.sin(x / 60), -400, 400),
    "quartic": lambda: _curve(lambda x: x**4 + x**3 - x, 0, 1),
    "negative": lambda: _curve(lambda x: -1 / (np.exp(10 * x) + 1), -1, 1),
    "square": lambda: _curve(lambda x: x**2 + 3, -10, 10),
    "sequences": _sequences,
    "tokens": _tokens,
}
