"""How a loss answers to outputs that are made up and to targets that change, and how far back in a sequence an output looks."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossdoctor.core.observation import Reach, Reward, TargetInfluence
from lossdoctor.lab.observe.common import examples, fresh, measurement
from lossdoctor.lab.observe.model import output
from lossdoctor.lab.workload import Workload, as_labels

SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
FAR = 1e4
FAINT = 1e-5  # of the largest gradient over the steps of a sequence
FEWEST = 8  # steps of a sequence
ASKED = 4  # targets that are changed, one after the other
CLASSES = 10  # of a constant answer
FEW = 16  # examples of the batch that they are in


@measurement
def reward(workload: Workload) -> Reward | None:
    """What a loss of the user's own gives to outputs along and against the targets, in both directions and at several sizes.

    None for torch's own losses, whose minimum is known, and where outputs and targets are not of one kind.
    """
    batch, seen = examples(workload), output(workload)
    if ":" not in workload.loss_name or seen is None or not isinstance(batch, tuple | list) or not isinstance(batch[1], Tensor):
        return None
    y = batch[1]
    direction = _direction(workload, y, (len(y), *seen.shape[1:]))
    if direction is None:
        return None
    numeric = workload.task == "regression"
    levels, sizes = [0.0], list(SCALES)
    if numeric:
        mean, std = float(y.float().mean()), float(y.float().std())
        levels += [mean, math.log(mean)] if mean > 0 else [mean]
        sizes += [std * size for size in SCALES if size <= 1]

    def loss(level: float | Tensor, size: float) -> float:
        made = level + size * direction
        made = {"softmax": made.softmax(-1), "log_softmax": made.log_softmax(-1), "sigmoid": made.sigmoid()}.get(seen.kind, made)
        with contextlib.suppress(Exception), torch.no_grad():  # the user's own code, on outputs that it was not written for
            value = float(workload.criterion(made, y))
            return value if math.isfinite(value) else math.inf
        return math.inf

    def lowest(*chosen: float) -> float:
        return min(loss(level, size) for level in levels for size in chosen)

    constant = min([lowest(0.0), *(loss(size, 0.0) for size in _constants(seen.shape, numeric or bool((y == y[0]).all())))])
    if not math.isfinite(constant):
        return None
    return Reward(lowest(*sizes), constant, lowest(*(-size for size in sizes)), loss(levels[-1], -FAR))


@measurement
def target_influence(workload: Workload) -> TargetInfluence | None:
    """Where the gradient by the outputs changes with a target, for losses and steps of the user's own; the median over some targets.

    None where the model is not called once with one tensor as its output, or outputs and targets do not correspond place by place.
    """
    if workload.config.training.step is None and ":" not in workload.loss_name:
        return None
    batch = examples(workload, FEW)
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not isinstance(batch[1], Tensor):
        return None
    y, model, made = batch[1], fresh(workload).eval(), list[Tensor]()

    def put_out(module: nn.Module, args: Any, out: Any) -> Tensor | None:
        """The outputs of the first pass take the place of those of the later ones."""
        if not isinstance(out, Tensor):
            return None
        made.append(made[0] if made else out.detach().clone().requires_grad_())
        return made[0]

    def gradient(targets: Tensor) -> Tensor | None:
        calls = len(made)
        loss = workload.loss(model, [batch[0], targets])[0]
        once = len(made) == calls + 1 and loss.requires_grad
        return torch.autograd.grad(loss, made[0], allow_unused=True)[0] if once else None

    handle = model.register_forward_hook(put_out)
    try:
        before = gradient(y)
        if before is None or not (axes := _class_axes(before, y)):
            return None
        shares = []
        for place in torch.linspace(0, y.numel() - 1, ASKED + 2)[1:-1].long().tolist():
            other = y.reshape(-1)[y.reshape(-1) != y.reshape(-1)[place]]
            if len(other):
                changed = y.clone()
                changed.view(-1)[place] = other[0]
                after = gradient(changed)
                shares += [] if after is None else [_at_one_place((after - before).square(), axes)]
    finally:
        handle.remove()
    shares = [share for share in shares if math.isfinite(share)]
    return TargetInfluence(sorted(shares)[len(shares) // 2], y.numel()) if shares else None


def _constants(shape: tuple[int, ...], alike: bool) -> list[float | Tensor]:
    """Answers to a classification that are the same for every example: a score of one sign, or one class of several; none where the
    targets are alike, to which such an answer is right, or numbers."""
    if alike:
        return []
    if len(shape) < 2 or shape[1] == 1:
        return [sign * size for size in SCALES for sign in (1.0, -1.0)]
    return [size * one for size in SCALES for one in torch.eye(shape[1])[:CLASSES]]


def _class_axes(outputs: Tensor, y: Tensor) -> list[int | None]:
    """The axes of ``outputs`` that ``y`` lacks and may be the classes; None stands for no axis; empty where they do not correspond."""
    if y.is_floating_point():
        return [None] if outputs.numel() == y.numel() else []
    shape = list(outputs.shape)
    return [axis for axis in range(1, len(shape)) if y.dim() > 1 and shape[:axis] + shape[axis + 1 :] == list(y.shape)]


def _at_one_place(change: Tensor, axes: list[int | None]) -> float:
    """The largest share of a change of outputs at one place, its classes added up; NaN where nothing changed."""
    total = float(change.sum())
    parts = (change if axis is None else change.sum(dim=axis) for axis in axes)
    return max(float(part.max()) for part in parts) / total if total > 0 else math.nan


@measurement
def reach(workload: Workload) -> Reach | None:
    """The part at the end of the sequences whose values an output depends on, by the gradient of the untrained model's outputs.

    None for inputs that are no sequences of decimal numbers [n, t, f] with a single output for each.
    """
    batch = examples(workload)
    if workload.config.training.step is not None or not isinstance(batch, tuple | list) or not isinstance(batch[0], Tensor):
        return None
    x = batch[0].detach()
    if x.dim() != 3 or not x.is_floating_point() or x.shape[1] < FEWEST:
        return None
    model = fresh(workload)
    x.requires_grad_(True)
    out = model(x)
    if not isinstance(out, Tensor) or out.dim() > 2 or len(out) != len(x) or not out.requires_grad:
        return None
    (gradient,) = torch.autograd.grad(out.float().square().sum() + out.float().sum(), x, allow_unused=True)
    if gradient is None or not torch.isfinite(gradient).all():
        return None
    size = gradient.square().sum(dim=(0, 2)).sqrt()
    seen = (size > FAINT * size.max()).nonzero()
    return Reach(x.shape[1], 1.0 - float(seen[0]) / x.shape[1]) if len(seen) else None


def _direction(workload: Workload, y: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    """Outputs [n, ...] that point to the targets, around zero; None where outputs and targets do not fit each other."""
    count = math.prod(shape)
    if workload.task == "classification" and workload.classes and y.numel() == len(y):
        labels = as_labels(y)
        if shape == (len(y), workload.classes) and int(labels.min()) >= 0 and int(labels.max()) < workload.classes:
            return F.one_hot(labels, workload.classes).float() - 1 / workload.classes
        return (2.0 * labels - 1).reshape(shape) if workload.classes == 2 and count == len(y) else None
    if workload.task != "regression" or count != y.numel() or float(y.float().std()) == 0:
        return None
    return ((y.float() - y.float().mean()) / y.float().std()).reshape(shape)
