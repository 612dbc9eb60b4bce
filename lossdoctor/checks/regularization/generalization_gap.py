"""REG001: a wide gap between training and validation."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, verdict
from lossdoctor.core.shape import Shape, shape


class GeneralizationGap(Check):
    """Validation loss stays far above training loss.

    Why it matters: the model fits what does not carry over to new data; more training will not help.
    How it is detected: the gap at the end is most of the validation loss, and a clear part of where it started; it is not still falling.
    Where the training loss goes below zero, the gap must be a large part of all that training gained, and wider by half than at first.
    What to do: regularize, augment, get more data, or take a smaller model; check that both splits are prepared alike.
    """

    code, severity = "REG001", Severity.WARNING
    requires = frozenset({"NUM001", "STOP001", "LR001", "PRE108", "LAB102"})
    references = ("Goodfellow et al. 2016, Deep Learning, 5.2 Capacity, Overfitting and Underfitting",)
    share = 0.6  # of the validation loss that the gap makes; own
    visible = 0.2  # of the first validation loss; own
    fewest = 5  # points of validation
    unshared = 0.4  # of what training gained, where the loss goes below zero; own
    widened = 1.5  # times the first gap; own
    wide = 0.5  # of it: a gap of this size matters although the validation loss came down; own

    def examine(self, verdict: Verdict, train_shape: Shape, val_shape: Shape, gap: float) -> Finding | None:
        if verdict.status in (Status.IMPROVING, Status.TOO_SHORT) or len(val_shape.curve) < self.fewest:
            return None
        if train_shape.best < 0:
            return self._below_zero(verdict, train_shape, val_shape, gap)
        if val_shape.end <= 0:
            return None
        share, visible = gap / val_shape.end, gap / max(val_shape.start, val_shape.end)
        if share < self.share or visible < self.visible or gap < 4 * val_shape.error:
            return None
        return self.finding(
            f"Validation loss ends at {val_shape.end:.4g}, training loss at {train_shape.end:.4g}: {share:.0%} of it does not carry over.",
            confidence=0.3,
            severity=Severity.INFO if verdict.status.healthy and visible < self.wide else None,  # it came down all the same
            step=val_shape.best_step,
            gap=gap,
            gap_share=share,
            best_step=val_shape.best_step,
        )

    def _below_zero(self, verdict: Verdict, train: Shape, val: Shape, gap: float) -> Finding | None:
        first = max(val.start - train.start, 0.0)
        if gap < max(self.unshared * train.fall, self.widened * first, 4 * val.error):
            return None
        return self.finding(
            f"Validation loss ends at {val.end:.4g}, training loss at {train.end:.4g}: {(gap - first) / train.fall:.0%} of what training "
            "gained does not carry over.",
            confidence=0.3,
            severity=Severity.INFO if verdict.status.healthy else None,
            step=val.best_step,
            gap=gap,
            gap_share=gap / train.fall,
            best_step=val.best_step,
        )

    sick = [
        {
            "verdict": verdict("stalled"),
            "train_shape": shape(falling(40.0, -1.0)),
            "val_shape": shape(falling(45.0, 19.0, "val_loss")),
            "gap": 20.0,
        },
        {
            "verdict": verdict("converged"),
            "train_shape": shape(falling(2.3, 0.01)),
            "val_shape": shape(falling(2.3, 1.2, "val_loss")),
            "gap": 1.19,
        },
    ]
    healthy = [
        {
            "verdict": verdict("too_short"),
            "train_shape": shape(falling(1.0, 0.2, points=5)),
            "val_shape": shape(falling(0.9, 0.56, "val_loss", points=5)),
            "gap": 0.36,
        },
        {
            "verdict": verdict("stalled"),
            "train_shape": shape(falling(40.0, -1.0)),
            "val_shape": shape(falling(60.0, 19.0, "val_loss")),
            "gap": 20.0,
        },
        {
            "verdict": verdict("converged"),
            "train_shape": shape(falling(2.3, 0.2)),
            "val_shape": shape(falling(2.3, 0.25, "val_loss")),
            "gap": 0.05,
        },
    ]
