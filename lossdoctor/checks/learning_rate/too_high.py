"""LR001: the learning rate is too high."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import curve, falling, flat, noisy, sloping, u_turn, verdict
from lossdoctor.core.shape import Shape, shape
from lossdoctor.core.statistics import noise


class LearningRateTooHigh(Check):
    """The learning rate is too high: the loss swings, spikes, blows up, or is stuck above where it had been.

    Why it matters: steps longer than 2 / curvature bounce off the walls of the valley; no amount of further training helps.
    How it is detected: the loss ends above its own earlier level, swings without net progress, blew up and came to
    rest at the level of a constant guess, or throws spikes as tall as half of what the run gained. A training loss alone that swings may
    swing with its batches, one that did so before the warm-up brought the learning rate up certainly does, and the loss beside a reward
    follows what the agent meets: none of these is taken for it.
    What to do: divide the learning rate by 3 to 10, or warm it up; clip the gradient norm if spikes remain.
    """

    code, severity = "LR001", Severity.ERROR
    requires = frozenset({"NUM001"})
    references = ("Smith 2017, Cyclical Learning Rates", "Cohen et al. 2021, Gradient Descent on Neural Networks at the Edge of Stability")
    jump = 2.0  # times the final level: a loss that was this high and now rests at a constant guess has blown up; own
    beyond = 8.0  # standard deviations of a point: what blew up stands out from the noise of where it came to rest; own
    restless = 0.03  # of the level: the swing of a loss that learned nothing, which should be still; own
    still = 5e-4  # scatter of the validation loss, as a share, that a learning rate too high does not leave; own
    low = 0.25  # of the peak learning rate: the noise that the loss has below it is that of its batches; own
    fewest = 3  # spikes as tall as half of all that the run gained; own

    def examine(
        self,
        verdict: Verdict,
        judged: Shape,
        train_shape: Shape | None,
        oscillation: float,
        spikes: Curve | None,
        val_scatter: float | None = None,
        val_shape: Shape | None = None,
        lr: Curve | None = None,
        reward: Curve | None = None,
    ) -> Finding | None:
        if reward is not None:
            return None
        evidence = {"swing": round(oscillation, 4), "spikes": 0 if spikes is None else len(spikes), "rise": judged.rise}
        if verdict.status is Status.DIVERGING:
            return self._found("The loss climbs away from a level it had reached", 0.85 * verdict.confidence, verdict, evidence)
        if verdict.status is Status.OSCILLATING:
            if val_shape is None:
                return None
            return self._found("The loss swings from point to point and makes no net progress", 0.9 * verdict.confidence, verdict, evidence)
        stuck = train_shape or judged
        peak = float(stuck.curve.value.max())
        blew_up = max(peak, stuck.first) > max(self.jump * stuck.end, stuck.end + self.beyond * stuck.noise)
        if verdict.status is Status.NEVER_LEARNED and stuck.end > 0 and blew_up:
            evidence["peak_over_last"] = peak / stuck.end
            return self._found("The loss blew up and came to rest at the level of a constant guess", 0.5, verdict, evidence)
        moves = val_shape is not None and (val_scatter is None or val_scatter > self.still) and not self._noisy_in_warm_up(stuck, lr)
        if verdict.status is Status.NEVER_LEARNED and moves and stuck.best > 0 and stuck.noise > self.restless * stuck.best:
            return self._found("The loss learns nothing and does not come to rest", 0.4, verdict, evidence)
        if spikes is not None and len(spikes) >= self.fewest:
            return self._found(f"The training loss has {len(spikes)} spikes", 0.6, verdict, evidence)
        return None

    def _noisy_in_warm_up(self, stuck: Shape, lr: Curve | None) -> bool:
        """Whether the loss was already half as noisy while the learning rate was a small share of its peak."""
        if lr is None or len(lr.finite) < 3:
            return False
        rate = np.interp(stuck.curve.step, lr.finite.step, lr.finite.value)
        early = int((rate > self.low * lr.finite.max).argmax())
        return early >= 8 and noise(stuck.curve.value[:early]) > 0.5 * stuck.noise

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
            "val_shape": shape(noisy(flat(1.0, "val_loss"), 0.5)),
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
            "verdict": verdict("oscillating"),
            "judged": shape(noisy(flat(1.0), 0.5)),
            "train_shape": shape(noisy(flat(1.0), 0.5)),
            "oscillation": 0.5,
            "spikes": None,
        },
        {
            "verdict": verdict("never_learned"),
            "judged": shape(noisy(flat(1.0), 0.05)),
            "train_shape": shape(noisy(flat(1.0), 0.05)),
            "oscillation": 0.05,
            "spikes": None,
            "lr": sloping(0.0, 0.1, "lr"),
        },
        {
            "verdict": verdict("diverging"),
            "judged": shape(u_turn(label="reward")),
            "train_shape": shape(u_turn(label="train_loss")),
            "oscillation": 0.1,
            "spikes": None,
            "reward": flat(1.0, "reward"),
        },
        {
            "verdict": verdict("converged"),
            "judged": shape(falling()),
            "train_shape": shape(falling()),
            "oscillation": 0.0,
            "spikes": curve([9.0]),
        },
        {"verdict": verdict("never_learned"), "judged": shape(flat(2.3)), "train_shape": None, "oscillation": 0.0, "spikes": None},
        {
            "verdict": verdict("never_learned"),
            "judged": shape(flat(2.3, "val_loss")),
            "train_shape": shape(noisy(flat(2.3), 0.1)),
            "oscillation": 0.0,
            "spikes": None,
            "val_scatter": 1e-5,
            "val_shape": shape(flat(2.3, "val_loss")),
        },
        {
            "verdict": verdict("never_learned"),
            "judged": shape(noisy(flat(500.0), 150.0)),
            "train_shape": shape(noisy(flat(500.0), 150.0)),
            "oscillation": 0.3,
            "spikes": None,
        },
    ]
