"""LOG003: steps go backwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling
from lossdoctor.core.run import Run


class StepsGoBack(Check):
    """The steps of the log go backwards or repeat: a resumed run, or several in one file.

    Why it matters: two stories told as one: levels before and after do not belong together.
    How it is detected: steps of the judged loss that are not greater than the one before.
    What to do: write each run to its own file; cut the log at the step from which it was resumed.
    """

    code, severity = "LOG003", Severity.INFO
    references = ("Godbole et al. 2023, Deep Learning Tuning Playbook",)

    def examine(self, run: Run, judged_loss: Curve) -> Finding | None:
        logged = run.curves[judged_loss.label].step
        back = np.flatnonzero(np.diff(logged) <= 0)
        if not len(back):
            return None
        return self.finding(
            f"The steps go back or repeat at {len(back)} of {len(logged)} points of {judged_loss.label}.",
            confidence=0.95,
            step=float(logged[back[0]]),
            points=len(back),
        )

    sick = [
        {"run": Run({"train_loss": _resumed}), "judged_loss": _resumed} for _resumed in [replace(falling(), step=np.arange(200.0) % 120)]
    ]
    healthy = [{"run": Run({"train_loss": falling()}), "judged_loss": falling()}]
