"""A training run as one tidy thing, whichever log or trial it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lossdoctor.core.curve import Curve

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Run:
    """What a log says of one training.

    ``curves`` holds each series once, named by its label (``train_loss``, ``val_accuracy``, ``lr``, ``grad_norm``).
    ``columns`` says which name in the log was taken for which label; ``settings`` what the log tells of the config,
    by its dotted key (``training.optimizer.lr``); ``notes`` what the reader had to leave out, join or split.
    """

    curves: Mapping[str, Curve]
    source: str = ""
    reader: str = ""
    name: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def curve(self, metric: str, split: str = "") -> Curve | None:
        """The series of ``metric`` on ``split``, or None where the log has none."""
        return self.curves.get(f"{split}_{metric}" if split else metric)

    @property
    def series(self) -> dict[str, int]:
        """Points in each series, by label."""
        return {label: len(curve) for label, curve in self.curves.items()}

    @property
    def steps(self) -> float:
        """The last step of any series."""
        return max((float(c.step[-1]) for c in self.curves.values() if len(c)), default=0.0)

    @property
    def epochs(self) -> float | None:
        """How many epochs the run has gone through, or None where the log counts none; some count from 0."""
        counted = [c.epoch[np.isfinite(c.epoch)] for c in self.curves.values() if c.epoch is not None]
        epochs = np.concatenate(counted) if counted else np.empty(0)
        if not len(epochs):
            return None
        from_zero = epochs.min() == 0 and bool((epochs == np.round(epochs)).all())
        return float(epochs.max()) + from_zero

    @property
    def config(self) -> dict[str, Any]:
        """The settings and, where they lack ``training.optimizer.lr``, the peak of the logged rate: the one that was asked for."""
        settings, rates = dict(self.settings), self.curve("lr")
        if rates is not None and rates.max > 0:
            settings.setdefault("training.optimizer.lr", rates.max)
        return settings

    @property
    def frame(self) -> pd.DataFrame:
        """The run as a tidy table: step, epoch, split, metric, value."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "step": curve.step,
                    "epoch": np.nan if curve.epoch is None else curve.epoch,
                    "split": curve.split,
                    "metric": curve.metric,
                    "value": curve.value,
                }
            )
            for curve in self.curves.values()
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["step", "epoch", "split", "metric", "value"])
