"""LAB102: labels that have nothing to do with the inputs."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Relation


class LabelsUnrelatedToInputs(Check):
    """Nothing in the inputs tells the targets: most likely they got out of step.

    Why it matters: a model can learn such labels by heart alone; validation stays at chance whatever the settings.
    How it is detected: a random forest on a sample of the training table ranks examples it has not seen no better than chance.
    What to do: print ten inputs beside their labels; look for a shuffle, a sort or a filter that was applied to one of the two alone.
    """

    code, severity = "LAB102", Severity.WARNING
    requires = frozenset({"PRE102", "LAB101", "IMB102"})
    references = ("Breiman 2001, Random Forests", "Ojala and Garriga 2010, Permutation Tests for Studying Classifier Performance")
    errors = 2.0  # standard errors over chance that count as chance
    fewest = 250  # examples
    power = 0.12  # over chance that must be told from it: with ten examples of a class, nothing can

    def examine(self, relation: Relation) -> Finding | None:
        margin = self.errors * relation.error
        if not relation.table or relation.examples < self.fewest or margin > self.power or relation.score > relation.chance + margin:
            return None
        return self.finding(
            f"A random forest ranks unseen examples at {relation.score:.3f}, chance is {relation.chance:.3f}: the inputs tell nothing.",
            confidence=0.86,
            score=relation.score,
            chance=relation.chance,
            examples=relation.examples,
        )

    sick = [{"relation": Relation(score=0.501, chance=0.5, error=0.01, examples=2000)}]
    healthy = [{"relation": Relation(score=0.8, chance=0.5, error=0.01, examples=2000)}]
