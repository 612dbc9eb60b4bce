"""IMB103: class weights that favour what is frequent already."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Labels, Plan


class WeightsInverted(Check):
    """The class weights favour the frequent classes.

    Why it matters: weights are there to make up for rarity; these add to it, and the rare classes are hardly ever named.
    How it is detected: the configured weights against the shares of the classes in the training labels.
    What to do: the inverse of the shares: `training.class_weights: balanced`; look at the order of the classes.
    """

    code, severity = "IMB103", Severity.WARNING
    references = ("King and Zeng 2001, Logistic Regression in Rare Events Data",)
    uneven = 1.5  # frequent over rare class from which on they count as uneven; own
    heavier = 2.0  # weight of the frequent over that of the rare class; own

    def examine(self, labels: Labels, plan: Plan) -> Finding | None:
        if len(plan.weights) != len(labels.train) or not labels.train.all() or min(plan.weights, default=0.0) <= 0:
            return None
        common, rare = int(labels.train.argmax()), int(labels.train.argmin())
        ratio, weights = float(labels.train[common] / labels.train[rare]), plan.weights[common] / plan.weights[rare]
        if ratio < self.uneven or weights < self.heavier:
            return None
        return self.finding(
            f"Class {common} has {ratio:.3g} times the training examples of class {rare}, and {weights:.3g} times its weight.",
            confidence=0.88,
            ratio=ratio,
            weights=weights,
        )

    _labels = Labels(np.array([900, 100]), np.array([90, 10]))
    sick = [{"labels": _labels, "plan": Plan(balanced=True, weights=(10.0, 1.0))}]
    healthy = [{"labels": _labels, "plan": Plan(balanced=True, weights=(1.0, 10.0))}, {"labels": _labels, "plan": Plan()}]
