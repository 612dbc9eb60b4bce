"""A config made real: the data, and for any seed the model, loss, optimizer and schedule that it asks for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossdoctor.core.config import Config, ConfigFile
from lossdoctor.core.errors import BadConfig, LossDoctorError, NotApplicable, UserCodeError
from lossdoctor.core.text import did_you_mean
from lossdoctor.lab import edits
from lossdoctor.lab.data import Batch, Clipper, Imputer, Scaler, Split, TensorSplit, exchanged, load_splits
from lossdoctor.lab.memory import out_of_memory
from lossdoctor.lab.user_code import guard, load_callable

FEW = 100  # validation examples: with fewer, which they are decides what helps, so that a gain must show on others as well
FOLDED = 10_000  # training examples: more are not copied for that
EXAMPLE = 32  # examples that a structural look at the model runs on
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
INDEX = ("cross_entropy", "nll_loss", "multi_margin_loss")


@dataclass(frozen=True)
class Workload:
    """Config, data and device. ``splits`` are as the user's code gave them; ``train`` and ``val`` as training sees them."""

    config: Config
    folder: Path
    splits: tuple[Split, Split]
    features: tuple[str, ...]
    device: torch.device

    @classmethod
    def load(cls, file: ConfigFile, device: str | None = None) -> Workload:
        """Import the user's code and load the data; every fault is a sentence."""
        folder = file.path.parent
        place = choose_device(device or file.config.probe.device)
        train, val, features = load_splits(file.config.data, folder)
        return cls(file.config, folder, (train.to(place), val.to(place)), tuple(features), place)

    def patched(self, config: Config) -> Workload:
        """The same data under another config."""
        return replace(self, config=config)

    def fold(self, number: int) -> Workload:
        """The same with other examples held out, fold ``number`` of a cross-validation, where those of ``val`` are few; else as it is."""
        train, val = self.splits
        few = len(val) < FEW and len(val) <= len(train) <= FOLDED
        if not number or not few or not isinstance(train, TensorSplit) or not isinstance(val, TensorSplit):
            return self
        alike = train.x.shape[1:] == val.x.shape[1:] and train.y.shape[1:] == val.y.shape[1:]
        return replace(self, splits=exchanged(train, val, number)) if alike else self

    @property
    def train(self) -> Split:
        return self._prepared(self.splits[0])

    @property
    def val(self) -> Split:
        return self._prepared(self.splits[1])

    @cached_property
    def input_steps(self) -> tuple[Imputer | Clipper | Scaler, ...]:
        """What is done to the inputs, in order: ``impute``, ``clip``, ``standardize``; each fitted on the training split after the last."""
        data, train = self.config.data, self.splits[0]
        wanted = {"impute": data.impute, "clip": data.clip, "standardize": data.standardize}
        asked = [key for key, value in wanted.items() if value]
        if asked and (not isinstance(train, TensorSplit) or not train.x.is_floating_point()):
            raise BadConfig(f"data.{asked[0]}: needs numeric inputs as one array or table, which this data is not")
        steps: list[Imputer | Clipper | Scaler] = []
        x = train.x if isinstance(train, TensorSplit) else torch.empty(0)
        if data.impute:
            steps.append(Imputer.fit(x, data.impute))
            x = steps[-1].apply(x)
        if data.clip:
            steps.append(Clipper.fit(x, data.clip))
            x = steps[-1].apply(x)
        return (*steps, Scaler.fit(x)) if data.standardize else tuple(steps)

    @cached_property
    def target_scaler(self) -> Scaler | None:
        """Fitted on the training targets where the config says ``standardize_target``."""
        if not self.config.data.standardize_target:
            return None
        train = self.splits[0]
        if not isinstance(train, TensorSplit) or not train.y.is_floating_point() or self.task != "regression":
            raise BadConfig("data.standardize_target: needs numeric targets of a regression")
        return Scaler.fit(train.y)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The axes of one example, where the inputs are one array of floats: (3, 32, 32) of a picture."""
        train = self.splits[0]
        return tuple(train.x.shape[1:]) if isinstance(train, TensorSplit) and train.x.is_floating_point() else ()

    @property
    def targets(self) -> Tensor | None:
        """The training targets, where they are one array."""
        train = self.splits[0]
        return train.y if isinstance(train, TensorSplit) else None

    @cached_property
    def task(self) -> str:
        """``classification`` or ``regression``: as the config says, or else as loss and targets do."""
        config = self.config
        if config.task:
            return config.task
        if config.training.loss in (*INDEX, *BINARY):
            return "classification"
        targets = self.targets if self.targets is not None else _second(self.splits[0].batch(torch.arange(1)))
        return "classification" if isinstance(targets, Tensor) and not targets.is_floating_point() else "regression"

    @cached_property
    def classes(self) -> int | None:
        """The number of classes in the data, from indices, one-hot rows or class probabilities.

        None for a regression and where an example has several labels: tags, or a token at every place.
        """
        targets = self.targets
        if self.task != "classification" or targets is None:
            return None
        if targets.dim() > 1 and targets[0].numel() > 1:
            shares = targets.dim() == 2 and bool((targets >= 0).all()) and bool(((targets.sum(dim=1) - 1).abs() < 1e-3).all())
            return targets.shape[1] if shares else None
        val = self.splits[1]
        highest = max(int(t.max()) for t in (targets, val.y if isinstance(val, TensorSplit) else targets))
        return max(highest + 1, 2)

    @cached_property
    def labels(self) -> Tensor | None:
        """The training targets as class indices [n], from indices, one-hot rows or a column of 0 and 1."""
        return None if self.classes is None or self.targets is None else as_labels(self.targets)

    @cached_property
    def loss_name(self) -> str:
        return self.config.training.loss or ("cross_entropy" if self.task == "classification" else "mse_loss")

    @cached_property
    def _loss(self) -> Callable[..., Tensor]:
        name = self.loss_name
        if ":" in name:
            return load_callable(name, self.folder, "training.loss")
        function = getattr(F, name, None)
        if not callable(function):
            raise BadConfig(
                f"training.loss: torch.nn.functional has no {name!r}"
                + did_you_mean(name, [n for n in dir(F) if "loss" in n or "entropy" in n])
            )
        return cast(Callable[..., Tensor], function)

    @cached_property
    def _step(self) -> Callable[[nn.Module, Batch], Tensor] | None:
        step = self.config.training.step
        return load_callable(step, self.folder, "training.step") if step else None

    @cached_property
    def class_weights(self) -> Tensor | None:
        """Weights per class: the inverse of the class's share (King 2001) for ``balanced``, at mean 1 over the examples."""
        wanted = self.config.training.class_weights
        if wanted is None:
            return None
        if self.labels is None or self.classes is None:
            raise BadConfig("training.class_weights: needs a classification with class indices as targets")
        if wanted == "balanced":
            counts = torch.bincount(self.labels, minlength=self.classes).clamp(min=1)
            return (len(self.labels) / (self.classes * counts)).float().to(self.device)
        if len(wanted) != self.classes:
            raise BadConfig(f"training.class_weights: {len(wanted)} weights for {self.classes} classes")
        return torch.tensor(wanted, dtype=torch.float32, device=self.device)

    def build(self, seed: int) -> nn.Module:
        """A fresh model for a seed, with the config's edits made, on the device."""
        torch.manual_seed(seed)
        factory = load_callable(self.config.model.factory, self.folder, "model.factory")
        with guard(f"model.factory: {self.config.model.factory}"):
            model = factory(**self.config.model.args)
        if not isinstance(model, nn.Module):
            raise BadConfig(f"model.factory: {self.config.model.factory} returned {type(model).__name__}, not a torch.nn.Module")
        model = model.to(self.device)
        if any(isinstance(p, nn.parameter.UninitializedParameter) for p in model.parameters()):
            self.probe_forward(model)
        model = edits.apply(model, self.config.model.edits, self.probe_forward)
        if self.config.model.output_bias == "prior":
            edits.set_output_bias(model, self.prior(), self.probe_forward)
        return model

    def prior(self) -> Tensor:
        """The outputs [k] of the best constant guess: log shares of the classes, log odds of labels, or the mean target."""
        train = self.train
        if not isinstance(train, TensorSplit) or ":" in self.loss_name:
            raise NotApplicable("output_bias: needs targets as one array and a loss whose best constant is known")
        if self.labels is not None and self.loss_name in ("cross_entropy", "nll_loss"):
            counts = torch.bincount(self.labels, minlength=self.classes or 2).clamp(min=1)
            return (counts / counts.sum()).log()
        y = train.y.float().reshape(len(train.y), -1)
        if self.loss_name in BINARY:
            return y.mean(dim=0).clamp(0.5 / len(y), 1 - 0.5 / len(y)).logit()
        if self.task != "regression":
            raise NotApplicable(f"output_bias: the best constant of {self.loss_name} is not known")
        return y.median(dim=0).values if self.loss_name == "l1_loss" else y.mean(dim=0)

    def probe_forward(self, model: nn.Module) -> Any:
        """One forward pass on a few training examples, without gradient and without touching mode or buffers."""
        batch = self.train.batch(torch.arange(min(EXAMPLE, len(self.train))))
        mode = model.training
        model.eval()
        try:
            with torch.no_grad():
                return self.loss(model, batch)[1]
        finally:
            model.train(mode)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The training loss of a batch (a scalar) and the model's output; where a custom step hides it, the loss itself."""
        with self._blame():
            if self._step is not None:
                with self._precision():
                    value = self._step(model, batch)
                return value, value.detach()
            x, y = batch
            with self._precision():
                output = model(self.as_model_input(model, x))
            if output.dtype is torch.bfloat16:  # the loss is summed up in full precision
                output = output.float()
            return self.objective(output, y), output

    def objective(self, output: Tensor, y: Tensor) -> Tensor:
        """What is minimized: the configured loss, with class weights, smoothed labels and focus where the config asks for them.

        The focal loss (Lin et al. 2017) weights an example by (1 - p)^gamma, where p is the probability that it is given.
        """
        training = self.config.training
        if training.focal is None:
            return self.criterion(output, y, self.class_weights, smoothing=training.label_smoothing)
        if self.loss_name not in ("cross_entropy", "nll_loss", *BINARY):
            raise BadConfig(f"training.focal: {self.loss_name} is no likelihood of classes; use cross_entropy")
        cost = self.criterion(output, y, self.class_weights, "none", training.label_smoothing)
        given = torch.exp(-self.criterion(output, y, reduction="none"))
        return ((1 - given).clamp(min=1e-6) ** training.focal * cost).mean()

    def criterion(
        self, output: Tensor, y: Tensor, weights: Tensor | None = None, reduction: str | None = None, smoothing: float = 0.0
    ) -> Tensor:
        """The configured loss of an output against targets in the units of training; without options, what the log reports."""
        y = self.match(output, y)
        extra: dict[str, Any] = {} if reduction is None else {"reduction": reduction}
        if smoothing and self.loss_name == "cross_entropy":
            extra["label_smoothing"] = smoothing
        elif smoothing and self.loss_name not in BINARY:
            raise BadConfig(f"training.label_smoothing: {self.loss_name} takes no smoothed labels; use cross_entropy")
        if weights is not None:
            if self.loss_name in ("cross_entropy", "nll_loss"):
                extra["weight"] = weights
            elif self.loss_name in BINARY:
                extra["weight"] = torch.lerp(weights[0], weights[1], y)
            else:
                raise BadConfig(f"training.class_weights: {self.loss_name} takes no class weights")
        if smoothing and self.loss_name in BINARY:
            y = torch.lerp(y, torch.full_like(y, 0.5), smoothing)
        return self._loss(output, y, **extra)

    def match(self, output: Tensor, y: Tensor) -> Tensor:
        """The targets in the type and shape that the loss wants: [n, 1] and [n] never broadcast to [n, n]."""
        if self.loss_name in INDEX:
            return y.reshape(-1) if y.dim() == 2 and y.shape[1] == 1 and not y.is_floating_point() else y
        if ":" in self.loss_name:
            return y
        y = y.to(output.dtype) if isinstance(output, Tensor) else y
        if isinstance(output, Tensor) and output.shape != y.shape and output.numel() == y.numel():
            return y.reshape(output.shape)
        if (
            isinstance(output, Tensor)
            and self.labels is not None
            and y.dim() == 1
            and output.dim() == 2
            and output.shape[1] == self.classes
        ):
            return F.one_hot(y.long(), self.classes).to(output.dtype)
        return y

    def mixable(self, y: Tensor) -> Tensor:
        """Targets of which a mean can be taken: class indices as rows of shares [n, classes]."""
        if y.is_floating_point() or self.loss_name in BINARY or self.task == "regression":
            return y.float()
        if self.loss_name == "cross_entropy" and self.classes is not None:
            return F.one_hot(as_labels(y), self.classes).float()
        raise BadConfig(f"data.augment: mixup: {self.loss_name} takes no shares of classes here; use cross_entropy, one label an example")

    def measure(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Output and targets of a batch in the original units, for metrics."""
        scaler = self.target_scaler
        return (output, y) if scaler is None else (scaler.undo(output), scaler.undo(y))

    @property
    def steps_per_epoch(self) -> int:
        training = self.config.training
        count = sum(1 for _ in batches(len(self.splits[0]), training.batch_size, shuffle=False, seed=0))
        return max(1, round(count / training.accumulate))

    @property
    def steps(self) -> int:
        """Optimizer steps of the full training."""
        return self.config.training.epochs * self.steps_per_epoch

    def as_model_input(self, model: nn.Module, x: Any) -> Any:
        """Integers become floats for a model that looks nothing up by them."""
        if isinstance(x, Tensor) and not x.is_floating_point() and not x.is_complex() and not self._looks_up(model, x):
            return x.float()
        return x

    def _looks_up(self, model: nn.Module, x: Tensor) -> bool:
        """Whether the model takes integers ``x`` [n, ...]: in an embedding, or by hand (one-hot, an own table), which is tried once."""
        if any(isinstance(m, nn.Embedding | nn.EmbeddingBag) for m in model.modules()):
            return True
        kept: bool | None = self.__dict__.get("_integers")
        if kept is None:
            twin = copy.deepcopy(model).eval()
            try:
                with torch.no_grad(), torch.random.fork_rng(devices=[]):
                    twin(x[:2])
                kept = True
            except Exception:  # whatever the user's model raises
                kept = False
            self.__dict__["_integers"] = kept
        return kept

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The configured ``torch.optim`` class over the parameters that can learn; it keeps to ``l1`` and ``max_norm`` at every step."""
        section = self.config.training.optimizer
        known = {n.lower(): c for n, c in vars(torch.optim).items() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer)}
        cls = known.get(section.name.lower())
        if cls is None:
            raise BadConfig(f"training.optimizer.name: torch.optim has no {section.name!r}" + did_you_mean(section.name.lower(), known))
        parameters = [p for p in model.parameters() if p.requires_grad]
        if not parameters:
            raise BadConfig("model.factory: no parameter of the model can learn (requires_grad is off for all)")
        try:
            optimizer = cls(parameters, **{"lr": section.lr, **section.arguments})
        except (TypeError, ValueError) as error:
            raise BadConfig(f"training.optimizer: {section.name} does not accept this: {error}") from None
        l1, longest = self.config.training.l1, self.config.training.max_norm
        weights = [p for p in parameters if p.dim() > 1]
        if l1:
            optimizer.register_step_pre_hook(lambda *_: _add_l1(weights, l1))
        if longest:
            optimizer.register_step_post_hook(lambda *_: _shorten(weights, longest))
        return optimizer

    def chance(self) -> float | None:
        """The validation loss of the best constant guess: the entropy of the classes or tags, or the spread of the targets.

        None where the loss is not one whose best constant is known.
        """
        val = self.splits[1]
        if not isinstance(val, TensorSplit) or self.targets is None:
            return None
        if self.labels is not None and self.loss_name in (*INDEX[:2], *BINARY):
            counts = torch.bincount(self.labels, minlength=self.classes or 2).double()
            share = (counts / counts.sum()).clamp(min=1e-12)
            return float(-share.log()[as_labels(val.y)].mean().cpu())
        guess = self.constant(self.targets)
        return None if guess is None else float(self._loss(guess.expand_as(val.y), val.y).cpu())

    def constant(self, targets: Tensor) -> Tensor | None:
        """The output, the same for every example, that costs least over ``targets`` [n, ...]: their mean, their median, or the score of
        each tag's share; None for classes and where the loss is not one whose best constant is known."""
        if self.loss_name in BINARY and self.classes is None and targets.is_floating_point():
            share = targets.mean(dim=0).clamp(1e-6, 1 - 1e-6)
            return share if self.loss_name == "binary_cross_entropy" else share.logit()
        if self.task != "regression" or self.loss_name not in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
            return None
        return targets.median(dim=0).values if self.loss_name == "l1_loss" else targets.mean(dim=0)

    def _prepared(self, split: Split) -> Split:
        """The split as training sees it: imputed, clipped, standardized where the config says so."""
        input_steps, target_scaler = self.input_steps, self.target_scaler
        if not isinstance(split, TensorSplit) or not (input_steps or target_scaler):
            return split
        key = "_train" if split is self.splits[0] else "_val"
        kept = self.__dict__.get(key)
        if kept is None:
            x = reduce(lambda x, step: step.apply(x), input_steps, split.x)
            y = target_scaler.apply(split.y) if target_scaler else split.y
            kept = self.__dict__[key] = TensorSplit(x, y)
        return cast(TensorSplit, kept)

    def _precision(self) -> torch.autocast:
        """Mixed precision on CUDA where the config asks for it (Micikevicius et al. 2018); bfloat16 needs no scaling of the loss."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.training.amp and self.device.type == "cuda")

    @contextmanager
    def _blame(self) -> Iterator[None]:
        """Errors in a forward pass become a sentence with the shapes that met; missing memory stays what it is, under one name."""
        try:
            yield
        except LossDoctorError:
            raise
        except (Exception, SystemExit) as error:
            if out_of_memory(error):
                raise MemoryError(str(error)) from error
            train = self.splits[0]
            shapes = f" (X {_describe(train.x)}, y {_describe(train.y)})" if isinstance(train, TensorSplit) else ""
            first = (str(error).strip() or "no message").splitlines()[0]
            what = self.config.training.step or f"the model or the loss {self.loss_name}"
            raise UserCodeError(f"{what} fails on the data{shapes}: {type(error).__name__}: {first}; check shapes and types") from error


def choose_device(name: str) -> torch.device:
    """``auto`` takes a GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadConfig(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}; use auto or cpu") from None
    return device


def as_labels(y: Tensor) -> Tensor:
    """Targets as class indices [n]."""
    if y.dim() == 2 and y.shape[1] > 1:
        return y.argmax(dim=1)
    return y.reshape(-1).long()


def _add_l1(weights: list[nn.Parameter], l1: float) -> None:
    """Add to the gradients that of ``l1`` times the sum of the weights' absolute values."""
    for weight in weights:
        if weight.grad is not None:
            weight.grad.add_(weight.detach().sign(), alpha=l1)


def _shorten(weights: list[nn.Parameter], longest: float) -> None:
    """Scale back the rows of weights, one a unit, that are longer (Srivastava et al. 2014, 5.1)."""
    with torch.no_grad():
        for weight in weights:
            weight.renorm_(2, 0, longest)


def _describe(tensor: Tensor) -> str:
    return f"{list(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _second(batch: Any) -> Any:
    return batch[1] if isinstance(batch, list | tuple) and len(batch) > 1 else None


def batches(count: int, size: int, *, shuffle: bool, seed: int, weights: Tensor | None = None) -> Iterator[Tensor]:
    """Index tensors of one epoch, the same for the same seed; ``weights`` [count] draw with replacement.

    A last batch of a single example is left out: batch norm cannot train on it.
    """
    generator = torch.Generator().manual_seed(seed)
    if weights is not None:
        order = torch.multinomial(weights, count, replacement=True, generator=generator)
    else:
        order = torch.randperm(count, generator=generator) if shuffle else torch.arange(count)
    for start in range(0, count - (count % size == 1 and count > 1 and size > 1), size):
        yield order[start : start + size]
