"""AUG103: mirror images that are of another class."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Mirrored


class ChangesClass(Check):
    """Mirrored training pictures look like another class and keep their label.

    Why it matters: the model is taught that left is right: such a pair of classes cannot be told apart any more.
    How it is detected: a random forest learns the classes from the pixels as they are; what it takes the mirror images for.
    What to do: no flips where left and right matter (arrows, letters, digits, road signs, sides of the body): `data.augment`.
    """

    code, severity = "AUG103", Severity.WARNING
    requires = frozenset({"PRE102", "LAB101", "LAB102"})
    references = ("Shorten and Khoshgoftaar 2019, A survey on Image Data Augmentation for Deep Learning (label safety)",)
    share = 0.6  # of a class that is known, and of its mirror images that go elsewhere; own

    def examine(self, mirrored: Mirrored) -> Finding | None:
        if min(mirrored.known, mirrored.turned) < self.share:
            return None
        return self.finding(
            f"Of the mirror images of class {mirrored.of}, {mirrored.turned:.0%} look like class {mirrored.seen_as}.",
            confidence=0.85,
            of=mirrored.of,
            seen_as=mirrored.seen_as,
            known=mirrored.known,
            turned=mirrored.turned,
        )

    sick = [{"mirrored": Mirrored(of=0, seen_as=1, known=0.98, turned=0.95)}]
    healthy = [{"mirrored": Mirrored(of=0, seen_as=1, known=0.9, turned=0.1)}]
