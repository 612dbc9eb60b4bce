"""Fill in missing inputs."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class Impute(Fix):
    """Put the feature's median, from the training split, in the place of NaN and infinity.

    Why it helps: one NaN makes the loss of its batch NaN, and from then on every weight; the median is the value that says least.
    In your code: `X = np.where(np.isfinite(X), X, np.nanmedian(X_train, axis=0))`, for training and validation alike.
    """

    code = "FPRE04"
    cures = frozenset({"PRE102"})
    references = ("Little & Rubin 2019, Statistical Analysis with Missing Data",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if finding is None or config.get("data.impute") is not None:
            return
        if "the target" not in finding.evidence.get("columns", ()):
            yield Patch({"data.impute": "median"}, "missing inputs filled in with the median of their feature")
        else:
            yield Patch(why="drop the examples whose target is missing")
