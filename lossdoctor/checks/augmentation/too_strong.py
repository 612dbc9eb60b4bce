"""The changes made to training batches hide what is in them."""

from __future__ import annotations

import math

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Ablation


class AugmentationTooStrong(Check):
    """With the configured augmentation the first steps learn little of what they learn without.

    Why it matters: changes that hide the class teach the model noise; validation, which is not changed, looks different to it.
    How it is detected: the same first steps with and without the changes, both judged on unchanged batches.
    What to do: weaker noise, smaller shifts, no flips where left and right matter: `data.augment`.
    """

    code, severity = "AUG101", Severity.WARNING
    requires = frozenset(
        {"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "LAB101", "LAB102", "LOSS102", "LR101", "LR102", "GRAD103", "FRZ101"}
    )
    references = ("Cubuk et al. 2020, RandAugment",)
    share = 0.6  # of the fall without; own
    errors = 3.0  # standard errors between the two

    def examine(self, augmentation: Ablation) -> Finding | None:
        fell, could = augmentation.first - augmentation.changed, augmentation.first - augmentation.plain
        if could < 0.1 * abs(augmentation.first) or (math.isfinite(fell) and fell > self.share * could):
            return None
        if augmentation.changed - augmentation.plain < self.errors * augmentation.error:
            return None
        return self.finding(
            f"In {augmentation.steps} steps the loss falls from {augmentation.first:.4g} to {augmentation.plain:.4g} without augmentation "
            f"and to {augmentation.changed:.4g} with it.",
            confidence=0.8,
            without=augmentation.plain,
            loss=augmentation.changed,
        )

    sick = [{"augmentation": Ablation(first=2.3, plain=0.4, changed=1.9, error=0.02, steps=120)}]
    healthy = [{"augmentation": Ablation(first=2.3, plain=0.4, changed=0.6, error=0.02, steps=120)}]
