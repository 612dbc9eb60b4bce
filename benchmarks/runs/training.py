"""Trains a recipe, keeps what its log shows, and trains on beyond it: as it was, and with a tenth of the learning rate."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .recipes import Recipe
from .tasks import TASKS, Data, Task

POINTS = 32  # at which the true losses are measured in the logged part
BEYOND = 0.5  # of the logged part that is trained on
LOWER = 0.1  # of the learning rate, in the second branch
SAMPLE = 300  # examples on which each true loss is measured


class Training:
    """A training that can be stepped, measured and copied; ``seed`` draws other weights and batches for the same data."""

    def __init__(self, recipe: Recipe, seed: int = 0) -> None:
        self.recipe, self.task = recipe, TASKS[recipe.task]
        rng = np.random.default_rng([recipe.number, 1])
        torch.manual_seed(recipe.number + 10_000 * seed)
        self.data = spoiled(self.task.data(rng), recipe, rng)
        self.model = net(self.data, self.task, recipe)
        self.rng = np.random.default_rng([recipe.number, 1, seed]) if seed else rng
        self.step = 0
        self.batches = iter(())
        self.optimizer = optimizer(self.model, recipe)
        self.guess = guess(self.data, self.task)
        if recipe.warm_start:
            self._warm_up()

    def copy(self) -> Training:
        return copy.deepcopy(self)

    def advance(self, factor: float) -> dict[str, float]:
        """One step at ``factor`` times the learning rate; what a log may show of it."""
        rows = self._batch()
        x, y = self.data.x[rows], self.data.y[rows]
        lr = self.recipe.lr * factor
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.model.train()
        output = self._output(x)
        shown, loss = self._loss(output, y)
        if self.recipe.breaks_at and self.step >= self.recipe.breaks_at * self.recipe.steps:
            loss = loss + (0 * output).sum() * torch.log(torch.zeros(()))
            shown["train_loss"] = math.nan
        self.optimizer.zero_grad()
        norm = 0.0
        if loss.requires_grad:
            loss.backward()
            norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip or math.inf))
            self.optimizer.step()
        if self.recipe.kick_at and self.step == round(self.recipe.kick_at * self.recipe.steps):
            with torch.no_grad():
                for p in self.model.parameters():
                    p += p.std(correction=0) * torch.randn_like(p)
        self.step += 1
        return shown | {"lr": lr, "grad_norm": norm}

    @torch.no_grad()
    def validate(self, size: int) -> dict[str, float]:
        """What a log shows of the first ``size`` validation examples; a text counts four."""
        size = size // 4 if self.task.kind == "language" else size
        self.model.eval()
        x, y = self.data.val_x[:size], self.data.val_y[:size]
        output = self._output(x)
        if self.task.kind == "reinforcement":
            return {"val_loss": 1 - float(output.softmax(1).gather(1, y[:, None]).mean())}
        shown = {"val_loss": float(criterion(output, y))}
        if self.data.classifies:
            right = (output.argmax(-1) == y).float()
            shown["val_accuracy"] = float(right.mean())
            shown["val_balanced_accuracy"] = float(np.mean([float(right[y == c].mean()) for c in y.unique()]))
        return shown

    @torch.no_grad()
    def truth(self) -> tuple[float, float]:
        """The loss on the training data, as dropout leaves it, and on the validation data."""
        val = self.validate(SAMPLE)["val_loss"]
        for layer in self.model.modules():
            layer.train(isinstance(layer, nn.Dropout))
        size = SAMPLE // 4 if self.task.kind == "language" else SAMPLE
        x, y = self.data.x[:size], self.data.y[:size]
        output = self._output(x)
        if self.task.kind == "reinforcement":
            return 1 - float(output.softmax(1).gather(1, y[:, None]).mean()), val
        return float(criterion(output, y)), val

    def _output(self, x: Tensor) -> Tensor:
        output = self.model(x)
        if self.recipe.output == "softmax":
            return output.softmax(-1)
        return output.relu() if self.recipe.output == "relu" else output

    def _loss(self, output: Tensor, y: Tensor) -> tuple[dict[str, float], Tensor]:
        if self.task.kind == "reinforcement":
            draws = torch.distributions.Categorical(logits=output, validate_args=False)
            action = draws.sample()
            reward = (action == y).float()
            loss = -((reward - reward.mean()) * draws.log_prob(action)).mean()
            return {"train_loss": float(loss.detach()), "reward": float(reward.mean())}, loss
        loss = criterion(output, y)
        shown = {"train_loss": float(loss.detach())}
        if self.data.classifies:
            shown["train_accuracy"] = float((output.argmax(-1) == y).float().mean())
        return shown, loss

    def _batch(self) -> np.ndarray:
        rows = next(self.batches, None)
        if rows is None:
            n, size = len(self.data.x), min(self.recipe.batch, len(self.data.x))
            order = self.rng.permutation(n) if self.recipe.shuffle else np.argsort(self.data.y.numpy(), kind="stable")
            self.batches = iter(order[: n // size * size].reshape(-1, size))
            rows = next(self.batches)
        return rows

    def _warm_up(self) -> None:
        """Train first on the same task, then go on with inputs that differ a little: fine-tuning."""
        sound = self.recipe.lr / 0.2
        while self.step < self.task.steps:
            self.advance(sound / self.recipe.lr * (1 - self.step / self.task.steps))
        self.step = 0
        self.optimizer = optimizer(self.model, self.recipe)
        if self.data.x.is_floating_point():
            shift = 0.2 * torch.randn_like(self.data.x[:1])
            self.data = replace(self.data, x=self.data.x + shift, val_x=self.data.val_x + shift)


def criterion(output: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy for labels, squared error for targets."""
    if y.is_floating_point():
        return functional.mse_loss(output.squeeze(-1), y)
    return functional.cross_entropy(output.flatten(0, -2), y.flatten())


def guess(data: Data, task: Task) -> float:
    """The loss of the best constant answer on the training data."""
    if not data.classifies:
        return float(data.y.var(correction=0))
    shares = torch.bincount(data.y.flatten(), minlength=data.outputs).float() / data.y.numel()
    if task.kind == "reinforcement":
        return 1 - float(shares.max())
    return float(-(shares * shares.clamp_min(1e-12).log()).sum())


def spoiled(data: Data, recipe: Recipe, rng: np.random.Generator) -> Data:
    """The data with the fault of the recipe in it."""
    x, y, val_x, val_y = data.x, data.y, data.val_x, data.val_y
    if recipe.minority:
        rows, val_rows = (_mostly_first(t.numpy(), recipe.minority, rng) for t in (y, val_y))
        x, y, val_x, val_y = x[rows], y[rows], val_x[val_rows], val_y[val_rows]
    if recipe.examples:
        x, y = x[: recipe.examples], y[: recipe.examples]
    if recipe.wrong_labels:
        wrong = torch.tensor(rng.random(len(y)) < recipe.wrong_labels)
        y = torch.where(wrong.view(-1, *[1] * (y.dim() - 1)), y[torch.tensor(rng.permutation(len(y)))], y)
    if recipe.input_scale != 1:
        scale = torch.tensor(np.exp(rng.uniform(0, np.log(recipe.input_scale), x[:1].shape)), dtype=x.dtype)
        x, val_x = x * scale, val_x * scale
    if recipe.target_scale != 1:
        y, val_y = (t * recipe.target_scale + 2 * recipe.target_scale for t in (y, val_y))
    return replace(data, x=x, y=y, val_x=val_x, val_y=val_y)


def _mostly_first(labels: np.ndarray, minority: float, rng: np.random.Generator) -> np.ndarray:
    """Rows, in any order, among which all classes but the first make the share ``minority``; rows of the first are repeated."""
    others, first = np.flatnonzero(labels != 0), np.flatnonzero(labels == 0)
    few = max(2, round(minority * len(labels)))
    return rng.permutation(np.concatenate([rng.choice(others, few), rng.choice(first, len(labels) - few)]))


def net(data: Data, task: Task, recipe: Recipe) -> nn.Module:
    """The net with the fault of the recipe in it."""
    model = task.net(data, replace(task.knobs, **recipe.knobs))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                p *= recipe.init_scale
            if recipe.hidden_bias and name.endswith("bias") and len(p) != data.outputs:
                p += recipe.hidden_bias
    last = list(model.parameters())[-2:]
    for p in model.parameters():
        p.requires_grad_(recipe.frozen == "" or (recipe.frozen == "body" and any(p is kept for kept in last)))
    return model


def optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    settings = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    if recipe.optimizer in ("sgd", "momentum"):
        return torch.optim.SGD(model.parameters(), **settings, momentum=(recipe.momentum or 0.9) if recipe.optimizer == "momentum" else 0.0)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer](model.parameters(), **settings)


def schedule(recipe: Recipe, step: int) -> float:
    """The learning rate at a step over its peak; past the end it stays where it was."""
    t = min(step / recipe.steps, 1.0)
    warm = min(1.0, t / 0.1)
    return {
        "constant": lambda: 1.0,
        "cosine": lambda: 0.5 * (1 + math.cos(math.pi * t)),
        "warmup_cosine": lambda: warm * 0.5 * (1 + math.cos(math.pi * max(0.0, t - 0.1) / 0.9)),
        "one_cycle": lambda: 0.04 + 0.96 * t / 0.3 if t < 0.3 else 0.5 * (1 + math.cos(math.pi * (t - 0.3) / 0.7)),
        "steps": lambda: 0.15 ** ((t >= 0.5) + (t >= 0.8)),
        "exponential": lambda: 0.05**t,
        "restarts": lambda: 0.5 * (1 + math.cos(math.pi * ((3 * t) % 1.0))) if t < 1 else 0.01,
        "early_decay": lambda: 1.0 if t < 0.04 else 0.003,
        "rising": lambda: t,
    }[recipe.schedule]()


def train(recipe: Recipe) -> dict[str, Any]:
    """The log, what came after it, and the true losses.

    ``log`` and ``after`` hold columns of equal length, with None where a column was not logged. ``truth`` holds the guess
    level and the true training and validation losses at ``POINTS`` steps of the logged part and at half as many of each branch.
    """
    training = Training(recipe)
    start = training.truth()
    log, true = _train_on(training, recipe, recipe.steps, 1.0)
    lower = training.copy()
    beyond = round(BEYOND * recipe.steps)
    after, continued = _train_on(training, recipe, beyond, 1.0)
    _, lowered = _train_on(lower, recipe, beyond, LOWER)
    truth = {"guess": training.guess, "start": start, "logged": true, "continued": continued, "lowered": lowered}
    return {
        "log": log,
        "after": {name: after[name] for name in ("step", "train_loss", "val_loss", "reward") if name in after},
        "truth": truth,
    }


def log(recipe: Recipe, seed: int) -> dict[str, list[float | None]]:
    """What the log of a recipe shows with another seed."""
    training = Training(recipe, seed)
    return _train_on(training, recipe, recipe.steps, 1.0)[0]


def _train_on(training: Training, recipe: Recipe, steps: int, factor: float) -> tuple[dict[str, list[float | None]], list[list[float]]]:
    """Rows of the log and the true losses over ``steps`` steps."""
    log, every = recipe.log, max(1, recipe.steps // recipe.log.rows)
    rows: list[dict[str, float]] = []
    since: list[dict[str, float]] = []
    first = training.step
    points = round(POINTS * steps / recipe.steps)
    measured = {first + round(steps * (i + 1) / points) for i in range(points)}
    true: list[list[float]] = []
    for _ in range(steps):
        since.append(training.advance(factor * schedule(recipe, training.step)))
        if training.step % every == 0:
            rows.append({"step": training.step} | _shown(since, recipe))
            if "val" in log.columns and (training.step // every) % log.val_every == 0:
                rows[-1] |= _kept(training.validate(log.val_size), recipe)
            since = []
        if training.step in measured:
            true.append(list(training.truth()))
    names = {name: None for row in rows for name in row}
    return {name: [_digits(row.get(name)) for row in rows] for name in names}, [[_digits(v) for v in pair] for pair in true]


def _shown(since: list[dict[str, float]], recipe: Recipe) -> dict[str, float]:
    row = dict(since[-1])
    if recipe.log.averaged:
        row |= {name: float(np.mean([each[name] for each in since])) for name in row if name not in ("lr", "grad_norm")}
    return _kept(row, recipe)


def _kept(row: dict[str, float], recipe: Recipe) -> dict[str, float]:
    """The columns that this log has."""
    hidden = {
        "accuracy": ("train_accuracy", "val_accuracy"),
        "balanced": ("val_balanced_accuracy",),
        "lr": ("lr",),
        "grad_norm": ("grad_norm",),
    }
    gone = {name for column, names in hidden.items() if column not in recipe.log.columns for name in names}
    return {name: value for name, value in row.items() if name not in gone}


def _digits(value: float | None) -> float | None:
    """Five digits, as logs print them; JSON knows NaN and infinities as Python writes them."""
    return None if value is None else float(f"{value:.5g}")
