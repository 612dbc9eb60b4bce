"""Start the output at the prior."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class PriorBias(Fix):
    """Start the last layer's biases at the log shares of the classes, or at the mean of the targets.

    Why it helps: the model starts with the best guess that knows no input, and no step goes into finding out which classes are frequent.
    In your code: `head.bias.data = torch.log(torch.bincount(y) / len(y))` for classes, `head.bias.data.fill_(y.mean())` for numbers.
    """

    code = "FINIT03"
    cures = frozenset({"INIT101", "IMB101", "PRE105"})
    references = (
        "Karpathy 2019, A Recipe for Training Neural Networks",
        "Lin et al. 2017, Focal Loss for Dense Object Detection",
    )

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is not None and config.get("model.output_bias") is None and config.get("training.step") is None:
            yield Patch({"model.output_bias": "prior"}, "the output starts at the shares of the classes, or the mean of the targets")
