"""LR001: the learning rate is too high."""

from __future__ import annotations

from typing import Any

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, noisy, spiky, u_turn, verdict
from lossdoctor.core.shape import Shape, shape


class LearningRateTooHigh(Check):
    """The learning rate is too high: the loss swings, spikes, blows up, or is stuck above where it had been.

    Why it matters: steps longer than 2 / curvature bounce off the walls of the valley; no amount of further training helps.
    How it is detected: the loss ends above its own earlier level, swings without net progress, jumped at the start far above where it
    then settled for good, or keeps throwing spikes out of which it must recover.
    What to do: divide the learning rate by 3 to 10, or warm it up; clip the gradient norm if spikes remain.
    """

    code, severity = "LR001", Severity.ERROR
    requires = frozenset({"NUM001"})
    references = ("Smith 2017, Cyclical Learning Rates", "Cohen et al. 2021, Gradient Descent on Neural Networks at the Edge of Stability")
    jump = 2.0  # times the final level: a first loss this high that falls at once and then rests is an early blow-up; own, on small runs
    share = 0.01  # of all points being spikes is a habit, not an accident; own
    fewest = 3  # spikes

    def examine(
        self, verdict: Verdict, judged: Shape, train_shape: Shape | None, oscillation: float, spikes: Curve | None
    ) -> Finding | None:
        evidence = {"swing": round(oscillation, 4), "spikes": 0 if spikes is None else len(spikes), "rise": judged.rise}
        if verdict.status is Status.DIVERGING:
            return self._found("The loss climbs away from a level it had reached", 0.85 * verdict.confidence, verdict, evidence)
        if verdict.status is Status.OSCILLATING:
            return self._found("The loss swings from point to point and makes no net progress", 0.9 * verdict.confidence, verdict, evidence)
        stuck = train_shape or judged
        if verdict.status is Status.NEVER_LEARNED and stuck.end > 0 and stuck.start > self.jump * stuck.end:
            evidence["first_over_last"] = stuck.start / stuck.end
            return self._found("The loss blew up at the start and came to rest at the level of a constant guess", 0.7, verdict, evidence)
        if (
            spikes is not None
            and len(spikes) >= self.fewest
            and train_shape is not None
            and len(spikes) > self.share * len(train_shape.curve)
        ):
            if verdict.status.healthy:
                return None
            return self._found(f"The training loss has {len(spikes)} spikes", 0.6, verdict, evidence)
        return None

    def _found(self, what: str, confidence: float, verdict: Verdict, evidence: dict[str, Any]) -> Finding:
        message = f"{what}: the learning rate is probably too high."
        return self.finding(message, confidence=round(confidence, 3), step=verdict.onset_step, **evidence)

    sick = [
        {"verdict": verdict("diverging"), "judged": shape(u_turn()), "train_shape": None, "oscillation": 0.1, "spikes": None},
        {
            "verdict": verdict("oscillating"),
            "judged": shape(noisy(flat(1.0), 0.5)),
            "train_shape": None,
            "oscillation": 0.5,
            "spikes": None,
        },
        {
            "verdict": verdict("never_learned"),
            "judged": shape(falling(40.0, 2.3)),
            "train_shape": None,
            "oscillation": 0.0,
            "spikes": None,
        },
    ]
    healthy = [
        {
            "verdict": verdict("converged"),
            "judged": shape(falling()),
            "train_shape": shape(falling()),
            "oscillation": 0.0,
            "spikes": spiky(falling(), 5),
        },
        {"verdict": verdict("never_learned"), "judged": shape(flat(2.3)), "train_shape": None, "oscillation": 0.0, "spikes": None},
    ]
