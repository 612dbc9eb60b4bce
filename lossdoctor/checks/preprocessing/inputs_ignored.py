"""The model's outputs do not depend on its inputs."""

from __future__ import annotations

import math

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Ablation, Output, Relation


class InputsIgnored(Check):
    """The inputs do not get through to the outputs: real ones do no better than inputs that are all alike.

    Why it matters: all that such a model can learn is the mean of the targets.
    How it is detected: different inputs get the same output, for several weights of the last layer; or some steps of Adam lower the loss no
    further than as many with all inputs zero, where a forest does tell the targets from them.
    What to do: look for an inverted mask, a normalization over a single value, the wrong slice or time step, a clip or an integer cast.
    """

    code, severity = "PRE115", Severity.ERROR
    requires = frozenset(
        {
            "PRE101",
            "PRE102",
            "PRE104",
            "PRE105",
            "PRE106",
            "PRE107",
            "PRE110",
            "PRE111",
            "PRE112",
            "PRE113",
            "PRE114",
            "LAB101",
            "LAB102",
            "LOSS101",
        }
        | {"LOSS102", "LOSS103", "ACT101", "ACT102", "ACT104", "INIT102", "INIT103", "GRAD103", "FRZ101", "DROP101", "IMB101", "CAP102"}
        | {"FRZ103", "LOSS104", "CAP104", "GRAD104", "INIT101"}
    )
    references = ("Karpathy 2019, A Recipe for Training Neural Networks (input-independent baseline)",)
    distinct = 0.1  # of the different inputs; own
    same = 0.98  # loss with inputs over loss without; own
    related = 0.2  # of a forest's score over chance; own

    def examine(self, output: Output | None, blind: Ablation | None, relation: Relation | None) -> Finding | None:
        if output is not None and output.distinct < self.distinct:
            return self.finding(
                f"Of {output.shape[0]} different inputs only {max(round(output.distinct * output.shape[0]), 1)} get outputs of their own.",
                confidence=0.93,
                distinct=output.distinct,
            )
        if blind is None or relation is None or relation.score < relation.chance + self.related or not math.isfinite(blind.plain):
            return None
        if blind.plain < self.same * blind.changed - 2 * blind.error:
            return None
        return self.finding(
            f"After {blind.steps} steps the loss is {blind.plain:.4g} with the inputs and {blind.changed:.4g} without; a forest "
            f"tells the targets from them ({relation.score:.2f}, chance {relation.chance:.2g}).",
            confidence=0.45,  # a net too small or too wild for its task does the same
            severity=Severity.WARNING,
            loss=blind.plain,
            loss_without_inputs=blind.changed,
        )

    _related = Relation(0.9, 0.5, 0.02, 900)
    sick = [
        {"output": Output((128, 2), "free", -9.0, 9.0, distinct=0.01), "blind": None, "relation": None},
        {"output": None, "blind": Ablation(0.7, 0.66, 0.66, 0.01, 120), "relation": _related},
    ]
    healthy = [{"output": Output((128, 2), "free", -9.0, 9.0), "blind": Ablation(0.7, 0.3, 0.66, 0.01, 120), "relation": _related}]
