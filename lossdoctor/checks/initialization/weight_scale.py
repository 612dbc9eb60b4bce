"""INIT103: weights that start too large or too small."""

from __future__ import annotations

import itertools

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass


class WeightsBadlyScaled(Check):
    """The weights of a layer start out several times too large, or next to zero.

    Why it matters: values grow or fade by that factor at each layer, and gradients with them.
    How it is detected: the spread of each layer's weights in units of 1/sqrt(inputs); 0.6 is torch's own, 1.4 Kaiming's. A layer that a
    normalization follows is passed over, as is a last layer that starts small on purpose. Of embeddings, the size of what is looked up.
    What to do: Kaiming weights for ReLU, Xavier for tanh: `model.edits: [{initialize: kaiming}]`.
    """

    code, severity = "INIT103", Severity.WARNING
    requires = frozenset({"INIT102"})
    references = ("Glorot and Bengio 2010", "He et al. 2015, Delving Deep into Rectifiers")
    large = 5.0  # own: N(0, 1) weights reach it from 25 inputs on
    recurrent = 2.5  # own: the spectral radius, by which the state of a plain recurrent layer grows at each step
    small = 0.02  # own: N(0, 0.02) over 64 inputs is 0.16
    embedded = 6.0  # size of what is looked up; own

    def examine(self, forward_pass: Pass) -> Finding | None:
        steps = [o for o in forward_pass.operations if o.kind in ("weighted", "norm", "activation")]
        free = [
            o
            for o, after in itertools.pairwise([*steps, Operation("", "output", "")])
            if o.kind == "weighted" and after.kind != "norm" and o.units > 1
        ]
        recurrent = max((o for o in forward_pass.operations if o.kind == "recurrent"), key=lambda o: o.gain, default=None)
        if recurrent and recurrent.gain > self.recurrent:
            return self._report(recurrent, "large", 0.88)
        embedded = max((o for o in forward_pass.operations if o.kind == "embedding"), key=lambda o: o.rms, default=None)
        if embedded and embedded.rms > self.embedded and not any(o.kind == "norm" for o in forward_pass.operations):
            return self.finding(
                f"The embeddings of layer {embedded.layer} start at a size of {embedded.rms:.3g}; torch's own start at 1.",
                confidence=0.85,
                layer=embedded.layer,
                size=embedded.rms,
            )
        if not free:
            return None
        largest = max(free, key=lambda o: o.gain)
        smallest = min(free[:-1] or free, key=lambda o: o.gain or 1.0)
        if largest.gain > self.large:
            return self._report(largest, "large", min(0.93, 0.8 + 0.02 * (largest.gain - self.large)))
        if len(free) > 1 and 0 < smallest.gain < self.small and smallest.inputs > 1:
            return self._report(smallest, "small", 0.75)
        return None

    def _report(self, o: Operation, word: str, confidence: float) -> Finding:
        times = o.gain if word == "large" else 1 / max(o.gain, 1e-9)
        return self.finding(
            f"The weights of layer {o.layer} are {times:.3g} times too {word}: spread {o.gain / o.inputs**0.5:.2g} for {o.inputs} inputs.",
            confidence=confidence,
            layer=o.layer,
            gain=o.gain,
        )

    _layers = {
        gain: Pass((Operation("0", "weighted", "linear", gain=gain, inputs=64, units=64), Operation("1", "activation", "relu")))
        for gain in (0.58, 24.0)
    }
    sick = [{"forward_pass": _layers[24.0]}, {"forward_pass": Pass((Operation("words", "embedding", "embedding", rms=12.0),))}]
    healthy = [{"forward_pass": _layers[0.58]}]
