"""LOG003: steps go backwards."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling


class StepsGoBack(Check):
    """The steps of the log go backwards or repeat: a resumed run, or several in one file.

    Why it matters: two stories told as one: levels before and after do not belong together.
    How it is detected: steps of the judged loss that are not greater than the one before.
    What to do: write each run to its own file; cut the log at the step from which it was resumed.
    """

    code, severity = "LOG003", Severity.INFO
    references = ("Godbole et al. 2023, Deep Learning Tuning Playbook",)

    def examine(self, judged_loss: Curve) -> Finding | None:
        back = np.flatnonzero(np.diff(judged_loss.step) <= 0)
        if not len(back):
            return None
        return self.finding(
            f"The steps go back or repeat at {len(back)} of {len(judged_loss)} points of {judged_loss.label}.",
            confidence=0.95,
            step=float(judged_loss.step[back[0]]),
            points=len(back),
        )

    sick = [{"judged_loss": Curve("loss", "train", np.array([0.0, 1, 2, 1, 2, 3]), np.array([3.0, 2, 1, 2, 1, 0.5]))}]
    healthy = [{"judged_loss": falling()}]
