"""The models of the probe cases."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "none": nn.Identity, "gelu": nn.GELU}
OUTPUTS: dict[str, Any] = {
    "softmax": lambda: nn.Softmax(dim=1),
    "sigmoid": nn.Sigmoid,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "softsign": nn.Softsign,
}


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


def photo_cnn(
    outputs: int = 2, norm: bool = False, dropout: float = 0.0, output: str = "", activation: str = "relu", zero: bool = False
) -> nn.Module:
    """Three convolutions on 3 x 16 x 16 pictures; ``zero`` spoils the first."""
    layers: list[nn.Module] = []
    for inputs, channels in ((3, 16), (16, 32), (32, 32)):
        layers.append(nn.Conv2d(inputs, channels, 3, padding=1))
        layers += [nn.BatchNorm2d(channels)] if norm else []
        layers += [nn.Softmax(dim=1) if activation == "softmax" else ACTIVATIONS[activation](), nn.MaxPool2d(2)]
        layers += [nn.Dropout(dropout)] if dropout else []
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, outputs), *([OUTPUTS[output]()] if output else []))
    if zero:
        nn.init.zeros_(net[0].weight)
        nn.init.zeros_(net[0].bias)
    return net


def signal_cnn(channels: int = 7, outputs: int = 3, length: int = 40, activation: str = "relu", output: str = "") -> nn.Module:
    """Two convolutions along time [n, c, t]."""
    return nn.Sequential(
        *(nn.Conv1d(channels, 32, 5, padding=2), ACTIVATIONS[activation](), nn.MaxPool1d(2)),
        *(nn.Conv1d(32, 32, 5, padding=2), ACTIVATIONS[activation](), nn.MaxPool1d(2), nn.Flatten()),
        *(nn.Linear(32 * (length // 4), 32), nn.ReLU(), nn.Linear(32, outputs), *([OUTPUTS[output]()] if output else [])),
    )


class EachStep(nn.Module):
    """A GRU with an output at every step [n, t, f]."""

    def __init__(self, inputs: int = 1, hidden: int = 24, outputs: int = 1, output: str = "") -> None:
        super().__init__()
        self.gru, self.head, self.output = nn.GRU(inputs, hidden, 2, batch_first=True), nn.Linear(hidden, outputs), output

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.gru(x)[0])
        return {"softmax": lambda: x.softmax(dim=-1), "sigmoid": x.sigmoid}.get(self.output, lambda: x)()


class Quadratic(nn.Module):
    """a x^2 + b x + c, from zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.terms = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.terms[0] * x**2 + self.terms[1] * x + self.terms[2]


def sum_of_squares(output: Tensor, target: Tensor) -> Tensor:
    """A loss that grows with the batch."""
    return ((output.reshape(target.shape) - target) ** 2).sum()


class Clipped(nn.Module):
    """A wide layer and a linear output, clipped as Keras does before its binary cross entropy; the first may be frozen."""

    def __init__(self, inputs: int, hidden: int = 300, frozen: bool = True, sigmoid: bool = False) -> None:
        super().__init__()
        self.first, self.last, self.sigmoid = nn.Linear(inputs, hidden), nn.Linear(hidden, 1), sigmoid
        self.first.requires_grad_(not frozen)

    def forward(self, x: Tensor) -> Tensor:
        x = self.last(torch.relu(self.first(x)))
        return x.sigmoid() if self.sigmoid else x.clamp(1e-7, 1 - 1e-7)


class Blind(nn.Module):
    """A GRU over padded tokens [n, t] that reads its answer from the place it should not: always padding, or behind a wrong mask."""

    def __init__(self, vocabulary: int = 40, hidden: int = 32, outputs: int = 2, wrong: str = "") -> None:
        super().__init__()
        self.embedding, self.head, self.wrong = nn.Embedding(vocabulary, hidden), nn.Linear(hidden, outputs), wrong

    def forward(self, x: Tensor) -> Tensor:
        known = (x == 0 if self.wrong == "mask" else x != 0)[..., None]
        return self.head((self.embedding(x) * known).sum(dim=1) / known.sum(dim=1).clamp(min=1))


class Masked(nn.Module):
    """A transformer encoder over padded tokens [n, t] that masks the padding, in attention and in its mean."""

    def __init__(self, vocabulary: int = 40, dim: int = 32, outputs: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim, padding_idx=0)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.1, batch_first=True), 2)
        self.head = nn.Linear(dim, outputs)

    def forward(self, x: Tensor) -> Tensor:
        padding = x == 0
        hidden = self.encoder(self.embedding(x), src_key_padding_mask=padding)
        return self.head(hidden.masked_fill(padding[..., None], 0.0).sum(dim=1) / (~padding).sum(dim=1, keepdim=True))


class Recommender(nn.Module):
    """Dot products of embeddings of two kinds of things [n, 2], and their biases."""

    def __init__(self, things: int = 100, dim: int = 8) -> None:
        super().__init__()
        self.embedding, self.bias = nn.Embedding(things, dim), nn.Embedding(things, 1)
        nn.init.normal_(self.embedding.weight, 0, 0.3)
        nn.init.zeros_(self.bias.weight)

    def forward(self, x: Tensor) -> Tensor:
        both = self.embedding(x)
        return both.prod(dim=1).sum(dim=1) + self.bias(x).sum(dim=(1, 2))


def hourglass(inputs: int = 64, narrow: int = 16) -> nn.Module:
    """An autoencoder."""
    return nn.Sequential(
        *(nn.Linear(inputs, 48), nn.ReLU(), nn.Linear(48, narrow), nn.ReLU()),
        *(nn.Linear(narrow, 48), nn.ReLU(), nn.Linear(48, inputs)),
    )


def tuned(outputs: int = 2, learned: bool = True) -> nn.Module:
    """A head on frozen convolutions, which come from elsewhere where ``learned`` and otherwise are as they were drawn."""
    body = nn.Sequential(nn.Conv2d(3, 24, 5, stride=2), nn.ReLU(), nn.Conv2d(24, 32, 3, stride=2), nn.ReLU(), nn.Flatten())
    if learned:  # oriented edges and colours, as the first layers of trained nets hold, and an orthogonal mixture of them
        rows, columns = torch.meshgrid(torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 5), indexing="ij")
        turns = torch.arange(24) * (torch.pi / 24)
        waves = torch.cos(3 * (turns.cos()[:, None, None] * rows + turns.sin()[:, None, None] * columns) + turns[:, None, None])
        colours = torch.eye(3)[torch.arange(24) % 3]
        body[0].weight.data = waves[:, None] * colours[:, :, None, None] / 6
        body[0].bias.data.zero_()
        generator = torch.Generator().manual_seed(7)
        body[2].weight.data = torch.randn(32, 24, 3, 3, generator=generator) / 216**0.5 * 1.4
        body[2].bias.data.zero_()
    body.requires_grad_(False)
    return nn.Sequential(body, nn.Linear(128, outputs))


class Talker(nn.Module):
    """A small causal language model that takes and gives what those of Hugging Face do."""

    def __init__(self, vocabulary: int = 30, dim: int = 48, length: int = 16) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, dim), nn.Embedding(length, dim)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, batch_first=True, norm_first=True), 2)
        self.head = nn.Linear(dim, vocabulary, bias=False)
        nn.init.normal_(self.words.weight, 0, 0.02)
        self.head.weight = self.words.weight

    def forward(self, input_ids: Tensor, labels: Tensor) -> dict[str, Tensor]:
        length = input_ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.words(input_ids) + self.places(torch.arange(length))
        logits = self.head(self.blocks(x, mask=mask, is_causal=True))
        loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        return {"loss": loss, "logits": logits}


def talk(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """The loss that a model of Hugging Face gives with its output."""
    return model(**batch)["loss"]


class Half(nn.Module):
    """A perceptron whose middle runs in half precision; ``gain`` is what makes it overflow."""

    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.first, self.middle, self.last, self.gain = nn.Linear(inputs, 64), nn.Linear(64, 64), nn.Linear(64, outputs), gain

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x)) * self.gain
        x = nn.functional.linear(x.half(), self.middle.weight.half(), self.middle.bias.half()).square()
        return self.last(x.float() / self.gain**2)


def tower(inputs: int, outputs: int, depth: int = 40, hidden: int = 64, residual: bool = False) -> nn.Module:
    """Many layers by Kaiming's rule, on a straight path or beside one."""
    return Tower(inputs, outputs, depth, hidden, residual)


class Tower(nn.Module):
    """See ``tower``."""

    def __init__(self, inputs: int, outputs: int, depth: int, hidden: int, residual: bool) -> None:
        super().__init__()
        self.first, self.last, self.residual = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs), residual
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(depth))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for layer in self.layers:
            x = x + layer(torch.relu(x)) / len(self.layers) if self.residual else torch.relu(layer(x))
        return self.last(x)


class NormedAway(nn.Module):
    """A perceptron over one feature that normalizes it over itself, which leaves nothing of it."""

    def __init__(self, hidden: int = 32, norm: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(1) if norm else nn.Identity()
        self.net = nn.Sequential(nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self.norm(x))


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
