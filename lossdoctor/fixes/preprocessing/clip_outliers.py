"""Clip outliers."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class ClipOutliers(Fix):
    """Move the lowest and highest 1 % of each feature's values in to the quantiles of the training split.

    Why it helps: a single value a thousand times the others gives a gradient that outweighs its batch, and sets the scale of the feature.
    In your code: `low, high = np.quantile(X_train, (0.01, 0.99), axis=0); X = np.clip(X, low, high)`, for training and validation alike.
    """

    code = "FPRE05"
    cures = frozenset({"PRE104"})
    references = ("Tukey 1962, The Future of Data Analysis",)
    share = 0.01

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is None or config.get("data.clip") is not None:
            return
        yield Patch({"data.clip": self.share}, f"values clipped at the quantiles {self.share:g} and {1 - self.share:g}")
        if not config.get("data.standardize"):
            yield Patch(
                {"data.clip": self.share, "data.standardize": True},
                f"values clipped at the quantiles {self.share:g} and {1 - self.share:g}, then standardized",
            )
