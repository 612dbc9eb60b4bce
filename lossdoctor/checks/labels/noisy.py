"""LAB103: labels that their inputs contradict."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.observation import Plan, Relation
from lossdoctor.core.run import Run


class Noisy(Check):
    """Many labels contradict what examples like theirs are labelled.

    Why it matters: the net first learns the rule and then the wrong labels by heart; validation gets worse from there on.
    How it is detected: a random forest judges examples that it has not seen. Where classes merely overlap, or the rule is hard to find, it
    errs where it is unsure; where labels are wrong, it errs nearly as often where it is sure, and a linear model does as well; of pictures
    and sequences, the net itself is hardly better on validation. Or it ranks new validation examples far better than training examples
    that it has not seen: there, labels are wrong that in validation are right.
    What to do: look at the examples of which it is surest; stop early, smooth the labels (`label_smoothing`).
    """

    code, severity = "LAB103", Severity.WARNING
    requires = frozenset({"PRE102", "LAB101", "LAB102", "IMB101", "LOSS106", "LEAK101", "LEAK103"})
    references = ("Northcutt et al. 2021, Confident Learning", "Breiman 2001, Random Forests")
    sure = 0.08  # contradicted among the surer half; own
    ratio = 0.63  # of that to the share among all; own: a rule too fine for the forest reaches 0.58
    classes = 3  # with two, a weak relation looks the same
    knows = 0.1  # of a forest's score over chance: one that knows nothing contradicts as many; own
    less = 0.75  # of what the forest puts elsewhere: a net that errs less knows a rule that the forest does not; own
    better, errors = 0.08, 4.0  # over the score in training, of which standard errors; own

    def examine(self, relation: Relation, plan: Plan, run: Run | None) -> Finding | None:
        contradicted = relation.sure >= max(self.sure, self.ratio * relation.wrong) and (plan.classes or 0) >= self.classes
        if not contradicted or relation.score < relation.chance + self.knows or self._net_knows_better(relation, plan, run):
            return self._against_validation(relation)
        return self.finding(
            f"A forest contradicts {relation.sure:.0%} of the unseen labels of which it is surest, and {relation.wrong:.0%} of all.",
            confidence=0.88,
            sure=relation.sure,
            all=relation.wrong,
            examples=relation.examples,
        )

    def _net_knows_better(self, relation: Relation, plan: Plan, run: Run | None) -> bool:
        """Whether, of pictures and sequences, of which a forest sees single values alone, the net may see more: it does on validation, or
        it has not been trained to its end."""
        accuracy = run.curve("accuracy", "val") if run and run.steps >= plan.steps and not relation.table else None
        if accuracy is None or not np.isfinite(accuracy.value).any():
            return not relation.table
        return float(np.nanmax(accuracy.value)) > 1 - self.less * relation.wrong

    def _against_validation(self, relation: Relation) -> Finding | None:
        if not relation.val > relation.score + max(self.better, self.errors * relation.val_error):
            return None
        return self.finding(
            f"A forest ranks unseen training examples at {relation.score:.2f} and validation examples at {relation.val:.2f}: training "
            "labels are wrong that are right in validation.",
            confidence=0.8,
            score=relation.score,
            val=relation.val,
            examples=relation.examples,
        )

    _pictures = Relation(0.8, 0.5, 0.01, 900, wrong=0.3, sure=0.25, table=False)
    _plan = Plan(classes=4, steps=100)
    _nets = {best: Run({"val_accuracy": Curve("accuracy", "val", np.array([50.0, 100.0]), np.array([0.4, best]))}) for best in (0.7, 0.95)}
    sick = [
        {"relation": _pictures, "plan": _plan, "run": _nets[0.7]},
        {"relation": Relation(0.8, 0.5, 0.01, 900, wrong=0.3, sure=0.25), "plan": Plan(classes=4), "run": None},
        {"relation": Relation(0.7, 0.5, 0.02, 900, val=0.95, val_error=0.03), "plan": Plan(classes=2), "run": None},
    ]
    healthy = [
        {"relation": _pictures, "plan": _plan, "run": None},
        {"relation": _pictures, "plan": _plan, "run": _nets[0.95]},
        {"relation": Relation(0.8, 0.5, 0.01, 900, wrong=0.34, sure=0.2), "plan": Plan(classes=4), "run": None},
        {"relation": Relation(0.52, 0.5, 0.01, 900, wrong=0.7, sure=0.6), "plan": Plan(classes=4), "run": None},
        {"relation": Relation(0.99, 0.5, 0.01, 900, wrong=0.03, sure=0.0), "plan": Plan(classes=4), "run": None},
    ]
