"""LOG001: too few points."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling


class TooFewPoints(Check):
    """The log has too few points of the loss to judge it.

    Why it matters: a trend, a plateau and noise cannot be told apart; any verdict would be a guess.
    How it is detected: fewer than a handful of finite values.
    What to do: log the loss more often, every epoch at least.
    """

    code, severity = "LOG001", Severity.INFO
    requires = frozenset({"NUM001"})
    references = ("Viering and Loog 2023, The Shape of Learning Curves",)
    fewest = 8  # points; own

    def examine(self, judged_loss: Curve) -> Finding | None:
        if len(judged_loss) >= self.fewest:
            return None
        points = f"{len(judged_loss)} point{'s' * (len(judged_loss) > 1)}"
        return self.finding(f"The log has only {points} of {judged_loss.label}.", confidence=0.97, points=len(judged_loss))

    sick = [{"judged_loss": falling(points=3)}]
    healthy = [{"judged_loss": falling()}]
