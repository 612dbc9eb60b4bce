"""ACT105: hidden layers in which all examples lie on one line."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass


class RankCollapse(Check):
    """In a hidden layer of the untrained model all examples lie almost on one line.

    Why it matters: what the layers before could tell apart is lost, and no layer behind can bring it back.
    How it is detected: in how many directions the examples differ (participation ratio of the variances), in the first layer and behind
    the last activation.
    What to do: fewer layers, residual paths, normalization, orthogonal or Kaiming weights.
    """

    code, severity = "ACT105", Severity.WARNING
    requires = frozenset({"ACT101", "ACT102", "ACT103", "ACT104", "CAP102", "INIT102", "INIT103", "PRE101", "PRE102", "PRE104", "PRE106"})
    references = (
        "Dong et al. 2021, Attention is Not All You Need",
        "Daneshmand et al. 2020, Batch Normalization Provably Avoids Rank Collapse",
    )
    line = 1.1  # directions; own
    before = 3.0  # directions in the first layer; own

    def examine(self, forward_pass: Pass) -> Finding | None:
        hidden = [o for o in forward_pass.hidden if o.units >= 8]
        if len(hidden) < 3 or hidden[0].rank < self.before or hidden[-1].rank > self.line:
            return None
        return self.finding(
            f"Examples differ in {hidden[0].rank:.1f} directions behind layer {hidden[0].layer} and in {hidden[-1].rank:.2f} behind layer "
            f"{hidden[-1].layer}.",
            confidence=0.65,
            layer=hidden[-1].layer,
            first=hidden[0].rank,
            last=hidden[-1].rank,
        )

    _passes = {
        last: Pass(
            tuple(
                Operation(str(i), kind, "relu", units=64, rank=rank)
                for i, rank in enumerate((20.0, 5.0, last))
                for kind in ("activation", "weighted")
            )
        )
        for last in (1.02, 6.0)
    }
    sick = [{"forward_pass": _passes[1.02]}]
    healthy = [{"forward_pass": _passes[6.0]}]
