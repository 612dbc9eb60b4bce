"""A tape of one forward pass: every operation by the values that come out of it, whether a module or a function made them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lossdoctor.core.observation import Operation, Pass

SOURCE = "_lossdoctor_source"  # on a tensor: the weighted layer that it is a linear function of
WEIGHTED = {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "bilinear"}
PRODUCTS = {"matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "addmm", "einsum"}  # weighted where a parameter takes part
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}
NORMS = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"}
DROPOUTS = {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"}
BOUNDS = {  # the values between which an activation lies: at either end its slope is zero
    **{"sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0), "softmax": (0.0, 1.0)},
    **{"tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0), "hardtanh": (-1.0, 1.0), "rnn_tanh": (-1.0, 1.0), "gru": (-1.0, 1.0)},
}
ACTIVATIONS = {
    *{"relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "hardswish"},
    *{"sigmoid", "hardsigmoid", "tanh", "softsign", "hardtanh", "softmax", "log_softmax", "logsigmoid", "tanhshrink", "softshrink"},
}
LINEAR = {  # operations that leave a linear map linear; batch norm is one after training
    *{"reshape", "view", "flatten", "transpose", "permute", "contiguous", "unsqueeze", "squeeze", "__getitem__", "to", "float", "mT", "T"},
    *{"avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "mean", "sum", "batch_norm", *DROPOUTS},
}


class Tape(TorchFunctionMode):
    """Writes down the operations of the first call of a model made inside ``with``.

    The tensors that the model works on are looked at, never changed, and none is kept.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.operations: list[Operation] = []
        self.inputs: Tensor | None = None
        self.arrived: Tensor | None = None
        self.last = ""
        self.broke = ""
        self.examples = 1
        self.channels = 0
        self.path: list[str] = []
        self.playing = False
        self.done = False
        self.channels_first = False
        self.parameters = {id(p) for p in model.parameters()}

    @property
    def result(self) -> Pass:
        """What was written down."""
        given, arrives = _rms(self.inputs), _rms(self.arrived)
        return Pass(
            *(tuple(self.operations), self._rescaled(), self.last, self.broke, self.examples),
            given=given,
            arrives=arrives,
            channels=self.channels,
        )

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").rstrip("_") if self.playing else ""
        if name and not name.startswith("__get__"):
            with torch.no_grad(), torch._C.DisableTorchFunction():
                self._write(getattr(func, "__name__", "") if name.startswith("__") else name, args, kwargs or {}, result)
        return result

    def _write(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        value = result[0] if isinstance(result, tuple | list) and result else result
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() == 0:
            return
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        source = next((s for t in tensors if id(t) not in self.parameters and (s := getattr(t, SOURCE, ""))), "")
        kind = self._kind(name, tensors)
        if not self.broke and not torch.isfinite(value).all() and all(torch.isfinite(t).all() for t in tensors if t.is_floating_point()):
            self.broke = f"{name} in {self._layer}"
        if kind in ("weighted", "recurrent", "attention", "embedding", "norm") and self.arrived is None and tensors:
            self.arrived = tensors[0].detach()
            self.channels = self.arrived.shape[1] if name == "conv2d" and self.arrived.dim() == 4 else 0
        if kind in ("weighted", "recurrent", "attention", "embedding"):
            self.channels_first = name.startswith("conv")
        if kind:
            weight = self._weight(kind, args, tensors)
            rate = _rate(args, kwargs) if kind == "dropout" else _momentum(args, kwargs) if name == "batch_norm" else 0.0
            self._add(kind, name, value, bare=source if kind == "weighted" else "", rate=rate, weight=weight)
        elif name not in LINEAR:
            self.last = name
        after = self._layer if kind == "weighted" else source if name in LINEAR else ""
        if after or hasattr(value, SOURCE):  # what is changed in place keeps its mark otherwise
            setattr(value, SOURCE, after)

    def _weight(self, kind: str, args: tuple[Any, ...], tensors: list[Tensor]) -> Tensor | None:
        """The weights of a layer; of a recurrent one those that lead from state to state."""
        if kind == "recurrent":
            lists = [t for a in args if isinstance(a, list | tuple) for t in a if isinstance(t, Tensor)]
            square = [t for t in (*lists, *tensors) if id(t) in self.parameters and t.dim() == 2 and t.shape[0] % t.shape[1] == 0]
            return max(square, key=lambda t: float(t.std()) * t.shape[1] ** 0.5, default=None)
        return next((t for t in tensors if id(t) in self.parameters and t.dim() > 1), None) if kind == "weighted" else None

    def _kind(self, name: str, tensors: list[Tensor]) -> str:
        if name in WEIGHTED or (name in PRODUCTS and any(id(t) in self.parameters for t in tensors)):
            return "weighted"
        kinds = ((RECURRENT, "recurrent"), (NORMS, "norm"), (DROPOUTS, "dropout"), (ACTIVATIONS, "activation"))
        named = next((kind for names, kind in kinds if name in names), "")
        return named or {"multi_head_attention_forward": "attention", "embedding": "embedding", "embedding_bag": "embedding"}.get(name, "")

    def _add(self, kind: str, name: str, value: Tensor, *, bare: str = "", rate: float = 0.0, weight: Tensor | None = None) -> None:
        units = value.detach().float()
        units = units.movedim(1, -1) if self.channels_first and units.dim() > 2 else units
        units = units.reshape(-1, units.shape[-1]) if units.dim() > 1 else units.reshape(-1, 1)
        low, high = BOUNDS.get(name, (-torch.inf, torch.inf))
        edge = 0.01 * (high - low) if name in BOUNDS else 0.0
        fan_in = weight[0].numel() if weight is not None else 1
        self.operations.append(
            Operation(
                *(self._layer, kind, name),
                std=float(units.std(dim=0, correction=0).square().mean().sqrt()),
                rms=float(units.square().mean().sqrt()),
                units=units.shape[1],
                inputs=fan_in,
                dead=float((units == 0).all(dim=0).float().mean()) if kind == "activation" else 0.0,
                saturated=float(((units < low + edge) | (units > high - edge)).float().mean()) if name in BOUNDS else 0.0,
                bare=bare,
                gain=float(weight.float().std(correction=0) * fan_in**0.5) if weight is not None else 1.0,
                rate=rate,
                values=len(units),
                finite=bool(torch.isfinite(units).all()),
                twins=twins(weight) if weight is not None else 0.0,
                rank=_rank(units) if kind in ("activation", "weighted", "recurrent") and units.shape[1] > 1 else 1.0,
            )
        )
        self.last = kind

    @property
    def _layer(self) -> str:
        return self.path[-1] if self.path and self.path[-1] else "the model"

    def _rescaled(self) -> bool:
        """Whether what reaches the first layer is on another scale than what the model was given, or is normalized at once."""
        if self.operations and self.operations[0].kind == "norm":
            return True
        if self.inputs is None or self.arrived is None or not self.inputs.is_floating_point():
            return False
        before, after = self.inputs.float(), self.arrived.float()
        return bool(abs(float(after.std()) - float(before.std())) > 0.05 * float(before.std()) + 1e-12)

    @contextmanager
    def hooks(self) -> Iterator[None]:
        """Follow which module is at work; only the first call of the model is played."""
        names = {module: name for name, module in self.model.named_modules()}
        handles = [module.register_forward_pre_hook(self._enter(name)) for module, name in names.items()]
        handles += [module.register_forward_hook(self._leave, always_call=True) for module in names]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def enter(module: nn.Module, args: tuple[Any, ...]) -> None:
            if not name and not self.done:
                self.playing = True
                self.inputs = args[0].detach() if args and isinstance(args[0], Tensor) else None
                self.examples = len(self.inputs) if self.inputs is not None and self.inputs.dim() else 1
            self.path.append(name)

        return enter

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if self.path and not self.path.pop():
            self.done, self.playing = True, False


def record(model: nn.Module, call: Callable[[], Any]) -> tuple[Any, Pass]:
    """The result of ``call``, which runs the model, and what happened inside."""
    tape = Tape(model)
    with tape.hooks(), tape:
        result = call()
    return result, tape.result


def twins(weight: Tensor) -> float:
    """The share of units whose incoming weights equal those of another unit."""
    rows = weight.detach().reshape(len(weight), -1)
    if len(rows) < 2:
        return 0.0
    rows = torch.view_as_real(rows).flatten(1) if rows.is_complex() else rows
    direction = torch.randn(rows.shape[1], generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(rows.device)
    marks = (rows.double() @ direction).sort().values  # equal rows have equal projections, and others hardly ever: faster than rows
    different = int((marks.diff() > 1e-9 * float(marks.abs().max())).sum())
    return 1.0 - different / (len(rows) - 1)


def _rank(units: Tensor) -> float:
    """The participation ratio of the variances: in how many directions the rows [n, u] differ, about."""
    centred = (units[:512, :256] - units[:512, :256].mean(dim=0)).double()
    gram = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    energy = float(gram.diagonal().sum())
    return energy**2 / float(gram.square().sum()) if energy > 0 and torch.isfinite(gram).all() else 0.0


def _rms(values: Tensor | None) -> float:
    return float(values.float().square().mean().sqrt()) if values is not None and values.is_floating_point() else 1.0


def _rate(args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
    """The rate of a call of dropout(input, p, training); 0 where it is off."""
    rate, on = kwargs.get("p", args[1] if len(args) > 1 else 0.5), kwargs.get("training", args[2] if len(args) > 2 else True)
    return float(rate) if on else 0.0


def _momentum(args: tuple[Any, ...], kwargs: dict[str, Any]) -> float:
    """How much of each batch a call of batch_norm(input, mean, var, weight, bias, training, momentum) lets into the running means."""
    momentum = kwargs.get("momentum", args[6] if len(args) > 6 else 0.1)
    return float(momentum) if isinstance(momentum, int | float) else 0.1
