"""One series of a run: a metric of a split, against the step it was logged at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SPLITS = ("train_", "val_", "test_")  # what the label of a series on a split begins with


@dataclass(frozen=True, eq=False)
class Curve:
    """A logged series, in the order of its steps.

    ``step``, ``value`` and ``epoch`` (where the log has it) are float arrays of the same length ``n``;
    ``value`` may hold NaN and infinities exactly where the log does, never for a blank cell.
    """

    metric: str
    split: str
    step: Floats
    value: Floats
    epoch: Floats | None = None

    @classmethod
    def of(cls, label: str, step: Floats, value: Floats, epoch: Floats | None = None) -> Curve:
        """The curve of a label: ``val_loss`` is the loss on ``val``, ``lr`` has no split."""
        split, _, metric = label.partition("_") if label.startswith(SPLITS) else ("", "", label)
        return cls(metric, split, step, value, epoch)

    def __len__(self) -> int:
        return len(self.value)

    @property
    def label(self) -> str:
        """``val_loss``; a series without a split is its metric alone, ``lr``."""
        return f"{self.split}_{self.metric}" if self.split else self.metric

    @property
    def finite(self) -> Curve:
        """The points that are numbers."""
        return self.where(np.isfinite(self.value))

    @property
    def first(self) -> float:
        return float(self.value[0])

    @property
    def last(self) -> float:
        return float(self.value[-1])

    @property
    def min(self) -> float:
        """The lowest finite value; NaN where there is none."""
        finite = self.finite.value
        return float(finite.min()) if len(finite) else float("nan")

    @property
    def max(self) -> float:
        """The highest finite value; NaN where there is none."""
        finite = self.finite.value
        return float(finite.max()) if len(finite) else float("nan")

    @property
    def argmin(self) -> float:
        """The step of the lowest finite value; NaN where there is none."""
        finite = self.finite
        return float(finite.step[finite.value.argmin()]) if len(finite) else float("nan")

    def since(self, step: float) -> Curve:
        """The points at ``step`` and after."""
        return self.where(self.step >= step)

    def until(self, step: float) -> Curve:
        """The points at ``step`` and before."""
        return self.where(self.step <= step)

    def tail(self, fraction: float) -> Curve:
        """The last ``fraction`` of the points, at least one."""
        keep = np.zeros(len(self), dtype=bool)
        keep[-max(1, round(len(self) * fraction)) :] = True
        return self.where(keep)

    def smooth(self, window: int) -> Curve:
        """Running median over ``window`` points, robust to spikes; the ends use what is there."""
        if window <= 1 or len(self) < 3:
            return self
        half = min(window, len(self)) // 2
        padded = np.pad(self.value, half, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
        return replace(self, value=np.median(windows, axis=1))

    def where(self, keep: NDArray[np.bool_]) -> Curve:
        """The points that are marked in ``keep``, of the curve's length."""
        epoch = None if self.epoch is None else self.epoch[keep]
        return replace(self, step=self.step[keep], value=self.value[keep], epoch=epoch)
