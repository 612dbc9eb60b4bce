"""INIT102: units that start out equal."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, ShortRun
from lossdoctor.core.text import listed


class EqualUnits(Check):
    """The units of a hidden layer start with the same weights.

    Why it matters: equal units get equal gradients and stay equal: a wide layer is then worth one unit.
    How it is detected: equal rows in the weights of hidden layers before training, or states of a recurrent layer that are all alike.
    A layer that starts at zero by design, as the last one of a block may, is passed over once its units differ after a few steps.
    What to do: draw weights at random (Kaiming for ReLU, Xavier for tanh); only biases may start constant.
    """

    code, severity = "INIT102", Severity.ERROR
    references = ("Goodfellow et al. 2016, Deep Learning, 8.4",)
    share = 0.5  # of the units; own
    alone = 1.001  # directions in which the examples differ behind a recurrent layer: all of its units do the same

    def examine(self, forward_pass: Pass, short_run: ShortRun | None) -> Finding | None:
        weighted = [o for o in forward_pass.operations if o.kind == "weighted"]
        still = short_run.twins if short_run else {}
        equal = [
            (place, o)
            for place, o in enumerate(weighted[:-1])
            if o.twins > self.share and (o.std > 0 or place == 0 or still.get(o.layer, 1.0) > self.share)
        ]
        equal += [(0, o) for o in forward_pass.operations if o.kind == "recurrent" and o.twins > self.share and o.rank < self.alone]
        if not equal:
            return None
        names = [o.layer for _, o in equal]
        stay = [o.layer for _, o in equal if still.get(o.layer, 0.0) > self.share]
        return self.finding(
            f"The units of layer {listed(names)} start with equal weights"
            + ("." if not stay else " and stay equal." if stay == names else f" and those of {listed(stay)} stay equal."),
            confidence=0.95 if stay else 0.88,
            layers=names[:20],
            stay_equal=bool(stay),
        )

    _layers = {
        share: Pass((Operation("0", "weighted", "linear", twins=share), Operation("2", "weighted", "linear"))) for share in (0.0, 1.0)
    }
    sick = [
        {"forward_pass": _layers[1.0], "short_run": None},
        {"forward_pass": Pass((Operation("0", "recurrent", "gru", twins=1.0, rank=1.0),)), "short_run": None},
    ]
    healthy = [{"forward_pass": _layers[0.0], "short_run": None}]
