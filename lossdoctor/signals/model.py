"""What a probe config's model does before it is trained, and in a few steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lossdoctor.core.observation import (
    Ablation,
    Curvature,
    Independence,
    OneBatch,
    Output,
    Pass,
    Plan,
    RangeTest,
    Reach,
    Relation,
    Reward,
    ShortRun,
    Start,
)

if TYPE_CHECKING:
    from lossdoctor.lab.workload import Workload


def output(workload: Workload) -> Output | None:
    """The shape and the range of what the model can put out.

    Absent: the config's own step hides the output of the model, or it is no tensor.
    """
    from lossdoctor.lab import observe

    return observe.output(workload)


def forward_pass(workload: Workload) -> Pass | None:
    """The operations of a forward pass of the untrained model.

    Absent: the loss cannot be computed, because labels are out of the range of the outputs.
    """
    from lossdoctor.lab import observe

    return observe.forward_pass(workload) if observe.computable(workload) else None


def start(workload: Workload) -> Start | None:
    """The loss of untrained models of several seeds.

    Absent: the loss cannot be computed, because labels are out of the range of the outputs.
    """
    from lossdoctor.lab import observe

    return observe.start(workload) if observe.computable(workload) else None


def loss_response(workload: Workload, forward_pass: Pass) -> Reward | None:
    """What a loss of the user's own gives to outputs that follow the targets, and to others.

    Absent: the loss is one of torch's own, or outputs and targets are of different kinds.
    """
    from lossdoctor.lab import observe

    return observe.reward(workload)


def reach(workload: Workload, forward_pass: Pass) -> Reach | None:
    """How far back in a sequence an output looks.

    Absent: the inputs are no sequences of decimal numbers with a single output each.
    """
    from lossdoctor.lab import observe

    return observe.reach(workload)


def short_run(workload: Workload, forward_pass: Pass) -> ShortRun:
    """A few steps exactly as configured."""
    from lossdoctor.lab import observe

    return observe.short_run(workload)


def one_batch(workload: Workload, forward_pass: Pass) -> OneBatch | None:
    """Whether the model can learn a few examples by heart, without regularization.

    Absent: the best constant guess for this loss is not known, the few examples are all of one class, or a step takes too long.
    """
    from lossdoctor.lab import observe

    return observe.one_batch(workload)


def range_test(workload: Workload, short_run: ShortRun, plan: Plan) -> RangeTest | None:
    """The loss while the learning rate rises from almost nothing (Smith 2017).

    Absent: the loss falls at no learning rate, a step takes too long, or the training warms up.
    """
    from lossdoctor.lab import observe

    return None if plan.warms_up else observe.range_test(workload, short_run)


def independence(workload: Workload, forward_pass: Pass) -> Independence | None:
    """Whether an output depends on its own input alone.

    Absent: the config's own step hides the output of the model, or it is no tensor with one entry an example.
    """
    from lossdoctor.lab import observe

    return observe.independence(workload)


def blind(workload: Workload, relation: Relation, short_run: ShortRun) -> Ablation | None:
    """The same first steps with the inputs and with inputs that are all alike, where the inputs are known to tell of the targets.

    Absent: the config's own step hides the inputs, they are no tensor, or a step takes too long.
    """
    from lossdoctor.lab import observe

    return observe.blind(workload, short_run)


def augmentation(workload: Workload, forward_pass: Pass) -> Ablation | None:
    """The same first steps with and without the changes that the config makes to training batches.

    Absent: the config changes no training batch, or a step takes too long.
    """
    from lossdoctor.lab import observe

    return observe.augmentation(workload)


def curvature(workload: Workload, forward_pass: Pass) -> Curvature | None:
    """How far the first update can go before the loss rises, and how noisy the gradient is.

    Absent: the loss rises at no learning rate along the first update, or a step takes too long.
    """
    from lossdoctor.lab import observe

    return observe.curvature(workload)
