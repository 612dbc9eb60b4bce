"""What short trainings show: the first steps as configured, a few examples learned by heart, and comparisons of two trainings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from lossdoctor.core.observation import Ablation, OneBatch, ShortRun
from lossdoctor.lab.augment import augment
from lossdoctor.lab.data import Batch
from lossdoctor.lab.fit import Schedule, predictions, stream
from lossdoctor.lab.observe.budget import Clock, Range, affordable, parameters
from lossdoctor.lab.observe.common import examples, fresh, layer_of, loss_of, measurement, step
from lossdoctor.lab.observe.data import indices
from lossdoctor.lab.observe.tape import record, twins
from lossdoctor.lab.workload import Workload, as_labels

STEPS = Range(0.05, 20, 40)  # steps of the short training
FEW_STEPS = 5  # that it takes however large they are
COMPARED = 120  # of each of two trainings that differ in one thing
HEART = 300  # steps in which a few examples are learned by heart
FEW = 16  # these examples
GLANCE = 20  # steps after which, again and again, it is asked whether more would change the answer
LEARNED = 0.1  # of the loss of a constant guess: learned by heart
NEAR = 0.25  # of it: a training that is not bound to come as near is ended
THROUGH = 0.9  # of it: what comes below has made use of the inputs


@measurement
def short_run(workload: Workload) -> ShortRun:
    """A few steps exactly as configured."""
    seed = workload.config.training.seed
    model = fresh(workload)
    optimizer = workload.optimizer(model)
    batch = examples(workload)
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    losses, norms = [loss_of(workload, model, batch)], []
    clock, steps = Clock(), min(STEPS.of(workload), max(affordable(workload), FEW_STEPS))
    schedule = Schedule(optimizer, workload.config.training.scheduler, workload)
    for place, data in enumerate(stream(workload, seed, steps)):
        norms.append(step(workload, model, optimizer, data, place))
        schedule.batch()
        losses.append(loss_of(workload, model, batch))
        if not np.isfinite(losses[-1]) or clock.late:
            break
    after = dict(model.named_parameters())
    moved = {name: float((after[name].detach() - old).norm()) for name, old in before.items()}
    ratios = [
        moved[name] / len(norms) ** 0.5 / float(old.norm()) for name, old in before.items() if old.dim() > 1 and float(old.norm()) > 0
    ]
    with torch.no_grad():
        (_, out), seen = record(model, lambda: workload.loss(model, batch))
        trained = float(workload.loss(_undropped(model), batch)[0])
        evaluated = float(workload.loss(model.eval(), batch)[0])
    return ShortRun(
        np.array(losses),
        np.array(norms),
        ratio=float(np.median(ratios)) if ratios else float("nan"),
        unchanged=tuple(name for name, size in moved.items() if size == 0.0),
        after=seen,
        guesses=_most_guessed(workload, out),
        twins=_twins(model),
        trained=trained,
        evaluated=evaluated,
    )


@measurement
def one_batch(workload: Workload) -> OneBatch | None:
    """Train on a few examples alone without dropout and weight decay, by Adam at two rates; None where the loss has no known floor.

    Fewer parameters than numbers to learn cannot hold them, as in a linear regression on few features; nothing is asked of those.

    Each training ends where the examples are learned, or where a line through its last losses does not get there in time.
    """
    index = torch.randperm(len(workload.train), generator=torch.Generator().manual_seed(0))[:FEW]
    batch = workload.train.batch(index)
    chance = _constant_loss(workload, batch)
    if chance is None or chance <= 0 or affordable(workload, FEW) < 2 * GLANCE:
        return None
    if workload.task == "regression" and parameters(workload) < batch[1].numel():
        return None
    clock, losses = Clock(), list[list[float]]()
    for rate in (3e-3, 3e-2):
        losses.append([])
        model = _undropped(fresh(workload))
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
        while not _settled(losses[-1], chance):
            if clock.late:
                return None
            optimizer.zero_grad(set_to_none=True)
            loss = workload.loss(model, batch)[0]
            losses[-1].append(float(loss.detach()))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if min(losses[-1]) < LEARNED * chance:
            break
    everything = np.concatenate(losses)
    return OneBatch(losses[0][0], float(np.nanmin(everything)), chance, len(everything), len(index))


def _settled(losses: list[float], chance: float) -> bool:
    """Whether a training on the same examples has learned them, has blown up, or will not get anywhere near in time."""
    if not losses:
        return False
    if losses[-1] < LEARNED * chance or not np.isfinite(losses[-1]) or len(losses) == HEART:
        return True
    if len(losses) < 3 * GLANCE or len(losses) % GLANCE:
        return False
    before, now = np.median(losses[-2 * GLANCE : -GLANCE]), np.median(losses[-GLANCE:])
    return bool(now - (before - now) * (HEART - len(losses)) / GLANCE > NEAR * chance)


@measurement
def blind(workload: Workload, run: ShortRun) -> Ablation | None:
    """The same training with inputs and with inputs that are all alike; None where a step is slow or a step of the user's hides them.

    Karpathy's input-independent baseline: by Adam at 0.003, without dropout, a first few steps alone. Where the training with inputs
    falls well below the loss of a constant guess, which no training without can do, that takes the place of the other; where the
    short ``run`` has fallen so far, nothing is trained.
    """
    batch = examples(workload)
    if workload.config.training.step is not None or not isinstance(batch, tuple | list) or not isinstance(batch[0], Tensor):
        return None

    def alike(data: Batch) -> Batch:
        x, *rest = data
        return [torch.zeros_like(x) if x.is_floating_point() else x[:1].expand_as(x), *rest]

    chance = _constant_loss(workload, batch)
    goal = THROUGH * chance if chance is not None else -np.inf
    if run.losses[-1] < goal and chance:
        return Ablation(float(run.losses[0]), float(run.losses[-1]), chance, 0.0, len(run.norms))

    def seen(model: nn.Module) -> tuple[float, float] | None:
        loss = loss_of(workload, model, batch)
        return (loss, chance) if chance and loss < goal else None

    return _compared(workload, lambda data, _: data, lambda data, _: alike(data), rate=3e-3, decided=seen)


@measurement
def augmentation(workload: Workload) -> Ablation | None:
    """The same first steps with and without the configured changes of training batches; None where there are none, or a step is slow."""
    made = workload.config.data.augment
    if not made:
        return None
    return _compared(workload, lambda data, _: data, lambda data, place: augment(data, made, place, workload.mixable))


def _compared(
    workload: Workload,
    plain: Callable[[Batch, int], Batch],
    changed: Callable[[Batch, int], Batch],
    rate: float | None = None,
    decided: Callable[[nn.Module], tuple[float, float] | None] = lambda _: None,
) -> Ablation | None:
    """Two trainings on the same batches, each passed through a function; judged on the mean loss of the last quarter of batches.

    Where ``decided`` knows how both end from the model of the first, that is where they end.
    """
    clock = Clock()
    if affordable(workload) < COMPARED:
        return None
    ends, first = [], float("nan")
    for change in (plain, changed):
        model = _undropped(fresh(workload))
        learn = [p for p in model.parameters() if p.requires_grad]
        optimizer = workload.optimizer(model) if rate is None else torch.optim.Adam(learn, lr=rate)
        losses: list[float] = []
        for place, data in enumerate(stream(workload, workload.config.training.seed, COMPARED)):
            seen = change(data, place)
            optimizer.zero_grad(set_to_none=True)
            loss = workload.loss(model, seen)[0]
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss_of(workload, model, data) if rate is None and place >= COMPARED * 3 // 4 else float(loss.detach()))
            if clock.late or not np.isfinite(losses[-1]):
                return None
            if change is plain and len(losses) % GLANCE == 0 and (known := decided(model)):
                return Ablation(losses[0], *known, error=0.0, steps=len(losses))
        first = losses[0] if change is plain else first
        ends.append(np.array(losses[-max(len(losses) // 4, 1) :]))
    error = float((ends[1] - ends[0]).std() / len(ends[0]) ** 0.5)
    return Ablation(first, float(ends[0].mean()), float(ends[1].mean()), error, COMPARED)


def _twins(model: nn.Module) -> dict[str, float]:
    return {layer_of(name): twins(p) for name, p in model.named_parameters() if name.endswith("weight") and p.dim() > 1}


def _most_guessed(workload: Workload, out: Tensor) -> float:
    guesses = predictions(workload, out) if workload.classes is not None and workload.config.training.step is None else None
    return float(torch.bincount(guesses).max() / len(guesses)) if guesses is not None and len(guesses) else 0.0


def _constant_loss(workload: Workload, batch: Batch) -> float | None:
    """The loss of the best constant guess on a batch."""
    if not isinstance(batch, tuple | list) or workload.chance() is None or not isinstance(batch[1], Tensor):
        return None
    y = batch[1]
    if workload.classes is not None and indices(workload) is None:
        return None
    if workload.classes is not None:
        share = torch.bincount(as_labels(y)).float() / len(y)
        return float(-(share[share > 0] * share[share > 0].log()).sum())
    guess = workload.constant(y)
    return None if guess is None else float(workload.criterion(guess.expand_as(y), y))


def _undropped(model: nn.Module) -> nn.Module:
    """The same model, its dropout turned off."""
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d | nn.AlphaDropout):
            module.p = 0.0
        elif isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            module.dropout = 0.0
    return model
