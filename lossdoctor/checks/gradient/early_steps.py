"""GRAD104: the beginning of a sequence does not reach the output."""

from __future__ import annotations

import math

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Ablation, Reach, Relation


class EarlyStepsOutOfReach(Check):
    """The answer lies in the sequence, and nothing comes back to its early steps through the recurrent layers.

    Why it matters: what a recurrent net cannot look back to it cannot learn; it stays at the mean of the targets.
    How it is detected: the gradient of the outputs at each step of the inputs; a forest that tells the targets from the sequences, where
    some steps of Adam do no better with the inputs than with zeros in their place.
    What to do: an LSTM or GRU with a forget bias of 1, orthogonal recurrent weights, attention or convolutions over time, shorter windows.
    """

    code, severity = "GRAD104", Severity.WARNING
    requires = frozenset(
        {"PRE101", "PRE102", "PRE104", "PRE105", "INIT102", "INIT103", "LOSS101", "LOSS102", "LOSS103", "LOSS104", "GRAD103"}
    )
    references = ("Bengio et al. 1994, Learning Long-Term Dependencies with Gradient Descent is Difficult", "Pascanu et al. 2013")
    related = 0.2  # of a forest's score over chance; own
    same = 0.98  # loss with inputs over loss without; own

    def examine(self, reach: Reach, blind: Ablation, relation: Relation) -> Finding | None:
        if reach.share > 0.5 or relation.score < relation.chance + self.related or not math.isfinite(blind.plain):
            return None
        if blind.plain < self.same * blind.changed - 2 * blind.error:
            return None
        return self.finding(
            f"Of {reach.steps} steps only the last {reach.share:.0%} reach the output; a forest tells the targets from the whole sequence "
            f"({relation.score:.2f}, chance {relation.chance:.2g}), the net from its end does not.",
            confidence=0.87,
            share=reach.share,
            steps=reach.steps,
        )

    _related = Relation(0.9, 0.5, 0.02, 900, table=False)
    sick = [{"reach": Reach(200, 0.1), "blind": Ablation(0.7, 0.69, 0.69, 0.01, 120), "relation": _related}]
    healthy = [
        {"reach": Reach(200, 0.1), "blind": Ablation(0.7, 0.3, 0.69, 0.01, 120), "relation": _related},
        {"reach": Reach(20, 1.0), "blind": Ablation(0.7, 0.69, 0.69, 0.01, 120), "relation": _related},
    ]
