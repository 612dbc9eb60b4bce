"""LAB102: labels that have nothing to do with the inputs."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.examples import falling
from lossdoctor.core.observation import Ablation, Plan, Relation
from lossdoctor.core.run import Run


class LabelsUnrelatedToInputs(Check):
    """Nothing in the inputs tells the targets: most likely they got out of step.

    Why it matters: a model can learn such labels by heart alone; validation stays at chance whatever the settings.
    How it is detected: a random forest on a sample of the training data ranks examples it has not seen no better than chance. Of pictures
    and sequences, where a forest may miss what a net sees, the net's own training is asked too: its training loss came down, while its
    validation loss rose and was never under that of a constant guess; or, which says less, neither ever came under it.
    A net whose validation loss comes clearly under what it reaches without inputs proves the forest wrong.
    What to do: print ten inputs beside their labels; look for a shuffle, a sort or a filter that was applied to one of the two alone.
    """

    code, severity = "LAB102", Severity.WARNING
    requires = frozenset({"PRE102", "LAB101", "IMB102"})
    references = ("Breiman 2001, Random Forests", "Ojala and Garriga 2010, Permutation Tests for Studying Classifier Performance")
    errors = 2.0  # standard errors over chance that count as chance
    fewest = 250  # examples
    power = 0.12  # over chance that must be told from it: with ten examples of a class, nothing can
    never, off = 0.97, 1.2  # of that loss: neither loss under the first, and both near it; own
    clearly = 0.1  # of the fall without inputs, that validation goes beyond; own
    constant, rises = 0.99, 1.03  # of the loss of a constant guess: training got under the first, validation never, and ends over both; own

    def examine(self, relation: Relation, plan: Plan, run: Run | None, blind: Ablation | None) -> Finding | None:
        margin = self.errors * relation.error
        if relation.examples < self.fewest or margin > self.power or relation.score > relation.chance + margin:
            return None
        if self._told(plan, run, blind):
            return None
        if not relation.table and not (self._by_heart(plan, run) or self._never(plan, run)):
            return None
        return self.finding(
            f"A random forest ranks unseen examples at {relation.score:.3f}, chance is {relation.chance:.3f}: the inputs tell nothing.",
            confidence=0.86 if relation.table or self._by_heart(plan, run) else 0.6,
            score=relation.score,
            chance=relation.chance,
            examples=relation.examples,
        )

    def _told(self, plan: Plan, run: Run | None, blind: Ablation | None) -> bool:
        """Whether validation comes clearly under the loss of a guess that does not know the inputs: of several likely targets, a forest
        guesses the mean."""
        val = run.curve("loss", "val") if run else None
        if blind is None or not plan.custom or val is None or not np.isfinite(val.value).any():
            return False
        return float(np.nanmin(val.value)) < blind.changed - max(self.clearly * (blind.first - blind.changed), self.errors * blind.error)

    def _by_heart(self, plan: Plan, run: Run | None) -> bool:
        """Whether the net learned its training examples, and nothing that holds in validation."""
        train, val = (run.curve("loss", split) if run else None for split in ("train", "val"))
        if plan.chance is None or plan.custom or train is None or val is None or not np.isfinite(val.value).any():
            return False
        under = self.constant * plan.chance
        return bool(np.nanmin(train.value) < under < np.nanmin(val.value) and val.finite.last > self.rises * plan.chance)

    def _never(self, plan: Plan, run: Run | None) -> bool:
        """Whether the net, too, is no better than a constant guess."""
        curves = [run.curve("loss", split) if run else None for split in ("train", "val")]
        if plan.chance is None or plan.custom or any(c is None or not np.isfinite(c.value).any() for c in curves):
            return False
        return all(c is not None and self.never * plan.chance < np.nanmin(c.value) < self.off * plan.chance for c in curves)

    _plan = Plan(chance=0.69)
    sick = [{"relation": Relation(score=0.501, chance=0.5, error=0.01, examples=2000), "plan": _plan, "run": None, "blind": None}]
    healthy = [
        {"relation": Relation(score=0.8, chance=0.5, error=0.01, examples=2000), "plan": _plan, "run": None, "blind": None},
        {"relation": Relation(score=0.5, chance=0.5, error=0.01, examples=2000, table=False), "plan": _plan, "run": None, "blind": None},
        {
            "relation": Relation(score=0.01, chance=0.0, error=0.04, examples=700),
            "plan": Plan(custom=True),
            "run": Run({"val_loss": falling(1.5, -1.0, "val_loss")}),
            "blind": Ablation(1.5, 0.3, 0.6, 0.01, 120),
        },
    ]
