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
    What to do: regularize, augment, get more data, or take a smaller model; check that both splits are prepared alike.
    """

    code, severity = "REG001", Severity.WARNING
    requires = frozenset({"NUM001", "STOP001", "LR001"})
    references = ("Goodfellow et al. 2016, Deep Learning, 5.2 Capacity, Overfitting and Underfitting",)
    share = 0.6  # of the validation loss that the gap makes; own
    visible = 0.2  # of the first validation loss; own
    wide = 0.5  # of it: a gap of this size matters although the validation loss came down; own

    def examine(self, verdict: Verdict, train_shape: Shape, val_shape: Shape, gap: float) -> Finding | None:
        if verdict.status is Status.IMPROVING or val_shape.end <= 0 or train_shape.best < 0 or len(val_shape.curve) < 5:
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

    sick = [
        {
            "verdict": verdict("converged"),
            "train_shape": shape(falling(2.3, 0.01)),
            "val_shape": shape(falling(2.3, 1.2, "val_loss")),
            "gap": 1.19,
        }
    ]
    healthy = [
        {
            "verdict": verdict("converged"),
            "train_shape": shape(falling(2.3, 0.2)),
            "val_shape": shape(falling(2.3, 0.25, "val_loss")),
            "gap": 0.05,
        }
    ]
