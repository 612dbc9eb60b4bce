"""LR003: the learning rate was decayed too early."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, halted, sloping, stepping, verdict
from lossdoctor.core.shape import Shape, shape


class LearningRateDecayedTooEarly(Check):
    """The learning rate ran out while the loss was still falling.

    Why it matters: all steps after that are paid for and move nothing.
    How it is detected: the learning rate stays under 5 % of its peak for a quarter of the run or more, and a clear part of the whole
    fall came in the stretch just before it got there; or it got there in the first fifth of a run that then stalled.
    What to do: decay later or less: a cosine over the full budget, or steps where the loss is flat.
    """

    code, severity = "LR003", Severity.WARNING
    requires = frozenset({"NUM001", "LR001"})
    references = ("Loshchilov and Hutter 2017, SGDR", "Godbole et al. 2023, Deep Learning Tuning Playbook")
    idle = 0.25  # share of the run with a spent learning rate; a cosine spends 14 % of its length there
    early = 0.8  # share of the run with a spent learning rate that no schedule has; own
    pace = 0.05  # share of the whole fall in the twentieth of the run before: the pace of a straight line; own

    def examine(self, verdict: Verdict, judged: Shape, lr: Curve, lr_spent_step: float, fall_before_spent: float | None) -> Finding | None:
        first, last = float(judged.curve.step[0]), float(judged.curve.step[-1])
        idle = (last - lr_spent_step) / (last - first) if last > first else 0.0
        falling = idle >= self.idle and fall_before_spent is not None and fall_before_spent >= self.pace and judged.tail_fall <= 0.1
        too_soon = idle >= self.early and verdict.status in (Status.STALLED, Status.NEVER_LEARNED, Status.SLOW)
        if not (falling or too_soon):
            return None
        return self.finding(
            f"The learning rate is under 5 % of its peak from step {lr_spent_step:g} on ({idle:.0%} of the run): "
            "it ran out while the loss was still falling.",
            confidence=0.9 if too_soon else 0.7,
            step=lr_spent_step,
            span=(lr_spent_step, last),
            idle_fraction=idle,
            fall_just_before=fall_before_spent,
            peak_lr=lr.max,
            last_lr=lr.finite.last,
        )

    sick = [
        {
            "verdict": verdict("stalled"),
            "judged": shape(halted(falling())),
            "lr": stepping(0.1, 1e-6, at=0.1),
            "lr_spent_step": 20.0,
            "fall_before_spent": 0.4,
        }
    ]
    healthy = [
        {
            "verdict": verdict("converged"),
            "judged": shape(falling()),
            "lr": sloping(0.1, 0.0, "lr"),
            "lr_spent_step": 190.0,
            "fall_before_spent": 0.0,
        }
    ]
