"""Whether the inputs tell anything of the targets at all: a random forest (Breiman 2001), judged on the examples each tree has not seen."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lossdoctor.core.observation import Mirrored, Relation, Shift, by_feature

EXAMPLES = 2000
FEATURES = 500
FEWEST = 200
FEWEST_NEW = 60  # validation examples
FEW = 10  # examples of a class under which it is left out
TREES = 60
DOUBTED = 0.08  # of the surer half of examples, put elsewhere: from there on a linear model is asked as well
STRETCHES = 4  # of a split, each of which is judged by what the others say


def relation(x: NDArray[Any], y: NDArray[Any], val: tuple[NDArray[Any], NDArray[Any]] | None = None, *, classes: bool) -> Relation | None:
    """How much better than chance a forest guesses ``y`` [n] from numbers ``x`` [n, ...]; None where there are too few examples.

    The forest learns from training examples alone; with ``val``, validation inputs and targets, it is judged on these as well.
    """
    x, y = _sample(x, y)
    if len(x) < FEWEST or len(np.unique(y)) < 2:
        return None
    new = _sample(*val) if val is not None and len(val[0]) >= FEWEST_NEW else None
    options: dict[str, Any] = {"n_estimators": TREES, "oob_score": True, "min_samples_leaf": 3, "random_state": 0}
    if classes:
        forest = RandomForestClassifier(**options).fit(x, y.astype(int))
        votes = np.nan_to_num(forest.oob_decision_function_)
        seen = _ranked(votes, forest.classes_, y)
        if seen is None:
            return None
        again = _ranked(_as_unseen(forest).predict_proba(new[0]), forest.classes_, new[1]) if new else None
        doubts = _doubts(votes, forest.classes_, y)
        if doubts[1] > DOUBTED:  # of many features that add up, a forest knows little
            doubts = min(doubts, _doubts(_linear(x, y.astype(int)), forest.classes_, y))
        told = Relation(seen[0], 0.5, seen[1], len(x), *doubts, True, *(again or ()))
        return replace(told, ordered=float(np.corrcoef(votes @ forest.classes_, y)[0, 1]))
    forest = RandomForestRegressor(**options).fit(x, y)
    score = float(np.corrcoef(forest.oob_prediction_, y)[0, 1])
    told = Relation(score, 0.0, 1 / math.sqrt(len(x)), len(x))
    if new is None or np.ptp(new[1]) == 0:
        return told
    return replace(told, val=float(np.corrcoef(_as_unseen(forest).predict(new[0]), new[1])[0, 1]), val_error=1 / math.sqrt(len(new[1])))


def _as_unseen(forest: Any) -> Any:
    """As many of the trees as judge a training example that they have not seen: about one in e."""
    few = copy.copy(forest)
    few.estimators_ = forest.estimators_[: round(TREES / math.e)]
    few.n_estimators = len(few.estimators_)
    return few


def _linear(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """The shares [n, c] that a logistic regression gives the classes of examples [n, f] it has not seen."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=100))
    with warnings.catch_warnings():  # of classes smaller than the folds, and of steps that do not do
        warnings.simplefilter("ignore")
        return np.asarray(cross_val_predict(model, x, y, cv=KFold(3, shuffle=True, random_state=0), method="predict_proba"))


def shift(x: NDArray[Any], x_val: NDArray[Any], names: tuple[str, ...]) -> Shift | None:
    """How well a forest tells validation inputs from training inputs (Lopez-Paz and Oquab 2017, classifier two-sample tests).

    It is judged on whole stretches of both splits that it has not seen, and the standard error counts what lies next to each other as
    little more than one example where the votes follow each other: windows of a series overlap.
    """
    count = min(len(x), len(x_val), EXAMPLES // 2)
    if count < FEWEST_NEW:
        return None
    random = np.random.default_rng(0)
    parts = [np.nan_to_num(v[np.sort(random.permutation(len(v))[:count])], posinf=0.0, neginf=0.0) for v in (x, x_val)]
    table = np.concatenate([v.reshape(count, -1)[:, :FEATURES] for v in parts])
    if x.ndim > 2:  # of images and sequences, means and spreads too: what a change of brightness or units does
        every = [by_feature(one[None]) for v in parts for one in v]
        table = np.hstack([table, [[*one.mean(axis=0), *one.std(axis=0)] for one in every]])
    is_val = np.repeat([0, 1], count)
    stretch = np.tile(np.arange(count) * STRETCHES // count, 2)
    votes, importance = np.zeros(2 * count), np.zeros(table.shape[1])
    for out in range(STRETCHES):
        forest = RandomForestClassifier(TREES // 2, min_samples_leaf=3, random_state=0).fit(table[stretch != out], is_val[stretch != out])
        votes[stretch == out] = forest.predict_proba(table[stretch == out])[:, 1]
        importance += forest.feature_importances_
    first = int(importance.argmax())
    name = names[first] if len(names) == table.shape[1] else f"x{first}"
    alike = max(_alike(votes[is_val == side]) for side in (0, 1))
    error = math.sqrt((2 * count + 1) / (12 * count**2) * alike)
    return Shift(float(roc_auc_score(is_val, votes)), error, name, 2 * count)


def _alike(values: NDArray[Any]) -> float:
    """Of how many values in a row each is worth one: 1 plus twice their correlations at all lags, up to the first that says nothing."""
    centred, worth = values - values.mean(), 1.0
    for lag in range(1, len(values) // 2 if np.ptp(values) > 0 else 0):
        correlation = float((centred[lag:] * centred[:-lag]).sum() / (centred**2).sum())
        if correlation < 2 / math.sqrt(len(values)):
            break
        worth += 2 * correlation
    return worth


def mirrored(x: NDArray[Any], y: NDArray[Any]) -> Mirrored | None:
    """What a forest that learns pictures ``x`` [n, ..., w] of classes ``y`` [n] takes their mirror images for."""
    rows = np.random.default_rng(0).permutation(len(x))[:EXAMPLES]
    there, back, y = x[rows].reshape(len(rows), -1), x[rows][..., ::-1].reshape(len(rows), -1), y[rows]
    if len(rows) < FEWEST or len(np.unique(y)) < 2 or not np.isfinite(there).all():
        return None
    forest = RandomForestClassifier(TREES, oob_score=True, min_samples_leaf=3, random_state=0).fit(there, y)
    told = forest.classes_[np.nan_to_num(forest.oob_decision_function_).argmax(axis=1)]
    turned = forest.predict(back)
    found = []
    for c in forest.classes_[np.bincount(y)[forest.classes_] >= FEW]:
        others = [(float((turned[y == c] == other).mean()), int(other)) for other in forest.classes_ if other != c]
        found.append((*max(others), int(c), float((told[y == c] == c).mean())))
    worst = max(found, key=lambda one: min(one[0], one[3]), default=None)
    return Mirrored(worst[2], worst[1], worst[3], worst[0]) if worst else None


def _sample(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most ``EXAMPLES`` rows as a table without gaps [n, f], and a target each [n]."""
    rows = np.random.default_rng(0).permutation(len(x))[:EXAMPLES]
    table = x[rows].reshape(len(rows), -1)[:, :FEATURES]
    return np.nan_to_num(table, posinf=0.0, neginf=0.0), y[rows].reshape(len(rows))


def _ranked(votes: NDArray[Any], classes: NDArray[Any], y: NDArray[Any]) -> tuple[float, float] | None:
    """The mean area under the curve of the classes by ``votes`` [n, c], and its standard error; None where all are too small."""
    known = [(votes[:, i], y == c) for i, c in enumerate(classes) if min((y == c).sum(), (y != c).sum()) >= FEW]
    if not known:
        return None
    score = float(np.mean([roc_auc_score(is_c, vote) for vote, is_c in known]))
    return score, float(np.mean([math.sqrt((len(y) + 1) / (12 * is_c.sum() * (~is_c).sum())) for _, is_c in known]))


def _doubts(votes: NDArray[Any], classes: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """The share of examples put into another class than ``y`` [n] says by ``votes`` [n, c], and that among the surer half."""
    seen = votes.sum(axis=1) > 0
    votes, wrong = votes[seen], classes[votes[seen].argmax(axis=1)] != y[seen]
    ranked = np.sort(votes, axis=1)
    sure = np.argsort(ranked[:, -2] - ranked[:, -1], kind="stable")[: len(votes) // 2]
    return float(wrong.mean()), float(wrong[sure].mean())
