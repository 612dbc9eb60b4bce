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
    return _changed(x_train, y_train, how), _changed(x_val, y_val, how | {"sort": False, "noise": 0.0, "few": 0})


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


SETS: dict[str, Any] = {
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
