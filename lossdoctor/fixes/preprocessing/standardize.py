"""Standardize the inputs."""

from __future__ import annotations

from collections.abc import Iterator

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch, Settings


class StandardizeInputs(Fix):
    """Shift and scale every input feature to mean 0 and standard deviation 1, fitted on the training split.

    Why it helps: features on different scales make a valley that is steep in one direction and flat in the others.
    In your code: `scaler = StandardScaler().fit(X_train); X_train, X_val = scaler.transform(X_train), scaler.transform(X_val)`
    """

    code = "FPRE01"
    cures = frozenset({"PRE101", "PRE106", "ACT102", "INIT101"})
    references = ("LeCun et al. 1998, Efficient BackProp",)

    def propose(self, config: Settings, finding: Finding | None) -> Iterator[Patch]:
        if not config.get("data.standardize"):
            yield Patch({"data.standardize": True}, "inputs standardized per feature")
