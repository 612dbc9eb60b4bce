"""Models of scikit-learn that are fitted in a second: what a net has to beat."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lossdoctor.core.observation import Baselines

EXAMPLES = 3000
FEATURES = 500
FEWEST = 60

Array = NDArray[Any]


def baselines(train: tuple[Array, Array], val: tuple[Array, Array], classes: bool) -> Baselines | None:
    """Fit a linear model, a forest and nearest neighbours on a sample of (x [n, ...], y [n]) and judge them on validation."""
    if min(len(train[0]), len(val[0])) < FEWEST:
        return None
    (x, y), (x_val, y_val) = _sample(train), _sample(val)
    models: dict[str, Any]
    if classes:
        if len(np.unique(y)) < 2:
            return None
        forest = RandomForestClassifier(60, random_state=0)
        models = {"linear": LogisticRegression(max_iter=200), "forest": forest, "nearest neighbours": KNeighborsClassifier()}
    else:
        models = {"linear": Ridge(), "forest": RandomForestRegressor(60, random_state=0), "nearest neighbours": KNeighborsRegressor()}
    scores = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, model in models.items():
            guess = make_pipeline(StandardScaler(), model).fit(x, y).predict(x_val)
            scores[name] = float((guess == y_val).mean()) if classes else float(((guess - y_val) ** 2).mean())
    return Baselines(scores, "accuracy" if classes else "loss", len(y_val))


def _sample(split: tuple[Array, Array]) -> tuple[Array, Array]:
    """At most ``EXAMPLES`` rows of a split as a table without gaps and a target each."""
    kept = np.random.default_rng(0).permutation(len(split[0]))[:EXAMPLES]
    x = split[0][kept].reshape(len(kept), -1)[:, :FEATURES].astype(np.float64)
    return np.nan_to_num(x, posinf=0.0, neginf=0.0), split[1][kept].reshape(len(kept))
