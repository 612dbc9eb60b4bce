"""LR004: the learning rate is still high at the end."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, noisy, sloping, verdict
from lossdoctor.core.shape import Shape, shape


class LearningRateHighAtEnd(Check):
    """The learning rate is still at its peak although the loss only rattles around a level.

    Why it matters: at a constant learning rate the weights circle the minimum at a distance set by the noise; decaying it takes them down.
    How it is detected: the loss is flat, its swing in the later half is a large share of its level, and the learning rate at the end is
    the highest of the run.
    What to do: decay the learning rate to zero over the last third, by a cosine for example.
    """

    code, severity = "LR004", Severity.INFO
    requires = frozenset({"NUM001", "LR001", "LR002", "STOP001"})
    references = ("Robbins and Monro 1951, A stochastic approximation method", "Godbole et al. 2023, Deep Learning Tuning Playbook")
    swing = 0.15  # of the level; own
    kept = 0.9  # of the peak learning rate

    def examine(self, verdict: Verdict, judged: Shape, oscillation: float, lr: Curve) -> Finding | None:
        rates = lr.finite
        rests = verdict.status in (Status.CONVERGED, Status.STALLED) and judged.end >= 0.02 * judged.start
        if not rests or oscillation < self.swing or len(rates) < 3 or rates.last < self.kept * rates.max:
            return None
        return self.finding(
            f"{judged.curve.label} swings by {oscillation:.0%} of its level while the learning rate is still at its peak ({rates.last:g}).",
            confidence=0.6,
            severity=Severity.WARNING if verdict.status is Status.STALLED else None,
            step=judged.settled_step,
            swing=oscillation,
            last_lr=rates.last,
            peak_lr=rates.max,
        )

    sick = [{"verdict": verdict("converged"), "judged": shape(noisy(falling(2.3, 1.0), 0.3)), "oscillation": 0.3, "lr": flat(0.1, "lr")}]
    healthy = [
        {
            "verdict": verdict("converged"),
            "judged": shape(noisy(falling(2.3, 1.0), 0.3)),
            "oscillation": 0.3,
            "lr": sloping(0.1, 0.0, "lr"),
        },
        {"verdict": verdict("converged"), "judged": shape(falling()), "oscillation": 0.01, "lr": flat(0.1, "lr")},
    ]
