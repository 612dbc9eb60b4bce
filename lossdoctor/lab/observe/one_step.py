"""One step looked at closely: what an output depends on, how far the first update can go, how long a batch is waited for."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn

from lossdoctor.core.observation import Curvature, Independence, StepTime
from lossdoctor.lab.data import Batch, TensorSplit
from lossdoctor.lab.fit import stream
from lossdoctor.lab.observe.common import EXAMPLES, examples, fresh, measurement, untouched
from lossdoctor.lab.workload import Workload

KEPT = 8  # the place of the example whose neighbours are exchanged
PARTS = 8  # small batches that the noise of the gradient is taken from
TIMED = 5  # steps
CRITICAL = 30  # doublings of the learning rate that are tried at most
SECONDS = 4.0  # for them


@measurement
def independence(workload: Workload) -> Independence | None:
    """Exchange the neighbours of an example in its batch; ask twice. None where a custom step hides the output."""
    batch = examples(workload, 4 * KEPT)
    if workload.config.training.step is not None or not isinstance(batch[0], Tensor) or len(batch[0]) < 4 * KEPT - 1:
        return None
    model = fresh(workload).eval()
    first, other = batch[0][: 2 * KEPT - 1], batch[0][2 * KEPT : 4 * KEPT - 1].clone()
    other[KEPT] = first[KEPT]

    def ask(x: Tensor, seed: int = 0) -> Tensor | None:
        torch.manual_seed(seed)
        with torch.no_grad():
            out = model(workload.as_model_input(model, x))
        return out.float() if isinstance(out, Tensor) and out.dim() and len(out) == len(x) else None

    out, exchanged, again = ask(first), ask(other), ask(first, 1)
    if out is None or exchanged is None or again is None or not torch.isfinite(out).all():
        return None
    spread = float(out.std(dim=0).square().mean().sqrt()) + 1e-6 * float(out.abs().max()) + 1e-30
    random = float((again - out).abs().max()) / spread
    return Independence(float((exchanged[KEPT] - out[KEPT]).abs().max()) / spread, random)


@measurement
def curvature(workload: Workload) -> Curvature | None:
    """Follow the configured optimizer's first update until the loss exceeds that at the start; None where it never does, or too late.

    The noise scale compares the gradient of all examples with those of ``PARTS`` parts of them (McCandlish 2018, appendix A).
    """
    model = fresh(workload)
    batch = examples(workload, EXAMPLES)
    optimizer = workload.optimizer(model)
    lr = optimizer.param_groups[0]["lr"]
    before = [p.detach().clone() for p in _learning(model)]
    begin = time.monotonic()
    start = _backward(workload, model, batch)
    optimizer.step()
    update = [(p.detach() - old) / lr for p, old in zip(_learning(model), before, strict=True)]

    def loss_at(rate: float) -> float:
        with torch.no_grad(), untouched(workload.device):
            for p, old, step in zip(_learning(model), before, update, strict=True):
                p.copy_(old + rate * step)
            torch.manual_seed(0)
            return float(workload.loss(model, batch)[0])

    rate = lr
    above = [loss_at(rate) > start]
    for _ in range(CRITICAL):
        if time.monotonic() - begin > SECONDS:
            return None
        rate = rate / 2 if above[0] else rate * 2
        if (loss_at(rate) > start) != above[0]:
            return Curvature(rate if above[0] else rate / 2, _noise_scale(workload, model, batch, before))
    return None


@measurement
def pace(workload: Workload) -> StepTime | None:
    """Seconds for a batch and for a step with it; None for data that lie in memory."""
    if isinstance(workload.splits[0], TensorSplit):
        return None
    model = fresh(workload)
    optimizer = workload.optimizer(model)
    batches = stream(workload, workload.config.training.seed, TIMED + 1)
    fetch, step = [], []
    for _ in range(TIMED + 1):
        begin = time.monotonic()
        batch = next(batches)
        met = time.monotonic()
        optimizer.zero_grad(set_to_none=True)
        workload.loss(model, batch)[0].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        fetch.append(met - begin)
        step.append(time.monotonic() - met)
    idle = "cuda" if torch.cuda.is_available() and workload.device.type == "cpu" else ""
    double = any(p.dtype == torch.float64 for p in model.parameters())
    return StepTime(float(np.median(fetch[1:])), float(np.median(step[1:])), idle, double)


def _learning(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _backward(workload: Workload, model: nn.Module, batch: Batch) -> float:
    """The loss of a batch, its gradient left on the parameters; the same dropout masks every time."""
    model.zero_grad(set_to_none=True)
    with untouched(workload.device):
        torch.manual_seed(0)
        loss = workload.loss(model, batch)[0]
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _gradient(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.to_dense().reshape(-1) for p in _learning(model) if p.grad is not None])


def _noise_scale(workload: Workload, model: nn.Module, batch: Batch, weights: list[Tensor]) -> float:
    """tr(S) / |G|^2 in examples; NaN for batches that are no pair, and where noise drowns the gradient."""
    if not isinstance(batch, tuple | list) or len(batch) != 2 or len(batch[0]) < 2 * PARTS:
        return float("nan")
    with torch.no_grad():
        for p, old in zip(_learning(model), weights, strict=True):
            p.copy_(old)
    small = len(batch[0]) // PARTS
    norms, total = [], torch.zeros((), device=workload.device)
    for part in range(PARTS):
        _backward(workload, model, tuple(values[part * small : (part + 1) * small] for values in batch))
        gradient = _gradient(model)
        norms.append(float(gradient.abs().square().sum()))
        total = total + gradient
    large = small * PARTS
    of_large, of_small = float((total / PARTS).abs().square().sum()), float(np.mean(norms))
    signal = (large * of_large - small * of_small) / (large - small)
    noise = (of_small - of_large) / (1 / small - 1 / large)
    return noise / signal if signal > 0 else float("nan")
