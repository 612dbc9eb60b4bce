"""The models of the probe cases."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "none": nn.Identity, "gelu": nn.GELU}
OUTPUTS: dict[str, Any] = {"softmax": lambda: nn.Softmax(dim=1), "sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}


def mlp(
    inputs: int,
    outputs: int,
    hidden: int = 64,
    depth: int = 2,
    activation: str = "relu",
    output: str = "",
    dropout: float = 0.0,
    init: str = "",
    frozen: int = 0,
    norm: bool = False,
) -> nn.Module:
    """A perceptron; ``init`` spoils the weights, ``frozen`` the first so many hidden layers."""
    layers: list[nn.Module] = []
    for index in range(depth):
        layers.append(nn.Linear(inputs if index == 0 else hidden, hidden))
        layers += [nn.BatchNorm1d(hidden)] if norm else []
        layers.append(ACTIVATIONS[activation]())
        layers += [nn.Dropout(dropout)] if dropout else []
    layers.append(nn.Linear(hidden if depth else inputs, outputs))
    layers += [OUTPUTS[output]()] if output else []
    net = nn.Sequential(*layers)
    linear = [module for module in net if isinstance(module, nn.Linear)]
    for layer in linear:
        _spoil(layer, init)
    for layer in linear[:frozen]:
        layer.requires_grad_(False)
    return net


def cnn(
    outputs: int = 10, channels: int = 8, activation: str = "relu", output: str = "", dropout: float = 0.0, norm: bool = False
) -> nn.Module:
    """Two convolutions on 8 x 8 images."""
    act = ACTIVATIONS[activation]
    middle = [nn.BatchNorm2d(channels)] if norm else []
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), *middle, act(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), act(), nn.MaxPool2d(2), nn.Flatten()),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(8 * channels, outputs),
        *([OUTPUTS[output]()] if output else []),
    )


def colour_cnn(
    outputs: int = 3, channels: int = 8, inputs: int = 3, norm: bool = False, momentum: float = 0.1, divide: float = 1.0
) -> nn.Module:
    """Two convolutions over pictures of any size, then a mean over places."""
    norms = [nn.BatchNorm2d(channels, momentum=momentum)] if norm else []
    return nn.Sequential(
        *([Divide(divide)] if divide != 1 else []),
        *(nn.Conv2d(inputs, channels, 3, padding=1), *norms, nn.ReLU()),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        nn.Linear(8 * channels, outputs),
    )


class Divide(nn.Module):
    """Scales its input by a constant."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x / self.by


class Residual(nn.Module):
    """Blocks of LayerNorm and two layers beside a straight path."""

    def __init__(self, inputs: int, outputs: int, hidden: int = 32, blocks: int = 4) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden)) for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


class Lstm(nn.Module):
    """An LSTM over [n, t, f]; where ``batch_first`` is off it takes the examples for time."""

    def __init__(self, inputs: int = 2, hidden: int = 24, outputs: int = 2, layers: int = 1, batch_first: bool = True) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, layers, batch_first=batch_first)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


class Odd(nn.Module):
    """A perceptron that does one thing wrong in ``forward``."""

    def __init__(self, inputs: int, outputs: int, hidden: int = 64, wrong: str = "", momentum: float = 0.1, gain: float = 1.0) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, outputs)
        self.norm = nn.BatchNorm1d(hidden, momentum=momentum) if wrong == "norm" else nn.Identity()
        self.wrong = wrong
        for layer in (self.first, self.second, self.last) if gain != 1 else ():
            nn.init.normal_(layer.weight, 0, gain / layer.in_features**0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = x.t().reshape(x.shape) if self.wrong == "reshape" else x
        x = torch.relu(self.norm(self.first(x)))
        match self.wrong:
            case "batch_softmax":
                x = torch.softmax(x, dim=0)
            case "batch_mean":
                x = x - x.mean(dim=0)
            case "dropout":
                x = nn.functional.dropout(x, 0.5)
            case "detach":
                x = x.detach()
            case "log":
                x = torch.log(x)
            case "root":
                x = torch.sqrt(x.square().sum(dim=1, keepdim=True) - x.square().sum(dim=1, keepdim=True)) + x
        return self.last(torch.relu(self.second(x)))


def deep_rnn(inputs: int = 2, hidden: int = 24, outputs: int = 2, scale: float = 1.0) -> nn.Module:
    """A plain recurrent net whose recurrent weights are drawn ``scale`` times as large."""
    net = PlainRnn(inputs, hidden, outputs)
    with torch.no_grad():
        net.rnn.weight_hh_l0.mul_(scale)
    return net


class PlainRnn(nn.Module):
    """A rectified recurrent net over [n, t, f]."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.RNN(inputs, hidden, batch_first=True, nonlinearity="relu")
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Recurrent(nn.Module):
    """A GRU over sequences [n, t, f]; with ``vocabulary``, over tokens [n, t]."""

    def __init__(self, inputs: int = 3, hidden: int = 16, outputs: int = 2, vocabulary: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, inputs) if vocabulary else nn.Identity()
        self.gru = nn.GRU(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(self.embedding(x))[0][:, -1])


class Attention(nn.Module):
    """A small transformer encoder over tokens [n, t]."""

    def __init__(self, vocabulary: int = 20, dim: int = 32, outputs: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=dropout, batch_first=True)
        self.head = nn.Linear(dim, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.embedding(x)).mean(dim=1))


def _spoil(layer: nn.Linear, init: str) -> None:
    with torch.no_grad():
        match init:
            case "zeros":
                layer.weight.zero_()
                layer.bias.zero_()
            case "constant":
                layer.weight.fill_(0.1)
                layer.bias.zero_()
            case "huge":
                layer.weight.normal_(0, 5)
            case "tiny":
                layer.weight.normal_(0, 1e-4)
                layer.bias.zero_()
            case "dead":
                layer.bias.fill_(-10.0)
