"""Take the augmentation away."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class WeakenAugmentation(Fix):
    """Train on the examples as they are.

    Why it helps: changes that hide what tells the classes apart teach noise, and validation, which is not changed, looks different.
    In your code: leave the random transforms out, or make them weaker.
    """

    code = "FAUG04"
    cures = frozenset({"AUG101", "DROP001"})
    references = ("Cubuk et al. 2020, RandAugment",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and config.get("data.augment"):
            yield Patch({"data.augment": []}, "no augmentation")
