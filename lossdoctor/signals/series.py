"""The series that a log has, by the role each plays."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.names import recognise
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape, shape
from lossdoctor.core.statistics import HUGE

ENOUGH = 6  # points a validation loss needs before it is judged in place of the training loss
WHOLE = 1.001  # share; more is in per cent
TELLING = 12  # points that it needs beside a training loss of over four times as many

_REWARD = re.compile(r"(?:reward|return|ep_?rew|score)s?(?:_mean)?$", re.I)
_HIGHER = re.compile(
    r"acc|reward|return|rew|score|auc|auprc|f1|precision|recall|sensitivity|specificity|mcc|kappa|(?:^|_)map|iou|dice|r2|log_?(prob|lik)|"
    r"bleu|rouge|chrf|meteor|psnr|ssim|sdr|mrr|hits?\d|(?:^|_)hr\d|ndcg|spearman|pearson|cosine",
    re.I,
)
_LOWER = re.compile(r"loss|error|distance", re.I)
_LIKELIHOOD = re.compile(r"objective|log_?(prob|lik)", re.I)
_LOSS = re.compile(r"loss|cost|objective|nll|entropy|perplexity|ppl|error|mse|mae|mape|elbo|energy|(?:^|_)(?:wer|cer|fid|bpb)(?:$|_)", re.I)
_WHOLE_SCORE = re.compile(  # of all examples and all that is asked of them: precision may be given up for recall, one class for another
    r"(?:balanced_)?accuracy|f1|auc|auprc|map\w*|iou|dice|bleu|rouge\w*|chrf|meteor|psnr|ssim|sdr|r2|mcc|kappa|mrr\d*|ndcg\d*|hits?\d*|hr\d+|"
    r"spearman|pearson|cosine|wer|cer|fid"
)
_OF_AN_AGENT = ("entropy", "kl")  # what a policy spreads over its actions: no loss


def train_loss(run: Run) -> Curve | None:
    """Training loss, lower is better.

    Absent: the log has no training loss.
    """
    return _loss(run, "train_loss", "loss")


def val_loss(run: Run) -> Curve | None:
    """Validation loss; the test loss where a log has only that.

    Absent: the log has no validation loss.
    """
    return _loss(run, "val_loss", "test_loss")


def train_accuracy(run: Run) -> Curve | None:
    """Training accuracy as a share, 0 to 1.

    Absent: the log has no training accuracy.
    """
    return _share(_series(run, "train_accuracy"))


def val_accuracy(run: Run) -> Curve | None:
    """Validation accuracy as a share, 0 to 1.

    Absent: the log has no validation accuracy.
    """
    return _share(_series(run, "val_accuracy") or _series(run, "test_accuracy"))


def val_balanced_accuracy(run: Run) -> Curve | None:
    """Mean of the recalls of all classes on the validation data, 0 to 1.

    Absent: the log has no per-class metric.
    """
    return _share(_series(run, "val_balanced_accuracy"))


def lr(run: Run) -> Curve | None:
    """Learning rate.

    Absent: the log has no learning rate.
    """
    return _series(run, "lr")


def grad_norm(run: Run) -> Curve | None:
    """Norm of the gradient, as it was before clipping in most logs.

    Absent: the log has no gradient norm.
    """
    return _series(run, "grad_norm")


def step_time(run: Run) -> Curve | None:
    """Seconds (or any unit) that a step took.

    Absent: the log has no step time.
    """
    return _series(run, "step_time")


def reward(run: Run) -> Curve | None:
    """Reward of a reinforcement-learning run, higher is better.

    Absent: the log has no reward.
    """
    named = _series(run, "reward")
    if named is not None:
        return named
    found = [curve for label, curve in run.curves.items() if _REWARD.search(label) and len(curve.finite) >= ENOUGH]
    return max(found, key=lambda curve: "mean" in curve.label, default=None)


def judged_loss(run: Run, train_loss: Curve | None, val_loss: Curve | None, reward: Curve | None) -> Curve | None:
    """The series that the status is about, finite, turned so that lower is better.

    The reward where there is one (the loss of a policy says little), else the validation loss where it has enough points,
    else the training loss, else what looks like a loss, else an accuracy. The losses of two networks that play against each
    other, and those of an agent, are left out: they need not fall when all is well.

    Absent: the log has no finite loss, reward or accuracy, but for losses of a game, which need not fall.
    """
    named = [_series(run, label) for label in run.curves if (_LOSS.search(label) or _HIGHER.search(label)) and not _of_a_game(label)]
    others = sorted(filter(None, named), key=_telling, reverse=True)
    candidates = [curve.finite for curve in (reward, val_loss, train_loss, *others) if curve is not None]
    if reward is None and val_loss is not None and train_loss is not None and _short_beside(val_loss.finite, train_loss.finite):
        candidates = candidates[1:]
    chosen = next((curve for wanted in (ENOUGH, 1) for curve in candidates if len(curve) >= wanted), None)
    if chosen is None:
        return None
    value = np.clip(chosen.value, -HUGE, HUGE)
    return replace(chosen, value=-value if _higher_is_better(chosen.label) else value)


def val_scores(run: Run) -> dict[str, Shape] | None:
    """What else than the loss is measured on the validation data as a whole, by label, turned so that lower is better.

    Absent: the log has no validation score.
    """
    curves = [_series(run, label) for label, curve in run.curves.items() if curve.split == "val" and _WHOLE_SCORE.fullmatch(curve.metric)]
    scores = [curve.finite for curve in curves if curve is not None and len(curve.finite) >= ENOUGH]
    return {curve.label: shape(replace(curve, value=judged_sign(curve) * curve.value)) for curve in scores} or None


def _short_beside(val: Curve, train: Curve) -> bool:
    """Whether a few points of validation would hide what many of training show."""
    return (len(val) < TELLING and len(train) > 4 * len(val)) or (len(val) < ENOUGH and len(train) > 2 * len(val))


def judged_sign(judged_loss: Curve) -> float:
    """-1 where the judged series is shown upside down, because higher is better in the log; else 1."""
    return -1.0 if _higher_is_better(judged_loss.label) else 1.0


def _telling(curve: Curve) -> tuple[bool, int, bool]:
    """Losses before scores, long series before short ones, validation before training."""
    return bool(_LOSS.search(curve.label)), len(curve), curve.split == "val"


def _higher_is_better(label: str) -> bool:
    return bool(_HIGHER.search(label)) and not _LOWER.search(label)


def _of_a_game(label: str) -> bool:
    """Whether this is a loss of a generator, a discriminator or an agent."""
    role = recognise(label)
    return role is not None and (role.rival or role.metric in _OF_AN_AGENT)


def _loss(run: Run, *labels: str) -> Curve | None:
    """The first of these series; a log-probability, negative and rising, becomes a loss."""
    for label in labels:
        curve = _series(run, label)
        if curve is None:
            continue
        finite = curve.finite.value
        if _LIKELIHOOD.search(run.columns.get(label, label)) and len(finite) and (finite < 0).all() and finite[-1] >= finite[0]:
            return replace(curve, value=-curve.value)
        return curve
    return None


def _series(run: Run, label: str) -> Curve | None:
    """The series, if it has a point; steps that do not increase give way to a count."""
    curve = run.curves.get(label)
    if curve is None or not len(curve):
        return None
    return curve if (np.diff(curve.step) > 0).all() else replace(curve, step=np.arange(len(curve), dtype=float))


def _share(curve: Curve | None) -> Curve | None:
    """Per cent become shares."""
    return replace(curve, value=curve.value / 100) if curve is not None and curve.max > WHOLE else curve
