"""PRE106: images from 0 to 255."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns, Pass


class RawPixelValues(Check):
    """Images go into the model as they are stored, from 0 to 255.

    Why it matters: weights start out for inputs of about unit size; a hundred times that saturates or blows up what follows.
    How it is detected: whole numbers from 0 to between 64 and 255 in images, or in tables of at least 49 columns; a model that scales its
    inputs itself is passed over.
    What to do: divide by 255, or better standardize by channel: `data.standardize: true`.
    """

    code, severity = "PRE106", Severity.ERROR
    requires = frozenset({"PRE102"})
    references = ("LeCun et al. 1998, Efficient BackProp, 4.3",)
    pixels = 49  # columns that make a table of pixels: 7 x 7
    bright = 64.0  # highest value from which on whole numbers are brightness; own

    def examine(self, columns: Columns, forward_pass: Pass) -> Finding | None:
        images = columns.axes >= 3 or len(columns.names) >= self.pixels
        highest = float(columns.high.max())
        if not images or not columns.whole or columns.low.min() < 0 or not self.bright < highest <= 255 or forward_pass.rescaled:
            return None
        return self.finding(
            f"The images hold whole numbers up to {highest:.0f}, mean {columns.mean.mean():.0f}: raw pixels, where weights expect about 1.",
            confidence=0.93,
            highest=highest,
            mean=float(columns.mean.mean()),
        )

    _images = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8)).astype(float)
    sick = [{"columns": Columns.of(_images), "forward_pass": Pass(())}]
    healthy = [
        {"columns": Columns.of(_images / 255), "forward_pass": Pass(())},
        {"columns": Columns.of(_images), "forward_pass": Pass((), rescaled=True)},
    ]
