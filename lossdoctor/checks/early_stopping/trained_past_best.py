"""STOP002: trained long past the best step."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, sloping, verdict
from lossdoctor.core.shape import Shape, shape


class TrainedPastBest(Check):
    """Most of the run was spent after the loss had settled.

    Why it matters: the time and energy bought nothing; the same weights were there long before.
    How it is detected: 97 % of the fall was done in the first part of the run, and no gain is in sight.
    What to do: stop early, with a patience of a tenth of the run.
    """

    code, severity = "STOP002", Severity.INFO
    requires = frozenset({"NUM001", "STOP001", "LR001", "LR003"})
    references = ("Prechelt 1998, Early Stopping - But When?",)
    wasted = 0.6  # share of the run after the loss had settled; own

    def examine(self, verdict: Verdict, judged: Shape) -> Finding | None:
        wasted = verdict.wasted_fraction or 0.0
        if verdict.status is not Status.CONVERGED or 1 - judged.settled_fraction < self.wasted or wasted < self.wasted:
            return None
        return self.finding(
            f"{judged.curve.label} had settled by step {judged.settled_step:g}: {wasted:.0%} of the run changed little.",
            confidence=round(0.9 * verdict.confidence, 3),
            step=judged.settled_step,
            span=(judged.settled_step, float(judged.curve.step[-1])),
            best_step=judged.best_step,
            wasted_fraction=wasted,
        )

    sick = [{"verdict": verdict("converged", wasted=0.8), "judged": shape(falling())}]
    healthy = [{"verdict": verdict("improving"), "judged": shape(sloping(2.3, 1.0))}]
