"""PRE110: the axes of images in another order than the model takes them."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Images, Pass

COLOURS = (1, 3, 4)


class ImageLayout(Check):
    """The axes of the images are in another order than the convolutions take them.

    Why it matters: a convolution that takes rows for colours sees no shapes.
    How it is detected: the colours lie along the last axis and the first layer takes the second axis for them; or values next to each other
    differ more than values three apart, as they do where pictures with the colours last were reshaped in place of being transposed.
    What to do: `x.transpose(0, 3, 1, 2)` in numpy or `x.permute(0, 3, 1, 2)` in torch; never reshape.
    """

    code, severity = "PRE110", Severity.ERROR
    references = ("PyTorch documentation, Conv2d",)
    smallest = 6  # pixels that a side has at least
    rough = 1.1  # difference of neighbours over that of values three apart; own

    def examine(self, images: Images, forward_pass: Pass) -> Finding | None:
        first, second, last = images.shape
        if last in COLOURS and min(first, second) >= self.smallest and forward_pass.channels == first:
            return self.finding(
                f"Images are stored as {first} x {second} x {last}, colours last; the first layer takes the {first} rows for colours.",
                confidence=0.93,
                shape=list(images.shape),
            )
        if first == 3 and min(second, last) >= self.smallest and images.stride > self.rough:
            return self.finding(
                f"Along a row, neighbours differ {images.stride:.2g} times as much as values three apart: the colours lie along the rows.",
                confidence=0.85,
                shape=list(images.shape),
                stride=images.stride,
            )
        return None

    sick = [
        {"images": Images((32, 32, 3), 0.9, 0.0, 1.0), "forward_pass": Pass((), channels=32)},
        {"images": Images((3, 32, 32), 1.8, 0.0, 1.0), "forward_pass": Pass((), channels=3)},
    ]
    healthy = [{"images": Images((3, 32, 32), 0.5, 0.0, 1.0), "forward_pass": Pass((), channels=3)}]
