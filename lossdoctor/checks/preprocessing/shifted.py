"""Validation inputs come from another distribution than training inputs."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Shift


class Shifted(Check):
    """Validation inputs can be told from training inputs: they come from another source, or were processed otherwise.

    Why it matters: the validation loss judges the model on inputs that it was not shown the like of.
    How it is detected: a random forest is asked which split an example is from, and judged on examples it has not seen (a two-sample test
    by a classifier).
    What to do: look at the feature named in both splits; where validation is later or from elsewhere on purpose, the gap is to be expected.
    """

    code, severity = "PRE116", Severity.WARNING
    requires = frozenset({"PRE102", "PRE108", "LEAK101", "LEAK103", "LEAK104", "LEAK102"})
    references = ("Lopez-Paz and Oquab 2017, Revisiting Classifier Two-Sample Tests", "Breck et al. 2019, Data Validation")
    clear = 0.75  # area under the curve; own: a split by time often reaches 0.6
    errors = 4.0  # standard errors over 0.5

    def examine(self, shift: Shift) -> Finding | None:
        if shift.score < max(self.clear, 0.5 + self.errors * shift.error):
            return None
        return self.finding(
            f"A forest tells validation from training inputs with an area under the curve of {shift.score:.2f}, most by {shift.feature}.",
            confidence=0.85 if shift.score > 0.9 else 0.7,
            score=shift.score,
            column=shift.feature,
            examples=shift.examples,
        )

    sick = [{"shift": Shift(0.97, 0.02, "x3", 800)}]
    healthy = [{"shift": Shift(0.52, 0.02, "x3", 800)}]
