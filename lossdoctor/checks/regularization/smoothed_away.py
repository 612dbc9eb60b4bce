"""REG103: labels that smoothing leaves next to nothing of."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan


class LabelsSmoothedAway(Check):
    """Label smoothing takes most of a label away from its class.

    Why it matters: the best the model can do is to be unsure; what is left of the labels to learn from is little, and its loss stays high.
    How it is detected: `training.label_smoothing` of the config.
    What to do: 0.05 to 0.2, as those who train with it do.
    """

    code, severity = "REG103", Severity.WARNING
    references = ("Szegedy et al. 2016, Rethinking the Inception Architecture", "M\u00fcller et al. 2019, When Does Label Smoothing Help?")
    most = 0.5  # own: five times the usual

    def examine(self, plan: Plan) -> Finding | None:
        if plan.smoothing <= self.most:
            return None
        return self.finding(
            f"label_smoothing is {plan.smoothing:g}: {1 - plan.smoothing:.0%} of a label is left to its class, the rest goes to all alike.",
            confidence=0.9 if plan.smoothing > 0.8 else 0.75,
            label_smoothing=plan.smoothing,
        )

    sick = [{"plan": Plan(smoothing=0.9)}]
    healthy = [{"plan": Plan(smoothing=0.1)}, {"plan": Plan()}]
