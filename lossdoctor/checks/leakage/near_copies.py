"""LEAK103: validation examples that are training examples but for a trifle."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Copies


class NearCopies(Check):
    """Validation examples are training examples but for a trifle: noise, rounding, another compression.

    Why it matters: the model knows them; the validation loss rewards learning by heart.
    How it is detected: the distance of each validation example to its nearest neighbour in training, against the usual distance between
    neighbours there; data in which training examples lie as close to each other are passed over.
    What to do: split before augmenting; keep all that comes from one source (patient, day, picture) on one side.
    """

    code, severity = "LEAK103", Severity.WARNING
    requires = frozenset({"LEAK101", "PRE102", "PRE108"})
    references = ("Barz and Denzler 2020, Do We Train on Test Data?", "Kaufman et al. 2012, Leakage in Data Mining")
    share = 0.05  # of the validation examples; own
    fewest = 5  # of them; own
    excess = 3.0  # times the share in training itself; own
    features = 3  # numbers an example must have: on a line or in a plane, neighbours come this close by chance

    def examine(self, copies: Copies) -> Finding | None:
        count = round(copies.val * copies.examples)
        if copies.features < self.features or copies.val < max(self.share, self.excess * copies.train) or count < self.fewest:
            return None
        return self.finding(
            f"{count} of {copies.examples} validation examples ({copies.val:.0%}) differ from a training example by next to nothing; "
            f"{copies.agree:.0%} of these pairs have equal targets.",
            confidence=0.9 if copies.val > 0.15 else 0.75,
            share=copies.val,
            share_in_training=copies.train,
            equal_targets=copies.agree,
        )

    sick = [{"copies": Copies(val=0.3, train=0.0, agree=1.0, features=30, examples=200)}]
    healthy = [
        {"copies": Copies(val=0.01, train=0.01, agree=1.0, features=30, examples=200)},
        {"copies": Copies(val=0.2, train=0.18, agree=1.0, features=30, examples=200)},
    ]
