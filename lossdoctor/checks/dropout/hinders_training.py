"""DROP001: training is made so much harder than validation that little is learned."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, sloping, verdict
from lossdoctor.core.shape import Shape, shape


class HindersTraining(Check):
    """The training loss stays far above the validation loss: something that works in training alone holds it up.

    Why it matters: dropout, augmentation or noise of that size leave the model too little to learn from.
    How it is detected: the training loss ends far above the validation loss (or the training accuracy far below), without having come
    far down. It must have parted from it along the way: a loss that is above from the start is one on another scale (a sum, a term more),
    and in the first epochs the mean over an epoch is far above the loss at its end.
    What to do: lower the dropout rate to 0.5 or less, weaken the augmentation; make sure that both losses are computed alike.
    """

    code, severity = "DROP001", Severity.WARNING
    requires = frozenset({"NUM001", "LR001", "LR003"})
    references = ("Srivastava et al. 2014, Dropout", "Goodfellow et al. 2016, Deep Learning, 7.12")
    above = 0.15  # of the validation loss; own
    behind = 0.1  # of 1, in accuracy; own
    parted = 2.0  # times as far above as in the beginning; own
    fewest = 5  # points of validation
    unsolved = 0.3  # of the first training loss; own

    def examine(
        self, verdict: Verdict, train_shape: Shape, val_shape: Shape, train_accuracy: Curve | None, val_accuracy: Curve | None
    ) -> Finding | None:
        over = (train_shape.end - val_shape.end) / val_shape.end if val_shape.end > 0 else 0.0
        clear = train_shape.end - val_shape.end > 4 * (train_shape.error + val_shape.error)
        behind = _late(val_accuracy) - _late(train_accuracy) if train_accuracy is not None and val_accuracy is not None else None
        held = (over > self.above and clear) or (behind is not None and behind > self.behind and over > 0.3 * self.above)
        if verdict.status is Status.TOO_SHORT or len(val_shape.curve) < self.fewest or over < self.parted * _early(train_shape, val_shape):
            return None
        if not held or train_shape.end < self.unsolved * train_shape.start:
            return None
        return self.finding(
            f"Training loss ends at {train_shape.end:.4g}, {over:.0%} above validation: something holds training alone up.",
            confidence=0.65,
            severity=Severity.INFO if verdict.status.healthy else None,  # strong augmentation does the same to a run that gets on
            over=over,
            accuracy_behind=behind,
        )

    sick = [
        {
            "verdict": verdict("slow"),
            "train_shape": shape(sloping(2.5, 2.0)),
            "val_shape": shape(sloping(2.3, 1.4, label="val_loss")),
            "train_accuracy": None,
            "val_accuracy": None,
        }
    ]
    healthy = [
        {
            "verdict": verdict("never_learned"),
            "train_shape": shape(flat(0.5)),
            "val_shape": shape(flat(0.4, "val_loss")),
            "train_accuracy": None,
            "val_accuracy": None,
        },
        {
            "verdict": verdict("too_short"),
            "train_shape": shape(sloping(2.5, 2.0, points=3)),
            "val_shape": shape(sloping(2.3, 1.4, label="val_loss", points=3)),
            "train_accuracy": None,
            "val_accuracy": None,
        },
        {
            "verdict": verdict("improving"),
            "train_shape": shape(falling()),
            "val_shape": shape(falling(label="val_loss")),
            "train_accuracy": flat(0.9, "train_accuracy"),
            "val_accuracy": flat(0.9, "val_accuracy"),
        },
    ]


def _early(train: Shape, val: Shape) -> float:
    """How far the training loss was above the validation loss when that was first measured, as a share of it."""
    first = val.curve.value[:3]
    beside = np.interp(val.curve.step[:3], train.curve.step, train.curve.value)
    return max(float(np.median(beside) / np.median(first)) - 1, 0.0) if np.median(first) > 0 else 0.0


def _late(accuracy: Curve) -> float:
    value = accuracy.finite.value
    return float(value[-max(3, len(value) // 10) :].mean()) if len(value) else 0.0
