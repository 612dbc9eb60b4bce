"""What training inputs tell of their targets, validation inputs do not."""

from __future__ import annotations

import math

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Relation


class UnrelatedInValidation(Check):
    """In training the inputs tell the targets, in validation they do not: there, targets or columns got out of step.

    Why it matters: no model can do well on such a validation split, and its loss says nothing of any.
    How it is detected: a random forest learns from training examples; it ranks those it has not seen well, and validation examples no
    better than chance.
    What to do: print ten validation inputs beside their targets; look for a shuffle, a sort or another order of columns on one side alone.
    """

    code, severity = "LAB106", Severity.ERROR
    voids = True
    requires = frozenset({"PRE102", "PRE108", "LAB101", "LAB102", "IMB102"})
    references = ("Breck et al. 2019, Data Validation for Machine Learning", "Breiman 2001, Random Forests")
    clear = 0.12  # over chance, in training; own
    errors = 2.5  # standard errors over chance that count as chance
    kept = 0.35  # of what is over chance in training, that validation may keep; own

    def examine(self, relation: Relation) -> Finding | None:
        margin = self.errors * relation.val_error
        told, kept = relation.score - relation.chance, relation.val - relation.chance
        if math.isnan(relation.val) or told < self.clear + margin or kept > min(margin, self.kept * told):
            return None
        return self.finding(
            f"A forest ranks unseen training examples at {relation.score:.3f} and validation examples at {relation.val:.3f}; chance is "
            f"{relation.chance:.3g}.",
            confidence=0.88,
            score=relation.score,
            val=relation.val,
            chance=relation.chance,
        )

    sick = [{"relation": Relation(0.9, 0.5, 0.02, 900, val=0.51, val_error=0.03)}]
    healthy = [
        {"relation": Relation(0.9, 0.5, 0.02, 900, val=0.88, val_error=0.03)},
        {"relation": Relation(0.56, 0.5, 0.02, 900, val=0.51, val_error=0.03)},
    ]
