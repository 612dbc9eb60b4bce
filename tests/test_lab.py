"""The lab: any data, any module, a training loop that does what the config says, and edits that keep the shape."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import small_workloads
import torch
from torch import nn

from lossdoctor.core.config import load
from lossdoctor.core.errors import BadConfig, LossDoctorError, NotApplicable, UserCodeError
from lossdoctor.core.fix import Patch
from lossdoctor.core.trial import Effect
from lossdoctor.lab import edits
from lossdoctor.lab.bench import NOTHING, Bench
from lossdoctor.lab.data import TensorSplit, exchanged
from lossdoctor.lab.fit import evaluate, fit
from lossdoctor.lab.judge import Judge
from lossdoctor.lab.workload import Workload
from lossdoctor.train import train

NET = """
import torch
from torch import nn
def build(hidden=16, outputs=3, last=None):
    layers = [nn.Linear(4, hidden), nn.Sigmoid(), nn.Dropout(0.5), nn.Linear(hidden, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs)]
    return nn.Sequential(*layers, *([nn.Softmax(dim=1)] if last else []))
def convolutional():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
def lazy():
    return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))
def frozen():
    net = build()
    for p in net[0].parameters(): p.requires_grad_(False)
    return net
class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.gru, self.out = nn.Embedding(10, 8), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 2)
    def forward(self, tokens):
        return self.out(self.gru(self.embed(tokens))[0][:, -1])
def plain():
    return nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
def broken():
    raise RuntimeError("no weights today")
def number():
    return 3
"""
DATA = """
import numpy as np, torch
from torch.utils.data import Dataset
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 4)).astype("float32"); y = (X @ rng.normal(size=(4, 3))).argmax(1)
def table(): return X, y
def tags(): return X, (X[:, :3] > 0).astype("float32")
def regression(): return X, 1000 * X[:, 0] + 5000
def binary(): return X, (y > 0).astype(int)
def one_hot(): return X, np.eye(3)[y]
def images(): return rng.random((60, 1, 8, 8)), rng.integers(0, 10, 60)
def tokens(): t = rng.integers(0, 10, (80, 5)); return t, (t[:, 0] > 4).astype(int)
class Items(Dataset):
    def __len__(self): return 120
    def __getitem__(self, i): return torch.from_numpy(X[i]), int(y[i])
def items(): return Items()
class Noisy(Items):
    def __getitem__(self, i): return torch.from_numpy(X[i]) + torch.randn(4), int(y[i])
def noisy(): return Noisy()
class Dicts(Items):
    def __getitem__(self, i): return {"features": torch.from_numpy(X[i]), "label": int(y[i])}
def dicts(): return Dicts()
def step(model, batch): return torch.nn.functional.cross_entropy(model(batch["features"]), batch["label"])
clear = (X[:, 0] > 0).astype(int)
odd = clear.copy(); odd[80 + abs(X[80:100, 0]).argmax()] ^= 1
def few(): return X[:80], odd[:80]
def few_odd(): return X[80:100], odd[80:100]
def uneven(): return X, y[:-1]
def words(): return np.array([["a"] * 4] * 20), y[:20]
def raises(): raise OSError("disk on fire")
"""


@pytest.fixture
def make(tmp_path: Path):
    """A config in a fresh folder, from a few words."""
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "data.py").write_text(DATA)

    def write(data: str = "data.py:table", model: str = "net.py:build", training: str = "", extra: str = "") -> Path:
        text = f"model:\n  factory: {model}\ndata:\n  train: {data}\n{extra}training:\n  epochs: 2\n  batch_size: 32\n"
        path = tmp_path / "config.yaml"
        path.write_text(text + "".join(f"  {line}\n" for line in dedent(training).splitlines()))
        return path

    return write


@pytest.mark.parametrize(
    ("data", "model", "training"),
    [
        ("data.py:table", "net.py:build", ""),
        ("data.py:one_hot", "net.py:build", "loss: cross_entropy"),
        ("data.py:images", "net.py:convolutional", ""),
        ("data.py:table", "net.py:lazy", ""),
        ("data.py:table", "net.py:frozen", ""),
        ("data.py:tokens", "net.py:Recurrent", ""),
        ("data.py:tags", "net.py:build", "loss: binary_cross_entropy_with_logits"),
        ("data.py:items", "net.py:build", ""),
        ("data.py:noisy", "net.py:build", ""),
        ("data.py:dicts", "net.py:build", "step: data.py:step"),
        ("data.py:table", "net.py:build", "class_weights: balanced\nscheduler: {name: onecycle}\nclip_grad_norm: 1.0"),
        ("data.py:table", "net.py:build", "sampler: balanced\nscheduler: {name: plateau}\noptimizer: {name: SGD, lr: 0.1, momentum: 0.9}"),
    ],
)
def test_any_data_and_module_trains(make, data: str, model: str, training: str) -> None:
    rows = train(make(data, model, training))
    assert len(rows) == 2
    assert all(math.isfinite(row["val_loss"]) and math.isfinite(row["train_loss"]) for row in rows)


@pytest.mark.parametrize(
    ("data", "model", "training", "error", "words"),
    [
        ("data.py:table", "net.py:broken", "", UserCodeError, ["model.factory", "no weights today", "net.py:"]),
        ("data.py:table", "net.py:number", "", BadConfig, ["returned int"]),
        ("data.py:table", "net.py:bild", "", BadConfig, ["no callable 'bild'"]),
        ("data.py:table", "nothing.py:build", "", BadConfig, ["no file"]),
        ("data.py:raises", "net.py:build", "", UserCodeError, ["disk on fire"]),
        ("data.py:uneven", "net.py:build", "", UserCodeError, ["200", "199"]),
        ("data.py:words", "net.py:build", "", BadConfig, ["not numeric"]),
        ("data.py:images", "net.py:build", "", UserCodeError, ["fails on the data", "[49, 1, 8, 8]"]),
        ("data.py:table", "net.py:build", "loss: cross_entropi", BadConfig, ["did you mean 'cross_entropy'"]),
        ("data.py:table", "net.py:build", "optimizer: {name: adamm}", BadConfig, ["did you mean 'adam'"]),
        ("data.py:table", "net.py:build", "optimizer: {name: adam, momentum: 0.9}", BadConfig, ["momentum"]),
        ("none.csv", "net.py:build", "", BadConfig, ["no file"]),
    ],
)
def test_what_is_wrong_is_one_sentence(make, data: str, model: str, training: str, error: type, words: list[str]) -> None:
    with pytest.raises(error) as caught:
        train(make(data, model, training))
    assert isinstance(caught.value, LossDoctorError)
    for word in words:
        assert word in str(caught.value)


def test_tables(make, tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i % 5},{i % 3},{i},{'yes' if i % 2 else 'no'}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("a,b,c,d,answer\n" + rows)
    workload = Workload.load(load(make("t.csv", extra="  target: answer\n")))
    assert workload.task == "classification"
    assert workload.features == ("a", "b", "c", "d")
    assert len(workload.val) == 12
    with pytest.raises(BadConfig, match=r"'nswer' is no column of t.csv; it has a, b, c, d, answer"):
        Workload.load(load(make("t.csv", extra="  target: nswer\n")))
    with pytest.raises(BadConfig, match=r"column 'answer' of t.csv is not numeric \(it holds 'no'\)"):
        Workload.load(load(make("t.csv", extra="  target: a\n")))


def test_the_same_seed_trains_the_same_and_another_does_not(make) -> None:
    first, again, other = (train(make(), seed=seed)[-1]["val_loss"] for seed in (1, 1, 2))
    assert first == again != other


def test_metrics_of_a_standardized_target_are_in_the_original_units(make) -> None:
    config = make("data.py:regression", training="optimizer: {name: adam, lr: 0.02}")
    config.write_text(
        config.read_text().replace("epochs: 2", "epochs: 30").replace("train: data", "standardize_target: true\n  train: data")
    )
    config.write_text(config.read_text().replace("net.py:build", "net.py:build\n  args: {outputs: 1}"))
    rows = train(config)
    assert rows[0]["val_loss"] > 10_000  # a spread of about 1000, squared
    assert rows[-1]["val_loss"] < rows[0]["val_loss"] / 2


def test_early_stopping_hands_over_the_best_weights(make) -> None:
    config = make(training="early_stopping: {patience: 3}\noptimizer: {name: adam, lr: 0.3}")
    config.write_text(config.read_text().replace("epochs: 2", "epochs: 60"))
    rows = train(config)
    assert len(rows) < 60
    assert rows[-1]["val_loss"] == pytest.approx(min(row["val_loss"] for row in rows))


def test_a_learning_rate_that_blows_up_is_logged_to_the_end(make) -> None:
    rows = train(make(training="optimizer: {name: sgd, lr: 1.0e+38}"))
    assert len(rows) == 2
    assert not math.isfinite(rows[-1]["val_loss"])


def test_a_sample_of_the_validation_examples_is_spread_evenly_over_all(make) -> None:
    """Examples may stand class by class: the first thousand of a million would be of one class."""
    workload = Workload.load(load(make("data.py:images", "net.py:convolutional")))
    model = workload.build(0)
    asked = torch.linspace(0, len(workload.val) - 1, 7).long()
    model.eval()
    with torch.no_grad():
        loss, _ = workload.loss(model, workload.val.batch(asked))
    assert evaluate(workload, model, 7)["val_loss"] == pytest.approx(float(loss), rel=1e-5)
    assert evaluate(workload, model, 10**6) == evaluate(workload, model)


def test_evaluation_leaves_no_trace(make) -> None:
    workload = Workload.load(load(make("data.py:images", "net.py:convolutional")))
    model = workload.build(0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    evaluate(workload, model)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training


def edited(make, edit: dict, model: str = "net.py:build", data: str = "data.py:table") -> tuple[nn.Module, Workload]:
    workload = Workload.load(load(make(data, model)))
    return edits.apply(workload.build(0), [edit], workload.probe_forward), workload


def test_edits_change_what_they_say_and_the_model_still_trains(make) -> None:
    swapped, workload = edited(make, {"swap_activation": "relu"})
    assert [type(m) for m in swapped if isinstance(m, nn.ReLU | nn.Sigmoid)] == [nn.ReLU, nn.ReLU]
    wide, _ = edited(make, {"widen": 4})
    assert wide[0].out_features == 64
    assert workload.probe_forward(wide).shape == (32, 3)
    convolutional, images = edited(make, {"widen": 2}, "net.py:convolutional", "data.py:images")
    assert convolutional[0].out_channels == 8
    assert images.probe_forward(convolutional).shape[1] == 10
    quiet, _ = edited(make, {"set_dropout": 0.1})
    assert quiet[2].p == 0.1
    normed, _ = edited(make, {"insert_norm": "batch"})
    assert any(isinstance(m, nn.BatchNorm1d) for m in normed.modules())
    free, _ = edited(make, {"unfreeze": True}, "net.py:frozen")
    assert all(p.requires_grad for p in free.parameters())


@pytest.mark.parametrize("edit", [{"unfreeze": True}, {"remove_output_activation": True}, {"add_activation": "relu"}])
def test_an_edit_that_has_nothing_to_do_says_so(make, edit: dict) -> None:
    with pytest.raises(NotApplicable):
        edited(make, edit)


def test_an_unknown_edit_names_the_nearest(make) -> None:
    with pytest.raises(BadConfig, match="did you mean 'swap_activation'"):
        edited(make, {"swap_activations": "relu"})


@pytest.mark.parametrize("patience", [1, 3])
def test_early_stopping_is_read_off_the_same_training_without_it(make, patience: int) -> None:
    config = make(training="optimizer: {name: adam, lr: 0.3}")
    config.write_text(config.read_text().replace("epochs: 2", "epochs: 30"))
    file = load(config)
    bench = Bench.open(file, Workload.load(file))
    bench.trial(NOTHING, 0, 1.0)
    before, patch = bench.steps, Patch({"training.early_stopping": {"patience": patience}})
    read = bench.trial(patch, 0, 1.0)
    assert bench.steps == before
    workload = bench.workload.patched(file.patched(patch))
    rows = fit(workload, 0, workload.steps, bench.every).rows
    assert read.steps == rows[-1]["step"] < workload.steps
    assert read.value == rows[-1]["val_loss"]


def test_a_longer_trial_goes_on_where_the_shorter_ended_and_comes_out_the_same(make) -> None:
    file = load(make(training="scheduler: {name: exponential}\nsampler: balanced"))
    piecewise, whole = (Bench.open(file, Workload.load(file)) for _ in range(2))
    for share in (0.25, 0.5, 1.0):
        in_parts = piecewise.trial(NOTHING, 0, share)
    at_once = whole.trial(NOTHING, 0, 1.0)
    assert piecewise.steps == whole.steps == piecewise.workload.steps
    assert in_parts.value == at_once.value
    assert piecewise.trial(NOTHING, 0, 0.5).value == whole.trial(NOTHING, 0, 0.5).value  # what is known is not trained again
    assert whole.spent == pytest.approx(1.0)


@pytest.mark.parametrize("changes", [{"training.optimizer.lr": 0.003}, {"training.early_stopping": {"patience": 3}}])
def test_what_helps_one_odd_example_of_a_few_is_not_proved(make, monkeypatch: pytest.MonkeyPatch, changes: dict) -> None:
    config = make("data.py:few", "net.py:plain", "optimizer: {name: adam, lr: 0.03}", "  val: data.py:few_odd\n")
    config.write_text(config.read_text().replace("epochs: 2", "epochs: 30"))

    def proof() -> Effect | None:
        file = load(config)
        bench = Bench.open(file, Workload.load(file), looks=20)
        before, after = ([bench.trial(patch, seed).value for seed in range(4)] for patch in (NOTHING, Patch(changes)))
        return bench.judge.proof(before, after, led=True)

    assert proof() is None
    monkeypatch.setattr(Workload, "fold", lambda workload, number: workload)
    assert proof() is not None  # on the same few examples with every seed it looks as if it were


def test_folds_hold_out_every_training_example_once_and_keep_the_shares_of_the_classes() -> None:
    train = TensorSplit(torch.arange(90.0)[:, None], torch.tensor([0] * 60 + [1] * 20 + [2] * 10))
    val = TensorSplit(torch.arange(90.0, 108)[:, None], torch.tensor([0] * 12 + [1] * 4 + [2] * 2))
    held = []
    for number in range(1, 6):
        fitted, fold = exchanged(train, val, number)
        assert torch.bincount(fold.y).tolist() == [12, 4, 2]
        assert sorted(torch.cat([fitted.x, fold.x]).flatten().tolist()) == list(range(108))
        held += fold.x.flatten().tolist()
    assert sorted(held) == list(range(90))


@pytest.mark.parametrize(("examples", "length"), [(150, 4), (20, 6)])
def test_many_validation_examples_or_such_of_another_shape_stay_what_they_are(examples: int, length: int) -> None:
    train, val = (np.zeros((400, 4)), np.zeros(400, int)), (np.zeros((examples, length)), np.zeros(examples, int))
    workload = small_workloads.workload(lambda: nn.Linear(4, 2), train, val)
    assert workload.fold(1) is workload


def test_a_training_can_be_ended_by_its_listener(make) -> None:
    workload = Workload.load(load(make()))
    assert fit(workload, 0, steps=10, every=2, on_row=lambda row: row["step"] == 4).steps == 4


def test_the_yardstick_is_a_constant_guess_of_tags_and_of_a_scaled_loss_its_start() -> None:
    x = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    tags = small_workloads.workload(
        lambda: nn.Linear(6, 2), (x, (x[:, :2] > 0).astype(np.float32)), loss="binary_cross_entropy_with_logits"
    )
    assert math.isclose(Judge.for_workload(tags, {"val_loss": 40.0}).scale, math.log(2), rel_tol=0.02)

    def thousandfold(model: nn.Module, batch: Any) -> Any:
        return 1000 * nn.functional.mse_loss(model(batch[0]), batch[1])

    scaled = small_workloads.workload(lambda: nn.Linear(6, 2), (x, x[:, :2]), step=thousandfold)
    assert Judge.for_workload(scaled, {"val_loss": 1300.0}).scale == 1300.0
