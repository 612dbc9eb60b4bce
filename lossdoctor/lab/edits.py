"""Edits of a built model: what ``model.edits`` in a config can say. Each public function here is one edit.

An edit gets the model, its value from the config, and ``forward`` which runs the model once on real data. It changes the
model or raises ``NotApplicable`` with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from lossdoctor.core.errors import BadConfig, NotApplicable
from lossdoctor.core.text import did_you_mean

Forward = Callable[[nn.Module], Any]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "selu": nn.SELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
NONLINEAR = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Softsign),
    *(nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid, nn.Tanhshrink, nn.Softshrink, nn.Hardshrink),
    *(nn.Softmax, nn.LogSoftmax, nn.Softmin),
)
WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def swap_activation(model: nn.Module, value: str, forward: Forward) -> None:
    """Put another non-linearity in the place of every hidden one: ``swap_activation: relu``."""
    make = _choice("swap_activation", value, ACTIVATIONS)
    hidden = [name for name, module in order(model, forward)[:-1] if isinstance(module, NONLINEAR) and not isinstance(module, type(make()))]
    if not hidden:
        raise NotApplicable(f"no hidden activation module that {value} could replace")
    for name in dict.fromkeys(hidden):
        replace(model, name, make())


def add_activation(model: nn.Module, value: str, forward: Forward) -> None:
    """Put a non-linearity between weighted layers that follow each other without one: ``add_activation: relu``."""
    make = _choice("add_activation", value, ACTIVATIONS)
    steps = [(name, m) for name, m in order(model, forward) if isinstance(m, (*WEIGHTED, *NONLINEAR, nn.RNNBase))]
    bare = [a for (a, left), (_, right) in itertools.pairwise(steps) if isinstance(left, WEIGHTED) and isinstance(right, WEIGHTED)]
    if not bare:
        raise NotApplicable("no two weighted layers follow each other without an activation")
    for name in dict.fromkeys(bare):
        replace(model, name, nn.Sequential(model.get_submodule(name), make()))


def remove_output_activation(model: nn.Module, value: bool, forward: Forward) -> None:
    """Take away the activation after the last layer, for a loss that expects raw scores: ``remove_output_activation: true``."""
    name, last = order(model, forward)[-1]
    if not value or not isinstance(last, NONLINEAR):
        raise NotApplicable("the model does not end in an activation module")
    replace(model, name, nn.Identity())


def initialize(model: nn.Module, value: str, forward: Forward) -> None:
    """Draw the weights anew, biases zero: ``initialize: kaiming`` (He 2015), ``xavier`` (Glorot 2010) or ``orthogonal`` (Saxe 2014)."""
    draw = _choice("initialize", value, {"kaiming": _kaiming, "xavier": nn.init.xavier_uniform_, "orthogonal": nn.init.orthogonal_})
    weighted = [module for module in model.modules() if isinstance(module, WEIGHTED)]
    if not weighted:
        raise NotApplicable("no linear or convolutional layer to initialize")
    for module in weighted:
        last = module is weighted[-1]
        (nn.init.xavier_uniform_ if last else draw)(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def widen(model: nn.Module, value: float, forward: Forward) -> None:
    """Multiply the units of every hidden layer: ``widen: 2``. For models that are a chain of linear, convolutional and norm layers."""
    chain = [(n, m) for n, m in order(model, forward) if next(m.parameters(recurse=False), None) is not None]
    weighted = [name for name, module in chain if isinstance(module, WEIGHTED)]
    if len(weighted) < 2 or len(set(weighted)) < len(weighted) or not all(isinstance(m, (*WEIGHTED, *NORMS, nn.PReLU)) for _, m in chain):
        raise NotApplicable("only a chain of linear, convolutional and norm layers with a hidden layer can be widened")
    before = _shape(forward(model))
    grown = False  # whether the layers met so far put out more than they did
    for name, module in chain:
        if isinstance(module, WEIGHTED):
            last = name == weighted[-1]
            replace(model, name, _wider(module, value if grown else 1.0, 1.0 if last else value))
            grown = not last
        elif isinstance(module, NORMS) and grown:
            replace(model, name, _wider_norm(module, value))
    try:
        after = _shape(forward(model))
    except Exception as error:
        raise NotApplicable(f"the widened model does not run: {str(error).splitlines()[0]}") from None
    if after != before:
        raise NotApplicable("the widened model has another output shape")


def set_dropout(model: nn.Module, value: float, forward: Forward) -> None:
    """Set the rate of every dropout layer: ``set_dropout: 0.1``."""
    layers = [module for module in model.modules() if isinstance(module, (*DROPOUTS, nn.RNNBase, nn.MultiheadAttention))]
    changed = [layer for layer in layers if float(getattr(layer, "p", None) or getattr(layer, "dropout", 0) or 0) not in (0.0, value)]
    if not changed:
        raise NotApplicable("no dropout layer with another rate")
    for layer in changed:
        setattr(layer, "p" if isinstance(layer, DROPOUTS) else "dropout", float(value))


def insert_norm(model: nn.Module, value: str, forward: Forward) -> None:
    """Normalize after every hidden layer: ``insert_norm: batch`` (Ioffe 2015) or ``layer`` (Ba 2016)."""
    _choice("insert_norm", value, {"batch": None, "layer": None})
    steps = [(name, m) for name, m in order(model, forward) if isinstance(m, (*WEIGHTED, *NORMS))]
    bare = [name for (name, m), (_, after) in itertools.pairwise(steps) if isinstance(m, WEIGHTED) and not isinstance(after, NORMS)]
    if not bare:
        raise NotApplicable("every hidden layer is normalized already")
    for name in dict.fromkeys(bare):
        layer = model.get_submodule(name)
        replace(model, name, nn.Sequential(layer, _norm(layer, value)))
    forward(model)


def unfreeze(model: nn.Module, value: bool, forward: Forward) -> None:
    """Let every parameter learn: ``unfreeze: true``."""
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    if not value or not frozen:
        raise NotApplicable("no parameter is frozen")
    for parameter in frozen:
        parameter.requires_grad_(True)


def apply(model: nn.Module, edits: list[dict[str, Any]], forward: Forward) -> nn.Module:
    """Make the edits of a config in order; unknown ones are errors that name the nearest known."""
    known = {name: function for name, function in globals().items() if _is_edit(name, function)}
    for edit in edits:
        for name, value in edit.items():
            if name not in known:
                raise BadConfig(f"model.edits: unknown edit {name!r}" + (did_you_mean(name, known) or f"; known: {', '.join(known)}"))
            known[name](model, value, forward)
    return model


def order(model: nn.Module, forward: Forward) -> list[tuple[str, nn.Module]]:
    """The innermost modules by name in the order in which a forward pass meets them; containers and dropout are left out."""
    met: list[tuple[str, nn.Module]] = []
    handles = [
        module.register_forward_hook(lambda m, _in, _out, name=name: met.append((name, m)))
        for name, module in model.named_modules()
        if name and not any(True for _ in module.children()) and not isinstance(module, (*DROPOUTS, nn.Identity, nn.Flatten))
    ]
    try:
        forward(model)
    finally:
        for handle in handles:
            handle.remove()
    if not met:
        raise NotApplicable("the model has no submodules that could be edited")
    return met


def replace(model: nn.Module, name: str, new: nn.Module) -> None:
    """Put a module where another was, on the same device and in the same mode."""
    parent, _, child = name.rpartition(".")
    old = model.get_submodule(name)
    place = next((p.device for p in model.parameters()), torch.device("cpu"))
    setattr(model.get_submodule(parent), child, new.to(place).train(old.training))


def _is_edit(name: str, value: Any) -> bool:
    helpers = {"apply", "order", "replace"}
    return callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == __name__ and name not in helpers


def _choice(edit: str, value: Any, known: Mapping[str, Any]) -> Any:
    if value not in known:
        raise BadConfig(f"model.edits: {edit}: {value!r} is none of {', '.join(known)}")
    return known[value]


def _kaiming(weight: torch.Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _wider(layer: nn.Module, inner: float, outer: float) -> nn.Module:
    """A fresh layer of the same kind with ``inner`` times the inputs and ``outer`` times the outputs."""
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(round(layer.in_features * inner), round(layer.out_features * outer), bias=bias)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if layer.groups != 1:
        raise NotApplicable("grouped convolutions are not widened")
    sizes = (round(layer.in_channels * inner), round(layer.out_channels * outer), layer.kernel_size)
    shape = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "padding_mode": layer.padding_mode}
    return type(layer)(*sizes, bias=bias, **shape)  # type: ignore[arg-type]


def _wider_norm(layer: nn.Module, factor: float) -> nn.Module:
    if isinstance(layer, nn.LayerNorm):
        if len(layer.normalized_shape) != 1:
            raise NotApplicable("a LayerNorm over several axes is not widened")
        return nn.LayerNorm(round(layer.normalized_shape[0] * factor), eps=layer.eps)
    if isinstance(layer, nn.GroupNorm):
        return nn.GroupNorm(layer.num_groups, round(layer.num_channels * factor), eps=layer.eps)
    assert isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)
    return type(layer)(round(layer.num_features * factor), eps=layer.eps, momentum=layer.momentum)


def _norm(layer: nn.Module, kind: str) -> nn.Module:
    if isinstance(layer, nn.Linear):
        return nn.LayerNorm(layer.out_features) if kind == "layer" else _BatchNormLast(layer.out_features)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if kind == "layer":
        return nn.GroupNorm(1, layer.out_channels)
    return {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}[type(layer)](layer.out_channels)


class _BatchNormLast(nn.BatchNorm1d):
    """Batch norm over the last axis, whatever stands before it: [n, f] and [n, t, f] alike."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input.reshape(-1, input.shape[-1])).reshape(input.shape)


def _shape(output: Any) -> tuple[int, ...]:
    return tuple(output.shape) if isinstance(output, torch.Tensor) else ()
