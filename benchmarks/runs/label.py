"""The status of a run by rule, from what the log does not show: the true losses, what came after, and what the task allows.

The definitions are those of the statuses that ``diagnose`` gives; here they are applied with hindsight:

- *level* is the mean of the last three true losses; the *judged* loss is the validation loss where the log has one, else the training
  loss; *error* is the standard error of a level;
- *guess* is the loss of the best constant answer; *reach* the median of the lowest training losses of the sound runs on the same task,
  as a share of the guess; *progress* how much of the way from guess to reach the training loss came;
- *gain* is how far the judged level falls in the quarter of the run that follows the log, *gain from a lower rate* the same where
  the learning rate was a tenth. A log that hides that the learning rate ran out has for its gain the fall of its last 15 %;
- *it shows* where the log has an accuracy under 0.5 or over 0.9, which a loss that came little way is at odds with, where the loss fell
  by less than a fifth, or where the logged learning rate is gone early. What does not show is no fault of the diagnosis: by definition
  a run is converged where nothing in the log says that lower is within reach.

| status | rule, in this order |
| --- | --- |
| too_short | the log has fewer than 5 points |
| non_finite | the true loss is NaN or infinite at the end |
| diverging | the true training loss ends over its lowest level by 30 % of its fall, and was low for a while |
| overfitting | the logged validation loss ends over its lowest level by 5 % of it and four errors, with a lower training loss than then |
| oscillating | the judged true loss swings by a fifth of its level and by a fifth of all that was gained, with no trend |
| slow | progress under 40 %, a clear fall of which a fifth came in the last third, and progress under 60 % had it gone on as long again |
| never_learned | progress under 8 %, at the guess or near the start, and it shows |
| improving | gain over two errors and over 2 % of the way from guess to reach |
| stalled | a fault was injected, progress under 60 %, and it shows; or a lower rate gains 20 % of the fall |
| converged | the rest |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 5
ANNEALED = ("cosine", "warmup_cosine", "one_cycle", "restarts")


def reach(runs: Iterable[dict[str, Any]]) -> dict[str, float]:
    """For each task, the median of the lowest true training losses of its sound runs, as a share of the guess."""
    lowest: dict[str, list[float]] = {}
    for run in runs:
        if not run["recipe"]["families"]:
            share = min(pair[0] for pair in run["truth"]["logged"]) / run["truth"]["guess"]
            lowest.setdefault(run["recipe"]["task"], []).append(share)
    return {task: float(np.median(shares)) for task, shares in lowest.items()}


def label(run: dict[str, Any], reached: dict[str, float]) -> dict[str, Any]:
    """Status, progress, gain from continuing and gain from a lower learning rate, both as shares of the fall."""
    truth, log = run["truth"], run["log"]
    train, val = (np.array([truth["start"][i], *(pair[i] for pair in truth["logged"])], dtype=float) for i in (0, 1))
    has_val = "val_loss" in log
    judged = val if has_val else train
    if len(log["step"]) < FEWEST:
        return {"status": "too_short", "progress": None, "gain": None, "gain_lower": None}
    if not np.isfinite(train[-1]):
        return {"status": "non_finite", "progress": None, "gain": None, "gain_lower": None}
    later, lowered = (_after(truth[branch], 1 if has_val else 0) for branch in ("continued", "lowered"))
    fall = max(_level(judged[:1]) - float(_smooth(judged).min()), 0.0)
    error = _swing(judged) / np.sqrt(3)
    level = _level(judged)
    unit = max(fall, 1e-9)
    best = truth["guess"] * reached[run["recipe"]["task"]]
    progress = (truth["guess"] - _level(train)) / (truth["guess"] - best)
    gain, gain_lower = (level - _quarter(later)) / unit, (level - _level(lowered)) / unit
    case = {"progress": progress, "gain": gain, "gain_lower": gain_lower}
    return {"status": _status(run, train, val, judged, later, case, error, unit, best), **case}


def _status(
    run: dict[str, Any],
    train: Floats,
    val: Floats,
    judged: Floats,
    later: Floats,
    case: dict[str, float],
    error: float,
    unit: float,
    best: float,
) -> str:
    guess, log = run["truth"]["guess"], run["log"]
    low = _smooth(train)
    rise, fell = _level(train) - low.min(), train[0] - low.min()
    was_low = np.mean(low < low.min() + 0.5 * rise)
    if (
        rise > 0.3 * fell
        and rise > 6 * _swing(train) / np.sqrt(3)
        and rise > 0.05 * low.min()
        and was_low >= 0.06
        and low[-5:].min() > low.min() + 0.4 * rise
    ):
        return "diverging"
    if "val_loss" in log:
        smooth = _smooth(val)
        at = int(smooth.argmin())
        higher = _level(val) - smooth.min()
        if higher > 0.05 * smooth.min() and higher > 4 * _swing(val) / np.sqrt(3) and _level(train) < low[at]:
            return "overfitting"
    late = judged[len(judged) // 2 :]
    middle = float(np.median(late))
    swing = _swing(judged)
    trend = abs(np.polyfit(np.arange(len(late)), late, 1)[0]) * len(late)
    if swing > 0.2 * middle and swing > 0.2 * max(min(judged[0], 2 * guess) - middle, 0.0) and trend < 3 * swing:
        return "oscillating"
    third = len(train) // 3
    pace = low[-third] - low[-1]
    twice = (guess - (_level(train) - 3 * max(pace, 0))) / (guess - best)
    clear = fell > max(0.01 * train[0], 6 * _swing(train))
    if case["progress"] < 0.4 and pace > 0.2 * fell and twice < 0.6 and clear:
        return "slow"
    seen = _at_odds(log) or _level(judged) > 0.8 * _first(log) or _level(judged) > 0.97 * judged[0]
    if case["progress"] < 0.08 and seen and (_level(train) < 1.15 * guess or _level(judged) > 0.85 * judged[0]):
        return "never_learned"
    hidden = run["recipe"]["schedule"] in ANNEALED and "lr" not in log
    pace = (float(_smooth(judged)[-6]) - _level(judged)) / unit if hidden else 0.0
    gain = max(case["gain"], pace)
    if gain * unit > max(0.02 * max(unit, guess - best), 2 * error):
        return "improving"
    seen = seen or (run["recipe"]["schedule"] == "early_decay" and "lr" in log and log["lr"][0] > 10 * log["lr"][-1])
    return (
        "stalled"
        if (case["progress"] < 0.6 and seen and run["recipe"]["families"])
        or case["gain_lower"] * unit > 0.2 * max(unit, _first(log) - _level(judged))
        else "converged"
    )


def _first(log: dict[str, Any]) -> float:
    """The first logged value of the judged loss; of a reward, what is missing to 1."""
    if "reward" in log:
        return 1 - float(log["reward"][0])
    name = "val_loss" if "val_loss" in log else "train_loss"
    return next((float(value) for value in log[name] if value is not None), 0.0)


def _at_odds(log: dict[str, Any]) -> bool:
    """Whether most training answers are wrong at the end, or nearly all are right: of a loss that came little way, both say so."""
    right = float(np.mean(log["train_accuracy"][-3:])) if "train_accuracy" in log else 0.7
    return not 0.5 <= right <= 0.9


def _level(values: Floats) -> float:
    return float(np.mean(values[-3:]))


def _quarter(after: Floats) -> float:
    """The level a quarter of the run later: ``after`` is half a run long."""
    middle = len(after) // 2
    return float(np.mean(after[middle - 2 : middle + 1]))


def _after(pairs: list[list[float]], i: int) -> Floats:
    return np.array([pair[i] for pair in pairs], dtype=float)


def _smooth(values: Floats) -> Floats:
    """Running mean of three, the ends repeated."""
    padded = np.pad(values, 1, mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def _swing(values: Floats) -> float:
    """Robust standard deviation around the local line in the later half, from second differences."""
    late = values[len(values) // 2 :]
    return float(1.4826 * np.median(np.abs(late[2:] - 2 * late[1:-1] + late[:-2])) / np.sqrt(6))
