"""How a loss answers to outputs that are made up, and how far back in a sequence an output looks."""

from __future__ import annotations

import contextlib
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lossdoctor.core.observation import Reach, Reward
from lossdoctor.lab.observe import examples, fresh, measurement, output
from lossdoctor.lab.workload import Workload, as_labels

SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
FAR = 1e4
FAINT = 1e-5  # of the largest gradient over the steps of a sequence
FEWEST = 8  # steps of a sequence


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

    def loss(level: float, size: float) -> float:
        made = level + size * direction
        made = {"softmax": made.softmax(-1), "log_softmax": made.log_softmax(-1), "sigmoid": made.sigmoid()}.get(seen.kind, made)
        with contextlib.suppress(Exception), torch.no_grad():  # the user's own code, on outputs that it was not written for
            value = float(workload.criterion(made, y))
            return value if math.isfinite(value) else math.inf
        return math.inf

    def lowest(*chosen: float) -> float:
        return min(loss(level, size) for level in levels for size in chosen)

    constant = lowest(0.0)
    if not math.isfinite(constant):
        return None
    return Reward(lowest(*sizes), constant, lowest(*(-size for size in sizes)), loss(levels[-1], -FAR))


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
