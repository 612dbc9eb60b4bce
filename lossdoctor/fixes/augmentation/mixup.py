"""Mix examples."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Mixup(Fix):
    """Train on weighted means of pairs of examples, and of their targets.

    Why it helps: between examples the output must go straight from one target to the other; single and wrong ones lose their pull.
    In your code: `s = np.random.beta(0.4, 0.4); x, y = s * x + (1 - s) * x[i], s * y + (1 - s) * y[i]`, `i` a permutation, `y` one-hot.
    """

    code = "FAUG03"
    cures = frozenset({"STOP001", "REG001"})
    references = ("Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization",)
    alpha = 0.4
    losses = ("cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "smooth_l1_loss")

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and not config.get("data.augment") and config.get("training.loss", "cross_entropy") in self.losses:
            yield Patch({"data.augment": [{"mixup": self.alpha}]}, f"mixup, alpha {self.alpha:g}")
