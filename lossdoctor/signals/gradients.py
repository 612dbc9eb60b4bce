"""What the first backward pass of a probe config's model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lossdoctor.core.observation import Gradients, Pass, TargetInfluence

if TYPE_CHECKING:
    from lossdoctor.lab.workload import Workload


def gradients(workload: Workload, forward_pass: Pass) -> Gradients:
    """The gradient of the loss at each layer of the untrained model."""
    from lossdoctor.lab import observe

    return observe.gradients(workload)


def target_influence(workload: Workload, forward_pass: Pass) -> TargetInfluence | None:
    """At how many outputs a loss of the user's own feels the change of one target.

    Absent: the loss is one of torch's own, or outputs and targets do not correspond place by place.
    """
    from lossdoctor.lab import observe

    return observe.target_influence(workload)
