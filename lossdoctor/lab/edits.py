"""Edits of a built model: what ``model.edits`` in a config can say. Each public function here is one edit.

An edit gets the model, its value from the config, and ``forward`` which runs the model once on real data. It changes the
model or raises ``NotApplicable`` with the reason.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

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
FUNCTIONS = ("linear", "conv1d", "conv2d", "conv3d")
WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm)
FUSED = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.MultiheadAttention)
DEEPENED, SMALL = 8, 100_000  # further layers may have so many times a model's weights, or so many
USUAL = (0.003, 3.0)  # spread of an embedding's weights: from those of large language models to torch's own, and some; own
GROUPS = 32  # of a group norm; Wu and He 2018
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def swap_activation(model: nn.Module, value: str, forward: Forward) -> None:
    """Put another non-linearity in the place of every hidden one: ``swap_activation: relu``.

    In a model without activation modules the functions of one kind that its forward calls (``F.relu``) are replaced.
    """
    make = _choice("swap_activation", value, ACTIVATIONS)
    hidden = [name for name, module in order(model, forward)[:-1] if isinstance(module, NONLINEAR) and not isinstance(module, type(make()))]
    if not hidden:
        _swap_calls(model, value, make, forward)
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
    """Draw the weights anew, biases zero: ``initialize: kaiming`` (He 2015), ``xavier`` (Glorot 2010), ``orthogonal`` (Saxe 2014) or
    ``lecun`` (1998). Embeddings of an unusual size are drawn as torch draws them."""
    known = {"kaiming": _kaiming, "xavier": nn.init.xavier_uniform_, "orthogonal": nn.init.orthogonal_, "lecun": _lecun}
    draw = _choice("initialize", value, known)
    weighted = [module for module in model.modules() if isinstance(module, WEIGHTED)]
    if not weighted:
        raise NotApplicable("no linear or convolutional layer to initialize")
    for module in weighted:
        last = module is weighted[-1]
        (nn.init.xavier_uniform_ if last else draw)(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    for table in model.modules():
        if isinstance(table, nn.Embedding | nn.EmbeddingBag) and not USUAL[0] < float(table.weight.std()) < USUAL[1]:
            table.reset_parameters()


def widen(model: nn.Module, value: float, forward: Forward) -> None:
    """Multiply the units of every hidden layer: ``widen: 2``, or ``widen: 0.25`` for fewer.

    For models that are a chain of linear, convolutional and norm layers.
    """
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


def add_dropout(model: nn.Module, value: float, forward: Forward) -> None:
    """Drop this share of the inputs of every linear layer but the first, and raise lower rates to it: ``add_dropout: 0.3``.

    A model whose weighted layers are all convolutions drops channels before the last. Transformer layers have their own rates.
    """
    met = order(model, forward, skip=(nn.Identity, nn.Flatten))
    learning = [(place, name, m) for place, (name, m) in enumerate(met) if next(m.parameters(recurse=False), None) is not None]
    weighted = [(place, name, m) for place, name, m in learning[1:] if isinstance(m, WEIGHTED)]
    linear = [(place, name, m) for place, name, m in weighted if isinstance(m, nn.Linear)] or weighted[-1:]
    raised = [m for m in model.modules() if isinstance(m, DROPOUTS) and m.p < value]
    bare = [(name, m) for place, name, m in linear if not _dropped(met, place) and not _fused(model, name)]
    if not raised and not bare:
        raise NotApplicable(f"every layer drops {value:g} of its inputs already, or there is no hidden layer")
    for dropout in raised:
        dropout.p = float(value)
    for name, layer in dict(bare).items():
        kind = {nn.Linear: nn.Dropout, nn.Conv1d: nn.Dropout1d, nn.Conv2d: nn.Dropout2d, nn.Conv3d: nn.Dropout3d}[type(layer)]
        replace(model, name, nn.Sequential(kind(float(value)), layer))


def deepen(model: nn.Module, value: int, forward: Forward) -> None:
    """Insert hidden layers as wide as what goes into the last layer before it: ``deepen: 2``.

    The layers that are there keep their weights. Not for a model whose last layer is a grouped convolution or is very wide.
    """
    met = order(model, forward)
    name, last = next(((n, m) for n, m in reversed(met) if isinstance(m, WEIGHTED) and not _fused(model, n)), ("", None))
    if last is None:
        raise NotApplicable("no linear or convolutional layer at the end of which layers could be put before")
    hidden = [m for _, m in met if isinstance(m, NONLINEAR) and type(m) in ACTIVATIONS.values()]
    make = type(hidden[-1]) if hidden else nn.ReLU
    layers: list[nn.Module] = []
    for _ in range(int(value)):
        layer = _square(last)
        _kaiming(layer.weight)
        layers += [layer, make()]
    new, present = (sum(p.numel() for p in part.parameters()) for part in (nn.ModuleList(layers), model))
    if new > max(DEEPENED * present, SMALL):
        raise NotApplicable(f"layers as wide as the input of the last would have {new:,} weights; the model has {present:,}")
    replace(model, name, nn.Sequential(*layers, last))
    _runs(model, forward, "deepened")


def residual(model: nn.Module, value: bool, forward: Forward) -> None:
    """Add to every hidden layer's output, after its norm and activation, its input (He 2016): ``residual: true``.

    A layer that changes the shape, a recurrent one, and layers in a transformer, which has such paths, are left as they are.
    """
    blocks = _blocks(model, forward)[1:-1]
    same = [names for names, keeps in blocks if keeps and not _fused(model, names[0]) and len(set(names)) == len(names)]
    if not value or not same:
        raise NotApplicable("no hidden layer has an output of the shape of its input")
    if len({name for names in same for name in names}) < sum(map(len, same)):
        raise NotApplicable("layers that are used more than once get no path of their own")
    for names in same:
        block = [model.get_submodule(name) for name in names]
        replace(model, names[0], _Residual(nn.Sequential(*block) if len(block) > 1 else block[0]))
        for name in names[1:]:
            replace(model, name, nn.Identity())


def swap_norm(model: nn.Module, value: str, forward: Forward) -> None:
    """Put a norm that does not depend on the batch in the place of every batch norm: ``swap_norm: group`` (Wu 2018) or ``layer``.

    Scale and shift of each channel are kept. A batch norm over vectors becomes a norm over all of their features either way.
    """
    _choice("swap_norm", value, {"group": None, "layer": None})
    batch = {name: m for name, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}
    if not batch:
        raise NotApplicable("the model has no batch norm")
    for name, old in batch.items():
        groups = 1 if value == "layer" or isinstance(old, nn.BatchNorm1d) else math.gcd(old.num_features, GROUPS)
        new: nn.Module = nn.GroupNorm(groups, old.num_features, eps=old.eps, affine=old.affine)
        if isinstance(old, _BatchNormLast):
            new = nn.LayerNorm(old.num_features, eps=old.eps)
        if old.affine:
            new.load_state_dict({"weight": old.weight, "bias": old.bias})
        replace(model, name, new)
    _runs(model, forward, "changed")


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


def set_output_bias(model: nn.Module, bias: torch.Tensor, forward: Forward) -> None:
    """Start the last layer at ``bias`` [outputs]: what the config's ``model.output_bias`` does."""
    weighted = [module for _, module in order(model, forward) if isinstance(module, WEIGHTED)]
    if not weighted or len(weighted[-1].weight) != len(bias):
        raise NotApplicable(f"output_bias: the model does not end in a layer of {len(bias)} outputs")
    bias = bias.to(weighted[-1].weight)
    if weighted[-1].bias is None:
        weighted[-1].bias = nn.Parameter(bias)
    else:
        weighted[-1].bias.data.copy_(bias)


def order(
    model: nn.Module, forward: Forward, skip: tuple[type[nn.Module], ...] = (*DROPOUTS, nn.Identity, nn.Flatten)
) -> list[tuple[str, nn.Module]]:
    """The innermost modules by name in the order in which a forward pass meets them; containers and ``skip`` are left out."""
    met: list[tuple[str, nn.Module]] = []
    handles = [
        module.register_forward_hook(lambda m, _in, _out, name=name: met.append((name, m)))
        for name, module in model.named_modules()
        if name and not any(True for _ in module.children()) and not isinstance(module, skip)
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
    helpers = {"apply", "order", "replace", "set_output_bias"}
    return callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == __name__ and name not in helpers


def _choice(edit: str, value: Any, known: Mapping[str, Any]) -> Any:
    if value not in known:
        raise BadConfig(f"model.edits: {edit}: {value!r} is none of {', '.join(known)}")
    return known[value]


def _kaiming(weight: torch.Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _lecun(weight: torch.Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="linear")


def _runs(model: nn.Module, forward: Forward, what: str) -> None:
    """A model that reaches into the layers that were replaced cannot be edited."""
    try:
        forward(model)
    except Exception as error:
        raise NotApplicable(f"the {what} model does not run: {str(error).splitlines()[0]}") from None


class _Calls(TorchFunctionMode):
    """Tells ``instead`` of every call of an activation or a weighted function, and gives what that gives, if anything."""

    def __init__(self, instead: Callable[[str, torch.Tensor], torch.Tensor | None]) -> None:
        super().__init__()
        self.instead = instead

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "").rstrip("_")
        given = self.instead(name, args[0]) if name in (*ACTIVATIONS, *FUNCTIONS) and args else None
        return func(*args, **(kwargs or {})) if given is None else given


def _swap_calls(model: nn.Module, value: str, make: Callable[[], nn.Module], forward: Forward) -> None:
    """Replace the activation functions that a forward pass calls, while it lasts."""
    met: list[str] = []
    with _Calls(lambda name, _: met.append(name)):
        forward(model)
    kinds = set(met) & set(ACTIVATIONS)
    if len(kinds) != 1 or kinds == {value} or met[-1] in kinds:
        raise NotApplicable(
            f"no hidden activation that {value} could replace: no module, and no function of one kind in hidden layers alone"
        )
    kind = kinds.pop()
    model.add_module("swapped_activation", make().to(next(model.parameters()).device).train(model.training))

    def enter(module: nn.Module, _: Any) -> None:
        calls = _Calls(lambda name, x: module.get_submodule("swapped_activation")(x) if name == kind else None)
        calls.__enter__()  # type: ignore[no-untyped-call]
        module.__dict__.setdefault("_open_calls", []).append(calls)

    def leave(module: nn.Module, *_: Any) -> None:
        module.__dict__["_open_calls"].pop().__exit__(None, None, None)

    model.register_forward_pre_hook(enter)
    model.register_forward_hook(leave, always_call=True)


def _blocks(model: nn.Module, forward: Forward) -> list[tuple[list[str], bool]]:
    """The weighted layers in order, each by name with the norms and the activation that its output goes into; whether the shape is kept."""
    flow: list[tuple[str, nn.Module, Any, Any]] = []
    handles = [
        module.register_forward_hook(lambda m, given, out, name=name: flow.append((name, m, given[0] if given else None, out)))
        for name, module in model.named_modules()
        if isinstance(module, (*WEIGHTED, *NORMS, *NONLINEAR))
    ]
    try:
        forward(model)
    finally:
        for handle in handles:
            handle.remove()
    blocks: list[tuple[list[str], bool]] = []
    for place, (name, module, given, made) in enumerate(flow):
        if not isinstance(module, WEIGHTED):
            continue
        names, last = [name], made
        for after, follower, taken, out in flow[place + 1 :]:
            if taken is not last or isinstance(follower, WEIGHTED):
                break
            names, last = [*names, after], out
            if isinstance(follower, NONLINEAR):
                break
        blocks.append((names, _shape(given) == _shape(last) != ()))
    return blocks


def _dropped(met: list[tuple[str, nn.Module]], place: int) -> bool:
    """Whether a dropout comes between a module and the weighted one before it."""
    before = itertools.takewhile(lambda m: not isinstance(m, (*WEIGHTED, nn.RNNBase)), (m for _, m in reversed(met[:place])))
    return any(isinstance(m, DROPOUTS) for m in before)


def _fused(model: nn.Module, name: str) -> bool:
    """Whether a layer's weights are read by the module around it, which would not find them in another's place."""
    parents = (model.get_submodule(name[:cut]) for cut, letter in enumerate(name) if letter == ".")
    return any(isinstance(parent, FUSED) for parent in (model, *parents))


def _square(layer: nn.Module) -> nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d:
    """A fresh layer of the same kind that puts out what goes in."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, layer.in_features)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if layer.groups != 1:
        raise NotApplicable("the last layer is a grouped convolution")
    return type(layer)(layer.in_channels, layer.in_channels, 3, padding=1)


def _wider(layer: nn.Module, inner: float, outer: float) -> nn.Module:
    """A fresh layer of the same kind with ``inner`` times the inputs and ``outer`` times the outputs."""
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(_times(layer.in_features, inner), _times(layer.out_features, outer), bias=bias)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if layer.groups != 1:
        raise NotApplicable("grouped convolutions are not widened")
    sizes = (_times(layer.in_channels, inner), _times(layer.out_channels, outer), layer.kernel_size)
    shape = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "padding_mode": layer.padding_mode}
    return type(layer)(*sizes, bias=bias, **shape)  # type: ignore[arg-type]


def _times(count: int, factor: float) -> int:
    return max(1, round(count * factor))


def _wider_norm(layer: nn.Module, factor: float) -> nn.Module:
    if isinstance(layer, nn.LayerNorm):
        if len(layer.normalized_shape) != 1:
            raise NotApplicable("a LayerNorm over several axes is not widened")
        return nn.LayerNorm(_times(layer.normalized_shape[0], factor), eps=layer.eps)
    if isinstance(layer, nn.GroupNorm):
        channels = _times(layer.num_channels, factor)
        return nn.GroupNorm(math.gcd(layer.num_groups, channels), channels, eps=layer.eps)
    assert isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)
    return type(layer)(_times(layer.num_features, factor), eps=layer.eps, momentum=layer.momentum)


def _norm(layer: nn.Module, kind: str) -> nn.Module:
    if isinstance(layer, nn.Linear):
        return nn.LayerNorm(layer.out_features) if kind == "layer" else _BatchNormLast(layer.out_features)
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if kind == "layer":
        return nn.GroupNorm(1, layer.out_channels)
    return {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}[type(layer)](layer.out_channels)


class _Residual(nn.Module):
    """A layer and the path around it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.layer(x)
        return out


class _BatchNormLast(nn.BatchNorm1d):
    """Batch norm over the last axis, whatever stands before it: [n, f] and [n, t, f] alike."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return super().forward(input.reshape(-1, input.shape[-1])).reshape(input.shape)


def _shape(output: Any) -> tuple[int, ...]:
    return tuple(output.shape) if isinstance(output, torch.Tensor) else ()
