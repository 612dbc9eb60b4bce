"""ACT001: the answers do not depend on the examples."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, verdict
from lossdoctor.core.shape import Shape, shape


class ConstantOutput(Check):
    """Nothing was learned and validation stands all but still: dead units, or weights that let nothing through.

    Why it matters: where no unit passes a signal on, only the bias of the output learns, and no learning rate helps.
    How it is detected: the run never learned, and the validation loss, which a learning rate too high keeps moving and one too low moves
    in a straight line, rests within a few parts in ten thousand.
    What to do: look at the share of dead units and at the scale of the first weights, as `lossdoctor probe` does; He initialization, leaky
    ReLU or normalization; less weight decay or dropout; then test the learning rate.
    """

    code, severity = "ACT001", Severity.WARNING
    requires = frozenset({"NUM001", "FRZ001", "LR002", "LR003", "GRAD002", "LOSS002", "PRE001"})
    references = ("Lu et al. 2020, Dying ReLU and Initialization", "Glorot and Bengio 2010, Understanding the Difficulty of Training")
    still = 5e-4  # scatter of the validation loss as a share of its level; own

    def examine(self, verdict: Verdict, val_shape: Shape, val_scatter: float, lr_spent_step: float | None) -> Finding | None:
        if verdict.status is not Status.NEVER_LEARNED or not 0 < val_scatter <= self.still or lr_spent_step is not None:
            return None
        return self.finding(
            f"{val_shape.curve.label} stands at {val_shape.end:.4g} within {val_scatter:.1g} of itself: "
            "the answers hardly depend on the examples, as with dead units.",
            confidence=0.25,  # of 33 runs of benchmarks/diagnose.py, both parts, 9 were right; a learning rate is likelier
            step=float(val_shape.curve.step[0]),
            scatter=val_scatter,
        )

    sick = [
        {
            "verdict": verdict("never_learned"),
            "val_shape": shape(flat(2.3, "val_loss")),
            "val_scatter": 1e-4,
            "lr_spent_step": None,
        }
    ]
    healthy = [
        {
            "verdict": verdict("converged"),
            "val_shape": shape(falling(label="val_loss")),
            "val_scatter": 1e-4,
            "lr_spent_step": None,
        },
        {
            "verdict": verdict("never_learned"),
            "val_shape": shape(flat(2.3, "val_loss")),
            "val_scatter": 0.02,
            "lr_spent_step": None,
        },
    ]
