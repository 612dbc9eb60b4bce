"""The data of the probe cases: scikit-learn's bundled sets and generated ones, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def train(name: str, **how: Any) -> Arrays:
    """The training split of a data set."""
    return _split(name, how)[0]


def val(name: str, **how: Any) -> Arrays:
    """The validation split of a data set."""
    return _split(name, how)[1]


def _split(name: str, how: dict[str, Any]) -> tuple[Arrays, Arrays]:
    x, y = SETS[name]()
    classes = y.dtype.kind in "iu"
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y if classes else None)
    train, val = _changed(x_train, y_train, how), _changed(x_val, y_val, how | {"sort": False, "noise": 0.0, "few": 0})
    return _mixed_up(train, val, how)


def _mixed_up(train: Arrays, val: Arrays, how: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """The faults that lie between the splits, or between inputs and targets."""
    random = np.random.default_rng(2)
    (x, y), (x_val, y_val) = train, val
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
    if how.get("rows"):
        order = np.argsort(y, kind="stable")
        number = np.empty(len(y))
        number[order] = np.arange(len(y))
        x, x_val = (np.column_stack([v, s]).astype(np.float32) for v, s in ((x, number / len(y)), (x_val, random.random(len(y_val)))))
    if how.get("given_away"):
        x, x_val = (np.column_stack([v, 2.0 * t + 1.0]).astype(np.float32) for v, t in ((x, y), (x_val, y_val)))
    return _laid_out((x, y), (x_val, y_val), how)


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


SETS: dict[str, Any] = {
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
