"""Makes the sample logs beside this file: real trainings, healthy and ill, on data that comes with scikit-learn.

    python sample_runs/make_samples.py            # all of them, about a minute
    python sample_runs/make_samples.py stalled    # those whose folder begins with a word

A folder is named after the status of its run and the cause. It holds the log and ``expected.json``: the status, and the
family that the true cause belongs to (null for a healthy run). Nothing here uses lossdoctor: the loop is plain PyTorch.

``probe/`` holds configs to probe: ``config.yaml`` with its model and data, ``sound.yaml`` where its fault is mended, and
``expected.json``: the family of the fault, and the changes that mend it. Only the table of one of them is made here.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F

HERE = Path(__file__).parent
Row = dict[str, Any]
Split = tuple[Tensor, Tensor]


# ---------------------------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Data:
    train: Split
    val: Split


def digits(train_size: int = 1200, noisy_labels: float = 0.0, sort: bool = False) -> Data:
    """8x8 images of digits scaled to 0..1, ten classes; optionally with wrong training labels, or sorted by class."""
    x, y = datasets.load_digits(return_X_y=True)
    data = split(x / 16, y, train_size)
    x_train, y_train = data.train
    wrong = torch.rand(len(y_train), generator=torch.Generator().manual_seed(0)) < noisy_labels
    y_train[wrong] = (y_train[wrong] + 3) % 10
    order = y_train.argsort(stable=True) if sort else torch.arange(len(y_train))
    return Data((x_train[order], y_train[order]), data.val)


def breast_cancer(train_size: int = 400) -> Data:
    """30 standardized measurements of tumours, two classes."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return split((x - x.mean(0)) / x.std(0), y, train_size)


def rare_class() -> Data:
    """Two overlapping classes of 20 features each, 40 to 1."""
    shape: Row = {"n_informative": 6, "n_redundant": 0, "n_clusters_per_class": 3, "flip_y": 0}
    x, y = datasets.make_classification(2400, 20, weights=[0.975], class_sep=0.6, random_state=0, **shape)
    return split(x, y, 1600)


def two_clouds() -> Data:
    """Two classes of 20 features each that overlap: no linear model can be right everywhere."""
    x, y = datasets.make_classification(1200, 20, n_informative=10, flip_y=0.1, random_state=0)
    return split(x, y, 800)


def spirals() -> Data:
    """Points in the plane along five arms of a spiral."""
    random = np.random.default_rng(0)
    y = np.arange(1200) % 5
    radius = random.uniform(0.1, 1, len(y))
    angle = 4 * radius + y * 2 * np.pi / 5 + 0.1 * random.normal(size=len(y))
    return split(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), y, 800)


def diabetes() -> Data:
    """10 measurements of patients, and how far the disease went a year later: 25 to 346."""
    x, y = datasets.load_diabetes(return_X_y=True)
    return split((x - x.mean(0)) / x.std(0), y[:, None], 330)


def waves(train_size: int = 800) -> Data:
    """A smooth function of two inputs, with a little noise."""
    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, (train_size + 400, 2))
    y = np.sin(2 * x[:, :1]) * np.cos(x[:, 1:]) + 0.05 * random.normal(size=(len(x), 1))
    return split(x, y, train_size)


def split(x: np.ndarray, y: np.ndarray, train_size: int) -> Data:
    classes = y if y.ndim == 1 else None
    parts = train_test_split(x, y, train_size=train_size, random_state=0, stratify=classes)
    x_train, x_val = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
    y_train, y_val = (torch.tensor(part, dtype=torch.float32 if classes is None else torch.int64) for part in parts[2:])
    return Data((x_train, y_train), (x_val, y_val))


# ------------------------------------------------------------------------------------------------------------ training


def mlp(*sizes: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers of these sizes with an activation between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def fit(
    model: nn.Module,
    data: Data,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    batch_size: int = 64,
    schedule: Callable[[int], float] = lambda epoch: 1.0,
    shuffle: bool = True,
    log_every: int | None = None,
) -> Iterator[Row]:
    """Train, and yield a row after each epoch; with ``log_every``, also one with the training loss every so many steps.

    ``schedule(epoch)`` multiplies the learning rate. The training loss and accuracy of an epoch are the means over its batches.
    """
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    inputs, targets = data.train
    step = 0
    for epoch in range(epochs):
        order = torch.randperm(len(inputs)) if shuffle else torch.arange(len(inputs))
        lr = optimizer.param_groups[0]["lr"]
        seen: list[Row] = []
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            output = model(inputs[batch])
            value = loss(output, targets[batch])
            value.backward()
            norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
            optimizer.step()
            step += 1
            seen.append({"train_loss": value.item(), "grad_norm": norm.item(), **accuracy("train", output, targets[batch])})
            if log_every and step % log_every == 0:
                part = min(1.0, len(seen) * batch_size / len(inputs))
                yield {"step": step, "epoch": epoch + part, "lr": lr, "batch": True, **mean(seen[-log_every:])}
        scheduler.step()
        yield {"step": step, "epoch": epoch + 1, "lr": lr, **mean(seen), **validate(model, data.val, loss)}


def mean(rows: list[Row]) -> Row:
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def validate(model: nn.Module, split: Split, loss: Callable[[Tensor, Tensor], Tensor]) -> Row:
    inputs, targets = split
    with torch.no_grad():
        output = model(inputs)
        row = {"val_loss": loss(output, targets).item(), **accuracy("val", output, targets)}
    if not targets.is_floating_point():
        right = output.argmax(1) == targets
        row["val_balanced_accuracy"] = float(np.mean([right[targets == label].float().mean() for label in targets.unique()]))
    return row


def accuracy(name: str, output: Tensor, targets: Tensor) -> Row:
    if targets.is_floating_point():
        return {}
    return {f"{name}_accuracy": (output.argmax(1) == targets).float().mean().item()}


# ------------------------------------------------------------------------------------------------------------- formats


def plain_csv(folder: Path, rows: list[Row]) -> None:
    """The columns that ``lossdoctor train`` writes."""
    names = ["step", "epoch", "train_loss", "val_loss", "lr", "grad_norm", "train_accuracy", "val_accuracy", "val_balanced_accuracy"]
    write_csv(folder / "log.csv", [name for name in names if any(name in row for row in rows)], rows)


def lightning_csv(folder: Path, rows: list[Row]) -> None:
    """``metrics.csv`` of Lightning's CSVLogger: training and validation in rows of their own, steps and epochs counted from 0."""
    out: list[Row] = []
    for row in rows:
        place = {"epoch": math.ceil(row["epoch"]) - 1, "step": row["step"] - 1}
        if "batch" in row:
            out += [{**place, "lr-SGD": row["lr"]}, {**place, "train_loss_step": row["train_loss"]}]
        else:
            out += [
                {**place, "val_loss": row["val_loss"], "val_acc": row.get("val_accuracy")},
                {**place, "train_loss_epoch": row["train_loss"]},
            ]
    names = ["epoch", "lr-SGD", "step", "train_loss_epoch", "train_loss_step", "val_acc", "val_loss"]
    write_csv(folder / "metrics.csv", [name for name in names if any(row.get(name) is not None for row in out)], out)


def keras_csv(folder: Path, rows: list[Row]) -> None:
    """The file of Keras' CSVLogger: epochs counted from 0, the training metrics without a prefix."""
    names = {
        "accuracy": "train_accuracy",
        "learning_rate": "lr",
        "loss": "train_loss",
        "val_accuracy": "val_accuracy",
        "val_loss": "val_loss",
    }
    out = [{"epoch": row["epoch"] - 1, **{new: row[old] for new, old in names.items() if old in row}} for row in rows]
    write_csv(folder / "training.log", list(out[0]), out)


def json_lines(folder: Path, rows: list[Row]) -> None:
    """One JSON object a line, as many hand-written loops do it; NaN is written bare, as Python does."""
    names = {"train_loss": "train/loss", "val_loss": "val/loss", "val_accuracy": "val/acc", "grad_norm": "grad_norm", "lr": "lr"}
    by_step = any("batch" in row for row in rows)
    with (folder / "log.jsonl").open("w") as file:
        for row in rows:
            wanted = [name for name in names if "batch" in row or not by_step or name.startswith("val")]
            out = {names.get(key, key): tidy(row[key]) for key in ["step", "epoch", *wanted] if key in row}
            file.write(json.dumps(out) + "\n")


def hf_trainer(folder: Path, rows: list[Row]) -> None:
    """``trainer_state.json`` of the Hugging Face Trainer."""
    history: list[Row] = []
    for row in rows:
        place = {"epoch": tidy(float(row["epoch"])), "step": row["step"]}
        if "batch" in row:
            history.append(
                {"grad_norm": tidy(row["grad_norm"]), "learning_rate": tidy(row["lr"]), "loss": round(row["train_loss"], 4), **place}
            )
        else:
            scores = {"eval_accuracy": row["val_accuracy"]} if "val_accuracy" in row else {}
            history.append({"eval_loss": tidy(row["val_loss"]), **{key: tidy(value) for key, value in scores.items()}, **place})
    last = rows[-1]
    state = {
        "best_metric": None,
        "best_model_checkpoint": None,
        "epoch": float(last["epoch"]),
        "global_step": last["step"],
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": history,
        "max_steps": last["step"],
        "num_train_epochs": last["epoch"],
    }
    (folder / "trainer_state.json").write_text(json.dumps(state, indent=1) + "\n")


def write_csv(path: Path, names: list[str], rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: tidy(value) for key, value in row.items()} for row in rows)


def tidy(value: Any) -> Any:
    """Six significant digits are enough, and keep the files small."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


# ------------------------------------------------------------------------------------------------------------- samples


@dataclass(frozen=True)
class Sample:
    status: str
    cause: str
    family: str | None
    write: Callable[[Path, list[Row]], None]
    train: Callable[[], Iterator[Row]]

    @property
    def folder(self) -> str:
        return f"{self.status}_{self.cause}"

    def make(self, root: Path) -> Path:
        """Train, and write the log and what a reader should say of it; returns the folder."""
        torch.manual_seed(0)
        torch.set_num_threads(1)
        folder = root / self.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(folder, list(self.train()))
        (folder / "expected.json").write_text(json.dumps({"status": self.status, "family": self.family}) + "\n")
        return folder


def sgd(model: nn.Module, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)


def adam(model: nn.Module, lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)


def improving_digits() -> Iterator[Row]:
    """Stopped while it still learns."""
    model = mlp(64, 64, 10)
    return fit(model, digits(), sgd(model, 0.05, momentum=0.5), epochs=14)


def improving_waves() -> Iterator[Row]:
    """Regression, logged every 5 steps; the loss is far from its floor."""
    model = mlp(2, 64, 64, 1)
    return fit(model, waves(), sgd(model, 0.05), 25, loss=F.mse_loss, log_every=5)


def converged_digits() -> Iterator[Row]:
    """A cosine schedule that ends where the validation loss is flat and the accuracy high."""
    model = mlp(64, 64, 10)
    epochs = 60
    return fit(
        model,
        digits(),
        sgd(model, 0.1, momentum=0.9, weight_decay=2e-3),
        epochs,
        schedule=lambda e: (1 + math.cos(math.pi * e / epochs)) / 2,
    )


def converged_breast_cancer() -> Iterator[Row]:
    """Logistic regression with weight decay: convex, so the flat end is the optimum."""
    model = mlp(30, 2)
    return fit(model, breast_cancer(), sgd(model, 0.3, weight_decay=0.02), epochs=80)


def stalled_lr_decayed_too_early() -> Iterator[Row]:
    """The learning rate is divided by a thousand after six epochs of sixty, in the middle of the fall."""
    model = mlp(64, 32, 10)
    return fit(model, digits(), sgd(model, 0.05, momentum=0.5), 60, schedule=lambda e: 1.0 if e < 6 else 0.001, log_every=5)


def stalled_no_hidden_layer() -> Iterator[Row]:
    """A linear model cannot follow the arms of a spiral: it fits neither training nor validation data."""
    model = mlp(2, 5)
    return fit(model, spirals(), sgd(model, 0.3), epochs=60)


def stalled_softmax_before_cross_entropy() -> Iterator[Row]:
    """The loss takes a softmax itself: with a second one before it, it cannot fall below 1.46 and the gradient fades."""
    model = nn.Sequential(*mlp(64, 32, 10), nn.Softmax(1))
    return fit(model, digits(), sgd(model, 1.0), epochs=60)


def stalled_weight_decay() -> Iterator[Row]:
    """Weight decay holds the weights so small that not even the training data is fitted."""
    model = mlp(64, 32, 10)
    return fit(model, digits(), sgd(model, 0.2, weight_decay=0.08), epochs=60)


def never_learned_deep_sigmoid() -> Iterator[Row]:
    """Eight sigmoid layers: the gradient vanishes on its way to the first."""
    model = mlp(64, *[32] * 8, 10, activation=nn.Sigmoid)
    return fit(model, digits(), sgd(model, 0.1), epochs=40)


def never_learned_lr_tiny() -> Iterator[Row]:
    """A learning rate of 1e-7 moves nothing."""
    model = mlp(64, 64, 10)
    return fit(model, digits(), sgd(model, 1e-7), 30, log_every=10)


def never_learned_imbalance() -> Iterator[Row]:
    """One sample in forty is positive, and the net says "negative" to all."""
    model = mlp(20, 16, 2)
    return fit(model, rare_class(), sgd(model, 0.02), epochs=60)


def slow_lr_too_low() -> Iterator[Row]:
    """Steady, at a hundredth of the rate that the budget asks for."""
    model = mlp(64, 64, 10)
    return fit(model, digits(), sgd(model, 8e-4), epochs=60)


def slow_adam_on_large_target() -> Iterator[Row]:
    """Adam moves each weight by about its learning rate a step, and the output has a hundred units to go."""
    model = mlp(10, 32, 1)
    return fit(model, diabetes(), adam(model, 5e-4), 40, loss=F.mse_loss, batch_size=66, log_every=5)


def oscillating_lr_too_high() -> Iterator[Row]:
    """Each step overshoots the valley, and the next one overshoots back."""
    model = mlp(20, 2)
    return fit(model, two_clouds(), sgd(model, 10.0), epochs=80)


def oscillating_unshuffled() -> Iterator[Row]:
    """Sorted by class and not shuffled: each class is learned in turn and forgotten again. No validation is logged."""
    model = mlp(64, 32, 10, activation=nn.Tanh)
    rows = fit(model, digits(sort=True), sgd(model, 0.5), 8, batch_size=20, shuffle=False, log_every=2)
    return (row for row in rows if "batch" in row)


def diverging_lr_above_stable() -> Iterator[Row]:
    """Linear regression with a learning rate just above 2 / the sharpness: it falls, then one direction grows step by step."""
    model = mlp(10, 1)
    return fit(model, diabetes(), sgd(model, 0.24), 40, loss=F.mse_loss, batch_size=330)


def diverging_warmup_without_end() -> Iterator[Row]:
    """The learning rate is raised by a fifth every epoch."""
    model = mlp(64, 64, 10)
    return fit(model, digits(), sgd(model, 0.01), 40, schedule=lambda e: 1.2**e, log_every=5)


def non_finite_lr_too_high() -> Iterator[Row]:
    """Targets in the hundreds and a learning rate that is warmed up too far: the weights overflow."""
    model = mlp(10, 32, 1)
    return fit(model, diabetes(), sgd(model, 0.006), 30, loss=F.mse_loss, schedule=lambda e: min(1, (e + 1) / 20))


def non_finite_log_of_zero() -> Iterator[Row]:
    """Cross-entropy written by hand: a probability rounds to 0 once the net is sure, and 0 * log 0 is NaN."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        p = output.sigmoid()[:, 1]
        return -(target * p.log() + (1 - target) * (1 - p).log()).mean()

    model = mlp(30, 64, 2)
    return fit(model, breast_cancer(), adam(model, 0.01), 25, loss=loss, log_every=2)


def overfitting_noisy_labels() -> Iterator[Row]:
    """A wide net learns by heart the third of the labels that are wrong."""
    model = mlp(64, 256, 10)
    return fit(model, digits(300, noisy_labels=0.3), adam(model, 0.005), epochs=80)


def overfitting_few_samples() -> Iterator[Row]:
    """Eighty samples and two wide layers, logged every few steps."""
    model = mlp(64, 256, 256, 10)
    return fit(model, digits(80, noisy_labels=0.1), sgd(model, 0.1, momentum=0.9), 80, batch_size=16, log_every=5)


SAMPLES = (
    Sample("improving", "digits", None, plain_csv, improving_digits),
    Sample("improving", "waves", None, lightning_csv, improving_waves),
    Sample("converged", "digits", None, keras_csv, converged_digits),
    Sample("converged", "breast_cancer", None, plain_csv, converged_breast_cancer),
    Sample("stalled", "lr_decayed_too_early", "learning_rate", lightning_csv, stalled_lr_decayed_too_early),
    Sample("stalled", "no_hidden_layer", "capacity", plain_csv, stalled_no_hidden_layer),
    Sample("stalled", "softmax_before_cross_entropy", "loss_function", keras_csv, stalled_softmax_before_cross_entropy),
    Sample("stalled", "weight_decay", "regularization", json_lines, stalled_weight_decay),
    Sample("never_learned", "deep_sigmoid", "activation", plain_csv, never_learned_deep_sigmoid),
    Sample("never_learned", "lr_tiny", "learning_rate", hf_trainer, never_learned_lr_tiny),
    Sample("never_learned", "imbalance", "class_imbalance", plain_csv, never_learned_imbalance),
    Sample("slow", "lr_too_low", "learning_rate", plain_csv, slow_lr_too_low),
    Sample("slow", "adam_on_large_target", "preprocessing", hf_trainer, slow_adam_on_large_target),
    Sample("oscillating", "lr_too_high", "learning_rate", plain_csv, oscillating_lr_too_high),
    Sample("oscillating", "unshuffled", "preprocessing", json_lines, oscillating_unshuffled),
    Sample("diverging", "lr_above_stable", "learning_rate", plain_csv, diverging_lr_above_stable),
    Sample("diverging", "warmup_without_end", "learning_rate", lightning_csv, diverging_warmup_without_end),
    Sample("non_finite", "lr_too_high", "learning_rate", plain_csv, non_finite_lr_too_high),
    Sample("non_finite", "log_of_zero", "numerics", json_lines, non_finite_log_of_zero),
    Sample("overfitting", "noisy_labels", "early_stopping", keras_csv, overfitting_noisy_labels),
    Sample("overfitting", "few_samples", "early_stopping", hf_trainer, overfitting_few_samples),
)


def wine_table(path: Path) -> Path:
    """The table of ``probe/unscaled_features``: 13 raw measurements of wines, and the cultivar as a name."""
    wine = datasets.load_wine()
    names = [name.replace("/", "_") for name in wine.feature_names]
    rows = [{**dict(zip(names, map(float, x), strict=True)), "cultivar": "ABC"[y]} for x, y in zip(wine.data, wine.target, strict=True)]
    write_csv(path, [*names, "cultivar"], rows)
    return path


def main(prefixes: list[str]) -> None:
    for sample in SAMPLES:
        if not prefixes or sample.folder.startswith(tuple(prefixes)):
            print(sample.make(HERE), flush=True)
    if not prefixes:
        print(wine_table(HERE / "probe" / "unscaled_features" / "wine.csv"))


if __name__ == "__main__":
    main(sys.argv[1:])
