"""LOSS105: a loss that gives the target of one place to others."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import TargetInfluence


class TargetsMixedUp(Check):
    """The loss compares outputs with targets that are not theirs.

    Why it matters: each output is drawn to the targets of its neighbours, or to their mean; the loss falls a little and stays.
    How it is detected: the gradient of the loss by the outputs, before and after one target is changed. It should change at the place of
    that target; here it changes at several. A loss of the config's own is asked, or a step.
    What to do: outputs [n, 1] against targets [n] broadcast to [n, n]: squeeze one; before `reshape(-1, classes)` move the classes to the
    last axis (`movedim(1, -1)`).
    """

    code, severity = "LOSS105", Severity.ERROR
    voids = True
    requires = frozenset({"LAB101", "LOSS104"})
    references = ("Humbatova et al. 2020, Taxonomy of Real Faults in Deep Learning Systems (tensor shape mismatch)",)
    focus = 0.7  # own: 1 where every output has its own target, 0.5 where two share the change

    def examine(self, target_influence: TargetInfluence) -> Finding | None:
        focus, places = target_influence.focus, target_influence.places
        if focus > self.focus:
            return None
        return self.finding(
            f"When one of {places} targets changes, only {focus:.0%} of the change of the gradient lies at one place: the loss "
            "spreads it over several outputs.",
            confidence=0.93,
            focus=focus,
            places=places,
        )

    sick = [{"target_influence": TargetInfluence(focus=0.06, places=16)}, {"target_influence": TargetInfluence(focus=0.5, places=4096)}]
    healthy = [{"target_influence": TargetInfluence(focus=0.99, places=16)}]
