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
