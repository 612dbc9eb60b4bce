"""LOSS104: a loss of the user's own that does not reward right answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Pass, Plan, RangeTest, Reward, ShortRun


class RewardsWrongAnswers(Check):
    """The loss is no lower for right answers than for a constant guess, or falls without end for wrong ones.

    Why it matters: training does what the loss asks for, and this one does not ask for the targets.
    How it is detected: a loss of the config's own is given made-up outputs that follow the targets, stay constant, and go against them.
    A custom step, whose loss cannot be asked, is watched for a loss that starts below zero and falls ever faster, as configured and at
    the best learning rate.
    What to do: look for a forgotten minus, targets of shape [n] against outputs of shape [n, 1] (which broadcast to [n, n]), and the order
    of the arguments.
    """

    code, severity = "LOSS104", Severity.ERROR
    voids = True
    requires = frozenset({"LAB101"})
    references = ("Humbatova et al. 2020, Taxonomy of Real Faults in Deep Learning Systems (wrong loss function calculation)",)
    better = 1e-3  # of the loss of a constant guess
    endless = 5.0  # times the lowest loss, below zero
    falls, fewest = 8.0, 9  # times the first loss, below zero, within the first steps, of which at least; own

    def examine(self, plan: Plan, loss_response: Reward | None, short_run: ShortRun | None, range_test: RangeTest | None) -> Finding | None:
        if loss_response is not None:
            return self._asked(loss_response)
        losses = short_run.losses if short_run else np.zeros(0)
        if not plan.custom or not losses.size or not losses.max() < 0:
            return None
        first, last, steps = float(losses[0]), float(losses[-1]), len(losses) - 1
        if range_test is not None and range_test.compared:
            last, steps = float(np.median(range_test.proposed)), range_test.steps
        if steps < self.fewest or not last < self.falls * first:
            return None
        return self.finding(
            f"The loss starts below zero, at {first:.3g}, and is at {last:.3g} after {steps} steps: is its sign right?",
            confidence=0.8,
            severity=Severity.WARNING,
            first=first,
            last=last,
        )

    def _asked(self, reward: Reward) -> Finding | None:
        numbers: dict[str, Any] = {"following": reward.following, "constant": reward.constant, "against": reward.against}
        if reward.far < reward.constant and reward.far < min(0.0, self.endless * min(reward.following, 0.0)) and math.isfinite(reward.far):
            return self.finding(
                f"The loss falls without end for wrong answers, to {reward.far:.3g} here, and is {reward.following:.3g} at best for right "
                "ones: its sign is wrong.",
                confidence=0.96,
                **numbers,
            )
        slack = self.better * abs(reward.constant)
        if min(reward.following, reward.against) < reward.constant - slack:
            return None
        return self.finding(
            f"The loss is {reward.following:.4g} at best for outputs that follow the targets and {reward.constant:.4g} for a constant: it "
            "does not ask for the targets.",
            confidence=0.95,
            **numbers,
        )

    _plan = Plan(custom=True)
    _runs = {end: ShortRun(np.linspace(-0.7, end, 41), np.ones(40), 1e-3, (), Pass(())) for end in (-40.0, -1.5)}
    sick = [
        {"plan": _plan, "loss_response": Reward(-0.01, -0.7, -90.0, -300.0), "range_test": None, "short_run": None},
        {"plan": _plan, "loss_response": Reward(1.0, 1.0, 1.0, 90.0), "range_test": None, "short_run": None},
        {"plan": _plan, "loss_response": None, "range_test": None, "short_run": _runs[-40.0]},
    ]
    healthy = [
        {"plan": _plan, "loss_response": Reward(0.01, 0.7, 0.7, 300.0), "range_test": None, "short_run": None},
        {"plan": _plan, "loss_response": None, "range_test": None, "short_run": _runs[-1.5]},
    ]
