"""What the untrained model shows: a forward pass, a backward pass, and what its outputs can reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lossdoctor.core.observation import Gradients, Output, Pass, Start
from lossdoctor.lab.observe.common import FEW, examples, fresh, layer_of, loss_of, measurement, seeds_of
from lossdoctor.lab.observe.data import IGNORED, arrays
from lossdoctor.lab.observe.tape import record
from lossdoctor.lab.workload import INDEX, Workload

MANY = 200  # weights from which on a direction among them says something


@measurement
def computable(workload: Workload) -> bool:
    """Whether the loss takes the labels; labels out of range and one-hot integers are passed over, other faults the user is to hear."""
    if workload.config.training.step is not None or (seen := output(workload)) is None:
        return True
    found = arrays(workload, workload.splits[0])
    if found is None:
        return True
    y = found.y
    if workload.loss_name == "binary_cross_entropy" and y.dtype.kind in "iuf":
        return bool(np.nanmin(y) >= 0 and np.nanmax(y) <= 1)
    if workload.loss_name not in INDEX or y.dtype.kind == "f":
        return True
    if y.ndim == 2 and y.shape[1] > 1 and len(seen.shape) == 2:
        return False
    return bool(y.min() >= 0 or y.min() == IGNORED) and bool(len(seen.shape) < 2 or y.max() < seen.shape[1])


@measurement
def forward_pass(workload: Workload) -> Pass:
    """The operations of a forward pass of the untrained model on training examples, in training mode."""
    model = fresh(workload)
    return record(model, lambda: workload.loss(model, examples(workload)))[1]


@measurement
def gradients(workload: Workload) -> Gradients:
    """The gradient of the loss of the untrained model, by layer."""
    model = fresh(workload)
    if not any(p.requires_grad for p in model.parameters()):
        return Gradients((), *(np.zeros(0),) * 4, frozen=tuple(_weights(model)), random=_random(workload, model), frozen_share=1.0)
    (loss, _), seen = record(model, lambda: workload.loss(model, examples(workload)))
    unknown = _unknown(model, loss)
    if unknown:  # inputs that are asked for their gradient are others in the next pass; parameters are never to be
        kept = _unknown(model, workload.loss(model, examples(workload))[0])
        unknown = [t for t in unknown if isinstance(t, nn.Parameter) or any(t is other for other in kept)]
    loss.backward()
    order = {operation.layer: place for place, operation in reversed(list(enumerate(seen.operations)))}
    weights = _weights(model)
    learn = sorted(
        (name for name, p in weights.items() if p.requires_grad and p.grad is not None and layer_of(name) in order),
        key=lambda name: order[layer_of(name)],
    )
    grads = [_grad(weights[name]) for name in learn]
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    return Gradients(
        tuple(learn),
        norm=np.array([float(g.norm()) for g in grads]),
        rms=np.array([float(g.square().mean().sqrt()) for g in grads]),
        weight=np.array([float(weights[name].detach().float().norm()) for name in learn]),
        zeros=np.array([float((g == 0).float().mean()) for g in grads]),
        absent=tuple(name for name, p in model.named_parameters() if p.requires_grad and p.grad is None),
        frozen=tuple(frozen),
        random=_random(workload, model),
        frozen_share=sum(p.numel() for p in frozen.values()) / max(sum(p.numel() for p in model.parameters()), 1),
        loss=float(loss.detach()),
        unknown=tuple(" x ".join(map(str, t.shape)) for t in unknown),
        inward=_inward([(weights[name].detach(), g) for name, g in zip(learn, grads, strict=True)]),
    )


@measurement
def output(workload: Workload) -> Output | None:
    """What the model can put out; None where a custom step hides the output or it is no tensor."""
    model = fresh(workload).eval()
    batch = examples(workload)
    if workload.config.training.step is not None:
        return None

    def run() -> Tensor:
        with torch.no_grad():
            value = model(workload.as_model_input(model, batch[0]))
        return value.detach().float() if isinstance(value, Tensor) else torch.zeros(0)

    first, seen = record(model, run)
    if first.numel() == 0 or first.dim() == 0:
        return None
    met = [first, *(run() for _ in _extremes(model, seen))]
    everything = torch.cat([value.reshape(-1) for value in met])
    everything = everything[torch.isfinite(everything)]
    if not len(everything):
        return None
    low, high = float(everything.min()), float(everything.max())
    return Output(
        *(tuple(first.shape), _kind(met), low, high),
        mean=float(first.mean()),
        std=float(first.std(correction=0)),
        edge=float(((first == low) | (first == high)).float().mean()),
        distinct=_told_apart(batch[0], met),
    )


@measurement
def start(workload: Workload) -> Start:
    """The loss of untrained models of several seeds."""
    batch = examples(workload)
    return Start(np.array([loss_of(workload, fresh(workload, seed), batch) for seed in seeds_of(workload)]))


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: p for name, p in model.named_parameters() if p.dim() > 1}


def _grad(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    grad = (parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad).detach()
    return (grad.abs() if grad.is_complex() else grad).float()


def _unknown(model: nn.Module, loss: Tensor) -> list[Tensor]:
    """The tensors at which the backward pass of a loss ends, and that are no parameters of the model."""
    known = {id(p) for p in model.parameters()}
    waiting, met, found = [loss.grad_fn], set[Any](), []
    while waiting:
        node = waiting.pop()
        if node is None or node in met:
            continue
        met.add(node)
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, Tensor) and id(leaf) not in known:
            found.append(leaf)
        waiting += [following for following, _ in node.next_functions]
    return found


def _inward(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The cosine of the gradient with the weights, or with their signs, whichever is larger; 0 for a handful of weights."""
    pairs = [(w.float(), g) for w, g in pairs if not w.is_complex()]
    if sum(w.numel() for w, _ in pairs) < MANY:
        return 0.0
    size = sum(float(g.square().sum()) for _, g in pairs) ** 0.5
    cosines = []
    for toward in (torch.clone, torch.sign):
        sum_of_squares = sum(float(toward(w).square().sum()) for w, _ in pairs)
        along = sum(float((g * toward(w)).sum()) for w, g in pairs)
        cosines.append(along / (size * sum_of_squares**0.5) if size > 0 and sum_of_squares > 0 else 0.0)
    return max(cosines)


def _random(workload: Workload, model: nn.Module) -> tuple[str, ...]:
    """Frozen parameters that come out different for another seed: nothing was learned that freezing could keep."""
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad and p.dim() > 1]
    if not frozen:
        return ()
    other = dict(workload.build(workload.config.training.seed + 1).named_parameters())
    here = dict(model.named_parameters())
    return tuple(name for name in frozen if not torch.equal(here[name], other[name]))


def _extremes(model: nn.Module, seen: Pass) -> Iterator[None]:
    """Put large random weights, and their negatives, in the place of those of the last layer that has any."""
    looked_up = (o.layer for o in reversed(seen.operations) if o.kind == "embedding")
    last = next((o.layer for o in reversed(seen.weighted)), next(looked_up, ""))
    module = dict(model.named_modules()).get(last, model)
    parameters = list(module.parameters(recurse=module is not model))
    generator = torch.Generator().manual_seed(0)
    for size in (0.3, 30.0) if parameters else ():
        noise = [size * torch.randn(p.shape, generator=generator) / max(p[0].numel() if p.dim() > 1 else 1, 1) ** 0.5 for p in parameters]
        for sign in (1.0, -1.0):
            for p, value in zip(parameters, noise, strict=True):
                p.data = (sign * value).to(p.device, p.dtype)
            yield


def _told_apart(x: Any, met: list[Tensor]) -> float:
    """The share of different inputs that get an output of their own, at best; 1 where that cannot be counted."""
    if not isinstance(x, Tensor) or len(met) == 1 or any(len(out) != len(x) for out in met):
        return 1.0
    inputs = len(torch.unique(x.reshape(len(x), -1).cpu(), dim=0))
    if inputs < FEW:
        return 1.0
    outputs = 0
    for out in met:
        rows = out.reshape(len(out), -1).cpu()
        rows = rows[torch.isfinite(rows).all(dim=1)]
        scale = float(rows.abs().max()) if len(rows) else 0.0
        outputs = max(outputs, len(torch.unique((rows / max(scale, 1e-30) * 1e5).round(), dim=0)))
    return min(1.0, outputs / inputs)


def _kind(met: list[Tensor]) -> str:
    """The range of a model's outputs, from what was met under very different weights."""
    met = [value.reshape(len(value), -1) if value.dim() == 1 else value for value in met]
    finite = [kept for value in met if len(kept := value[torch.isfinite(value).flatten(1).all(dim=1)])]
    if not finite:
        return "free"
    low, high = min(float(v.min()) for v in finite), max(float(v.max()) for v in finite)
    if len(met) == 1:  # no weights that could be put in its place: nothing is known of what it can reach
        return "free"
    if len(finite) > 1 and all(torch.allclose(v, finite[0].mean(), atol=1e-6) for v in finite):
        return "constant"
    table = [v.flatten(2).transpose(1, 2).reshape(-1, v.shape[1]) if v.dim() > 2 else v for v in finite]
    rows = [v.reshape(-1, v.shape[-1]) for v in finite]
    for way in (table, rows):
        if way[0].shape[-1] > 1 and all(_sums_to_one(v) for v in way) and low >= 0:
            return "softmax"
        if way[0].shape[-1] > 1 and high <= 1e-6 and all(_sums_to_one(v.exp()) for v in way):
            return "log_softmax"
    if low >= 0:
        return "sigmoid" if high <= 1 + 1e-6 else "relu"
    return "tanh" if low >= -1 - 1e-6 and high <= 1 + 1e-6 else "free"


def _sums_to_one(values: Tensor) -> bool:
    return bool(torch.allclose(values.sum(dim=-1), torch.ones(values.shape[:-1], device=values.device), atol=1e-4))
