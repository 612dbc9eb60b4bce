"""Whether the inputs tell anything of the targets at all: a random forest (Breiman 2001), judged on the examples each tree has not seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import roc_auc_score

from lossdoctor.core.observation import Relation

EXAMPLES = 2000
FEATURES = 500
FEWEST = 200
FEW = 10  # examples of a class under which it is left out
TREES = 60


def relation(x: NDArray[Any], y: NDArray[Any], classes: bool) -> Relation | None:
    """How much better than chance a forest guesses ``y`` [n] from numbers ``x`` [n, f]; None where there are too few examples."""
    random = np.random.default_rng(0)
    rows = random.permutation(len(x))[:EXAMPLES]
    x, y = np.nan_to_num(x[rows][:, :FEATURES], posinf=0.0, neginf=0.0), y[rows].reshape(len(rows))
    if len(x) < FEWEST or len(np.unique(y)) < 2:
        return None
    options: dict[str, Any] = {"n_estimators": TREES, "oob_score": True, "min_samples_leaf": 3, "random_state": 0}
    if classes:
        forest = RandomForestClassifier(**options).fit(x, y.astype(int))
        votes = np.nan_to_num(forest.oob_decision_function_)
        known = [(votes[:, i], y == c) for i, c in enumerate(forest.classes_) if (y == c).sum() >= FEW]
        if not known:
            return None
        score = float(np.mean([roc_auc_score(is_c, vote) for vote, is_c in known]))
        error = float(np.mean([math.sqrt((len(y) + 1) / (12 * is_c.sum() * (~is_c).sum())) for _, is_c in known]))
        return Relation(score, 0.5, error, len(x), *_doubts(votes, forest.classes_, y))
    score = float(np.corrcoef(RandomForestRegressor(**options).fit(x, y).oob_prediction_, y)[0, 1])
    return Relation(score, 0.0, 1 / math.sqrt(len(x)), len(x))


def _doubts(votes: NDArray[Any], classes: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """The share of examples put into another class than ``y`` [n] says by ``votes`` [n, c], and that among the surer half."""
    seen = votes.sum(axis=1) > 0
    votes, wrong = votes[seen], classes[votes[seen].argmax(axis=1)] != y[seen]
    ranked = np.sort(votes, axis=1)
    sure = np.argsort(ranked[:, -2] - ranked[:, -1], kind="stable")[: len(votes) // 2]
    return float(wrong.mean()), float(wrong[sure].mean())
