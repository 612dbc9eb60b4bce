"""Train with the focal loss."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class FocalLoss(Fix):
    """Weight each example by (1 - p) squared, where p is the probability that the model gives its class.

    Why it helps: the many examples of the large class that are right already hardly count, so that the few that are wrong set the gradient.
    In your code: `each = F.cross_entropy(output, y, reduction="none"); loss = ((1 - torch.exp(-each)) ** 2 * each).mean()`
    """

    code = "FIMB03"
    cures = frozenset({"IMB001", "IMB002", "IMB101"})
    references = ("Lin et al. 2017, Focal Loss for Dense Object Detection",)
    gamma = 2.0
    losses = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and config.get("training.focal") is None and config.get("training.loss", "cross_entropy") in self.losses:
            yield Patch({"training.focal": self.gamma}, f"focal loss, gamma {self.gamma:g}")
