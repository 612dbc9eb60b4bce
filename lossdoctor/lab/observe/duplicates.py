"""What is in the data more than once: examples that are next to the same, columns that say the same, columns that count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from lossdoctor.core.observation import Copies, Redundancy

ASKED = 1000  # examples whose nearest neighbour is looked for
AMONG = 10_000  # training examples among which it is looked for
FEATURES = 64  # numbers that a larger example is projected to, which keeps distances (Johnson and Lindenstrauss 1984)
CLOSE = 0.05  # of the usual distance to the nearest neighbour
FEWEST = 50
FEWEST_MARKS = 200  # rows from which on a column can be told to be an identifier
WIDE = 5  # times as many whole numbers as there are rows
KOLMOGOROV = 1.36  # over the root of n: the 5 % point of the largest distance of two distributions

Array = NDArray[Any]


def copies(train: tuple[Array, Array], val: tuple[Array, Array]) -> Copies | None:
    """Nearest neighbours in training of validation examples, and of training examples themselves; None where there are too few."""
    if min(len(train[0]), len(val[0])) < FEWEST:
        return None
    random = np.random.default_rng(0)
    kept, asked = random.permutation(len(train[0]))[:AMONG], random.permutation(len(val[0]))[:ASKED]
    known, new = _projected(train[0][kept], val[0][asked])
    near = NearestNeighbors(n_neighbors=2).fit(known)
    own = near.kneighbors(known[:ASKED])[0][:, 1]
    distance, index = (part[:, 0] for part in near.kneighbors(new, n_neighbors=1))
    usual = float(np.quantile(own, 0.75))
    if usual <= 0:
        return None
    close = distance < CLOSE * usual
    targets, wanted = train[1][kept[index[close]]], val[1][asked[close]]
    same = np.isclose(targets, wanted).all(axis=tuple(range(1, targets.ndim)))
    return Copies(
        float(close.mean()), float((own < CLOSE * usual).mean()), float(same.mean()) if len(same) else 0.0, known.shape[1], len(new)
    )


def redundancy(x: Array, names: tuple[str, ...]) -> Redundancy:
    """Columns of a table ``x`` [n, f] that are another one's copy, and those that number its rows."""
    table = x[:, :500].astype(np.float64)
    std = table.std(axis=0)
    dense = np.flatnonzero((std > 0) & ((table != 0).mean(axis=0) > 0.2))
    scaled = (table[:, dense] - table[:, dense].mean(axis=0)) / std[dense]
    same = np.argwhere(np.triu(np.abs(scaled.T @ scaled) / len(table) > 1 - 1e-6, k=1))
    pairs = tuple((names[dense[a]], names[dense[b]]) for a, b in same)
    counters = tuple(names[i] for i in dense if _counts(table[:, i]))
    marks = (names[i] for i in dense if names[i] not in counters and _identifies(table[:, i]))
    return Redundancy(pairs, counters, tuple(marks))


def _counts(column: Array) -> bool:
    """Whether the values are all distinct and lie on an even grid with few gaps, as row numbers do after a split."""
    ordered = np.sort(column)
    gaps = np.diff(ordered)
    step = float(gaps.min())
    if step <= 0:
        return False
    places = gaps / step
    return bool(places.sum() < 3 * len(column) and np.abs(places - places.round()).max() < 0.02)


def _identifies(column: Array) -> bool:
    """Whether the values are whole, all distinct, and spread evenly over a wide range, as numbers given out at random are."""
    ordered = np.sort(column)
    spread = ordered[-1] - ordered[0]
    if len(column) < FEWEST_MARKS or spread < WIDE * len(column) or (np.diff(ordered) == 0).any() or (ordered != ordered.round()).any():
        return False
    even = (ordered - ordered[0]) / spread
    return bool(np.abs(even - np.linspace(0, 1, len(even))).max() < KOLMOGOROV / len(even) ** 0.5)


def _projected(known: Array, new: Array) -> tuple[Array, Array]:
    """Both tables standardized by the first, and projected at random where they are wide."""
    flat, other = (values.reshape(len(values), -1).astype(np.float64) for values in (known, new))
    mean, std = flat.mean(axis=0), flat.std(axis=0)
    live = std > 1e-9 * np.abs(mean)
    flat, other = ((values[:, live] - mean[live]) / std[live] for values in (flat, other))
    if flat.shape[1] > FEATURES:
        spread = np.random.default_rng(0).normal(size=(flat.shape[1], FEATURES)) / np.sqrt(FEATURES)
        return flat @ spread, other @ spread
    return flat, other
