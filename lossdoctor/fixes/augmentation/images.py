"""Change the pictures at random."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class AugmentImages(Fix):
    """Mirror, shift and crop the training pictures at random.

    Why it helps: a shifted or mirrored picture is of the same class and new to the model: it must learn what stays the same.
    In your code: `v2.RandomCrop(32, padding=4)` and `v2.RandomHorizontalFlip()` of torchvision.transforms, in training only.
    """

    code = "FAUG01"
    cures = frozenset({"AUG102", "STOP001", "REG001"})
    references = ("Shorten & Khoshgoftaar 2019, A Survey on Image Data Augmentation",)
    part = 8  # of the shorter side
    window = 0.8

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        shape = config.get("inputs") or ()
        if finding is None or config.get("data.augment") or len(shape) != 3:
            return
        pixels = max(1, min(shape[1:]) // self.part)
        yield Patch({"data.augment": [{"shift": pixels}]}, f"pictures shifted by up to {pixels}")
        yield Patch({"data.augment": [{"flip": 0.5}, {"shift": pixels}]}, f"pictures mirrored, and shifted by up to {pixels}")
        yield Patch({"data.augment": [{"crop": self.window}]}, f"pictures cropped to {self.window:g} or more of each side")
