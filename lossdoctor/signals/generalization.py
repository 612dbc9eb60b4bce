"""Training against validation, and both against a constant guess."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.shape import Shape

ROUND_CLASSES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 50, 100, 200, 256, 1000, 10_000)  # class counts that data sets have
MOST_CLASSES = 100_000  # a mean recall below one over this is none
NEAR = 0.03  # relative distance to ln C that still is ln C
CALIBRATED = 1.01  # times the loss of calibrated answers
HIGHEST = 12.0  # loss; of more classes no log tells the accuracy


def gap(train_shape: Shape, val_shape: Shape) -> float:
    """Validation loss over training loss at the end, in their unit."""
    return val_shape.end - train_shape.end


def classes(train_shape: Shape, train_accuracy: Curve | None, val_accuracy: Curve | None) -> int | None:
    """The number of classes C, where the first training loss is ln C of a usual C.

    Absent: the log does not tell how many classes there are.
    """
    if train_accuracy is None and val_accuracy is None:
        return None
    return _near_classes(train_shape.start)


def constant_guess(val_balanced_accuracy: Curve) -> bool:
    """Whether the mean recall rests at 1 / C for some C of 2 or more: what one answer for everything gets.

    Most of the last half of the points must lie there, and the curve must not have climbed to get there.
    """
    value = val_balanced_accuracy.finite.value
    late = value[len(value) // 2 :]
    usual = float(np.median(late)) if len(late) else 0.0
    if len(value) < 3 or not 1 / MOST_CLASSES <= usual <= 1 or usual > value[0] + 0.05:
        return False
    count = max(2, round(1 / usual))
    return bool(np.mean(np.abs(late * count - 1) < 0.01) >= 0.7)


def accuracy(train_accuracy: Curve | None, val_accuracy: Curve | None) -> Curve | None:
    """The accuracy on training data, else on validation data, finite.

    Absent: the log has no accuracy.
    """
    for curve in (train_accuracy, val_accuracy):
        if curve is not None and len(curve.finite) >= 3:
            return curve.finite
    return None


def excess(
    train_shape: Shape | None, val_shape: Shape | None, train_accuracy: Curve | None, val_accuracy: Curve | None, classes: int
) -> float | None:
    """How many times the loss at the end exceeds what its own accuracy explains, and 45 % of ln C: the smaller of the two.

    A wrong answer costs about 1 + ln C; half as much again is allowed. Label smoothing alone stays under 45 % of ln C.

    Absent: no split has both a loss and an accuracy.
    """
    pairs = ((train_shape, train_accuracy), (val_shape, val_accuracy))
    found = [_excess(loss.end, accuracy, classes) for loss, accuracy in pairs if loss is not None and accuracy is not None]
    return min(found, default=None)


def _excess(loss: float, accuracy: Curve, classes: int) -> float:
    late = accuracy.finite.value[-max(3, len(accuracy) // 10) :]
    right = float(np.median(late)) if len(late) else 0.0
    return min(loss / (1.25 * max(_calibrated_loss(right, classes), 1e-9)), loss / (0.45 * math.log(classes)))


def double_softmax(
    train_shape: Shape | None, val_shape: Shape | None, train_accuracy: Curve | None, val_accuracy: Curve | None
) -> int | None:
    """The number of classes C, where loss and accuracy follow the law of a softmax that is applied twice: loss = ln(e + C - 1) - accuracy.

    A softmax whose answers are sure is one-hot, and the second softmax turns it into e or 1 over e + C - 1. The C that the end of the
    log implies must be the one of which the first loss is ln C, and the loss must exceed what answers as good would cost if their
    confidence were right: with accuracy a, -a ln a - (1 - a) ln(1 - a) + (1 - a) ln(C - 1) at most (Fano 1961). Where both training
    and validation have a loss and an accuracy, both must imply that C.

    Absent: the log has no accuracy beside a loss, or they do not follow that law.
    """
    pairs = ((train_shape, train_accuracy), (val_shape, val_accuracy))
    found = [(loss, share.finite) for loss, share in pairs if loss is not None and share is not None and len(share.finite) >= 3]
    if not found:
        return None
    implied = [_implied(loss, accuracy) for loss, accuracy in found]
    if min(implied) < 1.5 or max(map(math.log, implied)) > (1 + 2 * NEAR) * min(map(math.log, implied)):
        return None
    return _implied_classes(*found[0], implied[0])


def _late(accuracy: Curve) -> float:
    """The accuracy at the end."""
    return min(float(np.median(accuracy.value[-max(3, len(accuracy) // 10) :])), 1 - 1e-9)


def _implied(loss: Shape, accuracy: Curve) -> float:
    """The C of the law at the end."""
    return math.exp(min(loss.end + _late(accuracy), HIGHEST)) - math.e + 1


def _implied_classes(loss: Shape, accuracy: Curve, implied: float) -> int | None:
    right = _late(accuracy)
    if right < max(0.2, accuracy.value[0]) or loss.fall <= 0:
        return None
    follows = -2 * NEAR < loss.start / math.log(implied) - 1 < NEAR  # the first value may be a mean over steps that fell
    return round(implied) if follows and loss.end > CALIBRATED * _calibrated_loss(right, implied) else None


def _calibrated_loss(accuracy: float, classes: float) -> float:
    """The most that a cross-entropy can be where every answer has the confidence that it deserves."""
    wrong = 1 - accuracy
    surprise = -accuracy * math.log(max(accuracy, 1e-12)) - wrong * math.log(max(wrong, 1e-12))
    return surprise + wrong * math.log(max(classes - 1, 1.0))


def learned_share(accuracy: Curve) -> float:
    """How far the accuracy came up from its first value towards 1, as a share of the way; 0 where it fell."""
    few = max(1, len(accuracy) // 20)
    first, last = float(np.median(accuracy.value[:few])), float(np.median(accuracy.value[-few:]))
    return max(last - first, 0.0) / max(1.0 - first, 1e-9)


def _near_classes(loss: float) -> int | None:
    close = [count for count in ROUND_CLASSES if abs(loss - math.log(count)) <= NEAR * math.log(count)]
    return min(close, key=lambda count: abs(loss - math.log(count)), default=None)
