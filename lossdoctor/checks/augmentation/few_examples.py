"""There are few examples of each class and nothing makes more of them."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Images, Labels, Plan


class FewExamples(Check):
    """There are few pictures of each class, and training sees each of them as it is, every time.

    Why it matters: a net learns so few pictures by heart; mirrored, shifted and cropped ones are new to it.
    How it is detected: by counting labels; a config that augments is passed over.
    What to do: `data.augment: [{flip: 0.5}, {shift: 2}]` where a mirrored, shifted picture is of the same class; a pretrained model.
    """

    code, severity = "AUG102", Severity.INFO
    references = ("Shorten and Khoshgoftaar 2019, A Survey on Image Data Augmentation",)
    fewest = 50  # examples of the usual class; own

    def examine(self, labels: Labels, images: Images, plan: Plan) -> Finding | None:
        count = float(np.median(labels.train[labels.train > 0])) if labels.train.any() else 0.0
        if count >= self.fewest or plan.augmented:
            return None
        return self.finding(
            f"The usual class has {count:.0f} pictures, and training batches are not augmented.", confidence=0.5, count=count
        )

    _image = Images((3, 16, 16), 0.5, 0.0, 1.0)
    sick = [{"labels": Labels(np.full(10, 20), np.full(10, 5)), "images": _image, "plan": Plan()}]
    healthy = [
        {"labels": Labels(np.full(10, 200), np.full(10, 5)), "images": _image, "plan": Plan()},
        {"labels": Labels(np.full(10, 20), np.full(10, 5)), "images": _image, "plan": Plan(augmented=True)},
    ]
