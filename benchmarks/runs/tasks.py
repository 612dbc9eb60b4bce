"""What is trained: small data sets and nets. Data sets and nets of the test part do not occur in the development part."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Data:
    """Training and validation examples; labels are integers, targets of a regression floats with zero mean and unit variance."""

    x: Tensor
    y: Tensor
    val_x: Tensor
    val_y: Tensor
    outputs: int

    @property
    def classifies(self) -> bool:
        return not self.y.is_floating_point()


@dataclass(frozen=True)
class Knobs:
    """What a fault may turn in a net."""

    width: int = 32
    activation: str = "relu"
    norm: bool = False
    dropout: float = 0.0
    depth: int = 2


@dataclass(frozen=True)
class Task:
    """A data set with a net; ``rate`` is the learning rate that suits Adam there, ``sgd`` the one that suits momentum."""

    name: str
    part: str
    kind: str
    data: Callable[[np.random.Generator], Data]
    net: Callable[[Data, Knobs], nn.Module]
    rate: float
    sgd: float
    steps: int
    batch: int = 32
    knobs: Knobs = Knobs()


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def _block(before: int, after: int, knobs: Knobs) -> list[nn.Module]:
    norm = [nn.LayerNorm(after)] if knobs.norm else []
    drop = [nn.Dropout(knobs.dropout)] if knobs.dropout else []
    return [nn.Linear(before, after), *norm, ACTIVATIONS[knobs.activation](), *drop]


def mlp(data: Data, knobs: Knobs) -> nn.Module:
    """Hidden layers of one width."""
    first = _block(data.x[0].numel(), knobs.width, knobs)
    rest = [layer for _ in range(knobs.depth - 1) for layer in _block(knobs.width, knobs.width, knobs)]
    return nn.Sequential(nn.Flatten(), *first, *rest, nn.Linear(knobs.width, data.outputs))


def linear(data: Data, knobs: Knobs) -> nn.Module:
    """Linear layers alone."""
    inner = [nn.Linear(knobs.width, knobs.width) for _ in range(knobs.depth - 2)]
    return nn.Sequential(nn.Linear(data.x[0].numel(), knobs.width), *inner, nn.Linear(knobs.width, data.outputs))


def residual_mlp(data: Data, knobs: Knobs) -> nn.Module:
    """Hidden layers that add to what passes through."""
    first = _block(data.x[0].numel(), knobs.width, knobs)
    rest = [Residual(nn.Sequential(*_block(knobs.width, knobs.width, knobs))) for _ in range(knobs.depth - 1)]
    return nn.Sequential(nn.Flatten(), *first, *rest, nn.Linear(knobs.width, data.outputs))


def cnn(data: Data, knobs: Knobs) -> nn.Module:
    """Two convolutions, the second with stride 2, then a linear layer."""
    layers: list[nn.Module] = []
    channels = max(1, knobs.width // 4)
    for before, after, stride in ((1, channels, 1), (channels, 2 * channels, 2)):
        layers += [
            nn.Conv2d(before, after, 3, stride, 1),
            *([nn.BatchNorm2d(after)] if knobs.norm else []),
            ACTIVATIONS[knobs.activation](),
        ]
    side = math.ceil(data.x.shape[-1] / 2)
    drop = [nn.Dropout(knobs.dropout)] if knobs.dropout else []
    return nn.Sequential(*layers, nn.Flatten(), *drop, nn.Linear(2 * channels * side * side, data.outputs))


class Recurrent(nn.Module):
    """An embedding or the values themselves, a recurrent layer, a read-out of the last state or of every state."""

    def __init__(self, data: Data, knobs: Knobs, cell: type[nn.RNNBase]) -> None:
        super().__init__()
        self.tokens = not data.x.is_floating_point()
        self.every = data.y.dim() == 2
        features = knobs.width if self.tokens else 1
        self.embed = nn.Embedding(int(data.x.max()) + 1, features) if self.tokens else nn.Identity()
        self.cell = cell(features, knobs.width, batch_first=True)
        self.drop = nn.Dropout(knobs.dropout)
        self.out = nn.Linear(knobs.width, data.outputs)

    def forward(self, x: Tensor) -> Tensor:
        states = self.cell(self.embed(x) if self.tokens else x.unsqueeze(-1))[0]
        return self.out(self.drop(states if self.every else states[:, -1]))


def gru(data: Data, knobs: Knobs) -> nn.Module:
    return Recurrent(data, knobs, nn.GRU)


def lstm(data: Data, knobs: Knobs) -> nn.Module:
    return Recurrent(data, knobs, nn.LSTM)


class Decoder(nn.Module):
    """A causal transformer that predicts every next token."""

    def __init__(self, data: Data, knobs: Knobs) -> None:
        super().__init__()
        length, width = data.x.shape[1], max(4, knobs.width)
        self.embed, self.place = nn.Embedding(data.outputs, width), nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 2, 2 * width, knobs.dropout, batch_first=True, norm_first=knobs.norm)
        self.body = nn.TransformerEncoder(layer, knobs.depth, enable_nested_tensor=False)
        self.out = nn.Linear(width, data.outputs)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.body(self.embed(x) + self.place, mask=self.mask, is_causal=True))


def decoder(data: Data, knobs: Knobs) -> nn.Module:
    return Decoder(data, knobs)


def funnel(data: Data, knobs: Knobs) -> nn.Module:
    """Hidden layers that halve in width, with BatchNorm behind each activation."""
    layers: list[nn.Module] = [nn.Flatten()]
    before, after = data.x[0].numel(), 2 * knobs.width
    for _ in range(knobs.depth):
        layers += [nn.Linear(before, after), ACTIVATIONS[knobs.activation]()]
        layers += [nn.BatchNorm1d(after)] if knobs.norm else []
        layers += [nn.Dropout(knobs.dropout)] if knobs.dropout else []
        before, after = after, max(1, after // 2)
    return nn.Sequential(*layers, nn.Linear(before, data.outputs))


class Attention(nn.Module):
    """A transformer encoder over tokens, values or patches of 3 x 3 pixels, with a read-out of the mean."""

    def __init__(self, data: Data, knobs: Knobs) -> None:
        super().__init__()
        self.tokens, self.image, width = not data.x.is_floating_point(), data.x.dim() == 4, max(4, knobs.width)
        self.embed = nn.Embedding(int(data.x.max()) + 1, width) if self.tokens else nn.Linear(9 if self.image else 1, width)
        self.place = nn.Parameter(0.1 * torch.randn(self._parts(data.x[:1]).shape[1], width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, knobs.dropout, knobs.activation, batch_first=True, norm_first=knobs.norm)
        self.body = nn.TransformerEncoder(layer, knobs.depth, enable_nested_tensor=False)
        self.out = nn.Linear(width, data.outputs)

    def _parts(self, x: Tensor) -> Tensor:
        if self.image:
            return x.unfold(2, 3, 3).unfold(3, 3, 3).flatten(4).flatten(1, 3)
        return x if self.tokens else x.unsqueeze(-1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.body(self.embed(self._parts(x)) + self.place).mean(dim=1))


def attention(data: Data, knobs: Knobs) -> nn.Module:
    return Attention(data, knobs)


class Causal(nn.Module):
    """Causal convolutions with gates that predict every next token: Dauphin et al. 2017."""

    def __init__(self, data: Data, knobs: Knobs) -> None:
        super().__init__()
        width = max(2, knobs.width)
        self.embed, self.out = nn.Embedding(data.outputs, width), nn.Linear(width, data.outputs)
        self.layers = nn.ModuleList(nn.Conv1d(width, 2 * width, 3) for _ in range(knobs.depth))
        self.drop = nn.Dropout(knobs.dropout)

    def forward(self, x: Tensor) -> Tensor:
        state = self.embed(x).mT
        for layer in self.layers:
            state = state + functional.glu(layer(functional.pad(state, (2, 0))), dim=1)
        return self.out(self.drop(state.mT))


def causal(data: Data, knobs: Knobs) -> nn.Module:
    return Causal(data, knobs)


def rnn(data: Data, knobs: Knobs) -> nn.Module:
    return Recurrent(data, knobs, nn.RNN)


def _split(x: np.ndarray, y: np.ndarray, train: int, outputs: int, rng: np.random.Generator) -> Data:
    order = rng.permutation(len(x))
    x, y = x[order], y[order]
    inputs = torch.tensor(x, dtype=torch.float32 if x.dtype.kind == "f" else torch.long)
    targets = torch.tensor(y, dtype=torch.float32 if y.dtype.kind == "f" else torch.long)
    return Data(inputs[:train], targets[:train], inputs[train:], targets[train:], outputs)


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)


def digits(rng: np.random.Generator) -> Data:
    x, y = datasets.load_digits(return_X_y=True)
    return _split(_standard(x), y, 1200, 10, rng)


def digit_images(rng: np.random.Generator) -> Data:
    x, y = datasets.load_digits(return_X_y=True)
    return _split((x.reshape(-1, 1, 8, 8) - 4.9) / 6.0, y, 1200, 10, rng)


def clusters(rng: np.random.Generator) -> Data:
    """Five classes of three overlapping clusters each."""
    x, y = datasets.make_classification(
        2500, 12, n_informative=6, n_classes=5, n_clusters_per_class=3, random_state=int(rng.integers(1 << 30))
    )
    return _split(_standard(x), y, 1500, 5, rng)


def friedman(rng: np.random.Generator) -> Data:
    x, y = datasets.make_friedman1(2500, noise=1.0, random_state=int(rng.integers(1 << 30)))
    return _split(_standard(x), _standard(y), 1500, 1, rng)


def recall(rng: np.random.Generator) -> Data:
    """The token that follows the marker, at the end of a sequence of 10."""
    x = rng.integers(1, 9, (2500, 10))
    at = rng.integers(0, 7, 2500)
    x[np.arange(2500), at] = 0
    return _split(x, x[np.arange(2500), at + 1] - 1, 1500, 8, rng)


def chain_text(rng: np.random.Generator) -> Data:
    """Letters of a second-order Markov chain."""
    letters = 14
    chances = rng.dirichlet(np.full(letters, 0.25), (letters, letters))
    text = [0, 1]
    for draw in rng.random(20_000):
        text.append(min(int(np.searchsorted(chances[text[-2], text[-1]].cumsum(), draw)), letters - 1))
    return _blocks(np.array(text), 12, letters, rng)


def cancer(rng: np.random.Generator) -> Data:
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return _split(_standard(x), y, 369, 2, rng)


def spirals(rng: np.random.Generator) -> Data:
    """Three arms in a plane."""
    y = rng.integers(0, 3, 2200)
    far = rng.random(2200)
    turn = 4.5 * far + y * 2 * np.pi / 3 + 0.12 * rng.standard_normal(2200)
    return _split(_standard(np.stack([far * np.cos(turn), far * np.sin(turn)], axis=1)), y, 1200, 3, rng)


def teacher(rng: np.random.Generator) -> Data:
    """What a random net answers, with noise."""
    x = rng.standard_normal((2500, 10))
    y = np.tanh(x @ rng.standard_normal((10, 16))) @ rng.standard_normal(16) + 0.5 * rng.standard_normal(2500)
    return _split(x, _standard(y), 1500, 1, rng)


def diabetes(rng: np.random.Generator) -> Data:
    x, y = datasets.load_diabetes(return_X_y=True)
    return _split(_standard(x), _standard(y), 292, 1, rng)


def shapes(rng: np.random.Generator) -> Data:
    """A square, a cross, a bar or a corner, somewhere in a noisy image."""
    y = rng.integers(0, 4, 2200)
    x = 0.5 * rng.standard_normal((2200, 1, 12, 12))
    forms = np.zeros((4, 5, 5))
    forms[0, [0, -1], :] = forms[0, :, [0, -1]] = 1
    forms[1, 2, :] = forms[1, :, 2] = 1
    forms[2, 1:4, :] = 1
    forms[3, 0, :] = forms[3, :, 0] = 1
    for image, label, (i, j) in zip(x, y, rng.integers(0, 8, (2200, 2)), strict=True):
        image[0, i : i + 5, j : j + 5] += forms[label]
    return _split(x, y, 1200, 4, rng)


def waves(rng: np.random.Generator) -> Data:
    """The next value of a noisy sine of unknown frequency."""
    t = np.arange(17)
    x = np.sin(rng.uniform(0.2, 1.2, (2200, 1)) * t + rng.uniform(0, 6.3, (2200, 1))) + 0.15 * rng.standard_normal((2200, 17))
    return _split(x[:, :-1], _standard(x[:, -1]), 1200, 1, rng)


def template_text(rng: np.random.Generator) -> Data:
    """Sentences of a small grammar, letter by letter."""
    words = {
        "S": ["the A N V the N. ", "a N V. ", "if the N V, the A N V. "],
        "N": ["cat", "doctor", "loss", "river", "model", "stone"],
        "A": ["old", "red", "tiny", "steep"],
        "V": ["sees", "falls", "holds", "learns", "stops"],
    }
    text = ""
    while len(text) < 20_000:
        text += "".join(rng.choice(words[c]) if c in words else c for c in rng.choice(words["S"]))
    letters = sorted(set(text))
    return _blocks(np.array([letters.index(c) for c in text]), 14, len(letters), rng)


def wine(rng: np.random.Generator) -> Data:
    x, y = datasets.load_wine(return_X_y=True)
    return _split(_standard(x), y, 118, 3, rng)


def shells(rng: np.random.Generator) -> Data:
    """Six nested shells around the origin, with borders that are not sharp."""
    x = rng.standard_normal((2400, 5))
    far = (x**2).sum(axis=1) + 0.4 * rng.standard_normal(2400)
    return _split(x, np.searchsorted(np.quantile(far, np.arange(1, 6) / 6), far), 1400, 6, rng)


def impedance(rng: np.random.Generator) -> Data:
    """The impedance of a circuit: features of very different meaning, a smooth target."""
    x, y = datasets.make_friedman2(2200, noise=60.0, random_state=int(rng.integers(1 << 30)))
    return _split(_standard(x), _standard(y), 1200, 1, rng)


def ripples(rng: np.random.Generator) -> Data:
    """A wavy function of two variables."""
    x = rng.uniform(-1, 1, (2200, 2))
    y = np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1]) + 0.15 * rng.standard_normal(2200)
    return _split(x, _standard(y), 1200, 1, rng)


def stripes(rng: np.random.Generator) -> Data:
    """Stripes in one of six directions under noise."""
    y = rng.integers(0, 6, 2000)
    i, j = np.mgrid[:12, :12]
    turn, phase = (y * np.pi / 6)[:, None, None], rng.uniform(0, 6.3, (2000, 1, 1))
    x = np.sin(1.3 * (np.cos(turn) * i + np.sin(turn) * j) + phase) + 0.9 * rng.standard_normal((2000, 12, 12))
    return _split(x[:, None], y, 1100, 6, rng)


def brackets(rng: np.random.Generator) -> Data:
    """How deep a sequence of 12 brackets is nested, up to 5."""
    x = rng.integers(0, 2, (2400, 12))
    depth = np.maximum(np.maximum.accumulate(np.cumsum(2 * x - 1, axis=1), axis=1)[:, -1], 0)
    return _split(x, np.minimum(depth, 5), 1400, 6, rng)


def sums(rng: np.random.Generator) -> Data:
    """Sums of two numbers written out, digit by digit: 17+5=22;"""
    letters = "0123456789+=;"
    pairs = rng.integers(0, 40, (3000, 2))
    text = "".join(f"{a}+{b}={a + b};" for a, b in pairs)[:20_000]
    return _blocks(np.array([letters.index(c) for c in text]), 16, len(letters), rng)


def layers(rng: np.random.Generator) -> Data:
    """Loud features that say little and quiet ones that say most: the loud are overfitted before the quiet are learned."""
    return _layered(rng, examples=80, loud=60, quiet=6, volume=0.12)


def strata(rng: np.random.Generator) -> Data:
    return _layered(rng, examples=140, loud=100, quiet=4, volume=0.15)


def _layered(rng: np.random.Generator, examples: int, loud: int, quiet: int, volume: float) -> Data:
    """Epoch-wise double descent as in Heckel and Yilmaz 2020: the validation loss falls, rises, and falls again."""
    x = rng.standard_normal((examples + 600, loud + quiet))
    y = x[:, :loud] @ rng.standard_normal(loud) / loud**0.5 + 1.5 * x[:, loud:] @ rng.standard_normal(quiet) / quiet**0.5
    x[:, loud:] *= volume
    return _split(x, _standard(y + 0.5 * rng.standard_normal(len(y))), examples, 1, rng)


def _blocks(text: np.ndarray, length: int, letters: int, rng: np.random.Generator) -> Data:
    count = (len(text) - 1) // length
    x, y = (text[start : start + count * length].reshape(count, length) for start in (0, 1))
    return _split(x, y, count * 2 // 3, letters, rng)


DEVELOPMENT = (
    Task("digits-mlp", "development", "tabular", digits, mlp, 3e-3, 0.05, 900),
    Task("digits-cnn", "development", "image", digit_images, cnn, 3e-3, 0.03, 500),
    Task("clusters-mlp", "development", "tabular", clusters, mlp, 3e-3, 0.05, 1100),
    Task("friedman-mlp", "development", "regression", friedman, mlp, 3e-3, 0.02, 1000),
    Task("recall-gru", "development", "sequence", recall, gru, 5e-3, 0.2, 500, knobs=Knobs(24)),
    Task("chain-decoder", "development", "language", chain_text, decoder, 4e-3, 0.1, 350, 16, Knobs(24, depth=1)),
    Task("chain-gru", "development", "language", chain_text, gru, 8e-3, 0.5, 350, 16, Knobs(24)),
    Task("policy-mlp", "development", "reinforcement", digits, mlp, 3e-3, 0.1, 800),
    Task("layers-linear", "development", "layered", layers, linear, 3e-3, 0.02, 2000, 20),
)
ONCE_TEST = (  # the test part until it had been looked at too often; now development
    Task("cancer-residual", "development", "tabular", cancer, residual_mlp, 2e-3, 0.02, 700, 16, Knobs(24, "gelu", depth=3)),
    Task("spirals-residual", "development", "tabular", spirals, residual_mlp, 5e-3, 0.1, 1000, 32, Knobs(32, "tanh", depth=3)),
    Task("teacher-residual", "development", "regression", teacher, residual_mlp, 3e-3, 0.02, 900, 32, Knobs(32, "gelu", True, depth=3)),
    Task("diabetes-residual", "development", "regression", diabetes, residual_mlp, 2e-3, 0.01, 700, 16, Knobs(16, "tanh", depth=2)),
    Task("shapes-norm-cnn", "development", "image", shapes, cnn, 3e-3, 0.03, 450, 32, Knobs(norm=True)),
    Task("waves-lstm", "development", "sequence", waves, lstm, 5e-3, 0.1, 400, knobs=Knobs(24)),
    Task("template-decoder", "development", "language", template_text, decoder, 3e-3, 0.1, 300, 16, Knobs(24, norm=True, depth=2)),
    Task("template-lstm", "development", "language", template_text, lstm, 8e-3, 0.5, 300, 16, Knobs(24)),
    Task("shapes-policy", "development", "reinforcement", shapes, cnn, 3e-3, 0.03, 500, 32, Knobs(norm=True)),
)
TEST = (
    Task("strata-linear", "test", "layered", strata, linear, 3e-3, 0.02, 1600, 16, Knobs(48, depth=3)),
    Task("wine-funnel", "test", "tabular", wine, funnel, 2e-3, 0.02, 500, 16, Knobs(16, "relu", True)),
    Task("shells-funnel", "test", "tabular", shells, funnel, 3e-3, 0.05, 1000, 32, Knobs(32, "gelu", depth=3)),
    Task("impedance-funnel", "test", "regression", impedance, funnel, 3e-3, 0.02, 800, 32, Knobs(32, "tanh", True)),
    Task("ripples-funnel", "test", "regression", ripples, funnel, 4e-3, 0.1, 900, 32, Knobs(32, "gelu", depth=2)),
    Task("stripes-attention", "test", "image", stripes, attention, 2e-3, 0.03, 300, 32, Knobs(16, depth=1)),
    Task("brackets-attention", "test", "sequence", brackets, attention, 3e-3, 0.02, 400, 32, Knobs(16, "gelu", True, depth=1)),
    Task("sums-causal", "test", "language", sums, causal, 5e-3, 0.2, 300, 16, Knobs(24, depth=3)),
    Task("sums-rnn", "test", "language", sums, rnn, 4e-3, 0.1, 300, 16, Knobs(32)),
    Task("stripes-policy", "test", "reinforcement", stripes, funnel, 3e-3, 0.05, 600, 32, Knobs(24, depth=1)),
)
TASKS = {task.name: task for task in (*DEVELOPMENT, *ONCE_TEST, *TEST)}
