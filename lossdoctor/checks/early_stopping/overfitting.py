"""STOP001: overfitting."""

from __future__ import annotations

from collections.abc import Mapping

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, u_turn, verdict
from lossdoctor.core.shape import Shape, shape


class Overfitting(Check):
    """Validation loss rises while training loss keeps falling.

    Why it matters: the weights kept at the end are worse than ones the run already had.
    How it is detected: the last validation loss stands over its minimum by more than its own noise, and the training loss has fallen since.
    Where a validation score is still near its best, the answers are as good and only too sure of themselves: a warning, no error.
    What to do: stop at the best step; regularize; augment or add data.
    """

    code, severity = "STOP001", Severity.ERROR
    requires = frozenset({"NUM001", "LR001", "LAB102", "PRE108", "NORM102", "DROP102"})
    references = ("Prechelt 1998, Early Stopping - But When?",)

    near = 0.05  # of what a score gained: so much below its best it is as good; own

    def examine(
        self, verdict: Verdict, val_shape: Shape, train_shape: Shape | None, val_scores: Mapping[str, Shape] | None
    ) -> Finding | None:
        if verdict.status is not Status.OVERFITTING:
            return None
        rise = val_shape.rise / abs(val_shape.best) if val_shape.best else 0.0
        kept = [label for label, score in (val_scores or {}).items() if score.fall > 0 and score.rise <= self.near * score.fall]
        text = f"{val_shape.curve.label} was best at step {val_shape.best_step:g} and has risen by {rise:.0%} since"
        return self.finding(
            f"{text}; {kept[0]} is still near its best." if kept else f"{text}.",
            confidence=verdict.confidence,
            severity=Severity.WARNING if kept else None,
            step=val_shape.best_step,
            span=(val_shape.best_step, float(val_shape.curve.step[-1])),
            best_step=val_shape.best_step,
            best=val_shape.best,
            last=val_shape.end,
            rise=rise,
            rise_over_noise=val_shape.rise / val_shape.error if val_shape.error else None,
            train_last=None if train_shape is None else train_shape.end,
        )

    sick = [{"verdict": verdict("overfitting"), "val_shape": shape(u_turn()), "train_shape": shape(falling()), "val_scores": None}]
    healthy = [
        {
            "verdict": verdict("converged"),
            "val_shape": shape(falling(label="val_loss")),
            "train_shape": shape(falling()),
            "val_scores": None,
        }
    ]
