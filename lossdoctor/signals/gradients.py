"""What the first backward pass of a probe config's model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lossdoctor.core.observation import Gradients, Pass

if TYPE_CHECKING:
    from lossdoctor.lab.workload import Workload


def gradients(workload: Workload, forward_pass: Pass) -> Gradients:
    """The gradient of the loss at each layer of the untrained model."""
    from lossdoctor.lab import observe

    return observe.gradients(workload)
