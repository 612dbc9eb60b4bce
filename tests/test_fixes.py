"""Each fix mends the fault that it is for: small trainings of a config as it is and with the patch, over the same seeds."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_workloads import Arrays, classes, numbers, workload
from torch import Tensor, nn

from lossdoctor.core import discover
from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.config import Config, load
from lossdoctor.core.errors import BadConfig, NotApplicable
from lossdoctor.core.fix import Patch, Settings
from lossdoctor.lab import edits
from lossdoctor.lab.augment import augment
from lossdoctor.lab.fit import fit
from lossdoctor.lab.workload import Workload
from lossdoctor.train import train

FIXES = {fix.code: fix for fix in discover.fixes()}
SEEDS = (0, 1)
ADAM = {"name": "adam", "lr": 0.01}


def mlp(*sizes: int, act: type[nn.Module] = nn.ReLU, norm: Callable[[int], nn.Module] = nn.Identity) -> Callable[[], nn.Module]:
    """A chain of linear layers with a norm and an activation between them."""

    def build() -> nn.Module:
        hidden = [m for a, b in itertools.pairwise(sizes[:-1]) for m in (nn.Linear(a, b), norm(b), act())]
        return nn.Sequential(*[m for m in hidden if not isinstance(m, nn.Identity)], nn.Linear(*sizes[-2:]))

    return build


def flat() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(100, 64), nn.ReLU(), nn.Linear(64, 3))


def missing() -> Arrays:
    x, y = classes()
    x[np.random.default_rng(0).random(len(x)) < 0.05, 0] = np.nan
    return x, y


def wild() -> Arrays:
    """One value in a hundred of the first feature is a thousand times as large."""
    x, y = numbers()
    x[np.random.default_rng(0).random(len(x)) < 0.01, 0] *= 1e3
    return x, y


def uneven(examples: int = 1200) -> Arrays:
    random = np.random.default_rng(0)
    y = (random.random(examples) < 0.05).astype(int)
    x = random.normal(size=(examples, 6)).astype(np.float32)
    x[:, 0] += 1.5 * y
    return x, y


def few(count: int = 100) -> dict[str, Arrays]:
    """A hundred training examples with every fifth label drawn at random, and clean ones for validation."""
    x, y = classes(3, 10, count + 300)
    random = np.random.default_rng(1)
    bad = random.random(len(y)) < 0.2
    bad[count:] = False
    return held_out((x, np.where(bad, random.integers(0, 3, len(y)), y)), count)


def curved(count: int = 80) -> dict[str, Arrays]:
    """Two classes parted by a parabola, with every fifth training label wrong."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count + 300, 5)).astype(np.float32)
    bad = random.random(len(x)) < 0.2
    bad[count:] = False
    return held_out((x, (bad ^ (x[:, 0] + 0.5 * x[:, 1] ** 2 > 0.3)).astype(int)), count)


def sparse() -> Arrays:
    """Forty features of which three tell the target."""
    random = np.random.default_rng(0)
    x = random.normal(size=(360, 40)).astype(np.float32)
    return x, (x[:, :3] @ [[1.0], [-1.0], [0.5]] + 0.3 * random.normal(size=(360, 1))).astype(np.float32)


def shapes(examples: int = 300) -> Arrays:
    """Pictures of a bar, a column or a square somewhere in the noise."""
    random = np.random.default_rng(0)
    y, at = random.integers(0, 3, examples), random.integers(1, 8, (examples, 2))
    x = 0.3 * random.normal(size=(examples, 1, 10, 10)).astype(np.float32)
    for image, label, (a, b) in zip(x, y, at, strict=True):
        image[0, slice(a - (label == 1), a + (1, 3, 2)[label]), slice(b - (label == 0), b + (3, 1, 2)[label])] += 1.5
    return x, y


def product() -> Arrays:
    x = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    return x, x[:, :1] * x[:, 1:2]


def valley() -> Arrays:
    """A linear task that is ten times as steep in one direction as in others."""
    x = (np.random.default_rng(0).normal(size=(400, 6)) * [1, 0.3, 0.3, 0.1, 0.1, 0.1]).astype(np.float32)
    return x, (0.3 * x @ [[1], [3], [-3], [8], [-8], [8]]).astype(np.float32)


def blurred() -> Arrays:
    x, y = numbers()
    return x, (y + 0.7 * np.random.default_rng(3).normal(size=y.shape)).astype(np.float32)


def far() -> Arrays:
    x, y = numbers()
    return x, y + 50


def held_out(data: Arrays, count: int) -> dict[str, Arrays]:
    x, y = data
    return {"train": (x[:count], y[:count]), "val": (x[count:], y[count:])}


def overfitting(**more: Any) -> dict[str, Any]:
    return {"build": mlp(10, 64, 64, 3), **few(), "epochs": 30, "batch_size": 32, "optimizer": ADAM} | more


def rattling(lr: float, epochs: int, batch_size: int = 8) -> dict[str, Any]:
    return {"build": mlp(6, 16, 1), "train": blurred(), "epochs": epochs, "batch_size": batch_size, "optimizer": {"name": "sgd", "lr": lr}}


DECAYED = ADAM | {"weight_decay": 1e-5}
BROKEN = {"build": mlp(6, 16, 3), "train": classes(), "epochs": 10}
LINEAR = {"build": lambda: nn.Sequential(nn.LazyLinear(1))}
DEEP = {"train": classes(), "epochs": 8, "optimizer": {"name": "adam", "lr": 0.003}}

# the fix, the finding that it answers, a training with the fault, and the share of the loss that is left at most
FAULTS: dict[str, tuple[str, str, dict[str, Any], float]] = {
    "missing values": ("FPRE04", "PRE102", {"build": mlp(6, 16, 3), "train": missing(), "epochs": 5, "optimizer": ADAM}, 0.0),
    "outliers": ("FPRE05", "PRE104", {"build": mlp(6, 16, 1), "train": wild(), "epochs": 8, "optimizer": ADAM}, 0.3),
    "far target": ("FINIT03", "PRE105", {"build": mlp(6, 16, 1), "train": far(), "epochs": 3, "optimizer": ADAM}, 0.01),
    "rare class, one epoch": ("FINIT03", "IMB101", {"build": mlp(6, 16, 2), "train": uneven(), "epochs": 1}, 0.5),
    "rare class": ("FIMB03", "IMB101", {"build": mlp(6, 16, 2), "train": uneven(), "epochs": 6, "optimizer": ADAM}, 0.8),
    "deep tanh": ("FINIT02", "ACT104", DEEP | {"build": mlp(6, *[16] * 10, 3, act=nn.Tanh)}, 0.6),
    "deep sigmoid": ("FACT03", "ACT104", DEEP | {"build": mlp(6, *[16] * 10, 3, act=nn.Sigmoid)}, 0.4),
    "very deep": ("FGRAD02", "ACT104", DEEP | {"build": mlp(6, *[16] * 20, 3)}, 0.8),
    "overfitting, smoothing": ("FREG03", "STOP001", overfitting(), 0.85),
    "overfitting, decay": ("FREG02", "STOP001", overfitting(), 0.97),
    "labels smoothed away": ("FREG06", "REG103", BROKEN | {"optimizer": ADAM, "label_smoothing": 0.97}, 0.5),
    "overfitting, L1": (
        "FREG04",
        "REG001",
        {"build": mlp(40, 32, 1), **held_out(sparse(), 80), "epochs": 30, "batch_size": 20, "optimizer": DECAYED},
        0.8,
    ),
    "overfitting, max norm": ("FREG05", "STOP001", overfitting(optimizer=DECAYED), 0.9),
    "overfitting, dropout": ("FDROP02", "STOP001", overfitting(), 0.8),
    "overfitting, noise": ("FAUG02", "STOP001", overfitting(build=mlp(5, 64, 64, 2), **curved()), 0.6),
    "overfitting, mixup": ("FAUG03", "STOP001", overfitting(), 0.85),
    "overfitting, width": ("FCAP03", "REG001", overfitting(build=mlp(10, 256, 3)), 0.85),
    "few pictures": (
        "FAUG01",
        "AUG102",
        {"build": flat, **held_out(shapes(), 60), "epochs": 25, "batch_size": 20, "optimizer": ADAM | {"lr": 0.005}},
        0.7,
    ),
    "noise drowns": ("FAUG04", "AUG101", BROKEN | {"optimizer": ADAM, "data": {"augment": [{"noise": 5.0}]}}, 0.5),
    "no hidden layer": ("FCAP02", "CAP001", LINEAR | {"train": product(), "epochs": 25, "batch_size": 32, "optimizer": ADAM}, 0.7),
    "batches of two": (
        "FNORM02",
        "NORM101",
        {"build": mlp(6, 16, 16, 3, norm=nn.BatchNorm1d), "train": classes(examples=200), "epochs": 3, "batch_size": 2, "optimizer": ADAM},
        0.85,
    ),
    "noisy steps": ("FBATCH03", "BATCH001", rattling(0.25, 6, batch_size=4), 0.95),
    "no warm-up, one cycle": ("FLR06", "LR005", rattling(0.2, 9), 0.95),
    "high at the end, steps": ("FLR07", "LR004", rattling(0.2, 9), 0.95),
    "high at the end, plateau": ("FLR08", "LR004", rattling(0.2, 18) | {"scheduler": {"name": "step", "step_size": 100}}, 0.95),
    "huge epsilon": ("FOPT02", "OPT101", BROKEN | {"optimizer": ADAM | {"eps": 1.0}}, 0.5),
    "long valley": ("FOPT03", "LR002", LINEAR | {"train": valley(), "epochs": 15, "optimizer": {"name": "sgd", "lr": 0.03}}, 0.6),
    "decay through Adam": ("FOPT04", "REG101", BROKEN | {"optimizer": ADAM | {"weight_decay": 0.3}}, 0.5),
    "huge epsilon, RMSprop": ("FOPT05", "OPT101", BROKEN | {"optimizer": {"name": "adam", "lr": 0.001, "eps": 1.0}}, 0.85),
    "huge epsilon, SGD": ("FOPT06", "OPT101", BROKEN | {"optimizer": {"name": "adam", "lr": 0.001, "eps": 1.0}}, 0.85),
}


def made(how: dict[str, Any]) -> Workload:
    return workload(**{"val": None} | how)


def finding(code: str, **evidence: Any) -> Finding:
    return Finding(code, "a-finding", "family", Severity.WARNING, "A finding.", 0.9, evidence=evidence)


def patches(code: str, cause: str, work: Workload, **evidence: Any) -> Iterator[Patch]:
    scarce = {"probe": {"device": "cuda"}}  # a fix that spares memory asks for it
    values = work.config.model_dump() | {"task": work.task, "inputs": work.input_shape} | scarce
    return FIXES[code].propose(Settings(values), finding(cause, **evidence))


def patched(work: Workload, patch: Patch) -> Workload:
    return work.patched(Config.model_validate(patch.apply(work.config.model_dump())))


def loss(work: Workload, seed: int, metric: str) -> float:
    value = fit(work, seed, work.steps, work.steps_per_epoch).rows[-1][metric]
    return value if math.isfinite(value) else math.inf


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fix_mends_what_it_is_for(fault: str) -> None:
    code, cause, how, left = FAULTS[fault]
    assert cause in FIXES[code].cures
    work = made(how)
    metric = "val_balanced_loss" if code == "FIMB03" else "val_loss"
    mended = patched(work, next(patches(code, cause, work)))
    for seed in SEEDS:
        before, after = loss(work, seed, metric), loss(mended, seed, metric)
        assert after < before
        assert math.isinf(before) or after < left * before, f"{before:.4g} -> {after:.4g}"


@pytest.mark.parametrize("code", sorted({code for code, *_ in FAULTS.values()}))
def test_a_fix_that_costs_a_trial_waits_for_its_finding(code: str) -> None:
    how = next(how for known, _, how, _ in FAULTS.values() if known == code)
    assert not list(FIXES[code].propose(Settings(made(how).config.model_dump()), None))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fix_is_not_proposed_twice(fault: str) -> None:
    code, cause, how, _ = FAULTS[fault]
    work = made(how)
    again = patched(work, next(patches(code, cause, work)))
    if not again.config.model.edits and code not in ("FREG02", "FOPT02"):
        assert next(patches(code, cause, work)) not in list(patches(code, cause, again))


def test_all_widths_of_a_model_grow_together_and_nothing_else() -> None:
    arguments = {"hidden_dim": 3, "code": 2, "sizes": [2, 2], "neck": 2, "n_classes": 2, "hidden_layers": 2, "inputs": 64, "bias": True}
    narrow = Finding("CAP102", "", "capacity", Severity.WARNING, 0.6, "", None, None, {"units": 2})
    first, *others = FIXES["FCAP01"].propose(Settings({"model.args": arguments}), narrow)
    assert first.changes == {"model.args.hidden_dim": 12, "model.args.code": 8, "model.args.neck": 8}
    assert {"model.args.code": 8} in [patch.changes for patch in others]
    named = next(FIXES["FCAP01"].propose(Settings({"model.args": {"hidden": [2, 4], "out_dim": 2}}), None))
    assert named.changes == {"model.args.hidden": [8, 16]}


@pytest.mark.parametrize(("norm", "limit", "raised"), [(0.2, 0.001, [1.0]), (40.0, 1.0, [100.0]), (5.0, 1.0, [])])
def test_clipping_far_below_the_usual_norm_is_loosened(norm: float, limit: float, raised: list[float]) -> None:
    clipped = Finding("GRAD003", "", "gradient", Severity.WARNING, 0.8, "", None, None, {"median_norm": norm})
    patches = FIXES["FGRAD03"].propose(Settings({"training": {"clip_grad_norm": limit}}), clipped)
    assert [patch.changes for patch in patches] == [{"training.clip_grad_norm": value} for value in raised]


def test_a_target_that_is_missing_is_not_filled_in() -> None:
    work = made(FAULTS["missing values"][2])
    assert not any(patch.changes for patch in patches("FPRE04", "PRE102", work, columns=["the target"]))


def test_a_config_with_everything_in_it_trains_and_can_be_read(tmp_path: Path) -> None:
    """All keys that fixes write, through the file: written, read, trained."""
    (tmp_path / "user.py").write_text(
        "import numpy as np\nfrom torch import nn\n"
        "def build(): return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))\n"
        "def data():\n    r = np.random.default_rng(0); x = r.normal(size=(90, 4)); x[0, 0] = np.nan; return x, (x[:, 1] > 0).astype(int)\n"
    )
    (tmp_path / "config.yaml").write_text(
        "model:\n  factory: user.py:build  # mine\ndata:\n  train: user.py:data\ntraining:\n  epochs: 2\n  batch_size: 8\n"
    )
    file = load(tmp_path / "config.yaml")
    everything = {
        "data.impute": "mean",
        "data.clip": 0.05,
        "data.standardize": True,
        "data.augment": [{"noise": 0.1}, {"mixup": 0.4}],
        "model.edits": [{"swap_activation": "selu"}, {"initialize": "lecun"}, {"deepen": 1}, {"add_dropout": 0.2}, {"residual": True}],
        "model.output_bias": "prior",
        "training.label_smoothing": 0.1,
        "training.focal": 2.0,
        "training.class_weights": "balanced",
        "training.l1": 1e-4,
        "training.max_norm": 3.0,
        "training.accumulate": 2,
        "training.amp": True,
    }
    file.write(Patch(everything), tmp_path / "fixed.yaml")
    assert "# mine" in (tmp_path / "fixed.yaml").read_text()
    rows = train(tmp_path / "fixed.yaml")
    assert [row["step"] for row in rows] == [4, 8]  # nine batches an epoch, two a step
    assert all(math.isfinite(row["val_loss"]) for row in rows)


# --- what the keys do, number by number -----------------------------------------------------------------------------------


def test_missing_values_and_bounds_come_from_the_training_split_alone() -> None:
    x = np.array([[1.0, 0.0], [2.0, 0.0], [np.inf, 0.0], [3.0, 0.0]] * 50, dtype=np.float32)
    x[::40, 1] = 7.0
    val = np.array([[np.nan, 7.0], [100.0, 0.0]], dtype=np.float32)
    y = np.zeros(200, dtype=int)
    y[::2] = 1
    work = workload(mlp(2, 3, 2), (x, y), (val, y[:2]), data={"impute": "median", "clip": 0.2})
    assert work.val.batch(torch.arange(2))[0][:, 0].tolist() == [2.0, 3.0]  # the median; the upper bound
    assert work.train.batch(torch.arange(4))[0][:, 1].tolist() == [7.0, 0.0, 0.0, 0.0]  # nearly always 0: left alone


@pytest.mark.parametrize("key", ["impute", "clip", "standardize"])
def test_inputs_that_are_no_numbers_are_not_prepared(key: str) -> None:
    tokens = np.arange(80).reshape(20, 4) % 7, np.arange(20) % 2
    work = workload(lambda: nn.Embedding(7, 2), tokens, data={key: {"impute": "median", "clip": 0.1, "standardize": True}[key]})
    with pytest.raises(BadConfig, match=f"data.{key}: needs numeric inputs"):
        _ = work.train


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy_with_logits"])
def test_the_focal_loss_is_that_of_its_paper_and_the_log_shows_the_plain_one(name: str) -> None:
    work = workload(mlp(6, 4, 1 if "binary" in name else 2), uneven(60), loss=name, focal=2.0)
    y = torch.tensor([0, 1, 1])
    scores = torch.tensor([[2.0], [-1.0], [0.5]])
    output = scores if "binary" in name else torch.cat([torch.zeros(3, 1), scores], dim=1)
    one = torch.sigmoid(scores[:, 0])
    given = torch.where(y == 1, one, 1 - one)
    assert work.objective(output, y).item() == pytest.approx(float((-((1 - given) ** 2) * given.log()).mean()), rel=1e-4)
    assert work.criterion(output, y).item() == pytest.approx(float(-given.log().mean()), rel=1e-4)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy_with_logits"])
def test_smoothed_labels_are_met_by_finite_scores(name: str) -> None:
    work = workload(mlp(6, 4, 1 if "binary" in name else 2), uneven(60), loss=name, label_smoothing=0.2)
    scores = torch.tensor([[0.0], [2.1972], [20.0]])  # the second gives 0.9 to the class
    output = scores if "binary" in name else torch.cat([torch.zeros(3, 1), scores], dim=1)
    low, best, high = (work.objective(output[i : i + 1], torch.tensor([1])).item() for i in range(3))
    assert best < low
    assert best < high


@pytest.mark.parametrize(("key", "value"), [("focal", 2.0), ("label_smoothing", 0.1)])
def test_a_loss_without_classes_cannot_be_changed_so(key: str, value: float) -> None:
    work = workload(mlp(6, 4, 1), numbers(), loss="mse_loss", **{key: value})
    with pytest.raises(BadConfig, match=f"training.{key}: mse_loss"):
        work.loss(work.build(0), work.train.batch(torch.arange(4)))


def test_l1_makes_weights_small_and_max_norm_bounds_them() -> None:
    def weights(**training: Any) -> Tensor:
        work = workload(mlp(40, 32, 1), sparse(), epochs=8, optimizer=ADAM, **training)
        return fit(work, 0, work.steps, work.steps).model[0].weight.detach()

    free = weights()
    assert weights(l1=0.01).abs().sum() < 0.5 * free.abs().sum()
    assert weights(max_norm=0.3).norm(dim=1).max() <= 0.3 + 1e-6 < free.norm(dim=1).max()


def test_accumulated_batches_are_one_larger_batch() -> None:
    def weights(**training: Any) -> tuple[int, Tensor]:
        work = workload(mlp(6, 4, 1), numbers(6, 320), epochs=2, shuffle=False, optimizer={"name": "sgd", "lr": 0.1}, **training)
        return work.steps, fit(work, 0, work.steps, work.steps).model[0].weight.detach()

    (steps, apart), (large, together) = weights(batch_size=16, accumulate=4), weights(batch_size=64)
    assert steps == large == 8
    assert torch.allclose(apart, together, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "data", "training", "best"),
    [
        (mlp(6, 4, 2), uneven(), {}, "shares"),
        (lambda: nn.Sequential(nn.Linear(6, 1, bias=False)), uneven(), {"loss": "binary_cross_entropy_with_logits"}, "odds"),
        (mlp(6, 4, 1), far(), {}, "mean"),
    ],
)
def test_the_output_starts_at_the_best_constant(build: Callable[[], nn.Module], data: Arrays, training: dict[str, Any], best: str) -> None:
    work = workload(build, data, **training)
    model = work.patched(work.config.model_copy(update={"model": work.config.model.model_copy(update={"output_bias": "prior"})})).build(0)
    last = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
    y = work.targets.float()
    expected = {"shares": torch.stack([1 - y.mean(), y.mean()]).log(), "odds": y.mean().logit()[None], "mean": y.mean()[None]}[best]
    assert isinstance(last.bias, nn.Parameter)
    assert torch.allclose(last.bias.detach(), expected, atol=1e-4)


def unmixed(y: Tensor) -> Tensor:
    raise AssertionError("only mixup asks for targets that can be mixed")


def test_augmented_pictures_keep_their_shape_and_change() -> None:
    x, y = (torch.from_numpy(part) for part in shapes(20))
    for step in ({"flip": 1.0}, {"shift": 2}, {"crop": 0.6}, {"noise": 0.1}):
        changed, kept = augment((x, y), [step], 3, unmixed)
        assert changed.shape == x.shape
        assert not torch.equal(changed, x)
        assert torch.equal(kept, y)
        assert torch.equal(changed, augment((x, y), [step], 3, unmixed)[0])
    assert torch.allclose(augment((x, y), [{"crop": 1.0}], 0, unmixed)[0], x, atol=1e-4)  # the whole picture
    with pytest.raises(BadConfig, match="crop needs images"):
        augment((x.flatten(1), y), [{"crop": 0.5}], 0, unmixed)


def test_mixed_examples_bear_the_shares_of_their_classes() -> None:
    work = made(BROKEN)
    x, y = torch.eye(3), torch.arange(3)
    mixed, shares = augment((x, y), [{"mixup": 1.0}], 5, work.mixable)
    assert torch.allclose(mixed, shares)  # here an example is its own label
    assert torch.allclose(shares.sum(dim=1), torch.ones(3))
    assert (shares.argmax(dim=1) == y).all()  # its own class has the larger share
    assert ((shares > 0) & (shares < 1)).any()
    indices_only = workload(mlp(6, 4, 3), classes(), loss="multi_margin_loss")
    with pytest.raises(BadConfig, match="mixup: multi_margin_loss takes no shares"):
        indices_only.mixable(y)


# --- edits of models ------------------------------------------------------------------------------------------------------


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.gru, self.out = nn.Embedding(10, 8), nn.GRU(8, 8, num_layers=2, batch_first=True, dropout=0.1), nn.Linear(8, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.gru(self.embed(tokens))[0][:, -1])


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(10, 8), nn.Linear(8, 2)
        self.body = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.body(self.embed(tokens)).mean(dim=1))


def convolutional() -> nn.Module:
    layers = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(100, 3))


class Functional(nn.Module):
    """Activations that are no modules."""

    def __init__(self, last: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.last, self.ends = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3), last

    def forward(self, x: Tensor) -> Tensor:
        x = self.last(torch.tanh(self.second(self.first(x).tanh())))
        return x.tanh() if self.ends else x


class Reaching(nn.Module):
    """A model that reads the weights of its own layer, which is not there any more where another module stands in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(self.last(self.first(x)), self.last.weight.T[:3, :3])


def tokens() -> Arrays:
    x = np.random.default_rng(0).integers(0, 10, (80, 5))
    return x, (x[:, 0] > 4).astype(int)


KINDS: dict[str, tuple[Callable[[], nn.Module], Arrays]] = {
    "mlp": (mlp(6, 16, 16, 3, act=nn.Tanh, norm=nn.BatchNorm1d), classes()),
    "cnn": (convolutional, shapes(80)),
    "rnn": (Recurrent, tokens()),
    "transformer": (Transformer, tokens()),
}
APPLY: dict[str, list[tuple[dict[str, Any], type[nn.Module], int]]] = {  # edits, and how many modules of a kind the model has then
    "mlp": [
        ({"deepen": 2}, nn.Linear, 5),
        ({"add_dropout": 0.3}, nn.Dropout, 2),
        ({"residual": True}, edits._Residual, 1),
        ({"swap_norm": "group"}, nn.GroupNorm, 2),
        ({"swap_activation": "prelu"}, nn.PReLU, 2),
        ({"widen": 0.25}, nn.Linear, 3),
        ({"initialize": "orthogonal"}, nn.Linear, 3),
    ],
    "cnn": [
        ({"deepen": 1}, nn.Linear, 2),
        ({"add_dropout": 0.3}, nn.Dropout, 1),
        ({"residual": True}, edits._Residual, 1),
        ({"swap_norm": "group"}, nn.GroupNorm, 1),
        ({"swap_activation": "gelu"}, nn.GELU, 2),
        ({"initialize": "lecun"}, nn.Conv2d, 2),
    ],
    "rnn": [({"deepen": 1}, nn.Linear, 2), ({"add_dropout": 0.3}, nn.Dropout, 1)],
    "transformer": [({"swap_activation": "gelu"}, nn.GELU, 1), ({"deepen": 1}, nn.Linear, 8), ({"add_dropout": 0.3}, nn.Dropout, 6)],
}
CANNOT = {
    "mlp": [{"set_dropout": 0.1}],
    "cnn": [{"widen": 0.3}],  # the flattened picture has another size
    "rnn": [{"residual": True}, {"swap_norm": "group"}, {"swap_activation": "elu"}, {"widen": 0.5}],
    "transformer": [{"residual": True}, {"swap_norm": "group"}, {"widen": 0.5}],
}


def built(kind: str) -> tuple[Workload, nn.Module]:
    work = workload(*KINDS[kind], epochs=2, batch_size=16)
    return work, work.build(0)


@pytest.mark.parametrize(("kind", "edit", "module", "count"), [(kind, *case) for kind, cases in APPLY.items() for case in cases])
def test_an_edit_keeps_what_a_model_is(kind: str, edit: dict[str, Any], module: type[nn.Module], count: int) -> None:
    work, model = built(kind)
    shape = work.probe_forward(model).shape
    before = {id(p): p.detach().clone() for p in model.parameters()}
    edits.apply(model, [edit], work.probe_forward)
    assert sum(isinstance(m, module) for m in model.modules()) == count
    assert work.probe_forward(model).shape == shape
    assert all(m.training for m in model.modules())
    if "initialize" not in edit:  # what is still there is as it was
        assert all(torch.equal(p, before[id(p)]) for p in model.parameters() if id(p) in before)
    model.eval()
    assert not any(m.training for m in model.modules())
    assert torch.equal(work.probe_forward(model), work.probe_forward(model))
    changed = work.patched(work.config.model_copy(update={"model": work.config.model.model_copy(update={"edits": [edit]})}))
    start = changed.build(1)
    end = fit(changed, 1, changed.steps, changed.steps).model
    moved = [not torch.equal(a, b) for a, b in zip(start.parameters(), end.parameters(), strict=True)]
    assert all(moved)


@pytest.mark.parametrize(("kind", "edit"), [(kind, edit) for kind, cases in CANNOT.items() for edit in cases])
def test_what_cannot_be_edited_says_so_and_stays(kind: str, edit: dict[str, Any]) -> None:
    work, model = built(kind)
    with pytest.raises(NotApplicable):
        edits.apply(model, [edit], work.probe_forward)


def test_activations_that_are_functions_are_swapped_in_copies_too_and_only_in_the_model() -> None:
    work = workload(Functional, classes())
    model = work.build(0)
    x = work.train.batch(torch.arange(4))[0]
    expected = model.last(torch.relu(model.second(torch.relu(model.first(x)))))
    edits.apply(model, [{"swap_activation": "relu"}], work.probe_forward)
    assert torch.equal(model(x), expected)
    assert torch.equal(copy.deepcopy(model)(x), expected)
    with pytest.raises(RuntimeError, match="shapes"):
        model(x[:, :3])
    assert not torch.equal(torch.tanh(x), torch.relu(x))  # outside of it nothing is changed
    sloped = edits.apply(work.build(0), [{"swap_activation": "prelu"}], work.probe_forward)
    sloped(x).sum().backward()
    assert sloped.swapped_activation.weight.grad is not None


def test_an_output_that_goes_through_a_function_is_not_told_from_hidden_ones() -> None:
    work = workload(lambda: Functional(last=True), classes())
    with pytest.raises(NotApplicable, match="in hidden layers alone"):
        edits.apply(work.build(0), [{"swap_activation": "relu"}], work.probe_forward)


def test_a_model_that_reads_its_own_layers_is_not_deepened() -> None:
    work = workload(Reaching, classes())
    with pytest.raises(NotApplicable, match="the deepened model does not run"):
        edits.apply(work.build(0), [{"deepen": 1}], work.probe_forward)


def test_deepening_a_wide_last_layer_would_make_another_model() -> None:
    work = workload(lambda: nn.Linear(400, 3), classes(3, 400))
    model = nn.Sequential(work.build(0))
    with pytest.raises(NotApplicable, match=r"160,400 weights; the model has 1,203"):
        edits.apply(model, [{"deepen": 1}], work.probe_forward)


def test_a_path_leads_around_layer_norm_and_activation() -> None:
    work, model = built("mlp")
    x = work.train.batch(torch.arange(8))[0]
    model.eval()
    with torch.no_grad():
        inner = model[:3](x)
        expected = model[6](inner + model[3:6](inner))
        edits.apply(model, [{"residual": True}], work.probe_forward)
        assert torch.allclose(model(x), expected)


def test_a_norm_without_the_batch_keeps_scale_and_shift_and_gives_each_example_its_own() -> None:
    work, model = built("cnn")
    nn.init.normal_(model[1].weight)
    scale = model[1].weight.detach().clone()
    edits.apply(model, [{"swap_norm": "group"}], work.probe_forward)
    assert torch.equal(model[1].weight, scale)
    x = work.train.batch(torch.arange(8))[0]
    assert torch.allclose(model(x)[:1], model(x[:1]), atol=1e-5)


def test_dropout_is_raised_where_it_is_and_added_where_none_is() -> None:
    layers = [nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)]
    work = workload(lambda: nn.Sequential(*layers), classes())
    model = work.build(0)
    edits.apply(model, [{"add_dropout": 0.4}], work.probe_forward)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.4, 0.4]
    with pytest.raises(NotApplicable, match=r"drops 0.2 of its inputs already"):
        edits.apply(model, [{"add_dropout": 0.2}], work.probe_forward)
