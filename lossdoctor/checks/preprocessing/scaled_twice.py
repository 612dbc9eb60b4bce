"""PRE111: inputs that are normalized twice."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Images, Pass

CONSTANTS = {"0.5, 0.5": (0.5, 0.5), "MNIST": (0.1307, 0.3081), "Fashion-MNIST": (0.286, 0.353), "CIFAR": (0.4734, 0.2516)}


class ScaledTwice(Check):
    """Inputs are scaled twice: once in the data, once more on their way into the model.

    Why it matters: the second division leaves them so small, or so far from zero, that the first layer hardly sees what tells them apart.
    How it is detected: the size of what the model is given against what reaches its first layer; for images also the lowest and highest
    value, which the usual constants send to known places when they are applied twice.
    What to do: scale in one place.
    """

    code, severity = "PRE111", Severity.WARNING
    requires = frozenset({"PRE102", "PRE106"})
    references = ("LeCun et al. 1998, Efficient BackProp, 4.3",)
    small = 0.03  # size of what reaches the first layer; own
    sane = 0.06  # size of what the model is given at least; own
    slack = 0.03  # of the range

    def examine(self, forward_pass: Pass, images: Images | None) -> Finding | None:
        given, arrives = forward_pass.given, forward_pass.arrives
        if forward_pass.rescaled and arrives < self.small and self.sane < given < 4:
            return self.finding(
                f"The model is given inputs of size {given:.2g} and scales them again: {arrives:.2g} reaches its first layer.",
                confidence=0.82,
                given=given,
                arrives=arrives,
            )
        for name, (mean, std) in CONSTANTS.items() if images else ():
            low, high = (((edge - mean) / std - mean) / std for edge in (0.0, 1.0))
            slack = self.slack * (high - low)
            if images and abs(images.low - low) < slack and abs(images.high - high) < slack:
                return self.finding(
                    f"Pixels run from {images.low:.3g} to {images.high:.3g}, as they do after normalizing twice by {name}.",
                    confidence=0.75,
                    low=images.low,
                    high=images.high,
                )
        return None

    sick = [
        {"forward_pass": Pass((), rescaled=True, given=0.5, arrives=0.002), "images": None},
        {"forward_pass": Pass(()), "images": Images((3, 32, 32), 0.4, -3.0, 1.0)},
    ]
    healthy = [
        {"forward_pass": Pass((), rescaled=True, given=130.0, arrives=0.5), "images": None},
        {"forward_pass": Pass(()), "images": Images((3, 32, 32), 0.4, -1.0, 1.0)},
    ]
