"""8x8 images of digits, scaled to 0..1: 1200 to train on, the other 597 to validate."""

import numpy as np
from sklearn.datasets import load_digits

Arrays = tuple[np.ndarray, np.ndarray]


def train() -> Arrays:
    x, y = _shuffled()
    return x[:1200], y[:1200]


def val() -> Arrays:
    x, y = _shuffled()
    return x[1200:], y[1200:]


def _shuffled() -> Arrays:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return x[order] / 16, y[order]
