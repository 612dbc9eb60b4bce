"""The training loop: one config, one seed, a row of metrics every so many steps."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim.optimizer import register_optimizer_step_post_hook

from lossdoctor.core.config import SchedulerSection
from lossdoctor.core.errors import BadConfig
from lossdoctor.lab.augment import augment
from lossdoctor.lab.data import Batch
from lossdoctor.lab.memory import out_of_memory, release
from lossdoctor.lab.workload import BINARY, INDEX, Workload, as_labels, batches

EVALUATION_BATCH = 1024
SAMPLE = 10_000  # validation examples that a trial is judged on at most
PIECE = 7_000_003  # between the random numbers of the pieces of a batch

Row = dict[str, float]


@dataclass
class Fit:
    """A finished training: the rows of its log, and the model it leaves."""

    model: nn.Module
    rows: list[Row] = field(default_factory=list)
    steps: int = 0
    blew_up: bool = False


def fit(
    workload: Workload,
    seed: int,
    steps: int,
    every: int,
    *,
    keep_going: bool = False,
    on_row: Callable[[Row], bool | None] | None = None,
) -> Fit:
    """Train for ``steps`` optimizer steps and evaluate after each ``every`` and at the end; see :class:`Training`."""
    training = Training(workload, seed, steps, every, keep_going=keep_going)
    training.run(steps, on_row)
    return training.result


class Training:
    """A training of ``steps`` optimizer steps that can be left and taken up again, bit by bit as if it had never been left.

    It is evaluated after each ``every`` steps and at the end. Every metric is unweighted and in the original units. A training
    whose weights are no longer finite ends there, unless ``keep_going``. With early stopping the best weights are put back
    before the last row is written, so that the last row always tells of the model that is handed over. With ``sample`` it is
    evaluated on so many validation examples at most.

    Where memory runs out, the step is made again with batches that go through the model in pieces of at most ``at_once`` examples,
    half as many each time; their gradients add up to that of the batch. Only what looks at a batch as a whole (batch norm, mixup,
    the mean of class weights) sees the pieces.
    """

    def __init__(
        self, workload: Workload, seed: int, steps: int, every: int, *, keep_going: bool = False, sample: int | None = None
    ) -> None:
        training = workload.config.training
        self.workload, self.seed, self.steps, self.every, self.keep_going = workload, seed, steps, every, keep_going
        self.sample = sample
        around = RandomState.now(workload.device)
        seed_everything(seed)
        model = workload.build(seed)
        self.optimizer = workload.optimizer(model)
        self.schedule = Schedule(self.optimizer, training.scheduler, workload)
        looks = training.early_stopping.patience * workload.steps_per_epoch / every if training.early_stopping else None
        self.patience = Patience(looks) if looks else None
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.meter = Meter(workload)
        self.order = order(workload, seed, steps * training.accumulate)
        self.at_once = training.batch_size
        self.result = Fit(model)
        self.done = False
        self.taken = 0
        seed_everything(seed)
        self.chance = RandomState.now(workload.device)
        around.restore()
        model.train()

    def run(self, until: int, on_row: Callable[[Row], bool | None] | None = None) -> None:
        """Go on until step ``until``, which is a multiple of ``every`` or the end; ``on_row`` may end it by returning True."""
        while self.taken < min(until, self.steps) and not self.done:
            step = min(self.taken - self.taken % self.every + self.every, self.steps)
            row = self.advance(step)
            if row is not None and on_row is not None and on_row(row):
                break

    def advance(self, step: int) -> Row | None:
        """Go on to ``step``; the row that is due there, if one is."""
        around = RandomState.now(self.workload.device)
        self.chance.restore()
        try:
            while self.taken < step:
                self._step()
            due = self.taken % self.every == 0 or self.taken == self.steps
            return self._evaluate() if due else None
        finally:
            self.chance = RandomState.now(self.workload.device)
            around.restore()

    def _step(self) -> None:
        self.taken += 1
        indices = [next(self.order) for _ in range(self.workload.config.training.accumulate)]
        while not self._differentiated(indices):
            self.at_once = (self.at_once + 1) // 2
            release(self.workload.device)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.workload.config.training.clip_grad_norm or math.inf)
        self.lr = self.optimizer.param_groups[0]["lr"]
        self.optimizer.step()
        self.schedule.batch()
        self.meter.norms.append(norm)

    def _differentiated(self, indices: list[Tensor]) -> bool:
        """Put the mean gradient of the batches on the parameters; False where memory does not do for so many examples at once."""
        self.optimizer.zero_grad(set_to_none=True)
        parts = len(indices)
        try:
            for part, index in enumerate(indices):
                number = self.seed * 1_000_003 + self.taken * parts - part
                pieces = index.tensor_split(math.ceil(len(index) / self.at_once))
                for place, piece in enumerate(pieces):
                    self._backward(piece, number + PIECE * place, parts * len(index) / len(piece))
        except Exception as error:
            if self.at_once == 1 or not out_of_memory(error):
                raise
            return False
        return True

    def _backward(self, index: Tensor, number: int, parts: float) -> None:
        """Add the gradient of some examples, one of so many ``parts`` of the step."""
        batch = self.workload.train.batch(index)
        augmented = augment(batch, self.workload.config.data.augment, number, self.workload.mixable)
        loss, output = self.workload.loss(self.result.model, augmented)
        (loss / parts).backward()  # type: ignore[no-untyped-call]
        self.meter.add(loss, output, batch, None)

    def _evaluate(self) -> Row:
        model = self.result.model
        epoch = round(self.taken / self.workload.steps_per_epoch, 4)
        row: Row = {"step": self.taken, "epoch": epoch, **self.meter.take(), "lr": self.lr}
        row |= evaluate(self.workload, model, self.sample)
        self.schedule.evaluated(row["val_loss"], self.taken)
        self.result.steps = self.taken
        self.result.blew_up = not math.isfinite(row["val_loss"]) and not _finite(model)
        self.done = self.taken == self.steps or (self.result.blew_up and not self.keep_going)
        if self.patience:
            self.done = self.patience.spent(row["val_loss"], model) or self.done
            if self.done:
                self.patience.restore(model)
                row |= evaluate(self.workload, model, self.sample)
        self.result.rows.append(row)
        return row


@dataclass(frozen=True)
class RandomState:
    """Every random state that a training draws from: torch's on the CPU and the device, numpy's and Python's own."""

    cpu: Tensor
    device: Tensor | None
    where: torch.device
    legacy: Any
    python: Any

    @classmethod
    def now(cls, device: torch.device) -> RandomState:
        on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(torch.get_rng_state(), on_device, device, np.random.get_state(), random.getstate())

    def restore(self) -> None:
        torch.set_rng_state(self.cpu)
        if self.device is not None:
            torch.cuda.set_rng_state(self.device, self.where)
        np.random.set_state(self.legacy)
        random.setstate(self.python)


@dataclass
class Counter:
    """Optimizer steps that were taken in this process."""

    steps: int = 0


@contextmanager
def count_steps() -> Iterator[Counter]:
    """Count every step of any optimizer while this lasts."""
    counter = Counter()

    def count(*_: Any) -> None:
        counter.steps += 1

    handle = register_optimizer_step_post_hook(count)
    try:
        yield counter
    finally:
        handle.remove()


def seed_everything(seed: int) -> None:
    """Torch, numpy and Python draw the same again: a user's Dataset may ask any of them."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def evaluate(workload: Workload, model: nn.Module, sample: int | None = None) -> Row:
    """Validation metrics in eval mode, of ``sample`` examples at most, spread evenly over all; all else is afterwards as before."""
    mode = model.training
    model.eval()
    size = EVALUATION_BATCH
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            while (row := _measured(workload, model, size, sample)) is None:
                size //= 2
                release(workload.device)
    finally:
        model.train(mode)
    return row


def _measured(workload: Workload, model: nn.Module, size: int, sample: int | None) -> Row | None:
    """Validation metrics from batches of a size; None where memory does not do for them."""
    meter, count = Meter(workload), len(workload.val)
    asked = torch.arange(count) if sample is None or count <= sample else torch.linspace(0, count - 1, sample).long()
    try:
        for index in torch.split(asked, size):
            batch = workload.val.batch(index)
            loss, output = workload.loss(model, batch)
            meter.add(loss, output, batch, None)
    except Exception as error:
        if size == 1 or not out_of_memory(error):
            raise
        return None
    return {f"val_{name.removeprefix('train_')}": value for name, value in meter.take().items()}


class Meter:
    """Adds up the metrics of batches: loss, and for classes accuracy, balanced accuracy and balanced loss."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.known = workload.config.training.step is None
        self._clear()

    def add(self, loss: Tensor, output: Tensor, batch: Batch, norm: Tensor | None) -> None:
        """Take in a batch after its loss was computed."""
        with torch.no_grad():
            if norm is not None:
                self.norms.append(norm)
            if not self.known:
                self.losses.append((loss.detach(), 1))
                return
            output, y = self.workload.measure(output.detach(), batch[1])
            self.losses.append((self.workload.criterion(output, y).detach().mean(), len(y)))
            if self.workload.classes is not None:
                self._count(output, y)

    def take(self) -> Row:
        """The means since the last call, under the names of the log."""
        total = sum(count for _, count in self.losses)
        row: Row = {"train_loss": float(sum(float(loss) * count for loss, count in self.losses) / max(total, 1))}
        if self.seen is not None:
            there = self.seen > 0
            row["train_accuracy"] = float(self.right.sum() / self.seen.sum())
            row["train_balanced_accuracy"] = float((self.right / self.seen.clamp(min=1))[there].mean())
            if self.cost is not None:
                row["train_balanced_loss"] = float((self.cost / self.seen.clamp(min=1))[there].mean())
        if self.norms:
            row["grad_norm"] = float(torch.stack(self.norms).mean())
        self._clear()
        return row

    def _clear(self) -> None:
        self.losses: list[tuple[Tensor, int]] = []
        self.norms: list[Tensor] = []
        self.seen: Tensor | None = None
        self.right: Tensor = torch.zeros(0)
        self.cost: Tensor | None = None

    def _count(self, output: Tensor, y: Tensor) -> None:
        labels, guesses = as_labels(y), predictions(self.workload, output)
        if guesses is None or guesses.shape != labels.shape:
            return
        classes = self.workload.classes or 2
        seen = torch.bincount(labels, minlength=classes).double()
        right = torch.bincount(labels[guesses == labels], minlength=classes).double()
        self.seen, self.right = (seen, right) if self.seen is None else (self.seen + seen, self.right + right)
        if self.workload.loss_name in (*INDEX, *BINARY):
            each = self.workload.criterion(output, y, reduction="none").reshape(len(labels), -1).mean(dim=1)
            cost = torch.zeros(classes, dtype=torch.float64, device=each.device).index_add_(0, labels, each.double())
            self.cost = cost if self.cost is None else self.cost + cost


class Schedule:
    """The configured learning-rate schedule over the full length of the training, by torch's own schedulers."""

    def __init__(self, optimizer: torch.optim.Optimizer, section: SchedulerSection | None, workload: Workload) -> None:
        self.epoch = workload.steps_per_epoch
        self.next_epoch = self.epoch
        self.taken = 0
        self.per_batch: Any = None
        self.per_epoch: Any = None
        if section is None:
            return
        total, extra = workload.steps, section.arguments
        try:
            match section.name:
                case "cosine":
                    self.per_batch = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total, **extra)
                case "onecycle":
                    top = extra.pop("max_lr", optimizer.param_groups[0]["lr"])
                    self.per_batch = lr_scheduler.OneCycleLR(optimizer, max_lr=top, total_steps=total + 1, **extra)
                case "warmup_cosine":
                    warm = max(1, round(extra.pop("warmup", 0.05) * total))
                    up = lr_scheduler.LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
                    down = lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, total - warm), **extra)
                    self.per_batch = lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warm])
                case "step":
                    self.per_epoch = lr_scheduler.StepLR(optimizer, **{"step_size": max(1, workload.config.training.epochs // 3)} | extra)
                case "exponential":
                    self.per_epoch = lr_scheduler.ExponentialLR(optimizer, **{"gamma": 0.95} | extra)
                case "plateau":
                    self.per_epoch = lr_scheduler.ReduceLROnPlateau(optimizer, **extra)
        except (TypeError, ValueError) as error:
            raise BadConfig(f"training.scheduler: {section.name} does not accept this: {error}") from None

    def batch(self) -> None:
        """After an optimizer step; schedules by epoch move when one has passed."""
        self.taken += 1
        if self.per_batch is not None:
            self.per_batch.step()
        elif self.per_epoch is not None and not self._waits_for_loss and self.taken % self.epoch == 0:
            self.per_epoch.step()

    def evaluated(self, val_loss: float, step: int) -> None:
        """After an evaluation: what waits for a plateau is told the loss of every epoch that has passed."""
        while self._waits_for_loss and step >= self.next_epoch:
            self.next_epoch += self.epoch
            self.per_epoch.step(val_loss)

    @property
    def _waits_for_loss(self) -> bool:
        return isinstance(self.per_epoch, lr_scheduler.ReduceLROnPlateau)


class Patience:
    """Early stopping (Prechelt 1998): stop after ``looks`` evaluations without a new best, and keep the best weights."""

    def __init__(self, looks: float) -> None:
        self.looks = looks
        self.best = math.inf
        self.waited = 0
        self.weights: dict[str, Any] | None = None

    def spent(self, value: float, model: nn.Module) -> bool:
        """Take in an evaluation; True when patience has run out."""
        if value < self.best:
            self.best, self.waited, self.weights = value, 0, copy.deepcopy(model.state_dict())
            return False
        self.waited += 1
        return self.waited >= self.looks

    def restore(self, model: nn.Module) -> None:
        if self.weights is not None:
            model.load_state_dict(self.weights)


def predictions(workload: Workload, output: Tensor) -> Tensor | None:
    """The guessed class of each example [n]; None where the output is no score of classes."""
    if output.dim() == 2 and output.shape[1] > 1:
        return output.argmax(dim=1)
    if output.dim() <= 2 and workload.classes == 2:
        threshold = 0.0 if workload.loss_name.endswith("with_logits") else 0.5
        return (output.reshape(-1) > threshold).long()
    return None


def stream(workload: Workload, seed: int, steps: int) -> Iterator[Batch]:
    """Batches epoch after epoch, the same for the same seed, ``steps`` of them."""
    return (workload.train.batch(index) for index in order(workload, seed, steps))


def order(workload: Workload, seed: int, steps: int) -> Iterator[Tensor]:
    """The examples [n] of each of those batches."""
    training = workload.config.training
    weights = _balance(workload) if training.sampler == "balanced" else None
    left, epoch = steps, 0
    while left > 0:
        drawn = batches(len(workload.train), training.batch_size, shuffle=training.shuffle, seed=seed * 1_000_003 + epoch, weights=weights)
        for index in drawn:
            yield index
            left -= 1
            if left == 0:
                return
        epoch += 1


def _balance(workload: Workload) -> Tensor:
    """Weights per example that draw every class equally often."""
    if workload.labels is None:
        raise BadConfig("training.sampler: balanced needs a classification with class indices as targets")
    labels = workload.labels.cpu()
    return 1.0 / torch.bincount(labels).clamp(min=1)[labels].double()


def _finite(model: nn.Module) -> bool:
    return all(bool(torch.isfinite(p).all()) for p in model.parameters())
